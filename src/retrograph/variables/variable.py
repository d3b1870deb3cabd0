"""`tf.Variable`: reference variables and resource variables."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from retrograph.framework import frames
from retrograph.framework.apply import apply_op
from retrograph.framework.calling import call, field, read_only
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import (
    convert_to_tensor,
    internal_convert_to_tensor,
    register_tensor_conversion_function,
)
from retrograph.framework.default_graph import (
    colocate_with,
    control_dependencies,
    device,
    get_default_graph,
    init_scope,
    name_scope,
)
from retrograph.framework.deprecation import deprecated, warn
from retrograph.framework.device import apply_device_stack
from retrograph.framework.dtypes import DType, as_dtype
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.graph_scopes import default_graph_stack
from retrograph.framework.operation import Operation, Tensor, TensorReference
from retrograph.framework.sessions import get_default_session
from retrograph.framework.shape import Shape, TensorShape, as_shape, unknown_shape
from retrograph.framework.structures import IndexedSlices
from retrograph.variables.definition import SaveSliceInfoDef, VariableDef, definition_of, in_scope, without_scope
from retrograph.variables.guard import guarded
from retrograph.variables.scope import get_variable_scope, outermost_creator
from retrograph.variables.spec import InitialValue, NewVariable, VariableAggregation, VariableSynchronization, settled

OPERATORS = (
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__div__", "__rdiv__", "__truediv__", "__rtruediv__",
    "__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__rand__",
    "__or__", "__ror__", "__xor__", "__rxor__", "__pow__", "__rpow__", "__invert__", "__neg__", "__abs__", "__matmul__",
    "__rmatmul__",
)  # fmt: skip
Tensor.OVERLOADABLE_OPERATORS.update(OPERATORS)
_SCATTERS = ("sub", "add", "max", "min", "mul", "div", "update")
_IN_PLACE = {
    "__iadd__": ("+", "assign_add"), "__isub__": ("-", "assign_sub"), "__imul__": ("*", None), "__idiv__": ("/", None),
    "__itruediv__": ("/", None), "__irealdiv__": ("/", None), "__ipow__": ("**", None),
}  # fmt: skip
_CONSTRAINT = "The `constraint` argument must be a callable."
_UNKNOWN_SHAPE = "initial_value must have a shape specified: {}"
_MODULE = "tensorflow.python.ops.variables"
_use_resource_by_default = False


@export("enable_resource_variables")
def enable_resource_variables() -> None:
    """From now on variables are resource variables by default. Source: TF 1.15 `tf.enable_resource_variables`."""
    _set_default_kind(True)


@export("disable_resource_variables")
def disable_resource_variables() -> None:
    """From now on variables are reference variables by default. Source: TF 1.15 `tf.disable_resource_variables`."""
    _set_default_kind(False)


def _set_default_kind(resource: bool) -> None:
    global _use_resource_by_default
    _use_resource_by_default = resource


@export("resource_variables_enabled")
def resource_variables_enabled() -> bool:
    """Whether variables are resource variables by default. Source: TF 1.15 `tf.resource_variables_enabled`."""
    return _use_resource_by_default


class _VariableMeta(type):
    """Makes `Variable(...)` go through the open creators to the class that fits."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not Variable:
            return super().__call__(*args, **kwargs)
        return create_variable(NewVariable(*args, **kwargs))


def create_variable(new: NewVariable) -> Any:
    """A variable as the open creator scopes make it."""
    creator = outermost_creator(None)
    if creator is None:
        return _by_default(new)
    if new.aggregation is None:
        new = new._replace(aggregation=VariableAggregation.NONE)
    return outermost_creator(_default_creator)(**new._asdict())


def _default_creator(**kwargs: Any) -> Any:
    return _by_default(NewVariable(**{field: kwargs[field] for field in NewVariable._fields if field in kwargs}))


def _by_default(new: NewVariable) -> Any:
    resource = new.use_resource
    if resource is None:
        resource = get_variable_scope().use_resource
    if resource is None:
        resource = _use_resource_by_default
    made: Any = (ResourceVariable if resource else RefVariable).__new__(ResourceVariable if resource else RefVariable)
    made._make(new)
    return made


