"""`Graph`, `Operation` and `Tensor`, the scopes of a graph, and the stack of default graphs."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from retrograph.framework import dtypes, errors, frames, sessions
from retrograph.framework.calling import field, read_only
from retrograph.framework.device import DeviceEntry, apply_device_stack, as_device_entry, canonical_name
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.node_def import GraphDef, NodeDef, VersionDef, node_def_of
from retrograph.framework.op_table import RECORDS, OpDef, find_op_def
from retrograph.framework.shape import Shape, TensorShape, as_shape, compatible, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, error_text, merge

_VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\-/]*$").match
_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\-/]*$").match
# Names that were found to be valid anywhere and do not end with a slash: the same few are opened again and again.
_plain_names: set[str] = set()
_MOST_PLAIN_NAMES = 10_000
_TENSOR_NAME_FORM = 'Tensor names must be of the form "<op_name>:<output_index>".'
_NO_GRADIENT_TYPES = frozenset(("Const", "Placeholder", "NoOp"))


@export("Tensor")
class Tensor:
    """A symbolic result of an operation.

    `t.shape` is what is known of its shape, `t.dtype` its `DType`, `t.op` the operation that makes it.
    Source: TF 1.15 `tf.Tensor`.
    """

    __slots__ = ("__dict__", "__weakref__", "_dtype", "_op", "_shape", "_value_index")

    # NumPy must leave `array + tensor` to us.
    __array_priority__ = 100
    # Named by what sets them, with the variables' operators.
    OVERLOADABLE_OPERATORS: ClassVar[set[str]] = {"__getitem__", "__eq__", "__ne__"}

    def __init__(self, op: Operation, value_index: int, dtype: Any):
        self._op = op
        self._value_index = value_index
        self._dtype = dtypes.as_dtype(dtype)
        self._shape: Shape = None

    op: Operation = field("_op", "The operation that makes this tensor.")
    value_index: int = field("_value_index", "Which output of its operation this is.")
    dtype: DType = field("_dtype", "The type of the elements.")
    graph: Graph = field("_op._graph", "The graph that holds this tensor.")

    @read_only
    def name(self) -> str:
        """`<op name>:<output index>`."""
        return f"{self._op.name}:{self._value_index}"

    device: str = field("_op._device", "The device that the operation was put on, '' if none was.")

    @read_only
    def shape(self) -> TensorShape:
        """What is known of the shape."""
        return TensorShape._of(self._shape)

    def _shape_tuple(self) -> Shape:
        return self._shape

    def _shape_as_list(self) -> list[int | None] | None:
        return None if self._shape is None else list(self._shape)

    def get_shape(self) -> TensorShape:
        """What is known of the shape."""
        return TensorShape._of(self._shape)

    def set_shape(self, shape: Any) -> None:
        """Adds knowledge of the shape; ValueError if it contradicts what is known."""
        if not isinstance(shape, TensorShape):
            shape = TensorShape(shape)
        try:
            self._shape = merge(None, self._shape, shape._plain)
        except ShapeError as error:
            raise ValueError(str(error)) from None

    def consumers(self) -> list[Operation]:
        """The operations that take this tensor."""
        return list(self._op._graph._consumers_of(self))

    def _as_node_def_input(self) -> str:
        return self._op.name if self._value_index == 0 else self.name

    def _as_tf_output(self) -> tuple[Operation, int]:
        return self._op, self._value_index

    def experimental_ref(self) -> Any:
        """A hashable reference to this tensor."""
        return TensorReference(self)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value of this tensor, computed by `session` or the default session."""
        return _eval_using_default_session(self, feed_dict, self.graph, session)

    def __str__(self) -> str:
        shape = f", shape={self.shape}" if self._shape is not None else ""
        device = f", device={self.device}" if self.device else ""
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name}{device})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self._dtype.name}>"

    __hash__ = object.__hash__  # by identity, at the speed of C: plans look tensors up

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    if TYPE_CHECKING:  # the operators are set by the op families

        def __getitem__(self, index: Any) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...

    def __copy__(self) -> Tensor:
        made = Tensor.__new__(type(self))
        for slot in ("_op", "_value_index", "_dtype", "_shape"):
            setattr(made, slot, getattr(self, slot))
        return made

    def _disallow(self, what: str) -> NoReturn:
        raise errors.OperatorNotAllowedInGraphError(
            f"{what} is not allowed in Graph execution. Use Eager execution or decorate this function with @tf.function."
        )

    def __bool__(self) -> bool:
        self._disallow("using a `tf.Tensor` as a Python `bool`")

    __nonzero__ = __bool__

    def __float__(self) -> float:
        raise TypeError(f"float() argument must be a string or a number, not '{type(self).__name__}'")

    def __int__(self) -> int:
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a number, not '{type(self).__name__}'"
        )

    def __iter__(self) -> Iterator[Any]:
        self._disallow("iterating over `tf.Tensor`")
        yield  # a generator, as TF's: only what takes its first element is refused

    def __contains__(self, item: Any) -> bool:
        # Python would put words of its own in place of these.
        self._disallow("iterating over `tf.Tensor`")

    def __len__(self) -> int:
        raise TypeError(
            f"len is not well defined for symbolic Tensors. ({self.name}) Please call `x.shape` rather than `len(x)` for shape information."
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotImplementedError(f"Cannot convert a symbolic Tensor ({self.name}) to a numpy array.")


class TensorReference:
    """A hashable reference to a tensor or variable, equal by identity."""

    __slots__ = ("_object",)

    def __init__(self, target: Any):
        self._object = target

    def deref(self) -> Any:
        """What it refers to."""
        return self._object

    def __hash__(self) -> int:
        return id(self._object)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorReference) and self._object is other._object


