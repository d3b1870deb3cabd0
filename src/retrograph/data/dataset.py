"""`tf.data.Dataset`: what all datasets share, and the making of iterators."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.data import building, structure
from retrograph.data.host import (
    batching,
    combining,
    files,
    grouping,
    iterators,
    mapping,
    optionals,
    ordering,
    rows,
    sources,
)
from retrograph.data.iterator import Iterator
from retrograph.data.options import AutotuneAlgorithm, Options
from retrograph.framework import data_nest, seeds
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import colocate_with, get_default_graph
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dtypes import int64, string
from retrograph.framework.exports import export
from retrograph.framework.function_graph import FuncGraph, GraphFunction
from retrograph.framework.operation import Tensor
from retrograph.variables.traces import with_defaults_of_now

_MODULE = "tensorflow.python.data.ops.dataset_ops"
_ITERATE = "Use `for ... in dataset:` to iterate over a dataset. If using `tf.estimator`, return the `Dataset` object directly from your input function. As a last resort, you can use `tf.compat.v1.data.{}(dataset)`."
_REFS = "tf.data static optimizations are not compatible with tf.Variable. The following optimizations will be disabled: {}. To enable optimizations, use resource variables instead by calling `tf.enable_resource_variables()` at the start of the program."
_OTHER_GRAPH = (
    "The graph ({}) of the iterator is different from the graph ({}) the dataset: {} was created in. If you are using the "
    "Estimator API, make sure that no part of the dataset returned by the `input_fn` function is defined outside the "
    "`input_fn` function. Please ensure that all datasets in the pipeline are created in the same graph as the iterator. "
    "NOTE: This warning will become an error in future versions of TensorFlow."
)


class DatasetV2:
    """A sequence of elements, described by the operation whose variant is `_variant_tensor`."""

    def __init__(self, variant_tensor: Tensor):
        self._variant = variant_tensor
        self._graph_attr = get_default_graph()

    @property
    def _variant_tensor(self) -> Tensor:
        return self._variant

    @property
    def _graph(self) -> Any:
        return self._graph_attr

    def _inputs(self) -> Sequence[Any]:
        raise NotImplementedError("Dataset._inputs")

    def _functions(self) -> Sequence[Any]:
        return []

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements."""
        raise NotImplementedError("Dataset.element_spec")

    @property
    def _type_spec(self) -> Any:
        return structure.DatasetSpec(self.element_spec)

    @property
    def _flat_shapes(self) -> list[Any]:
        return structure.flat_shapes(self.element_spec)

    @property
    def _flat_types(self) -> list[Any]:
        return structure.flat_types(self.element_spec)

    @property
    def _flat_structure(self) -> dict[str, Any]:
        return {"output_shapes": self._flat_shapes, "output_types": self._flat_types}

    def options(self) -> Options:
        """The options of the dataset and of what it is made from. Source: TF 1.15 `tf.data.Dataset.options`."""
        found = Options()
        for dataset in self._inputs():
            given = dataset.options()
            if given is not None:
                found = found.merge(given)
        return found

    def _has_captured_ref(self) -> bool:
        captured = [t for f in self._functions() for t in f.captured_inputs]
        return any(map(_comes_from_ref, captured)) or any(d._has_captured_ref() for d in self._inputs())

    def _apply_options(self) -> Any:
        options, dataset = self.options(), self
        threading = options.experimental_threading
        for name, op_type in _THREADING.items():
            number = getattr(threading, name)
            if number is not None:
                argument = name if name == "max_intra_op_parallelism" else "num_threads"
                value = convert_to_tensor(number, dtype=int64, name=argument)
                dataset = building.unchanged(op_type, dataset, {argument: value})
        return _modelled(_optimized(dataset, options), options.experimental_optimization)

    def __iter__(self) -> Any:
        raise RuntimeError("__iter__() is only supported inside of tf.function or when eager execution is enabled.")

    def __repr__(self) -> str:
        shapes = str(data_nest.map_structure(str, structure.legacy_shapes(self.element_spec))).replace("'", "")
        types = str(data_nest.map_structure(repr, structure.legacy_types(self.element_spec))).replace("'", "")
        return f"<{type(self).__name__} shapes: {shapes}, types: {types}>"


