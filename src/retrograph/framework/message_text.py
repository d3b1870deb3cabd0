"""The text format of protocol buffers, written and read, and their JSON form."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import sys
from collections.abc import Iterator
from typing import Any

from retrograph.framework import wire
from retrograph.framework.messages import (
    DecodeError,
    Field,
    Message,
    _checked_enum,
    _entry_bytes,
    _field_bytes,
    checked,
    descriptor,
    enum_values,
    message_class,
)

_ESCAPES = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x22: '\\"', 0x27: "\\'", 0x5C: "\\\\"}
_DEEPEST = 100


class ParseError(DecodeError):
    """A text that is no message of the wanted kind."""

    def __init__(self, text: str, line: int | None = None, column: int | None = None):
        where = f"{line}:{column} : " if line is not None else ""
        super().__init__(None, None, where + text)


def quoted(data: bytes) -> str:
    """Bytes as a text in quotes."""
    return '"' + "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in data) + '"'


def shortest_float(value: float) -> str:
    """The shortest text that gives back a 32-bit float."""
    if not math.isfinite(value):
        return str(value)
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            break
    return str(float(text))


def _scalar_text(field: Field, value: Any) -> str:
    if field.base in ("string", "bytes"):
        return quoted(value.encode() if isinstance(value, str) else value)
    if field.base == "bool":
        return "true" if value else "false"
    if field.base == "float":
        return shortest_float(value)
    if field.base == "enum":
        return next((n for n, v in enum_values(field.type_name).items() if v == value), str(value))
    return str(value)


def _as_raw(message: Message) -> Message:
    """The message in its general form."""
    if message._raw:
        return message
    made: Message = message_class(message._full_name, raw=True).FromString(message.SerializeToString())
    return made


def _lines(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.label == "map":
            for key in sorted(value):
                yield f"{field.name} {{"
                yield from ("  " + line for line in _entry_lines(field, key, value[key]))
                yield "}"
            continue
        for item in value if field.label == "many" else (value,):
            yield from _value_lines(field, field.name, item)


def _value_lines(field: Field, name: str, value: Any) -> Iterator[str]:
    if not field.is_message:
        yield f"{name}: {_scalar_text(field, value)}"
        return
    yield f"{name} {{"
    yield from ("  " + line for line in _lines(value))
    yield "}"


def _entry_lines(field: Field, key: Any, value: Any) -> Iterator[str]:
    assert field.key is not None
    yield f"key: {_scalar_text(field.key, key)}"
    yield from _value_lines(field, "value", value)


def text_of(message: Message, as_one_line: bool = False) -> str:
    """A message in the text format."""
    lines = list(_lines(_as_raw(message)))
    if as_one_line:
        return " ".join(line.strip() for line in lines)
    return "".join(line + "\n" for line in lines)


# ---- reading

_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\s*)*(?:("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(-?[A-Za-z0-9_.+][\w.+-]*|-\s*[\w.]+)|([{}<>:;,\[\]/])|(\S))""",
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SINGLE = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    if code[:1] in b"01234567":
        return bytes([int(code, 8) & 255])
    if code[:1] in b"xX" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code[:1] in b"uU" and len(code) > 1:
        number = int(code[1:], 16)
        if number > sys.maxunicode:
            raise ValueError(f"Invalid unicode escape: \\{code.decode()}")
        return chr(number).encode()
    return _SINGLE.get(code, code)


class _Reader:
    """The tokens of a text, one after the other."""

    def __init__(self, text: str):
        self.text, self.place, self.start, self.token = text, 0, 0, ""
        self.next()

    def next(self) -> str:
        """Goes on; gives the token that was there."""
        token = self.token
        match = _TOKEN.match(self.text, self.place)
        if match is None:
            self.start, self.token = len(self.text), ""
        else:
            index = match.lastindex or 0
            self.start, self.place, self.token = match.start(index), match.end(), match.group(index)
        return token

    def fail(self, text: str) -> ParseError:
        """The error at this place."""
        line = self.text.count("\n", 0, self.start) + 1
        return ParseError(text, line, self.start - (self.text.rfind("\n", 0, self.start) + 1) + 1)

    def take(self, token: str) -> bool:
        """Whether the token is there; if so goes on."""
        if self.token != token:
            return False
        self.next()
        return True

    def expect(self, token: str) -> None:
        """Goes on if the token is there, else ParseError."""
        if not self.take(token):
            raise self.fail(f'Expected "{token}".')


