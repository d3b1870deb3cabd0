"""`tf.import_graph_def`: the nodes of a GraphDef as operations of the current graph."""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from retrograph.framework import errors, frames
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import device, get_default_graph, name_scope
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph, _inferred_shapes, _not_registered
from retrograph.framework.inlining import FunctionLibrary, is_call
from retrograph.framework.node_def import AttrValue, GraphDef, NodeDef
from retrograph.framework.op_table import OpDef, find_op_def
from retrograph.framework.operation import Operation, Tensor, _cpp_name
from retrograph.framework.shape_rules import ShapeError, merge

CURRENT_VERSION = 134
_VALID_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\-/]*$").match
_NEXT = ("NextIteration", "RefNextIteration")
_MERGE = ("Merge", "RefMerge")
# Of graphs older than this, shapes that do not fit are dropped without a word.
_FIRST_WITH_SHAPES = 21
# In older ones, a placeholder of no dimensions is one of any shape.
_FIRST_WITH_SCALARS = 24


def parse_source(text: str) -> tuple[str, int]:
    """(node, output) of an input as NodeDefs write it; what is no number belongs to the name.

    >>> parse_source("a:1")
    ('a', 1)
    """
    name, colon, index = text.rpartition(":")
    return (name, int(index)) if colon and index.isdecimal() else (text, 0)


class Pending:
    """The order in which nodes can be made: each after those that it takes from, first in the file first.

    `sources(node)` gives the names of nodes that it waits for, control dependencies with a `^`.
    """

    def __init__(self, nodes: Sequence[NodeDef], sources: Any):
        self.nodes = nodes
        self.index: dict[str, int] = {}
        for i, node in enumerate(nodes):
            if self.index.setdefault(node.name, i) != i:
                raise ValueError(f"Node '{node.name}' is not unique")
        self.waiting: list[int] = []
        self.users: dict[int, list[int]] = defaultdict(list)
        for i, node in enumerate(nodes):
            names = list(sources(node, self.index))
            for name in names:
                self.users[self.index[name.lstrip("^")]].append(i)
            self.waiting.append(self._count(node, names))

    def _count(self, node: NodeDef, names: list[str]) -> int:
        """A Merge that closes a loop waits for one of its inputs, whatever way round."""
        data = [n for n in names if not n.startswith("^")]
        loops = node.op in _MERGE and any(self.nodes[self.index[n]].op in _NEXT for n in data)
        return len(names) - len(data) + min(len(data), 1) if loops else len(names)

    def __iter__(self) -> Iterator[NodeDef]:
        ready = [i for i, count in enumerate(self.waiting) if count == 0]
        heapq.heapify(ready)
        done = 0
        while ready:
            i = heapq.heappop(ready)
            done += 1
            yield self.nodes[i]
            for user in self.users[i]:
                self.waiting[user] -= 1
                if self.waiting[user] == 0:
                    heapq.heappush(ready, user)
        if done < len(self.nodes):
            raise ValueError(f"{len(self.nodes) - done} nodes in a cycle")


