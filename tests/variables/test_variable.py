"""`tf.Variable`: attributes, reads, assignments, values of other variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.variables.reference import RefVariable
from retrograph.variables.resource import ResourceVariable


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def use_resource(request: Any) -> bool:
    return bool(request.param)


def _run(fetches: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches)


def test_names() -> None:
    assert [tf.Variable(1.0, name=n).name for n in (None, None, "v", "v")] == [
        "Variable:0",
        "Variable_1:0",
        "v:0",
        "v_1:0",
    ]
    with tf.name_scope("n"):
        assert (tf.Variable(1.0, name="v").name, tf.Variable(1.0, name="q/").name) == ("n/v:0", "q:0")


def test_kinds() -> None:
    plain, resource = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0], use_resource=True)
    assert isinstance(plain, tf.Variable) and isinstance(resource, tf.Variable)
    assert (type(plain), type(resource)) == (RefVariable, ResourceVariable)
    assert repr(plain) == str(plain) == "<tf.Variable 'Variable:0' shape=(2,) dtype=float32_ref>"
    assert repr(resource) == "<tf.Variable 'Variable_1:0' shape=(2,) dtype=float32>"
    assert plain == plain and plain != resource and len({plain, resource, plain}) == 2


def test_resource_variables_by_default() -> None:
    tf.enable_resource_variables()
    try:
        assert tf.resource_variables_enabled() and isinstance(tf.Variable(1.0), ResourceVariable)
        assert isinstance(tf.get_variable("v", []), ResourceVariable)
    finally:
        tf.disable_resource_variables()
    assert isinstance(tf.Variable(1.0), RefVariable)


def test_reads() -> None:
    v, r = tf.Variable(1.0, name="v"), tf.Variable(1.0, name="r", use_resource=True)
    assert v.value() is v.value() is tf.convert_to_tensor(v) and v.value().name == "v/read:0"
    assert (v.read_value().name, r.read_value().name) == ("read:0", "Identity:0")
    assert (r.value().name, (r + 1.0).op.inputs[0].name) == ("ReadVariableOp:0", "ReadVariableOp_1:0")


def test_assignments(use_resource: bool) -> None:
    v = tf.Variable([1.0, 2.0], use_resource=use_resource)
    with tf.Session() as session:
        session.run(v.initializer)
        for change, expected in [
            (v.assign([3.0, 4.0]), [3, 4]),
            (v.assign_add([1.0, 1.0]), [4, 5]),
            (tf.assign_sub(v, [2.0, 2.0]), [2, 3]),
            (tf.scatter_update(v, [1], [7.0]), [2, 7]),
            (tf.scatter_nd_add(v, [[0]], [1.0]), [3, 7]),
            (v[0:1].assign([9.0]), [9, 7]),
        ]:
            assert session.run(change).tolist() == expected
        session.run(v.assign([0.0, 0.0], read_value=False))
        assert session.run(v).tolist() == [0, 0]
        v.load([5.0, 6.0], session)
        assert v.eval(session).tolist() == [5, 6]


def test_assignments_check_shapes() -> None:
    v, r = tf.Variable([1.0, 2.0]), tf.Variable([1.0, 2.0], use_resource=True)
    with pytest.raises(ValueError, match=r"Dimension 0 in both shapes must be equal, but are 2 and 1\. Shapes are "):
        v.assign([1.0])
    with pytest.raises(ValueError, match=r"Shapes \(2,\) and \(1,\) are incompatible"):
        r.assign([1.0])
    with pytest.raises(ValueError, match="Either session argument should be provided or default session"):
        v.load([1.0, 1.0])


def test_operators(use_resource: bool) -> None:
    v = tf.Variable([3.0, 4.0], use_resource=use_resource)
    results = [v + 1.0, 2.0 - v, v * v, v / 2.0, -v, v**2.0, abs(-v), v > 3.0, v[1]]
    values = [x.tolist() for x in _run(results)]
    assert values == [[4, 5], [-1, -2], [9, 16], [1.5, 2], [-3, -4], [9, 16], [3, 4], [False, True], 4]
    with pytest.raises(TypeError, match=r"'Variable' object is not iterable\."):
        iter(v)


def test_in_place_operators() -> None:
    v, r = tf.Variable(1.0), tf.Variable(1.0, use_resource=True)
    v += 1.0
    assert isinstance(v, tf.Tensor)
    with pytest.raises(RuntimeError, match="Variable -= value not supported"):
        r -= 1.0


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"initial_value must be specified\."):
        tf.Variable()
    with pytest.raises(ValueError, match="initial_value must have a shape specified: Tensor"):
        tf.Variable(tf.placeholder(tf.float32))
    with pytest.raises(ValueError, match="Tensor conversion requested dtype float64 for Tensor with dtype float32"):
        tf.Variable(tf.constant(1.0), dtype=tf.float64)
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        tf.Variable(1.0, foo=1)


def test_values_of_other_variables(use_resource: bool) -> None:
    v = tf.Variable(2.0, name="v", use_resource=use_resource)
    w = tf.Variable(v.initialized_value() * 3.0, name="w", use_resource=use_resource)
    assert _run([v, w]) == [2.0, 6.0]


def test_an_initial_value_out_of_a_variable_is_guarded(graph: Any) -> None:
    v = tf.Variable(2.0, name="v")
    w = tf.Variable(v * 3.0, name="w")
    assert w.initializer.inputs[1].op.name == "mul_w" and w.initial_value.op.name == "mul"
    with tf.Session() as session:
        session.run(w.initializer)
        assert session.run(w) == 6.0


def test_uninitialized(use_resource: bool) -> None:
    v = tf.Variable(2.0, name="v", use_resource=use_resource)
    with tf.Session() as session:
        assert not session.run(tf.is_variable_initialized(v))
        assert session.run(tf.report_uninitialized_variables()).tolist() == [b"v"]
        with pytest.raises(tf.errors.FailedPreconditionError):
            session.run(v + 1.0)
        session.run(v.initializer)
        assert session.run(tf.is_variable_initialized(v))
        assert session.run(tf.report_uninitialized_variables()).tolist() == []


def test_count_up_to(use_resource: bool) -> None:
    v = tf.Variable(0, use_resource=use_resource)
    count = tf.count_up_to(v, 2)
    with tf.Session() as session:
        session.run(v.initializer)
        assert [session.run(count), session.run(count)] == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
            session.run(count)


def test_definitions(use_resource: bool) -> None:
    v = tf.Variable([1.0], name="n/v", trainable=False, use_resource=use_resource)
    again = tf.Variable.from_proto(v.to_proto())
    assert (type(again), again.name, again.trainable, again.shape) == (type(v), v.name, False, v.shape)
    assert (again.initializer, again.initial_value) == (v.initializer, v.initial_value)
    assert v.to_proto("n").variable_name == "v:0" and v.to_proto("m") is None


def test_part_of_a_larger_variable() -> None:
    info = tf.Variable.SaveSliceInfo("v", [7, 2], [3, 0], [2, 2])
    assert info.spec == "7 2 3,2:0,2"


def test_groups_of_variables() -> None:
    v = tf.Variable(1.0)
    local = tf.Variable(1.0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    assert (tf.global_variables(), tf.local_variables(), tf.trainable_variables()) == ([v], [local], [v])
    init = tf.global_variables_initializer()
    assert (init.name, init.type, init.control_inputs) == ("init", "NoOp", [v.initializer])
    assert tf.variables_initializer([], name="x").name == "x"


def test_scatters_check_their_indices() -> None:
    v = tf.Variable(np.zeros((3, 2), np.float32))
    with tf.Session() as session:
        session.run(v.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 5 is not in \[0, 3\)"):
            session.run(tf.scatter_add(v, [0, 5], np.ones((2, 2))))
    with pytest.raises(ValueError, match="Shapes must be equal rank, but are 2 and 3 for 'ScatterAdd_1'"):
        tf.scatter_add(v, [[0]], np.ones((1, 2)))
