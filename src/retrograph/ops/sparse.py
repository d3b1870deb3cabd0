"""Functions of sparse tensors: `tf.sparse.*`."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape, dimension_at_index
from retrograph.framework.static_value import constant_value, constant_value_as_shape
from retrograph.framework.structures import SparseTensor, SparseTensorValue
from retrograph.ops import (
    array,
    broadcasting,
    cast,
    identities,
    joining,
    reduction,
    sequence,
    sparse_dense_rows,
    strided_slice,
    transposing,
)
from retrograph.ops.array import lookup_renamed
from retrograph.ops.gather import gather, gather_nd
from retrograph.ops.raw import raw
from retrograph.ops.selecting import where_v2

_SPARSE = (SparseTensor, SparseTensorValue)
_INTEGERS = (numbers.Integral, np.integer)


def to_sparse_tensor(sp_input: Any) -> Any:
    """The `SparseTensor` that a value is or becomes. Raises TypeError: it is none."""
    if isinstance(sp_input, SparseTensorValue):
        return SparseTensor.from_value(sp_input)
    if not isinstance(sp_input, SparseTensor):
        raise TypeError("Input must be a SparseTensor.")
    return sp_input


def _all_sparse(sp_inputs: Any) -> list[Any]:
    if not isinstance(sp_inputs, (list, tuple)):
        raise TypeError("Inputs must be a list or tuple.")
    return [to_sparse_tensor(s) for s in sp_inputs]


def _parts(sparse: Any) -> tuple[Any, Any, Any]:
    return sparse.indices, sparse.values, sparse.dense_shape


def _int64(value: Any, name: str) -> Any:
    if isinstance(value, _INTEGERS):
        return convert_to_tensor(value, name=name, dtype=dtypes.int64)
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be an integer value")
    return value if value.dtype == dtypes.int64 else cast.cast(value, dtypes.int64)


# ---- making sparse tensors


@export("sparse.from_dense")
def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """The elements of `tensor` that are not 0. Raises TypeError for texts.

    Source: TF 1.15 `tf.sparse.from_dense`.
    """
    with name_scope(name, "dense_to_sparse"):
        dense = convert_to_tensor(tensor)
        indices = where_v2(raw("NotEqual", dense, constant(0, dense.dtype)))
        return SparseTensor(indices, gather_nd(dense, indices), array.shape(dense, out_type=dtypes.int64))


@export("sparse.eye")
def sparse_eye(num_rows: Any, num_columns: Any = None, dtype: Any = dtypes.float32, name: str | None = None) -> Any:
    """The identity matrix. Source: TF 1.15 `tf.sparse.eye`."""
    with name_scope(name, "eye", [num_rows, num_columns]):
        height = _int64(num_rows, "num_rows")
        width = height if num_columns is None else _int64(num_columns, "num_columns")
        length = raw("Minimum", height, width)
        places = sequence.range(length, dtype=dtypes.int64)
        indices, ones = joining.stack([places, places], axis=1), array.ones(length, dtype=dtype)
        return SparseTensor(indices, ones, [height, width])


# ---- dense from sparse


@export("sparse_to_dense")
def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A dense tensor of `output_shape` with `sparse_values` at `sparse_indices`, `default_value` elsewhere.

    `sparse_indices`: i32/i64[n, rank] (or [n] or [] for vectors). Raises InvalidArgumentError when it runs, for indices
    outside; unless `validate_indices=False` also for some out of order or twice.

    >>> tf.sparse_to_dense([1, 3], [4], 1.0, 0.0).eval(session=tf.Session())
    array([0., 1., 0., 1.], dtype=float32)

    Source: TF 1.15 `tf.sparse_to_dense`.
    """
    return raw(  # type: ignore[no-any-return]
        "SparseToDense",
        sparse_indices,
        output_shape,
        sparse_values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )


