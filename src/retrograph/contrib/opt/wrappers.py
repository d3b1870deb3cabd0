"""Optimizers around another one: averaged variables, several tasks, clipped variables."""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.adagrad import AdagradOptimizer
from retrograph.train.optimizer import Optimizer


@export("contrib.opt.MovingAverageOptimizer")
class MovingAverageOptimizer(Optimizer):
    """Applies `opt`, then updates moving averages of its variables; `swapping_saver` saves these in their place.

    Source: TF 1.15 `tf.contrib.opt.MovingAverageOptimizer`.
    """

    def __init__(
        self, opt: Optimizer, average_decay: Any = 0.9999, num_updates: Any = None, sequential_update: bool = True
    ):
        self._optimizer = opt
        self._ema = tf.train.ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._swapped_names: dict[str, str] | None = None
        self._sequential_update = sequential_update

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.compute_gradients`."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """`opt.apply_gradients`, then the update of the averages."""
        pairs = list(grads_and_vars)
        train_op = self._optimizer.apply_gradients(pairs, global_step=global_step, name=name)
        variables = [v for g, v in pairs if g is not None]
        with tf.control_dependencies([train_op] if self._sequential_update else []):
            update = self._ema.apply(variables)
        names = {v.op.name: self._ema.average(v).op.name for v in variables}
        self._swapped_names = {**names, **{average: own for own, average in names.items()}}
        return tf.group(train_op, update, name="train_with_avg")  # type: ignore[no-any-return]

    def swapping_saver(self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any) -> Any:
        """A `tf.train.Saver` that saves each average under the name of its variable, and the other way round.

        Raises: RuntimeError before `apply_gradients`; ValueError if one of a pair is not among `var_list`.
        """
        if self._swapped_names is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        given = tf.global_variables() if var_list is None else var_list
        by_name = given if isinstance(given, dict) else _by_name(given)
        parts = {v.op.name: v for x in by_name.values() for v in (x if isinstance(x, list) else [x])}
        swapped = {
            key: [self._other(parts, v) for v in x] if isinstance(x, list) else self._other(parts, x)
            for key, x in by_name.items()
        }
        return tf.train.Saver(swapped, name=name, **kwargs)

    def _other(self, parts: dict[str, Any], variable: Any) -> Any:
        assert self._swapped_names is not None
        name = self._swapped_names.get(variable.op.name)
        if name is None:
            return variable
        if name not in parts:
            raise ValueError(
                f"Variable to swap {name} is not part of variables to save. This breaks MovingAverageOptimizer."
            )
        return parts[name]


def _by_name(variables: Sequence[Any]) -> dict[str, Any]:
    """Variables by the name that a checkpoint knows them by; the parts of a partitioned one together."""
    found: dict[str, Any] = {}
    for v in variables:
        info = getattr(v, "_save_slice_info", None)
        if info:
            found.setdefault(info.full_name, []).append(v)
        else:
            found[v.op.name] = v
    return found


def _is_all_zeros(grad: Any) -> Tensor:
    values = grad.values if isinstance(grad, IndexedSlices) else grad
    return tf.equal(tf.count_nonzero(values), 0)  # type: ignore[no-any-return]


@export("contrib.opt.MultitaskOptimizerWrapper")
class MultitaskOptimizerWrapper:
    """`opt` that leaves a variable and its slots alone where the gradient is zero everywhere.

    Raises: TypeError if `opt` is no optimizer.
    Source: TF 1.15 `tf.contrib.opt.MultitaskOptimizerWrapper`.
    """

    def __init__(self, opt: Any):
        if not isinstance(opt, Optimizer):
            raise TypeError("Supplied optimizer must be an instance of tf.train.Optimizer")
        self._opt = opt
        for name in ("_apply_dense", "_resource_apply_dense", "_apply_sparse", "_resource_apply_sparse"):
            setattr(opt, name, types.MethodType(_unless_zero(getattr(opt, name)), opt))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opt, name)


def _unless_zero(method: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(self: Optimizer, grad: Any, *args: Any, **kwargs: Any) -> Any:
        def apply() -> Operation:
            with tf.control_dependencies([method(grad, *args, **kwargs)]):
                return tf.no_op()  # type: ignore[no-any-return]

        return tf.cond(_is_all_zeros(grad), tf.no_op, apply)

    return wrapper


@export("contrib.opt.clip_gradients_by_global_norm")
def clip_gradients_by_global_norm(gradients_variables: Any, clip_norm: Any = 20.0) -> tuple[list[Any], Tensor]:
    """((clipped gradient, variable) pairs, global norm); a gradient of zeros is left out of the norm.

    Source: TF 1.15 `tf.contrib.opt.clip_gradients_by_global_norm`.
    """
    gradients, variables = zip(*gradients_variables, strict=True)
    norm = tf.global_norm([g if g is None else _zero_if_empty(g) for g in gradients])
    clipped, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    return list(zip(clipped, variables, strict=True)), norm


def _zero_if_empty(grad: Any) -> Any:
    return tf.cond(_is_all_zeros(grad), lambda: tf.zeros([], dtype=grad.dtype), lambda: grad)


@export("contrib.opt.VariableClippingOptimizer")
class VariableClippingOptimizer(Optimizer):
    """Applies `opt`, then clips variables to `max_norm` along the dimensions of `vars_to_clip_dims`.

    Source: TF 1.15 `tf.contrib.opt.VariableClippingOptimizer`.
    """

    def __init__(
        self,
        opt: Optimizer,
        vars_to_clip_dims: dict[Any, Any],
        max_norm: Any,
        use_locking: bool = False,
        colocate_clip_ops_with_vars: bool = False,
        name: str = "VariableClipping",
    ):
        super().__init__(use_locking, name)
        self._opt = opt
        self._vars_to_clip_dims = {var: dims[:] for var, dims in vars_to_clip_dims.items()}
        self._max_norm = max_norm
        self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.compute_gradients`."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.get_slot`."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """`opt.get_slot_names`."""
        return self._opt.get_slot_names(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """`opt.apply_gradients`, then the clipping."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        with tf.name_scope(name, self._name) as scope:
            update_op = self._opt.apply_gradients(grads_and_vars, global_step=global_step)
            with tf.control_dependencies([update_op]):
                clips = [self._clip(g, v) for g, v in pairs if v in self._vars_to_clip_dims]
            return tf.group(update_op, *clips, name=scope)  # type: ignore[no-any-return]

    def _clip(self, grad: Any, var: Any) -> Any:
        dims = self._vars_to_clip_dims[var]
        with tf.name_scope("clip_" + var.op.name):
            if isinstance(grad, Tensor):
                return self._clip_dense(var, dims)
            if 0 in dims:
                get_logger().warning(
                    "Clipping norm across dims %s for %s is inefficient when including sparse dimension 0.",
                    dims,
                    var.op.name,
                )
                return self._clip_dense(var, dims)
            return self._clip_rows(var, grad.indices, dims)

    @contextlib.contextmanager
    def _colocated(self, var: Any) -> Iterator[None]:
        if not self._colocate_clip_ops_with_vars:
            yield
            return
        with get_default_graph().colocate_with(var.op):
            yield

    def _clip_dense(self, var: Any, dims: Any) -> Any:
        with self._colocated(var):
            value = var.read_value()
            delta = value - tf.clip_by_norm(value, self._max_norm, dims)
        with get_default_graph().colocate_with(var.op):
            return var.assign_sub(delta, use_locking=self._use_locking)

    def _clip_rows(self, var: Any, indices: Tensor, dims: Any) -> Any:
        with get_default_graph().colocate_with(var.op):
            rows = tf.gather(var, indices)
        with self._colocated(var):
            delta = rows - tf.clip_by_norm(rows, self._max_norm, dims)
        with get_default_graph().colocate_with(var.op):
            return var.scatter_sub(IndexedSlices(delta, indices), use_locking=self._use_locking)


@export("contrib.opt.RegAdagradOptimizer")
class RegAdagradOptimizer(AdagradOptimizer):
    """Adagrad whose accumulators can be left alone: `with opt.avoid_updating_slots(): ...`.

    Source: TF 1.15 `tf.contrib.opt.RegAdagradOptimizer`.
    """

    _should_update_slots = True

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "RegAdagrad",
    ):
        super().__init__(learning_rate, initial_accumulator_value, use_locking, name)

    @contextlib.contextmanager
    def avoid_updating_slots(self) -> Iterator[None]:
        """Updates built inside the block do not change accumulators."""
        before, self._should_update_slots = self._should_update_slots, False
        try:
            yield
        finally:
            self._should_update_slots = before

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking, "update_slots": self._should_update_slots}
