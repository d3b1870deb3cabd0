"""`tf.Assert` and its kin: operations and errors while building, errors while running."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.ops.summarize import summarize_ends, summarize_value
from retrograph.runtime import plan

KNOWN_FAILURES = {
    "assert_equal": lambda: tf.assert_equal(1, 2),
    "assert_none_equal": lambda: tf.assert_none_equal([1, 2], [3, 2]),
    "assert_less": lambda: tf.assert_less(2.0, 1.0),
    "assert_less_equal": lambda: tf.assert_less_equal(2.0, 1.0),
    "assert_greater": lambda: tf.assert_greater(1.0, 1.0),
    "assert_greater_equal": lambda: tf.assert_greater_equal(0.5, 1.0),
    "assert_negative": lambda: tf.assert_negative(0.0),
    "assert_positive": lambda: tf.assert_positive(0),
    "assert_non_negative": lambda: tf.assert_non_negative(-1),
    "assert_non_positive": lambda: tf.assert_non_positive(1),
}


@pytest.mark.parametrize("name", sorted(KNOWN_FAILURES))
def test_what_is_known_fails_at_once(name: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="did not hold"):
        KNOWN_FAILURES[name]()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", ["assert_equal", "assert_less", "assert_greater_equal", "assert_near"])
def test_what_is_not_known_fails_when_it_runs(name: str, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if compiled:
        monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([getattr(tf, name)(x, y, message="here")]):
        result = x + y
    good = {"assert_less": [0, 1]}.get(name, [1, 2])
    bad = [0, 0] if name == "assert_greater_equal" else [3, 4]
    with tf.Session() as session:
        session.run(result, {x: good, y: [1, 2]})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[here\]"):
            session.run(result, {x: bad, y: [1, 2]})


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: tf.assert_rank(x, 1), ValueError, r"Tensor x:0 must have rank 1.  Received rank 2, shape \(2, 3\)"),
        (lambda x: tf.assert_rank_at_least(x, 3), ValueError, "must have rank at least 3"),
        (lambda x: tf.assert_rank_in(x, [1, 3]), ValueError, "must have rank in"),
        (lambda x: tf.assert_integer(x), TypeError, 'Expected "x" to be integer type'),
        (lambda x: tf.assert_type(x, tf.int32), TypeError, "x:0 must be of type <dtype: 'int32'>"),
        (lambda x: tf.assert_scalar(x), ValueError, "Expected scalar shape for x:0"),
        (lambda x: tf.assert_proper_iterable(x), TypeError, "proper"),
        (lambda x: tf.assert_same_float_dtype([x], tf.float64), ValueError, "must be of the same type"),
    ],
)
def test_static_checks(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(tf.placeholder(tf.float32, [2, 3], name="x"))


def test_a_rank_that_is_not_known_is_checked_when_it_runs() -> None:
    x = tf.placeholder(tf.float32)
    with tf.control_dependencies([tf.assert_rank(x, 1)]):
        y = tf.identity(x)
    with tf.Session() as session:
        session.run(y, {x: [1.0]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="must have rank"):
            session.run(y, {x: 1.0})


def test_static_success_leaves_nothing_to_run() -> None:
    assert tf.assert_rank(tf.zeros([2, 3]), 2).type == "NoOp"
    x = tf.zeros([2])
    assert tf.assert_equal(x, x).name == "assert_equal/NoOp"


@pytest.mark.parametrize(
    ("value", "entries", "text"),
    [
        ([[1, 2], [3, 4]], 3, "[1 2][3...]..."),
        (np.float32([1 / 3, 0.1]), -1, "0.333333343 0.1"),
        ([b'a"b'], 3, 'a\\"b'),
        ([True, False], 3, "1 0"),
        ([], 3, ""),
        (5, 0, "..."),
    ],
)
def test_summaries(value: Any, entries: int, text: str) -> None:
    assert summarize_value(np.asarray(value), entries) == text


def test_summaries_of_print() -> None:
    assert summarize_ends(np.arange(8), 2) == "[0 1 ... 6 7]"
    assert summarize_ends(np.array([[b"a", b"b"]], object), 3) == '[["a" "b"]]'


def test_printing(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    x = tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([tf.print("x", x, {"k": 1}, output_stream=sys.stdout)]):
        y = tf.Print(x, [x, tf.shape(x)], "values: ", first_n=1)
    with tf.Session() as session:
        session.run(y, {x: [1, 2.5]})
        session.run(y, {x: [1, 2.5]})
    out, err = capsys.readouterr()
    assert out == "x [1 2.5] {'k': 1}\n" * 2
    assert err.endswith("values: [1 2.5][2]\n")
    assert err.count("values:") == 1
