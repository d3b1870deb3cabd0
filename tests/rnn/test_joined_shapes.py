"""The shapes that copies of TF's recurrent loops put together."""

from __future__ import annotations

import importlib

import pytest

import retrograph as tf
from retrograph.compat import hook
from retrograph.rnn.joined_shapes import joined

hook.install()


def test_it_stands_where_programs_take_it() -> None:
    assert importlib.import_module("tensorflow.python.ops.rnn_cell_impl")._concat is joined


def test_sizes_of_tensors_and_numbers() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        batch = tf.shape(tf.zeros([5, 2]))[0]
        assert session.run(joined(batch, 3)).tolist() == [5, 3]
        assert session.run(joined(4, tf.TensorShape([2, 3]))).tolist() == [4, 2, 3]
        assert joined(4, [None, 3], static=True) == [4, None, 3]


def test_what_is_not_known_is_refused() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="Provided a prefix or suffix of None: 4 and "):
            joined(4, tf.TensorShape([None]))
        with pytest.raises(ValueError, match="prefix tensor must be either a scalar or vector, but saw tensor"):
            joined(tf.zeros([2, 2], tf.int32), 3)
