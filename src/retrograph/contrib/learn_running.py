"""`tf.contrib.learn`: `RunConfig`, `Experiment` and `learn_runner` around estimators of `tf.estimator`."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.contrib.hyperparameters import HParams
from retrograph.estimator import run_config
from retrograph.estimator.model import Estimator, function_args
from retrograph.framework import errors
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train.basic_session_run_hooks import CheckpointSaverListener
from retrograph.train.session_run_hook import SessionRunHook

_HOME = "tensorflow.contrib.learn.python.learn."
_UID_LEFT_OUT = (
    "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "session_config",
    "keep_checkpoint_max", "keep_checkpoint_every_n_hours", "log_step_count_steps",
)  # fmt: skip


class Environment:
    """The kinds of places that programs run in."""

    CLOUD = "cloud"
    GOOGLE = "google"
    LOCAL = "local"


@export("contrib.learn.TaskType")
class TaskType:
    """The kinds of tasks of a cluster. Source: TF 1.15 `tf.contrib.learn.TaskType`."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"


@export("contrib.learn.RunConfig")
class RunConfig(run_config.RunConfig):
    """How an estimator of an `Experiment` runs. Raises UnimplementedError: a cluster in `TF_CONFIG`.

    Source: TF 1.15 `tf.contrib.learn.RunConfig`.
    """

    _USE_DEFAULT = 0

    @deprecated(
        "When switching to tf.estimator.Estimator, use tf.estimator.RunConfig instead.",
        _HOME + "estimators.run_config",
    )
    def __init__(
        self, master: Any = None, num_cores: int = 0, log_device_placement: bool = False,
        gpu_memory_fraction: float = 1, tf_random_seed: Any = None, save_summary_steps: Any = 100,
        save_checkpoints_secs: Any = _USE_DEFAULT, save_checkpoints_steps: Any = None, keep_checkpoint_max: Any = 5,
        keep_checkpoint_every_n_hours: Any = 10000, log_step_count_steps: Any = 100, protocol: Any = None,
        evaluation_master: Any = "", model_dir: Any = None, session_config: Any = None,
        session_creation_timeout_secs: Any = 7200,
    ):  # fmt: skip
        if save_checkpoints_secs == RunConfig._USE_DEFAULT:
            save_checkpoints_secs = 600 if save_checkpoints_steps is None else None
        super().__init__(
            model_dir=model_dir, tf_random_seed=tf_random_seed, save_summary_steps=save_summary_steps,
            save_checkpoints_steps=save_checkpoints_steps, save_checkpoints_secs=save_checkpoints_secs,
            session_config=session_config, keep_checkpoint_max=keep_checkpoint_max,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours, log_step_count_steps=log_step_count_steps,
            protocol=protocol, session_creation_timeout_secs=session_creation_timeout_secs,
        )  # fmt: skip
        self._task_type: Any = None
        self._num_worker_replicas = 0
        self._master, self._evaluation_master = master or self._master, evaluation_master
        self._environment = Environment.LOCAL
        self._tf_config = tf.ConfigProto(
            log_device_placement=log_device_placement,
            inter_op_parallelism_threads=num_cores,
            intra_op_parallelism_threads=num_cores,
            gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=gpu_memory_fraction),
        )

    @staticmethod
    def get_task_id() -> int:
        """The number of this process in its job."""
        return 0

    @property
    def environment(self) -> str:
        """Where the program runs."""
        return self._environment

    @property
    def tf_config(self) -> Any:
        """The configuration of sessions."""
        return self._tf_config

    def uid(self, whitelist: Any = None) -> str:
        """A text that is the same for configurations that differ only in `whitelist`."""
        left_out = {f"_{name}" for name in (_UID_LEFT_OUT if whitelist is None else whitelist)}
        state = {k: v for k, v in sorted(vars(self).items()) if not k.startswith("__") and k not in left_out}
        state["_cluster_spec"] = self._cluster_spec.as_dict()
        return ", ".join(f"{k}={v!r}" for k, v in state.items())


class _Strategy(NamedTuple):
    name: Any
    export_fn: Any
    strip_default_attrs: Any = None


