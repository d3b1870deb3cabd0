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
