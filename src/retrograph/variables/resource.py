"""Resource variables: a handle, and reads where the program says."""

from __future__ import annotations

from typing import Any

from retrograph.framework.apply import apply_op
from retrograph.framework.calling import call, field, read_only
from retrograph.framework.conversion import convert_to_tensor, internal_convert_to_tensor
from retrograph.framework.default_graph import colocate_with, control_dependencies, device, name_scope
from retrograph.framework.dtypes import DType, as_dtype
from retrograph.framework.graph import Graph
from retrograph.framework.graph_scopes import default_graph_stack
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape, as_shape
from retrograph.variables.base import AS_IT_IS, Variable, check_outside, group_of
from retrograph.variables.definition import definition_of
from retrograph.variables.guard import guarded
from retrograph.variables.spec import NewVariable, settled


class BaseResourceVariable(Variable):
    """What resource variables share: a handle, and reads where the program says."""

    _handle: Tensor
    _dtype: DType
    _shape: TensorShape
    _graph_element: Any
    _cached_value: Tensor | None = None
    _should_act_as_resource_variable = True

    @read_only
    def name(self) -> str:
        return self._handle.name  # type: ignore[no-any-return]

    op: Operation = field("_handle._op", "The operation that holds the value.")
    _plain_shape: Shape = field("_shape._plain", "The static shape.")

    @read_only
    def handle(self) -> Tensor:
        """The tensor that operations on the variable take."""
        return self._handle

    @read_only
    def dtype(self) -> DType:
        return self._dtype

    @read_only
    def shape(self) -> TensorShape:
        return self._shape

    @read_only
    def device(self) -> str:
        return self._handle.op.device

    @read_only
    def graph(self) -> Graph:
        return self._handle.graph

    @read_only
    def create(self) -> Operation:
        """The operation that gives the variable its initial value."""
        return self.initializer  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return bool(self.read_value())

    def __copy__(self) -> BaseResourceVariable:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")

    def __int__(self) -> int:
        value: Any = self.value()
        return int(value)

    def numpy(self) -> Any:
        """Only for eager execution: NotImplementedError."""
        raise NotImplementedError("numpy() is only available when eager execution is enabled.")

    def set_shape(self, shape: Any) -> None:
        raise NotImplementedError("ResourceVariable does not implement set_shape()")

    def value(self) -> Tensor:
        if self._cached_value is not None:
            return self._cached_value
        with colocate_with(None, ignore_existing=True), device(self._handle.op.device):
            return self._read()

    def _read(self) -> Tensor:
        result: Tensor = apply_op("ReadVariableOp", None, resource=self._handle, dtype=self._dtype)
        return result

    def read_value(self) -> Tensor:
        with name_scope("Read"), device(self._handle.op.device):
            value = self._read()
        return _identity(value)

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        with name_scope("Gather" if name is None else name) as scope:
            value = apply_op("ResourceGather", scope, resource=self._handle, indices=indices, dtype=self._dtype)
        return _identity(value)

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        with name_scope("GatherNd" if name is None else name) as scope:
            value = apply_op("ResourceGatherNd", scope, resource=self._handle, indices=indices, dtype=self._dtype)
        return _identity(value)

    def eval(self, session: Any = None) -> Any:
        return self._graph_element.eval(session=session)

    def to_proto(self, export_scope: str | None = None) -> Any:
        read = self._graph_element if self._cached_value is None else self._cached_value
        return definition_of(self, self._handle, read, export_scope)

    def _as_graph_element(self) -> Any:
        return self._graph_element

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Whether the variable has a value: `bool[]`."""
        result: Tensor = apply_op("VarIsInitializedOp", name, resource=self._handle)
        return result

    _is_initialized = is_initialized

    def assign(
        self, value: Any, use_locking: bool | None = None, name: str | None = None, read_value: bool = True
    ) -> Any:
        with self._in_own_graph():
            tensor = convert_to_tensor(value, dtype=self._dtype)
            self._shape.assert_is_compatible_with(tensor.shape)
            changed = apply_op("AssignVariableOp", name, resource=self._handle, value=tensor)
            return self._lazy_read(changed) if read_value else changed

    def _in_own_graph(self) -> Any:
        """Outside of all `as_default` blocks, assignments are made in the variable's graph."""
        return AS_IT_IS if default_graph_stack.stack else self._handle.graph.as_default()

    def _change(self, how: str, value: Any, use_locking: bool | None, name: str | None, read_value: bool) -> Any:
        with self._in_own_graph(), self._after_cached_read():
            tensor = convert_to_tensor(value, dtype=self._dtype)
            changed = apply_op(f"Assign{how}VariableOp", name, resource=self._handle, value=tensor)
        return self._lazy_read(changed) if read_value else changed

    def _after_cached_read(self) -> Any:
        return AS_IT_IS if self._cached_value is None else control_dependencies([self._cached_value])

    def _scatter(self, kind: str, indices: Any, updates: Any, use_locking: bool | None, name: str | None) -> Any:
        handle = "ref" if kind.startswith("Nd") else "resource"
        arguments = {handle: self._handle, "indices": indices, "updates": convert_to_tensor(updates, self._dtype)}
        return self._lazy_read(apply_op(f"ResourceScatter{kind}", name, **arguments))

    def _strided_slice_assign(self, name: str | None, value: Any, **arguments: Any) -> Any:
        with self._after_cached_read():
            tensor = convert_to_tensor(value, dtype=self._dtype)
            return self._lazy_read(
                apply_op("ResourceStridedSliceAssign", name, ref=self._handle, value=tensor, **arguments)
            )

    def _lazy_read(self, op: Operation) -> UnreadVariable:
        return UnreadVariable(self, op)


