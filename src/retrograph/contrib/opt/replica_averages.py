"""Optimizers of several workers that each train variables of their own and now and then meet at common ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation
from retrograph.train.optimizer import Optimizer
from retrograph.train.session_run_hook import SessionRunHook

_LOCAL, _GLOBAL = [tf.GraphKeys.LOCAL_VARIABLES], [tf.GraphKeys.GLOBAL_VARIABLES]
_CENTER = "global_center_variable"


def _parts(variable: Any, partitioner: Any) -> list[Any]:
    return [variable] if partitioner is None else list(variable)


class _TwinGetter:
    """A custom getter: a trainable variable is local, with a global one and another local one by its name."""

    _twin = ""

    def __init__(self, worker_device: Any):
        self._worker_device = worker_device
        self._global_map: dict[Any, Any] = {}
        self._twin_map: dict[Any, Any] = {}

    def __call__(self, getter: Any, name: str, trainable: Any, collections: Any, *args: Any, **kwargs: Any) -> Any:
        if not trainable:
            return self._untrained(getter, name, collections, *args, trainable=trainable, **kwargs)
        with tf.device(self._worker_device):
            local = getter(name, *args, trainable=True, collections=list(_LOCAL), **kwargs)
        if kwargs["reuse"] is True:
            return local
        center = getter(*args, name=f"{_CENTER}/{name}", trainable=False, collections=list(_GLOBAL), **kwargs)
        with tf.device(self._worker_device):
            twin = getter(*args, name=f"{self._twin}/{name}", trainable=False, collections=list(_LOCAL), **kwargs)
        columns = (_parts(variable, kwargs["partitioner"]) for variable in (local, twin, center))
        for own, other, common in zip(*columns, strict=True):
            self._twin_map[own], self._global_map[own] = other, common
        return local

    def _untrained(self, getter: Any, name: str, collections: Any, *args: Any, **kwargs: Any) -> Any:
        return getter(name, *args, collections=collections, **kwargs)


def _on_worker_if_local(device: Any, getter: Any, name: str, collections: Any, *args: Any, **kwargs: Any) -> Any:
    if collections and tf.GraphKeys.LOCAL_VARIABLES in collections:
        with tf.device(device):
            return getter(name, *args, collections=collections, **kwargs)
    return getter(name, *args, collections=collections, **kwargs)


@export("contrib.opt.AGNCustomGetter")
class AGNCustomGetter(_TwinGetter):
    """Makes the variables that `AGNOptimizer` wants. Source: TF 1.15 `tf.contrib.opt.AGNCustomGetter`."""

    _twin = "grad_variable"

    @property
    def _grad_map(self) -> dict[Any, Any]:
        return self._twin_map


@export("contrib.opt.ElasticAverageCustomGetter")
class ElasticAverageCustomGetter(_TwinGetter):
    """Makes the variables that `ElasticAverageOptimizer` wants.

    Source: TF 1.15 `tf.contrib.opt.ElasticAverageCustomGetter`.
    """

    _twin = "local_center_variable"

    @property
    def _local_map(self) -> dict[Any, Any]:
        return self._twin_map

    def _untrained(self, getter: Any, name: str, collections: Any, *args: Any, **kwargs: Any) -> Any:
        return _on_worker_if_local(self._worker_device, getter, name, collections, *args, **kwargs)


@export("contrib.opt.ModelAverageCustomGetter")
class ModelAverageCustomGetter:
    """Makes the variables that `ModelAverageOptimizer` wants.

    Source: TF 1.15 `tf.contrib.opt.ModelAverageCustomGetter`.
    """

    def __init__(self, worker_device: Any):
        self._worker_device = worker_device
        self._local_2_global: dict[Any, Any] = {}

    def __call__(self, getter: Any, name: str, trainable: Any, collections: Any, *args: Any, **kwargs: Any) -> Any:
        if not trainable:
            kwargs["trainable"] = trainable
            return _on_worker_if_local(self._worker_device, getter, name, collections, *args, **kwargs)
        with tf.device(self._worker_device):
            local = getter(name, *args, trainable=True, collections=list(_LOCAL), **kwargs)
        self._local_2_global[local] = tf.Variable(
            name=f"{_CENTER}/{name}",
            initial_value=local.initialized_value(),
            trainable=False,
            collections=list(_GLOBAL),
        )
        return local


class _Periodic(Optimizer):
    """Counts its own steps; something is done at each so many."""

    def __init__(self, optimizer: Optimizer, workers: int, period: int, use_locking: bool, name: str):
        super().__init__(use_locking, name)
        self._opt, self._num_worker, self._period = optimizer, workers, period
        self._local_step = tf.get_variable(initializer=0, trainable=False, collections=list(_LOCAL), name="local_step")
        self._opt._prepare()

    def _count(self) -> Operation:
        return tf.assign_add(self._local_step, 1, name="local_step_update").op  # type: ignore[no-any-return]

    def _is_due(self) -> Any:
        return tf.equal(tf.mod(self._local_step, self._period), 0)


class _InitHook(SessionRunHook):
    """Sets the variables of a worker when its session is made."""

    def __init__(self, is_chief: bool, init_op: Callable[[], Any]):
        self._is_chief, self._make = is_chief, init_op

    def begin(self) -> None:
        """Makes the operations."""
        self._local_init_op = tf.local_variables_initializer()
        self._global_init_op = tf.global_variables_initializer() if self._is_chief else None
        self._variable_init_op = self._make()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Sets the worker's variables to the common ones."""
        session.run(self._variable_init_op)


