"""`tf.Assert` and the checks made of it: `tf.assert_equal`, `tf.assert_rank`, `tf.debugging.*`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dtypes import DType
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape_rules import no_outputs
from retrograph.framework.static_value import constant_value
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array, math
from retrograph.ops.cond import cond
from retrograph.ops.control_flow import no_op, with_dependencies
from retrograph.ops.strided_slice import strided_slice
from retrograph.ops.summarize import summarize_value

NUMERIC_TYPES = frozenset(
    getattr(dtypes, name)
    for name in (
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "qint8",
        "qint32",
        "quint8",
        "complex64",
        "complex128",
        "float16",
        "bfloat16",
    )
)


def _assert(op: Operation, ctx: Any, condition: Any, *data: Any) -> tuple[()]:
    if not np.asarray(condition).all():
        count = op.attrs["summarize"]
        shown = " ".join(f"[{summarize_value(x, count)}]" for x in data)
        raise errors.InvalidArgumentError(None, op, f"assertion failed: {shown}")
    return ()


def _noted(op: Operation, ctx: Any, condition: Any, *data: Any) -> tuple[()]:
    """In compiled programs the check is one of the results: it is made when they are there, before any is used."""
    if isinstance(condition, (np.ndarray, np.generic)) and np.asarray(condition).all():
        return ()
    ctx.checks.append((op, condition, list(data)))
    return ()


register_op("Assert", shape=no_outputs, lower=_noted, numpy=_assert, effect=True, gradient=NO_GRADIENT)


def _assert_op(condition: Any, data: Sequence[Any], summarize: int | None) -> Operation:
    return apply_op("Assert", "Assert", condition=condition, data=data, summarize=3 if summarize is None else summarize)  # type: ignore[no-any-return]


@export("Assert", "debugging.Assert")
def Assert(condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None) -> Operation:
    """An operation that fails with the first `summarize` elements of each of `data` where `condition` is false.

    Raises: InvalidArgumentError when it runs.
    Source: TF 1.15 tf.Assert
    """
    with name_scope(name, "Assert", [condition, data]):
        if not isinstance(data, Sequence):
            raise TypeError("values must be a sequence.")
        tensors = [convert_to_tensor(x) for x in data]
        if all(x.dtype in (dtypes.string, dtypes.int32) for x in tensors):
            return _assert_op(condition, data, summarize)
        condition = convert_to_tensor(condition, name="Condition")
        guarded = cond(condition, no_op, lambda: _assert_op(condition, data, summarize), name="AssertGuard")
        return guarded.op  # type: ignore[no-any-return]


def _static_text(value: Any) -> str:
    known = constant_value(value) if isinstance(value, Tensor) else value
    return str(value if known is None else known)


def _fail_if_known(holds: Any, data: Iterable[Any]) -> None:
    if not holds:
        raise errors.InvalidArgumentError(None, None, "\n".join(_static_text(x) for x in data))


class _Comparison(NamedTuple):
    sign: str
    dynamic: str
    static: Callable[..., Any]
    text: str


_COMPARISONS = {
    "assert_equal": _Comparison("==", "equal", np.equal, "`x == y`"),
    "assert_none_equal": _Comparison("!=", "not_equal", np.not_equal, "`x != y`"),
    "assert_less": _Comparison("<", "less", np.less, "`x < y`"),
    "assert_less_equal": _Comparison("<=", "less_equal", np.less_equal, "`x <= y`"),
    "assert_greater": _Comparison(">", "greater", np.greater, "`x > y`"),
    "assert_greater_equal": _Comparison(">=", "greater_equal", np.greater_equal, "`x >= y`"),
}


def _compare(
    kind: str, x: Any, y: Any, data: Any, summarize: int | None, message: str | None, name: str | None
) -> Operation:
    comparison = _COMPARISONS[kind]
    with name_scope(name, kind, [x, y, data]):
        x, y = convert_to_tensor(x, name="x"), convert_to_tensor(y, name="y")
        if data is None:
            data = [
                f"Condition x {comparison.sign} y did not hold element-wise:",
                f"x ({x.name}) = ",
                x,
                f"y ({y.name}) = ",
                y,
            ]
        if message is not None:
            data = [message, *data]
        condition = math.reduce_all(getattr(math, comparison.dynamic)(x, y))
        static = constant_value(x), constant_value(y)
        if static[0] is not None and static[1] is not None:
            _fail_if_known(np.all(comparison.static(*static)), data)
        return Assert(condition, data, summarize=summarize)


def _comparing(kind: str) -> Callable[..., Operation]:
    def check(
        x: Any,
        y: Any,
        data: Sequence[Any] | None = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        return _compare(kind, x, y, data, summarize, message, name)

    check.__name__ = check.__qualname__ = kind
    check.__doc__ = (
        f"An operation that fails unless {_COMPARISONS[kind].text} holds for all elements (broadcast).\n\n"
        "    Raises: InvalidArgumentError when it runs, or at once if both are known.\n"
        f"    Source: TF 1.15 tf.{kind}\n    "
    )
    return export(kind, f"debugging.{kind}")(check)


assert_none_equal = _comparing("assert_none_equal")
assert_less = _comparing("assert_less")
assert_less_equal = _comparing("assert_less_equal")
assert_greater = _comparing("assert_greater")
assert_greater_equal = _comparing("assert_greater_equal")


@export("assert_equal", "debugging.assert_equal")
def assert_equal(
    x: Any,
    y: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless `x == y` holds for all elements (broadcast).

    Raises: InvalidArgumentError when it runs, or at once if both are known.
    Source: TF 1.15 tf.assert_equal
    """
    with name_scope(name, "assert_equal", [x, y, data]):
        if x is y:
            return no_op()
    return _compare("assert_equal", x, y, data, summarize, message, name)


