"""What tests of layers and models share (`tensorflow.python.keras.testing_utils`): data, models, a test of a layer."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import retrograph as tf


def get_test_data(
    train_samples: int,
    test_samples: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    random_seed: int | None = None,
) -> Any:
    """`(x, y)` to train and `(x, y)` to test: points about one centre for each class, drawn from NumPy's generator.

    `x` is f32[samples, *input_shape], `y` i64[samples].
    """
    if random_seed is not None:
        np.random.seed(random_seed)
    count = train_samples + test_samples
    centres = 2 * num_classes * np.random.random((num_classes, *input_shape))
    y = np.random.randint(0, num_classes, size=(count,))
    x = (centres[y] + np.random.normal(size=(count, *input_shape))).astype(np.float32)
    return (x[:train_samples], y[:train_samples]), (x[train_samples:], y[train_samples:])


class _Settings(threading.local):
    model_type: str | None = None
    run_eagerly: bool | None = None
    experimental_run_tf_function: bool | None = None


_settings = _Settings()


@contextmanager
def _set(name: str, value: Any) -> Iterator[Any]:
    before = getattr(_settings, name)
    setattr(_settings, name, value)
    try:
        yield value
    finally:
        setattr(_settings, name, before)


model_type_scope = functools.partial(_set, "model_type")
run_eagerly_scope = functools.partial(_set, "run_eagerly")
experimental_run_tf_function_scope = functools.partial(_set, "experimental_run_tf_function")


def _setting(name: str, asked: str, scope: str, decorator: str) -> Any:
    value = getattr(_settings, name)
    if value is None:
        raise ValueError(f"Cannot call `{asked}()` outside of a `{scope}()` or `{decorator}` decorator.")
    return value


def should_run_eagerly() -> bool:
    """False; ValueError outside of a block that says how models are run."""
    return _setting("run_eagerly", "should_run_eagerly", "run_eagerly_scope", "run_all_keras_modes") and False


def should_run_tf_function() -> bool:
    """False; ValueError outside of a block that says how models are run."""
    scope = "experimental_run_tf_function_scope"
    return _setting(scope.removesuffix("_scope"), "should_run_tf_function", scope, "run_all_keras_modes") and False


def get_model_type() -> str:
    """`functional`, `subclass`, `subclass_custom_build` or `sequential`; ValueError outside of a block that says which."""
    return _setting(  # type: ignore[no-any-return]
        "model_type", "get_model_type", "model_type_scope", "run_with_all_model_types"
    )


def _unknown(model_type: str) -> ValueError:
    return ValueError(f"Unknown model type {model_type}")


@functools.cache
def _layers_class() -> type:
    """A model of layers."""

    class _Layers(tf.keras.Model):  # type: ignore[misc]
        def __init__(self, layers: list[Any], name: str | None = None, input_tensor: Any = None):
            super().__init__(name=name)
            for i, layer in enumerate(layers):
                setattr(self, f"layer{i}", layer)
            self._count = len(layers)
            if input_tensor is not None:
                self._set_inputs(input_tensor)

        def call(self, inputs: Any, **kwargs: Any) -> Any:
            return _applied([getattr(self, f"layer{i}") for i in range(self._count)], inputs)

    return _Layers


@functools.cache
def _made_layers_class() -> type:
    """A model of layers that are made when it is built."""

    class _MadeLayers(tf.keras.Model):  # type: ignore[misc]
        def __init__(self, make: Callable[[], list[Any]], name: str | None = None):
            super().__init__(name=name)
            self._make = make
            self.all_layers: Any = None

        def build(self, input_shape: Any) -> None:
            self.all_layers = list(self._make())

        def call(self, inputs: Any, **kwargs: Any) -> Any:
            return _applied(self.all_layers, inputs)

    return _MadeLayers


@functools.cache
def _branches_class() -> type:
    """A model of two branches of layers."""

    class _Branches(tf.keras.Model):  # type: ignore[misc]
        def __init__(self, make: Callable[[], list[Any]], at_build: bool):
            super().__init__()
            self._make = make
            if not at_build:
                self._take_parts()

        def _take_parts(self) -> None:
            self._before, self._one, self._other, self._after = self._make()

        def build(self, input_shape: Any) -> None:
            if not hasattr(self, "_before"):
                self._take_parts()

        def call(self, inputs: Any, **kwargs: Any) -> Any:
            return _branched(inputs, self._before, self._one, self._other, self._after)

    return _Branches


def _applied(layers: Any, value: Any) -> Any:
    for layer in layers or ():
        value = layer(value)
    return value


def _branched(inputs: Any, before: Any, one: Any, other: Any, after: Any) -> Any:
    first, second = [_applied(before, inputs)] * 2 if before else inputs
    return _applied(after, [_applied(one, first), _applied(other, second)])


def _small_layers(num_hidden: int, num_classes: int, input_dim: int | None = None) -> list[Any]:
    dense: Any = tf.keras.layers.Dense
    first = {"input_dim": input_dim} if input_dim else {}
    last = dense(num_classes, activation="sigmoid" if num_classes == 1 else "softmax")
    return [dense(num_hidden, activation="relu", **first), last]


def get_small_sequential_mlp(num_hidden: int, num_classes: int, input_dim: int | None = None) -> Any:
    """A sequential model of two dense layers."""
    return tf.keras.models.Sequential(_small_layers(num_hidden, num_classes, input_dim))


def get_small_functional_mlp(num_hidden: int, num_classes: int, input_dim: int) -> Any:
    """A functional model of two dense layers."""
    inputs: Any = tf.keras.Input(shape=(input_dim,))
    return tf.keras.Model(inputs, _applied(_small_layers(num_hidden, num_classes), inputs))


def get_small_subclass_mlp(num_hidden: int, num_classes: int) -> Any:
    """A subclassed model of two dense layers."""
    return _layers_class()(_small_layers(num_hidden, num_classes))


def get_small_subclass_mlp_with_custom_build(num_hidden: int, num_classes: int) -> Any:
    """A subclassed model that makes its two dense layers when it is built."""
    return _made_layers_class()(functools.partial(_small_layers, num_hidden, num_classes))


def get_small_mlp(num_hidden: int, num_classes: int, input_dim: int) -> Any:
    """A model of two dense layers, of the kind that `get_model_type` says."""
    model_type = get_model_type()
    makers: dict[str, Callable[[], Any]] = {
        "subclass": lambda: get_small_subclass_mlp(num_hidden, num_classes),
        "subclass_custom_build": lambda: get_small_subclass_mlp_with_custom_build(num_hidden, num_classes),
        "sequential": lambda: get_small_sequential_mlp(num_hidden, num_classes, input_dim),
        "functional": lambda: get_small_functional_mlp(num_hidden, num_classes, input_dim),
    }
    if model_type not in makers:
        raise _unknown(model_type)
    return makers[model_type]()


def get_model_from_layers(
    layers: list[Any],
    input_shape: Any = None,
    input_dtype: Any = None,
    name: str | None = None,
    input_ragged: bool | None = None,
    input_sparse: bool | None = None,
) -> Any:
    """A model of layers, of the kind that `get_model_type` says. ValueError: a functional one without `input_shape`."""
    model_type = get_model_type()
    given = {"dtype": input_dtype, "ragged": input_ragged, "sparse": input_sparse}
    keras: Any = tf.keras
    if model_type == "subclass":
        inputs = keras.Input(shape=input_shape, **given) if input_ragged or input_sparse else None
        return _layers_class()(layers, name=name, input_tensor=inputs)
    if model_type == "subclass_custom_build":
        return _made_layers_class()(lambda: layers, name=name)
    if model_type == "sequential":
        first = [keras.layers.InputLayer(input_shape=input_shape, **given)] if input_shape else []
        return keras.models.Sequential([*first, *layers], name=name)
    if model_type != "functional":
        raise _unknown(model_type)
    if not input_shape:
        raise ValueError("Cannot create a functional model from layers with no input shape.")
    inputs = keras.Input(shape=input_shape, **given)
    return keras.Model(inputs, _applied(layers, inputs), name=name)


def get_multi_io_model(
    branch_a: list[Any], branch_b: list[Any], shared_input_branch: Any = None, shared_output_branch: Any = None
) -> Any:
    """A model of two branches of layers, of the kind that `get_model_type` says; each begins with its input.

    With `shared_input_branch` both take what comes out of it; with `shared_output_branch` it takes what they give.
    """
    model_type = get_model_type()
    if shared_input_branch:
        inputs, shared_input_branch = shared_input_branch[0], shared_input_branch[1:]
    else:
        inputs = branch_a[0], branch_b[0]
        branch_a, branch_b = branch_a[1:], branch_b[1:]
    parts = [shared_input_branch, branch_a, branch_b, shared_output_branch]
    if model_type in ("subclass", "subclass_custom_build"):
        return _branches_class()(lambda: parts, model_type != "subclass")
    if model_type == "sequential":
        raise ValueError("Cannot use `get_multi_io_model` to construct sequential models")
    if model_type != "functional":
        raise _unknown(model_type)
    if shared_input_branch is not None and not shared_input_branch:
        shared_input_branch = [tf.keras.layers.Lambda(lambda x: x)]
    first, second = [_applied(shared_input_branch, inputs)] * 2 if shared_input_branch else inputs
    outputs = _applied(shared_output_branch, (_applied(branch_a, first), _applied(branch_b, second)))
    return tf.keras.Model(inputs, outputs)


_OPTIMIZERS = {
    "adadelta": "Adadelta", "adagrad": "Adagrad", "adam": "Adam", "adamax": "Adamax", "nadam": "Nadam",
    "rmsprop": "RMSprop", "sgd": "SGD",
}  # fmt: skip


def get_v2_optimizer(name: str, **kwargs: Any) -> Any:
    """The optimizer of `tf.keras` of that name; ValueError if there is none."""
    if name not in _OPTIMIZERS:
        raise ValueError(f"Could not find requested v2 optimizer: {name}\nValid choices: {list(_OPTIMIZERS)}")
    return getattr(tf.keras.optimizers, _OPTIMIZERS[name])(**kwargs)


def get_expected_metric_variable_names(var_names: list[str], name_suffix: str = "") -> list[str]:
    """The names of a metric's variables in a graph that holds others before it."""
    return [name + name_suffix + ":0" for name in var_names]


