"""Loss scales, and the optimizer that trains with one: `tf.train.experimental`."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import Any

import retrograph as tf
from retrograph.framework import errors, logger, nest
from retrograph.framework.exports import export
from retrograph.train.optimizer import Optimizer
from retrograph.train.tracking import Trackable, TrackableReference

# Whether programs asked for 16-bit floats; nothing is rewritten here, but asking twice for less is worth a warning.
_rewrites = {"enabled": False}


@export("train.experimental.LossScale")
class LossScale(Trackable, metaclass=abc.ABCMeta):
    """By what a loss is multiplied, so that small gradients do not vanish. Source: TF 1.15 `tf.train.experimental.LossScale`."""

    def __init__(self) -> None:
        self._weights: dict[tuple[str, Any], Any] = {}

    @abc.abstractmethod
    def __call__(self) -> Any:
        """The scale, f32[]."""

    @abc.abstractmethod
    def update(self, grads: Any) -> tuple[Any, Any]:
        """An operation that changes the scale after a step, and whether the gradients should be applied."""

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """What the scale was made with."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LossScale:
        """A scale as `get_config` describes it."""
        return cls(**config)

    def _add_weight(self, name: str, initial_value: Any, dtype: Any = None) -> Any:
        key = (name, tf.get_default_graph())
        if key in self._weights:
            raise RuntimeError(f"Duplicate variables detected. {key}")
        self._weights[key] = tf.Variable(initial_value, name=name, dtype=dtype, trainable=False, use_resource=True)
        return self._weights[key]

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        graph = tf.get_default_graph()
        own = sorted((name, made) for (name, its), made in self._weights.items() if its is graph)
        return super()._checkpoint_dependencies + [TrackableReference(name, made) for name, made in own]

    def _lookup_dependency(self, name: str) -> Any:
        found = super()._lookup_dependency(name)
        return self._weights.get((name, tf.get_default_graph())) if found is None else found


@export("train.experimental.FixedLossScale")
class FixedLossScale(LossScale):
    """A scale that never changes.

    Raises ValueError for what is no number, or is below 1. Source: TF 1.15 `tf.train.experimental.FixedLossScale`.
    """

    def __init__(self, loss_scale_value: float):
        super().__init__()
        if not isinstance(loss_scale_value, (int, float)):
            raise ValueError("loss_scale_value must be a Python int or float.")
        if loss_scale_value < 1:
            raise ValueError("loss_scale_value must be at least 1.")
        self._loss_scale_value = float(loss_scale_value)

    def __call__(self) -> Any:
        """The scale, f32[]."""
        return tf.convert_to_tensor(self._loss_scale_value)

    def update(self, grads: Any) -> tuple[Any, Any]:
        """Nothing to do; gradients are always applied."""
        return tf.no_op(), True

    def __repr__(self) -> str:
        return f"FixedLossScale({self._loss_scale_value})"

    def get_config(self) -> dict[str, Any]:
        """What the scale was made with."""
        return {"loss_scale_value": self._loss_scale_value}


def _all_finite(grads: Iterable[Any]) -> Any:
    return tf.reduce_all([tf.reduce_all(tf.is_finite(g)) for g in grads if g is not None])


@export("train.experimental.DynamicLossScale")
class DynamicLossScale(LossScale):
    """A scale that grows after `increment_period` steps with finite gradients, and shrinks at once where one is not finite.

    Source: TF 1.15 `tf.train.experimental.DynamicLossScale`.
    """

    def __init__(self, initial_loss_scale: float = 2**15, increment_period: int = 2000, multiplier: float = 2.0):
        super().__init__()
        self._initial_loss_scale = float(initial_loss_scale)
        self._increment_period = int(increment_period)
        self._multiplier = float(multiplier)
        self._current_loss_scale = self._add_weight("current_loss_scale", self._initial_loss_scale, tf.float32)
        self._num_good_steps = self._add_weight("good_steps", 0, tf.int64)

    @property
    def initial_loss_scale(self) -> float:
        """The scale of the first step."""
        return self._initial_loss_scale

    @property
    def increment_period(self) -> int:
        """After how many good steps the scale grows."""
        return self._increment_period

    @property
    def multiplier(self) -> float:
        """By how much the scale grows or shrinks."""
        return self._multiplier

    def __call__(self) -> Any:
        """The scale, f32[]."""
        return tf.convert_to_tensor(self._current_loss_scale)

    def _grow(self) -> Any:
        larger = self._current_loss_scale * self._multiplier
        grown = tf.cond(tf.is_finite(larger), lambda: self._current_loss_scale.assign(larger).op, tf.no_op)
        return tf.group(grown, self._num_good_steps.assign(0))

    def _after_good_step(self) -> Any:
        due = self._num_good_steps + 1 >= self._increment_period
        return tf.cond(due, self._grow, lambda: self._num_good_steps.assign_add(1).op)

    def _after_bad_step(self) -> Any:
        smaller = tf.maximum(self._current_loss_scale / self._multiplier, 1)
        return tf.group(self._num_good_steps.assign(0), self._current_loss_scale.assign(smaller))

    def update(self, grads: Any) -> tuple[Any, Any]:
        """An operation that changes the scale, and a bool[] that says whether all gradients are finite."""
        finite = _all_finite(nest.flatten(grads))
        return tf.cond(finite, self._after_good_step, self._after_bad_step), finite

    def __repr__(self) -> str:
        return "DynamicLossScale({})".format(", ".join(f"{k}={v}" for k, v in self.get_config().items()))

    def get_config(self) -> dict[str, Any]:
        """What the scale was made with."""
        return {
            "initial_loss_scale": self._initial_loss_scale,
            "increment_period": self._increment_period,
            "multiplier": self._multiplier,
        }


