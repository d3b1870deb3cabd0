"""`LinearOperator`: what a batch of matrices can be asked, by default through the dense matrix."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.linear_operators.solving import (
    adjoint_of,
    cholesky_solve_with_broadcast,
    is_ref,
    matrix_solve_with_broadcast,
    shape_tensor,
)
from retrograph.train.modules import Module

# The operators that products are made of are subclasses of the one here.
_PRODUCTS = "retrograph.linear_operators.products"


def _dimension(shape: Any, axis: int) -> Any:
    return tf.Dimension(None) if not shape.dims else shape.dims[axis]


@export("linalg.LinearOperator")
class LinearOperator(Module):
    """A batch of matrices `[..., m, n]`; subclasses give `_shape`, `_shape_tensor`, `_matmul` and what is cheaper so.

    The hints `is_non_singular`, `is_self_adjoint`, `is_positive_definite`, `is_square` are promises of the caller, None
    if nothing is known; ValueError if they contradict each other. Source: TF 1.15 `tf.linalg.LinearOperator`.
    """

    _is_linear_operator = True

    def __init__(
        self, dtype: Any, graph_parents: Any = None, is_non_singular: Any = None, is_self_adjoint: Any = None,
        is_positive_definite: Any = None, is_square: Any = None, name: str | None = None,
    ):  # fmt: skip
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        for hint, kind in ((is_non_singular, "non-singular"), (is_self_adjoint, "self-adjoint")):
            if hint:
                if is_square is False:
                    raise ValueError(f"A {kind} matrix is always square.")
                is_square = True
        graph_parents = [] if graph_parents is None else graph_parents
        for i, parent in enumerate(graph_parents):
            if parent is None or not (tf.is_tensor(parent) or is_ref(parent)):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")
        self._is_square_set_or_implied_by_hints = is_square
        self._dtype = tf.as_dtype(dtype).base_dtype if dtype else dtype
        self._graph_parents = graph_parents
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._name = name or type(self).__name__

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None) -> Iterator[str]:
        with tf.name_scope(self.name if name is None else f"{self.name}/{name}") as scope:
            yield scope

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._dtype

    @property
    def name(self) -> str:
        """The name scope of its operations."""
        return self._name

    @property
    def graph_parents(self) -> Any:
        """The tensors it depends on."""
        return self._graph_parents

    @property
    def is_non_singular(self) -> Any:
        """The hint."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self) -> Any:
        """The hint."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self) -> Any:
        """The hint."""
        return self._is_positive_definite

    @property
    def is_square(self) -> Any:
        """The hint, or what the shape says."""
        found = self.domain_dimension == self.range_dimension
        hint = self._is_square_set_or_implied_by_hints
        if hint is False and found:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return found if hint is None else hint

    # Shapes.

    def _shape(self) -> Any:
        raise NotImplementedError("_shape is not implemented.")

    def _shape_tensor(self) -> Any:
        raise NotImplementedError("_shape_tensor is not implemented.")

    @property
    def shape(self) -> Any:
        """The static shape `[..., m, n]`."""
        return self._shape()

    def shape_tensor(self, name: str = "shape_tensor") -> Any:
        """i32[rank]: the shape."""
        with self._name_scope(name):
            return shape_tensor(self.shape.as_list()) if self.shape.is_fully_defined() else self._shape_tensor()

    @property
    def batch_shape(self) -> Any:
        """The static shape without the matrix."""
        return self.shape[:-2]

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """i32[rank - 2]: the shape without the matrix."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return shape_tensor(self.batch_shape.as_list(), name="batch_shape")
            return self.shape_tensor()[:-2]

    @property
    def tensor_rank(self) -> Any:
        """The static rank, with the two axes of the matrix."""
        with self._name_scope("tensor_rank"):
            return self.shape.ndims

    def tensor_rank_tensor(self, name: str = "tensor_rank_tensor") -> Any:
        """i32[]: the rank."""
        with self._name_scope(name):
            rank = self.tensor_rank
            return tf.size(self.shape_tensor()) if rank is None else tf.convert_to_tensor(rank)

    @property
    def domain_dimension(self) -> Any:
        """The static number of columns."""
        return _dimension(self.shape, -1)

    @property
    def range_dimension(self) -> Any:
        """The static number of rows."""
        return _dimension(self.shape, -2)

    def domain_dimension_tensor(self, name: str = "domain_dimension_tensor") -> Any:
        """i32[]: the number of columns."""
        with self._name_scope(name):
            known = self.domain_dimension.value
            return self.shape_tensor()[-1] if known is None else tf.convert_to_tensor(known)

    def range_dimension_tensor(self, name: str = "range_dimension_tensor") -> Any:
        """i32[]: the number of rows."""
        with self._name_scope(name):
            known = self.range_dimension.value
            return self.shape_tensor()[-2] if known is None else tf.convert_to_tensor(known)

    # Checks.

    def _assert_non_singular(self) -> Any:
        if self._can_use_cholesky():
            return self.assert_positive_definite()
        values = tf.svd(self.to_dense(), compute_uv=False)
        condition = tf.reduce_max(values, axis=-1) / tf.reduce_min(values, axis=-1)
        limit = self._max_condition_number_to_be_non_singular()
        return tf.assert_less(condition, limit, message="Singular matrix up to precision epsilon.")

    def _max_condition_number_to_be_non_singular(self) -> Any:
        with tf.name_scope("max_nonsingular_condition_number"):
            sizes = [self.range_dimension_tensor(), self.domain_dimension_tensor()]
            greatest = tf.reduce_max([100.0, *(tf.cast(size, self.dtype) for size in sizes)])
            return 1.0 / (tf.cast(greatest, self.dtype) * np.finfo(self.dtype.as_numpy_dtype).eps)

    def assert_non_singular(self, name: str = "assert_non_singular") -> Any:
        """An operation that fails if a matrix is singular."""
        with self._name_scope(name):
            return self._assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        if not self.is_self_adjoint:
            raise NotImplementedError("assert_positive_definite is not implemented.")
        diagonal = tf.matrix_diag_part(tf.cholesky(self.to_dense()))
        return tf.assert_positive(diagonal, message="Matrix was not positive definite.")

    def assert_positive_definite(self, name: str = "assert_positive_definite") -> Any:
        """An operation that fails if a matrix is not positive definite."""
        with self._name_scope(name):
            return self._assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        dense = self.to_dense()
        return tf.assert_equal(dense, adjoint_of(dense), message="Matrix was not equal to its adjoint.")

    def assert_self_adjoint(self, name: str = "assert_self_adjoint") -> Any:
        """An operation that fails if a matrix is not its own adjoint."""
        with self._name_scope(name):
            return self._assert_self_adjoint()

    def _argument(self, x: Any, name: str, own_axis: int, axis: int) -> Any:
        """`x` as a tensor; TypeError for another dtype, ValueError for a size that does not fit."""
        x = tf.convert_to_tensor(x, name=name)
        if x.dtype.base_dtype != self.dtype:
            raise TypeError(f"Expected argument to have dtype {self.dtype}.  Found: {x.dtype} in tensor {x}")
        _dimension(self.shape, own_axis).assert_is_compatible_with(_dimension(x.shape, axis))
        return x

    # Products.

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        raise NotImplementedError("_matmul is not implemented.")

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """The product with matrices `x`; each factor may be taken adjoint."""
        if isinstance(x, LinearOperator):
            return importlib.import_module(_PRODUCTS).product(self, x, adjoint, adjoint_arg, name)
        with self._name_scope(name):
            x = self._argument(x, "x", -2 if adjoint else -1, -1 if adjoint_arg else -2)
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return tf.squeeze(self.matmul(tf.expand_dims(x, axis=-1), adjoint=adjoint), axis=-1)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """The product with vectors `x`."""
        with self._name_scope(name):
            return self._matvec(self._argument(x, "x", -2 if adjoint else -1, -1), adjoint=adjoint)

    # Determinants and solutions.

    def _must_be_square(self) -> None:
        if self.is_square is False:
            raise NotImplementedError("Determinant not implemented for an operator that is expected to not be square.")

    def _determinant(self) -> Any:
        if self._can_use_cholesky():
            return tf.exp(self.log_abs_determinant())
        return tf.matrix_determinant(self.to_dense())

    def determinant(self, name: str = "det") -> Any:
        """The determinant; NotImplementedError if it is not square."""
        self._must_be_square()
        with self._name_scope(name):
            return self._determinant()

    def _log_abs_determinant(self) -> Any:
        if self._can_use_cholesky():
            diagonal = tf.matrix_diag_part(tf.cholesky(self.to_dense()))
            return 2 * tf.reduce_sum(tf.log(diagonal), axis=[-1])
        return tf.linalg.slogdet(self.to_dense())[1]

    def log_abs_determinant(self, name: str = "log_abs_det") -> Any:
        """log(abs(determinant)); NotImplementedError if it is not square."""
        self._must_be_square()
        with self._name_scope(name):
            return self._log_abs_determinant()

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        if self._can_use_cholesky():
            return cholesky_solve_with_broadcast(tf.cholesky(self.to_dense()), rhs)
        return matrix_solve_with_broadcast(self.to_dense(), rhs, adjoint=adjoint)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """X with `operator @ X = rhs`; NotImplementedError if it is singular or not square."""
        for possible, kind in ((self.is_non_singular, "be singular"), (self.is_square, "not be square")):
            if possible is False:
                raise NotImplementedError(f"Exact solve not implemented for an operator that is expected to {kind}.")
        if isinstance(rhs, LinearOperator):
            return importlib.import_module(_PRODUCTS).quotient(self, rhs, adjoint, adjoint_arg, name)
        with self._name_scope(name):
            rhs = self._argument(rhs, "rhs", -1 if adjoint else -2, -1 if adjoint_arg else -2)
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Any:
        return tf.squeeze(self.solve(tf.expand_dims(rhs, axis=-1), adjoint=adjoint), axis=-1)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """x with `operator @ x = rhs` for vectors."""
        with self._name_scope(name):
            return self._solvevec(self._argument(rhs, "rhs", -1 if adjoint else -2, -1), adjoint=adjoint)

    # Other operators.

    def _adjoint(self) -> Any:
        return tf.linalg.LinearOperatorAdjoint(self)

    def adjoint(self, name: str = "adjoint") -> Any:
        """The operator of the adjoint matrices."""
        if self.is_self_adjoint is True:
            return self
        with self._name_scope(name):
            return self._adjoint()

    H = property(adjoint, None)

    def _inverse(self) -> Any:
        return tf.linalg.LinearOperatorInversion(self)

    def inverse(self, name: str = "inverse") -> Any:
        """The operator of the inverse matrices; ValueError if it is not square or singular."""
        for possible, kind in ((self.is_square, "non square"), (self.is_non_singular, "singular")):
            if possible is False:
                raise ValueError(f"Cannot take the Inverse: This operator represents a {kind} matrix.")
        with self._name_scope(name), tf.name_scope("Inverse"):
            return self._inverse()

    def _cholesky(self) -> Any:
        factor = tf.cholesky(self.to_dense())
        return tf.linalg.LinearOperatorLowerTriangular(
            factor, is_non_singular=True, is_self_adjoint=False, is_square=True
        )

    def cholesky(self, name: str = "cholesky") -> Any:
        """The operator of the Cholesky factors; ValueError unless self-adjoint and positive definite."""
        if not self._can_use_cholesky():
            raise ValueError("Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix.")
        with self._name_scope(name):
            return self._cholesky()

    # Elements.

    def _to_dense(self) -> Any:
        batch = self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        known = self.domain_dimension.value
        n = self.domain_dimension_tensor() if known is None else known
        return self.matmul(tf.eye(num_rows=n, batch_shape=batch, dtype=self.dtype))

    def to_dense(self, name: str = "to_dense") -> Any:
        """The matrices as a tensor."""
        with self._name_scope(name):
            return self._to_dense()

    def _diag_part(self) -> Any:
        return tf.matrix_diag_part(self.to_dense())

    def diag_part(self, name: str = "diag_part") -> Any:
        """The diagonals."""
        with self._name_scope(name):
            return self._diag_part()

    def _trace(self) -> Any:
        return tf.reduce_sum(self.diag_part(), axis=-1)

    def trace(self, name: str = "trace") -> Any:
        """The sums of the diagonals."""
        with self._name_scope(name):
            return self._trace()

    def _add_to_tensor(self, x: Any) -> Any:
        return self.to_dense() + x

    def add_to_tensor(self, x: Any, name: str = "add_to_tensor") -> Any:
        """The matrices plus `x`."""
        with self._name_scope(name):
            x = tf.convert_to_tensor(x, name="x")
            if x.dtype.base_dtype != self.dtype:
                raise TypeError(f"Expected argument to have dtype {self.dtype}.  Found: {x.dtype} in tensor {x}")
            return self._add_to_tensor(x)

    def _can_use_cholesky(self) -> Any:
        return self.is_self_adjoint and self.is_positive_definite
