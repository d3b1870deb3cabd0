"""Cells around cells: dropout, residual connections, devices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value
from retrograph.rnn.cells import LSTMStateTuple, RNNCell, assert_like_rnncell


class CellWrapper(RNNCell):
    """A cell that runs another one in its own variable scope."""

    def __init__(self, cell: Any, **kwargs: Any):
        super().__init__(**kwargs)
        assert_like_rnncell("cell", cell)
        self.cell = cell
        self._track_part("cell", cell)
        self.built = True

    @property
    def wrapped_cell(self) -> Any:
        """The cell inside."""
        return self.cell

    @property
    def state_size(self) -> Any:
        """The size of the state of the cell inside."""
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        """The size of the output of the cell inside."""
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero state of the cell inside."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]):
            return self.cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the next state."""
        return self._call_wrapped_cell(inputs, state, self.cell.__call__, scope=scope)

    def call(self, inputs: Any, state: Any, **kwargs: Any) -> Any:
        """The output and the next state."""
        return self._call_wrapped_cell(inputs, state, self.cell.call, **kwargs)

    def _call_wrapped_cell(self, inputs: Any, state: Any, cell_call_fn: Callable[..., Any], **kwargs: Any) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """What the wrapper was made with."""
        return {
            **super().get_config(),
            "cell": {"class_name": type(self.cell).__name__, "config": self.cell.get_config()},
        }


