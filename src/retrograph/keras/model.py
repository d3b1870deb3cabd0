"""`Model`: a network that can be trained on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.framework.exports import export
from retrograph.keras import arrays, compiling, fitting
from retrograph.keras.backend_values import function, is_placeholder
from retrograph.keras.batch_sources import Batches, check_beside, first_of, is_generator
from retrograph.keras.compiling import Endpoint
from retrograph.keras.network import Network
from retrograph.keras.nodes import int_shape
from retrograph.keras.optimizer_classes import get as optimizer_of
from retrograph.keras.state import floatx, learning_phase, symbolic_phase
from retrograph.keras.tracking import gathered


@export("keras.Model", "keras.models.Model")
class Model(Network):
    """Layers from inputs to outputs, or a subclass with its own `call`; can be compiled and trained on NumPy arrays.

    >>> x = tf.keras.Input((4,))
    >>> model = tf.keras.Model(x, tf.keras.layers.Dense(1)(x))
    >>> model.compile("sgd", "mse")
    >>> model.fit(np.zeros((8, 4)), np.ones((8, 1)), verbose=0)

    Source: TF 1.15 `tf.keras.Model`.
    """

    optimizer: Any = None
    _is_compiled = False
    _compile_arguments: Any = None
    _endpoints: list[Endpoint] = []
    stop_training = False
    history: Any = None

    # ---- compiling

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None, sample_weight_mode: Any = None, weighted_metrics: Any = None,
        target_tensors: Any = None, distribute: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Says how to train: optimizer, losses and metrics. Raises ValueError: unknown names, other numbers of losses.

        Source: TF 1.15 `tf.keras.Model.compile`.
        """
        if distribute is not None or kwargs.pop("run_eagerly", False):
            raise errors.UnimplementedError(
                None, None, "Model.compile: `distribute` and `run_eagerly` are not implemented"
            )
        kwargs.pop("experimental_run_tf_function", None)
        allowed = ("fetches", "feed_dict", "options", "run_metadata")
        for key in kwargs:
            if key not in allowed:
                raise TypeError("Invalid keyword argument(s) in `compile`: " + str({key}))
        self._function_kwargs = kwargs
        object.__setattr__(self, "optimizer", optimizer_of(optimizer))
        self.loss, self.loss_weights, self.sample_weight_mode = loss or {}, loss_weights, sample_weight_mode
        self._compile_arguments = (loss, metrics, loss_weights, sample_weight_mode, weighted_metrics, target_tensors)
        self._is_compiled = True
        if self.built and self.inputs:
            self._compile()

    def _compile(self) -> None:
        """Makes targets, metrics and the loss."""
        loss, metrics, loss_weights, modes, weighted_metrics, targets = self._compile_arguments
        functions = compiling.losses_of(loss, self.output_names)
        made = [Endpoint(o, n, f) for o, n, f in zip(self.outputs, self.output_names, functions, strict=True)]
        object.__setattr__(self, "_endpoints", made)
        compiling.set_loss_weights(made, loss_weights)
        given = arrays.per_output(targets, self.output_names, "target_tensors")
        for endpoint, target in zip(made, given, strict=True):
            endpoint.make_target(target)
        names = compiling.set_metrics(made, metrics, weighted_metrics)
        object.__setattr__(self, "_metric_names", names)
        compiling.call_metrics(made, weighted=False)
        for endpoint, mode in zip(made, self._modes(modes), strict=True):
            endpoint.weight_mode = mode
        self._make_loss()

    def _modes(self, modes: Any) -> list[Any]:
        if isinstance(modes, str):
            return [modes] * len(self.output_names)
        return arrays.per_output(modes, self.output_names, "sample_weight_mode")

    def _make_loss(self) -> None:
        """The weighted metrics and the whole loss; made again when sample weights come or go."""
        for endpoint in self._endpoints:
            if endpoint.weight_mode is not None and endpoint.loss_fn is not None:
                endpoint.make_sample_weight()
            else:
                endpoint.sample_weight = None
        compiling.call_metrics(self._endpoints, weighted=True)
        self.total_loss = compiling.total_loss(self)
        object.__setattr__(self, "_functions", {})
        object.__setattr__(self, "_collected_trainable_weights", self.trainable_weights)

    @property
    def _active(self) -> list[Endpoint]:
        return [e for e in self._endpoints if e.loss_fn is not None]

    @property
    def targets(self) -> list[Any]:
        """The placeholders of the targets."""
        return [e.target for e in self._active]

    @property
    def sample_weights(self) -> list[Any]:
        """The placeholders of the sample weights; None where there are none."""
        return [e.sample_weight for e in self._endpoints]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` gives. Raises RuntimeError before `compile`."""
        if not self._is_compiled:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )
        own = getattr(self, "_metric_names", ["loss"])
        return own + [m.name for m in self._layer_metrics]

    @property
    def _layer_metrics(self) -> list[Any]:
        return [*self._metrics, *[m for layer in gathered(self._layers) for m in layer.metrics]]

    @property
    def metrics(self) -> list[Any]:
        """The metric objects."""
        own = [m for e in self._active for m in (*e.metrics.values(), *e.weighted_metrics.values())]
        return own + self._layer_metrics

    def reset_metrics(self) -> None:
        """Sets all metrics to their start."""
        for metric in self._reported:
            metric.reset_states()

    @property
    def _reported(self) -> list[Any]:
        """The metrics in the order of `metrics_names`, after the loss."""
        losses = [e.loss_metric for e in self._active if e.loss_metric is not None]
        return losses + self.metrics

    # ---- functions

    def _set_inputs(self, inputs: Any, outputs: Any = None, training: Any = None) -> None:
        """Makes placeholders like arrays for a model that has none, and calls it on them."""
        if outputs is None:
            given = [inputs] if not isinstance(inputs, (list, tuple)) else list(inputs)
            made = [self._placeholder_like(x, i) for i, x in enumerate(given)]
            inputs = made[0] if not isinstance(inputs, (list, tuple)) else made
            outputs = self(inputs, training=learning_phase()) if self._expects_training_arg else self(inputs)
        object.__setattr__(self, "inputs", nest.flatten(inputs))
        object.__setattr__(self, "outputs", nest.flatten(outputs))
        object.__setattr__(self, "input_names", [f"input_{i + 1}" for i in range(len(self.inputs))])
        object.__setattr__(self, "output_names", [f"output_{i + 1}" for i in range(len(self.outputs))])
        self.built = True

    @staticmethod
    def _placeholder_like(x: Any, index: int) -> Any:
        if isinstance(x, tf.Tensor):
            return x
        array = np.asarray(x)
        dtype = floatx() if array.dtype.kind == "f" else array.dtype.name
        sizes = array.shape if array.ndim > 1 else (*array.shape, 1)
        return tf.placeholder(dtype, shape=(None, *sizes[1:]), name=f"input_{index + 1}")

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs."""
        outputs = super().__call__(inputs, *args, **kwargs)
        if not self._is_graph_network and not self.inputs:
            self._set_inputs(inputs, outputs)
        return outputs

    @property
    def _feed_inputs(self) -> list[Any]:
        return [t for t in self.inputs if is_placeholder(t)]

    @property
    def _feed_shapes(self) -> list[Any]:
        return [int_shape(t) if self._is_graph_network else None for t in self._feed_inputs]

    @property
    def _feed_names(self) -> list[str]:
        return [n for n, t in zip(self.input_names, self.inputs, strict=True) if is_placeholder(t)]

    def _require_compiled(self) -> None:
        if not self._is_compiled:
            raise RuntimeError(
                "You must compile your model before training/testing. Use `model.compile(optimizer, loss)`."
            )

    def _function(self, kind: str) -> Any:
        """The function that trains, tests or predicts a batch; made when first used."""
        made = self.__dict__.setdefault("_functions", {})
        if kind not in made:
            made[kind] = {"train": self._training, "test": self._testing, "predict": self._predicting}[kind]()
        return made[kind]

    def _batch_inputs(self) -> list[Any]:
        weights = [e.sample_weight for e in self._active if e.sample_weight is not None]
        phase = symbolic_phase()
        return (
            self._feed_inputs
            + [e.target for e in self._active if is_placeholder(e.target)]
            + weights
            + ([] if phase is None else [phase])
        )

    def _results(self) -> list[Any]:
        return [self.total_loss] + [m._call_result for m in self._reported if hasattr(m, "_call_result")]

    def _training(self) -> Any:
        learning_phase()
        with tf.name_scope("training"):
            updates = list(self.optimizer.get_updates(params=self._collected_trainable_weights, loss=self.total_loss))
            updates += self.get_updates_for(None) + self.get_updates_for(self.inputs)
        with tf.name_scope("training"):
            return function(self._batch_inputs(), self._results(), updates=updates, **self._function_kwargs)

    def _testing(self) -> Any:
        learning_phase()
        with tf.name_scope("evaluation"):
            return function(self._batch_inputs(), self._results(), updates=self.state_updates, **self._function_kwargs)

    def _predicting(self) -> Any:
        phase = symbolic_phase()
        inputs = self._feed_inputs + ([] if phase is None else [phase])
        with tf.name_scope("predict"):
            return function(inputs, self.outputs, updates=self.state_updates)

    def _make_train_function(self) -> None:
        self._function("train")

    def _make_test_function(self) -> None:
        self._function("test")

    def _make_predict_function(self) -> None:
        self._function("predict")

    @property
    def train_function(self) -> Any:
        """The function that trains a batch."""
        return self._function("train")

    @property
    def test_function(self) -> Any:
        """The function that tests a batch."""
        return self._function("test")

    @property
    def predict_function(self) -> Any:
        """The function that predicts a batch."""
        return self._function("predict")

    # ---- arrays

    def _standardized(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Inputs, targets and sample weights as lists; the model is built and compiled for them if it is not yet."""
        if not self.inputs:
            given = [
                np.expand_dims(a, 1) if np.ndim(a) == 1 else a for a in (x if isinstance(x, (list, tuple)) else [x])
            ]
            self._set_inputs(given if isinstance(x, (list, tuple)) else given[0])
        if self._is_compiled and not self._endpoints:
            self._compile()
        inputs = arrays.standardized(x, self._feed_names, self._feed_shapes, check_batch=False, what="input")
        if y is None:
            return inputs, [], []
        self._require_compiled()
        names = [e.name for e in self._active if is_placeholder(e.target)]
        shapes = [e.feed_shape for e in self._active if is_placeholder(e.target)]
        targets = arrays.standardized(y, names, shapes, check_batch=False, what="target" if names else "model target")
        weights = self._row_weights(targets, sample_weight, class_weight)
        arrays.check_lengths(inputs, targets, weights)
        arrays.check_targets(targets, self._active)
        return inputs, targets, weights

    def _row_weights(self, targets: list[Any], sample_weight: Any, class_weight: Any) -> list[Any]:
        names = [e.name for e in self._active]
        own = arrays.per_output(sample_weight, names, "sample_weight")
        classes = arrays.per_output(class_weight, names, "class_weight") if len(names) > 1 else [class_weight]
        modes = [e.weight_mode for e in self._active]
        rows = zip(targets, own, classes * (len(targets) if len(classes) == 1 else 1), modes, strict=False)
        weights = [arrays.weights_of(y, w, c, mode) for y, w, c, mode in rows]
        changed = [e for e, w in zip(self._active, weights, strict=True) if w is not None and e.weight_mode is None]
        if changed:
            for endpoint in changed:
                endpoint.weight_mode = "samplewise"
            self._make_loss()
        return [w for w, e in zip(weights, self._active, strict=True) if e.sample_weight is not None]

    # ---- training

    def _run_batch(self, kind: str, batch: list[Any]) -> list[Any]:
        """What the function of a kind gives for a batch: the loss and the metrics, or the outputs."""
        if kind != "predict":
            self._require_compiled()
        run = self._function(kind)
        phase = [] if symbolic_phase() is None else [kind == "train"]
        return run([*batch, *phase])  # type: ignore[no-any-return]

    def fit(
        self, x: Any = None, y: Any = None, batch_size: Any = None, epochs: int = 1, verbose: int = 1, callbacks: Any = None, validation_split: float = 0.0,
        validation_data: Any = None, shuffle: Any = True, class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: Any = None,
        validation_steps: Any = None, validation_freq: Any = 1, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Trains on arrays, batch by batch; gives a `History`. Source: TF 1.15 `tf.keras.Model.fit`."""
        epochs = kwargs.pop("nb_epoch", epochs)
        if kwargs:
            raise TypeError("Unrecognized keyword arguments: " + str(kwargs))
        self._require_compiled()
        if is_generator(x):
            check_beside(x, y=y, batch_size=batch_size, sample_weight=sample_weight, validation_split=validation_split)
            return self.fit_generator(
                x, steps_per_epoch, epochs, verbose, callbacks, validation_data, validation_steps, validation_freq, class_weight, shuffle=shuffle, initial_epoch=initial_epoch,
            )  # fmt: skip
        return fitting.fit(
            self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight, sample_weight, initial_epoch, steps_per_epoch,
            validation_steps, validation_freq,
        )  # fmt: skip

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: Any = None, verbose: int = 1, sample_weight: Any = None, steps: Any = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """The loss, or the loss and metrics, for arrays. Source: TF 1.15 `tf.keras.Model.evaluate`."""
        self._require_compiled()
        if is_generator(x):
            check_beside(x, y=y, batch_size=batch_size, sample_weight=sample_weight)
            return self.evaluate_generator(x, steps=steps, callbacks=callbacks, verbose=verbose)
        batch = self._standardized(x, y, sample_weight)
        return fitting.alone(fitting.evaluate(self, batch, batch_size, verbose, steps, callbacks))

    def predict(
        self, x: Any, batch_size: Any = None, verbose: int = 0, steps: Any = None, callbacks: Any = None, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
    ) -> Any:  # fmt: skip
        """The outputs for arrays. Source: TF 1.15 `tf.keras.Model.predict`."""
        if is_generator(x):
            check_beside(x, batch_size=batch_size)
            return self.predict_generator(x, steps=steps, callbacks=callbacks, verbose=verbose)
        inputs, _, _ = self._standardized(x)
        return fitting.alone(fitting.predict(self, inputs, batch_size, verbose, steps, callbacks))

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, reset_metrics: bool = True
    ) -> Any:
        """Trains on one batch; the loss, or the loss and metrics. Source: TF 1.15 `tf.keras.Model.train_on_batch`."""
        self._require_compiled()
        inputs, targets, weights = self._standardized(*first_of(x, y, sample_weight), class_weight)
        outputs = self._run_batch("train", inputs + targets + weights)
        if reset_metrics:
            self.reset_metrics()
        return fitting.alone(outputs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, reset_metrics: bool = True) -> Any:
        """The loss, or the loss and metrics, for one batch. Source: TF 1.15 `tf.keras.Model.test_on_batch`."""
        self._require_compiled()
        inputs, targets, weights = self._standardized(*first_of(x, y, sample_weight))
        outputs = self._run_batch("test", inputs + targets + weights)
        if reset_metrics:
            self.reset_metrics()
        return fitting.alone(outputs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch. Source: TF 1.15 `tf.keras.Model.predict_on_batch`."""
        inputs, _, _ = self._standardized(first_of(x, None, None)[0])
        return fitting.alone(self._run_batch("predict", inputs))

    def fit_generator(
        self, generator: Any, steps_per_epoch: Any = None, epochs: int = 1, verbose: int = 1, callbacks: Any = None, validation_data: Any = None, validation_steps: Any = None,
        validation_freq: Any = 1, class_weight: Any = None, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False, shuffle: Any = True,
        initial_epoch: int = 0,
    ) -> Any:  # fmt: skip
        """Trains on batches that a generator (or a `Sequence`) gives. Source: TF 1.15 `tf.keras.Model.fit_generator`."""
        self._require_compiled()
        return fitting.fit_generator(
            self, generator, steps_per_epoch, epochs, verbose, callbacks, validation_data, validation_steps, validation_freq, class_weight, initial_epoch,
            shuffle,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Any, steps: Any = None, callbacks: Any = None, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """As `evaluate`, on batches of a generator or dataset. Source: TF 1.15 `tf.keras.Model.evaluate_generator`."""
        self._require_compiled()
        return fitting.alone(fitting.evaluate_generator(self, Batches(generator, steps, "steps"), callbacks, verbose))

    def predict_generator(
        self, generator: Any, steps: Any = None, callbacks: Any = None, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False, verbose: int = 0,
    ) -> Any:  # fmt: skip
        """As `predict`, on batches of a generator or dataset. Source: TF 1.15 `tf.keras.Model.predict_generator`."""
        return fitting.alone(fitting.predict_generator(self, Batches(generator, steps, "steps"), callbacks, verbose))
