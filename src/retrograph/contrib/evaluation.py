"""`tf.contrib.training.evaluate_repeatedly`, `tf.contrib.slim.evaluation`, and training loops of monitored sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train import evaluation, training_util
from retrograph.train.basic_session_run_hooks import FinalOpsHook
from retrograph.train.monitored_session import ChiefSessionCreator, MonitoredTrainingSession
from retrograph.train.scaffold import Scaffold
from retrograph.train.session_run_hook import SessionRunHook

_USE_DEFAULT = 0


@export("contrib.training.wait_for_new_checkpoint", "contrib.slim.evaluation.wait_for_new_checkpoint")
def wait_for_new_checkpoint(
    checkpoint_dir: Any, last_checkpoint: Any = None, seconds_to_sleep: float = 1, timeout: float | None = None
) -> Any:
    """The newest checkpoint of a folder as soon as it is not `last_checkpoint`; None after `timeout` seconds.

    Source: TF 1.15 `tf.contrib.training.wait_for_new_checkpoint`.
    """
    logging.info("Waiting for new checkpoint at %s", checkpoint_dir)
    until = None if timeout is None else time.time() + timeout
    while True:
        found = tf.train.latest_checkpoint(checkpoint_dir)
        if found is not None and found != last_checkpoint:
            logging.info("Found new checkpoint at %s", found)
            return found
        if until is not None and time.time() + seconds_to_sleep > until:
            return None
        time.sleep(seconds_to_sleep)


@export("contrib.slim.queues.NestedQueueRunnerError")
class NestedQueueRunnerError(Exception):
    """Blocks of queue runners are inside each other. Source: TF 1.15 `tf.contrib.slim.queues.NestedQueueRunnerError`."""


_queue_runner_lock = threading.Lock()


@export("contrib.slim.queues.QueueRunners")
@contextmanager
def QueueRunners(session: Any) -> Iterator[None]:
    """A block in which the queue runners of the graph run.

    Raises: NestedQueueRunnerError. Source: TF 1.15 `tf.contrib.slim.queues.QueueRunners`.
    """
    if not _queue_runner_lock.acquire(False):
        raise NestedQueueRunnerError("QueueRunners cannot be nested")
    coord = tf.train.Coordinator()
    runners = tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)
    threads = [t for qr in runners for t in qr.create_threads(session, coord=coord, daemon=True, start=True)]
    try:
        yield
    finally:
        coord.request_stop()
        try:
            coord.join(threads, stop_grace_period_secs=120)
        except RuntimeError:
            session.close()
        _queue_runner_lock.release()


@export("contrib.training.SummaryAtEndHook")
class SummaryAtEndHook(SessionRunHook):
    """Writes summaries at the end. Raises ValueError: neither a folder nor a writer.

    Source: TF 1.15 `tf.contrib.training.SummaryAtEndHook`.
    """

    def __init__(self, log_dir: Any = None, summary_writer: Any = None, summary_op: Any = None, feed_dict: Any = None):
        if log_dir is None and summary_writer is None:
            raise ValueError("One of log_dir or summary_writer should be used.")
        self._summary_op, self._feed_dict = summary_op, feed_dict
        self._replace_summary_op = summary_op is None
        self._summary_writer, self._log_dir = summary_writer, log_dir

    def begin(self) -> None:
        """Finds summaries and the global step."""
        if self._replace_summary_op:
            self._summary_op = tf.summary.merge_all()
        self._global_step = tf.train.get_or_create_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Opens the writer."""
        if self._summary_writer is None and self._log_dir:
            self._summary_writer = tf.summary.FileWriterCache.get(self._log_dir)

    def end(self, session: Any) -> None:
        """Writes."""
        if self._summary_op is not None:
            step = training_util.global_step(session, self._global_step)
            summary = session.run(self._summary_op, self._feed_dict)
            if self._summary_writer:
                self._summary_writer.add_summary(summary, step)
        if self._summary_writer:
            self._summary_writer.flush()


@export("contrib.training.evaluate_repeatedly")
def evaluate_repeatedly(
    checkpoint_dir: Any, master: Any = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None,
    final_ops: Any = None, final_ops_feed_dict: Any = None, eval_interval_secs: float = 60, hooks: Any = None,
    config: Any = None, max_number_of_evaluations: int | None = None, timeout: float | None = None,
    timeout_fn: Any = None,
) -> Any:  # fmt: skip
    """Evaluates each new checkpoint of a folder; gives the last values of `final_ops`.

    Source: TF 1.15 `tf.contrib.training.evaluate_repeatedly`.
    """
    step = evaluation._get_or_create_eval_step()
    hooks = hooks or []
    if eval_ops is not None:
        update = tf.assign_add(step, 1)
        for hook in hooks:
            if isinstance(hook, evaluation._StopAfterNEvalsHook):
                hook._set_evals_completed_tensor(update)
        eval_ops = evaluation.with_update(eval_ops, update)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    hooks.append(final)
    found = tf.train.checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn)
    for number, path in enumerate(found, 1):
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_filename_with_path=path)
        evaluation.run_until_stop(creator, hooks, eval_ops, feed_dict)
        if max_number_of_evaluations is not None and number >= max_number_of_evaluations:
            break
    return final.final_ops_values


