"""`tf.train.SyncReplicasOptimizer`: gradients of several replicas are gathered, and their mean is applied once."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.structures import IndexedSlices
from retrograph.train.optimizer import Optimizer
from retrograph.train.session_manager import _ready
from retrograph.train.session_run_hook import SessionRunHook

_DEPRECATED = (
    "The `SyncReplicaOptimizer` class is deprecated. For synchrononous training, please use [Distribution "
    "Strategies](https://github.com/tensorflow/tensorflow/tree/master/tensorflow/contrib/distribute)."
)


@export("train.SyncReplicasOptimizer")
class SyncReplicasOptimizer(Optimizer):
    """Applies the mean of `replicas_to_aggregate` gradients by `opt`; each replica then takes a token and goes on.

    The replicas of one process are its threads, or its steps: with fewer replicas than gradients to gather, a replica
    computes several. The hook of `make_session_run_hook` starts the thread that applies.

    Raises: ValueError from `apply_gradients` without variables or without a global step.
    Source: TF 1.15 `tf.train.SyncReplicasOptimizer`.
    """

    @deprecated(_DEPRECATED, "tensorflow.python.training.sync_replicas_optimizer")
    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ):
        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        super().__init__(use_locking, name)
        get_logger().info(
            "SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s", replicas_to_aggregate, total
        )
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total
        self._tokens_per_step = max(total, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._gradients_applied = False
        self._global_step: Any = None
        self._sync_token_queue: Any = None
        self._chief_queue_runner: Any = None
        self._accumulator_list: list[tuple[Any, str]] = []

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.compute_gradients`: what the program does to a gradient, it does before replicas are averaged."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """The op of a replica: hands its gradients over and waits for a token, the new global step."""
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = global_step
        self._make_local_step(global_step)
        with tf.name_scope(None, self._name):
            handed_over, means = self._gather(pairs)
            with tf.device(global_step.device), tf.name_scope(""):
                update = self._opt.apply_gradients(means, global_step)
                self._sync_token_queue = _queue(-1, global_step.dtype.base_dtype, "sync_token_q")
                closing_queue = _queue(1, tf.int32, "dummy_queue")
                train_op = self._next_token(handed_over)
                self._chief_queue_runner = tf.train.QueueRunner(closing_queue, [self._tokens(update)])
            self.chief_init_op = tf.group(self.local_step_init_op, *self._step_setters())
        self._gradients_applied = True
        return train_op

    def _make_local_step(self, global_step: Any) -> None:
        tf.no_op()  # TF's anchor of the worker: names of later NoOps count it
        self._local_step = tf.Variable(
            initial_value=0,
            trainable=False,
            collections=[GraphKeys.LOCAL_VARIABLES],
            dtype=global_step.dtype.base_dtype,
            name="sync_rep_local_step",
        )
        self.local_step_init_op = tf.assign(self._local_step, global_step)
        self.ready_for_local_init_op = tf.report_uninitialized_variables(tf.global_variables())

    def _gather(self, pairs: list[tuple[Any, Any]]) -> tuple[list[Operation], list[tuple[Any, Any]]]:
        """(what hands the gradients over, (mean, variable))."""
        handed_over: list[Operation] = []
        means = []
        for gradient, variable in pairs:
            with tf.device(variable.device):
                mean = None if gradient is None else self._mean(gradient, variable, handed_over)
            means.append((mean, variable))
        return handed_over, means

    def _mean(self, gradient: Any, variable: Any, handed_over: list[Operation]) -> Any:
        name = f"{variable.name}/grad_accum"
        accumulator: Any
        if isinstance(gradient, Tensor):
            accumulator = tf.ConditionalAccumulator(gradient.dtype, shape=variable.get_shape(), shared_name=name)
            handed_over.append(accumulator.apply_grad(gradient, local_step=self._local_step))
            mean = accumulator.take_grad(self._replicas_to_aggregate)
        elif isinstance(gradient, IndexedSlices):
            accumulator = tf.SparseConditionalAccumulator(gradient.dtype, shape=(), shared_name=name)
            handed_over.append(accumulator.apply_indexed_slices_grad(gradient, local_step=self._local_step))
            mean = accumulator.take_indexed_slices_grad(self._replicas_to_aggregate)
        else:
            raise ValueError("Unknown grad type!")
        self._accumulator_list.append((accumulator, variable.device))
        return mean

    def _next_token(self, handed_over: list[Operation]) -> Tensor:
        with tf.control_dependencies(handed_over):
            token = self._sync_token_queue.dequeue()
        return tf.assign(self._local_step, token)  # type: ignore[no-any-return]

    def _tokens(self, update: Operation) -> Any:
        with tf.control_dependencies([update]):
            enqueue = self._enqueue_tokens(self._tokens_per_step)
        if self._variable_averages is None:
            return enqueue
        with tf.control_dependencies([enqueue]), tf.name_scope(""):
            return self._variable_averages.apply(self._variables_to_average)

    def _enqueue_tokens(self, count: int) -> Operation:
        tokens = tf.fill([count], self._global_step)
        return self._sync_token_queue.enqueue_many((tokens,))  # type: ignore[no-any-return]

    def _step_setters(self) -> list[Operation]:
        setters = []
        for accumulator, device in self._accumulator_list:
            with tf.device(device):
                setters.append(accumulator.set_global_step(self._global_step, name="SetGlobalStep"))
        return setters

    def get_chief_queue_runner(self) -> Any:
        """The `QueueRunner` that applies the means and hands out tokens. Raises: ValueError before `apply_gradients`."""
        if not self._gradients_applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """`opt.get_slot`."""
        return self._opt.get_slot(*args, **kwargs)

    def variables(self) -> list[Any]:
        """`opt.variables()`: the local step is not among them."""
        return self._opt.variables()

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """`opt.get_slot_names`."""
        return self._opt.get_slot_names(*args, **kwargs)

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """Puts tokens for the first steps into the queue: `replicas_to_aggregate` by default.

        Raises: ValueError before `apply_gradients`, or for fewer tokens than the first step needs.
        """
        if not self._gradients_applied:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)")
        if num_tokens <= 0:
            return tf.no_op(name="no_init_tokens")  # type: ignore[no-any-return]
        with tf.device(self._global_step.device), tf.name_scope(""):
            return self._enqueue_tokens(num_tokens)

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """The hook that initializes a replica; the chief's also starts the thread that applies."""
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)


