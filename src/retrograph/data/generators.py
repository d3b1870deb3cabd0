"""`tf.data.Dataset.from_generator`: Python generators as datasets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.data import building, structure
from retrograph.data.functions import StructuredFunction
from retrograph.framework import data_nest, dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import internal_convert_n_to_tensor
from retrograph.framework.shape import TensorShape
from retrograph.ops.script import numpy_function

_NAME = "Dataset.from_generator()"


class _Generators:
    """The running generators, by number."""

    def __init__(self, generator: Callable[..., Any]):
        self._generator = generator
        self._lock = threading.Lock()
        self._count = 0
        self._running: dict[int, Iterator[Any]] = {}

    def start(self, *args: Any) -> Any:
        """Starts a generator; gives its number."""
        with self._lock:
            number, self._count = self._count, self._count + 1
        self._running[number] = _Lazily(self._generator, args)
        return np.array(number, np.int64)

    def next(self, number: Any) -> Any:
        """What a generator gives next. Raises StopIteration."""
        return next(self._running[int(number)])

    def end(self, number: Any) -> Any:
        """Forgets a generator."""
        del self._running[int(number)]
        return np.array(0, np.int64)


class _Lazily(Iterator[Any]):
    """Starts with the first element."""

    def __init__(self, generator: Callable[..., Any], args: Any):
        self._start: Any = lambda: iter(generator(*args))
        self._iterator: Any = None

    def __next__(self) -> Any:
        if self._iterator is None:
            self._iterator = self._start()
        return next(self._iterator)


def _array(value: Any, dtype: Any) -> Any:
    """The value as an array of a type, if that is what it is."""
    if dtype == dtypes.string:
        from retrograph.ops.script import _array as texts

        found = texts(np.asarray(value))
        return found.astype(object) if found.dtype.kind in "SU" else found
    return np.asarray(value, dtype=dtype.as_numpy_dtype)


class _Checked:
    """The values of a generator as arrays of the types and shapes that were said."""

    def __init__(self, generators: _Generators, types: Any, shapes: list[TensorShape]):
        self._generators, self._structure, self._shapes = generators, types, shapes
        self._types = [dtypes.as_dtype(t) for t in data_nest.flatten(types)]

    def __call__(self, number: Any) -> list[Any]:
        values = self._generators.next(number)
        try:
            flat = data_nest.flatten_up_to(self._structure, values)
        except (TypeError, ValueError):
            raise TypeError(
                "`generator` yielded an element that did not match the expected structure. The expected structure was "
                f"{self._structure}, but the yielded element was {values}."
            ) from None
        arrays = [self._converted(v, t) for v, t in zip(flat, self._types, strict=True)]
        for array, dtype, shape in zip(arrays, self._types, self._shapes, strict=True):
            self._check(array, dtype, shape)
        return arrays

    def _converted(self, value: Any, dtype: Any) -> Any:
        try:
            return _array(value, dtype)
        except (TypeError, ValueError):
            raise TypeError(
                "`generator` yielded an element that could not be converted to the expected type. The expected type was "
                f"{dtype.name}, but the yielded element was {value}."
            ) from None

    def _check(self, array: Any, dtype: Any, shape: TensorShape) -> None:
        if array.dtype != dtype.as_numpy_dtype:
            raise TypeError(
                f"`generator` yielded an element of type {array.dtype} where an element of type {dtype.as_numpy_dtype} was expected."
            )
        if not shape.is_compatible_with(array.shape):
            raise ValueError(
                f"`generator` yielded an element of shape {array.shape} where an element of shape {shape} was expected."
            )


def from_generator(generator: Any, output_types: Any, output_shapes: Any, args: Any) -> Any:
    """What a generator gives."""
    if not callable(generator):
        raise TypeError("`generator` must be callable.")
    if output_shapes is None:
        shapes = data_nest.map_structure(lambda _: TensorShape(None), output_types)
    else:
        shapes = data_nest.map_structure_up_to(output_types, TensorShape, output_shapes)
    arguments = () if args is None else tuple(internal_convert_n_to_tensor(args, name="args"))
    flat_types = [dtypes.as_dtype(t) for t in data_nest.flatten(output_types)]
    flat_shapes = data_nest.flatten(shapes)
    running = _Generators(generator)
    checked = _Checked(running, output_types, flat_shapes)

    def start(_: Any) -> Any:
        return numpy_function(running.start, arguments, dtypes.int64)

    def advance(number: Any) -> Any:
        values = numpy_function(checked, [number], flat_types)
        for value, shape in zip(values, flat_shapes, strict=True):
            value.set_shape(shape)
        return data_nest.pack_sequence_as(output_types, values)

    def end(number: Any) -> Any:
        return numpy_function(running.end, [number], dtypes.int64)

    from retrograph.data.dataset import DatasetV1

    return DatasetV1.from_tensors(0).flat_map(lambda dummy: _generator_dataset(dummy, start, advance, end))


def _generator_dataset(argument: Any, start: Any, advance: Any, end: Any) -> Any:
    first = structure.type_spec_from_value(argument)
    init = StructuredFunction(start, _NAME, first)
    step = StructuredFunction(advance, _NAME, init.output_structure)
    finish = StructuredFunction(end, _NAME, init.output_structure)
    variant = apply_op(
        "GeneratorDataset",
        None,
        init_func_other_args=[*structure.to_tensor_list(first, argument), *init.captured_inputs],
        next_func_other_args=step.captured_inputs,
        finalize_func_other_args=finish.captured_inputs,
        init_func=init.function.name,
        next_func=step.function.name,
        finalize_func=finish.function.name,
        **building.flat_structure(step.output_structure),
    )
    return building.made(variant, step.output_structure)
