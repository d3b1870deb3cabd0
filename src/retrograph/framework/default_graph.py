"""The default graph, and the functions that open scopes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from retrograph.framework.device import DeviceEntry
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.graph_scopes import ControlDependencies, NameScope, ScopeState, default_graph_stack
from retrograph.framework.operation import Operation, Tensor, as_graph_element, assert_same_graph


def graph_of_inputs(inputs: Iterable[Any], graph: Graph | None = None) -> Graph:
    """The graph that the tensors, operations and variables among `inputs` are in, else the default graph.

    Raises ValueError: they are in several. Source: TF 1.15 `ops._get_graph_from_inputs`.
    """
    first: Any = None
    found = graph
    if found is None and get_default_graph().building_function:
        return get_default_graph()
    for item in inputs:
        if item.__class__ is Tensor or isinstance(item, (Tensor, Operation)) or _has_parts(item):
            element = item
        else:
            element = as_graph_element(item)
        if element is None:
            continue
        if found is None:
            first, found = element, element.graph
        elif first is not None:
            assert_same_graph(first, element)
        elif element.graph is not found:
            raise ValueError(f"{element} is not from the passed-in graph.")
    return found if found is not None else get_default_graph()


def _has_parts(item: Any) -> bool:
    """Whether it is a sparse tensor or slices of a graph, and no value of one."""
    return hasattr(item, "dense_shape") and hasattr(item, "graph")


@export("get_default_graph")
def get_default_graph() -> Graph:
    """The graph that new operations go to in this thread. Source: TF 1.15 `tf.get_default_graph`."""
    stack = default_graph_stack.stack
    return stack[-1] if stack else default_graph_stack.get_default()


def has_default_graph() -> bool:
    """Whether a block of `Graph.as_default` is open in this thread."""
    return bool(default_graph_stack.stack)


@export("reset_default_graph")
def reset_default_graph() -> None:
    """Replaces the default graph by a new, empty one; AssertionError inside an `as_default` block.

    Source: TF 1.15 `tf.reset_default_graph`.
    """
    if not default_graph_stack.is_cleared():
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, exit the nesting and create a new graph."
        )
    default_graph_stack.reset()


@export("name_scope", "keras.backend.name_scope")
class name_scope:
    """Opens a name scope for the operations made inside.

    >>> with tf.name_scope("layer"):
    ...     x = tf.constant(1.0)   # layer/Const

    `default_name` is used if `name` is None; tensors among `values` choose the graph.
    Raises ValueError, TypeError with TF's texts. Source: TF 1.15 `tf.name_scope`.
    """

    __slots__ = ("_default_name", "_entered", "_name", "_values")

    def __init__(self, name: Any, default_name: Any = None, values: Any = None):
        if default_name is not None and not isinstance(default_name, str):
            raise TypeError(
                f"`default_name` type ({type(default_name)}) is not a string type. You likely meant to pass this into the `values` kwarg."
            )
        self._name = default_name if name is None else name
        self._default_name = default_name
        self._values = values
        self._entered: list[tuple[Any, NameScope]] = []

    @property
    def name(self) -> Any:
        """The name asked for."""
        return self._name

    def __enter__(self) -> str:
        if self._name is None and self._values is not None:
            raise ValueError(
                f"At least one of name ({self._name}) and default_name ({self._default_name}) must be provided."
            )
        graph = get_default_graph()
        controller = None
        if self._values:
            wanted = graph_of_inputs(self._values)
            if wanted is not graph:
                graph = wanted
                controller = graph.as_default()
                controller.__enter__()
        scope = graph.name_scope(self._name)
        try:
            yielded = scope.__enter__()
        except BaseException:
            if controller is not None:
                controller.__exit__(None, None, None)
            raise
        self._entered.append((controller, scope))
        return yielded

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        controller, scope = self._entered.pop()
        scope.__exit__()
        if controller is not None:
            controller.__exit__(exc_type, exc, traceback)


@export("op_scope")
@contextmanager
def op_scope(values: Any, name: Any, default_name: Any = None) -> Iterator[str]:
    """Deprecated form of `name_scope`. Source: TF 1.15 `tf.op_scope`."""
    from retrograph.framework.deprecation import warn

    warn("tf.op_scope(values, name, default_name) is deprecated, use tf.name_scope(name, default_name, values)")
    with name_scope(name, default_name=default_name, values=values) as scope:
        yield scope


@export("control_dependencies")
def control_dependencies(control_inputs: Any) -> ControlDependencies:
    """`Graph.control_dependencies` of the default graph. Source: TF 1.15 `tf.control_dependencies`."""
    return get_default_graph().control_dependencies(control_inputs)


@export("device")
def device(device_name_or_function: Any) -> Any:
    """`Graph.device` of the default graph. Source: TF 1.15 `tf.device`."""
    return get_default_graph().device(device_name_or_function)


@export("colocate_with")
def colocate_with(op: Any, ignore_existing: bool = False) -> Any:
    """`Graph.colocate_with` of the default graph. Source: TF 1.15 `tf.colocate_with`."""
    return get_default_graph().colocate_with(op, ignore_existing)


@export("container")
def container(container_name: str) -> Any:
    """`Graph.container` of the default graph. Source: TF 1.15 `tf.container`."""
    return get_default_graph().container(container_name)


@contextmanager
def init_scope() -> Iterator[None]:
    """Leaves control dependencies, control-flow contexts and graphs of functions; keeps name scope and devices.

    Raises RuntimeError if all graphs are graphs of functions. Source: TF 1.15 `tf.init_scope`.
    """
    innermost = get_default_graph()
    graph, scope = _outside_functions(), innermost.get_name_scope()
    state = graph._state
    saved = state.device_stack, state.hidden_devices
    reopened = _devices_to_reopen(state) if graph is innermost else _innermost_devices(graph)
    with graph.as_default():
        if reopened:
            state.device_stack, state.hidden_devices = reopened, (*state.hidden_devices, ())
        try:
            with (
                graph.control_dependencies(None),
                graph.name_scope(scope if not scope or scope[-1] == "/" else scope + "/"),
            ):
                yield
        finally:
            state.device_stack, state.hidden_devices = saved


def _outside_functions() -> Graph:
    """The innermost default graph that is not the graph of a function."""
    for graph in reversed(default_graph_stack.stack):
        if not graph._building_function:
            return graph
    lasting = default_graph_stack.get_lasting()
    if lasting._building_function:
        raise RuntimeError("The global graph is a function.")
    return lasting


def _innermost_devices(outside: Graph) -> tuple[DeviceEntry, ...]:
    """The open devices of the innermost default graph that has any, up to `outside`."""
    for graph in reversed(default_graph_stack.stack):
        if graph._state.device_stack or graph is outside:
            return graph._state.device_stack
    return ()


def _devices_to_reopen(state: ScopeState) -> tuple[DeviceEntry, ...]:
    """The devices that `init_scope` opens again: those hidden since the graph became the default one.

    TF 1.15 does so by the way; slot variables made inside `tf.device` show it.
    """
    before = default_graph_stack.hidden_before
    if state.device_stack or not before or len(state.hidden_devices) <= before[-1]:
        return ()
    return state.hidden_devices[before[-1]]


export("init_scope")(init_scope)


@export("add_to_collection")
def add_to_collection(name: Any, value: Any) -> None:
    """Appends `value` to a collection of the default graph. Source: TF 1.15 `tf.add_to_collection`."""
    get_default_graph().add_to_collection(name, value)


@export("add_to_collections")
def add_to_collections(names: Any, value: Any) -> None:
    """Appends `value` to collections of the default graph. Source: TF 1.15 `tf.add_to_collections`."""
    get_default_graph().add_to_collections(names, value)


@export("get_collection")
def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A copy of a collection of the default graph. Source: TF 1.15 `tf.get_collection`."""
    return get_default_graph().get_collection(key, scope)


@export("get_collection_ref")
def get_collection_ref(key: Any) -> list[Any]:
    """A collection of the default graph itself. Source: TF 1.15 `tf.get_collection_ref`."""
    return get_default_graph().get_collection_ref(key)


@export("executing_eagerly")
def executing_eagerly() -> bool:
    """False: programs build graphs here. Source: TF 1.15 `tf.executing_eagerly`."""
    return False


@export("executing_eagerly_outside_functions", "compat.v1.executing_eagerly_outside_functions")
def executing_eagerly_outside_functions() -> bool:
    """False: programs build graphs here. Source: TF 1.15 `tf.compat.v1.executing_eagerly_outside_functions`."""
    return False


def iter_ops_of(obj: Callable[[], Any] | Graph) -> list[Operation]:
    """The operations of a graph."""
    return obj.get_operations() if isinstance(obj, Graph) else []


class RegisterShape:
    """Kept for programs that register shape functions in Python: TF 1.15 ignores them too."""

    def __init__(self, op_type: str):
        self.op_type = op_type

    def __call__(self, function: Any) -> Any:
        return function
