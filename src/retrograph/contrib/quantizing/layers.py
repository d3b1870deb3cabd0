"""Fake quantization of weights, and of what layers, sums and activations give."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.contrib.quantizing.patterns import OneOf, Pattern
from retrograph.contrib.quantizing.ranges import LastValueQuantize, MovingAvgQuantize
from retrograph.contrib.quantizing.rewiring import Consumers, quantization_step, reroute, scope_of
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.graph import Graph
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Operation, Tensor

_LAYERS = "Conv2D|MatMul|DepthwiseConv2dNative"
_RELUS = ("Relu", "Relu6")
_ACTIVATIONS = (*_RELUS, "Identity")
_ARITHMETIC = ("Add", "AddV2", "Mul")
_THROUGH = ("Reshape", "Identity", "BatchToSpaceND", "SpaceToBatchND", "MaxPool", "Max")
_FAKES = ("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVarsPerChannel")
_ADD = "Add|AddV2"

_VARIABLE = Pattern("Variable|VariableV2")
_PART = Pattern("Identity", _VARIABLE)
_READ = Pattern("Identity", OneOf(_PART, Pattern("ConcatV2", _PART, "*", "*"), _VARIABLE))
_RESOURCE_READ, _FOLDED = Pattern("ReadVariableOp"), Pattern("Mul")
_LAYER = Pattern(_LAYERS, "*", OneOf(_READ, _RESOURCE_READ, _FOLDED), any_order=True)
_OUTPUT = OneOf(Pattern("BatchToSpaceND", _LAYER, "*", "*"), _LAYER)
_AFTER_LAYER = Pattern(_LAYERS, OneOf(_OUTPUT), "*", any_order=True)
_CORRECTED = Pattern(_ADD, Pattern("Mul", "*", _OUTPUT, any_order=True), "*", any_order=True)
_FOLDED_BIAS = Pattern(_ADD, _CORRECTED, "*", any_order=True)
_FORCED_UPDATE = Pattern("Identity", _FOLDED_BIAS)
_BIAS = Pattern(_ADD + "|BiasAdd", _OUTPUT, "*", any_order=True)
_BYPASS = Pattern(_ADD, OneOf(_BIAS, _FOLDED_BIAS, _FORCED_UPDATE), "*", any_order=True)
_ACTIVATION = Pattern("|".join(_ACTIVATIONS), OneOf(_BIAS, _FOLDED_BIAS, _FORCED_UPDATE, _BYPASS, _LAYER))
_LATE_BYPASS = Pattern(_ADD, "*", _ACTIVATION, any_order=True)


class _Found(NamedTuple):
    """A layer, and what of it is quantized."""

    layer: Operation
    weights: Any
    activation: Operation
    bypass: Any = None
    late_bypass: Any = None
    bias: Any = None


class Settings(NamedTuple):
    """How a graph is quantized."""

    is_training: bool
    weight_bits: int = 8
    activation_bits: int = 8
    symmetric: bool = False
    delay: int | None = None
    scope: str | None = None
    ema_decay: float = 0.999
    collection: Any = GraphKeys.GLOBAL_VARIABLES


def _found_layers(graph: Graph) -> list[_Found]:
    """The layers, those with the most around them first, each once."""
    found: dict[Operation, _Found] = {}
    weights = (_READ, _RESOURCE_READ, _FOLDED)
    for match in _LATE_BYPASS.matches(graph):
        layer = match.op(_LAYER)
        rest = (match.op(_BYPASS), match.op(_LATE_BYPASS), match.op(_BIAS, _FOLDED_BIAS))
        found.setdefault(layer, _Found(layer, match.tensor(*weights), match.op(_ACTIVATION), *rest))
    for match in _ACTIVATION.matches(graph):
        layer, activation = match.op(_LAYER), match.op(_ACTIVATION)
        if layer not in found and not _feeds_batch_norm(activation):
            rest = (match.op(_BYPASS), None, match.op(_BIAS, _FOLDED_BIAS))
            found[layer] = _Found(layer, match.tensor(*weights), activation, *rest)
    for match in OneOf(_BIAS, _FOLDED_BIAS).matches(graph):
        layer = match.op(_LAYER)
        found.setdefault(layer, _Found(layer, match.tensor(*weights), match.op(_BIAS, _FOLDED_BIAS)))
    for match in _AFTER_LAYER.matches(graph):
        layer = match.op(_LAYER)
        found.setdefault(layer, _Found(layer, match.tensor(_READ, _RESOURCE_READ), layer))
    return list(found.values())


def _feeds_batch_norm(activation: Operation) -> bool:
    """A layer that was folded estimates mean and variance only."""
    if activation.type != "Identity" or len(activation.outputs) != 1:
        return False
    takers = activation.outputs[0].consumers()
    return len(takers) == 1 and takers[0].type in ("FusedBatchNorm", "FusedBatchNormV3")


def Quantize(
    graph: Graph, is_training: bool, weight_bits: int = 8, activation_bits: int = 8, symmetric: bool = False,
    ema_decay: float = 0.999, quant_delay: int | None = None, vars_collection: Any = GraphKeys.GLOBAL_VARIABLES,
    scope: str | None = None,
) -> None:  # fmt: skip
    """Puts fake quantization into a graph. Source: TF 1.15 `contrib.quantize.python.quantize.Quantize`."""
    bits = (weight_bits, activation_bits)
    Quantizer(graph, Settings(is_training, *bits, symmetric, quant_delay, scope, ema_decay, vars_collection)).run()


class Quantizer:
    """Puts fake quantization into a graph."""

    def __init__(self, graph: Graph, settings: Settings):
        scope = settings.scope
        self._graph, self._settings = graph, settings
        self._scope = scope + "/" if scope and not scope.endswith("/") else scope
        self._done: set[Operation] = set()

    def run(self) -> None:
        """Quantizes layers, then sums and products of what is quantized."""
        consumers = Consumers(self._graph)
        for found in _found_layers(self._graph):
            self._layer(found, consumers)
        self._arithmetic(Consumers(self._graph))

    def _layer(self, found: _Found, consumers: Consumers) -> None:
        context = scope_of(found.layer.name)
        if found.weights is not None:
            self._insert(context, "weights_quant", found.weights.op, consumers, weights=True, within=self._scope)
        outer = scope_of(context) if found.bypass is not None else context
        self._insert(outer, "act_quant", found.activation, consumers, least=0.0, of=self._scope)
        self._done.add(found.activation)
        if found.bypass is not None:
            self._insert(context, "conv_quant", found.bias, consumers, of=self._scope, within=self._scope)
            self._done.add(found.bias)
            if not _is_followed(found.bypass, consumers, _ACTIVATIONS):
                self._insert(outer, "add_quant", found.bypass, consumers, of=self._scope, within=self._scope)
                self._done.add(found.bypass)
        if found.late_bypass is not None and not _is_followed(found.late_bypass, consumers, _RELUS):
            late = found.late_bypass
            self._insert(scope_of(late.name), "post_activation_bypass_quant", late, consumers, of=self._scope)
            self._done.add(late)

    def _arithmetic(self, consumers: Consumers) -> None:
        plain = self._settings._replace(symmetric=False)
        for op in self._graph.get_operations():
            if self._is_quantizable(op):
                name = f"activation_{op.type}_quant"
                self._insert(op.name, name, op, consumers, of=self._settings.scope, settings=plain)

    def _is_quantizable(self, op: Operation) -> bool:
        """Whether it adds or multiplies something quantized, and no activation follows."""
        if op in self._done or op.type not in _ARITHMETIC:
            return False
        takers = op.outputs[0].consumers()
        if len(takers) == 1 and takers[0].type in _RELUS:
            return False
        return any(self._comes_quantized(tensor.op) for tensor in op.inputs)

    def _comes_quantized(self, op: Operation) -> bool:
        while op.type in _THROUGH:
            op = op.inputs[0].op
        if op.type == _FAKES[0] or op.name.find("delayed_quant/Merge") > 0:
            return True
        return op.type in _ARITHMETIC and any(self._is_quantizable(tensor.op) for tensor in op.inputs)

    def _insert(
        self, context: str, name: str, producer: Operation, consumers: Consumers, weights: bool = False,
        least: float = -6.0, of: str | None = None, within: str | None = None, settings: Settings | None = None,
    ) -> None:  # fmt: skip
        """Quantizes what `producer` gives; nothing if it, or who takes it, is outside of the scope, or it is done."""
        takers = consumers.of(producer)
        if (of and not producer.name.startswith(of)) or (within and not all(t.name.startswith(within) for t in takers)):
            get_logger().info("No quantization %s/%s: %s is not in scope", context, name, producer.name)
            return
        inputs = producer.outputs[0]
        if _is_fake_quantized(inputs):
            return
        prefix = _below_current_scope(f"{context}/{name}" if context else name)
        fake = self._fake(inputs, prefix, weights, least, settings or self._settings)
        if takers and reroute(fake, inputs, takers) < len(takers):
            raise ValueError(f"No inputs quantized for ops: [{', '.join(taker.name for taker in takers)}]")

    def _fake(self, inputs: Tensor, prefix: str, weights: bool, least: float, settings: Settings) -> Tensor:
        bits = settings.weight_bits if weights else settings.activation_bits
        rest: dict[str, Any] = {} if weights else {"ema_decay": settings.ema_decay}
        made: Any = (LastValueQuantize if weights else MovingAvgQuantize)(
            inputs, init_min=least, is_training=settings.is_training, num_bits=bits, symmetric=settings.symmetric,
            narrow_range=weights, vars_collection=settings.collection, name_prefix=prefix,
            **rest,
        )  # fmt: skip
        if not settings.delay or settings.delay <= 0:
            return made  # type: ignore[no-any-return]
        active = tf.greater_equal(quantization_step(), settings.delay, name=f"{prefix}/activate_quant")
        return tf.cond(active, lambda: made, lambda: inputs, name=f"{prefix}/delayed_quant")  # type: ignore[no-any-return]


def _is_followed(op: Operation, consumers: Consumers, types: tuple[str, ...]) -> bool:
    return any(taker.type in types for taker in consumers.of(op))


def _below_current_scope(name: str) -> str:
    scope = get_default_graph().get_name_scope()
    return name.removeprefix(f"{scope}/") if scope else name


def _is_fake_quantized(tensor: Tensor) -> bool:
    pending = list(tensor.consumers())
    while pending:
        op = pending.pop()
        if op.type in _FAKES:
            return True
        if op.type in ("Reshape", "Identity"):
            pending += [taker for output in op.outputs for taker in output.consumers()]
    return False
