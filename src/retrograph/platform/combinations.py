"""Combinations of test parameters (`tensorflow.python.framework.combinations`): a test for each, the graph-mode ones run."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any

from retrograph.framework.graph import Graph

Combination = dict[str, Any]


def combine(**kwargs: Any) -> list[Combination]:
    """Every choice of one value for each keyword; a value that is no list is the only one.

    >>> combine(b=[1, 2], a=3)
    [{'a': 3, 'b': 1}, {'a': 3, 'b': 2}]
    """
    names = sorted(kwargs)
    choices = [kwargs[name] if isinstance(kwargs[name], list) else [kwargs[name]] for name in names]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*choices)]


def times(*combined: list[Combination]) -> list[Combination]:
    """Every choice of one combination from each list; ValueError if two set the same keyword."""
    results = []
    for parts in itertools.product(*combined):
        merged: Combination = {}
        for part in parts:
            if set(merged) & set(part):
                raise ValueError(f"Keys need to not overlap: {merged.keys()} vs {part.keys()}")
            merged.update(part)
        results.append(merged)
    return results


class NamedObject:
    """An object with a name for tests; calls and attributes are the object's."""

    def __init__(self, name: str, obj: Any):
        self._name = name
        self._obj = obj

    def __getattr__(self, name: str) -> Any:
        return getattr(self._obj, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._obj(*args, **kwargs)

    def __iter__(self) -> Any:
        return iter(self._obj)

    def __repr__(self) -> str:
        return self._name


def _shown(value: Any, index: int) -> str:
    if isinstance(value, NamedObject):
        return repr(value)
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = str(value)
    return str(index) if " at 0x" in text else text


def _suffix(combination: Combination) -> str:
    pairs = ((key, _shown(value, index)) for index, (key, value) in enumerate(combination.items()))
    return "_test" + "".join("_" + "_".join("".join(filter(str.isalnum, part)) for part in pair) for pair in pairs)


def _in_graph_mode(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test with the parameters that it takes; skipped where the combination asks for more than graphs of TF 1."""
    wanted = inspect.signature(test).parameters

    def run(self: Any, **kwargs: Any) -> None:
        if kwargs.get("mode") == "eager" or kwargs.get("tf_api_version") == 2:
            self.skipTest("Skipping this combination: only graphs of TF 1 run")
        with Graph().as_default():
            test(self, **{key: value for key, value in kwargs.items() if key in wanted})

    run.__name__ = test.__name__
    return run


def generate(combinations: list[Combination], test_combinations: Any = ()) -> Callable[[Any], Any]:
    """A decorator that makes one test, or each test of a class, one test for each combination."""
    from absl.testing import parameterized

    named = [{**combination, "testcase_name": _suffix(combination)} for combination in combinations]

    def decorator(target: Any) -> Any:
        if not isinstance(target, type):
            return parameterized.named_parameters(*named)(_in_graph_mode(target))
        for name, test in list(vars(target).items()):
            if name.startswith("test") and inspect.isfunction(test):
                delattr(target, name)
                for case in named:
                    setattr(target, name + case["testcase_name"], _bound(test, case))
        return target

    return decorator


def _bound(test: Callable[..., Any], case: Combination) -> Callable[..., Any]:
    arguments = {key: value for key, value in case.items() if key != "testcase_name"}
    run = _in_graph_mode(test)
    return lambda self: run(self, **arguments)
