"""Convolutions of few pixels, by windows larger than the image or by large filters, are sums over the window."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import retrograph as tf

CASES = [
    (2, 3, 1, "SAME"),
    (4, 5, 2, "SAME"),
    (1, 4, 1, "SAME"),
    (2, 4, 2, "SAME"),
    (7, 7, 1, "VALID"),
    (8, 6, 1, "VALID"),
]


def _pads(size: int, k: int, stride: int, padding: str) -> tuple[int, int, int]:
    if padding == "VALID":
        return (size - k) // stride + 1, 0, 0
    count = -(-size // stride)
    total = max((count - 1) * stride + k - size, 0)
    return count, total // 2, total - total // 2


def _expected(x: Any, w: Any, g: Any, stride: int, padding: str) -> list[Any]:
    size, k = x.shape[1], w.shape[0]
    count, low, high = _pads(size, k, stride, padding)
    wide = np.pad(x, [(0, 0), (low, high), (low, high), (0, 0)])
    y, by_wide, by_w = np.zeros((len(x), count, count, w.shape[3])), np.zeros(wide.shape), np.zeros(w.shape)
    for i, j in itertools.product(range(k), range(k)):
        rows, columns = (slice(a, a + (count - 1) * stride + 1, stride) for a in (i, j))
        y += wide[:, rows, columns] @ w[i, j]
        by_wide[:, rows, columns] += g @ w[i, j].T
        by_w[i, j] = np.einsum("bhwi,bhwo->io", wide[:, rows, columns], g)
    return [y, by_wide[:, low : low + size, low : low + size], by_w]


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case: Any) -> None:
    size, k, stride, padding = case
    rng = np.random.RandomState(0)
    count = _pads(size, k, stride, padding)[0]
    x, w, g = rng.randn(2, size, size, 3), rng.randn(k, k, 3, 5), rng.randn(2, count, count, 5)
    with tf.Graph().as_default(), tf.Session() as sess:
        given = [tf.placeholder(tf.float32, v.shape) for v in (x, w, g)]
        y = tf.nn.conv2d(given[0], given[1], [1, stride, stride, 1], padding)
        results = sess.run([y, *tf.gradients(y, given[:2], given[2])], dict(zip(given, (x, w, g), strict=True)))
    for result, expected in zip(results, _expected(x, w, g, stride, padding), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [(7, 3, 1, "SAME"), (14, 3, 2, "SAME"), (9, 3, 1, "VALID"), (6, 2, 2, "VALID")])
def test_large_filters(monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
    monkeypatch.setattr("retrograph.ops.conv_forms._LARGE_FILTER", 1)
    test_values_and_gradients(case)


@pytest.mark.parametrize("cores", [2, 4, 32])
@pytest.mark.parametrize("case", [(20, 3, 1, "SAME"), (40, 5, 2, "SAME"), (22, 3, 1, "VALID"), (33, 4, 3, "VALID")])
def test_images_side_by_side(monkeypatch: pytest.MonkeyPatch, case: Any, cores: int) -> None:
    for name, value in (("_LEAST_TAKEN", 1), ("_MOST_WASTE", 9.0), ("_cores", lambda: cores)):
        monkeypatch.setattr(f"retrograph.ops.conv_forms.{name}", value)
    test_values_and_gradients(case)


def test_transposed_convolution_of_one_pixel() -> None:
    rng = np.random.RandomState(0)
    x, w = rng.randn(2, 1, 1, 6), rng.randn(4, 4, 5, 6)
    with tf.Graph().as_default(), tf.Session() as sess:
        y = tf.nn.conv2d_transpose(tf.constant(x, tf.float32), tf.constant(w, tf.float32), [2, 2, 2, 5], 2, "SAME")
        result = sess.run(y)
    expected = np.einsum("bo,hwio->bhwi", x[:, 0, 0], w)[:, 1:3, 1:3]
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "stride", "channels"), [(9, 1, 1), (9, 2, 3), (4, 1, 2)])
def test_windows_as_wide_as_the_image(height: int, stride: int, channels: int) -> None:
    rng = np.random.RandomState(0)
    x, w = rng.randn(2, height, 6, channels).astype("f"), rng.randn(3, 6, channels, 5).astype("f")
    rows = [x[:, i : i + 3] for i in range(0, height - 2, stride)]
    y = np.stack([np.einsum("bhwi,hwio->bo", row, w) for row in rows], 1)[:, :, None]
    g = rng.randn(*y.shape).astype("f")
    by_x, by_w = np.zeros_like(x), np.zeros_like(w)
    for n, i in enumerate(range(0, height - 2, stride)):
        by_x[:, i : i + 3] += np.einsum("bo,hwio->bhwi", g[:, n, 0], w)
        by_w += np.einsum("bhwi,bo->hwio", x[:, i : i + 3], g[:, n, 0])
    with tf.Graph().as_default(), tf.Session() as session:
        image, window = tf.placeholder(tf.float32, [None, None, 6, channels]), tf.constant(w)
        result = tf.nn.conv2d(image, window, [1, stride, 1, 1], "VALID")
        found = session.run([result, *tf.gradients(result, [image, window], tf.constant(g))], {image: x})
    for value, expected in zip(found, [y, by_x, by_w], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)
