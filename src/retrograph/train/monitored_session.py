"""Monitored sessions: they initialize or restore by themselves, start queue runners, call hooks, and recover."""

from __future__ import annotations

import inspect
import sys
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from retrograph.framework import errors
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_collection, get_default_graph
from retrograph.framework.exports import export
from retrograph.platform import logging
from retrograph.runtime.config import RunMetadata, RunOptions
from retrograph.train import basic_session_run_hooks as hooks_module
from retrograph.train.coordinator import Coordinator
from retrograph.train.queue_runner import start_queue_runners
from retrograph.train.scaffold import Scaffold
from retrograph.train.session_manager import SessionManager
from retrograph.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunValues

_PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)
USE_DEFAULT = object()


def _either(by_steps: Any, by_secs: Any, steps: Any, secs: Any) -> tuple[Any, Any]:
    """Steps and seconds; if neither is given, the defaults."""
    if by_steps is USE_DEFAULT and by_secs is USE_DEFAULT:
        return steps, secs
    return (None if v is USE_DEFAULT else v for v in (by_steps, by_secs))  # type: ignore[return-value]


def _positive(value: Any) -> bool:
    return bool(value and value > 0)


@export("train.MonitoredTrainingSession")
def MonitoredTrainingSession(
    master: Any = "", is_chief: bool = True, checkpoint_dir: Any = None, scaffold: Any = None, hooks: Any = None,
    chief_only_hooks: Any = None, save_checkpoint_secs: Any = USE_DEFAULT, save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT, config: Any = None, stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100, max_wait_secs: float = 7200, save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: Any = None,
) -> MonitoredSession:  # fmt: skip
    """A session for training: saves checkpoints (every 600 s) and summaries (every 100 steps) into `checkpoint_dir`.

    Source: TF 1.15 `tf.train.MonitoredTrainingSession`.
    """
    summary_when = _either(save_summaries_steps, save_summaries_secs, 100, None)
    checkpoint_when = _either(save_checkpoint_steps, save_checkpoint_secs, None, 600)
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(worker, hooks or [], stop_grace_period_secs)
    all_hooks = list(chief_only_hooks or [])
    chief = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    folder = summary_dir or checkpoint_dir
    if folder:
        all_hooks += _summary_hooks(folder, scaffold, log_step_count_steps, *summary_when)
    if checkpoint_dir:
        all_hooks += _checkpoint_hooks(checkpoint_dir, scaffold, *checkpoint_when)
    return MonitoredSession(chief, [*all_hooks, *(hooks or ())], stop_grace_period_secs)


def _summary_hooks(folder: Any, scaffold: Any, count_steps: Any, steps: Any, secs: Any) -> list[Any]:
    found: list[Any] = []
    if _positive(count_steps):
        found.append(hooks_module.StepCounterHook(output_dir=folder, every_n_steps=count_steps))
    if _positive(steps) or _positive(secs):
        found.append(
            hooks_module.SummarySaverHook(scaffold=scaffold, save_steps=steps, save_secs=secs, output_dir=folder)
        )
    return found


def _checkpoint_hooks(folder: Any, scaffold: Any, steps: Any, secs: Any) -> list[Any]:
    if not (_positive(steps) or _positive(secs)):
        return []
    return [hooks_module.CheckpointSaverHook(folder, save_steps=steps, save_secs=secs, scaffold=scaffold)]


