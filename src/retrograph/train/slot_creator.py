"""Slots: variables that belong to another variable (or tensor) and are named below it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph


def is_resource_variable(value: Any) -> bool:
    """Whether `value` is a resource variable (of any shape or dtype)."""
    if isinstance(value, tf.Tensor) or not hasattr(value, "op"):
        return False
    return bool(value.op is not None and value.op.type == "VarHandleOp")


def _colocated(primary: Any, wanted: bool) -> AbstractContextManager[Any]:
    return get_default_graph().colocate_with(primary.op) if wanted else nullcontext()


def _kind_of(primary: Any) -> bool | None:
    """`use_resource` for a slot of `primary`: as the primary is, the scope's own default for tensors."""
    if is_resource_variable(primary):
        return True
    return False if isinstance(primary, tf.Variable) else None


def _create_slot_var(primary: Any, val: Any, scope: str, validate_shape: bool, shape: Any, dtype: Any) -> Any:
    current = tf.get_variable_scope()
    partitioner = current.partitioner
    current.set_partitioner(None)
    slot = tf.get_variable(
        scope,
        initializer=val,
        trainable=False,
        use_resource=_kind_of(primary),
        shape=shape if callable(val) else None,
        dtype=dtype,
        validate_shape=validate_shape,
    )
    current.set_partitioner(partitioner)
    _share_slice(primary, slot)
    return slot


def _share_slice(primary: Any, slot: Any) -> None:
    """A slot of one part of a partitioned variable is the same part of the partitioned slot."""
    info = getattr(primary, "_save_slice_info", None) if isinstance(primary, tf.Variable) else None
    if not info:
        return
    name = slot.name[len(primary.op.name + "/") : -2]
    slot._set_save_slice_info(
        tf.Variable.SaveSliceInfo(
            f"{info.full_name}/{name}", list(info.full_shape), list(info.var_offset), list(info.var_shape)
        )
    )


def create_slot(primary: Any, val: Any, name: str, colocate_with_primary: bool = True) -> Any:
    """A variable `<primary op name>/<name>` that starts at the tensor `val`.

    Source: TF 1.15 `slot_creator.create_slot`.
    """
    validate_shape = val.get_shape().is_fully_defined()
    with tf.variable_scope(None, primary.op.name + "/" + name), _colocated(primary, colocate_with_primary):
        return _create_slot_var(primary, val, "", validate_shape, None, None)


def create_slot_with_initializer(
    primary: Any, initializer: Any, shape: Any, dtype: Any, name: str, colocate_with_primary: bool = True
) -> Any:
    """A variable `<primary op name>/<name>` of the given shape and dtype, made by `initializer`.

    Source: TF 1.15 `slot_creator.create_slot_with_initializer`.
    """
    validate_shape = shape.is_fully_defined()
    with tf.variable_scope(None, primary.op.name + "/" + name), _colocated(primary, colocate_with_primary):
        return _create_slot_var(primary, initializer, "", validate_shape, shape, dtype)


def create_zeros_slot(primary: Any, name: str, dtype: Any = None, colocate_with_primary: bool = True) -> Any:
    """A variable `<primary op name>/<name>` of zeros, shaped like `primary`.

    Source: TF 1.15 `slot_creator.create_zeros_slot`.
    """
    dtype = primary.dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        zeros = tf.zeros_initializer()
        return create_slot_with_initializer(primary, zeros, shape, dtype, name, colocate_with_primary)
    start = primary.initialized_value() if isinstance(primary, tf.Variable) else primary
    return create_slot(primary, tf.zeros(tf.shape(start), dtype=dtype), name, colocate_with_primary)
