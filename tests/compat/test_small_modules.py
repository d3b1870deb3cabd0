"""Small modules of `tensorflow.python` that programs and TensorFlow's own tests import."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import (
    eager,
    function_utils,
    internals,
    layer_utils,
    lock_util,
    object_identity,
    resolve,
    v2_forms,
)
from retrograph.framework.static_value import constant_value
from retrograph.ops import flow_context
from retrograph.platform import keras_testing


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


class _Cell:
    def __call__(self, a, b, **options):
        return a, b, options

    def method(self, a):
        return a


def test_what_can_be_asked_of_a_function():
    assert function_utils.fn_args(_Cell()) == ("a", "b")
    assert function_utils.fn_args(_Cell().method) == ("a",)
    assert function_utils.fn_args(functools.partial(lambda a, b, c: 0, 1, c=2)) == ("b",)
    assert function_utils.has_kwargs(_Cell())
    assert not function_utils.has_kwargs(functools.partial(_Cell().method, 1))
    assert function_utils.get_func_name(_Cell().method) == "_Cell.method"
    assert function_utils.get_func_code(functools.partial(len)) is None
    with pytest.raises(TypeError, match="fn should be a function-like object"):
        function_utils.has_kwargs(3)
    with pytest.raises(ValueError, match="Argument must be callable"):
        function_utils.get_func_name(3)


def test_keys_that_are_objects():
    first, second = [1], [1]
    table = object_identity.ObjectIdentityDictionary()
    table[first], table[second] = "a", "b"
    assert (table[first], table[second], len(table)) == ("a", "b", 2)
    some = object_identity.ObjectIdentitySet([first, second])
    assert second not in some.difference([second]) and first in some.difference([second])
    weak = object_identity.ObjectIdentityWeakKeyDictionary()
    held = _Cell()
    weak[held] = 1
    assert len(weak) == 1
    del held
    assert len(weak) == 0


def test_a_lock_of_groups():
    lock, order = lock_util.GroupLock(2), []
    with lock.group(0), lock.group(0):
        other = threading.Thread(target=lambda: (lock.acquire(1), order.append("other"), lock.release(1)))
        other.start()
        order.append("first")
    other.join()
    assert order == ["first", "other"]
    with pytest.raises(ValueError, match="group_id=5 is not in range"):
        lock.acquire(5)


def test_forms_of_tf_2():
    assert v2_forms.squeeze_v2(tf.zeros([1, 2]), axis=0).shape.as_list() == [2]
    assert v2_forms.ones_like_v2(tf.zeros([3]), tf.int32).dtype == tf.int32
    with pytest.raises(TypeError, match="unexpected keyword argument 'squeeze_dims'"):
        v2_forms.squeeze_v2(tf.zeros([1]), squeeze_dims=0)
    with pytest.raises(TypeError, match="pred must not be a Python bool"):
        internals.cond_v2(True, lambda: 1, lambda: 2)


def test_functions_are_inlined():
    double = eager.defun(lambda x: x * 2)
    with tf.Session() as sess:
        assert sess.run(double(np.float32(3))) == 6


def test_names_are_taken_from_where_they_are_defined():
    found = resolve.find("tensorflow.python.ops.control_flow_ops", "merge")
    assert found.__module__ == "retrograph.ops.control_flow"
    assert resolve.find("tensorflow.python.ops.gen_math_ops", "MatMul") is not resolve.MISSING


def test_switches_of_conds_and_loops():
    x = tf.placeholder(tf.int32, [])
    tf.cond(x < 3, lambda: tf.while_loop(lambda i: i < 9, lambda i: i + 1, [x]), lambda: x + 2)
    kinds = {}
    for op in tf.get_default_graph().get_operations():
        if flow_context.is_switch(op):
            assert flow_context.is_cond_switch(op) != flow_context.is_loop_switch(op)
            kinds[op.name] = flow_context.is_loop_switch(op)
    assert kinds["cond/while/Switch"] is False and kinds["cond/while/Switch_1"] is True


def test_values_of_which_some_are_known():
    packed = tf.stack([tf.constant([1, 2]), tf.placeholder(tf.int32, [2])])
    assert constant_value(packed) is None
    known = constant_value(packed, partial=True)
    assert known[0].tolist() == [1, 2] and known[1] is None
    assert constant_value("hi") == "hi"
    assert constant_value(tf.stack([[1, 2], [3, 4]], axis=1)) is None


def test_shapes_that_are_not_known_are_equal_to_none():
    one, other = tf.TensorShape([None, 3]), tf.TensorShape([None, 3])
    assert not one.__eq__(other) and one != other
    assert one == one and tf.TensorShape(one) == one
    assert tf.TensorShape([2]) == tf.TensorShape([2])
    assert tf.TensorSpec([None]) == tf.TensorSpec([None])


def test_data_for_layers():
    (x, y), (x_test, _) = keras_testing.get_test_data(6, 2, (3,), 4, random_seed=1)
    assert x.shape == (6, 3) and x.dtype == np.float32 and y.shape == (6,) and len(x_test) == 2


def test_sizes_of_convolutions():
    assert layer_utils.convert_data_format("channels_first", 5) == "NCDHW"
    assert layer_utils.normalize_tuple(2, 3, "strides") == (2, 2, 2)
    assert layer_utils.conv_output_length(5, 2, "valid", 1, dilation=2) == 3
    assert layer_utils.conv_input_length(4, 2, "full", 2) == 6
    assert layer_utils.deconv_output_length(4, 2, "full", 2) == 6
    assert layer_utils.smart_cond(tf.constant(False), lambda: 1, lambda: 2) == 2
    assert layer_utils.constant_value(tf.placeholder(tf.bool, [])) is None
    with pytest.raises(ValueError, match="must be a tuple of 3 integers"):
        layer_utils.normalize_tuple((1, 2), 3, "strides")
    with pytest.raises(ValueError, match='must be one of "valid", "same"'):
        layer_utils.normalize_padding("full")
