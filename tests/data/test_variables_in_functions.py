"""Variables that functions of elements make belong to the graph outside, as in TensorFlow 1.15.5."""

from __future__ import annotations

from typing import Any

import pytest

import retrograph as tf
from retrograph.compat.resolve import find

Defun = find("tensorflow.python.framework.function", "Defun")


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _made(resource: bool) -> Any:
    return tf.Variable(3.0, use_resource=resource)


def _got(resource: bool) -> Any:
    return tf.get_variable("v", [], initializer=tf.constant_initializer(3.0), use_resource=resource)


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("method", ["map", "map_with_legacy_function"])
@pytest.mark.parametrize(("make", "name"), [(_made, "Variable"), (_got, "v")])
def test_variables_made_in_a_function(make, name, method, resource):
    dataset = getattr(tf.data.Dataset.range(3), method)(lambda n: tf.cast(n, tf.float32) + make(resource))
    iterator = tf.data.make_initializable_iterator(dataset)
    following = iterator.get_next()
    [variable] = tf.global_variables()
    assert variable.op.name == name and variable.graph is tf.get_default_graph()
    assert tf.trainable_variables() == [variable]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        assert [session.run(following) for _ in range(3)] == [3.0, 4.0, 5.0]


def test_resources_are_read_at_each_element():
    dataset = tf.data.Dataset.from_tensors(0.0).repeat().map(lambda x: x + _got(True))
    iterator = tf.data.make_initializable_iterator(dataset)
    following = iterator.get_next()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        assert session.run(following) == 3.0
        session.run(tf.global_variables()[0].assign(7.0))
        assert session.run(following) == 7.0


def test_scopes_of_the_graph_outside_are_open_in_functions():
    with tf.variable_scope("a"):
        tf.data.Dataset.range(3).map(lambda n: tf.cast(n, tf.float32) + _got(False))
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("v", []) is tf.global_variables()[0]
    assert [v.op.name for v in tf.global_variables()] == ["a/v"]


@pytest.mark.parametrize("definition_first", [True, False])
def test_a_definition_captures_the_variable(definition_first):
    plus = Defun(tf.float32)(lambda x: x + _got(False))
    if definition_first:
        assert [node.op for node in plus.definition.node_def] == ["AddV2"]
    with tf.variable_scope("s"):
        value = plus(1.0)
    assert [node.op for node in plus.definition.node_def] == ["AddV2"]
    assert [v.op.name for v in tf.global_variables()] == ["v" if definition_first else "s/v"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(value) == 4.0


@pytest.mark.parametrize("make", [_made, _got])
@pytest.mark.parametrize(
    ("method", "resource", "kind"),
    [
        ("map", None, "VarHandleOp"),
        ("map", False, "VariableV2"),
        ("map_with_legacy_function", None, "VariableV2"),
        ("map_with_legacy_function", True, "VarHandleOp"),
    ],
)
def test_functions_make_resources_unless_told_otherwise(make, method, resource, kind):
    getattr(tf.data.Dataset.range(3), method)(lambda n: tf.cast(n, tf.float32) + make(resource))
    assert [v.op.type for v in tf.global_variables()] == [kind]
    assert tf.get_variable_scope().use_resource is None
    assert tf.get_variable("after", []).op.type == "VariableV2"


@pytest.mark.parametrize("value", [lambda n: n, lambda _: tf.zeros([], tf.int64)])
def test_initial_values_from_inside_are_refused(value):
    with pytest.raises(
        ValueError, match="Tensor-typed variable initializers must either be wrapped in an init_scope or callable"
    ):
        tf.data.Dataset.range(3).map(lambda n: tf.Variable(value(n)) + n)
