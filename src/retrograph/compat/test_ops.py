"""The op types of `tensorflow.python.framework.test_ops`, which TF's own tests build graphs of. Few of them run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from retrograph.compat.facts import read
from retrograph.framework import errors
from retrograph.framework.apply import apply_op
from retrograph.framework.op_table import define_op, find_op_def, register_op
from retrograph.framework.shape_rules import ShapeContext, scalar, with_rank

for _line in read("test_ops.jsonl.gz").splitlines():
    define_op(json.loads(_line))


def _label(op: Any, *inputs: Any) -> Any:
    return np.array(b"My label is: " + (op.attrs.get("_kernel") or b"default"), object)


def _vector_only(c: ShapeContext) -> list[Any]:
    with_rank(c, c.input(0), 1)
    return [()]


def _version(op: Any) -> Any:
    return np.int32(op.graph.graph_def_versions.producer)


register_op("GraphDefVersion", shape=scalar, numpy=_version, host=True)
register_op("KernelLabel", shape=scalar, numpy=_label, host=True)
register_op("KernelLabelRequired", shape=_vector_only, numpy=_label, host=True)
register_op("ResourceInitializedOp", shape=scalar)


class _OpDefLibrary:
    """The library of operations that TF's generated wrappers go through."""

    def apply_op(self, op_type_name: str, name: Any = None, **keywords: Any) -> Any:
        """Adds an operation to the default graph; gives what it makes.

        Raises RuntimeError for an unknown op type; TypeError, ValueError for wrong inputs and attributes.
        """
        if find_op_def(op_type_name) is None:
            raise RuntimeError(f"Unrecognized Op name {op_type_name}")
        if name is None and "name" in keywords:
            name = keywords.pop("name")
        return apply_op(op_type_name, name, **keywords)

    def add_op(self, op_def: Any) -> None:
        """Checks a definition.

        Raises TypeError for an inconsistent one, else UnimplementedError: op types are fixed.
        """
        attrs = {attr.name: attr.type for attr in op_def.attr}
        for arg in (*op_def.input_arg, *op_def.output_arg):
            _check_argument(op_def.name, arg, attrs)
        raise errors.UnimplementedError(None, None, f"add_op: the op type '{op_def.name}' cannot be added")


def _check_argument(op_name: str, arg: Any, attrs: dict[str, str]) -> None:
    wanted = {"type_attr": "type", "type_list_attr": "list(type)", "number_attr": "int"}
    for field, kind in wanted.items():
        attr = getattr(arg, field)
        if attr and attr not in attrs:
            raise TypeError(f"Inconsistent OpDef for '{op_name}', missing attr '{attr}'")
        if attr and attrs[attr] != kind:
            raise TypeError(f"Attr '{attr}' of '{op_name}' used as a {field} but has type {attrs[attr]}")
    given = sum(map(bool, (arg.type, arg.type_attr, arg.type_list_attr)))
    if given != 1:
        raise TypeError(f"Arg '{arg.name}' of '{op_name}' must have one type field not {given}")


_op_def_lib = _OpDefLibrary()
