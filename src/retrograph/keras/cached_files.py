"""`tf.keras.utils.get_file` and `tf.keras.datasets`: files that are in `~/.keras` already; nothing is fetched."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import tarfile
import zipfile
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.keras.state import image_data_format

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_IMDB = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_REUTERS = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"


def _hash_of(path: str, algorithm: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@export("keras.utils.get_file")
def get_file(
    fname: str, origin: str, untar: bool = False, md5_hash: Any = None, file_hash: Any = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto", extract: bool = False,
    archive_format: Any = "auto", cache_dir: Any = None,
) -> str:  # fmt: skip
    """The path of a file in the cache (`~/.keras/datasets`); a `file://` origin is read where it is.

    Raises UnimplementedError: the file is not there (nothing is fetched over the network); ValueError: another hash.
    Source: TF 1.15 `tf.keras.utils.get_file`.
    """
    directory = os.path.join(cache_dir or os.path.join(os.path.expanduser("~"), ".keras"), cache_subdir)
    path = os.path.join(directory, fname) + (".tar.gz" if untar else "")
    unpacked = os.path.join(directory, fname)
    if origin.startswith("file://") and not os.path.exists(path):
        path = origin.removeprefix("file://")
    if not os.path.exists(path):
        if untar and os.path.isdir(unpacked):
            return unpacked
        raise errors.UnimplementedError(
            None,
            None,
            f"{origin} is not fetched: Retrograph opens no network connections. Put the file at {path} yourself.",
        )
    _check_hash(path, file_hash or md5_hash, hash_algorithm if file_hash else "md5")
    if untar or extract:
        _unpack(path, directory)
    return unpacked if untar else path


def _check_hash(path: str, wanted: Any, algorithm: str) -> None:
    if wanted is None:
        return
    kind = ("sha256" if len(wanted) == 64 else "md5") if algorithm == "auto" else algorithm
    if _hash_of(path, kind) != wanted:
        raise ValueError(
            f"Incomplete or corrupted file detected. The {kind} file hash does not match the provided value of {wanted}: {path}"
        )


def _unpack(path: str, directory: str) -> None:
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(directory, filter="data")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(directory)


@export("keras.datasets.mnist.load_data")
def mnist(path: str = "mnist.npz") -> Any:
    """((images, labels), (test images, test labels)) of MNIST, from the cache. Source: TF 1.15 `tf.keras.datasets.mnist.load_data`."""
    digest = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    with np.load(get_file(path, origin=_ORIGIN + "mnist.npz", file_hash=digest)) as f:
        return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])


@export("keras.datasets.fashion_mnist.load_data")
def fashion_mnist() -> Any:
    """((images, labels), (test images, test labels)) of Fashion-MNIST, from the cache. Source: TF 1.15 `tf.keras.datasets.fashion_mnist.load_data`."""
    found = []
    for kind in ("train", "t10k"):
        arrays = []
        for name, offset in (("labels-idx1", 8), ("images-idx3", 16)):
            file = f"{kind}-{name}-ubyte.gz"
            path = get_file(file, origin=_ORIGIN + file, cache_subdir=os.path.join("datasets", "fashion-mnist"))
            with gzip.open(path, "rb") as opened:
                arrays.append(np.frombuffer(opened.read(), np.uint8, offset=offset))
        labels, pixels = arrays
        found.append((pixels.reshape(len(labels), 28, 28), labels))
    return tuple(found)


class _Arrays(pickle.Unpickler):
    """Reads pickles of arrays, and runs nothing else that they name."""

    def find_class(self, module: str, name: str) -> Any:
        """The few names that arrays need."""
        if (module.split(".")[0], name) in (("numpy", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")):
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"{module}.{name} in a file of arrays")


def _cifar_batch(path: str, key: str) -> tuple[np.ndarray, Any]:
    with open(path, "rb") as file:
        rows = _Arrays(file, encoding="bytes").load()
    data = rows[b"data"]
    return data.reshape(data.shape[0], 3, 32, 32), rows[key.encode()]


def _cifar(pairs: list[tuple[Any, Any]]) -> Any:
    images = np.concatenate([p[0] for p in pairs])
    labels = np.reshape(np.concatenate([np.asarray(p[1]) for p in pairs]), (-1, 1))
    return images.transpose(0, 2, 3, 1) if image_data_format() == "channels_last" else images, labels


@export("keras.datasets.cifar10.load_data")
def cifar10() -> Any:
    """((images, labels), (test images, test labels)) of CIFAR-10, from the cache. Source: TF 1.15 `tf.keras.datasets.cifar10.load_data`."""
    digest = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    origin = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    path = get_file("cifar-10-batches-py", origin=origin, untar=True, file_hash=digest)
    batches = [_cifar_batch(os.path.join(path, f"data_batch_{i}"), "labels") for i in range(1, 6)]
    x, y = _cifar(batches)
    x_test, y_test = _cifar([_cifar_batch(os.path.join(path, "test_batch"), "labels")])
    return (x, y.astype("uint8")), (x_test, y_test.astype(x_test.dtype))


@export("keras.datasets.cifar100.load_data")
def cifar100(label_mode: str = "fine") -> Any:
    """((images, labels), (test images, test labels)) of CIFAR-100, from the cache. Source: TF 1.15 `tf.keras.datasets.cifar100.load_data`."""
    if label_mode not in ("fine", "coarse"):
        raise ValueError('`label_mode` must be one of `"fine"`, `"coarse"`.')
    digest = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
    origin = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    path = get_file("cifar-100-python", origin=origin, untar=True, file_hash=digest)
    key = label_mode + "_labels"
    return tuple(_cifar([_cifar_batch(os.path.join(path, kind), key)]) for kind in ("train", "test"))


def _shuffled(x: Any, y: Any) -> tuple[Any, Any]:
    order = np.arange(len(x))
    np.random.shuffle(order)
    return x[order], y[order]


def _words(
    xs: Any, labels: Any, num_words: Any, skip_top: int, maxlen: Any, start: Any, oov: Any, index_from: Any
) -> tuple[Any, Any]:
    """Sequences of words by rank as TF's loaders give them: with a start, moved up, cut, rare words replaced."""
    if start is not None:
        xs = [[start] + [w + index_from for w in x] for x in xs]
    elif index_from:
        xs = [[w + index_from for w in x] for x in xs]
    if maxlen:
        kept = [(x, y) for x, y in zip(xs, labels, strict=True) if len(x) < maxlen]
        if not kept:
            raise ValueError(
                f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase maxlen."
            )
        xs, labels = [x for x, _ in kept], [y for _, y in kept]
    top = num_words or max(max(x) for x in xs)
    if oov is not None:
        return [[w if skip_top <= w < top else oov for w in x] for x in xs], labels
    return [[w for w in x if skip_top <= w < top] for x in xs], labels


