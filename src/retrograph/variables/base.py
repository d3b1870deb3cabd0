"""What all variables share: how they are made, registered, assigned to and restored."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from retrograph.framework.calling import read_only
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph, init_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor, TensorReference
from retrograph.framework.sessions import get_default_session
from retrograph.framework.shape import TensorShape
from retrograph.variables.definition import SaveSliceInfoDef, VariableDef, in_scope, without_scope
from retrograph.variables.scope import get_variable_scope, outermost_creator
from retrograph.variables.spec import NewVariable, VariableAggregation, VariableSynchronization, settled

_CONSTRAINT = "The `constraint` argument must be a callable."
_MODULE = "tensorflow.python.ops.variables"
# The class of a variable by whether it is a resource; `variable.py` puts them here.
KINDS: dict[bool, type[Variable]] = {}
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
    kind = KINDS[bool(resource)]
    made: Any = kind.__new__(kind)
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
    # An initial value of another graph makes the variable there; reference variables are still noted here.
    _noted_in_default_graph = False
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
        kind: Any = KINDS[bool(variable_def.is_resource)]
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
            noted_in = graph if self._noted_in_default_graph else self.graph
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


AS_IT_IS = nullcontext()


def outside_control_flow(graph: Graph) -> Any:
    """`init_scope`, if there is anything to leave: control dependencies, control-flow contexts, hidden devices, functions."""
    state = graph._state
    if (
        state.control_stack
        or state.hidden_devices
        or state.control_flow_context is not None
        or graph._building_function
    ):
        return init_scope()
    return AS_IT_IS


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


def group_of(scope: str) -> Any:
    full_name = scope[:-1] if scope.endswith("/") else scope
    return get_default_graph()._attr_scope({"_class": [b"loc:@" + full_name.encode()]})


def check_outside(scope: str, value: Tensor) -> None:
    if value.op._get_control_flow_context() is not None:
        raise ValueError(
            f"Initializer for variable {scope} is from inside a control-flow construct, such as a loop or conditional. When "
            "creating a variable inside a loop or conditional, use a lambda as the initializer."
        )
