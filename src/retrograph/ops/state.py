"""Variables as operations: holders, reads, assignments, scatters; and `tf.assign`, `tf.scatter_*`."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import colocate_with, name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, RECORDS, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import (
    ShapeContext,
    ShapeError,
    concatenate,
    explicit,
    merge,
    scalar,
    unchanged,
    with_rank,
    with_rank_at_least,
)
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import operators as _operators  # noqa: F401 - variables take their operators from tensors
from retrograph.ops.fillers import places_without_fillers
from retrograph.variables.base import Variable
from retrograph.variables.resource import resource_shape_and_dtype
from retrograph.variables.variable import OPERATORS

_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


for _operator in OPERATORS:
    if hasattr(Tensor, _operator):
        functools.update_wrapper(getattr(Variable, _operator), getattr(Tensor, _operator))


# --- where a handle comes from ---------------------------------------------------------------------------------------


def _cpp_name(dtype: Any) -> str:
    name: str = dtype.name
    return _CPP_NAMES.get(name, name)


def _held_shape(c: ShapeContext, type_attr: str = "dtype") -> Shape:
    """The shape of the variable whose handle is input 0; fails if the op takes it for another type."""
    shape, dtype = resource_shape_and_dtype(c.inputs[0])
    if dtype is not None and dtype != c.attr(type_attr):
        expected, got = _cpp_name(dtype), _cpp_name(c.attr(type_attr))
        raise ShapeError(f"Trying to read variable with wrong dtype. Expected {expected} got {got}")
    return shape


# --- holders ---------------------------------------------------------------------------------------------------------


def _legacy_shape(c: ShapeContext) -> list[Shape]:
    # TF's first variables cannot tell a scalar from an unknown shape.
    return [c.attr("shape") or None]


# The runtime itself knows what holders are: the cells of a session's state.
for _type, _shape in {
    "VariableV2": explicit(), "Variable": _legacy_shape, "TemporaryVariable": explicit(), "VarHandleOp": scalar,
}.items():  # fmt: skip
    register_op(_type, shape=_shape, effect=True, gradient=NO_GRADIENT)


# --- rows that run the same in NumPy and in JAX ----------------------------------------------------------------------


def _row(op_type: str, shape: Any, run: Callable[..., Any], **more: Any) -> None:
    register_op(op_type, shape=shape, lower=run, numpy=run, effect=True, **{"gradient": NO_GRADIENT, **more})


def _no_result(run: Callable[..., Any]) -> Callable[..., Any]:
    def without(op: Any, ctx: Any, *inputs: Any) -> tuple[()]:
        run(op, ctx, *inputs)
        return ()

    return without


def _read(op: Any, ctx: Any, ref: Any) -> Any:
    return ctx.read(ref)


def _assign(op: Any, ctx: Any, ref: Any, value: Any) -> Any:
    declared = np.shape(ctx.read(ref)) if ctx.is_initialized(ref) else op.inputs[0]._shape
    if op.attrs["validate_shape"] and declared is not None and None not in declared and np.shape(value) != declared:
        raise errors.InvalidArgumentError(
            None,
            op,
            "Assign requires shapes of both tensors to match. "
            f"lhs shape= {to_text(declared)} rhs shape= {to_text(np.shape(value))}",
        )
    ctx.write(ref, value)
    return ref


def _assign_resource(op: Any, ctx: Any, ref: Any, value: Any) -> tuple[()]:
    ctx.write(ref, value)
    return ()


_MISMATCH = {
    "Assign": "Parameters and update must be the same size",
    "AssignVariableOp": "Cannot update variable with shape {} using a Tensor with shape {}, shapes must be equal.",
}


def _update(combine: Callable[[Any, Any], Any], text: str) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, ref: Any, value: Any) -> Any:
        old = ctx.read(ref)
        if np.shape(old) != np.shape(value):
            shapes = to_text(np.shape(old)), to_text(np.shape(value))
            raise errors.InvalidArgumentError(None, op, text.format(*shapes))
        ctx.write(ref, combine(old, value))
        return ref

    return run


def _assign_shape(c: ShapeContext) -> list[Shape]:
    return [merge(c, c.input(0), c.input(1)) if c.attr("validate_shape") else c.input(1)]


def _merged_inputs(c: ShapeContext) -> list[Shape]:
    return [merge(c, c.input(0), c.input(1))]


def _assign_resource_shape(c: ShapeContext) -> list[Shape]:
    merge(c, _held_shape(c), c.input(1))
    return []


def _variable_shape_shape(c: ShapeContext) -> list[Shape]:
    shape, _ = resource_shape_and_dtype(c.inputs[0])
    return [(None if shape is None else len(shape),)]


def _initialized(op: Any, ctx: Any, ref: Any) -> Any:
    return np.bool_(ctx.is_initialized(ref))


def _add(old: Any, value: Any) -> Any:
    return old + value


def _subtract(old: Any, value: Any) -> Any:
    return old - value


_row("Assign", _assign_shape, _assign)
_row("AssignAdd", _merged_inputs, _update(_add, _MISMATCH["Assign"]))
_row("AssignSub", _merged_inputs, _update(_subtract, _MISMATCH["Assign"]))
_row("AssignVariableOp", _assign_resource_shape, _assign_resource)
_row("AssignAddVariableOp", _assign_resource_shape, _no_result(_update(_add, _MISMATCH["AssignVariableOp"])))
_row("AssignSubVariableOp", _assign_resource_shape, _no_result(_update(_subtract, _MISMATCH["AssignVariableOp"])))
_row("ReadVariableOp", lambda c: [_held_shape(c)], _read, gradient=lambda op, grad: grad)
_row("IsVariableInitialized", scalar, _initialized)
_row("VarIsInitializedOp", scalar, _initialized)
_row("DestroyTemporaryVariable", unchanged, _read)
_row("DestroyResourceOp", lambda c: [], lambda op, ctx, ref: (ctx.delete(ref), ())[1])
_row(
    "VariableShape",
    _variable_shape_shape,
    lambda op, ctx, ref: np.array(np.shape(ctx.read(ref)), op.attrs["out_type"].as_numpy_dtype),
)


# --- counting --------------------------------------------------------------------------------------------------------


def _count_up_to(op: Any, ctx: Any, ref: Any) -> Any:
    old, limit = np.asarray(ctx.read(ref)), op.attrs["limit"]
    if old >= limit:
        raise errors.OutOfRangeError(None, op, f"Reached limit of {limit}")
    ctx.write(ref, (old + 1).astype(old.dtype))
    return old


def _count_resource_shape(c: ShapeContext) -> list[Shape]:
    return [with_rank(c, _held_shape(c, "T"), 0)]


register_op("CountUpTo", shape=lambda c: [with_rank(c, c.input(0), 0)], numpy=_count_up_to, host=True, effect=True)
register_op("ResourceCountUpTo", shape=_count_resource_shape, numpy=_count_up_to, host=True, effect=True)


# --- scatters --------------------------------------------------------------------------------------------------------

_IN_NUMPY: dict[str, Callable[..., Any]] = {
    "Add": np.add.at, "Sub": np.subtract.at, "Mul": np.multiply.at, "Min": np.minimum.at, "Max": np.maximum.at,
}  # fmt: skip
_IN_JAX = {
    "Update": "set", "Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Min": "min", "Max": "max",
}  # fmt: skip


def _scattered(op: Any, ctx: Any, kind: str, old: Any, index: Any, updates: Any) -> Any:
    if ctx.xp is np:
        return _scattered_in_numpy(kind, np.array(old), index, np.asarray(updates))
    at = ctx.xp.asarray(old).at[index]
    return getattr(at, _IN_JAX[kind])(updates, mode="drop")


def _scattered_in_numpy(kind: str, new: Any, index: Any, updates: Any) -> Any:
    if kind == "Update":
        new[index] = updates
    elif kind == "Div":
        divide = np.floor_divide if np.issubdtype(new.dtype, np.integer) else np.true_divide
        divide.at(new, index, updates)
    else:
        _IN_NUMPY[kind](new, index, updates)
    return new


def _scatter(kind: str) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, ref: Any, indices: Any, updates: Any) -> Any:
        old = ctx.read(ref)
        if not np.shape(old):
            raise errors.InvalidArgumentError(None, op, "params must be at least 1-D, got shape []")
        expected = np.shape(indices) + np.shape(old)[1:]
        if np.shape(updates) and np.shape(updates) != expected:
            raise errors.InvalidArgumentError(
                None,
                op,
                "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got updates.shape "
                f"{to_text(np.shape(updates))}, indices.shape {to_text(np.shape(indices))}, "
                f"params.shape {to_text(np.shape(old))}",
            )
        kept = places_without_fillers(op.inputs[1], indices)
        if kept is not None:
            indices, updates = indices[kept], updates[kept] if np.shape(updates) else updates
        _check_rows(op, indices, np.shape(old)[0])
        ctx.write(ref, _scattered(op, ctx, kind, old, (indices,), updates))
        return ref

    return run


def _check_rows(op: Any, indices: Any, limit: int) -> None:
    """Refuses an index outside of the variable, where the indices are known; XLA leaves such a row out."""
    if not isinstance(indices, (np.ndarray, np.generic)):
        return
    bad = np.argwhere((np.asarray(indices) < 0) | (np.asarray(indices) >= limit))
    if len(bad):
        where = ",".join(str(i) for i in bad[0])
        value = np.asarray(indices)[tuple(bad[0])]
        raise errors.InvalidArgumentError(None, op, f"indices[{where}] = {value} is not in [0, {limit})")


def _check_fed_rows(op: Any, indices: Any) -> None:
    shape = op.inputs[0].op.attrs.get("shape")
    if shape and shape[0] is not None:
        _check_rows(op, indices, shape[0])


def _scatter_nd(kind: str) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, ref: Any, indices: Any, updates: Any) -> Any:
        old = ctx.read(ref)
        if not np.shape(old):
            raise errors.InvalidArgumentError(None, op, "Output must be at least 1-D, got shape: []")
        _check_points(op, indices, np.shape(old))
        points = tuple(indices[..., i] for i in range(indices.shape[-1]))
        ctx.write(ref, _scattered(op, ctx, kind, old, points or ..., updates))
        return ref

    return run


def _check_points(op: Any, indices: Any, sizes: tuple[int, ...]) -> None:
    if not isinstance(indices, np.ndarray):
        return
    limits = np.array(sizes[: indices.shape[-1]])
    rows = indices.reshape(-1, indices.shape[-1])
    bad = np.flatnonzero(((rows < 0) | (rows >= limits)).any(axis=1))
    if len(bad):
        where = ",".join(str(i) for i in np.unravel_index(bad[0], indices.shape[:-1]))
        point = ", ".join(str(i) for i in rows[bad[0]])
        text = f"indices[{where}] = [{point}] does not index into shape {to_text(sizes)}"
        raise errors.InvalidArgumentError(None, op, text)


def _rows_shape(c: ShapeContext, held: Shape) -> None:
    rows = concatenate(c.input(1), None if held is None else held[1:])
    if c.input(2) != ():
        merge(c, c.input(2), rows)


def _scatter_shape(c: ShapeContext) -> list[Shape]:
    _rows_shape(c, c.input(0))
    return [c.input(0)]


def _scatter_resource_shape(c: ShapeContext) -> list[Shape]:
    _rows_shape(c, _held_shape(c))
    return []


def _check_points_shape(c: ShapeContext, held: Shape) -> None:
    indices, updates = with_rank_at_least(c, c.input(1), 1), with_rank_at_least(c, c.input(2), 1)
    if held is not None and 0 in held and not (_is_empty(indices) and _is_empty(updates)):
        raise ShapeError("Indices and updates specified for empty output shape")
    if indices is None or updates is None or indices[-1] is None:
        return
    outer, width = len(indices) - 1, indices[-1]
    _merge_parts(
        c, indices[:outer], updates[:outer], f"The outer {outer} dimensions of indices.shape={to_text(indices)} must match "
        f"the outer {outer} dimensions of updates.shape={to_text(updates)}: ",
    )  # fmt: skip
    if held is not None:
        _merge_parts(
            c, held[width:], updates[outer:], f"The inner {len(held) - width} dimensions of input.shape="
            f"{to_text(held)} must match the inner {len(updates) - outer} dimensions of updates.shape={to_text(updates)}: ",
        )  # fmt: skip


def _is_empty(shape: Shape) -> bool:
    return shape is None or None in shape or 0 in shape


def _merge_parts(c: ShapeContext, a: Shape, b: Shape, opening: str) -> None:
    try:
        merge(c, a, b)
    except ShapeError as error:
        raise ShapeError(f"{opening}{error}") from None


def _scatter_nd_shape(c: ShapeContext) -> list[Shape]:
    _check_points_shape(c, c.input(0))
    return [c.input(0)]


def _scatter_nd_resource_shape(c: ShapeContext) -> list[Shape]:
    _check_points_shape(c, resource_shape_and_dtype(c.inputs[0])[0])
    return []


for _kind in _IN_JAX:
    _row(f"Scatter{_kind}", _scatter_shape, _scatter(_kind))
    _row(f"ResourceScatter{_kind}", _scatter_resource_shape, _no_result(_scatter(_kind)))
for _kind in ("Update", "Add", "Sub"):
    _row(f"ScatterNd{_kind}", _scatter_nd_shape, _scatter_nd(_kind))
    _row(f"ResourceScatterNd{_kind}", _scatter_nd_resource_shape, _no_result(_scatter_nd(_kind)))


# --- gathers from a handle -------------------------------------------------------------------------------------------


def _gather_shape(c: ShapeContext) -> list[Shape]:
    held, batch = _held_shape(c), c.attrs.get("batch_dims", 0)
    if batch < 0:
        raise ShapeError(f"batch_dims is negative ({batch})")
    held, indices = with_rank_at_least(c, held, batch + 1), with_rank_at_least(c, c.input(1), batch)
    if held is None or indices is None:
        return [None]
    return [held[:batch] + indices[batch:] + held[batch + 1 :]]


def _gather_nd_shape(c: ShapeContext) -> list[Shape]:
    held, indices = _held_shape(c), with_rank_at_least(c, c.input(1), 1)
    if held is None or indices is None or indices[-1] is None:
        return [None]
    if indices[-1] > len(held):
        raise ShapeError(
            f"indices.shape[-1] must be <= params.rank, but saw indices shape: {to_text(indices)} and params shape: {to_text(held)}"
        )
    return [indices[:-1] + held[indices[-1] :]]


def _through(op_type: str, part: str) -> Callable[..., Any]:
    """Reads the variable and goes on as the op type that gathers from a tensor."""

    def run(op: Any, ctx: Any, ref: Any, indices: Any) -> Any:
        axis = [np.int32(op.attrs["batch_dims"])] if op_type == "GatherV2" else []
        return getattr(RECORDS[op_type], part)(op, ctx.read(ref), indices, *axis)

    return run


def _gather_gradient(op: Any, grad: Tensor) -> list[Any]:
    from retrograph.ops import array, joining

    handle, indices = op.inputs
    sizes = variable_shape(handle)
    count = array.expand_dims(array.size(indices), 0)
    values = array.reshape(grad, joining.concat([count, sizes[1:]], 0))
    return [IndexedSlices(values, array.reshape(indices, count), sizes), None]


def variable_shape(handle: Tensor, out_type: Any = dtypes.int32) -> Tensor:
    """`i32[rank]`: the shape of the variable of a handle."""
    shape, _ = resource_shape_and_dtype(handle)
    if shape is None or None in shape:
        result: Tensor = apply_op("VariableShape", None, input=handle, out_type=out_type)
        return result
    return constant(list(shape), dtype=out_type)


register_op(
    "ResourceGather",
    shape=_gather_shape,
    lower=_through("GatherV2", "lower"),
    numpy=_through("GatherV2", "numpy"),
    gradient=_gather_gradient,
    effect=True,
    fed_check=(1, _check_fed_rows),
)
register_op(
    "ResourceGatherNd",
    shape=_gather_nd_shape,
    lower=_through("GatherNd", "lower"),
    numpy=_through("GatherNd", "numpy"),
    gradient=lambda op, grad: [_gather_nd_gradient(op, grad), None],
    effect=True,
)


def _gather_nd_gradient(op: Any, grad: Tensor) -> Any:
    from retrograph.ops import array

    handle, indices = op.inputs
    sizes = variable_shape(handle, indices.dtype)
    if indices._shape is not None and len(indices._shape) == 2 and indices._shape[-1] == 1:
        return IndexedSlices(grad, array.squeeze(indices, axis=-1), sizes)
    return apply_op("ScatterNd", None, indices=indices, updates=grad, shape=sizes)


# --- bare holders ----------------------------------------------------------------------------------------------------


def variable_op(
    shape: Any, dtype: Any, name: str = "Variable", set_shape: bool = True, container: str = "", shared_name: str = ""
) -> Tensor:
    """A reference to a new holder of TF's first kind. Source: TF 1.15 `state_ops.variable_op`."""
    shape = shape if set_shape else None
    held: Tensor = apply_op("Variable", name, shape=shape, dtype=dtype, container=container, shared_name=shared_name)
    if set_shape:
        held.set_shape(shape)
    return held


