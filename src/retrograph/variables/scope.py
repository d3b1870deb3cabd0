"""`tf.variable_scope`: where the names of shared variables come from, and what they inherit."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from retrograph.framework.calling import plainly_named, plainly_refusing
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph, graph_of_inputs
from retrograph.framework.deprecation import warn
from retrograph.framework.dtypes import DType, float32
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.graph_scopes import ScopeState, default_graph_stack
from retrograph.variables.opened import Opened, OpenedNames
from retrograph.variables.spec import (
    AUTO_REUSE,
    ScopeDefaults,
    VariableAggregation,
    VariableSpec,
    VariableSynchronization,
    settled,
)

_new = object.__new__
_STACK_KEY = ("__varscope",)
STORE_KEY = ("__variable_store",)


@export("no_regularizer")
def no_regularizer(_: Any) -> None:
    """A regularizer that adds nothing: hides an inherited one. Source: TF 1.15 `tf.no_regularizer`."""
    return


def _setting(field: str) -> property:
    def read(scope: VariableScope) -> Any:
        return getattr(scope._defaults, field)

    return property(read, doc=f"The `{field}` that variables of this scope get unless they say otherwise.")


def _setter(field: str) -> Any:
    def write(self: VariableScope, value: Any) -> None:
        self._defaults = self._defaults._replace(**{field: value})

    write.__name__, write.__doc__ = (
        f"set_{field}",
        f"Sets `{field}` for this scope object and for scopes opened in it from now on.",
    )
    return write


@export("VariableScope")
@plainly_named
@plainly_refusing
class VariableScope:
    """A place for shared variables: a prefix, `reuse`, and defaults. `tf.variable_scope` makes and gives them.

    >>> with tf.variable_scope("net") as scope:
    ...     scope.name, scope.original_name_scope
    ('net', 'net/')

    Source: TF 1.15 `tf.VariableScope`.
    """

    __slots__ = ("__dict__", "__weakref__", "_defaults", "_name", "_name_scope", "_reuse")

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ):
        self._name, self._name_scope, self._reuse = name, name_scope, reuse
        given = (initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint)
        self._defaults = _PLAIN if dtype is float32 and _all_none(given[:5] + given[6:]) else ScopeDefaults(*given)

    @classmethod
    def _of(cls, name: str, original_name_scope: str, reuse: Any, defaults: ScopeDefaults) -> VariableScope:
        made: VariableScope = _new(cls)
        made._name, made._name_scope, made._reuse, made._defaults = name, original_name_scope, reuse, defaults
        return made

    def _again(self, reuse: Any, given: ScopeDefaults | None) -> VariableScope:
        """This scope as it is opened again."""
        return VariableScope._of(self._name, self._name_scope, reuse or self._reuse, self._defaults.under(given))

    name: Any = property(attrgetter("_name"), doc="The prefix of its variables, without a slash at the end.")
    original_name_scope = property(
        attrgetter("_name_scope"),
        doc="The name scope that was opened when the scope was first entered, with a slash at the end.",
    )
    reuse = property(attrgetter("_reuse"), doc="True, AUTO_REUSE, False or None.")

    initializer = _setting("initializer")
    regularizer = _setting("regularizer")
    caching_device = _setting("caching_device")
    partitioner = _setting("partitioner")
    custom_getter = _setting("custom_getter")
    dtype = _setting("dtype")
    use_resource = _setting("use_resource")
    constraint = _setting("constraint")

    set_initializer = _setter("initializer")
    set_regularizer = _setter("regularizer")
    set_caching_device = _setter("caching_device")
    set_partitioner = _setter("partitioner")
    set_custom_getter = _setter("custom_getter")
    set_dtype = _setter("dtype")
    set_use_resource = _setter("use_resource")

    def reuse_variables(self) -> None:
        """From now on, this scope shares variables and makes no new ones."""
        self._reuse = True

    def get_collection(self, name: str) -> list[Any]:
        """The items of a collection whose names start with this scope's prefix."""
        collection: list[Any] = get_default_graph().get_collection(name, self._name + "/" if self._name else "")
        return collection

    def trainable_variables(self) -> list[Any]:
        """The trainable variables of this scope and the scopes in it."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def global_variables(self) -> list[Any]:
        """The global variables of this scope and the scopes in it."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Any]:
        """The local variables of this scope and the scopes in it."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def get_variable(
        self, var_store: Any, name: str, shape: Any = None, dtype: Any = None, initializer: Any = None,
        regularizer: Any = None, reuse: Any = None, trainable: bool | None = None, collections: Any = None,
        caching_device: Any = None, partitioner: Any = None, validate_shape: bool = True,
        use_resource: bool | None = None, custom_getter: Any = None, constraint: Any = None,
        synchronization: Any = VariableSynchronization.AUTO, aggregation: Any = VariableAggregation.NONE,
    ) -> Any:  # fmt: skip
        """The variable `name` of this scope in `var_store`: `tf.get_variable`, for a scope that need not be open."""
        defaults = self._defaults
        full_name = self._name + "/" + name if self._name else name
        if self._reuse and (defaults is _PLAIN or _is_plain_to_share(defaults)):
            if partitioner is None and custom_getter is None and (initializer is None or callable(initializer)):
                found = _shared_plainly(var_store, full_name, shape, dtype, synchronization, aggregation, reuse)
                if found is not None:
                    return found
        constant = dtype is not None and initializer is not None and not callable(initializer)
        synchronization, aggregation, trainable = settled(synchronization, aggregation, trainable, full_name)
        wanted = defaults.dtype if dtype is None else dtype
        spec = VariableSpec(
            full_name, shape,
            wanted._base if wanted.__class__ is DType else getattr(wanted, "base_dtype", wanted),
            defaults.initializer if initializer is None else initializer,
            defaults.regularizer if regularizer is None else regularizer,
            self._reuse if reuse is None else reuse, trainable, collections,
            defaults.caching_device if caching_device is None else caching_device,
            defaults.partitioner if partitioner is None else partitioner,
            validate_shape, defaults.use_resource if use_resource is None else use_resource,
            defaults.constraint if constraint is None else constraint,
            synchronization, aggregation,
        )  # fmt: skip
        if custom_getter is None:
            custom_getter = defaults.custom_getter
        state = get_default_graph()._states.current
        outside, state.name_stack = state.name_stack, None
        try:
            if constant:
                _check_constant_dtype(initializer, dtype)
            return var_store.get(spec, custom_getter)
        finally:
            state.name_stack = outside


# Error texts of TF show the class by this path.
VariableScope.__module__ = "tensorflow.python.ops.variable_scope"


def _shared_plainly(
    store: Any, name: str, shape: Any, dtype: Any, synchronization: Any, aggregation: Any, reuse: Any
) -> Any:
    """The variable there, where sharing it is the plain case that nothing can be wrong with; else None."""
    variables = store._vars
    found = variables.get(name)
    if (
        found is None
        or reuse is not None
        or synchronization is not VariableSynchronization.AUTO
        or aggregation is not VariableAggregation.NONE
        or name + "/part_0" in variables
    ):
        return None
    kind = found.dtype._base
    if dtype is not kind and (dtype is not None or kind is not float32):
        return None
    if shape is None:
        return found
    plain = tuple(shape) if shape.__class__ is list else shape
    return found if plain.__class__ is tuple and found._plain_shape == plain else None


_PLAIN = ScopeDefaults()


def _is_plain_to_share(defaults: ScopeDefaults) -> bool:
    """Whether a scope with these defaults shares variables as one without any: others matter to new ones only."""
    return (
        defaults.partitioner is None
        and defaults.custom_getter is None
        and defaults.dtype is float32
        and (defaults.initializer is None or callable(defaults.initializer))
    )


def _check_constant_dtype(initializer: Any, dtype: Any) -> None:
    own = convert_to_tensor(initializer).dtype.base_dtype
    if own != dtype:
        raise ValueError(f"Initializer type '{own}' and explicit dtype '{dtype}' don't match.")


class ScopeStack:
    """What a thread has open in a graph: the current scope, how often each name was opened, variable creators."""

    __slots__ = ("creators", "current_scope", "opened", "place", "was_entered")

    def __init__(self) -> None:
        self.current_scope = VariableScope(False)
        self.opened = OpenedNames()
        # The current scope's among the opened names, None for the root.
        self.place: Opened | None = None
        self.was_entered = False
        self.creators: list[Any] = []


class _ScopeStacks(threading.local):
    """The scope stack of a graph for each thread."""

    def __init__(self) -> None:
        self.current = ScopeStack()


def stack_of(graph: Graph) -> ScopeStack:
    """The scope stack of a graph (of the calling thread)."""
    held = graph._collections.get(_STACK_KEY)
    if not held:
        graph.add_to_collection(_STACK_KEY, _ScopeStacks())
        held = graph._collections[_STACK_KEY]
    stack: ScopeStack = held[0].current
    return stack


@export("get_variable_scope")
def get_variable_scope() -> VariableScope:
    """The variable scope that is open.

    >>> with tf.variable_scope("a"): tf.get_variable_scope().name
    'a'

    Source: TF 1.15 `tf.get_variable_scope`.
    """
    return stack_of(get_default_graph()).current_scope


class PureVariableScope:
    """A variable scope without its name scope; a context manager that gives the `VariableScope`."""

    __slots__ = ("_before", "_given", "_graph", "_name", "_original_name_scope", "_reopened", "_reuse")

    def __init__(self, name_or_scope: str | VariableScope, reuse: Any = None, given: ScopeDefaults | None = None):
        self._graph, self._reuse, self._given = get_default_graph(), reuse, given
        self._original_name_scope: str | None = None
        self._reopened: VariableScope | None = None
        self._before: Any = None
        self._settle(name_or_scope)

    def _settle(self, name_or_scope: Any) -> None:
        """Decides what is opened, now and at each time that this is entered again."""
        if name_or_scope.__class__ is not str and isinstance(name_or_scope, VariableScope):
            self._reopened, name_or_scope = name_or_scope._again(self._reuse, self._given), name_or_scope._name
        self._name = name_or_scope

    def __enter__(self) -> VariableScope:
        graph = self._graph
        stack = stack_of(graph)
        if not stack.was_entered:
            if STORE_KEY not in graph._collections:
                # In TF 1.15 the first scope of a graph makes its variable store.
                graph._check_not_finalized()
            stack.was_entered = True
        outer, outer_place, entered = stack.current_scope, stack.place, self._reopened
        if entered is None:
            entered = self._child(outer)
            stack.place = place = stack.opened.add(self._name, outer_place)
            mark = None
        else:
            stack.place = place = stack.opened.add(entered._name)
            mark = stack.opened.mark()
        if not entered._name:
            stack.place = None
        self._before = stack, outer, outer_place, entered, place, mark
        stack.current_scope = entered
        return entered

    def _child(self, outer: VariableScope) -> VariableScope:
        name, original, defaults = self._name, self._original_name_scope, outer._defaults
        # As `VariableScope._of` does, without a call: this runs for each scope that is opened.
        made: VariableScope = _new(VariableScope)
        made._name = outer._name + "/" + name if outer._name else name
        made._name_scope = name if original is None else original
        self._reuse = made._reuse = self._reuse or outer._reuse
        made._defaults = defaults if self._given is None and defaults is _PLAIN else defaults.under(self._given)
        return made

    def __exit__(self, *error: object) -> None:
        stack, outer, outer_place, entered, place, mark = self._before
        if stack.current_scope is not entered:
            raise RuntimeError("Improper nesting of variable_scope.")
        if mark is not None:
            stack.opened.restore(mark)
        elif place.below:
            stack.opened.forget_below(place)
        stack.current_scope, stack.place = outer, outer_place


@export("variable_scope")
@plainly_named
class variable_scope(PureVariableScope):
    """Opens a variable scope: a prefix for shared variables, and a name scope for operations.

    >>> with tf.variable_scope("net", initializer=tf.zeros_initializer()):
    ...     tf.get_variable("w", [2]).name
    'net/w:0'
    >>> with tf.variable_scope("net", reuse=True):
    ...     tf.get_variable("w").name
    'net/w:0'

    Raises TypeError, ValueError: as TF 1.15. Source: TF 1.15 `tf.variable_scope`.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_entries", "_scope_name", "_unsettled",
    )  # fmt: skip

    def __init__(
        self,
        name_or_scope: Any,
        default_name: str | None = None,
        values: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        reuse: Any = None,
        dtype: Any = None,
        use_resource: bool | None = None,
        constraint: Any = None,
        auxiliary_name_scope: bool = True,
    ):
        if name_or_scope is None and default_name is None:
            raise TypeError("If default_name is None then name_or_scope is required")
        if reuse is False:
            reuse = None
        if not (reuse is True or reuse is None or reuse is AUTO_REUSE):
            raise ValueError("The reuse parameter must be True or False or None.")
        self._graph = graph_of_inputs(values) if values else get_default_graph()
        if auxiliary_name_scope is not True and auxiliary_name_scope is not False:
            raise TypeError(f"The auxiliary_name_scope must be `True` or `False`, while get {auxiliary_name_scope}")
        self._reuse = reuse
        # Not `in` nor `count(None)` of a tuple: arrays compare element by element.
        if (
            initializer is None and regularizer is None and caching_device is None and partitioner is None
            and custom_getter is None and dtype is None and use_resource is None and constraint is None
        ):  # fmt: skip
            self._given = None
        else:
            self._given = ScopeDefaults(
                initializer, regularizer, caching_device, partitioner, custom_getter, dtype, use_resource, constraint
            )
        self._original_name_scope = self._reopened = self._before = None
        # For each time that this is entered, the last one first: the block of its graph, and the name scope outside.
        self._entries: Any = None
        # Its name and that of its name scope (None: it opens none); those of others are settled when they are entered.
        if name_or_scope.__class__ is str and auxiliary_name_scope:
            self._name, self._scope_name = name_or_scope, name_or_scope or None
        else:
            self._name = self._scope_name = None
            self._unsettled = name_or_scope, default_name, auxiliary_name_scope

    def __enter__(self) -> VariableScope:
        graph, graphs, manager = self._graph, default_graph_stack.stack, None
        state = graph._states.current
        if not graphs or graphs[-1] is not graph or state.hidden_devices:
            manager = graph.as_default()
            manager.__enter__()
        outside = state.name_stack
        try:
            if self._name is None:
                self._enter_first(state)
            elif self._scope_name is not None:
                self._open_name(state)
            entered = PureVariableScope.__enter__(self)
        except BaseException as error:
            state.name_stack = outside
            if manager is not None:
                manager.__exit__(type(error), error, error.__traceback__)
            raise
        self._entries = manager, state, outside, self._entries
        return entered

    def _enter_first(self, state: ScopeState) -> None:
        scope, default_name, auxiliary_name_scope = self._unsettled
        if isinstance(scope, str):
            opened = scope or None
        elif scope is None:
            if self._reuse:
                raise ValueError("reuse=True cannot be used without a name_or_scope")
            opened = default_name
        elif isinstance(scope, VariableScope):
            opened = scope._name.split("/")[-1] or None
        else:
            raise TypeError("VariableScope: name_or_scope must be a string or VariableScope.")
        if not auxiliary_name_scope:
            current = state.name_stack
            opened = current + "/" if current else ""
        self._scope_name = opened
        if opened is not None:
            self._open_name(state)
        if scope is None:
            stack = stack_of(self._graph)
            scope = stack.opened.unused(stack.current_scope._name, default_name or "")
        self._settle(scope)

    def _open_name(self, state: ScopeState) -> None:
        name = self._scope_name
        state.name_stack = opened = self._graph._opened_name(name, state.name_stack) if name else None
        if self._original_name_scope is None:
            self._original_name_scope = "" if opened is None else opened + "/"

    def __exit__(self, *error: Any) -> None:
        try:
            PureVariableScope.__exit__(self)
        finally:
            # A scope left out of order raises, and is then left once more.
            if self._entries is not None:
                manager, state, outside, self._entries = self._entries
                if self._scope_name is not None:
                    state.name_stack = outside
                if manager is not None:
                    manager.__exit__(*error)


