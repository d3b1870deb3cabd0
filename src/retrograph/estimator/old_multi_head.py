"""`tf.contrib.estimator.multi_head`: several of the older heads as one."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.estimator.head_keys import MetricKeys, summary_key
from retrograph.estimator.heads import Together, check_heads, merged_loss, merged_outputs, nothing, split_logits
from retrograph.estimator.old_heads import LossSpec, _Head, _train_op
from retrograph.estimator.spec import EstimatorSpec, ModeKeys
from retrograph.framework.exports import export


class _MultiHead(Together, _Head):
    def __init__(self, heads: tuple[Any, ...], head_weights: tuple[Any, ...]):
        self._heads, self._head_weights = heads, head_weights

    def _by_head(self, logits: Any) -> dict[str, Any]:
        return logits if isinstance(logits, dict) else split_logits(self._heads, logits)

    def create_loss(self, features: Any, mode: Any, logits: Any, labels: Any) -> LossSpec:
        parts = self._by_head(logits)
        found = {h.name: h.create_loss(features, mode, parts[h.name], labels[h.name]) for h in self._heads}
        weights = dict(zip(found, self._head_weights, strict=True)) if self._head_weights else {}

        def times(value: Any, name: str) -> Any:
            return tf.multiply(value, weights[name]) if weights else value

        return LossSpec(
            merged_loss([s.training_loss for s in found.values()], self._head_weights),
            {name: times(s.unreduced_loss, name) for name, s in found.items()},
            {name: times(s.weights, name) for name, s in found.items()},
            {name: s.processed_labels for name, s in found.items()},
        )

    def create_estimator_spec(
        self, features: Any, mode: Any, logits: Any, labels: Any = None, optimizer: Any = None, train_op_fn: Any = None,
        regularization_losses: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        parts = self._by_head(logits)
        if labels and not isinstance(labels, dict):
            raise ValueError(f"labels must be a dict. Given: {labels}")
        specs = [
            h.create_estimator_spec(
                features, mode, parts[h.name], labels[h.name] if labels else None, train_op_fn=nothing
            )
            for h in self._heads
        ]
        if mode not in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            raise ValueError(f"mode={mode} unrecognized")
        predictions = {
            (h.name, k): v for h, spec in zip(self._heads, specs, strict=True) for k, v in spec.predictions.items()
        }
        if mode == ModeKeys.PREDICT:
            outputs = merged_outputs(self._heads, specs)
            return EstimatorSpec(mode, predictions=predictions, export_outputs=outputs)
        if mode == ModeKeys.EVAL:
            return self._evaluated(specs, predictions)
        loss = merged_loss([spec.loss for spec in specs], self._head_weights)
        spec = EstimatorSpec(mode, predictions, loss, _train_op(loss, optimizer, train_op_fn))
        with tf.name_scope(""):
            tf.summary.scalar(MetricKeys.LOSS, loss)
        return spec

    def _evaluated(self, specs: list[Any], predictions: Any) -> EstimatorSpec:
        metrics: dict[str, Any] = {}
        with tf.name_scope("merge_eval"):
            for head, spec in zip(self._heads, specs, strict=True):
                key = summary_key(head.name, MetricKeys.LOSS)
                metrics[key] = tf.metrics.mean(spec.loss, name=key)
                metrics.update(spec.eval_metric_ops or {})
            loss = merged_loss([spec.loss for spec in specs], self._head_weights)
        return EstimatorSpec(ModeKeys.EVAL, predictions=predictions, loss=loss, eval_metric_ops=metrics)


@export("contrib.estimator.multi_head")
def multi_head(heads: Any, head_weights: Any = None) -> _Head:
    """Several heads, each with its part of the logits. Raises ValueError: no heads, or without names.

    Source: TF 1.15 `tf.contrib.estimator.multi_head`.
    """
    check_heads(heads, head_weights)
    return _MultiHead(tuple(heads), tuple(head_weights or ()))
