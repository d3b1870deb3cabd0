"""Gradients of linear algebra, as graph operations."""

from __future__ import annotations

from typing import Any

from retrograph.framework.constants import constant
from retrograph.framework.default_graph import colocate_with, control_dependencies, name_scope
from retrograph.ops import array, transposing
from retrograph.ops.matmul import matmul
from retrograph.ops.raw import raw


def _adjoint(matrix: Any) -> Any:
    with name_scope(None, "adjoint", [matrix]):
        return transposing.matrix_transpose(matrix, conjugate=True)


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
    rows = array.shape(l)[-1]
    batch = array.shape(l)[:-2]
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
        raise NotImplementedError(
            "QrGrad not implemented when ncols > nrows or full_matrices is true and ncols != nrows."
        )


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
            gaps = array.expand_dims(e, -2) - array.expand_dims(e, -1)
            f = _set_diag(raw("Reciprocal", gaps), array.zeros_like(e))
            inner = _diag(grad_e) + f * matmul(v, grad_v, adjoint_a=True)
        else:
            v = raw("SelfAdjointEigV2", op.inputs[0], compute_v=True)[1]
            inner = _diag(grad_e)
        grad_a: Any = matmul(v, matmul(inner, v, adjoint_b=True))
        grad_a = _band(grad_a + _adjoint(grad_a), -1, 0)
        return _set_diag(grad_a, 0.5 * _diag_part(grad_a))


def _singular_values_grad(op: Any, grad_s: Any) -> Any:
    diagonal = _diag(grad_s)
    _, u, v = raw("Svd", op.inputs[0], compute_uv=True)
    grad_a: Any = matmul(u, matmul(diagonal, v, adjoint_b=True))
    grad_a.set_shape(op.inputs[0].get_shape())
    return grad_a


def _svd_sizes(op: Any, grad_u: Any, grad_v: Any) -> tuple[Any, int, int]:
    """(shape of the matrices, rows, columns), as far as the gradients tell them."""
    shape = op.inputs[0].get_shape().with_rank_at_least(2)
    shape_u, shape_v = grad_u.get_shape().with_rank_at_least(2), grad_v.get_shape().with_rank_at_least(2)
    m, n = shape.dims[-2].merge_with(shape_u[-2]).value, shape.dims[-1].merge_with(shape_v[-2]).value
    batch = shape[:-2].merge_with(shape_u[:-2]).merge_with(shape_v[:-2])
    if m is None or n is None:
        raise NotImplementedError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    return batch.concatenate([m, n]), m, n


def svd_grad(op: Any, grad_s: Any, grad_u: Any, grad_v: Any) -> Any:
    """The gradient of the singular values and vectors.

    Source: https://people.maths.ox.ac.uk/gilesm/files/NA-08-01.pdf
    """
    if not op.get_attr("compute_uv"):
        return _singular_values_grad(op, grad_s)
    grad_s_mat = _diag(grad_s)
    full = op.get_attr("full_matrices")
    if op.inputs[0].dtype.is_complex:
        raise NotImplementedError("SVD gradient is not implemented for complex types and compute_uv=True.")
    shape, m, n = _svd_sizes(op, grad_u, grad_v)
    s, u, v = op.outputs
    transposed = m > n
    if transposed:
        m, n, u, v, grad_u, grad_v = n, m, v, u, grad_v, grad_u
    with control_dependencies([grad_s, grad_u, grad_v]):
        if full and abs(m - n) > 1:
            raise NotImplementedError("svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True")
        grad_a = _svd_product(s, u, v, (grad_s_mat, grad_u, grad_v), (m, n), full)
        if transposed:
            grad_a = transposing.matrix_transpose(grad_a)
        grad_a.set_shape(shape)
        return grad_a


def _inverse_gaps(s: Any) -> Any:
    """1 / (s_j² - s_i²), 0 on the diagonal."""
    from retrograph.ops.linalg import eye  # linalg builds on this module

    squares = raw("Square", s)
    s_shape: Any = array.shape(s)
    identity = eye(s_shape[-1], batch_shape=s_shape[:-1], dtype=s.dtype)
    gaps = array.expand_dims(squares, -2) - array.expand_dims(squares, -1) + identity
    return _set_diag(raw("Reciprocal", gaps), array.zeros_like(s))


def _svd_product(s: Any, u: Any, v: Any, grads: tuple[Any, Any, Any], sizes: tuple[int, int], full: bool) -> Any:
    grad_s_mat, grad_u, grad_v = grads
    m, n = sizes
    s_mat = _diag(s)
    f = _inverse_gaps(s)
    inverse_s = _diag(raw("Reciprocal", s))
    v1, grad_v1 = v[..., :, :m], grad_v[..., :, :m]
    u_gu, v_gv = matmul(u, grad_u, adjoint_a=True), matmul(v1, grad_v1, adjoint_a=True)
    f_u, f_v = f * u_gu, f * v_gv
    inner: Any = grad_s_mat + matmul(f_u + _adjoint(f_u), s_mat) + matmul(s_mat, f_v + _adjoint(f_v))
    term1: Any = matmul(u, matmul(inner, v1, adjoint_b=True))
    if m == n:
        return term1
    gv1t: Any = transposing.matrix_transpose(grad_v1)
    rest = gv1t - matmul(matmul(gv1t, v1), v1, adjoint_b=True)
    if full:
        v2, grad_v2 = v[..., :, m:n], grad_v[..., :, m:n]
        rest -= matmul(matmul(v1, grad_v2, adjoint_a=True), v2, adjoint_b=True)
    return term1 + matmul(matmul(u, inverse_s), rest)


def _kronecker(b1: Any, b2: Any) -> Any:
    s1, s2 = array.shape(b1), array.shape(b2)
    order1, order2 = s1[-1], s2[-1]
    batch = raw("Slice", s1, [0], [raw("Sub", array.size(s1), 2)])
    shape1 = raw("ConcatV2", [batch, [order1], [1], [order1], [1]], 0, name="concat")
    shape2 = raw("ConcatV2", [batch, [1], [order2], [1], [order2]], 0, name="concat")
    r1: Any = array.reshape(b1, shape1)
    r2 = array.reshape(b2, shape2)
    order = order1 * order2
    product_shape = raw("ConcatV2", [batch, [order], [order]], 0, name="concat")
    return array.reshape(r1 * r2, product_shape)


def square_root_grad(op: Any, grad: Any) -> Any:
    """The solution of the Sylvester equation `r @ da + da @ r == dr`."""
    from retrograph.ops.linalg import eye  # linalg builds on this module

    root = op.outputs[0]
    shape: Any = array.shape(root)
    order = shape[-1]
    sizes = shape[0:-2]
    count = raw("Prod", sizes, constant([0]))
    flat = array.reshape(eye(order, dtype=root.dtype), [-1])
    identities = array.reshape(raw("Tile", flat, [count]), shape)
    total = raw("Add", _kronecker(identities, transposing.matrix_transpose(root)), _kronecker(root, identities))
    batch = raw("Slice", shape, [0], [raw("Sub", array.size(shape), 2)])
    vector_shape = raw("ConcatV2", [batch, [order * order], [1]], 0, name="concat")
    vector = array.reshape(transposing.matrix_transpose(grad), vector_shape)
    return transposing.matrix_transpose(array.reshape(raw("MatrixSolve", total, vector), shape))
