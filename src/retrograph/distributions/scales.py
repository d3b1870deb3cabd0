"""Operators for scales: of a diagonal, a triangle, a multiple of the identity, whichever was given."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED
from retrograph.distributions.shapes import prefer_static_broadcast_shape, static_value
from retrograph.framework.static_value import constant_value
from retrograph.linear_operators.base import LinearOperator
from retrograph.linear_operators.dense import LinearOperatorLowerTriangular
from retrograph.linear_operators.diagonal import (
    LinearOperatorDiag,
    LinearOperatorIdentity,
    LinearOperatorScaledIdentity,
)
from retrograph.ops.control_flow import with_dependencies

_DIAGONAL = (LinearOperatorIdentity, LinearOperatorScaledIdentity, LinearOperatorDiag)


def as_tensor(x: Any, name: str) -> Any:
    """`x` as a tensor of this name; None stays None."""
    return None if x is None else tf.convert_to_tensor(x, name=name)


def _checked_diagonal(x: Any, diagonal: Any, validate_args: Any, assert_positive: Any) -> Any:
    if not validate_args:
        return x
    diagonal = diagonal(x)
    if assert_positive:
        return with_dependencies([tf.assert_positive(diagonal, message="diagonal part must be positive")], x)
    zeros = tf.zeros([], x.dtype)
    return with_dependencies([tf.assert_none_equal(diagonal, zeros, message="diagonal part must be non-zero")], x)


def make_tril_scale(
    loc: Any = None, scale_tril: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None,
    shape_hint: Any = None, validate_args: Any = False, assert_positive: Any = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The operator of the sum of what is given: triangular, else what `make_diag_scale` makes."""
    with tf.name_scope(name, "make_tril_scale", values=[loc, scale_diag, scale_identity_multiplier]):
        loc = as_tensor(loc, "loc")
        scale_tril = as_tensor(scale_tril, "scale_tril")
        scale_diag = as_tensor(scale_diag, "scale_diag")
        scale_identity_multiplier = as_tensor(scale_identity_multiplier, "scale_identity_multiplier")
    if scale_tril is None:
        return make_diag_scale(
            loc, scale_diag, scale_identity_multiplier, shape_hint, validate_args, assert_positive, name
        )
    scale_tril = tf.matrix_band_part(scale_tril, -1, 0)
    diagonal = tf.matrix_diag_part(scale_tril)
    if scale_diag is not None:
        diagonal += scale_diag
    if scale_identity_multiplier is not None:
        diagonal += scale_identity_multiplier[..., tf.newaxis]
    scale_tril = tf.matrix_set_diag(scale_tril, diagonal)
    tril = _checked_diagonal(scale_tril, tf.matrix_diag_part, validate_args, assert_positive)
    return LinearOperatorLowerTriangular(
        tril, is_non_singular=True, is_self_adjoint=False, is_positive_definite=assert_positive
    )


def make_diag_scale(
    loc: Any = None, scale_diag: Any = None, scale_identity_multiplier: Any = None, shape_hint: Any = None,
    validate_args: Any = False, assert_positive: Any = False, name: str | None = None,
) -> Any:  # fmt: skip
    """The operator of a diagonal and/or a multiple of the identity; ValueError if its size is told by nothing."""

    def checked(x: Any) -> Any:
        return _checked_diagonal(x, lambda x: x, validate_args, assert_positive)

    with tf.name_scope(name, "make_diag_scale", values=[loc, scale_diag, scale_identity_multiplier]):
        loc = as_tensor(loc, "loc")
        scale_diag = as_tensor(scale_diag, "scale_diag")
        multiplier = as_tensor(scale_identity_multiplier, "scale_identity_multiplier")
        if scale_diag is not None:
            if multiplier is not None:
                scale_diag += multiplier[..., tf.newaxis]
            return LinearOperatorDiag(checked(scale_diag), True, True, assert_positive)
        if loc is None and shape_hint is None:
            raise ValueError("Cannot infer `event_shape` unless `loc` or `shape_hint` is specified.")
        rows = loc.shape.dims[-1].value if shape_hint is None else shape_hint
        if multiplier is None:
            dtype = loc.dtype.base_dtype
            return LinearOperatorIdentity(rows, dtype=dtype, assert_proper_shapes=validate_args)
        return LinearOperatorScaledIdentity(
            rows, checked(multiplier), True, True, assert_positive, assert_proper_shapes=validate_args
        )


def _check_event_size(loc: Any, event_size: Any) -> None:
    known = loc.get_shape().dims[-1].value if loc.get_shape().dims is not None else None
    if known is not None and event_size is not None and known not in (1, event_size):
        raise ValueError(f"Event size of 'scale' ({known}) could not be broadcast up to that of 'loc' ({event_size}).")


def shapes_from_loc_and_scale(loc: Any, scale: Any, name: str = "shapes_from_loc_and_scale") -> tuple[Any, Any]:
    """(batch shape, event shape) of a vector with a location (or None) and an operator for its scale."""
    with tf.name_scope(name, values=[loc, *scale.graph_parents]):
        size = scale.range_dimension_tensor()
        known = constant_value(size)
        event_shape = size[tf.newaxis] if known is None else known.reshape([1])
        if loc is not None:
            _check_event_size(loc, known)
        batch_shape = scale.batch_shape_tensor()
        if loc is None:
            known = constant_value(batch_shape)
            return batch_shape if known is None else known, event_shape
        loc_batch = loc.get_shape().with_rank_at_least(1)[:-1]
        if loc.get_shape().ndims is None or not loc_batch.is_fully_defined():
            loc_batch = tf.shape(loc)[:-1]
        else:
            loc_batch = tf.convert_to_tensor(loc_batch, name="loc_batch_shape")
        return prefer_static_broadcast_shape(batch_shape, loc_batch), event_shape


def is_diagonal_scale(scale: Any) -> bool:
    """Whether an operator is diagonal by its class; TypeError if it is no operator."""
    if not isinstance(scale, LinearOperator):
        raise TypeError(f"Expected argument 'scale' to be instance of LinearOperator. Found: {scale}")
    return isinstance(scale, _DIAGONAL)


def maybe_check_scalar_distribution(distribution: Any, expected_base_dtype: Any, validate_args: Any) -> list[Any]:
    """Checks that a distribution is scalar, of a dtype, and reparameterized; those for the graph as operations."""
    if distribution.dtype != expected_base_dtype:
        raise TypeError(
            f'dtype mismatch; distribution.dtype="{distribution.dtype.name}" is not "{expected_base_dtype.name}"'
        )
    if validate_args and distribution.reparameterization_type != FULLY_REPARAMETERIZED:
        raise ValueError(
            "Base distribution should be reparameterized or be a function of non-trainable variables; "
            f'distribution.reparameterization_type = "{distribution.reparameterization_type}" != '
            '"FULLY_REPARAMETERIZED".'
        )
    with tf.name_scope(name="check_distribution"):
        checks = []
        for which in ("is_scalar_event", "is_scalar_batch"):
            scalar = getattr(distribution, which)()
            known = static_value(scalar)
            message = f"distribution must be scalar; distribution.{which}=False is not True"
            if known is not None and not known:
                raise ValueError(message)
            if known is None and validate_args:
                checks.append(tf.assert_equal(scalar, True, message=message))
        return checks
