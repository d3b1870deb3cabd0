"""tensorflow.python.ops.list_ops: the functions that make operations on lists of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.compat import list_forms as lists
from retrograph.compat.tensor_forms import convert_to_tensor_or_composite


def _run(*fetches: Any) -> Any:
    with tf.Session() as sess:
        return sess.run(fetches)


def test_lists_grow_and_give_back() -> None:
    with tf.Graph().as_default():
        empty = lists.empty_tensor_list(tf.TensorShape([2]), tf.float32)
        one = tf.raw_ops.TensorListPushBack(input_handle=empty, tensor=[1.0, 2.0])
        _, last = lists.tensor_list_pop_back(one, tf.float32)
        assert empty.op.type == "EmptyTensorList"
        np.testing.assert_array_equal(_run(last)[0], [1.0, 2.0])


def test_elements_by_index() -> None:
    with tf.Graph().as_default():
        handle = lists.tensor_list_from_tensor(tf.constant([1.0, 2.0, 3.0]), [])
        handle = lists.tensor_list_set_item(handle, 4, 9.0, resize_if_index_out_of_bounds=True)
        item = lists.tensor_list_get_item(handle, 4, tf.float32, element_shape=[])
        some = lists.tensor_list_gather(handle, [2, 0], tf.float32, element_shape=[])
        found = _run(item, some)
    assert found[0] == 9.0
    np.testing.assert_array_equal(found[1], [3.0, 1.0])


def test_parts_come_together_again() -> None:
    with tf.Graph().as_default():
        parts = lists.tensor_list_split(tf.constant([[1], [2], [3]]), [None, 1], lengths=[1, 2])
        whole = lists.tensor_list_concat(parts, tf.int32, element_shape=[None, 1])
        stacked = lists.tensor_list_stack(lists.tensor_list_reserve([1], 2, tf.int32), tf.int32, element_shape=[1])
        found = _run(whole, stacked)
    np.testing.assert_array_equal(found[0], [[1], [2], [3]])
    np.testing.assert_array_equal(found[1], [[0], [0]])


class _Pair:
    pass


def test_a_conversion_may_give_a_sparse_tensor() -> None:
    tf.register_tensor_conversion_function(_Pair, lambda *_, **__: tf.SparseTensor([[0]], [1.0], [2]))
    with tf.Graph().as_default():
        assert isinstance(convert_to_tensor_or_composite(_Pair()), tf.SparseTensor)
