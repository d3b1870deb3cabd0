"""`tf.contrib.learn`'s estimators compute what they computed in TensorFlow 1.15.5."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

import retrograph as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import old_learn_cases  # noqa: E402

GOLDEN = json.loads((HERE.parent / "golden" / "old_learn.json").read_text())


def _differences(wanted, found, where=""):
    if isinstance(wanted, dict) and isinstance(found, dict):
        yield from (f"{where}/{key}" for key in wanted.keys() ^ found.keys())
        for key in wanted.keys() & found.keys():
            yield from _differences(wanted[key], found[key], f"{where}/{key}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for i, pair in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(*pair, f"{where}[{i}]")
    elif isinstance(wanted, float) and isinstance(found, float):
        if not math.isclose(wanted, found, rel_tol=2e-4, abs_tol=2e-5) and not (wanted != wanted and found != found):
            yield f"{where}: {found}, not {wanted}"
    elif wanted != found:
        yield f"{where}: {found!r}, not {wanted!r}"


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded(name):
    assert list(_differences(GOLDEN[name], json.loads(json.dumps(old_learn_cases.recorded(tf, name))))) == []


def test_what_is_refused_by_name(tmp_path):
    model = tf.contrib.learn.LinearRegressor([tf.contrib.layers.real_valued_column("x")], str(tmp_path))
    with pytest.raises(tf.errors.UnimplementedError, match="export_savedmodel"):
        model.export_savedmodel(str(tmp_path), None)
    with pytest.raises(tf.errors.UnimplementedError, match="monitors"):
        model.fit(x=[[1.0]], y=[1.0], monitors=[object()])
    with pytest.raises(tf.errors.UnimplementedError, match="embedding_lr_multipliers"):
        tf.contrib.learn.DNNRegressor([2], [], embedding_lr_multipliers={"a": 1.0})


@pytest.mark.parametrize("name", ["DNNClassifier", "LinearRegressor", "Estimator"])
def test_classes(name):
    assert issubclass(getattr(tf.contrib.learn, name), tf.contrib.learn.BaseEstimator)
    assert issubclass(tf.contrib.learn.NotFittedError, (ValueError, AttributeError))


def test_runs_of_a_graph():
    with tf.Graph().as_default():
        count = tf.Variable(0).assign_add(1)
        fed = tf.placeholder(tf.int32)
        assert [int(run["n"]) for run in tf.contrib.learn.run_n({"n": count}, n=3)] == [1, 2, 3]
        found = tf.contrib.learn.run_feeds({"sum": count + fed}, [{fed: 10}, {fed: 20}])
        assert [int(run["sum"]) for run in found] == [11, 22]
        with pytest.raises(ValueError, match="output_dict is invalid"):
            tf.contrib.learn.run_n({})


def test_logistic_regressor(tmp_path):
    def model_fn(features, labels, mode):
        predicted = tf.sigmoid(tf.layers.dense(features, 1))
        loss = tf.losses.log_loss(labels, predicted)
        return predicted, loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_global_step())

    model = tf.contrib.learn.LogisticRegressor(model_fn, thresholds=[0.25], model_dir=str(tmp_path))
    labels = (old_learn_cases.Y % 2)[:, None]
    found = model.fit(old_learn_cases.X, labels, steps=1).evaluate(old_learn_cases.X, labels)
    assert {"accuracy/threshold_0.250000_mean", "auc", "labels/prediction_mean", "global_step"} <= set(found)


def test_tables_without_pandas():
    learn = tf.contrib.learn
    assert [f([1]) for f in (learn.extract_pandas_data, learn.extract_pandas_matrix, learn.extract_pandas_labels)] == [
        [1]
    ] * 3