def variable_op_v2(
    shape: Any, dtype: Any, name: str = "Variable", container: str = "", shared_name: str = ""
) -> Tensor:
    """A reference to a new holder. Source: TF 1.15 `state_ops.variable_op_v2`."""
    held: Tensor = apply_op("VariableV2", name, shape=shape, dtype=dtype, container=container, shared_name=shared_name)
    return held


def init_variable(v: Any, init: Any, name: str = "init") -> Any:
    """Assigns an initial value, given or made by a function of shape and dtype. Source: TF 1.15 `state_ops.init_variable`."""
    with name_scope(None, v.op.name + "/", [v, init]), name_scope(name) as scope, colocate_with(v):
        if callable(init):
            value = convert_to_tensor(init(v.get_shape().as_list(), v.dtype.base_dtype), name="value")
        else:
            value = convert_to_tensor(init, name="init")
        return apply_op("Assign", scope, ref=v, value=value)


# --- assigning -------------------------------------------------------------------------------------------------------


@export("assign", "compat.v1.assign")
def assign(
    ref: Any, value: Any, validate_shape: bool | None = None, use_locking: bool | None = None, name: str | None = None
) -> Any:
    """Sets a variable to `value`; gives the variable's tensor after that.

    >>> v = tf.Variable([1.0, 2.0])
    >>> tf.assign(v, [3.0, 4.0])
    <tf.Tensor 'Assign:0' shape=(2,) dtype=float32_ref>

    Raises ValueError: shapes differ and `validate_shape` is not False. Source: TF 1.15 `tf.assign`.
    """
    if ref.dtype._is_ref_dtype:
        return apply_op("Assign", name, ref=ref, value=value, use_locking=use_locking, validate_shape=validate_shape)
    return ref.assign(value, name=name)