class _Sign(NamedTuple):
    condition: str
    comparison: Callable[..., Operation]
    zero_first: bool
    joined: bool


_SIGNS = {
    "assert_negative": _Sign("x < 0", assert_less, False, False),
    "assert_positive": _Sign("x > 0", assert_less, True, False),
    "assert_non_negative": _Sign("x >= 0", assert_less_equal, True, False),
    # One text where the others have two: TF lacks a comma here.
    "assert_non_positive": _Sign("x <= 0", assert_less_equal, False, True),
}


def _sign_data(sign: _Sign, x: Tensor, message: str) -> list[Any]:
    texts = [f"Condition {sign.condition} did not hold element-wise:", f"x ({x.name}) = "]
    return [message, *(["".join(texts)] if sign.joined else texts), x]


def _checking_sign(kind: str) -> Callable[..., Operation]:
    sign = _SIGNS[kind]

    def check(
        x: Any,
        data: Sequence[Any] | None = None,
        summarize: int | None = None,
        message: str | None = None,
        name: str | None = None,
    ) -> Operation:
        with name_scope(name, kind, [x, data]):
            x = convert_to_tensor(x, name="x")
            data = _sign_data(sign, x, message or "") if data is None else data
            zero = convert_to_tensor(0, dtype=x.dtype)
            first, second = (zero, x) if sign.zero_first else (x, zero)
            return sign.comparison(first, second, data=data, summarize=summarize)

    check.__name__ = check.__qualname__ = kind
    check.__doc__ = (
        f"An operation that fails unless `{sign.condition}` holds for all elements.\n\n"
        "    Raises: InvalidArgumentError when it runs, or at once if `x` is known.\n"
        f"    Source: TF 1.15 tf.{kind}\n    "
    )
    return export(kind, f"debugging.{kind}")(check)


assert_negative = _checking_sign("assert_negative")
assert_positive = _checking_sign("assert_positive")
assert_non_negative = _checking_sign("assert_non_negative")
assert_non_positive = _checking_sign("assert_non_positive")


