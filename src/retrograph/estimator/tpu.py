"""`tf.contrib.tpu` for programs that run without a TPU: `TPUEstimator(use_tpu=False)` and what goes with it."""

from __future__ import annotations

import copy
import inspect
import json
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.estimator import run_config
from retrograph.estimator.model import Estimator, _check_model_fn, function_args
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.framework import errors
from retrograph.framework.collections import GraphKeys
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train.basic_session_run_hooks import StepCounterHook
from retrograph.train.session_run_hook import SessionRunArgs, SessionRunHook

_RESERVED = ["batch_size", "context"]
_LOOPS = re.compile(r"^([1-9]\d*)((s|m|h)$|$)")
_LOOPS_TEXT = (
    "Invalid TPUConfig `iterations_per_loop` value. Value must be positive integer value or time-based value `<N><s|m|h>` "
    "where <N> is anypositive integer and `s`, `m`, `h` are unit of time in seconds, minutes, hours respectively. Examples "
    "of valid values: `3600s`, `60m`, `1h`."
)


def _check_positive(value: Any, name: str) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be int, got {type(value)}")
    if value <= 0:
        raise ValueError(f"{name} must be positive, got {value}")


def _iterations(given: Any) -> tuple[int, bool]:
    """(how many, whether they are seconds). Raises ValueError: neither."""
    found = _LOOPS.match(str(given))
    if found is None:
        raise ValueError(_LOOPS_TEXT)
    return int(found[1]) * {"m": 60, "h": 3600}.get(found[2], 1), bool(found[2])


@export("estimator.tpu.InputPipelineConfig", "contrib.tpu.InputPipelineConfig")
class InputPipelineConfig:
    """How often an input function is called. Source: TF 1.15 `tf.estimator.tpu.InputPipelineConfig`."""

    PER_SHARD_V1 = 1
    PER_HOST_V1 = 2
    PER_HOST_V2 = 3
    BROADCAST = 4
    SLICED = 5


class _Config(NamedTuple):
    iterations_per_loop: Any
    num_shards: Any
    num_cores_per_replica: Any
    per_host_input_for_training: Any
    tpu_job_name: Any
    initial_infeed_sleep_secs: Any
    input_partition_dims: Any
    eval_training_input_configuration: Any
    experimental_host_call_every_n_steps: Any


def _check_partitions(dims: Any, per_host: Any, cores: Any) -> None:
    if dims is not None:
        if len(dims) not in (1, 2):
            raise ValueError("input_partition_dims must be a list/tuple with one or two elements.")
        if per_host is not InputPipelineConfig.PER_HOST_V2:
            raise ValueError("input_partition_dims is only supported in PER_HOST_V2 mode.")
        if cores is None:
            raise ValueError("input_partition_dims requires setting num_cores_per_replica.")
    if cores is not None and cores not in [2**i for i in range(8)]:
        raise ValueError(f"num_cores_per_replica must be 1, 2, 4, 8, 16, 32, 64, 128; got {cores}")


@export("estimator.tpu.TPUConfig", "contrib.tpu.TPUConfig")
class TPUConfig(_Config):
    """How a TPU would be used. Raises ValueError, TypeError: what cannot be. Source: TF 1.15 `tf.estimator.tpu.TPUConfig`."""

    def __new__(
        cls, iterations_per_loop: Any = 2, num_shards: Any = None, num_cores_per_replica: Any = None,
        per_host_input_for_training: Any = True, tpu_job_name: Any = None, initial_infeed_sleep_secs: Any = None,
        input_partition_dims: Any = None, eval_training_input_configuration: Any = InputPipelineConfig.PER_HOST_V1,
        experimental_host_call_every_n_steps: Any = 1,
    ) -> TPUConfig:  # fmt: skip
        """Checks everything."""
        _iterations(iterations_per_loop)
        if num_shards is not None:
            _check_positive(num_shards, "TPUConfig num_shards")
        _check_partitions(input_partition_dims, per_host_input_for_training, num_cores_per_replica)
        if eval_training_input_configuration not in (InputPipelineConfig.PER_HOST_V1, InputPipelineConfig.SLICED):
            raise ValueError(
                "eval_training_input_configuration must be PER_HOST_V1 or SLICED; got "
                f"{eval_training_input_configuration}"
            )
        if isinstance(per_host_input_for_training, bool):
            per_host_input_for_training = 2 if per_host_input_for_training else 1
        if initial_infeed_sleep_secs:
            _check_positive(initial_infeed_sleep_secs, "TPUConfig initial_infeed_sleep_secs")
        service = json.loads(os.environ.get("TF_CONFIG", "{}")).get("service", {})
        return super().__new__(
            cls, iterations_per_loop, num_shards, num_cores_per_replica, per_host_input_for_training,
            tpu_job_name or service.get("tpu_worker_job_name"), initial_infeed_sleep_secs, input_partition_dims,
            eval_training_input_configuration, experimental_host_call_every_n_steps,
        )  # fmt: skip


