"""GraphDef and NodeDef as plain objects that read and print like TF's protocol buffers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.op_table import find_op_def
from retrograph.framework.shape import TensorShape

_ENUM_TEXT = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "float16": "DT_HALF"}


def _enum_text(dtype: DType) -> str:
    name = dtype.base_dtype.name
    return _ENUM_TEXT.get(name, "DT_" + name.upper()) + ("_REF" if dtype._is_ref_dtype else "")


def _quoted(data: bytes) -> str:
    escapes = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x22: '\\"', 0x27: "\\'", 0x5C: "\\\\"}
    return '"' + "".join(escapes.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in data) + '"'


class TensorValue:
    """A constant tensor, as TF's TensorProto."""

    def __init__(self, array: Any):
        self.array = np.asarray(array)

    @property
    def dtype(self) -> int:
        """The enum number of the dtype."""
        return dtypes.as_dtype(self.array.dtype).as_datatype_enum

    @property
    def tensor_shape(self) -> Any:
        """The shape, as TensorShapeProto."""
        return TensorShape(self.array.shape).as_proto()

    def python_value(self) -> Any:
        """The array."""
        return self.array

    def text(self) -> list[str]:
        """The lines of the text format."""
        dtype = dtypes.as_dtype(self.array.dtype)
        lines = [f"dtype: {_enum_text(dtype)}", "tensor_shape {"]
        for size in self.array.shape:
            lines += ["  dim {", f"    size: {size}", "  }"]
        lines.append("}")
        return lines + _value_lines(self.array, dtype)


def _value_lines(array: Any, dtype: DType) -> list[str]:
    if array.size == 0:
        return []
    if dtype == dtypes.string:
        return [f"string_val: {_quoted(x if isinstance(x, bytes) else str(x).encode())}" for x in array.ravel()]
    flat = array.ravel()
    if array.size > 1 and not bool((flat == flat[0]).all()):
        return [f"tensor_content: {_quoted(flat.tobytes())}"]
    names = {
        "float32": "float_val",
        "float64": "double_val",
        "int64": "int64_val",
        "bool": "bool_val",
        "float16": "half_val",
        "bfloat16": "half_val",
    }
    value = flat[0].item() if hasattr(flat[0], "item") else flat[0]
    return [f"{names.get(dtype.name, 'int_val')}: {_number(value)}"]


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if not isinstance(value, complex) else f"{value.real}"


class AttrValue:
    """An attribute of a node: one field of TF's AttrValue (`s`, `i`, `f`, `b`, `type`, `shape`, `tensor`, `func`, `list`).

    Made from a kind and a Python value, or as TF's by keyword: `AttrValue(b=True)`.
    """

    def __init__(self, kind: str = "", value: Any = None, **fields: Any):
        self.__dict__["kind"], self.__dict__["value"] = kind, value
        for name, given in fields.items():
            setattr(self, name, given)

    def python_value(self) -> Any:
        """The value in the form that operations keep it."""
        return self.value

    def __getattr__(self, name: str) -> Any:
        kind = self.__dict__.get("kind", "")
        if name == "list":
            if not kind:
                self.__dict__["kind"], self.__dict__["value"] = "list(int)", []
            return ListValue(self)
        if name in _KIND_OF_FIELD:
            return _proto_value(self.__dict__["value"], name) if _FIELD_OF_KIND.get(kind) == name else _UNSET.get(name)
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "list":
            self.__dict__["kind"], self.__dict__["value"] = value.owner.kind, list(value.owner.value or ())
        elif name in _KIND_OF_FIELD:
            self.__dict__["kind"], self.__dict__["value"] = _KIND_OF_FIELD[name], _plain_value(value, name)
        else:
            raise AttributeError(f'Assignment not allowed (no field "{name}" in protocol message object).')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttrValue) and self.text() == other.text()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "".join(line + "\n" for line in self.text())

    def CopyFrom(self, other: AttrValue) -> None:
        """Takes the value of another attribute."""
        self.__dict__["kind"], self.__dict__["value"] = other.kind, other.value

    def HasField(self, name: str) -> bool:
        """Whether the attribute is of that kind."""
        return _FIELD_OF_KIND.get(self.kind, "list" if self.kind.startswith("list") else "") == name

    def text(self) -> list[str]:
        """The lines of the text format."""
        if not self.kind:
            return []
        if self.kind.startswith("list"):
            inner = _FIELD_OF_KIND[self.kind[5:-1]]
            return ["list {", *("  " + line for v in self.value or () for line in _field_lines(inner, v)), "}"]
        return _field_lines(_FIELD_OF_KIND[self.kind], self.value)

    class ListValue:
        """A list to give as `AttrValue(list=AttrValue.ListValue(s=[b"x"]))`."""

        def __init__(self, **fields: Any):
            self.owner = AttrValue()
            for name, values in fields.items():
                self.owner.__dict__["kind"] = f"list({_KIND_OF_FIELD[name]})"
                self.owner.__dict__["value"] = [_plain_value(v, name) for v in values]


