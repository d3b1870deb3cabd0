"""`tf.contrib.summary`: writers in a session, and operations that write when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

summary = tf.contrib.summary


def _events(directory: Path) -> list[Any]:
    files = sorted(directory.glob("events.out.tfevents.*"))
    return [event for file in files for event in tf.train.summary_iterator(str(file))]


def _tags(directory: Path) -> list[str]:
    return [value.tag for event in _events(directory) for value in event.summary.value]


def test_operations_are_those_of_tensorflow(tmp_path: Path) -> None:
    tf.train.get_or_create_global_step()
    writer = summary.create_file_writer(str(tmp_path), max_queue=0)
    with writer.as_default(), summary.always_record_summaries(), tf.name_scope("s"):
        made = summary.scalar("x", 1.5, family="f")
    types = [(op.type, op.name, [t.name for t in op.inputs]) for op in tf.get_default_graph().get_operations()]
    assert types[-6:-1] == [
        ("Const", "s/f/x/Identity/input", []),
        ("Identity", "s/f/x/Identity", ["s/f/x/Identity/input:0"]),
        ("Const", "s/f/x/tag", []),
        ("WriteScalarSummary", "s/f/x", ["SummaryWriter:0", "global_step/read:0", "s/f/x/tag:0", "s/f/x/Identity:0"]),
        ("Const", "s/f/x/Const", []),
    ]
    assert types[-1] == ("FlushSummaryWriter", "FlushSummaryWriter", ["SummaryWriter:0"])
    assert made.name == "s/f/x/Const:0" and summary.all_summary_ops() == [made]
    assert writer._resource.op.get_attr("shared_name") == f"logdir:{tmp_path}".encode()


def test_what_is_written(tmp_path: Path) -> None:
    step = tf.train.get_or_create_global_step()
    with summary.create_file_writer(str(tmp_path), max_queue=0).as_default(), summary.always_record_summaries():
        summary.scalar("s", 2, step=7)
        summary.histogram("h", [1.0, 2.0])
        summary.image("i", np.ones([1, 2, 2, 1], np.float32))
        summary.audio("a", np.zeros([1, 4], np.float32), 100.0, 2)
        summary.generic("g", [1, 2], metadata=tf.SummaryMetadata(display_name="d"))
        imported = summary.import_event(tf.Event(step=99).SerializeToString())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(summary.summary_writer_initializer_op())
        sess.run(tf.assign(step, 3))
        assert all(sess.run(summary.all_summary_ops()))
        sess.run(imported)
    found = {value.tag: (event.step, value) for event in _events(tmp_path) for value in event.summary.value}
    assert sorted(found) == ["a/audio/0", "g", "h", "i/image/0", "s"]
    assert found["s"][0] == 7 and found["s"][1].simple_value == 2.0 and found["h"][0] == 3
    assert found["h"][1].histo.sum == 3.0 and found["i/image/0"][1].image.width == 2
    assert found["g"][1].metadata.display_name == "d" and found["g"][1].tensor.dtype == 3
    assert _events(tmp_path)[-1].step == 99


def test_recording_every_n_steps(tmp_path: Path) -> None:
    step = tf.train.get_or_create_global_step()
    with summary.create_file_writer(str(tmp_path), max_queue=0).as_default():
        with summary.record_summaries_every_n_global_steps(2):
            written = summary.scalar("x", step)
        with summary.never_record_summaries():
            never = summary.scalar("never", 1.0)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(summary.summary_writer_initializer_op())
        seen = []
        for _ in range(4):
            seen.append(bool(sess.run(written)))
            assert not sess.run(never)
            sess.run(tf.assign_add(step, 1))
    assert seen == [True, False, True, False] and _tags(tmp_path) == ["x", "x"]


def test_summaries_in_a_branch_are_run_by_its_result(tmp_path: Path) -> None:
    pred = tf.placeholder(tf.bool)
    with summary.create_file_writer(str(tmp_path), max_queue=0).as_default(), summary.always_record_summaries():

        def taken() -> Any:
            summary.scalar("inside", 1.0, step=1)
            return tf.constant(1)

        result = tf.cond(pred, taken, lambda: tf.constant(2))
        assert summary.all_summary_ops() == []
    with tf.Session() as sess:
        sess.run(summary.summary_writer_initializer_op())
        assert sess.run(result, {pred: False}) == 2 and _tags(tmp_path) == []
        assert sess.run(result, {pred: True}) == 1 and _tags(tmp_path) == ["cond/inside"]


def test_queue_flush_close_and_names(tmp_path: Path) -> None:
    writer = summary.create_file_writer(str(tmp_path), max_queue=100, flush_millis=10**6)
    with writer.as_default(), summary.always_record_summaries():
        written = summary.scalar("x", 1.0, step=1)
    with tf.Session() as sess:
        with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
            sess.run(written)
        sess.run(writer.init())
        sess.run(writer.init())
        sess.run(written)
        assert _tags(tmp_path) == []
        sess.run(writer.flush())
        assert _tags(tmp_path) == ["x"]
        sess.run(written)
        sess.run(writer.close())
        assert _tags(tmp_path) == ["x", "x"]
        with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
            sess.run(writer.flush())
        sess.run(writer.init())
        sess.run(written)
        sess.run(writer.close())
    assert _tags(tmp_path) == ["x"] * 3 and len(list(tmp_path.iterdir())) == 2


def test_initialize_writes_the_graph(tmp_path: Path) -> None:
    tf.train.get_or_create_global_step()
    with pytest.raises(RuntimeError, match=r"No default tf.contrib.summary.SummaryWriter found"):
        tf.summary.initialize()
    with summary.create_file_writer(str(tmp_path), max_queue=0).as_default():
        with pytest.raises(ValueError, match="session must be passed if no default session exists"):
            tf.summary.initialize()
        with tf.Session() as sess:
            tf.summary.initialize(tf.get_default_graph(), sess)
    assert tf.GraphDef.FromString(_events(tmp_path)[1].graph_def).node[0].name.startswith("global_step")


def test_without_a_writer_nothing_is_written() -> None:
    assert summary.scalar("x", 1.0).type == "NoOp" and summary.flush().type == "NoOp"
    assert summary.create_file_writer(None).init() is None
    with pytest.raises(TypeError, match=r"graph\(\) needs a tf.Tensor"):
        summary.graph("text")


def test_failures(tmp_path: Path) -> None:
    with summary.create_file_writer(str(tmp_path), max_queue=0).as_default(), summary.always_record_summaries():
        nan = summary.histogram("v", [float("nan")], step=0)
        flat = summary.image("i", np.ones([2, 2], np.float32), step=0)
        event = summary.import_event(b"zz\xff")
    database = summary.create_db_writer("file:x", name="db")
    with tf.Session() as sess:
        sess.run(summary.summary_writer_initializer_op()[0])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Nan in summary histogram for: v"):
            sess.run(nan)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Tensor must be 4-D with last dim 1, 3, or 4"):
            sess.run(flat)
        with pytest.raises(tf.errors.DataLossError, match=r"Bad tf.Event binary proto tensor string"):
            sess.run(event)
        with pytest.raises(tf.errors.UnimplementedError, match="databases"):
            sess.run(database.init())
    with pytest.raises(ValueError, match=r"run_name .* must match"):
        summary.create_db_writer("file:x", run_name="<a>")
    assert _tags(tmp_path) == []


def test_a_file_writer_through_a_session(tmp_path: Path) -> None:
    with tf.Session() as sess:
        one = tf.summary.FileWriter(str(tmp_path), session=sess)
        other = tf.summary.FileWriter(str(tmp_path), session=sess)
        one.add_summary(tf.Summary(value=[tf.Summary.Value(tag="one")]), 1)
        other.add_summary(tf.Summary(value=[tf.Summary.Value(tag="other")]), 2)
        one.flush()
        one.close()
    assert _tags(tmp_path) == ["one", "other"] and len(list(tmp_path.iterdir())) == 1
