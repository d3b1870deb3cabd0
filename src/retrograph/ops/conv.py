"""Convolutions for users: `tf.nn.conv1d` to `conv3d`, transposed and dilated ones; their rows are in `conv_rows`."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape, as_shape, dimension_at_index
from retrograph.ops import array as array_ops
from retrograph.ops import joining, spaces
from retrograph.ops.array import lookup_renamed
from retrograph.ops.atrous import dilated, strides_and_dilations
from retrograph.ops.window import per_axis


def _padding_attributes(padding: Any) -> dict[str, Any]:
    """The attributes `padding` and `explicit_paddings` for a padding by name or by numbers."""
    if padding == "EXPLICIT":
        raise ValueError(
            '"EXPLICIT" is not a valid value for the padding parameter. To use explicit padding, '
            "the padding parameter must be a list."
        )
    if not isinstance(padding, (list, tuple)):
        return {"padding": padding, "explicit_paddings": []}
    for i, pair in enumerate(padding):
        _check_pair(i, pair)
    if len(padding) != 4:
        raise ValueError(f"When padding is a list, it must be of size 4. Got padding of size: {len(padding)}")
    return {"padding": "EXPLICIT", "explicit_paddings": [p for pair in padding for p in pair]}


def _check_pair(i: int, pair: Any) -> None:
    rule = "When padding is a list, each element of padding must be a list/tuple of size 2. "
    if not isinstance(pair, (list, tuple)):
        raise ValueError(f"{rule}Element with index {i} of padding is not a list/tuple")
    if len(pair) != 2:
        raise ValueError(f"{rule}Element with index {i} of padding has size {len(pair)}")


def _channel_index(data_format: str, n: int) -> int:
    return 1 if data_format.startswith("NC") else n + 1


@export("nn.conv2d")
def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: Any = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """Convolves images `[batch, height, width, in]` with a filter `[height, width, in, out]`.

    >>> tf.nn.conv2d(tf.ones([1, 4, 4, 3]), tf.ones([2, 2, 3, 5]), [1, 1, 1, 1], "SAME").shape
    TensorShape([Dimension(1), Dimension(4), Dimension(4), Dimension(5)])

    `padding` is "SAME", "VALID" or a pair of numbers for each axis.
    Raises ValueError if the depths do not agree or a window does not fit.
    Source: TF 1.15 `tf.nn.conv2d`.
    """
    data_format = data_format or "NHWC"
    channel = _channel_index(data_format, 2)
    return apply_op(
        "Conv2D",
        name,
        input=input,
        filter=lookup_renamed("filters", filters, "filter", filter),
        strides=per_axis(strides, 2, channel, "strides"),
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=per_axis(dilations, 2, channel, "dilations"),
    )


@export("nn.conv2d_backprop_filter")
def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv2d` with respect to the filter. Source: TF 1.15 `tf.nn.conv2d_backprop_filter`."""
    return apply_op(
        "Conv2DBackpropFilter",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
    )