@export("sparse.to_dense", "sparse_tensor_to_dense")
def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The dense tensor of a sparse one. Source: TF 1.15 `tf.sparse.to_dense`."""
    sparse = to_sparse_tensor(sp_input)
    if default_value is None:
        default_value = array.zeros([], dtype=sparse.dtype)
    indices, values, shape = _parts(sparse)
    return sparse_to_dense(indices, shape, values, default_value, validate_indices, name)


@export("sparse.to_indicator", "sparse_to_indicator")
def sparse_to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Tensor:
    """`bool[..., vocab_size]`: which ids each row holds. Source: TF 1.15 `tf.sparse.to_indicator`."""
    sparse = to_sparse_tensor(sp_input)
    with name_scope(name, "SparseToIndicator", [sparse]) as scope:
        sizes: Any = array.shape(sparse.indices)
        trues = array.fill(array.expand_dims(sizes[0], 0), True)
        merged = _merged(sparse, SparseTensor(sparse.indices, trues, sparse.dense_shape), vocab_size, scope)
        return sparse_tensor_to_dense(merged, default_value=False, validate_indices=False, name=scope)


@export("sparse.matmul", "sparse.sparse_dense_matmul", "sparse_tensor_dense_matmul")
def sparse_tensor_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of a sparse and a dense matrix: T[m, k] times T[k, n] is T[m, n].

    Source: TF 1.15 `tf.sparse.sparse_dense_matmul`.
    """
    sparse = to_sparse_tensor(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [sparse.indices, sparse.values, b]):
        b = convert_to_tensor(b, name="b")
        return raw("SparseTensorDenseMatMul", *_parts(sparse), b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)  # type: ignore[no-any-return]


# ---- joining and cutting


def _widened(shapes: list[Any], axis: int) -> list[Any]:
    """The shapes, all but the axis as large as the largest."""
    rows = [array.reshape(s, [1, -1]) for s in shapes]
    largest: Any = reduction.reduce_max(joining.concat(rows, 0), 0)
    made = []
    for shape in shapes:
        own = shape[-1:] if axis == -1 else shape[axis : axis + 1]
        after = [] if axis == -1 else largest[axis + 1 :]
        made.append(joining.concat([largest[:axis], own, after], 0))
    return made


@export("sparse.concat", "sparse_concat")
def sparse_concat(
    axis: Any,
    sp_inputs: Any,
    name: str | None = None,
    expand_nonconcat_dim: bool = False,
    concat_dim: Any = None,
    expand_nonconcat_dims: Any = None,
) -> Any:
    """Sparse tensors joined along an axis; with `expand_nonconcat_dim` the other sizes may differ.

    Source: TF 1.15 `tf.sparse.concat`.
    """
    # As in TF 1.15, whose default for the new name counts as given.
    expand = lookup_renamed(
        "expand_nonconcat_dims", expand_nonconcat_dims, "expand_nonconcat_dim", expand_nonconcat_dim
    )
    axis = lookup_renamed("axis", axis, "concat_dim", concat_dim)
    inputs = _all_sparse(sp_inputs)
    if len(inputs) == 1:
        return inputs[0]
    shapes = [s.dense_shape for s in inputs]
    if expand:
        shapes = _widened(shapes, axis)
    parts = raw(
        "SparseConcat", [s.indices for s in inputs], [s.values for s in inputs], shapes, concat_dim=axis, name=name
    )
    return SparseTensor(parts[0], parts[1], _joined_shape(shapes, axis, parts[2]))


def _joined_shape(shapes: list[Any], axis: int, otherwise: Any) -> Any:
    known = [constant_value(s) for s in shapes]
    if any(k is None for k in known):
        return otherwise
    sizes: Any = np.array(known[0])
    sizes[axis] = sum(k[axis] for k in known)
    return convert_to_tensor(sizes)


class KeywordRequired:
    """The default of a parameter that is there only so that the others are given by name."""

    def __repr__(self) -> str:
        return "KeywordRequired()"


_KEYWORD = KeywordRequired()


