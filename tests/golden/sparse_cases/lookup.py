"""Lookup tables."""

import numpy as np

from harness import case, named, tf, write

lk = tf.contrib.lookup
V = write("v.txt", "emerson\nlake\npalmer\n")
KV = write("kv.txt", "a\t3\nb\t5\n")
EMPTY = write("empty.txt", "a\n\nb\n")
C = tf.constant
K = lambda: lk.KeyValueTensorInitializer(["a", "b", "c"], [1, 2, 3], value_dtype=tf.int64)


def inits():
    return [o.name for o in tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS)]


@case
def h1():
    t = lk.HashTable(K(), -1)
    return t.lookup(C(["a", "z"])), t.size(), t.name and C(t.name), C(inits())


@case
def h2():
    t = lk.HashTable(K(), -1, name="tt", shared_name="sh")
    return (
        t.lookup(tf.SparseTensor([[0, 0], [1, 1]], ["c", "q"], [2, 2])),
        t.export(),
        C(t.init.name),
        C(t.default_value.name),
    )


@case
def h3():
    return lk.HashTable(K(), "x")


@case
def h4():
    t = lk.HashTable(K(), -1)
    return t.lookup(C([1]))


@case
def h5():
    t = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer([1, 2], [1.5, 2.5], tf.int64, tf.float32), 0.0, name="st"
    )
    return t.lookup(C([2, 5], tf.int64)), t.size(), t.export(), C(t.initializer.name)


@case
def uninit():
    t = lk.HashTable(K(), -1)
    tf.get_default_graph().clear_collection(tf.GraphKeys.TABLE_INITIALIZERS)
    return t.lookup(C(["a"]))


@case
def dup():
    t = lk.HashTable(lk.KeyValueTensorInitializer(["a", "a"], [1, 2], value_dtype=tf.int64), -1)
    return t.lookup(C(["a"]))


@case
def dup2():
    t = lk.HashTable(lk.KeyValueTensorInitializer(["a", "a"], [1, 1], value_dtype=tf.int64), -1)
    return t.lookup(C(["a"])), t.size()


@case
def dupi():
    t = lk.HashTable(lk.KeyValueTensorInitializer([1, 1], [1, 2], tf.int64, value_dtype=tf.int64), -1)
    return t.lookup(C([1], tf.int64))


@case
def reinit():
    t = lk.HashTable(K(), -1)
    with tf.control_dependencies([t.init]):
        return t.lookup(C(["b"])), t.init


@case
def reinit2():
    t = lk.HashTable(K(), -1)
    i = lk.KeyValueTensorInitializer(["a"], [7], value_dtype=tf.int64).initialize(t)
    return t.lookup(C(["b"]))


@case
def badshape():
    return lk.KeyValueTensorInitializer(["a", "b"], [1], value_dtype=tf.int64).initialize(lk.HashTable(K(), -1))


@case
def i2s():
    t = lk.index_to_string_table_from_tensor(["x", "y"], default_value="UNK")
    return t.lookup(C([0, 1, 9], tf.int64)), C(inits())


@case
def s2i():
    t = lk.index_table_from_tensor(["x", "y"], num_oov_buckets=3)
    return t.lookup(C(["x", "y", "q", "w"])), t.size(), C(t.name)


@case
def s2i_b():
    t = lk.index_table_from_tensor(C([10, 20]), dtype=tf.int32, num_oov_buckets=2, name="nm")
    return t.lookup(C([10, 20, 30, 40])), t.size()


@case
def s2i_c():
    t = lk.index_table_from_tensor(["x", "y"], default_value=7)
    return t.lookup(C(["x", "y", "q", "w"])), t.size()


@case
def s2i_d():
    t = lk.index_table_from_tensor(["x", "y"], num_oov_buckets=5, hasher_spec=lk.StrongHashSpec([1, 2]))
    return t.lookup(C(["x", "y", "q", "w"]))


@case
def s2i_old():
    return lk.string_to_index(C(["y", "q"]), ["x", "y"]), lk.index_to_string(C([1, 5], tf.int64), ["x", "y"])


@case
def s2i_old2():
    t = lk.string_to_index_table_from_tensor(["x", "y"], num_oov_buckets=1)
    return t.lookup(C(["y", "q"]))


for n, f in enumerate(
    [
        lambda: lk.index_table_from_tensor(None),
        lambda: lk.index_table_from_tensor(["a"], num_oov_buckets=-1),
        lambda: lk.index_table_from_tensor([1], dtype=tf.string),
        lambda: lk.index_table_from_tensor(["a"], dtype=tf.float32),
        lambda: lk.index_table_from_file(""),
        lambda: lk.index_table_from_file("x", vocab_size=0),
        lambda: lk.index_to_string_table_from_tensor(None),
        lambda: lk.StrongHashSpec([1]),
        lambda: lk.IdTableWithHashBuckets(None, 0),
        lambda: lk.IdTableWithHashBuckets(None, 3, hasher_spec="a"),
        lambda: tf.lookup.StaticVocabularyTable(K(), 0),
    ]
):
    named("err%d" % n, f)


@case
def f1():
    t = lk.index_table_from_file(V, num_oov_buckets=1)
    return (
        t.lookup(C(["lake", "x"])),
        t.size(),
        C(inits()),
        C([a.name for a in tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)]),
        C(t.init.name),
    )