@export("nn.conv2d_backprop_input")
def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = [1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv2d` with respect to the input. Source: TF 1.15 `tf.nn.conv2d_backprop_input`."""
    return apply_op(
        "Conv2DBackpropInput",
        name,
        input_sizes=input_sizes,
        filter=lookup_renamed("filters", filters, "filter", filter),
        out_backprop=out_backprop,
        strides=strides,
        **_padding_attributes(padding),
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
    )


_WIDE_FORMATS = {None: "NHWC", "NHWC": "NHWC", "NWC": "NHWC", "NCHW": "NCHW", "NCW": "NCHW"}


def _wide_format(data_format: Any) -> tuple[str, int, int]:
    """For a 1-D data format: the 2-D one, the axis to put in, and the channel axis of the 1-D one."""
    wide = _WIDE_FORMATS.get(data_format)
    if wide is None:
        raise ValueError('data_format must be "NWC" or "NCW".')
    return (wide, 1, 2) if wide == "NHWC" else (wide, 2, 1)


@export("nn.conv1d")
def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: Any = None,
    data_format: Any = None,
    name: Any = None,
    input: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves sequences `[batch, width, in]` with a filter `[width, in, out]`.

    Raises ValueError for a data format other than NWC or NCW. Source: TF 1.15 `tf.nn.conv1d`.
    """
    value = lookup_renamed("input", input, "value", value)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        wide, axis, channel = _wide_format(data_format)
        strides = [1, *per_axis(stride, 1, channel, "stride")]
        rates = [1, *per_axis(dilations, 1, channel, "dilations")]
        value = array_ops.expand_dims(value, axis)
        filters = array_ops.expand_dims(filters, 0)
        result = apply_op(
            "Conv2D",
            scope,
            input=value,
            filter=filters,
            strides=strides,
            padding=padding,
            use_cudnn_on_gpu=True if use_cudnn_on_gpu is None else use_cudnn_on_gpu,
            data_format=wide,
            dilations=rates,
        )
        return array_ops.squeeze(result, [axis])


@export("nn.conv3d")
def conv3d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = [1, 1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
    filters: Any = None,
) -> Any:
    """Convolves volumes `[batch, depth, height, width, in]` with a filter `[depth, height, width, in, out]`.

    Source: TF 1.15 `tf.nn.conv3d`.
    """
    return apply_op(
        "Conv3D",
        name,
        input=input,
        filter=lookup_renamed("filters", filters, "filter", filter),
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


def _conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NDHWC",
    dilations: Any = [1, 1, 1, 1, 1],  # noqa: B006 - TF's signature
    name: Any = None,
) -> Any:
    """The gradient of `tf.nn.conv3d` with respect to the filter. Source: TF 1.15 `tf.nn.conv3d_backprop_filter`."""
    return apply_op(
        "Conv3DBackpropFilterV2",
        name,
        input=input,
        filter_sizes=filter_sizes,
        out_backprop=out_backprop,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilations=dilations,
    )


conv3d_backprop_filter = export("nn.conv3d_backprop_filter", "nn.conv3d_backprop_filter_v2")(_conv3d_backprop_filter)


def _transpose_to(
    op_type: str, n: int, scope: Any, value: Any, filter: Any, output_shape: Any, strides: Any, **attrs: Any
) -> Any:
    channel = _channel_index(attrs["data_format"], n)
    attrs["dilations"] = per_axis(attrs["dilations"], n, channel, "dilations")
    return apply_op(
        op_type,
        scope,
        input_sizes=output_shape,
        filter=filter,
        out_backprop=value,
        strides=per_axis(strides, n, channel, "strides"),
        **attrs,
    )


@export("nn.conv2d_transpose")
def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: Any = "NHWC",
    name: Any = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The transpose ("deconvolution") of `tf.nn.conv2d`: images of `output_shape`; the filter is `[h, w, out, in]`.

    Source: TF 1.15 `tf.nn.conv2d_transpose`.
    """
    value = lookup_renamed("input", input, "value", value)
    filter = lookup_renamed("filters", filters, "filter", filter)
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        attrs = {"padding": padding, "data_format": data_format or "NHWC", "dilations": dilations}
        return _transpose_to("Conv2DBackpropInput", 2, scope, value, filter, output_shape, strides, **attrs)


@export("nn.conv3d_transpose")
def conv3d_transpose(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: Any = "NDHWC",
    name: Any = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """The transpose of `tf.nn.conv3d`: volumes of `output_shape`. Source: TF 1.15 `tf.nn.conv3d_transpose`."""
    filter = lookup_renamed("filters", filters, "filter", filter)
    value = lookup_renamed("input", input, "value", value)
    with name_scope(name, "conv3d_transpose", [value, filter, output_shape]) as scope:
        attrs = {"padding": padding, "data_format": data_format or "NDHWC", "dilations": dilations}
        return _transpose_to("Conv3DBackpropInputV2", 3, scope, value, filter, output_shape, strides, **attrs)


@export("nn.conv1d_transpose")
def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: Any = "NWC",
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The transpose of `tf.nn.conv1d`: sequences of `output_shape`. Source: TF 1.15 `tf.nn.conv1d_transpose`."""
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        if data_format not in (None, "NWC", "NCW"):
            raise ValueError('data_format must be "NWC" or "NCW".')
        wide, axis, channel = _wide_format(data_format)
        steps = [1, *per_axis(strides, 1, channel, "stride")]
        rates = [1, *per_axis(dilations, 1, channel, "dilations")]
        input, filters = array_ops.expand_dims(input, axis), array_ops.expand_dims(filters, 0)
        sizes = output_shape if isinstance(output_shape, Tensor) else list(output_shape)
        sizes = joining.concat([sizes[:axis], [1], sizes[axis:]], 0)
        attrs = {"padding": padding, "data_format": wide, "dilations": rates}
        result = _transpose_to("Conv2DBackpropInput", 2, scope, input, filters, sizes, steps, **attrs)
        return array_ops.squeeze(result, axis)


@export("nn.conv_transpose")
def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
) -> Any:
    """The transpose of a convolution with 1 to 3 spatial axes, told by the length of `output_shape`.

    Source: TF 1.15 `tf.nn.conv_transpose`.
    """
    with name_scope(name, "conv_transpose", [input, filter, output_shape]) as scope:
        n = _spatial_axes(output_shape)
        if not 1 <= n <= 3:
            raise ValueError(f"output_shape must be of length 3, 4 or 5 but was {n + 2}.")
        if n == 1:
            return conv1d_transpose(input, filters, output_shape, strides, padding, data_format, dilations, scope)
        call = conv2d_transpose if n == 2 else conv3d_transpose
        return call(
            input, filters, output_shape, strides, padding, data_format=data_format, name=scope, dilations=dilations
        )


def _spatial_axes(output_shape: Any) -> int:
    if isinstance(output_shape, Tensor):
        return int(output_shape.shape[0]) - 2
    if isinstance(output_shape, Sized):
        return len(output_shape) - 2
    raise ValueError("output_shape must be a tensor or sized collection.")


def _rank_of(value: Any) -> int | None:
    shape = value.shape
    if isinstance(shape, TensorShape):
        return shape.ndims
    return None if shape is None else len(shape)


@export("nn.convolution")
def convolution(
    input: Any,
    filter: Any,
    padding: str,
    strides: Any = None,
    dilation_rate: Any = None,
    name: Any = None,
    data_format: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves a batch with 1 to 3 spatial axes; the filter may be dilated.

    Raises ValueError for other ranks, and for strides together with dilations.
    Source: TF 1.15 `tf.nn.convolution`.
    """
    filter = lookup_renamed("filters", filters, "filter", filter)
    rates = lookup_renamed("dilations", dilations, "dilation_rate", dilation_rate)
    rank = _rank_of(input)
    rank = _rank_of(filter) if rank is None else rank
    if rank is None:
        raise ValueError("rank of input or filter must be known")
    n = rank - 2
    if not 1 <= n <= 3:
        raise ValueError(f"Input tensor must be of rank 3, 4 or 5 but was {n + 2}.")
    channel = n + 1 if data_format is None else _channel_index(data_format, n)
    steps, rates = per_axis(strides, n, channel, "strides"), per_axis(rates, n, channel, "dilations")
    with name_scope(name, "convolution", [input, filter]) as scope:
        if all(r == 1 for r in rates):
            return _undilated(n, input, filter, steps, padding, data_format, scope)
        inner = slice(2, None) if channel == 1 else slice(1, -1)
        return dilated_convolution(input, filter, steps[inner], padding, data_format, rates[inner], scope)


def _undilated(
    n: int, value: Any, filter: Any, strides: list[int], padding: Any, data_format: Any, scope: str | None
) -> Any:
    if n == 1:
        return conv1d(value, filter, strides, padding, data_format=data_format, name=scope)
    form = {"data_format": data_format} if data_format is not None else {}
    op_type = "Conv2D" if n == 2 else "Conv3D"
    return apply_op(op_type, scope, input=value, filter=filter, strides=strides, padding=padding, **form)


def dilated_convolution(
    value: Any, filter: Any, strides: Any, padding: Any, data_format: Any, rates: Any, scope: str | None
) -> Any:
    """A convolution whose filter's rows (and columns ...) are `rates` apart, its operations made in the current scope."""
    filter_shape = as_shape(filter.shape)
    _check_channels(as_shape(value.shape), filter_shape, data_format)
    n = len(rates)
    steps, rates = strides_and_dilations(n, strides, rates)
    first = 2 if data_format is not None and data_format.startswith("NC") else 1

    def call(batches: Any, _: int, how: str) -> Any:
        channel = n + 1 if first == 1 else 1
        return _undilated(n, batches, filter, per_axis(list(steps), n, channel, "strides"), how, data_format, scope)

    value = value if isinstance(value, Tensor) else convert_to_tensor(value)
    dims = range(first, first + n)
    known = filter_shape.as_list() if first == 2 and filter_shape.ndims is not None else [None]
    return dilated(value, rates, padding, call, filter_shape, dims, data_format, known[-1])


def _check_channels(shape: TensorShape, filter_shape: TensorShape, data_format: Any) -> None:
    rank: int = filter_shape.ndims if filter_shape.ndims is not None else shape.ndims  # type: ignore[assignment]
    for kind, what in (("input", shape), ("filter", filter_shape)):
        try:
            what.with_rank(rank)
        except ValueError:
            raise ValueError(f"{kind} tensor must have rank {rank}") from None
    n = rank - 2
    axis = 1 if data_format is not None and data_format.startswith("NC") else n + 1
    depth = dimension_at_index(shape, axis)
    if not depth.is_compatible_with(filter_shape[n]):
        raise ValueError(
            f"number of input channels does not match corresponding dimension of filter, {depth} != {filter_shape[n]}"
        )


@export("nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: str, name: Any = None) -> Any:
    """Convolves images with a filter whose rows and columns are `rate` apart. Source: TF 1.15 `tf.nn.atrous_conv2d`."""
    return convolution(
        input=value, filter=filters, padding=padding, dilation_rate=np.broadcast_to(rate, (2,)), name=name
    )


@export("nn.atrous_conv2d_transpose")
def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: Any = None
) -> Any:
    """The transpose of `tf.nn.atrous_conv2d`. Source: TF 1.15 `tf.nn.atrous_conv2d_transpose`."""
    with name_scope(name, "atrous_conv2d_transpose", [value, filters, output_shape]):
        value = convert_to_tensor(value, name="value")
        filters = convert_to_tensor(filters, name="filters")
        _check_transposed_channels(value, filters)
        if rate < 1:
            raise ValueError(f"rate {rate} cannot be less than one")
        if rate == 1:
            return conv2d_transpose(value, filters, output_shape, [1, 1, 1, 1], padding, "NHWC")
        _check_output_shape(output_shape, filters)
        sizes = list(output_shape) if isinstance(output_shape, tuple) else output_shape
        return _atrous_transpose(value, filters, sizes, rate, padding)


def _check_transposed_channels(value: Any, filters: Any) -> None:
    mine, theirs = value.get_shape()[3], filters.get_shape()[3]
    if not mine.is_compatible_with(theirs):
        raise ValueError(f"value's input channels does not match filters' input channels, {mine} != {theirs}")


def _check_output_shape(output_shape: Any, filters: Any) -> None:
    shape = convert_to_tensor(output_shape, name="output_shape").get_shape()
    if not shape.is_compatible_with(TensorShape([4])):
        raise ValueError(f"output_shape must have shape (4,), got {shape}")
    depth = filters.get_shape()[2]
    if isinstance(output_shape, (list, tuple, np.ndarray)) and not depth.is_compatible_with(output_shape[3]):
        raise ValueError(
            f"output_shape does not match filter's output channels, {output_shape[3]} != {filters.get_shape()[2]}"
        )


def _atrous_transpose(value: Any, filters: Any, sizes: Any, rate: int, padding: str) -> Any:
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"padding must be either VALID or SAME: {padding}")
    shape = filters.get_shape()
    known = shape.as_list() if shape.is_fully_defined() else array_ops.shape(filters)
    reach = [(known[i] - 1) * rate if padding == "SAME" else 0 for i in (0, 1)]
    before = [r // 2 for r in reach]
    after = [r - b for r, b in zip(reach, before, strict=True)]
    inner = [sizes[i + 1] + before[i] + after[i] for i in (0, 1)]
    extra = [(rate - size % rate) % rate for size in inner]
    value = spaces.space_to_batch(value, [[0, extra[0]], [0, extra[1]]], block_size=rate)
    blocks = [(size + e) // rate for size, e in zip(inner, extra, strict=True)]
    value = apply_op(
        "Conv2DBackpropInput",
        None,
        input_sizes=[rate * rate * sizes[0], *blocks, sizes[3]],
        filter=filters,
        out_backprop=value,
        strides=[1, 1, 1, 1],
        padding="VALID",
        data_format="NHWC",
    )
    crops = [[before[i], after[i] + extra[i]] for i in (0, 1)]
    return spaces.batch_to_space(value, crops, block_size=rate)
