"""Seeds, and numeric functions that several distributions share."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.naming import distribution


def gen_new_seed(seed: Any, salt: str) -> int | None:
    """A seed made of another and of a salt; None stays None. Source: TF 1.15 `distribution_util.gen_new_seed`."""
    if seed is None:
        return None
    return int(hashlib.md5((str(seed) + salt).encode()).hexdigest()[:8], 16) & 0x7FFFFFFF


@distribution("SeedStream")
class SeedStream:
    """Seeds for the parts of a sampler: each call gives another, the same ones for the same seed and salt.

    Source: TF 1.15 `tf.contrib.distributions.SeedStream`.
    """

    def __init__(self, seed: Any, salt: str):
        self._seed = seed.original_seed if isinstance(seed, SeedStream) else seed
        self._salt = salt
        self._counter = 0

    def __call__(self) -> int | None:
        self._counter += 1
        if self._seed is None:
            return None
        whole = str((self._seed, self._counter, self._salt)).encode()
        return int(hashlib.sha512(whole).hexdigest(), 16)

    @property
    def original_seed(self) -> Any:
        """The seed it was made with."""
        return self._seed

    @property
    def salt(self) -> str:
        """The salt it was made with."""
        return self._salt


def log_combinations(n: Any, counts: Any, name: str = "log_combinations") -> Any:
    """Log of the multinomial coefficient of `counts` along the last axis."""
    with tf.name_scope(name, values=[n, counts]):
        n = tf.convert_to_tensor(n, name="n")
        counts = tf.convert_to_tensor(counts, name="counts")
        total = tf.lgamma(n + 1)
        factorials = tf.lgamma(counts + 1)
        return total - tf.reduce_sum(factorials, axis=[-1])


@distribution("softplus_inverse")
def softplus_inverse(x: Any, name: str | None = None) -> Any:
    """y with softplus(y) = x, accurate for small and large x. Source: TF 1.15 `tf.contrib.distributions.softplus_inverse`."""
    with tf.name_scope(name, "softplus_inverse", values=[x]):
        x = tf.convert_to_tensor(x, name="x")
        threshold = np.log(np.finfo(x.dtype.as_numpy_dtype).eps) + 2.0
        small, large = tf.less(x, np.exp(threshold)), tf.greater(x, -threshold)
        if_small, if_large = tf.log(x), x
        # The branch that is not taken must have a finite gradient.
        x = tf.where_v2(tf.logical_or(small, large), tf.ones_like(x), x)
        y = x + tf.log(-tf.expm1(-x))
        return tf.where_v2(small, if_small, tf.where_v2(large, if_large, y))


@distribution("reduce_weighted_logsumexp")
def reduce_weighted_logsumexp(
    logx: Any, w: Any = None, axis: Any = None, keep_dims: bool = False, return_sign: bool = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    """log(abs(sum(w * exp(logx)))) without overflow; with `return_sign` also the sign of the sum.

    Source: TF 1.15 `tf.contrib.distributions.reduce_weighted_logsumexp`.
    """
    with tf.name_scope(name, "reduce_weighted_logsumexp", [logx, w]):
        logx = tf.convert_to_tensor(logx, name="logx")
        if w is None:
            result = tf.reduce_logsumexp(logx, axis=axis, keepdims=keep_dims)
            return (result, tf.ones_like(result)) if return_sign else result
        w = tf.convert_to_tensor(w, dtype=logx.dtype, name="w")
        logs = logx + tf.log(tf.abs(w))
        greatest = tf.reduce_max(logs, axis=axis, keepdims=True)
        greatest = tf.where_v2(tf.is_inf(greatest), tf.zeros_like(greatest), greatest)
        total = tf.reduce_sum(tf.sign(w) * tf.exp(logs - greatest), axis=axis, keepdims=keep_dims)
        greatest = greatest if keep_dims else tf.squeeze(greatest, axis)
        sign = tf.sign(total)
        result = greatest + tf.log(sign * total)
        return (result, sign) if return_sign else result


def process_quadrature_grid_and_probs(
    quadrature_grid_and_probs: Any, dtype: Any, validate_args: Any, name: str | None = None
) -> tuple[Any, Any]:
    """(grid, probs), probs summing to 1; by default those of Gauss-Hermite of degree 8."""
    with tf.name_scope(name, "process_quadrature_grid_and_probs", [quadrature_grid_and_probs]):
        if quadrature_grid_and_probs is None:
            grid, probs = (part.astype(dtype.as_numpy_dtype) for part in np.polynomial.hermite.hermgauss(deg=8))
            probs = probs / np.sum(np.abs(probs))
            grid = tf.convert_to_tensor(grid, name="grid", dtype=dtype)
            return grid, tf.convert_to_tensor(probs, name="probs", dtype=dtype)
        grid, probs = tuple(quadrature_grid_and_probs)
        grid = tf.convert_to_tensor(grid, name="grid", dtype=dtype)
        probs = tf.convert_to_tensor(probs, name="unnormalized_probs", dtype=dtype)
        probs /= tf.norm(probs, ord=1, axis=-1, keepdims=True, name="probs")
        return _of_same_length(grid, probs, validate_args)


_LENGTHS = "`quadrature_grid_and_probs` must be a `tuple` of same-length zero-th-dimension `Tensor`s"


def _of_same_length(grid: Any, probs: Any, validate_args: Any) -> tuple[Any, Any]:
    m, n = (x.shape.with_rank_at_least(1).dims[-1].value for x in (probs, grid))
    if m is not None and n is not None:
        if m != n:
            raise ValueError(f"{_LENGTHS} (saw lengths {m}, {n})")
    elif validate_args:
        check = tf.assert_equal(tf.shape(probs)[-1], tf.shape(grid)[-1], message=_LENGTHS)
        with tf.control_dependencies([check]):
            return tf.identity(grid), tf.identity(probs)
    return grid, probs
