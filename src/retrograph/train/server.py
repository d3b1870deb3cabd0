"""`ClusterSpec` and `Server`: names of tasks, and a server that lives in this process."""

from __future__ import annotations

import threading
from typing import Any

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.platform.text import as_bytes
from retrograph.runtime.config import ClusterDef, ServerDef
from retrograph.runtime.servers import ServerState, add_server


@export("train.ClusterSpec")
class ClusterSpec:
    """The tasks of jobs, and their addresses.

    >>> tf.train.ClusterSpec({"worker": ["a:1", "b:2"]}).num_tasks("worker")
    2

    Raises: TypeError: not a dict of lists or dicts, a ClusterDef or a ClusterSpec.
    Source: TF 1.15 `tf.train.ClusterSpec`.
    """

    def __init__(self, cluster: Any):
        if isinstance(cluster, dict):
            self._cluster_spec = {job: _numbered(job, tasks) for job, tasks in cluster.items()}
            self._cluster_def = _cluster_def(self._cluster_spec)
            return
        if isinstance(cluster, ClusterSpec):
            cluster = cluster.as_cluster_def()
        if not isinstance(cluster, ClusterDef):
            raise TypeError(
                "`cluster` must be a dictionary mapping one or more job names to lists of network addresses, or a `ClusterDef` protocol buffer"
            )
        self._cluster_def = ClusterDef()
        self._cluster_def.CopyFrom(cluster)
        self._cluster_spec = {job.name: dict(job.tasks.items()) for job in cluster.job}

    def __bool__(self) -> bool:
        return bool(self._cluster_spec)

    def __eq__(self, other: object) -> bool:
        return self._cluster_spec == (other._cluster_spec if isinstance(other, ClusterSpec) else other)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        jobs = self.as_dict()
        return f"ClusterSpec({{{', '.join(f'{job!r}: {jobs[job]!r}' for job in sorted(jobs))}}})"

    def as_dict(self) -> dict[str, Any]:
        """Jobs as lists of addresses; as dicts where numbers are missing. Source: TF 1.15 `ClusterSpec.as_dict`."""
        return {job: self._as_list_or_dict(job, tasks) for job, tasks in self._cluster_spec.items()}

    def _as_list_or_dict(self, job: str, tasks: dict[int, Any]) -> Any:
        if not tasks:
            return {}
        return self.job_tasks(job) if max(tasks) + 1 == len(tasks) else dict(sorted(tasks.items()))

    def as_cluster_def(self) -> Any:
        """The cluster as a ClusterDef."""
        return self._cluster_def

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._cluster_spec)

    def _tasks(self, job_name: str) -> dict[int, Any]:
        if job_name not in self._cluster_spec:
            raise ValueError(f"No such job in cluster: {job_name!r}")
        return self._cluster_spec[job_name]

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has. Raises ValueError: no such job."""
        return len(self._tasks(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The numbers of a job's tasks. Raises ValueError: no such job."""
        return sorted(self._tasks(job_name))

    def task_address(self, job_name: str, task_index: int) -> Any:
        """The address of a task. Raises ValueError: no such job or task."""
        tasks = self._tasks(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[Any]:
        """The addresses of a job, None where a number is missing. Raises ValueError: no such job."""
        tasks = self._tasks(job_name)
        return [tasks.get(i) for i in range(max(tasks) + 1)]


def _numbered(job: Any, tasks: Any) -> dict[int, Any]:
    if isinstance(tasks, (list, tuple)):
        return dict(enumerate(tasks))
    if isinstance(tasks, dict):
        return dict(tasks)
    raise TypeError(f"The tasks for job {job!r} must be a list or a dictionary from integers to strings.")


def _text(value: Any, what: str) -> str:
    try:
        return as_bytes(value).decode()
    except TypeError:
        raise TypeError(f"{what} {value!r} must be bytes or unicode") from None


def _cluster_def(jobs: dict[Any, dict[int, Any]]) -> Any:
    made = ClusterDef()
    for name, tasks in sorted(jobs.items()):
        job = made.job.add()
        job.name = _text(name, "Job name")
        for index, address in sorted(tasks.items()):
            job.tasks[index] = _text(address, "Task address")
    return made


def _server_def(given: Any, job_name: str | None, task_index: int | None, protocol: str | None, config: Any) -> Any:
    """The ServerDef of arguments of `Server`. Raises TypeError, ValueError: the task is not clear."""
    made = ServerDef()
    if isinstance(given, ServerDef):
        made.CopyFrom(given)
        for field, value in (("job_name", job_name), ("task_index", task_index), ("protocol", protocol)):
            if value is not None:
                setattr(made, field, value)
    else:
        try:
            cluster = ClusterSpec(given)
        except TypeError:
            raise TypeError(
                "Could not convert `server_or_cluster_def` to a `tf.train.ServerDef` or `tf.train.ClusterSpec`."
            ) from None
        job = _only(cluster.jobs, job_name, "job_name")
        task = _only(cluster.task_indices(job), task_index, "task_index")
        made.cluster.CopyFrom(cluster.as_cluster_def())
        made.job_name, made.task_index, made.protocol = job, task, protocol or "grpc"
    if config is not None:
        made.default_session_config.MergeFrom(config)
    return made


def _only(found: list[Any], given: Any, name: str) -> Any:
    if given is not None:
        return given
    if len(found) != 1:
        raise ValueError(f"Must specify an explicit `{name}`.")
    return found[0]


@export("train.Server", "distribute.Server")
class Server:
    """A server in this process: sessions of its `target` share variables and queues.

    Raises: TypeError, ValueError: the task is not clear. UnimplementedError: the cluster has several tasks, which would be
        several processes. InvalidArgumentError: the task is not in the cluster.
    Source: TF 1.15 `tf.train.Server`.
    """

    def __init__(
        self, server_or_cluster_def: Any, job_name: str | None = None, task_index: int | None = None,
        protocol: str | None = None, config: Any = None, start: bool = True,
    ):  # fmt: skip
        self._server_def = _server_def(server_or_cluster_def, job_name, task_index, protocol, config)
        cluster = ClusterSpec(self._server_def.cluster)
        job, task = self._server_def.job_name, self._server_def.task_index
        if job not in cluster.jobs or task not in cluster.task_indices(job):
            raise errors.InvalidArgumentError(
                None, None, f'Task {task} was not defined in job "{job}"' if job in cluster.jobs else f'Job "{job}" was not defined in cluster'
            )  # fmt: skip
        if sum(cluster.num_tasks(j) for j in cluster.jobs) > 1:
            text = f"tf.train.Server is not supported for clusters of several tasks: {cluster}. Run the one task without a server, or with a cluster of that task alone."
            raise errors.UnimplementedError(None, None, text)
        self._state = ServerState(job, task, self._server_def.default_session_config)
        self._target = add_server(self._state)

    def start(self) -> None:
        """Does nothing: the server is there with its object."""

    def join(self) -> None:
        """Waits for ever, as a server that only serves does."""
        threading.Event().wait()

    @property
    def server_def(self) -> Any:
        """What the server was made of, as a ServerDef."""
        return self._server_def

    @property
    def target(self) -> bytes:
        """What to pass to `tf.Session`."""
        return self._target.encode()

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """A server of one task. Source: TF 1.15 `tf.train.Server.create_local_server`."""
        return Server({"local": ["localhost:0"]}, protocol="grpc", config=config, start=start)