@export("train.SessionCreator")
class SessionCreator(metaclass=ABCMeta):
    """Makes sessions for `MonitoredSession`. Source: TF 1.15 `tf.train.SessionCreator`."""

    @abstractmethod
    def create_session(self) -> Any:
        """A new session, ready to run."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class _ScaffoldedCreator(SessionCreator):
    """Makes sessions by a session manager with the operations of a scaffold."""

    def __init__(self, scaffold: Any, master: Any, config: Any):
        self._scaffold = scaffold or Scaffold()
        self._session_manager: SessionManager | None = None
        self._master = master
        self._config = config

    def _get_session_manager(self) -> SessionManager:
        if self._session_manager is None:
            self._session_manager = SessionManager(
                local_init_op=self._scaffold.local_init_op,
                ready_op=self._scaffold.ready_op,
                ready_for_local_init_op=self._scaffold.ready_for_local_init_op,
                graph=get_default_graph(),
            )
        return self._session_manager


@export("train.ChiefSessionCreator")
class ChiefSessionCreator(_ScaffoldedCreator):
    """Makes sessions restored from a checkpoint or initialized. Source: TF 1.15 `tf.train.ChiefSessionCreator`."""

    def __init__(
        self, scaffold: Any = None, master: Any = "", config: Any = None, checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
    ):  # fmt: skip
        super().__init__(scaffold, master, config)
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_filename_with_path = checkpoint_filename_with_path

    def create_session(self) -> Any:
        """A new session."""
        scaffold = self._scaffold.finalize()
        return self._get_session_manager().prepare_session(
            self._master,
            saver=scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config,
            init_op=scaffold.init_op,
            init_feed_dict=scaffold.init_feed_dict,
            init_fn=scaffold.init_fn,
        )


@export("train.WorkerSessionCreator")
class WorkerSessionCreator(_ScaffoldedCreator):
    """Makes sessions of a model that the chief initializes. Source: TF 1.15 `tf.train.WorkerSessionCreator`."""

    def __init__(self, scaffold: Any = None, master: Any = "", config: Any = None, max_wait_secs: float = 30 * 60):
        super().__init__(scaffold, master, config)
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """A new session, as soon as the model is ready."""
        self._scaffold.finalize()
        manager = self._get_session_manager()
        return manager.wait_for_session(self._master, config=self._config, max_wait_secs=self._max_wait_secs)


class _StepContext:
    """What a function given to `run_step_fn` gets. Source: TF 1.15 `tf.train.MonitoredSession.StepContext`."""

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]):
        self._session = session
        self._run_with_hooks_fn = run_with_hooks_fn

    @property
    def session(self) -> Any:
        """The session, without hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """As `session.run`, with hooks."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the iterations, by StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class _CoordinatedSessionCreator(SessionCreator):
    """Makes sessions with queue runners started and hooks told."""

    def __init__(self, session_creator: Any, hooks: Sequence[Any], stop_grace_period_secs: float):
        self._session_creator = session_creator
        self._hooks = hooks
        self._stop_grace_period_secs = stop_grace_period_secs
        self.coord: Coordinator | None = None
        self.tf_sess: Any = None

    def create_session(self) -> Any:
        """A new session."""
        self.tf_sess = self._session_creator.create_session()
        # An error of the input's end must reach the program here: it is how many training loops end.
        self.coord = _strict_coordinator()
        if get_collection(GraphKeys.QUEUE_RUNNERS):
            start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        return _CoordinatedSession(
            _HookedSession(self.tf_sess, self._hooks), self.coord, self._stop_grace_period_secs
        )  # fmt: skip


def _strict_coordinator() -> Coordinator:
    coord = Coordinator()
    coord._clean_stop_exception_types = ()
    return coord


class _MonitoredSession:
    """What `MonitoredSession` and `SingularMonitoredSession` share."""

    StepContext = _StepContext
    _CoordinatedSessionCreator = _CoordinatedSessionCreator

    def __init__(
        self, session_creator: Any, hooks: Any, should_recover: bool, stop_grace_period_secs: float = 120
    ):  # fmt: skip
        self._graph_was_finalized = get_default_graph().finalized
        self._hooks = hooks or []
        for hook in self._hooks:
            hook.begin()
        self._coordinated_creator = _CoordinatedSessionCreator(
            session_creator or ChiefSessionCreator(), self._hooks, stop_grace_period_secs
        )
        creator = self._coordinated_creator
        self._sess: Any = _RecoverableSession(creator) if should_recover else creator.create_session()

    @property
    def graph(self) -> Any:
        """The graph; None once it is closed."""
        sess = self._tf_sess()
        return None if sess is None else sess.graph

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """One step: as `tf.Session.run`, with hooks. Source: TF 1.15 `tf.train.MonitoredSession.run`."""
        return self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls `step_fn(step_context)`, which runs what it wants, with hooks or without.

        Raises: ValueError: other arguments. Source: TF 1.15 `tf.train.MonitoredSession.run_step_fn`.
        """
        arguments = tuple(inspect.signature(step_fn).parameters)
        if inspect.ismethod(step_fn):
            arguments = ("self", *arguments)
        if arguments not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                f"`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's an instance method. Got {arguments} instead."
            )
        return self._sess.run_step_fn(step_fn, self._tf_sess(), run_with_hooks=None)

    def should_stop(self) -> bool:
        """Whether a hook or a thread asked for a stop. Source: TF 1.15 `tf.train.MonitoredSession.should_stop`."""
        return self._sess is None or self._sess.should_stop()

    def close(self) -> None:
        """Ends hooks, stops threads, closes the session. Source: TF 1.15 `tf.train.MonitoredSession.close`."""
        self._close_internal()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (errors.OutOfRangeError, StopIteration):
            exception_type = None
        self._close_internal(exception_type)
        return exception_type is None

    def _close_internal(self, exception_type: Any = None) -> None:
        try:
            if not exception_type:
                for hook in self._hooks:
                    hook.end(self._coordinated_creator.tf_sess)
        finally:
            self._close_session()

    def _close_session(self) -> None:
        try:
            if self._sess is None:
                raise RuntimeError("Session is already closed.")
            self._sess.close()
        finally:
            self._sess = None
            self._coordinated_creator.tf_sess = None
            self._coordinated_creator.coord = None
            if not self._graph_was_finalized:
                get_default_graph()._unsafe_unfinalize()

    def _is_closed(self) -> bool:
        return self._coordinated_creator.tf_sess is None

    def _tf_sess(self) -> Any:
        return self._coordinated_creator.tf_sess


