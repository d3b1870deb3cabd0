"""Evaluating a checkpoint: a session that restores it, steps until enough were done, and final values."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train.basic_session_run_hooks import FinalOpsHook
from retrograph.train.monitored_session import ChiefSessionCreator, MonitoredSession
from retrograph.train.session_run_hook import SessionRunArgs, SessionRunHook


@export("contrib.training.get_or_create_eval_step")
def _get_or_create_eval_step() -> Any:
    """The variable that counts evaluation steps: i64[].

    Raises: ValueError: there are several. Source: TF 1.15 `tf.contrib.training.get_or_create_eval_step`.
    """
    steps = get_default_graph().get_collection(tf.GraphKeys.EVAL_STEP)
    if len(steps) > 1:
        raise ValueError("Multiple tensors added to tf.GraphKeys.EVAL_STEP")
    if steps:
        return steps[0]
    return tf.get_variable(
        "eval_step",
        shape=[],
        dtype=tf.int64,
        initializer=tf.zeros_initializer(),
        trainable=False,
        collections=[tf.GraphKeys.LOCAL_VARIABLES, tf.GraphKeys.EVAL_STEP],
    )


def _get_latest_eval_step_value(update_ops: Any) -> Any:
    updates = list(update_ops.values()) if isinstance(update_ops, dict) else update_ops
    with tf.control_dependencies(updates):
        return tf.identity(_get_or_create_eval_step().read_value())


@export("contrib.training.StopAfterNEvalsHook")
class _StopAfterNEvalsHook(SessionRunHook):
    """Stops after `num_evals` evaluation steps; None goes on to the input's end.

    Source: TF 1.15 `tf.contrib.training.StopAfterNEvalsHook`.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True):
        self._num_evals = num_evals
        self._evals_completed: Any = None
        self._log_progress = log_progress
        self._log_frequency = 1 if num_evals is None or num_evals < 20 else num_evals // 10

    def _set_evals_completed_tensor(self, updated_eval_step: Any) -> None:
        self._evals_completed = updated_eval_step

    def before_run(self, run_context: Any) -> Any:
        """Asks for the count."""
        return SessionRunArgs({"evals_completed": self._evals_completed})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Logs the count and stops at the last one."""
        done, wanted = run_values.results["evals_completed"], self._num_evals
        if self._log_progress and wanted is None:
            logging.info("Evaluation [%d]", done)
        elif self._log_progress and (done % self._log_frequency == 0 or wanted == done):
            logging.info("Evaluation [%d/%d]", done, wanted)
        if wanted is not None and done >= wanted:
            run_context.request_stop()


def with_update(eval_ops: Any, update: Any) -> Any:
    """Evaluation operations in their structure, with one more."""
    if isinstance(eval_ops, dict):
        eval_ops["update_eval_step"] = update
        return eval_ops
    return [*eval_ops, update] if isinstance(eval_ops, (tuple, list)) else [eval_ops, update]


@export("contrib.training.evaluate_once")
def _evaluate_once(
    checkpoint_path: Any, master: Any = "", scaffold: Any = None, eval_ops: Any = None, feed_dict: Any = None,
    final_ops: Any = None, final_ops_feed_dict: Any = None, hooks: Any = None, config: Any = None,
) -> Any:  # fmt: skip
    """Restores a checkpoint, runs `eval_ops` until a hook stops, and gives the values of `final_ops`.

    Source: TF 1.15 `tf.contrib.training.evaluate_once`.
    """
    step = _get_or_create_eval_step()
    hooks = list(hooks or [])
    if eval_ops is not None:
        eval_ops = with_update(eval_ops, tf.assign_add(step, 1, use_locking=True))
        value = _get_latest_eval_step_value(eval_ops)
        for hook in hooks:
            if isinstance(hook, _StopAfterNEvalsHook):
                hook._set_evals_completed_tensor(value)
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_filename_with_path=checkpoint_path)
    final = FinalOpsHook(final_ops, final_ops_feed_dict)
    run_until_stop(creator, [*hooks, final], eval_ops, feed_dict)
    return final.final_ops_values


def run_until_stop(creator: Any, hooks: list[Any], eval_ops: Any, feed_dict: Any) -> None:
    """Runs evaluation operations in a new session until a hook stops."""
    logging.info("Starting evaluation")
    with MonitoredSession(session_creator=creator, hooks=hooks) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    logging.info("Finished evaluation")
