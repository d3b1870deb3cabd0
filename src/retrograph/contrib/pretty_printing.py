"""`tf.contrib.framework.print_op`."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export

_KINDS: dict[str, Any] = {
    "Tensor": tf.Tensor,
    "SparseTensor": tf.SparseTensor,
    "TensorArray": tf.TensorArray,
    "Variable": tf.Variable,
}


def _kind_of(t: Any) -> str:
    found = next((name for name, kind in _KINDS.items() if isinstance(t, kind)), None)
    if found is None:
        raise ValueError("t must be a Tensor, SparseTensor, TensorArray or Variable.")
    return found


def _shape_parts(t: Any, kind: str) -> list[Any]:
    if kind == "SparseTensor":
        return [tf.constant("Shape:"), t.dense_shape]
    if kind == "TensorArray":
        return [tf.constant("Size:"), t.size()]
    return [tf.constant(f"Shape: {t.shape.dims}")] if kind == "Tensor" else []


def _value_parts(t: Any, kind: str) -> list[Any]:
    if kind == "SparseTensor":
        return [tf.constant("Sparse indices:"), t.indices, tf.constant("Sparse values:"), t.values]
    values = {"Tensor": lambda: t, "TensorArray": lambda: t.stack()}
    return [tf.constant("Value:"), values[kind]()] if kind in values else []


def _described(t: Any, with_name: bool, with_type: bool, with_shape: bool, first_true: bool) -> list[Any]:
    kind = _kind_of(t)
    parts = [tf.constant("Name: " + t.name)] if with_name and kind == "Tensor" else []
    parts += [tf.constant(f"Type: {kind} ({t.dtype.name})")] if with_type else []
    parts += _shape_parts(t, kind) if with_shape else []
    if first_true and t.dtype == tf.bool:
        parts += [tf.constant("First True in Boolean tensor at:"), tf.argmax(tf.cast(t, tf.uint8), 0)]
    return parts + _value_parts(t, kind)


@export("contrib.framework.print_op")
def print_op(
    input_: Any,
    data: Any = None,
    message: str | None = None,
    first_n: Any = None,
    summarize: Any = 20,
    print_tensor_name: bool = True,
    print_tensor_type: bool = True,
    print_shape: bool = True,
    summarize_indicator_vector: bool = True,
    name: str | None = None,
) -> Any:
    """What stands for a tensor, sparse tensor, array or variable and prints name, type, shape and value when it is used.

    Raises: ValueError for something else. Source: TF 1.15 `tf.contrib.framework.print_op`.
    """
    if input_ is None:
        raise ValueError("input_ must be of type Tensor, SparseTensor or TensorArray")
    asked = print_tensor_name, print_tensor_type, print_shape, summarize_indicator_vector
    parts = _described(input_, *asked)
    for t in data or ():
        parts += _described(t, *asked)
    more: dict[str, Any] = {"message": message or "", "first_n": first_n, "summarize": summarize, "name": name}
    if isinstance(input_, (tf.Tensor, tf.Variable)):
        return tf.Print(input_, parts, **more)
    with tf.control_dependencies([tf.Print(tf.constant([]), parts, **more)]):
        if isinstance(input_, tf.SparseTensor):
            return tf.SparseTensor(
                tf.identity(input_.indices), tf.identity(input_.values), tf.identity(input_.dense_shape)
            )
        return tf.TensorArray(dtype=input_.dtype, handle=input_.handle, flow=input_.flow)