_new_object: Any = object.__new__


def _new_tensor(op: Operation, index: int, dtype: DType, shape: Shape) -> Tensor:
    tensor = Tensor.__new__(Tensor)
    tensor._op = op
    tensor._value_index = index
    tensor._dtype = dtype
    tensor._shape = shape
    return tensor


class _InputList(tuple["Tensor", ...]):
    """The inputs of an operation, which cannot be changed."""

    __slots__ = ()


_MOST_FLOAT = 3.4028234e38
"""Attributes beyond it stay as they are: 32 bits do not hold them."""


@export("Operation")
class Operation:
    """A node of a graph: an op type applied to tensors.

    Source: TF 1.15 `tf.Operation`.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_attrs", "_control_flow_context", "_control_inputs", "_device", "_graph", "_id", "_inputs", "_name", "_original_op",
        "_outputs", "_stack", "_type",
    )  # fmt: skip
    _attrs: dict[str, Any]
    _control_flow_context: Any
    _control_inputs: tuple[Operation, ...]
    _device: str
    _graph: Graph
    _id: int
    _inputs: tuple[Tensor, ...]
    _name: str
    _outputs: tuple[Tensor, ...]
    _stack: frames.Stack
    _type: str

    _original_op: Any
    # Only of operations made inside of such blocks.
    _colocation_places: tuple[tuple[str, frames.Place], ...]
    _device_places: tuple[frames.Place, ...]

    def __new__(
        cls,
        node_def: Any,
        g: Any,
        inputs: Sequence[Any] | None = None,
        output_types: Any = None,
        control_inputs: Sequence[Operation] | None = None,
        input_types: Any = None,
        original_op: Any = None,
        op_def: Any = None,
    ) -> Operation:
        """The operation of a NodeDef, in a graph.

        Raises TypeError: no NodeDef, no graph, inputs that are no tensors. ValueError: the name is none.
        """
        op = _operation_of_node(node_def, g, inputs, output_types, control_inputs)
        if original_op is not None:
            op._original_op = original_op
        return op

    name: str = field("_name", "The full name, unique in the graph.")
    type: str = field("_type", "The op type.")
    graph: Graph = field("_graph", "The graph that holds this operation.")

    @read_only
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that it takes."""
        return _InputList(self._inputs)

    @read_only
    def outputs(self) -> list[Tensor]:
        """The tensors that it makes."""
        return list(self._outputs)

    @read_only
    def control_inputs(self) -> list[Operation]:
        """The operations that must run before it besides those of its inputs."""
        return list(self._control_inputs)

    @read_only
    def _control_outputs(self) -> list[Operation]:
        return [op for op in self._graph._ops if self in op._control_inputs]

    attrs: dict[str, Any] = field("_attrs", "The attributes as Python values.")
    device: str = field("_device", "The device that it was put on, '' if none was.")

    def _set_device(self, device: Any) -> None:
        self._device = device if isinstance(device, str) else canonical_name(device)

    def _set_device_from_string(self, device: str) -> None:
        self._device = device

    @read_only
    def op_def(self) -> Any:
        """TF's definition of the op type, an `OpDef` message; None for an op type without one."""
        from retrograph.framework.op_list import message_of

        return message_of(self._type)

    @read_only
    def _device_assignments(self) -> list[frames.Place]:
        return list(getattr(self, "_device_places", ()))

    @read_only
    def _colocation_dict(self) -> dict[str, frames.Place]:
        return dict(getattr(self, "_colocation_places", ()))

    @read_only
    def node_def(self) -> NodeDef:
        """This operation as a `NodeDef`."""
        return node_def_of(self)

    @read_only
    def _node_def(self) -> NodeDef:
        return node_def_of(self)

    @read_only
    def traceback(self) -> list[tuple[str, int, str, str]]:
        """(file, line, function, text) of the stack when it was made, outermost first."""
        return frames.traceback_of(self._stack)

    @read_only
    def traceback_with_start_lines(self) -> list[tuple[str, int, str, str, int]]:
        """`traceback`, each entry with the line where its function begins."""
        starts = [frame[0].co_firstlineno for frame in frames.frames_of(self._stack)][::-1]
        return [(*entry, start) for entry, start in zip(self.traceback, starts, strict=True)]

    @read_only
    def _input_types(self) -> list[DType]:
        definition = find_op_def(self._type)
        return [t._dtype for t in self._inputs] if definition is None else definition.input_dtypes(self._attrs)

    @read_only
    def _input_dtypes(self) -> list[DType]:
        return self._input_types  # type: ignore[no-any-return]

    @read_only
    def _output_types(self) -> list[DType]:
        return [t._dtype for t in self._outputs]

    @read_only
    def _id_value(self) -> int:
        return self._id

    def values(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return self._outputs

    def get_attr(self, name: str) -> Any:
        """The value of an attribute, shapes as TensorShapeProto; ValueError if there is none of that name."""
        try:
            value = self._attrs[name]
        except KeyError:
            raise ValueError(f"Operation '{self._name}' has no attr named '{name}'.") from None
        definition = find_op_def(self._type)
        attr = definition.attr_by_name.get(name) if definition else None
        if attr is not None and attr.type == "shape":
            return TensorShape._of(value).as_proto()
        if attr is not None and attr.type == "list(shape)":
            return [TensorShape._of(v).as_proto() for v in value]
        if attr is not None and attr.type == "tensor":
            return _tensor_proto(value)
        if attr is not None and attr.type == "list(tensor)":
            return [_tensor_proto(v) for v in value]
        if value.__class__ is float:
            # A graph's file holds 32 bits of it, and TF keeps no more.
            return struct.unpack("f", struct.pack("f", value))[0] if abs(value) < _MOST_FLOAT else value
        return list(value) if isinstance(value, list) else value

    def _set_attr(self, name: str, value: Any) -> None:
        # A new dict: operations that were made together may share theirs.
        self._attrs = {**self._attrs, name: _attr_python_value(value)}

    _set_attr_with_buf = _set_attr

    def _clear_attr(self, name: str) -> None:
        self._attrs = {key: value for key, value in self._attrs.items() if key != name}

    def colocation_groups(self) -> list[bytes]:
        """The colocation groups it is in; its own if it is in none."""
        groups = [g for g in self._attrs.get("_class", ()) if g.startswith(b"loc:@")]
        return groups or [f"loc:@{self._name}".encode()]

    def _get_control_flow_context(self) -> Any:
        return self._control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    def _add_control_input(self, op: Operation) -> None:
        self._add_control_inputs([op])

    def _add_control_inputs(self, ops: Iterable[Operation]) -> None:
        for op in ops:
            if not isinstance(op, Operation):
                raise TypeError(f"op must be an Operation: {op}")
            if op not in self._control_inputs:
                self._control_inputs = (*self._control_inputs, op)
        self._graph._version_of_edges += 1

    def _remove_all_control_inputs(self) -> None:
        self._control_inputs = ()
        self._graph._version_of_edges += 1

    def _update_input(self, index: int, tensor: Tensor) -> None:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"tensor must be a Tensor: {tensor}")
        _assert_same_graph(self, tensor)
        if index >= len(self._inputs):
            raise errors.OutOfRangeError(
                None,
                None,
                f"Cannot update edge. Input index [{index}] is greater than the number of total inputs "
                f"[{len(self._inputs)}].",
            )
        old = self._inputs[index]
        if tensor._dtype.base_dtype != old._dtype.base_dtype:
            # TF finds this out when it extends the session's graph: every later run fails.
            self._graph._bad_edges.append(
                f"Input {index} of node {self._name} was passed {_cpp_name(tensor._dtype)} from {tensor.name} incompatible with expected {_cpp_name(old._dtype)}."
            )
        elif self._type != "Merge" and not compatible(tensor._shape, old._shape):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Cannot update edge, incompatible shapes: {to_text(tensor._shape)} and {to_text(old._shape)}.",
            )
        self._inputs = (*self._inputs[:index], tensor, *self._inputs[index + 1 :])
        self._graph._version_of_edges += 1

    def _add_while_inputs(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            self._inputs = (*self._inputs, tensor)
        self._graph._version_of_edges += 1

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs this operation in `session` or the default session."""
        _run_using_default_session(self, feed_dict, self.graph, session)

    def __str__(self) -> str:
        return str(self.node_def)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self._name}' type={self._type}>"


def _cpp_name(dtype: DType) -> str:
    name = {"float32": "float", "float64": "double", "float16": "half"}.get(
        dtype.base_dtype.name, dtype.base_dtype.name
    )
    return f"{name}_ref" if dtype._is_ref else name


def _tensor_proto(value: Any) -> Any:
    from retrograph.framework.node_def import TensorValue

    return TensorValue(value)


def _attr_python_value(value: Any) -> Any:
    return value.python_value() if hasattr(value, "python_value") else value


class _ScopeState(threading.local):
    """What differs between threads that build the same graph."""

    def __init__(self) -> None:
        self.name_stack: str | None = ""
        self.control_stack: list[_ControlDependencies] = []
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


class _NameScope:
    """The context manager of `Graph.name_scope`; may be entered again, and then opens a new scope."""

    __slots__ = ("_graph", "_name", "_saved")

    def __init__(self, graph: Graph, name: Any):
        self._graph, self._name = graph, name
        self._saved: Any = None  # what was open before, and what this was before it was entered (again)

    def __enter__(self) -> str:
        state = self._graph._state
        old = state.name_stack
        new = self._graph._opened_name(self._name, old) if self._name else None
        self._saved = old, self._saved
        state.name_stack = new
        return "" if new is None else new + "/"

    def __exit__(self, *exc: object) -> None:
        self._graph._state.name_stack, self._saved = self._saved


class _ControlDependencies:
    """The context manager of `Graph.control_dependencies`."""

    def __init__(self, graph: Graph, control_inputs: list[Operation] | None):
        self._graph = graph
        self._clears = control_inputs is None
        self.control_inputs = control_inputs or []
        self._seen: set[Operation] = set()
        self._saved_stack: list[_ControlDependencies] = []
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


def _operation_of_node(
    node_def: Any, graph: Any, inputs: Any = None, output_types: Any = None, control_inputs: Any = None
) -> Operation:
    """Adds the operation that a NodeDef describes; its name is taken as it is."""
    if not isinstance(node_def, NodeDef):
        raise TypeError(f"node_def needs to be a NodeDef: {node_def}")
    if not _VALID_OP_NAME(node_def.name):
        raise ValueError(f"'{node_def.name}' is not a valid node name")
    if not isinstance(graph, Graph):
        raise TypeError(f"g needs to be a Graph: {graph}")
    for tensor in inputs or ():
        if not isinstance(tensor, (Tensor, list, tuple)):
            raise TypeError(f"input needs to be a Tensor: {tensor}")
    flat = [t for i in inputs or () for t in (i if isinstance(i, (list, tuple)) else [i])]
    attrs = {key: _attr_python_value(value) for key, value in node_def.attr.items()}
    definition = find_op_def(node_def.op)
    if definition is not None:
        _complete_attrs(definition, attrs, flat, output_types)
    op = graph._new_op(node_def.op, node_def.name, tuple(flat), attrs, definition)
    if node_def.device:
        op._device = node_def.device
    op._add_control_inputs([getattr(c, "op", c) for c in control_inputs or ()])
    return op


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


@export("Graph")
class Graph:
    """Operations and tensors, their names, the open scopes, and collections.

    Source: TF 1.15 `tf.Graph`.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ops: list[Operation] = []
        self._nodes_by_name: dict[str, Operation] = {}
        self._names_in_use: dict[str, int] = {}
        self._next_id_counter = 0
        self._version_of_edges = 0
        self._bad_edges: list[str] = []
        self._consumers = _ConsumerIndex(0)
        self._collections: dict[Any, list[Any]] = {}
        self._state = _ScopeState()
        self._seed: Any = None
        self._finalized = False
        # What runs before all that it does not need, whenever it was made.
        self._first: set[Operation] = set()
        # What was added as a node, below `Operation`, and has not been asked for.
        self._unclaimed: list[Operation] = []
        self._unfeedable_tensors: set[Any] = set()
        self._unfetchable_ops: set[Any] = set()
        self._gradient_override_map_value: dict[str, str] = {}
        self._attr_scope_map: dict[str, Any] = {}
        self._op_to_kernel_label_map: dict[str, str] = {}
        self._container = ""
        self._handle_feeders: dict[Any, Any] = {}
        self._functions: dict[str, Any] = {}
        # Operations where TF makes one that calls a function: the seeds of random operations follow from TF's number.
        self._inlined = 0
        self._producer, self._min_consumer = 134, 0
        self.outer_graph = None
        self.collections_of_scopes: dict[Any, Any] = {}

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

    @property
    def building_function(self) -> bool:
        """Whether this is the graph of a function."""
        return self._building_function

    _building_function = False

    def finalize(self) -> None:
        """Forbids adding operations from now on."""
        self._finalized = True

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def _check_not_finalized(self) -> None:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    def as_default(self) -> Any:
        """A context manager that makes this the default graph."""
        return _default_graph_stack.get_controller(self)

    # ---- names

    @property
    def _name_stack(self) -> str | None:
        return self._state.name_stack

    @_name_stack.setter
    def _name_stack(self, value: str | None) -> None:
        self._state.name_stack = value

    def get_name_scope(self) -> str | None:
        """The current name scope without its trailing slash."""
        return self._state.name_stack

    def name_scope(self, name: Any) -> _NameScope:
        """Opens a name scope: yields its name with a trailing slash, '' for the root.

        Raises ValueError: `name` is not a valid scope name. Source: TF 1.15 `tf.Graph.name_scope`.
        """
        return _NameScope(self, name)

    def _opened_name(self, name: Any, current: str | None) -> str:
        if name.__class__ is str and name in _plain_names:
            return self.unique_name(name)
        if isinstance(name, bytes):
            name = name.decode()
        if not isinstance(name, str):
            raise TypeError("expected string or bytes-like object")
        if not (_VALID_SCOPE_NAME if current else _VALID_OP_NAME)(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        if name[-1] == "/":
            return name[:-1]
        if len(_plain_names) < _MOST_PLAIN_NAMES and (not current or _VALID_OP_NAME(name)):
            _plain_names.add(name)
        return self.unique_name(name)

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """A name not used yet for an operation or scope, in the current scope; comparison ignores case.

        Source: TF 1.15 `tf.Graph.unique_name`.
        """
        stack = self._state.name_stack
        if stack:
            name = stack + "/" + name
        used = self._names_in_use
        try:
            key = name.lower()
        except AttributeError:
            raise AttributeError(f"'{type(name).__name__}' object has no attribute 'lower'") from None
        if key == name:
            key = name  # one string, not two that are equal
        count = used.get(key, 0)
        if mark_as_used:
            used[key] = count + 1
        if count > 0:
            base = name
            while key in used:
                name = f"{base}_{count}"
                key = name.lower()
                count += 1
            if mark_as_used:
                used[key] = 1
        return name

    # ---- making operations

    def create_op(
        self, op_type: str, inputs: Sequence[Tensor], dtypes: Any = None, input_types: Any = None, name: Any = None, attrs: dict[str, Any] | None = None, op_def: Any = None,
        compute_shapes: bool = True, compute_device: bool = True,
    ) -> Operation:  # fmt: skip
        """Adds an operation.

        Raises TypeError: an input is not a Tensor. ValueError: name taken or invalid, shapes wrong. RuntimeError: finalized.
        Source: TF 1.15 `tf.Graph.create_op`.
        """
        for i, tensor in enumerate(inputs):
            if not isinstance(tensor, Tensor):
                raise TypeError(f"Input #{i} is not a tensor: {tensor}")
        values = {k: _attr_python_value(v) for k, v in (attrs or {}).items()}
        definition = find_op_def(op_type)
        if definition is not None:
            _complete_attrs(definition, values, inputs, dtypes)
        return self._create_op(op_type, tuple(inputs), name, values, definition)

    _create_op_internal = create_op

    def _create_op(
        self,
        op_type: str,
        inputs: tuple[Tensor, ...],
        name: Any,
        attrs: dict[str, Any],
        definition: OpDef | None,
        depth: int = 2,
    ) -> Operation:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        for tensor in inputs:
            if tensor._op._graph is not self:
                _assert_same_graph(inputs[0], tensor)
                raise ValueError(f"{tensor} is not from the passed-in graph.")
        if name is None:
            name = op_type
        if isinstance(name, bytes):
            name = name.decode()
        full_name = name[:-1] if name and name[-1] == "/" else self.unique_name(name)
        if not self._finalized and not _VALID_OP_NAME(full_name):
            raise ValueError(f"'{full_name}' is not a valid node name")
        return self._new_op(op_type, full_name, inputs, attrs, definition)

    def _new_op(
        self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], definition: OpDef | None
    ) -> Operation:
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        # What characters it has was checked where the name was made unique.
        if name[:1] in "_-/":
            raise ValueError(f"'{name}' is not a valid node name")
        if definition is None:
            raise errors.NotFoundError(None, None, _not_registered(op_type))
        state = self._state
        control_inputs = self._control_dependencies_for_inputs(inputs) if state.control_stack else ()
        types = definition.output_dtypes(attrs)
        try:
            shapes = _inferred_shapes(op_type, name, inputs, attrs, types)
        except ValueError:
            self._next_id()
            raise
        op = self._insert(op_type, name, inputs, attrs, types, shapes, control_inputs, frames.capture(2))
        context = state.control_flow_context
        if context is None:
            for tensor in inputs:
                outer = tensor._op._control_flow_context
                if outer is not None:
                    outer.check_use(op, tensor._op)
        if (
            context is not None
            or state.control_stack
            or state.device_stack
            or state.colocation_stack
            or self._has_op_maps
        ):
            self._apply_scopes(op, state)
        return op

    _has_op_maps = False

    def _insert(
        self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], types: Sequence[DType], shapes: Sequence[Shape], control_inputs: Sequence[Operation],
        stack: frames.Stack,
    ) -> Operation:  # fmt: skip
        op: Operation = _new_object(Operation)
        op._graph = self
        op._type = op_type
        op._name = name
        op._inputs = inputs
        op._attrs = attrs
        op._control_inputs = tuple(control_inputs) if control_inputs else ()
        op._device = ""
        op._control_flow_context = op._original_op = None
        op._stack = stack
        if len(types) == 1:
            tensor: Tensor = _new_object(Tensor)
            tensor._op, tensor._value_index, tensor._dtype, tensor._shape = op, 0, types[0], shapes[0]
            op._outputs = (tensor,)
        else:
            op._outputs = tuple([_new_tensor(op, i, t, s) for i, (t, s) in enumerate(zip(types, shapes, strict=True))])
        self._enter(op, name)
        return op

    def _consumers_of(self, tensor: Tensor) -> list[Operation]:
        """The operations that take a tensor; the index is made when it is first asked for, and then kept up."""
        with self._lock:
            index = self._consumers
            if index.version != self._version_of_edges:
                index = self._consumers = _ConsumerIndex(self._version_of_edges)
            index.extend(self._ops)
            return index.found.get(tensor, [])

    def _emit(
        self, op_type: str, full_name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], outputs: Sequence[tuple[DType, Shape]], *,
        control_inputs: Sequence[Operation] = (), device: str = "", colocation: list[bytes] | None = None, stack: frames.Stack | None = None,
    ) -> Operation:  # fmt: skip
        """Adds an operation whose name is unique already and whose outputs are known; applies no open scopes."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        if colocation is not None:
            attrs["_class"] = colocation
        types: Sequence[DType]
        shapes: Sequence[Shape]
        if len(outputs) == 1:
            types, shapes = outputs[0][:1], outputs[0][1:]
        else:
            types, shapes = tuple(t for t, _ in outputs), tuple(s for _, s in outputs)
        op = self._insert(
            op_type,
            full_name,
            inputs,
            attrs,
            types,
            shapes,
            control_inputs,
            frames.capture(2) if stack is None else stack,
        )
        op._device = device
        if self._has_op_maps:
            self._apply_op_maps(op)
        return op

    def _emit_one(
        self, op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], dtype: DType, shape: Shape,
        stack: frames.Stack, device: str = "",
    ) -> Tensor:  # fmt: skip
        """`_emit` for one output, which it gives. `attrs` may be shared by operations that are made together."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        op: Operation = _new_object(Operation)
        tensor: Tensor = _new_object(Tensor)
        op._graph, op._type, op._name, op._inputs, op._attrs = self, op_type, name, inputs, attrs
        op._control_inputs, op._device, op._stack = (), device, stack
        op._control_flow_context = op._original_op = None
        tensor._op, tensor._value_index, tensor._dtype, tensor._shape = op, 0, dtype, shape
        op._outputs = (tensor,)
        self._enter(op, name)
        if self._has_op_maps:
            self._apply_op_maps(op)
        return tensor

    def _enter(self, op: Operation, name: str) -> None:
        with self._lock:
            self._next_id_counter = op._id = self._next_id_counter + 1
            # Names given exactly (with a trailing slash) are taken too, but do not count for unique_name.
            if self._nodes_by_name.setdefault(name, op) is not op:
                raise ValueError(f"Duplicate node name in graph: '{name}'")
            self._ops.append(op)

    def _plain_scopes(self) -> bool:
        """Whether no open scope changes new operations (device, colocation, control, context, overrides)."""
        state = self._state
        return not (
            state.control_flow_context is not None
            or state.control_stack
            or state.device_stack
            or state.colocation_stack
            or self._has_op_maps
        )

    def _apply_scopes(self, op: Operation, state: _ScopeState) -> None:
        context = state.control_flow_context
        op._control_flow_context = context
        if context is not None:
            context.AddOp(op)
        if self._has_op_maps:
            self._apply_op_maps(op)
        for controller in state.control_stack:
            controller.add_op(op)
        if state.device_stack:
            op._device_places = state.device_places
            apply_device_stack(op, state.device_stack)
        if state.colocation_stack:
            op._colocation_places = state.colocation_places
            self._apply_colocation(op, state.colocation_stack)

    @staticmethod
    def _apply_colocation(op: Operation, stack: tuple[Operation, ...]) -> None:
        groups: set[bytes] = set()
        for target in reversed(stack):
            groups.update(target.colocation_groups())
            if target._device:
                op._device = target._device
        op._attrs = {**op._attrs, "_class": sorted(groups)}

    def _apply_op_maps(self, op: Operation) -> None:
        op._attrs = dict(op._attrs)
        for key, value in self._attr_scope_map.items():
            if key not in op._attrs:
                attr = _attr_python_value(
                    value(op.node_def) if callable(value) and not hasattr(value, "python_value") else value
                )
                if attr is not None:
                    op._attrs[key] = attr
        if op._type in self._op_to_kernel_label_map and "_kernel" not in op._attrs:
            op._attrs["_kernel"] = self._op_to_kernel_label_map[op._type].encode()
        if op._type in self._gradient_override_map_value and "_gradient_op_type" not in op._attrs:
            op._attrs["_gradient_op_type"] = self._gradient_override_map_value[op._type].encode()
        if self._container and "container" in op._attrs and not op._attrs["container"]:
            op._attrs["container"] = self._container.encode()

    def _note_op_maps(self) -> None:
        self._has_op_maps = bool(
            self._attr_scope_map or self._gradient_override_map_value or self._op_to_kernel_label_map or self._container
        )

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
        element = _as_graph_element(obj)
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

    # ---- control dependencies and control flow

    def control_dependencies(self, control_inputs: Any) -> _ControlDependencies:
        """Operations made inside the block run after `control_inputs`; None hides the blocks outside.

        Source: TF 1.15 `tf.Graph.control_dependencies`.
        """
        if control_inputs is None:
            return _ControlDependencies(self, None)
        control_ops: list[Operation] = []
        current = {op for controller in self._state.control_stack for op in controller.control_inputs}
        for item in control_inputs:
            op = self._control_op(item)
            if op not in current:
                control_ops.append(op)
                current.add(op)
        return _ControlDependencies(self, control_ops)

    def _control_op(self, item: Any) -> Operation:
        if hasattr(item, "op") and (hasattr(item, "dense_shape") or hasattr(item, "_handle")):
            return item.op  # type: ignore[no-any-return]
        element = self.as_graph_element(item)
        return element._op if isinstance(element, Tensor) else element

    def _control_dependencies_for_inputs(self, inputs: Iterable[Tensor]) -> list[Operation]:
        input_ops = {t._op for t in inputs}
        found: list[Operation] = []
        for controller in self._state.control_stack:
            if not any(controller.op_in_group(op) for op in input_ops):
                found.extend(c for c in controller.control_inputs if c not in input_ops and c not in found)
        return found

    def _current_control_dependencies(self) -> set[Operation]:
        return {op for controller in self._state.control_stack for op in controller.control_inputs}

    @property
    def _control_dependencies_stack(self) -> list[_ControlDependencies]:
        return self._state.control_stack

    def _record_op_seen_by_control_dependencies(self, op: Operation) -> None:
        for controller in self._state.control_stack:
            controller.add_op(op)

    @property
    def _control_flow_context(self) -> Any:
        return self._state.control_flow_context

    def _get_control_flow_context(self) -> Any:
        return self._state.control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._state.control_flow_context = context

    # ---- devices, colocation, attributes

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Operations made inside the block are put on a device.

        Source: TF 1.15 `tf.Graph.device`.
        """
        entry = as_device_entry(device_name_or_function)
        state = self._state
        saved, places = state.device_stack, state.device_places
        state.device_stack = opened = (*saved, entry)
        state.device_places = (*places, frames.Place(device_name_or_function, frames.capture(2)))
        try:
            yield
        finally:
            if state.device_stack is not opened:
                raise RuntimeError("Exiting device scope without proper scope nesting.")
            state.device_stack, state.device_places = saved, places

    def _apply_device_functions(self, op: Operation) -> None:
        apply_device_stack(op, self._state.device_stack)

    @contextmanager
    def colocate_with(self, op: Any, ignore_existing: bool = False) -> Iterator[None]:
        """Operations made inside the block go where `op` is.

        Raises ValueError: `op` is None and `ignore_existing` is not set. Source: TF 1.15 `tf.Graph.colocate_with`.
        """
        if op is None and not ignore_existing:
            raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
        op = None if op is None else _op_to_colocate_with(op)
        state = self._state
        saved = state.device_stack, state.colocation_stack, state.hidden_devices
        places = state.device_places, state.colocation_places
        state.device_stack, state.hidden_devices = (), (*state.hidden_devices, state.device_stack)
        kept = () if ignore_existing else state.colocation_stack
        state.colocation_stack = kept if op is None else (*kept, op)
        state.device_places = ()
        kept_places = () if ignore_existing else places[1]
        state.colocation_places = (
            kept_places if op is None else (*kept_places, (op.name, frames.Place(None, frames.capture(2))))
        )
        try:
            yield
        finally:
            state.device_stack, state.colocation_stack, state.hidden_devices = saved
            state.device_places, state.colocation_places = places

    _colocate_with_for_gradient_target = colocate_with

    @contextmanager
    def _colocate_with_for_gradient(self, op: Any, gradient_uid: Any, ignore_existing: bool = False) -> Iterator[None]:
        with self.colocate_with(op, ignore_existing):
            yield

    @contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Stateful operations made inside the block go to that resource container."""
        saved = self._container
        self._container = container_name
        self._note_op_maps()
        try:
            yield container_name
        finally:
            self._container = saved
            self._note_op_maps()

    @contextmanager
    def _map_overridden(self, map_name: str, entries: dict[str, Any]) -> Iterator[None]:
        saved = getattr(self, map_name)
        setattr(self, map_name, {**saved, **entries})
        self._note_op_maps()
        try:
            yield
        finally:
            setattr(self, map_name, saved)
            self._note_op_maps()

    @property
    def _c_graph(self) -> Graph:
        # What TF's files hand to functions of its C interface; here those take the graph.
        return self

    @property
    def _gradient_override_map(self) -> dict[str, str]:
        return self._gradient_override_map_value

    def gradient_override_map(self, op_type_map: Any) -> Any:
        """Operations of the given types made inside the block use the gradient registered under another name.

        Source: TF 1.15 `tf.Graph.gradient_override_map`.
        """
        _check_string_map(op_type_map, "op_type_map must be a dictionary mapping strings to strings")
        return self._map_overridden("_gradient_override_map_value", op_type_map)

    def _kernel_label_map(self, op_to_kernel_label_map: Any) -> Any:
        _check_string_map(
            op_to_kernel_label_map, "op_to_kernel_label_map must be a dictionary mapping strings to strings"
        )
        return self._map_overridden("_op_to_kernel_label_map", op_to_kernel_label_map)

    def _attr_scope(self, attr_map: Any) -> Any:
        if not isinstance(attr_map, dict):
            raise TypeError("attr_map must be a dictionary mapping strings to Callables or AttrValue protocol buffers")
        return self._map_overridden("_attr_scope_map", attr_map)

    @contextmanager
    def _original_op(self, op: Any) -> Iterator[None]:
        first = len(self._ops)
        yield
        for made in self._ops[first:]:
            if made._original_op is None:
                made._original_op = op

    def _create_op_from_tf_operation(self, c_op: Operation, compute_device: bool = True) -> Operation:
        """The operation itself, as there is no other one below it; its name counts as used from now on."""
        self._names_in_use.setdefault(c_op._name.lower(), 1)
        if c_op in self._unclaimed:
            self._unclaimed.remove(c_op)
        return c_op

    def _add_new_tf_operations(self, compute_devices: bool = True) -> list[Operation]:
        """The operations added by way of nodes that nobody has asked for yet."""
        return [self._create_op_from_tf_operation(op, compute_devices) for op in list(self._unclaimed)]

    def switch_to_thread_local(self) -> None:
        """Kept for programs that call it: scopes belong to threads here anyway."""

    def __enter__(self) -> Graph:
        raise AttributeError("__enter__")


