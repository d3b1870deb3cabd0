"""Small things of TF's inside: labels of kernels, versions of graphs, shapes of TensorProtos."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.compat import test_ops as inner_ops
from retrograph.compat.internals import get_stats_for_node_def
from retrograph.compat.tensor_forms import ShapeEquals
from retrograph.framework.apply import apply_op
from retrograph.platform.test_util import set_producer_version


def test_labels_choose_the_kernel():
    assert inner_ops._op_def_lib is not None
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        plain = apply_op("KernelLabel", None)
        with graph._kernel_label_map({"KernelLabel": "overload_1"}):
            labelled = apply_op("KernelLabel", None)
        assert sess.run([plain, labelled]) == [b"My label is: default", b"My label is: overload_1"]
        with pytest.raises(ValueError, match="Shape must be rank 1 but is rank 0"):
            apply_op("KernelLabelRequired", None, input=1)


def test_graphs_of_an_older_version():
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        assert sess.run(apply_op("GraphDefVersion", None)) == graph.graph_def_versions.producer
        set_producer_version(graph, 7)
        assert graph.as_graph_def().versions.producer == 7


def test_shapes_of_tensor_protos():
    proto = tf.make_tensor_proto([1, 2, 3, 4], shape=[2, 2])
    assert ShapeEquals(proto, [2, 2]) and ShapeEquals(proto, tf.TensorShape([2, 2]).as_proto())
    assert not ShapeEquals(proto, (4,))
    with pytest.raises(TypeError, match=r"not a tensor_pb2\.TensorProto"):
        ShapeEquals([1], [1])
    with pytest.raises(TypeError, match="not a list, tuple or TensorShape"):
        ShapeEquals(proto, 4)


def test_float_operations_of_a_node():
    with tf.Graph().as_default() as graph:
        product = tf.matmul(tf.zeros([25, 16]), tf.zeros([16, 9]))
        other = tf.matmul(tf.placeholder(tf.float32, [None, 16]), tf.zeros([16, 9]))
    assert get_stats_for_node_def(graph, product.op.node_def, "flops").value == 2 * 25 * 16 * 9
    assert get_stats_for_node_def(graph, other.op.node_def, "flops").value is None
    assert get_stats_for_node_def(graph, product.op.node_def, "weights").value is None
