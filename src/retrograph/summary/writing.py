"""`tf.summary.FileWriter`: summaries, graphs and logs of sessions as events for TensorBoard."""

from __future__ import annotations

import os
import threading
import time
import warnings
from typing import Any

from retrograph.framework import wire
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.messages import DecodeError, message_class
from retrograph.framework.meta_graph import create_meta_graph_def
from retrograph.framework.node_def import GraphDef
from retrograph.platform import gfile, logging
from retrograph.summary.events import EventFileWriter, event_bytes
from retrograph.summary.plugin_asset import get_all_plugin_assets
from retrograph.summary.protos import TaggedRunMetadata
from retrograph.summary.session_writer import EventFileWriterV2

_PLUGINS_DIR = "plugins"
_GRAPH_DEF, _SUMMARY, _SESSION_LOG, _RUN_METADATA, _META_GRAPH = 4, 5, 7, 8, 9
_TAG, _METADATA = 1, 9


def _field_bytes(number: int, kind: int, value: Any) -> bytes:
    if kind == wire.BYTES:
        return wire.message(number, bytes(value))
    size = {wire.FIXED32: 4, wire.FIXED64: 8}.get(kind)
    return wire.varint(number << 3 | kind) + (wire.varint(value) if size is None else value.to_bytes(size, "little"))


def _graph_given(graph: Any, graph_def: Any) -> Any:
    """The Graph or GraphDef, whichever of the two arguments it was given by."""
    if graph is not None and graph_def is not None:
        raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
    found = graph_def if graph is None else graph
    if isinstance(found, Graph):
        if graph is None:
            logging.warning(
                "When passing a `Graph` object, please use the `graph` named argument instead of `graph_def`."
            )
    elif isinstance(found, GraphDef):
        logging.warning(
            "Passing a `GraphDef` to the SummaryWriter is deprecated. Pass a `Graph` object instead, such as `sess.graph`."
        )
    else:
        raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
    return found


