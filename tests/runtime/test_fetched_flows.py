"""The flow of a TensorArray, fetched, is a number, as in TF 1.15.5."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf


def _array() -> Any:
    return tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])


def test_flow_is_zero() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        array = _array()
        empty = tf.TensorArray(tf.float32, 2)
        written = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a.write(i, 2.0)), [0, _empty()])[1]
        fetched = sess.run([array.flow, empty.flow, written.flow, tf.identity(array.flow), array.stack()])
    assert [type(flow) for flow in fetched[:4]] == [np.float32] * 4
    assert fetched[:4] == [0.0] * 4
    assert fetched[4].tolist() == [1.0, 2.0, 3.0]


def _empty() -> Any:
    return tf.TensorArray(tf.float32, 3)
