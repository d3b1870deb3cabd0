"""Device names: `DeviceSpec`, and how nested `tf.device` blocks merge."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from retrograph.framework.exports import export

_TYPES = frozenset(("CPU", "GPU", "TPU", "CUSTOM", "EPU"))
_FIELDS = ("job", "replica", "task", "device_type", "device_index")


@export("DeviceSpec")
class DeviceSpec:
    """A (possibly partial) device name.

    >>> tf.DeviceSpec(job="ps", task=2, device_type="GPU", device_index=1).to_string()
    '/job:ps/task:2/device:GPU:1'

    Source: TF 1.15 `tf.DeviceSpec`.
    """

    def __init__(
        self,
        job: str | None = None,
        replica: Any = None,
        task: Any = None,
        device_type: str | None = None,
        device_index: Any = None,
    ):
        self.job = job
        self.replica = None if replica is None else int(replica)
        self.task = None if task is None else int(task)
        self.device_type = device_type.upper() if device_type in ("cpu", "gpu") else device_type
        self.device_index = None if device_index is None else int(device_index)

    def _clear(self) -> None:
        self.job = self.replica = self.task = self.device_type = self.device_index = None

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Replaces this spec by what `spec` says; ValueError for a part that is not known."""
        self._clear()
        for part in spec.split("/"):
            self._take_part(part.split(":"), spec)
        return self

    def _take_part(self, words: list[str], spec: str) -> None:
        if len(words) == 2 and words[0] == "job":
            self.job = words[1]
        elif len(words) == 2 and words[0] in ("replica", "task"):
            setattr(self, words[0], int(words[1]))
        elif len(words) in (1, 2) and words[0].upper() in _TYPES:
            self._take_device(words[0].upper(), words[1] if len(words) == 2 else "*", spec)
        elif len(words) == 3 and words[0] == "device":
            self._take_device(words[1], words[2], spec)
        elif words[0] != "":
            raise ValueError(f"Unknown attribute: '{words[0]}' in '{spec}'")

    def _take_device(self, device_type: str, index: str, spec: str) -> None:
        if self.device_type is not None:
            raise ValueError(f"Cannot specify multiple device types: {spec}")
        self.device_type = device_type
        if index != "*":
            self.device_index = int(index)

    @staticmethod
    def from_string(spec: str) -> DeviceSpec:
        """The spec that a string names."""
        return DeviceSpec().parse_from_string(spec)

    def replace(self, **kwargs: Any) -> DeviceSpec:
        """A new spec with some fields replaced."""
        return type(self)(**{**{field: getattr(self, field) for field in _FIELDS}, **kwargs})

    def merge_from(self, dev: DeviceSpec) -> None:
        """Takes the fields that `dev` has."""
        for field in _FIELDS:
            value = getattr(dev, field)
            if value is not None:
                setattr(self, field, value)

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """A new spec: this one's fields, overridden by those that `dev` has."""
        merged = DeviceSpec(*(getattr(self, f) for f in _FIELDS))
        merged.merge_from(dev)
        return merged

    def to_string(self) -> str:
        """The canonical name."""
        parts = [f"/{f}:{getattr(self, f)}" for f in ("job", "replica", "task") if getattr(self, f) is not None]
        if self.device_type is not None:
            parts.append(f"/device:{self.device_type}:{'*' if self.device_index is None else self.device_index}")
        return "".join(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())


def canonical_name(device: Any) -> str:
    """The canonical name of a device given by name or spec; '' for None."""
    if device is None:
        return ""
    return device.to_string() if isinstance(device, DeviceSpec) else _canonical(device)


@lru_cache(maxsize=4096)
def _canonical(name: str) -> str:
    return DeviceSpec.from_string(name).to_string()


@lru_cache(maxsize=4096)
def _merged(outer: str, inner: str) -> str:
    return DeviceSpec.from_string(outer).make_merged_spec(DeviceSpec.from_string(inner)).to_string()


class MergeDevice:
    """A `tf.device` argument that names a device: fields set further inside win over it."""

    def __init__(self, spec: Any):
        self.name = canonical_name(DeviceSpec.from_string(spec) if not isinstance(spec, DeviceSpec) else spec)

    @property
    def is_null_merge(self) -> bool:
        """Whether it names nothing."""
        return not self.name

    def __call__(self, op: Any) -> str:
        return _merged(self.name, op.device or "")


def merge_names(outer: str, inner: str) -> str:
    """The device that `inner` names, completed by `outer`."""
    return _merged(outer, inner)


def merge_device(spec: Any) -> MergeDevice:
    """The device function that a name or spec stands for."""
    return spec if isinstance(spec, MergeDevice) else MergeDevice("" if spec is None else spec)


DeviceEntry = MergeDevice | Callable[[Any], Any] | None


def as_device_entry(device_name_or_function: Any) -> DeviceEntry:
    """What a `tf.device` block puts on the graph's device stack."""
    if device_name_or_function is None or isinstance(device_name_or_function, MergeDevice):
        return device_name_or_function
    if callable(device_name_or_function) and not isinstance(device_name_or_function, DeviceSpec):
        return device_name_or_function  # type: ignore[no-any-return]
    return MergeDevice(device_name_or_function)


def _string_of(device: Any) -> str:
    if isinstance(device, DeviceSpec):
        return device.to_string()
    if isinstance(device, bytes):
        return device.decode()
    if not isinstance(device, str):
        raise TypeError(f"Expected binary or unicode string, got {device!r}")
    return device


def apply_device_stack(op: Any, stack: tuple[DeviceEntry, ...]) -> None:
    """Sets the device of a new operation from the open blocks, innermost (last) first; None hides those outside it."""
    for entry in reversed(stack):
        if entry is None:
            return
        if isinstance(entry, MergeDevice) and entry.is_null_merge:
            continue
        op._device = _string_of(entry(op))
