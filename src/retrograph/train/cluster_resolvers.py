"""`tf.distribute.cluster_resolver`: where a cluster's addresses come from.

One process runs everything here. The resolvers answer what can be answered without asking a service of a cloud.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.train.server import ClusterSpec

_ENDPOINTS = "KUBE_GOOGLE_CLOUD_TPU_ENDPOINTS"


def _url(master: str, rpc_layer: Any) -> str:
    return f"{rpc_layer}://{master}" if rpc_layer else master


def _refuse(what: str) -> None:
    raise errors.UnimplementedError(None, None, f"{what} is not supported: it asks a service of a cloud")


@export("distribute.cluster_resolver.ClusterResolver", "contrib.cluster_resolver.ClusterResolver")
class ClusterResolver:
    """Base of resolvers. Source: TF 1.15 `tf.distribute.cluster_resolver.ClusterResolver`."""

    def cluster_spec(self) -> Any:
        """The jobs and their addresses."""
        raise NotImplementedError

    def master(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None) -> Any:
        """The address of the session's master."""
        raise NotImplementedError

    def num_accelerators(self, task_type: Any = None, task_id: Any = None, config_proto: Any = None) -> Any:
        """How many devices there are, by their type."""
        with tf.Graph().as_default(), tf.Session(self.master(task_type, task_id), config=config_proto) as session:
            return Counter(device.device_type for device in session.list_devices())

    @property
    def environment(self) -> Any:
        """The kind of place that the cluster runs in."""
        return ""


class _Settable(ClusterResolver):
    """A resolver whose task and protocol can be set."""

    task_type: Any = None
    task_id: Any = None
    rpc_layer: Any = None


@export("distribute.cluster_resolver.SimpleClusterResolver", "contrib.cluster_resolver.SimpleClusterResolver")
class SimpleClusterResolver(_Settable):
    """Gives what it was given. Raises TypeError: no ClusterSpec, or a master that is no text.

    Source: TF 1.15 `tf.distribute.cluster_resolver.SimpleClusterResolver`.
    """

    def __init__(
        self, cluster_spec: Any, master: str = "", task_type: Any = None, task_id: Any = None, environment: Any = "",
        num_accelerators: Any = None, rpc_layer: Any = None,
    ):  # fmt: skip
        if not isinstance(cluster_spec, ClusterSpec):
            raise TypeError("cluster_spec must be a ClusterSpec.")
        if not isinstance(master, str):
            raise TypeError("master must be a string.")
        self._spec, self._master, self._environment = cluster_spec, master, environment
        self._accelerators = num_accelerators
        self.task_type, self.task_id, self.rpc_layer = task_type, task_id, rpc_layer

    def cluster_spec(self) -> Any:
        """The jobs and their addresses."""
        return self._spec

    def master(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None) -> Any:
        """The address of a task, or the master that was given."""
        given = task_type is not None and task_id is not None
        master = self._spec.task_address(task_type, task_id) if given else self._master
        return _url(master, rpc_layer or self.rpc_layer)

    def num_accelerators(self, task_type: Any = None, task_id: Any = None, config_proto: Any = None) -> Any:
        """What was given."""
        return self._accelerators or {}

    @property
    def environment(self) -> Any:
        """What was given."""
        return self._environment


def _merged(first: Any, second: Any) -> Any:
    """Two jobs' tasks: as a list if both are lists, else by their numbers."""
    if isinstance(first, list) and isinstance(second, list):
        return first + second
    numbered = [dict(enumerate(t)) if isinstance(t, list) else dict(t) for t in (first, second)]
    both = set(numbered[0]) & set(numbered[1])
    if both:
        raise KeyError(f"Duplicate keys detected when merging two ClusterSpecs: {both!r}")
    return {**numbered[0], **numbered[1]}


