"""Functions of elements as they run: on NumPy if all their operations can, else compiled like a session's run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from retrograph.data.functions import must_run
from retrograph.data.host.engine import Element, Root
from retrograph.framework import errors
from retrograph.framework.function_graph import GraphFunction, find_function
from retrograph.runtime.lower import Evaluator, Instruction, has_numpy
from retrograph.runtime.places import is_handle
from retrograph.runtime.plan import Plan
from retrograph.runtime.state import HANDLE_TYPES, HostContext, Ref
from retrograph.runtime.steps import may_wait
from retrograph.runtime.timeline import Tracer

# NumPy's are slower than a compiled program, however small the image is.
_HEAVY = frozenset(
    ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "MatMul", "BatchMatMul", "BatchMatMulV2", "Conv2DBackpropInput")
)
_MOST_ELEMENTS = 1 << 22


class _Cells(MutableMapping[Any, Any]):
    """The random streams of a function's operations, and the variables of the session (whose keys are names)."""

    def __init__(self, outer: Any):
        self.own: dict[Any, Any] = {}
        self.outer = outer

    def _home(self, key: Any) -> Any:
        return self.outer if isinstance(key, str) else self.own

    def __getitem__(self, key: Any) -> Any:
        return self._home(key)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._home(key)[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._home(key)[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._home(key)

    def __iter__(self) -> Iterator[Any]:
        yield from list(self.own)
        yield from self._outer_names()

    def _outer_names(self) -> list[str]:
        # What is kept for an operation of the session's graph is not this function's.
        return [key for key in list(self.outer) if isinstance(key, str)]

    def __len__(self) -> int:
        return len(self.own) + len(self._outer_names())


class Runner:
    """How a function runs, whoever calls it."""

    def __init__(self, function: GraphFunction):
        self.graph = graph = function.graph
        self.plan = Plan(graph, must_run(graph), graph.outputs, graph.inputs)
        ops = self.plan.ops
        self.with_cells = any(op._type in HANDLE_TYPES for op in ops) or any(
            is_handle(t) for op in ops for t in op._inputs
        )
        plain = all(item.__class__ is Instruction and not may_wait(item) for item in self.plan.items)
        self.on_numpy = plain and all(has_numpy(op) and op._type not in _HEAVY for op in ops)
        self.stateless = not self.with_cells and not any(i.effect for i in self.plan.items if plain)
        self.single = len(graph.outputs) == len(set(graph.outputs))


def runner_of(function: GraphFunction) -> Runner:
    """How the function runs, worked out at the first call."""
    if function.runner is None:
        function.runner = Runner(function)
    found: Runner = function.runner
    return found


class FunctionState:
    """What a plan takes for its session while it runs a function."""

    _has_container = False

    def __init__(self, session: Any, runner: Runner):
        self.session = session
        self.graph = runner.graph
        self._cells: Any = _Cells(session._cells) if runner.with_cells else {}
        self._lock = session._lock if runner.with_cells else threading.RLock()
        self._resources, self._waits = session._resources, session._waits
        self._tracer = Tracer()

    @property
    def _closed(self) -> bool:
        return bool(self.session._closed)


class Call:
    """A function with the values that it captured, for the iterators of one initialization."""

    def __init__(self, function: GraphFunction, captured: Sequence[Any], root: Root):
        self.runner = runner_of(function)
        self.captured = tuple(captured)
        self.state = root.shared(("function", function.name), lambda: FunctionState(root.session, self.runner))

    def __call__(self, *arguments: Any) -> Element:
        """The values that the function gives, each an array."""
        runner, values = self.runner, (*arguments, *self.captured)
        if runner.on_numpy and sum(v.size for v in values if v.__class__ is np.ndarray) <= _MOST_ELEMENTS:
            return self._on_numpy(runner, values)
        return tuple(_as_array(v) for v in runner.plan.run(self.state, list(values)))

    def _on_numpy(self, runner: Runner, values: Element) -> Element:
        env = dict(zip(runner.graph.inputs, values, strict=True))
        context = HostContext(self.state, stateless=runner.stateless)
        with np.errstate(all="ignore"):
            Evaluator(context, env, host=True).run(runner.plan.items)
        if context.written:
            with self.state._lock:
                context.commit(frozenset(map(id, values)))
        if runner.stateless:
            return tuple([env[t] for t in runner.graph.outputs])
        return tuple([self._value(env[t], context) for t in runner.graph.outputs])

    def _value(self, value: Any, context: HostContext) -> Any:
        return context.read(value) if value.__class__ is Ref and not _is_resource(value) else value


def _is_resource(ref: Ref) -> bool:
    return ref.op._outputs[0]._dtype._base.name == "resource"


def _as_array(value: Any) -> Any:
    return value if value.__class__ is Ref or value.__class__ is np.ndarray else np.asarray(value)


class HostFunction:
    """The function that an attribute of an operation names, with the values that it captured."""

    def __init__(self, op: Any, attribute: str, captured: Sequence[Any]):
        name = op._attrs[attribute]
        function = find_function(op._graph, name)
        if function is None:
            raise errors.NotFoundError(None, op, f"Function {name} is not defined.")
        self.function = function
        self.captured = tuple(captured)

    def call(self, root: Root) -> Call:
        """The function for iterators of one initialization."""
        return Call(self.function, self.captured, root)
