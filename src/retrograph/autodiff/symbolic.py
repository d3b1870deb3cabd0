"""`SymbolicGradient`: the gradient of any operation that has a lowering, as the VJP of that lowering.

XLA merges the forward values that the VJP computes again with those of the forward operation.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from retrograph.autodiff.registry import is_trainable
from retrograph.framework import errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import RECORDS, find_op_def, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape

_KEPT = "_forward_attr_"


def symbolic_gradient(op: Operation, *grads: Any) -> list[Tensor | None]:
    """The gradients of the inputs of `op`, given those of its outputs, as one `SymbolicGradient` operation."""
    static = {i % len(op.inputs) for i in RECORDS[op.type].static_inputs_of(op)}
    wanted = [i for i, t in enumerate(op.inputs) if is_trainable(t) and i not in static]
    given = [i for i, t in enumerate(op.outputs) if is_trainable(t) and grads[i] is not None]
    inputs = [*op.inputs, *(convert_to_tensor(grads[i]) for i in given)]
    attrs: dict[str, Any] = {
        "Tin": [t.dtype.base_dtype for t in inputs],
        "Tout": [op.inputs[i].dtype.base_dtype for i in wanted],
        "f": op.type,
        "_forward": op.name.encode(),
        "_given": given,
        "_wanted": wanted,
    }
    attrs.update((_KEPT + name, value) for name, value in op.attrs.items() if name != "_class")
    made = get_default_graph().create_op("SymbolicGradient", inputs, name="SymbolicGradient", attrs=attrs)
    result: list[Tensor | None] = [None] * len(op.inputs)
    for i, tensor in zip(wanted, made.outputs, strict=True):
        result[i] = tensor
    return result


class _ForwardCopy:
    """The forward operation as a lowering sees it, when the graph (an imported, pruned one) does not hold it."""

    def __init__(self, op: Any):
        self.type: str = op.attrs["f"]
        self.name, self.graph, self.device = op.name, op.graph, op.device
        self.inputs = op.inputs[: len(op.inputs) - len(op.attrs["_given"])]
        self.attrs = {k[len(_KEPT) :]: v for k, v in op.attrs.items() if k.startswith(_KEPT)}
        definition = find_op_def(self.type)
        dtypes = definition.output_dtypes(self.attrs) if definition is not None else []
        self.outputs = [SimpleNamespace(dtype=dtype, shape=TensorShape(None), _shape=None) for dtype in dtypes]

    def get_attr(self, name: str) -> Any:
        return self.attrs[name]


def _forward(op: Any) -> Any:
    found = op.graph._nodes_by_name.get(op.attrs["_forward"].decode())
    count = len(op.inputs) - len(op.attrs["_given"])
    if found is not None and found.type == op.attrs["f"] and len(found.inputs) == count:
        return found
    return _ForwardCopy(op)


def _lower(op: Any, *inputs: Any) -> Any:
    forward = _forward(op)
    lowering: Any = RECORDS[forward.type].lower
    wanted, given = op.attrs["_wanted"], op.attrs["_given"]
    count = len(inputs) - len(given)
    values = list(inputs[:count])

    def outputs(*moving: Any) -> list[Any]:
        for i, value in zip(wanted, moving, strict=True):
            values[i] = value
        result = lowering(forward, *values)
        every = result if isinstance(result, (tuple, list)) else (result,)
        return [jnp.asarray(every[i]) for i in given]

    primal, pull = jax.vjp(outputs, *(jnp.asarray(values[i]) for i in wanted))
    cotangents = [_conjugate(jnp.asarray(g).astype(p.dtype)) for g, p in zip(inputs[count:], primal, strict=True)]
    return tuple(_conjugate(g) for g in pull(cotangents))


def _conjugate(x: Any) -> Any:
    """JAX's cotangents of complex values are the conjugates of TF's gradients."""
    return jnp.conj(x) if jnp.iscomplexobj(x) else x


def _shape(c: Any) -> list[Any]:
    try:
        wanted = c.attr("_wanted")
    except KeyError:
        # TensorFlow's own, of a function that the attribute `f` names.
        wanted = range(len(c.attr("Tout")))
    return [c.input(i) for i in wanted]


def _static_inputs(op: Any) -> tuple[int, ...]:
    """Those of the forward operation: its inputs come first."""
    if "_forward" not in op.attrs:
        raise errors.UnimplementedError(None, op, f"SymbolicGradient of the function {op.attrs['f']}")
    forward = _forward(op)
    return tuple(i % len(forward.inputs) for i in RECORDS[forward.type].static_inputs_of(forward))


register_op("SymbolicGradient", shape=_shape, lower=_lower, static_inputs=_static_inputs)
