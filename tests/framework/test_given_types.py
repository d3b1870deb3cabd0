"""What is refused as a type, a shape or an operand, as TensorFlow 1.15.5 refuses it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default():
        yield


@pytest.mark.parametrize(
    ("given", "name"),
    [(True, "float32"), (3.0, "int32"), (float, "float32"), (np.str_, "string"), (np.longlong, "int64")],
)
def test_types_that_stand_for_another(given: Any, name: str) -> None:
    assert tf.as_dtype(given).name == name


@pytest.mark.parametrize("given", ["<f4", "U", b"float32", list, int, np.array(1.0), [None], {}])
def test_no_types(given: Any) -> None:
    with pytest.raises(TypeError):
        tf.as_dtype(given)


@pytest.mark.parametrize(
    ("shape", "kind", "opening"),
    [
        (tf.TensorShape(None), ValueError, "setting an array element with a sequence."),
        ("a", TypeError, "cannot perform reduce with flexible type"),
        (3, TypeError, "'int' object is not iterable"),
    ],
)
def test_shapes_of_constants(shape: Any, kind: type[Exception], opening: str) -> None:
    with pytest.raises(kind) as caught:
        tf.constant(1.0, shape=shape)
    assert str(caught.value) == opening


def test_what_is_too_much_for_a_shape_is_so_before_its_type_matters() -> None:
    with pytest.raises(ValueError, match="Needed at most 3, but received 6"):
        tf.constant(np.arange(6.0), tf.string, [3])
    with pytest.raises(TypeError, match=r"Expected binary or unicode string, got 0\.0"):
        tf.constant(np.arange(6.0), tf.string, [6])


def test_float_attributes_have_32_bits() -> None:
    normed = tf.nn.fused_batch_norm(tf.ones([1, 1, 2, 3]), [1.0] * 3, [0.0] * 3)[0]
    assert normed.op.get_attr("epsilon") == float(np.float32(0.001))


def test_truncated_division_by_zero_is_an_internal_error() -> None:
    with tf.Session() as session, pytest.raises(tf.errors.InternalError, match="Unexpected error in binary operator"):
        session.run(tf.truncatediv(3, 0))


def test_cells_look_at_types_when_they_are_built() -> None:
    whole = tf.Variable([[1, 2, 3]])
    with pytest.raises(ValueError, match="saw dtype: <dtype: 'int32'>"):
        tf.nn.static_rnn(tf.nn.rnn_cell.GRUCell(3), [whole], dtype=tf.float32)
    with pytest.raises(ValueError, match="expected ndim=2, found ndim=3"):
        tf.nn.rnn_cell.GRUCell(3)(tf.constant("a", shape=[1, 2, 3]), tf.zeros([1, 3]))


def test_static_rnn_takes_the_batch_size_of_the_first_input() -> None:
    outputs, _ = tf.nn.static_rnn(
        tf.nn.rnn_cell.BasicRNNCell(3), [tf.placeholder(tf.float32, [None, 2]), tf.ones([4, 2])], dtype=tf.float32
    )
    assert outputs[0].shape.as_list() == [None, 3]


def test_a_variable_is_collected_where_it_is_asked_for() -> None:
    value = tf.ones([2])
    with tf.Graph().as_default() as other:
        variable = tf.Variable(value)
        assert other.get_collection("variables") == [variable]
    assert tf.get_collection("variables") == []


def test_weights_of_unknown_shape_are_checked_as_sets() -> None:
    tf.losses.mean_squared_error(tf.ones([2]), tf.ones([2]), tf.placeholder(tf.float32))
    assert "DenseToDenseSetOperation" in [op.type for op in tf.get_default_graph().get_operations()]


def test_layers_name_control_flow_on_tensors() -> None:
    class Choosing(tf.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs if inputs[0] > 0 else -inputs

    with pytest.raises(TypeError, match="You are attempting to use Python control flow in a layer"):
        Choosing()(tf.ones([1]))
