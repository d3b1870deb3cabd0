"""The rows of the op types of sparse tensors whose results depend on data: all of them run on the host.

A sparse tensor is its indices (i64[n, rank]), its values (T[n]) and its dense shape (i64[rank]).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge, merge_dim, with_rank
from retrograph.ops import sparse_grad as grad
from retrograph.ops.rows import refuse

Array = Any


def brackets(sizes: Any) -> str:
    """Sizes or indices as TF's messages show them.

    >>> brackets([2, 3])
    '[2,3]'
    """
    return "[" + ",".join(str(int(s)) for s in np.asarray(sizes).reshape(-1)) + "]"


def flat_keys(indices: Array, shape: Array) -> Array:
    """One number for each row of indices, in the order of the rows; the rows lie inside the shape."""
    sizes = np.asarray(shape, np.int64)
    strides = np.concatenate([np.cumprod(sizes[:0:-1], dtype=np.int64)[::-1], np.ones(1, np.int64)])[-len(sizes) :]
    return np.asarray(indices, np.int64) @ strides if len(sizes) else np.zeros(len(indices), np.int64)


def unflatten(keys: Array, shape: Array) -> Array:
    """The rows of indices that `flat_keys` made numbers of."""
    sizes = [int(s) for s in shape]
    found = np.empty((len(keys), len(sizes)), np.int64)
    for i in reversed(range(len(sizes))):
        keys, found[:, i] = np.divmod(keys, max(sizes[i], 1))
    return found


def standard_order(indices: Array) -> Array:
    """The permutation that sorts rows of indices; rows that are equal stay in order."""
    return np.lexsort(indices.T[::-1]) if indices.shape[1] else np.arange(len(indices))


def check_indices(op: Any, indices: Array, shape: Array, ordered: bool = True) -> None:
    """Raises InvalidArgumentError for the first row that is outside the shape, or not after the one before it."""
    sizes = np.asarray(shape, np.int64)
    outside = np.any((indices < 0) | (indices >= sizes), axis=1)
    wrong = outside.copy()
    before: Array = np.zeros(len(indices), np.int64)
    if ordered and len(indices) > 1:
        before[1:] = _compared(indices[1:], indices[:-1])
        wrong[1:] |= before[1:] <= 0
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    start = f"indices[{row}] = {brackets(indices[row])}"
    if outside[row]:
        refuse(op, f"{start} is out of bounds: need 0 <= index < {brackets(sizes)}")
    if before[row] < 0:
        advice = (
            "Many sparse ops require sorted indices.\n    Use `tf.sparse.reorder` to create a correctly ordered copy."
        )
        refuse(op, f"{start} is out of order. {advice}\n\n")
    refuse(op, f"{start} is repeated")


def _compared(rows: Array, others: Array) -> Array:
    """The sign of each row against the other's, as texts compare."""
    signs = np.sign(rows - others)
    first = np.argmax(signs != 0, axis=1)
    return signs[np.arange(len(rows)), first] if signs.shape[1] else np.zeros(len(rows), np.int64)


def host_row(op_type: str, shape: Any, numpy: Callable[..., Any], gradient: Any = NO_GRADIENT) -> None:
    """Registers an op type that always runs on the host."""
    register_op(op_type, shape=shape, numpy=numpy, host=True, gradient=gradient)


def sparse_ranks(c: ShapeContext, start: int = 0) -> tuple[Any, Any, Any]:
    """The shapes of indices, values and dense shape from input `start` on: a matrix and two vectors."""
    return with_rank(c, c.input(start), 2), with_rank(c, c.input(start + 1), 1), with_rank(c, c.input(start + 2), 1)


def _elements(shape: Shape) -> int | None:
    if shape is None or None in shape:
        return None
    count = 1
    for d in shape:
        count *= d or 0
    return count


def _cut_shape(c: ShapeContext) -> list[Shape]:
    return [(None, _elements(c.input(2))), (None,), c.input(2)]


# ---- order


def _reorder_shape(c: ShapeContext) -> list[Shape]:
    indices, values, _ = sparse_ranks(c)
    return [indices, values]


def _reordered(op: Any, indices: Array, values: Array, shape: Array) -> Any:
    order = standard_order(indices)
    return indices[order], values[order]


