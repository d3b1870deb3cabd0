"""Functions that bring their own gradient: `tf.custom_gradient`, `tf.recompute_grad`, `tf.grad_pass_through`."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import retrograph as tf
from retrograph.autodiff.registry import BACKPROPAGATED_ENUMS, RegisterGradient
from retrograph.framework import nest
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.operation import Operation, Tensor

_VARIABLE_OPS = ("VariableV2", "VarHandleOp")
_numbers = itertools.count(1)


@export("custom_gradient")
def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for `f(*x)` that returns `(y, grad_fn)`: calls give y, whose gradient is `grad_fn(*grad_ys)`.

    If `f` uses resource variables, `grad_fn` takes `variables=` as well and returns `(grad_xs, grad_variables)`.

    >>> @tf.custom_gradient
    ... def clipped(x):
    ...     return tf.identity(x), lambda dy: tf.clip_by_norm(dy, 1.0)

    Raises: ValueError for keyword arguments; TypeError if `grad_fn` cannot take the variables, or a variable made in
    `f` is no resource variable.
    Source: TF 1.15 `tf.custom_gradient`.
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError(
                "The custom_gradient decorator currently supports keywords arguments only when eager execution is "
                "enabled."
            )
        return _call(f, [tf.convert_to_tensor(x) for x in args])

    # Asked as a `grad_fn` whether it takes variables, it answers as `f`, not as one that takes any keywords.
    with suppress(ValueError, TypeError):
        decorated.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]
    return decorated


def _call(f: Callable[..., Any], args: list[Tensor]) -> Any:
    before = set(map(id, _known_variables()))
    result, grad_fn = f(*args)
    _refuse_references(v for v in _known_variables() if id(v) not in before)
    flat = nest.flatten(result)
    variables = get_dependent_variables(args, flat)
    _check_signature(grad_fn, variables)
    outputs = _identities(flat, args, variables, _gradient_of(grad_fn, len(flat), variables))
    return nest.pack_sequence_as(result, outputs[: len(flat)])


def _known_variables() -> list[Any]:
    scope = tf.get_variable_scope()
    return [*scope.global_variables(), *scope.local_variables()]


def _refuse_references(made: Any) -> None:
    for v in made:
        if v.op.type != "VarHandleOp":
            raise TypeError(
                "All variables used by a function wrapped with @custom_gradient must be `ResourceVariable`s. Ensure "
                "that no `variable_scope` is created with `use_resource=False`."
            )


def _dependent_variables(args: Sequence[Tensor], results: Sequence[Any]) -> list[Any]:
    """The trainable variables that `results` depend on by differentiable tensors, going back no further than `args`."""
    stops = {id(t) for t in args}
    seen: dict[Operation, None] = {}
    stack = [t.op for t in results if id(t) not in stops]
    while stack:
        op = stack.pop()
        if op not in seen:
            seen[op] = None
            inputs = (t for t in op.inputs if id(t) not in stops)
            stack.extend(t.op for t in inputs if t.dtype._base._enum in BACKPROPAGATED_ENUMS)
    by_name = {v.op.name: v for v in tf.global_variables()}
    found = [_variable_named(op.name, by_name) for op in seen if op.type in _VARIABLE_OPS]
    return [v for v in found if v.trainable]


def get_dependent_variables(input_ops: Any, output_ops: Any) -> list[Any]:
    """The trainable variables that lie between two structures of tensors.

    Source: TF 1.15 `custom_gradient.get_dependent_variables`.
    """
    # A result that is an argument itself would otherwise be where the search stops.
    outputs = [tf.identity(t) for t in nest.flatten(output_ops)]
    return _dependent_variables(nest.flatten(input_ops), outputs)


def _variable_named(name: str, by_name: dict[str, Any]) -> Any:
    if name not in by_name:
        raise ValueError(f"Unsuccessful at finding variable {name}.")
    return by_name[name]


def _check_signature(grad_fn: Callable[..., Any], variables: list[Any]) -> None:
    spec = inspect.getfullargspec(grad_fn)
    accepts = "variables" in spec.args or "variables" in spec.kwonlyargs or spec.varkw is not None
    if variables and not accepts:
        raise TypeError(
            "If using @custom_gradient with a function that uses variables, then grad_fn must accept a keyword "
            "argument 'variables'."
        )
    if variables or not accepts:
        return
    if not tf.get_variable_scope().use_resource:
        raise TypeError(
            "If using @custom_gradient with a function that uses variables, the enclosing variable scope must have "
            "use_resource=True."
        )
    get_logger().warning(
        "@custom_gradient grad_fn has 'variables' in signature, but no ResourceVariables were used on the forward pass."
    )


def _gradient_of(grad_fn: Callable[..., Any], count: int, variables: list[Any]) -> Callable[..., list[Any]]:
    """The gradient function of the IdentityN over results, arguments and variables."""

    def gradient(op: Operation, *grads: Any) -> list[Any]:
        if not variables:
            return [None] * count + nest.flatten(grad_fn(*grads[:count]))
        input_grads, variable_grads = grad_fn(*grads[:count], variables=variables)
        if len(variable_grads) != len(variables):
            raise ValueError("Must return gradient for each variable from @custom_gradient grad_fn.")
        return [None] * count + nest.flatten(input_grads) + list(variable_grads)

    return gradient


def _identities(flat: list[Any], args: list[Tensor], variables: list[Any], gradient: Callable[..., Any]) -> list[Any]:
    name = f"CustomGradient-{next(_numbers)}"
    RegisterGradient(name)(gradient)
    with get_default_graph().gradient_override_map({"IdentityN": name}):
        return list(tf.identity_n([*flat, *args, *_graph_values(variables)]))


def _graph_values(variables: list[Any]) -> list[Any]:
    """Resource variables by handle, so that their gradients arrive at the handles."""
    return [v.handle if v.op.type == "VarHandleOp" else v for v in variables]


@export("recompute_grad")
def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, which computes its inner values again for the backward pass instead of keeping them.

    Source: TF 1.15 `tf.recompute_grad`.
    """

    @custom_gradient
    def inner(*args: Any, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)

        def grad(*dresults: Any, variables: Any = None) -> Any:
            own = list(variables or ())
            with tf.control_dependencies([d for d in dresults if d is not None]):
                inputs = [tf.identity(x) for x in args]
                again = f(*inputs, **kwargs)
            grads = tf.gradients(nest.flatten(again), [*inputs, *own], grad_ys=list(dresults))
            return (grads[: len(args)], grads[len(args) :]) if own else grads

        # A gradient that announces `variables` must get some; whether there are any is known only now.
        used = _dependent_variables(args, nest.flatten(result))
        return result, grad if used else lambda *dresults: grad(*dresults)

    return inner


@export("grad_pass_through")
def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` in the forward pass, the identity in the backward pass.

    Source: TF 1.15 `tf.grad_pass_through`.
    """

    @custom_gradient
    def passing(*args: Any, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)

        def grad_with_variables(*grads: Any, variables: Any) -> Any:
            return grads, [None] * len(variables)

        used = _dependent_variables(args, nest.flatten(result))
        return result, grad_with_variables if used else lambda *grads: grads

    return passing
