"""What singular values tell of matrices: norm, normalize, matrix_rank, pinv."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.ops import array, math, transposing
from retrograph.ops.array import lookup_renamed
from retrograph.ops.linalg import svd
from retrograph.ops.raw import raw
from retrograph.ops.reduction import reduce_max, reduce_sum

_MATRIX_NORMS = ["euclidean", "fro", 1, 2, np.inf]
_VECTOR_NORMS = ["euclidean", 1, 2, np.inf]
_NO_AXES = "'axis' must be None, an integer, or a tuple of 2 unique integers"


def _checked_axis(ord: Any, axis: Any) -> tuple[Any, bool]:
    """(axis as a tuple or None, whether it is a matrix norm)."""
    if isinstance(axis, (tuple, list)) and len(axis) == 2:
        axis = tuple(axis)
        if not isinstance(axis[0], int) or not isinstance(axis[1], int) or axis[0] == axis[1]:
            raise ValueError(_NO_AXES)
        if ord not in _MATRIX_NORMS:
            raise ValueError(f"'ord' must be a supported matrix norm in {_MATRIX_NORMS}, got {ord}")
        return axis, True
    if not (isinstance(axis, int) or axis is None):
        raise ValueError(_NO_AXES)
    if (not np.isreal(ord) or ord <= 0) and ord not in _VECTOR_NORMS:
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    return None if axis is None else (axis,), False


def _dynamic_order(tensor: Tensor, axis: tuple[int, int]) -> tuple[Any, Any]:
    rank: Any = array.rank(tensor)
    last = (convert_to_tensor(list(axis)) + rank) % rank
    others = raw("ListDiff", math.range(rank), last, out_idx=dtypes.int32)[0]
    perm = raw("ConcatV2", [others, last], 0, name="concat")
    return perm, transposing.invert_permutation(perm)


def _static_order(rank: int, axis: tuple[int, int]) -> tuple[list[int], list[int]]:
    last = [a % rank for a in axis]
    perm = [i for i in range(rank) if i not in last] + last
    return perm, [perm.index(i) for i in range(rank)]


def _spectral_norm(tensor: Tensor, axis: tuple[int, int]) -> Tensor:
    rank = tensor.get_shape().ndims
    perm, inverse = _dynamic_order(tensor, axis) if rank is None else _static_order(rank, axis)
    values = svd(transposing.transpose(tensor, perm=perm), compute_uv=False)
    greatest = array.expand_dims(reduce_max(math.abs(values), axis=-1, keepdims=True), axis=-1)
    return transposing.transpose(greatest, perm=inverse)


def _norm_value(tensor: Any, ord: Any, axis: Any, is_matrix: bool) -> Any:
    if ord in ["fro", "euclidean", 2, 2.0]:
        if is_matrix and ord in [2, 2.0]:
            return _spectral_norm(tensor, axis)
        return math.sqrt(reduce_sum(tensor * math.conj(tensor), axis, keepdims=True))
    result: Any = math.abs(tensor)
    first = None if axis is None else axis[0]
    if ord == 1:
        result = reduce_sum(result, first, keepdims=True)
        return reduce_max(result, axis[-1], keepdims=True) if is_matrix else result
    if ord == np.inf:
        result = reduce_sum(result, axis[1], keepdims=True) if is_matrix else result
        return reduce_max(result, first, keepdims=True)
    return math.pow(reduce_sum(math.pow(result, ord), axis, keepdims=True), 1.0 / ord)


@export("norm", "linalg.norm")
def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:
    """The norm of the vectors along `axis`, of the matrices along two axes, or of all elements for None.

    `ord`: 'euclidean', 'fro', 1, 2, inf or another positive number. Raises ValueError: other values.
    Source: TF 1.15 `tf.norm`.
    """
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    axis, is_matrix = _checked_axis(ord, axis)
    with name_scope(name, "norm", [tensor]):
        result = _norm_value(convert_to_tensor(tensor), ord, axis, is_matrix)
        return result if keepdims else array.squeeze(result, axis)


@export("linalg.normalize")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """(`tensor` divided by its norm along `axis`, that norm with `axis` kept as 1).

    >>> unit, size = tf.linalg.normalize(tf.ones([2, 3]), axis=1)
    >>> size.shape
    TensorShape([Dimension(2), Dimension(1)])

    Source: TF 1.15 `tf.linalg.normalize`.
    """
    with name_scope(name, "normalize", [tensor]):
        tensor = convert_to_tensor(tensor)
        size = norm(tensor, ord, axis, keepdims=True)
        size = math.cast(size, tensor.dtype)
        return tensor / size, size


def _check_matrix(a: Tensor) -> None:
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    rank = a.get_shape().ndims
    if rank is not None and rank < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {rank}).")


def _greatest_size(a: Any) -> Any:
    sizes = a.get_shape()[-2:]
    return max(sizes.as_list()) if sizes.is_fully_defined() else reduce_max(array.shape(a)[-2:])


@export("linalg.matrix_rank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The number of singular values above `tol`, i32[...]. Source: TF 1.15 `tf.linalg.matrix_rank`."""
    with name_scope(name or "matrix_rank"):
        a = convert_to_tensor(a, dtype_hint=dtypes.float32, name="a")
        _check_matrix(a)
        s = svd(a, compute_uv=False)
        if tol is None:
            eps = np.finfo(a.dtype.as_numpy_dtype).eps
            tol = eps * math.cast(_greatest_size(a), a.dtype) * reduce_max(s, axis=-1, keepdims=True)
        return reduce_sum(math.cast(s > tol, dtypes.int32), axis=-1)


@export("linalg.pinv")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """The Moore-Penrose pseudo-inverse of matrices. Source: TF 1.15 `tf.linalg.pinv`."""
    with name_scope(name or "pinv"):
        a = convert_to_tensor(a, name="a")
        _check_matrix(a)
        if rcond is None:
            rcond = 10.0 * _greatest_size(a) * np.finfo(a.dtype.as_numpy_dtype).eps
        rcond = convert_to_tensor(rcond, dtype=a.dtype, name="rcond")
        s, u, v = svd(a, full_matrices=False, compute_uv=True)
        cutoff = rcond * reduce_max(s, axis=-1)
        s = raw("SelectV2", s > array.expand_dims(cutoff, -1), s, np.array(np.inf, a.dtype.as_numpy_dtype))
        inverse = math.matmul(v / array.expand_dims(s, -2), u, adjoint_b=True)
        shape = a.get_shape()
        if shape.ndims is not None:
            inverse.set_shape(shape[:-2].concatenate(TensorShape([shape[-1], shape[-2]])))
        return inverse
