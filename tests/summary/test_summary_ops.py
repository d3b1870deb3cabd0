"""Summaries as operations: names, collections and bytes are TensorFlow 1.15.5's; images too."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import summary_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "summaries.json").read_text())


@pytest.mark.parametrize("expression", summary_cases.EXPRESSIONS)
def test_operations_and_bytes(expression: str) -> None:
    assert summary_cases.facts_of(tf, expression) == GOLDEN["summaries"][expression]


@pytest.mark.parametrize("expression", summary_cases.MESSAGES)
def test_messages(expression: str) -> None:
    assert summary_cases.message_of(tf, expression) == GOLDEN["messages"][expression]


@pytest.mark.parametrize("expression", [e for e in summary_cases.MESSAGES if "bytes" in GOLDEN["messages"][e]])
def test_messages_are_read_again(expression: str) -> None:
    data = bytes.fromhex(GOLDEN["messages"][expression]["bytes"])
    names = (*summary_cases.SCOPE, "Summary", "Event")
    kind = next(n for n in names if expression.startswith(n + "("))
    cls = getattr(tf.train, kind, None) or getattr(tf, kind)
    assert cls.FromString(data).SerializeToString() == data
    made = cls()
    assert made.ParseFromString(data) == len(data) and made == cls.FromString(data)


def test_summaries_are_built_by_hand() -> None:
    summary = tf.Summary()
    value = summary.value.add(tag="a", simple_value=0.5)
    value.tag += "b"
    summary.value.add().histo.bucket.extend([1.0, 2.0])
    assert [v.tag for v in summary.value] == ["ab", ""]
    assert summary.value[1].WhichOneof("value") == "histo"
    value.image.height = 3
    assert value.WhichOneof("value") == "image" and value.simple_value == 0.0
    with pytest.raises(AttributeError):
        value.image = tf.Summary.Image()
    assert tf.summary.Summary is tf.Summary and tf.summary.SessionLog is tf.SessionLog


def _step() -> tuple[Any, Any, Any, dict[Any, Any]]:
    x = tf.placeholder(tf.float32, [None, 300])
    w = tf.get_variable("w", [300, 20], initializer=tf.ones_initializer())
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    tf.summary.scalar("loss", loss)
    tf.summary.histogram("weights", w)
    step = tf.train.get_or_create_global_step()
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=step)
    with tf.control_dependencies([train]):
        tf.summary.scalar("after", tf.reduce_sum(w.read_value()))
    return train, tf.summary.merge_all(), w, {x: np.ones((4, 300), np.float32)}


def _values(data: bytes) -> dict[str, Any]:
    return {v.tag: v for v in tf.Summary.FromString(data).value}


def test_a_training_step_and_its_summaries_see_the_values_of_their_place() -> None:
    train, merged, w, feeds = _step()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        before = sess.run(w)
        _, data = sess.run([train, merged], feeds)
        after = sess.run(w)
    values = _values(data)
    assert values["weights"].histo.sum == pytest.approx(before.sum()) and values["weights"].histo.num == before.size
    assert values["loss"].simple_value == pytest.approx(300.0**2)
    assert values["after"].simple_value == pytest.approx(after.sum(), rel=1e-5) != pytest.approx(before.sum())


def test_a_training_step_stays_one_program_beside_its_summaries() -> None:
    from retrograph.runtime.places import groups
    from retrograph.runtime.plan import Plan

    train, merged, _, feeds = _step()
    plan = Plan(tf.get_default_graph(), [train], [merged], list(feeds))
    assert [host for host, _ in groups(plan.items)].count(False) == 1


def test_a_summary_that_another_operation_waits_for_stays_in_its_place() -> None:
    v = tf.Variable(1.0)
    seen = tf.summary.scalar("v", v)
    with tf.control_dependencies([seen]):
        assign = tf.assign(v, 5.0)
    with tf.control_dependencies([assign]):
        later = tf.summary.scalar("later", v.read_value())
    with tf.Session() as sess:
        sess.run(v.initializer)
        first, second = sess.run([seen, later])
        assert _values(first)["v"].simple_value == 1.0 and _values(second)["later"].simple_value == 5.0


def test_summary_description() -> None:
    node = tf.NodeDef(op="TensorSummary")
    node.attr["description"].s = b'{"typeHint": "scalar"}'
    assert tf.summary.get_summary_description(node).type_hint == "scalar"
    with pytest.raises(ValueError, match="Can't get_summary_description on Const"):
        tf.summary.get_summary_description(tf.constant(1).op.node_def)


def test_a_summary_of_what_is_not_fed_says_so() -> None:
    text, v = tf.placeholder(tf.string, [], name="text"), tf.Variable(1.0)
    joined = tf.string_join([text, tf.as_string(v)])
    assign = tf.assign(v, 2.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run([joined, assign], {text: "a"}) == [b"a1.000000", 2.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value for placeholder tensor 'text'"):
            sess.run([joined, assign])
