"""Modes of models and what they export, by the names of `tensorflow.python.saved_model.model_utils`."""

from __future__ import annotations

import pytest

import retrograph as tf
from retrograph.compat import model_utils as utils
from retrograph.estimator import exporting


@pytest.fixture(autouse=True)
def _fresh():
    with tf.Graph().as_default():
        yield


def test_values_by_mode_whatever_its_name():
    found = utils.ModeKeyMap(train=1, eval=2, infer=3)
    assert [found[k] for k in ("train", "test", "eval", "predict", "infer")] == [1, 2, 2, 3, 3]
    assert list(found) == ["train", "eval", "infer"] and len(found) == 3
    assert found[utils.KerasModeKeys.PREDICT] == found[utils.EstimatorModeKeys.PREDICT]
    with pytest.raises(ValueError, match="Invalid mode key: serve"):
        found["serve"]
    with pytest.raises(ValueError, match="Multiple keys/values found for test mode"):
        utils.ModeKeyMap(test=1, eval=2)


def test_outputs_by_mode():
    loss, predictions = tf.constant(1.0), {"a": tf.constant([1.0])}
    served = utils.export_outputs_for_mode("infer", predictions=predictions)
    assert isinstance(served["serving_default"], exporting.PredictOutput)
    trained = utils.export_outputs_for_mode("train", loss=loss, predictions=predictions)["train"]
    assert trained.loss == {"loss": loss} and trained.predictions == {"predictions/a": predictions["a"]}
    metrics = {("head", "mean"): tf.metrics.mean([1.0])}
    tested = utils.export_outputs_for_mode("test", loss=loss, metrics=metrics)["eval"]
    assert sorted(tested.metrics) == ["metrics/head/mean/update_op", "metrics/head/mean/value"]
    with pytest.raises(ValueError, match="update_op must be a Tensor or Operation; got 3"):
        utils.export_outputs_for_mode("test", loss=loss, metrics={"a": (loss, 3)})
    with pytest.raises(ValueError, match="output value must be a Tensor; got 3"):
        utils.export_outputs_for_mode("test", loss=loss, metrics={"a": (3, loss)})


def test_signatures_of_all_inputs_that_fit():
    text, score = tf.placeholder(tf.string), tf.constant([0.5])
    outputs = {"serving_default": exporting.RegressionOutput(score), "other": exporting.PredictOutput({"s": score})}
    found = utils.build_all_signature_defs(text, outputs, {"more": {"x": tf.placeholder(tf.float32)}})
    assert sorted(found) == ["more:other", "other", "serving_default"]
    assert found["serving_default"].method_name == "tensorflow/serving/regress"
    with pytest.raises(ValueError, match="export_outputs must be a dict"):
        utils.build_all_signature_defs(text, None)