def _check_string_map(entries: Any, text: str) -> None:
    if not isinstance(entries, dict):
        raise TypeError(text)
    for key, value in entries.items():
        if not isinstance(key, str):
            raise TypeError(text.replace("a dictionary mapping strings to strings", "strings"))
        if not isinstance(value, str):
            raise TypeError(text.replace("a dictionary mapping strings to strings", "strings"))


del Graph.__enter__
# Error texts of TF show the classes by this path.
Graph.__module__ = Operation.__module__ = Tensor.__module__ = "tensorflow.python.framework.ops"


def _not_registered(op_type: str) -> str:
    return (
        f"Op type not registered '{op_type}' in binary running on localhost. Make sure the Op and Kernel are registered in the binary running in this process. Note that if you are "
        "loading a saved graph which used ops from tf.contrib, accessing (e.g.) `tf.contrib.resampler` should be done before importing the graph, as contrib ops are lazily "
        "registered when the module is first accessed."
    )


def _inferred_shapes(
    op_type: str, name: str, inputs: tuple[Tensor, ...], attrs: dict[str, Any], types: Sequence[DType]
) -> Sequence[Shape]:
    record = RECORDS.get(op_type)
    if record is None or record.shape is None:
        return (None,) * len(types)
    context = ShapeContext(op_type, name, inputs, attrs)
    try:
        return record.shape(context)
    except ShapeError as error:
        raise ValueError(error_text(record.shape, context, error)) from None