def _parse_fields(reader: _Reader, full_name: str, end: str, depth: int) -> bytes:
    """The wire format of the fields up to `end`."""
    if depth < 0:
        raise reader.fail("messages are nested too deep")
    described, parts = descriptor(full_name), []
    while reader.token and reader.token != end:
        if reader.take(";") or reader.take(","):
            continue
        field = described.fields_by_name.get(reader.token)
        if field is None:
            raise reader.fail(f'Message type "{full_name}" has no field named "{reader.token}".')
        reader.next()
        parts.append(_parse_field(reader, field, depth))
    if end and not reader.take(end):
        raise reader.fail(f'Expected "{end}".')
    return b"".join(parts)


def _parse_field(reader: _Reader, field: Field, depth: int) -> bytes:
    colon = reader.take(":")
    if not colon and not (field.is_message or field.label == "map"):
        raise reader.fail('Expected ":".')
    if not reader.take("["):
        return _parse_value(reader, field, depth)
    parts = []
    while not reader.take("]"):
        parts.append(_parse_value(reader, field, depth))
        if not reader.take(",") and reader.token != "]":
            raise reader.fail('Expected "]".')
    return b"".join(parts)


def _parse_value(reader: _Reader, field: Field, depth: int) -> bytes:
    if field.label == "map":
        return wire.message(field.number, _parse_entry(reader, field, depth))
    if field.is_message:
        return wire.message(field.number, _parse_message(reader, field.type_name, depth))
    value = _parse_scalar(reader, field)
    return b"".join(_field_bytes(field, [value] if field.label == "many" else value))


def _parse_message(reader: _Reader, full_name: str, depth: int) -> bytes:
    if reader.take("<"):
        return _parse_fields(reader, full_name, ">", depth - 1)
    reader.expect("{")
    return _parse_fields(reader, full_name, "}", depth - 1)


def _parse_entry(reader: _Reader, field: Field, depth: int) -> bytes:
    assert field.key is not None
    end = ">" if reader.take("<") else "}"
    if end == "}":
        reader.expect("{")
    key: Any = "" if field.key.base == "string" else 0
    value = b"" if field.is_message else None
    while not reader.take(end):
        if reader.take(";") or reader.take(","):
            continue
        name = reader.next()
        reader.take(":")
        if name == "key":
            key = _parse_scalar(reader, field.key)
        elif name == "value":
            value = _parse_message(reader, field.type_name, depth) if field.is_message else _parse_scalar(reader, field)
        else:
            raise reader.fail(f'Expected "{end}".')
    if not field.is_message:
        return _entry_bytes(field, key, _zero(field) if value is None else value)
    head = b"".join(_field_bytes(field.key, key))
    return head + wire.message(2, value or b"")


def _zero(field: Field) -> Any:
    return {"string": "", "bytes": b"", "float": 0.0, "double": 0.0, "bool": False}.get(field.base, 0)


def _parse_scalar(reader: _Reader, field: Field) -> Any:
    token = reader.token
    try:
        value = _scalar_of(reader, field)
    except ValueError as error:
        raise reader.fail(f"{error}" if str(error) else f"Couldn't parse {token!r}") from None
    return value


def _scalar_of(reader: _Reader, field: Field) -> Any:
    if field.base in ("string", "bytes"):
        return _text_of_tokens(reader, field)
    token = reader.token.replace(" ", "")
    if not token or token[0] in "\"'{}<>[]:;,":
        raise ValueError(f"Expected a value of {field.name}.")
    if field.base == "bool":
        found = {
            "true": True,
            "t": True,
            "True": True,
            "1": True,
            "false": False,
            "f": False,
            "False": False,
            "0": False,
        }
        if token not in found:
            raise ValueError('Expected "true" or "false".')
        value: Any = found[token]
    elif field.base == "enum":
        known = enum_values(field.type_name)
        if token not in known and not re.fullmatch(r"-?\d+", token):
            raise ValueError(f'Enum type "{field.type_name}" has no value named {token}.')
        value = known[token] if token in known else _checked_enum(int(token), field.type_name)
    elif field.base in ("float", "double"):
        value = checked(field, _float_of(token))
    else:
        if not re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)", token):
            raise ValueError(f"Couldn't parse integer: {token}")
        octal = re.fullmatch(r"(-?)0([0-7]+)", token)
        value = checked(field, int(octal[1] + octal[2], 8) if octal else int(token, 0))
    reader.next()
    return value


def _float_of(token: str) -> float:
    text = token.lower()
    if re.fullmatch(r"-?inf(inity)?f?", text):
        return -math.inf if text[0] == "-" else math.inf
    if re.fullmatch(r"-?nanf?", text):
        return math.nan
    if re.fullmatch(r"0[0-7]+", text) or text.startswith("0x"):
        raise ValueError(f"Couldn't parse float: {token}")
    try:
        return float(text[:-1] if text.endswith("f") else text)
    except ValueError:
        raise ValueError(f"Couldn't parse float: {token}") from None


