"""What Keras keeps for each graph (names, learning phase, variables to initialize), its settings, and its session."""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export, export_value
from retrograph.framework.graph import Graph

VERSION = export_value("keras.__version__", value="2.2.4-tf", attribute="VERSION")


class _Settings:
    """What `set_floatx` and its kin set, for all graphs."""

    floatx = "float32"
    epsilon = 1e-7
    image_data_format = "channels_last"
    manual_initialization = False


settings = _Settings()


class GraphState:
    """What Keras knows of one graph."""

    def __init__(self) -> None:
        self.counts: defaultdict[Any, int] = defaultdict(int)
        self.phase: Any = None
        self.has_inputs = False
        self.variables: dict[int, Any] = {}


def state_of(graph: Graph | None = None) -> GraphState:
    """The state of a graph, by default of the default graph."""
    held = (graph or get_default_graph()).__dict__
    found: GraphState | None = held.get("_keras_state")
    if found is None:
        found = held["_keras_state"] = GraphState()
    return found


# --- settings -----------------------------------------------------------------------------------------------------


@export("keras.backend.backend")
def backend() -> str:
    """`tensorflow`. Source: TF 1.15 `tf.keras.backend.backend`."""
    return "tensorflow"


@export("keras.backend.epsilon")
def epsilon() -> float:
    """The small number that keeps from dividing by 0, 1e-7 by default. Source: TF 1.15 `tf.keras.backend.epsilon`."""
    return settings.epsilon


@export("keras.backend.set_epsilon")
def set_epsilon(value: float) -> None:
    """Sets `epsilon`. Source: TF 1.15 `tf.keras.backend.set_epsilon`."""
    settings.epsilon = value


@export("keras.backend.floatx")
def floatx() -> str:
    """The name of the dtype of weights, `float32` by default. Source: TF 1.15 `tf.keras.backend.floatx`."""
    return settings.floatx


@export("keras.backend.set_floatx")
def set_floatx(value: str) -> None:
    """Sets `floatx`; ValueError for another than float16, float32, float64.

    Source: TF 1.15 `tf.keras.backend.set_floatx`.
    """
    if value not in ("float16", "float32", "float64"):
        raise ValueError("Unknown floatx type: " + str(value))
    settings.floatx = str(value)


@export("keras.backend.image_data_format")
def image_data_format() -> str:
    """`channels_last` (the default) or `channels_first`. Source: TF 1.15 `tf.keras.backend.image_data_format`."""
    return settings.image_data_format


