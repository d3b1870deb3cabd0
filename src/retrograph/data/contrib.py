"""`tf.contrib.data`: the older names of `tf.data.experimental`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.data import csv, grouping, structure, transforming
from retrograph.framework import data_nest, errors
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export, export_value
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import TensorSpec

_OPS = "tensorflow.contrib.data.python.ops."
AUTOTUNE = transforming.AUTOTUNE
export_value("contrib.data.AUTOTUNE", AUTOTUNE)


def _older(name: str, module: str, target: Any, instead: str | None = None) -> Any:
    """The same under its older name, with a warning that it is that."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"As `tf.data.experimental.{target.__name__}`. Source: TF 1.15 `tf.contrib.data.{name}`."
    return deprecated(f"Use `tf.data.experimental.{instead or name}(...)`.", _OPS + module)(call)


_TABLE: list[tuple[str, str, Any]] = [
    ("Counter", "counter", transforming.Counter),
    ("bucket_by_sequence_length", "grouping", grouping.bucket_by_sequence_length),
    ("choose_from_datasets", "interleave_ops", transforming.choose_from_datasets),
    ("copy_to_device", "prefetching_ops", transforming.copy_to_device),
    ("dense_to_sparse_batch", "batching", transforming.dense_to_sparse_batch),
    ("enumerate_dataset", "enumerate_ops", transforming.enumerate_dataset),
    ("get_single_element", "get_single_element", transforming.get_single_element),
    ("group_by_reducer", "grouping", grouping.group_by_reducer),
    ("group_by_window", "grouping", grouping.group_by_window),
    ("ignore_errors", "error_ops", transforming.ignore_errors),
    ("map_and_batch", "batching", transforming.map_and_batch),
    ("parallel_interleave", "interleave_ops", transforming.parallel_interleave),
    ("prefetch_to_device", "prefetching_ops", transforming.prefetch_to_device),
    ("sample_from_datasets", "interleave_ops", transforming.sample_from_datasets),
    ("scan", "scan_ops", grouping.scan),
    ("shuffle_and_repeat", "shuffle_ops", transforming.shuffle_and_repeat),
    ("unbatch", "batching", transforming.unbatch),
    ("unique", "unique", transforming.unique),
]
for _name, _module, _target in _TABLE:
    globals()[_name] = _older(_name, _module, _target)
    export_value(f"contrib.data.{_name}", globals()[_name])

RandomDataset = transforming.RandomDatasetV1
export_value("contrib.data.RandomDataset", RandomDataset)
Reducer = grouping.Reducer
export_value("contrib.data.Reducer", Reducer)


