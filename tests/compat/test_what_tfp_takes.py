"""What TensorFlow Probability takes of TensorFlow's inside when it is imported and used."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import retrograph as tf

tf.install()


def module(name: str) -> Any:
    return importlib.import_module("tensorflow.python." + name)


def test_a_lazy_module_is_imported_at_its_first_use() -> None:
    held: dict[str, Any] = {}
    lazy = module("util.lazy_loader").LazyLoader("found", held, "fractions")
    assert not held
    assert lazy.Fraction(1, 2) == 0.5
    assert held["found"].__name__ == "fractions"
    assert "Fraction" in dir(lazy)
    with pytest.raises(AttributeError):
        _ = lazy.nothing


def test_rewriters_of_code_can_be_derived_but_not_made() -> None:
    class Rewriter(module("autograph.pyct.transformer").Base):  # type: ignore[misc]
        pass

    with pytest.raises(tf.errors.UnimplementedError, match="Rewriter is not supported: code is not rewritten"):
        Rewriter(None)


def test_constants_are_evaluated_by_the_name_of_the_c_interface() -> None:
    evaluate = module("pywrap_tensorflow").TF_TryEvaluateConstant_wrapper
    with tf.Graph().as_default() as graph:
        known, fed = tf.equal(tf.constant(2), 2), tf.placeholder(tf.bool, [])
        assert evaluate(graph._c_graph, known._as_tf_output()) == np.True_
        assert evaluate(graph._c_graph, fed._as_tf_output()) is None


def test_specs_that_batch() -> None:
    batchable = module("framework.type_spec").BatchableTypeSpec
    assert issubclass(tf.TensorSpec, batchable)
    assert issubclass(tf.SparseTensorSpec, batchable)
    assert issubclass(tf.RaggedTensorSpec, batchable)
    assert not issubclass(tf.IndexedSlicesSpec, batchable)
    with tf.Graph().as_default():
        (part,) = tf.TensorSpec([2])._to_batched_tensor_list(tf.ones([2]))
        assert part.shape.as_list() == [2]
        with pytest.raises(ValueError, match="insufficient rank for batching"):
            tf.TensorSpec([])._to_batched_tensor_list(tf.constant(1.0))
    with pytest.raises(NotImplementedError, match=r"BatchableTypeSpec\._batch"):
        batchable()._batch(2)


def test_inner_names_of_nest() -> None:
    nest = module("util.nest")
    assert nest._sequence_like((1, 2), [3, 4]) == (3, 4)
    assert list(nest._yield_value({"b": 1, "a": 2})) == [2, 1]
    assert not nest._is_namedtuple((1, 2))


class Given:
    """A value that converts to a tensor and goes through layers."""

    def __init__(self, value: Any):
        self._held = value

    @property
    def shape(self) -> Any:
        return self._held.shape

    @property
    def dtype(self) -> Any:
        return self._held.dtype


def test_values_of_registered_classes_go_through_layers() -> None:
    utils = module("keras.utils.tf_utils")
    assert not utils.is_symbolic_tensor(Given(None))
    tf.register_tensor_conversion_function(Given, lambda value, dtype=None, name=None, as_ref=False: value._held)
    utils.register_symbolic_tensor_type(Given)
    with tf.Graph().as_default(), tf.Session() as sess:
        inputs = tf.keras.Input((2,))
        given = tf.keras.layers.Lambda(lambda x: Given(2 * x))(inputs)
        assert utils.are_all_symbolic_tensors([inputs, given])
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(1, kernel_initializer="ones")(given))
        sess.run(tf.global_variables_initializer())
        np.testing.assert_allclose(sess.run(model.output, {inputs: [[1.0, 2.0]]}), [[6.0]])


def test_modules_hold_what_is_no_dependency_as_it_is() -> None:
    class Part(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.plain = self._no_dependency([1])
            self.wrapped = [1]

        @property
        def shape(self) -> Any:
            return tf.TensorShape([2, None])

    part = Part()
    assert type(part.plain) is list
    assert type(part.wrapped).__name__ == "ListWrapper"
    part.shape = tf.TensorShape([2, None])  # the value that it has: nothing is set
    with pytest.raises(AttributeError):
        part.shape = tf.TensorShape([3])