_FIELD_OF_KIND = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}
_KIND_OF_FIELD = {field: kind for kind, field in _FIELD_OF_KIND.items()}
_UNSET: dict[str, Any] = {"s": b"", "i": 0, "f": 0.0, "b": False, "type": 0}


def _plain_value(value: Any, name: str) -> Any:
    if name == "type":
        return dtypes.as_dtype(value)
    if name == "shape":
        return TensorShape(value)._plain
    if name == "tensor":
        return value.array if hasattr(value, "array") else value
    return value.encode() if name == "s" and isinstance(value, str) else value


class _FieldList(list[Any]):
    """One field of a ListValue; what is appended becomes the attribute's value."""

    def __init__(self, owner: AttrValue, name: str):
        self._owner, self._name = owner, name
        matches = owner.kind == f"list({_KIND_OF_FIELD[name]})"
        super().__init__(_proto_value(v, name) for v in owner.value or ()) if matches else super().__init__()

    def extend(self, values: Any) -> None:
        """Appends values and makes the attribute a list of this kind."""
        super().extend(values)
        self._owner.__dict__["kind"] = f"list({_KIND_OF_FIELD[self._name]})"
        self._owner.__dict__["value"] = [_plain_value(v, self._name) for v in self]

    def append(self, value: Any) -> None:
        """Appends a value."""
        self.extend([value])


class ListValue:
    """The list of a list-valued attribute, by the fields of TF's ListValue."""

    def __init__(self, owner: AttrValue):
        self.owner = owner

    def __getattr__(self, name: str) -> Any:
        if name in _KIND_OF_FIELD:
            return _FieldList(self.owner, name)
        raise AttributeError(name)

    def SetInParent(self) -> None:
        """Makes the attribute an empty list if it is nothing yet."""


def _proto_value(value: Any, name: str) -> Any:
    if name == "type":
        return value.as_datatype_enum
    if name == "shape":
        return TensorShape._of(value).as_proto()
    return TensorValue(value) if name == "tensor" else value


def _field_lines(name: str, value: Any) -> list[str]:
    if name == "shape":
        return ["shape {", *("  " + line for line in str(TensorShape._of(value).as_proto()).splitlines()), "}"]
    if name == "tensor":
        return ["tensor {", *("  " + line for line in TensorValue(value).text()), "}"]
    if name == "func":
        return ["func {", f"  name: {_quoted(str(value).encode())}", "}"]
    if name == "type":
        return [f"type: {_enum_text(value)}"]
    if name == "s":
        return [f"s: {_quoted(value if isinstance(value, bytes) else str(value).encode())}"]
    return [f"{name}: {_number(float(value)) if name == 'f' else _number(value)}"]


@dataclass
class VersionDef:
    """The version of a GraphDef."""

    producer: int = 0
    min_consumer: int = 0