@export("Variable")
class Variable(metaclass=_VariableMeta):
    """A tensor that keeps its value between runs of a session.

    >>> v = tf.Variable([1.0, 2.0], name="v")
    >>> v
    <tf.Variable 'v:0' shape=(2,) dtype=float32_ref>

    `use_resource=True` makes one whose reads are ordered as the graph says. A callable `initial_value` is called once.
    Raises ValueError: no initial value, or one of unknown shape. Source: TF 1.15 `tf.Variable`.
    """

    _initializer_op: Any
    _initial_value: Any
    _trainable: bool
    _synchronization: VariableSynchronization
    _aggregation: VariableAggregation
    _constraint: Any
    _caching_device: Any
    _save_slice_info: Any = None
    _in_graph_mode = True
    _distribute_strategy = None
    _is_dense_tensor_like = True
    __array_priority__ = 100

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
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: Any = VariableSynchronization.AUTO,
        aggregation: Any = VariableAggregation.NONE,
        shape: Any = None,
    ):
        raise NotImplementedError

    class SaveSliceInfo:
        """Which part of a larger variable a variable is. Source: TF 1.15 `tf.Variable.SaveSliceInfo`."""

        def __init__(
            self,
            full_name: str | None = None,
            full_shape: Any = None,
            var_offset: Any = None,
            var_shape: Any = None,
            save_slice_info_def: Any = None,
            import_scope: str | None = None,
        ):
            if save_slice_info_def is not None:
                proto = save_slice_info_def
                full_name = in_scope(proto.full_name, import_scope)
                full_shape, var_offset, var_shape = (
                    list(proto.full_shape),
                    list(proto.var_offset),
                    list(proto.var_shape),
                )
            self.full_name, self.full_shape, self.var_offset, self.var_shape = (
                full_name,
                full_shape,
                var_offset,
                var_shape,
            )

        @read_only
        def spec(self) -> str:
            """The part as checkpoints write it: `7 2 3,2:0,2`."""
            parts = zip(self.var_offset, self.var_shape, strict=True)
            return "".join(f"{d} " for d in self.full_shape) + ":".join(f"{o},{s}" for o, s in parts)

        def to_proto(self, export_scope: str | None = None) -> Any:
            """The part as a `SaveSliceInfoDef`; None if it is not in `export_scope`."""
            name = self.full_name or ""
            if export_scope is not None and not name.startswith(export_scope):
                return None
            return SaveSliceInfoDef(
                full_name=without_scope(name, export_scope),
                full_shape=list(self.full_shape),
                var_offset=list(self.var_offset),
                var_shape=list(self.var_shape),
            )

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.get_shape()} dtype={self.dtype.name}>"

    def __iter__(self) -> Any:
        raise TypeError("'Variable' object is not iterable.")

    def __float__(self) -> float:
        raise TypeError(f"float() argument must be a string or a number, not '{type(self).__name__}'")

    def __int__(self) -> int:
        raise TypeError(
            f"int() argument must be a string, a bytes-like object or a number, not '{type(self).__name__}'"
        )

    def __contains__(self, item: Any) -> bool:
        # Python would put words of its own in place of these.
        raise TypeError("'Variable' object is not iterable.")

    def __getitem__(self, slice_spec: Any) -> Tensor:
        sliced: Tensor = Tensor.__getitem__(self.value(), slice_spec, self)  # type: ignore[call-arg]
        return sliced

    @read_only
    def name(self) -> str:
        """The name of the variable's tensor, `v:0`."""
        raise NotImplementedError

    @read_only
    def op(self) -> Operation:
        """The operation that holds the value."""
        raise NotImplementedError

    @read_only
    def dtype(self) -> DType:
        """The type of the elements; `_ref` for a reference variable."""
        raise NotImplementedError

    @read_only
    def shape(self) -> TensorShape:
        """The static shape."""
        raise NotImplementedError

    @read_only
    def device(self) -> str:
        """The device of the variable's operation."""
        return self.op.device  # type: ignore[no-any-return]

    @read_only
    def graph(self) -> Graph:
        """The graph that the variable belongs to."""
        return self.op.graph  # type: ignore[no-any-return]

    @read_only
    def trainable(self) -> bool:
        """Whether optimizers change it unless told otherwise."""
        return self._trainable

    @read_only
    def synchronization(self) -> VariableSynchronization:
        """When copies of the variable are brought together."""
        return self._synchronization

    @read_only
    def aggregation(self) -> VariableAggregation:
        """How copies of the variable are brought together."""
        return self._aggregation

    @read_only
    def constraint(self) -> Any:
        """The projection that optimizers apply after an update, or None."""
        return self._constraint

    @read_only
    def initializer(self) -> Operation:
        """The operation that gives the variable its initial value."""
        initializer: Operation = self._initializer_op
        return initializer

    @read_only
    def initial_value(self) -> Tensor:
        """The tensor that the initializer assigns."""
        value: Tensor = self._initial_value
        return value

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.shape  # type: ignore[no-any-return]

    def value(self) -> Tensor:
        """The tensor that stands for the value where the variable is used as a tensor."""
        raise NotImplementedError

    def read_value(self) -> Tensor:
        """A new read, which control dependencies of the place order."""
        raise NotImplementedError

    @deprecated(
        "Use Variable.read_value. Variables in 2.X are initialized automatically both in eager and graph (inside tf.defun) "
        "contexts.",
        _MODULE,
    )
    def initialized_value(self) -> Tensor:
        """The value, or the initial value if the variable is not initialized when this runs."""
        from retrograph.ops.cond import cond

        with init_scope():
            result: Tensor = cond(self._is_initialized(), self.read_value, lambda: self.initial_value)
            return result

    def _is_initialized(self, name: str | None = None) -> Tensor:
        raise NotImplementedError

    def eval(self, session: Any = None) -> Any:
        """The value in a session, the default one if None."""
        raise NotImplementedError

    @deprecated("Prefer Variable.assign which has equivalent behavior in 2.X.", _MODULE)
    def load(self, value: Any, session: Any = None) -> None:
        """Gives the variable a value in a session, without a new operation; ValueError if there is no session."""
        session = session or get_default_session()
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    def assign(
        self, value: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Sets the value: gives the new one as a tensor, or the operation if not `read_value`."""
        return self._change("", value, use_locking, name, read_value)

    def assign_add(
        self, delta: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds to the value."""
        return self._change("Add", delta, use_locking, name, read_value)

    def assign_sub(
        self, delta: Any, use_locking: bool | None = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts from the value."""
        return self._change("Sub", delta, use_locking, name, read_value)

    def _change(self, how: str, value: Any, use_locking: bool | None, name: str | None, read_value: bool) -> Any:
        raise NotImplementedError

    def _scatter(self, kind: str, indices: Any, updates: Any, use_locking: bool | None, name: str | None) -> Any:
        raise NotImplementedError

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts `updates` from the slices that `indices` point to."""
        return self._scatter("NdSub", indices, updates, True, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds `updates` to the slices that `indices` point to."""
        return self._scatter("NdAdd", indices, updates, True, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Sets the slices that `indices` point to."""
        return self._scatter("NdUpdate", indices, updates, True, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Sets slices batch by batch: the last axis of the indices counts within the others."""
        from retrograph.ops.state import batch_scatter_update

        return batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name)

    @deprecated("Prefer Dataset.range instead.", _MODULE)
    def count_up_to(self, limit: int) -> Tensor:
        """The value; then adds one, up to `limit`, where running it raises OutOfRangeError."""
        from retrograph.ops.state import count_up_to

        result: Tensor = count_up_to(self, limit)
        return result

    def set_shape(self, shape: Any) -> None:
        """Makes the static shape more precise."""
        raise NotImplementedError

    def sparse_read(self, indices: Any, name: str | None = None) -> Tensor:
        """Rows of a resource variable."""
        raise AttributeError

    def gather_nd(self, indices: Any, name: str | None = None) -> Tensor:
        """Slices of a resource variable."""
        raise AttributeError

    def experimental_ref(self) -> TensorReference:
        """An object that stands for this variable in sets and as a key."""
        return TensorReference(self)

    @read_only
    def _shared_name(self) -> str:
        return self.name[: self.name.index(":")]  # type: ignore[no-any-return]

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The names of the variable's operations, relative to `export_scope`; None if it is not in there."""
        raise NotImplementedError

    @staticmethod
    def from_proto(variable_def: VariableDef, import_scope: str | None = None) -> Any:
        """The variable whose operations are in the default graph under the names of `variable_def`."""
        kind: Any = ResourceVariable if variable_def.is_resource else RefVariable
        return kind(variable_def=variable_def, import_scope=import_scope)

    def _set_save_slice_info(self, info: Any) -> None:
        self._save_slice_info = info

    def _get_save_slice_info(self) -> Any:
        return self._save_slice_info

    def _as_graph_element(self) -> Any:
        raise NotImplementedError

    def _make(self, new: NewVariable) -> None:
        if new.variable_def is not None:
            self._restore(new)
            return
        synchronization, aggregation, trainable = settled(new.synchronization, new.aggregation, new.trainable, new.name)
        self._synchronization, self._aggregation, self._trainable = synchronization, aggregation, trainable
        self._constraint, self._caching_device = new.constraint, new.caching_device
        collections = _checked_collections(new, trainable)
        graph = get_default_graph()
        with outside_control_flow(graph):
            self._build(new)
            # An initial value of another graph makes the variable there; reference variables are still noted here.
            noted_in = graph if isinstance(self, RefVariable) else self.graph
            for key in set(collections):
                noted_in.add_to_collection(key, self)

    def _build(self, new: NewVariable) -> None:
        raise NotImplementedError

    def _restore(self, new: NewVariable) -> None:
        """Takes the operations that a `VariableDef` names out of the graph."""
        if new.initial_value is not None:
            raise ValueError("variable_def and initial_value are mutually exclusive.")
        proto, graph = new.variable_def, get_default_graph()

        def element(name: str) -> Any:
            return graph.as_graph_element(in_scope(name, new.import_scope))

        def tensor(name: str) -> Tensor:
            found = element(name)
            if not isinstance(found, Tensor):
                raise ValueError(f"A variable's definition names the operation {name!r} where a tensor is wanted.")
            return found

        self._synchronization, self._aggregation, self._trainable = settled(
            proto.synchronization, proto.aggregation, proto.trainable, proto.variable_name
        )
        self._constraint = self._caching_device = None
        self._initializer_op = element(proto.initializer_name)
        self._initial_value = element(proto.initial_value_name) if proto.initial_value_name else None
        if proto.HasField("save_slice_info_def"):
            info = proto.save_slice_info_def
            self._save_slice_info = Variable.SaveSliceInfo(save_slice_info_def=info, import_scope=new.import_scope)
        # Only variables that are resources may leave out how they are read.
        has_snapshot = bool(proto.snapshot_name) or not proto.is_resource
        self._take(tensor(proto.variable_name), tensor(proto.snapshot_name) if has_snapshot else None)

    def _take(self, held: Any, snapshot: Any) -> None:
        raise NotImplementedError


_AS_IT_IS = nullcontext()


def outside_control_flow(graph: Graph) -> Any:
    """`init_scope`, if there is anything to leave: control dependencies, control-flow contexts, hidden devices."""
    state = graph._state
    if state.control_stack or state.hidden_devices or state.control_flow_context is not None:
        return init_scope()
    return _AS_IT_IS


def _only_devices(graph: Graph) -> bool:
    """Whether no open scope but names and devices changes new operations."""
    state = graph._state
    return not (
        state.control_stack or state.colocation_stack or graph._has_op_maps or state.control_flow_context is not None
    )


def _checked_collections(new: NewVariable, trainable: bool) -> Any:
    if new.initial_value is None:
        raise ValueError("initial_value must be specified.")
    collections = new.collections
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    elif not isinstance(collections, (list, tuple, set)):
        raise ValueError(
            "collections argument to Variable constructor must be a list, tuple, or set. "
            f"Got {collections} of type {type(collections)}"
        )
    if new.constraint is not None and not callable(new.constraint):
        raise ValueError(_CONSTRAINT)
    if trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
        collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
    return collections


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


def _group_of(scope: str) -> Any:
    full_name = scope[:-1] if scope.endswith("/") else scope
    return get_default_graph()._attr_scope({"_class": [b"loc:@" + full_name.encode()]})


def _check_outside(scope: str, value: Tensor) -> None:
    if value.op._get_control_flow_context() is not None:
        raise ValueError(
            f"Initializer for variable {scope} is from inside a control-flow construct, such as a loop or conditional. When "
            "creating a variable inside a loop or conditional, use a lambda as the initializer."
        )


class RefVariable(Variable):
    """A reference variable: every use of it as a tensor is one cached read."""

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
                with _group_of(scope):
                    with name_scope("Initializer"), device(None):
                        value = internal_convert_to_tensor(call(initial), new.dtype, "initial_value")
                    self._hold(scope, value, new)
            else:
                value = internal_convert_to_tensor(initial, new.dtype, "initial_value")
                _check_outside(scope, value)
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
        return _AS_IT_IS if default_graph_stack.stack else self._handle.graph.as_default()

    def _change(self, how: str, value: Any, use_locking: bool | None, name: str | None, read_value: bool) -> Any:
        with self._in_own_graph(), self._after_cached_read():
            tensor = convert_to_tensor(value, dtype=self._dtype)
            changed = apply_op(f"Assign{how}VariableOp", name, resource=self._handle, value=tensor)
        return self._lazy_read(changed) if read_value else changed

    def _after_cached_read(self) -> Any:
        return _AS_IT_IS if self._cached_value is None else control_dependencies([self._cached_value])

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
        with name_scope(new.name, "Variable", None if from_function else [initial]) as scope:
            full_name = scope[:-1] if scope.endswith("/") else scope
            with _group_of(scope):
                with name_scope("Initializer"), device(None):
                    made = call(initial) if from_function else initial
                    value = internal_convert_to_tensor(made, new.dtype, "initial_value")
                self._shape, self._dtype = _declared_shape(new, value), value.dtype.base_dtype
                self._handle = apply_op(
                    "VarHandleOp", scope, shape=self._shape, dtype=self._dtype, shared_name=full_name
                )
            _check_outside(scope, value)
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


def _delegate(operator: str) -> Any:
    def apply(a: Variable, *args: Any, **kwargs: Any) -> Any:
        return getattr(Tensor, operator)(a.value(), *args, **kwargs)

    apply.__name__ = operator
    return apply


def _scatter_method(kind: str) -> Any:
    def scatter(self: Variable, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        return self._scatter(kind.capitalize(), sparse_delta.indices, sparse_delta.values, use_locking, name)

    scatter.__name__, scatter.__doc__ = (
        f"scatter_{kind}",
        f"Row by row, `{kind}` with the slices of an `IndexedSlices`.",
    )
    return scatter


def _deprecated_in_place(operator: str, method: str) -> Any:
    symbol, instead = _IN_PLACE[method]
    hint = f"variable.{instead}" if instead else f"`var.assign(var {symbol} other)`"
    goal = " if you want assignment to the variable value or " + (
        f"'x = x {symbol} y'" if instead else f"`x = x {symbol} y`"
    )

    def apply(self: Variable, other: Any) -> Any:
        if method not in _warned:
            _warned.add(method)
            warn(f"Variable {symbol}= will be deprecated. Use {hint}{goal} if you want a new python Tensor object.")
        return getattr(Tensor, operator)(self.value(), other)

    return apply


def _refused_in_place(method: str) -> Any:
    symbol, instead = _IN_PLACE[method]
    use = f"variable.{instead}(value)" if instead else f"`var.assign(var {symbol} value)`"
    if instead:
        text = (
            f"Variable {symbol}= value not supported. Use {use} to modify the variable value and "
            f"variable = variable {symbol} value to get a new Tensor object."
        )
    else:
        text = (
            f"Variable {symbol}= value not supported. Use {use} to modify the variable or "
            f"`var = var {symbol} value` to get a new Tensor object."
        )

    def refuse(self: Variable, unused_other: Any) -> Any:
        raise RuntimeError(text)

    return refuse


_warned: set[str] = set()
for _operator in OPERATORS:
    setattr(Variable, _operator, _delegate(_operator))
for _kind in _SCATTERS:
    setattr(Variable, f"scatter_{_kind}", _scatter_method(_kind))
for _method in _IN_PLACE:
    _plain = {"__idiv__": "__truediv__", "__irealdiv__": "__truediv__"}.get(_method, "__" + _method[3:])
    setattr(RefVariable, _method, _deprecated_in_place(_plain, _method))
    setattr(BaseResourceVariable, _method, _refused_in_place(_method))


def _as_tensor(variable: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Tensor:
    if dtype is not None and not dtype.is_compatible_with(variable.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type '{dtype.name}' for variable of type '{variable.dtype.name}'"
        )
    if not as_ref:
        value: Tensor = variable.value()
        return value
    reference: Tensor = variable._ref() if isinstance(variable, RefVariable) else variable.read_value().op.inputs[0]
    return reference


register_tensor_conversion_function(RefVariable, _as_tensor)
register_tensor_conversion_function(BaseResourceVariable, _as_tensor)


def is_resource_variable(variable: Any) -> bool:
    """Whether `variable` is, or acts as, a resource variable."""
    return isinstance(variable, BaseResourceVariable) or hasattr(variable, "_should_act_as_resource_variable")


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


# Error texts of TF show the classes by these paths.
RefVariable.__module__ = "tensorflow.python.ops.variables"
ResourceVariable.__module__ = "tensorflow.python.ops.resource_variable_ops"
