"""NumPy forms of operations that are compiled as a rule: for steps whose shapes are others in each run.

They are not in the op table, where a NumPy form says that a small plan had better not be compiled at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.runtime.numpy_windows import WINDOW_FORMS, NotHereError

Form = Callable[..., Any]

# --- activations ---

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def _softplus(op: Any, x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Any) -> Any:
    return np.where(x >= 0, 1, np.exp(np.minimum(x, 0))) / (1 + np.exp(-np.abs(x)))


_ACTIVATIONS: dict[str, Form] = {
    "ReluGrad": lambda op, grad, y: grad * (y > 0).astype(grad.dtype),
    "Relu6": lambda op, x: np.clip(x, 0, 6),
    "Relu6Grad": lambda op, grad, y: grad * ((y > 0) & (y < 6)).astype(grad.dtype),
    "LeakyRelu": lambda op, x: np.where(x > 0, x, x * op._attrs["alpha"]),
    "LeakyReluGrad": lambda op, grad, x: np.where(x > 0, grad, grad * op._attrs["alpha"]),
    "Elu": lambda op, x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
    "EluGrad": lambda op, grad, y: np.where(y < 0, (y + 1) * grad, grad),
    "Selu": lambda op, x: np.where(x < 0, _SELU_SCALE_ALPHA * np.expm1(np.minimum(x, 0)), _SELU_SCALE * x),
    "SeluGrad": lambda op, grad, y: np.where(y < 0, grad * (y + _SELU_SCALE_ALPHA), grad * _SELU_SCALE),
    "Softplus": _softplus,
    "SoftplusGrad": lambda op, grad, x: grad * sigmoid(x),
    "Softsign": lambda op, x: x / (1 + np.abs(x)),
    "SoftsignGrad": lambda op, grad, x: grad / np.square(1 + np.abs(x)),
    "L2Loss": lambda op, x: np.sum(np.square(x)) / 2,
}


# --- rows of logits ---


def _exponentials(x: Any) -> tuple[Any, Any]:
    """What x is less than the maximum of its row, and the sums of its exponentials."""
    below = x - np.max(x, -1, keepdims=True, initial=-np.inf)
    return below, np.sum(np.exp(below), -1, keepdims=True)


def _softmax(op: Any, x: Any) -> Any:
    below, total = _exponentials(x)
    return np.exp(below) / total


def _log_softmax(op: Any, x: Any) -> Any:
    below, total = _exponentials(x)
    return below - np.log(total)


def _xent(op: Any, logits: Any, labels: Any) -> Any:
    logits, labels = np.broadcast_arrays(logits, labels)
    below, total = _exponentials(logits)
    return np.sum(labels * (np.log(total) - below), -1), np.exp(below) / total - labels


def _sparse_xent(op: Any, logits: Any, labels: Any) -> Any:
    column, classes = labels[:, None], logits.shape[1]
    below, total = _exponentials(logits)
    own = np.take_along_axis(below, np.clip(column, 0, max(classes - 1, 0)), 1)
    valid = (column >= 0) & (column < classes)
    loss = np.where(valid, np.log(total) - own, np.nan)[:, 0]
    return loss, np.exp(below) * np.where(valid, 1 / total, np.nan) - (np.arange(classes) == column)


def _bias_add(op: Any, x: Any, bias: Any) -> Any:
    return x + (bias.reshape(-1, *[1] * (x.ndim - 2)) if op._attrs.get("data_format") == b"NCHW" else bias)


def _bias_add_grad(op: Any, grad: Any) -> Any:
    axis = 1 if op._attrs.get("data_format") == b"NCHW" else grad.ndim - 1
    return np.sum(grad, tuple(i for i in range(grad.ndim) if i != axis), dtype=grad.dtype)


def _top_k(op: Any, x: Any, k: Any = None) -> Any:
    count = int(op._attrs["k"] if k is None else k)
    if count < 0:
        raise errors.InvalidArgumentError(None, op, f"Need k >= 0, got {count}")
    if x.shape[-1] < count:
        raise errors.InvalidArgumentError(None, op, "input must have at least k columns")
    # Of equal elements the first comes first; the order from the end keeps that for types without negatives too.
    reverse = np.argsort(x[..., ::-1], -1, kind="stable")[..., ::-1]
    places = (x.shape[-1] - 1 - reverse)[..., :count]
    return np.take_along_axis(x, places, -1), places.astype(np.int32)


# --- segments ---

_UFUNCS = {"add": np.add, "multiply": np.multiply, "max": np.maximum, "min": np.minimum}


def _start(how: str, dtype: Any) -> Any:
    if how in ("add", "multiply"):
        return int(how == "multiply")
    if dtype.kind in "iu":
        info: Any = np.iinfo(dtype)
    else:
        import ml_dtypes

        info = ml_dtypes.finfo(dtype)
    return info.min if how == "max" else info.max


def _scatter(how: str, data: Any, ids: Any, count: int) -> Any:
    """Row `i` is the combination of the rows of `data` with id `i`; ids outside are left out."""
    ids, rows = ids.reshape(-1), data.reshape(ids.size, *data.shape[ids.ndim :])
    made = np.full((count, *rows.shape[1:]), _start(how, data.dtype), data.dtype)
    inside = (ids >= 0) & (ids < count)
    if not inside.all():
        ids, rows = ids[inside], rows[inside]
    if not ids.size:
        return made
    distinct, combined = rows_by_id(_UFUNCS[how], ids, rows)
    made[distinct] = combined
    return made


def rows_by_id(ufunc: Any, ids: Any, rows: Any) -> tuple[Any, Any]:
    """The ids that occur (at least one does), in order, and the combination of the rows of each."""
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    firsts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    return ids[firsts], ufunc.reduceat(rows[order], firsts, axis=0)


def _per_row(values: Any, like: Any) -> Any:
    return values.reshape(values.shape + (1,) * (like.ndim - 1))


def _divisors(ids: Any, count: int, like: Any, root: bool) -> Any:
    number = np.bincount(ids[(ids >= 0) & (ids < count)], minlength=count).astype(like.dtype)
    return _per_row(np.sqrt(number) if root else number, like)


def _combined(how: str, rows: Any, ids: Any, count: int) -> Any:
    total = _scatter("add" if how in ("mean", "sqrt") else how, rows, ids, count)
    if how in ("mean", "sqrt"):
        return total / np.maximum(_divisors(ids, count, total, how == "sqrt"), 1)
    return total


def _unsorted(how: str) -> Form:
    def run(op: Any, data: Any, ids: Any, number: Any) -> Any:
        return _scatter(how, data, ids, int(number))

    return run


def _is_sorted(ids: Any, count: int) -> bool:
    return not ids.size or (ids[0] >= 0 and ids[-1] < count and not np.any(np.diff(ids) < 0))


def _sorted(how: str) -> Form:
    def run(op: Any, data: Any, ids: Any) -> Any:
        count = int(ids[-1]) + 1 if ids.size else 0
        if np.shape(data)[:1] != ids.shape or not _is_sorted(ids, count):
            raise NotHereError
        found = _combined(how, data, ids, count)
        if how in ("max", "min"):
            present = np.zeros(count, np.bool_)
            present[ids] = True
            found = np.where(_per_row(present, found), found, 0)
        return found

    return run


def _sparse(how: str) -> Form:
    def run(op: Any, data: Any, indices: Any, ids: Any, number: Any = None) -> Any:
        count = int(number) if number is not None else (int(ids[-1]) + 1 if ids.size else 0)
        if not _is_sorted(ids, count) or np.any(indices < 0) or np.any(indices >= len(data)):
            raise NotHereError
        return _combined(how, data[indices], ids, count)

    return run


def _sparse_grad(root: bool) -> Form:
    def run(op: Any, grad: Any, indices: Any, ids: Any, number: Any) -> Any:
        if np.any(ids < 0) or np.any(ids >= len(grad)) or np.any(indices < 0) or np.any(indices >= int(number)):
            raise NotHereError
        return _scatter("add", grad[ids] / _divisors(ids, len(grad), grad, root)[ids], indices, int(number))

    return run


_HOWS = {"Sum": "add", "Mean": "mean", "Prod": "multiply", "Max": "max", "Min": "min"}
_SPARSE_HOWS = {"Sum": "add", "Mean": "mean", "SqrtN": "sqrt"}

NUMPY_FORMS: dict[str, Form] = {
    **_ACTIVATIONS,
    **WINDOW_FORMS,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "SoftmaxCrossEntropyWithLogits": _xent,
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_xent,
    "BiasAdd": _bias_add,
    "BiasAddV1": _bias_add,
    "BiasAddGrad": _bias_add_grad,
    "TopK": _top_k,
    "TopKV2": _top_k,
    **{f"Segment{name}": _sorted(how) for name, how in _HOWS.items()},
    **{f"UnsortedSegment{name}": _unsorted(how) for name, how in _HOWS.items() if name != "Mean"},
    **{f"SparseSegment{name}": _sparse(how) for name, how in _SPARSE_HOWS.items()},
    **{f"SparseSegment{name}WithNumSegments": _sparse(how) for name, how in _SPARSE_HOWS.items()},
    "SparseSegmentMeanGrad": _sparse_grad(False),
    "SparseSegmentSqrtNGrad": _sparse_grad(True),
}
