"""Batch norms become part of the convolution or product before them: its weights are scaled, an offset is added."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.autodiff.registry import RegisterGradient
from retrograph.contrib.quantizing.patterns import Match, OneOf, Pattern
from retrograph.contrib.quantizing.rewiring import quantization_step, reroute, scope_of
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor

_GRADIENT = "FoldFusedBatchNormGrad"

_X, _W, _GAMMA, _BETA, _MEAN, _VARIANCE = (Pattern("*") for _ in range(6))
_LAYER = Pattern("Conv2D|DepthwiseConv2dNative|MatMul", _X, _W)
_BATCH_TO_SPACE = Pattern("BatchToSpaceND", _LAYER, "*", "*")
_OUTPUT = OneOf(Pattern("Identity", OneOf(_BATCH_TO_SPACE, _LAYER)), _LAYER, _BATCH_TO_SPACE)
_NORM = Pattern(
    "FusedBatchNorm|FusedBatchNormV3", OneOf(Pattern("Reshape", _OUTPUT, "*"), _OUTPUT), _GAMMA, _BETA, _MEAN, _VARIANCE
)
_RESHAPED = Pattern("Reshape", _NORM, "*")
_FOLDABLE = OneOf(_RESHAPED, _NORM)
_MOVING, _DECAY = Pattern("*"), Pattern("*")
_DIFFERENCE = Pattern("Sub", _MOVING, _NORM)
_MOVED = Pattern("Mul", _DIFFERENCE, _DECAY)


class Average(NamedTuple):
    """A moving average, and the decay by which it is moved."""

    value: Any = None
    decay: Any = None


class Statistics(NamedTuple):
    """What a batch norm normalizes by: values of the batch, and their moving averages."""

    gamma: Any
    mean: Any
    variance: Any
    epsilon: Any
    averages: tuple[Average, Average]


class _Norm(NamedTuple):
    """A batch norm with the layer before it."""

    layer: Operation
    norm: Operation
    output: Tensor
    x: Tensor
    weights: Tensor
    gamma: Tensor
    beta: Tensor
    mean: Tensor
    variance: Tensor
    averages: tuple[Average, Average]
    batch_to_space: Operation | None

    @property
    def epsilon(self) -> float:
        """What is added to the variance."""
        return self.norm.get_attr("epsilon")  # type: ignore[no-any-return]

    @property
    def statistics(self) -> Statistics:
        """What it normalizes by."""
        return Statistics(self.gamma, self.mean, self.variance, self.epsilon, self.averages)


def fold_fused(graph: Graph, freeze_batch_norm_delay: int | None = None) -> None:
    """Folds the fused batch norms of a graph. Raises: ValueError: nobody takes what one gives."""
    for match in _batch_norms(graph):
        scope = scope_of(match.layer.name)
        with graph.as_default(), graph.name_scope(f"{scope}/" if scope else ""):
            _fold(graph, match, f"{scope}/" if scope else "", freeze_batch_norm_delay)


def _batch_norms(graph: Graph) -> list[_Norm]:
    found: dict[Operation, _Norm] = {}
    for match in list(_FOLDABLE.matches(graph)):
        layer = match.op(_LAYER)
        result = _norm_of(graph, match)
        if result is not None:
            found.setdefault(layer, result)
    return list(found.values())


def _norm_of(graph: Graph, match: Match) -> _Norm | None:
    layer, norm = match.op(_LAYER), match.op(_NORM)
    output = norm.outputs[0]
    if layer.type == "MatMul":
        # The match of the Reshape after it comes later.
        if match.op(_RESHAPED) is None:
            return None
        output = match.op(_RESHAPED).outputs[0]
    if not output.consumers():
        return None
    mean, variance = match.tensor(_MEAN), match.tensor(_VARIANCE)
    averages = Average(), Average()
    if norm.get_attr("is_training"):
        # The gradient of a batch norm leaves out those of mean and variance, which are all that is left of it.
        norm._set_attr("_gradient_op_type", _GRADIENT.encode())
        mean, variance = norm.outputs[1], _biased_variance(graph, norm, match.tensor(_LAYER))
        averages = _average_of(graph, norm.outputs[1]), _average_of(graph, norm.outputs[2])
    x, weights, gamma, beta = (match.tensor(pattern) for pattern in (_X, _W, _GAMMA, _BETA))
    return _Norm(layer, norm, output, x, weights, gamma, beta, mean, variance, averages, match.op(_BATCH_TO_SPACE))


def _biased_variance(graph: Graph, norm: Operation, layer_output: Any) -> Any:
    """The variance by which the batch norm divides: its output is corrected by Bessel's term."""
    scope = scope_of(norm.name)
    with graph.as_default(), graph.name_scope(f"{scope}/" if scope else ""):
        n = tf.cast(tf.size(layer_output) / tf.size(norm.outputs[1]), tf.float32)
        return tf.multiply(norm.outputs[2], (n - 1) / n, name="Undo_Bessel_Correction")


def _average_of(graph: Graph, value: Tensor) -> Average:
    found = Average()
    for match in _MOVED.matches(graph):
        difference = match.op(_DIFFERENCE)
        if difference.inputs[1] is value:
            found = Average(difference.inputs[0], match.tensor(_DECAY))
    return found


