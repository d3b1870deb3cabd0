"""Short runs of the slow commands in `tests/slow`, so that these stay right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SLOW = Path(__file__).resolve().parent.parent / "slow"


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, cwd=SLOW.parent.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_fuzzing_finds_nothing() -> None:
    lines = _run(str(SLOW / "fuzz.py"), "--sample").splitlines()
    assert len(lines) == 13 and all(line.endswith(" 0 findings") for line in lines)
