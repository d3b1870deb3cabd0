"""`tf.contrib.slim.learning`: the training loop of slim, with a supervisor."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.platform import gfile, logging
from retrograph.train import training_util
from retrograph.train.supervisor import Supervisor
from retrograph.train.sync_replicas import SyncReplicasOptimizer

_USE_DEFAULT = 0


def _is_default(value: Any) -> bool:
    return isinstance(value, int) and value == _USE_DEFAULT


def _wait_for_step(sess: Any, global_step: Any, step: int) -> None:
    while training_util.global_step(sess, global_step) < step:
        time.sleep(1.0)


@export("contrib.slim.learning.train_step")
def train_step(sess: Any, train_op: Any, global_step: Any, train_step_kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """One step: (loss, whether to stop). Raises ValueError: a trace is wanted without `logdir`.

    Source: TF 1.15 `tf.contrib.slim.learning.train_step`.
    """
    start = time.time()
    metadata = _wanted_trace(sess, train_step_kwargs)
    options = None if metadata is None else tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    loss, step = sess.run([train_op, global_step], options=options, run_metadata=metadata)
    elapsed = time.time() - start
    if metadata is not None:
        _write_trace(metadata, step, train_step_kwargs)
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, elapsed)
    stop = sess.run(train_step_kwargs["should_stop"]) if "should_stop" in train_step_kwargs else False
    return loss, stop


def _wanted_trace(sess: Any, kwargs: dict[str, Any]) -> Any:
    if "should_trace" not in kwargs:
        return None
    if "logdir" not in kwargs:
        raise ValueError("logdir must be present in train_step_kwargs when should_trace is present")
    return tf.RunMetadata() if sess.run(kwargs["should_trace"]) else None


def _write_trace(metadata: Any, step: Any, kwargs: dict[str, Any]) -> None:
    from retrograph.runtime.timeline import Timeline

    name = os.path.join(kwargs["logdir"], f"tf_trace-{step}.json")
    logging.info("Writing trace to %s", name)
    gfile.write_string_to_file(name, Timeline(metadata.step_stats).generate_chrome_trace_format())
    if kwargs.get("summary_writer"):
        kwargs["summary_writer"].add_run_metadata(metadata, f"run_metadata-{step}")


def _check_arguments(
    train_op: Any, logdir: Any, summary_op: Any, saver: Any, trace_every: Any, sync: list[Any], delay: int, steps: Any
) -> None:
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None:
        unwanted = {
            "summary_op": not _is_default(summary_op),
            "saver": saver is not None,
            "trace_every_n_steps": trace_every is not None,
        }
        for name, given in unwanted.items():
            if given:
                raise ValueError(f"Cannot provide {name} because logdir=None")
    if sync and delay > 0:
        raise ValueError("startup_delay_steps must be zero when sync_optimizer is supplied.")
    if steps is not None and steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")
    if not all(isinstance(optimizer, SyncReplicasOptimizer) for optimizer in sync):
        raise ValueError("`sync_optimizer` must be a tf.train.SyncReplicasOptimizer.")


def _default_kwargs(global_step: Any, steps: Any, log_every: int, trace_every: Any, logdir: Any) -> dict[str, Any]:
    with tf.name_scope("train_step"):
        kwargs: dict[str, Any] = {"should_stop": tf.greater_equal(global_step, steps) if steps else tf.constant(False)}
        if log_every > 0:
            kwargs["should_log"] = tf.equal(tf.mod(global_step, log_every), 0)
        if trace_every is not None:
            kwargs["should_trace"] = tf.equal(tf.mod(global_step, trace_every), 0)
            kwargs["logdir"] = logdir
    return kwargs


def _init_ops(init_op: Any, ready_op: Any, local_init_op: Any, sync: list[Any], is_chief: bool) -> dict[str, Any]:
    ready_for_local_init_op = None
    with tf.name_scope("init_ops"):
        if _is_default(init_op):
            init_op = tf.global_variables_initializer()
        if _is_default(ready_op):
            ready_op = tf.report_uninitialized_variables()
        if _is_default(local_init_op):
            local_init_op = tf.group(tf.local_variables_initializer(), tf.tables_initializer())
        if sync:
            with tf.control_dependencies([] if local_init_op is None else [local_init_op]):
                local_init_op = tf.group(*(o.chief_init_op if is_chief else o.local_step_init_op for o in sync))
            ready_for_local_init_op = tf.group(*(o.ready_for_local_init_op for o in sync))
    return {
        "init_op": init_op,
        "ready_op": ready_op,
        "local_init_op": local_init_op,
        "ready_for_local_init_op": ready_for_local_init_op,
    }


@export("contrib.slim.learning.train")
def train(
    train_op: Any, logdir: Any, train_step_fn: Callable[..., Any] = train_step, train_step_kwargs: Any = _USE_DEFAULT,
    log_every_n_steps: int = 1, graph: Any = None, master: Any = "", is_chief: bool = True, global_step: Any = None,
    number_of_steps: int | None = None, init_op: Any = _USE_DEFAULT, init_feed_dict: Any = None,
    local_init_op: Any = _USE_DEFAULT, init_fn: Any = None, ready_op: Any = _USE_DEFAULT,
    summary_op: Any = _USE_DEFAULT, save_summaries_secs: float = 600, summary_writer: Any = _USE_DEFAULT,
    startup_delay_steps: int = 0, saver: Any = None, save_interval_secs: float = 600, sync_optimizer: Any = None,
    session_config: Any = None, session_wrapper: Any = None, trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:  # fmt: skip
    """Trains until `number_of_steps`, the input's end or a stop; saves into `logdir`; gives the last loss.

    Raises: ValueError: arguments that do not go together. Source: TF 1.15 `tf.contrib.slim.learning.train`.
    """
    sync = [sync_optimizer] if isinstance(sync_optimizer, SyncReplicasOptimizer) else list(sync_optimizer or [])
    _check_arguments(
        train_op, logdir, summary_op, saver, trace_every_n_steps, sync, startup_delay_steps, number_of_steps
    )
    graph = graph or tf.get_default_graph()
    with graph.as_default():
        global_step = tf.train.get_or_create_global_step() if global_step is None else global_step
        saver = saver or tf.train.Saver()
        parts = _init_ops(init_op, ready_op, local_init_op, sync, is_chief)
        summary_op = tf.summary.merge_all() if _is_default(summary_op) else summary_op
        tokens, runners = _of_chief(sync) if is_chief else ([], [])
        if _is_default(train_step_kwargs):
            trace_every = trace_every_n_steps if is_chief else None
            train_step_kwargs = _default_kwargs(global_step, number_of_steps, log_every_n_steps, trace_every, logdir)
    writer = Supervisor.USE_DEFAULT if _is_default(summary_writer) else summary_writer
    sv = Supervisor(
        graph=graph, is_chief=is_chief, logdir=logdir, init_feed_dict=init_feed_dict, summary_op=summary_op,
        summary_writer=writer, global_step=global_step, saver=saver, save_summaries_secs=save_summaries_secs,
        save_model_secs=save_interval_secs, init_fn=init_fn, **parts,
    )  # fmt: skip
    if summary_writer is not None:
        train_step_kwargs["summary_writer"] = sv.summary_writer
    loop = _Loop(sv, train_op, train_step_fn, train_step_kwargs, global_step, tokens, runners)
    delay = 0 if is_chief else min(startup_delay_steps, number_of_steps or sys.maxsize)
    return loop.until_finished(master, session_config, session_wrapper, logdir, delay, ignore_live_threads)


def _of_chief(sync: list[Any]) -> tuple[list[Any], list[Any]]:
    """What fills the tokens of each optimizer, and the runners of their queues."""
    return [o.get_init_tokens_op() for o in sync], [o.get_chief_queue_runner() for o in sync]


class _Loop:
    """The steps of a training, which start again after AbortedError."""

    def __init__(
        self, sv: Supervisor, train_op: Any, step: Callable[..., Any], kwargs: Any, global_step: Any,
        tokens: list[Any], runners: list[Any],
    ):  # fmt: skip
        self.tokens, self.runners = tokens, runners
        self.sv, self.train_op, self.step, self.kwargs, self.global_step = sv, train_op, step, kwargs, global_step
        self.finished = False
        self.total_loss: Any = None

    def until_finished(self, *given: Any) -> Any:
        """Runs sessions until the training is finished; the last loss."""
        while not self.finished:
            self.run(*given)
        return self.total_loss

    def run(self, master: Any, config: Any, wrapper: Any, logdir: Any, delay: int, ignore_live_threads: bool) -> None:
        """Trains in one session."""
        sv = self.sv
        self.finished = True
        try:
            with sv.managed_session(master, start_standard_services=False, config=config) as sess:
                logging.info("Starting Session.")
                sess = wrapper(sess) if wrapper is not None else sess
                threads = self._start(sess, logdir, delay)
                try:
                    self._steps(sess)
                except tf.errors.OutOfRangeError as error:
                    logging.info("Caught OutOfRangeError. Stopping Training. %s", error)
                if logdir and sv.is_chief:
                    logging.info("Finished training! Saving model to disk.")
                    sv.saver.save(sess, sv.save_path, global_step=sv.global_step)
                    sv.stop(threads, close_summary_writer=True, ignore_live_threads=ignore_live_threads)
        except tf.errors.AbortedError:
            logging.info("Retrying training!")
            self.finished = False

    def _start(self, sess: Any, logdir: Any, delay: int) -> list[Any]:
        if self.sv.is_chief and logdir:
            self.sv.start_standard_services(sess)
        elif delay > 0:
            _wait_for_step(sess, self.global_step, delay)
        threads = self.sv.start_queue_runners(sess)
        logging.info("Starting Queues.")
        if self.runners:
            self.sv.start_queue_runners(sess, self.runners)
            sess.run(self.tokens)
        return threads

    def _steps(self, sess: Any) -> None:
        while not self.sv.should_stop():
            self.total_loss, stop = self.step(sess, self.train_op, self.global_step, self.kwargs)
            if stop:
                logging.info("Stopping Training.")
                self.sv.request_stop()
                return
