"""Long chains of small operations: what several take of them is worked out once."""

from __future__ import annotations

import numpy as np

import retrograph as tf
from retrograph.runtime.chains import kept_tensors
from retrograph.runtime.lower import Instruction


def _chain(x, factor, length):
    """Sums of which each is taken by the next one and by a result, as the cells of an LSTM are."""
    given, results = x, []
    for _ in range(length):
        x = x * factor + given
        results.append(x - given)
    return results


def _instructions(graph):
    return [Instruction(op) for op in graph.get_operations()]


def test_some_of_a_long_chain_are_kept():
    with tf.Graph().as_default() as graph:
        _chain(tf.placeholder(tf.float32, [8, 8]), 0.5, 40)
        assert len(kept_tensors(_instructions(graph))) == 9


def test_nothing_of_short_chains_is_kept():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [8, 8])
        for _ in range(40):
            x = tf.matmul(_chain(x, 0.5, 3)[-1], x)
        assert not kept_tensors(_instructions(graph))


def test_values_are_the_same():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        results = _chain(x, 0.5, 20)
        given = np.random.RandomState(0).randn(5000).astype("f")
        given[:4] = 0, -0.0, np.inf, np.nan
        got, wanted = session.run(results, {x: given}), given
        with np.errstate(invalid="ignore"):
            for one in got:
                wanted = wanted * np.float32(0.5) + given
                np.testing.assert_allclose(one, wanted - given, rtol=1e-6, atol=1e-6)


def _residual_units(x, count):
    weights = tf.constant(np.eye(8, dtype="f"))
    for _ in range(count):
        x = tf.nn.relu(x + tf.matmul(x, weights) * 0.1)
    return x


def test_sums_that_products_take_are_kept():
    with tf.Graph().as_default() as graph:
        last = _residual_units(tf.placeholder(tf.float32, [4, 8]), 3)
        kept = kept_tensors(_instructions(graph))
        assert {t.op.type for t in kept} == {"Relu"}
        assert len(kept) == 2
        assert last not in kept


def test_values_of_residual_units():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [4, 8])
        last = _residual_units(x, 3)
        given = np.random.RandomState(0).randn(4, 8).astype("f")
        found, by_x = session.run([last, tf.gradients(last, x)[0]], {x: given})
    np.testing.assert_allclose(found, np.maximum(given, 0) * 1.1**3, rtol=1e-5)
    np.testing.assert_allclose(by_x, (given > 0) * 1.1**3, rtol=1e-5)
