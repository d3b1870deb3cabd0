"""`tf.cond`, `tf.case`, `tf.switch_case`: two branches built side by side, of which a run takes one."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, control_dependencies, get_default_graph, name_scope
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.nesting import RoomForNesting
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.control_flow import (
    cast_slice_indices,
    merge,
    switch,
    switch_ref_or_tensor,
    with_dependencies,
)
from retrograph.ops.flow_context import ControlFlowContext, is_loop_exit, op_in_context
from retrograph.ops.flow_definitions import cond_definition, restore_cond
from retrograph.ops.inner_summaries import after_summaries


class CondContext(ControlFlowContext):
    """One branch of a cond: outer tensors come in through a Switch on the predicate."""

    def __init__(self, pred: Tensor, pivot: Tensor, branch: int, name: str = "cond_text") -> None:
        self._name = get_default_graph().unique_name(name)
        super().__init__()
        self._pred = pred
        self._pivot = pivot
        self._branch = branch
        self._values.update((pred.name, pivot.name))
        self._external_values[pred.name] = pred
        pivot.op._set_control_flow_context(self)

    @property
    def pred(self) -> Tensor:
        """`bool[]`: the predicate as ops of the branch see it."""
        return self._pred

    @property
    def pivot(self) -> Tensor:
        """The tensor that has a value exactly when this branch is taken."""
        return self._pivot

    @property
    def branch(self) -> int:
        """1 for the true branch, 0 for the false one."""
        return self._branch

    @property
    def grad_state(self) -> Any:
        loop = self.GetWhileContext()
        return loop.grad_state if loop is not None else None

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The branch as a CondContextDef; None if it is not in `export_scope`."""
        return cond_definition(self, export_scope)

    @staticmethod
    def from_proto(context_def: Any, import_scope: str | None = None) -> CondContext:
        """The branch that a CondContextDef describes, in the default graph."""
        made: CondContext = restore_cond(CondContext.__new__(CondContext), context_def, import_scope)
        return made

    def GetControlPivot(self) -> Tensor:
        return self._pivot

    def IsCondContext(self) -> bool:
        return True

    def AddValue(self, val: Tensor) -> Tensor:
        if val.name in self._values:
            return self._external_values.get(val.name, val)
        self._values.add(val.name)
        gate = self._gate(self._outer_value(val))
        for context in self._and_outer():
            context._values.add(gate.name)
        self._external_values[val.name] = gate
        return gate

    def AddOp(self, op: Operation) -> None:
        if op.inputs:
            self._replace_outer_inputs(op)
            self._drop_outer_control_inputs(op)
            if op.type == "SymbolicGradient":
                op._add_control_input(self._pivot.op)
        else:
            self._drop_outer_control_inputs(op)
            if not any(op_in_context(x, self) for x in op.control_inputs):
                op._add_control_input(self._pivot.op)
        names = [x.name for x in op.outputs]
        for context in self._and_outer():
            context._values.update(names)
        if self._outer_context is not None or not is_loop_exit(op):
            op.graph.prevent_fetching(op)
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def BuildCondBranch(self, fn: Callable[[], Any]) -> tuple[Any, Any]:
        """Calls `fn` in this context: (what it returned, the same as tensors of this branch); (None, None) for None."""
        original = after_summaries(fn)
        if original is None:
            return None, None
        result = nest.map_structure(self._branch_tensor, original, expand_composites=True)
        return original, result if isinstance(result, (list, tuple)) else [result]

    def _outer_value(self, val: Tensor) -> Tensor:
        if self._outer_context is None:
            return val
        outer = self._outer_context.AddValue(val)
        self._values.add(outer.name)
        self._external_values[outer.name] = outer
        return outer

    def _gate(self, value: Tensor) -> Tensor:
        with control_dependencies(None):
            gate: Tensor = switch_ref_or_tensor(value, self._pred)[self._branch]
            if self._outer_context is not None:
                self._outer_context.AddInnerOp(gate.op)
        gate.graph.prevent_fetching(gate.op)
        gate.op._set_control_flow_context(self)
        return gate

    def _output_tensor(self, val: Tensor) -> Tensor:
        """The branch's own tensor for a result; an outer one (`lambda: x`) passes through a Switch."""
        if val.name in self._values:
            return self._external_values.get(val.name, val)
        self._values.add(val.name)
        gate: Tensor = switch_ref_or_tensor(self._outer_value(val), self._pred)[self._branch]
        self._external_values[val.name] = gate
        return gate

    def _branch_tensor(self, value: Any) -> Tensor:
        if isinstance(value, Operation):
            return with_dependencies([value], self._pivot)  # type: ignore[no-any-return]
        from retrograph.ops.tensor_array import flow_of

        return self._output_tensor(convert_to_tensor(flow_of(value)))