@export("contrib.learn.ExportStrategy")
class ExportStrategy(_Strategy):
    """How a model is exported. Source: TF 1.15 `tf.contrib.learn.ExportStrategy`."""

    def export(self, estimator: Any, export_path: Any, checkpoint_path: Any = None, eval_result: Any = None) -> Any:
        """Exports; gives the folder. Raises ValueError: a function that takes no results, though there are some."""
        given = {"checkpoint_path": checkpoint_path, "eval_result": eval_result}
        if self.strip_default_attrs is not None:
            given["strip_default_attrs"] = self.strip_default_attrs
        wanted = function_args(self.export_fn)
        if checkpoint_path and "checkpoint_path" not in wanted:
            raise ValueError("An export_fn accepting checkpoint_path must be provided when a checkpoint_path is given.")
        return self.export_fn(estimator, export_path, **{k: v for k, v in given.items() if k in wanted})


@export("contrib.learn.make_export_strategy")
def make_export_strategy(
    serving_input_fn: Any, default_output_alternative_key: Any = None, assets_extra: Any = None, as_text: bool = False,
    exports_to_keep: int = 5, strip_default_attrs: Any = None,
) -> ExportStrategy:  # fmt: skip
    """A strategy that writes SavedModels of an `Estimator` of `tf.estimator`.

    Raises ValueError when it exports: another output alternative. Source: TF 1.15 `tf.contrib.learn.make_export_strategy`.
    """

    def export_fn(
        estimator: Any, export_dir_base: Any, checkpoint_path: Any = None, strip_default_attrs: bool = False
    ) -> Any:
        if default_output_alternative_key is not None:
            raise ValueError(
                "default_output_alternative_key is not supported in core Estimator. Given: "
                f"{default_output_alternative_key}"
            )
        made = estimator.export_savedmodel(
            export_dir_base, serving_input_fn, assets_extra=assets_extra, as_text=as_text,
            checkpoint_path=checkpoint_path, strip_default_attrs=strip_default_attrs,
        )  # fmt: skip
        from retrograph.estimator.training import _keep

        _keep(os.fsdecode(export_dir_base), exports_to_keep)
        return made

    return ExportStrategy("Servo", export_fn, strip_default_attrs)


