"""The table that `Model.summary` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import nest


def _number_of(weights: Any) -> int:
    return int(sum(np.prod(w.shape.as_list()) for w in {id(w): w for w in weights}.values()))


def _is_sequence(model: Any) -> bool:
    """Whether each layer has one input, and is called once."""
    if type(model).__name__ == "Sequential" or not model._is_graph_network:
        return True
    nodes = list(model._map.by_depth.values())
    if any(len(level) > 1 or len(nest.flatten(level[0].inbound_layers)) > 1 for level in nodes):
        return False
    own = {id(level[0]) for level in nodes}
    return all(sum(id(node) in own for node in layer._inbound_nodes) <= 1 for layer in model.layers)


def _shape_of(layer: Any) -> Any:
    try:
        return layer.output_shape
    except AttributeError:
        return "multiple"


def _connections(layer: Any, model: Any) -> list[str]:
    found = []
    for node in layer._inbound_nodes:
        if id(node) in model._map.nodes:
            found += [f"{h.layer.name}[{h.node_index}][{h.tensor_index}]" for h in node._histories]
    return found


def print_summary(model: Any, line_length: Any = None, positions: Any = None, print_fn: Any = None) -> None:
    """Prints the layers of a model, their shapes and numbers of parameters."""
    show = print if print_fn is None else print_fn
    sequential = _is_sequence(model)
    width = line_length or (65 if sequential else 98)
    ends = positions or ([0.45, 0.85, 1.0] if sequential else [0.33, 0.55, 0.67, 1.0])
    if ends[-1] <= 1:
        ends = [int(width * p) for p in ends]

    def row(fields: list[Any]) -> None:
        line = ""
        for i, field in enumerate(fields):
            line = (line[:-1] + " " if i else "") + str(field)
            line = line[: ends[i]].ljust(ends[i])
        show(line)

    show(f'Model: "{model.name}"')
    show("_" * width)
    row(["Layer (type)", "Output Shape", "Param #"] + ([] if sequential else ["Connected to"]))
    show("=" * width)
    for i, layer in enumerate(model.layers):
        fields = [f"{layer.name} ({type(layer).__name__})", _shape_of(layer), layer.count_params()]
        lines = [] if sequential else _connections(layer, model)
        row(fields if sequential else [*fields, *(lines[:1] or [""])])
        for more in lines[1:]:
            row(["", "", "", more])
        show(("=" if i == len(model.layers) - 1 else "_") * width)
    trained = _number_of(getattr(model, "_collected_trainable_weights", model.trainable_weights))
    other = _number_of(model.non_trainable_weights)
    show(f"Total params: {trained + other:,}")
    show(f"Trainable params: {trained:,}")
    show(f"Non-trainable params: {other:,}")
    show("_" * width)
