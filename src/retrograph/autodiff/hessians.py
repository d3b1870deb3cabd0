"""`tf.hessians`: second derivatives, one row of each at a time."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


@export("hessians")
def hessians(
    ys: Any,
    xs: Any,
    name: str | None = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Any]:
    """For each x of `xs` the Hessian of the sum of `ys`: a tensor shaped `x.shape + x.shape`.

    Raises: LookupError if an operation on the way has no gradient.
    Source: TF 1.15 `tf.hessians`.
    """
    xs = xs if isinstance(xs, (list, tuple)) else [xs]
    grads = tf.gradients(
        ys,
        xs,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
    )
    return [_hessian(grad, x) for grad, x in zip(grads, xs, strict=True)]


def _hessian(gradient: Any, x: Any) -> Any:
    gradient = tf.reshape(gradient, [-1])
    size = tf.size(x)
    start = [tf.constant(0, tf.int32), tf.TensorArray(x.dtype, size)]

    def row(j: Any, rows: Any) -> tuple[Any, Any]:
        return j + 1, rows.write(j, tf.gradients(gradient[j], x)[0])

    _, rows = tf.while_loop(lambda j, _: j < size, row, start)
    shape = tf.shape(x)
    return tf.reshape(rows.stack(), tf.concat((shape, shape), 0))


def _hessian_vector_product(ys: Any, xs: Any, v: Any) -> list[Any]:
    """The product of the Hessian of the sum of `ys` by `xs` with the vectors `v`, shaped like `xs`.

    Raises: ValueError if `xs` and `v` differ in length.
    Source: TF 1.15 `gradients_impl._hessian_vector_product`.
    """
    if len(v) != len(xs):
        raise ValueError("xs and v must have the same length.")
    pairs = zip(tf.gradients(ys, xs), v, strict=True)
    products = [tf.multiply(g, tf.stop_gradient(vector)) for g, vector in pairs if g is not None]
    return tf.gradients(products, xs)  # type: ignore[no-any-return]
