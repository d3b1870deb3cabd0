"""`tf.profiler`: counts and reports as TF 1.15 gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

PARAMETERS = """_TFProfRoot (--/437 params)
  net (--/437 params)
    net/conv (--/112 params)
      net/conv/bias (4, 4/4 params)
      net/conv/kernel (3x3x3x4, 108/108 params)
    net/deep (--/325 params)
      net/deep/fc (--/325 params)
        net/deep/fc/bias (5, 5/5 params)
        net/deep/fc/kernel (64x5, 320/320 params)
"""
KINDS = """Conv2D                   27.65k float_ops (100.00%, 89.45%)
MatMul                   1.28k float_ops (10.55%, 4.14%)
BiasAdd                    522 float_ops (6.41%, 1.69%)
MaxPool                    512 float_ops (4.72%, 1.66%)
Add                        437 float_ops (3.06%, 1.41%)
Mul                        437 float_ops (1.65%, 1.41%)
Softmax                     50 float_ops (0.24%, 0.16%)
Mean                        10 float_ops (0.07%, 0.03%)
Pow                         10 float_ops (0.04%, 0.03%)
Sub                          3 float_ops (0.01%, 0.01%)
"""


@pytest.fixture
def graph() -> Any:
    with tf.Graph().as_default() as made:
        x = tf.placeholder(tf.float32, [2, 8, 8, 3])
        with tf.variable_scope("net"):
            h = tf.layers.conv2d(x, 4, 3, name="conv", activation=tf.nn.relu, padding="same")
            h = tf.layers.max_pooling2d(h, 2, 2, name="pool")
            with tf.variable_scope("deep"):
                h = tf.layers.dense(tf.layers.flatten(h), 5, name="fc")
        tf.reduce_mean(tf.nn.softmax(h) ** 2)
        tf.get_variable("frozen", [3, 3], trainable=False)
        yield made


def report(graph: Any, options: dict[str, Any], path: Path, cmd: str = "scope") -> tuple[Any, str]:
    options["output"] = f"file:outfile={path}"
    found = tf.profiler.profile(graph, options=options, cmd=cmd)
    return found, path.read_text().partition("Profile:\n")[2].partition("\n")[2]


def test_parameters(graph: Any, tmp_path: Path) -> None:
    options = tf.profiler.ProfileOptionBuilder.trainable_variables_parameter()
    found, text = report(graph, options, tmp_path / "r")
    assert (found.name, found.total_parameters, text) == ("_TFProfRoot", 437, PARAMETERS)
    assert [c.name for c in found.children[0].children] == ["net/conv", "net/deep"]


def test_float_operations(graph: Any, tmp_path: Path) -> None:
    options = tf.profiler.ProfileOptionBuilder.float_operation()
    found, text = report(graph, options, tmp_path / "r")
    assert found.total_float_ops == 30909
    assert text.startswith("_TFProfRoot (--/30.91k flops)\n  net/conv/Conv2D (27.65k/27.65k flops)\n")
    found, text = report(graph, options, tmp_path / "r", cmd="op")
    assert (type(found).__name__, found.total_float_ops, text) == ("MultiGraphNodeProto", 30909, KINDS)
    assert found.children[0].children[0].name == "MatMul"
    assert [n.name for n in found.children[0].graph_nodes] == ["net/conv/Conv2D"]


def test_report_on_the_standard_output(graph: Any, capsys: Any) -> None:
    assert tf.profiler.profile(graph).total_parameters == 437
    text = capsys.readouterr().out
    assert "-account_type_regexes       _trainable_variables\n" in text
    assert "==================Model Analysis Report======================\n" in text and PARAMETERS in text


def test_unknown_sizes_are_left_out() -> None:
    with tf.Graph().as_default() as graph:
        tf.layers.dense(tf.placeholder(tf.float32, [None, 3]), 5)
        options = tf.profiler.ProfileOptionBuilder(tf.profiler.ProfileOptionBuilder.float_operation())
        found = tf.profiler.Profiler(graph).profile_name_scope(options.with_empty_output().build())
    assert found.total_float_ops == 31


@pytest.mark.parametrize(
    ("given", "words"),
    [({"cmd": "code"}, "cmd='code'"), ({"options": tf.profiler.ProfileOptionBuilder.time_and_memory()}, "select")],
)
def test_what_is_not_there_says_so(graph: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(tf.errors.UnimplementedError, match=words):
        tf.profiler.profile(graph, **given)