@export("contrib.data.batch_and_drop_remainder")
@deprecated("Use `tf.data.Dataset.batch(..., drop_remainder=True)`.", _OPS + "batching")
def batch_and_drop_remainder(batch_size: Any) -> Callable[[Any], Any]:
    """A transformation: full batches only. Source: TF 1.15 `tf.contrib.data.batch_and_drop_remainder`."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


@export("contrib.data.padded_batch_and_drop_remainder")
@deprecated("Use `tf.data.Dataset.padded_batch(..., drop_remainder=True)`.", _OPS + "batching")
def padded_batch_and_drop_remainder(
    batch_size: Any, padded_shapes: Any, padding_values: Any = None
) -> Callable[[Any], Any]:
    """A transformation: full padded batches only. Source: TF 1.15 `tf.contrib.data.padded_batch_and_drop_remainder`."""
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values, drop_remainder=True)


@export("contrib.data.sloppy_interleave")
@deprecated("Use `tf.data.experimental.parallel_interleave(..., sloppy=True)`.", _OPS + "interleave_ops")
def sloppy_interleave(map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1) -> Callable[[Any], Any]:
    """A transformation: the elements of several datasets in turn. Source: TF 1.15 `tf.contrib.data.sloppy_interleave`."""
    return transforming.parallel_interleave(map_func, cycle_length, block_length, sloppy=True)


@export("contrib.data.reduce_dataset")
@deprecated("Use `tf.data.Dataset.reduce(...)`.", _OPS + "get_single_element")
def reduce_dataset(dataset: Any, reducer: Any) -> Any:
    """The dataset as one element: the state of a `Reducer` after all of its elements. Raises TypeError: no dataset.

    Source: TF 1.15 `tf.contrib.data.reduce_dataset`.
    """
    from retrograph.data.dataset import DatasetV1

    if not isinstance(dataset, DatasetV1):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    return dataset.reduce(reducer.init_func(np.int64(0)), reducer.reduce_func)


@export("contrib.data.sliding_window_batch")
@deprecated(
    "Use `tf.data.Dataset.window(size=window_size, shift=window_shift, stride=window_stride).flat_map(lambda x: "
    "x.batch(window.size))` instead.",
    _OPS + "sliding",
)
def sliding_window_batch(
    window_size: Any, stride: Any = None, window_shift: Any = None, window_stride: Any = 1
) -> Callable[[Any], Any]:
    """A transformation: batches of consecutive elements. Raises ValueError: `stride` and `window_shift`.

    Source: TF 1.15 `tf.contrib.data.sliding_window_batch`.
    """
    from retrograph.data import building

    if stride is not None and window_shift is not None:
        raise ValueError("Cannot specify both `stride` and `window_shift`")
    shift = window_shift if stride is None else stride

    def apply(dataset: Any) -> Any:
        numbers = {
            "window_size": window_size,
            "window_shift": 1 if shift is None else shift,
            "window_stride": window_stride,
        }
        tensors = {n: building.as_int64(v, n) for n, v in numbers.items()}
        spec = data_nest.map_structure(lambda s: structure.batched_spec(s, None), dataset.element_spec)
        return building.unary("SlidingWindowDataset", dataset, spec, tensors)

    return apply


def _merged(expected: Any, spec: Any) -> Any:
    shapes = structure.legacy_shapes(spec)
    data_nest.assert_same_structure(expected, shapes, check_types=False)
    flat = zip(data_nest.flatten(expected), data_nest.flatten(shapes), strict=True)
    return data_nest.pack_sequence_as(shapes, [TensorShape(e).merge_with(s) for e, s in flat])


def _with_shapes(element: Any, spec: Any, specs: list[Any]) -> Any:
    """The element with static shapes set; what the runtime finds to differ fails in the assertion."""
    from retrograph.ops.numerics import ensure_shape

    whole = element if type(spec) is tuple else element[0]
    flat = [ensure_shape(v, s.shape) for v, s in zip(data_nest.flatten(whole), specs, strict=True)]
    return data_nest.pack_sequence_as(whole, flat)


@export("contrib.data.assert_element_shape")
def assert_element_shape(expected_shapes: Any) -> Callable[[Any], Any]:
    """A transformation: the elements with these shapes. Raises ValueError, TypeError: they have others.

    Source: TF 1.15 `tf.contrib.data.assert_element_shape`.
    """

    def apply(dataset: Any) -> Any:
        shapes = _merged(expected_shapes, dataset.element_spec)
        types = structure.legacy_types(dataset.element_spec)
        specs = data_nest.flatten(data_nest.map_structure(lambda t, s: TensorSpec(s, t), types, shapes))
        return dataset.map(lambda *element: _with_shapes(element, dataset.element_spec, specs))

    return apply


@export("contrib.data.read_batch_features")
@deprecated("Use `tf.data.experimental.make_batched_features_dataset(...)`.", _OPS + "readers")
def read_batch_features(
    file_pattern: Any, batch_size: Any, features: Any, reader: Any = None, reader_args: Any = None,
    randomize_input: bool = True, num_epochs: Any = None, capacity: Any = 10000,
) -> Any:  # fmt: skip
    """Batches of the `Example`s in files: what the iterator gives next. Source: TF 1.15 `tf.contrib.data.read_batch_features`."""
    more = {} if reader is None else {"reader": reader}
    dataset = csv.make_batched_features_dataset(
        file_pattern, batch_size, features, reader_args=reader_args, shuffle=randomize_input, num_epochs=num_epochs,
        shuffle_buffer_size=capacity, **more,
    )  # fmt: skip
    return dataset._make_one_shot_iterator().get_next()


@export("contrib.data.LMDBDataset", "data.experimental.LMDBDataset")
class LMDBDataset:
    """Raises UnimplementedError. Source: TF 1.15 `tf.contrib.data.LMDBDataset`."""

    def __init__(self, filenames: Any):
        raise errors.UnimplementedError(None, None, "tf.contrib.data.LMDBDataset: LMDB files are not supported")
