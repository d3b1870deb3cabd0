"""Op types that graphs of older programs hold: other names of what there is now, and a few that were replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, RECORDS, register_op
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, unchanged, with_rank_at_least
from retrograph.ops import fft, linalg  # noqa: F401 they make the records
from retrograph.ops.rows import both, divide, refuse

Array = Any

# What these are called today; TF has no shape rules for removed op types.
_SAME = {
    "BatchCholesky": "Cholesky",
    "BatchFFT": "FFT",
    "BatchFFT2D": "FFT2D",
    "BatchFFT3D": "FFT3D",
    "BatchIFFT": "IFFT",
    "BatchIFFT2D": "IFFT2D",
    "BatchIFFT3D": "IFFT3D",
    "BatchMatrixBandPart": "MatrixBandPart",
    "BatchMatrixDeterminant": "MatrixDeterminant",
    "BatchMatrixDiag": "MatrixDiag",
    "BatchMatrixDiagPart": "MatrixDiagPart",
    "BatchMatrixInverse": "MatrixInverse",
    "BatchMatrixSetDiag": "MatrixSetDiag",
    "BatchMatrixSolve": "MatrixSolve",
    "BatchMatrixSolveLs": "MatrixSolveLs",
    "BatchMatrixTriangularSolve": "MatrixTriangularSolve",
    "BatchSelfAdjointEigV2": "SelfAdjointEigV2",
    "BatchSvd": "Svd",
}
for _old, _new in _SAME.items():
    _record = RECORDS[_new]
    register_op(
        _old,
        lower=_record.lower,
        numpy=_record.numpy,
        gradient=_record.gradient,
        static_inputs=_record.static_inputs,
        host=_record.host,
        effect=_record.effect,
    )


# ---- eigenvalues above eigenvectors


def _eigen(xp: Any, op: Any, x: Array) -> Array:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        refuse(op, "Input matrix must be square.")
    values, vectors = xp.linalg.eigh(x)
    return xp.concatenate([values[..., None, :], vectors], axis=-2).astype(x.dtype)


def _eigen_shape(c: ShapeContext) -> list[Shape]:
    x = with_rank_at_least(c, c.input(0), 2)
    if x is None:
        return [None]
    size = x[-1] if x[-1] is not None else x[-2]
    return [(*x[:-2], None if size is None else size + 1, size)]


register_op("SelfAdjointEig", shape=_eigen_shape, gradient=NO_GRADIENT, **both(_eigen))
register_op("BatchSelfAdjointEig", gradient=NO_GRADIENT, **both(_eigen))


# ---- gradients that are operations


def _cholesky_gradient(xp: Any, op: Any, factor: Array, grad: Array) -> Array:
    lower, grad = xp.tril(factor), xp.tril(grad)
    product = xp.tril(xp.swapaxes(lower, -1, -2) @ grad)
    half = np.eye(lower.shape[-1], dtype=lower.dtype) * lower.dtype.type(0.5)
    middle = product * (1 - half)
    inverse = xp.linalg.inv(lower)
    found = xp.swapaxes(inverse, -1, -2) @ middle @ inverse
    return ((found + xp.swapaxes(found, -1, -2)) * found.dtype.type(0.5)).astype(factor.dtype)


register_op("CholeskyGrad", shape=unchanged, gradient=NO_GRADIENT, **both(_cholesky_gradient))
register_op("BatchCholeskyGrad", gradient=NO_GRADIENT, **both(_cholesky_gradient))


# ---- images


def _contrast(xp: Any, op: Any, images: Array, factor: Array, low: Array, high: Array) -> Array:
    x = xp.asarray(images).astype(np.float32)
    mean = x.mean((-3, -2), keepdims=True)
    return xp.minimum(xp.maximum((x - mean) * factor + mean, low), high)


register_op("AdjustContrast", shape=unchanged, **both(_contrast))


# ---- bytes of one length


def _padded_bytes(op: Any, values: Array, length: Array) -> Array:
    kind, count = np.dtype(op.attrs["out_type"].as_numpy_dtype), int(length)
    if count % kind.itemsize:
        text = f"fixed_length ({count}) must be a multiple of the size of out_type ({kind.itemsize})"
        refuse(op, text)
    if count <= 0:
        refuse(op, f"fixed_length ({count}) must be greater than zero.")
    values = np.asarray(values, object)
    joined = b"".join(one[:count].ljust(count, b"\0") for one in values.ravel().tolist())
    order = "<" if op.attrs["little_endian"] else ">"
    made = np.frombuffer(joined, kind.newbyteorder(order)).astype(kind)
    return made.reshape((*values.shape, count // kind.itemsize))


def _padded_bytes_shape(c: ShapeContext) -> list[Shape]:
    given, length = c.input(0), c.constant(1)
    if given is None:
        return [None]
    if length is None:
        return [(*given, None)]
    size = np.dtype(c.attr("out_type").as_numpy_dtype).itemsize
    return [(*given, divide(int(length), size))]


register_op("DecodePaddedRaw", shape=_padded_bytes_shape, numpy=_padded_bytes, host=True, gradient=NO_GRADIENT)


# ---- a process that ends


def _abort(op: Any, ctx: Any) -> tuple[()]:
    text = op.attrs["error_msg"].decode() or f"From {op.name}"
    raise errors.AbortedError(None, op, f"{op.type}: {text}; a process that shares sessions is not ended")


register_op("Abort", shape=lambda c: [], numpy=_abort, host=True, effect=True, gradient=NO_GRADIENT)
