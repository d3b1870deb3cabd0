"""`tensorflow.python.client.device_lib`: the devices of this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DeviceAttributes:
    """One device: `name` such as `/device:GPU:0`, `device_type` CPU or GPU, `memory_limit` in bytes."""

    name: str
    device_type: str
    memory_limit: int
    physical_device_desc: str


def _accelerator(index: int, device: Any) -> DeviceAttributes:
    stats = device.memory_stats() or {}
    kind = str(device.device_kind)
    return DeviceAttributes(
        f"/device:GPU:{index}", "GPU", int(stats.get("bytes_limit", 0)), f"device: {index}, name: {kind}"
    )


def list_local_devices(session_config: Any = None) -> list[DeviceAttributes]:
    """The CPU, then each accelerator that JAX has."""
    from retrograph.platform.devices import _gpus

    return [
        DeviceAttributes("/device:CPU:0", "CPU", 268435456, ""),
        *(_accelerator(index, device) for index, device in enumerate(_gpus())),
    ]
