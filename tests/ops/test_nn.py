"""Values of the neural-network functions against NumPy, and their gradients against finite differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograph as tf

RNG = np.random.RandomState(0)


def normal(*shape: int) -> Any:
    return RNG.randn(*shape)


MATRIX = normal(4, 5)
IMAGE = normal(2, 5, 6, 3)
VOLUME = normal(1, 4, 5, 4, 2)
SEQUENCE = normal(2, 7, 3)
LABELS = np.array([0, 4, 2, 2], np.int32)
SOFT_LABELS = np.exp(MATRIX[::-1]) / np.exp(MATRIX[::-1]).sum(1, keepdims=True)


def evaluate(function: Callable[..., Any], *inputs: Any, dtype: Any = np.float64) -> Any:
    """What a function of tensors gives for arrays."""
    with tf.Graph().as_default(), tf.Session() as session:
        feeds = [tf.placeholder(dtype, x.shape) for x in inputs]
        return session.run(function(*feeds), dict(zip(feeds, inputs, strict=True)))


def log_softmax(x: Any) -> Any:
    z = x - x.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def same_pads(size: int, window: int, stride: int) -> tuple[int, int]:
    total = max(0, (-(-size // stride) - 1) * stride + window - size)
    return total // 2, total - total // 2


def each_window(x: Any, window: tuple[int, int], stride: int, padding: str, fill: float) -> Any:
    """Every window of images: [batch, rows, columns, *window, channels]."""
    pads = [same_pads(n, k, stride) if padding == "SAME" else (0, 0) for n, k in zip(x.shape[1:3], window, strict=True)]
    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    rows, columns = ((n - k) // stride + 1 for n, k in zip(x.shape[1:3], window, strict=True))
    result = np.empty((x.shape[0], rows, columns, *window, x.shape[3]))
    for i, j in itertools.product(range(rows), range(columns)):
        a, b = i * stride, j * stride
        result[:, i, j] = x[:, a : a + window[0], b : b + window[1]]
    return result


ELEMENTWISE: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "relu": (tf.nn.relu, lambda x: np.maximum(x, 0)),
    "relu6": (tf.nn.relu6, lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (lambda x: tf.nn.leaky_relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "elu": (tf.nn.elu, lambda x: np.where(x > 0, x, np.expm1(x))),
    "selu": (tf.nn.selu, lambda x: np.where(x > 0, 1.0507009873554805 * x, 1.7580993408473766 * np.expm1(x))),
    "softplus": (tf.nn.softplus, lambda x: np.log1p(np.exp(x))),
    "softsign": (tf.nn.softsign, lambda x: x / (1 + abs(x))),
    "crelu": (tf.nn.crelu, lambda x: np.maximum(np.concatenate([x, -x], -1), 0)),
    "swish": (tf.nn.swish, lambda x: x / (1 + np.exp(-x))),
    "softmax": (tf.nn.softmax, lambda x: np.exp(log_softmax(x))),
    "softmax of axis 0": (lambda x: tf.nn.softmax(x, 0), lambda x: np.exp(log_softmax(x.T)).T),
    "log_softmax": (tf.nn.log_softmax, log_softmax),
    "l2_loss": (tf.nn.l2_loss, lambda x: (x * x).sum() / 2),
    "l2_normalize": (lambda x: tf.nn.l2_normalize(x, 1), lambda x: x / np.sqrt((x * x).sum(1, keepdims=True))),
    "variance": (lambda x: tf.nn.moments(x, [0])[1], lambda x: x.var(0)),
    "top_k": (lambda x: tf.nn.top_k(x, 2)[0], lambda x: -np.sort(-x, 1)[:, :2]),
    "xent": (
        lambda x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=SOFT_LABELS, logits=x),
        lambda x: -(SOFT_LABELS * log_softmax(x)).sum(1),
    ),
    "sparse xent": (
        lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=LABELS, logits=x),
        lambda x: -log_softmax(x)[np.arange(4), LABELS],
    ),
    "sigmoid xent": (
        lambda x: tf.nn.sigmoid_cross_entropy_with_logits(labels=SOFT_LABELS, logits=x),
        lambda x: np.log1p(np.exp(x)) - SOFT_LABELS * x,
    ),
    "weighted xent": (
        lambda x: tf.nn.weighted_cross_entropy_with_logits(SOFT_LABELS, x, 2.0),
        lambda x: (1 - SOFT_LABELS) * x + (1 + SOFT_LABELS) * np.log1p(np.exp(-x)),
    ),
    "poisson": (lambda x: tf.nn.log_poisson_loss(SOFT_LABELS, x), lambda x: np.exp(x) - x * SOFT_LABELS),
}


def slope_error(function: Callable[..., Any], inputs: list[Any], dtype: Any, step: float) -> float:
    """By how much tf.gradients and a difference quotient along a random direction differ, relatively."""
    with tf.Graph().as_default(), tf.Session() as session:
        feeds = [tf.placeholder(dtype, x.shape) for x in inputs]
        y = function(*feeds)
        weights = np.random.RandomState(1).randn(*y.shape.as_list())
        total = tf.reduce_sum(y * tf.constant(weights, dtype))
        gradients = tf.gradients(total, feeds)
        directions = [np.random.RandomState(2 + i).randn(*x.shape) for i, x in enumerate(inputs)]

        def at(t: float) -> tuple[Any, float]:
            moved = {f: x + t * d for f, x, d in zip(feeds, inputs, directions, strict=True)}
            value, found = session.run([total, gradients], moved)  # together, so that only one program is compiled
            return value, sum((g * d).sum() for g, d in zip(found, directions, strict=True))

        slope = at(0.0)[1]
        quotient = (at(step)[0] - at(-step)[0]) / (2 * step)
        return float(abs(slope - quotient) / max(1.0, abs(slope)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_values_and_gradients(name: str) -> None:
    function, reference = ELEMENTWISE[name]
    np.testing.assert_allclose(evaluate(function, MATRIX), reference(MATRIX), rtol=1e-6)
    assert slope_error(function, [MATRIX], np.float64, 1e-6) < 1e-6


CONVOLUTIONS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "conv2d": (lambda x, w: tf.nn.conv2d(x, w, [1, 2, 1, 1], "SAME"), [IMAGE, normal(3, 2, 3, 4)]),
    "conv2d, pointwise": (lambda x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "VALID"), [IMAGE, normal(1, 1, 3, 4)]),
    "conv2d, explicit padding": (
        lambda x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], [[0, 0], [2, 0], [1, 1], [0, 0]]),
        [IMAGE, normal(3, 2, 3, 4)],
    ),
    "conv2d, many channels": (
        lambda x, w: tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"),
        [normal(1, 5, 6, 16), normal(3, 3, 16, 2)],
    ),
    "conv2d_transpose": (
        lambda x, w: tf.nn.conv2d_transpose(x, w, [2, 9, 12, 4], [1, 2, 2, 1]),
        [IMAGE, normal(3, 3, 4, 3)],
    ),
    "conv1d": (lambda x, w: tf.nn.conv1d(x, w, 2, "SAME"), [SEQUENCE, normal(3, 3, 2)]),
    "conv3d": (lambda x, w: tf.nn.conv3d(x, w, [1, 1, 2, 1, 1], "VALID"), [VOLUME, normal(2, 3, 2, 2, 3)]),
    "atrous": (lambda x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"), [IMAGE, normal(3, 2, 3, 2)]),
    "depthwise": (lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME"), [IMAGE, normal(3, 2, 3, 2)]),
    "depthwise, one each": (
        lambda x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "VALID"),
        [IMAGE, normal(3, 2, 3, 1)],
    ),
    "separable": (
        lambda x, w, p: tf.nn.separable_conv2d(x, w, p, [1, 1, 1, 1], "SAME"),
        [IMAGE, normal(3, 2, 3, 2), normal(1, 1, 6, 2)],
    ),
    "bias_add": (tf.nn.bias_add, [IMAGE, normal(3)]),
    "bias_add, channels first": (lambda x, b: tf.nn.bias_add(x, b, "NCHW"), [IMAGE, normal(5)]),
    "xw_plus_b": (tf.nn.xw_plus_b, [MATRIX, normal(5, 2), normal(2)]),
    "batch_normalization": (
        lambda x, m, v, b, g: tf.nn.batch_normalization(x, m, v, b, g, 1e-3),
        [IMAGE, normal(3), normal(3) ** 2 + 0.5, normal(3), normal(3)],
    ),
    "max_pool": (lambda x: tf.nn.max_pool(x, [1, 3, 2, 1], [1, 2, 2, 1], "SAME"), [IMAGE]),
    "avg_pool": (lambda x: tf.nn.avg_pool(x, [1, 3, 2, 1], [1, 2, 2, 1], "SAME"), [IMAGE]),
    "avg_pool3d": (lambda x: tf.nn.avg_pool3d(x, [1, 2, 3, 2, 1], [1, 2, 2, 2, 1], "VALID"), [VOLUME]),
    "max_pool1d": (lambda x: tf.nn.max_pool1d(x, 3, 2, "VALID"), [SEQUENCE]),
}
SINGLE: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "max_pool3d": (lambda x: tf.nn.max_pool3d(x, [1, 2, 3, 2, 1], [1, 1, 2, 1, 1], "SAME"), [VOLUME]),
    "lrn": (lambda x: tf.nn.lrn(x, 1, 1.0, 0.5, 0.75), [IMAGE]),
    "lrn, another power": (lambda x: tf.nn.lrn(x, 1, 1.0, 0.5, 0.6), [IMAGE]),
    "fused_batch_norm": (lambda x, g, b: tf.nn.fused_batch_norm(x, g, b)[0], [IMAGE, normal(3), normal(3)]),
    "fused_batch_norm, not training": (
        lambda x, g, b: tf.nn.fused_batch_norm(x, g, b, tf.zeros([3]), tf.fill([3], 2.0), is_training=False)[0],
        [IMAGE, normal(3), normal(3)],
    ),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_gradients_of_several_inputs(name: str) -> None:
    function, inputs = CONVOLUTIONS[name]
    assert slope_error(function, inputs, np.float64, 1e-6) < 1e-6


@pytest.mark.parametrize("name", SINGLE)
def test_gradients_in_single_precision(name: str) -> None:
    function, inputs = SINGLE[name]
    assert slope_error(function, inputs, np.float32, 1e-3) < 2e-2


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
def test_windows(padding: str, stride: int) -> None:
    strides, window = [1, stride, stride, 1], (3, 2)
    weights = normal(3, 2, 3, 4)
    conv, greatest, mean = evaluate(
        lambda x, w: [
            tf.nn.conv2d(x, w, strides, padding),
            tf.nn.max_pool(x, [1, *window, 1], strides, padding),
            tf.nn.avg_pool(x, [1, *window, 1], strides, padding),
        ],
        IMAGE,
        weights,
    )
    zeros = each_window(IMAGE, window, stride, padding, 0.0)
    np.testing.assert_allclose(conv, np.einsum("nijhwc,hwcd->nijd", zeros, weights), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(greatest, each_window(IMAGE, window, stride, padding, -np.inf).max((3, 4)))
    held = each_window(np.ones_like(IMAGE), window, stride, padding, 0.0)
    np.testing.assert_allclose(mean, zeros.sum((3, 4)) / held.sum((3, 4)), rtol=1e-6)


def test_large_images_are_computed_by_the_same_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    def losses(x: Any) -> Any:
        y = tf.nn.lrn(tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME"), 1, 1.0, 0.5, 0.75)
        y = tf.nn.avg_pool(y, [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
        return [y, *tf.gradients(y * y, x)]

    small = evaluate(losses, IMAGE, dtype=np.float32)
    monkeypatch.setattr("retrograph.ops.window._LARGE", 0)
    for one, other in zip(small, evaluate(losses, IMAGE, dtype=np.float32), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_max_pool_gives_its_gradient_to_the_first_of_equals() -> None:
    def gradient(x: Any) -> Any:
        return tf.gradients(tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), x)[0]

    found = evaluate(gradient, np.zeros((1, 4, 4, 1)))[0, :, :, 0]
    assert found.tolist() == [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]


def test_max_pool_with_argmax_points_at_the_maxima() -> None:
    values, places = evaluate(lambda x: tf.nn.max_pool_with_argmax(x, [1, 2, 3, 1], [1, 2, 2, 1], "SAME"), IMAGE)
    flat = IMAGE.reshape(2, -1)
    np.testing.assert_array_equal(np.take_along_axis(flat, places.reshape(2, -1), 1), values.reshape(2, -1))
    assert places.dtype == np.int64


def test_lrn_and_fused_batch_norm_values() -> None:
    x = IMAGE.astype(np.float32)
    normed, y, mean, variance = evaluate(
        lambda x: [tf.nn.lrn(x, 1, 1.0, 0.5, 0.75), *tf.nn.fused_batch_norm(x, [2.0] * 3, [1.0] * 3)],
        x,
        dtype=np.float32,
    )
    squares = np.pad(x * x, [(0, 0)] * 3 + [(1, 1)])
    sums = squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]
    np.testing.assert_allclose(normed, x * (1 + 0.5 * sums) ** -0.75, rtol=1e-5)
    flat = x.reshape(-1, 3)
    np.testing.assert_allclose(mean, flat.mean(0), atol=1e-6)
    np.testing.assert_allclose(variance, flat.var(0, ddof=1), rtol=1e-5)
    np.testing.assert_allclose(y, 2 * (x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-3) + 1, atol=1e-5)


def test_cross_entropies_of_large_logits_are_finite() -> None:
    x = np.array([[1e4, -1e4, 0.0]])
    dense, sparse = evaluate(
        lambda x: [
            tf.nn.softmax_cross_entropy_with_logits_v2(labels=[[0.0, 1.0, 0.0]], logits=tf.cast(x, tf.float32)),
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=x),
        ],
        x,
    )
    assert dense.tolist() == [2e4]
    assert sparse.tolist() == [0.0]


def test_labels_outside_the_classes() -> None:
    labels = tf.placeholder(tf.int64, [None])
    fed = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=tf.zeros([2, 3]))
    computed = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels + 1, logits=tf.zeros([2, 3]))
    with tf.Session() as session:
        text = r"Received a label value of 3 which is outside the valid range of \[0, 3\).  Label values: 1 3"
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            session.run(fed, {labels: [1, 3]})
        assert np.isnan(session.run(computed, {labels: [0, 2]})).tolist() == [False, True]


def test_dilation_and_erosion_are_dual() -> None:
    def both(x: Any) -> Any:
        flat = tf.zeros([3, 2, 3], tf.float64)
        arguments = ([1, 1, 2, 1], [1, 1, 1, 1], "VALID")
        greatest, least = tf.nn.dilation2d(x, flat, *arguments), tf.nn.erosion2d(-x, flat, *arguments)
        return [greatest, -least, *tf.gradients(greatest, x)]

    greatest, mirrored, gradient = evaluate(both, IMAGE)
    np.testing.assert_array_equal(greatest, mirrored)
    np.testing.assert_array_equal(greatest, each_window(IMAGE, (3, 2), 1, "VALID", 0.0).max((3, 4))[:, :, ::2])
    assert gradient.sum() == greatest.size


def test_second_derivative_of_sparse_cross_entropy_is_refused() -> None:
    x = tf.placeholder(tf.float32, [4, 5])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=LABELS, logits=x)
    first = tf.gradients(loss, x)[0]
    with pytest.raises(LookupError, match="second derivative"):
        tf.gradients(first, x)


def test_dropout_scales_what_it_keeps() -> None:
    x = np.ones((50, 20))
    plain, shared = evaluate(
        lambda x: [tf.nn.dropout(x, 0.8, seed=1), tf.nn.dropout(x, rate=0.5, noise_shape=[50, 1], seed=1)], x
    )
    assert set(np.round(plain.ravel(), 6)) == {0.0, 1.25}
    assert 0.7 < (plain > 0).mean() < 0.9
    assert (shared == shared[:, :1]).all()
    assert tf.nn.dropout(x, 1.0).op.type == "Const"


def test_in_top_k_counts_better_classes() -> None:
    predictions = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.1], [np.nan, 0.0, 1.0], [1.0, 2.0, 3.0]])
    found = evaluate(lambda p: tf.nn.in_top_k(p, [2, 2, 2, 7], 2), predictions, dtype=np.float32)
    assert found.tolist() == [True, False, False, False]


def test_top_k_takes_the_first_of_equals() -> None:
    values, places = evaluate(lambda x: tf.nn.top_k(x, 2), np.array([1.0, 3.0, 3.0, 2.0]))
    assert values.tolist() == [3, 3]
    assert places.tolist() == [1, 2]
    assert places.dtype == np.int32


def test_moments_and_statistics_agree() -> None:
    def both(x: Any) -> Any:
        statistics = tf.nn.sufficient_statistics(x, [0], shift=tf.constant(0.5, tf.float64))
        weighted = tf.nn.weighted_moments(x, [0], tf.ones_like(x))
        return [*tf.nn.moments(x, [0]), *tf.nn.normalize_moments(*statistics), *weighted]

    found = evaluate(both, MATRIX)
    for i in (0, 2, 4):
        np.testing.assert_allclose(found[i], MATRIX.mean(0), atol=1e-9)
        np.testing.assert_allclose(found[i + 1], MATRIX.var(0), atol=1e-9)


def test_zero_fraction() -> None:
    assert evaluate(tf.nn.zero_fraction, np.array([0.0, 1.0, 0.0, 2.0])) == 0.5


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 4, 1]), [1, 1, 1, 1], "SAME"),
            r"Depth of input \(3\) is not a multiple of input depth of filter \(4\) for 'Conv2D'",
        ),
        (
            lambda x: tf.nn.max_pool(x, [1, 9, 1, 1], [1, 1, 1, 1], "VALID"),
            "Negative dimension size caused by subtracting 9 from 5 for 'MaxPool'",
        ),
        (lambda x: tf.nn.bias_add(x, [1.0, 2.0]), "Dimensions must be equal, but are 3 and 2 for 'BiasAdd'"),
        (lambda x: tf.nn.top_k(x, 4), "input must have last dimension >= k = 4 but is 3"),
        (lambda x: tf.nn.dropout(x, rate=1.0), r"rate must be a scalar tensor or a float in the range \[0, 1\), got 1"),
        (lambda x: tf.nn.softmax_cross_entropy_with_logits(x, x), "with named arguments"),
    ],
)
def test_errors(build: Callable[[Any], Any], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build(tf.placeholder(tf.float32, [2, 5, 6, 3]))


def test_shapes_that_are_known_in_part() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, None, 6, 3])
        conv = tf.nn.conv2d(x, tf.ones([3, 3, 3, 7]), [1, 1, 2, 1], "VALID")
        assert conv.shape.as_list() == [None, None, 2, 7]
        assert tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME").shape.as_list() == [None, None, 3, 3]
        unknown = tf.placeholder(tf.float32)
        assert tf.nn.bias_add(unknown, [1.0]).shape.ndims is None
        assert tf.nn.conv2d(unknown, tf.ones([1, 1, 3, 7]), [1, 1, 1, 1], "SAME").shape.as_list() == [
            None,
            None,
            None,
            7,
        ]


@pytest.mark.parametrize(("training", "count"), [(True, 5), (False, 3)])
def test_gated_gradients_of_a_fused_batch_norm(training: bool, count: int) -> None:
    # In training the gradients of the empty mean and variance are gated too, as TF's graphs have them.
    with tf.Graph().as_default() as graph:
        x, ones = tf.placeholder(tf.float32, [2, 4, 4, 3]), tf.ones([3])
        moments = [] if training else [ones, ones]
        y, *_ = tf.nn.fused_batch_norm(x, ones, ones, *moments, is_training=training)
        tf.gradients(y, [x, ones], gate_gradients=True)
        gated = [op for op in graph.get_operations() if "FusedBatchNormV3_grad/tuple/control_dependency" in op.name]
    assert len(gated) == count


def test_gradients_know_the_parts_of_shapes_that_are_known() -> None:
    with tf.Graph().as_default() as graph:
        x, w = tf.placeholder(tf.float32, [None, 8, 8, 3]), tf.ones([3, 3, 3, 4])
        tf.gradients(tf.nn.conv2d(2.0 * x, w, [1, 1, 1, 1], "SAME"), [x], gate_gradients=True)
        (back,) = [op for op in graph.get_operations() if op.type == "Conv2DBackpropInput"]
        assert back.inputs[0].op.type == "ShapeN"
        assert back.outputs[0].shape.as_list() == [None, 8, 8, 3]
        of_x, of_w = tf.shape_n([x, w])
        assert tf.zeros(of_x).shape.as_list() == [None, 8, 8, 3]
        assert tf.reshape(tf.placeholder(tf.float32), tf.concat([of_x, [2]], 0)).shape.as_list() == [None, 8, 8, 3, 2]
        assert tf.zeros(of_w).shape.as_list() == [3, 3, 3, 4]


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
def test_second_derivatives_of_biases_are_built_in_the_order_of_tf(data_format: str) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4, 4, 4])
        bias = tf.ones([4])
        (first,) = tf.gradients(tf.nn.bias_add(x, bias, data_format=data_format) ** 2, [bias])
        before = len(graph.get_operations())
        tf.gradients(first**2, [x])
        made = [op.name for op in graph.get_operations()[before:] if "BiasAddGrad_grad/" in op.name]
    joined = [made.index(next(name for name in made if name.endswith(end))) for end in ("/concat", "/concat_1")]
    last_slice = made.index([name for name in made if name.endswith(("strided_slice_1", "strided_slice_2"))][-1])
    assert joined == sorted(joined)
    if data_format == "NHWC":
        assert joined[0] < last_slice < joined[1]
