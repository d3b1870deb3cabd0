"""Products and quotients of two operators: an operator again, of a simpler kind where there is one."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.combined import LinearOperatorComposition
from retrograph.linear_operators.dense import LinearOperatorLowerTriangular
from retrograph.linear_operators.derived import LinearOperatorInversion
from retrograph.linear_operators.diagonal import (
    LinearOperatorDiag,
    LinearOperatorIdentity,
    LinearOperatorScaledIdentity,
)
from retrograph.linear_operators.structured import LinearOperatorCirculant, LinearOperatorZeros

_Scaled = LinearOperatorScaledIdentity
_Tril = LinearOperatorLowerTriangular


# ---- hints


def _non_singular(a: Any, b: Any) -> Any:
    if a.is_non_singular is False or b.is_non_singular is False:
        return False
    return a.is_non_singular and b.is_non_singular


def _self_adjoint(a: Any, b: Any) -> Any:
    """Of two that commute."""
    pair = {a.is_self_adjoint, b.is_self_adjoint}
    return True if pair == {True} else False if pair == {True, False} else None


def _positive_definite(a: Any, b: Any) -> Any:
    values = (a.is_positive_definite, a.is_self_adjoint, b.is_positive_definite, b.is_self_adjoint)
    return True if all(value is True for value in values) else None


def _square(a: Any, b: Any) -> Any:
    if a.is_square and b.is_square:
        return True
    if a.is_square is False and b.is_square is False:
        rows, columns = a.range_dimension, b.domain_dimension
        if rows is not None and columns is not None:
            return rows == columns
    return False if a.is_square != b.is_square and a.is_square is not None else None


def _of_any(a: Any, b: Any) -> dict[str, Any]:
    square = _square(a, b)
    others = None if square is not False else False
    non_singular = _non_singular(a, b) if square else others
    return {"is_non_singular": non_singular, "is_self_adjoint": others, "is_positive_definite": others,
            "is_square": square}  # fmt: skip


def _of_commuting(a: Any, b: Any, definite: bool = True) -> dict[str, Any]:
    found = {"is_non_singular": _non_singular(a, b), "is_self_adjoint": _self_adjoint(a, b), "is_square": True}
    return {**found, "is_positive_definite": _positive_definite(a, b) if definite else None}


# ---- products


def _product_with_zeros(a: Any, b: Any) -> Any:
    if not a.is_square or not b.is_square:
        raise ValueError(
            "Matmul with non-square `LinearOperator`s or non-square `LinearOperatorZeros` not supported at this time."
        )
    return b if isinstance(b, LinearOperatorZeros) else a


def _scale_columns(tril: Any, diag: Any) -> Any:
    return _Tril(tril.to_dense() * diag.diag, **_of_commuting(tril, diag, definite=False))


def _diag_of(operator: Any) -> Any:
    """The diagonal, or the one number on it."""
    return operator.multiplier if isinstance(operator, _Scaled) else operator.diag


def _diag_product(a: Any, b: Any) -> Any:
    return LinearOperatorDiag(_aligned(a, b) * _aligned(b, a), **_of_commuting(a, b))


def _aligned(operator: Any, other: Any) -> Any:
    diag = _diag_of(operator)
    return diag[..., tf.newaxis] if isinstance(operator, _Scaled) and not isinstance(other, _Scaled) else diag


_PRODUCTS: tuple[tuple[type, type, Any], ...] = (
    (LinearOperatorIdentity, LinearOperator, lambda a, b: b),
    (LinearOperator, LinearOperatorIdentity, lambda a, b: a),
    (LinearOperator, LinearOperatorZeros, _product_with_zeros),
    (LinearOperatorZeros, LinearOperator, _product_with_zeros),
    (LinearOperatorDiag, LinearOperatorDiag, _diag_product),
    (LinearOperatorDiag, _Scaled, _diag_product),
    (_Scaled, LinearOperatorDiag, _diag_product),
    (LinearOperatorDiag, _Tril, lambda a, b: _Tril(a.matmul(b.to_dense()), **_of_commuting(a, b, definite=False))),
    (_Tril, LinearOperatorDiag, _scale_columns),
    (LinearOperatorCirculant, LinearOperatorCirculant,
     lambda a, b: LinearOperatorCirculant(a.spectrum * b.spectrum, **_of_commuting(a, b))),
    (LinearOperator, LinearOperator, lambda a, b: LinearOperatorComposition([a, b], **_of_any(a, b))),
)  # fmt: skip


def _diag_quotient(a: Any, b: Any) -> Any:
    return LinearOperatorDiag(_aligned(b, a) / _aligned(a, b), **_of_commuting(a, b))


_QUOTIENTS: tuple[tuple[type, type, Any], ...] = (
    (LinearOperatorInversion, LinearOperator, lambda a, b: a.operator.matmul(b)),
    (LinearOperatorIdentity, LinearOperator, lambda a, b: b),
    (LinearOperatorDiag, LinearOperatorDiag, _diag_quotient),
    (LinearOperatorDiag, _Scaled, _diag_quotient),
    (_Scaled, LinearOperatorDiag, _diag_quotient),
    (LinearOperatorDiag, _Tril, lambda a, b: _Tril(a.solve(b.to_dense()), **_of_commuting(a, b, definite=False))),
    (LinearOperatorCirculant, LinearOperatorCirculant,
     lambda a, b: LinearOperatorCirculant(b.spectrum / a.spectrum, **_of_commuting(a, b))),
    (LinearOperator, LinearOperator,
     lambda a, b: LinearOperatorComposition([LinearOperatorInversion(a), b], **_of_any(a, b))),
)  # fmt: skip


def _chosen(table: tuple[tuple[type, type, Any], ...], a: Any, b: Any) -> Any:
    return next(make for left, right, make in table if isinstance(a, left) and isinstance(b, right))(a, b)


def _check(left: Any, right: Any, name: str, size: Any) -> None:
    wanted, found = size.value, right.range_dimension.value
    if wanted is not None and found is not None and wanted != found:
        raise ValueError(f"Operators are incompatible. Expected `{name}` to have dimension {wanted} but got {found}.")


def product(a: Any, b: Any, adjoint: bool, adjoint_arg: bool, name: str) -> Any:
    """The operator of the products of matrices. Raises ValueError: their sizes do not fit."""
    left, right = a.adjoint() if adjoint else a, b.adjoint() if adjoint_arg else b
    _check(left, right, "x", left.domain_dimension)
    with a._name_scope(name), tf.name_scope(None, "Matmul"):
        return _chosen(_PRODUCTS, left, right)


def quotient(a: Any, b: Any, adjoint: bool, adjoint_arg: bool, name: str) -> Any:
    """The operator of the solutions. Raises ValueError: their sizes do not fit."""
    left, right = a.adjoint() if adjoint else a, b.adjoint() if adjoint_arg else b
    _check(left, right, "rhs", left.domain_dimension)
    with a._name_scope(name), tf.name_scope(None, "Solve"):
        return _chosen(_QUOTIENTS, left, right)
