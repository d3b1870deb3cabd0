"""TF's seed rules: a graph seed, an op seed, and the number of operations made so far."""

from __future__ import annotations

from typing import Any

from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor

DEFAULT_GRAPH_SEED = 87654321
_MAXINT32 = 2**31 - 1


def _truncated(seed: Any) -> Any:
    remainder = seed % _MAXINT32
    return remainder if isinstance(remainder, Tensor) else int(remainder)


@export("get_seed", "random.get_seed")
def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """(seed, seed2) for a random operation; (None, None) if neither seed is set.

    Source: TF 1.15 `tf.get_seed`.
    """
    graph = get_default_graph()
    graph_seed = graph.seed
    if graph_seed is not None:
        seeds = (graph_seed, graph._last_id - graph._inlined if op_seed is None else op_seed)
    elif op_seed is not None:
        seeds = (DEFAULT_GRAPH_SEED, op_seed)
    else:
        return None, None
    seed, seed2 = (_truncated(s) for s in seeds)
    return (0, _MAXINT32) if (seed, seed2) == (0, 0) else (seed, seed2)


@export("set_random_seed", "random.set_random_seed")
def set_random_seed(seed: Any) -> None:
    """Sets the seed of the default graph. Source: TF 1.15 `tf.set_random_seed`."""
    get_default_graph().seed = seed
