"""Derivatives of loops: the loop is evaluated so that JAX can differentiate it, with the gradients that TF takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from retrograph.framework.lazy_jax import jax, jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Evaluator, Instruction
from retrograph.runtime.own_gradients import (
    OWN_GRADIENT,
    GradientInLoop,
    Pulled,
    gradient_in_loop,
    is_overridden,
    on_host,
    runs_on_host,
    still,
    with_own_gradient,
)
from retrograph.runtime.pieces import Collector, Out, Slot, can_carry, is_traced, rebuilt, tidy
from retrograph.runtime.regions import schedule
from retrograph.runtime.state import Ref, StateContext, TraceContext


class Differentiable(Evaluator):
    """Evaluates so that a derivative can be taken, TF's: where it lets no gradient through, none goes through here."""

    own: Mapping[Operation, GradientInLoop] = {}
    around: Mapping[Tensor, Any] = {}

    def inside(self, context: StateContext, env: dict[Tensor, Any], host: bool) -> Evaluator:
        """An evaluator for a part of this one's work; gradients that operations bring along see all that there is here."""
        made = super().inside(_still(context), env, host)
        made.own, made.around = self.own, {**self.around, **self.env} if self.own else {}  # type: ignore[attr-defined]
        return made

    def _implementation(self, item: Instruction, values: list[Any]) -> Callable[..., Any]:
        if item.lower is None and not self.host and runs_on_host(item, values):
            return on_host(item)
        found = super()._implementation(item, values)
        return with_own_gradient(found) if item.op._type in OWN_GRADIENT and found is item.lower else found

    def step(self, item: Instruction) -> None:
        """Evaluates one operation."""
        super().step(item)
        if item.op in self.own:
            self._bring_along(item, self.own[item.op])
            return
        record = RECORDS.get(item.op._type)
        if record is None or record.gradient is not NO_GRADIENT:
            return
        for tensor in item.outputs:
            if tensor in self.env:
                self.env[tensor] = _stopped(self.env[tensor])

    def _bring_along(self, item: Instruction, override: GradientInLoop) -> None:
        env = self.env
        results = {i: env[t] for i, t in enumerate(item.outputs) if _is_moving(env[t])}
        inputs = {i: self._moved(item.inputs[i]) for i in override.leaving}
        moving = {i: value for i, value in inputs.items() if _is_moving(value)}
        if not moving:
            env.update((item.outputs[i], lax.stop_gradient(value)) for i, value in results.items())
            return
        outputs = [env[t] for t in item.outputs]
        given = Pulled(override, {**self.around, **env}, self.context, outputs).apply(results, moving)
        env.update((item.outputs[i], value) for i, value in zip(results, given, strict=True))

    def _moved(self, tensor: Tensor) -> Any:
        """The value of an input; of a resource variable the one that it holds."""
        value = self.env[tensor]
        return self.context.read(value) if value.__class__ is Ref and value.key in self.context.cells else value


def _still(context: StateContext) -> StateContext:
    if isinstance(context, TraceContext):
        context.is_still = True
    return context


def _stopped(value: Any) -> Any:
    """The value without what would lead a gradient further."""
    return lax.stop_gradient(value) if is_traced(value) else still(value)


def _is_moving(value: Any) -> bool:
    return is_traced(value) and _is_inexact(value)


