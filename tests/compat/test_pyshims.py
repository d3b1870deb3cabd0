"""Names that Python and NumPy dropped are put back by `retrograph run`, and named at the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import collections, fractions, inspect, time
import numpy as np
import imp
assert np.float is float and np.asscalar(np.array(3)) == 3 and np.product([2, 3]) == 6
assert isinstance([], collections.Iterable) and fractions.gcd(4, 6) == 2 and time.clock() >= 0
assert inspect.getargspec(lambda a, b=1: 0).args == ["a", "b"]
assert np.reshape([1, 2], newshape=[2, 1]).shape == (2, 1) and np.random.random_integers(3, 3) == 3
ragged = np.array([[[1, 2], [3]], [[4, 5, 6], [7]]])
assert ragged.shape == (2, 2) and ragged.dtype == object and ragged[1, 0] == [4, 5, 6]
assert np.unique([(1, 2), (3,), (1, 2)]).tolist() == [(1, 2), (3,)]
assert np.array([1, 2], copy=False).tolist() == [1, 2] and np.array(5, dtype="f", copy=False).dtype == np.float32
assert imp.new_module("x").__name__ == "x"
from scipy.sparse.linalg.eigen.arpack import eigsh
import scipy.sparse.linalg.eigen.arpack as arpack
assert arpack.eigsh is eigsh
print("ok")
"""


def _run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "old.py"
    script.write_text(PROGRAM)
    command = [sys.executable, "-W", "ignore", "-m", "retrograph", "run", *options, str(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_dropped_names_are_put_back_and_told(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.stdout.strip() == "ok", done.stderr
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("retrograph run:")]
    for name in (
        "collections.Iterable",
        "fractions.gcd",
        "inspect.getargspec",
        "np.float",
        "np.product",
        "np.reshape(newshape=)",
        "np.array(lists of different lengths)",
        "np.array(copy=False)",
        "time.clock",
        "scipy.sparse.linalg.eigen.arpack",
    ):
        assert name in told
    assert "np.int" not in told


def test_strict_leaves_them_out(tmp_path: Path) -> None:
    done = _run(tmp_path, "--strict")
    assert done.returncode == 1
    assert "retrograph run: put back" not in done.stderr
