"""`tensorflow.python.framework.function.Defun`: functions of declared types, inlined where they are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import retrograph as tf
from retrograph.autodiff.custom_gradient import _identities
from retrograph.autodiff.defun_definition import (
    attributes_of,
    check_output_names,
    hashed_name,
    trace,
)
from retrograph.framework import dtypes, nest
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.function_import import argument_types, function_of
from retrograph.framework.operation import Operation, Tensor
from retrograph.ops.inlined_function import effects_of
from retrograph.variables.traces import Traces

_NO_DEFAULTS = (
    "function with argument defaults or keywords arguments are not supported. {} has defaults {} and keywords {}."
)


def _check_arguments(func: Any, count: int | None) -> inspect.FullArgSpec:
    if not callable(func):
        raise ValueError(f"function {func} must be callable")
    spec = inspect.getfullargspec(func)
    if spec.varkw or spec.defaults:
        raise ValueError(_NO_DEFAULTS.format(func, spec.defaults, spec.varkw))
    least = len(spec.args) - inspect.ismethod(func)
    if count is not None and (count < least or (count > len(spec.args) and not spec.varargs)):
        raise ValueError("The function has fewer arguments than the number of specified input types.")
    return spec


class Defun:
    """A decorator: a function that takes tensors of the types given.

    `grad_func(*inputs, *grads)`, itself such a function, or `python_grad_func(op, *grads)` gives its gradient.
    Differs: calls make the function's operations in the graph, under a scope of its name.
    """

    def __init__(self, *input_types: Any, **kwargs: Any):
        self._types = tuple(dtypes.as_dtype(t) for t in input_types)
        self._options = kwargs

    def __call__(self, func: Any) -> DefinedFunction:
        """Raises ValueError: not callable, arguments with defaults, or too few or too many types."""
        spec = _check_arguments(func, len(self._types) or None)
        typed = bool(self._types) or not (spec.args or spec.varargs)
        return DefinedFunction(func, self._types if typed else None, **self._options)


class DefinedFunction:
    """A function whose calls make its operations in the current graph."""

    def __init__(
        self,
        func: Callable[..., Any],
        input_types: Sequence[Any] | None,
        func_name: str | None = None,
        grad_func: Any = None,
        python_grad_func: Any = None,
        out_names: Any = None,
        shape_func: Any = None,
        **kwargs: Any,
    ):
        self._func, self._types = func, input_types
        self._options, self._attrs = kwargs, attributes_of(kwargs)
        self._traced: Any = None
        self._traces = Traces()
        self._definition: Any = None
        self._has_name, self._out_names = bool(func_name), list(out_names or ())
        self._name: str = func_name or getattr(func, "__name__", type(func).__name__).strip("<>")
        self._grad_func, self._python_grad_func = grad_func, python_grad_func
        self._shape_func = shape_func
        self.__doc__ = getattr(func, "__doc__", None)

    @property
    def name(self) -> str:
        """The name given, else that of the Python function (and a number, if the types are declared)."""
        return self._name if self._has_name or self._types is None else str(self.definition.signature.name)

    def _trace(self) -> Any:
        if self._traced is None:
            if self._types is None:
                raise AttributeError(f"The types of the arguments of {self._name} are not declared")
            spec = inspect.getfullargspec(self._func)
            names = spec.args[inspect.ismethod(self._func) :]
            names += [f"{spec.varargs}{i}" for i in range(len(self._types) - len(names))]
            with self._traces.call(tuple(t.base_dtype for t in self._types)):
                self._traced = trace(self, self._func, names, self._types, self._options)
        return self._traced

    @property
    def definition(self) -> Any:
        """The function as a FunctionDef. Raises: AttributeError if the types are not declared."""
        if self._definition is None:
            made = self._trace().plain
            made.signature.name = self._name if self._has_name else hashed_name(self._name, made)
            self._definition = made
        return self._definition

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors from outside that the function takes."""
        return [] if self._func_is_definition else self._trace().captured_inputs

    @property
    def stateful_ops(self) -> list[tuple[str, str]]:
        """(name, type) of the operations in it that have effects."""
        return self._trace().stateful_ops  # type: ignore[no-any-return]

    _func_is_definition = False

    @property
    def declared_input_types(self) -> Any:
        """The types of the arguments, None if any are taken."""
        return self._types

    @property
    def grad_func_name(self) -> str | None:
        """The name of the function that gives the gradient."""
        return self._grad_func.name if self._grad_func else None

    @property
    def python_grad_func(self) -> Any:
        """The Python function that makes the gradient."""
        return self._python_grad_func

    def add_to_graph(self, g: Any) -> None:
        """Nothing to add. Raises ValueError if there are two gradients."""
        if self._grad_func and self._python_grad_func:
            raise ValueError(f"Gradient defined twice for function {self._name}")

    def _taken(self, args: Sequence[Any]) -> list[Tensor]:
        if self._types is None:
            return [convert_to_tensor(a) for a in args]
        if len(args) != len(self._types):
            raise ValueError(f"Expected number of arguments: {len(self._types)}, received: {len(args)}")
        return [convert_to_tensor(a, dtype=t) for a, t in zip(args, self._types, strict=True)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The operation, the tensor or the tensors that the function gives.

        Raises ValueError for another number of arguments, other keywords than `name`, or results that are None.
        """
        self.add_to_graph(None)
        name = kwargs.pop("name", None)
        if kwargs:
            raise ValueError(f"Unknown keyword arguments: {list(kwargs)}")
        inputs = self._taken(args)
        graph = get_default_graph()
        before, inlined = graph._last_id, graph._inlined
        made = self._inlined_call(graph, inputs, name)
        graph._inlined = inlined + graph._last_id - before - 1
        return made

    def _inlined_call(self, graph: Any, inputs: list[Tensor], name: Any) -> Any:
        before = len(graph._ops)
        with tf.name_scope(name or self._name) as scope:
            with self._traces.call(tuple(t.dtype.base_dtype for t in inputs)):
                result = self._func(*inputs)
            effects = effects_of(graph._ops[before:], graph._get_control_flow_context())
            if result is None or isinstance(result, Operation):
                return tf.group(*effects, *([] if result is None else [result]), name=scope)
            with tf.control_dependencies(effects):
                return self._outputs(inputs, result, scope)

    def _outputs(self, inputs: list[Tensor], result: Any, scope: str) -> Any:
        flat = list(result) if isinstance(result, (list, tuple)) else [result]
        if any(r is None for r in flat):
            raise ValueError(f"Function {self._name} can not return None.")
        check_output_names(self._out_names, len(flat))
        flat = [convert_to_tensor(r) for r in flat]
        if self._grad_func or self._python_grad_func:
            flat = _identities(flat, inputs, [], self._gradient_of(inputs, len(flat)))[: len(flat)]
        if len(flat) == 1:
            return tf.identity(flat[0], name=scope)
        return tf.identity_n(flat, name=scope)

    def _gradient_of(self, inputs: list[Tensor], count: int) -> Callable[..., list[Any]]:
        def gradient(op: Operation, *grads: Any) -> list[Any]:
            own = grads[:count]
            if self._grad_func:
                found = self._grad_func(*inputs, *own)
            else:
                seen = SimpleNamespace(inputs=inputs, outputs=list(op.outputs[:count]), graph=op.graph, name=op.name)
                found = self._python_grad_func(seen, *own)
            return [None] * count + (list(found) if isinstance(found, (list, tuple)) else nest.flatten(found))

        return gradient


class Declare:
    """A function known by name and types only; it cannot be called before it is defined, which here it never is."""

    def __init__(self, func_name: str, inputs: Any, outputs: Any):
        self.name, self._inputs, self._outputs = func_name, inputs, outputs

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        raise tf.errors.UnimplementedError(
            None, None, f"{self.name}: functions that are only declared cannot be called"
        )


def _from_definition(fdef: Any, grad_func: Any = None) -> DefinedFunction:
    """The function of a FunctionDef. Source: TF 1.15 `tensorflow.python.framework.function._from_definition`."""
    names = [arg.name for arg in fdef.signature.output_arg]
    made = DefinedFunction(
        function_of(fdef), argument_types(fdef), fdef.signature.name, grad_func=grad_func, out_names=names
    )
    made._definition, made._func_is_definition = fdef, True
    return made


def from_library(lib: Any) -> Any:
    """The functions of a FunctionDefLibrary, with their gradients.

    Raises ValueError: a gradient of or by a function that is not there; gradients in a circle.
    Source: TF 1.15 `tensorflow.python.framework.function.from_library`.
    """
    known = {f.signature.name: f for f in lib.function}
    gradient_of = {g.function_name: g.gradient_func for g in lib.gradient}
    for name in (name for g in lib.gradient for name in (g.function_name, g.gradient_func)):
        if name not in known:
            raise ValueError(f"FunctionDefLibrary missing '{name}' FunctionDef\n{lib}")
    made: dict[str, DefinedFunction] = {}
    while len(made) < len(known):
        ready = [n for n in known if n not in made and (n not in gradient_of or gradient_of[n] in made)]
        if not ready:
            raise ValueError(f"FunctionDefLibrary contains cyclic gradient functions!\n{lib}")
        made.update((n, _from_definition(known[n], made.get(gradient_of.get(n, "")))) for n in ready)
    return made.values()
