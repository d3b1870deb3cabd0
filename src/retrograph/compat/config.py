"""`tf.config`: settings of the process. Those that can have an effect here are kept, the others raise by name."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.runtime import config

_values = config.process_settings


def _setting(key: str, default: Any, getter: str, setter: str, parameter: str, what: str) -> tuple[Any, Any]:
    """A pair of functions that read and write a value of the process."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(parameter, kind)])

    def get() -> Any:
        found = _values.get(key)
        return default if found is None else found

    def put(*args: Any, **kwargs: Any) -> None:
        _values[key] = signature.bind(*args, **kwargs).arguments[parameter]

    put.__signature__ = signature  # type: ignore[attr-defined]
    for function, symbol, doc in ((get, getter, f"{what[0].upper()}{what[1:]}."), (put, setter, f"Sets: {what}.")):
        function.__name__ = function.__qualname__ = symbol.rpartition(".")[2]
        function.__doc__ = f"{doc}\n\nSessions without a config of their own take it. Source: TF 1.15 `tf.{symbol}`."
    return export(getter)(get), export(setter)(put)


get_inter_op_parallelism_threads, set_inter_op_parallelism_threads = _setting(
    "inter_op_parallelism_threads",
    0,
    "config.threading.get_inter_op_parallelism_threads",
    "config.threading.set_inter_op_parallelism_threads",
    "num_threads",
    "how many operations run side by side; kept, without effect: XLA has its own threads",
)
get_intra_op_parallelism_threads, set_intra_op_parallelism_threads = _setting(
    "intra_op_parallelism_threads",
    0,
    "config.threading.get_intra_op_parallelism_threads",
    "config.threading.set_intra_op_parallelism_threads",
    "num_threads",
    "how many threads an operation has; kept, without effect: XLA has its own threads",
)
get_soft_device_placement, set_soft_device_placement = _setting(
    "allow_soft_placement",
    False,
    "config.get_soft_device_placement",
    "config.set_soft_device_placement",
    "enabled",
    "whether operations of devices that are not there may go to another",
)
get_log_device_placement, set_log_device_placement = _setting(
    "log_device_placement",
    False,
    "debugging.get_log_device_placement",
    "debugging.set_log_device_placement",
    "enabled",
    "whether the devices of operations are printed",
)
get_jit, set_jit = _setting(
    "jit",
    False,
    "config.optimizer.get_jit",
    "config.optimizer.set_jit",
    "enabled",
    "whether graphs go through XLA; kept, without effect: all graphs do",
)


@export("config.optimizer.get_experimental_options")
def get_experimental_options() -> dict[str, Any]:
    """The options of the graph optimizer that were set, and the two that always have a value.

    Source: TF 1.15 `tf.config.optimizer.get_experimental_options`.
    """
    options = {name: _values.get(name) for name in (*config.REWRITE_TOGGLES, *config.REWRITE_VALUES)}
    always = {"disable_model_pruning": False, "disable_meta_optimizer": False}
    return always | {name: value for name, value in options.items() if value is not None}


@export("config.optimizer.set_experimental_options")
def set_experimental_options(options: dict[str, Any]) -> None:
    """Keeps options of the graph optimizer; they have no effect: XLA optimizes. Names that it has none of are left out.

    Source: TF 1.15 `tf.config.optimizer.set_experimental_options`.
    """
    known = (*config.REWRITE_TOGGLES, *config.REWRITE_VALUES)
    _values.update({name: value for name, value in dict(options).items() if name in known})


get_optimizer_jit, set_optimizer_jit = get_jit, set_jit
get_optimizer_experimental_options = get_experimental_options
set_optimizer_experimental_options = set_experimental_options


class PhysicalDevice(NamedTuple):
    """A device of this machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device of this process."""

    name: str
    device_type: str


def _devices(prefix: str, make: Any, device_type: str | None) -> list[Any]:
    from retrograph.runtime.devices import available

    found = [make(prefix + d.name.rpartition("/")[2], d.device_type) for d in available()]
    return [d for d in found if device_type in (None, d.device_type)]


@export("config.experimental.list_physical_devices")
def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of this machine, all or those of a type.

    Source: TF 1.15 `tf.config.experimental.list_physical_devices`.
    """
    return _devices("/physical_", PhysicalDevice, device_type)


@export("config.experimental.list_logical_devices")
def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices of this process, all or those of a type.

    Source: TF 1.15 `tf.config.experimental.list_logical_devices`.
    """
    return _devices("/", LogicalDevice, device_type)


@export("config.experimental_list_devices")
def experimental_list_devices() -> list[str]:
    """The names of the devices of this process.

    Source: TF 1.15 `tf.config.experimental_list_devices`.
    """
    from retrograph.runtime.devices import available

    return [device.name for device in available()]


@export("config.experimental.get_visible_devices")
def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """All devices of this machine, or those of a type: none can be hidden.

    Source: TF 1.15 `tf.config.experimental.get_visible_devices`.
    """
    return list_physical_devices(device_type)


