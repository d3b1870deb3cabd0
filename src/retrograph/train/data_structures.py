"""Lists and dictionaries that are parts of a checkpoint's object graph: what attributes that hold such become."""

from __future__ import annotations

import collections
import copy
import operator
import sys
from collections import abc
from collections.abc import Callable
from typing import Any

from retrograph.framework.exports import export
from retrograph.keras.tracking import Tracked
from retrograph.train.tracking import Trackable, is_trackable
from retrograph.variables.base import Variable

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


class _NotTrackableError(ValueError):
    pass


class TrackableDataStructure(Trackable):
    """What lists and dictionaries of objects have in common: the layers and variables in them."""

    _is_structure = True

    def __init__(self) -> None:
        self._trained = True
        self._held_variables: list[Any] = []

    @property
    def trainable(self) -> bool:
        """Whether the variables in it are trained."""
        return self._trained

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trained = value

    def _taken_in(self, value: Any, name: str) -> Any:
        value = sticky_attribute_assignment(self, name, value)
        if isinstance(value, Variable):
            self._held_variables.append(value)
        if not _counts(value):
            raise _NotTrackableError(
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
        return [v for v in self._held_variables if bool(v.trainable) is trainable]

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

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._hold(list(*args, **kwargs))

    def _hold(self, elements: list[Any]) -> None:
        self._elements = elements
        for place, element in enumerate(elements):
            elements[place] = self._taken_in(element, str(place))

    @property
    def _values(self) -> Any:
        return self

    def copy(self) -> Any:
        """A list of the same elements."""
        return type(self)(list(self._elements))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._elements, memo))

    def append(self, value: Any) -> None:
        """Adds an element."""
        self._elements.append(self._taken_in(value, str(len(self))))

    def extend(self, values: Any) -> None:
        """Adds elements."""
        for value in values:
            self.append(value)

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    def __add__(self, other: Any) -> Any:
        return type(self)([*self, *_plain(other)])

    def __radd__(self, other: Any) -> Any:
        return type(self)([*_plain(other), *self])

    def __imul__(self, times: int) -> Any:
        if times <= 0:
            raise ValueError(f"List only supports append, multiplying in place by {times} removes elements.")
        self.extend(self._elements * (times - 1))
        return self

    def __mul__(self, times: int) -> Any:
        return type(self)(self._elements * times)

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Any:
        return self._elements[key]

    def __len__(self) -> int:
        return len(self._elements)

    def __repr__(self) -> str:
        return f"List({self._elements!r})"

    def __sizeof__(self) -> int:
        return super().__sizeof__() + sys.getsizeof(self._elements)


def _plain(value: Any) -> Any:
    """The list or dictionary that a wrapper stands for; others as they are."""
    return getattr(value, "_elements", value)


_MOVED, _OUTSIDE, _KEYED = "moved", "outside", "keyed"


class _Watch:
    """Notes what keeps a wrapped list or dictionary from being restored; a copy of it shows changes behind the wrapper."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()
        self.known: Any = None

    def look(self, now: Any) -> None:
        """Compares with what was there when the wrapper last changed it."""
        if not self.reasons and not _same(now, self.known):
            self.reasons.add(_OUTSIDE)

    def keep(self, now: Any) -> None:
        """Takes what is there as the wrapper's own doing."""
        if not self.reasons:
            self.known = dict(now) if isinstance(now, abc.Mapping) else list(now)


def _same(one: Any, other: Any) -> bool:
    """Whether two lists or two dictionaries hold the same objects."""
    a, b = (dict(c) if isinstance(c, abc.Mapping) else dict(enumerate(c)) for c in (one, other))
    return a.keys() == b.keys() and all(value is b[key] for key, value in a.items())


def _moving(name: str) -> Any:
    """A method of lists after which elements are no longer where they were."""
    method = getattr(list, name)

    def moving(self: ListWrapper, *args: Any, **kwargs: Any) -> Any:
        result = method(self._elements, *args, **kwargs)
        self._watch.reasons.add(_MOVED)
        self._settle()
        return result

    moving.__name__, moving.__doc__ = name, f"`list.{name}`; the list can no longer be saved."
    return moving


