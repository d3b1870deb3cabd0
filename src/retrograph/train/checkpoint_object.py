"""`tf.train.Checkpoint`: saves objects by the way to them rather than by the names of their variables."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import retrograph as tf
from retrograph.checkpoint.management import load_checkpoint, write_state
from retrograph.framework.exports import export
from retrograph.framework.sessions import get_default_session
from retrograph.train.saveable import ReferenceVariableSaveable, ResourceVariableSaveable, SaveableObject, SaveSpec
from retrograph.train.saver import Saver
from retrograph.train.tracking import (
    OBJECT_GRAPH_PROTO_KEY,
    AutoTrackable,
    ObjectGraph,
    TrackableObjectGraph,
    is_trackable,
    matched,
    parts_of,
    saved_values,
)
from retrograph.variables.base import Variable
from retrograph.variables.capturing import capturing
from retrograph.variables.store import default_initializer


def _session(session: Any) -> Any:
    session = session or get_default_session()
    if session is None:
        raise ValueError("A session is wanted: give one, or open one as the default session")
    return session


def add_variable(
    trackable: Any,
    name: str,
    shape: Any = None,
    dtype: Any = tf.float32,
    initializer: Any = None,
    trainable: bool = True,
) -> Any:
    """A new resource variable that is a part of an object. Source: TF 1.15 `tracking.util.add_variable`."""
    value = initializer
    if initializer is None or callable(initializer):
        chosen = default_initializer(name, tf.as_dtype(dtype)) if initializer is None else initializer
        chosen = chosen(dtype=dtype) if isinstance(chosen, type) else chosen
        value = partial(chosen, shape, dtype=dtype)
    elif shape is not None:
        raise ValueError("If initializer is a constant, do not specify shape.")
    made = tf.Variable(value, name=name, trainable=trainable, dtype=tf.as_dtype(dtype).base_dtype, use_resource=True)
    trackable._track_trackable(made, name)
    return made


@contextlib.contextmanager
def capture_dependencies(template: Any) -> Iterator[None]:
    """A block whose variables become parts of an object, by their names below its `variable_scope`.

    Source: TF 1.15 `tf.contrib.checkpoint.capture_dependencies`.
    """
    parts: dict[str, Any] = {}
    with capturing(template, template.variable_scope.name, parts):
        yield
    for name, part in parts.items():
        template._track_trackable(part, name)


def list_objects(root_trackable: Any) -> list[Any]:
    """The objects that can be reached from one. Source: TF 1.15 `tracking.util.list_objects`."""
    graph = ObjectGraph(root_trackable)
    return [*graph.objects, *(slot for _, _, _, slot in graph.slots)]


def gather_initializers(root_trackable: Any) -> list[Any]:
    """The initializers of all that can be reached. Source: TF 1.15 `tracking.util.gather_initializers`."""
    return [x.initializer for x in list_objects(root_trackable) if getattr(x, "initializer", None) is not None]


class _GraphSaveable(SaveableObject):
    """The object graph itself, which is fed when it is saved."""

    def __init__(self) -> None:
        self.tensor = tf.placeholder_with_default(tf.constant(b"", name="object_graph"), shape=())
        super().__init__(self.tensor, [SaveSpec(self.tensor, "", OBJECT_GRAPH_PROTO_KEY)], OBJECT_GRAPH_PROTO_KEY)

    def restore(self, restored_tensors: list[Any], restored_shapes: Any) -> Any:
        """Nothing."""
        return tf.no_op()


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """What a saver takes: saveables of a program's own take the key as their name, before what they end theirs with."""
    for key, value in values.items():
        if isinstance(value, SaveableObject):
            for spec in value.specs:
                spec.name = key + (spec.name[len(value.name) :] if spec.name.startswith(value.name) else "")
            value.name = key
    return values


def _is_own(value: Any) -> bool:
    """Whether a value is the same each time that it is asked for."""
    return isinstance(value, Variable) or hasattr(value, "feed_dict_additions")