@export("config.experimental.get_memory_growth")
def get_memory_growth(device: Any) -> bool:
    """What `set_memory_growth` said.

    Source: TF 1.15 `tf.config.experimental.get_memory_growth`.
    """
    return bool(_values.get(("growth", device), False))


@export("config.experimental.set_memory_growth")
def set_memory_growth(device: Any, enable: bool) -> None:
    """Keeps whether memory of a device is taken as needed; no effect: XLA_PYTHON_CLIENT_PREALLOCATE says so to JAX.

    Raises ValueError for a CPU. Source: TF 1.15 `tf.config.experimental.set_memory_growth`.
    """
    if device.device_type != "GPU":
        raise ValueError("Cannot set memory growth on non-GPU devices")
    _values["growth", device] = enable


def _refused(symbol: str, reason: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise errors.UnimplementedError(None, None, f"tf.{symbol} is not supported: {reason}")

    refuse.__name__ = refuse.__qualname__ = symbol.rpartition(".")[2]
    refuse.__doc__ = f"Raises UnimplementedError: {reason}.\n\nSource: TF 1.15 `tf.{symbol}`."
    return export(symbol)(refuse)


_ONE_PROCESS = "there is one process"
_NO_EAGER = "graphs are run, nothing is executed eagerly"
_OWN_DEVICES = "JAX decides about devices"
experimental_connect_to_cluster = _refused("config.experimental_connect_to_cluster", _ONE_PROCESS)
experimental_connect_to_host = _refused("config.experimental_connect_to_host", _ONE_PROCESS)
experimental_run_functions_eagerly = _refused("config.experimental_run_functions_eagerly", _NO_EAGER)
set_visible_devices = _refused("config.experimental.set_visible_devices", _OWN_DEVICES)
get_virtual_device_configuration = _refused("config.experimental.get_virtual_device_configuration", _OWN_DEVICES)
set_virtual_device_configuration = _refused("config.experimental.set_virtual_device_configuration", _OWN_DEVICES)
get_device_policy = _refused("config.experimental.get_device_policy", _NO_EAGER)
set_device_policy = _refused("config.experimental.set_device_policy", _NO_EAGER)
get_synchronous_execution = _refused("config.experimental.get_synchronous_execution", _NO_EAGER)
set_synchronous_execution = _refused("config.experimental.set_synchronous_execution", _NO_EAGER)
_AUTOGRAPH = "code is not rewritten; use tf.cond and tf.while_loop"
to_graph = _refused("autograph.to_graph", _AUTOGRAPH)
to_code = _refused("autograph.to_code", _AUTOGRAPH)
set_loop_options = _refused("autograph.experimental.set_loop_options", _AUTOGRAPH)
load_library = _refused("load_library", "kernels of TensorFlow cannot be loaded")
load_op_library = _refused("load_op_library", "kernels of TensorFlow cannot be loaded")
load_file_system_library = _refused("load_file_system_library", "kernels of TensorFlow cannot be loaded")
nondifferentiable_batch_function = _refused("nondifferentiable_batch_function", "it is for servers")
function_executor_type = _refused("experimental.function_executor_type", _NO_EAGER)
output_all_intermediates = _refused("experimental.output_all_intermediates", _NO_EAGER)
compile = _refused("xla.experimental.compile", "every graph is compiled by XLA")


wrap_function = _refused("wrap_function", "functions are inlined into graphs")


@export("xla.experimental.jit_scope")
@contextmanager
def jit_scope(compile_ops: Any = True, separate_compiled_gradients: bool = False) -> Iterator[None]:
    """A block; every graph is compiled by XLA anyway. Source: TF 1.15 `tf.xla.experimental.jit_scope`."""
    yield


@export("autograph.experimental.Feature")
class Feature(enum.Enum):
    """Parts of AutoGraph, by name only. Source: TF 1.15 `tf.autograph.experimental.Feature`."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"


@export("autograph.experimental.do_not_convert")
def do_not_convert(func: Any = None) -> Any:
    """The function as it is: none is converted.

    Source: TF 1.15 `tf.autograph.experimental.do_not_convert`.
    """
    return func if func is not None else lambda function: function


@export("autograph.set_verbosity")
def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Nothing to do: there is nothing to be said. Source: TF 1.15 `tf.autograph.set_verbosity`."""


@export("autograph.trace")
def trace(*args: Any) -> None:
    """Prints its arguments. Source: TF 1.15 `tf.autograph.trace`."""
    print(*args)


class Base:
    """What rewrites of Python code are derived from, as a name only: libraries derive from it when they are imported.

    Raises UnimplementedError when one is made. Source: TF 1.15 `tensorflow.python.autograph.pyct.transformer.Base`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise errors.UnimplementedError(None, None, f"{type(self).__name__} is not supported: {_AUTOGRAPH}.")
