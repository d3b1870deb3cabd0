"""`tf.function` in a graph: the function's operations are made where it is called."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import errors
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export


class InlinedFunction:
    """A Python function whose calls make its operations in the current graph; arrays become constants."""

    def __init__(self, python_function: Callable[..., Any], input_signature: Any = None):
        functools.update_wrapper(self, python_function)
        self.python_function = python_function
        self.input_signature = input_signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives for these arguments."""
        taken = [_as_argument(a) for a in args]
        return self.python_function(*taken, **{k: _as_argument(v) for k, v in kwargs.items()})

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """Raises UnimplementedError: there are no function graphs here."""
        raise errors.UnimplementedError(
            None, None, "tf.function: get_concrete_function is not supported; functions are inlined into the graph"
        )


def _as_argument(value: Any) -> Any:
    return convert_to_tensor(value) if isinstance(value, (np.ndarray, np.generic)) else value


@export("function", "contrib.eager.function", "contrib.eager.defun")
def function(
    func: Callable[..., Any] | None = None, input_signature: Any = None, autograph: bool = True, experimental_autograph_options: Any = None,
    experimental_relax_shapes: bool = False, experimental_compile: bool | None = None,
) -> Any:  # fmt: skip
    """Makes a function of `func`, also as a decorator.

    Differs: its operations are inlined at each call, without a function of their own, and Python's `if` and `while` are not
    turned into graph operations. Source: TF 1.15 `tf.function`.
    """
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    return InlinedFunction(func, input_signature)
