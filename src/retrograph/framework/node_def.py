"""GraphDef, NodeDef, AttrValue and TensorProto: graphs as data, in the form of TF's protocol buffers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.message_text import quoted
from retrograph.framework.messages import Field, Message, message_class, override
from retrograph.framework.op_table import find_op_def
from retrograph.framework.shape import TensorShape

_ENUM_TEXT = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "float16": "DT_HALF"}
_quoted = quoted


def _enum_text(dtype: DType) -> str:
    name = dtype.base_dtype.name
    return _ENUM_TEXT.get(name, "DT_" + name.upper()) + ("_REF" if dtype._is_ref_dtype else "")


_VALUE_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
}


# TF's Python makes bytes of all other types.
_NEVER_BYTES = ("bool_val", "half_val", "scomplex_val", "dcomplex_val")


def is_uniform(array: Any) -> bool:
    """Whether all elements have the same bytes."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.size < 2 or flat.dtype.hasobject:
        return flat.size == 1
    if flat[:1].tobytes() != flat[-1:].tobytes():
        return False
    rows = flat.view(np.uint8).reshape(flat.size, -1)
    return bool((rows == rows[0]).all())


def value_fields(array: Any, dtype: DType, as_bytes: bool = True, spread: bool = False) -> dict[str, Any]:
    """The fields of a TensorProto that hold the elements: one value if all are the same, else bytes.

    Without `as_bytes` every element stands in the field of its type; with `spread` too, but several plain numbers are bytes.
    """
    if array.size == 0:
        return {}
    if dtype.base_dtype == dtypes.string:
        return {"string_val": [x if isinstance(x, bytes) else str(x).encode() for x in array.ravel().tolist()]}
    flat = np.ascontiguousarray(array).reshape(-1)
    if as_bytes and not spread:
        if not is_uniform(array):
            return {"tensor_content": flat.tobytes()}
        flat = flat[:1]
    name = _VALUE_FIELDS.get(dtype.base_dtype.name, "int_val")
    if spread and flat.size > 1 and name not in _NEVER_BYTES:
        return {"tensor_content": flat.tobytes()}
    if name == "half_val":
        return {name: flat.view(np.uint16).tolist()}
    if flat.dtype.kind == "c":
        return {name: flat.view(flat.real.dtype).tolist()}
    return {name: flat.tolist() if flat.dtype.kind in "fiub" else flat.astype(np.int64).tolist()}


@override("tensorflow.TensorProto")
class TensorProto(Message):
    """A tensor as data: TF's TensorProto."""

    @classmethod
    def of(cls, array: Any, dtype: DType | None = None, spread: bool = False) -> TensorProto:
        """The message of an array; with `spread` all elements stand in it even if they are the same."""
        made = cls()
        made.__dict__["_source"] = np.asarray(array)
        made.__dict__["_kind"], made.__dict__["_spread_out"] = dtype, spread
        del made.__dict__["_values"]
        return made

    def __getattr__(self, name: str) -> Any:
        if name == "_values":
            return self._spread()
        return super().__getattr__(name)

    def _spread(self) -> dict[str, Any]:
        """The fields, made from the array when they are asked for."""
        state = self.__dict__
        source, dtype, owner, present = state.pop("_source"), state.pop("_kind"), state["_owner"], state["_present"]
        values: dict[str, Any] = {}
        state["_values"] = values
        state["_owner"], state["_present"] = None, True
        dtype = dtype or dtypes.as_dtype(source.dtype)
        self.dtype = dtype.as_datatype_enum
        self.tensor_shape.CopyFrom(shape_proto(source.shape))
        for name, value in value_fields(source, dtype, spread=state.pop("_spread_out")).items():
            if name == "tensor_content":
                self.tensor_content = value
            else:
                getattr(self, name).extend(value)
        state["_owner"], state["_present"], state["_array"] = owner, present, source
        return values

    def _touch(self) -> None:
        self.__dict__.pop("_array", None)
        super()._touch()

    @property
    def array(self) -> Any:
        """The tensor as an array."""
        state = self.__dict__
        if "_source" in state:
            return state["_source"]
        if "_array" not in state:
            from retrograph.framework.graph_wire import parse_tensor

            state["_array"] = parse_tensor(self.SerializeToString())
        return state["_array"]

    def python_value(self) -> Any:
        """The array."""
        return self.array


