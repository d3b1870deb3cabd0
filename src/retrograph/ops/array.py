"""Identity, placeholders, shapes of tensors, and what changes a shape without changing the elements' order.

Also: fills, `zeros`, `ones`, and transposition.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated_argument
from retrograph.framework.dispatch import dispatched, take_ragged
from retrograph.framework.exports import export, export_value
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, TensorShape, to_text
from retrograph.framework.shape_rules import (
    FinalShapeError,
    ShapeContext,
    ShapeError,
    explicit,
    merge,
    merge_dim,
    scalar,
    unchanged,
    with_rank,
    with_rank_at_most,
)
from retrograph.framework.structures import SparseTensor, SparseTensorValue
from retrograph.ops.rows import (
    axis_within,
    both,
    divide,
    full,
    ints,
    is_static,
    make_tensor,
    make_tensors,
    num_elements,
    rank_of,
    refuse,
    shape_input,
    unknown_of,
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


def _const(op: Any) -> Any:
    return op.attrs["value"]


register_op("Const", shape=lambda c: [c.attr("value").shape], lower=_const, numpy=_const, gradient=NO_GRADIENT)

# --- identity and its kin ----------------------------------------------------------------------------------------


def _first(xp: Any, op: Any, x: Any) -> Any:
    return x


def _pass_gradient(op: Any, *grads: Any) -> Any:
    return list(grads)


def _prevented(op: Any, *grads: Any) -> Any:
    raise LookupError(f"Gradient explicitly disabled. Reason: {op.get_attr('message')!r}")


for _type, _gradient in {
    "Identity": _pass_gradient,
    "Snapshot": None,
    "StopGradient": NO_GRADIENT,
    "PreventGradient": _prevented,
    "GuaranteeConst": None,
    "DebugGradientIdentity": _pass_gradient,
}.items():
    register_op(_type, shape=unchanged, gradient=_gradient, **both(_first))

register_op(
    "RefIdentity",
    shape=unchanged,
    gradient=_pass_gradient,
    effect=True,
    lower=lambda op, ctx, ref: ref,
    numpy=lambda op, ctx, ref: ref,
)


def _identity_n_shape(c: ShapeContext) -> list[Shape]:
    if not c.num_inputs:
        raise FinalShapeError("Attr 'T' of 'IdentityN' Op passed list of length 0 less than minimum 1.")
    return [c.input(i) for i in range(c.num_inputs)]


register_op(
    "IdentityN",
    shape=_identity_n_shape,
    lower=lambda op, *inputs: inputs,
    numpy=lambda op, *inputs: inputs,
    gradient=_pass_gradient,
)


@export("identity")
def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor with the contents of `input`, T[...] -> T[...].

    >>> tf.identity([1, 2], name="same")
    <tf.Tensor 'same:0' shape=(2,) dtype=int32>

    Source: TF 1.15 `tf.identity`.
    """
    return make_tensor("Identity", name, input=input)


