"""Choosing elements by condition or value: where, masks, unique, sort and search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    ShapeError,
    broadcast,
    merge,
    with_rank,
)
from retrograph.framework.static_value import constant_value
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.ops import array, broadcasting, transposing
from retrograph.ops.gather import gather
from retrograph.ops.joining import concat, stack, tile
from retrograph.ops.rows import (
    both,
    ints,
    make_tensor,
    rank_of,
    refuse,
)

# --- where -------------------------------------------------------------------------------------------------------


def _where_shape(c: ShapeContext) -> list[Shape]:
    return [(None, rank_of(c.input(0)))]


register_op("Where", shape=_where_shape, numpy=lambda op, x: np.argwhere(x), host=True, gradient=NO_GRADIENT)


def _select_shape(c: ShapeContext) -> list[Shape]:
    data, condition = merge(c, c.input(1), c.input(2)), c.input(0)
    if condition is None or data is None or not condition:
        return [data]
    if len(condition) != 1 or not data:
        return [merge(c, data, condition)]
    merge(c, condition, data[:1])
    return [data]


def _select(xp: Any, op: Any, condition: Any, x: Any, y: Any) -> Any:
    if condition.ndim == 1 and x.ndim > 1:
        if condition.shape[0] != x.shape[0]:
            sizes = f"{x.shape[0]} vs. {condition.shape[0]}"
            refuse(op, f"Number of batches of 'then' must match size of 'cond', but saw: {sizes}")
        condition = condition.reshape((-1,) + (1,) * (x.ndim - 1))
    return xp.where(condition, x, y)


def _select_gradient(op: Any, grad: Any) -> Any:
    condition = op.inputs[0]
    zeros = array.zeros_like(op.inputs[1])
    return [None, where(condition, grad, zeros), where(condition, zeros, grad)]


def _select_v2_shape(c: ShapeContext) -> list[Shape]:
    return [broadcast(c.input(0), broadcast(c.input(1), c.input(2)))]


def _select_v2_gradient(op: Any, grad: Any) -> Any:
    condition, x, y = op.inputs
    zeros = array.zeros([], dtype=grad.dtype.base_dtype)
    x_grad = where_v2(condition, grad, zeros)
    x_shape, whole = array.shape(x), array.shape(op.outputs[0])
    x_grad = _reduced_to(x_grad, x_shape, whole)
    y_grad = where_v2(condition, zeros, grad)
    return [None, x_grad, _reduced_to(y_grad, array.shape(y), whole)]


def _reduced_to(grad: Tensor, sizes: Tensor, whole: Tensor) -> Tensor:
    from retrograph.ops.math import reduce_sum  # math builds on this module

    axes, _ = apply_op("BroadcastGradientArgs", None, s0=sizes, s1=whole)
    return array.reshape(reduce_sum(grad, keepdims=True, axis=axes), sizes)


register_op("Select", shape=_select_shape, gradient=_select_gradient, **both(_select))
register_op(
    "SelectV2",
    shape=_select_v2_shape,
    gradient=_select_v2_gradient,
    **both(lambda xp, op, condition, x, y: xp.where(condition, x, y)),
)


def _where(op_type: str, condition: Any, x: Any, y: Any, name: str | None) -> Tensor:
    if x is not None and y is not None:
        return make_tensor(op_type, name, condition=condition, t=x, e=y)
    if x is not None or y is not None:
        raise ValueError("x and y must both be non-None or both be None.")
    with name_scope(name, "Where", [condition]) as scope:
        tensor = convert_to_tensor(condition, preferred_dtype=dtypes.bool, name="condition")
        return make_tensor("Where", scope, input=tensor)


@export("where")
@dispatched("condition", "x", "y")
@deprecated("Use tf.where in 2.0, which has the same broadcast rule as np.where", "tensorflow.python.ops.array_ops")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """The elements of `x` where `condition` holds, else those of `y`; without them the coordinates, i64[n, rank].

    `condition` has the shape of `x` and `y`, or is a scalar, or a vector that chooses rows.

    >>> tf.where([True, False], [1, 2], [3, 4])
    <tf.Tensor 'Select:0' shape=(2,) dtype=int32>

    Source: TF 1.15 `tf.where`.
    """
    return _where("Select", condition, x, y, name)


@export("where_v2")
def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """As `tf.where`, but the three arguments broadcast.

    Source: TF 1.15 `tf.where_v2`.
    """
    return _where("SelectV2", condition, x, y, name)


@export("boolean_mask")
def boolean_mask(tensor: Any, mask: Any, name: str | None = "boolean_mask", axis: int | None = None) -> Tensor:
    """The parts of `tensor` where `mask` is true; the mask's dimensions become one.

    >>> tf.boolean_mask([[1, 2], [3, 4], [5, 6]], [True, False, True])
    <tf.Tensor 'boolean_mask/GatherV2:0' shape=(?, 2) dtype=int32>

    Source: TF 1.15 `tf.boolean_mask`.
    """
    with name_scope(name, values=[tensor, mask]):
        tensor = convert_to_tensor(tensor, name="tensor")
        mask = convert_to_tensor(mask, name="mask")
        mask_shape, tensor_shape = mask.get_shape(), tensor.get_shape()
        rank = mask_shape.ndims
        if rank == 0:
            raise ValueError("mask cannot be scalar.")
        if rank is None:
            raise ValueError(
                "Number of mask dimensions must be specified, even if some dimensions are None.  "
                "E.g. shape=[None] is ok, but shape=None is not."
            )
        axis = 0 if axis is None else axis
        masked = tensor_shape[axis : axis + rank]
        masked.assert_is_compatible_with(mask_shape)
        sizes = array.shape(tensor)
        leading = make_tensor("Prod", None, input=sizes[axis : axis + rank], reduction_indices=[0])
        before = array.shape(tensor)[:axis]
        after = array.shape(tensor)[axis + rank :]
        tensor = array.reshape(tensor, concat([before, [leading], after], 0))
        known = tensor_shape[:axis].concatenate([masked.num_elements()]).concatenate(tensor_shape[axis + rank :])
        tensor.set_shape(known)
        mask = array.reshape(mask, [-1])
        return gather(tensor, array.squeeze(where(mask), axis=[1]), axis=axis)


# --- sequence_mask, repeat ---------------------------------------------------------------------------------------


def _range(start: Any, limit: Any, delta: Any) -> Tensor:
    return make_tensor("Range", None, start=start, limit=limit, delta=delta)


def _cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    return make_tensor("Cast", name, x=x, DstT=dtype)


def _all_axes(x: Any) -> Tensor:
    if isinstance(x, Tensor) and x._shape is not None:
        return constant(np.arange(len(x._shape)), dtype=dtypes.int32)
    if isinstance(x, SparseTensor) and x.dense_shape.get_shape().is_fully_defined():
        return constant(np.arange(x.dense_shape._shape[0]), dtype=dtypes.int32)
    return _range(0, array.rank(x), 1)


@export("sequence_mask")
def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Tensor:
    """True in the first `lengths[...]` places of the last dimension: i32[...] -> dtype[..., maxlen].

    Source: TF 1.15 `tf.sequence_mask`.
    """
    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = convert_to_tensor(lengths)
        if maxlen is None:
            maxlen = make_tensor("Max", None, input=lengths, reduction_indices=_all_axes(lengths))
            maxlen = make_tensor("Maximum", None, x=constant(0, maxlen.dtype), y=maxlen)
        else:
            maxlen = convert_to_tensor(maxlen)
        if maxlen._shape:
            raise ValueError("maxlen must be scalar for sequence_mask")
        row = _range(constant(0, maxlen.dtype), maxlen, constant(1, maxlen.dtype))
        column = _cast(array.expand_dims(lengths, -1), maxlen.dtype)
        result: Tensor = row < column
        if dtype is None or result.dtype.base_dtype == dtypes.as_dtype(dtype).base_dtype:
            return result
        return _cast(result, dtype)


def _int_tensor(value: Any, name: str) -> Tensor:
    tensor = convert_to_tensor(value, name=name, preferred_dtype=dtypes.int32)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return _cast(tensor, dtypes.int32)


def _positive_axis(axis: Any, rank: int | None) -> int:
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    if rank is None:
        if axis < 0:
            raise ValueError("axis may only be negative if ndims is statically known.")
        return axis
    if not -rank <= axis < rank:
        raise ValueError(f"axis={axis} out of bounds: expected {-rank}<=axis<{rank}")
    return axis % rank


def _tiled_along(data: Tensor, axis: int, times: Any) -> Tensor:
    if data._shape is not None:
        multiples: Any = [1] * len(data._shape)
        multiples[axis] = times
    else:
        ones = array.ones(array.rank(data), dtypes.int32)
        multiples = concat([ones[:axis], [times], ones[axis + 1 :]], axis=0)
    return tile(data, multiples)


def _at_least_vector(data: Tensor) -> Tensor:
    if data._shape is not None:
        return data if data._shape else stack([data])
    sizes, rank = array.shape(data), array.rank(data)
    return array.reshape(data, concat([[1], sizes], axis=0)[-rank:])


@export("repeat")
def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """Each element along `axis` repeated as often as `repeats` says (`input` is flattened if `axis` is None).

    >>> tf.repeat([[1, 2], [3, 4]], 3, axis=0)
    <tf.Tensor 'Repeat/Reshape:0' shape=(6, 2) dtype=int32>

    Source: TF 1.15 `tf.repeat`.
    """
    if axis is None:
        input, axis = array.reshape(input, [-1]), 0
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    with name_scope(name, "Repeat", [input, repeats]):
        data = convert_to_tensor(input, name="data")
        counts = _int_tensor(repeats, "repeats")
        counts.shape.with_rank_at_most(1)
        data = _at_least_vector(data)
        sizes = array.shape(data)
        axis = _positive_axis(axis, data.shape.ndims)
        if counts.shape.ndims == 1:
            data.shape[axis].assert_is_compatible_with(counts.shape[0])
        if counts.shape.ndims == 0:
            tiled = _tiled_along(array.expand_dims(data, axis + 1), axis + 1, counts)
            return array.reshape(tiled, concat([sizes[:axis], [-1], sizes[axis + 1 :]], axis=0))
        return _repeated_by_each(data, sizes, counts, axis)


def _repeated_by_each(data: Tensor, sizes: Tensor, counts: Tensor, axis: int) -> Tensor:
    if counts.shape.ndims != axis + 1:
        counts_shape = array.shape(counts)
        wide = concat([sizes[: axis + 1 - array.rank(counts)], counts_shape], axis=0)
        counts = broadcasting.broadcast_to(counts, wide)
        counts.set_shape([None] * (axis + 1))
    most = make_tensor("Max", None, input=counts, reduction_indices=_all_axes(counts))
    most = make_tensor("Maximum", None, x=0, y=most)
    mask = sequence_mask(counts, most)
    tiled = _tiled_along(array.expand_dims(data, axis + 1), axis + 1, most)
    result = boolean_mask(tiled, mask)
    if axis:
        result = array.reshape(result, concat([sizes[:axis], [-1], sizes[axis + 1 :]], axis=0))
    if data.shape.ndims is not None:
        new_size = 0 if counts._shape is not None and counts._shape[0] == 0 else None
        result.set_shape(data.shape[:axis].concatenate([new_size]).concatenate(data.shape[axis + 1 :]))
    return result


# --- unique and differences --------------------------------------------------------------------------------------


def _unique_parts(op: Any, x: Any) -> tuple[Any, Any, Any]:
    """Values in the order of their first appearance, the place of each element among them, and counts."""
    kind = op.get_attr("out_idx").as_numpy_dtype
    if x.ndim != 1:
        refuse(op, "unique expects a 1D vector.")
    values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return values[order], place[inverse.reshape(-1)].astype(kind), counts[order].astype(kind)


def _unique_along(op: Any, x: Any, axis: Any) -> tuple[Any, Any, Any]:
    if not axis.size:
        return _unique_parts(op, x)
    at = int(axis.item()) % x.ndim
    rows = np.moveaxis(x, at, 0)
    keys = np.array([row.tobytes() for row in rows] or [b""], object)[: len(rows)]
    _, index, counts = _unique_parts(op, keys)
    first = [int(np.flatnonzero(index == i)[0]) for i in range(len(counts))]
    return np.take(x, first, at), index, counts


def _unknown_shapes(outputs: int) -> Any:
    return lambda c: [None] * outputs


def _unique_shape(outputs: int, flat: bool) -> Any:
    def rule(c: ShapeContext) -> list[Shape]:
        if flat:
            with_rank(c, c.input(0), 1)
        return [(None,), c.input(0), (None,)][:outputs]

    return rule


for _type, _outputs in {"Unique": 2, "UniqueWithCounts": 3}.items():
    register_op(
        _type,
        shape=_unique_shape(_outputs, flat=_outputs == 2),
        numpy=lambda op, x, n=_outputs: _unique_parts(op, x)[:n],
        host=True,
        gradient=NO_GRADIENT,
    )
    register_op(
        _type + "V2",
        shape=_unknown_shapes(_outputs),
        numpy=lambda op, x, axis, n=_outputs: _unique_along(op, x, axis)[:n],
        host=True,
        gradient=NO_GRADIENT,
    )


@export("unique")
def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The different elements of a vector in order of appearance, `y`, and where each element is in them, `idx`.

    Source: TF 1.15 `tf.unique`.
    """
    return apply_op("Unique", name, x=x, out_idx=out_idx)


