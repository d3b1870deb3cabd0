"""`tf.data.experimental`: transformations for `Dataset.apply`, datasets of several others, and what is asked of datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.data import building, structure
from retrograph.data.dataset import DatasetV1, DatasetV1Adapter, DatasetV2, get_structure
from retrograph.data.functions import StructuredFunction
from retrograph.data.grouping import scan
from retrograph.data.options import Options
from retrograph.data.readers import optional_tensor, parallel_interleave_dataset
from retrograph.framework import data_nest, dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dtypes import int32, int64, string
from retrograph.framework.exports import export, export_value
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import SparseTensorSpec, TensorSpec
from retrograph.variables.traces import with_defaults_of_now

Transformation = Callable[[Any], Any]

AUTOTUNE = -1
INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = -1, -2
INFINITE, UNKNOWN = INFINITE_CARDINALITY, UNKNOWN_CARDINALITY
export_value("data.experimental.AUTOTUNE", AUTOTUNE)
export_value("data.experimental.INFINITE_CARDINALITY", INFINITE_CARDINALITY)
export_value("data.experimental.UNKNOWN_CARDINALITY", UNKNOWN_CARDINALITY)

_OPS = "tensorflow.python.data.experimental.ops."
_FUSED = "Static tf.data optimizations will take care of using the fused implementation."


# ---- batches


def _calls_at_once(batch_size: Any, batches: Any, calls: Any) -> Any:
    if batches is None and calls is None:
        return batch_size
    if batches is not None and calls is None:
        return batch_size * batches
    if batches is not None:
        raise ValueError("The `num_parallel_batches` and `num_parallel_calls` arguments are mutually exclusive.")
    return calls


def _mapped_batches(dataset: Any, map_func: Callable[..., Any], batch_size: Any, calls: Any, drop: Any) -> Any:
    function = StructuredFunction(map_func, "tf.data.experimental.map_and_batch()", dataset.element_spec)
    arguments: dict[str, Any] = {
        "other_arguments": function.captured_inputs,
        "f": function.function.name,
        "batch_size": building.as_int64(batch_size, "batch_size"),
        "num_parallel_calls": building.as_int64(calls, "num_parallel_calls"),
        "drop_remainder": convert_to_tensor(drop, dtype=dtypes.bool, name="drop_remainder"),
        "preserve_cardinality": True,
    }
    known = building.batch_size_of(arguments["batch_size"], arguments["drop_remainder"])
    spec = data_nest.map_structure(lambda s: structure.batched_spec(s, known), function.output_structure)
    return building.unary("MapAndBatchDataset", dataset, spec, arguments, [function])


@export("data.experimental.map_and_batch")
@deprecated(
    "Use `tf.data.Dataset.map(map_func, num_parallel_calls)` followed by `tf.data.Dataset.batch(batch_size, drop_remainder)`. "
    + _FUSED,
    _OPS + "batching",
)
def map_and_batch(
    map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: Any = None, drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:  # fmt: skip
    """A transformation: `map_func` of each element, then batches.

    Raises ValueError: both numbers of parallel calls. Source: TF 1.15 `tf.data.experimental.map_and_batch`.
    """
    calls = _calls_at_once(batch_size, num_parallel_batches, num_parallel_calls)
    return lambda dataset: _mapped_batches(dataset, map_func, batch_size, calls, drop_remainder)


@export("data.experimental.map_and_batch_with_legacy_function")
@deprecated("Use `tf.data.experimental.map_and_batch()", _OPS + "batching")
def map_and_batch_with_legacy_function(
    map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: Any = None, drop_remainder: Any = False,
    num_parallel_calls: Any = None,
) -> Transformation:  # fmt: skip
    """As `map_and_batch`. Source: TF 1.15 `tf.data.experimental.map_and_batch_with_legacy_function`."""
    calls = _calls_at_once(batch_size, num_parallel_batches, num_parallel_calls)
    return lambda dataset: _mapped_batches(dataset, with_defaults_of_now(map_func), batch_size, calls, drop_remainder)


def _row_shape(shape: Any) -> Any:
    if isinstance(shape, Tensor):
        return shape
    return convert_to_tensor([-1 if d is None else d for d in TensorShape(shape).as_list()], dtype=int64)


@export("data.experimental.dense_to_sparse_batch")
def dense_to_sparse_batch(batch_size: Any, row_shape: Any) -> Transformation:
    """A transformation: tensors of different sizes as batches that are sparse.

    Raises TypeError: elements of several components. Source: TF 1.15 `tf.data.experimental.dense_to_sparse_batch`.
    """

    def apply(dataset: Any) -> Any:
        types = structure.legacy_types(dataset.element_spec)
        if not isinstance(types, dtypes.DType):
            raise TypeError(
                "DenseToSparseDataset requires an input whose elements have a single component, whereas the input has "
                f"{types!r}."
            )
        spec = SparseTensorSpec(TensorShape([None]).concatenate(TensorShape(row_shape)), types)
        arguments = {"batch_size": batch_size, "row_shape": _row_shape(row_shape)}
        return building.unary("DenseToSparseBatchDataset", dataset, spec, arguments)

    return apply


@export("data.experimental.unbatch")
@deprecated("Use `tf.data.Dataset.unbatch()`.", _OPS + "batching")
def unbatch() -> Transformation:
    """A transformation: the rows of elements. Source: TF 1.15 `tf.data.experimental.unbatch`."""
    return lambda dataset: dataset.unbatch()


# ---- order


@export("data.experimental.shuffle_and_repeat")
@deprecated(
    "Use `tf.data.Dataset.shuffle(buffer_size, seed)` followed by `tf.data.Dataset.repeat(count)`. " + _FUSED,
    _OPS + "shuffle_ops",
)
def shuffle_and_repeat(buffer_size: Any, count: Any = None, seed: Any = None) -> Transformation:
    """A transformation: random order, several times. Source: TF 1.15 `tf.data.experimental.shuffle_and_repeat`."""

    def apply(dataset: Any) -> Any:
        size = building.as_int64(buffer_size, "buffer_size")
        arguments = {"buffer_size": size, "count": building.count_tensor(count), **building.seed_tensors(seed)}
        return building.unchanged("ShuffleAndRepeatDataset", dataset, arguments)

    return apply


@export("data.experimental.parallel_interleave")
@deprecated(
    "Use `tf.data.Dataset.interleave(map_func, cycle_length, block_length, num_parallel_calls=tf.data.experimental.AUTOTUNE)` "
    "instead. If sloppy execution is desired, use `tf.data.Options.experimental_determinstic`.",
    _OPS + "interleave_ops",
)
def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, sloppy: Any = False,
    buffer_output_elements: Any = None, prefetch_input_elements: Any = None,
) -> Transformation:  # fmt: skip
    """A transformation: the elements of several datasets in turn, always in the same order.

    Source: TF 1.15 `tf.data.experimental.parallel_interleave`.
    """
    return lambda dataset: parallel_interleave_dataset(
        dataset, map_func, cycle_length, block_length, sloppy, buffer_output_elements, prefetch_input_elements
    )


@export("data.experimental.enumerate_dataset")
@deprecated("Use `tf.data.Dataset.enumerate()", _OPS + "enumerate_ops")
def enumerate_dataset(start: Any = 0) -> Transformation:
    """A transformation: (number, element). Source: TF 1.15 `tf.data.experimental.enumerate_dataset`."""
    return lambda dataset: dataset.enumerate(start)


@export("data.experimental.ignore_errors")
def ignore_errors() -> Transformation:
    """A transformation: leaves out elements that fail. Source: TF 1.15 `tf.data.experimental.ignore_errors`."""
    return lambda dataset: building.unchanged("IgnoreErrorsDataset", dataset, {})


def _stats(op_type: str, tag: Any) -> Transformation:
    return lambda dataset: building.unchanged(op_type, dataset, {"tag": tag})


@export("data.experimental.latency_stats")
def latency_stats(tag: Any) -> Transformation:
    """A transformation: the same elements. Source: TF 1.15 `tf.data.experimental.latency_stats`. Differs: nothing is counted."""
    return _stats("LatencyStatsDataset", tag)


@export("data.experimental.bytes_produced_stats")
def bytes_produced_stats(tag: Any) -> Transformation:
    """A transformation: the same elements. Source: TF 1.15 `bytes_produced_stats`. Differs: nothing is counted."""
    return _stats("BytesProducedStatsDataset", tag)


@export("data.experimental.StatsAggregator")
class StatsAggregator:
    """Raises UnimplementedError. Source: TF 1.15 `tf.data.experimental.StatsAggregator`."""

    def __init__(self) -> None:
        raise errors.UnimplementedError(None, None, "tf.data.experimental.StatsAggregator is not supported")


@export("data.experimental.unique")
def unique() -> Transformation:
    """A transformation: leaves out elements that came before. Raises TypeError: not one i32, i64 or string component.

    Source: TF 1.15 `tf.data.experimental.unique`.
    """

    def apply(dataset: Any) -> Any:
        if structure.legacy_types(dataset.element_spec) not in (int32, int64, string):
            raise TypeError(
                "`tf.data.experimental.unique()` only supports inputs with a single `tf.int32`, `tf.int64`, or `tf.string` "
                "component."
            )
        return building.unchanged("UniqueDataset", dataset, {})

    return apply


@export("data.experimental.take_while")
def take_while(predicate: Callable[..., Any]) -> Transformation:
    """A transformation: ends before the first element for which `predicate` does not hold.

    Raises ValueError: it gives no bool[]. Source: TF 1.15 `tf.data.experimental.take_while`.
    """
    name, text = "tf.data.experimental.take_while()", "`predicate` must return a scalar boolean tensor."
    return lambda dataset: building.unchanged(
        "TakeWhileDataset", dataset, **building.predicate_function(dataset, predicate, name, text)
    )


# ---- devices


@export("data.experimental.prefetch_to_device")
def prefetch_to_device(device: str, buffer_size: Any = None) -> Transformation:
    """A transformation: elements are made ahead. Source: TF 1.15 `tf.data.experimental.prefetch_to_device`."""
    return lambda dataset: dataset.apply(copy_to_device(device)).prefetch(buffer_size)


@export("data.experimental.copy_to_device")
def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """A transformation: the same elements; a session moves what a device needs by itself.

    Source: TF 1.15 `tf.data.experimental.copy_to_device`.
    """

    def apply(dataset: Any) -> Any:
        options = Options()
        options.experimental_optimization.apply_default_optimizations = False
        options.experimental_optimization.autotune = False
        return dataset.with_options(options)

    return apply


# ---- sources


@export("data.experimental.RandomDataset")
class RandomDatasetV1(DatasetV1Adapter):
    """Random i64[] of 32 bits without end. Source: TF 1.15 `tf.data.experimental.RandomDataset`."""

    def __init__(self, seed: Any = None):
        spec = TensorSpec([], int64)
        seeds = building.seed_tensors(seed)
        super().__init__(building.made(apply_op("RandomDataset", None, **seeds, **building.flat_structure(spec)), spec))


@export("data.experimental.Counter")
def Counter(start: Any = 0, step: Any = 1, dtype: Any = int64) -> Any:
    """`start`, `start + step`, ... without end. Source: TF 1.15 `tf.data.experimental.Counter`."""
    with name_scope("counter"):
        first = convert_to_tensor(start, dtype=dtype, name="start")
        by = convert_to_tensor(step, dtype=dtype, name="step")
        made = DatasetV1.from_tensors(0).repeat(None).apply(scan(first, lambda state, _: (state + by, state)))
    return DatasetV1Adapter(made)


# ---- several datasets


def _directed(selector: Any, datasets: Sequence[Any]) -> Any:
    first = datasets[0].element_spec
    for other in datasets[1:]:
        spec = other.element_spec
        same = structure.legacy_types(spec) == structure.legacy_types(first)
        if not same or structure.legacy_classes(spec) != structure.legacy_classes(first):
            raise TypeError("All datasets must have the same type and class.")
    spec = building.common_spec([d.element_spec for d in datasets])
    variant = apply_op(
        "DirectedInterleaveDataset",
        None,
        selector_input_dataset=selector._variant_tensor,
        data_input_datasets=[d._variant_tensor for d in datasets],
        **building.flat_structure(spec),
    )
    return building.made(variant, spec, [selector, *datasets])


@export("data.experimental.choose_from_datasets")
def choose_from_datasets(datasets: Sequence[Any], choice_dataset: Any) -> Any:
    """Elements of the datasets whose numbers `choice_dataset` (i64[]) gives.

    Raises TypeError: other types. Source: TF 1.15 `tf.data.experimental.choose_from_datasets`.
    """
    if not structure.are_compatible(choice_dataset.element_spec, TensorSpec([], int64)):
        raise TypeError("`choice_dataset` must be a dataset of scalar `tf.int64` tensors.")
    return DatasetV1Adapter(_directed(choice_dataset, datasets))


def _drawn(logits: Any, seed: Any) -> Any:
    numbers = apply_op("StatelessMultinomial", None, logits=logits, num_samples=1, seed=seed)
    return tf.squeeze(numbers, axis=[0, 1])


def _logits(weights: Any, count: int) -> Any:
    if weights is None:
        return [[1.0] * count]
    found = convert_to_tensor(weights, name="weights")
    if found.dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError("`weights` must be convertible to a tensor of `tf.float32` or `tf.float64` elements.")
    if not found.shape.is_compatible_with([count]):
        raise ValueError("`weights` must be a vector of length `len(datasets)`.")
    return tf.expand_dims(tf.math.log(found, name="logits"), 0)


@export("data.experimental.sample_from_datasets")
def sample_from_datasets(datasets: Sequence[Any], weights: Any = None, seed: Any = None) -> Any:
    """Elements of datasets drawn at random, by `weights` (a vector, or a dataset of such).

    Raises TypeError, ValueError: weights of another type or number. Source: TF 1.15 `tf.data.experimental.sample_from_datasets`.
    """
    if not isinstance(weights, DatasetV2):
        logits = _logits(weights, len(datasets))
        if len(datasets) == 1:
            return datasets[0]
        selector = building.map_dataset(
            RandomDatasetV1(seed).batch(2), lambda s: _drawn(logits, s), None, use_inter_op_parallelism=False
        )
        return DatasetV1Adapter(_directed(selector, datasets))
    found = weights.map(lambda *p: tf.math.log(p, name="logits"))  # type: ignore[attr-defined]
    pairs = DatasetV1.zip((found, RandomDatasetV1(seed).batch(2)))
    selector = building.map_dataset(pairs, _drawn, None, use_inter_op_parallelism=False)
    return DatasetV1Adapter(_directed(selector, datasets))


# ---- questions


@export("data.experimental.cardinality")
def cardinality(dataset: Any) -> Any:
    """i64[]: how many elements there are, INFINITE_CARDINALITY or UNKNOWN_CARDINALITY.

    Source: TF 1.15 `tf.data.experimental.cardinality`.
    """
    return apply_op("DatasetCardinality", None, input_dataset=dataset._variant_tensor)


@export("data.experimental.get_single_element")
def get_single_element(dataset: Any) -> Any:
    """The one element. Raises TypeError: no dataset; when it runs InvalidArgumentError: none, or several.

    Source: TF 1.15 `tf.data.experimental.get_single_element`.
    """
    if not isinstance(dataset, DatasetV2):
        raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
    found = apply_op("DatasetToSingleElement", None, dataset=dataset._variant_tensor, **dataset._flat_structure)
    return structure.from_compatible_tensor_list(dataset.element_spec, found)


@export("data.experimental.make_saveable_from_iterator", "contrib.data.make_saveable_from_iterator")
def make_saveable_from_iterator(iterator: Any) -> Any:
    """Raises UnimplementedError: where an iterator stands cannot be saved.

    Source: TF 1.15 `tf.data.experimental.make_saveable_from_iterator`.
    """
    raise errors.UnimplementedError(
        None, None, "tf.data.experimental.make_saveable_from_iterator: the state of an iterator cannot be saved"
    )


@export("data.experimental.CheckpointInputPipelineHook", "contrib.data.CheckpointInputPipelineHook")
class CheckpointInputPipelineHook:
    """Raises UnimplementedError. Source: TF 1.15 `tf.data.experimental.CheckpointInputPipelineHook`."""

    def __init__(self, estimator: Any):
        raise errors.UnimplementedError(
            None, None, "tf.data.experimental.CheckpointInputPipelineHook: the state of an iterator cannot be saved"
        )


@export("data.experimental.TFRecordWriter", "contrib.data.TFRecordWriter")
class TFRecordWriter:
    """Writes a dataset of strings to a TFRecord file. Source: TF 1.15 `tf.data.experimental.TFRecordWriter`."""

    def __init__(self, filename: Any, compression_type: Any = None):
        self._filename = convert_to_tensor(filename, string, name="filename")
        self._compression_type = optional_tensor("compression_type", compression_type, "", string)

    def write(self, dataset: Any) -> Operation:
        """An operation that writes the file. Raises TypeError: no dataset, or not of strings."""
        if not isinstance(dataset, DatasetV2):
            raise TypeError("`dataset` must be a `tf.data.Dataset` object.")
        spec = get_structure(dataset)
        if not building.is_scalar(spec, string):
            raise TypeError(
                "`dataset` must produce scalar `DT_STRING` tensors whereas it produces shape "
                f"{structure.legacy_shapes(spec)} and types {structure.legacy_types(spec)}"
            )
        made: Operation = apply_op(
            "DatasetToTFRecord",
            None,
            input_dataset=dataset._variant_tensor,
            filename=self._filename,
            compression_type=self._compression_type,
        )
        return made
