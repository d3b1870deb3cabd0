"""`tf.contrib.metrics`: areas under curves of all predictions, in bins or with confidence intervals."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.contrib.streaming_rates import in_metrics
from retrograph.contrib.streaming_sums import streaming_concat
from retrograph.contrib.tensor_checks import remove_squeezable_dimensions
from retrograph.metrics.metrics_impl import _squeezed, metric_variable

_EPSILON = 1e-7


class PrecisionRecallData(NamedTuple):
    """Counts, precision and recall at each threshold."""

    tp: Any
    fp: Any
    tn: Any
    fn: Any
    precision: Any
    recall: Any
    thresholds: Any


class AucData(NamedTuple):
    """An area and the bounds of its confidence interval."""

    auc: Any
    lower: Any
    upper: Any


def _zero_or_one(labels: Any) -> list[Any]:
    words = "labels must be 0 or 1, at least one is "
    return [
        tf.assert_greater_equal(labels, tf.zeros_like(labels, tf.int64), message=words + "<0"),
        tf.assert_less_equal(labels, tf.ones_like(labels, tf.int64), message=words + ">1"),
    ]


def _where_zeros(condition: Any, values: Any, like: Any) -> Any:
    return tf.where(condition, values, tf.zeros_like(like, dtype=tf.float64))


def _dynamic_auc(labels: Any, predictions: Any, curve: str, weights: Any) -> Any:
    size = tf.size(predictions)
    if weights is None:
        weights = tf.ones_like(labels, dtype=tf.float64)
    labels, predictions, weights = _squeezed(labels, predictions, weights)
    total = tf.reduce_sum(weights)
    positive = tf.reduce_sum(_where_zeros(tf.greater(labels, 0), weights, labels))

    def computed() -> Any:
        ordered, indices = tf.nn.top_k(predictions, k=size)
        marks, heaviness = tf.gather(labels, indices), tf.gather(weights, indices)
        _, _, counts = tf.unique_with_counts(ordered)
        splits = tf.cast(tf.pad(tf.cumsum(counts), paddings=[[1, 0]]), tf.int32)

        def up_to(values: Any) -> Any:
            return tf.gather(tf.pad(tf.cumsum(values), paddings=[[1, 0]]), splits)

        hits = up_to(_where_zeros(tf.greater(marks, 0), heaviness, marks))
        if curve == "ROC":
            alarms = up_to(_where_zeros(tf.less(marks, 1), heaviness, marks))
            negative = total - positive
            x, y = tf.truediv(alarms, negative), tf.truediv(hits, positive)
        else:
            x = tf.truediv(hits, positive)
            seen = up_to(heaviness)
            any_seen = tf.greater(splits, 0)
            y = tf.where(any_seen, tf.truediv(hits, seen), tf.ones_like(hits, dtype=tf.float64))
        heights = tf.add(y[1:], y[:-1]) / 2.0
        widths = tf.abs(tf.subtract(x[1:], x[:-1]))
        return tf.reduce_sum(tf.multiply(heights, widths))

    of_one_kind = tf.logical_or(tf.equal(positive, 0), tf.equal(positive, total))
    return tf.cond(of_one_kind, lambda: tf.constant(0, tf.float64), computed)


@in_metrics("streaming_dynamic_auc")
def streaming_dynamic_auc(
    labels: Any, predictions: Any, curve: str = "ROC", metrics_collections: Any = (), updates_collections: Any = (),
    name: str | None = None, weights: Any = None,
) -> Any:  # fmt: skip
    """The exact area under the ROC or PR curve of all predictions, f64[]. Raises ValueError: another curve.

    Source: TF 1.15 `tf.contrib.metrics.streaming_dynamic_auc`.
    """
    if curve not in ("PR", "ROC"):
        raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
    with tf.variable_scope(name, default_name="dynamic_auc"):
        labels.get_shape().assert_is_compatible_with(predictions.get_shape())
        predictions = tf.reshape(tf.cast(predictions, tf.float64), [-1])
        labels = tf.reshape(tf.cast(labels, tf.int64), [-1])
        with tf.control_dependencies(_zero_or_one(labels)):
            all_predictions, update_predictions = streaming_concat(predictions, name="concat_preds")
            all_labels, update_labels = streaming_concat(labels, name="concat_labels")
            updates, all_weights = [update_labels, update_predictions], None
            if weights is not None:
                weights = tf.reshape(tf.cast(weights, tf.float64), [-1])
                all_weights, update_weights = streaming_concat(weights, name="concat_weights")
                updates.append(update_weights)
            update = tf.group(*updates)
            value = _dynamic_auc(all_labels, all_predictions, curve, all_weights)
            return _collected_first_updates(value, update, metrics_collections, updates_collections)


def _collected_first_updates(
    value: Any, update: Any, metrics_collections: Any, updates_collections: Any
) -> tuple[Any, Any]:
    if updates_collections:
        tf.add_to_collections(updates_collections, update)
    if metrics_collections:
        tf.add_to_collections(metrics_collections, value)
    return value, update


def _placement_auc(
    labels: Any, predictions: Any, weights: Any, alpha: float, logit_transformation: bool, is_valid: Any
) -> AucData:
    size = tf.size(predictions, out_type=tf.int32)
    total_0 = tf.reduce_sum(tf.cast(1 - labels, weights.dtype) * weights)
    total_1 = tf.reduce_sum(tf.cast(labels, weights.dtype) * weights)
    ordered, indices = tf.nn.top_k(predictions, k=size, sorted=True)
    ordered = tf.reverse(ordered, axis=tf.zeros(1, tf.int32))
    indices = tf.reverse(indices, axis=tf.zeros(1, tf.int32))
    marks, heaviness = tf.gather(labels, indices), tf.gather(weights, indices)
    _, segments = tf.unique(ordered)
    true = tf.cast(marks, tf.float32)
    false = 1.0 - true
    weights_true, weights_false = heaviness * true, heaviness * false
    totals = tf.segment_sum(weights_false, segments), tf.segment_sum(weights_true, segments)
    below = [tf.cumsum(t, exclusive=True) for t in totals]
    places = [(b + t / 2.0) / (tf.reduce_sum(t) + _EPSILON) for b, t in zip(below, totals, strict=True)]
    for_true, for_false = (tf.gather(p, segments) for p in places)
    placements = for_true * true + for_false * false
    places_0 = placements * tf.cast(1 - marks, weights.dtype)
    weights_0 = heaviness * tf.cast(1 - marks, weights.dtype)
    places_1 = placements * tf.cast(marks, weights.dtype)
    weights_1 = heaviness * tf.cast(marks, weights.dtype)
    auc_0 = tf.reduce_sum(weights_0 * (1.0 - places_0)) / (total_0 + _EPSILON)
    auc_1 = tf.reduce_sum(weights_1 * places_1) / (total_1 + _EPSILON)
    auc = tf.where(tf.less(total_0, total_1), auc_1, auc_0)
    var_0 = tf.reduce_sum(weights_0 * tf.square(1.0 - places_0 - auc_0)) / (total_0 - 1.0 + _EPSILON)
    var_1 = tf.reduce_sum(weights_1 * tf.squared_difference(places_1, auc_1)) / (total_1 - 1.0 + _EPSILON)
    error = tf.sqrt(var_0 / (total_0 + _EPSILON) + var_1 / (total_1 + _EPSILON))
    lower, upper = _interval(auc, error, alpha, logit_transformation)
    trivial = tf.constant(0.0)
    return AucData(*tf.cond(is_valid, lambda: [auc, lower, upper], lambda: [trivial] * 3))


def _interval(auc: Any, error: Any, alpha: float, logit_transformation: bool) -> list[Any]:
    from retrograph.distributions.location_scale import Normal

    z = Normal(loc=0.0, scale=1.0).quantile((1.0 - alpha) / 2.0)
    if logit_transformation:
        estimate = tf.log(auc / (1.0 - auc + _EPSILON))
        spread = error / (auc * (1.0 - auc + _EPSILON))
        bounds = [estimate + z * spread, estimate - z * spread]
        bounds = [1.0 / (1.0 + tf.exp(tf.negative(x)) + _EPSILON) for x in bounds]
    else:
        bounds = [auc + z * error, auc - z * error]
    return [
        tf.where(tf.logical_or(tf.equal(auc, tf.ones_like(auc)), tf.equal(auc, tf.zeros_like(auc))), auc, bound)
        for bound in bounds
    ]


@in_metrics("auc_with_confidence_intervals")
def auc_with_confidence_intervals(
    labels: Any, predictions: Any, weights: Any = None, alpha: float = 0.95, logit_transformation: bool = True,
    metrics_collections: Any = (), updates_collections: Any = (), name: str | None = None,
) -> Any:  # fmt: skip
    """((auc, lower, upper) f32[] each, update). Raises ValueError: alpha not in (0, 1).

    Source: TF 1.15 `tf.contrib.metrics.auc_with_confidence_intervals`.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1; currently {alpha:.02f}")
    if weights is None:
        weights = tf.ones_like(predictions)
    with tf.variable_scope(name, "auc_with_confidence_intervals", [labels, predictions, weights]):
        predictions, labels, weights = _squeezed(predictions, labels, weights)
        total = tf.reduce_sum(weights)
        weights = tf.reshape(weights, [-1])
        predictions = tf.reshape(tf.cast(predictions, tf.float64), [-1])
        labels = tf.reshape(tf.cast(labels, tf.int64), [-1])
        with tf.control_dependencies(_zero_or_one(labels)):
            all_predictions, update_predictions = streaming_concat(predictions, name="concat_preds")
            all_labels, update_labels = streaming_concat(labels, name="concat_labels")
            all_weights, update_weights = streaming_concat(weights, name="concat_weights")
            updates = tf.group(update_labels, update_predictions, update_weights)
            both = tf.logical_and(tf.equal(tf.reduce_min(labels), 0), tf.equal(tf.reduce_max(labels), 1))
            heavy = tf.greater_equal(total, 1.0)
            is_valid = tf.logical_and(both, heavy)
            update = tf.cond(heavy, lambda: updates, tf.no_op)
            value = _placement_auc(all_labels, all_predictions, all_weights, alpha, logit_transformation, is_valid)
            return _collected_first_updates(value, update, metrics_collections, updates_collections)


