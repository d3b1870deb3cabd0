"""Operations that graphs hold but programs seldom make: TF 1.15.5's operations, shapes, values and errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import golden_facts
import raw_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "raw_ops.json").read_text("utf-8"))
CASES = raw_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 1e-5)
