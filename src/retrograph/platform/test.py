"""`tf.test` beside `TestCase`: running tests, folders, gradients."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any
from unittest import mock

from retrograph.framework.exports import EXPORTS, export
from retrograph.platform.benchmark import Benchmark, benchmark_config
from retrograph.platform.devices import (
    gpu_device_name,
    is_built_with_cuda,
    is_built_with_gpu_support,
    is_built_with_rocm,
    is_gpu_available,
)
from retrograph.platform.gradient_check import compute_gradient, compute_gradient_error
from retrograph.platform.test_case import TensorFlowTestCase as TestCase
from retrograph.platform.test_util import assert_equal_graph_def, create_local_cluster

__all__ = [
    "Benchmark",
    "StubOutForTesting",
    "TestCase",
    "assert_equal_graph_def",
    "benchmark_config",
    "compute_gradient",
    "compute_gradient_error",
    "create_local_cluster",
    "gpu_device_name",
    "is_built_with_cuda",
    "is_built_with_gpu_support",
    "is_built_with_rocm",
    "is_gpu_available",
    "mock",
]
EXPORTS["test.mock"] = f"{__name__}:mock"
_TEMP_DIR: list[str] = []


@export("test.main")
def main(argv: list[str] | None = None) -> None:
    """Runs the tests of the calling script and exits. Source: TF 1.15 `tf.test.main`."""
    from absl.testing import absltest

    absltest.main(argv=sys.argv if argv is None else argv)


@export("test.get_temp_dir")
def get_temp_dir() -> str:
    """A folder for the tests of this process. Source: TF 1.15 `tf.test.get_temp_dir`."""
    if not _TEMP_DIR:
        root = os.environ.get("TEST_TMPDIR")
        if root:
            os.makedirs(root, exist_ok=True)
        _TEMP_DIR.append(tempfile.mkdtemp(dir=root))
    return _TEMP_DIR[0]


GetTempDir = get_temp_dir


@export("test.test_src_dir_path")
def test_src_dir_path(relative_path: str) -> str:
    """`relative_path` below the folder of test sources. Source: TF 1.15 `tf.test.test_src_dir_path`."""
    root = os.environ.get("TEST_SRCDIR", ".")
    return os.path.join(root, "org_tensorflow/tensorflow", relative_path)


test_src_dir_path.__test__ = False  # type: ignore[attr-defined]
main.__test__ = False  # type: ignore[attr-defined]


@export("test.StubOutForTesting")
class StubOutForTesting:
    """Replaces attributes for a test and puts them back. Source: TF 1.15 `tf.test.StubOutForTesting`."""

    def __init__(self) -> None:
        self._saved: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> StubOutForTesting:
        return self

    def __exit__(self, *_: object) -> None:
        self.CleanUp()

    def __del__(self) -> None:
        self.CleanUp()

    def CleanUp(self) -> None:
        """Puts everything back."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:
        """Replaces an attribute until `UnsetAll`."""
        own = vars(parent).get(child_name)
        saved = own if isinstance(own, (staticmethod, classmethod)) else getattr(parent, child_name)
        self._saved.append((parent, child_name, saved))
        setattr(parent, child_name, new_child)

    SmartSet = Set

    def UnsetAll(self) -> None:
        """Puts back what `Set` replaced."""
        while self._saved:
            setattr(*self._saved.pop())

    SmartUnsetAll = UnsetAll
