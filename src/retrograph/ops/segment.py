"""Sums and other reductions of rows that belong together: segment ops, `bincount`, histograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import dispatched
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, concatenate, merge, merge_dim, with_rank, with_rank_at_least
from retrograph.ops import array, math
from retrograph.ops.clip import clip_by_value
from retrograph.ops.raw import raw
from retrograph.ops.rows import is_static, with_value

# ---- values


def _extreme(dtype: Any, greatest: bool) -> Any:
    if dtype.kind == "f" or dtype.name == "bfloat16":
        info: Any = jnp.finfo(dtype)
    else:
        info = np.iinfo(dtype)
    return info.max if greatest else info.min


_START: dict[str, Callable[[Any], Any]] = {
    "add": lambda dtype: 0,
    "multiply": lambda dtype: 1,
    "max": lambda dtype: _extreme(dtype, False),
    "min": lambda dtype: _extreme(dtype, True),
}
"""What a segment without rows holds, by how rows combine."""


def _scatter(how: str, data: Any, ids: Any, count: int) -> Any:
    """Row `i` is the combination of the rows of `data` with id `i`; negative ids and those past the end are left out."""
    data, ids = jnp.asarray(data), jnp.asarray(ids)
    rows = data.reshape((ids.size, *data.shape[ids.ndim :]))
    places = jnp.where(ids < 0, count, ids).reshape(-1)
    start = jnp.full((count, *rows.shape[1:]), _START[how](data.dtype), data.dtype)
    return getattr(start.at[places], how)(rows, mode="drop")


def _counts(ids: Any, count: int, dtype: Any) -> Any:
    return _scatter("add", jnp.ones(np.shape(ids), dtype), ids, count)


def _per_row(values: Any, like: Any) -> Any:
    return values.reshape(values.shape + (1,) * (like.ndim - 1))


def _fail(op: Any, text: str) -> Any:
    raise errors.InvalidArgumentError(None, op, text)


def _check_sorted(op: Any, ids: Any, count: int | None = None) -> int:
    """The number of segments of sorted ids; InvalidArgumentError if they are not sorted or do not fit `count`."""
    if count is None:
        count = int(ids[-1]) + 1 if ids.size else 0
    elif ids.size and count <= ids[-1]:
        _fail(op, "segment ids must be < num_segments")
    if count < 0 or (ids.size and count == 0):
        _fail(op, "segment ids must be >= 0")
    if np.any(np.diff(ids) < 0) or (ids.size and ids[0] < 0):
        _fail(op, _first_fault(ids.tolist(), count))
    return count


def _first_fault(ids: list[int], count: int) -> str:
    for place, value in enumerate(ids):
        following = ids[place + 1] if place + 1 < len(ids) else None
        if following is not None and following < value:
            return "segment ids are not increasing"
        if following != value and not 0 <= value < count:
            return f"Segment id {value} out of range [0, {count}), possibly because 'segment_ids' input is not sorted."
    return "segment ids are not increasing"


def _check_rows(op: Any, data: Any, ids: Any) -> None:
    if np.shape(data)[:1] != np.shape(ids):
        raise errors.InvalidArgumentError(None, op, "segment_ids should be the same size as dimension 0 of input.")


def _mean(data: Any, ids: Any, count: int, root: bool = False) -> Any:
    total = _scatter("add", data, ids, count)
    number = jnp.maximum(_counts(ids, count, total.dtype), 1)
    return total / _per_row(jnp.sqrt(number) if root else number, total)


# ---- sorted segments


def _segment_shape(c: ShapeContext) -> list[Shape]:
    data = with_rank_at_least(c, c.input(0), 1)
    with_rank(c, c.input(1), 1)
    return [None if data is None else (None, *data[1:])]


def _segment_lower(how: str) -> Callable[..., Any]:
    def lower(op: Any, data: Any, ids: Any) -> Any:
        _check_rows(op, data, ids)
        count = _check_sorted(op, ids)
        if how == "mean":
            return _mean(data, ids, count)
        combined = _scatter(how, data, ids, count)
        if how == "add":
            return combined
        present = np.zeros(count, np.bool_)
        present[ids] = True
        # Gaps between the ids hold 0, but 1 in products.
        return combined if how == "multiply" else jnp.where(_per_row(present, combined), combined, 0)

    return lower


def _not_defined(op: Any, *grads: Any) -> Any:
    raise LookupError(f"No gradient defined for operation '{op.name}' (op type: {op.type})")


def _segment_sum_grad(op: Any, grad: Any) -> list[Any]:
    return [raw("GatherV2", grad, op.inputs[1], 0), None]


def _segment_mean_grad(op: Any, grad: Any) -> list[Any]:
    data, ids = op.inputs
    rank: Any = array.rank(data)
    rows = array.shape(ids)
    tail = array.fill(array.expand_dims(rank - 1, 0), 1)
    ones_shape = raw("ConcatV2", [rows, tail], 0, name="concat")
    ones = array.fill(ones_shape, constant(1, dtype=grad.dtype))
    scaled = grad / raw("SegmentSum", ones, ids)
    return [raw("GatherV2", scaled, ids, 0), None]


def _segment_extreme_grad(op: Any, grad: Any) -> list[Any]:
    data, ids = op.inputs
    zeros = array.zeros_like(data, dtype=data.dtype)
    selected = raw("Equal", data, raw("GatherV2", op.outputs[0], ids, 0))
    count = raw("SegmentSum", math.cast(selected, grad.dtype), ids)
    gathered = raw("GatherV2", grad / count, ids, 0)
    return [raw("Select", selected, gathered, zeros), None]


for _type, _how, _gradient in (
    ("SegmentSum", "add", _segment_sum_grad),
    ("SegmentMean", "mean", _segment_mean_grad),
    ("SegmentProd", "multiply", _not_defined),
    ("SegmentMax", "max", _segment_extreme_grad),
    ("SegmentMin", "min", _segment_extreme_grad),
):
    register_op(_type, shape=_segment_shape, lower=_segment_lower(_how), static_inputs=(1,), gradient=_gradient)


def _segment(op_type: str, data: Any, segment_ids: Any, name: str | None) -> Tensor:
    return apply_op(op_type, name, data=data, segment_ids=segment_ids)  # type: ignore[no-any-return]


@export("math.segment_sum", "segment_sum")
def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The sums of the rows with the same id; the ids are sorted, and there are as many rows as the last id says.

    Source: TF 1.15 `tf.segment_sum`.
    """
    return _segment("SegmentSum", data, segment_ids, name)