class _EvaluateNew(SessionRunHook):
    """Evaluates each new checkpoint while the model is trained."""

    def __init__(self, experiment: Experiment, interval: float):
        self._experiment, self._interval = experiment, interval
        self._path: Any = None
        self._looked = 0.0

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Looks for a checkpoint, at most once in the interval."""
        if time.time() - self._looked < self._interval:
            return
        self._looked = time.time()
        path = tf.train.latest_checkpoint(self._experiment.estimator.model_dir)
        if path and path != self._path:
            self._path = path
            self._experiment._evaluated(checkpoint_path=path)


class _EvaluateAndExport(CheckpointSaverListener):
    """Evaluates and exports each checkpoint that is saved."""

    def __init__(self, experiment: Experiment):
        self._experiment = experiment
        self._path: Any = None
        self.results: tuple[Any, Any] = (None, None)

    def after_save(self, session: Any, global_step_value: Any) -> None:
        """Evaluates and exports."""
        path = tf.train.latest_checkpoint(self._experiment.estimator.model_dir)
        if path and path != self._path:
            self._path = path
            found = self._experiment._evaluated(name="intermediate_export", checkpoint_path=path)
            self.results = found, self._experiment._maybe_export(found, path)


def _strategies(given: Any) -> tuple[ExportStrategy, ...]:
    found = (given,) if isinstance(given, ExportStrategy) else tuple(given or ())
    for value in found:
        if not isinstance(value, ExportStrategy):
            raise ValueError(
                "`export_strategies` must be an ExportStrategy, an iterable of ExportStrategy, or `None`, found "
                f"{value}."
            )
    return found


@export("contrib.learn.Experiment")
class Experiment:
    """An estimator with the input it is trained and evaluated on.

    Raises ValueError: no estimator of `tf.estimator`, metrics beside one, or strategies that are none.
    Source: TF 1.15 `tf.contrib.learn.Experiment`. Differs: estimators of `tf.contrib.learn` are not there.
    """

    @deprecated(
        "Please switch to tf.estimator.train_and_evaluate. You will also have to convert to a tf.estimator.Estimator.",
        _HOME + "experiment",
    )
    def __init__(
        self, estimator: Any, train_input_fn: Any, eval_input_fn: Any, eval_metrics: Any = None,
        train_steps: Any = None, eval_steps: Any = 100, train_monitors: Any = None, eval_hooks: Any = None,
        local_eval_frequency: Any = None, eval_delay_secs: Any = 120, continuous_eval_throttle_secs: Any = 60,
        min_eval_frequency: Any = None, delay_workers_by_global_step: bool = False, export_strategies: Any = None,
        train_steps_per_iteration: Any = None, checkpoint_and_export: bool = False, saving_listeners: Any = None,
        check_interval_secs: Any = 5,
    ):  # fmt: skip
        if not isinstance(estimator, Estimator):
            raise ValueError("`estimator` must implement `tf.contrib.learn.Evaluable` or `tf.estimator.Estimator`.")
        if eval_metrics is not None:
            raise ValueError(
                "`eval_metrics` must be `None` with `tf.estimator.Estimator`. Use `eval_metric_ops` in "
                "`tf.estimator.EstimatorSpec` instead."
            )
        if train_steps_per_iteration is not None and not isinstance(train_steps_per_iteration, int):
            raise ValueError("`train_steps_per_iteration` must be an integer.")
        self._estimator, self._train_input_fn, self._eval_input_fn = estimator, train_input_fn, eval_input_fn
        self._train_steps, self._eval_steps = train_steps, eval_steps
        self._hooks, self._eval_hooks = list(train_monitors or []), list(eval_hooks or [])
        self._local_frequency, self._listeners = local_eval_frequency, saving_listeners
        self._delay, self._throttle = eval_delay_secs, continuous_eval_throttle_secs
        self._frequency = 1 if min_eval_frequency is None else min_eval_frequency
        self._exporting = checkpoint_and_export
        self._interval, self._steps_per_iteration = check_interval_secs, train_steps_per_iteration
        self._export_strategies = _strategies(export_strategies)

    @property
    def estimator(self) -> Any:
        """The estimator."""
        return self._estimator

    @property
    def eval_metrics(self) -> None:
        """None: the model function says which metrics there are."""
        return

    @property
    def train_steps(self) -> Any:
        """How many steps it is trained."""
        return self._train_steps

    @property
    def eval_steps(self) -> Any:
        """How many steps an evaluation takes."""
        return self._eval_steps

    def extend_train_hooks(self, additional_hooks: Any) -> None:
        """Adds hooks for training."""
        self._hooks.extend(additional_hooks)

    def reset_export_strategies(self, new_export_strategies: Any = None) -> Any:
        """Takes other strategies; gives the ones before."""
        before, self._export_strategies = self._export_strategies, _strategies(new_export_strategies)
        return before

    # ---- runs

    def train(self, delay_secs: Any = None) -> Any:
        """Trains to `train_steps`."""
        if delay_secs:
            time.sleep(delay_secs)
        return self._trained(max_steps=self._train_steps)

    def _trained(self, **steps: Any) -> Any:
        return self._estimator.train(
            input_fn=self._train_input_fn, hooks=list(self._hooks), saving_listeners=self._listeners, **steps
        )

    def _evaluated(self, name: Any = None, checkpoint_path: Any = None, steps: Any = None, on: Any = None) -> Any:
        return self._estimator.evaluate(
            input_fn=on or self._eval_input_fn, steps=steps or self._eval_steps, hooks=list(self._eval_hooks),
            name=name, checkpoint_path=checkpoint_path,
        )  # fmt: skip

    def evaluate(self, delay_secs: Any = None, name: Any = None) -> Any:
        """Evaluates once, after a delay."""
        delay = self._delay if delay_secs is None else delay_secs
        if delay:
            logging.info("Waiting %d secs before starting eval.", delay)
            time.sleep(delay)
        return self._evaluated(name=name or "one_pass")

    def local_run(self) -> Any:
        """As `train_and_evaluate`, with its own frequency."""
        with self._instead("_frequency", self._local_frequency):
            return self.train_and_evaluate()

    @contextmanager
    def _instead(self, name: str, value: Any) -> Iterator[None]:
        before = getattr(self, name)
        setattr(self, name, value)
        try:
            yield
        finally:
            setattr(self, name, before)

    def train_and_evaluate(self) -> Any:
        """Trains, evaluates checkpoints meanwhile, evaluates and exports at the end: (metrics, exports)."""
        config = self._estimator.config
        secs, steps = config.save_checkpoints_secs, config.save_checkpoints_steps
        listener = _EvaluateAndExport(self) if self._exporting and (secs or steps) else None
        more: list[Any] = []
        if listener is not None:
            folder = self._estimator.model_dir
            more = [tf.train.CheckpointSaverHook(folder, save_secs=secs, save_steps=steps, listeners=[listener])]
        elif self._frequency:
            more = [_EvaluateNew(self, self._interval)]
        with self._instead("_hooks", [*self._hooks, *more]):
            self.train(delay_secs=0)
        if listener is not None:
            return listener.results
        result = self._evaluated()
        return result, self._maybe_export(result)

    def _maybe_export(self, eval_result: Any, checkpoint_path: Any = None) -> list[Any]:
        base = os.path.join(self._estimator.model_dir, "export")
        return [
            s.export(self._estimator, os.path.join(base, s.name), checkpoint_path, eval_result)
            for s in self._export_strategies
        ]

    def _stopped(self, result: Any) -> bool:
        return bool(result and self._train_steps and result.get("global_step", 0) >= self._train_steps)

    def continuous_train_and_eval(self, continuous_eval_predicate_fn: Any = None) -> Any:
        """Trains some steps and evaluates, again and again: (metrics, exports)."""
        goes_on, result, exports, path = _predicate(continuous_eval_predicate_fn), None, None, None
        steps = self._steps_per_iteration or (int(self._train_steps / 10) if self._train_steps else 1000)
        while goes_on(result, path if result else None) and not self._stopped(result):
            self._trained(steps=steps)
            path = tf.train.latest_checkpoint(self._estimator.model_dir)
            result = self._evaluated(name="one_pass", checkpoint_path=path)
            exports = self._maybe_export(result)
        return result, exports

    def continuous_eval(
        self, delay_secs: Any = None, throttle_delay_secs: Any = None, evaluate_checkpoint_only_once: bool = True,
        continuous_eval_predicate_fn: Any = None, name: str = "continuous",
    ) -> None:  # fmt: skip
        """Evaluates new checkpoints until the last step."""
        self._watch(
            self._eval_input_fn, name, delay_secs, throttle_delay_secs, evaluate_checkpoint_only_once,
            _predicate(continuous_eval_predicate_fn), True,
        )  # fmt: skip

    def continuous_eval_on_train_data(
        self, delay_secs: Any = None, throttle_delay_secs: Any = None, continuous_eval_predicate_fn: Any = None,
        name: str = "continuous_on_train_data",
    ) -> None:  # fmt: skip
        """As `continuous_eval`, on what it is trained on."""
        goes_on = _predicate(continuous_eval_predicate_fn)
        self._watch(self._train_input_fn, name, delay_secs, throttle_delay_secs, True, goes_on, False)

    def _watch(
        self, input_fn: Any, name: str, delay: Any, throttle: Any, once: bool, goes_on: Any, exporting: bool
    ) -> None:
        time.sleep(self._delay if delay is None else delay)
        throttle, seen = self._throttle if throttle is None else throttle, None
        result: Any = None
        while goes_on(result, seen) and not self._stopped(result):
            start, path = time.time(), tf.train.latest_checkpoint(self._estimator.model_dir)
            result = {}
            if path and not (once and path == seen):
                result, seen = self._evaluated(name, path, on=input_fn) or {}, path
                if exporting:
                    self._maybe_export(result, path)
            time.sleep(max(0.0, throttle - (time.time() - start)))

    def run_std_server(self) -> None:
        """Refused: one process has no parameter servers. Raises UnimplementedError."""
        raise errors.UnimplementedError(
            None, None, "Experiment.run_std_server is not supported: all runs in one process"
        )

    def test(self) -> Any:
        """One step of training, one of evaluation, and an export."""
        self._trained(steps=1)
        result = self._evaluated(name="one_pass", steps=1)
        self._maybe_export(result)
        return result


def _predicate(given: Any) -> Callable[[Any, Any], bool]:
    if given is None:
        return lambda result, path: True
    if not callable(given):
        raise ValueError("`continuous_eval_predicate_fn` must be a callable, or None.")
    if "checkpoint_path" in function_args(given):
        return lambda result, path: given(result, checkpoint_path=path)
    return lambda result, path: given(result)


# ---- learn_runner


def _check_experiment(experiment: Any) -> Any:
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Experiment builder did not return an Experiment instance, got {type(experiment)} instead.")
    return experiment


def _experiment(experiment_fn: Any, config: Any, hparams: Any, require: bool = False) -> Any:
    """The experiment of a configuration. Raises ValueError, RuntimeError: others than those that it was to take."""
    if not isinstance(config, RunConfig):
        raise ValueError("`run_config` must be `tf.contrib.learn.RunConfig` instance")
    if not config._model_dir:
        raise ValueError("Must specify a model directory `model_dir` in `run_config`.")
    if hparams is not None and not isinstance(hparams, HParams):
        raise ValueError("`hparams` must be `HParams` instance")
    if require and hparams is None:
        raise ValueError("`hparams` cannot be `None`.")
    expected = config.uid()
    experiment = _check_experiment(experiment_fn(config, hparams))
    used = experiment.estimator.config
    if not hasattr(used, "uid"):
        raise RuntimeError(
            "Pass `run_config` argument of the `experiment_fn` to the Estimator in Experiment. It is likely a different "
            "`RunConfig` is passed to `Estimator` or the `config` constructor argument in `Estimator` is not set."
        )
    if used.uid() != expected:
        raise RuntimeError(
            "`RunConfig` instance is expected to be used by the `Estimator` inside the `Experiment`. expected "
            f"{expected}, but got {used.uid()}"
        )
    return experiment


@export("contrib.learn.learn_runner.run")
@deprecated("Use tf.estimator.train_and_evaluate.", _HOME + "learn_runner")
def run(
    experiment_fn: Any, output_dir: Any = None, schedule: Any = None, run_config: Any = None, hparams: Any = None
) -> Any:
    """Makes an experiment and runs it: by default `train_and_evaluate`.

    Raises ValueError, TypeError: neither or both of folder and configuration, no function, an unknown schedule.
    Source: TF 1.15 `tf.contrib.learn.learn_runner.run`.
    """
    if output_dir is not None and run_config is not None:
        raise ValueError("Cannot provide both `output_dir` and `run_config`")
    if output_dir is None and run_config is None:
        raise ValueError("Must set value for `output_dir` or `run_config`")
    if not callable(experiment_fn):
        raise TypeError(f'Experiment builder "{experiment_fn}" is not callable.')
    if run_config is not None:
        experiment = _experiment(experiment_fn, run_config, copy.copy(hparams))
    else:
        if not output_dir:
            raise ValueError("Must specify an output directory")
        if hparams is not None:
            raise ValueError("Must set `hparams` as None for `experiment_fn` with `output_dir`.")
        experiment = _check_experiment(experiment_fn(output_dir=output_dir))
    return _scheduled(experiment, schedule or "train_and_evaluate")


def _scheduled(experiment: Any, schedule: str) -> Any:
    if not hasattr(experiment, schedule):
        raise ValueError(f"Schedule references non-existent task {schedule}")
    task = getattr(experiment, schedule)
    if not callable(task):
        raise TypeError(f"Schedule references non-callable member {schedule}")
    return task()


@export("contrib.learn.learn_runner.tune")
@deprecated("Use tf.estimator.train_and_evaluate.", _HOME + "learn_runner")
def tune(experiment_fn: Any, tuner: Any) -> None:
    """Runs an experiment for each trial of a tuner. Source: TF 1.15 `tf.contrib.learn.learn_runner.tune`."""
    while tuner.next_trial():
        tuner.run_experiment(lambda run_config, hparams: _experiment(experiment_fn, run_config, hparams, require=True))
