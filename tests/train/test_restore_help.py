"""An error of restoring says all at once what does not fit, and the line to type works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf
from retrograph.checkpoint.writing import write_checkpoint

SHAPES = {"conv/kernel": (3, 2), "conv/bias": (2,), "dense/kernel": (4, 1), "dense/bias": (1,)}


def _saved(tmp_path: Path, names: dict[str, tuple[int, ...]]) -> str:
    path = str(tmp_path / "m")
    write_checkpoint(path, {name: np.full(shape, len(name), np.float32) for name, shape in names.items()})
    return path


def _refusal(path: str, names: dict[str, tuple[int, ...]], resource: bool = False) -> str:
    for name, shape in names.items():
        tf.get_variable(name, shape, use_resource=resource, initializer=tf.zeros_initializer())
    with tf.Session() as session, pytest.raises((tf.errors.NotFoundError, tf.errors.InvalidArgumentError)) as caught:
        tf.train.Saver().restore(session, path)
    return str(caught.value)


def _try(path: str, text: str) -> None:
    """Runs the line after "Restore with"."""
    found = re.search(r"Restore with (tf\.train\.Saver\(.*\))$", text, re.MULTILINE)
    assert found, text
    with tf.Session() as session:
        eval(found[1], {"tf": tf}).restore(session, path)
        for v in tf.global_variables():
            assert session.run(v).min() > 0


@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize(("here", "there"), [("net/", ""), ("", "net/"), ("a/new/", "old/")])
def test_a_prefix(tmp_path: Path, here: str, there: str, resource: bool) -> None:
    path = _saved(tmp_path, {there + n: s for n, s in SHAPES.items()})
    text = _refusal(path, {here + n: s for n, s in SHAPES.items()}, resource)
    assert f"Names differ by a prefix: {here!r} in the graph, {there!r} in the checkpoint" in text
    assert f"tf.train.init_from_checkpoint({path!r}, {{{there or '/'!r}: {here or '/'!r}}})" in text
    assert f"Not in the checkpoint (4 of 4): {here}conv/bias, " in text
    assert f"In the checkpoint and not asked for (4): {there}conv/bias, " in text
    _try(path, text)


@pytest.mark.parametrize(("here", "there"), [("", "/ExponentialMovingAverage"), ("_1", "")])
def test_a_suffix(tmp_path: Path, here: str, there: str) -> None:
    path = _saved(tmp_path, {n + there: s for n, s in SHAPES.items()})
    text = _refusal(path, {n + here: s for n, s in SHAPES.items()})
    assert f"Names differ by a suffix: {here!r} in the graph, {there!r} in the checkpoint" in text
    _try(path, text)


def test_a_scope_inside(tmp_path: Path) -> None:
    path = _saved(tmp_path, {f"{net}/old/{n}": s for net in "ab" for n, s in SHAPES.items()})
    text = _refusal(path, {f"{net}/new/{n}": s for net in "ab" for n, s in SHAPES.items()})
    assert "Names differ by a scope: 'new' in the graph, 'old' in the checkpoint" in text
    _try(path, text)


def test_one_that_is_missing(tmp_path: Path) -> None:
    path = _saved(tmp_path, {"dense/kernels": (4, 1), **{n: s for n, s in SHAPES.items() if n != "dense/kernel"}})
    text = _refusal(path, SHAPES)
    assert "Key dense/kernel not found in checkpoint" in text
    assert "Not in the checkpoint (1 of 4): dense/kernel\n" in text
    assert "In the checkpoint and not asked for (1): dense/kernels\n" in text
    assert "Near 'dense/kernel': 'dense/kernels'" in text
    assert "tf.train.load_checkpoint(" in text


def test_shapes_that_differ(tmp_path: Path) -> None:
    text = _refusal(_saved(tmp_path, {**SHAPES, "conv/bias": (5,), "dense/bias": (7,)}), SHAPES)
    assert (
        "Other shapes (2 of 4): conv/bias: [2] in the graph, [5] in the checkpoint, dense/bias: [1] in the graph"
        in text
    )


def test_shapes_and_names_at_once(tmp_path: Path) -> None:
    text = _refusal(_saved(tmp_path, {"conv/kernel": (9, 9), "other": (1,)}), SHAPES)
    assert "Not in the checkpoint (3 of 4)" in text and "(1): other" in text
    assert "Other shapes (1 of 4): conv/kernel: [3, 2] in the graph, [9, 9] in the checkpoint" in text


def test_slots_of_an_optimizer(tmp_path: Path) -> None:
    path = _saved(tmp_path, SHAPES)
    variables = [tf.get_variable(n, s, initializer=tf.ones_initializer()) for n, s in SHAPES.items()]
    tf.train.AdamOptimizer().minimize(tf.add_n([tf.reduce_sum(v) for v in variables]))
    with tf.Session() as session:
        with pytest.raises(tf.errors.NotFoundError) as caught:
            tf.train.Saver().restore(session, path)
        text = str(caught.value)
        assert "Not in the checkpoint (10 of 14): beta1_power, beta2_power, conv/bias/Adam, conv/bias/Adam_1" in text
        assert "All that is in the checkpoint was asked for." in text
        found = re.search(r"initialize the rest: (tf\.train\.Saver\(.*\))$", text, re.MULTILINE)
        assert found
        session.run(tf.global_variables_initializer())
        eval(found[1], {"tf": tf}).restore(session, path)
        assert session.run(variables[0]).min() > 1
