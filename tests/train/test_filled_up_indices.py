"""Distinct indices that a compiled part of a run filled up, met by what runs on NumPy values."""

import numpy as np

import retrograph as tf
from retrograph.framework.op_table import RECORDS

_FILLER = np.iinfo(np.int32).max


class _Context:
    """Variables by the place of their reference among the inputs."""

    xp = np

    def __init__(self, *values):
        self.values = [np.array(v) for v in values]

    def read(self, ref):
        return self.values[ref]

    def write(self, ref, value):
        self.values[ref] = value


def _distinct():
    distinct, _ = tf.unique(tf.constant([3, 1, 3]))
    distinct.op._set_attr("_padded", True)
    return tf.identity(distinct)


def test_scatters_leave_fillers_out():
    with tf.Graph().as_default():
        made = tf.scatter_add(tf.Variable(np.zeros((4, 2), "f")), _distinct(), np.ones((3, 2), "f"))
        context = _Context(np.zeros((4, 2), "f"))
        indices = np.array([3, 1, _FILLER], np.int32)
        RECORDS["ScatterAdd"].numpy(made.op, context, 0, indices, np.ones((3, 2), "f"))
        np.testing.assert_array_equal(context.values[0], [[0, 0], [1, 1], [0, 0], [1, 1]])


def test_sparse_updates_leave_fillers_out():
    with tf.Graph().as_default():
        variable, slot = tf.Variable(np.ones((4, 2), "f")), tf.Variable(np.zeros((4, 2), "f"))
        op = tf.raw_ops.SparseApplyMomentum(
            var=variable._ref(), accum=slot._ref(), lr=1.0, grad=np.ones((3, 2), "f"), indices=_distinct(), momentum=0.0
        ).op
        context = _Context(np.ones((4, 2), "f"), np.zeros((4, 2), "f"))
        indices, one, none = np.array([3, 1, _FILLER], np.int32), np.float32(1), np.float32(0)
        RECORDS[op.type].numpy(op, context, 0, 1, one, np.ones((3, 2), "f"), indices, none)
        np.testing.assert_array_equal(context.values[0], [[1, 1], [0, 0], [1, 1], [0, 0]])


def test_rows_of_fillers_can_be_gathered_but_no_others_beyond_the_end():
    with tf.Graph().as_default(), tf.Session():
        params = np.arange(4, dtype="f")
        op = tf.gather(params, _distinct()).op
        gather, axis = RECORDS[op.type].numpy, np.int32(0)
        found = gather(op, params, np.array([3, 1, _FILLER], np.int32), axis)
        np.testing.assert_array_equal(found[:2], [3, 1])
        with np.testing.assert_raises_regex(tf.errors.InvalidArgumentError, r"indices\[1\] = 4 is not in \[0, 4\)"):
            gather(op, params, np.array([3, 4, _FILLER], np.int32), axis)
