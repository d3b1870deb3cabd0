"""Parsing of examples, CSV and serialized tensors."""

import numpy as np

from harness import case, named, tf, write

F = tf.train.Feature


def ex(**kw):
    d = {}
    for k, v in kw.items():
        if v is None:
            d[k] = F()
        elif isinstance(v, bytes) or (v and isinstance(v[0], bytes)):
            d[k] = F(bytes_list=tf.train.BytesList(value=[v] if isinstance(v, bytes) else v))
        elif v and isinstance(v[0], float):
            d[k] = F(float_list=tf.train.FloatList(value=v))
        else:
            d[k] = F(int64_list=tf.train.Int64List(value=v))
    return tf.train.Example(features=tf.train.Features(feature=d)).SerializeToString()


def flist(rows):
    fs = []
    for v in rows:
        if v and isinstance(v[0], bytes):
            fs.append(F(bytes_list=tf.train.BytesList(value=v)))
        elif v and isinstance(v[0], float):
            fs.append(F(float_list=tf.train.FloatList(value=v)))
        else:
            fs.append(F(int64_list=tf.train.Int64List(value=v)))
    return tf.train.FeatureList(feature=fs)


def sx(ctx, lists):
    e = tf.train.Example.FromString(ex(**ctx))
    return tf.train.SequenceExample(
        context=e.features, feature_lists=tf.train.FeatureLists(feature_list={k: flist(v) for k, v in lists.items()})
    ).SerializeToString()


E1 = ex(a=[1.0, 2.0], b=[3, -4, 300], c=b"xyz", d=[b"p", b"q"])
E2 = ex(a=[5.0, 6.0], b=[7], c=b"", d=[b"r"])
FX = {
    "a": tf.FixedLenFeature([2], tf.float32),
    "b": tf.VarLenFeature(tf.int64),
    "c": tf.FixedLenFeature([], tf.string),
    "d": tf.VarLenFeature(tf.string),
}


@case
def batch():
    return tf.parse_example([E1, E2], FX)


@case
def batch_named():
    return tf.io.parse_example([E1, E2], FX, name="pp", example_names=["n1", "n2"])


@case
def batch_ph():
    p = tf.placeholder(tf.string, [None])
    return "FEED", {p: [E1, E2]}, tf.parse_example(p, FX)


@case
def single():
    return tf.parse_single_example(E1, FX)


@case
def single2():
    return tf.io.parse_single_example(tf.constant(E1), {k: FX[k] for k in "ac"}, name="zz")


@case
def single_names():
    return tf.parse_single_example(E1, FX, example_names="nm")


@case
def defaults():
    return tf.parse_example(
        [E1, E2],
        {
            "z": tf.FixedLenFeature([2], tf.int64, [8, 9]),
            "y": tf.FixedLenFeature([], tf.string, "q"),
            "w w": tf.FixedLenFeature((1,), tf.float32, 2.0),
        },
    )


@case
def defaults_s():
    return tf.parse_single_example(
        E1,
        {
            "z": tf.FixedLenFeature([2], tf.int64, [8, 9]),
            "y": tf.FixedLenFeature([], tf.string, "q"),
            "v": tf.VarLenFeature(tf.float32),
        },
    )


@case
def seqf():
    return tf.parse_example(
        [E1, E2],
        {
            "b": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
            "d": tf.FixedLenSequenceFeature([1], tf.string, allow_missing=True, default_value="pad"),
            "q": tf.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
        },
    )


@case
def seqf_s():
    return tf.parse_single_example(
        E1,
        {
            "b": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
            "d": tf.FixedLenSequenceFeature([1], tf.string, allow_missing=True, default_value="pad"),
            "q": tf.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
        },
    )


@case
def seqf_bad():
    return tf.parse_example([E1, E2], {"b": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True)})


@case
def seqf_bad2():
    return tf.parse_example([E1, E2], {"b": tf.FixedLenSequenceFeature([2], tf.int64)})


@case
def sparsef():
    return tf.parse_example(
        [ex(i=[5, 2], v=[1.0, 2.0]), ex(i=[0], v=[3.0])], {"s": tf.SparseFeature("i", "v", tf.float32, 10)}
    )


