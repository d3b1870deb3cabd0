"""Plans: the pruned graph of one kind of `run` call, in order, cut into XLA segments and host steps."""

from __future__ import annotations

import heapq
import math
import re
import signal
import threading
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from retrograph.framework import errors, frames
from retrograph.framework.graph import Graph, Operation, Tensor
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import RECORDS
from retrograph.runtime import exits
from retrograph.runtime.hoisting import MOST_KEYS, hoisted
from retrograph.runtime.lower import (
    Evaluator,
    HostBudgetError,
    Instruction,
    MissingResourceError,
    NeedsConcreteError,
    UninitializedVariableError,
    dead_fetch_error,
    is_opaque,
    is_read_of_reference,
    located,
    reader_of,
    uninitialized_error,
)
from retrograph.runtime.places import Cells, groups, is_handle, ops_of, taken_by
from retrograph.runtime.resources import run_in_turn
from retrograph.runtime.state import (
    HANDLE_TYPES,
    HostContext,
    Ref,
    TraceContext,
    cell_key,
    initial_stream,
)

_CONTROL_FLOW_TYPES = frozenset(
    (
        "Switch",
        "RefSwitch",
        "Merge",
        "RefMerge",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "RefNextIteration",
        "LoopCond",
    )
)
_WITHOUT_CONTAINER = re.compile(r"Resource localhost/(\S+)/N10tensorflow3VarE does not exist\.")
# Programs' functions, which may wait for other threads.
_CALLING_TYPES = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))
# What may pick one of several handles.
_HANDLE_ARRAYS = frozenset(("Pack", "Gather", "GatherV2"))
_BACK_EDGES = frozenset(("NextIteration", "RefNextIteration"))
# A plan this small is run by NumPy: XLA's dispatch alone costs more.
_HOST_OPS, _HOST_ELEMENTS, _HOST_TINY, _HOST_BUDGET = 256, 4096, 8, 40_000
_HOST_TINY_OF_QUEUE = 40
_HOST_SMALL = 32


def pruned(targets: Iterable[Operation], fed: set[Tensor]) -> list[Operation]:
    """The operations that the targets need, in the order in which they run: among the ready, the first made goes first."""
    needed: set[Operation] = set()
    pending = list(targets)
    while pending:
        op = pending.pop()
        if op in needed:
            continue
        needed.add(op)
        pending.extend(t._op for t in op._inputs if t not in fed and t._op not in needed)
        pending.extend(c for c in op._control_inputs if c not in needed)
    return _ordered(needed, fed)


