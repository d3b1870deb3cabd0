"""`tensorflow.python.client.session._FetchHandler`, from which public programs learn what a `run` asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.fetches import Fetches
from retrograph.runtime.handles import TensorHandle


class FetchHandler:
    """The tensors and operations in a structure of fetches, and the structure filled with their values.

    Raises TypeError, ValueError: what cannot be fetched. Source: TF 1.15 `session._FetchHandler`.
    """

    def __init__(self, graph: Graph, fetches: Any, feeds: Mapping[Any, Any], feed_handles: Any = None):
        with graph.as_default():
            self._wanted = Fetches(graph, fetches)
        self._feeds = feeds
        self._feed_handles = feed_handles or {}

    def fetches(self) -> list[Tensor]:
        """The tensors to compute: without those that are fed."""
        return [tensor for tensor in self._wanted.tensors if tensor not in self._feeds]

    def targets(self) -> list[Operation]:
        """The operations to run."""
        return list(self._wanted.targets)

    def build_results(self, session: Any, tensor_values: Sequence[Any]) -> Any:
        """The structure with `tensor_values`, which are those of `fetches()`, and the fed ones; operations give None."""
        assert len(tensor_values) == len(self.fetches())
        computed = iter(tensor_values)
        values = [self._fed(tensor) if tensor in self._feeds else next(computed) for tensor in self._wanted.tensors]
        for place in self._wanted.handles:
            dtype = self._wanted.tensors[place].op.inputs[0].dtype
            values[place] = TensorHandle(values[place], dtype, session)
        return self._wanted.fill(values)

    def _fed(self, tensor: Tensor) -> Any:
        handle = self._feed_handles.get(tensor)
        return self._feeds[tensor] if handle is None else handle.eval()
