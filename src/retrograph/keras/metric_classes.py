"""`tf.keras.metrics`: accuracies, errors, counts at thresholds, curves."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import loss_functions
from retrograph.keras.backend_math import mean as mean_along
from retrograph.keras.backend_values import batch_set_value
from retrograph.keras.loss_functions import fitted, fitted_weight
from retrograph.keras.metric_base import Mean, MeanMetricWrapper, Metric
from retrograph.keras.state import floatx
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.losses.squeezing import remove_squeezable_dimensions
from retrograph.variables import named

# --- functions ----------------------------------------------------------------------------------------------------


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether labels and predictions are equal, by element."""
    y_pred.shape.assert_is_compatible_with(y_true.shape)
    if y_true.dtype != y_pred.dtype:
        y_pred = tf.cast(y_pred, y_true.dtype)
    return tf.cast(tf.equal(y_true, y_pred), floatx())


@export("keras.metrics.binary_accuracy")
def binary_accuracy(y_true: Any, y_pred: Any, threshold: Any = 0.5) -> Any:
    """How many are on the right side of a threshold. Source: TF 1.15 `tf.keras.metrics.binary_accuracy`."""
    threshold = tf.cast(threshold, y_pred.dtype)
    y_pred = tf.cast(y_pred > threshold, y_pred.dtype)
    return mean_along(tf.equal(y_true, y_pred), axis=-1)


@export("keras.metrics.categorical_accuracy")
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the greatest is at the same place. Source: TF 1.15 `tf.keras.metrics.categorical_accuracy`."""
    return tf.cast(tf.equal(tf.argmax(y_true, axis=-1), tf.argmax(y_pred, axis=-1)), floatx())


def _classes(y_true: Any, y_pred: Any) -> Any:
    """Integer labels without a last axis of size 1."""
    ranks = tf.convert_to_tensor(y_pred).shape.ndims, tf.convert_to_tensor(y_true).shape.ndims
    return tf.squeeze(y_true, [-1]) if None not in ranks and ranks[0] == ranks[1] else y_true


@export("keras.metrics.sparse_categorical_accuracy")
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the greatest is at the label. Source: TF 1.15 `tf.keras.metrics.sparse_categorical_accuracy`."""
    y_true = _classes(y_true, y_pred)
    y_pred = tf.argmax(y_pred, axis=-1)
    if y_pred.dtype.base_dtype != y_true.dtype.base_dtype:
        y_pred = tf.cast(y_pred, y_true.dtype.base_dtype)
    return tf.cast(tf.equal(y_true, y_pred), floatx())


@export("keras.metrics.top_k_categorical_accuracy")
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the label is among the `k` greatest. Source: TF 1.15 `tf.keras.metrics.top_k_categorical_accuracy`."""
    return tf.cast(tf.nn.in_top_k(y_pred, tf.argmax(y_true, axis=-1), k), floatx())


@export("keras.metrics.sparse_top_k_categorical_accuracy")
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the label is among the `k` greatest. Source: TF 1.15 `tf.keras.metrics.sparse_top_k_categorical_accuracy`."""
    y_true = _classes(y_true, y_pred)
    return tf.cast(tf.nn.in_top_k(y_pred, tf.cast(y_true, "int32"), k), floatx())


# --- means of functions -------------------------------------------------------------------------------------------


def _of(
    class_name: str, function: Any, default: str, options: dict[str, Any] | None = None, first: bool = False
) -> Any:
    """The class of the mean of a function; `options` are its own arguments, before the name if `first`."""
    own = options or {}

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        order = [*own, "name", "dtype"] if first else ["name", "dtype", *own]
        given = {"name": default, "dtype": None, **own, **dict(zip(order, args, strict=False)), **kwargs}
        unknown = set(given) - set(order)
        if unknown or len(args) > len(order):
            raise TypeError(f"__init__() got an unexpected keyword argument {sorted(unknown)[:1]}")
        MeanMetricWrapper.__init__(self, function, given.pop("name"), given.pop("dtype"), **given)

    doc = f"The mean of `{function.__name__}`. Source: TF 1.15 `tf.keras.metrics.{class_name}`."
    made = type(class_name, (MeanMetricWrapper,), {"__init__": init, "__doc__": doc, "__module__": __name__})
    return export(f"keras.metrics.{class_name}")(made)


