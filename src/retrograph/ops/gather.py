"""Elements by index: gather, gather_nd, scatter_nd.

Indices that are known while tracing are checked as TF's CPU kernels check them. Indices that depend on data cannot raise
inside XLA: what is out of range reads zeros and writes nothing, as TF's GPU kernels do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, concatenate, merge, with_rank, with_rank_at_least
from retrograph.framework.static_value import constant_value
from retrograph.framework.structures import IndexedSlices
from retrograph.ops import array, identities, transposing
from retrograph.ops.fillers import places_without_fillers
from retrograph.ops.joining import concat, meshgrid, stack, tile, unstack
from retrograph.ops.rows import (
    all_within,
    axis_within,
    is_static,
    make_tensor,
    num_elements,
    refuse,
    shape_input,
    unknown_of,
)

# --- gather ------------------------------------------------------------------------------------------------------


def _gather_shape(c: ShapeContext) -> list[Shape]:
    params = with_rank_at_least(c, c.input(0), 1)
    return [concatenate(c.input(1), None if params is None else params[1:])]


def _gather_v2_shape(c: ShapeContext) -> list[Shape]:
    params, indices = with_rank_at_least(c, c.input(0), 1), c.input(1)
    with_rank(c, c.input(2), 0)
    value = c.constant(2)
    if value is None:
        known = params is not None and indices is not None
        return [unknown_of(len(params) + len(indices) - 1) if known else None]  # type: ignore[arg-type]
    axis, batch_dims = int(value), c.attr("batch_dims")
    with_rank_at_least(c, params, -axis if axis < 0 else axis + 1)
    with_rank_at_least(c, params, -batch_dims if batch_dims < 0 else batch_dims + 1)
    if params is None or indices is None:
        return [None]
    axis %= len(params)
    return [params[:axis] + indices[batch_dims:] + params[axis + 1 :]]


def _unsigned(indices: Any) -> Any:
    # Negative indices become too large ones: JAX would count them from the end.
    return indices.astype(jnp.uint64 if indices.dtype == jnp.int64 else jnp.uint32)


def _check_range(op: Any, indices: Any, size: int) -> None:
    if all_within(indices, size):
        return
    wrong = (indices < 0) | (indices >= size)
    at = tuple(np.argwhere(wrong)[0].tolist())
    where = f"indices{list(at)}".replace(" ", "") if at else "indices"
    raise errors.InvalidArgumentError(None, op, f"{where} = {indices[at]} is not in [0, {size})")


def _check_fed(op: Any, indices: Any) -> None:
    """Refuses fed indices outside of params, where their number is known."""
    params = op.inputs[0]
    shape = params._shape
    axis = constant_value(op.inputs[2]) if len(op.inputs) > 2 else np.zeros((), np.int32)
    if shape is not None and axis is not None and shape[int(axis)] is not None:
        _check_range(op, np.asarray(indices), shape[int(axis)])


def _axes(op: Any, indices: Any, axis: Any, rank: int) -> tuple[int, int]:
    batch_dims = op.get_attr("batch_dims")
    axis_within(op, batch_dims, rank, "Expected batch_dims in the range [-{rank}, {rank}), but got {axis}")
    batch_dims = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    return axis_within(op, axis, rank, "Expected axis in the range [-{rank}, {rank}), but got {axis}"), batch_dims


def _with_batches(xp: Any, params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    """Index arrays that broadcast the batch dimensions, and the order of the result's dimensions."""
    moved = xp.moveaxis(params, axis, batch_dims)
    shape = indices.shape
    grid = [np.arange(shape[i]).reshape((1,) * i + (-1,) + (1,) * (len(shape) - i - 1)) for i in range(batch_dims)]
    inner = len(shape) - batch_dims
    kept = range(batch_dims + inner, axis + inner)
    order = [
        *range(batch_dims),
        *kept,
        *range(batch_dims, batch_dims + inner),
        *range(axis + inner, params.ndim - 1 + inner),
    ]
    return moved, grid, order