def _hooks(num_evals: int, logdir: Any, summary_op: Any, feed_dict: Any, hooks: Any) -> list[Any]:
    found: list[Any] = [evaluation._StopAfterNEvalsHook(num_evals)]
    if isinstance(summary_op, int) and summary_op == _USE_DEFAULT:
        summary_op = tf.summary.merge_all()
    if summary_op is not None:
        found.append(SummaryAtEndHook(log_dir=logdir, summary_op=summary_op, feed_dict=feed_dict))
    return [*found, *(hooks or ())]


def _saver(variables: Any) -> Any:
    return None if variables is None else tf.train.Saver(variables)


@export("contrib.slim.evaluation.evaluate_once")
def slim_evaluate_once(
    master: Any, checkpoint_path: Any, logdir: Any, num_evals: int = 1, initial_op: Any = None,
    initial_op_feed_dict: Any = None, eval_op: Any = None, eval_op_feed_dict: Any = None, final_op: Any = None,
    final_op_feed_dict: Any = None, summary_op: Any = _USE_DEFAULT, summary_op_feed_dict: Any = None,
    variables_to_restore: Any = None, session_config: Any = None, hooks: Any = None,
) -> Any:  # fmt: skip
    """Evaluates a checkpoint in `num_evals` steps and writes summaries; gives the value of `final_op`.

    Source: TF 1.15 `tf.contrib.slim.evaluation.evaluate_once`.
    """
    all_hooks = _hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks)
    scaffold = Scaffold(initial_op, initial_op_feed_dict, saver=_saver(variables_to_restore))
    return evaluation._evaluate_once(
        checkpoint_path, master, scaffold, eval_op, eval_op_feed_dict, final_op, final_op_feed_dict, all_hooks,
        session_config,
    )  # fmt: skip


@export("contrib.slim.evaluation.evaluation_loop")
def evaluation_loop(
    master: Any, checkpoint_dir: Any, logdir: Any, num_evals: int = 1, initial_op: Any = None,
    initial_op_feed_dict: Any = None, init_fn: Any = None, eval_op: Any = None, eval_op_feed_dict: Any = None,
    final_op: Any = None, final_op_feed_dict: Any = None, summary_op: Any = _USE_DEFAULT,
    summary_op_feed_dict: Any = None, variables_to_restore: Any = None, eval_interval_secs: float = 60,
    max_number_of_evaluations: int | None = None, session_config: Any = None, timeout: float | None = None,
    timeout_fn: Any = None, hooks: Any = None,
) -> Any:  # fmt: skip
    """Evaluates each new checkpoint of a folder. Source: TF 1.15 `tf.contrib.slim.evaluation.evaluation_loop`."""
    all_hooks = _hooks(num_evals, logdir, summary_op, summary_op_feed_dict, hooks)
    scaffold = Scaffold(initial_op, initial_op_feed_dict, init_fn, saver=_saver(variables_to_restore))
    return evaluate_repeatedly(
        checkpoint_dir, master, scaffold, eval_op, eval_op_feed_dict, final_op, final_op_feed_dict, eval_interval_secs,
        all_hooks, session_config, max_number_of_evaluations, timeout, timeout_fn,
    )  # fmt: skip


@export("contrib.training.train")
def train(
    train_op: Any, logdir: Any, master: Any = "", is_chief: bool = True, scaffold: Any = None, hooks: Any = None,
    chief_only_hooks: Any = None, save_checkpoint_secs: float | None = 600, save_summaries_steps: int | None = 100,
    config: Any = None, max_wait_secs: float = 7200, run_metadata: Any = None,
) -> Any:  # fmt: skip
    """Runs `train_op` in a monitored session until a hook stops; gives its last value.

    Raises: ValueError: no `logdir` for what is to be saved. Source: TF 1.15 `tf.contrib.training.train`.
    """
    for name, wanted in (
        ("save_summaries_steps", save_summaries_steps),
        ("save_checkpoint_secs", save_checkpoint_secs),
    ):
        if logdir is None and is_chief and wanted:
            raise ValueError(f"logdir cannot be None when {name} is not None")
    with MonitoredTrainingSession(
        master=master,
        is_chief=is_chief,
        checkpoint_dir=logdir,
        scaffold=scaffold,
        hooks=hooks,
        chief_only_hooks=chief_only_hooks,
        save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps,
        config=config,
        max_wait_secs=max_wait_secs,
    ) as session:
        loss = None
        while not session.should_stop():
            loss = session.run(train_op, run_metadata=run_metadata)
    logging.info("Training has stopped.")
    return loss