def _unpack_single(result: Any) -> Any:
    return result[0] if isinstance(result, (list, tuple)) and len(result) == 1 else result


def _function_argument(name: str, given: Any, old_name: str, old: Any) -> Callable[[], Any]:
    if old is not None:
        if given is not None:
            raise TypeError(f"cond(): {name} and {old_name} may not be set simultaneously.")
        given = old
    if given is None:
        raise TypeError(f"cond(): {name} argument required")
    function: Callable[[], Any] = given
    return function


def _build_branch(context: CondContext, fn: Callable[[], Any], fn_name: str) -> tuple[Any, Any]:
    context.Enter()
    try:
        original, result = context.BuildCondBranch(fn)
        if original is None:
            raise ValueError(f"{fn_name} must have a return value.")
        context.ExitResult(result)
    finally:
        context.Exit()
    return original, result


def _check_same_structure(true: tuple[Any, Any], false: tuple[Any, Any]) -> None:
    try:
        nest.assert_same_structure(true[0], false[0], expand_composites=True)
        return
    except (TypeError, ValueError):
        for a, b in zip(true, false, strict=True):
            nest.map_structure(cast_slice_indices, a, b)
    try:
        nest.assert_same_structure(true[0], false[0], expand_composites=True)
    except TypeError as error:
        raise TypeError(f"Incompatible return types of true_fn and false_fn: {error}") from error
    except ValueError as error:
        raise ValueError(f"Incompatible return values of true_fn and false_fn: {error}") from error


def _merged(true: list[Tensor], false: list[Tensor]) -> list[Tensor]:
    for x, y in zip(true, false, strict=False):
        if x.dtype.base_dtype != y.dtype.base_dtype:
            raise ValueError(f"Outputs of true_fn and false_fn must have the same type: {x.dtype.name}, {y.dtype.name}")
    return [merge(pair)[0] for pair in zip(false, true, strict=False)]


def _pivots(pred: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The predicate and what has a value only if it is true, and only if it is false."""
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    when_false, when_true = switch(pred, pred)
    switch_t = apply_op("Identity", "switch_t", input=when_true)
    switch_f = apply_op("Identity", "switch_f", input=when_false)
    pred_id = apply_op("Identity", "pred_id", input=pred)
    for tensor in (when_true, when_false, switch_t, switch_f, pred_id):
        tensor.graph.prevent_fetching(tensor.op)
    return pred_id, switch_t, switch_f


@export("cond")
def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What `true_fn` gives where `pred` (`bool[]`) is true, else what `false_fn` gives; only one of them runs.

    Both are called once, to build their operations. They return tensors, operations or equal structures of them;
    a structure of one is unpacked unless `strict`.

    Raises: TypeError for a function that is not callable, a Python bool as `pred`, or structures of different types;
        ValueError for results of different number or dtype.
    Source: TF 1.15 tf.cond
    """
    true_fn = _function_argument("true_fn", true_fn, "fn1", fn1)
    false_fn = _function_argument("false_fn", false_fn, "fn2", fn2)
    if not callable(true_fn):
        raise TypeError("true_fn must be callable.")
    if not callable(false_fn):
        raise TypeError("false_fn must be callable.")
    with name_scope(name, "cond", [pred]):
        return _build_cond(pred, true_fn, false_fn, strict)


def _build_cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], strict: bool) -> Any:
    pred_id, switch_t, switch_f = _pivots(pred)
    context_t = CondContext(pred_id, switch_t, branch=1)
    original_t, result_t = _build_branch(context_t, true_fn, "true_fn")
    context_f = CondContext(pred_id, switch_f, branch=0)
    original_f, result_f = _build_branch(context_f, false_fn, "false_fn")
    if not strict:
        original_t, original_f = _unpack_single(original_t), _unpack_single(original_f)
    _check_same_structure((original_t, result_t), (original_f, result_f))
    if not result_t:
        raise ValueError("true_fn and false_fn must return at least one result.")
    merges = _merged(nest.flatten(result_t, expand_composites=True), nest.flatten(result_f, expand_composites=True))
    merges = _with_tensor_arrays(nest.flatten(original_t, expand_composites=True), merges)
    if context_t.outer_context is None:
        add_to_collection(GraphKeys.COND_CONTEXT, context_t)
        add_to_collection(GraphKeys.COND_CONTEXT, context_f)
    packed = nest.pack_sequence_as(original_t, merges, expand_composites=True)
    return packed if strict else _unpack_single(packed)


