"""Layers that Keras makes itself: for plain operations in a functional model, for its losses and metrics."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.keras.base_layer import Layer


class TensorFlowOpLayer(Layer):
    """An operation as a layer; inputs that come from no layer are its constants."""

    def __init__(self, op: Any, constants: dict[int, Any] | None = None, name: Any = None, trainable: bool = True):
        super().__init__(name=f"tf_op_layer_{name}", trainable=trainable)
        self._operation = (op.type, op.name, [t.dtype for t in op.outputs], dict(op.attrs))
        object.__setattr__(self, "constants", constants or {})
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The outputs of the operation made anew with these inputs."""
        op_type, name, dtypes, attrs = self._operation
        given = list(nest.flatten(inputs))
        for index in sorted(self.constants):
            given.insert(index, tf.convert_to_tensor(self.constants[index]))
        made = get_default_graph().create_op(op_type, given, dtypes, name=name, attrs=attrs)
        return made.outputs[0] if len(made.outputs) == 1 else list(made.outputs)

    def get_config(self) -> dict[str, Any]:
        """The name and the type of the operation."""
        return {**super().get_config(), "node_def": self._operation[0]}


class AddLoss(Layer):
    """Adds its input to the losses of a functional model."""

    def __init__(self, unconditional: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.unconditional = unconditional

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        self.add_loss(inputs, inputs=None if self.unconditional else inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {**super().get_config(), "unconditional": self.unconditional}


class AddMetric(Layer):
    """Adds its input to the metrics of a functional model."""

    def __init__(self, aggregation: Any = None, metric_name: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.aggregation, self.metric_name = aggregation, metric_name

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        self.add_metric(inputs, self.aggregation, self.metric_name)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {**super().get_config(), "aggregation": self.aggregation, "metric_name": self.metric_name}
