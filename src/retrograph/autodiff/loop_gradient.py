"""Gradients of while loops: the whole loop is one node, its gradient one `WhileGradient` operation.

TF builds a second loop that takes back, from stacks, what the first one did. Here the lowering differentiates the loop
as it is compiled, a scan: XLA keeps what the backward rounds need. When both loops are in one program the forward one
runs once and hands over; otherwise it runs again. A tensor that all rounds share gets a dense gradient, which every
round adds to: a large embedding that is looked up inside a loop costs its full size in each round.
"""

from __future__ import annotations

from typing import Any

from retrograph.autodiff.loops import set_loop_hook
from retrograph.autodiff.overrides_in_loops import build_overrides
from retrograph.autodiff.registry import BACKPROPAGATED_ENUMS
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.op_table import define_op, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.flow_context import containing_while_context
from retrograph.runtime.regions import frame_of, loop_exits, loop_operations

_TYPE_LIST = {"type": "list(type)"}

define_op(
    {
        "op": "WhileGradient",
        "in": [{"name": "inputs", "type": "Tin"}, {"name": "grads", "type": "Tgrad"}],
        "out": [{"name": "outputs", "type": "Tout"}],
        "attr": [{"name": name, **_TYPE_LIST} for name in ("Tin", "Tgrad", "Tout")],
    }
)


class WhileRegion:
    """A while loop as one node of the walk."""

    def __init__(self, exit_op: Operation) -> None:
        operations = loop_operations(exit_op)
        frame = frame_of(exit_op)
        self.exit_ops = loop_exits(exit_op)
        self.ops = frozenset(operations)
        self.exits = [op.outputs[0] for op in self.exit_ops]
        enters = [
            op for op in operations if op.type in ("Enter", "RefEnter") and op.attrs["frame_name"] == frame.encode()
        ]
        self.inputs: list[Tensor] = list(dict.fromkeys(op.inputs[0] for op in enters))
        context = exit_op._get_control_flow_context()
        self.back_prop = context is None or context.back_prop
        self.outer = None if context is None else containing_while_context(context.outer_context)

    def gradient(self, exit_grads: list[Any]) -> list[Tensor | None]:
        """The gradients of `inputs`, given those of `exits`."""
        if not self.back_prop:
            return [None] * len(self.inputs)
        self._check_place()
        given = [i for i, g in enumerate(exit_grads) if g is not None and _carries_gradient(self.exits[i])]
        wanted = [i for i, t in enumerate(self.inputs) if _takes_gradient(t)]
        result: list[Tensor | None] = [None] * len(self.inputs)
        if not given or not wanted:
            return result
        grads = [convert_to_tensor(exit_grads[i]) for i in given]
        # What the gradients inside take from outside must be there when the loop runs.
        taken = [*self.inputs, *build_overrides(self.ops)]
        attrs = {
            "Tin": [t.dtype.base_dtype for t in taken],
            "Tgrad": [t.dtype.base_dtype for t in grads],
            "Tout": [_gradient_dtype(self.inputs[i]) for i in wanted],
            "_exit": self.exit_ops[0].name.encode(),
            "_given": given,
            "_wanted": wanted,
        }
        op = get_default_graph().create_op("WhileGradient", [*taken, *grads], name="WhileGradient", attrs=attrs)
        for i, output in zip(wanted, op.outputs, strict=True):
            result[i] = output
        return result

    def _check_place(self) -> None:
        """Raises ValueError inside of another loop, as TF does, where the rounds of this one are not at hand."""
        graph = get_default_graph()
        around = containing_while_context(graph._get_control_flow_context())
        if around is not None and around is not self.outer:
            raise ValueError(
                f"Cannot use '{self.exit_ops[0].name}' as input to '{graph.get_name_scope()}/WhileGradient' because they "
                "are in different while loops. See info log for more details."
            )


def _root(tensor: Tensor) -> Operation:
    op = tensor.op
    while op.type in ("Switch", "RefSwitch", "Enter", "RefEnter", "Identity", "RefIdentity"):
        op = op.inputs[0].op
    return op


def _takes_gradient(tensor: Tensor) -> bool:
    if tensor.dtype.base_dtype.name == "resource":
        root = _root(tensor)
        return root.type == "VarHandleOp" and _carries_gradient(root.attrs["dtype"])
    return _carries_gradient(tensor)


def _carries_gradient(tensor: Any) -> bool:
    return getattr(tensor, "dtype", tensor)._base._enum in BACKPROPAGATED_ENUMS


def _gradient_dtype(tensor: Tensor) -> Any:
    is_handle = tensor.dtype.base_dtype.name == "resource"
    return _root(tensor).attrs["dtype"] if is_handle else tensor.dtype.base_dtype


def _output_shape(tensor: Tensor) -> Any:
    return _root(tensor).attrs["shape"] if tensor.dtype.base_dtype.name == "resource" else tensor._shape


def _shape(c: Any) -> list[Any]:
    return [_output_shape(c.inputs[i]) for i in c.attr("_wanted")]


def _refuse_second_order(op: Operation, *grads: Any) -> Any:
    raise TypeError("Second-order gradient for while loops not supported.")


register_op("WhileGradient", shape=_shape, gradient=_refuse_second_order)
set_loop_hook(WhileRegion)