_SMOOTHED = {"from_logits": False, "label_smoothing": 0}
Accuracy = _of("Accuracy", accuracy, "accuracy")
BinaryAccuracy = _of("BinaryAccuracy", binary_accuracy, "binary_accuracy", {"threshold": 0.5})
CategoricalAccuracy = _of("CategoricalAccuracy", categorical_accuracy, "categorical_accuracy")
SparseCategoricalAccuracy = _of("SparseCategoricalAccuracy", sparse_categorical_accuracy, "sparse_categorical_accuracy")
TopKCategoricalAccuracy = _of(
    "TopKCategoricalAccuracy", top_k_categorical_accuracy, "top_k_categorical_accuracy", {"k": 5}, first=True
)
SparseTopKCategoricalAccuracy = _of(
    "SparseTopKCategoricalAccuracy",
    sparse_top_k_categorical_accuracy,
    "sparse_top_k_categorical_accuracy",
    {"k": 5},
    first=True,
)
MeanSquaredError = _of("MeanSquaredError", loss_functions.mean_squared_error, "mean_squared_error")
MeanAbsoluteError = _of("MeanAbsoluteError", loss_functions.mean_absolute_error, "mean_absolute_error")
MeanAbsolutePercentageError = _of(
    "MeanAbsolutePercentageError", loss_functions.mean_absolute_percentage_error, "mean_absolute_percentage_error"
)
MeanSquaredLogarithmicError = _of(
    "MeanSquaredLogarithmicError", loss_functions.mean_squared_logarithmic_error, "mean_squared_logarithmic_error"
)
Hinge = _of("Hinge", loss_functions.hinge, "hinge")
SquaredHinge = _of("SquaredHinge", loss_functions.squared_hinge, "squared_hinge")
CategoricalHinge = _of("CategoricalHinge", loss_functions.categorical_hinge, "categorical_hinge")
LogCoshError = _of("LogCoshError", loss_functions.logcosh, "logcosh")
Poisson = _of("Poisson", loss_functions.poisson, "poisson")
KLDivergence = _of("KLDivergence", loss_functions.kullback_leibler_divergence, "kullback_leibler_divergence")
CosineSimilarity = _of("CosineSimilarity", loss_functions.cosine_proximity, "cosine_similarity", {"axis": -1})
BinaryCrossentropy = _of("BinaryCrossentropy", loss_functions.binary_crossentropy, "binary_crossentropy", _SMOOTHED)
CategoricalCrossentropy = _of(
    "CategoricalCrossentropy", loss_functions.categorical_crossentropy, "categorical_crossentropy", _SMOOTHED
)
SparseCategoricalCrossentropy = _of(
    "SparseCategoricalCrossentropy",
    loss_functions.sparse_categorical_crossentropy,
    "sparse_categorical_crossentropy",
    {"from_logits": False, "axis": -1},
)


