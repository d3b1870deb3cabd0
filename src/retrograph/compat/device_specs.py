"""`tensorflow.python.framework.device_spec`: specs that change and, as TF 2 has them, specs that do not."""

from __future__ import annotations

from typing import Any

from retrograph.framework.device import DeviceSpec

DeviceSpecV1 = DeviceSpec
_FIELDS = ("job", "replica", "task", "device_type", "device_index")


class DeviceSpecV2(DeviceSpec):
    """A (possibly partial) device name that cannot be changed."""

    def __init__(self, *args: Any, **kwargs: Any):
        made = DeviceSpec(*args, **kwargs)
        for field in _FIELDS:
            object.__setattr__(self, field, getattr(made, field))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("can't set attribute")

    @staticmethod
    def from_string(spec: str) -> DeviceSpecV2:
        """The spec that a string names."""
        return _of(DeviceSpec.from_string(spec))

    def parse_from_string(self, spec: str) -> DeviceSpecV2:
        """The spec that a string names."""
        return self.from_string(spec)

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpecV2:
        """A new spec: this one's fields, overridden by those that `dev` has."""
        return _of(DeviceSpec(*(getattr(self, f) for f in _FIELDS)).make_merged_spec(dev))

    def replace(self, **kwargs: Any) -> DeviceSpecV2:
        """A new spec with some fields replaced."""
        return DeviceSpecV2(**{**{f: getattr(self, f) for f in _FIELDS}, **kwargs})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpecV2) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())


def _of(spec: DeviceSpec) -> DeviceSpecV2:
    return DeviceSpecV2(*(getattr(spec, f) for f in _FIELDS))


def check_valid(spec: str) -> None:
    """Raises ValueError for a string that names no device."""
    DeviceSpec.from_string(spec)
