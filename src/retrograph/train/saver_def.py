"""`tf.train.SaverDef`: what names a saver's operations, in the form of TF's protocol buffer."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from retrograph.framework import wire
from retrograph.framework.exports import export


@export("train.SaverDef")
@dataclass
class SaverDef:
    """The names of a saver's tensors and operations, and how many checkpoints it keeps.

    Source: TF 1.15 `tf.train.SaverDef`.
    """

    LEGACY: ClassVar[int] = 0
    V1: ClassVar[int] = 1
    V2: ClassVar[int] = 2

    filename_tensor_name: str = ""
    save_tensor_name: str = ""
    restore_op_name: str = ""
    max_to_keep: int = 0
    sharded: bool = False
    keep_checkpoint_every_n_hours: float = 0.0
    version: int = 0

    def __str__(self) -> str:
        versions = {1: "V1", 2: "V2"}
        lines = []
        for field in fields(self):
            value: Any = getattr(self, field.name)
            if value:
                shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
                lines.append(f"{field.name}: {versions[value] if field.name == 'version' else shown}\n")
        return "".join(lines)

    def CopyFrom(self, other: SaverDef) -> None:
        """Takes all of another definition."""
        self.__dict__.update(copy.copy(other.__dict__))

    def SerializeToString(self) -> bytes:
        """The definition in the wire format."""
        names = (self.filename_tensor_name, self.save_tensor_name, self.restore_op_name)
        parts = [wire.text(i, name) for i, name in enumerate(names, 1)]
        parts += [wire.integer(4, self.max_to_keep), wire.integer(5, int(self.sharded))]
        parts += [wire.float32(6, self.keep_checkpoint_every_n_hours), wire.integer(7, self.version)]
        return b"".join(parts)
