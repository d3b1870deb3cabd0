"""Poisson whose rate is log-normal, by quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.base import NOT_REPARAMETERIZED, ScalarDistribution
from retrograph.distributions.categorical import Categorical
from retrograph.distributions.discrete import Poisson
from retrograph.distributions.location_scale import Normal
from retrograph.distributions.naming import arguments, distribution
from retrograph.distributions.numeric import gen_new_seed
from retrograph.distributions.scalar_bijectors import Exp
from retrograph.distributions.scales import as_tensor
from retrograph.distributions.shapes import pick_vector, static_value
from retrograph.distributions.transformed import TransformedDistribution


def concat_vectors(*args: Any) -> Any:
    """Vectors as one: a list if all are known."""
    known = [static_value(arg) for arg in args]
    if any(value is None for value in known):
        return tf.concat(args, axis=0)
    return [element for vector in known for element in vector]


@distribution("quadrature_scheme_lognormal_gauss_hermite")
def quadrature_scheme_lognormal_gauss_hermite(
    loc: Any, scale: Any, quadrature_size: int, validate_args: Any = False, name: str | None = None
) -> tuple[Any, Any]:
    """(grid `[..., size]`, probs `[size]`) of Gauss-Hermite. Source: TF 1.15 `tf.contrib.distributions.quadrature_scheme_lognormal_gauss_hermite`."""
    with tf.name_scope(name, "vector_diffeomixture_quadrature_gauss_hermite", [loc, scale]):
        dtype = loc.dtype.as_numpy_dtype
        grid, probs = (part.astype(dtype) for part in np.polynomial.hermite.hermgauss(deg=quadrature_size))
        probs = tf.convert_to_tensor(probs / np.sum(np.abs(probs)), name="probs", dtype=loc.dtype)
        return loc[..., tf.newaxis] + np.sqrt(2.0) * scale[..., tf.newaxis] * grid, probs


@distribution("quadrature_scheme_lognormal_quantiles")
def quadrature_scheme_lognormal_quantiles(
    loc: Any, scale: Any, quadrature_size: int, validate_args: Any = False, name: str | None = None
) -> tuple[Any, Any]:
    """(grid `[..., size]`, probs `[size]`) between quantiles. Source: TF 1.15 `tf.contrib.distributions.quadrature_scheme_lognormal_quantiles`."""
    with tf.name_scope(name, "quadrature_scheme_lognormal_quantiles", [loc, scale]):
        base = TransformedDistribution(Normal(loc=loc, scale=scale), Exp(), validate_args=validate_args)
        ndims = base.batch_shape.ndims
        ndims = tf.shape(base.batch_shape_tensor())[0] if ndims is None else ndims
        # The outermost quantiles would be infinite.
        edges = tf.linspace(tf.zeros([], dtype=base.dtype), 1.0, quadrature_size + 3)[1:-1]
        edges = tf.reshape(edges, shape=tf.concat([[-1], tf.ones([ndims], dtype=tf.int32)], axis=0))
        quantiles = base.quantile(edges)
        quantiles = tf.transpose(quantiles, tf.concat([tf.range(1, 1 + ndims), [0]], axis=0))
        grid = (quantiles[..., :-1] + quantiles[..., 1:]) / 2.0
        grid.set_shape(base.batch_shape.concatenate([quadrature_size]))
        return grid, tf.fill(dims=[quadrature_size], value=1.0 / tf.cast(quadrature_size, base.dtype))


@distribution("PoissonLogNormalQuadratureCompound")
class PoissonLogNormalQuadratureCompound(ScalarDistribution):
    """Poisson with log-rate ~ Normal(loc, scale), as a mixture of `quadrature_size` Poissons.

    TypeError if the quadrature gives two dtypes. Source: TF 1.15
    `tf.contrib.distributions.PoissonLogNormalQuadratureCompound`.
    """

    def __init__(
        self, loc: Any, scale: Any, quadrature_size: int = 8,
        quadrature_fn: Any = quadrature_scheme_lognormal_quantiles, validate_args: Any = False,
        allow_nan_stats: Any = True, name: str = "PoissonLogNormalQuadratureCompound",
    ):  # fmt: skip
        parameters = arguments(locals())
        with tf.name_scope(name, values=[loc, scale]) as name:
            loc = as_tensor(loc, "loc")
            if scale is not None:
                scale = tf.convert_to_tensor(scale, dtype=None if loc is None else loc.dtype, name="scale")
            grid, probs = tuple(quadrature_fn(loc, scale, quadrature_size, validate_args))
            if grid.dtype.base_dtype != probs.dtype.base_dtype:
                raise TypeError(
                    f"Quadrature grid dtype ({grid.dtype.name}) does not match quadrature probs dtype "
                    f"({probs.dtype.name})."
                )
            checks = {"validate_args": validate_args, "allow_nan_stats": allow_nan_stats}
            self._distribution = Poisson(log_rate=grid, **checks)
            self._mixture_distribution = Categorical(logits=tf.log(probs), **checks)
            self._loc, self._scale, self._quadrature_size = loc, scale, quadrature_size
            super().__init__(
                grid.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters, [loc, scale], name
            )

    @property
    def mixture_distribution(self) -> Any:
        """What chooses the Poisson."""
        return self._mixture_distribution

    @property
    def distribution(self) -> Any:
        """The Poissons, along the last axis of the batch."""
        return self._distribution

    @property
    def loc(self) -> Any:
        """The mean of the log-rate."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The deviation of the log-rate."""
        return self._scale

    @property
    def quadrature_size(self) -> int:
        """How many Poissons there are."""
        return self._quadrature_size

    def _batch_shape_tensor(self) -> Any:
        own = self.distribution.batch_shape_tensor()
        return tf.broadcast_dynamic_shape(own, tf.shape(self.mixture_distribution.logits))[:-1]

    def _batch_shape(self) -> Any:
        return tf.broadcast_static_shape(self.distribution.batch_shape, self.mixture_distribution.logits.shape)[:-1]

    def _sample_n(self, n: Any, seed: Any = None) -> Any:
        size = self.batch_shape.num_elements()
        size = tf.reduce_prod(self.batch_shape_tensor()) if size is None else size
        none = np.array([], np.int32)
        rows = pick_vector(self.mixture_distribution.is_scalar_batch(), [size], none)
        ids = self.mixture_distribution.sample(
            sample_shape=concat_vectors([n], rows), seed=gen_new_seed(seed, "poisson_lognormal_quadrature_compound")
        )
        rows = pick_vector(self.is_scalar_batch(), none, np.array([-1], np.int32))
        ids = tf.reshape(ids, shape=concat_vectors([n], rows))
        step = self._quadrature_size
        ids += tf.range(start=0, limit=size * step, delta=step, dtype=ids.dtype)
        rate = tf.gather(tf.reshape(self.distribution.rate, shape=[-1]), ids)
        rate = tf.reshape(rate, shape=concat_vectors([n], self.batch_shape_tensor()))
        return tf.random_poisson(lam=rate, shape=[], dtype=self.dtype, seed=seed)

    def _log_prob(self, x: Any) -> Any:
        logs = self.mixture_distribution.logits + self.distribution.log_prob(x[..., tf.newaxis])
        return tf.reduce_logsumexp(logs, axis=-1)

    def _mean(self) -> Any:
        logs = self.mixture_distribution.logits + self.distribution.log_rate
        return tf.exp(tf.reduce_logsumexp(logs, axis=-1))

    def _variance(self) -> Any:
        return tf.exp(self._log_variance())

    def _stddev(self) -> Any:
        return tf.exp(0.5 * self._log_variance())

    def _log_variance(self) -> Any:
        """Of the mean of the variances, and the variance of the means."""
        apart = 2.0 * tf.log(tf.abs(self.distribution.mean() - self._mean()[..., tf.newaxis]))
        both = tf.stack([self.distribution.log_rate, apart], axis=-1)
        return tf.reduce_logsumexp(self.mixture_distribution.logits[..., tf.newaxis] + both, axis=[-2, -1])
