"""The devices that a session has, and whether operations can be put where the program asks."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from retrograph.framework import errors, frames
from retrograph.framework.device import DeviceSpec
from retrograph.framework.op_table import RECORDS
from retrograph.framework.operation import Operation


class DeviceAttributes(NamedTuple):
    """A device of a session."""

    name: str
    device_type: str
    memory_limit_bytes: int
    incarnation: int


# What TensorFlow says of every CPU.
_CPU_BYTES = 268_435_456


@cache
def _incarnation(name: str) -> int:
    """A number that tells this process's device from that of another: never zero."""
    return secrets.randbits(62) + 1


def available(config: Any = None) -> list[DeviceAttributes]:
    """The devices of this process, the CPU first; `device_count` of the config may ask for several CPUs."""
    from retrograph.framework.lazy_jax import jax

    count = max(1, (config.device_count.get("CPU", 1) if config is not None else 1))
    accelerators = [d for d in jax.local_devices() if d.platform != "cpu"]
    found = [("CPU", i, _CPU_BYTES) for i in range(count)] + [("GPU", i, 0) for i, _ in enumerate(accelerators)]
    named = [(f"/job:localhost/replica:0/task:0/device:{kind}:{i}", kind, size) for kind, i, size in found]
    return [DeviceAttributes(name, kind, size, _incarnation(name)) for name, kind, size in named]


def check_placement(ops: Iterable[Operation], config: Any, server: Any = None) -> None:
    """Raises InvalidArgumentError for an operation on a device that is not there, unless soft placement is allowed."""
    for op in ops:
        if op._device and not _placeable(op._device, config, server):
            raise _unplaceable(op)


def _placeable(device: str, config: Any, server: Any) -> bool:
    spec = DeviceSpec.from_string(device)
    job, task = (server.job, server.task) if server is not None else ("localhost", 0)
    if spec.job not in (None, job) or spec.task not in (None, task) or spec.replica not in (None, 0):
        return False
    if (
        config.allow_soft_placement
        or spec.device_type is None
        or (spec.device_type == "CPU" and spec.device_index in (None, 0))
    ):
        return True
    return any(
        d.device_type == spec.device_type and d.name.endswith(f":{spec.device_index or 0}") for d in available(config)
    )


def print_devices(config: Any) -> None:
    """Writes the accelerators that a session has, as TensorFlow does where `log_device_placement` is set."""
    named = [d.name for d in available(config) if d.device_type != "CPU"]
    lines = [f"{name} -> device: {name.rpartition(':')[2]}" for name in named]
    print("\n".join(["Device mapping:", *lines]) if lines else "Device mapping: no known devices.", flush=True)


def print_placement(ops: Iterable[Operation], config: Any) -> None:
    """Writes the device of every operation: those that take nothing (constants, placeholders) last, as in TensorFlow."""
    there = {(d.device_type, d.device_index): name for name in _names(config) for d in [DeviceSpec.from_string(name)]}
    for op in sorted(ops, key=_is_source):
        print(f"{op._name}: ({op.type}): {_device_of(op, there)}", flush=True)


def _names(config: Any) -> list[str]:
    return [d.name for d in available(config)]


def _is_source(op: Operation) -> bool:
    return not op.inputs and len(op.outputs) == 1 and not op.outputs[0].dtype._is_ref_dtype


def _device_of(op: Operation, there: dict[Any, str]) -> str:
    spec = DeviceSpec.from_string(op._device)
    record = RECORDS.get(op.type)
    on_host = spec.device_type == "CPU" or (record is not None and record.on_host(op))
    usual = there[("CPU", 0)] if on_host else there.get(("GPU", 0), there[("CPU", 0)])
    return there.get((spec.device_type, spec.device_index or 0), usual)


def _unplaceable(op: Operation) -> errors.OpError:
    names = ", ".join(d.name for d in available())
    gpu = " The requested device appears to be a GPU, but CUDA is not enabled." if "GPU" in op._device else ""
    text = (
        f"Cannot assign a device for operation {op._name}: node {op._name} (defined at {frames.defined_at(op._stack)})  was explicitly assigned to {op._device} but available "
        f"devices are [ {names} ]. Make sure the device specification refers to a valid device.{gpu}\n\t [[{op._name}]]"
    )
    return errors.InvalidArgumentError(op.node_def, op, text)  # type: ignore[no-any-return]
