"""Shapes of tensors, what changes a shape without changing the elements' order, and what fills a shape."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated_argument
from retrograph.framework.dispatch import dispatched, take_ragged
from retrograph.framework.exports import export, export_value
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape, to_text
from retrograph.framework.shape_rules import ShapeContext, ShapeError, scalar, unchanged, with_rank
from retrograph.framework.structures import SparseTensor, SparseTensorValue
from retrograph.ops.rows import (
    axis_within,
    both,
    divide,
    full,
    ints,
    make_tensor,
    make_tensors,
    num_elements,
    rank_of,
    refuse,
    shape_input,
)

newaxis = export_value("newaxis", value=None)

_SPARSE = (SparseTensor, SparseTensorValue)
_MODULE = "tensorflow.python.ops.array_ops"


def lookup_renamed(new_name: str, new: Any, old_name: str, old: Any) -> Any:
    """The value of an argument that has a deprecated second name; ValueError if both are given."""
    if old is None:
        return new
    if new is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old


def _shape_shape(c: ShapeContext) -> list[Shape]:
    return [(rank_of(c.input(i)),) for i in range(c.num_inputs)]


def _out_type(op: Any) -> Any:
    return op.get_attr("out_type").as_numpy_dtype


def _lower_shape(op: Any, *inputs: Any) -> Any:
    return tuple(np.array(x.shape, _out_type(op)) for x in inputs)


def _lower_size(op: Any, x: Any) -> Any:
    return np.array(math.prod(x.shape), _out_type(op))


def _lower_rank(op: Any, x: Any) -> Any:
    return np.array(len(x.shape), np.int32)


def _shape_row(op_type: str, rule: Any, function: Any) -> None:
    register_op(op_type, shape=rule, lower=function, numpy=function, gradient=NO_GRADIENT)


_shape_row("Shape", _shape_shape, lambda op, x: _lower_shape(op, x)[0])
_shape_row("ShapeN", _shape_shape, _lower_shape)
_shape_row("Size", scalar, _lower_size)
_shape_row("Rank", scalar, _lower_rank)


@export("shape")
def shape(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The shape of a tensor, i32[rank]; a constant if it is known.

    >>> tf.shape(tf.zeros([2, 3])).op.type
    'Const'

    Source: TF 1.15 `tf.shape`.
    """
    return shape_internal(input, name, out_type=out_type)


def shape_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = dtypes.int32) -> Tensor:
    """`tf.shape`, with the choice to make an op though the shape is known."""
    with name_scope(name, "Shape", [input]) as scope:
        if isinstance(input, _SPARSE):
            return _cast_op(input.dense_shape, out_type)
        tensor = convert_to_tensor(input)
        known = tensor._shape
        if optimize and known is not None and None not in known:
            return constant(list(known), out_type, name=scope)
        return make_tensor("Shape", scope, input=input, out_type=out_type)


