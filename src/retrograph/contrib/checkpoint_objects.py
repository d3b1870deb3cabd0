"""`tf.contrib.checkpoint`: objects that hold parts of checkpoints, and a picture of what a checkpoint holds."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.checkpoint.management import load_checkpoint
from retrograph.framework import errors
from retrograph.framework.exports import export, export_value
from retrograph.framework.messages import message_class
from retrograph.train.checkpoint_object import capture_dependencies, list_objects
from retrograph.train.data_structures import TrackableDataStructure
from retrograph.train.python_state import PythonState
from retrograph.train.saveable import SaveableObject, SaveSpec
from retrograph.train.tracking import (
    OBJECT_GRAPH_PROTO_KEY,
    VARIABLE_VALUE_KEY,
    AutoTrackable,
    Trackable,
    TrackableObjectGraph,
    is_trackable,
)

export_value("contrib.checkpoint.Checkpointable", AutoTrackable, attribute="AutoTrackable")
export_value("contrib.checkpoint.CheckpointableBase", Trackable, attribute="Trackable")
export_value("contrib.checkpoint.list_objects", list_objects, attribute="list_objects")
export_value("contrib.checkpoint.capture_dependencies", capture_dependencies, attribute="capture_dependencies")
CheckpointableObjectGraph: Any = message_class("tensorflow.TrackableObjectGraph")
export_value(
    "contrib.checkpoint.CheckpointableObjectGraph", CheckpointableObjectGraph, attribute="CheckpointableObjectGraph"
)


@export("contrib.checkpoint.object_metadata")
def object_metadata(save_path: str) -> Any:
    """The object graph of a checkpoint. Raises: ValueError for one that was saved by names.

    Source: TF 1.15 `tf.contrib.checkpoint.object_metadata`.
    """
    reader = load_checkpoint(save_path)
    try:
        return TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH_PROTO_KEY))
    except errors.NotFoundError:
        raise ValueError(
            f'The specified checkpoint "{save_path}" does not appear to be object-based (it is missing the key '
            f'"{OBJECT_GRAPH_PROTO_KEY}"). Likely it was created with a name-based saver and does not contain an object '
            "dependency graph."
        ) from None


@export("contrib.checkpoint.UniqueNameTracker")
class UniqueNameTracker(TrackableDataStructure):
    """Holds objects by names that it makes unique. Source: TF 1.15 `tf.contrib.checkpoint.UniqueNameTracker`."""

    def __init__(self) -> None:
        super().__init__()
        self._name_counts: dict[str, int] = {}

    @property
    def _values(self) -> Any:
        return [part.ref for part in self._checkpoint_dependencies]

    def track(self, trackable: Any, base_name: str) -> Any:
        """Holds an object; gives it. Raises: ValueError for one that cannot be a part of a checkpoint."""
        if not is_trackable(trackable):
            raise ValueError(
                f"Expected a trackable value, got {trackable} which does not inherit from tf.track.Trackable."
            )
        count = self._name_counts.get(base_name, 0)
        while self._lookup_dependency(_numbered(base_name, count)) is not None:
            count += 1
        self._name_counts[base_name] = count + 1
        self._taken_in(trackable, name=_numbered(base_name, count))
        return trackable


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


class _NumpyWrapper(PythonState):
    """An array."""

    def __init__(self, array: Any):
        self.array = array

    def serialize(self) -> bytes:
        """The array as a file of NumPy's."""
        buffer = io.BytesIO()
        np.save(buffer, self.array, allow_pickle=False)
        return buffer.getvalue()

    def deserialize(self, string_value: bytes) -> None:
        """Takes the array from a file of NumPy's."""
        self.array = np.load(io.BytesIO(string_value), allow_pickle=False)


@export("contrib.checkpoint.NumpyState")
class NumpyState(Trackable):
    """Holds NumPy arrays as attributes, which checkpoints save and make again when they are restored.

    Raises NotImplementedError: an attribute that is no array. Source: TF 1.15 `tf.contrib.checkpoint.NumpyState`.
    """

    def _lookup_dependency(self, name: str) -> Any:
        if name not in self._parts():
            self._hold(name, _NumpyWrapper(np.array([])))
        return self._parts()[name]

    def _hold(self, name: str, value: Any) -> None:
        self._parts()[name] = value
        object.__setattr__(self, name, value)

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return value.array if isinstance(value, _NumpyWrapper) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(value, (np.ndarray, np.generic)):
            raise NotImplementedError(
                f"Assigned {value} to the {name} property of {self}, which is not a NumPy array. Currently mixing NumPy arrays and "
                "other trackable objects is not supported. File a feature request if this limitation bothers you."
            )
        if name in self._parts():
            self._parts()[name].array = value
        else:
            self._hold(name, _NumpyWrapper(value))


@export("contrib.checkpoint.PythonStateWrapper")
class PythonStateWrapper(PythonState):
    """Python state that two functions give and take. Source: TF 1.15 `tf.contrib.checkpoint.PythonStateWrapper`."""

    def __init__(self, state_callback: Callable[[], Any], restore_callback: Callable[[Any], Any]):
        self._state_callback, self._restore_callback = state_callback, restore_callback

    def serialize(self) -> Any:
        """What the first function gives."""
        return self._state_callback()

    def deserialize(self, string_value: Any) -> None:
        """Gives it to the second."""
        self._restore_callback(string_value)


