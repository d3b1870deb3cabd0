"""`tf.estimator.train_and_evaluate`: training with an evaluation, and exports, after each checkpoint."""

from __future__ import annotations

import os
import shutil
from typing import Any, NamedTuple

from retrograph.estimator.model import Estimator
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train.basic_session_run_hooks import CheckpointSaverListener
from retrograph.train.hook_timers import SecondOrStepTimer
from retrograph.train.session_run_hook import SessionRunHook


def _hooks(hooks: Any) -> tuple[Any, ...]:
    found = tuple(hooks or [])
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook}")
    return found


def _check_input_fn(input_fn: Any) -> None:
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn}")


# ---- exporters


@export("estimator.Exporter")
class Exporter:
    """What exports a model after an evaluation. Source: TF 1.15 `tf.estimator.Exporter`."""

    @property
    def name(self) -> str:
        """The folder's name below `export`."""
        raise NotImplementedError

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Exports, or not; gives the folder, or None."""
        raise NotImplementedError


class _SavedModelExporter(Exporter):
    """Writes SavedModels."""

    def __init__(self, name: str, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False):
        self._name, self._receiver_fn = name, serving_input_receiver_fn
        self._assets_extra, self._as_text = assets_extra, as_text

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._name

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Exports."""
        return estimator.export_saved_model(
            export_path, self._receiver_fn, self._assets_extra, self._as_text, checkpoint_path
        )


@export("estimator.FinalExporter")
class FinalExporter(_SavedModelExporter):
    """Exports once, at the end. Source: TF 1.15 `tf.estimator.FinalExporter`."""

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Exports at the end."""
        if not is_the_final_export:
            return None
        logging.info("Performing the final export in the end of training.")
        return super().export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)


def _keep(folder: str, count: int | None) -> None:
    """Removes all but the newest exports."""
    if count is None or not os.path.isdir(folder):
        return
    exports = sorted((d for d in os.listdir(folder) if d.isdigit()), key=int)
    for name in exports[: len(exports) - count]:
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


@export("estimator.LatestExporter")
class LatestExporter(_SavedModelExporter):
    """Exports after each evaluation, and keeps the newest. Raises ValueError: keeps none.

    Source: TF 1.15 `tf.estimator.LatestExporter`.
    """

    def __init__(
        self, name: str, serving_input_receiver_fn: Any, assets_extra: Any = None, as_text: bool = False,
        exports_to_keep: int | None = 5,
    ):  # fmt: skip
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be positive number")
        self._count = exports_to_keep

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Exports, and removes old exports."""
        found = super().export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)
        _keep(export_path, self._count)
        return found


def _loss_smaller(best_eval_result: Any, current_eval_result: Any) -> bool:
    for result, what in ((best_eval_result, "best_eval_result"), (current_eval_result, "current_eval_result")):
        if not result or "loss" not in result:
            raise ValueError(f"{what} cannot be empty or no loss is found in it.")
    return bool(best_eval_result["loss"] > current_eval_result["loss"])


