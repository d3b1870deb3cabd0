"""`tf.distribute` for one replica: strategies that place a model on the one device there is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export

_STACK = "_distribution_stack"


def _refuse(what: str) -> None:
    raise errors.UnimplementedError(None, None, f"{what} is not supported: one process has one replica")


@export("distribute.ReduceOp")
class ReduceOp(enum.Enum):
    """How values of replicas become one. Source: TF 1.15 `tf.distribute.ReduceOp`."""

    SUM = "SUM"
    MEAN = "MEAN"


@export("distribute.InputReplicationMode")
class InputReplicationMode(enum.Enum):
    """How often an input function is called. Source: TF 1.15 `tf.distribute.InputReplicationMode`."""

    PER_WORKER = "PER_WORKER"


@export("distribute.experimental.CollectiveCommunication")
class CollectiveCommunication(enum.Enum):
    """How replicas talk. Source: TF 1.15 `tf.distribute.experimental.CollectiveCommunication`."""

    AUTO = "AUTO"
    RING = "RING"
    NCCL = "NCCL"


@export("distribute.InputContext")
class InputContext:
    """What an input function is told of the replicas. Source: TF 1.15 `tf.distribute.InputContext`."""

    def __init__(self, num_input_pipelines: int = 1, input_pipeline_id: int = 0, num_replicas_in_sync: int = 1):
        self._pipelines, self._id, self._replicas = num_input_pipelines, input_pipeline_id, num_replicas_in_sync

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are."""
        return self._replicas

    @property
    def input_pipeline_id(self) -> int:
        """The number of this pipeline."""
        return self._id

    @property
    def num_input_pipelines(self) -> int:
        """How many pipelines there are."""
        return self._pipelines

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The batch of one replica. Raises ValueError: it does not divide."""
        if global_batch_size % self._replicas:
            raise ValueError(
                f"The `global_batch_size` {global_batch_size!r} is not divisible by `num_replicas_in_sync` "
                f"{self._replicas!r} "
            )
        return global_batch_size // self._replicas


# ---- reductions


def _check_reduce(reduce_op: Any) -> None:
    if isinstance(reduce_op, str):
        reduce_op = ReduceOp(reduce_op.upper())
    if reduce_op not in (ReduceOp.SUM, ReduceOp.MEAN):
        raise ValueError(f"Unsupported reduce op: {reduce_op}")


@export("distribute.CrossDeviceOps", "contrib.distribute.CrossDeviceOps")
class CrossDeviceOps:
    """How values of several devices become one: those of one device stay as they are.

    Source: TF 1.15 `tf.distribute.CrossDeviceOps`.
    """

    def reduce(self, reduce_op: Any, per_replica_value: Any, destinations: Any) -> Any:
        """The value."""
        _check_reduce(reduce_op)
        return per_replica_value

    def batch_reduce(self, reduce_op: Any, value_destination_pairs: Any) -> list[Any]:
        """The values."""
        _check_reduce(reduce_op)
        return [value for value, _ in value_destination_pairs]

    def broadcast(self, tensor: Any, destinations: Any) -> Any:
        """The tensor."""
        return tensor

    reduce_implementation, batch_reduce_implementation, broadcast_implementation = reduce, batch_reduce, broadcast


@export("distribute.ReductionToOneDevice")
class ReductionToOneDevice(CrossDeviceOps):
    """As `CrossDeviceOps`. Source: TF 1.15 `tf.distribute.ReductionToOneDevice`."""

    def __init__(self, reduce_to_device: Any = None, accumulation_fn: Any = None):
        self.reduce_to_device, self.accumulation_fn = reduce_to_device, accumulation_fn or tf.add_n


@export("distribute.HierarchicalCopyAllReduce")
class HierarchicalCopyAllReduce(CrossDeviceOps):
    """As `CrossDeviceOps`. Raises ValueError: a negative number. Source: TF 1.15 `tf.distribute.HierarchicalCopyAllReduce`."""

    def __init__(self, num_packs: int = 1):
        if num_packs < 0:
            raise ValueError(f"HierarchicalCopy requires num_packs >= 0, but {num_packs} is specified")
        self._num_packs = num_packs


@export("distribute.NcclAllReduce")
class NcclAllReduce(CrossDeviceOps):
    """As `CrossDeviceOps`. Raises ValueError: a negative number. Source: TF 1.15 `tf.distribute.NcclAllReduce`."""

    def __init__(self, num_packs: int = 1):
        if num_packs < 0:
            raise ValueError(f"NCCL all-reduce requires num_packs >= 0, but {num_packs} is specified")
        self._num_packs = num_packs


# ---- contexts


class _Context(NamedTuple):
    """Where a program is: a strategy, and its replica or None."""

    strategy: Any
    replica: Any


def _stack() -> list[_Context]:
    graph: Any = get_default_graph()
    return graph.__dict__.setdefault(_STACK, [])  # type: ignore[no-any-return]


def _current() -> _Context:
    stack = _stack()
    return stack[-1] if stack else _default()


@contextmanager
def _entered(context: _Context) -> Iterator[None]:
    stack = _stack()
    stack.append(context)
    try:
        yield
    finally:
        stack[:] = [other for other in stack if other is not context]


@export("distribute.ReplicaContext", "contrib.distribute.ReplicaContext")
class ReplicaContext:
    """Where a function runs that every replica runs. Source: TF 1.15 `tf.distribute.ReplicaContext`."""

    def __init__(self, strategy: Any, replica_id_in_sync_group: Any):
        self._strategy, self._id = strategy, replica_id_in_sync_group

    def __enter__(self) -> None:
        _stack().append(_Context(self._strategy, self))

    def __exit__(self, *exception: Any) -> None:
        _stack().pop()

    @property
    def strategy(self) -> Any:
        """The strategy."""
        return self._strategy

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are."""
        return self._strategy.num_replicas_in_sync  # type: ignore[no-any-return]

    @property
    def replica_id_in_sync_group(self) -> Any:
        """The number of this replica: a tensor."""
        return tf.constant(0, tf.int32) if self._id is None else self._id

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this replica."""
        return (tf.test.gpu_device_name() or "/replica:0/task:0/device:CPU:0",)

    def merge_call(self, merge_fn: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a function of the strategy gives for all replicas."""
        with _entered(_Context(self._strategy, None)):
            return merge_fn(self._strategy, *args, **(kwargs or {}))

    def all_reduce(self, reduce_op: Any, value: Any) -> Any:
        """The value over all replicas."""
        _check_reduce(reduce_op)
        return nest.map_structure(tf.identity, value)


