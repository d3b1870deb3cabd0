"""Marks of public names, frames of calls, where operations were made, results that should be used, logged events."""

import glob

import pytest

import retrograph as tf
from retrograph.compat import error_interpolation, exporting, should_use, stack_frames, tensorboard_logging


def test_marks_of_public_names() -> None:
    @exporting.tf_export("a.b", "a.c", v1=["old"])
    def marked() -> None: ...

    assert exporting.get_v2_names(marked) == ["a.b", "a.c"] and exporting.get_v1_names(marked) == ["old"]
    assert exporting.get_canonical_name_for_symbol(marked) == "a.b"
    with pytest.raises(exporting.SymbolAlreadyExposedError, match="already exposed as"):
        exporting.tf_export("d")(marked)
    with pytest.raises(exporting.InvalidSymbolNameError):
        exporting.tf_export("estimator.a")
    with pytest.raises(exporting.InvalidSymbolNameError):
        exporting.estimator_export("a")


def test_frames() -> None:
    frames = stack_frames.extract_stack(limit=2)
    assert len(frames) == 2 and frames[-1].name == "test_frames" and frames[-1][0] == __file__
    stack = stack_frames.TraceableStack()
    assert stack.push_obj("a") == stack_frames.TraceableObject.SUCCESS
    stack.push_obj("b", offset=10_000)
    assert list(stack.peek_objs()) == ["b", "a"] and stack.pop_obj() == "b"
    (made,) = stack.peek_traceable_objs()
    assert (made.obj, made.filename) == ("a", __file__)


def test_where_operations_were_made() -> None:
    with tf.Graph().as_default() as graph:
        tf.add(1, 2, name="sum")
        text = error_interpolation.interpolate("a {{node sum}} b {{node none}}", graph)
        assert text.startswith("a node sum (defined at ") and text.endswith(" b {{node none}}")
        info = error_interpolation.create_graph_debug_info_def([("", op) for op in graph.get_operations()])
        assert sorted(info.traces) == ["sum", "sum/x", "sum/y"] and __file__ in info.files
    place = stack_frames.TraceableObject("/cpu:0", filename="f.py", lineno=3)
    lines = error_interpolation._compute_device_summary_from_list("n", [place], prefix=" ")
    assert lines == " Device assignments active during op 'n' creation:\n   with tf.device(/cpu:0): <f.py:3>"


def test_results_that_should_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(should_use.tf_logging, "error", said.append)

    @should_use.should_use_result
    def made() -> tf.Tensor:
        return tf.constant(1, name="unused")

    with tf.Graph().as_default():
        assert made().name == "unused:0" and isinstance(made(), tf.Tensor)
        assert len(said) == 1 and "Object was never used" in said[0]
        made().mark_used()
        assert len(said) == 1


def test_events_of_messages(tmp_path) -> None:
    tensorboard_logging._clear_summary_writer()
    with pytest.raises(RuntimeError, match="Must call set_summary_writer"):
        tensorboard_logging.error("no")
    with pytest.raises(ValueError, match="Level x is not a valid"):
        tensorboard_logging.set_verbosity("x")
    writer = tf.summary.FileWriter(str(tmp_path), graph=None)
    tensorboard_logging.set_summary_writer(writer)
    tensorboard_logging.error("for%s", "mat")
    tensorboard_logging.debug("not written")
    writer.close()
    events = list(tf.train.summary_iterator(glob.glob(str(tmp_path / "*"))[0]))
    assert [e.log_message.message for e in events[1:]] == ["format"]
