"""Readers: `tf.TextLineReader` and its kin, which take names of files from a queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar, with_rank
from retrograph.io.records import TFRecordOptions
from retrograph.ops.host_readers import (
    HostFixedLengthReader,
    HostIdentityReader,
    HostReader,
    HostRecordReader,
    HostTextLineReader,
    HostWholeFileReader,
)
from retrograph.runtime.state import Ref


@export("ReaderBase")
class ReaderBase:
    """What all readers share. Source: TF 1.15 `tf.ReaderBase`."""

    def __init__(self, reader_ref: Tensor, supports_serialize: bool = False):
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Tensor:
        """The handle."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the reader can save its state."""
        return self._supports_serialize

    def _apply(self, op_type: str, name: str | None, **arguments: Any) -> Any:
        version = "V2" if self._reader_ref.dtype == dtypes.resource else ""
        queue = arguments.pop("queue", None)
        if queue is not None:
            handle = queue if isinstance(queue, Tensor) else queue.queue_ref
            arguments["queue_handle"] = handle if version else apply_op("FakeQueue", None, resource=handle)
        return apply_op(op_type + version, name, reader_handle=self._reader_ref, **arguments)

    def read(self, queue: Any, name: str | None = None) -> Any:
        """The next record, key and value: string[] both. Takes names of files from `queue` as needed.

        When it runs, OutOfRangeError: the queue is closed and empty. Source: TF 1.15 `tf.ReaderBase.read`.
        """
        return self._apply("ReaderRead", name, queue=queue)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """Up to so many records of one file, keys and values: string[n] both.

        Source: TF 1.15 `tf.ReaderBase.read_up_to`.
        """
        return self._apply("ReaderReadUpTo", name, queue=queue, num_records=num_records)

    def num_records_produced(self, name: str | None = None) -> Any:
        """How many records were given: i64[]. Source: TF 1.15 `tf.ReaderBase.num_records_produced`."""
        return self._apply("ReaderNumRecordsProduced", name)

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """How many files were read to their end: i64[]. Source: TF 1.15 `tf.ReaderBase.num_work_units_completed`."""
        return self._apply("ReaderNumWorkUnitsCompleted", name)

    def serialize_state(self, name: str | None = None) -> Any:
        """The state as string[]. When it runs, UnimplementedError if the reader cannot.

        Source: TF 1.15 `tf.ReaderBase.serialize_state`.
        """
        return self._apply("ReaderSerializeState", name)

    def restore_state(self, state: Any, name: str | None = None) -> Any:
        """An operation that sets the state. Source: TF 1.15 `tf.ReaderBase.restore_state`."""
        return self._apply("ReaderRestoreState", name, state=state)

    def reset(self, name: str | None = None) -> Any:
        """An operation after which the reader is as new. Source: TF 1.15 `tf.ReaderBase.reset`."""
        return self._apply("ReaderReset", name)


@export("WholeFileReader")
class WholeFileReader(ReaderBase):
    """Gives whole files, by their names. Source: TF 1.15 `tf.WholeFileReader`."""

    def __init__(self, name: str | None = None):
        super().__init__(apply_op("WholeFileReaderV2", name), supports_serialize=True)


@export("IdentityReader")
class IdentityReader(ReaderBase):
    """Gives the names that it takes. Source: TF 1.15 `tf.IdentityReader`."""

    def __init__(self, name: str | None = None):
        super().__init__(apply_op("IdentityReaderV2", name), supports_serialize=True)


