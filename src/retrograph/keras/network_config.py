"""A functional model as a dictionary of its layers and their connections, and back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from retrograph.framework import nest
from retrograph.keras.input_layer import InputLayer


def _kept_nodes(model: Any) -> dict[tuple[str, int], int]:
    """(layer, index of a call) -> its index among the calls that belong to the model."""
    found = {}
    for layer in model.layers:
        kept = 1 if _skips_first(layer) else 0
        for index, node in enumerate(layer._inbound_nodes):
            if id(node) in model._map.nodes:
                found[(layer.name, index)] = kept
                kept += 1
    return found


def _skips_first(layer: Any) -> bool:
    """A model that is a layer has been called once when it was made."""
    return bool(getattr(layer, "_is_graph_network", False) and isinstance(layer._layers[0], InputLayer))


def config_of(model: Any) -> dict[str, Any]:
    """The name, layers, inputs and outputs of a functional model."""
    kept = _kept_nodes(model)

    def ends(tensors: Any, structure: Any) -> Any:
        rows = []
        for tensor in tensors:
            layer, node, index = tensor._keras_history
            rows.append([layer.name, kept[(layer.name, node)], index])
        return rows

    return {
        "name": model.name,
        "layers": [_layer_config(layer, model, kept) for layer in model.layers],
        "input_layers": ends(model.inputs, model._nested_inputs),
        "output_layers": ends(model.outputs, model._nested_outputs),
    }


def _layer_config(layer: Any, model: Any, kept: dict[tuple[str, int], int]) -> dict[str, Any]:
    calls = []
    for node in layer._inbound_nodes:
        rows = zip(node._histories, nest.flatten(node.input_tensors), strict=False)
        if id(node) in model._map.nodes and node._histories:
            arguments = {k: v for k, v in (node.arguments or {}).items() if _writable(v)}
            calls.append(
                [[h.layer.name, kept[(h.layer.name, h.node_index)], h.tensor_index, arguments] for h, _ in rows]
            )
    return {
        "name": layer.name,
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "inbound_nodes": calls,
    }


def _writable(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list, dict))


def ends_of(config: dict[str, Any], custom_objects: Any = None) -> tuple[Any, Any]:
    """The inputs and outputs of the layers of a configuration, made anew and connected.

    Raises ValueError: calls that depend on ones that are not there.
    """
    from retrograph.keras.layer_registry import deserialize

    layers = {row["name"]: deserialize(row, custom_objects=custom_objects) for row in config["layers"]}
    waiting: dict[str, list[Any]] = defaultdict(list)
    for row in config["layers"]:
        waiting[row["name"]].extend(row["inbound_nodes"])
    while any(waiting.values()):
        if not sum([_called(layers, name, waiting[name]) for name in list(waiting)]):
            raise ValueError("Improperly formatted model config.")

    def tensors(rows: Any) -> Any:
        found = [_tensor(layers, row) for row in rows]
        return found[0] if len(found) == 1 else found

    return tensors(config["input_layers"]), tensors(config["output_layers"])


def _tensor(layers: dict[str, Any], row: Any) -> Any:
    name, node, index = row[:3]
    return nest.flatten(layers[name]._inbound_nodes[node].output_tensors)[index]


def _called(layers: dict[str, Any], name: str, calls: list[Any]) -> int:
    """Calls a layer as often as its inputs are there already, in order; how often."""
    done = 0
    while calls and all(len(layers[row[0]]._inbound_nodes) > row[1] for row in calls[0]):
        call = calls.pop(0)
        inputs = [_tensor(layers, row) for row in call]
        kwargs = call[0][3] if len(call[0]) > 3 else {}
        layers[name](inputs[0] if len(inputs) == 1 else inputs, **kwargs)
        done += 1
    return done
