"""`tf.train.replica_device_setter`: a device function that puts variables on parameter servers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from retrograph.framework.device import DeviceSpec, merge_names
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.train.server import ClusterSpec

STANDARD_PS_OPS = (
    "Variable", "VariableV2", "AutoReloadVariable", "MutableHashTable", "MutableHashTableV2",
    "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable", "MutableDenseHashTableV2",
    "VarHandleOp", "BoostedTreesEnsembleResourceHandleOp", "BoostedTreesQuantileStreamResourceHandleOp",
    "ResourceConditionalAccumulator",
)  # fmt: skip


class _RoundRobinStrategy:
    """Task after task."""

    def __init__(self, num_tasks: int):
        self._num_tasks = num_tasks
        self._next_task = 0

    def __call__(self, op: Any) -> int:
        task, self._next_task = self._next_task, (self._next_task + 1) % self._num_tasks
        return task


class _ReplicaDeviceChooser:
    """Says on which device an operation goes."""

    def __init__(
        self,
        ps_device: str,
        worker_device: str,
        merge_devices: bool,
        ps_ops: Collection[str],
        strategy: Callable[[Any], int],
    ):
        self._ps_device, self._worker_device = ps_device, worker_device
        self._merge_devices = merge_devices
        self._ps_ops, self._strategy = ps_ops, strategy

    def device_function(self, op: Any) -> str:
        """The device of an operation."""
        current = op.device or ""
        if not self._merge_devices and current:
            return str(current)
        kind = op.op if isinstance(getattr(op, "op", None), str) else op.type
        if not (self._ps_device and kind in self._ps_ops):
            return merge_names(self._worker_device or "", current)
        ps, job = DeviceSpec.from_string(self._ps_device), DeviceSpec.from_string(current).job
        if ps.job and job in (None, ps.job):
            ps.task = self._strategy(op)
        return merge_names(ps.to_string(), current)


@export("train.replica_device_setter")
def replica_device_setter(
    ps_tasks: int = 0, ps_device: str = "/job:ps", worker_device: str = "/job:worker", merge_devices: bool = True,
    cluster: Any = None, ps_ops: Any = None, ps_strategy: Any = None,
) -> Callable[[Any], str] | None:  # fmt: skip
    """A device function for `tf.device`: variables go to the parameter servers in turn, the rest to the worker.

    None if there are no parameter servers.
    Raises: TypeError: `ps_strategy` cannot be called, or `cluster` is none.
    Source: TF 1.15 `tf.train.replica_device_setter`.
    """
    if cluster is not None:
        jobs = ClusterSpec(cluster).as_dict()
        ps_tasks = len(jobs.get(DeviceSpec.from_string(ps_device).job or "") or ())
    if ps_tasks == 0:
        return None
    if not merge_devices:
        logging.warning("DEPRECATION: It is recommended to set merge_devices=true in replica_device_setter")
    strategy = _RoundRobinStrategy(ps_tasks) if ps_strategy is None else ps_strategy
    if not callable(strategy):
        raise TypeError("ps_strategy must be callable")
    kinds = STANDARD_PS_OPS if ps_ops is None else ps_ops
    return _ReplicaDeviceChooser(ps_device, worker_device, merge_devices, kinds, strategy).device_function
