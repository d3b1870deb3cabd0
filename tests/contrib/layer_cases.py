"""Layers and training steps of `tf.contrib.layers`, built by Retrograph and, when recorded, by TensorFlow 1.15."""

import numpy as np

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def model(tf):
    x = tf.constant(np.arange(6).reshape(3, 2) / 10.0, tf.float32)
    w = tf.get_variable("w", [2, 1], initializer=tf.ones_initializer())
    b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    return tf.reduce_mean(tf.square(tf.matmul(x, w) + b - 1.0))


def opt(cname, **kw):
    def f(tf):
        loss = model(tf)
        step = tf.train.get_or_create_global_step()
        k = {a: (b(tf) if callable(b) and getattr(b, "lazy", 0) else b) for a, b in kw.items()}
        k.setdefault("learning_rate", 0.1)
        k.setdefault("optimizer", "SGD")
        t = tf.contrib.layers.optimize_loss(loss, step if k.pop("step", True) else None, **k)
        return [t] + ([] if "gradient_noise_scale" in k else tf.trainable_variables())

    CASES["opt_" + cname] = f


def lazy(f):
    f.lazy = 1
    return f


opt("plain")
for o in ["Adam", "Adagrad", "Ftrl", "Momentum", "RMSProp"]:
    opt(o, optimizer=o)
opt("clip", clip_gradients=0.05)
opt("badclip", clip_gradients=1)
opt(
    "adaptive",
    clip_gradients=lazy(
        lambda tf: tf.contrib.slim.adaptive_clipping_fn(
            report_summary=True, static_max_norm=0.5, global_step=tf.train.get_global_step()
        )
    ),
)
opt("adaptive2", clip_gradients=lazy(lambda tf: tf.contrib.slim.adaptive_clipping_fn()))
opt("noise", gradient_noise_scale=0.1)
opt("mult", gradient_multipliers={"w:0": 2.0})
opt(
    "summ",
    summaries=["learning_rate", "loss", "gradients", "gradient_norm", "global_gradient_norm"],
    clip_gradients=0.1,
)
opt("badsumm", summaries=["x"])
opt("nosumm", summaries=[])
opt("decay", learning_rate_decay_fn=lazy(lambda tf: lambda lr, g: tf.train.exponential_decay(lr, g, 10, 0.5)))
opt("cls", optimizer=lazy(lambda tf: tf.train.AdamOptimizer))
opt("inst", optimizer=lazy(lambda tf: tf.train.AdamOptimizer(0.1)), learning_rate=None)
opt("fn", optimizer=lazy(lambda tf: lambda lr: tf.train.MomentumOptimizer(lr, 0.5)))
opt("bado", optimizer="Foo")
opt("bado2", optimizer=3)
opt("badlr", learning_rate=1)
opt("neg", learning_rate=-1.0)
opt("nolr", learning_rate=None)
opt("noinc", increment_global_step=False, name="tr")


@case
def optname(tf):
    loss = model(tf)
    tf.add_to_collection("update_ops", tf.no_op(name="u"))
    return [tf.contrib.layers.optimize_loss(loss, None, 0.1, "SGD")]


@case
def sparse_opt(tf):
    e = tf.get_variable("e", [5, 2], initializer=tf.ones_initializer())
    loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(e, [1, 2, 2])))
    return [
        tf.contrib.layers.optimize_loss(
            loss,
            tf.train.get_or_create_global_step(),
            0.1,
            "SGD",
            clip_gradients=1.0,
            gradient_multipliers={"e:0": 3.0},
            summaries=["gradients", "gradient_norm"],
        ),
        e,
    ]


@case
def summ(tf):
    x = tf.constant([[1.0, -2.0, 7.0]], name="x")
    r = tf.nn.relu(x, name="r")
    r6 = tf.nn.relu6(x, name="q")
    t = tf.tanh(x)
    L = tf.contrib.layers
    a = [
        L.summarize_activation(r),
        L.summarize_activation(r6),
        L.summarize_activation(t),
        L.summarize_tensor(x),
        L.summarize_tensor(tf.reduce_sum(x), "tag"),
    ]
    a += L.summarize_tensors([x, t])
    assert L.summarize_tensor(tf.constant("a")) is None
    tf.add_to_collection("activations", r)
    tf.add_to_collection("activations", t)
    a += L.summarize_activations("r")
    a += L.summarize_collection("activations")
    tf.get_variable("v", [2], initializer=tf.zeros_initializer())
    a += tf.contrib.slim.summarize_variables()
    return


@case
def shapes(tf):
    F = tf.contrib.framework
    p = tf.placeholder_with_default(np.ones((2, 3), np.float32), [None, 3], name="p")
    q = tf.placeholder_with_default(np.ones((2, 3), np.float32), None, name="q")
    c = tf.constant(np.ones((2, 3), np.float32), name="c")
    s = tf.placeholder_with_default(np.array([2, 3], np.int32), [2], name="s")
    return [
        F.with_shape([2, 3], p),
        F.with_shape([2, 3], q),
        F.with_shape(s, p),
        F.with_same_shape(c, p),
        F.with_same_shape(p, q),
        F.with_shape([2, 3], c),
        F.with_shape([], tf.constant([1.0])),
        F.reduce_sum_n([c, tf.constant(1.0)]),
        F.reduce_sum_n([c], name="n"),
        F.assert_scalar_int(tf.constant(3)),
    ] + list(F.remove_squeezable_dimensions(tf.constant([[1.0], [2.0]]), tf.constant([1.0, 2.0])))


