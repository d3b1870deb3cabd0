"""The rows of SparseToDense and SparseTensorDenseMatMul, which XLA runs where the number of elements is settled.

Where it is data (a sparse tensor that is fed, parsed or looked up) they run on the host: compiled code would be made anew
for each number of elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jnp
from retrograph.framework.op_table import RECORDS, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, merge_dim, with_rank
from retrograph.ops import sparse_grad as grad
from retrograph.ops.rows import is_static, refuse
from retrograph.ops.sparse_rows import brackets, check_indices

Array = Any
_PASSING = frozenset(("Identity", "Cast", "StridedSlice", "Reshape", "ExpandDims", "StopGradient"))


def _count_is_data(op: Any) -> bool:
    """Whether the number of elements is first known when the host has made or been fed the indices."""
    tensor = op._inputs[0]
    while tensor._shape is None or not tensor._shape or tensor._shape[0] is None:
        source = tensor._op
        if source._type in ("Placeholder", "PlaceholderV2", "PlaceholderWithDefault"):
            return True
        if source._type not in _PASSING:
            record = RECORDS.get(source._type)
            return record is not None and record.on_host(source)
        tensor = source._inputs[0]
    return False


# ---- SparseToDense


def _dense_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 1)
    return [c.constant_as_shape(1)]


def _matrix_of(op: Any, indices: Array, sizes: Array, values: Array, default: Array) -> Array:
    """The indices as a matrix, after the checks that need no values."""
    if indices.ndim > 2:
        refuse(op, f"sparse_indices should be a scalar, vector, or matrix, got shape {brackets(indices.shape)}")
    count = indices.shape[0] if indices.ndim else 1
    rank = indices.shape[1] if indices.ndim > 1 else 1
    if sizes.ndim != 1:
        refuse(op, f"output_shape should be a vector, got shape {brackets(sizes.shape)}")
    if len(sizes) != rank:
        refuse(op, f"output_shape has incorrect number of elements: {len(sizes)} should be: {rank}")
    if values.ndim > 1 or (values.ndim == 1 and len(values) != count):
        refuse(op, f"sparse_values has incorrect shape {brackets(values.shape)}, should be [] or [{count}]")
    if default.ndim:
        refuse(op, "default_value should be a scalar.")
    return indices.reshape(count, rank)


def _dense_numpy(op: Any, ctx: Any, indices: Array, sizes: Array, values: Array, default: Array) -> Array:
    rows = _matrix_of(op, indices, sizes, values, default)
    if op.attrs["validate_indices"]:
        check_indices(op, rows, sizes)
    elif "_padded" in op._attrs:
        inside = np.all((rows >= 0) & (rows < sizes), axis=1)
        rows, values = rows[inside], values[inside]
    elif np.any((rows < 0) | (rows >= sizes)):
        refuse(op, f"Indices are not valid (out of bounds).  Shape: {brackets(sizes)}")
    dense = np.empty([int(s) for s in sizes], values.dtype)
    dense[...] = default[()]
    dense[tuple(rows.T)] = values
    return dense


def _valid(indices: Any, sizes: Array, ordered: bool) -> Any:
    """Whether all rows are inside, and each after the one before."""
    fits = jnp.all((indices >= 0) & (indices < jnp.asarray(sizes)))
    if not ordered or indices.shape[0] < 2:
        return fits
    after = jnp.zeros(indices.shape[0] - 1, bool)
    same = ~after
    for column in range(indices.shape[1]):
        now, before = indices[1:, column], indices[:-1, column]
        after, same = after | (same & (now > before)), same & (now == before)
    return fits & jnp.all(after)


def _dense_lower(op: Any, ctx: Any, indices: Any, sizes: Array, values: Any, default: Any) -> Any:
    if all(is_static(x) for x in (indices, values, default)):
        return _dense_numpy(op, ctx, indices, sizes, values, default)
    given = [jnp.asarray(x) for x in (indices, values, default)]
    rows = _matrix_of(op, given[0], sizes, given[1], given[2])
    if "_padded" not in op._attrs:
        held = _valid(rows, sizes, op.attrs["validate_indices"])
        ctx.checks.append((op, held, [indices, sizes, values, default]))
    dense = jnp.broadcast_to(given[2], tuple(int(s) for s in sizes))
    return dense.at[tuple(rows.T)].set(given[1], mode="drop")


register_op(
    "SparseToDense",
    shape=_dense_shape,
    lower=_dense_lower,
    numpy=_dense_numpy,
    static_inputs=(1,),
    host=_count_is_data,
    effect=True,
    gradient=grad.to_dense_grad,
).padded = _dense_lower


# ---- SparseTensorDenseMatMul


def _product_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 1)
    a = with_rank(c, c.constant_as_shape(2), 2)
    b = with_rank(c, c.input(3), 2)
    left, inner = (a[1], a[0]) if c.attr("adjoint_a") else (a[0], a[1])
    right, other = (b[0], b[1]) if c.attr("adjoint_b") else (b[1], b[0])
    merge_dim(c, inner, other)
    return [(left, right)]


def _check_product(op: Any, indices: Array, values: Array, shape: Array, b: Array) -> None:
    if b.ndim != 2:
        refuse(op, "Tensor 'b' is not a matrix")
    if indices.shape[0] != values.shape[0]:
        refuse(op, "Number of rows of a_indices does not match number of entries in a_values")
    if indices.shape[1] != 2:
        refuse(op, "Number of columns of a_indices does not match number of entries in a_shape")
    inner = int(shape[0 if op.attrs["adjoint_a"] else 1])
    other = b.shape[1 if op.attrs["adjoint_b"] else 0]
    if inner != other:
        text = "Cannot multiply A and B because inner dimension does not match"
        sizes = f"Dimensions of A: [{int(shape[0])}, {int(shape[1])}).  Dimensions of B: {brackets(b.shape)}"
        refuse(op, f"{text}: {inner} vs. {other}.  Did you forget a transpose?  {sizes}")


def _adjoint(xp: Any, x: Any) -> Any:
    return xp.conj(x).T


def _parts(xp: Any, op: Any, indices: Any, values: Any, shape: Array, b: Any) -> tuple[Any, Any, Any, Any, int, int]:
    """(rows, columns, values, right matrix, number of rows, of columns) of the product without adjoints."""
    rows, columns, sizes = indices[:, 0], indices[:, 1], [int(s) for s in shape]
    if op.attrs["adjoint_a"]:
        # TF's kernel leaves the sparse values as they are, also complex ones.
        rows, columns, sizes = columns, rows, sizes[::-1]
    return rows, columns, values, _adjoint(xp, b) if op.attrs["adjoint_b"] else b, sizes[0], sizes[1]


def _check_places(op: Any, rows: Array, columns: Array, height: int, width: int) -> None:
    turned = op.attrs["adjoint_a"]
    for letter, places, size, column in (("k", columns, width, 1), ("m", rows, height, 0)):
        wrong = (places < 0) | (places >= size)
        if wrong.any():
            at = int(np.argmax(wrong))
            shown = f"index[{at},{1 - column if turned else column}]"
            refuse(op, f"{letter} ({places[at]}) from {shown} out of bounds (>={size})")


def _product_numpy(op: Any, ctx: Any, indices: Array, values: Array, shape: Array, b: Array) -> Array:
    _check_product(op, indices, values, shape, b)
    rows, columns, values, b, height, width = _parts(np, op, indices, values, shape, b)
    _check_places(op, rows, columns, height, width)
    product = np.zeros((height, b.shape[1]), b.dtype)
    if len(rows):
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        terms = values[order, None] * b[columns[order]]
        product[rows[starts]] = np.add.reduceat(terms, starts, axis=0)
    return product


def _product_lower(op: Any, ctx: Any, indices: Any, values: Any, shape: Array, b: Any) -> Any:
    given = [jnp.asarray(x) for x in (indices, values)]
    _check_product(op, given[0], given[1], shape, b)
    rows, columns, entries, right, height, width = _parts(jnp, op, given[0], given[1], shape, jnp.asarray(b))
    if is_static(indices):
        # What jax makes of them is traced, even of constants.
        known = np.asarray(indices)[:, ::-1] if op.attrs["adjoint_a"] else np.asarray(indices)
        _check_places(op, known[:, 0], known[:, 1], height, width)
    else:
        held = jnp.all((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width))
        ctx.checks.append((op, held, [indices, values, shape, b]))
    zeros = jnp.zeros((height, right.shape[1]), right.dtype)
    return zeros.at[rows].add(entries[:, None] * right[columns], mode="drop")


register_op(
    "SparseTensorDenseMatMul",
    shape=_product_shape,
    lower=_product_lower,
    numpy=_product_numpy,
    static_inputs=(2,),
    host=_count_is_data,
    effect=True,
    gradient=grad.matmul_grad,
)