@export("TextLineReader")
class TextLineReader(ReaderBase):
    """Gives the lines of files, by name and number. Source: TF 1.15 `tf.TextLineReader`."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None):
        super().__init__(apply_op("TextLineReaderV2", name, skip_header_lines=skip_header_lines or 0))


@export("FixedLengthRecordReader")
class FixedLengthRecordReader(ReaderBase):
    """Gives pieces of `record_bytes`, every `hop_bytes`, between a header and a footer.

    Source: TF 1.15 `tf.FixedLengthRecordReader`.
    """

    def __init__(
        self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
        hop_bytes: int | None = None, name: str | None = None, encoding: str | None = None,
    ):  # fmt: skip
        reader = apply_op(
            "FixedLengthRecordReaderV2",
            name,
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
        )
        super().__init__(reader)


@export("TFRecordReader")
class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files. Source: TF 1.15 `tf.TFRecordReader`."""

    def __init__(self, name: str | None = None, options: Any = None):
        kind = TFRecordOptions.get_compression_type_string(options)
        super().__init__(apply_op("TFRecordReaderV2", name, compression_type=kind))


# ---- rows


def _make(kind: type[HostReader]) -> Callable[..., Any]:
    def run(op: Operation, ctx: Any) -> Ref:
        ref = Ref(op)
        ctx.resources.find_or_make(ref.key, lambda number: kind(op, number))
        return ref

    return run


def _strings(values: list[bytes]) -> Any:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def _string(value: bytes) -> Any:
    return _strings([value]).reshape(())


def _reader(ctx: Any, ref: Ref) -> HostReader:
    found: HostReader = ctx.resources[ref.key]
    return found


def _read(op: Operation, ctx: Any, reader: Ref, queue: Ref) -> tuple[Any, Any]:
    key, value = _reader(ctx, reader).read(ctx, ctx.resources[queue.key])
    return _string(key), _string(value)


def _read_up_to(op: Operation, ctx: Any, reader: Ref, queue: Ref, count: Any) -> tuple[Any, Any]:
    records = _reader(ctx, reader).read_up_to(ctx, ctx.resources[queue.key], int(count))
    return _strings([k for k, _ in records]), _strings([v for _, v in records])


def _restore(op: Operation, ctx: Any, reader: Ref, state: Any) -> tuple[()]:
    _reader(ctx, reader).restore(np.asarray(state, object).reshape(-1)[0])
    return ()


def _reset(op: Operation, ctx: Any, reader: Ref) -> tuple[()]:
    _reader(ctx, reader).reset()
    return ()


def _two(c: ShapeContext) -> list[Shape]:
    return [(2,)]


def _two_scalars(c: ShapeContext) -> list[Shape]:
    return [(), ()]


def _two_vectors(c: ShapeContext) -> list[Shape]:
    return [(None,), (None,)]


def _state_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    return no_outputs(c)


for _kind in (
    HostIdentityReader,
    HostWholeFileReader,
    HostTextLineReader,
    HostRecordReader,
    HostFixedLengthReader,
):
    register_op(_kind.kind + "V2", shape=scalar, numpy=_make(_kind), host=True, effect=True, gradient=NO_GRADIENT)
    register_op(_kind.kind, shape=_two, numpy=_make(_kind), host=True, effect=True, gradient=NO_GRADIENT)

_ROWS: dict[str, tuple[Any, Any]] = {
    "ReaderRead": (_two_scalars, _read),
    "ReaderReadUpTo": (_two_vectors, _read_up_to),
    "ReaderNumRecordsProduced": (scalar, lambda op, ctx, r: np.int64(_reader(ctx, r).produced)),
    "ReaderNumWorkUnitsCompleted": (scalar, lambda op, ctx, r: np.int64(_reader(ctx, r).finished)),
    "ReaderSerializeState": (scalar, lambda op, ctx, r: _string(_reader(ctx, r).state())),
    "ReaderRestoreState": (_state_shape, _restore),
    "ReaderReset": (no_outputs, _reset),
}
for _op_type, (_rule, _run) in _ROWS.items():
    for _version in ("", "V2"):
        register_op(
            _op_type + _version, shape=_rule, numpy=_run, host=True, effect=True, waits=True, gradient=NO_GRADIENT
        )
register_op("FakeQueue", shape=_two, numpy=lambda op, ctx, handle: handle, host=True, effect=True, gradient=NO_GRADIENT)
