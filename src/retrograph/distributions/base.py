"""`Distribution`: what all random variables share, and the two mixins for those of scalar events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, ClassVar

import numpy as np

import retrograph as tf
from retrograph.distributions import divergence
from retrograph.distributions.naming import distribution
from retrograph.distributions.shapes import pick_vector
from retrograph.framework.exports import export_value
from retrograph.framework.static_value import constant_value


@distribution("ReparameterizationType", core=True)
class ReparameterizationType:
    """How samples depend on the parameters: one of two instances, compared by identity.

    Source: TF 1.15 `tf.distributions.ReparameterizationType`.
    """

    def __init__(self, rep_type: str):
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameteriation Type: {self._rep_type}>"

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


def _complement(cdf: Any) -> Any:
    return 1.0 - cdf


# What is asked for -> (what it may be computed from, how).
_FALLBACKS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "log_prob": ("_prob", lambda x: tf.log(x)),
    "prob": ("_log_prob", lambda x: tf.exp(x)),
    "log_cdf": ("_cdf", lambda x: tf.log(x)),
    "cdf": ("_log_cdf", lambda x: tf.exp(x)),
    "log_survival_function": ("cdf", lambda x: tf.log1p(-x)),
    "survival_function": ("cdf", _complement),
    "variance": ("_stddev", lambda x: tf.square(x)),
    "stddev": ("_variance", lambda x: tf.sqrt(x)),
}


def _unknown(*parts: Any) -> Any:
    return tf.TensorShape([None] * sum(parts))


@distribution("Distribution", core=True)
class Distribution:
    """A (batch of) random variable(s); subclasses give `_sample_n`, `_log_prob`, `_mean`, ...

    Args: `dtype` of samples; `reparameterization_type`; `validate_args`: check arguments when the graph runs;
    `allow_nan_stats`: NaN for undefined statistics rather than an error; `parameters`: the constructor's arguments;
    `graph_parents`: tensors it depends on (ValueError if one is not a tensor); `name`.
    Source: TF 1.15 `tf.distributions.Distribution`.
    """

    def __init__(
        self, dtype: Any, reparameterization_type: Any, validate_args: Any, allow_nan_stats: Any,
        parameters: dict[str, Any] | None = None, graph_parents: Any = None, name: str | None = None,
    ):  # fmt: skip
        graph_parents = [] if graph_parents is None else graph_parents
        for i, parent in enumerate(graph_parents):
            if parent is None or not tf.is_tensor(parent):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")
        if not name or name[-1] != "/":
            with tf.name_scope(name or type(self).__name__) as name:
                pass
        self._dtype = dtype
        self._reparameterization_type = reparameterization_type
        self._allow_nan_stats = allow_nan_stats
        self._validate_args = validate_args
        self._parameters = parameters or {}
        self._graph_parents = graph_parents
        self._name: Any = name

    @classmethod
    def param_shapes(cls, sample_shape: Any, name: str = "DistributionParamShapes") -> dict[str, Any]:
        """Shapes of parameters, as tensors, that make `sample()` give `sample_shape`."""
        with tf.name_scope(name, values=[sample_shape]):
            shapes: dict[str, Any] = cls._param_shapes(sample_shape)
            return shapes

    @classmethod
    def param_static_shapes(cls, sample_shape: Any) -> dict[str, Any]:
        """`param_shapes` as TensorShapes; ValueError if `sample_shape` is not static."""
        if isinstance(sample_shape, tf.TensorShape):
            if not sample_shape.is_fully_defined():
                raise ValueError("TensorShape sample_shape must be fully defined")
            sample_shape = sample_shape.as_list()
        static = {name: constant_value(shape) for name, shape in cls.param_shapes(sample_shape).items()}
        if any(shape is None for shape in static.values()):
            raise ValueError("sample_shape must be a fully-defined TensorShape or list/tuple")
        return {name: tf.TensorShape(shape) for name, shape in static.items()}

    @staticmethod
    def _param_shapes(sample_shape: Any) -> dict[str, Any]:
        raise NotImplementedError("_param_shapes not implemented")

    @property
    def name(self) -> str:
        """The name scope of its operations, with the final slash."""
        return str(self._name)

    @property
    def dtype(self) -> Any:
        """The dtype of samples."""
        return self._dtype

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {k: v for k, v in self._parameters.items() if not k.startswith("__") and k != "self"}

    @property
    def reparameterization_type(self) -> ReparameterizationType:
        """FULLY_REPARAMETERIZED if gradients go through samples, else NOT_REPARAMETERIZED."""
        kind: ReparameterizationType = self._reparameterization_type
        return kind

    @property
    def allow_nan_stats(self) -> Any:
        """Whether undefined statistics are NaN rather than errors."""
        return self._allow_nan_stats

    @property
    def validate_args(self) -> Any:
        """Whether arguments are checked when the graph runs."""
        return self._validate_args

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """A new one of the same class and arguments but for those given."""
        return type(self)(**dict(self.parameters, **override_parameters_kwargs))

    # Shapes.

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    def _batch_shape_tensor(self) -> Any:
        raise self._missing("batch_shape_tensor")

    def _event_shape_tensor(self) -> Any:
        raise self._missing("event_shape_tensor")

    def _batch_shape(self) -> Any:
        return tf.TensorShape(None)

    def _event_shape(self) -> Any:
        return tf.TensorShape(None)

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """i32[rank of the batch]: the shape of one sample without its event."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return tf.convert_to_tensor(self.batch_shape.as_list(), dtype=tf.int32, name="batch_shape")
            return self._batch_shape_tensor()

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Any:
        """i32[rank of the event]: the shape of one event."""
        with self._name_scope(name):
            if self.event_shape.is_fully_defined():
                return tf.convert_to_tensor(self.event_shape.as_list(), dtype=tf.int32, name="event_shape")
            return self._event_shape_tensor()

    @property
    def batch_shape(self) -> Any:
        """`batch_shape_tensor` as far as it is known while building."""
        return tf.TensorShape(self._batch_shape())

    @property
    def event_shape(self) -> Any:
        """`event_shape_tensor` as far as it is known while building."""
        return tf.TensorShape(self._event_shape())

    def is_scalar_event(self, name: str = "is_scalar_event") -> Any:
        """bool[]: whether `event_shape == []`."""
        with self._name_scope(name):
            scalar = self._is_scalar_helper(self.event_shape, self.event_shape_tensor)
            return tf.convert_to_tensor(scalar, name="is_scalar_event")

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Any:
        """bool[]: whether `batch_shape == []`."""
        with self._name_scope(name):
            scalar = self._is_scalar_helper(self.batch_shape, self.batch_shape_tensor)
            return tf.convert_to_tensor(scalar, name="is_scalar_batch")

    @staticmethod
    def _is_scalar_helper(static_shape: Any, dynamic_shape_fn: Callable[[], Any]) -> Any:
        if static_shape.ndims is not None:
            return static_shape.ndims == 0
        shape = dynamic_shape_fn()
        known = shape.get_shape()
        if known.ndims is not None and known.dims[0].value is not None:
            return known.as_list() == [0]
        return tf.equal(tf.shape(shape)[0], 0)

    # Samples.

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        raise self._missing("sample_n")

    def _call_sample_n(self, sample_shape: Any, seed: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, values=[sample_shape]):
            sample_shape = tf.convert_to_tensor(sample_shape, dtype=tf.int32, name="sample_shape")
            sample_shape, n = self._expand_sample_shape_to_vector(sample_shape, "sample_shape")
            samples = _unflattened(self._sample_n(n, seed, **kwargs), sample_shape)
            return self._set_sample_static_shape(samples, sample_shape)

    def sample(self, sample_shape: Any = (), seed: Any = None, name: str = "sample") -> Any:
        """Samples of shape `sample_shape + batch_shape + event_shape`; `seed` is the operation's seed."""
        return self._call_sample_n(sample_shape, seed, name)

    # Functions of a value.

    def _log_prob(self, value: Any) -> Any:
        raise self._missing("log_prob")

    def _prob(self, value: Any) -> Any:
        raise self._missing("prob")

    def _log_cdf(self, value: Any) -> Any:
        raise self._missing("log_cdf")

    def _cdf(self, value: Any) -> Any:
        raise self._missing("cdf")

    def _log_survival_function(self, value: Any) -> Any:
        raise self._missing("log_survival_function")

    def _survival_function(self, value: Any) -> Any:
        raise self._missing("survival_function")

    def _quantile(self, value: Any) -> Any:
        raise self._missing("quantile")

    def _or_from_another(self, what: str, *values: Any, **kwargs: Any) -> Any:
        """`_<what>`, or what it can be computed from if the class does not give it."""
        try:
            return getattr(self, f"_{what}")(*values, **kwargs)
        except NotImplementedError as missing:
            other, transform = _FALLBACKS[what]
            try:
                return transform(getattr(self, other)(*values, **kwargs))
            except NotImplementedError:
                raise missing from None

    def _call_with_value(self, what: str, value: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, values=[value]):
            value = tf.convert_to_tensor(value, name="value", preferred_dtype=self.dtype)
            if what == "quantile":
                return self._quantile(value, **kwargs)
            return self._or_from_another(what, value, **kwargs)

    def log_prob(self, value: Any, name: str = "log_prob") -> Any:
        """Log of the density or mass at `value`, per batch member."""
        return self._call_with_value("log_prob", value, name)

    def prob(self, value: Any, name: str = "prob") -> Any:
        """The density or mass at `value`, per batch member."""
        return self._call_with_value("prob", value, name)

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Any:
        """log P[X <= value]."""
        return self._call_with_value("log_cdf", value, name)

    def cdf(self, value: Any, name: str = "cdf") -> Any:
        """P[X <= value]."""
        return self._call_with_value("cdf", value, name)

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Any:
        """log P[X > value]."""
        return self._call_with_value("log_survival_function", value, name)

    def survival_function(self, value: Any, name: str = "survival_function") -> Any:
        """P[X > value]."""
        return self._call_with_value("survival_function", value, name)

    def quantile(self, value: Any, name: str = "quantile") -> Any:
        """The x with P[X <= x] = value."""
        return self._call_with_value("quantile", value, name)

    # Statistics.

    def _entropy(self) -> Any:
        raise self._missing("entropy")

    def _mean(self) -> Any:
        raise self._missing("mean")

    def _variance(self) -> Any:
        raise self._missing("variance")

    def _stddev(self) -> Any:
        raise self._missing("stddev")

    def _covariance(self) -> Any:
        raise self._missing("covariance")

    def _mode(self) -> Any:
        raise self._missing("mode")

    def entropy(self, name: str = "entropy") -> Any:
        """Shannon entropy in nats, per batch member."""
        with self._name_scope(name):
            return self._entropy()

    def mean(self, name: str = "mean") -> Any:
        """The mean, of shape `batch_shape + event_shape`."""
        with self._name_scope(name):
            return self._mean()

    def variance(self, name: str = "variance") -> Any:
        """The variance of each element of the event."""
        with self._name_scope(name):
            return self._or_from_another("variance")

    def stddev(self, name: str = "stddev") -> Any:
        """The standard deviation of each element of the event."""
        with self._name_scope(name):
            return self._or_from_another("stddev")

    def covariance(self, name: str = "covariance") -> Any:
        """The covariance between the elements of the event."""
        with self._name_scope(name):
            return self._covariance()

    def mode(self, name: str = "mode") -> Any:
        """The mode."""
        with self._name_scope(name):
            return self._mode()

    # Two distributions.

    def _cross_entropy(self, other: Any) -> Any:
        return divergence.cross_entropy(self, other, allow_nan_stats=self.allow_nan_stats)

    def _kl_divergence(self, other: Any) -> Any:
        return divergence.kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats)

    def cross_entropy(self, other: Any, name: str = "cross_entropy") -> Any:
        """-E[log other.prob(X)]: entropy + KL."""
        with self._name_scope(name):
            return self._cross_entropy(other)

    def kl_divergence(self, other: Any, name: str = "kl_divergence") -> Any:
        """KL(self || other), by the registered function."""
        with self._name_scope(name):
            return self._kl_divergence(other)

    def __str__(self) -> str:
        batch, event = self.batch_shape, self.event_shape
        shapes = "" if batch.ndims is None else f", batch_shape={batch}"
        shapes += "" if event.ndims is None else f", event_shape={event}"
        return f'tfp.distributions.{type(self).__name__}("{self.name}"{shapes}, dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return (
            f"<tfp.distributions.{type(self).__name__} '{self.name}' batch_shape={self.batch_shape} "
            f"event_shape={self.event_shape} dtype={self.dtype.name}>"
        )

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None, values: Any = None) -> Iterator[str]:
        parents = ([] if values is None else values) + self._graph_parents
        with tf.name_scope(self.name), tf.name_scope(name, values=parents) as scope:
            yield scope

    def _expand_sample_shape_to_vector(self, x: Any, name: str) -> tuple[Any, Any]:
        """(the shape as a vector, its product); ValueError if it is neither scalar nor vector."""
        static = constant_value(x)
        if static is None:
            prod = tf.reduce_prod(x)
        else:
            prod = np.prod(static, dtype=x.dtype.as_numpy_dtype())
        ndims = x.get_shape().ndims
        if ndims is None:
            is_scalar = tf.equal(tf.rank(x), 0)
            x = tf.reshape(x, pick_vector(is_scalar, np.array([1], dtype=np.int32), tf.shape(x)))
        elif ndims == 0 and static is not None:
            x = tf.convert_to_tensor(np.array([static], dtype=x.dtype.as_numpy_dtype()), name=name)
        elif ndims == 0:
            x = tf.reshape(x, [1])
        elif ndims != 1:
            raise ValueError("Input is neither scalar nor vector.")
        return x, prod

    def _set_sample_static_shape(self, x: Any, sample_shape: Any) -> Any:
        """Tells `x` what is known of sample, batch and event shape."""
        known = (tf.TensorShape(constant_value(sample_shape)), self.batch_shape, self.event_shape)
        sizes = [shape.ndims for shape in known]
        ndims = x.get_shape().ndims
        if ndims is None and None not in sizes:
            ndims = sum(sizes)
        if ndims is not None and sizes.count(None) == 1:
            sizes[sizes.index(None)] = ndims - sum(size for size in sizes if size is not None)
        for shape in _placed(known, sizes, ndims):
            x.set_shape(x.get_shape().merge_with(shape))
        return x


