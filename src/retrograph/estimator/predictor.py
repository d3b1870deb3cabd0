"""`tf.contrib.predictor.from_estimator`: an estimator's model as a function from arrays to arrays."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.estimator.model import Estimator
from retrograph.estimator.spec import ModeKeys
from retrograph.framework.exports import export
from retrograph.saved.predictor import Predictor


class CoreEstimatorPredictor(Predictor):
    """The prediction of one output of an estimator's model, with the values of its latest checkpoint."""

    def __init__(
        self, estimator: Any, serving_input_receiver_fn: Any, output_key: Any = None, graph: Any = None,
        config: Any = None,
    ):  # fmt: skip
        self._graph = graph or tf.Graph()
        with self._graph.as_default():
            receiver = serving_input_receiver_fn()
            spec = estimator.model_fn(receiver.features, None, ModeKeys.PREDICT, estimator.config)
            output = spec.export_outputs.get(output_key or "serving_default")
            if output is None:
                raise KeyError(f"output_key must be one of {spec.export_outputs.keys()}; got {output_key}")
            signature = output.as_signature_def(receiver.receiver_tensors)
            creator = tf.train.ChiefSessionCreator(config=config, checkpoint_dir=estimator.model_dir)
            self._session = tf.train.MonitoredSession(session_creator=creator)
        self._feed_tensors = self._by_name(signature.inputs)
        self._fetch_tensors = self._by_name(signature.outputs)

    def _by_name(self, infos: Any) -> dict[str, Any]:
        return {key: self._graph.get_tensor_by_name(info.name) for key, info in infos.items()}


@export("contrib.predictor.from_estimator")
def from_estimator(
    estimator: Any, serving_input_receiver_fn: Any, output_key: Any = None, graph: Any = None, config: Any = None
) -> CoreEstimatorPredictor:
    """A function that predicts with an estimator's latest checkpoint.

    Raises TypeError: no estimator of `tf.estimator`; KeyError: no such output.
    Source: TF 1.15 `tf.contrib.predictor.from_estimator`.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"Expected estimator to be of type tf.estimator.Estimator, but got type {type(estimator)}. ")
    return CoreEstimatorPredictor(estimator, serving_input_receiver_fn, output_key, graph, config)
