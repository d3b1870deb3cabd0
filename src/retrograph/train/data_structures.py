"""Lists and dictionaries that are parts of a checkpoint's object graph: what attributes that hold such become."""

from __future__ import annotations

import collections
import copy
import sys
from collections import abc
from typing import Any

from retrograph.framework.exports import export
from retrograph.keras.tracking import Tracked
from retrograph.train.tracking import Trackable, is_trackable
from retrograph.variables.variable import Variable

_WITHOUT = (
    "If you don't need this {0} checkpointed, wrap it in a tf.contrib.checkpoint.NoDependency object; it will be "
    "automatically un-wrapped and subsequently ignored."
)


@export("contrib.checkpoint.NoDependency")
class NoDependency:
    """Marks a value that an object shall hold as it is, and not save. Source: TF 1.15 `tf.contrib.checkpoint.NoDependency`."""

    def __init__(self, value: Any):
        self.value = value


def wrapped(value: Any) -> Any:
    """A plain list or dictionary as one that is tracked; what a `NoDependency` holds; others as they are."""
    if isinstance(value, NoDependency):
        return value.value
    if type(value) in (dict, collections.OrderedDict):
        return _DictWrapper(value)
    return ListWrapper(value) if type(value) is list else value


def sticky_attribute_assignment(trackable: Any, name: str, value: Any) -> Any:
    """Makes a value a part of an object, unless it is marked; gives what the attribute holds."""
    tracked = not isinstance(value, NoDependency)
    value = wrapped(value)
    if tracked and _counts(value):
        trackable._track_trackable(value, name=name, overwrite=True)
    return value


def _counts(value: Any) -> bool:
    return is_trackable(value) and (isinstance(value, TrackableDataStructure) or type(value) not in (list, dict))


def _has_weights(value: Any) -> bool:
    own = type(value)
    return isinstance(value, (TrackableDataStructure, Tracked)) or (
        hasattr(own, "trainable_weights") and hasattr(own, "non_trainable_weights")
    )


def _layers_in(items: Any, seen: dict[int, Any]) -> list[Any]:
    for item in items:
        if isinstance(item, TrackableDataStructure):
            _layers_in(item._layers, seen)
        elif isinstance(item, Tracked):
            seen.setdefault(id(item), item)
    return list(seen.values())


class _Untrackable(ValueError):
    pass


