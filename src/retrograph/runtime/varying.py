"""Steps whose shapes are others in each run: batches as long as their longest sentence, sparse features, masks.

Compiling takes longer than running once on NumPy values by far. When third shapes come, what does not depend on the shapes
that change is parted from the rest, so that it is compiled once. From then on shapes are compiled for only when they come
again and again, if all operations have NumPy forms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jax
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.conds import CondRegion
from retrograph.runtime.flow import Gate
from retrograph.runtime.hoisting import is_simple
from retrograph.runtime.loops import LoopRegion
from retrograph.runtime.lower import Evaluator, HostBudgetError, Instruction, has_numpy
from retrograph.runtime.numpy_forms import NUMPY_FORMS
from retrograph.runtime.numpy_programs import NumpyProgram
from retrograph.runtime.numpy_windows import NotHereError
from retrograph.runtime.places import Cells, is_handle, ops_of, taken_by
from retrograph.runtime.state import HostContext

# The run with the same shapes that is compiled for, twice as late after each few programs; how many shapes are remembered.
_SIGHTINGS, _FEW_PROGRAMS, _MOST_REMEMBERED = 3, 4, 4096
# How many traced programs are kept, and how often each runs at most before it is compiled.
_MOST_PROGRAMS, _MOST_RUNS = 256, 50
# How many operations, and which part of all, must be independent of changing shapes to be compiled on their own.
_FEWEST_PARTED, _LEAST_PART = 32, 1 / 4
# What checks in each program, or in those only in which its condition is not known.
_CHECKS = frozenset(("Assert", "CheckNumerics"))
_OF_SHAPES = frozenset(("Const", "Shape", "ShapeN", "Size", "Rank"))


class _HostEvaluator(Evaluator):
    """An evaluator on the host that knows NumPy forms of what is compiled as a rule."""

    def _implementation(self, item: Instruction, values: list[Any]) -> Callable[..., Any]:
        return item.numpy or NUMPY_FORMS.get(item.op._type) or super()._implementation(item, values)


class Varying:
    """How often a segment has met which shapes, and its run on NumPy values."""

    def __init__(self, items: list[Any], constants: dict[Tensor, Any], inputs: list[Tensor]):
        self.items = items
        self.constants = constants
        self.inputs = inputs
        self.seen: Counter[Any] = Counter()
        self.possible = all(map(_runs_on_numpy, items))
        self._traceable = True
        self.programs: dict[Any, Any] = {}

    def is_early(self, key: Any, programs: int) -> bool:
        """Whether the run with these shapes, for which nothing is compiled yet, had better be on NumPy values.

        `programs` have been compiled for other shapes.
        """
        if len(self.seen) >= _MOST_REMEMBERED:
            self.seen.clear()
        self.seen[key] += 1
        few = _SIGHTINGS << programs // _FEW_PROGRAMS
        early = self.seen[key] < max(few, self.programs[key].call.runs if key in self.programs else 0)
        if not early:
            self.programs.pop(key, None)
        return early

    def program(self, key: Any, trace: Callable[[], tuple[Any, Any]]) -> Any:
        """The traced segment for these shapes, its primitives called on NumPy arrays; None if that cannot be done."""
        if not self._traceable:
            return None
        if key not in self.programs:
            executable, traced = trace()
            try:
                executable.call = _Uncompiled(traced)
            except NotHereError:
                self._traceable = False
                return None
            if len(self.programs) >= _MOST_PROGRAMS:
                self.programs.pop(next(iter(self.programs)))
            self.programs[key] = executable
        return self.programs[key]

    def run(self, session: Any, env: dict[Tensor, Any]) -> bool:
        """Evaluates the items into `env` and updates the session's cells; False if it cannot be: nothing has happened."""
        if not self.possible:
            return False
        given = {**self.constants, **env}
        for tensor in self.inputs:
            value = given.get(tensor)
            if hasattr(value, "addressable_shards"):
                given[tensor] = np.asarray(value)
        context = HostContext(session)
        before = frozenset(map(id, given.values()))
        try:
            with np.errstate(all="ignore"):
                _HostEvaluator(context, given, host=True).run(self.items)
        except (HostBudgetError, NotHereError):
            self.possible = False
            return False
        if context.written:
            context.commit(before)
        env.update(given)
        return True


