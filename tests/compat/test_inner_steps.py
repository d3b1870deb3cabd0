"""Names of TensorFlow's inside: side effects on tensors, stacks of one run, steps of a beam search."""

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import beam_search_steps, internals, subscribe
from retrograph.framework.apply import apply_op


def test_side_effects_of_tensors() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        c = tf.add(1, 2)
        after = tf.negative(c)
        seen: list[int] = []

        def effect(tensor: tf.Tensor) -> list[tf.Tensor]:
            return [tf.py_func(lambda x: seen.append(int(x)) or x, [tensor], tensor.dtype)]

        new = subscribe.subscribe({"c": c}, effect)["c"]
        assert new.name == "Add/subscription/Identity:0" or new.op.name.startswith(c.op.name + "/subscription/")
        assert after.op.inputs[0] is new and sess.run(after) == -3 and seen == [3]
        assert subscribe.subscribe([c], [effect]) == [new]
        sess.run(after)
        assert seen == [3, 3, 3]
        with pytest.raises(TypeError, match="_recursive_apply argument 'c' has invalid type"):
            subscribe.subscribe("c", effect)


def test_stacks_of_one_run() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        handle = apply_op("StackV2", None, max_size=1, elem_type=tf.float32, stack_name="s")
        first = apply_op("StackPushV2", None, handle=handle, elem=[1.0, 2.0])
        with tf.control_dependencies([first]):
            taken = apply_op("StackPopV2", None, handle=handle, elem_type=tf.float32)
            second = apply_op("StackPushV2", None, handle=handle, elem=[3.0])
        assert sess.run(taken).tolist() == [1, 2]
        with pytest.raises(tf.errors.InvalidArgumentError, match="overflowed its max_size"):
            sess.run(second)
        with pytest.raises(tf.errors.InvalidArgumentError, match="is empty when calling Pop"):
            sess.run(apply_op("StackPopV2", None, handle=handle, elem_type=tf.float32))


def test_parts_of_a_beam_search() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        probs = tf.constant([[[-0.2, -0.3], [-0.4, -0.5]]])
        masked = sess.run(beam_search_steps._mask_probs(probs, 0, np.array([[False, True]])))
        assert masked[0].tolist() == [[np.float32(-0.2), np.float32(-0.3)], [0.0, tf.float32.min]]
        check = beam_search_steps._check_batch_beam(tf.zeros([2, 21, 3]), 4, 5)
        with pytest.raises(tf.errors.InvalidArgumentError, match="TensorArray reordering expects"):
            sess.run(check)


def test_buckets() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        assert sess.run(internals.bucketize([1.0, 5.0], boundaries=[2.0, 3.0])).tolist() == [0, 2]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Expected sorted boundaries"):
            sess.run(internals.bucketize([1.0], boundaries=[3.0, 2.0]))