@export("math.segment_mean", "segment_mean")
def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means of the rows with the same id, 0 for an id without rows. Source: TF 1.15 `tf.segment_mean`."""
    return _segment("SegmentMean", data, segment_ids, name)


@export("math.segment_prod", "segment_prod")
def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The products of the rows with the same id, 1 for an id without rows. Source: TF 1.15 `tf.segment_prod`."""
    return _segment("SegmentProd", data, segment_ids, name)


@export("math.segment_max", "segment_max")
def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The maxima of the rows with the same id, 0 for an id without rows. Source: TF 1.15 `tf.segment_max`."""
    return _segment("SegmentMax", data, segment_ids, name)


@export("math.segment_min", "segment_min")
def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The minima of the rows with the same id, 0 for an id without rows. Source: TF 1.15 `tf.segment_min`."""
    return _segment("SegmentMin", data, segment_ids, name)


# ---- unsorted segments


def _unsorted_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(2), 0)
    data, ids = c.input(0), c.input(1)
    if ids is None:
        return [None]
    if data is not None:
        prefix = data[: len(ids)]
        if len(data) < len(ids):
            c.fail(f"Shape must be at least rank {len(ids)} but is rank {len(data)}")
        for a, b in zip(prefix, ids, strict=True):
            merge_dim(c, a, b)
    number = c.constant(2)
    size = None if number is None else int(number)
    if size is not None and size < 0:
        c.fail(f"Dimension size, given by scalar input 2, must be non-negative but is {size}")
    return [concatenate((size,), None if data is None else data[len(ids) :])]


def _check_ids(op: Any, ids: Any, count: int) -> None:
    if not is_static(ids):
        return
    for place, value in np.ndenumerate(ids):
        if value >= count:
            where = ",".join(map(str, place))
            raise errors.InvalidArgumentError(None, op, f"segment_ids[{where}] = {value} is out of range [0, {count})")


def _unsorted_lower(how: str) -> Callable[..., Any]:
    def lower(op: Any, data: Any, ids: Any, number: Any) -> Any:
        count = int(number)
        if np.shape(data)[: np.ndim(ids)] != np.shape(ids):
            shapes = to_text(tuple(np.shape(data))), to_text(tuple(np.shape(ids)))
            text = f"data.shape = {shapes[0]} does not start with segment_ids.shape = {shapes[1]}"
            raise errors.InvalidArgumentError(None, op, text)
        _check_ids(op, ids, count)
        return _scatter(how, data, ids, count)

    return lower


