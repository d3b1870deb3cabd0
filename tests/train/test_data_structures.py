"""Lists and dictionaries of objects, Python state and object graphs in checkpoints."""

import copy
import json
import pickle

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat.serialization import get_json_type
from retrograph.train.checkpoint_object import ObjectGraphView, add_variable, list_objects
from retrograph.train.data_structures import ListWrapper, _DictWrapper
from retrograph.train.tracked_resources import ResourceTracker, TrackableResource, resource_tracker_scope
from retrograph.train.tracking import AutoTrackable, no_automatic_dependency_tracking

ckpt = tf.contrib.checkpoint


def _variable(value: float) -> tf.Variable:
    return tf.Variable(value, use_resource=True)


def test_lists_of_attributes_are_lists() -> None:
    with tf.Graph().as_default():
        held = AutoTrackable()
        held.items = [1, 2]
        held.items.append(_variable(3.0))
        assert isinstance(held.items, list) and isinstance(held.items, ListWrapper)
        assert held.items[:2] == [1, 2] and [0] + held.items[:1] == [0, 1]
        assert [d.name for d in held.items._checkpoint_dependencies] == ["2"]
        assert np.asarray(ListWrapper([1, 2, 3])).tolist() == [1, 2, 3]
        assert pickle.loads(pickle.dumps(ListWrapper([1]))) == [1]


def test_dictionaries_of_attributes_are_dictionaries() -> None:
    held = AutoTrackable()
    held.by_name = {"a": [1]}
    assert isinstance(held.by_name, dict) and isinstance(held.by_name, _DictWrapper)
    assert {**held.by_name} == {"a": [1]} == held.by_name
    assert json.dumps(held.by_name, default=get_json_type) == '{"a": [1]}'
    assert copy.copy(held.by_name)["a"] is held.by_name["a"]
    with pytest.raises(TypeError, match="unhashable type: 'DictWrapper'"):
        hash(held.by_name)


def test_changes_that_a_checkpoint_cannot_follow() -> None:
    with tf.Graph().as_default():
        held = AutoTrackable()
        held.items = [_variable(1.0)]
        held.items[0] = _variable(2.0)
        with pytest.raises(ValueError, match="A list element was replaced"):
            list_objects(held)
        outer = {"a": []}
        held = AutoTrackable()
        held.by_name = outer
        outer["b"] = []
        with pytest.raises(ValueError, match="modified outside the wrapper"):
            list_objects(held)
        held.by_name = ckpt.NoDependency(outer)
        assert held.by_name is outer


def test_lists_to_append_to() -> None:
    with tf.Graph().as_default():
        first, second = _variable(1.0), tf.Variable(2.0, trainable=False)
        items = ckpt.List([first])
        items += [second]
        assert items.trainable_weights == [first] and items.non_trainable_weights == [second]
        items.trainable = False
        assert items.trainable_variables == [] and items.variables == [first, second]
        with pytest.raises(ValueError, match="Only trackable objects"):
            items.append(3)
        with pytest.raises(ValueError, match="multiplying in place by 0 removes"):
            items *= 0
        by_name = ckpt.Mapping(a=first)
        with pytest.raises(ValueError, match="Tried to overwrite the key 'a'"):
            by_name["a"] = second
        with pytest.raises(TypeError, match="only string keys, but got a key 1"):
            by_name[1] = second


