"""Operators made of several: one after the other, along a diagonal, and Kronecker's product."""

from __future__ import annotations

import operator as binary
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.derived import HINTS, hints_of
from retrograph.linear_operators.solving import adjoint_of, broadcast_matrix_batch_dims


class _Combined(LinearOperator):
    """What operators that hold several have in common; subclasses say which hints all of them pass on."""

    _passed_on: tuple[tuple[str, str], ...] = ()
    _between = ""
    _none = "Expected a non-empty list of operators. Found: {}"

    def __init__(self, operators: Iterable[Any], hints: dict[str, Any], name: str | None):
        if isinstance(operators, (tf.Tensor, str, bytes)) or not hasattr(operators, "__iter__"):
            raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(operators)}')
        held = list(operators)
        if not held:
            raise ValueError(self._none.format(held))
        self._operators = held
        dtype = self._operators[0].dtype
        if any(one.dtype != dtype for one in self._operators):
            pairs = "   ".join(str((one.name, one.dtype)) for one in self._operators)
            raise TypeError(f"Expected all operators to have the same dtype.  Found {pairs}")
        for hint, text in self._passed_on:
            if all(getattr(one, hint) for one in self._operators):
                if hints[hint] is False:
                    raise ValueError(text)
                hints[hint] = True
        self._check_hints(hints)
        parents = [parent for one in self._operators for parent in one.graph_parents]
        name = self._between.join(one.name for one in self._operators) if name is None else name
        with tf.name_scope(name, values=parents):
            super().__init__(dtype, parents, **hints, name=name)

    def _check_hints(self, hints: dict[str, Any]) -> None:
        """Refuses hints that this operator cannot have."""

    @property
    def operators(self) -> list[Any]:
        """The operators that this one holds."""
        return self._operators

    def _batch_shape(self) -> Any:
        return reduce(tf.broadcast_static_shape, [one.batch_shape for one in self.operators])

    def _dimensions(self, name: str, combine: Callable[[Any, Any], Any]) -> Any:
        found = [getattr(one, name) for one in self.operators]
        return reduce(combine, [value() if callable(value) else value for value in found])

    def _batch_shape_of_zeros(self) -> Any:
        zeros = [tf.zeros(shape=one.batch_shape_tensor()) for one in self.operators]
        return tf.shape(reduce(binary.add, zeros))

    def _known_shape_tensor(self) -> Any:
        return tf.convert_to_tensor(self.shape.as_list(), dtype=tf.int32, name="shape")

    def _each(self, method: str) -> list[Any]:
        return [getattr(one, method)() for one in self.operators]

    def _alike(self, operators: list[Any], **hints: Any) -> Any:
        return type(self)(operators, **{**hints_of(self), "is_square": True, **hints})


def _hints(*values: Any) -> dict[str, Any]:
    return dict(zip(HINTS, values, strict=True))


@export("linalg.LinearOperatorComposition")
class LinearOperatorComposition(_Combined):
    """Operators one after the other, the last first. Source: TF 1.15 `tf.linalg.LinearOperatorComposition`."""

    _passed_on = (("is_non_singular", "The composition of non-singular operators is always non-singular."),)
    _between = "_o_"

    def __init__(
        self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str | None = None,
    ):  # fmt: skip
        super().__init__(operators, _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square), name)

    def _shape(self) -> Any:
        inner = self.operators[0].domain_dimension
        for one in self.operators[1:]:
            inner.assert_is_compatible_with(one.range_dimension)
            inner = one.domain_dimension
        matrix = tf.TensorShape([self.operators[0].range_dimension, self.operators[-1].domain_dimension])
        return self._batch_shape().concatenate(matrix)

    def _shape_tensor(self) -> Any:
        if self.shape.is_fully_defined():
            return self._known_shape_tensor()
        rows, columns = self.operators[0].range_dimension_tensor(), self.operators[-1].domain_dimension_tensor()
        matrix = tf.stack([rows, columns])
        return tf.concat((self._batch_shape_of_zeros(), matrix), 0)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        first, *others = self.operators if adjoint else self.operators[::-1]
        result = first.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        return reduce(lambda found, one: one.matmul(found, adjoint=adjoint), others, result)

    def _determinant(self) -> Any:
        return reduce(binary.mul, self._each("determinant"))

    def _log_abs_determinant(self) -> Any:
        return reduce(binary.add, self._each("log_abs_determinant"))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        first, *others = self.operators[::-1] if adjoint else self.operators
        solution = first.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        return reduce(lambda found, one: one.solve(found, adjoint=adjoint), others, solution)


