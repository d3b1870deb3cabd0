"""Scaled losses: steps, scales and errors as TF 1.15 gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

X = tf.train.experimental


def steps(scale: Any) -> tuple[list[Any], list[str]]:
    """The values, the step and the scale after good, good, infinite and good gradients; the variables."""
    with tf.Graph().as_default():
        scale = scale() if callable(scale) else scale
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        factor = tf.placeholder_with_default(1.0, [])
        step = tf.train.get_or_create_global_step()
        optimizer = X.enable_mixed_precision_graph_rewrite(tf.train.MomentumOptimizer(0.1, 0.9), scale)
        train = optimizer.minimize(tf.reduce_sum(v * v) * factor, global_step=step)
        found = []
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for value in (1.0, 1.0, np.inf, 1.0):
                session.run(train, {factor: value})
                values, at, now = session.run([v, step, optimizer._loss_scale()])
                found.append(([round(float(x), 3) for x in values], int(at), float(now)))
        return found, sorted(w.name for w in tf.global_variables())


def test_dynamic_scales_leave_out_steps_that_are_not_finite() -> None:
    found, names = steps(lambda: X.DynamicLossScale(4.0, 2, 2.0))
    assert found == [
        ([0.8, 1.6], 1, 4.0),
        ([0.46, 0.92], 2, 8.0),
        ([0.46, 0.92], 2, 4.0),
        ([0.062, 0.124], 3, 4.0),
    ]
    assert names == ["current_loss_scale:0", "global_step:0", "good_steps:0", "v/Momentum:0", "v:0"]


def test_fixed_scales_change_nothing() -> None:
    found, names = steps(8)
    assert found[:2] == [([0.8, 1.6], 1, 8.0), ([0.46, 0.92], 2, 8.0)]
    assert found[2][0] == [-np.inf, -np.inf] and names == ["global_step:0", "v/Momentum:0", "v:0"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: X.FixedLossScale("a"), "must be a Python int or float"),
        (lambda: X.FixedLossScale(0), "must be at least 1"),
        (lambda: X.MixedPrecisionLossScaleOptimizer(3, 1), '"opt" must be an instance of Optimizer'),
        (lambda: X.enable_mixed_precision_graph_rewrite(3), '"opt" must be an instance of a tf.train.Optimizer'),
        (
            lambda: X.enable_mixed_precision_graph_rewrite(tf.train.AdamOptimizer(), "x"),
            "Could not interpret loss scale identifier: x",
        ),
    ],
)
def test_wrong_arguments(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_configurations() -> None:
    assert X.FixedLossScale.from_config({"loss_scale_value": 3}).get_config() == {"loss_scale_value": 3.0}
    assert repr(X.FixedLossScale(2)) == "FixedLossScale(2.0)"