_THREADING = {
    "max_intra_op_parallelism": "MaxIntraOpParallelismDataset",
    "private_threadpool_size": "PrivateThreadPoolDataset",
}


def _comes_from_ref(tensor: Tensor) -> bool:
    pending, seen = [tensor], set()
    while pending:
        t = pending.pop()
        if t._dtype._is_ref:
            return True
        if t not in seen:
            seen.add(t)
            pending.extend(t._op._inputs)
    return False


def _optimized(dataset: Any, options: Options) -> Any:
    names = options._static_optimizations()
    if not names:
        return dataset
    if dataset._has_captured_ref():
        warnings.warn(_REFS.format(", ".join(names)), stacklevel=2)
        return dataset
    wanted = convert_to_tensor(names, dtype=string, name="optimizations")
    configs = options._static_optimization_configs()
    return building.unchanged("OptimizeDataset", dataset, {"optimizations": wanted, "optimization_configs": configs})


def _modelled(dataset: Any, options: Any) -> Any:
    if options.autotune is False:
        return dataset
    attrs: dict[str, Any] = {"cpu_budget": options.autotune_cpu_budget or 0}
    if options.autotune_algorithm not in (None, AutotuneAlgorithm.HILL_CLIMB):
        attrs["algorithm"] = getattr(options.autotune_algorithm, "value", options.autotune_algorithm)
    return building.unchanged("ModelDataset", dataset, attrs)