def _gather_positive(params: Any, ids: Any, clipped: Any = None, positive: Any = None) -> tuple[Any, Any, Any]:
    """Rows of `params` at `ids`, zeros at negative ids."""
    if clipped is None:
        clipped = math.maximum(ids, array.zeros_like(ids))
    gathered = raw("GatherV2", params, clipped, 0)
    if positive is None:
        positive = math.greater_equal(ids, 0)
        for _ in range(len(gathered._shape) - len(positive._shape)):
            positive = array.expand_dims(positive, -1)
        positive = positive & array.ones_like(gathered, dtype=dtypes.bool)
    return raw("Select", positive, gathered, array.zeros_like(gathered)), clipped, positive


def _unsorted_sum_grad(op: Any, grad: Any) -> list[Any]:
    return [_gather_positive(grad, op.inputs[1])[0], None, None]


def _unsorted_extreme_grad(op: Any, grad: Any) -> list[Any]:
    data, ids, number = op.inputs
    gathered, clipped, positive = _gather_positive(op.outputs[0], ids)
    selected = raw("LogicalAnd", raw("Equal", data, gathered), positive)
    count = raw("UnsortedSegmentSum", math.cast(selected, grad.dtype), ids, number)
    gathered_grads = _gather_positive(grad / count, None, clipped, positive)[0]
    return [raw("Select", selected, gathered_grads, array.zeros_like(gathered_grads)), None, None]


def _unsorted_prod_grad(op: Any, grad: Any) -> list[Any]:
    data, ids, number = op.inputs
    is_zero = raw("Equal", data, 0)
    zeros = raw("UnsortedSegmentSum", math.cast(is_zero, dtypes.int32), ids, number)
    grad = raw("Select", raw("Greater", zeros, 1), array.zeros_like(grad), grad)
    non_zero = raw("Select", is_zero, array.ones_like(data), data)
    non_zero_product = raw("UnsortedSegmentProd", non_zero, ids, number)
    clipped = math.maximum(ids, array.zeros_like(ids))
    product = raw("GatherV2", op.outputs[0], clipped, 0)
    others = raw("GatherV2", non_zero_product, clipped, 0)
    partial = raw("Select", is_zero, others, product / data)
    return [_gather_positive(grad, ids, clipped)[0] * partial, None, None]


for _type, _how, _gradient in (
    ("UnsortedSegmentSum", "add", _unsorted_sum_grad),
    ("UnsortedSegmentMax", "max", _unsorted_extreme_grad),
    ("UnsortedSegmentMin", "min", _unsorted_extreme_grad),
    ("UnsortedSegmentProd", "multiply", _unsorted_prod_grad),
):
    register_op(_type, shape=_unsorted_shape, lower=_unsorted_lower(_how), static_inputs=(2,), gradient=_gradient)


def _unsorted(op_type: str, data: Any, segment_ids: Any, num_segments: Any, name: str | None) -> Tensor:
    return apply_op(op_type, name, data=data, segment_ids=segment_ids, num_segments=num_segments)  # type: ignore[no-any-return]


@export("math.unsorted_segment_sum", "unsorted_segment_sum")
@dispatched("data", "segment_ids")
def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of the elements with the same id, `num_segments` of them; negative ids are left out.

    Differs: ids that are too large and known only when running are left out too, where TF on a CPU fails.
    Source: TF 1.15 `tf.unsorted_segment_sum`.
    """
    return _unsorted("UnsortedSegmentSum", data, segment_ids, num_segments, name)


@export("math.unsorted_segment_max", "unsorted_segment_max")
@dispatched("data", "segment_ids")
def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The maxima of the elements with the same id, the least number of the type for an id without elements.

    Source: TF 1.15 `tf.unsorted_segment_max`.
    """
    return _unsorted("UnsortedSegmentMax", data, segment_ids, num_segments, name)


