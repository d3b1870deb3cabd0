"""`tensorflow.examples.tutorials.mnist.input_data`: MNIST from its four files, in the batches of TF 1.15.

The files are looked for in `train_dir` and downloaded there if they are missing, as TF did.
"""

from __future__ import annotations

import gzip
import os
import struct
import urllib.error
import urllib.request
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import dtypes, errors, seeds

DEFAULT_SOURCE_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
_IMAGES, _LABELS = 2051, 2049
_FILES = {"train": "train-{}-idx{}-ubyte.gz", "test": "t10k-{}-idx{}-ubyte.gz"}


def _local_file(name: str, folder: str, source_url: str) -> str:
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    try:
        urllib.request.urlretrieve(source_url + name, path)
    except (urllib.error.URLError, OSError) as error:
        raise errors.NotFoundError(None, None, f"{path} is not there, and {source_url + name} cannot be had: {error}")
    print("Successfully downloaded", name, os.path.getsize(path), "bytes.")
    return path


def _read_idx(path: str, magic: int, kind: str) -> Any:
    """The bytes of an IDX file: `u8[n]`, or `u8[n, rows, columns]`."""
    print("Extracting", path)
    with gzip.open(path, "rb") as file:
        (found,) = struct.unpack(">I", file.read(4))
        if found != magic:
            raise ValueError(f"Invalid magic number {found} in MNIST {kind} file: {path}")
        rank = found % 256
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), dtype=np.uint8).reshape(shape)


def dense_to_one_hot(labels_dense: Any, num_classes: int) -> Any:
    """`f64[n, num_classes]` with a one at each label."""
    return np.eye(num_classes)[labels_dense.ravel()]


class DataSet:
    """Images and labels, given out in shuffled batches by `next_batch`.

    Seeds NumPy's global generator, from which it shuffles, as TF did.
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        fake_data: bool = False,
        one_hot: bool = False,
        dtype: Any = dtypes.float32,
        reshape: bool = True,
        seed: int | None = None,
    ):
        seed1, seed2 = seeds.get_seed(seed)
        np.random.seed(seed1 if seed is None else seed2)
        dtype = dtypes.as_dtype(dtype).base_dtype
        if dtype not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        self.one_hot = one_hot
        if not fake_data:
            if images.shape[0] != labels.shape[0]:
                raise AssertionError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
            images = images.reshape(len(images), -1) if reshape else images
            images = images.astype(np.float32) * np.float32(1.0 / 255.0) if dtype == dtypes.float32 else images
        self._num_examples = 10000 if fake_data else len(images)
        self._images = images
        self._labels = labels
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self) -> Any:
        """The images in their present order."""
        return self._images

    @property
    def labels(self) -> Any:
        """The labels in their present order."""
        return self._labels

    @property
    def num_examples(self) -> int:
        """How many there are."""
        return self._num_examples

    @property
    def epochs_completed(self) -> int:
        """How often all were given out."""
        return self._epochs_completed

    def _shuffle(self) -> None:
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images, self._labels = self._images[order], self._labels[order]

    def next_batch(self, batch_size: int, fake_data: bool = False, shuffle: bool = True) -> Any:
        """(images, labels) of the next examples; a batch may run over the end into the next epoch."""
        if fake_data:
            label = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch += batch_size
            return self._images[start : self._index_in_epoch], self._labels[start : self._index_in_epoch]
        self._epochs_completed += 1
        images, labels = self._images[start:], self._labels[start:]
        if shuffle:
            self._shuffle()
        self._index_in_epoch = batch_size - len(images)
        rest_images, rest_labels = self._images[: self._index_in_epoch], self._labels[: self._index_in_epoch]
        return np.concatenate((images, rest_images)), np.concatenate((labels, rest_labels))


class Datasets(NamedTuple):
    """What `read_data_sets` gives."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: str,
    fake_data: bool = False,
    one_hot: bool = False,
    dtype: Any = dtypes.float32,
    reshape: bool = True,
    validation_size: int = 5000,
    seed: int | None = None,
    source_url: str = DEFAULT_SOURCE_URL,
) -> Datasets:
    """Training, validation and test images: `f32[n, 784]` in 0..1, labels `u8[n]` or one-hot `f64[n, 10]`.

    Raises NotFoundError if a file is not in `train_dir` and cannot be downloaded.
    Source: TF 1.15 `tensorflow.examples.tutorials.mnist.input_data.read_data_sets`.
    """
    if fake_data:
        return Datasets(*(DataSet([], [], True, one_hot, dtype, seed=seed) for _ in range(3)))
    url = source_url or DEFAULT_SOURCE_URL
    read = {}
    for part, pattern in _FILES.items():
        images = _read_idx(_local_file(pattern.format("images", 3), train_dir, url), _IMAGES, "image")
        labels = _read_idx(_local_file(pattern.format("labels", 1), train_dir, url), _LABELS, "label")
        read[part] = images[..., None], dense_to_one_hot(labels, 10) if one_hot else labels
    images, labels = read["train"]
    if not 0 <= validation_size <= len(images):
        raise ValueError(f"Validation size should be between 0 and {len(images)}. Received: {validation_size}.")
    parts = (
        (images[validation_size:], labels[validation_size:]),
        (images[:validation_size], labels[:validation_size]),
        read["test"],
    )
    return Datasets(*(DataSet(*part, dtype=dtype, reshape=reshape, seed=seed) for part in parts))
