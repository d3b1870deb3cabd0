"""Mixtures: of different distributions, and of the members of one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import NOT_REPARAMETERIZED, Distribution
from retrograph.distributions.categorical import Categorical
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.distributions.shapes import pad_mixture_dimensions, pick_vector
from retrograph.framework.static_value import constant_value


def mixture_stddev(mixture_weight_vector: Any, mean_vector: Any, stddev_vector: Any) -> Any:
    """f32[batch]: the deviations of mixtures, all arguments f32[batch, components]; ValueError for other shapes."""
    mixture_weight_vector.shape.assert_has_rank(2)
    for which, vector in (("means", mean_vector), ("stddevs", stddev_vector)):
        if not vector.shape.is_compatible_with(mixture_weight_vector.shape):
            raise ValueError(f"Expecting {which} to have same shape as mixture weights.")
    weights = tf.expand_dims(mixture_weight_vector, axis=1)
    means = tf.expand_dims(mean_vector, axis=2)
    deviations = tf.expand_dims(stddev_vector, axis=2)
    mean = tf.reshape(tf.matmul(weights, means), (-1,))
    variance = tf.reshape(tf.matmul(weights, tf.square(deviations)), (-1,))
    square_mean = tf.reshape(tf.matmul(weights, tf.square(means)), (-1,))
    return tf.sqrt(variance + square_mean - tf.square(mean))


def _check_parts(cat: Any, components: Any) -> None:
    if not isinstance(cat, Categorical):
        raise TypeError(f"cat must be a Categorical distribution, but saw: {cat}")
    if not components:
        raise ValueError("components must be a non-empty list or tuple")
    if not isinstance(components, (list, tuple)):
        raise TypeError(f"components must be a list or tuple, but saw: {components}")
    if not all(isinstance(part, Distribution) for part in components):
        raise TypeError(f"all entries in components must be Distribution instances but saw: {components}")
    if any(part.dtype != components[0].dtype for part in components):
        found = [(part.name, part.dtype) for part in components]
        raise TypeError(f"All components must have the same dtype, but saw dtypes: {found}")


def _mask(indices: Any, depth: Any, dtype: Any) -> Any:
    one, zero = np.ones([], dtype=dtype), np.zeros([], dtype=dtype)
    return tf.one_hot(indices=indices, depth=depth, on_value=one, off_value=zero)


@distribution("Mixture")
class Mixture(Distribution):
    """One of `components`, each drawn with the probability that `cat` gives it.

    `use_static_graph`: all are sampled, and masked. TypeError or ValueError for parts that do not fit. Source: TF 1.15
    `tf.contrib.distributions.Mixture`.
    """

    def __init__(
        self, cat: Any, components: Any, validate_args: Any = False, allow_nan_stats: Any = True,
        use_static_graph: bool = False, name: str = "Mixture",
    ):  # fmt: skip
        parameters = arguments(locals())
        _check_parts(cat, components)
        event_shape, batch_shape = components[0].event_shape, cat.batch_shape
        for part in components:
            event_shape = event_shape.merge_with(part.event_shape)
            batch_shape = batch_shape.merge_with(part.batch_shape)
        if event_shape.ndims is None:
            raise ValueError(
                "Expected to know rank(event_shape) from components, but none of the components provide a static "
                "number of ndims"
            )
        with tf.name_scope(name, values=[cat.logits]) as name:
            self._num_components = self._check_count(cat, components)
            cat_batch_shape = cat.batch_shape_tensor()
            cat_batch_rank = tf.size(cat_batch_shape)
            self._assertions = self._batch_checks(components, cat_batch_shape, cat_batch_rank) if validate_args else []
            self._cat, self._components = cat, list(components)
            self._static_event_shape, self._static_batch_shape = event_shape, batch_shape
            self._use_static_graph = use_static_graph
        parents = list(cat._graph_parents)
        for part in components:
            parents += part._graph_parents
        super().__init__(
            components[0].dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, parents, name
        )

    @staticmethod
    def _check_count(cat: Any, components: Any) -> int:
        count = constant_value(cat.event_size)
        if count is None:
            raise ValueError(
                "Could not infer number of classes from cat and unable to compare this value to the number of "
                "components passed in."
            )
        if int(count) != len(components):
            raise ValueError(f"cat.num_classes != len(components): {int(count)} vs. {len(components)}")
        return int(count)

    @staticmethod
    def _batch_checks(components: Any, shape: Any, rank: Any) -> list[Any]:
        shapes = [part.batch_shape_tensor() for part in components]
        ranks = [tf.size(found) for found in shapes]
        texts = [f"components[{i}] batch shape must match cat batch shape" for i in range(len(components))]
        checks = [tf.assert_equal(rank, found, message=text) for found, text in zip(ranks, texts, strict=True)]
        return checks + [tf.assert_equal(shape, found, message=text) for found, text in zip(shapes, texts, strict=True)]

    @property
    def cat(self) -> Any:
        """What chooses."""
        return self._cat

    @property
    def components(self) -> Any:
        """What is chosen from."""
        return self._components

    @property
    def num_components(self) -> int:
        """How many there are."""
        return self._num_components

    def _batch_shape_tensor(self) -> Any:
        return self._cat.batch_shape_tensor()

    def _batch_shape(self) -> Any:
        return self._static_batch_shape

    def _event_shape_tensor(self) -> Any:
        return self._components[0].event_shape_tensor()

    def _event_shape(self) -> Any:
        return self._static_event_shape

    def _expand_to_event_rank(self, x: Any) -> Any:
        for _ in range(self.event_shape.ndims):
            x = tf.expand_dims(x, -1)
        return x

    def _wide_probs(self) -> list[Any]:
        return [self._expand_to_event_rank(prob) for prob in self._cat_probs(log_probs=False)]

    def _mean(self) -> Any:
        with tf.control_dependencies(self._assertions):
            means = [part.mean() for part in self.components]
            return tf.add_n([prob * mean for prob, mean in zip(self._wide_probs(), means, strict=True)])

    def _stddev(self) -> Any:
        with tf.control_dependencies(self._assertions):
            means = [part.mean() for part in self.components]
            deviations = [part.stddev() for part in self.components]
            probs = self._cat_probs(log_probs=False)
            stacked = [tf.stack(means, axis=-1), tf.stack(deviations, axis=-1)]
            probs = [self._expand_to_event_rank(prob) for prob in probs]
            wide = tf.stack(probs, axis=-1) * tf.ones_like(stacked[0])
            flat = [tf.reshape(x, [-1, len(self.components)]) for x in (wide, *stacked)]
            return tf.reshape(mixture_stddev(*flat), tf.shape(wide)[:-1])

    def _log_sum(self, x: Any, what: str) -> Any:
        with tf.control_dependencies(self._assertions):
            x = tf.convert_to_tensor(x, name="x")
            logs = [getattr(part, what)(x) for part in self.components]
            weights = self._cat_probs(log_probs=True)
            total = [weight + log for weight, log in zip(weights, logs, strict=True)]
            return tf.reduce_logsumexp(tf.stack(total, 0), [0])

    def _log_prob(self, x: Any) -> Any:
        return self._log_sum(x, "log_prob")

    def _log_cdf(self, x: Any) -> Any:
        return self._log_sum(x, "log_cdf")

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        if self._use_static_graph:
            return self._sample_masked(n, seed)
        with tf.control_dependencies(self._assertions):
            n = tf.convert_to_tensor(n, name="n")
            known = constant_value(n)
            return self._sample_parts(n if known is None else int(known), seed)

    def _sample_masked(self, n: Any, seed: Any) -> Any:
        chosen = self.cat.sample(n, seed=seed)
        samples = []
        for part in self.components:
            seed = gen_new_seed(seed, "mixture")
            samples.append(part.sample(n, seed=seed))
        ndims = self._static_event_shape.ndims
        x = tf.stack(samples, -ndims - 1)
        mask = _mask(chosen, self._num_components, x.dtype.as_numpy_dtype)
        mask = pad_mixture_dimensions(mask, self, self._cat, ndims)
        return tf.reduce_sum(x * mask, axis=-1 - ndims)

    def _sample_parts(self, n: Any, seed: Any) -> Any:
        """Draws from each component as many as were chosen, and puts them where they were."""
        chosen = self.cat.sample(n, seed=seed)
        known = chosen.get_shape()
        if known.is_fully_defined():
            shape, size = known.as_list(), known.num_elements()
        else:
            shape, size = tf.shape(chosen), tf.size(chosen)
        batch_size, event_shape = self._sizes()
        count = self.num_components
        places = tf.reshape(tf.range(0, size), shape)
        places = tf.dynamic_partition(data=places, partitions=chosen, num_partitions=count)
        members = tf.reshape(tf.tile(tf.range(0, batch_size), [n]), shape)
        members = tf.dynamic_partition(data=members, partitions=chosen, num_partitions=count)
        samples = []
        for i, part in enumerate(self.components):
            number = tf.size(places[i])
            seed = gen_new_seed(seed, "mixture")
            drawn = part.sample(number, seed=seed)
            rows = batch_size * tf.range(number) + members[i]
            drawn = tf.reshape(drawn, tf.concat([[number * batch_size], event_shape], 0))
            samples.append(tf.gather(drawn, rows, name="samples_class_c_gather"))
        flat = tf.dynamic_stitch(indices=places, data=samples)
        result = tf.reshape(flat, tf.concat([shape, self.event_shape_tensor()], 0))
        result.set_shape(tf.TensorShape(known).concatenate(self.event_shape))
        return result

    def _sizes(self) -> tuple[Any, Any]:
        """(number of batch members, event shape)."""
        batch, event = self.batch_shape, self.event_shape
        known = batch.is_fully_defined()
        batch_size = batch.num_elements() if known else tf.reduce_prod(self.batch_shape_tensor())
        known = event.is_fully_defined()
        return batch_size, np.array(event.as_list(), dtype=np.int32) if known else self.event_shape_tensor()

    def entropy_lower_bound(self, name: str = "entropy_lower_bound") -> Any:
        """The weighted mean of the components' entropies, which the mixture's is not below."""
        with self._name_scope(name, values=[self.cat.logits]), tf.control_dependencies(self._assertions):
            entropies = [part.entropy() for part in self.components]
            probs = self._cat_probs(log_probs=False)
            return tf.add_n([prob * entropy for prob, entropy in zip(probs, entropies, strict=True)])

    def _cat_probs(self, log_probs: bool) -> list[Any]:
        softmax = tf.nn.log_softmax if log_probs else tf.nn.softmax
        found: list[Any] = tf.unstack(softmax(self.cat.logits), num=self.num_components, axis=-1)
        return found


def _last(shape: Any) -> Any:
    dims = shape.with_rank_at_least(1).dims
    return None if dims is None else dims[-1].value


@distribution("MixtureSameFamily")
class MixtureSameFamily(Distribution):
    """One of the members along the last batch axis of `components_distribution`.

    ValueError for parts that do not fit. Source: TF 1.15 `tf.contrib.distributions.MixtureSameFamily`.
    """

    def __init__(
        self, mixture_distribution: Any, components_distribution: Any, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "MixtureSameFamily",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name) as name:
            self._mixture_distribution = mixture_distribution
            self._components_distribution = components_distribution
            shape = components_distribution.event_shape_tensor()
            ndims = shape.shape.dims[0].value
            self._event_ndims = tf.shape(shape)[0] if ndims is None else ndims
            self._check_scalar_mixture(mixture_distribution)
            self._runtime_assertions = self._batch_checks(validate_args)
            self._num_components = self._check_count(validate_args)
            super().__init__(
                components_distribution.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                mixture_distribution._graph_parents + components_distribution._graph_parents, name,
            )  # fmt: skip

    @staticmethod
    def _check_scalar_mixture(mixture: Any) -> None:
        if not mixture.dtype.is_integer:
            raise ValueError(f"`mixture_distribution.dtype` ({mixture.dtype.name}) is not over integers")
        if mixture.event_shape.ndims not in (None, 0):
            raise ValueError("`mixture_distribution` must have scalar `event_dim`s")

    def _batch_checks(self, validate_args: Any) -> list[Any]:
        mixture, components = self._mixture_distribution, self._components_distribution
        own, theirs = mixture.batch_shape, components.batch_shape.with_rank_at_least(1)[:-1]
        if own.is_fully_defined() and theirs.is_fully_defined():
            if own.ndims != 0 and own != theirs:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` (`{own.as_list()}`) is not compatible with "
                    f"`components_distribution.batch_shape` (`{theirs.as_list()}`)"
                )
            return []
        if not validate_args:
            return []
        own, theirs = mixture.batch_shape_tensor(), components.batch_shape_tensor()[:-1]
        message = "`mixture_distribution.batch_shape` is not compatible with `components_distribution.batch_shape`"
        return [tf.assert_equal(pick_vector(mixture.is_scalar_batch(), theirs, own), theirs, message=message)]

    def _check_count(self, validate_args: Any) -> Any:
        logits, components = self._mixture_distribution.logits, self._components_distribution
        own, theirs = _last(logits.shape), _last(components.batch_shape)
        if own is not None and theirs is not None:
            if own != theirs:
                raise ValueError(
                    f"`mixture_distribution components` ({own}) does not equal "
                    f"`components_distribution.batch_shape[-1]` ({theirs})"
                )
            if not validate_args:
                return own
        own = tf.shape(logits)[-1] if validate_args or own is None else own
        if validate_args:
            message = "`mixture_distribution components` does not equal `components_distribution.batch_shape[-1:]`"
            check = tf.assert_equal(own, components.batch_shape_tensor()[-1], message=message)
            self._runtime_assertions.append(check)
        return own

    @property
    def mixture_distribution(self) -> Any:
        """What chooses."""
        return self._mixture_distribution

    @property
    def components_distribution(self) -> Any:
        """What is chosen from, along the last axis of its batch."""
        return self._components_distribution

    def _batch_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return self.components_distribution.batch_shape_tensor()[:-1]

    def _batch_shape(self) -> Any:
        return self.components_distribution.batch_shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return self.components_distribution.event_shape_tensor()

    def _event_shape(self) -> Any:
        return self.components_distribution.event_shape

    def _padded(self, x: Any) -> Any:
        return pad_mixture_dimensions(x, self, self.mixture_distribution, self._event_shape().ndims)

    def _summed(self, x: Any) -> Any:
        return tf.reduce_sum(x, axis=-1 - self._event_ndims)

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        # TF 1.15 hands the seed to neither part.
        with tf.control_dependencies(self._runtime_assertions):
            x = self.components_distribution.sample(n)
            chosen = self.mixture_distribution.sample(n)
            return self._summed(x * self._padded(_mask(chosen, self._num_components, x.dtype.as_numpy_dtype)))

    def _log_sum(self, x: Any, what: str) -> Any:
        x = self._pad_sample_dims(x)
        logs = getattr(self.components_distribution, what)(x)
        weights = tf.nn.log_softmax(self.mixture_distribution.logits, axis=-1)
        return tf.reduce_logsumexp(logs + weights, axis=-1)

    def _log_prob(self, x: Any) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            return self._log_sum(x, "log_prob")

    def _log_cdf(self, x: Any) -> Any:
        return self._log_sum(x, "log_cdf")

    def _mean(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            probs = self._padded(self.mixture_distribution.probs)
            return self._summed(probs * self.components_distribution.mean())

    def _variance(self) -> Any:
        with tf.control_dependencies(self._runtime_assertions):
            probs = self._padded(self.mixture_distribution.probs)
            within = self._summed(probs * self.components_distribution.variance())
            means = self.components_distribution.mean()
            apart = tf.squared_difference(means, self._pad_sample_dims(self._mean()))
            return within + self._summed(probs * apart)

    def _covariance(self) -> Any:
        if self.event_shape.ndims != 1:
            raise NotImplementedError("covariance is not implemented")
        with tf.control_dependencies(self._runtime_assertions):
            probs = self._padded(self._padded(self.mixture_distribution.probs))
            within = tf.reduce_sum(probs * self.components_distribution.covariance(), axis=-3)
            apart = self.components_distribution.mean() - self._pad_sample_dims(self._mean())
            products = apart[..., tf.newaxis, :] * apart[..., tf.newaxis]
            return within + tf.reduce_sum(probs * products, axis=-3)

    def _pad_sample_dims(self, x: Any) -> Any:
        """`x` with an axis of size 1 for the components before the event."""
        with tf.name_scope("pad_sample_dims", values=[x]):
            ndims = tf.rank(x) if x.shape.ndims is None else x.shape.ndims
            shape = tf.shape(x)
            d = ndims - self._event_ndims
            return tf.reshape(x, shape=tf.concat([shape[:d], [1], shape[d:]], axis=0))
