"""`optimize_for_inference_lib`: the nodes that TensorFlow 1.15.5 leaves, and the same values."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf
from retrograph.ops.raw import raw
from retrograph.saved import inference

RANDOM = np.random.RandomState(0)


def _random(*shape):
    return tf.constant(RANDOM.randn(*shape).astype("f"))


def _batch_norms(x):
    y = tf.nn.conv2d(x, _random(3, 3, 3, 4), [1, 1, 1, 1], "SAME", name="c")
    variance = tf.constant(np.abs(RANDOM.randn(4)).astype("f"))
    y = tf.nn.fused_batch_norm(y, _random(4), _random(4), _random(4), variance, is_training=False, name="bn")[0]
    y = tf.nn.depthwise_conv2d(
        tf.nn.relu(tf.identity(y), name="r"), _random(2, 2, 4, 2), [1, 1, 1, 1], "VALID", name="d"
    )
    variance = tf.constant(np.abs(RANDOM.randn(8)).astype("f"))
    rest = (_random(8), variance, _random(8), _random(8))
    return raw(
        "BatchNormWithGlobalNormalization", y, *rest, variance_epsilon=0.01, scale_after_normalization=True, name="g"
    )


def _resized_and_padded(x):
    y = tf.pad(tf.image.resize_bilinear(x, [9, 9]), [[0, 0], [1, 1], [2, 2], [0, 0]], mode="REFLECT")
    return tf.nn.conv2d(y, _random(3, 3, 3, 4), [1, 2, 2, 1], "VALID", name="c")


def _padded(x):
    y = tf.pad(x, [[0, 0], [1, 1], [2, 2], [0, 0]], mode="SYMMETRIC")
    return tf.nn.conv2d(y, _random(3, 3, 3, 4), [1, 2, 2, 1], "SAME", name="c")


def _resized(x):
    y = tf.image.resize_bilinear(x, [9, 5], align_corners=True)
    return tf.nn.conv2d(y, _random(3, 3, 3, 4), [1, 1, 1, 1], "VALID", name="c")


WANTED = {
    _batch_norms: [
        "x Placeholder", "r Relu bn", "fin Relu g", "Const Const", "c Conv2D x Const", "c_bn_offset Const",
        "bn BiasAdd c c_bn_offset", "Const_5 Const", "d DepthwiseConv2dNative r Const_5", "d_bn_offset Const",
        "g BiasAdd d d_bn_offset",
    ],
    _resized_and_padded: [
        "x Placeholder", "ResizeBilinear/size Const", "MirrorPad/paddings Const", "Const Const", "fin Relu c",
        "c FusedResizeAndPadConv2D x ResizeBilinear/size MirrorPad/paddings Const",
    ],
    _padded: ["x Placeholder", "MirrorPad/paddings Const", "Const Const", "fin Relu c",
              "c FusedPadConv2D x MirrorPad/paddings Const"],
    _resized: ["x Placeholder", "ResizeBilinear/size Const", "Const Const", "fin Relu c", "c_dummy_paddings Const",
               "c FusedResizeAndPadConv2D x ResizeBilinear/size c_dummy_paddings Const"],
}  # fmt: skip


def _run(graph_def, x):
    with tf.Graph().as_default(), tf.Session() as session:
        (fetched,) = tf.import_graph_def(graph_def, return_elements=["fin:0"], name="")
        return fetched.shape.as_list(), session.run(fetched, {"x:0": x})


def _graph(build):
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 6, 6, 3], name="x")
        tf.nn.relu(tf.identity(build(x)), name="fin")
        made = graph.as_graph_def()
    for node in made.node:
        if (
            node.op == "FusedBatchNormV3"
        ):  # graphs of 1.15's predecessors have the first version, which is the one that is folded
            node.op = "FusedBatchNorm"
            del node.attr["U"]
    return made


@pytest.mark.parametrize("build", WANTED)
def test_same_values_of_fewer_nodes(build):
    given = _graph(build)
    made = inference.optimize_for_inference(given, ["x"], ["fin"], tf.float32.as_datatype_enum)
    x = RANDOM.randn(2, 6, 6, 3)
    (shape, wanted), (found_shape, found) = _run(given, x), _run(made, x)
    assert shape == found_shape
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", WANTED)
def test_nodes(build):
    made = inference.optimize_for_inference(_graph(build), ["x"], ["fin"], tf.float32.as_datatype_enum)
    assert [" ".join([node.name, node.op, *node.input]) for node in made.node] == WANTED[build]
    plain = inference.optimize_for_inference(_graph(build), ["x"], ["fin"], tf.float32.as_datatype_enum, True)
    assert "Conv2D" in {node.op for node in plain.node}


def test_faulty_graphs():
    node = tf.NodeDef(name="a", op="NoOp")
    with pytest.raises(ValueError, match="Duplicate node names"):
        inference.ensure_graph_is_valid(tf.GraphDef(node=[node, tf.NodeDef(name="a", op="NoOp")]))
    with pytest.raises(ValueError, match="not found"):
        inference.ensure_graph_is_valid(tf.GraphDef(node=[tf.NodeDef(name="b", op="Identity", input=["a:1"])]))
    with pytest.raises(ValueError, match="should be a Const op"):
        inference.values_from_const(node)
    assert inference.node_name_from_input("^a/b") == inference.node_name_from_input("a/b:3") == "a/b"
