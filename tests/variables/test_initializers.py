"""Initializers and regularizers: the operations they make, their values, their errors and configurations.

Recorded by tools/record_initializers.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.variables import initializers as init_ops
from retrograph.variables.spec import PartitionInfo

ROWS = json.loads((Path(__file__).parents[1] / "golden" / "initializers.json").read_text())
TOLERANCE = {"float16": 2e-3, "float32": 5e-6, "float64": 1e-12}


def _made(expression: str) -> tuple[Any, list[Any]]:
    with tf.Graph().as_default() as graph:
        names = {"tf": tf, "init_ops": init_ops, "W": tf.constant([[1.0, -2.0]], name="W")}
        result = eval(expression, names)
        ops = [[op.name, op.type, [t.name for t in op.inputs]] for op in graph.get_operations()[1:]]
        return result, ops


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["expr"])
def test_operations(row: dict[str, Any]) -> None:
    result, ops = _made(row["expr"])
    if row["ops"] is not None:
        assert ops == row["ops"]
    assert (len(ops), result.name, result.dtype.name) == (row["count"], row["result"], row["dtype"])
    assert result.shape.as_list() == row["shape"]


@pytest.mark.parametrize("row", [r for r in ROWS if r["value"] is not None], ids=lambda row: row["expr"])
def test_values(row: dict[str, Any]) -> None:
    result, _ = _made(row["expr"])
    with tf.Session(graph=result.graph) as session:
        value = np.asarray(session.run(result))
    assert value.dtype == result.dtype.as_numpy_dtype
    tolerance = TOLERANCE.get(row["dtype"], 0)
    np.testing.assert_allclose(value.astype(float), np.array(row["value"], float), rtol=tolerance, atol=tolerance)


def test_general_path_makes_the_same_operations() -> None:
    def ops(dependency: bool) -> list[Any]:
        with tf.Graph().as_default() as graph:
            first = tf.no_op()
            with tf.control_dependencies([first] if dependency else None):
                tf.glorot_uniform_initializer()([2, 3])
                tf.truncated_normal_initializer(seed=3)([2])
                tf.zeros_initializer()([2000])
                tf.ones_initializer()([2])
                tf.constant_initializer(2)([2])
            return [
                (op.name, op.type, [t.name for t in op.inputs], {k: str(v) for k, v in op.attrs.items()})
                for op in graph.get_operations()
            ]

    assert ops(True) == ops(False)


def test_names_under_an_opened_scope() -> None:
    with tf.Graph().as_default() as graph:
        with tf.name_scope("random_uniform/"):
            tf.constant(1.0, name="Shape")
        first = tf.random_uniform([2])
        second = tf.random_uniform([2], name="Random_Uniform")
        assert (first.name, second.name) == ("random_uniform:0", "Random_Uniform_1:0")
        assert graph.get_operation_by_name("random_uniform/shape_1").type == "Const"


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: tf.constant_initializer({}), TypeError, "Invalid type for initial value: <class 'dict'> (expected"),
        (lambda: tf.random_normal_initializer(dtype=tf.int32), ValueError, "Expected floating point type, got <dtype:"),
        (lambda: tf.variance_scaling_initializer(0.0), ValueError, "`scale` must be positive float."),
        (lambda: tf.variance_scaling_initializer(1.0, "x"), ValueError, "('Invalid `mode` argument:', 'x')"),
        (lambda: tf.variance_scaling_initializer(1.0, "fan_in", "z"), ValueError, "('Invalid `distribution` argument"),
        (lambda: tf.orthogonal_initializer()([3]), ValueError, "The tensor to initialize must be at least two-dim"),
        (lambda: tf.initializers.identity()([3]), ValueError, "Identity matrix initializer can only be used for 2D"),
        (
            lambda: tf.glorot_uniform_initializer()([2, 3], tf.int32),
            TypeError,
            "Expected int32, got -1.0954451150103324 of type 'float' instead.",
        ),
        (lambda: tf.random_uniform_initializer()([2], tf.int32), ValueError, "Must specify maxval for integer dtype"),
        (lambda: tf.random_uniform([2], dtype=tf.int8), ValueError, "Invalid dtype tf.int8"),
        (lambda: tf.constant_initializer([1.0, 2.0, 3.0])([2]), ValueError, "Too many elements provided. Needed at"),
        (
            lambda: tf.constant_initializer([1.0, 2.0], verify_shape=True)([3]),
            TypeError,
            "Expected Tensor's shape: (3,), got (2,).",
        ),
        (lambda: tf.contrib.layers.xavier_initializer(dtype=tf.int32), TypeError, "Cannot create initializer for non"),
        (lambda: tf.contrib.layers.l1_regularizer(1), ValueError, "scale cannot be an integer: 1"),
        (
            lambda: tf.contrib.layers.l2_regularizer(-1.0),
            ValueError,
            "Setting a scale less than 0 on a regularizer: -1.",
        ),
        (lambda: tf.contrib.layers.l1_l2_regularizer(1, 1), ValueError, "scale_l1 cannot be an integer: 1"),
        (
            lambda: tf.contrib.layers.apply_regularization(tf.contrib.layers.l2_regularizer(0.1)),
            ValueError,
            "No weights to regularize.",
        ),
    ],
)
def test_errors(make: Any, error: type[Exception], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(error) as info:
        make()
    assert str(info.value).startswith(text)


@pytest.mark.parametrize(
    ("initializer", "config"),
    [
        (lambda: tf.zeros_initializer(), {"dtype": "float32"}),
        (lambda: tf.constant_initializer(3), {"value": 3, "dtype": "float32"}),
        (lambda: tf.random_uniform_initializer(0, 2, 5), {"minval": 0, "maxval": 2, "seed": 5, "dtype": "float32"}),
        (lambda: tf.glorot_normal_initializer(4), {"seed": 4, "dtype": "float32"}),
        (
            lambda: tf.initializers.he_normal(),
            {"scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal", "seed": None, "dtype": "float32"},
        ),
        (lambda: tf.orthogonal_initializer(2.0), {"gain": 2.0, "seed": None, "dtype": "float32"}),
        (lambda: tf.initializers.identity(), {"gain": 1.0, "dtype": "float32"}),
    ],
)
def test_configurations(initializer: Any, config: dict[str, Any]) -> None:
    made = initializer()
    assert made.get_config() == config
    assert type(made).from_config(config).get_config() == config


def test_parts_of_a_variable_are_scaled_by_the_whole() -> None:
    with tf.Graph().as_default() as graph:
        part = PartitionInfo([8, 4], [4, 0])
        tf.glorot_uniform_initializer()([4, 4], partition_info=part)
        limit = graph.get_operation_by_name("random_uniform/max").attrs["value"]
        assert limit == np.float32((3.0 / 6.0) ** 0.5)
        assert tf.initializers.identity()([4, 4], partition_info=part).op.inputs[1].op.type == "Slice"


def test_disabled_regularizers() -> None:
    assert tf.contrib.layers.l2_regularizer(0.0)(3) is None
    assert tf.contrib.layers.sum_regularizer([None]) is None
    assert tf.no_regularizer(3) is None


def test_keras_names() -> None:
    initializers, regularizers = tf.keras.initializers, tf.keras.regularizers
    assert initializers.get("he_normal").get_config()["scale"] == 2.0
    assert initializers.get("uniform").get_config()["maxval"] == 0.05
    assert initializers.get(None) is None
    written = initializers.serialize(initializers.RandomNormal(seed=3))
    assert written == {
        "class_name": "RandomNormal",
        "config": {"mean": 0.0, "stddev": 0.05, "seed": 3, "dtype": "float32"},
    }
    assert initializers.get(written).seed == 3
    assert regularizers.get("l1_l2").get_config() == pytest.approx({"l1": 0.01, "l2": 0.01})
    with pytest.raises(ValueError, match="Could not interpret initializer identifier: 3"):
        initializers.get(3)
    with pytest.raises(ValueError, match="Unknown initializer:foo"):
        initializers.get("foo")
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier:"):
        regularizers.get(5)


def test_keras_regularizers() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.constant([[1.0, -2.0]])
        penalty = tf.keras.regularizers.l1_l2(0.5, 0.25)(weights)
        assert (penalty.op.type, session.run(penalty)) == ("AddV2", 2.75)
        assert session.run(tf.keras.regularizers.l2(0.0)(weights)) == 0.0
