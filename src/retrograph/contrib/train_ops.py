"""`create_train_op` of `tf.contrib.training` and `tf.contrib.slim.learning`, and what it does to gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.ops.control_flow import with_dependencies

_GRAPHS_STEP = 0
_GATE_OP = tf.train.Optimizer.GATE_OP


def _changed(grad: Any, change: Callable[[Any], Any]) -> Any:
    """A dense or sparse gradient, its values changed."""
    if isinstance(grad, tf.IndexedSlices):
        return tf.IndexedSlices(change(grad.values), grad.indices, grad.dense_shape)
    return change(grad)


@export("contrib.training.clip_gradient_norms", "contrib.slim.learning.clip_gradient_norms")
def clip_gradient_norms(gradients_to_variables: Any, max_norm: Any) -> list[Any]:
    """Each gradient clipped to a norm. Source: TF 1.15 `tf.contrib.training.clip_gradient_norms`."""
    return [
        (None if grad is None else _changed(grad, lambda g: tf.clip_by_norm(g, max_norm)), var)
        for grad, var in gradients_to_variables
    ]


@export("contrib.training.clip_gradient_norms_fn")
def clip_gradient_norms_fn(max_norm: Any) -> Callable[[Any], list[Any]]:
    """`clip_gradient_norms` as a function of the gradients. Source: TF 1.15 `tf.contrib.training.clip_gradient_norms_fn`."""
    return lambda gradients: clip_gradient_norms(gradients, max_norm)


@export("contrib.training.multiply_gradients", "contrib.slim.learning.multiply_gradients")
def multiply_gradients(grads_and_vars: Any, gradient_multipliers: Any) -> list[Any]:
    """The gradients of some variables (or their names) multiplied. Source: TF 1.15 `tf.contrib.training.multiply_gradients`."""
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    return [(_multiplied(grad, var, gradient_multipliers), var) for grad, var in grads_and_vars]


def _multiplied(grad: Any, var: Any, multipliers: dict[Any, Any]) -> Any:
    key = var if var in multipliers else var.op.name
    if key not in multipliers:
        return grad
    if grad is None:
        raise ValueError("Requested multiple of `None` gradient.")
    return _changed(grad, lambda g: g * tf.convert_to_tensor(multipliers[key], dtype=grad.dtype))


def _after_updates(total_loss: Any, update_ops: Any) -> Any:
    collected = list(dict.fromkeys(tf.get_collection(tf.GraphKeys.UPDATE_OPS)))
    updates = collected if update_ops is None else list(dict.fromkeys(update_ops))
    if not set(collected) <= set(updates):
        tf.logging.warning("update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS")
    if not updates:
        return total_loss
    with tf.control_dependencies(updates):
        barrier = tf.no_op(name="update_barrier")
    return with_dependencies([barrier], total_loss)


@export("contrib.training.create_train_op")
def create_train_op(
    total_loss: Any, optimizer: Any, global_step: Any = _GRAPHS_STEP, update_ops: Any = None,
    variables_to_train: Any = None, transform_grads_fn: Any = None, summarize_gradients: bool = False,
    gate_gradients: int = _GATE_OP, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
    check_numerics: bool = True,
) -> Any:  # fmt: skip
    """The loss, computed after one training step and the collected updates. Source: TF 1.15 `tf.contrib.training.create_train_op`."""
    if global_step is _GRAPHS_STEP:
        global_step = tf.train.get_or_create_global_step()
    total_loss = _after_updates(total_loss, update_ops)
    trainable = tf.trainable_variables()
    variables = trainable if variables_to_train is None else variables_to_train
    if not variables or not all(v.trainable or v in trainable for v in variables):
        raise AssertionError
    grads = optimizer.compute_gradients(
        total_loss, variables, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )  # fmt: skip
    if transform_grads_fn:
        grads = transform_grads_fn(grads)
    if summarize_gradients:
        with tf.name_scope("summarize_grads"):
            add_gradients_summaries(grads)
    updated = optimizer.apply_gradients(grads, global_step=global_step)
    with tf.name_scope("train_op"):
        if check_numerics:
            total_loss = tf.check_numerics(total_loss, "LossTensor is inf or nan")
        train_op = with_dependencies([updated], total_loss)
    tf.add_to_collection(tf.GraphKeys.TRAIN_OP, train_op)
    return train_op


@export("contrib.training.add_gradients_summaries", "contrib.slim.learning.add_gradients_summaries")
def add_gradients_summaries(grads_and_vars: Any) -> list[Any]:
    """A histogram and a norm of each gradient. Source: TF 1.15 `tf.contrib.training.add_gradients_summaries`."""
    summaries = []
    for grad, var in grads_and_vars:
        if grad is None:
            tf.logging.info("Var %s has no gradient", var.op.name)
            continue
        values = grad.values if isinstance(grad, tf.IndexedSlices) else grad
        summaries.append(tf.summary.histogram(f"{var.op.name}_gradient", values))
        summaries.append(tf.summary.scalar(f"{var.op.name}_gradient_norm", tf.global_norm([values])))
    return summaries


def _transformation(multipliers: Any, norm: Any) -> Callable[[Any], Any]:
    def transform(grads: Any) -> Any:
        if multipliers:
            with tf.name_scope("multiply_grads"):
                grads = multiply_gradients(grads, multipliers)
        if norm > 0:
            with tf.name_scope("clip_grads"):
                grads = clip_gradient_norms(grads, norm)
        return grads

    return transform


@export("contrib.slim.learning.create_train_op")
def create_slim_train_op(
    total_loss: Any, optimizer: Any, global_step: Any = _GRAPHS_STEP, update_ops: Any = None,
    variables_to_train: Any = None, clip_gradient_norm: Any = 0, summarize_gradients: bool = False,
    gate_gradients: int = _GATE_OP, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Any = None, check_numerics: bool = True,
) -> Any:  # fmt: skip
    """`tf.contrib.training.create_train_op` with multipliers and clipping. Source: TF 1.15 `tf.contrib.slim.learning.create_train_op`."""
    return create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train,
        _transformation(gradient_multipliers, clip_gradient_norm), summarize_gradients, gate_gradients,
        aggregation_method, colocate_gradients_with_ops, check_numerics,
    )  # fmt: skip


@export("contrib.slim.model_analyzer.tensor_description")
def tensor_description(var: Any) -> str:
    """Type and shape in words. Source: TF 1.15 `tf.contrib.slim.model_analyzer.tensor_description`."""
    sizes = "x".join(str(d) if d is not None else "?" for d in var.get_shape().as_list())
    return f"({var.dtype.name} {sizes})"


@export("contrib.slim.model_analyzer.analyze_vars")
def analyze_vars(variables: Any, print_info: bool = False) -> tuple[int, int]:
    """(elements, bytes) of variables, printed if wanted. Source: TF 1.15 `tf.contrib.slim.model_analyzer.analyze_vars`."""
    if print_info:
        print("---------\nVariables: name (type shape) [size]\n---------")
    elements = size = 0
    for var in variables:
        count = var.get_shape().num_elements() or 0
        elements, size = elements + count, size + count * var.dtype.size
        if print_info:
            print(var.name, tensor_description(var), f"[{count}, bytes: {count * var.dtype.size}]")
    if print_info:
        print(f"Total size of variables: {elements}\nTotal bytes of variables: {size}")
    return elements, size