def _complete_attrs(definition: OpDef, attrs: dict[str, Any], inputs: Sequence[Tensor], types: Any) -> None:
    """Fills in the attributes that inputs, output types or defaults tell."""
    position = 0
    for arg in definition.inputs:
        if arg.number_attr:
            count = attrs.setdefault(
                arg.number_attr, len(inputs) - position - (len(definition.inputs) - definition.inputs.index(arg) - 1)
            )
        elif arg.type_list_attr:
            rest = len(definition.inputs) - definition.inputs.index(arg) - 1
            count = len(attrs[arg.type_list_attr]) if arg.type_list_attr in attrs else len(inputs) - position - rest
            attrs.setdefault(arg.type_list_attr, [t._dtype.base_dtype for t in inputs[position : position + count]])
        else:
            count = 1
        if arg.type_attr and position < len(inputs):
            attrs.setdefault(arg.type_attr, inputs[position]._dtype.base_dtype)
        position += count
    for arg, dtype in zip(definition.outputs, types or (), strict=False):
        if arg.type_attr:
            attrs.setdefault(arg.type_attr, dtypes.as_dtype(dtype).base_dtype)
    for attr in definition.attrs:
        if attr.has_default:
            attrs.setdefault(attr.name, list(attr.default) if isinstance(attr.default, list) else attr.default)