def _numpy_gather(op: Any, params: Any, indices: Any, axis: Any) -> Any:
    at, batch_dims = _axes(op, indices, axis, params.ndim)
    if places_without_fillers(op.inputs[1], indices) is not None:
        # What updates the rows leaves those of fillers out.
        indices = np.where(indices == np.iinfo(indices.dtype).max, 0, indices)
    _check_range(op, indices, params.shape[at])
    if not batch_dims:
        return (
            np.take(params, indices, at)
            if indices.ndim
            else np.asarray(params[(slice(None),) * at + (int(indices), ...)])
        )
    moved, grid, order = _with_batches(np, params, indices, at, batch_dims)
    return moved[(*grid, indices)].transpose(order)


def _lowered_gather(op: Any, params: Any, indices: Any, axis: Any) -> Any:
    at, batch_dims = _axes(op, indices, axis, params.ndim)
    if is_static(indices):
        _check_range(op, indices, params.shape[at])
    params = jnp.asarray(params)
    if not batch_dims:
        return _taken(params, indices, at)
    moved, grid, order = _with_batches(jnp, params, indices, at, batch_dims)
    return moved.at[(*grid, _unsigned(indices))].get(mode="fill", fill_value=0).transpose(order)


def _taken(params: Any, indices: Any, axis: int) -> Any:
    """Rows by index, zeros for indices out of range; faster than JAX's own filling."""
    size, tail = params.shape[axis], params.shape[axis + 1 :]
    if size == 0:
        return jnp.zeros((*params.shape[:axis], *indices.shape, *tail), params.dtype)
    rows = jnp.take(params, indices, axis, mode="clip")
    if is_static(indices):
        return rows
    inside = (indices >= 0) & (indices < size)
    return jnp.where(inside.reshape(inside.shape + (1,) * len(tail)), rows, jnp.zeros((), params.dtype))


class _AlongFirst:
    """The op `Gather` seen as `GatherV2` with axis 0."""

    def __init__(self, op: Any):
        self.op = op
        self.name = op.name

    def get_attr(self, name: str) -> int:
        return 0


_ZERO = np.zeros((), np.int32)


def _gradient_shapes(op: Any) -> tuple[Tensor, Tensor]:
    params = op.inputs[0]
    with params.graph.colocate_with(params):
        sizes = array.shape(params, out_type=dtypes.int64)
        sizes = _cast(sizes, dtypes.int32)
    return sizes, array.expand_dims(array.size(op.inputs[1]), 0)


def _cast(x: Tensor, dtype: Any) -> Tensor:
    from retrograph.ops.math import cast  # math builds on this package's lower modules

    return cast(x, dtype)  # type: ignore[no-any-return]


def _slices_gradient(op: Any, grad: Any, sizes: Tensor, count: Tensor, tail: Tensor) -> IndexedSlices:
    values = array.reshape(grad, concat([count, tail], 0))
    return IndexedSlices(values, array.reshape(op.inputs[1], count), sizes)


def _gather_gradient(op: Any, grad: Any) -> Any:
    sizes, count = _gradient_shapes(op)
    return [_slices_gradient(op, grad, sizes, count, sizes[1:]), None]


def _gather_v2_gradient(op: Any, grad: Any) -> Any:
    sizes, count = _gradient_shapes(op)
    if constant_value(op.inputs[2]) == 0:
        return [_slices_gradient(op, grad, sizes, count, sizes[1:]), None, None]
    batch_dims = op.get_attr("batch_dims")
    indices = op.inputs[1]
    batch_dims = batch_dims + len(indices._shape) if batch_dims < 0 else batch_dims
    return [_dense_gather_gradient(indices, grad, sizes, op.inputs[2], batch_dims), None, None]


