"""`tf.contrib.rnn`, `legacy_seq2seq` and `seq2seq`."""

import numpy as np

import retrograph as tf


def test_legacy_losses():
    with tf.Graph().as_default(), tf.Session() as session:
        losses = tf.contrib.legacy_seq2seq
        logits, targets = [tf.zeros([2, 4])] * 3, [tf.zeros([2], tf.int32)] * 3
        weights = [tf.ones([2])] * 3
        by_row = losses.sequence_loss_by_example(logits, targets, weights)
        total = losses.sequence_loss(logits, targets, weights)
        np.testing.assert_allclose(session.run(by_row), [np.log(4)] * 2, rtol=1e-5)
        np.testing.assert_allclose(session.run(total), np.log(4), rtol=1e-5)


def test_loss_of_batches():
    with tf.Graph().as_default(), tf.Session() as session:
        weights = np.array([[1, 1, 0], [1, 0, 0]], "f")
        loss = tf.contrib.seq2seq.sequence_loss
        given = (tf.zeros([2, 3, 4]), tf.zeros([2, 3], tf.int32), tf.constant(weights))
        np.testing.assert_allclose(session.run(loss(*given)), np.log(4), rtol=1e-5)
        each = loss(*given, average_across_timesteps=False, average_across_batch=False)
        np.testing.assert_allclose(session.run(each), weights * np.log(4), rtol=1e-5)


def test_names_of_an_attending_seq2seq():
    with tf.Graph().as_default():
        ids = [tf.zeros([2], tf.int32)] * 2
        cell = tf.nn.rnn_cell.BasicLSTMCell(3)
        tf.contrib.legacy_seq2seq.embedding_attention_seq2seq(ids, ids, cell, 7, 8, 5)
        names = [v.op.name for v in tf.global_variables()]
        assert names[0] == "embedding_attention_seq2seq/rnn/embedding_wrapper/embedding"
        assert names[-2].endswith("embedding_attention_decoder/attention_decoder/AttnOutputProjection/kernel")


def test_training_decoder_with_attention():
    with tf.Graph().as_default(), tf.Session() as session:
        seq2seq = tf.contrib.seq2seq
        lengths = np.array([3, 1], "i")
        mechanism = seq2seq.BahdanauAttention(5, tf.ones([2, 6, 4]), memory_sequence_length=lengths)
        cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(3), mechanism, attention_layer_size=7)
        helper = seq2seq.TrainingHelper(tf.ones([2, 3, 4]), lengths)
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32), tf.layers.Dense(6))
        outputs, state, found = seq2seq.dynamic_decode(decoder, impute_finished=True)
        session.run(tf.global_variables_initializer())
        got, ended, alignments = session.run([outputs, found, state.alignments])
    assert got.rnn_output.shape == (2, 3, 6) and not got.rnn_output[1, 1:].any()
    np.testing.assert_array_equal(ended, lengths)
    np.testing.assert_allclose(alignments, [[1 / 3] * 3 + [0] * 3, [1, 0, 0, 0, 0, 0]], rtol=1e-5)


def test_steps_as_one_operation():
    x, lengths = np.random.RandomState(0).randn(5, 3, 4).astype("f"), np.array([5, 2, 3], "i")
    with tf.Graph().as_default(), tf.Session() as session:
        fused = tf.contrib.rnn.LSTMBlockFusedCell(3)
        outputs, _ = fused(tf.constant(x), dtype=tf.float32, sequence_length=lengths)
        cell = tf.contrib.rnn.LSTMBlockCell(3)
        wanted, _ = tf.nn.dynamic_rnn(cell, tf.constant(x), lengths, dtype=tf.float32, time_major=True)
        session.run(tf.global_variables_initializer())
        cell.weights[0].load(session.run(fused.weights[0]), session)
        a, b = session.run([outputs, wanted])
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def _cloned(batch, width):
    """(the state with another cell state, what it is made of, feeds) of an attending cell."""
    memory, size = tf.placeholder(tf.float32, [batch, 5, 4]), tf.placeholder(tf.int32, [])
    mechanism = tf.contrib.seq2seq.LuongAttention(4, memory)
    cell = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.BasicLSTMCell(4), mechanism, attention_layer_size=4)
    state = cell.zero_state(size if batch is None else batch, tf.float32)
    c, h = tf.placeholder(tf.float32, [batch, width], "c"), tf.placeholder(tf.float32, [batch, 4], "h")
    before = len(tf.get_default_graph().get_operations())
    made = state.clone(cell_state=tf.nn.rnn_cell.LSTMStateTuple(c, h))
    feeds = {memory: np.ones((3, 5, 4)), c: np.ones((3, width)), h: np.ones((3, 4))}
    return made, tf.get_default_graph().get_operations()[before:], feeds, size


def test_a_cloned_state_of_attention_has_the_shapes_of_the_old_one():
    with tf.Graph().as_default():
        made, ops, _, _ = _cloned(3, 4)
        assert (made.cell_state.h.name, ops) == ("h:0", [])
    with (
        tf.Graph().as_default(),
        np.testing.assert_raises_regex(ValueError, r"tensor c:0, expected \[3 4\], got \(3, 5"),
    ):
        _cloned(3, 5)


def test_a_cloned_state_of_attention_is_checked_when_it_is_run():
    with tf.Graph().as_default(), tf.Session() as session:
        made, ops, feeds, size = _cloned(None, 4)
        assert len(ops) == 80
        assert made.cell_state.h.name == "h/Identity:0"
        assert [op.type for op in ops[-2:]] == ["Assert", "Identity"]
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(made.cell_state.h, {**feeds, size: 3}), np.ones((3, 4)))
        with np.testing.assert_raises_regex(
            tf.errors.InvalidArgumentError, r"Wrong shape for h:0 \[expected\] \[actual\]"
        ):
            session.run(made.cell_state.h, {**feeds, size: 3, ops[0].graph.get_tensor_by_name("h:0"): np.ones((2, 4))})


def test_names_that_cells_made_from_ours_use():
    with tf.Graph().as_default():
        cell = tf.nn.rnn_cell.LSTMCell(4, num_proj=3)
        assert (cell._state_size, cell._output_size) == (tf.nn.rnn_cell.LSTMStateTuple(4, 3), 3)
        assert tf.nn.rnn_cell.LSTMCell(4, state_is_tuple=False)._state_size == 8
        mechanism = tf.contrib.seq2seq.LuongAttention(4, tf.zeros([2, 5, 4]))
        wrapper = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(4), mechanism)
        assert wrapper._item_or_tuple(iter("a")) == "a"
        assert len(wrapper._batch_size_checks(2, "other sizes")) == 1
        several = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(4), [mechanism, mechanism])
        assert several._item_or_tuple(iter("ab")) == ("a", "b")
