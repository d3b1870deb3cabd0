"""The writer of event files by the name that TF's C++ one has in Python, for programs that make their own logs."""

from __future__ import annotations

import os
from typing import Any

from retrograph.summary.events import EventsFile
from retrograph.summary.protos import Event


class EventsWriter:
    """Writes events to `<file_prefix>.out.tfevents.<second>.<host>`; the prefix is bytes.

    Raises: TypeError for a prefix that is no bytes; errors of the file system.

    Source: TF 1.15 `tensorflow.python.pywrap_tensorflow.EventsWriter`.
    """

    def __init__(self, file_prefix: bytes):
        directory, self._base = os.path.split(_text(file_prefix))
        self._file = EventsFile(directory, base=self._base)

    def InitWithSuffix(self, suffix: bytes) -> None:
        """Makes the file, with a suffix at the end of its name."""
        self._file.close()
        self._file = EventsFile(self._file.directory, _text(suffix), self._base)
        self._file.open()

    def FileName(self) -> bytes:
        """The path of the file, which is made if it is not there yet."""
        if not self._file.path:
            self._file.open()
        return self._file.path.encode()

    def WriteEvent(self, event: Any) -> None:
        """Appends an Event. Raises: TypeError for anything else."""
        if not isinstance(event, Event):
            raise TypeError(f"Expected an event_pb2.Event proto,  but got {type(event)}")
        self._file.write(event.SerializeToString())

    def Flush(self) -> None:
        """Hands what was written to the file system."""
        self._file.flush()

    def Close(self) -> None:
        """Closes the file."""
        self._file.close()


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"expected bytes, {type(value).__name__} found")
    return value.decode()
