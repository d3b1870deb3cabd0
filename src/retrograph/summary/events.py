"""Event files: written by a thread of their own, so that a training loop does not wait for the disk, and read back."""

from __future__ import annotations

import atexit
import os
import queue
import socket
import struct
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from retrograph.framework import errors, wire
from retrograph.framework.exports import export
from retrograph.framework.file_errors import as_tf
from retrograph.io.records import framed, read_records
from retrograph.platform import gfile, logging
from retrograph.summary.protos import Event

_VERSION = "brain.Event:2"


def event_bytes(wall_time: float, step: int, number: int, payload: bytes) -> bytes:
    """A serialized Event whose content is the field `number`."""
    return b"".join([_time_bytes(wall_time), wire.integer(2, step), wire.message(number, payload)])


def _time_bytes(wall_time: float) -> bytes:
    return wire.varint(1 << 3 | wire.FIXED64) + struct.pack("<d", wall_time)


class EventsFile:
    """An event file in a directory, made when the first event is written."""

    def __init__(self, directory: str, suffix: str = "", base: str = "events"):
        self.directory, self.suffix, self.base = directory, suffix, base
        self.path = ""
        self._file: Any = None

    def open(self) -> None:
        """Makes the file, with the event that says its version. Raises: errors of the file system."""
        second = int(time.time())
        # A file of this second may be there already, of another writer or of one that was closed: it is not overwritten.
        while self._file is None:
            name = f"{self.base}.out.tfevents.{second:010d}.{socket.gethostname()}{self.suffix}"
            self.path = os.path.join(self.directory, name)
            try:
                with as_tf(self.path):
                    self._file = open(self.path, "xb")  # noqa: SIM115
            except errors.AlreadyExistsError:
                second += 1
        self._file.write(framed(event_bytes(second, 0, 3, _VERSION.encode())))
        self._file.flush()

    def write(self, data: bytes) -> None:
        """Appends a serialized event."""
        if self._file is None:
            self.open()
        with as_tf(self.path):
            self._file.write(framed(data))

    def flush(self) -> None:
        """Hands what was written to the file system; a file that has been removed is replaced by the next event."""
        if self._file is None:
            return
        with as_tf(self.path):
            self._file.flush()
        if not os.path.exists(self.path):
            self.close()
            raise errors.UnknownError(None, None, f"The events file {self.path} has disappeared.")

    def close(self) -> None:
        """Closes the file; the next event makes another one."""
        file, self._file = self._file, None
        if file is not None:
            with as_tf(self.path):
                file.close()


_OPEN: weakref.WeakSet[EventFileWriter] = weakref.WeakSet()


@atexit.register
def _flush_open_writers() -> None:
    for writer in list(_OPEN):
        if writer._worker.is_alive():
            writer.flush()


class EventFileWriter:
    """Writes events to a file in `logdir` through a queue of at most `max_queue`; flushes every `flush_secs` seconds.

    What cannot be written is logged as an error and dropped: a program does not end because its logs do.
    Raises: errors of the file system if the directory cannot be made or written to.
    """

    def __init__(
        self, logdir: Any, max_queue: int = 10, flush_secs: float = 120, filename_suffix: str | bytes | None = None
    ):
        self._logdir = str(logdir)
        _make_directory(self._logdir)
        suffix = filename_suffix.decode() if isinstance(filename_suffix, bytes) else filename_suffix or ""
        self._queue: queue.Queue[bytes | None] = queue.Queue(max_queue)
        self._events = EventsFile(self._logdir, suffix)
        self._flush_secs = flush_secs
        if suffix:
            self._events.open()
        self._start()

    def _start(self) -> None:
        self._closed = False
        arguments = (self._queue, self._events, self._flush_secs)
        self._worker = threading.Thread(target=_write_events, args=arguments, daemon=True, name="EventFileWriter")
        self._worker.start()
        _OPEN.add(self)

    def get_logdir(self) -> str:
        """The directory."""
        return self._logdir

    def reopen(self) -> None:
        """Goes on after `close`, in a new file; nothing if it is open."""
        if self._closed:
            self._start()

    def add_event(self, event: Any) -> None:
        """Adds an Event; nothing when closed. Raises: TypeError for anything else."""
        if not isinstance(event, Event):
            raise TypeError(f"Expected an event_pb2.Event proto,  but got {type(event)}")
        self._add(event.SerializeToString())

    def _add(self, data: bytes) -> None:
        if not self._closed:
            self._queue.put(data)

    def flush(self) -> None:
        """Returns when all events that were added are in the file."""
        self._queue.join()
        _attempt(self._events.flush)

    def close(self) -> None:
        """Writes what is left and closes the file."""
        if self._closed:
            return
        self._closed = True
        _OPEN.discard(self)
        self._queue.put(None)
        self._queue.join()
        self._worker.join()
        _attempt(self._events.flush)
        _attempt(self._events.close)


def _make_directory(path: str) -> None:
    if path and not os.path.isdir(path):
        if os.path.exists(path):
            raise errors.FailedPreconditionError(None, None, f"{path}; Not a directory")
        gfile.makedirs(path)
    if not os.access(path or ".", os.W_OK):
        raise errors.PermissionDeniedError(None, None, f"{path}; Permission denied")


def _attempt(action: Any, *arguments: Any) -> None:
    try:
        action(*arguments)
    except (errors.OpError, OSError, ValueError) as error:
        logging.error("Event file: what was written last is lost: %s", error)


def _write_events(waiting: queue.Queue[bytes | None], events: EventsFile, flush_secs: float) -> None:
    """What the thread does: the first event is flushed at once, so that a reader sees the file."""
    next_flush = 0.0
    while True:
        data = waiting.get()
        try:
            if data is None:
                return
            _attempt(events.write, data)
            now = time.time()
            if now > next_flush:
                _attempt(events.flush)
                next_flush = now + flush_secs
        finally:
            waiting.task_done()


@export("train.summary_iterator")
def summary_iterator(path: Any) -> Iterator[Any]:
    """The Events of an event file, one after the other; an event that is cut off at its header ends the file.

    Raises: NotFoundError; DataLossError where the file is corrupt. Source: TF 1.15 `tf.train.summary_iterator`.
    """
    for record in read_records(path):
        yield Event.FromString(record)