@case
def sparsef2():
    return tf.parse_single_example(
        ex(i=[5, 2], j=[1, 1], v=[1.0, 2.0]),
        {
            "s": tf.SparseFeature(["i", "j"], "v", tf.float32, [10, 3], already_sorted=True),
            "i": tf.VarLenFeature(tf.int64),
        },
    )


for n, (fe, exs) in enumerate(
    [
        ({"a": tf.FixedLenFeature([3], tf.float32)}, [E1]),
        ({"a": tf.FixedLenFeature([2], tf.int64)}, [E1]),
        ({"nope": tf.FixedLenFeature([2], tf.int64)}, [E1]),
        ({"a": tf.VarLenFeature(tf.int64)}, [E1]),
        ({"a": tf.FixedLenFeature([2], tf.float32)}, [b"garbage"]),
        ({"b": tf.FixedLenSequenceFeature([], tf.float32, allow_missing=True)}, [E1]),
        ({"c": tf.FixedLenFeature([2], tf.string)}, [E1]),
    ]
):

    def f(fe=fe, exs=exs):
        return tf.parse_example(exs, fe)

    named("bad%d" % n, f)

    def f(fe=fe, exs=exs):
        return tf.parse_single_example(exs[0], fe)

    named("bads%d" % n, f)
for n, fe in enumerate(
    [
        {},
        None,
        {"a": tf.FixedLenFeature([None], tf.float32)},
        {"a": tf.FixedLenFeature([2, None], tf.float32)},
        {"a": tf.FixedLenFeature(None, tf.float32)},
        {"a": tf.FixedLenFeature([2], None)},
        {"a": 3},
        {"a": tf.VarLenFeature(None)},
        {"a": tf.FixedLenFeature([2], tf.float32, [1.0])},
    ]
):

    def f(fe=fe):
        return tf.parse_example([E1], fe)

    named("badf%d" % n, f)


@case
def absent():
    return tf.parse_example(
        [ex(a=None), ex()], {"a": tf.VarLenFeature(tf.float32), "b": tf.FixedLenFeature([], tf.int64, 3)}
    )


@case
def empty_batch():
    p = tf.placeholder(tf.string, [None])
    return "FEED", {p: []}, tf.parse_example(p, {"a": tf.FixedLenFeature([2], tf.float32)})


S1 = sx({"n": [2], "t": b"hi"}, {"w": [[1, 2], [3]], "x": [[1.0, 2.0], [3.0, 4.0]], "y": [[b"a"]]})
S2 = sx({"n": [3], "t": b"yo"}, {"w": [[9]], "x": [[5.0, 6.0]]})
CT = {"n": tf.FixedLenFeature([], tf.int64), "t": tf.VarLenFeature(tf.string)}
SQ = {
    "w": tf.VarLenFeature(tf.int64),
    "x": tf.FixedLenSequenceFeature([2], tf.float32),
    "y": tf.FixedLenSequenceFeature([], tf.string, allow_missing=True),
}


@case
def sseq():
    return tf.parse_single_sequence_example(S1, CT, SQ)


@case
def sseq2():
    return tf.io.parse_single_sequence_example(S2, CT, SQ, example_name="exn", name="nn")


@case
def sseq3():
    return tf.parse_single_sequence_example(S2, None, {"x": SQ["x"]})


@case
def bseq():
    return tf.io.parse_sequence_example([S1, S2], CT, SQ)


@case
def bseq2():
    return tf.io.parse_sequence_example(
        [S1, S2],
        {"q": tf.FixedLenFeature([2], tf.float32, [1.0, 2.0])},
        {"zz": tf.VarLenFeature(tf.float32)},
        example_names=["a", "b"],
    )


@case
def sseq_bad1():
    return tf.parse_single_sequence_example(S2, CT, {"y": tf.FixedLenSequenceFeature([], tf.string)})


@case
def sseq_bad2():
    return tf.parse_single_sequence_example(S1, {"nope": tf.FixedLenFeature([], tf.int64)})


@case
def sseq_bad3():
    return tf.parse_single_sequence_example(S1, {"n": tf.FixedLenFeature([], tf.float32)})


