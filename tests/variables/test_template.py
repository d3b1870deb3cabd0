"""`tf.make_template`."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def _scaled(x: Any, name: str = "w") -> Any:
    return x * tf.get_variable(name, [])


def test_later_calls_share() -> None:
    scale = tf.make_template("scale", _scaled)
    assert scale.variable_scope is None and scale.variables == []
    assert [scale(1.0).name, scale(1.0).name] == ["scale/mul:0", "scale_1/mul:0"]
    assert (scale.name, scale.variable_scope_name) == ("scale", "scale/")
    assert [v.name for v in scale.trainable_variables] == ["scale/w:0"]
    assert scale.global_variables == scale.variables == tf.global_variables()


def test_each_template_has_a_scope_of_its_own() -> None:
    for expected in ("s/w:0", "s_1/w:0"):
        template = tf.make_template("s", _scaled)
        template(1.0)
        assert template.variables[0].name == expected
    named = tf.make_template("s", _scaled, unique_name_="mine")
    named(1.0)
    assert named.variables[0].name == "mine/w:0"


def test_scope_made_at_once() -> None:
    with tf.variable_scope("a", dtype=tf.float64):
        template = tf.make_template("s", _scaled, create_scope_now_=True)
    template(1.0)
    assert (template.variables[0].name, template.variables[0].dtype.base_dtype) == ("a/s/w:0", tf.float32)


def test_arguments_and_getter() -> None:
    template = tf.make_template(
        "s", _scaled, name="x", custom_getter_=lambda getter, name, **k: getter(name + "_got", **k)
    )
    template(1.0)
    assert template.variables[0].name == "s/x_got:0" and template.func.__name__ == "_scaled"


def test_new_variables_later() -> None:
    names = iter("ab")
    with pytest.raises(ValueError, match=r"Variable s/b does not exist.*\n\noriginally defined at:\n  File") as caught:
        template = tf.make_template("s", lambda: tf.get_variable(next(names), []))
        template()
        template()
    assert __file__ in str(caught.value)
    template = tf.make_template("t", lambda: tf.Variable(1.0, name="v"))
    template()
    with pytest.raises(ValueError, match="Trainable variable created when calling a template after the first time"):
        template()
    template = tf.make_template("u", lambda: tf.Variable(1.0, trainable=False))
    template()
    template()


def test_an_error_in_the_first_call_leaves_it_the_first() -> None:
    calls: list[int] = []

    def fail_once() -> Any:
        calls.append(1)
        v = tf.get_variable(f"v{len(calls)}", [])
        if len(calls) == 1:
            raise KeyError
        return v

    template = tf.make_template("s", fail_once)
    with pytest.raises(KeyError):
        template()
    assert template().name == "s/v2:0"


def test_a_name_is_needed() -> None:
    with pytest.raises(ValueError, match=r"name cannot be None\."):
        tf.make_template(None, _scaled)


def test_what_other_threads_make_meanwhile_is_no_part_of_it() -> None:
    inside, finish = threading.Event(), threading.Event()

    def other() -> None:
        def body() -> Any:
            inside.set()
            finish.wait(60)
            return tf.get_variable("w", [])

        with tf.Graph().as_default():
            tf.make_template("other", body)()

    inner = tf.make_template("inner", lambda: tf.get_variable("v", []))

    def body() -> Any:
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(60)
        made = inner()
        finish.set()
        thread.join()
        return made

    outer = tf.make_template("outer", body)
    outer()
    assert [(part.name, part.ref) for part in outer._checkpoint_dependencies] == [("inner", inner)]
