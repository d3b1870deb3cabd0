"""The operations of `tf.contrib.summary`: a session's writers of event files, and what is written by them.

A writer is an object that the session keeps under the name of its handle.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors, wire
from retrograph.framework.messages import message_class
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation
from retrograph.framework.shape_rules import no_outputs, scalar
from retrograph.ops.summaries import (
    audio_summary,
    histogram_summary,
    image_summary,
    scalar_summary,
    summary_values,
    tensor_summary,
    text_of,
)
from retrograph.platform import gfile
from retrograph.runtime.state import Ref

_GRAPH_DEF, _SUMMARY = 4, 5


class FileWriter:
    """A queue of serialized events, written to a file when there are more than `max_queue`, or after a time."""

    _waiting: list[bytes] = []

    def __init__(self, logdir: str, max_queue: int, flush_millis: int, suffix: str):
        from retrograph.summary.events import EventsFile

        if not os.path.isdir(logdir):
            gfile.makedirs(logdir)
        self._max_queue, self._flush_millis = max_queue, flush_millis
        self._file = EventsFile(logdir, suffix)
        self._file.open()
        self._waiting = []
        self._flushed = time.monotonic()
        self._lock = threading.Lock()
        _OPEN.add(self)

    def add(self, event: bytes) -> None:
        """Adds a serialized event."""
        with self._lock:
            self._waiting.append(event)
            late = (time.monotonic() - self._flushed) * 1000 > self._flush_millis
            if late or len(self._waiting) > self._max_queue:
                self._flush()

    def flush(self) -> None:
        """Writes all that waits."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        for event in self._waiting:
            self._file.write(event)
        self._waiting.clear()
        self._file.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Writes all that waits and closes the file."""
        self.flush()
        self._file.close()
        _OPEN.discard(self)

    def __del__(self) -> None:
        if self._waiting:
            self.close()


_OPEN: weakref.WeakSet[FileWriter] = weakref.WeakSet()


@atexit.register
def _flush_open_writers() -> None:
    for writer in list(_OPEN):
        writer.flush()


# ---- handles


def _key(ref: Ref) -> tuple[str, Any]:
    return ("summary writer", ref.key)


def _home(ctx: Any) -> dict[Any, Any]:
    """Where the session keeps objects, also if the run fails."""
    home: dict[Any, Any] = getattr(ctx, "home", ctx.cells)
    return home


def _handle(op: Operation, ctx: Any) -> Ref:
    return Ref(op)


def _create(
    op: Operation, ctx: Any, ref: Ref, logdir: Any, max_queue: Any, flush_millis: Any, suffix: Any
) -> tuple[()]:
    home = _home(ctx)
    if _key(ref) not in home:
        directory, ending = text_of(logdir).decode(), text_of(suffix).decode()
        home[_key(ref)] = FileWriter(directory, int(max_queue), int(flush_millis), ending)
    return ()


def _create_database(op: Operation, ctx: Any, *inputs: Any) -> tuple[()]:
    raise errors.UnimplementedError(None, op, "CreateSummaryDbWriter: summaries are not written to databases")


def _writer(op: Operation, ctx: Any, ref: Ref) -> FileWriter:
    writer = _home(ctx).get(_key(ref))
    if not isinstance(writer, FileWriter):
        text = f"Resource localhost/{ref.key}/N10tensorflow22SummaryWriterInterfaceE does not exist."
        raise errors.NotFoundError(None, op, text)
    return writer


def _flush(op: Operation, ctx: Any, ref: Ref) -> tuple[()]:
    _writer(op, ctx, ref).flush()
    return ()


def _close(op: Operation, ctx: Any, ref: Ref) -> tuple[()]:
    _writer(op, ctx, ref).close()
    del _home(ctx)[_key(ref)]
    ctx.cells.pop(_key(ref), None)
    return ()


# ---- writing


def _add(op: Operation, ctx: Any, ref: Ref, step: Any, number: int, payload: bytes) -> tuple[()]:
    from retrograph.summary.events import event_bytes

    if np.ndim(step):
        raise errors.InvalidArgumentError(None, op, f"step must be scalar, got shape {list(np.shape(step))}")
    _writer(op, ctx, ref).add(event_bytes(time.time(), int(step), number, payload))
    return ()


def _write_tensor(op: Operation, ctx: Any, ref: Ref, step: Any, tensor: Any, tag: Any, metadata: Any) -> tuple[()]:
    return _add(op, ctx, ref, step, _SUMMARY, tensor_summary(op, text_of(tag), tensor, metadata, False))


def _write_scalar(op: Operation, ctx: Any, ref: Ref, step: Any, tag: Any, value: Any) -> tuple[()]:
    numbers = np.asarray(value).ravel()
    if not numbers.size:
        raise errors.InvalidArgumentError(None, op, f"a scalar summary of no number (tag '{text_of(tag).decode()}')")
    with np.errstate(over="ignore"):
        return _add(op, ctx, ref, step, _SUMMARY, scalar_summary(text_of(tag), numbers[0].astype("<f4")))


def _write_histogram(op: Operation, ctx: Any, ref: Ref, step: Any, tag: Any, values: Any) -> tuple[()]:
    name = text_of(tag)
    return _add(op, ctx, ref, step, _SUMMARY, histogram_summary(op, name, values, name.decode(errors="replace")))


def _write_image(op: Operation, ctx: Any, ref: Ref, step: Any, tag: Any, tensor: Any, bad_color: Any) -> tuple[()]:
    return _add(op, ctx, ref, step, _SUMMARY, image_summary(op, text_of(tag), tensor, bad_color))


def _write_audio(op: Operation, ctx: Any, ref: Ref, step: Any, tag: Any, tensor: Any, rate: Any) -> tuple[()]:
    return _add(op, ctx, ref, step, _SUMMARY, audio_summary(op, text_of(tag), tensor, rate))


def _write_summaries(op: Operation, ctx: Any, ref: Ref, step: Any, tensor: Any) -> tuple[()]:
    parts = []
    for index, given in enumerate(np.asarray(tensor, object).ravel().tolist()):
        try:
            parts += [wire.message(1, value) for _, value in summary_values(text_of(given))]
        except ValueError:
            text = f"Bad tf.compat.v1.Summary binary proto tensor string at index {index}"
            raise errors.DataLossError(None, op, text)
    return _add(op, ctx, ref, step, _SUMMARY, b"".join(parts))


def _write_graph(op: Operation, ctx: Any, ref: Ref, step: Any, tensor: Any) -> tuple[()]:
    _check_message(op, "GraphDef", text_of(tensor))
    return _add(op, ctx, ref, step, _GRAPH_DEF, text_of(tensor))


def _import_event(op: Operation, ctx: Any, ref: Ref, event: Any) -> tuple[()]:
    writer = _writer(op, ctx, ref)
    _check_message(op, "Event", text_of(event))
    writer.add(text_of(event))
    return ()


def _check_message(op: Operation, name: str, data: bytes) -> None:
    try:
        message_class(f"tensorflow.{name}", raw=True).FromString(data)
    except errors.DataLossError:
        raise errors.DataLossError(None, op, f"Bad tf.{name} binary proto tensor string")


_ROWS: dict[str, Callable[..., Any]] = {
    "CreateSummaryFileWriter": _create,
    "CreateSummaryDbWriter": _create_database,
    "FlushSummaryWriter": _flush,
    "CloseSummaryWriter": _close,
    "WriteSummary": _write_tensor,
    "WriteScalarSummary": _write_scalar,
    "WriteHistogramSummary": _write_histogram,
    "WriteImageSummary": _write_image,
    "WriteAudioSummary": _write_audio,
    "WriteRawProtoSummary": _write_summaries,
    "WriteGraphSummary": _write_graph,
    "ImportEvent": _import_event,
}
register_op("SummaryWriter", shape=scalar, numpy=_handle, host=True, effect=True, gradient=NO_GRADIENT)
for _type, _kernel in _ROWS.items():
    register_op(_type, shape=no_outputs, numpy=_kernel, host=True, effect=True, gradient=NO_GRADIENT)
