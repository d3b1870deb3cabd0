"""Programs' own conversions to tensors: which are taken, and what operands become as constants beside them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework import conversion


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(conversion, "_registered", {k: list(v) for k, v in conversion._registered.items()})
    monkeypatch.setattr(conversion, "_cache", {})
    monkeypatch.setattr(conversion, "_plain_types", {})


def _seven(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
    return tf.constant(7.0, dtype, name="mine")


@pytest.mark.parametrize("base", [int, bool, float, np.float32, np.ndarray, (list, int)])
def test_numbers_and_arrays_have_no_other_conversions(base: Any) -> None:
    with pytest.raises(TypeError, match="Cannot register conversions for Python numeric types and NumPy scalars"):
        tf.register_tensor_conversion_function(base, _seven)


def test_conversions_of_all_objects_leave_numbers_alone() -> None:
    tf.register_tensor_conversion_function(object, _seven, 10)
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.maximum(tf.fill(tf.constant(2, shape=[1]), 1.0) * 2.0, [1.0, 3.0])).tolist() == [7, 7]
        assert session.run(tf.convert_to_tensor(np.float32(2))) == 2


@pytest.mark.parametrize("function", [_seven, functools.partial(_seven), type("Callable", (), {"__call__": lambda self, *a, **k: _seven(*a, **k)})()])  # fmt: skip
def test_conversions_of_lists_come_before_ours(function: Any) -> None:
    tf.register_tensor_conversion_function(list, function, 50)
    with tf.Graph().as_default() as graph:
        tf.maximum(tf.placeholder(tf.float32, [2]) * [1.0, 2.0], [3.0, 1.0])
        names = [op.name for op in graph.get_operations()]
    assert names == ["Placeholder", "mul/mine", "mul", "Maximum/mine", "Maximum"]
