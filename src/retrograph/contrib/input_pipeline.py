"""`tf.contrib.input_pipeline`: the texts of a list one after the other, by a counter that is a variable."""

from __future__ import annotations

import random
from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor


@export("contrib.input_pipeline.obtain_next")
def obtain_next(string_list_tensor: Any, counter: Any) -> Tensor:
    """The text after that of the counter (a reference variable, i64[]), which goes on: string[].

    Source: TF 1.15 `tf.contrib.input_pipeline.obtain_next`.
    """
    return apply_op("ObtainNext", None, list=string_list_tensor, counter=counter)  # type: ignore[no-any-return]


def _epochs(texts: list[Any], shuffle: bool, seed: Any, count: int | None) -> list[Any]:
    if shuffle and seed:
        random.seed(seed)
    found: list[Any] = []
    for _ in range(count or 1):
        if shuffle:
            random.shuffle(texts)
        found += texts
    return found


def seek_next(string_list: list[Any], shuffle: bool = False, seed: Any = None, num_epochs: int | None = None) -> Tensor:
    """The next text of a list: string[]; OutOfRangeError after so many epochs.

    Source: TF 1.15 `tensorflow.contrib.input_pipeline.python.ops.input_pipeline_ops.seek_next`.
    """
    texts = _epochs(string_list, shuffle, seed, num_epochs)
    with tf.variable_scope("obtain_next"):
        start = tf.constant(-1, dtype=tf.int64)
        counter = tf.get_variable("obtain_next_counter", initializer=start, dtype=tf.int64, trainable=False)
        with get_default_graph().colocate_with(counter):
            named = {"name": "obtain_next_expanded_list", "dtype": tf.string, "trainable": False}
            held = tf.get_variable(initializer=tf.constant(texts), **named)
        if not num_epochs:
            return obtain_next(held, counter)
        zero = tf.constant(0, dtype=tf.int64)
        taken = tf.get_variable("obtain_next_filename_counter", initializer=zero, dtype=tf.int64, trainable=False)
        with tf.control_dependencies([taken.count_up_to(len(texts))]):
            return obtain_next(held, counter)
