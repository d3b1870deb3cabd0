"""`tensorflow.python.framework.op_def_registry`: the definitions of op types, made as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from retrograph.framework.op_list import message_of
from retrograph.framework.op_table import all_op_types, find_op_def


class _Definitions(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        if find_op_def(name) is None:
            raise KeyError(name)
        return message_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(all_op_types())

    def __len__(self) -> int:
        return len(all_op_types())


_definitions = _Definitions()


def get_registered_ops() -> Mapping[str, Any]:
    """The `OpDef` messages by op type.

    Source: TF 1.15 `tensorflow.python.framework.op_def_registry.get_registered_ops`.
    """
    return _definitions


def get(name: str) -> Any:
    """The `OpDef` message of an op type, or None. TF has it from 2.0 on; libraries for both add it where it is missing."""
    return _definitions.get(name)


def sync() -> None:
    """Nothing to do: all op types are there. TF has it from 2.0 on."""
