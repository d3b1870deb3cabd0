"""`tf.contrib.factorization.KMeansClustering`: what `tf.estimator.experimental.KMeans` was before."""

from __future__ import annotations

from typing import Any

from retrograph.contrib import clustering
from retrograph.estimator.kmeans import Clustering
from retrograph.framework.exports import export


@export("contrib.factorization.KMeansClustering")
class KMeansClustering(Clustering):
    """An estimator that finds clusters. Raises ValueError: an unknown `initial_clusters` or `distance_metric`.

    Source: TF 1.15 `tf.contrib.factorization.KMeansClustering`.
    """

    _graph = clustering.KMeans

    def __init__(
        self, num_clusters: int, model_dir: Any = None, initial_clusters: Any = clustering.RANDOM_INIT,
        distance_metric: str = clustering.SQUARED_EUCLIDEAN_DISTANCE, random_seed: int | None = 0,
        use_mini_batch: bool = True, mini_batch_steps_per_iteration: int = 1, kmeans_plus_plus_num_retries: int = 2,
        relative_tolerance: float | None = None, config: Any = None, feature_columns: Any = None,
    ):  # fmt: skip
        options = {
            "num_clusters": num_clusters,
            "initial_clusters": initial_clusters,
            "distance_metric": distance_metric,
            "random_seed": random_seed,
            "use_mini_batch": use_mini_batch,
            "mini_batch_steps_per_iteration": mini_batch_steps_per_iteration,
            "kmeans_plus_plus_num_retries": kmeans_plus_plus_num_retries,
        }
        self._set_up(options, relative_tolerance, feature_columns, model_dir, config)