@export("data.Dataset")
class DatasetV1(DatasetV2):
    """A sequence of elements: structures of tensors.

    >>> dataset = tf.data.Dataset.from_tensor_slices([1, 2, 3]).map(lambda x: x * 2).batch(2)
    >>> next_element = dataset.make_one_shot_iterator().get_next()   # [2, 4], then [6]

    A subclass gives `_as_variant_tensor`, `_inputs` and `element_spec`. Source: TF 1.15 `tf.data.Dataset`.
    """

    def __init__(self) -> None:
        try:
            variant = self._as_variant_tensor()
        except AttributeError as error:
            if "_as_variant_tensor" in str(error):
                raise AttributeError(
                    "Please use _variant_tensor instead of _as_variant_tensor() to obtain the variant associated with a dataset"
                ) from None
            raise AttributeError(
                f"{error}: A likely cause of this error is that the super call for this dataset is not the last line of the "
                "__init__ method. The base class causes the _as_variant_tensor call in its constructor and if that uses "
                "attributes defined in the __init__ method, those attrs need to be defined before the super call."
            ) from None
        super().__init__(variant)

    def _as_variant_tensor(self) -> Tensor:
        raise NotImplementedError("Dataset._as_variant_tensor")

    # ---- iterators

    @deprecated(_ITERATE.format("make_one_shot_iterator"), _MODULE)
    def make_one_shot_iterator(self) -> Iterator:
        """An iterator that starts with the first `get_next`, and goes through the elements once.

        Raises ValueError: the dataset takes a variable, a table or another stateful operation, or a placeholder.
        Source: TF 1.15 `tf.data.Dataset.make_one_shot_iterator`.
        """
        return self._make_one_shot_iterator()

    def _make_one_shot_iterator(self) -> Iterator:
        _ensure_same_dataset_graph(self)
        factory = _dataset_factory(self)
        resource = apply_op("OneShotIterator", None, dataset_factory=factory.name, **self._flat_structure)
        return Iterator(resource, None, *_legacy(self))

    @deprecated(_ITERATE.format("make_initializable_iterator"), _MODULE)
    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """An iterator whose `initializer` starts it, each time that it runs.

        Source: TF 1.15 `tf.data.Dataset.make_initializable_iterator`.
        """
        return self._make_initializable_iterator(shared_name)

    def _make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        _ensure_same_dataset_graph(self)
        dataset = self._apply_options()
        resource = apply_op("IteratorV2", None, container="", shared_name=shared_name or "", **self._flat_structure)
        with colocate_with(resource):
            initializer = apply_op("MakeIterator", None, dataset=dataset._variant_tensor, iterator=resource)
        return Iterator(resource, initializer, *_legacy(dataset))

    # ---- what elements are

    @property
    def output_classes(self) -> Any:
        """The classes of the components of an element. Source: TF 1.15 `tf.data.Dataset.output_classes`."""
        return structure.legacy_classes(self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the components of an element. Source: TF 1.15 `tf.data.Dataset.output_shapes`."""
        return structure.legacy_shapes(self.element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of the components of an element. Source: TF 1.15 `tf.data.Dataset.output_types`."""
        return structure.legacy_types(self.element_spec)

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements. Source: TF 1.15 `tf.data.Dataset.element_spec`."""
        return structure.convert_legacy_structure(self.output_types, self.output_shapes, self.output_classes)

    # ---- sources

    @staticmethod
    def from_tensors(tensors: Any) -> DatasetV1:
        """One element: `tensors`. Source: TF 1.15 `tf.data.Dataset.from_tensors`."""
        return DatasetV1Adapter(building.from_tensors(tensors))

    @staticmethod
    def from_tensor_slices(tensors: Any) -> DatasetV1:
        """The rows of `tensors`. Raises ValueError: a scalar, or different numbers of rows.

        Source: TF 1.15 `tf.data.Dataset.from_tensor_slices`.
        """
        return DatasetV1Adapter(building.from_tensor_slices(tensors))

    @staticmethod
    @deprecated("Use `tf.data.Dataset.from_tensor_slices()`.", _MODULE)
    def from_sparse_tensor_slices(sparse_tensor: Any) -> DatasetV1:
        """The rows of a sparse tensor. Raises TypeError: not a `SparseTensor`.

        Source: TF 1.15 `tf.data.Dataset.from_sparse_tensor_slices`.
        """
        return DatasetV1Adapter(building.from_sparse_tensor_slices(sparse_tensor))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any, output_shapes: Any = None, args: Any = None
    ) -> DatasetV1:
        """What a Python generator gives. Raises TypeError: `generator` is not callable.

        Source: TF 1.15 `tf.data.Dataset.from_generator`.
        """
        from retrograph.data.generators import from_generator

        return DatasetV1Adapter(from_generator(generator, output_types, output_shapes, args))

    @staticmethod
    def range(*args: Any) -> DatasetV1:
        """`range(stop)`, `range(start, stop)` or `range(start, stop, step)` as i64[]. Raises ValueError: other arguments.

        Source: TF 1.15 `tf.data.Dataset.range`.
        """
        return DatasetV1Adapter(building.range_dataset(*args))

    @staticmethod
    def zip(datasets: Any) -> DatasetV1:
        """Elements that are structures of elements; ends with the shortest. Raises TypeError: not a structure of datasets.

        Source: TF 1.15 `tf.data.Dataset.zip`.
        """
        return DatasetV1Adapter(building.zip_datasets(datasets))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: Any = None) -> DatasetV1:
        """The names of files that match, in random order unless `shuffle` is False.

        Source: TF 1.15 `tf.data.Dataset.list_files`.
        """
        return DatasetV1Adapter(building.list_files(file_pattern, shuffle, seed))

    # ---- which elements, and in which order

    def concatenate(self, dataset: Any) -> DatasetV1:
        """These elements, then those of `dataset`. Raises TypeError: other types or classes.

        Source: TF 1.15 `tf.data.Dataset.concatenate`.
        """
        return DatasetV1Adapter(building.concatenate(self, dataset))

    def prefetch(self, buffer_size: Any) -> DatasetV1:
        """The same; up to `buffer_size` elements are made before they are asked for, by a thread of its own.

        Source: TF 1.15 `tf.data.Dataset.prefetch`.
        """
        return DatasetV1Adapter(building.prefetch(self, buffer_size))

    def repeat(self, count: Any = None) -> DatasetV1:
        """The elements `count` times, or again and again. Source: TF 1.15 `tf.data.Dataset.repeat`."""
        return DatasetV1Adapter(building.repeat(self, count))

    def enumerate(self, start: Any = 0) -> DatasetV1:
        """(number, element). Source: TF 1.15 `tf.data.Dataset.enumerate`."""
        return DatasetV1.zip((DatasetV1.range(start, np.iinfo(np.int64).max), self))

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None) -> DatasetV1:
        """The elements in random order: each is drawn from the next `buffer_size`, by TF's generator.

        Source: TF 1.15 `tf.data.Dataset.shuffle`.
        """
        return DatasetV1Adapter(building.shuffle(self, buffer_size, seed, reshuffle_each_iteration))

    def cache(self, filename: Any = "") -> DatasetV1:
        """The elements, kept when they are gone through first. Source: TF 1.15 `tf.data.Dataset.cache`."""
        return DatasetV1Adapter(building.cache(self, filename))

    def take(self, count: Any) -> DatasetV1:
        """The first `count` elements, all if -1. Source: TF 1.15 `tf.data.Dataset.take`."""
        return DatasetV1Adapter(building.counted("TakeDataset", self, count))

    def skip(self, count: Any) -> DatasetV1:
        """All but the first `count` elements, none if -1. Source: TF 1.15 `tf.data.Dataset.skip`."""
        return DatasetV1Adapter(building.counted("SkipDataset", self, count))

    def shard(self, num_shards: Any, index: Any) -> DatasetV1:
        """Every `num_shards`-th element, from number `index`. Source: TF 1.15 `tf.data.Dataset.shard`."""
        return DatasetV1Adapter(building.shard(self, num_shards, index))

    # ---- several elements as one

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> DatasetV1:
        """Elements stacked. Source: TF 1.15 `tf.data.Dataset.batch`."""
        return DatasetV1Adapter(building.batch(self, batch_size, drop_remainder))

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any, padding_values: Any = None, drop_remainder: Any = False
    ) -> DatasetV1:
        """Elements padded to one shape and stacked. Raises TypeError, ValueError: shapes or values that do not fit.

        Source: TF 1.15 `tf.data.Dataset.padded_batch`.
        """
        return DatasetV1Adapter(building.padded_batch(self, batch_size, padded_shapes, padding_values, drop_remainder))

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: Any = False) -> DatasetV1:
        """Datasets of `size` elements each. Source: TF 1.15 `tf.data.Dataset.window`."""
        return DatasetV1Adapter(building.window(self, size, size if shift is None else shift, stride, drop_remainder))

    def unbatch(self) -> Any:
        """The rows of elements, one after another. Raises ValueError: scalars, or other numbers of rows.

        Source: TF 1.15 `tf.data.Dataset.unbatch`.
        """

        def normalize(arg: Any, *rest: Any) -> Any:
            return structure.to_batched_tensor_list(self.element_spec, (arg, *rest) if rest else arg)

        return building.unbatch(building.restructured(self.map(normalize), self.element_spec))

    # ---- functions of elements

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> DatasetV1:
        """`map_func` of each element, in order. Source: TF 1.15 `tf.data.Dataset.map`."""
        return DatasetV1Adapter(building.map_dataset(self, map_func, num_parallel_calls))

    @deprecated("Use `tf.data.Dataset.map()", _MODULE)
    def map_with_legacy_function(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> DatasetV1:
        """As `map`. Source: TF 1.15 `tf.data.Dataset.map_with_legacy_function`."""
        return DatasetV1Adapter(building.map_dataset(self, with_defaults_of_now(map_func), num_parallel_calls))

    def flat_map(self, map_func: Callable[..., Any]) -> DatasetV1:
        """The elements of the datasets that `map_func` gives. Raises TypeError: it gives no dataset.

        Source: TF 1.15 `tf.data.Dataset.flat_map`.
        """
        return DatasetV1Adapter(building.flat_map(self, map_func))

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = -1,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> DatasetV1:
        """As `flat_map`, but `block_length` elements at a time from each of `cycle_length` datasets.

        Source: TF 1.15 `tf.data.Dataset.interleave`.
        """
        return DatasetV1Adapter(building.interleave(self, map_func, cycle_length, block_length, num_parallel_calls))

    def filter(self, predicate: Callable[..., Any]) -> DatasetV1:
        """The elements for which `predicate` holds. Raises ValueError: it gives no bool[].

        Source: TF 1.15 `tf.data.Dataset.filter`.
        """
        return DatasetV1Adapter(building.filter_dataset(self, predicate))

    @deprecated("Use `tf.data.Dataset.filter()", _MODULE)
    def filter_with_legacy_function(self, predicate: Callable[..., Any]) -> DatasetV1:
        """As `filter`. Source: TF 1.15 `tf.data.Dataset.filter_with_legacy_function`."""
        return DatasetV1Adapter(building.filter_dataset(self, with_defaults_of_now(predicate)))

    def apply(self, transformation_func: Callable[[Any], Any]) -> DatasetV1:
        """What a function of the dataset gives. Raises TypeError: no dataset.

        Source: TF 1.15 `tf.data.Dataset.apply`.
        """
        dataset = transformation_func(self)
        if not isinstance(dataset, DatasetV2):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {dataset}.")
        return DatasetV1Adapter(dataset)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any]) -> Any:
        """The last state: `reduce_func(state, element)` gives the next one.

        Raises TypeError: the state's types change. Source: TF 1.15 `tf.data.Dataset.reduce`.
        """
        return building.reduce_dataset(self, initial_state, reduce_func)

    def with_options(self, options: Options) -> DatasetV1:
        """The dataset with options. Raises ValueError: they contradict those that it has.

        Source: TF 1.15 `tf.data.Dataset.with_options`.
        """
        return DatasetV1Adapter(building.with_options(self, options))


class DatasetV1Adapter(DatasetV1):
    """Any dataset with the methods of TF 1."""

    def __init__(self, dataset: Any):
        self._dataset = dataset
        super().__init__()

    def _as_variant_tensor(self) -> Tensor:
        return self._dataset._variant_tensor  # type: ignore[no-any-return]

    def _has_captured_ref(self) -> bool:
        return bool(self._dataset._has_captured_ref())

    def _inputs(self) -> Sequence[Any]:
        return self._dataset._inputs()  # type: ignore[no-any-return]

    def _functions(self) -> Sequence[Any]:
        return self._dataset._functions()  # type: ignore[no-any-return]

    def options(self) -> Options:
        """The options of the dataset."""
        return self._dataset.options()  # type: ignore[no-any-return]

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements."""
        return self._dataset.element_spec


class _VariantDataset(DatasetV1):
    """The dataset that a variant holds."""

    def __init__(self, dataset_variant: Tensor, element_spec: Any):
        self._given, self._element_spec = dataset_variant, element_spec
        super().__init__()

    def _as_variant_tensor(self) -> Tensor:
        return self._given

    def _inputs(self) -> Sequence[Any]:
        return []

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements."""
        return self._element_spec


# What makes datasets is the same in both forms.
for _name in ("from_tensors", "from_tensor_slices", "from_generator", "range", "zip", "list_files"):
    setattr(DatasetV2, _name, staticmethod(getattr(DatasetV1, _name)))


class _NestedVariant:
    """An array of datasets."""

    def __init__(self, variant_tensor: Tensor, element_spec: Any, dataset_shape: Any):
        self._variant_tensor, self._element_spec, self._dataset_shape = variant_tensor, element_spec, dataset_shape

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the datasets' elements."""
        return self._element_spec

    @property
    def _type_spec(self) -> Any:
        return structure.DatasetSpec(self._element_spec, self._dataset_shape)


@export("data.experimental.from_variant")
def from_variant(variant: Tensor, structure: Any) -> Any:
    """The dataset that a variant holds. Source: TF 1.15 `tf.data.experimental.from_variant`."""
    return _VariantDataset(variant, structure)


@export("data.experimental.to_variant")
def to_variant(dataset: Any) -> Tensor:
    """The variant of a dataset. Source: TF 1.15 `tf.data.experimental.to_variant`."""
    return dataset._variant_tensor  # type: ignore[no-any-return]


# ---- iterators


def _legacy(dataset: Any) -> tuple[Any, Any, Any]:
    spec = dataset.element_spec
    return structure.legacy_types(spec), structure.legacy_shapes(spec), structure.legacy_classes(spec)


def _all_variant_ops(dataset: Any) -> frozenset[Any]:
    found, pending = set(), [dataset._variant_tensor._op]
    while pending:
        op = pending.pop()
        if op not in found:
            found.add(op)
            pending.extend(t._op for t in op._inputs if t._dtype.name == "variant")
    return frozenset(found)


def _dataset_factory(dataset: Any) -> GraphFunction:
    """The function that makes the dataset again, from copies of all its operations."""
    graph_seed, op_seed = seeds.get_seed(None)
    graph = FuncGraph("_make_dataset", capture_by_value=True)
    graph.allowed_stateful = _all_variant_ops(dataset)
    if graph_seed is not None:
        graph.seed = (graph_seed + 87654321 * (op_seed or 0)) % (2**63 - 1)
    try:
        with graph.as_default():
            graph.outputs = [graph.capture(dataset._apply_options()._variant_tensor)]
    except ValueError as error:
        if "Cannot capture a stateful node" not in str(error):
            raise
        raise ValueError(
            "Failed to create a one-shot iterator for a dataset. `Dataset.make_one_shot_iterator()` does not support "
            "datasets that capture stateful objects, such as a `Variable` or `LookupTable`. In these cases, use "
            f"`Dataset.make_initializable_iterator()`. (Original error: {error})"
        ) from None
    function = GraphFunction(graph)
    function.add_to_graph(get_default_graph())
    return function


def _ensure_same_dataset_graph(dataset: Any) -> None:
    current, pending, seen = get_default_graph(), [dataset], []
    while pending:
        found = pending.pop(0)
        seen.append(found)
        if found._graph is not current:
            from retrograph.platform.logging import warning

            warning(_OTHER_GRAPH.format(current, found._graph, found._variant_tensor))
        pending.extend(d for d in found._inputs() if not any(d is s for s in (*seen, *pending)))


@export("data.make_one_shot_iterator")
def make_one_shot_iterator(dataset: Any) -> Iterator:
    """As `Dataset.make_one_shot_iterator`. Source: TF 1.15 `tf.data.make_one_shot_iterator`."""
    return _v1(dataset)._make_one_shot_iterator()  # type: ignore[no-any-return]


@export("data.make_initializable_iterator")
def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Iterator:
    """As `Dataset.make_initializable_iterator`. Source: TF 1.15 `tf.data.make_initializable_iterator`."""
    return _v1(dataset)._make_initializable_iterator(shared_name)  # type: ignore[no-any-return]


def _v1(dataset: Any) -> Any:
    return dataset if hasattr(dataset, "_make_one_shot_iterator") else DatasetV1Adapter(dataset)


@export("data.experimental.get_structure")
def get_structure(dataset_or_iterator: Any) -> Any:
    """The structure of specs of the elements. Raises TypeError: no dataset or iterator.

    Source: TF 1.15 `tf.data.experimental.get_structure`.
    """
    try:
        return dataset_or_iterator.element_spec
    except AttributeError:
        raise TypeError(
            f"`dataset_or_iterator` must be a Dataset or Iterator object, but got {type(dataset_or_iterator)}."
        ) from None


@export("data.get_output_classes")
def get_legacy_output_classes(dataset_or_iterator: Any) -> Any:
    """The classes of the components. Source: TF 1.15 `tf.data.get_output_classes`."""
    return structure.legacy_classes(get_structure(dataset_or_iterator))


@export("data.get_output_shapes")
def get_legacy_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of the components. Source: TF 1.15 `tf.data.get_output_shapes`."""
    return structure.legacy_shapes(get_structure(dataset_or_iterator))


@export("data.get_output_types")
def get_legacy_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of the components. Source: TF 1.15 `tf.data.get_output_types`."""
    return structure.legacy_types(get_structure(dataset_or_iterator))


_ROWS = (
    sources,
    ordering,
    batching,
    mapping,
    combining,
    iterators,
    grouping,
    files,
    rows,
    optionals,
)  # register the op types
