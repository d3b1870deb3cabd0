"""`tensorflow.python.debug`: what programs take of tfdbg. The debugger itself is not there, and says so by name."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from retrograph.framework import errors

_INSTEAD = (
    "tfdbg needs TensorFlow's executor, which Retrograph does not have. To look at values, fetch them, use tf.Print or "
    "tf.py_func; to find NaN and infinity, use tf.add_check_numerics_ops or tf.check_numerics"
)


def _refuse(name: str) -> NoReturn:
    raise errors.UnimplementedError(None, None, f"tensorflow.python.debug.{name} is not supported: {_INSTEAD}.")


class _Debugger:
    """A class of tfdbg, which can be imported and subclassed, not made."""

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse(type(self).__name__)


class LocalCLIDebugWrapperSession(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.LocalCLIDebugWrapperSession`."""


class DumpingDebugWrapperSession(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.DumpingDebugWrapperSession`."""


class GrpcDebugWrapperSession(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.GrpcDebugWrapperSession`."""


class TensorBoardDebugWrapperSession(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.TensorBoardDebugWrapperSession`."""


class LocalCLIDebugHook(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.LocalCLIDebugHook`."""


class DumpingDebugHook(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.DumpingDebugHook`."""


class GrpcDebugHook(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.GrpcDebugHook`."""


class TensorBoardDebugHook(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.TensorBoardDebugHook`."""


class DebugDumpDir(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.DebugDumpDir`."""


class DebugTensorDatum(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.DebugTensorDatum`."""


class GradientsDebugger(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.GradientsDebugger`."""


class WatchOptions(_Debugger):
    """Refused. Source: TF 1.15 `tfdbg.WatchOptions`."""


def add_debug_tensor_watch(run_options: Any, node_name: str, *args: Any, **kwargs: Any) -> None:
    """Refused. Source: TF 1.15 `tfdbg.add_debug_tensor_watch`."""
    _refuse("add_debug_tensor_watch")


def watch_graph(run_options: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Refused. Source: TF 1.15 `tfdbg.watch_graph`."""
    _refuse("watch_graph")


def watch_graph_with_blacklists(run_options: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Refused. Source: TF 1.15 `tfdbg.watch_graph_with_blacklists`."""
    _refuse("watch_graph_with_blacklists")


def load_tensor_from_event(event: Any) -> Any:
    """Refused. Source: TF 1.15 `tfdbg.load_tensor_from_event`."""
    _refuse("load_tensor_from_event")


def load_tensor_from_event_file(event_file_path: str) -> Any:
    """Refused. Source: TF 1.15 `tfdbg.load_tensor_from_event_file`."""
    _refuse("load_tensor_from_event_file")


def reconstruct_non_debug_graph_def(debug_graph_def: Any) -> Any:
    """Refused. Source: TF 1.15 `tfdbg.reconstruct_non_debug_graph_def`."""
    _refuse("reconstruct_non_debug_graph_def")


def has_inf_or_nan(datum: Any, tensor: Any) -> bool:
    """Whether an array has elements that are infinite or not numbers. Source: TF 1.15 `tfdbg.has_inf_or_nan`."""
    if not isinstance(tensor, (np.ndarray, np.generic)):
        return False
    if not np.issubdtype(tensor.dtype, np.inexact):
        return False
    return not bool(np.all(np.isfinite(tensor)))
