"""Solving with batches of different shapes, and other helpers of the operators."""

from __future__ import annotations

from functools import reduce
from typing import Any

import retrograph as tf


def adjoint_of(x: Any) -> Any:
    """The conjugate transpose of matrices."""
    return tf.linalg.adjoint(x)


def is_ref(x: Any) -> bool:
    """Whether an object stands for a value that changes: a variable, or a module with a dtype and a shape."""
    return isinstance(x, tf.Variable) or (isinstance(x, tf.Module) and hasattr(x, "dtype") and hasattr(x, "shape"))


def convert_nonref_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Any:
    """A tensor of the value, or the variable itself, so that it is read where it is used.

    Raises TypeError: a variable of another dtype.
    """
    if value is None or not is_ref(value):
        return None if value is None else tf.convert_to_tensor(value, dtype, name, preferred_dtype=dtype_hint)
    if dtype is not None and tf.as_dtype(dtype).base_dtype != value.dtype.base_dtype:
        kinds = f'"{tf.as_dtype(dtype).name}" but is "{value.dtype.base_dtype.name}"'
        raise TypeError(f"Mutable type must be of dtype {kinds}.")
    return value


def assert_not_ref_type(x: Any, arg_name: str) -> None:
    """Raises TypeError for a variable."""
    if is_ref(x):
        raise TypeError(f"Argument {arg_name} cannot be reference type. Found: {type(x)}")


def use_operator_or_provided_hint_unless_contradicting(
    operator: Any, hint_attr_name: str, provided_hint_value: Any, message: str
) -> Any:
    """What the operator and the caller say of a hint together; ValueError if they contradict each other."""
    pair = {getattr(operator, hint_attr_name), provided_hint_value}
    if {True, False} <= pair:
        raise ValueError(message)
    return True if True in pair else False if False in pair else None


def assert_compatible_matrix_dimensions(operator: Any, x: Any) -> Any:
    """An operation that fails unless `operator @ x` exists."""
    message = "Dimensions are not compatible.  shape[-2] of argument to be the same as this operator"
    return tf.assert_equal(tf.shape(x)[-2], operator.domain_dimension_tensor(), message=message)


def shape_tensor(shape: Any, name: str | None = None) -> Any:
    """A shape as a tensor: i32 also if it is empty."""
    dtype = tf.int32 if isinstance(shape, (tuple, list)) and not shape else None
    return tf.convert_to_tensor(shape, dtype=dtype, name=name)


def assert_no_entries_with_modulus_zero(
    x: Any, message: str | None = None, name: str = "assert_no_entries_with_modulus_zero"
) -> Any:
    """An operation that fails if an element is zero."""
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        modulus = tf.abs(x)
        return tf.assert_less(tf.convert_to_tensor(0, dtype=x.dtype.real_dtype), modulus, message=message)


def assert_zero_imag_part(x: Any, message: str | None = None, name: str = "assert_zero_imag_part") -> Any:
    """An operation that fails if an element is not real."""
    with tf.name_scope(name, values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        if x.dtype.base_dtype.is_floating:
            return tf.no_op()
        return tf.assert_equal(tf.convert_to_tensor(0, dtype=x.dtype.real_dtype), tf.imag(x), message=message)


def _check_matrix(x: Any) -> Any:
    x = tf.convert_to_tensor(x)
    if x.shape.ndims is not None and x.shape.ndims < 2:
        raise ValueError(f"Expected [batch] matrix to have at least two dimensions.  Found: {x}")
    return x


def broadcast_matrix_batch_dims(batch_matrices: Any, name: str | None = None) -> list[Any]:
    """Batches of matrices, all of one batch shape; ValueError for less than two axes."""
    with tf.name_scope(name or "broadcast_matrix_batch_dims", values=batch_matrices):
        matrices = [_check_matrix(matrix) for matrix in batch_matrices]
        if len(matrices) < 2:
            return matrices
        known = reduce(tf.broadcast_static_shape, [matrix.shape[:-2] for matrix in matrices])
        if known.is_fully_defined():
            return [_widened(matrix, known.as_list()) if matrix.shape[:-2] != known else matrix for matrix in matrices]
        shape = reduce(tf.broadcast_dynamic_shape, [tf.shape(matrix)[:-2] for matrix in matrices])
        return [_widened(matrix, shape) for matrix in matrices]


def _widened(matrix: Any, batch_shape: Any) -> Any:
    return tf.broadcast_to(matrix, tf.concat([batch_shape, tf.shape(matrix)[-2:]], axis=0))


def cholesky_solve_with_broadcast(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """`cholesky_solve` of batches that are broadcast first."""
    with tf.name_scope(name, "CholeskySolveWithBroadcast", [chol, rhs]):
        return tf.cholesky_solve(*broadcast_matrix_batch_dims([chol, rhs]))


def matrix_solve_with_broadcast(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """`matrix_solve` of batches that are broadcast first."""
    with tf.name_scope(name, "MatrixSolveWithBroadcast", [matrix, rhs]):
        matrix = tf.convert_to_tensor(matrix, name="matrix")
        rhs = tf.convert_to_tensor(rhs, name="rhs", dtype=matrix.dtype)
        return tf.matrix_solve(*broadcast_matrix_batch_dims([matrix, rhs]), adjoint=adjoint)


def matrix_triangular_solve_with_broadcast(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """`matrix_triangular_solve` of batches that are broadcast first."""
    with tf.name_scope(name, "MatrixTriangularSolve", [matrix, rhs]):
        matrix = tf.convert_to_tensor(matrix, name="matrix")
        rhs = tf.convert_to_tensor(rhs, name="rhs", dtype=matrix.dtype)
        both = broadcast_matrix_batch_dims([matrix, rhs])
        return tf.matrix_triangular_solve(*both, lower=lower, adjoint=adjoint)
