"""What `Session.run` is asked for: any structure of tensors, operations and names, and how results fill it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices, IndexedSlicesValue, SparseTensor, SparseTensorValue
from retrograph.runtime.handles import makes_handle

Rebuild = Callable[[list[Any]], Any]


class InaccessibleTensorError(ValueError):
    """A tensor or operation cannot be reached from here."""


_EXPANSIONS: list[
    tuple[type, Callable[[Any], tuple[list[Any], Rebuild]], Callable[[Any, Any], list[tuple[Any, Any]]] | None]
] = []


def register_session_run_conversion_functions(
    tensor_type: type,
    fetch_function: Callable[[Any], Any],
    feed_function: Any = None,
    feed_function_for_partial_run: Any = None,
) -> None:
    """Lets `run` take objects of a type: `fetch_function(object) -> (fetches, rebuild)`, `feed_function(key, value) -> [(tensor, value)]`.

    Raises ValueError: the type is registered already. Source: TF 1.15 `tensorflow.python.client.session`.
    """
    if any(issubclass(tensor_type, known) for known, _, _ in _EXPANSIONS):
        raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _EXPANSIONS.insert(0, (tensor_type, fetch_function, feed_function))


def _fetch_sparse(value: Any) -> tuple[list[Any], Rebuild]:
    return [value.indices, value.values, value.dense_shape], lambda parts: SparseTensorValue(*parts)


def _feed_sparse(key: Any, value: Any) -> list[tuple[Any, Any]]:
    return list(zip([key.indices, key.values, key.dense_shape], value, strict=False))


def _slices_parts(value: Any) -> list[Any]:
    return [value.values, value.indices] + ([] if value.dense_shape is None else [value.dense_shape])


def _fetch_slices(value: Any) -> tuple[list[Any], Rebuild]:
    return _slices_parts(value), lambda parts: IndexedSlicesValue(*parts, *([None] if len(parts) == 2 else []))


def _feed_slices(key: Any, value: Any) -> list[tuple[Any, Any]]:
    return list(zip(_slices_parts(key), value, strict=False))


_EXPANSIONS += [(SparseTensor, _fetch_sparse, _feed_sparse), (IndexedSlices, _fetch_slices, _feed_slices)]


class Fetches:
    """A parsed fetch argument: unique `elements`, which are `tensors` and `targets`, and what fills it from their values."""

    def __init__(self, graph: Graph, fetches: Any):
        self._graph = graph
        self.elements: dict[Any, Rebuild] = {}
        self.tensors: list[Tensor] = []
        self.targets: list[Operation] = []
        self._rebuild = self._mapper(fetches)
        self.handles = [i for i, t in enumerate(self.tensors) if makes_handle(t)]
        self.source = fetches  # keeps what the cache's keys name alive

    def fill(self, values: list[Any]) -> Any:
        """The structure with the values of `tensors`; operations give None."""
        values.append(None)
        return self._rebuild(values)

    def _mapper(self, fetch: Any) -> Rebuild:
        if fetch is None:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}")
        if isinstance(fetch, (list, tuple)):
            return self._of_sequence(fetch)
        if isinstance(fetch, Mapping):
            return self._of_mapping(fetch)
        if hasattr(type(fetch), "__attrs_attrs__"):
            return self._of_attrs(fetch)
        for known, expand, _ in _EXPANSIONS:
            if isinstance(fetch, known):
                return self._of_expansion(*expand(fetch))
        return self._of_element(fetch)

    def _of_sequence(self, fetch: Any) -> Rebuild:
        mappers = [self._mapper(f) for f in fetch]
        cls = type(fetch)
        if hasattr(cls, "_fields"):
            return lambda values: cls(*[m(values) for m in mappers])
        if cls is list:
            return lambda values: [m(values) for m in mappers]
        return lambda values: cls([m(values) for m in mappers])

    def _of_mapping(self, fetch: Any) -> Rebuild:
        mappers = {k: self._mapper(f) for k, f in fetch.items()}
        cls = type(fetch)

        def rebuild(values: list[Any]) -> Any:
            made = cls()
            for key, mapper in mappers.items():
                made[key] = mapper(values)
            return made

        return rebuild

    def _of_attrs(self, fetch: Any) -> Rebuild:
        names = [a.name for a in type(fetch).__attrs_attrs__]
        mappers = [self._mapper(getattr(fetch, n)) for n in names]
        return lambda values: type(fetch)(*[m(values) for m in mappers])

    def _of_expansion(self, parts: Any, rebuild: Rebuild) -> Rebuild:
        mappers = [self._mapper(p) for p in parts]
        return lambda values: rebuild([m(values) for m in mappers])

    def _of_element(self, fetch: Any) -> Rebuild:
        try:
            element = self._graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True)
        except TypeError as error:
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {type(fetch)!r}, must be a string or Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({error})") from None
        self._check_fetchable(element)
        if element not in self.elements:
            self.elements[element] = itemgetter(len(self.tensors) if isinstance(element, Tensor) else -1)
            (self.tensors if isinstance(element, Tensor) else self.targets).append(element)
        return self.elements[element]

    def _check_fetchable(self, element: Any) -> None:
        if self._graph.is_fetchable(element):
            return
        op = element.op if isinstance(element, Tensor) else element
        raise InaccessibleTensorError(
            f"Operation {op.name!r} has been marked as not fetchable. Typically this happens when it is defined in another function or code block. Use return values,"
            "explicit Python locals or TensorFlow collections to access it."
        )


def as_result(value: Any) -> Any:
    """A fetched value as the program gets it: its own array, or a NumPy scalar."""
    if value.__class__ is not np.ndarray:
        if hasattr(value, "is_flow"):
            return np.float32(0.0)  # the flow of a TensorArray, which only orders what is done with it
        if not getattr(value, "shape", ()):
            scalar = np.asarray(value)
            return scalar[()] if scalar.dtype != object or scalar.ndim == 0 else scalar
        return np.array(value)
    if value.ndim == 0:
        return value[()]
    return value.copy()


def expand_feed(key: Any, value: Any) -> list[tuple[Any, Any]]:
    """The (tensor, value) pairs that one entry of a feed stands for."""
    for known, _, feed in _EXPANSIONS:
        if feed is not None and isinstance(key, known):
            return feed(key, value)
    return [(key, value)]
