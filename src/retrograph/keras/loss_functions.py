"""`tf.keras.losses`: losses of each row, and classes that weigh and reduce them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_nn
from retrograph.keras.backend_math import clip, mean
from retrograph.keras.backend_values import get_value
from retrograph.keras.state import epsilon, floatx
from retrograph.losses.broadcasting import broadcast_weights
from retrograph.losses.squeezing import remove_squeezable_dimensions
from retrograph.ops.smart_cond import smart_cond
from retrograph.variables import named


class ReductionV2:
    """How losses become one: not, their sum, or their sum by their number. Source: TF 1.15 `tf.keras.losses.Reduction`."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: Any) -> None:
        """ValueError for none of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


# --- shapes and weights -------------------------------------------------------------------------------------------


def fitted(y_pred: Any, y_true: Any) -> tuple[Any, Any]:
    """(predictions, labels) of one rank: a last axis of size 1 too much is taken away."""
    pred_rank, true_rank = y_pred.shape.ndims, y_true.shape.ndims
    if None in (pred_rank, true_rank):
        last_is_one = tf.equal(1, tf.shape(y_pred)[-1])
        squeezed = lambda: remove_squeezable_dimensions(y_true, y_pred)  # noqa: E731
        one_more = tf.equal(1, tf.rank(y_pred) - tf.rank(y_true))
        maybe = lambda: tf.cond(last_is_one, squeezed, lambda: (y_true, y_pred))  # noqa: E731
        y_true, y_pred = tf.cond(one_more, maybe, squeezed)
    elif pred_rank - true_rank != 1 or y_pred.shape[-1] == 1:
        y_true, y_pred = remove_squeezable_dimensions(y_true, y_pred)
    return y_pred, y_true


def fitted_weight(values: Any, weight: Any) -> Any:
    """A weight with the rank of the values, if it is one more or less."""
    weight = tf.convert_to_tensor(weight)
    rank, wanted = weight.shape.ndims, values.shape.ndims
    if rank == 0:
        return weight
    if None not in (rank, wanted):
        if rank - wanted == 1:
            return tf.squeeze(weight, [-1])
        return tf.expand_dims(weight, [-1]) if wanted - rank == 1 else weight
    difference = tf.rank(weight) - tf.rank(values)
    less = lambda: tf.squeeze(weight, [-1])  # noqa: E731
    more = lambda: tf.cond(tf.equal(difference, -1), lambda: tf.expand_dims(weight, [-1]), lambda: weight)  # noqa: E731
    adjusted = lambda: tf.cond(tf.equal(difference, 1), less, more)  # noqa: E731
    return tf.cond(tf.equal(tf.rank(weight), 0), lambda: weight, adjusted)


def number_of(losses: Any) -> Any:
    """How many losses there are, as their dtype."""
    with tf.name_scope("num_elements") as scope:
        return tf.cast(tf.size(losses, name=scope), dtype=losses.dtype)


def mean_of(losses: Any, count: Any) -> Any:
    """Their sum by a count, 0 for a count of 0."""
    return tf.div_no_nan(tf.reduce_sum(losses), count, name="value")


def reduced(losses: Any, reduction: str) -> Any:
    """The losses as the reduction says."""
    if reduction == ReductionV2.NONE:
        return losses
    total = tf.reduce_sum(losses)
    return mean_of(total, number_of(losses)) if reduction == ReductionV2.SUM_OVER_BATCH_SIZE else total


def weighted_loss(losses: Any, sample_weight: Any = None, reduction: str = "sum_over_batch_size") -> Any:
    """The losses times their weights, reduced."""
    ReductionV2.validate(reduction)
    if reduction == ReductionV2.AUTO:
        reduction = ReductionV2.SUM_OVER_BATCH_SIZE
    with tf.name_scope("weighted_loss"):
        losses = tf.convert_to_tensor(losses)
        kind = losses.dtype
        losses = tf.cast(losses, tf.float32)
        weight = tf.cast(1.0 if sample_weight is None else sample_weight, tf.float32)
        weight = broadcast_weights(fitted_weight(losses, weight), losses)
        return tf.cast(reduced(tf.multiply(losses, weight), reduction), kind)


# --- functions ----------------------------------------------------------------------------------------------------


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_pred = tf.convert_to_tensor(y_pred)
    return tf.cast(y_true, y_pred.dtype), y_pred


_Loss = TypeVar("_Loss", bound=Callable[..., Any])
_SHORT = {
    "mean_squared_error": ("mse", "MSE"), "mean_absolute_error": ("mae", "MAE"), "mean_absolute_percentage_error": ("mape", "MAPE"),
    "mean_squared_logarithmic_error": ("msle", "MSLE"), "kullback_leibler_divergence": ("kld", "KLD"),
}  # fmt: skip


def _function(*names: str, metric: bool = True) -> Callable[[_Loss], _Loss]:
    """Declares a loss that is a metric too, under its name and short forms of it."""
    spaces = ("keras.losses", "keras.metrics") if metric else ("keras.losses",)
    all_names = [n for name in names for n in (name, *_SHORT.get(name, ()))]
    return export(*[f"{space}.{name}" for space in spaces for name in all_names])


@_function("mean_squared_error")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of squared differences. Source: TF 1.15 `tf.keras.losses.mean_squared_error`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(tf.squared_difference(y_pred, y_true), axis=-1)


@_function("mean_absolute_error")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of absolute differences. Source: TF 1.15 `tf.keras.losses.mean_absolute_error`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(tf.abs(y_pred - y_true), axis=-1)


@_function("mean_absolute_percentage_error")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of absolute differences in percent. Source: TF 1.15 `tf.keras.losses.mean_absolute_percentage_error`."""
    y_true, y_pred = _pair(y_true, y_pred)
    difference = tf.abs((y_true - y_pred) / clip(tf.abs(y_true), epsilon(), None))
    return 100.0 * mean(difference, axis=-1)


