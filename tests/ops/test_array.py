"""Array functions: static shapes, names, errors, values and gradients, all recorded from TensorFlow 1.15.5."""

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
import array_cases

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES: dict[str, Any] = json.loads((GOLDEN / "array_shapes.json").read_text())
VALUES: dict[str, Any] = json.loads((GOLDEN / "array_values.json").read_text())


def _assert_close(expected: Any, actual: Any) -> None:
    if isinstance(expected, list):
        assert isinstance(actual, list) and len(actual) == len(expected), (expected, actual)
        for e, a in zip(expected, actual, strict=True):
            _assert_close(e, a)
    elif isinstance(expected, float):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    else:
        assert actual == expected


def _compare(expected: dict[str, Any], actual: dict[str, Any]) -> None:
    assert actual.keys() == expected.keys(), actual
    for key, value in expected.items():
        _assert_close(value, actual[key])


@pytest.mark.parametrize("expression", list(SHAPES))
def test_names_shapes_and_errors(expression: str) -> None:
    assert array_cases.shapes_of(tf, expression) == SHAPES[expression]


@pytest.mark.parametrize("expression", list(VALUES))
def test_values_and_gradients(expression: str) -> None:
    _compare(VALUES[expression], array_cases.values_of(tf, expression))


@pytest.mark.parametrize("expression", list(VALUES))
def test_values_and_gradients_when_compiled(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    _compare(VALUES[expression], array_cases.values_of(tf, expression))


def test_slices_at_data_compile_once_in_loops() -> None:
    x = tf.placeholder(tf.float32, [4, 3])
    _, total = tf.while_loop(
        lambda i, s: i < 4,
        lambda i, s: (i + 1, s + x[i] * tf.gather(x, i) + tf.slice(x, [i, 0], [1, 3])[0]),
        [0, tf.zeros([3])],
    )
    fed = np.arange(12, dtype=np.float32).reshape(4, 3)
    result = tf.Session().run(total, {x: fed})
    np.testing.assert_allclose(result, (fed * fed + fed).sum(0))


def test_out_of_range_data_reads_zeros_when_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    x, i = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.placeholder(tf.int32, [None])
    rows = tf.Session().run(tf.gather(x, i * 1), {i: [1, 7, -1]})
    np.testing.assert_allclose(rows, [[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])


def test_variables_are_sliced_and_assigned() -> None:
    v = tf.get_variable("v", initializer=tf.zeros([3, 2]))
    changed = v[1:, 0].assign([5.0, 6.0])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(changed)
        assert session.run(v).tolist() == [[0.0, 0.0], [5.0, 0.0], [6.0, 0.0]]


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_partitioned_embeddings_compile_without_host_steps(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan.Plan, "_on_host", lambda *_: False)
    split = tf.fixed_size_partitioner(3)
    table = tf.get_variable("t", [7, 3], initializer=tf.random_uniform_initializer(seed=1), partitioner=split)
    ids = tf.placeholder(tf.int64, [None])
    rows = tf.nn.embedding_lookup(table, ids, strategy)
    gradients = [tf.convert_to_tensor(g) for g in tf.gradients(tf.reduce_sum(rows * rows), list(table))]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        parts = session.run(list(table))
        for fed in ([0, 5, 5, 3], [1, 2, 3, 4]):
            found, slopes = session.run([rows, gradients], {ids: fed})
            places = [(i % 3, i // 3) if strategy == "mod" else divmod(i - (i > 2), 2) for i in fed]
            places = [(0, i) if strategy == "div" and i < 3 else p for i, p in zip(fed, places, strict=True)]
            np.testing.assert_allclose(found, [parts[p][r] for p, r in places])
            expected = [np.zeros_like(part) for part in parts]
            for p, r in places:
                expected[p][r] += 2 * parts[p][r]
            for slope, want in zip(slopes, expected, strict=True):
                np.testing.assert_allclose(slope, want, rtol=1e-6)
