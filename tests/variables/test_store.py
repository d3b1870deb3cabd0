"""`tf.get_variable`: making, sharing, refusing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def _ops(graph: Any) -> list[tuple[str, str]]:
    return [(op.name, op.type) for op in graph.get_operations()]


def test_operations_of_a_reference_variable(graph: Any) -> None:
    tf.get_variable("v", [2, 3])
    uniform = "v/Initializer/random_uniform"
    assert _ops(graph) == [
        (f"{uniform}/shape", "Const"), (f"{uniform}/min", "Const"), (f"{uniform}/max", "Const"),
        (f"{uniform}/RandomUniform", "RandomUniform"), (f"{uniform}/sub", "Sub"), (f"{uniform}/mul", "Mul"),
        (uniform, "Add"), ("v", "VariableV2"), ("v/Assign", "Assign"), ("v/read", "Identity"),
    ]  # fmt: skip
    assert all(op.get_attr("_class") == [b"loc:@v"] for op in graph.get_operations())


def test_both_paths_make_the_same_operations() -> None:
    def made(**settings: Any) -> list[Any]:
        with tf.Graph().as_default() as graph:
            with tf.variable_scope("s"), tf.control_dependencies(settings.get("control")):
                tf.get_variable("v", [2, 3])
                tf.get_variable("z", [2], dtype=tf.int32)
                tf.get_variable("n", [3], initializer=tf.truncated_normal_initializer(seed=1), validate_shape=False)
            return [
                (
                    op.name,
                    op.type,
                    op.attrs.keys(),
                    str(op.attrs.get("shape")),
                    op.attrs.get("_class"),
                    op.control_inputs,
                )
                for op in graph.get_operations()
            ]

    assert made() == made(control=[])


def test_operations_of_a_resource_variable(graph: Any) -> None:
    v = tf.get_variable("r", initializer=np.zeros(2, np.float32), use_resource=True)
    assert _ops(graph) == [
        ("r/Initializer/initial_value", "Const"), ("r", "VarHandleOp"),
        ("r/IsInitialized/VarIsInitializedOp", "VarIsInitializedOp"), ("r/Assign", "AssignVariableOp"),
        ("r/Read/ReadVariableOp", "ReadVariableOp"),
    ]  # fmt: skip
    assert repr(v) == "<tf.Variable 'r:0' shape=(2,) dtype=float32>"


def test_the_key_is_apart_from_the_name_of_the_operation() -> None:
    tf.no_op(name="v")
    v = tf.get_variable("v", [])
    assert v.name == "v_1:0"
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("v") is v


def test_defined_twice() -> None:
    tf.get_variable("v", [])
    with pytest.raises(ValueError, match="Variable v already exists, disallowed") as caught:
        tf.get_variable("v", [])
    text = str(caught.value)
    assert (
        "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope? Originally defined at:\n\n  File " in text
    )
    assert __file__ in text and "ran twice" not in text


def test_defined_twice_by_one_line() -> None:
    with pytest.raises(ValueError, match="The same line makes it now: the function or notebook cell ran twice"):
        for _ in range(2):
            tf.get_variable("v", [])


def test_sharing() -> None:
    with tf.variable_scope("a"):
        v = tf.get_variable("v", [2, 3])
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("v", [None, 3]) is v
        w = tf.get_variable("w", [])
    with tf.variable_scope("a", reuse=True):
        assert tf.get_variable("w") is w
        with pytest.raises(ValueError, match=r"specified shape \(3, 2\) and found shape \(2, 3\)"):
            tf.get_variable("v", [3, 2])
        with pytest.raises(ValueError, match="specified dtype float64 and found dtype float32_ref"):
            tf.get_variable("v", [2, 3], tf.float64)
        with pytest.raises(ValueError, match=r"Variable a/x does not exist, or was not created with tf\.get_variable"):
            tf.get_variable("x", [])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"shape": [], "initializer": 1.0}, "If initializer is a constant, do not specify shape"),
        ({}, "The initializer passed is not valid"),
        ({"shape": [None]}, "The initializer passed is not valid"),
        ({"initializer": tf.zeros_initializer()}, "The initializer passed is not valid"),
        ({"shape": [], "dtype": tf.complex64}, "An initializer for variable v of <dtype: 'complex64'> is required"),
        ({"initializer": 1.0, "dtype": tf.int32}, "Initializer type '<dtype: 'float32'>' and explicit dtype"),
        (
            {"shape": [], "collections": "c"},
            "collections argument to Variable constructor must be a list, tuple, or set",
        ),
        ({"shape": [], "constraint": 5}, "The `constraint` argument must be a callable"),
        ({"shape": [], "custom_getter": 5}, "Passed a custom_getter which is not callable: 5"),
        ({"shape": [], "synchronization": 7}, "Invalid variable synchronization mode: 7 for variable: v"),
    ],
)
def test_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        tf.get_variable("v", **arguments)


def test_initializers() -> None:
    seen: list[Any] = []

    def initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        seen.append((shape, dtype, partition_info, tf.get_default_graph().get_name_scope()))
        return tf.ones([7], dtype)

    v = tf.get_variable("v", [2, 3], initializer=initializer)
    assert seen == [([2, 3], tf.float32, None, "v/Initializer")] and v.shape == [7]
    assert tf.get_variable("w", initializer=lambda: 3.0).dtype == tf.float32._as_ref
    assert tf.get_variable("x", [2], initializer=tf.ones_initializer).initial_value.op.name == "x/Initializer/ones"
    assert tf.get_variable("y", initializer=[1, 2]).initial_value.op.name == "y/initial_value"


def test_initializers_are_outside_of_control_dependencies(graph: Any) -> None:
    first = tf.no_op()
    with tf.control_dependencies([first]):
        tf.get_variable("v", [2])
    assert all(not op.control_inputs for op in graph.get_operations())


def test_collections_and_trainable() -> None:
    keys = tf.GraphKeys
    v = tf.get_variable("v", [])
    w = tf.get_variable("w", [], trainable=False)
    x = tf.get_variable("x", [], collections=["mine"])
    local = tf.get_local_variable("l", [], trainable=True)
    on_read = tf.get_variable("r", [], synchronization=tf.VariableSynchronization.ON_READ)
    assert tf.get_collection(keys.GLOBAL_VARIABLES) == [v, w, on_read]
    assert tf.get_collection(keys.TRAINABLE_VARIABLES) == [v, x]
    assert tf.get_collection("mine") == [x] and tf.get_collection(keys.LOCAL_VARIABLES) == [local]


def test_regularizer() -> None:
    v = tf.get_variable("v", [2], regularizer=lambda v: tf.reduce_sum(v, name="loss"))
    assert [x.name for x in tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)] == ["v/Regularizer/loss:0"]
    tf.get_variable("w", [2], regularizer=lambda v: None)
    assert v.op.name == "v" and len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_custom_getter_arguments() -> None:
    seen: dict[str, Any] = {}

    def getter(getter: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return getter(**kwargs)

    with tf.variable_scope("a", reuse=tf.AUTO_REUSE, custom_getter=getter):
        v = tf.get_variable("v", [2])
    assert v.name == "a/v:0" and len(seen) == 15
    assert [seen[k] for k in ("name", "shape", "reuse", "trainable")] == ["a/v", [2], tf.AUTO_REUSE, True]


def test_validate_shape() -> None:
    shape = tf.placeholder(tf.int32, [2])
    with pytest.raises(ValueError, match="initial_value must have a shape specified: Tensor"):
        tf.get_variable("v", initializer=tf.zeros(shape))
    v = tf.get_variable("w", initializer=tf.zeros(shape), validate_shape=False)
    assert v.shape == tf.TensorShape(None) and v.dtype.name == "float32_ref"


def test_caching_device() -> None:
    v = tf.get_variable("v", [], caching_device="/cpu:1")
    assert (v.value().device, v.device) == ("/device:CPU:1", "")
    r = tf.get_variable("r", [], caching_device="/cpu:1", use_resource=True)
    assert r.value() is r.value() and r.value().device == "/device:CPU:1"
