"""`tf.debugging.assert_shapes`: ranks and sizes of several tensors that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops import array, math
from retrograph.ops.check import Assert, assert_rank, assert_rank_at_least, assert_rank_in
from retrograph.ops.cond import cond
from retrograph.ops.control_flow import group


class _Sizes(NamedTuple):
    """A tensor, whether only its innermost dimensions are meant, its sizes and the symbols for them."""

    x: Tensor
    innermost: bool
    actual: Any
    symbols: tuple[Any, ...]


class _Report(NamedTuple):
    """What every check of one call says when it fails."""

    data: Sequence[Any] | None
    summarize: int | None
    message: str
    name: str | None


def _known(size: Any) -> bool:
    try:
        int(size)
    except (ValueError, TypeError):
        return False
    return True


def _actual_sizes(x: Tensor) -> Any:
    """Sizes as far as known, else from the tensor of the shape; a scalar counts as one element."""
    shape = array.shape(x)
    static = x.get_shape()
    if static.ndims == 0:
        return (1,)
    if static.ndims is not None:
        return [shape[i] if size is None else int(size) for i, size in enumerate(static.as_list())]
    return cond(math.equal(array.rank(x), 0), lambda: constant([1]), lambda: shape)


def _sizes(x: Tensor, shape: Any, message: str) -> _Sizes:
    if not (hasattr(shape, "__iter__") or hasattr(shape, "__getitem__")):
        raise ValueError(
            f"{message}.  Tensor {x.name}.  Specified shape must be an iterable.  An iterable has the attribute "
            f"`__iter__` or `__getitem__`.  Received specified shape: {shape}"
        )
    symbols = tuple(shape)
    open_ended = [i for i, symbol in enumerate(symbols) if symbol in [Ellipsis, "*"]]
    for i in open_ended:
        if i:
            raise ValueError(
                f"{message}.  Tensor {x.name} specified shape index {i}.  Symbol `...` or `*` for a variable number of "
                "unspecified dimensions is only allowed as the first entry"
            )
    return _Sizes(x, bool(open_ended), _actual_sizes(x), symbols[len(open_ended) :] or (1,))


def _rank_check(sizes: _Sizes, report: _Report) -> list[Operation]:
    rank = len(sizes.symbols)
    if sizes.innermost:
        return [] if rank <= 1 else [assert_rank_at_least(sizes.x, rank, *report)]
    return [assert_rank_in(sizes.x, [0, 1], *report) if rank <= 1 else assert_rank(sizes.x, rank, *report)]


class _SizeChecks:
    """Compares sizes with what symbols stood for before."""

    def __init__(self, report: _Report):
        self.report = report
        self.made: list[Operation] = []
        self._meant: dict[Any, tuple[Any, Tensor, int]] = {}

    def add(self, sizes: _Sizes) -> None:
        """Checks the sizes of one tensor; symbols seen first stand for its sizes from then on."""
        for i, symbol in enumerate(sizes.symbols):
            dimension = i - len(sizes.symbols) if sizes.innermost else i
            if symbol in [None, "."]:
                continue
            if _known(symbol):
                self._compare(sizes, dimension, int(symbol), "Specified explicitly")
            elif symbol in self._meant:
                size, tensor, at = self._meant[symbol]
                self._compare(sizes, dimension, size, f"Specified by tensor {tensor.name} dimension {at}")
            else:
                self._meant[symbol] = (sizes.actual[dimension], sizes.x, dimension)

    def _compare(self, sizes: _Sizes, dimension: int, wanted: Any, reason: str) -> None:
        actual = sizes.actual[dimension]
        if not (_known(actual) and _known(wanted)):
            self.made.append(self._assertion(sizes.x, dimension, actual, wanted, reason))
        elif int(actual) != int(wanted):
            raise ValueError(
                f"{self.report.message}.  {reason}.  Tensor {sizes.x.name} dimension {dimension} must have size "
                f"{wanted:d}.  Received size {actual:d}, shape {sizes.x.get_shape()}"
            )

    def _assertion(self, x: Tensor, dimension: int, actual: Any, wanted: Any, reason: str) -> Operation:
        condition = math.equal(convert_to_tensor(actual), convert_to_tensor(wanted))
        data = self.report.data
        if data is None:
            what = f"Tensor {x.name} dimension"
            data = [
                self.report.message, reason, what, dimension, "must have size", wanted, "Received shape: ",
                array.shape(x),
            ]  # fmt: skip
        return Assert(condition, data, summarize=self.report.summarize)


@export("debugging.assert_shapes")
def assert_shapes(
    shapes: Any,
    data: Sequence[Any] | None = None,
    summarize: int | None = None,
    message: str | None = None,
    name: str | None = None,
) -> Operation:
    """An operation that fails unless tensors have the shapes given, where the same symbol stands for the same size.

    `shapes` is pairs (or a dict) of tensor and shape: numbers, symbols, None or '.' for any size, first `...` or '*'
    for any outer dimensions; a shape None asks nothing.
    Raises: ValueError for what is known to be otherwise; InvalidArgumentError when it runs.
    Source: TF 1.15 tf.debugging.assert_shapes
    """
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    report = _Report(data, summarize, message or "", name)
    with name_scope(name, "assert_shapes", [pairs, data]):
        tensors = [(convert_to_tensor(x), shape) for x, shape in pairs if shape is not None]
        all_sizes = [_sizes(x, shape, report.message) for x, shape in tensors]
        rank_checks = [check for sizes in all_sizes for check in _rank_check(sizes, report)]
        checks = _SizeChecks(report)
        for sizes in all_sizes:
            checks.add(sizes)
        with control_dependencies(rank_checks):
            return group(checks.made)
