"""`tensorflow.contrib.rnn.python.kernel_tests.benchmarking`: timing of one operation."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any

from retrograph.framework.default_graph import device as graph_device


def device(use_gpu: bool = False) -> Any:
    """Operations of the block go to the GPU or the CPU."""
    return graph_device("/gpu:0" if use_gpu else "/cpu:0")


def seconds_per_run(op: Any, sess: Any, num_runs: int = 50) -> float:
    """The mean time of `sess.run(op)` after two runs that are not counted."""
    for _ in range(2):
        sess.run(op)
    start = time.time()
    for _ in range(num_runs):
        sess.run(op)
    return (time.time() - start) / num_runs


def dict_product(dicts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every choice of one value for each key."""
    for values in itertools.product(*dicts.values()):
        yield dict(zip(dicts, values, strict=True))
