"""`Network`: layers as one layer, either a graph from inputs to outputs or a subclass with its own `call`."""

from __future__ import annotations

import inspect
import json
from collections import defaultdict
from typing import Any

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.keras.base_layer import Layer, as_shapes, check_keywords, default
from retrograph.keras.nodes import KerasHistory, Node, create_history, reaches
from retrograph.keras.operation_layers import AddLoss
from retrograph.keras.shape_helpers import as_tensor_shapes, as_tuples
from retrograph.keras.state import floatx, state_of
from retrograph.keras.tracking import gathered


class NodeMap:
    """The calls and layers that lead from inputs to outputs.

    Raises ValueError: a cycle, an output that does not come from the inputs, two layers of one name.
    """

    def __init__(self, inputs: list[Any], outputs: list[Any]):
        self._order: list[Node] = []
        self._indices: dict[Any, int] = {}
        self.nodes: set[int] = set()
        for tensor in outputs:
            self._visit(tensor._keras_history, tensor, set())
        self._set_depths(inputs)
        self._check(inputs)

    def _visit(self, history: KerasHistory, tensor: Any, open_nodes: set[int]) -> None:
        layer = history.layer
        node = layer._inbound_nodes[history.node_index]
        if id(node) in open_nodes:
            raise ValueError(f'The tensor {tensor} at layer "{layer.name}" is part of a cycle.')
        if id(node) in self.nodes:
            return
        self._indices.setdefault(layer, len(self._indices))
        open_nodes.add(id(node))
        for inner, node_index, tensor_index, value in node.inbound():
            self._visit(KerasHistory(inner, node_index, tensor_index), value, open_nodes)
        open_nodes.remove(id(node))
        self.nodes.add(id(node))
        self._order.append(node)

    def _set_depths(self, inputs: list[Any]) -> None:
        depths: dict[int, int] = {}
        layer_depths: dict[Any, int] = {}
        for node in reversed(self._order):
            depth = max(depths.get(id(node), 0), layer_depths.get(node.outbound_layer, 0))
            layer_depths[node.outbound_layer] = depths[id(node)] = depth
            for before in node.dependencies():
                depths[id(before)] = max(depth + 1, depths.get(id(before), 0))
        for tensor in inputs:
            layer = tensor._keras_history.layer
            if layer not in layer_depths:
                layer_depths[layer], self._indices[layer] = 0, -1
                self._order.append(layer._inbound_nodes[0])
                depths[id(layer._inbound_nodes[0])] = 0
                self.nodes.add(id(layer._inbound_nodes[0]))
        found: dict[int, list[Node]] = defaultdict(list)
        for node in self._in_depth_order(depths):
            found[depths[id(node)]].append(node)
        self.by_depth = {depth: found[depth] for depth in sorted(found, reverse=True)}
        self.layers = sorted(layer_depths, key=lambda layer: (-layer_depths[layer], self._indices[layer]))

    def _in_depth_order(self, depths: dict[int, int]) -> list[Node]:
        """The nodes in the order in which they were given their depths, which is TF's order within a depth."""
        known = {id(node): node for node in self._order}
        return [known[key] for key in depths]

    def _check(self, inputs: list[Any]) -> None:
        known = {id(t) for t in inputs}
        done: list[str] = []
        for nodes in self.by_depth.values():
            for node in nodes:
                for tensor in nest.flatten(node.input_tensors):
                    if id(tensor) not in known:
                        raise ValueError(
                            f'Graph disconnected: cannot obtain value for tensor {tensor} at layer "{node.outbound_layer.name}". The following previous layers were accessed without '
                            f"issue: {done}"
                        )
                known.update(id(t) for t in nest.flatten(node.output_tensors))
                done.append(node.outbound_layer.name)
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) != 1:
                raise ValueError(
                    f'The name "{name}" is used {names.count(name)} times in the model. All layer names should be unique.'
                )


