"""The contexts that `tf.cond` and `tf.while_loop` build their operations in, and questions about them.

A context rewires every operation made while it is entered: inputs from outside come through a gate of the construct
(a Switch or an Enter), and operations without inputs wait for the construct's pivot. The methods keep TF 1.15's
spelling because programs call them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from retrograph.framework import nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export

if TYPE_CHECKING:
    from retrograph.framework.operation import Operation, Tensor


# Read and set by programs; conds and loops are the same either way.
ENABLE_CONTROL_FLOW_V2 = False


def is_control_flow_v2(graph: Any) -> bool:
    """False: conds and loops are built of Switch, Merge and Enter."""
    return False


@export("control_flow_v2_enabled")
def control_flow_v2_enabled() -> bool:
    """False: conds and loops are built of Switch, Merge and Enter.

    Source: TF 1.15 tf.control_flow_v2_enabled
    """
    return False


class ControlFlowContext:
    """What is common to the branches of a cond and to a while loop: nesting, known values, entering and leaving."""

    _name: str = ""

    def __init__(self) -> None:
        self._outer_context: ControlFlowContext | None = get_default_graph()._get_control_flow_context()
        self._nested_contexts: list[ControlFlowContext] = []
        if self._outer_context is not None:
            self._outer_context._nested_contexts.append(self)
        self._context_stack: list[ControlFlowContext | None] = []
        # Names of tensors that ops of this context may use as they are.
        self._values: set[str] = set()
        # Outer tensor's name -> the tensor that stands for it in here.
        self._external_values: dict[str, Tensor] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def outer_context(self) -> ControlFlowContext | None:
        return self._outer_context

    @property
    def grad_state(self) -> Any:
        return None

    @property
    def back_prop(self) -> bool:
        return False

    def Enter(self) -> None:
        """Makes this the context of the operations that are created from now on."""
        graph = get_default_graph()
        self._context_stack.append(graph._get_control_flow_context())
        graph._set_control_flow_context(self)

    def Exit(self) -> None:
        """Goes back to the context that was current before `Enter`."""
        get_default_graph()._set_control_flow_context(self._context_stack.pop())

    def ExitResult(self, result: Any) -> None:
        """Makes the construct's results known to the outer context."""
        if self._outer_context is not None:
            for tensor in nest.flatten(result, expand_composites=True):
                self._outer_context.AddName(tensor.name)

    def AddName(self, name: str) -> None:
        self._values.add(name)

    def AddValue(self, val: Tensor) -> Tensor:
        """The tensor that stands for `val` inside this context."""
        raise NotImplementedError("Abstract method")

    def AddOp(self, op: Operation) -> None:
        """Takes a new operation into this context."""
        raise NotImplementedError("Abstract method")

    def check_use(self, op: Operation, input_op: Operation) -> None:
        """Refuses `input_op`, of this context, as input of an operation that is in none.

        Raises: ValueError.
        """
        check_input_from_valid_context(op, input_op)

    def AddInnerOp(self, op: Operation) -> None:
        """Tells the outer contexts of an operation that was added to an inner one."""
        if self._outer_context is not None:
            self._outer_context.AddInnerOp(op)

    def GetControlPivot(self) -> Tensor | None:
        return None

    def GetWhileContext(self) -> ControlFlowContext | None:
        return self._outer_context.GetWhileContext() if self._outer_context is not None else None

    def IsWhileContext(self) -> bool:
        return False

    def IsCondContext(self) -> bool:
        return False

    def IsXLAContext(self) -> bool:
        return False

    def EnterGradientColocation(self, op: Operation, gradient_uid: str) -> None:
        """Accepted for programs that call it; colocation of gradients has no effect here."""

    def ExitGradientColocation(self, op: Operation, gradient_uid: str) -> None:
        """See `EnterGradientColocation`."""

    def __str__(self) -> str:
        return self.name

    def _and_outer(self) -> Iterator[ControlFlowContext]:
        context: ControlFlowContext | None = self
        while context is not None:
            yield context
            context = context._outer_context

    def _replace_outer_inputs(self, op: Operation) -> None:
        for tensor in op.inputs:
            check_input_from_valid_context(op, tensor.op)
        for index, tensor in enumerate(list(op.inputs)):
            if is_merge(op) and tensor.op.type in ("NextIteration", "RefNextIteration"):
                # The back edge of an imported loop: it comes into this context after its Merge.
                continue
            inner = self.AddValue(tensor)
            if inner is not tensor:
                op._update_input(index, inner)

    def _drop_outer_control_inputs(self, op: Operation) -> tuple[list[Operation], list[Operation]]:
        """Removes control inputs that lie outside the enclosing loop; returns (kept, removed)."""
        before = list(op.control_inputs)
        loop = self.GetWhileContext()
        if loop is None or not before:
            return before, []
        kept = [x for x in before if _while_context(output_context(x)) is loop]
        if len(kept) == len(before):
            return kept, []
        op._remove_all_control_inputs()
        op._add_control_inputs(kept)
        return kept, [x for x in before if x not in kept]