class SummaryToEventTransformer:
    """Makes events of summaries, graphs and logs, and hands them to `event_writer` (which has `add_event`)."""

    def __init__(self, event_writer: Any, graph: Any = None, graph_def: Any = None):
        self.event_writer = event_writer
        self._session_run_tags: set[str] = set()
        self._seen_summary_tags: set[bytes] = set()
        if graph is not None or graph_def is not None:
            given = self._add_graph(_graph_given(graph, graph_def), None)
            self.add_meta_graph(create_meta_graph_def(graph_def=given))

    def _add(self, number: int, payload: bytes, step: Any) -> None:
        self._add_data(event_bytes(time.time(), 0 if step is None else int(step), number, payload))

    def _add_data(self, data: bytes) -> None:
        adder = getattr(self.event_writer, "_add", None)
        if adder is not None:
            adder(data)
        else:
            self.event_writer.add_event(message_class("tensorflow.Event").FromString(data))

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Adds a Summary, or the bytes of one that a summary operation gave.

        The metadata of a tag are written once, with its first value. Raises: DataLossError for bytes that are no Summary.
        """
        data = summary if isinstance(summary, bytes) else None
        if data is None:
            # For whatever is no Summary this raises what TF does.
            summary.value  # noqa: B018
            data = summary.SerializeToString()
        try:
            payload = b"".join(self._summary_field(*field) for field in wire.read_fields(data))
        except ValueError as error:
            raise DecodeError(None, None, f"Error parsing message with type 'tensorflow.Summary': {error}") from None
        self._add(_SUMMARY, payload, global_step)

    def _summary_field(self, number: int, kind: int, value: Any) -> bytes:
        if number != 1:
            return _field_bytes(number, kind, value)
        wire.expect(kind, wire.BYTES)
        fields = list(wire.read_fields(bytes(value)))
        tag = next((bytes(v) for n, k, v in reversed(fields) if n == _TAG and k == wire.BYTES), b"")
        if tag in self._seen_summary_tags:
            value = b"".join(_field_bytes(*f) for f in fields if f[0] != _METADATA)
        self._seen_summary_tags.add(tag)
        return wire.message(1, bytes(value))

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Adds a SessionLog: that a session started, stopped or saved a checkpoint."""
        self._add(_SESSION_LOG, session_log.SerializeToString(), global_step)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Adds a Graph, which TensorBoard draws. `graph_def` is the old name.

        Raises: ValueError if both are given; TypeError for anything else.
        """
        self._add_graph(_graph_given(graph, graph_def), global_step)

    def _add_graph(self, graph: Any, step: Any) -> Any:
        graph_def = graph.as_graph_def(add_shapes=True) if isinstance(graph, Graph) else graph
        if isinstance(graph, Graph):
            self._write_plugin_assets(graph)
        self._add(_GRAPH_DEF, graph_def.SerializeToString(), step)
        return graph_def

    def _write_plugin_assets(self, graph: Graph) -> None:
        for asset in get_all_plugin_assets(graph):
            directory = os.path.join(self.event_writer.get_logdir(), _PLUGINS_DIR, asset.plugin_name)
            gfile.makedirs(directory)
            for name, content in asset.assets().items():
                gfile.write_string_to_file(os.path.join(directory, name), content)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Adds a MetaGraphDef. Raises: TypeError for anything else."""
        if not isinstance(meta_graph_def, message_class("tensorflow.MetaGraphDef")):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add(_META_GRAPH, meta_graph_def.SerializeToString(), global_step)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Adds the RunMetadata of one `run`, under a tag of its own. Raises: ValueError for a tag used before."""
        if tag in self._session_run_tags:
            raise ValueError("The provided tag was already used for this event type")
        tagged = TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._session_run_tags.add(tag)
        self._add(_RUN_METADATA, tagged.SerializeToString(), global_step)


@export("summary.FileWriter")
class FileWriter(SummaryToEventTransformer):
    """Writes an event file to `logdir`, with `graph` if given; a thread writes, so that training does not wait.

    `max_queue` events wait at most; the file is flushed every `flush_secs` seconds, and when the program ends. It is
    also a context manager that closes it. The file is made with the first event. With `session`, it writes through the
    writer of `tf.contrib.summary` that this session has for the directory.
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as logs, tf.summary.FileWriter(logs, session.graph) as writer:
    ...     writer.add_summary(session.run(tf.summary.scalar("loss", 2.0)), global_step=7)

    Raises: errors of the file system. Source: TF 1.15 `tf.summary.FileWriter`.
    """

    def __init__(
        self,
        logdir: Any,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ):
        self._closed = False
        writer: Any
        if session is None:
            writer = EventFileWriter(logdir, max_queue, flush_secs, filename_suffix)
        else:
            writer = EventFileWriterV2(session, logdir, max_queue, flush_secs, filename_suffix)
        super().__init__(writer, graph, graph_def)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def get_logdir(self) -> str:
        """The directory of the event file."""
        logdir: str = self.event_writer.get_logdir()
        return logdir

    def _warn_if_closed(self) -> None:
        if self._closed:
            warnings.warn(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is "
                "explicitly reopened.",
                stacklevel=4,
            )

    def _add_data(self, data: bytes) -> None:
        self._warn_if_closed()
        super()._add_data(data)

    def add_event(self, event: Any) -> None:
        """Adds an Event as it is. Raises: TypeError for anything else."""
        self._warn_if_closed()
        self.event_writer.add_event(event)

    def flush(self) -> None:
        """Returns when all that was added is in the file."""
        self._warn_if_closed()
        self.event_writer.flush()

    def close(self) -> None:
        """Writes what is left and closes the file."""
        self.event_writer.close()
        self._closed = True

    def reopen(self) -> None:
        """Goes on after `close`, in a new file."""
        self.event_writer.reopen()
        self._closed = False


@export("summary.FileWriterCache")
class FileWriterCache:
    """One FileWriter a directory. Source: TF 1.15 `tf.summary.FileWriterCache`."""

    _cache: dict[Any, FileWriter] = {}
    _lock = threading.RLock()

    @staticmethod
    def clear() -> None:
        """Closes and forgets all writers."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache = {}

    @staticmethod
    def get(logdir: Any) -> FileWriter:
        """The writer of a directory, made with the default graph when first asked for."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=get_default_graph())
            return FileWriterCache._cache[logdir]
