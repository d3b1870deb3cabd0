"""Reference variables: made in as few steps as their scopes allow."""

from __future__ import annotations

from typing import Any

from retrograph.framework import frames
from retrograph.framework.apply import apply_op
from retrograph.framework.calling import call, field, read_only
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.framework.default_graph import colocate_with, device, get_default_graph, name_scope
from retrograph.framework.device import apply_device_stack
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, unknown_shape
from retrograph.variables.base import Variable, check_outside, group_of
from retrograph.variables.definition import definition_of
from retrograph.variables.guard import guarded
from retrograph.variables.spec import InitialValue, NewVariable

_UNKNOWN_SHAPE = "initial_value must have a shape specified: {}"


def _only_devices(graph: Graph) -> bool:
    """Whether no open scope but names and devices changes new operations."""
    state = graph._state
    return not (
        state.control_stack or state.colocation_stack or graph._has_op_maps or state.control_flow_context is not None
    )


def _made_in_group(graph: Graph, initial: InitialValue, dtype: DType, group: list[bytes]) -> tuple[Tensor, bool]:
    """The initial value, made under `Initializer`, and whether it depends on operations that were there before.

    Its operations are put into the variable's group afterwards.
    """
    graph._state.name_stack = graph.unique_name("Initializer")
    operations, newest = graph._ops, graph._next_id_counter
    first, depends = len(operations), False
    try:
        value = initial()
        if value.__class__ is not Tensor or value._dtype is not dtype:
            value = internal_convert_to_tensor(value, dtype, "initial_value")
    finally:
        for op in operations[first:]:
            if "_class" not in op._attrs:
                op._attrs = {**op._attrs, "_class": group}
            for tensor in op._inputs:
                if tensor._op._id <= newest:
                    depends = True
    return value, depends or value._op._id <= newest


