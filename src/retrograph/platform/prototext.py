"""Texts of protocol buffers, read far enough to compare two messages."""

from __future__ import annotations

import ast
import re
from typing import Any

_TOKEN = re.compile(r'\s*(?:#[^\n]*\n\s*)*("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[{}<>:;,\[\]]|[^\s{}<>:;,\[\]"\']+)')


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            break
        found.append(match.group(1))
        place = match.end()
    return found


def _scalar(token: str) -> Any:
    if token[0] in "\"'":
        return ast.literal_eval("b" + token) if token.isascii() else ast.literal_eval(token).encode()
    try:
        # TF's comparison rounds so.
        return round(float(token), 7)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(token, token)


def _value(tokens: list[str]) -> Any:
    token = tokens.pop(0)
    return _message(tokens, {"{": "}", "<": ">"}[token]) if token in "{<" else _scalar(token)


def _message(tokens: list[str], end: str | None) -> Any:
    fields: list[tuple[str, Any]] = []
    while tokens and tokens[0] != end:
        name = tokens.pop(0)
        if name in ";,":
            continue
        if tokens[0] == ":":
            tokens.pop(0)
        if tokens[0] == "[":
            tokens.pop(0)
            while tokens[0] != "]":
                if tokens[0] == ",":
                    tokens.pop(0)
                    continue
                fields.append((name, _value(tokens)))
            tokens.pop(0)
        else:
            fields.append((name, _value(tokens)))
    if tokens:
        tokens.pop(0)
    # A scalar of its default value is the same as none at all; the entries of a map have no order.
    return sorted((field for field in fields if field[1] not in (0.0, b"")), key=_place)


def _place(field: tuple[str, Any]) -> tuple[str, bytes]:
    name, value = field
    is_entry = isinstance(value, list) and [part[0] for part in value] in (["key"], ["key", "value"])
    return name, value[0][1] if is_entry and isinstance(value[0][1], bytes) else b""


def normalized(text: str) -> Any:
    """A nested list of (field, value), sorted by field; the order within a repeated field stays.

    >>> normalized("b: 1 a { c: 'x' }") == normalized('a { c: "x" }; b: 1')
    True
    """
    return _message(_tokens(text), None)