def _with_tensor_arrays(originals: Sequence[Any], tensors: list[Tensor]) -> list[Any]:
    from retrograph.ops.tensor_array import with_flows

    return with_flows(originals, tensors)


def _at_most_n_true(predicates: Sequence[Any], n: int, message: str) -> Any:
    from retrograph.ops import math
    from retrograph.ops.check import Assert
    from retrograph.ops.joining import stack

    preds = stack(predicates, name="preds_c")
    number = math.reduce_sum(math.cast(preds, "int32"), name="num_true_conds")
    condition = math.less_equal(number, constant(n, name="n_true_conds"))
    names = ", ".join(getattr(p, "name", "?") for p in predicates)
    data = [f"{message}: more than {n} conditions ({names}) evaluated as True:", preds]
    return Assert(condition, data=data, summarize=len(predicates))


def _last_as_default(
    predicates: Sequence[Any], actions: Sequence[Callable[[], Any]]
) -> tuple[Callable[[], Any], Sequence[Any], Sequence[Callable[[], Any]]]:
    """Without a default the last action is it, after a check that its predicate holds and no other does."""
    last = len(predicates) - 1
    others = (
        f"Implementation error: selected default action #{last} was called, but some of other predicates are True: "
    )

    def default() -> Any:
        from retrograph.ops.check import Assert
        from retrograph.ops.joining import stack

        data = ("Input error: None of conditions evaluated as True:", stack(predicates, name="preds_c"))
        checks = [_at_most_n_true(predicates[:last], n=0, message=others), Assert(predicates[last], data=data)]
        with control_dependencies(checks):
            return actions[last]()

    return default, predicates[:last], actions[:last]


def _check_pair(pair: Any, allow_python_preds: bool) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
    pred, fn = pair
    if isinstance(pred, Tensor):
        if pred.dtype.name != "bool":
            raise TypeError(f"pred must be Tensor of type bool: {pred.name}")
    elif not allow_python_preds:
        raise TypeError(f"pred must be a Tensor, got: {pred}")
    elif not isinstance(pred, bool):
        raise TypeError(f"pred must be a Tensor or bool, got: {pred}")
    if not callable(fn):
        raise TypeError(f"fn for pred {pred.name} must be callable.")


def case_pairs(pred_fn_pairs: Any, exclusive: bool, name: str, allow_python_preds: bool = False) -> tuple[Any, Any]:
    """(predicates, functions) of the checked `pred_fn_pairs`; an unordered dict goes by the predicates' names.

    Raises: TypeError for anything that is not pairs of a `bool[]` tensor and a callable.
    """
    if not isinstance(pred_fn_pairs, (list, tuple, dict)):
        raise TypeError("fns must be a list, tuple, or dict")
    if isinstance(pred_fn_pairs, OrderedDict):
        pred_fn_pairs = list(pred_fn_pairs.items())
    elif isinstance(pred_fn_pairs, dict):
        pred_fn_pairs = sorted(pred_fn_pairs.items(), key=lambda item: item[0].name)
        if not exclusive:
            get_logger().warning(
                "%s: An unordered dictionary of predicate/fn pairs was provided, but exclusive=False. The order of "
                "conditional tests is deterministic but not guaranteed.",
                name,
            )
    for pair in pred_fn_pairs:
        _check_pair(pair, allow_python_preds)
    predicates, actions = zip(*pred_fn_pairs, strict=True)
    return predicates, actions