def _plus_one(global_step: Any) -> list[Any]:
    if global_step is None:
        return []
    with get_default_graph().colocate_with(global_step):
        return [tf.assign_add(global_step, 1)]


def _as_local(next_creator: Any, collections: Any = None, **kwargs: Any) -> Any:
    """Makes variables local that would be global."""
    if not collections:
        collections = list(_LOCAL)
    elif tf.GraphKeys.GLOBAL_VARIABLES in collections:
        collections = [*(c for c in collections if c != tf.GraphKeys.GLOBAL_VARIABLES), *_LOCAL]
    return next_creator(collections=collections, **kwargs)


@export("contrib.opt.AGNOptimizer")
class AGNOptimizer(_Periodic):
    """Adds gradients up locally; each `communication_period` steps their mean is applied to the common variables.

    Source: TF 1.15 `tf.contrib.opt.AGNOptimizer`.
    """

    def __init__(
        self, optimizer: Optimizer, num_worker: int, custom_getter: AGNCustomGetter, communication_period: int = 10,
        use_locking: bool = True, name: str = "AGNOptimizer",
    ):  # fmt: skip
        super().__init__(optimizer, num_worker, communication_period, use_locking, name)
        self._global_map, self._grad_map = custom_getter._global_map, custom_getter._grad_map

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """An operation for one step of this worker, and for the common one when it is due."""
        pairs = list(grads_and_vars)
        given = [(g, v) for g, v in pairs if g is not None]
        with tf.variable_creator_scope(_as_local):
            updates = [self._opt.apply_gradients(pairs)]
        updates += [tf.assign_add(self._grad_map[v], g) for g, v in given]
        local_vars = [v for _, v in given]
        with tf.control_dependencies([self._count()]):
            due = self._is_due()
        with tf.control_dependencies(updates):
            return tf.cond(due, lambda: self._meet(local_vars, global_step), tf.no_op)  # type: ignore[no-any-return]

    def _meet(self, local_vars: Sequence[Any], global_step: Any) -> Any:
        sums = [self._grad_map[v] for v in local_vars]
        means = [tf.assign(g, g / self._period) for g in sums]
        with tf.control_dependencies(means):
            applied = self._opt.apply_gradients(list(zip(sums, (self._global_map[v] for v in local_vars), strict=True)))
        with tf.control_dependencies([applied]):
            updates = _plus_one(global_step)
            updates += [tf.assign(v, self._global_map[v].read_value()) for v in local_vars]
            updates += [tf.assign(g, tf.zeros_like(g)) for g in sums]
            return tf.group(*updates)

    def get_init_op(self, task_index: int) -> Operation:
        """Sets the worker's variables to the common ones, and the sums to zero. Raises ValueError: there are none."""
        local_vars = tf.trainable_variables()
        pairs = [(v, self._global_map[v], self._grad_map[v]) for v in local_vars]
        if not pairs:
            raise ValueError(
                "The lists of local_variables, global_center_variables,grad_center_variables should not be empty"
            )
        sets = [tf.assign(v, common) for v, common, _ in pairs]
        return tf.group(*sets, *(tf.assign(g, tf.zeros_like(g)) for *_, g in pairs))  # type: ignore[no-any-return]

    def make_session_run_hook(self, is_chief: bool, task_index: int) -> SessionRunHook:
        """The hook that a worker's session needs."""
        return _InitHook(is_chief, lambda: self.get_init_op(task_index))


