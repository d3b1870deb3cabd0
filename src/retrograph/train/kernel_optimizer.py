"""Optimizers whose update of a variable is one operation: `ApplyX`, `SparseApplyX` and their resource forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.dtypes import DType
from retrograph.framework.graph import Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.optimizer import Optimizer


def cast(value: Any, dtype: DType | None) -> Any:
    """`value` as a tensor of `dtype` (None: of its own); a tensor that has it already stays as it is."""
    if dtype is None or (value.__class__ is Tensor and value._dtype is dtype):
        return value
    return tf.cast(value, dtype)


def _reference(variable: Any) -> Any:
    """The reference of a variable; anything else is left for the operation to refuse."""
    return variable._ref() if hasattr(variable, "_ref") else variable


class KernelOptimizer(Optimizer):
    """Calls the operations named after `_kernel`; a subclass says which slots and arguments they take."""

    _kernel = ""
    # Input of the operation -> name of the slot.
    _slot_inputs: dict[str, str] = {}
    # Slots that start at zero, in order of creation.
    _zero_slots: tuple[str, ...] = ()
    # How the dense operation calls the gradient.
    _dense_gradient = "grad"

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for v in var_list:
            for slot in self._zero_slots:
                self._zeros_slot(v, slot, self._name)

    # TF's proximal optimizers convert their arguments for sparse updates of resource variables only.
    _converts_always = True

    def _arguments(self, dtype: Any) -> dict[str, Any]:
        """The hyper-parameters by input name, as tensors of `dtype`."""
        raise NotImplementedError

    def _operation(self) -> str:
        """What follows `Apply` in the op type."""
        return self._kernel

    def _attributes(self) -> dict[str, Any]:
        return {"use_locking": self._use_locking}

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return self._apply("Apply", var, var.dtype.base_dtype, {self._dense_gradient: grad})

    def _resource_apply_dense(self, grad: Tensor, handle: Any) -> Any:
        return self._apply("ResourceApply", handle, grad.dtype.base_dtype, {self._dense_gradient: grad})

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        rows = {"grad": grad.values, "indices": grad.indices}
        return self._apply("SparseApply", var, var.dtype.base_dtype, rows)

    def _resource_apply_sparse(self, grad: Tensor, handle: Any, indices: Tensor) -> Any:
        return self._apply("ResourceSparseApply", handle, grad.dtype.base_dtype, {"grad": grad, "indices": indices})

    def _apply(self, kind: str, var: Any, dtype: DType, gradient: dict[str, Any]) -> Any:
        variables = {"var": var} | {arg: self.get_slot(var, name) for arg, name in self._slot_inputs.items()}
        cells = {arg: v.handle if kind[0] == "R" else _reference(v) for arg, v in variables.items()}
        arguments = self._arguments(dtype if self._converts_always or kind == "ResourceSparseApply" else None)
        inputs = {**cells, **arguments, **gradient, **self._attributes()}
        made = apply_op(kind + self._operation(), None, **inputs)
        return made.op if isinstance(made, Tensor) else made
