"""Feature columns of `tf.contrib.layers`, crosses and scattered embeddings."""

import numpy as np

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def L(tf):
    return tf.contrib.slim


def sp(tf, v, dt=None):
    return tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant(v, dt), [3, 2])


@case
def cross(tf):
    a = sp(tf, ["a", "bb", "c"])
    b = sp(tf, [1, -2, 3], tf.int64)
    d = tf.constant([["x"], ["y"], ["z"]])
    s = L(tf).sparse_feature_cross
    return [
        s([a, b]),
        s([a, b, d], hashed_output=True, num_buckets=100),
        s([a, a], hashed_output=True),
        s([a, b], hashed_output=True, num_buckets=1000, hash_key=L(tf).SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY),
        s([a, d], hashed_output=True, hash_key=7),
    ]


CASES["badcross"] = lambda tf: L(tf).sparse_feature_cross(3)


@case
def scattered(tf):
    w = tf.constant(np.arange(20).astype("f"))
    w2 = [tf.constant(np.arange(10).astype("f")), tf.constant(np.arange(9).astype("f"))]
    return [
        L(tf).scattered_embedding_lookup(w, tf.constant(["a", "b"]), 3),
        L(tf).scattered_embedding_lookup(w2, tf.constant([[1], [2]], tf.int64), 2, hash_key=5),
    ] + [
        L(tf).scattered_embedding_lookup_sparse(w, sp(tf, ["a", "bb", "c"]), 3, combiner=c)
        for c in ("sum", "mean", "sqrtn")
    ]


CASES["badscat"] = lambda tf: L(tf).scattered_embedding_lookup(tf.constant([1.0]), tf.constant(["a"]), 0)
CASES["badscat2"] = lambda tf: L(tf).scattered_embedding_lookup(
    [tf.constant([1.0]), tf.constant([1.0, 2.0, 3.0])], tf.constant(["a"]), 2
)
CASES["bucket"] = lambda tf: [tf.contrib.slim.bucketize(tf.constant([1.0, 5.0, 20.0]), [2.0, 10.0])]


def layers(tf):
    return tf.contrib.layers


def feats(tf):
    return {
        "x": tf.constant([[1.0, 2.0], [3.0, 4.0], [25.0, 0.0]]),
        "one": tf.constant([[3], [4], [5]], tf.int64),
        "s": tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant(["a", "bb", "c"]), [3, 2]),
        "w": tf.SparseTensor([[0, 0], [0, 1], [2, 0]], [0.5, 2.0, 3.0], [3, 2]),
        "i": tf.SparseTensor([[0, 0], [1, 0], [2, 0]], tf.constant([1, 12, 7], tf.int64), [3, 1]),
    }


def cols(tf):
    l = layers(tf)
    x = l.real_valued_column("x", dimension=2)
    one = l.real_valued_column("one", dtype=tf.int64, normalizer=lambda t: t * 2)
    h = l.sparse_column_with_hash_bucket("s", 10)
    k = l.sparse_column_with_keys("s", ["a", "c"], combiner="mean")
    i = l.sparse_column_with_integerized_feature("i", 5)
    b = l.bucketized_column(x, [2.0, 3.0, 20.0])
    b1 = l.bucketized_column(l.real_valued_column("one"), [4.0])
    w = l.weighted_sparse_column(k, "w")
    return {
        "x": x,
        "one": one,
        "h": h,
        "k": k,
        "i": i,
        "b": b,
        "b1": b1,
        "w": w,
        "c": l.crossed_column([h, b], 20),
        "ck": l.crossed_column([h, i], 30, hash_key=l.SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY),
    }


def init(tf, n):
    return tf.constant_initializer(np.arange(n * 2).reshape(n, 2) / 10.0)


@case
def inp(tf):
    c = cols(tf)
    l = layers(tf)
    outs = {}
    y = l.input_from_feature_columns(
        feats(tf),
        [
            c["x"],
            c["one"],
            c["b"],
            l.one_hot_column(c["k"]),
            l.one_hot_column(c["w"]),
            l.embedding_column(c["h"], 2, initializer=init(tf, 10)),
            l.embedding_column(c["w"], 2, initializer=init(tf, 2), combiner="sum"),
            l.embedding_column(c["c"], 2, initializer=init(tf, 20)),
            l.scattered_embedding_column("s", 9, 3, hash_key=5, initializer=tf.ones_initializer()),
        ],
        cols_to_outs=outs,
        weight_collections=["wc"],
    )
    return [y] + [outs[k] for k in sorted(outs, key=lambda k: k.name)]


@case
def shared(tf):
    c = cols(tf)
    l = layers(tf)
    h2 = l.sparse_column_with_hash_bucket("t", 10)
    f = feats(tf)
    f["t"] = f["s"]
    e = l.shared_embedding_columns([c["h"], h2], 2, initializer=init(tf, 10))
    return [l.input_from_feature_columns(f, e)]


@case
def wide(tf):
    c = cols(tf)
    y, v, b = layers(tf).weighted_sum_from_feature_columns(
        feats(tf), [c[k] for k in ("x", "h", "k", "i", "b", "b1", "w", "c", "ck")], 2, weight_collections=["q"]
    )
    return [y, b] + [v[k] for k in sorted(v, key=lambda k: k.name)] + tf.gradients(y, tf.trainable_variables()[:1])


@case
def joint(tf):
    c = cols(tf)
    y, v, b = layers(tf).joint_weighted_sum_from_feature_columns(feats(tf), [c[k] for k in ("h", "i", "b", "c")], 3)
    return [y, v, b]