# ---- joining and cutting


def _concat_shape(c: ShapeContext) -> list[Shape]:
    count = c.num_inputs // 3
    rows: int | None = 0
    columns: int | None = None
    joined: Shape = None
    for i in range(count):
        indices, values = with_rank(c, c.input(i), 2), with_rank(c, c.input(i + count), 1)
        length = merge_dim(c, indices[0], values[0])
        rows = None if rows is None or length is None else rows + length
        columns = merge_dim(c, columns, indices[1])
        joined = merge(c, joined, with_rank(c, c.input(i + 2 * count), 1))
    return [(rows, columns), (rows,), joined]


def _checked_axis(op: Any, shapes: list[Array]) -> int:
    rank, given = len(shapes[0]), int(op.attrs["concat_dim"])
    if not -rank <= given < rank:
        refuse(op, f"Concat dimension must be in range [{-rank}, {rank}), got {given}")
    axis = given % rank
    for i, shape in enumerate(shapes[1:], 1):
        if len(shape) != rank:
            refuse(op, f"Ranks of all input tensors must match: expected {rank} but got {len(shape)} at position {i}")
        for j in range(rank):
            if j != axis and shape[j] != shapes[0][j]:
                text = f"expected {shapes[0][j]} for dimension {j} but got {shape[j]} at position {i}"
                refuse(op, f"Input shapes must match: {text}")
    return axis


def _concatenated(op: Any, *inputs: Array) -> Any:
    count = len(inputs) // 3
    rows, values, shapes = inputs[:count], inputs[count : 2 * count], list(inputs[2 * count :])
    axis = _checked_axis(op, shapes)
    shifted, start = [], 0
    for indices, shape in zip(rows, shapes, strict=True):
        moved = indices.copy()
        moved[:, axis] += start
        start += int(shape[axis])
        shifted.append(moved)
    joined, all_values = np.concatenate(shifted), np.concatenate(values)
    total = shapes[0].copy()
    total[axis] = start
    order = standard_order(joined) if axis else slice(None)
    return joined[order], all_values[order], total


def _split_shape(c: ShapeContext) -> list[Shape]:
    count, shape = int(c.attr("num_split")), c.input(3)
    return [*[(None, _elements(shape))] * count, *[(None,)] * count, *[shape] * count]


def _split(op: Any, axis: Array, indices: Array, values: Array, shape: Array) -> Any:
    count, axis = int(op.attrs["num_split"]), int(axis)
    if not 0 <= axis < len(shape):
        refuse(op, f"Input split_dim should be between 0 and rank ({len(shape)}), got {axis}")
    size = int(shape[axis])
    if not 1 <= count <= size:
        refuse(op, f"Input num_split should be between 1 and the splitting dimension size ({size}), got {count}")
    each, longer = divmod(size, count)
    sizes = [each + (i < longer) for i in range(count)]
    starts = np.cumsum([0, *sizes[:-1]])
    parts = [_cut(indices, values, shape, axis, int(s), n) for s, n in zip(starts, sizes, strict=True)]
    return tuple(part[i] for i in range(3) for part in parts)


def _cut(indices: Array, values: Array, shape: Array, axis: int, start: int, size: int) -> tuple[Array, Array, Array]:
    kept = (indices[:, axis] >= start) & (indices[:, axis] < start + size)
    rows, sizes = indices[kept], shape.copy()
    rows[:, axis] -= start
    sizes[axis] = size
    return rows, values[kept], sizes


def _sliced(op: Any, indices: Array, values: Array, shape: Array, start: Array, size: Array) -> Any:
    for name, given in (("start", start), ("size", size)):
        if given.ndim != 1 or len(given) != len(shape):
            refuse(op, f"Expected {name} to be a vector of length {len(shape)} but got length {given.size}")
    end = start + size
    kept = np.all((indices >= start) & (indices < end), axis=1)
    return indices[kept] - start, values[kept], np.clip(shape - start, 0, size)


def _slice_grad_shape(c: ShapeContext) -> list[Shape]:
    return [(with_rank(c, c.input(1), 2)[0],)]


