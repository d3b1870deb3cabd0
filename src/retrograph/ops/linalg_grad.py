"""Gradients of linear algebra, as graph operations."""

from __future__ import annotations

from typing import Any

from retrograph.framework.graph import colocate_with, control_dependencies
from retrograph.ops import array
from retrograph.ops.matmul import matmul
from retrograph.ops.raw import raw


def _adjoint(matrix: Any) -> Any:
    return array.matrix_transpose(matrix, conjugate=True)


def _band(x: Any, lower: int, upper: int) -> Any:
    return raw("MatrixBandPart", x, lower, upper)


def _diag_part(x: Any) -> Any:
    return raw("MatrixDiagPart", x, name="diag_part")


def _set_diag(x: Any, diagonal: Any) -> Any:
    return raw("MatrixSetDiag", x, diagonal, name="set_diag")


def _diag(x: Any) -> Any:
    return raw("MatrixDiag", x, name="diag")


# ---- diagonals


def diag_grad(op: Any, grad: Any) -> Any:
    """The diagonal of the gradient."""
    return raw("DiagPart", grad)


def diag_part_grad(op: Any, grad: Any) -> Any:
    """The gradient on a diagonal."""
    return raw("Diag", grad)


def matrix_diag_grad(op: Any, grad: Any) -> Any:
    """The diagonals of the gradient."""
    return _diag_part(grad)


def matrix_diag_part_grad(op: Any, grad: Any) -> Any:
    """The gradient on diagonals."""
    shape = op.inputs[0]._shape
    if shape is not None and shape[-1] is not None and shape[-1] == shape[-2]:
        return _diag(grad)
    return _set_diag(array.zeros_like(op.inputs[0]), grad)


def _static_diagonal_shape(op: Any, grad: Any) -> list[int] | None:
    shape = op.inputs[0].get_shape().merge_with(grad.get_shape())
    batch = shape[:-2].merge_with(op.inputs[1].get_shape()[:-1])
    if not (batch.is_fully_defined() and shape[-2:].is_fully_defined()):
        return None
    return [*batch.as_list(), min(shape[-2:].as_list())]


def matrix_set_diag_grad(op: Any, grad: Any) -> list[Any]:
    """The gradient without its diagonals, and those."""
    diag_shape: Any = _static_diagonal_shape(op, grad)
    if diag_shape is None:
        with colocate_with(grad):
            grad_shape: Any = array.shape(grad)
            rank: Any = array.rank(grad)
            batch = raw("Slice", grad_shape, [0], [rank - 2])
            matrix = raw("Slice", grad_shape, [rank - 2], [2])
            smallest = raw("Min", matrix, 0)
            diag_shape = raw("ConcatV2", [batch, [smallest]], 0, name="concat")
    grad_input = _set_diag(grad, array.zeros(diag_shape, dtype=grad.dtype))
    return [grad_input, _diag_part(grad)]


def band_part_grad(op: Any, grad: Any) -> list[Any]:
    """The band of the gradient."""
    return [raw("MatrixBandPart", grad, op.inputs[1], op.inputs[2]), None, None]


# ---- solving


def inverse_grad(op: Any, grad: Any) -> Any:
    """-ainv^H dy ainv^H."""
    inverse = op.outputs[0]
    return -matmul(inverse, matmul(grad, inverse, adjoint_b=True), adjoint_a=True)


def _spread(values: Any, like: Any) -> Any:
    return array.reshape(values, raw("ConcatV2", [array.shape(like), [1, 1]], 0, name="concat"))


def determinant_grad(op: Any, grad: Any) -> Any:
    """dy * det * a^-H."""
    a, c = op.inputs[0], op.outputs[0]
    inverse = raw("MatrixInverse", a, adjoint=True)
    return _spread(grad * c, c) * inverse


def log_determinant_grad(op: Any, grad_sign: Any, grad: Any) -> Any:
    """dy * a^-H."""
    a, c = op.inputs[0], op.outputs[1]
    inverse = raw("MatrixInverse", a, adjoint=True)
    return _spread(grad, c) * inverse