class _Savers:
    """Savers by what they save, so that saving again adds no operations."""

    def __init__(self) -> None:
        self.made: dict[Any, Any] = {}

    def of(self, values: dict[str, Any], with_graph: bool) -> tuple[Any, Any]:
        """(saver, tensor of the object graph)."""
        key = (with_graph, *((k, id(v) if _is_own(v) else k) for k, v in sorted(values.items())))
        if key not in self.made:
            saved = dict(_renamed(values))
            graph = _GraphSaveable() if with_graph else None
            if graph is not None:
                saved[OBJECT_GRAPH_PROTO_KEY] = graph
            saver = Saver(saved, max_to_keep=None, sharded=False, name="checkpoint", allow_empty=True)
            self.made[key] = saver, graph.tensor if graph is not None else None
        return self.made[key]  # type: ignore[no-any-return]


@export("train.Checkpoint")
class Checkpoint(AutoTrackable):
    """Groups objects, saves what they hold by the way to it, and restores it.

    Variables, layers, optimizers, lists, dicts and other Checkpoints are given by keyword or set as attributes.

    >>> checkpoint = tf.train.Checkpoint(optimizer=optimizer, layer=layer)    # doctest: +SKIP
    >>> path = checkpoint.save("run/model", session=sess)    # doctest: +SKIP
    >>> checkpoint.restore(path).assert_consumed().run_restore_ops(sess)    # doctest: +SKIP

    Raises: ValueError for other objects. Source: TF 1.15 `tf.train.Checkpoint`.
    """

    _savers: _Savers
    _save_counter: Any
    _counting: Any

    def __init__(self, **kwargs: Any):
        self.__dict__["_savers"], self.__dict__["_save_counter"], self.__dict__["_counting"] = _Savers(), None, None
        for name, value in sorted(kwargs.items()):
            if not is_trackable(value) or type(value) in (list, dict):
                raise ValueError(
                    f"`Checkpoint` was expecting a trackable object (an object derived from `TrackableBase`), got {value}. If "
                    "you believe this object should be trackable (i.e. it is part of the TensorFlow Python API and manages "
                    "state), please open an issue."
                )
            setattr(self, name, value)

    @property
    def save_counter(self) -> Any:
        """`i64[]` variable: how often it was saved."""
        if self._save_counter is None:
            with tf.device("/cpu:0"):
                made = tf.Variable(tf.constant(0, tf.int64), name="save_counter", trainable=False, use_resource=True)
            self.__dict__["_save_counter"] = made
            self._parts()["save_counter"] = made
        return self._save_counter

    def _count(self, session: Any) -> int:
        new = self._save_counter is None
        counter = self.save_counter
        if new:
            session.run(counter.initializer)
        if self._counting is None:
            self.__dict__["_counting"] = counter.assign_add(1, read_value=True)
        return int(session.run(self._counting))

    def write(self, file_prefix: str, session: Any = None) -> str:
        """Writes a checkpoint of exactly this name; gives it. Raises: ValueError without a session."""
        return write_objects(self, self._savers, file_prefix, _session(session))

    def save(self, file_prefix: str, session: Any = None) -> str:
        """Writes a checkpoint named by `file_prefix` and a running number, and notes it as the latest; gives its name."""
        session = _session(session)
        with session.graph.as_default():
            number = self._count(session)
        path = self.write(f"{os.fspath(file_prefix)}-{number}", session)
        write_state(os.path.dirname(path), path, save_relative_paths=True)
        return path

    def restore(self, save_path: str | None) -> Any:
        """What restores a checkpoint, or one of a `tf.train.Saver`; None means none: then it initializes.

        The variables have their values after `run_restore_ops` or `initialize_or_restore` of what is given.
        Raises: NotFoundError if there is no such checkpoint.
        """
        self.save_counter  # noqa: B018  (is restored, so it has to be there)
        return restore_status(self, save_path, self._savers)


def write_objects(root: Any, savers: _Savers, file_prefix: str, session: Any) -> str:
    """Writes what can be reached from `root`; gives the name of the checkpoint."""
    with session.graph.as_default():
        proto, values = ObjectGraph(root).proto()
        saver, tensor = savers.of(values, True)
    prefix = os.fspath(file_prefix)
    directory = os.path.dirname(prefix)
    if directory:
        os.makedirs(directory, exist_ok=True)
    definition = saver.saver_def
    feeds = {definition.filename_tensor_name: prefix, tensor: proto.SerializeToString()}
    for value in values.values():
        feeds.update(value.feed_dict_additions() if hasattr(value, "feed_dict_additions") else {})
    return os.fsdecode(session.run(definition.save_tensor_name, feeds))


