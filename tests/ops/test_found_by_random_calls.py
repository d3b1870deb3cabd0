"""What random calls showed to differ from TF 1.15.5; the values and texts are what it gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


def _run(make: Any, *values: Any, dtype: Any = tf.float32) -> Any:
    """What `make` of placeholders of unknown shape gives for `values`."""
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(dtype) for _ in values]
        return session.run(make(*places), dict(zip(places, values, strict=True)))


@pytest.mark.parametrize(
    ("make", "values", "text"),
    [
        (lambda x: tf.matrix_band_part(x, 0, 1), [[1.0, 2.0]], "input must be at least 2-dim, received shape: [2]"),
        (lambda x: tf.cumsum(x, 0), [1.0], "ScanOp: Expected scan axis in the range [0, 0), but got 0"),
        (lambda x: tf.argmax(x, 0), [1.0], "Expected dimension in the range [0, 0), but got 0"),
        (lambda x: tf.matmul(x, x), [[1.0, 2.0]], "In[0] ndims must be >= 2: 1"),
        (lambda x: tf.linalg.logdet(x), [[1.0]], "Input tensor 0 must have rank >= 2, got 1"),
        (lambda x: tf.matrix_inverse(x), [[[1.0, 2.0]]], "Input matrix must be square."),
        (lambda x: tf.bitcast(x, tf.float64), [[[1.0], [2.0]]], "Cannot bitcast from 1 to 2"),
        (
            lambda x: tf.tensor_scatter_add(tf.ones([3, 4]), tf.cast(x, tf.int32), [1.0, 2.0, 3.0, 4.0]),
            [[1.0]],
            "The outermost dimension of updates and indices must match. Got indices.shape [1], updates.shape [4]",
        ),
        (
            lambda x: tf.tensor_scatter_update(tf.ones([3, 4]), tf.cast(x, tf.int32), tf.ones([1, 4])),
            [[[1.0], [2.0]]],
            "Outer dimensions of indices and update must match. Indices shape: [2,1], updates shape:[1,4]",
        ),
    ],
)
def test_shapes_known_late_are_checked(make: Any, values: list[Any], text: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _run(make, *values)
    assert caught.value.message.startswith(text)


def test_argmax_passes_over_nan() -> None:
    assert _run(lambda x: tf.argmax(x, 0), [np.nan, 1.0, 2.0]) == 2
    assert _run(lambda x: tf.argmin(x, 0), [1.0, np.nan, -1.0]) == 2


@pytest.mark.parametrize("function", [tf.nn.relu, tf.nn.relu6])
def test_gradient_of_relu_keeps_what_is_not_finite(function: Any) -> None:
    given = tf.constant
    result = _run(
        lambda x: tf.gradients(function(x), x, grad_ys=given([np.inf, np.nan, -np.inf, 3.0]))[0], [0.0, -1.0, 1.0, 0.0]
    )
    np.testing.assert_array_equal(result, [np.nan, np.nan, -np.inf, 0.0])


def test_poles_of_digamma_and_igamma() -> None:
    inf = np.inf
    np.testing.assert_array_equal(_run(tf.digamma, [inf, -inf, np.nan, 0.0, -1.0]), [inf, inf, np.nan, inf, inf])
    np.testing.assert_array_equal(_run(tf.igamma, [0.0, -1.0], [1.0, 1.0]), [np.nan, np.nan])


def test_truncated_division_of_the_least_number() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = np.array([-128, -128, 127, -7], np.int8), np.array([6, -128, -3, 2], np.int8)
        assert session.run(tf.truncatediv(x, y)).tolist() == [-21, 1, -42, -3]


def test_samples_of_no_elements() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.random_poisson([1.5, 20.0], [0, 1, 3], seed=3)).shape == (0, 1, 3, 2)
        assert session.run(tf.random_gamma([0, 1], [1.5, 0.3], seed=3)).shape == (0, 1, 2)


def test_infinite_parts_of_complex_numbers() -> None:
    result = _run(tf.complex, [1.0, 2.0], np.inf)
    assert result.real.tolist() == [1.0, 2.0] and np.isinf(result.imag).all()
    assert _run(tf.complex, 1.0, 2.0) == 1 + 2j


def test_nothing_to_do() -> None:
    assert _run(tf.nn.softmax, np.zeros([4, 2, 0])).shape == (4, 2, 0)
    assert _run(lambda x: tf.reverse(x, [0]), 3.0) == 3.0


def test_unknown_size_against_none() -> None:
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.int64, [None, 3]), tf.zeros([0, 3], tf.int64)
        assert [f(x, y).shape.as_list() for f in (tf.add, tf.less, tf.maximum)] == [[None, 3]] * 3
        text, row = tf.placeholder(tf.string), tf.constant(["a", "b"])
        assert tf.string_join([text, row]).shape.as_list() == [2]


@pytest.mark.parametrize("element", ["b:0", "a:1", "zz"])
def test_refused_import_leaves_the_graph_as_it_was(element: str) -> None:
    with tf.Graph().as_default() as source:
        tf.nn.relu(tf.placeholder(tf.float32, [2], name="a"), name="r")
    with tf.Graph().as_default() as graph:
        with pytest.raises(ValueError):
            tf.import_graph_def(source.as_graph_def(), return_elements=[element])
        assert graph.get_operations() == []
        assert tf.placeholder(tf.float32, name="import/a").name == "import/a:0"
        assert tf.import_graph_def(source.as_graph_def(), return_elements=["r:0"])[0].name == "import_1/r:0"


def test_mixed_types_are_converted_once() -> None:
    with tf.Graph().as_default() as graph:
        flags = tf.Variable([True])
        before = len(graph.get_operations())
        with pytest.raises(TypeError, match="don't all match"):
            tf.concat([[1.0, 2.0], flags], 0)
        assert [op.name for op in graph.get_operations()[before:]] == ["concat/values_0", "Const"]


def test_places_of_texts_that_nothing_fills_are_empty_texts() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        made = [
            tf.pad(tf.constant(["a"]), [[1, 1]]),
            tf.scatter_nd([[1]], ["a"], [3]),
            tf.image.pad_to_bounding_box(tf.constant("a", shape=[1, 1, 1]), 1, 0, 3, 1),
            tf.dynamic_stitch([[1], [2]], [["a"], [""]]),
        ]
        found = [value.ravel().tolist() for value in session.run(made)]
    assert found == [[b"", b"a", b""]] * 4


@pytest.mark.parametrize("dtype", [tf.float32, tf.uint8])
def test_images_that_are_no_numbers_are_refused_by_the_product(dtype: Any) -> None:
    refusal = pytest.raises(TypeError, match="Value passed to parameter 'x' has DataType bool not in list of allowed")
    with tf.Graph().as_default(), refusal:
        tf.image.convert_image_dtype(tf.constant([True]), dtype)


def test_bands_are_within_the_matrix_in_compiled_plans_too() -> None:
    x = tf.placeholder(tf.float32, [2, 6, 6])
    made = tf.matrix_band_part(tf.nn.softmax(x), 0, 15)
    words = r"num_upper must be negative or less or equal to number of columns \(6\) got: 15"
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match=words):
        sess.run(made, {x: np.zeros((2, 6, 6))})


def test_partitions_are_not_negative() -> None:
    made = tf.ragged.stack_dynamic_partitions(["a", "b", "c"], [1, 0, -1], 4)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="Input arr must be non-negative!"):
        sess.run(made)
