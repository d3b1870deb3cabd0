"""`Session`: runs operations and evaluates tensors of a graph, and keeps the values of its variables."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from retrograph.framework import errors, sessions
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Operation, Tensor
from retrograph.runtime import allocator, devices, exits
from retrograph.runtime.config import ConfigProto, config_of_process
from retrograph.runtime.feeds import fed_value, flattened, in_bytes
from retrograph.runtime.fetches import Fetches, as_result, expand_feed
from retrograph.runtime.handles import TensorHandle
from retrograph.runtime.plan import Plan
from retrograph.runtime.repeats import UNLIKE, Repeat, key_of, repeat_of
from retrograph.runtime.resources import Resources, Waits
from retrograph.runtime.servers import find_server
from retrograph.runtime.timeline import Tracer

_PLAIN = (Tensor, Operation)
_UNLIMITED: Any = nullcontext()
_MAIN_THREAD = threading.main_thread().ident


class _Prepared:
    """A fetch argument with its plans by feeds."""

    __slots__ = ("fetches", "plans")

    def __init__(self, fetches: Fetches, plans: dict[Any, Plan]):
        self.fetches = fetches
        self.plans = plans


class BaseSession:
    """What `Session` and `InteractiveSession` share.

    Variables live in the session: `run` reads and updates them, many threads may call it. Source: TF 1.15 `BaseSession`.
    """

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None):
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if target is not None and not isinstance(target, (str, bytes)):
            raise TypeError(f"target must be a string, but got {type(target)}")
        if config is not None and not isinstance(config, ConfigProto):
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        allocator.keep_freed_memory()
        name = target.decode() if isinstance(target, bytes) else target
        self._server = find_server(name) if name and name != "local" else None
        if config is None and self._server is not None:
            config = self._server.config
        self._graph = graph if graph is not None else get_default_graph()
        self._target = target.encode() if isinstance(target, str) else target or b""
        self._config = config if config is not None else config_of_process()
        self._opened = False
        self._closed = False
        server = None if self._config.isolate_session_state else self._server
        self._lock = threading.RLock() if server is None else server.lock
        self._cells: dict[Any, Any] = {} if server is None else server.cells
        self._resources = Resources() if server is None else server.resources
        self._planning = threading.RLock()
        self._waits = Waits()
        self._tracer = Tracer()
        self._time_limit = self._config.operation_timeout_in_ms
        self._prepared: dict[Any, _Prepared] = {}
        self._prepared_version: Any = None
        # Plans by what is fetched, so that fetches in dicts, by name or as variables find theirs again.
        self._plans_of: dict[tuple[Any, ...], dict[Any, Plan]] = {}
        self._repeats: dict[Any, Repeat] = {}
        self._has_container = False
        exits.watch(self)
        self._placed = 0
        if self._config.log_device_placement:
            devices.print_devices(self._config)
        self._partial: dict[str, Any] = {}

    # ---- facts

    @property
    def graph(self) -> Graph:
        """The graph that this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef."""
        return self._graph.as_graph_def(add_shapes=self._config.graph_options.infer_shapes)

    @property
    def sess_str(self) -> bytes:
        """The target, as bytes."""
        return self._target

    def list_devices(self) -> list[Any]:
        """The devices that operations can be put on."""
        return devices.available(self._config)

    def close(self) -> None:
        """Frees what the session holds; it cannot run afterwards. Operations of other threads that wait are cancelled."""
        self._closed = True
        self._waits.close()
        with self._lock:
            if self._server is None or self._cells is not self._server.cells:
                self._cells.clear()
                self._resources.clear()
            self._prepared.clear()
            self._plans_of.clear()
            self._repeats.clear()

    def __del__(self) -> None:
        """Nothing to do: the state goes with the object."""

    def as_default(self) -> Any:
        """A context manager in which this is the default session (it stays open afterwards)."""
        return sessions.default_session(self)

    # ---- running

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs operations and gives the values of tensors, in the structure of `fetches`.

        `feed_dict` gives values of tensors (any tensor, by object or name). Raises RuntimeError: closed, or the graph is
        empty. TypeError, ValueError: wrong fetches or feeds. `tf.errors.OpError`: an operation failed; state is as before.
        Source: TF 1.15 `tf.Session.run`.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph._ops:
            raise RuntimeError("The Session graph is empty.  Add operations to the graph before calling run().")
        if threading.get_ident() != _MAIN_THREAD:
            exits.note_thread()
        plainly = options is None and run_metadata is None and not self._time_limit
        key = key_of(fetches, feed_dict) if plainly else None
        repeat = self._repeat(key) if key is not None else None
        if repeat is not None:
            done = repeat.run(self, feed_dict.values() if feed_dict else ())
            if done is not UNLIKE:
                return done
        tensors, values = self._fed(feed_dict) if feed_dict else ((), [])
        version = self._graph._version_of_edges
        prepared = self._prepare(fetches)
        wanted = prepared.fetches
        plan = prepared.plans.get(tensors)
        if plan is None:
            # One at a time: who ran first also takes from a queue first, however long either plan takes to make.
            with self._planning:
                plan = prepared.plans.get(tensors)
                if plan is None:
                    plan = prepared.plans[tensors] = self._plan(wanted, tensors)
        given = [in_bytes(v) if v.dtype.kind == "O" else v for v in values]
        results = plan.run(self, given) if plainly else self._run_watched(plan, given, options, run_metadata)
        named = key is not None and plan.lone_segment is not None and tuple(feed_dict or ()) == tensors
        if named and _cache_key(fetches) is not None:
            found = repeat_of(self, version, plan, wanted, values, repeat)
            if found is not None:
                self._repeats[key] = found
        results = [as_result(r) for r in results]
        for fetch, feed in plan.fed_fetches:
            results[fetch] = values[feed]
        for place in wanted.handles:
            results[place] = TensorHandle(results[place], wanted.tensors[place].op.inputs[0].dtype, self)
        return wanted.fill(results)

    def _run_watched(self, plan: Plan, values: list[Any], options: Any, run_metadata: Any) -> list[Any]:
        """The plan's results, in the time that options or the session's settings allow, recorded if they say so."""
        limit = self._time_limit if options is None else options.timeout_in_ms or self._time_limit
        with self._waits.limited(limit) if limit else _UNLIMITED:
            if run_metadata is not None:
                _begin(run_metadata, plan, options)
            traced = run_metadata is not None and options is not None and options.trace_level
            with self._tracer.recording(run_metadata) if traced else _UNLIMITED:
                return plan.run(self, values)

    def _repeat(self, key: tuple[Any, ...]) -> Repeat | None:
        """How an earlier run with this key was done, if such runs can be done again as they are."""
        try:
            return self._repeats.get(key)
        except TypeError:  # a fetch that is a structure
            return None

    def _prepare(self, fetches: Any) -> _Prepared:
        graph = self._graph
        # New operations leave plans as they are; new edges may not.
        version = graph._version_of_edges
        if version != self._prepared_version:
            self._prepared.clear()
            self._plans_of.clear()
            self._repeats.clear()
            self._prepared_version = version
        key = _cache_key(fetches)
        prepared = self._prepared.get(key) if key is not None else None
        if prepared is None:
            resolved = Fetches(graph, fetches)
            plans = self._plans_of.setdefault((*resolved.targets, None, *resolved.tensors), {})
            prepared = _Prepared(resolved, plans)
            if key is not None:
                self._prepared[key] = prepared
        return prepared

    def _plan(self, fetches: Fetches, tensors: tuple[Tensor, ...]) -> Plan:
        plan = Plan(self._graph, fetches.targets, fetches.tensors, tensors)
        whole = not self._config.graph_options.place_pruned_graph
        placed = self._graph._ops[self._placed :] if whole else plan.ops
        devices.check_placement(placed, self._config, self._server)
        if placed and self._config.log_device_placement:
            devices.print_placement(self._graph._ops if whole else plan.ops, self._config)
        self._placed = len(self._graph._ops)
        return plan

    def _fed(self, feed_dict: Any) -> tuple[tuple[Tensor, ...], list[Any]]:
        if feed_dict.__class__ is not dict and not isinstance(feed_dict, Mapping):
            raise TypeError("input must be a dictionary")
        graph, tensors, values = self._graph, [], []
        for key, value in flattened(feed_dict):
            if key.__class__ is Tensor and key._op._graph is graph:
                tensors.append(key)
                values.append(fed_value(graph, key, key, value))
                continue
            for subkey, subvalue in expand_feed(key, value):
                tensor = self._fed_tensor(subkey)
                tensors.append(tensor)
                values.append(fed_value(graph, tensor, subkey, subvalue))
        return tuple(tensors), values

    def _fed_tensor(self, key: Any) -> Tensor:
        if key.__class__ is Tensor and key._op._graph is self._graph:
            return key
        try:
            return self._graph.as_graph_element(key, allow_operation=False)  # type: ignore[no-any-return]
        except KeyError as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
        except Exception as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None

    # ---- callables and partial runs

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Callable[..., Any]:
        """A function of the values of `feed_list` (in order) that gives what `run(fetches)` gives.

        It also takes `options` and `run_metadata`, as `run` does. Source: TF 1.15 `tf.Session.make_callable`.
        """
        if feed_list is not None and not isinstance(feed_list, (list, tuple)):
            raise TypeError("`feed_list` must be a list or tuple.")
        tensors = [self._fed_tensor(f) for f in feed_list or ()]
        Fetches(self._graph, fetches)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.run(fetches, dict(zip(tensors, args, strict=False)), **kwargs)

        return call

    def _make_callable_from_options(self, callable_options: Any) -> Any:
        """A function of the values of the options' feeds that gives a list of what it fetches."""
        operations = [self._graph.get_operation_by_name(name) for name in callable_options.target]
        call = self.make_callable([list(callable_options.fetch), operations], list(callable_options.feed), True)
        given = callable_options.run_options if callable_options.HasField("run_options") else None

        def call_by_options(*args: Any, run_metadata: Any = None) -> Any:
            if len(args) != len(callable_options.feed):
                text = f"Expected {len(callable_options.feed)} feed tensors, but got {len(args)}"
                raise errors.InvalidArgumentError(None, None, text)
            return call(*args, options=given, run_metadata=run_metadata)[0]

        return call_by_options

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> str:
        """Prepares a run whose feeds come and fetches are taken step by step; gives its handle.

        Source: TF 1.15 `tf.Session.partial_run_setup`.
        """
        parsed = Fetches(self._graph, fetches)
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not parsed.elements:
            raise errors.InvalidArgumentError(None, None, "Must specify at least one target to fetch or execute.")
        handle = f"partial_run_{len(self._partial)}"
        allowed = [self._fed_tensor(f) for f in feeds or ()]
        self._partial[handle] = _PartialRun({*parsed.elements}, allowed)
        return handle

    def partial_run(self, handle: str, fetches: Any, feed_dict: Any = None) -> Any:
        """Goes on with a prepared run. Raises InvalidArgumentError: not set up, or over.

        Source: TF 1.15 `tf.Session.partial_run`.
        """
        state = self._partial.get(handle)
        if state is None or state.done:
            raise errors.InvalidArgumentError(None, None, "Must run 'setup' before performing partial runs!")
        parsed = Fetches(self._graph, fetches)
        tensors, values = self._fed(feed_dict) if feed_dict else ((), [])
        state.take(tensors, values, parsed.elements)
        return self.run(fetches, dict(state.values))


