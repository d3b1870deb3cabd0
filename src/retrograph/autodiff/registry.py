"""Which function builds the gradient of an op type: `RegisterGradient`, `NotDifferentiable`, the table's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from retrograph.framework import frames
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, RECORDS, OpRecord

GradientFunction = Callable[..., Any]
F = TypeVar("F", bound=Callable[..., Any])

# Trainable types of TF 1.15 by enum: half, float, double, complex64, complex128, resource, variant.
TRAINABLE_ENUMS = frozenset((19, 1, 2, 8, 18, 20, 21))
# Gradients also pass through bfloat16, but no zeros are filled in for it.
BACKPROPAGATED_ENUMS = TRAINABLE_ENUMS | {14}

_registered: dict[str, tuple[GradientFunction | None, frames.Stack]] = {}


def is_trainable(tensor: Any) -> bool:
    """Whether missing gradients of `tensor` (or of tensors of this dtype) count as zeros."""
    dtype = getattr(tensor, "dtype", tensor)
    return dtype._base._enum in TRAINABLE_ENUMS


def _register(function: GradientFunction | None, op_type: Any) -> None:
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    if op_type in _registered:
        raise KeyError(_twice(op_type, _registered[op_type][1]))
    record = RECORDS.get(op_type)
    if record is not None and record.gradient is not None:
        raise KeyError(_twice(op_type, ()))
    _registered[op_type] = function, frames.capture(3)


def _twice(op_type: str, stack: frames.Stack) -> str:
    where = "retrograph"
    for frame in frames.frames_of(stack[:2]):
        where = f"{frame[0].co_name} {frame[0].co_filename}:{frames.line_of(frame)}"
    return f"Registering two gradient with name '{op_type}'! (Previous registration was in {where})"


@export("RegisterGradient")
class RegisterGradient:
    """Decorator: the function builds the gradients of `op_type` (an op type, or a name for `gradient_override_map`).

    The function takes the forward `Operation` and one gradient for each of its outputs, and returns one gradient
    (or None) for each of its inputs.

    >>> @tf.RegisterGradient("Doubled")
    ... def doubled(op, grad):
    ...     return 2.0 * grad

    Raises: TypeError if `op_type` is not a string; KeyError if it has a gradient already.
    Source: TF 1.15 `tf.RegisterGradient`.
    """

    def __init__(self, op_type: str):
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: F) -> F:
        _register(f, self._op_type)
        return f


@export("no_gradient", "NoGradient", "NotDifferentiable")
def no_gradient(op_type: str) -> None:
    """Says that no gradient flows through operations of `op_type`.

    Raises: TypeError if `op_type` is not a string; KeyError if it has a gradient already.
    Source: TF 1.15 `tf.no_gradient`.
    """
    _register(None, op_type)


NoGradient = NotDifferentiable = no_gradient


def get_gradient_function(op: Any) -> GradientFunction | None:
    """The function that builds the gradients of `op`; None if nothing flows through it.

    Raises: LookupError if its type has none.
    Source: TF 1.15 `ops.get_gradient_function`.
    """
    if not op._inputs:
        return None
    override = op._attrs.get("_gradient_op_type")
    return lookup(op._type if override is None else _text(override))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def lookup(op_type: str) -> GradientFunction | None:
    """The function that builds gradients for the name `op_type`; None if nothing flows.

    Raises: LookupError if there is none.
    """
    found = _registered.get(op_type)
    if found is not None:
        return found[0]
    record = RECORDS.get(op_type)
    if record is None:
        raise LookupError(f"gradient registry has no entry for: {op_type}")
    gradient = record.gradient
    if gradient is NO_GRADIENT:
        return None
    return gradient if gradient is not None else _default(record)


def _default(record: OpRecord) -> GradientFunction:
    if record.lower is None or record.effect or record.host:
        raise LookupError(f"gradient registry has no entry for: {record.op_type}")
    from retrograph.autodiff.symbolic import symbolic_gradient

    return symbolic_gradient
