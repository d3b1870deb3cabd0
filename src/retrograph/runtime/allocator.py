"""The C library's allocator set up for a training loop: memory that a step frees is kept for the next.

XLA allocates what a program computes in between anew at each call. As glibc comes, it maps large blocks from the kernel
and unmaps them when they are freed, so that at every step each page is mapped and cleared again: a third of the time of
a step whose intermediate arrays take a few hundred megabytes. TF 1.15's steps have many small blocks, which glibc keeps.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

# Parameters of `mallopt`, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_KEPT = 1 << 30
_MOST_KEPT = (1 << 31) - 1
_ENVIRONMENT = "RETROGRAPH_ALLOCATOR"


@functools.cache
def keep_freed_memory() -> bool:
    """Makes glibc keep up to 2 GiB of freed memory in one arena; whether it does. Blocks of 1 GiB are still unmapped.

    Who has settings of their own (`MALLOC_*`, `GLIBC_TUNABLES`) or sets `RETROGRAPH_ALLOCATOR=system` keeps them.
    Other C libraries are left alone.
    """
    own = os.environ.get(_ENVIRONMENT) == "system" or any(
        name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ
    )
    if own or not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    # XLA's threads have arenas of their own otherwise, which hold no block above 64 MiB.
    wanted = ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGEST_KEPT), (_TRIM_THRESHOLD, _MOST_KEPT))
    done = [library.mallopt(parameter, value) for parameter, value in wanted]
    return all(done)