@export("identity_n")
def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Tensors with the contents of the list `input`, each kept.

    Source: TF 1.15 `tf.identity_n`.
    """
    return make_tensors("IdentityN", name, input=input)


@export("stop_gradient")
def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """`input`, through which no gradient flows.

    Source: TF 1.15 `tf.stop_gradient`.
    """
    return make_tensor("StopGradient", name, input=input)


def prevent_gradient(input: Any, message: str = "", name: str | None = None) -> Tensor:
    """`input`; to differentiate through it raises LookupError with `message`.

    Source: TF 1.15 `array_ops.prevent_gradient`.
    """
    return make_tensor("PreventGradient", name, input=input, message=message)


@export("guarantee_const")
def guarantee_const(input: Any, name: str | None = None) -> Tensor:
    """`input`, promised to be constant.

    Source: TF 1.15 `tf.guarantee_const`.
    """
    return make_tensor("GuaranteeConst", name, input=input)


def _noted_numerics(op: Any, ctx: Any, x: Any) -> Any:
    ctx.checks.append((op, jnp.isfinite(x).all(), [x]))
    return x


def _check_numerics(op: Any, ctx: Any, x: Any) -> Any:
    found = [word for word, test in (("Inf", np.isinf), ("NaN", np.isnan)) if test(x).any()]
    if found:
        message = op.get_attr("message")
        text = message.decode() if isinstance(message, bytes) else message
        raise errors.InvalidArgumentError(None, op, f"{text} : Tensor had {' and '.join(found)} values")
    return x


def _check_numerics_gradient(op: Any, grad: Any) -> Any:
    message = op.get_attr("message")
    text = message.decode() if isinstance(message, bytes) else message
    return check_numerics(grad, f"Not a number (NaN) or infinity (Inf) values detected in gradient. {text}")


register_op(
    "CheckNumerics",
    shape=unchanged,
    lower=_noted_numerics,
    numpy=_check_numerics,
    effect=True,
    gradient=_check_numerics_gradient,
)


@export("check_numerics", "debugging.check_numerics")
def check_numerics(tensor: Any, message: str, name: str | None = None) -> Tensor:
    """`tensor`; running it raises InvalidArgumentError if an element is infinite or not a number.

    Source: TF 1.15 `tf.check_numerics`.
    """
    return make_tensor("CheckNumerics", name, tensor=tensor, message=message)


# --- placeholders ------------------------------------------------------------------------------------------------


def _unfed(op: Any, *inputs: Any) -> Any:
    shape = op.outputs[0]._shape
    of_shape = "" if shape is None else f" and shape {to_text(shape)}"
    kind = op.outputs[0].dtype.base_dtype
    text = f"You must feed a value for placeholder tensor '{op.name}' with dtype {_cpp_name(kind)}{of_shape}"
    raise errors.InvalidArgumentError(None, op, text)


def _cpp_name(dtype: Any) -> str:
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, str(dtype.name))


def _default_shape(c: ShapeContext) -> list[Shape]:
    shape: Shape = c.attr("shape")
    merge(c, c.input(0), shape)
    return [shape]


for _type in ("Placeholder", "PlaceholderV2"):
    register_op(_type, shape=explicit(), numpy=_unfed, host=True, gradient=NO_GRADIENT)
register_op("PlaceholderWithDefault", shape=_default_shape, gradient=_pass_gradient, **both(_first))


@export("placeholder")
def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value is given by `feed_dict` in each `Session.run`.

    >>> tf.placeholder(tf.float32, [None, 3], name="x")
    <tf.Tensor 'x:0' shape=(?, 3) dtype=float32>

    Source: TF 1.15 `tf.placeholder`.
    """
    return make_tensor("Placeholder", name, dtype=dtype, shape=shape)


@export("placeholder_with_default")
def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor of `shape` whose value is `input` unless it is fed.

    Source: TF 1.15 `tf.placeholder_with_default`.
    """
    return make_tensor("PlaceholderWithDefault", name, input=input, shape=shape)


def _sparse_shape(shape: Any, name: str | None) -> tuple[Any, Any]:
    if shape is None:
        return None, None
    rank = shape.get_shape()[0] if isinstance(shape, Tensor) else len(shape)
    if not isinstance(shape, Tensor) and any(d is None for d in shape):
        return None, rank
    return convert_to_tensor(shape, dtype=dtypes.int64, name=name), rank


@export("sparse_placeholder", "sparse.placeholder")
def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A `SparseTensor` of placeholders, to be fed a `SparseTensorValue`.

    Source: TF 1.15 `tf.sparse.placeholder`.
    """
    part = (lambda suffix: None) if name is None else (lambda suffix: f"{name}/{suffix}")
    dense_shape, rank = _sparse_shape(shape, part("shape"))
    if dense_shape is None:
        dense_shape = placeholder(dtypes.int64, shape=[rank], name=part("shape"))
    values = placeholder(dtype, shape=[None], name=part("values"))
    indices = placeholder(dtypes.int64, shape=[None, rank], name=part("indices"))
    return SparseTensor(values=values, indices=indices, dense_shape=dense_shape)


# --- shape, size, rank -------------------------------------------------------------------------------------------


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


# --- transpose ---------------------------------------------------------------------------------------------------


def _transpose_shape(c: ShapeContext) -> list[Shape]:
    given, perm_shape, perm = c.input(0), c.input(1), c.constant(1)
    count = num_elements(perm_shape)
    if given is None and count is None and perm is None:
        return [None]
    rank = len(given) if given is not None else count if count is not None else int(perm.size)  # type: ignore[union-attr]
    if given is None and rank < 2:
        return [None]
    given = with_rank(c, given, rank)
    with_rank(c, perm_shape, 1)
    if count is not None and count != rank:
        raise ShapeError(f"Dimension must be {rank} but is {count}")
    if perm is None:
        return [unknown_of(rank)]
    for axis in ints(perm):
        if axis >= rank:
            raise ShapeError(f"perm dim {axis} is out of range of input rank {rank}")
    return [tuple(given[axis] for axis in ints(perm))]


