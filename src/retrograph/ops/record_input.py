"""`tf.contrib.framework.RecordInput`: batches of records of files, shuffled, without end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape_rules import unknown
from retrograph.io.records import TFRecordCompressionType, TFRecordOptions, read_records
from retrograph.ops import array
from retrograph.ops.joining import split
from retrograph.platform.gfile import glob


@export("contrib.framework.RecordInput")
class RecordInput:
    """Yields records of the files that match a pattern, in an order drawn anew each epoch.

    With `batches` they come as that many lists. Raises, when it runs: NotFoundError: no file matches.
    Source: TF 1.15 `tf.contrib.framework.RecordInput`.
    """

    def __init__(
        self, file_pattern: Any, batch_size: int = 1, buffer_size: int = 1, parallelism: int = 1, shift_ratio: float = 0,
        seed: int = 0, name: str | None = None, batches: int | None = None, compression_type: Any = None,
    ):  # fmt: skip
        self._batches, self._name = batches, name
        self._batch_size = batch_size * (1 if batches is None else batches)
        kind = TFRecordCompressionType.NONE if compression_type is None else compression_type
        self._attrs = {
            "file_pattern": file_pattern, "file_buffer_size": buffer_size, "file_parallelism": parallelism,
            "file_shuffle_shift_ratio": shift_ratio, "file_random_seed": seed, "batch_size": self._batch_size,
            "compression_type": TFRecordOptions.get_compression_type_string(TFRecordOptions(kind)),
        }  # fmt: skip

    def get_yield_op(self) -> Tensor | list[list[Tensor]]:
        """string[batch], or the batches as lists of scalars."""
        records: Tensor = apply_op("RecordInput", self._name, **self._attrs)
        if self._batches is None:
            return records
        with name_scope(self._name):
            parts = [array.reshape(part, []) for part in split(records, self._batch_size, 0)]
            return [parts[i :: self._batches] for i in range(self._batches)]


class _Source:
    """The records of an operation."""

    def __init__(self, op: Any):
        attrs = op.attrs
        self._compression = attrs["compression_type"].decode()
        self._shift, self._seed = attrs["file_shuffle_shift_ratio"], attrs["file_random_seed"]
        self._room = max(int(attrs["file_buffer_size"]), 1)
        self._files = sorted(glob(attrs["file_pattern"].decode()))
        if not self._files:
            raise errors.NotFoundError(None, op, f"Found no files at {attrs['file_pattern'].decode()}")
        self._random = np.random.RandomState(self._seed & 0xFFFFFFFF)
        self._records = self._shuffled()
        self._lock = threading.Lock()

    def _shuffled(self) -> Iterator[bytes]:
        held: list[bytes] = []
        for record in self._in_order():
            held.append(record)
            if len(held) >= self._room:
                yield self._drawn(held)

    def _drawn(self, held: list[bytes]) -> bytes:
        at = self._random.randint(len(held))
        held[at], held[-1] = held[-1], held[at]
        return held.pop()

    def _in_order(self) -> Iterator[bytes]:
        """Epoch after epoch; each begins at another file if there is a shift."""
        epoch, empty = 0, True
        while True:
            files = list(self._files)
            np.random.RandomState((self._seed + epoch) & 0xFFFFFFFF).shuffle(files)
            first = int(epoch * self._shift * len(files)) % len(files)
            for file in files[first:] + files[:first]:
                for record in read_records(file, self._compression):
                    empty = False
                    yield record
            if empty:
                return
            epoch += 1

    def batch(self, op: Any) -> Any:
        """The next records. Raises: OutOfRangeError: the files have none."""
        with self._lock:
            found = [record for record, _ in zip(self._records, range(op.attrs["batch_size"]), strict=False)]
        if len(found) < op.attrs["batch_size"]:
            raise errors.OutOfRangeError(None, op, "the files have no records")
        made = np.empty(len(found), object)
        made[:] = found
        return made


def _yielded(op: Any, ctx: Any) -> Any:
    source: _Source = ctx.resources.find_or_make(("record input", op.name), lambda number: _Source(op))
    return source.batch(op)


register_op("RecordInput", shape=unknown, numpy=_yielded, host=True, effect=True, gradient=NO_GRADIENT)


@export("user_ops.my_fact")
def my_fact() -> Tensor:
    """The operation that shows how operations are added. Source: TF 1.15 `tf.user_ops.my_fact`."""
    return apply_op("Fact", None)  # type: ignore[no-any-return]


register_op("Fact", shape=unknown, numpy=lambda op: np.array(b"0! == 1", object), host=True, gradient=NO_GRADIENT)
