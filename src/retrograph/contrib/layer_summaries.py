"""`tf.contrib.layers.summarize_*`: summaries of tensors by their shape, of activations, and of collections."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.layer_parts import exported
from retrograph.framework.exports import export_value

__all__ = [
    "summarize_activation",
    "summarize_activations",
    "summarize_biases",
    "summarize_collection",
    "summarize_tensor",
    "summarize_tensors",
    "summarize_variables",
    "summarize_weights",
]


def _scalar(tensor: Any, tag: str | None = None) -> Any:
    tensor.get_shape().assert_has_rank(0)
    return tf.summary.scalar(tag or f"{tensor.op.name}_summary", tensor)


def _histogram(tensor: Any, tag: str | None = None) -> Any:
    return tf.summary.histogram(tag or f"{tensor.op.name}_summary", tensor)


def _part_where(compare: Callable[[Any, Any], Any], tensor: Any, bound: float, tag: str) -> None:
    _scalar(tf.reduce_mean(tf.to_float(compare(tensor, tf.cast(bound, tensor.dtype)))), tag)


@exported("summarize_activation")
def summarize_activation(op: Any) -> Any:
    """A histogram of an activation; of Relu, Relu6 and Softplus also which part of the inputs is below 0 (above 6).

    Source: TF 1.15 `tf.contrib.layers.summarize_activation`.
    """
    kind, name = op.op.type, op.op.name
    if kind in ("Relu", "Softplus", "Relu6"):
        _part_where(tf.less, op.op.inputs[0], 0.0, f"{name}/zeros")
    if kind == "Relu6":
        _part_where(tf.greater, op.op.inputs[0], 6.0, f"{name}/sixes")
    return _histogram(op, f"{name}/activation")


@exported("summarize_tensor")
def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """The summary for a tensor's shape: scalar or histogram; None for strings and booleans.

    Source: TF 1.15 `tf.contrib.layers.summarize_tensor`.
    """
    if tensor.dtype.is_compatible_with(tf.string) or tensor.dtype.base_dtype == tf.bool:
        return None
    return (_scalar if tensor.get_shape().ndims == 0 else _histogram)(tensor, tag)


@exported("summarize_tensors")
def summarize_tensors(tensors: Any, summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    """A summary of each tensor. Source: TF 1.15 `tf.contrib.layers.summarize_tensors`."""
    return [summarizer(tensor) for tensor in tensors]


@exported("summarize_collection")
def summarize_collection(
    collection: str, name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_tensor
) -> list[Any]:
    """A summary of each of a collection whose name fits. Source: TF 1.15 `tf.contrib.layers.summarize_collection`."""
    found = [t for t in tf.get_collection(collection) if name_filter is None or re.match(name_filter, t.op.name)]
    made: list[Any] = summarize_tensors(found, summarizer)
    return made


@exported("summarize_activations")
def summarize_activations(
    name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_activation
) -> list[Any]:
    """A summary of each collected activation. Source: TF 1.15 `tf.contrib.layers.summarize_activations`."""
    made: list[Any] = summarize_collection(tf.GraphKeys.ACTIVATIONS, name_filter, summarizer)
    return made


summarize_variables = functools.partial(summarize_collection, tf.GraphKeys.GLOBAL_VARIABLES)
summarize_weights = functools.partial(summarize_collection, tf.GraphKeys.WEIGHTS)
summarize_biases = functools.partial(summarize_collection, tf.GraphKeys.BIASES)
for _name in ("summarize_variables", "summarize_weights", "summarize_biases"):
    export_value(f"contrib.slim.{_name}", globals()[_name], attribute=_name)
