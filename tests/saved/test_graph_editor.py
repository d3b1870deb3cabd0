"""tf.contrib.graph_editor: selecting, copying, connecting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

ge: Any = tf.contrib.graph_editor


def _chain() -> tuple[Any, Any, Any]:
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.name_scope("part"):
        y = tf.identity(x * 2.0, name="y")
    return x, y, tf.add(y, 1.0, name="z")


def _run(fetch: Any, feeds: Any) -> Any:
    with tf.Session() as sess:
        return sess.run(fetch, feeds)


def test_what_lies_between_is_computed_from_something_else() -> None:
    x, y, z = _chain()
    other = tf.constant([10.0, 20.0])
    (new,) = ge.graph_replace([z], {x: other}, dst_scope="copy")
    assert new.op.name == "copy/z"
    assert _run(new, {}).tolist() == [21.0, 41.0]
    assert _run(ge.graph_replace(z, {y: other}), {}).tolist() == [11.0, 21.0]
    with pytest.raises(ValueError, match="Targets and replacements are not connected!"):
        ge.graph_replace(other, {z: other})


def test_loops_are_copied_whole() -> None:
    x = tf.constant(1.0)
    _, y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, x])
    new = ge.graph_replace(y, {x: tf.constant(5.0)}, dst_scope="copy")
    assert _run([y, new], {}) == [8.0, 40.0]


def test_views_and_copies() -> None:
    _x, _, _ = _chain()
    view = ge.sgv_scope("part", graph=tf.get_default_graph())
    assert [op.name for op in view.ops] == ["part/mul/y", "part/mul", "part/y"]
    assert [t.name for t in view.inputs] == ["x:0"]
    copied, info = ge.copy(view, dst_scope="again")
    assert info.transformed(view.op(1)).name == "again/part/mul"
    assert info.original(copied.op(1)) is view.op(1)
    assert _run(copied.outputs[-1], {"again/geph__x_0:0": [1.0, 2.0]}).tolist() == [2.0, 4.0]
    other = tf.Graph()
    _, info = ge.copy(view, dst_graph=other)
    assert [op.name for op in other.get_operations()] == ["part/mul/y", "geph__x_0", "part/mul", "part/y"]
    with pytest.raises(TypeError, match=r"Expected a tf.Graph"):
        ge.copy(view, dst_graph=3)


def test_walks_and_filters() -> None:
    x, y, z = _chain()
    graph = tf.get_default_graph()
    assert [op.name for op in ge.get_backward_walk_ops(z.op)] == ["z", "part/y", "z/y", "part/mul", "x", "part/mul/y"]
    assert [op.name for op in ge.get_forward_walk_ops(x.op)] == ["x", "part/mul", "part/y", "z"]
    assert ge.get_forward_walk_ops(x.op, stop_at_ts=[y], inclusive=False) == [
        graph.get_operation_by_name(n) for n in ("part/mul", "part/y")
    ]
    between = ge.get_walks_intersection_ops([x.op], [y.op])
    assert [op.name for op in between] == ["x", "part/mul", "part/y"]
    assert [op.name for op in ge.select_ops("^part/", graph=graph)] == ["part/mul/y", "part/mul", "part/y"]
    assert [t.name for t in ge.select_ts("(?#ts)^z", graph=graph)] == ["z/y:0", "z:0"]
    with pytest.raises(ValueError, match="Use the keyword argument 'graph' to use regex"):
        ge.select_ops("a")
    with pytest.raises(ValueError, match="Wrong keywords argument: wrong"):
        ge.select_ops(x.op, wrong=1)


def test_connections_change() -> None:
    _x, y, z = _chain()
    a, b = tf.constant([1.0, 1.0], name="a"), tf.constant([3.0, 3.0], name="b")
    assert ge.reroute_ts(a, y) == 1
    assert _run(z, {}).tolist() == [2.0, 2.0]
    assert ge.swap_ts([a], [b]) == 1
    assert _run(z, {}).tolist() == [4.0, 4.0]
    with pytest.raises(ValueError, match="Dtypes"):
        ge.reroute_ts(tf.constant([1, 2]), y)
    with pytest.raises(ValueError, match="Shapes"):
        ge.reroute_ts(tf.constant([1.0]), y)
    with pytest.raises(ValueError, match="different sizes: 2 != 1"):
        ge.reroute_ts([a, b], [y])


def test_parts_are_taken_out_and_put_elsewhere() -> None:
    x, y, z = _chain()
    _view, inputs, outputs = ge.detach(ge.sgv(z.op))
    assert [t.op.type for t in inputs] == ["Placeholder"] * 2 and outputs == []
    feeds = dict(zip(inputs, ([5.0, 6.0], np.float32(1.0)), strict=True))
    assert _run(z, feeds).tolist() == [6.0, 7.0]
    ge.connect(ge.sgv(y.op), ge.sgv(z.op).remap_inputs([0]))
    assert _run(z, {x: [1.0, 2.0], inputs[1]: 1.0}).tolist() == [3.0, 5.0]


def test_waiting_for_others() -> None:
    x, _, z = _chain()
    ge.add_control_inputs(z.op, x.op)
    assert list(ge.ControlOutputs(tf.get_default_graph()).get(x.op)) == [z.op]
    with pytest.raises(ValueError, match="x is already a control_input of z"):
        ge.add_control_inputs(z.op, x.op)
    ge.remove_control_inputs(z.op, x.op)
    assert z.op.control_inputs == []
