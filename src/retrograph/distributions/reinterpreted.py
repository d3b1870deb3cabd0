"""Another distribution seen otherwise: batch axes as event axes, another batch shape, rounded, or step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import NOT_REPARAMETERIZED, Distribution
from retrograph.distributions.checks import assert_integer_form
from retrograph.distributions.divergence import RegisterKL, kl_divergence
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.framework.static_value import constant_value, constant_value_as_shape
from retrograph.ops.control_flow import with_dependencies


def _vector_size(shape: Any) -> Any:
    dims = shape.shape.with_rank_at_least(1).dims
    return tf.shape(shape)[0] if dims is None or dims[0].value is None else dims[0].value


@distribution("Independent")
class Independent(Distribution):
    """The last `reinterpreted_batch_ndims` axes of the batch (by default all but the first) as axes of the event.

    ValueError if the batch has less. Source: TF 1.15 `tf.contrib.distributions.Independent`.
    """

    def __init__(
        self, distribution: Any, reinterpreted_batch_ndims: Any = None, validate_args: Any = False,
        name: str | None = None,
    ):  # fmt: skip
        parameters = arguments(locals())
        name = name or "Independent" + distribution.name
        self._distribution = distribution
        with tf.name_scope(name) as name:
            if reinterpreted_batch_ndims is None:
                reinterpreted_batch_ndims = self._all_but_the_first()
            ndims = tf.convert_to_tensor(reinterpreted_batch_ndims, dtype=tf.int32, name="reinterpreted_batch_ndims")
            known: Any = constant_value(ndims)
            self._static_reinterpreted_batch_ndims: Any = known
            self._reinterpreted_batch_ndims = ndims if known is None else known
            super().__init__(
                distribution.dtype, distribution.reparameterization_type, validate_args,
                distribution.allow_nan_stats, parameters, [ndims, *distribution._graph_parents], name,
            )  # fmt: skip
            self._runtime_assertions = self._checks(ndims, known)

    def _all_but_the_first(self) -> Any:
        ndims = self._distribution.batch_shape.ndims
        if ndims is None:
            return tf.maximum(0, tf.shape(self._distribution.batch_shape_tensor())[0] - 1)
        return np.maximum(0, ndims - 1)

    def _checks(self, ndims: Any, known: Any) -> list[Any]:
        batch_ndims = self._distribution.batch_shape.ndims
        if batch_ndims is not None and known is not None:
            if known > batch_ndims:
                raise ValueError(
                    f"reinterpreted_batch_ndims({known}) cannot exceed distribution.batch_ndims({batch_ndims})"
                )
            return []
        if not self.validate_args:
            return []
        message = "reinterpreted_batch_ndims cannot exceed distribution.batch_ndims"
        size = _vector_size(self._distribution.batch_shape_tensor())
        return [tf.assert_less_equal(ndims, size, message=message)]

    @property
    def distribution(self) -> Any:
        """What is seen otherwise."""
        return self._distribution

    @property
    def reinterpreted_batch_ndims(self) -> Any:
        """How many axes of the batch are axes of the event."""
        return self._reinterpreted_batch_ndims

    def _batch_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            shape = self.distribution.batch_shape_tensor()
            return shape[: _vector_size(shape) - self.reinterpreted_batch_ndims]

    def _event_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            shape = self.distribution.batch_shape_tensor()
            own = shape[_vector_size(shape) - self.reinterpreted_batch_ndims :]
            return tf.concat([own, self.distribution.event_shape_tensor()], axis=0)

    def _split_batch_shape(self) -> tuple[Any, Any] | None:
        shape, known = self.distribution.batch_shape, self._static_reinterpreted_batch_ndims
        if known is None or shape.ndims is None:
            return None
        return shape[: shape.ndims - known], shape[shape.ndims - known :]

    def _batch_shape(self) -> Any:
        parts = self._split_batch_shape()
        return tf.TensorShape(None) if parts is None else parts[0]

    def _event_shape(self) -> Any:
        parts = self._split_batch_shape()
        return tf.TensorShape(None) if parts is None else parts[1].concatenate(self.distribution.event_shape)

    def _asked(self, question: Callable[[], Any]) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return question()

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        return self._asked(lambda: self.distribution.sample(sample_shape=n, seed=seed))

    def _log_prob(self, x: Any) -> Any:
        return self._asked(lambda: self._reduce_sum(self.distribution.log_prob(x)))

    def _entropy(self) -> Any:
        return self._asked(lambda: self._reduce_sum(self.distribution.entropy()))

    def _mean(self) -> Any:
        return self._asked(self.distribution.mean)

    def _variance(self) -> Any:
        return self._asked(self.distribution.variance)

    def _stddev(self) -> Any:
        return self._asked(self.distribution.stddev)

    def _mode(self) -> Any:
        return self._asked(self.distribution.mode)

    def _reduce_sum(self, statistic: Any) -> Any:
        known = self._static_reinterpreted_batch_ndims
        axes = tf.range(self._reinterpreted_batch_ndims) if known is None else np.arange(known)
        return tf.reduce_sum(statistic, axis=-1 - axes)


@RegisterKL(Independent, Independent)
def _kl_independent(a: Any, b: Any, name: str | None = "kl_independent") -> Any:
    p, q = a.distribution, b.distribution
    if a.event_shape.is_fully_defined() and b.event_shape.is_fully_defined():
        if a.event_shape != b.event_shape:
            raise ValueError("Event shapes do not match.")
        if p.event_shape != q.event_shape:
            raise NotImplementedError("KL between Independents with different event shapes not supported.")
        count = a.event_shape.ndims - p.event_shape.ndims
        return tf.reduce_sum(kl_divergence(p, q, name=name), axis=[-i - 1 for i in range(count)])
    checks = [tf.assert_equal(x.event_shape_tensor(), y.event_shape_tensor()) for x, y in ((a, b), (p, q))]
    with tf.control_dependencies(checks):
        count = tf.shape(a.event_shape_tensor()[0]) - tf.shape(p.event_shape_tensor()[0])
        axes = tf.range(-count - 1, -1, 1)
        return tf.reduce_sum(kl_divergence(p, q, name=name), axis=axes)


def calculate_reshape(
    original_shape: Any, new_shape: Any, validate: Any = False, name: str | None = None
) -> tuple[Any, Any, list[Any]]:
    """(the new shape without -1, as far as known, checks for the graph)."""
    known = constant_value_as_shape(new_shape)
    if known.is_fully_defined():
        return np.array(known.as_list(), np.int32), known, []
    with tf.name_scope(name, "calculate_reshape", [original_shape, new_shape]):
        original_size = tf.reduce_prod(original_shape)
        implicit = tf.equal(new_shape, -1)
        size = original_size // tf.maximum(1, -tf.reduce_prod(new_shape))
        expanded = tf.where_v2(implicit, tf.fill(tf.shape(new_shape), size), new_shape)
        checks = _reshape_checks(original_shape, new_shape, implicit, expanded, original_size) if validate else []
        return expanded, known, checks


def _reshape_checks(original: Any, new: Any, implicit: Any, expanded: Any, original_size: Any) -> list[Any]:
    unknown = tf.count_nonzero(implicit, dtype=tf.int32)
    return [
        tf.assert_rank(original, 1, message="Original shape must be a vector."),
        tf.assert_rank(new, 1, message="New shape must be a vector."),
        tf.assert_less_equal(unknown, 1, message="At most one dimension can be unknown."),
        tf.assert_positive(expanded, message="Shape elements must be >=-1."),
        tf.assert_equal(tf.reduce_prod(expanded), original_size, message="Shape sizes do not match."),
    ]


def validate_init_args_statically(distribution: Any, batch_shape: Any) -> None:
    """ValueError for a batch shape that the distribution's cannot be reshaped to, as far as that is known."""
    if batch_shape.shape.ndims not in (None, 1):
        raise ValueError(f"`batch_shape` must be a vector (saw rank: {batch_shape.shape.ndims}).")
    known = constant_value_as_shape(batch_shape)
    sizes = known.num_elements(), distribution.batch_shape.num_elements()
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(f"`batch_shape` size ({sizes[0]}) must match `distribution.batch_shape` size ({sizes[1]}).")
    if known.dims is not None and any(dim.value is not None and dim.value < 1 for dim in known.dims):
        raise ValueError("`batch_shape` elements must be >=-1.")