def restore_status(root: Any, save_path: str | None, savers: _Savers) -> Any:
    """What restores the objects that can be reached from `root`."""
    if save_path is None:
        return InitializationOnlyStatus(root)
    reader = load_checkpoint(save_path)
    if not reader.has_tensor(OBJECT_GRAPH_PROTO_KEY):
        return NameBasedSaverStatus(root, save_path)
    proto = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH_PROTO_KEY))
    _restore_python_state(root, proto, reader)
    return CheckpointLoadStatus(root, save_path, proto, reader, savers)


def _restore_python_state(root: Any, proto: Any, reader: Any) -> None:
    for i, item in matched(root, proto)[0].items():
        own = saved_values(item) if hasattr(type(item), "deserialize") and i < len(proto.nodes) else {}
        for attribute in proto.nodes[i].attributes if own else ():
            if hasattr(own.get(attribute.name), "python_restore"):
                own[attribute.name].python_restore([reader.get_tensor(attribute.checkpoint_key)])


class _Status:
    def __init__(self, root: Any):
        self._root = root

    def assert_consumed(self) -> Any:
        """Raises AssertionError unless everything that there is fits what was saved."""
        raise NotImplementedError

    def assert_existing_objects_matched(self) -> Any:
        """Raises AssertionError unless all objects that there are were saved."""
        raise NotImplementedError

    def assert_nontrivial_match(self) -> Any:
        """Raises AssertionError if nothing but the root fits."""
        raise NotImplementedError

    def expect_partial(self) -> Any:
        """Says that not all will fit."""
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Gives the variables their saved values."""
        raise NotImplementedError

    def initialize_or_restore(self, session: Any = None) -> None:
        """Gives the variables their saved values, and initializes those that have none."""
        raise NotImplementedError


_NOTHING = "No checkpoint specified (save_path=None); nothing is being restored."


class InitializationOnlyStatus(_Status):
    """Of no checkpoint: it only initializes."""

    def assert_consumed(self) -> Any:
        """Raises AssertionError: nothing is restored."""
        raise AssertionError(_NOTHING)

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed

    def run_restore_ops(self, session: Any = None) -> None:
        """Raises AssertionError: nothing is restored."""
        raise AssertionError(_NOTHING)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Initializes the variables that are not."""
        _initialize(_session(session), gather_variables(self._root))


def gather_variables(root: Any) -> list[Any]:
    """The variables that can be reached from an object."""
    return [x for x in list_objects(root) if isinstance(x, Variable)]


def _initialize(session: Any, variables: list[Any]) -> None:
    with session.graph.as_default():
        names = {os.fsdecode(n) for n in session.run(tf.report_uninitialized_variables(variables)).tolist()}
    session.run([v.initializer for v in variables if v.op.name in names])


