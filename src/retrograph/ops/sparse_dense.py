"""The rows of the element-wise op types that combine a sparse tensor with a dense one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, with_rank
from retrograph.ops import array, math
from retrograph.ops.raw import raw


def _check_indices(op: Any, indices: Any, shape: tuple[int, ...]) -> None:
    if isinstance(indices, np.ndarray) and indices.size and (np.any(indices < 0) or np.any(indices >= np.array(shape))):
        raise errors.InvalidArgumentError(None, op, "Sparse tensor has some invalid index on dimension")


def _added(op: Any, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
    _check_indices(op, indices, np.shape(dense))
    places = tuple(jnp.moveaxis(jnp.asarray(indices), -1, 0))
    return jnp.asarray(dense).at[places].add(values)


def _added_numpy(op: Any, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
    _check_indices(op, indices, np.shape(dense))
    total = np.array(dense)
    np.add.at(total, tuple(np.moveaxis(indices, -1, 0)), values)
    return total


def _added_grad(op: Any, grad: Any) -> list[Any]:
    return [None, raw("GatherNd", grad, op.inputs[0]), None, grad]


register_op(
    "SparseTensorDenseAdd", shape=lambda c: [c.input(3)], lower=_added, numpy=_added_numpy, gradient=_added_grad
)


def _values_shape(c: ShapeContext) -> list[Shape]:
    rows = with_rank(c, c.input(0), 2)
    return [(rows[0],)]


def _whole(op: Any, xp: Any, dense: Any, sizes: tuple[int, ...]) -> Any:
    rest = dense.shape if len(dense.shape) <= len(sizes) else ()
    if len(rest) != len(dense.shape) or any(
        d not in (1, s) for d, s in zip(reversed(rest), reversed(sizes), strict=False)
    ):
        shown = [",".join(map(str, s)) for s in (sizes, dense.shape)]
        text = f"SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: [{shown[0]}] vs. [{shown[1]}]"
        raise errors.InvalidArgumentError(None, op, text)
    return xp.broadcast_to(dense, sizes)


def _combined(name: str) -> dict[str, Any]:
    def value(op: Any, xp: Any, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
        whole = _whole(op, xp, dense, tuple(int(d) for d in np.asarray(shape)))
        return getattr(xp, name)(values, whole[tuple(xp.moveaxis(indices, -1, 0))])

    def lower(op: Any, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
        return value(op, jnp, jnp.asarray(indices), values, shape, jnp.asarray(dense))

    def numpy(op: Any, indices: Any, values: Any, shape: Any, dense: Any) -> Any:
        return value(op, np, indices, values, shape, dense)

    return {"lower": lower, "numpy": numpy}


def _scaled_grad(is_product: bool) -> Callable[..., Any]:
    def gradient(op: Any, grad: Any) -> list[Any]:
        indices, values, shape, dense = op.inputs
        dense_shape = math.cast(array.shape(dense), shape.dtype)
        added: Any = array.expand_dims(array.size(shape) - array.size(dense_shape), 0)
        augmented = raw("ConcatV2", [array.ones(added, shape.dtype), dense_shape], 0, name="concat")
        scaled = indices // (shape // augmented)
        begin = raw("ConcatV2", [[0], added], 0, name="concat")
        scaled = raw("Slice", scaled, begin, [-1, -1])
        chosen = raw("GatherNd", dense, scaled)
        if is_product:
            dx, dy = grad * chosen, grad * values
        else:
            dx, dy = grad / chosen, grad * (-values / math.square(chosen))
        return [None, dx, None, raw("SparseTensorDenseAdd", scaled, dy, dense_shape, array.zeros_like(dense))]

    return gradient


register_op(
    "SparseDenseCwiseMul", shape=_values_shape, static_inputs=(2,), gradient=_scaled_grad(True), **_combined("multiply")
)
register_op(
    "SparseDenseCwiseDiv",
    shape=_values_shape,
    static_inputs=(2,),
    gradient=_scaled_grad(False),
    **_combined("true_divide"),
)
register_op("SparseDenseCwiseAdd", shape=_values_shape, static_inputs=(2,), **_combined("add"))
