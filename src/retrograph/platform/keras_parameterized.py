"""Tests of layers and models in several forms (`tensorflow.python.keras.keras_parameterized`); those in graphs run."""

from __future__ import annotations

import functools
import unittest
from collections.abc import Callable, Iterable
from typing import Any

from absl.testing import parameterized

import retrograph as tf
from retrograph.platform import keras_testing
from retrograph.platform.test_case import TensorFlowTestCase

_MODEL_TYPES = ("functional", "subclass", "sequential")
_EAGER_MODES = ("v2_function", "v2_funcgraph", "v2_eager")


class TestCase(TensorFlowTestCase, parameterized.TestCase):  # type: ignore[misc]
    """A test case after which Keras has forgotten its names and graphs."""

    def tearDown(self) -> None:
        """Forgets them."""
        tf.keras.backend.clear_session()
        super().tearDown()


def _decorated(test_or_class: Any, decorate: Callable[[Any], Any]) -> Any:
    """`decorate` for a test, for all tests of a class, or for tests that have parameters already; later, if for None."""
    if test_or_class is None:
        return functools.partial(_decorated, decorate=decorate)
    if isinstance(test_or_class, Iterable) and not isinstance(test_or_class, type):
        return [made for test in test_or_class for made in decorate(test)]
    if not isinstance(test_or_class, type):
        return decorate(test_or_class)
    members = dict(vars(test_or_class))
    for name, value in members.items():
        if callable(value) and name.startswith(unittest.TestLoader.testMethodPrefix):
            members[name] = decorate(value)
    # Made anew, so that the metaclass makes a test for each parameter.
    kind = type(test_or_class)
    return kind.__new__(kind, test_or_class.__name__, test_or_class.__bases__, members)


def _for_each(names: Iterable[str], run: Callable[..., None]) -> Callable[[Any], Any]:
    def decorate(test: Any) -> Any:
        @parameterized.named_parameters(*((f"_{name}", name) for name in names))  # type: ignore[untyped-decorator]
        @functools.wraps(test)
        def decorated(self: Any, name: str, *args: Any, **kwargs: Any) -> None:
            run(name, functools.partial(test, self, *args, **kwargs), self)

        return decorated

    return decorate


def run_with_all_model_types(test_or_class: Any = None, exclude_models: Any = None) -> Any:
    """A decorator: a test, or each test of a class, for functional, subclassed and sequential models.

    Source: TF 1.15 `keras_parameterized.run_with_all_model_types`.
    """
    excluded = (exclude_models,) if isinstance(exclude_models, str) else tuple(exclude_models or ())

    def run(name: str, test: Callable[[], None], case: Any) -> None:
        with keras_testing.model_type_scope(name):
            test()

    return _decorated(test_or_class, _for_each([n for n in _MODEL_TYPES if n not in excluded], run))


def run_all_keras_modes(
    test_or_class: Any = None, config: Any = None, always_skip_v1: bool = False, always_skip_eager: bool = False
) -> Any:
    """A decorator: a test, or each test of a class, in a session; the tests that are to be run eagerly are skipped.

    Source: TF 1.15 `keras_parameterized.run_all_keras_modes`.
    """
    names = [*_EAGER_MODES[: 2 if always_skip_eager else 3], *(() if always_skip_v1 else ("v1_session",))]

    def run(name: str, test: Callable[[], None], case: Any) -> None:
        if name in _EAGER_MODES:
            case.skipTest("Retrograph runs graphs; eager execution is no part of it")
        with (
            keras_testing.run_eagerly_scope(False),
            keras_testing.experimental_run_tf_function_scope(False),
            case.test_session(use_gpu=True, config=config),
        ):
            test()

    return _decorated(test_or_class, _for_each(names, run))
