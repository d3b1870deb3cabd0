"""Chains of small operations, which XLA must not work out again for each of those who take their parts.

XLA computes what is taken by several small operations anew inside each of them. Of a chain that goes on through the whole
program (the cells of an LSTM whose steps are written out, and their derivatives) each part would begin at the chain's
beginning: code and time grow with the square of its length. Some values on the way are therefore kept:
divided by a one that XLA cannot know to be one, for it does not work out a division twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from retrograph.framework.operation import Tensor
from retrograph.framework.unknowable import unknowably_true
from retrograph.runtime.lower import Instruction

# Operations of a chain after which a value that several take is kept.
_LENGTH = 8
SMALL = frozenset(
    (
        *("Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Div", "Neg", "Square", "Maximum", "Minimum", "BiasAdd"),
        *("Sigmoid", "Tanh", "Relu", "Relu6", "Elu", "Softplus", "Exp", "Log", "Sqrt", "Rsqrt", "Reciprocal", "Abs"),
        *("SigmoidGrad", "TanhGrad", "ReluGrad", "Relu6Grad", "EluGrad", "SoftplusGrad", "SqrtGrad", "RsqrtGrad"),
        *("Identity", "Cast", "Select", "SelectV2", "Split", "SplitV", "Slice", "Reshape", "ExpandDims", "Squeeze"),
        *("ClipByValue", "Pow", "SquaredDifference", "StopGradient"),
    )
)


_PRODUCTS = frozenset(("Conv2D", "MatMul", "BatchMatMul", "BatchMatMulV2"))
_SUMS = frozenset(("Add", "AddV2", "AddN"))


def kept_tensors(items: Iterable[Any]) -> frozenset[Tensor]:
    """The tensors that are worked out once: in long chains, and sums that a product takes beside small operations.

    Sums of two arrays of one shape are what residual nets hand on. A product has them in memory anyway; each of the next
    ones would begin at the first otherwise.
    """
    instructions = [item for item in items if item.__class__ is Instruction]
    takers = Counter(t for item in instructions for t in item.inputs)
    multiplied = {t for item in instructions if item.op._type in _PRODUCTS for t in item.inputs}
    length: dict[Tensor, int] = {}
    sums: set[Tensor] = set()
    found = set()
    for item in instructions:
        if item.op._type not in SMALL:
            continue
        longest = 1 + max((length.get(t, 0) for t in item.inputs), default=0)
        is_sum = not sums.isdisjoint(item.inputs) or (item.op._type in _SUMS and _have_one_shape(item.inputs))
        for tensor in item.outputs:
            if takers[tensor] > 1 and (longest >= _LENGTH or (is_sum and tensor in multiplied)):
                found.add(tensor)
                continue
            length[tensor] = longest
            if is_sum:
                sums.add(tensor)
    return frozenset(found)


def _have_one_shape(tensors: Iterable[Tensor]) -> bool:
    shapes = {t._shape for t in tensors}
    return len(shapes) == 1 and None not in shapes


def worked_out_once(value: Any) -> Any:
    """`value`, divided by ones of its own shape: one number for all would become a multiplication."""
    return value / unknowably_true(value).astype(value.dtype)
