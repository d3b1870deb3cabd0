"""What TensorFlow Hub takes of TensorFlow's inside: bases of columns, definitions of op types, paths as bytes."""

from __future__ import annotations

import collections
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

tf.install()


def module(name: str) -> Any:
    return importlib.import_module("tensorflow.python." + name)


def test_columns_derive_from_bases_by_both_names() -> None:
    older = module("feature_column.feature_column")._DenseColumn
    newer = module("feature_column.feature_column_v2").DenseColumn

    class Twice(older, newer, collections.namedtuple("Twice", ["key"])):  # type: ignore[misc]
        @property
        def name(self) -> str:
            return f"{self.key}_twice"

        parse_example_spec: Any = {}
        variable_shape = tf.TensorShape([1])

        def _transform_feature(self, inputs: Any) -> Any:
            return 2.0 * inputs.get(self.key)

        def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
            return inputs.get(self)

    plain = tf.feature_column.numeric_column("x")
    assert isinstance(plain, older)
    assert isinstance(plain, newer)
    assert isinstance(Twice("x"), older)
    assert not isinstance(plain, Twice)
    assert not isinstance(plain, module("feature_column.feature_column")._CategoricalColumn)
    with tf.Graph().as_default(), tf.Session() as sess:
        made = tf.feature_column.input_layer({"x": tf.constant([[1.0], [3.0]])}, [Twice("x")])
        np.testing.assert_array_equal(sess.run(made), [[2.0], [6.0]])


def test_definitions_of_op_types() -> None:
    registry = module("framework.op_def_registry")
    found = registry.get_registered_ops()
    assert found["VariableV2"].is_stateful
    assert not found["VariableV2"].input_arg
    assert [arg.name for arg in found["MatMul"].input_arg] == ["a", "b"]
    assert found.get("NoSuchOp") is None
    assert registry.get("NoSuchOp") is None
    assert registry.get("Add").name == "Add"
    assert len(found) == len(list(found)) > 1000
    registry.sync()


@pytest.mark.parametrize("as_given", [str, lambda path: str(path).encode()])
def test_variables_start_from_checkpoints_named_in_bytes(tmp_path: Path, as_given: Any) -> None:
    prefix = str(tmp_path / "variables")
    with tf.Graph().as_default(), tf.Session() as sess:
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        sess.run(tf.global_variables_initializer())
        tf.train.Saver([v], sharded=True).save(sess, prefix)
    with tf.Graph().as_default(), tf.Session() as sess:
        w = tf.get_variable("w", [2])
        tf.train.init_from_checkpoint(as_given(prefix), {"v": w})
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(w), [1.0, 2.0])