# ---- which graph


def _as_graph_element(obj: Any) -> Any:
    convert = getattr(obj, "_as_graph_element", None)
    return convert() if convert else None


def _assert_same_graph(original: Any, item: Any) -> None:
    if original.graph is not item.graph:
        raise ValueError(f"{item} must be from the same graph as {original}.")


def _has_parts(item: Any) -> bool:
    """Whether it is a sparse tensor or slices of a graph, and no value of one."""
    return hasattr(item, "dense_shape") and hasattr(item, "graph")


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
            element = _as_graph_element(item)
        if element is None:
            continue
        if found is None:
            first, found = element, element.graph
        elif first is not None:
            _assert_same_graph(first, element)
        elif element.graph is not found:
            raise ValueError(f"{element} is not from the passed-in graph.")
    return found if found is not None else get_default_graph()


def _op_to_colocate_with(value: Any) -> Operation:
    from retrograph.framework.conversion import internal_convert_to_tensor

    if isinstance(value, Operation):
        return value
    handle = getattr(value, "handle", None)
    if handle is not None and hasattr(handle, "op"):
        return handle.op  # type: ignore[no-any-return]
    if hasattr(value, "dense_shape"):
        return value.op  # type: ignore[no-any-return]
    return internal_convert_to_tensor(value, as_ref=True).op


