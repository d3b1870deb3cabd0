"""Cells: names of variables, values, errors."""

import numpy as np
import pytest

import retrograph as tf


def _cells():
    rnn = tf.nn.rnn_cell
    return {
        "basic_rnn_cell": (rnn.BasicRNNCell(3), ["kernel", "bias"]),
        "gru_cell": (rnn.GRUCell(3), ["gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias"]),
        "basic_lstm_cell": (rnn.BasicLSTMCell(3), ["kernel", "bias"]),
        "lstm_cell": (
            rnn.LSTMCell(3, use_peepholes=True, num_proj=2),
            ["kernel", "bias", "w_f_diag", "w_i_diag", "w_o_diag", "projection/kernel"],
        ),
    }


@pytest.mark.parametrize("name", ["basic_rnn_cell", "gru_cell", "basic_lstm_cell", "lstm_cell"])
def test_names_of_variables(name):
    with tf.Graph().as_default():
        cell, variables = _cells()[name]
        cell(tf.ones([2, 4]), cell.zero_state(2, tf.float32))
        assert [v.op.name for v in tf.global_variables()] == [f"{name}/{v}" for v in variables]


def test_basic_lstm_computes_what_it_says():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    random = np.random.RandomState(0)
    x, c, h, kernel = (random.randn(*s).astype("f") for s in ((2, 4), (2, 3), (2, 3), (7, 12)))
    with tf.Graph().as_default(), tf.Session() as session:
        cell = tf.nn.rnn_cell.BasicLSTMCell(3)
        output, state = cell(tf.constant(x), tf.nn.rnn_cell.LSTMStateTuple(tf.constant(c), tf.constant(h)))
        session.run(tf.global_variables_initializer())
        cell.weights[0].load(kernel, session)
        got = session.run([output, state.c])
    i, j, f, o = np.split(np.concatenate([x, h], 1) @ kernel, 4, axis=1)
    new_c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
    np.testing.assert_allclose(got[1], new_c, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got[0], np.tanh(new_c) * sigmoid(o), rtol=1e-5, atol=1e-6)


def test_cells_upon_cells():
    with tf.Graph().as_default():
        rnn = tf.nn.rnn_cell
        cell = rnn.MultiRNNCell([rnn.DropoutWrapper(rnn.BasicLSTMCell(3), 0.5), rnn.ResidualWrapper(rnn.GRUCell(3))])
        state = cell.zero_state(tf.placeholder(tf.int32, []), tf.float32)
        output, _ = cell(tf.placeholder(tf.float32, [None, 4]), state)
        assert output.name == "multi_rnn_cell/cell_1/add:0"
        assert state[1].op.name == "MultiRNNCellZeroState/ResidualWrapperZeroState/GRUCellZeroState/zeros"
        assert tf.trainable_variables()[0].op.name == "multi_rnn_cell/cell_0/basic_lstm_cell/kernel"
        assert cell.state_size == (rnn.LSTMStateTuple(3, 3), 3)


def test_no_cells():
    with pytest.raises(ValueError, match="Must specify at least one cell"):
        tf.nn.rnn_cell.MultiRNNCell([])
    with pytest.raises(TypeError, match="is not an RNNCell: 'output_size' property is missing"):
        tf.nn.static_rnn(3, [tf.ones([2, 4])], dtype=tf.float32)
