"""`tensorflow.python.ops.functional_ops`: branches, loops and calls of functions, whose operations are made in the graph."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.operation import Operation


def _listed(result: Any) -> list[Any]:
    if result is None or isinstance(result, Operation):
        return []
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _truth(value: Any) -> Any:
    """A number that is not zero, a text that is not empty, or a tensor that is not empty is true."""
    value = tf.convert_to_tensor(value)
    if value.shape.ndims:
        return tf.not_equal(tf.size(value), 0)
    if value.dtype == tf.bool:
        return value
    return tf.not_equal(value, "" if value.dtype == tf.string else tf.zeros_like(value))


def If(cond: Any, inputs: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> list[Any]:
    """What one of two functions gives for the inputs. Source: TF 1.15 `tensorflow.python.ops.functional_ops.If`."""
    with tf.name_scope(name, "If"):
        taken = [tf.convert_to_tensor(x) for x in inputs]
        found = tf.cond(_truth(cond), lambda: _listed(then_branch(*taken)), lambda: _listed(else_branch(*taken)))
    return _listed(found)


def _check_types(cond: Any, body: Any) -> None:
    if getattr(cond, "captured_inputs", None):
        raise ValueError("While op 'cond' argument must be a function without implicitly captured inputs.")
    if cond.declared_input_types != body.declared_input_types:
        raise ValueError(
            f"While op 'cond' and 'body' signatures do not match. {cond.declared_input_types!r} vs {body.declared_input_types!r}"
        )


def _single(found: list[Any]) -> Any:
    if len(found) != 1:
        raise errors.InvalidArgumentError(
            None, None, f"Expected a single scalar return value, got {len(found)} tensors."
        )
    return found[0]


def _same_number(found: list[Any], count: int) -> list[Any]:
    if len(found) != count:
        raise errors.InvalidArgumentError(
            None, None, f"While loop body returned {len(found)} arguments. Expected: {count}"
        )
    return found


def While(input_: Any, cond: Any, body: Any, name: str | None = None, hostmem: Any = None) -> list[Any]:
    """What a function gives in the end that is called while another one gives something true.

    Raises: ValueError if both do not take the same, or the condition takes something from outside; InvalidArgumentError
    for another number of results. Source: TF 1.15 `tensorflow.python.ops.functional_ops.While`.
    """
    _check_types(cond, body)
    count = len(input_)
    with tf.name_scope(name, "While"):
        start = [tf.convert_to_tensor(x, dtype=t) for x, t in zip(input_, body.declared_input_types, strict=True)]
        found = tf.while_loop(
            lambda *values: _truth(_single(_listed(cond(*values)))),
            lambda *values: _same_number(_listed(body(*values)), count),
            start,
            shape_invariants=[tf.TensorShape(None)] * count,
        )
    return _listed(found)


def For(
    start: Any,
    limit: Any,
    delta: Any,
    inputs: Any,
    body: Any,
    name: str | None = None,
    hostmem: Any = None,
    rewrite_with_while: Any = None,
) -> list[Any]:
    """What a function of a counter and values gives in the end, called for `range(start, limit, delta)`.

    Source: TF 1.15 `tensorflow.python.ops.functional_ops.For`.
    """
    with tf.name_scope(name, "For"):
        numbers = [tf.convert_to_tensor(x, tf.int32) for x in (start, limit, delta)]
        rounds = tf.size(tf.range(*numbers))
        taken = [tf.convert_to_tensor(x) for x in inputs]

        def one(i: Any, *values: Any) -> list[Any]:
            made = body(numbers[0] + i * numbers[2], *values)
            with tf.control_dependencies([made] if isinstance(made, Operation) else []):
                return [i + 1, *_same_number(_listed(made), len(taken))]

        shapes = [tf.TensorShape([]), *(tf.TensorShape(None) for _ in taken)]
        found = tf.while_loop(lambda i, *_: i < rounds, one, [tf.constant(0), *taken], shape_invariants=shapes)
    return _listed(found)[1:]


def partitioned_call(
    args: Any, f: Any, tout: Any = None, executing_eagerly: Any = None, config: Any = None, executor_type: Any = None
) -> Any:
    """What a function gives for its arguments (captured values among `args` are known already).

    Raises: UnimplementedError for a kind of executor. Source: TF 1.15 `functional_ops.partitioned_call`.
    """
    if executor_type:
        raise errors.UnimplementedError(None, None, f"partitioned_call: executor_type {executor_type!r}")
    types = getattr(f, "declared_input_types", None)
    made = f(*(args if types is None else args[: len(types)]))
    return made if isinstance(made, Operation) else _listed(made)


def symbolic_gradient(input: Any, Tout: Any, f: Any, name: str | None = None) -> list[Any]:
    """The gradients of a function's inputs, given its inputs and the gradients of its results.

    Differs: the gradients are made in the graph, not as one operation. Raises: ValueError: `Tout` does not fit.
    Source: TF 1.15 `tensorflow.python.ops.functional_ops.symbolic_gradient`.
    """
    given, types = [tf.convert_to_tensor(x) for x in input], [tf.as_dtype(t) for t in Tout]
    count = len(types)
    if [x.dtype.base_dtype for x in given[:count]] != types:
        raise ValueError(
            f"The types of a function's inputs, {given[:count]}, are not those of their gradients: {types}"
        )
    with tf.name_scope(name, "SymbolicGradient", given):
        # Inputs of their own: a tensor that is given twice has a gradient in each place.
        inputs = [tf.identity(x) for x in given[:count]]
        return tf.gradients(  # type: ignore[no-any-return]
            _listed(f(*inputs)), inputs, given[count:], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
