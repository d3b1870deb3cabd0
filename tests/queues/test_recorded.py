"""Queues, pipelines and readers do what TF 1.15 was seen to do."""

from __future__ import annotations

import json
from pathlib import Path

import cases
import pytest

import retrograph as tf

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "queues.json").read_text())


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.__name__)
def test_as_recorded(case):
    assert json.loads(json.dumps(case(tf))) == GOLDEN[case.__name__]