@export("unique_with_counts")
def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """As `tf.unique`, and how often each element is there, `count`.

    Source: TF 1.15 `tf.unique_with_counts`.
    """
    return apply_op("UniqueWithCounts", name, x=x, out_idx=out_idx)


def _list_diff(op: Any, x: Any, y: Any) -> tuple[Any, Any]:
    for name, value in (("x", x), ("y", y)):
        if np.ndim(value) != 1:
            raise errors.InvalidArgumentError(None, op, f"{name} should be a 1D vector.")
    known = set(y.tolist())
    index = [i for i, value in enumerate(x.tolist()) if value not in known]
    return x[index], np.array(index, op.get_attr("out_idx").as_numpy_dtype)


def _list_diff_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    with_rank(c, c.input(1), 1)
    return [(None,), (None,)]


register_op("ListDiff", shape=_list_diff_shape, numpy=_list_diff, host=True, gradient=NO_GRADIENT)


@export("setdiff1d")
@deprecated(
    "This op will be removed after the deprecation date. Please switch to tf.sets.difference().",
    "tensorflow.python.ops.array_ops",
    "2018-11-30",
)
def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """The elements of the vector `x` that are not in `y`, `out`, and their positions, `idx`.

    Source: TF 1.15 `tf.setdiff1d`.
    """
    return apply_op("ListDiff", name, x=x, y=y, out_idx=index_dtype)


