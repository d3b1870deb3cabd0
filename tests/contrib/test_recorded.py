"""`tf.contrib`: operations, variables, collections, values and errors as recorded from TensorFlow 1.15.5."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path

import pytest

import retrograph as tf

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import describing  # noqa: E402

GOLDEN = {f: json.loads((HERE.parent / "golden" / f"contrib_{f}.json").read_text()) for f in describing.FAMILIES}
MODULES = {family: importlib.import_module(f"{family}_cases") for family in describing.FAMILIES}


def _close(wanted, found):
    if isinstance(wanted, list):
        return len(wanted) == len(found) and all(map(_close, wanted, found))
    if isinstance(wanted, float):
        both_nan = math.isnan(wanted) and math.isnan(found)
        return both_nan or wanted == found or math.isclose(wanted, found, rel_tol=2e-5, abs_tol=1e-5)
    return wanted == found


@pytest.mark.parametrize(("family", "name"), [(f, name) for f in describing.FAMILIES for name in GOLDEN[f]])
def test_as_recorded(family, name):
    cases, wanted = MODULES[family], GOLDEN[family][name]
    found = describing.described(tf, cases.CASES[name])
    values = wanted.pop("values", None), found.pop("values", None)
    if name not in getattr(cases, "VALUES_ONLY", ()):
        assert found == wanted
    assert _close(*values)