@export("estimator.tpu.RunConfig", "contrib.tpu.RunConfig")
class RunConfig(run_config.RunConfig):
    """How a `TPUEstimator` runs. Raises ValueError: a master and a cluster. Source: TF 1.15 `tf.estimator.tpu.RunConfig`."""

    def __init__(
        self, tpu_config: Any = None, evaluation_master: Any = None, master: Any = None, cluster: Any = None,
        **kwargs: Any,
    ):  # fmt: skip
        self._session_config: Any
        super().__init__(**kwargs)
        self._tpu_config, self._cluster = tpu_config or TPUConfig(), cluster
        if master is not None:
            if cluster is not None:
                raise ValueError("Both master and cluster are set.")
            self._master = master
        elif cluster:
            self._master = cluster.master()
        self._evaluation_master = self._evaluation_master or self._master
        if evaluation_master is not None:
            self._evaluation_master = evaluation_master
        if cluster:
            self._take_cluster(cluster.cluster_spec())

    def _take_cluster(self, spec: Any) -> None:
        self._cluster_spec = spec
        if self._session_config is None:
            self._session_config = tf.ConfigProto(allow_soft_placement=True, isolate_session_state=True)
        if self._session_config.HasField("cluster_def"):
            raise ValueError("You cannot provide a ClusterResolver and session_config.cluster_def.")
        if spec:
            self._session_config.cluster_def.CopyFrom(spec.as_cluster_def())

    @property
    def tpu_config(self) -> TPUConfig:
        """How a TPU would be used."""
        return self._tpu_config

    @property
    def cluster(self) -> Any:
        """What was given as the cluster."""
        return self._cluster

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with other values."""
        tpu_config = kwargs.pop("tpu_config", self._tpu_config)
        made: Any = super().replace(**kwargs)
        made._tpu_config = tpu_config
        return made  # type: ignore[no-any-return]


# ---- what model functions give


def _check_call(name: str, call: Any) -> None:
    if not isinstance(call, (tuple, list)):
        raise ValueError(f"{name} should be tuple or list")
    if len(call) != 2:
        raise ValueError(f"{name} should have two elements.")
    function, tensors = call
    if not callable(function):
        raise TypeError(f"{name}[0] should be callable.")
    if not isinstance(tensors, (tuple, list, dict)):
        raise ValueError(f"{name}[1] should be tuple or list, or dict.")
    if isinstance(tensors, (tuple, list)):
        names = function_args(function)
        if inspect.getfullargspec(function).varargs is None and len(tensors) != len(names):
            raise RuntimeError(
                f"In TPUEstimatorSpec.{name}, length of tensors {len(tensors)} does not match method args of the "
                f"function, which takes {len(names)}."
            )


def _called(call: Any) -> Any:
    function, tensors = call
    return function(**tensors) if isinstance(tensors, dict) else function(*tensors)


class _HostCallHook(SessionRunHook):
    """Runs what a model wants run beside each step, with the summaries that it writes."""

    def __init__(self, tensors: Any):
        self._tensors = tensors
        self._start: Any = None

    def begin(self) -> None:
        """Finds the writers of summaries."""
        self._start = tf.contrib.summary.summary_writer_initializer_op()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Opens them."""
        session.run(self._start)

    def before_run(self, run_context: Any) -> Any:
        """Asks for the tensors."""
        return SessionRunArgs(self._tensors)


class _Spec(NamedTuple):
    mode: Any
    predictions: Any
    loss: Any
    train_op: Any
    eval_metrics: Any
    export_outputs: Any
    scaffold_fn: Any
    host_call: Any
    training_hooks: Any
    evaluation_hooks: Any
    prediction_hooks: Any


def _hooks(hooks: Any) -> tuple[Any, ...]:
    found = tuple(hooks or [])
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be SessionRunHook instances, given: {hook}")
    return found


