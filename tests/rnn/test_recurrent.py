"""Recurrent networks, decoders, likelihoods of sequences: variables and values as recorded from TF 1.15.5."""

import importlib
import json
import pathlib
import sys

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(pathlib.Path(__file__).parent))
recurrent_cases = importlib.import_module("recurrent_cases")

_GOLDEN = json.loads((pathlib.Path(__file__).parent.parent / "golden" / "recurrent.json").read_text())


@pytest.mark.parametrize("name", sorted(recurrent_cases.CASES))
def test_as_recorded(name):
    found, expected = recurrent_cases.evaluate(tf, name), _GOLDEN[name]
    assert found["variables"] == expected["variables"]
    assert len(found["values"]) == len(expected["values"])
    for value, wanted in zip(found["values"], expected["values"], strict=True):
        if np.asarray(wanted).dtype.kind in "OSU":
            assert value == wanted
        else:
            np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=2e-5)