class Maker:
    """Makes operations of nodes: attributes checked, shapes inferred; scopes are applied when all are made."""

    def __init__(self, graph: Graph, producer: int):
        self.graph, self.producer = graph, producer
        self.stack = frames.capture(4)
        self.new: list[Operation] = []
        self.open_merges: list[tuple[Operation, int, Any]] = []

    def add(
        self,
        op_type: str,
        name: str,
        inputs: Sequence[Tensor],
        attrs: dict[str, Any],
        control_inputs: Sequence[Operation] = (),
        device: str = "",
        partial: bool = False,
    ) -> Operation:
        """A new operation. With `partial` its inputs are not all there yet: its shape is not known."""
        definition = find_op_def(op_type)
        if definition is None:
            raise errors.NotFoundError(None, None, _not_registered(op_type))
        attrs = _completed(name, definition, attrs)
        shapes = attrs.pop("_output_shapes", None)
        _check_inputs(name, definition, attrs, inputs)
        types = definition.output_dtypes(attrs)
        if partial:
            known: list[Any] = [None] * len(types)
            if len(known) > 1:
                known[1] = ()
        else:
            known = list(_inferred_shapes(op_type, name, tuple(inputs), attrs, types))
        if op_type == "Placeholder" and attrs["shape"] == () and self.producer < _FIRST_WITH_SCALARS:
            known = [None]
        self._take_shapes(name, known, shapes)
        op = self.graph._insert(op_type, name, tuple(inputs), attrs, types, known, tuple(control_inputs), self.stack)
        op._device = device
        self.new.append(op)
        return op

    def _take_shapes(self, name: str, known: list[Any], shapes: Any) -> None:
        if not isinstance(shapes, list) or len(shapes) != len(known):
            return
        for i, shape in enumerate(shapes):
            try:
                known[i] = merge(None, known[i], shape)
            except (ShapeError, ValueError) as error:
                if self.producer < _FIRST_WITH_SHAPES:
                    continue
                raise ValueError(
                    f"Node '{name}' has an _output_shapes attribute inconsistent with the GraphDef for output #{i}: {error}"
                ) from None

    def close_loops(self) -> None:
        """Puts back edges in place."""
        for merged, index, source in self.open_merges:
            merged._update_input(index, source())

    def apply_scopes(self) -> None:
        """Devices, colocation, control dependencies and contexts of the place of the import."""
        state = self.graph._state
        for op in self.new:
            if self.graph._has_op_maps:
                self.graph._apply_op_maps(op)
            if state.colocation_stack:
                self.graph._apply_colocation(op, state.colocation_stack)
        colocated = [op for op in self.new if self._placed(op)]
        for op in colocated:
            others = (self.graph._nodes_by_name.get(g.removeprefix(b"loc:@").decode()) for g in op._attrs["_class"])
            op._device = next((o._device for o in others if o is not None and o is not op and o._device), "")
        if state.control_stack or state.control_flow_context is not None:
            for op in self.new:
                self._enter(op, state)

    def _placed(self, op: Operation) -> bool:
        """Puts an operation on its device; True if another operation's device decides."""
        groups = [g for g in op._attrs.get("_class", ()) if g.startswith(b"loc:@")]
        if any(g != b"loc:@" + op._name.encode() for g in groups):
            return True
        if self.graph._state.device_stack or op._device:
            original, op._device = op._device, ""
            with device(original) if original else nullcontext():
                self.graph._apply_device_functions(op)
        return False

    def _enter(self, op: Operation, state: Any) -> None:
        # Every imported operation waits for what the place waits for, also where an input of it does already.
        controls = self.graph._control_dependencies_for_inputs(())
        self.graph._record_op_seen_by_control_dependencies(op)
        if controls:
            op._add_control_inputs(controls)
        context = state.control_flow_context
        if context is not None and op._control_flow_context is None:
            op._control_flow_context = context
            context.AddOp(op)


def _op_text(definition: OpDef) -> str:
    return f"Op<name={definition.name}>"


def _completed(name: str, definition: OpDef, attrs: dict[str, Any]) -> dict[str, Any]:
    for attr in definition.attrs:
        if attr.name not in attrs:
            if not attr.has_default:
                text = f"NodeDef missing attr '{attr.name}' from {_op_text(definition)}; NodeDef: {{{{node {name}}}}}"
                raise ValueError(text)
            attrs[attr.name] = list(attr.default) if isinstance(attr.default, list) else attr.default
        elif attr.allowed_set is not None:
            _check_allowed(name, attr, attrs[attr.name])
    for key in attrs:
        if key not in definition.attr_by_name and not key.startswith("_"):
            raise ValueError(
                f"NodeDef mentions attr '{key}' not in {_op_text(definition)}; NodeDef: {{{{node {name}}}}}. (Check whether "
                "your GraphDef-interpreting binary is up to date with your GraphDef-generating binary.)."
            )
    return attrs


def _note_defaults(node: NodeDef) -> None:
    """Adds to a node what it leaves to defaults, as TF does: programs see it."""
    definition = find_op_def(node.op)
    for attr in definition.attrs if definition is not None else ():
        if attr.has_default and attr.name not in node.attr:
            value = list(attr.default) if isinstance(attr.default, list) else attr.default
            dict.__setitem__(node.attr, attr.name, AttrValue(attr.type, value))


def _check_allowed(name: str, attr: Any, value: Any) -> None:
    for item in value if isinstance(value, list) else (value,):
        if item not in attr.allowed_set:
            allowed = ", ".join(_cpp_name(a) if hasattr(a, "as_datatype_enum") else repr(a) for a in attr.allowed)
            given = _cpp_name(item) if hasattr(item, "as_datatype_enum") else f'"{item!r}"'
            raise ValueError(
                f"Value for attr '{attr.name}' of {given} is not in the list of allowed values: {allowed}\n"
                f"\t; NodeDef: {{{{node {name}}}}}"
            )


