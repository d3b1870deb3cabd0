"""Resources and files that objects hold, and who is told of those that are made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import retrograph as tf
from retrograph.framework.conversion import internal_convert_to_tensor, register_tensor_conversion_function
from retrograph.framework.operation import Tensor
from retrograph.train.tracking import Trackable

_trackers: list[ResourceTracker] = []


class ResourceTracker:
    """Is told of resources. Source: TF 1.15 `tensorflow.python.training.tracking.tracking.ResourceTracker`."""

    def __init__(self) -> None:
        self._resources: list[Any] = []

    @property
    def resources(self) -> list[Any]:
        """The resources, as they were made."""
        return self._resources

    def add_resource(self, resource: Any) -> None:
        """Notes a resource."""
        self._resources.append(resource)


@contextlib.contextmanager
def resource_tracker_scope(resource_tracker: ResourceTracker) -> Iterator[None]:
    """Where the tracker is told of each `TrackableResource` that is made."""
    _trackers.append(resource_tracker)
    try:
        yield
    finally:
        _trackers.remove(resource_tracker)


class CapturableResource(Trackable):
    """Holds a resource's handle, which subclasses make in `_create_resource`.

    Source: TF 1.15 `tensorflow.python.training.tracking.tracking.CapturableResource`.
    """

    def __init__(self, device: str = "", deleter: Any = None):
        self._resource_handle: Any = None
        self._resource_device, self._resource_deleter = device, deleter

    def _create_resource(self) -> Any:
        raise NotImplementedError("TrackableResource._create_resource not implemented.")

    def _initialize(self) -> Any:
        return None

    @property
    def resource_handle(self) -> Any:
        """The handle; made when it is first asked for."""
        if self._resource_handle is None:
            with tf.device(self._resource_device):
                self._resource_handle = self._create_resource()
        return self._resource_handle


class TrackableResource(CapturableResource):
    """A resource of which the trackers around it are told."""

    def __init__(self, device: str = "", deleter: Any = None):
        for tracker in _trackers:
            tracker.add_resource(self)
        super().__init__(device=device, deleter=deleter)


class TrackableAsset(Trackable):
    """A file, as a tensor of its path. Source: TF 1.15 `tensorflow.python.training.tracking.tracking.TrackableAsset`."""

    def __init__(self, path: Any):
        with tf.init_scope(), tf.device("CPU"):
            self._path = internal_convert_to_tensor(path, dtype=tf.string, name="asset_path")

    @property
    def asset_path(self) -> Tensor:
        """`string[]` path."""
        return self._path


def _as_tensor(asset: TrackableAsset, **kwargs: Any) -> Any:
    return internal_convert_to_tensor(asset.asset_path, **kwargs)


register_tensor_conversion_function(TrackableAsset, _as_tensor)
