"""Loops whose number of rounds is counted before the program that they are in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime.rounds import RoundsStep

# Recorded from TF 1.15.5: (longest source, longest target) and the loss before each step.
STEPS = [(5, 7), (6, 4), (8, 5), (3, 3), (5, 7), (9, 8)]
LOSSES = [2.99169, 2.99299, 3.00373, 3.004, 2.99812, 2.99792]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers that were counted."""
    made: list[int] = []
    original = RoundsStep._counted

    def counting(self: RoundsStep, *args: Any) -> int:
        made.append(original(self, *args))
        return made[-1]

    monkeypatch.setattr(RoundsStep, "_counted", counting)
    return made


def test_a_decoder_trains_on_targets_of_changing_lengths(counted: list[int]) -> None:
    rs, vocabulary, units = np.random.RandomState(0), 20, 6
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        source, target = (tf.placeholder(tf.int32, [None, None]) for _ in range(2))
        source_length, target_length = (tf.placeholder(tf.int32, [None]) for _ in range(2))
        table = tf.get_variable("table", [vocabulary, 5])
        embedded = tf.nn.embedding_lookup(table, source)
        memory, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(units), embedded, source_length, dtype=tf.float32)
        attention = tf.contrib.seq2seq.LuongAttention(units, memory, source_length)
        cell = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(units), attention)
        helper = tf.contrib.seq2seq.TrainingHelper(tf.nn.embedding_lookup(table, target), target_length)
        state = cell.zero_state(tf.shape(source)[0], tf.float32)
        decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, state, tf.layers.Dense(vocabulary))
        outputs = tf.contrib.seq2seq.dynamic_decode(decoder)[0].rnn_output
        loss = tf.contrib.seq2seq.sequence_loss(outputs, target, tf.sequence_mask(target_length, dtype=tf.float32))
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        session.run(tf.global_variables_initializer())
        found = []
        for longest, wanted in STEPS:
            lengths = [[longest, *rs.randint(1, longest + 1, 2)], [wanted, *rs.randint(1, wanted + 1, 2)]]
            feeds = {source_length: lengths[0], target_length: lengths[1]}
            feeds |= {x: rs.randint(0, vocabulary, (3, n)) for x, n in ((source, longest), (target, wanted))}
            found.append(session.run([loss, step], feeds)[0])
    np.testing.assert_allclose(found, LOSSES, atol=2e-5)
    assert counted == [wanted for _, wanted in STEPS][-len(counted) :] and len(counted) >= 3


def _grown(condition: Any) -> Any:
    """A loop that doubles, its variable's value and the gradient of its result."""
    weight = tf.get_variable("weight", initializer=1.5)
    big = tf.get_variable("big", initializer=np.ones([90, 90], np.float32))  # too large for a tiny plan
    result = tf.while_loop(condition, lambda i, y: (i + 1, y * weight), [0, tf.reduce_mean(tf.matmul(big, big)) / 90])
    return [result[1], tf.gradients(result[1], weight)[0]]


@pytest.mark.parametrize("rounds", [[3, 1, 0, 5, 3, 4]])
def test_a_fed_number_of_rounds(rounds: list[int], counted: list[int]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.placeholder(tf.int32, [])
        fetches = _grown(lambda i, y: i < n * 2)
        session.run(tf.global_variables_initializer())
        for count in rounds:
            value, grad = session.run(fetches, {n: count})
            np.testing.assert_allclose(
                [value, grad], [1.5 ** (2 * count), 2 * count * 1.5 ** (2 * count - 1)], rtol=1e-5
            )
    assert counted == [2 * count for count in rounds]


def test_a_condition_on_what_the_loop_computes_is_not_counted(counted: list[int]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        limit = tf.placeholder(tf.float32, [])
        fetches = _grown(lambda i, y: y < limit)
        session.run(tf.global_variables_initializer())
        for rounds, most in ((4, 5.0), (1, 1.2), (6, 11.0)):
            value, grad = session.run(fetches, {limit: most})
            np.testing.assert_allclose([value, grad], [1.5**rounds, rounds * 1.5 ** (rounds - 1)], rtol=1e-5)
    assert not counted


def test_a_variable_tells_how_many_rounds(counted: list[int]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        n = tf.get_variable("n", initializer=3)
        fetches = _grown(lambda i, y: i < n)
        session.run(tf.global_variables_initializer())
        for count in (3, 4, 2):
            n.load(count, session)
            np.testing.assert_allclose(session.run(fetches), [1.5**count, count * 1.5 ** (count - 1)], rtol=1e-5)
