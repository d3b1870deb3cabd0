"""Names of TensorFlow's inside: what counts as a tensor, sparse and ragged values, samplers, configurations of parsers."""

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import example_configuration, sampling, tensor_forms


def test_what_counts_as_a_tensor() -> None:
    with tf.Graph().as_default():
        assert tensor_forms.is_dense_tensor_like(tf.constant(1)) and not tensor_forms.is_dense_tensor_like(1)
        with pytest.raises(TypeError, match="must define a `name` property"):
            tensor_forms.register_dense_tensor_like_type(object)
        sparse = tf.SparseTensor([[0]], [1.0], [2])
        assert tensor_forms.convert_to_tensor_or_composite(sparse) is sparse
        with pytest.raises(ValueError, match="requested dtype int32 for Tensor with dtype"):
            tensor_forms.convert_to_tensor_or_composite(sparse, dtype=tf.int32)
        shape = tensor_forms.shape_tensor(tf.TensorShape([1, 2**31]))
        assert shape.dtype == tf.int64 and tensor_forms.shape_tensor(()).dtype == tf.int32


def test_rows_of_sparse_and_ragged_values() -> None:
    value = tf.SparseTensorValue(np.array([[0, 1]]), np.array([5]), (2, 3))
    found = tensor_forms.append_composite_tensor(value, value)
    assert found.indices.tolist() == [[0, 1], [2, 1]] and tuple(found.dense_shape) == (3, 3)
    ragged = tf.ragged.constant_value([[1], [2, 3]])
    assert tensor_forms.append_composite_tensor(ragged, ragged).to_list() == [[1], [2, 3], [1], [2, 3]]
    with pytest.raises(RuntimeError, match="Unable to concatenate"):
        tensor_forms.append_composite_tensor(value, ragged)


def test_samplers() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        ones = sampling.bernoulli_sample(probs=[0.0, 1.0], sample_shape=[3])
        classes = sampling.categorical_sample(tf.constant([[-100.0, 0.0], [0.0, -100.0]]), sample_shape=[2])
        assert [x.tolist() for x in sess.run([ones, classes])] == [[[0, 1]] * 3, [[1, 0]] * 2]


def test_configurations_of_parsers() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        features = {"x": tf.FixedLenFeature([1], tf.float32, 33.0), "y": tf.VarLenFeature(tf.string)}
        made = tf.parse_example(tf.placeholder(tf.string, [None]), features)
        config = example_configuration.extract_example_parser_configuration(made["x"].op, sess)
        fixed = config.feature_map["x"].fixed_len_feature
        assert fixed.values_output_tensor_name == made["x"].name and fixed.default_value.float_val[:] == [33.0]
        assert config.feature_map["y"].var_len_feature.indices_output_tensor_name == made["y"].indices.name