def _placed(known: tuple[Any, Any, Any], sizes: list[Any], ndims: Any) -> Iterator[Any]:
    """For each part of a sample's shape, the whole shape as that part alone tells it."""
    sample, batch, event = known
    if ndims is None:
        return
    if sample.ndims is not None:
        yield sample.concatenate(_unknown(ndims, -sample.ndims))
    if event.ndims is not None:
        yield _unknown(ndims, -event.ndims).concatenate(event)
    if batch.ndims is not None and sizes[0] is not None and sizes[2] is not None:
        yield _unknown(sizes[0]).concatenate(batch).concatenate(_unknown(sizes[2]))


def _unflattened(samples: Any, sample_shape: Any) -> Any:
    return tf.reshape(samples, tf.concat([sample_shape, tf.shape(samples)[1:]], 0))


class ScalarDistribution(Distribution):
    """A distribution of scalar events; its batch shape is what the attributes in `_batched` broadcast to."""

    _batched: ClassVar[tuple[str, ...]] = ()
    _shaped: ClassVar[tuple[str, ...]] = ()  # The parameters that `param_shapes` tells.

    @classmethod
    def _param_shapes(cls, sample_shape: Any) -> dict[str, Any]:
        if not cls._shaped:
            raise NotImplementedError("_param_shapes not implemented")
        return dict.fromkeys(cls._shaped, tf.convert_to_tensor(sample_shape, dtype=tf.int32))

    def _batch_shape_tensor(self) -> Any:
        *others, last = (getattr(self, name) for name in self._batched)
        shapes = [tf.shape(other) for other in others]
        shape = tf.shape(last)
        for other in reversed(shapes):
            shape = tf.broadcast_dynamic_shape(other, shape)
        return shape

    def _batch_shape(self) -> Any:
        return reduce(tf.broadcast_static_shape, (getattr(self, name).get_shape() for name in self._batched))

    def _event_shape_tensor(self) -> Any:
        return tf.constant([], dtype=tf.int32)

    def _event_shape(self) -> Any:
        return tf.TensorShape([])

    def _shape_of_samples(self, n: Any) -> Any:
        return tf.concat([[n], self.batch_shape_tensor()], 0)


class Simplex(Distribution):
    """A distribution of vectors, whose shape is that of the attribute named `_shaped_like`."""

    _shaped_like: ClassVar[str] = "logits"

    def _batch_shape_tensor(self) -> Any:
        return tf.shape(getattr(self, self._shaped_like))[:-1]

    def _batch_shape(self) -> Any:
        return getattr(self, self._shaped_like).get_shape().with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        return tf.shape(getattr(self, self._shaped_like))[-1:]

    def _event_shape(self) -> Any:
        return getattr(self, self._shaped_like).get_shape().with_rank_at_least(1)[-1:]


for _kind in (FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED):
    _name = repr(_kind).rsplit(" ", 1)[1][:-1]
    export_value(f"distributions.{_name}", f"contrib.distributions.{_name}", _kind)
