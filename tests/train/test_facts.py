"""Optimizers, schedules and the operations they make, against what TF 1.15.5 did (`facts.py` records it)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from facts import BUILDS, OPTIMIZERS, SCHEDULES, operations, optimizer_steps, schedule_values

import retrograph as tf

FACTS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "train.json").read_text())


@pytest.mark.parametrize("more_rows", [0, 3000], ids=["small", "compiled"])
@pytest.mark.parametrize("gradient", ["dense", "sparse"])
@pytest.mark.parametrize("kind", ["ref", "resource"])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_three_steps(name: str, kind: str, gradient: str, more_rows: int) -> None:
    got = optimizer_steps(tf, OPTIMIZERS[name], kind == "resource", gradient == "sparse", more_rows)
    np.testing.assert_allclose(got, FACTS["optimizers"][f"{name} {kind} {gradient}"], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_schedule(name: str) -> None:
    got = schedule_values(tf, SCHEDULES[name])
    np.testing.assert_allclose(got, FACTS["schedules"][name], rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_operations(name: str) -> None:
    assert operations(tf, BUILDS[name]) == FACTS["operations"][name]
