"""What random programs of scopes and variables found: each test has the facts of TensorFlow 1.15.5."""

from __future__ import annotations

import re
import threading

import numpy as np
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


def test_each_thread_has_a_default_graph_of_its_own() -> None:
    found: list[tf.Graph] = []
    with tf.Graph().as_default():
        thread = threading.Thread(target=lambda: found.append(tf.get_default_graph()))
        thread.start()
        thread.join()
        assert found[0] is not tf.get_default_graph()
    assert found[0] is not tf.get_default_graph()


def test_pairwise_error_makes_its_operations_in_tensorflows_order() -> None:
    tf.losses.mean_pairwise_squared_error(tf.ones([2, 3]), tf.zeros([2, 3]))
    names = [op.name for op in tf.get_default_graph().get_operations()]
    prefix = "mean_pairwise_squared_error/"
    assert names.index(prefix + "Square_1") < names.index(prefix + "sub_2/y")


TENSOR_ITERATED = (TypeError, "iterating over `tf.Tensor` is not allowed in Graph execution")
NO_LIST = "inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and shape"

WRONG_CALLS = {
    "a type as a value": (lambda t: tf.abs(tf.float32), TypeError, "Failed to convert object of type <class 'tensorflow.python.framework.dtypes.DType'> to Tensor."),
    "a size as a tensor": (tf.TensorShape, *TENSOR_ITERATED),
    "a tensor to add up": (tf.add_n, *TENSOR_ITERATED),
    "nothing to add up": (lambda t: tf.add_n([None]), ValueError, NO_LIST),
    "none to add up": (lambda t: tf.add_n(None), ValueError, NO_LIST),
    "no list of tensors": (tf.shape_n, TypeError, "Expected list for 'input' argument to 'shape_n' Op, not <tf.Tensor"),
    "no list of axes": (lambda t: tf.squeeze(t, tf.constant(0)), TypeError, "Expected list for 'axis' argument to 'squeeze' Op, not <tf.Tensor"),
    "no axis": (lambda t: tf.squeeze(t, "s"), TypeError, "Expected int for argument 'axis' not 's'."),
    "no list to show": (lambda t: tf.Assert(True, None), TypeError, "values must be a sequence."),
    "a name of a summary": (lambda t: tf.summary.scalar(t, 1.0), TypeError, "expected string or bytes-like object"),
    "an activation": (lambda t: tf.nn.rnn_cell.GRUCell(3, 5), TypeError, "Could not interpret activation function identifier: 5"),
    "no units": (lambda t: tf.layers.dense(t, None), TypeError, "int() argument must be a string, a bytes-like object or a number, not 'NoneType'"),
    "a list of seeds": (lambda t: tf.random_normal([1], seed=[1]), TypeError, "unsupported operand type(s) for %: 'list' and 'int'"),
    "sigmoid of nothing": (lambda t: tf.sigmoid(None), ValueError, "None values not supported."),
    "a name of no variable": (tf.contrib.framework.get_variable_full_name, AttributeError, "'Tensor' object has no attribute '_save_slice_info'"),
    "no variables to train": (lambda t: tf.contrib.training.create_train_op(tf.reduce_sum(t), tf.train.AdamOptimizer()), AssertionError, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_wrong_calls(case: str) -> None:
    call, error, text = WRONG_CALLS[case]
    with pytest.raises(error, match="^" + re.escape(text)):
        call(tf.ones([2, 3], name="t"))


def test_a_collection_that_is_not_there_is_empty_whatever_the_scope() -> None:
    assert tf.trainable_variables(scope=5) == []
    assert tf.get_collection("none", scope="(") == []


def test_moments_of_a_reference_variable_of_halves_stay_halves() -> None:
    mean, variance = tf.nn.moments(tf.get_variable("v", [2, 3], tf.float16), [0])
    assert (mean.name, variance.name) == ("moments/Squeeze:0", "moments/Squeeze_1:0")
    assert tf.nn.moments(tf.ones([2, 3], tf.float16), [0])[0].name == "moments_1/Cast_1:0"


def test_a_training_operation_is_colocated_with_the_loss() -> None:
    loss = tf.reduce_sum(tf.get_variable("v", [2, 3]))
    train_op = tf.contrib.training.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1))
    assert train_op.op.colocation_groups() == [b"loc:@train_op/CheckNumerics"]


def test_lars_gives_momentum_as_a_constant_of_each_update() -> None:
    tf.contrib.opt.LARSOptimizer(0.1).minimize(tf.reduce_sum(tf.get_variable("v", [2, 3])))
    update = tf.get_default_graph().get_operation_by_name("LARSOptimizer/update_v/ApplyMomentum")
    assert update.inputs[4].name == "LARSOptimizer/update_v/ApplyMomentum/momentum:0"


def test_creators_are_opened_by_the_graph_too() -> None:
    def frozen(make, **kwargs):
        return make(**{**kwargs, "trainable": False})

    with tf.get_default_graph()._variable_creator_scope(frozen):
        assert not tf.Variable(1.0).trainable
    assert tf.Variable(1.0).trainable


def test_feeds_of_several_tensors_fit_one_value_each() -> None:
    a, b = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int32, [])
    with tf.Session() as session:
        with pytest.raises(ValueError, match=r"^Could not flatten dictionary\. Key had 2 elements, but value had 3"):
            session.run(b, {(a, b): ([1, 2], 3)})
        assert session.run(b, {(a, b): (np.array([1.0, 2.0]), 3)}) == 3