# ---- strategies


class _Input:
    """An iterator over what a replica takes."""

    def __init__(self, dataset: Any):
        self._iterator = tf.data.make_initializable_iterator(dataset)

    def get_next(self, name: Any = None) -> Any:
        """The next element."""
        return self._iterator.get_next(name)

    def initialize(self) -> Any:
        """The operations that start it."""
        return [self._iterator.initializer]

    initializer = property(lambda self: self._iterator.initializer)


@export("distribute.StrategyExtended")
class StrategyExtended:
    """The parts of a strategy that optimizers use. Source: TF 1.15 `tf.distribute.StrategyExtended`."""

    experimental_between_graph = False
    experimental_require_static_shapes = False
    experimental_should_init = True
    should_checkpoint = True
    should_save_summary = True

    def __init__(self, container_strategy: Any, device: str = "/device:CPU:0"):
        self._strategy, self._device = container_strategy, device

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices that compute."""
        return (self._device,)

    parameter_devices = worker_devices

    def call_for_each_replica(self, fn: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a function gives on the replica."""
        with ReplicaContext(self._strategy, tf.constant(0, tf.int32)):
            return fn(*args, **(kwargs or {}))

    def reduce_to(self, reduce_op: Any, value: Any, destinations: Any) -> Any:
        """The value over all replicas."""
        _check_reduce(reduce_op)
        return value

    def batch_reduce_to(self, reduce_op: Any, value_destination_pairs: Any) -> list[Any]:
        """The values over all replicas."""
        return [self.reduce_to(reduce_op, value, to) for value, to in value_destination_pairs]

    def broadcast_to(self, tensor: Any, destinations: Any) -> Any:
        """The tensor."""
        return tensor

    def update(self, var: Any, fn: Any, args: Any = (), kwargs: Any = None, group: bool = True) -> Any:
        """What a function gives for a variable, beside it."""
        with tf.colocate_with(var), _entered(_Context(self._strategy, None)):
            result = fn(var, *args, **(kwargs or {}))
        return result if group else nest.map_structure(lambda x: (x,), result)

    update_non_slot = update

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """A scope whose variables are placed beside another."""
        return tf.colocate_with(colocate_with_variable)

    def read_var(self, v: Any) -> Any:
        """The value of a variable."""
        return tf.identity(v)

    def non_slot_devices(self, var_list: Any) -> Any:
        """Where an optimizer's own variables are."""
        return min(var_list, key=lambda v: v.name)

    def value_container(self, value: Any) -> Any:
        """The value that a replica's value is part of: itself."""
        return value

    def variable_created_in_scope(self, v: Any) -> bool:
        """True: there is one place."""
        return True

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of arrays."""
        return tf.data.Dataset.from_tensor_slices(numpy_input)

    def experimental_run_steps_on_iterator(
        self, fn: Any, iterator: Any, iterations: int = 1, initial_loop_values: Any = None
    ) -> Any:
        """Refused. Raises UnimplementedError."""
        _refuse("StrategyExtended.experimental_run_steps_on_iterator")


class _WithResources:
    """Makes variables in a scope resource variables on the strategy's device."""

    def __init__(self, device: str):
        self._device = device

    def __call__(self, next_creator: Any, **kwargs: Any) -> Any:
        kwargs["use_resource"] = True
        with tf.device(self._device):
            return next_creator(**kwargs)