# ---- default sessions


def _eval_using_default_session(tensors: Any, feed_dict: Any, graph: Graph, session: Any = None) -> Any:
    session = _checked_session(session, graph, "evaluate tensor", "eval", "tensor's graph", "eval(session=sess)")
    return session.run(tensors, feed_dict)


def _run_using_default_session(operation: Any, feed_dict: Any, graph: Graph, session: Any = None) -> None:
    session = _checked_session(session, graph, "execute operation", "run", "operation's graph", "run(session=sess)")
    session.run(operation, feed_dict)


def _checked_session(session: Any, graph: Graph, action: str, method: str, owner: str, call: str) -> Any:
    if session is None:
        session = sessions.get_default_session()
        if session is None:
            colon = ":" if method == "run" else ""
            raise ValueError(
                f"Cannot {action} using `{method}()`: No default session is registered. Use `with sess.as_default(){colon}` or pass an explicit session to `{call}`"
            )
        if session.graph is not graph:
            raise ValueError(
                f"Cannot use the default session to {action}: the {owner} is different from the session's graph. Pass an explicit session to `{call}`."
                if method == "eval"
                else f"Cannot use the default session to {action}: the {owner} is different from the session's graph. Pass an explicit session to {call}."
            )
    elif session.graph is not graph:
        raise ValueError(
            f"Cannot use the given session to {action}: the {owner} is different from the session's graph."
        )
    return session


