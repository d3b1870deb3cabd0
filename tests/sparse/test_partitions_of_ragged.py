"""Elements by partition, and splits by segment, with values and errors that TF 1.15.5 gave for the same calls."""

from __future__ import annotations

import pytest

import retrograph as tf

_STACK = tf.ragged.stack_dynamic_partitions
_LETTERS = [["a"], ["b", "c"], []]


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _run(fetch):
    with tf.Session() as session:
        return session.run(fetch)


STACKED = {
    "rows": (lambda: _STACK([["a", "b"], ["c", "d"]], [1, 0], 3), [[[b"c", b"d"]], [[b"a", b"b"]], []], 1),
    "ragged rows": (
        lambda: _STACK(tf.ragged.constant(_LETTERS), [1, 0, 1], 3),
        [[[b"b", b"c"]], [[b"a"], []], []],
        2,
    ),
    "ragged in ragged": (
        lambda: _STACK(tf.ragged.constant(_LETTERS), tf.ragged.constant([[0], [2, 0], []]), 3),
        [[b"a", b"c"], [], [b"b"]],
        1,
    ),
    "matrix in matrix": (
        lambda: _STACK([["a", "b"], ["c", "d"]], [[1, 0], [0, 0]], 3),
        [[b"b", b"c", b"d"], [b"a"], []],
        1,
    ),
    "one element": (lambda: _STACK("a", 1, 2), [[], [b"a"]], 1),
    "all in one": (lambda: _STACK(["a", "b"], 1, 2), [[], [[b"a", b"b"]]], 1),
    "ragged in one": (
        lambda: _STACK(tf.ragged.constant([["a", "b"], ["c"]]), 0, 2),
        [[[[b"a", b"b"], [b"c"]]], []],
        3,
    ),
    "nothing": (lambda: _STACK([], tf.constant([], tf.int32), 2), [[], []], 1),
}


@pytest.mark.parametrize("name", STACKED)
def test_stacked_by_partition(name):
    build, wanted, rank = STACKED[name]
    found = build()
    assert found.ragged_rank == rank
    assert _run(found).to_list() == wanted


def test_partitions_that_do_not_fit():
    with pytest.raises(ValueError, match=r"^Shapes \(2,\) and \(3,\) are incompatible$"):
        _STACK(["a", "b", "c"], [1, 2], 10)
    with pytest.raises(ValueError, match=r"^partitions must have known rank\.$"):
        _STACK([1.0], tf.placeholder(tf.int32), 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="partitions must be less than num_partitions"):
        _run(_STACK(["a"], [3], 2))


def test_splits_by_segment():
    splits = tf.ragged.segment_ids_to_row_splits
    found = splits([0, 0, 2], 4)
    assert (found.shape.as_list(), found.dtype) == ([5], tf.int64)
    assert splits(tf.constant([0, 1])).dtype == tf.int32
    assert _run([found, splits([0, 1], tf.constant(3))])[1].tolist() == [0, 1, 2, 2]
    with pytest.raises(TypeError, match=r"^segment_ids must be an integer tensor; dtype=<dtype: 'float32'>$"):
        splits([0.5])
    with pytest.raises(ValueError, match=r"^Shape \(\) must have rank 1$"):
        splits(0)
