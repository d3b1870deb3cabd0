"""Random programs of scopes and sharing: names, settings and errors are TensorFlow 1.15.5's."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

ORACLE = Path(__file__).parent / "golden" / "oracle"
sys.path.insert(0, str(ORACLE))
import compare  # noqa: E402
import run  # noqa: E402

SECONDS = 60.0

pytestmark = pytest.mark.usefixtures("oracle_facts")


def _rows(name: str) -> dict[str, Any]:
    with gzip.open(ORACLE / name, "rt") as lines:
        return {row["id"]: row for row in map(json.loads, lines)}


PROGRAMS = _rows("programs.jsonl.gz")
LOGS = _rows("tf115.jsonl.gz")


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_program(program: str) -> None:
    got = run.run_one(tf, np, PROGRAMS[program], SECONDS)
    got = json.loads(json.dumps({**got, "log": run.jsonable(got["log"])}))
    found = compare.differences(LOGS[program], got, "relaxed", compare.CORE_DROP)
    assert not found, f"{len(found)} differences, the first: {found[0]}"