def _ragged(rows: Any) -> np.ndarray:
    made = np.empty(len(rows), dtype=object)
    made[:] = rows
    return made


@export("keras.datasets.imdb.load_data")
def imdb(
    path: str = "imdb.npz", num_words: Any = None, skip_top: int = 0, maxlen: Any = None, seed: int = 113, start_char: Any = 1, oov_char: Any = 2, index_from: Any = 3, **kwargs: Any,
) -> Any:  # fmt: skip
    """((reviews, labels), (test reviews, test labels)) of IMDB, from the cache. Source: TF 1.15 `tf.keras.datasets.imdb.load_data`."""
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError("Unrecognized keyword arguments: " + str(kwargs))
    # The rows are pickled objects: they are only read from the very file that the hash names.
    with np.load(get_file(path, origin=_ORIGIN + "imdb.npz", file_hash=_IMDB), allow_pickle=True) as f:
        parts = [f[key] for key in ("x_train", "y_train", "x_test", "y_test")]
    np.random.seed(seed)
    x, y = _shuffled(parts[0], parts[1])
    x_test, y_test = _shuffled(parts[2], parts[3])
    at = len(x)
    rows, labels = _words(
        np.concatenate([x, x_test]), np.concatenate([y, y_test]), num_words, skip_top, maxlen, start_char, oov_char, index_from
    )  # fmt: skip
    return (_ragged(rows[:at]), np.array(labels[:at])), (_ragged(rows[at:]), np.array(labels[at:]))


@export("keras.datasets.reuters.load_data")
def reuters(
    path: str = "reuters.npz", num_words: Any = None, skip_top: int = 0, maxlen: Any = None, test_split: float = 0.2, seed: int = 113, start_char: Any = 1, oov_char: Any = 2,
    index_from: Any = 3, **kwargs: Any,
) -> Any:  # fmt: skip
    """((newswires, labels), (test newswires, test labels)) of Reuters, from the cache. Source: TF 1.15 `tf.keras.datasets.reuters.load_data`."""
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError("Unrecognized keyword arguments: " + str(kwargs))
    with np.load(get_file(path, origin=_ORIGIN + "reuters.npz", file_hash=_REUTERS), allow_pickle=True) as f:
        x, y = f["x"], f["y"]
    np.random.seed(seed)
    rows, labels = _words(*_shuffled(x, y), num_words, skip_top, maxlen, start_char, oov_char, index_from)
    at = int(len(rows) * (1 - test_split))
    return (_ragged(rows[:at]), np.array(labels[:at])), (_ragged(rows[at:]), np.array(labels[at:]))


@export("keras.datasets.boston_housing.load_data")
def boston_housing(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Any:
    """((rows, prices), (test rows, test prices)), from the cache. Source: TF 1.15 `tf.keras.datasets.boston_housing.load_data`."""
    digest = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    with np.load(get_file(path, origin=_ORIGIN + "boston_housing.npz", file_hash=digest)) as f:
        x, y = f["x"], f["y"]
    np.random.seed(seed)
    x, y = _shuffled(x, y)
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])


def _index(path: str, origin: str, digest: str) -> Any:
    with open(get_file(path, origin=_ORIGIN + origin, file_hash=digest), encoding="utf-8") as file:
        return json.load(file)


@export("keras.datasets.imdb.get_word_index")
def imdb_word_index(path: str = "imdb_word_index.json") -> Any:
    """Word -> rank, from the cache. Source: TF 1.15 `tf.keras.datasets.imdb.get_word_index`."""
    return _index(path, "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


@export("keras.datasets.reuters.get_word_index")
def reuters_word_index(path: str = "reuters_word_index.json") -> Any:
    """Word -> rank, from the cache. Source: TF 1.15 `tf.keras.datasets.reuters.get_word_index`."""
    return _index(path, "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