for i, (sh, t) in enumerate([([2, 2], [1.0, 2.0]), ([[2]], [1.0, 2.0]), ([2.0], [1.0])]):
    CASES[f"badshape{i}"] = lambda tf, sh=sh, t=t: tf.contrib.framework.with_shape(sh, tf.constant(t))
CASES["badint"] = lambda tf: tf.contrib.framework.assert_scalar_int(tf.constant(1.0))


def img(tf, shape=(2, 4, 6, 8), name="x"):
    return tf.constant(np.random.RandomState(1).rand(*shape).astype("f") - 0.3, name=name)


def L(tf):
    return tf.contrib.layers


@case
def pools(tf):
    x = img(tf, (1, 4, 4, 4, 2))
    return [
        L(tf).avg_pool3d(x, 2, outputs_collections="o"),
        L(tf).max_pool3d(x, [2, 2, 2], 1, "SAME"),
        tf.contrib.slim.pool(img(tf), [2, 2], "AVG", outputs_collections="o"),
        tf.contrib.slim.pool(img(tf), 2, "MAX", stride=2, padding="SAME"),
        tf.contrib.slim.pool(img(tf), 2, "MAX", dilation_rate=2),
    ]


CASES["badpool"] = lambda tf: tf.contrib.slim.pool(img(tf, (2, 3)), 2, "MAX")
CASES["badpool2"] = lambda tf: tf.contrib.slim.pool(img(tf), (2, 3, 4), "MAX")
CASES["badpool3"] = lambda tf: tf.contrib.slim.pool(img(tf), 0, "MAX")
CASES["badpool4"] = lambda tf: L(tf).avg_pool3d(img(tf), 2, data_format="NHWC")


@case
def c3t(tf):
    x = img(tf, (1, 2, 3, 3, 2))
    o = tf.ones_initializer()
    return [
        L(tf).conv3d_transpose(x, 3, 3, 2, weights_initializer=o, variables_collections="vc", outputs_collections="o"),
        L(tf).convolution3d_transpose(
            x, 2, [2, 2, 2], weights_initializer=o, padding="VALID", normalizer_fn=L(tf).batch_norm, scope="n"
        ),
    ]


@case
def seq(tf):
    x = img(tf)
    s = L(tf).images_to_sequence(x, outputs_collections="o")
    return [
        s,
        L(tf).sequence_to_images(s, 4),
        L(tf).sequence_to_images(s, 4, "channels_first"),
        L(tf).images_to_sequence(x, "NCHW"),
    ]


@case
def spatial(tf):
    x = img(tf)
    return [
        L(tf).spatial_softmax(x),
        L(tf).spatial_softmax(x, temperature=0.5, name="ss", trainable=False),
        L(tf).spatial_softmax(x, data_format="NCHW"),
    ]


CASES["badspatial"] = lambda tf: L(tf).spatial_softmax(tf.placeholder(tf.float32, [2, 3, 3, None]))


@case
def legacy(tf):
    x = img(tf, (3, 4))
    o = tf.ones_initializer()
    return [
        L(tf).legacy_fully_connected(x, 3, weight_init=o),
        L(tf).legacy_relu(x, 2, weight_init=o, weight_regularizer=L(tf).l2_regularizer(0.1)),
        L(tf).legacy_linear(img(tf), 2, weight_init=o, name="q"),
        L(tf).legacy_fully_connected(x, 2, bias_init=None, weight_init=o),
    ]


CASES["badlegacy"] = lambda tf: L(tf).legacy_linear(tf.constant([1.0]), 2)


@case
def group(tf):
    x = img(tf)
    return [
        L(tf).group_norm(x, 4),
        L(tf).group_norm(x, 2, channels_axis=1, reduction_axes=[2, 3], variables_collections="vc"),
        L(tf).group_norm(x, 4, mean_close_to_zero=True, center=False),
        L(tf).group_norm(x, 4, scale=False, activation_fn=tf.nn.relu, outputs_collections="o"),
        L(tf).group_norm(tf.placeholder_with_default(np.ones((2, 4, 6, 8), "f"), [None, 4, 6, 8]), 2),
    ]


for i, k in enumerate(
    [
        {"groups": 16},
        {"groups": 3},
        {"channels_axis": 5},
        {"reduction_axes": [3], "groups": 4},
        {"reduction_axes": [9], "groups": 4},
    ]
):
    CASES[f"badgroup{i}"] = lambda tf, k=k: L(tf).group_norm(img(tf), **k)


