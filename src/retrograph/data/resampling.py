"""`tf.data.experimental.rejection_resample`: elements drawn so that classes come as often as wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.data.dataset import DatasetV1
from retrograph.data.grouping import scan
from retrograph.data.transforming import sample_from_datasets
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value

_BATCH, _SMOOTHING = 32, 10


def _acceptance(initial: Any, target: Any) -> tuple[Any, Any]:
    """(the probability of keeping each class, the probability of not sampling at all)."""
    ratio = target / (initial + np.finfo(initial.dtype.as_numpy_dtype).tiny)
    most, least = tf.reduce_max(ratio), tf.reduce_min(ratio)
    return (ratio - least) / (most - least), least


def _counted(classes: Any, seen: Any) -> tuple[Any, Any]:
    """(how often each class was seen, its share), with these classes."""
    count = seen.get_shape()[0]
    seen = tf.add(seen, tf.reduce_sum(tf.one_hot(classes, count, dtype=tf.int64), 0))
    share = tf.math.truediv(seen, tf.reduce_sum(seen))
    return seen, tf.cast(share, tf.float32)


def _estimated(target: Any, classes: Any) -> Any:
    """The shares of the classes, as they are known after each batch of elements."""
    count = target.shape[0].value or tf.shape(target)[0]
    seen = tf.fill([count], np.int64(_SMOOTHING))

    def update(state: Any, batch: Any) -> tuple[Any, Any]:
        state, share = _counted(batch, state)
        return state, tf.tile(tf.expand_dims(share, 0), [_BATCH, 1])

    return classes.batch(_BATCH).apply(scan(seen, update)).unbatch()


def _warned(acceptance: Any, initial: Any) -> Any:
    rejected = tf.reduce_sum((1 - acceptance) * initial)
    text = "Proportion of examples rejected by sampler is high: "

    def shown() -> Any:
        return tf.Print(acceptance, [rejected, initial, acceptance], message=text, summarize=100, first_n=10)

    return tf.cond(tf.less(rejected, 0.5), lambda: acceptance, shown)


def _kept(dataset: Any, acceptance: Any, initial: Any, classes: Any, seed: Any) -> Any:
    acceptance = DatasetV1.zip((acceptance, initial)).map(_warned)
    whole = DatasetV1.zip((classes, acceptance, dataset)).map(lambda c, p, data: (c, tf.gather(p, c), data))
    kept = whole.filter(lambda _1, p, _2: tf.random_uniform([], seed=seed) < p)
    return kept.map(lambda c, _, data: (c, data))


def _static_share(initial: Any, target: Any) -> Any:
    first, second = constant_value(initial), constant_value(target)
    return None if first is None or second is None else np.min(second / first)


@export("data.experimental.rejection_resample", "contrib.data.rejection_resample")
def rejection_resample(
    class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None
) -> Callable[[Any], Any]:
    """A transformation: (class, element), so chosen that classes come in the shares `target_dist`.

    Source: TF 1.15 `tf.data.experimental.rejection_resample`.
    """

    def apply(dataset: Any) -> Any:
        target = convert_to_tensor(target_dist, name="target_dist")
        classes = dataset.map(class_func)
        share = None
        if initial_dist is not None:
            initial = convert_to_tensor(initial_dist, name="initial_dist")
            parts = (initial, *_acceptance(initial, target))
            initials, accepted, unsampled = (DatasetV1.from_tensors(p).repeat() for p in parts)
            share = _static_share(initial, target)
        else:
            initials = _estimated(target, classes)
            both = initials.map(lambda known: _acceptance(known, target))
            accepted, unsampled = both.map(lambda a, _: a), both.map(lambda _, m: m)
        kept = _kept(dataset, accepted, initials, classes, seed).prefetch(3)
        if share == 1:
            return DatasetV1.zip((classes, dataset))
        if share == 0:
            return kept
        choices = [DatasetV1.zip((classes, dataset)), kept]
        weights = unsampled.map(lambda prob: [(prob, 1.0 - prob)])
        return sample_from_datasets(choices, weights=weights, seed=seed)

    return apply