def _predecessors(op: Operation, needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    found = {t._op for t in op._inputs if t not in fed}
    found.update(op._control_inputs)
    return {p for p in found if p in needed and p._type not in _BACK_EDGES}


def _ordered(needed: set[Operation], fed: set[Tensor]) -> list[Operation]:
    first = _read_first(needed, fed)
    rest = needed - first if first else needed
    counting = _counting(rest, fed)
    if counting:
        return _ordered_by_age(first, fed) + _ordered_by_age(counting, fed) + _ordered_by_age(rest - counting, fed)
    return _ordered_by_age(first, fed) + _ordered_by_age(rest, fed)


def _read_first(needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    """What the graph says runs first (hooks read the global step before it counts), with all that it needs."""
    graph = next(iter(needed))._graph if needed else None
    found: set[Operation] = set()
    pending = list(graph._first & needed) if graph is not None and graph._first else []
    while pending:
        op = pending.pop()
        if op not in found:
            found.add(op)
            pending.extend(_predecessors(op, needed, fed))
    return found


def _ordered_by_age(needed: set[Operation], fed: set[Tensor]) -> list[Operation]:
    ops = sorted(needed, key=lambda op: op._id)
    predecessors = {op: _predecessors(op, needed, fed) for op in ops}
    if all(p._id < op._id for op in ops for p in predecessors[op]):
        return ops
    waiting = {op: len(p) for op, p in predecessors.items()}
    followers: dict[Operation, list[Operation]] = {op: [] for op in ops}
    for op, before in predecessors.items():
        for p in before:
            followers[p].append(op)
    ready = [(op._id, op) for op in ops if not waiting[op]]
    order = []
    while ready:
        _, op = heapq.heappop(ready)
        order.append(op)
        for follower in followers[op]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, (follower._id, follower))
    return order


_FEW, _SHORT = 16, 8  # elements of a counter; operations that compute its next value


def _counting(needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    """What sets small reference variables to new values of their own (`step.assign(step + 1)`): it runs first.

    TF 1.15 lets one thread go on with the last taker of a value, and wakes others for the rest; such an assignment is
    over before they run, so that what else takes the variable sees the new value.
    """
    assigned = [op for op in needed if op._type in _ASSIGNS and op._inputs[0]._op._type in _REFERENCES]
    writers: dict[Operation, int] = {}
    for op in assigned:
        writers[op._inputs[0]._op] = writers.get(op._inputs[0]._op, 0) + 1
    found: set[Operation] = set()
    for op in assigned:
        if op._type == "Assign" and writers[op._inputs[0]._op] == 1:
            found |= _counting_for(op, needed, fed)
    return found


_ASSIGNS = frozenset(("Assign", "AssignAdd", "AssignSub"))
_REFERENCES = frozenset(("VariableV2", "Variable"))


def _counting_for(assign: Operation, needed: set[Operation], fed: set[Tensor]) -> set[Operation]:
    variable = assign._inputs[0]._op
    shape = variable._outputs[0]._shape
    if assign._control_inputs or shape is None or None in shape or math.prod(d or 0 for d in shape) > _FEW:
        return set()
    found, reads, pending = {assign}, False, [assign._inputs[1]]
    while pending:
        tensor = pending.pop()
        op = tensor._op
        if tensor in fed or op in found:
            continue
        reader = reader_of(tensor)
        reads = reads or (reader is not None and reader._inputs[0]._op is variable)
        record = RECORDS.get(op._type)
        simple = op._type == "Const" or (record is not None and record.numpy is not None and not record.effect)
        if op is not variable and (not simple or op._control_inputs or len(found) > _SHORT):
            return set()
        found.add(op)
        pending.extend(op._inputs)
    return found | {variable} if reads else set()


def _items(ops: list[Operation], fed: set[Tensor]) -> list[Any]:
    """Instructions, with whole control-flow constructs as regions."""
    if not any(op._type in _CONTROL_FLOW_TYPES or op._type == "WhileGradient" for op in ops):
        return [Instruction(op) for op in ops]
    from retrograph.runtime.flow import grouped

    first = _read_first(set(ops), fed)
    parts = ([op for op in ops if op in first], [op for op in ops if op not in first])
    return [item for part in parts if part for item in grouped(part)]


def _has_numpy(op: Operation) -> bool:
    record = RECORDS.get(op._type)
    if (
        op._type in HANDLE_TYPES
        or op._type in ("Const", "NoOp", "ControlTrigger", "Placeholder", "PlaceholderV2")
        or op._type in _CONTROL_FLOW_TYPES
    ):
        return True
    return record is not None and record.numpy is not None


def _waits(item: Any) -> bool:
    return any((record := RECORDS.get(op._type)) is not None and record.waits for op in ops_of(item))


def _has_effect(op: Operation) -> bool:
    """Whether the operation may touch the cells of the session; what waits keeps its state elsewhere, and so do its makers."""
    record = RECORDS.get(op._type)
    return record is None or (record.effect and not record.waits and not op._type.endswith(("QueueV2", "ReaderV2")))


def _host_steps(items: list[Any]) -> list[HostStep]:
    """Steps on the host: what may wait for other threads apart, so that the rest sees what these did meanwhile."""
    groups: list[tuple[bool, list[Any]]] = []
    for item in items:
        waits = _waits(item)
        if waits or not groups or groups[-1][0]:
            groups.append((waits, []))
        groups[-1][1].append(item)
    return [HostStep(group) for _, group in groups]


def _is_small_work(items: list[Any]) -> bool:
    """Whether items are a few operations on small values: before a step on the host, a program for them costs more."""
    if len(items) > _HOST_SMALL:
        return False
    for item in items:
        if item.__class__ is not Instruction or item.op._type in HANDLE_TYPES or not _has_numpy(item.op):
            return False
        if item.effect or any(is_handle(t) for t in (*item.inputs, *item.outputs)):
            return False
        shapes = [t._shape for t in item.outputs]
        if any(s is None or None in s or _elements(s) > _HOST_ELEMENTS for s in shapes):
            return False
    return True


def _elements(shape: Any) -> int:
    return 0 if shape is None or None in shape else int(np.prod(shape, dtype=np.int64))


class _Executable:
    """A compiled segment for certain shapes."""

    __slots__ = ("call", "checks", "dynamic", "forwards", "static", "wide", "written")

    def __init__(self) -> None:
        self.call: Any = None
        self.written: list[Any] = []
        self.dynamic: list[Tensor] = []
        self.static: dict[Tensor, Any] = {}
        self.forwards = False
        self.wide = False
        self.checks: list[tuple[Operation, list[Any]]] = []


class _Step:
    """Items that run together."""

    items: list[Any]
    waits = False
    compiled = False
    _needed: frozenset[Operation] | None = None

    @property
    def ops(self) -> list[Operation]:
        """The operations."""
        return [op for item in self.items for op in ops_of(item)]

    @property
    def sources(self) -> frozenset[Operation]:
        """The operations that must have run before."""
        if self._needed is None:
            found = {t._op for item in self.items for t in taken_by(item)}
            self._needed = frozenset(found.union(*(op._control_inputs for op in self.ops)))
        return self._needed


def _is_snapshot(op: Operation) -> bool:
    record = RECORDS.get(op._type)
    return record is not None and record.snapshot


class DividedError(Exception):
    """A segment has better been divided into `steps`."""

    def __init__(self, steps: list[Any]):
        super().__init__()
        self.steps = steps


class HostStep(_Step):
    """Items that run on NumPy values."""

    def __init__(self, items: list[Any]):
        self.items = items
        cells = Cells(self.ops)
        self.waits = any(map(_waits, items))
        # Two threads that count on one variable must not take the same number; what may wait must not hold the lock.
        calls = self.waits or any(op._type in _CALLING_TYPES for op in self.ops)
        self.uncopied = any(_is_snapshot(op) for op in self.ops) and all(
            _is_snapshot(op) or is_read_of_reference(op._outputs[0]) if any(map(is_handle, op._inputs)) else True
            for op in self.ops
        )
        self.assigns = bool(cells.written) or calls
        self.locked = (bool(cells.written or cells.streams) or self.uncopied) and not calls
        self.stateless = not (cells.read or cells.written or cells.streams) and not any(map(_has_effect, self.ops))
        self.inputs = list(dict.fromkeys(t for item in items for t in taken_by(item)))

    def run(self, session: Any, env: dict[Tensor, Any]) -> None:
        """Evaluates the items; what they write is kept only if all succeed."""
        with session._lock if self.locked else _NO_DEFERRAL:
            self._evaluate(session, env)

    def _evaluate(self, session: Any, env: dict[Tensor, Any]) -> None:
        for tensor in self.inputs:
            value = env.get(tensor)
            if value is not None and not isinstance(value, np.ndarray) and not is_opaque(value):
                env[tensor] = np.asarray(value)
        context = HostContext(session, self.uncopied and self.locked, self.stateless)
        given = frozenset(map(id, env.values())) if self.assigns else frozenset[int]()
        Evaluator(context, env, host=True).run(self.items)
        if context.written:
            with session._lock:
                context.commit(given)


class Segment(_Step):
    """Items that one XLA program computes.

    Cells that are written go in donated and come out again, so that they are updated in place.
    """

    compiled = True

    def __init__(
        self, items: list[Any], wanted: set[Tensor], fed: frozenset[Tensor], static: frozenset[Tensor] = frozenset()
    ):
        self.items = items
        self.fed = fed
        self.wanted = wanted
        self.static = static
        ops = self.ops
        made = {t for op in ops for t in op._outputs}
        self.outputs = [t for op in ops for t in op._outputs if t in wanted]
        taken = [t for item in items for t in taken_by(item) if t not in made]
        self.inputs = list(dict.fromkeys(t for t in taken if not self._is_constant(t)))
        self.static_inputs = [t for t in self.inputs if t in static]
        self.dynamic_inputs = [t for t in self.inputs if t not in static]
        self.made = made
        self.constants = {t: t._op._attrs["value"] for t in taken if self._is_constant(t)}
        cells = Cells(ops)
        self.streams = cells.streams
        self.handles = {**cells.read, **cells.written}
        # Where the streams of a loop stood, for a later segment in which its derivative runs it again.
        self.starts = [start for item in items for start in getattr(item, "stream_starts", ())]
        self.donated = [*cells.written, *cells.streams, *self.starts]
        replayed = [start for item in items for start in getattr(item, "replayed_starts", ())]
        self.kept = [*cells.read, *(start for start in dict.fromkeys(replayed) if start not in self.starts)]
        self.executables: dict[Any, _Executable] = {}
        self.refs = [t for t in self.inputs if is_handle(t)]

    # ---- running

    def run(self, session: Any, env: dict[Tensor, Any]) -> None:
        """Computes the outputs into `env` and updates the session's cells; UninitializedError leaves all as it was."""
        cells = session._cells
        with session._lock:
            if session._closed:
                raise errors.CancelledError(None, None, "Session has been closed.")
            for tensor in self.static_inputs:
                env[tensor] = _concrete(tensor, env[tensor], cells)
            dynamic = [v for v in [env[t] for t in self.dynamic_inputs] if v.__class__ is not Ref]
            if self.refs:
                dynamic = [v for v in dynamic if not _is_identity(v)]
            for op in self.streams:
                if op not in cells:
                    cells[op] = initial_stream(op)
            for start in self.starts:
                if start not in cells:
                    cells[start] = initial_stream(start[1])
            donated = [cells[k] for k in self.donated if k in cells]
            kept = [cells[k] for k in self.kept if k in cells]
            key = self._key(env, dynamic, len(donated), len(kept), cells)
            executable = self.executables.get(key)
            if executable is None:
                self._hoist_changing()
                executable = self.executables[key] = self._compiled(env, cells, donated, kept, dynamic)
            if executable.call is not None:
                # Entering JAX's context costs more than it should; it matters where NumPy arrays of 64 bits are given.
                with jax.enable_x64(True) if executable.wide else _NO_DEFERRAL:
                    self._dispatch(executable, cells, donated, kept, dynamic, env)
        env.update(executable.static)

    def _hoist_changing(self) -> None:
        """Raises DividedError if values of the key change again and again and the host can take over what must know them."""
        if not self.static_inputs or len(self.executables) != MOST_KEYS:
            return
        parts = hoisted(self.items, self.static_inputs)
        if parts is not None:
            host, rest = parts
            raise DividedError([HostStep(host), Segment(rest, self.wanted, self.fed)])

    def _key(self, env: dict[Tensor, Any], dynamic: list[Any], donated: int, kept: int, cells: dict[Any, Any]) -> Any:
        try:
            key: tuple[Any, ...] = tuple([(v.shape, v.dtype) for v in dynamic])
        except AttributeError:  # the contents of a TensorArray, which are several values
            key = tuple(_described(v) for v in dynamic)
        if donated != len(self.donated) or kept != len(self.kept):
            key += tuple(k for k in (*self.donated, *self.kept) if k not in cells)
        if self.static_inputs:
            key += tuple(_frozen(env[t]) for t in self.static_inputs)
        return key

    def _dispatch(
        self,
        executable: _Executable,
        cells: dict[Any, Any],
        donated: list[Any],
        kept: list[Any],
        dynamic: list[Any],
        env: dict[Tensor, Any],
    ) -> None:
        with _InterruptsDeferred() if donated else _NO_DEFERRAL:
            try:
                written, results, checked = executable.call(donated, kept, dynamic)
            except TypeError as error:
                if "compiled" not in str(error):
                    raise
                # A cell changed its shape or type (an assignment that does not validate shapes).
                fresh = self._compiled(env, cells, donated, kept, dynamic)
                executable.call, executable.written = fresh.call, fresh.written
                executable.dynamic, executable.static, executable.forwards = fresh.dynamic, fresh.static, fresh.forwards
                executable.checks = fresh.checks
                written, results, checked = executable.call(donated, kept, dynamic)
            for key, value in zip(executable.written, written, strict=True):
                cells[key] = value
        for (op, data), (held, values) in zip(executable.checks, checked, strict=True):
            if not np.asarray(held).all():
                raise _failed_check(op, data, list(values))
        if executable.forwards:
            # A result may be the very buffer of a variable, which a later run gives away.
            results = [jax.tree_util.tree_map(np.array, r) for r in results]
        env.update(zip(executable.dynamic, results, strict=True))

    # ---- compiling

    def _compiled(
        self, env: dict[Tensor, Any], cells: dict[Any, Any], donated: list[Any], kept: list[Any], dynamic: list[Any]
    ) -> _Executable:
        executable = _Executable()
        known = {t: env[t] for t in self.inputs if t in self.static or _is_identity(env[t])}
        donated_keys = [k for k in self.donated if k in cells]
        kept_keys = [k for k in self.kept if k in cells]
        dynamic_tensors = [t for t in self.inputs if t not in known]

        def traced(given: list[Any], read: list[Any], values: list[Any]) -> Any:
            context = TraceContext(
                {**dict(zip(donated_keys, given, strict=True)), **dict(zip(kept_keys, read, strict=True))}
            )
            inside = {**self.constants, **known, **dict(zip(dynamic_tensors, values, strict=True))}
            evaluator = Evaluator(context, inside, host=False)
            evaluator.run(self.items)
            executable.written = [k for k in self.donated if k in context.cells]
            results = self._results(evaluator, executable, (*given, *read))
            held, checked = _checks(executable, context)
            before = dict(zip(donated_keys, given, strict=True))
            written = [_kept_unless(held, context.cells[k], before.get(k)) for k in executable.written]
            return written, results, checked

        exits.register()
        jitted = jax.jit(traced, donate_argnums=0)
        with jax.enable_x64(True):
            lowered = jitted.lower(donated, kept, dynamic)
            if executable.written or executable.dynamic or executable.checks:
                executable.call = lowered.compile()
        executable.wide = any(v.dtype.itemsize > 4 for v in jax.tree.leaves(lowered.args_info))
        return executable

    def _results(self, evaluator: Evaluator, executable: _Executable, given: tuple[Any, ...]) -> list[Any]:
        executable.dynamic, executable.static = [], {}
        results = []
        for tensor in self.outputs:
            if tensor not in evaluator.env:
                continue  # of a branch that is not taken
            value = evaluator.env[tensor]
            if isinstance(value, (np.ndarray, np.generic)) or (is_opaque(value) and not hasattr(value, "is_flow")):
                executable.static[tensor] = value
            else:
                executable.dynamic.append(tensor)
                results.append(value)
        executable.forwards = any(r is g for r in results for g in given)
        return results

    # ---- what turns out to be needed while tracing

    def refined(self, tensor: Tensor) -> list[Any]:
        """Steps in place of this segment in which the value of `tensor` is known: from inputs alone, else by a cut after it."""
        sources = self._sources(tensor)
        if sources is not None:
            return [Segment(self.items, self.wanted, self.fed, self.static | sources)]
        index = next(
            (i for i, item in enumerate(self.items) if any(tensor in op._outputs for op in ops_of(item))), None
        )
        if index is None:
            return [HostStep(self.items)]
        if self.items[index].__class__ is not Instruction:
            return self._around(index)
        return self._cut_after(index, frozenset((tensor,)))

    def _cut_after(self, index: int, known: frozenset[Tensor]) -> list[Any]:
        head, tail = self.items[: index + 1], self.items[index + 1 :]
        return [self._part(head, tail), Segment(tail, self.wanted, self.fed, self.static | known)]

    def _part(self, items: list[Any], later: list[Any]) -> Segment:
        used = {t for item in later for t in taken_by(item)}
        return Segment(items, self.wanted | used, self.fed, self.static)

    def _around(self, index: int) -> list[Any]:
        """Steps in which one region runs on the host: shapes inside it depend on data."""
        head, region, tail = self.items[:index], self.items[index : index + 1], self.items[index + 1 :]
        steps: list[Any] = [self._part(head, region + tail)] if head else []
        return [*steps, HostStep(region), Segment(tail, self.wanted, self.fed, self.static)]

    def _sources(self, tensor: Tensor) -> frozenset[Tensor] | None:
        """The inputs of the segment that the tensor is computed from, if no state and no traced effect is among its sources."""
        found, pending, seen = set(), [tensor], set()
        while pending:
            t = pending.pop()
            if t in seen or self._is_constant(t):
                continue
            seen.add(t)
            if t not in self.made:
                found.add(t)
                continue
            record = RECORDS.get(t._op._type)
            if (
                is_handle(t)
                or record is None
                or record.effect
                or record.numpy is None
                or t._op._type in _CONTROL_FLOW_TYPES
                or t._op._type.startswith("TensorArray")
            ):
                return None
            if t._op._type in ("Shape", "ShapeN", "Size", "Rank"):
                continue
            pending.extend(t._op._inputs)
        return frozenset(found - self.static) or None

    def _is_constant(self, tensor: Tensor) -> bool:
        return tensor._op._type == "Const" and tensor not in self.fed


def _checks(executable: _Executable, context: TraceContext) -> tuple[Any, list[Any]]:
    """Whether all checks (of `tf.Assert`) hold, None without any; and for each whether it holds and the traced part of its data."""
    executable.checks = []
    checked = []
    held = None
    for op, condition, data in context.checks:
        ok = jnp.all(jnp.asarray(condition))
        held = ok if held is None else held & ok
        executable.checks.append((op, [None if isinstance(d, jax.Array) else d for d in data]))
        checked.append((ok, [d for d in data if isinstance(d, jax.Array)]))
    return held, checked


def _kept_unless(held: Any, value: Any, before: Any) -> Any:
    """What a cell holds after a run: as before if a check failed."""
    if held is None or before is None or np.shape(before) != np.shape(value):
        return value
    return jnp.where(held, value, before)


def _failed_check(op: Operation, data: list[Any], traced: list[Any]) -> errors.OpError:
    values = [np.asarray(traced.pop(0)) if d is None else d for d in data]
    try:
        # Of an Assert the condition comes before the data.
        RECORDS[op._type].numpy(op, None, *([np.False_] if op._type == "Assert" else []), *values)  # type: ignore[misc]
    except errors.OpError as error:
        return located(error, op)
    raise AssertionError(op._name)


def _concrete(tensor: Tensor, value: Any, cells: dict[Any, Any]) -> Any:
    if value.__class__ is Ref and tensor._dtype._base.name != "resource":
        if value.key not in cells:
            raise uninitialized_error(tensor._op, value)
        value = cells[value.key]
    return value if value.__class__ is Ref or value.__class__ is np.ndarray else np.array(value)


def _is_identity(value: Any) -> bool:
    """Whether a value says which variable or array is meant, not what is in it."""
    return value.__class__ is Ref or (is_opaque(value) and not hasattr(value, "is_flow"))


def _described(value: Any) -> Any:
    leaves, structure = jax.tree_util.tree_flatten(value)
    return structure, tuple(
        (np.shape(leaf), np.asarray(leaf).dtype if np.isscalar(leaf) else leaf.dtype) for leaf in leaves
    )


def _frozen(value: Any) -> Any:
    array = np.asarray(value)
    return array.shape, array.dtype.str, array.tobytes() if array.dtype != object else tuple(array.ravel().tolist())


# A handler that was not installed from Python could not be put back.
_FOREIGN_HANDLER = signal.getsignal(signal.SIGINT) is None


# The wrapper in `signal` makes an enumeration of what it gives: ten times the time, at each step of a training loop.
_set_handler = getattr(signal, "_signal", signal).signal


class _InterruptsDeferred:
    """Holds back Ctrl-C while variables are handed to XLA and taken back, so that none is lost."""

    __slots__ = ("_old", "_pending")

    def __enter__(self) -> None:
        self._pending = False
        self._old: Any = None
        if threading.get_ident() == threading.main_thread().ident and not _FOREIGN_HANDLER:
            self._old = _set_handler(signal.SIGINT, self._note)

    def _note(self, number: int, frame: Any) -> None:
        self._pending = True

    def __exit__(self, *exc: object) -> None:
        if self._old is not None:
            _set_handler(signal.SIGINT, self._old)
            if self._pending and callable(self._old):
                self._old(signal.SIGINT, None)


_NO_DEFERRAL = nullcontext()


_RESHAPING = frozenset(("Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "StopGradient", "Snapshot"))


def _fed_checks(ops: Iterable[Operation], feeds: Sequence[Tensor]) -> list[tuple[int, Operation, Any]]:
    """(place in the feeds, operation, check) of what operations ask of fed values."""
    places = {tensor: i for i, tensor in enumerate(feeds)}
    found = []
    for op in ops if feeds else ():
        record = RECORDS.get(op._type)
        if record is None or record.fed_check is None:
            continue
        index, check = record.fed_check
        tensor = op._inputs[index]
        while tensor not in places and tensor._op._type in _RESHAPING:
            tensor = tensor._op._inputs[0]
        if tensor in places:
            found.append((places[tensor], op, check))
    return found


class Plan:
    """How to run certain fetches with certain feeds."""

    def __init__(self, graph: Graph, targets: Sequence[Operation], fetches: Sequence[Tensor], feeds: Sequence[Tensor]):
        fed = set(feeds)
        self.feeds = list(feeds)
        self.fetches = list(fetches)
        self.ops = pruned([*targets, *(t._op for t in fetches if t not in fed)], fed)
        self.items = _items(self.ops, fed)
        self._checks = _fed_checks(self.ops, self.feeds)
        self.runs = 0
        self._steps: list[Any] | None = None
        self.has_container = any(op._type in HANDLE_TYPES and op._type != "VarHandleOp" for op in self.ops)
        self._all_numpy = all(_has_numpy(op) for op in self.ops)
        waits = any(map(_waits, self.items))
        self._small = len(self.ops) <= _HOST_OPS and all(
            _elements(t._shape) <= _HOST_ELEMENTS
            for op in self.ops
            for t in op._outputs
            if not (waits and op._type == "Const")
        )
        self._once = not fetches and not feeds
        self._host = _host_steps(self.items)
        if len(self._host) > 1 and not all(item.__class__ is Instruction for item in self.items):
            self._all_numpy = False  # a loop that turns out to be long would have to start again, and queues would not
        # What handles one element of a queue runs for each of them: it stays small work.
        self._tiny = len(self.ops) <= (_HOST_TINY_OF_QUEUE if waits else _HOST_TINY)

    def run(self, session: Any, values: list[Any]) -> list[Any]:
        """The values of the fetches, for feeds in the order of `feeds`."""
        try:
            return self._run(session, values)
        except (UninitializedVariableError, MissingResourceError) as error:
            raise self._explained(session, error) from None

    def _run(self, session: Any, values: list[Any]) -> list[Any]:
        if session.graph._bad_edges:
            raise errors.InvalidArgumentError(None, None, session.graph._bad_edges[0])
        env: dict[Tensor, Any] = dict(zip(self.feeds, values, strict=True))
        session._has_container = session._has_container or self.has_container
        if not self._on_host(values, session) or not self._finished_on_host(session, env):
            self._check_fed(values)
            self._run_steps(session, env)
        self.runs += 1
        return self._fetched(session, env)

    def _check_fed(self, values: list[Any]) -> None:
        for place, op, check in self._checks:
            try:
                check(op, values[place])
            except errors.OpError as error:
                raise located(error, op) from None

    def _finished_on_host(self, session: Any, env: dict[Tensor, Any]) -> bool:
        """Runs on NumPy values; not to the end if a loop turns out to be long: then nothing has happened."""
        given = dict(env)
        try:
            with np.errstate(all="ignore"):
                one = session._tracer.timing(lambda step: step.run(session, given), given)
                run_in_turn(self._host, session._waits, one)
        except HostBudgetError:
            self._all_numpy = False
            return False
        env.update(given)
        return True

    def _explained(self, session: Any, error: Any) -> errors.OpError:
        """The error with all variables that this run lacks, and the call that gives them values."""
        graph = session.graph
        missing = [op for op in self.ops if op._type in HANDLE_TYPES and cell_key(op) not in session._cells]
        local = {v.op._name for v in graph.get_collection("local_variables")}
        calls = sorted(
            {
                "tf.local_variables_initializer()" if op._name in local else "tf.global_variables_initializer()"
                for op in missing
            }
        )
        names = ", ".join(op._name for op in missing[:10]) + (
            f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        )
        text = str(error)
        if not session._has_container:
            text = _WITHOUT_CONTAINER.sub(
                r"Container localhost does not exist. (Could not find resource: localhost/\1)", text
            )
        help_text = f"\nThis run needs variables that have no value in this session: {names}\nGive them one first: sess.run({', '.join(calls)}), or restore a checkpoint.\n"
        base = type(error).__mro__[1]
        return base(error.node_def, error.op, text + help_text)  # type: ignore[no-any-return]

    def _on_host(self, values: list[Any], session: Any) -> bool:
        if not self._all_numpy:
            return False
        if self._once and self.runs < 2:
            return True
        if not self._small or not (self._tiny or self.runs * len(self.ops) < _HOST_BUDGET):
            return False
        return all(v.__class__ is Ref or v.size <= _HOST_ELEMENTS for v in values)

    def _run_steps(self, session: Any, env: dict[Tensor, Any]) -> None:
        if self._steps is None:
            self._steps = self._cut()
        if len(self._steps) == 1 and not self._steps[0].waits and not session._tracer.active:
            self._run_step(self._steps[0], session, env)
            return
        # Other threads run these steps too: a finer cut is a new list.
        one = session._tracer.timing(lambda step: self._run_step(step, session, env), env)
        run_in_turn(self._steps, session._waits, one)

    def _run_step(self, step: Any, session: Any, env: dict[Tensor, Any]) -> None:
        try:
            step.run(session, env)
        except DividedError as error:
            self._replace(step, error.steps, session, env)
        except NeedsConcreteError as error:
            if step.__class__ is not Segment:
                op = error.tensor.op
                text = f"Its value must be known before '{op.name}' can run inside of what is differentiated here"
                raise errors.UnimplementedError(None, op, text) from None
            self._replace(step, step.refined(error.tensor), session, env)

    def _replace(self, step: Any, finer: list[Any], session: Any, env: dict[Tensor, Any]) -> None:
        self._steps = [s for old in self._steps or () for s in (finer if old is step else [old])]
        for part in finer:
            self._run_step(part, session, env)

    def _cut(self) -> list[Any]:
        steps: list[Any] = []
        later = set(self.fetches)
        for host, items in reversed(groups(self.items)):
            if not host and not (steps and steps[-1].__class__ is HostStep and _is_small_work(items)):
                steps.append(Segment(items, set(later), frozenset(self.feeds)))
            else:
                steps.extend(reversed(_host_steps(items)))
            later.update(t for item in items for t in taken_by(item))
        steps.reverse()
        # A lone segment finds its constants and handles among its own items.
        return (
            steps
            if len(steps) == 1 and steps[0].__class__ is Segment
            else [_PrepareStep(self.items, self.feeds), *steps]
        )

    def _fetched(self, session: Any, env: dict[Tensor, Any]) -> list[Any]:
        results = []
        for index, tensor in enumerate(self.fetches):
            if tensor not in env:
                raise dead_fetch_error(tensor, index)
            value = env[tensor]
            if value.__class__ is Ref:
                value = self._dereferenced(session, tensor, value, index)
            results.append(value)
        return results

    def _dereferenced(self, session: Any, tensor: Tensor, ref: Ref, index: int) -> Any:
        if tensor._dtype._base.name == "resource":
            return np.array(str(ref.key).encode(), object)
        try:
            # Under the lock: another thread's run may give the buffer away.
            with session._lock:
                return np.array(session._cells[ref.key])
        except KeyError:
            op, reader = tensor._op, reader_of(tensor)
            if reader is not None:
                raise uninitialized_error(reader, ref) from None
            text = f"Attempting to use uninitialized value {ref.key}\n\t [[{{{{node _retval_{op._name}_{tensor._value_index}_{index}}}}}]]\n\nOriginal stack trace for '{op._name}':\n{frames.formatted(op._stack)}"
            raise UninitializedVariableError(op.node_def, op, text) from None


class _PrepareStep(_Step):
    """Puts constants and handles where every step finds them."""

    def __init__(self, items: list[Any], fed: Iterable[Tensor]):
        self.items = []
        ops = [i.op for i in items if i.__class__ is Instruction]
        self.values = {op._outputs[0]: op._attrs["value"] for op in ops if op._type == "Const"}
        self.values |= {op._outputs[0]: Ref(op) for op in ops if op._type in HANDLE_TYPES}
        for tensor in fed:
            self.values.pop(tensor, None)

    def run(self, session: Any, env: dict[Tensor, Any]) -> None:
        """Adds them to `env`."""
        env.update(self.values)
