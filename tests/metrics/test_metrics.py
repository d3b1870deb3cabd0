"""tf.metrics over two batches."""

import numpy as np
import pytest

import retrograph as tf


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("accuracy", 0.5), ("precision", 2 / 3), ("recall", 2 / 3), ("true_positives", 4.0), ("false_negatives", 2.0)],
)
def test_figures_gather_over_batches(metric, expected):
    tf.reset_default_graph()
    value, update = getattr(tf.metrics, metric)([1, 1, 1, 0], [1, 1, 0, 1])
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update)
        session.run(update)
        np.testing.assert_allclose(session.run(value), expected, rtol=1e-6)


def test_variables_are_local():
    tf.reset_default_graph()
    tf.metrics.mean([1.0, 2.0], name="m")
    assert [v.op.name for v in tf.local_variables()] == ["m/total", "m/count"]
    assert tf.get_collection(tf.GraphKeys.METRIC_VARIABLES) == tf.local_variables()
    assert tf.global_variables() == []


def test_area_under_roc_curve():
    tf.reset_default_graph()
    _, update = tf.metrics.auc(tf.constant([1, 1, 0, 0]), tf.constant([0.9, 0.4, 0.6, 0.1]))
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        np.testing.assert_allclose(session.run(update), 0.75, rtol=1e-4)
