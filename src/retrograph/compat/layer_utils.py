"""`tensorflow.python.layers.utils`: arguments and sizes of convolutions, conditions that may be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.ops.smart_cond import smart_cond as smart_condition
from retrograph.ops.smart_cond import smart_constant_value

_AXES = {3: "W", 4: "HW", 5: "DHW"}


def convert_data_format(data_format: str, ndim: int) -> str:
    """`channels_last` of rank 4 is `NHWC`. Raises ValueError for other formats and ranks."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError("Invalid data_format:", data_format)
    if ndim not in _AXES:
        raise ValueError("Input rank not supported:", ndim)
    return f"N{_AXES[ndim]}C" if data_format == "channels_last" else f"NC{_AXES[ndim]}"


def normalize_tuple(value: Any, n: int, name: str) -> tuple[int, ...]:
    """`n` integers: one for all, or as many as given. Raises ValueError for others."""
    if isinstance(value, int):
        return (value,) * n
    text = f"The `{name}` argument must be a tuple of {n} integers. Received: {value}"
    try:
        values = tuple(value)
    except TypeError:
        raise ValueError(text) from None
    if len(values) != n:
        raise ValueError(text)
    for one in values:
        try:
            int(one)
        except (ValueError, TypeError):
            raise ValueError(f"{text} including element {one} of type {type(one)}") from None
    return values


def _one_of(value: str, name: str, allowed: tuple[str, ...], shown: str) -> str:
    lower = value.lower()
    if lower not in allowed:
        quoted = ", ".join(f'"{x}"' for x in allowed)
        raise ValueError(f"The `{name}` argument must be one of {quoted}. Received: {shown}")
    return lower


def normalize_data_format(value: str) -> str:
    """A format of data in small letters. Raises ValueError for others."""
    return _one_of(value, "data_format", ("channels_first", "channels_last"), value)


def normalize_padding(value: str) -> str:
    """A padding in small letters. Raises ValueError for others."""
    return _one_of(value, "padding", ("valid", "same"), value.lower())


def conv_output_length(
    input_length: int | None, filter_size: int, padding: str, stride: int, dilation: int = 1
) -> int | None:
    """How many outputs a convolution has along an axis; None if that is not known."""
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    length = input_length + {"same": 0, "valid": -reach, "full": reach}[padding]
    return (length + stride - 1) // stride


def conv_input_length(output_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """How many inputs make so many outputs; None if that is not known."""
    if output_length is None:
        return None
    pad = {"same": filter_size // 2, "valid": 0, "full": filter_size - 1}[padding]
    return (output_length - 1) * stride - 2 * pad + filter_size


def deconv_output_length(input_length: int | None, filter_size: int, padding: str, stride: int) -> int | None:
    """How many outputs a transposed convolution has along an axis; None if that is not known."""
    if input_length is None:
        return None
    more = {"valid": max(filter_size - stride, 0), "full": 2 - stride - filter_size}
    return input_length * stride + more.get(padding, 0)


def constant_value(pred: Any) -> Any:
    """The value of a condition if it is known, else None. Raises TypeError for what is no condition."""
    return None if isinstance(pred, tf.Variable) else smart_constant_value(pred)


def smart_cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """`tf.cond`, or what the function gives that is known to be taken."""
    chosen = tf.cond if isinstance(pred, tf.Variable) else smart_condition
    return chosen(pred, true_fn=true_fn, false_fn=false_fn, name=name)


def object_list_uid(object_list: Any) -> str:
    """A text that tells lists of other objects apart."""
    return ", ".join(str(abs(id(x))) for x in nest.flatten(object_list))


def static_shape(x: Any) -> tuple[int | None, ...] | None:
    """The sizes of a tensor as a tuple; None for None and for unknown rank."""
    return None if x is None or x.get_shape().ndims is None else tuple(x.get_shape().as_list())


def get_reachable_from_inputs(inputs: Iterable[Any], targets: Iterable[Any] | None = None) -> set[Any]:
    """The tensors that are made of `inputs`, at least until all `targets` are among them."""
    wanted, queue = set(targets or ()), list(inputs)
    reachable = set(queue)
    takers: Callable[[Any], Any] = lambda x: x.consumers() if hasattr(x, "consumers") else [x.op]  # noqa: E731
    while queue and not (wanted and wanted <= reachable):
        for made in [y for op in takers(queue.pop()) for y in op.outputs]:
            if made not in reachable:
                reachable.add(made)
                queue.insert(0, made)
    return reachable
