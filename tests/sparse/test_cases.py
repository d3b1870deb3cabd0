"""Sparse tensors, tables, sets, parsing, feature columns: operations, shapes, values and errors recorded from 1.15.5."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN / "sparse_cases"))
harness = importlib.import_module("harness")

MODULES = sorted(p.stem for p in (GOLDEN / "sparse_cases").glob("*.py") if p.stem != "harness")
EXPECTED: dict[str, dict[str, Any]] = {
    m: json.loads((GOLDEN / f"sparse_{m}.json").read_text(encoding="utf-8")) for m in MODULES
}
CASES = [(m, c) for m in MODULES for c in EXPECTED[m]]

# Where more is known of shapes before a run than TensorFlow's Python knows; it may save an operation.
MORE_KNOWN = {
    "sparse": {"expand"},
    "columns": {"lm_cat", "lm_w", "lm_cr"},
    "parsing": {"sparsef"},
}
# What ragged tensors are made of goes by fewer or other operations; `unary` leaves no name taken where TensorFlow tries.
OTHER_NAMES = {
    "sparse": {"unary"},
    "ragged": {
        "splits", "splits_bad", "facts", "to_tensor", "from_tensor", "getitem", "ops", "mapf", "segs", "mask", "stackp",
        "stack", "ph", "grad",
    },
    "strings": {"dec", "split", "enc", "bsplit", "ssplit", "ssplit_e", "ng"},
}  # fmt: skip
# TensorFlow's tables give their entries in the order of their hashes.
OTHER_ORDER = {"lookup": {"h2", "h5", "m2"}, "ragged": {"grad"}}
# Keras wraps these errors; JSON's and patterns' texts are those of their parsers; classes are elsewhere; a constant that
# TensorFlow's Python has looked at may not be fed.
OTHER_ERRORS = {
    "columns": {"lm_emb", "err27"},
    "parsing": {"json_bad"},
    "sparse": {"ph4"},
    "strings": {"rr_e", "rr_e2"},
    "ragged": {"err10"},
}
# A gradient that is dense where TensorFlow's has slices; sizes of slices with steps.
OTHER_SHAPES = {"ragged": {"grad", "getitem"}}


def compared(module: str, name: str) -> set[str]:
    """The facts of a case in which Retrograph is like TensorFlow."""
    facts = {"shapes", "ops", "value", "error"}
    for cases, gone in (
        (MORE_KNOWN, {"shapes", "ops"}),
        (OTHER_NAMES, {"ops"}),
        (OTHER_SHAPES, {"shapes"}),
        (OTHER_ORDER, {"value"}),
        (OTHER_ERRORS, {"error", "value"}),
    ):
        facts -= gone if name in cases.get(module, ()) else set()
    return facts


@pytest.mark.parametrize("module", MODULES)
def test_all_cases_are_recorded(module: str) -> None:
    importlib.import_module(module)
    assert list(harness.CASES[module]) == list(EXPECTED[module])


@pytest.mark.parametrize(("module", "name"), CASES, ids=[f"{m}-{c}" for m, c in CASES])
def test_as_tensorflow(module: str, name: str) -> None:
    importlib.import_module(module)
    found, expected = harness.facts(harness.CASES[module][name]), EXPECTED[module][name]
    for fact in compared(module, name):
        assert found.get(fact) == expected.get(fact), fact
