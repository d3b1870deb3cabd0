"""What a graph holds: operations and tensors, which are found by name, and collections."""

from __future__ import annotations

import re
import threading
from typing import Any

from retrograph.framework.node_def import GraphDef, VersionDef, node_def_of
from retrograph.framework.operation import Operation, Tensor, as_graph_element

_TENSOR_NAME_FORM = 'Tensor names must be of the form "<op_name>:<output_index>".'


class _ConsumerIndex:
    """Which operations take which tensor."""

    def __init__(self, version: int):
        self.version = version
        self.count = 0
        self.found: dict[Tensor, list[Operation]] = {}

    def extend(self, ops: list[Operation]) -> None:
        """Takes in the operations that it has not seen."""
        for op in ops[self.count :]:
            for tensor in op._inputs:
                self.found.setdefault(tensor, []).append(op)
        self.count = len(ops)


class GraphContents:
    """The operations of a graph in order and by name, its collections, and what may be fed and fetched."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ops: list[Operation] = []
        self._nodes_by_name: dict[str, Operation] = {}
        self._next_id_counter = 0
        self._version_of_edges = 0
        self._bad_edges: list[str] = []
        self._consumers = _ConsumerIndex(0)
        self._collections: dict[Any, list[Any]] = {}
        self._seed: Any = None
        self._finalized = False
        # What runs before all that it does not need, whenever it was made.
        self._first: set[Operation] = set()
        self._unfeedable_tensors: set[Any] = set()
        self._unfetchable_ops: set[Any] = set()
        self._functions: dict[str, Any] = {}
        self._producer, self._min_consumer = 134, 0

    # ---- identity and size

    @property
    def version(self) -> int:
        """The number of the last operation; those that were refused count too, as in TF."""
        return self._ops[-1]._id if self._ops else 0

    @property
    def _last_id(self) -> int:
        return self._next_id_counter

    def _next_id(self) -> int:
        with self._lock:
            self._next_id_counter += 1
            return self._next_id_counter

    @property
    def graph_def_versions(self) -> VersionDef:
        """The GraphDef version that TF 1.15 writes."""
        return VersionDef(producer=self._producer, min_consumer=self._min_consumer)

    @property
    def seed(self) -> Any:
        """The graph-level random seed, None if it is not set."""
        return self._seed

    @seed.setter
    def seed(self, seed: Any) -> None:
        self._seed = seed

    @property
    def finalized(self) -> bool:
        """Whether operations can no longer be added."""
        return self._finalized

    def finalize(self) -> None:
        """Forbids adding operations from now on."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def _enter(self, op: Operation, name: str) -> None:
        with self._lock:
            self._next_id_counter = op._id = self._next_id_counter + 1
            # Names given exactly (with a trailing slash) are taken too, but do not count for unique_name.
            if self._nodes_by_name.setdefault(name, op) is not op:
                raise ValueError(f"Duplicate node name in graph: '{name}'")
            self._ops.append(op)

    # ---- looking up

    def get_operations(self) -> list[Operation]:
        """All operations, in order of creation."""
        return list(self._ops)

    @property
    def _nodes_by_id(self) -> dict[int, Operation]:
        return {op._id: op for op in self._ops}

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or operation that `obj` is, names, or stands for.

        Raises TypeError, ValueError or KeyError with TF's texts. Source: TF 1.15 `tf.Graph.as_graph_element`.
        """
        if not allow_tensor and not allow_operation:
            raise ValueError("allow_tensor and allow_operation can't both be False.")
        if obj.__class__ is str:
            return self._element_by_name(obj, allow_tensor, allow_operation)
        wanted = (
            "Tensor or Operation" if allow_tensor and allow_operation else "Tensor" if allow_tensor else "Operation"
        )
        element = as_graph_element(obj)
        element = obj if element is None else element
        if isinstance(element, bytes):
            element = element.decode()
        if isinstance(element, str):
            return self._element_by_name(element, allow_tensor, allow_operation)
        if isinstance(element, Tensor) and allow_tensor:
            if element.graph is not self:
                raise ValueError(f"Tensor {element} is not an element of this graph.")
            return element
        if isinstance(element, Operation) and allow_operation:
            if element.graph is not self:
                raise ValueError(f"Operation {element} is not an element of this graph.")
            return element
        raise TypeError(f"Can not convert a {type(element).__name__} into a {wanted}.")

    _as_graph_element_locked = as_graph_element

    def _element_by_name(self, name: str, allow_tensor: bool, allow_operation: bool) -> Any:
        if ":" in name and allow_tensor:
            return self._tensor_by_name(name)
        if ":" in name:
            raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a Operation.")
        if allow_operation:
            if name not in self._nodes_by_name:
                raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
            return self._nodes_by_name[name]
        if name in self._nodes_by_name:
            raise ValueError(f"The name {name!r} refers to an Operation, not a Tensor. {_TENSOR_NAME_FORM}")
        raise ValueError(f"The name {name!r} looks like an (invalid) Operation name, not a Tensor. {_TENSOR_NAME_FORM}")

    def _tensor_by_name(self, name: str) -> Tensor:
        try:
            op_name, index_text = name.split(":")
            index = int(index_text)
        except ValueError:
            raise ValueError(
                f"The name {name!r} looks a like a Tensor name, but is not a valid one. {_TENSOR_NAME_FORM}"
            ) from None
        op = self._nodes_by_name.get(op_name)
        if op is None:
            raise KeyError(
                f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, does not exist in the graph."
            )
        try:
            return op._outputs[index]
        except IndexError:
            raise KeyError(
                f"The name {name!r} refers to a Tensor which does not exist. The operation, {op_name!r}, exists but only has {len(op._outputs)} outputs."
            ) from None

    def get_operation_by_name(self, name: Any) -> Operation:
        """The operation of that name; KeyError if there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False, allow_operation=True)  # type: ignore[no-any-return]

    _get_operation_by_name_unsafe = get_operation_by_name

    def get_tensor_by_name(self, name: Any) -> Tensor:
        """The tensor of that name (`op:index`); KeyError if there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=True, allow_operation=False)  # type: ignore[no-any-return]

    def _get_operation_by_tf_operation(self, operation: Operation) -> Operation:
        return operation

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> GraphDef:
        """This graph as a `GraphDef`; only the operations after the first `from_version` if given."""
        graph_def = GraphDef(versions=self.graph_def_versions)
        for op in self._ops[from_version or 0 :]:
            node = node_def_of(op)
            if add_shapes and op._outputs:
                node.add_shapes(op)
            list.append(graph_def.node, node)
        for function in self._functions.values():
            graph_def.library.function.append(function.definition)
        return graph_def

    def _consumers_of(self, tensor: Tensor) -> list[Operation]:
        """The operations that take a tensor; the index is made when it is first asked for, and then kept up."""
        with self._lock:
            index = self._consumers
            if index.version != self._version_of_edges:
                index = self._consumers = _ConsumerIndex(self._version_of_edges)
            index.extend(self._ops)
            return index.found.get(tensor, [])

    # ---- feeding and fetching

    def prevent_feeding(self, tensor: Any) -> None:
        """Forbids feeding the tensor."""
        self._unfeedable_tensors.add(tensor)

    def is_feedable(self, tensor: Any) -> bool:
        """Whether the tensor may be fed."""
        return tensor not in self._unfeedable_tensors

    def prevent_fetching(self, op: Any) -> None:
        """Forbids fetching the operation."""
        self._unfetchable_ops.add(op)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether the tensor or operation may be fetched."""
        op = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
        return op not in self._unfetchable_ops

    # ---- collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends `value` to a collection."""
        self._check_not_finalized()
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends `value` to several collections, once each."""
        names = (names,) if isinstance(names, (str, bytes)) else set(names)
        for name in names:
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection itself, made empty if it is not there."""
        return self._collections.setdefault(name, [])

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of the collection; with `scope`, those whose name matches it as a regular expression at the start."""
        collection = self._collections.get(name, [])
        if scope is None or not collection:
            return list(collection)
        matches = re.compile(scope).match
        return [item for item in collection if hasattr(item, "name") and matches(item.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """The names of the collections that programs see."""
        return [k for k in list(self._collections) if isinstance(k, str)]

    @property
    def collections(self) -> list[Any]:
        """The names of all collections."""
        return list(self._collections)

    def clear_collection(self, name: Any) -> None:
        """Empties a collection."""
        self._check_not_finalized()
        self._collections.pop(name, None)