@export("distribute.cluster_resolver.UnionResolver", "contrib.cluster_resolver.UnionClusterResolver")
class UnionClusterResolver(_Settable):
    """The jobs of several resolvers; all else is the first one's. Raises ValueError, TypeError: none, or no resolvers.

    Source: TF 1.15 `tf.distribute.cluster_resolver.UnionResolver`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        given = {name: kwargs.pop(name, None) for name in ("rpc_layer", "task_type", "task_id")}
        if kwargs:
            raise ValueError(f"Unexpected kwargs provided {kwargs!r}")
        if not args:
            raise ValueError("At least one ClusterResolver is required.")
        if not all(isinstance(resolver, ClusterResolver) for resolver in args):
            raise TypeError("All arguments must be a sub-class of `ClusterResolver.`")
        self._resolvers, self._own_layer = args, given["rpc_layer"]
        for name, value in given.items():
            setattr(self, name, value or getattr(args[0], name, None))

    def cluster_spec(self) -> Any:
        """All jobs. Raises KeyError: a task's number twice."""
        jobs: dict[str, Any] = {}
        for resolver in self._resolvers:
            for name, tasks in resolver.cluster_spec().as_dict().items():
                jobs[name] = _merged(jobs[name], tasks) if name in jobs else tasks
        return ClusterSpec(jobs)

    def master(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None) -> Any:
        """The address of a task, or the first resolver's master."""
        if task_type is not None and task_id is not None:
            return _url(self.cluster_spec().task_address(task_type, task_id), rpc_layer or self._own_layer)
        return self._resolvers[0].master(rpc_layer=rpc_layer)

    def num_accelerators(self, task_type: Any = None, task_id: Any = None, config_proto: Any = None) -> Any:
        """What the first resolver says."""
        return self._resolvers[0].num_accelerators(task_type, task_id, config_proto)

    @property
    def environment(self) -> Any:
        """What the first resolver says."""
        return self._resolvers[0].environment


@export("distribute.cluster_resolver.TFConfigClusterResolver", "contrib.cluster_resolver.TFConfigClusterResolver")
class TFConfigClusterResolver(ClusterResolver):
    """What the variable TF_CONFIG of the environment says.

    Source: TF 1.15 `tf.distribute.cluster_resolver.TFConfigClusterResolver`.
    """

    def __init__(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None, environment: Any = None):
        self._given = {"type": task_type, "index": task_id}
        self._rpc_layer, self._environment = rpc_layer, environment

    @staticmethod
    def _said(key: str, default: Any = None) -> Any:
        return json.loads(os.environ.get("TF_CONFIG", "{}")).get(key, default)

    def _task(self, key: str, kind: Any) -> Any:
        found = self._given[key] if self._given["type"] is not None else self._said("task", {}).get(key)
        return None if found is None else kind(found)

    @property
    def task_type(self) -> Any:
        """The job of this process, or None."""
        return self._task("type", str)

    @task_type.setter
    def task_type(self, task_type: Any) -> None:
        self._given["type"] = task_type

    @property
    def task_id(self) -> Any:
        """The number of this process in its job, or None."""
        return self._task("index", int)

    @task_id.setter
    def task_id(self, task_id: Any) -> None:
        self._given["index"] = task_id

    @property
    def environment(self) -> Any:
        """What was given."""
        return self._environment

    @property
    def rpc_layer(self) -> Any:
        """The protocol."""
        return self._said("rpc_layer") if self._rpc_layer is None else self._rpc_layer

    @rpc_layer.setter
    def rpc_layer(self, rpc_layer: Any) -> None:
        self._rpc_layer = rpc_layer

    def cluster_spec(self) -> Any:
        """The jobs and their addresses; none without TF_CONFIG."""
        return ClusterSpec(self._said("cluster", {}))

    def master(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None) -> Any:
        """The address of a task; '' where there is only one."""
        given, spec = self._said("session_master"), self.cluster_spec()
        if given is not None:
            return given
        if not spec.jobs or (len(spec.jobs) == 1 and len(spec.job_tasks(spec.jobs[0])) == 1):
            return ""
        task_type = self.task_type if task_type is None else task_type
        task_id = self.task_id if task_id is None else task_id
        return _url(spec.task_address(task_type, task_id), self.rpc_layer)


