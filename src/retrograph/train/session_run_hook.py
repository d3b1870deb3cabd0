"""Hooks: what programs have called around each step of a monitored session."""

from __future__ import annotations

from typing import Any, NamedTuple

from retrograph.framework.exports import export


@export("train.SessionRunHook", "estimator.SessionRunHook")
class SessionRunHook:
    """Base of hooks: override what is needed. Source: TF 1.15 `tf.train.SessionRunHook`."""

    def begin(self) -> None:
        """Called once before the session is made; the last chance to change the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called with each new session, also after a recovery; the graph is final."""

    def before_run(self, run_context: Any) -> Any:
        """Called before each step; may give `SessionRunArgs` to fetch and feed more."""
        return None

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Called after each step with the `SessionRunValues` of what was asked for; may request a stop."""

    def end(self, session: Any) -> None:
        """Called once at the end, unless it ends with an error."""


class _Args(NamedTuple):
    fetches: Any
    feed_dict: Any
    options: Any


@export("train.SessionRunArgs", "estimator.SessionRunArgs")
class SessionRunArgs(_Args):
    """What a hook adds to a step. Source: TF 1.15 `tf.train.SessionRunArgs`."""

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> SessionRunArgs:
        """Takes `feed_dict` and `options` as optional."""
        return super().__new__(cls, fetches, feed_dict, options)


class _Values(NamedTuple):
    results: Any
    options: Any
    run_metadata: Any


@export("train.SessionRunValues", "estimator.SessionRunValues")
class SessionRunValues(_Values):
    """What a step gave a hook. Source: TF 1.15 `tf.train.SessionRunValues`."""


@export("train.SessionRunContext", "estimator.SessionRunContext")
class SessionRunContext:
    """A step, as hooks see it. Source: TF 1.15 `tf.train.SessionRunContext`."""

    def __init__(self, original_args: Any, session: Any):
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> Any:
        """What the program asked for, as SessionRunArgs."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked for a stop."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Ends training after this step."""
        self._stop_requested = True
