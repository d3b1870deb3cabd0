"""Evaluating operations in order: on NumPy values, or on traced values while a segment is lowered to XLA.

An `Evaluator` walks operations and regions (whole control-flow constructs), keeps the value of each tensor in `env`, and
reaches state through its context. A value that is NumPy while tracing is static: shapes and what is computed from them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from retrograph.framework import errors, frames
from retrograph.framework.graph import Graph
from retrograph.framework.kernel_checks import CHECKS, is_checked
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import RECORDS, OpRecord, find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.regions import FLOW_TYPES
from retrograph.runtime.state import HANDLE_TYPES, Ref, StateContext, UninitializedError

_STATIC_LIMIT = 16_384  # elements: larger constants are left to XLA while tracing
_NUMPY_TYPES = (np.ndarray, np.generic)


CONTROL_FLOW_TYPES = FLOW_TYPES | {"LoopCond"}


def has_numpy(op: Operation) -> bool:
    """Whether the operation can run on NumPy values."""
    record = RECORDS.get(op._type)
    if (
        op._type in HANDLE_TYPES
        or op._type in ("Const", "NoOp", "ControlTrigger", "Placeholder", "PlaceholderV2")
        or op._type in CONTROL_FLOW_TYPES
    ):
        return True
    return record is not None and record.numpy is not None


class NeedsConcreteError(Exception):
    """A lowering needs the value of a tensor that is traced now."""

    def __init__(self, tensor: Tensor):
        super().__init__(tensor.name)
        self.tensor = tensor


class HostBudgetError(Exception):
    """A loop takes too long on the host; nothing that it did counts."""


class Instruction:
    """An operation with what evaluating it needs, looked up once."""

    __slots__ = (
        "check", "deref", "effect", "host", "inputs", "kind", "lower", "numpy", "op", "outputs", "static", "types",
    )  # fmt: skip

    def __init__(self, op: Operation):
        self.op = op
        self.inputs = op._inputs
        self.outputs = op._outputs
        self.kind = _kind(op)
        record = RECORDS.get(op._type) or OpRecord(op._type)
        self.numpy, self.lower = record.numpy, record.padded if "_padded" in op._attrs else record.lower
        self.effect, self.host = record.effect, record.on_host(op)
        count = len(op._inputs)
        self.static = frozenset(i % count for i in record.static_inputs_of(op) if -count <= i < count)
        self.deref = _dereferenced_inputs(op)
        self.types = tuple(_numpy_dtype(t) for t in op._outputs)
        self.check = CHECKS[op._type] if is_checked(op) else None


def _numpy_dtype(tensor: Tensor) -> Any:
    base = tensor._dtype._base
    return (
        None
        if tensor._dtype._is_ref or base.name in ("string", "resource", "variant")
        else np.dtype(base.as_numpy_dtype)
    )


_NOTHING, _CONST, _HANDLE, _ORDINARY, _UNFED, _MISSING, _READ = range(7)


def _kind(op: Operation) -> int:
    if op._type == "Const":
        return _CONST
    if op._type in HANDLE_TYPES:
        return _HANDLE
    if op._type in ("Placeholder", "PlaceholderV2"):
        return _UNFED
    if op._type in ("NoOp", "ControlTrigger"):
        return _NOTHING
    if op._type == "Identity" and is_read_of_reference(op._outputs[0]):
        return _READ
    record = RECORDS.get(op._type)
    return _ORDINARY if record is not None and (record.lower or record.numpy) else _MISSING


def is_read_of_reference(tensor: Tensor) -> bool:
    """Whether the tensor is the plain read of a reference variable (`v/read`, `tf.identity(v)`).

    TF's shares the variable's memory, so that what runs after an assignment sees the new value through it. Here such a
    read stays a reference until something takes its value.
    """
    return reader_of(tensor) is not None


def reader_of(tensor: Tensor) -> Operation | None:
    """The operation that reads the reference variable which the tensor shares its memory with, if it does."""
    op = tensor._op
    while op._type == "Identity":
        source = op._inputs[0]
        if source._dtype._is_ref:
            return None if _is_held(op) else op
        op = source._op
    return None


def _is_held(read: Operation) -> bool:
    """Whether a read of a variable that may change its shape is waited for: a new shape takes new memory in TF."""
    return read._outputs[0]._shape is None and bool(read._control_outputs)


_GATES = frozenset(("Switch", "Enter"))


def is_gated(tensor: Tensor) -> bool:
    """Whether the tensor is what a branch or loop body sees of one outside, which may be the read of a reference."""
    return tensor._op._type in _GATES and tensor._dtype._base.name != "resource"


def _dereferenced_inputs(op: Operation) -> tuple[int, ...]:
    """The inputs that are references but that the operation takes by value."""
    reads = tuple(i for i, t in enumerate(op._inputs) if is_read_of_reference(t) or is_gated(t))
    if not any(t._dtype._is_ref for t in op._inputs):
        return reads
    definition = find_op_def(op._type)
    takes_ref: list[bool] = []
    for arg in definition.inputs if definition else ():
        count = (
            op._attrs[arg.number_attr]
            if arg.number_attr
            else len(op._attrs[arg.type_list_attr])
            if arg.type_list_attr
            else 1
        )
        takes_ref += [arg.is_ref] * count
    return (*reads, *(i for i, t in enumerate(op._inputs) if t._dtype._is_ref and not takes_ref[i]))


class Evaluator:
    """Evaluates instructions and regions into `env`.

    `host` says that all values are NumPy; else values may be traced. Regions are objects with `evaluate(evaluator)`.
    """

    def __init__(self, context: StateContext, env: dict[Tensor, Any], host: bool):
        self.context = context
        self.env = env
        self.host = host

    def inside(self, context: StateContext, env: dict[Tensor, Any], host: bool) -> Evaluator:
        """An evaluator of the same kind for a part of this one's work."""
        return self.__class__(context, env, host)

    def run(self, items: Iterable[Any]) -> None:
        """Evaluates all items in order; tensors that have a value already (fed ones) keep it."""
        for item in items:
            if item.__class__ is Instruction:
                self.step(item)
            else:
                item.evaluate(self)

    def step(self, item: Instruction) -> None:
        """Evaluates one operation."""
        env, kind = self.env, item.kind
        if kind == _ORDINARY:
            try:
                self._ordinary(item)
            except UninitializedError as error:
                raise uninitialized_error(item.op, error.ref) from None
            except errors.OpError as error:
                raise located(error, item.op) from None
            except (ValueError, TypeError, IndexError) as error:
                refused = _refused(item, env, error)
                if refused is None:
                    raise
                raise located(refused, item.op) from error
        elif kind == _READ:
            env.setdefault(item.outputs[0], env[item.inputs[0]])
        elif kind == _CONST:
            env.setdefault(item.outputs[0], item.op._attrs["value"])
        elif kind == _HANDLE:
            env.setdefault(item.outputs[0], Ref(item.op))
        elif kind == _UNFED and item.outputs[0] not in env:
            raise unfed_error(item.op)
        elif kind == _MISSING:
            raise missing_error(item.op)

    def _ordinary(self, item: Instruction) -> None:
        env = self.env
        values = [env[t] for t in item.inputs]
        for i in item.deref:
            if values[i].__class__ is Ref:
                values[i] = self._dereferenced(item, i, values[i])
        if item.check is not None:
            item.check(item.op, *values)
        run = self._implementation(item, values)
        result = run(item.op, self.context, *values) if item.effect else run(item.op, *values)
        outputs = item.outputs
        if len(outputs) == 1:
            if result.__class__ is tuple or result.__class__ is list:
                result = result[0]
            if outputs[0] not in env:
                env[outputs[0]] = self._typed(result, item.types[0])
        else:
            for tensor, value, dtype in zip(outputs, result if outputs else (), item.types, strict=True):
                if tensor not in env:
                    env[tensor] = self._typed(value, dtype)

    def _dereferenced(self, item: Instruction, index: int, ref: Ref) -> Any:
        try:
            return self.context.read(ref)
        except UninitializedError:
            raise uninitialized_error(reader_of(item.inputs[index]) or item.op, ref) from None

    def _implementation(self, item: Instruction, values: list[Any]) -> Callable[..., Any]:
        if self.host:
            return item.numpy or _eager(item)
        if item.lower is None:
            if item.numpy is not None and _all_static(values):
                return item.numpy
            raise NeedsConcreteError(
                next(
                    (t for t, v in zip(item.inputs, values, strict=True) if not isinstance(v, _NUMPY_TYPES)),
                    item.inputs[0],
                )
            )
        if (
            item.numpy is not None
            and not item.effect
            and _all_static(values)
            and sum(v.size for v in values) <= _STATIC_LIMIT
            and _small_outputs(item)
        ):
            return item.numpy
        for i in item.static:
            if not isinstance(values[i], _NUMPY_TYPES):
                raise NeedsConcreteError(item.inputs[i])
        return item.lower

    def _typed(self, value: Any, dtype: Any) -> Any:
        if dtype is None or value.__class__ is Ref or hasattr(value, "is_flow"):
            return (
                np.asarray(value, object)
                if self.host and not isinstance(value, (np.ndarray, Ref)) and isinstance(value, (bytes, str))
                else value
            )
        if isinstance(value, _NUMPY_TYPES):
            value = np.asarray(value)
        elif not hasattr(value, "dtype"):
            value = np.asarray(value, dtype)
        if self.host and not isinstance(value, np.ndarray):
            value = np.asarray(value)
        return value if value.dtype == dtype else value.astype(dtype)

    def value(self, tensor: Tensor) -> Any:
        """The value of a tensor, read if it is a reference."""
        value = self.env[tensor]
        return self.context.read(value) if value.__class__ is Ref and tensor._dtype._base.name != "resource" else value


