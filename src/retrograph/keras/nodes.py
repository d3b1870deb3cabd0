"""How tensors of Keras came about: the calls of layers as nodes, and plain operations between them as layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework import nest
from retrograph.keras.state import state_of


class KerasHistory(NamedTuple):
    """Which layer made a tensor, in which of its calls, as which of its outputs."""

    layer: Any
    node_index: int
    tensor_index: int


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """The static shape as a tuple, None if the rank is not known."""
    shape = x.shape
    if not isinstance(shape, tuple):
        if shape.ndims is None:
            return None
        shape = tuple(shape.as_list())
    return shape


class Node:
    """A call of a layer: its inputs (and which layers made them), its outputs, and the other arguments."""

    def __init__(self, layer: Any, inbound: Any, inputs: Any, outputs: Any, arguments: Any = None):
        self.outbound_layer = layer
        self._histories = inbound
        self.input_tensors, self.output_tensors = inputs, outputs
        self.arguments = arguments
        self.input_shapes = nest.map_structure(int_shape, inputs)
        self.output_shapes = nest.map_structure(int_shape, outputs)
        for tensor in nest.flatten(arguments):
            if isinstance(tensor, tf.Tensor) and needs_history(tensor, False):
                create_history(tensor)
        for history in inbound:
            history.layer._outbound_nodes.append(self)
        layer._inbound_nodes.append(self)

    @property
    def inbound_layers(self) -> Any:
        """The layers that made the inputs, in the inputs' structure."""
        return self._histories_as("layer")

    @property
    def node_indices(self) -> Any:
        """In which of their calls those layers made the inputs."""
        return self._histories_as("node_index")

    @property
    def tensor_indices(self) -> Any:
        """As which of their outputs those layers made the inputs."""
        return self._histories_as("tensor_index")

    def _histories_as(self, field: str) -> Any:
        if not self._histories:
            return []
        return nest.map_structure(lambda t: getattr(t._keras_history, field), self.input_tensors)

    @classmethod
    def connect(cls, layer: Any, inputs: Any, outputs: Any, arguments: Any = None) -> None:
        """Records a call, in the layers and in the outputs."""
        cls(layer, [t._keras_history for t in nest.flatten(inputs)], inputs, outputs, arguments)
        for index, tensor in enumerate(nest.flatten(outputs)):
            tensor._keras_history = KerasHistory(layer, len(layer._inbound_nodes) - 1, index)

    def inbound(self) -> list[tuple[Any, int, int, Any]]:
        """Layer, node, index and tensor of each input, and of each tensor of Keras among the arguments."""
        rows = [(*h, t) for h, t in zip(self._histories, nest.flatten(self.input_tensors), strict=False)]
        return rows + [(*t._keras_history, t) for t in self.keras_arguments()]

    def keras_arguments(self) -> list[Any]:
        """The tensors of Keras among the arguments."""
        return [a for a in nest.flatten(self.arguments) if hasattr(a, "_keras_history")]

    def dependencies(self) -> list[Node]:
        """The calls that made the inputs."""
        return [layer._inbound_nodes[index] for layer, index, _, _ in self.inbound()]


def reaches(inputs: list[Any], update: Any) -> bool:
    """Whether an operation or tensor depends on one of the tensors."""
    targets = {id(getattr(x, "op", x)) for x in inputs}
    pending, seen = [getattr(update, "op", update)], set()
    while pending:
        op = pending.pop()
        if id(op) in targets:
            return True
        if id(op) not in seen:
            seen.add(id(op))
            pending.extend(t.op for t in op.inputs)
    return False


def _from_input(tensors: list[Any]) -> bool:
    """Whether a tensor goes back to an `Input`."""
    pending, seen = list(tensors), set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if getattr(tensor, "_keras_history", None) is not None:
            return True
        if isinstance(tensor, tf.Tensor):
            pending.extend(tensor.op.inputs)
    return False


def needs_history(inputs: Any, in_call: bool) -> bool:
    """Whether plain operations between tensors of Keras must become layers."""
    if in_call or not state_of().has_inputs:
        return False
    tensors = nest.flatten(inputs)
    return not all(getattr(t, "_keras_history", None) is not None for t in tensors) and _from_input(tensors)


def create_history(tensors: Any, done: set[int] | None = None) -> None:
    """Makes layers of the plain operations that lead from tensors of Keras to these tensors."""
    from retrograph.keras.operation_layers import TensorFlowOpLayer

    done = set() if done is None else done
    for tensor in nest.flatten(tensors):
        op = tensor.op
        if getattr(tensor, "_keras_history", None) is not None or id(op) in done:
            continue
        own = [_from_input([t]) for t in op.inputs]
        inputs = [t for t, is_own in zip(op.inputs, own, strict=True) if is_own]
        create_history(inputs, done)
        constants = {i: t for i, (t, is_own) in enumerate(zip(op.inputs, own, strict=True)) if not is_own}
        Node.connect(TensorFlowOpLayer(op, constants, name=op.name), inputs, list(op.outputs))
        done.add(id(op))