class CheckpointLoadStatus(_Status):
    """Of an object-based checkpoint."""

    def __init__(self, root: Any, save_path: str, proto: Any, reader: Any, savers: _Savers):
        super().__init__(root)
        self._path, self._proto, self._reader, self._savers = save_path, proto, reader, savers

    def _values(self) -> dict[str, Any]:
        """What is restored, by key."""
        found = matched(self._root, self._proto)[0]
        values = {}
        for i, item in found.items():
            own = saved_values(item)
            for attribute in self._proto.nodes[i].attributes if i < len(self._proto.nodes) else ():
                key, value = attribute.checkpoint_key, own.get(attribute.name)
                if hasattr(value, "python_restore"):
                    continue
                if value is not None and (isinstance(value, SaveableObject) or self._reader.has_tensor(key)):
                    values[key] = value
        return values

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Raises AssertionError unless all objects that there are were saved."""
        found = matched(self._root, self._proto)[0]
        there = {id(x) for x in found.values()}
        missing = [x for x in list_objects(self._root) if id(x) not in there and not isinstance(x, (list, dict))]
        unused = [x for x in missing if saved_values(x) or not isinstance(x, Variable)]
        if unused:
            raise AssertionError(f"Object not assigned a value from checkpoint: {unused[0]}")
        return self

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Raises AssertionError unless everything that there is fits what was saved."""
        found = matched(self._root, self._proto)[0]
        for i, node in enumerate(self._proto.nodes):
            if i not in found:
                raise AssertionError(f"Unresolved object in checkpoint: {node}")
        return self.assert_existing_objects_matched()

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Raises AssertionError if nothing but the root fits."""
        found = matched(self._root, self._proto)[0]
        if len(found) <= 1:
            raise AssertionError(
                "Nothing except the root object matches a checkpointed value. Typically this means that the checkpoint does not "
                f"match the Python program. The following objects have no matching checkpointed value: {list_objects(self._root)}"
            )
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Gives the variables their saved values."""
        session = _session(session)
        with session.graph.as_default():
            values = self._values()
            if values:
                self._savers.of(values, False)[0].restore(session, self._path)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Gives the variables their saved values, and initializes those that have none."""
        session = _session(session)
        self.run_restore_ops(session)
        _initialize(session, gather_variables(self._root))


class NameBasedSaverStatus(_Status):
    """Of a checkpoint of a `tf.train.Saver`: variables are found by their names."""

    def __init__(self, root: Any, save_path: str):
        super().__init__(root)
        self._path = save_path
        self._restored: list[Any] = []  # the objects that there were when the operations ran

    def _variables(self) -> list[Any]:
        counter = getattr(self._root, "_save_counter", None)
        known = load_checkpoint(self._path)
        return [v for v in gather_variables(self._root) if v is not counter or known.has_tensor(counter.op.name)]

    def assert_consumed(self) -> NameBasedSaverStatus:
        """Raises AssertionError unless all objects that there are were there when `run_restore_ops` ran."""
        there = {id(x) for x in self._restored}
        for found in list_objects(self._root):
            if id(found) not in there:
                raise AssertionError(f"Object not restored: {found}")
        return self

    assert_existing_objects_matched = assert_nontrivial_match = assert_consumed

    def run_restore_ops(self, session: Any = None) -> None:
        """Gives the variables their saved values. Raises: NotFoundError for one that was not saved."""
        session = _session(session)
        with session.graph.as_default():
            Saver(self._variables(), name="checkpoint").restore(session, self._path)
        self._restored = list_objects(self._root)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Gives the variables their saved values, and initializes those that have none."""
        session = _session(session)
        self.run_restore_ops(session)
        _initialize(session, gather_variables(self._root))


class TrackableSaver:
    """Saves and restores the objects that can be reached from one. Source: TF 1.15 `tracking.util.TrackableSaver`."""

    def __init__(self, graph_view: Any):
        self._root = getattr(graph_view, "root", graph_view)
        self._savers = _Savers()

    def save(self, file_prefix: str, session: Any = None) -> str:
        """Writes a checkpoint of exactly this name; gives it."""
        return write_objects(self._root, self._savers, file_prefix, _session(session))

    def restore(self, save_path: str | None) -> Any:
        """What restores a checkpoint."""
        return restore_status(self._root, save_path, self._savers)


class ObjectGraphView:
    """The objects that can be reached from one. Source: TF 1.15 `tracking.graph_view.ObjectGraphView`."""

    def __init__(self, root: Any, saveables_cache: Any = None):
        self._root, self.saveables_cache = root, saveables_cache

    @property
    def root(self) -> Any:
        """The object."""
        return self._root() if isinstance(self._root, weakref.ref) else self._root

    def list_dependencies(self, obj: Any) -> list[Any]:
        """(name, part) of each part of an object."""
        return list(parts_of(obj))

    def list_objects(self) -> list[Any]:
        """All objects."""
        return list_objects(self.root)

    def serialize_object_graph(self) -> tuple[list[Any], Any, dict[Any, Any]]:
        """(what is saved, with `name` and `full_name`; the TrackableObjectGraph; what is fed)."""
        proto, values = ObjectGraph(self.root).proto()
        full = {a.checkpoint_key: a.full_name for node in proto.nodes for a in node.attributes}
        feeds: dict[Any, Any] = {}
        for value in values.values():
            feeds.update(value.feed_dict_additions() if hasattr(value, "feed_dict_additions") else {})
        return [_named_saveable(key, value, full[key]) for key, value in values.items()], proto, feeds


def _named_saveable(key: str, value: Any, full_name: str) -> SaveableObject:
    if not isinstance(value, SaveableObject):
        kind = ReferenceVariableSaveable if value.dtype._is_ref_dtype else ResourceVariableSaveable
        value = kind(value, "", key)
    value.full_name = full_name
    _renamed({key: value})
    return value  # type: ignore[no-any-return]
