"""Tests of layers and models in several forms: the decorators, the models they are about, the test of a layer."""

from __future__ import annotations

import unittest

import numpy as np
import pytest
from absl.testing import parameterized

import retrograph as tf
from retrograph.platform import keras_parameterized, keras_testing


def _ran(case):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert not result.errors and not result.failures, result.errors + result.failures
    return result


def test_a_test_runs_in_a_session_and_is_skipped_where_it_would_be_eager():
    seen = []

    class Modes(keras_parameterized.TestCase):
        @keras_parameterized.run_all_keras_modes
        def test_it(self):
            seen.append((self.id().rsplit(".")[-1], tf.get_default_session() is not None))
            assert not keras_testing.should_run_eagerly() and not keras_testing.should_run_tf_function()

    result = _ran(Modes)
    assert seen == [("test_it_v1_session", True)]
    # unittest takes the method `test_session` for a test too: it skips itself.
    assert sum("test_it" in case.id() for case, _ in result.skipped) == 3


def test_classes_and_parameters_are_taken_together():
    seen = []

    @keras_parameterized.run_with_all_model_types(exclude_models="sequential")
    class Types(keras_parameterized.TestCase):
        @parameterized.named_parameters(("_one", 1), ("_two", 2))
        def test_it(self, number):
            seen.append((keras_testing.get_model_type(), number))

    _ran(Types)
    assert sorted(seen) == [("functional", 1), ("functional", 2), ("subclass", 1), ("subclass", 2)]


@pytest.mark.parametrize("kind", ["functional", "subclass", "subclass_custom_build", "sequential"])
def test_models_of_all_kinds(kind):
    with tf.Graph().as_default(), tf.Session().as_default(), keras_testing.model_type_scope(kind):
        x = np.ones((2, 3), np.float32)
        assert keras_testing.get_small_mlp(4, 2, input_dim=3).predict(x).shape == (2, 2)
        layers = [tf.keras.layers.Dense(5), tf.keras.layers.Dense(1)]
        assert keras_testing.get_model_from_layers(layers, input_shape=(3,)).predict(x).shape == (2, 1)


def test_outside_of_a_block_nothing_is_set():
    with pytest.raises(ValueError, match="Cannot call `get_model_type"):
        keras_testing.get_model_type()
    with pytest.raises(ValueError, match="Cannot call `should_run_eagerly"):
        keras_testing.should_run_eagerly()
    with pytest.raises(ValueError, match="Unknown model type"), keras_testing.model_type_scope("no such"):
        keras_testing.get_small_mlp(1, 1, 1)
    with pytest.raises(ValueError, match="Could not find requested v2 optimizer"):
        keras_testing.get_v2_optimizer("no such")


def test_a_layer_is_compared_with_what_is_wanted():
    with tf.Graph().as_default(), tf.Session().as_default():
        wanted = {"kwargs": {"units": 3}, "input_shape": (2, 4)}
        assert keras_testing.layer_test(tf.keras.layers.Dense, **wanted).shape == (2, 3)
        with pytest.raises(AssertionError, match="wanted is"):
            keras_testing.layer_test(tf.keras.layers.Dense, expected_output_dtype="int32", **wanted)
        with pytest.raises(AssertionError, match="shape"):
            keras_testing.layer_test(tf.keras.layers.Dense, expected_output_shape=(2, 4), **wanted)
        with pytest.raises(ValueError, match="input_shape is None"):
            keras_testing.layer_test(tf.keras.layers.Dense, kwargs={"units": 3})