def test_a_closed_session_sets_up_no_partial_run() -> None:
    session = tf.Session()
    session.close()
    with pytest.raises(RuntimeError, match=r"^Attempted to use a closed Session"):
        session.partial_run_setup([tf.constant(1.0)], [])


def test_grouped_cells_refuse_inputs_of_three_dimensions_by_their_slices() -> None:
    cell = tf.contrib.rnn.GLSTMCell(4, number_of_groups=2)
    with pytest.raises(ValueError, match=r"^Shape must be rank 2 but is rank 3 for '.*GLSTM_group0_input_generation'"):
        cell(tf.ones([1, 2, 4]), cell.zero_state(1, tf.float32))


@pytest.mark.parametrize("resource", [True, False])
def test_variables_made_of_values_of_another_graph_are_noted_there_if_they_are_resources(resource: bool) -> None:
    with tf.Graph().as_default() as other:
        value = tf.ones([2])
    with tf.Graph().as_default() as here:
        tf.Variable(value, use_resource=resource)
    noted, empty = (other, here) if resource else (here, other)
    assert [v.name for v in noted.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)] == ["Variable:0"]
    assert not empty.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)


def test_devices_of_imported_operations_are_written_out() -> None:
    with tf.Graph().as_default() as first:
        tf.get_variable("v", [2], caching_device=lambda op: "/cpu:0")
    assert first.get_operation_by_name("v/read").device == "/cpu:0"
    with tf.Graph().as_default() as second:
        tf.import_graph_def(first.as_graph_def(), name="")
    assert second.get_operation_by_name("v/read").device == "/device:CPU:0"


@pytest.mark.parametrize("elements", [None, ["missing:0"], ["missing"]])
def test_unknown_nodes_to_be_colocated_with_are_told_before_unknown_results(elements: list[str] | None) -> None:
    with tf.Graph().as_default() as first:
        tf.no_op("a")
    message = first.as_graph_def()
    message.node[0].attr["_class"].list.s.append(b"loc:@gone")
    with tf.Graph().as_default() as second:
        with pytest.raises(ValueError, match=r"^Node 'a' expects to be colocated with unknown node 'gone'"):
            tf.import_graph_def(message, name="", return_elements=elements)
        assert not second.get_operations()


def test_handles_of_accumulators_are_vectors_of_two() -> None:
    with tf.Graph().as_default() as graph:
        tf.ConditionalAccumulator(tf.float32, [2])
        tf.SparseConditionalAccumulator(tf.float32, [2])
        assert [op.outputs[0].shape.as_list() for op in graph.get_operations()] == [[2], [2]]


def test_slices_of_grouped_cells_are_made_in_the_scopes_of_groups() -> None:
    with tf.Graph().as_default() as graph:
        cell = tf.contrib.rnn.GLSTMCell(4, number_of_groups=2)
        cell(tf.ones([1, 4]), cell.zero_state(1, tf.float32))
        slices = [op.name.split("/", 2)[2] for op in graph.get_operations() if op.type == "Slice"]
    made = [f"group{k}/GLSTM_group{k}_input_generation{end}" for k in (0, 1) for end in ("", "_1")]
    assert slices == made


def test_rows_that_nadam_looks_ahead_to_wait_for_the_decay() -> None:
    with tf.Graph().as_default() as graph:
        rows = tf.nn.embedding_lookup(tf.get_variable("v", [4, 2]), [1])
        tf.contrib.opt.NadamOptimizer(0.1).minimize(tf.reduce_sum(rows))
        axis = graph.get_operation_by_name("Adam/update_v/GatherV2/axis")
        assert [op.name for op in axis.control_inputs] == ["Adam/update_v/Assign"]


def test_windows_of_cells_over_frequencies_are_joined_one_by_one() -> None:
    with tf.Graph().as_default() as graph:
        cell = tf.contrib.rnn.TimeFreqLSTMCell(3, use_peepholes=True, feature_size=2, frequency_skip=2)
        cell(tf.ones([1, 4]), tf.zeros([1, 12]))
        made = [op.name.split("/")[-1] for op in graph.get_operations() if op.type in ("ConcatV2", "Mul", "Sigmoid")]
    first = [
        "concat",
        "mul",
        "Sigmoid",
        "mul_1",
        "mul_2",
        "Sigmoid_1",
        "mul_3",
        "mul_4",
        "Sigmoid_2",
        "mul_5",
        "concat_1",
    ]
    second = ["concat_2", "mul_6", "Sigmoid_3", "mul_7", "mul_8", "Sigmoid_4", "mul_9", "mul_10", "Sigmoid_5", "mul_11"]
    assert made[4:] == [*first, *second, "concat_3", "concat_4"]  # the first four are of initializers


def test_scaled_losses_apply_gradients_on_a_replica() -> None:
    with tf.Graph().as_default() as graph:
        loss = tf.square(tf.get_variable("v", []))
        optimizer = tf.train.experimental.enable_mixed_precision_graph_rewrite(tf.train.GradientDescentOptimizer(0.1))
        optimizer.minimize(loss)
        number = graph.get_operation_by_name("cond_1/Const")
        assert [op.name for op in number.control_inputs] == ["cond_1/switch_t"]
    tf.train.experimental.disable_mixed_precision_graph_rewrite()


def test_modules_are_named_by_what_they_lack() -> None:
    with pytest.raises(AttributeError, match=r"^module 'tensorflow\.contrib\.layers' has no attribute 'nope'"):
        getattr(tf.contrib.layers, "nope")  # noqa: B009