@_function("mean_squared_logarithmic_error")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of squared differences of logarithms. Source: TF 1.15 `tf.keras.losses.mean_squared_logarithmic_error`."""
    y_true, y_pred = _pair(y_true, y_pred)
    first = tf.log(clip(y_pred, epsilon(), None) + 1.0)
    second = tf.log(clip(y_true, epsilon(), None) + 1.0)
    return mean(tf.squared_difference(first, second), axis=-1)


def _signs(y_true: Any) -> Any:
    """Labels of 0 and 1 as -1 and 1."""
    zeros, ones = tf.equal(y_true, 0), tf.equal(y_true, 1)
    is_binary = tf.reduce_all(tf.logical_or(zeros, ones))
    return smart_cond(is_binary, lambda: 2.0 * y_true - 1.0, lambda: y_true)


@_function("squared_hinge")
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of squared hinges. Source: TF 1.15 `tf.keras.losses.squared_hinge`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(tf.square(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0)), axis=-1)


@_function("hinge")
def hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of hinges. Source: TF 1.15 `tf.keras.losses.hinge`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(tf.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


@_function("categorical_hinge", metric=False)
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """The hinge of the right class against the best other. Source: TF 1.15 `tf.keras.losses.categorical_hinge`."""
    y_true, y_pred = _pair(y_true, y_pred)
    positive = tf.reduce_sum(y_true * y_pred, axis=-1)
    negative = tf.reduce_max((1.0 - y_true) * y_pred, axis=-1)
    return tf.maximum(0.0, negative - positive + 1.0)


def huber_loss(y_true: Any, y_pred: Any, delta: Any = 1.0) -> Any:
    """Half of squares up to `delta`, then linear."""
    y_pred = tf.cast(y_pred, dtype=floatx())
    y_true = tf.cast(y_true, dtype=floatx())
    errors = tf.abs(tf.subtract(y_pred, y_true))
    quadratic = tf.minimum(errors, delta)
    linear = tf.subtract(errors, quadratic)
    half = tf.convert_to_tensor(0.5, dtype=quadratic.dtype)
    return tf.add(tf.multiply(half, tf.multiply(quadratic, quadratic)), tf.multiply(delta, linear))


@_function("logcosh", metric=False)
def logcosh(y_true: Any, y_pred: Any) -> Any:
    """The mean of logarithms of hyperbolic cosines. Source: TF 1.15 `tf.keras.losses.logcosh`."""
    y_true, y_pred = _pair(y_true, y_pred)
    x = y_pred - y_true
    return mean(x + tf.nn.softplus(-2.0 * x) - tf.log(2.0), axis=-1)


@_function("categorical_crossentropy")
def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0) -> Any:
    """The cross entropy of distributions. Source: TF 1.15 `tf.keras.losses.categorical_crossentropy`."""
    y_true, y_pred = _pair(y_true, y_pred)
    smoothing = tf.convert_to_tensor(label_smoothing, dtype=floatx())

    def smooth() -> Any:
        classes = tf.cast(tf.shape(y_true)[1], y_pred.dtype)
        return y_true * (1.0 - smoothing) + (smoothing / classes)

    labels = smart_cond(smoothing, smooth, lambda: y_true)
    return backend_nn.categorical_crossentropy(labels, y_pred, from_logits=from_logits)


@_function("sparse_categorical_crossentropy")
def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """The cross entropy for integer labels. Source: TF 1.15 `tf.keras.losses.sparse_categorical_crossentropy`."""
    return backend_nn.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@_function("binary_crossentropy")
def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: Any = 0) -> Any:
    """The mean cross entropy of probabilities. Source: TF 1.15 `tf.keras.losses.binary_crossentropy`."""
    y_true, y_pred = _pair(y_true, y_pred)
    smoothing = tf.convert_to_tensor(label_smoothing, dtype=floatx())
    labels = smart_cond(smoothing, lambda: y_true * (1.0 - smoothing) + 0.5 * smoothing, lambda: y_true)
    return mean(backend_nn.binary_crossentropy(labels, y_pred, from_logits=from_logits), axis=-1)


@_function("kullback_leibler_divergence")
def kullback_leibler_divergence(y_true: Any, y_pred: Any) -> Any:
    """How far the prediction is from the distribution. Source: TF 1.15 `tf.keras.losses.kullback_leibler_divergence`."""
    y_true, y_pred = _pair(y_true, y_pred)
    y_true, y_pred = clip(y_true, epsilon(), 1), clip(y_pred, epsilon(), 1)
    return tf.reduce_sum(y_true * tf.log(y_true / y_pred), axis=-1)


@_function("poisson")
def poisson(y_true: Any, y_pred: Any) -> Any:
    """The mean of `y_pred - y_true * log(y_pred)`. Source: TF 1.15 `tf.keras.losses.poisson`."""
    y_true, y_pred = _pair(y_true, y_pred)
    return mean(y_pred - y_true * tf.log(y_pred + epsilon()), axis=-1)


@export("keras.losses.cosine_similarity")
@_function("cosine_proximity", "cosine")
def cosine_proximity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between rows. Source: TF 1.15 `tf.keras.losses.cosine_proximity`."""
    y_true = tf.nn.l2_normalize(y_true, axis=axis)
    y_pred = tf.nn.l2_normalize(y_pred, axis=axis)
    return tf.reduce_sum(y_true * y_pred, axis=axis)


