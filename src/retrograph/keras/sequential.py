"""`Sequential`: layers one after another."""

from __future__ import annotations

import copy
from typing import Any

from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_layer import Input, InputLayer
from retrograph.keras.model import Model
from retrograph.keras.network import Network
from retrograph.keras.tracking import gathered


def source_inputs(tensor: Any) -> list[Any]:
    """The inputs that a tensor of Keras goes back to."""
    layer, index, _ = tensor._keras_history
    node = layer._inbound_nodes[index]
    if not node._histories:
        return nest.flatten(node.input_tensors)
    found: dict[int, Any] = {}
    for _, _, _, before in node.inbound():
        found.update({id(t): t for t in source_inputs(before)})
    return list(found.values())


def _first_shape(layer: Any) -> tuple[Any, Any]:
    """The shape and dtype that a first layer (or the first layer of a model) asks for."""
    while isinstance(layer, Network) and layer.layers:
        layer = layer.layers[0]
    return getattr(layer, "_batch_input_shape", None), layer.dtype


@export("keras.Sequential", "keras.models.Sequential")
class Sequential(Model):
    """Layers one after another; it is built when the first one knows its input, else at the first call.

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(4,))])

    Source: TF 1.15 `tf.keras.Sequential`.
    """

    def __init__(self, layers: Any = None, name: Any = None):
        super().__init__(name=name)
        self.supports_masking = True
        self._build_input_shape: Any = None
        self._compute_output_and_mask_jointly = True
        for layer in layers if isinstance(layers, (list, tuple)) else [layers] if layers else []:
            self.add(layer)

    def _tracks_attributes(self) -> bool:
        return False

    @property
    def layers(self) -> list[Any]:
        """The layers, without the input."""
        found = gathered(self._layers)
        return found[1:] if found and isinstance(found[0], InputLayer) else found

    def add(self, layer: Any) -> None:
        """Adds a layer at the end. Raises TypeError: no layer, or one with several outputs."""
        if hasattr(layer, "_keras_history") and isinstance(layer._keras_history.layer, InputLayer):
            layer = layer._keras_history.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"The added layer must be an instance of class Layer. Found: {layer}")
        self.built = False
        first = not self._layers
        if first:
            self._begin(layer)
        elif self.outputs:
            output = layer(self.outputs[0])
            if len(nest.flatten(output)) != 1:
                raise TypeError(
                    "All layers in a Sequential model should have a single output tensor. For multi-output layers, use the functional API."
                )
            self.outputs = [output]
        if self.outputs:
            self.built = True
            self._init_graph_network(self.inputs, self.outputs)
        else:
            self._layers.append(layer)

    def _begin(self, layer: Any) -> None:
        if not isinstance(layer, InputLayer):
            shape, dtype = _first_shape(layer)
            if not shape:
                return
            layer(Input(batch_shape=shape, dtype=dtype, name=layer.name + "_input"))
        outputs = nest.flatten(layer._inbound_nodes[-1].output_tensors)
        if len(outputs) != 1:
            raise ValueError(
                "All layers in a Sequential model should have a single output tensor. For multi-output layers, use the functional API."
            )
        self.outputs = outputs
        self.inputs = source_inputs(outputs[0])

    def pop(self) -> None:
        """Takes the last layer away; TypeError if there is none."""
        if not self.layers:
            raise TypeError("There are no layers in the model.")
        self._layers = self._layers[:-1]
        if not self.layers:
            self.outputs, self.inputs, self.built = [], [], False
        elif self._is_graph_network:
            self.layers[-1]._outbound_nodes = []
            self.outputs = [self.layers[-1].output]
            self._init_graph_network(self.inputs, self.outputs)

    def build(self, input_shape: Any = None) -> None:
        """Makes the variables; ValueError without a shape."""
        if not self._is_graph_network:
            if input_shape is None:
                raise ValueError("You must provide an `input_shape` argument.")
            self._build_input_shape = tuple(input_shape)
            super().build(tuple(input_shape))
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs."""
        if self._is_graph_network:
            return super().call(inputs, training=training, mask=mask)
        for layer in self.layers:
            given = {"mask": mask, "training": training}
            inputs = layer(inputs, **{k: v for k, v in given.items() if k in layer._call_fn_args})
            mask = getattr(inputs, "_keras_mask", None)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs."""
        return getattr(self.call(inputs, mask=mask), "_keras_mask", None)

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The outputs for arrays."""
        return self.predict(x, batch_size, verbose)

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """Where the output is greatest; whether it is over 0.5 if there is one."""
        outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
        return outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")

    def get_config(self) -> dict[str, Any]:
        """The layers."""
        layers = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self.layers]
        if self._is_graph_network and layers and isinstance(self._layers[0], InputLayer):
            layers[0]["config"].setdefault("batch_input_shape", self._layers[0]._batch_input_shape)
        config = {"name": self.name, "layers": copy.deepcopy(layers)}
        if self._build_input_shape:
            config["build_input_shape"] = self._build_input_shape
        return config

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Any:
        """A model from `get_config`."""
        from retrograph.keras.layer_registry import deserialize

        named = "name" in config
        model = cls(name=config["name"] if named else None)
        for row in config["layers"] if named else config:
            model.add(deserialize(row, custom_objects=custom_objects))
        if named and not model.inputs and config.get("build_input_shape"):
            model.build(config["build_input_shape"])
        return model

    @property
    def input_spec(self) -> Any:
        """What the first layer asks of its inputs."""
        return self.layers[0].input_spec if self.layers else None

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value
