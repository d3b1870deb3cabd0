"""`tf.estimator.RunConfig`: how an estimator runs."""

from __future__ import annotations

import copy
import json
import operator
import os
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.train.distribution import Strategy

_DEFAULT = object()
_BOTH = "`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set."
_REPLACEABLE = [
    "model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs", "session_config",
    "keep_checkpoint_max", "keep_checkpoint_every_n_hours", "log_step_count_steps", "train_distribute", "device_fn", "protocol",
    "eval_distribute", "experimental_distribute", "experimental_max_worker_delay_secs", "session_creation_timeout_secs",
]  # fmt: skip


class TaskType:
    """The kinds of tasks of a cluster."""

    MASTER = "master"
    PS = "ps"
    WORKER = "worker"
    CHIEF = "chief"
    EVALUATOR = "evaluator"


def _check(good: bool, text: str) -> None:
    if not good:
        raise ValueError(text)


def _check_counts(config: Any) -> None:
    for name in ("save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs"):
        value = getattr(config, f"_{name}")
        _check(value is None or value >= 0, f"{name} should be >= 0")
    keep = config._keep_checkpoint_max
    _check(keep is None or keep >= 0, "keep_checkpoint_max should be >= 0")
    hours = config._keep_checkpoint_every_n_hours
    _check(hours is None or hours > 0, "keep_checkpoint_every_n_hours should be > 0")
    steps = config._log_step_count_steps
    _check(steps is None or steps > 0, "log_step_count_steps should be > 0")
    seed = config._tf_random_seed
    _check(seed is None or isinstance(seed, int), "tf_random_seed must be integer.")
    _check(config._session_creation_timeout_secs > 0, "session_creation_timeout_secs should be > 0")
    if config._session_config is not None and not isinstance(config._session_config, tf.ConfigProto):
        raise ValueError(f"session_config must be instance of ConfigProto, but got {config._session_config}.")
    if config._device_fn is not None and not callable(config._device_fn):
        raise ValueError("device_fn is not callable!")
    _check(config._model_dir is None or bool(config._model_dir), "model_dir should be non-empty.")


@export("estimator.RunConfig")
class RunConfig:
    """How an `Estimator` runs: where it saves, how often, and with what session.

    Raises ValueError: values that cannot be. UnimplementedError: distribution strategies, or a cluster in `TF_CONFIG`.
    Source: TF 1.15 `tf.estimator.RunConfig`.
    """

    def __init__(
        self, model_dir: Any = None, tf_random_seed: Any = None, save_summary_steps: Any = 100,
        save_checkpoints_steps: Any = _DEFAULT, save_checkpoints_secs: Any = _DEFAULT, session_config: Any = None,
        keep_checkpoint_max: Any = 5, keep_checkpoint_every_n_hours: Any = 10000, log_step_count_steps: Any = 100,
        train_distribute: Any = None, device_fn: Any = None, protocol: Any = None, eval_distribute: Any = None,
        experimental_distribute: Any = None, experimental_max_worker_delay_secs: Any = None,
        session_creation_timeout_secs: Any = 7200,
    ):  # fmt: skip
        if save_checkpoints_steps is _DEFAULT and save_checkpoints_secs is _DEFAULT:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs is _DEFAULT:
            save_checkpoints_secs = None
        elif save_checkpoints_steps is _DEFAULT:
            save_checkpoints_steps = None
        elif save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError(_BOTH)
        if experimental_distribute is not None:
            train_distribute = train_distribute or experimental_distribute.train_distribute
            eval_distribute = eval_distribute or experimental_distribute.eval_distribute
        for name, value in (("train_distribute", train_distribute), ("eval_distribute", eval_distribute)):
            if value is not None and not isinstance(value, Strategy):
                raise errors.UnimplementedError(
                    None, None, f"tf.estimator.RunConfig: {name}={value} is not supported, only tf.distribute.Strategy"
                )
        given = dict(locals())
        self._model_dir: Any = None
        environment = json.loads(os.environ.get("TF_CONFIG") or "{}")
        if model_dir is None:
            given["model_dir"] = environment.get("model_dir")
        for name in _REPLACEABLE:
            setattr(self, f"_{name}", given[name])
        if isinstance(self._model_dir, os.PathLike):
            self._model_dir = os.fspath(self._model_dir)
        _check_counts(self)
        self._take_environment(environment)

    def _take_environment(self, environment: dict[str, Any]) -> None:
        if environment.get("cluster"):
            raise errors.UnimplementedError(None, None, "tf.estimator: a cluster in TF_CONFIG is not supported")
        task = environment.get("task", {})
        self._service = environment.get("service")
        self._cluster_spec = tf.train.ClusterSpec({})
        self._task_type, self._task_id = task.get("type", TaskType.WORKER), int(task.get("index", 0))
        _check(self._task_type == TaskType.WORKER, 'If "cluster" is not set in TF_CONFIG, task type must be WORKER.')
        _check(self._task_id == 0, 'If "cluster" is not set in TF_CONFIG, task index must be 0.')
        self._global_id_in_cluster = 0
        self._master = environment.get("session_master", "")
        self._evaluation_master = environment.get("eval_session_master", "")
        self._is_chief, self._num_ps_replicas, self._num_worker_replicas = True, 0, 1

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with other values. Raises ValueError: what cannot be replaced.

        Source: TF 1.15 `tf.estimator.RunConfig.replace`.
        """
        made = copy.deepcopy(self)
        for name, value in kwargs.items():
            if name not in _REPLACEABLE:
                raise ValueError(f"Replacing {name} is not supported. Allowed properties are {_REPLACEABLE}.")
            setattr(made, f"_{name}", value)
        steps, secs = "save_checkpoints_steps", "save_checkpoints_secs"
        if made._save_checkpoints_steps and made._save_checkpoints_secs:  # type: ignore[attr-defined]
            if steps in kwargs and secs in kwargs:
                raise ValueError(_BOTH)
            setattr(made, f"_{secs if steps in kwargs else steps}", None)
        _check_counts(made)
        return made


_PROPERTIES = (
    *_REPLACEABLE, "cluster_spec", "evaluation_master", "is_chief", "master", "num_ps_replicas", "num_worker_replicas",
    "task_id", "task_type", "global_id_in_cluster", "service",
)  # fmt: skip
for _name in _PROPERTIES:
    if _name != "experimental_distribute":
        setattr(RunConfig, _name, property(operator.attrgetter(f"_{_name}")))


def default_session_config() -> Any:
    """A session's configuration: operations may go where they can run."""
    return tf.ConfigProto(allow_soft_placement=True)