def _queue(capacity: int, dtype: Any, name: str) -> Any:
    return tf.FIFOQueue(capacity, dtype, shapes=(), name=name, shared_name=name)


class _SyncReplicasOptimizerHook(SessionRunHook):
    """Initializes what a `SyncReplicasOptimizer` needs in a session."""

    def __init__(self, sync_optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int):
        self._sync_optimizer = sync_optimizer
        self._is_chief = is_chief
        self._num_tokens = num_tokens
        self._q_runner: Any = None
        self._init_tokens_op: Any = None

    def begin(self) -> None:
        """Raises: ValueError before `apply_gradients`."""
        optimizer = self._sync_optimizer
        if not optimizer._gradients_applied:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        self._ready_for_local_init_op = optimizer.ready_for_local_init_op
        self._local_init_op: Any = optimizer.chief_init_op if self._is_chief else optimizer.local_step_init_op
        if self._is_chief:
            self._q_runner = optimizer.get_chief_queue_runner()
            self._init_tokens_op = optimizer.get_init_tokens_op(self._num_tokens)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Raises: RuntimeError if global variables are not initialized."""
        ready, message = _ready(
            self._ready_for_local_init_op, session, "Model is not ready for SyncReplicasOptimizer local init."
        )
        if not ready:
            raise RuntimeError(
                "Init operations did not make model ready for SyncReplicasOptimizer local_init. Init op: "
                f"{self._local_init_op.name}, error: {message}"
            )
        session.run(self._local_init_op)
        if self._init_tokens_op is not None:
            session.run(self._init_tokens_op)
        if self._q_runner is not None:
            self._q_runner.create_threads(session, coord=coord, daemon=True, start=True)
