"""Python objects in object-based checkpoints: their state is saved as a string."""

from __future__ import annotations

import abc
from collections.abc import Callable
from functools import partial
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.train.saveable import SaveableObject, SaveSpec
from retrograph.train.tracking import Trackable


class PythonStringStateSaveable(SaveableObject):
    """A string that a function gives each time a checkpoint is written.

    Source: TF 1.15 `tensorflow.python.training.tracking.base.PythonStringStateSaveable`.
    """

    def __init__(self, name: str, state_callback: Callable[[], Any], restore_callback: Any = None):
        self._state, self._restore = state_callback, restore_callback
        with tf.device("/cpu:0"):
            self._save_string = tf.constant("", dtype=tf.string)
        super().__init__(self._save_string, [SaveSpec(self._save_string, "", name, dtype=tf.string)], name)

    @property
    def optional_restore(self) -> bool:
        """Whether nothing is done with what was saved."""
        return self._restore is None

    def feed_dict_additions(self) -> dict[Any, Any]:
        """What is fed when a checkpoint is written."""
        return {self._save_string: self._state()}

    def python_restore(self, restored_strings: list[Any]) -> None:
        """Gives the object its saved state."""
        if self._restore is not None:
            self._restore(restored_strings[0])

    def restore(self, restored_tensors: list[Any], restored_shapes: Any) -> Any:
        """Nothing."""
        return tf.no_op()


@export("train.experimental.PythonState")
class PythonState(Trackable, metaclass=abc.ABCMeta):
    """A Python object that is saved in object-based checkpoints.

    Subclasses give their state in `serialize` and take it in `deserialize`; it is restored by `Checkpoint.restore` itself.
    Source: TF 1.15 `tf.train.experimental.PythonState`.
    """

    @abc.abstractmethod
    def serialize(self) -> Any:
        """The state as a string."""

    @abc.abstractmethod
    def deserialize(self, string_value: Any) -> None:
        """Takes the state from a string."""

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {"py_state": partial(_saveable, self)}


def _saveable(state: PythonState, name: str) -> PythonStringStateSaveable:
    """One for each graph: saving again adds no operations."""
    graph = tf.get_default_graph()
    made: dict[int, Any] = state.__dict__.setdefault("_self_saveables", {})
    if id(graph) not in made:
        made[id(graph)] = graph, PythonStringStateSaveable(name, state.serialize, state.deserialize)
    return made[id(graph)][1]  # type: ignore[no-any-return]
