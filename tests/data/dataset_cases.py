"""Datasets that TensorFlow 1.15 was asked about: what each adds to a graph, and the elements it gives."""

import gzip
import json
import os

import numpy as np


def write_files(folder):
    """The files that some of the datasets read."""

    def path(name):
        return os.path.join(folder, name)

    texts = {
        "a.txt": b"one\ntwo\r\n\nfour",
        "b.txt": b"b1\nb2\n",
        "f.bin": b"HHabcdefF",
        "c.csv": b'i,f,s\n1,2.5,x\n2,,"q, ""u"""\n3,4,zz\n4,1,w\n5,,v\n',
    }
    for name, content in texts.items():
        with open(path(name), "wb") as file:
            file.write(content)
    with gzip.open(path("a.gz"), "wb") as file:
        file.write(b"g1\ng2\n")


def cases(tf, folder):
    """The datasets by name, each as a function that makes it."""
    D, E = tf.data.Dataset, tf.data.experimental

    def F(name):
        return os.path.join(folder, name)

    def r(n=10):
        return D.range(n)

    return {
        "tensors": lambda: D.from_tensors((1, {"a": [1.0, 2.0]})),
        "slices": lambda: D.from_tensor_slices({"x": np.arange(6).reshape(3, 2), "y": ["a", "b", "c"]}),
        "sparse": lambda: D.from_tensor_slices(tf.SparseTensor([[0, 0], [1, 1]], [1, 2], [3, 2])),
        "sparse1": lambda: D.from_tensors(tf.SparseTensor([[0, 0], [1, 1]], [1, 2], [3, 2])).repeat(2).batch(2),
        "sparse_map": lambda: D.range(3).map(lambda x: tf.SparseTensor([[x, 0]], [x], [4, 1])).batch(2),
        "stss": lambda: D.from_sparse_tensor_slices(tf.SparseTensor([[0, 0], [1, 1]], [1, 2], [3, 2])),
        "gen": lambda: D.from_generator(lambda: iter([1, 2, 3]), tf.int32, []),
        "gen_args": lambda: D.from_generator(lambda n: range(n), tf.int64, args=(5,)),
        "range1": lambda: r(3),
        "range2": lambda: D.range(2, 8),
        "range3": lambda: D.range(8, 2, -2),
        "zip": lambda: D.zip((r(3), (r(4), r(5)))),
        "zipd": lambda: D.zip({"a": r(3), "b": r(4)}),
        "concat": lambda: r(3).concatenate(r(2)),
        "prefetch": lambda: r(4).prefetch(2),
        "prefetch0": lambda: r(4).prefetch(None),
        "repeat": lambda: r(3).repeat(2),
        "repeatn": lambda: r(3).repeat(),
        "enumerate": lambda: r(3).enumerate(start=5),
        "shuffle": lambda: r(10).shuffle(3, seed=2),
        "shuffle0": lambda: r(10).shuffle(3, seed=0),
        "shuffle_nr": lambda: r(4).shuffle(3, 5, False).repeat(3),
        "shuffle_big": lambda: r(100).shuffle(1000, seed=7).batch(9),
        "shuffle_rep_b": lambda: r(20).shuffle(7, seed=7).repeat(3).batch(9),
        "shuffle_rep_small": lambda: r(4).shuffle(50, seed=7).repeat(6).batch(5),
        "shuffle_twice": lambda: r(20).shuffle(7, seed=7).shuffle(5, seed=3).repeat(2),
        "shuffle_take": lambda: r(20).shuffle(7, seed=7).take(5).repeat(2),
        "slice_shuffle_batch": lambda: (
            D.from_tensor_slices((np.arange(24.0).reshape(12, 2), np.arange(12))).shuffle(5, seed=1).repeat(2).batch(5)
        ),
        "cache": lambda: r(3).cache().repeat(2),
        "take": lambda: r(9).take(4),
        "takeall": lambda: r(4).take(-1),
        "skip": lambda: r(9).skip(4),
        "skipall": lambda: r(4).skip(-1),
        "shard": lambda: r(9).shard(4, 1),
        "batch": lambda: r(7).batch(3),
        "batch_drop": lambda: r(7).batch(3, True),
        "padded": lambda: r(5).map(lambda x: tf.fill([x], x)).padded_batch(2, [None]),
        "padded2": lambda: (
            r(4).map(lambda x: (tf.fill([x], x), tf.as_string(x))).padded_batch(2, ([7], []), (np.int64(-1), "z"), True)
        ),
        "padded_s": lambda: (
            D.from_tensor_slices(["a b", "c"]).map(lambda s: tf.string_split([s]).values).padded_batch(2, [None])
        ),
        "map": lambda: r(4).map(lambda x: x * x),
        "pmap": lambda: r(4).map(lambda x: (x, tf.cast(x, tf.float32) / 2), num_parallel_calls=3),
        "mapdict": lambda: r(4).map(lambda x: {"b": x, "a": x + 1}).map(lambda d: d["a"] + d["b"]),
        "maplist": lambda: r(4).map(lambda x: [x, x + 1]),
        "mapconst": lambda: r(2).map(lambda x: (1, [2.0, 3.0])),
        "mapcap": lambda: (lambda c: r(3).map(lambda x: x + c))(tf.constant(10, tf.int64)),
        "mapcond": lambda: r(4).map(lambda x: tf.cond(tf.equal(x % 2, 0), lambda: x, lambda: -x)),
        "mapwhile": lambda: r(4).map(lambda x: tf.while_loop(lambda i: i < 10, lambda i: i + x + 1, [x])),
        "maprand": lambda: r(3).map(lambda x: tf.random_normal([2], seed=3)),
        "mapunif": lambda: r(3).map(lambda x: tf.random.uniform([], 0, 10, tf.int32, seed=3)),
        "mapshuf": lambda: r(3).map(lambda x: tf.random_shuffle(tf.range(5), seed=3)),
        "mappy": lambda: r(3).map(lambda x: tf.py_func(lambda v: v * 2, [x], tf.int64)),
        "mapconv": lambda: r(2).map(
            lambda x: tf.nn.conv2d(tf.ones([1, 4, 4, 1]), tf.ones([2, 2, 1, 1]), 1, "SAME")[0, :, :, 0]
        ),
        "flat_map": lambda: r(4).flat_map(lambda x: D.range(x)),
        "flat_map2": lambda: D.from_tensor_slices([[1, 2], [3, 4]]).flat_map(D.from_tensor_slices),
        "interleave": lambda: r(5).interleave(lambda x: D.from_tensors(x).repeat(3), cycle_length=2, block_length=2),
        "interleave3": lambda: D.from_tensor_slices([4, 1, 3, 2, 5]).interleave(
            lambda x: D.from_tensors(x).repeat(tf.cast(x, tf.int64)), cycle_length=3, block_length=2
        ),
        "pinterleave": lambda: D.from_tensor_slices([4, 1, 3, 2, 5]).interleave(
            lambda x: D.from_tensors(x).repeat(tf.cast(x, tf.int64)),
            cycle_length=3,
            block_length=2,
            num_parallel_calls=2,
        ),
        "xinterleave": lambda: D.from_tensor_slices([4, 1, 3, 2, 5]).apply(
            E.parallel_interleave(
                lambda x: D.from_tensors(x).repeat(tf.cast(x, tf.int64)), cycle_length=3, block_length=2
            )
        ),
        "filter": lambda: r(9).filter(lambda x: tf.equal(x % 3, 0)),
        "window": lambda: r(7).window(3).flat_map(lambda w: w.batch(3)),
        "window2": lambda: r(7).window(3, 1, 2, True).flat_map(lambda w: w.batch(3)),
        "window3": lambda: D.zip((r(6), r(6))).window(2, 3).flat_map(lambda a, b: D.zip((a, b))),
        "options": lambda: r(3).with_options(tf.data.Options()),
        "sar": lambda: r(5).apply(E.shuffle_and_repeat(3, 2, seed=9)),
        "mab": lambda: r(5).apply(E.map_and_batch(lambda x: x * 2, 2)),
        "mab_drop": lambda: r(5).apply(E.map_and_batch(lambda x: x * 2, 2, drop_remainder=True)),
        "d2s": lambda: r(4).map(lambda x: tf.fill([x], x)).apply(E.dense_to_sparse_batch(3, [4])),
        "unique": lambda: D.from_tensor_slices([1, 2, 1, 3, 2]).apply(E.unique()),
        "take_while": lambda: r(9).apply(E.take_while(lambda x: x < 4)),
        "scan": lambda: r(5).apply(E.scan(np.int64(0), lambda s, x: (s + x, s * 2))),
        "counter": lambda: E.Counter(3, 2).take(3),
        "choose": lambda: E.choose_from_datasets(
            [r(3), r(5)], D.from_tensor_slices(np.array([0, 1, 1, 0, 1, 0, 0, 1], np.int64))
        ),
        "sample": lambda: E.sample_from_datasets([r(4), r(6)], [0.3, 0.7], seed=4),
        "sample_none": lambda: E.sample_from_datasets([r(4), r(6)], seed=8),
        "random": lambda: E.RandomDataset(seed=4).take(5),
        "gbw": lambda: r(10).apply(E.group_by_window(lambda x: x % 3, lambda k, d: d.batch(4), 2)),
        "gbr": lambda: r(10).apply(
            E.group_by_reducer(lambda x: x % 3, E.Reducer(lambda k: np.int64(0), lambda s, x: s + x, lambda s: s))
        ),
        "bucket": lambda: (
            D.from_tensor_slices([5, 1, 7, 3, 2, 8])
            .map(lambda n: tf.fill([n], n))
            .apply(E.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 6], [2, 2, 2]))
        ),
        "bucket2": lambda: (
            D.from_tensor_slices([5, 1, 7, 3, 2, 4])
            .map(lambda n: tf.fill([n], n))
            .apply(
                E.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [3, 8], [2, 2, 2], pad_to_bucket_boundary=True)
            )
        ),
        "ignore": lambda: (
            D.from_tensor_slices([1.0, 0.0, 2.0])
            .map(lambda x: tf.check_numerics(1.0 / x, "bad"))
            .apply(E.ignore_errors())
        ),
        "resample": lambda: D.from_tensor_slices(np.array([0] * 20 + [1] * 20)).apply(
            E.rejection_resample(lambda x: x, [0.8, 0.2], [0.5, 0.5], seed=3)
        ),
        "resample2": lambda: D.from_tensor_slices(np.array([0, 1] * 40)).apply(
            E.rejection_resample(lambda x: x, [0.8, 0.2], seed=3)
        ),
        "text": lambda: tf.data.TextLineDataset([F("a.txt"), F("b.txt")]).skip(1),
        "textp": lambda: tf.data.TextLineDataset([F("a.txt"), F("b.txt")], num_parallel_reads=2),
        "textgz": lambda: tf.data.TextLineDataset(F("a.gz"), "GZIP"),
        "rec": lambda: tf.data.TFRecordDataset(F("a.rec")),
        "fixed": lambda: tf.data.FixedLengthRecordDataset(F("f.bin"), 3, 2, 1),
        "files": lambda: D.list_files(F("*.txt"), shuffle=False),
        "csv": lambda: E.CsvDataset(F("c.csv"), [tf.int32, [0.5], tf.string], header=True),
        "csvsel": lambda: E.CsvDataset(F("c.csv"), [tf.int32, tf.string], header=True, select_cols=[0, 2]),
        "mkcsv": lambda: E.make_csv_dataset(F("c.csv"), 2, label_name="s", num_epochs=1, shuffle=False),
        "mkcsv_shuf": lambda: E.make_csv_dataset(F("c.csv"), 2, num_epochs=2, shuffle_seed=5),
        "stack": lambda: D.from_tensor_slices((np.eye(3), [b"x", b"y", b"z"])).map(lambda a, b: (a, b)).batch(2),
    }


def plain(value):
    """A fetched value as JSON has it, with its type."""
    if hasattr(value, "dense_shape"):
        return ["sparse", plain(value.indices), plain(value.values), plain(value.dense_shape)]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    array = np.asarray(value)
    kind = "string" if array.dtype.kind in "OSU" else str(array.dtype)
    return [kind, json.loads(json.dumps(array.tolist(), default=lambda b: b.decode()))]


def facts(tf, make, mode):
    """(operations, element types and shapes, first elements) of a dataset gone through by one kind of iterator."""
    with tf.Graph().as_default() as graph:
        dataset = make()
        once = mode == "one_shot"
        start = tf.data.make_one_shot_iterator if once else tf.data.make_initializable_iterator
        iterator = start(dataset)
        element = iterator.get_next()
        operations = [op.name + ":" + op.type for op in graph.get_operations()]
        found = []
        with tf.Session() as session:
            if not once:
                session.run(iterator.initializer)
            while len(found) < 24:
                try:
                    found.append(plain(session.run(element)))
                except tf.errors.OutOfRangeError:
                    found.append("end")
                    break
        return {"operations": operations, "dataset": repr(dataset), "elements": found}