class _CallbackSaveable(SaveableObject):
    def __init__(self, name: str, dtype: Any, device: str, save: Callable[[], Any], restore: Callable[[Any], Any]):
        self._restore = restore
        super().__init__(save, [SaveSpec(save, "", name, dtype=dtype, device=device)], name)

    def restore(self, restored_tensors: list[Any], restored_shapes: Any) -> Any:
        """What the function gives for the restored tensor."""
        return self._restore(restored_tensors[0])


class _Split:
    """What the parts of one split dependency share."""

    def __init__(self, number: int, fill: Callable[[Any], Any], consume: Callable[[Any], Any]):
        self._number, self._fill, self._consume = number, fill, consume
        self._saved: dict[str, Any] = {}
        self._restored: dict[str, Any] = {}

    def save(self, part: _SplitDependency) -> Any:
        """The tensor of a part; the first one that asks has all made."""
        if part.name not in self._saved:
            if self._saved:
                raise AssertionError(
                    f"Split dependency {part.name} ({part}) unsynchronized. Split dependencies must be saved together."
                )
            self._fill(self._saved)
        return self._saved.pop(part.name)

    def restore(self, part: _SplitDependency, tensor: Any) -> Any:
        """Takes the tensor of a part; the last one restores all."""
        if part.name in self._restored:
            raise AssertionError(
                f"Split dependency {part.name} ({part}) unsynchronized. Split dependencies must be restored together."
            )
        self._restored[part.name] = tensor
        if len(self._restored) < self._number:
            return tf.no_op()
        operation = self._consume(self._restored)
        self._restored.clear()
        return operation


class _SplitDependency(Trackable):
    def __init__(self, shared: _Split, name: str, dtype: Any, device: str):
        self.name, self._shared, self._dtype, self._device = name, shared, dtype, device

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        restore = partial(self._shared.restore, self)
        made = partial(
            _CallbackSaveable,
            dtype=self._dtype,
            device=self._device,
            save=partial(self._shared.save, self),
            restore=restore,
        )
        return {VARIABLE_VALUE_KEY: made}


@export("contrib.checkpoint.split_dependency")
def split_dependency(
    component_names: Any, component_dtypes: Any, fill_save_buffer_fn: Any, consume_restore_buffer_fn: Any, device: str
) -> dict[str, Any]:
    """Objects by name whose tensors are made together and restored together.

    Source: TF 1.15 `tf.contrib.checkpoint.split_dependency`.
    """
    shared = _Split(len(component_names), fill_save_buffer_fn, consume_restore_buffer_fn)
    pairs = zip(component_names, component_dtypes, strict=False)
    return {name: _SplitDependency(shared, name, dtype, device) for name, dtype in pairs}


@export("contrib.checkpoint.dot_graph_from_checkpoint")
def dot_graph_from_checkpoint(save_path: str) -> str:
    """The object graph of a checkpoint as a graph in DOT. Raises: ValueError for a checkpoint that was saved by names.

    Source: TF 1.15 `tf.contrib.checkpoint.dot_graph_from_checkpoint`.
    """
    graph, reader = object_metadata(save_path), load_checkpoint(save_path)
    slots = {slot.slot_variable_node_id for node in graph.nodes for slot in node.slot_variables}
    lines = [line for i, node in enumerate(graph.nodes) for line in _dot_lines(i, node, i in slots, reader)]
    return "digraph {\n" + "".join(line + "\n" for line in lines) + "}\n"


def _quoted(name: str) -> str:
    return name.replace('"', '\\"')


def _dot_lines(i: int, node: Any, is_slot: bool, reader: Any) -> Iterator[str]:
    yield f"N_{i} [{_dot_look(node, is_slot, reader)}]"
    for child in node.children:
        yield f'N_{i} -> N_{child.node_id} [label="{_quoted(child.local_name)}"]'
    for slot in node.slot_variables:
        yield f'N_{i} -> N_{slot.slot_variable_node_id} [label="{_quoted(slot.slot_name)}" style=dotted]'
        yield f"N_{slot.original_variable_node_id} -> N_{slot.slot_variable_node_id} [style=dotted]"


def _dot_look(node: Any, is_slot: bool, reader: Any) -> str:
    point = 'shape=point label=""'
    if len(node.attributes) == 1 and node.attributes[0].name == VARIABLE_VALUE_KEY:
        own = node.attributes[0]
        shape, dtype = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        color, kind = ("orange", "Slot variable") if is_slot else ("blue", "Variable")
        known = f"{kind} {_quoted(own.full_name)} shape={shape[own.checkpoint_key]} {dtype[own.checkpoint_key].name}"
        return f'{point} color={color} width=.25 tooltip="{known}"'
    return f'{point} width=.25 color=red,tooltip="Optimizer"' if node.slot_variables else f"{point} width=.25"
