"""Writes, inside a real TensorFlow 1.15.5, small files that others do not cover: graphs with functions, V1 and object checkpoints.

    TF_CPP_MIN_LOG_LEVEL=3 TF115/bin/python tools/record_graph_files.py tests/golden/graph_files

Python 3.7 syntax: it runs under that TensorFlow.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function


def defun():
    """A function that is called by its name."""

    @function.Defun(tf.float32, tf.float32, func_name="F")
    def call(a, b):
        return a * b + 1.0, a - b

    x = tf.placeholder(tf.float32, [2], name="x")
    p, q = call(x, x + 2.0)
    return tf.add(p, q), {"x:0": [1.0, 2.0]}


def tf_function():
    """A tf.function with a loop and a branch in it."""

    @tf.function
    def call(a, n):
        def body(i, a):
            return i + 1, tf.cond(i > 1, lambda: a * 2.0, lambda: a + 1.0)

        return tf.while_loop(lambda i, a: i < n, body, [0, a])[1]

    x = tf.placeholder(tf.float32, [2], name="x")
    return call(x, 4), {"x:0": [1.0, 2.0]}


def while_and_if():
    """While and If operations."""
    tf.compat.v1.enable_control_flow_v2()
    x = tf.placeholder(tf.float32, [2], name="x")

    def body(i, a):
        return i + 1, tf.cond(tf.reduce_sum(a) > 20, lambda: a * 2.0, lambda: a + x)

    _, a = tf.while_loop(lambda i, a: i < 4, body, [0, x])
    tf.compat.v1.disable_control_flow_v2()
    return a, {"x:0": [1.0, 2.0]}


def dynamic_rnn():
    """A GRU over sequences, frozen."""
    x = tf.placeholder(tf.float32, [None, 3, 2], name="x")
    y, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(3), x, sequence_length=[3, 1], dtype=tf.float32)
    return y, {"x:0": np.sin(np.arange(12.0)).reshape(2, 3, 2).tolist()}


def lists_in_loops():
    """Loops and branches as functions: recurrent layers, map_fn, foldl, scan and switch_case."""
    tf.compat.v1.enable_control_flow_v2()
    x = tf.placeholder(tf.float32, [None, 3, 2], name="x")
    rnn, _ = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(2), x, dtype=tf.float32)
    mapped = tf.map_fn(lambda row: row * row, x)
    folded = tf.foldl(lambda a, b: a + b, x)
    scanned = tf.scan(lambda a, b: a + 2.0 * b, x)
    index = tf.cast(x[0, 0, 0] * 2.0, tf.int32)
    chosen = tf.switch_case(index, [lambda: x, lambda: x * 3.0, lambda: x * 5.0])
    tf.compat.v1.disable_control_flow_v2()
    return rnn + mapped + folded + scanned + chosen, {"x:0": np.cos(np.arange(12.0)).reshape(2, 3, 2).tolist()}


def record_graph(make, directory, facts):
    """Writes a frozen graph and what it computes."""
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tf.set_random_seed(1)
        y, feeds = make()
        y = tf.identity(y, name="y")
        sess.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(sess, graph.as_graph_def(), ["y"])
        with open(os.path.join(directory, make.__name__ + ".pb"), "wb") as file:
            file.write(frozen.SerializeToString())
        facts[make.__name__] = {"feeds": feeds, "y": sess.run(y, feeds).tolist()}


def record_old(directory, facts):
    """Writes a checkpoint of the V1 format."""
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope("p", partitioner=tf.fixed_size_partitioner(2)):
            w = tf.get_variable("w", [4, 3], initializer=tf.random_uniform_initializer(seed=1))
        tf.get_variable("d", initializer=tf.constant([1.5, -2.0], tf.float64))
        tf.get_variable("i", initializer=np.arange(6, dtype=np.int32).reshape(2, 3))
        tf.get_variable("l", initializer=tf.constant(-5, tf.int64))
        tf.get_variable("s", initializer=tf.constant(["a", "bc"]))
        tf.get_variable("h", initializer=tf.constant([1.5, 2.0], tf.float16))
        tf.get_variable("b", initializer=tf.constant([True, False]))
        sess.run(tf.global_variables_initializer())
        tf.train.Saver(write_version=tf.train.SaverDef.V1).save(
            sess, os.path.join(directory, "old.ckpt"), write_meta_graph=False, write_state=False
        )
        facts["old"] = {
            v.op.name: np.asarray(sess.run(v))
            .astype(str if v.dtype.base_dtype == tf.string else v.dtype.base_dtype.as_numpy_dtype)
            .tolist()
            for v in tf.global_variables()
            if not v.op.name.startswith("p/")
        }
        facts["old"]["p/w"] = sess.run(w.as_tensor()).tolist()


def record_objects(directory, facts):
    """Writes an object-based checkpoint."""
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.Variable([1.0, 2.0], name="v")
        optimizer = tf.train.AdamOptimizer(0.1)
        train = optimizer.minimize(tf.reduce_sum(v * v))
        layer = tf.layers.Dense(2, name="d", kernel_initializer=tf.constant_initializer(0.5))
        layer(tf.ones([1, 2]))
        checkpoint = tf.train.Checkpoint(v=v, optimizer=optimizer, layer=layer)
        checkpoint.parts = [v, tf.Variable(3.0)]
        checkpoint.inner = tf.train.Checkpoint(v=v)
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        path = checkpoint.save(os.path.join(directory, "objects"), session=sess)
        reader = tf.train.NewCheckpointReader(path)
        names = [n for n in reader.get_variable_to_shape_map() if not n.startswith("_")]
        facts["objects"] = {n: np.asarray(reader.get_tensor(n)).tolist() for n in names}
        os.remove(os.path.join(directory, "checkpoint"))


def main(directory):
    """Writes the files."""
    os.makedirs(directory, exist_ok=True)
    facts = {}
    for make in (defun, tf_function, while_and_if, dynamic_rnn, lists_in_loops):
        record_graph(make, directory, facts)
    record_old(directory, facts)
    record_objects(directory, facts)
    with open(os.path.join(directory, "facts.json"), "w") as file:
        json.dump(facts, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
