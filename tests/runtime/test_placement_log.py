"""What `log_device_placement` writes, and what `tf.config` tells sessions that have no config of their own."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.runtime import config


@pytest.fixture(autouse=True)
def _process(monkeypatch):
    monkeypatch.setattr(config, "process_settings", {})
    monkeypatch.setattr("retrograph.compat.config._values", config.process_settings)
    with tf.Graph().as_default():
        yield


def _lines(capsys) -> list[str]:
    return [
        line.replace("/job:localhost/replica:0/task:0/device:", "") for line in capsys.readouterr().out.splitlines()
    ]


def _logging(**fields) -> tf.ConfigProto:
    return tf.ConfigProto(log_device_placement=True, allow_soft_placement=True, **fields)


def test_sources_come_last_and_new_operations_write_all_again(capsys):
    a = tf.constant(1.0, name="a")
    with tf.device("/cpu:1"):
        c = tf.add(a, tf.placeholder(tf.float32, name="p"), name="c")
    with tf.device("/cpu:0"):
        v = tf.Variable(a, name="v")
    with tf.Session(config=_logging(device_count={"CPU": 2})) as session:
        assert _lines(capsys)[0].startswith("Device mapping:")
        session.run(v.initializer)
        first = _lines(capsys)
        session.run([a])
        assert _lines(capsys) == []
        session.run(tf.identity(a, name="d"))
        again = _lines(capsys)
    assert first[0] == "c: (Add): CPU:1" or first[0] == "c: (AddV2): CPU:1"
    assert "v: (VariableV2): CPU:0" in first and "v/read: (Identity): CPU:0" in first
    assert [line.partition(":")[0] for line in first[-2:]] == ["a", "p"]
    assert c.name == "c:0" and len(again) == len(first) + 1


def test_what_runs_alone_is_written_where_only_it_is_placed(capsys):
    a = tf.constant(1.0, name="a")
    _ = a * 2.0
    graph_options = tf.GraphOptions(place_pruned_graph=True)
    with tf.Session(config=_logging(graph_options=graph_options)) as session:
        capsys.readouterr()
        session.run(a)
    assert [line.partition(":")[0] for line in _lines(capsys)] == ["a"]


def test_nothing_is_written_unless_asked_for(capsys):
    with tf.Session() as session:
        session.run(tf.constant(1.0))
    assert capsys.readouterr().out == ""


def test_sessions_without_a_config_take_what_the_process_set(capsys):
    tf.config.set_soft_device_placement(True)
    tf.debugging.set_log_device_placement(True)
    tf.config.optimizer.set_jit(True)
    tf.config.optimizer.set_experimental_options({"min_graph_nodes": -1, "constant_folding": False, "unheard_of": 1})
    with tf.device("/gpu:3"):
        a = tf.constant(1.0, name="a")
    with tf.Session() as session:
        assert session.run(a) == 1.0
    assert _lines(capsys)[-1].startswith("a: (Const): ")
    graph_options = session._config.graph_options
    assert graph_options.rewrite_options.min_graph_nodes == -1
    assert graph_options.rewrite_options.constant_folding == 2
    assert graph_options.optimizer_options.global_jit_level == 1
    with (
        tf.Session(config=tf.ConfigProto()) as session,
        pytest.raises(tf.errors.InvalidArgumentError, match="Cannot assign"),
    ):
        session.run(a)


def test_an_interactive_session_takes_none_of_it():
    tf.config.set_soft_device_placement(True)
    session = tf.InteractiveSession()
    assert not session._config.allow_soft_placement
    assert session._config.gpu_options.allow_growth and session._config.graph_options.place_pruned_graph
    session.close()


def test_values_of_a_wrong_type_are_refused_by_the_session():
    tf.config.threading.set_intra_op_parallelism_threads("many")
    with pytest.raises(TypeError, match="'many' has type str, but expected one of: int"):
        tf.Session()


def test_two_options_of_the_optimizer_always_have_a_value():
    assert tf.config.optimizer.get_experimental_options() == {
        "disable_model_pruning": False,
        "disable_meta_optimizer": False,
    }
