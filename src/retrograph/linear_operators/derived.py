"""Operators made of one other: its adjoint and its inverse."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.solving import adjoint_of, use_operator_or_provided_hint_unless_contradicting

HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")
_KINDS = ("non-singular", "self-adjoint", "positive-definite", "square")


def hints_of(operator: Any) -> dict[str, Any]:
    """The hints of an operator, by name."""
    return {name: getattr(operator, name) for name in HINTS}


def _combined(operator: Any, given: tuple[Any, ...], kind: str) -> dict[str, Any]:
    """The hints of an operator whose relative of that kind shares them all.

    Raises ValueError: what is given contradicts the operator.
    """
    texts = [f"An operator is {text} if and only if its {kind} is {text}." for text in _KINDS]
    triples = zip(HINTS, given, texts, strict=True)
    return {
        name: use_operator_or_provided_hint_unless_contradicting(operator, name, hint, text)
        for name, hint, text in triples
    }


class _Derived(LinearOperator):
    """What is made of one operator, and has those of its properties that can be asserted."""

    _operator: Any

    @property
    def operator(self) -> Any:
        """The operator that this one is made of."""
        return self._operator

    def _assert_non_singular(self) -> Any:
        return self.operator.assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        return self.operator.assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        return self.operator.assert_self_adjoint()


@export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(_Derived):
    """The adjoint of an operator. Source: TF 1.15 `tf.linalg.LinearOperatorAdjoint`."""

    def __init__(
        self, operator: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str | None = None,
    ):  # fmt: skip
        self._operator = operator
        given = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        hints = _combined(operator, given, "adjoint")
        name = f"{operator.name}_adjoint" if name is None else name
        with tf.name_scope(name, values=operator.graph_parents):
            super().__init__(operator.dtype, operator.graph_parents, **hints, name=name)

    def _shape(self) -> Any:
        shape = self.operator.shape
        return shape[:-2].concatenate([shape[-1], shape[-2]])

    def _shape_tensor(self) -> Any:
        shape = self.operator.shape_tensor()
        return tf.concat([shape[:-2], [shape[-1], shape[-2]]], axis=-1)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return self.operator.matvec(x, adjoint=not adjoint)

    def _conjugate(self, value: Any) -> Any:
        return value if self.is_self_adjoint else tf.conj(value)

    def _determinant(self) -> Any:
        return self._conjugate(self.operator.determinant())

    def _log_abs_determinant(self) -> Any:
        return self.operator.log_abs_determinant()

    def _trace(self) -> Any:
        return self._conjugate(self.operator.trace())

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Any:
        return self.operator.solvevec(rhs, adjoint=not adjoint)

    def _to_dense(self) -> Any:
        dense = self.operator.to_dense()
        return dense if self.is_self_adjoint else adjoint_of(dense)

    def _adjoint(self) -> Any:
        return self.operator


def _need(name: str, operator: Any, hint: Any) -> None:
    own = getattr(operator, name)
    if own is False or hint is False:
        text = f"operator and supplied hints must have `{name}` equal to `True` or `None`."
        raise ValueError(f"{text}  Found {own}, {hint}")


@export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(_Derived):
    """The inverse of an operator. Source: TF 1.15 `tf.linalg.LinearOperatorInversion`."""

    def __init__(
        self, operator: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str | None = None,
    ):  # fmt: skip
        self._operator = operator
        _need("is_non_singular", operator, is_non_singular)
        _need("is_square", operator, is_square)
        given = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        hints = _combined(operator, given, "inverse")
        name = f"{operator.name}_inv" if name is None else name
        with tf.name_scope(name, values=operator.graph_parents):
            super().__init__(operator.dtype, operator.graph_parents, **hints, name=name)

    def _shape(self) -> Any:
        return self.operator.shape

    def _shape_tensor(self) -> Any:
        return self.operator.shape_tensor()

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self) -> Any:
        return 1.0 / self.operator.determinant()

    def _log_abs_determinant(self) -> Any:
        return -1.0 * self.operator.log_abs_determinant()

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _inverse(self) -> Any:
        return self.operator
