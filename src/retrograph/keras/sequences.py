"""`tf.keras.utils.Sequence`: batches by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrograph.framework.exports import export


@export("keras.utils.Sequence")
class Sequence:
    """Batches by number: define `__getitem__` and `__len__`. Source: TF 1.15 `tf.keras.utils.Sequence`."""

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]
