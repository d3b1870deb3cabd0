"""The packages that stood beside `tensorflow`: `tensorflow_estimator` and `tensorflow_core`."""

from __future__ import annotations

import importlib

import pytest

import retrograph as tf

tf.install()


@pytest.mark.parametrize(
    ("module", "name", "public"),
    [
        ("tensorflow_estimator.python.estimator.estimator", "Estimator", "Estimator"),
        ("tensorflow_estimator.python.estimator.model_fn", "EstimatorSpec", "EstimatorSpec"),
        ("tensorflow_estimator.python.estimator.run_config", "RunConfig", "RunConfig"),
        ("tensorflow_estimator.python.estimator.canned.dnn", "DNNClassifier", "DNNClassifier"),
        ("tensorflow_estimator.python.estimator.head.regression_head", "RegressionHead", "RegressionHead"),
        ("tensorflow_estimator.python.estimator.api._v1.estimator", "Estimator", "Estimator"),
        ("tensorflow_estimator.estimator", "TrainSpec", "TrainSpec"),
    ],
)
def test_estimators_by_their_own_package(module: str, name: str, public: str) -> None:
    assert getattr(importlib.import_module(module), name) is getattr(tf.estimator, public)


def test_modules_by_attributes_of_packages() -> None:
    package = importlib.import_module("tensorflow_estimator.python.estimator")
    assert package.model_fn.ModeKeys.TRAIN == "train"
    assert package.canned.metric_keys.MetricKeys.LOSS == "loss"


def test_the_core_is_tensorflow() -> None:
    core = importlib.import_module("tensorflow_core")
    assert core.constant is tf.constant
    assert importlib.import_module("tensorflow_core.python.ops.math_ops").matmul is tf.matmul


@pytest.mark.parametrize(
    "module",
    [
        "tensorflow_core.no_such_module",
        "tensorflow_estimator.no_such_module",
        "tensorflow_estimator.python.estimator.no_such_module",
    ],
)
def test_what_was_not_there_is_not_found(module: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(module)
    package, _, name = module.rpartition(".")
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(importlib.import_module(package), name)


def test_libraries_may_allow_members_of_estimators_to_be_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(tf.estimator.Estimator):  # type: ignore[misc]
        def train(self, *args: object, **kwargs: object) -> None:
            raise AssertionError

    def model_fn(features: object, labels: object, mode: object) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match=r"does override \['train'\]"):
        Own(model_fn)
    allowed = staticmethod(lambda _: None)
    monkeypatch.setattr(tf.estimator.Estimator, "_assert_members_are_not_overridden", allowed)
    assert Own(model_fn).model_dir


def test_shards_of_tpus_are_counted_where_a_program_says_so() -> None:
    functions = importlib.import_module("tensorflow.contrib.tpu.python.tpu.tpu_function")
    assert functions.get_tpu_context().number_of_shards is None
    with functions.tpu_shard_context(3):
        assert importlib.import_module("tensorflow.python.tpu.tpu_function").get_tpu_context().number_of_shards == 3
        with pytest.raises(NotImplementedError, match=r"cannot be nested\."), functions.tpu_shard_context(2):
            pass
    assert functions.get_tpu_context().number_of_shards is None


def test_characters_that_scopes_may_not_have() -> None:
    found = importlib.import_module("tensorflow.python.ops.summary_ops_v2")._INVALID_SCOPE_CHARACTERS
    assert found.sub("", "a b:c/d") == "abc/d"