def _dense_gather_gradient(indices: Tensor, grad: Any, sizes: Tensor, axis: Tensor, batch_dims: int) -> Tensor:
    from retrograph.ops import math as math_ops

    outer, inner = sizes[:axis], sizes[axis:][1:]
    values_shape = concat([outer, [-1], inner], 0)
    rank, before = array.size(values_shape), array.size(outer)
    batches = math_ops.range(batch_dims)
    batch_to_axis = math_ops.range(batch_dims, before)
    after = math_ops.range(before + 1, rank)
    values = array.reshape(grad, values_shape)
    order = concat([batches, [before], batch_to_axis, after], 0)
    moved = transposing.transpose(values, order)
    summed = _summed_rows(sizes, moved, indices, batch_dims, sizes[axis])
    back = concat([batches, batch_to_axis + 1, [batch_dims], after], 0)
    return transposing.transpose(summed, back)


def _summed_rows(sizes: Tensor, values: Tensor, indices: Tensor, batch_dims: int, rows: Any) -> Tensor:
    from retrograph.ops.segment import unsorted_segment_sum  # it builds on this module

    count = array.expand_dims(array.size(indices), 0)
    if not batch_dims:
        return unsorted_segment_sum(values, array.reshape(indices, count), rows)
    values_shape = array.shape(values)
    outer, inner = values_shape[:batch_dims], values_shape[batch_dims:][1:]
    batches = make_tensor("Prod", None, input=outer, reduction_indices=[0], keep_dims=False)
    flat = concat([[-1], inner], 0)
    rows *= batches
    flat_indices = _batch_indices(sizes, indices, batch_dims)
    values = array.reshape(values, flat)
    summed = unsorted_segment_sum(values, array.reshape(flat_indices, count), rows)
    return array.reshape(summed, concat([outer, flat], 0))


def _batch_indices(sizes: Tensor, indices: Tensor, batch_dims: int, offset_range: Any = None) -> Tensor:
    """Indices into `params` whose batch dimensions are joined with the gathered one."""
    from retrograph.ops import math as math_ops

    make_range = offset_range or math_ops.range
    rank, dtype = len(indices._shape or ()), indices.dtype.base_dtype
    result, step = indices, None
    if offset_range is None:
        sizes = _cast(sizes, dtype)
        step = array.ones((), dtype=dtype)
    else:
        step = array.ones((), dtype=dtype)
        sizes = _cast_op(sizes, dtype)
    for dim in range(batch_dims, 0, -1):
        length = sizes[dim - 1]
        step *= sizes[dim]
        start, one = array.zeros((), dtype=dtype), array.ones((), dtype=dtype)
        offsets = make_range(start, length, one)
        offsets *= step
        wide = stack([1] * (dim - 1) + [length] + [1] * (rank - dim), axis=0)
        result += array.reshape(offsets, wide)
    return result


register_op(
    "Gather",
    shape=_gather_shape,
    lower=lambda op, params, indices: _lowered_gather(_AlongFirst(op), params, indices, _ZERO),
    numpy=lambda op, params, indices: _numpy_gather(_AlongFirst(op), params, indices, _ZERO),
    gradient=_gather_gradient,
    fed_check=(1, _check_fed),
)
register_op(
    "GatherV2",
    shape=_gather_v2_shape,
    lower=_lowered_gather,
    numpy=_numpy_gather,
    static_inputs=(2,),
    gradient=_gather_v2_gradient,
    fed_check=(1, _check_fed),
)


def _axis_value(axis: Any) -> Any:
    return constant_value(axis) if isinstance(axis, Tensor) else axis