@export("contrib.opt.ElasticAverageOptimizer")
class ElasticAverageOptimizer(_Periodic):
    """Each `communication_period` steps the worker's variables and the common ones are drawn to each other.

    Source: TF 1.15 `tf.contrib.opt.ElasticAverageOptimizer`; Zhang et al., https://arxiv.org/abs/1412.6651.
    """

    BETA = 0.9

    def __init__(
        self, opt: Optimizer, num_worker: int, ea_custom_getter: ElasticAverageCustomGetter, communication_period: int = 10,
        moving_rate: float | None = None, rho: Any = None, use_locking: bool = True, synchronous: bool = False,
        name: str = "ElasticAverageOptimizer",
    ):  # fmt: skip
        self._local_map, self._global_map = ea_custom_getter._local_map, ea_custom_getter._global_map
        self._synchronous = synchronous
        self._moving_rate = self.BETA / communication_period / num_worker if moving_rate is None else moving_rate
        rate: Any = getattr(opt, "_learning_rate", None)
        self._rho = self._moving_rate / rate if rho is None else rho
        super().__init__(opt, num_worker, communication_period, use_locking, name)

    def compute_gradients(
        self, loss: Any, var_list: Any = None, gate_gradients: int = Optimizer.GATE_OP, aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False, grad_loss: Any = None,
    ) -> Any:  # fmt: skip
        """Gradients of the loss and of how far the variables are from those that were common."""
        var_list = var_list or tf.trainable_variables()
        centers = [self._local_map[v] for v in var_list]
        apart = [tf.subtract(v, center) for v, center in zip(tf.trainable_variables(), centers, strict=False)]
        total = loss + self._rho * tf.add_n([tf.nn.l2_loss(one) for one in apart])
        return self._opt.compute_gradients(
            total, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss
        )

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """An operation for one step of this worker, and for the common one when it is due."""
        pairs = list(grads_and_vars)
        before = {v.op.name for v in tf.global_variables()}
        applied = self._opt.apply_gradients(pairs)
        with tf.control_dependencies([applied]):
            counted = self._count()
        _make_local({v.op.name for v in tf.global_variables()} - before)
        local_vars = [v for g, v in pairs if g is not None]
        with tf.control_dependencies([counted]):
            return tf.cond(self._is_due(), lambda: self._meet(local_vars, global_step), tf.no_op)  # type: ignore[no-any-return]

    def _meet(self, local_vars: Sequence[Any], global_step: Any) -> Any:
        commons, centers = [self._global_map[v] for v in local_vars], [self._local_map[v] for v in local_vars]
        learnt = [center.assign(common) for center, common in zip(centers, commons, strict=True)]
        with tf.control_dependencies(learnt):
            apart = [self._on(v, tf.subtract, v, center) for v, center in zip(local_vars, centers, strict=True)]
            updates = [self._on(v, self._moved, tf.assign_sub, v, d) for v, d in zip(local_vars, apart, strict=True)]
            updates += [self._on(v, self._moved, tf.assign_add, v, d) for v, d in zip(commons, apart, strict=True)]
            updates += _plus_one(global_step)
        return tf.group(*updates)

    @staticmethod
    def _on(place: Any, make: Callable[..., Any], *args: Any) -> Any:
        with tf.device(place.device):
            return make(*args)

    def _moved(self, assign: Callable[..., Any], variable: Any, apart: Any) -> Any:
        return assign(variable, tf.multiply(self._moving_rate, apart))

    def get_init_op(self, task_index: int) -> Operation:
        """Sets the worker's variables to the common ones. Raises ValueError: there are none."""
        local_vars = tf.trainable_variables()
        if not local_vars:
            raise ValueError(
                "The lists of local_variables, global_center_variables, local_center_variables should not be empty  "
            )
        sets = []
        for v in local_vars:
            common = self._global_map[v]
            sets += [tf.assign(v, common), tf.assign(self._local_map[v], common)]
        init = tf.group(*sets)
        return self._together(init, task_index) if self._synchronous else init  # type: ignore[no-any-return]

    def _together(self, init: Operation, task_index: int) -> Any:
        """Waits until all workers have come so far."""
        queues = [
            tf.FIFOQueue(self._num_worker, [tf.bool], shapes=[[]], shared_name=f"variable_init_sync_queue{i}")
            for i in range(self._num_worker)
        ]
        token = tf.constant(False)
        with tf.control_dependencies([init]):
            done = [tf.no_op() if i == task_index else queue.enqueue(token) for i, queue in enumerate(queues)]
        return tf.group(*done, queues[task_index].dequeue_many(len(queues) - 1))

    def make_session_run_hook(self, is_chief: bool, task_index: int) -> SessionRunHook:
        """The hook that a worker's session needs."""
        return _InitHook(is_chief, lambda: self.get_init_op(task_index))

    def swapping_saver(self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any) -> Any:
        """A `tf.train.Saver` that saves the common variables by the names of the worker's.

        Raises RuntimeError: there are no common variables.
        """
        if not self._global_map:
            raise RuntimeError(
                "global_center_variable is empty, please make sure this is called after model created and "
                "ElasticAverageCustomGetter is used when declaring you model"
            )
        given = tf.trainable_variables() if var_list is None else var_list
        by_name = given if isinstance(given, dict) else {v.op.name: v for v in given}
        return tf.train.Saver({key: self._common(v) for key, v in by_name.items()}, name=name, **kwargs)

    def _common(self, variable: Any) -> Any:
        if isinstance(variable, list):
            return [self._global_map.get(v, v) for v in variable]
        return self._global_map.get(variable, variable)


