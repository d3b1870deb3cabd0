"""What programs for TPUs open around their layers, and inner names that samples of estimators take."""

from __future__ import annotations

import importlib

import retrograph as tf
from retrograph.compat import hook
from retrograph.contrib.tpu_scopes import bfloat16_scope, outside_compilation

hook.install()


def _taken(module: str, name: str) -> object:
    return getattr(importlib.import_module(module), name)


def test_variables_of_half_width_are_kept_whole() -> None:
    with tf.Graph().as_default() as graph:
        with bfloat16_scope() as scope:
            short = tf.get_variable("a", [2, 3], tf.bfloat16)
            whole = tf.get_variable("b", [2, 3])
        assert scope.name == ""
        assert (short.dtype.name, whole.dtype.name) == ("bfloat16", "float32_ref")
        assert [v.dtype.name for v in tf.global_variables()] == ["float32_ref", "float32_ref"]
        assert graph.get_operation_by_name("Cast").outputs[0] is short


def test_outside_of_a_computation_functions_are_called() -> None:
    assert outside_compilation(lambda x, y=1: x + y, 3, y=4) == 7


def test_names_by_both_packages() -> None:
    for name in ("CrossShardOptimizer", "cross_replica_sum", "bfloat16_scope", "outside_compilation"):
        assert getattr(tf.tpu, name) is getattr(tf.contrib.tpu, name)


def test_heads_by_their_inner_names() -> None:
    head = "tensorflow.python.estimator.canned.head"
    either = _taken(head, "_binary_logistic_or_multi_class_head")
    with tf.Graph().as_default():
        assert either(2, None, None, tf.losses.Reduction.SUM).logits_dimension == 1  # type: ignore[operator]
        assert either(4, None, None, tf.losses.Reduction.SUM).logits_dimension == 4  # type: ignore[operator]
    numbers = _taken(head, "_regression_head")
    assert numbers(None, 2).logits_dimension == 2  # type: ignore[operator]
    one = _taken(
        "tensorflow_estimator.python.estimator.canned.head", "_multi_class_head_with_softmax_cross_entropy_loss"
    )
    assert one is _taken(head, "_multi_class_head_with_softmax_cross_entropy_loss")
    assert _taken("tensorflow.python.estimator.canned.metric_keys", "MetricKeys").AUC == "auc"  # type: ignore[attr-defined]


def test_columns_are_of_the_newer_kind() -> None:
    for module in ("feature_column_lib", "feature_column_v2"):
        newer = _taken("tensorflow.python.feature_column." + module, "is_feature_column_v2")
        column = tf.feature_column.numeric_column("x")
        assert newer([column]) and newer([]) and not newer([column, 3])  # type: ignore[operator]


def test_names_of_directions() -> None:
    module = "tensorflow.contrib.cudnn_rnn.python.ops.cudnn_rnn_ops"
    assert _taken(module, "CUDNN_RNN_UNIDIRECTION") == "unidirectional"
    assert _taken(module, "CUDNN_RNN_BIDIRECTION") == "bidirectional"
    assert _taken(module, "CUDNN_INPUT_AUTO_MODE") == "auto_select"
