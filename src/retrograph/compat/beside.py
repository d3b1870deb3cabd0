"""Packages that stood beside `tensorflow` and held parts of it: `tensorflow_estimator`, `tensorflow_core`.

Their modules are those of `tensorflow` by the rest of the path; modules of estimators that TensorFlow had under no path
of its own hold the public names of `tf.estimator`.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from retrograph.compat import resolve

_PACKAGES = ("tensorflow_estimator", "tensorflow_core")
_ESTIMATORS = "tensorflow_estimator.python.estimator"
# The modules of estimators, those in a package after its name.
_MODULES = {
    "": "early_stopping estimator estimator_lib exporter extenders gc keras mode_keys model_fn run_config training util",
    "canned": "baseline boosted_trees dnn dnn_linear_combined head kmeans linear metric_keys optimizers parsing_utils "
    "prediction_keys rnn",
    "export": "export export_lib export_output function",
    "head": "base_head binary_class_head head_utils multi_class_head multi_head multi_label_head regression_head "
    "sequential_head",
    "hooks": "basic_session_run_hooks hooks session_run_hook",
    "inputs": "inputs numpy_io pandas_io",
    "inputs.queues": "feeding_functions feeding_queue_runner",
    "tpu": "error_handling tpu_config tpu_context tpu_estimator util",
    "api": "",
    "api._v1": "",
    "api._v1.estimator": "export experimental inputs tpu",
}
_PATHS = {_ESTIMATORS} | {
    ".".join(part for part in (_ESTIMATORS, package, name) if part)
    for package, names in _MODULES.items()
    for name in ("", *names.split())
}


def _known(path: str) -> str | None:
    """The module of `tensorflow` that a path means, if there is one."""
    same = "tensorflow" + path[len(path.partition(".")[0]) :]
    return same if resolve.is_module(same) else None


def _is_module(path: str) -> bool:
    return path in _PATHS or _known(path) is not None


def _homes(path: str) -> Iterator[str]:
    same = _known(path)
    if same:
        yield same
    if path in _PATHS:
        yield from ("tensorflow.python.estimator", "tensorflow.estimator", "tensorflow.contrib.estimator")


class _Beside(ModuleType):
    def __getattr__(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        if _is_module(path):
            return importlib.import_module(path)
        found = (resolve.find(home, name) for home in _homes(self.__name__))
        value = next((value for value in found if value is not resolve.MISSING), resolve.MISSING)
        if value is resolve.MISSING or name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        setattr(self, name, value)
        return value


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Beside(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: names are looked up when asked for."""


class Finder(importlib.abc.MetaPathFinder):
    """Finds the packages beside `tensorflow`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of such a module; None for any other."""
        if fullname.partition(".")[0] not in _PACKAGES:
            return None
        if not _is_module(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, _Loader(), is_package=True)
