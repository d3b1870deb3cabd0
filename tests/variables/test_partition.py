"""Variables in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.variables.partition import PartitionedVariable


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def _counts(partitioner: Any, shape: Any, dtype: Any = tf.float32) -> Any:
    return partitioner(shape=tf.TensorShape(shape), dtype=dtype)


def test_partitioners() -> None:
    assert _counts(tf.fixed_size_partitioner(3), [2, 5]) == [2, 1]
    assert _counts(tf.fixed_size_partitioner(3, axis=1), [2, 5]) == [1, 3]
    assert _counts(tf.variable_axis_size_partitioner(40), [10, 4]) == [5, 1]
    assert _counts(tf.variable_axis_size_partitioner(40, max_shards=3), [10, 4]) == [3, 1]
    assert _counts(tf.min_max_variable_partitioner(8, min_slice_size=64), [10, 4]) == [3, 1]
    with pytest.raises(ValueError, match="must be positive"):
        tf.variable_axis_size_partitioner(0)


def test_names_and_sizes() -> None:
    v = tf.get_variable("v", [5, 2], partitioner=tf.fixed_size_partitioner(3))
    assert isinstance(v, PartitionedVariable) and len(v) == 3
    assert [(p.name, p.shape.as_list()) for p in v] == [
        ("v/part_0:0", [2, 2]),
        ("v/part_1:0", [2, 2]),
        ("v/part_2:0", [1, 2]),
    ]
    assert (v.name, v.dtype, v.shape.as_list()) == ("v", tf.float32, [5, 2])
    assert list(v)[1]._get_save_slice_info().spec == "5 2 2,2:0,2"
    assert (tf.convert_to_tensor(v).name, v.as_tensor().op.inputs[0].name) == ("v:0", "v/ConcatPartitions/concat_1:0")
    assert tf.global_variables() == list(v)


def test_values() -> None:
    v = tf.get_variable("v", initializer=tf.constant([1.0, 2.0, 3.0]), partitioner=tf.fixed_size_partitioner(2))
    changed = v.assign_add(np.array([1.0, 1.0, 1.0], np.float32))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(v.as_tensor()).tolist() == [1, 2, 3]
        assert [x.tolist() for x in session.run(changed)] == [[2, 3], [4]]


def test_initializers_are_told_the_part() -> None:
    seen = []

    def initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        seen.append((shape, partition_info.full_shape, partition_info.var_offset))
        return tf.zeros(shape, dtype)

    tf.get_variable("v", [5], initializer=initializer, partitioner=tf.fixed_size_partitioner(2))
    assert seen == [([3], [5], [0]), ([2], [5], [3])]


@pytest.mark.parametrize(
    ("partitioner", "text"),
    [
        (5, "Partitioner must be callable, but received: 5"),
        (lambda **_: 2, "Partitioner must return a sequence, but saw: 2"),
        (lambda **_: [2], r"does not match the Variable's rank: \[2\] vs. \(4, 4\)"),
        (lambda **_: [0, 1], r"Partitioner returned zero partitions for some axes: \[0, 1\]"),
        (lambda **_: [2, 2], r"Can only slice a variable along one dimension: shape: \(4, 4\), partitioning: \[2, 2\]"),
    ],
)
def test_refused(partitioner: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        tf.get_variable("v", [4, 4], partitioner=partitioner)


def test_sharing() -> None:
    halves = tf.fixed_size_partitioner(2)
    v = tf.get_variable("v", [4], partitioner=halves)
    tf.get_variable("w", [4])
    with pytest.raises(ValueError, match="Partitioned variable with name v already exists"):
        tf.get_variable("v", [4], partitioner=halves)
    with pytest.raises(ValueError, match="No partitioner was provided, but a partitioned version"):
        tf.get_variable("v", [4])
    with pytest.raises(ValueError, match="A partitioner was provided, but an unpartitioned version"):
        tf.get_variable("w", [4], partitioner=halves)
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("v", [4]) is v
        with pytest.raises(ValueError, match=r"specified partitions \[3\] and found partitions \[2\]"):
            tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(3))
        with pytest.raises(ValueError, match="PartitionedVariable x does not exist"):
            tf.get_variable("x", [4], partitioner=halves)


def test_create_partitioned_variables() -> None:
    parts = tf.create_partitioned_variables([4, 2], [2, 1], tf.zeros_initializer(), name="p")
    assert [p.name for p in parts] == ["p/part_0:0", "p/part_1:0"]
    with pytest.raises(ValueError, match="must have the length"):
        tf.create_partitioned_variables([4], [2, 1], tf.zeros_initializer())
