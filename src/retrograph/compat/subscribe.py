"""`tensorflow.python.framework.subscribe`: hangs side effects on tensors of a graph that is made already."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import retrograph as tf
from retrograph.framework.operation import Operation, Tensor
from retrograph.platform import logging
from retrograph.variables.base import Variable

_Effects = list[Callable[[Tensor], list[Any]]]
_SUBSCRIBED = re.compile(r"^(.*?)/subscription/Identity[^/]+")


def subscribe(tensors: Any, side_effects: Any) -> Any:
    """Tensors (also lists, tuples and dictionaries of them) that stand for the given ones and run side effects first.

    `side_effects` are functions of a tensor that give lists of operations. Who takes the given tensors takes the new ones.
    Raises TypeError: something that is no tensor. Source: TF 1.15 `tensorflow.python.framework.subscribe.subscribe`.
    """
    effects = list(side_effects) if hasattr(side_effects, "__iter__") else [side_effects]
    followers = _Followers()
    return _recursive_apply(tensors, lambda tensor: _in_place_of(tensor, effects, followers))


class _Followers:
    """Which operations wait for one, as the graph was before."""

    def __init__(self) -> None:
        self._known: dict[Any, dict[Operation, list[Operation]]] = {}

    def of(self, op: Operation) -> list[Operation]:
        if op.graph not in self._known:
            waiting: dict[Operation, list[Operation]] = {}
            for other in op.graph.get_operations():
                for before in other.control_inputs:
                    waiting.setdefault(before, []).append(other)
            self._known[op.graph] = waiting
        return self._known[op.graph].get(op, [])


def _recursive_apply(tensors: Any, apply_fn: Callable[[Any], Any]) -> Any:
    """A structure of what a function gives for each tensor in one. Raises: TypeError for other structures."""
    kind = type(tensors)
    if kind is Tensor:
        return apply_fn(tensors)
    if isinstance(tensors, Variable):
        return apply_fn(tensors.value())
    if isinstance(tensors, (list, tuple)):
        made = [_recursive_apply(t, apply_fn) for t in tensors]
        return kind(made) if kind in (list, tuple) else kind(*made)
    if kind is dict:
        return {key: _recursive_apply(t, apply_fn) for key, t in tensors.items()}
    raise TypeError(f"_recursive_apply argument {tensors!r} has invalid type {kind!r}")


@contextlib.contextmanager
def _context_of(tensor: Tensor) -> Iterator[None]:
    context = tensor.op._get_control_flow_context()
    with tf.device(tensor.device):
        if context:
            context.Enter()
        try:
            yield
        finally:
            if context:
                context.Exit()


def _in_place_of(tensor: Tensor, effects: _Effects, followers: _Followers) -> Tensor:
    if not tensor.dtype.is_numpy_compatible:
        logging.debug(f"Tensor {tensor.name} has an un-supported {tensor.dtype} type and cannot be subscribed.")
        return tensor
    with _context_of(tensor):
        known = _known_identity(tensor)
        return _new(tensor, effects, followers) if known is None else _extended(known, effects)


def _known_identity(tensor: Tensor) -> Tensor | None:
    if _is_subscribed_identity(tensor):
        return tensor
    start = tensor.op.name + "/subscription/Identity"
    found = [op.outputs[0] for op in tensor.consumers() if op.name.startswith(start)]
    return found[0] if found and _is_subscribed_identity(found[0]) else None


def _is_subscribed_identity(tensor: Tensor) -> bool:
    match = _SUBSCRIBED.match(tensor.name) if tensor.op.type == "Identity" else None
    return match is not None and match.group(1) == tensor.op.inputs[0].op.name


def _new(tensor: Tensor, effects: _Effects, followers: _Followers) -> Tensor:
    takers = [(op, [t is tensor for t in op.inputs].index(True)) for op in tensor.consumers()]
    with tf.name_scope(tensor.op.name + "/subscription/"):
        made = [one for effect in effects for one in effect(tensor)]
        with tf.control_dependencies(made):
            out: Tensor = tf.identity(tensor)
    for op, index in takers:
        op._update_input(index, out)
    for op in followers.of(tensor.op):
        others = [before for before in op.control_inputs if before is not tensor.op]
        op._remove_all_control_inputs()
        op._add_control_inputs([*others, out.op])
    return out


def _extended(tensor: Tensor, effects: _Effects) -> Tensor:
    source = tensor.op.inputs[0]
    with tf.name_scope(source.op.name + "/subscription/"):
        made = [one for effect in effects for one in effect(source)]
    tensor.op._add_control_inputs([one.op if isinstance(one, Tensor) else one for one in made])
    return tensor