class TrackableDataStructure(Trackable):
    """What lists and dictionaries of objects have in common: the layers and variables in them."""

    _self_structure = True

    def __init__(self) -> None:
        self._self_trainable = True
        self._self_extra_variables: list[Any] = []

    @property
    def trainable(self) -> bool:
        """Whether the variables in it are trained."""
        return self._self_trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._self_trainable = value

    def _track_value(self, value: Any, name: str) -> Any:
        value = sticky_attribute_assignment(self, name, value)
        if isinstance(value, Variable):
            self._self_extra_variables.append(value)
        if not _counts(value):
            raise _Untrackable(
                "Only trackable objects (such as Layers or Optimizers) may be stored in a List object. Got "
                f"{value}, which does not inherit from Trackable."
            )
        if hasattr(value, "_use_resource_variables"):
            value._use_resource_variables = True
        return value

    @property
    def _values(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def _layers(self) -> list[Any]:
        return [item for item in self._values if _has_weights(item)]

    @property
    def layers(self) -> list[Any]:
        """The layers in it, those in containers in it too."""
        return _layers_in(self._layers, {})

    def _of_layers(self, what: str) -> list[Any]:
        return [item for layer in self._layers for item in getattr(layer, what)]

    def _extra(self, trainable: bool) -> list[Any]:
        return [v for v in self._self_extra_variables if bool(v.trainable) is trainable]

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that are trained."""
        return [*self._of_layers("trainable_weights"), *self._extra(True)] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables."""
        others = [*self._of_layers("non_trainable_weights"), *self._extra(False)]
        return others if self.trainable else [*self._of_layers("trainable_weights"), *self._extra(True), *others]

    @property
    def weights(self) -> list[Any]:
        """All variables."""
        return self.trainable_weights + self.non_trainable_weights

    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights
    variables = weights

    @property
    def updates(self) -> list[Any]:
        """The updates of the layers."""
        return [item for layer in self.layers for item in getattr(layer, "updates", ())]

    @property
    def losses(self) -> list[Any]:
        """The losses of the layers."""
        return [item for layer in self.layers for item in getattr(layer, "losses", ())]

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@export("contrib.checkpoint.List")
class List(TrackableDataStructure, abc.Sequence):  # type: ignore[type-arg]
    """A list of objects to which one can only append. Source: TF 1.15 `tf.contrib.checkpoint.List`.

    Raises ValueError: an element that cannot be a part of a checkpoint.
    """

    _storage: list[Any]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._storage = self._make_storage(*args, **kwargs)
        for index, element in enumerate(self._storage):
            self._storage[index] = self._track_value(element, self._name_element(index))

    def _make_storage(self, *args: Any, **kwargs: Any) -> list[Any]:
        return list(*args, **kwargs)

    def _name_element(self, index: int) -> str:
        return str(index)

    @property
    def _values(self) -> Any:
        return self

    def copy(self) -> Any:
        """A list of the same elements."""
        return type(self)(copy.copy(self._storage))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._storage, memo))

    def append(self, value: Any) -> None:
        """Adds an element."""
        self._storage.append(self._track_value(value, self._name_element(len(self._storage))))

    def extend(self, values: Any) -> None:
        """Adds elements."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    def __add__(self, other: Any) -> Any:
        return type(self)(self._storage + getattr(other, "_storage", other))

    def __radd__(self, other: Any) -> Any:
        return type(self)(other) + self

    def __imul__(self, times: int) -> Any:
        if times <= 0:
            raise ValueError(f"List only supports append, multiplying in place by {times} removes elements.")
        own = list(self._storage)
        for _ in range(times - 1):
            self.extend(own)
        return self

    def __mul__(self, times: int) -> Any:
        return type(self)(self._storage * times)

    def __rmul__(self, times: int) -> Any:
        return self * times

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __repr__(self) -> str:
        return f"List({self._storage!r})"

    def __sizeof__(self) -> int:
        return super().__sizeof__() + sys.getsizeof(self._storage)


# Their methods differ in types only; what isinstance says is what they are there for.
_MutableSequence: Any = abc.MutableSequence
_PlainList: Any = list


class ListWrapper(List, _MutableSequence, _PlainList):  # type: ignore[misc]
    """What a list becomes that is assigned to an attribute; it tells of changes that a checkpoint cannot follow.

    Source: TF 1.15 `tensorflow.python.training.tracking.data_structures.ListWrapper`.
    """

    def __init__(self, wrapped_list: Any):
        self._non_append_mutation = False
        self._external_modification = False
        super().__init__(wrapped_list)
        self._update_snapshot()

    def _make_storage(self, wrapped_list: Any) -> Any:
        return wrapped_list

    def _inherit(self, copied: Any) -> Any:
        copied._non_append_mutation = self._non_append_mutation
        copied._external_modification = self._external_modification
        return copied

    def __copy__(self) -> Any:
        return self._inherit(super().__copy__())

    def __deepcopy__(self, memo: Any) -> Any:
        return self._inherit(super().__deepcopy__(memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._storage,)

    def _check_external_modification(self) -> None:
        dirty = self._external_modification or self._non_append_mutation
        if not dirty and not _same(self._storage, self._last_wrapped_list_snapshot):
            self._external_modification = True

    def _update_snapshot(self) -> None:
        # C code (NumPy's among it) looks at the list that the object itself is.
        list.__setitem__(self, slice(None), self._storage)
        if not (self._external_modification or self._non_append_mutation):
            self._last_wrapped_list_snapshot = list(self._storage)

    @property
    def _checkpoint_dependencies(self) -> Any:
        self._check_external_modification()
        start = f"Unable to save the object {self} (a list wrapper constructed to track trackable TensorFlow objects). "
        if self._non_append_mutation:
            raise ValueError(
                start
                + "A list element was replaced (__setitem__, __setslice__), deleted (__delitem__, __delslice__), or moved "
                "(sort). In order to support restoration on object creation, tracking is exclusively for append-only data "
                "structures.\n\n" + _WITHOUT.format("list")
            )
        if self._external_modification:
            raise ValueError(
                start
                + f"The wrapped list was modified outside the wrapper (its final value was {self._storage}, its value when a "
                f"checkpoint dependency was added was {self._last_wrapped_list_snapshot}), which breaks restoration on object "
                "creation.\n\n" + _WITHOUT.format("list")
            )
        return super()._checkpoint_dependencies

    def _mutated(self) -> None:
        self._non_append_mutation = True
        self._update_snapshot()

    def __delitem__(self, key: Any) -> None:
        del self._storage[key]
        self._mutated()

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_external_modification()
        if isinstance(key, slice):
            self._set_slice(key, value)
        else:
            if is_trackable(self._storage[key]):
                self._non_append_mutation = True
            self._storage[key] = self._track_value(value, self._name_element(key))
        self._update_snapshot()

    def _set_slice(self, key: slice, value: Any) -> None:
        before = list(self._storage)
        self._storage[key] = value
        if any(is_trackable(old) for old in before):
            self._non_append_mutation = True
        for i, new in enumerate(self._storage):
            if new is not None and not (i < len(before) and new is before[i]):
                self._storage[i] = self._track_value(new, self._name_element(i))

    def append(self, value: Any) -> None:
        """Adds an element."""
        self._check_external_modification()
        super().append(value)
        self._update_snapshot()

    def extend(self, values: Any) -> None:
        """Adds elements."""
        self._check_external_modification()
        super().extend(values)
        self._update_snapshot()

    def insert(self, index: Any, obj: Any) -> None:
        """Puts an element before another; the list can no longer be saved."""
        self._storage.insert(index, obj)
        self._mutated()

    def sort(self, **kwargs: Any) -> None:
        """Sorts; the list can no longer be saved."""
        self._storage.sort(**kwargs)
        self._mutated()

    def pop(self, *index: Any) -> Any:
        """Takes an element out; the list can no longer be saved."""
        taken = self._storage.pop(*index)
        self._mutated()
        return taken

    def reverse(self) -> None:
        """Turns the order round; the list can no longer be saved."""
        self._storage.reverse()
        self._mutated()

    def clear(self) -> None:
        """Takes all out; the list can no longer be saved."""
        self._storage.clear()
        self._mutated()

    def remove(self, value: Any) -> None:
        """Takes a value out; the list can no longer be saved."""
        self._storage.remove(value)
        self._mutated()

    def __imul__(self, times: int) -> Any:
        if times <= 0:
            self._storage *= times
            self._mutated()
            return self
        return super().__imul__(times)

    def __eq__(self, other: object) -> bool:
        return bool(self._storage == getattr(other, "_storage", other))

    def __ne__(self, other: object) -> bool:
        return bool(self._storage != getattr(other, "_storage", other))

    def __lt__(self, other: Any) -> bool:
        return bool(self._storage < getattr(other, "_storage", other))

    def __le__(self, other: Any) -> bool:
        return bool(self._storage <= getattr(other, "_storage", other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._storage > getattr(other, "_storage", other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._storage >= getattr(other, "_storage", other))

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'ListWrapper'")

    def _track_value(self, value: Any, name: str) -> Any:
        try:
            return super()._track_value(value, name)
        except _Untrackable:
            return sticky_attribute_assignment(self, name, value)

    def __repr__(self) -> str:
        return f"ListWrapper({self._storage!r})"


def _same(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))


@export("contrib.checkpoint.Mapping")
class Mapping(TrackableDataStructure, abc.Mapping):  # type: ignore[type-arg]
    """A dictionary of objects by strings, to which one can only add. Source: TF 1.15 `tf.contrib.checkpoint.Mapping`.

    Raises ValueError: a key that is taken, a value that cannot be a part of a checkpoint; TypeError: another key.
    """

    _storage: dict[Any, Any]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._storage = dict(*args, **kwargs)
        for key, value in list(self._storage.items()):
            self._storage[key] = self._track_value(value, self._name_element(key))

    def __copy__(self) -> Any:
        return type(self)(copy.copy(self._storage))

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._storage, memo))

    @property
    def _values(self) -> Any:
        return [self._storage[key] for key in sorted(self._storage)]

    def _name_element(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        return key

    def __setitem__(self, key: Any, value: Any) -> None:
        name = self._name_element(key)
        if key in self._storage and self._storage[key] is not value:
            raise ValueError(
                "Mappings are an append-only data structure. Tried to overwrite the key "
                f"'{key}' with value {value}, but it already contains {self._storage[key]}"
            )
        self._storage[key] = self._track_value(value, name)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds the values of another dictionary."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        return self._storage[key]

    def __len__(self) -> int:
        return len(self._storage)

    def __repr__(self) -> str:
        return f"Mapping({self._storage!r})"

    def __iter__(self) -> Any:
        return iter(self._storage)


class _DictWrapper(TrackableDataStructure, abc.MutableMapping):  # type: ignore[type-arg]
    """What a dictionary becomes that is assigned to an attribute; it stands for the dictionary, which it holds.

    Source: TF 1.15 `tensorflow.python.training.tracking.data_structures._DictWrapper`.
    """

    __wrapped__: dict[Any, Any]

    def __init__(self, wrapped_dict: Any = None):
        super().__init__()
        known = wrapped_dict if isinstance(wrapped_dict, abc.Mapping) else dict(wrapped_dict or {})
        self.__wrapped__ = known  # type: ignore[assignment]
        self._self_non_string_key = self._self_external_modification = False
        for key, value in list(known.items()):
            self.__wrapped__[key] = self._track_value(value, key)
        self._update_snapshot()

    # `isinstance(value, dict)` holds, though the object does not derive from dict: C code would look past it.
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _DictWrapper, (self.__wrapped__,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "__wrapped__" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def _inherit(self, copied: Any) -> Any:
        copied._self_external_modification = self._self_external_modification
        copied._self_non_string_key = self._self_non_string_key
        return copied

    def copy(self) -> Any:
        """A dictionary of the same values."""
        return copy.copy(self)

    def __copy__(self) -> Any:
        return self._inherit(_DictWrapper(copy.copy(self.__wrapped__)))

    def __deepcopy__(self, memo: Any) -> Any:
        return self._inherit(_DictWrapper(copy.deepcopy(self.__wrapped__, memo)))

    @property
    def _values(self) -> Any:
        return [value for _, value in sorted(self.__wrapped__.items(), key=lambda item: item[0])]

    @property
    def _checkpoint_dependencies(self) -> Any:
        self._check_self_external_modification()
        start = f"Unable to save the object {self} (a dictionary wrapper constructed automatically on attribute assignment). The wrapped dictionary "
        if self._self_non_string_key:
            raise ValueError(
                start + "contains a non-string key which maps to a trackable object or mutable data structure.\n\n"
                "" + _WITHOUT.format("dictionary")
            )
        if self._self_external_modification:
            raise ValueError(
                start
                + f"was modified outside the wrapper (its final value was {self}, its value when a checkpoint dependency was "
                f"added was {self._self_last_wrapped_dict_snapshot}), which breaks restoration on object creation.\n\n"
                "" + _WITHOUT.format("dictionary")
            )
        return super()._checkpoint_dependencies

    @property
    def _dirty(self) -> bool:
        return self._self_external_modification or self._self_non_string_key

    def _check_self_external_modification(self) -> None:
        if not self._dirty and not _same_items(self.__wrapped__, self._self_last_wrapped_dict_snapshot):
            self._self_external_modification = True

    def _update_snapshot(self) -> None:
        if not self._dirty:
            self._self_last_wrapped_dict_snapshot = dict(self.__wrapped__)

    def _track_value(self, value: Any, name: Any) -> Any:
        named = isinstance(name, str)
        free = isinstance(value, NoDependency)
        name = name if named else "-non_string_key"
        try:
            value = super()._track_value(value, name)
        except _Untrackable:
            return sticky_attribute_assignment(self, name, value)
        if not (named or free):
            self._self_non_string_key = True
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_self_external_modification()
        if isinstance(key, str):
            value = self._track_value(value, key)
        else:
            free = isinstance(value, NoDependency)
            value = wrapped(value)
            if not free and _counts(value):
                self._self_non_string_key = True
        self.__wrapped__[key] = value
        self._update_snapshot()

    def __delitem__(self, key: Any) -> None:
        self._check_self_external_modification()
        del self.__wrapped__[key]
        self._update_snapshot()

    def pop(self, *args: Any) -> Any:
        """Takes a value out of the dictionary; it can no longer be saved."""
        return self.__wrapped__.pop(*args)

    def __getitem__(self, key: Any) -> Any:
        return self.__wrapped__[key]

    def __len__(self) -> int:
        return len(self.__wrapped__)

    def __iter__(self) -> Any:
        return iter(self.__wrapped__)

    def __contains__(self, key: Any) -> bool:
        return key in self.__wrapped__

    def __repr__(self) -> str:
        return f"DictWrapper({self.__wrapped__!r})"

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'DictWrapper'")

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == getattr(other, "__wrapped__", other))

    def __ne__(self, other: object) -> bool:
        return not self == other


def _same_items(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(first[key] is second[key] for key in first)