def _slice_grad_value(op: Any, backprop: Array, indices: Array, start: Array, output_indices: Array) -> Any:
    result = np.zeros(len(indices), backprop.dtype)
    places = {tuple(row): i for i, row in enumerate((output_indices + start).tolist())}
    for i, row in enumerate(indices.tolist()):
        at = places.get(tuple(row))
        if at is not None:
            result[i] = backprop[at]
    return result


# ---- other shapes


def _reshape_shape(c: ShapeContext) -> list[Shape]:
    indices = with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 1)
    new = with_rank(c, c.input(2), 1)
    return [(indices[0], new[0]), new]


def _inferred(op: Any, shape: Array, wanted: list[int]) -> list[int]:
    total = int(np.prod(shape, dtype=np.int64))
    unknown = [i for i, size in enumerate(wanted) if size == -1]
    if len(unknown) > 1:
        refuse(op, f"only one output dimension may be -1, not both {unknown[0]} and {unknown[1]}")
    for i, size in enumerate(wanted):
        if size < -1:
            refuse(op, f"size {i} must be non-negative, not {size}")
    product = int(np.prod([s for s in wanted if s != -1], dtype=np.int64))
    shapes = f"input_shape={brackets(shape)} output_shape={brackets([1 if s == -1 else s for s in wanted])}"
    if unknown:
        if product == 0:
            text = "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are non-zero"
            refuse(op, text)
        if total % product:
            text = f"Input to reshape is a SparseTensor with {total} dense values, but the requested shape requires a multiple of {product}."
            refuse(op, f"{text} {shapes}")
        return [total // product if s == -1 else s for s in wanted]
    if product != total:
        text = f"Input to reshape is a tensor with {total} dense values, but the requested shape has {product}."
        refuse(op, f"{text} {shapes}")
    return wanted


def _reshaped(op: Any, indices: Array, shape: Array, new_shape: Array) -> Any:
    sizes = np.array(_inferred(op, shape, [int(s) for s in new_shape]), np.int64)
    if np.array_equal(sizes, shape):
        # As in TF, where indices outside of the shape stay as they are too.
        return indices, sizes
    return unflatten(flat_keys(indices, shape), sizes), sizes


def _filled_shape(c: ShapeContext) -> list[Shape]:
    indices, values, shape = sparse_ranks(c)
    with_rank(c, c.input(3), 0)
    length = merge_dim(c, indices[0], values[0])
    merge_dim(c, indices[1], shape[0])
    sizes = c.constant_as_shape(2)
    rows = sizes[0] if sizes else None
    return [(None, shape[0]), (None,), (rows,), (length,)]


def _filled(op: Any, indices: Array, values: Array, shape: Array, default: Array) -> Any:
    count = int(shape[0])
    if count == 0 and len(indices):
        refuse(op, f"Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = {len(indices)}")
    rows = indices[:, 0]
    wrong = (rows < 0) | (rows >= count)
    if wrong.any():
        place = int(np.argmax(wrong))
        refuse(op, f"indices({place}, 0) is invalid: {rows[place]} >= {count}")
    empty = np.bincount(rows, minlength=count) == 0
    added = np.zeros((int(empty.sum()), indices.shape[1]), np.int64)
    added[:, 0] = np.nonzero(empty)[0]
    together = np.concatenate([indices, added])
    fill = np.empty(len(added), values.dtype)
    fill[:] = default[()]
    order = np.argsort(together[:, 0], kind="stable")
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return together[order], np.concatenate([values, fill])[order], empty, back[: len(indices)]


def _filled_grad_value(op: Any, reverse: Array, backprop: Array) -> Any:
    wrong = (reverse < 0) | (reverse >= len(backprop))
    if wrong.any():
        row = int(np.argmax(wrong))
        refuse(op, f"Elements in reverse index must be in [0, {len(backprop)}) but got {reverse[row]}")
    rest = np.ones(len(backprop), np.bool_)
    rest[reverse] = False
    return backprop[reverse], np.asarray(backprop[rest].sum(), backprop.dtype)


def _filled_grad_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 1)
    return [with_rank(c, c.input(0), 1), ()]


# ---- sums of two


def _added_shape(c: ShapeContext) -> list[Shape]:
    shape = with_rank(c, c.input(2), 1)
    return [(None, shape[0]), (None,), shape]


