"""`tensorflow.python.data.kernel_tests.test_base`: the base of tests of datasets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from retrograph.framework import data_nest, dtypes, errors
from retrograph.platform.combinations import combine
from retrograph.platform.test_case import TensorFlowTestCase


def default_test_combinations() -> list[dict[str, Any]]:
    """Both API versions, in both modes."""
    return combine(tf_api_version=[1, 2], mode=["eager", "graph"])


def _tf(name: str) -> Any:
    from retrograph._namespace import resolve

    path, _, last = name.rpartition(".")
    return resolve(path, last)


def _is_sparse(value: Any) -> bool:
    return hasattr(value, "indices") and hasattr(value, "dense_shape")


class DatasetTestBase(TensorFlowTestCase):
    """A TestCase with assertions about what datasets give."""

    def assert_op_cancelled(self, op: Any) -> None:
        """Fails unless the operation is cancelled."""
        with self.assertRaises(errors.CancelledError):
            self.evaluate(op)

    def assertValuesEqual(self, expected: Any, actual: Any) -> None:
        """Fails unless two values, sparse ones too, are equal."""
        if not _is_sparse(expected):
            self.assertAllEqual(expected, actual)
            return
        for part in ("indices", "values", "dense_shape"):
            self.assertAllEqual(getattr(expected, part), getattr(actual, part))

    def getNext(
        self, dataset: Any, requires_initialization: bool = False, shared_name: str | None = None
    ) -> Callable[[], Any]:
        """A function that gives the next element's tensors; a TensorArray is stacked."""
        if requires_initialization:
            iterator = _tf("data.make_initializable_iterator")(dataset, shared_name)
            self.evaluate(iterator.initializer)
        else:
            iterator = _tf("data.make_one_shot_iterator")(dataset)
        element = iterator.get_next()
        element = element.stack() if type(element).__name__ == "TensorArray" else element
        return lambda: element

    def _compareOutputToExpected(self, result_values: Any, expected_values: Any, assert_items_equal: bool) -> None:
        if assert_items_equal:
            self.assertCountEqual(result_values, expected_values)
            return
        for result, expected in zip(result_values, expected_values, strict=False):
            data_nest.assert_same_structure(result, expected)
            for one, other in zip(data_nest.flatten(result), data_nest.flatten(expected), strict=True):
                self.assertValuesEqual(other, one)

    def assertDatasetProduces(
        self,
        dataset: Any,
        expected_output: Any = None,
        expected_shapes: Any = None,
        expected_error: Any = None,
        requires_initialization: bool = False,
        num_test_iterations: int = 1,
        assert_items_equal: bool = False,
        expected_error_iter: int = 1,
    ) -> None:
        """Fails unless the dataset gives these elements and ends, or raises this (class, pattern or predicate)."""
        if (expected_error is None) == (expected_output is None):
            self.fail("Exactly one of expected_output or expected error should be provided.")
        if expected_error:
            with self.assertRaisesWithPredicateMatch(*expected_error):
                get_next = self.getNext(dataset, requires_initialization)
                for _ in range(expected_error_iter):
                    self.evaluate(get_next())
            return
        if expected_shapes:
            self.assertEqual(expected_shapes, _tf("data.get_output_shapes")(dataset))
        self.assertGreater(num_test_iterations, 0)
        for _ in range(num_test_iterations):
            get_next = self.getNext(dataset, requires_initialization)
            result = [self.evaluate(get_next()) for _ in expected_output]
            self._compareOutputToExpected(result, expected_output, assert_items_equal)
            for _ in range(2):
                with self.assertRaises(errors.OutOfRangeError):
                    self.evaluate(get_next())

    def _elements(self, dataset: Any) -> list[Any]:
        get_next = self.getNext(dataset)
        found = []
        while True:
            try:
                found.append(self.evaluate(get_next()))
            except errors.OutOfRangeError:
                return found

    def assertDatasetsEqual(self, dataset1: Any, dataset2: Any) -> None:
        """Fails unless two datasets have the same types and give the same elements."""
        types = data_nest.flatten(_tf("data.get_output_types")(dataset1))
        self.assertEqual(types, data_nest.flatten(_tf("data.get_output_types")(dataset2)))
        one, other = self._elements(dataset1), self._elements(dataset2)
        self.assertEqual(len(one), len(other))
        for first, second in zip(one, other, strict=True):
            for a, b, kind in zip(data_nest.flatten(first), data_nest.flatten(second), types, strict=True):
                exact = _is_sparse(a) or hasattr(a, "row_splits") or kind == dtypes.string
                (self.assertValuesEqual if exact else self.assertAllClose)(a, b)

    def assertDatasetsRaiseSameError(
        self, dataset1: Any, dataset2: Any, exception_class: type[errors.OpError], replacements: Any = None
    ) -> None:
        """Fails unless the first elements of two datasets fail alike; `replacements`: (old, new, count) in the text."""
        next1, next2 = self.getNext(dataset1), self.getNext(dataset2)
        with self.assertRaises(exception_class) as caught:
            self.evaluate(next1())
        message = caught.exception.message
        for old, new, count in replacements or []:
            message = message.replace(old, new, count)
        with self.assertRaisesRegex(exception_class, re.escape(message)):
            self.evaluate(next2())

    def structuredDataset(self, dataset_structure: Any, shape: Any = None, dtype: Any = dtypes.int64) -> Any:
        """A dataset of one element of zeros in a structure of Nones."""
        dataset = _tf("data.Dataset")
        if dataset_structure is None:
            return dataset.from_tensors(_tf("zeros")(shape or [], dtype=dtype))
        return dataset.zip(tuple(self.structuredDataset(part, shape, dtype) for part in dataset_structure))

    def structuredElement(self, element_structure: Any, shape: Any = None, dtype: Any = dtypes.int64) -> Any:
        """Zeros in a structure of Nones."""
        if element_structure is None:
            return _tf("zeros")(shape or [], dtype=dtype)
        return tuple(self.structuredElement(part, shape, dtype) for part in element_structure)
