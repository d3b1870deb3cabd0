"""Kullback-Leibler divergences: the registry by pairs of classes, `kl_divergence` and `cross_entropy`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import retrograph as tf
from retrograph.distributions.naming import distribution

F = TypeVar("F", bound=Callable[..., Any])

_DIVERGENCES: dict[tuple[type, type], Callable[..., Any]] = {}


def _registered_kl(type_a: type, type_b: type) -> Callable[..., Any] | None:
    """The function registered for the nearest pair of ancestors; the distance is the sum of places in both MROs."""
    found = [
        (i + j, i, _DIVERGENCES[a, b])
        for i, a in enumerate(type_a.__mro__)
        for j, b in enumerate(type_b.__mro__)
        if (a, b) in _DIVERGENCES
    ]
    return min(found, key=lambda entry: entry[:2])[2] if found else None


def _without_nan(kl: Any, distribution_a: Any, distribution_b: Any) -> Any:
    kl = tf.identity(kl, name="kl")
    text = (
        f"KL calculation between {distribution_a.name} and {distribution_b.name} returned NaN values (and was called "
        "with allow_nan_stats=False). Values:"
    )
    with tf.control_dependencies([tf.Assert(tf.logical_not(tf.reduce_any(tf.is_nan(kl))), [text, kl])]):
        return tf.identity(kl, name="checked_kl")


@distribution("kl_divergence", core=True)
def kl_divergence(
    distribution_a: Any, distribution_b: Any, allow_nan_stats: bool = True, name: str | None = None
) -> Any:
    """KL(distribution_a || distribution_b) per batch member, by the function registered for their classes.

    `allow_nan_stats=False`: a NaN fails the run. Raises NotImplementedError if nothing is registered for the classes
    or their ancestors. Source: TF 1.15 `tf.distributions.kl_divergence`.

    >>> tf.distributions.kl_divergence(tf.distributions.Normal(0., 1.), tf.distributions.Normal(1., 1.))  # 0.5
    """
    kl_fn = _registered_kl(type(distribution_a), type(distribution_b))
    if kl_fn is None:
        raise NotImplementedError(
            "No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with tf.name_scope("KullbackLeibler"):
        kl = kl_fn(distribution_a, distribution_b, name=name)
        return kl if allow_nan_stats else _without_nan(kl, distribution_a, distribution_b)


def cross_entropy(ref: Any, other: Any, allow_nan_stats: bool = True, name: str | None = None) -> Any:
    """Entropy of `ref` + KL(ref || other). Source: TF 1.15 `kullback_leibler.cross_entropy`."""
    with tf.name_scope(name, "cross_entropy"):
        return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


@distribution("RegisterKL", core=True)
class RegisterKL:
    """Decorator: registers a function of (a, b, name=None) as the divergence of two classes.

    TypeError if it is not callable, ValueError if the pair has one already. Source: TF 1.15 `tf.distributions.RegisterKL`.

    >>> class Mine(tf.distributions.Normal): ...
    >>> @tf.distributions.RegisterKL(Mine, tf.distributions.Normal)
    ... def _kl(a, b, name=None): ...
    """

    def __init__(self, dist_cls_a: type, dist_cls_b: type):
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn: F) -> F:
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            a, b = (kind.__name__ for kind in self._key)
            raise ValueError(f"KL({a} || {b}) has already been registered to: {_DIVERGENCES[self._key]}")
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn
