"""`tf.TensorArray`: elements written and read one by one, mostly by loops.

What the graph calls `flow`, a scalar that orders operations in TF, is here the array itself: an operation that writes
gives a new flow. So loops carry TensorArrays as ordinary values, and gradients come from differentiating the reads and
writes. The runtime value is an `ArrayValue`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import colocate_with, control_dependencies, device, name_scope
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jax
from retrograph.framework.logger import get_logger
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape, TensorShape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar, unknown
from retrograph.framework.static_value import constant_value
from retrograph.ops.array_value import ArrayHandle, ArrayValue


@export("TensorArray")
class TensorArray:
    """Elements of one dtype, written by index and read or stacked afterwards.

    >>> ta = tf.TensorArray(tf.float32, size=3)
    >>> ta = ta.write(0, 1.0)
    >>> ta.stack()                                # f32[3, ...]

    Raises: ValueError for contradicting arguments; TypeError for a `handle` that is not a tensor.
    Source: TF 1.15 tf.TensorArray. Differs: `clear_after_read` is recorded, elements can be read again.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Tensor | None = None,
        flow: Tensor | None = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ):
        _check_arguments(handle, size, tensor_array_name, element_shape, dynamic_size, clear_after_read)
        self._dynamic_size = dynamic_size or False
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._infer_shape = infer_shape
        self._colocate_with_first_write_call = colocate_with_first_write_call
        # Lists, because every TensorArray made from this one shares what is learnt later.
        self._colocate_with: list[Tensor] = []
        self._element_shape = [TensorShape(element_shape)]
        with name_scope(name, "TensorArray", [handle, size, flow]) as scope:
            if handle is not None:
                if flow is None:
                    raise ValueError("flow must not be None if handle is not None.")
                self._handle, self._flow = handle, flow
                return
            with contextlib.ExitStack() as stack:
                if colocate_with_first_write_call:
                    stack.enter_context(device(None))
                    stack.enter_context(colocate_with(None, ignore_existing=True))
                clears = clear_after_read is None or clear_after_read
                self._handle, self._flow = self._made(scope, size, element_shape, clears, tensor_array_name or "")

    def _made(self, scope: str, size: Any, element_shape: Any, clear_after_read: bool, name: str) -> Any:
        return apply_op(
            "TensorArrayV3",
            scope,
            size=size,
            dtype=self._dtype,
            element_shape=element_shape,
            identical_element_shapes=self._infer_shape,
            dynamic_size=self._dynamic_size,
            clear_after_read=clear_after_read,
            tensor_array_name=name,
        )

    @property
    def flow(self) -> Tensor:
        """The tensor that stands for the contents."""
        return self._flow

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._dtype

    @property
    def handle(self) -> Tensor:
        """The resource that the array is known by."""
        return self._handle

    @property
    def element_shape(self) -> TensorShape:
        """What is known of the shape of an element."""
        return self._element_shape[0]

    @property
    def dynamic_size(self) -> bool:
        """Whether writing past the end makes the array longer."""
        return self._dynamic_size

    def with_flow(self, flow: Tensor) -> TensorArray:
        """The same array with other contents."""
        new = TensorArray(
            dtype=self._dtype,
            handle=self._handle,
            flow=flow,
            infer_shape=self._infer_shape,
            colocate_with_first_write_call=self._colocate_with_first_write_call,
        )
        new._dynamic_size = self._dynamic_size
        new._colocate_with = self._colocate_with
        new._element_shape = self._element_shape
        return new

    def _apply(self, op_type: str, name: str | None, **kwargs: Any) -> Any:
        return apply_op(op_type, name, handle=self._handle, flow_in=self._flow, **kwargs)

    def _learn_shape(self, shape: TensorShape) -> None:
        if not shape.is_compatible_with(self.element_shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.element_shape} ")
        if self._infer_shape:
            self._element_shape[0] = self.element_shape.merge_with(shape)

    @contextlib.contextmanager
    def _colocated(self, value: Tensor) -> Iterator[None]:
        if not self._colocate_with_first_write_call:
            yield
            return
        if not self._colocate_with:
            self._colocate_with.append(value)
        with colocate_with(self._colocate_with[0]):
            yield

    def _converted(self, value: Any) -> Tensor:
        tensor: Tensor = convert_to_tensor(value, preferred_dtype=self._dtype, name="value")
        if tensor.dtype != self._dtype:
            get_logger().error(
                "Error: Input value %s has dtype %s, but expected dtype %s.  This leads to undefined behavior and will "
                "be an error in future versions of TensorFlow.",
                tensor,
                tensor.dtype,
                self._dtype,
            )
        return tensor

    def identity(self) -> TensorArray:
        """The same array, there only after the control dependencies in force."""
        return self.with_flow(apply_op("Identity", None, input=self._flow))

    def grad(self, source: str, flow: Tensor | None = None, name: str | None = None) -> TensorArray:
        """Refused: gradients of TensorArrays come from `tf.gradients` alone.

        Raises: UnimplementedError.
        """
        raise errors.UnimplementedError(None, self._handle.op, "TensorArray.grad: use tf.gradients")

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at `index` (`int32[]`)."""
        value: Tensor = self._apply("TensorArrayReadV3", name, index=index, dtype=self._dtype)
        value.set_shape(self.element_shape)
        return value

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index` (`int32[]`).

        Raises: ValueError if the shape contradicts earlier ones.
        """
        with name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = self._converted(value)
            self._learn_shape(value.get_shape())
            with self._colocated(value):
                flow = self._apply("TensorArrayWriteV3", name, index=index, value=value)
            return self.with_flow(flow)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements in one tensor `[size, ...]`."""
        from retrograph.ops import math

        with colocate_with(self._handle), name_scope(name, "TensorArrayStack", [self._handle]):
            return self.gather(math.range(0, self.size()), name=name)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at `indices` (`int32[n]`) in one tensor `[n, ...]`."""
        value: Tensor = self._apply(
            "TensorArrayGatherV3", name, indices=indices, dtype=self._dtype, element_shape=self.element_shape
        )
        if self.element_shape.dims is not None:
            value.set_shape([None, *self.element_shape.as_list()])
        return value

    def concat(self, name: str | None = None) -> Tensor:
        """All elements one after the other along their first dimension."""
        shape = self.element_shape
        rest = shape[1:] if shape.dims is not None else TensorShape(None)
        value: Tensor = self._apply("TensorArrayConcatV3", name, dtype=self._dtype, element_shape_except0=rest)[0]
        if shape.dims is not None:
            value.set_shape([None, *shape.as_list()[1:]])
        return value

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of `value` as its elements."""
        from retrograph.ops import array, math

        with name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            rows = array.shape(value)[0]
            return self.scatter(indices=math.range(0, rows), value=value, name=name)

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with row i of `value` at `indices[i]` (`int32[n]`).

        Raises: ValueError if the shape contradicts earlier ones.
        """
        with name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = self._converted(value)
            self._learn_shape(value.get_shape()[1:])
            with self._colocated(value):
                flow = self._apply("TensorArrayScatterV3", name, indices=indices, value=value)
            return self.with_flow(flow)

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array with consecutive parts of `value`, `lengths[i]` rows each, as its elements.

        Raises: ValueError if the shape contradicts earlier ones.
        """
        from retrograph.ops import math

        with name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = convert_to_tensor(value, dtype=self._dtype, name="value")
            with self._colocated(value):
                lengths = math.cast(lengths, dtypes.int64)
                known = constant_value(lengths)
                if value.get_shape().dims is not None and known is not None and known.ndim and len(set(known)) == 1:
                    self._learn_shape(TensorShape([int(known[0])]).concatenate(value.get_shape()[1:]))
                flow = self._apply("TensorArraySplitV3", name, value=value, lengths=lengths)
            return self.with_flow(flow)

    def size(self, name: str | None = None) -> Tensor:
        """`int32[]`: the number of elements."""
        return self._apply("TensorArraySizeV3", name)  # type: ignore[no-any-return]

    def close(self, name: str | None = None) -> Operation:
        """An operation that gives up the array."""
        return apply_op("TensorArrayCloseV3", name, handle=self._handle)  # type: ignore[no-any-return]


def _check_arguments(
    handle: Any, size: Any, tensor_array_name: Any, element_shape: Any, dynamic_size: Any, clear_after_read: Any
) -> None:
    if handle is None:
        if size is None:
            raise ValueError("Size must be provided if handle is not provided")
        return
    if tensor_array_name:
        raise ValueError("Cannot construct with both handle and tensor_array_name")
    if not isinstance(handle, Tensor):
        raise TypeError("Handle must be a Tensor")
    given = {
        "size": size,
        "element_shape": element_shape,
        "dynamic_size": dynamic_size,
        "clear_after_read": clear_after_read,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"Cannot provide both a handle and {name} at the same time")


def flow_of(value: Any) -> Any:
    """The flow of a TensorArray; anything else as it is."""
    return value.flow if isinstance(value, TensorArray) else value


def with_flows(originals: Sequence[Any], tensors: Sequence[Tensor]) -> list[Any]:
    """The tensors, those that stand where `originals` has a TensorArray as its new contents.

    Raises: ValueError if the numbers differ.
    """
    if len(originals) != len(tensors):
        raise ValueError(
            f"Lengths of original Tensor list and new list do not match: {len(originals)} vs. {len(tensors)}"
        )
    return [x.with_flow(t) if isinstance(x, TensorArray) else t for x, t in zip(originals, tensors, strict=True)]


# ---- rows


def _create(op: Operation, size: Any) -> tuple[ArrayHandle, ArrayValue]:
    count = int(size)
    if count < 0:
        raise errors.InvalidArgumentError(None, op, "Size should be >= 0.")
    shape = op.attrs["element_shape"]
    name = op.attrs["tensor_array_name"].decode() or op.name
    dtype = op.attrs["dtype"].as_numpy_dtype
    handle = ArrayHandle(name, count, np.dtype(dtype), shape, op.attrs["dynamic_size"])
    return handle, ArrayValue(handle, [None] * count)


def _grad_array(op: Operation, handle: ArrayHandle, flow: ArrayValue) -> tuple[ArrayHandle, ArrayValue]:
    return handle, flow.zeros()


def _read(op: Operation, handle: ArrayHandle, index: Any, flow: ArrayValue) -> Any:
    return flow.read(op, index)


def _write(op: Operation, handle: ArrayHandle, index: Any, value: Any, flow: ArrayValue) -> ArrayValue:
    if flow.handle.dynamic and not isinstance(index, (np.ndarray, np.generic)):
        if not isinstance(index, jax.core.Tracer):
            # A derivative that is taken on the host: the indices are not traced.
            return flow.write(op, np.asarray(index), value)
        from retrograph.runtime.lower import NeedsConcreteError

        # How long the array becomes depends on the index.
        raise NeedsConcreteError(op.inputs[1])
    return flow.write(op, index, value)


def _gather(op: Operation, handle: ArrayHandle, indices: Any, flow: ArrayValue) -> Any:
    return flow.gather(op, indices)


def _scatter(op: Operation, handle: ArrayHandle, indices: Any, value: Any, flow: ArrayValue) -> ArrayValue:
    return flow.scatter(op, indices, value)


def _concat(op: Operation, handle: ArrayHandle, flow: ArrayValue) -> tuple[Any, Any]:
    return flow.concat(op)


def _split(op: Operation, handle: ArrayHandle, value: Any, lengths: Any, flow: ArrayValue) -> ArrayValue:
    return flow.split(op, value, np.asarray(lengths))


def _size(op: Operation, handle: ArrayHandle, flow: ArrayValue) -> Any:
    return np.array(flow.size, np.int32) if flow.length is None else flow.length


def _close(op: Operation, handle: ArrayHandle) -> tuple[()]:
    return ()


def _gather_shape(c: ShapeContext) -> list[Shape]:
    indices, element = c.input(1), c.attr("element_shape")
    rows = indices[0] if indices is not None and len(indices) == 1 else None
    return [None if element is None else (rows, *element)]


def _concat_shape(c: ShapeContext) -> list[Shape]:
    rest = c.attr("element_shape_except0")
    return [None if rest is None else (None, *rest), (None,)]


def _gradient_array(op: Operation, flow: Tensor) -> tuple[Tensor, Tensor]:
    """A TensorArray of zeros like the one that `op` reads, in which its gradient adds up."""
    with name_scope(None, "TensorArrayGrad", [op.inputs[0]]), colocate_with(op.inputs[0]):
        handle, zeros = apply_op("TensorArrayGradV3", None, handle=op.inputs[0], flow_in=flow, source="gradients")
        with control_dependencies([handle]):
            return handle, apply_op("Identity", "gradient_flow", input=zeros)


_PASSING = frozenset(("Switch", "Identity", "Enter", "Merge", "Exit", "NextIteration"))


def zeros_of_flow(value: Tensor, there: Tensor) -> Tensor | None:
    """If `value` is the contents of a TensorArray, those of one of zeros, of the form of `there`."""
    seen = set()
    while value._op.type in _PASSING and value not in seen:
        seen.add(value)
        value = value._op._inputs[0]
    op = value._op
    if not op.type.startswith("TensorArray") or value._dtype.name != "float32" or value._shape != ():
        return None
    if op.type in ("TensorArrayV3", "TensorArrayGradV3"):
        handle = op._outputs[0]
    elif op.type in ("TensorArrayWriteV3", "TensorArrayScatterV3", "TensorArraySplitV3"):
        handle = op._inputs[0]
    else:
        return None
    return apply_op("TensorArrayGradV3", None, handle=handle, flow_in=there, source="gradients")[1]  # type: ignore[no-any-return]


def _read_grad(op: Operation, grad: Any) -> list[Any]:
    handle, flow = _gradient_array(op, op.inputs[2])
    return [
        None,
        None,
        apply_op("TensorArrayWriteV3", None, handle=handle, index=op.inputs[1], value=grad, flow_in=flow),
    ]


def _write_grad(op: Operation, flow: Any) -> list[Any]:
    dtype = op.get_attr("T")
    grad = apply_op("TensorArrayReadV3", None, handle=op.inputs[0], index=op.inputs[1], flow_in=flow, dtype=dtype)
    grad.set_shape(op.inputs[2].get_shape())
    return [None, None, grad, flow]


def _gather_grad(op: Operation, grad: Any) -> list[Any]:
    handle, flow = _gradient_array(op, op.inputs[2])
    made = apply_op("TensorArrayScatterV3", None, handle=handle, indices=op.inputs[1], value=grad, flow_in=flow)
    return [None, None, made]


def _scatter_grad(op: Operation, flow: Any) -> list[Any]:
    dtype = op.get_attr("T")
    grad = apply_op("TensorArrayGatherV3", None, handle=op.inputs[0], indices=op.inputs[1], flow_in=flow, dtype=dtype)
    grad.set_shape(op.inputs[2].get_shape())
    return [None, None, grad, flow]


def _concat_grad(op: Operation, grad: Any, _: Any = None) -> list[Any]:
    handle, flow = _gradient_array(op, op.inputs[1])
    return [
        None,
        apply_op("TensorArraySplitV3", None, handle=handle, value=grad, lengths=op.outputs[1], flow_in=flow),
    ]


def _split_grad(op: Operation, flow: Any) -> list[Any]:
    dtype = op.get_attr("T")
    grad = apply_op("TensorArrayConcatV3", None, handle=op.inputs[0], flow_in=flow, dtype=dtype)[0]
    grad.set_shape(op.inputs[1].get_shape())
    return [None, grad, None, flow]


def _flow_shape(c: ShapeContext) -> list[Shape]:
    return [()]


def _array_shape(c: ShapeContext) -> list[Shape]:
    return [(2,), ()]


def _row(op_type: str, function: Any, shape: Any, gradient: Any, static_inputs: tuple[int, ...] = ()) -> None:
    register_op(op_type, shape=shape, lower=function, numpy=function, gradient=gradient, static_inputs=static_inputs)


_row("TensorArrayV3", _create, _array_shape, NO_GRADIENT, static_inputs=(0,))
_row("TensorArrayGradV3", _grad_array, _array_shape, NO_GRADIENT)
_row("TensorArrayReadV3", _read, unknown, _read_grad)
_row("TensorArrayWriteV3", _write, _flow_shape, _write_grad)
_row("TensorArrayGatherV3", _gather, _gather_shape, _gather_grad)
_row("TensorArrayScatterV3", _scatter, _flow_shape, _scatter_grad)
_row("TensorArrayConcatV3", _concat, _concat_shape, _concat_grad)
_row("TensorArraySplitV3", _split, _flow_shape, _split_grad, static_inputs=(2,))
_row("TensorArraySizeV3", _size, scalar, NO_GRADIENT)
_row("TensorArrayCloseV3", _close, no_outputs, NO_GRADIENT)
