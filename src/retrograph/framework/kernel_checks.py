"""What an operation refuses when it runs: shapes that its static rule could not see, in the words of TF's kernels.

A check is asked only of operations one of whose inputs had no full static shape: all else is the shape rule's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.operation import Operation
from retrograph.framework.shape import to_text

Check = Callable[..., None]
CHECKS: dict[str, Check] = {}
"""For an op type a function of the operation and its inputs' values, traced ones among them."""


# What is checked is in values, or TF's static rules do not look at it.
_ALWAYS = frozenset(("SparseTensorDenseAdd", "Conv2DBackpropInput", "InvertPermutation"))


def is_checked(op: Operation) -> bool:
    """Whether the static shapes of the operation's inputs left something to check."""
    if op._type not in CHECKS:
        return False
    if op._type in _ALWAYS or op._attrs.get("batch_dims") or _has_negative_axes(op):
        return True
    return any(t._shape is None or None in t._shape for t in op._inputs)


def _has_negative_axes(op: Operation) -> bool:
    """Whether a Transpose is told by a constant to count axes from the end, which its kernel does not."""
    if op._type != "Transpose" or op._inputs[1]._op._type != "Const":
        return False
    return bool((op._inputs[1]._op._attrs["value"] < 0).any())


def _check(*op_types: str) -> Callable[[Check], Check]:
    def register(function: Check) -> Check:
        CHECKS.update(dict.fromkeys(op_types, function))
        return function

    return register


def _require(holds: Any, op: Operation, text: Callable[[], str], error: Any = errors.InvalidArgumentError) -> None:
    if not holds:
        raise error(None, op, text())


def _text(value: Any) -> str:
    return to_text(tuple(value.shape))


@_check("Softmax", "LogSoftmax")
def _logits(op: Operation, logits: Any) -> None:
    _require(logits.ndim, op, lambda: f"logits must have >= 1 dimension, got {_text(logits)}")


@_check("Multinomial", "StatelessMultinomial")
def _matrix_of_logits(op: Operation, *values: Any) -> None:
    logits = values[-2] if op._type == "Multinomial" else values[0]
    _require(logits.ndim == 2, op, lambda: f"logits should be a matrix, got shape {_text(logits)}")


def _channels(op: Operation) -> int:
    layout = op._attrs.get("data_format", b"NHWC")
    return 1 if layout.startswith(b"NC") else -1


@_check("Conv2D")
def _conv2d(op: Operation, images: Any, filters: Any) -> None:
    _require(images.ndim == 4, op, lambda: f"input must be 4-dimensional{_text(images)}")
    _require(filters.ndim == 4, op, lambda: f"filter must be 4-dimensional: {_text(filters)}")
    _require_depth(op, images.shape[_channels(op)], filters.shape[2], "input depth")


@_check("Conv3D")
def _conv3d(op: Operation, volumes: Any, filters: Any) -> None:
    _require(volumes.ndim == 5, op, lambda: "input must be 5-dimensional")
    _require(filters.ndim == 5, op, lambda: "filter must be 5-dimensional")
    _require_depth(op, volumes.shape[_channels(op)], filters.shape[3], "Input depth")


def _require_depth(op: Operation, given: int, wanted: int, what: str) -> None:
    text = f"{what} must be evenly divisible by filter depth: {given} vs {wanted}"
    _require(wanted and given % wanted == 0, op, lambda: text)


@_check("DepthwiseConv2dNative", "Dilation2D")
def _same_depth(op: Operation, images: Any, filters: Any) -> None:
    rank = 4 if op._type == "DepthwiseConv2dNative" else 3
    _require(images.ndim == 4, op, lambda: f"input must be 4-dimensional{_text(images)}")
    _require(filters.ndim == rank, op, lambda: f"filter must be {rank}-dimensional: {_text(filters)}")
    given, wanted = images.shape[_channels(op)], filters.shape[2]
    _require(given == wanted, op, lambda: f"input and filter must have the same depth: {given} vs {wanted}")


@_check("MaxPool", "AvgPool")
def _pool(op: Operation, images: Any) -> None:
    spatial = max(images.ndim - 2, 0)
    text = f"tensor_in_shape must have 2 spatial dimensions. {images.ndim} {spatial}"
    _require(images.ndim == 4, op, lambda: text)
    if op._attrs["padding"] != b"VALID":
        return
    axes = (2, 3) if _channels(op) == 1 else (1, 2)
    for axis in axes:
        _require_window(op, images.shape[axis], op._attrs["ksize"][axis], op._attrs["strides"][axis])


def _require_window(op: Operation, size: int, window: int, stride: int) -> None:
    found = (size - window + stride) // stride
    text = (
        f"Computed output size would be negative: {found} [input_size: {size}, effective_filter_size: {window}, "
        f"stride: {stride}]"
    )
    _require(found >= 0, op, lambda: text)


@_check("BiasAdd")
def _bias(op: Operation, value: Any, bias: Any) -> None:
    _require(value.ndim >= 2, op, lambda: f"Input tensor must be at least 2D: {_text(value)}")
    _require(bias.ndim == 1, op, lambda: f"Biases must be 1D: {_text(bias)}")
    text = "Must provide as many biases as the last dimension of the input tensor"
    holds = bias.shape[0] == value.shape[_channels(op)]
    _require(holds, op, lambda: f"{text}: {_text(bias)} vs. {_text(value)}")


@_check("SoftmaxCrossEntropyWithLogits")
def _dense_labels(op: Operation, logits: Any, labels: Any) -> None:
    pairs = zip(logits.shape[::-1], labels.shape[::-1], strict=False)
    text = "logits and labels must be broadcastable"
    fits = all(a == b or 1 in (a, b) for a, b in pairs)
    _require(fits, op, lambda: f"{text}: logits_size={_text(logits)} labels_size={_text(labels)}")


@_check("SparseSoftmaxCrossEntropyWithLogits")
def _sparse_labels(op: Operation, logits: Any, labels: Any) -> None:
    _require(logits.ndim == 2, op, lambda: f"logits must be 2-D, but got shape {_text(logits)}")
    _require(labels.ndim == 1, op, lambda: f"labels must be 1-D, but got shape {_text(labels)}")
    text = "logits and labels must have the same first dimension, got logits shape"
    holds = logits.shape[0] == labels.shape[0]
    _require(holds, op, lambda: f"{text} {_text(logits)} and labels shape {_text(labels)}")
    _require(logits.shape[1] > 0, op, lambda: f"Must have at least one class, but got logits shape {_text(logits)}")


@_check("InTopK", "InTopKV2")
def _in_top_k(op: Operation, predictions: Any, targets: Any, *_: Any) -> None:
    _require(predictions.ndim == 2, op, lambda: "predictions must be 2-dimensional")
    _require(targets.ndim == 1, op, lambda: "targets must be 1-dimensional")
    text = f"First dimension of predictions {predictions.shape[0]} must match length of targets {targets.shape[0]}"
    _require(predictions.shape[0] == targets.shape[0], op, lambda: text)


@_check("LRN")
def _local_response(op: Operation, images: Any) -> None:
    _require(images.ndim == 4, op, lambda: "in must be 4-dimensional")


@_check("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")
def _resize(op: Operation, images: Any, _: Any) -> None:
    _require(images.ndim == 4, op, lambda: f"input must be 4-dimensional{_text(images)}")


@_check("RGBToHSV", "HSVToRGB")
def _colors(op: Operation, images: Any) -> None:
    _require(images.ndim, op, lambda: f"input must be at least 1D{_text(images)}")
    found = images.shape[-1]
    text = f"input must have 3 channels but input only has {found} channels."
    _require(found == 3, op, lambda: text, errors.FailedPreconditionError)


@_check("Cross")
def _cross(op: Operation, a: Any, b: Any) -> None:
    _require(a.shape == b.shape, op, lambda: f"Both inputs must be of same shape: {_text(a)} vs. {_text(b)}")
    text = "Cross-products are only defined for 3-element vectors."
    _require(a.ndim and a.shape[-1] == 3, op, lambda: text, errors.FailedPreconditionError)


