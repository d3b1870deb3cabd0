"""GraphDef, NodeDef, AttrValue and TensorProto in the binary wire format."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from retrograph.framework import dtypes, wire
from retrograph.framework.dtypes import DType
from retrograph.framework.messages import Message, message_class
from retrograph.framework.node_def import (
    AttrValue,
    FunctionName,
    NodeDef,
    function_proto,
    value_fields,
)
from retrograph.framework.op_table import find_op_def
from retrograph.framework.wire import BYTES, FIXED32, VARINT, WireError

_FIELDS = {"string": 2, "int": 3, "float": 4, "bool": 5, "type": 6, "shape": 7, "tensor": 8}
_KINDS = {number: kind for kind, number in _FIELDS.items()}
_PACKED = ("int", "bool", "type")
# The elements that a message leaves out make no more memory than this, or than so many times those that it has.
_FREELY_FILLED, _LARGEST_RATIO = 64 << 20, 1000
# Of larger tensors it is not found out whether all elements are the same.
_LARGE = 1 << 16


def _oneof(number: int, value: int) -> bytes:
    """A VARINT field that is there also for 0: members of a oneof."""
    return wire.varint(number << 3) + wire.varint(value)


def shape_bytes(shape: Any) -> bytes:
    """A TensorShapeProto."""
    if shape is None:
        return _oneof(3, 1)
    return b"".join(wire.message(2, wire.integer(1, -1 if d is None else d)) for d in shape)


def tensor_bytes(array: Any, dtype: DType | None = None) -> bytes:
    """A TensorProto; numbers that differ as `tensor_content`."""
    array = np.asarray(array)
    dtype = dtype or dtypes.as_dtype(array.dtype)
    head = wire.integer(1, dtype.as_datatype_enum) + wire.message(2, shape_bytes(array.shape))
    if array.nbytes > _LARGE and not array.dtype.hasobject:
        return head + wire.text(4, np.ascontiguousarray(array).tobytes())
    fields = value_fields(array, dtype)
    if "tensor_content" in fields:
        return head + wire.text(4, fields["tensor_content"])
    if "string_val" in fields:
        return head + b"".join(wire.message(8, t) for t in fields["string_val"])
    return head + _VALUES(**fields).SerializeToString() if fields else head


def _VALUES(**fields: Any) -> Any:
    return message_class("tensorflow.TensorProto", raw=True)(**fields)


def _single(kind: str, value: Any, number: int) -> bytes:
    if isinstance(value, Message):
        return wire.message(number, value.SerializeToString())
    if kind == "string":
        return wire.message(number, value)
    if kind == "float":
        return wire.float32(number, value)
    if kind == "shape":
        return wire.message(number, shape_bytes(value))
    if kind == "tensor":
        return wire.message(number, tensor_bytes(value))
    return _oneof(number, value.as_datatype_enum if kind == "type" else int(value))


def attr_bytes(attr: AttrValue) -> bytes:
    """An AttrValue."""
    kind, value = attr.kind, attr.value
    if kind == "func":
        return wire.message(10, function_bytes(value))
    if kind == "placeholder":
        return wire.message(9, value)
    if not kind.startswith("list"):
        return _single(kind, value, _FIELDS[kind]) if kind else b""
    kind = kind[5:-1]
    if kind == "func":
        return wire.message(1, b"".join(wire.message(9, function_bytes(v)) for v in value))
    number = _FIELDS[kind]
    if not value:
        return wire.message(1, b"")
    if kind in _PACKED:
        numbers = b"".join(wire.varint(v.as_datatype_enum if kind == "type" else int(v)) for v in value)
        return wire.message(1, wire.text(number, numbers))
    if kind == "float":
        return wire.message(1, wire.text(number, b"".join(struct.pack("<f", v) for v in value)))
    return wire.message(1, b"".join(_single(kind, v, number) for v in value))


def function_bytes(value: Any) -> bytes:
    """A NameAttrList."""
    if isinstance(value, Message):
        return value.SerializeToString()
    if type(value) is str:
        return wire.text(1, value)
    data: bytes = function_proto(value).SerializeToString()
    return data


def node_bytes(node: NodeDef) -> bytes:
    """A NodeDef."""
    parts = [wire.text(1, node.name), wire.text(2, node.op), *(wire.message(3, i) for i in node.input)]
    parts.append(wire.text(4, node.device))
    for key in sorted(node.attr):
        parts.append(wire.message(5, wire.text(1, key) + wire.message(2, attr_bytes(node.attr[key]))))
    if node.HasField("experimental_debug_info"):
        parts.append(wire.message(6, node.experimental_debug_info.SerializeToString()))
    return b"".join(parts)


# ---- reading


def _bytes(kind: int, value: Any) -> bytes:
    wire.expect(kind, BYTES)
    return bytes(value)


def _parse_shape(data: bytes) -> Any:
    dims: list[int | None] = []
    for number, kind, value in wire.read_fields(data):
        if number == 3 and value:
            return None
        if number == 2:
            size = [wire.signed(v) for n, _, v in wire.read_fields(_bytes(kind, value)) if n == 1]
            dims.append((None if size[-1] < 0 else size[-1]) if size else 0)
    return tuple(dims)


_NUMBERS: dict[int, str] = {5: "<f4", 6: "<f8", 9: "<f4", 12: "<f8"}


def _values(number: int, kind: int, value: Any) -> list[Any]:
    if number not in _NUMBERS:
        return [wire.signed(v) for v in wire.packed_varints(kind, value)]
    if kind == BYTES:
        return list(np.frombuffer(bytes(value), _NUMBERS[number]).tolist())
    return [wire.as_float32(value) if kind == FIXED32 else wire.as_float64(value)]


def parse_tensor(
    data: bytes, dtype: DType = dtypes.float32, shape: Any = (), filled: bool = True
) -> np.ndarray[Any, Any]:
    """The array of a TensorProto's bytes; type and shape are given where the message does not tell them.

    The last value stands for all that are missing, unless not `filled`. Raises: WireError for other bytes.
    """
    content = b""
    texts: list[bytes] = []
    numbers: list[Any] = []
    halves = False
    for number, kind, value in wire.read_fields(data):
        if number == 1:
            dtype = dtypes.as_dtype(value)
        elif number == 2:
            shape = _parse_shape(_bytes(kind, value))
        elif number == 4:
            content = _bytes(kind, value)
        elif number == 8:
            texts.append(_bytes(kind, value))
        elif number in (5, 6, 7, 9, 10, 11, 12, 13, 16, 17):
            numbers += _values(number, kind, value)
            halves = number == 13
    if shape is None or None in shape:
        raise WireError("a tensor of unknown shape")
    values = texts if dtype == dtypes.string else numbers
    if not filled and not content and len(values) != math.prod(shape) * (2 if dtype.is_complex else 1):
        raise WireError("a tensor has another number of values than its shape")
    return _array(dtype, shape, content, values, halves)


def _array(dtype: DType, shape: Any, content: bytes, values: list[Any], halves: bool) -> np.ndarray[Any, Any]:
    count, numpy_type = math.prod(shape), np.dtype(dtype.as_numpy_dtype)
    if content:
        if numpy_type.hasobject or len(content) != count * numpy_type.itemsize:
            raise WireError("a tensor's content does not fit its shape")
        return np.frombuffer(content, numpy_type).reshape(shape).copy()
    if dtype.is_complex:
        values = [complex(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
    if len(values) > max(count, 1):
        raise WireError("a tensor has more values than its shape")
    if dtype == dtypes.string:
        flat = np.empty(len(values), object)
        flat[:] = values
        last: Any = values[-1] if values else b""
    elif halves:
        flat = np.array([v & 0xFFFF for v in values], np.uint16).view(numpy_type)
        last = flat[-1]
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            flat = np.array([v % (1 << 64) for v in values] if dtype.name == "uint64" else values, numpy_type)
        last = flat[-1] if len(flat) else numpy_type.type(0)
    # The last value stands for all that follow; a view, so that a small message cannot ask for much memory.
    if len(flat) <= 1 and count != len(flat):
        filler = np.empty((), numpy_type)
        filler[()] = last
        return np.broadcast_to(filler, shape)
    if count * numpy_type.itemsize > max(_FREELY_FILLED, _LARGEST_RATIO * flat.nbytes):
        raise WireError("a tensor is larger than a graph can hold")
    whole = np.empty(count, numpy_type)
    whole[: len(flat)] = flat[:count]
    whole[len(flat) :] = last
    return whole.reshape(shape)


def _read_single(kind: str, wire_kind: int, value: Any) -> Any:
    if kind in ("string", "shape", "tensor"):
        data = _bytes(wire_kind, value)
        return {"string": lambda d: d, "shape": _parse_shape, "tensor": parse_tensor}[kind](data)
    if kind == "float":
        wire.expect(wire_kind, FIXED32)
        return wire.as_float32(value)
    wire.expect(wire_kind, VARINT)
    return dtypes.as_dtype(value) if kind == "type" else bool(value) if kind == "bool" else wire.signed(value)


def _read_list(data: bytes, depth: int) -> AttrValue:
    found, kind = [], "int"
    for number, wire_kind, value in wire.read_fields(data):
        if number == 9:
            kind = "func"
            found.append(_function(_bytes(wire_kind, value), depth))
            continue
        if number not in _KINDS:
            continue
        kind = _KINDS[number]
        if kind in _PACKED:
            found += [_read_single(kind, VARINT, v) for v in wire.packed_varints(wire_kind, value)]
        elif kind == "float" and wire_kind == BYTES:
            found += np.frombuffer(bytes(value), "<f4").tolist()
        else:
            found.append(_read_single(kind, wire_kind, value))
    return AttrValue(f"list({kind})", found)


def _function(data: bytes, depth: int) -> FunctionName:
    made = message_class("tensorflow.NameAttrList")()
    made._merge_wire(data, depth - 1)
    return FunctionName(made.name, dict(made.attr))


def parse_attr(data: bytes, depth: int = 100) -> AttrValue:
    """The AttrValue of its bytes. Raises: WireError for other bytes."""
    if depth < 0:
        raise WireError("messages are nested too deep")
    found = AttrValue()
    for number, kind, value in wire.read_fields(data):
        if number == 1:
            found = _read_list(_bytes(kind, value), depth - 1)
        elif number == 10:
            found = AttrValue("func", _function(_bytes(kind, value), depth))
        elif number == 9:
            found = AttrValue("placeholder", _bytes(kind, value).decode())
        elif number in _KINDS:
            found = AttrValue(_KINDS[number], _read_single(_KINDS[number], kind, value))
    return found


def merge_node(node: NodeDef, data: bytes, depth: int = 100) -> None:
    """Merges a NodeDef's bytes. Raises: WireError for other bytes."""
    inputs, attrs = node.input, node.attr
    for number, kind, value in wire.read_fields(data):
        if number in (1, 2, 4):
            node._values[_TEXTS[number]] = _bytes(kind, value).decode()
        elif number == 3:
            list.append(inputs, _bytes(kind, value).decode())
        elif number == 5:
            pair = {n: _bytes(k, v) for n, k, v in wire.read_fields(_bytes(kind, value))}
            dict.__setitem__(attrs, pair.get(1, b"").decode(), parse_attr(pair.get(2, b""), depth - 1))
        elif number == 6:
            node.experimental_debug_info._merge_wire(_bytes(kind, value), depth - 1)
    definition = find_op_def(node.op)
    for name, attr in attrs.items():
        # An empty list does not say of what.
        known = definition.attr_by_name.get(name) if definition else None
        if known is not None and known.type.startswith("list(") and not attr.value:
            dict.__setitem__(attrs, name, AttrValue(known.type, []))


_TEXTS = {1: "name", 2: "op", 4: "device"}
