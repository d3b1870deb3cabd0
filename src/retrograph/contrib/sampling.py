"""`tf.contrib.training`: examples taken by chance, by class or by weight."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.ops.control_flow import with_dependencies
from retrograph.train.moving_averages import assign_moving_average


def _tensors(values: Any) -> list[Any]:
    return [v if isinstance(v, tf.IndexedSlices) else tf.convert_to_tensor(v) for v in values]


def _rows(tensor: Any) -> Any:
    shape = tensor.get_shape().with_rank_at_least(1)
    return shape.dims[0] if shape.ndims else tf.Dimension(None)


def _same_rows(tensors: list[Any], like: Any) -> list[Any]:
    """The tensors. Raises ValueError: one has another number of rows."""
    for tensor in tensors:
        _rows(tensor).assert_is_compatible_with(_rows(like))
    return tensors


def _singly(tensors: list[Any], threads: int, capacity: int) -> list[Any]:
    """The examples of batches one by one, through a queue."""
    batched = tf.train.batch(tensors, batch_size=1, num_threads=threads, capacity=capacity, enqueue_many=True)
    return [tf.squeeze(x, [0]) for x in batched]


@export("contrib.training.rejection_sample")
def rejection_sample(
    tensors: Any, accept_prob_fn: Any, batch_size: int, queue_threads: int = 1, enqueue_many: bool = False,
    prebatch_capacity: int = 16, prebatch_threads: int = 1, runtime_checks: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """A batch of examples, each kept with the probability that a function gives it.

    Source: TF 1.15 `tf.contrib.training.rejection_sample`.
    """
    with tf.variable_scope(name, "rejection_sample", tensors):
        found = _tensors(tensors)
        if enqueue_many:
            found = _singly(_same_rows(found, found[0]), prebatch_threads, prebatch_capacity)
        probability = accept_prob_fn(found)
        if runtime_checks:
            checks = [tf.assert_less_equal(0.0, probability), tf.assert_less_equal(probability, 1.0)]
            probability = tf.identity(with_dependencies(checks, probability), name="prob_with_checks")
        keep = tf.random_uniform([]) < probability
        batch = tf.train.maybe_batch(found, keep_input=keep, batch_size=batch_size, num_threads=queue_threads)
        return [batch] if isinstance(batch, tf.Tensor) else batch


@export("contrib.training.stratified_sample")
def stratified_sample(
    tensors: Any, labels: Any, target_probs: Any, batch_size: int, init_probs: Any = None, enqueue_many: bool = False,
    queue_capacity: int = 16, threads_per_queue: int = 1, name: str | None = None,
) -> Any:  # fmt: skip
    """(tensors, labels) of a batch whose classes have the probabilities wanted.

    Raises ValueError: shapes that do not fit. Source: TF 1.15 `tf.contrib.training.stratified_sample`.
    """
    with tf.name_scope(name, "stratified_sample", [*tensors, labels]):
        found = _tensors(tensors)
        labels = tf.convert_to_tensor(labels)
        target = tf.convert_to_tensor(target_probs, dtype=tf.float32)
        if not enqueue_many:
            found = [tf.expand_dims(tensor, 0) for tensor in found]
            labels = tf.expand_dims(labels, 0)
        if init_probs is None:
            target.get_shape().assert_is_fully_defined()
            initial = _estimate_data_distribution(labels, target.get_shape().num_elements())
        else:
            initial = tf.convert_to_tensor(init_probs, dtype=tf.float32)
        found, labels, (initial, target) = _verify_input(found, labels, [initial, target])
        possible = tf.reduce_all(tf.logical_or(tf.not_equal(initial, 0), tf.equal(target, 0)))
        words = "All classes with zero initial probability must also have zero target probability: "
        initial = with_dependencies([tf.Assert(possible, [words, initial, target])], initial)
        accepted = _calculate_acceptance_probabilities(initial, target)
        rejected = tf.reduce_sum((1 - accepted) * initial)
        message = "Proportion of examples rejected by sampler is high."
        accepted = tf.cond(
            tf.less(rejected, 0.5),
            lambda: accepted,
            lambda: tf.Print(accepted, [accepted], message=message, first_n=10),
        )
        *values, label = _singly([*found, labels], threads_per_queue, queue_capacity)
        probability = tf.gather(accepted, label)
        keep = tf.random_uniform([]) < probability
        *values, label = tf.train.maybe_batch(
            [*values, label], keep_input=keep, batch_size=batch_size, num_threads=threads_per_queue
        )
        return values, label


def _estimate_data_distribution(labels: Any, classes: int) -> Any:
    """f32[classes]: how often each class was seen, ten each to begin with."""
    seen = tf.Variable(initial_value=[10] * classes, trainable=False, name="class_count", dtype=tf.int64)
    seen = seen.assign_add(tf.reduce_sum(tf.one_hot(labels, classes, dtype=tf.int64), 0))
    # A copy, so that what was counted so far is read once.
    seen += 0
    return tf.cast(tf.truediv(seen, tf.reduce_sum(seen)), tf.float32)


def _verify_input(tensors: list[Any], labels: Any, probabilities: list[Any]) -> tuple[list[Any], Any, list[Any]]:
    checked, tolerance = [], 1e-6
    for probs in probabilities:
        probs.get_shape().assert_is_fully_defined()
        probs.get_shape().assert_has_rank(1)
        total = tf.reduce_sum(probs)
        checks = [
            tf.assert_non_negative(probs),
            tf.assert_less(total, 1.0 + tolerance),
            tf.assert_less(1.0 - tolerance, total),
        ]
        checked.append(with_dependencies(checks, probs))
    length = checked[0].get_shape().num_elements()
    if any(probs.get_shape().num_elements() != length for probs in checked):
        raise ValueError("Probability parameters must have the same length.")
    labels.get_shape().assert_has_rank(1)
    _same_rows(tensors, labels)
    rows = tf.shape(labels)[0]
    some = tf.assert_positive(rows)
    labels = with_dependencies([some], labels)
    tensors = [with_dependencies([some, tf.assert_equal(tf.shape(x)[0], rows)], x) for x in tensors]
    valid = [
        tf.assert_integer(labels),
        tf.assert_non_negative(labels),
        tf.assert_less(labels, tf.cast(length, labels.dtype)),
    ]
    return tensors, with_dependencies(valid, labels), checked


def _calculate_acceptance_probabilities(initial: Any, target: Any) -> Any:
    ratios = target / initial
    ratios = tf.where_v2(tf.is_nan(ratios), tf.zeros_like(ratios), ratios)
    most = tf.reduce_max(ratios)
    return ratios / most


def _repeat_range(counts: Any) -> Any:
    """i32[...]: each place as often as its count says."""
    with tf.name_scope(None, "repeat_range", [counts]) as scope:
        counts = tf.convert_to_tensor(counts, name="counts")
        size = tf.shape(counts)[0]
        first = tf.TensorArray(dtype=tf.int32, size=size, infer_shape=False)

        def body(output: Any, i: Any) -> tuple[Any, Any]:
            return output.write(i, tf.fill(counts[i : i + 1], i)), i + 1

        array, written = tf.while_loop(lambda _, i: i < size, body, loop_vars=[first, 0])
        return tf.cond(written > 0, array.concat, lambda: tf.zeros(shape=[0], dtype=tf.int32), name=scope)


@export("contrib.training.resample_at_rate")
def resample_at_rate(inputs: Any, rates: Any, scope: Any = None, seed: Any = None, back_prop: bool = False) -> Any:
    """The inputs, each row repeated a number of times of that mean. Source: TF 1.15 `tf.contrib.training.resample_at_rate`."""
    with tf.name_scope(scope, default_name="resample_at_rate", values=[*inputs, rates]):
        rates = tf.convert_to_tensor(rates, name="rates")
        counts = tf.cast(tf.random_poisson(rates, (), rates.dtype, seed=seed), tf.int32)
        indices = _repeat_range(counts)
        if not back_prop:
            indices = tf.stop_gradient(indices)
        return [tf.gather(x, indices) for x in inputs]


@export("contrib.training.weighted_resample")
def weighted_resample(
    inputs: Any, weights: Any, overall_rate: Any, scope: Any = None, mean_decay: float = 0.999, seed: Any = None
) -> Any:
    """(the inputs resampled by weight, the rates of those taken). Source: TF 1.15 `tf.contrib.training.weighted_resample`."""
    with tf.name_scope(scope, "weighted_resample", inputs) as outer:
        with tf.variable_scope(scope, "estimate_mean", inputs):
            estimated = tf.get_local_variable(
                "estimated_mean", initializer=tf.cast(0, weights.dtype), dtype=weights.dtype
            )
            mean = assign_moving_average(estimated, tf.reduce_mean(weights), mean_decay)
        rates = weights * overall_rate / mean
        results = resample_at_rate([rates, *inputs], rates, scope=outer, seed=seed, back_prop=False)
        return results[1:], results[0]
