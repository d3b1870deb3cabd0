"""Metrics give what TensorFlow 1.15 gave: values, names of variables and operations."""

import json
import pathlib
import sys

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import metric_cases

RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "golden" / "metrics.json").read_text())


def _compared(operations):
    # Whether weights of unknown shape can be broadcast is found out with other operations than TensorFlow's.
    return [operation for operation in operations if "/has_invalid_dims" not in operation]


@pytest.mark.parametrize("case", sorted(RECORDED))
def test_values_and_names(case):
    got, expected = metric_cases.run(tf, case), RECORDED[case]
    np.testing.assert_allclose(got["updates"], expected["updates"], rtol=1e-5)
    np.testing.assert_allclose(got["value"], expected["value"], rtol=1e-5)
    assert got["names"] == expected["names"]
    assert _compared(got["ops"]) == _compared(expected["ops"])


@pytest.mark.parametrize("name", ["sensitivity_at_specificity", "specificity_at_sensitivity"])
def test_what_lies_outside_the_unit_range_is_refused(name):
    with pytest.raises(ValueError, match=r"must be in the range \[0, 1\]"):
        getattr(tf.metrics, name)(tf.constant([True]), tf.constant([0.5]), 1.5)
