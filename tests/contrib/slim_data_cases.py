"""Data sets of slim."""

import os
import tempfile

CASES = {}


def slim(tf):
    return tf.contrib.slim


def case(f):
    CASES[f.__name__] = f
    return f


@case
def pread(tf):
    _k, _v = slim(tf).parallel_reader.parallel_read(
        ["/tmp/a", "/tmp/b"], tf.TFRecordReader, num_epochs=1, num_readers=2, seed=1
    )
    slim(tf).parallel_reader.single_pass_read("/tmp/a", tf.TextLineReader)
    slim(tf).parallel_reader.parallel_read(["/tmp/a", "/tmp/b"], tf.WholeFileReader, shuffle=False, scope="s")


CASES["badread"] = lambda tf: slim(tf).parallel_reader.parallel_read("/tmp/nothing*", tf.TFRecordReader)
CASES["badread2"] = lambda tf: slim(tf).parallel_reader.ParallelReader(tf.TFRecordReader, tf.FIFOQueue(3, [tf.int32]))


def made(tf, **kw):
    s = slim(tf)
    d = s.tfexample_decoder.TFExampleDecoder(
        {"x": tf.FixedLenFeature([2], tf.float32), "l": tf.FixedLenFeature([], tf.int64, default_value=0)},
        {"x": s.tfexample_decoder.Tensor("x"), "label": s.tfexample_decoder.Tensor("l")},
    )
    return s.dataset.Dataset(
        data_sources=PATH,
        reader=tf.TFRecordReader,
        decoder=d,
        num_samples=5,
        items_to_descriptions={"x": "values", "label": "l"},
        num_classes=3,
    )


PATH = os.path.join(tempfile.gettempdir(), "slim_data_cases.tfrecord")


@case
def provider(tf):
    with tf.python_io.TFRecordWriter(PATH) as w:
        for i in range(5):
            e = tf.train.Example(
                features=tf.train.Features(
                    feature={
                        "x": tf.train.Feature(float_list=tf.train.FloatList(value=[i, i + 1])),
                        "l": tf.train.Feature(int64_list=tf.train.Int64List(value=[i])),
                    }
                )
            )
            w.write(e.SerializeToString())
    d = made(tf)
    assert d.num_classes == 3 and d.num_samples == 5
    p = slim(tf).dataset_data_provider.DatasetDataProvider(d, shuffle=False, num_epochs=1)
    assert p.num_samples() == 5 and sorted(p.list_items()) == ["label", "record_key", "x"]
    x, l = p.get(["x", "label"])
    with tf.Session() as s:
        s.run(tf.local_variables_initializer())
        c = tf.train.Coordinator()
        t = tf.train.start_queue_runners(s, c)
        got = []
        try:
            while True:
                a, b = s.run([x, l])
                got.append((a.tolist(), int(b)))
        except tf.errors.OutOfRangeError:
            pass
        c.request_stop()
        c.join(t)
    raise KeyError(repr(got))


CASES["badget"] = lambda tf: slim(tf).data_provider.DataProvider.get(
    slim(tf).dataset_data_provider.DatasetDataProvider(made(tf)), "x"
)
CASES["badkey"] = lambda tf: slim(tf).dataset_data_provider.DatasetDataProvider(made(tf), record_key="x")


@case
def analyze(tf):
    tf.constant([[1.0, 2.0]], name="c")
    tf.placeholder(tf.float32, [None], name="p")
    tf.get_variable("v", [3, 4])
    raise KeyError(repr(tf.contrib.slim.model_analyzer.analyze_ops(tf.get_default_graph())))


def summaries(tf):
    x = tf.constant([[0.0, 1.0]], name="x")
    v = tf.constant(2.0, name="v")
    s = tf.contrib.slim.summaries
    s.add_histogram_summaries([x], "p")
    s.add_scalar_summary(v, "n", "p", print_summary=True)
    s.add_scalar_summaries([v])
    s.add_zero_fraction_summaries([x])


CASES["summaries"] = summaries
