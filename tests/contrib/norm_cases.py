"""Batch normalization with renormalization, virtual batches and adjustments."""

import numpy as np

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def img(tf, shape=(4, 3, 2, 2), name="x"):
    return tf.constant(np.random.RandomState(1).rand(*shape).astype("f") * 3 - 0.3, name=name)


def bn(cname, shape=(4, 3, 2, 2), grad=True, **kw):
    def f(tf):
        x = img(tf, shape)
        k = dict(kw)
        if k.get("training") == "tensor":
            k["training"] = tf.placeholder_with_default(True, [])
        if k.get("adjustment"):
            k["adjustment"] = lambda s: (
                tf.ones([s[0]] + [1] * (len(shape) - 1)) * 1.5,
                tf.ones([s[0]] + [1] * (len(shape) - 1)) * 0.5,
            )
        y = tf.layers.batch_normalization(x, **k)
        u = tf.get_collection("update_ops")
        with tf.control_dependencies([y] + u):
            tf.no_op()
        return [y] + (tf.gradients(tf.reduce_sum(y * y), x) if grad else [])

    CASES["bn_" + cname] = f


def upd(cname, **kw):
    def f(tf):
        x = img(tf)
        k = dict(kw)
        if k.get("training") == "tensor":
            k["training"] = tf.placeholder_with_default(True, [])
        y = tf.layers.batch_normalization(x, **k)
        u = tf.get_collection("update_ops")
        return [y] + list(u)

    CASES["upd_" + cname] = f


bn("renorm", renorm=True, training=True)
bn("renorm_clip", renorm=True, training=True, renorm_clipping={"rmax": 1.2, "rmin": 0.5, "dmax": 0.1})
bn("renorm_inf", renorm=True)
bn("renorm_t", renorm=True, training="tensor", grad=False)
bn("virtual", virtual_batch_size=2, training=True)
bn("virtual_t", virtual_batch_size=2, training="tensor", grad=False)
bn("virtual_renorm", virtual_batch_size=2, renorm=True, training=True)
bn("virtual_inf", virtual_batch_size=2)
bn("virtual2", shape=(4, 3), virtual_batch_size=2, training=True)
bn("adj", adjustment=True, training=True)
bn("adj_t", adjustment=True, training="tensor", grad=False)
bn("axes", axis=[1, 3], training=True)
bn("axes_r", axis=[1, 3], training=True, renorm=True)
bn("rank2", shape=(4, 3), training=True, renorm=True)
bn("axis1", axis=1, renorm=True, training=True)
bn("badclip", renorm=True, renorm_clipping={"x": 1})
bn("badv", virtual_batch_size=0)
bn("badv2", virtual_batch_size=2, axis=0)
bn("badv3", virtual_batch_size=2, adjustment=True)
bn("fused_false", fused=False, training=True)
upd("renorm", renorm=True, training=True)
upd("renorm_t", renorm=True, training="tensor")
upd("virtual", virtual_batch_size=2, training=True)
upd("plain", training=True, fused=False)


def cbn(cname, **kw):
    def f(tf):
        x = img(tf)
        y = tf.contrib.layers.batch_norm(x, **kw)
        return [y] + list(tf.get_collection("update_ops"))

    CASES["cbn_" + cname] = f


cbn("renorm", renorm=True)
cbn("renorm2", renorm=True, renorm_clipping={"rmax": 1.1}, renorm_decay=0.5, scale=True)
cbn("badrenorm", renorm=True, updates_collections=None)
cbn("reg", updates_collections=None, scale=True)
