"""`tf.map_fn`, `tf.foldl`, `tf.foldr`, `tf.scan`: functions applied to the rows of tensors, as loops over TensorArrays."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from retrograph.framework import nest
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import SparseTensor
from retrograph.ops.tensor_array import TensorArray
from retrograph.ops.while_loop import while_loop


@contextlib.contextmanager
def _variables_cached() -> Iterator[None]:
    """Variables that the function makes are read once, outside the loop, where they live."""
    from retrograph.variables.scope import get_variable_scope

    scope = get_variable_scope()
    if scope.caching_device is not None:
        yield
        return
    scope.set_caching_device(lambda op: op.device)
    yield
    scope.set_caching_device(None)


def _first_dimension(tensor: Tensor) -> Any:
    return tensor.get_shape().as_list()[0] if tensor.get_shape().dims is not None else None


def _dynamic_rows(tensor: Tensor) -> Tensor:
    from retrograph.ops import array

    return array.shape(tensor)[0]


def _known_rows(tensors: list[Tensor]) -> TensorShape:
    known = tensors[0].get_shape().with_rank_at_least(1)[:1]
    for tensor in tensors[1:]:
        known.merge_with(tensor.get_shape().with_rank_at_least(1)[:1])
    return known  # type: ignore[no-any-return]


def _set_rows(results: list[Tensor], elems: list[Tensor]) -> None:
    rows = _known_rows(elems)
    for result in results:
        result.set_shape(rows.concatenate(result.get_shape()[1:]))


def _structure_of(value: Any) -> tuple[Callable[[Any], list[Any]], Callable[[list[Any]], Any]]:
    """How to flatten like `value` and pack again; a single value is a list of one."""
    if nest.is_sequence(value):
        return nest.flatten, lambda flat: nest.pack_sequence_as(value, flat)
    return lambda x: [x], lambda flat: flat[0]


def _check_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError("fn must be callable.")


def _check_not_sparse(elems: Any) -> None:
    if isinstance(elems, SparseTensor):
        raise TypeError(
            "To perform a map on the values of a sparse tensor use either "
            " SparseTensor(input.indices, fn(input.values), input.dense_shape) or "
            " SparseTensor(input.indices, map_fn(fn, input.values), input.dense_shape)"
        )


def _check_map_rows(elems: list[Tensor]) -> None:
    ndims = elems[0].get_shape().ndims
    if ndims is None or ndims >= 1:
        return
    if len(elems) == 1:
        raise ValueError("elems must be a 1+ dimensional Tensor, not a scalar")
    raise ValueError("elements in elems must be 1+ dimensional Tensors, not scalars")


def _unstacked(tensors: list[Tensor], n: Any, element_shapes: list[Any]) -> list[TensorArray]:
    """An array of the `n` rows of each tensor."""
    arrays = [
        TensorArray(dtype=x.dtype, size=n, dynamic_size=False, element_shape=shape, infer_shape=True)
        for x, shape in zip(tensors, element_shapes, strict=True)
    ]
    return [ta.unstack(x) for ta, x in zip(arrays, tensors, strict=True)]


@export("map_fn")
def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """`fn` of every row of `elems` (a tensor `[n, ...]` or a structure of them), stacked.

    `dtype` tells the structure and dtypes that `fn` returns, if they are not those of `elems`.

    Raises: TypeError if `fn` is not callable; ValueError for scalars.
    Source: TF 1.15 tf.map_fn
    """
    _check_callable(fn)
    _check_not_sparse(elems)
    flatten_in, pack_in = _structure_of(elems)
    flatten_out, pack_out = (flatten_in, pack_in) if dtype is None else _structure_of(dtype)
    flat = flatten_in(elems)
    loop = {
        "parallel_iterations": parallel_iterations or 10,
        "back_prop": back_prop,
        "swap_memory": swap_memory,
    }

    def of_row(row: list[Tensor]) -> list[Any]:
        result = fn(pack_in(row))
        nest.assert_same_structure(dtype or elems, result)
        return flatten_out(result)

    with name_scope(name, "map", flat), _variables_cached():
        tensors = [convert_to_tensor(x, name="elem") for x in flat]
        dtype = dtype or pack_in([x.dtype for x in tensors])
        stacked = _mapped(of_row, tensors, flatten_out(dtype), infer_shape, loop)
    return pack_out(stacked)


def _mapped(
    of_row: Callable[[list[Tensor]], list[Any]],
    tensors: list[Tensor],
    dtypes: list[Any],
    infer_shape: bool,
    loop: dict[str, Any],
) -> list[Tensor]:
    """What a function gives for each row of the tensors, stacked."""
    _check_map_rows(tensors)
    n = _first_dimension(tensors[0]) or _dynamic_rows(tensors[0])
    inputs = _unstacked(tensors, n, [None] * len(tensors))
    i = constant(0)
    outputs = [TensorArray(dtype=d, size=n, dynamic_size=False, infer_shape=infer_shape) for d in dtypes]

    def compute(i: Tensor, arrays: list[TensorArray]) -> Any:
        values = of_row([ta.read(i) for ta in inputs])
        arrays = [ta.write(i, x) for ta, x in zip(arrays, values, strict=True)]
        return i + 1, arrays

    _, results = while_loop(lambda i, _: i < n, compute, (i, outputs), maximum_iterations=n, **loop)
    return _stacked(results, tensors)


def _stacked(arrays: list[TensorArray], elems: list[Tensor]) -> list[Tensor]:
    """The values of the arrays, with as many rows as the tensors have."""
    stacked = [ta.stack() for ta in arrays]
    _set_rows(stacked, elems)
    return stacked


def _fold(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any,
    from_left: bool,
    name: str | None,
    **loop: Any,
) -> Any:
    _check_callable(fn)
    with name_scope(name, "foldl" if from_left else "foldr", [elems]), _variables_cached():
        tensors = [convert_to_tensor(x, name="elem") for x in nest.flatten(elems)]
        n = _first_dimension(tensors[0]) or _dynamic_rows(tensors[0])
        arrays = nest.map_structure(
            lambda x: TensorArray(dtype=x.dtype, size=n, dynamic_size=False, infer_shape=True).unstack(x), elems
        )
        if from_left:
            return _fold_left(fn, arrays, initializer, n, loop)
        return _fold_right(fn, arrays, initializer, n, loop)


def _row(arrays: Any, i: Any) -> Any:
    return nest.map_structure(lambda ta: ta.read(i), arrays)


def _fold_left(fn: Callable[[Any, Any], Any], arrays: Any, initializer: Any, n: Any, loop: dict[str, Any]) -> Any:
    start, i = (_row(arrays, 0), constant(1)) if initializer is None else (initializer, constant(0))

    def compute(i: Tensor, a: Any) -> Any:
        a = fn(a, _row(arrays, i))
        return [i + 1, a]

    return while_loop(lambda i, a: i < n, compute, [i, start], maximum_iterations=n, **loop)[1]


def _fold_right(fn: Callable[[Any, Any], Any], arrays: Any, initializer: Any, n: Any, loop: dict[str, Any]) -> Any:
    if initializer is None:
        i = n - 1
        start = _row(arrays, i)
    else:
        i, start = n, initializer

    def compute(i: Tensor, a: Any) -> Any:
        i -= 1
        return [i, fn(a, _row(arrays, i))]

    return while_loop(lambda i, a: i > 0, compute, [i, start], maximum_iterations=n, **loop)[1]


@export("foldl")
def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """`fn(... fn(fn(initializer, row 0), row 1) ..., row n-1)`; without `initializer` it starts with row 0.

    >>> tf.foldl(lambda a, x: a + x, tf.constant([1, 2, 3]))   # 6

    Raises: TypeError if `fn` is not callable.
    Source: TF 1.15 tf.foldl
    """
    loop = {"parallel_iterations": parallel_iterations, "back_prop": back_prop, "swap_memory": swap_memory}
    return _fold(fn, elems, initializer, True, name, **loop)


@export("foldr")
def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """`tf.foldl` from the last row to the first.

    Raises: TypeError if `fn` is not callable.
    Source: TF 1.15 tf.foldr
    """
    loop = {"parallel_iterations": parallel_iterations, "back_prop": back_prop, "swap_memory": swap_memory}
    return _fold(fn, elems, initializer, False, name, **loop)


def _arrays_of_results(start: list[Tensor], n: Any, infer_shape: bool) -> list[TensorArray]:
    """An empty array for `n` values like each tensor."""
    return [
        TensorArray(
            dtype=x.dtype,
            size=n,
            element_shape=x.get_shape() if infer_shape else None,
            dynamic_size=False,
            infer_shape=infer_shape,
        )
        for x in start
    ]


@export("scan")
def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """All the intermediate values of `tf.foldl` (`tf.foldr` if `reverse`), stacked by row.

    >>> tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3]))   # [1, 3, 6]

    Raises: TypeError if `fn` is not callable; ValueError if structures differ.
    Source: TF 1.15 tf.scan
    """
    _check_callable(fn)
    flatten_in, pack_in = _structure_of(elems)
    flatten_out, pack_out = (flatten_in, pack_in) if initializer is None else _structure_of(initializer)
    flat = flatten_in(elems)
    loop = {"parallel_iterations": parallel_iterations, "back_prop": back_prop, "swap_memory": swap_memory}

    def step(values: list[Tensor], row: list[Tensor]) -> list[Any]:
        result = fn(pack_out(values), pack_in(row))
        nest.assert_same_structure(elems if initializer is None else initializer, result)
        return flatten_out(result)

    def start() -> list[Tensor]:
        return [convert_to_tensor(x) for x in flatten_out(initializer)]

    with name_scope(name, "scan", flat), _variables_cached():
        tensors = [convert_to_tensor(x, name="elem") for x in flat]
        stacked = _scanned(step, tensors, None if initializer is None else start, infer_shape, reverse, loop)
    return pack_out(stacked)


def _scanned(
    step: Callable[[list[Tensor], list[Tensor]], list[Any]],
    tensors: list[Tensor],
    start: Callable[[], list[Tensor]] | None,
    infer_shape: bool,
    reverse: bool,
    loop: dict[str, Any],
) -> list[Tensor]:
    """The values after each row, stacked; the first row is the first value if there is no `start`."""
    n = _first_dimension(tensors[0])
    n = _dynamic_rows(tensors[0]) if n is None else n
    inputs = _unstacked(tensors, n, [x.get_shape()[1:] for x in tensors])
    first = [ta.read(n - 1 if reverse else 0) for ta in inputs] if start is None else start()
    outputs = _arrays_of_results(first, n, infer_shape)
    if start is None:
        outputs = [ta.write(n - 1 if reverse else 0, x) for ta, x in zip(outputs, first, strict=True)]

    def compute(i: Any, values: list[Tensor], arrays: list[TensorArray]) -> Any:
        values = step(values, [ta.read(i) for ta in inputs])
        arrays = [ta.write(i, x) for ta, x in zip(arrays, values, strict=True)]
        return (i - 1 if reverse else i + 1), values, arrays

    i = 1 if start is None else 0
    _, _, results = while_loop(
        (lambda i, _a, _b: i >= 0) if reverse else (lambda i, _a, _b: i < n),
        compute,
        (n - 1 - i if reverse else i, first, outputs),
        maximum_iterations=n,
        **loop,
    )
    return _stacked(results, tensors)