@export("NodeDef")
@dataclass
class NodeDef:
    """A node of a GraphDef."""

    name: str = ""
    op: str = ""
    input: list[str] = field(default_factory=list)
    device: str = ""
    attr: dict[str, AttrValue] = field(default_factory=dict)

    def add_shapes(self, op: Any) -> None:
        """Adds the attribute `_output_shapes`."""
        self.attr["_output_shapes"] = AttrValue("list(shape)", [t._shape for t in op._outputs])

    def __str__(self) -> str:
        lines = [f'name: "{self.name}"', f'op: "{self.op}"', *(f'input: "{i}"' for i in self.input)]
        if self.device:
            lines.append(f'device: "{self.device}"')
        for key in sorted(self.attr):
            lines += [
                "attr {",
                f'  key: "{key}"',
                "  value {",
                *("    " + line for line in self.attr[key].text()),
                "  }",
                "}",
            ]
        return "".join(line + "\n" for line in lines)

    __repr__ = __str__

    def SerializeToString(self) -> bytes:
        """The node in the binary format."""
        from retrograph.framework.graph_wire import node_bytes

        return node_bytes(self)

    def CopyFrom(self, other: NodeDef) -> None:
        """Takes all of another node."""
        self.name, self.op, self.device = other.name, other.op, other.device
        self.input, self.attr = list(other.input), dict(other.attr)


class _Nodes(list[NodeDef]):
    def add(self) -> NodeDef:
        """Appends an empty node."""
        self.append(NodeDef())
        return self[-1]


@export("GraphDef")
@dataclass
class GraphDef:
    """A graph as data: its nodes in order of creation."""

    node: _Nodes = field(default_factory=_Nodes)
    versions: VersionDef = field(default_factory=VersionDef)

    def SerializeToString(self) -> bytes:
        """The graph in the binary format, that of `.pb` files."""
        from retrograph.framework.graph_wire import graph_bytes

        return graph_bytes(self)

    @classmethod
    def FromString(cls, data: bytes) -> GraphDef:
        """The graph of the content of a `.pb` file. Raises DataLossError for other bytes."""
        from retrograph.framework.graph_wire import parse_graph

        return parse_graph(data)

    def ParseFromString(self, data: bytes) -> int:
        """Takes the graph of the content of a `.pb` file; gives its length. Raises DataLossError for other bytes."""
        self.CopyFrom(GraphDef.FromString(data))
        return len(data)

    def CopyFrom(self, other: GraphDef) -> None:
        """Takes all of another graph."""
        self.node, self.versions = _Nodes(), VersionDef(other.versions.producer, other.versions.min_consumer)
        for node in other.node:
            self.node.add().CopyFrom(node)

    def __str__(self) -> str:
        nodes = "".join("node {\n" + re.sub(r"(?m)^", "  ", str(n)[:-1]) + "\n}\n" for n in self.node)
        return nodes + f"versions {{\n  producer: {self.versions.producer}\n}}\n"


def _kind_of(name: str, value: Any, op_type: str) -> str:
    definition = find_op_def(op_type)
    attr = definition.attr_by_name.get(name) if definition else None
    if attr is not None:
        return attr.type
    return _guessed_kind(value)


def _guessed_kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list({_guessed_kind(value[0]) if value else 'int'})"
    for types, kind in (
        ((bool,), "bool"),
        ((int,), "int"),
        ((float,), "float"),
        ((DType,), "type"),
        ((bytes, str), "string"),
        ((np.ndarray,), "tensor"),
    ):
        if isinstance(value, types):
            return kind
    return "shape"


def node_def_of(op: Any) -> NodeDef:
    """The NodeDef of an operation."""
    inputs = [t._as_node_def_input() for t in op._inputs] + [f"^{c._name}" for c in op._control_inputs]
    attrs = {k: AttrValue(_kind_of(k, v, op._type), v) for k, v in op._attrs.items()}
    return NodeDef(op._name, op._type, inputs, op._device, attrs)
