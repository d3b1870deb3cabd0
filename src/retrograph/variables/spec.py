"""What is asked of a variable, as one record: packed at the door, then only passed on."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from retrograph.framework.calling import call
from retrograph.framework.dtypes import float32
from retrograph.framework.exports import export, export_value


@export("VariableSynchronization")
class VariableSynchronization(enum.Enum):
    """When copies of a distributed variable are brought together.

    Source: TF 1.15 `tf.VariableSynchronization`.
    """

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


@export("VariableAggregation")
class VariableAggregation(enum.Enum):
    """How copies of a distributed variable are brought together.

    Source: TF 1.15 `tf.VariableAggregation`.
    """

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3  # noqa: PIE796 - TF's older name


class _ReuseMode(enum.Enum):
    """The values of `reuse` beside True, False and None."""

    AUTO_REUSE = 1


AUTO_REUSE = export_value("AUTO_REUSE", _ReuseMode.AUTO_REUSE)
"""`reuse=AUTO_REUSE`: make the variable at its first use, share it at the next ones."""


class VariableSpec(NamedTuple):
    """The arguments of one `get_variable`, under their full name.

    The fields, their order and their defaults are those that custom getters meet in TF 1.15.
    """

    name: str
    shape: Any = None
    dtype: Any = float32
    initializer: Any = None
    regularizer: Any = None
    reuse: Any = None
    trainable: bool | None = None
    collections: Any = None
    caching_device: Any = None
    partitioner: Any = None
    validate_shape: bool = True
    use_resource: bool | None = None
    constraint: Any = None
    synchronization: Any = VariableSynchronization.AUTO
    aggregation: Any = VariableAggregation.NONE


class NewVariable(NamedTuple):
    """The arguments of `tf.Variable`, in TF 1.15's order: what variable creators meet as keywords."""

    initial_value: Any = None
    trainable: bool | None = None
    collections: Any = None
    validate_shape: bool = True
    caching_device: Any = None
    name: str | None = None
    variable_def: Any = None
    dtype: Any = None
    expected_shape: Any = None
    import_scope: str | None = None
    constraint: Any = None
    use_resource: bool | None = None
    synchronization: Any = VariableSynchronization.AUTO
    aggregation: Any = VariableAggregation.NONE
    shape: Any = None


class InitialValue:
    """An initializer with what it is called with: makes the initial value of one variable.

    `known`: the initializer is one of ours, which make operations in the open name scope and change no other scope.
    """

    __slots__ = ("_dtype", "_initializer", "_partition_info", "_shape", "known")

    def __init__(
        self, initializer: Any, shape: list[int | None], dtype: Any, partition_info: PartitionInfo | None, known: bool
    ):
        self._initializer, self._shape, self._dtype, self._partition_info = initializer, shape, dtype, partition_info
        self.known = known

    def __call__(self) -> Any:
        return call(self._initializer, self._shape, dtype=self._dtype, partition_info=self._partition_info)


class ScopeDefaults(NamedTuple):
    """What a variable scope passes on to the variables and the scopes in it."""

    initializer: Any = None
    regularizer: Any = None
    caching_device: Any = None
    partitioner: Any = None
    custom_getter: Any = None
    dtype: Any = float32
    use_resource: bool | None = None
    constraint: Any = None

    def under(self, given: ScopeDefaults | None) -> ScopeDefaults:
        """These defaults as an inner scope has them that was opened with `given` (None: with nothing)."""
        if given is None:
            return self if self.constraint is None else self._replace(constraint=None)
        return ScopeDefaults(
            *[inherit(outer, inner) for inherit, outer, inner in zip(_INHERITANCE, self, given, strict=True)]
        )


def _unless_given(outer: Any, inner: Any) -> Any:
    return outer if inner is None else inner


def _never(outer: Any, inner: Any) -> Any:
    return inner


def chained(outer: Callable[..., Any] | None, inner: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """One custom getter out of two: the inner one runs first, and its `getter` is the outer one."""
    if inner is None or outer is None:
        return inner or outer
    run_outer, run_inner = outer, inner

    def both(getter: Any, *args: Any, **kwargs: Any) -> Any:
        if not callable(run_outer):
            raise TypeError("the first argument must be callable")
        return call(run_inner, functools.partial(call, run_outer, getter), *args, **kwargs)

    return both


_INHERITANCE = (
    _unless_given,
    _unless_given,
    _unless_given,
    _unless_given,
    chained,
    _unless_given,
    _unless_given,
    _never,
)
"""How an inner scope gets each field of `ScopeDefaults`; a constraint belongs to one scope only."""


def settled(synchronization: Any, aggregation: Any, trainable: bool | None, name: Any) -> tuple[Any, Any, bool]:
    """The three with TF's defaults put in.

    Raises ValueError: a mode that does not exist.
    """
    if synchronization.__class__ is not VariableSynchronization:
        synchronization = _mode(
            VariableSynchronization, synchronization, VariableSynchronization.AUTO, "synchronization", name
        )
    if aggregation.__class__ is not VariableAggregation:
        aggregation = _mode(VariableAggregation, aggregation, VariableAggregation.NONE, "aggregation", name)
    if trainable is None:
        trainable = synchronization is not VariableSynchronization.ON_READ
    return synchronization, aggregation, trainable


def _mode(modes: type[enum.Enum], value: Any, default: enum.Enum, what: str, name: Any) -> enum.Enum:
    if value is None:
        return default
    try:
        return modes(value)
    except ValueError:
        raise ValueError(f"Invalid variable {what} mode: {value} for variable: {name}") from None


class PartitionInfo:
    """Which part of a partitioned variable an initializer is making.

    Raises TypeError: not sequences. Raises ValueError: an offset outside of the shape.
    """

    __slots__ = ("full_shape", "var_offset")

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]):
        _check_sequence("full_shape", full_shape)
        _check_sequence("var_offset", var_offset)
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length {len(var_offset)} while full_shape is of length {len(full_shape)}."
            )
        for offset, size in zip(var_offset, full_shape, strict=True):
            if not 0 <= offset < size:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, shape={size} for "
                    f"var_offset={var_offset}, full_shape={full_shape}"
                )
        self.full_shape, self.var_offset = full_shape, var_offset

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where the part of this shape starts along the axis that is cut; 0 if none is."""
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self.var_offset[axis]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The axis along which a part of this shape was cut, or None.

        Raises ValueError: the part does not fit, or is cut along two axes.
        """
        _check_sequence("shape", shape)
        if len(shape) != len(self.full_shape):
            raise ValueError(
                f"Expected equal length, but received shape={shape} of length {len(shape)} while "
                f"self.full_shape={self.full_shape} is of length {len(self.full_shape)}."
            )
        found = None
        for axis, (offset, size, full) in enumerate(zip(self.var_offset, shape, self.full_shape, strict=True)):
            if offset + size > full:
                raise ValueError(
                    f"With self.var_offset={self.var_offset}, a partition of shape={shape} would exceed "
                    f"self.full_shape={self.full_shape} in dimension {axis}."
                )
            if size != full and found is not None:
                raise ValueError(
                    f"Cannot use single_slice_dim() with shape={shape} and self.full_shape={self.full_shape} "
                    f"since slice dim could be either dimension {axis} or {found}."
                )
            found = axis if size != full else found
        return found


def _check_sequence(what: str, value: Any) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError(f"`{what}` must be a sequence (like tuple or list) instead of {type(value).__name__}")
