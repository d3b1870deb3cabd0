"""Batch norms that are made of single operations, found by their names, become part of the layer before them."""

from __future__ import annotations

import re
from typing import Any

import retrograph as tf
from retrograph.contrib.quantizing.folding import Average, Correction, Statistics, fold_fused, layer_of
from retrograph.contrib.quantizing.rewiring import SKIPPED, Consumers, reroute
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor

_NAMES = re.compile(r"^(.*)BatchNorm/batchnorm")
_NORM = "BatchNorm/batchnorm_1/"
_ENDS = ("Relu6", "Relu", "Identity")


def FoldBatchNorms(graph: Graph, is_training: bool, freeze_batch_norm_delay: int | None = None) -> None:
    """Folds the batch norms of a graph.

    Raises: ValueError: what takes the result of one is not what is known.
    Source: TF 1.15 `contrib.quantize.python.fold_batch_norms.FoldBatchNorms`.
    """
    fold_fused(graph, freeze_batch_norm_delay)
    consumers = Consumers(graph)
    for prefix in _prefixes(graph):
        _Unfused(graph, prefix, consumers).fold(is_training, freeze_batch_norm_delay)


def _prefixes(graph: Graph) -> list[str]:
    found = (_NAMES.search(op.name) for op in graph.get_operations())
    return list(dict.fromkeys(match[1] for match in found if match and not match[1].startswith(SKIPPED)))


class _Unfused:
    """A batch norm whose operations stand below `<prefix>BatchNorm/batchnorm_1/`."""

    def __init__(self, graph: Graph, prefix: str, consumers: Consumers):
        self._graph, self._prefix = graph, prefix
        # With gamma, the inverse root is multiplied once: by gamma; without, by the layer's result and by the mean.
        self._scaled = sum(taker.type == "Mul" for taker in consumers.of(self._op("Rsqrt"))) == 1

    def _op(self, name: str) -> Operation:
        return self._graph.get_operation_by_name(f"{self._prefix}{_NORM}{name}")

    def fold(self, is_training: bool, freeze_delay: int | None) -> None:
        """Puts the folded layer in its place."""
        result = self._op("add_1").outputs[0]
        if not result.consumers():
            return
        folded = self._folded(is_training, freeze_delay)
        taker = self._taker()
        if reroute(folded, result, [taker]) != 1:
            raise ValueError(f"Unexpected inputs to op: {taker.name}")

    def _taker(self) -> Operation:
        """The activation after it; else the sum with what bypasses it, one scope above."""
        for end in _ENDS:
            found = self._graph._nodes_by_name.get(self._prefix + end)
            if found is not None:
                return found
        above = self._prefix.rstrip("/").rpartition("/")[0]
        return self._graph.get_operation_by_name(f"{above}/AddV2" if above else "AddV2")

    def _folded(self, is_training: bool, freeze_delay: int | None) -> Any:
        scale = self._op("mul_1" if self._scaled else "mul")
        below = scale.inputs[0].op
        back = below if below.type == "BatchToSpaceND" else None
        layer = below if back is None else below.inputs[0].op
        statistics = self._statistics()
        correction = None
        if is_training:
            correction = Correction(self._graph, f"{self._prefix}batch_norm_correction", statistics, freeze_delay)
        result = layer_of(layer, layer.inputs[0], self._weights(layer, scale, correction), f"{layer.name}_Fold")
        if back is not None:
            result = tf.batch_to_space_nd(result, back.inputs[1], back.inputs[2], name=f"{back.name}_Fold")
        if correction is not None:
            result = tf.multiply(correction.reciprocal, result, self._prefix + "post_conv_mul")
            result = tf.add(result, correction.offset, self._prefix + "correction_add")
        return tf.add(result, self._op("add_1").inputs[1], name=self._prefix + "add_fold")

    def _weights(self, layer: Operation, scale: Operation, correction: Correction | None) -> Any:
        weights: Any = layer.inputs[1]
        factor: Any = scale.inputs[1]
        if layer.type == "DepthwiseConv2dNative":
            shape = weights.get_shape().as_list()[2:4]
            own = self._op("mul" if self._scaled else "Rsqrt").outputs[0]
            factor = tf.reshape(own, shape, self._prefix + "scale_reshape")
            if correction is not None:
                correction.scale = tf.reshape(correction.scale, shape, self._prefix + "correction_reshape")
        elif layer.type not in ("Conv2D", "MatMul"):
            raise ValueError(f"Cannot handle operation of type: {layer.type}")
        if correction is not None:
            with tf.device(scale.device):
                weights = tf.multiply(correction.scale, weights, self._prefix + "correction_mult")
        return tf.multiply(weights, factor, name=self._prefix + "mul_fold")

    def _statistics(self) -> Statistics:
        resource = tf.get_variable_scope().use_resource
        read = "Read/ReadVariableOp" if resource else "read"
        mean, variance = self._named("moments/Squeeze"), self._named("moments/Squeeze_1")
        moving = [self._named(f"moving_{name}/{read}") for name in ("mean", "variance")]
        epsilon = self._named("batchnorm_1/add/y")
        decays = [self._named(f"AssignMovingAvg{end}/decay") for end in ("", "_1")]
        if self._scaled:
            gamma: Any = self._named(f"gamma/{read}" if resource else "gamma")
        else:
            gamma = tf.ones(moving[0].shape)
        averages = Average(moving[0], decays[0]), Average(moving[1], decays[1])
        return Statistics(gamma, mean, variance, epsilon, averages)

    def _named(self, name: str) -> Any:
        """The tensor of that name that has the most scopes in common with the prefix: scopes may stand twice in it."""
        scopes = set(self._prefix.split("/"))
        best: tuple[int, Tensor | None] = (0 if self._prefix else -1, None)
        for op in self._graph.get_operations():
            if op.name.endswith(f"BatchNorm/{name}"):
                common = len(set(op.name.split("/")) & scopes)
                if common > best[0]:
                    best = common, op.outputs[0]
        return best[1]