@export("math.unsorted_segment_min", "unsorted_segment_min")
@dispatched("data", "segment_ids")
def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The minima of the elements with the same id, the greatest number of the type for an id without elements.

    Source: TF 1.15 `tf.unsorted_segment_min`.
    """
    return _unsorted("UnsortedSegmentMin", data, segment_ids, num_segments, name)


@export("math.unsorted_segment_prod", "unsorted_segment_prod")
@dispatched("data", "segment_ids")
def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The products of the elements with the same id, 1 for an id without elements.

    Source: TF 1.15 `tf.unsorted_segment_prod`.
    """
    return _unsorted("UnsortedSegmentProd", data, segment_ids, num_segments, name)


def _sizes_and_sums(data: Any, ids: Any, num_segments: Any) -> tuple[Any, Any]:
    data, ids = convert_to_tensor(data), convert_to_tensor(ids)
    ones = array.ones(array.shape_internal(ids), dtype=data.dtype)
    number = raw("UnsortedSegmentSum", ones, ids, num_segments)
    number = array.reshape(number, [num_segments] + [1] * (len(data._shape or ()) - len(ids._shape or ())))
    number = raw("Maximum", number, 1)
    return number, raw("UnsortedSegmentSum", data, ids, num_segments)


@export("math.unsorted_segment_mean", "unsorted_segment_mean")
@dispatched("data", "segment_ids")
def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The means of the elements with the same id, 0 for an id without elements.

    Source: TF 1.15 `tf.unsorted_segment_mean`.
    """
    with name_scope(name, "UnsortedSegmentMean"):
        number, total = _sizes_and_sums(data, segment_ids, num_segments)
        return total / number  # type: ignore[no-any-return]


@export("math.unsorted_segment_sqrt_n", "unsorted_segment_sqrt_n")
@dispatched("data", "segment_ids")
def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of the elements with the same id, divided by the square root of their number.

    Source: TF 1.15 `tf.unsorted_segment_sqrt_n`.
    """
    with name_scope(name, "UnsortedSegmentSqrtN"):
        number, total = _sizes_and_sums(data, segment_ids, num_segments)
        return total / math.sqrt(number)  # type: ignore[no-any-return]


# ---- sparse segments


def _sparse_shape(counted: bool) -> Callable[[ShapeContext], list[Shape]]:
    def rule(c: ShapeContext) -> list[Shape]:
        data = with_rank_at_least(c, c.input(0), 1)
        indices, ids = with_rank(c, c.input(1), 1), with_rank(c, c.input(2), 1)
        if counted:
            with_rank(c, c.input(3), 0)
        merge(c, indices, ids)
        number = c.constant(3) if counted else None
        if number is not None and number < 0:
            c.fail("Cannot specify a negative value for num_segments")
        return [None if data is None else (None if number is None else int(number), *data[1:])]

    return rule


def _check_indices(op: Any, indices: Any, count: int) -> None:
    if not is_static(indices):
        return
    for place, value in enumerate(indices.tolist()):
        if not 0 <= value < count:
            _fail(op, f"Bad: indices[{place}] == {value} out of range [0, {count})")


def _sparse_lower(how: str) -> Callable[..., Any]:
    def lower(op: Any, data: Any, indices: Any, ids: Any, number: Any = None) -> Any:
        count = int(number) if number is not None else _check_sorted(op, ids)
        if is_static(ids):
            _check_sorted(op, ids, count)
        _check_indices(op, indices, np.shape(data)[0])
        rows = jnp.take(jnp.asarray(data), jnp.asarray(indices), axis=0)
        return _scatter("add", rows, ids, count) if how == "sum" else _mean(rows, ids, count, root=how == "sqrt")

    return lower


def _sparse_sum_grad(op: Any, grad: Any) -> list[Any]:
    rows = array.shape(op.inputs[0])[0]
    gathered = raw("GatherV2", grad, op.inputs[2], 0)
    return [raw("UnsortedSegmentSum", gathered, op.inputs[1], rows), *[None] * (len(op.inputs) - 1)]


