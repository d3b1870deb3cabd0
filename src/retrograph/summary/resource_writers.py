"""`tf.contrib.summary.create_file_writer` and its kin: writers that live in a session, used by operations."""

from __future__ import annotations

import getpass
import itertools
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import (
    add_to_collection,
    control_dependencies,
    device,
    get_collection,
    init_scope,
    name_scope,
)
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation
from retrograph.ops.control_flow import no_op
from retrograph.platform import logging

_INIT_OPS = "_SUMMARY_WRITER_V2"
_COUNT = itertools.count()
_PRINTABLE = r"^[^\x00-\x1F<>]{0,%d}$"
_USER = re.compile(r"^[a-z]([-a-z0-9]{0,29}[a-z0-9])?$", re.IGNORECASE)


class _State(threading.local):
    """What a thread's summaries go by: the default writer, whether they are recorded, the default step."""

    writer: Any = None
    recording: Any = None
    step: Any = None


STATE = _State()


@export("contrib.summary.SummaryWriter")
class SummaryWriter:
    """A writer of summaries: `as_default()` makes it the one that summaries of a block go to.

    Source: TF 1.15 `tf.contrib.summary.SummaryWriter`.
    """

    def set_as_default(self) -> None:
        """Makes this the writer of the thread."""
        raise NotImplementedError()

    def as_default(self) -> Any:
        """A context manager in which this is the writer."""
        raise NotImplementedError()

    def init(self) -> Any:
        """The operation that opens it."""
        raise NotImplementedError()

    def flush(self) -> Any:
        """The operation that writes what waits."""
        raise NotImplementedError()

    def close(self) -> Any:
        """The operation that writes what waits and closes it."""
        raise NotImplementedError()


class ResourceSummaryWriter(SummaryWriter):
    """A writer in the session, under `shared_name`; `init_op_fn` gives the operation that makes it."""

    def __init__(
        self, shared_name: str, init_op_fn: Callable[[Any], Operation], name: str | None = None, v2: bool = False
    ):
        self._resource = apply_op("SummaryWriter", name, shared_name=shared_name)
        self._init_op_fn, self._v2 = init_op_fn, v2
        self._init_op = init_op_fn(self._resource)
        add_to_collection(_INIT_OPS, self._init_op)

    def set_as_default(self) -> None:
        """Makes this the writer of the thread."""
        STATE.writer = self

    @contextmanager
    def as_default(self) -> Iterator[ResourceSummaryWriter]:
        """In the block summaries go to this writer; at its end a flushing operation is made."""
        before, STATE.writer = STATE.writer, self
        try:
            yield self
            self.flush()
        finally:
            STATE.writer = before

    def init(self) -> Operation:
        """The operation that opens it; again after `close` it opens a new file."""
        return self._init_op if self._v2 else self._init_op_fn(self._resource)

    def flush(self) -> Operation:
        """The operation that writes what waits."""
        return flush(self)

    def close(self) -> Operation:
        """The operation that writes what waits and closes it."""
        with control_dependencies([self.flush()]), device("cpu:0"):
            closing: Operation = apply_op("CloseSummaryWriter", None, writer=self._resource)
        return closing


class NoopSummaryWriter(SummaryWriter):
    """A writer that writes nothing."""

    def set_as_default(self) -> None:
        """Nothing."""

    @contextmanager
    def as_default(self) -> Iterator[None]:
        """A block as any other."""
        yield

    def init(self) -> None:
        """None."""

    def flush(self) -> None:
        """None."""

    def close(self) -> None:
        """None."""


def create_noop_writer() -> NoopSummaryWriter:
    """A writer that writes nothing."""
    return NoopSummaryWriter()


def _opener(op_type: str, **inputs: Any) -> Callable[[Any], Operation]:
    def make(resource: Any) -> Operation:
        operation: Operation = apply_op(op_type, None, writer=resource, **inputs)
        return operation

    return make


def _settings(max_queue: Any, flush_millis: Any, filename_suffix: Any) -> dict[str, Any]:
    """The inputs of the operation that makes a writer, with TF's defaults."""
    given = {"max_queue": max_queue, "flush_millis": flush_millis, "filename_suffix": filename_suffix}
    defaults = {"max_queue": 10, "flush_millis": 2 * 60 * 1000, "filename_suffix": ".v2"}
    return {name: constant(defaults[name]) if value is None else value for name, value in given.items()}