@case
def f2():
    t = lk.index_to_string_table_from_file(V, vocab_size=2, name="qq")
    return t.lookup(C([0, 2], tf.int64)), t.size()


@case
def f3():
    t = lk.HashTable(lk.TextFileInitializer(KV, tf.string, 0, tf.int64, 1, delimiter="\t"), -1)
    return t.lookup(C(["a", "b", "c"])), t.size()


@case
def f4():
    return lk.index_table_from_file(V, vocab_size=9).lookup(C(["lake", "x"]))


@case
def f5():
    return lk.index_table_from_file(V + ".nope").lookup(C(["lake", "x"]))


@case
def f6():
    return lk.index_table_from_file(EMPTY).lookup(C(["lake", "x"]))


@case
def f7():
    return lk.HashTable(lk.TextFileInitializer(V, tf.string, 0, tf.int64, 1), -1).lookup(C(["lake", "x"]))


@case
def f8():
    return lk.HashTable(lk.TextFileInitializer(KV, tf.string, 1, tf.int64, 0), -1).lookup(C(["lake", "x"]))


@case
def f9():
    return lk.TextFileInitializer(KV, tf.string, lk.TextFileIndex.LINE_NUMBER, tf.int64, 0)


@case
def f10():
    return lk.index_table_from_file(vocabulary_file=C(V)).lookup(C(["lake", "x"]))


@case
def f11():
    return lk.string_to_index_table_from_file(V).lookup(C(["lake", "x"]))


@case
def vt():
    t = tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [0, 1], tf.string, tf.int64), 3)
    return t.lookup(C(["a", "b", "zz", "yy"])), t.size(), C(t.name), C(t.initializer.name)


@case
def vt2():
    t = tf.lookup.StaticVocabularyTable(tf.lookup.TextFileInitializer(V, tf.string, -2, tf.int64, -1), 1, name="voc")
    return t.lookup(tf.SparseTensor([[0]], ["palmer"], [1])), t.size()


@case
def bk():
    t = lk.IdTableWithHashBuckets(None, 4)
    return t.lookup(C(["a", "b"])), t.size(), C(t.init.name)


@case
def m1():
    t = lk.MutableHashTable(tf.string, tf.int64, -1)
    i = t.insert(C(["a", "b"]), C([1, 2], tf.int64))
    with tf.control_dependencies([i]):
        l = t.lookup(C([["a", "q"]]))
        s = t.size()
    with tf.control_dependencies([l, s]):
        r = t.remove(C(["a", "nn"]))
    with tf.control_dependencies([r]):
        l2 = t.lookup(C(["a", "b"]))
        e = t.export()
    return l, s, l2, e, C(t.name)


@case
def m2():
    t = lk.MutableHashTable(tf.int64, tf.float32, [0.0, 0.0], name="mt")
    i = t.insert(C([1, 2], tf.int64), C([[1.0, 2.0], [3.0, 4.0]]))
    with tf.control_dependencies([i]):
        return t.lookup(C([2, 5], tf.int64)), t.size(), t.export()


@case
def m3():
    t = lk.MutableHashTable(tf.string, tf.int64, -1)
    return t.insert(C(["a"]), C([1, 2], tf.int64))


@case
def m4():
    t = lk.MutableHashTable(tf.string, tf.int64, -1)
    return t.lookup(C([1]))


@case
def d1():
    t = lk.MutableDenseHashTable(tf.int64, tf.int64, -1, 0, -1)
    i = t.insert(C([11, 12], tf.int64), C([1, 2], tf.int64))
    with tf.control_dependencies([i]):
        return t.lookup(C([[11, 13]], tf.int64)), t.size(), C(t.name)


@case
def d2():
    t = lk.MutableDenseHashTable(tf.int64, tf.int64, -1, 0, -1)
    return t.insert(C([11, 0], tf.int64), C([1, 2], tf.int64))


@case
def d3():
    t = lk.MutableDenseHashTable(tf.int64, tf.int64, -1, 0, -1)
    return t.lookup(C([-1], tf.int64))


@case
def d4():
    return lk.MutableDenseHashTable(tf.int64, tf.int64, -1, 5, 5).size()


@case
def d5():
    t = lk.MutableDenseHashTable(tf.string, tf.float32, [-1.0, 0.0], ["", ""], ["$", "$"], initial_num_buckets=8)
    i = t.insert(C([["a", "b"], ["c", "d"]]), C([[1.0, 2.0], [3.0, 4.0]]))
    with tf.control_dependencies([i]):
        l = t.lookup(C([["a", "b"], ["x", "y"]]))
        s = t.size()
    with tf.control_dependencies([l, s]):
        r = t.erase(C([["a", "b"]]))
    with tf.control_dependencies([r]):
        return l, s, t.size(), t.export()


@case
def d6():
    return lk.MutableDenseHashTable(tf.int64, tf.int64, -1, 0, -1, initial_num_buckets=12).size()


@case
def incond():
    t = lk.HashTable(K(), -1)
    return tf.cond(tf.constant(True), lambda: t.lookup(C(["a"])), lambda: C([0], tf.int64))


@case
def feed():
    t = lk.HashTable(K(), -1)
    p = tf.placeholder(tf.string, [None, 2])
    v = tf.get_variable("e", [5, 2], initializer=tf.ones_initializer())
    return "FEED", {p: [["a", "b"], ["c", "q"]]}, tf.nn.embedding_lookup(v, t.lookup(p) + 1)
