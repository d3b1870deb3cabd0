"""What TF 1.15 says about eager execution and TF 2 behaviour when a program asks: graphs, and nothing else.

Turning TF 2 behaviour off is what already is; turning it on raises.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

from retrograph.framework import errors
from retrograph.framework.default_graph import executing_eagerly, get_default_graph, init_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor

__all__ = ["executing_eagerly", "init_scope"]

GRAPH_MODE, EAGER_MODE = 0, 1
SYNC, ASYNC = 0, 1
DEVICE_PLACEMENT_EXPLICIT, DEVICE_PLACEMENT_WARN, DEVICE_PLACEMENT_SILENT = 0, 1, 2
DEVICE_PLACEMENT_SILENT_FOR_INT32 = 3


class EagerTensor(Tensor):
    """The tensors of eager execution, for `isinstance`: there are none."""

    __slots__ = ()


def enabled() -> bool:
    """False: this is TF 1 (`tensorflow.python.tf2.enabled`)."""
    return False


def in_eager_mode() -> bool:
    """False: operations go into graphs."""
    return False


def in_graph_mode() -> bool:
    """True: operations go into graphs."""
    return True


def _refuse(what: str) -> errors.OpError:
    error: errors.OpError = errors.UnimplementedError(
        None,
        None,
        f"{what}: Retrograph runs graphs as TensorFlow 1 does; eager execution and TF 2 behaviour are no part of it.",
    )
    return error


@contextlib.contextmanager
def graph_mode() -> Iterator[None]:
    """A block in graph mode, as everywhere."""
    yield


@contextlib.contextmanager
def eager_mode() -> Iterator[None]:
    """Raises UnimplementedError: there is no eager mode."""
    raise _refuse("eager_mode")
    yield


def _not_callable(what: str) -> Any:
    """A decorator whose functions cannot be called: files define such functions beside what they are about."""

    def decorator(func: Any = None, *_: Any, **__: Any) -> Any:
        def decorate(_: Any) -> Any:
            def refuse(*args: Any, **kwargs: Any) -> Any:
                raise _refuse(what)

            return refuse

        return decorate(func) if callable(func) else decorate

    return decorator


class ExecutionCallback(enum.Enum):
    """What eager execution does about bad values; there is none here."""

    IGNORE = "ignore"
    PRINT = "print"
    RAISE = "raise"
    WARN = "warn"


@contextlib.contextmanager
def errstate(inf_or_nan: Any = None) -> Iterator[None]:
    """Raises UnimplementedError: it is about eager execution."""
    raise _refuse("errstate")
    yield


def defun(func: Any = None, input_signature: Any = None, **options: Any) -> Any:
    """`tf.function`: the function's operations are made where it is called."""
    from retrograph.ops.inlined_function import function

    return function(func, input_signature)


def defun_with_attributes(func: Any = None, input_signature: Any = None, attributes: Any = None, **options: Any) -> Any:
    """`tf.function`; attributes of a function that is inlined have no meaning."""
    return defun(func, input_signature)


function = defun
wrap_function = _not_callable("tf.wrap_function")


class _Context:
    """What `tensorflow.python.eager.context.context()` gives a program that only asks."""

    summary_writer = None
    summary_recording = None
    summary_step = None
    device_name = ""
    device_spec = None

    def executing_eagerly(self) -> bool:
        """False."""
        return False

    in_eager_mode = executing_eagerly

    def num_gpus(self) -> int:
        """How many accelerators there are."""
        from retrograph.platform.devices import _gpus

        return len(_gpus())

    @property
    def config(self) -> Any:
        """A ConfigProto."""
        from retrograph._namespace import resolve

        return resolve("", "ConfigProto")()


_CONTEXT = _Context()


def context() -> _Context:
    """The one context."""
    return _CONTEXT


def context_safe() -> _Context:
    """The one context."""
    return _CONTEXT


def num_gpus() -> int:
    """How many accelerators there are."""
    return _CONTEXT.num_gpus()


def set_global_seed(seed: Any) -> None:
    """Sets the seed of the default graph."""
    get_default_graph().seed = seed


def _off(name: str) -> Any:
    def nothing() -> None:
        pass

    nothing.__name__ = nothing.__qualname__ = name
    nothing.__doc__ = f"Nothing to do: it is off. Source: TF 1.15 `tf.{name}`."
    return export(name)(nothing)


def _on(name: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise _refuse(f"tf.{name}")

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raises UnimplementedError. Source: TF 1.15 `tf.{name}`."
    return export(name)(refuse)


disable_eager_execution = _off("disable_eager_execution")
disable_v2_behavior = _off("disable_v2_behavior")
disable_v2_tensorshape = _off("disable_v2_tensorshape")
disable_control_flow_v2 = _off("disable_control_flow_v2")
disable_tensor_equality = _off("disable_tensor_equality")
enable_eager_execution = _on("enable_eager_execution")
enable_v2_behavior = _on("enable_v2_behavior")
enable_v2_tensorshape = _on("enable_v2_tensorshape")
enable_control_flow_v2 = _on("enable_control_flow_v2")
enable_tensor_equality = _on("enable_tensor_equality")


@export("control_flow_v2_enabled")
def control_flow_v2_enabled() -> bool:
    """False: control flow is Switch, Merge and their kin. Source: TF 1.15 `tf.control_flow_v2_enabled`."""
    return False