def is_switch(op: Operation) -> bool:
    return op.type in ("Switch", "RefSwitch")


def is_merge(op: Operation) -> bool:
    return op.type in ("Merge", "RefMerge")


def is_cond_switch(op: Operation) -> bool:
    """Whether `op` is a Switch of a cond: all that takes its outputs lies in branches."""
    if not is_switch(op):
        return False
    contexts = [input_context(user) for out in op.outputs for user in out.consumers()]
    return all(context is not None and context.IsCondContext() for context in contexts)


def input_context(op: Operation) -> ControlFlowContext | None:
    """The context in which `op`'s inputs live: an Enter belongs to its loop, its input to the surroundings."""
    context = context_of(op)
    return context.outer_context if context is not None and is_loop_enter(op) else context


def _in_loop(op: Operation) -> bool:
    context = context_of(op)
    return context is not None and context.IsWhileContext()


def is_loop_switch(op: Operation) -> bool:
    """Whether `op` is the Switch of a loop's variable."""
    return is_switch(op) and _in_loop(op) and not is_cond_switch(op)


def is_loop_merge(op: Operation) -> bool:
    """Whether `op` is the Merge of a loop's variable."""
    return is_merge(op) and _in_loop(op) and not is_cond_merge(op)


def containing_cond_context(context: ControlFlowContext | None) -> ControlFlowContext | None:
    """The innermost branch that holds a context, or None."""
    while context is not None and not context.IsCondContext():
        context = context.outer_context
    return context


def containing_while_context(
    context: ControlFlowContext | None, stop_ctxt: ControlFlowContext | None = None
) -> ControlFlowContext | None:
    """The innermost loop that holds a context, or None; `stop_ctxt` if that comes first."""
    while context is not None and context is not stop_ctxt and not context.IsWhileContext():
        context = context.outer_context
    return context


def is_loop_enter(op: Operation) -> bool:
    return op.type in ("Enter", "RefEnter")


def is_loop_exit(op: Operation) -> bool:
    return op.type in ("Exit", "RefExit")


def is_loop_constant_enter(op: Operation) -> bool:
    return is_loop_enter(op) and bool(op.get_attr("is_constant"))


def context_of(op: Operation) -> ControlFlowContext | None:
    context: ControlFlowContext | None = op._get_control_flow_context()
    return context


def output_context(op: Operation) -> ControlFlowContext | None:
    """The context in which `op`'s outputs live: an Exit belongs to its loop, its output to the surroundings."""
    context = context_of(op)
    return context.outer_context if context is not None and is_loop_exit(op) else context


def _while_context(context: ControlFlowContext | None) -> ControlFlowContext | None:
    return context.GetWhileContext() if context is not None else None


def while_context_of(op: Operation) -> ControlFlowContext | None:
    return _while_context(context_of(op))


def is_containing_context(context: ControlFlowContext | None, container: ControlFlowContext | None) -> bool:
    """Whether `container` is `context` or one of those around it (None contains all)."""
    while context is not container:
        if context is None:
            return False
        context = context.outer_context
    return True


def op_in_context(op: Operation, context: ControlFlowContext | None) -> bool:
    return is_containing_context(context_of(op), context)


def is_in_while_loop(op: Operation) -> bool:
    return while_context_of(op) is not None


def is_cond_merge(op: Operation) -> bool:
    """Whether `op` is the Merge that ends a cond: all its inputs come from branches."""
    if not is_merge(op):
        return False
    contexts = [output_context(x.op) for x in op.inputs]
    return all(context is not None and context.IsCondContext() for context in contexts)


def check_input_from_valid_context(op: Operation, input_op: Operation) -> None:
    """Refuses an input out of a loop that `op` does not lie in, with TF's text.

    Raises: ValueError.
    """
    theirs = output_context(input_op)
    if theirs is None or theirs is context_of(op):
        return
    mine, inner = while_context_of(op), _while_context(theirs)
    if is_containing_context(mine, inner):
        return
    # Loop entries and cond gates are given their own context only after they were made.
    if mine is None and (is_loop_enter(op) or is_switch(op)):
        return
    if mine is None:
        text = f"Cannot use '{input_op.name}' as input to '{op.name}' because '{input_op.name}' is in a while loop."
    else:
        text = f"Cannot use '{input_op.name}' as input to '{op.name}' because they are in different while loops."
    raise ValueError(f"{text} See info log for more details.")