def _sparse_scaled_grad(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> list[Any]:
        rows = array.shape(op.inputs[0])[0]
        made = raw(op_type, grad, op.inputs[1], op.inputs[2], rows)
        return [made, *[None] * (len(op.inputs) - 1)]

    return gradient


for _name, _how, _gradient in (
    ("Sum", "sum", _sparse_sum_grad),
    ("Mean", "mean", _sparse_scaled_grad("SparseSegmentMeanGrad")),
    ("SqrtN", "sqrt", _sparse_scaled_grad("SparseSegmentSqrtNGrad")),
):
    register_op(
        f"SparseSegment{_name}",
        shape=_sparse_shape(False),
        lower=_sparse_lower(_how),
        static_inputs=(2,),
        gradient=_gradient,
    )
    register_op(
        f"SparseSegment{_name}WithNumSegments",
        shape=_sparse_shape(True),
        lower=_sparse_lower(_how),
        static_inputs=(3,),
        gradient=_gradient,
    )


def _sparse_grad_shape(c: ShapeContext) -> list[Shape]:
    data = with_rank_at_least(c, c.input(0), 1)
    merge(c, c.input(2), with_rank(c, c.input(1), 1))
    with_rank(c, c.input(3), 0)
    number = c.constant(3)
    if number is not None and number < 0:
        c.fail("Cannot specify a negative value for output_dim0")
    return [None if data is None else (None if number is None else int(number), *data[1:])]


def _check_sparse_grad(op: Any, grad: Any, indices: Any, ids: Any, count: int) -> None:
    segments = np.shape(grad)[0]
    if is_static(ids):
        if ids.size and ids[-1] + 1 > segments:
            _fail(op, "Invalid number of segments")
        for value in ids.tolist():
            if not 0 <= value < segments:
                _fail(op, f"Segment id {value} out of range [0, {segments}).")
    if is_static(indices):
        for value in indices.tolist():
            if not 0 <= value < count:
                _fail(op, f"Index {value} out of range [0, {count}).")


def _sparse_grad_lower(root: bool) -> Callable[..., Any]:
    def lower(op: Any, grad: Any, indices: Any, ids: Any, number: Any) -> Any:
        _check_sparse_grad(op, grad, indices, ids, int(number))
        grad, ids = jnp.asarray(grad), jnp.asarray(ids)
        count = _counts(ids, grad.shape[0], grad.dtype)[ids]
        rows = grad[ids] / _per_row(jnp.sqrt(count) if root else count, grad)
        return _scatter("add", rows, indices, int(number))

    return lower


register_op("SparseSegmentMeanGrad", shape=_sparse_grad_shape, lower=_sparse_grad_lower(False), static_inputs=(3,))
register_op("SparseSegmentSqrtNGrad", shape=_sparse_grad_shape, lower=_sparse_grad_lower(True), static_inputs=(3,))


def _sparse_segment(
    kind: str, data: Any, indices: Any, segment_ids: Any, name: str | None, num_segments: Any
) -> Tensor:
    inputs = {"data": data, "indices": indices, "segment_ids": segment_ids}
    if num_segments is None:
        return apply_op(f"SparseSegment{kind}", name, **inputs)  # type: ignore[no-any-return]
    return apply_op(f"SparseSegment{kind}WithNumSegments", name, **inputs, num_segments=num_segments)  # type: ignore[no-any-return]


@export("sparse.segment_sum", "sparse_segment_sum")
def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sums of the rows of `data` at `indices` with the same (sorted) id. Source: TF 1.15 `tf.sparse_segment_sum`."""
    return _sparse_segment("Sum", data, indices, segment_ids, name, num_segments)


@export("sparse.segment_mean", "sparse_segment_mean")
def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The means of the rows of `data` at `indices` with the same (sorted) id. Source: TF 1.15 `tf.sparse_segment_mean`."""
    return _sparse_segment("Mean", data, indices, segment_ids, name, num_segments)


@export("sparse.segment_sqrt_n", "sparse_segment_sqrt_n")
def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """As `sparse_segment_sum`, divided by the square root of the number of rows.

    Source: TF 1.15 `tf.sparse_segment_sqrt_n`.
    """
    return _sparse_segment("SqrtN", data, indices, segment_ids, name, num_segments)


# ---- counts


def _vector_of(c: ShapeContext, index: int, text: str, least: int) -> list[Shape]:
    number = c.constant(index)
    if number is None:
        return [(None,)]
    if number < least:
        c.fail(text.format(int(number)))
    return [(int(number),)]


def _bincount_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    return _vector_of(c, 1, "size ({}) must be non-negative", 0)


def _bincount_lower(op: Any, values: Any, size: Any, weights: Any) -> Any:
    if is_static(values) and np.any(np.less(values, 0)):
        raise errors.InvalidArgumentError(None, op, "Input arr must be non-negative!")
    dtype = op.attrs["T"].as_numpy_dtype
    flat = jnp.asarray(values).reshape(-1)
    weights = jnp.asarray(weights).reshape(-1) if np.size(weights) else jnp.ones(flat.shape, dtype)
    return _scatter("add", weights, flat, int(size))


register_op("Bincount", shape=_bincount_shape, lower=_bincount_lower, static_inputs=(1,), gradient=NO_GRADIENT)


@export("math.bincount", "bincount")
def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32
) -> Tensor:
    """How often each non-negative integer occurs in `arr`, or the sum of its `weights`.

    Source: TF 1.15 `tf.bincount`.
    """
    with name_scope("bincount"):
        arr = convert_to_tensor(arr, name="arr", dtype=dtypes.int32)
        not_empty = math.reduce_prod(array.shape(arr)) > 0
        size = math.cast(not_empty, dtypes.int32) * (math.reduce_max(arr) + 1)
        if minlength is not None:
            minlength = convert_to_tensor(minlength, name="minlength", dtype=dtypes.int32)
            size = raw("Maximum", minlength, size)
        if maxlength is not None:
            maxlength = convert_to_tensor(maxlength, name="maxlength", dtype=dtypes.int32)
            size = raw("Minimum", maxlength, size)
        if weights is not None:
            weights = convert_to_tensor(weights, name="weights")
            return raw("UnsortedSegmentSum", weights, arr, size)  # type: ignore[no-any-return]
        return raw("Bincount", arr, size, constant([], dtype))  # type: ignore[no-any-return]


