"""Graphs that cannot run: cycles, and operations with inputs from different frames."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.runtime.malformed import refusal


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def test_a_cycle_is_named():
    x, y, z = tf.constant(1), tf.constant(2), tf.constant(0)
    y.op._add_control_inputs([z.op, x.op])
    x.op._add_control_input(y.op)
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.InvalidArgumentError, match="Graph is invalid, contains a cycle with 2 nodes"),
    ):
        sess.run(x)


def test_inputs_from_different_frames_are_named():
    data = tf.placeholder(tf.float32, [])
    one, other = (apply_op("Enter", None, data=data, frame_name=name) for name in ("foo_1", "foo_2"))
    total = one + other
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(total, {data: 1.0})
    text = caught.value.message
    assert "add" in text and "has inputs from different frames." in text
    assert "is in frame 'foo_1'." in text and "is in frame 'foo_2'." in text


def test_a_branch_that_is_not_taken_has_no_value():
    taken, other = tf.cond(tf.constant(True), lambda: [tf.constant(1.0)] * 2, lambda: [tf.constant(2.0)] * 2)
    data = tf.constant(1.0)
    false, _ = apply_op("Switch", None, data=data, pred=tf.constant(True))
    with tf.Session() as sess:
        assert sess.run([taken, other]) == [1.0, 1.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Retval"):
            sess.run(false)


def test_loops_and_branches_are_well_formed():
    x = tf.Variable(2.0)

    def body(i, total):
        part = tf.cond(i > 1, lambda: total * x, lambda: total + 1.0)
        _, inner = tf.while_loop(lambda j, _: j < i, lambda j, t: (j + 1, t * 0.5 + part), [0, 1.0])
        return i + 1, inner + tf.constant(3.0)

    _, total = tf.while_loop(lambda i, _: i < 3, body, [0, 1.0])
    gradient = tf.gradients(total, x)[0]
    assert refusal(total) is None and refusal(gradient) is None