def _all_none(values: tuple[Any, ...]) -> bool:
    # Not `values.count(None)`: arrays compare element by element.
    for value in values:  # noqa: SIM110 - a generator costs as much as the rest of entering a scope
        if value is not None:
            return False
    return True


@export("variable_op_scope")
@contextmanager
def variable_op_scope(
    values: Any, name_or_scope: Any, default_name: str | None = None, *arguments: Any, **settings: Any
) -> Iterator[VariableScope]:
    """`tf.variable_scope` with its arguments in the old order; deprecated. Source: TF 1.15 `tf.variable_op_scope`."""
    warn(
        "tf.variable_op_scope(values, name, default_name) is deprecated, use tf.variable_scope(name, default_name, values)"
    )
    with variable_scope(name_or_scope, default_name, values, *arguments, **settings) as scope:
        yield scope


@export("variable_creator_scope")
@contextmanager
def variable_creator_scope(variable_creator: Any) -> Iterator[None]:
    """In the block, `variable_creator(next_creator, **kwargs)` makes the variables. Source: TF 1.15 `tf.variable_creator_scope`.

    >>> with tf.variable_creator_scope(lambda make, **kwargs: make(**{**kwargs, "trainable": False})):
    ...     tf.Variable(1.0).trainable
    False
    """
    with _creator_scope(get_default_graph(), variable_creator):
        yield


@contextmanager
def _creator_scope(graph: Graph, variable_creator: Any) -> Iterator[None]:
    stack = stack_of(graph)
    outside, inside = stack.creators, [*stack.creators, variable_creator]
    stack.creators = inside
    try:
        yield
    finally:
        if stack.creators is not inside:
            raise RuntimeError("Exiting variable_creator_scope without proper nesting.")
        stack.creators = outside


# Libraries of the time open the scope by the graph.
Graph._variable_creator_scope = _creator_scope  # type: ignore[attr-defined]


def outermost_creator(make: Any) -> Any:
    """`make` behind the creators that are open, the innermost one first to be called."""
    for creator in stack_of(get_default_graph()).creators:
        make = functools.partial(creator, make)
    return make
