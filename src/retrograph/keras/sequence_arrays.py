"""`tf.keras.preprocessing.sequence`: sequences as arrays, pairs of words, windows of series."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from retrograph.framework.exports import export
from retrograph.keras.sequences import Sequence


@export("keras.preprocessing.sequence.pad_sequences")
def pad_sequences(
    sequences: Any,
    maxlen: Any = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences as rows of one array, filled and cut to one length.

    >>> pad_sequences([[1], [2, 3]])
    array([[0, 1],
           [2, 3]], dtype=int32)

    Raises ValueError: no sequences, or unknown sides. Source: TF 1.15 `tf.keras.preprocessing.sequence.pad_sequences`.
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError("`sequences` must be iterable.")
    for row in sequences:
        if not hasattr(row, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {row}")
    shape = next((np.asarray(row).shape[1:] for row in sequences if len(row)), ())
    text = np.issubdtype(dtype, np.str_) if dtype is not object else False
    if isinstance(value, str) and dtype is not object and not text:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set `dtype=object` for variable length strings."
        )
    length = int(np.max([len(row) for row in sequences])) if maxlen is None else maxlen
    made: np.ndarray = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for i, row in enumerate(sequences):
        if len(row):
            kept = np.asarray(_cut(row, length, truncating), dtype=dtype)
            if kept.shape[1:] != shape:
                raise ValueError(
                    f"Shape of sample {kept.shape[1:]} of sequence at position {i} is different from expected shape {shape}"
                )
            made[i, _place(len(kept), padding)] = kept
    return made


def _cut(row: Any, length: int, side: str) -> Any:
    if side not in ("pre", "post"):
        raise ValueError(f'Truncating type "{side}" not understood')
    return row[-length:] if side == "pre" else row[:length]


def _place(length: int, side: str) -> slice:
    if side not in ("pre", "post"):
        raise ValueError(f'Padding type "{side}" not understood')
    return slice(None, length) if side == "post" else slice(-length, None)


@export("keras.preprocessing.sequence.make_sampling_table")
def make_sampling_table(size: int, sampling_factor: float = 1e-05) -> np.ndarray:
    """How likely the word of each rank is kept. Source: TF 1.15 `tf.keras.preprocessing.sequence.make_sampling_table`."""
    rank = np.arange(size)
    rank[0] = 1
    rarity = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    f = sampling_factor * rarity
    table: np.ndarray = np.minimum(1.0, f / np.sqrt(f))
    return table


@export("keras.preprocessing.sequence.skipgrams")
def skipgrams(
    sequence: Any, vocabulary_size: int, window_size: int = 4, negative_samples: float = 1.0, shuffle: bool = True, categorical: bool = False, sampling_table: Any = None,
    seed: Any = None,
) -> Any:  # fmt: skip
    """(pairs of words, whether they stand near each other). Source: TF 1.15 `tf.keras.preprocessing.sequence.skipgrams`."""
    pairs = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        window = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        pairs += [[word, sequence[j]] for j in window if j != i and sequence[j]]
    right, wrong = ([0, 1], [1, 0]) if categorical else (1, 0)
    labels: list[Any] = [right] * len(pairs)
    if negative_samples > 0:
        count = int(len(labels) * negative_samples)
        words = [pair[0] for pair in pairs]
        random.shuffle(words)
        pairs += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [wrong] * count
    if shuffle:
        seed = random.randint(0, int(10e6)) if seed is None else seed
        for items in (pairs, labels):
            random.seed(seed)
            random.shuffle(items)
    return pairs, labels


@export("keras.preprocessing.sequence.TimeseriesGenerator")
class TimeseriesGenerator(Sequence):
    """Batches of windows of a series and what comes after. Source: TF 1.15 `tf.keras.preprocessing.sequence.TimeseriesGenerator`."""

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0, end_index: Any = None, shuffle: bool = False, reverse: bool = False,
        batch_size: int = 128,
    ):  # fmt: skip
        if len(data) != len(targets):
            raise ValueError(
                f"Data and targets have to be of same length. Data length is {len(data)} while target length is {len(targets)}"
            )
        self.data, self.targets, self.length, self.sampling_rate = data, targets, length, sampling_rate
        self.stride, self.start_index, self.shuffle, self.reverse = stride, start_index + length, shuffle, reverse
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is disallowed, as no part of the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return int((self.end_index - self.start_index + step) // step)

    def __getitem__(self, index: int) -> Any:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1, ...] if self.reverse else samples), targets
