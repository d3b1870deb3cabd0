"""Tensors that stay in a session between its runs, and the handles that they are called by."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import colocate_with, device
from retrograph.framework.device import canonical_name
from retrograph.framework.dtypes import DType
from retrograph.framework.dtypes import string as string_type
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar

_KEPT_ON = "/job:localhost/replica:0/task:0/device:CPU:0"
_MAKES = ("GetSessionHandle", "GetSessionHandleV2")


class _Store:
    """The tensors of a session by handle."""

    def __init__(self, number: int):
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {}
        self._next = 0

    def add(self, name: str, value: Any) -> str:
        """Keeps a value; gives its handle."""
        with self._lock:
            handle = f"{name};{self._next};{_KEPT_ON}"
            self._next += 1
            self._kept[handle] = value
            return handle

    def get(self, handle: str, op: Any = None) -> Any:
        """The value of a handle; InvalidArgumentError: none is kept."""
        with self._lock:
            if handle not in self._kept:
                raise errors.InvalidArgumentError(
                    None, op, f"The tensor with handle '{handle}' is not in the session store."
                )
            return self._kept[handle]

    def drop(self, handle: str) -> bool:
        """Forgets the value of a handle; False if none was kept."""
        with self._lock:
            return self._kept.pop(handle, None) is not None


def _store(resources: Any) -> _Store:
    found: _Store = resources.find_or_make("tensors of the session", _Store)
    return found


class TensorHandle:
    """A tensor that a session keeps until this goes: to be fed in place of a value. Source: TF 1.15 `session_ops.TensorHandle`."""

    def __init__(self, handle: Any, dtype: DType, session: Any):
        self._handle = handle.decode() if isinstance(handle, bytes) else str(handle)
        self._dtype = dtype
        self._session = session
        self._auto_gc_enabled = True

    def __del__(self) -> None:
        """Frees the tensor."""
        if self._auto_gc_enabled:
            _store(self._session._resources).drop(self._handle)

    def __str__(self) -> str:
        return self._handle

    @property
    def handle(self) -> str:
        """The handle as a string, as what `get_session_tensor` gives first is fed."""
        return self._handle

    def value_for(self, tensor: Tensor) -> Any:
        """The array, as it is fed to a tensor; InvalidArgumentError: no longer kept, or of another type."""
        value, wanted = _store(self._session._resources).get(self._handle), tensor._dtype._base
        if self._dtype._base != wanted:
            raise errors.InvalidArgumentError(
                None, None, f"Expects arg[0] to be {wanted.name} but {self._dtype.name} is provided"
            )
        return value

    def eval(self) -> Any:
        """The value; TypeError: deleted, or its raw handle was taken."""
        self._check_alive()
        holder, reader = _once(self._session.graph, ("reader", self._dtype), lambda: _reader(self._handle, self._dtype))
        return self._session.run(reader, feed_dict={holder: self._handle})

    def delete(self) -> None:
        """Frees the tensor now; TypeError: deleted, or its raw handle was taken."""
        self._check_alive()
        self._auto_gc_enabled = False
        holder, deleter = _once(self._session.graph, "deleter", lambda: delete_session_tensor(self._handle))
        self._session.run(deleter, feed_dict={holder: self._handle})

    def get_raw_handle(self) -> str:
        """The handle as a string; the tensor stays until it is deleted by it."""
        self._auto_gc_enabled = False
        return self._handle

    def _check_alive(self) -> None:
        if not self._auto_gc_enabled:
            raise TypeError(f"Persistent tensor {self.handle} may have already been deleted.")


def _once(graph: Graph, key: Any, make: Any) -> Any:
    known = graph.__dict__.setdefault("_handle_parts", {})
    if key not in known:
        with graph.as_default():
            known[key] = make()
    return known[key]


def makes_handle(tensor: Tensor) -> bool:
    """Whether what is fetched is a handle of a tensor."""
    return tensor.op.type in _MAKES


def _placeholder() -> Any:
    return apply_op("Placeholder", None, dtype=string_type)


def _reader(handle: Any, dtype: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    with device(canonical_name(str(handle).split(";")[-1])):
        holder = _placeholder()
        return holder, apply_op("GetSessionTensor", name, handle=holder, dtype=dtype)


@export("get_session_handle")
def get_session_handle(data: Any, name: str | None = None) -> Tensor:
    """A tensor that is fetched as a `TensorHandle` of `data`, which stays in the session.

    Raises TypeError: no tensor. Source: TF 1.15 `tf.get_session_handle`.
    """
    if not isinstance(data, Tensor):
        raise TypeError("`data` must be of type Tensor.")
    with colocate_with(data):
        return apply_op("GetSessionHandle", name, value=data)  # type: ignore[no-any-return]


@export("get_session_tensor")
def get_session_tensor(handle: Any, dtype: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """A placeholder for a handle, and the tensor that the handle fed to it stands for.

    Raises ValueError: no handle. Source: TF 1.15 `tf.get_session_tensor`.
    """
    return _reader(handle, dtype, name)


@export("delete_session_tensor")
def delete_session_tensor(handle: Any, name: str | None = None) -> tuple[Tensor, Operation]:
    """A placeholder for a handle, and the operation that frees the tensor of the handle fed to it.

    Raises ValueError: no handle. Source: TF 1.15 `tf.delete_session_tensor`.
    """
    with device(canonical_name(str(handle).split(";")[-1])):
        holder = _placeholder()
        return holder, apply_op("DeleteSessionTensor", name, handle=holder)


def _text(handle: Any) -> str:
    value = np.asarray(handle, object).item()
    return value.decode() if isinstance(value, bytes) else str(value)


def _keep(op: Operation, ctx: Any, value: Any) -> Any:
    return np.array(_store(ctx.resources).add(op.name, np.array(value)).encode(), object)


def _take(op: Operation, ctx: Any, handle: Any) -> Any:
    value = _store(ctx.resources).get(_text(handle), op)
    if value.dtype != op.outputs[0].dtype.as_numpy_dtype:
        raise errors.InternalError(
            None, op,
            f"Output 0 of type {value.dtype.name} does not match declared output type {op.outputs[0].dtype.name} for node {op.name}",
        )  # fmt: skip
    return value


def _drop(op: Operation, ctx: Any, handle: Any) -> Any:
    if not _store(ctx.resources).drop(_text(handle)):
        raise errors.InvalidArgumentError(
            None, op, f"Failed to delete a tensor with handle '{_text(handle)}' in the session store."
        )
    return ()


def _unknown(c: ShapeContext) -> list[Any]:
    return [None]


for _op_type, _rule, _run in (
    ("GetSessionHandle", scalar, _keep),
    ("GetSessionTensor", _unknown, _take),
    ("DeleteSessionTensor", no_outputs, _drop),
):
    register_op(_op_type, shape=_rule, numpy=_run, host=True, effect=True, gradient=NO_GRADIENT)
