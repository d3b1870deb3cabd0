"""The steps of a plan: what runs on the host, and segments that are compiled to one XLA program each."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.interrupts import InterruptsDeferred
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.nesting import RoomForNesting
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime import allocator, exits
from retrograph.runtime.hoisting import MOST_KEYS, hoisted
from retrograph.runtime.lower import (
    CONTROL_FLOW_TYPES,
    Evaluator,
    Instruction,
    is_opaque,
    is_read_of_reference,
    located,
    uninitialized_error,
)
from retrograph.runtime.places import Cells, is_handle, ops_of, taken_by
from retrograph.runtime.rounds import counting_step
from retrograph.runtime.state import HANDLE_TYPES, HostContext, Ref, TraceContext, initial_stream
from retrograph.runtime.xla_evaluator import evaluator_of

# Shapes that a segment is compiled for as soon as they are met.
_AT_ONCE = 2

# Programs' functions, which may wait for other threads.
_CALLING_TYPES = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))


def may_wait(item: Any) -> bool:
    """Whether the item has operations that wait for other threads."""
    return any((record := RECORDS.get(op._type)) is not None and record.waits for op in ops_of(item))


def _has_effect(op: Operation) -> bool:
    """Whether the operation may touch the cells of the session; what waits keeps its state elsewhere, and so do its makers."""
    record = RECORDS.get(op._type)
    return record is None or (record.effect and not record.waits and not op._type.endswith(("QueueV2", "ReaderV2")))


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


class OutdatedError(Exception):
    """A cell changed its shape or type (by an assignment that does not validate shapes) since a program was compiled."""


class HostStep(_Step):
    """Items that run on NumPy values."""

    def __init__(self, items: list[Any]):
        self.items = items
        cells = Cells(self.ops)
        self.waits = any(map(may_wait, items))
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
        with session._lock if self.locked else NO_CONTEXT:
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

    def counted(self, loop: Any) -> list[Any]:
        """As a segment's: the derivative of a loop is traced here too."""
        step = counting_step(loop, self.items, self.inputs)
        loop.may_be_counted = step is not None
        return [self] if step is None else [step, self]


