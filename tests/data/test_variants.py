"""Optional values as variants: sums, zeros, in elements."""

import numpy as np
import pytest

import retrograph as tf
from retrograph.data import structure

Optional = tf.data.experimental.Optional


def test_sums_and_zeros_of_optionals() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        one, two = Optional.from_value((1.0, 2.0)), Optional.from_value((3.0, 4.0))
        total = Optional(tf.add_n([one._variant_tensor, two._variant_tensor]), one.value_structure)
        assert sess.run(total.get_value()) == (4.0, 6.0)
        zeros = Optional(tf.zeros_like(one._variant_tensor), one.value_structure)
        assert sess.run(zeros.get_value()) == (0.0, 0.0)
        none = Optional.none_from_structure(one.value_structure)
        assert not sess.run(Optional(tf.zeros_like(none._variant_tensor), none.value_structure).has_value())
        with pytest.raises(tf.errors.InvalidArgumentError, match="one has a value and the other doesn't"):
            sess.run(Optional(tf.add_n([one._variant_tensor, none._variant_tensor]), one.value_structure).has_value())


def test_optionals_in_elements() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        inner = Optional.from_value(5.0)
        outer = Optional.from_value({"a": inner})
        assert structure.flat_types(outer.value_structure) == [tf.variant]
        assert structure.flat_shapes(outer.value_structure) == [tf.TensorShape([])]
        assert sess.run(outer.get_value()["a"].get_value()) == 5.0


def test_specs_of_ragged_rows() -> None:
    spec = tf.RaggedTensorSpec([2, None], tf.float32, 1)
    assert spec._batch(3) == tf.RaggedTensorSpec([3, 2, None], tf.float32, 2)
    assert spec._batch(3)._unbatch() == spec


def test_specs_of_values_of_sparse_tensors() -> None:
    spec = tf.SparseTensorSpec([4, 5], tf.int32)
    with tf.Graph().as_default():
        listed = tf.SparseTensorValue([[1, 2], [3, 4]], [1, 2], [4, 5])
        assert structure.type_spec_from_value(listed) == spec
        assert spec.is_compatible_with(listed)
        wide = tf.SparseTensorValue([[1, 2]], np.array([1], np.int64), [4, 5])
        assert structure.type_spec_from_value(wide) == tf.SparseTensorSpec([4, 5], tf.int64)
        assert not spec.is_compatible_with(wide)