@export("keras.backend.set_image_data_format")
def set_image_data_format(data_format: str) -> None:
    """Sets `image_data_format`; ValueError for an unknown one. Source: TF 1.15 `tf.keras.backend.set_image_data_format`."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError("Unknown data_format: " + str(data_format))
    settings.image_data_format = str(data_format)


@export("keras.backend.cast_to_floatx")
def cast_to_floatx(x: Any) -> np.ndarray:
    """The array as `floatx`. Source: TF 1.15 `tf.keras.backend.cast_to_floatx`."""
    return np.asarray(x, dtype=settings.floatx)


@export("keras.backend.manual_variable_initialization")
def manual_variable_initialization(value: bool) -> None:
    """Whether programs initialize variables themselves. Source: TF 1.15 `tf.keras.backend.manual_variable_initialization`."""
    settings.manual_initialization = value


# --- names --------------------------------------------------------------------------------------------------------


@export("keras.backend.get_uid")
def get_uid(prefix: str = "") -> int:
    """A number that counts the uses of a prefix in the graph, from 1. Source: TF 1.15 `tf.keras.backend.get_uid`."""
    counts = state_of().counts
    counts[prefix] += 1
    return counts[prefix]


@export("keras.backend.reset_uids")
def reset_uids() -> None:
    """Starts the names of the default graph anew. Source: TF 1.15 `tf.keras.backend.reset_uids`."""
    state_of().counts.clear()


def unique_object_name(base: str, zero_based: bool = False, avoid: Any = (), counts: Any = None) -> str:
    """`dense`, `dense_1`, ... if zero-based, else `dense_1`, `dense_2`, ...: unique in the default graph."""
    counts = state_of().counts if counts is None else counts
    key = ("", base)
    while True:
        if zero_based:
            number = counts[key]
            name = f"{base}_{number}" if number else base
            counts[key] += 1
        else:
            counts[key] += 1
            name = f"{base}_{counts[key]}"
        if name not in avoid:
            return name


# --- learning phase -----------------------------------------------------------------------------------------------


@export("keras.backend.learning_phase")
def learning_phase() -> Any:
    """What tells training (1) from testing (0): what was set, else a placeholder that is False by default.

    Source: TF 1.15 `tf.keras.backend.learning_phase`.
    """
    with tf.init_scope():
        state = state_of()
        if state.phase is None:
            with tf.name_scope(""):
                state.phase = tf.placeholder_with_default(False, shape=(), name="keras_learning_phase")
        return state.phase


@export("keras.backend.set_learning_phase")
def set_learning_phase(value: Any) -> None:
    """Fixes the learning phase of the default graph; ValueError for another value than 0 and 1.

    Source: TF 1.15 `tf.keras.backend.set_learning_phase`.
    """
    if value not in (0, 1):
        raise ValueError("Expected learning phase to be 0 or 1.")
    state_of().phase = value


@export("keras.backend.learning_phase_scope")
@contextmanager
def learning_phase_scope(value: Any) -> Iterator[None]:
    """The learning phase is `value` in the block. Source: TF 1.15 `tf.keras.backend.learning_phase_scope`."""
    before = state_of().phase
    set_learning_phase(value)
    try:
        yield
    finally:
        state_of().phase = before


def symbolic_phase() -> Any:
    """The placeholder of the learning phase, None if it is fixed or was never asked for."""
    phase = state_of().phase
    return phase if isinstance(phase, tf.Tensor) else None


# --- session ------------------------------------------------------------------------------------------------------


class _Sessions(threading.local):
    session: Any = None


_sessions = _Sessions()


def _graph_of(inputs: Any) -> Graph:
    return next((x.graph for x in inputs if hasattr(x, "graph")), None) or get_default_graph()


@export("keras.backend.get_session")
def get_session(op_input_list: Any = ()) -> Any:
    """The default session, else Keras' own for the graph; variables of Keras that have no value yet are initialized.

    Source: TF 1.15 `tf.keras.backend.get_session`.
    """
    session = tf.get_default_session()
    if session is None:
        graph = _graph_of(op_input_list)
        if _sessions.session is None or _sessions.session.graph is not graph:
            with graph.as_default():
                _sessions.session = tf.Session(config=tf.ConfigProto(allow_soft_placement=True))
        session = _sessions.session
    if not settings.manual_initialization:
        _initialize(session)
    return session


@export("keras.backend.set_session")
def set_session(session: Any) -> None:
    """Makes a session the one that Keras uses. Source: TF 1.15 `tf.keras.backend.set_session`."""
    _sessions.session = session


def _initialize(session: Any) -> None:
    """Initializes what Keras made in the session's graph, once, where it has no value yet."""
    with session.graph.as_default():
        pending = [v for v in _tracked(session.graph) if not getattr(v, "_keras_initialized", False)]
        if not pending:
            return
        known = session.run([tf.is_variable_initialized(v) for v in pending])
        for variable in pending:
            variable._keras_initialized = True
        wanting = [v for v, has_value in zip(pending, known, strict=True) if not has_value]
        if wanting:
            session.run(tf.variables_initializer(wanting))


def track_variable(variable: Any) -> None:
    """Remembers a variable that `get_session` shall initialize."""
    for part in variable if type(variable).__name__ == "PartitionedVariable" else [variable]:
        if not hasattr(part, "graph"):
            # What a custom getter gives may be anything; TF takes only what can be referred to weakly.
            weakref.ref(part)
        state_of(getattr(part, "graph", None) or get_default_graph()).variables[id(part)] = part


def _tracked(graph: Graph) -> list[Any]:
    return list(state_of(graph).variables.values())


@export("keras.backend.clear_session")
def clear_session() -> None:
    """Throws the default graph, its names and Keras' session away. Source: TF 1.15 `tf.keras.backend.clear_session`."""
    tf.reset_default_graph()
    _sessions.session = None
    learning_phase()
