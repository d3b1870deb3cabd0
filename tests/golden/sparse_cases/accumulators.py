"""Accumulators of gradients."""

import numpy as np

from harness import case, named, tf, write

C = tf.constant


@case
def a1():
    q = tf.ConditionalAccumulator(tf.float32, shape=[2], name="Q")
    with tf.control_dependencies([q.apply_grad([1.0, 2.0]), q.apply_grad([3.0, 4.0])]):
        n = q.num_accumulated()
    with tf.control_dependencies([n]):
        t = q.take_grad(2)
    with tf.control_dependencies([t]):
        return n, t, q.num_accumulated()


@case
def a2():
    q = tf.ConditionalAccumulator(tf.float32, reduction_type="SUM")
    s = q.set_global_step(3)
    with tf.control_dependencies([s]):
        a = q.apply_grad([1.0], local_step=2)
    with tf.control_dependencies([a]):
        b = q.apply_grad([5.0], local_step=3)
    with tf.control_dependencies([b]):
        c = q.apply_grad([6.0], local_step=4)
    with tf.control_dependencies([c]):
        return q.take_grad(2)


@case
def a3():
    return tf.ConditionalAccumulator(tf.float32, shape=[2]).apply_grad([1.0])


@case
def a4():
    return tf.ConditionalAccumulator(tf.float32, shape=[2]).apply_grad(tf.placeholder_with_default([1.0], None))


@case
def a5():
    return tf.ConditionalAccumulator(tf.float32, shape=[2]).take_grad(0)


@case
def s1():
    q = tf.SparseConditionalAccumulator(tf.float32, shape=[4, 2])
    a = q.apply_grad([0, 2], [[1.0, 2.0], [3.0, 4.0]])
    with tf.control_dependencies([a]):
        b = q.apply_indexed_slices_grad(tf.IndexedSlices(C([[10.0, 20.0]]), C([2]), C([4, 2])))
    with tf.control_dependencies([b]):
        t = q.take_indexed_slices_grad(2)
        return t.indices, t.values, t.dense_shape


@case
def s2():
    q = tf.SparseConditionalAccumulator(tf.float32, shape=[None, 2], reduction_type="SUM")
    a = q.apply_grad([0, 2, 0], [[1.0, 2.0], [3.0, 4.0], [1.0, 1.0]])
    with tf.control_dependencies([a]):
        return list(q.take_grad(1))


for n, (i, v, s) in enumerate(
    [
        ([5], [[1.0, 2.0]], None),
        ([1], [[1.0]], None),
        ([1], [[1.0, 2.0]], [3, 2]),
        ([1], [[1.0, 2.0]], [4]),
        ([1, 2], [[1.0, 2.0]], None),
        ([[1]], [[1.0, 2.0]], None),
    ]
):

    def f(i=i, v=v, s=s):
        return tf.SparseConditionalAccumulator(tf.float32, shape=[4, 2]).apply_grad(i, v, s)

    named("se%d" % n, f)
