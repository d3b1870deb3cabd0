"""`PForTestCase` (`tensorflow.python.ops.parallel_for.test_util`): tests that compare `pfor` with `for_loop`."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import nest
from retrograph.ops.parallel_for import for_loop, pfor
from retrograph.platform.test_case import TensorFlowTestCase


class PForTestCase(TensorFlowTestCase):
    """A test case that compares two ways to compute the same."""

    def _run_targets(self, targets1: Any, targets2: Any = None, run_init: bool = True) -> Any:
        first, second = nest.flatten(targets1), [] if targets2 is None else nest.flatten(targets2)
        assert not second or len(first) == len(second)
        if run_init:
            self.evaluate(tf.global_variables_initializer())
        return self.evaluate(first + second)

    def run_and_assert_equal(self, targets1: Any, targets2: Any) -> None:
        """Fails unless all values of both are nearly equal."""
        values = nest.flatten(self._run_targets(targets1, targets2))
        half = len(values) // 2
        for one, other in zip(values[half:], values[:half], strict=True):
            if np.asarray(one).dtype == object:
                self.assertAllEqual(one, other)
            else:
                self.assertAllClose(one, other, rtol=1e-4, atol=1e-5)

    def _test_loop_fn(
        self, loop_fn: Any, iters: Any, loop_fn_dtypes: Any = tf.float32, parallel_iterations: int | None = None
    ) -> None:
        at_once = pfor(loop_fn, iters=iters, parallel_iterations=parallel_iterations)
        in_turn = for_loop(loop_fn, loop_fn_dtypes, iters=iters, parallel_iterations=parallel_iterations)
        self.run_and_assert_equal(at_once, in_turn)
