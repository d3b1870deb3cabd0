"""Linear operators and modules: values, shapes, kinds of products and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
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


def test_functions_of_linalg_take_operators() -> None:
    matrix = [[4.0, 1.0], [1.0, 3.0]]
    operator = tf.linalg.LinearOperatorFullMatrix(matrix, is_self_adjoint=True, is_positive_definite=True)
    x = tf.constant([[1.0, 2.0]])
    functions = ("adjoint", "cholesky", "inv")
    operators = [getattr(tf.linalg, name)(operator).to_dense() for name in functions]
    plain = [getattr(tf.linalg, name)(tf.constant(matrix)) for name in functions]
    numbers = ("det", "logdet", "trace", "diag_part")
    operators += [getattr(tf.linalg, name)(operator) for name in numbers]
    plain += [getattr(tf.linalg, name)(tf.constant(matrix)) for name in numbers]
    operators += [
        tf.matmul(operator, x, adjoint_b=True),
        tf.matmul(x, operator),
        tf.linalg.solve(operator, [[1.0], [2.0]]),
    ]
    plain += [tf.matmul(matrix, x, adjoint_b=True), tf.matmul(x, matrix), tf.linalg.solve(matrix, [[1.0], [2.0]])]
    with tf.Session() as session:
        for found, wanted in zip(*session.run([operators, plain]), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="Transposing not supported"):
        tf.matmul(operator, x, transpose_b=True)
