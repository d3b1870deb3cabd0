"""Products with constant sparse tensors that are too large to be computed ahead."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.mark.parametrize("adjoint_a", [False, True])
@pytest.mark.parametrize("adjoint_b", [False, True])
def test_a_product_with_a_constant(adjoint_a, adjoint_b):
    numbers = np.random.RandomState(1)
    a = numbers.rand(90, 80).astype(np.float32)
    a[a < 0.2] = 0
    b = numbers.rand(80, 7).astype(np.float32)
    given, right = a.T if adjoint_a else a, b.T if adjoint_b else b
    places = np.argwhere(given)
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.SparseTensor(places, given[tuple(places.T)], given.shape)
        product = tf.sparse_tensor_dense_matmul(sparse, right, adjoint_a=adjoint_a, adjoint_b=adjoint_b)
        np.testing.assert_allclose(session.run(product), a @ b, rtol=1e-4)


def test_a_place_outside():
    places = np.stack([np.arange(3000) % 70, np.arange(3000) % 80], axis=1)
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.SparseTensor(places, np.ones(3000, np.float32), [69, 80])
        product = tf.sparse_tensor_dense_matmul(sparse, tf.ones([80, 50]))
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            session.run(product)
    assert str(caught.value).startswith("m (69) from index[69,0] out of bounds (>=69)")
