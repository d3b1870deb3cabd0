"""Op types: TF's definitions (inputs, outputs, attributes) and what Retrograph knows of each.

The definitions are data (`op_defs.jsonl`), parsed one by one when first used. What the runtime can do with an op type is
one `OpRecord`, registered beside the Python functions of its family.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.dtypes import DType
from retrograph.framework.shape import Shape

_DATA_FILE = Path(__file__).with_name("op_defs.jsonl")
_ENUM_NAMES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


class NoGradient:
    """Marks an op type through which no gradient flows."""

    def __repr__(self) -> str:
        return "NO_GRADIENT"


NO_GRADIENT = NoGradient()


class InputDef:
    """One input argument of an op type."""

    __slots__ = ("dtype", "is_list", "is_ref", "name", "number_attr", "type_attr", "type_list_attr")

    def __init__(self, row: dict[str, Any], attr_types: dict[str, str]):
        self.name: str = row["name"]
        self.is_ref = bool(row.get("ref"))
        self.number_attr, _, kind = row["type"].rpartition("*")
        self.dtype: DType | None = None
        self.type_attr = self.type_list_attr = ""
        if attr_types.get(kind) == "type":
            self.type_attr = kind
        elif attr_types.get(kind) == "list(type)":
            self.type_list_attr = kind
        else:
            self.dtype = dtypes.as_dtype(kind)
        self.is_list = bool(self.number_attr or self.type_list_attr)


_EXACT: dict[str, type] = {"bool": bool, "int": int, "float": float, "string": bytes}


class AttrDef:
    """One attribute of an op type."""

    __slots__ = ("allowed", "allowed_set", "default", "has_default", "minimum", "name", "taken_as_is", "type")

    def __init__(self, row: dict[str, Any]):
        self.name: str = row["name"]
        self.type: str = row["type"]
        self.minimum: int | None = row.get("min")
        self.has_default = "default" in row
        self.default = _parse_value(row["default"], self.type) if self.has_default else None
        self.allowed: list[Any] | None = _parse_list(row["allowed"], self.type) if "allowed" in row else None
        self.allowed_set = frozenset(self.allowed) if self.allowed is not None else None
        # The class of values that need neither conversion nor a check.
        checked = self.allowed is not None or self.minimum is not None
        self.taken_as_is: type | None = None if checked else _EXACT.get(self.type)


class OpDef:
    """TF's definition of an op type."""

    __slots__ = (
        "attr_by_name",
        "attrs",
        "checked_types",
        "free_attrs",
        "inferred",
        "inputs",
        "name",
        "one_output",
        "outputs",
        "plain_inputs",
        "ref_inputs",
        "result_type",
        "simple_outputs",
        "stateful",
        "type_defaults",
        "type_only_attrs",
    )

    def __init__(self, row: dict[str, Any]):
        self.name: str = row["op"]
        self.stateful = bool(row.get("stateful"))
        self.attrs = [AttrDef(a) for a in row["attr"]]
        self.attr_by_name = {a.name: a for a in self.attrs}
        kinds = {a.name: a.type for a in self.attrs}
        self.inputs = [InputDef(a, kinds) for a in row["in"]]
        self.outputs = [InputDef(a, kinds) for a in row["out"]]
        self.ref_inputs = any(a.is_ref for a in self.inputs)
        self.simple_outputs = not any(a.is_list for a in self.outputs)
        self.one_output: InputDef | None = None
        if len(self.outputs) == 1 and not self.outputs[0].is_list:
            self.one_output = self.outputs[0]
        self.type_defaults = {a.name: a.default for a in self.attrs if a.type == "type" and a.has_default}
        self.inferred = {n for a in self.inputs for n in (a.number_attr, a.type_attr, a.type_list_attr) if n}
        self.result_type: Any = None
        # Attributes that inputs do not tell, and the inputs as rows that the common case reads quickly.
        self.free_attrs = [a for a in self.attrs if a.name not in self.inferred]
        self.plain_inputs: tuple[tuple[str, DType | None, str], ...] | None = None
        if not self.ref_inputs and not any(a.is_list for a in self.inputs):
            self.plain_inputs = tuple((a.name, a.dtype, a.type_attr) for a in self.inputs)
        # The attributes of operations that have but one, the type of their inputs: all with one type share theirs.
        self.type_only_attrs: dict[DType, dict[str, Any]] | None = {} if self._one_type() else None
        # Type attributes that do not take every type, with the first input that tells each.
        self.checked_types: dict[str, tuple[AttrDef, str]] = {}
        for arg in self.inputs:
            if arg.type_attr and self.attr_by_name[arg.type_attr].allowed is not None:
                self.checked_types.setdefault(arg.type_attr, (self.attr_by_name[arg.type_attr], arg.name))

    def _one_type(self) -> bool:
        return len(self.attrs) == 1 and bool(self.inputs) and all(a.type_attr and not a.is_list for a in self.inputs)

    def input_dtypes(self, attrs: dict[str, Any]) -> list[DType]:
        """The dtypes of the inputs of an op with these attributes, as the definition has them."""
        found: list[DType] = []
        for arg in self.inputs:
            if arg.type_list_attr:
                types = attrs[arg.type_list_attr]
            else:
                one = arg.dtype or attrs[arg.type_attr]
                types = [one] * attrs[arg.number_attr] if arg.number_attr else (one,)
            found.extend([t._as_ref for t in types] if arg.is_ref else types)
        return found

    def output_dtypes(self, attrs: dict[str, Any]) -> Sequence[DType]:
        """The dtypes of the outputs of an op with these attributes."""
        arg = self.one_output
        if arg is not None:
            one = arg.dtype or attrs[arg.type_attr]
            return (one._as_ref if arg.is_ref else one,)
        found: list[DType] = []
        for arg in self.outputs:
            if arg.type_list_attr:
                types = attrs[arg.type_list_attr]
            else:
                one = arg.dtype or attrs[arg.type_attr]
                types = [one] * attrs[arg.number_attr] if arg.number_attr else (one,)
            found.extend([t._as_ref for t in types] if arg.is_ref else types)
        return found


