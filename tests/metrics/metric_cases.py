"""Metrics run the same way by Retrograph and, when the values are recorded, by TensorFlow 1.15."""

LABELS = [True, False, True, True, False, False]
SCORES = [0.9, 0.4, 0.35, 0.8, 0.7, 0.1]
WEIGHTS = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0]
BOUNDS = [0.2, 0.5, 0.75]
CLASSES = [[0], [2], [1]]
CLASS_SCORES = [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25]]

COUNTS = ["true_positives", "false_positives", "true_negatives", "false_negatives", "precision", "recall"]
CASES = {}
for _name in COUNTS:
    for _weights in (None, WEIGHTS):
        CASES[f"{_name} {_weights is not None}"] = (_name + "_at_thresholds", [LABELS, SCORES, BOUNDS, _weights])
for _name in ("sensitivity_at_specificity", "specificity_at_sensitivity"):
    for _wanted in (0.0, 0.7):
        CASES[f"{_name} {_wanted}"] = (_name, [LABELS, SCORES, _wanted, WEIGHTS, 20])
CASES["cosine"] = ("mean_cosine_distance", [[[1.0, 0.0], [0.6, 0.8]], [[0.0, 1.0], [0.8, 0.6]], 1])
CASES["cosine weights"] = (*CASES["cosine"][:1], [*CASES["cosine"][1], [[1.0], [3.0]]])
CASES["relative"] = ("mean_relative_error", [[1.0, 2.0, 3.0], [2.0, 2.0, 5.0], [1.0, 4.0, 0.0]])
CASES["relative weights"] = (*CASES["relative"][:1], [*CASES["relative"][1], [1.0, 2.0, 3.0]])
AT_K_CASES = {}
for _name in ("recall_at_k", "precision_at_k", "sparse_precision_at_k"):
    for _class in (None, 1):
        AT_K_CASES[f"{_name} {_class}"] = (_name, [CLASSES, CLASS_SCORES, 2, _class])
for _name in ("recall_at_top_k", "precision_at_top_k"):
    AT_K_CASES[_name] = (_name, [CLASSES, [[0, 1], [1, 2], [0, 2]], 2])
for _name in ("average_precision_at_k", "sparse_average_precision_at_k"):
    AT_K_CASES[_name] = (_name, [CLASSES, CLASS_SCORES, 2])
    AT_K_CASES[_name + " weights"] = (_name, [CLASSES, CLASS_SCORES, 2, [1.0, 2.0, 0.5]])
CASES.update(AT_K_CASES)


def run(tf, case):
    """Two updates, the figure after them, and the names of all that the metric made."""
    name, arguments = CASES[case]
    whole = tf.int64 if name.endswith("_k") else None
    with tf.Graph().as_default() as graph, tf.Session() as session:
        labels = tf.constant(arguments[0], whole)
        predictions = tf.constant(arguments[1], tf.int64 if "top_k" in name else None)
        value, update = getattr(tf.metrics, name)(labels, predictions, *arguments[2:])
        session.run(tf.local_variables_initializer())
        updates = [session.run(update).tolist() for _ in range(2)]
        return {
            "updates": updates,
            "value": session.run(value).tolist(),
            "names": [value.name, update.name] + [v.name for v in tf.local_variables()],
            "ops": [op.name + " " + op.type for op in graph.get_operations()],
        }
