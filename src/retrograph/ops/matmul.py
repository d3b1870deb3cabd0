"""Products of matrices: `matmul`, `matvec`, `tensordot`, `einsum`."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import takes_operators
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import (
    ShapeContext,
    broadcast,
    concatenate,
    merge,
    merge_dim,
    with_rank,
    with_rank_at_least,
)
from retrograph.ops import array, transposing
from retrograph.ops.cast import cast
from retrograph.ops.raw import raw
from retrograph.ops.reduction import reduce_prod, reduce_sum
from retrograph.ops.reduction_grad import conj as _conj
from retrograph.ops.sequence import range as range_
from retrograph.ops.window import on_cpu

_LARGE = 1 << 14
# So many times as many columns in one operand make the other a narrow one.
_NARROW = 4
# Columns of a matrix whose width is a multiple of this fall on few sets of the processor's cache.
_ALIASING_WIDTH = 512

# ---- rows


def _matmul_shape(c: ShapeContext) -> list[Shape]:
    a, b = with_rank(c, c.input(0), 2), with_rank(c, c.input(1), 2)
    rows, inner_a = (a[1], a[0]) if c.attr("transpose_a") else a
    inner_b, columns = (b[1], b[0]) if c.attr("transpose_b") else b
    merge_dim(c, inner_a, inner_b)
    return [(rows, columns)]


def _check_inner(op: Any, a: Any, b: Any) -> None:
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if np.ndim(a) != 2 or np.ndim(b) != 2:
        raise errors.InvalidArgumentError(None, op, "In[0] and In[1] are not matrices")
    if np.shape(a)[0 if ta else 1] != np.shape(b)[1 if tb else 0]:
        text = f"Matrix size-incompatible: In[0]: {to_text(np.shape(a))}, In[1]: {to_text(np.shape(b))}"
        raise errors.InvalidArgumentError(None, op, text)


def _matmul_lower(op: Any, a: Any, b: Any) -> Any:
    _check_inner(op, a, b)
    a, b = jnp.asarray(a), jnp.asarray(b)
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if ta and max(a.size, b.size) >= _LARGE and on_cpu():
        return _product_of_columns(a, b, tb)
    return lax.dot_general(a, b, (((0 if ta else 1,), (1 if tb else 0,)), ((), ())))


def _product_of_columns(a: Any, b: Any, transposed_b: bool) -> Any:
    """a^T b of [k, m] and [k, n], or a^T b^T of [k, m] and [n, k], as gradients of weights are.

    XLA's quicker products on CPU take rows only. A narrow b is turned first, and the product comes out turned (half of
    the time at 128 x 512 by 128 x 10); the barriers keep XLA from turning all back. Where columns of `a` fall on few sets
    of the cache, `a` is turned. Else the slower product costs no more than to copy.
    """
    m, columns = a.shape[1], b.shape[0 if transposed_b else 1]
    if columns * _NARROW <= m:
        rows = b if transposed_b else lax.optimization_barrier(b.T)
        return lax.optimization_barrier(rows @ a).T
    turned = m % _ALIASING_WIDTH == 0
    left = lax.optimization_barrier(a.T) if turned else a
    return lax.dot_general(left, b, (((1 if turned else 0,), (1 if transposed_b else 0,)), ((), ())))


def _matmul_numpy(op: Any, a: Any, b: Any) -> Any:
    _check_inner(op, a, b)
    return (a.T if op.attrs["transpose_a"] else a) @ (b.T if op.attrs["transpose_b"] else b)


def _product(x: Any, y: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    return apply_op("MatMul", None, a=x, b=y, transpose_a=transpose_a, transpose_b=transpose_b)


def _matmul_grad(op: Any, grad: Any) -> list[Any]:
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    a, b = map(_conj, op._inputs)
    if not ta:
        grad_a = _product(grad, b, transpose_b=not tb)
        grad_b = _product(grad, a, transpose_a=True) if tb else _product(a, grad, transpose_a=True)
    else:
        grad_a = _product(b, grad, transpose_a=tb, transpose_b=True)
        grad_b = _product(grad, a, transpose_a=True, transpose_b=True) if tb else _product(a, grad)
    return [grad_a, grad_b]


register_op("MatMul", shape=_matmul_shape, lower=_matmul_lower, numpy=_matmul_numpy, gradient=_matmul_grad)


def _sparse_matmul_lower(op: Any, a: Any, b: Any) -> Any:
    return _matmul_lower(op, jnp.asarray(a, np.float32), jnp.asarray(b, np.float32))


def _sparse_matmul_grad(op: Any, grad: Any) -> list[Any]:
    ta, tb = op.get_attr("transpose_a"), op.get_attr("transpose_b")
    a, b = op.inputs
    sparse = {
        id(a): op.get_attr("a_is_sparse"),
        id(b): op.get_attr("b_is_sparse"),
        id(grad): grad.op.type == "ReluGrad",
    }

    def product(t1: Any, t2: Any, dtype: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        is_sparse = sparse[id(t1)], sparse[id(t2)]
        if transpose_b:
            t2 = transposing.transpose(t2)
        made = matmul(t1, t2, transpose_a=transpose_a, a_is_sparse=is_sparse[0], b_is_sparse=is_sparse[1])
        return made if made.dtype == dtype else cast(made, dtype)

    if not ta:
        grad_a = product(grad, b, a.dtype, transpose_b=not tb)
        grad_b = product(grad, a, b.dtype, transpose_a=True) if tb else product(a, grad, b.dtype, transpose_a=True)
    else:
        grad_a = product(b, grad, a.dtype, transpose_a=tb, transpose_b=True)
        grad_b = product(grad, a, b.dtype, True, True) if tb else product(a, grad, b.dtype)
    return [grad_a, grad_b]


register_op("SparseMatMul", shape=_matmul_shape, lower=_sparse_matmul_lower, gradient=_sparse_matmul_grad)


def _split_batch(c: ShapeContext, index: int) -> tuple[Shape, int | None, int | None]:
    shape = with_rank_at_least(c, c.input(index), 2)
    return (None, None, None) if shape is None else (shape[:-2], shape[-2], shape[-1])


def _batch_shape_rule(combine: Any) -> Any:
    def rule(c: ShapeContext) -> list[Shape]:
        batch_a, rows, inner_a = _split_batch(c, 0)
        batch_b, inner_b, columns = _split_batch(c, 1)
        if c.attr("adj_x"):
            rows, inner_a = inner_a, rows
        if c.attr("adj_y"):
            inner_b, columns = columns, inner_b
        if combine is broadcast:
            merge_dim(c, inner_a, inner_b)
            return [concatenate(broadcast(batch_a, batch_b), (rows, columns))]
        batch = merge(c, batch_a, batch_b)
        merge_dim(c, inner_a, inner_b)
        return [concatenate(batch, (rows, columns))]

    return rule


def _check_batch(op: Any, x: Any, y: Any) -> None:
    for i, value in enumerate((x, y)):
        if np.ndim(value) < 2:
            raise errors.InvalidArgumentError(None, op, f"In[{i}] ndims must be >= 2: {np.ndim(value)}")
    inner_x, inner_y = np.shape(x)[-2 if op.attrs["adj_x"] else -1], np.shape(y)[-1 if op.attrs["adj_y"] else -2]
    if inner_x != inner_y:
        flags = f"{int(op.attrs['adj_x'])} {int(op.attrs['adj_y'])}"
        text = f"In[0] mismatch In[1] shape: {inner_x} vs. {inner_y}: {to_text(np.shape(x))} {to_text(np.shape(y))} {flags}"
        raise errors.InvalidArgumentError(None, op, text)
    try:
        np.broadcast_shapes(np.shape(x)[:-2], np.shape(y)[:-2])
    except ValueError:
        text = (
            f"In[0] and In[1] must have compatible batch dimensions: {to_text(np.shape(x))} vs. {to_text(np.shape(y))}"
        )
        raise errors.InvalidArgumentError(None, op, text) from None


def _batch_lower(op: Any, x: Any, y: Any) -> Any:
    _check_batch(op, x, y)
    x, y = jnp.asarray(x), jnp.asarray(y)
    adj_x, adj_y = op.attrs["adj_x"], op.attrs["adj_y"]
    x, y = jnp.conj(x) if adj_x else x, jnp.conj(y) if adj_y else y
    if x.shape[:-2] != y.shape[:-2]:
        return jnp.matmul(jnp.swapaxes(x, -1, -2) if adj_x else x, jnp.swapaxes(y, -1, -2) if adj_y else y)
    batch = tuple(range(x.ndim - 2))
    contract = ((x.ndim - 2 if adj_x else x.ndim - 1,), (y.ndim - 1 if adj_y else y.ndim - 2,))
    return lax.dot_general(x, y, (contract, (batch, batch)))


def _batch_numpy(op: Any, x: Any, y: Any) -> Any:
    _check_batch(op, x, y)
    x = np.conj(np.swapaxes(x, -1, -2)) if op.attrs["adj_x"] else x
    return x @ (np.conj(np.swapaxes(y, -1, -2)) if op.attrs["adj_y"] else y)


def _batch_products(op: Any, grad: Any) -> tuple[Any, Any]:
    x, y = op.inputs
    adj_x, adj_y = op.get_attr("adj_x"), op.get_attr("adj_y")
    if not adj_x:
        grad_x = matmul(grad, y, adjoint_b=not adj_y)
        grad_y = matmul(grad, x, adjoint_a=True) if adj_y else matmul(x, grad, adjoint_a=True)
    else:
        grad_x = matmul(y, grad, adjoint_a=adj_y, adjoint_b=True)
        grad_y = matmul(grad, x, adjoint_a=True, adjoint_b=True) if adj_y else matmul(x, grad)
    return grad_x, grad_y


def _batch_grad(op: Any, grad: Any) -> list[Any]:
    return list(_batch_products(op, grad))


def _batch_v2_grad(op: Any, grad: Any) -> list[Any]:
    x, y = op.inputs
    grad_x, grad_y = _batch_products(op, grad)
    if x._shape is not None and None not in x._shape and x._shape == y._shape:
        return [grad_x, grad_y]
    sx, sy = array.shape(x), array.shape(y)
    rx, ry = raw("BroadcastGradientArgs", sx[:-2], sy[:-2])
    grad_x = array.reshape(raw("Sum", grad_x, rx), sx)
    return [grad_x, array.reshape(raw("Sum", grad_y, ry), sy)]


register_op("BatchMatMul", shape=_batch_shape_rule(merge), lower=_batch_lower, numpy=_batch_numpy, gradient=_batch_grad)
register_op(
    "BatchMatMulV2", shape=_batch_shape_rule(broadcast), lower=_batch_lower, numpy=_batch_numpy, gradient=_batch_v2_grad
)


# ---- matmul


def _check_once(name: str, transpose: bool, adjoint: bool) -> None:
    if transpose and adjoint:
        raise ValueError(f"Only one of transpose_{name} and adjoint_{name} can be True.")


_SPARSE_TYPES = (dtypes.bfloat16, dtypes.float32)


def _uses_sparse(a: Tensor, b: Tensor, any_sparse: bool) -> bool:
    if dtypes.bfloat16 in (a.dtype, b.dtype) and a.dtype != b.dtype:
        return True
    return any_sparse and a.dtype in _SPARSE_TYPES and b.dtype in _SPARSE_TYPES


@export("linalg.matmul", "matmul")
@takes_operators
def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The product of the matrices in the last two axes of `a` and `b`; the other axes are broadcast.

    `f32[..., m, k]`, `f32[..., k, n]` -> `f32[..., m, n]`. The `is_sparse` hints choose the op type only.
    Raises ValueError: shapes do not fit, or transpose and adjoint are both asked for. Source: TF 1.15 `tf.matmul`.
    """
    with name_scope(name, "MatMul", [a, b]) as scope:
        _check_once("a", transpose_a, adjoint_a)
        _check_once("b", transpose_b, adjoint_b)
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        any_sparse = a_is_sparse or b_is_sparse
        if not any_sparse and any(t._shape is None or len(t._shape) > 2 for t in (a, b)):
            a, b = conj(a) if transpose_a else a, conj(b) if transpose_b else b
            return apply_op(  # type: ignore[no-any-return]
                "BatchMatMulV2", scope, x=a, y=b, adj_x=adjoint_a or transpose_a, adj_y=adjoint_b or transpose_b
            )
        a, b = conj(a) if adjoint_a else a, conj(b) if adjoint_b else b
        flags = {"transpose_a": transpose_a or adjoint_a, "transpose_b": transpose_b or adjoint_b}
        if not _uses_sparse(a, b, any_sparse):
            return apply_op("MatMul", scope, a=a, b=b, **flags)  # type: ignore[no-any-return]
        product = apply_op("SparseMatMul", scope, a=a, b=b, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse, **flags)
        both_half = a.dtype == dtypes.bfloat16 and b.dtype == dtypes.bfloat16
        return cast(product, dtypes.bfloat16) if both_half else product  # type: ignore[no-any-return]


