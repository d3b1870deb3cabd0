"""tf.keras does what TF 1.15 did: names, operations, variables, values, errors (recorded by tools/record_keras.py)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE.parent / "golden" / "keras.json").read_text())


def _cases() -> Any:
    spec = importlib.util.spec_from_file_location("keras_cases", HERE / "keras_cases.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = _cases()


def _differences(found: Any, wanted: Any, where: str) -> list[str]:
    if isinstance(wanted, dict):
        keys = sorted({*found, *wanted})
        return [d for k in keys for d in _differences(found.get(k), wanted.get(k), f"{where}.{k}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(found) == len(wanted):
        return [
            d for i, (f, w) in enumerate(zip(found, wanted, strict=True)) for d in _differences(f, w, f"{where}[{i}]")
        ]
    if isinstance(wanted, float) and isinstance(found, (int, float)):
        return [] if np.isclose(found, wanted, rtol=2e-4, atol=3e-5) else [f"{where}: {found} != {wanted}"]
    return [] if found == wanted else [f"{where}: {found!r} != {wanted!r}"]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded(name: str) -> None:
    tf.keras.backend.clear_session()
    found = json.loads(json.dumps(CASES.all_cases()[name](tf)))
    assert _differences(found, GOLDEN[name], name) == []