@export("sparse_mask", "sparse.mask")
def sparse_mask(a: IndexedSlices, mask_indices: Any, name: str | None = None) -> IndexedSlices:
    """`a` without the rows at `mask_indices`.

    Source: TF 1.15 `tf.sparse.mask`.
    """
    with name_scope(name, "sparse_mask", [a, mask_indices]) as scope:
        out, kept = apply_op("ListDiff", None, x=a.indices, y=mask_indices)
        return IndexedSlices(gather(a.values, kept, name=scope), out, a.dense_shape)


# --- sort and search ---------------------------------------------------------------------------------------------


def _bound_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 2)
    return [c.input(1)]


def _check_leading(op: Any, rows: Any, values: Any) -> None:
    if rows.shape[0] != values.shape[0]:
        refuse(op, "Leading dim_size of both tensors must match.")


def _bound(side: Any) -> dict[str, Any]:
    def numpy(op: Any, rows: Any, values: Any) -> Any:
        _check_leading(op, rows, values)
        found = [np.searchsorted(r, v, side) for r, v in zip(rows, values, strict=True)]
        return np.array(found, op.get_attr("out_type").as_numpy_dtype).reshape(values.shape)

    def lower(op: Any, rows: Any, values: Any) -> Any:
        _check_leading(op, rows, values)
        search = jax.vmap(lambda r, v: jnp.searchsorted(r, v, side=side))
        return search(jnp.asarray(rows), jnp.asarray(values)).astype(op.get_attr("out_type").as_numpy_dtype)

    return {"lower": lower, "numpy": numpy}


