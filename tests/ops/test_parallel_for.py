"""The same function for many numbers or rows, and Jacobians."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.ops.parallel_for import batch_jacobian, for_loop, jacobian, pfor


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def _run(fetches, feeds=None):
    with tf.Session() as sess:
        return sess.run(fetches, feeds)


X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)


def test_rounds_are_stacked():
    x = tf.constant(X)

    def of_row(i):
        row = tf.gather(x, i)
        return row * 2, {"sum": tf.reduce_sum(row), "none": None}

    found, more = pfor(of_row, 3)
    assert found.shape == (3, 2) and more["none"] is None
    doubled, sums = _run([found, more["sum"]])
    assert doubled.tolist() == (2 * X).tolist() and sums.tolist() == [3, 7, 11]
    in_turn = for_loop(lambda i: list(of_row(i)[:1]), [tf.float32], 3, parallel_iterations=2)
    assert _run(in_turn)[0].tolist() == (2 * X).ravel().reshape(3, 2).tolist()


def test_a_number_of_rounds_that_is_not_known():
    count = tf.placeholder(tf.int32, [])
    squares = pfor(lambda i: i * i, count)
    assert squares.shape.as_list() == [None] and _run(squares, {count: 4}).tolist() == [0, 1, 4, 9]
    assert _run(squares, {count: 0}).tolist() == []


def test_operations_and_sparse_tensors_as_outputs():
    total = tf.get_variable("total", [], tf.int32, tf.zeros_initializer(), use_resource=True)
    added = pfor(lambda i: total.assign_add(i).op, 4)
    sparse = pfor(lambda i: tf.SparseTensor([[0], [2]], [i, 7], [3]), 2)
    with tf.Session() as sess:
        sess.run(total.initializer)
        sess.run(added)
        assert sess.run(total) == 6
        assert sess.run(tf.sparse.to_dense(sparse)).tolist() == [[0, 0, 7], [1, 0, 7]]


def test_rows_without_elements():
    x = tf.constant([1.0, 2.0, 3.0])
    shapes = for_loop(lambda i: tf.shape(tf.gather(x, i)), tf.int32, 3)
    assert _run(shapes).shape == (3, 0)


def test_bad_arguments():
    with pytest.raises(ValueError, match="must be None or a positive integer"):
        pfor(lambda i: i, 3, parallel_iterations=0)
    with pytest.raises(ValueError, match="Use for_loop instead"):
        pfor(lambda i: i, 3, parallel_iterations=1)
    with pytest.raises(ValueError, match="Number of expected outputs, 2, does not match"):
        for_loop(lambda i: i, [tf.int32, tf.int32], 3)
    with pytest.raises(tf.errors.UnimplementedError, match="reductions across iterations"):
        pfor(lambda i, pfor_config: pfor_config.reduce_sum(i), 3)


def test_vectorized_map():
    x = tf.constant(X)
    products = tf.vectorized_map(lambda rows: tf.reduce_sum(rows[0] * rows[1]), (x, x + 1))
    assert products.shape == (3,) and _run(products).tolist() == (X * (X + 1)).sum(1).tolist()
    open_rows = tf.placeholder(tf.float32, [None, 2])
    found = tf.vectorized_map(tf.reduce_max, open_rows)
    assert _run(found, {open_rows: X}).tolist() == [2, 4, 6]


@pytest.mark.parametrize("use_pfor", [True, False])
def test_jacobians(use_pfor):
    x, w = tf.constant(X), tf.constant([[1.0, 2.0], [3.0, 4.0]])
    y = tf.square(tf.matmul(x, w))
    whole, of_w = jacobian(y, [x, w], use_pfor=use_pfor)
    rows = batch_jacobian(y, x, use_pfor=use_pfor)
    assert whole.shape == (3, 2, 3, 2) and of_w.shape == (3, 2, 2, 2) and rows.shape == (3, 2, 2)
    all_values, by_row = _run([whole, rows])
    inner = 2 * (X @ [[1, 2], [3, 4]])
    wanted = inner[:, :, None] * np.array([[1, 3], [2, 4]])
    assert np.allclose(by_row, wanted) and np.allclose(all_values[[0, 1, 2], :, [0, 1, 2]], wanted)
    assert not all_values[0, :, 1].any()
    with pytest.raises(ValueError, match="Need first dimension of output shape"):
        batch_jacobian(y, tf.zeros([2, 2]), use_pfor=use_pfor)


def test_loops_outside_are_differentiated_round_by_round():
    x, y = tf.constant([[1.0, 2.0]]), tf.constant([[0.0, 1.0], [2.0, 3.0]])
    _, out = tf.while_loop(lambda i, _: i < 3, lambda i, o: (i + 1, tf.matmul(o, y)), [0, x])

    def of_column(i):
        return tf.gradients(tf.gather(out, i, axis=1), x)[0][0]

    power = np.linalg.matrix_power(np.array([[0.0, 1.0], [2.0, 3.0]]), 3)
    assert np.allclose(_run(pfor(of_column, 2)), power.T)
    # In a loop there is no place for the rounds of another one: TF refuses too.
    with pytest.raises(ValueError, match="because they are in different while loops"):
        for_loop(of_column, tf.float32, 2)


def test_tapes_know_what_is_made_of_watched_tensors():
    x, c = tf.constant(3.0), tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        half_way, other = x * 2, c * 2
        y = half_way * other
    found = tape.gradient(y, [half_way, x, other])
    assert found[2] is None and _run(found[:2]) == [4.0, 8.0]
