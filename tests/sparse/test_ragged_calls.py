"""TF's functions of tensors that are given ragged ones, with values that TF 1.15.5 gave for the same calls."""

from __future__ import annotations

import pytest

import retrograph as tf

_ROWS = [[3, 1, 4], [], [5, 9]]


def _list(value):
    with tf.Session() as session:
        found = session.run(value)
    return found.to_list() if hasattr(found, "to_list") else found.tolist()


_CALLS = {
    "reduce_sum, axis 1": (lambda rt: tf.reduce_sum(rt, axis=1), [8, 0, 14]),
    "reduce_sum, axis 0": (lambda rt: tf.reduce_sum(rt, axis=0), [8, 10, 4]),
    "reduce_max, axis 1": (lambda rt: tf.reduce_max(rt[::2], axis=1), [4, 9]),
    "reduce_mean, all": (lambda rt: tf.reduce_mean(tf.cast(rt, tf.float32)), pytest.approx(4.4)),
    "reduce_any": (lambda rt: tf.reduce_any(rt > 8, axis=1), [False, False, True]),
    "concat, axis 0": (lambda rt: tf.concat([rt, [[7]]], axis=0), [[3, 1, 4], [], [5, 9], [7]]),
    "concat, axis 1": (lambda rt: tf.concat([rt, rt], axis=1), [[3, 1, 4, 3, 1, 4], [], [5, 9, 5, 9]]),
    "stack": (lambda rt: tf.stack([rt, rt[:1]]), [[[3, 1, 4], [], [5, 9]], [[3, 1, 4]]]),
    "ragged.stack, axis 1": (
        lambda rt: tf.ragged.stack([rt, rt], axis=1),
        [[[3, 1, 4], [3, 1, 4]], [[], []], [[5, 9], [5, 9]]],
    ),
    "tile": (lambda rt: tf.tile(rt, [1, 2]), [[3, 1, 4, 3, 1, 4], [], [5, 9, 5, 9]]),
    "tile, by a tensor": (
        lambda rt: tf.tile(rt, tf.placeholder_with_default([2, 2], [2])),
        [[3, 1, 4, 3, 1, 4], [], [5, 9, 5, 9], [3, 1, 4, 3, 1, 4], [], [5, 9, 5, 9]],
    ),
    "expand_dims": (lambda rt: tf.expand_dims(rt, 2), [[[3], [1], [4]], [], [[5], [9]]]),
    "size": (tf.size, 5),
    "rank": (tf.rank, 2),
    "gather": (lambda rt: tf.gather(rt, [2, 0]), [[5, 9], [3, 1, 4]]),
    "gather_nd": (lambda rt: tf.gather_nd(rt, [[0, 2], [2, 1]]), [4, 9]),
    "where": (lambda rt: tf.where(rt > 3, rt, -rt), [[-3, -1, 4], [], [5, 9]]),
    "unsorted_segment_sum": (lambda rt: tf.math.unsorted_segment_sum(rt, [0, 1, 0], 2), [[8, 10, 4], []]),
    "square": (tf.square, [[9, 1, 16], [], [25, 81]]),
    "add": (lambda rt: tf.add(rt, 1), [[4, 2, 5], [], [6, 10]]),
    "multiply": (lambda rt: tf.multiply(rt, rt), [[9, 1, 16], [], [25, 81]]),
    "add_n": (lambda rt: tf.add_n([rt, rt, rt]), [[9, 3, 12], [], [15, 27]]),
    "as_string": (tf.as_string, [[b"3", b"1", b"4"], [], [b"5", b"9"]]),
    "zeros_like": (tf.zeros_like, [[0, 0, 0], [], [0, 0]]),
    "boolean_mask": (
        lambda rt: tf.ragged.boolean_mask(rt, tf.ragged.constant([[True, False, True], [], [False, True]])),
        [[3, 4], [], [9]],
    ),
}


@pytest.mark.parametrize("name", _CALLS)
def test_functions_of_tensors_take_ragged_ones(name):
    call, expected = _CALLS[name]
    assert _list(call(tf.ragged.constant(_ROWS))) == expected


def test_what_is_refused():
    rows = tf.ragged.constant(_ROWS)
    with pytest.raises(ValueError, match="batch_dims != 0 is not supported"):
        tf.gather_nd(rows, [[0]], batch_dims=1)
    with pytest.raises((TypeError, ValueError)):
        tf.matmul(rows, rows)
