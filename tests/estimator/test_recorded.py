"""Ready-made models, heads, strategies do what TF 1.15 did (recorded by tools/record_estimators.py)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import retrograph as tf

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE.parent / "golden" / "estimators.json").read_text())


def _cases() -> Any:
    spec = importlib.util.spec_from_file_location("model_cases", HERE / "model_cases.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.all_cases()


CASES = _cases()


def close(found: Any, wanted: Any) -> Any:
    """What was recorded, with numbers that may be a little off."""
    if isinstance(wanted, float):
        return pytest.approx(wanted, rel=2e-3, abs=2e-4)
    if isinstance(wanted, dict):
        return {k: close(found.get(k), v) for k, v in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        return [close(f, w) for f, w in zip(found, wanted, strict=True)]
    return wanted


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded(name: str) -> None:
    with tf.Graph().as_default():
        found = json.loads(json.dumps(CASES[name](tf)))
    assert found == close(found, GOLDEN[name])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tf.distribute.MirroredStrategy(["/gpu:0", "/gpu:1"]), "MirroredStrategy on 2 devices"),
        (lambda: tf.distribute.experimental.ParameterServerStrategy(), "ParameterServerStrategy"),
        (lambda: tf.distribute.cluster_resolver.TPUClusterResolver("name"), "TPUClusterResolver"),
        (lambda: tf.estimator.RunConfig(train_distribute=3), "train_distribute"),
        (
            lambda: tf.contrib.estimator.replicate_model_fn(
                lambda features, labels, mode: None, devices=["/gpu:0", "/gpu:1"]
            ),
            "replicate_model_fn on 2 devices",
        ),
    ],
)
def test_what_is_not_there_says_so(call: Any, words: str) -> None:
    with pytest.raises(tf.errors.UnimplementedError, match=words):
        call()
