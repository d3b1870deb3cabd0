"""A writer of events through a session's own writer, which `tf.contrib.summary` uses too."""

from __future__ import annotations

import os
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.default_graph import name_scope
from retrograph.ops.identities import placeholder_with_default
from retrograph.platform import gfile
from retrograph.summary.recording import always_record_summaries, import_event
from retrograph.summary.resource_writers import create_file_writer


class EventFileWriterV2:
    """Writes events to a file in `logdir` by operations that it adds to the session's graph.

    Raises: errors of the file system.
    """

    def __init__(
        self,
        session: Any,
        logdir: Any,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str | None = "",
    ):
        self._session, self._logdir, self._closed = session, str(logdir), False
        if not os.path.isdir(self._logdir):
            gfile.makedirs(self._logdir)
        with session.graph.as_default(), name_scope("filewriter"):
            writer: Any = create_file_writer(self._logdir, max_queue, int(flush_secs * 1000), filename_suffix)
            with always_record_summaries(), writer.as_default():
                self._event = placeholder_with_default(constant("unused", dtype=dtypes.string), shape=[])
                self._add_op = import_event(self._event)
            self._init_op, self._flush_op, self._close_op = writer.init(), writer.flush(), writer.close()
        session.run(self._init_op)

    def get_logdir(self) -> str:
        """The directory."""
        return self._logdir

    def reopen(self) -> None:
        """Goes on after `close`, in a new file; nothing if it is open."""
        if self._closed:
            self._closed = False
            self._session.run(self._init_op)

    def add_event(self, event: Any) -> None:
        """Adds an Event; nothing when closed."""
        self._add(event.SerializeToString())

    def _add(self, data: bytes) -> None:
        if not self._closed:
            self._session.run(self._add_op, feed_dict={self._event: data})

    def flush(self) -> None:
        """Writes all that was added. Raises: NotFoundError when closed."""
        self._session.run(self._flush_op)

    def close(self) -> None:
        """Writes what is left and closes the file."""
        if not self._closed:
            self.flush()
            self._session.run(self._close_op)
            self._closed = True
