"""Ten models in files: those that TF 1.15.5 wrote are read, and those written here are read again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "models"
MODELS = (
    "dense", "conv_bn", "partitioned", "lstm", "while_loop", "embedding", "string_table", "control_flow", "slim", "estimator",
)  # fmt: skip


def _run(action: str, directory: Path) -> dict[str, str]:
    """What the recording script says of each model."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(ROOT / "tools" / "record_models.py"), action, str(directory)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return {"": done.stderr, **found}


@pytest.fixture(scope="module")
def recorded() -> dict[str, str]:
    return _run("read", GOLDEN)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("models")
    assert set(_run("write", directory)) >= set(MODELS)
    return _run("read", directory)


@pytest.mark.parametrize("model", MODELS)
def test_files_of_tensorflow(model: str, recorded: dict[str, str]) -> None:
    assert recorded.get(model, recorded[""]).startswith("read; outputs differ by at most")


@pytest.mark.parametrize("model", MODELS)
def test_own_files(model: str, own: dict[str, str]) -> None:
    assert own.get(model, own[""]).startswith("read; outputs differ by at most")
