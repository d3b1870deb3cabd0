"""`google.protobuf` for programs that read and print TF's messages: stands in where it is not installed.

Where it is installed, its `text_format` and `json_format` are kept and learn to take Retrograph's messages too.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import json
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from retrograph.framework import message_text
from retrograph.framework.messages import DecodeError, Enum, Message, class_in_module, definitions

ROOT = "google.protobuf"
_MODULES = ("any_pb2", "descriptor", "json_format", "message", "text_format", "wrappers_pb2", "reflection", "internal")
_PACKAGES = ("google", ROOT)


# ---- text_format


def message_to_string(
    message: Message, as_utf8: bool = False, as_one_line: bool = False, *others: Any, **more: Any
) -> str:
    """A message in the text format. Source: protobuf `text_format.MessageToString`."""
    return message_text.text_of(message, as_one_line)


def print_message(message: Message, out: Any, *others: Any, **more: Any) -> None:
    """Writes a message in the text format. Source: protobuf `text_format.PrintMessage`."""
    out.write(message_text.text_of(message))


def merge(text: str | bytes, message: Any, *others: Any, **more: Any) -> Any:
    """Merges a text into a message and gives the message. Source: protobuf `text_format.Merge`."""
    return message_text.merge_text(text, message)


# ---- json_format


def message_to_json(
    message: Message, including_default_value_fields: bool = False, preserving_proto_field_name: bool = False,
    indent: int | None = 2, sort_keys: bool = False, **more: Any,
) -> str:  # fmt: skip
    """A message as JSON. Source: protobuf `json_format.MessageToJson`."""
    return message_text.as_json(message, preserving_proto_field_name, indent, sort_keys)


def message_to_dict(
    message: Message,
    including_default_value_fields: bool = False,
    preserving_proto_field_name: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """A message as what JSON holds. Source: protobuf `json_format.MessageToDict`."""
    return message_text.as_dict(message, preserving_proto_field_name)


def parse_json(text: str | bytes, message: Any, ignore_unknown_fields: bool = False, **more: Any) -> Any:
    """Merges JSON into a message and gives the message. Source: protobuf `json_format.Parse`."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise message_text.ParseError(f"Failed to load JSON: {error}") from None
    return message_text.merge_dict(given, message, ignore_unknown_fields)


def parse_dict(given: Any, message: Any, ignore_unknown_fields: bool = False, **more: Any) -> Any:
    """Merges what JSON holds into a message and gives the message. Source: protobuf `json_format.ParseDict`."""
    return message_text.merge_dict(given, message, ignore_unknown_fields)


_FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {
    "text_format": {
        "MessageToString": message_to_string,
        "PrintMessage": print_message,
        "Merge": merge,
        "MergeLines": lambda lines, message, *o, **m: merge("\n".join(lines), message),
        "Parse": merge,
        "ParseLines": lambda lines, message, *o, **m: merge("\n".join(lines), message),
    },
    "json_format": {
        "MessageToJson": message_to_json,
        "MessageToDict": message_to_dict,
        "Parse": parse_json,
        "ParseDict": parse_dict,
    },
}


class DescriptorNames:
    """What programs compare with `field.label` and `field.type`."""

    LABEL_OPTIONAL, LABEL_REQUIRED, LABEL_REPEATED = 1, 2, 3


def _contents(name: str) -> dict[str, Any]:
    short = name.removeprefix(ROOT + ".")
    if name in definitions()["modules"]:
        return {n: class_in_module(name, n) for n in definitions()["modules"][name][1:]}
    found: dict[str, Any] = dict(_FUNCTIONS.get(short, {}))
    if short in _FUNCTIONS:
        found |= {"ParseError": message_text.ParseError, "Error": DecodeError}
    if short == "message":
        found |= {"Message": Message, "DecodeError": DecodeError, "EncodeError": ValueError, "Error": DecodeError}
    if short == "descriptor":
        found |= {"FieldDescriptor": DescriptorNames, "EnumDescriptor": Enum}
    return found


class _StandIn(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fills in the names."""
        vars(module).update(_contents(module.__name__))
        if module.__name__ == ROOT:
            module.__dict__["__version__"] = "3.20.3"


class _Taught(importlib.abc.Loader):
    """Loads protobuf's own module, then lets its functions take Retrograph's messages."""

    def __init__(self, loader: Any):
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module and wraps its functions."""
        self._loader.exec_module(module)
        for name, own in _FUNCTIONS[module.__name__.rpartition(".")[2]].items():
            if hasattr(module, name):
                setattr(module, name, _either(getattr(module, name), own))


def _either(theirs: Callable[..., Any], own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        is_own = any(isinstance(a, Message) for a in (*args[:2], *kwargs.values()))
        return (own if is_own else theirs)(*args, **kwargs)

    return call


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of `google.protobuf` that stand in, and those that are taught."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module; None where protobuf's own is used as it is, or nothing stands in."""
        short = fullname.removeprefix(ROOT + ".")
        if fullname not in _PACKAGES and (short == fullname or short not in _MODULES):
            return None
        real = self._real(fullname, path)
        if real is None:
            return importlib.machinery.ModuleSpec(fullname, _StandIn(), is_package=fullname in _PACKAGES)
        if short in _FUNCTIONS and real.loader is not None:
            real.loader = _Taught(real.loader)
            return real
        return None

    def _real(self, fullname: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
        others = [f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")]
        return next((s for s in (f.find_spec(fullname, path) for f in others) if s is not None), None)


_FINDER = Finder()


def install() -> None:
    """Makes `google.protobuf` importable, or teaches the one that is there."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