@export("distribute.cluster_resolver.TPUClusterResolver", "contrib.cluster_resolver.TPUClusterResolver")
class TPUClusterResolver(ClusterResolver):
    """The address of a TPU that is given as one: `grpc://10.0.0.2:8470`, or `local`.

    Raises ValueError: no name at all. UnimplementedError: a name that only a service of the cloud knows the address of.
    Source: TF 1.15 `tf.distribute.cluster_resolver.TPUClusterResolver`.
    """

    _GOOGLE = ("localhost:", "/bns", "uptc://")

    def __init__(
        self, tpu: Any = None, zone: Any = None, project: Any = None, job_name: str = "worker",
        coordinator_name: Any = None, coordinator_address: Any = None, credentials: Any = "default",
        service: Any = None, discovery_url: Any = None,
    ):  # fmt: skip
        self._tpu = self._named(tpu)
        self.task_type, self.task_id = job_name, 0
        self.rpc_layer: Any
        inside = self._tpu in ("", "local") or self._tpu.startswith(self._GOOGLE)
        self._environment, self.rpc_layer = ("google", None) if inside else ("", "grpc")
        if not inside and not self._tpu.startswith("grpc://"):
            _refuse(f"TPUClusterResolver({tpu!r})")
        self._tpu = self._tpu.removeprefix("grpc://")
        self._coordinator = {coordinator_name: [coordinator_address]} if coordinator_address else {}

    @staticmethod
    def _named(tpu: Any) -> str:
        if isinstance(tpu, list):
            if not tpu:
                raise ValueError("At least one TPU must be specified.")
            if len(tpu) != 1:
                raise NotImplementedError("Using multiple TPUs in a single session is not yet implemented")
            tpu = tpu[0]
        if tpu is None:
            tpu = os.environ.get(_ENDPOINTS, os.environ.get("TPU_NAME"))
        if tpu is None:
            raise ValueError("Please provide a TPU Name to connect to.")
        return str(tf.compat.as_text(tpu))

    def master(self, task_type: Any = None, task_id: Any = None, rpc_layer: Any = None) -> Any:
        """The address of the first host."""
        return _url(self._tpu.split(",")[0], rpc_layer or self.rpc_layer)

    def get_master(self) -> Any:
        """As `master`."""
        return self.master()

    def get_job_name(self) -> Any:
        """None: the address is known."""
        return None

    def cluster_spec(self) -> Any:
        """The hosts; None inside of Google's own clusters."""
        if self.rpc_layer is None:
            return None
        hosts = [host.removeprefix("grpc://") for host in self._tpu.split(",")]
        return ClusterSpec({self.task_type: hosts, **self._coordinator})

    def num_accelerators(self, task_type: Any = None, task_id: Any = None, config_proto: Any = None) -> Any:
        """Refused: nothing asks the TPU. Raises UnimplementedError."""
        _refuse("TPUClusterResolver.num_accelerators")

    @property
    def environment(self) -> Any:
        """'google' inside of Google's own clusters, else ''."""
        return self._environment

    def __deepcopy__(self, memo: Any) -> TPUClusterResolver:
        return self


@export("distribute.cluster_resolver.GCEClusterResolver", "contrib.cluster_resolver.GCEClusterResolver")
class GCEClusterResolver(ClusterResolver):
    """Refused: it asks Google Compute Engine. Raises UnimplementedError.

    Source: TF 1.15 `tf.distribute.cluster_resolver.GCEClusterResolver`.
    """

    def __init__(
        self, project: Any, zone: Any, instance_group: Any, port: Any, task_type: Any = "worker", task_id: Any = 0,
        rpc_layer: Any = "grpc", credentials: Any = "default", service: Any = None,
    ):  # fmt: skip
        _refuse("tf.distribute.cluster_resolver.GCEClusterResolver")


@export("distribute.cluster_resolver.KubernetesClusterResolver", "contrib.cluster_resolver.KubernetesClusterResolver")
class KubernetesClusterResolver(ClusterResolver):
    """Refused: it asks Kubernetes. Raises UnimplementedError.

    Source: TF 1.15 `tf.distribute.cluster_resolver.KubernetesClusterResolver`.
    """

    def __init__(
        self, job_to_label_mapping: Any = None, tf_server_port: Any = 8470, rpc_layer: Any = "grpc",
        override_client: Any = None,
    ):  # fmt: skip
        _refuse("tf.distribute.cluster_resolver.KubernetesClusterResolver")


@export("distribute.cluster_resolver.SlurmClusterResolver", "contrib.cluster_resolver.SlurmClusterResolver")
class SlurmClusterResolver(ClusterResolver):
    """Refused: one process has no other hosts. Raises UnimplementedError.

    Source: TF 1.15 `tf.distribute.cluster_resolver.SlurmClusterResolver`.
    """

    def __init__(
        self, jobs: Any, port_base: int = 8888, gpus_per_node: int = 1, gpus_per_task: int = 1,
        tasks_per_node: Any = None, auto_set_gpu: bool = True, rpc_layer: Any = "grpc",
    ):  # fmt: skip
        raise errors.UnimplementedError(
            None, None, "tf.distribute.cluster_resolver.SlurmClusterResolver is not supported: all runs in one process"
        )