def _all_static(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(v, _NUMPY_TYPES) for v in values)


def _small_outputs(item: Instruction) -> bool:
    for tensor in item.outputs:
        shape = tensor._shape
        if shape is not None and None not in shape and math.prod(d or 0 for d in shape) > _STATIC_LIMIT:
            return False
    return True


def _eager(item: Instruction) -> Callable[..., Any]:
    """The lowering, applied to concrete values: for operations without a NumPy form that stand among host operations."""
    if item.lower is None:
        raise missing_error(item.op)

    def run(op: Operation, *values: Any) -> Any:
        given = [
            v if i in item.static or not isinstance(v, np.ndarray) or v.dtype == object else jnp.asarray(v)
            for i, v in enumerate(values, -1 if item.effect else 0)
        ]
        result = item.lower(op, *given)  # type: ignore[misc]
        if isinstance(result, (tuple, list)):
            return tuple(r if is_opaque(r) else np.asarray(r) for r in result)
        return result if result is None or is_opaque(result) else np.asarray(result)

    return run


def is_opaque(value: Any) -> bool:
    """Whether a value is a reference, or belongs to a TensorArray."""
    return value.__class__ is Ref or hasattr(value, "element_shape")


# ---- errors


def located(error: errors.OpError, op: Operation) -> errors.OpError:
    """The error, its message ending with where the operation was made."""
    if "[[node " in str(error) or "[[{{node" in str(error):
        return error
    return type(error)(op.node_def, op, located_text(str(error), op))