# --- classes ------------------------------------------------------------------------------------------------------


@export("keras.losses.Loss")
class Loss:
    """A loss as an object: `call` gives the losses of rows, calling it weighs and reduces them.

    Raises ValueError: an unknown reduction. Source: TF 1.15 `tf.keras.losses.Loss`.
    """

    def __init__(self, reduction: str = ReductionV2.AUTO, name: Any = None):
        ReductionV2.validate(reduction)
        self.reduction, self.name = reduction, name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        scope = "lambda" if self.name == "<lambda>" else self.name
        with tf.name_scope(scope or type(self).__name__):
            return weighted_loss(self.call(y_true, y_pred), sample_weight, reduction=self._get_reduction())

    def _get_reduction(self) -> str:
        return ReductionV2.SUM_OVER_BATCH_SIZE if self.reduction == ReductionV2.AUTO else self.reduction

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses of rows."""
        raise NotImplementedError("Must be implemented in subclasses.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {"reduction": self.reduction, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The loss that `get_config` described."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A function as a loss object."""

    def __init__(self, fn: Any, reduction: str = ReductionV2.AUTO, name: Any = None, **kwargs: Any):
        super().__init__(reduction=reduction, name=name)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses of rows."""
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {**super().get_config(), **{k: get_value(v) for k, v in self._fn_kwargs.items()}}


def _plain(class_name: str, function: Any, name: str) -> Any:
    """The class of a loss without arguments of its own."""

    def init(self: Any, reduction: str = ReductionV2.AUTO, name: Any = name) -> None:
        LossFunctionWrapper.__init__(self, function, reduction=reduction, name=name)

    doc = f"`{function.__name__}` as an object. Source: TF 1.15 `tf.keras.losses.{class_name}`."
    made = type(class_name, (LossFunctionWrapper,), {"__init__": init, "__doc__": doc, "__module__": __name__})
    return export(f"keras.losses.{class_name}")(made)


MeanSquaredError = _plain("MeanSquaredError", mean_squared_error, "mean_squared_error")
MeanAbsoluteError = _plain("MeanAbsoluteError", mean_absolute_error, "mean_absolute_error")
MeanAbsolutePercentageError = _plain(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error, "mean_absolute_percentage_error"
)
MeanSquaredLogarithmicError = _plain(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error, "mean_squared_logarithmic_error"
)
Hinge = _plain("Hinge", hinge, "hinge")
SquaredHinge = _plain("SquaredHinge", squared_hinge, "squared_hinge")
CategoricalHinge = _plain("CategoricalHinge", categorical_hinge, "categorical_hinge")
Poisson = _plain("Poisson", poisson, "poisson")
LogCosh = _plain("LogCosh", logcosh, "logcosh")
KLDivergence = _plain("KLDivergence", kullback_leibler_divergence, "kullback_leibler_divergence")


@export("keras.losses.BinaryCrossentropy")
class BinaryCrossentropy(LossFunctionWrapper):
    """`binary_crossentropy` as an object. Source: TF 1.15 `tf.keras.losses.BinaryCrossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Any = 0,
        reduction: str = ReductionV2.AUTO,
        name: Any = "binary_crossentropy",
    ):
        own = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(binary_crossentropy, name=name, reduction=reduction, **own)
        self.from_logits = from_logits


@export("keras.losses.CategoricalCrossentropy")
class CategoricalCrossentropy(LossFunctionWrapper):
    """`categorical_crossentropy` as an object. Source: TF 1.15 `tf.keras.losses.CategoricalCrossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: Any = 0,
        reduction: str = ReductionV2.AUTO,
        name: Any = "categorical_crossentropy",
    ):
        own = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(categorical_crossentropy, name=name, reduction=reduction, **own)


