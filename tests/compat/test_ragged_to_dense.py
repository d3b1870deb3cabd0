"""`ragged_to_dense`: dense tensors of ragged ones, cut or filled to a shape."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.compat.ragged_forms import ragged_to_dense


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        (None, [[1, 2], [3, 9]]),
        ([None, 3], [[1, 2, 9], [3, 9, 9]]),
        ([3, 1], [[1], [3], [9]]),
        (tf.TensorShape(None), [[1, 2], [3, 9]]),
    ],
)
def test_cut_or_filled(shape, wanted):
    with tf.Graph().as_default(), tf.Session() as sess:
        ragged = tf.ragged.constant([[1, 2], [3]])
        assert sess.run(ragged_to_dense(ragged, default_value=9, shape=shape)).tolist() == wanted
        assert sess.run(ragged_to_dense(ragged, 9, tf.constant([-1, 3])))[1].tolist() == [3, 9, 9]


def test_rows_as_fillers_and_bad_shapes():
    with tf.Graph().as_default(), tf.Session() as sess:
        ragged = tf.RaggedTensor.from_row_splits(tf.constant([[1, 2], [3, 4], [5, 6]]), [0, 1, 3])
        found = ragged_to_dense(ragged, default_value=[7, 8], shape=[2, 3, 2])
        assert sess.run(found).tolist() == [[[1, 2], [7, 8], [7, 8]], [[3, 4], [5, 6], [7, 8]]]
        with pytest.raises(ValueError, match="must have rank 3"):
            ragged_to_dense(ragged, shape=[2])
