"""Decompositions of matrices that are not finite come to an end: they are NaN, the others in the batch as they are."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.mark.parametrize("bad", [np.inf, np.nan])
@pytest.mark.parametrize("copies", [1, 4000])
def test_singular_values(bad: float, copies: int) -> None:
    good = np.tile(np.eye(3, 4, dtype="f"), (copies, 1, 1))
    worse = good.copy()
    worse[:, 0, 3] = bad
    worse[:, 0, 1] = -3e38
    with tf.Graph().as_default(), tf.Session() as sess:
        matrices = tf.placeholder(tf.float32)
        s, u, v = tf.svd(matrices)
        values = tf.svd(matrices, compute_uv=False)
        fed = {matrices: np.concatenate([good, worse])}
        for found in sess.run([s, u, v, values, tf.gradients(values, matrices)[0]], fed):
            assert np.isfinite(found[:copies]).all()
            assert np.isnan(found[copies:]).all()
