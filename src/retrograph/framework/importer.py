"""`tf.import_graph_def`: the nodes of a GraphDef as operations of the current graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrograph.framework import errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph, Operation, Tensor, get_default_graph, name_scope
from retrograph.framework.node_def import GraphDef, NodeDef
from retrograph.framework.op_table import find_op_def


def _source(text: str) -> tuple[str, int]:
    """(node, output) of an input as NodeDefs write it."""
    name, _, index = text.partition(":")
    return name, int(index or 0)


def _in_order(nodes: list[NodeDef], mapped: set[str]) -> Iterator[NodeDef]:
    """The nodes, each after those that it takes from.

    Raises: ValueError for inputs that are not there, UnimplementedError for loops.
    """
    by_name = {node.name: node for node in nodes}
    done: set[str] = set()
    open_nodes: set[str] = set()
    for root in nodes:
        stack = [root]
        while stack:
            node = stack[-1]
            open_nodes.add(node.name)
            waiting = [s for s in _sources(node, by_name, mapped) if s not in done]
            if not waiting:
                stack.pop()
                open_nodes.discard(node.name)
                if node.name not in done:
                    done.add(node.name)
                    yield node
                continue
            if waiting[0] in open_nodes:
                raise errors.UnimplementedError(None, None, f"tf.import_graph_def: a loop through node '{node.name}'")
            stack.append(by_name[waiting[0]])


def _sources(node: NodeDef, by_name: dict[str, NodeDef], mapped: set[str]) -> Iterator[str]:
    for text in node.input:
        name, index = _source(text.lstrip("^"))
        if text in mapped or f"{name}:{index}" in mapped:
            continue
        if name not in by_name:
            raise ValueError(f"Node '{node.name}': Unknown input node '{text}'")
        yield name


class _Import:
    def __init__(self, graph: Graph, prefix: str, input_map: dict[str, Tensor]):
        self.graph, self.prefix, self.input_map = graph, prefix, input_map
        self.made: dict[str, Operation] = {}
        self.used: set[str] = set()

    def add(self, node: NodeDef) -> None:
        definition = find_op_def(node.op)
        if definition is None:
            raise ValueError(f"No op named {node.op} in defined operations.")
        attrs = {k: v.python_value() for k, v in node.attr.items() if k != "_output_shapes"}
        for attr in definition.attrs:
            if attr.name not in attrs and attr.has_default:
                attrs[attr.name] = list(attr.default) if isinstance(attr.default, list) else attr.default
        inputs = tuple(self._input(node, text) for text in node.input if not text.startswith("^"))
        name = self.prefix + node.name if self.prefix else self._free_name(node.name)
        op = self.graph._new_op(node.op, name, inputs, attrs, definition)
        controls = [self._control(text[1:]) for text in node.input if text.startswith("^")]
        op._control_inputs = tuple(dict.fromkeys((*op._control_inputs, *controls)))
        if node.device:
            op._set_device(node.device)
        self.made[node.name] = op

    def _free_name(self, wanted: str) -> str:
        name = self.graph.unique_name(wanted)
        while name in self.graph._nodes_by_name:
            name = self.graph.unique_name(wanted)
        return name

    def colocate(self) -> None:
        """Renames the groups of colocated operations; only when all are made are their new names known."""
        for op in self.made.values():
            if "_class" in op._attrs:
                op._set_attr("_class", [self._colocation(c) for c in op._attrs["_class"]])

    def _colocation(self, group: bytes) -> bytes:
        name = group.removeprefix(b"loc:@").decode()
        return b"loc:@" + (self.made[name]._name if name in self.made else self.prefix + name).encode()

    def _input(self, node: NodeDef, text: str) -> Tensor:
        name, index = _source(text)
        key = f"{name}:{index}"
        if key in self.input_map:
            self.used.add(key)
            return self.input_map[key]
        outputs = self.made[name]._outputs
        if index >= len(outputs):
            raise ValueError(
                f"Node '{node.name}': Connecting to invalid output {index} of source node {name} which has {len(outputs)} outputs."
            )
        return outputs[index]

    def _control(self, name: str) -> Operation:
        if f"^{name}" in self.input_map:
            self.used.add(f"^{name}")
            mapped: Operation = self.input_map[f"^{name}"].op
            return mapped
        return self.made[name]

    def element(self, name: str) -> Any:
        """The operation or tensor that a return element names."""
        node, colon, index = name.partition(":")
        op = self.made.get(node)
        if not colon:
            if op is None:
                raise ValueError(f"Requested return node '{name}' not found in graph def")
            return op
        if name in self.input_map:
            return self.input_map[name]
        if op is None:
            raise ValueError(f"Requested return tensor '{name}' not found in graph def")
        if int(index) >= len(op._outputs):
            raise ValueError(f"Invalid return output {index} of node '{node}', which has {len(op._outputs)} output(s)")
        return op._outputs[int(index)]


def _mapped(input_map: Any) -> dict[str, Tensor]:
    if input_map is None:
        return {}
    if not (isinstance(input_map, dict) and all(isinstance(k, (str, bytes)) for k in input_map)):
        raise TypeError(f"input_map must be a dictionary mapping strings to Tensor objects. Got {input_map}")
    found = {}
    for key, value in input_map.items():
        text = key.decode() if isinstance(key, bytes) else key
        found[text if ":" in text or text.startswith("^") else text + ":0"] = convert_to_tensor(value)
    return found


@export("import_graph_def", "graph_util.import_graph_def")
def import_graph_def(
    graph_def: Any,
    input_map: Any = None,
    return_elements: Any = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a GraphDef under `name` (`import`); gives what `return_elements` names.

    `input_map` puts tensors in place of the nodes' inputs, by the names those have in `graph_def`. With `name=""` there is no
    prefix, and names that are taken get a number.
    Raises: TypeError for other types; ValueError for names that are not there; UnimplementedError for graphs with loops.
    Source: TF 1.15 `tf.import_graph_def`.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a GraphDef proto.")
    if return_elements is not None and not all(isinstance(e, (str, bytes)) for e in return_elements):
        raise TypeError("return_elements must be a list of strings.")
    elements = [e.decode() if isinstance(e, bytes) else e for e in return_elements or ()]
    graph = get_default_graph()
    given = list(input_map.values()) if isinstance(input_map, dict) else []
    with name_scope(name, "import", given) as scope:
        work = _Import(graph, scope or "", _mapped(input_map))
        for node in _in_order(list(graph_def.node), set(work.input_map)):
            work.add(node)
        work.colocate()
        unused = [k for k in work.input_map if k not in work.used and _source(k.lstrip("^"))[0] not in work.made]
        found = [work.element(e) for e in elements]
    if unused:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(unused)}]")
    return None if return_elements is None else found