register_op("LowerBound", shape=_bound_shape, gradient=NO_GRADIENT, **_bound("left"))
register_op("UpperBound", shape=_bound_shape, gradient=NO_GRADIENT, **_bound("right"))


@export("searchsorted")
def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """Where `values` would have to go to keep the sorted rows sorted, before (`left`) or after equals.

    Source: TF 1.15 `tf.searchsorted`.
    """
    sequence_size = array.shape(sorted_sequence)[-1]
    values_size = array.shape(values)[-1]
    rows = array.reshape(sorted_sequence, [-1, sequence_size])
    wanted = array.reshape(values, [-1, values_size])
    op_type = {"right": "UpperBound", "left": "LowerBound"}.get(side)
    if op_type is None:
        raise ValueError(f"side must be either 'right' or 'left'.  Saw: {side}.")
    found = make_tensor(op_type, name, sorted_inputs=rows, values=wanted, out_type=out_type)
    return array.reshape(found, array.shape(values))


def _transposition(values: Tensor, axis: int, rank: Any) -> Any:
    """The permutation that exchanges `axis` and the last one."""
    static = rank_of(values._shape)
    if axis < 0:
        axis += static or rank
    if static is not None:
        order = np.r_[np.arange(axis), [static - 1], np.arange(axis + 1, static - 1), [axis]]
        return constant(order, name="transposition")
    from retrograph.ops.math import range as range_op

    return concat([range_op(axis), [rank - 1], range_op(axis + 1, rank - 1), [axis]], axis=0)


