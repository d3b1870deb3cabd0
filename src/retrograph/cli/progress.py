"""A bar on the terminal for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")
_WIDTH, _PATIENCE, _PAUSE = 30, 1.0, 0.1


class Progress:
    """Shows on stderr, if that is a terminal, how much of `total` is done."""

    def __init__(self, total: int, what: str):
        self._total, self._what, self._done = max(total, 1), what, 0
        self._started = self._shown = time.monotonic()
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            sys.stderr.write("\r" + " " * (_WIDTH + len(self._what) + 10) + "\r")
            sys.stderr.flush()

    def advance(self, amount: int) -> None:
        """So much more is done."""
        self._done += amount
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._started > _PATIENCE and now - self._shown > _PAUSE:
            self._draw(min(self._done / self._total, 1.0))
            self._shown, self._drawn = now, True

    def _draw(self, share: float) -> None:
        full = int(share * _WIDTH)
        sys.stderr.write(f"\r{self._what} [{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%}")
        sys.stderr.flush()


def with_progress(items: Sequence[T], weights: Iterable[int], what: str) -> Iterator[T]:
    """The items; shows how much of their weight is done."""
    sizes = list(weights)
    with Progress(sum(sizes), what) as progress:
        for item, size in zip(items, sizes, strict=True):
            yield item
            progress.advance(size)
