"""Estimators: trained, evaluated, asked and exported, with the numbers and files of TensorFlow 1.15."""

import glob
import os

import numpy as np
import pytest

import retrograph as tf

E = tf.estimator
X = np.arange(200.0).reshape(100, 2).astype("f") / 100
Y = (X.sum(1, keepdims=True) * 3 + 1).astype("f")


def _model(features, labels, mode, params):
    found = tf.layers.dense(features["x"], 1, kernel_initializer=tf.constant_initializer(0.1), name="d")
    if mode == E.ModeKeys.PREDICT:
        return E.EstimatorSpec(mode, {"p": found, "twice": found * 2})
    loss = tf.losses.mean_squared_error(labels, found)
    if mode == E.ModeKeys.EVAL:
        metrics = {"mae": tf.metrics.mean_absolute_error(labels, found)}
        return E.EstimatorSpec(mode, loss=loss, eval_metric_ops=metrics)
    step = tf.train.GradientDescentOptimizer(params["lr"]).minimize(loss, tf.train.get_global_step())
    return E.EstimatorSpec(mode, loss=loss, train_op=step)


def _rows(epochs=1):
    return tf.data.Dataset.from_tensor_slices(({"x": X}, Y)).repeat(epochs).batch(20)


@pytest.fixture
def estimator(tmp_path):
    config = E.RunConfig(save_checkpoints_steps=5, tf_random_seed=1)
    return E.Estimator(_model, str(tmp_path / "model"), config, {"lr": 0.1})


@pytest.fixture
def trained(estimator):
    return estimator.train(lambda: _rows(3))


def test_training_gives_tf_numbers_and_files(trained):
    assert trained.get_variable_names() == ["d/bias", "d/kernel", "global_step"]
    # Recorded from TensorFlow 1.15.5.
    np.testing.assert_allclose(trained.get_variable_value("d/kernel"), [[2.71746016], [2.73879743]], rtol=1e-5)
    assert trained.get_variable_value("global_step") == 15
    files = {os.path.basename(p) for p in glob.glob(trained.model_dir + "/*")}
    steps = {f"model.ckpt-{n}{end}" for n in (0, 5, 10, 15) for end in (".index", ".meta", ".data-00000-of-00001")}
    assert {"checkpoint", "graph.pbtxt"} | steps <= files


def test_evaluation(trained):
    result = trained.evaluate(_rows)
    assert set(result) == {"loss", "mae", "global_step"}
    assert result["global_step"] == 15
    assert result["mae"] < 1
    assert len(glob.glob(trained.eval_dir() + "/*tfevents*")) == 1
    assert trained.evaluate(_rows, steps=2, name="few")["global_step"] == 15
    assert os.path.isdir(trained.model_dir + "/eval_few")


def test_prediction(trained):
    found = list(trained.predict(_rows))
    assert len(found) == 100
    np.testing.assert_allclose([f["p"] * 2 for f in found], [f["twice"] for f in found])
    assert list(next(trained.predict(_rows, predict_keys=["p"]))) == ["p"]
    whole = next(trained.predict(_rows, yield_single_examples=False))
    assert whole["p"].shape == (20, 1)
    with pytest.raises(ValueError, match="Expected to run at least one output"):
        next(trained.predict(_rows, predict_keys=["none"]))


def test_export(trained, tmp_path):
    receiver = E.export.build_raw_serving_input_receiver_fn({"x": tf.placeholder(tf.float32, [None, 2], name="x")})
    folder = trained.export_savedmodel(str(tmp_path / "exported"), receiver)
    served = tf.contrib.predictor.from_saved_model(folder.decode())
    wanted = [f["p"] for f in list(trained.predict(_rows))[:2]]
    np.testing.assert_allclose(served({"x": X[:2]})["p"], wanted)


def test_arrays_as_input(estimator):
    estimator.train(E.inputs.numpy_input_fn({"x": X}, Y, 20, 2, shuffle=False))
    assert estimator.get_variable_value("global_step") == 10
    estimator.train(E.inputs.numpy_input_fn({"x": X}, Y, 20, None, shuffle=True), steps=3)
    assert estimator.get_variable_value("global_step") == 13
    estimator.train(lambda: _rows(100), max_steps=13)
    assert estimator.get_variable_value("global_step") == 13


def test_train_and_evaluate(estimator):
    features = {"x": tf.FixedLenFeature([2], tf.float32)}
    exporter = E.FinalExporter("last", E.export.build_parsing_serving_input_receiver_fn(features))
    train = E.TrainSpec(lambda: _rows(100), max_steps=12)
    metrics, exports = E.train_and_evaluate(
        estimator, train, E.EvalSpec(_rows, steps=None, exporters=exporter, throttle_secs=0)
    )
    assert metrics["global_step"] == 12
    assert os.path.dirname(exports[0]).endswith(b"export/last")
    assert len(glob.glob(estimator.eval_dir() + "/*")) == 1


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda e: e.train(_rows, steps=1, max_steps=2), ValueError, "Can not provide both steps and max_steps"),
        (lambda e: e.train(_rows, steps=0), ValueError, "Must specify steps > 0, given: 0"),
        (lambda e: e.train(_rows, hooks=[1]), TypeError, "Hooks must be a SessionRunHook, given: 1"),
        (lambda e: E.Estimator(lambda x: 1), ValueError, "must include features argument"),
        (lambda e: E.Estimator(None), ValueError, "model_fn must be provided to Estimator"),
        (lambda e: E.EstimatorSpec("train"), ValueError, "Missing train_op"),
        (lambda e: E.EstimatorSpec("infer"), ValueError, "Missing predictions"),
        (lambda e: E.RunConfig(save_checkpoints_secs=1, save_checkpoints_steps=2), ValueError, "cannot be both set"),
        (lambda e: E.inputs.numpy_input_fn(X), ValueError, "shuffle must be provided"),
        (lambda e: E.TrainSpec(1), TypeError, "`input_fn` must be callable"),
        (lambda e: E.WarmStartSettings(""), ValueError, "MUST be set in WarmStartSettings"),
        (lambda e: e.get_variable_names(), ValueError, "Could not find trained model in model_dir"),
        (lambda e: e.export_savedmodel("/x", None), ValueError, "An input_receiver_fn must be defined"),
        (lambda e: E.RunConfig(train_distribute=object()), tf.errors.UnimplementedError, "train_distribute"),
    ],
)
def test_bad_input_is_refused(estimator, make, error, text):
    with pytest.raises(error, match=text):
        make(estimator)
    assert not os.path.exists(estimator.model_dir)