def _grad_of_matrix(c: Any, grad_b: Any, adjoint: bool) -> Any:
    return -(matmul(c, grad_b, adjoint_b=True) if adjoint else matmul(grad_b, c, adjoint_b=True))


def solve_grad(op: Any, grad: Any) -> list[Any]:
    """-db c^H, a^-H dc."""
    adjoint = op.get_attr("adjoint")
    grad_b = raw("MatrixSolve", op.inputs[0], grad, adjoint=not adjoint)
    return [_grad_of_matrix(op.outputs[0], grad_b, adjoint), grad_b]


def triangular_solve_grad(op: Any, grad: Any) -> list[Any]:
    """As `solve_grad`, one triangle of it."""
    adjoint, lower = op.get_attr("adjoint"), op.get_attr("lower")
    grad_b = raw("MatrixTriangularSolve", op.inputs[0], grad, lower=lower, adjoint=not adjoint)
    grad_a = _grad_of_matrix(op.outputs[0], grad_b, adjoint)
    return [_band(grad_a, -1, 0) if lower else _band(grad_a, 0, -1), grad_b]


# ---- decompositions


def cholesky_grad(op: Any, grad: Any) -> Any:
    """The symmetric gradient, from two triangular products."""
    from retrograph.ops.linalg import eye  # linalg builds on this module

    l = op.outputs[0]
    rows = array.shape(l)[-1]  # type: ignore[index]
    batch = array.shape(l)[:-2]  # type: ignore[index]
    inverse = raw("MatrixTriangularSolve", l, eye(rows, batch_shape=batch, dtype=l.dtype))
    middle = matmul(l, grad, adjoint_a=True)
    middle = _set_diag(middle, 0.5 * _diag_part(middle))
    middle = _band(middle, -1, 0)
    grad_a: Any = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
    grad_a += _adjoint(grad_a)
    return grad_a * 0.5


def _check_qr(q: Any, r: Any) -> None:
    if q.dtype.is_complex:
        raise NotImplementedError(f"QrGrad not implemented for dtype: {q.dtype}")
    shape = r._shape
    if shape is None or None in shape[-2:]:
        raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
    if shape[-2] != shape[-1]:
        raise NotImplementedError("QrGrad not implemented when ncols > nrows or full_matrices is true and ncols != nrows.")


def qr_grad(op: Any, dq: Any, dr: Any) -> Any:
    """The gradient of both factors."""
    q, r = op.outputs
    _check_qr(q, r)

    def solve(x: Any) -> Any:
        return _adjoint(raw("MatrixTriangularSolve", r, _adjoint(x), lower=False, adjoint=False))

    qdq: Any = matmul(q, dq, adjoint_a=True)
    skew_q = qdq - _adjoint(qdq)
    rdr: Any = matmul(r, dr, adjoint_b=True)
    skew_r = rdr - _adjoint(rdr)
    tril = _band(skew_q + skew_r, -1, 0)
    grad_a: Any = matmul(q, dr + solve(tril))
    return grad_a + solve(dq - matmul(q, qdq))


def eigh_grad(op: Any, grad_e: Any, grad_v: Any) -> Any:
    """The gradient of the lower triangle."""
    e = op.outputs[0]
    with control_dependencies([grad_e, grad_v]):
        if op.get_attr("compute_v"):
            v = op.outputs[1]
            gaps = array.expand_dims(e, -2) - array.expand_dims(e, -1)  # type: ignore[operator]
            f = _set_diag(raw("Reciprocal", gaps), array.zeros_like(e))
            inner = _diag(grad_e) + f * matmul(v, grad_v, adjoint_a=True)
        else:
            v = raw("SelfAdjointEigV2", op.inputs[0], compute_v=True)[1]
            inner = _diag(grad_e)
        grad_a: Any = matmul(v, matmul(inner, v, adjoint_b=True))
        grad_a = _band(grad_a + _adjoint(grad_a), -1, 0)
        return _set_diag(grad_a, 0.5 * _diag_part(grad_a))
