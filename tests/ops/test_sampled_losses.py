"""Sampled losses make the operations and give the values of TF 1.15. Recorded by tools/record_sampled_losses.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework.op_table import RECORDS

ROWS = json.loads((Path(__file__).parents[1] / "golden" / "sampled_losses.json").read_text())


def _operands() -> dict[str, Any]:
    numbers = np.random.RandomState(3).normal(size=100).astype(np.float32)
    y2 = tf.constant([[1, 2], [3, 4]], tf.int64)
    return {
        "tf": tf,
        "W": tf.constant(numbers[:40].reshape(10, 4)),
        "b": tf.constant(numbers[40:50]),
        "b2": tf.constant(numbers[40:60]),
        "x": tf.constant(numbers[60:68].reshape(2, 4)),
        "y": tf.constant([[1], [3]], tf.int64),
        "y2": y2,
        "s2": tf.nn.log_uniform_candidate_sampler(y2, 2, 3, True, 10, seed=4),
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["expr"])
def test_losses(row: dict[str, Any]) -> None:
    with tf.Graph().as_default() as graph, tf.Session() as session:
        if any(op_type not in RECORDS for _, op_type, _ in row["ops"]):
            pytest.skip("needs an op type that is not there yet")
        tf.set_random_seed(7)
        operands = _operands()
        start = len(graph.get_operations())
        result = eval(row["expr"], operands)
        ops = [[o.name, o.type, [t.name for t in o.inputs]] for o in graph.get_operations()[start:]]
        assert ops == row["ops"]
        assert (result.name, str(result.shape)) == (row["result"], row["shape"])
        gradient = tf.gradients(result, operands["x"])[0]
        for run in row["runs"]:
            for value, want in zip(session.run([result, gradient]), run, strict=True):
                np.testing.assert_allclose(value, want, rtol=2e-5, atol=2e-6)


def _loss_of(labels: Any) -> Any:
    """A sampled softmax whose samples are fixed, so that the labels decide how many of them are hits."""
    numbers = np.random.RandomState(5).normal(size=1000).astype(np.float32)
    weights, inputs = tf.constant(numbers[:400].reshape(100, 4)), tf.constant(numbers[400:560].reshape(40, 4))
    sampled = (tf.constant(np.arange(0, 60, 2)), tf.ones([40, 2]), tf.ones([30]))
    return tf.nn.sampled_softmax_loss(weights, tf.zeros([100]), labels, inputs, 30, 100, 2, sampled, seed=1)


def test_hits_of_another_number_are_no_other_program(monkeypatch: pytest.MonkeyPatch) -> None:
    from retrograph.runtime.plan import Plan
    from retrograph.runtime.steps import Segment

    labels = tf.placeholder(tf.int64, [40, 2])
    loss = _loss_of(labels)
    batches = [np.random.RandomState(i).randint(0, high, (40, 2)) for i, high in enumerate((100, 100, 60, 10, 100))]
    with tf.Session() as session:
        on_numpy = [session.run(loss, {labels: batch}) for batch in batches]
    monkeypatch.setattr(Plan, "_on_host", lambda *_: False)
    compiled = Segment._compiled
    times = []
    monkeypatch.setattr(Segment, "_compiled", lambda *args: times.append(1) or compiled(*args))
    with tf.Session() as session:
        for batch, want in zip(batches, on_numpy, strict=True):
            np.testing.assert_allclose(session.run(loss, {labels: batch}), want, rtol=2e-5, atol=2e-6)
    assert len(times) == 1