@in_metrics("precision_recall_at_equal_thresholds")
def precision_recall_at_equal_thresholds(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int | None = None, use_locking: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """(counts and rates at thresholds of equal distance, update).

    Source: TF 1.15 `tf.contrib.metrics.precision_recall_at_equal_thresholds`.
    """
    number = 201 if num_thresholds is None else num_thresholds
    weights = 1.0 if weights is None else weights
    locking = True if use_locking is None else use_locking
    tf.assert_type(labels, tf.bool)
    with tf.variable_scope(name, "precision_recall_at_equal_thresholds", (labels, predictions, weights)):
        from retrograph.metrics.thresholds import _in_unit_range

        with tf.control_dependencies(_in_unit_range(predictions)):
            predictions, labels, weights = _squeezed(predictions, labels, weights)
        true = tf.cast(labels, tf.float64)
        weights = tf.cast(weights, tf.float64)
        parts = [true * weights, (1.0 - true) * weights]
        predictions = tf.reshape(predictions, [-1])
        parts = [tf.reshape(part, [-1]) for part in parts]
        buckets = tf.cast(tf.floor(predictions * (number - 1)), tf.int32)
        with tf.name_scope("variables"):
            sums = [metric_variable([number], tf.float64, name=n) for n in ("tp_buckets", "fp_buckets")]
        with tf.name_scope("update_op"):
            updates = [
                tf.scatter_add(v, buckets, part, use_locking=locking) for v, part in zip(sums, parts, strict=True)
            ]
        tp, fp = (tf.cumsum(v, reverse=True, name=n) for v, n in zip(sums, ("tp", "fp"), strict=True))
        tn = fp[0] - fp
        fn = tp[0] - tp
        epsilon = tf.convert_to_tensor(_EPSILON, dtype=tf.float64)
        precision = tp / tf.maximum(epsilon, tp + fp)
        recall = tp / tf.maximum(epsilon, tp + fn)
        found = [tf.cast(v, predictions.dtype) for v in (tp, fp, tn, fn, precision, recall)]
        thresholds = tf.cast(tf.lin_space(0.0, 1.0, number), predictions.dtype)
        return PrecisionRecallData(*[*found, thresholds]), tf.group(*updates)


# ---- in bins


@in_metrics("auc_using_histogram")
def auc_using_histogram(
    boolean_labels: Any, scores: Any, score_range: Any, nbins: int = 100, collections: Any = None,
    check_shape: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """(the area under the ROC curve of scores counted in bins, f32[], update).

    Raises ValueError: labels that are no booleans. Source: TF 1.15 `tf.contrib.metrics.auc_using_histogram`.
    """
    with tf.variable_scope(name, "auc_using_histogram", [boolean_labels, scores, score_range]):
        scores, boolean_labels = remove_squeezable_dimensions(scores, boolean_labels)
        score_range = tf.convert_to_tensor(score_range, name="score_range")
        boolean_labels, scores = _checked(boolean_labels, scores, check_shape)
        counts = _histograms(boolean_labels, scores, score_range, nbins)
        sums, update = _summed(counts, nbins, [tf.GraphKeys.LOCAL_VARIABLES] if collections is None else collections)
        return _area_of_bins(sums, nbins), update


def _checked(labels: Any, scores: Any, check_shape: bool) -> tuple[Any, Any]:
    with tf.name_scope("_check_labels_and_scores", values=[labels, scores]):
        labels = tf.convert_to_tensor(labels, name="boolean_labels")
        scores = tf.convert_to_tensor(scores, name="scores")
        if labels.dtype != tf.bool:
            raise ValueError("Argument boolean_labels should have dtype bool.  Found: %s", labels.dtype)
        if not check_shape:
            return labels, scores
        checks = [
            tf.Assert(tf.equal(1, tf.rank(t)), [f"Argument {what} should have rank 1.  Found: ", t.name, tf.shape(t)])
            for what, t in (("boolean_labels", labels), ("scores", scores))
        ]
        with tf.control_dependencies(checks):
            return labels, scores


def _histograms(labels: Any, scores: Any, score_range: Any, nbins: int) -> list[Any]:
    with tf.variable_scope(None, "make_auc_histograms", [labels, scores, nbins]):

        def counted(chosen: Any, name: str) -> Any:
            return tf.histogram_fixed_width(
                tf.boolean_mask(scores, chosen), score_range, nbins=nbins, dtype=tf.int64, name=name
            )

        true = counted(labels, "hist_true")
        return [true, counted(tf.logical_not(labels), "hist_false")]


def _summed(counts: list[Any], nbins: int, collections: Any) -> tuple[list[Any], Any]:
    with tf.variable_scope(None, "hist_accumulate", counts):
        sums = [
            tf.get_variable(
                name, shape=[nbins], dtype=count.dtype, initializer=tf.zeros_initializer(), collections=collections,
                trainable=False,
            )
            for name, count in zip(("hist_true_acc", "hist_false_acc"), counts, strict=True)
        ]  # fmt: skip
        added = [variable.assign_add(count) for variable, count in zip(sums, counts, strict=True)]
        return sums, tf.group(*added, name="update_op")


def _area_of_bins(sums: list[Any], nbins: int) -> Any:
    parts = [tf.truediv(hist, tf.reduce_sum(hist)) for hist in sums]
    steps = [tf.reverse(part, [0], name=n) for part, n in zip(parts, ("delta_y_t", "delta_x_t"), strict=True)]
    dy, dx = (tf.cast(step, tf.float32) for step in steps)
    y = _running_sum(dy, nbins)
    first = dx[0] * y[0] / 2.0
    others = dx[1:] * (y[1:] + y[: nbins - 1]) / 2.0
    return tf.add(first, tf.reduce_sum(others), name="auc")


def _running_sum(tensor: Any, length: int) -> Any:
    """The running sum, by a convolution with ones as TF makes it."""
    with tf.name_scope("strict_1d_cumsum", values=[tensor]):
        if length == 0:
            return tf.constant([])
        x = tf.pad(tensor, [[length - 1, 0]])
        ones = tf.ones_like(x)
        with tf.name_scope("strict_conv1d", values=[x, ones]):
            x, ones = tf.reshape(x, (1, -1, 1, 1)), tf.reshape(ones, (-1, 1, 1, 1))
            found = tf.reshape(tf.nn.conv2d(x, ones, [1, 1, 1, 1], "SAME"), [-1])
        return found[:length]
