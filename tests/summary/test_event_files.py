"""`tf.summary.FileWriter`: what is in its files, when, and what it refuses."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

CLOSED = "Attempting to use a closed FileWriter"


def _scalar(tag: str, value: float, **fields: Any) -> Any:
    return tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value, **fields)])


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("events.out.tfevents.*"))


def _events(directory: Path) -> list[Any]:
    return [event for file in _files(directory) for event in tf.train.summary_iterator(str(file))]


def _kinds(directory: Path) -> list[tuple[int, str]]:
    return [(event.step, event.WhichOneof("what")) for event in _events(directory)]


def test_events_of_a_writer(tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path / "a" / "b"))
    directory = tmp_path / "a" / "b"
    assert writer.get_logdir() == str(directory) and not _files(directory)
    writer.add_summary(_scalar("x", 2.0), 3)
    writer.add_summary(_scalar("x", 3.0).SerializeToString(), 4.7)
    writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 5)
    writer.add_event(tf.Event(step=9, file_version="v"))
    writer.flush()
    assert _kinds(directory) == [
        (0, "file_version"),
        (3, "summary"),
        (4, "summary"),
        (5, "session_log"),
        (9, "file_version"),
    ]
    events = _events(directory)
    assert events[0].file_version == "brain.Event:2" and events[1].wall_time > 1e9
    assert events[2].summary.value[0].simple_value == 3.0
    writer.close()
    (file,) = _files(directory)
    assert file.name.split(".")[:3] == ["events", "out", "tfevents"] and file.name.split(".")[3].isdigit()


def test_a_graph_is_written_with_shapes_and_collections(tmp_path: Path) -> None:
    tf.get_variable("v", [2, 3])
    with tf.summary.FileWriter(str(tmp_path), tf.get_default_graph(), filename_suffix=".x") as writer:
        pass
    version, graph, meta = _events(tmp_path)
    assert _files(tmp_path)[0].name.endswith(".x") and version.file_version
    nodes = {n.name: n for n in tf.GraphDef.FromString(graph.graph_def).node}
    assert [d.size for d in nodes["v"].attr["_output_shapes"].list.shape[0].dim] == [2, 3]
    made = tf.MetaGraphDef.FromString(meta.meta_graph_def)
    assert made.meta_info_def.tensorflow_version == "1.15.5" and len(made.graph_def.node) == len(nodes)
    with pytest.warns(UserWarning, match=CLOSED):
        writer.add_graph(tf.get_default_graph())


def test_graph_arguments(tmp_path: Path) -> None:
    tf.constant(1.0)
    graph = tf.get_default_graph()
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_graph(graph, 1)
        writer.add_graph(None, 2, graph)
        writer.add_graph(graph.as_graph_def(), 3)
        with pytest.raises(ValueError, match="Please pass only graph, or graph_def"):
            writer.add_graph(graph, graph_def=graph.as_graph_def())
        with pytest.raises(TypeError, match="The passed graph must be an instance of `Graph`"):
            writer.add_graph(3)
        with pytest.raises(TypeError, match="meta_graph_def must be type MetaGraphDef, saw type: <class 'int'>"):
            writer.add_meta_graph(3)
        writer.add_meta_graph(tf.MetaGraphDef(), 4)
    assert _kinds(tmp_path)[1:] == [(1, "graph_def"), (2, "graph_def"), (3, "graph_def"), (4, "meta_graph_def")]


def test_run_metadata_has_a_tag_of_its_own(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_run_metadata(tf.RunMetadata(), "step", 7)
        with pytest.raises(ValueError, match="The provided tag was already used for this event type"):
            writer.add_run_metadata(tf.RunMetadata(), "step", 8)
    (event,) = _events(tmp_path)[1:]
    assert event.tagged_run_metadata.tag == "step" and event.step == 7


def test_metadata_are_written_once(tmp_path: Path) -> None:
    summary = _scalar("x", 2.0, metadata=tf.SummaryMetadata(display_name="n"))
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        for given in (summary, summary.SerializeToString(), summary):
            writer.add_summary(given)
    values = [e.summary.value[0] for e in _events(tmp_path)[1:]]
    assert [v.metadata.display_name for v in values] == ["n", "", ""]
    assert [v.HasField("metadata") for v in values] == [True, False, False]
    assert summary.value[0].metadata.display_name == "n"


def test_refused_summaries_leave_the_file_as_it_was(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(_scalar("x", 1.0))
        for bad, error in ((b"\xff\xff", tf.errors.DataLossError), ("text", AttributeError), (None, AttributeError)):
            with pytest.raises(error):
                writer.add_summary(bad)
        with pytest.raises(ValueError, match="invalid literal for int"):
            writer.add_summary(tf.Summary(), "a")
        with pytest.raises(TypeError, match=r"Expected an event_pb2.Event proto"):
            writer.add_event(3)
    assert len(_events(tmp_path)) == 2


def test_a_closed_writer_warns_and_is_reopened_in_a_new_file(tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_summary(_scalar("x", 1.0), 1)
    writer.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer.add_summary(_scalar("x", 2.0), 2)
        writer.add_event(tf.Event())
        writer.flush()
        writer.close()
    assert [CLOSED in str(w.message) for w in caught] == [True] * 3
    writer.reopen()
    writer.add_summary(_scalar("x", 3.0), 3)
    writer.close()
    assert len(_files(tmp_path)) == 2
    assert [s for s, kind in _kinds(tmp_path) if kind == "summary"] == [1, 3]


def test_two_writers_of_one_second_do_not_share_a_file(tmp_path: Path) -> None:
    for value in range(3):
        with tf.summary.FileWriter(str(tmp_path)) as writer:
            writer.add_summary(_scalar("x", value), value)
    assert sorted(s for s, kind in _kinds(tmp_path) if kind == "summary") == [0, 1, 2]


def test_many_threads_and_a_small_queue(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path), max_queue=1, flush_secs=0) as writer:

        def add(start: int) -> None:
            for step in range(start, start + 50):
                writer.add_summary(_scalar("x", step), step)

        threads = [threading.Thread(target=add, args=(1000 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({e.step for e in _events(tmp_path) if e.HasField("summary")}) == 200


def test_directories_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(tf.errors.FailedPreconditionError, match="Not a directory"):
            tf.summary.FileWriter(str(path))


def test_a_directory_that_goes_away_does_not_end_the_program(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("tensorflow"), "propagate", True)
    writer = tf.summary.FileWriter(str(tmp_path / "d"))
    writer.add_summary(_scalar("x", 1.0))
    writer.flush()
    shutil.rmtree(tmp_path / "d")
    writer.add_summary(_scalar("x", 2.0))
    writer.flush()
    writer.close()
    assert "what was written last is lost" in caplog.text


def test_a_program_that_ends_without_closing_loses_nothing(tmp_path: Path) -> None:
    source = (
        "import sys, retrograph as tf\n"
        "writer = tf.summary.FileWriter(sys.argv[1])\n"
        "for i in range(100): writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag='x', simple_value=i)]), i)\n"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=True, timeout=60)
    assert [s for s, kind in _kinds(tmp_path) if kind == "summary"] == list(range(100))


def test_damaged_event_files(tmp_path: Path) -> None:
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(_scalar("x", 1.0), 1)
    (file,) = _files(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[:-3])
    events = tf.train.summary_iterator(str(file))
    assert next(events).file_version == "brain.Event:2"
    with pytest.raises(tf.errors.DataLossError, match="truncated record at "):
        next(events)
    with pytest.raises(tf.errors.NotFoundError):
        next(tf.train.summary_iterator(str(tmp_path / "none")))


def test_cache_of_writers(tmp_path: Path) -> None:
    cache = tf.summary.FileWriterCache
    writer = cache.get(str(tmp_path))
    assert cache.get(str(tmp_path)) is writer
    cache.clear()
    assert cache.get(str(tmp_path)) is not writer
    cache.clear()


def test_projector(tmp_path: Path) -> None:
    projector = tf.contrib.tensorboard.plugins.projector
    config = projector.ProjectorConfig(model_checkpoint_path="m")
    config.embeddings.add(tensor_name="e", metadata_path="labels").sprite.single_image_dim.extend([2, 3])
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        projector.visualize_embeddings(writer, config)
    text = (tmp_path / "projector_config.pbtxt").read_text()
    assert text.startswith(
        'model_checkpoint_path: "m"\nembeddings {\n  tensor_name: "e"\n  metadata_path: "labels"\n  sprite {\n'
    )

    class Nowhere:
        def get_logdir(self) -> None:
            return None

    with pytest.raises(ValueError, match="Summary writer must have a logdir"):
        projector.visualize_embeddings(Nowhere(), config)


def test_assets_of_plugins_are_written_with_the_graph(tmp_path: Path) -> None:
    from retrograph.summary import plugin_asset

    class Asset(plugin_asset.PluginAsset):
        plugin_name = "mine"

        def assets(self) -> dict[str, str]:
            return {"a.txt": "content"}

    asset = plugin_asset.get_plugin_asset(Asset)
    assert plugin_asset.get_plugin_asset(Asset) is asset
    with tf.summary.FileWriter(str(tmp_path), tf.get_default_graph()):
        pass
    assert (tmp_path / "plugins" / "mine" / "a.txt").read_text() == "content"
    with pytest.raises(ValueError, match="has no plugin_name"):
        plugin_asset.get_plugin_asset(plugin_asset.PluginAsset)


def test_contrib_testing(tmp_path: Path) -> None:
    testing = tf.contrib.testing
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        for step, value in ((1, 0.5), (3, 2.0), (2, 1.0)):
            writer.add_summary(_scalar("x", value), step)
        writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="text", tensor=tf.make_tensor_proto("a"))]), 4)
    events = testing.latest_summaries(str(tmp_path))
    assert testing.simple_values_from_events(events, ["x"]) == {"x": 2.0}
    with pytest.raises(ValueError, match="Summary for text is not a simple_value"):
        testing.simple_values_from_events(events, ["text"])
    assert (
        testing.latest_event_file(str(tmp_path / "none")) is None
        and testing.latest_events(str(tmp_path / "none")) == []
    )
    summary = testing.to_summary_proto(_scalar("x", 0.5).SerializeToString())
    testing.assert_summary(["x"], {"x": 0.501}, summary)
    with pytest.raises(ValueError, match="Expected tags"):
        testing.assert_summary(["y"], {}, summary)
    with pytest.raises(AssertionError):
        testing.assert_summary(["x"], {"x": 0.6}, summary)


def test_a_fake_writer(tmp_path: Path) -> None:
    fake = tf.contrib.testing.FakeSummaryWriter
    fake.install()
    try:
        with pytest.raises(ValueError, match="already installed"):
            fake.install()
        writer = tf.summary.FileWriterCache.get(str(tmp_path))
        writer.add_summary(_scalar("x", 2.0).SerializeToString(), 3)
        writer.assert_summaries(tf.test.TestCase(), str(tmp_path), tf.get_default_graph(), {3: {"x": 2.0}})
    finally:
        tf.summary.FileWriterCache.clear()
        fake.uninstall()
    with pytest.raises(ValueError, match="not installed"):
        fake.uninstall()
    assert not list(tmp_path.iterdir())
