"""`tf.train.CheckpointManager`: keeps the newest checkpoints of a directory."""

from __future__ import annotations

import os
import time
from typing import Any

from retrograph.checkpoint.management import get_checkpoint_state, remove_checkpoint, write_state
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.train.checkpoint_object import _session


@export("train.CheckpointManager", "contrib.checkpoint.CheckpointManager")
class CheckpointManager:
    """Saves a `tf.train.Checkpoint` into a directory, deletes old ones, and knows of them when it is made again.

    >>> manager = tf.train.CheckpointManager(checkpoint, "run", max_to_keep=3)    # doctest: +SKIP
    >>> manager.save()    # doctest: +SKIP

    Raises: ValueError for a `max_to_keep` below 1. Source: TF 1.15 `tf.train.CheckpointManager`.
    """

    def __init__(
        self,
        checkpoint: Any,
        directory: str,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
    ):
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_max_to_keep`, got {max_to_keep}.")
        self._checkpoint, self._directory, self._max_to_keep = checkpoint, os.fspath(directory), max_to_keep
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._checkpoint_prefix = os.path.join(self._directory, checkpoint_name)
        self._maybe_delete: dict[str, float] = {}
        self._latest_checkpoint: str | None = None
        now = time.time()
        self._last_preserved_timestamp = now - 1.0
        state = get_checkpoint_state(self._directory)
        if state is not None:
            self._recover(state, now)

    def _recover(self, state: Any, now: float) -> None:
        self._latest_checkpoint = state.model_checkpoint_path
        self._last_preserved_timestamp = state.last_preserved_timestamp
        behind = self._last_preserved_timestamp - now
        if behind > 0:
            get_logger().warning(
                "time.time() returned a value %f seconds behind the last preserved checkpoint timestamp.", behind
            )
            self._last_preserved_timestamp = now
        paths = state.all_model_checkpoint_paths
        times = state.all_model_checkpoint_timestamps or [self._last_preserved_timestamp] * len(paths)
        for path, made in zip(paths, times, strict=False):
            if min(made, now) > self._last_preserved_timestamp:
                self._maybe_delete[path] = min(made, now)

    @property
    def latest_checkpoint(self) -> str | None:
        """The newest checkpoint, None if there is none."""
        return self._latest_checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The checkpoints that may be deleted one day, oldest first."""
        return list(self._maybe_delete)

    def _sweep(self) -> None:
        hours = self._keep_checkpoint_every_n_hours
        while self._max_to_keep and len(self._maybe_delete) > self._max_to_keep:
            path = next(iter(self._maybe_delete))
            made = self._maybe_delete.pop(path)
            if hours and made - hours * 3600.0 >= self._last_preserved_timestamp:
                self._last_preserved_timestamp = made
                continue
            remove_checkpoint(path)

    def _record_state(self) -> None:
        write_state(
            self._directory,
            self._latest_checkpoint or "",
            list(self._maybe_delete),
            None,
            True,
            list(self._maybe_delete.values()),
            self._last_preserved_timestamp,
        )

    @property
    def _prefix(self) -> str:
        return self._checkpoint_prefix

    def save(self, checkpoint_number: Any = None) -> str:
        """Saves and deletes what is too old; gives the new checkpoint. Raises: ValueError without a default session."""
        session = _session(None)
        with session.graph.as_default():
            number = self._checkpoint._count(session)
        if checkpoint_number is not None:
            given = checkpoint_number if isinstance(checkpoint_number, int) else session.run(checkpoint_number)
            number = int(given)
        path: str = self._checkpoint.write(f"{self._prefix}-{number}")
        self._maybe_delete.pop(path, None)
        self._maybe_delete[path] = time.time()
        self._latest_checkpoint = path
        self._record_state()
        self._sweep()
        self._record_state()
        return path