def _text_of_tokens(reader: _Reader, field: Field) -> Any:
    if reader.token[:1] not in "\"'" or not reader.token:
        raise ValueError(f"Expected string but found: {reader.token!r}")
    parts = []
    while reader.token[:1] in ("'", '"'):
        token = reader.token
        if len(token) < 2 or token[-1] != token[0]:
            raise ValueError(f"String missing ending quote: {token!r}")
        parts.append(_ESCAPED.sub(_unescaped, token[1:-1].encode()))
        reader.next()
    data = b"".join(parts)
    return data.decode() if field.base == "string" else data


def merge_text(text: str | bytes, message: Any) -> Any:
    """Merges a message in the text format into `message`, and gives it. Raises: ParseError with line and column."""
    try:
        reader = _Reader(text.decode() if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        raise ParseError(f"The text is no UTF-8: {error}") from None
    message.MergeFromString(_parse_fields(reader, message._full_name, "", _DEEPEST))
    return message


# ---- JSON


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _json_scalar(field: Field, value: Any) -> Any:
    if field.base == "bytes":
        return base64.b64encode(value).decode()
    if field.base == "enum":
        return next((n for n, v in enum_values(field.type_name).items() if v == value), value)
    if field.base in ("int64", "uint64", "sint64", "fixed64", "sfixed64"):
        return str(value)
    if field.base in ("float", "double") and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return float(shortest_float(value)) if field.base == "float" else value


def as_dict(message: Message, preserving_proto_field_name: bool = False) -> dict[str, Any]:
    """A message as what JSON holds."""
    found: dict[str, Any] = {}
    for field, value in _as_raw(message).ListFields():

        def one(item: Any, field: Field = field) -> Any:
            return as_dict(item, preserving_proto_field_name) if field.is_message else _json_scalar(field, item)

        name = field.name if preserving_proto_field_name else _camel(field.name)
        if field.label == "map":
            found[name] = {str(k).lower() if k is True or k is False else str(k): one(v) for k, v in value.items()}
        else:
            found[name] = [one(v) for v in value] if field.label == "many" else one(value)
    return found


def merge_dict(given: Any, message: Any, ignore_unknown_fields: bool = False) -> Any:
    """Merges what JSON holds of a message into it, and gives it. Raises: ParseError for other things."""
    message.MergeFromString(_dict_bytes(given, message._full_name, ignore_unknown_fields))
    return message


def _dict_bytes(given: Any, full_name: str, lenient: bool) -> bytes:
    if not isinstance(given, dict):
        raise ParseError(f"Failed to load {full_name}: a JSON object is wanted, not {type(given).__name__}")
    fields = {name: f for f in descriptor(full_name).fields for name in (f.name, _camel(f.name))}
    parts = []
    for name, value in given.items():
        field = fields.get(name)
        if field is None and not lenient:
            raise ParseError(f'Message type "{full_name}" has no field named "{name}".')
        if field is not None and value is not None:
            parts.append(_json_bytes(field, value, lenient))
    return b"".join(parts)


def _json_bytes(field: Field, value: Any, lenient: bool) -> bytes:
    if field.label == "map":
        entries = []
        for key, item in value.items():
            assert field.key is not None
            head = b"".join(_field_bytes(field.key, _from_json(field.key, key)))
            single = Field("value", 2, "one", field.kind, "value")
            entries.append(wire.message(field.number, head + _json_bytes(single, item, lenient)))
        return b"".join(entries)
    items = value if field.label == "many" else [value]
    if field.is_message:
        return b"".join(wire.message(field.number, _dict_bytes(v, field.type_name, lenient)) for v in items)
    scalars = [_from_json(field, v) for v in items]
    return b"".join(_field_bytes(field, scalars if field.label == "many" else scalars[0]))


def _from_json(field: Field, value: Any) -> Any:
    try:
        if field.base == "bytes":
            return base64.b64decode(value)
        if field.base in ("float", "double"):
            return checked(field, float(value))
        if field.base == "bool" and isinstance(value, str):
            return value == "true"
        if field.base not in ("string", "enum", "bool"):
            return checked(field, int(value))
        return checked(field, value)
    except (TypeError, ValueError) as error:
        raise ParseError(f"Failed to parse {field.name} field: {error}.") from None


def as_json(
    message: Message, preserving_proto_field_name: bool = False, indent: int | None = 2, sort_keys: bool = False
) -> str:
    """A message as JSON."""
    return json.dumps(as_dict(message, preserving_proto_field_name), indent=indent, sort_keys=sort_keys)