def _fold(graph: Graph, match: _Norm, scope: str, freeze_delay: int | None) -> None:
    correction = None
    with graph.name_scope(f"{scope}BatchNorm_Fold/"):
        multiplier: Any = match.gamma * tf.rsqrt(match.variance + match.epsilon)
        offset = tf.subtract(match.beta, match.mean * multiplier, name="bias")
        if match.norm.get_attr("is_training"):
            correction = Correction(graph, "batch_norm_correction", match.statistics, freeze_delay)
        if match.layer.type == "DepthwiseConv2dNative":
            shape = match.weights.get_shape().as_list()[2:4]
            multiplier = tf.reshape(multiplier, shape, name="scale_reshape")
            if correction is not None:
                correction.scale = tf.reshape(correction.scale, shape, name="correction_reshape")
    weights = match.weights
    if correction is not None:
        weights = tf.multiply(correction.scale, weights, name="correction_mult")
    result = _layer_with(match, tf.multiply(weights, multiplier, name="mul_fold"))
    if correction is not None:
        result = tf.multiply(correction.reciprocal, result, name="post_conv_mul")
        result = tf.add(result, correction.offset, "correction_add")
    folded = tf.add(result, offset, name="add_fold")
    if not reroute(folded, match.output):
        raise ValueError(f"Folding batch norms failed, {match.output.name} had no outputs.")


def _layer_with(match: _Norm, weights: Any) -> Any:
    result = layer_of(match.layer, match.x, weights, match.layer.name.rpartition("/")[2] + "_Fold")
    if match.batch_to_space is None or match.layer.type != "DepthwiseConv2dNative":
        return result
    back = match.layer.outputs[0].consumers()[0]
    return tf.batch_to_space_nd(result, back.inputs[1], back.inputs[2], name=back.name.rpartition("/")[2] + "_Fold")


class Correction:
    """By what weights and results are corrected, so that weights are scaled by moving averages, not by the batch.

    Once the averages are frozen, results are normalized by them too.
    """

    def __init__(self, graph: Graph, scope: str, match: Statistics, freeze_delay: int | None):
        self._mean, self._variance = match.averages
        with graph.name_scope(scope):
            moving = tf.rsqrt(self._variance.value + match.epsilon)
            batch = tf.rsqrt(match.variance + match.epsilon)
            scale = tf.divide(moving, batch, name="scale_compute")
            self.scale: Any = tf.identity(scale, name="correction_scale")
            self.reciprocal: Any = tf.reciprocal(self.scale, name="reciprocal_compute")
            difference = match.mean * batch - self._mean.value * moving
            self.offset: Any = tf.multiply(match.gamma, difference, name="offset_compute")
            self._freeze(freeze_delay)

    def _freeze(self, delay: int | None) -> None:
        if delay is None:
            self.offset = tf.zeros(self.offset.shape)
            return
        frozen = tf.greater_equal(quantization_step(), delay, name="use_moving_average")
        for average, name in ((self._mean, "freeze_moving_mean"), (self._variance, "freeze_moving_var")):
            takers = list(average.decay.consumers())
            reroute(tf.cond(frozen, lambda: 0.0, lambda a=average: a.decay, name=name), average.decay, takers)
        reciprocal, offset = self.reciprocal, self.offset
        self.reciprocal = tf.cond(
            frozen, lambda: tf.ones(self.scale.shape), lambda: reciprocal, name="correction_recip"
        )
        self.offset = tf.cond(frozen, lambda: offset, lambda: tf.zeros(offset.shape), name="correction_offset")


def layer_of(layer: Operation, x: Tensor, weights: Any, name: str) -> Any:
    """The layer with other weights. Raises: ValueError: it is none that can be folded."""
    if layer.type == "MatMul":
        sides = {side: layer.get_attr(side) for side in ("transpose_a", "transpose_b")}
        return tf.matmul(x, weights, **sides, name=name)
    if layer.type not in ("Conv2D", "DepthwiseConv2dNative"):
        raise ValueError(f"Cannot handle operation of type: {layer.type}")
    window = {"strides": layer.get_attr("strides"), "padding": layer.get_attr("padding").decode()}
    if layer.type == "DepthwiseConv2dNative":
        return tf.nn.depthwise_conv2d(x, weights, **window, name=name)
    layout, on_gpu = layer.get_attr("data_format").decode(), layer.get_attr("use_cudnn_on_gpu")
    return tf.nn.conv2d(x, weights, **window, use_cudnn_on_gpu=on_gpu, data_format=layout, name=name)


@RegisterGradient(_GRADIENT)
def _fold_fused_batch_norm_grad(
    op: Operation, unused: Any, grad_mean: Any, grad_variance: Any, *rest: Any
) -> list[Any]:
    x = op.inputs[0]
    n = tf.cast(tf.size(x) / tf.size(grad_mean), tf.float32)
    by_mean = grad_mean / n
    by_variance = 2 * grad_variance * (x - op.outputs[1]) / (n - 1)
    return [by_mean + by_variance, None, None, None, None]