@export("estimator.tpu.TPUEstimatorSpec", "contrib.tpu.TPUEstimatorSpec")
class TPUEstimatorSpec(_Spec):
    """What a model function gives a `TPUEstimator`: metrics are a function and the tensors that it takes.

    Raises ValueError, TypeError, RuntimeError: functions that cannot be called with their tensors.
    Source: TF 1.15 `tf.estimator.tpu.TPUEstimatorSpec`.
    """

    def __new__(
        cls, mode: Any, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metrics: Any = None,
        export_outputs: Any = None, scaffold_fn: Any = None, host_call: Any = None, training_hooks: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> TPUEstimatorSpec:  # fmt: skip
        """Checks the functions and the hooks."""
        for name, call in (("eval_metrics", eval_metrics), ("host_call", host_call)):
            if call is not None:
                _check_call(name, call)
        hooks = (_hooks(training_hooks), _hooks(evaluation_hooks), _hooks(prediction_hooks))
        return super().__new__(
            cls, mode, predictions, loss, train_op, eval_metrics, export_outputs, scaffold_fn, host_call, *hooks
        )

    def as_estimator_spec(self) -> EstimatorSpec:
        """The same for an `Estimator`."""
        metrics = None if self.eval_metrics is None else _called(self.eval_metrics)
        hooks = () if self.host_call is None else (_HostCallHook(_called(self.host_call)),)
        return EstimatorSpec(
            mode=self.mode,
            predictions=self.predictions,
            loss=self.loss,
            train_op=self.train_op,
            eval_metric_ops=metrics,
            export_outputs=self.export_outputs,
            scaffold=self.scaffold_fn() if self.scaffold_fn else None,
            training_hooks=self.training_hooks + hooks,
            evaluation_hooks=self.evaluation_hooks + hooks,
            prediction_hooks=self.prediction_hooks + hooks,
        )


class ExamplesPerSecondHook(StepCounterHook):
    """Also logs and writes how many examples are done per second."""

    def __init__(self, batch_size: Any, every_n_steps: Any, every_n_secs: Any, output_dir: Any):
        self._batch_size = batch_size
        super().__init__(every_n_steps=every_n_steps, every_n_secs=every_n_secs, output_dir=output_dir)

    def _log_and_record(self, elapsed_steps: int, elapsed_time: float, global_step: Any) -> None:
        rate = elapsed_steps / elapsed_time
        for tag, value in (("global_step/sec", rate), ("examples/sec", (self._batch_size or 0) * rate)):
            if self._summary_writer is not None:
                summary = tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value)])
                self._summary_writer.add_summary(summary, global_step)
            logging.info("%s: %g", tag, value)


# ---- the estimator


