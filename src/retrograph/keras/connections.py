"""What a layer knows of the calls on tensors of Keras: their inputs and outputs, and the shapes and masks of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.keras.nodes import Node
from retrograph.keras.tracking import Tracked


def masks_of(tensors: Any) -> Any:
    if isinstance(tensors, list):
        return [getattr(x, "_keras_mask", None) for x in tensors]
    return getattr(tensors, "_keras_mask", None)


class Connected(Tracked):
    """What has been called on tensors of Keras, and whose outputs others were called on."""

    if TYPE_CHECKING:
        name: Any
        _call_fn_args: tuple[str, ...]
        _inbound_nodes: list[Node]
        _outbound_nodes: list[Node]

    def _connected(self, inputs: Any, outputs: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        same = {id(x) for x in nest.flatten(inputs)}

        def copied(x: Any) -> Any:
            if id(x) not in same:
                return x
            with tf.name_scope(self.name):
                return tf.identity(x)

        outputs = nest.map_structure(copied, outputs)
        arguments = {**dict(zip(self._call_fn_args[1:], args, strict=False)), **kwargs}
        Node.connect(self, inputs, outputs, arguments)
        return inputs, outputs

    @property
    def inbound_nodes(self) -> list[Node]:
        """The calls of the layer on tensors of Keras."""
        return self._inbound_nodes

    @property
    def outbound_nodes(self) -> list[Node]:
        """The calls of other layers on the outputs of this one."""
        return self._outbound_nodes

    def _of_node(self, index: int, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise RuntimeError(f"The layer has never been called and thus has no defined {what}.")
        if index >= len(self._inbound_nodes):
            raise ValueError(
                f"Asked to get {what} at node {index}, but the layer has only {len(self._inbound_nodes)} inbound nodes."
            )
        values = getattr(self._inbound_nodes[index], attribute)
        return values[0] if isinstance(values, list) and len(values) == 1 else values

    def get_input_at(self, node_index: int) -> Any:
        """The inputs of a call."""
        return self._of_node(node_index, "input_tensors", "input")

    def get_output_at(self, node_index: int) -> Any:
        """The outputs of a call."""
        return self._of_node(node_index, "output_tensors", "output")

    def get_input_shape_at(self, node_index: int) -> Any:
        """The shapes of the inputs of a call."""
        return self._of_node(node_index, "input_shapes", "input shape")

    def get_output_shape_at(self, node_index: int) -> Any:
        """The shapes of the outputs of a call."""
        return self._of_node(node_index, "output_shapes", "output shape")

    def get_input_mask_at(self, node_index: int) -> Any:
        """The masks of the inputs of a call."""
        return masks_of(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int) -> Any:
        """The masks of the outputs of a call."""
        return masks_of(self.get_output_at(node_index))

    def _the_only(self, what: str) -> None:
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"Layer {self.name} has multiple inbound nodes, hence the notion of "
                f'"layer {what}" is ill-defined. Use `get_{what.replace(" ", "_")}_at(node_index)` instead.'
            )

    @property
    def input(self) -> Any:
        """The inputs of the only call; AttributeError if there are more, or none."""
        self._the_only("input")
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} is not connected, no input to return.")
        return self.get_input_at(0)

    @property
    def output(self) -> Any:
        """The outputs of the only call; AttributeError if there are more, or none."""
        if not self._inbound_nodes:
            raise AttributeError(f"Layer {self.name} has no inbound nodes.")
        self._the_only("output")
        return self.get_output_at(0)

    @property
    def input_mask(self) -> Any:
        """The masks of the inputs of the only call."""
        return masks_of(self.input)

    @property
    def output_mask(self) -> Any:
        """The masks of the outputs of the only call."""
        return masks_of(self.output)

    def _only_shape(self, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f"The layer has never been called and thus has no defined {what} shape.")
        if len({str(getattr(node, attribute)) for node in self._inbound_nodes}) > 1:
            raise AttributeError(
                f'The layer "{self.name} has multiple inbound nodes, with different {what} shapes. Hence the notion of "{what} shape" is ill-defined for the layer. '
                f"Use `get_{what}_shape_at(node_index)` instead."
            )
        return getattr(self._inbound_nodes[0], attribute)

    @property
    def input_shape(self) -> Any:
        """The shape of the inputs, if all calls agree."""
        return self._only_shape("input_shapes", "input")

    @property
    def output_shape(self) -> Any:
        """The shape of the outputs, if all calls agree."""
        return self._only_shape("output_shapes", "output")