def _checked_axes(op: Any, x: Any, perm: Any) -> tuple[int, ...]:
    axes, rank = ints(perm), x.ndim
    if len(axes) != rank:
        refuse(op, f"transpose expects a vector of size {rank}. But input(1) is a vector of size {len(axes)}")
    for axis in axes:
        axis_within(op, axis, rank, "{axis} is out of range [0 .. {rank})")
    missing = set(range(rank)) - {axis % rank for axis in axes}
    if missing:
        refuse(op, f"{min(missing)} is missing from {{{','.join(map(str, axes))}}}.")
    return axes


def _transpose(xp: Any, op: Any, x: Any, perm: Any) -> Any:
    return xp.transpose(x, _checked_axes(op, x, perm))


def _conjugate_transpose(xp: Any, op: Any, x: Any, perm: Any) -> Any:
    return xp.conj(xp.transpose(x, _checked_axes(op, x, perm)))


def _transpose_gradient(conjugate: bool) -> Any:
    def gradient(op: Any, grad: Any) -> Any:
        return [transpose(grad, invert_permutation(op.inputs[1]), conjugate=conjugate), None]

    return gradient


register_op(
    "Transpose",
    shape=_transpose_shape,
    static_inputs=(1,),
    gradient=_transpose_gradient(False),
    **both(_transpose),
)
register_op(
    "ConjugateTranspose",
    shape=_transpose_shape,
    static_inputs=(1,),
    gradient=_transpose_gradient(True),
    **both(_conjugate_transpose),
)


def _range(start: Any, limit: Any, delta: Any) -> Tensor:
    return make_tensor("Range", None, start=start, limit=limit, delta=delta)


@export("transpose")
def transpose(a: Any, perm: Any = None, name: str | None = "transpose", conjugate: bool = False) -> Tensor:
    """`a` with its dimensions in the order `perm` (reversed if None).

    >>> tf.transpose(tf.zeros([2, 3, 4]), [0, 2, 1])
    <tf.Tensor 'transpose:0' shape=(2, 4, 3) dtype=float32>

    Source: TF 1.15 `tf.transpose`.
    """
    with name_scope(name, "transpose", [a]) as scope:
        op_type = "ConjugateTranspose" if conjugate and a.dtype.is_complex else "Transpose"
        if perm is not None:
            return make_tensor(op_type, scope, x=a, perm=perm)
        a = convert_to_tensor(a, name="a")
        if a._shape:
            reversed_axes = np.arange(len(a._shape) - 1, -1, -1, dtype=np.int32)
            return make_tensor(op_type, scope, x=a, perm=reversed_axes)
        known_rank = make_tensor("Rank", None, input=a)
        result = make_tensor(op_type, scope, x=a, perm=known_rank - 1 - _range(0, known_rank, 1))
        if a._shape is not None:
            result.set_shape(TensorShape(a._shape[::-1]))
        return result


