"""Axes and sizes between the layouts of images, such as NHWC and NCHW."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape_rules import unchanged


def _places(op: Any) -> np.ndarray[Any, Any]:
    """Where each letter of the source layout stands in the other."""
    src, dst = (op.attrs[name].decode() for name in ("src_format", "dst_format"))
    for what, layout in (("Source", src), ("Destination", dst)):
        if len(layout) not in (4, 5):
            short = "src" if what == "Source" else "dst"
            text = f"{what} format must be of length 4 or 5, received {short}_format = {layout}"
            raise errors.InvalidArgumentError(None, op, text)
    if len(set(src)) != len(src) or sorted(src) != sorted(dst):
        text = f"Destination and source format must determine a permutation, got {src} and {dst}"
        raise errors.InvalidArgumentError(None, op, text)
    return np.array([dst.index(letter) for letter in src], np.int32)


def _axes(xp: Any, op: Any, x: Any) -> Any:
    # TF's kernels know four axes, also of five.
    return xp.asarray(_places(op).astype(x.dtype))[(x + 4) % 4]


def _check_vector(op: Any, shape: tuple[int, ...]) -> None:
    shown = "[" + ",".join(map(str, shape)) + "]"
    if len(shape) not in (1, 2):
        text = f"input must be a vector or 2D tensor, but got shape {shown}"
    elif shape[0] != 4:
        what = "1D input" if len(shape) == 1 else "First dimension of 2D input"
        text = f"{what} must be of size 4, but got shape {shown}"
    elif len(shape) == 2 and shape[1] != 2:
        text = f"Second dimension of 2D input must be of size 2, but got shape {shown}"
    else:
        return
    raise errors.InvalidArgumentError(None, op, text)


def _permuted(xp: Any, op: Any, x: Any) -> Any:
    places = _places(op)
    _check_vector(op, x.shape)
    return xp.asarray(x)[np.argsort(places[:4])]


for _op_type, _function in (("DataFormatDimMap", _axes), ("DataFormatVecPermute", _permuted)):
    register_op(
        _op_type,
        shape=unchanged,
        lower=lambda op, x, function=_function: function(jnp, op, x),
        numpy=lambda op, x, function=_function: function(np, op, x),
        gradient=NO_GRADIENT,
    )
