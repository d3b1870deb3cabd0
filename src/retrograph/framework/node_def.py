"""GraphDef and NodeDef as plain objects that read and print like TF's protocol buffers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.dtypes import DType
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
    names = {"float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val", "float16": "half_val", "bfloat16": "half_val"}
    value = flat[0].item() if hasattr(flat[0], "item") else flat[0]
    return [f"{names.get(dtype.name, 'int_val')}: {_number(value)}"]


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if not isinstance(value, complex) else f"{value.real}"


@dataclass
class AttrValue:
    """An attribute of a node: exactly one of its fields is told by `kind`."""

    kind: str
    value: Any

    def python_value(self) -> Any:
        """The value in the form that operations keep it."""
        return self.value

    def __getattr__(self, name: str) -> Any:
        if name == "list" and self.__dict__.get("kind", "").startswith("list"):
            return ListValue(self.kind[5:-1], self.value)
        if name in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
            return _proto_value(self.__dict__["value"], name)
        raise AttributeError(name)

    def HasField(self, name: str) -> bool:  # noqa: N802 - protocol buffers' name
        """Whether the attribute is of that kind."""
        return _FIELD_OF_KIND.get(self.kind, "list" if self.kind.startswith("list") else "") == name

    def text(self) -> list[str]:
        """The lines of the text format."""
        if self.kind.startswith("list"):
            inner = _FIELD_OF_KIND[self.kind[5:-1]]
            return ["list {", *("  " + line for v in self.value or () for line in _field_lines(inner, v)), "}"]
        return _field_lines(_FIELD_OF_KIND[self.kind], self.value)


_FIELD_OF_KIND = {"string": "s", "int": "i", "float": "f", "bool": "b", "type": "type", "shape": "shape", "tensor": "tensor", "func": "func"}


class ListValue:
    """The list of a list-valued attribute."""

    def __init__(self, kind: str, values: Any):
        self._field = _FIELD_OF_KIND[kind]
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name in _FIELD_OF_KIND.values():
            return [_proto_value(v, name) for v in self._values] if name == self._field else []
        raise AttributeError(name)


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
            lines += ["attr {", f'  key: "{key}"', "  value {", *("    " + line for line in self.attr[key].text()), "  }", "}"]
        return "".join(line + "\n" for line in lines)

    __repr__ = __str__

    def CopyFrom(self, other: NodeDef) -> None:  # noqa: N802
        """Takes all of another node."""
        self.name, self.op, self.device = other.name, other.op, other.device
        self.input, self.attr = list(other.input), dict(other.attr)


class _Nodes(list[NodeDef]):
    def add(self) -> NodeDef:
        """Appends an empty node."""
        self.append(NodeDef())
        return self[-1]


@dataclass
class GraphDef:
    """A graph as data: its nodes in order of creation."""

    node: _Nodes = field(default_factory=_Nodes)
    versions: VersionDef = field(default_factory=VersionDef)

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
    for types, kind in (((bool,), "bool"), ((int,), "int"), ((float,), "float"), ((DType,), "type"), ((bytes, str), "string"), ((np.ndarray,), "tensor")):
        if isinstance(value, types):
            return kind
    return "shape"


def node_def_of(op: Any) -> NodeDef:
    """The NodeDef of an operation."""
    inputs = [t._as_node_def_input() for t in op._inputs] + [f"^{c._name}" for c in op._control_inputs]
    attrs = {k: AttrValue(_kind_of(k, v, op._type), v) for k, v in op._attrs.items()}
    return NodeDef(op._name, op._type, inputs, op._device, attrs)