@export("keras.metrics.RootMeanSquaredError")
class RootMeanSquaredError(Mean):
    """The root of the mean of squared differences. Source: TF 1.15 `tf.keras.metrics.RootMeanSquaredError`."""

    def __init__(self, name: Any = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Takes in labels and predictions."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        y_pred, y_true = fitted(y_pred, y_true)
        return super().update_state(tf.squared_difference(y_pred, y_true), sample_weight=sample_weight)

    def result(self) -> Any:
        """The root."""
        return tf.sqrt(tf.div_no_nan(self.total, self.count))


@export("keras.metrics.MeanRelativeError")
class MeanRelativeError(Mean):
    """The mean of differences by a normalizer. Source: TF 1.15 `tf.keras.metrics.MeanRelativeError`."""

    def __init__(self, normalizer: Any, name: Any = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.normalizer = tf.cast(normalizer, self._dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Takes in labels and predictions."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        y_pred, y_true = fitted(y_pred, y_true)
        self.normalizer, y_pred = remove_squeezable_dimensions(self.normalizer, y_pred)
        y_pred.shape.assert_is_compatible_with(y_true.shape)
        errors = tf.div_no_nan(tf.abs(y_true - y_pred), self.normalizer)
        return super().update_state(errors, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the metric, the normalizer as an array."""
        return {**super().get_config(), "normalizer": tf.keras.backend.eval(self.normalizer)}


# --- counts at thresholds -----------------------------------------------------------------------------------------


def _checked(thresholds: Any, default: Any) -> list[float]:
    given = default if thresholds is None else thresholds
    found = list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]
    wrong = [t for t in found if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Invalid values: {wrong}")
    return found


def _only_top_k(x: Any, k: int) -> Any:
    """All but the `k` greatest at the least of floats."""
    _, at = tf.nn.top_k(x, k, sorted=False)
    kept = tf.reduce_sum(tf.one_hot(at, x.shape[-1].value, axis=-1), axis=-2)
    return x * kept + -1e10 * (1 - kept)


class _Counts(Metric):
    """Counts of right and wrong predictions at thresholds; `counts` names the variables."""

    counts: tuple[str, ...] = ()

    def _make_counts(self, number: int) -> None:
        for name in self.counts:
            setattr(self, name, self.add_weight(name, shape=(number,), initializer="zeros"))

    def _counted(
        self, y_true: Any, y_pred: Any, weight: Any, thresholds: Any, top_k: Any = None, class_id: Any = None
    ) -> Any:
        y_true, y_pred = tf.cast(y_true, tf.float32), tf.cast(y_pred, tf.float32)
        y_pred.shape.assert_is_compatible_with(y_true.shape)
        checks = [
            tf.assert_greater_equal(y_pred, tf.cast(0.0, y_pred.dtype), message="predictions must be >= 0"),
            tf.assert_less_equal(y_pred, tf.cast(1.0, y_pred.dtype), message="predictions must be <= 1"),
        ]
        with tf.control_dependencies(checks):
            y_pred, y_true = fitted(y_pred, y_true)
            weight = None if weight is None else fitted_weight(y_pred, weight)
        if top_k is not None:
            y_pred = _only_top_k(y_pred, top_k)
        if class_id is not None:
            y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
        return self._added(y_true, y_pred, weight, thresholds)

    def _added(self, y_true: Any, y_pred: Any, weight: Any, thresholds: Any) -> Any:
        number, size = len(thresholds), tf.size(y_pred)
        rows = tf.reshape(y_pred, [1, -1])
        labels = tf.reshape(tf.cast(y_true, dtype=tf.bool), [1, -1])
        limits = tf.tile(tf.expand_dims(tf.constant(thresholds), 1), tf.stack([1, size]))
        positive = tf.greater(tf.tile(rows, [number, 1]), limits)
        real = tf.tile(labels, [number, 1])
        if weight is not None:
            weight = broadcast_weights(tf.cast(weight, tf.float32), y_pred)
            weight = tf.tile(tf.reshape(weight, [1, -1]), [number, 1])
        updates = []
        for name, pair in self._kinds(real, positive).items():
            both = tf.cast(tf.logical_and(*pair), tf.float32)
            both = both if weight is None else both * weight
            updates.append(self._variable(name).assign_add(tf.reduce_sum(both, 1)))
        return tf.group(*updates)

    def _kinds(self, real: Any, positive: Any) -> dict[str, tuple[Any, Any]]:
        """What to count, in TF's order: (what is so, what is said)."""
        wanted = set(self.counts) or {self.kind}
        kinds = {"true_positives": (real, positive)}
        if wanted & {"false_negatives", "true_negatives"}:
            negative = tf.logical_not(positive)
            kinds["false_negatives"] = (real, negative)
        if wanted & {"false_positives", "true_negatives"}:
            unreal = tf.logical_not(real)
            kinds["false_positives"] = (unreal, positive)
            if "true_negatives" in wanted:
                kinds["true_negatives"] = (unreal, negative)
        return {name: pair for name, pair in kinds.items() if name in wanted}

    def _variable(self, name: str) -> Any:
        return getattr(self, name)

    def reset_states(self) -> None:
        """Sets the counts to 0."""
        batch_set_value([(v, np.zeros(v.shape.as_list())) for v in self.variables])


class _Condition(_Counts):
    """One count at thresholds."""

    kind = ""

    def __init__(self, thresholds: Any = None, name: Any = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = _checked(thresholds, 0.5)
        self.accumulator = self.add_weight("accumulator", shape=(len(self.thresholds),), initializer="zeros")

    def _variable(self, name: str) -> Any:
        return self.accumulator

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes in labels and predictions."""
        return self._counted(y_true, y_pred, sample_weight, self.thresholds)

    def result(self) -> Any:
        """The count; a row of them for several thresholds."""
        value = self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator
        return tf.convert_to_tensor(value)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


@export("keras.metrics.TruePositives")
class TruePositives(_Condition):
    """How many positives are found. Source: TF 1.15 `tf.keras.metrics.TruePositives`."""

    kind = "true_positives"


@export("keras.metrics.TrueNegatives")
class TrueNegatives(_Condition):
    """How many negatives are found. Source: TF 1.15 `tf.keras.metrics.TrueNegatives`."""

    kind = "true_negatives"


@export("keras.metrics.FalsePositives")
class FalsePositives(_Condition):
    """How many are taken for positive wrongly. Source: TF 1.15 `tf.keras.metrics.FalsePositives`."""

    kind = "false_positives"


@export("keras.metrics.FalseNegatives")
class FalseNegatives(_Condition):
    """How many are taken for negative wrongly. Source: TF 1.15 `tf.keras.metrics.FalseNegatives`."""

    kind = "false_negatives"


class _Ratio(_Counts):
    """True positives by true positives and another count."""

    def __init__(
        self, thresholds: Any = None, top_k: Any = None, class_id: Any = None, name: Any = None, dtype: Any = None
    ):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = (
            _checked(thresholds, 0.5 if top_k is None else -1e10) if thresholds or top_k is None else [-1e10]
        )
        self._make_counts(len(self.thresholds))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes in labels and predictions."""
        return self._counted(y_true, y_pred, sample_weight, self.thresholds, self.top_k, self.class_id)

    def result(self) -> Any:
        """The ratio; a row of them for several thresholds."""
        other = getattr(self, self.counts[1])
        value = tf.div_no_nan(self.true_positives, self.true_positives + other)
        return value[0] if len(self.thresholds) == 1 else value

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


@export("keras.metrics.Precision")
class Precision(_Ratio):
    """How many of those taken for positive are. Source: TF 1.15 `tf.keras.metrics.Precision`."""

    counts = ("true_positives", "false_positives")


@export("keras.metrics.Recall")
class Recall(_Ratio):
    """How many positives are found. Source: TF 1.15 `tf.keras.metrics.Recall`."""

    counts = ("true_positives", "false_negatives")


def _between(number: int) -> list[float]:
    """Thresholds from a little below 0 to a little above 1."""
    inner = [(i + 1) * 1.0 / (number - 1) for i in range(number - 2)]
    return [0.0 - 1e-7, *inner, 1.0 + 1e-7]


@export("keras.metrics.AUC")
class AUC(_Counts):
    """The area under a ROC or precision-recall curve. Source: TF 1.15 `tf.keras.metrics.AUC`."""

    counts = ("true_positives", "true_negatives", "false_positives", "false_negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Any = "ROC",
        summation_method: Any = "interpolation",
        name: Any = None,
        dtype: Any = None,
        thresholds: Any = None,
    ):
        if str(curve) not in ("ROC", "PR"):
            raise ValueError(f'Invalid AUC curve value "{curve}".')
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(f'Invalid AUC summation method value "{summation_method}".')
        super().__init__(name=name, dtype=dtype)
        if thresholds is not None:
            inner = sorted(_checked(thresholds, 0.5))
            self.thresholds = [0.0 - 1e-7, *inner, 1.0 + 1e-7]
        elif num_thresholds <= 1:
            raise ValueError("`num_thresholds` must be > 1.")
        else:
            self.thresholds = _between(num_thresholds)
        self.num_thresholds = len(self.thresholds)
        self.curve, self.summation_method = curve, summation_method
        self._make_counts(self.num_thresholds)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes in labels and predictions."""
        return self._counted(y_true, y_pred, sample_weight, self.thresholds)

    def result(self) -> Any:
        """The area."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._interpolated()
        recall = tf.div_no_nan(self.true_positives, self.true_positives + self.false_negatives)
        if self.curve == "ROC":
            x, y = tf.div_no_nan(self.false_positives, self.false_positives + self.true_negatives), recall
        else:
            x, y = recall, tf.div_no_nan(self.true_positives, self.true_positives + self.false_positives)
        n = self.num_thresholds
        heights = {
            "interpolation": lambda: (y[: n - 1] + y[1:]) / 2.0,
            "minoring": lambda: tf.minimum(y[: n - 1], y[1:]),
            "majoring": lambda: tf.maximum(y[: n - 1], y[1:]),
        }[self.summation_method]()
        return tf.reduce_sum(tf.multiply(x[: n - 1] - x[1:], heights), name=self.name)

    def _interpolated(self) -> Any:
        n = self.num_thresholds
        gained = self.true_positives[: n - 1] - self.true_positives[1:]
        taken = self.true_positives + self.false_positives
        slope = tf.div_no_nan(gained, tf.maximum(taken[: n - 1] - taken[1:], 0), name="prec_slope")
        intercept = self.true_positives[1:] - tf.multiply(slope, taken[1:])
        usable = tf.logical_and(taken[: n - 1] > 0, taken[1:] > 0)
        ratio = tf.div_no_nan(taken[: n - 1], tf.maximum(taken[1:], 0), name="recall_relative_ratio")
        ratio = tf.where(usable, ratio, tf.ones_like(taken[1:]))
        area = slope * (gained + intercept * tf.log(ratio))
        wanted = tf.maximum(self.true_positives[1:] + self.false_negatives[1:], 0)
        return tf.reduce_sum(tf.div_no_nan(area, wanted, name="pr_auc_increment"), name="interpolate_pr_auc")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        own = {"num_thresholds": self.num_thresholds, "curve": self.curve, "summation_method": self.summation_method}
        return {**super().get_config(), **own, "thresholds": self.thresholds[1:-1]}


class _SensitivitySpecificity(_Counts):
    counts = ("true_positives", "true_negatives", "false_positives", "false_negatives")
    _given: str  # the argument that the value is

    def __init__(self, value: Any, num_thresholds: int = 200, name: Any = None, dtype: Any = None):
        if num_thresholds <= 0:
            raise ValueError("`num_thresholds` must be > 0.")
        super().__init__(name=name, dtype=dtype)
        self.value = value
        inner = [(i + 1) * 1.0 / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        self.thresholds = [0.5] if num_thresholds == 1 else [0.0, *inner, 1.0]
        self.num_thresholds = num_thresholds
        self._make_counts(num_thresholds)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes in labels and predictions."""
        return self._counted(y_true, y_pred, sample_weight, self.thresholds)

    def _rates(self) -> tuple[Any, Any]:
        sensitivities = tf.div_no_nan(self.true_positives, self.true_positives + self.false_negatives)
        specificities = tf.div_no_nan(self.true_negatives, self.true_negatives + self.false_positives)
        return sensitivities, specificities

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "num_thresholds": self.num_thresholds, self._given: self.value}


@export("keras.metrics.SensitivityAtSpecificity")
class SensitivityAtSpecificity(_SensitivitySpecificity):
    """The sensitivity where the specificity is a value. Source: TF 1.15 `tf.keras.metrics.SensitivityAtSpecificity`."""

    _given = "specificity"

    def __init__(self, specificity: Any, num_thresholds: int = 200, name: Any = None, dtype: Any = None):
        if specificity < 0 or specificity > 1:
            raise ValueError("`specificity` must be in the range [0, 1].")
        super().__init__(specificity, num_thresholds, name, dtype)
        self.specificity = specificity

    def result(self) -> Any:
        """The sensitivity."""
        sensitivities, specificities = self._rates()
        nearest = tf.cast(tf.argmin(tf.abs(specificities - self.value), axis=0), tf.int32)
        return sensitivities[nearest]


@export("keras.metrics.SpecificityAtSensitivity")
class SpecificityAtSensitivity(_SensitivitySpecificity):
    """The specificity where the sensitivity is a value. Source: TF 1.15 `tf.keras.metrics.SpecificityAtSensitivity`."""

    _given = "sensitivity"

    def __init__(self, sensitivity: Any, num_thresholds: int = 200, name: Any = None, dtype: Any = None):
        if sensitivity < 0 or sensitivity > 1:
            raise ValueError("`sensitivity` must be in the range [0, 1].")
        super().__init__(sensitivity, num_thresholds, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Any:
        """The specificity."""
        sensitivities, specificities = self._rates()
        nearest = tf.cast(tf.argmin(tf.abs(sensitivities - self.value), axis=0), tf.int32)
        return specificities[nearest]


@export("keras.metrics.MeanIoU")
class MeanIoU(Metric):
    """The mean over classes of intersection by union. Source: TF 1.15 `tf.keras.metrics.MeanIoU`."""

    def __init__(self, num_classes: int, name: Any = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.total_cm = self.add_weight(
            "total_confusion_matrix", shape=(num_classes, num_classes), initializer="zeros", dtype=tf.float64
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Takes in labels and predictions."""
        y_true, y_pred = tf.cast(y_true, self._dtype), tf.cast(y_pred, self._dtype)
        flat = [
            tf.reshape(value, [-1]) if value is not None and value.shape.ndims > 1 else value
            for value in (y_true, y_pred, None if sample_weight is None else tf.cast(sample_weight, self._dtype))
        ]
        matrix = tf.confusion_matrix(flat[0], flat[1], self.num_classes, weights=flat[2], dtype=tf.float64)
        return self.total_cm.assign_add(matrix)

    def result(self) -> Any:
        """The mean over the classes that occur."""
        rows = tf.cast(tf.reduce_sum(self.total_cm, axis=0), dtype=self._dtype)
        columns = tf.cast(tf.reduce_sum(self.total_cm, axis=1), dtype=self._dtype)
        right = tf.cast(tf.diag_part(self.total_cm), dtype=self._dtype)
        union = rows + columns - right
        present = tf.reduce_sum(tf.cast(tf.not_equal(union, 0), dtype=self._dtype))
        return tf.div_no_nan(tf.reduce_sum(tf.div_no_nan(right, union), name="mean_iou"), present)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {**super().get_config(), "num_classes": self.num_classes}


# --- by name ------------------------------------------------------------------------------------------------------

_OWN = (
    accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_categorical_accuracy, sparse_top_k_categorical_accuracy, Accuracy, BinaryAccuracy,
    CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError, Hinge, SquaredHinge, CategoricalHinge, LogCoshError, Poisson, KLDivergence, CosineSimilarity, BinaryCrossentropy, CategoricalCrossentropy,
    SparseCategoricalCrossentropy, RootMeanSquaredError, MeanRelativeError, TruePositives, TrueNegatives, FalsePositives, FalseNegatives, Precision, Recall, AUC,
    SensitivityAtSpecificity, SpecificityAtSensitivity, MeanIoU, Mean,
)  # fmt: skip
_KNOWN = {**{k: v for k, v in loss_functions.KNOWN.items() if not isinstance(v, type)}, **{f.__name__: f for f in _OWN}}


@export("keras.metrics.serialize")
def serialize(metric: Any) -> Any:
    """The name (and configuration) of a metric. Source: TF 1.15 `tf.keras.metrics.serialize`."""
    return named.serialize(metric)


@export("keras.metrics.deserialize")
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The metric of a name or dictionary; ValueError for an unknown one. Source: TF 1.15 `tf.keras.metrics.deserialize`."""
    return named.deserialize(config, _KNOWN, custom_objects, "metric function")


@export("keras.metrics.get")
def get(identifier: Any) -> Any:
    """The metric of a name, dictionary or callable.

    Raises ValueError: anything else, or an unknown name. Source: TF 1.15 `tf.keras.metrics.get`.
    """
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"Could not interpret metric function identifier: {identifier}")
