"""tf.einsum of variables that nobody has read yet."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.mark.parametrize("resource", [False, True])
def test_variables_are_taken_as_they_are(resource: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        kernel = tf.get_variable("kernel", initializer=np.ones([4, 5], np.float32), use_resource=resource)
        square = tf.einsum("ij,kj->ik", kernel, kernel)
        product = tf.einsum("BFH,HO->BFO", tf.ones([2, 3, 4]), kernel)
        session.run(tf.global_variables_initializer())
        assert session.run(square).tolist() == [[5.0] * 4] * 4
        assert session.run(product).shape == (2, 3, 5)
