"""Candidate samplers draw what TF 1.15 draws. Recorded by tools/record_candidates.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

ROWS = json.loads((Path(__file__).parents[1] / "golden" / "candidates.json").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["expr"])
def test_draws(row: dict[str, Any]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        outputs = eval(row["expr"], {"tf": tf})
        assert [t.name for t in outputs] == row["names"]
        assert list(outputs._fields) == row["fields"]
        assert [t.shape.as_list() for t in outputs] == row["shapes"]
        for run in row["runs"]:
            for value, want in zip(session.run(list(outputs)), run, strict=True):
                np.testing.assert_allclose(value, np.array(want).astype(value.dtype), rtol=2e-6)
