"""What random programs of scopes and variables found: each test has the facts of TensorFlow 1.15.5."""

from __future__ import annotations

import pytest

import retrograph as tf


def facts(prefix: str) -> dict[str, tuple[str, list[bytes], list[str]]]:
    """Device, colocation groups and control inputs of the operations under a prefix."""
    ops = [op for op in tf.get_default_graph().get_operations() if op.name.startswith(prefix)]
    return {op.name: (op.device, op.colocation_groups(), [c.name for c in op.control_inputs]) for op in ops}


def imported(name: str) -> dict[str, tuple[str, list[bytes], list[str]]]:
    with tf.Graph().as_default() as other:
        a = tf.placeholder(tf.float32, name="a")
        with tf.device("/cpu:0"):
            b = tf.nn.relu(a, name="b")
        with other.colocate_with(a):
            tf.nn.relu(b, name="c")
    tf.import_graph_def(other.as_graph_def(), name=name)
    return facts(name + "/")


def test_imported_operations_are_colocated_by_the_place_of_the_import() -> None:
    with tf.Graph().as_default():
        with tf.device("/gpu:1"):
            there = tf.get_variable("there", [3])
        with tf.colocate_with(there):
            found = imported("x")
    assert found == {f"x/{n}": ("/device:GPU:1", [b"loc:@there"], []) for n in "abc"}


def test_imported_operations_all_wait_for_what_the_place_waits_for() -> None:
    with tf.Graph().as_default(), tf.control_dependencies([tf.no_op("first")]):
        found = imported("x")
    assert [controls for _, _, controls in found.values()] == [["first"]] * 3


def test_zeros_of_texts_without_elements_are_one_constant() -> None:
    with tf.Graph().as_default() as graph:
        tf.zeros([0, 3], tf.string)
        assert [(op.name, op.type) for op in graph.get_operations()] == [("zeros", "Const")]
        with tf.Session() as session:
            assert session.run("zeros:0").shape == (0, 3)


def test_slots_are_not_kept_for_variables_in_parts() -> None:
    with tf.Graph().as_default():
        whole = tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(2))
        optimizer = tf.train.AdagradOptimizer(0.1)
        optimizer.minimize(tf.reduce_sum(tf.square(whole)))
        with pytest.raises(AttributeError, match="'PartitionedVariable' object has no attribute '_unique_id'"):
            optimizer.get_slot(whole, "accumulator")


def test_dense_of_a_variable_whose_parts_have_no_shape_multiplies_matrices() -> None:
    with tf.Graph().as_default() as graph:
        values = tf.get_variable(
            "v", [2, 3], initializer=tf.ones([2, 3]), validate_shape=False, partitioner=tf.fixed_size_partitioner(2)
        )
        assert tf.layers.dense(values, 3).shape.as_list() == [None, 3]
        assert graph.get_operation_by_name("dense/MatMul").type == "MatMul"


def test_initial_values_are_left_alone_where_the_collection_holds_no_variable_first() -> None:
    with tf.Graph().as_default() as graph:
        tf.add_to_collection(tf.GraphKeys.GLOBAL_VARIABLES, "text")
        first = tf.Variable(1.0, name="first")
        second = tf.Variable(first + 1.0, name="second")
        assert second.initializer.inputs[1].name == "add:0"
        assert "second/IsVariableInitialized" not in [op.name for op in graph.get_operations()]


@pytest.mark.parametrize("attribute", ["name", "reuse", "original_name_scope", "partitioner"])
def test_settings_of_scopes_refuse_to_be_set(attribute: str) -> None:
    with tf.variable_scope("a") as scope, pytest.raises(AttributeError, match=r"^can't set attribute$"):
        setattr(scope, attribute, "q")


def test_names_of_layers_and_parts_refuse_to_be_set() -> None:
    whole = tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(2))
    for thing in (whole, tf.layers.Dense(3), tf.make_template("t", tf.ones), tf.nn.rnn_cell.GRUCell(2)):
        with pytest.raises(AttributeError, match=r"^can't set attribute$"):
            thing.name = "q"


def test_variables_in_parts_are_shown_as_tensorflow_shows_them() -> None:
    whole = tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(2))
    assert str(whole).startswith("<tensorflow.python.ops.variables.PartitionedVariable object at 0x")


def test_normalizing_a_variable_in_parts_in_training_is_refused() -> None:
    whole = tf.get_variable("v", [2, 3], partitioner=tf.fixed_size_partitioner(2))
    with pytest.raises(
        TypeError, match=r"^Expected Operation, Variable, or Tensor, got <tensorflow.python.ops.variables.Part"
    ):
        tf.layers.batch_normalization(whole, training=True)
    assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert tf.layers.batch_normalization(whole).shape == (2, 3)
