"""Names of TF's inside that public programs take: a native event writer, a streaming confusion matrix, documented names."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat.resolve import find
from retrograph.io.records import read_records


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_native_writer_of_events(tmp_path):
    writer = find("tensorflow.python.pywrap_tensorflow", "EventsWriter")(str(tmp_path / "run").encode())
    name = writer.FileName().decode()
    assert name.startswith(str(tmp_path / "run.out.tfevents."))
    value = tf.Summary.Value(tag="reward", simple_value=2.5)
    writer.WriteEvent(tf.Event(wall_time=1.0, step=7, summary=tf.Summary(value=[value])))
    with pytest.raises(TypeError, match=r"Expected an event_pb2.Event proto"):
        writer.WriteEvent(3)
    writer.Flush()
    events = [tf.Event.FromString(data) for data in read_records(name)]
    assert events[0].file_version == "brain.Event:2"
    assert (events[1].step, events[1].summary.value[0].simple_value, len(events)) == (7, 2.5, 2)
    writer.InitWithSuffix(b".eval")
    assert writer.FileName().endswith(b".eval")
    writer.Close()


def test_native_writer_wants_bytes(tmp_path):
    writer = find("tensorflow.python.pywrap_tensorflow", "EventsWriter")
    with pytest.raises(TypeError, match="expected bytes, str found"):
        writer(str(tmp_path))


def test_streaming_confusion_matrix():
    made = find("tensorflow.python.ops.metrics_impl", "_streaming_confusion_matrix")
    total, update = made(tf.constant([[0, 1], [2, 2]]), tf.constant([[0, 1], [1, 2]]), 3, weights=None)
    assert tf.local_variables()[0].name == "total_confusion_matrix:0"
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        session.run(update)
        np.testing.assert_array_equal(session.run(total), [[1, 0, 0], [0, 1, 0], [0, 1, 1]])


def test_zero_states():
    zeros = find("tensorflow.python.ops.rnn_cell_impl", "_zero_state_tensors")((3, 4), tf.constant(2), tf.float32)
    assert [state.shape.as_list() for state in zeros] == [[2, 3], [2, 4]]


def test_collections_of_a_variable():
    find_collections = find("tensorflow.contrib.layers.python.layers.utils", "get_variable_collections")
    assert find_collections({"weights": ["a"]}, "weights") == ["a"]
    assert find_collections({"weights": ["a"]}, "biases") is None
    assert find_collections(["b"], "biases") == ["b"]


def test_operators_of_tensors():
    operators = tf.Tensor.OVERLOADABLE_OPERATORS
    assert len(operators) == 34
    assert {"__getitem__", "__eq__", "__div__", "__rmatmul__"} <= operators
    assert all(hasattr(tf.Tensor, name) for name in operators)


def test_names_without_documentation(monkeypatch):
    module = types.ModuleType("documented_module", "Layers.\n\n@@dense\n@@missing\n")
    module.dense, module.helper, module.kept, module._own = 1, 2, 3, 4
    monkeypatch.setitem(sys.modules, "documented_module", module)
    inside = "tensorflow.python.util.all_util"
    assert find(inside, "make_all")("documented_module") == ["dense"]
    find(inside, "remove_undocumented")("documented_module", ["kept"])
    assert {"dense", "kept", "_own"} <= set(vars(module))
    assert not hasattr(module, "helper")
    reveal = find(inside, "reveal_undocumented")
    reveal("documented_module.helper")
    assert module.helper == 2
    with pytest.raises(LookupError, match="is not a hidden symbol"):
        reveal("documented_module.nothing")