def conj(x: Any) -> Any:
    """`tf.conj` of a tensor."""
    if x.dtype.is_floating or x.dtype.is_integer:
        return x
    with name_scope(None, "Conj", [x]) as scope:
        return apply_op("Conj", scope, input=x)


@export("linalg.matvec")
def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of matrices with vectors: `f32[..., m, k]`, `f32[..., k]` -> `f32[..., m]`.

    Source: TF 1.15 `tf.linalg.matvec`.
    """
    with name_scope(name, "MatVec", [a, b]):
        column = array.expand_dims(b, axis=-1)
        output = matmul(
            a, column, transpose_a=transpose_a, adjoint_a=adjoint_a, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse
        )
        return array.squeeze(output, axis=-1)


@export("sparse_matmul")
def sparse_matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices of which many elements are 0, f32.

    Source: TF 1.15 `tf.sparse_matmul`.
    """
    flags = {
        "transpose_a": transpose_a,
        "transpose_b": transpose_b,
        "a_is_sparse": a_is_sparse,
        "b_is_sparse": b_is_sparse,
    }
    return apply_op("SparseMatMul", name, a=a, b=b, **flags)  # type: ignore[no-any-return]


# ---- tensordot


def _as_matrix_static(a: Tensor, axes: Sequence[int], flipped: bool) -> tuple[Tensor, Any, Any]:
    sizes: Any = a.get_shape().as_list()
    axes = [i if i >= 0 else i + len(sizes) for i in axes]
    free = [i for i in range(len(sizes)) if i not in axes]
    free_dims = [sizes[i] for i in free]
    shape = [math.prod(free_dims), math.prod(sizes[i] for i in axes)]
    perm = [*axes, *free] if flipped else [*free, *axes]
    return array.reshape(transposing.transpose(a, perm), shape[::-1] if flipped else shape), free_dims, free_dims


