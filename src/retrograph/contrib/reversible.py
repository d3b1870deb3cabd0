"""`tf.contrib.layers`: reversible blocks, whose inputs are computed from their outputs, and layers computed again."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.autodiff.custom_gradient import custom_gradient, get_dependent_variables
from retrograph.contrib.arg_scoping import arg_scope, current_arg_scope
from retrograph.contrib.layer_parts import exported
from retrograph.framework import nest
from retrograph.layers.base_layer import Layer

_LAYER = re.compile(".*revlayer_([0-9]*)/([fg])/.*")
_BY_DEVICE = "__rev_block_lib_default"
_OTHER_VARIABLES = (
    "The variables used on recompute were different than the variables originally\n"
    "used. The function wrapped with @recompute_grad likley creates its own variable\n"
    "scope with a default name and has been called twice in the same enclosing scope.\n"
    "To fix, ensure each call to the function happens in its own unique variable\n"
    "scope.\n"
)


def _with_side(function: Callable[..., Any], x: Any, side: Any) -> Any:
    return function(x, side) if side else function(x)


def _forward(xs: Any, f: Any, g: Any, f_side: Any, g_side: Any, gate: bool) -> Any:
    x1, x2 = xs
    y1 = x1 + _with_side(f, x2, f_side)
    y2 = x2 + _with_side(g, y1, g_side)
    return tf.tuple([y1, y2]) if gate else (y1, y2)


def _backward(ys: Any, grad_ys: Any, f: Any, g: Any, f_vars: Any, f_side: Any, g_vars: Any, g_side: Any) -> Any:
    """((x1, x2), their gradients, (f's gradients by variables, by side inputs), (g's))."""
    (y1, y2), (grad_y1, grad_y2) = ys, grad_ys
    y1_stop = tf.stop_gradient(y1)
    g_side = [tf.stop_gradient(t) for t in g_side]
    gy1 = _with_side(g, y1_stop, g_side)
    x2 = y2 - gy1
    x2_stop = tf.stop_gradient(x2)
    f_side = [tf.stop_gradient(t) for t in f_side]
    fx2 = _with_side(f, x2_stop, f_side)
    x1 = y1 - fx2
    through_g = tf.gradients(gy1, y1_stop, grad_y2)[0]
    grad_x1 = grad_y1 + through_g
    grad_x2 = tf.gradients(fx2, x2_stop, grad_y1)[0] + grad_y2 + tf.gradients(fx2, x2_stop, through_g)[0]
    of_g = tf.gradients(gy1, g_vars + g_side, grad_y2)
    direct, indirect = (tf.gradients(fx2, f_vars + f_side, grad) for grad in (grad_y1, through_g))
    count = len(f_vars)
    of_f = _added(direct[:count], indirect[:count]), _added(direct[count:], indirect[count:])
    found = ((x1, x2), (grad_x1, grad_x2), of_f, (of_g[: len(g_vars)], of_g[len(g_vars) :]))
    return nest.pack_sequence_as(found, tf.tuple(nest.flatten(found)))


def _added(*lists: Sequence[Any]) -> list[Any]:
    """The sums of gradients at the same places, None where there are none."""
    given = [[g for g in grads if g is not None] for grads in zip(*lists, strict=True)]
    return [tf.add_n(grads) if grads else None for grads in given]


def _in_scope(function: Callable[..., Any], scope: str) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with tf.variable_scope(scope, use_resource=True):
            return function(*args, **kwargs)

    return wrapped


def _of_each_layer(function: Any, kind: str, count: int) -> list[Callable[..., Any]]:
    functions = function if isinstance(function, list) else [function] * count
    if len(functions) != count:
        raise AssertionError(f"`{kind}` has {len(functions)} functions for {count} layers.")
    return [_in_scope(fn, f"revlayer_{i}/{kind}") for i, fn in enumerate(functions)]


@exported("RevBlock")
class RevBlock(Layer):
    """Layers y1 = x1 + f(x2), y2 = x2 + g(y1), whose backward pass computes the inputs again.

    Source: TF 1.15 `tf.contrib.layers.RevBlock`.
    """

    def __init__(
        self, f: Any, g: Any, num_layers: int = 1, f_side_input: Any = None, g_side_input: Any = None,
        use_efficient_backprop: bool = True, name: str = "revblock", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.f, self.g = _of_each_layer(f, "f", num_layers), _of_each_layer(g, "g", num_layers)
        self.num_layers = num_layers
        self.f_side_input, self.g_side_input = f_side_input or [], g_side_input or []
        self._use_efficient_backprop = use_efficient_backprop

    def call(self, inputs: Any, forward: bool = True) -> Any:
        """The outputs for inputs, or (not `forward`) the inputs for outputs."""
        scope = tf.get_variable_scope()
        before = len(scope.global_variables())
        outputs = self._forward(*inputs) if forward else self._backward(*inputs)
        trained = {id(v) for v in scope.trainable_variables()}
        for variable in scope.global_variables()[before:]:
            kept = self._trainable_weights if id(variable) in trained else self._non_trainable_weights
            kept.append(variable)
        return outputs

    def forward(self, x1: Any, x2: Any) -> Any:
        """(y1, y2)."""
        return self.apply([x1, x2])

    def backward(self, y1: Any, y2: Any) -> Any:
        """(x1, x2)."""
        return self.apply([y1, y2], forward=False)

    def build(self, _: Any) -> None:
        """Nothing: the functions make their variables at the first call."""
        tf.logging.warn("RevBlock constructs its variables on first call, not on build.")
        self.built = True

    def _forward(self, x1: Any, x2: Any) -> Any:
        sides = [self.f_side_input, self.g_side_input]

        def computed(a: Any, b: Any, *flat: Any) -> Any:
            f_side, g_side = nest.pack_sequence_as(sides, list(flat))
            found = (a, b)
            for f, g in zip(self.f, self.g, strict=True):
                found = _forward(found, f, g, f_side, g_side, self._use_efficient_backprop)
            return tuple(found)

        @custom_gradient
        def with_gradient(*args: Any) -> Any:
            outputs = computed(*args)
            return outputs, functools.partial(self._gradient, args, outputs)

        return (with_gradient if self._use_efficient_backprop else computed)(x1, x2, *nest.flatten(sides))

    def _gradient(self, inputs: Any, ys: Any, *grad_ys: Any, variables: Any) -> Any:
        """(gradients by the inputs, by the variables), going back layer by layer."""
        places: dict[tuple[int, str], list[int]] = {}
        for i, variable in enumerate(variables):
            found = _LAYER.match(variable.name)
            if found is None:
                raise AssertionError(f"{variable.name} is in no layer of the block")
            places.setdefault((int(found.group(1)), found.group(2)), []).append(i)
        of_variables: list[Any] = [None] * len(variables)
        of_sides: dict[str, list[Any]] = {"f": [], "g": []}
        with tf.variable_scope(self.scope_name, reuse=True):
            for layer in reversed(range(self.num_layers)):
                own = {kind: places.get((layer, kind), []) for kind in "fg"}
                ys, grad_ys, *rest = _backward(
                    ys, grad_ys, self.f[layer], self.g[layer], [variables[i] for i in own["f"]], self.f_side_input,
                    [variables[i] for i in own["g"]], self.g_side_input,
                )  # fmt: skip
                for kind, (by_variable, by_side) in zip("fg", rest, strict=True):
                    of_sides[kind].append(by_side)
                    for i, grad in zip(own[kind], by_variable, strict=True):
                        of_variables[i] = grad
        sides = [grad for kind in "fg" for grad in _added(*of_sides[kind])]
        return [*grad_ys, *sides], of_variables

    def _backward(self, y1: Any, y2: Any) -> Any:
        for f, g in zip(reversed(self.f), reversed(self.g), strict=True):
            x2 = y2 - _with_side(g, y1, self.g_side_input)
            y1, y2 = y1 - _with_side(f, x2, self.f_side_input), x2
        return y1, y2


@exported("rev_block")
def rev_block(
    x1: Any, x2: Any, f: Any, g: Any, num_layers: int = 1, f_side_input: Any = None, g_side_input: Any = None,
    is_training: bool = True,
) -> Any:  # fmt: skip
    """(y1, y2) of a `RevBlock`. Source: TF 1.15 `tf.contrib.layers.rev_block`."""
    block = RevBlock(
        f=f, g=g, num_layers=num_layers, f_side_input=f_side_input, g_side_input=g_side_input,
        use_efficient_backprop=is_training, _reuse=tf.get_variable_scope().reuse,
    )  # fmt: skip
    return block.forward(x1, x2)


@exported("recompute_grad")
def recompute_grad(fn: Any = None, use_data_dep: Any = _BY_DEVICE, tupleize_grads: bool = False) -> Any:
    """A decorator (also with arguments): the function is computed again for the backward pass.

    Raises ValueError: it closes over tensors or variables, or uses other variables the second time.
    Source: TF 1.15 `tf.contrib.layers.recompute_grad`.
    """
    if fn is None:
        return functools.partial(recompute_grad, use_data_dep=use_data_dep, tupleize_grads=tupleize_grads)
    _refuse_closures(fn)

    @functools.wraps(fn)
    def wrapped(*args: Any) -> Any:
        if any(not isinstance(arg, tf.Tensor) for arg in args):
            raise ValueError("All inputs to function must be Tensors")
        return _recomputed(fn, args, use_data_dep is True, tupleize_grads)

    return wrapped


def _refuse_closures(fn: Any) -> None:
    cells = [cell.cell_contents for cell in fn.__closure__ or ()]
    for name, value in zip(fn.__code__.co_freevars, cells, strict=True):
        if isinstance(value, tf.Tensor | tf.Variable):
            raise ValueError(
                f"fn decorated with @recompute_grad closes over Tensor {value.name} (local variable name: {name}). "
                "The decorated fn must not close over Tensors or Variables because gradients will NOT be computed "
                "for them through fn. To ensure correct gradients, make the Tensor an input to fn."
            )


def _recomputed(fn: Any, args: Any, data_dependency: bool, tupled: bool) -> Any:
    told = "is_recomputing" in inspect.getfullargspec(fn).args

    @custom_gradient
    def computed(*inner: Any) -> Any:
        scope, arguments = tf.get_variable_scope(), current_arg_scope()
        outputs = fn(*inner, **({"is_recomputing": False} if told else {}))
        used = get_dependent_variables(inner, nest.flatten(outputs))

        def gradient(*grads: Any, variables: Any = ()) -> Any:
            inputs = [tf.identity(x) for x in args]
            with tf.control_dependencies([g for g in grads if g is not None]):
                if data_dependency:
                    inputs = _after_data(grads, inputs)
                with arg_scope(arguments), tf.variable_scope(scope, reuse=True):
                    again = fn(*inputs, **({"is_recomputing": True} if told else {}))
                if set(get_dependent_variables(inputs, nest.flatten(again))) != set(used):
                    raise ValueError(_OTHER_VARIABLES)
            found = tf.gradients(nest.flatten(again), inputs + list(variables), list(grads))
            if tupled:
                found = _after_data(found, found) if data_dependency else tf.tuple(found)
            return (found[: len(inputs)], found[len(inputs) :]) if used else found

        return outputs, gradient if used else lambda *grads: gradient(*grads)

    return computed(*args)


def _first_element(x: Any) -> Any:
    rank = x.get_shape().ndims
    if rank is None:
        raise ValueError(f"Rank of Tensor {x} must be known")
    begin, size = (tf.convert_to_tensor([value] * rank, dtype=tf.int32) for value in (0, 1))
    return tf.reshape(tf.slice(x, begin, size), [])


def _after_data(first: Any, then: Any) -> list[Any]:
    """The tensors of `then`, made to depend on the values of `first`."""
    total = tf.add_n([_first_element(x) for x in first if x is not None])
    if not total.dtype.is_floating:
        raise ValueError("_force_data_dependency only supports floating dtypes.")
    zero = tf.stop_gradient(np.finfo(total.dtype.as_numpy_dtype).tiny * total)
    return [None if x is None else tf.identity(x) + zero for x in then]
