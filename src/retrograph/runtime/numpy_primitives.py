"""JAX's primitives on NumPy arrays: what traced programs consist of, for those that are not worth compiling.

`RULES` maps the name of a primitive to a function of its parameters that gives the function on arrays. Types and shapes
are settled in a traced program, so that rules neither promote nor broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from retrograph.framework.lazy_jax import imported
from retrograph.runtime.numpy_forms import rows_by_id, sigmoid
from retrograph.runtime.numpy_windows import NotHereError

Run = Callable[..., Any]

# --- element by element ---


def _special(name: str) -> Run:
    def run(x: Any) -> Any:
        function = getattr(imported("scipy.special"), name)
        return np.asarray(function(x.astype(np.float32) if x.dtype.itemsize < 4 else x), x.dtype)

    return run


def _logistic(x: Any) -> Any:
    if np.iscomplexobj(x):
        return 1 / (1 + np.exp(-x))
    return sigmoid(x)


def _div(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return x / y
    quotient = np.where(y == 0, -1, x // np.where(y == 0, 1, y))
    return (quotient + ((y != 0) & (quotient * y != x) & ((x < 0) != (y < 0)))).astype(x.dtype)


def _rem(x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return np.fmod(x, y)
    return np.where(y == 0, x, np.fmod(x, np.where(y == 0, 1, y)))


def _bits(x: Any) -> Any:
    return np.asarray(x).view(f"u{x.dtype.itemsize}")


def _shift(how: Run) -> Run:
    def run(x: Any, count: Any) -> Any:
        width = x.dtype.itemsize * 8
        bits = _bits(x)
        moved = how(bits, (_bits(count) % width).astype(bits.dtype))
        return np.where(_bits(count) < width, moved, 0).astype(bits.dtype).view(x.dtype)

    return run


def _shift_right_arithmetic(x: Any, count: Any) -> Any:
    signed = np.asarray(x).view(f"i{x.dtype.itemsize}")
    return (signed >> np.minimum(_bits(count), x.dtype.itemsize * 8 - 1).astype(signed.dtype)).view(x.dtype)


def _complex(x: Any, y: Any) -> Any:
    # A sum of x and y times i has no number where y is infinite.
    made = np.empty(np.shape(x), np.complex64 if x.dtype.itemsize == 4 else np.complex128)
    made.real, made.imag = x, y
    return made


def _digamma(x: Any) -> Any:
    return np.where(x == 0, x.dtype.type(np.nan), _special("digamma")(x))


def _wide(x: Any) -> Any:
    """Numbers of 16 bits as those of 32, by which they are added up, multiplied and put in order."""
    return x.astype(np.float32) if x.dtype.itemsize < 4 and x.dtype.kind not in "iub" else x


_UNARY: dict[str, Run] = {
    "abs": np.abs, "neg": np.negative, "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "exp": np.exp, "exp2": np.exp2,
    "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "cbrt": np.cbrt,
    "square": np.square, "logistic": _logistic, "is_finite": np.isfinite, "real": np.real, "imag": np.imag,
    "conj": np.conj, "not": np.invert, "erf": _special("erf"), "erfc": _special("erfc"), "erf_inv": _special("erfinv"),
    "lgamma": _special("gammaln"), "digamma": _digamma,
    **dict.fromkeys(("stop_gradient", "copy", "copy_p", "name"), lambda x: x),
}  # fmt: skip
_BINARY: dict[str, Run] = {
    "add": np.add, "add_any": np.add, "sub": np.subtract, "mul": np.multiply, "div": _div, "rem": _rem,
    "max": np.maximum, "min": np.minimum, "atan2": np.arctan2, "nextafter": np.nextafter, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor, "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "shift_left": _shift(np.left_shift),
    "shift_right_logical": _shift(np.right_shift), "shift_right_arithmetic": _shift_right_arithmetic,
    "pow": lambda x, y: np.power(x, y.astype(x.dtype)),
    "complex": _complex,
    "clamp": lambda least, x, most: np.minimum(np.maximum(x, least), most),
}  # fmt: skip


def _integer_pow(p: dict[str, Any]) -> Run:
    power = p["y"]
    if power < 0:
        return lambda x: 1 / np.power(x, np.asarray(-power, x.dtype))
    return lambda x: np.power(x, np.asarray(power, x.dtype))


def _select(p: dict[str, Any]) -> Run:
    def run(which: Any, *cases: Any) -> Any:
        if which.dtype == np.bool_:
            return np.where(which, cases[-1], cases[0])
        return np.choose(np.broadcast_to(which, cases[0].shape), cases)

    return run


def _convert(p: dict[str, Any]) -> Run:
    dtype = np.dtype(p["new_dtype"])

    def to_integer(x: Any) -> Any:
        # Beyond its range an integer is the nearest one; what is no number is none.
        info = np.iinfo(dtype)
        inside = np.where(np.isnan(x), 0, np.where(x <= info.min, 0, np.where(x >= info.max, 0, x))).astype(dtype)
        return np.where(x <= info.min, dtype.type(info.min), np.where(x >= info.max, dtype.type(info.max), inside))

    def run(x: Any) -> Any:
        if dtype.kind in "iu" and x.dtype.kind not in "iub":
            return to_integer(x)
        return (x.real if x.dtype.kind == "c" and dtype.kind not in "cb" else x).astype(dtype, copy=False)

    return run


def _bitcast(p: dict[str, Any]) -> Run:
    dtype = np.dtype(p["new_dtype"])

    def run(x: Any) -> Any:
        if x.dtype.itemsize != dtype.itemsize:
            raise NotHereError
        return np.asarray(x).view(dtype)

    return run


def _round(p: dict[str, Any]) -> Run:
    if p["rounding_method"].name == "TO_NEAREST_EVEN":
        return np.rint
    return lambda x: np.copysign(np.floor(np.abs(x) + x.dtype.type(0.5)), x)


# --- shapes ---


def _broadcast(p: dict[str, Any]) -> Run:
    shape, where = p["shape"], p["broadcast_dimensions"]

    def run(x: Any) -> Any:
        aligned = [1] * len(shape)
        for size, axis in zip(np.shape(x), where, strict=True):
            aligned[axis] = size
        return np.broadcast_to(np.reshape(x, aligned), shape)

    return run


def _reshape(p: dict[str, Any]) -> Run:
    shape, order = p["new_sizes"], p.get("dimensions")
    return (lambda x: np.reshape(x, shape)) if order is None else lambda x: np.reshape(np.transpose(x, order), shape)


def _slice(p: dict[str, Any]) -> Run:
    strides = p["strides"] or (1,) * len(p["start_indices"])
    index = tuple(slice(*s) for s in zip(p["start_indices"], p["limit_indices"], strides, strict=True))
    return lambda x: x[index]


def _window(starts: Sequence[Any], sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """Where a window lies that is moved inside if it does not fit."""
    at = [min(max(int(s), 0), n - size) for s, size, n in zip(starts, sizes, shape, strict=True)]
    return tuple(slice(s, s + size) for s, size in zip(at, sizes, strict=True))


def _dynamic_slice(p: dict[str, Any]) -> Run:
    # A copy, so that the array may be changed in place later.
    return lambda x, *starts: x[_window(starts, p["slice_sizes"], x.shape)].copy()


def put_window(x: Any, update: Any, *starts: Any) -> Any:
    """The array with a window of it replaced, in place."""
    x[_window(starts, update.shape, x.shape)] = update
    return x


def _pad(p: dict[str, Any]) -> Run:
    config = p["padding_config"]

    def run(x: Any, value: Any) -> Any:
        if x.size == 0 and any(low < 0 or high < 0 for low, high, _ in config):
            raise NotHereError
        grown = [max(n - 1, 0) * gap + n for n, (_, _, gap) in zip(x.shape, config, strict=True)]
        room = [n + max(low, 0) + max(high, 0) for n, (low, high, _) in zip(grown, config, strict=True)]
        made = np.full(room, value, x.dtype)
        made[tuple(slice(max(c[0], 0), max(c[0], 0) + n, c[2] + 1) for n, c in zip(grown, config, strict=True))] = x
        return made[
            tuple(slice(max(-low, 0), n - max(-high, 0)) for n, (low, high, _) in zip(room, config, strict=True))
        ]

    return run


def _split(p: dict[str, Any]) -> Run:
    ends = np.cumsum(p["sizes"])[:-1]
    return lambda x: np.split(x, ends, p["axis"])


def _iota(p: dict[str, Any]) -> Run:
    shape, axis = p["shape"], p["dimension"]
    aligned = [n if i == axis else 1 for i, n in enumerate(shape)]
    made = np.broadcast_to(np.arange(shape[axis]).astype(p["dtype"]).reshape(aligned), shape)
    return lambda: made


# --- along axes ---


def _reduced(ufunc: Any) -> Run:
    def rule(p: dict[str, Any]) -> Run:
        axes = tuple(p["axes"])

        def run(x: Any) -> Any:
            if ufunc in (np.maximum, np.minimum) and not all(x.shape[a] for a in axes):
                raise NotHereError
            wide = _wide(x)
            return ufunc.reduce(wide, axes, dtype=wide.dtype).astype(x.dtype, copy=False)

        return run

    return rule


def _arg(find: Run) -> Run:
    def rule(p: dict[str, Any]) -> Run:
        (axis,), dtype = p["axes"], p["index_dtype"]
        return lambda x: find(x, axis).astype(dtype)

    return rule


def _accumulated(ufunc: Any) -> Run:
    def rule(p: dict[str, Any]) -> Run:
        axis = p["axis"]
        turned: Run = (lambda x: np.flip(x, axis)) if p["reverse"] else (lambda x: x)

        def run(x: Any) -> Any:
            wide = _wide(x)
            return turned(ufunc.accumulate(turned(wide), axis, dtype=wide.dtype)).astype(x.dtype, copy=False)

        return run

    return rule


def _sort(p: dict[str, Any]) -> Run:
    axis, keys = p["dimension"], p["num_keys"]

    def run(*operands: Any) -> list[Any]:
        found = [_wide(x) for x in operands[:keys]]
        order = np.argsort(found[0], axis, kind="stable") if keys == 1 else np.lexsort(found[::-1], axis)
        return [np.take_along_axis(x, order, axis) for x in operands]

    return run


def _top_k(p: dict[str, Any]) -> Run:
    count, axis = p["k"], p.get("axis", -1)

    def run(x: Any) -> list[Any]:
        # Of equal elements the first comes first, and what is no number before all.
        order = np.flip(x.shape[axis] - 1 - np.argsort(np.flip(_wide(x), axis), axis, kind="stable"), axis)
        places = np.take(order, np.arange(count), axis)
        return [np.take_along_axis(x, places, axis), places.astype(np.int32)]

    return run


# --- products ---


def _dot_general(p: dict[str, Any]) -> Run:
    (left, right), (left_batch, right_batch) = p["dimension_numbers"]
    wanted = p["preferred_element_type"]

    def run(x: Any, y: Any) -> Any:
        rows = [i for i in range(x.ndim) if i not in left and i not in left_batch]
        columns = [i for i in range(y.ndim) if i not in right and i not in right_batch]
        dtype = np.dtype(wanted) if wanted is not None else x.dtype
        kind = dtype if _wide(x) is x else np.float32
        batch = [x.shape[i] for i in left_batch]
        inner = math.prod(x.shape[i] for i in left)
        a = x.transpose(*left_batch, *rows, *left).reshape(*batch, math.prod(x.shape[i] for i in rows), inner)
        b = y.transpose(*right_batch, *right, *columns).reshape(*batch, inner, math.prod(y.shape[i] for i in columns))
        shape = (*batch, *(x.shape[i] for i in rows), *(y.shape[i] for i in columns))
        return (
            np.matmul(a.astype(kind, copy=False), b.astype(kind, copy=False)).reshape(shape).astype(dtype, copy=False)
        )

    return run


def _dilated(x: Any, gaps: Sequence[int], padding: Sequence[Any], filling: Any) -> Any:
    """An array with gaps between its elements along the last axes, and room around."""
    fixed = [(0, 0, 0)] * (x.ndim - len(gaps))
    config = [*fixed, *((low, high, gap - 1) for gap, (low, high) in zip(gaps, padding, strict=True))]
    return _pad({"padding_config": config})(x, filling)


def _windows(x: Any, sizes: Sequence[int], strides: Sequence[int], gaps: Sequence[int]) -> Any:
    """The windows over the last axes: first where they are, then what is in them."""
    axes: Any = tuple(range(x.ndim - len(sizes), x.ndim))
    reach = [(size - 1) * gap + 1 for size, gap in zip(sizes, gaps, strict=True)]
    if any(n < r for n, r in zip(x.shape[-len(sizes) :], reach, strict=True)):
        raise NotHereError
    seen = sliding_window_view(x, reach, axes)
    places: tuple[Any, ...] = (..., *(slice(None, None, step) for step in (*strides, *gaps)))
    return seen[places]


def _convolution(p: dict[str, Any]) -> Run:
    numbers, groups = p["dimension_numbers"], p["feature_group_count"]
    if p["batch_group_count"] != 1:
        raise NotHereError
    back = np.argsort(numbers.out_spec)

    def run(x: Any, kernel: Any) -> Any:
        x, kernel = x.transpose(numbers.lhs_spec), kernel.transpose(numbers.rhs_spec)
        x = _dilated(x, p["lhs_dilation"], p["padding"], 0)
        rank, outputs, per = x.ndim - 2, kernel.shape[0] // groups, kernel.shape[1]
        seen = _windows(x, kernel.shape[2:], p["window_strides"], p["rhs_dilation"])
        inner = [1, *range(2 + rank, 2 + 2 * rank)]
        parts = [
            np.tensordot(seen[:, g * per : (g + 1) * per], kernel[g * outputs : (g + 1) * outputs], (inner, [1, *range(2, 2 + rank)]))
            for g in range(groups)
        ]  # fmt: skip
        made = np.moveaxis(np.concatenate(parts, -1), -1, 1)
        return np.ascontiguousarray(made.transpose(back))

    return run


def _reduced_windows(ufunc: Any, start: Callable[[Any], Any]) -> Run:
    def rule(p: dict[str, Any]) -> Run:
        sizes = p["window_dimensions"]

        def run(x: Any) -> Any:
            padded = _dilated(x, p["base_dilation"], p["padding"], start(x.dtype))
            seen = _windows(padded, sizes, p["window_strides"], p["window_dilation"])
            wide = _wide(seen)
            return ufunc.reduce(wide, tuple(range(x.ndim, 2 * x.ndim)), dtype=wide.dtype).astype(x.dtype, copy=False)

        return run

    return rule


def _least(dtype: Any) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _most(dtype: Any) -> Any:
    return np.iinfo(dtype).max if dtype.kind in "iu" else np.inf


# --- rows at indices ---


class _Places:
    """Where the windows of a gather or a scatter lie: an index for each axis that is not taken whole."""

    def __init__(self, shape: Sequence[int], indices: Any, sizes: Sequence[int], axes: Any, batching: Any, clip: bool):
        self.count = indices.shape[:-1]
        starts = {axis: indices[..., k].astype(np.int64) for k, axis in enumerate(axes)}
        for axis, along in zip(*batching, strict=True):
            starts[axis] = np.arange(shape[axis]).reshape([-1 if i == along else 1 for i in range(len(self.count))])
        inside = np.ones(self.count, np.bool_)
        for axis, start in starts.items():
            most = shape[axis] - sizes[axis]
            inside &= (start >= 0) & (start <= most)
            starts[axis] = np.clip(start, 0, most)
        self.inside = None if clip or inside.all() else inside
        self.taken = [axis for axis in range(len(shape)) if axis in starts or sizes[axis] != shape[axis]]
        self.whole = [axis for axis in range(len(shape)) if axis not in self.taken]
        self.index = tuple(self._index(starts.get(axis, np.zeros((), np.int64)), sizes, axis) for axis in self.taken)

    def _index(self, start: Any, sizes: Sequence[int], axis: int) -> Any:
        window = [sizes[axis] if a == axis else 1 for a in self.taken]
        start = np.broadcast_to(start, np.broadcast_shapes(np.shape(start), (1,) * len(self.count)))
        return start.reshape(*start.shape, *[1] * len(window)) + np.arange(sizes[axis]).reshape(window)


def _gather(p: dict[str, Any]) -> Run:
    numbers, sizes = p["dimension_numbers"], p["slice_sizes"]
    # What is promised to be inside is moved inside by XLA too; a scatter leaves it out.
    clip = "FILL" not in str(p["mode"])
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    batching = numbers.operand_batching_dims, numbers.start_indices_batching_dims

    def run(x: Any, indices: Any) -> Any:
        if not x.size:
            raise NotHereError
        places = _Places(x.shape, indices, sizes, numbers.start_index_map, batching, clip)
        order = [*places.taken, *places.whole]
        found = x.transpose(order)[places.index] if places.index else np.broadcast_to(x, (*places.count, *x.shape))
        first = len(places.count)
        found = np.broadcast_to(found, (*places.count, *found.shape[first:]))
        if places.inside is not None:
            outside = ~places.inside.reshape(*places.inside.shape, *[1] * (found.ndim - first))
            found = np.where(outside, _filling(p["fill_value"], x.dtype), found)
        kept = sorted((axis, first + i) for i, axis in enumerate(order) if axis not in gone)
        found = found.reshape([n for i, n in enumerate(found.shape) if i < first or order[i - first] not in gone])
        # What is gone moves the others to the left.
        ranks = {at: i for i, at in enumerate(sorted(at for _, at in kept))}
        source = [first + ranks[at] for _, at in kept]
        return np.moveaxis(found, source, numbers.offset_dims)

    return run


def _filling(value: Any, dtype: Any) -> Any:
    if value is not None:
        return np.asarray(value, dtype)
    if dtype.kind in "iu":
        return np.asarray(_least(dtype) if dtype.kind == "i" else _most(dtype), dtype)
    return np.asarray(True if dtype.kind == "b" else np.nan, dtype)


def _scatter(combine: Any) -> Run:
    def rule(p: dict[str, Any]) -> Run:
        numbers = p["dimension_numbers"]
        gone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        batching = numbers.operand_batching_dims, numbers.scatter_indices_batching_dims
        axes = numbers.scatter_dims_to_operand_dims

        def run(x: Any, indices: Any, updates: Any) -> Any:
            if not x.size or not updates.size:
                return x
            windows = iter(updates.shape[i] for i in numbers.update_window_dims)
            sizes = [1 if axis in gone else next(windows) for axis in range(x.ndim)]
            places = _Places(x.shape, indices, sizes, axes, batching, "CLIP" in str(p["mode"]))
            order = [*places.taken, *places.whole]
            kept = [axis for axis in range(x.ndim) if axis not in gone]
            rows = np.moveaxis(updates, numbers.update_window_dims, range(-len(kept), 0) if kept else ())
            first = len(places.count)
            rows = rows.transpose(*range(first), *(first + kept.index(axis) for axis in order if axis in kept))
            rows = rows.reshape(*places.count, *(sizes[axis] for axis in order))
            return _put(x, order, places, rows, combine)

        return run

    return rule


def _put(x: Any, order: list[int], places: _Places, rows: Any, combine: Any) -> Any:
    made = np.array(x.transpose(order), order="C")
    if not places.index:
        return (rows if combine is None else combine(made, rows)).reshape(made.shape).transpose(np.argsort(order))
    taken = len(places.taken)
    outer = math.prod(made.shape[:taken])
    shape = (*places.count, *rows.shape[len(places.count) : len(places.count) + taken])
    flat = np.ravel_multi_index(np.broadcast_arrays(*places.index), made.shape[:taken])
    flat = np.broadcast_to(flat, shape).reshape(-1)
    table, rows = made.reshape(outer, -1), rows.reshape(flat.size, -1)
    if places.inside is not None:
        held = np.broadcast_to(places.inside.reshape(*places.inside.shape, *[1] * taken), shape).reshape(-1)
        flat, rows = flat[held], rows[held]
    _combine(table, flat, rows, combine)
    return made.transpose(np.argsort(order))


def _combine(table: Any, flat: Any, rows: Any, combine: Any) -> None:
    if combine is None:
        table[flat] = rows
    elif flat.size:
        distinct, found = rows_by_id(combine, flat, _wide(rows))
        table[distinct] = combine(table[distinct], found.astype(table.dtype, copy=False))


def _per_element(run: Run) -> Run:
    return lambda p: run


RULES: dict[str, Callable[[dict[str, Any]], Run]] = {
    **{name: _per_element(run) for name, run in (_UNARY | _BINARY).items()},
    "integer_pow": _integer_pow,
    "select_n": _select,
    "convert_element_type": _convert,
    "bitcast_convert_type": _bitcast,
    "round": _round,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": lambda p: lambda x: np.squeeze(x, tuple(p["dimensions"])),
    "expand_dims": lambda p: lambda x: np.expand_dims(x, tuple(p["dimensions"])),
    "transpose": lambda p: lambda x: np.transpose(x, p["permutation"]),
    "rev": lambda p: lambda x: np.flip(x, p["dimensions"]),
    "optimization_barrier": lambda p: lambda *values: values,
    "concatenate": lambda p: lambda *x: np.concatenate(x, p["dimension"]),
    "slice": _slice,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": lambda p: lambda x, update, *starts: put_window(np.array(x), update, *starts),
    "pad": _pad,
    "tile": lambda p: lambda x: np.tile(x, p["reps"]),
    "split": _split,
    "stack": lambda p: lambda *x: np.stack(x, p["axis"]),
    "unstack": lambda p: lambda x: list(np.moveaxis(x, p["axis"], 0)),
    "broadcast_to": lambda p: lambda x: np.broadcast_to(x, p["shape"]),
    "iota": _iota,
    "reduce_sum": _reduced(np.add),
    "reduce_prod": _reduced(np.multiply),
    "reduce_max": _reduced(np.maximum),
    "reduce_min": _reduced(np.minimum),
    "reduce_and": _reduced(np.bitwise_and),
    "reduce_or": _reduced(np.bitwise_or),
    "reduce_xor": _reduced(np.bitwise_xor),
    "argmax": _arg(np.argmax),
    "argmin": _arg(np.argmin),
    "cumsum": _accumulated(np.add),
    "cumprod": _accumulated(np.multiply),
    "cummax": _accumulated(np.maximum),
    "cummin": _accumulated(np.minimum),
    "cumlogsumexp": _accumulated(np.logaddexp),
    "sort": _sort,
    "top_k": _top_k,
    "dot_general": _dot_general,
    "conv_general_dilated": _convolution,
    "reduce_window_sum": _reduced_windows(np.add, lambda dtype: 0),
    "reduce_window_max": _reduced_windows(np.maximum, _least),
    "reduce_window_min": _reduced_windows(np.minimum, _most),
    "gather": _gather,
    "scatter": _scatter(None),
    "scatter-add": _scatter(np.add),
    "scatter-mul": _scatter(np.multiply),
    "scatter-min": _scatter(np.minimum),
    "scatter-max": _scatter(np.maximum),
}