def case_with(
    cond_fn: Callable[..., Any],
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None,
    exclusive: bool,
    name: str,
    allow_python_preds: bool = False,
    **cond_kwargs: Any,
) -> Any:
    """`tf.case` over another cond (such as one that takes constant predicates at once)."""
    predicates, actions = case_pairs(pred_fn_pairs, exclusive, name, allow_python_preds)
    with name_scope(name, "case", [predicates]):
        if default is None:
            default, predicates, actions = _last_as_default(predicates, actions)
        fn = default
        for predicate, action in reversed(list(zip(predicates, actions, strict=True))):
            fn = functools.partial(cond_fn, predicate, true_fn=action, false_fn=fn, **cond_kwargs)
        if not exclusive:
            return fn()
        with control_dependencies([_at_most_n_true(predicates, n=1, message="Input error: exclusive=True")]):
            return fn()


@export("case")
def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function of the first true predicate gives, else `default`'s; a chain of `tf.cond`.

    With `exclusive` it is an error at run time if several predicates are true.

    Raises: TypeError for malformed pairs.
    Source: TF 1.15 tf.case
    """
    with RoomForNesting():
        return case_with(cond, pred_fn_pairs, default, exclusive, name, allow_python_preds=False, strict=strict)


def _branch_functions(branch_fns: Any, default: Callable[[], Any] | None) -> list[Callable[[], Any]]:
    if not branch_fns:
        raise ValueError("Must provide at least one item in branch_fns")
    if not isinstance(branch_fns, (list, tuple, dict)):
        raise TypeError("branch_fns must be a list, tuple, or dict")
    pairs: list[Any] = list(branch_fns.items()) if isinstance(branch_fns, dict) else list(branch_fns)
    if all(callable(fn) for fn in pairs):
        pairs = list(enumerate(pairs))
    for pair in pairs:
        _check_branch(pair)
    keys = sorted(key for key, _ in pairs)
    if keys != list(range(len(keys))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(keys)}) but found "
            f"{{{','.join(map(str, keys))}}}"
        )
    actions = [fn for _, fn in sorted(pairs, key=lambda pair: int(pair[0]))]
    return actions if default is None else [*actions, default]


def _check_branch(pair: Any) -> None:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError("Each entry in branch_fns must be a 2-tuple")
    key, fn = pair
    if not isinstance(key, int):
        raise TypeError(f"key must be a Python `int`, got {type(key)}")
    if not callable(fn):
        raise TypeError(f"fn for key {key} must be callable.")


@export("switch_case")
def switch_case(
    branch_index: Tensor, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """What the function numbered `branch_index` (`int[]`) gives; out of range: `default`, else the last one.

    Raises: TypeError or ValueError for malformed branches.
    Source: TF 1.15 tf.switch_case. Differs: a chain of conds in the graph, where TF makes one Case operation.
    """
    if not isinstance(branch_index, Tensor):
        raise TypeError(f"branch_index must a Tensor, got {type(branch_index)}")
    if not branch_index.dtype.is_integer:
        raise TypeError(f"branch_index must an integer Tensor, got {branch_index.dtype}")
    functions = _branch_functions(branch_fns, default)
    from retrograph.ops import math

    with name_scope(name, "case", [branch_index]), RoomForNesting():
        fn = functions[-1]
        for index in reversed(range(len(functions) - 1)):
            fn = functools.partial(cond, math.equal(branch_index, index), true_fn=functions[index], false_fn=fn)
        return fn()
