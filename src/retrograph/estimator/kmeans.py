"""`tf.estimator.experimental.KMeans`: clustering as an estimator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import retrograph as tf
from retrograph.contrib import clustering
from retrograph.estimator.exporting import PredictOutput
from retrograph.estimator.model import Estimator
from retrograph.estimator.spec import EstimatorSpec
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.ops.control_flow import with_dependencies
from retrograph.train.session_run_hook import SessionRunArgs, SessionRunHook


class _StopWhenSettled(SessionRunHook):
    """Stops when the loss changes by less than a part of itself."""

    def __init__(self, loss: Any, tolerance: float):
        self._loss, self._tolerance = loss, tolerance
        self._before: Any = None

    def before_run(self, run_context: Any) -> Any:
        """Asks for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Compares the loss with that before."""
        loss = run_values.results
        if self._before and abs(loss - self._before) / (1 + abs(self._before)) < self._tolerance:
            run_context.request_stop()
        self._before = loss


class _BeginHook(SessionRunHook):
    """Adds first centres until there are enough."""

    def __init__(self, init_op: Any, is_begun: Any, is_chief: bool):
        self._init_op, self._is_begun, self._is_chief = init_op, is_begun, is_chief

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Runs the operation as often as it takes, or waits for the chief."""
        while True:
            try:
                if session.run(self._is_begun):
                    return
                if self._is_chief:
                    session.run(self._init_op)
                else:
                    time.sleep(1)
            except RuntimeError as error:
                get_logger().info(error)


def _points(features: Any, feature_columns: Any) -> Any:
    if not isinstance(features, dict):
        return features
    if feature_columns:
        return tf.feature_column.input_layer(features, feature_columns)
    names = sorted(features)
    with get_default_graph().colocate_with(features[names[0]]):
        return tf.concat([features[name] for name in names], axis=1)


def _model_fn(
    make: type[clustering.KMeans], options: dict[str, Any], tolerance: float | None, feature_columns: Any
) -> Callable[..., Any]:
    def model_fn(features: Any, mode: Any, config: Any) -> EstimatorSpec:
        points = _points(features, feature_columns)
        distances, nearest, losses, is_begun, init_op, step = make(points, **options).training_graph()
        loss = tf.reduce_sum(losses)
        tf.summary.scalar("loss/raw", loss)
        counted = tf.assign_add(tf.train.get_global_step(), 1)
        hooks: list[SessionRunHook] = [_BeginHook(init_op, is_begun, config.is_chief)]
        if tolerance is not None:
            hooks.append(_StopWhenSettled(loss, tolerance))
        predictions = {Clustering.ALL_DISTANCES: distances[0], Clustering.CLUSTER_INDEX: nearest[0]}
        outputs: dict[str, Any] = {name: PredictOutput(value) for name, value in predictions.items()}
        return EstimatorSpec(
            mode=mode,
            predictions=predictions,
            loss=loss,
            train_op=with_dependencies([step, counted], loss),
            eval_metric_ops={Clustering.SCORE: tf.metrics.mean(loss)},
            training_hooks=hooks,
            export_outputs={**outputs, "serving_default": PredictOutput(nearest[0])},
        )

    return model_fn


class Clustering(Estimator):
    """What both estimators share."""

    SQUARED_EUCLIDEAN_DISTANCE = clustering.SQUARED_EUCLIDEAN_DISTANCE
    COSINE_DISTANCE = clustering.COSINE_DISTANCE
    RANDOM_INIT = clustering.RANDOM_INIT
    KMEANS_PLUS_PLUS_INIT = clustering.KMEANS_PLUS_PLUS_INIT
    SCORE = "score"
    CLUSTER_INDEX = "cluster_index"
    ALL_DISTANCES = "all_distances"
    CLUSTER_CENTERS_VAR_NAME = clustering.CLUSTERS_VAR_NAME
    _graph: type[clustering.KMeans] = clustering.GraphSeededKMeans

    def _set_up(
        self, options: dict[str, Any], tolerance: float | None, feature_columns: Any, model_dir: Any, config: Any
    ) -> None:
        known = self.RANDOM_INIT, self.KMEANS_PLUS_PLUS_INIT
        clustering.check_options(options["initial_clusters"], options["distance_metric"], known)
        self._distance_metric = options["distance_metric"]
        super().__init__(
            _model_fn(self._graph, options, tolerance, feature_columns), model_dir=model_dir, config=config
        )

    def _predicted(self, input_fn: Any, key: str) -> Iterator[Any]:
        for found in self.predict(input_fn=input_fn, predict_keys=[key]):
            yield found[key]

    def predict_cluster_index(self, input_fn: Any) -> Iterator[Any]:
        """The nearest cluster of each point, one after the other."""
        return self._predicted(input_fn, self.CLUSTER_INDEX)

    def score(self, input_fn: Any) -> Any:
        """The sum of the distances of the points to the nearest centres."""
        return self.evaluate(input_fn=input_fn, steps=1)[self.SCORE]

    def transform(self, input_fn: Any) -> Iterator[Any]:
        """The distances of each point to all centres, one after the other."""
        return self._predicted(input_fn, self.ALL_DISTANCES)

    def cluster_centers(self) -> Any:
        """The centres: `f32[num_clusters, n]`."""
        return self.get_variable_value(self.CLUSTER_CENTERS_VAR_NAME)


@export("estimator.experimental.KMeans")
class KMeansClustering(Clustering):
    """An estimator that finds clusters. Raises ValueError: an unknown `initial_clusters` or `distance_metric`.

    Source: TF 1.15 `tf.estimator.experimental.KMeans`.
    """

    def __init__(
        self, num_clusters: int, model_dir: Any = None, initial_clusters: Any = clustering.RANDOM_INIT,
        distance_metric: str = clustering.SQUARED_EUCLIDEAN_DISTANCE, seed: int | None = None, use_mini_batch: bool = True,
        mini_batch_steps_per_iteration: int = 1, kmeans_plus_plus_num_retries: int = 2,
        relative_tolerance: float | None = None, config: Any = None, feature_columns: Any = None,
    ):  # fmt: skip
        options = {
            "num_clusters": num_clusters,
            "initial_clusters": initial_clusters,
            "distance_metric": distance_metric,
            "random_seed": seed,
            "use_mini_batch": use_mini_batch,
            "mini_batch_steps_per_iteration": mini_batch_steps_per_iteration,
            "kmeans_plus_plus_num_retries": kmeans_plus_plus_num_retries,
        }
        self._set_up(options, relative_tolerance, feature_columns, model_dir, config)

    def transform(self, input_fn: Any) -> Iterator[Any]:
        """The distances of each point to all centres, one after the other: Euclidean ones are not squared."""
        for distances in super().transform(input_fn):
            yield distances**0.5 if self._distance_metric == self.SQUARED_EUCLIDEAN_DISTANCE else distances