class _PartialRun:
    """What a partial run has been fed so far, and what may still be asked of it."""

    def __init__(self, fetches: set[Any], feeds: list[Tensor]):
        self.fetches = fetches
        self.fetched: set[Any] = set()
        self.feeds = feeds
        self.values: dict[Tensor, Any] = {}

    @property
    def done(self) -> bool:
        """Whether all has been fetched."""
        return self.fetches <= self.fetched

    def take(self, tensors: tuple[Tensor, ...], values: list[Any], elements: list[Any]) -> None:
        """Adds feeds and notes fetches; InvalidArgumentError for those that were not set up or came before."""
        for tensor in tensors:
            _check_stage("feed", "fed", tensor, self.feeds, self.values)
        for element in elements:
            _check_stage("fetch", "fetched", element, self.fetches, self.fetched)
        self.values.update(zip(tensors, values, strict=True))
        self.fetched.update(elements)


def _check_stage(kind: str, past: str, element: Any, allowed: Any, before: Any) -> None:
    if element not in allowed:
        raise errors.InvalidArgumentError(
            None, None, f"The {kind} {element.name} was not specified in partial_run_setup."
        )
    if element in before:
        raise errors.InvalidArgumentError(None, None, f"The {kind} {element.name} has already been {past}.")


def _cache_key(fetches: Any) -> Any:
    cls = fetches.__class__
    if cls in _PLAIN or cls is str:
        return fetches
    if (cls is list or cls is tuple) and all(f.__class__ in _PLAIN for f in fetches):
        return (cls, *fetches)
    return None


