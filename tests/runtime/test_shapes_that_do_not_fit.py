"""What static shapes left open is refused when it runs, as by TF 1.15.5: the class of the error and its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograph as tf

INVALID, PRECONDITION = tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError
UNIT = [1, 1, 1, 1]


def ones(*shape: int) -> Any:
    return np.ones(shape, "f")


def ints(*values: Any) -> Any:
    return np.array(values, "i")


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "softmax": (tf.nn.softmax, (ones(),), "logits must have >= 1 dimension, got []"),
    "log_softmax": (tf.nn.log_softmax, (ones(),), "logits must have >= 1 dimension, got []"),
    "conv2d": (lambda a, b: tf.nn.conv2d(a, b, UNIT, "SAME"), (ones(1, 4, 4, 3), ones(2, 2, 2, 2)), "input depth must be evenly divisible by filter depth: 3 vs 2"),
    "conv2d_rank": (lambda a, b: tf.nn.conv2d(a, b, UNIT, "SAME"), (ones(4, 4, 3), ones(2, 2, 3, 2)), "input must be 4-dimensional[4,4,3]"),
    "conv1d": (lambda a, b: tf.nn.conv1d(a, b, 1, "SAME"), (ones(1, 4, 3), ones(2, 2, 2)), "input depth must be evenly divisible by filter depth: 3 vs 2"),
    "conv3d": (lambda a, b: tf.nn.conv3d(a, b, [1] * 5, "SAME"), (ones(1, 4, 4, 4, 3), ones(2, 2, 2, 2, 2)), "Input depth must be evenly divisible by filter depth: 3 vs 2"),
    "conv2d_transpose": (lambda a, b: tf.nn.conv2d_transpose(a, b, [1, 5, 5, 2], [1, 2, 2, 1]), (ones(1, 4, 4, 2), ones(2, 2, 2, 2)), "Conv2DCustomBackpropInput: Size of out_backprop doesn't match computed: actual = 4, computed = 3"),
    "depthwise": (lambda a, b: tf.nn.depthwise_conv2d(a, b, UNIT, "SAME"), (ones(1, 4, 4, 4), ones(2, 2, 2, 2)), "input and filter must have the same depth: 4 vs 2"),
    "dilation": (lambda a, b: tf.nn.dilation2d(a, b, UNIT, UNIT, "SAME"), (ones(1, 4, 4, 2), ones(2, 2, 3)), "input and filter must have the same depth: 2 vs 3"),
    "max_pool_rank": (lambda a: tf.nn.max_pool(a, [1, 2, 2, 1], UNIT, "VALID"), (ones(4, 5),), "tensor_in_shape must have 2 spatial dimensions. 2 0"),
    "max_pool": (lambda a: tf.nn.max_pool(a, [1, 9, 9, 1], UNIT, "VALID"), (ones(1, 4, 5, 1),), "Computed output size would be negative: -4 [input_size: 4, effective_filter_size: 9, stride: 1]"),
    "bias": (tf.nn.bias_add, (ones(4, 5), ones(4)), "Must provide as many biases as the last dimension of the input tensor: [4] vs. [4,5]"),
    "labels": (lambda a, b: tf.nn.softmax_cross_entropy_with_logits(labels=a, logits=b), (ones(4, 5), ones(4, 4)), "logits and labels must be broadcastable: logits_size=[4,4] labels_size=[4,5]"),
    "sparse_labels": (lambda a, b: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=a, logits=b), (ints(0, 1), ones(4)), "logits and labels must have the same first dimension, got logits shape [1,4] and labels shape [2]"),
    "in_top_k": (lambda a, b: tf.nn.in_top_k(a, b, 1), (ones(2, 3), ints(0)), "First dimension of predictions 2 must match length of targets 1"),
    "top_k": (lambda a: tf.nn.top_k(a, 9), (ones(4, 5),), "input must have at least k columns. Had 5, needed 9"),
    "lrn": (tf.nn.lrn, (ones(4, 5),), "in must be 4-dimensional"),
    "resize": (lambda a: tf.image.resize_bilinear(a, [2, 2]), (ones(3, 2),), "input must be 4-dimensional[3,2]"),
    "select": (tf.where, (np.array([True, False]), ones(2, 2), ones(2, 3)), "'then' and 'else' must have the same size.  but received: [2,2] vs. [2,3]"),
    "stitch": (lambda a, b: tf.dynamic_stitch([[0, 2], [1, 3]], [a, b]), (ones(2, 3), ones(3, 3)), "data[1].shape = [3,3] does not start with indices[1].shape = [2]"),
    "scatter_nd": (lambda a, b: tf.scatter_nd(a, b, [4, 1, 1]), (ints(1), ones(1, 1)), "Must have updates.shape = indices.shape[:batch_dim] + params_shape[slice_dim:], got updates.shape: [1,1]"),
    "gather": (lambda a, b: tf.gather(a, b, batch_dims=1), (ones(4, 5), ints(0, 1, 2, 3)), "Expected batch_dims in the range [-1, 1), but got 1"),
    "reverse_sequence": (lambda a, b: tf.reverse_sequence(a, b, 1), (ones(3, 2), ints(0, 1)), "len(seq_lens) != input.dims(0), (2 vs. 3)"),
    "pad": (tf.pad, (ones(2, 2), ints([1, -1], [0, 0])), "Paddings must be non-negative: 1 -1"),
    "fft": (tf.fft2d, (np.ones(3, "complex64"),), "Input must have rank of at least 2 but got: [3]"),
    "space_to_depth": (lambda a: tf.space_to_depth(a, 2), (ones(1, 3, 3, 1),), "Image width 3 and height 3 should be divisible by block_size: 2"),
    "solve": (tf.matrix_solve, (ones(3, 3), ones(2, 2)), "Input matrix and rhs are incompatible."),
    "multinomial": (lambda a: tf.multinomial(a, 3), (ones(2, 4, 2),), "logits should be a matrix, got shape [2,4,2]"),
    "stateless": (lambda a: tf.random.stateless_categorical(a, 3, [1, 2]), (ones(2, 4, 2),), "logits should be a matrix, got shape [2,4,2]"),
    "permutation": (tf.invert_permutation, (ints(0, 0),), "0 is duplicated in the input."),
    "segments": (lambda a, b: tf.unsorted_segment_sum(a, b, 2), (ones(4, 5), ints(0, 1)), "data.shape = [4,5] does not start with segment_ids.shape = [2]"),
    "range": (lambda a: tf.range(0, 5, a), (np.int32(0),), "Requires delta != 0: 0"),
}  # fmt: skip


def _fails(function: Callable[..., Any], values: tuple[Any, ...], error: Any) -> str:
    with tf.Graph().as_default(), tf.Session() as sess:
        fed = {tf.placeholder(np.asarray(v).dtype.name): v for v in values}
        result = function(*fed)
        with pytest.raises(error) as caught:
            sess.run(result, fed)
        return str(caught.value)


@pytest.mark.parametrize("name", sorted(CASES))
def test_refused(name: str) -> None:
    function, values, text = CASES[name]
    assert _fails(function, values, INVALID).startswith(text)


KNOWN: list[Any] = [
    (lambda: tf.nn.conv2d_transpose(ones(1, 4, 4, 2), ones(2, 2, 2, 2), [1, 5, 5, 2], [1, 2, 2, 1]), "Conv2DCustomBackpropInput: Size of out_backprop"),
    (lambda: tf.gather(ones(4, 5), ints(0, 1, 2, 3), batch_dims=1), "Expected batch_dims in the range [-1, 1), but got 1"),
    (lambda: tf.transpose(ones(3, 4), [-1, 0]), "-1 is out of range [0 .. 2)"),
    (lambda: tf.invert_permutation([0, 0]), "0 is duplicated in the input."),
]  # fmt: skip


@pytest.mark.parametrize("case", KNOWN)
def test_refused_though_all_shapes_are_known(case: Any) -> None:
    function, text = case
    with tf.Graph().as_default(), tf.Session() as sess:
        result = function()
        with pytest.raises(INVALID) as caught:
            sess.run(result)
    assert str(caught.value).startswith(text)


def test_bits_of_a_scalar() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        number = tf.placeholder(tf.float32)
        same, halves = sess.run([tf.bitcast(number, tf.int32), tf.bitcast(number, tf.uint16)], {number: 1.0})
    assert same == 0x3F800000
    assert same.shape == ()
    assert halves.tolist() == [0, 0x3F80]


def test_channels_that_are_not_three() -> None:
    text = "input must have 3 channels but input only has 2 channels."
    assert _fails(tf.image.rgb_to_hsv, (ones(3, 2),), PRECONDITION).startswith(text)
    text = "Cross-products are only defined for 3-element vectors."
    assert _fails(tf.cross, (ones(2), ones(2)), PRECONDITION).startswith(text)


@pytest.mark.parametrize(
    ("dense", "text"),
    [
        (ones(3, 4, 2), "Two operands have different ranks; received: 2 and 3"),
        (np.float32(1), "Two operands have different ranks; received: 2 and 0"),
        (ones(3, 5), "Dimension 1 does not equal (no broadcasting is supported): sparse side 4 vs dense side 5"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_sparse_and_dense(dense: Any, text: str, known: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        sparse = tf.SparseTensor([[0, 1]], [1.0], [3, 4])
        total = tf.sparse.add(sparse, dense if known else tf.placeholder_with_default(dense, None))
        with pytest.raises(INVALID) as caught:
            sess.run(total)
    assert str(caught.value).startswith(text)


def test_what_no_kernel_check_knows_is_said_by_the_static_rule() -> None:
    text = _fails(lambda a, b: tf.nn.fused_batch_norm(a, b, b)[0], (ones(1, 2, 2, 3), ones(2)), INVALID)
    assert text.startswith("Dimensions must be equal, but are 3 and 2 for 'FusedBatchNormV3'")


def test_variables_stay() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        image, count = tf.placeholder(tf.float32), tf.get_variable("count", initializer=1.0)
        pooled = tf.nn.max_pool(image, [1, 2, 2, 1], UNIT, "VALID")
        step = tf.assign_add(count, tf.reduce_sum(pooled))
        sess.run(count.initializer)
        with pytest.raises(INVALID):
            sess.run(step, {image: ones(3, 3)})
        assert sess.run(count) == 1.0
        assert sess.run(step, {image: ones(1, 2, 2, 1)}) == 2.0


def test_texts_that_are_no_vector() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        texts = tf.placeholder(tf.string)
        with pytest.raises(INVALID, match=r"input must be a vector, got shape: \[\]"):
            sess.run(tf.string_split(texts, "a").values, {texts: "banana"})


def test_logits_of_unknown_rank() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        logits = tf.placeholder(tf.float32)
        hard = sess.run(tf.contrib.seq2seq.hardmax(logits), {logits: [[1.0, 2.0], [3.0, 1.0]]})
    assert hard.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_types_without_limits() -> None:
    for dtype in (tf.bool, tf.string, tf.complex64):
        with pytest.raises(TypeError, match="Cannot find maximum value of"):
            dtype.max  # noqa: B018