@export("sparse.split", "sparse_split")
def sparse_split(
    keyword_required: Any = _KEYWORD,
    sp_input: Any = None,
    num_split: Any = None,
    axis: Any = None,
    name: str | None = None,
    split_dim: Any = None,
) -> list[Any]:
    """A sparse tensor cut into `num_split` parts along an axis; the first are longer by one if it does not divide.

    Source: TF 1.15 `tf.sparse.split`.
    """
    if not isinstance(keyword_required, KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    axis = lookup_renamed("axis", axis, "split_dim", split_dim)
    for argument, value in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if value is None:
            raise ValueError(f"{argument} is required")
    parts = raw("SparseSplit", axis, *_parts(to_sparse_tensor(sp_input)), num_split=num_split, name=name)
    return [SparseTensor(*p) for p in zip(*parts, strict=True)]


@export("sparse.slice", "sparse_slice")
def sparse_slice(sp_input: Any, start: Any, size: Any, name: str | None = None) -> Any:
    """The part of a sparse tensor from `start` on, at most `size` large. Source: TF 1.15 `tf.sparse.slice`."""
    sparse = to_sparse_tensor(sp_input)
    start = convert_to_tensor(start, dtypes.int64)
    size = convert_to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice", [sparse]) as scope:
        return SparseTensor(*raw("SparseSlice", *_parts(sparse), start, size, name=scope))


# ---- order and shape


@export("sparse.reorder", "sparse_reorder")
def sparse_reorder(sp_input: Any, name: str | None = None) -> Any:
    """The sparse tensor with its elements in row-major order. Source: TF 1.15 `tf.sparse.reorder`."""
    sparse = to_sparse_tensor(sp_input)
    indices, values = raw("SparseReorder", *_parts(sparse), name=name)
    known = sparse.get_shape().is_fully_defined()
    shape = sparse.get_shape().as_list() if known else identities.identity(sparse.dense_shape)
    return SparseTensor(indices, values, shape)


def _static_reshaped(before: TensorShape, wanted: Any) -> Any:
    """The sizes after a reshape where both shapes are known now, else None; ValueError if they do not fit."""
    sizes = constant_value_as_shape(wanted)
    if sizes.ndims is None or not before.is_fully_defined():
        return None
    given = constant_value(wanted)
    if given is not None and sum(d == -1 for d in given) > 1:
        raise ValueError(f"At most one dimension can be inferred (-1). Found: {given}")
    asked: list[Any] = sizes.as_list()
    whole: list[Any] = before.as_list()
    total, unknown = int(np.prod(whole)), asked.count(None)
    if unknown > 1:
        return None
    rest = int(np.prod([d for d in asked if d is not None]))
    found = [total // rest if d is None else d for d in asked]
    if int(np.prod(found)) != total:
        raise ValueError(
            f"Cannot reshape a tensor with {total} elements to shape {asked} ({int(np.prod(found))} elements)."
        )
    return found


@export("sparse.reshape", "sparse_reshape")
def sparse_reshape(sp_input: Any, shape: Any, name: str | None = None) -> Any:
    """The sparse tensor in another shape, of which one size may be -1. Source: TF 1.15 `tf.sparse.reshape`."""
    sparse = to_sparse_tensor(sp_input)
    wanted = cast.cast(shape, dtype=dtypes.int64)
    with name_scope(name, "SparseReshape", [sparse]) as scope:
        indices, sizes = raw("SparseReshape", sparse.indices, sparse.dense_shape, wanted, name=scope)
        known = _static_reshaped(sparse.shape, wanted)
        if known is not None:
            sizes = constant(known, dtype=dtypes.int64)
        return SparseTensor(indices, identities.identity(sparse.values), sizes)


@export("sparse.expand_dims")
def sparse_expand_dims(sp_input: Any, axis: Any = None, name: str | None = None) -> Any:
    """The sparse tensor with one more axis, of size 1, at `axis`. Source: TF 1.15 `tf.sparse.expand_dims`."""
    rank = sp_input.dense_shape.get_shape()[0]
    axis = -1 if axis is None else axis
    with name_scope(name, "expand_dims", [sp_input]):
        if isinstance(axis, _INTEGERS):
            axis = convert_to_tensor(axis, name="axis", dtype=dtypes.int32)
        elif not isinstance(axis, Tensor):
            raise TypeError("axis must be an integer value in range [-rank(sp_input) - 1, rank(sp_input)]")
        axis = where_v2(axis >= 0, axis, axis + rank + 1)
        sizes: Any = array.shape(sp_input.indices)
        column = array.zeros([sizes[0], 1], dtype=dtypes.int64)
        before = strided_slice.slice(sp_input.indices, [0, 0], [-1, axis])
        after = strided_slice.slice(sp_input.indices, [0, axis], [-1, -1])
        indices = joining.concat([before, column, after], axis=1)
        head, tail = (
            strided_slice.slice(sp_input.dense_shape, [0], [axis]),
            strided_slice.slice(sp_input.dense_shape, [axis], [-1]),
        )
        one = convert_to_tensor([1], name="new_shape", dtype=dtypes.int64)
        return SparseTensor(indices, sp_input.values, joining.concat([head, one, tail], axis=0))


@export("sparse.transpose", "sparse_transpose")
def sparse_transpose(sp_input: Any, perm: Any = None, name: str | None = None) -> Any:
    """The sparse tensor with its axes in another order, by default reversed. Source: TF 1.15 `tf.sparse.transpose`."""
    with name_scope(name, "SparseTranspose", [sp_input]):
        if perm is None:
            rank: Any = array.rank(sp_input)
            perm = rank - 1 - sequence.range(0, rank, 1)
        indices = transposing.transpose(gather(transposing.transpose(sp_input.indices), perm))
        order = constant_value(convert_to_tensor(perm))
        sizes: Any
        if order is not None and sp_input.get_shape().is_fully_defined():
            old = sp_input.get_shape().as_list()
            sizes = [old[p] for p in order]
        else:
            sizes = gather(sp_input.dense_shape, perm)
        return sparse_reorder(SparseTensor(indices, sp_input.values, sizes))


def _reset(sparse: Any, shape: Any, new_shape: Any) -> Any:
    from retrograph.ops import check, control_flow

    wanted: Any = convert_to_tensor(new_shape)
    wanted.get_shape().assert_has_rank(1)
    wanted = cast.cast(wanted, dtypes.int64)
    if wanted.get_shape().rank is not None:
        wanted.get_shape().dims[0].merge_with(dimension_at_index(shape.get_shape(), 0))
    known = constant_value(wanted)
    if known is None or not sparse.get_shape().is_fully_defined():
        check_rank = check.assert_equal(array.shape(shape), array.shape(wanted))
        wanted = control_flow.with_dependencies([check_rank], wanted)
        return control_flow.with_dependencies([check.assert_less_equal(shape, wanted)], wanted)
    before = np.array(sparse.get_shape().as_list())
    if not np.all(before <= known):
        raise ValueError(
            "Requested new_shape should have dimension sizes >= sp_input.shape.  "
            f"Found new_shape ({before}), sp_input.shape ({known})."
        )
    return known


@export("sparse.reset_shape", "sparse_reset_shape")
def sparse_reset_shape(sp_input: Any, new_shape: Any = None) -> Any:
    """The sparse tensor in a larger dense shape, by default the smallest that holds its elements.

    Source: TF 1.15 `tf.sparse.reset_shape`.
    """
    sparse = to_sparse_tensor(sp_input)
    indices, values, shape = (identities.identity(part) for part in _parts(sparse))
    if new_shape is not None:
        return SparseTensor(indices, values, _reset(sparse, shape, new_shape))
    largest = reduction.reduce_max(indices, axis=0)
    zero = constant(0, dtype=dtypes.int64)
    return SparseTensor(indices, values, raw("Maximum", zero, raw("Add", largest, array.ones_like(shape))))


@export("sparse.fill_empty_rows", "sparse_fill_empty_rows")
def sparse_fill_empty_rows(sp_input: Any, default_value: Any, name: str | None = None) -> tuple[Any, Tensor]:
    """(the sparse matrix with `default_value` at column 0 of rows that had nothing, `bool[rows]` which had).

    Source: TF 1.15 `tf.sparse.fill_empty_rows`.
    """
    sparse = to_sparse_tensor(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [sparse]):
        default_value = convert_to_tensor(default_value, dtype=sparse.values.dtype.base_dtype)
        indices, values, empty, _ = raw("SparseFillEmptyRows", *_parts(sparse), default_value)
        return SparseTensor(indices, values, sparse.dense_shape), empty


# ---- choosing elements


@export("sparse.retain", "sparse_retain")
def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements of a sparse tensor for which `to_retain` (bool[n], one for each element) is true; the shape stays.

    Raises TypeError: `sp_input` is not sparse; ValueError: `to_retain` is no vector, or of another length.

    >>> sparse = tf.SparseTensor([[0, 1], [2, 0]], [5, 6], [3, 2])
    >>> tf.sparse.retain(sparse, [True, False]).values.eval(session=tf.Session())
    array([5], dtype=int32)

    Source: TF 1.15 `tf.sparse.retain`.
    """
    sparse = to_sparse_tensor(sp_input)
    retained: Any = convert_to_tensor(to_retain)
    retained.get_shape().assert_has_rank(1)
    if sparse.values.get_shape().dims is not None:
        sparse.values.get_shape().dims[0].merge_with(dimension_at_index(retained.get_shape(), 0))
    places = array.reshape(where_v2(retained), [-1])
    indices, values = gather(sparse.indices, places), gather(sparse.values, places)
    return SparseTensor(indices, values, identities.identity(sparse.dense_shape))


def _merge_arguments(sp_ids: Any, vocab_size: Any) -> tuple[list[Any], list[Any]]:
    sizes = (Tensor, numbers.Integral)
    if isinstance(sp_ids, _SPARSE):
        if not isinstance(vocab_size, sizes):
            raise TypeError(f"vocab_size has to be a Tensor or Python int. Found {type(vocab_size)}")
        return [sp_ids], [vocab_size]
    if not isinstance(sp_ids, Iterable):
        raise TypeError(f"sp_ids has to be a SparseTensor or list thereof. Found {type(sp_ids)}")
    text = "vocab_size has to be a list of Tensors or Python ints. Found"
    if not isinstance(vocab_size, Iterable) or isinstance(vocab_size, Tensor):
        raise TypeError(f"{text} {type(vocab_size)}")
    all_ids, all_sizes = list(sp_ids), list(vocab_size)
    for size in all_sizes:
        if not isinstance(size, sizes):
            raise TypeError(f"{text} {type(size)}")
    if len(all_ids) != len(all_sizes):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    return all_ids, all_sizes


def _merged(sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False) -> Any:
    all_ids, sizes = _merge_arguments(sp_ids, vocab_size)
    with name_scope(name, "SparseMerge", [s for s in (*all_ids, sp_values) if isinstance(s, SparseTensor)]):
        all_ids, sp_values = [to_sparse_tensor(s) for s in all_ids], to_sparse_tensor(sp_values)
        columns = []
        for ids in all_ids:
            numbers_ = ids.values if ids.dtype == dtypes.int64 else cast.cast(ids.values, dtypes.int64)
            columns.append(array.expand_dims(numbers_, axis=1))
        sizes = [cast.cast(s, dtypes.int64) for s in sizes]
        indices = joining.concat([all_ids[0].indices[:, :-1], *columns], 1)
        shape = joining.concat([all_ids[0].dense_shape[:-1], sizes], 0)
        result = SparseTensor(indices, sp_values.values, shape)
        if already_sorted:
            return result
        ordered = sparse_reorder(result)
        return SparseTensor(ordered.indices, ordered.values, shape)


@export("sparse.merge", "sparse_merge")
def sparse_merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> Any:
    """A sparse tensor whose last axis is what `sp_ids` says, with the values of `sp_values`.

    Source: TF 1.15 `tf.sparse.merge`.
    """
    return _merged(sp_ids, sp_values, vocab_size, name, already_sorted)


# ---- arithmetic


@export("sparse.add", "sparse_add")
def sparse_add(a: Any, b: Any, threshold: Any = None, thresh: Any = None) -> Any:
    """The sum: sparse of two sparse tensors (elements smaller than `threshold` are left out), dense if one is dense.

    Source: TF 1.15 `tf.sparse.add`.
    """
    threshold = lookup_renamed("threshold", threshold, "thresh", thresh)
    if not isinstance(a, _SPARSE) and not isinstance(b, _SPARSE):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if isinstance(a, _SPARSE) and isinstance(b, _SPARSE):
        return _sparse_sum(to_sparse_tensor(a), to_sparse_tensor(b), 0 if threshold is None else threshold)
    if isinstance(b, _SPARSE):
        a, b = b, a
    return raw("SparseTensorDenseAdd", *_parts(a), b)


def _sparse_sum(a: Any, b: Any, threshold: Any) -> Any:
    threshold = convert_to_tensor(threshold, dtype=a.values.dtype.real_dtype.base_dtype, name="threshold")
    indices, values, shape = raw("SparseAdd", *_parts(a), *_parts(b), threshold)
    a.get_shape().assert_is_compatible_with(b.get_shape())
    known = broadcasting.broadcast_static_shape(a.get_shape(), b.get_shape())
    return SparseTensor(indices, values, known.as_list() if known.is_fully_defined() else shape)


def sparse_dense_cwise_add(sp_t: Any, dense_t: Any) -> Any:
    """The elements of a sparse tensor plus those of a dense one at their places. Source: TF 1.15 `sparse_ops`."""
    return SparseTensor(sp_t.indices, raw("SparseDenseCwiseAdd", *_parts(sp_t), dense_t), sp_t.dense_shape)


def _extreme(op_type: str, sp_a: Any, sp_b: Any, name: str | None) -> Any:
    with name_scope(name, op_type, [sp_a.indices, sp_a.values, sp_b.indices, sp_b.values]) as scope:
        indices, values = raw(op_type, *_parts(sp_a), *_parts(sp_b), name=scope)
    return SparseTensor(indices, values, sp_a.dense_shape)


@export("sparse.maximum", "sparse_maximum")
def sparse_maximum(sp_a: Any, sp_b: Any, name: str | None = None) -> Any:
    """The larger of two sparse tensors' elements, where one has one. Source: TF 1.15 `tf.sparse.maximum`."""
    return _extreme("SparseSparseMaximum", sp_a, sp_b, name)


@export("sparse.minimum", "sparse_minimum")
def sparse_minimum(sp_a: Any, sp_b: Any, name: str | None = None) -> Any:
    """The smaller of two sparse tensors' elements, where one has one. Source: TF 1.15 `tf.sparse.minimum`."""
    return _extreme("SparseSparseMinimum", sp_a, sp_b, name)


@export("sparse.softmax", "sparse_softmax")
def sparse_softmax(sp_input: Any, name: str | None = None) -> Any:
    """The softmax over the elements of each row (last axis). Source: TF 1.15 `tf.sparse.softmax`."""
    with name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]):
        return SparseTensor(sp_input.indices, raw("SparseSoftmax", *_parts(sp_input)), sp_input.dense_shape)