class Differentiation:
    """A loop run so that its derivative can be taken afterwards."""

    def __init__(self, loop: Any, evaluator: Evaluator, wanted: Sequence[Tensor]) -> None:
        self.loop = loop
        self.wanted = list(wanted)
        context = evaluator.context
        self.movable = [_moving_leaves(self._value(evaluator, t)) for t in self.wanted]
        flat = [leaf for _, leaves in self.movable for leaf in leaves]
        outputs, self.pull, rest = jax.vjp(lambda *leaves: self._forward(evaluator, leaves), *flat, has_aux=True)
        self.outputs = outputs
        taken = [*outputs, *rest]
        self.exits = [rebuilt(slot, taken) for slot in self.slots]
        for i, reference in self.references.items():
            self.exits[i] = Ref(reference.op)
        if isinstance(context, TraceContext):
            for key, slot in self.cells.items():
                context.cells[key] = rebuilt(slot, taken)
                context.written.add(key)
            context.checks.extend(
                (op, rebuilt(ok, taken), [rebuilt(d, taken) for d in data]) for op, ok, data in self.checks
            )

    @staticmethod
    def _value(evaluator: Evaluator, tensor: Tensor) -> Any:
        value = evaluator.env[tensor]
        return evaluator.context.read(value) if value.__class__ is Ref else value

    def _forward(self, evaluator: Evaluator, leaves: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        context = TraceContext(dict(evaluator.context.cells))
        env = dict(evaluator.env)
        self._place(env, iter(leaves))
        exits = self.loop.run(self._evaluator(context, env))
        self.references = {i: e for i, e in enumerate(exits) if e.__class__ is Ref and e.moving is not None}
        # A reference leaves the loop as the value that it came with: gradients go the same way.
        exits = [e.moving if i in self.references else still(e) for i, e in enumerate(exits)]
        collector = Collector()
        self.slots = [collector.slot(e) for e in exits]
        self.cells = {key: collector.slot(context.cells[key]) for key in context.written if key in context.cells}
        self.checks = [(op, collector.slot(ok), [collector.slot(d) for d in data]) for op, ok, data in context.checks]
        return _by_kind(collector.arrays, [*self.slots, *self.cells.values(), *_slots_of(self.checks)])

    def _evaluator(self, context: TraceContext, env: dict[Any, Any]) -> Evaluator:
        made = Differentiable(_still(context), env, host=False)
        ops = frozenset(self.loop.ops)
        overrides = {op: gradient_in_loop(op, ops) for op in self.loop.ops if is_overridden(op)}
        made.own = {op: override for op, override in overrides.items() if override is not None}
        for override in made.own.values():
            override.items = self.loop.items_of(schedule(override.ops))
        return made

    def _place(self, env: dict[Any, Any], leaves: Any) -> None:
        for tensor, (rebuild, old) in zip(self.wanted, self.movable, strict=True):
            value = rebuild([next(leaves) for _ in old])
            env[tensor] = Ref(env[tensor].op, moving=value) if env[tensor].__class__ is Ref else value
        for op in self.loop.enters:
            env.pop(op._outputs[0], None)

    def gradients(self, given: dict[Tensor, Any]) -> dict[Tensor, Any]:
        """The gradients of the wanted inputs, given those of exits."""
        cotangents = [jnp.zeros(o.shape, o.dtype) for o in self.outputs]
        for op, slot in zip(self.loop.exits, self.slots, strict=True):
            grad = given.get(op._outputs[0])
            leaves = [] if grad is None else jax.tree_util.tree_leaves(tidy(grad))
            for leaf, new in zip(slot.leaves, leaves, strict=False):
                if isinstance(leaf, Out) and leaf.index < len(self.outputs):
                    like = self.outputs[leaf.index]
                    cotangents[leaf.index] = _of_length(jnp.asarray(new, like.dtype), like.shape)
        moved = iter(self.pull(cotangents))
        grads = [rebuild([next(moved) for _ in leaves]) for rebuild, leaves in self.movable]
        return dict(zip(self.wanted, grads, strict=True))


def _of_length(grad: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of an array that had room for more rounds than were made, or for fewer than were asked for."""
    if grad.shape == shape or grad.shape[1:] != shape[1:]:
        return grad
    return jnp.pad(grad[: shape[0]], [(0, max(shape[0] - len(grad), 0)), *[(0, 0)] * (grad.ndim - 1)])


def _slots_of(checks: Iterable[Any]) -> Iterable[Slot]:
    for _, ok, data in checks:
        yield ok
        yield from data


def _is_inexact(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.inexact))


def _by_kind(arrays: list[Any], slots: Iterable[Slot]) -> tuple[list[Any], list[Any]]:
    """The arrays with derivatives, then the others; the slots are changed to count in that order."""
    order = sorted(range(len(arrays)), key=lambda i: not _is_inexact(arrays[i]))
    place = {old: new for new, old in enumerate(order)}
    for slot in slots:
        for leaf in slot.leaves:
            if isinstance(leaf, Out):
                leaf.index = place[leaf.index]
    moving = [arrays[i] for i in order if _is_inexact(arrays[i])]
    return moving, [arrays[i] for i in order[len(moving) :]]


def _moving_leaves(value: Any) -> tuple[Callable[[list[Any]], Any], list[Any]]:
    """The parts of a value that have derivatives, and a function that puts such parts in their place."""
    leaves, tree = jax.tree_util.tree_flatten(tidy(value))
    where = [i for i, leaf in enumerate(leaves) if can_carry(leaf) and _is_inexact(jnp.asarray(leaf))]

    def rebuild(parts: list[Any]) -> Any:
        new = list(leaves)
        for i, part in zip(where, parts, strict=True):
            new[i] = part
        return jax.tree_util.tree_unflatten(tree, new)

    return rebuild, [jnp.asarray(leaves[i]) for i in where]