@export("train.MonitoredSession")
class MonitoredSession(_MonitoredSession):
    """A session that initializes by itself, calls hooks, and starts again after AbortedError or UnavailableError.

    >>> step = tf.train.get_or_create_global_step()
    >>> count = tf.assign_add(step, 1)
    >>> with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=3)]) as sess:
    ...     while not sess.should_stop():
    ...         last = sess.run(count)

    OutOfRangeError and StopIteration end its block quietly. Source: TF 1.15 `tf.train.MonitoredSession`.
    """

    def __init__(self, session_creator: Any = None, hooks: Any = None, stop_grace_period_secs: float = 120):
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


@export("train.SingularMonitoredSession")
class SingularMonitoredSession(_MonitoredSession):
    """As `MonitoredSession`, without recovery. Source: TF 1.15 `tf.train.SingularMonitoredSession`."""

    def __init__(
        self, hooks: Any = None, scaffold: Any = None, master: Any = "", config: Any = None,
        checkpoint_dir: Any = None, stop_grace_period_secs: float = 120, checkpoint_filename_with_path: Any = None,
    ):  # fmt: skip
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session, without hooks."""
        return self._tf_sess()


class _WrappedSession:
    """A session around another, which adds something to `run`, `should_stop` or `close`."""

    def __init__(self, sess: Any):
        self._sess = sess
        self._wrapped_is_stoppable = isinstance(sess, _WrappedSession)

    @property
    def graph(self) -> Any:
        """The graph."""
        return self._sess.graph

    @property
    def sess_str(self) -> Any:
        """The target."""
        return self._sess.sess_str

    def should_stop(self) -> bool:
        """Whether this or a session inside wants to stop."""
        if self._check_stop() or not self._sess:
            return True
        return bool(self._wrapped_is_stoppable and self._sess.should_stop())

    def _check_stop(self) -> bool:
        return False

    def close(self) -> None:
        """Closes the session inside."""
        if not self._sess:
            return
        try:
            self._sess.close()
        except _PREEMPTION_ERRORS as error:
            logging.warning("An error occurred when attempting to close the session: %s", error)
        finally:
            self._sess = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs in the session inside."""
        return self._sess.run(*args, **kwargs)

    def run_step_fn(self, step_fn: Callable[..., Any], raw_session: Any, run_with_hooks: Any) -> Any:
        """Calls a step function."""
        return step_fn(_StepContext(raw_session, run_with_hooks or self.run))


