"""What is open while a graph is built: name scopes, control dependencies, devices, and the stack of default graphs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

from retrograph.framework import frames
from retrograph.framework.device import DeviceEntry
from retrograph.framework.operation import Operation

if TYPE_CHECKING:
    from retrograph.framework.graph import Graph


class ScopeState:
    """What is open in one thread that builds a graph."""

    __slots__ = (
        "colocation_places", "colocation_stack", "control_flow_context", "control_stack", "device_places", "device_stack",
        "hidden_devices", "name_stack", "shared_group", "shared_stack",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name_stack: str | None = ""
        self.control_stack: list[ControlDependencies] = []
        self.device_stack: tuple[DeviceEntry, ...] = ()
        # What blocks of colocate_with have hidden, outermost first.
        self.hidden_devices: tuple[tuple[DeviceEntry, ...], ...] = ()
        self.colocation_stack: tuple[Operation, ...] = ()
        # Where the open blocks of both kinds were opened.
        self.device_places: tuple[frames.Place, ...] = ()
        self.colocation_places: tuple[tuple[str, frames.Place], ...] = ()
        self.control_flow_context: Any = None
        # The stack that operations made on a variable's behalf show as theirs: captured once for all of them.
        self.shared_stack: frames.Stack | None = None
        # The colocation group that they are in.
        self.shared_group: list[bytes] | None = None


class ScopeStates(threading.local):
    """The scope state of a graph for each thread: one look-up of the thread, whatever is then read and written."""

    def __init__(self) -> None:
        self.current = ScopeState()


class NameScope:
    """The context manager of `Graph.name_scope`; may be entered again, and then opens a new scope."""

    __slots__ = ("_graph", "_name", "_saved")

    def __init__(self, graph: Graph, name: Any):
        self._graph, self._name = graph, name
        self._saved: Any = None  # what was open before, and what this was before it was entered (again)

    def __enter__(self) -> str:
        graph = self._graph
        state = graph._states.current
        old = state.name_stack
        new = graph._opened_name(self._name, old) if self._name else None
        self._saved = old, self._saved
        state.name_stack = new
        return "" if new is None else new + "/"

    def __exit__(self, *exc: object) -> None:
        self._graph._states.current.name_stack, self._saved = self._saved


class ControlDependencies:
    """The context manager of `Graph.control_dependencies`."""

    def __init__(self, graph: Graph, control_inputs: list[Operation] | None):
        self._graph = graph
        self._clears = control_inputs is None
        self.control_inputs = control_inputs or []
        self._seen: set[Operation] = set()
        self._saved_stack: list[ControlDependencies] = []
        self._saved_context: Any = None

    def add_op(self, op: Operation) -> None:
        """Notes an operation made inside the block."""
        self._seen.add(op)

    def op_in_group(self, op: Operation) -> bool:
        """Whether the operation was made inside the block."""
        return op in self._seen

    def __enter__(self) -> None:
        state = self._graph._state
        if self._clears:
            self._saved_stack, state.control_stack = state.control_stack, []
            self._saved_context, state.control_flow_context = state.control_flow_context, None
        state.control_stack = [*state.control_stack, self]

    def __exit__(self, *exc: object) -> None:
        state = self._graph._state
        state.control_stack = state.control_stack[:-1]
        if self._clears:
            state.control_stack = self._saved_stack
            state.control_flow_context = self._saved_context


class DefaultGraphStack(threading.local):
    """The open `as_default` blocks of a thread, above the lasting graph of that thread."""

    # What makes the lasting graph: the class of graphs, which knows this stack.
    new_graph: ClassVar[type[Graph]]

    def __init__(self) -> None:
        self._lasting: Graph | None = None
        self.stack: list[Graph] = []
        # How much was hidden from devices when each block was opened.
        self.hidden_before: list[int] = []

    def get_default(self) -> Graph:
        """The innermost open graph, else the lasting one."""
        return self.stack[-1] if self.stack else self.get_lasting()

    def get_lasting(self) -> Graph:
        """The graph that is the default one outside of all blocks."""
        if self._lasting is None:
            self._lasting = self.new_graph()
        return self._lasting

    def reset(self) -> None:
        """Puts a new graph in place of the lasting one."""
        self._lasting = None

    def is_cleared(self) -> bool:
        """Whether no block is open."""
        return not self.stack

    def get_controller(self, graph: Graph) -> DefaultGraphBlock:
        """Makes `graph` the default inside the block."""
        return DefaultGraphBlock(graph)


class DefaultGraphBlock:
    """The context manager of `Graph.as_default`."""

    __slots__ = ("_graph",)

    def __init__(self, graph: Graph):
        self._graph = graph

    def __enter__(self) -> Graph:
        stacks = default_graph_stack
        stacks.stack.append(self._graph)
        stacks.hidden_before.append(len(self._graph._state.hidden_devices))
        return self._graph

    def __exit__(self, *exc: object) -> None:
        stacks = default_graph_stack
        stacks.hidden_before.pop()
        if not stacks.stack or stacks.stack[-1] is not self._graph:
            raise AssertionError(f"Nesting violated for default stack of {type(self._graph)} objects")
        stacks.stack.pop()


default_graph_stack = DefaultGraphStack()
