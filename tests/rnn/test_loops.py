"""Loops with TensorArrays, conds in them and gradients through them: values are those of TF 1.15.5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime.steps import Segment


def _run(ys, xs, feeds):
    grads = [tf.convert_to_tensor(g) for g in tf.gradients(ys, xs)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run([ys, *grads], feeds)


def _growing(**kwargs):
    x = tf.placeholder(tf.float32, [2])
    ta = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    _, _, ta = tf.while_loop(
        lambda i, a, t: tf.reduce_sum(a) < 20.0,
        lambda i, a, t: [i + 1, a * 1.3, t.write(i, a)],
        [0, x, ta],
        **kwargs,
    )
    return tf.reduce_sum(ta.stack() ** 2), x


@pytest.mark.parametrize("kwargs", [{}, {"maximum_iterations": 100}])
def test_an_array_that_grows_as_long_as_data_say(kwargs):
    y, x = _growing(**kwargs)
    value, grad = _run(y, [x], {x: [1.0, 2.0]})
    np.testing.assert_allclose(value, 474.9394, rtol=1e-5)
    np.testing.assert_allclose(grad, [189.9758, 379.9515], rtol=1e-5)


def test_an_array_that_grows_with_a_bound_is_compiled_for_any_length():
    y, x = _growing(maximum_iterations=100)
    with tf.Session() as sess:
        lengths = [sess.run(y, {x: [v, v]}) for v in (1.0, 5.0, 30.0)]
    np.testing.assert_allclose(lengths, [2 * sum(1.3 ** (2 * i) for i in range(9)), 2 * (25 + 42.25 + 71.4025), 0], rtol=1e-5)  # fmt: skip


def test_conds_in_a_loop_write_and_read():
    x, n = tf.placeholder(tf.float32, [5]), tf.placeholder(tf.int32, [])
    ta, out = tf.TensorArray(tf.float32, 5).unstack(x), tf.TensorArray(tf.float32, 5)
    _, out = tf.while_loop(
        lambda i, t: i < 5,
        lambda i, t: (
            i + 1,
            t.write(i, tf.cond(i < n, lambda: ta.read(i) * 2.0, lambda: tf.square(ta.read(i)))),
        ),
        [0, out],
    )
    value, grad = _run(out.stack(), [x], {x: np.arange(1.0, 6.0), n: 3})
    assert value.tolist() == [2, 4, 6, 16, 25]
    assert grad.tolist() == [2, 2, 2, 8, 10]


def test_a_loop_in_a_loop():
    x = tf.placeholder(tf.float32, [3, 4])
    w = tf.get_variable("w", initializer=[0.5, 0.2, 0.1, 0.3])

    def outer(i, acc):
        _, r = tf.while_loop(lambda j, h: j < 4, lambda j, h: (j + 1, tf.tanh(h * w[j] + x[i, j])), [0, acc])
        return i + 1, r + acc

    _, y = tf.while_loop(lambda i, a: i < 3, outer, [0, 1.0])
    value, _, by_w = _run(y, [x, w], {x: np.arange(12).reshape(3, 4) * 0.1})
    np.testing.assert_allclose(value, 2.9234, atol=1e-4)
    np.testing.assert_allclose(by_w, [0.0045, 0.0175, 0.1276, 0.6723], atol=1e-4)


def _decoder(helper_of):
    s2s, random = tf.contrib.seq2seq, np.random.RandomState
    emb = tf.get_variable("emb", initializer=tf.constant(random(0).randn(7, 4), tf.float32))
    kernel = tf.constant_initializer(random(1).randn(100, 100).ravel()[: 9 * 20])
    cell = tf.nn.rnn_cell.LSTMCell(5, initializer=kernel)
    layer = tf.layers.Dense(7, kernel_initializer=tf.constant_initializer(random(2).randn(5, 7)))
    return s2s.BasicDecoder(cell, helper_of(emb), cell.zero_state(3, tf.float32), output_layer=layer)


def test_the_gradient_of_greedy_decoding():
    s2s = tf.contrib.seq2seq
    decoder = _decoder(lambda emb: s2s.GreedyEmbeddingHelper(emb, tf.constant([1, 1, 2]), 0))
    out, _, _ = s2s.dynamic_decode(decoder, maximum_iterations=6)
    loss = tf.reduce_sum(tf.square(out.rnn_output))
    value, *grads = _run(loss, tf.trainable_variables(), {})
    np.testing.assert_allclose(value, 48.75441, rtol=1e-5)
    sums = [np.abs(g).sum() for g in grads]
    np.testing.assert_allclose(sums, [180.8088, 415.29553, 99.726974, 98.93962, 110.37374], rtol=1e-5)


def test_training_by_lengths_that_are_fed():
    s2s = tf.contrib.seq2seq
    ids, lengths = tf.placeholder(tf.int32, [3, None]), tf.placeholder(tf.int32, [3])
    decoder = _decoder(lambda emb: s2s.TrainingHelper(tf.nn.embedding_lookup(emb, ids), lengths))
    out, _, made = s2s.dynamic_decode(decoder)
    loss = tf.reduce_sum(tf.square(out.rnn_output))
    grads = tf.gradients(loss, tf.trainable_variables()[1:])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for longest in ([4, 2, 5], [6, 1, 1]):
            feeds = {ids: np.arange(18).reshape(3, 6) % 7, lengths: longest}
            output, found, values = sess.run([out.rnn_output, made, grads], feeds)
            assert output.shape == (3, max(longest), 7)
            assert found.tolist() == longest
            assert all(np.isfinite(v).all() and np.abs(v).sum() for v in values)


def test_dropout_in_a_decoder_drops_the_same_in_the_gradient():
    s2s = tf.contrib.seq2seq
    x, lengths = tf.placeholder(tf.float32, [3, None, 4]), tf.placeholder(tf.int32, [3])
    cell = tf.nn.rnn_cell.BasicRNNCell(5, activation=tf.identity)
    cell = tf.nn.rnn_cell.DropoutWrapper(cell, output_keep_prob=0.5, seed=3)
    decoder = s2s.BasicDecoder(cell, s2s.TrainingHelper(x, lengths), cell.zero_state(3, tf.float32))
    out, _, _ = s2s.dynamic_decode(decoder)
    y = tf.reduce_sum(out.rnn_output)
    grad = tf.gradients(y, x)[0]
    given = np.random.RandomState(0).randn(3, 4, 4)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(2):
            value, found = sess.run([y, grad], {x: given, lengths: [4, 2, 3]})
            # The network is linear in what it is fed.
            np.testing.assert_allclose(np.sum(found * given), value, rtol=1e-4)


def test_training_keeps_no_copy_of_the_weights_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    programs: list[Any] = []
    original = Segment._compiled

    def noting(self: Segment, *args: Any) -> Any:
        programs.append(original(self, *args))
        return programs[-1]

    monkeypatch.setattr(Segment, "_compiled", noting)
    x, lengths = tf.placeholder(tf.float32, [2, 40, 8]), tf.placeholder(tf.int32, [2])
    outputs, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(128), x, lengths, dtype=tf.float32)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.square(outputs)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {x: np.ones([2, 40, 8]), lengths: [40, 7]})
    (weights,) = [v for v in tf.trainable_variables() if "kernel" in v.name]
    size = 4 * int(np.prod(weights.shape.as_list()))
    assert max(p.call.memory_analysis().temp_size_in_bytes for p in programs if p.call is not None) < 10 * size
