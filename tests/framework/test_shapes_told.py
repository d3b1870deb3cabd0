"""Which sizes `constant_value_as_shape` reads from the tensor of a shape, as recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.framework.static_value import constant_value_as_shape

TOLD = {
    "shape": (lambda s, u: s, [2, None, 3]),
    "slice": (lambda s, u: s[1:], [None, 3]),
    "slices": (lambda s, u: s[0:2][1:], [None]),
    "steps": (lambda s, u: s[::2], [2, 3]),
    "concat": (lambda s, u: tf.concat([s[:1], [5]], 0), [2, 5]),
    "fill": (lambda s, u: tf.fill([2], 3), [3, 3]),
    "cast_values": (lambda s, u: tf.cast(tf.constant([2.0, -1.0]), tf.int64), [2, None]),
    "empty": (lambda s, u: tf.constant([], tf.int32), []),
    "sparse": (lambda s, u: tf.shape(tf.SparseTensor([[0, 0]], tf.constant([1]), [3, 2])), [3, 2]),
    # Only shape rules, not TF's Python, see through these.
    "cast": (lambda s, u: tf.cast(s, tf.int64), [None, None, None]),
    "stack": (lambda s, u: tf.stack([s[0], 4, -1]), [None, 4, None]),
    "sum": (lambda s, u: tf.constant([3, 4]) * 2, [None, None]),
    "identity": (lambda s, u: tf.identity(tf.constant([3, 4])), [None, None]),
    "several": (lambda s, u: tf.shape_n([tf.zeros([2, 3])])[0], [None, None]),
    "unknown": (lambda s, u: u, None),
    "partly": (lambda s, u: tf.concat([u, [3]], 0), None),
    "scalar": (lambda s, u: tf.constant(-1), None),
}
REFUSED = {
    "another scalar": (
        lambda: tf.constant(3),
        "Received a scalar value '3' as shape; require a statically known scalar with value '-1' to describe an "
        "unknown shape.",
    ),
    "unknown scalar": (
        lambda: tf.placeholder(tf.int32, []),
        "Received a scalar with unknown value as shape; require a statically known scalar with value '-1' to describe "
        "an unknown shape.",
    ),
    "matrix": (lambda: tf.constant([[1]]), "Shape (1, 1) must have rank 1"),
}


@pytest.mark.parametrize("name", TOLD)
def test_sizes_that_are_told(name):
    build, wanted = TOLD[name]
    with tf.Graph().as_default():
        sizes = tf.shape(tf.placeholder(tf.float32, [2, None, 3]))
        found = constant_value_as_shape(build(sizes, tf.placeholder(tf.int32, [None])))
    assert (None if found.ndims is None else found.as_list()) == wanted


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_shape(name):
    build, text = REFUSED[name]
    with tf.Graph().as_default(), pytest.raises(ValueError) as caught:
        constant_value_as_shape(build())
    assert str(caught.value) == text


def test_a_reshape_by_sizes_seen_in_the_graph():
    """A first size that Python does not see leaves the shape open; the shape is not made a constant."""
    with tf.Graph().as_default():
        sparse = tf.SparseTensor([[0, 0]], tf.constant([1]), [3, 2])
        found = tf.sparse.reshape(sparse, [tf.shape(sparse)[0], -1])
        assert (found.shape.as_list(), found.dense_shape.op.type) == ([None, None], "SparseReshape")
        known = tf.sparse.reshape(sparse, [2, -1])
        assert (known.shape.as_list(), known.dense_shape.op.type) == ([2, 3], "Const")
