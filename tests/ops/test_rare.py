"""Fractional pooling, quantized layers, sounds, scripts, fingerprints, averages: TF 1.15.5's operations and values."""

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
import rare_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "rare.json").read_text("utf-8"))
CASES = rare_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 1e-5)


def test_fractional_pooling_without_seeds_differs_from_run_to_run() -> None:
    pooled = tf.nn.fractional_max_pool(np.zeros((1, 40, 40, 1), np.float32), [1.0, 1.5, 1.5, 1.0])
    with tf.Session() as session:
        rows = [session.run(pooled[1]).tolist() for _ in range(4)]
    assert any(row != rows[0] for row in rows[1:])
    assert all(row[0] == 0 and row[-1] == 40 for row in rows)


def test_quantized_relu_x_has_no_kernel() -> None:
    made = tf.nn.quantized_relu_x(tf.constant([1], tf.quint8), 3.0, 0.0, 1.0)
    with tf.Session() as session, pytest.raises(tf.errors.UnimplementedError, match="QuantizedReluX"):
        session.run(made.activations)
