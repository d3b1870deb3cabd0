"""`Graph`: names, the making of operations, and the scopes that change what is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from retrograph.framework import errors, frames
from retrograph.framework.device import apply_device_stack, as_device_entry
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.graph_contents import GraphContents
from retrograph.framework.graph_scopes import (
    ControlDependencies,
    DefaultGraphStack,
    NameScope,
    ScopeState,
    ScopeStates,
    default_graph_stack,
)
from retrograph.framework.op_table import RECORDS, OpDef, find_op_def
from retrograph.framework.operation import (
    VALID_OP_NAME,
    Operation,
    Tensor,
    assert_same_graph,
    attr_python_value,
    complete_attrs,
    new_tensor,
)
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, ShapeError, error_text

_VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\-/]*$").match
# Names that were found to be valid anywhere and do not end with a slash: the same few are opened again and again.
_plain_names: set[str] = set()
_MOST_PLAIN_NAMES = 10_000
_NO_GRADIENT_TYPES = frozenset(("Const", "Placeholder", "NoOp"))
_new_object: Any = object.__new__


@export("Graph")
class Graph(GraphContents):
    """Operations and tensors, their names, the open scopes, and collections.

    Source: TF 1.15 `tf.Graph`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._names_in_use: dict[str, int] = {}
        self._states = ScopeStates()
        # What was added as a node, below `Operation`, and has not been asked for.
        self._unclaimed: list[Operation] = []
        self._gradient_override_map_value: dict[str, str] = {}
        self._attr_scope_map: dict[str, Any] = {}
        self._op_to_kernel_label_map: dict[str, str] = {}
        self._container = ""
        self._handle_feeders: dict[Any, Any] = {}
        # Operations where TF makes one that calls a function: the seeds of random operations follow from TF's number.
        self._inlined = 0
        self.outer_graph = None
        self.collections_of_scopes: dict[Any, Any] = {}

    _building_function = False
    _state: ScopeState = property(attrgetter("_states.current"))  # type: ignore[assignment]

    @property
    def building_function(self) -> bool:
        """Whether this is the graph of a function."""
        return self._building_function

    def as_default(self) -> Any:
        """A context manager that makes this the default graph."""
        return default_graph_stack.get_controller(self)

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

    def name_scope(self, name: Any) -> NameScope:
        """Opens a name scope: yields its name with a trailing slash, '' for the root.

        Raises ValueError: `name` is not a valid scope name. Source: TF 1.15 `tf.Graph.name_scope`.
        """
        return NameScope(self, name)

    def _opened_name(self, name: Any, current: str | None) -> str:
        if name.__class__ is str and name in _plain_names:
            return self._unique(current + "/" + name if current else name)
        if isinstance(name, bytes):
            name = name.decode()
        if not isinstance(name, str):
            raise TypeError("expected string or bytes-like object")
        if not (_VALID_SCOPE_NAME if current else VALID_OP_NAME)(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        if name[-1] == "/":
            return name[:-1]
        if len(_plain_names) < _MOST_PLAIN_NAMES and (not current or VALID_OP_NAME(name)):
            _plain_names.add(name)
        return self._unique(current + "/" + name if current else name)

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """A name not used yet for an operation or scope, in the current scope; comparison ignores case.

        Source: TF 1.15 `tf.Graph.unique_name`.
        """
        stack = self._states.current.name_stack
        return self._unique(stack + "/" + name if stack else name, mark_as_used)

    def _unique(self, name: str, mark_as_used: bool = True) -> str:
        used = self._names_in_use
        key = name
        try:
            count = used.get(name)
            if count is None:
                key = name.lower()
                if key == name:
                    key, count = name, 0  # one string, not two that are equal
                else:
                    count = used.get(key, 0)
        except (AttributeError, TypeError):
            raise AttributeError(f"'{type(name).__name__}' object has no attribute 'lower'") from None
        if mark_as_used:
            used[key] = count + 1
        return self._numbered(name, key, count, mark_as_used) if count else name

    def _numbered(self, name: str, base: str, count: int, mark_as_used: bool) -> str:
        """The name with the first number from `count` that is free."""
        used = self._names_in_use
        key = f"{base}_{count}"
        while key in used:
            count += 1
            key = f"{base}_{count}"
        if mark_as_used:
            used[key] = 1
        return key if base is name else name + key[len(base) :]

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
        values = {k: attr_python_value(v) for k, v in (attrs or {}).items()}
        definition = find_op_def(op_type)
        if definition is not None:
            complete_attrs(definition, values, inputs, dtypes)
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
                assert_same_graph(inputs[0], tensor)
                raise ValueError(f"{tensor} is not from the passed-in graph.")
        if name is None:
            name = op_type
        if isinstance(name, bytes):
            name = name.decode()
        full_name = name[:-1] if name and name[-1] == "/" else self.unique_name(name)
        if not self._finalized and not VALID_OP_NAME(full_name):
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
            op._outputs = tuple([new_tensor(op, i, t, s) for i, (t, s) in enumerate(zip(types, shapes, strict=True))])
        self._enter(op, name)
        return op

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

    def _apply_scopes(self, op: Operation, state: ScopeState) -> None:
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
                attr = attr_python_value(
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

    # ---- control dependencies and control flow

    def control_dependencies(self, control_inputs: Any) -> ControlDependencies:
        """Operations made inside the block run after `control_inputs`; None hides the blocks outside.

        Source: TF 1.15 `tf.Graph.control_dependencies`.
        """
        if control_inputs is None:
            return ControlDependencies(self, None)
        control_ops: list[Operation] = []
        current = {op for controller in self._state.control_stack for op in controller.control_inputs}
        for item in control_inputs:
            op = self._control_op(item)
            if op not in current:
                control_ops.append(op)
                current.add(op)
        return ControlDependencies(self, control_ops)

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
    def _control_dependencies_stack(self) -> list[ControlDependencies]:
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
# Error texts of TF show the class by this path.
Graph.__module__ = "tensorflow.python.framework.ops"
DefaultGraphStack.new_graph = Graph


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
