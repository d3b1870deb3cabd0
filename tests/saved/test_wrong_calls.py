"""Wrong calls of what restores and imports: TensorFlow's classes of errors, and what was wanted."""

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture
def prefix(tmp_path):
    """A checkpoint with the variable `old/w`."""
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(tf.get_variable("old/w", [2], initializer=tf.ones_initializer()).initializer)
        return tf.train.Saver().save(session, str(tmp_path / "m"))


@pytest.mark.parametrize("wrong", [None, "abc", 3, [1], {"old/w": None}, {"old/w": 3}, {"old/w": ["a"]}])
def test_an_assignment_map_that_is_none(prefix, wrong):
    with tf.Graph().as_default():
        tf.get_variable("w", [2])
        with pytest.raises(TypeError, match=r"assignment_map.* has to be a"):
            tf.train.init_from_checkpoint(prefix, wrong)


@pytest.mark.parametrize(
    "call",
    [
        lambda path: tf.train.NewCheckpointReader(path),
        lambda path: tf.train.load_checkpoint(path),
        lambda path: tf.train.list_variables(path),
        lambda path: tf.train.warm_start(path),
        lambda path: tf.train.import_meta_graph(path),
    ],
)
def test_a_path_that_is_none(call):
    with tf.Graph().as_default(), pytest.raises(TypeError, match="Expected binary or unicode string, got None"):
        call(None)


def test_a_tensor_name_that_is_none(prefix):
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 5"):
        tf.train.NewCheckpointReader(prefix).get_tensor(5)


def test_files_and_directories_in_each_others_place(tmp_path):
    with tf.Graph().as_default():
        with pytest.raises(tf.errors.FailedPreconditionError, match="Is a directory"):
            tf.train.import_meta_graph(str(tmp_path))
        (tmp_path / "file").write_text("")
        with pytest.raises(tf.errors.OpError, match="file"):
            tf.train.write_graph(tf.GraphDef(), str(tmp_path / "file"), "g.pb")
        builder = tf.saved_model.builder.SavedModelBuilder(str(tmp_path / "saved"))
        tf.add_to_collection(tf.GraphKeys.ASSET_FILEPATHS, tf.constant(str(tmp_path / "nowhere")))
        with tf.Session() as session, pytest.raises(tf.errors.NotFoundError, match="nowhere"):
            builder.add_meta_graph_and_variables(
                session, ["a"], assets_collection=tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)
            )


def test_texts_in_collections_of_meta_graphs():
    with tf.Graph().as_default():
        tf.add_to_collection("text", "s")
        made = tf.train.export_meta_graph()
    for scope, wanted in (("", b"s"), ("in", "in/s")):
        with tf.Graph().as_default():
            tf.train.import_meta_graph(made, import_scope=scope)
            assert tf.get_collection("text") == [wanted]


def test_what_assign_from_checkpoint_feeds(prefix):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("new/w", [2])
        assign, feeds = tf.contrib.framework.assign_from_checkpoint(prefix, {"old/w": variable})
        session.run(assign, feeds)
        assert [held.name for held in feeds] == ["placeholder/new/w:0"]
        np.testing.assert_array_equal(session.run(variable), [1.0, 1.0])
        with pytest.raises(ValueError, match=r"old/w lh_shape: \[\(2,\)\], rh_shape: \[\(3,\)\]"):
            tf.contrib.framework.assign_from_checkpoint(prefix, {"old/w": tf.get_variable("x", [3])})


def test_values_of_another_kind_than_a_tensors_type():
    """What TensorFlow does with them: they are not there."""
    message = type(tf.make_tensor_proto(0))
    texts = message(dtype=tf.string.as_datatype_enum, int64_val=[119])
    assert tf.make_ndarray(type(texts).FromString(texts.SerializeToString())).tolist() == b""
    numbers = message(dtype=tf.float32.as_datatype_enum, string_val=[b"w"])
    assert tf.make_ndarray(type(numbers).FromString(numbers.SerializeToString())).tolist() == 0.0