# ---- default graphs


class _DefaultGraphStack(threading.local):
    """The open `as_default` blocks of a thread, above the lasting graph of that thread."""

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
            self._lasting = Graph()
        return self._lasting

    def reset(self) -> None:
        """Puts a new graph in place of the lasting one."""
        self._lasting = None

    def is_cleared(self) -> bool:
        """Whether no block is open."""
        return not self.stack

    def get_controller(self, graph: Graph) -> _DefaultGraphBlock:
        """Makes `graph` the default inside the block."""
        return _DefaultGraphBlock(graph)


class _DefaultGraphBlock:
    """The context manager of `Graph.as_default`."""

    __slots__ = ("_graph",)

    def __init__(self, graph: Graph):
        self._graph = graph

    def __enter__(self) -> Graph:
        stacks = _default_graph_stack
        stacks.stack.append(self._graph)
        stacks.hidden_before.append(len(self._graph._state.hidden_devices))
        return self._graph

    def __exit__(self, *exc: object) -> None:
        stacks = _default_graph_stack
        stacks.hidden_before.pop()
        if not stacks.stack or stacks.stack[-1] is not self._graph:
            raise AssertionError(f"Nesting violated for default stack of {type(self._graph)} objects")
        stacks.stack.pop()


_default_graph_stack = _DefaultGraphStack()


