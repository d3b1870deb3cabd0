"""Names of TF's inside by which programs ask what a run needs; values are those of TF 1.15.5."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.compat.resolve import find


def selector(name):
    return find("tensorflow.python.ops.op_selector", name)


def names(ops):
    return sorted(op.name for op in ops)


@pytest.fixture
def graph():
    with tf.Graph().as_default() as made:
        a = tf.placeholder(tf.float32, [2], "a")
        c = tf.multiply(a, tf.Variable([1.0, 2.0], name="b"), name="c")
        with tf.control_dependencies([tf.no_op("wait")]):
            tf.add(c, tf.cast(tf.argmax(c, name="arg"), tf.float32, name="cast"), name="d")
        yield made


ALL = ["a", "arg", "arg/dimension", "b", "b/read", "c", "cast", "d"]


def test_walks_back(graph):
    d = graph.get_tensor_by_name("d:0")
    walk = selector("get_backward_walk_ops")
    assert names(walk(d)) == names(walk(d, only_differentiable=True, control_inputs=True)) == ALL
    assert names(walk([d.op], inclusive=False, control_inputs=True)) == [*ALL[:-1], "wait"]
    assert names(walk(d, stop_at_ts=[graph.get_tensor_by_name("c:0")])) == ["arg", "arg/dimension", "cast", "d"]
    assert names(walk([d], within_ops=[d.op, graph.get_operation_by_name("c")])) == ["c", "d"]
    assert walk([]) == []
    with pytest.raises(TypeError, match=r"Expected a type in .*Operation.*, got: .*int"):
        walk(3)


def test_walks_end_where_no_gradient_goes(graph):
    x = tf.constant([1.0, 2.0], name="x")
    end = tf.identity(tf.bitwise.invert(tf.cast(x, tf.int32, name="whole"), name="invert"), name="end")
    walk = selector("get_backward_walk_ops")
    assert names(walk(end)) == ["end", "invert", "whole", "x"]
    assert names(walk(end, only_differentiable=True)) == ["end", "invert"]


def test_what_has_gradients(graph):
    found = {op.name: selector("is_differentiable")(op) for op in graph.get_operations()}
    assert {name for name, can in found.items() if can} == {"b/read", "c", "arg", "cast", "d"}
    assert names(selector("graph_inputs")(graph.get_operation_by_name("d"))) == ["c", "cast"]


def test_fetch_handler(graph):
    handler_class = find("tensorflow.python.client.session", "_FetchHandler")
    c, d = graph.get_tensor_by_name("c:0"), graph.get_tensor_by_name("d:0")
    sparse = tf.SparseTensor([[0]], [1.0], [1])
    handler = handler_class(graph, {"x": [d, c], "o": d.op, "s": sparse, "n": "b:0"}, {c: [5.0, 5.0]})
    parts = ["SparseTensor/indices:0", "SparseTensor/values:0", "SparseTensor/dense_shape:0"]
    assert [t.name for t in handler.fetches()] == ["d:0", *parts, "b:0"]
    assert handler.targets() == [d.op]
    assert handler.build_results(None, [0, 1, 2, 3, 4]) == {
        "x": [0, [5.0, 5.0]],
        "o": None,
        "s": tf.SparseTensorValue(1, 2, 3),
        "n": 4,
    }
    with pytest.raises(AssertionError):
        handler.build_results(None, [1])


def test_fetch_handler_takes_the_graph_of_what_is_asked_for(graph):
    handler_class = find("tensorflow.python.client.session", "_FetchHandler")
    with tf.Graph().as_default():
        assert handler_class(graph, "d:0", {}).fetches() == [graph.get_tensor_by_name("d:0")]


def test_messages_of_variables(graph):
    to_proto, from_proto = (
        find("tensorflow.python.ops.resource_variable_ops", name) for name in ("_to_proto_fn", "_from_proto_fn")
    )
    (variable,) = tf.global_variables()
    assert to_proto(variable).variable_name == "b:0"
    again = from_proto(to_proto(variable))
    assert (type(again), again.name) == (type(variable), "b:0")
    with tf.variable_scope("z", use_resource=True):
        resource = tf.get_variable("v", [1])
    again = from_proto(to_proto(resource, "z"), "z")
    assert (type(again), again.name) == (type(resource), "z/v:0")


def test_no_tensor_is_an_eager_one(graph):
    eager = find("tensorflow.python.framework.ops", "EagerTensor")
    assert issubclass(eager, tf.Tensor)
    assert not isinstance(graph.get_tensor_by_name("a:0"), eager)
