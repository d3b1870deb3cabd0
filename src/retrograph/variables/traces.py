"""Variables of functions that TensorFlow traces once and calls often: later calls take those that the first one made."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor
from retrograph.variables.opened import OpenedNames
from retrograph.variables.scope import STORE_KEY, PureVariableScope, VariableScope, get_variable_scope, stack_of
from retrograph.variables.spec import AUTO_REUSE

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type, DType)


class _Trace(NamedTuple):
    """Where the first call got its variables."""

    scope: VariableScope
    opened: OpenedNames


class _Same:
    """A key that is equal for one object only; it keeps nothing alive that can be held weakly."""

    def __init__(self, value: Any):
        self._hash = id(value)
        try:
            self._held: Any = weakref.ref(value)
        except TypeError:
            self._held = lambda: value

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._held() is not None and self._held() is other._held()


def signature_of(args: Any) -> Hashable:
    """What a trace is found by: dtypes and shapes of tensors and arrays, other values themselves."""
    return tuple(_part(value) for value in nest.flatten(args, expand_composites=True))


def _part(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        return value._dtype._base, value._shape
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype, value.shape
    return (type(value), value) if isinstance(value, _PLAIN) else _Same(value)


def _count(graph: Graph) -> int:
    held = graph._collections.get(STORE_KEY)
    return len(held[0]._vars) if held else 0


@contextmanager
def resources_by_default() -> Iterator[None]:
    """Variables of the current scope that do not say what they are become resources, as in all functions but `Defun`."""
    scope = get_variable_scope()
    before = scope._defaults
    scope.set_use_resource(True)
    try:
        yield
    finally:
        scope._defaults = before


def with_defaults_of_now(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with variables of the kind that the scope has by default now."""
    kind = get_variable_scope().use_resource

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        get_variable_scope().set_use_resource(kind)
        return function(*args, **kwargs)

    return call


class Traces:
    """The calls of a function that made variables, by graph and signature."""

    def __init__(self) -> None:
        self._by_graph: weakref.WeakKeyDictionary[Graph, dict[Hashable, _Trace]] = weakref.WeakKeyDictionary()

    @contextmanager
    def call(self, signature: Hashable) -> Iterator[None]:
        """A call: one whose signature was called before gets the variables of then, whatever scope is open now."""
        graph = get_default_graph()
        known = self._by_graph.setdefault(graph, {})
        stack = stack_of(graph)
        outer = stack.opened
        trace = known.get(signature)
        if trace is None:
            trace, count = _Trace(stack.current_scope, outer.copy()), _count(graph)
            yield
            if _count(graph) > count:
                known[signature] = trace
            return
        stack.opened = trace.opened.copy()
        try:
            with PureVariableScope(trace.scope, AUTO_REUSE):
                yield
        finally:
            stack.opened = outer