@_check("Select")
def _select(op: Operation, _: Any, then: Any, otherwise: Any) -> None:
    text = "'then' and 'else' must have the same size.  but received:"
    _require(then.shape == otherwise.shape, op, lambda: f"{text} {_text(then)} vs. {_text(otherwise)}")


@_check("DynamicStitch", "ParallelDynamicStitch")
def _stitch(op: Operation, *values: Any) -> None:
    count = len(values) // 2
    for i, (indices, data) in enumerate(zip(values[:count], values[count:], strict=True)):
        fits = tuple(data.shape[: indices.ndim]) == tuple(indices.shape)
        _require(
            fits, op, lambda i=i, data=data, indices=indices:  # type: ignore[misc]
            f"data[{i}].shape = {_text(data)} does not start with indices[{i}].shape = {_text(indices)}",
        )  # fmt: skip


@_check("ScatterNd")
def _scatter_nd(op: Operation, indices: Any, updates: Any, shape: Any) -> None:
    if not isinstance(shape, np.ndarray):
        return
    _require(indices.ndim, op, lambda: f"Indices shape must have rank at least one. Found:{_text(indices)}")
    _require(updates.ndim, op, lambda: f"Updates shape must have rank at least one. Found:{_text(updates)}")
    many = indices.ndim > 1
    batch, depth = (indices.ndim - 1, indices.shape[-1]) if many else (1, 1)
    wanted = (*indices.shape[:batch], *(int(size) for size in shape[depth:]))
    fits = tuple(updates.shape) == wanted
    start = "Must have updates.shape = indices.shape[:batch_dim] + params_shape[slice_dim:], got updates.shape:"
    sizes = to_text(tuple(int(size) for size in shape))
    text = f"{start} {_text(updates)}, indices.shape: {_text(indices)}, params_shape: {sizes}, slice_dim: {depth}"
    _require(fits, op, lambda: f"{text}, and batch_dim: {batch}")


@_check("GatherV2")
def _gather(op: Operation, params: Any, indices: Any, axis: Any) -> None:
    batch = op._attrs.get("batch_dims", 0)
    if not batch:
        return
    rank = indices.ndim
    _require(-rank <= batch < rank, op, lambda: f"Expected batch_dims in the range [{-rank}, {rank}), but got {batch}")


@_check("SparseTensorDenseAdd")
def _sparse_and_dense(op: Operation, indices: Any, values: Any, shape: Any, dense: Any) -> None:
    if not isinstance(shape, np.ndarray) or shape.ndim != 1:
        return
    sizes = shape.tolist()
    text = f"Two operands have different ranks; received: {len(sizes)} and {dense.ndim}"
    _require(len(sizes) == dense.ndim, op, lambda: text)
    for i, (sparse_size, size) in enumerate(zip(sizes, dense.shape, strict=True)):
        start = f"Dimension {i} does not equal (no broadcasting is supported)"
        _require_equal(op, start, sparse_size, size)


def _require_equal(op: Operation, start: str, sparse_size: int, size: int) -> None:
    _require(sparse_size == size, op, lambda: f"{start}: sparse side {sparse_size} vs dense side {size}")


@_check("Transpose")
def _transpose(op: Operation, value: Any, axes: Any) -> None:
    if not isinstance(axes, np.ndarray):
        return
    wrong = [axis for axis in axes.tolist() if not 0 <= axis < value.ndim]
    _require(not wrong, op, lambda: f"{wrong[0]} is out of range [0 .. {value.ndim})")


@_check("ReverseSequence")
def _reverse_sequence(op: Operation, value: Any, lengths: Any) -> None:
    axis = op._attrs["batch_dim"]
    _require(lengths.ndim == 1, op, lambda: f"seq_lens input must be 1-dim, not {lengths.ndim}")
    text = f"len(seq_lens) != input.dims({axis}), ({lengths.shape[0]} vs. {value.shape[axis]})"
    _require(lengths.shape[0] == value.shape[axis], op, lambda: text)