def _comparing(compare: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: bool(compare(self._elements, _plain(other)))


# Their methods differ in types only; what isinstance says is what they are there for.
_MutableSequence: Any = abc.MutableSequence
_PlainList: Any = list


class ListWrapper(List, _MutableSequence, _PlainList):  # type: ignore[misc]
    """What a list becomes that is assigned to an attribute; it tells of changes that a checkpoint cannot follow.

    Source: TF 1.15 `tensorflow.python.training.tracking.data_structures.ListWrapper`.
    """

    def __init__(self, wrapped_list: Any):
        TrackableDataStructure.__init__(self)
        self._watch = _Watch()
        self._hold(wrapped_list)
        self._settle()

    def _settle(self) -> None:
        # C code (NumPy's among it) looks at the list that the object itself is.
        list.__setitem__(self, slice(None), self._elements)
        self._watch.keep(self._elements)

    def __copy__(self) -> Any:
        return self._likewise(super().__copy__())

    def __deepcopy__(self, memo: Any) -> Any:
        return self._likewise(super().__deepcopy__(memo))

    def _likewise(self, copied: ListWrapper) -> ListWrapper:
        copied._watch.reasons |= self._watch.reasons
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._elements,)

    @property
    def _checkpoint_dependencies(self) -> Any:
        self._watch.look(self._elements)
        start = f"Unable to save the object {self} (a list wrapper constructed to track trackable TensorFlow objects). "
        if _MOVED in self._watch.reasons:
            raise ValueError(
                start
                + "A list element was replaced (__setitem__, __setslice__), deleted (__delitem__, __delslice__), or moved "
                "(sort). In order to support restoration on object creation, tracking is exclusively for append-only data "
                "structures.\n\n" + _WITHOUT.format("list")
            )
        if _OUTSIDE in self._watch.reasons:
            raise ValueError(
                start
                + f"The wrapped list was modified outside the wrapper (its final value was {self._elements}, its value when a "
                f"checkpoint dependency was added was {self._watch.known}), which breaks restoration on object "
                "creation.\n\n" + _WITHOUT.format("list")
            )
        return super()._checkpoint_dependencies

    __delitem__, insert, sort, pop = map(_moving, ("__delitem__", "insert", "sort", "pop"))
    reverse, clear, remove = map(_moving, ("reverse", "clear", "remove"))
    __eq__, __ne__ = _comparing(operator.eq), _comparing(operator.ne)
    __lt__, __le__ = _comparing(operator.lt), _comparing(operator.le)
    __gt__, __ge__ = _comparing(operator.gt), _comparing(operator.ge)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._watch.look(self._elements)
        before = list(self._elements)
        replaced = before if isinstance(key, slice) else [before[key]]
        self._elements[key] = value
        if any(map(is_trackable, replaced)):
            self._watch.reasons.add(_MOVED)
        if isinstance(key, slice):
            self._take_in_new(before)
        else:
            self._elements[key] = self._taken_in(value, str(key))
        self._settle()

    def _take_in_new(self, before: list[Any]) -> None:
        for place, element in enumerate(self._elements):
            if element is not None and not (place < len(before) and element is before[place]):
                self._elements[place] = self._taken_in(element, str(place))

    def append(self, value: Any) -> None:
        """Adds an element."""
        self._watch.look(self._elements)
        super().append(value)
        self._settle()

    def __imul__(self, times: int) -> Any:
        if times > 0:
            return super().__imul__(times)
        self.clear()
        return self

    def __hash__(self) -> int:
        raise TypeError("unhashable type: 'ListWrapper'")

    def _taken_in(self, value: Any, name: str) -> Any:
        try:
            return super()._taken_in(value, name)
        except _NotTrackableError:
            return sticky_attribute_assignment(self, name, value)

    def __repr__(self) -> str:
        return f"ListWrapper({self._elements!r})"


