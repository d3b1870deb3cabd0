"""Short runs of the slow commands in `tests/slow`, so that these stay right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


def test_changed_bytes_are_found_or_harmless() -> None:
    lines = _run(str(SLOW / "corruption.py"), "--sample").splitlines()
    assert len(lines) == 9 and all(", 0 problems" in line for line in lines)


@pytest.mark.parametrize("arguments", [("--count", "3"), ("--count", "2", "--same-name")])
def test_kills_lose_nothing(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert ", 0 problems" in _run(str(SLOW / "kills.py"), *arguments, "--directory", str(tmp_path))


def test_files_that_claim_to_be_huge_cost_little() -> None:
    assert ", 0 problems; " in _run(str(SLOW / "limits.py"), "--seconds", "30")