def _free_axes(a: Tensor, axes: Any) -> tuple[Any, Any, Any, Any]:
    """(axes, free axes, shape of `a`, static sizes of the free axes) as tensors."""
    if a._shape is not None and isinstance(axes, (list, tuple)):
        sizes = a._shape
        axes = [i if i >= 0 else i + len(sizes) for i in axes]
        free = [i for i in range(len(sizes)) if i not in axes]
        static = [sizes[i] for i in free]
        axes_tensor = convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
        free_tensor = convert_to_tensor(free, dtype=dtypes.int32, name="free")
        return axes_tensor, free_tensor, array.shape(a), static
    shape, rank = array.shape(a), array.rank(a)
    axes = convert_to_tensor(axes, dtype=dtypes.int32, name="axes")
    axes = raw("Select", axes >= 0, axes, axes + rank)
    free = raw("ListDiff", range_(rank), axes, out_idx=dtypes.int32)[0]
    return axes, free, shape, None


def _as_matrix(a: Tensor, axes: Any, flipped: bool = False) -> tuple[Tensor, Any, Any]:
    """`a` with the axes to contract as one and the free ones as the other, and the sizes of the free ones."""
    if a.get_shape().is_fully_defined() and isinstance(axes, (list, tuple)):
        return _as_matrix_static(a, axes, flipped)
    axes, free, shape, static = _free_axes(a, axes)
    free_dims = raw("GatherV2", shape, free, 0)
    axes_dims = raw("GatherV2", shape, axes, 0)
    free_size, axes_size = reduce_prod(free_dims), reduce_prod(axes_dims)
    order, sizes = ([axes, free], [axes_size, free_size]) if flipped else ([free, axes], [free_size, axes_size])
    perm = raw("ConcatV2", order, 0, name="concat")
    new_shape = raw("Pack", sizes, name="stack")
    return array.reshape(transposing.transpose(a, perm), new_shape), free_dims, static


