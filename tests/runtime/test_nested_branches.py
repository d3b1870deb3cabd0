"""Branches nested deeper than Python's limit of recursion lets them be traced."""

from __future__ import annotations

import sys

import retrograph as tf
from retrograph.framework.nesting import RoomForNesting


def test_seventy_branches():
    limit = sys.getrecursionlimit()
    with tf.Graph().as_default(), tf.Session() as session:
        index = tf.placeholder(tf.int32, [])
        chosen = tf.switch_case(index, [lambda k=k: tf.constant(2.0 * k) for k in range(70)])
        assert [session.run(chosen, {index: i}) for i in (0, 5, 69, 70, -1)] == [0.0, 10.0, 138.0, 138.0, 138.0]
    assert sys.getrecursionlimit() == limit


def test_more_pairs_than_the_limit_lets_be_built():
    with tf.Graph().as_default(), tf.Session() as session:
        index = tf.placeholder(tf.int32, [])
        pairs = [(tf.equal(index, k), lambda k=k: tf.constant(2.0 * k)) for k in range(150)]
        chosen = tf.case(pairs, default=lambda: tf.constant(-1.0))
        assert [session.run(chosen, {index: i}) for i in (0, 149, 150)] == [0.0, 298.0, -1.0]


def test_the_limit_is_given_back_by_the_last_that_leaves():
    limit = sys.getrecursionlimit()
    outer, inner = RoomForNesting(), RoomForNesting()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert sys.getrecursionlimit() >= 8000
    inner.__exit__(None, None, None)
    assert sys.getrecursionlimit() == limit
