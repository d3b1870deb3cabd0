"""`tf.keras.callbacks`: stopping early, saving weights, changing the learning rate, writing logs."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.keras.backend_values import get_value, set_value
from retrograph.keras.callback_base import Callback


def _better(mode: str, monitor: str, who: str, higher: tuple[str, ...] = ("acc",)) -> Any:
    """`np.less` or `np.greater`, as the mode says, or the name of what is watched."""
    if mode not in ("auto", "min", "max"):
        get_logger().warning("%s mode %s is unknown, fallback to auto mode.", who, mode)
        mode = "auto"
    if mode == "auto":
        mode = "max" if any(word in monitor for word in higher) else "min"
    return np.less if mode == "min" else np.greater


def _worst(better: Any) -> float:
    return np.inf if better is np.less else -np.inf


@export("keras.callbacks.LambdaCallback")
class LambdaCallback(Callback):
    """Functions as a callback. Source: TF 1.15 `tf.keras.callbacks.LambdaCallback`."""

    def __init__(
        self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_batch_begin: Any = None, on_batch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__()
        self.__dict__.update(kwargs)
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_batch_begin": on_batch_begin, "on_batch_end": on_batch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }  # fmt: skip
        self.__dict__.update({name: function for name, function in given.items() if function is not None})


@export("keras.callbacks.TerminateOnNaN")
class TerminateOnNaN(Callback):
    """Stops when the loss is no number. Source: TF 1.15 `tf.keras.callbacks.TerminateOnNaN`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