def _contracted_axes(a: Tensor, axes: Any) -> tuple[Any, Any]:
    if isinstance(axes, Integral):
        return _last_axes(a, int(axes))
    if not isinstance(axes, (list, tuple)):
        axes = convert_to_tensor(axes, name="axes", dtype=dtypes.int32)
        return axes[0], axes[1]
    if len(axes) != 2:
        raise ValueError("'axes' must be an integer or have length 2.")
    a_axes, b_axes = axes
    if isinstance(a_axes, Integral) and isinstance(b_axes, Integral):
        a_axes, b_axes = [a_axes], [b_axes]
    if len(a_axes) != len(b_axes):
        raise ValueError(f"Different number of contraction axes 'a' and 'b', {len(a_axes)} != {len(b_axes)}.")
    return a_axes, b_axes


def _last_axes(a: Tensor, count: int) -> tuple[Any, Any]:
    if count < 0:
        raise ValueError("'axes' must be at least 0.")
    if a._shape is None:
        rank: Any = array.rank(a)
        return range_(rank - count, rank, dtype=dtypes.int32), range_(count, dtype=dtypes.int32)
    rank = len(a._shape)
    if count > rank:
        raise ValueError(f"'axes' must not be larger than the number of dimensions of tensor {a}.")
    return list(range(rank - count, rank)), list(range(count))