@export("contrib.checkpoint.Mapping")
class Mapping(TrackableDataStructure, abc.Mapping):  # type: ignore[type-arg]
    """A dictionary of objects by strings, to which one can only add. Source: TF 1.15 `tf.contrib.checkpoint.Mapping`.

    Raises ValueError: a key that is taken, a value that cannot be a part of a checkpoint; TypeError: another key.
    """

    _elements: dict[Any, Any]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()
        self._elements = dict(*args, **kwargs)
        for key, value in list(self._elements.items()):
            self._elements[key] = self._taken_in(value, self._checked_key(key))

    def __copy__(self) -> Any:
        return type(self)(copy.copy(self._elements))

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self)(copy.deepcopy(self._elements, memo))

    @property
    def _values(self) -> Any:
        return [self._elements[key] for key in sorted(self._elements)]

    def _checked_key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"Mapping accepts only string keys, but got a key {key!r}.")
        return key

    def __setitem__(self, key: Any, value: Any) -> None:
        name = self._checked_key(key)
        if key in self._elements and self._elements[key] is not value:
            raise ValueError(
                "Mappings are an append-only data structure. Tried to overwrite the key "
                f"'{key}' with value {value}, but it already contains {self._elements[key]}"
            )
        self._elements[key] = self._taken_in(value, name)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds the values of another dictionary."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        return self._elements[key]

    def __len__(self) -> int:
        return len(self._elements)

    def __repr__(self) -> str:
        return f"Mapping({self._elements!r})"

    def __iter__(self) -> Any:
        return iter(self._elements)


class _DictWrapper(TrackableDataStructure, abc.MutableMapping):  # type: ignore[type-arg]
    """What a dictionary becomes that is assigned to an attribute; it stands for the dictionary, which it holds.

    Source: TF 1.15 `tensorflow.python.training.tracking.data_structures._DictWrapper`.
    """

    __wrapped__: dict[Any, Any]

    def __init__(self, wrapped_dict: Any = None):
        super().__init__()
        known = wrapped_dict if isinstance(wrapped_dict, abc.Mapping) else dict(wrapped_dict or {})
        self.__wrapped__ = known  # type: ignore[assignment]
        self._watch = _Watch()
        for key, value in list(known.items()):
            self.__wrapped__[key] = self._taken_in(value, key)
        self._watch.keep(self.__wrapped__)

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

    def _likewise(self, copied: _DictWrapper) -> _DictWrapper:
        copied._watch.reasons |= self._watch.reasons
        return copied

    def copy(self) -> Any:
        """A dictionary of the same values."""
        return copy.copy(self)

    def __copy__(self) -> Any:
        return self._likewise(_DictWrapper(copy.copy(self.__wrapped__)))

    def __deepcopy__(self, memo: Any) -> Any:
        return self._likewise(_DictWrapper(copy.deepcopy(self.__wrapped__, memo)))

    @property
    def _values(self) -> Any:
        return [value for _, value in sorted(self.__wrapped__.items(), key=lambda item: item[0])]

    @property
    def _checkpoint_dependencies(self) -> Any:
        self._watch.look(self.__wrapped__)
        start = f"Unable to save the object {self} (a dictionary wrapper constructed automatically on attribute assignment). The wrapped dictionary "
        if _KEYED in self._watch.reasons:
            raise ValueError(
                start + "contains a non-string key which maps to a trackable object or mutable data structure.\n\n"
                "" + _WITHOUT.format("dictionary")
            )
        if _OUTSIDE in self._watch.reasons:
            raise ValueError(
                start
                + f"was modified outside the wrapper (its final value was {self}, its value when a checkpoint dependency was "
                f"added was {self._watch.known}), which breaks restoration on object creation.\n\n"
                "" + _WITHOUT.format("dictionary")
            )
        return super()._checkpoint_dependencies

    def _taken_in(self, value: Any, name: Any) -> Any:
        named = isinstance(name, str)
        free = isinstance(value, NoDependency)
        name = name if named else "-non_string_key"
        try:
            value = super()._taken_in(value, name)
        except _NotTrackableError:
            return sticky_attribute_assignment(self, name, value)
        if not (named or free):
            self._watch.reasons.add(_KEYED)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._watch.look(self.__wrapped__)
        if isinstance(key, str):
            value = self._taken_in(value, key)
        else:
            free = isinstance(value, NoDependency)
            value = wrapped(value)
            if not free and _counts(value):
                self._watch.reasons.add(_KEYED)
        self.__wrapped__[key] = value
        self._watch.keep(self.__wrapped__)

    def __delitem__(self, key: Any) -> None:
        self._watch.look(self.__wrapped__)
        del self.__wrapped__[key]
        self._watch.keep(self.__wrapped__)

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