class RefVariable(Variable):
    """A reference variable: every use of it as a tensor is one cached read."""

    _noted_in_default_graph = True
    _variable: Tensor
    _snapshot: Tensor

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        **others: Any,
    ):
        self._make(
            NewVariable(
                initial_value,
                trainable,
                collections,
                validate_shape,
                caching_device,
                name,
                variable_def,
                dtype,
                **others,
            )
        )

    def _build(self, new: NewVariable) -> None:
        initial, name = new.initial_value, new.name
        if initial.__class__ is InitialValue and initial.known and new.caching_device is None and new.shape is None:
            graph = get_default_graph()
            if name.__class__ is str and name and name[-1] != "/" and _only_devices(graph):
                self._build_plainly(graph, name, initial, new)
                return
        self._build_in_scopes(new)

    def _build_plainly(self, graph: Graph, name: str, initial: InitialValue, new: NewVariable) -> None:
        """What `_build_in_scopes` does, for initializers of ours and without open scopes but names and devices."""
        state = graph._state
        outside, devices = state.name_stack, state.device_stack
        full_name = graph._opened_name(name, outside)
        group = [b"loc:@" + full_name.encode()]
        try:
            state.name_stack, state.device_stack = full_name, ()
            state.shared_stack = stack = frames.capture()
            state.shared_group = group
            value, depends = _made_in_group(graph, initial, new.dtype, group)
            state.name_stack, state.device_stack = full_name, devices
            self._initial_value, dtype, shape = value, value._dtype._base, value._shape
            emit = graph._emit_one
            known = shape if new.validate_shape else None
            attrs: dict[str, Any] = {
                "shape": known,
                "dtype": dtype,
                "container": b"",
                "shared_name": b"",
                "_class": group,
            }
            self._variable = held = emit("VariableV2", full_name, (), attrs, dtype._as_ref, known, stack)
            if devices:
                apply_device_stack(held._op, devices)
            if new.validate_shape and (shape is None or None in shape):
                raise ValueError(_UNKNOWN_SHAPE.format(value))
            where = held._op._device
            attrs = {"T": dtype, "validate_shape": new.validate_shape, "use_locking": True, "_class": group}
            start = guarded(full_name + "/", value) if depends else value
            name = graph.unique_name("Assign")
            self._initializer_op = emit("Assign", name, (held, start), attrs, dtype._as_ref, shape, stack, where)._op
            attrs = value._op._attrs
            if len(attrs) != 2 or attrs.get("T") is not dtype or attrs.get("_class") is not group:
                attrs = {"T": dtype, "_class": group}
            name = graph.unique_name("read")
            self._snapshot = emit("Identity", name, (held,), attrs, dtype, known, stack, where)
        finally:
            state.shared_stack = state.shared_group = None
            state.name_stack, state.device_stack = outside, devices

    def _build_in_scopes(self, new: NewVariable) -> None:
        initial, from_function = new.initial_value, callable(new.initial_value)
        with name_scope(new.name, "Variable", None if from_function else [initial]) as scope:
            if from_function:
                with group_of(scope):
                    with name_scope("Initializer"), device(None):
                        value = internal_convert_to_tensor(call(initial), new.dtype, "initial_value")
                    self._hold(scope, value, new)
            else:
                value = internal_convert_to_tensor(initial, new.dtype, "initial_value")
                check_outside(scope, value)
                self._hold(scope, value, new)
            if new.validate_shape and not value.get_shape().is_fully_defined():
                raise ValueError(_UNKNOWN_SHAPE.format(value))
            self._initial_value = value
            self._initializer_op = apply_op(
                "Assign", None, ref=self._variable, value=guarded(scope, value), validate_shape=new.validate_shape
            ).op
            where = colocate_with(self._variable.op) if new.caching_device is None else device(new.caching_device)
            with where:
                self._snapshot = apply_op("Identity", "read", input=self._variable)

    def _hold(self, scope: str, value: Tensor, new: NewVariable) -> None:
        shape = new.shape
        if shape is None:
            shape = value.get_shape() if new.validate_shape else unknown_shape()
        self._variable = apply_op("VariableV2", scope, shape=shape, dtype=value.dtype.base_dtype)

    def _take(self, held: Any, snapshot: Any) -> None:
        self._variable, self._snapshot = held, snapshot

    @read_only
    def name(self) -> str:
        return self._variable.name  # type: ignore[no-any-return]

    op: Operation = field("_variable._op", "The operation that holds the value.")
    dtype: DType = field("_variable._dtype", "The type of the elements, `_ref`.")
    _plain_shape: Shape = field("_variable._shape", "The static shape.")

    @read_only
    def shape(self) -> TensorShape:
        return self._variable.get_shape()

    def set_shape(self, shape: Any) -> None:
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    def value(self) -> Tensor:
        return self._snapshot

    def read_value(self) -> Tensor:
        result: Tensor = apply_op("Identity", "read", input=self._variable)
        return result

    def eval(self, session: Any = None) -> Any:
        return self._variable.eval(session=session)

    def to_proto(self, export_scope: str | None = None) -> Any:
        return definition_of(self, self._variable, self._snapshot, export_scope)

    def _ref(self) -> Tensor:
        return self._variable

    def _as_graph_element(self) -> Tensor:
        return self._variable

    def _is_initialized(self, name: str | None = None) -> Tensor:
        result: Tensor = apply_op("IsVariableInitialized", name, ref=self._variable)
        return result

    def _change(self, how: str, value: Any, use_locking: bool | None, name: str | None, read_value: bool) -> Any:
        changed = apply_op(f"Assign{how}", name, ref=self._variable, value=value, use_locking=use_locking)
        return changed if read_value else changed.op

    def _scatter(self, kind: str, indices: Any, updates: Any, use_locking: bool | None, name: str | None) -> Any:
        return apply_op(
            f"Scatter{kind}", name, ref=self._variable, indices=indices, updates=updates, use_locking=use_locking
        )

    def _strided_slice_assign(self, name: str | None, **arguments: Any) -> Tensor:
        result: Tensor = apply_op("StridedSliceAssign", name, ref=self._variable, **arguments)
        return result