@export("distribute.Strategy", "contrib.distribute.DistributionStrategy")
class Strategy:
    """How a model is spread: here over one replica. Source: TF 1.15 `tf.distribute.Strategy`."""

    def __init__(self, extended: Any = None):
        self._extended: Any = extended

    @property
    def extended(self) -> Any:
        """The parts that optimizers use."""
        return self._extended

    @property
    def num_replicas_in_sync(self) -> int:
        """How many replicas there are: 1."""
        return 1

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """A scope with this strategy; its variables are resource variables. Raises RuntimeError: inside of another."""
        stack = _stack()
        if stack and stack[-1].replica is not None:
            raise RuntimeError("Must not be inside of replica context.")
        if stack and stack[-1].strategy is not self:
            raise RuntimeError("Trying to use a different strategy than the one of the scope.")
        with ExitStack() as scopes:
            scopes.enter_context(_entered(_Context(self, None)))
            scopes.enter_context(tf.variable_creator_scope(_WithResources(self._extended._device)))
            yield self

    def colocate_vars_with(self, colocate_with_variable: Any) -> Any:
        """A scope whose variables are placed beside another."""
        return self._extended.colocate_vars_with(colocate_with_variable)

    # ---- input

    def make_dataset_iterator(self, dataset: Any) -> Any:
        """An iterator over a dataset; `initialize()` gives the operations that start it."""
        return _Input(dataset)

    def make_input_fn_iterator(self, input_fn: Any, replication_mode: Any = InputReplicationMode.PER_WORKER) -> Any:
        """An iterator over what `input_fn(context)` gives. Raises ValueError: another mode."""
        if replication_mode != InputReplicationMode.PER_WORKER:
            raise ValueError(f"Input replication mode not supported: {replication_mode!r}")
        return _Input(input_fn(InputContext()))

    def experimental_make_numpy_dataset(self, numpy_input: Any, session: Any = None) -> Any:
        """A dataset of arrays."""
        return self._extended.experimental_make_numpy_dataset(numpy_input, session)

    def experimental_distribute_dataset(self, dataset: Any) -> Any:
        """The dataset: the one replica takes all of it."""
        return dataset

    def experimental_distribute_datasets_from_function(self, dataset_fn: Any) -> Any:
        """The dataset that a function gives."""
        return dataset_fn(InputContext())

    # ---- runs

    def experimental_run(self, fn: Any, input_iterator: Any = None) -> Any:
        """What a function gives for the next element."""
        with self.scope():
            args = () if input_iterator is None else (input_iterator.get_next(),)
            return self.experimental_run_v2(fn, args=args)

    def experimental_run_v2(self, fn: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What a function gives on the replica."""
        with self.scope():
            return self._extended.call_for_each_replica(fn, args=args, kwargs=kwargs)

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """The value over all replicas, and over an axis if there is one."""
        _check_reduce(reduce_op)
        if axis is None:
            return value
        mean = ReduceOp(getattr(reduce_op, "value", str(reduce_op).upper())) == ReduceOp.MEAN
        return (tf.reduce_mean if mean else tf.reduce_sum)(value, axis=axis)

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The values of all replicas."""
        return (value,)

    unwrap = experimental_local_results

    def group(self, value: Any, name: str | None = None) -> Any:
        """An operation that runs those of all replicas."""
        return tf.group(value, name=name)

    def configure(
        self, session_config: Any = None, cluster_spec: Any = None, task_type: Any = None, task_id: Any = None
    ) -> None:
        """Nothing: one process. Raises UnimplementedError: a cluster."""
        if cluster_spec:
            _refuse("Strategy.configure with a cluster")

    def update_config_proto(self, config_proto: Any) -> Any:
        """A copy of a session's configuration."""
        made = tf.ConfigProto()
        made.CopyFrom(config_proto)
        return made

    def __deepcopy__(self, memo: Any) -> Strategy:
        return self


class _DefaultStrategy(Strategy):
    """What is there without a scope: nothing is done to variables."""

    def __init__(self) -> None:
        super().__init__()
        self._extended = StrategyExtended(self)

    @contextmanager
    def scope(self) -> Iterator[Strategy]:
        """A scope that changes nothing. Raises RuntimeError: inside of another strategy."""
        if has_strategy():
            raise RuntimeError("Must not nest tf.distribute.Strategy scopes.")
        yield self


_made_default: list[_Context] = []


def _default() -> _Context:
    if not _made_default:
        strategy = _DefaultStrategy()
        _made_default.append(_Context(strategy, ReplicaContext(strategy, None)))
    return _made_default[0]


def _one(devices: Any, what: str) -> str:
    """The device of a list. Raises UnimplementedError: more than one."""
    found = [devices] if isinstance(devices, str) else list(devices or ["/device:CPU:0"])
    if len(found) != 1:
        _refuse(f"{what} on {len(found)} devices")
    return str(found[0])


@export("distribute.OneDeviceStrategy", "contrib.distribute.OneDeviceStrategy")
class OneDeviceStrategy(Strategy):
    """A model on one device. Source: TF 1.15 `tf.distribute.OneDeviceStrategy`."""

    def __init__(self, device: str):
        super().__init__()
        self._extended = StrategyExtended(self, device)


@export("distribute.MirroredStrategy")
class MirroredStrategy(Strategy):
    """A model on all devices of this process, of which there is one. Raises UnimplementedError: more devices.

    Source: TF 1.15 `tf.distribute.MirroredStrategy`.
    """

    def __init__(self, devices: Any = None, cross_device_ops: Any = None):
        super().__init__()
        self._extended = StrategyExtended(self, _one(devices, "MirroredStrategy"))


class ContribMirroredStrategy(Strategy):
    """As `tf.distribute.MirroredStrategy`. Source: TF 1.15 `tf.contrib.distribute.MirroredStrategy`."""

    _export = export("contrib.distribute.MirroredStrategy")

    def __init__(
        self, devices: Any = None, num_gpus: Any = None, num_gpus_per_worker: Any = None, cross_device_ops: Any = None,
        auto_shard_dataset: bool = False, cross_tower_ops: Any = None,
    ):  # fmt: skip
        super().__init__()
        if devices is None and (num_gpus or num_gpus_per_worker or 1) > 1:
            _refuse(f"MirroredStrategy on {num_gpus or num_gpus_per_worker} devices")
        self._extended = StrategyExtended(self, _one(devices, "MirroredStrategy"))


ContribMirroredStrategy._export(ContribMirroredStrategy)


@export("distribute.experimental.CentralStorageStrategy")
class CentralStorageStrategy(Strategy):
    """Variables on one device, a model on all, of which there is one.

    Source: TF 1.15 `tf.distribute.experimental.CentralStorageStrategy`.
    """

    def __init__(self, compute_devices: Any = None, parameter_device: Any = None):
        super().__init__()
        self._extended = StrategyExtended(self, _one(compute_devices, "CentralStorageStrategy"))


@export("distribute.experimental.MultiWorkerMirroredStrategy")
class MultiWorkerMirroredStrategy(Strategy):
    """A model on all workers, of which there is one.

    Source: TF 1.15 `tf.distribute.experimental.MultiWorkerMirroredStrategy`.
    """

    def __init__(self, communication: CollectiveCommunication = CollectiveCommunication.AUTO):
        super().__init__()
        if tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec():
            _refuse("MultiWorkerMirroredStrategy with a cluster in TF_CONFIG")
        self._extended = StrategyExtended(self)


@export("distribute.experimental.ParameterServerStrategy", "contrib.distribute.ParameterServerStrategy")
class ParameterServerStrategy(Strategy):
    """Refused: one process has no parameter servers. Raises UnimplementedError.

    Source: TF 1.15 `tf.distribute.experimental.ParameterServerStrategy`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse("ParameterServerStrategy")


@export("distribute.experimental.TPUStrategy", "contrib.distribute.TPUStrategy")
class TPUStrategy(Strategy):
    """Refused: there is no TPU. Raises UnimplementedError. Source: TF 1.15 `tf.distribute.experimental.TPUStrategy`."""

    def __init__(self, *args: Any, **kwargs: Any):
        _refuse("TPUStrategy")


@export("contrib.distribute.CollectiveAllReduceStrategy")
class CollectiveAllReduceStrategy(Strategy):
    """As `MultiWorkerMirroredStrategy`. Source: TF 1.15 `tf.contrib.distribute.CollectiveAllReduceStrategy`."""

    def __init__(self, num_gpus_per_worker: int = 0, communication: Any = CollectiveCommunication.AUTO):
        super().__init__()
        if num_gpus_per_worker > 1:
            _refuse(f"CollectiveAllReduceStrategy on {num_gpus_per_worker} devices")
        self._extended = StrategyExtended(self)


class _Distribute(NamedTuple):
    train_distribute: Any = None
    eval_distribute: Any = None
    remote_cluster: Any = None


@export("contrib.distribute.DistributeConfig")
class DistributeConfig(_Distribute):
    """The strategies of an estimator. Source: TF 1.15 `tf.contrib.distribute.DistributeConfig`."""


# ---- where a program is


@export("distribute.get_strategy", "contrib.distribute.get_strategy")
def get_strategy() -> Any:
    """The strategy of the scope, or one that changes nothing. Source: TF 1.15 `tf.distribute.get_strategy`."""
    return _current().strategy


@export("distribute.has_strategy", "contrib.distribute.has_strategy", "contrib.distribute.has_distribution_strategy")
def has_strategy() -> bool:
    """True inside of a strategy's scope. Source: TF 1.15 `tf.distribute.has_strategy`."""
    return get_strategy() is not _default().strategy


@export("contrib.distribute.get_distribution_strategy")
def get_distribution_strategy() -> Any:
    """As `get_strategy`. Source: TF 1.15 `tf.contrib.distribute.get_distribution_strategy`."""
    return get_strategy()


@export("distribute.get_replica_context", "contrib.distribute.get_replica_context")
def get_replica_context() -> Any:
    """The replica that runs, or None between them. Source: TF 1.15 `tf.distribute.get_replica_context`."""
    return _current().replica


@export("distribute.in_cross_replica_context", "contrib.distribute.in_cross_replica_context")
def in_cross_replica_context() -> bool:
    """True in a scope outside of replicas. Source: TF 1.15 `tf.distribute.in_cross_replica_context`."""
    return _current().replica is None


@export("contrib.distribute.get_cross_replica_context")
def get_cross_replica_context() -> Any:
    """The strategy outside of replicas, else None. Source: TF 1.15 `tf.contrib.distribute.get_cross_replica_context`."""
    return get_strategy() if in_cross_replica_context() else None


@export("contrib.distribute.require_replica_context")
def require_replica_context(replica_ctx: Any) -> None:
    """Raises RuntimeError outside of a replica. Source: TF 1.15 `tf.contrib.distribute.require_replica_context`."""
    if _current().replica is not replica_ctx:
        raise RuntimeError("Need to be inside `replica_ctx`")


@export("distribute.experimental_set_strategy")
def experimental_set_strategy(strategy: Any) -> None:
    """A strategy for all that follows in this graph; None for none.

    Raises RuntimeError: inside of a scope. Source: TF 1.15 `tf.distribute.experimental_set_strategy`.
    """
    graph: Any = get_default_graph()
    held: Callable[[], Any] | None = graph.__dict__.pop("_distribution_held", None)
    if held is not None:
        held()
    if has_strategy():
        raise RuntimeError("Must not be called inside a `tf.distribute.Strategy` scope.")
    if strategy is not None:
        scopes = ExitStack()
        scopes.enter_context(strategy.scope())
        graph.__dict__["_distribution_held"] = scopes.close


@export("distribute.get_loss_reduction", "contrib.distribute.get_loss_reduction")
def get_loss_reduction() -> ReduceOp:
    """How the last loss was reduced. Source: TF 1.15 `tf.distribute.get_loss_reduction`."""
    last = getattr(get_default_graph(), "_last_loss_reduction", None)
    sums = (tf.losses.Reduction.SUM, "sum")
    return ReduceOp.SUM if last in sums else ReduceOp.MEAN
