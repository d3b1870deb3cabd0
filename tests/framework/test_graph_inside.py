"""What programs and tools read of a graph below its public names: blocks, definitions, functions' graphs, nodes."""

from __future__ import annotations

import inspect

import pytest

import retrograph as tf
from retrograph.compat.internals import _create_c_op, _NodeDef
from retrograph.framework import default_graph as graphs
from retrograph.framework import graph_scopes


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def test_op_def_names_arguments_and_attributes():
    total = tf.constant(1) + tf.constant(2)
    definition = total.op.op_def
    assert definition.name == total.op.type
    assert [arg.name for arg in definition.input_arg] == ["x", "y"]
    assert [arg.name for arg in definition.output_arg] == ["z"]
    assert not definition.is_stateful
    assert tf.random_shuffle([2]).op.op_def.is_stateful


def test_operations_tell_where_the_blocks_around_them_were_opened():
    def first(op):
        return "/cpu:0"

    line = inspect.currentframe().f_lineno
    with tf.device("/cpu"), tf.get_default_graph().device(first):
        placed = tf.constant(1.0, name="placed")
    with tf.colocate_with(placed):
        near = tf.constant(2.0)
    outer, inner = placed.op._device_assignments
    assert (outer.obj, outer.filename, outer.lineno) == ("/cpu", __file__, line + 1)
    assert inner.obj.startswith("first<" + __file__)
    assert near.op._device_assignments == [] and list(near.op._colocation_dict) == ["placed"]
    assert near.op._colocation_dict["placed"].lineno == line + 3
    assert tf.constant(3.0).op._device_assignments == []


def test_default_graph_is_set_inside_of_blocks_only():
    assert graphs.has_default_graph()
    stack, graph_scopes.default_graph_stack.stack = graph_scopes.default_graph_stack.stack, []
    try:
        tf.get_default_graph()
        assert not graphs.has_default_graph()
        with tf.init_scope():
            assert graphs.has_default_graph()
        assert not graphs.has_default_graph()
    finally:
        graph_scopes.default_graph_stack.stack = stack


def _function_graph():
    graph = tf.Graph()
    graph._building_function = True
    return graph


def test_init_scope_leaves_graphs_of_functions_and_takes_devices_along():
    outside = tf.get_default_graph()
    function = _function_graph()
    with tf.device("/cpu:0"), function.as_default():
        with tf.device("/gpu:0"), tf.name_scope("inner"):
            with tf.init_scope():
                lifted = tf.constant(1.0)
            stays = tf.constant(1.0)
        with tf.init_scope():
            later = tf.constant(1.0)
    assert lifted.graph is outside and lifted.name == "inner/Const:0" and lifted.device == "/device:GPU:0"
    assert stays.graph is function and function.building_function
    assert later.graph is outside and later.device == "/device:CPU:0"


def test_an_input_of_another_shape_is_refused_and_nothing_changes():
    total = tf.constant(2, shape=[3, 1]) + tf.constant(0, shape=[3, 1])
    before = list(total.op.inputs)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"incompatible shapes: \[2,2\] and \[3,1\]"):
        total.op._update_input(0, tf.constant(1, shape=[2, 2]))
    assert list(total.op.inputs) == before


def test_nodes_are_operations_once_somebody_asks_for_them():
    graph = tf.get_default_graph()
    node = _create_c_op(graph, _NodeDef("Placeholder", "mine", attrs={"dtype": tf.float32}), [], [])
    assert graph._add_new_tf_operations() == [node]
    assert graph._add_new_tf_operations() == []
    assert tf.placeholder(tf.float32, name="mine").op.name == "mine_1"
