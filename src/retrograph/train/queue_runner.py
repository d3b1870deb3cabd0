"""`QueueRunner`: threads that keep a queue filled."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from retrograph.framework import errors
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection, get_collection, get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.messages import message_class
from retrograph.framework.proto_functions import prepend_name_scope, strip_name_scope
from retrograph.framework.sessions import get_default_session
from retrograph.platform import logging
from retrograph.runtime import exits
from retrograph.train.coordinator import Coordinator

QueueRunnerDef: Any = message_class("tensorflow.QueueRunnerDef")


@export("train.QueueRunner", "train.queue_runner.QueueRunner")
class QueueRunner:
    """Threads that run each of `enqueue_ops` again and again; when all are at their end, the queue is closed.

    Raises: ValueError: no queue or no operations. TypeError: `queue_closed_exception_types` is not a tuple of errors.
    Source: TF 1.15 `tf.train.QueueRunner`.
    """

    def __init__(
        self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None, cancel_op: Any = None,
        queue_closed_exception_types: Any = None, queue_runner_def: Any = None, import_scope: str | None = None,
    ):  # fmt: skip
        if queue_runner_def:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._take_proto(queue_runner_def, import_scope)
        else:
            self._take(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types)
        self._lock = threading.Lock()
        self._runs_per_session: Any = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[Exception] = []

    def _take(self, queue: Any, enqueue_ops: Any, close_op: Any, cancel_op: Any, closed: Any) -> None:
        if not queue or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        if closed is not None and (
            not isinstance(closed, tuple) or not closed or not all(issubclass(t, errors.OpError) for t in closed)
        ):
            raise TypeError(
                f"queue_closed_exception_types, when provided, must be a tuple of tf.error types, but saw: {closed}"
            )
        self._queue, self._enqueue_ops = queue, enqueue_ops
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        self._queue_closed_exception_types = closed or (errors.OutOfRangeError,)

    def _take_proto(self, proto: Any, import_scope: str | None) -> None:
        graph = get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._queue = element(proto.queue_name)
        self._enqueue_ops = [element(name) for name in proto.enqueue_op_name]
        self._close_op, self._cancel_op = element(proto.close_op_name), element(proto.cancel_op_name)
        kinds = tuple(errors.exception_type_from_error_code(c) for c in proto.queue_closed_exception_types)
        self._queue_closed_exception_types = kinds or (errors.OutOfRangeError,)

    @property
    def queue(self) -> Any:
        """The queue."""
        return self._queue

    @property
    def enqueue_ops(self) -> Any:
        """The operations that the threads run."""
        return self._enqueue_ops

    @property
    def close_op(self) -> Any:
        """The operation that closes the queue."""
        return self._close_op

    @property
    def cancel_op(self) -> Any:
        """The operation that closes the queue and cancels who waits to add to it."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self) -> Any:
        """The errors that mean that the input is at its end."""
        return self._queue_closed_exception_types

    @property
    def exceptions_raised(self) -> list[Exception]:
        """What threads raised that had no coordinator."""
        return self._exceptions_raised

    @property
    def name(self) -> str:
        """The name of the queue."""
        return str(self._queue.name)

    def _run(self, sess: Any, enqueue_op: Any, coord: Any = None) -> None:
        """What a thread does: runs the operation until its end, a stop or an error."""
        counted = True
        try:
            enqueue = sess.make_callable(enqueue_op)
            while not (coord and coord.should_stop()):
                try:
                    enqueue()
                except self._queue_closed_exception_types:
                    counted = False
                    self._ended(sess)
                    return
        except Exception as error:
            self._failed(error, coord)
        finally:
            if counted:
                with self._lock:
                    self._runs_per_session[sess] -= 1

    def _ended(self, sess: Any) -> None:
        with self._lock:
            self._runs_per_session[sess] -= 1
            last = self._runs_per_session[sess] == 0
        if last:
            _run_quietly(sess, self._close_op)

    def _failed(self, error: Exception, coord: Any) -> None:
        if exits.ending():
            return
        if coord:
            coord.request_stop(error)
            return
        logging.error("Exception in QueueRunner: %s", error)
        with self._lock:
            self._exceptions_raised.append(error)
        raise error

    def _close_on_stop(self, sess: Any, cancel_op: Any, coord: Any) -> None:
        coord.wait_for_stop()
        _run_quietly(sess, cancel_op)

    def create_threads(self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False) -> list[Any]:
        """The threads that fill the queue in a session, and one that closes it when `coord` stops.

        None if threads of this runner run in that session already.
        Source: TF 1.15 `tf.train.QueueRunner.create_threads`.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        threads = [_thread(self.name, op.name, self._run, sess, op, coord) for op in self._enqueue_ops]
        if coord:
            closing = _thread(self.name, "close_on_stop", self._close_on_stop, sess, self._cancel_op, coord)
            threads.append(closing)
        for thread in threads:
            if coord:
                coord.register_thread(thread)
            thread.daemon = daemon or thread.daemon
            if start:
                thread.start()
        return threads

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The runner as a QueueRunnerDef; None if it is not inside the scope.

        Source: TF 1.15 `tf.train.QueueRunner.to_proto`.
        """
        if export_scope is not None and not self.queue.name.startswith(export_scope):
            return None
        proto = QueueRunnerDef()
        proto.queue_name = strip_name_scope(self.queue.name, export_scope)
        proto.enqueue_op_name.extend(strip_name_scope(op.name, export_scope) for op in self.enqueue_ops)
        proto.close_op_name = strip_name_scope(self.close_op.name, export_scope)
        proto.cancel_op_name = strip_name_scope(self.cancel_op.name, export_scope)
        codes = (errors.error_code_from_exception_type(t) for t in self._queue_closed_exception_types)
        proto.queue_closed_exception_types.extend(codes)
        return proto

    @staticmethod
    def from_proto(queue_runner_def: Any, import_scope: str | None = None) -> QueueRunner:
        """A runner of the operations that a QueueRunnerDef names.

        Source: TF 1.15 `tf.train.QueueRunner.from_proto`.
        """
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _thread(queue: str, what: str, target: Any, *args: Any) -> threading.Thread:
    return threading.Thread(target=target, args=args, name=f"QueueRunnerThread-{queue}-{what}")


