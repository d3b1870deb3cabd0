"""`tf.contrib.factorization.KMeans`: centres of clusters, moved to the means of the points that are nearest to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export, export_value
from retrograph.framework.seeds import get_seed
from retrograph.ops.raw import raw

SQUARED_EUCLIDEAN_DISTANCE = "squared_euclidean"
COSINE_DISTANCE = "cosine"
RANDOM_INIT = "random"
KMEANS_PLUS_PLUS_INIT = "kmeans_plus_plus"
for _name in ("SQUARED_EUCLIDEAN_DISTANCE", "COSINE_DISTANCE", "RANDOM_INIT", "KMEANS_PLUS_PLUS_INIT"):
    export_value(f"contrib.factorization.{_name}", value=globals()[_name], attribute=_name)
KMC2_INIT = "kmc2"
CLUSTERS_VAR_NAME = "clusters"


def _on(place: Any) -> Any:
    return get_default_graph().colocate_with(place, ignore_existing=True)


def _normalized(x: Any) -> Any:
    return tf.nn.l2_normalize(x, dim=1)


def check_options(initial_clusters: Any, distance_metric: str, known: tuple[str, ...]) -> None:
    """Raises ValueError: a way to begin or a distance that there is not."""
    if isinstance(initial_clusters, str) and initial_clusters not in known:
        raise ValueError(f"Unsupported initialization algorithm '{initial_clusters}'")
    if distance_metric not in (SQUARED_EUCLIDEAN_DISTANCE, COSINE_DISTANCE):
        raise ValueError(f"Unsupported distance metric '{distance_metric}'")


@export("contrib.factorization.KMeans")
class KMeans:
    """The graph of k-means clustering, of all points at once or of batches.

    Raises ValueError: an unknown `initial_clusters` or `distance_metric`.
    Source: TF 1.15 `tf.contrib.factorization.KMeans`.
    """

    def __init__(
        self, inputs: Any, num_clusters: Any, initial_clusters: Any = RANDOM_INIT,
        distance_metric: str = SQUARED_EUCLIDEAN_DISTANCE, use_mini_batch: bool = False,
        mini_batch_steps_per_iteration: int = 1, random_seed: int | None = 0, kmeans_plus_plus_num_retries: int = 2,
        kmc2_chain_length: int = 200,
    ):  # fmt: skip
        check_options(initial_clusters, distance_metric, (RANDOM_INIT, KMEANS_PLUS_PLUS_INIT, KMC2_INIT))
        self._inputs = inputs if isinstance(inputs, list) else [inputs]
        self._num_clusters, self._initial_clusters = num_clusters, initial_clusters
        self._cosine = distance_metric == COSINE_DISTANCE
        self._use_mini_batch, self._steps = use_mini_batch, int(mini_batch_steps_per_iteration)
        self._seed = self._seed_of(random_seed)
        self._retries, self._chain_length = kmeans_plus_plus_num_retries, kmc2_chain_length

    @staticmethod
    def _seed_of(random_seed: int | None) -> int | None:
        return random_seed

    @staticmethod
    def _nothing() -> Any:
        return tf.constant([], dtype=tf.float32)

    @property
    def _later(self) -> bool:
        """Whether the centres are updated beside those that points are compared with."""
        return self._use_mini_batch and self._steps > 1

    @property
    def _keeps_normalized(self) -> bool:
        return self._cosine and (not self._use_mini_batch or self._steps > 1)

    def training_graph(self) -> Any:
        """(distances to all centres, nearest centres, distances to them, whether begun, operation to begin, training)."""
        initial = self._initial_clusters
        if isinstance(initial, str) or callable(initial):
            count = tf.convert_to_tensor(self._num_clusters)
        else:
            initial = tf.convert_to_tensor(initial)
            count = tf.shape(initial)[0]
        self._make_variables(count)
        init_op = _Beginning(self, initial, count).op()
        inputs, compared = self._inputs, self._centers
        if self._cosine:
            inputs = [self._on_input(x, _normalized) for x in inputs]
            if not self._keeps_normalized:
                compared = _normalized(compared)
        all_scores, scores, nearest = self._infer(inputs, compared)
        if self._use_mini_batch:
            with tf.control_dependencies([self._sync()]):
                training = self._batch_step(inputs, nearest)
        else:
            training = self._full_step(inputs, count, nearest)
        return all_scores, nearest, scores, self._is_begun, init_op, training

    @staticmethod
    def _on_input(x: Any, make: Callable[[Any], Any]) -> Any:
        with _on(x):
            return make(x)

    def _make_variables(self, count: Any) -> None:
        nothing = self._nothing()
        self._centers = tf.Variable(nothing, name=CLUSTERS_VAR_NAME, validate_shape=False)
        self._is_begun = tf.Variable(False, dtype=tf.bool, name="initialized")
        self._updated, self._counts = self._centers, None
        if self._later:
            self._updated = tf.Variable(nothing, name="clusters_updated", validate_shape=False)
            self._left = tf.Variable(self._steps, dtype=tf.int64, name="update_in_steps")
            self._counts = tf.Variable(tf.zeros([count], dtype=tf.int64))
        elif self._use_mini_batch:
            self._counts = tf.Variable(tf.ones([count], dtype=tf.int64))

    def _infer(self, inputs: list[Any], clusters: Any) -> Any:
        scores = [self._distances(x, clusters) for x in inputs]
        if self._cosine and not self._keeps_normalized:
            with _on(clusters):
                clusters = _normalized(clusters)
        return tuple(
            zip(*(self._nearest(x, score, clusters) for x, score in zip(inputs, scores, strict=True)), strict=True)
        )

    def _nearest(self, x: Any, score: Any, clusters: Any) -> Any:
        with _on(x):
            places, distances = raw("NearestNeighbors", x, clusters, 1)
            if self._cosine:
                distances *= 0.5
            return score, tf.squeeze(distances, [-1]), tf.squeeze(places, [-1])

    def _distances(self, x: Any, clusters: Any) -> Any:
        with _on(x):
            if self._cosine:
                return 1 - tf.matmul(x, clusters, transpose_b=True)
            own = tf.reduce_sum(tf.square(x), 1, keepdims=True)
            product = 2 * tf.matmul(x, clusters, transpose_b=True)
            return own - product + tf.transpose(tf.reduce_sum(tf.square(clusters), 1, keepdims=True))

    # ---- training

    def _full_step(self, inputs: list[Any], count: Any, nearest: Any) -> Any:
        sums, counts = [], []
        epsilon = tf.constant(1e-6, dtype=inputs[0].dtype)
        for x, places in zip(inputs, nearest, strict=True):
            with _on(x):
                sums.append(tf.unsorted_segment_sum(x, places, count))
                ones = tf.reshape(tf.ones(tf.reshape(tf.shape(x)[0], [-1])), [-1, 1])
                counts.append(tf.unsorted_segment_sum(ones, places, count))
        with _on(self._centers):
            means = tf.add_n(sums) / (tf.cast(tf.add_n(counts), sums[0].dtype) + epsilon)
            if self._keeps_normalized:
                means = _normalized(means)
        return tf.assign(self._centers, means)

    def _sync(self) -> Any:
        """Once in so many steps, the updated centres become those that points are compared with."""
        if not self._later:
            return tf.no_op()
        with _on(self._left):
            return tf.cond(self._left <= 0, self._take_over, lambda: tf.assign_sub(self._left, 1))

    def _take_over(self) -> Any:
        with tf.control_dependencies([tf.assign(self._left, self._steps - 1)]):
            with _on(self._updated):
                centers = _normalized(self._updated) if self._cosine else self._updated
            with _on(self._centers), tf.control_dependencies([tf.assign(self._centers, centers)]), _on(None):
                emptied = tf.assign(self._counts, tf.zeros_like(self._counts))
                with tf.control_dependencies([emptied]):
                    return tf.identity(self._left)

    def _batch_step(self, inputs: list[Any], nearest: Any) -> Any:
        updates = [one for x, places in zip(inputs, nearest, strict=True) for one in self._moved(x, places)]
        return tf.group(*updates)

    def _moved(self, x: Any, places: Any) -> list[Any]:
        counts, centers = self._counts, self._updated
        with _on(x):
            ids, which = tf.unique(tf.reshape(places, [-1]))
            size = tf.size(ids)
            with _on(counts):
                old_counts = tf.gather(counts, ids)
            with _on(centers):
                old_centers = tf.gather(centers, ids)
            new_counts = tf.unsorted_segment_sum(tf.ones_like(which, dtype=counts.dtype), which, size)  # type: ignore[union-attr]
            change = tf.unsorted_segment_sum(x, which, size)
            rows = tf.reshape(size, [1])
            shape = tf.concat([rows, tf.ones(tf.reshape(tf.rank(x) - 1, [1]), dtype=tf.int32)], 0)
            change -= tf.cast(tf.reshape(new_counts, shape), x.dtype) * old_centers
            rate = tf.reciprocal(tf.cast(old_counts + new_counts, x.dtype))
            change *= tf.reshape(rate, shape)
        return [tf.scatter_add(counts, ids, new_counts), tf.scatter_add(centers, ids, change)]


class GraphSeededKMeans(KMeans):
    """As `tensorflow.python.ops.clustering_ops` has it: the graph's seed counts, too."""

    @staticmethod
    def _seed_of(random_seed: int | None) -> int | None:
        return get_seed(random_seed)[0]

    @staticmethod
    def _nothing() -> Any:
        return tf.placeholder_with_default([], shape=None)