def _check_same_shape(op: Any, a: Array, b: Array) -> None:
    if len(a) != len(b):
        shown = ["[" + " ".join(map(str, s.tolist())) + "]" for s in (a, b)]
        refuse(op, f"Operands do not have the same ranks; got shapes: {shown[0]} and {shown[1]}")
    for i, (x, y) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        if x != y:
            refuse(op, f"Operands' shapes do not match: got {x} and {y} for dimension {i}")


def _united(a: Array, b: Array, shape: Array) -> tuple[Array, Any, Any]:
    """The keys of both, sorted, and where in them those of each are."""
    first, second = flat_keys(a, shape), flat_keys(b, shape)
    if np.array_equal(first, second) and np.all(first[1:] > first[:-1]):
        return first, slice(None), slice(None)
    keys = np.union1d(first, second)
    return keys, np.searchsorted(keys, first), np.searchsorted(keys, second)


def _added(
    op: Any, a: Array, a_values: Array, shape: Array, b: Array, b_values: Array, b_shape: Array, thresh: Array
) -> Any:
    _check_same_shape(op, shape, b_shape)
    keys, at_a, at_b = _united(a, b, shape)
    total = np.zeros(len(keys), a_values.dtype)
    np.add.at(total, at_a, a_values)
    np.add.at(total, at_b, b_values)
    kept = np.abs(total) >= thresh
    return unflatten(keys[kept], shape), total[kept], shape


def _add_grad_shape(c: ShapeContext) -> list[Shape]:
    return [(with_rank(c, c.input(i), 2)[0],) for i in (1, 2)]


def _add_grad_value(op: Any, backprop: Array, a: Array, b: Array, total: Array) -> Any:
    sizes = np.concatenate([a, b, total]).max(axis=0, initial=0) + 1
    keys = flat_keys(total, sizes)
    order = np.argsort(keys, kind="stable")
    return tuple(_found(flat_keys(rows, sizes), keys[order], backprop[order]) for rows in (a, b))


def _found(wanted: Array, keys: Array, values: Array) -> Array:
    """The values of the keys that are wanted, which are sorted; zeros for those that are not there."""
    if not len(keys):
        return np.zeros(len(wanted), values.dtype)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], values.dtype.type(0))


def _extreme_shape(c: ShapeContext) -> list[Shape]:
    for start in (0, 3):
        sparse_ranks(c, start)
    return [(None, None), (None,)]


def _extreme(choose: Any) -> Callable[..., Any]:
    def numpy(op: Any, a: Array, a_values: Array, shape: Array, b: Array, b_values: Array, b_shape: Array) -> Any:
        _check_same_shape(op, shape, b_shape)
        keys, at_a, at_b = _united(a, b, shape)
        first, second = np.zeros(len(keys), a_values.dtype), np.zeros(len(keys), a_values.dtype)
        first[at_a], second[at_b] = a_values, b_values
        return unflatten(keys, shape), choose(first, second)

    return numpy


# ---- reductions


def _reduce_shape(c: ShapeContext) -> list[Shape]:
    shape, axes = c.constant(2), c.constant(3)
    if shape is None or axes is None:
        return [None]
    rank = len(shape)
    gone = {int(a) % rank for a in np.asarray(axes).reshape(-1)}
    if c.attr("keep_dims"):
        return [tuple(1 if i in gone else int(d) for i, d in enumerate(shape))]
    return [tuple(int(d) for i, d in enumerate(shape) if i not in gone)]


def _kept_axes(op: Any, shape: Array, axes: Array) -> list[int]:
    rank = len(shape)
    for axis in np.asarray(axes).reshape(-1).tolist():
        if not -rank <= axis < rank:
            refuse(op, f"Invalid reduction dimension {axis}, for input with {rank} dimensions.")
    gone = {int(a) % rank for a in np.asarray(axes).reshape(-1)}
    return [i for i in range(rank) if i not in gone]