def _run_quietly(sess: Any, op: Any) -> None:
    """Closing a queue that is closed, or that no session has any more, is no error."""
    try:
        sess.run(op)
    except Exception as error:
        logging.debug("Ignored exception: %s", error)


@export("train.add_queue_runner", "train.queue_runner.add_queue_runner")
def add_queue_runner(qr: Any, collection: str = GraphKeys.QUEUE_RUNNERS) -> None:
    """Adds a runner to those that `start_queue_runners` starts. Source: TF 1.15 `tf.train.add_queue_runner`."""
    add_to_collection(collection, qr)


@export("train.start_queue_runners", "train.queue_runner.start_queue_runners")
def start_queue_runners(
    sess: Any = None, coord: Coordinator | None = None, daemon: bool = True, start: bool = True,
    collection: str = GraphKeys.QUEUE_RUNNERS,
) -> Sequence[Any]:  # fmt: skip
    """Starts the threads of all queue runners of the default graph; gives the threads.

    Raises: ValueError: no session. TypeError: not a session.
    Source: TF 1.15 `tf.train.start_queue_runners`.
    """
    from retrograph.runtime.session import BaseSession

    sess = get_default_session() if sess is None else sess
    if not sess:
        raise ValueError(
            "Cannot start queue runners: No default session is registered. Use `with sess.as_default()` or pass an explicit session to tf.start_queue_runners(sess=sess)"
        )
    if not isinstance(sess, BaseSession):
        if sess.__class__.__name__ in ("MonitoredSession", "SingularMonitoredSession"):
            return []
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {sess.__class__}")
    if not get_collection(collection):
        logging.warning(
            "`tf.train.start_queue_runners()` was called when no queue runners were defined. You can safely remove the call to this deprecated function."
        )
    with sess.graph.as_default():
        runners = get_collection(collection)
        return [t for qr in runners for t in qr.create_threads(sess, coord=coord, daemon=daemon, start=start)]
