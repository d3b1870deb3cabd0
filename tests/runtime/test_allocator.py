"""The allocator is set up once, unless somebody has settings of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_GLIBC = platform.libc_ver()[0] == "glibc"
_ASK = "from retrograph.runtime.allocator import keep_freed_memory as keep; print(keep())"


def kept(**settings: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "RETROGRAPH_"))}
    done = subprocess.run(
        [sys.executable, "-c", _ASK], env={**environment, **settings}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.skipif(not _GLIBC, reason="another C library")
def test_glibc_keeps_freed_memory() -> None:
    assert kept() == "True"


@pytest.mark.parametrize(
    "settings",
    [{"RETROGRAPH_ALLOCATOR": "system"}, {"MALLOC_ARENA_MAX": "2"}, {"GLIBC_TUNABLES": "glibc.malloc.check=0"}],
    ids=["asked", "variables", "tunables"],
)
def test_own_settings_stay(settings: dict[str, str]) -> None:
    assert kept(**settings) == "False"


_SETTLE = """
import retrograph as tf
from retrograph.runtime.allocator import settle_arenas
x = tf.placeholder(tf.float32, [None, {size}])
y = {build}
print(settle_arenas(tf.get_default_graph()))
"""


@pytest.mark.skipif(not _GLIBC, reason="another C library")
@pytest.mark.parametrize(
    ("size", "build", "one"),
    [
        (1000, "tf.matmul(x, tf.get_variable('w', [1000, 1000]))", False),
        (200_000, "x + 1.0", True),
        (10, "tf.while_loop(lambda v: tf.reduce_sum(v) < 1.0, lambda v: v + 1.0, [x])", True),
    ],
    ids=["small", "large", "loop"],
)
def test_programs_with_large_blocks_share_an_arena(size: int, build: str, one: bool) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "RETROGRAPH_"))}
    code = _SETTLE.format(size=size, build=build)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(one)
