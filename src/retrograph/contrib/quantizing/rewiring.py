"""What both rewrites of a graph need: who takes a tensor, putting another in its place, the count of steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor

# Operations of these are never rewired.
SKIPPED = ("gradients/", "RMSProp/", "Adagrad/", "Const_", "HistogramSummary", "ScalarSummary")
_STEP = "fake_quantization_step"


class Consumers:
    """Who takes the outputs of operations, as it was when this was made; gradients and summaries are left out."""

    def __init__(self, graph: Graph):
        self._of: dict[Tensor, list[Operation]] = defaultdict(list)
        for op in graph.get_operations():
            if not op.name.startswith(SKIPPED):
                for tensor in dict.fromkeys(op.inputs):
                    self._of[tensor].append(op)

    def of(self, producer: Operation) -> list[Operation]:
        """The operations that take any of its outputs, once each."""
        return list(dict.fromkeys(op for tensor in producer.outputs for op in self._of.get(tensor, ())))


def reroute(new: Tensor, old: Tensor, among: Collection[Operation] | None = None) -> int:
    """Makes the takers of a tensor (of `among`, if given) take another; gives how many inputs were changed."""
    takers = [op for op in dict.fromkeys(old.consumers()) if among is None or op in among]
    places = [(op, index) for op in takers for index, tensor in enumerate(op.inputs) if tensor is old]
    for op, index in places:
        op._update_input(index, new)
    return len(places)


def quantization_step() -> Any:
    """How many steps the graph has run, this one included: a variable that counts."""
    graph = get_default_graph()
    try:
        return graph.get_tensor_by_name(f"{_STEP}/Identity:0")
    except KeyError:
        pass
    with graph.name_scope(None):
        count = tf.get_variable(
            _STEP, shape=[], dtype=tf.int64, initializer=tf.zeros_initializer(), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES],
        )  # fmt: skip
        with graph.name_scope(f"{count.op.name}/"):
            return tf.identity(tf.assign_add(count, 1))


def scope_of(name: str) -> str:
    """The scope that an operation's name stands in; empty at the top."""
    return name.rpartition("/")[0]
