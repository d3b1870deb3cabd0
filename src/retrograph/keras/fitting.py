"""The loops of `fit`, `evaluate` and `predict`: batches of arrays, or what a generator gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.keras import arrays
from retrograph.keras.batch_sources import Batches, is_generator, parts_of
from retrograph.keras.callback_base import CallbackList, configured


def alone(values: list[Any]) -> Any:
    """The only value, or the list."""
    return values[0] if len(values) == 1 else values


class _Totals:
    """What an epoch reports: the loss as a mean over rows, the metrics as the last batch gave them."""

    def __init__(self) -> None:
        self.loss: Any = 0.0
        self.rows = 0
        self.last: list[Any] = []

    def add(self, outputs: list[Any], rows: int) -> None:
        # A loss that a program does not reduce has several numbers.
        loss = np.asarray(outputs[0])
        self.loss = self.loss + (loss if loss.ndim else float(loss)) * rows
        self.rows += rows
        self.last = outputs[1:]

    def values(self) -> list[Any]:
        return [self.loss / max(self.rows, 1), *self.last]


def _batches(number: int, size: int) -> list[tuple[int, int]]:
    return [(start, min(number, start + size)) for start in range(0, number, size)]


def _order(number: int, size: int, shuffle: Any) -> Any:
    """The rows in the order of an epoch."""
    order = np.arange(number)
    if shuffle == "batch":
        whole = order[: number // size * size].reshape(-1, size)
        np.random.shuffle(whole)
    elif shuffle:
        np.random.shuffle(order)
    return order


def _split(batch: tuple[list[Any], ...], fraction: float) -> tuple[Any, Any]:
    """(to train on, to validate on): the last rows are kept apart."""
    number = batch[0][0].shape[0]
    at = int(number * (1.0 - fraction))
    if at in (0, number):
        raise ValueError(
            f"Training data contains {number} samples, which is not sufficient to split it into a validation and training set as specified by `validation_split={fraction}`. Either "
            "provide more data, or a different value for the `validation_split` argument."
        )
    return tuple(arrays.rows_of(a, slice(0, at)) for a in batch), tuple(
        arrays.rows_of(a, slice(at, None)) for a in batch
    )


def _validation(model: Any, data: Any, steps: Any = None) -> Any:
    if data is None:
        return None
    if is_generator(data):
        return Batches(data, steps, "validation_steps")
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(
            "When passing a `validation_data` argument, it must contain either 2 items (x_val, y_val), or 3 items (x_val, y_val, val_sample_weights), or alternatively it could be a "
            f"dataset or a dataset or a dataset iterator. However we received `validation_data={data}`"
        )
    return model._standardized(data[0], data[1], data[2] if len(data) == 3 else None)


def _heard(model: Any, listeners: CallbackList, mode: str, index: int, size: int, values: list[Any]) -> list[Any]:
    """What a batch gives; the callbacks hear of it before and after."""
    logs: dict[str, Any] = {"batch": index, "size": size}
    listeners.call(f"on_{mode}_batch_begin", index, logs)
    outputs: list[Any] = model._run_batch(mode, values)
    if mode != "predict":
        logs.update(zip(model.metrics_names, outputs, strict=True))
    listeners.call(f"on_{mode}_batch_end", index, logs)
    return outputs


def fit(
    model: Any, x: Any, y: Any, batch_size: Any, epochs: int, verbose: int, callbacks: Any, validation_split: float, validation_data: Any, shuffle: Any, class_weight: Any,
    sample_weight: Any, initial_epoch: int, steps_per_epoch: Any, validation_steps: Any, validation_freq: Any,
) -> Any:  # fmt: skip
    """Trains on arrays; the history."""
    if steps_per_epoch is not None:
        raise errors.UnimplementedError(None, None, "Model.fit: `steps_per_epoch` with arrays is not implemented")
    batch = model._standardized(x, y, sample_weight, class_weight)
    validation = _validation(model, validation_data, validation_steps)
    if validation is None and validation_split and 0.0 < validation_split < 1.0:
        batch, validation = _split(batch, validation_split)
    inputs = [*batch[0], *batch[1], *batch[2]]
    number, size = inputs[0].shape[0], int(batch_size or 32)
    if verbose:
        print(
            f"Train on {number} samples"
            + ("" if validation is None else f", validate on {_number_of(validation)} samples")
        )
    model._make_train_function()
    listeners = configured(model, callbacks, validation is not None, epochs, size, number, None, verbose)
    listeners.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        listeners.on_epoch_begin(epoch)
        totals, order = _Totals(), _order(number, size, shuffle)
        for index, (start, end) in enumerate(_batches(number, size)):
            rows = arrays.rows_of(inputs, order[start:end])
            totals.add(_heard(model, listeners, "train", index, end - start, rows), end - start)
            if model.stop_training:
                break
        _end_epoch(model, listeners, epoch, totals, validation, size, validation_steps, validation_freq)
        if model.stop_training:
            break
    listeners.on_train_end()
    return model.history


def _number_of(validation: Any) -> Any:
    return validation[0][0].shape[0] if isinstance(validation, tuple) else "?"


def _wants_validation(frequency: Any, epoch: int) -> bool:
    return (epoch + 1) in frequency if isinstance(frequency, (list, tuple, set)) else (epoch + 1) % frequency == 0


def _end_epoch(
    model: Any,
    listeners: CallbackList,
    epoch: int,
    totals: _Totals,
    validation: Any,
    size: int,
    steps: Any,
    frequency: Any,
) -> None:
    logs = dict(zip(model.metrics_names, totals.values(), strict=True))
    if validation is not None and _wants_validation(frequency, epoch):
        if isinstance(validation, Batches):
            validation.restart(always=True)
            values = evaluate_generator(model, validation, listeners)
        else:
            # TF shuffles here too: programs that seed NumPy get the same order in the next epoch.
            _order(_number_of(validation), size, True)
            values = evaluate(model, validation, size, 0, None, listeners)
        logs.update({f"val_{name}": value for name, value in zip(model.metrics_names, values, strict=True)})
    listeners.on_epoch_end(epoch, logs)


def evaluate(model: Any, batch: Any, batch_size: Any, verbose: int, steps: Any, callbacks: Any) -> list[Any]:
    """The loss and metrics for arrays."""
    if steps is not None:
        raise errors.UnimplementedError(None, None, "Model.evaluate: `steps` with arrays is not implemented")
    totals = _Totals()
    inputs = [*batch[0], *batch[1], *batch[2]]
    for rows, outputs in _outputs(model, inputs, batch_size, "test", callbacks, verbose):
        totals.add(outputs, rows)
    return totals.values()


def predict(model: Any, inputs: list[Any], batch_size: Any, verbose: int, steps: Any, callbacks: Any) -> list[Any]:
    """The outputs for arrays."""
    if steps is not None:
        raise errors.UnimplementedError(None, None, "Model.predict: `steps` with arrays is not implemented")
    return _joined([outputs for _, outputs in _outputs(model, inputs, batch_size, "predict", callbacks, 0)])


def _outputs(
    model: Any, inputs: list[Any], batch_size: Any, mode: str, callbacks: Any, verbose: int
) -> Iterator[tuple[int, list[Any]]]:
    """(rows, outputs) of each batch of arrays, without training."""
    number, size = inputs[0].shape[0], int(batch_size or 32)
    listeners = configured(model, callbacks, False, 1, size, number, None, verbose, mode=mode)
    if mode == "test":
        model.reset_metrics()
    listeners.call(f"on_{mode}_begin", None)
    for index, (start, end) in enumerate(_batches(number, size)):
        rows = arrays.rows_of(inputs, slice(start, end))
        yield end - start, _heard(model, listeners, mode, index, end - start, rows)
    listeners.call(f"on_{mode}_end", None)


def _joined(made: list[Any]) -> list[Any]:
    return [np.concatenate(parts, axis=0) for parts in zip(*made, strict=True)]


# --- generators and datasets ---------------------------------------------------------------------------------------


def fit_generator(
    model: Any, generator: Any, steps_per_epoch: Any, epochs: int, verbose: int, callbacks: Any, validation_data: Any, validation_steps: Any, validation_freq: Any, class_weight: Any,
    initial_epoch: int, shuffle: Any = False,
) -> Any:  # fmt: skip
    """Trains on batches of a generator or dataset; the history."""
    source = Batches(generator, steps_per_epoch, "steps_per_epoch", shuffle)

    def begun(validates: bool) -> CallbackList:
        # TF counts steps as samples here.
        made = configured(model, callbacks, validates, epochs, None, source.steps, source.steps, verbose)
        made.on_train_begin()
        return made

    def begin() -> tuple[CallbackList, Any]:
        validation = _validation(model, validation_data, validation_steps)
        model._make_train_function()
        return begun(validation is not None), validation

    training = _BatchTraining(model, source, epochs, class_weight, begin)
    for epoch in range(initial_epoch, epochs):
        totals = training.epoch(epoch)
        _end_epoch(model, training.listeners, epoch, totals, training.validation, 32, validation_steps, validation_freq)
        if model.stop_training:
            break
    if training.listeners is None:  # There was no epoch.
        training.listeners = begun(validation_data is not None)
    training.listeners.on_train_end()
    return model.history


class _BatchTraining:
    """Training on the batches of a source: it begins, and the callbacks hear so, when the first batch is there."""

    def __init__(
        self, model: Any, source: Batches, epochs: int, class_weight: Any, begin: Callable[[], tuple[CallbackList, Any]]
    ):
        self._model, self._source, self._epochs, self._class_weight = model, source, epochs, class_weight
        self._begin = begin
        self.listeners: Any = None
        self.validation: Any = None

    def epoch(self, epoch: int) -> _Totals:
        """Trains for one epoch. Raises ValueError: the source has no batch."""
        model, source = self._model, self._source
        totals, index = _Totals(), 0
        source.restart()
        while source.steps is None or index < source.steps:
            item = source.next(self._epochs)
            if item is None:
                _ran_out(model, source, self.listeners, index)
                break
            self._take(
                epoch, index, model._standardized(*parts_of(item, source.is_dataset), self._class_weight), totals
            )
            index += 1
            if model.stop_training:
                break
        if not index:
            raise ValueError("Empty training data.")
        return totals

    def _take(self, epoch: int, index: int, batch: tuple[list[Any], ...], totals: _Totals) -> None:
        if self.listeners is None:
            self.listeners, self.validation = self._begin()
        if index == 0:
            self._model.reset_metrics()
            self.listeners.on_epoch_begin(epoch)
        size = self._source.size(batch[0][0].shape[0])
        values = [value for part in batch for value in part]
        totals.add(_heard(self._model, self.listeners, "train", index, size, values), size)


def _ran_out(model: Any, source: Batches, listeners: CallbackList | None, index: int) -> None:
    """After the last batch of a source: the steps are known now, or training ends."""
    _tell_end(source, listeners, "on_train_batch_begin", index)
    if source.ends_training:
        object.__setattr__(model, "stop_training", True)
    elif index:
        source.steps = index
        if listeners is not None:
            for callback in listeners.callbacks:
                callback.params["steps"] = index


def _tell_end(source: Batches, listeners: CallbackList | None, hook: str, index: int) -> None:
    """TF begins a batch before it finds that a dataset has no more."""
    if listeners is not None and source.is_dataset:
        listeners.call(hook, index, {"batch": index, "size": 1})


def evaluate_generator(model: Any, source: Batches, callbacks: Any = None, verbose: int = 0) -> list[Any]:
    """The loss and metrics for batches of a generator or dataset."""
    totals = _Totals()
    for outputs in _outputs_of(model, source, "test", callbacks, verbose):
        totals.add(outputs, 1)
    # TF divides by the steps asked for, even if there were fewer.
    totals.rows = source.steps or totals.rows
    return totals.values()


def predict_generator(model: Any, source: Batches, callbacks: Any = None, verbose: int = 0) -> list[Any]:
    """The outputs for batches of a generator or dataset."""
    return _joined(list(_outputs_of(model, source, "predict", callbacks, verbose)))


def _outputs_of(model: Any, source: Batches, mode: str, callbacks: Any, verbose: int) -> Iterator[list[Any]]:
    """The outputs for each batch of a source, without training. Raises ValueError: there is none."""
    listeners: Any = None
    index = 0
    while source.steps is None or index < source.steps:
        item = source.next(1)
        if item is None:
            _tell_end(source, listeners, f"on_{mode}_batch_begin", index)
            break
        parts = parts_of(item, source.is_dataset)
        batch = model._standardized(*(parts[:1] if mode == "predict" else parts))
        if listeners is None:
            listeners = configured(model, callbacks, False, 1, None, source.steps, source.steps, verbose, mode=mode)
            listeners.call(f"on_{mode}_begin", None)
            if mode == "test":
                model.reset_metrics()
        size = source.size(batch[0][0].shape[0])
        yield _heard(model, listeners, mode, index, size, [value for part in batch for value in part])
        index += 1
    if listeners is None:
        raise ValueError("Empty training data.")
    listeners.call(f"on_{mode}_end", None)
