"""Small parts of TF's inside, settings, and functions in the form of TF 2."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import deprecating, internals, v2_forms
from retrograph.compat.bounded_spec import BoundedTensorSpec
from retrograph.compat.constants_v2 import constant
from retrograph.compat.resolve import find
from retrograph.framework.apply import apply_op


def _run(fetches, feed=None):
    with tf.Session() as session:
        return session.run(fetches, feed)


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_settings_are_kept():
    tf.config.threading.set_inter_op_parallelism_threads(num_threads=3)
    assert tf.config.threading.get_inter_op_parallelism_threads() == 3
    tf.config.optimizer.set_experimental_options({"layout_optimizer": True})
    assert tf.config.optimizer.get_experimental_options()["layout_optimizer"] is True
    assert tf.config.experimental.list_physical_devices("CPU")[0].name == "/physical_device:CPU:0"
    with pytest.raises(TypeError):
        tf.config.optimizer.set_jit(wrong=True)


@pytest.mark.parametrize("name", ["autograph.to_graph", "config.experimental_connect_to_host", "load_op_library"])
def test_what_is_not_supported_says_so(name):
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    with pytest.raises(tf.errors.UnimplementedError, match=f"tf.{name} is not supported"):
        function("x")


def test_timestamp_is_new_at_each_run():
    stamp = tf.timestamp()
    with tf.Session() as session:
        first, second = session.run(stamp), session.run(stamp)
    assert first <= second
    assert abs(second - time.time()) < 60


def test_shapes_that_belong_together():
    x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.float32, [None])
    check = tf.debugging.assert_shapes([(x, ("N", 2)), (y, ("N",))])
    _run(check, {x: np.ones((3, 2)), y: np.ones(3)})
    with pytest.raises(tf.errors.InvalidArgumentError, match="Specified by tensor Placeholder:0 dimension 0"):
        _run(check, {x: np.ones((3, 2)), y: np.ones(4)})
    with pytest.raises(ValueError, match=r"must have size 3.  Received size 2"):
        tf.debugging.assert_shapes({x: ("N", 3)})
    with pytest.raises(ValueError, match="only allowed as the first entry"):
        tf.debugging.assert_shapes({x: ("N", "*")})


def test_nth_element():
    rows = tf.constant([[4.0, 1.0, 3.0], [2.0, 2.0, 9.0]])
    smallest, largest = tf.contrib.nn.nth_element(rows, 1), tf.contrib.nn.nth_element(rows, 0, reverse=True)
    np.testing.assert_array_equal(_run([smallest, largest]), [[3, 2], [4, 9]])
    np.testing.assert_array_equal(_run(tf.gradients(smallest, rows)[0]), [[0, 0, 1], [0.5, 0.5, 0]])
    with pytest.raises(ValueError, match="Input must have last dimension > n = 3 but is 3"):
        tf.contrib.nn.nth_element(rows, 3)
    n = tf.placeholder(tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Need n >= 0, got -7"):
        _run(tf.contrib.nn.nth_element(rows, n), {n: -7})


def test_layouts():
    axes = apply_op("DataFormatDimMap", None, x=[0, 1, -1])
    sizes = apply_op("DataFormatVecPermute", None, x=[7, 4, 9, 3], src_format="NHWC", dst_format="HWNC")
    found = _run([axes, sizes])
    np.testing.assert_array_equal(found[0], [0, 2, 1])
    np.testing.assert_array_equal(found[1], [4, 9, 7, 3])
    with pytest.raises(tf.errors.InvalidArgumentError, match="must determine a permutation"):
        _run(apply_op("DataFormatDimMap", None, x=[0], src_format="1233", dst_format="4321"))


def test_empty_tensors_are_reshaped_by_the_other_sizes():
    assert _run(tf.reshape(tf.zeros([0, 6]), [0, -1, 3])).shape == (0, 2, 3)
    assert _run(tf.reshape(tf.zeros([2, 0, 4]), [0, -1])).shape == (0, 8)


def test_offsets_of_concat_are_checked():
    shapes = [tf.constant([2, 3, 5]), tf.constant([2, 7, 10])]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"All dimensions except 1 must match. Input 1 has shape"):
        _run(apply_op("ConcatOffset", None, concat_dim=1, shape=shapes))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Concat dim is out of range: 4 vs. 3"):
        _run(apply_op("ConcatOffset", None, concat_dim=4, shape=shapes))


def test_least_values_of_attributes():
    with pytest.raises(ValueError, match=r"'N|inputs' to 'AddN' Op with length 0 shorter than minimum length 1"):
        apply_op("AddN", None, inputs=[])


def test_operations_of_node_defs():
    graph = tf.get_default_graph()
    one = tf.constant(1.0, name="one")
    op = tf.Operation(internals._NodeDef("Identity", "again"), graph, [one])
    assert op.type == "Identity"
    assert op is graph.get_operation_by_name("again")
    assert _run(op.outputs[0]) == 1.0
    with pytest.raises(TypeError, match="node_def needs to be a NodeDef"):
        tf.Operation("x", graph)
    with pytest.raises(ValueError, match="is not a valid node name"):
        tf.Operation(internals._NodeDef("NoOp", "_no"), graph)


def test_consumers_count_each_use():
    one = tf.constant(1.0)
    both = tf.add(one, one)
    assert one.consumers() == [both.op, both.op]


def test_constants_of_tf_2():
    assert _run(constant([7], shape=[3])).tolist() == [7, 7, 7]
    assert _run(constant([1, 2, 3, 4], shape=[2, 2])).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        constant([1, 2], shape=[3])
    large = tf.TensorShape([2**31, 2])
    assert tf.convert_to_tensor(large).dtype == tf.int64
    with pytest.raises(ValueError, match=r"a dimension is too large \(2147483648\)"):
        tf.convert_to_tensor(large, dtype=tf.int32)


def test_forms_of_tf_2():
    mean, variance = v2_forms.moments_v2(tf.constant([[1.0, 3.0]]), [1], keepdims=True)
    np.testing.assert_array_equal(_run([mean, variance]), [[[2.0]], [[1.0]]])
    np.testing.assert_allclose(_run(v2_forms.softmax_v2([0.0, 0.0])), [0.5, 0.5])
    assert find("tensorflow.python.ops.nn_impl", "l2_normalize_v2") is v2_forms.l2_normalize_v2


def test_specs_with_bounds():
    spec = BoundedTensorSpec((1, 2), tf.int32, 0, (5, 6))
    assert spec == BoundedTensorSpec((1, 2), tf.int32, [0, 0], [5, 6])
    assert tf.contrib.framework.BoundedTensorSpec is BoundedTensorSpec
    with pytest.raises(ValueError, match="minimum is not compatible with shape"):
        BoundedTensorSpec((3, 5), tf.int32, (0, 0, 0), 2)
    with pytest.raises(ValueError, match="read-only"):
        spec.minimum[...] = 1


def test_deprecation(caplog):
    @deprecating.deprecated("2017-01-01", "Use g.")
    def f():
        """Does it."""
        return 1

    assert f.__doc__.startswith("Does it. (deprecated)\n\nWarning: THIS FUNCTION IS DEPRECATED.")
    assert f() == 1
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        deprecating.deprecated("tomorrow", "Use g.")
    with pytest.raises(ValueError, match="not present"):
        deprecating.deprecated_args(None, "Use y.", "z")(lambda x: x)


def test_codes_of_errors():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = tf.errors.error_code_from_exception_type("Unknown")
    assert "Unknown class exception" in str(caught[0].message)
    assert isinstance(error, tf.errors.UnknownError)


def test_default_sessions_are_nested():
    first, second = tf.Session(), tf.Session()
    outer, inner = first.as_default(), second.as_default()
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(AssertionError, match="Nesting violated"):
        outer.__exit__(None, None, None)
    internals_stack = find("tensorflow.python.framework.ops", "_default_session_stack")
    internals_stack.reset()
    assert tf.get_default_session() is None


def test_derivatives_forwards():
    from retrograph.contrib.graph_functions import fwd_gradients, get_graph_from_inputs

    x = tf.constant([2.0, 3.0])
    derivative = fwd_gradients([tf.square(x)], [x], grad_xs=[tf.constant([1.0, 10.0])])[0]
    np.testing.assert_array_equal(_run(derivative), [4, 60])
    with pytest.raises(TypeError, match="must be a list or tuple"):
        get_graph_from_inputs(x)


def test_specs_of_devices_that_do_not_change():
    kind = find("tensorflow.python.framework.device_spec", "DeviceSpecV2")
    spec = kind.from_string("/job:worker/task:1")
    assert spec.replace(device_type="gpu", device_index=2).to_string() == "/job:worker/task:1/device:GPU:2"
    assert spec == kind(job="worker", task=1)
    with pytest.raises(AttributeError):
        spec.job = "ps"


def test_specs_of_what_converts():
    from retrograph.framework.type_spec import type_spec_from_value

    spec = type_spec_from_value([1.0, 2.0])
    assert (spec.shape.as_list(), spec.dtype) == ([2], tf.float32)
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        type_spec_from_value(object())


def test_checks_of_images_that_are_compared():
    check = find("tensorflow.python.ops.image_ops_impl", "_verify_compatible_image_shapes")
    first, second = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    shapes, checks = check(first, second)[:2], check(first, second)[2]
    fed = np.zeros([2, 3, 1], np.float32)
    np.testing.assert_array_equal(_run(shapes, {first: fed, second: fed}), [[2, 3, 1], [2, 3, 1]])
    assert _run(checks, {first: fed, second: fed}) == [None, None]
    with pytest.raises(tf.errors.InvalidArgumentError):
        _run(checks, {first: fed, second: np.zeros([3, 3, 1])})
    with pytest.raises(ValueError, match="are incompatible"):
        check(tf.zeros([2, 3, 1]), tf.zeros([2, 3, 2]))


def test_sizes_that_arrays_of_metrics_grow_to():
    size = find("tensorflow.contrib.metrics.python.ops.metric_ops", "_next_array_size")
    assert _run([size(n, growth_factor=2) for n in (2, 3, 4, 5, 6)]) == [2, 4, 4, 8, 8]