@export("linalg.LinearOperatorBlockDiag")
class LinearOperatorBlockDiag(_Combined):
    """Operators along a diagonal, zeros beside them. Source: TF 1.15 `tf.linalg.LinearOperatorBlockDiag`."""

    _passed_on = (
        ("is_non_singular", "The direct sum of non-singular operators is always non-singular."),
        ("is_self_adjoint", "The direct sum of self-adjoint operators is always self-adjoint."),
        ("is_positive_definite", "The direct sum of positive definite operators is always positive definite."),
    )
    _between = "_ds_"

    def __init__(
        self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = True, name: str | None = None,
    ):  # fmt: skip
        super().__init__(operators, _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square), name)

    def _check_hints(self, hints: dict[str, Any]) -> None:
        if not (hints["is_square"] and all(one.is_square for one in self._operators)):
            raise ValueError("Can only represent a block diagonal of square matrices.")
        hints["is_square"] = True

    def _shape(self) -> Any:
        columns, rows = (self._dimensions(name, binary.add) for name in ("domain_dimension", "range_dimension"))
        return self._batch_shape().concatenate(tf.TensorShape([columns, rows]))

    def _shape_tensor(self) -> Any:
        if self.shape.is_fully_defined():
            return self._known_shape_tensor()
        names = ("domain_dimension_tensor", "range_dimension_tensor")
        matrix = tf.stack([self._dimensions(name, binary.add) for name in names])
        return tf.concat((self._batch_shape_of_zeros(), matrix), 0)

    def _blocks(self, x: Any, axis: int) -> Any:
        if self.shape.is_fully_defined():
            return tf.split(x, [one.domain_dimension.value for one in self.operators], axis=axis)
        return tf.split(x, self._each("domain_dimension_tensor"), axis=axis)

    def _by_blocks(self, method: str, x: Any, adjoint: bool, adjoint_arg: bool) -> Any:
        blocks = self._blocks(x, -1 if adjoint_arg else -2)
        pairs = zip(self.operators, blocks, strict=True)
        found = [getattr(one, method)(block, adjoint=adjoint, adjoint_arg=adjoint_arg) for one, block in pairs]
        return tf.concat(broadcast_matrix_batch_dims(found), axis=-2)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._by_blocks("matmul", x, adjoint, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._by_blocks("solve", rhs, adjoint, adjoint_arg)

    def _determinant(self) -> Any:
        return reduce(binary.mul, self._each("determinant"))

    def _log_abs_determinant(self) -> Any:
        return reduce(binary.add, self._each("log_abs_determinant"))

    def _diag_part(self) -> Any:
        columns = broadcast_matrix_batch_dims([part[..., tf.newaxis] for part in self._each("diag_part")])
        return tf.squeeze(tf.concat(columns, axis=-2), axis=-1)

    def _trace(self) -> Any:
        return reduce(binary.add, self._each("trace"))

    def _to_dense(self) -> Any:
        before: Any = 0
        rows = []
        for block in broadcast_matrix_batch_dims(self._each("to_dense")):
            outer = tf.shape(block)[:-1]
            left = tf.zeros(shape=tf.concat([outer, [before]], axis=-1), dtype=block.dtype)
            before += tf.shape(block)[-1]
            missing = self.domain_dimension_tensor() - before
            right = tf.zeros(shape=tf.concat([outer, [missing]], axis=-1), dtype=block.dtype)
            rows.append(tf.concat([left, block, right], axis=-1))
        dense = tf.concat(rows, axis=-2)
        dense.set_shape(self.shape)
        return dense

    def _assert_non_singular(self) -> Any:
        return tf.group(self._each("assert_non_singular"))

    def _assert_self_adjoint(self) -> Any:
        return tf.group(self._each("assert_self_adjoint"))

    def _assert_positive_definite(self) -> Any:
        return tf.group(self._each("assert_positive_definite"))

    def _adjoint(self) -> Any:
        return self._alike(self._each("adjoint"))

    def _inverse(self) -> Any:
        return self._alike(self._each("inverse"))

    def _cholesky(self) -> Any:
        return LinearOperatorBlockDiag(
            self._each("cholesky"), is_non_singular=True, is_self_adjoint=False, is_square=True
        )


def _vec(x: Any) -> Any:
    """The columns one below the other."""
    return tf.reshape(tf.matrix_transpose(x), tf.concat([tf.shape(x)[:-2], [-1]], axis=0))


def _unvec(y: Any, columns: Any) -> Any:
    return tf.matrix_transpose(tf.reshape(y, tf.concat([tf.shape(y)[:-1], [columns, -1]], axis=0)))


def _rotated(x: Any, right: bool = False) -> Any:
    """The last axis to the front (`right`), or the first to the end."""
    rank = tf.rank(x)
    order = [[rank - 1], tf.range(0, rank - 1)] if right else [tf.range(1, rank), [0]]
    return tf.transpose(x, tf.concat(order, axis=0))


@export("linalg.LinearOperatorKronecker")
class LinearOperatorKronecker(_Combined):
    """Kronecker's product of operators. Source: TF 1.15 `tf.linalg.LinearOperatorKronecker`."""

    _passed_on = (
        ("is_non_singular", "The Kronecker product of non-singular operators is always non-singular."),
        ("is_self_adjoint", "The Kronecker product of self-adjoint operators is always self-adjoint."),
        ("is_positive_definite", "The Kronecker product of positive-definite operators is always positive-definite."),
    )
    _between = "_x_"
    _none = "Expected a list of >=1 operators. Found: {}"

    def __init__(
        self, operators: Any, is_non_singular: Any = None, is_self_adjoint: Any = None, is_positive_definite: Any = None,
        is_square: Any = None, name: str | None = None,
    ):  # fmt: skip
        super().__init__(operators, _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square), name)

    def _shape(self) -> Any:
        columns, rows = (self._dimensions(name, binary.mul) for name in ("domain_dimension", "range_dimension"))
        return self._batch_shape().concatenate(tf.TensorShape([rows, columns]))

    def _shape_tensor(self) -> Any:
        columns = self._dimensions("domain_dimension_tensor", binary.mul)
        rows = self._dimensions("range_dimension_tensor", binary.mul)
        batch = reduce(tf.broadcast_dynamic_shape, self._each("batch_shape_tensor"))
        return tf.concat((batch, [rows, columns]), 0)

    def _through(self, method: str, x: Any, adjoint: bool, adjoint_arg: bool) -> Any:
        """Each operator applied to its own axis: the columns of `x` are taken apart, one factor at a time."""
        x = adjoint_of(x) if adjoint_arg else x
        x += tf.zeros(tf.concat([tf.ones_like(self.batch_shape_tensor()), [1, 1]], 0), dtype=x.dtype.base_dtype)
        output = _rotated(x, right=True)[tf.newaxis, ...]
        for one in self.operators[:-1]:
            size = one.range_dimension_tensor() if adjoint else one.domain_dimension_tensor()
            output = tf.matrix_transpose(_unvec(output, size))
            output = getattr(one, method)(output, adjoint=adjoint, adjoint_arg=False)
            output = _rotated(_vec(_rotated(tf.matrix_transpose(output))), right=True)
        last = self.operators[-1]
        output = (last.matvec if method == "matmul" else last.solvevec)(output, adjoint=adjoint)
        output = _rotated(_vec(_rotated(output)))
        if x.shape.is_fully_defined():
            rows = self.domain_dimension if adjoint else self.range_dimension
            batch = tf.broadcast_static_shape(x.shape[:-2], self.batch_shape)
            output.set_shape(batch.concatenate([rows, x.shape[-1]]))
        return output

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._through("matmul", x, adjoint, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._through("solve", rhs, adjoint, adjoint_arg)

    def _times(self, one: Any) -> Any:
        """How often an operator's determinant counts."""
        return tf.cast(self.domain_dimension_tensor() / one.domain_dimension_tensor(), dtype=one.dtype)

    def _determinant(self) -> Any:
        return reduce(binary.mul, [one.determinant() ** self._times(one) for one in self.operators], 1.0)

    def _log_abs_determinant(self) -> Any:
        return reduce(binary.add, [one.log_abs_determinant() * self._times(one) for one in self.operators], 0.0)

    def _trace(self) -> Any:
        return reduce(binary.mul, self._each("trace"), 1.0)

    def _diag_part(self) -> Any:
        def joined(found: Any, part: Any) -> Any:
            both = found[..., :, tf.newaxis] * part[..., tf.newaxis, :]
            return tf.reshape(both, shape=tf.concat([tf.shape(both)[:-2], [-1]], axis=0))

        found = reduce(joined, self._each("diag_part"))
        rows, columns = self.range_dimension, self.domain_dimension
        found.set_shape(self.batch_shape.concatenate(columns if rows > columns else rows))
        return found

    def _to_dense(self) -> Any:
        def joined(found: Any, dense: Any) -> Any:
            both = found[..., :, tf.newaxis, :, tf.newaxis] * dense[..., tf.newaxis, :, tf.newaxis, :]
            shape = tf.shape(both)
            sizes = [shape[-4] * shape[-3], shape[-2] * shape[-1]]
            return tf.reshape(both, shape=tf.concat([shape[:-4], sizes], axis=0))

        found = reduce(joined, self._each("to_dense"))
        found.set_shape(self.shape)
        return found

    def _all_square(self, method: str, kind: str) -> Any:
        if all(one.is_square for one in self.operators):
            return tf.group(self._each(method))
        text = f"All Kronecker factors must be square for the product to be {kind}."
        raise errors.InvalidArgumentError(None, None, text)

    def _assert_non_singular(self) -> Any:
        return self._all_square("assert_non_singular", "invertible")

    def _assert_self_adjoint(self) -> Any:
        return self._all_square("assert_self_adjoint", "self adjoint")

    def _adjoint(self) -> Any:
        return self._alike(self._each("adjoint"))

    def _inverse(self) -> Any:
        return self._alike(self._each("inverse"))

    def _cholesky(self) -> Any:
        return LinearOperatorKronecker(
            self._each("cholesky"), is_non_singular=True, is_self_adjoint=False, is_square=True
        )