def test_lists_of_a_model() -> None:
    class Model(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = [tf.keras.layers.Dense(2)]
            self.parts.append(tf.keras.layers.Dense(3))

    with tf.Graph().as_default():
        model = Model()
        assert [layer.units for layer in model.layers] == [2, 3] == [layer.units for layer in model.parts.layers]
        assert [d.name for d in model._checkpoint_dependencies] == ["parts"]


def test_methods_that_do_not_track() -> None:
    class Holder(AutoTrackable):
        @no_automatic_dependency_tracking
        def hold(self, value: object) -> None:
            self.value = value

    holder, value = Holder(), [AutoTrackable()]
    holder.hold(value)
    assert holder.value is value and holder._checkpoint_dependencies == []


def test_unique_names() -> None:
    with tf.Graph().as_default():
        names = ckpt.UniqueNameTracker()
        for name in ("x", "y", "x"):
            names.track(_variable(1.0), name)
        assert [d.name for d in names._checkpoint_dependencies] == ["x", "y", "x_1"]
        with pytest.raises(ValueError, match="Expected a trackable value, got 5"):
            names.track(5, "x")


def test_python_state(tmp_path) -> None:
    with tf.Graph().as_default(), tf.Session():
        arrays = ckpt.NumpyState()
        arrays.x = np.arange(3)
        seen = []
        state = ckpt.PythonStateWrapper(lambda: "text", seen.append)
        saved = tf.train.Checkpoint(arrays=arrays, state=state)
        path = saved.save(str(tmp_path / "c"))
        operations = len(tf.get_default_graph().get_operations())
        arrays.x = np.zeros(3)
        saved.save(str(tmp_path / "c"))
        assert len(tf.get_default_graph().get_operations()) == operations
        saved.restore(path)
        assert arrays.x.tolist() == [0, 1, 2] and seen == [b"text"]
        other = tf.train.Checkpoint(arrays=ckpt.NumpyState())
        other.restore(path)
        assert other.arrays.x.tolist() == [0, 1, 2]
        with pytest.raises(NotImplementedError, match="which is not a NumPy array"):
            arrays.y = [1]


def test_pictures_of_checkpoints(tmp_path) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        kept = tf.train.Checkpoint(v=_variable(1.0))
        sess.run([v.initializer for v in (kept.v, kept.save_counter)])
        path = kept.save(str(tmp_path / "c"))
        dot = ckpt.dot_graph_from_checkpoint(path)
        assert dot.startswith("digraph {\nN_0 [") and 'N_0 -> N_1 [label="v"]' in dot
        named, proto, _ = ObjectGraphView(kept).serialize_object_graph()
        assert sorted(s.name for s in named) == [f"{n}/.ATTRIBUTES/VARIABLE_VALUE" for n in ("save_counter", "v")]
        assert len(proto.nodes) == 3
        by_name = tf.train.Saver([kept.v]).save(sess, str(tmp_path / "names"))
        with pytest.raises(ValueError, match="does not appear to be object-based"):
            ckpt.object_metadata(by_name)


def test_variables_of_objects_are_not_shared() -> None:
    with tf.Graph().as_default():
        names = [add_variable(AutoTrackable(), "a", shape=[]).name for _ in range(2)]
        assert names == ["a:0", "a_1:0"]
        with pytest.raises(ValueError, match="initializer is a constant, do not specify shape"):
            add_variable(AutoTrackable(), "a", shape=[], initializer=1.0)


def test_trackers_of_resources() -> None:
    class Resource(TrackableResource):
        def _create_resource(self) -> str:
            return "handle"

    outer, inner = ResourceTracker(), ResourceTracker()
    with resource_tracker_scope(outer), resource_tracker_scope(inner):
        made = Resource()
    Resource()
    assert outer.resources == inner.resources == [made] and made.resource_handle == "handle"


def test_templates_are_parts(tmp_path) -> None:
    def inner() -> tf.Tensor:
        return tf.get_variable("w", [], initializer=tf.zeros_initializer())

    def outer() -> list[tf.Tensor]:
        first, second = tf.make_template("inner", inner), tf.make_template("inner", inner)
        return [tf.get_variable("v", [], initializer=tf.ones_initializer()), first(), second()]

    with tf.Graph().as_default(), tf.Session() as sess:
        template = tf.make_template("outer", outer)
        made = template()
        assert [d.name for d in template._checkpoint_dependencies] == ["v", "inner", "inner_1"]
        saved = tf.train.Checkpoint(template=template)
        sess.run(tf.global_variables_initializer())
        sess.run(saved.save_counter.initializer)
        sess.run(made[2].assign(7.0))
        path = saved.save(str(tmp_path / "c"))
        sess.run(made[2].assign(0.0))
        saved.restore(path).assert_consumed().run_restore_ops()
        assert sess.run(made[2]) == 7.0


def test_variables_of_a_block_are_parts() -> None:
    class Holder(AutoTrackable):
        def __init__(self) -> None:
            with tf.variable_scope("block") as self.variable_scope, ckpt.capture_dependencies(self):
                self.made = tf.get_variable("deep/w", [])

    with tf.Graph().as_default():
        holder = Holder()
        assert [d.name for d in holder._checkpoint_dependencies] == ["made", "deep/w"]
