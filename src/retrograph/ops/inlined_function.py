"""`tf.function` in a graph: the function's operations are made where it is called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors, nest
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import find_op_def
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.flow_context import is_cond_merge, is_loop_exit, output_context
from retrograph.ops.identities import identity
from retrograph.variables.base import Variable
from retrograph.variables.traces import Traces, resources_by_default, signature_of


class InlinedFunction:
    """A Python function whose calls make its operations in the current graph; arrays become constants."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None):
        functools.update_wrapper(self, python_function)
        self.python_function = python_function
        self.input_signature = input_signature
        self._traces = Traces()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives for these arguments."""
        graph = get_default_graph()
        taken = [_as_argument(a) for a in args]
        made = len(graph._ops)
        named = {k: _as_argument(v) for k, v in kwargs.items()}
        with self._traces.call(signature_of([taken, named])), resources_by_default():
            result = self.python_function(*taken, **named)
        return _with_effects(_as_results(result), graph, graph._ops[made:])

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """Raises UnimplementedError: there are no function graphs here."""
        raise errors.UnimplementedError(
            None, None, "tf.function: get_concrete_function is not supported; functions are inlined into the graph"
        )


def _as_argument(value: Any) -> Any:
    return convert_to_tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _as_results(structure: Any) -> Any:
    """What a function gives as tensors: numbers, texts, arrays and variables are converted."""
    kinds = (bool, int, float, complex, str, bytes, np.ndarray, np.generic, Variable)
    return nest.map_structure(lambda x: convert_to_tensor(x) if isinstance(x, kinds) else x, structure)


# What has no effect that could be seen, though the op type counts as stateful.
_SILENT = frozenset(
    (
        "VarHandleOp",
        "VariableV2",
        "Variable",
        "ReadVariableOp",
        "VarIsInitializedOp",
        "IsVariableInitialized",
        "ResourceGather",
        "ResourceGatherNd",
        "VariableShape",
    )
)


def _with_effects(result: Any, graph: Graph, made: list[Operation]) -> Any:
    """What a function gives, tied to what it does: who fetches an output runs all effects of the call."""
    effects = effects_of(made, graph._get_control_flow_context())
    if not effects:
        return result
    with graph.control_dependencies(effects):
        return nest.map_structure(lambda x: identity(x) if isinstance(x, Tensor) else x, result, expand_composites=True)


def effects_of(made: list[Operation], context: Any) -> list[Operation]:
    """Those of the operations that do something: whoever takes a result of theirs runs them all."""
    skipped = _initializing(made)
    found = [op for op in made if op not in skipped and op.type not in _SILENT and _is_stateful(op)]
    parts = {_part(op._get_control_flow_context(), context) for op in found} - {None}
    ends = [op for op in made if parts and (is_cond_merge(op) or is_loop_exit(op)) and _ends(op, parts, context)]
    return [op for op in found if op._get_control_flow_context() is context] + ends


def _part(inner: Any, context: Any) -> Any:
    """The cond or loop directly inside of `context` that holds another context; None if that is `context` itself."""
    while inner is not None and inner is not context and inner.outer_context is not context:
        inner = inner.outer_context
    return None if inner is context else inner


def _ends(op: Operation, parts: set[Any], context: Any) -> bool:
    """Whether an operation in `context` is where one of the parts ends."""
    if output_context(op) is not context:
        return False
    if is_loop_exit(op):
        return op._get_control_flow_context() in parts
    return any(_part(t.op._get_control_flow_context(), context) in parts for t in op.inputs)


def _is_stateful(op: Operation) -> bool:
    definition = find_op_def(op.type)
    # Operations on references have no other sign of what they do.
    return definition is not None and (definition.stateful or any(t.dtype._is_ref_dtype for t in op.outputs))


def _initializing(made: list[Operation]) -> set[Operation]:
    """The first assignments of variables that the call makes, and what only they need: these are run as initializers."""
    own, handles = set(made), {op for op in made if op.type in ("VarHandleOp", "VariableV2")}
    found: set[Operation] = set()
    waiting = []
    for op in made:
        if op.type in ("Assign", "AssignVariableOp") and op.inputs[0].op in handles:
            handles.discard(op.inputs[0].op)
            waiting.append(op)
    while waiting:
        op = waiting.pop()
        if op in own and op not in found:
            found.add(op)
            waiting += [t.op for t in op.inputs]
    return found


@export("function", "contrib.eager.function", "contrib.eager.defun")
def function(
    func: Callable[..., Any] | None = None, input_signature: Any = None, autograph: bool = True, experimental_autograph_options: Any = None,
    experimental_relax_shapes: bool = False, experimental_compile: bool | None = None,
) -> Any:  # fmt: skip
    """Makes a function of `func`, also as a decorator.

    Differs: its operations are inlined at each call, without a function of their own, and Python's `if` and `while` are not
    turned into graph operations. Source: TF 1.15 `tf.function`.
    """
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    return InlinedFunction(func, input_signature)
