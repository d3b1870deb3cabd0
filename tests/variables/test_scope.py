"""`tf.variable_scope`: prefixes, name scopes, what is inherited, default names, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.variables.scope import PureVariableScope, get_variable_scope


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def _entered(*args: Any, **kwargs: Any) -> tuple[str, str, Any]:
    with tf.variable_scope(*args, **kwargs) as scope:
        return scope.name, scope.original_name_scope, scope.reuse


def test_prefix_and_name_scope_part_ways_at_the_second_entry() -> None:
    assert _entered("a") == ("a", "a/", False)
    assert _entered("a") == ("a", "a_1/", False)


def test_empty_string_opens_no_name_scope() -> None:
    with tf.variable_scope("a"):
        assert _entered("")[:2] == ("a/", "")
        with tf.variable_scope(""):
            assert tf.no_op().name == "a/NoOp"


def test_object_keeps_its_name_and_original_name_scope() -> None:
    with tf.variable_scope("a") as a:
        pass
    with tf.variable_scope("b"), tf.variable_scope(a) as again:
        assert (again.name, again.original_name_scope) == ("a", "a/")
        assert again is not a and again is get_variable_scope()
        assert tf.no_op().name == "b/a/NoOp"


def test_auxiliary_name_scope() -> None:
    with tf.variable_scope("a"), tf.variable_scope("b", auxiliary_name_scope=False) as b:
        assert (b.name, b.original_name_scope, tf.no_op().name) == ("a/b", "a/", "a/NoOp")
    with pytest.raises(TypeError, match="while get 1"):
        tf.variable_scope("a", auxiliary_name_scope=1)


@pytest.mark.parametrize(
    ("outer", "inner", "effective"),
    [
        (None, None, False), (None, True, True), (True, None, True), (True, False, True),
        (True, tf.AUTO_REUSE, tf.AUTO_REUSE), (tf.AUTO_REUSE, None, tf.AUTO_REUSE), (tf.AUTO_REUSE, True, True),
    ],
)  # fmt: skip
def test_reuse_is_inherited(outer: Any, inner: Any, effective: Any) -> None:
    with tf.variable_scope("a", reuse=outer):
        assert _entered("b", reuse=inner)[2] is effective


def test_reuse_of_an_object_ignores_the_surroundings() -> None:
    with tf.variable_scope("a") as a:
        pass
    with tf.variable_scope("b", reuse=True):
        assert _entered(a)[2] is False
    a.reuse_variables()
    assert _entered(a)[2] is True


def test_settings_are_inherited_but_not_the_constraint() -> None:
    settings = {
        "initializer": 1.0, "regularizer": tf.no_regularizer, "caching_device": "/cpu:0", "partitioner": len,
        "dtype": tf.float64, "use_resource": True,
    }  # fmt: skip
    with tf.variable_scope("a", constraint=abs, **settings) as a:
        assert a.constraint is abs
        with tf.variable_scope("b", dtype=tf.int32) as b:
            assert b.constraint is None
            assert [getattr(b, k) for k in settings] == [*list(settings.values())[:4], tf.int32, True]
    with tf.variable_scope(a, initializer=2.0) as again:
        assert (again.initializer, again.dtype, again.constraint) == (2.0, tf.float64, None)


def test_an_array_is_a_setting() -> None:
    with tf.variable_scope("a", initializer=np.ones(2)) as a:
        assert a.initializer.tolist() == [1.0, 1.0]


def test_setters_are_seen_by_scopes_opened_later() -> None:
    with tf.variable_scope("a") as a:
        a.set_dtype(tf.float64)
        with tf.variable_scope("b") as b:
            assert b.dtype == tf.float64
    assert _entered("a") and tf.get_variable_scope().dtype == tf.float32


def test_custom_getters_run_from_the_inside_out() -> None:
    calls: list[str] = []

    def noting(label: str) -> Any:
        def get(getter: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append(label)
            return getter(*args, **kwargs)

        return get

    outer, inner = noting("outer"), noting("inner")
    with tf.variable_scope("a", custom_getter=outer), tf.variable_scope("b", custom_getter=inner):
        tf.get_variable("v", [])
        tf.get_variable("w", [], custom_getter=noting("own"))
    assert calls == ["inner", "outer", "own"]


def test_default_names_count_full_scope_names() -> None:
    def default(name: str) -> str:
        return _entered(None, name)[0]

    assert [default("d"), default("d"), default("D")] == ["d", "d_1", "D"]
    with tf.variable_scope("a"):
        assert [default("d"), default("d")] == ["a/d", "a/d_1"]
    with tf.variable_scope("a") as a:
        assert default("d") == "a/d"
    with tf.variable_scope(a):
        assert default("d") == "a/d"
    assert default("a") == "a_1"


def test_leaving_an_object_restores_the_counts() -> None:
    with tf.variable_scope("a") as a:
        assert _entered(None, "d")[0] == "a/d"
        with tf.variable_scope(a):
            assert _entered(None, "d")[0] == "a/d_1"
            assert _entered(None, "d")[0] == "a/d_2"
        assert _entered(None, "d")[0] == "a/d_1"


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="If default_name is None then name_or_scope is required"):
        tf.variable_scope(None)
    with pytest.raises(ValueError, match=r"The reuse parameter must be True or False or None\."):
        tf.variable_scope("a", reuse=1)
    with pytest.raises(TypeError, match="name_or_scope must be a string or VariableScope"):
        _entered(5)
    with pytest.raises(ValueError, match="reuse=True cannot be used without a name_or_scope"):
        _entered(None, "d", reuse=True)
    with pytest.raises(ValueError, match="'a b' is not a valid scope name"):
        _entered("a b")
    assert tf.get_variable_scope().name == "" and tf.no_op().name == "NoOp"


def test_values_choose_the_graph() -> None:
    with tf.Graph().as_default():
        x = tf.constant(1.0)
    with tf.variable_scope("a", values=[x]):
        assert tf.get_default_graph() is x.graph


def test_scopes_must_nest() -> None:
    outer, inner = PureVariableScope("a"), PureVariableScope("b")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="Improper nesting of variable_scope"):
        outer.__exit__()


def test_a_manager_may_be_entered_again() -> None:
    manager = tf.variable_scope("a")
    names = []
    for _ in range(2):
        with manager as scope:
            names.append((scope.name, tf.no_op().name))
    assert names == [("a", "a/NoOp"), ("a", "a_1/NoOp")]


def test_collections_of_a_scope() -> None:
    with tf.variable_scope("a") as a:
        v = tf.get_variable("v", [])
        tf.get_local_variable("l", [])
    tf.get_variable("ab", [])
    assert (a.global_variables(), a.trainable_variables(), len(a.local_variables())) == ([v], [v], 1)


def test_creators_wrap_the_making_of_variables() -> None:
    names: list[Any] = []

    def creator(next_creator: Any, **kwargs: Any) -> Any:
        names.append(kwargs["name"])
        return next_creator(**{**kwargs, "trainable": False})

    with tf.variable_creator_scope(creator):
        v = tf.get_variable("v", [])
        assert not tf.Variable(1.0).trainable
    assert (names, v.trainable, tf.Variable(1.0).trainable) == (["v", None], False, True)


def test_scopes_of_a_finalized_graph_that_had_one() -> None:
    with tf.Graph().as_default() as graph:
        with tf.variable_scope("pre"):
            pass
        graph.finalize()
        with tf.variable_scope("pre") as scope:
            assert (scope.name, scope.original_name_scope) == ("pre", "pre_1/")
    with tf.Graph().as_default() as graph:
        graph.finalize()
        with pytest.raises(RuntimeError, match="Graph is finalized"), tf.variable_scope("first"):
            pass
