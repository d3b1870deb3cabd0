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
