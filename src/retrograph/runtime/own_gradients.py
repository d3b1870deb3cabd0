"""Operations inside loops whose derivative is the one of their op type, not the one that their lowering would have.

The derivative of a loop is taken of the loop as it is lowered. Where TF's gradient of an operation is another choice
(which of two equal values takes the gradient of a maximum, the derivative of |x| at 0, quantization as if it were not
there, labels that do not sum to one), the lowering gets TF's: the op type's gradient function is asked in a graph made
for the purpose, of one operation, and what it builds is lowered as the pull-back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework.graph import Graph, Operation, Tensor
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import RECORDS
from retrograph.runtime.lower import Evaluator, Instruction
from retrograph.runtime.state import TraceContext

OWN_GRADIENT = frozenset(
    (
        *("Abs", "Relu6", "Maximum", "Minimum", "Max", "Min", "ClipByValue", "Softplus", "Pow", "MulNoNan", "Cumprod"),
        *("Lgamma", "Digamma", "Zeta", "Polygamma", "Igamma", "Igammac", "Acosh", "BesselI0e", "BesselI1e"),
        *("MaxPool", "MaxPoolV2", "MaxPool3D", "MaxPoolWithArgmax"),
        *("FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"),
        *("QuantizeAndDequantize", "QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3"),
        *("SoftmaxCrossEntropyWithLogits", "UnsortedSegmentProd", "TensorScatterUpdate", "Cholesky"),
    )
)


def with_own_gradient(lowering: Callable[..., Any]) -> Callable[..., Any]:
    """The lowering of an operation of one of the types above, its derivative the one that its op type has."""

    def run(op: Operation, *values: Any) -> Any:
        # Integers that are traced are arguments, too: a derivative in a loop cannot reach for those of another trace.
        traced = [i for i, v in enumerate(values) if not isinstance(v, (np.ndarray, np.generic))]
        moving = [i for i in traced if jnp.issubdtype(values[i].dtype, jnp.inexact)]
        if not moving:
            return lowering(op, *values)

        def whole(parts: Sequence[Any]) -> list[Any]:
            given = dict(zip(traced, parts, strict=True))
            return [given.get(i, v) for i, v in enumerate(values)]

        def plain(*parts: Any) -> Any:
            return lowering(op, *whole(parts))

        def forward(*parts: Any) -> Any:
            result = plain(*parts)
            return result, (parts, result)

        def backward(kept: Any, cotangents: Any) -> Any:
            parts, result = kept
            grads = _pulled(op, whole(parts), _as_list(result), _as_list(cotangents))
            return tuple(
                _filled(grads[i], part) if i in moving else None for i, part in zip(traced, parts, strict=True)
            )

        function = jax.custom_vjp(plain)
        function.defvjp(forward, backward)
        return function(*(values[i] for i in traced))

    return run


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _filled(grad: Any, like: Any) -> Any:
    return jnp.zeros(like.shape, like.dtype) if grad is None else jnp.asarray(grad, like.dtype).reshape(like.shape)


def _pulled(op: Operation, values: Sequence[Any], results: list[Any], arriving: list[Any]) -> list[Any]:
    """The values of the gradients of the inputs."""
    env: dict[Tensor, Any] = {}
    graph = Graph()
    with graph.as_default():
        inputs = [_stand_in(graph, t, v, env) for t, v in zip(op._inputs, values, strict=True)]
        attrs = {name: value for name, value in op._attrs.items() if not name.startswith("_")}
        copy = graph.create_op(op._type, inputs, [t._dtype for t in op._outputs], name=op._name, attrs=attrs)
        env.update(zip(copy._outputs, results, strict=True))
        floats = [t._dtype.is_floating or t._dtype.is_complex for t in op._outputs]
        grads = [
            _stand_in(graph, t, g, env) if wanted else None
            for t, g, wanted in zip(op._outputs, arriving, floats, strict=True)
        ]
        first = len(graph._ops)
        record: Any = RECORDS[op._type]
        given = _as_list(record.gradient(copy, *grads))
    Evaluator(TraceContext({}), env, host=False).run([Instruction(made) for made in graph._ops[first:]])
    return [None if tensor is None else env[tensor] for tensor in given]


def _stand_in(graph: Graph, tensor: Tensor, value: Any, env: dict[Tensor, Any]) -> Tensor:
    """A tensor of the other graph for one of this: a constant if the value is known."""
    dtype, known = tensor._dtype._base, isinstance(value, (np.ndarray, np.generic))
    if known:
        attrs: dict[str, Any] = {"dtype": dtype, "value": np.asarray(value)}
    else:
        attrs = {"dtype": dtype, "shape": tuple(value.shape)}
    made = graph.create_op("Const" if known else "Placeholder", [], [dtype], attrs=attrs)._outputs[0]
    env[made] = value
    return made