def _check_inputs(name: str, definition: OpDef, attrs: dict[str, Any], inputs: Sequence[Tensor]) -> None:
    wanted = definition.input_dtypes(attrs)
    if len(wanted) != len(inputs):
        texts = ", ".join(_cpp_name(t) for t in wanted)
        raise ValueError(
            f"NodeDef expected inputs '{texts}' do not match {len(inputs)} inputs specified; {_op_text(definition)}; "
            f"NodeDef: {{{{node {name}}}}}"
        )
    for i, (dtype, tensor) in enumerate(zip(wanted, inputs, strict=True)):
        fits = tensor._dtype is dtype or (tensor._dtype._base is dtype._base and not dtype._is_ref)
        if not fits:
            raise ValueError(
                f"Input {i} of node {name} was passed {_cpp_name(tensor._dtype)} from {tensor.name} incompatible with "
                f"expected {_cpp_name(dtype)}."
            )


_PRIVATE = {"_exit": "string", "_class": "list(string)", "_output_shapes": "list(shape)"}


def checked_attrs(node: NodeDef) -> dict[str, AttrValue]:
    """The attributes of a node. Raises: ValueError for one of another kind than its op type has."""
    definition = find_op_def(node.op)
    for key, value in node.attr.items():
        known = definition.attr_by_name.get(key) if definition is not None else None
        wanted = known.type if known is not None else _PRIVATE.get(key, value.kind)
        if value.kind not in (wanted, "placeholder") and (value.value or not wanted.startswith("list")):
            raise ValueError(
                f"AttrValue had value with type '{value.kind}' when '{wanted}' expected\n\t for attr '{key}'\n\t; NodeDef: "
                f"{{{{node {node.name}}}}}"
            )
    return node.attr  # type: ignore[no-any-return]


def plain_attrs(attrs: dict[str, AttrValue]) -> dict[str, Any]:
    """Attributes in the form that operations keep them."""
    return {key: value.python_value() for key, value in attrs.items()}


# What code that takes attributes at their word stumbles over where a file does not keep it.
_DAMAGE = (
    KeyError, IndexError, AttributeError, TypeError, OverflowError, ZeroDivisionError, RecursionError, AssertionError,
    UnicodeError,
)  # fmt: skip


def _damaged(name: str, op_type: str, error: Exception) -> ValueError:
    return ValueError(f"Node '{name}' (op: '{op_type}') is no node that can be made: {type(error).__name__}: {error}")


