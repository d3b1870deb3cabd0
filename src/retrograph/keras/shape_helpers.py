"""Sizes, paddings, data formats and lengths of outputs, as the layers of images and sequences want them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import retrograph as tf
from retrograph.keras.state import image_data_format

_LETTERS = {1: "W", 2: "HW", 3: "DHW"}


def sizes_of(value: Any, n: int, name: str) -> tuple[int, ...]:
    """A number or a sequence of n numbers as a tuple of n; ValueError in TF's words."""
    if isinstance(value, int):
        return (value,) * n
    try:
        sizes = tuple(value)
    except TypeError:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}") from None
    if len(sizes) != n:
        raise ValueError(f"The `{name}` argument must be a tuple of {n} integers. Received: {value}")
    for size in sizes:
        try:
            int(size)
        except (ValueError, TypeError):
            raise ValueError(
                f"The `{name}` argument must be a tuple of {n} integers. Received: {value} including element {size} of type {type(size)}"
            ) from None
    return sizes


def normalized_padding(value: Any) -> str:
    """The padding in lower case; ValueError for an unknown one."""
    padding = value.lower() if isinstance(value, str) else value
    if padding not in ("valid", "same", "causal"):
        raise ValueError(
            f'The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only for `Conv1D). Received: {padding}'
        )
    return padding


def normalized_data_format(value: Any) -> str:
    """The one that is set (`channels_last` by default) if None; ValueError for anything else than the two."""
    value = image_data_format() if value is None else value
    found = value.lower() if isinstance(value, str) else value
    if found not in ("channels_first", "channels_last"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return found


def ops_format(data_format: str, rank: int) -> str:
    """`NHWC` and its kin for `channels_last` / `channels_first`."""
    return f"N{_LETTERS[rank]}C" if data_format == "channels_last" else f"NC{_LETTERS[rank]}"


def output_length(length: int | None, window: int, padding: str, stride: int, dilation: int = 1) -> int | None:
    """How many windows fit along an axis."""
    if length is None:
        return None
    extent = window + (window - 1) * (dilation - 1)
    steps = length if padding in ("same", "causal") else length - extent + 1
    return (steps + stride - 1) // stride


def transposed_length(
    length: Any, window: int, padding: str, stride: int, output_padding: Any = None, dilation: int = 1
) -> Any:
    """The length that a transposed convolution gives (a number, or a tensor for a tensor)."""
    if length is None:
        return None
    extent = window + (window - 1) * (dilation - 1)
    if output_padding is not None:
        cut = extent // 2 if padding == "same" else 0
        return (length - 1) * stride + extent - 2 * cut + output_padding
    if padding == "valid":
        return length * stride + max(extent - stride, 0)
    return length * stride


def on_tuples(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that takes shapes as tuples (or lists of tuples); what it gives becomes `TensorShape`s."""

    @wraps(method)
    def wrapped(self: Any, input_shape: Any) -> Any:
        made = method(self, as_tuples(input_shape))
        return None if made is None else as_tensor_shapes(made)

    return wrapped


def _is_shape(shape: Any) -> bool:
    if isinstance(shape, tf.TensorShape):
        return True
    return isinstance(shape, (tuple, list)) and all(
        s is None or isinstance(s, (int, tf.Dimension)) or hasattr(s, "__index__") for s in shape
    )


def as_tuples(shape: Any) -> Any:
    """A shape as a tuple of sizes, a list of shapes as a list of tuples; None for an unknown rank."""
    if shape is None:
        return None
    if _is_shape(shape):
        found = tf.TensorShape(shape)
        return None if found.ndims is None else tuple(found.as_list())
    if isinstance(shape, dict):
        return {key: as_tuples(one) for key, one in shape.items()}
    return [as_tuples(one) for one in shape]


def as_tensor_shapes(shape: Any) -> Any:
    """A shape as a `TensorShape`, a list of shapes as a list of them."""
    if shape is None or _is_shape(shape):
        return tf.TensorShape(shape)
    if isinstance(shape, dict):
        return {key: as_tensor_shapes(one) for key, one in shape.items()}
    return [as_tensor_shapes(one) for one in shape]
