"""Protocol buffers of TensorFlow as plain objects: fields, presence, the wire format; their definitions are recorded data.

`message_class("tensorflow.SaverDef")` gives the class of a message. It has the methods of protobuf's Python classes that
programs use. Classes with a form of their own (`GraphDef`'s attributes, tensors) replace the general ones by `overrides`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from retrograph.framework import errors, wire
from retrograph.framework.message_fields import (
    Descriptor,
    Field,
    _checked_enum,
    _default,
    _packed_bytes,
    _parsed_scalar,
    _parsed_scalars,
    _refused,
    _scalar_bytes,
    _wire_kind,
    all_checked,
    checked,
    definitions,
    descriptor,
    enum_values,
)
from retrograph.framework.wire import BYTES, WireError

__all__ = [
    "DecodeError",
    "Enum",
    "Field",
    "MapField",
    "Message",
    "RepeatedMessages",
    "RepeatedScalars",
    "_checked_enum",
    "checked",
    "class_in_module",
    "definitions",
    "descriptor",
    "enum_values",
    "message_class",
    "override",
]

_DEEPEST = 100


class DecodeError(errors.DataLossError):  # type: ignore[misc]
    """Bytes that are no message of the wanted kind."""


# ---- fields of many values


class RepeatedScalars(list[Any]):
    """A repeated field of numbers or texts."""

    def __init__(self, owner: Message, field: Field):
        super().__init__()
        self._owner, self._field = owner, field

    def append(self, value: Any) -> None:
        """Appends a value."""
        super().append(checked(self._field, value))
        self._owner._touch()

    def extend(self, values: Iterable[Any]) -> None:
        """Appends values."""
        same = values.__class__ is RepeatedScalars and values._field.kind == self._field.kind
        super().extend(values if same else all_checked(self._field, values))
        self._owner._touch()

    def insert(self, index: Any, value: Any) -> None:
        """Puts a value before another."""
        super().insert(index, checked(self._field, value))
        self._owner._touch()

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            value = all_checked(self._field, value)
        else:
            value = checked(self._field, value)
        super().__setitem__(index, value)
        self._owner._touch()

    def __iadd__(self, values: Iterable[Any]) -> RepeatedScalars:  # type: ignore[misc]
        self.extend(values)
        return self

    MergeFrom = extend

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __deepcopy__(self, memo: Any) -> list[Any]:
        return list(self)


class RepeatedMessages(list[Any]):
    """A repeated field of messages; what is appended is copied."""

    def __init__(self, owner: Message, field: Field):
        super().__init__()
        self._owner, self._field = owner, field

    def add(self, **fields: Any) -> Any:
        """Appends a new message and gives it."""
        made = self._owner._class_of(self._field)(**fields)
        self._adopt([made])
        return made

    def _adopt(self, made: list[Any]) -> None:
        super().extend(made)
        self._owner._touch()

    def append(self, value: Any) -> None:
        """Appends a copy of a message."""
        self.extend([value])

    def extend(self, values: Iterable[Any]) -> None:
        """Appends copies of messages."""
        self._adopt([_copied(self._owner._class_of(self._field), v) for v in list(values)])

    MergeFrom = extend

    def __iadd__(self, values: Iterable[Any]) -> RepeatedMessages:  # type: ignore[misc]
        self.extend(values)
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(f"'{type(self).__name__}' object does not support item assignment")

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __deepcopy__(self, memo: Any) -> list[Any]:
        return [_copied(type(v), v) for v in self]


def _copied(wanted: Any, value: Any) -> Any:
    made = wanted()
    if isinstance(value, dict):
        return wanted(**value)
    if not isinstance(value, Message):
        raise _refused(value, wanted.__name__)
    made.CopyFrom(value)
    return made


class MapField(dict[Any, Any]):
    """A map field: asking for a key that is not there makes it."""

    def __init__(self, owner: Message, field: Field):
        super().__init__()
        self._owner, self._field = owner, field

    def __missing__(self, key: Any) -> Any:
        key = self._key(key)
        made = self._owner._class_of(self._field)() if self._field.is_message else _default(self._field)
        dict.__setitem__(self, key, made)
        self._owner._touch()
        return made

    def _key(self, key: Any) -> Any:
        assert self._field.key is not None
        return checked(self._field.key, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._field.is_message:
            raise ValueError("May not set values directly, call my_map[key].foo = 5")
        dict.__setitem__(self, self._key(key), checked(self._field, value))
        self._owner._touch()

    def get_or_create(self, key: Any) -> Any:
        """The value of a key, made if it is not there."""
        return self[key]

    def update(self, other: Any = (), **more: Any) -> None:  # type: ignore[override]
        """Sets the values of another map."""
        for key, value in {**dict(other), **more}.items():
            if self._field.is_message:
                self[key].CopyFrom(value if isinstance(value, Message) else self._owner._class_of(self._field)(**value))
            else:
                self[key] = value

    MergeFrom = update

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __deepcopy__(self, memo: Any) -> dict[Any, Any]:
        return {k: _copied(type(v), v) if isinstance(v, Message) else v for k, v in self.items()}


# ---- messages


_CLASSES: dict[tuple[str, bool], Any] = {}


def override(full_name: str) -> Callable[[Any], Any]:
    """Declares the class that stands for a message in place of the general one."""

    def declare(cls: Any) -> Any:
        cls._full_name = full_name
        _CLASSES[full_name, False] = cls
        return cls

    return declare


class _MessageType(type):
    """Gives a message class its nested messages and the values of its enums as attributes."""

    def __getattr__(cls, name: str) -> Any:
        full_name = cls.__dict__.get("_full_name") or next(
            (vars(b)["_full_name"] for b in cls.__mro__[1:] if "_full_name" in vars(b)), ""
        )
        if name == "DESCRIPTOR" and full_name:
            return descriptor(full_name)
        if not full_name or name.startswith("_"):
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        if name.endswith("_FIELD_NUMBER"):
            numbers = {f.name.upper(): f.number for f in descriptor(full_name).fields}
            if name[:-13] in numbers:
                return numbers[name[:-13]]
        return _nested(cls, full_name, name)


def _nested(cls: Any, full_name: str, name: str) -> Any:
    inner, prefix = f"{full_name}.{name}", full_name + "."
    if inner in definitions()["messages"]:
        return message_class(inner, cls._raw)
    if inner in definitions()["enums"]:
        return Enum(inner)
    for enum, values in definitions()["enums"].items():
        if enum.startswith(prefix) and "." not in enum[len(prefix) :] and name in values:
            return values[name]
    raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


class Enum:
    """An enum: `Name(number)`, `Value(name)`, and its names as attributes."""

    def __init__(self, full_name: str):
        self._values = enum_values(full_name)

    def __getattr__(self, name: str) -> int:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def Name(self, number: int) -> str:
        """The name of a number."""
        for name, value in self._values.items():
            if value == number:
                return name
        raise ValueError(f"Enum has no name defined for value {number!r}")

    def Value(self, name: str) -> int:
        """The number of a name."""
        if name not in self._values:
            raise ValueError(f"Enum has no value defined for name {name!r}")
        return self._values[name]

    def keys(self) -> list[str]:
        """The names."""
        return list(self._values)

    def values(self) -> list[int]:
        """The numbers."""
        return list(self._values.values())

    def items(self) -> list[tuple[str, int]]:
        """(name, number) of all."""
        return list(self._values.items())


class Message(metaclass=_MessageType):
    """A protocol buffer: its fields as attributes, unset ones at their defaults."""

    _full_name = ""
    _raw = False

    def __init__(self, **fields: Any):
        state = self.__dict__
        state["_values"], state["_owner"], state["_present"] = {}, None, True
        for name, value in fields.items():
            self._initialize(self._field(name, ValueError), value)

    def _initialize(self, field: Field, value: Any) -> None:
        if value is None:
            return
        if field.label != "one":
            getattr(self, field.name).MergeFrom(value)
        elif field.is_message:
            made = getattr(self, field.name)
            made.CopyFrom(value if isinstance(value, Message) else _copied(self._class_of(field), value))
            made._touch()
        else:
            setattr(self, field.name, value)

    @classmethod
    def _field(cls, name: str, error: type[Exception] = AttributeError) -> Field:
        field: Field | None = cls.DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise error(f'Protocol message {cls.__name__} has no "{name}" field.')
        return field

    @classmethod
    def _class_of(cls, field: Field) -> Any:
        return message_class(field.type_name, cls._raw)

    # ---- fields

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        values = self._values
        if name in values:
            return values[name]
        if name == "DESCRIPTOR":
            return type(self).DESCRIPTOR
        field = type(self).DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            return getattr(type(self), name)
        if field.label == "one" and not field.is_message:
            return _default(field)
        values[name] = made = self._made(field)
        return made

    def _made(self, field: Field) -> Any:
        if field.label == "map":
            return MapField(self, field)
        if field.label == "many":
            return (RepeatedMessages if field.is_message else RepeatedScalars)(self, field)
        made = self._class_of(field)()
        made._attach(self, field)
        return made

    def _attach(self, owner: Any, field: Field) -> None:
        self.__dict__["_owner"], self.__dict__["_present"] = (owner, field), False

    def __setattr__(self, name: str, value: Any) -> None:
        field = type(self).DESCRIPTOR.fields_by_name.get(name)
        if field is None:
            raise AttributeError(f'Assignment not allowed (no field "{name}" in protocol message object).')
        if field.label != "one" or field.is_message:
            kind = "composite" if field.is_message and field.label == "one" else "repeated"
            raise AttributeError(f'Assignment not allowed to {kind} field "{name}" in protocol message object.')
        self._values[name] = checked(field, value)
        self._chosen(field)
        self._touch()

    def _chosen(self, field: Field) -> None:
        """Unsets the other members of a oneof."""
        for other in type(self).DESCRIPTOR.oneofs.get(field.oneof, ()) if field.oneof else ():
            if other != field.name:
                self._values.pop(other, None)

    def _touch(self) -> None:
        """Notes that something in here was set."""
        if not self._present:
            self.__dict__["_present"] = True
            owner, field = self._owner
            owner._take_child(field, self)

    SetInParent = _touch

    def _take_child(self, field: Field, child: Any) -> None:
        self._values[field.name] = child
        self._chosen(field)
        self._touch()

    def _is_set(self, field: Field, value: Any) -> bool:
        if field.label != "one":
            return bool(value)
        if field.is_message:
            return bool(value._present)
        return bool(field.oneof) or value != _default(field) or (value == 0.0 and str(value) == "-0.0")

    def ListFields(self) -> list[tuple[Field, Any]]:
        """(field, value) of those that are set, by number."""
        values = self._values
        fields = type(self).DESCRIPTOR.fields
        return [(f, values[f.name]) for f in fields if f.name in values and self._is_set(f, values[f.name])]

    def HasField(self, name: str) -> bool:
        """Whether a message, or a member of a oneof, is set."""
        if name in type(self).DESCRIPTOR.oneofs:
            return self.WhichOneof(name) is not None
        field = self._field(name, ValueError)
        if field.label != "one" or not (field.is_message or field.oneof):
            raise ValueError(f'Can\'t test non-submessage field "{type(self).__name__}.{name}" for presence in proto3.')
        return name in self._values and self._is_set(field, self._values[name])

    def WhichOneof(self, name: str) -> str | None:
        """The member of a oneof that is set."""
        if name not in type(self).DESCRIPTOR.oneofs:
            raise ValueError(f'Protocol message {type(self).__name__} has no oneof "{name}" field.')
        return next((m for m in type(self).DESCRIPTOR.oneofs[name] if self.HasField(m)), None)

    def ClearField(self, name: str) -> None:
        """Unsets a field."""
        for member in type(self).DESCRIPTOR.oneofs.get(name, (name,)):
            self._field(member, ValueError)
            self._values.pop(member, None)
        self._touch()

    def Clear(self) -> None:
        """Unsets all fields."""
        self._values.clear()
        self._touch()

    def IsInitialized(self) -> bool:
        """True: no field has to be set."""
        return True

    # ---- copies

    def CopyFrom(self, other: Any) -> None:
        """Takes all of another message of the same kind."""
        if other is self:
            return
        self._check_same(other)
        self.Clear()
        self.MergeFrom(other)

    def _check_same(self, other: Any) -> None:
        if not isinstance(other, Message) or other._full_name != self._full_name:
            name = type(self).__name__
            raise TypeError(
                f"Parameter to MergeFrom() must be instance of same class: expected {name} got {type(other).__name__}."
            )

    def MergeFrom(self, other: Any) -> None:
        """Takes what is set in another message; repeated fields grow."""
        self._check_same(other)
        self._touch()
        for field, value in other.ListFields():
            if field.label == "one" and field.is_message:
                child = getattr(self, field.name)
                child.MergeFrom(value)
                child._touch()
            elif field.label == "one":
                setattr(self, field.name, value)
            else:
                getattr(self, field.name).MergeFrom(value)

    def __deepcopy__(self, memo: Any) -> Any:
        made = type(self)()
        made.CopyFrom(self)
        return made

    def __copy__(self) -> Any:
        return self.__deepcopy__({})

    def __reduce__(self) -> Any:
        return _unpickled, (self._full_name, self._raw, self.SerializeToString())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Message) or other._full_name != self._full_name:
            return NotImplemented
        mine = {f.name: v for f, v in self.ListFields()}
        return mine == {f.name: v for f, v in other.ListFields()}

    __hash__ = None  # type: ignore[assignment]

    # ---- bytes

    def SerializeToString(self, deterministic: bool | None = None) -> bytes:
        """The message in the wire format."""
        return b"".join(part for field, value in self.ListFields() for part in _field_bytes(field, value))

    SerializePartialToString = SerializeToString

    def ByteSize(self) -> int:
        """The length of the message in the wire format."""
        return len(self.SerializeToString())

    @classmethod
    def FromString(cls, data: bytes) -> Any:
        """The message of its bytes. Raises: DecodeError for other bytes."""
        made = cls()
        made.MergeFromString(data)
        return made

    def ParseFromString(self, data: bytes) -> int:
        """Takes all of a message's bytes and gives their number. Raises: DecodeError for other bytes."""
        kept = self._values
        self.__dict__["_values"] = {}
        try:
            return self.MergeFromString(data)
        except DecodeError:
            self.__dict__["_values"] = kept
            raise

    def MergeFromString(self, data: bytes) -> int:
        """Merges a message's bytes and gives their number. Raises: DecodeError for other bytes."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
        try:
            self._merge_wire(bytes(data), _DEEPEST)
        except (WireError, ValueError, TypeError, KeyError, OverflowError, struct.error) as error:
            raise DecodeError(None, None, f"Error parsing message: {error}") from None
        return len(data)

    def _merge_wire(self, data: bytes, depth: int) -> None:
        if depth < 0:
            raise WireError("messages are nested too deep")
        self._touch()
        fields = type(self).DESCRIPTOR.fields_by_number
        for number, kind, value in wire.read_fields(data):
            field = fields.get(number)
            if field is not None:
                self._merge_field(field, kind, value, depth)

    def _merge_field(self, field: Field, kind: int, value: Any, depth: int) -> None:
        if field.label == "map":
            wire.expect(kind, BYTES)
            self._merge_entry(field, value, depth)
        elif field.is_message:
            wire.expect(kind, BYTES)
            held = getattr(self, field.name)
            child = held if field.label == "one" else self._class_of(field)()
            child._merge_wire(value, depth - 1)
            if field.label == "many":
                held._adopt([child])
        elif field.label == "many":
            list.extend(getattr(self, field.name), _parsed_scalars(field, kind, value))
        else:
            self._values[field.name] = _parsed_scalar(field, kind, value)
            self._chosen(field)

    def _merge_entry(self, field: Field, data: bytes, depth: int) -> None:
        assert field.key is not None
        key: Any = _default(field.key)
        value: Any = self._class_of(field)() if field.is_message else _default(field)
        for number, kind, found in wire.read_fields(data):
            if number == 1:
                key = _parsed_scalar(field.key, kind, found)
            elif number == 2 and field.is_message:
                wire.expect(kind, BYTES)
                value._merge_wire(found, depth - 1)
            elif number == 2:
                value = _parsed_scalar(field, kind, found)
        dict.__setitem__(getattr(self, field.name), key, value)

    # ---- text

    def __str__(self) -> str:
        from retrograph.framework.message_text import text_of

        return text_of(self)

    __repr__ = __str__

    def __dir__(self) -> Any:
        return [*object.__dir__(self), *type(self).DESCRIPTOR.fields_by_name]


def _field_bytes(field: Field, value: Any) -> Iterator[bytes]:
    key = wire.varint(field.number << 3 | _wire_kind(field))
    if field.label == "map":
        yield from (wire.message(field.number, _entry_bytes(field, k, value[k])) for k in sorted(value))
    elif field.is_message:
        for item in value if field.label == "many" else (value,):
            yield wire.message(field.number, item.SerializeToString())
    elif field.label == "many" and _wire_kind(field) != BYTES:
        yield wire.message(field.number, _packed_bytes(field, value))
    else:
        for item in value if field.label == "many" else (value,):
            yield key + _scalar_bytes(field, item)


def _entry_bytes(field: Field, key: Any, value: Any) -> bytes:
    assert field.key is not None
    head = wire.varint(1 << 3 | _wire_kind(field.key)) + _scalar_bytes(field.key, key)
    if field.is_message:
        return head + wire.message(2, value.SerializeToString())
    return head + wire.varint(2 << 3 | _wire_kind(field)) + _scalar_bytes(field, value)


@override("google.protobuf.Any")
class Any_(Message):
    """A message of any kind, with its kind's name."""

    def Pack(self, message: Message, type_url_prefix: str = "type.googleapis.com/") -> None:
        """Takes a message."""
        self.type_url, self.value = type_url_prefix.rstrip("/") + "/" + message._full_name, message.SerializeToString()

    def Unpack(self, message: Message) -> bool:
        """Fills a message of the same kind; False for one of another kind."""
        if not self.Is(message.DESCRIPTOR):
            return False
        message.ParseFromString(self.value)
        return True

    def Is(self, described: Descriptor) -> bool:
        """Whether the message is of a kind."""
        return bool(self.TypeName() == described.full_name)

    def TypeName(self) -> str:
        """The full name of the message's kind."""
        return str(self.type_url).rpartition("/")[2]


