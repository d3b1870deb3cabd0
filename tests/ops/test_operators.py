"""Linear operators and modules: values, shapes, kinds of products and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import golden_facts
import operator_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "operators.json").read_text("utf-8"))
CASES = operator_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 1e-4)


def test_operators_read_their_variables_where_they_are_used() -> None:
    diagonal = tf.Variable([1.0, 2.0])
    operator = tf.linalg.LinearOperatorDiag(diagonal)
    determinant = operator.determinant()
    assert operator.variables == (diagonal,)
    with tf.Session() as session:
        session.run(diagonal.initializer)
        assert session.run(determinant) == 2
        session.run(diagonal.assign([3.0, 4.0]))
        assert session.run(determinant) == 12
