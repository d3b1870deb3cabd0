"""How tf.test.assert_equal_graph_def tells two graphs apart, and the devices of a session."""

from __future__ import annotations

import re
from typing import Any

import pytest

import retrograph as tf


def _graph(**values: Any) -> Any:
    with tf.Graph().as_default() as graph:
        for name, value in values.items():
            tf.constant(value, name=name)
    return graph.as_graph_def()


def test_the_order_of_nodes_does_not_matter() -> None:
    tf.test.assert_equal_graph_def(_graph(five=5, seven=7), _graph(seven=7, five=5))


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        ({"five": 5, "seven": 7}, {}, "Found unexpected node '{{node seven}} = Const[dtype=DT_INT32, "),
        ({}, {"five": 5}, "Did not find expected node '{{node five}} = Const[dtype=DT_INT32, "),
        ({"five": 5}, {"five": 6}, "Node named 'five' has attr 'value' with value: "),
        ({"five": 5.0}, {"five": 6}, "Node named 'five' has attr 'dtype' with value: "),
    ],
)
def test_the_first_difference_is_told(actual: dict[str, Any], expected: dict[str, Any], text: str) -> None:
    with pytest.raises(AssertionError, match="^" + re.escape(text)):
        tf.test.assert_equal_graph_def(_graph(**actual), _graph(**expected))


def test_only_graph_defs_are_compared() -> None:
    with pytest.raises(TypeError, match=r"Expected tf.GraphDef for actual, got Graph"):
        tf.test.assert_equal_graph_def(tf.Graph(), _graph())


def test_names_of_parts_of_checkpoints_are_random() -> None:
    texts = ["_temp_" + letter * 32 + "/part" for letter in "ab"]
    with pytest.raises(AssertionError, match=r"^Node named 'part' has attr 'value'"):
        tf.test.assert_equal_graph_def(_graph(part=texts[0]), _graph(part=texts[1]))
    tf.test.assert_equal_graph_def(_graph(part=texts[0]), _graph(part=texts[1]), checkpoint_v2=True)


def test_devices_of_a_session_have_incarnations() -> None:
    with tf.Session(graph=tf.Graph()) as sess:
        cpu = sess.list_devices()[0]
    assert (cpu.device_type, cpu.memory_limit_bytes) == ("CPU", 268_435_456)
    assert cpu.incarnation != 0
