"""The operators of tensors: `x + y` makes `add`, `x @ y` makes `matmul`, and so on.

They are methods of `Tensor`; `OPERATORS` holds them for classes that act as tensors, such as variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant_of
from retrograph.framework.conversion import convert_to_tensor, plain_constant
from retrograph.framework.default_graph import get_default_graph, name_scope
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import SparseTensor
from retrograph.ops.cast import cast

BinaryFunction = Callable[[Any, Any, Any], Any]
"""Makes the operation from `x`, `y` and a scope name that ends with a slash."""

OPERATORS: dict[str, Callable[..., Any]] = {}
"""Method name -> method."""

_DIVISION_TYPES: dict[DType, DType | None] = {
    dtypes.uint8: dtypes.float32, dtypes.int8: dtypes.float32, dtypes.uint16: dtypes.float32, dtypes.int16: dtypes.float32,
    dtypes.int32: dtypes.float64, dtypes.int64: dtypes.float64, dtypes.bfloat16: None, dtypes.float16: None,
    dtypes.float32: None, dtypes.float64: None, dtypes.complex64: None, dtypes.complex128: None,
}  # fmt: skip
"""The type in which `/` divides, None for the type itself."""


def _of_op(op_type: str) -> BinaryFunction:
    def function(x: Any, y: Any, name: Any) -> Any:
        return apply_op(op_type, name, x=x, y=y)

    return function


def _add(x: Any, y: Any, name: Any) -> Any:
    return apply_op("Add" if x.dtype.base_dtype == dtypes.string else "AddV2", name, x=x, y=y)


def _same_types(x: Any, y: Any) -> DType:
    x_dtype, y_dtype = x.dtype.base_dtype, y.dtype.base_dtype
    if x_dtype != y_dtype:
        raise TypeError(f"x and y must have the same dtype, got {x_dtype!r} != {y_dtype!r}")
    return x_dtype  # type: ignore[no-any-return]


def _division_type(dtype: DType) -> DType | None:
    try:
        return _DIVISION_TYPES[dtype]
    except KeyError:
        raise TypeError(f"Invalid dtype {dtype!r} in __truediv__") from None


def true_divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y` with integers as floating-point numbers."""
    with name_scope(name, "truediv", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y")
        dtype = _division_type(_same_types(x, y))
        if dtype is not None:
            x, y = cast(x, dtype), cast(y, dtype)
        return apply_op("RealDiv", scope, x=x, y=y)  # type: ignore[no-any-return]


def python2_divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y` of Python 2: integers divide to integers, rounding down."""
    with name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype.base_dtype)
        dtype = _same_types(x, y)
        op_type = "RealDiv" if dtype.is_floating or dtype.is_complex else "FloorDiv"
        return apply_op(op_type, scope, x=x, y=y)  # type: ignore[no-any-return]


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """`(x | y) & ~(x & y)`."""
    some = apply_op("LogicalOr", None, x=x, y=y)
    not_both = apply_op("LogicalNot", None, x=apply_op("LogicalAnd", None, x=x, y=y))
    return apply_op("LogicalAnd", name, x=some, y=not_both)  # type: ignore[no-any-return]


def _times(x: Any, y: Any, name: Any) -> Any:
    if not isinstance(y, SparseTensor):
        return apply_op("Mul", name, x=x, y=y)
    values = apply_op(
        "SparseDenseCwiseMul", name, sp_indices=y.indices, sp_values=y.values, sp_shape=y.dense_shape, dense=x
    )
    return SparseTensor(y.indices, values, y.dense_shape)


def _power(x: Any, y: Any, name: Any) -> Any:
    with name_scope(name, "Pow", [x]) as scope:
        return apply_op("Pow", scope, x=x, y=y)


def _floor_divide(x: Any, y: Any, name: Any) -> Any:
    with name_scope(name, "floordiv", [x, y]) as scope:
        return apply_op("FloorDiv", scope, x=x, y=y)


def _matmul(x: Any, y: Any, name: Any) -> Any:
    from retrograph.ops.matmul import matmul  # matmul builds on the operators

    return matmul(x, y, name=name)


def _plain_graph(x: Any, allowed: frozenset[Any]) -> Graph | None:
    """The graph of a tensor if an operation of its type can be made there at once."""
    if x.__class__ is not Tensor or x._dtype not in allowed:
        return None
    graph: Graph = x._op._graph
    if graph._state.control_flow_context is not None or graph._finalized or get_default_graph() is not graph:
        return None
    return graph


class _Quick:
    """Makes an operation of two operands where nothing is left to convert or check; gives None elsewhere.

    So it does everywhere if there is no op type: the operator is more than one operation.
    """

    __slots__ = ("_allowed", "_attrs", "_definition", "_scope_name", "_type")

    def __init__(self, op_type: str | None, scope_name: str):
        definition = find_op_def(op_type) if op_type else None
        shared = None if definition is None else definition.type_only_attrs
        if op_type and shared is None:
            raise ValueError(f"Op type {op_type} is not defined by the type of its operands alone")
        self._type, self._scope_name, self._definition = op_type or "", scope_name, definition
        self._attrs: dict[DType, dict[str, Any]] = {} if shared is None else shared
        allowed = None if definition is None else definition.attr_by_name["T"].allowed_set
        self._allowed = allowed or frozenset()
        if op_type == "RealDiv":
            self._allowed = frozenset(d for d, other in _DIVISION_TYPES.items() if other is None)

    def of_tensors(self, x: Any, y: Any) -> Tensor | None:
        """For tensors of one type."""
        graph = _plain_graph(x, self._allowed)
        if graph is None or y._op._graph is not graph or y._dtype is not x._dtype:
            return None
        return self._made(graph, graph.unique_name(self._scope_name), x, y)

    def of_number(self, tensor: Any, number: Any, name: str) -> Tensor | None:
        """For a tensor and a number, which becomes a constant of the name `x`, before the tensor, or `y`, after it."""
        graph = _plain_graph(tensor, self._allowed)
        array = None if graph is None else plain_constant(number, tensor._dtype)
        if graph is None or array is None:
            return None
        scope = graph.unique_name(self._scope_name)
        constant = constant_of(graph, array, scope, name)
        return self._made(graph, scope, *((constant, tensor) if name == "x" else (tensor, constant)))

    def _made(self, graph: Graph, name: str, x: Tensor, y: Tensor) -> Tensor:
        attrs = self._attrs.get(x._dtype) or self._attrs.setdefault(x._dtype, {"T": x._dtype})
        return graph._new_op(self._type, name, (x, y), attrs, self._definition)._outputs[0]


def _second_operand(x: Any, y: Any, name: str) -> Any:
    if isinstance(y, (Tensor, SparseTensor)):
        return y
    try:
        return convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
    except TypeError:
        # Leaves the operation to a class that knows how to combine itself with tensors.
        if hasattr(type(y), f"__r{name}__"):
            return NotImplemented
        raise


def _binary(name: str, function: BinaryFunction, op_type: str | None = None) -> None:
    quick = _Quick(op_type, name)
    of_tensors, of_number = quick.of_tensors, quick.of_number

    def method(x: Any, y: Any) -> Any:
        made = of_tensors(x, y) if y.__class__ is Tensor else of_number(x, y, "y")
        if made is not None:
            return made
        with name_scope(None, name, [x, y]) as scope:
            y = _second_operand(x, y, name)
            return y if y is NotImplemented else function(x, y, scope)

    def reflected(y: Any, x: Any) -> Any:
        made = of_number(y, x, "x")
        if made is not None:
            return made
        with name_scope(None, name, [x, y]) as scope:
            x = convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
            return function(x, y, scope)

    method.__name__, reflected.__name__ = f"__{name}__", f"__r{name}__"
    OPERATORS[method.__name__] = method
    OPERATORS[reflected.__name__] = reflected


_binary("add", _add, "AddV2")
_binary("sub", _of_op("Sub"), "Sub")
_binary("mul", _times, "Mul")
_binary("div", python2_divide)
_binary("truediv", true_divide, "RealDiv")
_binary("floordiv", _floor_divide, "FloorDiv")
_binary("mod", _of_op("FloorMod"), "FloorMod")
_binary("pow", _power, "Pow")
_binary("and", _of_op("LogicalAnd"))
_binary("or", _of_op("LogicalOr"))
_binary("xor", logical_xor)
_binary("matmul", _matmul)


def _comparison(name: str, op_type: str) -> None:
    def method(x: Any, y: Any, name: str | None = None) -> Tensor:
        return apply_op(op_type, name, x=x, y=y)  # type: ignore[no-any-return]

    method.__name__ = name
    OPERATORS[name] = method


for _name, _type in (("__lt__", "Less"), ("__le__", "LessEqual"), ("__gt__", "Greater"), ("__ge__", "GreaterEqual")):
    _comparison(_name, _type)


def _unary(name: str, function: Callable[[Any], Any]) -> None:
    def method(x: Any) -> Any:
        return function(x)

    method.__name__ = name
    OPERATORS[name] = method


def absolute(x: Any, name: str | None = None) -> Tensor:
    """The absolute value, of real type for complex tensors."""
    with name_scope(name, "Abs", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            return apply_op("ComplexAbs", scope, x=x, Tout=x.dtype.real_dtype)  # type: ignore[no-any-return]
        return apply_op("Abs", scope, x=x)  # type: ignore[no-any-return]


_unary("__neg__", lambda x: apply_op("Neg", None, x=x))
_unary("__abs__", absolute)
_unary("__invert__", lambda x: apply_op("LogicalNot", None, x=x))

for _name, _method in OPERATORS.items():
    setattr(Tensor, _name, _method)


def _sparse_operator(name: str, op_type: str) -> None:
    def method(x: Any, y: Any) -> SparseTensor:
        with name_scope(None, name, [x.indices, x.values, x.dense_shape, y]) as scope:
            y = convert_to_tensor(y, dtype=x.dtype.base_dtype, name="y")
            return SparseTensor(x.indices, _sparse_dense(op_type, x, y, scope), x.dense_shape)

    method.__name__ = f"__{name}__"
    setattr(SparseTensor, method.__name__, method)


def _sparse_dense(op_type: str, x: SparseTensor, y: Tensor, scope: str) -> Tensor:
    values = x.values
    if scope.rstrip("/").rpartition("/")[2].startswith("truediv"):
        dtype = _division_type(_same_types(values, y))
        if dtype is not None:
            values, y = cast(values, dtype), cast(y, dtype)
    return apply_op(op_type, scope, sp_indices=x.indices, sp_values=values, sp_shape=x.dense_shape, dense=y)  # type: ignore[no-any-return]


_sparse_operator("div", "SparseDenseCwiseDiv")
_sparse_operator("truediv", "SparseDenseCwiseDiv")
_sparse_operator("mul", "SparseDenseCwiseMul")