def _identity(value: Tensor) -> Tensor:
    result: Tensor = apply_op("Identity", None, input=value)
    return result


_INSIDE = (
    "Tensor-typed variable initializers must either be wrapped in an init_scope or callable (e.g., "
    "`tf.Variable(lambda : tf.truncated_normal([10, 40]))`) when building functions. Please file a feature request if this "
    "restriction inconveniences you."
)


class ResourceVariable(BaseResourceVariable):
    """A resource variable: each use reads it anew, ordered by the graph."""

    _is_initialized_op: Tensor

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        dtype: Any = None,
        variable_def: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        distribute_strategy: Any = None,
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
                import_scope=import_scope,
                constraint=constraint,
                **others,
            )
        )

    def _build(self, new: NewVariable) -> None:
        initial, from_function = new.initial_value, callable(new.initial_value)
        if isinstance(initial, Tensor) and initial.graph.building_function:
            raise ValueError(_INSIDE)
        with name_scope(new.name, "Variable", None if from_function else [initial]) as scope:
            full_name = scope[:-1] if scope.endswith("/") else scope
            with group_of(scope):
                with name_scope("Initializer"), device(None):
                    made = call(initial) if from_function else initial
                    value = internal_convert_to_tensor(made, new.dtype, "initial_value")
                self._shape, self._dtype = _declared_shape(new, value), value.dtype.base_dtype
                self._handle = apply_op(
                    "VarHandleOp", scope, shape=self._shape, dtype=self._dtype, shared_name=full_name
                )
            check_outside(scope, value)
            self._initial_value = value
            self._add_operations(scope, new)

    def _add_operations(self, scope: str, new: NewVariable) -> None:
        with name_scope("IsInitialized"):
            self._is_initialized_op = self.is_initialized()
        handle = self._handle
        with name_scope("Assign") as assign, colocate_with(None, ignore_existing=True), device(handle.op.device):
            value = guarded(scope, self._initial_value)
            self._initializer_op = apply_op("AssignVariableOp", assign, resource=handle, value=value)
        with name_scope("Read"):
            with device(handle.op.device):
                self._graph_element = self._read()
            if new.caching_device is not None:
                with colocate_with(None, ignore_existing=True), device(new.caching_device):
                    self._cached_value = _identity(self._graph_element)

    def _take(self, held: Any, snapshot: Any) -> None:
        self._handle = held
        self._shape, self._dtype = as_shape(held.op.get_attr("shape")), as_dtype(held.op.get_attr("dtype"))
        if snapshot is None:
            snapshot = held.graph.get_tensor_by_name(held.op.name + "/Read/ReadVariableOp:0")
        elif snapshot.op.type != "ReadVariableOp":
            self._cached_value = snapshot
        passed: set[Tensor] = set()
        while snapshot.op.type != "ReadVariableOp":
            if not snapshot.op.inputs or snapshot in passed:
                raise ValueError(f"The snapshot of the variable {held.op.name!r} does not read it.")
            passed.add(snapshot)
            snapshot = snapshot.op.inputs[0]
        self._graph_element = snapshot


def _declared_shape(new: NewVariable, value: Tensor) -> TensorShape:
    if new.shape is None:
        return value.get_shape()
    if not value.get_shape().is_compatible_with(new.shape):
        raise ValueError(
            f"The initial value's shape ({value.get_shape()}) is not compatible with the explicitly supplied "
            f"`shape` argument ({new.shape})."
        )
    return as_shape(new.shape)


class UnreadVariable(BaseResourceVariable):
    """A resource variable as an assignment left it: reads come after the assignment."""

    def __init__(self, variable: BaseResourceVariable, parent_op: Operation):
        self._handle, self._dtype, self._shape = variable._handle, variable._dtype, variable._shape
        self._parent_op = parent_op
        self._synchronization, self._aggregation, self._trainable = settled(None, None, None, None)
        self._constraint = self._initializer_op = self._initial_value = self._caching_device = None
        self._graph_element = self._read()

    @read_only
    def name(self) -> str:
        return self._parent_op.name

    @read_only
    def op(self) -> Operation:
        return self._parent_op

    def value(self) -> Tensor:
        return self._read()

    read_value = value

    def _read(self) -> Tensor:
        with control_dependencies([self._parent_op]):
            return super()._read()


def resource_shape_and_dtype(handle: Tensor) -> tuple[Shape, DType | None]:
    """What is known of the variable of a handle: (shape, dtype), through the operations that hand handles on."""
    while handle.op.type in _HAND_ON:
        op = handle.op
        handle = op.inputs[handle.value_index if op.type == "IdentityN" else 0]
    attrs = handle.op.attrs
    return (attrs["shape"], attrs["dtype"]) if handle.op.type == "VarHandleOp" else (None, None)


_HAND_ON = frozenset(
    ("Identity", "IdentityN", "Switch", "RefSwitch", "Enter", "RefEnter", "Exit", "Merge", "NextIteration")
)