def _groups(op: Any, indices: Array, values: Array, shape: Array, axes: Array, ufunc: Any) -> Any:
    """(rows of indices in the axes that stay, the value of each group, those axes)."""
    kept = _kept_axes(op, shape, axes)
    keys, place = np.unique(flat_keys(indices[:, kept], shape[kept]), return_inverse=True)
    first = np.zeros(len(keys), np.int64)
    first[place[::-1]] = np.arange(len(values))[::-1]
    if ufunc is np.add:
        result = np.zeros(len(keys), values.dtype)
    else:
        result = values[first]
    ufunc.at(result, place, values)
    return unflatten(keys, shape[kept]), result, kept


def _reduced(ufunc: Any) -> Callable[..., Any]:
    def numpy(op: Any, indices: Array, values: Array, shape: Array, axes: Array) -> Any:
        rows, result, kept = _groups(op, indices, values, shape, axes, ufunc)
        dense = np.zeros([int(shape[i]) for i in kept], values.dtype)
        dense[tuple(rows.T)] = result if kept or not len(result) else result[0]
        return dense.reshape(_kept_shape(op, shape, kept))

    return numpy


def _kept_shape(op: Any, shape: Array, kept: list[int]) -> Array:
    if op.attrs["keep_dims"]:
        return np.array([d if i in kept else 1 for i, d in enumerate(shape.tolist())], np.int64)
    return np.array([shape[i] for i in kept], np.int64)


def _reduced_sparse(ufunc: Any) -> Callable[..., Any]:
    def numpy(op: Any, indices: Array, values: Array, shape: Array, axes: Array) -> Any:
        rows, result, kept = _groups(op, indices, values, shape, axes, ufunc)
        if op.attrs["keep_dims"]:
            wide = np.zeros((len(rows), len(shape)), np.int64)
            wide[:, kept] = rows
            rows = wide
        return rows, result, _kept_shape(op, shape, kept)

    return numpy


def _softmax_shape(c: ShapeContext) -> list[Shape]:
    return [sparse_ranks(c)[1]]


def _softmax(op: Any, indices: Array, values: Array, shape: Array) -> Any:
    if len(shape) < 2:
        refuse(op, f"Input should have rank >= 2, but received shape: {' '.join(map(str, shape.tolist()))}")
    _, place = np.unique(flat_keys(indices[:, :-1], shape[:-1]), return_inverse=True)
    count = int(place.max()) + 1 if len(place) else 0
    largest = np.full(count, -np.inf, values.dtype)
    np.maximum.at(largest, place, values)
    powers = np.exp(values - largest[place])
    total = np.zeros(count, values.dtype)
    np.add.at(total, place, powers)
    return powers / total[place]


def _no_gradient_of(op_type: str) -> Callable[..., Any]:
    def gradient(op: Any, *grads: Any) -> Any:
        raise NotImplementedError(f"Gradient for {op_type} is currently not implemented yet.")

    return gradient


host_row("SparseReorder", _reorder_shape, _reordered, grad.reorder_grad)
host_row("SparseConcat", _concat_shape, _concatenated)
host_row("SparseSplit", _split_shape, _split)
host_row("SparseSlice", _cut_shape, _sliced, grad.slice_grad)
host_row("SparseSliceGrad", _slice_grad_shape, _slice_grad_value)
host_row("SparseReshape", _reshape_shape, _reshaped)
host_row("SparseFillEmptyRows", _filled_shape, _filled, grad.fill_empty_rows_grad)
host_row("SparseFillEmptyRowsGrad", _filled_grad_shape, _filled_grad_value)
host_row("SparseAdd", _added_shape, _added, grad.add_grad)
host_row("SparseAddGrad", _add_grad_shape, _add_grad_value)
for _name, _ufunc in (("Maximum", np.maximum), ("Minimum", np.minimum)):
    _op_type = f"SparseSparse{_name}"
    host_row(_op_type, _extreme_shape, _extreme(_ufunc), _no_gradient_of(_op_type))
host_row("SparseReduceSum", _reduce_shape, _reduced(np.add), grad.reduce_sum_grad)
host_row("SparseReduceMax", _reduce_shape, _reduced(np.maximum))
host_row("SparseReduceSumSparse", lambda c: [None, None, None], _reduced_sparse(np.add))
host_row("SparseReduceMaxSparse", lambda c: [None, None, None], _reduced_sparse(np.maximum))
host_row("SparseSoftmax", _softmax_shape, _softmax, grad.softmax_grad)