@case
def transform(tf):
    c = cols(tf)
    t = layers(tf).transform_features(feats(tf), [c[k] for k in sorted(c)])
    return [t[c[k]] for k in sorted(c)]


@case
def seqs(tf):
    c = cols(tf)
    l = layers(tf)
    f = {
        "x": tf.constant(np.arange(12.0).reshape(2, 3, 2).astype("f")),
        "s": tf.SparseTensor([[0, 0, 0], [0, 1, 0], [1, 2, 1]], tf.constant(["a", "bb", "c"]), [2, 3, 2]),
    }
    return [
        l.sequence_input_from_feature_columns(
            f, [c["x"], l.one_hot_column(c["k"]), l.embedding_column(c["h"], 2, initializer=init(tf, 10))]
        )
    ]


@case
def parse(tf):
    F = tf.train.Feature
    ex = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    "x": F(float_list=tf.train.FloatList(value=[i, i + 1])),
                    "s": F(bytes_list=tf.train.BytesList(value=[b"a", b"z"][:i])),
                }
            )
        ).SerializeToString()
        for i in (1, 2)
    ]
    c = cols(tf)
    r = layers(tf).parse_feature_columns_from_examples(tf.constant(ex), [c["x"], c["h"], c["b"]])
    layers(tf).make_place_holder_tensors_for_base_features([c["x"], c["h"]])
    return [r["x"], r["s"], r[c["h"]], r[c["b"]]]


def says(f):
    def g(tf):
        raise KeyError(repr(f(tf)))

    CASES["says_" + f.__name__] = g


@says
def names(tf):
    c = cols(tf)
    l = layers(tf)
    c["e"] = l.embedding_column(c["h"], 2)
    c["o"] = l.one_hot_column(c["h"])
    c["sc"] = l.scattered_embedding_column("s", 9, 3, 5)
    return (
        [(k, c[k].name, c[k].key if k not in ("e", "sc") else "", sorted(c[k].config)) for k in sorted(c)],
        sorted(l.create_feature_spec_for_parsing([c["x"], c["c"], c["w"]]).items()),
        [x.key for x in l.infer_real_valued_columns({"a": tf.constant([[1.0, 2.0]])})],
    )


bad = [
    lambda l, tf: l.real_valued_column("a", 0),
    lambda l, tf: l.real_valued_column("a", None),
    lambda l, tf: l.real_valued_column("a", "x"),
    lambda l, tf: l.real_valued_column("a", 2, [1.0]),
    lambda l, tf: l.real_valued_column("a", dtype=tf.string),
    lambda l, tf: l.real_valued_column("a", 1, 1.5, tf.int32),
    lambda l, tf: l.sparse_column_with_hash_bucket("a", 0),
    lambda l, tf: l.sparse_column_with_hash_bucket("a", 3, hash_keys=[1]),
    lambda l, tf: l.sparse_column_with_hash_bucket("a", 3, dtype=tf.float32),
    lambda l, tf: l.bucketized_column(l.real_valued_column("a"), []),
    lambda l, tf: l.bucketized_column(l.real_valued_column("a"), [3, 1]),
    lambda l, tf: l.crossed_column([l.sparse_column_with_hash_bucket("a", 3)], 10),
    lambda l, tf: l.crossed_column([l.sparse_column_with_hash_bucket("a", 3)] * 2, 1),
    lambda l, tf: l.crossed_column([l.real_valued_column("a")] * 2, 10),
    lambda l, tf: l.sparse_column_with_vocabulary_file("a", "f"),
    lambda l, tf: l.check_feature_columns({}),
    lambda l, tf: l.check_feature_columns([l.real_valued_column("a")] * 2),
    lambda l, tf: l.input_from_feature_columns(feats(tf), [cols(tf)["h"]]),
    lambda l, tf: l.weighted_sum_from_feature_columns(
        feats(tf), [l.embedding_column(cols(tf)["h"], 2, initializer=print)], 1
    ),
    lambda l, tf: l.joint_weighted_sum_from_feature_columns(feats(tf), [cols(tf)["x"]], 1),
    lambda l, tf: l.embedding_column(cols(tf)["h"], 2, initializer=3),
    lambda l, tf: l.scattered_embedding_column("s", 0, 3, 5),
    lambda l, tf: l.shared_embedding_columns("s", 3),
    lambda l, tf: l.sequence_input_from_feature_columns({}, [cols(tf)["h"]]),
]
for i, b in enumerate(bad):
    CASES[f"bad{i}"] = lambda tf, b=b: b(layers(tf), tf)


def model_columns(tf):
    c, l = cols(tf), layers(tf)
    return [c["x"], c["b"], c["k"], c["i"], c["w"], c["c"]], [
        c["x"],
        c["b"],
        l.one_hot_column(c["k"]),
        l.embedding_column(c["h"], 2),
        l.scattered_embedding_column("s", 9, 3, 5),
    ]


@case
def in_linear_model(tf):
    return [tf.feature_column.linear_model(feats(tf), model_columns(tf)[0], units=2)]


@case
def in_input_layer(tf):
    return [tf.feature_column.input_layer(feats(tf), model_columns(tf)[1])]


@says
def in_parsing(tf):
    linear, dense = model_columns(tf)
    make = tf.feature_column.make_parse_example_spec
    return sorted(make(linear).items()), sorted(make(dense).items())


CASES["bad_in_input_layer"] = lambda tf: tf.feature_column.input_layer(feats(tf), [cols(tf)["h"]])
