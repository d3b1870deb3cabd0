"""Sums and maxima in the forms for short last axes and wide rows are those of the plain form."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import retrograph as tf

SHAPES = [(3, 20000), (20000, 3), (13, 1, 20001), (5, 9000, 2), (2, 17, 17000), (4097, 2, 4)]
FORMS: list[Any] = [
    (tf.reduce_sum, np.sum),
    (tf.reduce_mean, np.mean),
    (tf.reduce_max, np.max),
    (tf.reduce_min, np.min),
]


def _axes(rank: int) -> list[tuple[int, ...]]:
    return [a for n in range(1, rank + 1) for a in itertools.combinations(range(rank), n)]


@pytest.mark.parametrize("shape", SHAPES)
def test_as_numpy(shape: tuple[int, ...]) -> None:
    value = np.random.RandomState(0).randn(*shape).astype("f")
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, shape)
        cases = [(f, g, axes, keep) for f, g in FORMS for axes in _axes(len(shape)) for keep in (False, True)]
        results = sess.run([f(x, axes, keepdims=keep) for f, _, axes, keep in cases], {x: value})
    for (_, g, axes, keep), result in zip(cases, results, strict=True):
        expected = g(value, axis=axes, keepdims=keep)
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-3, atol=2e-3)


def test_not_a_number_stays() -> None:
    value = np.ones((3, 40000), "f")
    value[1, 5], value[2, 7] = np.nan, np.inf
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, value.shape)
        results = sess.run([tf.reduce_sum(x, 0), tf.reduce_max(x, 0), tf.reduce_min(x, 0)], {x: value})
    for result, normal in zip(results, (3, 1, 1), strict=True):
        assert np.isnan(result[5])
        assert result[6] == normal
    assert results[0][7] == results[1][7] == np.inf


def test_softmax_over_few_classes() -> None:
    value = np.random.RandomState(0).randn(20000, 2).astype("f")
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, value.shape)
        result = sess.run(tf.nn.softmax(x), {x: value})
    np.testing.assert_allclose(result[:, 0], 1 / (1 + np.exp(value[:, 1] - value[:, 0])), rtol=1e-5)
