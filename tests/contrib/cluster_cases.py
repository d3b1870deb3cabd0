"""`tf.contrib.factorization.KMeans` and the estimators of it."""

import tempfile

import numpy as np

R = np.random.RandomState(4)
POINTS = np.concatenate([R.randn(8, 2) + (0, 5), R.randn(7, 2) + (5, 0), R.randn(9, 2) - 4]).astype(np.float32)
CENTERS = POINTS[[0, 9, 20]]

CASES = {}
VALUES_ONLY = ["estimated", "estimated_before", "estimated_features"]


def case(f):
    CASES[f.__name__] = f
    return f


def _run(tf, inputs, clusters, count=3, values=True, **options):
    """The values after some steps, run by hand: what begins must not run twice."""
    made = tf.contrib.factorization.KMeans(inputs, clusters, **options).training_graph()
    all_scores, nearest, scores, _, init_op, training = made
    if not values:
        return None
    shown = list(all_scores) + list(nearest) + list(scores) + tf.global_variables()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(init_op)
        for _ in range(count):
            sess.run(training)
        found = sess.run(shown)
    return [tf.constant(x) for x in found]


CASES["given"] = lambda tf: _run(tf, tf.constant(POINTS), 3, initial_clusters=CENTERS)
CASES["given_cosine"] = lambda tf: _run(tf, tf.constant(POINTS), 3, initial_clusters=CENTERS, distance_metric="cosine")
CASES["at_random"] = lambda tf: _run(tf, tf.constant(POINTS), 3, random_seed=5)
CASES["plus_plus"] = lambda tf: _run(tf, tf.constant(POINTS), 3, initial_clusters="kmeans_plus_plus", random_seed=3)
CASES["plus_plus_once"] = lambda tf: _run(
    tf, tf.constant(POINTS), 5, initial_clusters="kmeans_plus_plus", kmeans_plus_plus_num_retries=0, random_seed=8
)
CASES["plus_plus_cosine"] = lambda tf: _run(
    tf, tf.constant(POINTS), 3, initial_clusters="kmeans_plus_plus", distance_metric="cosine",
    kmeans_plus_plus_num_retries=-1,
)  # fmt: skip
# TensorFlow's batches race: counts may be updated before they are read.
CASES["batches"] = lambda tf: _run(
    tf, tf.constant(POINTS), 3, values=False, initial_clusters=CENTERS, use_mini_batch=True
)
CASES["batches_cosine"] = lambda tf: _run(
    tf, tf.constant(POINTS), 3, values=False, initial_clusters=CENTERS, use_mini_batch=True, distance_metric="cosine"
)
CASES["batches_of_steps"] = lambda tf: _run(
    tf, tf.constant(POINTS), 3, values=False, initial_clusters=CENTERS, use_mini_batch=True,
    mini_batch_steps_per_iteration=2, distance_metric="cosine",
)  # fmt: skip
CASES["parts"] = lambda tf: _run(
    tf, [tf.constant(POINTS[:10]), tf.constant(POINTS[10:])], 2, initial_clusters=lambda inputs, n: inputs[0][:n]
)
CASES["unknown_beginning"] = lambda tf: tf.contrib.factorization.KMeans(POINTS, 3, "best")
CASES["unknown_distance"] = lambda tf: tf.contrib.factorization.KMeans(POINTS, 3, distance_metric="l1")
CASES["values"] = lambda tf: [
    tf.constant([getattr(tf.contrib.factorization, name) for name in ("RANDOM_INIT", "COSINE_DISTANCE")])
]


def _estimated(tf, make, points=POINTS, **options):
    def input_fn():
        return tf.data.Dataset.from_tensors(points)

    def batches():
        return tf.data.Dataset.from_tensors(points).repeat(3)

    found = make(3, tempfile.mkdtemp(), initial_clusters=options.pop("initial_clusters", CENTERS), **options)
    found.train(batches)
    values = [found.cluster_centers(), found.score(input_fn)]
    values += [list(found.predict_cluster_index(input_fn)), list(found.transform(input_fn))[:3]]
    return [tf.constant(np.asarray(v, np.float64)) for v in values]


CASES["estimated"] = lambda tf: _estimated(tf, tf.estimator.experimental.KMeans, use_mini_batch=False)
CASES["estimated_before"] = lambda tf: _estimated(tf, tf.contrib.factorization.KMeansClustering, use_mini_batch=False)
CASES["estimated_features"] = lambda tf: _estimated(
    tf, tf.estimator.experimental.KMeans, {"b": POINTS[:, :1], "a": POINTS[:, 1:]}, seed=2, relative_tolerance=0.5, use_mini_batch=False,
    initial_clusters="kmeans_plus_plus", distance_metric="cosine",
)  # fmt: skip
