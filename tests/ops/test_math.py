"""Mathematical functions: operations, static shapes, errors, values and gradients, all recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import math_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "math.json").read_text())
BUILT = [e for e in math_cases.EXPRESSIONS if "values" in GOLDEN[e]]
FAILING = [e for e in math_cases.EXPRESSIONS if "runtime_error" in GOLDEN[e]]
CHUNK = 32


@pytest.mark.parametrize("expression", math_cases.EXPRESSIONS)
def test_operations_shapes_and_errors(expression: str) -> None:
    expected = {k: v for k, v in GOLDEN[expression].items() if k not in ("values", "runtime_error")}
    assert math_cases.facts_of(tf, expression) == expected


@pytest.mark.parametrize("start", range(0, len(BUILT), CHUNK))
def test_values_and_gradients(start: int) -> None:
    chunk = BUILT[start : start + CHUNK]
    computed = math_cases.values_of(tf, chunk)
    for expression in chunk:
        for actual, expected in zip(computed[expression], GOLDEN[expression]["values"], strict=True):
            if expected and isinstance(expected[0], str):
                assert actual == expected, expression
            else:
                np.testing.assert_allclose(actual, expected, rtol=3e-4, atol=3e-5, err_msg=expression)


@pytest.mark.parametrize("expression", FAILING)
def test_errors_when_run(expression: str) -> None:
    assert math_cases.runtime_error_of(tf, expression) == GOLDEN[expression]["runtime_error"]


def test_operators_of_variables() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        for use_resource in (False, True):
            v = tf.Variable([1.0, 2.0], use_resource=use_resource)
            session.run(v.initializer)
            values = session.run([v + 1, 2 - v, v * v, v / 2, -v, v**2, v > 1, abs(-v), v % 2])
            expected = [[2, 3], [1, 0], [1, 4], [0.5, 1], [-1, -2], [1, 4], [False, True], [1, 2], [1, 0]]
            for actual, wanted in zip(values, expected, strict=True):
                np.testing.assert_allclose(actual, wanted)


def test_sparse_tensors_map_over_their_values() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.SparseTensor([[0, 1]], [-4.0], [2, 2])
        for function, expected in ((tf.abs, 4.0), (tf.square, 16.0), (tf.negative, 4.0), (tf.sign, -1.0)):
            assert session.run(function(x)).values.tolist() == [expected]
        assert session.run(tf.cast(x, tf.int32)).values.tolist() == [-4]


def test_operators_leave_unknown_classes_their_turn() -> None:
    class Mine:
        def __radd__(self, other: Any) -> str:
            return "mine"

        def __array__(self) -> Any:
            raise TypeError("no array")

    with tf.Graph().as_default():
        assert tf.constant(1.0) + Mine() == "mine"


def test_equality_of_tensors_is_identity() -> None:
    with tf.Graph().as_default():
        a, b = tf.constant(1.0), tf.constant(1.0)
        assert a == a
        assert a != b