@export("keras.callbacks.EarlyStopping")
class EarlyStopping(Callback):
    """Stops when a value gets no better for `patience` epochs. Source: TF 1.15 `tf.keras.callbacks.EarlyStopping`."""

    def __init__(
        self, monitor: str = "val_loss", min_delta: Any = 0, patience: int = 0, verbose: int = 0, mode: str = "auto", baseline: Any = None, restore_best_weights: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.monitor, self.patience, self.verbose, self.baseline = monitor, patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.best_weights: Any = None
        self.monitor_op = _better(mode, monitor, "EarlyStopping")
        self.min_delta = abs(min_delta) * (1 if self.monitor_op is np.greater else -1)
        self.wait = self.stopped_epoch = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins anew."""
        self.wait = self.stopped_epoch = 0
        self.best = _worst(self.monitor_op) if self.baseline is None else self.baseline

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the value."""
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best, self.wait = current, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights:
                if self.verbose > 0:
                    print("Restoring model weights from the end of the best epoch.")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Says whether it stopped."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")

    def get_monitor_value(self, logs: Any) -> Any:
        """The value that is watched; None, with a warning, if it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            get_logger().warning(
                "Early stopping conditioned on metric `%s` which is not available. Available metrics are: %s",
                self.monitor,
                ",".join(logs or {}),
            )
        return value


@export("keras.callbacks.ModelCheckpoint")
class ModelCheckpoint(Callback):
    """Saves weights after epochs (or rows). `save_weights_only` must be set: whole models are not written.

    Raises UnimplementedError: it is not set; ValueError: another `save_freq`. Source: TF 1.15 `tf.keras.callbacks.ModelCheckpoint`.
    """

    def __init__(
        self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False, save_weights_only: bool = False, mode: str = "auto", save_freq: Any = "epoch",
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__()
        self.filepath: Any = filepath if filepath is None else os.fspath(filepath)
        self.monitor, self.verbose = monitor, verbose
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self.period = kwargs.pop("period", 1)
        self.load_weights_on_restart = kwargs.pop("load_weights_on_restart", False)
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"Unrecognized save_freq: {save_freq}")
        if self.load_weights_on_restart:
            raise errors.UnimplementedError(
                None, None, "ModelCheckpoint: `load_weights_on_restart` is not implemented; use model.load_weights"
            )
        self.monitor_op = _better(mode, monitor, "ModelCheckpoint", ("acc", "fmeasure"))
        self.best = _worst(self.monitor_op)
        self.epochs_since_last_save = self._seen = self._epoch = 0

    def set_model(self, model: Any) -> None:
        """Takes in the model; UnimplementedError if the whole of it should be saved."""
        self.model = model
        if not self.save_weights_only and (model._is_graph_network or type(model).__name__ == "Sequential"):
            raise errors.UnimplementedError(
                None, None, "ModelCheckpoint: saving whole models is not implemented; set save_weights_only=True"
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers the epoch."""
        self._epoch = epoch

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves after so many rows."""
        if isinstance(self.save_freq, int):
            self._seen += (logs or {}).get("size", 1)
            if self._seen >= self.save_freq:
                self._save(self._epoch, logs or {})
                self._seen = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves after so many epochs."""
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self.epochs_since_last_save = 0
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        path = self.filepath.format(epoch=epoch + 1, **logs)
        if self.save_best_only and not self._improved(epoch, logs, path):
            return
        if not self.save_best_only and self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: saving model to {path}")
        self.model.save_weights(path, overwrite=True)

    def _improved(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        current = logs.get(self.monitor)
        if current is None:
            get_logger().warning("Can save best model only with %s available, skipping.", self.monitor)
            return False
        better = bool(self.monitor_op(current, self.best))
        if self.verbose > 0 and better:
            print(
                f"\nEpoch {epoch + 1:05d}: {self.monitor} improved from {self.best:0.5f} to {current:0.5f}, saving model to {path}"
            )
        elif self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: {self.monitor} did not improve from {self.best:0.5f}")
        self.best = current if better else self.best
        return better


@export("keras.callbacks.LearningRateScheduler")
class LearningRateScheduler(Callback):
    """Sets the learning rate for each epoch. Source: TF 1.15 `tf.keras.callbacks.LearningRateScheduler`."""

    def __init__(self, schedule: Any, verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets it. Raises ValueError: the optimizer has none, or the function gives no float."""
        if not hasattr(self.model.optimizer, "lr"):
            raise ValueError('Optimizer must have a "lr" attribute.')
        try:
            rate = self.schedule(epoch, float(get_value(self.model.optimizer.lr)))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError('The output of the "schedule" function should be float.')
        set_value(self.model.optimizer.lr, rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: LearningRateScheduler reducing learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Logs it."""
        if logs is not None:
            logs["lr"] = get_value(self.model.optimizer.lr)


@export("keras.callbacks.ReduceLROnPlateau")
class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a value gets no better. Source: TF 1.15 `tf.keras.callbacks.ReduceLROnPlateau`."""

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto", min_delta: float = 0.0001, cooldown: int = 0, min_lr: Any = 0,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__()
        if factor >= 1.0:
            raise ValueError("ReduceLROnPlateau does not support a factor >= 1.0.")
        self.monitor, self.factor, self.patience, self.verbose, self.mode = monitor, factor, patience, verbose, mode
        self.min_delta, self.cooldown, self.min_lr = kwargs.pop("epsilon", min_delta), cooldown, min_lr
        self._reset()

    def _reset(self) -> None:
        self._better = _better(self.mode, self.monitor, "Learning Rate Plateau Reducing")
        self.best = _worst(self._better)
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the value."""
        logs = {} if logs is None else logs
        logs["lr"] = get_value(self.model.optimizer.lr)
        current = logs.get(self.monitor)
        if current is None:
            get_logger().warning(
                "Reduce LR on plateau conditioned on metric `%s` which is not available. Available metrics are: %s",
                self.monitor,
                ",".join(logs),
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        margin = -self.min_delta if self._better is np.less else self.min_delta
        if self._better(current, self.best + margin):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._lower(epoch)

    def _lower(self, epoch: int) -> None:
        rate = float(get_value(self.model.optimizer.lr))
        if rate <= self.min_lr:
            return
        rate = max(rate * self.factor, self.min_lr)
        set_value(self.model.optimizer.lr, rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {rate}.")
        self.cooldown_counter, self.wait = self.cooldown, 0

    def in_cooldown(self) -> bool:
        """Whether it waits after a change."""
        return self.cooldown_counter > 0


@export("keras.callbacks.CSVLogger")
class CSVLogger(Callback):
    """Writes the loss and metrics of epochs into a file. Source: TF 1.15 `tf.keras.callbacks.CSVLogger`."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = filename, separator, append
        self.keys: Any = None
        self.writer: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file."""
        self._header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="\n")  # noqa: SIM115 closed when training ends

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a row."""
        logs = logs or {}
        self.keys = sorted(logs) if self.keys is None else self.keys
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, fieldnames=["epoch", *self.keys], delimiter=self.sep)
            if self._header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{key: logs.get(key, "NA") for key in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self.csv_file.close()
        self.writer = None


@export("keras.callbacks.TensorBoard")
class TensorBoard(Callback):
    """Writes the graph, and the loss and metrics of epochs (or batches), as events; no histograms, images, embeddings.

    Raises UnimplementedError: those are asked for. Source: TF 1.15 `tf.keras.callbacks.TensorBoard`.
    """

    def __init__(
        self, log_dir: Any = "./logs", histogram_freq: int = 0, batch_size: int = 32, write_graph: bool = True, write_grads: bool = False, write_images: bool = False,
        embeddings_freq: int = 0, embeddings_layer_names: Any = None, embeddings_metadata: Any = None, embeddings_data: Any = None, update_freq: Any = "epoch", profile_batch: int = 2,
    ):  # fmt: skip
        super().__init__()
        asked = {
            "histogram_freq": histogram_freq, "write_grads": write_grads, "write_images": write_images, "embeddings_freq": embeddings_freq
        }  # fmt: skip
        for name, value in asked.items():
            if value:
                raise errors.UnimplementedError(None, None, f"keras.callbacks.TensorBoard: `{name}` is not implemented")
        self.log_dir, self.write_graph = os.fspath(log_dir), write_graph
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._seen = self._written = self._batches = 0
        self.writer: Any = None

    def set_model(self, model: Any) -> None:
        """Opens the file."""
        self.model = model
        graph = tf.get_default_graph() if self.write_graph else None
        self.writer = tf.summary.FileWriter(self.log_dir, graph)

    def _write(self, logs: dict[str, Any], prefix: str, step: int) -> None:
        for name, value in logs.items():
            if name not in ("batch", "size", "num_steps"):
                made = tf.Summary(value=[tf.Summary.Value(tag=prefix + name, simple_value=float(value))])
                self.writer.add_summary(made, step)
        self.writer.flush()

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Writes after so many rows, if asked to."""
        self._seen += (logs or {}).get("size", 1)
        if self.update_freq != "epoch" and self._seen - self._written >= self.update_freq:
            self._write(logs or {}, "batch_", self._batches)
            self._written = self._seen
        self._batches += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch."""
        self._write(logs or {}, "epoch_", epoch if self.update_freq == "epoch" else self._seen)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self.writer.close()


@export("keras.callbacks.RemoteMonitor")
class RemoteMonitor(Callback):
    """Not implemented: raises UnimplementedError when made. Source: TF 1.15 `tf.keras.callbacks.RemoteMonitor`."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise errors.UnimplementedError(None, None, "keras.callbacks.RemoteMonitor: nothing is sent over the network")