@export("gather")
@dispatched("params", "indices")
def gather(
    params: Any,
    indices: Any,
    validate_indices: bool | None = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """The parts of `params` along `axis` that `indices` name.

    >>> tf.gather(tf.zeros([5, 2]), [[0, 3], [1, 1]])
    <tf.Tensor 'GatherV2:0' shape=(2, 2, 2) dtype=float32>

    Differs: indices that are out of range and known only when running read zeros.
    Source: TF 1.15 `tf.gather`.
    """
    if axis is None:
        axis = batch_dims
    if _axis_value(axis) != 0:
        return make_tensor("GatherV2", name, params=params, indices=indices, axis=axis, batch_dims=batch_dims)
    try:
        # Reference variables have the method too, but refuse.
        return params.sparse_read(indices, name=name)  # type: ignore[no-any-return]
    except AttributeError:
        return make_tensor("GatherV2", name, params=params, indices=indices, axis=axis)


@export("batch_gather")
@dispatched("params", "indices")
@deprecated(
    "`tf.batch_gather` is deprecated, please use `tf.gather` with `batch_dims=-1` instead.",
    "tensorflow.python.ops.array_ops",
    "2017-10-25",
)
def batch_gather(params: Any, indices: Any, name: str | None = None) -> Tensor:
    """`params[b, indices[b, i]]` for each batch b (all dimensions of `indices` but the last).

    Source: TF 1.15 `tf.batch_gather`.
    """
    with name_scope(name, "BatchGather", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        if indices._shape is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return _batch_gather(params, indices, len(indices._shape) - 1)


def _range(start: Any, limit: Any, delta: Any) -> Tensor:
    return make_tensor("Range", None, start=start, limit=limit, delta=delta)


def _batch_gather(params: Tensor, indices: Tensor, batch_dims: int) -> Tensor:
    rank = len(indices._shape or ())
    if not 0 <= batch_dims < rank:
        raise ValueError(f"batch_dims = {batch_dims} must be less than rank(indices) = {rank}")
    if params._shape is not None and batch_dims >= len(params._shape):
        raise ValueError(f"batch_dims = {batch_dims} must be less than rank(params) = {len(params._shape)}")
    indices_shape, params_shape = array.shape(indices), array.shape(params)
    flat_indices = array.reshape(_batch_indices(params_shape, indices, batch_dims, _range), [-1])
    outer = params_shape[batch_dims + 1 :]
    joined = make_tensor("Prod", None, input=params_shape[: batch_dims + 1], reduction_indices=[0], keep_dims=False)
    flat_params = array.reshape(params, concat([[joined], outer], axis=0))
    flat_result = gather(flat_params, flat_indices)
    result = array.reshape(flat_result, concat([indices_shape, outer], axis=0))
    known = indices.get_shape()[:batch_dims].merge_with(params.get_shape()[:batch_dims])
    known = known.concatenate(indices.get_shape()[batch_dims:])
    result.set_shape(known.concatenate(params.get_shape()[batch_dims + 1 :]))
    return result


# --- gather_nd ---------------------------------------------------------------------------------------------------


def _gather_nd_shape(c: ShapeContext) -> list[Shape]:
    params, indices = c.input(0), with_rank_at_least(c, c.input(1), 1)
    depth = None if indices is None else indices[-1]
    if params is None or indices is None or depth is None:
        return [None]
    if depth > len(params):
        raise ShapeError(
            "indices.shape[-1] must be <= params.rank, but saw indices shape: "
            f"{to_text(indices)} and params shape: {to_text(params)}"
        )
    return [indices[:-1] + params[depth:]]


def _check_depth(op: Any, params: Any, indices: Any) -> None:
    if indices.shape[-1] > params.ndim:
        depths = f"{indices.shape[-1]} vs. {params.ndim}"
        refuse(op, f"index innermost dimension length must be <= params rank; saw: {depths}")


def _columns(indices: Any) -> tuple[Any, ...]:
    return tuple(indices[..., i] for i in range(indices.shape[-1]))


def _check_nd(op: Any, indices: Any, shape: Sequence[int], what: str) -> None:
    limits = np.array(shape[: indices.shape[-1]], np.int64)
    wrong = ((indices < 0) | (indices >= limits)).any(-1)
    if wrong.any():
        at = np.argwhere(wrong)[0].tolist()
        where = ",".join(map(str, at))
        row = ", ".join(map(str, indices[tuple(at)].tolist()))
        text = f"indices[{where}] = [{row}] does not index into {what}shape {to_text(tuple(shape))}"
        raise errors.InvalidArgumentError(None, op, text)


def _numpy_gather_nd(op: Any, params: Any, indices: Any) -> Any:
    _check_depth(op, params, indices)
    _check_nd(op, indices, params.shape, "param ")
    return (
        np.asarray(params[(*_columns(indices), ...)])
        if indices.shape[-1]
        else np.broadcast_to(params, indices.shape[:-1] + params.shape)
    )


def _lowered_gather_nd(op: Any, params: Any, indices: Any) -> Any:
    _check_depth(op, params, indices)
    if is_static(indices):
        _check_nd(op, indices, params.shape, "param ")
    params = jnp.asarray(params)
    if not indices.shape[-1]:
        return jnp.broadcast_to(params, indices.shape[:-1] + params.shape)
    return params.at[_columns(_unsigned(indices))].get(mode="fill", fill_value=0)


def _gather_nd_gradient(op: Any, grad: Any) -> Any:
    params, indices = op.inputs
    sizes = array.shape(params, out_type=indices.dtype)
    if indices._shape is not None and len(indices._shape) == 2 and indices._shape[-1] == 1:
        return [IndexedSlices(grad, array.squeeze(indices, axis=-1), sizes), None]
    return [scatter_nd(indices, grad, sizes), None]


register_op(
    "GatherNd",
    shape=_gather_nd_shape,
    lower=_lowered_gather_nd,
    numpy=_numpy_gather_nd,
    gradient=_gather_nd_gradient,
)


@export("gather_nd", "manip.gather_nd")
@dispatched("params", "indices")
def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The parts of `params` that the rows of `indices` (last dimension) name.

    >>> tf.gather_nd(tf.zeros([4, 5, 6]), [[0, 1], [3, 2]])
    <tf.Tensor 'GatherNd:0' shape=(2, 6) dtype=float32>

    Differs: indices that are out of range and known only when running read zeros.
    Source: TF 1.15 `tf.gather_nd`.
    """
    if isinstance(batch_dims, Tensor):
        static = constant_value(batch_dims)
        batch_dims = batch_dims if static is None else int(static)
    if not isinstance(batch_dims, Tensor) and batch_dims == 0:
        try:
            return params.gather_nd(indices, name=name)  # type: ignore[no-any-return]
        except AttributeError:
            return make_tensor("GatherNd", name, params=params, indices=indices)
    return batch_gather_nd(params, indices, batch_dims, name)


def _check_batch_dims(params: Tensor, indices: Tensor, batch_dims: Any) -> None:
    if not isinstance(batch_dims, int):
        raise TypeError(f"batch_dims must be an int; got {batch_dims!r}")
    if batch_dims < 0:
        raise ValueError("tf.gather_nd does not allow negative batch_dims.")
    for what, one in (("indices", indices._shape), ("params", params._shape)):
        if one is not None and batch_dims >= len(one):
            raise ValueError(f"batch_dims = {batch_dims} must be less than rank({what}) = {len(one)}")


def batch_gather_nd(params: Any, indices: Any, batch_dims: int, name: str | None = None) -> Tensor:
    """The parts of `params` that the rows of `indices` name, for each of the batches that both start with.

    Raises TypeError, ValueError for a number of batch dimensions that cannot be.
    """
    with name_scope(name, "BatchGatherND", [params, indices]):
        indices = convert_to_tensor(indices, name="indices")
        params = convert_to_tensor(params, name="params")
        _check_batch_dims(params, indices, batch_dims)
        expanded = batch_dims == 0
        if expanded:
            params, indices = array.expand_dims(params, axis=0), array.expand_dims(indices, axis=0)
            batch_dims = 1
        params_shape, indices_shape = array.shape(params), array.shape(indices)
        batch_shape = params_shape[:batch_dims]
        batches = make_tensor("Prod", None, input=batch_shape, reduction_indices=[0])
        inner_rank = array.rank(indices) - batch_dims - 1
        inner_shape = indices_shape[batch_dims:-1]
        ranges = [_cast_op(_range(0, x, 1), indices.dtype) for x in unstack(batch_shape, axis=0)]
        mesh = meshgrid(*ranges, indexing="ij") if ranges else []
        grid = transposing.transpose(stack([array.reshape(x, shape=(-1,)) for x in mesh], axis=0))
        grid_shape = array.shape(grid)
        wide = [grid_shape[:1], array.ones(inner_rank, dtype=dtypes.int32), grid_shape[1:]]
        grid = array.reshape(grid, concat(wide, axis=0))
        grid = tile(grid, multiples=concat(((1,), inner_shape, (1,)), axis=0))
        flat_shape = concat(([batches], indices_shape[batch_dims:]), axis=0)
        flat = array.reshape(indices, shape=flat_shape)
        out = make_tensor("GatherNd", None, params=params, indices=concat((grid, flat), axis=-1))
        out = array.reshape(out, shape=concat((batch_shape, array.shape(out)[1:]), axis=0))
        return array.squeeze(out, axis=0) if expanded else out


def _cast_op(x: Tensor, dtype: Any) -> Tensor:
    return make_tensor("Cast", None, x=x, DstT=dtype)


# --- scatter_nd --------------------------------------------------------------------------------------------------


def _check_scatter(indices: Shape, updates: Shape, output: Shape) -> None:
    if num_elements(output) == 0 and ((num_elements(indices) or 0) > 0 or (num_elements(updates) or 0) > 0):
        raise ShapeError("Indices and updates specified for empty output shape")
    if indices is None or updates is None or indices[-1] is None:
        return
    outer, depth = len(indices) - 1, indices[-1]
    shapes = f"updates.shape={to_text(updates)}"
    try:
        merge(None, indices[:outer], updates[:outer])
    except ShapeError as error:
        raise ShapeError(
            f"The outer {outer} dimensions of indices.shape={to_text(indices)} must match the outer {outer} "
            f"dimensions of {shapes}: {error}"
        ) from None
    try:
        merge(None, None if output is None else output[depth:], updates[outer:])
    except ShapeError as error:
        inner = 0 if output is None else len(output) - depth
        raise ShapeError(
            f"The inner {inner} dimensions of output.shape={to_text(output)} must match the inner "
            f"{len(updates) - outer} dimensions of {shapes}: {error}"
        ) from None


def _scatter_nd_shape(c: ShapeContext) -> list[Shape]:
    indices, updates = (with_rank_at_least(c, c.input(i), 1) for i in (0, 1))
    output = shape_input(c, 2)
    _check_scatter(indices, updates, output)
    return [output]


def _tensor_scatter_shape(c: ShapeContext) -> list[Shape]:
    output, indices, updates = (with_rank_at_least(c, c.input(i), 1) for i in (0, 1, 2))
    _check_scatter(indices, updates, output)
    return [output]


_NUMPY_SCATTER = {"add": np.add.at, "subtract": np.subtract.at}


def _check_updates(op: Any, target: Any, indices: Any, updates: Any) -> None:
    """What the kernel checks: shapes that were not known when the operation was made."""
    output, places, new = np.shape(target), np.shape(indices), np.shape(updates)
    outer, depth = len(places) - 1, places[-1]
    shapes = to_text(output), to_text(places), to_text(new)
    text = None
    if 0 in output and 0 not in places and 0 not in new:
        text = "Indices and updates specified for empty output shape"
    elif places[:outer] != new[:outer]:
        text = (
            f"Outer dimensions of indices and update must match. Indices shape: {shapes[1]}, updates shape:{shapes[2]}"
        )
    elif len(new) - outer != len(output) - depth:
        text = f"Inner dimensions of output shape must match inner dimensions of updates shape. Output: {shapes[0]} updates: {shapes[2]}"
    elif new[outer:] != output[depth:]:
        text = (
            f"The inner {len(output) - depth} dimensions of output.shape={shapes[0]} must match the inner "
            f"{len(new) - outer} dimensions of updates.shape={shapes[2]}"
        )
    elif not outer and new[:1] != places[:1]:
        text = f"The outermost dimension of updates and indices must match. Got indices.shape {shapes[1]}, updates.shape {shapes[2]}"
    if text:
        raise errors.InvalidArgumentError(None, op, text)


def _numpy_scatter(op: Any, target: Any, indices: Any, updates: Any, how: str) -> Any:
    _check_updates(op, target, indices, updates)
    _check_nd(op, indices, target.shape, "")
    result = np.array(target)
    if how == "set":
        result[_columns(indices)] = updates
    else:
        _NUMPY_SCATTER[how](result, _columns(indices), updates)
    return result


def _lowered_scatter(op: Any, target: Any, indices: Any, updates: Any, how: str) -> Any:
    _check_updates(op, target, indices, updates)
    if is_static(indices):
        _check_nd(op, indices, target.shape, "")
    place = jnp.asarray(target).at[_columns(_unsigned(indices))]
    return getattr(place, how)(updates, mode="drop")


def _zeros_of(xp: Any, shape: Any, updates: Any) -> Any:
    if updates.dtype == object:
        return np.full(shape.tolist(), b"", object)
    return xp.zeros(tuple(shape.tolist()), updates.dtype)


def _scatter_nd_gradient(op: Any, grad: Any) -> Any:
    return [None, gather_nd(grad, op.inputs[0]), None]


register_op(
    "ScatterNd",
    shape=_scatter_nd_shape,
    lower=lambda op, i, u, s: _lowered_scatter(op, _zeros_of(jnp, s, u), i, u, "add"),
    numpy=lambda op, i, u, s: _numpy_scatter(op, _zeros_of(np, s, u), i, u, "add"),
    static_inputs=(2,),
    gradient=_scatter_nd_gradient,
)


def _tensor_scatter_gradient(how: str) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        indices = op.inputs[1]
        updates = gather_nd(grad, indices)
        tensor = identities.identity(grad)
        if how == "set":
            zeros = array.zeros_like(op.inputs[2], dtype=grad.dtype)
            return [tensor_scatter_update(tensor, indices, zeros), None, updates]
        return [tensor, None, -updates if how == "subtract" else updates]

    return gradient


def _register_tensor_scatter(op_type: str, how: str, gradient: Any) -> None:
    register_op(
        op_type,
        shape=_tensor_scatter_shape,
        lower=lambda op, t, i, u: _lowered_scatter(op, t, i, u, how),
        numpy=lambda op, t, i, u: _numpy_scatter(op, t, i, u, how),
        gradient=gradient,
    )


for _type, _how in {"TensorScatterUpdate": "set", "TensorScatterAdd": "add", "TensorScatterSub": "subtract"}.items():
    _register_tensor_scatter(_type, _how, _tensor_scatter_gradient(_how))
_register_tensor_scatter("ScatterNdNonAliasingAdd", "add", lambda op, grad: [grad, None, gather_nd(grad, op.inputs[1])])


@export("scatter_nd", "manip.scatter_nd")
def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of `shape`, to which `updates` are added at the rows of `indices`.

    >>> tf.scatter_nd([[4], [3]], [9, 10], [8])
    <tf.Tensor 'ScatterNd:0' shape=(8,) dtype=int32>

    Source: TF 1.15 `tf.scatter_nd`.
    """
    return make_tensor("ScatterNd", name, indices=indices, updates=updates, shape=shape)


@export("tensor_scatter_nd_update", "tensor_scatter_update")
def tensor_scatter_update(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` in the places that the rows of `indices` name.

    Source: TF 1.15 `tf.tensor_scatter_nd_update`.
    """
    return make_tensor("TensorScatterUpdate", name, tensor=tensor, indices=indices, updates=updates)


@export("tensor_scatter_nd_add", "tensor_scatter_add")
def tensor_scatter_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` added at the rows of `indices`.

    Source: TF 1.15 `tf.tensor_scatter_nd_add`.
    """
    return make_tensor("TensorScatterAdd", name, tensor=tensor, indices=indices, updates=updates)


@export("tensor_scatter_nd_sub", "tensor_scatter_sub")
def tensor_scatter_sub(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """`tensor` with `updates` subtracted at the rows of `indices`.

    Source: TF 1.15 `tf.tensor_scatter_nd_sub`.
    """
    return make_tensor("TensorScatterSub", name, tensor=tensor, indices=indices, updates=updates)
