"""Attributes of HDF5 files as programs of the time read them, under `retrograph run`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import h5py, numpy as np
with h5py.File("model.h5", "w") as file:
    file.attrs["config"] = "{}".encode("utf8")
    file.attrs["names"] = [b"a", b"bc"]
    file.attrs["none"] = []
    file.attrs["text"] = "plain"
    file["weights"] = np.arange(3)
with h5py.File("model.h5", "r") as file:
    assert file.attrs["config"].decode("utf8") == "{}" and [n.decode() for n in file.attrs["names"]] == ["a", "bc"]
    assert file.attrs["text"] == "plain" and not file.attrs["none"].tolist()
    assert file["weights"].value.tolist() == [0, 1, 2]
print("ok")
"""


def test_ascii_comes_as_bytes(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "old.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "retrograph", "run", "old.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.stdout.strip() == "ok", done.stderr
    assert "Dataset.value" in done.stderr
