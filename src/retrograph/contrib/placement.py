"""`tf.contrib`: where variables are put: by turns, by chance, or by what is there already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.exports import export


@export("contrib.framework.VariableDeviceChooser", "contrib.slim.VariableDeviceChooser")
class VariableDeviceChooser:
    """Devices of the tasks of a job by turns. Source: TF 1.15 `tf.contrib.framework.VariableDeviceChooser`."""

    def __init__(
        self, num_tasks: int = 0, job_name: str = "ps", device_type: str = "CPU", device_index: int = 0,
        replica: Any = None,
    ):  # fmt: skip
        self._num_tasks, self._job_name = num_tasks, job_name
        self._device = {"replica": replica, "device_type": device_type, "device_index": device_index}
        self._next = 0

    def __call__(self, op: Any) -> str:
        """The device for an operation."""
        spec = tf.DeviceSpec(**self._device)
        if self._num_tasks > 0:
            spec = tf.DeviceSpec(**self._device, job=self._job_name, task=self._next)
            self._next = (self._next + 1) % self._num_tasks
        return str(spec.to_string())


@export("contrib.training.RandomStrategy")
class RandomStrategy:
    """The task of an operation by a hash of its name. Source: TF 1.15 `tf.contrib.training.RandomStrategy`."""

    def __init__(self, num_ps_tasks: int, seed: int = 0):
        self._num_tasks, self._seed = num_ps_tasks, seed

    def __call__(self, op: Any) -> int:
        """The number of the task."""
        key = f"{op.name}_{self._seed}".encode()
        return int(hashlib.md5(key, usedforsecurity=False).hexdigest(), 16) % self._num_tasks


@export("contrib.training.GreedyLoadBalancingStrategy")
class GreedyLoadBalancingStrategy:
    """The task of the least load so far. Source: TF 1.15 `tf.contrib.training.GreedyLoadBalancingStrategy`."""

    def __init__(self, num_tasks: int, load_fn: Callable[[Any], float]):
        self._num_tasks, self._load_fn = num_tasks, load_fn
        self._ps_loads = np.zeros(num_tasks)

    def __call__(self, op: Any) -> Any:
        """The number of the task, whose load grows by that of the operation."""
        task = np.argmin(self._ps_loads)
        self._ps_loads[task] += self._load_fn(op)
        return task


@export("contrib.training.byte_size_load_fn")
def byte_size_load_fn(op: Any) -> int:
    """The bytes of an operation's output. Raises ValueError: not one output, or a shape that is not known.

    Source: TF 1.15 `tf.contrib.training.byte_size_load_fn`.
    """
    if len(op.outputs) != 1:
        raise ValueError(f"Op {op} must have a single output")
    output = op.outputs[0]
    shape = output.get_shape()
    if not shape.is_fully_defined():
        shape = tf.TensorShape(op.get_attr("shape"))
    shape.assert_is_fully_defined()
    return int(shape.num_elements() * output.dtype.size)
