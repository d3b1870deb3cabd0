"""Objects that hold variables, and the graph that they make: what object-based checkpoints are about."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.messages import message_class
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.keras.base_layer import Layer
from retrograph.train.optimizer import Optimizer
from retrograph.train.saveable import SaveableObject
from retrograph.variables.base import Variable

OBJECT_GRAPH_PROTO_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE_KEY = "VARIABLE_VALUE"
_ATTRIBUTES, _SLOTS = ".ATTRIBUTES", ".OPTIMIZER_SLOT"
TrackableObjectGraph: Any = message_class("tensorflow.TrackableObjectGraph")


class TrackableReference(NamedTuple):
    """An object that another depends on, and its name there."""

    name: str
    ref: Any


class Trackable:
    """An object whose variables are saved with those that hold it; it names its parts itself.

    Source: TF 1.15 `tensorflow.python.training.tracking.base.Trackable`.
    """

    def _parts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.__dict__.setdefault("_tracked_parts", {})
        return found

    @property
    def _checkpoint_dependencies(self) -> list[TrackableReference]:
        return [TrackableReference(name, part) for name, part in self._parts().items()]

    def _lookup_dependency(self, name: str) -> Any:
        return self._parts().get(name)

    def _track_trackable(self, trackable: Any, name: str, overwrite: bool = False) -> Any:
        """Makes an object a part of this one. Raises: ValueError for a name that is taken; TypeError for other things."""
        if not is_trackable(trackable):
            raise TypeError(f"Trackable._track_trackable() passed type {type(trackable)}, not a Trackable.")
        if not overwrite and self._parts().get(name, trackable) is not trackable:
            raise ValueError(
                f"Called Trackable._track_trackable() with name='{name}', but a Trackable with this name is already declared as "
                "a dependency. Names must be unique (or overwrite=True)."
            )
        self._parts()[name] = trackable
        return trackable

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        return {}

    @property
    def _unconditional_checkpoint_dependencies(self) -> list[TrackableReference]:
        return [TrackableReference(name, part) for name, part in self._parts().items()]

    @property
    def _unconditional_dependency_names(self) -> dict[str, Any]:
        return self._parts()

    def _maybe_initialize_trackable(self) -> None:
        self._parts()

    def _no_dependency(self, value: Any) -> Any:
        return value


TrackableBase = Trackable


class AutoTrackable(Trackable):
    """An object whose attributes are its parts.

    Source: TF 1.15 `tensorflow.python.training.tracking.tracking.AutoTrackable`.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_held(self, name, value):
            return
        if name != "_tracked_parts" and self.__dict__.get("_self_setattr_tracking", True):
            value = assigned(self, name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self._parts().pop(name, None)
        super().__delattr__(name)

    def _no_dependency(self, value: Any) -> Any:
        from retrograph.train.data_structures import NoDependency

        return NoDependency(value)


_absent = object()


def _is_held(holder: Any, name: str, value: Any) -> bool:
    """Whether an attribute is the value already, be it by a property that cannot be set; equal shapes are one value."""
    before = holder.__dict__.get(name, _absent)
    if before is _absent:
        before = getattr(holder, name, _absent)
    if isinstance(value, TensorShape) and isinstance(before, TensorShape):
        return bool(before._plain == value._plain)
    return before is value


def assigned(holder: Any, name: str, value: Any) -> Any:
    """What an attribute holds that a value is assigned to, which becomes a part of the object."""
    from retrograph.train.data_structures import sticky_attribute_assignment

    return sticky_attribute_assignment(holder, name, value)


def no_automatic_dependency_tracking(method: Any) -> Any:
    """The method; what it assigns to attributes is held as it is and does not become a part of the object.

    Source: TF 1.15 `tensorflow.python.training.tracking.base.no_automatic_dependency_tracking`.
    """

    @functools.wraps(method)
    def untracked(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = getattr(self, "_self_setattr_tracking", True)
        object.__setattr__(self, "_self_setattr_tracking", False)
        try:
            return method(self, *args, **kwargs)
        finally:
            object.__setattr__(self, "_self_setattr_tracking", before)

    return untracked


def cached_per_instance(f: Any) -> Any:
    """A function of one object whose values are kept as long as the object is.

    Source: TF 1.15 `tensorflow.python.training.tracking.tracking.cached_per_instance`.
    """
    cache: Any = weakref.WeakKeyDictionary()

    @functools.wraps(f)
    def kept(item: Any) -> Any:
        found = cache.get(item)
        if found is None:
            cache[item] = found = f(item)
        return found

    kept.cache = cache  # type: ignore[attr-defined]
    return kept


class NotTrackable:
    """Marks objects that may be held but not saved."""


def is_trackable(value: Any) -> bool:
    """Whether an object can be a part of a checkpoint's object graph."""
    if isinstance(value, (Variable, Layer, Optimizer, Trackable, list, dict)):
        return True
    own = type(value)
    return hasattr(own, "_checkpoint_dependencies") or (
        hasattr(own, "_gather_saveables_for_checkpoint") and not isinstance(value, (IndexedSlices, SparseTensor))
    )


_OF_LAYERS = frozenset(("_trainable_weights", "_non_trainable_weights", "_updates", "_losses", "_scope"))


def _layer_parts(layer: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(layer).items():
        known = isinstance(value, Trackable) or not (name.startswith("_") and isinstance(value, (list, dict)))
        plain = name not in _OF_LAYERS and name not in vars(layer).get("_untracked_names", ())
        if plain and known and is_trackable(value) and holds_parts(value):
            yield name.lstrip("_") if isinstance(value, Variable) else name, value


def holds_parts(value: Any) -> bool:
    """False for a plain list or dictionary without anything that a checkpoint can hold."""
    if isinstance(value, (list, dict)) and not isinstance(value, Trackable):
        return any(is_trackable(x) for x in (value.values() if isinstance(value, dict) else value))
    return True


def parts_of(value: Any) -> Iterator[tuple[str, Any]]:
    """(name, part) of each part of an object."""
    if isinstance(value, Variable):
        return
    if isinstance(value, Trackable):
        found: Any = iter(value._checkpoint_dependencies)
    elif isinstance(value, dict):
        found = ((str(k), v) for k, v in value.items())
    elif isinstance(value, (list, tuple)):
        found = ((str(i), v) for i, v in enumerate(value))
    elif isinstance(value, Optimizer):
        graph = get_default_graph()
        found = ((name, made) for (name, _), made in value._non_slot_dict.items() if made.graph is graph)
    elif hasattr(type(value), "_checkpoint_dependencies"):
        found = iter(value._checkpoint_dependencies)
    else:
        found = _layer_parts(value)
    seen = set()
    for name, part in found:
        if name not in seen and is_trackable(part):
            seen.add(name)
            yield name, part


def _escaped(name: str) -> str:
    return name.replace(".", "..").replace("/", ".S")


class ObjectGraph:
    """The objects that can be reached from one, numbered breadth first, and the paths to them."""

    def __init__(self, root: Any):
        self.objects: list[Any] = [root]
        self.paths: list[str] = [""]
        self.ids: dict[int, int] = {id(root): 0}
        self.parts: list[list[tuple[str, int]]] = []
        place = 0
        while place < len(self.objects):
            self._expand(place)
            place += 1
        self.slots = list(self._slots())

    def _expand(self, place: int) -> None:
        found = []
        for name, part in parts_of(self.objects[place]):
            if id(part) not in self.ids:
                self.ids[id(part)] = len(self.objects)
                self.objects.append(part)
                above = self.paths[place]
                self.paths.append(f"{above}/{_escaped(name)}" if above else _escaped(name))
            found.append((name, self.ids[id(part)]))
        self.parts.append(found)

    def _slots(self) -> Iterator[tuple[int, int, str, Any]]:
        """(optimizer, variable, name, slot variable) of all slots."""
        variables = [i for i, x in enumerate(self.objects) if isinstance(x, Variable)]
        for i, optimizer in enumerate(self.objects):
            for name in optimizer.get_slot_names() if isinstance(optimizer, Optimizer) else ():
                for j in variables:
                    slot = optimizer.get_slot(self.objects[j], name)
                    if isinstance(slot, Variable):
                        yield i, j, name, slot

    def values(self) -> Iterator[tuple[int, str, str, Any]]:
        """(object, attribute, key, saveable or variable) of everything that is saved; slots come after all objects."""
        for i, item in enumerate(self.objects):
            for attribute, made in saved_values(item).items():
                yield i, attribute, _key(self.paths[i], attribute), made
        for k, (i, j, name, slot) in enumerate(self.slots):
            path = f"{self.paths[j]}/{_SLOTS}/{self.paths[i]}/{_escaped(name)}"
            yield len(self.objects) + k, VARIABLE_VALUE_KEY, _key(path, VARIABLE_VALUE_KEY), slot

    def proto(self) -> tuple[Any, dict[str, Any]]:
        """The TrackableObjectGraph, and what is saved by key."""
        made = TrackableObjectGraph()
        for parts in self.parts:
            node = made.nodes.add()
            for name, child in parts:
                node.children.add(node_id=child, local_name=name)
        for k, (i, j, name, _) in enumerate(self.slots):
            made.nodes.add()
            slot_id = len(self.objects) + k
            made.nodes[i].slot_variables.add(original_variable_node_id=j, slot_name=name, slot_variable_node_id=slot_id)
        saved = {}
        for i, attribute, key, value in self.values():
            full_name = value.op.name if isinstance(value, Variable) else getattr(value, "name", "")
            made.nodes[i].attributes.add(name=attribute, full_name=full_name, checkpoint_key=key)
            saved[key] = value
        return made, saved


def _key(path: str, attribute: str) -> str:
    return f"{path}/{_ATTRIBUTES}/{attribute}"


def saved_values(item: Any) -> dict[str, Any]:
    """What an object saves of itself: attribute -> variable or saveable."""
    if isinstance(item, Variable):
        return {VARIABLE_VALUE_KEY: item}
    gather = getattr(type(item), "_gather_saveables_for_checkpoint", None)
    if gather is None or isinstance(item, (list, dict)):
        return {}
    found = {}
    for attribute, made in gather(item).items():
        value = made if isinstance(made, (Variable, SaveableObject)) else made(attribute)
        found[attribute] = value
    return found


def matched(root: Any, proto: Any) -> tuple[dict[int, Any], ObjectGraph]:
    """Node of a saved object graph -> the object that stands in its place, and the objects that there are."""
    graph = ObjectGraph(root)
    found: dict[int, Any] = {0: root}
    waiting = [0]
    while waiting:
        i = waiting.pop(0)
        if i >= len(proto.nodes):
            continue
        parts = dict(parts_of(found[i]))
        for child in proto.nodes[i].children:
            part = parts.get(child.local_name)
            if part is None and isinstance(found[i], Trackable):
                part = found[i]._lookup_dependency(child.local_name)
            if part is not None and child.node_id not in found:
                found[child.node_id] = part
                waiting.append(child.node_id)
    for i, item in list(found.items()):
        for slot in proto.nodes[i].slot_variables if isinstance(item, Optimizer) and i < len(proto.nodes) else ():
            variable = found.get(slot.original_variable_node_id)
            made = item.get_slot(variable, slot.slot_name) if isinstance(variable, Variable) else None
            if made is not None:
                found[slot.slot_variable_node_id] = made
    return found, graph
