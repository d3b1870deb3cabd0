"""Each tutorial program, under `retrograph run`, prints exactly what TensorFlow 1.15.5 printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "golden" / "tutorials").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_tutorial_prints_what_tensorflow_printed(program: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "retrograph", "run", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == program.with_suffix(".expected").read_text()
