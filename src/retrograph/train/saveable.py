"""What a saver saves under one name: the tensors, and the operations that put restored values back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import internal_convert_to_tensor
from retrograph.framework.default_graph import device
from retrograph.framework.device import DeviceSpec
from retrograph.framework.dtypes import DType
from retrograph.framework.operation import Tensor
from retrograph.variables.base import Variable
from retrograph.variables.partition import PartitionedVariable
from retrograph.variables.reference import RefVariable
from retrograph.variables.resource import BaseResourceVariable

_REFERENCES = ("Variable", "VariableV2", "AutoReloadVariable")
_HOLDERS = (*_REFERENCES, "VarHandleOp", "ReadVariableOp")


def on_cpu(device_name: str) -> str:
    """The first CPU of the machine that a device is on."""
    spec = DeviceSpec.from_string(device_name or "")
    spec.device_type, spec.device_index = "CPU", 0
    return spec.to_string()


class SaveSpec:
    """One tensor to save: the tensor (or a function that makes it), the part of the whole that it is, its name."""

    def __init__(self, tensor: Any, slice_spec: str, name: str, dtype: Any = None, device: str | None = None):
        self._tensor, self.slice_spec, self.name = tensor, slice_spec, name
        self.dtype: DType = (dtype if dtype is not None else tensor.dtype).base_dtype
        self.device = device if device is not None else getattr(tensor, "device", "")

    @property
    def tensor(self) -> Any:
        """The tensor."""
        return self._tensor() if callable(self._tensor) and not isinstance(self._tensor, Tensor) else self._tensor


class SaveableObject:
    """Something with a name that a saver saves as the tensors `specs`, and that knows how to restore itself.

    Programs derive classes from it; `restore(restored_tensors, restored_shapes)` gives an operation.
    """

    def __init__(self, op: Any, specs: list[SaveSpec], name: str):
        self.op, self.specs, self.name = op, specs, name

    @property
    def device(self) -> str:
        """The device of the first tensor."""
        return self.specs[0].device or ""

    def restore(self, restored_tensors: list[Any], restored_shapes: list[Any] | None) -> Any:
        """The operation that puts restored values back."""
        raise NotImplementedError("Calling an abstract method.")


def _shaped(tensors: list[Any], shapes: list[Any] | None) -> Any:
    return tensors[0] if shapes is None else tf.reshape(tensors[0], shapes[0])


class ReferenceVariableSaveable(SaveableObject):
    """A reference variable."""

    def __init__(self, var: Any, slice_spec: str, name: str):
        super().__init__(var, [SaveSpec(var, slice_spec, name, dtype=var.dtype)], name)

    def restore(self, restored_tensors: list[Any], restored_shapes: list[Any] | None) -> Any:
        """The Assign operation."""
        checked = restored_shapes is None and self.op.get_shape().is_fully_defined()
        return tf.assign(self.op, _shaped(restored_tensors, restored_shapes), validate_shape=checked)


class ResourceVariableSaveable(SaveableObject):
    """A resource variable, given as itself or as a tensor read from it."""

    def __init__(self, var: Any, slice_spec: str, name: str):
        read = isinstance(var, Tensor)
        self._handle = var.op.inputs[0] if read else var.handle
        self._device, self._shape = var.device, var.shape
        spec = SaveSpec(var if read else _reader(var), slice_spec, name, var.dtype, var.device)
        super().__init__(var, [spec], name)

    def restore(self, restored_tensors: list[Any], restored_shapes: list[Any] | None) -> Any:
        """The AssignVariableOp operation."""
        tensor = _shaped(restored_tensors, restored_shapes)
        with device(self._device):
            tensor = tf.identity(tensor)
            if not self._shape.is_compatible_with(tensor.shape):
                raise ValueError(f"Shapes {self._shape} and {tensor.shape} are incompatible")
            return apply_op("AssignVariableOp", None, resource=self._handle, value=tensor)


def _reader(variable: Any) -> Callable[[], Any]:
    def read() -> Any:
        with device(variable.device):
            value = variable.read_value()
            with device("/device:CPU:0"):
                return tf.identity(value)

    return read


def _saveable(variable: Any, slice_spec: str, name: str) -> SaveableObject:
    reference = variable.op.type in _REFERENCES
    return (ReferenceVariableSaveable if reference else ResourceVariableSaveable)(variable, slice_spec, name)


def _slices(parts: list[Any], name: str) -> Iterator[SaveableObject]:
    full_name = None
    for part in parts:
        if not isinstance(part, Variable):
            raise ValueError(f"Slices must all be Variables: {part}")
        info = part._get_save_slice_info()
        if not info:
            raise ValueError(f"Slices must all be slices: {part}")
        if full_name not in (None, info.full_name):
            raise ValueError(f"Slices must all be from the same tensor: {full_name} != {info.full_name}")
        full_name = info.full_name
        yield _saveable(part, info.spec, name)


def saveables_of(op: Any, name: Any) -> Iterator[SaveableObject]:
    """What to save under `name` for a variable, a list of slices, a tensor of a variable, or an object of one's own.

    Raises: TypeError, ValueError for anything else.
    """
    if not isinstance(name, str):
        raise TypeError(
            "names_to_saveables must be a dict mapping string names to "
            f"trackable operations. Name is not a string: {name}"
        )
    if isinstance(op, SaveableObject):
        yield op
    elif isinstance(op, (list, tuple, PartitionedVariable)):
        yield from _slices(list(op), name)
    elif isinstance(op, BaseResourceVariable):
        yield ResourceVariableSaveable(op._graph_element, "", name)
    elif not isinstance(op, Variable) and hasattr(op, "_gather_saveables_for_checkpoint"):
        yield from _of_trackable(op, name)
    else:
        variable = internal_convert_to_tensor(op, as_ref=True)
        if not (isinstance(variable, Tensor) and variable.op.type in _HOLDERS):
            raise TypeError(
                "names_to_saveables must be a dict mapping string "
                f"names to Tensors/Variables. Not a variable: {variable}"
            )
        yield _saveable(variable, "", name)


def _of_trackable(op: Any, name: str) -> Iterator[SaveableObject]:
    for attribute, factory in op._gather_saveables_for_checkpoint().items():
        full = name if attribute == "VARIABLE_VALUE" else f"{name}_{attribute}"
        made = factory(full) if callable(factory) else factory
        yield from saveables_of(made, made.name)


def _name_of(variable: Any) -> tuple[str, Any]:
    if isinstance(variable, BaseResourceVariable):
        tensor = variable._graph_element
    else:
        tensor = internal_convert_to_tensor(variable, as_ref=True)
    if not (isinstance(tensor, Tensor) and tensor.op.type in _HOLDERS):
        raise TypeError(f"Variable to save is not a Variable: {tensor}")
    op = tensor.op.inputs[0].op if tensor.op.type == "ReadVariableOp" else tensor.op
    return op.name, tensor


def by_name(op_list: Any) -> dict[str, Any]:
    """Variables by the names under which they are saved; slices of one variable together.

    Raises: TypeError for no list; ValueError for two variables of one name.
    """
    if not isinstance(op_list, (list, tuple, set)):
        raise TypeError(f"Variables to save should be passed in a dict or a list: {op_list}")
    found: dict[str, Any] = {}
    for var in sorted(op_list, key=lambda x: x.name):
        if isinstance(var, SaveableObject):
            found[var.name] = var
        elif isinstance(var, Variable) and var._get_save_slice_info():
            name = var._get_save_slice_info().full_name
            if not isinstance(found.setdefault(name, []), list):
                raise ValueError(f"Mixing slices and non-slices with the same name: {name}")
            found[name].append(var)
        elif hasattr(var, "_gather_saveables_for_checkpoint") and not isinstance(
            var, (RefVariable, BaseResourceVariable)
        ):
            factories = var._gather_saveables_for_checkpoint().values()
            found.update(by_name([f() if callable(f) else f for f in factories]))
        else:
            name, var = (var.name, var) if isinstance(var, PartitionedVariable) else _name_of(var)
            if name in found:
                raise ValueError(f"At least two variables have the same name: {name}")
            found[name] = var
    return found


def all_saveables(names_to_saveables: Any) -> list[SaveableObject]:
    """What to save, sorted by name, for variables in a list or by name.

    Raises: ValueError for a variable under two names.
    """
    if not isinstance(names_to_saveables, dict):
        names_to_saveables = by_name(names_to_saveables)
    found: dict[int, SaveableObject] = {}
    for name, op in sorted(names_to_saveables.items(), key=lambda x: x[0]):
        for saveable in saveables_of(op, name):
            if id(saveable.op) in found:
                raise ValueError(f"The same saveable will be restored with two names: {saveable.name}")
            found[id(saveable.op)] = saveable
    return list(found.values())