class Segment(_Step):
    """Items that one XLA program computes.

    Cells that are written go in donated and come out again, so that they are updated in place.
    """

    compiled = True

    def __init__(
        self, items: list[Any], wanted: set[Tensor], fed: frozenset[Tensor], static: frozenset[Any] = frozenset()
    ):
        self.items = items
        self.fed = fed
        self.wanted = wanted
        self.static = static
        ops = self.ops
        made = {t for op in ops for t in op._outputs}
        self.outputs = [t for op in ops for t in op._outputs if t in wanted]
        taken = [t for item in items for t in taken_by(item) if t not in made]
        frames = {getattr(item, "frame", None) for item in items}
        # The numbers of rounds of loops that were counted before.
        self.rounds: list[Any] = [key for key in static if key.__class__ is tuple and key[1] in frames]
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
        self.at_once = _AT_ONCE  # shapes that it is compiled for as soon as they are met
        self.varying: Any = None
        self.hoisted = False  # whether it was asked what the host can take over
        self.whole = False  # whether it was found that there is nothing to part for changing shapes
        self.refs = [t for t in self.inputs if is_handle(t)]

    # ---- running

    def run(self, session: Any, env: dict[Tensor, Any]) -> None:
        """Computes the outputs into `env` and updates the session's cells; UninitializedError leaves all as it was."""
        cells = session._cells
        with session._lock:
            if session._closed:
                raise errors.CancelledError(None, None, "Session has been closed.")
            try:
                dynamic = self._taken(env, cells)
            except KeyError:
                self._fill_untaken(env)
                self._know_predicates()
                dynamic = self._taken(env, cells)
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
            if executable is None and len(self.executables) >= self.at_once:
                self._part_changing(key, env)
                varying = self._varying()
                self._hoist_changing(len(self.executables) + len(varying.programs), len(dynamic))
                if varying.is_early(key, len(self.executables)):
                    if varying.run(session, env):
                        return
                    executable = varying.program(key, lambda: self._traced(env, cells, donated, kept, dynamic))
            if executable is None:
                executable = self.executables[key] = self._compiled(env, cells, donated, kept, dynamic)
            if executable.call is not None:
                try:
                    self.dispatch(executable, cells, donated, kept, dynamic, env)
                except OutdatedError:
                    executable = self.executables[key] = self._compiled(env, cells, donated, kept, dynamic)
                    self.dispatch(executable, cells, donated, kept, dynamic, env)
        env.update(executable.static)

    def _taken(self, env: dict[Tensor, Any], cells: dict[Any, Any]) -> list[Any]:
        """The values of the inputs that are not known while tracing; KeyError: a branch that was not taken has none."""
        for tensor in self.static_inputs:
            env[tensor] = _concrete(tensor, env[tensor], cells)
        return [v for v in [env[t] for t in self.dynamic_inputs] if v.__class__ is not Ref]

    def _fill_untaken(self, env: dict[Tensor, Any]) -> None:
        """Gives regions something for what a branch before this segment did not make; they will not take it."""
        merged = {t for item in self.items if getattr(item, "is_merge", False) for t in item.inputs}
        for tensor in self.inputs:
            op = tensor._op
            if tensor in env or tensor in merged:
                continue
            same = (op._inputs[0], *op._outputs) if op._type == "Switch" else ()
            found = next((env[t] for t in same if t in env), None)
            if found is None:
                shape = [size or 0 for size in tensor._shape or ()]
                found = np.zeros(shape, tensor.dtype.base_dtype.as_numpy_dtype)
            env[tensor] = found

    def _know_predicates(self) -> None:
        """Compiles for the branches that are taken alone: what was filled in need not fit what the others do with it."""
        inputs = set(self.dynamic_inputs)
        predicates = [pred for item in self.items for pred in getattr(item, "needs", ()) if pred in inputs]
        if not predicates:
            return
        self.static = self.static.union(predicates)
        self.static_inputs = [t for t in self.inputs if t in self.static]
        self.dynamic_inputs = [t for t in self.inputs if t not in self.static]
        self.executables.clear()

    def _varying(self) -> Any:
        """How the segment runs on NumPy values, which is quicker than to compile for shapes that may never come again."""
        if self.varying is None:
            from retrograph.runtime.varying import Varying  # few programs need it

            self.varying = Varying(self.items, self.constants, self.inputs)
        return self.varying

    def _part_changing(self, key: Any, env: dict[Tensor, Any]) -> None:
        """Raises DividedError if shapes of inputs change from run to run and much of the work does not depend on them."""
        if self.whole or not self.executables:
            return
        self.whole = True
        from retrograph.runtime.varying import parted

        taken = [t for t in self.dynamic_inputs if env[t].__class__ is not Ref and not _is_identity(env[t])]
        others = [k for k in self.executables if len(k) == len(key)]
        changing = [t for i, t in enumerate(taken) if any(k[i] != key[i] for k in others)]
        checking = {op for executable in self.executables.values() for op, _ in executable.checks}
        parts = parted(self.items, changing, checking) if changing else None
        if parts is not None:
            first, rest = parts
            raise DividedError([self._part(first, rest), Segment(rest, self.wanted, self.fed, self.static)])

    def _hoist_changing(self, keys: int, shapes: int) -> None:
        """Raises DividedError if values of the key change again and again and the host can take over what must know them.

        The first `shapes` entries of a key are shapes.
        """
        if not self.static_inputs or keys != MOST_KEYS or self.hoisted:
            return
        self.hoisted = True
        parts = hoisted(self.items, self.static_inputs)
        if parts is not None:
            host, rest = parts
            segment = Segment(rest, self.wanted, self.fed, frozenset(self.rounds))
            if len({key[:shapes] for key in self.executables}) > 1:
                segment.at_once = 0
            raise DividedError([HostStep(host), segment])

    def _key(self, env: dict[Tensor, Any], dynamic: list[Any], donated: int, kept: int, cells: dict[Any, Any]) -> Any:
        try:
            key: tuple[Any, ...] = tuple([(v.shape, v.dtype) for v in dynamic])
        except AttributeError:  # the contents of a TensorArray, which are several values
            key = tuple(_described(v) for v in dynamic)
        if donated != len(self.donated) or kept != len(self.kept):
            key += tuple(k for k in (*self.donated, *self.kept) if k not in cells)
        if self.static_inputs:
            key += tuple(_frozen(env[t]) for t in self.static_inputs)
        if self.rounds:
            key += tuple(int(env[k]) for k in self.rounds)
        return key

    def program_for(self, env: dict[Tensor, Any], cells: dict[Any, Any]) -> _Executable | None:
        """The compiled program for arrays in `env`, where their types and shapes alone decide which one runs."""
        if self.static_inputs or self.rounds or self.refs or not env.keys() >= set(self.dynamic_inputs):
            return None
        if not all(k in cells for k in (*self.donated, *self.kept)):
            return None
        dynamic = [env[t] for t in self.dynamic_inputs]
        key = self._key(env, dynamic, len(self.donated), len(self.kept), cells)
        executable = self.executables.get(key)
        return None if executable is None or executable.call is None else executable

    def dispatch(
        self,
        executable: _Executable,
        cells: dict[Any, Any],
        donated: list[Any],
        kept: list[Any],
        dynamic: list[Any],
        env: dict[Tensor, Any],
    ) -> None:
        """Runs a program: updates `cells`, and puts the results into `env`.

        Raises OutdatedError: the program does not fit the cells; nothing has happened.
        """
        # Entering JAX's context costs more than it should; it matters where NumPy arrays of 64 bits are given.
        with (
            jax.enable_x64(True) if executable.wide else NO_CONTEXT,
            InterruptsDeferred() if donated else NO_CONTEXT,
        ):
            try:
                written, results, checked = executable.call(donated, kept, dynamic)
            except TypeError as error:
                if "compiled" not in str(error):
                    raise
                raise OutdatedError from None
            for cell, value in zip(executable.written, written, strict=True):
                cells[cell] = value
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
        exits.register()
        executable, traced = self._traced(env, cells, donated, kept, dynamic)
        # JAX's caches do not stand being left at any instruction.
        with InterruptsDeferred(), RoomForNesting(), jax.enable_x64(True):
            lowered = traced.lower()
            if executable.written or executable.dynamic or executable.checks:
                executable.call = lowered.compile()
        executable.wide = any(v.dtype.itemsize > 4 for v in jax.tree.leaves(lowered.args_info))
        return executable

    def _traced(
        self, env: dict[Tensor, Any], cells: dict[Any, Any], donated: list[Any], kept: list[Any], dynamic: list[Any]
    ) -> tuple[_Executable, Any]:
        """The segment for given shapes, not callable yet, and its trace."""
        allocator.settle_arenas(self.ops[0]._graph)
        executable = _Executable()
        known = {t: env[t] for t in self.inputs if t in self.static or _is_identity(env[t])}
        donated_keys = [k for k in self.donated if k in cells]
        kept_keys = [k for k in self.kept if k in cells]
        dynamic_tensors = [t for t in self.inputs if t not in known]

        def traced(given: list[Any], read: list[Any], values: list[Any]) -> Any:
            context = TraceContext(
                {**dict(zip(donated_keys, given, strict=True)), **dict(zip(kept_keys, read, strict=True))}
            )
            inside: dict[Any, Any] = {**self.constants, **known, **dict(zip(dynamic_tensors, values, strict=True))}
            inside.update((key, env[key]) for key in self.rounds)
            evaluator = evaluator_of(self.items, self.outputs, context, inside)
            evaluator.run(self.items)
            executable.written = [k for k in self.donated if k in context.cells]
            results = self._results(evaluator, executable, (*given, *read))
            held, checked = _checks(executable, context)
            before = dict(zip(donated_keys, given, strict=True))
            written = [_kept_unless(held, context.cells[k], before.get(k)) for k in executable.written]
            return written, results, checked

        with InterruptsDeferred(), RoomForNesting(), jax.enable_x64(True):
            return executable, jax.jit(traced, donate_argnums=0).trace(donated, kept, dynamic)

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

    def counted(self, loop: Any) -> list[Any]:
        """Steps in place of this segment the first of which counts the rounds of a loop; this segment if that cannot be."""
        step = counting_step(loop, self.items, self.inputs)
        if step is None:
            loop.may_be_counted = False
            return [self]
        segment = Segment(self.items, self.wanted, self.fed, self.static | {step.key})
        segment.at_once = self.at_once
        return [step, segment]

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
                or t._op._type in CONTROL_FLOW_TYPES
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


NO_CONTEXT = nullcontext()


class PrepareStep(_Step):
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
