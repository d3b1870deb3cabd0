"""What heads check before they compute: labels, logits, weights of examples, and functions of losses."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.estimator.model import function_args
from retrograph.feature_column.column import LazyBuilder
from retrograph.feature_column.dense import NumericColumn

NO_LABELS = (
    "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: Check that your data contain your label "
    "feature. Check that your input_fn properly parses and returns labels."
)
_SPARSE_LABELS = (
    "SparseTensor labels are not supported. labels must be a Tensor of shape [D0, D1, ..., DN, {0}], e.g. [batch_size, {0}]. "
    "Suggested Fix (1): Check the label feature in your data. Each example must contain {0} value(s). If not, your choice of "
    "label was probably incorrect. Suggested Fix (2): In your input_fn, use tf.sparse_tensor_to_dense() to turn labels into "
    "a Tensor."
)
_OTHER_SIZE = (
    "Mismatched label shape. Expected labels dimension={}.  Received {}. Suggested Fix:If your classifier expects one-hot "
    "encoding label,check your n_classes argument to the estimator and/or the shape of your label. Otherwise, check the shape "
    "of your label."
)
_LABEL_SHAPE = (
    "labels shape must be [D0, D1, ... DN, {}]. Suggested Fix: check your n_classes argument to the estimator and/or the "
    "shape of your label."
)
_LOGITS_SHAPE = "logits shape must be [D0, D1, ... DN, logits_dimension]"


def _needs_column(value: Any, logits: Any) -> bool:
    """True for labels or weights without the last dimension that the logits have."""
    ranks = value.shape.ndims, logits.shape.ndims
    return None not in ranks and ranks[0] == ranks[1] - 1


def dense_labels(labels: Any, logits: Any, size: int) -> Any:
    """Labels `[d0, ..., dn, size]` beside logits of the same leading shape; a missing last dimension is added.

    Raises ValueError: no labels, sparse ones, or another last dimension.
    """
    if labels is None:
        raise ValueError(NO_LABELS)
    with tf.name_scope(None, "labels", (labels, logits)) as scope:
        labels = tf.convert_to_tensor_or_sparse_tensor(labels)
        if isinstance(labels, tf.SparseTensor):
            raise ValueError(_SPARSE_LABELS.format(size))
        if _needs_column(labels, logits):
            labels = tf.expand_dims(labels, -1)
        return _same_leading_shape(labels, logits, size, scope)


def _same_leading_shape(labels: Any, logits: Any, size: int, scope: str) -> Any:
    labels_shape, logits_shape = tf.shape(labels), tf.shape(logits)
    message = _LABEL_SHAPE.format(size)
    with tf.control_dependencies([tf.debugging.assert_rank_at_least(labels, 2, message=message)]):
        last = None if labels.shape.ndims is None else tf.compat.dimension_value(labels.shape[-1])
        if last is not None and last != size:
            raise ValueError(_OTHER_SIZE.format(size, last))
        wanted = tf.concat([logits_shape[:-1], [size]], axis=0)
        data = ["expected_labels_shape: ", wanted, "labels_shape: ", labels_shape]
        same = tf.debugging.assert_equal(wanted, labels_shape, message=message, data=data)
        with tf.control_dependencies([same]):
            return tf.identity(labels, name=scope)


def weights_of_examples(features: Any, weight_column: Any, logits: Any, per_logit: bool = False) -> Any:
    """The weights of examples, `f32[d0, ..., dn, 1]`; 1.0 without a column.

    Raises TypeError: no numeric column; ValueError: weights that are no numbers.
    """
    shapes = "[D0, D1, ... DN], [D0, D1, ... DN, 1] or [D0, D1, ... DN, logits_dimension]"
    message = "weights shape must be " + (shapes if per_logit else "[D0, D1, ... DN] or [D0, D1, ... DN, 1]")
    with tf.name_scope(None, "weights", values=(*features.values(), logits)) as scope:
        if weight_column is None:
            return 1.0
        weights = _column_values(features, weight_column)
        weights_shape = tf.shape(weights, name="weights_shape")
        logits_shape = tf.shape(logits, name="logits_shape")
        data = ["logits_shape: ", logits_shape, "weights_shape: ", weights_shape]
        if _needs_column(weights, logits):
            same = tf.debugging.assert_equal(logits_shape[:-1], weights_shape, message=message, data=data)
            with tf.control_dependencies([same]):
                return tf.expand_dims(weights, -1, name=scope)
        wanted = tf.concat([logits_shape[:-1], [1]], axis=0)
        if per_logit:
            either = [tf.reduce_all(tf.equal(shape, weights_shape)) for shape in (logits_shape, wanted)]
            same = tf.Assert(condition=tf.reduce_any(either), data=[message, *data])
        else:
            same = tf.debugging.assert_equal(wanted, weights_shape, message=message, data=data)
        with tf.control_dependencies([same]):
            return tf.identity(weights, name=scope)


def _column_values(features: Any, column: Any) -> Any:
    if isinstance(column, str):
        column = tf.feature_column.numeric_column(key=column, shape=(1,))
    if not isinstance(column, NumericColumn):
        raise TypeError(f"Weight column must be either a string or _NumericColumn. Given type: {type(column)}.")
    weights = column._get_dense_tensor(LazyBuilder(features))
    if not (weights.dtype.is_floating or weights.dtype.is_integer):
        raise ValueError(f"Weight column should be castable to float. Given dtype: {weights.dtype}")
    return tf.cast(weights, tf.float32, name="weights")


def checked_logits(logits: Any, size: Any) -> Any:
    """Logits `f32[d0, ..., dn, size]`. Raises ValueError: another last dimension."""
    with tf.name_scope(None, "logits", (logits,)) as scope:
        logits = tf.cast(logits, tf.float32, name="ToFloat")
        shape: Any = tf.shape(logits)
        ranked = tf.debugging.assert_rank_at_least(logits, 2, data=[shape], message=_LOGITS_SHAPE)
        with tf.control_dependencies([ranked]):
            last = None if logits.shape.ndims is None else tf.compat.dimension_value(logits.shape[-1])
            if last is not None:
                if isinstance(size, int) and last != size:
                    raise ValueError(f"{_LOGITS_SHAPE}, got {logits.shape}.")
                return logits
            same = tf.debugging.assert_equal(size, shape[-1], data=[shape], message=_LOGITS_SHAPE)
            with tf.control_dependencies([same]):
                return tf.identity(logits, name=scope)


def labels_in_range(labels: Any, n_classes: Any, message: str | None = None, scope: str = "assert_range") -> Any:
    """The labels, after they were found in `[0, n_classes)` (InvalidArgumentError when run)."""
    with tf.name_scope(None, scope, (labels,)):
        limit = tf.convert_to_tensor(n_classes - 1, dtype=labels.dtype)
        less = tf.debugging.assert_less_equal(labels, limit, message=message or "Labels must <= n_classes - 1")
        positive = tf.debugging.assert_non_negative(labels, message=message or "Labels must >= 0")
        with tf.control_dependencies((less, positive)):
            return tf.identity(labels)


# ---- arguments of heads


def check_loss_fn(loss_fn: Any, more: tuple[str, ...] = ()) -> None:
    """Raises ValueError for a function of losses with other arguments than heads give it."""
    names = function_args(loss_fn)
    for wanted in ("labels", "logits"):
        if wanted not in names:
            raise ValueError(f"loss_fn must contain argument: {wanted}. Given arguments: {names}")
    others = list(set(names) - {"labels", "logits", "features", *more})
    if others:
        raise ValueError(f"loss_fn has unexpected args: {others}")


def call_loss_fn(loss_fn: Any, labels: Any, logits: Any, features: Any, size: int = 1) -> Any:
    """The losses `[d0, ..., dn, size]` that a program's function gives; another shape fails when run."""
    given = {"features": features} if "features" in function_args(loss_fn) else {}
    with tf.name_scope(None, "call_loss_fn", values=[labels, logits, *features.values()]):
        losses = loss_fn(labels=labels, logits=logits, **given)
        logits_shape: Any = tf.shape(logits, name="logits_shape")
        wanted = tf.concat([logits_shape[:-1], [size]], axis=0, name="expected_loss_shape")
        shape = tf.shape(losses, name="loss_shape")
        text = f"loss_fn must return Tensor of shape [D0, D1, ... DN, {size}]. "
        data = [text, "logits_shape: ", logits_shape, "loss_shape: ", shape]
        same = tf.Assert(tf.reduce_all(tf.equal(shape, wanted)), data=data, name="check_loss_shape")
        with tf.control_dependencies([same]):
            return tf.identity(losses)


def checked_n_classes(n_classes: Any) -> Any:
    """The number of classes. Raises ValueError: none, or two and less."""
    if n_classes is None:
        raise ValueError("n_classes cannot be None")
    if isinstance(n_classes, int) and n_classes <= 2:
        raise ValueError(f"n_classes must be > 2: {n_classes}.")
    more = tf.debugging.assert_greater(tf.convert_to_tensor(n_classes), 2, message="n_classes must be greater than 2")
    with tf.control_dependencies([more]):
        tf.no_op()
    return n_classes


def check_thresholds(thresholds: Any) -> tuple[float, ...]:
    """The thresholds as a tuple. Raises ValueError: one outside of (0, 1)."""
    found = tuple(thresholds) if thresholds else ()
    if any(t <= 0.0 or t >= 1.0 for t in found):
        raise ValueError(f"thresholds not in (0, 1): {(found,)}.")
    return found


def check_reduction(reduction: Any, allowed: Any) -> None:
    """Raises ValueError for a reduction of losses that gives no scalar."""
    if reduction not in allowed or reduction == "none":
        raise ValueError(f"Invalid loss_reduction: {reduction}")
