"""How many shards a computation for TPUs is built for: none, for there are no TPUs, unless a program says so itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TpuContext(threading.local):
    """The number of shards; None outside of `tpu_shard_context`.

    Source: TF 1.15 `tensorflow.python.tpu.tpu_function.TpuContext`.
    """

    def __init__(self) -> None:
        self._number_of_shards: int | None = None

    @property
    def number_of_shards(self) -> int | None:
        """How many there are, or None."""
        return self._number_of_shards

    def set_number_of_shards(self, number_of_shards: int | None) -> None:
        """Sets how many there are."""
        self._number_of_shards = number_of_shards


_current_tpu_context = TpuContext()


def get_tpu_context() -> TpuContext:
    """The context of this thread. Source: TF 1.15 `tensorflow.python.tpu.tpu_function.get_tpu_context`."""
    return _current_tpu_context


@contextmanager
def tpu_shard_context(number_of_shards: int) -> Iterator[None]:
    """A block in which there are so many shards. NotImplementedError: within another.

    Source: TF 1.15 `tensorflow.python.tpu.tpu_function.tpu_shard_context`.
    """
    if _current_tpu_context.number_of_shards is not None:
        raise NotImplementedError("tpu_shard_context cannot be nested.")
    try:
        _current_tpu_context.set_number_of_shards(number_of_shards)
        yield
    finally:
        _current_tpu_context.set_number_of_shards(None)


def on_device_training_loop(func: Any) -> Any:
    """The function, marked as TF marks it; nothing reads the mark.

    Source: TF 1.15 `tensorflow.python.tpu.tpu_function.on_device_training_loop`.
    """
    func.step_marker_location = "STEP_MARK_AT_TOP_LEVEL_WHILE_LOOP"
    return func
