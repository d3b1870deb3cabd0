"""Puts both kinds of variables into place: operators, scatters, conversions to tensors, the class for each kind."""

from __future__ import annotations

from typing import Any

from retrograph.framework.conversion import register_tensor_conversion_function
from retrograph.framework.deprecation import warn
from retrograph.framework.operation import Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.variables.base import KINDS, Variable
from retrograph.variables.reference import RefVariable
from retrograph.variables.resource import BaseResourceVariable, ResourceVariable

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


KINDS.update({False: RefVariable, True: ResourceVariable})
# Error texts of TF show the classes by these paths.
RefVariable.__module__ = "tensorflow.python.ops.variables"
ResourceVariable.__module__ = "tensorflow.python.ops.resource_variable_ops"
