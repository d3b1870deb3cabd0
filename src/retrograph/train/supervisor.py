"""`Supervisor`: prepares a session, saves checkpoints and summaries in threads, stops all together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection, get_collection, get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.platform import logging
from retrograph.train import training_util
from retrograph.train.coordinator import Coordinator, LooperThread
from retrograph.train.session_manager import SessionManager


def _session_log(status: str, **fields: Any) -> Any:
    from retrograph.summary.protos import SessionLog

    return SessionLog(status=getattr(SessionLog, status), **fields)


def _merged_summaries() -> Any:
    return tf.summary.merge_all()


def _default_saver() -> Any:
    return tf.train.Saver() if tf.global_variables() else None


def _default_local_init() -> Any:
    return tf.group(tf.local_variables_initializer(), tf.tables_initializer())


def _default_global_step() -> Any:
    try:
        found = get_default_graph().get_tensor_by_name("global_step:0")
    except KeyError:
        return None
    if found.dtype.base_dtype in (tf.int32, tf.int64):
        return found
    logging.warning("Found 'global_step' is not an int type: %s", found.dtype)
    return None


@export("train.Supervisor")
class Supervisor:
    """Prepares a session, restores it, and saves checkpoints and summaries into `logdir` from threads.

    What is not given is taken from the graph's collections or made; the graph is final then.
    Source: TF 1.15 `tf.train.Supervisor`.
    """

    USE_DEFAULT = 0

    def __init__(
        self, graph: Graph | None = None, ready_op: Any = USE_DEFAULT, ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True, init_op: Any = USE_DEFAULT, init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT, logdir: Any = None, summary_op: Any = USE_DEFAULT, saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT, save_summaries_secs: float = 120, save_model_secs: float = 600,
        recovery_wait_secs: float = 30, stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt",
        session_manager: Any = None, summary_writer: Any = USE_DEFAULT, init_fn: Any = None,
        local_init_run_options: Any = None,
    ):  # fmt: skip
        self._graph = get_default_graph() if graph is None else graph
        with self._graph.as_default():
            self._ready_op = _chosen(ready_op, GraphKeys.READY_OP, tf.report_uninitialized_variables)
            self._ready_for_local_init_op = _chosen(ready_for_local_init_op, GraphKeys.READY_FOR_LOCAL_INIT_OP)
            self._init_op = _chosen(init_op, GraphKeys.INIT_OP, tf.global_variables_initializer)
            self._init_feed_dict = init_feed_dict
            self._local_init_op = _chosen(local_init_op, GraphKeys.LOCAL_INIT_OP, _default_local_init)
            self._saver = _chosen(saver, GraphKeys.SAVERS, _default_saver)
            self._summary_op = _chosen(summary_op, GraphKeys.SUMMARY_OP, _merged_summaries)
            self._global_step = _chosen(global_step, GraphKeys.GLOBAL_STEP, _default_global_step)
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._stop_grace_secs = stop_grace_secs
        self._init_fn = init_fn
        self._logdir = logdir if is_chief else None
        self._save_summaries_secs = save_summaries_secs if is_chief else None
        self._save_model_secs = save_model_secs if is_chief else None
        self._save_path = os.path.join(logdir, checkpoint_basename) if self._logdir else None
        self._meta_graph_def = self._meta_graph()
        self._summary_writer = self._chosen_writer(summary_writer)
        self._graph_added_to_summary = False
        self._session_manager = session_manager or SessionManager(
            local_init_op=self._local_init_op,
            ready_op=self._ready_op,
            ready_for_local_init_op=self._ready_for_local_init_op,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self._verify_setup()
        self._graph.finalize()

    def _meta_graph(self) -> Any:
        from retrograph.framework.meta_graph import create_meta_graph_def

        saver_def = self._saver.saver_def if self._saver else None
        with self._graph.as_default():
            return create_meta_graph_def(graph_def=self._graph.as_graph_def(add_shapes=True), saver_def=saver_def)

    def _chosen_writer(self, summary_writer: Any) -> Any:
        if not self._is_chief:
            return None
        if summary_writer is not Supervisor.USE_DEFAULT:
            return summary_writer
        return tf.summary.FileWriter(self._logdir) if self._logdir else None

    @property
    def is_chief(self) -> bool:
        """Whether this is the chief, which initializes and saves."""
        return self._is_chief

    @property
    def session_manager(self) -> Any:
        """The session manager."""
        return self._session_manager

    @property
    def coord(self) -> Coordinator:
        """The coordinator of the threads."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """The operation that initializes variables."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What is fed to it."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """The tensor of the names of variables without values."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """The same, of what must be there before local initialization."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        """The writer of events, or None."""
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        """The summaries, or None."""
        return self._summary_op

    @property
    def save_summaries_secs(self) -> Any:
        """The seconds between summaries."""
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        """The global step, or None."""
        return self._global_step

    @property
    def saver(self) -> Any:
        """The saver, or None."""
        return self._saver

    @property
    def save_model_secs(self) -> Any:
        """The seconds between checkpoints."""
        return self._save_model_secs

    @property
    def save_path(self) -> Any:
        """Where checkpoints are saved."""
        return self._save_path

    def _write_graph(self) -> None:
        from retrograph.framework.graph_util import write_graph

        if self._logdir:
            write_graph(self._graph.as_graph_def(add_shapes=True), self._logdir, "graph.pbtxt")
        if self._summary_writer and not self._graph_added_to_summary:
            self._summary_writer.add_graph(self._graph)
            self._summary_writer.add_meta_graph(self._meta_graph_def)
            self._graph_added_to_summary = True

    def start_standard_services(self, sess: Any) -> Any:
        """Starts the threads for summaries, steps per second and checkpoints; gives them.

        Raises: RuntimeError: not the chief.
        Source: TF 1.15 `tf.train.Supervisor.start_standard_services`.
        """
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief supervisors can write events."
            )
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer:
            step = training_util.global_step(sess, self._global_step)
            self._summary_writer.add_session_log(_session_log("START"), step)
        threads: list[LooperThread] = []
        if self._save_summaries_secs and self._summary_writer:
            if self._summary_op is not None:
                threads.append(SVSummaryThread(self, sess))
            if self._global_step is not None:
                threads.append(SVStepCounterThread(self, sess))
        if self._saver and self._save_model_secs:
            threads.append(SVTimerCheckpointThread(self, sess))
        for thread in threads:
            thread.start()
        return threads

    def prepare_or_wait_for_session(
        self, master: Any = "", config: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:  # fmt: skip
        """A session that is ready: the chief restores or initializes it, others wait for that.

        Source: TF 1.15 `tf.train.Supervisor.prepare_or_wait_for_session`.
        """
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if not self._is_chief:
            sess = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        else:
            sess = self._session_manager.prepare_session(
                master,
                init_op=self.init_op,
                saver=self.saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                logging.info("Starting standard services.")
                self.start_standard_services(sess)
        if start_standard_services:
            logging.info("Starting queue runners.")
            self.start_queue_runners(sess)
        return sess

    def start_queue_runners(self, sess: Any, queue_runners: Any = None) -> list[Any]:
        """Starts the threads of queue runners; gives them. Source: TF 1.15 `tf.train.Supervisor.start_queue_runners`."""
        runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS) if queue_runners is None else queue_runners
        return [t for qr in runners for t in qr.create_threads(sess, coord=self._coord, daemon=True, start=True)]

    def loop(
        self, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Starts a thread that calls `target` every so many seconds. Source: TF 1.15 `tf.train.Supervisor.loop`."""
        return LooperThread.loop(self._coord, timer_interval_secs, target, args, kwargs)

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = False) -> None:
        """Stops the threads and waits for them. Raises what they reported.

        Source: TF 1.15 `tf.train.Supervisor.stop`.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads
            )
        finally:
            if close_summary_writer and self._summary_writer:
                self._summary_writer.add_session_log(_session_log("STOP"))
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop. Source: TF 1.15 `tf.train.Supervisor.request_stop`."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """Whether a stop was asked for. Source: TF 1.15 `tf.train.Supervisor.should_stop`."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        """A block whose exception asks for a stop. Source: TF 1.15 `tf.train.Supervisor.stop_on_exception`."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is asked for. Source: TF 1.15 `tf.train.Supervisor.wait_for_stop`."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary. Raises RuntimeError: there is no writer.

        Source: TF 1.15 `tf.train.Supervisor.summary_computed`.
        """
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = training_util.global_step(sess, self.global_step)
        self._summary_writer.add_summary(summary, global_step)

    def _verify_setup(self) -> None:
        for op in () if self._is_chief else self._graph.get_operations():
            if op.type in ("Variable", "VariableV2") and not op.device:
                raise ValueError(f"When using replicas, all Variables must have their device set: {op}")

    @contextmanager
    def managed_session(
        self, master: Any = "", config: Any = None, start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """A session for a block, at whose end all threads are stopped and what they reported is raised.

        OutOfRangeError ends the block quietly. Source: TF 1.15 `tf.train.Supervisor.managed_session`.
        """
        sess = None
        try:
            sess = self.prepare_or_wait_for_session(master, config, start_standard_services=start_standard_services)
            yield sess
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                with suppress(Exception):
                    if sess is not None:
                        sess.close()

    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    RequestStop = request_stop
    Loop = loop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed


def _chosen(given: Any, key: str, default: Callable[[], Any] | None = None) -> Any:
    """What was given; by default the first of a collection, else a new one, which is added to it."""
    if given is not Supervisor.USE_DEFAULT:
        return given
    found = get_collection(key)
    if len(found) > 1:
        logging.info("Found %d %s operations. Returning the first one.", len(found), key)
    if found:
        return found[0]
    made = default() if default is not None else None
    if made is not None:
        add_to_collection(key, made)
    return made


class SVSummaryThread(LooperThread):
    """Writes summaries."""

    def __init__(self, sv: Supervisor, sess: Any):
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """One summary."""
        step = None
        if self._sv.global_step is not None:
            summary, step = self._sess.run([self._sv.summary_op, self._sv.global_step])
        else:
            summary = self._sess.run(self._sv.summary_op)
        if self._sv.summary_writer:
            logging.info("Recording summary at step %s.", step)
            self._sv.summary_writer.add_summary(summary, step)


class SVStepCounterThread(LooperThread):
    """Writes how many steps are done per second."""

    def __init__(self, sv: Supervisor, sess: Any, step_counter: Any = None):
        super().__init__(sv.coord, sv.save_summaries_secs)
        self._sv, self._sess = sv, sess
        self._last_time, self._last_step = 0.0, 0
        self._step_counter = sv.global_step if step_counter is None else step_counter
        self._summary_tag = f"{self._step_counter.op.name}/sec"

    def start_loop(self) -> None:
        """Notes time and step."""
        self._last_time = time.time()
        self._last_step = training_util.global_step(self._sess, self._step_counter)

    def run_loop(self) -> None:
        """One summary."""
        from retrograph.summary.protos import Summary

        step = training_util.global_step(self._sess, self._step_counter)
        added, self._last_step = step - self._last_step, step
        now = time.time()
        elapsed, self._last_time = now - self._last_time, now
        rate = added / elapsed if elapsed > 0.0 else float("inf")
        summary = Summary(value=[Summary.Value(tag=self._summary_tag, simple_value=rate)])
        if self._sv.summary_writer:
            self._sv.summary_writer.add_summary(summary, step)
        logging.log_first_n(logging.INFO, "%s: %g", 10, self._summary_tag, rate)


class SVTimerCheckpointThread(LooperThread):
    """Saves checkpoints."""

    def __init__(self, sv: Supervisor, sess: Any):
        super().__init__(sv.coord, sv.save_model_secs)
        self._sv, self._sess = sv, sess

    def run_loop(self) -> None:
        """One checkpoint."""
        logging.info("Saving checkpoint to path %s", self._sv.save_path)
        self._sv.saver.save(self._sess, self._sv.save_path, global_step=self._sv.global_step)
        if self._sv.summary_writer and self._sv.global_step is not None:
            step = training_util.global_step(self._sess, self._sv.global_step)
            log = _session_log("CHECKPOINT", checkpoint_path=self._sv.save_path)
            self._sv.summary_writer.add_session_log(log, step)


@export("train.basic_train_loop")
def basic_train_loop(
    supervisor: Supervisor, train_step_fn: Callable[..., Any], args: Any = None, kwargs: Any = None, master: Any = ""
) -> None:
    """Calls `train_step_fn(session, *args, **kwargs)` until a stop, starting again after AbortedError.

    Source: TF 1.15 `tf.train.basic_train_loop`.
    """
    again = True
    while again:
        again = False
        try:
            with supervisor.managed_session(master) as sess:
                while not supervisor.should_stop():
                    train_step_fn(sess, *(args or ()), **(kwargs or {}))
        except tf.errors.AbortedError:
            again = True
