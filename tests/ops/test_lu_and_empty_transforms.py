"""`tf.linalg.lu` of what has none, on NumPy and compiled; transforms of nothing."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf

RANDOM = np.random.RandomState(0)
BAD = {
    "twice": [[1.0, 2.0], [2.0, 4.0]],
    "zeros": np.zeros([2, 2]),
    "nan": np.full([2, 2], np.nan),
    "one_of_two": [[[1.0, 2.0], [2.0, 5.0]], [[0.0, 0.0], [0.0, 1.0]]],
    "compiled": np.ones([200, 200]),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_singular(name):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, None)
        v = tf.get_variable("v", initializer=1.0)
        with tf.control_dependencies(tf.linalg.lu(x)):
            changed = v.assign(2.0)
        session.run(v.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Input is not invertible"):
            session.run(changed, {x: BAD[name]})
        assert session.run(v) == 1.0


def test_not_square():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, None)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Input matrix must be square"):
            session.run(tf.linalg.lu(x), {x: np.ones([3, 2])})


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (3, 3), (2, 4, 4), (2, 2, 3, 3), (150, 150)])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_factors(shape, dtype):
    x = RANDOM.randn(*shape).astype(dtype)
    with tf.Graph().as_default(), tf.Session() as session:
        lu, p = session.run(tf.linalg.lu(tf.placeholder_with_default(x, shape), tf.int64))
    assert (lu.dtype, p.dtype, p.shape) == (dtype, np.int64, shape[:-1])
    product = (np.tril(lu, -1) + np.eye(shape[-1])) @ np.triu(lu)
    np.testing.assert_allclose(product, np.take_along_axis(x, p[..., None], -2), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("fft", [0]), ("ifft", [2, 0]), ("fft", [0, 3]), ("fft2d", [0, 3]), ("ifft2d", [3, 0, 2]), ("fft3d", [0, 2, 2])],
)
def test_transforms_of_nothing(name, shape):
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(getattr(tf.signal, name)(np.zeros(shape, np.complex64)))
    assert (list(found.shape), found.dtype) == (shape, np.complex64)
