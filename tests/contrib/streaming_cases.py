"""`tf.contrib.metrics`: streaming figures."""

import numpy as np

CASES = {}
P = [0.9, 0.4, 0.35, 0.8, 0.7, 0.1]
L = [True, False, True, True, False, False]
W = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0]


def m(cname, fn, args, kw=None):
    kw = kw or {}

    def f(tf):
        def conv(v):
            return (
                tf.constant(v)
                if isinstance(v, (list, np.ndarray)) and not (isinstance(v, list) and v and v[0] == "raw")
                else (v[1] if isinstance(v, list) else v)
            )

        r = getattr(tf.contrib.metrics, fn)(*[conv(a) for a in args], **{k: conv(v) for k, v in kw.items()})
        if not isinstance(r, tuple):
            return [r]
        value, update = r
        return (
            [] if isinstance(update, tf.Operation) and 0 else update,
            list(value) if isinstance(value, tuple) else value,
        )

    CASES[cname] = f


C = {"metrics_collections": ["raw", ["mc"]], "updates_collections": ["raw", ["uc"]], "name": "nm"}
for w in (None, W):
    k = "" if w is None else "_w"
    ww = {} if w is None else {"weights": w}
    m("fpr" + k, "streaming_false_positive_rate", [[True, False, True, True, True, False], L], ww)
    m("fnr" + k, "streaming_false_negative_rate", [[True, False, True, True, True, False], L], dict(ww, **C))
    T = ["raw", [0.2, 0.5, 0.75]]
    for n in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
        m(n + k, f"streaming_{n}_at_thresholds", [P, L, T], ww)
    m("fprt" + k, "streaming_false_positive_rate_at_thresholds", [P, L, T], ww)
    m("fnrt" + k, "streaming_false_negative_rate_at_thresholds", [P, L, T], dict(ww, **C))
    m("pt" + k, "streaming_precision_at_thresholds", [P, L, T], ww)
    m("rt" + k, "streaming_recall_at_thresholds", [P, L, T], ww)
    for c in ("ROC", "PR"):
        m("curve" + c + k, "streaming_curve_points", [L, P], dict(ww, curve=c, num_thresholds=9))
        m("dyn" + c + k, "streaming_dynamic_auc", [L, P], dict(ww, curve=c))
    m("auc" + k, "streaming_auc", [P, L], dict(ww, num_thresholds=9))
    m("rap" + k, "recall_at_precision", [L, P, 0.7], dict(ww, num_thresholds=9))
    m("raps" + k, "recall_at_precision", [L, P, 0.7], dict(ww, num_thresholds=9, strict_mode=True))
    m("par" + k, "precision_at_recall", [L, P, 0.7], dict(ww, num_thresholds=9))
    m("f1" + k, "f1_score", [L, P], dict(ww, num_thresholds=9))
    m("sas" + k, "streaming_sensitivity_at_specificity", [P, L, 0.7], dict(ww, num_thresholds=9))
    m("spas" + k, "streaming_specificity_at_sensitivity", [P, L, 0.7], dict(ww, num_thresholds=9))
    m("cov" + k, "streaming_covariance", [P, [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]], ww)
    m("pear" + k, "streaming_pearson_correlation", [P, [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]], dict(ww, **C))
    m("count" + k, "count", [P], ww)
    m("kappa" + k, "cohen_kappa", [[0, 1, 2, 1, 0, 2], [0, 1, 1, 1, 2, 2], 3], ww)
    m("aucci" + k, "auc_with_confidence_intervals", [[1, 0, 1, 1, 0, 0], P], ww)
    m(
        "aucci2" + k,
        "auc_with_confidence_intervals",
        [[1, 0, 1, 1, 0, 0], P],
        dict(ww, logit_transformation=False, alpha=0.9),
    )
    m("preq" + k, "precision_recall_at_equal_thresholds", [L, P], dict(ww, num_thresholds=6))
    m(
        "mre" + k,
        "streaming_mean_relative_error",
        [P, [1.0, 2.0, 3.0, 4.0, 5.0, 7.0], [1.0, 2.0, 0.0, 4.0, 5.0, 7.0]],
        ww,
    )
    m("rk" + k, "streaming_recall_at_k", [np.random.RandomState(0).rand(6, 4).astype("f"), [0, 1, 2, 3, 0, 1], 2], ww)
m("mcd", "streaming_mean_cosine_distance", [[[1.0, 0.0], [0.6, 0.8]], [[0.0, 1.0], [0.8, 0.6]], 1])
S = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.4, 0.35, 0.25]], "f")
Y = np.array([[0], [2], [1]], np.int64)
I = np.array([[0, 1], [1, 2], [0, 2]], np.int64)
for c in (None, 1):
    m(f"srk{c}", "streaming_sparse_recall_at_k", [S, Y, 2], {"class_id": c})
    m(f"spk{c}", "streaming_sparse_precision_at_k", [S, Y, 2], {"class_id": c})
    m(f"sptk{c}", "streaming_sparse_precision_at_top_k", [I, Y], {"class_id": c})
    m(f"srtk{c}", "sparse_recall_at_top_k", [Y, I], {"class_id": c})
m("sapk", "streaming_sparse_average_precision_at_k", [S, Y, 2])
m("saptk", "streaming_sparse_average_precision_at_top_k", [I, Y])
m("concat", "streaming_concat", [[[1, 2], [3, 4]]])
m("concat1", "streaming_concat", [[[1, 2], [3, 4]]], {"axis": 1})
m("concatm", "streaming_concat", [[[1, 2], [3, 4]]], {"max_size": 3})
m("concatbad", "streaming_concat", [[[1, 2], [3, 4]]], {"axis": 2})
m("hist", "auc_using_histogram", [L, P, ["raw", [0.0, 1.0]]], {"nbins": 10})
m("hist2", "auc_using_histogram", [L, P, ["raw", [0.0, 1.0]]], {"nbins": 10, "check_shape": False})
m("confusion", "confusion_matrix", [[0, 1, 2], [0, 2, 2]])
for n, a in [
    ("recall_at_precision", [L, P, 1.5]),
    ("precision_at_recall", [L, P, -1.0]),
    ("streaming_curve_points", [L, P, None, 9, None, None, "X"]),
    ("streaming_dynamic_auc", [L, P, "X"]),
    ("cohen_kappa", [[0], [0], 1]),
    ("auc_with_confidence_intervals", [L, P, None, 2.0]),
]:
    m("bad_" + n, n, a)


def _careful(tf):
    value, update = tf.metrics.auc(
        tf.constant(L), tf.constant(P), num_thresholds=9, curve="PR", summation_method="careful_interpolation"
    )
    return update, value


CASES["careful"] = _careful
for _slow in ("aucci_w", "aucci2"):
    del CASES[_slow]
VALUES_ONLY = {"aucci", "aucci2", "aucci_w", "aucci2_w"}
