"""`tf.contrib.metrics`: covariance and correlation, all values one after the other, counts, Cohen's kappa."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.streaming_rates import in_metrics
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.metrics.metrics_impl import _collected, _squeezed, metric_variable


@in_metrics("confusion_matrix")
def confusion_matrix(labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = tf.int32, name: str | None = None, weights: Any = None) -> Any:  # fmt: skip
    """As `tf.confusion_matrix`. Source: TF 1.15 `tf.contrib.metrics.confusion_matrix`."""
    return tf.confusion_matrix(labels, predictions, num_classes, dtype=dtype, name=name, weights=weights)


def _moved_mean(values: Any, weights: Any, number: Any, mean: Any, count: Any) -> tuple[Any, Any]:
    """(the mean of the batch, the mean before it), the mean so far moved."""
    weighted = values if weights is None else tf.multiply(values, weights)
    batch = tf.div_no_nan(tf.reduce_sum(weighted), number)
    step = tf.div_no_nan((batch - mean) * number, count)
    return batch, tf.assign_add(mean, step) - step


@in_metrics("streaming_covariance")
def streaming_covariance(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """The unbiased covariance, f32[]; NaN of less than two. Source: TF 1.15 `tf.contrib.metrics.streaming_covariance`."""
    with tf.variable_scope(name, "covariance", (predictions, labels, weights)):
        predictions, labels, weights = _squeezed(predictions, labels, weights)
        names = "count", "mean_prediction", "mean_label", "comoment"
        count, mean_prediction, mean_label, comoment = (metric_variable([], tf.float32, name=n) for n in names)
        if weights is None:
            number = tf.cast(tf.size(labels), tf.float32)
            weighted = predictions, labels
        else:
            weights = broadcast_weights(weights, labels)
            number = tf.reduce_sum(weights)
            weighted = tf.multiply(predictions, weights), tf.multiply(labels, weights)
        new_count = tf.assign_add(count, number)
        old_count = new_count - number
        batch_prediction, old_prediction = _moved_mean(weighted[0], None, number, mean_prediction, new_count)
        batch_label, old_label = _moved_mean(weighted[1], None, number, mean_label, new_count)
        products = (predictions - batch_prediction) * (labels - batch_label)
        total = tf.reduce_sum(products if weights is None else products * weights)
        between = (old_prediction - batch_prediction) * (old_label - batch_label)
        update = tf.assign_add(comoment, total + between * (old_count * number / new_count))

        def covariance(suffix: str) -> Any:
            few = tf.less_equal(count, 1.0)
            return tf.where(few, float("nan"), tf.truediv(comoment, count - 1), name=suffix)

        value = covariance("covariance")
        with tf.control_dependencies([update]):
            update_op = covariance("update_op")
    return _collected(value, update_op, metrics_collections, updates_collections)


@in_metrics("streaming_pearson_correlation")
def streaming_pearson_correlation(predictions: Any, labels: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """Pearson's coefficient, f32[]. Source: TF 1.15 `tf.contrib.metrics.streaming_pearson_correlation`."""
    with tf.variable_scope(name, "pearson_r", (predictions, labels, weights)):
        predictions, labels, weights = _squeezed(predictions, labels, weights)
        if weights is not None:
            weights = broadcast_weights(weights, labels)
        both = streaming_covariance(predictions, labels, weights=weights, name="covariance")
        first = streaming_covariance(predictions, predictions, weights=weights, name="variance_predictions")
        second = streaming_covariance(labels, labels, weights=weights, name="variance_labels")
        value, update = (
            tf.truediv(both[i], tf.multiply(tf.sqrt(first[i]), tf.sqrt(second[i])), name=suffix)
            for i, suffix in enumerate(("pearson_r", "update_op"))
        )
    return _collected(value, update, metrics_collections, updates_collections)


def _next_array_size(required_size: Any, growth_factor: Any = 1.5) -> Any:
    """The next power of a factor that is not below a size, i32[]."""
    power = tf.ceil(tf.log(tf.cast(required_size, tf.float32)) / tf.log(tf.cast(growth_factor, tf.float32)))
    return tf.cast(tf.ceil(growth_factor**power), tf.int32)


def _fixed_sizes(shape: Any, axis: int) -> tuple[int, list[int]]:
    """(the axis, the other sizes). Raises ValueError: the rank or one of them is not known."""
    if shape.dims is None:
        raise ValueError("`values` must have known statically known rank")
    rank = shape.ndims
    axis += rank if axis < 0 else 0
    if not 0 <= axis < rank:
        raise ValueError(f"axis = {axis!r} not in [0, {rank!r})")
    fixed = [size.value for n, size in enumerate(shape) if n != axis]
    if any(size is None for size in fixed):
        raise ValueError(
            "all dimensions of `values` other than the dimension to concatenate along must have statically known size"
        )
    return axis, fixed