class _Import:
    """One call of `import_graph_def`."""

    def __init__(self, graph: Graph, graph_def: GraphDef, prefix: str, input_map: dict[str, Tensor]):
        self.graph, self.prefix, self.input_map = graph, prefix, input_map
        self.maker = Maker(graph, graph_def.versions.producer)
        self.library = FunctionLibrary(graph_def.library, self.maker)
        self.nodes = list(graph_def.node)
        self.made: dict[str, Operation] = {}
        self.used: set[str] = set()
        self.own_names = {node.name for node in self.nodes}
        self.given = {prefix + name for name in self.own_names}
        # What operations were made in before is taken as a name too.
        self.scopes = {name[: m.start()] for name in list(graph._nodes_by_name) for m in re.finditer("/", name)}

    def run(self, elements: Sequence[str]) -> list[Any]:
        """Makes the operations and gives what `elements` name; if that fails, the graph has none of them."""
        graph = self.graph
        before, newest = len(graph._ops), graph._next_id_counter
        try:
            return self._run(elements)
        except BaseException:
            for op in graph._ops[before:]:
                del graph._nodes_by_name[op._name]
            del graph._ops[before:]
            graph._next_id_counter = newest
            graph._version_of_edges += 1
            raise

    def _run(self, elements: Sequence[str]) -> list[Any]:
        for node in Pending(self.nodes, self._sources):
            try:
                self._add(node)
            except _DAMAGE as error:
                raise _damaged(node.name, node.op, error) from error
        found = [self.element(e) for e in elements]
        self.maker.close_loops()
        for op in self.maker.new:
            try:
                self._colocate(op)
            except _DAMAGE as error:
                raise _damaged(op._name, op.type, error) from error
        self.maker.apply_scopes()
        for op in self.maker.new:
            self.graph._names_in_use.setdefault(op._name.lower(), 1)
        for function in self.library.kept(self.nodes):
            self.graph._functions[function.name] = function
        return found

    def _sources(self, node: NodeDef, known: dict[str, int]) -> Iterator[str]:
        if not _VALID_NAME(node.name):
            raise ValueError(f"Node '{node.name}': Node name contains invalid characters")
        controls = False
        for text in node.input:
            control = text.startswith("^")
            if controls and not control:
                raise ValueError(f"Node '{node.name}': Control dependencies must come after regular dependencies")
            controls = control
            name, index = (text[1:], 0) if control else parse_source(text)
            if self._mapped(text if control else f"{name}:{index}"):
                continue
            if name not in known:
                raise ValueError(f"Node '{node.name}': Unknown input node '{text}'")
            yield "^" + name if control else name

    def _mapped(self, key: str) -> bool:
        if key in self.input_map:
            self.used.add(key)
            return True
        return False

    def _name(self, node: NodeDef) -> str:
        wanted: str = self.prefix + node.name
        name = wanted
        number = 0
        while name in self.graph._nodes_by_name or name in self.scopes or (number and name in self.given):
            number += 1
            name = f"{wanted}_{number}"
        return name

    def _add(self, node: NodeDef) -> None:
        _note_defaults(node)
        data = [text for text in node.input if not text.startswith("^")]
        controls = [self._control(text[1:]) for text in node.input if text.startswith("^")]
        attrs, name = plain_attrs(checked_attrs(node)), self._name(node)
        self._check_colocation(node.name, attrs)
        if is_call(node.op, self.library):
            inputs = [self._input(node, text) for text in data]
            self.made[node.name] = self.library.call(node, name, inputs, controls, attrs)
            return
        open_at = [i for i, text in enumerate(data) if self._is_open(text)] if node.op in _MERGE else []
        first = next((self._input(node, t) for i, t in enumerate(data) if i not in open_at), None)
        inputs = [first if i in open_at and first is not None else self._input(node, t) for i, t in enumerate(data)]
        op = self.maker.add(node.op, name, inputs, attrs, controls, node.device, bool(open_at))
        for i in open_at:
            text = data[i]
            self.maker.open_merges.append((op, i, lambda text=text: self._input(node, text)))
        self.made[node.name] = op

    def _check_colocation(self, own: str, attrs: dict[str, Any]) -> None:
        for group in attrs.get("_class", ()):
            name = group.removeprefix(b"loc:@").decode()
            if group.startswith(b"loc:@") and name not in self.own_names:
                raise ValueError(f"Node '{own}' expects to be colocated with unknown node '{name}'")

    def _is_open(self, text: str) -> bool:
        name, index = parse_source(text)
        return f"{name}:{index}" not in self.input_map and name not in self.made

    def _input(self, node: NodeDef, text: str) -> Tensor:
        name, index = parse_source(text)
        key = f"{name}:{index}"
        if self._mapped(key):
            return self.input_map[key]
        outputs = self.made[name]._outputs
        if index >= len(outputs):
            raise ValueError(
                f"Node '{node.name}': Connecting to invalid output {index} of source node {name} which has {len(outputs)} outputs."
            )
        return outputs[index]

    def _control(self, name: str) -> Operation:
        if self._mapped(f"^{name}"):
            mapped: Operation = self.input_map[f"^{name}"].op
            return mapped
        return self.made[name]

    def _colocate(self, op: Operation) -> None:
        """Renames the operations that an operation's attributes name; only when all are made are their new names known."""
        if "_class" in op._attrs:
            op._set_attr("_class", [self._colocation(c) for c in op._attrs["_class"]])
        if "_exit" in op._attrs:
            # The gradient of a loop names it by one of its results.
            name = op._attrs["_exit"].decode()
            op._set_attr("_exit", self.made[name]._name.encode() if name in self.made else name.encode())

    def _colocation(self, group: bytes) -> bytes:
        if not group.startswith(b"loc:@"):
            return group
        name = group.removeprefix(b"loc:@").decode()
        return b"loc:@" + self.made[name]._name.encode()

    def unused(self) -> list[str]:
        """The mapped inputs that are not in the graph."""
        missing = []
        for key in self.input_map:
            name, index = parse_source(key.lstrip("^"))
            op = self.made.get(name)
            if key not in self.used and (op is None or (not key.startswith("^") and index >= len(op._outputs))):
                missing.append(key)
        return missing

    def element(self, name: str) -> Any:
        """The operation or tensor that a return element names."""
        node, index = (name, None) if ":" not in name else _tensor_name(name)
        op = self.made.get(node)
        if index is None:
            if op is None:
                raise ValueError(f"Requested return node '{name}' not found in graph def")
            return op
        if name in self.input_map:
            return self.input_map[name]
        if op is None:
            raise ValueError(f"Requested return tensor '{name}' not found in graph def")
        if index >= len(op._outputs):
            raise ValueError(f"Invalid return output {index} of node '{node}', which has {len(op._outputs)} output(s)")
        return op._outputs[index]