def disable_v2_dtype_behavior(fn: Any) -> Any:
    """The function: layers cast their inputs as in TensorFlow 1 anyway."""
    return fn


def enable_v2_dtype_behavior(fn: Any) -> Any:
    """A test that is skipped: layers that cast their inputs are TensorFlow 2's."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        self.skipTest("Layers take the dtype of their inputs, as in TensorFlow 1")

    return functools.wraps(fn)(refuse)


def layer_test(
    layer_cls: Any,
    kwargs: dict[str, Any] | None = None,
    input_shape: Any = None,
    input_dtype: Any = None,
    input_data: Any = None,
    expected_output: Any = None,
    expected_output_dtype: Any = None,
    expected_output_shape: Any = None,
    validate_training: bool = True,
    adapt_data: Any = None,
) -> Any:
    """Makes a layer, uses it in models, trains and copies them; gives what it makes of `input_data`.

    Raises AssertionError where dtypes, shapes or values are not those wanted or differ between a model and its copy;
    ValueError without `input_shape` and `input_data`. Source: TF 1.15 `testing_utils.layer_test`.
    """
    data = _data_of_shape(input_shape, input_dtype or "float32") if input_data is None else input_data
    shape = data.shape if input_shape is None else input_shape
    dtype = input_dtype or (data.dtype if input_data is not None else "float32")
    layer = _made(layer_cls, dict(kwargs or {}), adapt_data)
    x: Any = tf.keras.layers.Input(shape=shape[1:], dtype=dtype)
    y = layer(x)
    wanted = expected_output_dtype or dtype
    if tf.keras.backend.dtype(y) != wanted:
        raise AssertionError(f"{layer_cls.__name__} gives {tf.keras.backend.dtype(y)}, wanted is {wanted}")
    if expected_output_shape is not None:
        _check_shape(layer_cls, tf.TensorShape(expected_output_shape).as_list(), y.shape.as_list())
    told = layer.compute_output_shape(tf.TensorShape(shape)).as_list()
    signature = layer.compute_output_signature(tf.TensorSpec(shape=shape, dtype=dtype))
    output = _checked_model(tf.keras.models.Model(x, y), layer_cls, data, told, expected_output)
    _check_shape(layer_cls, signature.shape.as_list(), output.shape)
    if signature.dtype != output.dtype:
        raise AssertionError(f"{layer_cls.__name__} gives {output.dtype}, its signature is {signature.dtype}")
    if validate_training:
        _train(tf.keras.models.Model(x, layer(x)), data, output)
    copy = layer.__class__.from_config({**layer.get_config(), "batch_input_shape": shape})
    if adapt_data is not None:
        copy.adapt(adapt_data)
    return _checked_model(tf.keras.models.Sequential([copy]), layer_cls, data, told, expected_output)


def _data_of_shape(shape: Any, dtype: Any) -> Any:
    if shape is None:
        raise ValueError("input_shape is None")
    name = tf.as_dtype(dtype).name
    data = 10 * np.random.random([np.random.randint(1, 4) if size is None else size for size in shape])
    return (data - 0.5 if name.startswith("float") else data).astype(name)


def _made(layer_cls: Any, kwargs: dict[str, Any], adapt_data: Any) -> Any:
    layer = layer_cls(**kwargs)
    if adapt_data is not None:
        layer.adapt(adapt_data)
    weights = layer.get_weights()
    layer.set_weights(weights)
    if "weights" in inspect.signature(layer_cls.__init__).parameters:
        layer = layer_cls(**kwargs, weights=weights)
    return layer


def _check_shape(layer_cls: Any, wanted: Any, given: Any) -> None:
    """AssertionError unless shapes agree; what is not known (None) is not compared."""
    agree = len(wanted) == len(given) and all(w is None or w == g for w, g in zip(wanted, given, strict=True))
    if not agree:
        raise AssertionError(f"{layer_cls.__name__} gives the shape {given}, wanted is {wanted}")


def _checked_model(model: Any, layer_cls: Any, data: Any, shape: Any, expected_output: Any) -> Any:
    """What a model predicts, compared with what is wanted and with what a copy of the model predicts."""
    output = model.predict(data)
    _check_shape(layer_cls, shape, output.shape)
    if expected_output is not None:
        np.testing.assert_allclose(output, expected_output, rtol=1e-3, atol=1e-6)
    copy = model.__class__.from_config(model.get_config())
    if model.weights:
        copy.set_weights(model.get_weights())
        np.testing.assert_allclose(copy.predict(data), output, rtol=1e-3, atol=1e-6)
    return output


def _train(model: Any, data: Any, output: Any) -> None:
    model.compile("rmsprop", "mse", weighted_metrics=["acc"])
    model.train_on_batch(data, output)