def _reduced(op_type: str, sp_input: Any, axis: Any, keepdims: Any, reduction_axes: Any, keep_dims: Any) -> Any:
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    if reduction_axes is not None and axis is not None:
        raise ValueError("Can't specify both axis' and 'reduction_indices'.")
    dims = reduction.reduction_dims(sp_input, reduction_axes if axis is None else axis)
    return raw(op_type, *_parts(sp_input), dims, keep_dims=bool(keepdims))


@export("sparse.reduce_sum", "sparse_reduce_sum")
def sparse_reduce_sum(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The sums along axes (all of them for None), dense: the shape of the sparse tensor without these axes.

    >>> tf.sparse.reduce_sum(tf.SparseTensor([[0, 1]], [2.0], [2, 3]), axis=1).dtype
    tf.float32

    Source: TF 1.15 `tf.sparse.reduce_sum`.
    """
    return _reduced("SparseReduceSum", sp_input, axis, keepdims, reduction_axes, keep_dims)


@export("sparse.reduce_max", "sparse_reduce_max")
def sparse_reduce_max(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The largest elements along axes, dense; 0 where there are none. Source: TF 1.15 `tf.sparse.reduce_max`."""
    return _reduced("SparseReduceMax", sp_input, axis, keepdims, reduction_axes, keep_dims)


@export("sparse.reduce_sum_sparse", "sparse_reduce_sum_sparse")
def sparse_reduce_sum_sparse(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The sums along axes, sparse. Source: TF 1.15 `tf.sparse.reduce_sum_sparse`."""
    return SparseTensor(*_reduced("SparseReduceSumSparse", sp_input, axis, keepdims, reduction_axes, keep_dims))


@export("sparse.reduce_max_sparse", "sparse_reduce_max_sparse")
def sparse_reduce_max_sparse(
    sp_input: Any, axis: Any = None, keepdims: Any = None, reduction_axes: Any = None, keep_dims: Any = None
) -> Any:
    """The largest elements along axes, sparse. Source: TF 1.15 `tf.sparse.reduce_max_sparse`."""
    return SparseTensor(*_reduced("SparseReduceMaxSparse", sp_input, axis, keepdims, reduction_axes, keep_dims))


_ROWS = (sparse_dense_rows,)  # registers the op types