@export("get_default_graph")
def get_default_graph() -> Graph:
    """The graph that new operations go to in this thread. Source: TF 1.15 `tf.get_default_graph`."""
    stack = _default_graph_stack.stack
    return stack[-1] if stack else _default_graph_stack.get_default()


def has_default_graph() -> bool:
    """Whether a block of `Graph.as_default` is open in this thread."""
    return bool(_default_graph_stack.stack)


@export("reset_default_graph")
def reset_default_graph() -> None:
    """Replaces the default graph by a new, empty one; AssertionError inside an `as_default` block.

    Source: TF 1.15 `tf.reset_default_graph`.
    """
    if not _default_graph_stack.is_cleared():
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, exit the nesting and create a new graph."
        )
    _default_graph_stack.reset()


# ---- scopes of the default graph


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
        self._entered: list[tuple[Any, _NameScope]] = []

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
def control_dependencies(control_inputs: Any) -> _ControlDependencies:
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
    for graph in reversed(_default_graph_stack.stack):
        if not graph._building_function:
            return graph
    lasting = _default_graph_stack.get_lasting()
    if lasting._building_function:
        raise RuntimeError("The global graph is a function.")
    return lasting


def _innermost_devices(outside: Graph) -> tuple[DeviceEntry, ...]:
    """The open devices of the innermost default graph that has any, up to `outside`."""
    for graph in reversed(_default_graph_stack.stack):
        if graph._state.device_stack or graph is outside:
            return graph._state.device_stack
    return ()


def _devices_to_reopen(state: _ScopeState) -> tuple[DeviceEntry, ...]:
    """The devices that `init_scope` opens again: those hidden since the graph became the default one.

    TF 1.15 does so by the way; slot variables made inside `tf.device` show it.
    """
    before = _default_graph_stack.hidden_before
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
    """False: programs build graphs here."""
    return False


@export("is_symbolic_tensor")
def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether `tensor` is a tensor of a graph."""
    return isinstance(tensor, Tensor)


def iter_ops_of(obj: Callable[[], Any] | Graph) -> list[Operation]:
    """The operations of a graph."""
    return obj.get_operations() if isinstance(obj, Graph) else []


def known_shape(value: Any) -> Shape:
    """The plain static shape of a tensor, variable or array."""
    return as_shape(value.get_shape())._plain if hasattr(value, "get_shape") else as_shape(value.shape)._plain


class RegisterShape:
    """Kept for programs that register shape functions in Python: TF 1.15 ignores them too."""

    def __init__(self, op_type: str):
        self.op_type = op_type

    def __call__(self, function: Any) -> Any:
        return function