@export("matrix_transpose", "linalg.matrix_transpose", "linalg.transpose")
def matrix_transpose(a: Any, name: str | None = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """`a` with its last two dimensions exchanged, T[..., m, n] -> T[..., n, m].

    Source: TF 1.15 `tf.linalg.matrix_transpose`.
    """
    with name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        known = a._shape
        if known is not None:
            if len(known) < 2:
                text = f"Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: {a.shape}"
                raise ValueError(text)
            last = len(known) - 1
            return transpose(a, perm=[*range(last - 1), last, last - 1], conjugate=conjugate)
        from retrograph.ops.joining import concat  # joining builds on this module

        a_rank = rank(a)
        perm = concat((_range(0, a_rank - 2, 1), [a_rank - 1, a_rank - 2]), 0)
        return transpose(a, perm=perm, conjugate=conjugate)


def _invert_permutation(xp: Any, op: Any, x: Any) -> Any:
    if is_static(x):
        xp = np
        wrong = x[(x < 0) | (x >= len(x))]
        if wrong.size:
            refuse(op, f"{wrong[0]} is not between 0 and {len(x)}")
    return xp.argsort(x).astype(x.dtype)


register_op(
    "InvertPermutation",
    shape=lambda c: [with_rank(c, c.input(0), 1)],
    gradient=NO_GRADIENT,
    **both(_invert_permutation),
)


@export("invert_permutation", "math.invert_permutation")
def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the permutation `x`, i32[n] -> i32[n].

    Source: TF 1.15 `tf.math.invert_permutation`.
    """
    return make_tensor("InvertPermutation", name, x=x)


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


# --- broadcasting ------------------------------------------------------------------------------------------------


def _broadcast_to_shape(c: ShapeContext) -> list[Shape]:
    out, given = shape_input(c, 1), c.input(0)
    if out is None or given is None:
        return [out]
    with_rank_at_most(c, given, len(out))
    offset = len(out) - len(given)
    tail = [o if d is None or d <= 1 else merge_dim(c, d, o) for d, o in zip(given, out[offset:], strict=True)]
    return [(*out[:offset], *tail)]


def _broadcast_to(xp: Any, op: Any, x: Any, sizes: Any) -> Any:
    wanted = ints(sizes)
    for have, want in zip(x.shape[::-1], wanted[::-1], strict=False):
        if have not in (1, want):
            text = f"Incompatible shapes: {to_text(tuple(x.shape))} vs. {to_text(wanted)}"
            raise errors.InvalidArgumentError(None, op, text)
    return xp.broadcast_to(x, ints(sizes))


def _broadcast_to_gradient(op: Any, grad: Any) -> Any:
    from retrograph.ops.math import reduce_sum  # math builds on this module

    sizes = shape(op.inputs[0])
    _, axes = apply_op("BroadcastGradientArgs", None, s0=op.inputs[1], s1=sizes)
    return [reshape(reduce_sum(grad, axis=axes, keepdims=True), sizes), None]


register_op(
    "BroadcastTo",
    shape=_broadcast_to_shape,
    static_inputs=(1,),
    gradient=_broadcast_to_gradient,
    **both(_broadcast_to),
)


@export("broadcast_to")
def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated along dimensions of 1 until it has `shape`.

    Source: TF 1.15 `tf.broadcast_to`.
    """
    return make_tensor("BroadcastTo", name, input=input, shape=shape)


def _broadcast_args_shape(c: ShapeContext) -> list[Shape]:
    x, y = with_rank(c, c.input(0), 1)[0], with_rank(c, c.input(1), 1)[0]
    return [(None if x is None or y is None else max(x, y),)]


def _broadcast_args(op: Any, s0: Any, s1: Any) -> Any:
    try:
        return np.array(np.broadcast_shapes(ints(s0), ints(s1)), s0.dtype)
    except ValueError:
        text = f"Incompatible shapes: {to_text(ints(s0))} vs. {to_text(ints(s1))}"
        raise errors.InvalidArgumentError(None, op, text) from None


def _reduced_axes(mine: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    if mine == other:
        return []
    width = max(len(mine), len(other))
    return [i for i, size in enumerate((1,) * (width - len(mine)) + mine) if size == 1]


def _broadcast_gradient_args(op: Any, s0: Any, s1: Any) -> Any:
    _broadcast_args(op, s0, s1)
    x, y = ints(s0), ints(s1)
    return np.array(_reduced_axes(x, y), s0.dtype), np.array(_reduced_axes(y, x), s0.dtype)


def _two_vectors(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    with_rank(c, c.input(1), 1)
    return [(None,), (None,)]


register_op(
    "BroadcastArgs",
    shape=_broadcast_args_shape,
    lower=_broadcast_args,
    numpy=_broadcast_args,
    static_inputs=(0, 1),
    gradient=NO_GRADIENT,
)
register_op(
    "BroadcastGradientArgs",
    shape=_two_vectors,
    lower=_broadcast_gradient_args,
    numpy=_broadcast_gradient_args,
    static_inputs=(0, 1),
    gradient=NO_GRADIENT,
)


@export("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape (a tensor) that two shapes broadcast to.

    Source: TF 1.15 `tf.broadcast_dynamic_shape`.
    """
    return make_tensor("BroadcastArgs", None, s0=shape_x, s1=shape_y)


def _broadcast_static_dim(x: int | None, y: int | None) -> int | None:
    if x is None or y is None:
        known = y if x is None else x
        return known if known is not None and known > 1 else None
    if x != y and 1 not in (x, y):
        raise ValueError
    return y if x == 1 else x


@export("broadcast_static_shape")
def broadcast_static_shape(shape_x: TensorShape, shape_y: TensorShape) -> TensorShape:
    """The static shape that two static shapes broadcast to; ValueError if they do not.

    Source: TF 1.15 `tf.broadcast_static_shape`.
    """
    x, y = shape_x._plain, shape_y._plain
    if x is None or y is None:
        return TensorShape(None)
    width = max(len(x), len(y))
    a, b = (1,) * (width - len(x)) + x, (1,) * (width - len(y)) + y
    try:
        return TensorShape([_broadcast_static_dim(p, q) for p, q in zip(a, b, strict=True)])
    except ValueError:
        raise ValueError(f"Incompatible shapes for broadcasting: {shape_x} and {shape_y}") from None


take_ragged(globals(), "check_numerics identity ones_like zeros_like", 1)
