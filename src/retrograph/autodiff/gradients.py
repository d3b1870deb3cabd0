"""`tf.gradients`: walks the graph from ys back to xs and adds the operations that compute the derivatives.

The walk visits an operation when the gradients of all its consumers (between ys and xs) are there, as TF 1.15 does, so
that names and order of the new operations agree. A while loop is visited as one node (see `loops.py`).
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import retrograph as tf
from retrograph.autodiff.aggregate import AggregationMethod, aggregate, check_method
from retrograph.autodiff.gating import gate
from retrograph.autodiff.loops import LoopRegion, make_region
from retrograph.autodiff.registry import BACKPROPAGATED_ENUMS, get_gradient_function, is_trainable
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.framework.default_graph import get_default_graph, name_scope
from retrograph.framework.dtypes import resource
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.variables.resource import resource_shape_and_dtype

_BACK_EDGES = frozenset(("NextIteration", "RefNextIteration"))
Gradient = Any  # Tensor | IndexedSlices | None
Node = Any  # Operation | LoopRegion


@export("UnconnectedGradients")
class UnconnectedGradients(enum.Enum):
    """What `tf.gradients` gives for an x on which no y depends: None, or zeros.

    Source: TF 1.15 `tf.UnconnectedGradients`.
    """

    NONE = "none"
    ZERO = "zero"


@export("gradients")
def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str | None = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Gradient]:
    """For each x of `xs` the sum of dy/dx over `ys`: a tensor shaped like x, IndexedSlices (gathers), or None.

    `grad_ys` are the gradients that arrive at `ys` (default: ones); `stop_gradients` are taken as constants.

    >>> x = tf.constant(3.0)
    >>> tf.Session().run(tf.gradients(x * x, x))
    [6.0]

    Raises: LookupError if an operation on the way has no gradient; ValueError and TypeError for wrong `grad_ys`.
    Source: TF 1.15 `tf.gradients`.
    """
    unconnected = _as_unconnected(unconnected_gradients)
    ys, xs, stops = _as_list(ys), _as_list(xs), _as_list([] if stop_gradients is None else stop_gradients)
    grad_ys = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
    with name_scope(name, "gradients", [*ys, *xs, *stops, *grad_ys]):
        graph = get_default_graph()
        graph.unique_name("uid")  # TF takes this name too; later scopes called "uid" are numbered after it.
        targets = [_as_tensor(y, f"y_{i}") for i, y in enumerate(ys)]
        sources = [_as_source(x, f"x_{i}") for i, x in enumerate(xs)]
        arriving = _initial_gradients(grad_ys, targets, colocate_gradients_with_ops, graph)
        walk = _Walk(graph, targets, sources, stops, colocate_gradients_with_ops, gate_gradients, aggregation_method)
        walk.run(arriving)
    return [walk.result(x, unconnected) for x in sources]


def _as_unconnected(value: Any) -> UnconnectedGradients:
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(f"Unknown value for unconnected_gradients: {value!r}") from None


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _as_tensor(value: Any, name: str, as_ref: bool = False) -> Any:
    if value is None or isinstance(value, (Tensor, IndexedSlices)):
        return value
    return internal_convert_to_tensor(value, name=name, as_ref=as_ref)


def _as_source(x: Any, name: str) -> Any:
    """What a variable's gradient is taken of: the reference, or the handle of a resource variable."""
    handle = getattr(x, "handle", None)
    if isinstance(handle, Tensor) and handle.dtype is tf.resource:
        return handle
    return _as_tensor(x, name, as_ref=True)


def _colocated(graph: Graph, op: Operation, wanted: bool) -> AbstractContextManager[Any]:
    return graph.colocate_with(op) if wanted else nullcontext()