@export("tensordot", "linalg.tensordot")
def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of products over `axes`: the last `axes` of `a` and first of `b` for an int, else a list for each.

    Raises ValueError: `axes` do not fit. Source: TF 1.15 `tf.tensordot`.
    """
    with name_scope(name, "Tensordot", [a, b, axes]) as scope:
        a, b = convert_to_tensor(a, name="a"), convert_to_tensor(b, name="b")
        a_axes, b_axes = _contracted_axes(a, axes)
        a_matrix, a_dims, a_static = _as_matrix(a, a_axes)
        b_matrix, b_dims, b_static = _as_matrix(b, b_axes, True)
        product = matmul(a_matrix, b_matrix)
        if isinstance(a_dims, list) and isinstance(b_dims, list):
            return array.reshape(product, a_dims + b_dims, name=scope)
        a_dims, b_dims = convert_to_tensor(a_dims, dtype=dtypes.int32), convert_to_tensor(b_dims, dtype=dtypes.int32)
        product = array.reshape(product, raw("ConcatV2", [a_dims, b_dims], 0, name="concat"), name=scope)
        if a_static is not None and b_static is not None:
            product.set_shape(a_static + b_static)
        return product


# ---- einsum

_EQUATION = re.compile(r"^([a-zA-Z,.]+)(->[a-zA-Z.]*)?$")


def _ellipsis_labels(labels: str, rank: int | None, unused: str) -> str:
    """The letters that stand for the ellipsis of one input."""
    parts = labels.split("...")
    if len(parts) != 2:
        raise ValueError("Unable to resolve ellipsis. Excess number found.")
    if rank is None:
        raise ValueError("Unable to statically infer ellipsis axes.")
    count = rank - len("".join(parts))
    if count < 0:
        raise ValueError("Ellipses lengths do not match.")
    if len(unused) < count:
        raise ValueError("Unable to resolve ellipsis, too many distinct labels.")
    return unused[-count:] if count else ""


def _resolved_ellipses(
    inputs: list[str], output: str | None, ranks: list[int | None]
) -> tuple[list[str], str | None, str]:
    unused = "".join(c for c in string.ascii_letters if c not in "".join(inputs))
    longest = ""
    for i, labels in enumerate(inputs):
        if "..." in labels:
            letters = _ellipsis_labels(labels, ranks[i], unused)
            inputs[i] = labels.replace("...", letters)
            longest = max(longest, letters, key=len)
    if any("." in labels for labels in inputs):
        raise ValueError('period "." found outside of ellipsis')
    if output is not None:
        output = output.replace("...", longest)
        if "." in output:
            raise ValueError('period "." found outside of ellipsis')
    return inputs, output, longest


def _resolved_equation(equation: str, ranks: list[int | None]) -> tuple[list[str], str]:
    """The labels of the axes of each input, and of the output, without ellipses."""
    equation = equation.replace(" ", "")
    match = _EQUATION.match(equation)
    if not match:
        raise ValueError(f"Indices have incorrect format: {equation}")
    inputs = match.group(1).split(",")
    output = match.group(2)[2:] if match.group(2) else None
    if len(ranks) != len(inputs):
        raise ValueError(f'Got {len(ranks)} arguments for equation "{equation}", expecting {len(inputs)}')
    ellipsis = ""
    if "..." in equation:
        inputs, output, ellipsis = _resolved_ellipses(inputs, output, ranks)
    if output is None:
        letters = "".join(inputs)
        output = ellipsis + "".join(sorted(c for c in set(letters) - set(ellipsis) if letters.count(c) == 1))
    return inputs, output


def _transposed(tensor: Tensor, perm: list[int]) -> Tensor:
    return tensor if perm == list(range(len(perm))) else transposing.transpose(tensor, perm=perm)


def _reshaped(tensor: Tensor, shape: Sequence[Any]) -> Tensor:
    wanted = tuple(-1 if d is None else d for d in shape)
    known = tensor.get_shape().as_list() if tensor.get_shape().ndims is not None else None  # a variable has no _shape
    if (
        known is not None
        and len(wanted) == len(known)
        and all(not isinstance(w, Tensor) and (k == w or w == -1) for k, w in zip(known, wanted, strict=True))
    ):
        return tensor
    return array.reshape(tensor, wanted)


def _sizes(tensor: Tensor) -> list[Any]:
    """The sizes of the axes: ints where they are known, else tensors."""
    sizes: list[Any] = tensor.get_shape().as_list()
    unknown = [i for i, d in enumerate(sizes) if d is None]
    if unknown:
        shape: Any = array.shape(tensor)
        for i in unknown:
            sizes[i] = shape[i]
    return sizes


def _product_of(sizes: Sequence[Any]) -> Any:
    result: Any = 1
    for size in sizes:
        result *= size
    return result


def _check_labels(which: str, tensor: Tensor, labels: str) -> None:
    rank = len(tensor.get_shape())
    if len(labels) != rank:
        raise ValueError(f"Tensor {which} of rank {rank} does not match einsum reduction of length {len(labels)}")


def _pairwise(t0: Tensor, labels0: str, t1: Tensor, labels1: str, summed: set[str]) -> tuple[Tensor, str]:
    """The product of two inputs, summed over the axes that no later input nor the output has."""
    _check_labels("t0", t0, labels0)
    _check_labels("t1", t1, labels1)
    kept = (set(labels0) & set(labels1)) - summed
    own0, own1 = set(labels0) - kept - summed, set(labels1) - kept - summed

    def key(index: int, label: str) -> tuple[int, str]:
        if label in kept:
            return -1, label
        first = label in own0 if index == 0 else label in summed
        return (0 if first else 1), label

    order0 = sorted(labels0, key=lambda label: key(0, label))
    order1 = sorted(labels1, key=lambda label: key(1, label))
    t0 = _transposed(t0, [labels0.find(c) for c in order0])
    t1 = _transposed(t1, [labels1.find(c) for c in order1])
    if not summed:
        for _ in own1:
            t0 = array.expand_dims(t0, -1)
        for _ in own0:
            t1 = array.expand_dims(t1, len(kept))
        return raw("Mul", t0, t1), "".join(order0 + order1[len(kept) :])
    return _contracted(t0, t1, len(kept), len(own0), len(own1), len(summed)), "".join(
        order0[: len(kept) + len(own0)] + order1[len(order1) - len(own1) :]
    )


def _contracted(t0: Tensor, t1: Tensor, kept: int, own0: int, own1: int, summed: int) -> Tensor:
    sizes0 = _sizes(t0)
    free0, inner0 = _product_of(sizes0[kept:-summed]), _product_of(sizes0[-summed:])
    t0 = _reshaped(t0, [*sizes0[:kept], free0, inner0])
    sizes1 = _sizes(t1)
    free1 = _product_of(sizes1[kept + summed :])
    t1 = _reshaped(t1, [*sizes1[:kept], inner0, free1])
    return _reshaped(matmul(t0, t1), sizes0[: kept + own0] + sizes1[len(sizes1) - own1 :])


def _all_at_once(inputs: list[Tensor], labels: list[str], output: str) -> Tensor:
    """The product of all inputs broadcast over all axes, then summed: for axes that more than two inputs share."""
    letters = sorted(set("".join(labels) + output))
    order = {c: i for i, c in enumerate([c for c in letters if c not in output] + list(output))}
    shapes = []
    for i, axes in enumerate(labels):
        if len(inputs[i].get_shape()) != len(axes):
            raise ValueError(
                f"Input {i} with axes {axes} has incorrect number of dimensions (expected {len(axes)}, got {len(inputs[i].get_shape())})"
            )
        ordered = sorted(axes, key=order.__getitem__)
        if list(axes) != ordered:
            inputs[i] = transposing.transpose(inputs[i], [axes.find(c) for c in ordered])
        labels[i] = "".join(ordered)
        shapes.append([d or -1 for d in inputs[i].get_shape().as_list()])
    for position, label in enumerate(sorted(letters, key=order.__getitem__)):
        _insert_axis(label, position, labels, shapes)
    product: Any = 1
    for tensor in [array.reshape(t, s) for t, s in zip(inputs, shapes, strict=True)]:
        product *= tensor
    return reduce_sum(product, [i for i, c in enumerate(sorted(letters, key=order.__getitem__)) if c not in output])


def _insert_axis(label: str, position: int, labels: list[str], shapes: list[list[int]]) -> None:
    sizes = set()
    for axes, shape in zip(labels, shapes, strict=True):
        if label not in axes:
            shape.insert(position, 1)
        elif shape[position] > 1:
            sizes.add(shape[position])
    if len(sizes) > 1:
        raise ValueError(f"Dimension mismatch on axis: {label}")


def _is_trace(axes: str) -> bool:
    return axes == axes[::-1] and any(axes.count(c) == 2 for c in axes)


def _check_distinct(labels: list[str]) -> None:
    for axes in labels:
        if len(set(axes)) != len(axes):
            raise ValueError(f"Subscript not supported: an axis appears more than once: {axes}")


@export("einsum", "linalg.einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of products that `equation` says, such as `"bij,bjk->bik"`.

    Raises ValueError: the equation is wrong or has an axis twice in one input. Source: TF 1.15 `tf.einsum`.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise TypeError("invalid keyword arguments for this function: " + ", ".join(sorted(kwargs)))
    with name_scope(name, "einsum", [equation, inputs]):
        tensors = list(inputs)
        labels, output = _resolved_equation(equation, [t.get_shape().ndims for t in tensors])
        if len(labels) == 1 and "->" not in equation and _is_trace(labels[0]):
            from retrograph.ops.linalg import trace  # linalg builds on this module

            return trace(tensors[0])
        _check_distinct(labels)
        shared = set("".join(labels)) - set(output)
        if any(sum(c in axes for axes in labels) > 2 for c in shared):
            return _all_at_once(tensors, labels, output)
        return _one_by_one(tensors, labels, output, equation)


def _one_by_one(tensors: list[Any], labels: list[str], output: str, equation: str) -> Tensor:
    result, axes = tensors[0], labels[0]
    for tensor, other in zip(tensors[1:], labels[1:], strict=True):
        summed = set(axes) & set(other) - set(output)
        result, axes = _pairwise(result, axes, tensor, other, summed)
    if set(axes) - set(output):
        result = reduce_sum(result, axis=[i for i, c in enumerate(axes) if c not in output])
        axes = "".join(c for c in axes if c in output)
    if sorted(axes) != sorted(output):
        raise ValueError(f"Invalid equation: {equation}")
    return _transposed(result, [axes.index(c) for c in output])
