"""What the tests share: a fresh default graph for each, and the list of known differences."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")

KNOWN = Path(__file__).parent / "known_differences.txt"


def _known() -> dict[str, str]:
    rows = (line.partition(" ") for line in KNOWN.read_text().splitlines() if line and not line.startswith("#"))
    return {name: reason for name, _, reason in rows}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the recorded cases that are known to differ."""
    known = _known()
    for item in items:
        reason = known.get(item.name)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.fixture(autouse=True)
def _fresh_default_graph() -> Iterator[None]:
    import retrograph as tf

    tf.reset_default_graph()
    level = tf.logging.get_verbosity()
    yield
    tf.logging.set_verbosity(level)


@pytest.fixture
def oracle_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder that the oracle's files import as `facts` when they run."""
    path = Path(__file__).parent / "golden" / "oracle" / "facts.py"
    spec = importlib.util.spec_from_file_location("facts", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "facts", module)
