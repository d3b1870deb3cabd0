"""`Operation` and `Tensor`: the nodes of a graph and what they make."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from retrograph.framework import dtypes, errors, frames
from retrograph.framework.calling import field, read_only
from retrograph.framework.device import canonical_name
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.node_def import NodeDef, node_def_of
from retrograph.framework.op_table import OpDef, find_op_def
from retrograph.framework.sessions import _eval_using_default_session, _run_using_default_session
from retrograph.framework.shape import Shape, TensorShape, as_shape, compatible, to_text
from retrograph.framework.shape_rules import ShapeError, merge

if TYPE_CHECKING:
    from retrograph.framework.graph import Graph

VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\-/]*$").match


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


def new_tensor(op: Operation, index: int, dtype: DType, shape: Shape) -> Tensor:
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
        self._attrs = {**self._attrs, name: attr_python_value(value)}

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
        assert_same_graph(self, tensor)
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


def _operation_of_node(
    node_def: Any, graph: Any, inputs: Any = None, output_types: Any = None, control_inputs: Any = None
) -> Operation:
    """Adds the operation that a NodeDef describes; its name is taken as it is."""
    if not isinstance(node_def, NodeDef):
        raise TypeError(f"node_def needs to be a NodeDef: {node_def}")
    if not VALID_OP_NAME(node_def.name):
        raise ValueError(f"'{node_def.name}' is not a valid node name")
    if not hasattr(graph, "_new_op"):
        raise TypeError(f"g needs to be a Graph: {graph}")
    for tensor in inputs or ():
        if not isinstance(tensor, (Tensor, list, tuple)):
            raise TypeError(f"input needs to be a Tensor: {tensor}")
    flat = [t for i in inputs or () for t in (i if isinstance(i, (list, tuple)) else [i])]
    attrs = {key: attr_python_value(value) for key, value in node_def.attr.items()}
    definition = find_op_def(node_def.op)
    if definition is not None:
        complete_attrs(definition, attrs, flat, output_types)
    op: Operation = graph._new_op(node_def.op, node_def.name, tuple(flat), attrs, definition)
    if node_def.device:
        op._device = node_def.device
    op._add_control_inputs([getattr(c, "op", c) for c in control_inputs or ()])
    return op


def complete_attrs(definition: OpDef, attrs: dict[str, Any], inputs: Sequence[Tensor], types: Any) -> None:
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


def assert_same_graph(original: Any, item: Any) -> None:
    if original.graph is not item.graph:
        raise ValueError(f"{item} must be from the same graph as {original}.")


def as_graph_element(obj: Any) -> Any:
    convert = getattr(obj, "_as_graph_element", None)
    return convert() if convert else None


def _cpp_name(dtype: DType) -> str:
    name = {"float32": "float", "float64": "double", "float16": "half"}.get(
        dtype.base_dtype.name, dtype.base_dtype.name
    )
    return f"{name}_ref" if dtype._is_ref else name


def _tensor_proto(value: Any) -> Any:
    from retrograph.framework.node_def import TensorValue

    return TensorValue(value)


def attr_python_value(value: Any) -> Any:
    return value.python_value() if hasattr(value, "python_value") else value


def known_shape(value: Any) -> Shape:
    """The plain static shape of a tensor, variable or array."""
    return as_shape(value.get_shape())._plain if hasattr(value, "get_shape") else as_shape(value.shape)._plain


@export("is_symbolic_tensor")
def is_symbolic_tensor(tensor: Any) -> bool:
    """Whether `tensor` is a tensor of a graph. Source: TF 1.15 `tf.is_symbolic_tensor`."""
    return isinstance(tensor, Tensor)


# Error texts of TF show the classes by this path.
Operation.__module__ = Tensor.__module__ = "tensorflow.python.framework.ops"
