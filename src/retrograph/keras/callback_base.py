"""`Callback`: what is told of epochs and batches; the progress bar and the history that `fit` keeps."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np

from retrograph.framework.exports import export


@export("keras.callbacks.Callback")
class Callback:
    """Is told when epochs, batches, training, testing and predicting begin and end. Source: TF 1.15 `tf.keras.callbacks.Callback`."""

    def __init__(self) -> None:
        self.validation_data: Any = None
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes in what `fit` was given."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes in the model."""
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch, with its loss and metrics."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training, with its loss and metrics."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training, with its loss and metrics."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of testing."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of testing."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of predicting."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of predicting."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before testing."""

    def on_test_end(self, logs: Any = None) -> None:
        """After testing."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before predicting."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After predicting."""


class CallbackList:
    """Callbacks that are told together."""

    def __init__(self, callbacks: list[Any]):
        self.callbacks = callbacks

    def call(self, hook: str, *args: Any) -> None:
        """Tells all callbacks."""
        for callback in self.callbacks:
            getattr(callback, hook)(*args)

    def on_train_begin(self) -> None:
        """Before training."""
        self.call("on_train_begin", None)

    def on_train_end(self) -> None:
        """After training."""
        self.call("on_train_end", None)

    def on_epoch_begin(self, epoch: int) -> None:
        """Before an epoch."""
        self.call("on_epoch_begin", epoch, {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """After an epoch."""
        self.call("on_epoch_end", epoch, logs)


@export("keras.callbacks.BaseLogger")
class BaseLogger(Callback):
    """Kept for programs that name it: `fit` means over an epoch itself. Source: TF 1.15 `tf.keras.callbacks.BaseLogger`."""

    def __init__(self, stateful_metrics: Any = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or [])


@export("keras.callbacks.History")
class History(Callback):
    """The loss and metrics of each epoch: `epoch`, `history`. Source: TF 1.15 `tf.keras.callbacks.History`."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets what was."""
        self.epoch, self.history = [], {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Takes in an epoch."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if seconds > 60 else f"{whole}s"


def _each(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f" {seconds:.0f}s/{unit}"
    return f" {seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f" {seconds * 1e6:.0f}us/{unit}"


@export("keras.utils.Progbar")
class Progbar:
    """Prints how far something is, and means of values. Source: TF 1.15 `tf.keras.utils.Progbar`."""

    def __init__(
        self,
        target: Any,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Any = None,
        unit_name: str = "step",
    ):
        self.target, self.width, self.verbose, self.interval, self.unit_name = (
            target,
            width,
            verbose,
            interval,
            unit_name,
        )
        self.stateful_metrics = set(stateful_metrics or ())
        shell = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
        self._dynamic_display = (
            shell or any(m in sys.modules for m in ("ipykernel", "posix")) or "PYCHARM_HOSTED" in os.environ
        )
        self._total_width = self._seen_so_far = 0
        self._values: dict[str, list[Any]] = {}
        self._start, self._last_update = time.time(), 0.0

    def _take(self, current: int, values: Any) -> None:
        for key, value in values or []:
            if key in self.stateful_metrics:
                self._values[key] = [value, 1]
                continue
            steps = current - self._seen_so_far
            total = self._values.setdefault(key, [0, 0])
            total[0] += value * steps
            total[1] += steps
        self._seen_so_far = current

    def _shown(self) -> str:
        text = ""
        for key, (total, count) in self._values.items():
            mean = np.mean(total / max(1, count))
            text += f" - {key}: " + (f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}")
        return text

    def _done(self, current: int) -> bool:
        return self.target is not None and current >= self.target

    def update(self, current: int, values: Any = None) -> None:
        """Takes in values and prints."""
        self._take(current, values)
        now = time.time()
        if self.verbose == 1:
            if now - self._last_update < self.interval and self.target is not None and current < self.target:
                return
            self._draw(current, now)
        elif self.verbose == 2 and self._done(current):
            digits = int(np.log10(self.target)) + 1
            print(f"{current:{digits}d}/{self.target} - {now - self._start:.0f}s{self._shown()}", flush=True)
        self._last_update = now

    def _draw(self, current: int, now: float) -> None:
        before = self._total_width
        sys.stdout.write("\b" * before + "\r" if self._dynamic_display else "\n")
        bar = self._bar(current)
        each = (now - self._start) / current if current else 0
        info = f" - {now - self._start:.0f}s{_each(each, self.unit_name)}"
        if self.target is not None and current < self.target:
            info = f" - ETA: {_duration(each * (self.target - current))}"
        info += self._shown()
        self._total_width = len(bar) + len(info)
        info += " " * max(0, before - self._total_width)
        sys.stdout.write(bar + info + ("\n" if self._done(current) else ""))
        sys.stdout.flush()

    def _bar(self, current: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        digits = int(np.log10(self.target)) + 1
        full = int(self.width * current / self.target)
        drawn = "=" * (full - 1) + (">" if current < self.target else "=") if full > 0 else ""
        return f"{current:{digits}d}/{self.target} [{drawn}{'.' * (self.width - full)}]"

    def add(self, n: int, values: Any = None) -> None:
        """As `update`, by the number of new steps."""
        self.update(self._seen_so_far + n, values)


@export("keras.callbacks.ProgbarLogger")
class ProgbarLogger(Callback):
    """Prints a progress bar for each epoch. Source: TF 1.15 `tf.keras.callbacks.ProgbarLogger`."""

    def __init__(self, count_mode: str = "samples", stateful_metrics: Any = None):
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError("Unknown `count_mode`: " + str(count_mode))
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or [])
        self.seen = 0
        self.log_values: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Takes in how much to print."""
        self.verbose, self.epochs = self.params["verbose"], self.params["epochs"]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins a bar."""
        self.seen = 0
        self.target = self.params["steps" if self.use_steps else "samples"]
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}")
        unit = "step" if self.use_steps else "sample"
        self.progbar = Progbar(
            self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics, unit_name=unit
        )

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Forgets the last batch's values."""
        self.log_values = []

    def _take(self, logs: Any) -> None:
        self.log_values += [(k, logs[k]) for k in self.params["metrics"] if k in logs]

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        logs = logs or {}
        self.seen += 1 if self.use_steps else logs.get("size", 0)
        self._take(logs)
        if self.verbose and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends the bar."""
        self._take(logs or {})
        if self.verbose:
            self.progbar.update(self.seen, self.log_values)


def configured(
    model: Any, callbacks: Any, do_validation: bool, epochs: int, batch_size: Any, samples: Any, steps: Any, verbose: int, mode: str = "train",
) -> CallbackList:  # fmt: skip
    """The callbacks of a run, with the history and the progress bar if it trains."""
    if isinstance(callbacks, CallbackList) and mode != "train":
        return callbacks
    given = list(callbacks.callbacks if isinstance(callbacks, CallbackList) else callbacks or [])
    names = list(model.metrics_names) if mode != "predict" else []
    if mode == "train":
        object.__setattr__(model, "history", History())
        given = [*given, model.history]
        if verbose:
            given.append(ProgbarLogger("samples" if steps is None else "steps", stateful_metrics=names[1:]))
    params = {
        "batch_size": batch_size, "epochs": epochs, "steps": steps, "samples": samples, "verbose": verbose, "do_validation": do_validation,
        "metrics": names + [f"val_{name}" for name in names] if do_validation else names,
    }  # fmt: skip
    for callback in given:
        callback.set_model(model)
        callback.set_params(params)
    object.__setattr__(model, "stop_training", False)
    return CallbackList(given)