@_check("Pad", "PadV2")
def _pad(op: Operation, value: Any, paddings: Any, *_: Any) -> None:
    if not isinstance(paddings, np.ndarray) or paddings.ndim != 2:
        return
    for before, after in paddings.tolist():
        _require(
            min(before, after) >= 0, op, lambda before=before, after=after:  # type: ignore[misc]
            f"Paddings must be non-negative: {before} {after}",
        )  # fmt: skip


@_check("FFT", "FFT2D", "FFT3D", "IFFT", "IFFT2D", "IFFT3D")
def _fourier(op: Operation, value: Any) -> None:
    rank = int(op._type[-2]) if op._type.endswith("D") else 1
    _require(value.ndim >= rank, op, lambda: f"Input must have rank of at least {rank} but got: {_text(value)}")


@_check("SpaceToDepth")
def _space_to_depth(op: Operation, images: Any) -> None:
    _require(images.ndim == 4, op, lambda: f"Input rank should be: 4 instead of: {images.ndim}")
    size, first = op._attrs["block_size"], 2 if _channels(op) == 1 else 1
    height, width = images.shape[first], images.shape[first + 1]
    text = f"Image width {width} and height {height} should be divisible by block_size: {size}"
    _require(width % size == 0 and height % size == 0, op, lambda: text)


@_check("MatrixSolve")
def _solve(op: Operation, matrix: Any, rhs: Any) -> None:
    fits = min(matrix.ndim, rhs.ndim) >= 2 and matrix.shape[-2] == rhs.shape[-2]
    _require(fits, op, lambda: "Input matrix and rhs are incompatible.")


@_check("Conv2DBackpropInput")
def _conv2d_transposed(op: Operation, sizes: Any, filters: Any, grad: Any) -> None:
    _require(filters.ndim == 4, op, lambda: "Conv2DCustomBackpropInput: filter must be 4-dimensional")
    _require(grad.ndim == 4, op, lambda: "Conv2DCustomBackpropInput: out_backprop must be 4-dimensional")
    padding = op._attrs["padding"]
    if not isinstance(sizes, np.ndarray) or padding == b"EXPLICIT" or sizes.shape != (4,):
        return
    first = 2 if _channels(op) == 1 else 1
    for i in (0, 1):
        numbers = _Window(op, i, first + i, int(sizes[first + i]), filters.shape[i], grad.shape[first + i], padding)
        _require(numbers.fits, op, numbers.text)


class _Window:
    """How many places a convolution's window has along one axis."""

    def __init__(self, op: Operation, i: int, axis: int, size: int, window: int, found: int, padding: bytes) -> None:
        self.i, self.size, self.window, self.found = i, size, window, found
        self.stride = op._attrs["strides"][axis]
        dilations: Sequence[int] = op._attrs.get("dilations", (1, 1, 1, 1))
        self.dilation = dilations[axis]
        reach = (window - 1) * self.dilation + 1
        room = size if padding == b"SAME" else size - reach + 1
        self.wanted = -(-room // self.stride)

    @property
    def fits(self) -> bool:
        return bool(self.found == self.wanted)

    def text(self) -> str:
        return (
            f"Conv2DCustomBackpropInput: Size of out_backprop doesn't match computed: actual = {self.found}, "
            f"computed = {self.wanted} spatial_dim: {self.i + 1} input: {self.size} filter: {self.window} "
            f"output: {self.found} stride: {self.stride} dilation: {self.dilation}"
        )


@_check("InvertPermutation")
def _permutation(op: Operation, value: Any) -> None:
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        return
    seen = set()
    for index in value.tolist():
        _require(0 <= index < len(value), op, lambda index=index: f"{index} is not between 0 and {len(value)}")  # type: ignore[misc]
        _require(index not in seen, op, lambda index=index: f"{index} is duplicated in the input.")  # type: ignore[misc]
        seen.add(index)


@_check("StringSplit", "StringSplitV2")
def _texts(op: Operation, texts: Any, *_: Any) -> None:
    _require(texts.ndim == 1, op, lambda: f"input must be a vector, got shape: {_text(texts)}")
