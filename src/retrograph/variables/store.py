"""`tf.get_variable`: the shared variables of a graph, by full name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from retrograph.framework import frames
from retrograph.framework.apply import apply_op
from retrograph.framework.calling import call
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import colocate_with, get_default_graph, name_scope
from retrograph.framework.dtypes import DType, as_dtype, float32, string
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape, as_shape
from retrograph.variables import initializers
from retrograph.variables.base import Variable, create_variable, outside_control_flow, resource_variables_enabled
from retrograph.variables.partition import PartitionedVariable, partitions_of, slices
from retrograph.variables.scope import STORE_KEY, stack_of, variable_scope
from retrograph.variables.spec import (
    InitialValue,
    NewVariable,
    PartitionInfo,
    VariableAggregation,
    VariableSpec,
    VariableSynchronization,
    settled,
)

_INVALID_INITIALIZER = (
    "The initializer passed is not valid. It should be a callable with no arguments and the shape should not be provided or "
    "an instance of `tf.keras.initializers.*' and `shape` should be fully defined."
)
_PRIVATE_WITH_GETTER = (
    "Private access to _get_partitioned_variable is not allowed when a custom getter is set.  Current custom getter: {}.  It is "
    "likely that you're using create_partitioned_variables.  If so, consider instead using get_variable with a non-empty "
    "partitioner parameter instead."
)
_RAN_TWICE = (
    "\nThe same line makes it now: the function or notebook cell ran twice. To share the variable, open its scope with "
    "reuse=tf.AUTO_REUSE; to start over, call tf.reset_default_graph() first.\n"
)


class VariableStore:
    """The variables that `get_variable` made in a graph: two dicts by full name."""

    def __init__(self) -> None:
        self._vars: dict[str, Any] = {}
        self._partitioned_vars: dict[str, PartitionedVariable] = {}

    def get_variable(
        self, name: str, *args: Any, custom_getter: Callable[..., Any] | None = None, **kwargs: Any
    ) -> Any:
        """The variable of this full name, with the arguments of a custom getter."""
        spec = VariableSpec(name, *args, **kwargs)
        _, _, trainable = settled(spec.synchronization, spec.aggregation, spec.trainable, name)
        return self.get(spec._replace(trainable=trainable), custom_getter)

    def get(self, spec: VariableSpec, custom_getter: Callable[..., Any] | None = None) -> Any:
        """The variable of the spec, through the custom getter if there is one."""
        if custom_getter is not None and not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        if custom_getter is None:
            return self._resolve(spec)
        arguments = spec._asdict()
        if not _takes_constraint(custom_getter):
            del arguments["constraint"]
        return call(custom_getter, getter=self._true_getter, **arguments)

    def _true_getter(self, *args: Any, **kwargs: Any) -> Any:
        return self._resolve(VariableSpec(*args, **kwargs))

    def _resolve(self, spec: VariableSpec) -> Any:
        name, shape = spec.name, spec.shape
        if spec.partitioner is not None and not (isinstance(shape, Sequence) and not shape):
            if not callable(spec.partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {spec.partitioner}")
            with name_scope(None):
                return self._partitioned(spec)
        if spec.reuse is True and spec.partitioner is None and name in self._partitioned_vars:
            return self._partitioned(spec)
        if f"{name}/part_0" in self._vars:
            raise ValueError(
                f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. "
                "Perhaps a variable of the same name was already created with partitioning?"
            )
        return self._single(spec)

    # ---- one variable

    def _single(self, spec: VariableSpec, partition_info: PartitionInfo | None = None) -> Any:
        name, shape, initializer = spec.name, spec.shape, spec.initializer
        if shape is not None and initializer is not None and not callable(initializer):
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype, shape = as_dtype(spec.dtype), as_shape(shape)
        found = self._vars.get(name)
        if found is not None:
            return _shared(spec, shape, dtype, found)
        if spec.reuse is True:
            # TF writes the name by `%`, which takes a tuple apart.
            shown = name[0] if isinstance(name, tuple) and len(name) == 1 else name
            raise ValueError(
                f"Variable {shown} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        made = self._vars[name] = _created(spec, shape, dtype, partition_info)
        if spec.regularizer:
            _regularize(spec, made)
        return made

    # ---- a variable in parts

    def _partitioned(self, spec: VariableSpec) -> PartitionedVariable:
        name, reuse = spec.name, spec.reuse
        if name in self._vars:
            raise ValueError(
                f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}.  "
                "Perhaps a variable of the same name was already created without partitioning?"
            )
        shape = as_shape(spec.shape)
        if isinstance(spec.initializer, Tensor):
            shape = shape.merge_with(spec.initializer.get_shape())
        spec = spec._replace(shape=shape)
        wanted = partitions_of(spec.partitioner, shape, spec.dtype) if not reuse or spec.partitioner else None
        if name in self._partitioned_vars:
            return _shared_parts(spec, self._partitioned_vars[name], wanted)
        if reuse is True:
            raise ValueError(
                f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
            )
        assert wanted is not None
        parts = slices(shape.as_list(), wanted)
        self._check_shards(name, len(parts))
        variables = [self._part(spec, i, *part) for i, part in enumerate(parts)]
        dtype = spec.initializer.dtype.base_dtype if isinstance(spec.initializer, Tensor) else spec.dtype
        whole = PartitionedVariable(name, shape, dtype, variables, wanted)
        self._partitioned_vars[name] = whole
        return whole

    def _check_shards(self, name: str, count: int) -> None:
        if f"{name}/part_0" not in self._vars:
            return
        opening = (
            "Partitioner returned a different partitioning than what was already found.  Partitioner returned "
            f"{count} shards, and shard {name}/part_0 was found, but "
        )
        if f"{name}/part_{count - 1}" not in self._vars:
            raise ValueError(f"{opening}{name}/part_{count - 1} was not.")
        if f"{name}/part_{count}" in self._vars:
            raise ValueError(f"{opening}so was the extra shard {name}/part_{count}.")

    def _part(self, spec: VariableSpec, index: int, offset: list[int], shape: list[int]) -> Any:
        full_shape = spec.shape.as_list()
        name = f"{spec.name}/part_{index}"
        info = PartitionInfo(full_shape, offset)
        with name_scope(name + "/PartitionedInitializer"):
            part = _part_spec(spec, offset, shape)
        with name_scope(None):
            variable = self._single(part._replace(name=name), info)
        variable._set_save_slice_info(Variable.SaveSliceInfo(spec.name, full_shape, offset, shape))
        return variable


def _takes_constraint(getter: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(getter).parameters.values()
    except ValueError:
        return True
    return any(p.name == "constraint" or p.kind is p.VAR_KEYWORD for p in parameters)


def _shared(spec: VariableSpec, shape: TensorShape, dtype: DType, found: Any) -> Any:
    name = spec.name
    if spec.reuse is False:
        raise ValueError(_already_exists(name, found))
    if not shape.is_compatible_with(found.get_shape()):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {shape} and found shape {found.get_shape()}."
        )
    if not dtype.is_compatible_with(found.dtype):
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {found.dtype.name}."
        )
    return found


def _already_exists(name: str, found: Any) -> str:
    made_at = [frame for frame in frames.frames_of(found.op._stack) if not frames.is_internal(frame)][:5]
    lines = "".join(frames.formatted(frame) for frame in made_at)
    text = (
        f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope? "
        f"Originally defined at:\n\n{lines}"
    )
    now = next((frame for frame in frames.frames_of(frames.capture()) if not frames.is_internal(frame)), None)
    if now is not None and made_at and now[0] is made_at[0][0] and frames.line_of(now) == frames.line_of(made_at[0]):
        text += _RAN_TWICE
    return text


def _shared_parts(spec: VariableSpec, found: PartitionedVariable, wanted: Any) -> PartitionedVariable:
    name = spec.name
    if spec.reuse is False:
        raise ValueError(
            f"Partitioned variable with name {name} already exists. "
            "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?"
        )
    problem = ""
    if not spec.shape.is_compatible_with(found.get_shape()):
        problem = f"shape {spec.shape} and found shape {found.get_shape()}"
    elif not spec.dtype.is_compatible_with(found.dtype):
        problem = f"dtype {spec.dtype.name} and found dtype {found.dtype.name}"
    elif wanted is not None and found._get_partitions() != wanted:
        problem = f"partitions {wanted} and found partitions {found._get_partitions()}"
    if problem:
        raise ValueError(f"Trying to reuse partitioned variable {name}, but specified {problem}.")
    return found


def _part_spec(spec: VariableSpec, offset: list[int], shape: list[int]) -> VariableSpec:
    initializer = spec.initializer
    if initializer is None:
        return spec._replace(initializer=default_initializer(spec.name, spec.dtype), shape=shape)
    if callable(initializer):
        return spec._replace(shape=shape)
    if not isinstance(initializer, Tensor):
        initializer = convert_to_tensor(initializer, dtype=spec.dtype)
    part = apply_op("Slice", None, input=initializer, begin=offset, size=shape)
    return spec._replace(initializer=part, dtype=part.dtype.base_dtype, shape=None)


@functools.cache
def _glorot_uniform() -> Any:
    return initializers.GlorotUniform()


def default_initializer(name: str, dtype: DType) -> Any:
    """What a variable is initialized by if nothing is said. Raises: ValueError for types that have no such."""
    if dtype.is_floating:
        return _glorot_uniform()
    if dtype.is_integer or dtype.is_unsigned or dtype.is_bool or dtype == string:
        return initializers.Zeros()
    raise ValueError(f"An initializer for variable {name} of {dtype.base_dtype} is required")


def _created(spec: VariableSpec, shape: TensorShape, dtype: DType, partition_info: PartitionInfo | None) -> Any:
    initializer = spec.initializer
    if initializer is None:
        initializer = default_initializer(spec.name, dtype)
    with outside_control_flow(get_default_graph()):
        initial_value, value_dtype = _initial_value(initializer, shape, dtype, partition_info)
    use_resource = spec.use_resource
    new = NewVariable(
        initial_value, spec.trainable, spec.collections, spec.validate_shape, spec.caching_device, spec.name, None,
        value_dtype, None, None, spec.constraint, resource_variables_enabled() if use_resource is None else use_resource,
        spec.synchronization, spec.aggregation,
    )  # fmt: skip
    return create_variable(new)


def _initial_value(
    initializer: Any, shape: TensorShape, dtype: DType, partition_info: PartitionInfo | None
) -> tuple[Any, Any]:
    if not callable(initializer):
        return initializer, None
    if isinstance(initializer, type):
        initializer = call(initializer)
    if shape.is_fully_defined():
        known = initializer.__class__.__module__ == initializers.__name__
        return InitialValue(initializer, shape.as_list(), dtype, partition_info, known), dtype._base
    if not _takes_no_arguments(initializer):
        raise ValueError(_INVALID_INITIALIZER)
    return initializer, None


def _takes_no_arguments(initializer: Any) -> bool:
    try:
        signature = inspect.getfullargspec(initializer)
    except TypeError:
        return False
    return len(signature.args) == len(signature.defaults or ())


def _regularize(spec: VariableSpec, variable: Any) -> None:
    with colocate_with(variable), name_scope(spec.name + "/Regularizer/"), outside_control_flow(get_default_graph()):
        loss = spec.regularizer(variable)
    if loss is not None:
        # What has no name is no loss: TF 1.15 refuses it here, too.
        _ = loss.name
        get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def store_of(graph: Graph) -> VariableStore:
    """The variable store of a graph."""
    held = graph._collections.get(STORE_KEY)
    if not held:
        graph.add_to_collection(STORE_KEY, VariableStore())
        held = graph._collections[STORE_KEY]
    store: VariableStore = held[0]
    return store


def default_store() -> VariableStore:
    """The variable store of the default graph."""
    return store_of(get_default_graph())


@export("get_variable")
def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """The variable of this name in the open variable scope: a new one, or the shared one if the scope says so.

    >>> with tf.variable_scope("a"):
    ...     v = tf.get_variable("w", [2, 3])
    >>> with tf.variable_scope("a", reuse=True):
    ...     tf.get_variable("w", [2, 3]) is v
    True

    What is not given comes from the scope; dtype float32 and `glorot_uniform_initializer` if the scope says nothing.
    Raises ValueError: it exists and is not to be shared, or the other way round; shape or dtype differ; no shape.
    Source: TF 1.15 `tf.get_variable`.
    """
    graph = get_default_graph()
    return stack_of(graph).current_scope.get_variable(
        store_of(graph), name, shape, dtype, initializer, regularizer, None, trainable, collections, caching_device,
        partitioner, validate_shape, use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


@export("get_local_variable")
def get_local_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool = False,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: Any = VariableSynchronization.AUTO,
    aggregation: Any = VariableAggregation.NONE,
) -> Any:
    """`tf.get_variable` for a variable of the collection 'local_variables', never trainable.

    Source: TF 1.15 `tf.get_local_variable`.
    """
    if collections:
        # In place, as TF 1.15 does: programs that keep the list see the key in it.
        collections += [GraphKeys.LOCAL_VARIABLES]
    else:
        collections = [GraphKeys.LOCAL_VARIABLES]
    return get_variable(
        name, shape, dtype, initializer, regularizer, False, collections, caching_device, partitioner, validate_shape,
        use_resource, custom_getter, constraint, synchronization, aggregation,
    )  # fmt: skip


@export("create_partitioned_variables")
def create_partitioned_variables(
    shape: Any,
    slicing: Any,
    initializer: Any,
    dtype: Any = float32,
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: Any = None,
) -> list[Any]:
    """A variable in parts, as the list of its parts; `slicing` says how many along each axis.

    Raises ValueError: `slicing` does not fit the shape. Source: TF 1.15 `tf.create_partitioned_variables`.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            f"The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: {shape}, slicing: {slicing}"
        )
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse) as scope:
        if scope.custom_getter is not None:
            raise ValueError(_PRIVATE_WITH_GETTER.format(scope.custom_getter))
        spec = VariableSpec(
            scope.name,
            shape,
            dtype,
            scope.initializer if initializer is None else initializer,
            scope.regularizer,
            scope.reuse,
            trainable,
            collections,
            scope.caching_device,
            lambda **_: slicing,
            True,
            scope.use_resource,
            scope.constraint,
        )
        with name_scope(None):
            return list(store_of(get_default_graph())._partitioned(spec))