TensorValue = TensorProto.of


@override("tensorflow.TensorShapeProto")
class TensorShapeProto(Message):
    """A shape as data: TF's TensorShapeProto."""

    def python_value(self) -> Any:
        """The shape as a plain tuple, None if the rank is unknown."""
        return TensorShape(self)._plain


def shape_proto(plain: Any) -> TensorShapeProto:
    """The message of a plain shape."""
    made = TensorShapeProto()
    if plain is None:
        made.unknown_rank = True
    for size in plain or ():
        made.dim.add(size=-1 if size is None else size)
    return made


class FunctionName(str):
    """The value of an attribute that is a function: its name; `attr` holds the function's own attributes."""

    attr: dict[str, Any]

    def __new__(cls, name: str, attr: Any = None) -> FunctionName:
        made = super().__new__(cls, name)
        made.attr = attr or {}
        return made


def function_proto(value: Any) -> Any:
    """The NameAttrList of a function attribute's value."""
    made = message_class("tensorflow.NameAttrList")(name=function_name(value))
    for key, attr in getattr(value, "attr", {}).items():
        made.attr[key].CopyFrom(attr)
    return made


def function_name(value: Any) -> str:
    """The name of a function attribute's value, a name or something that has one."""
    if isinstance(value, str):
        return str(value)
    value.add_to_graph_if_needed() if hasattr(value, "add_to_graph_if_needed") else None
    return str(getattr(value, "name", value))