@distribution("BatchReshape")
class BatchReshape(Distribution):
    """A distribution with another batch shape of the same size; one -1. ValueError for another size.

    Source: TF 1.15 `tf.contrib.distributions.BatchReshape`.
    """

    def __init__(
        self, distribution: Any, batch_shape: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        name: str | None = None,
    ):  # fmt: skip
        parameters = arguments(locals())
        name = name or "BatchReshape" + distribution.name
        with tf.name_scope(name, values=[batch_shape]) as name:
            given = tf.convert_to_tensor(batch_shape, dtype=tf.int32, name="batch_shape")
            self._batch_shape_unexpanded = given
            validate_init_args_statically(distribution, given)
            found = calculate_reshape(distribution.batch_shape_tensor(), given, validate_args)
            self._distribution = distribution
            self._batch_shape_, self._batch_shape_static, self._runtime_assertions = found
            super().__init__(
                distribution.dtype, distribution.reparameterization_type, validate_args, allow_nan_stats, parameters,
                [given, *distribution._graph_parents], name,
            )  # fmt: skip

    @property
    def distribution(self) -> Any:
        """What has another batch shape."""
        return self._distribution

    def _batch_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return tf.identity(self._batch_shape_)

    def _batch_shape(self) -> Any:
        return self._batch_shape_static

    def _event_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return tf.identity(self.distribution.event_shape_tensor())

    def _event_shape(self) -> Any:
        return self.distribution.event_shape

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            x = self.distribution.sample(sample_shape=n, seed=seed)
            shape = tf.concat([[n], self._batch_shape_unexpanded, self.event_shape_tensor()], axis=0)
            return tf.reshape(x, shape)

    def _log_prob(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.log_prob, x)

    def _prob(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.prob, x)

    def _log_cdf(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.log_cdf, x)

    def _cdf(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.cdf, x)

    def _log_survival_function(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.log_survival_function, x)

    def _survival_function(self, x: Any) -> Any:
        return self._reshaped_call(self.distribution.survival_function, x)

    def _entropy(self) -> Any:
        return self._reshaped(self.distribution.entropy, 0)

    def _mean(self) -> Any:
        return self._reshaped(self.distribution.mean)

    def _mode(self) -> Any:
        return self._reshaped(self.distribution.mode)

    def _stddev(self) -> Any:
        return self._reshaped(self.distribution.stddev)

    def _variance(self) -> Any:
        return self._reshaped(self.distribution.variance)

    def _covariance(self) -> Any:
        return self._reshaped(self.distribution.covariance, 2)

    def _ndims(self) -> tuple[Any, Any]:
        """The ranks of batch and event."""
        event, batch = self.event_shape.ndims, self.batch_shape.ndims
        event = tf.size(self.event_shape_tensor()) if event is None else event
        return tf.size(self._batch_shape_unexpanded) if batch is None else batch, event

    def _sample_shape(self, x: Any) -> tuple[Any, Any]:
        ndims = tf.rank(x) if x.shape.ndims is None else x.shape.ndims
        batch, event = self._ndims()
        samples = ndims - batch - event
        known = x.shape[:samples] if isinstance(samples, int) else tf.TensorShape(None)
        if known.is_fully_defined():
            return np.array(known.as_list(), np.int32), known
        return tf.shape(x)[:samples], known

    def _reshaped_call(self, function: Callable[[Any], Any], x: Any) -> Any:
        with tf.control_dependencies(self._runtime_assertions + self._validate_sample_arg(x)):
            samples, known = self._sample_shape(x)
            old = tf.concat([samples, self.distribution.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
            result = function(tf.reshape(x, old))
            result = tf.reshape(result, tf.concat([samples, self._batch_shape_unexpanded], axis=0))
            if known.ndims is not None and self.batch_shape.ndims is not None:
                result.set_shape(result.shape.merge_with(known.concatenate(self.batch_shape)))
            return result

    def _reshaped(self, function: Callable[[], Any], events: int = 1) -> Any:
        """What `function` gives, its shape being that of the batch and `events` times that of the event."""
        with tf.control_dependencies(self._runtime_assertions):
            shapes: list[Any] = []
            if events:
                shapes = [self._event_shape_tensor() if events == 1 else self.event_shape_tensor()] * events
            shape = tf.concat([self._batch_shape_unexpanded, *shapes], axis=0)
            result = tf.reshape(function(), shape)
            if self.batch_shape.ndims is not None and self.event_shape.ndims is not None:
                known = self.batch_shape
                for _ in range(events):
                    known = known.concatenate(self.event_shape)
                result.set_shape(result.shape.merge_with(known))
            return result

    def _validate_sample_arg(self, x: Any) -> list[Any]:
        """NotImplementedError, or checks for the graph, for values that would have to be broadcast."""
        with tf.name_scope(name="validate_sample_arg", values=[x]):
            ndims = tf.rank(x) if x.shape.ndims is None else x.shape.ndims
            batch, event = self._ndims()
            expected_ndims = batch + event
            checks = self._rank_checks(ndims, expected_ndims)
            expected = self._known_shape(self.batch_shape.concatenate(self.event_shape))
            if expected is None:
                expected = tf.concat([self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
            samples = ndims - expected_ndims
            samples = max(samples, 0) if isinstance(samples, int) else samples
            actual = self._known_shape(x.shape[samples:]) if isinstance(samples, int) else None
            if actual is None:
                actual = tf.shape(x)[tf.maximum(samples, 0) :]
            return self._shape_checks(expected, actual, checks)

    def _rank_checks(self, ndims: Any, expected: Any) -> list[Any]:
        text = "Broadcasting is not supported; too few batch and event dims"
        if isinstance(ndims, int) and isinstance(expected, int):
            if ndims < expected:
                raise NotImplementedError(f"{text} (expected at least {expected}, saw {ndims}).")
            return []
        if not self.validate_args:
            return []
        name = "assert_batch_and_event_ndims_large_enough"
        return [tf.assert_greater_equal(ndims, expected, message=f"{text}.", name=name)]

    @staticmethod
    def _known_shape(shape: Any) -> Any:
        return np.array(shape.as_list(), np.int32) if shape.is_fully_defined() else None

    def _shape_checks(self, expected: Any, actual: Any, checks: list[Any]) -> list[Any]:
        text = "Broadcasting is not supported; unexpected batch and event shape"
        if isinstance(expected, np.ndarray) and isinstance(actual, np.ndarray):
            if any(expected != actual):
                raise NotImplementedError(f"{text} (expected {expected}, saw {actual}).")
            return checks
        if not self.validate_args:
            return []
        with tf.control_dependencies(checks):
            name = "assert_batch_and_event_shape_same"
            return [tf.assert_equal(expected, actual, message=f"{text}.", name=name)]


def _logsum_expbig_minus_expsmall(big: Any, small: Any) -> Any:
    with tf.name_scope("logsum_expbig_minus_expsmall", values=[small, big]):
        return tf.log(1.0 - tf.exp(small - big)) + big


@distribution("QuantizedDistribution")
class QuantizedDistribution(Distribution):
    """Samples of a distribution, rounded up; below `low` and above `high` they are what these bounds are.

    Source: TF 1.15 `tf.contrib.distributions.QuantizedDistribution`.
    """

    def __init__(
        self, distribution: Any, low: Any = None, high: Any = None, validate_args: Any = False,
        name: str = "QuantizedDistribution",
    ):  # fmt: skip
        parameters = arguments(locals())
        self._validate_args = validate_args
        with tf.name_scope(name, values=[*distribution.parameters.values(), low, high]) as name:
            self._dist = distribution
            low = low if low is None else tf.convert_to_tensor(low, name="low")
            high = high if high is None else tf.convert_to_tensor(high, name="high")
            tf.debugging.assert_same_float_dtype(tensors=[self.distribution, low, high])
            checks = []
            if validate_args and low is not None and high is not None:
                checks.append(tf.assert_less(low, high, message="low must be strictly less than high."))
            with tf.control_dependencies(checks):
                self._low = low if low is None else self._check_integer(low)
                self._high = high if high is None else self._check_integer(high)
        bounds = [bound for bound in (self._low, self._high) if bound is not None]
        super().__init__(
            distribution.dtype, NOT_REPARAMETERIZED, validate_args, distribution.allow_nan_stats, parameters,
            [*distribution._graph_parents, *bounds], name,
        )  # fmt: skip

    @property
    def distribution(self) -> Any:
        """What is rounded."""
        return self._dist

    @property
    def low(self) -> Any:
        """The least value; None: there is none."""
        return self._low

    @property
    def high(self) -> Any:
        """The greatest value; None: there is none."""
        return self._high

    def _batch_shape_tensor(self) -> Any:
        return self.distribution.batch_shape_tensor()

    def _batch_shape(self) -> Any:
        return self.distribution.batch_shape

    def _event_shape_tensor(self) -> Any:
        return self.distribution.event_shape_tensor()

    def _event_shape(self) -> Any:
        return self.distribution.event_shape

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        with tf.name_scope("transform"):
            n = tf.convert_to_tensor(n, name="n")
            samples = self.distribution.sample(n, seed=seed)
            ones = tf.ones_like(samples)
            result = tf.ceil(samples)
            if self._low is not None:
                result = tf.where(result < self._low, self._low * ones, result)
            if self._high is not None:
                result = tf.where(result > self._high, self._high * ones, result)
            return result

    def _log_prob(self, y: Any) -> Any:
        y = self._check_integer(y)
        try:
            return self._log_prob_of_tails(y)
        except NotImplementedError:
            return _logsum_expbig_minus_expsmall(self.log_cdf(y), self.log_cdf(y - 1))

    def _log_prob_of_tails(self, y: Any) -> Any:
        """In the upper half by the survival function, which is more accurate there."""
        sf, sf_before = self.log_survival_function(y), self.log_survival_function(y - 1)
        cdf, cdf_before = self.log_cdf(y), self.log_cdf(y - 1)
        big = tf.where(sf < cdf, sf_before, cdf)
        small = tf.where(sf < cdf, sf, cdf_before)
        return _logsum_expbig_minus_expsmall(big, small)

    def _prob(self, y: Any) -> Any:
        y = self._check_integer(y)
        try:
            return self._prob_of_tails(y)
        except NotImplementedError:
            return self.cdf(y) - self.cdf(y - 1)

    def _prob_of_tails(self, y: Any) -> Any:
        sf, sf_before = self.survival_function(y), self.survival_function(y - 1)
        cdf, cdf_before = self.cdf(y), self.cdf(y - 1)
        return tf.where(sf < cdf, sf_before - sf, cdf - cdf_before)

    def _bounded(self, j: Any, result: Any, below: Callable[[Any], Any], above: Callable[[Any], Any]) -> Any:
        j += tf.zeros_like(result)
        if self._low is not None:
            beyond = below(result)
            result = tf.where(j < self._low, beyond, result)
        if self._high is not None:
            beyond = above(result)
            result = tf.where(j >= self._high, beyond, result)
        return result

    def _log_cdf(self, y: Any) -> Any:
        j = tf.floor(y)
        return self._bounded(j, self.distribution.log_cdf(j), _minus_infinity, tf.zeros_like)

    def _cdf(self, y: Any) -> Any:
        j = tf.floor(y)
        return self._bounded(j, self.distribution.cdf(j), tf.zeros_like, tf.ones_like)

    def _log_survival_function(self, y: Any) -> Any:
        j = tf.ceil(y)
        return self._bounded(j, self.distribution.log_survival_function(j), tf.zeros_like, _minus_infinity)

    def _survival_function(self, y: Any) -> Any:
        j = tf.ceil(y)
        return self._bounded(j, self.distribution.survival_function(j), tf.ones_like, tf.zeros_like)

    def _check_integer(self, value: Any) -> Any:
        with tf.name_scope("check_integer", values=[value]):
            value = tf.convert_to_tensor(value, name="value")
            if not self.validate_args:
                return value
            return with_dependencies([assert_integer_form(value, message="value has non-integer components.")], value)


def _minus_infinity(like: Any) -> Any:
    return -np.inf * tf.ones_like(like)


@distribution("Autoregressive")
class Autoregressive(Distribution):
    """Each element depends on those before: `distribution_fn(samples so far)` is asked `num_steps` times.

    ValueError if the number of steps is neither given nor known from the event. Source: TF 1.15
    `tf.contrib.distributions.Autoregressive`.
    """

    def __init__(
        self, distribution_fn: Any, sample0: Any = None, num_steps: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Autoregressive",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name:
            self._distribution_fn, self._sample0 = distribution_fn, sample0
            first = self._distribution0 = distribution_fn() if sample0 is None else distribution_fn(sample0)
            num_steps = first.event_shape.num_elements() if num_steps is None else num_steps
            if num_steps is None:
                raise ValueError("distribution_fn must generate a distribution with fully known `event_shape`.")
            if num_steps < 1:
                raise ValueError(f"num_steps ({num_steps}) must be at least 1.")
            self._num_steps = num_steps
        super().__init__(
            first.dtype, first.reparameterization_type, validate_args, allow_nan_stats, parameters,
            first._graph_parents, name,
        )  # fmt: skip

    @property
    def distribution_fn(self) -> Any:
        """What makes the distribution of the next element."""
        return self._distribution_fn

    @property
    def sample0(self) -> Any:
        """What it is given first."""
        return self._sample0

    @property
    def num_steps(self) -> Any:
        """How often it is asked."""
        return self._num_steps

    @property
    def distribution0(self) -> Any:
        """The first distribution."""
        return self._distribution0

    def _batch_shape(self) -> Any:
        return self.distribution0.batch_shape

    def _batch_shape_tensor(self) -> Any:
        return self.distribution0.batch_shape_tensor()

    def _event_shape(self) -> Any:
        return self.distribution0.event_shape

    def _event_shape_tensor(self) -> Any:
        return self.distribution0.event_shape_tensor()

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        if seed is None:
            # All steps must draw the same numbers.
            seed = gen_new_seed(seed=np.random.randint(2**32 - 1, dtype=np.int64), salt="autoregressive")
        samples = self.distribution0.sample(n, seed=seed)
        for _ in range(self._num_steps):
            samples = self.distribution_fn(samples).sample(seed=seed)
        return samples

    def _log_prob(self, value: Any) -> Any:
        return self.distribution_fn(value).log_prob(value)

    def _prob(self, value: Any) -> Any:
        return self.distribution_fn(value).prob(value)
