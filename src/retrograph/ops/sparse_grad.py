"""Gradients of the op types of sparse tensors, in terms of other operations."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array, math, transposing
from retrograph.ops.gather import gather, gather_nd
from retrograph.ops.raw import raw


def reorder_grad(op: Any, indices_grad: Any, values_grad: Any) -> list[Any]:
    """The gradient of the values, in the order in which they came."""
    from retrograph.ops.sparse import sparse_reorder

    rows: Any = array.shape(op.inputs[0])
    ordered = sparse_reorder(SparseTensor(op.inputs[0], math.range(rows[0]), op.inputs[2]))
    return [None, gather(values_grad, transposing.invert_permutation(ordered.values)), None]


def slice_grad(op: Any, *grads: Any) -> list[Any]:
    """The gradient of the values that were kept, 0 for the others."""
    grad = raw("SparseSliceGrad", grads[1], op.inputs[0], op.inputs[3], op.outputs[0])
    grad.set_shape(op.inputs[1].get_shape())
    return [None, grad, None, None, None]


def fill_empty_rows_grad(op: Any, indices_grad: Any, values_grad: Any, *others: Any) -> list[Any]:
    """The gradients of the values, and of the default value: the sum over the rows that it filled."""
    of_values, of_default = raw("SparseFillEmptyRowsGrad", op.outputs[3], values_grad)
    return [None, of_values, None, of_default]


def add_grad(op: Any, *grads: Any) -> list[Any]:
    """The gradients of both operands' values."""
    a, b = raw("SparseAddGrad", grads[1], op.inputs[0], op.inputs[3], op.outputs[0])
    a.set_shape(op.inputs[1].get_shape())
    b.set_shape(op.inputs[4].get_shape())
    return [None, a, None, None, b, None, None]


def reduce_sum_grad(op: Any, grad: Any) -> list[Any]:
    """The gradient of the sum that each value went into."""
    from retrograph.ops.reduction_grad import reduced_shape

    indices, shape = op.inputs[0], op.inputs[2]
    kept = reduced_shape(shape, op.inputs[3])
    grad = array.reshape(grad, kept)
    scale = shape // math.cast(kept, dtypes.int64)
    return [None, gather_nd(grad, indices // scale), None, None]


def softmax_grad(op: Any, grad: Any) -> list[Any]:
    """`(grad - sum(grad * out)) * out`, the sum over each row."""
    from retrograph.ops.sparse import sparse_reduce_sum

    indices, shape, out = op.inputs[0], op.inputs[2], op.outputs[0]
    output, given = SparseTensor(indices, out, shape), SparseTensor(indices, grad, shape)
    product = SparseTensor(indices, output.values * given.values, shape)
    total = -sparse_reduce_sum(product, [-1], keepdims=True)
    summed = SparseTensor(
        given.indices,
        raw("SparseDenseCwiseAdd", given.indices, given.values, given.dense_shape, total),
        given.dense_shape,
    )
    return [None, summed.values * output.values, None]


def to_dense_grad(op: Any, grad: Any) -> list[Any]:
    """The gradients of the values and of the default value."""
    indices, shape = op.inputs[0], op.inputs[1]
    of_values = gather_nd(grad, indices)
    of_default = math.reduce_sum(grad) - math.reduce_sum(of_values)
    return [array.zeros_like(indices), array.zeros_like(shape), of_values, of_default]


def matmul_grad(op: Any, grad: Any) -> list[Any]:
    """The gradients of the sparse matrix' values and of the dense matrix."""
    indices, values, shape, b = op.inputs
    adjoint_a, adjoint_b = op.get_attr("adjoint_a"), op.get_attr("adjoint_b")
    if values.dtype.is_complex:
        raise NotImplementedError("SparseTensorDenseMatMul op does not support complex gradients.")
    of_b = raw("SparseTensorDenseMatMul", indices, values, shape, grad, adjoint_a=not adjoint_a)
    if adjoint_b:
        of_b = transposing.transpose(of_b)
    rows, columns = indices[:, 0], indices[:, 1]
    if adjoint_a:
        rows, columns = columns, rows
    from_grad = gather(grad, rows)
    from_b = gather(transposing.transpose(b) if adjoint_b else b, columns)
    return [None, math.reduce_sum(from_grad * from_b, axis=1), None, of_b]