def _histogram_shape(c: ShapeContext) -> list[Shape]:
    bounds = with_rank(c, c.input(1), 1)
    with_value(bounds[0], 2)
    with_rank(c, c.input(2), 0)
    return _vector_of(c, 2, "Requires nbins > 0: {}", 1)


def _histogram_lower(op: Any, values: Any, bounds: Any, nbins: Any) -> Any:
    count = int(nbins)
    if is_static(bounds) and bounds[0] >= bounds[1]:
        text = f"value_range should satisfy value_range[0] < value_range[1], but got '[{bounds[0]}, {bounds[1]}]'"
        raise errors.InvalidArgumentError(None, op, text)
    values, bounds = jnp.asarray(values).reshape(-1), jnp.asarray(bounds)
    step = (bounds[1] - bounds[0]).astype(np.float64) / count
    places = jnp.clip((values - bounds[0]).astype(np.float64) / step, 0, count - 1).astype(np.int32)
    return _counts(places, count, op.attrs["dtype"].as_numpy_dtype)


register_op(
    "HistogramFixedWidth", shape=_histogram_shape, lower=_histogram_lower, static_inputs=(2,), gradient=NO_GRADIENT
)


@export("histogram_fixed_width")
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """How many values fall in each of `nbins` equal parts of `value_range`; those outside count in the outer parts.

    Source: TF 1.15 `tf.histogram_fixed_width`.
    """
    with name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as scope:
        return apply_op("HistogramFixedWidth", scope, values=values, value_range=value_range, nbins=nbins, dtype=dtype)  # type: ignore[no-any-return]


@export("histogram_fixed_width_bins")
def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """In which of `nbins` equal parts of `value_range` each value falls.

    Source: TF 1.15 `tf.histogram_fixed_width_bins`.
    """

    with name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        values = convert_to_tensor(values, name="values")
        shape = array.shape(values)
        values = array.reshape(values, [-1])
        value_range = convert_to_tensor(value_range, name="value_range")
        nbins = convert_to_tensor(nbins, dtype=dtypes.int32, name="nbins")
        nbins_float = math.cast(nbins, values.dtype)
        scaled = math.truediv(values - value_range[0], value_range[1] - value_range[0], name="scaled_values")
        indices = math.floor(nbins_float * scaled, name="indices")
        indices = math.cast(clip_by_value(indices, 0, nbins_float - 1), dtypes.int32)
        return array.reshape(indices, shape)


def _bucketize(xp: Any, op: Any, x: Any) -> Any:
    boundaries = np.asarray(op.attrs["boundaries"], np.float64)
    if (np.diff(boundaries) < 0).any():
        raise errors.InvalidArgumentError(None, op, "Expected sorted boundaries")
    return xp.searchsorted(boundaries, x, side="right").astype(np.int32)


register_op(
    "Bucketize",
    shape=lambda c: [c.input(0)],
    lower=lambda op, x: _bucketize(jnp, op, x),
    numpy=lambda op, x: _bucketize(np, op, x),
    gradient=NO_GRADIENT,
)
