"""`tf.make_template`: a function whose variables are made at its first call and shared afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from retrograph.framework import frames
from retrograph.framework.calling import plainly_refusing
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.deprecation import deprecated
from retrograph.framework.dtypes import float32
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.variables.capturing import Part, capturing
from retrograph.variables.scope import PureVariableScope, VariableScope, stack_of, variable_scope
from retrograph.variables.spec import ScopeDefaults

_NEW_TRAINABLE = (
    "Trainable variable created when calling a template after the first time, perhaps you used tf.Variable when you meant "
    "tf.get_variable: {}"
)
_NEW_OTHER = (
    "New variables created when calling a template after the first time, perhaps you used tf.Variable when you meant "
    "tf.get_variable: %s"
)


@export("make_template")
def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Template:
    """`func_` in a variable scope of its own: the first call makes the variables, the later ones share them.

    >>> scale = tf.make_template("scale", lambda x: x * tf.get_variable("w", []))
    >>> a, b = scale(1.0), scale(2.0)
    >>> scale.variables
    [<tf.Variable 'scale/w:0' shape=() dtype=float32_ref>]

    Raises ValueError: no name; a later call makes a trainable variable. Source: TF 1.15 `tf.make_template`.
    """
    if kwargs:
        func_ = functools.wraps(func_)(functools.partial(func_, **kwargs))
    return Template(name_, func_, create_scope_now_, unique_name_, custom_getter_)


def make_template_internal(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable[..., Any] | None = None,
    create_graph_function_: bool = False,
    **kwargs: Any,
) -> Template:
    """As `make_template`; `create_graph_function_` changes nothing, since functions are part of the graph here."""
    return make_template(name_, func_, create_scope_now_, unique_name_, custom_getter_, **kwargs)


def _from_fork(stack: frames.Stack, other: frames.Stack) -> frames.Stack:
    """The part of a stack (innermost first) in which it differs from another; its innermost frame at least."""
    found = [*frames.frames_of(stack)]
    count = len(found)
    for mine, theirs in zip(found[::-1], [*frames.frames_of(other)][::-1], strict=False):
        if mine != theirs:
            break
        count -= 1
    return tuple(part for frame in found[: count or 1] for part in frame)


@plainly_refusing
class Template:
    """What `tf.make_template` gives: call it."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        create_scope_now: bool = False,
        unique_name: str | None = None,
        custom_getter: Callable[..., Any] | None = None,
    ):
        if name is None:
            raise ValueError("name cannot be None.")
        self._func, self._name, self._unique_name, self._custom_getter = func, name, unique_name, custom_getter
        self._made_at = frames.capture()
        self._variable_scope = self._new_scope() if create_scope_now else None
        self._variables_created, self._first_call = False, True
        self._parts: dict[str, Any] = {}

    def _new_scope(self) -> VariableScope:
        stack = stack_of(get_default_graph())
        name = self._unique_name or stack.opened.unused(stack.current_scope.name, self._name)
        # In TF 1.15 such a scope starts with float32, whatever surrounds it.
        given = ScopeDefaults(custom_getter=self._custom_getter, dtype=float32)
        with PureVariableScope(name, given=given) as scope:
            return scope

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._variable_scope is not None:
            with variable_scope(self._variable_scope, reuse=not self._first_call):
                return self._call(args, kwargs)
        with variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._variable_scope = scope
            return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        try:
            if self._variables_created:
                return self._call_again(args, kwargs)
            return self._call_first(args, kwargs) if self._first_call else self._func(*args, **kwargs)
        except Exception as error:
            opening, *others = error.args or ("",)
            made_at = frames.formatted(_from_fork(self._made_at, frames.capture()))
            error.args = (f"{opening}\n\noriginally defined at:\n{made_at}", *others)
            raise

    def _call_first(self, args: Any, kwargs: Any) -> Any:
        self._first_call = False
        try:
            with capturing(self, self.variable_scope_name.rstrip("/"), self._parts):  # type: ignore[union-attr]
                result = self._func(*args, **kwargs)
        except BaseException:
            self._first_call = True
            raise
        self._variables_created = True
        return result

    def _call_again(self, args: Any, kwargs: Any) -> Any:
        graph = get_default_graph()
        trainable = graph.get_collection_ref(GraphKeys.TRAINABLE_VARIABLES)
        every = graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES)
        before = len(trainable), len(every)
        result = self._func(*args, **kwargs)
        if len(trainable) != before[0]:
            raise ValueError(_NEW_TRAINABLE.format(trainable[before[0] :]))
        if len(every) != before[1]:
            get_logger().info(_NEW_OTHER, every[before[1] :])
        return result

    @property
    def _checkpoint_dependencies(self) -> list[Part]:
        return [Part(name, part) for name, part in self._parts.items()]

    @property
    def name(self) -> str:
        """The name that was given."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function that was given."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The variable scope, None before the first call."""
        return self._variable_scope

    @property
    @deprecated(
        "The .var_scope property is deprecated. Please change your code to use the .variable_scope property",
        "tensorflow.python.ops.template",
        "2017-02-21",
    )
    def var_scope(self) -> VariableScope | None:
        """Deprecated: `variable_scope`."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the variable scope, with a slash at the end; None before the first call."""
        if self._variable_scope is None:
            return None
        name: str = self._variable_scope.name
        return name if not name or name[-1] == "/" else name + "/"

    def _variables_in(self, key: str) -> list[Any]:
        if not self._variables_created:
            return []
        return get_default_graph().get_collection(key, self.variable_scope_name)

    @property
    def variables(self) -> list[Any]:
        """The global and the local variables that it made."""
        return self.global_variables + self.local_variables

    @property
    def trainable_variables(self) -> list[Any]:
        """The trainable variables that it made."""
        return self._variables_in(GraphKeys.TRAINABLE_VARIABLES)

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The global variables that it made and that are not trainable."""
        trainable = set(self.trainable_variables)
        return [v for v in self.global_variables if v not in trainable]

    @property
    def global_variables(self) -> list[Any]:
        """The global variables that it made."""
        return self._variables_in(GraphKeys.GLOBAL_VARIABLES)

    @property
    def local_variables(self) -> list[Any]:
        """The local variables that it made."""
        return self._variables_in(GraphKeys.LOCAL_VARIABLES)

    weights = variables
    trainable_weights = trainable_variables
    non_trainable_weights = non_trainable_variables


# Error texts of TF show the class by this path.
Template.__module__ = "tensorflow.python.ops.template"