@case
def sseq_bad4():
    return tf.parse_single_sequence_example(S1, None, {"w": tf.FixedLenSequenceFeature([], tf.int64)})


@case
def sseq_bad5():
    return tf.parse_single_sequence_example(S1)


@case
def csv1():
    return tf.decode_csv(["1,2.5,a", '3,,"b, ""q"""'], [[0], [1.5], [""]])


@case
def csv2():
    return tf.io.decode_csv("1\t2\t3", [[0], tf.constant([], tf.int64)], field_delim="\t", select_cols=[0, 2], name="c")


for n, (r, d, k) in enumerate(
    [
        (["1,2"], [[0]], {}),
        (["x"], [[0]], {}),
        ([""], [[0]], {}),
        (["1,"], [[0], tf.constant([], tf.float32)], {}),
        (["NA,1"], [[7], [0]], {"na_value": "NA"}),
        (['"a"b,1'], [[""], [0]], {}),
        (['a"b,1'], [[""], [0]], {}),
        (['a"b,1'], [[""], [0]], {"use_quote_delim": False}),
        (["1,2"], [[0], [0]], {"select_cols": [1, 0]}),
        (["1,2"], [[0]], {"select_cols": [-1]}),
        (["1"], [[0]], {"field_delim": "||"}),
        (['"a'], [[""]], {}),
        (["1,2,"], [[0], [0], [5]], {}),
        (["1.5"], [[0]], {}),
        (["99999999999"], [[0]], {}),
        ([" 1"], [[0]], {}),
        (["1e3,nan"], [[0.0], [0.0]], {}),
        (["1"], [[0, 1]], {}),
        ([b"1\n"], [[0]], {}),
    ]
):

    def f(r=r, d=d, k=k):
        return tf.decode_csv(r, [x if isinstance(x, list) else tf.constant([], x.dtype) for x in d], **k)

    named("csv_m%d" % n, f)


@case
def ptensor():
    return (
        tf.io.parse_tensor(tf.io.serialize_tensor(tf.constant([[1.0, 2.0]])), tf.float32),
        tf.io.serialize_tensor(tf.constant(["a", "bc"])),
        tf.serialize_tensor(tf.constant([1, 1, 1], tf.int64)),
    )


@case
def ptensor_bad():
    return tf.io.parse_tensor(tf.io.serialize_tensor([1.0]), tf.int32)


@case
def ptensor_bad2():
    return tf.io.parse_tensor(b"abc", tf.int32)


@case
def json1():
    return tf.parse_example(
        tf.io.decode_json_example(
            [
                '{"features":{"feature":{"a":{"floatList":{"value":[1.5,2]}},"b":{"int64List":{"value":["3",4]}},"c":{"bytesList":{"value":["aGk="]}}}}}'
            ]
        ),
        {
            "a": tf.FixedLenFeature([2], tf.float32),
            "b": tf.VarLenFeature(tf.int64),
            "c": tf.FixedLenFeature([], tf.string),
        },
    )


@case
def json_bad():
    return tf.decode_json_example(['{"a'])


import zlib, gzip


@case
def comp():
    return tf.decode_compressed([zlib.compress(b"hello")], "ZLIB"), tf.io.decode_compressed([b"x"])


@case
def sseq_bad6():
    return tf.parse_single_sequence_example(S1, {"n": tf.FixedLenFeature([2], tf.int64)})


@case
def sseq_bad7():
    return tf.parse_single_sequence_example(
        S1, None, {"x": tf.FixedLenSequenceFeature([3], tf.float32)}, example_name="u"
    )


@case
def sseq_bad8():
    return tf.parse_single_sequence_example(
        S1, None, {"x": tf.FixedLenSequenceFeature([2], tf.int64)}, example_name="u"
    )


@case
def sseq_bad9():
    return tf.parse_single_sequence_example(S1, None, {"x": tf.VarLenFeature(tf.int64)}, example_name="u")


@case
def sseq_bad10():
    return tf.parse_single_sequence_example(b"zzz", None, {"x": tf.VarLenFeature(tf.int64)}, example_name="u")