class _Uncompiled:
    """A traced segment that is called as if it were compiled."""

    def __init__(self, traced: Any):
        self.program = NumpyProgram(traced.jaxpr)
        self.form = jax.tree.structure(traced.out_info)
        self.forms = [(a.shape, a.dtype) for a in traced.jaxpr.in_avals]
        self.runs = min(self.program.runs_before_compiling, _MOST_RUNS)

    def __call__(self, *given: Any) -> Any:
        """The written cells, the results and the checks; TypeError, as of a compiled program, if it cannot give them."""
        values = [np.asarray(v) for v in jax.tree.leaves(given)]
        if [(v.shape, v.dtype) for v in values] != self.forms:
            raise TypeError("The program was compiled for other arguments")
        try:
            with np.errstate(all="ignore"):
                return self._owned(values, self.program(*values))
        except Exception as error:
            # Nothing has happened yet, and the compiled program says what is wrong, if anything is.
            raise TypeError("The program has to be compiled") from error

    def _owned(self, values: list[Any], found: list[Any]) -> Any:
        # What a session keeps or hands out is nobody else's.
        taken = {id(v) for v in (*values, *self.program.constants)}
        owned = []
        for value in found:
            owned.append(np.array(value) if id(value) in taken or _is_view(value) else value)
            taken.add(id(value))
        return jax.tree.unflatten(self.form, owned)


def _is_view(value: Any) -> bool:
    return value.__class__ is not np.ndarray or value.base is not None or not value.flags.writeable


def _runs_on_numpy(item: Any) -> bool:
    if item.__class__ is Instruction:
        return _has_form(item.op)
    if item.__class__ is LoopRegion:
        return not item.gradients and all(map(_has_form, item.ops))
    if item.__class__ is Gate:
        return not item.is_merge
    return item.__class__ is CondRegion and all(map(_has_form, item.ops))


def _has_form(op: Any) -> bool:
    record = RECORDS.get(op._type)
    return op._type in NUMPY_FORMS or has_numpy(op) or (record is not None and record.on_host(op))


class _Rest:
    """What depends on certain tensors, or must come after what does, and given loops."""

    def __init__(self, changing: Iterable[Tensor], loops: Collection[Any]):
        self.items: list[Any] = []
        self._loops = loops
        self._tensors = set(changing)
        self._ops: set[Operation] = set()
        self._read: set[Any] = set()
        self._written: set[Any] = set()

    def takes(self, item: Any) -> bool:
        """Whether the item, which comes after all that were asked about before, belongs here; then it is here."""
        ops = ops_of(item)
        cells = Cells(ops)
        if (
            item not in self._loops
            and self._tensors.isdisjoint(taken_by(item))
            and not any(c in self._ops for op in ops for c in op._control_inputs)
            and self._written.isdisjoint((*cells.read, *cells.written))
            and self._read.isdisjoint(cells.written)
        ):
            return False
        self.items.append(item)
        self._ops.update(ops)
        self._tensors.update(t for op in ops for t in op._outputs)
        self._read.update(cells.read)
        self._written.update(cells.written)
        return True


def parted(
    items: Sequence[Any], changing: Collection[Tensor], checking: Collection[Operation] = ()
) -> tuple[list[Any], list[Any]] | None:
    """Items that do not depend on tensors whose shapes change, and the rest; None if it is not worth it.

    Nor is it done where a check that may fail would come after what it keeps from happening; `checking` are the operations
    that checked something when the items were compiled.
    """
    first, rest = _divided(items, changing)
    known = _known_while_tracing(first)
    ops = [op for item in first for op in ops_of(item)]
    later = [op for item in rest for op in ops_of(item)]
    work = sum(op not in known for op in ops)
    if not later or work < max(_FEWEST_PARTED, _LEAST_PART * (work + len(later))):
        return None
    if Cells(ops).written and any(op._type in _CHECKS or op in checking for op in later):
        return None
    return first, [*_needed_again(first, known, rest), *rest]


def _divided(items: Sequence[Any], changing: Collection[Tensor]) -> tuple[list[Any], list[Any]]:
    """Items that do not depend on `changing`, and the others: a loop where its derivatives are, which would run it again."""
    loops: set[Any] = set()
    while True:
        rest = _Rest(changing, loops)
        first = [item for item in items if not rest.takes(item)]
        apart = {i for i in first if i.__class__ is LoopRegion and not set(i.gradients).isdisjoint(rest.items)}
        if not apart:
            return first, rest.items
        loops |= apart


def _known_while_tracing(items: Iterable[Any]) -> set[Operation]:
    """Operations on nothing but constants and shapes: these cost nothing in a compiled program, and it must know them.

    Not on shapes of variables: an assignment may change them.
    """
    known: set[Operation] = set()
    for item in items:
        if item.__class__ is Instruction and is_simple(item.op) and not any(map(is_handle, item.inputs)):
            op = item.op
            if op._type in _OF_SHAPES or all(t._op in known for t in op._inputs):
                known.add(op)
    return known


def _needed_again(first: list[Any], known: set[Operation], rest: Iterable[Any]) -> list[Any]:
    """The items of `first` that the rest works out for itself, so that it knows their values."""
    needed = {t._op for item in rest for t in taken_by(item)}
    found = []
    for item in reversed(first):
        if item.__class__ is Instruction and item.op in known and item.op in needed:
            found.append(item)
            needed.update(t._op for t in item.op._inputs)
    return found[::-1]