@case
def bow(tf):
    ids = tf.constant([[1, 2, 0], [0, 0, 0], [3, 3, 1]])
    i = tf.constant_initializer(np.arange(10).reshape(5, 2))
    sp = tf.SparseTensor([[0, 0], [2, 1]], [1, 4], [3, 2])
    return [
        L(tf).bow_encoder(ids, 5, 2, initializer=i),
        L(tf).bow_encoder(ids, 5, 2, sparse_lookup=False, initializer=i),
        L(tf).bow_encoder(sp, 5, 2, initializer=i, scope="s", regularizer=L(tf).l2_regularizer(0.1)),
    ]


CASES["badbow"] = lambda tf: L(tf).bow_encoder(tf.constant([[1]]), 0, 2)


@case
def embed(tf):
    ids = tf.constant([[1, 2, 0], [0, 0, 0], [3, 3, 1]])
    i = tf.constant_initializer(np.arange(10).reshape(5, 2))
    return [
        L(tf).embed_sequence(ids, 5, 2, initializer=i, scope="e"),
        L(tf).embed_sequence(ids, 5, 2, True, scope="e", reuse=True),
    ]


CASES["badembed"] = lambda tf: L(tf).embed_sequence(tf.constant([[1]]))


@case
def d2s(tf):
    s = L(tf).dense_to_sparse(tf.constant([[1, 0, 2], [0, 0, 3]]))
    u = L(tf).embedding_lookup_unique(
        tf.constant(np.arange(6.0).reshape(3, 2), tf.float32), tf.constant([[0, 2], [2, 2]])
    )
    return [s, u]


@case
def misc(tf):
    x = img(tf, (3, 4))
    return [L(tf).maxout(x, 2), L(tf).unit_norm(x, 1), L(tf).unit_norm(img(tf), 2), L(tf).maxout(img(tf), 3, axis=2)]


@case
def bn_misc(tf):
    x = img(tf)
    B = L(tf).batch_norm
    B(x, param_regularizers={"beta": L(tf).l2_regularizer(0.1)}, updates_collections=None, scope="r1")
    B(x, fused=False, updates_collections=None, scope="r2", data_format="NCHW")
    B(img(tf, (3, 4)), batch_weights=tf.constant([1.0, 2.0, 3.0]), scope="r3")
    B(img(tf, (3, 4)), scope="r4", zero_debias_moving_mean=True)
    B(img(tf, (3, 4)), scope="r5", is_training=tf.placeholder_with_default(True, []), updates_collections=None)
    B(img(tf, (3, 4)), scope="r6", is_training=False)
    return


@case
def gdn(tf):
    x = img(tf)
    return (
        [L(tf).gdn(x), L(tf).gdn(x, inverse=True, name="g2"), L(tf).gdn(x, data_format="channels_first")][:3]
        if False
        else [L(tf).gdn(x), L(tf).gdn(x, inverse=True, name="g2")]
    )


@case
def gdn_grad(tf):
    x = img(tf)
    y = L(tf).gdn(x)
    return tf.gradients(y, [x] + tf.trainable_variables())


CASES["badgdn"] = lambda tf: L(tf).gdn(img(tf), data_format="x")


@case
def scaleg(tf):
    x = tf.constant([1.0, 2.0])
    return [L(tf).scale_gradient(x, tf.constant(3.0))] + tf.gradients(L(tf).scale_gradient(x * x, tf.constant(3.0)), x)


@case
def rev(tf):
    x = img(tf, (2, 4))
    x1, x2 = tf.split(x, 2, 1)

    def f(x):
        return tf.layers.dense(x, 2, kernel_initializer=tf.constant_initializer(0.3), activation=tf.tanh)

    y = L(tf).rev_block(x1, x2, f, f, num_layers=2)
    g = tf.gradients(y, [x] + tf.trainable_variables())
    return list(y) + g


@case
def rev_plain(tf):
    x1, x2 = tf.split(img(tf, (2, 4)), 2, 1)

    def f(x):
        return tf.layers.dense(x, 2, kernel_initializer=tf.constant_initializer(0.3), activation=tf.tanh)

    y = L(tf).rev_block(x1, x2, f, f, num_layers=2, is_training=False)
    return list(y) + tf.gradients(y, tf.trainable_variables())


@case
def rev_back(tf):
    x1, x2 = tf.split(img(tf, (2, 4)), 2, 1)

    def f(x):
        return tf.layers.dense(x, 2, kernel_initializer=tf.constant_initializer(0.3), activation=tf.tanh)

    b = L(tf).RevBlock(f, f, 2)
    y = b.forward(x1, x2)
    z = b.backward(*y)
    return list(y) + list(z)


@case
def recompute(tf):
    x = img(tf, (2, 4))
    lay = L(tf)

    @lay.recompute_grad
    def f(x):
        return tf.layers.dense(
            tf.layers.dense(x, 3, kernel_initializer=tf.constant_initializer(0.3), activation=tf.tanh, name="a"),
            2,
            kernel_initializer=tf.constant_initializer(0.2),
            name="b",
        )

    tf.get_variable_scope().set_use_resource(True)
    y = f(x)
    return [y] + tf.gradients(y, [x] + tf.trainable_variables())


VALUES_ONLY = {"scaleg", "rev", "rev_back", "recompute"}