def _sorted_descending(values: Tensor, axis: int, positions: bool) -> Tensor:
    count = array.shape(values)[axis]
    rank = array.rank(values)
    last = axis == -1 or (values._shape is not None and axis + 1 == len(values._shape))
    order = None if last else _transposition(values, axis, rank)
    rows = values if order is None else transposing.transpose(values, order)
    top = apply_op("TopKV2", None, input=rows, k=count, sorted=True)
    result = top.indices if positions else top.values
    return result if order is None else transposing.transpose(result, order)


def _sorted(values: Any, axis: Any, direction: str, positions: bool) -> Tensor:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"{direction} should be one of ASCENDING, DESCENDING")
    axis = convert_to_tensor(axis, name="axis")
    static = constant_value(axis)
    if axis.shape.ndims != 0 or static is None:
        raise ValueError("axis must be a constant scalar")
    values = convert_to_tensor(values, name="values")
    if direction == "DESCENDING":
        return _sorted_descending(values, int(static), positions)
    found = _sorted_descending(-values, int(static), positions)
    return found if positions else -found


@export("sort", "contrib.framework.sort")
def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """`values` sorted along `axis`.

    Source: TF 1.15 `tf.sort`.
    """
    with name_scope(name, "sort"):
        return _sorted(values, axis, direction, positions=False)


@export("argsort", "contrib.framework.argsort")
def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The positions that sort `values` along `axis`, i32[...].

    Source: TF 1.15 `tf.argsort`.
    """
    with name_scope(name, "argsort"):
        return _sorted(values, axis, direction, positions=True)


# --- edit distance -----------------------------------------------------------------------------------------------


def _edit_distance_shape(c: ShapeContext) -> list[Shape]:
    mine, other = c.constant(2), c.constant(5)
    if mine is None or other is None:
        return [None]
    if mine.size != other.size:
        raise ShapeError(f"Num elements of hypothesis_shape does not match truth_shape: {mine.size} vs. {other.size}")
    return [tuple(max(a, b) for a, b in zip(ints(mine)[:-1], ints(other)[:-1], strict=True))]


def _levenshtein(a: Sequence[Any], b: Sequence[Any]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def _sequences(indices: Any, values: Any) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for index, value in zip(indices.tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(index[:-1]), []).append(value)
    return found


def _edit_distance(op: Any, hi: Any, hv: Any, hs: Any, ti: Any, tv: Any, ts: Any) -> Any:
    mine, other = _sequences(hi, hv), _sequences(ti, tv)
    result = np.zeros(np.maximum(hs[:-1], ts[:-1]), np.float32)
    normalize = op.get_attr("normalize")
    for at in mine.keys() | other.keys():
        a, b = mine.get(at, []), other.get(at, [])
        distance = float(_levenshtein(a, b))
        if normalize:
            distance = distance / len(b) if b else float("inf") if a else 0.0
        result[at] = distance
    return result


register_op("EditDistance", shape=_edit_distance_shape, numpy=_edit_distance, host=True, gradient=NO_GRADIENT)


@export("edit_distance")
def edit_distance(
    hypothesis: SparseTensor, truth: SparseTensor, normalize: bool = True, name: str | None = "edit_distance"
) -> Tensor:
    """The Levenshtein distances between sequences, f32[...]; divided by the length of `truth` if `normalize`.

    Source: TF 1.15 `tf.edit_distance`.
    """
    for what, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not isinstance(value, array._SPARSE):
            raise TypeError(f"{what} must be a SparseTensor.")
    return make_tensor(
        "EditDistance",
        name,
        hypothesis_indices=hypothesis.indices,
        hypothesis_values=hypothesis.values,
        hypothesis_shape=hypothesis.dense_shape,
        truth_indices=truth.indices,
        truth_values=truth.values,
        truth_shape=truth.dense_shape,
        normalize=normalize,
    )