def located_text(text: str, op: Operation) -> str:
    """A message with the operation, the user's line that made it, and the stack there."""
    where = frames.defined_at(op._stack)
    return f"{text}\n\t [[node {op._name} (defined at {where}) ]]\n\nOriginal stack trace for '{op._name}':\n{frames.formatted(op._stack)}"


def _refused(item: Instruction, env: dict[Tensor, Any], error: Exception) -> errors.OpError | None:
    """What the static rule says of the shapes that an operation failed with, if it refuses them."""
    if type(error).__module__.startswith("jax"):
        return None  # of tracing, not of shapes
    with Graph().as_default() as graph:
        try:
            inputs = [_same_form(graph, t, env[t]) for t in item.inputs]
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        attrs = {name: value for name, value in item.op._attrs.items() if not name.startswith("_")}
        try:
            graph.create_op(item.op._type, inputs, [t._dtype for t in item.outputs], name=item.op._name, attrs=attrs)
        except ValueError as refusal:
            return errors.InvalidArgumentError(None, item.op, str(refusal))  # type: ignore[no-any-return]
    return None


def _same_form(graph: Graph, tensor: Tensor, value: Any) -> Tensor:
    dtype = tensor._dtype._base
    known = isinstance(value, _NUMPY_TYPES)
    attrs = {"dtype": dtype, "value": np.asarray(value)} if known else {"dtype": dtype, "shape": tuple(value.shape)}
    return graph.create_op("Const" if known else "Placeholder", [], [dtype], attrs=attrs)._outputs[0]


