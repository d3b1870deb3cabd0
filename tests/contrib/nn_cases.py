"""`tf.contrib.nn` and `tf.contrib.copy_graph`."""

import numpy as np

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


R = np.random.RandomState(2)
X = R.rand(4, 3).astype("f") * 4 - 1


@case
def alpha(tf):
    x = tf.constant(X)
    return [
        tf.contrib.nn.alpha_dropout(x, 0.6, seed=3),
        tf.contrib.nn.alpha_dropout(x, 1.0),
        tf.contrib.nn.alpha_dropout(x, tf.constant(0.5), noise_shape=[4, 1], seed=5),
    ]


CASES["badalpha"] = lambda tf: tf.contrib.nn.alpha_dropout(tf.constant(X), 1.5)


@case
def softplus(tf):
    x = tf.constant(X)
    a = tf.constant([1.0, 2.0, 3.0])
    y = tf.contrib.nn.scaled_softplus(x, a)
    z = tf.contrib.nn.scaled_softplus(x, a, tf.constant(2.0))
    return [y, z] + tf.gradients(y, [x, a]) + tf.gradients(z, [x, a])


@case
def flipped(tf):
    l = tf.constant(X)
    n = tf.contrib.nn
    return [
        n.deprecated_flipped_softmax_cross_entropy_with_logits(l, tf.nn.softmax(l)),
        n.deprecated_flipped_sparse_softmax_cross_entropy_with_logits(l, tf.constant([0, 1, 2, 0])),
        n.deprecated_flipped_sigmoid_cross_entropy_with_logits(l, tf.nn.sigmoid(l)),
    ]


def sv(tf):
    return (tf.constant([3, 1, 4, 2], tf.int64), tf.constant([[0.5]] * 4), tf.constant([0.3, 0.2, 0.4, 0.1]))


@case
def sampled(tf):
    w = tf.constant(np.arange(18).reshape(6, 3).astype("f") / 18)
    b = tf.constant(np.arange(6).astype("f") / 6)
    y = tf.constant([[0], [1], [2], [5]], tf.int64)
    x = tf.constant(X)
    n = tf.contrib.nn
    return [
        n.sampled_sparse_softmax_loss(w, b, y, x, 4, 6, sampled_values=sv(tf)),
        n.rank_sampled_softmax_loss(w, b, y, x, 4, 2, 6, 1, sv(tf), 0.7, True, "mod"),
    ]


for i, (a, b, c) in enumerate([(9, 2, "mod"), (4, 4, "mod"), (4, 2, "x")]):
    CASES[f"badrank{i}"] = lambda tf, a=a, b=b, c=c: tf.contrib.nn.rank_sampled_softmax_loss(
        0, 0, 0, 0, a, b, 6, 1, None, 1.0, True, c
    )


@case
def copy(tf):
    g = tf.Graph()
    with g.as_default():
        v = tf.Variable([1.0, 2.0], name="v")
        w = tf.Variable(3.0, name="w", trainable=False)
        y = tf.add(v * 2.0, w, name="y")
        with tf.control_dependencies([y]):
            z = tf.identity(y, name="z")
        tf.add_to_collection("mine", z)
    to = tf.get_default_graph()
    C = tf.contrib.copy_graph
    cs = [C.copy_variable_to_graph(a, to, "sc") for a in (v, w)]
    t = C.copy_op_to_graph(z, to, cs, "sc")
    assert C.get_copied_op(z, to, "sc") is t
    return [t]


CASES["badcopy"] = lambda tf: tf.contrib.copy_graph.copy_variable_to_graph("x", tf.get_default_graph())
VALUES_ONLY = {"softplus"}