@export("estimator.BestExporter")
class BestExporter(LatestExporter):
    """Exports when an evaluation is better than all before. Raises ValueError: no functions.

    Source: TF 1.15 `tf.estimator.BestExporter`. Differs: evaluations of earlier processes are not looked up.
    """

    def __init__(
        self, name: str = "best_exporter", serving_input_receiver_fn: Any = None,
        event_file_pattern: Any = "eval/*.tfevents.*", compare_fn: Any = _loss_smaller, assets_extra: Any = None,
        as_text: bool = False, exports_to_keep: int | None = 5,
    ):  # fmt: skip
        if compare_fn is None:
            raise ValueError("`compare_fn` must not be None.")
        if not callable(compare_fn):
            raise TypeError("`compare_fn` must be callable.")
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, exports_to_keep)
        self._better, self._best = compare_fn, None

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: Any, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Exports if the result is better."""
        if self._best is not None and not self._better(self._best, eval_result):
            return None
        logging.info("Performing best model export.")
        self._best = eval_result
        return super().export(estimator, export_path, checkpoint_path, eval_result, is_the_final_export)


def _exporters(exporters: Any) -> tuple[Any, ...]:
    if not exporters:
        return ()
    found = (exporters,) if isinstance(exporters, Exporter) else tuple(exporters)
    names: list[str] = []
    for exporter in found:
        if not isinstance(exporter, Exporter):
            raise TypeError(
                "`exporters` must be an Exporter, an iterable of Exporter, or `None`. Found instance of "
                f"{type(exporter)}."
            )
        if not exporter.name:
            raise ValueError(f"An Exporter cannot have a name that is `None` or empty. All exporter names: {names}")
        if exporter.name in names:
            raise ValueError(f"`exporters` must have unique names. Such a name cannot be duplicated: {exporter.name}")
        names.append(exporter.name)
    return found


# ---- specs


class _Train(NamedTuple):
    input_fn: Any
    max_steps: Any
    hooks: Any


@export("estimator.TrainSpec")
class TrainSpec(_Train):
    """How to train. Raises TypeError, ValueError: no function, no positive number. Source: TF 1.15 `tf.estimator.TrainSpec`."""

    def __new__(cls, input_fn: Any, max_steps: Any = None, hooks: Any = None) -> TrainSpec:
        """Checks all."""
        _check_input_fn(input_fn)
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(cls, input_fn, max_steps, _hooks(hooks))


class _Eval(NamedTuple):
    input_fn: Any
    steps: Any
    name: Any
    hooks: Any
    exporters: Any
    start_delay_secs: Any
    throttle_secs: Any


@export("estimator.EvalSpec")
class EvalSpec(_Eval):
    """How to evaluate. Raises TypeError, ValueError: no function, negative numbers. Source: TF 1.15 `tf.estimator.EvalSpec`."""

    def __new__(
        cls, input_fn: Any, steps: Any = 100, name: Any = None, hooks: Any = None, exporters: Any = None,
        start_delay_secs: Any = 120, throttle_secs: Any = 600,
    ) -> EvalSpec:  # fmt: skip
        """Checks all."""
        _check_input_fn(input_fn)
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        for value, what in ((start_delay_secs, "start_delay_secs"), (throttle_secs, "throttle_secs")):
            if value < 0:
                raise ValueError(f"Must specify {what} >= 0, given: {value}")
        given = (_hooks(hooks), _exporters(exporters), start_delay_secs, throttle_secs)
        return super().__new__(cls, input_fn, steps, name, *given)


# ---- training and evaluating


class _Evaluator:
    """Evaluates new checkpoints and exports."""

    def __init__(self, estimator: Any, spec: EvalSpec, max_steps: Any):
        self._estimator, self._spec, self._max_steps = estimator, spec, max_steps
        self._last: Any = None
        self.metrics: Any = None
        self.exports: list[Any] = []

    def evaluate(self) -> None:
        """Evaluates and exports the latest checkpoint."""
        path = self._estimator.latest_checkpoint()
        if not path or path == self._last:
            return
        spec = self._spec
        self.metrics = self._estimator.evaluate(spec.input_fn, spec.steps, spec.hooks, path, spec.name)
        self._last = path
        step = self.metrics["global_step"]
        final = bool(self._max_steps and step >= self._max_steps)
        self.exports = [self._exported(e, path, final) for e in spec.exporters]

    def _exported(self, exporter: Any, path: Any, final: bool) -> Any:
        folder = os.path.join(self._estimator.model_dir, "export", exporter.name)
        return exporter.export(self._estimator, folder, path, self.metrics, final)


class _Listener(CheckpointSaverListener):
    """Evaluates after checkpoints, not more often than every so many seconds."""

    def __init__(self, evaluator: _Evaluator, throttle_secs: Any):
        self._evaluator, self._throttle = evaluator, throttle_secs
        self._timer: Any = None
        self._first = True

    def begin(self) -> None:
        """Starts the clock."""
        self._timer = SecondOrStepTimer(every_secs=self._throttle)
        self._first = True

    def after_save(self, session: Any, global_step_value: Any) -> None:
        """Evaluates, but not the checkpoint that training starts with."""
        if self._first:
            self._first = False
        elif self._timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value)
        else:
            logging.info("Skip the current checkpoint eval due to throttle secs (%s secs).", self._throttle)

    def end(self, session: Any, global_step_value: Any) -> None:
        """Evaluates the last checkpoint."""
        if global_step_value != self._timer.last_triggered_step():
            self._evaluate(global_step_value)

    def _evaluate(self, step: Any) -> None:
        self._timer.update_last_triggered_step(step)
        self._evaluator.evaluate()


@export("estimator.train_and_evaluate")
def train_and_evaluate(estimator: Any, train_spec: Any, eval_spec: Any) -> tuple[Any, Any]:
    """Trains, and evaluates and exports after checkpoints; gives the last metrics and exports.

    Raises TypeError: no estimator or specs. Source: TF 1.15 `tf.estimator.train_and_evaluate`.
    """
    for value, kind, name in (
        (estimator, Estimator, "estimator"),
        (train_spec, TrainSpec, "train_spec"),
        (eval_spec, EvalSpec, "eval_spec"),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must have type `tf.estimator.{kind.__name__}`. Got: {type(value)}")
    config = estimator.config
    logging.info("Running training and evaluation locally (non-distributed).")
    logging.info(
        "Start train and evaluate loop. The evaluate will happen after every checkpoint. Checkpoint frequency is determined "
        "based on RunConfig arguments: save_checkpoints_steps %s or save_checkpoints_secs %s.",
        config.save_checkpoints_steps,
        config.save_checkpoints_secs,
    )
    evaluator = _Evaluator(estimator, eval_spec, train_spec.max_steps)
    listener = _Listener(evaluator, eval_spec.throttle_secs)
    estimator.train(train_spec.input_fn, train_spec.hooks, max_steps=train_spec.max_steps, saving_listeners=[listener])
    return evaluator.metrics, evaluator.exports
