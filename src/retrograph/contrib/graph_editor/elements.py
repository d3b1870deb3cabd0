"""Lists of operations and tensors, their neighbours, and the names of placeholders that stand in for tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from retrograph.framework.collections import GraphKeys
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.identities import placeholder

PREFIX = "geph"


class ListView:
    """A list that cannot be changed."""

    def __init__(self, list_: list[Any]):
        if not isinstance(list_, list):
            raise TypeError(f"Expected a list, got: {type(list_)}.")
        self._list = list_

    def __iter__(self) -> Iterator[Any]:
        return iter(self._list)

    def __len__(self) -> int:
        return len(self._list)

    def __getitem__(self, index: Any) -> Any:
        return self._list[index]

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self._list, *other]


def is_iterable(value: Any) -> bool:
    """Whether a value is a collection; tensors are none."""
    if isinstance(value, (Tensor, Operation)):
        return False
    try:
        iter(value)
    except Exception:
        return False
    return True


def concatenate_unique(la: list[Any], lb: Iterable[Any]) -> list[Any]:
    """Appends to `la` what it does not hold yet."""
    known = set(la)
    for item in lb:
        if item not in known:
            known.add(item)
            la.append(item)
    return la


def flatten_tree(tree: Any, leaves: list[Any] | None = None) -> list[Any]:
    """The leaves of nested collections."""
    found = [] if leaves is None else leaves
    if is_iterable(tree):
        for child in tree.values() if isinstance(tree, dict) else tree:
            flatten_tree(child, found)
    else:
        found.append(tree)
    return found


def transform_tree(tree: Any, fn: Callable[[Any], Any], iterable_type: Any = tuple) -> Any:
    """Nested collections of the same kinds, with `fn` of each leaf."""
    if not is_iterable(tree):
        return fn(tree)
    if isinstance(tree, dict):
        return type(tree)((k, transform_tree(child, fn)) for k, child in tree.items())
    children = [transform_tree(child, fn) for child in tree]
    if isinstance(tree, tuple):
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    return type(tree)(children) if isinstance(tree, Sequence) else iterable_type(children)  # type: ignore[call-arg]


def check_graphs(*args: Any) -> None:
    """Raises ValueError for views of several graphs."""
    graphs = [view.graph for view in args if view.graph is not None]
    for index, view in enumerate(args):
        if view.graph is not None and view.graph is not graphs[0]:
            raise ValueError(f"Argument[{index}]: Wrong graph!")


def get_unique_graph(tops: Any, check_types: Any = None, none_if_empty: bool = False) -> Any:
    """The graph that all operations and tensors are in.

    Raises: TypeError for other things; ValueError for several graphs, or none.
    """
    if isinstance(tops, Graph):
        return tops
    if not is_iterable(tops):
        raise TypeError(f"{type(tops)} is not iterable")
    kinds = (Operation, Tensor) if check_types is None else check_types
    kinds = tuple(kinds) if is_iterable(kinds) else (kinds,)
    graph = None
    for top in tops:
        if not isinstance(top, kinds):
            raise TypeError(f"Expected a type in ({', '.join(map(str, kinds))}), got: {type(top)}")
        graph = graph or top.graph
        if graph is not top.graph:
            raise ValueError(f"Operation {top} does not belong to given graph")
    if graph is None and not none_if_empty:
        raise ValueError("Can't find the unique graph of an empty list")
    return graph


def _as_list(value: Any, kind: Any, check_graph: bool, lenient: bool) -> list[Any]:
    items = list(value) if is_iterable(value) else [value]
    if items and check_graph:
        get_unique_graph(items, check_types=None if lenient else kind)
    return [x for x in items if isinstance(x, kind)]


@export("contrib.graph_editor.make_list_of_op")
def make_list_of_op(ops: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ts: bool = False) -> Any:
    """The operations among `ops`, or of a graph.

    Raises: TypeError for other things. Source: TF 1.15 `tf.contrib.graph_editor.make_list_of_op`.
    """
    if isinstance(ops, Graph):
        if not allow_graph:
            raise TypeError("allow_graph is False: cannot convert a tf.Graph.")
        return ops.get_operations()
    return _as_list(ops, Operation, check_graph, ignore_ts)


@export("contrib.graph_editor.make_list_of_t")
def make_list_of_t(ts: Any, check_graph: bool = True, allow_graph: bool = True, ignore_ops: bool = False) -> Any:
    """The tensors among `ts`, or of a graph.

    Raises: TypeError for other things. Source: TF 1.15 `tf.contrib.graph_editor.make_list_of_t`.
    """
    if isinstance(ts, Graph):
        if not allow_graph:
            raise TypeError("allow_graph is False: cannot convert a tf.Graph.")
        return get_tensors(ts)
    return _as_list(ts, Tensor, check_graph, ignore_ops)


@export("contrib.graph_editor.get_tensors")
def get_tensors(graph: Any) -> list[Tensor]:
    """All tensors of a graph. Source: TF 1.15 `tf.contrib.graph_editor.get_tensors`."""
    if not isinstance(graph, Graph):
        raise TypeError(f"Expected a graph, got: {type(graph)}")
    return [t for op in graph.get_operations() for t in op.outputs]


@export("contrib.graph_editor.get_generating_ops")
def get_generating_ops(ts: Any) -> list[Operation]:
    """The operations that make tensors. Source: TF 1.15 `tf.contrib.graph_editor.get_generating_ops`."""
    return [t.op for t in make_list_of_t(ts, allow_graph=False)]


@export("contrib.graph_editor.get_consuming_ops")
def get_consuming_ops(ts: Any) -> list[Operation]:
    """The operations that take tensors. Source: TF 1.15 `tf.contrib.graph_editor.get_consuming_ops`."""
    found: list[Operation] = []
    for t in make_list_of_t(ts, allow_graph=False):
        concatenate_unique(found, t.consumers())
    return found


@export("contrib.graph_editor.ControlOutputs")
class ControlOutputs:
    """Which operations wait for which. Source: TF 1.15 `tf.contrib.graph_editor.ControlOutputs`."""

    def __init__(self, graph: Any):
        if not isinstance(graph, Graph):
            raise TypeError(f"Expected a tf.Graph, got: {type(graph)}")
        self._graph, self._version = graph, (-1, -1)
        self._found: dict[Operation, list[Operation]] = {}
        self.update()

    def update(self) -> ControlOutputs:
        """Looks again, if the graph has changed."""
        version = (self._graph.version, self._graph._version_of_edges)
        if version != self._version:
            self._version = version
            self._found = {}
            for op in self._graph.get_operations():
                for control in op.control_inputs:
                    self._found.setdefault(control, []).append(op)
        return self

    def get_all(self) -> dict[Operation, list[Operation]]:
        """Operation -> those that wait for it."""
        return self._found

    def get(self, op: Operation) -> Sequence[Operation]:
        """Those that wait for an operation."""
        return self._found.get(op, ())

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._graph


def scope_finalize(scope: str) -> str:
    """A scope with its slash."""
    return scope + "/" if scope and not scope.endswith("/") else scope


def scope_dirname(scope: str) -> str:
    """`a/b/c` -> `a/b/`."""
    return scope[: scope.rfind("/") + 1]


def scope_basename(scope: str) -> str:
    """`a/b/c` -> `c`."""
    return scope[scope.rfind("/") + 1 :]


@export("contrib.graph_editor.placeholder_name")
def placeholder_name(t: Any = None, scope: str | None = None, prefix: str = PREFIX) -> str:
    """The name of a placeholder that stands in for a tensor.

    Source: TF 1.15 `tf.contrib.graph_editor.placeholder_name`.
    """
    place = scope_finalize(scope) if scope is not None else None
    if t is None:
        return (place or "") + prefix
    if not isinstance(t, Tensor):
        raise TypeError(f"Expected a tf.Tenfor, got: {type(t)}")
    base = scope_basename(t.op.name)
    own = base if base.startswith(prefix + "__") else f"{prefix}__{base}_{t.value_index}"
    return (scope_dirname(t.op.name) if place is None else place) + own


@export("contrib.graph_editor.make_placeholder_from_tensor")
def make_placeholder_from_tensor(t: Tensor, scope: str | None = None, prefix: str = PREFIX) -> Any:
    """A placeholder that can stand in for a tensor.

    Source: TF 1.15 `tf.contrib.graph_editor.make_placeholder_from_tensor`.
    """
    return placeholder(t.dtype, t.get_shape(), placeholder_name(t, scope, prefix))


@export("contrib.graph_editor.make_placeholder_from_dtype_and_shape", "contrib.graph_editor.ph")
def make_placeholder_from_dtype_and_shape(
    dtype: Any, shape: Any = None, scope: str | None = None, prefix: str = PREFIX
) -> Any:
    """A placeholder. Source: TF 1.15 `tf.contrib.graph_editor.make_placeholder_from_dtype_and_shape`."""
    return placeholder(dtype, shape, placeholder_name(scope=scope, prefix=prefix))


def get_predefined_collection_names() -> list[str]:
    """The collections that TF knows."""
    return [getattr(GraphKeys, key) for key in dir(GraphKeys) if not (key.startswith("__") and key.endswith("__"))]


def find_corresponding_elem(target: Any, dst_graph: Graph, dst_scope: str = "", src_scope: str = "") -> Any:
    """The operation or tensor of another graph that stands where `target` does."""
    name, source = target.name, scope_finalize(src_scope)
    if not name.startswith(source):
        raise ValueError(f"{name} does not start with {source}")
    name = scope_finalize(dst_scope) + name[len(source) :]
    if isinstance(target, (Tensor, Operation)):
        return dst_graph.as_graph_element(name)
    raise TypeError("Expected tf.Tensor or tf.Operation, got: {}", type(target))


def find_corresponding(targets: Any, dst_graph: Graph, dst_scope: str = "", src_scope: str = "") -> Any:
    """`find_corresponding_elem` of each leaf of nested collections."""
    return transform_tree(targets, lambda top: find_corresponding_elem(top, dst_graph, dst_scope, src_scope))