class _Beginning:
    """The operation that adds first centres until there are enough."""

    def __init__(self, owner: KMeans, initial: Any, count: Any):
        self._owner, self._initial, self._count = owner, initial, count
        self._inputs, self._centers = owner._inputs, owner._centers
        self._selected = tf.shape(self._centers)[0]
        self._remaining = count - self._selected
        self._points = tf.add_n([tf.shape(x)[0] for x in self._inputs])

    def op(self) -> Any:
        """Adds centres, or checks that there are all."""
        begun = self._owner._is_begun
        return tf.cond(tf.equal(self._remaining, 0), lambda: tf.assert_equal(begun, True), self._begin)

    def _begin(self) -> Any:
        with tf.control_dependencies([tf.assert_positive(self._remaining)]):
            by_chain = isinstance(self._initial, str) and self._initial == KMC2_INIT
            left = self._by_chains() if by_chain else self._add()
            return tf.cond(tf.equal(left, 0), lambda: tf.assign(self._owner._is_begun, True), tf.no_op)

    def _set(self, centers: Any) -> Any:
        made = tf.assign(self._centers, centers, validate_shape=False)
        if self._owner._updated is not self._centers:
            made = tf.assign(self._owner._updated, made, validate_shape=False)
        return made

    def _add(self) -> Any:
        new = self._chosen()
        if self._owner._cosine:
            new = _normalized(new)
        centers = tf.cond(tf.equal(self._selected, 0), lambda: new, lambda: tf.concat([self._centers, new], 0))
        return self._count - tf.shape(self._set(centers))[0]

    def _chosen(self) -> Any:
        if isinstance(self._initial, str):
            if self._initial == RANDOM_INIT:
                few = self._points <= self._remaining
                return tf.cond(few, lambda: tf.concat(self._inputs, 0), self._at_random)
            with tf.control_dependencies([tf.assert_greater_equal(self._points, self._remaining)]):
                return self._plus_plus()
        if callable(self._initial):
            return self._initial(self._inputs, self._remaining)
        with tf.control_dependencies([tf.assert_equal(self._remaining, tf.shape(self._initial)[0])]):
            return self._initial

    def _at_random(self) -> Any:
        size, most = tf.reshape(self._remaining, [-1]), tf.cast(self._points, tf.int64)
        places = tf.random_uniform(size, minval=0, maxval=most, seed=self._owner._seed, dtype=tf.int64)
        return tf.nn.embedding_lookup(self._inputs, places, partition_strategy="div")

    def _plus_plus(self) -> Any:
        x = _normalized(self._inputs[0]) if self._owner._cosine else self._inputs[0]
        count = tf.cast(self._remaining, tf.int64)
        return raw("KmeansPlusPlusInitialization", x, count, self._owner._seed, self._owner._retries)

    def _by_chains(self) -> Any:
        """Several centres of one batch, each by a Markov chain of points (Bachem et al. 2016)."""
        length = self._owner._chain_length
        most = tf.cast(tf.shape(self._inputs[0])[0] / length, dtype=tf.int32)
        wanted = tf.maximum(tf.minimum(self._remaining, most), 1)

        def step(i: Any, _: Any) -> Any:
            new = tf.cond(tf.equal(self._selected, 0), self._first_point, lambda: self._by_chain(i * length, length))
            return i + 1, self._count - tf.shape(self._set(new))[0]

        return tf.while_loop(lambda i, _: tf.less(i, wanted), step, [0, 0])[1]

    def _first_point(self) -> Any:
        return self._row(self._inputs[0][0])

    def _row(self, point: Any) -> Any:
        row = tf.reshape(point, [1, -1])
        return _normalized(row) if self._owner._cosine else row

    def _by_chain(self, start: Any, length: int) -> Any:
        points = self._inputs[0][start : start + length]
        distances = raw("NearestNeighbors", points, self._centers, 1)[1]
        place = raw("KMC2ChainInitialization", tf.squeeze(distances), self._owner._seed)
        return tf.concat([self._centers, self._row(points[place])], 0)