@export("AttrValue")
@override("tensorflow.AttrValue")
class AttrValue(Message):
    """An attribute of a node: one field of TF's AttrValue (`s`, `i`, `f`, `b`, `type`, `shape`, `tensor`, `func`, `list`).

    Made from a kind and a Python value, or as TF's by keyword: `AttrValue(b=True)`.

    Source: TF 1.15 `tf.AttrValue`.
    """

    def __init__(self, kind: str = "", value: Any = None, **fields: Any):
        state = self.__dict__
        state["kind"], state["value"], state["_owner"] = kind, value, None
        if not fields:
            return
        for name, given in fields.items():
            if name not in _KIND_OF_FIELD and name not in ("list", "placeholder"):
                raise ValueError(f'Protocol message AttrValue has no "{name}" field.')
            self._put(name, given)

    @property
    def _present(self) -> bool:
        return bool(self.kind)

    def python_value(self) -> Any:
        """The value in the form that operations keep it."""
        if isinstance(self.value, list):
            return [_plain(v) for v in self.value]
        return _plain(self.value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = self.__dict__.get("kind", "")
        if name == "list":
            return ListValue(self)
        if name == "placeholder":
            return self.value if kind == name else ""
        if name not in _KIND_OF_FIELD:
            return getattr(type(self), name)
        if _FIELD_OF_KIND.get(kind) == name:
            value = _proto_value(self.__dict__["value"], name)
        else:
            value = _UNSET[name] if name in _UNSET else _EMPTY[name]()
        if isinstance(value, Message):
            value._attach(self, type(self).DESCRIPTOR.fields_by_name[name])
        return value

    def _take_child(self, field: Field, child: Any) -> None:
        self.__dict__["kind"], self.__dict__["value"] = _KIND_OF_FIELD[field.name], child
        self._touch()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("list", "shape", "tensor", "func"):
            raise AttributeError(f'Assignment not allowed to composite field "{name}" in protocol message object.')
        if name not in _KIND_OF_FIELD and name != "placeholder":
            raise AttributeError(f'Assignment not allowed (no field "{name}" in protocol message object).')
        self._put(name, value)

    def _put(self, name: str, value: Any) -> None:
        if name == "list":
            kind, value = value.owner.kind, list(value.owner.value or ())
        elif name == "placeholder":
            kind = name
        else:
            kind, value = _KIND_OF_FIELD[name], _plain_value(value, name)
        self.__dict__["kind"], self.__dict__["value"] = kind, value
        self._touch()

    def _touch(self) -> None:
        if self._owner is not None:
            owner, field = self._owner
            owner._take_child(field, self)

    SetInParent = _touch

    def _attach(self, owner: Any, field: Field) -> None:
        self.__dict__["_owner"] = (owner, field)

    def CopyFrom(self, other: Any) -> None:
        """Takes the value of another attribute."""
        self._check_same(other)
        value = [_own(v) for v in other.value] if isinstance(other.value, list) else _own(other.value)
        self.__dict__["kind"], self.__dict__["value"] = other.kind, value
        self._touch()

    def MergeFrom(self, other: Any) -> None:
        """Takes the value of another attribute, if it has one."""
        if other.kind:
            self.CopyFrom(other)

    def Clear(self) -> None:
        """Unsets the value."""
        self.__dict__["kind"], self.__dict__["value"] = "", None

    def ClearField(self, name: str) -> None:
        """Unsets the value if it is of that kind."""
        if name == "value" or self.HasField(name):
            self.Clear()

    def HasField(self, name: str) -> bool:
        """Whether the attribute is of that kind."""
        return self.WhichOneof("value") == name if name != "value" else bool(self.kind)

    def WhichOneof(self, name: str) -> str | None:
        """The kind of the value."""
        kind: str = self.kind
        if kind == "placeholder":
            return kind
        return "list" if kind.startswith("list") else _FIELD_OF_KIND.get(kind)

    def ListFields(self) -> list[tuple[Field, Any]]:
        """(field, value) of the value."""
        name = self.WhichOneof("value")
        return [(type(self).DESCRIPTOR.fields_by_name[name], getattr(self, name))] if name else []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttrValue) and self.SerializeToString() == other.SerializeToString()

    __hash__ = None

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        """The attribute in the wire format."""
        from retrograph.framework.graph_wire import attr_bytes

        return attr_bytes(self)

    def ParseFromString(self, data: bytes) -> int:
        """Takes the value of an attribute's bytes; gives their number. Raises: DecodeError for other bytes."""
        self.CopyFrom(type(self).FromString(data))
        return len(data)

    def _merge_wire(self, data: bytes, depth: int) -> None:
        from retrograph.framework.graph_wire import parse_attr

        self.MergeFrom(parse_attr(data, depth))

    class ListValue:
        """A list to give as `AttrValue(list=AttrValue.ListValue(s=[b"x"]))`."""

        def __init__(self, **fields: Any):
            self.owner = AttrValue()
            for name, values in fields.items():
                self.owner.__dict__["kind"] = f"list({_KIND_OF_FIELD[name]})"
                self.owner.__dict__["value"] = [_plain_value(v, name) for v in values]

        def __getattr__(self, name: str) -> Any:
            return getattr(ListValue(self.owner), name)


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
_EMPTY: dict[str, Any] = {
    "shape": TensorShapeProto,
    "tensor": TensorProto,
    "func": lambda: message_class("tensorflow.NameAttrList")(),
}


def _own(value: Any) -> Any:
    """A value that later changes of `value` do not reach: messages change, all else does not."""
    return copy.deepcopy(value) if isinstance(value, Message) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.python_value() if hasattr(value, "python_value") else _named(value)
    return value


def _named(function: Any) -> Any:
    return FunctionName(function.name, dict(function.attr))


def _plain_value(value: Any, name: str) -> Any:
    if name == "type":
        return dtypes.as_dtype(value)
    if name == "shape":
        return TensorShape(value)._plain
    if name == "tensor":
        return value if isinstance(value, TensorProto) else np.asarray(value)
    if name == "func":
        return _named(value) if isinstance(value, Message) else value
    if name == "s":
        return value.encode() if isinstance(value, str) else bytes(value)
    return {"i": int, "f": float, "b": bool}[name](value)


