"""`tf.data.Iterator`: resources of a session that give the elements of a dataset."""

from __future__ import annotations

import warnings
from typing import Any

from retrograph.data import structure
from retrograph.framework import data_nest, dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, colocate_with, device, get_default_graph, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import TensorShape

GLOBAL_ITERATORS = "iterators"
GET_NEXT_CALL_WARNING_THRESHOLD = 32
GET_NEXT_CALL_WARNING_MESSAGE = (
    "An unusually high number of `Iterator.get_next()` calls was detected. This often indicates that `Iterator.get_next()` "
    "is being called inside a training loop, which will cause gradual slowdown and eventual resource exhaustion. If this is "
    "the case, restructure your code to call `next_element = iterator.get_next()` once outside the loop, and use "
    "`next_element` as the input to some computation that is invoked inside the loop."
)


def _described(output_types: Any, output_shapes: Any, output_classes: Any) -> tuple[Any, Any, Any]:
    types = data_nest.map_structure(dtypes.as_dtype, output_types)
    if output_shapes is None:
        shapes = data_nest.map_structure(lambda _: TensorShape(None), types)
    else:
        shapes = data_nest.map_structure_up_to(types, TensorShape, output_shapes)
    classes = data_nest.map_structure(lambda _: Tensor, types) if output_classes is None else output_classes
    data_nest.assert_same_structure(types, shapes)
    return types, shapes, classes


def _on_cpu_unless_placed(op_type: str, **arguments: Any) -> Any:
    if get_default_graph()._state.device_stack:
        return apply_op(op_type, None, **arguments)
    with device("/cpu:0"):
        return apply_op(op_type, None, **arguments)


@export("data.Iterator")
class Iterator:
    """Goes through the elements of a dataset. Source: TF 1.15 `tf.data.Iterator`."""

    def __init__(
        self,
        iterator_resource: Tensor,
        initializer: Operation | None,
        output_types: Any,
        output_shapes: Any,
        output_classes: Any,
    ):
        self._iterator_resource, self._initializer = iterator_resource, initializer
        if output_types is None or output_shapes is None or output_classes is None:
            raise ValueError(
                "If `structure` is not specified, all of `output_types`, `output_shapes`, and `output_classes` must be specified."
            )
        self._element_spec = structure.convert_legacy_structure(output_types, output_shapes, output_classes)
        self._flat_structure = {
            "output_types": structure.flat_types(self._element_spec),
            "output_shapes": structure.flat_shapes(self._element_spec),
        }
        self._string_handle = apply_op("IteratorToStringHandle", None, resource_handle=iterator_resource)
        self._get_next_call_count = 0
        add_to_collection(GLOBAL_ITERATORS, iterator_resource)

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """An iterator for any dataset of such elements: see `make_initializer`.

        Source: TF 1.15 `tf.data.Iterator.from_structure`.
        """
        described = _described(output_types, output_shapes, output_classes)
        spec = structure.convert_legacy_structure(*described)
        flat = {"output_types": structure.flat_types(spec), "output_shapes": structure.flat_shapes(spec)}
        resource = _on_cpu_unless_placed("IteratorV2", container="", shared_name=shared_name or "", **flat)
        return Iterator(resource, None, *described)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator that a handle (of `string_handle()`) names when it runs.

        Source: TF 1.15 `tf.data.Iterator.from_string_handle`.
        """
        described = _described(output_types, output_shapes, output_classes)
        spec = structure.convert_legacy_structure(*described)
        handle = convert_to_tensor(string_handle, dtype=dtypes.string)
        flat = {"output_types": structure.flat_types(spec), "output_shapes": structure.flat_shapes(spec)}
        resource = _on_cpu_unless_placed("IteratorFromStringHandleV2", string_handle=handle, **flat)
        return Iterator(resource, None, *described)

    @property
    def initializer(self) -> Operation:
        """The operation that starts the iterator. Raises ValueError: it has none."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Operation:
        """An operation that starts the iterator with a dataset.

        Raises TypeError, ValueError: its elements are others. Source: TF 1.15 `tf.data.Iterator.make_initializer`.
        """
        with name_scope(name, "make_initializer") as scope:
            self._check_elements(dataset.element_spec)
        with colocate_with(self._iterator_resource):
            made: Operation = apply_op(
                "MakeIterator", scope, dataset=dataset._variant_tensor, iterator=self._iterator_resource
            )
        return made

    def _check_elements(self, spec: Any) -> None:
        types, shapes = structure.legacy_types(spec), structure.legacy_shapes(spec)
        classes = structure.legacy_classes(spec)
        data_nest.assert_same_structure(self.output_types, types)
        data_nest.assert_same_structure(self.output_shapes, shapes)
        pairs = zip(data_nest.flatten(self.output_classes), data_nest.flatten(classes), strict=True)
        if any(a is not b for a, b in pairs):
            raise TypeError(
                f"Expected output classes {self.output_classes!r} but got dataset with output class {classes!r}."
            )
        if data_nest.flatten(self.output_types) != data_nest.flatten(types):
            raise TypeError(f"Expected output types {self.output_types!r} but got dataset with output types {types!r}.")
        pairs = zip(data_nest.flatten(self.output_shapes), data_nest.flatten(shapes), strict=True)
        if not all(a.is_compatible_with(b) for a, b in pairs):
            raise TypeError(
                f"Expected output shapes compatible with {self.output_shapes!r} but got dataset with output shapes {shapes!r}."
            )

    def get_next(self, name: str | None = None) -> Any:
        """The next element: a structure of tensors, new values in each run.

        Raises, when it runs, OutOfRangeError: there is none; FailedPreconditionError: the iterator is not initialized.
        Source: TF 1.15 `tf.data.Iterator.get_next`.
        """
        self._get_next_call_count += 1
        if self._get_next_call_count > GET_NEXT_CALL_WARNING_THRESHOLD:
            warnings.warn(GET_NEXT_CALL_WARNING_MESSAGE, stacklevel=2)
        flat = apply_op("IteratorGetNext", name, iterator=self._iterator_resource, **self._flat_structure)
        return structure.from_tensor_list(self._element_spec, flat)

    def string_handle(self, name: str | None = None) -> Any:
        """A string that names the iterator in its session. Source: TF 1.15 `tf.data.Iterator.string_handle`."""
        if name is None:
            return self._string_handle
        return apply_op("IteratorToStringHandle", name, resource_handle=self._iterator_resource)

    @property
    def output_classes(self) -> Any:
        """The classes of the components of an element."""
        return structure.legacy_classes(self._element_spec)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the components of an element."""
        return structure.legacy_shapes(self._element_spec)

    @property
    def output_types(self) -> Any:
        """The dtypes of the components of an element."""
        return structure.legacy_types(self._element_spec)

    @property
    def element_spec(self) -> Any:
        """The structure of specs of the elements."""
        return self._element_spec