_TOKEN = re.compile(r'(\w+): ("(?:[^"\\]|\\.)*"|[^\s}]+)')


def _unquote(text: str) -> bytes:
    return text[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")


def _scalar(field: str, text: str) -> Any:
    if field == "s":
        return _unquote(text)
    if field == "type":
        return dtypes.as_dtype(_ENUM_NAMES.get(text, text[3:].lower()))
    parsers: dict[str, Callable[[str], Any]] = {"b": lambda t: t == "true", "i": int, "f": float}
    return parsers[field](text)


def _parse_list(text: str, attr_type: str) -> list[Any]:
    return [
        _scalar(m.group(1), m.group(2)) for m in _TOKEN.finditer(text) if m.group(1) in ("s", "type", "b", "i", "f")
    ]


def _parse_tensor(text: str) -> np.ndarray[Any, Any]:
    """The array of a small TensorProto of numbers."""
    found = _TOKEN.findall(text)
    dtype = next(_scalar("type", value) for field, value in found if field == "dtype")
    numbers = [float(value) for field, value in found if field.endswith("_val")]
    return np.array(numbers, dtype.as_numpy_dtype).reshape([int(v) for field, v in found if field == "size"])


_PART = re.compile(r"(?:shape|tensor) \{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")


def _parse_value(text: str, attr_type: str) -> Any:
    if attr_type in ("list(shape)", "list(tensor)"):
        return [_parse_value(part.group(1), attr_type[5:-1]) for part in _PART.finditer(text[text.index("{") + 1 :])]
    if attr_type.startswith("list("):
        return _parse_list(text, attr_type)
    if attr_type == "shape":
        return None if "unknown_rank" in text else tuple(int(m) for m in re.findall(r"size: (-?\d+)", text))
    if attr_type == "tensor":
        return _parse_tensor(text)
    if attr_type == "func":
        return text
    match = _TOKEN.search(text)
    return _scalar(match.group(1), match.group(2)) if match else None


@cache
def _lines() -> dict[str, str]:
    with _DATA_FILE.open(encoding="utf-8") as file:
        return {line[8 : line.index('"', 8)]: line for line in file}


@cache
def find_op_def(op_type: str) -> OpDef | None:
    """TF's definition of an op type, or None."""
    line = _lines().get(op_type)
    return None if line is None else OpDef(json.loads(line))


def all_op_types() -> list[str]:
    """Every op type that TF 1.15 defines."""
    return list(_lines())


def define_op(row: dict[str, Any]) -> None:
    """Adds a definition of our own, in the form of the data file, for an op type that TF does not define so."""
    _lines()[row["op"]] = json.dumps(row)


ShapeRule = Callable[[Any], list[Shape]]
StaticInputs = tuple[int, ...] | Callable[[Any], tuple[int, ...]]
"""Indices of inputs, or a function of the operation where they depend on its masks or on what the graph knows."""


@dataclass(slots=True)
class OpRecord:
    """What Retrograph knows of an op type beyond its definition."""

    op_type: str
    shape: ShapeRule | None = None
    lower: Callable[..., Any] | None = None
    numpy: Callable[..., Any] | None = None
    gradient: Any = None
    static_inputs: StaticInputs = ()
    host: bool | Callable[[Any], bool] = False
    effect: bool = False
    fed_check: tuple[int, Callable[[Any, Any], None]] | None = None
    # Lowering of a host op that has the attribute `_padded`: outputs of data-dependent size are padded to the largest.
    padded: Callable[..., Any] | None = None
    waits: bool = False
    snapshot: bool = False

    def static_inputs_of(self, op: Any) -> tuple[int, ...]:
        """The inputs of this operation that its lowering needs as NumPy arrays."""
        return self.static_inputs(op) if callable(self.static_inputs) else self.static_inputs

    def on_host(self, op: Any) -> bool:
        """Whether this operation always runs on the host."""
        return self.host(op) if callable(self.host) else self.host


RECORDS: dict[str, OpRecord] = {}


def register_op(
    op_type: str,
    *,
    shape: ShapeRule | None = None,
    lower: Callable[..., Any] | None = None,
    numpy: Callable[..., Any] | None = None,
    gradient: Any = None,
    static_inputs: StaticInputs = (),
    host: bool | Callable[[Any], bool] = False,
    effect: bool = False,
    fed_check: tuple[int, Callable[[Any, Any], None]] | None = None,
    waits: bool = False,
    snapshot: bool = False,
) -> OpRecord:
    """Registers the row of an op type (see `docs/design.md`, "One row per op type").

    `host` may be a function of the operation where it depends on what the graph knows of it. `fed_check` is an input's index and a function of (op, value) that raises where a program fed a value to it that the op
    refuses: compiled programs cannot raise, and what is fed is known before they run. `waits` says that the operation may
    wait for other threads, or changes what they see at once (queues): it runs as a step of its own, without any lock.
    `snapshot` says that it looks at variables and hands nothing of them on: it gets them uncopied, and no run changes any meanwhile.
    """
    if op_type in RECORDS:
        raise ValueError(f"Op type {op_type} is registered twice")
    if op_type not in _lines():
        raise ValueError(f"Op type {op_type} is not defined")
    record = OpRecord(
        op_type, shape, lower, numpy, gradient, static_inputs, host, effect, fed_check, waits=waits, snapshot=snapshot
    )
    RECORDS[op_type] = record
    return record