def get(identifier: Any) -> LossScale | None:
    """The scale that a number, 'dynamic' or a scale stands for; None for None. Raises ValueError for others."""
    if isinstance(identifier, (int, float)):
        return FixedLossScale(identifier)
    if identifier is None or isinstance(identifier, LossScale):
        return identifier
    if identifier == "dynamic":
        return DynamicLossScale()
    raise ValueError(f"Could not interpret loss scale identifier: {identifier}")


def get_loss_scale_weights(loss_scale: LossScale) -> Any:
    """The variables of a scale."""
    return loss_scale._weights.values()


def _never(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("This function should never be called")


@export("train.experimental.MixedPrecisionLossScaleOptimizer")
class MixedPrecisionLossScaleOptimizer(Optimizer):
    """An optimizer whose loss is scaled, and whose gradients are scaled back; steps that are not finite are left out.

    Raises ValueError where `opt` is no optimizer. Source: TF 1.15 `tf.train.experimental.MixedPrecisionLossScaleOptimizer`.
    """

    _apply_sparse = _apply_dense = _resource_apply_sparse = _resource_apply_dense = _never

    def __init__(self, opt: Any, loss_scale: Any):
        if not isinstance(opt, Optimizer):
            raise ValueError(f'"opt" must be an instance of Optimizer, but got: {type(opt)}')
        super().__init__(opt._use_locking, opt.get_name())
        self._optimizer = opt
        self._loss_scale: Any = get(loss_scale)

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        parts = {"base_optimizer": self._optimizer, "loss_scale": self._loss_scale}
        return [TrackableReference(name, part) for name, part in parts.items()]

    def compute_gradients(
        self, loss: Any, var_list: Any = None, gate_gradients: int = Optimizer.GATE_OP, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> Any:  # fmt: skip
        """Gradients of the loss, scaled and scaled back, with their variables."""
        scale = self._loss_scale()
        scaled = (lambda: loss() * scale) if callable(loss) else loss * scale
        found = self._optimizer.compute_gradients(
            loss=scaled, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss,
        )  # fmt: skip
        back = 1 / self._loss_scale()
        return [(None if g is None else _scaled(g, back), v) for g, v in found]

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None) -> Any:
        """An operation that applies gradients, and changes a scale that changes; not if a gradient is not finite.

        Raises: ValueError: where a strategy looks at all replicas.
        """
        if tf.distribute.in_cross_replica_context():
            raise ValueError("apply_gradients() must be called in a replica context.")
        if not isinstance(self._loss_scale, DynamicLossScale):
            return self._optimizer.apply_gradients(grads_and_vars, global_step, name)
        return tf.distribute.get_replica_context().merge_call(
            self._distributed_apply, args=(tuple(grads_and_vars), global_step, name)
        )

    def _distributed_apply(self, strategy: Any, pairs: Any, global_step: Any = None, name: Any = None) -> Any:
        name = name if name is not None else self.get_name()
        update, finite = self._loss_scale.update([g for g, _ in pairs])

        def apply() -> Any:
            wanted = (pairs, global_step, name + "-wrapped")
            return strategy.extended.call_for_each_replica(self._optimizer.apply_gradients, args=wanted)

        return tf.group(tf.cond(finite, apply, tf.no_op), update, name=name)


def _scaled(grad: Any, factor: Any) -> Any:
    if isinstance(grad, tf.IndexedSlices):
        return tf.IndexedSlices(grad.values * factor, grad.indices, grad.dense_shape)
    return grad * factor


@export("train.experimental.enable_mixed_precision_graph_rewrite")
def enable_mixed_precision_graph_rewrite(opt: Any, loss_scale: Any = "dynamic") -> Any:
    """The optimizer with a loss scale.

    Differs: no operation is given 16-bit floats, which TensorFlow does on GPUs only. Raises: ValueError: no optimizer, or one
    with a loss scale; UnimplementedError: one of `tf.keras`. Source: TF 1.15 `tf.train.experimental.enable_mixed_precision_graph_rewrite`.
    """
    own = type(opt).__name__
    if own in ("MixedPrecisionLossScaleOptimizer", "LossScaleOptimizer"):
        raise ValueError(
            f'"opt" must not already be an instance of a {own}. `enable_mixed_precision_graph_rewrite` will automatically wrap the '
            f"optimizer with a {own}."
        )
    if "OptimizerV2" in [base.__name__ for base in type(opt).__mro__]:
        raise errors.UnimplementedError(
            None, None, "enable_mixed_precision_graph_rewrite: optimizers of tf.keras are not supported"
        )
    if not isinstance(opt, Optimizer):
        raise ValueError(
            f'"opt" must be an instance of a tf.train.Optimizer or a tf.keras.optimizers.Optimizer, but got: {opt}'
        )
    _rewrites["enabled"] = True
    return MixedPrecisionLossScaleOptimizer(opt, loss_scale)


@export("train.experimental.disable_mixed_precision_graph_rewrite")
def disable_mixed_precision_graph_rewrite() -> None:
    """Ends `enable_mixed_precision_graph_rewrite`. Source: TF 1.15 `tf.train.experimental.disable_mixed_precision_graph_rewrite`."""
    if not _rewrites["enabled"]:
        logger.get_logger().warning(
            "disable_mixed_precision_graph_rewrite() called when mixed precision is already disabled."
        )
    _rewrites["enabled"] = False
