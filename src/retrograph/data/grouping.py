"""`tf.data.experimental`: elements grouped by keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.data import building, structure
from retrograph.data.functions import StateFunction, StructuredFunction
from retrograph.framework import data_nest
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.dtypes import int64
from retrograph.framework.exports import export
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import TensorSpec

_KEY = TensorSpec([], int64)
_REDUCER, _WINDOW = "tf.data.experimental.group_by_reducer()", "tf.data.experimental.group_by_window()"


@export("data.experimental.Reducer")
class Reducer:
    """How the elements of a group become one: functions that start, go on and end.

    Source: TF 1.15 `tf.data.experimental.Reducer`.
    """

    def __init__(
        self, init_func: Callable[..., Any], reduce_func: Callable[..., Any], finalize_func: Callable[..., Any]
    ):
        self._init_func, self._reduce_func, self._finalize_func = init_func, reduce_func, finalize_func

    @property
    def init_func(self) -> Callable[..., Any]:
        """The first state, of a key."""
        return self._init_func

    @property
    def reduce_func(self) -> Callable[..., Any]:
        """The next state, of a state and an element."""
        return self._reduce_func

    @property
    def finalize_func(self) -> Callable[..., Any]:
        """What the last state becomes."""
        return self._finalize_func


def _is_key(spec: Any) -> bool:
    return building.is_scalar(spec, int64)


def _grouped_by_reducer(dataset: Any, key_func: Callable[..., Any], reducer: Any) -> Any:
    key = StructuredFunction(key_func, _REDUCER, dataset.element_spec)
    if not _is_key(key.output_structure):
        raise ValueError(
            "`key_func` must return a single tf.int64 tensor. "
            f"Got type={key.output_types} and shape={key.output_shapes}"
        )
    init = StructuredFunction(reducer.init_func, _REDUCER, _KEY)
    step = StateFunction(reducer.reduce_func, _REDUCER, init.output_structure, dataset.element_spec)
    final = StructuredFunction(reducer.finalize_func, _REDUCER, step.state_structure)
    parts = {"key": key, "init": init, "reduce": step, "finalize": final}
    arguments: dict[str, Any] = {f"{n}_func_other_arguments": f.captured_inputs for n, f in parts.items()}
    arguments.update({f"{n}_func": f.function.name for n, f in parts.items()})
    return building.unary(
        "ExperimentalGroupByReducerDataset", dataset, final.output_structure, arguments, list(parts.values())
    )


@export("data.experimental.group_by_reducer")
def group_by_reducer(key_func: Callable[..., Any], reducer: Any) -> Callable[[Any], Any]:
    """A transformation: one element for each key, what a `Reducer` makes of the key's elements.

    Raises ValueError, TypeError: the functions give other types. Source: TF 1.15 `tf.data.experimental.group_by_reducer`.
    """
    return lambda dataset: _grouped_by_reducer(dataset, key_func, reducer)


def _grouped_by_window(
    dataset: Any, key_func: Callable[..., Any], reduce_func: Callable[..., Any], size_func: Callable[..., Any]
) -> Any:
    key = StructuredFunction(
        lambda *args: convert_to_tensor(key_func(*args), dtype=int64), _WINDOW, dataset.element_spec
    )
    if not _is_key(key.output_structure):
        raise ValueError("`key_func` must return a single tf.int64 scalar tensor.")
    inner = (_KEY, structure.DatasetSpec(dataset.element_spec))
    reduce_ = StructuredFunction(reduce_func, _WINDOW, inner)
    spec = building.nested_spec(reduce_, "`reduce_func` must return a `Dataset` object.")
    size = StructuredFunction(lambda k: convert_to_tensor(size_func(k), dtype=int64), _WINDOW, _KEY)
    if not _is_key(size.output_structure):
        raise ValueError("`window_size_func` must return a single tf.int64 scalar tensor.")
    parts = {"key": key, "reduce": reduce_, "window_size": size}
    arguments: dict[str, Any] = {f"{n}_func_other_arguments": f.captured_inputs for n, f in parts.items()}
    arguments.update({f"{n}_func": f.function.name for n, f in parts.items()})
    return building.unary("GroupByWindowDataset", dataset, spec, arguments, list(parts.values()))


@export("data.experimental.group_by_window")
def group_by_window(
    key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None, window_size_func: Any = None
) -> Callable[[Any], Any]:
    """A transformation: as soon as a key has `window_size` elements, what `reduce_func(key, dataset of them)` gives.

    Raises ValueError: both or none of the sizes. Source: TF 1.15 `tf.data.experimental.group_by_window`.
    """
    if (window_size is not None and window_size_func) or not (window_size is not None or window_size_func):
        raise ValueError("Must pass either window_size or window_size_func.")
    size_func = window_size_func or (lambda _: convert_to_tensor(window_size, dtype=int64))
    return lambda dataset: _grouped_by_window(dataset, key_func, reduce_func, size_func)


# ---- buckets


def _filled_shapes(shapes: Any, filler: Any) -> Any:
    flat = [[filler if d is None else d for d in TensorShape(s).as_list()] for s in data_nest.flatten(shapes)]
    return data_nest.pack_sequence_as(shapes, flat)


def _bucket_of(length: Any, boundaries: Sequence[int]) -> Any:
    lowest, highest = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    inside = tf.logical_and(tf.less_equal([lowest, *boundaries], length), tf.less(length, [*boundaries, highest]))
    return tf.reduce_min(tf.where(inside))


def _checked_boundary(bucket: Any, boundaries: Sequence[int], count: int) -> Any:
    text = "When pad_to_bucket_boundary=True, elements must have length < max(bucket_boundaries)."
    check = tf.assert_less(bucket, constant(count - 1, dtype=int64), message=text)
    with control_dependencies([check]):
        return constant(list(boundaries), dtype=int64)[bucket] - 1


@export("data.experimental.bucket_by_sequence_length")
def bucket_by_sequence_length(
    element_length_func: Callable[..., Any], bucket_boundaries: Sequence[int], bucket_batch_sizes: Sequence[int],
    padded_shapes: Any = None, padding_values: Any = None, pad_to_bucket_boundary: bool = False, no_padding: bool = False,
    drop_remainder: Any = False,
) -> Callable[[Any], Any]:  # fmt: skip
    """A transformation: padded batches of elements of similar lengths.

    Raises ValueError: not one more batch size than boundaries. Source: TF 1.15 `tf.data.experimental.bucket_by_sequence_length`.
    """
    with name_scope("bucket_by_seq_length"):
        if len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
            raise ValueError("len(bucket_batch_sizes) must equal len(bucket_boundaries) + 1")
        sizes = constant(list(bucket_batch_sizes), dtype=int64)

        def key(*args: Any) -> Any:
            return _bucket_of(element_length_func(*args), bucket_boundaries)

        def size_of(bucket: Any) -> Any:
            return sizes[bucket]

        def batch(bucket: Any, grouped: Any) -> Any:
            size = size_of(bucket)
            if no_padding:
                return grouped.batch(size, drop_remainder=drop_remainder)
            filler = None
            if pad_to_bucket_boundary:
                filler = _checked_boundary(bucket, bucket_boundaries, len(bucket_batch_sizes))
            shapes = _filled_shapes(padded_shapes or structure.legacy_shapes(grouped.element_spec), filler)
            return grouped.padded_batch(size, shapes, padding_values, drop_remainder=drop_remainder)

        return lambda dataset: dataset.apply(group_by_window(key, batch, window_size_func=size_of))


# ---- states


def _scanned(dataset: Any, initial_state: Any, scan_func: Callable[..., Any]) -> Any:
    state = structure.normalize_element(initial_state)
    function = StateFunction(
        scan_func, "tf.data.experimental.scan()", structure.type_spec_from_value(state), dataset.element_spec, _state_of
    )
    spec = function.output_structure[1]
    variant = apply_op(
        "ScanDataset",
        None,
        input_dataset=dataset._variant_tensor,
        initial_state=structure.to_tensor_list(function.state_structure, state),
        other_arguments=function.captured_inputs,
        f=function.function.name,
        preserve_cardinality=True,
        **building.flat_structure(spec),
    )
    return building.made(variant, spec, [dataset], [function])


def _state_of(pair: Any) -> Any:
    if not (isinstance(pair, Sequence) and len(pair) == 2):
        raise TypeError("The scan function must return a pair comprising the new state and the output value.")
    return pair[0]


@export("data.experimental.scan")
def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Callable[[Any], Any]:
    """A transformation: `scan_func(state, element)` gives the next state and an element.

    Raises TypeError: no such pair, or the state's types change. Source: TF 1.15 `tf.data.experimental.scan`.
    """
    return lambda dataset: _scanned(dataset, initial_state, scan_func)