@export("assign_add")
def assign_add(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Adds `value` to a variable; gives the variable's tensor after that. Source: TF 1.15 `tf.assign_add`."""
    if ref.dtype._is_ref_dtype:
        return apply_op("AssignAdd", name, ref=ref, value=value, use_locking=use_locking)
    return ref.assign_add(value)


@export("assign_sub")
def assign_sub(ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None) -> Any:
    """Subtracts `value` from a variable; gives the variable's tensor after that. Source: TF 1.15 `tf.assign_sub`."""
    if ref.dtype._is_ref_dtype:
        return apply_op("AssignSub", name, ref=ref, value=value, use_locking=use_locking)
    return ref.assign_sub(value)


@export("count_up_to")
@deprecated("Prefer Dataset.range instead.", "tensorflow.python.ops.state_ops")
def count_up_to(ref: Any, limit: int, name: str | None = None) -> Any:
    """The value of an integer variable, which is then increased by one; running it at `limit` raises OutOfRangeError.

    Source: TF 1.15 `tf.count_up_to`.
    """
    if ref.dtype._is_ref_dtype:
        return apply_op("CountUpTo", name, ref=ref, limit=limit)
    return apply_op("ResourceCountUpTo", name, resource=ref.handle, limit=limit, T=ref.dtype)


# --- scattering ------------------------------------------------------------------------------------------------------


def _scatter_into(kind: str, ref: Any, indices: Any, updates: Any, use_locking: bool | None, name: str | None) -> Any:
    if ref.dtype._is_ref_dtype:
        return apply_op(f"Scatter{kind}", name, ref=ref, indices=indices, updates=updates, use_locking=use_locking)
    lazy_read, handle = ref._lazy_read, "ref" if kind.startswith("Nd") else "resource"
    arguments = {handle: ref.handle, "indices": indices, "updates": convert_to_tensor(updates, ref.dtype)}
    return lazy_read(apply_op(f"ResourceScatter{kind}", name, **arguments))


@export("scatter_update")
def scatter_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Sets rows of a variable: `ref[indices[i]] = updates[i]`; the last one wins. Source: TF 1.15 `tf.scatter_update`."""
    return _scatter_into("Update", ref, indices, updates, use_locking, name)


@export("scatter_add")
def scatter_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds to rows of a variable; what names a row twice adds up. Source: TF 1.15 `tf.scatter_add`."""
    return _scatter_into("Add", ref, indices, updates, use_locking, name)


@export("scatter_sub")
def scatter_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts from rows of a variable. Source: TF 1.15 `tf.scatter_sub`."""
    return _scatter_into("Sub", ref, indices, updates, use_locking, name)


@export("scatter_mul")
def scatter_mul(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Multiplies rows of a variable. Source: TF 1.15 `tf.scatter_mul`."""
    return _scatter_into("Mul", ref, indices, updates, use_locking, name)


@export("scatter_div")
def scatter_div(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Divides rows of a variable. Source: TF 1.15 `tf.scatter_div`."""
    return _scatter_into("Div", ref, indices, updates, use_locking, name)


@export("scatter_min")
def scatter_min(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Takes the minimum with rows of a variable. Source: TF 1.15 `tf.scatter_min`."""
    return _scatter_into("Min", ref, indices, updates, use_locking, name)


@export("scatter_max")
def scatter_max(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Takes the maximum with rows of a variable. Source: TF 1.15 `tf.scatter_max`."""
    return _scatter_into("Max", ref, indices, updates, use_locking, name)


@export("scatter_nd_update")
def scatter_nd_update(ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None) -> Any:
    """Sets the slices of a variable that the rows of `indices` point to. Source: TF 1.15 `tf.scatter_nd_update`."""
    return _scatter_into("NdUpdate", ref, indices, updates, use_locking, name)


@export("scatter_nd_add")
def scatter_nd_add(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Adds to the slices of a variable that the rows of `indices` point to. Source: TF 1.15 `tf.scatter_nd_add`."""
    return _scatter_into("NdAdd", ref, indices, updates, use_locking, name)


@export("scatter_nd_sub")
def scatter_nd_sub(ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None) -> Any:
    """Subtracts from the slices of a variable that the rows of `indices` point to. Source: TF 1.15 `tf.scatter_nd_sub`."""
    return _scatter_into("NdSub", ref, indices, updates, use_locking, name)


@export("batch_scatter_update")
@deprecated("Use the batch_scatter_update method of Variable instead.", "tensorflow.python.ops.state_ops", "2018-11-29")
def batch_scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Any:
    """Sets slices of a variable batch by batch: `ref[b..., indices[b..., i]] = updates[b..., i]`.

    Raises ValueError: `indices` has no known rank. Source: TF 1.15 `tf.batch_scatter_update`.
    """
    from retrograph.ops import array, joining

    with name_scope(name):
        indices = convert_to_tensor(indices, name="indices")
        sizes, rank = array.shape(indices), indices.get_shape().ndims
        if rank is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        last = array.expand_dims(indices, axis=-1)
        points = [_batch_numbers(sizes, i, rank, last) for i in builtins.range(rank - 1)]
        return scatter_nd_update(ref, joining.concat([*points, last], axis=-1), updates, use_locking=use_locking)


def _batch_numbers(sizes: Tensor, axis: int, rank: int, like: Tensor) -> Any:
    from retrograph.ops import array, cast

    size: Any = sizes[axis]
    shape = [1] * (rank + 1)
    shape[axis] = size
    numbers = array.reshape(apply_op("Range", None, start=0, limit=size, delta=1), shape)
    if numbers.dtype.base_dtype != like.dtype:
        numbers = cast.cast(numbers, like.dtype)
    return numbers * array.ones_like(like)
