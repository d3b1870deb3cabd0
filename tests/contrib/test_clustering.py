"""Clusters of batches: each centre is the mean of its points, and of what it began with."""

import sys
from pathlib import Path

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import cluster_cases

POINTS, CENTERS = cluster_cases.POINTS, cluster_cases.CENTERS


def test_batches() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        made = tf.contrib.factorization.KMeans(
            tf.constant(POINTS), 3, initial_clusters=CENTERS, use_mini_batch=True
        ).training_graph()
        sess.run(tf.global_variables_initializer())
        sess.run(made[4])
        counts, centers = np.ones(3), CENTERS.astype(np.float64)
        clusters = next(v for v in tf.global_variables() if v.op.name == "clusters")
        for _ in range(3):
            nearest = np.argmin(np.square(POINTS[:, None] - centers).sum(-1), 1)
            for i in range(3):
                own = POINTS[nearest == i]
                counts[i] += len(own)
                centers[i] += (own.sum(0) - len(own) * centers[i]) / counts[i]
            sess.run(made[5])
            np.testing.assert_allclose(sess.run(clusters), centers, rtol=1e-5)


def test_chains_choose_different_centers() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        made = tf.contrib.factorization.KMeans(
            tf.constant(POINTS), 3, initial_clusters="kmc2", kmc2_chain_length=12, random_seed=2
        ).training_graph()
        sess.run(tf.global_variables_initializer())
        while not sess.run(made[3]):
            sess.run(made[4])
        clusters = sess.run(next(v for v in tf.global_variables() if v.op.name == "clusters"))
        rows = {tuple(row) for row in clusters.tolist()}
        assert len(rows) == 3
        assert rows <= {tuple(row) for row in POINTS.tolist()}


def test_more_centers_than_points() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        made = tf.contrib.factorization.KMeans(
            tf.constant(POINTS[:2]), 3, initial_clusters="kmeans_plus_plus"
        ).training_graph()
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
            sess.run(made[4])
