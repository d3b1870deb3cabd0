"""The weights of a frozen graph as a file of named arrays: its constants of more than one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.cli.failure import Failure
from retrograph.cli.graph_report import GraphReport
from retrograph.cli.tensor_files import Described


class FrozenGraphFile:
    """The constants of a frozen graph (`.pb`, `.pbtxt`). Raises Failure for a graph that has variables, or no constants."""

    kind = "frozen graph"

    def __init__(self, path: str):
        from retrograph.cli.inspecting import parsed

        graph = parsed("tensorflow.GraphDef", path)
        self.path = path
        self._nodes = {node.name: node for node in graph.node}
        report = GraphReport(graph)
        if not report.frozen:
            raise Failure(f"{path}: a graph with variables, not a frozen one: their values are in a checkpoint")
        if not report.leaves:
            raise Failure(f"{path}: a graph without constants of more than one number")
        self._names = sorted(leaf.name for leaf in report.leaves)

    def described(self) -> list[Described]:
        """The tensors, sorted by name."""
        return [self._described(name) for name in self._names]

    def _described(self, name: str) -> Described:
        from retrograph.framework.dtypes import as_dtype

        attributes = self._nodes[name].attr
        tensor, dtype = attributes["value"].tensor, as_dtype(attributes["dtype"].type)
        item_size = 0 if dtype.name == "string" else np.dtype(dtype.as_numpy_dtype).itemsize
        return Described(name, tuple(dim.size for dim in tensor.tensor_shape.dim), dtype.name, item_size)

    def read(self, name: str) -> Any:
        """The array of that name."""
        from retrograph.framework.constants import make_ndarray

        return make_ndarray(self._nodes[name].attr["value"].tensor)