@export("estimator.tpu.TPUEstimator", "contrib.tpu.TPUEstimator")
class TPUEstimator(Estimator):
    """An `Estimator` whose functions are told the size of the batch: `params["batch_size"]`.

    Raises ValueError: other configurations than `RunConfig` of this family, no size of the batch, reserved parameters.
    RuntimeError: with `use_tpu`, when it is to run: there is no TPU. Source: TF 1.15 `tf.estimator.tpu.TPUEstimator`.
    """

    def __init__(
        self, model_fn: Any = None, model_dir: Any = None, config: Any = None, params: Any = None, use_tpu: bool = True,
        train_batch_size: Any = None, eval_batch_size: Any = None, predict_batch_size: Any = None,
        batch_axis: Any = None, eval_on_tpu: bool = True, export_to_tpu: bool = True, export_to_cpu: bool = True,
        warm_start_from: Any = None, embedding_config_spec: Any = None, export_saved_model_api_version: Any = None,
    ):  # fmt: skip
        if config is None or not isinstance(config, RunConfig):
            raise ValueError("`config` must be provided with type `tpu_config.RunConfig`")
        if params is not None and any(key in params for key in _RESERVED):
            raise ValueError(f"{_RESERVED} are reserved keys but existed in params {params}.")
        if embedding_config_spec is not None:
            raise errors.UnimplementedError(None, None, "TPUEstimator: embedding_config_spec is not supported")
        self._sizes = {
            ModeKeys.TRAIN: train_batch_size,
            ModeKeys.EVAL: eval_batch_size,
            ModeKeys.PREDICT: predict_batch_size,
        }
        self._use_tpu, self._eval_on_tpu, self._export_to_cpu = use_tpu, eval_on_tpu, export_to_cpu
        if use_tpu:
            self._check_sizes(config)
        _check_model_fn(model_fn, params)
        self._log_every: tuple[Any, Any] = (config._log_step_count_steps, None)  # type: ignore[attr-defined]
        super().__init__(
            self._augmented(model_fn),
            model_dir=model_dir,
            config=config.replace(log_step_count_steps=None),
            params=params or {},
            warm_start_from=warm_start_from,
        )
        self._log_every = self._log_intervals(*self._log_every)

    def _check_sizes(self, config: RunConfig) -> None:
        if self._sizes[ModeKeys.TRAIN] is None:
            raise ValueError("`train_batch_size` cannot be `None`")
        for mode, name in ((ModeKeys.TRAIN, "train"), (ModeKeys.EVAL, "eval"), (ModeKeys.PREDICT, "predict")):
            if self._sizes[mode] is not None:
                _check_positive(self._sizes[mode], f"{name}_batch_size")
        settings = config.tpu_config
        if settings.per_host_input_for_training == 1 and settings.num_cores_per_replica:
            raise ValueError(
                "Model parallelism only supports per host input for training. Please adjust "
                "TPURunconfig.per_host_input_for_training."
            )

    def _assert_members_are_not_overridden(self) -> None:
        if type(self) is not TPUEstimator:
            super()._assert_members_are_not_overridden()

    def _log_intervals(self, steps: Any, _: Any) -> tuple[Any, Any]:
        count, are_seconds = _iterations(self._config.tpu_config.iterations_per_loop)
        if are_seconds:
            return None, count
        return (None if steps is None else -(-steps // count)), None

    # ---- programs' functions

    def _check_device(self, mode: str) -> None:
        if self._use_tpu and (mode != ModeKeys.EVAL or self._eval_on_tpu):
            raise RuntimeError(
                "Cannot find any TPU cores in the system. Please double check Tensorflow master address and TPU "
                "worker(s). Use use_tpu=False."
            )
        if mode == ModeKeys.EVAL and self._config.tpu_config.eval_training_input_configuration == 5:
            raise ValueError(
                "Invalid TPUConfig `eval_training_input_configuration` value. SLICED mode only works on use_tpu = True."
            )

    def _told(self, mode: str, **more: Any) -> Any:
        params: Any = copy.deepcopy(self._params)
        if self._sizes[mode] is not None:
            more["batch_size"] = self._sizes[mode]
        for key, value in more.items():
            if hasattr(params, "set_hparam"):
                (params.set_hparam if key in params else params.add_hparam)(key, value)
            else:
                params[key] = value
        return params

    def _call_input_fn(self, input_fn: Any, mode: str) -> Any:
        wanted = function_args(input_fn)
        if "params" not in wanted:
            raise ValueError(
                f"input_fn ({input_fn}) does not include params argument, required by TPUEstimator to pass batch size as "
                'params["batch_size"]'
            )
        self._check_device(mode)
        given = {"mode": mode, "params": self._told(mode), "config": self.config}
        with tf.device("/device:CPU:0"):
            return input_fn(**{k: v for k, v in given.items() if k in wanted})

    def _augmented(self, model_fn: Any) -> Callable[..., EstimatorSpec]:
        def call(features: Any, labels: Any, mode: Any, config: Any, params: Any) -> EstimatorSpec:
            wanted = function_args(model_fn)
            if labels is not None and "labels" not in wanted:
                raise ValueError("model_fn does not take labels, but input_fn returns labels.")
            logging.info("Running %s on CPU/GPU", mode)
            given = {"labels": labels, "mode": mode, "config": config, "params": self._told(mode, use_tpu=False)}
            spec = model_fn(features=features, **{k: v for k, v in given.items() if k in wanted})
            if isinstance(spec, TPUEstimatorSpec):
                spec = spec.as_estimator_spec()
            found: EstimatorSpec = self._with_rate(spec, mode)
            return found

        return call

    def _with_rate(self, spec: Any, mode: str) -> Any:
        steps, seconds = self._log_every
        if (steps is None and seconds is None) or not isinstance(spec, EstimatorSpec):
            return spec
        hook = ExamplesPerSecondHook(self._sizes[mode], steps, seconds, self.model_dir)
        return spec._replace(training_hooks=(*spec.training_hooks, hook))

    def _create_global_step(self, graph: Any) -> Any:
        if tf.train.get_global_step(graph) is not None:
            raise ValueError('"global_step" already exists.')
        with graph.as_default(), graph.name_scope(None):
            return tf.get_variable(
                GraphKeys.GLOBAL_STEP,
                shape=[],
                dtype=tf.int64,
                initializer=tf.zeros_initializer(),
                trainable=False,
                use_resource=True,
                collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
            )

    def _export_all_saved_models(self, *args: Any, **kwargs: Any) -> bytes:
        if not self._export_to_cpu:
            raise errors.UnimplementedError(None, None, "TPUEstimator: export_to_cpu=False is not supported: no TPU")
        return super()._export_all_saved_models(*args, **kwargs)
