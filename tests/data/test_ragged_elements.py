"""Ragged tensors as variants and as elements of datasets, with what TensorFlow 1.15.5 gave for the same programs."""

from __future__ import annotations

from typing import Any

import pytest

import retrograph as tf

_NESTED = {
    1: [[0], [1, 2]],
    2: [[[0]], [[1], [2, 3]], []],
}


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _run(value: Any) -> Any:
    with tf.Session() as session:
        return session.run(value)


def _elements(dataset: Any) -> list[Any]:
    following = tf.data.make_one_shot_iterator(dataset).get_next()
    found = []
    with tf.Session() as session:
        while True:
            try:
                found.append(session.run(following))
            except tf.errors.OutOfRangeError:
                return found


@pytest.mark.parametrize("rank", [1, 2])
def test_what_goes_into_variants_comes_out(rank):
    rows, ragged = _NESTED[rank], tf.ragged.constant(_NESTED[rank])
    whole, each = ragged._to_variant(), ragged._to_variant(batched_input=True)
    assert (whole.shape.as_list(), each.shape.as_list()) == ([], [len(rows)])

    def back(variant: Any, output_rank: int, **options: Any) -> Any:
        return _run(tf.RaggedTensor._from_variant(variant, tf.int32, output_rank, **options)).to_list()

    assert back(whole, rank) == back(whole, rank, input_ragged_rank=rank) == back(each, rank) == rows
    assert back(tf.stack([whole, whole]), rank + 1) == [rows, rows]
    assert back(tf.stack([tf.stack([whole, whole])] * 3), rank + 2) == [[rows, rows]] * 3


def test_names_of_the_operations():
    ragged = tf.ragged.constant([["a"], ["b", "c"]])
    assert ragged._to_variant().op.name == "RaggedToVariant/RaggedTensorToVariant"
    named = ragged._to_variant(name="nm")
    assert named.op.name == "nm/nm"
    back = tf.RaggedTensor._from_variant(named, tf.string, 1)
    assert back.row_splits.op.name == "RaggedFromVariant/RaggedTensorFromVariant"
    assert _run(back).to_list() == [[b"a"], [b"b", b"c"]]


def test_rows_with_inner_axes_and_without_any():
    inner = tf.ragged.constant([[[1, 2]], [[3, 4], [5, 6]]], ragged_rank=1)
    back = tf.RaggedTensor._from_variant(inner._to_variant(batched_input=True), tf.int32, 1)
    assert _run(back).to_list() == [[[1, 2]], [[3, 4], [5, 6]]]
    empty = tf.ragged.constant([[], []], dtype=tf.int32)
    assert _run(tf.RaggedTensor._from_variant(empty._to_variant(batched_input=True), tf.int32, 1)).to_list() == [[], []]


def test_ranks_and_types_that_do_not_fit():
    ragged = tf.ragged.constant([[0], [1, 2]])
    variant, read = ragged._to_variant(), tf.RaggedTensor._from_variant
    with pytest.raises(ValueError, match=r"found variant.shape.ndims: 0, input_ragged_rank: 0, output_ragged_rank: 1"):
        read(variant, tf.int32, 1, 0)
    hidden = tf.placeholder_with_default(ragged._to_variant(batched_input=True), None)
    for wrong, text in [
        (read(variant, tf.float64, 1), "Expected values Tensor dtype: 2, found: 3"),
        (read(variant, tf.int32, 2), "Encoded input Variant must hold either input_ragged_rank \\+ 1 Tensors"),
        (read(hidden, tf.int32, 2, 1), "Expected splits Tensor dtype: 9, found: 3"),
        (read(hidden, tf.int32, 2, 2), "output_ragged_rank must be equal to input_ragged_rank"),
        (read(tf.data.Dataset.range(3)._variant_tensor, tf.int32, 1), "element at index 0 doesn't hold a Tensor"),
    ]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            _run(wrong)


def test_elements_of_datasets():
    rows = [[1, 2], [3], [], [4, 5, 6]]
    ragged = tf.ragged.constant(rows)
    whole = tf.data.Dataset.from_tensors(ragged)
    assert repr(whole) == "<DatasetV1Adapter shapes: (4, ?), types: tf.int32>"
    assert [e.to_list() for e in _elements(whole)] == [rows]
    pairs = tf.data.Dataset.from_tensor_slices(ragged).batch(2)
    assert (pairs.output_types, pairs.output_shapes.as_list()) == (tf.int32, [None, None])
    assert isinstance(pairs.output_classes, tf.RaggedTensorSpec)
    assert [e.to_list() for e in _elements(pairs)] == [rows[:2], rows[2:]]
    deep = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[[1, 2], [3]], [[]], [[4, 5, 6]]])).batch(2)
    assert [e.to_list() for e in _elements(deep)] == [[[[1, 2], [3]], [[]]], [[[4, 5, 6]]]]


def test_functions_of_ragged_elements():
    made = tf.data.Dataset.range(4).map(lambda n: tf.RaggedTensor.from_row_lengths(tf.range(n), [n])).batch(2)
    assert [e.to_list() for e in _elements(made)] == [[[[]], [[0]]], [[[0, 1]], [[0, 1, 2]]]]
    doubled = tf.data.Dataset.from_tensors(tf.ragged.constant([[1], [2, 3]])).map(lambda r: (r * 2, r.nrows()))
    [(values, count)] = _elements(doubled)
    assert (values.to_list(), count) == ([[2], [4, 6]], 2)


def test_single_rows_have_no_ragged_axis():
    rows = tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1, 2], [3]]))
    with pytest.raises(ValueError, match="ragged_rank must be non-negative; got 0"):
        tf.data.make_one_shot_iterator(rows).get_next()