@in_metrics("streaming_concat")
def streaming_concat(
    values: Any, axis: int = 0, max_size: int | None = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """All batches one after the other along an axis, at most `max_size`.

    Raises ValueError: sizes not known, no such axis. Source: TF 1.15 `tf.contrib.metrics.streaming_concat`.
    """
    with tf.variable_scope(name, "streaming_concat", (values,)):
        axis, fixed = _fixed_sizes(values.get_shape(), axis)
        rank = len(fixed) + 1
        array = metric_variable([max_size or 0, *fixed], values.dtype, validate_shape=False, name="array")
        size = metric_variable([], tf.int32, name="size")
        valid = array[:size]
        valid.set_shape([None, *fixed])
        back = [0 if n == axis else n + 1 if n < axis else n for n in range(rank)]
        value = tf.transpose(valid, back, name="concat")
        number = tf.shape(values)[axis]
        if max_size is not None:
            number = tf.minimum(number, max_size - size)
        batch = tf.transpose(values, [axis, *(n for n in range(rank) if n != axis)])[:number]
        new_size = size + number

        def reallocated() -> Any:
            empty = tf.zeros(tf.stack([_next_array_size(new_size), *fixed]), dtype=values.dtype)
            old = array.value()
            with tf.control_dependencies([old]):
                grown = tf.assign(array, empty, validate_shape=False)
            with tf.control_dependencies([grown]):
                copied = array[:size].assign(old[:size])
            with tf.control_dependencies([copied]):
                return tf.no_op()

        room = _dynamic_shape(array)[0]
        maybe = tf.cond(new_size > room, reallocated, tf.no_op)
        with tf.control_dependencies([maybe]):
            appended = array[size:new_size].assign(batch)
        with tf.control_dependencies([appended]):
            update = size.assign(new_size)
        return _collected(value, update, metrics_collections, updates_collections)


def _dynamic_shape(array: Any) -> Any:
    """The shape it has when it is asked: the variable changes it."""
    from retrograph.framework.apply import apply_op

    with tf.name_scope(None, "Shape", [array]) as scope:
        return apply_op("Shape", scope, input=tf.convert_to_tensor(array), out_type=tf.int32)


@in_metrics("count")
def count(values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None, name: str | None = None) -> Any:  # fmt: skip
    """How many values, or the sum of their weights, f32[]. Source: TF 1.15 `tf.contrib.metrics.count`."""
    with tf.variable_scope(name, "count", (values, weights)):
        counted = metric_variable([], tf.float32, name="count")
        if weights is None:
            number = tf.cast(tf.size(values), tf.float32)
        else:
            values, _, weights = _squeezed(tf.cast(values, tf.float32), None, weights)
            number = tf.reduce_sum(broadcast_weights(tf.cast(weights, tf.float32), values))
        with tf.control_dependencies([values]):
            update = tf.assign_add(counted, number)
        return _collected(tf.identity(counted), update, metrics_collections, updates_collections)


def _kappa(counts: list[Any], name: str) -> Any:
    agreed, rows, columns = counts
    sums = tf.reduce_sum(agreed), tf.reduce_sum(rows)
    chance = tf.reduce_sum(tf.div_no_nan(tf.cast(rows * columns, tf.float64), tf.cast(sums[1], tf.float64)))
    observed, chance, total = (tf.cast(v, tf.float64) for v in (sums[0], chance, sums[1]))
    return tf.div_no_nan(observed - chance, total - chance, name=name)


@in_metrics("cohen_kappa")
def cohen_kappa(
    labels: Any, predictions_idx: Any, num_classes: int, weights: Any = None, metrics_collections: Any = None,
    updates_collections: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Cohen's kappa, f64[]. Raises ValueError: less than two classes. Source: TF 1.15 `tf.contrib.metrics.cohen_kappa`."""
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be >= 2.Found: {num_classes}")
    with tf.variable_scope(name, "cohen_kappa", (labels, predictions_idx, weights)):
        labels.get_shape().with_rank_at_most(2)
        if labels.get_shape().ndims == 2:
            labels = tf.squeeze(labels, axis=[-1])
        predictions_idx, labels, weights = _squeezed(predictions_idx, labels, weights)
        dtype = tf.int64 if weights is None or weights.dtype.is_integer else tf.float32
        variables = [metric_variable((num_classes,), dtype, name=n) for n in ("po", "pe_row", "pe_col")]
        table = tf.confusion_matrix(
            labels, predictions_idx, num_classes=num_classes, weights=weights, dtype=dtype, name="counts_in_table"
        )
        batch = tf.diag_part(table), tf.reduce_sum(table, axis=0), tf.reduce_sum(table, axis=1)
        updates = [tf.assign_add(variable, new) for variable, new in zip(variables, batch, strict=True)]
        value, update = _kappa(variables, "value"), _kappa(updates, "update_op")
        return _collected(value, update, metrics_collections, updates_collections)
