"""`tf.raw_ops`: a function for each op type of TF's core, which takes its arguments by name alone."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from retrograph.compat import facts, generated, removed_ops
from retrograph.framework import op_table
from retrograph.framework.exports import export_value

# Modules of wrappers that `tf.raw_ops` leaves out.
_HIDDEN = frozenset(("tensorflow.python.ops.gen_clustering_ops", "tensorflow.python.framework.test_ops"))
MODULE = sys.modules[__name__]
export_value("raw_ops", MODULE, attribute="MODULE")


@functools.cache
def _rows() -> dict[str, str]:
    """Op type -> the recorded signature of its wrapper."""
    core = (p for p in facts.modules().items() if p[0].startswith("tensorflow.python.") and p[0] not in _HIDDEN)
    rows = (row for _, names in core for row in names.values() if row.startswith("!"))
    found = {row[1:].partition(" ")[0]: row for row in rows}
    return {op_type: found[op_type] for op_type in op_table.all_op_types() if op_type in found}


def _argument_names(row: str) -> list[str]:
    cells = row.partition(" ")[2].split(";")
    return [*(cell.partition("=")[0].partition(":")[0] for cell in cells if cell), "name"]


@functools.cache
def find(op_type: str) -> Callable[..., Any] | None:
    """The function of an op type; None where TF's core has none of that name."""
    row = _rows().get(op_type)
    if row is None:
        return None
    add = generated.wrapper(op_type, row)
    names = _argument_names(row)

    def call(*args: Any, **kwargs: Any) -> Any:
        if args:
            text = (
                f"{op_type} only takes keyword args (possible keys: {names}). Please pass these args as kwargs instead."
            )
            raise TypeError(text)
        removed_ops.check(op_type)
        return add(**kwargs)

    call.__name__ = call.__qualname__ = op_type
    call.__doc__ = add.__doc__
    return call


def __getattr__(name: str) -> Any:
    found = None if name.startswith("_") else find(name)
    if found is None:
        raise AttributeError(f"module 'tensorflow.raw_ops' has no attribute '{name}'")
    return found


def __dir__() -> list[str]:
    return sorted(_rows())