def _tensor_name(text: str) -> tuple[str, int]:
    parts = text.split(":")
    if len(parts) == 2 and parts[1].isdecimal():
        return parts[0], int(parts[1])
    if len(parts) == 1:
        return text, 0
    raise ValueError(f"Cannot convert {text!r} to a tensor name.")


def _mapped(input_map: Any, name: str | None) -> dict[str, Tensor]:
    if not input_map:
        return {}
    if not all(isinstance(v, Tensor) for v in input_map.values()):
        if name == "":
            raise ValueError(
                "tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. Try calling "
                "tf.convert_to_tensor() on `input_map` values before calling tf.import_graph_def()."
            )
        with name_scope("_inputs"):
            input_map = {k: convert_to_tensor(v) for k, v in input_map.items()}
    found = {}
    for key, value in input_map.items():
        text = key.decode() if isinstance(key, bytes) else key
        found[text if text.startswith("^") else "{}:{}".format(*_tensor_name(text))] = value
    return found


def _check_version(graph_def: GraphDef) -> None:
    versions = graph_def.versions
    if versions.producer < 0:
        raise ValueError(
            f"GraphDef producer version {versions.producer} below min producer 0 supported by TensorFlow 1.15.5.  Please "
            "regenerate your graph."
        )
    if versions.min_consumer > CURRENT_VERSION:
        raise ValueError(
            f"GraphDef min consumer version {versions.min_consumer} above current version {CURRENT_VERSION} for TensorFlow "
            "1.15.5.  Please upgrade TensorFlow."
        )
    if CURRENT_VERSION in versions.bad_consumers:
        raise ValueError(
            f"GraphDef disallows consumer version {CURRENT_VERSION}.  Please upgrade TensorFlow: this version is likely buggy."
        )


def _note_version(graph: Graph, graph_def: GraphDef) -> None:
    """A graph is as old as the oldest that was put into it."""
    producer = graph_def.versions.producer
    graph._producer = min(graph._producer, producer) if graph._ops else producer
    graph._min_consumer = max(graph._min_consumer, graph_def.versions.min_consumer)


def _drop_new_defaults(graph_def: GraphDef, producer_op_list: Any) -> None:
    """Drops attributes that are unknown here and have the value that their producer gave by default."""
    producer = {op.name: {a.name: a for a in op.attr} for op in producer_op_list.op}
    for node in graph_def.node:
        definition = find_op_def(node.op)
        for key in list(node.attr) if definition is not None else ():
            attr = producer.get(node.op, {}).get(key)
            if definition is not None and key not in definition.attr_by_name and attr is not None:
                if attr.HasField("default_value") and attr.default_value == node.attr[key]:
                    del node.attr[key]


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
    prefix, and names that are taken get a number. Loops and branches of Switch, Merge and Enter run as those that programs
    build; calls of functions, and `If` and `While`, are put in place as the operations that they stand for.
    Raises: TypeError for other types; ValueError for nodes and names that do not fit; NotFoundError for unknown op types.
    Source: TF 1.15 `tf.import_graph_def`.
    """
    graph_def = _checked_graph_def(graph_def)
    if input_map is not None and not (
        isinstance(input_map, dict) and all(isinstance(k, (str, bytes)) for k in input_map)
    ):
        raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")
    if return_elements is not None and not all(isinstance(e, (str, bytes)) for e in return_elements):
        raise TypeError("return_elements must be a list of strings.")
    elements = [e.decode() if isinstance(e, bytes) else e for e in return_elements or ()]
    for element in elements:
        _tensor_name(element)
    if producer_op_list is not None:
        _drop_new_defaults(graph_def, producer_op_list)
    graph = get_default_graph()
    with name_scope(name, "import", list((input_map or {}).values())) as scope:
        _check_version(graph_def)
        _note_version(graph, graph_def)
        work = _Import(graph, graph_def, scope or "", _mapped(input_map, name))
        with graph._lock:
            found = work.run(elements)
        unused = work.unused()
    if unused:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(unused)}]")
    return None if return_elements is None else found


def _checked_graph_def(graph_def: Any) -> GraphDef:
    if isinstance(graph_def, GraphDef):
        return graph_def
    # One of protobuf's own classes, where a program has them.
    if type(graph_def).__name__ == "GraphDef" and hasattr(graph_def, "SerializeToString"):
        return GraphDef.FromString(graph_def.SerializeToString())  # type: ignore[no-any-return]
    raise TypeError("graph_def must be a GraphDef proto.")
