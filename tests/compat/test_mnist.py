"""`tensorflow.examples.tutorials.mnist.input_data` on small files of its own."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import mnist


def _write(folder: Path) -> None:
    for tag, count in (("train", 12), ("t10k", 4)):
        images = (np.arange(count * 784) % 256).astype(np.uint8)
        with gzip.open(folder / f"{tag}-images-idx3-ubyte.gz", "wb") as file:
            file.write(struct.pack(">4I", 2051, count, 28, 28) + images.tobytes())
        with gzip.open(folder / f"{tag}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(struct.pack(">2I", 2049, count) + (np.arange(count) % 10).astype(np.uint8).tobytes())


def test_the_parts(tmp_path: Path) -> None:
    _write(tmp_path)
    data = mnist.read_data_sets(str(tmp_path), one_hot=True, validation_size=2)
    assert [part.num_examples for part in data] == [10, 2, 4]
    assert data.train.images.shape == (10, 784)
    assert data.train.images.dtype == np.float32
    assert data.train.images.max() == 1.0
    assert data.test.labels.tolist() == np.eye(10)[:4].tolist()


def test_batches_run_over_the_end(tmp_path: Path) -> None:
    _write(tmp_path)
    train = mnist.read_data_sets(str(tmp_path), validation_size=2, reshape=False, seed=3).train
    labels = [int(label) for _ in range(5) for label in train.next_batch(4)[1]]
    assert train.epochs_completed == 1
    assert sorted(labels[:10]) == sorted(labels[10:]) == sorted(n % 10 for n in range(2, 12))
    assert train.next_batch(4)[0].shape == (4, 28, 28, 1)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match=r"train-images-idx3-ubyte\.gz is not there"):
        mnist.read_data_sets(str(tmp_path / "none"), source_url="file:///nowhere/")
