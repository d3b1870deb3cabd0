"""Networks over time: lengths, both directions, loops that the user steers, gradients."""

import numpy as np
import pytest

import retrograph as tf

X = np.random.RandomState(0).randn(3, 5, 4).astype("f")
LENGTHS = np.array([5, 2, 3], "i")


def _run(build):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(7)
        values = build()
        loss = tf.add_n([tf.reduce_sum(tf.square(v)) for v in values])
        gradients = tf.gradients(loss, tf.trainable_variables())
        session.run(tf.global_variables_initializer())
        for variable in tf.trainable_variables():
            variable.load(np.linspace(-1, 1, int(np.prod(variable.shape))).reshape(variable.shape).astype("f"), session)
        return session.run([values, gradients])


def _static(lengths=None):
    steps = [tf.constant(X[:, i]) for i in range(5)]
    outputs, state = tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(3), steps, dtype=tf.float32, sequence_length=lengths)
    return [tf.stack(outputs, 1), state]


def _dynamic(lengths=None):
    return list(tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(3), tf.constant(X), lengths, dtype=tf.float32))


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_a_loop_does_what_the_unrolled_network_does(lengths):
    unrolled, looped = _run(lambda: _static(lengths)), _run(lambda: _dynamic(lengths))
    for a, b in zip(unrolled[0] + unrolled[1], looped[0] + looped[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    if lengths is not None:
        assert not unrolled[0][0][1, 2:].any()


def test_both_directions():
    def build():
        cells = [tf.nn.rnn_cell.BasicRNNCell(2) for _ in range(2)]
        outputs, states = tf.nn.bidirectional_dynamic_rnn(*cells, tf.constant(X), LENGTHS, dtype=tf.float32)
        assert tf.trainable_variables()[0].op.name == "bidirectional_rnn/fw/basic_rnn_cell/kernel"
        return [*outputs, *states]

    (forward, backward, last_fw, last_bw), _ = _run(build)
    np.testing.assert_allclose(forward[1, 1], last_fw[1], rtol=1e-5)
    np.testing.assert_allclose(backward[1, 0], last_bw[1], rtol=1e-5)


def test_raw_rnn():
    def build():
        cell = tf.nn.rnn_cell.BasicRNNCell(3)
        steps = tf.TensorArray(tf.float32, 5).unstack(tf.transpose(tf.constant(X), [1, 0, 2]))

        def loop(time, output, state, _):
            finished = time >= LENGTHS
            following = tf.cond(tf.reduce_all(finished), lambda: tf.zeros([3, 4]), lambda: steps.read(time))
            return finished, following, cell.zero_state(3, tf.float32) if output is None else state, output, None

        emitted, state, _ = tf.nn.raw_rnn(cell, loop)
        return [emitted.stack(), state]

    (outputs, state), _ = _run(build)
    assert outputs.shape == (5, 3, 3)
    np.testing.assert_allclose(outputs[1, 1], state[1], rtol=1e-5)


def test_a_state_or_a_dtype_is_needed():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="you must give a dtype"):
            tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(3), tf.constant(X))
        with pytest.raises(ValueError, match="dtype must be specified"):
            tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(3), [tf.ones([2, 4])])