@export("assert_near", "debugging.assert_near")
def assert_near(
    x: Any,
    y: Any,
    rtol: Any = None,
    atol: Any = None,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless `|x - y| < atol + rtol * |y|` everywhere; both default to ten times epsilon.

    Raises: InvalidArgumentError when it runs.
    Source: TF 1.15 tf.assert_near
    """
    with name_scope(name, "assert_near", [x, y, rtol, atol, data]):
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", dtype=x.dtype)
        tolerance = 10 * np.finfo(x.dtype.as_numpy_dtype).eps
        rtol = convert_to_tensor(tolerance if rtol is None else rtol, name="rtol", dtype=x.dtype)
        atol = convert_to_tensor(tolerance if atol is None else atol, name="atol", dtype=x.dtype)
        if data is None:
            text = f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}"
            data = [message or "", text, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        bound = atol + rtol * math.abs(y)
        difference = math.abs(x - y)
        return Assert(math.reduce_all(math.less(difference, bound)), data, summarize=summarize)


class _RankError(ValueError):
    def __init__(self, actual: int, wanted: Any):
        super().__init__("Static rank condition failed", actual, wanted)
        self.actual, self.wanted = actual, wanted


def _ranks_known_to_hold(x: Tensor, ranks: Sequence[Tensor], known: Sequence[Any], holds: Callable[..., Any]) -> bool:
    if any(r is None for r in known):
        return False
    if any(r.ndim != 0 for r in known):
        raise ValueError("Rank must be a scalar.")
    actual = x.get_shape().ndims
    if actual is None:
        return False
    if not holds(actual, *known):
        raise _RankError(actual, tuple(known))
    return True


def _check_ranks(
    x: Tensor,
    ranks: Sequence[Tensor],
    static: Callable[..., Any],
    dynamic: Callable[[Tensor], Tensor],
    data: Sequence[Any],
    summarize: int | None,
) -> Operation:
    for rank in ranks:
        assert_type(rank, dtypes.int32)
    known = [constant_value(rank) for rank in ranks]
    if _ranks_known_to_hold(x, ranks, known, static):
        return no_op(name="static_checks_determined_all_ok")
    condition = dynamic(array.rank(x))
    for rank, value in zip(ranks, known, strict=True):
        if value is None:
            check = assert_rank(rank, 0, data=["Rank must be a scalar. Received rank: ", rank])
            condition = with_dependencies([check], condition)
    return Assert(condition, data, summarize=summarize)


def _rank_data(x: Tensor, relation: str, ranks: Sequence[Tensor], message: str) -> list[Any]:
    return [message, f"Tensor {x.name} must have rank{relation}", *ranks, "Received shape: ", array.shape(x)]


def _one_rank(
    kind: str,
    relation: str,
    static: Callable[..., Any],
    dynamic: str,
    x: Any,
    rank: Any,
    data: Sequence[Any] | None,
    summarize: int | None,
    message: str | None,
    name: str | None,
) -> Operation:
    with name_scope(name, kind, (x, rank, *(data or ()))):
        x = convert_to_tensor(x, name="x")
        rank = convert_to_tensor(rank, name="rank")
        data = _rank_data(x, relation, [rank], message or "") if data is None else data
        try:
            return _check_ranks(x, [rank], static, lambda r: getattr(math, dynamic)(r, rank), data, summarize)
        except _RankError as error:
            raise ValueError(
                f"{message or ''}.  Tensor {x.name} must have rank{relation} {error.wanted[0]:d}.  Received rank "
                f"{error.actual}, shape {x.get_shape()}"
            ) from None


@export("assert_rank", "debugging.assert_rank")
def assert_rank(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless `x` has the rank given; nothing is left to do when it is known.

    Raises: ValueError if the rank is known and another; InvalidArgumentError when it runs.
    Source: TF 1.15 tf.assert_rank
    """
    return _one_rank("assert_rank", "", np.equal, "equal", x, rank, data, summarize, message, name)


@export("assert_rank_at_least", "debugging.assert_rank_at_least")
def assert_rank_at_least(
    x: Any,
    rank: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless `x` has at least the rank given.

    Raises: ValueError if the rank is known and less; InvalidArgumentError when it runs.
    Source: TF 1.15 tf.assert_rank_at_least
    """
    return _one_rank(
        "assert_rank_at_least",
        " at least",
        np.greater_equal,
        "greater_equal",
        x,
        rank,
        data,
        summarize,
        message,
        name,
    )


def _rank_is_one_of(ranks: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    def condition(actual: Tensor) -> Tensor:
        if not ranks:
            return convert_to_tensor(False)
        result = math.equal(ranks[0], actual)
        for rank in ranks[1:]:
            result = math.logical_or(result, math.equal(rank, actual))
        return result  # type: ignore[no-any-return]

    return condition


@export("assert_rank_in", "debugging.assert_rank_in")
def assert_rank_in(
    x: Any,
    ranks: Iterable[Any],
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless the rank of `x` is one of `ranks`.

    Raises: ValueError if the rank is known and none of them; InvalidArgumentError when it runs.
    Source: TF 1.15 tf.assert_rank_in
    """
    ranks = tuple(ranks)
    with name_scope(name, "assert_rank_in", (x, *ranks, *(data or ()))):
        x = convert_to_tensor(x, name="x")
        tensors = [convert_to_tensor(rank, name="rank") for rank in ranks]
        data = _rank_data(x, " in", tensors, message or "") if data is None else data
        try:
            return _check_ranks(
                x, tensors, lambda actual, *given: actual in given, _rank_is_one_of(tensors), data, summarize
            )
        except _RankError as error:
            wanted = ", ".join(f"array({r}, dtype={r.dtype})" for r in error.wanted)
            wanted = f"({wanted},)" if len(error.wanted) == 1 else f"({wanted})"
            raise ValueError(
                f"{message or ''}.  Tensor {x.name} must have rank in {wanted}.  Received rank {error.actual}, shape "
                f"{x.get_shape()}"
            ) from None


@export("assert_integer", "debugging.assert_integer")
def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Nothing to do: the dtype is known.

    Raises: TypeError unless `x` has an integer dtype.
    Source: TF 1.15 tf.assert_integer
    """
    with name_scope(name, "assert_integer", [x]):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(f'{message or ""}  Expected "x" to be integer type.  Found: {x.name} of dtype {x.dtype}')
        return no_op("statically_determined_was_integer")


@export("assert_type", "debugging.assert_type")
def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Nothing to do: the dtype is known.

    Raises: TypeError unless `tensor` has the dtype.
    Source: TF 1.15 tf.assert_type
    """
    with name_scope(name, "assert_type", [tensor]):
        tensor = convert_to_tensor(tensor, name="tensor")
        if tensor.dtype != tf_type:
            raise TypeError(f"{message or ''}  {tensor.name} must be of type {tf_type}")
        return no_op("statically_determined_correct_type")


@export("assert_scalar", "debugging.assert_scalar")
def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """The tensor itself.

    Raises: ValueError unless its static shape is `[]`.
    Source: TF 1.15 tf.assert_scalar
    """
    with name_scope(name, "assert_scalar", [tensor]) as scope:
        result: Tensor = convert_to_tensor(tensor, name=scope)
        shape = result.get_shape()
        if shape.ndims != 0:
            raise ValueError(f"{message or ''}Expected scalar shape for {result.name}, saw shape: {shape}.")
        return result


@export("assert_proper_iterable", "debugging.assert_proper_iterable")
def assert_proper_iterable(values: Any) -> None:
    """Nothing.

    Raises: TypeError unless `values` is iterable and not itself a tensor, an array or a string.
    Source: TF 1.15 tf.assert_proper_iterable
    """
    if isinstance(values, (Tensor, SparseTensor, np.ndarray, bytes, str)):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')
    if not hasattr(values, "__iter__"):
        raise TypeError(f'Expected argument "values" to be iterable.  Found: {type(values)}')


def _name_or_text(item: Any) -> str:
    return item.name if hasattr(item, "name") else str(item)


def _common_dtype(items: Sequence[Any], expected: Any) -> Any:
    first = ""
    for item in items:
        if item is None:
            continue
        dtype = item.dtype.base_dtype
        if not expected:
            expected, first = dtype, _name_or_text(item)
        elif expected != dtype:
            like = f" as {first}" if first else ""
            raise ValueError(f"{_name_or_text(item)}, type={dtype}, must be of the same type ({expected}){like}.")
    return expected


@export("assert_same_float_dtype", "debugging.assert_same_float_dtype")
def assert_same_float_dtype(tensors: Sequence[Any] | None = None, dtype: Any = None) -> DType:
    """The float dtype that all tensors (and `dtype`) share; float32 without any.

    Raises: ValueError if they differ or it is not a float dtype.
    Source: TF 1.15 tf.assert_same_float_dtype
    """
    if tensors:
        dtype = _common_dtype(tensors, dtype)
    if not dtype:
        return dtypes.float32
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype  # type: ignore[no-any-return]


@export("is_numeric_tensor", "debugging.is_numeric_tensor")
def is_numeric_tensor(tensor: Any) -> bool:
    """Whether `tensor` is a tensor of numbers.

    Source: TF 1.15 tf.is_numeric_tensor
    """
    return isinstance(tensor, Tensor) and tensor.dtype in NUMERIC_TYPES


def _differences(x: Any) -> Tensor:
    x = array.reshape(x, [-1])
    if not is_numeric_tensor(x):
        raise TypeError(f"Expected x to be numeric, instead found: {x}")
    too_short = math.less(array.size(x), 2)
    count = array.shape(x) - 1

    def difference() -> Tensor:
        return strided_slice(x, [1], [1] + count) - strided_slice(x, [0], count)

    result: Tensor = cond(too_short, lambda: convert_to_tensor([], dtype=x.dtype), difference)
    return result


@export("math.is_non_decreasing", "debugging.is_non_decreasing", "is_non_decreasing")
def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """`bool[]`: whether no element is less than the one before.

    Source: TF 1.15 tf.math.is_non_decreasing
    """
    with name_scope(name, "is_non_decreasing", [x]):
        diff = _differences(x)
        zero = convert_to_tensor(0, dtype=diff.dtype)
        return math.reduce_all(math.less_equal(zero, diff))


@export("math.is_strictly_increasing", "debugging.is_strictly_increasing", "is_strictly_increasing")
def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """`bool[]`: whether every element is greater than the one before.

    Source: TF 1.15 tf.math.is_strictly_increasing
    """
    with name_scope(name, "is_strictly_increasing", [x]):
        diff = _differences(x)
        zero = convert_to_tensor(0, dtype=diff.dtype)
        return math.reduce_all(math.less(zero, diff))
