"""`tf.contrib.losses` and its metric learning."""

import numpy as np

CASES = {}
R = np.random.RandomState(3)
E = R.rand(6, 4).astype("f")
F = R.rand(6, 4).astype("f")
Y = np.array([0, 1, 0, 2, 1, 0], np.int32)


def ml(name, f):
    CASES[name] = lambda tf: f(tf, tf.contrib.losses.metric_learning)


def withgrad(tf, l, *xs):
    return [l] + tf.gradients(l, list(xs))


def c1(tf, M):
    a, b = tf.constant(E), tf.constant(F)
    return withgrad(tf, M.contrastive_loss(tf.constant([0, 1, 1, 0, 0, 1]), a, b, 0.5), a, b)


ml("contrastive", c1)


def c2(tf, M):
    a = tf.constant(E)
    return withgrad(tf, M.triplet_semihard_loss(tf.constant(Y), a), a)


ml("triplet", c2)


def c3(tf, M):
    a, b = tf.constant(E), tf.constant(F)
    return withgrad(tf, M.npairs_loss(tf.constant(Y), a, b), a, b)


ml("npairs", c3)


def c4(tf, M):
    a, b = tf.constant(E[:2]), tf.constant(F[:2])
    s = [tf.SparseTensor([[0], [1]], [1, 1], [3]), tf.SparseTensor([[1]], [1], [3])]
    return withgrad(tf, M.npairs_loss_multilabel(s, a, b), a, b)


ml("npairsml", c4)


def c5(tf, M):
    a = tf.constant(E)
    return withgrad(tf, M.lifted_struct_loss(tf.constant(Y), a), a)


ml("lifted", c5)
CASES["hinge"] = lambda tf: [tf.contrib.losses.hinge_loss(tf.constant([1.0, -2.0, 0.5]), tf.constant([1, 0, 0]))]
CASES["cos"] = lambda tf: [
    tf.contrib.losses.cosine_distance(tf.constant(E), tf.constant(F), axis=1),
    tf.contrib.losses.cosine_distance(tf.constant(E), tf.constant(F), dim=0),
]
CASES["badcos"] = lambda tf: tf.contrib.losses.cosine_distance(tf.constant(E), tf.constant(F))


def loss(n, f):
    CASES["loss_" + n] = lambda tf: f(tf, tf.contrib.losses)


one = np.eye(4, dtype="f")[[0, 1, 2, 3, 0, 1]]
for w, ww in (("", None), ("w", [1.0, 0.0, 2.0, 1.0, 1.0, 0.0]), ("s", 0.5), ("z", 0.0)):

    def W(tf, ww=ww):
        return {} if ww is None else {"weights": ww}

    for n in ("absolute_difference", "mean_squared_error", "log_loss", "mean_pairwise_squared_error"):
        loss(n + w, lambda tf, M, n=n, W=W: [getattr(M, n)(tf.constant(E), tf.constant(F), **W(tf))])
    loss(
        "sig" + w,
        lambda tf, M, W=W: [
            M.sigmoid_cross_entropy(tf.constant(E), tf.constant(one), label_smoothing=0.1, **W(tf)),
            M.get_total_loss(),
        ],
    )
    loss(
        "soft" + w,
        lambda tf, M, W=W: [
            M.softmax_cross_entropy(tf.constant(E), tf.constant(one), label_smoothing=0.1, **W(tf)),
            M.softmax_cross_entropy(tf.constant(E), tf.constant(one), scope="q", **W(tf)),
        ],
    )
    loss(
        "sparse" + w,
        lambda tf, M, W=W: [M.sparse_softmax_cross_entropy(tf.constant(E), tf.constant([0, 1, 2, 3, 0, 1]), **W(tf))],
    )
loss(
    "w2",
    lambda tf, M: [
        M.compute_weighted_loss(tf.constant(E), tf.constant([[1.0]] * 6)),
        M.compute_weighted_loss(tf.constant(E), tf.constant(F)),
    ],
)
loss("badrank", lambda tf, M: M.compute_weighted_loss(tf.placeholder(tf.float32)))
loss("badshape", lambda tf, M: M.mean_squared_error(tf.constant([1.0]), tf.constant([1.0, 2.0])))