@export("contrib.summary.create_file_writer")
def create_file_writer(
    logdir: Any, max_queue: Any = None, flush_millis: Any = None, filename_suffix: Any = None, name: str | None = None
) -> SummaryWriter:
    """A writer of event files in `logdir`; None gives one that writes nothing.

    Writers of one name (by default that of the directory) are one in a session. It has to be opened before use:
    `sess.run(tf.contrib.summary.summary_writer_initializer_op())`.
    Source: TF 1.15 `tf.contrib.summary.create_file_writer`.
    """
    if logdir is None:
        return NoopSummaryWriter()
    logdir = str(logdir)
    with device("cpu:0"):
        settings = _settings(max_queue, flush_millis, filename_suffix)
        opener = _opener("CreateSummaryFileWriter", logdir=logdir, **settings)
        return ResourceSummaryWriter(f"logdir:{logdir}" if name is None else name, opener)


def create_file_writer_v2(
    logdir: Any, max_queue: Any = None, flush_millis: Any = None, filename_suffix: Any = None, name: str | None = None
) -> ResourceSummaryWriter:
    """A writer of event files of its own in `logdir`. Raises: ValueError without one."""
    if logdir is None:
        raise ValueError("logdir cannot be None")
    with name_scope(name, "create_file_writer") as scope, device("cpu:0"), init_scope():
        directory = convert_to_tensor(logdir, dtype=dtypes.string)
        settings = _settings(max_queue, flush_millis, filename_suffix)
        settings["filename_suffix"] = constant(f".{os.getpid()}.{next(_COUNT)}") + settings["filename_suffix"]
        opener = _opener("CreateSummaryFileWriter", logdir=directory, **settings)
        return ResourceSummaryWriter(scope.rstrip("/"), opener, name=name, v2=True)


@export("contrib.summary.create_summary_file_writer")
@deprecated("Renamed to create_file_writer().", "tensorflow.python.ops.summary_ops_v2")
def create_summary_file_writer(*args: Any, **kwargs: Any) -> SummaryWriter:
    """The old name of `create_file_writer`. Source: TF 1.15 `tf.contrib.summary.create_summary_file_writer`."""
    logging.warning("Deprecation Warning: create_summary_file_writer was renamed to create_file_writer")
    return create_file_writer(*args, **kwargs)


def _cleansed(name: str, pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str) and pattern.search(value) is None:
        raise ValueError(f"{name} ({value}) must match {pattern.pattern}")
    return convert_to_tensor(value, dtype=dtypes.string)


@export("contrib.summary.create_db_writer")
def create_db_writer(
    db_uri: Any, experiment_name: Any = None, run_name: Any = None, user_name: Any = None, name: str | None = None
) -> ResourceSummaryWriter:
    """A writer to a database, which can be built into a graph; running it raises UnimplementedError.

    Raises: ValueError for names that a database does not take. Source: TF 1.15 `tf.contrib.summary.create_db_writer`.
    """
    now = time.localtime(time.time())
    with device("cpu:0"):
        experiment = time.strftime("%Y-%m-%d", now) if experiment_name is None else experiment_name
        run = time.strftime("%H:%M:%S", now) if run_name is None else run_name
        inputs = {
            "experiment_name": _cleansed("experiment_name", re.compile(_PRINTABLE % 256), experiment),
            "run_name": _cleansed("run_name", re.compile(_PRINTABLE % 512), run),
            "user_name": _cleansed("user_name", _USER, getpass.getuser() if user_name is None else user_name),
        }
        opener = _opener("CreateSummaryDbWriter", db_uri=db_uri, **inputs)
        return ResourceSummaryWriter(name or "", opener)


@export("contrib.summary.flush")
def flush(writer: Any = None, name: str | None = None) -> Operation:
    """The operation that writes what waits in `writer` (a writer or its handle; None is the default one).

    Source: TF 1.15 `tf.contrib.summary.flush`.
    """
    writer = STATE.writer if writer is None else writer
    if writer is None:
        return no_op()
    resource = writer._resource if isinstance(writer, ResourceSummaryWriter) else writer
    with device("cpu:0"):
        flushing: Operation = apply_op("FlushSummaryWriter", name, writer=resource)
    return flushing


@export("contrib.summary.summary_writer_initializer_op")
def summary_writer_initializer_op() -> list[Operation]:
    """The operations that open all writers of the graph.

    Source: TF 1.15 `tf.contrib.summary.summary_writer_initializer_op`.
    """
    return get_collection(_INIT_OPS)
