"""`tf.contrib.layers.regression_target` and its kin: losses, predictions, metrics."""

import numpy as np

R = np.random.RandomState(2)
LOGITS = R.randn(6, 1).astype(np.float32)
WIDE = R.randn(6, 3).astype(np.float32)
WEIGHTS = {"w": R.rand(6, 1).astype(np.float32)}

CASES = {}
# The losses of hinges and the metrics of old are made by functions whose operations are compared elsewhere.
VALUES_ONLY = ["aggregated", "aggregated_weighted"]


def case(f):
    CASES[f.__name__] = f
    return f


def _used(tf, target, logits, labels, metrics=None, features=WEIGHTS):
    labels = tf.constant(labels)
    made = [
        target.training_loss(tf.constant(logits), labels, features),
        target.loss(tf.constant(logits), labels, features),
        target.logits_to_predictions(tf.constant(logits)),
    ]
    found = target.get_eval_ops(features, tf.constant(logits), labels, metrics)
    names = sorted(found)
    properties = [target.label_name, target.weight_column_name, target.num_label_columns, target.problem_type]
    said = tf.constant([str(names), str(properties)])
    return ([said] + made, [found[name][1] for name in names], [found[name][0] for name in names])


def _mean_error(tf):
    return {"error": tf.contrib.metrics.streaming_mean_absolute_error}


@case
def regression(tf):
    return _used(tf, tf.contrib.layers.regression_target(), LOGITS, LOGITS[:, 0] * 2, _mean_error(tf))


@case
def regression_weighted(tf):
    target = tf.contrib.slim.regression_target("l", weight_column_name="w", label_dimension=3)
    return _used(tf, target, WIDE[:, :1], LOGITS)


@case
def two_classes(tf):
    target = tf.contrib.layers.multi_class_target(2, weight_column_name="w")
    return _used(tf, target, LOGITS, np.array([0, 1, 1, 0, 1, 0]))


@case
def three_classes(tf):
    metrics = {"a": tf.contrib.metrics.streaming_accuracy, ("m", "probabilities"): lambda p, l: tf.metrics.mean(p)}
    target = tf.contrib.slim.multi_class_target(3, "label")
    return _used(tf, target, WIDE, np.array([[0], [1], [2], [0], [1], [2]]), metrics)


@case
def margins(tf):
    target = tf.contrib.slim.binary_svm_target()
    return _used(tf, target, LOGITS, np.array([0, 1, 1, 0, 1, 0]), {})


def _sparse(tf, values):
    return tf.SparseTensor([[0, 0], [0, 2], [1, 0], [2, 1]], values, [3, 3])


def _aggregated(tf, weights, **options):
    tables = [tf.constant(WIDE), tf.constant(WIDE * 2)]
    lookup = tf.contrib.slim.embedding_lookup_sparse_with_distributed_aggregation
    ids = _sparse(tf, tf.constant([1, 7, 7, 4], tf.int64))
    return lookup(tables, ids, weights, combiner=options.get("combiner", "mean"))


CASES["aggregated"] = lambda tf: _aggregated(tf, None)
CASES["aggregated_weighted"] = lambda tf: _aggregated(tf, _sparse(tf, [1.0, 2.0, 0.5, 3.0]), combiner="sqrtn")
CASES["one_class"] = lambda tf: tf.contrib.layers.multi_class_target(1)
CASES["float_classes"] = lambda tf: _used(tf, tf.contrib.layers.multi_class_target(3), WIDE, LOGITS)
CASES["wrong_name"] = lambda tf: _used(
    tf, tf.contrib.layers.multi_class_target(3), WIDE, np.arange(6) % 3, {("a", "b"): None}
)
CASES["no_probabilities"] = lambda tf: tf.contrib.slim.binary_svm_target().logits_to_predictions(LOGITS, proba=True)
