"""Networks over all steps at once: `tf.contrib.rnn.FusedRNNCell` and what makes cells into such."""

from __future__ import annotations

import abc
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


@export("contrib.rnn.FusedRNNCell")
class FusedRNNCell(metaclass=abc.ABCMeta):
    """The base of networks that take inputs f[time, batch, n] of all steps. Source: TF 1.15 `tf.contrib.rnn.FusedRNNCell`."""

    @abc.abstractmethod
    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> Any:
        """Outputs f[time, batch, size], and the last state."""


@export("contrib.rnn.FusedRNNCellAdaptor")
class FusedRNNCellAdaptor(FusedRNNCell):
    """A cell as a network over all steps. Source: TF 1.15 `tf.contrib.rnn.FusedRNNCellAdaptor`."""

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False):
        self._cell, self._use_dynamic_rnn = cell, use_dynamic_rnn

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> Any:
        """Outputs, a list if the inputs are one, and the last state."""
        listed = isinstance(inputs, list)
        shared: dict[str, Any] = {
            "sequence_length": sequence_length, "initial_state": initial_state, "dtype": dtype, "scope": scope,
        }  # fmt: skip
        if self._use_dynamic_rnn:
            inputs = tf.stack(inputs) if listed else inputs
            outputs, state = tf.nn.dynamic_rnn(self._cell, inputs, time_major=True, **shared)
            return (tf.unstack(outputs) if listed else outputs), state
        inputs = inputs if listed else tf.unstack(inputs)
        outputs, state = tf.nn.static_rnn(self._cell, inputs, **shared)
        return (outputs if listed else tf.stack(outputs)), state


@export("contrib.rnn.TimeReversedFusedRNN")
class TimeReversedFusedRNN(FusedRNNCell):
    """A network over all steps, from the last to the first. Source: TF 1.15 `tf.contrib.rnn.TimeReversedFusedRNN`."""

    def __init__(self, cell: Any):
        self._cell = cell

    def _reverse(self, values: Any, lengths: Any) -> Any:
        if isinstance(values, list):
            return list(reversed(values))
        return tf.reverse(values, [0]) if lengths is None else tf.reverse_sequence(values, lengths, 0, 1)

    def __call__(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, scope: Any = None
    ) -> Any:
        """Outputs in the order of the inputs, and the state after the first step."""
        turned = self._reverse(inputs, sequence_length)
        outputs, state = self._cell(
            turned, initial_state=initial_state, dtype=dtype, sequence_length=sequence_length, scope=scope
        )
        return self._reverse(outputs, sequence_length), state
