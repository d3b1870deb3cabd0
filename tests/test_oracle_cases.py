"""Hand-written cases of names, scopes and sessions: every fact is TensorFlow 1.15.5's."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

ORACLE = Path(__file__).parent / "golden" / "oracle"
sys.path.insert(0, str(ORACLE))
import cases_run  # noqa: E402

GOLDEN: dict[str, Any] = json.loads((ORACLE / "cases_golden.json").read_text())

pytestmark = pytest.mark.usefixtures("oracle_facts")


# What newer Python and NumPy say in other words than Python 3.7 and NumPy 1.18, under which the facts were recorded.
WORDING = (
    (re.compile(r"[\w.<>]+\.<locals>\."), ""),
    (re.compile(r"a bytes-like object or a real number"), "a bytes-like object or a number"),
    (re.compile(r"property '\w+' of '\w+' object has no setter"), "can't set attribute"),
    (re.compile(r"\b(Can't instantiate abstract class \w+) with abstract method"), r"\1 with abstract methods"),
    (re.compile(r'"bool_"'), '"bool"'),
    (re.compile(r'"PatternError"'), '"error"'),  # `re.error` by its name since Python 3.13
)


def _worded(value: Any) -> Any:
    text = json.dumps(value)
    for pattern, replacement in WORDING:
        text = pattern.sub(replacement, text)
    return json.loads(text)


def _hard_differences(golden: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Facts that differ by more than an error text after its first sentence or the rounding of a float."""
    if golden["fatal"] != got["fatal"]:
        return [f"fatal: {golden['fatal']} / {got['fatal']}"]
    lines = []
    for expected, actual in zip(golden["facts"], got["facts"], strict=False):
        if expected[0] != actual[0]:
            return [*lines, f"facts out of step: {expected[0]} / {actual[0]}"]
        if not cases_run.same(_worded(expected[1]), _worded(actual[1]), True):
            lines.append(
                f"{expected[0]}:\n   TF:  {json.dumps(expected[1])[:500]}\n   got: {json.dumps(actual[1])[:500]}"
            )
    if len(golden["facts"]) != len(got["facts"]):
        lines.append(f"{len(golden['facts'])} facts expected, got {len(got['facts'])}")
    return lines


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    got = cases_run.one(tf, np, str(ORACLE / "cases" / f"{name}.py"))
    got = json.loads(json.dumps(got))
    differences = _hard_differences(GOLDEN[name], got)
    assert not differences, f"{GOLDEN[name]['pins']}\n" + "\n".join(differences)