@export("keras.losses.SparseCategoricalCrossentropy")
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """`sparse_categorical_crossentropy` as an object. Source: TF 1.15 `tf.keras.losses.SparseCategoricalCrossentropy`."""

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str = ReductionV2.AUTO,
        name: Any = "sparse_categorical_crossentropy",
    ):
        super().__init__(sparse_categorical_crossentropy, name=name, reduction=reduction, from_logits=from_logits)


@export("keras.losses.Huber")
class Huber(LossFunctionWrapper):
    """Half of squares up to `delta`, then linear. Source: TF 1.15 `tf.keras.losses.Huber`."""

    def __init__(self, delta: Any = 1.0, reduction: str = ReductionV2.AUTO, name: Any = "huber_loss"):
        super().__init__(huber_loss, name=name, reduction=reduction, delta=delta)


@export("keras.losses.CosineSimilarity")
class CosineSimilarity(LossFunctionWrapper):
    """The cosine of the angle between rows. Source: TF 1.15 `tf.keras.losses.CosineSimilarity`."""

    def __init__(self, axis: int = -1, reduction: str = ReductionV2.AUTO, name: Any = "cosine_similarity"):
        super().__init__(cosine_proximity, reduction=reduction, name=name, axis=axis)


# --- by name ------------------------------------------------------------------------------------------------------

_FUNCTIONS = (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, squared_hinge, hinge, categorical_hinge, huber_loss, logcosh,
    categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy, kullback_leibler_divergence, poisson, cosine_proximity,
)  # fmt: skip
_CLASSES = (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, Hinge, SquaredHinge, CategoricalHinge, Poisson, LogCosh, KLDivergence,
    BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, Huber, CosineSimilarity,
)  # fmt: skip
KNOWN: dict[str, Any] = {item.__name__: item for item in (*_FUNCTIONS, *_CLASSES)}
KNOWN.update({short: KNOWN[name] for name, shorts in _SHORT.items() for short in shorts})
KNOWN.update(bce=binary_crossentropy, BCE=binary_crossentropy, cosine_similarity=cosine_proximity)


@export("keras.losses.serialize")
def serialize(loss: Any) -> Any:
    """The name (and configuration) of a loss. Source: TF 1.15 `tf.keras.losses.serialize`."""
    return named.serialize(loss)


@export("keras.losses.deserialize")
def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """The loss of a name or dictionary; ValueError for an unknown one. Source: TF 1.15 `tf.keras.losses.deserialize`."""
    return named.deserialize(name, KNOWN, custom_objects, "loss function")


@export("keras.losses.get")
def get(identifier: Any) -> Any:
    """The loss of a name, dictionary or callable; None for None.

    Raises ValueError: anything else, or an unknown name. Source: TF 1.15 `tf.keras.losses.get`.
    """
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError("Could not interpret loss function identifier:", identifier)