class _FieldList(list[Any]):
    """One field of a ListValue; what is appended becomes the attribute's value."""

    def __init__(self, owner: AttrValue, name: str):
        self._owner, self._name = owner, name
        matches = owner.kind == f"list({_KIND_OF_FIELD[name]})"
        super().__init__([_proto_value(v, name) for v in owner.value or ()] if matches else [])

    def extend(self, values: Any) -> None:
        """Appends values and makes the attribute a list of this kind."""
        super().extend(values)
        self._store()

    MergeFrom = extend

    def append(self, value: Any) -> None:
        """Appends a value."""
        self.extend([value])

    def add(self, **fields: Any) -> Any:
        """Appends a new message and gives it."""
        made = type(_EMPTY[self._name]())(**fields)
        super().append(made)
        self._store([*(self._owner.value or ()), made] if self._owner.kind == self._kind else [made])
        return made

    @property
    def _kind(self) -> str:
        return f"list({_KIND_OF_FIELD[self._name]})"

    def _store(self, values: Any = None) -> None:
        new = [_plain_value(v, self._name) for v in self] if values is None else values
        self._owner.__dict__["kind"], self._owner.__dict__["value"] = self._kind, new
        self._owner._touch()

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self._store()

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._store()

    def insert(self, index: Any, value: Any) -> None:
        """Puts a value before another."""
        super().insert(index, value)
        self._store()

    def remove(self, value: Any) -> None:
        """Takes the first such value out."""
        super().remove(value)
        self._store()


class ListValue:
    """The list of a list-valued attribute, by the fields of TF's ListValue."""

    def __init__(self, owner: AttrValue):
        self.owner = owner

    def __getattr__(self, name: str) -> Any:
        if name in _KIND_OF_FIELD:
            return _FieldList(self.owner, name)
        raise AttributeError(name)

    def CopyFrom(self, other: Any) -> None:
        """Takes the values of another list."""
        self.owner._put("list", other)

    MergeFrom = CopyFrom

    def SetInParent(self) -> None:
        """Makes the attribute an empty list if it is nothing yet."""
        if not self.owner.kind.startswith("list"):
            self.owner._put("list", AttrValue.ListValue(i=[]))

    def ListFields(self) -> list[tuple[Any, Any]]:
        """(field, values) of the one that is set."""
        raw = message_class("tensorflow.AttrValue.ListValue", raw=True)
        kind = self.owner.kind
        if not kind.startswith("list") or not self.owner.value:
            return []
        name = _FIELD_OF_KIND[kind[5:-1]]
        return [(raw.DESCRIPTOR.fields_by_name[name], getattr(self, name))]


def _proto_value(value: Any, name: str) -> Any:
    if isinstance(value, Message):
        return value
    if name == "type":
        return value.as_datatype_enum
    if name == "shape":
        return shape_proto(value)
    if name == "func":
        return function_proto(value)
    return TensorProto.of(value) if name == "tensor" else value


VersionDef: Any = message_class("tensorflow.VersionDef")


@export("NodeDef")
@override("tensorflow.NodeDef")
class NodeDef(Message):
    """A node of a GraphDef. Source: TF 1.15 `tf.NodeDef`."""

    @classmethod
    def of(cls, name: str, op: str, inputs: Any = (), device: str = "", attr: Any = None) -> NodeDef:
        """A node of these parts, which are its own from now on."""
        made = cls()
        values = made._values
        values["name"], values["op"], values["device"] = name, op, device
        list.extend(made.input, inputs)
        dict.update(made.attr, attr or {})
        return made

    def add_shapes(self, op: Any) -> None:
        """Adds the attribute `_output_shapes`."""
        dict.__setitem__(self.attr, "_output_shapes", AttrValue("list(shape)", [t._shape for t in op._outputs]))

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        """The node in the binary format."""
        from retrograph.framework.graph_wire import node_bytes

        return node_bytes(self)

    def _merge_wire(self, data: bytes, depth: int) -> None:
        from retrograph.framework.graph_wire import merge_node

        self._touch()
        merge_node(self, data, depth)


@export("GraphDef")
@override("tensorflow.GraphDef")
class GraphDef(Message):
    """A graph as data: its nodes in order of creation.

    Source: TF 1.15 `tf.GraphDef`.
    """

    def _take(self, other: GraphDef) -> None:
        """Takes all of another graph without copying its nodes: neither is changed from now on."""
        self.Clear()
        self._values.update(other._values)


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
        ((FunctionName,), "func"),
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
    return NodeDef.of(op._name, op._type, inputs, op._device, attrs)
