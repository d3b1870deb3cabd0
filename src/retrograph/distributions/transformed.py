"""`TransformedDistribution`: a bijector applied to samples of another distribution; and the conditional forms."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import Distribution
from retrograph.distributions.bijector import Identity
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.shapes import maybe_get_static_value, pick_vector, static_value
from retrograph.framework.static_value import constant_value, constant_value_as_shape
from retrograph.ops.control_flow import with_dependencies


def _logical_and(*args: Any) -> Any:
    known = [static_value(arg) for arg in args]
    if any(value is not None and not bool(value) for value in known):
        return tf.constant(False)
    if all(value is not None and bool(value) for value in known):
        return tf.constant(True)
    return tf.logical_and(*args) if len(args) == 2 else tf.reduce_all(args)


def _logical_equal(x: Any, y: Any) -> Any:
    known_x, known_y = static_value(x), static_value(y)
    if known_x is None or known_y is None:
        return tf.equal(x, y)
    return tf.constant(np.array_equal(known_x, known_y))


def _logical_not(x: Any) -> Any:
    known = static_value(x)
    return tf.logical_not(x) if known is None else tf.constant(np.logical_not(known))


def _concat_vectors(*args: Any) -> Any:
    known = [static_value(arg) for arg in args]
    if any(value is None for value in known):
        return tf.concat(args, 0)
    return tf.constant([element for vector in known for element in vector])


def _pick_scalar_condition(pred: Any, cond_true: Any, cond_false: Any) -> Any:
    known = static_value(pred)
    if known is None:
        return tf.where_v2(pred, cond_true, cond_false)
    return cond_true if known else cond_false


def _ones_like(x: Any) -> Any:
    known = x.get_shape()
    return tf.ones(known.as_list(), dtype=x.dtype) if known.is_fully_defined() else tf.ones_like(x)


def _ndims_from_shape(shape: Any) -> Any:
    if shape.get_shape().ndims not in (None, 1):
        raise ValueError("input is not a valid shape: not 1D")
    if not shape.dtype.is_integer:
        raise TypeError("input is not a valid shape: wrong dtype")
    if shape.get_shape().is_fully_defined():
        return tf.constant(shape.get_shape().as_list()[0])
    return tf.shape(shape)[0]


def _may_be_set(shape: Any) -> bool:
    known = constant_value(shape)
    return known is None or known.size != 0


class _Override:
    """The batch or event shape that a scalar distribution is blown up to: vector, and whether it is not empty."""

    def __init__(self, owner: TransformedDistribution, shape: Any, base_is_scalar: Any, validate: Any, name: str):
        self.shape = owner._maybe_validate_shape_override(shape, base_is_scalar, validate, name)
        self.is_set = _logical_not(_logical_equal(_ndims_from_shape(self.shape), owner._zero))
        self.may_be_set = _may_be_set(self.shape)


@distribution("TransformedDistribution")
class TransformedDistribution(Distribution):
    """`bijector.forward(X)` for X of a distribution, which may be blown up to a batch and an event shape if it is scalar.

    ValueError for shapes that it cannot be blown up to. Source: TF 1.15 `tf.contrib.distributions.TransformedDistribution`.

    >>> exp = tf.contrib.distributions.bijectors.Exp()
    >>> log_normal = tf.contrib.distributions.TransformedDistribution(tf.distributions.Normal(0., 1.), exp)
    """

    def __init__(
        self, distribution: Any, bijector: Any = None, batch_shape: Any = None, event_shape: Any = None,
        validate_args: Any = False, name: str | None = None,
    ):  # fmt: skip
        parameters = arguments(locals())
        name = name or (("" if bijector is None else bijector.name) + distribution.name)
        with tf.name_scope(name, values=[event_shape, batch_shape]) as name:
            self._zero = tf.constant(0, dtype=tf.int32, name="zero")
            self._empty = tf.constant([], dtype=tf.int32, name="empty")
            bijector = Identity(validate_args=validate_args) if bijector is None else bijector
            batch = _Override(self, batch_shape, distribution.is_scalar_batch(), validate_args, "batch_shape")
            event = _Override(self, event_shape, distribution.is_scalar_event(), validate_args, "event_shape")
            self._batch_override, self._event_override = batch, event
            # An event of a base with a batch: samples come with the event first, and are rotated.
            self._needs_rotation = _logical_and(
                event.is_set, _logical_not(batch.is_set), _logical_not(distribution.is_scalar_batch())
            )
            ndims = _ndims_from_shape(event.shape)
            self._rotate_ndims = _pick_scalar_condition(self._needs_rotation, ndims, 0)
            self._reduce_event_indices = tf.range(self._rotate_ndims - ndims, self._rotate_ndims)
        self._distribution, self._bijector = distribution, bijector
        super().__init__(
            distribution.dtype, distribution.reparameterization_type, validate_args, distribution.allow_nan_stats,
            parameters, distribution._graph_parents + bijector.graph_parents, name,
        )  # fmt: skip

    @property
    def distribution(self) -> Any:
        """What is transformed."""
        return self._distribution

    @property
    def bijector(self) -> Any:
        """What transforms."""
        return self._bijector

    def _event_shape_tensor(self) -> Any:
        override = self._event_override
        base = pick_vector(override.is_set, override.shape, self.distribution.event_shape_tensor())
        return self.bijector.forward_event_shape_tensor(base)

    def _event_shape(self) -> Any:
        override = constant_value_as_shape(self._event_override.shape)
        base = override if self._event_override.may_be_set else self.distribution.event_shape
        return self.bijector.forward_event_shape(base)

    def _batch_shape_tensor(self) -> Any:
        override = self._batch_override
        return pick_vector(override.is_set, override.shape, self.distribution.batch_shape_tensor())

    def _batch_shape(self) -> Any:
        override = constant_value_as_shape(self._batch_override.shape)
        return override if self._batch_override.may_be_set else self.distribution.batch_shape

    def _sample_n(self, n: Any, seed: Any = None, **kwargs: Any) -> Any:
        sample_shape = _concat_vectors(
            pick_vector(self._needs_rotation, self._empty, [n]),
            self._batch_override.shape,
            self._event_override.shape,
            pick_vector(self._needs_rotation, [n], self._empty),
        )
        x = self.distribution.sample(sample_shape=sample_shape, seed=seed, **kwargs)
        return self._maybe_rotate_dims(x)

    def _call_sample_n(self, sample_shape: Any, seed: Any, name: str, **kwargs: Any) -> Any:
        bijector_kwargs, kwargs = self._split_kwargs(kwargs)
        with self._name_scope(name, values=[sample_shape]):
            sample_shape = tf.convert_to_tensor(sample_shape, dtype=tf.int32, name="sample_shape")
            sample_shape, n = self._expand_sample_shape_to_vector(sample_shape, "sample_shape")
            x = self._sample_n(n, seed, **kwargs)
            x = tf.reshape(x, tf.concat([sample_shape, tf.shape(x)[1:]], 0))
            # The bijector remembers the pair: its inverse of a sample is what the sample was made of.
            y = self.bijector.forward(x, **bijector_kwargs)
            return self._set_sample_static_shape(y, sample_shape)

    def _split_kwargs(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, kwargs

    def _fibers(self, y: Any, finish: str, kwargs: dict[str, Any]) -> tuple[bool, list[Any]]:
        """(injective, for each x that is mapped to `y` what the method `finish` makes of it)."""
        bijector_kwargs, kwargs = self._split_kwargs(kwargs)
        x = self.bijector.inverse(y, **bijector_kwargs)
        event_ndims = self._maybe_get_static_event_ndims()
        ildj = self.bijector.inverse_log_det_jacobian(y, event_ndims=event_ndims, **bijector_kwargs)
        method = getattr(self, finish)
        if self.bijector._is_injective:
            return True, [method(y, x, ildj, event_ndims, **kwargs)]
        pairs = zip(x, ildj, strict=True)
        return False, [method(y, x_i, ildj_i, event_ndims, **kwargs) for x_i, ildj_i in pairs]

    def _log_prob(self, value: Any, **kwargs: Any) -> Any:
        injective, found = self._fibers(value, "_finish_log_prob_for_one_fiber", kwargs)
        return found[0] if injective else tf.reduce_logsumexp(tf.stack(found), axis=0)

    def _prob(self, value: Any, **kwargs: Any) -> Any:
        injective, found = self._fibers(value, "_finish_prob_for_one_fiber", kwargs)
        return found[0] if injective else sum(found)

    def _finish_log_prob_for_one_fiber(self, y: Any, x: Any, ildj: Any, event_ndims: Any, **kwargs: Any) -> Any:
        x = self._maybe_rotate_dims(x, rotate_right=True)
        log_prob = self.distribution.log_prob(x, **kwargs)
        if self._event_override.may_be_set:
            log_prob = tf.reduce_sum(log_prob, self._reduce_event_indices)
        log_prob = self._sum_of(log_prob, tf.cast(ildj, log_prob.dtype))
        return self._with_known_shape(log_prob, y, event_ndims)

    def _finish_prob_for_one_fiber(self, y: Any, x: Any, ildj: Any, event_ndims: Any, **kwargs: Any) -> Any:
        x = self._maybe_rotate_dims(x, rotate_right=True)
        prob = self.distribution.prob(x, **kwargs)
        if self._event_override.may_be_set:
            prob = tf.reduce_prod(prob, self._reduce_event_indices)
        prob *= tf.exp(tf.cast(ildj, prob.dtype))
        return self._with_known_shape(prob, y, event_ndims)

    def _sum_of(self, log_prob: Any, ildj: Any) -> Any:
        return log_prob + ildj

    def _with_known_shape(self, result: Any, y: Any, event_ndims: Any) -> Any:
        if self._event_override.may_be_set and isinstance(event_ndims, int):
            shape = y.get_shape().with_rank_at_least(1)[:-event_ndims]
            result.set_shape(tf.broadcast_static_shape(shape, self.batch_shape))
        return result

    def _of_base(self, what: str, y: Any, kwargs: dict[str, Any]) -> Any:
        self._must_be_plain(what)
        bijector_kwargs, kwargs = self._split_kwargs(kwargs)
        return getattr(self.distribution, what)(self.bijector.inverse(y, **bijector_kwargs), **kwargs)

    def _must_be_plain(self, what: str) -> None:
        if self._event_override.may_be_set:
            raise NotImplementedError(f"{what} is not implemented when overriding event_shape")
        if not self.bijector._is_injective:
            raise NotImplementedError(f"{what} is not implemented when bijector is not injective.")

    def _log_cdf(self, value: Any, **kwargs: Any) -> Any:
        return self._of_base("log_cdf", value, kwargs)

    def _cdf(self, value: Any, **kwargs: Any) -> Any:
        return self._of_base("cdf", value, kwargs)

    def _log_survival_function(self, value: Any, **kwargs: Any) -> Any:
        return self._of_base("log_survival_function", value, kwargs)

    def _survival_function(self, value: Any, **kwargs: Any) -> Any:
        return self._of_base("survival_function", value, kwargs)

    def _quantile(self, value: Any, **kwargs: Any) -> Any:
        self._must_be_plain("quantile")
        bijector_kwargs, kwargs = self._split_kwargs(kwargs)
        return self.bijector.forward(self.distribution.quantile(value, **kwargs), **bijector_kwargs)

    def _entropy(self) -> Any:
        if not self.bijector.is_constant_jacobian:
            raise NotImplementedError("entropy is not implemented")
        if not self.bijector._is_injective:
            raise NotImplementedError("entropy is not implemented when bijector is not injective.")
        entropy = self._blown_up(self.distribution.entropy())
        shape = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], 0)
        dummy = tf.zeros(shape=shape, dtype=self.dtype)
        ndims = self.event_shape.ndims
        ndims = tf.size(self.event_shape_tensor()) if ndims is None else ndims
        ildj = self.bijector.inverse_log_det_jacobian(dummy, event_ndims=ndims)
        entropy -= tf.cast(ildj, entropy.dtype)
        entropy.set_shape(self.batch_shape)
        return entropy

    def _blown_up(self, entropy: Any) -> Any:
        if self._event_override.may_be_set:
            entropy *= tf.cast(tf.reduce_prod(self._event_override.shape), dtype=entropy.dtype.base_dtype)
        if not self._batch_override.may_be_set:
            return entropy
        own = self._batch_override.shape
        shape = tf.concat([_ones_like(own), self.distribution.batch_shape_tensor()], 0)
        entropy = tf.reshape(entropy, shape)
        multiples = tf.concat([own, _ones_like(self.distribution.batch_shape_tensor())], 0)
        return tf.tile(entropy, multiples)

    def _maybe_validate_shape_override(
        self, override_shape: Any, base_is_scalar: Any, validate_args: Any, name: str
    ) -> Any:
        shape = [] if override_shape is None else override_shape
        shape = tf.convert_to_tensor(shape, dtype=tf.int32, name=name)
        if not shape.dtype.is_integer:
            raise TypeError("shape override must be an integer")
        is_scalar = _logical_equal(_ndims_from_shape(shape), 0)
        if constant_value(is_scalar):
            return self._empty
        checks = []
        if shape.get_shape().ndims not in (None, 1):
            raise ValueError("shape override must be a vector")
        if shape.get_shape().ndims is None and validate_args:
            checks.append(tf.assert_rank(shape, 1, message="shape override must be a vector"))
        known = constant_value(shape)
        if known is not None and any(size <= 0 for size in known):
            raise ValueError("shape override must have positive elements")
        if known is None and validate_args:
            checks.append(tf.assert_positive(shape, message="shape override must have positive elements"))
        both = _logical_and(_logical_not(base_is_scalar), _logical_not(is_scalar))
        if constant_value(both):
            raise ValueError("base distribution not scalar")
        if constant_value(both) is None and validate_args:
            checks.append(tf.assert_equal(both, False, message="base distribution not scalar"))
        return with_dependencies(checks, shape) if checks else shape

    def _maybe_rotate_dims(self, x: Any, rotate_right: bool = False) -> Any:
        known = constant_value(self._needs_rotation)
        if known is not None and not known:
            return x
        ndims = tf.rank(x)
        n = ndims - self._rotate_ndims if rotate_right else self._rotate_ndims
        return tf.transpose(x, _concat_vectors(tf.range(n, ndims), tf.range(0, n)))

    def _maybe_get_static_event_ndims(self) -> Any:
        if self.event_shape.ndims is not None:
            return self.event_shape.ndims
        size = tf.size(self.event_shape_tensor())
        known = maybe_get_static_value(size)
        return size if known is None else known


@distribution("ConditionalDistribution")
class ConditionalDistribution(Distribution):
    """A distribution whose methods take further arguments by name, and hand them to its `_log_prob`, `_sample_n`, ...

    Source: TF 1.15 `tf.contrib.distributions.ConditionalDistribution`.
    """

    def sample(self, sample_shape: Any = (), seed: Any = None, name: str = "sample", **condition_kwargs: Any) -> Any:
        """Samples of shape `sample_shape + batch_shape + event_shape`."""
        return self._call_sample_n(sample_shape, seed, name, **condition_kwargs)

    def log_prob(self, value: Any, name: str = "log_prob", **condition_kwargs: Any) -> Any:
        """Log of the density or mass at `value`."""
        return self._call_with_value("log_prob", value, name, **condition_kwargs)

    def prob(self, value: Any, name: str = "prob", **condition_kwargs: Any) -> Any:
        """The density or mass at `value`."""
        return self._call_with_value("prob", value, name, **condition_kwargs)

    def log_cdf(self, value: Any, name: str = "log_cdf", **condition_kwargs: Any) -> Any:
        """log P[X <= value]."""
        return self._call_with_value("log_cdf", value, name, **condition_kwargs)

    def cdf(self, value: Any, name: str = "cdf", **condition_kwargs: Any) -> Any:
        """P[X <= value]."""
        return self._call_with_value("cdf", value, name, **condition_kwargs)

    def log_survival_function(self, value: Any, name: str = "log_survival_function", **condition_kwargs: Any) -> Any:
        """log P[X > value]."""
        return self._call_with_value("log_survival_function", value, name, **condition_kwargs)

    def survival_function(self, value: Any, name: str = "survival_function", **condition_kwargs: Any) -> Any:
        """P[X > value]."""
        return self._call_with_value("survival_function", value, name, **condition_kwargs)


@distribution("ConditionalTransformedDistribution")
class ConditionalTransformedDistribution(ConditionalDistribution, TransformedDistribution):
    """A transformed distribution with conditions: `bijector_kwargs` and `distribution_kwargs` are handed on.

    Source: TF 1.15 `tf.contrib.distributions.ConditionalTransformedDistribution`.
    """

    def _split_kwargs(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        if "bijector_kwargs" not in kwargs and "distribution_kwargs" not in kwargs:
            return {}, kwargs
        return kwargs.get("bijector_kwargs") or {}, kwargs.get("distribution_kwargs") or {}

    def _sum_of(self, log_prob: Any, ildj: Any) -> Any:
        return ildj + log_prob
