"""Arrays as a model wants them: named, of the right rank and shape, with as many rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors
from retrograph.keras import loss_functions


def _plain(x: Any) -> Any:
    return x.values if type(x).__name__ in ("DataFrame", "Series") else x


def _as_list(data: Any, names: list[str]) -> list[Any]:
    if isinstance(data, Mapping):
        missing = next((name for name in names if name not in data), None)
        if missing is not None:
            raise ValueError(f'No data provided for "{missing}". Need data for each key in: {names}')
        return [_plain(data[name]) for name in names]
    if not isinstance(data, (list, tuple)):
        return [_plain(data)]
    if data and isinstance(data[0], (list, tuple)):
        return [np.asarray(d) for d in data]
    if len(names) == 1 and data and isinstance(data[0], (float, int)):
        return [np.asarray(data)]
    return [_plain(x) for x in data]


def _single(x: Any, shape: Any) -> Any:
    if x is None:
        return None
    if hasattr(x, "shape") and len(x.shape) == 1 and (shape is None or len(shape) != 1):
        return tf.expand_dims(x, 1) if isinstance(x, tf.Tensor) else np.expand_dims(x, 1)
    return x


def standardized(
    data: Any, names: list[str], shapes: Any = None, check_batch: bool = True, what: str = ""
) -> list[Any]:
    """A list of arrays for the names. Raises ValueError: another number of arrays, another rank or shape."""
    if type(data).__name__ in ("DatasetV1Adapter", "DatasetV2", "Iterator") or hasattr(data, "make_one_shot_iterator"):
        raise errors.UnimplementedError(None, None, f"{what}: datasets are not implemented; give arrays")
    if not names:
        if data is not None and len(data) and not isinstance(data, Mapping):
            raise ValueError(f"Error when checking model {what}: expected no data, but got:", data)
        return []
    if data is None:
        return [None for _ in names]
    found = _as_list(data, names)
    found = [_single(x, shape) for x, shape in zip(found, shapes or [None] * len(found), strict=False)] + found[
        len(shapes or found) :
    ]
    _check_number(found, names, what)
    for x, name, shape in zip(found, names, shapes or [None] * len(names), strict=True):
        if shape is not None and x is not None:
            _check_shape(x, name, shape, check_batch, what)
    return found


def _check_number(found: list[Any], names: list[str], what: str) -> None:
    if len(found) == len(names):
        if any(x is not None and not hasattr(x, "shape") for x in found):
            raise TypeError(
                f"Error when checking model {what}: data should be a Numpy array, or list/dict of Numpy arrays. Found: {str(found)[:200]}..."
            )
        return
    if found and hasattr(found[0], "shape"):
        raise ValueError(
            f"Error when checking model {what}: the list of Numpy arrays that you are passing to your model is not the size the model expected. Expected to see {len(names)} array(s), "
            f"but instead got the following list of {len(found)} arrays: {str(found)[:200]}..."
        )
    raise ValueError(
        f"Error when checking model {what}: you are passing a list as input to your model, but the model expects a list of {len(names)} Numpy arrays instead. "
        f"The list you passed was: {str(found)[:200]}"
    )


def _check_shape(x: Any, name: str, shape: Any, check_batch: bool, what: str) -> None:
    own = tuple(x.shape.as_list()) if isinstance(x, tf.Tensor) else x.shape
    if len(own) != len(shape):
        raise ValueError(
            f"Error when checking {what}: expected {name} to have {len(shape)} dimensions, but got array with shape {own}"
        )
    wanted = shape
    if not check_batch:
        own, wanted = own[1:], shape[1:]
    for size, expected in zip(own, wanted, strict=True):
        if expected != size and expected is not None and size is not None:
            raise ValueError(
                f"Error when checking {what}: expected {name} to have shape {tuple(wanted)} but got array with shape {tuple(own)}"
            )


def _rows(arrays: Any) -> list[int]:
    return sorted({x.shape[0] for x in arrays or [] if x is not None and not isinstance(x, tf.Tensor)})


def check_lengths(inputs: Any, targets: Any, weights: Any = None) -> None:
    """ValueError where inputs, targets or sample weights differ in their numbers of rows."""
    names = ("All input arrays (x)", "All target arrays (y)", "All sample_weight arrays")
    x, y, w = (_rows(a) for a in (inputs, targets, weights))
    for what, found, arrays in zip(names, (x, y, w), (inputs, targets, weights), strict=True):
        if len(found) > 1:
            raise ValueError(
                f"{what} should have the same number of samples. Got array shapes: {[a.shape for a in arrays]}"
            )
    if x and y and x != y:
        raise ValueError(
            f"Input arrays should have the same number of samples as target arrays. Found {x[0]} input samples and {y[0]} target samples."
        )
    if y and w and y != w:
        raise ValueError(
            f"Sample_weight arrays should have the same number of samples as target arrays. Got {y[0]} input samples and {w[0]} target samples."
        )


def check_targets(targets: list[Any], endpoints: list[Any]) -> None:
    """ValueError for targets that a loss cannot take."""
    for y, endpoint in zip(targets, endpoints, strict=True):
        loss = endpoint.loss_fn
        fn = getattr(loss, "fn", None)
        if y is None or isinstance(y, tf.Tensor):
            continue
        if fn is loss_functions.categorical_crossentropy and y.shape[-1] == 1:
            raise ValueError(
                f"You are passing a target array of shape {y.shape} while using as loss `categorical_crossentropy`. `categorical_crossentropy` expects targets to be binary matrices "
                "(1s and 0s) of shape (samples, classes). If your targets are integer classes, you can convert them to the expected format via:\n```\nfrom keras.utils import "
                "to_categorical\ny_binary = to_categorical(y_int)\n```\n\nAlternatively, you can use the loss function `sparse_categorical_crossentropy` instead, which does expect "
                "integer targets."
            )
        strict = (
            loss_functions.mean_squared_error,
            loss_functions.binary_crossentropy,
            loss_functions.categorical_crossentropy,
        )
        wrong = any(o is not None and t != o for t, o in zip(y.shape[1:], endpoint.shape[1:], strict=False))
        if fn in strict and wrong:
            raise ValueError(
                f"A target array with shape {y.shape} was passed for an output of shape {endpoint.shape} while using as loss `{loss.name}`. This loss expects targets to have the same "
                "shape as the output."
            )


def per_output(given: Any, names: list[str], what: str) -> list[Any]:
    """Sample or class weights for each output; ValueError for another number, TypeError for another type."""
    if given is None or (isinstance(given, (list, tuple)) and not given):
        return [None for _ in names]
    if len(names) == 1:
        if isinstance(given, (list, tuple)) and len(given) == 1:
            return list(given)
        return [given[names[0]]] if isinstance(given, dict) and names[0] in given else [given]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"Provided `{what}` was a list of {len(given)} elements, but the model has {len(names)} outputs. You should provide one `{what}`array per model output."
            )
        return list(given)
    if not isinstance(given, Mapping):
        raise TypeError(
            f"The model has multiple outputs, so `{what}` should be either a list or a dict. Provided `{what}` type not understood: {given}"
        )
    return [given.get(name) for name in names]


def weights_of(y: Any, sample_weight: Any, class_weight: Any, mode: Any) -> Any:
    """The weight of each row, from its own and its class's; None for none. ValueError for another rank or shape."""
    if sample_weight is not None:
        _check_weight(y, np.asarray(sample_weight), mode)
        sample_weight = np.asarray(sample_weight)
    if not isinstance(class_weight, dict):
        return sample_weight
    if len(y.shape) > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    classes = y if len(y.shape) == 1 else np.argmax(y, axis=1) if y.shape[1] > 1 else np.reshape(y, y.shape[0])
    missing = set(classes.tolist()) - set(class_weight)
    if missing:
        raise ValueError(
            f"`class_weight` must contain all classes in the data. The classes {missing} exist in the data but not in `class_weight`."
        )
    found = np.asarray([class_weight[c] for c in classes.tolist()])
    return found if sample_weight is None else found * sample_weight


def _check_weight(y: Any, weight: Any, mode: Any) -> None:
    if mode == "temporal":
        if len(y.shape) < 3 or weight.ndim != 2:
            raise ValueError(
                f"Found a sample_weight array with shape {weight.shape}. In order to use timestep-wise sample weighting, you should pass a 2D sample_weight array."
            )
    elif weight.ndim != 1:
        raise ValueError(
            f'Found a sample_weight array with shape {weight.shape}. In order to use timestep-wise sample weights, you should specify sample_weight_mode="temporal" in compile(). '
            "If you just mean to use sample-wise weights, make sure your sample_weight array is 1D."
        )
    if tuple(y.shape[: weight.ndim]) != weight.shape:
        raise ValueError(
            f"Found a sample_weight array with shape {weight.shape} for an input with shape {y.shape}. sample_weight cannot be broadcast."
        )


def rows_of(arrays: list[Any], which: Any) -> list[Any]:
    """Rows of each array; None stays None."""
    return [None if x is None else x[which] for x in arrays]
