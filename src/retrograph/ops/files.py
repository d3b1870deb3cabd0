"""Files in graphs: `tf.read_file`, `tf.write_file`, `tf.matching_files`, `tf.train.match_filenames_once`."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, no_outputs, with_rank, with_rank_at_most

_KINDS: list[tuple[type[OSError], Any, str]] = [
    (FileNotFoundError, errors.NotFoundError, "No such file or directory"),
    (IsADirectoryError, errors.FailedPreconditionError, "Is a directory"),
    (NotADirectoryError, errors.FailedPreconditionError, "Not a directory"),
    (PermissionError, errors.PermissionDeniedError, "Permission denied"),
]


def file_error(op: Any, path: str, error: OSError) -> errors.OpError:
    """The error that TF raises for a failed access to a file."""
    for kind, cls, text in _KINDS:
        if isinstance(error, kind):
            return cls(None, op, f"{path}; {text}")  # type: ignore[no-any-return]
    return errors.UnknownError(None, op, f"{path}; {error.strerror}")


def path_of(value: Any) -> str:
    """A path given as a tensor of one string."""
    return os.fsdecode(np.asarray(value, object).reshape(-1)[0])


@export("read_file", "io.read_file")
def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The contents of a file: string[]. When it runs, NotFoundError. Source: TF 1.15 `tf.io.read_file`."""
    return apply_op("ReadFile", name, filename=filename)  # type: ignore[no-any-return]


@export("write_file", "io.write_file")
def write_file(filename: Any, contents: Any, name: str | None = None) -> Operation:
    """An operation that writes a file, with the folders that it lacks. Source: TF 1.15 `tf.io.write_file`."""
    return apply_op("WriteFile", name, filename=filename, contents=contents)  # type: ignore[no-any-return]


@export("matching_files", "io.matching_files")
def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The files that match any of the patterns, sorted: string[n]. Source: TF 1.15 `tf.io.matching_files`."""
    return apply_op("MatchingFiles", name, pattern=pattern)  # type: ignore[no-any-return]


@export("train.match_filenames_once", "io.match_filenames_once")
def match_filenames_once(pattern: Any, name: str | None = None) -> Any:
    """A local variable that holds the files that matched when it was initialized: string[n].

    Source: TF 1.15 `tf.io.match_filenames_once`.
    """
    from retrograph.variables.base import Variable

    with name_scope(name, "matching_filenames", [pattern]) as scope:
        return Variable(
            matching_files(pattern),
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            validate_shape=False,
            name=scope,
        )


def _read(op: Operation, filename: Any) -> Any:
    path = path_of(filename)
    result = np.empty((), object)
    try:
        result[()] = Path(path).read_bytes()
    except OSError as error:
        raise file_error(op, path, error) from None
    return result


def _write(op: Operation, ctx: Any, filename: Any, contents: Any) -> tuple[()]:
    path = Path(path_of(filename))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.asarray(contents, object).reshape(-1)[0])
    except OSError as error:
        raise file_error(op, str(path), error) from None
    return ()


def _matching(op: Operation, patterns: Any) -> Any:
    found = {os.fsencode(f) for p in patterns.reshape(-1) for f in glob.glob(os.fsdecode(p))}
    result = np.empty(len(found), object)
    result[:] = sorted(found)
    return result


def _read_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    return [()]


def _write_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 0)
    with_rank(c, c.input(1), 0)
    return no_outputs(c)


def _matching_shape(c: ShapeContext) -> list[Shape]:
    with_rank_at_most(c, c.input(0), 1)
    return [(None,)]


register_op("ReadFile", shape=_read_shape, numpy=_read, host=True, gradient=NO_GRADIENT)
register_op("WriteFile", shape=_write_shape, numpy=_write, host=True, effect=True, gradient=NO_GRADIENT)
register_op("MatchingFiles", shape=_matching_shape, numpy=_matching, host=True, gradient=NO_GRADIENT)