def _cast_op(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    return make_tensor("Cast", name, x=x, DstT=dtype)


@export("shape_n")
def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """The shapes of the tensors in the list `input`.

    Source: TF 1.15 `tf.shape_n`.
    """
    return make_tensors("ShapeN", name, input=input, out_type=out_type)


@export("size")
@dispatched("input")
def size(input: Any, name: str | None = None, out_type: Any = dtypes.int32) -> Tensor:
    """The number of elements, i32[]; a constant if it is known.

    Source: TF 1.15 `tf.size`.
    """
    return size_internal(input, name, out_type=out_type)


def size_internal(input: Any, name: str | None = None, optimize: bool = True, out_type: Any = dtypes.int32) -> Tensor:
    """`tf.size`, with the choice to make an op though the size is known."""
    with name_scope(name, "Size", [input]) as scope:
        if isinstance(input, _SPARSE):
            dims = _cast_op(input.dense_shape, out_type)
            return make_tensor("Prod", scope, input=dims, reduction_indices=0)
        tensor = convert_to_tensor(input)
        known = tensor._shape
        if optimize and known is not None:
            count = 0 if 0 in known else num_elements(known)
            if count is not None:
                return constant(count, out_type, name=scope)
        return make_tensor("Size", scope, input=input, out_type=out_type)


@export("rank")
@dispatched("input")
def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions, i32[]; a constant if it is known.

    Source: TF 1.15 `tf.rank`.
    """
    return rank_internal(input, name)


def rank_internal(input: Any, name: str | None = None, optimize: bool = True) -> Tensor:
    """`tf.rank`, with the choice to make an op though the rank is known."""
    with name_scope(name, "Rank", [input]) as scope:
        if isinstance(input, _SPARSE):
            return make_tensor("Size", scope, input=input.dense_shape)
        tensor = convert_to_tensor(input)
        known = tensor._shape
        if optimize and known is not None:
            return constant(len(known), dtypes.int32, name=scope)
        return make_tensor("Rank", scope, input=input)


# --- reshape, expand_dims, squeeze -------------------------------------------------------------------------------


def _known_product(shape: tuple[int | None, ...]) -> tuple[int, list[int]]:
    missing = [i for i, d in enumerate(shape) if d is None]
    return math.prod(d for d in shape if d is not None), missing


def _reshape_shape(c: ShapeContext) -> list[Shape]:
    given, wanted = c.input(0), shape_input(c, 1)
    if wanted is None or given is None:
        return [wanted]
    out_count, out_missing = _known_product(wanted)
    in_count, in_missing = _known_product(given)
    out_none, in_none = not out_missing or 0 in wanted, not in_missing or 0 in given
    if (len(out_missing) > 1 and not out_none) or (len(in_missing) > 1 and not in_none):
        return [wanted]
    if in_none and out_none:
        if in_count != out_count:
            raise ShapeError(
                f"Cannot reshape a tensor with {in_count} elements to shape {to_text(wanted)} ({out_count} elements)"
            )
        return [wanted]
    return [_inferred(wanted, in_count, in_none, in_missing, given, out_count, out_none, out_missing)]


def _inferred(
    wanted: tuple[int | None, ...],
    in_count: int,
    in_none: bool,
    in_missing: list[int],
    given: tuple[int | None, ...],
    out_count: int,
    out_none: bool,
    out_missing: list[int],
) -> Shape:
    if in_none:
        if out_count <= 0:
            return wanted
        filled = divide(in_count, out_count)
        return tuple(filled if d is None else d for d in wanted)
    if out_none and in_count:
        divide(out_count, in_count)
    return wanted


def _requested_shape(op: Any, held: tuple[int, ...], wanted: Any) -> tuple[int, ...]:
    """The shape asked for, its -1 resolved; raises as TF's kernel does if it does not fit."""
    sizes, count = list(ints(wanted)), math.prod(held)
    if -1 in sizes:
        known = math.prod(s for s in sizes if s != -1)
        if known == 0 and not count:
            # Of empty tensors, the sizes that are not 0 tell what is missing.
            given = math.prod(s for s in held if s)
            asked = math.prod(s for s in sizes if s > 0)
            return tuple(given // asked if s == -1 else s for s in sizes)
        if known == 0 and count:
            raise errors.InvalidArgumentError(
                None,
                op,
                "reshape cannot infer the missing input size for an empty tensor unless all specified input sizes are non-zero",
            )
        missing = count // known if known else 0
        if missing * known != count:
            raise errors.InvalidArgumentError(
                None,
                op,
                f"Input to reshape is a tensor with {count} values, but the requested shape requires a multiple of {known}",
            )
        sizes[sizes.index(-1)] = missing
    if math.prod(sizes) != count:
        text = f"Input to reshape is a tensor with {count} values, but the requested shape has {math.prod(sizes)}"
        raise errors.InvalidArgumentError(None, op, text)
    return tuple(sizes)


def _reshape(xp: Any, op: Any, x: Any, wanted: Any) -> Any:
    return xp.reshape(x, _requested_shape(op, x.shape, wanted))


def _reshape_to_input(op: Any, grad: Any) -> Tensor:
    return reshape(grad, shape(op.inputs[0]))


def _first_of(function: Any, count: int) -> Any:
    """A gradient that `function` gives for input 0 of `count` inputs."""
    return lambda op, grad: [function(op, grad)] + [None] * (count - 1)


register_op(
    "Reshape",
    shape=_reshape_shape,
    static_inputs=(1,),
    gradient=_first_of(_reshape_to_input, 2),
    **both(_reshape),
)


@export("reshape", "manip.reshape")
def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """`tensor` with the same elements in another shape; one size may be -1, to be worked out.

    >>> tf.reshape([[1, 2, 3], [4, 5, 6]], [-1, 2])
    <tf.Tensor 'Reshape:0' shape=(3, 2) dtype=int32>

    Raises ValueError if the numbers of elements are known and differ.
    Source: TF 1.15 `tf.reshape`.
    """
    return make_tensor("Reshape", name, tensor=tensor, shape=shape)


def _expand_dims_shape(c: ShapeContext) -> list[Shape]:
    given, value = c.input(0), c.constant(1)
    if value is not None and value.size != 1:
        raise ShapeError("'dim' input must be a tensor with a single value")
    if value is None or given is None:
        return [None]
    dim, rank = int(value.item()), len(given)
    if not -rank - 1 <= dim <= rank:
        raise ShapeError(f"dim {dim} not in the interval [{-rank - 1}, {rank}].")
    dim = dim + rank + 1 if dim < 0 else dim
    return [(*given[:dim], 1, *given[dim:])]


def _expand_dims(xp: Any, op: Any, x: Any, dim: Any) -> Any:
    if not -x.ndim - 1 <= dim.item() <= x.ndim:
        refuse(op, f"Tried to expand dim index {dim.item()} for tensor with {x.ndim} dimensions.")
    return xp.expand_dims(x, int(dim.item()))


register_op(
    "ExpandDims",
    shape=_expand_dims_shape,
    static_inputs=(1,),
    gradient=_first_of(_reshape_to_input, 2),
    **both(_expand_dims),
)


@export("expand_dims")
@dispatched("input")
@deprecated_argument("dim", "Use the `axis` argument instead", _MODULE)
def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """`input` with a dimension of 1 inserted before `axis`.

    >>> tf.expand_dims(tf.zeros([2, 3]), -1)
    <tf.Tensor 'ExpandDims:0' shape=(2, 3, 1) dtype=float32>

    Source: TF 1.15 `tf.expand_dims`.
    """
    axis = lookup_renamed("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return make_tensor("ExpandDims", name, input=input, dim=axis)


def _squeeze_shape(c: ShapeContext) -> list[Shape]:
    given = c.input(0)
    if given is None:
        return [None]
    rank, named = len(given), set()
    for i, dim in enumerate(c.attr("squeeze_dims")):
        if not -rank <= dim < rank:
            raise ShapeError(f"squeeze_dims[{i}] not in [{-rank},{rank}).")
        named.add(dim % rank)
    if not named:
        return [None if None in given else tuple(d for d in given if d != 1)]
    for i in sorted(named):
        if given[i] not in (None, 1):
            raise ShapeError(f"Can not squeeze dim[{i}], expected a dimension of 1, got {given[i]}")
    return [tuple(d for i, d in enumerate(given) if i not in named)]


def _squeeze(xp: Any, op: Any, x: Any) -> Any:
    text = "Tried to squeeze dim index {axis} for tensor with {rank} dimensions."
    named = tuple(axis_within(op, d, x.ndim, text) for d in op.get_attr("squeeze_dims"))
    for i in named:
        if x.shape[i] != 1:
            text = f"Can not squeeze dim[{i}], expected a dimension of 1, got {x.shape[i]}"
            raise errors.InvalidArgumentError(None, op, text)
    return xp.squeeze(x, axis=named or tuple(i for i, d in enumerate(x.shape) if d == 1))


register_op("Squeeze", shape=_squeeze_shape, gradient=_reshape_to_input, **both(_squeeze))


@export("squeeze")
@dispatched("input")
@deprecated_argument("squeeze_dims", "Use the `axis` argument instead", _MODULE)
def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """`input` without its dimensions of 1 (all of them, or those in `axis`).

    >>> tf.squeeze(tf.zeros([1, 2, 1]), [0])
    <tf.Tensor 'Squeeze:0' shape=(2, 1) dtype=float32>

    Source: TF 1.15 `tf.squeeze`.
    """
    axis = lookup_renamed("axis", axis, "squeeze_dims", squeeze_dims)
    if np.isscalar(axis):
        axis = [axis]
    return make_tensor("Squeeze", name, input=input, squeeze_dims=[] if axis is None else axis)


# --- fill, zeros, ones -------------------------------------------------------------------------------------------


def _fill_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    with_rank(c, c.input(1), 0)
    sizes, dims = shape_input(c, 0), c.constant(0)
    if dims is not None and dims.size and dims.min() < 0:
        raise ShapeError("Fill dimensions must be >= 0")
    return [sizes]


def _fill(xp: Any, op: Any, dims: Any, value: Any) -> Any:
    for size in ints(dims):
        if size < 0:
            refuse(op, f"Dimension {size} must be >= 0")
    return full(xp, ints(dims), value, value.dtype)


def _fill_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops.math import reduce_sum  # math builds on this module

    return [None, reduce_sum(grad)]


register_op("Fill", shape=_fill_shape, static_inputs=(0,), gradient=_fill_gradient, **both(_fill))


@export("fill")
def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` whose elements are the scalar `value`.

    >>> tf.fill([2, 3], 9)
    <tf.Tensor 'Fill:0' shape=(2, 3) dtype=int32>

    Source: TF 1.15 `tf.fill`.
    """
    return make_tensor("Fill", name, dims=dims, value=value)


def _like(value: int) -> Any:
    def formula(xp: Any, op: Any, x: Any) -> Any:
        if hasattr(x, "is_flow"):
            return x.zeros_like()
        if x.dtype == object:
            return zeros_like_variant(x) if op._inputs[0].dtype == dtypes.variant else np.full(x.shape, b"", object)
        return full(xp, x.shape, x.dtype.type(value), x.dtype)

    return formula


def zeros_like_variant(x: Any) -> Any:
    """Zeros in place of the numbers in variants, which say themselves what theirs are."""
    if x.dtype != object:
        return np.zeros_like(x)
    made = np.empty(x.shape, object)
    for index in np.ndindex(x.shape):
        made[index] = x[index].zeros_like() if hasattr(x[index], "zeros_like") else b""
    return made


register_op("ZerosLike", shape=unchanged, gradient=NO_GRADIENT, **both(_like(0)))
register_op("OnesLike", shape=unchanged, gradient=NO_GRADIENT, **both(_like(1)))

_ZERO = {"bool": False, "string": ""}


def _product(sizes: Any) -> Any:
    # As numpy.prod does with a list of tensors: the multiplications become operations.
    try:
        return functools.reduce(operator.mul, sizes, *((1,) if not len(sizes) else ()))
    except TypeError:
        return np.prod(sizes)


def _constant_if_small(value: Any, sizes: Any, dtype: Any, name: str) -> Tensor | None:
    try:
        if _product(sizes) < 1000:
            return constant(value, shape=sizes, dtype=dtype, name=name)
    except TypeError:
        pass  # a size that is a tensor or None cannot be compared
    return None


def _filled(value: Any, sizes: Any, dtype: Any, scope: str) -> Tensor:
    if not isinstance(sizes, Tensor):
        try:
            small = _constant_if_small(value, sizes, dtype, scope)
            if small is not None:
                return small
            sizes = convert_to_tensor(TensorShape(sizes))
        except (TypeError, ValueError):
            sizes = convert_to_tensor(sizes, dtype=dtypes.int32)
    if not sizes._shape:
        sizes = reshape(sizes, [-1])
    return fill(sizes, constant(value, dtype=dtype), name=scope)


@export("zeros")
def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Zeros (False, "") of `shape`; a constant if there are fewer than 1000.

    >>> tf.zeros([2, 3]).op.type, tf.zeros([1000]).op.type
    ('Const', 'Fill')

    Source: TF 1.15 `tf.zeros`.
    """
    kind = dtypes.as_dtype(dtype).base_dtype
    with name_scope(name, "zeros", [shape]) as scope:
        return _filled(_ZERO.get(kind.name, 0), shape, kind, scope)


@export("ones")
def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """Ones (True) of `shape`; a constant if there are fewer than 1000.

    Source: TF 1.15 `tf.ones`.
    """
    kind = dtypes.as_dtype(dtype).base_dtype
    with name_scope(name, "ones", [shape]) as scope:
        return _filled(True if kind == dtypes.bool else 1, shape, kind, scope)


@export("zeros_like")
def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape of `tensor`, and of its type unless `dtype` is given.

    Source: TF 1.15 `tf.zeros_like`.
    """
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        if optimize and tensor.shape.is_fully_defined() and tensor.dtype != dtypes.variant:
            return zeros(tensor.shape, dtype=dtype or tensor.dtype, name=scope)
        if dtype is not None and dtype != tensor.dtype and dtype != dtypes.variant:
            return zeros(shape_internal(tensor, optimize=optimize), dtype=dtype, name=scope)
        return make_tensor("ZerosLike", scope, x=tensor)


@export("ones_like")
def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of the shape of `tensor`, and of its type unless `dtype` is given.

    Source: TF 1.15 `tf.ones_like`.
    """
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        sizes = shape_internal(tensor, optimize=optimize)
        result = ones(sizes, dtype=tensor.dtype if dtype is None else dtype, name=scope)
        result.set_shape(tensor.get_shape())
        return result


take_ragged(globals(), "ones_like zeros_like", 1)
