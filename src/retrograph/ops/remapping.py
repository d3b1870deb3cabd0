"""Matrices of checkpoints by vocabularies: `GenerateVocabRemapping`, `LoadAndRemapMatrix`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from retrograph.checkpoint.opening import open_checkpoint
from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext


def _text(value: Any) -> str:
    return os.fsdecode(np.asarray(value).reshape(-1)[0])


def _words(op: Any, path: str, most: int = -1) -> list[bytes]:
    if not path:
        raise errors.InvalidArgumentError(None, op, "new vocab filename cannot be empty.")
    try:
        with open(path, "rb") as file:
            words = file.read().splitlines()
    except OSError:
        raise errors.NotFoundError(None, op, f"{path}; No such file or directory") from None
    if most > len(words):
        text = f"Invalid vocab_size in {path}: expected {most} but got {len(words)}"
        raise errors.InvalidArgumentError(None, op, text)
    return words if most < 0 else words[:most]


def _vocab_remapping(op: Any, new_file: Any, old_file: Any) -> tuple[Any, Any]:
    attrs = op.attrs
    start, count = attrs["new_vocab_offset"], attrs["num_new_vocab"]
    words = _words(op, _text(new_file))
    if start + count > len(words):
        raise errors.InvalidArgumentError(None, op, "lookup table size must be larger than last new vocab entry's line")
    places = {word: i for i, word in enumerate(_words(op, _text(old_file), attrs["old_vocab_size"]))}
    found = np.array([places.get(word, -1) for word in words[start : start + count]], np.int64)
    return found, np.int32((found >= 0).sum())


def _check_remapping(op: Any, remapping: Any, size: int, what: str) -> None:
    if remapping.size != size:
        provided = "Provided col_remapping, but its size is" if what == "num_cols" else "Size of row_remapping is"
        text = f"{provided} {remapping.size} instead of being equal to {what}={size}"
        raise errors.InvalidArgumentError(None, op, text)
    seen: dict[int, int] = {}
    for new, old in enumerate(remapping.tolist()):
        if old >= 0 and seen.setdefault(old, new) != new:
            text = f"Old ID {old} is mapped to both new ID {seen[old]} and {new}, which is not supported."
            raise errors.UnimplementedError(None, op, text)


def _remapped(op: Any, ctx: Any, path: Any, name: Any, rows: Any, cols: Any, fill: Any) -> Any:
    num_rows, num_cols = op.attrs["num_rows"], op.attrs["num_cols"]
    rows, cols, fill, key = np.asarray(rows), np.asarray(cols), np.asarray(fill), _text(name)
    _check_remapping(op, rows, num_rows, "num_rows")
    if cols.size:
        _check_remapping(op, cols, num_cols, "num_cols")
    reader = open_checkpoint(_text(path))
    shape = reader.shape_of(key)
    if reader.dtype_of(key).name != "float32":
        text = f"Tensor {key} has invalid type {reader.dtype_of(key).name} instead of expected type float"
        raise errors.InvalidArgumentError(None, op, text)
    if len(shape) != 2:
        text = (
            f"Tensor {key} has shape {to_text(shape)} of invalid rank {len(shape)} instead of expected shape of rank 2."
        )
        raise errors.InvalidArgumentError(None, op, text)
    if not cols.size and shape[1] != num_cols:
        text = f"Tensor {key} has shape {to_text(shape)}, where the size of its 2nd dimension is {shape[1]} instead of being equal to num_cols={num_cols}"
        raise errors.InvalidArgumentError(None, op, text)
    cols = cols if cols.size else np.arange(num_cols)
    stored = np.asarray(reader.read(key))
    present = (rows >= 0)[:, None] & (cols >= 0)[None, :]
    missing = int(present.size - present.sum())
    if fill.size != missing:
        text = f"initializing_values contained {fill.size} elements, but {missing} elements are used to fill in missing values."
        raise errors.InvalidArgumentError(None, op, text)
    if rows.max(initial=-1) >= shape[0] or cols.max(initial=-1) >= shape[1]:
        raise errors.InvalidArgumentError(None, op, f"A remapping goes beyond tensor {key} of shape {to_text(shape)}")
    result = np.empty((num_rows, num_cols), np.float32)
    result[~present] = fill.reshape(-1)
    result[np.ix_(rows >= 0, cols >= 0)] = stored[np.ix_(rows[rows >= 0], cols[cols >= 0])]
    return result


def _vocab_shapes(c: ShapeContext) -> list[Shape]:
    return [(c.attr("num_new_vocab"),), ()]


def _matrix_shape(c: ShapeContext) -> list[Shape]:
    return [(c.attr("num_rows"), c.attr("num_cols"))]


register_op("GenerateVocabRemapping", shape=_vocab_shapes, numpy=_vocab_remapping, host=True, gradient=NO_GRADIENT)
register_op("LoadAndRemapMatrix", shape=_matrix_shape, numpy=_remapped, host=True, effect=True, gradient=NO_GRADIENT)
