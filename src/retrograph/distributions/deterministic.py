"""Point masses: scalars and vectors that are what `loc` is."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.distributions.base import NOT_REPARAMETERIZED, Distribution, ScalarDistribution, Simplex
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.shapes import static_value
from retrograph.ops.control_flow import with_dependencies


class _BaseDeterministic(Distribution):
    """All mass at `loc`, within `atol + rtol * abs(loc)`."""

    def _open(
        self, loc: Any, atol: Any, rtol: Any, is_vector: bool, validate_args: Any, allow_nan_stats: Any, name: str
    ) -> None:
        parameters = arguments(locals())
        parameters.pop("is_vector")
        with tf.name_scope(name, values=[loc, atol, rtol]) as name:
            loc = tf.convert_to_tensor(loc, name="loc")
            self._loc = self._checked_vector(loc) if is_vector and validate_args else loc
            Distribution.__init__(
                self, self._loc.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._loc],
                name,
            )  # fmt: skip
            self._atol, self._rtol = self._get_tol(atol), self._get_tol(rtol)
            self._slack = self.atol if rtol is None else self.atol + self.rtol * tf.abs(self.loc)

    @staticmethod
    def _checked_vector(loc: Any) -> Any:
        message = "Argument loc must be at least rank 1."
        if loc.get_shape().ndims is None:
            return with_dependencies([tf.assert_rank_at_least(loc, 1, message=message)], loc)
        if loc.get_shape().ndims < 1:
            raise ValueError(message)
        return loc

    def _get_tol(self, tol: Any) -> Any:
        if tol is None:
            return tf.convert_to_tensor(0, dtype=self.loc.dtype)
        tol = tf.convert_to_tensor(tol, dtype=self.loc.dtype)
        if not self.validate_args:
            return tol
        return with_dependencies([tf.assert_non_negative(tol, message="Argument 'tol' must be non-negative")], tol)

    @property
    def loc(self) -> Any:
        """Where the mass is."""
        return self._loc

    @property
    def atol(self) -> Any:
        """The absolute tolerance."""
        return self._atol

    @property
    def rtol(self) -> Any:
        """The relative tolerance."""
        return self._rtol

    def _entropy(self) -> Any:
        return tf.zeros(self.batch_shape_tensor(), dtype=self.dtype)

    def _mean(self) -> Any:
        return tf.identity(self.loc)

    def _variance(self) -> Any:
        return tf.zeros_like(self.loc)

    def _mode(self) -> Any:
        return self.mean()

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        known, ndims = static_value(n), self.loc.get_shape().ndims
        if known is not None and ndims is not None:
            multiples: Any = [known] + [1] * ndims
        else:
            multiples = tf.concat(([n], tf.ones_like(tf.shape(self.loc))), axis=0)
        return tf.tile(self.loc[tf.newaxis, ...], multiples=multiples)

    def _is_near(self, x: Any) -> Any:
        return tf.abs(x - self.loc) <= self._slack


@distribution("Deterministic")
class Deterministic(_BaseDeterministic, ScalarDistribution):
    """Always `loc`. Source: TF 1.15 `tf.contrib.distributions.Deterministic`."""

    _batched = ("loc",)

    def __init__(
        self, loc: Any, atol: Any = None, rtol: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "Deterministic",
    ):  # fmt: skip
        self._open(loc, atol, rtol, False, validate_args, allow_nan_stats, name)

    def _prob(self, x: Any) -> Any:
        return tf.cast(self._is_near(x), dtype=self.dtype)

    def _cdf(self, x: Any) -> Any:
        return tf.cast(x >= self.loc - self._slack, dtype=self.dtype)


@distribution("VectorDeterministic")
class VectorDeterministic(_BaseDeterministic, Simplex):
    """Always the vector `loc`. Source: TF 1.15 `tf.contrib.distributions.VectorDeterministic`."""

    _shaped_like = "loc"

    def __init__(
        self, loc: Any, atol: Any = None, rtol: Any = None, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str = "VectorDeterministic",
    ):  # fmt: skip
        self._open(loc, atol, rtol, True, validate_args, allow_nan_stats, name)

    def _event_shape_tensor(self) -> Any:
        # TF 1.15's is a scalar too.
        return tf.shape(self.loc)[-1]

    def _prob(self, x: Any) -> Any:
        if self.validate_args:
            is_vector = tf.assert_rank_at_least(x, 1)
            message = "Argument 'x' not defined in the same space R^k as this distribution"
            own_size = self.event_shape_tensor()
            size = tf.gather(tf.shape(x), tf.rank(x) - 1)
            fits = tf.assert_equal(own_size, size, message=message)
            with tf.control_dependencies([is_vector]), tf.control_dependencies([fits]):
                x = tf.identity(x)
        return tf.cast(tf.reduce_all(self._is_near(x), axis=-1), dtype=self.dtype)
