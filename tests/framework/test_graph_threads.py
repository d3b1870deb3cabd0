"""Threads that import into a graph which others build."""

from __future__ import annotations

import sys
import threading

import retrograph as tf


def test_imports_while_others_add_operations():
    with tf.Graph().as_default() as graph:
        for i in range(300):
            tf.constant(1.0, name=f"scope_{i}/value")
        definition = tf.GraphDef()
        with tf.Graph().as_default():
            tf.constant(2.0, name="two")
            definition = tf.get_default_graph().as_graph_def()
    failed, done = [], threading.Event()

    def build():
        with graph.as_default():
            while not done.is_set():
                tf.constant(1.0)
                tf.add_to_collection(str(len(graph._ops)), 1)

    def read():
        try:
            with graph.as_default():
                for _ in range(40):
                    tf.import_graph_def(definition, name="imported")
                    graph.get_all_collection_keys()
        except RuntimeError as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        builder, readers = threading.Thread(target=build), [threading.Thread(target=read) for _ in range(2)]
        for thread in (builder, *readers):
            thread.start()
        for thread in readers:
            thread.join()
    finally:
        done.set()
        builder.join()
        sys.setswitchinterval(interval)
    assert not failed
