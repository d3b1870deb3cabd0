"""Operations inside loops whose derivative is the one of their op type, not the one that their lowering would have.

The derivative of a loop is taken of the loop as it is lowered. Where TF's gradient of an operation is another choice
(which of two equal values takes the gradient of a maximum, the derivative of |x| at 0, quantization as if it were not
there, labels that do not sum to one), the lowering gets TF's: the op type's gradient function is asked in a graph made
for the purpose, of one operation, and what it builds is lowered as the pull-back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograph.framework.graph import Graph
from retrograph.framework.lazy_jax import jax, jnp
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime.lower import Evaluator, Instruction, NeedsConcreteError
from retrograph.runtime.state import Ref, StateContext, TraceContext

GRADIENT_IN_LOOP = "GradientInLoop"
"""The op type that says what the gradient is which an operation inside a loop brings along."""
_ENTERS = ("Enter", "RefEnter")

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


def runs_on_host(item: Instruction, values: Sequence[Any]) -> bool:
    """Whether an operation of the host with a gradient stands in what is differentiated and takes what is traced."""
    record = RECORDS.get(item.op._type)
    has_gradient = record is not None and callable(record.gradient)
    known = (np.ndarray, np.generic)
    return has_gradient and item.numpy is not None and not item.effect and not all(isinstance(v, known) for v in values)


def on_host(item: Instruction) -> Callable[..., Any]:
    """An operation that only NumPy can compute as one that can be differentiated, of values that are known beneath.

    Raises: NeedsConcreteError: they are not.
    """
    numpy: Any = item.numpy

    def run(op: Operation, *values: Any) -> Any:
        known = [_beneath(t, v) for t, v in zip(op._inputs, values, strict=True)]
        return tuple(map(jnp.asarray, _as_list(numpy(op, *known))))

    return with_own_gradient(run)


def _beneath(tensor: Tensor, value: Any) -> Any:
    try:
        return np.asarray(value)
    except jax.errors.TracerArrayConversionError:
        raise NeedsConcreteError(tensor) from None


def _copy(graph: Graph, op: Operation, inputs: list[Tensor]) -> Operation:
    attrs = {name: value for name, value in op._attrs.items() if not name.startswith("_")}
    return graph.create_op(op._type, inputs, [t._dtype for t in op._outputs], name=op._name, attrs=attrs)


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
        copy = _copy(graph, op, inputs)
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


# ---- gradients that operations bring along


def is_overridden(op: Operation) -> bool:
    """Whether the operation has another gradient than its op type."""
    return "_gradient_op_type" in op._attrs


@dataclass(eq=False)
class GradientInLoop:
    """The gradient that an operation inside a loop brings along, built in the loop's body.

    `arriving` are the tensors that stand for the gradients of outputs, `leaving` the gradients of inputs, both by index;
    `ops` compute the latter from the former and from `leaves`: tensors of the loop, or Enters of tensors from outside.
    """

    arriving: dict[int, Tensor]
    leaving: dict[int, Tensor]
    ops: list[Operation]
    leaves: list[Tensor]
    items: Any = None

    def outside(self) -> list[Tensor]:
        """What it takes from around the loop."""
        return [entered(t) for t in self.leaves if t._op._type in _ENTERS]


def entered(tensor: Tensor) -> Tensor:
    """The tensor that Enters have led to where `tensor` stands."""
    while tensor._op._type in _ENTERS:
        tensor = tensor._op._inputs[0]
    return tensor


def gradient_in_loop(op: Operation, loop: Collection[Operation]) -> GradientInLoop | None:
    """The gradient that an operation of a loop brings along, if it has been built."""
    made = next((user for user in op._outputs[0].consumers() if user._type == GRADIENT_IN_LOOP), None)
    if made is None:
        return None
    given, wanted = made._attrs["_given"], made._attrs["_wanted"]
    tensors = made._inputs[1:]
    arriving = dict(zip(given, tensors, strict=False))
    leaving = dict(zip(wanted, tensors[len(given) :], strict=True))
    return GradientInLoop(arriving, leaving, *_between(arriving.values(), leaving.values(), loop))


def _between(
    arriving: Iterable[Tensor], leaving: Iterable[Tensor], loop: Collection[Operation]
) -> tuple[list[Operation], list[Tensor]]:
    """The operations that compute gradients, and what they take that the loop computes by itself or takes from outside."""
    frames = {op._attrs["frame_name"] for op in loop if op._type in _ENTERS}
    found: dict[Operation, None] = {}
    leaves: dict[Tensor, None] = {}
    given = set(arriving)
    pending = list(leaving)
    while pending:
        tensor = pending.pop()
        op = tensor._op
        if tensor in given or op in found:
            continue
        if op in loop or (op._type in _ENTERS and op._attrs["frame_name"] in frames):
            leaves[tensor] = None
            continue
        found[op] = None
        pending.extend(op._inputs)
    return sorted(found, key=lambda op: op._id), list(leaves)


def still(value: Any) -> Any:
    """A reference as one that no gradient goes to; anything else as it is."""
    return Ref(value.op) if value.__class__ is Ref else value


class Pulled:
    """An operation's results again, their derivative the one that the operation brings along."""

    def __init__(
        self, override: GradientInLoop, env: Mapping[Tensor, Any], context: StateContext, outputs: Sequence[Any]
    ) -> None:
        self.override, self.outputs = override, outputs
        known = {t: env[t] if t in env else env[entered(t)] for t in override.leaves}
        # A cell that is read through a reference with a derivative holds what has that derivative.
        refs = sorted((v for v in known.values() if v.__class__ is Ref), key=lambda ref: ref.moving is not None)
        self.cells = {ref.key: context.read(ref) for ref in refs if ref.key in context.cells}
        self.known = {t: still(v) for t, v in known.items()}
        # What is traced goes through the function's arguments: a derivative cannot reach for values of another trace.
        self.leaves, self.tree = jax.tree_util.tree_flatten([*self.known.values(), *self.cells.values()])
        self.traced = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, jax.Array)]

    def apply(self, results: Mapping[int, Any], moving: Mapping[int, Any]) -> list[Any]:
        """`results` (by output), their derivative by `moving` (by input) being the operation's own."""
        count, kept = len(results), [self.leaves[i] for i in self.traced]

        def plain(*values: Any) -> Any:
            return list(values[:count])

        def forward(*values: Any) -> Any:
            return plain(*values), values[count:]

        def backward(rest: Sequence[Any], cotangents: Sequence[Any]) -> Any:
            inputs = dict(zip(moving, rest, strict=False))
            grads = self._grads(rest[len(moving) :], dict(zip(results, cotangents, strict=True)))
            return (*[None] * count, *(_filled(grads[i], v) for i, v in inputs.items()), *[None] * len(kept))

        function = jax.custom_vjp(plain)
        function.defvjp(forward, backward)
        return function(*results.values(), *moving.values(), *kept)  # type: ignore[no-any-return]

    def _grads(self, traced: Sequence[Any], cotangents: Mapping[int, Any]) -> dict[int, Any]:
        leaves = list(self.leaves)
        for i, value in zip(self.traced, traced, strict=True):
            leaves[i] = value
        values = jax.tree_util.tree_unflatten(self.tree, leaves)
        env = dict(zip(self.known, values, strict=False))
        cells = dict(zip(self.cells, values[len(env) :], strict=True))
        for i, tensor in self.override.arriving.items():
            env[tensor] = cotangents[i] if i in cotangents else self._zeros(i, tensor)
        evaluator = Evaluator(TraceContext(cells), env, host=False)
        evaluator.run(self.override.items)
        return {i: evaluator.value(tensor) for i, tensor in self.override.leaving.items()}

    def _zeros(self, index: int, tensor: Tensor) -> Any:
        return np.zeros(np.shape(self.outputs[index]), tensor._dtype._base.as_numpy_dtype)