def _initial_gradients(grad_ys: list[Any], ys: list[Any], colocate: bool, graph: Graph) -> list[Any]:
    if len(grad_ys) != len(ys):
        raise ValueError(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys")
    given = [_as_tensor(g, f"grad_y_{i}") for i, g in enumerate(grad_ys)]
    result = []
    for i, (y, grad) in enumerate(zip(ys, given, strict=True)):
        with _colocated(graph, y.op, colocate):
            result.append(_ones(y, i) if grad is None else _checked_grad_y(y, grad, i))
    return result


def _ones(y: Tensor, i: int) -> Tensor:
    if y.dtype.is_complex:
        raise TypeError(f"Gradients of complex tensors must set grad_ys (y.dtype = {y.dtype!r})")
    shape = tf.shape(y)
    return tf.fill(shape, tf.constant(1, dtype=y.dtype, name=f"grad_ys_{i}"))  # type: ignore[no-any-return]


def _checked_grad_y(y: Tensor, grad: Any, i: int) -> Any:
    _check_grad_y_dtype(y, y.dtype, grad)
    if not isinstance(grad, IndexedSlices):
        return tf.identity(grad, name=f"grad_ys_{i}")
    parts = {"indices": grad.indices, "values": grad.values, "shape": grad.dense_shape}
    new = {k: tf.identity(t, name=f"grad_ys_{i}_{k}") if isinstance(t, Tensor) else t for k, t in parts.items()}
    return IndexedSlices(new["values"], new["indices"], new["shape"])


def _check_grad_y_dtype(y: Tensor, dtype: Any, grad: Any) -> None:
    names = f"{tf.as_dtype(grad.dtype).name} generated for"
    rest = f"tensor {y} with type {dtype.name}"
    if dtype.is_floating or dtype.is_integer:
        if not (grad.dtype.is_floating or grad.dtype.is_integer):
            raise TypeError(f"Gradient type {names} real or integer-valued {rest} must be real or integer")
    elif dtype.is_complex:
        if not grad.dtype.is_complex:
            raise TypeError(f"Gradient type {names} complex-valued {rest} must be real")
    elif dtype == tf.variant:
        if grad.dtype != tf.variant:
            raise TypeError(f"Gradient type {names} variant {rest} must be variant")
    elif dtype == tf.resource:
        if grad.dtype == tf.resource:
            raise TypeError(f"Input gradient {grad} for resource tensor {y} should not be a resource")
    else:
        raise TypeError(f"Tensor {y} with type {dtype.name} must be numeric to obtain a default gradient")


def _ancestors(to_ops: Iterable[Operation], among: Any = None) -> list[Operation]:
    """The operations that `to_ops` depend on by data, themselves included; only those `among`, if given."""
    found: dict[Operation, None] = {}
    stack = list(to_ops)
    while stack:
        op = stack.pop()
        if op in found or (among is not None and op not in among):
            continue
        found[op] = None
        stack.extend([t._op for t in op._inputs])
    return list(found)


def _within_round(graph: Graph, ops: list[Operation]) -> list[Operation]:
    """The operations without those that lead into the next round of a loop in whose body the caller is."""
    context, around = graph._get_control_flow_context(), set()
    while context is not None:
        around.add(context)
        context = context.outer_context
    if not around:
        return ops
    return [op for op in ops if op._type not in _BACK_EDGES or op._get_control_flow_context() not in around]


def _reached(ancestors: list[Operation], from_ops: Iterable[Operation]) -> set[Operation]:
    """Those of `ancestors` that depend on `from_ops` through tensors that carry gradients."""
    reached = set(from_ops)
    ordered = sorted(ancestors, key=_creation)
    # Gates of control flow are made after the operations that they feed, and loops go round.
    in_order = all(t._op._id < op._id for op in ordered for t in op._inputs)
    while True:
        before = len(reached)
        for op in ordered:
            if op not in reached:
                for t in op._inputs:
                    if t._op in reached and t._dtype._base._enum in BACKPROPAGATED_ENUMS:
                        reached.add(op)
                        break
        if in_order or len(reached) == before:
            return reached


def _creation(op: Operation) -> int:
    return op._id


class _Walk:
    """One call of `tf.gradients`."""

    def __init__(
        self,
        graph: Graph,
        ys: list[Tensor],
        xs: list[Tensor],
        stop_gradients: Sequence[Any],
        colocate: bool,
        gate_gradients: bool,
        aggregation_method: int | None,
    ):
        self.graph = graph
        self.ys = ys
        self.colocate = colocate
        self.gate_gradients = gate_gradients
        self.method = AggregationMethod.DEFAULT if aggregation_method is None else aggregation_method
        self.grads: dict[Operation, list[Any]] = {}
        to_ops, from_ops = [t.op for t in ys], [t.op for t in xs]
        self.from_ops = from_ops
        stops = [t.op for t in stop_gradients]
        reached = _reached(_within_round(graph, _ancestors(to_ops)), from_ops)
        self.between = dict.fromkeys(_ancestors(to_ops, reached))
        self.region_of = self._find_regions()
        self.pending = self._count_pending()
        self.stop_ops = {op for op in from_ops if not any(self._node(t.op) in self.pending for t in op.inputs)}
        self.stop_ops.update(stops)

    def _find_regions(self) -> dict[Operation, LoopRegion]:
        region_of: dict[Operation, LoopRegion] = {}
        for op in self.between:
            if op.type in ("Exit", "RefExit") and op not in region_of:
                region = make_region(op)
                region_of.update((inner, region) for inner in region.ops)
        self._refuse_initial_values(region_of)
        return region_of

    def _refuse_initial_values(self, region_of: dict[Operation, LoopRegion]) -> None:
        """Inside a loop's body no gradient leads through the loop variables out of the loop, as in TF."""
        for op in self.between:
            if op.type == "Merge" and op not in region_of and any(t.op.type == "Enter" for t in op.inputs):
                before = _ancestors([op])
                target = next((x for x in self.from_ops if x in before), op)
                raise ValueError(
                    f"Cannot compute gradient inside while loop with respect to op '{target.name}'. We do not support taking "
                    "the gradient wrt or through the initial value of a loop variable. Gradients can be computed through "
                    "loop invariants or wrt the input parameters to the loop body."
                )

    def _node(self, op: Operation) -> Node:
        return self.region_of.get(op, op) if self.region_of else op

    def _sources(self, node: Node) -> list[Node]:
        """The nodes between ys and xs that `node` takes its inputs from, one for each input."""
        between, region_of = self.between, self.region_of
        tensors = node._inputs if node.__class__ is Operation else node.inputs
        if region_of:
            return [region_of.get(t._op, t._op) for t in tensors if t._op in between]
        return [t._op for t in tensors if t._op in between]

    def _count_pending(self) -> dict[Node, int]:
        """For each node how many gradients are still to arrive."""
        pending: dict[Node, int] = {}
        for node in dict.fromkeys(map(self._node, self.between)) if self.region_of else self.between:
            for source in self._sources(node):
                pending[source] = pending.get(source, 0) + 1
        return pending

    def run(self, grad_ys: list[Any]) -> None:
        for y, grad in zip(self.ys, grad_ys, strict=True):
            self._add(y, grad)
        pending = self.pending
        first = [self._node(y.op) for y in self.ys if y.op in self.between]
        queue = deque(dict.fromkeys(node for node in first if not pending.get(node)))
        if queue:
            check_method(self.method)
        while queue:
            node = queue.popleft()
            if not isinstance(node, Operation):
                self._visit_region(node)
            elif self.colocate:
                with self.graph.colocate_with(node):
                    self._visit(node)
            else:
                self._visit(node)
            for source in self._sources(node):
                left = pending[source] = pending[source] - 1
                if not left:
                    queue.append(source)

    def result(self, x: Tensor, unconnected: UnconnectedGradients) -> Gradient:
        found = self.grads.get(x.op)
        if found:
            grad = found[x.value_index]
            return None if isinstance(grad, list) else grad
        return _zeros_for(x) if unconnected is UnconnectedGradients.ZERO else None

    def _add(self, tensor: Tensor, grad: Gradient) -> None:
        op = tensor._op
        grads = self.grads.get(op)
        if grads is None:
            grads = self.grads[op] = [[] for _ in op._outputs]
        grads[tensor._value_index].append(grad)

    def _out_grads(self, op: Operation) -> list[Gradient]:
        """The gradients of the outputs of `op`, each the sum of those that arrived; kept for `result`."""
        grads = self.grads.get(op)
        if grads is None:
            return [None] * len(op._outputs)
        for i, arrived in enumerate(grads):
            if arrived.__class__ is list and len(arrived) == 1 and arrived[0].__class__ is Tensor:
                grads[i] = arrived[0]
            else:
                grads[i] = aggregate(self.graph, op, arrived, self.method) if arrived else None
        return list(grads)

    def _visit(self, op: Operation) -> None:
        out_grads = self._out_grads(op)
        if op in self.stop_ops or ((not out_grads or out_grads[0] is None) and all(g is None for g in out_grads)):
            return
        function = _gradient_function(op)
        if function is None:
            return
        _check_not_through_loop_variable(op)
        for i, grad in enumerate(out_grads):
            if grad is None and is_trainable(op._outputs[i]):
                out_grads[i] = zeros_like_output(op, i)
        graph = self.graph
        with graph.name_scope(op._name + "_grad"):
            first = len(graph._ops)
            in_grads = _verified(_as_list(function(op, *out_grads)), op)
            for made in graph._ops[first:]:
                made._original_op = op
            if self.gate_gradients and sum(g is not None for g in in_grads) > 1:
                in_grads = gate(graph, in_grads)
        self._send(op, in_grads)

    def _send(self, op: Operation, in_grads: list[Gradient]) -> None:
        between = self.between
        for i, (tensor, grad) in enumerate(zip(op._inputs, in_grads, strict=True)):
            if grad is None:
                continue
            if isinstance(grad, Tensor) and grad._shape != tensor._shape and tensor._dtype is not resource:
                _set_shape(op, i, tensor, grad)
            if tensor._op in between:
                self._add(tensor, grad)

    def _visit_region(self, region: LoopRegion) -> None:
        exit_grads = []
        for op in dict.fromkeys(t.op for t in region.exits):
            exit_grads.extend(self._out_grads(op))
        if all(g is None for g in exit_grads):
            return
        with self.graph.name_scope(region.exits[0].op.name + "_grad"):
            in_grads = region.gradient(exit_grads)
        for tensor, grad in zip(region.inputs, in_grads, strict=True):
            if grad is not None and tensor.op in self.between:
                self._add(tensor, grad)


def _gradient_function(op: Operation) -> Any:
    try:
        return get_gradient_function(op)
    except LookupError:
        raise LookupError(f"No gradient defined for operation '{op.name}' (op type: {op.type})") from None


def _verified(in_grads: list[Gradient], op: Operation) -> list[Gradient]:
    if len(in_grads) != len(op._inputs):
        raise ValueError(
            f"Num gradients {len(in_grads)} generated for op {op.node_def} do not match num inputs {len(op.inputs)}"
        )
    return in_grads


def _set_shape(op: Operation, index: int, tensor: Tensor, grad: Tensor) -> None:
    try:
        grad.set_shape(tensor.get_shape())
    except ValueError:
        raise ValueError(
            "Incompatible shapes between op input and calculated input gradient.  Forward operation: "
            f"{op.name}.  Input index: {index}. Original input shape: {tensor.shape}.  "
            f"Calculated input gradient shape: {grad.shape}"
        ) from None


def _check_not_through_loop_variable(op: Operation) -> None:
    if op._type not in ("Switch", "RefSwitch"):
        return
    context = op._get_control_flow_context()
    current = get_default_graph()._get_control_flow_context()
    if context is not None and context.IsWhileContext() and context is current:
        raise ValueError(
            f"Cannot compute gradient inside while loop with respect to op '{op.name}'. We do not support taking the "
            "gradient wrt or through the initial value of a loop variable. Gradients can be computed through loop "
            "invariants or wrt the input parameters to the loop body."
        )


def _zeros_dtype(tensor: Tensor) -> Any:
    """The dtype of the gradient of a tensor: a resource's is that of its variable."""
    if tensor.dtype is not tf.resource:
        return tensor.dtype
    return resource_shape_and_dtype(tensor)[1] or tf.float32


def _zeros_for(x: Tensor) -> Tensor:
    if x.dtype is not tf.resource:
        return tf.zeros_like(x, dtype=_zeros_dtype(x))  # type: ignore[no-any-return]
    shape = resource_shape_and_dtype(x)[0]
    if shape is None or None in shape:
        return _zeros_of_resource(x)
    return tf.zeros(tf.constant(shape, dtype=tf.int32), dtype=_zeros_dtype(x))  # type: ignore[no-any-return]


def _zeros_of_resource(handle: Tensor) -> Tensor:
    from retrograph.framework.apply import apply_op

    shape = apply_op("VariableShape", None, input=handle)
    return tf.zeros(shape, dtype=_zeros_dtype(handle))  # type: ignore[no-any-return]


def zeros_like_output(op: Operation, index: int) -> Tensor:
    """Zeros for an output of `op` that received no gradient; for a Switch, made only where its branch runs."""
    from retrograph.ops.tensor_array import zeros_of_flow

    value = op.outputs[index]
    context = op._get_control_flow_context() if op.type in ("Switch", "RefSwitch") else None
    if context is not None:
        return _zeros_in_branch(op, value, context)
    zeros = zeros_of_flow(value, value)
    if zeros is not None:
        return zeros
    if value.dtype is tf.resource:
        return _zeros_of_resource(value)
    return tf.zeros_like(value, optimize=False)  # type: ignore[no-any-return]


def _zeros_in_branch(op: Operation, value: Tensor, context: Any) -> Tensor:
    from retrograph.ops.array import shape_internal
    from retrograph.ops.control_flow import switch
    from retrograph.ops.tensor_array import zeros_of_flow

    taken = switch(op.inputs[0], context.pred)[1 - context.branch]
    pivot = tf.identity(taken)
    if value.dtype is tf.resource:
        with tf.control_dependencies([pivot]):
            return _zeros_of_resource(taken)
    with tf.control_dependencies([pivot]):
        zeros = zeros_of_flow(op.inputs[0], taken)
    if zeros is not None:
        return zeros
    shape = shape_internal(taken, optimize=False)
    with tf.control_dependencies([pivot]):
        return tf.zeros(shape, dtype=value.dtype)  # type: ignore[no-any-return]
