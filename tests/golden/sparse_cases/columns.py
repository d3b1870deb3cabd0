"""Feature columns."""

import numpy as np

from harness import case, named, tf, write

fc = tf.feature_column
C = tf.constant


def F():
    return {
        "a": C([[1.0], [2.0]]),
        "b": C([3.0, -1.0]),
        "s": C([["x"], ["q"]]),
        "sp": tf.SparseTensor([[0, 0], [1, 0], [1, 1]], ["u", "v", "u"], [2, 2]),
        "i": C([[0], [2]]),
        "w": tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [0.5, 1.0, 2.0], [2, 2]),
        "m": C([[1, 2], [3, 4]]),
    }


A = lambda: fc.numeric_column("a")
B = lambda: fc.numeric_column("b", normalizer_fn=lambda x: x * 2.0)
BU = lambda: fc.bucketized_column(fc.numeric_column("a"), [0.0, 1.5])
S = lambda **k: fc.categorical_column_with_vocabulary_list("s", ["x", "y"], **k)
SP = lambda **k: fc.categorical_column_with_vocabulary_list("sp", ["u", "v"], **k)
H = lambda: fc.categorical_column_with_hash_bucket("s", 10)
I = lambda **k: fc.categorical_column_with_identity("i", 3, **k)
ini = lambda: tf.constant_initializer(np.arange(12).reshape(-1, 2))
VOCABULARY = write("columns.txt", "x\ny\n")
VF = lambda: fc.categorical_column_with_vocabulary_file("s", VOCABULARY, num_oov_buckets=1)


def names():
    return C([v.name for v in tf.global_variables()] or ["none"])


for n, f in {
    "num": lambda: [A(), B()],
    "mat": lambda: [fc.numeric_column("m", shape=2, dtype=tf.int32)],
    "buc": lambda: [BU()],
    "ind": lambda: [fc.indicator_column(S())],
    "ind2": lambda: [fc.indicator_column(SP(num_oov_buckets=2))],
    "indw": lambda: [fc.indicator_column(fc.weighted_categorical_column(SP(), "w"))],
    "indh": lambda: [fc.indicator_column(H())],
    "indi": lambda: [fc.indicator_column(I())],
    "vf": lambda: [fc.indicator_column(VF())],
    "emb": lambda: [fc.embedding_column(I(), 2, initializer=ini()), A()],
    "embs": lambda: [fc.embedding_column(SP(), 2, combiner="sum", initializer=ini())],
    "embw": lambda: [
        fc.embedding_column(fc.weighted_categorical_column(SP(), "w"), 2, initializer=ini(), max_norm=1.0)
    ],
    "sh": lambda: fc.shared_embedding_columns([SP(), S()], 2, initializer=ini()),
    "cr": lambda: [fc.indicator_column(fc.crossed_column(["s", BU()], 7))],
    "cr2": lambda: [fc.indicator_column(fc.crossed_column(["s", "sp"], 7, hash_key=3))],
    "indd": lambda: [fc.indicator_column(fc.categorical_column_with_identity("i", 2, default_value=1))],
    "indbad": lambda: [fc.indicator_column(fc.categorical_column_with_identity("i", 2))],
}.items():

    def g(f=f):
        c = {}
        o = {}
        r = fc.input_layer(F(), f(), cols_to_vars=c, cols_to_output_tensors=o)
        return r, names(), C(sorted(str(k.name) + str(len(v)) for k, v in c.items()))

    named("il_" + n, g)
for n, f in {
    "num": lambda: [A(), B()],
    "cat": lambda: [S(), I(), BU()],
    "w": lambda: [fc.weighted_categorical_column(SP(), "w")],
    "cr": lambda: [fc.crossed_column(["s", BU()], 7)],
    "emb": lambda: [fc.embedding_column(I(), 2, initializer=ini())],
}.items():

    def g(f=f):
        c = {}
        r = fc.linear_model(F(), f(), units=2, cols_to_vars=c)
        return (
            r,
            names(),
            C(sorted(str(getattr(k, "name", k)) + str(len(v)) for k, v in c.items())),
            tf.gradients(r, tf.trainable_variables()[-1]),
        )

    named("lm_" + n, g)


@case
def twice():
    with tf.variable_scope("Q"):
        return (
            fc.linear_model(F(), [A()]),
            fc.linear_model(F(), [A()]),
            fc.input_layer(F(), [fc.embedding_column(I(), 2, initializer=ini())]),
            fc.input_layer(F(), [fc.embedding_column(I(), 2, initializer=ini())]),
            names(),
        )


@case
def spec():
    return C(
        sorted(
            str(i)
            for i in fc.make_parse_example_spec(
                [
                    A(),
                    BU(),
                    S(),
                    fc.embedding_column(H(), 2),
                    fc.weighted_categorical_column(SP(), "w"),
                    fc.crossed_column(["s", "zz"], 7),
                ]
            ).items()
        )
    )


for n, f in enumerate(
    [
        lambda: fc.input_layer(F(), []),
        lambda: fc.input_layer(F(), [S()]),
        lambda: fc.input_layer(F(), [A(), A()]),
        lambda: fc.input_layer(F(), [fc.numeric_column("zz")]),
        lambda: fc.numeric_column("a", shape=0),
        lambda: fc.numeric_column("a", shape=1.5),
        lambda: fc.numeric_column("a", dtype=tf.string),
        lambda: fc.numeric_column("a", default_value="x"),
        lambda: fc.numeric_column("a", default_value=[1.0, 2.0]),
        lambda: fc.numeric_column(3),
        lambda: fc.bucketized_column(A(), [2.0, 1.0]),
        lambda: fc.bucketized_column("a", [1.0]),
        lambda: fc.categorical_column_with_hash_bucket("a", 0),
        lambda: fc.categorical_column_with_vocabulary_list("a", []),
        lambda: fc.categorical_column_with_vocabulary_list("a", ["a", "a"]),
        lambda: fc.categorical_column_with_vocabulary_list("a", ["a"], dtype=tf.int64),
        lambda: fc.categorical_column_with_identity("a", 0),
        lambda: fc.categorical_column_with_identity("a", 3, default_value=3),
        lambda: fc.crossed_column(["a"], 3),
        lambda: fc.crossed_column(["a", H()], 3),
        lambda: fc.embedding_column(I(), 0),
        lambda: fc.embedding_column(I(), 2, initializer=3),
        lambda: fc.input_layer({"a": C(1.0)}, [A()]),
        lambda: fc.input_layer({"a": C([1.0]), "b": C([1.0, 2.0])}, [A(), B()]),
        lambda: fc.input_layer(F(), {"a": A()}),
        lambda: fc.input_layer(F(), ["a"]),
        lambda: fc.categorical_column_with_vocabulary_file("a", ""),
        lambda: fc.linear_model(F(), [fc.categorical_column_with_hash_bucket("a", 3)]),
    ]
):
    named("err%d" % n, f)
