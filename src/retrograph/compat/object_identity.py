"""`tensorflow.python.util.object_identity`: dictionaries and sets whose keys are objects, not what these are equal to."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, MutableMapping, MutableSet
from typing import Any


class _ObjectIdentityWrapper:
    """An object as a key: equal to another of the same object only."""

    __slots__ = ("_wrapped",)

    def __init__(self, wrapped: Any):
        self._wrapped = wrapped

    @property
    def unwrapped(self) -> Any:
        """The object."""
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ObjectIdentityWrapper):
            raise TypeError("Cannot compare wrapped object with unwrapped object")
        return self._wrapped is other._wrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} wrapping {self._wrapped!r}>"


class _WeakObjectIdentityWrapper(_ObjectIdentityWrapper):
    """A weak reference to an object as a key."""

    __slots__ = ("_id",)

    def __init__(self, wrapped: Any):
        super().__init__(weakref.ref(wrapped))
        self._id = id(wrapped)

    @property
    def unwrapped(self) -> Any:
        """The object, or None if it is gone."""
        return self._wrapped()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _WeakObjectIdentityWrapper) and self._id == other._id

    def __hash__(self) -> int:
        return self._id


class ObjectIdentityDictionary(MutableMapping[Any, Any]):
    """A dictionary whose keys are objects."""

    _wrapper: type[_ObjectIdentityWrapper] = _ObjectIdentityWrapper

    def __init__(self) -> None:
        self._storage: dict[_ObjectIdentityWrapper, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        return self._storage[self._wrapper(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._storage[self._wrapper(key)] = value

    def __delitem__(self, key: Any) -> None:
        del self._storage[self._wrapper(key)]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            if key.unwrapped is not None:
                yield key.unwrapped


class ObjectIdentityWeakKeyDictionary(ObjectIdentityDictionary):
    """A dictionary whose keys are objects that it does not keep alive."""

    _wrapper = _WeakObjectIdentityWrapper


class ObjectIdentitySet(MutableSet[Any]):
    """A set of objects."""

    _wrapper: type[_ObjectIdentityWrapper] = _ObjectIdentityWrapper

    def __init__(self, *args: Iterable[Any]):
        self._storage = {self._wrapper(one) for some in args for one in some}

    def __contains__(self, key: Any) -> bool:
        return self._wrapper(key) in self._storage

    def __iter__(self) -> Iterator[Any]:
        for key in list(self._storage):
            if key.unwrapped is not None:
                yield key.unwrapped

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def add(self, key: Any) -> None:
        """Adds an object."""
        self._storage.add(self._wrapper(key))

    def discard(self, key: Any) -> None:
        """Takes an object out, if it is there."""
        self._storage.discard(self._wrapper(key))

    def update(self, items: Iterable[Any]) -> None:
        """Adds objects."""
        for item in items:
            self.add(item)

    def intersection(self, items: Iterable[Any]) -> ObjectIdentitySet:
        """The objects that both have."""
        others = type(self)(items)
        return type(self)(one for one in self if one in others)

    def difference(self, items: Iterable[Any]) -> ObjectIdentitySet:
        """The objects that `items` does not have."""
        others = type(self)(items)
        return type(self)(one for one in self if one not in others)


class ObjectIdentityWeakSet(ObjectIdentitySet):
    """A set of objects that it does not keep alive."""

    _wrapper = _WeakObjectIdentityWrapper
