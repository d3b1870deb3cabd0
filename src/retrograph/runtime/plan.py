"""Plans: the pruned graph of one kind of `run` call, in order, cut into XLA segments and host steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors, frames
from retrograph.framework.graph import Graph
from retrograph.framework.nesting import RoomForNesting
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import (
    CONTROL_FLOW_TYPES,
    HostBudgetError,
    Instruction,
    MissingResourceError,
    NeedsConcreteError,
    UninitializedVariableError,
    dead_fetch_error,
    has_numpy,
    located,
    reader_of,
    uninitialized_error,
)
from retrograph.runtime.malformed import refusal
from retrograph.runtime.ordering import in_turn, pruned
from retrograph.runtime.places import groups, is_handle, taken_by
from retrograph.runtime.resources import run_in_turn
from retrograph.runtime.rounds import NeedsRoundsError
from retrograph.runtime.state import HANDLE_TYPES, Ref, cell_key
from retrograph.runtime.steps import DividedError, HostStep, PrepareStep, Segment, may_wait

_WITHOUT_CONTAINER = re.compile(r"Resource localhost/(\S+)/N10tensorflow3VarE does not exist\.")
# A plan this small is run by NumPy: XLA's dispatch alone costs more.
_HOST_OPS, _HOST_ELEMENTS, _HOST_TINY, _HOST_BUDGET = 256, 4096, 8, 40_000
_HOST_TINY_OF_QUEUE = 40
_HOST_SMALL = 32


def _items(ops: list[Operation], fed: set[Tensor]) -> list[Any]:
    """Instructions, with whole control-flow constructs as regions."""
    if not any(op._type in CONTROL_FLOW_TYPES or op._type == "WhileGradient" for op in ops):
        return [Instruction(op) for op in ops]
    from retrograph.runtime.flow import grouped

    return [item for part in in_turn(set(ops), fed) for item in grouped([op for op in ops if op in part])]


def _host_steps(items: list[Any]) -> list[HostStep]:
    """Steps on the host: what may wait for other threads apart, so that the rest sees what these did meanwhile."""
    groups: list[tuple[bool, list[Any]]] = []
    for item in items:
        waits = may_wait(item)
        if waits or not groups or groups[-1][0]:
            groups.append((waits, []))
        groups[-1][1].append(item)
    return [HostStep(group) for _, group in groups]


def _is_small_work(items: list[Any]) -> bool:
    """Whether items are a few operations on small values: before a step on the host, a program for them costs more."""
    if len(items) > _HOST_SMALL:
        return False
    for item in items:
        if item.__class__ is not Instruction or item.op._type in HANDLE_TYPES or not has_numpy(item.op):
            return False
        drawn = "seed2" in item.op._attrs
        if (item.effect and not drawn) or any(is_handle(t) for t in (*item.inputs, *item.outputs)):
            return False
        shapes = [t._shape for t in item.outputs]
        if any(s is None or None in s or _elements(s) > _HOST_ELEMENTS for s in shapes):
            return False
    return True


def _elements(shape: Any) -> int:
    return 0 if shape is None or None in shape else int(np.prod(shape, dtype=np.int64))


_RESHAPING = frozenset(("Identity", "Reshape", "ExpandDims", "Squeeze", "Cast", "StopGradient", "Snapshot"))


def _fed_checks(ops: Iterable[Operation], places: dict[Tensor, int]) -> list[tuple[int, Operation, Any]]:
    """(place in the feeds, operation, check) of what operations ask of fed values."""
    found = []
    for op in ops if places else ():
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
        with RoomForNesting():
            self.items = _items(self.ops, fed)
        places = {tensor: i for i, tensor in enumerate(self.feeds)}
        self._checks = _fed_checks(self.ops, places)
        self.fed_fetches = [(i, places[t]) for i, t in enumerate(self.fetches) if t in places]
        """(place in the fetches, place in the feeds) of tensors that are fed and fetched."""
        self.runs = 0
        self._steps: list[Any] | None = None
        self.has_container = any(op._type in HANDLE_TYPES and op._type != "VarHandleOp" for op in self.ops)
        self._all_numpy = all(has_numpy(op) for op in self.ops)
        waits = any(map(may_wait, self.items))
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
            self.check_fed(values)
            self._run_steps(session, env)
        self.runs += 1
        return self._fetched(session, env)

    @property
    def lone_segment(self) -> Segment | None:
        """The compiled part, if there is nothing else to run."""
        steps = self._steps
        return steps[0] if steps is not None and len(steps) == 1 and steps[0].__class__ is Segment else None

    def check_fed(self, values: list[Any]) -> None:
        """Raises the error of an operation that refuses a fed value."""
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
        steps = self._steps
        if steps is None:
            steps = self._steps = self._cut()
        if len(steps) == 1 and not steps[0].waits and not session._tracer.active:
            self._run_step(steps[0], session, env)
            return
        # Other threads run these steps too: a finer cut is a new list.
        one = session._tracer.timing(lambda step: self._run_step(step, session, env), env)
        run_in_turn(steps, session._waits, one)

    def _run_step(self, step: Any, session: Any, env: dict[Tensor, Any]) -> None:
        try:
            step.run(session, env)
        except DividedError as error:
            self._replace(step, error.steps, session, env)
        except NeedsRoundsError as error:
            self._replace(step, step.counted(error.loop), session, env)
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
            else [PrepareStep(self.items, self.feeds), *steps]
        )

    def _fetched(self, session: Any, env: dict[Tensor, Any]) -> list[Any]:
        results = []
        for index, tensor in enumerate(self.fetches):
            if tensor not in env:
                raise refusal(tensor) or dead_fetch_error(tensor, index)
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
