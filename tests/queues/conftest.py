from __future__ import annotations

import sys
from pathlib import Path

import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.reset_default_graph()
    yield
    tf.reset_default_graph()
