"""A bar on the terminal for what takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
_WIDTH, _PATIENCE, _PAUSE = 30, 1.0, 0.1


def with_progress(items: Sequence[T], weights: Iterable[int], what: str) -> Iterator[T]:
    """The items; shows on stderr, if that is a terminal, how much of their weight is done."""
    sizes = list(weights)
    total, done = max(sum(sizes), 1), 0
    started = shown = time.monotonic()
    drawn = False
    for item, size in zip(items, sizes, strict=True):
        yield item
        done += size
        now = time.monotonic()
        if sys.stderr.isatty() and now - started > _PATIENCE and now - shown > _PAUSE:
            _draw(done / total, what)
            shown, drawn = now, True
    if drawn:
        sys.stderr.write("\r" + " " * (_WIDTH + len(what) + 10) + "\r")


def _draw(share: float, what: str) -> None:
    full = int(share * _WIDTH)
    sys.stderr.write(f"\r{what} [{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%}")
    sys.stderr.flush()
