"""The operations of datasets: what each transformation adds to the graph, and what its elements are.

A transformation gives a `Made`; `tf.data.Dataset` wraps it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.data import structure
from retrograph.data.functions import StateFunction, StructuredFunction
from retrograph.framework import data_nest, dtypes, seeds
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, get_default_graph, name_scope
from retrograph.framework.dtypes import int64
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Dimension, TensorShape, dimension_at_index
from retrograph.framework.static_value import constant_value, constant_value_as_shape
from retrograph.framework.structures import SparseTensor
from retrograph.framework.type_spec import SparseTensorSpec, TensorSpec


def made(variant: Tensor, spec: Any, inputs: Sequence[Any] = (), functions: Sequence[Any] = ()) -> Any:
    """The dataset of a variant, made from other datasets by these functions."""
    from retrograph.data.made import Made

    return Made(variant, spec, inputs, functions)


def flat_structure(spec: Any) -> dict[str, Any]:
    """The attributes that most datasets have."""
    return {"output_shapes": structure.flat_shapes(spec), "output_types": structure.flat_types(spec)}


def unary(op_type: str, dataset: Any, spec: Any, arguments: dict[str, Any], functions: Sequence[Any] = ()) -> Any:
    """A dataset made from another by one operation."""
    variant = apply_op(op_type, None, input_dataset=dataset._variant_tensor, **arguments, **flat_structure(spec))
    return made(variant, spec, [dataset], functions)


def unchanged(op_type: str, dataset: Any, arguments: dict[str, Any], functions: Sequence[Any] = ()) -> Any:
    """A dataset whose elements are as those of the one it is made from."""
    return unary(op_type, dataset, dataset.element_spec, arguments, functions)


def as_int64(value: Any, name: str) -> Tensor:
    """A number as i64[]."""
    return convert_to_tensor(value, dtype=int64, name=name)


def with_options(dataset: Any, options: Any) -> Any:
    """The dataset with options. Raises ValueError: they contradict those that it has."""
    found = made(dataset._variant_tensor, dataset.element_spec, [dataset])
    own = dataset.options()
    found._options_found = own.merge(options) if own else options
    return found


def restructured(dataset: Any, spec: Any) -> Any:
    """The dataset with other specs of the same tensors."""
    return made(dataset._variant_tensor, spec, [dataset])


# ---- sources


def from_tensors(tensors: Any) -> Any:
    """One element."""
    element = structure.normalize_element(tensors)
    spec = structure.type_spec_from_value(element)
    flat = structure.to_tensor_list(spec, element)
    variant = apply_op("TensorDataset", None, components=flat, output_shapes=structure.flat_shapes(spec))
    return made(variant, spec)


def _rows(tensor: Tensor) -> Dimension:
    return Dimension(tensor.get_shape()[0].value if tensor.get_shape().ndims is not None else None)


def from_tensor_slices(tensors: Any) -> Any:
    """The rows of tensors."""
    element = structure.normalize_element(tensors)
    batched = structure.type_spec_from_value(element)
    flat = structure.to_batched_tensor_list(batched, element)
    spec = data_nest.map_structure(structure.unbatched_spec, batched)
    rows = _rows(flat[0])
    for tensor in flat[1:]:
        rows.assert_is_compatible_with(_rows(tensor))
    variant = apply_op("TensorSliceDataset", None, components=flat, output_shapes=structure.flat_shapes(spec))
    return made(variant, spec)


def from_sparse_tensor_slices(sparse: Any) -> Any:
    """The rows of a sparse tensor, as (indices, values, shape)."""
    if not isinstance(sparse, SparseTensor):
        raise TypeError(f"`sparse_tensor` must be a `tf.SparseTensor` object. Was {sparse}.")
    indices, shape = sparse.indices.get_shape(), sparse.dense_shape.get_shape()
    ranks: list[Any] = [dimension_at_index(indices, 1), dimension_at_index(shape, 0)]
    rank = (ranks[0] - 1).merge_with(ranks[1] - 1)
    spec = (TensorSpec([None, rank], int64), TensorSpec([None], sparse.dtype), TensorSpec([rank], int64))
    parts = {"indices": sparse.indices, "values": sparse.values, "dense_shape": sparse.dense_shape}
    return made(apply_op("SparseTensorSliceDataset", None, **parts), spec)


def range_dataset(*args: Any) -> Any:
    """Numbers in steps."""
    if not 1 <= len(args) <= 3:
        raise ValueError(f"Invalid arguments to RangeDataset: {args}")
    start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
    numbers = {"start": start, "stop": stop, "step": step}
    tensors = {name: as_int64(value, name) for name, value in numbers.items()}
    spec = TensorSpec([], int64)
    return made(apply_op("RangeDataset", None, **tensors, **flat_structure(spec)), spec)


def zip_datasets(datasets: Any) -> Any:
    """Elements that are structures of elements."""
    from retrograph.data.dataset import DatasetV2

    flat = data_nest.flatten(datasets)
    for dataset in flat:
        if not isinstance(dataset, DatasetV2):
            text = "The argument to `Dataset.zip()` must be a nested structure of `Dataset` objects."
            if isinstance(dataset, list):
                text += " Nested structures do not support Python lists; please use a tuple instead."
            raise TypeError(text)
    spec = data_nest.pack_sequence_as(datasets, [d.element_spec for d in flat])
    variants = [d._variant_tensor for d in flat]
    return made(apply_op("ZipDataset", None, input_datasets=variants, **flat_structure(spec)), spec, flat)


def list_files(file_pattern: Any, shuffle: bool | None, seed: Any) -> Any:
    """The names of files that match."""
    from retrograph.data.dataset import DatasetV1

    with name_scope("list_files"):
        pattern = convert_to_tensor(file_pattern, dtype=dtypes.string, name="file_pattern")
        files = apply_op("MatchingFiles", None, pattern=pattern)
        found = tf.greater(tf.shape(files)[0], 0, name="match_not_empty")
        text = tf.add("No files matched pattern: ", tf.strings.reduce_join(pattern, separator=", "), name="message")
        check = tf.Assert(found, [text], summarize=1, name="assert_not_empty")
        with control_dependencies([check]):
            files = tf.identity(files)
        dataset = DatasetV1.from_tensor_slices(files)
        if shuffle or shuffle is None:
            buffer_size = tf.maximum(tf.shape(files, out_type=int64)[0], 1)
            dataset = dataset.shuffle(buffer_size, seed=seed)
        return dataset


# ---- order


def _same(what: str, first: Any, second: Any) -> None:
    if first != second:
        raise TypeError(f"Two datasets to concatenate have different {what} {first} and {second}")


def common_spec(specs: Sequence[Any]) -> Any:
    """The first structure, its shapes what all have in common."""
    shapes = [structure.legacy_shapes(s) for s in specs]
    flat = data_nest.flatten(shapes[0])
    for other in shapes[1:]:
        flat = [a.most_specific_compatible_shape(b) for a, b in zip(flat, data_nest.flatten(other), strict=True)]
    return structure.convert_legacy_structure(
        structure.legacy_types(specs[0]),
        data_nest.pack_sequence_as(shapes[0], flat),
        structure.legacy_classes(specs[0]),
    )


def concatenate(dataset: Any, other: Any) -> Any:
    """The elements of one dataset, then those of another."""
    specs = [dataset.element_spec, other.element_spec]
    _same("types", *map(structure.legacy_types, specs))
    _same("classes", *map(structure.legacy_classes, specs))
    spec = common_spec(specs)
    variants = {"input_dataset": dataset._variant_tensor, "another_dataset": other._variant_tensor}
    return made(apply_op("ConcatenateDataset", None, **variants, **flat_structure(spec)), spec, [dataset, other])


def prefetch(dataset: Any, buffer_size: Any) -> Any:
    """Elements are made before they are asked for."""
    size = as_int64(-1 if buffer_size is None else buffer_size, "buffer_size")
    return unchanged("PrefetchDataset", dataset, {"buffer_size": size})


def count_tensor(count: Any) -> Tensor:
    """A number of repetitions; -1 for None."""
    return constant(-1, dtype=int64, name="count") if count is None else as_int64(count, "count")


def repeat(dataset: Any, count: Any) -> Any:
    """The elements several times."""
    return unchanged("RepeatDataset", dataset, {"count": count_tensor(count)})


def counted(op_type: str, dataset: Any, count: Any) -> Any:
    """`TakeDataset` or `SkipDataset`."""
    return unchanged(op_type, dataset, {"count": as_int64(count, "count")})


def shard(dataset: Any, num_shards: Any, index: Any) -> Any:
    """Every so many-th element."""
    numbers = {"num_shards": as_int64(num_shards, "num_shards"), "index": as_int64(index, "index")}
    return unchanged("ShardDataset", dataset, numbers)


def seed_tensors(seed: Any) -> dict[str, Tensor]:
    """The two seeds of a dataset as tensors; never both 0 if one was given."""
    if isinstance(seed, Tensor):
        graph_seed = get_default_graph().seed
        first: Any = seeds.DEFAULT_GRAPH_SEED if graph_seed is None else graph_seed
        second: Any = seed % (2**31 - 1)
    else:
        first, second = seeds.get_seed(seed)
    if first is None:
        return {"seed": constant(0, dtype=int64, name="seed"), "seed2": constant(0, dtype=int64, name="seed2")}
    one = convert_to_tensor(first, dtype=int64, name="seed")
    with name_scope("seed2") as scope:
        two = convert_to_tensor(second, dtype=int64)
        both_zero = tf.logical_and(tf.equal(one, 0), tf.equal(two, 0))
        two = tf.where(both_zero, constant(2**31 - 1, dtype=int64), two, name=scope)
    return {"seed": one, "seed2": two}


def shuffle(dataset: Any, buffer_size: Any, seed: Any, reshuffle: bool | None) -> Any:
    """The elements in random order."""
    size = as_int64(buffer_size, "buffer_size")
    arguments = {"buffer_size": size, **seed_tensors(seed), "reshuffle_each_iteration": reshuffle is not False}
    return unchanged("ShuffleDataset", dataset, arguments)


def cache(dataset: Any, filename: Any) -> Any:
    """The elements, kept."""
    name = convert_to_tensor(filename, dtype=dtypes.string, name="filename")
    return unchanged("CacheDataset", dataset, {"filename": name})


# ---- batches


def batch_size_of(batch_size: Tensor, drop_remainder: Tensor) -> int | None:
    """The size that all batches have, if that is known."""
    size = constant_value(batch_size) if constant_value(drop_remainder) else None
    return None if size is None else int(size)


def batch(dataset: Any, batch_size: Any, drop_remainder: Any) -> Any:
    """Elements stacked."""
    size = as_int64(batch_size, "batch_size")
    drop = convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
    known = batch_size_of(size, drop)
    spec = data_nest.map_structure(lambda s: structure.batched_spec(s, known), dataset.element_spec)
    return unary("BatchDatasetV2", dataset, spec, {"batch_size": size, "drop_remainder": drop})


def _fits(padded: TensorShape, found: TensorShape) -> bool:
    if padded.dims is None or found.dims is None:
        return True
    if len(padded.dims) != len(found.dims):
        return False
    pairs = zip(padded.as_list(), found.as_list(), strict=True)
    return not any(p is not None and f is not None and p < f for p, f in pairs)


def _padded_shape(padded_shape: Any, found: TensorShape) -> Tensor:
    try:
        shape = TensorShape(padded_shape)
        tensor = convert_to_tensor([-1 if d is None else d for d in shape.as_list()], dtype=int64)
    except (TypeError, ValueError):
        tensor = convert_to_tensor(padded_shape, preferred_dtype=int64)
        if tensor.shape.dims is not None and len(tensor.shape.dims) != 1:
            raise ValueError(
                f"Padded shape {padded_shape} must be a 1-D tensor of tf.int64 values, but its shape was {tensor.shape}."
            ) from None
        if tensor.dtype != int64:
            raise TypeError(
                f"Padded shape {padded_shape} must be a 1-D tensor of tf.int64 values, but its element type was {tensor.dtype.name}."
            ) from None
        shape = constant_value_as_shape(tensor)
    if not _fits(shape, found):
        raise ValueError(
            f"The padded shape {shape} is not compatible with the corresponding input component shape {found}."
        )
    return tensor


def _padding_value(value: Any, dtype: Any) -> Tensor:
    tensor = convert_to_tensor(value, name="padding_value")
    if not tensor.shape.is_compatible_with(TensorShape([])):
        raise ValueError(f"Padding value should be a scalar, but is not: {tensor}")
    if tensor.dtype != dtype:
        raise TypeError(f"Padding value tensor ({tensor}) does not match output type: {dtype}")
    return tensor


def _zero(dtype: Any) -> Any:
    if dtype.base_dtype == dtypes.string:
        return ""
    if dtype.base_dtype == dtypes.variant:
        raise TypeError(
            f"Unable to create padding for field of type 'variant' because t.base_type == dtypes.variant == {dtype.base_dtype}."
        )
    return np.zeros_like(dtype.as_numpy_dtype())


def padded_batch(dataset: Any, batch_size: Any, padded_shapes: Any, padding_values: Any, drop_remainder: Any) -> Any:
    """Elements padded and stacked."""
    spec = dataset.element_spec
    if any(isinstance(s, SparseTensorSpec) for s in data_nest.flatten(spec)):
        raise TypeError("Batching of padded sparse tensors is not currently supported")
    size = as_int64(batch_size, "batch_size")
    types, shapes = structure.legacy_types(spec), structure.legacy_shapes(spec)
    if padding_values is None:
        padding_values = data_nest.map_structure(_zero, types)
    pairs = zip(data_nest.flatten(shapes), data_nest.flatten_up_to(shapes, padded_shapes), strict=True)
    padded = [_padded_shape(p, s) for s, p in pairs]
    values = data_nest.map_structure_up_to(shapes, _padding_value, padding_values, types)
    drop = convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
    known = batch_size_of(size, drop)
    outputs = [TensorShape([known]).concatenate(constant_value_as_shape(p)) for p in padded]
    found = structure.convert_legacy_structure(
        types, data_nest.pack_sequence_as(shapes, outputs), structure.legacy_classes(spec)
    )
    arguments = {
        "input_dataset": dataset._variant_tensor, "batch_size": size, "padded_shapes": padded,
        "padding_values": data_nest.flatten(values), "output_shapes": structure.flat_shapes(found),
    }  # fmt: skip
    return made(apply_op("PaddedBatchDatasetV2", None, drop_remainder=drop, **arguments), found, [dataset])


def window(dataset: Any, size: Any, shift: Any, stride: Any, drop_remainder: Any) -> Any:
    """Datasets of consecutive elements."""
    numbers = {"size": size, "shift": shift, "stride": stride}
    tensors = {name: as_int64(value, name) for name, value in numbers.items()}
    tensors["drop_remainder"] = convert_to_tensor(drop_remainder, dtype=dtypes.bool, name="drop_remainder")
    spec = data_nest.map_structure(structure.DatasetSpec, dataset.element_spec)
    return unary("WindowDataset", dataset, spec, tensors)


def unbatch(dataset: Any) -> Any:
    """The rows of elements."""
    shapes = structure.flat_shapes(dataset.element_spec)
    if any(s.ndims == 0 for s in shapes):
        raise ValueError("Cannot unbatch an input with scalar components.")
    rows = Dimension(None)
    for shape in shapes:
        try:
            rows = rows.merge_with(shape[0] if shape.ndims is not None else None)
        except ValueError:
            raise ValueError("Cannot unbatch an input whose components have different batch sizes.") from None
    spec = data_nest.map_structure(structure.unbatched_spec, dataset.element_spec)
    return unary("UnbatchDataset", dataset, spec, {})


# ---- functions


def map_dataset(dataset: Any, func: Callable[..., Any], num_parallel_calls: Any, **attrs: Any) -> Any:
    """A function of each element."""
    function = StructuredFunction(func, "Dataset.map()", dataset.element_spec)
    arguments: dict[str, Any] = {"other_arguments": function.captured_inputs, "f": function.function.name}
    op_type = "MapDataset"
    if num_parallel_calls is not None:
        op_type = "ParallelMapDataset"
        arguments["num_parallel_calls"] = convert_to_tensor(
            num_parallel_calls, dtype=dtypes.int32, name="num_parallel_calls"
        )
    arguments.update(use_inter_op_parallelism=True, preserve_cardinality=False)
    arguments.update(attrs)
    return unary(op_type, dataset, function.output_structure, arguments, [function])


def nested_spec(function: StructuredFunction, text: str = "`map_func` must return a `Dataset` object. Got {}") -> Any:
    """What the elements of the datasets are that a function gives. Raises TypeError: it gives none."""
    spec = function.output_structure
    if not isinstance(spec, structure.DatasetSpec):
        raise TypeError(text.format(type(spec)))
    return spec._element_spec


def flat_map(dataset: Any, func: Callable[..., Any]) -> Any:
    """The elements of the datasets that a function gives."""
    function = StructuredFunction(func, "Dataset.flat_map()", dataset.element_spec)
    spec = nested_spec(function)
    arguments = {"other_arguments": function.captured_inputs, "f": function.function.name}
    return unary("FlatMapDataset", dataset, spec, arguments, [function])


def interleave(dataset: Any, func: Callable[..., Any], cycle: Any, block: Any, parallel: Any) -> Any:
    """The elements of several datasets that a function gives, in turn."""
    function = StructuredFunction(func, "Dataset.interleave()", dataset.element_spec)
    spec = nested_spec(function)
    arguments: dict[str, Any] = {
        "other_arguments": function.captured_inputs, "f": function.function.name,
        "cycle_length": as_int64(cycle, "cycle_length"), "block_length": as_int64(block, "block_length"),
    }  # fmt: skip
    if parallel is None:
        return unary("InterleaveDataset", dataset, spec, arguments, [function])
    arguments["num_parallel_calls"] = as_int64(parallel, "num_parallel_calls")
    return unary("ParallelInterleaveDatasetV2", dataset, spec, arguments, [function])


def is_scalar(spec: Any, dtype: Any) -> bool:
    """Whether elements are, or may be, scalars of a dtype."""
    return isinstance(spec, TensorSpec) and spec.is_compatible_with(TensorSpec([], dtype))


def predicate_function(dataset: Any, predicate: Callable[..., Any], transformation: str, text: str) -> dict[str, Any]:
    """The arguments of operations that ask a predicate. Raises ValueError: it gives no bool[]."""
    function = StructuredFunction(predicate, transformation, dataset.element_spec)
    if not is_scalar(function.output_structure, dtypes.bool):
        raise ValueError(text.format(function.output_structure))
    return {
        "functions": [function],
        "arguments": {"other_arguments": function.captured_inputs, "predicate": function.function.name},
    }


def filter_dataset(dataset: Any, predicate: Callable[..., Any]) -> Any:
    """The elements for which a predicate holds."""
    text = "`predicate` return type must be convertible to a scalar boolean tensor. Was {}."
    return unchanged("FilterDataset", dataset, **predicate_function(dataset, predicate, "Dataset.filter()", text))


def reduce_dataset(dataset: Any, initial_state: Any, func: Callable[[Any, Any], Any]) -> Any:
    """The last state that a function of state and element gives."""
    with name_scope("initial_state"):
        state = structure.normalize_element(initial_state)
    function = StateFunction(func, "reduce()", structure.type_spec_from_value(state), dataset.element_spec)
    spec = function.state_structure
    result = apply_op(
        "ReduceDataset",
        None,
        input_dataset=dataset._variant_tensor,
        initial_state=structure.to_tensor_list(spec, state),
        other_arguments=function.captured_inputs,
        f=function.function.name,
        **flat_structure(spec),
    )
    return structure.from_compatible_tensor_list(spec, result)