def _make_local(names: set[str]) -> None:
    """Variables of these names become local ones."""
    found = tf.get_default_graph().get_collection_ref(tf.GraphKeys.GLOBAL_VARIABLES)
    for variable in [v for v in found if v.op.name in names]:
        tf.add_to_collection(tf.GraphKeys.LOCAL_VARIABLES, variable)
    found[:] = [v for v in found if v.op.name not in names]


@export("contrib.opt.ModelAverageOptimizer")
class ModelAverageOptimizer(_Periodic):
    """Each `interval_steps` steps the mean of all workers' variables becomes those of all.

    Source: TF 1.15 `tf.contrib.opt.ModelAverageOptimizer`.
    """

    def __init__(
        self, opt: Optimizer, num_worker: int, is_chief: bool, ma_custom_getter: ModelAverageCustomGetter,
        interval_steps: int = 100, use_locking: bool = True, name: str = "ModelAverageOptimizer",
    ):  # fmt: skip
        super().__init__(opt, num_worker, interval_steps, use_locking, name)
        self._is_chief, self._local_2_global = is_chief, ma_custom_getter._local_2_global
        self._accumulator_list: list[tuple[Any, str]] = []
        self._chief_init_op: Any = None

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.compute_gradients`."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Operation:
        """An operation for one step of this worker, and for the common one when it is due.

        Raises ValueError: no variables, or no global step.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required")
        applied = self._opt.apply_gradients(pairs)
        with tf.control_dependencies([applied]):
            counted = self._count()
        local_vars = [v for g, v in pairs if g is not None]
        with tf.control_dependencies([counted]):
            due = self._is_due()
            step: Operation = tf.cond(due, lambda: self._meet(local_vars, global_step), tf.no_op)
        self._chief_init_op = tf.group(*(self._begun(global_step, *one) for one in self._accumulator_list))
        return step

    @staticmethod
    def _begun(global_step: Any, accumulator: Any, place: str) -> Any:
        with tf.device(place):
            return accumulator.set_global_step(global_step, name="SetGlobalStep")

    def _meet(self, local_vars: Sequence[Any], global_step: Any) -> Any:
        commons = [self._local_2_global[v] for v in local_vars]
        with get_default_graph().colocate_with(global_step):
            queue = tf.FIFOQueue(-1, [tf.bool], shapes=[[]], shared_name="sync_queue")
        with tf.name_scope(None, f"{self._name}/global"):
            pairs = [self._summed(v, common, global_step) for v, common in zip(local_vars, commons, strict=True)]
        given, means = [a for a, _ in pairs], [b for _, b in pairs]
        if self._is_chief:
            met = self._spread(queue, given, list(zip(commons, means, strict=True)), global_step)
        else:
            with tf.control_dependencies(given), tf.device(global_step.device):
                met = queue.dequeue()
        with tf.control_dependencies([met]):
            return self._learn(local_vars)

    def _summed(self, variable: Any, common: Any, global_step: Any) -> tuple[Any, Any]:
        with tf.device(common.device):
            value = variable._ref()
            if not isinstance(value, tf.Tensor):
                raise ValueError("Unknown local variable type!")
            shared = f"{common.name}/var_accum"
            accumulator = tf.ConditionalAccumulator(variable.dtype, shape=variable.get_shape(), shared_name=shared)
            self._accumulator_list.append((accumulator, common.device))
            applied = accumulator.apply_grad(value, local_step=global_step)
            return applied, accumulator.take_grad(self._num_worker)

    def _spread(self, queue: Any, given: list[Any], pairs: list[tuple[Any, Any]], global_step: Any) -> Any:
        with tf.control_dependencies(given):
            updates = []
            for common, mean in pairs:
                with tf.device(common.device):
                    updates.append(tf.assign(common, mean))
            with tf.device(global_step.device):
                updates.append(tf.assign_add(global_step, 1))
        with tf.control_dependencies(updates), tf.device(global_step.device):
            return queue.enqueue_many(tf.fill([self._num_worker - 1], tf.constant(False)))

    def _learn(self, var_list: Sequence[Any]) -> Operation:
        if not var_list:
            raise ValueError("The list of local_variables should not be empty")
        updates = []
        for v in var_list:
            with tf.device(v.device):
                updates.append(tf.assign(v, self._local_2_global[v].read_value()))
        return tf.group(*updates)  # type: ignore[no-any-return]

    def get_init_op(self) -> Operation:
        """Sets the worker's variables to the common ones. Raises ValueError: there are none."""
        return self._learn(tf.trainable_variables())

    def make_session_run_hook(self) -> SessionRunHook:
        """The hook that a worker's session needs."""
        return _ModelAverageHook(self._is_chief, self)


class _ModelAverageHook(_InitHook):
    def __init__(self, is_chief: bool, optimizer: ModelAverageOptimizer):
        super().__init__(is_chief, optimizer.get_init_op)
        self._optimizer = optimizer

    def begin(self) -> None:
        """Makes the operations."""
        super().begin()
        if self._is_chief:
            self._chief_init_op = self._optimizer._chief_init_op

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Nothing: TF's hook only makes the operations."""