Any_.__name__ = "Any"


def _unpickled(full_name: str, raw: bool, data: bytes) -> Any:
    return message_class(full_name, raw).FromString(data)


def message_class(full_name: str, raw: bool = False) -> Any:
    """The class of a message; with `raw` the general one also where another stands for it.

    Raises: KeyError for a name that is none.
    """
    found = _CLASSES.get((full_name, raw))
    if found is None:
        # Graphs and tensors have classes of their own.
        from retrograph.framework import node_def  # noqa: F401

        found = _CLASSES.get((full_name, raw))
    if found is None:
        described = descriptor(full_name)
        space = {
            "_full_name": full_name,
            "_raw": raw,
            "__module__": __name__,
            "__doc__": f"TF's {full_name}.",
            "DESCRIPTOR": described,
        }
        found = _CLASSES[full_name, raw] = _MessageType(described.name, (Message,), space)
    return found


def class_in_module(module: str, name: str) -> Any:
    """What one of TF's `_pb2` modules holds under a name: a message class, an enum, an enum's value; else None."""
    package, *names = definitions()["modules"].get(module, ("",))
    full_name = f"{package}.{name}"
    if name in names:
        return Enum(full_name) if full_name in definitions()["enums"] else message_class(full_name)
    for enum in (f"{package}.{n}" for n in names):
        if name in definitions()["enums"].get(enum, ()):
            return enum_values(enum)[name]
    return None
