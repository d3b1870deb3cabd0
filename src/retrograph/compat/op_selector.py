"""Walks back from operations, all or only along what has gradients: `tensorflow.python.ops.op_selector`."""

from __future__ import annotations

from typing import Any

from retrograph.autodiff.registry import lookup
from retrograph.contrib.graph_editor.elements import make_list_of_t
from retrograph.contrib.graph_editor.selecting import backward_neighbours, seeds_of, walk
from retrograph.framework.operation import Operation


class UnliftableError(Exception):
    """A tensor cannot be lifted out of its graph."""

    ag_pass_through = True


def is_differentiable(op: Operation) -> bool:
    """Whether a gradient goes through operations of that type. Source: TF 1.15 `op_selector.is_differentiable`."""
    try:
        return lookup(op.type) is not None
    except LookupError:
        return False


def graph_inputs(op: Operation) -> list[Operation]:
    """The operations that make what `op` takes, and those that it waits for. Source: TF 1.15 `op_selector.graph_inputs`."""
    return [tensor.op for tensor in op.inputs] + list(op.control_inputs)


def get_backward_walk_ops(
    seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None, stop_at_ts: Any = (),
    control_inputs: bool = False, only_differentiable: bool = False,
) -> list[Operation]:  # fmt: skip
    """The operations that the seeds need; with `only_differentiable` those on ways that gradients take.

    Raises TypeError: seeds that are no operations or tensors. Source: TF 1.15 `op_selector.get_backward_walk_ops`.
    """
    stop = frozenset(make_list_of_t(stop_at_ts))
    waits = control_inputs and not only_differentiable

    def neighbours(op: Operation) -> list[Operation]:
        if only_differentiable and not is_differentiable(op):
            return []
        return backward_neighbours(op, waits, stop)

    seeds = seeds_of(seed_ops, lambda ts: [t.op for t in ts])
    return walk(seeds, neighbours, inclusive, within_ops, within_ops_fn)