def _drops_output_of_lstm(substate: Any) -> Any:
    if isinstance(substate, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return not isinstance(substate, tf.TensorArray)


def _enumerated(function: Callable[..., Any], shallow: Any, *structures: Any) -> Any:
    numbers = iter(range(len(nest.flatten_up_to(shallow, shallow))))
    return nest.map_structure_up_to(shallow, lambda *parts: function(next(numbers), *parts), *structures)


@export("nn.rnn_cell.DropoutWrapper", "contrib.rnn.DropoutWrapper")
class DropoutWrapper(CellWrapper):
    """Dropout on inputs, outputs and state of a cell; with `variational_recurrent` one mask for all steps. Source: TF 1.15 `tf.nn.rnn_cell.DropoutWrapper`."""

    def __init__(
        self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0, variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None,
        seed: Any = None, dropout_state_filter_visitor: Any = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(cell, dtype=dtype, **kwargs)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._dropout_state_filter = dropout_state_filter_visitor or _drops_output_of_lstm
        with tf.name_scope("DropoutWrapperInit"):
            self._input_keep_prob = _probability("input_keep_prob", input_keep_prob)
            self._state_keep_prob = _probability("state_keep_prob", state_keep_prob)
            self._output_keep_prob = _probability("output_keep_prob", output_keep_prob)
        self._variational_recurrent, self._input_size, self._seed = variational_recurrent, input_size, seed
        self._noise_of: dict[str, Any] = {"input": None, "state": None, "output": None}
        if variational_recurrent:
            self._make_noise(dtype)

    def _make_noise(self, dtype: Any) -> None:
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        if _drops(self._input_keep_prob):
            if self._input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, input_size must be provided"
                )
            self._noise_of["input"] = self._noise("input", self._input_size, dtype)
        self._noise_of["state"] = self._noise("state", self.cell.state_size, dtype)
        self._noise_of["output"] = self._noise("output", self.cell.output_size, dtype)

    def _noise(self, salt: str, sizes: Any, dtype: Any) -> Any:
        def one(i: int, size: Any) -> Any:
            # One row of noise serves every row of the batch.
            shape = tf.concat(([1], tf.TensorShape(size if hasattr(size, "__len__") else [size]).as_list()), 0)
            return tf.random_uniform(shape, seed=self._gen_seed(salt, i), dtype=dtype)

        return _enumerated(one, sizes, sizes)

    def _gen_seed(self, salt: str, index: int) -> int | None:
        if self._seed is None:
            return None
        digest = hashlib.md5(f"{self._seed}{salt}_{index}".encode(), usedforsecurity=False).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _dropped(self, values: Any, salt: str, keep_prob: Any, shallow: Any = None) -> Any:
        shallow = values if shallow is None else shallow
        noise = self._noise_of[salt]

        def plain(i: int, chosen: Any, value: Any) -> Any:
            drops = not isinstance(chosen, bool) or chosen
            return tf.nn.dropout(value, keep_prob=keep_prob, seed=self._gen_seed(salt, i)) if drops else value

        def variational(i: int, chosen: Any, value: Any, mask: Any) -> Any:
            return _masked(value, mask, keep_prob) if not isinstance(chosen, bool) or chosen else value

        if self._variational_recurrent:
            return _enumerated(variational, shallow, shallow, values, noise)
        return _enumerated(plain, shallow, shallow, values)

    def _call_wrapped_cell(self, inputs: Any, state: Any, cell_call_fn: Callable[..., Any], **kwargs: Any) -> Any:
        if _drops(self._input_keep_prob):
            inputs = self._dropped(inputs, "input", self._input_keep_prob)
        output, new_state = cell_call_fn(inputs, state, **kwargs)
        if _drops(self._state_keep_prob):
            shallow = nest.get_traverse_shallow_structure(self._dropout_state_filter, new_state)
            new_state = self._dropped(new_state, "state", self._state_keep_prob, shallow)
        if _drops(self._output_keep_prob):
            output = self._dropped(output, "output", self._output_keep_prob)
        return output, new_state

    def get_config(self) -> dict[str, Any]:
        """What the wrapper was made with."""
        names = (
            "input_keep_prob",
            "output_keep_prob",
            "state_keep_prob",
            "variational_recurrent",
            "input_size",
            "seed",
        )
        return {**super().get_config(), **{name: getattr(self, f"_{name}") for name in names}}


def _drops(probability: Any) -> bool:
    return not isinstance(probability, float) or probability < 1


def _probability(name: str, value: Any) -> Any:
    tensor = tf.convert_to_tensor(value)
    known = constant_value(tensor)
    if known is None:
        return tensor
    if known < 0 or known > 1:
        raise ValueError(f"Parameter {name} must be between 0 and 1: {int(known)}")
    return float(known)


def _masked(value: Any, noise: Any, keep_prob: Any) -> Any:
    kept = tf.floor(keep_prob + noise)
    result = tf.div(value, keep_prob) * kept
    result.set_shape(value.shape)
    return result


@export("nn.rnn_cell.ResidualWrapper", "contrib.rnn.ResidualWrapper")
class ResidualWrapper(CellWrapper):
    """Adds the inputs to the outputs of a cell, or what `residual_fn(inputs, outputs)` gives. Source: TF 1.15 `tf.nn.rnn_cell.ResidualWrapper`."""

    def __init__(self, cell: Any, residual_fn: Any = None, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def _call_wrapped_cell(self, inputs: Any, state: Any, cell_call_fn: Callable[..., Any], **kwargs: Any) -> Any:
        outputs, new_state = cell_call_fn(inputs, state, **kwargs)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new_state
        nest.assert_same_structure(inputs, outputs)
        for x, y in zip(nest.flatten(inputs), nest.flatten(outputs), strict=True):
            x.shape.assert_is_compatible_with(y.shape)
        return nest.map_structure(lambda x, y: x + y, inputs, outputs), new_state


@export("nn.rnn_cell.DeviceWrapper", "contrib.rnn.DeviceWrapper")
class DeviceWrapper(CellWrapper):
    """Runs a cell on a device. Source: TF 1.15 `tf.nn.rnn_cell.DeviceWrapper`."""

    def __init__(self, cell: Any, device: Any, **kwargs: Any):
        super().__init__(cell, **kwargs)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The zero state of the cell inside, on the device."""
        with tf.name_scope(f"{type(self).__name__}ZeroState", values=[batch_size]), tf.device(self._device):
            return self.cell.zero_state(batch_size, dtype)

    def _call_wrapped_cell(self, inputs: Any, state: Any, cell_call_fn: Callable[..., Any], **kwargs: Any) -> Any:
        with tf.device(self._device):
            return cell_call_fn(inputs, state, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """What the wrapper was made with."""
        return {**super().get_config(), "device": self._device}
