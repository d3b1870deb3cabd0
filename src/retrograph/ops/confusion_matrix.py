"""`confusion_matrix`, and the adjustment of ranks that it shares with losses and metrics."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import array, math
from retrograph.ops.check import assert_less, assert_non_negative
from retrograph.ops.cond import cond
from retrograph.ops.control_flow import with_dependencies
from retrograph.ops.joining import stack
from retrograph.ops.raw import raw


def _squeezed_if(predicate: Any, tensor: Any) -> Any:
    return cond(predicate, lambda: array.squeeze(tensor, [-1]), lambda: tensor)


def _may_be_squeezed(tensor: Tensor) -> bool:
    shape = tensor._shape
    return shape is None or (bool(shape) and shape[-1] in (None, 1))


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Any, Any]:
    """(labels, predictions), without the last dimension of the one whose rank is by one too large.

    Source: TF 1.15 `confusion_matrix.remove_squeezable_dimensions`.
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions = convert_to_tensor(predictions)
        labels = convert_to_tensor(labels)
        if predictions._shape is not None and labels._shape is not None:
            difference = len(predictions._shape) - len(labels._shape) - expected_rank_diff
            if difference == 1:
                predictions = array.squeeze(predictions, [-1])
            elif difference == -1:
                labels = array.squeeze(labels, [-1])
            return labels, predictions
        rank_difference: Any = array.rank(predictions) - array.rank(labels)
        if _may_be_squeezed(predictions):
            predictions = _squeezed_if(math.equal(expected_rank_diff + 1, rank_difference), predictions)
        if _may_be_squeezed(labels):
            labels = _squeezed_if(math.equal(expected_rank_diff - 1, rank_difference), labels)
        return labels, predictions


def _checked(x: Any, name: str, bound: Any) -> Any:
    if bound is None:
        check = assert_non_negative(x, message=f"`{name}` contains negative values")
    else:
        check = assert_less(x, bound, message=f"`{name}` out of bound")
    return with_dependencies([check], x)


def _number_of_classes(labels: Any, predictions: Any, num_classes: Any) -> tuple[Any, Any, Any]:
    if num_classes is None:
        greatest: Any = math.maximum(math.reduce_max(predictions), math.reduce_max(labels))
        return labels, predictions, greatest + 1
    bound = math.cast(num_classes, dtypes.int64)
    labels = _checked(labels, "labels", bound)
    return labels, _checked(predictions, "predictions", bound), num_classes


@export("math.confusion_matrix", "confusion_matrix")
def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """How often each label (rows) was predicted as each class (columns), `dtype[num_classes, num_classes]`.

    Fails when run on negative or too large classes. Source: TF 1.15 `tf.confusion_matrix`.
    """
    with name_scope(name, "confusion_matrix", (predictions, labels, num_classes, weights)):
        labels, predictions = remove_squeezable_dimensions(
            convert_to_tensor(labels, name="labels"), convert_to_tensor(predictions, name="predictions")
        )
        predictions, labels = math.cast(predictions, dtypes.int64), math.cast(labels, dtypes.int64)
        labels = _checked(labels, "labels", None)
        predictions = _checked(predictions, "predictions", None)
        labels, predictions, num_classes = _number_of_classes(labels, predictions, num_classes)
        if weights is not None:
            weights = convert_to_tensor(weights, name="weights")
            predictions.get_shape().assert_is_compatible_with(weights.get_shape())
            weights = math.cast(weights, dtype)
        shape = stack([num_classes, num_classes])
        indices = stack([labels, predictions], axis=1)
        values = array.ones_like(predictions, dtype) if weights is None else weights
        dense_shape = math.cast(shape, dtypes.int64)
        zeros = array.zeros(math.cast(shape, dtypes.int32), dtype)
        return raw("SparseTensorDenseAdd", indices, values, dense_shape, zeros)  # type: ignore[no-any-return]