class _RecoverableSession(_WrappedSession):
    """A session that is made anew after a preemption."""

    def __init__(self, sess_creator: Any):
        self._sess_creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> Any:
        while True:
            try:
                return self._sess_creator.create_session()
            except _PREEMPTION_ERRORS as error:
                _note_preemption("while a session was being created", error)

    def _check_stop(self) -> bool:
        try:
            return bool(self._sess._check_stop()) if self._sess else True
        except _PREEMPTION_ERRORS as error:
            _note_preemption("while considering whether the session is complete", error)
            self.close()
            self._sess = self._create_session()
            return False
        except Exception:
            # `should_stop` does not raise: the error comes from the next `run`, or from `close`.
            return True

    def _recovering(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return step()
            except _PREEMPTION_ERRORS as error:
                _note_preemption("in a step", error)
                self.close()
                self._sess = None

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs, as often as needed."""
        return self._recovering(
            lambda: self._sess.run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)
        )

    def run_step_fn(self, step_fn: Callable[..., Any], raw_session: Any, run_with_hooks: Any) -> Any:
        """Calls a step function, as often as needed."""
        return self._recovering(lambda: self._sess.run_step_fn(step_fn, raw_session, self._sess.run))


def _note_preemption(when: str, error: Exception) -> None:
    logging.info("An error was raised %s; a new session will be created. Error: %s", when, error)


class _CoordinatedSession(_WrappedSession):
    """A session that stops with a coordinator, and raises what its threads report."""

    def __init__(self, sess: Any, coord: Coordinator, stop_grace_period_secs: float = 120):
        super().__init__(sess)
        self._coord = coord
        self._stop_grace_period_secs = stop_grace_period_secs

    def _check_stop(self) -> bool:
        # An error reported by a thread comes out here.
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def close(self) -> None:
        """Stops the threads and closes the session."""
        self._coord.request_stop()
        try:
            self._coord.join(stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True)
        finally:
            # What the threads reported matters more.
            with suppress(Exception):
                super().close()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs; a preemption that a thread reported comes before the error that it caused here."""
        try:
            return self._sess.run(*args, **kwargs)
        except _PREEMPTION_ERRORS:
            raise
        except Exception as error:
            info = sys.exc_info()
            try:
                self._coord.raise_requested_exception()
            except _PREEMPTION_ERRORS:
                raise
            except Exception:
                raise error.with_traceback(info[2]) from None
            raise


class _HookedSession(_WrappedSession):
    """A session that calls hooks around each run."""

    def __init__(self, sess: Any, hooks: Sequence[Any]):
        super().__init__(sess)
        self._hooks = hooks
        self._should_stop = False

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs what the caller and the hooks want; gives the caller's results."""
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        wanted = {"caller": fetches}
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        options = options or RunOptions()
        feeds = self._call_hook_before_run(context, wanted, feed_dict, options)
        run_metadata = run_metadata or RunMetadata()
        outputs = super().run(fetches=wanted, feed_dict=feeds, options=options, run_metadata=run_metadata)
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(outputs.get(hook), options, run_metadata))
        self._should_stop = self._should_stop or context.stop_requested
        return outputs["caller"]

    def _call_hook_before_run(self, context: Any, wanted: dict[Any, Any], user_feeds: Any, options: Any) -> Any:
        feeds: dict[Any, Any] = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[hook] = request.fetches
            if request.feed_dict:
                _check_feeds(feeds, request.feed_dict, "Same tensor is fed by two hooks.")
                feeds.update(request.feed_dict)
            if request.options:
                _merge_run_options(options, request.options)
        if not feeds:
            return user_feeds
        _check_feeds(user_feeds or {}, feeds, "Same tensor is fed by a SessionRunHook and user.")
        return {**feeds, **(user_feeds or {})}


def _check_feeds(first: Any, second: Any, message: str) -> None:
    both = set(first.keys()) & set(second.keys())
    if both:
        raise RuntimeError(f"{message} Conflict(s): {list(both)}")


_LARGEST = ("trace_level", "timeout_in_ms", "inter_op_thread_pool")
_ANY = ("output_partition_graphs", "report_tensor_allocations_upon_oom")


def _merge_run_options(options: Any, incoming: Any) -> None:
    for field in (*_LARGEST, *_ANY):
        setattr(options, field, max(getattr(options, field), getattr(incoming, field)))
    watched = incoming.debug_options.debug_tensor_watch_opts
    if watched:
        options.debug_options.debug_tensor_watch_opts.extend(watched)
    if incoming.debug_options.reset_disk_byte_usage:
        options.debug_options.reset_disk_byte_usage = True