class Network(Layer):
    """Layers as one layer: what `Model` is without training."""

    inputs: Any
    outputs: Any
    # What subclasses get before they call the constructor.
    _is_graph_network = False

    def __init__(self, *args: Any, **kwargs: Any):
        functional = len(args) == 2 or (len(args) == 1 and "outputs" in kwargs)
        if functional or ("inputs" in kwargs and "outputs" in kwargs):
            self._init_graph_network(*args, **kwargs)
        else:
            self._init_subclassed(**kwargs)

    def _tracks_attributes(self) -> bool:
        return not self._is_graph_network

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Layer) and "_name" not in self.__dict__:
            raise RuntimeError(
                "It looks like you are subclassing `Model` and you forgot to call `super(YourClass, self).__init__()`. Always start with this line."
            )
        super().__setattr__(name, value)

    def _base_init(self, name: Any = None, **kwargs: Any) -> None:
        check_keywords(kwargs, ("trainable", "dtype", "dynamic", "autocast"))
        object.__setattr__(self, "_is_graph_network", False)
        super().__init__(name=name, trainable=kwargs.get("trainable", True), dtype=kwargs.get("dtype"))
        self._dynamic = kwargs.get("dynamic", False)
        if self._dynamic:
            raise errors.UnimplementedError(None, None, f"{type(self).__name__}: `dynamic` models need eager execution")

    def _init_subclassed(self, name: Any = None, **kwargs: Any) -> None:
        self._base_init(name=name, **kwargs)
        object.__setattr__(self, "inputs", [])
        object.__setattr__(self, "outputs", [])

    def _init_graph_network(self, inputs: Any, outputs: Any, name: Any = None, **kwargs: Any) -> None:
        check_keywords(
            kwargs,
            ("trainable",),
            "Functional models may only specify `name` and `trainable` keyword arguments during initialization. Got an unexpected argument:",
        )
        inputs, outputs = (v[0] if isinstance(v, list) and len(nest.flatten(v)) == 1 else v for v in (inputs, outputs))
        flat = nest.flatten(outputs)
        if any(not hasattr(tensor, "_keras_history") for tensor in flat):
            create_history(outputs)
        if "_name" not in self.__dict__:
            self._base_init(name=name, **kwargs)
        object.__setattr__(self, "_is_graph_network", True)
        self._nested_inputs, self._nested_outputs = inputs, outputs
        self.inputs, self.outputs = nest.flatten(inputs), flat
        self._check_ends()
        self.built = True
        self._compute_output_and_mask_jointly = True
        self._expects_training_arg = self._expects_mask_arg = True
        self._map = NodeMap(self.inputs, self.outputs)
        self._layers = self._map.layers
        self._input_layers = [t._keras_history.layer for t in self.inputs]
        self._output_layers = [t._keras_history.layer for t in self.outputs]
        self._inbound_nodes = self._inbound_nodes[:0]
        Node(self, [], inputs, outputs)
        self._set_names()

    def _check_ends(self) -> None:
        """ValueError for inputs or outputs that Keras did not make, or inputs given twice."""
        if len({id(t) for t in self.inputs}) != len(self.inputs):
            raise ValueError(
                f"The list of inputs passed to the model is redundant. All inputs should only appear once. Found: {self.inputs}"
            )
        for kind, tensors in (("input", self.inputs), ("output", self.outputs)):
            for tensor in tensors:
                if not hasattr(tensor, "_keras_history"):
                    what = "Input tensors" if kind == "input" else "Output tensors"
                    made = (
                        "`tf.keras.Input`"
                        if kind == "input"
                        else "a TensorFlow `Layer` (thus holding past layer metadata)"
                    )
                    raise ValueError(
                        f"{what} to a {type(self).__name__} must {'come from' if kind == 'input' else 'be the output of'} {made}. Received: {tensor} "
                        f"{'(missing previous layer metadata).' if kind == 'input' else ''}".rstrip()
                    )

    def _set_names(self) -> None:
        names: list[str] = []
        for layer in self._output_layers:
            name, number = layer.name, 1
            while name in names:
                name, number = f"{layer.name}_{number}", number + 1
            names.append(name)
        self.output_names = names
        self.input_names = [layer.name for layer in self._input_layers]

    # ---- facts

    @property
    def dynamic(self) -> bool:
        """False: all models are graphs."""
        return False

    @property
    def layers(self) -> list[Any]:
        """The layers."""
        return gathered(self._layers)

    def get_layer(self, name: Any = None, index: Any = None) -> Any:
        """A layer by name or index; ValueError if it is not there."""
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} layers."
                )
            return self.layers[index]
        if not name:
            raise ValueError("Provide either a layer name or layer index.")
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            raise ValueError("No such layer: " + name)
        return found

    def _assert_weights_created(self) -> None:
        if not self._is_graph_network and "build" in type(self).__dict__ and not self.built:
            raise ValueError(
                f"Weights for model {self.name} have not yet been created. Weights are created when the Model is first called on inputs or `build()` is called with an `input_shape`."
            )

    def _own(self, trained: bool) -> list[Any]:
        return [v for v in (*self._non_trainable_weights, *self._trainable_weights) if bool(v.trainable) == trained]

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained."""
        self._assert_weights_created()
        return [*self._children("trainable_weights"), *self._own(True)] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The variables that are not trained."""
        self._assert_weights_created()
        others = [*self._children("non_trainable_weights"), *self._own(False)]
        return others if self.trainable else [*self._children("trainable_weights"), *self._own(True), *others]

    @property
    def weights(self) -> list[Any]:
        """All variables, layer by layer."""
        self._assert_weights_created()
        return [*self._children("weights"), *self._trainable_weights, *self._non_trainable_weights]

    @property
    def input_spec(self) -> Any:
        """None: the layers check their inputs."""
        return None

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def stateful(self) -> bool:
        """Whether a layer keeps states from batch to batch."""
        return any(getattr(layer, "stateful", False) for layer in self.layers)

    @stateful.setter
    def stateful(self, value: bool) -> None:
        pass

    def reset_states(self) -> None:
        """Resets the states of layers that keep them."""
        for layer in self.layers:
            if hasattr(layer, "reset_states") and getattr(layer, "stateful", False):
                layer.reset_states()

    @property
    def state_updates(self) -> list[Any]:
        """The updates of layers that keep states."""
        return [update for layer in self.layers if getattr(layer, "stateful", False) for update in layer.updates]

    def _relevant(self, items: list[Any], unconditional: list[Any]) -> list[Any]:
        inputs = [t for node in self._inbound_nodes for t in nest.flatten(node.input_tensors)] or self.inputs
        kept = [item for item in items if any(item is u for u in unconditional) or reaches(inputs, item)]
        return list({id(item): item for item in kept}.values())

    @property
    def updates(self) -> list[Any]:
        """The updates that depend on the model's inputs, or on none."""
        if not self.trainable and not self.stateful:
            return []
        items = super().updates
        return self._relevant(items, [u for u in items if not self._is_conditional(u)])

    @property
    def losses(self) -> list[Any]:
        """The losses that depend on the model's inputs, or on none."""
        items = super().losses
        return self._relevant(items, [loss for loss in items if loss._unconditional_loss])

    # ---- calling

    @default
    def build(self, input_shape: Any) -> None:
        """Makes the variables by calling the model on placeholders of a shape.

        Raises ValueError: no shape, or a `call` with other arguments.
        """
        if self._is_graph_network:
            self.built = True
            return
        if input_shape is None:
            raise ValueError("Input shape must be defined when calling build on a model subclass network.")
        if not isinstance(input_shape, (tuple, list, tf.TensorShape)):
            raise ValueError(
                "Specified input shape is not one of the valid types. Please specify a batch input shape of type tuple or list of input shapes. "
                f"User provided input type: {type(input_shape)}"
            )
        if input_shape and not self.inputs:
            given = nest.map_structure(lambda s: tf.placeholder(floatx(), shape=s), as_shapes(input_shape))
            self.call(given, **self._build_arguments())
        self.built = True

    def _build_arguments(self) -> dict[str, Any]:
        spec = inspect.getfullargspec(self.call)
        names = spec.args[2 : len(spec.args) - len(spec.defaults or ())]
        if any(name != "training" for name in names):
            raise ValueError(
                "Currently, you cannot build your model if it has positional or keyword arguments that are not inputs to the model, but are required for its `call` method. "
                "Instead, in order to instantiate and build your model, `call` your model on real tensor data with all expected call arguments."
            )
        return dict.fromkeys(names, False)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs."""
        if not self._is_graph_network:
            raise NotImplementedError("When subclassing the `Model` class, you should implement a `call` method.")
        return self._run(inputs, training, mask)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks of the outputs."""
        if not self._is_graph_network:
            return None
        return nest.map_structure(lambda t: getattr(t, "_keras_mask", None), self._run(inputs, None, mask))

    def _run(self, inputs: Any, training: Any, mask: Any) -> Any:
        given = nest.flatten(inputs)
        for tensor, one in zip(given, [None] * len(given) if mask is None else nest.flatten(mask), strict=True):
            tensor._keras_mask = one
        values = {id(x): y for x, y in zip(self.inputs, given, strict=True)}
        for nodes in list(self._map.by_depth.values())[1:] if len(self._map.by_depth) > 1 else []:
            for node in nodes:
                if all(id(t) in values for t in nest.flatten(node.input_tensors)):
                    self._run_node(node, values, training)
        for tensor in self.outputs:
            assert id(tensor) in values, f"Could not compute output {tensor}"
        return nest.pack_sequence_as(self._nested_outputs, [values[id(t)] for t in self.outputs])

    @staticmethod
    def _run_node(node: Node, values: dict[int, Any], training: Any) -> None:
        layer = node.outbound_layer
        kwargs = dict(node.arguments or {})
        if "training" in layer._call_fn_args:
            if kwargs.setdefault("training", training) is state_of().phase:
                kwargs["training"] = training
        kwargs = nest.map_structure(lambda a: values.get(id(a), a), kwargs)
        inputs = nest.map_structure(lambda t: values[id(t)], node.input_tensors)
        made = layer(inputs, **kwargs)
        for old, new in zip(nest.flatten(node.output_tensors), nest.flatten(made), strict=True):
            values[id(old)] = new

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs; ValueError for another number of inputs."""
        if not self._is_graph_network:
            return super().compute_output_shape(input_shape)
        given = nest.flatten(as_tensor_shapes(input_shape))
        if len(given) != len(self._input_layers):
            raise ValueError(
                f"Invalid input_shape argument {input_shape}: model has {len(self._input_layers)} tensor inputs."
            )
        shapes = {id(t): shape for t, shape in zip(self.inputs, given, strict=True)}
        for nodes in list(self._map.by_depth.values())[1:]:
            for node in nodes:
                inputs = nest.map_structure(lambda t: as_tuples(shapes[id(t)]), node.input_tensors)
                made = as_tensor_shapes(node.outbound_layer.compute_output_shape(inputs))
                made = made if isinstance(made, list) else [made]
                shapes.update({id(t): s for t, s in zip(nest.flatten(node.output_tensors), made, strict=True)})
        found = [shapes[id(t)] for t in self.outputs]
        return found[0] if len(found) == 1 else found

    # ---- losses of tensors

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses: of a functional model's tensors too."""
        from retrograph.keras.base_layer import calls

        symbolic = [loss for loss in nest.flatten(losses) if isinstance(loss, tf.Tensor)]
        if not self._is_graph_network or calls.in_call or not symbolic:
            super().add_loss(losses, inputs)
            return
        for loss in symbolic:
            if getattr(loss, "_keras_history", None) is None:
                create_history(loss)
            layer = AddLoss(unconditional=False)
            layer(loss)
            new = NodeMap(self.inputs, [loss]).layers
            known = {id(one) for one in self._layers}
            self._layers = [*self._layers, *[one for one in new if id(one) not in known], layer]

    # ---- configuration and values

    @default
    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected; NotImplementedError for a subclass."""
        from retrograph.keras.network_config import config_of

        if not self._is_graph_network:
            raise NotImplementedError
        return config_of(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from `get_config`."""
        from retrograph.keras.network_config import ends_of

        inputs, outputs = ends_of(config, custom_objects)
        return cls(inputs=inputs, outputs=outputs, name=config.get("name"))

    def _updated_config(self) -> dict[str, Any]:
        return {
            "class_name": type(self).__name__,
            "config": self.get_config(),
            "keras_version": "2.2.4-tf",
            "backend": "tensorflow",
        }

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON."""
        return json.dumps(self._updated_config(), default=_plain, **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """Raises UnimplementedError: use `to_json`."""
        raise errors.UnimplementedError(None, None, "Model.to_yaml is not implemented: use to_json")

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Raises UnimplementedError: use `save_weights` and `to_json`."""
        raise errors.UnimplementedError(
            None, None, "Model.save is not implemented: use save_weights (TensorFlow's format) and to_json"
        )

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: Any = None) -> None:
        """Writes the weights as a checkpoint of TensorFlow's format; ImportError for HDF5."""
        from retrograph.keras.model_weights import save_weights

        self._assert_weights_created()
        save_weights(self, filepath, overwrite, save_format)

    def load_weights(self, filepath: Any, by_name: bool = False) -> Any:
        """Reads the weights of a checkpoint."""
        from retrograph.keras.model_weights import load_weights

        return load_weights(self, filepath, by_name)

    @property
    def _checkpoint_dependencies(self) -> list[tuple[str, Any]]:
        from retrograph.keras.model_weights import parts_of
        from retrograph.train.tracking import TrackableReference

        return [TrackableReference(*part) for part in parts_of(self)]

    def summary(self, line_length: Any = None, positions: Any = None, print_fn: Any = None) -> None:
        """Prints the layers, their shapes and numbers of parameters; ValueError before the model is built."""
        from retrograph.keras.model_summary import print_summary

        if not self.built:
            raise ValueError(
                "This model has not yet been built. Build the model first by calling `build()` or calling `fit()` with some data, or specify an `input_shape` argument in the "
                "first layer(s) for automatic build."
            )
        print_summary(self, line_length, positions, print_fn)


def _plain(value: Any) -> Any:
    """What JSON cannot write, as something it can."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.__name__ if callable(value) else str(value)
