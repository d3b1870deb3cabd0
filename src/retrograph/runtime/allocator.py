"""The C library's allocator set up for a training loop: memory that a step frees is kept for the next.

XLA allocates what a program computes in between anew at each call. As glibc comes, it maps large blocks from the kernel
and unmaps them when they are freed, so that at every step each page is mapped and cleared again: a third of the time of
a step whose intermediate arrays take a few hundred megabytes. TF 1.15's steps have many small blocks, which glibc keeps.

XLA's threads have arenas of their own, which hold no block above 64 MiB: such a block would be mapped anew each time.
With one arena for all they wait for each other, which a step of a few milliseconds feels (a twentieth for an MLP) and a
long one does not. So graphs whose programs may need such blocks get one arena, and small ones an arena for each thread.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import sys
from typing import Any

from retrograph.framework.graph import Graph
from retrograph.runtime.state import HANDLE_TYPES

# Parameters of `mallopt`, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_KEPT = 1 << 30
_MOST_KEPT = (1 << 31) - 1
_ENVIRONMENT = "RETROGRAPH_ALLOCATOR"

_LARGEST_IN_ARENA = 1 << 26
# What is taken for a size that the graph leaves open: most often of a batch.
_OPEN_SIZE = 128


@functools.cache
def _glibc() -> Any:
    """The C library, or None if its allocator is left as it is."""
    own = os.environ.get(_ENVIRONMENT) == "system" or any(
        name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ
    )
    if own or not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


@functools.cache
def keep_freed_memory() -> bool:
    """Makes glibc keep up to 2 GiB of freed memory; whether it does. Blocks of 1 GiB are still unmapped.

    Who has settings of their own (`MALLOC_*`, `GLIBC_TUNABLES`) or sets `RETROGRAPH_ALLOCATOR=system` keeps them.
    Other C libraries are left alone.
    """
    library = _glibc()
    wanted = ((_MMAP_THRESHOLD, _LARGEST_KEPT), (_TRIM_THRESHOLD, _MOST_KEPT))
    return library is not None and all(library.mallopt(parameter, value) for parameter, value in wanted)


# Of the process, as its threads are; the first graph that is compiled decides.
_settled: list[bool] = []


def settle_arenas(graph: Graph) -> bool:
    """Decides once, before XLA starts its threads, whether they share one arena; whether they do."""
    if not _settled:
        library = _glibc()
        _settled.append(library is not None and _needs_large_blocks(graph) and bool(library.mallopt(_ARENA_MAX, 1)))
    return _settled[0]


def _needs_large_blocks(graph: Graph) -> bool:
    """Whether what the graph's operations compute, as far as shapes tell, would not fit into an arena all together."""
    total = 0
    for op in graph._ops:
        if op._type == "Enter":
            return True  # what a loop keeps of its rounds is not known
        if op._type == "Const" or op._type in HANDLE_TYPES:
            continue
        total += sum(_bytes_of(tensor) for tensor in op._outputs)
        if total > _LARGEST_IN_ARENA:
            return True
    return False


def _bytes_of(tensor: Any) -> int:
    if tensor._shape is None:
        return 0
    sizes = [_OPEN_SIZE if size is None else size for size in tensor._shape]
    return int(tensor._dtype.size * math.prod(sizes))
