"""`tf.CriticalSection`: operations, values and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import golden_facts
import section_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "sections.json").read_text("utf-8"))
CASES = section_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 1e-5)


def test_a_resource_of_one_section_is_refused_to_another() -> None:
    v = tf.get_variable("v", initializer=1.0, use_resource=True)
    first, second = tf.CriticalSection(), tf.CriticalSection()
    first.execute(lambda: v.read_value())
    with pytest.raises(ValueError, match="This execution would access resources"):
        second.execute(lambda: v.read_value())


def test_messages_that_are_names_of_their_own() -> None:
    info = tf.TensorInfo(name="x:0", dtype=1)
    assert tf.TensorInfo.FromString(info.SerializeToString()).name == "x:0"
    assert tf.NameAttrList(name="f").name == "f"
