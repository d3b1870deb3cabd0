"""One of several classes: as an index, as a vector of zeros and a one, and relaxed to the simplex."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.distributions.base import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution, Simplex
from retrograph.distributions.checks import (
    checked_when,
    embed_check_categorical_event_shape,
    embed_check_integer_casting_closed,
    get_logits_and_probs,
    positive_when,
)
from retrograph.distributions.divergence import RegisterKL
from retrograph.distributions.location_scale import smallest_positive
from retrograph.distributions.naming import arguments, distribution


def _broadcast_cat_event_and_params(event: Any, params: Any, base_dtype: Any) -> tuple[Any, Any]:
    """Both with one batch shape, the event as integers; TypeError if it is neither integer nor floating."""
    if event.dtype.is_floating:
        event = tf.cast(event, dtype=tf.int32)
    elif not event.dtype.is_integer:
        raise TypeError(f"`value` should have integer `dtype` or `self.dtype` ({base_dtype})")
    known = params.shape.ndims is not None and params.shape[:-1].is_fully_defined() and event.shape.is_fully_defined()
    if not known or params.shape[:-1] != event.shape:
        params *= tf.ones_like(event[..., tf.newaxis], dtype=params.dtype)
        event *= tf.ones(tf.shape(params)[:-1], dtype=event.dtype)
        if params.shape.ndims is not None:
            event.set_shape(tf.TensorShape(params.shape[:-1]))
    return event, params


def _batch_rank(logits: Any) -> Any:
    shape = logits.get_shape().with_rank_at_least(1)
    if shape.ndims is not None:
        return tf.convert_to_tensor(shape.ndims - 1, dtype=tf.int32, name="batch_rank")
    with tf.name_scope(name="batch_rank"):
        return tf.rank(logits) - 1


class _Classes(Distribution):
    """`logits`, `probs`, and the number of classes."""

    _logits: Any
    _probs: Any
    _event_size: Any

    @property
    def event_size(self) -> Any:
        """i32[]: the number of classes."""
        return self._event_size

    @property
    def logits(self) -> Any:
        """Unnormalized log-probabilities, classes last."""
        return self._logits

    @property
    def probs(self) -> Any:
        """Probabilities, classes last."""
        return self._probs

    def _flat(self, x: Any) -> Any:
        return tf.reshape(x, [-1, self.event_size])

    def _class_entropy(self) -> Any:
        return -tf.reduce_sum(tf.nn.log_softmax(self.logits) * self.probs, axis=-1)


@distribution("Categorical", core=True)
class Categorical(_Classes):
    """A class index, with `logits` or `probs` of shape `[..., classes]`.

    ValueError unless exactly one is given, TypeError if it is not floating. Source: TF 1.15
    `tf.distributions.Categorical`.
    """

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "Categorical",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[logits, probs]) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, True, validate_args, name)
            if validate_args:
                self._logits = embed_check_categorical_event_shape(self._logits)
            self._batch_rank = _batch_rank(self._logits)
            self._find_shapes()
        super().__init__(
            dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._logits, self._probs], name
        )

    def _find_shapes(self) -> None:
        known = self._logits.get_shape().with_rank_at_least(1)
        shape = tf.shape(self._logits, name="logits_shape")
        size = None if known.dims is None else known.dims[-1].value
        if size is not None:
            self._event_size = tf.convert_to_tensor(size, dtype=tf.int32, name="event_size")
        else:
            with tf.name_scope(name="event_size"):
                self._event_size = shape[self._batch_rank]
        if known[:-1].is_fully_defined():
            self._batch_shape_val = tf.constant(known[:-1].as_list(), dtype=tf.int32, name="batch_shape")
        else:
            with tf.name_scope(name="batch_shape"):
                self._batch_shape_val = shape[:-1]

    def _batch_shape_tensor(self) -> Any:
        return tf.identity(self._batch_shape_val)

    def _batch_shape(self) -> Any:
        return self.logits.get_shape()[:-1]

    def _event_shape_tensor(self) -> Any:
        return tf.constant([], dtype=tf.int32)

    def _event_shape(self) -> Any:
        return tf.TensorShape([])

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        logits = self.logits if self.logits.get_shape().ndims == 2 else self._flat(self.logits)
        sample_dtype = tf.int64 if self.dtype.size > 4 else tf.int32
        draws = tf.multinomial(logits, n, seed=seed, output_dtype=sample_dtype)
        draws = tf.reshape(tf.transpose(draws), tf.concat([[n], self.batch_shape_tensor()], 0))
        return tf.cast(draws, self.dtype)

    def _index(self, k: Any) -> Any:
        k = tf.convert_to_tensor(k, name="k")
        return embed_check_integer_casting_closed(k, target_dtype=tf.int32) if self.validate_args else k

    def _cdf(self, k: Any) -> Any:
        k, probs = _broadcast_cat_event_and_params(self._index(k), self.probs, self.dtype.base_dtype)
        flat = tf.reshape(probs, (-1, self._event_size))
        mask = tf.sequence_mask(tf.reshape(k, [-1]), self._event_size)
        below = tf.where(mask, flat, tf.zeros_like(flat))
        return tf.reshape(tf.reduce_sum(below, axis=-1), tf.shape(k))

    def _log_prob(self, k: Any) -> Any:
        k, logits = _broadcast_cat_event_and_params(self._index(k), self.logits, self.dtype.base_dtype)
        return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=k, logits=logits)

    def _entropy(self) -> Any:
        return self._class_entropy()

    def _mode(self) -> Any:
        mode = tf.cast(tf.argmax(self.logits, axis=self._batch_rank), self.dtype)
        mode.set_shape(self.batch_shape)
        return mode


@RegisterKL(Categorical, Categorical)
def _kl_categorical_categorical(a: Any, b: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        apart = tf.nn.log_softmax(a.logits) - tf.nn.log_softmax(b.logits)
        return tf.reduce_sum(tf.nn.softmax(a.logits) * apart, axis=-1)


class _ClassVector(_Classes, Simplex):
    """A vector over the classes: what one-hot and relaxed one-hot samples share."""

    def _find_event_size(self) -> None:
        with tf.name_scope(name="event_size"):
            self._event_size = tf.shape(self._logits)[-1]

    def _of_one_shape(self, x: Any) -> tuple[Any, Any]:
        logits = self.logits
        shapes = x.get_shape(), logits.get_shape()
        if not all(shape.is_fully_defined() for shape in shapes) or shapes[0] != shapes[1]:
            logits = tf.ones_like(x, dtype=logits.dtype) * logits
            x = tf.ones_like(logits, dtype=x.dtype) * x
        return x, logits

    def _assert_valid_sample(self, x: Any) -> Any:
        return checked_when(self.validate_args, x, tf.assert_non_positive, self._log_sum_is_zero)

    def _log_sum_is_zero(self, x: Any) -> Any:
        return tf.assert_near(tf.zeros([], dtype=self.dtype), tf.reduce_logsumexp(x, axis=[-1]))


@distribution("OneHotCategorical")
class OneHotCategorical(_ClassVector):
    """A class as a vector of zeros and a one. Source: TF 1.15 `tf.contrib.distributions.OneHotCategorical`."""

    def __init__(
        self, logits: Any = None, probs: Any = None, dtype: Any = tf.int32, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "OneHotCategorical",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[logits, probs]) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, True, validate_args, name)
            self._batch_rank = _batch_rank(self._logits)
            self._find_event_size()
        super().__init__(
            dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [self._logits, self._probs], name
        )

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], tf.shape(self.logits)], 0)
        logits = self.logits if self.logits.get_shape().ndims == 2 else self._flat(self.logits)
        samples = tf.transpose(tf.multinomial(logits, n, seed=seed))
        return tf.reshape(tf.one_hot(samples, self.event_size, dtype=self.dtype), shape)

    def _log_prob(self, x: Any) -> Any:
        x, logits = self._of_one_shape(self._assert_valid_sample(x))
        shape = tf.shape(tf.reduce_sum(logits, -1))
        logits, x = self._flat(logits), self._flat(x)
        return tf.reshape(-tf.nn.softmax_cross_entropy_with_logits(labels=x, logits=logits), shape)

    def _entropy(self) -> Any:
        return self._class_entropy()

    def _mode(self) -> Any:
        index = tf.argmax(self.logits, axis=self._batch_rank)
        mode = tf.one_hot(index, self.event_size, dtype=self.dtype)
        mode.set_shape(self.logits.get_shape())
        return mode

    def _covariance(self) -> Any:
        products = -tf.matmul(self.probs[..., None], self.probs[..., None, :])
        return tf.matrix_set_diag(products, self._variance())

    def _variance(self) -> Any:
        return self.probs * (1.0 - self.probs)


@RegisterKL(OneHotCategorical, OneHotCategorical)
def _kl_onehot_onehot(a: Any, b: Any, name: str | None = None) -> Any:
    with tf.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        probs = tf.nn.softmax(a.logits)
        return tf.reduce_sum(probs * (tf.nn.log_softmax(a.logits) - tf.nn.log_softmax(b.logits)), axis=-1)


@distribution("ExpRelaxedOneHotCategorical")
class ExpRelaxedOneHotCategorical(_ClassVector):
    """The log of a relaxed one-hot class (Gumbel-softmax) at a temperature.

    Source: TF 1.15 `tf.contrib.distributions.ExpRelaxedOneHotCategorical`.
    """

    def __init__(
        self, temperature: Any, logits: Any = None, probs: Any = None, dtype: Any = None, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "ExpRelaxedOneHotCategorical",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[logits, probs, temperature]) as name:
            self._logits, self._probs = get_logits_and_probs(logits, probs, True, validate_args, name)
            if dtype is None:
                dtype = self._logits.dtype
                temperature = temperature if validate_args else tf.cast(temperature, dtype)
            with positive_when(validate_args, temperature):
                self._temperature = tf.identity(temperature, name="temperature")
                self._temperature_2d = tf.reshape(temperature, [-1, 1], name="temperature_2d")
            self._batch_rank = _batch_rank(self._logits)
            self._find_event_size()
        super().__init__(
            dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
            [self._logits, self._probs, self._temperature], name,
        )  # fmt: skip

    @property
    def temperature(self) -> Any:
        """The temperature: the lower, the nearer to one-hot."""
        return self._temperature

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        shape = tf.concat([[n], tf.shape(self.logits)], 0)
        logits = self._flat(self.logits * tf.ones(shape, dtype=self.dtype))
        low = smallest_positive(self.dtype)
        uniform = tf.random_uniform(shape=tf.shape(logits), minval=low, maxval=1.0, dtype=self.dtype, seed=seed)
        gumbel = -tf.log(-tf.log(uniform))
        return tf.reshape(tf.nn.log_softmax(tf.div(gumbel + logits, self._temperature_2d)), shape)

    def _log_prob(self, x: Any) -> Any:
        x, logits = self._of_one_shape(self._assert_valid_sample(x))
        shape = tf.shape(tf.reduce_sum(logits, axis=[-1]))
        logits, x = self._flat(logits), self._flat(x)
        k = tf.cast(self.event_size, x.dtype)
        norm = tf.lgamma(k) + (k - 1.0) * tf.log(self.temperature)
        log_softmax = tf.nn.log_softmax(logits - x * self._temperature_2d)
        return tf.reshape(norm + tf.reduce_sum(log_softmax, [-1], keepdims=False), shape)
