"""Constants, placeholders, and what hands a tensor on as it is: identity, stop_gradient, check_numerics."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import FinalShapeError, ShapeContext, explicit, merge, unchanged
from retrograph.framework.structures import SparseTensor
from retrograph.ops.rows import both, make_tensor, make_tensors


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


take_ragged(globals(), "check_numerics identity", 1)
