"""`tf.strings.unicode_script`: the script that a character belongs to, and `tf.fingerprint`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, unchanged, with_rank, with_rank_at_least
from retrograph.ops.fingerprint import fingerprint64
from retrograph.ops.rows import refuse

Array = Any
_CHARACTERS = 0x110000


@cache
def _table() -> tuple[Array, Array]:
    """(where each run of characters begins, the script of the run)."""
    rows = json.loads(Path(__file__).with_name("scripts.json").read_text(encoding="utf-8"))
    return np.cumsum(rows["steps"]), np.array(rows["scripts"], np.int32)


def _script(op: Any, characters: Array) -> Array:
    begins, scripts = _table()
    found = scripts[np.searchsorted(begins, characters, side="right") - 1]
    known = (characters >= 0) & (characters < _CHARACTERS)
    return np.where(known, found, -1).astype(np.int32)


register_op("UnicodeScript", shape=unchanged, numpy=_script, host=True, gradient=NO_GRADIENT)


@export("strings.unicode_script")
def unicode_script(input: Any, name: str | None = None) -> Tensor:
    """ICU's number of each character's script, -1 where there is none: `i32[...]`.

    Source: TF 1.15 `tf.strings.unicode_script`.

    >>> tf.strings.unicode_script([65, 0x3B1])            # doctest: +SKIP
    [25, 14]
    """
    found: Tensor = apply_op("UnicodeScript", name, input=input)
    return found


# ---- fingerprints


def _hashes(rows: list[bytes]) -> Array:
    """The FarmHash of each, as its bytes: `u8[n, 8]`."""
    return np.array([fingerprint64(row) for row in rows], "<u8").view(np.uint8).reshape(len(rows), 8)


def _fingerprint(op: Any, data: Array, method: Array) -> Array:
    kind = np.asarray(method).item()
    if kind != b"farmhash64":
        refuse(op, f"Unsupported fingerprint method: {kind.decode('latin-1')}")
    if data.ndim < 1:
        refuse(op, f"`data` should have at least one dimension: {to_text(data.shape)}")
    if data.dtype != object:
        return _hashes([np.ascontiguousarray(row).tobytes() for row in data])
    hashes = _hashes([bytes(item) for item in data.ravel()])
    if data.ndim == 1 or data[0].size <= 1:
        return hashes
    return _hashes([row.tobytes() for row in hashes.reshape(len(data), -1)])


def _fingerprint_shape(c: ShapeContext) -> list[Shape]:
    data = with_rank_at_least(c, c.input(0), 1)
    with_rank(c, c.input(1), 0)
    method = c.constant(1)
    if method is not None and method.item() != b"farmhash64":
        c.fail(f"Unsupported method: {method.item().decode('latin-1')}")
    return [(None if data is None else data[0], None if method is None else 8)]


register_op("Fingerprint", shape=_fingerprint_shape, numpy=_fingerprint, host=True, gradient=NO_GRADIENT)


@export("fingerprint")
def fingerprint(data: Any, method: Any = "farmhash64", name: str | None = None) -> Tensor:
    """The FarmHash of each row: `u8[rows, 8]`; of strings it is that of their hashes if there are several in a row.

    Raises ValueError: another method. Source: TF 1.15 `tf.fingerprint`.
    """
    found: Tensor = apply_op("Fingerprint", name, data=data, method=method)
    return found


take_ragged(globals(), "unicode_script", 1)