@export("Session")
class Session(BaseSession):
    """Runs operations of a graph.

    >>> with tf.Session() as sess:
    ...     sess.run(tf.constant(1.0) + 2.0)
    3.0

    As a context manager it is the default session, its graph the default graph, and it is closed at the end.
    Source: TF 1.15 `tf.Session`.
    """

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None):
        super().__init__(target, graph, config)
        self._entered: list[Any] = []

    def __enter__(self) -> Session:
        if self._entered:
            raise RuntimeError(
                "Session context managers are not re-entrant. Use `Session.as_default()` if you want to enter a session multiple times."
            )
        graph, session = self._graph.as_default(), self.as_default()
        graph.__enter__()
        session.__enter__()
        self._entered.append((graph, session))
        return self

    def __exit__(self, exc_type: Any, exc: Any, traceback: Any) -> None:
        if exc_type is errors.OpError:
            get_logger().error("Session closing due to error %s", exc)
        graph, session = self._entered.pop()
        session.__exit__(exc_type, exc, traceback)
        graph.__exit__(exc_type, exc, traceback)
        self.close()

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Clears what the sessions of a server share: values of variables, queues.

        Raises: UnimplementedError: only some `containers`. Source: TF 1.15 `tf.Session.reset`.
        """
        name = target.decode() if isinstance(target, bytes) else target
        if not name:
            return
        if containers:
            raise errors.UnimplementedError(None, None, "Session.reset of some containers is not supported")
        find_server(name).clear()


@export("InteractiveSession")
class InteractiveSession(BaseSession):
    """A session that is the default one from its construction until it is closed. Source: TF 1.15 `tf.InteractiveSession`."""

    _active_session_count = 0

    def __init__(self, target: Any = "", graph: Graph | None = None, config: Any = None):
        own = ConfigProto()
        if config is None:
            own.gpu_options.allow_growth = True
        super().__init__(target, graph, own if config is None and not target else config)
        own.CopyFrom(self._config)
        own.graph_options.place_pruned_graph = True
        self._config = own
        if InteractiveSession._active_session_count > 0:
            warnings.warn(
                "An interactive session is already active. This can cause out-of-memory errors in some cases. You must explicitly call `InteractiveSession.close()` to release "
                "resources held by the other session(s).",
                stacklevel=2,
            )
        InteractiveSession._active_session_count += 1
        self._default_session: Any = sessions.default_session(self, nested=False)
        self._default_session.__enter__()
        self._default_graph: Any = None
        if graph is not None:
            self._default_graph = graph.as_default()
            self._default_graph.__enter__()

    def close(self) -> None:
        """Closes the session and ends its being the default."""
        if not self._closed:
            InteractiveSession._active_session_count -= 1
        super().close()
        if self._default_graph is not None:
            self._default_graph.__exit__(None, None, None)
            self._default_graph = None
        if self._default_session is not None:
            self._default_session.__exit__(None, None, None)
            self._default_session = None


def _begin(run_metadata: Any, plan: Plan, options: Any) -> None:
    """Empties what a run tells about itself, and puts its operations there where that is asked for."""
    run_metadata.Clear()
    if options is not None and options.output_partition_graphs and plan.ops:
        names = {op.name for op in plan.ops}
        whole = plan.ops[0].graph.as_graph_def()
        part = run_metadata.partition_graphs.add()
        part.versions.CopyFrom(whole.versions)
        part.node.extend(node for node in whole.node if node.name in names)


@contextmanager
def temporary_session(graph: Graph) -> Iterator[Session]:
    """A session that is closed at the end of the block."""
    session = Session(graph=graph)
    try:
        yield session
    finally:
        session.close()
