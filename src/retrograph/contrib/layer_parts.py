"""What the layer functions of `tf.contrib.layers` share: variables by their old names, collections, static values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.contrib.model_variables import model_variable
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value as static_value
from retrograph.variables.partition import PartitionedVariable

NHWC, NCHW = "NHWC", "NCHW"


def exported(*names: str) -> Callable[[Any], Any]:
    """Public in both `tf.contrib.layers` and `tf.contrib.slim`."""
    return export(*(f"contrib.{package}.{name}" for name in names for package in ("layers", "slim")))


def check_format(data_format: Any) -> None:
    """Raises ValueError: neither NHWC nor NCHW."""
    if data_format not in (NHWC, NCHW):
        raise ValueError("data_format has to be either NCHW or NHWC.")


def long_format(data_format: Any) -> str:
    """As `tf.layers` says it."""
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def two_element_tuple(value: Any) -> tuple[int, int]:
    """A number, a shape or a pair as a pair of numbers. Raises ValueError: anything else."""
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError(f"Must be a list with 2 elements: {value}")
        return int(value[0]), int(value[1])
    if isinstance(value, int):
        return int(value), int(value)
    if isinstance(value, tf.TensorShape):
        if len(value) == 2:
            first, second = value.as_list()
            return first, second
        raise ValueError(f"Must be an int, a list with 2 elements or a TensorShape of length 2: {value}")
    raise ValueError("Must be an int, a list with 2 elements or a TensorShape of length 2")


def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """A number n times, or n numbers, all of them positive. Raises ValueError: anything else.

    Source: TF 1.15 `tf.contrib.layers.python.layers.utils.n_positive_integers`.
    """
    if int(n) < 1 or int(n) != n:
        raise ValueError("n must be a positive integer")
    try:
        values = (int(value),) * int(n)
    except (TypeError, ValueError):
        values = _integers(int(n), value)
    for one in values:
        if one < 1:
            raise ValueError(f"expected positive integer, but received {one}")
    return values


def _integers(n: int, value: Any) -> tuple[int, ...]:
    wrong = f"Expected sequence of {n} positive integers, but received {value!r}"
    if len(value) != n:
        raise ValueError(wrong)
    try:
        return tuple(int(x) for x in value)
    except (TypeError, ValueError):
        raise ValueError(wrong) from None


def dimension(shape: Any, axis: int, min_rank: int = 1) -> int:
    """The size of an axis. Raises ValueError: not known."""
    if shape.dims is None:
        raise ValueError("dims of shape must be known but is None")
    if len(shape.dims) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {len(shape.dims)}")
    size = shape.dims[axis].value
    if size is None:
        raise ValueError(f"dimension {axis} of shape must be known but is None: {shape}")
    return int(size)


def last_dimension(shape: Any, min_rank: int = 1) -> int:
    """The size of the last axis. Raises ValueError: it is not known, or the rank is too small.

    Source: TF 1.15 `tf.contrib.layers.python.layers.utils.last_dimension`.
    """
    return dimension(shape, -1, min_rank)


def channel_dimension(shape: Any, data_format: str, min_rank: int = 1) -> int:
    """The size of the axis of channels. Raises ValueError: it is not known, or the rank is too small.

    Source: TF 1.15 `tf.contrib.layers.python.layers.utils.channel_dimension`.
    """
    return dimension(shape, 1 if data_format == "channels_first" else -1, min_rank)


def collections_for(variables_collections: Any, name: str) -> Any:
    """The collections for the variable of a short name."""
    return variables_collections.get(name) if isinstance(variables_collections, dict) else variables_collections


def add_to_collections(variable: Any, variables_collections: Any, name: str) -> None:
    """Adds a layer's variable, or its parts, once to the collections named for it."""
    parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
    for collection in collections_for(variables_collections, name) or ():
        for part in parts:
            if not any(part is known for known in tf.get_collection(collection)):
                tf.add_to_collection(collection, part)


def model_getter(rename: dict[str, str] | None = None) -> Callable[..., Any]:
    """A variable getter that makes model variables, the last part of their names replaced."""

    def get(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        path, _, last = name.rpartition("/")
        last = (rename or {}).get(last, last)
        wanted = {k: v for k, v in kwargs.items() if k not in ("reuse", "validate_shape", "constraint")}
        return model_variable(f"{path}/{last}" if path else last, *args, custom_getter=getter, **wanted)

    return get


def parameter(name: str, shape: Any, dtype: Any, initializer: Any, collections: Any, trainable: Any, regularizer: Any = None) -> Any:  # fmt: skip
    """A model variable in the collections named for it."""
    return model_variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
        collections=collections_for(collections, name), trainable=trainable,
    )  # fmt: skip


def finished(outputs: Any, activation_fn: Any, outputs_collections: Any, alias: str, normalizer_fn: Any = None, normalizer_params: Any = None) -> Any:  # fmt: skip
    """The outputs normalized, activated, and kept in collections."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(outputs_collections, alias, outputs)


def collect_named_outputs(collections: Any, alias: str, outputs: Any) -> Any:
    """Adds outputs to collections under an alias, and returns them."""
    if collections:
        append_tensor_alias(outputs, alias)
        tf.add_to_collections(collections, outputs)
    return outputs


def append_tensor_alias(tensor: Any, alias: str) -> Any:
    """Gives a tensor one more alias."""
    alias = alias.removesuffix("/")
    if hasattr(tensor, "aliases"):
        tensor.aliases.append(alias)
    else:
        tensor.aliases = [alias]
    return tensor


def get_tensor_aliases(tensor: Any) -> list[str]:
    """The aliases of a tensor, else its name."""
    return getattr(tensor, "aliases", None) or [tensor.name.removesuffix(":0")]


def gather_tensors_aliases(tensors: Any) -> list[str]:
    """The aliases of all tensors."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def convert_collection_to_dict(collection: str, clear_collection: bool = False) -> OrderedDict[str, Any]:
    """The tensors of a collection by alias."""
    found = OrderedDict((alias, t) for t in tf.get_collection(collection) for alias in get_tensor_aliases(t))
    if clear_collection:
        tf.get_default_graph().clear_collection(collection)
    return found


def constant_value(value: Any, dtype: Any = None) -> Any:
    """What a value is if that is known now; None for variables. Raises ValueError: None or of another dtype."""
    if value is None:
        raise ValueError("value_or_tensor_or_var cannot be None")
    if not isinstance(value, tf.Tensor | tf.Variable):
        return value
    if dtype and value.dtype != dtype:
        raise ValueError(f"It has the wrong type {value.dtype} instead of {dtype}")
    return None if isinstance(value, tf.Variable) else static_value(value)


def static_cond(pred: Any, fn1: Callable[[], Any], fn2: Callable[[], Any]) -> Any:
    """One of the two now. Raises TypeError: one cannot be called."""
    for name, function in (("fn1", fn1), ("fn2", fn2)):
        if not callable(function):
            raise TypeError(f"{name} must be callable.")
    return fn1() if pred else fn2()


def smart_cond(pred: Any, fn1: Callable[[], Any], fn2: Callable[[], Any], name: str | None = None) -> Any:
    """One of the two now if `pred` is known, else `tf.cond`."""
    value = constant_value(pred)
    if value is None:
        return tf.cond(pred, fn1, fn2, name)
    return static_cond(value, fn1, fn2)
