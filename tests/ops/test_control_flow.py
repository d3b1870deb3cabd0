"""Conds, loops, TensorArrays, Python functions and texts: values, gradients and errors recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime import plan

sys.path.insert(0, str(Path(__file__).parent))
import control_flow_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "control_flow.json").read_text())


def _assert_like(expected: Any, actual: Any) -> None:
    if isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), (expected, actual)
        for e, a in zip(expected, actual, strict=True):
            _assert_like(e, a)
    elif isinstance(expected, float):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    else:
        assert actual == expected


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded(name: str) -> None:
    _assert_like(GOLDEN[name], control_flow_cases.result_of(tf, name))


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded_when_compiled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    _assert_like(GOLDEN[name], control_flow_cases.result_of(tf, name))


def test_the_branch_not_taken_does_not_run() -> None:
    calls: list[str] = []

    def note(text: str) -> Any:
        return tf.py_func(lambda: (calls.append(text), np.float32(1))[1], [], tf.float32)

    p = tf.placeholder(tf.bool, [])
    r = tf.cond(p, lambda: note("true"), lambda: note("false"))
    with tf.Session() as session:
        session.run(r, {p: True})
        session.run(r, {p: False})
    assert calls == ["true", "false"]


def test_values_from_inside_are_refused_outside() -> None:
    inner = []

    def body(i: Any) -> Any:
        inner.append(tf.identity(i))
        return i + 1

    tf.while_loop(lambda i: i < 3, body, [0])
    with pytest.raises(ValueError, match="is in a while loop"):
        tf.add(inner[0], 1)
    with pytest.raises(ValueError, match="not fetchable"):
        tf.Session().run(inner[0])


def test_conds_and_loops_run_without_their_contexts() -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(x > 1.0, lambda: x * 2.0, lambda: x - 1.0)
    result = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * y), [0, 1.0])[1]
    for op in tf.get_default_graph().get_operations():
        op._set_control_flow_context(None)
    with tf.Session() as session:
        assert session.run(result, {x: 2.0}) == 64.0
        assert session.run(result, {x: 0.5}) == -0.125


def test_a_loop_that_cannot_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    r = tf.while_loop(lambda i: tf.constant(True), lambda i: i + 1, [0])
    with pytest.raises(tf.errors.DeadlineExceededError, match="never end"):
        tf.Session().run(r)


def test_a_long_loop_leaves_the_host() -> None:
    r = tf.while_loop(lambda i, a: i < 200_000, lambda i, a: (i + 1, a + 2), [0, 0])
    assert tf.Session().run(r) == (200_000, 400_000)


def test_group_refuses_arrays():
    with pytest.raises(TypeError, match=r"Expected tf.group\(\) expected Tensor arguments not"):
        tf.group(tf.no_op(), np.ones(2))