def unfed_error(op: Operation) -> errors.OpError:
    """A placeholder is needed and was not fed."""
    from retrograph.framework.shape import to_text

    dtype, shape = op._outputs[0]._dtype, op._outputs[0]._shape
    names = {"float32": "float", "float64": "double", "float16": "half"}
    of_shape = f" and shape {to_text(shape)}" if shape else ""
    text = f"You must feed a value for placeholder tensor '{op._name}' with dtype {names.get(dtype.name, dtype.name)}{of_shape}"
    return errors.InvalidArgumentError(op.node_def, op, located_text(text, op))  # type: ignore[no-any-return]


def dead_fetch_error(tensor: Tensor, index: int) -> errors.OpError:
    """A fetched tensor is in a branch that was not taken."""
    return errors.InvalidArgumentError(None, None, f"Retval[{index}] does not have value")  # type: ignore[no-any-return]


def missing_error(op: Operation) -> errors.OpError:
    """The runtime has no implementation of an op type."""
    text = f"Retrograph has no implementation of op type {op._type} yet (operation '{op._name}'); see docs/compatibility.md"
    return errors.UnimplementedError(op.node_def, op, located_text(text, op))  # type: ignore[no-any-return]


_RESOURCE_READS = frozenset(("ReadVariableOp", "ResourceGather", "ResourceGatherNd"))


class UninitializedVariableError(errors.FailedPreconditionError):  # type: ignore[misc]
    """FailedPreconditionError of reading a variable that has no value."""


UninitializedVariableError.__name__ = (
    "FailedPreconditionError"  # what TF raises; the subclass only marks it for the plan
)


class MissingResourceError(errors.NotFoundError):  # type: ignore[misc]
    """NotFoundError of updating a resource variable that has no value."""


MissingResourceError.__name__ = "NotFoundError"


def uninitialized_error(op: Operation, ref: Ref) -> errors.OpError:
    """A variable was read before it was given a value."""
    key = ref.key
    if ref.op._type != "VarHandleOp":
        return UninitializedVariableError(
            op.node_def, op, located_text(f"Attempting to use uninitialized value {key}", op)
        )
    missing = f"Resource localhost/{key}/N10tensorflow3VarE does not exist."
    if op._type in _RESOURCE_READS:
        text = f"Error while reading resource variable {key} from Container: localhost. This could mean that the variable was uninitialized. Not found: {missing}"
        return UninitializedVariableError(op.node_def, op, located_text(text, op))
    return MissingResourceError(op.node_def, op, located_text(missing, op))
