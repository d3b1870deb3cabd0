"""Operations and tensors by names, by walks through the graph, and by boundaries."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from retrograph.contrib.graph_editor.elements import (
    ControlOutputs,
    concatenate_unique,
    get_consuming_ops,
    is_iterable,
    make_list_of_op,
    make_list_of_t,
)
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor


@export("contrib.graph_editor.can_be_regex")
def can_be_regex(obj: Any) -> bool:
    """Whether something is a text or a regular expression. Source: TF 1.15 `tf.contrib.graph_editor.can_be_regex`."""
    return isinstance(obj, (str, re.Pattern))


@export("contrib.graph_editor.make_regex")
def make_regex(obj: Any) -> Any:
    """The regular expression of a text. Raises: ValueError for other things.

    Source: TF 1.15 `tf.contrib.graph_editor.make_regex`.
    """
    if not can_be_regex(obj):
        raise ValueError(f"Expected a string or a regex, got: {type(obj)}")
    return re.compile(obj) if isinstance(obj, str) else obj


def _get_input_ts(ops: Any) -> list[Tensor]:
    return list(dict.fromkeys(t for op in make_list_of_op(ops) for t in op.inputs))


def _get_output_ts(ops: Any) -> list[Tensor]:
    return [t for op in make_list_of_op(ops) for t in op.outputs]


@export("contrib.graph_editor.filter_ts")
def filter_ts(ops: Any, positive_filter: Any) -> list[Tensor]:
    """The tensors around operations for which a function is true.

    Source: TF 1.15 `tf.contrib.graph_editor.filter_ts`.
    """
    ops = make_list_of_op(ops)
    found = concatenate_unique(_get_input_ts(ops), _get_output_ts(ops))
    return found if positive_filter is True else [t for t in found if positive_filter(t)]


@export("contrib.graph_editor.filter_ts_from_regex")
def filter_ts_from_regex(ops: Any, regex: Any) -> list[Tensor]:
    """The tensors around operations whose name a regular expression finds.

    Source: TF 1.15 `tf.contrib.graph_editor.filter_ts_from_regex`.
    """
    found = make_regex(regex)
    return filter_ts(ops, lambda t: found.search(t.name))


@export("contrib.graph_editor.filter_ops")
def filter_ops(ops: Any, positive_filter: Any) -> list[Operation]:
    """The operations for which a function is true. Source: TF 1.15 `tf.contrib.graph_editor.filter_ops`."""
    ops = make_list_of_op(ops)
    return list(ops) if positive_filter is True else [op for op in ops if positive_filter(op)]


@export("contrib.graph_editor.filter_ops_from_regex")
def filter_ops_from_regex(ops: Any, regex: Any) -> list[Operation]:
    """The operations whose name a regular expression finds.

    Source: TF 1.15 `tf.contrib.graph_editor.filter_ops_from_regex`.
    """
    found = make_regex(regex)
    return filter_ops(ops, lambda op: found.search(op.name))


@export("contrib.graph_editor.get_name_scope_ops")
def get_name_scope_ops(ops: Any, scope: str) -> list[Operation]:
    """The operations of a name scope. Source: TF 1.15 `tf.contrib.graph_editor.get_name_scope_ops`."""
    return filter_ops_from_regex(ops, f"^{scope.removesuffix('/')}(/.*)?$")


@export("contrib.graph_editor.check_cios")
def check_cios(control_inputs: bool = False, control_outputs: Any = None, control_ios: Any = None) -> tuple[Any, Any]:
    """(control_inputs, control_outputs), both told by `control_ios` if that is given.

    Raises: TypeError for no ControlOutputs; ValueError for both. Source: TF 1.15 `tf.contrib.graph_editor.check_cios`.
    """
    given = control_ios if control_ios is not None else control_outputs
    if given is not None and not isinstance(given, ControlOutputs):
        raise TypeError(f"Expected a util.ControlOutputs, got: {type(given)}")
    if control_ios is not None:
        if control_outputs is not None:
            raise ValueError("control_outputs should be None when using control_ios.")
        control_inputs = True
    if given is not None:
        given.update()
    return control_inputs, given


@export("contrib.graph_editor.get_ops_ios")
def get_ops_ios(
    ops: Any, control_inputs: bool = False, control_outputs: Any = None, control_ios: Any = None
) -> list[Operation]:
    """The neighbours of operations. Source: TF 1.15 `tf.contrib.graph_editor.get_ops_ios`."""
    control_inputs, control_outputs = check_cios(control_inputs, control_outputs, control_ios)
    found: list[Operation] = []
    for op in make_list_of_op(ops):
        concatenate_unique(found, [t.op for t in op.inputs])
        concatenate_unique(found, _next(op, control_outputs))
        concatenate_unique(found, op.control_inputs if control_inputs else ())
    return found


def _next(op: Operation, control_outputs: Any, stop_at: frozenset[Tensor] = frozenset()) -> list[Operation]:
    """The operations that take what one makes, and those that wait for it."""
    found: list[Operation] = []
    for t in op.outputs:
        concatenate_unique(found, t.consumers() if t not in stop_at else ())
    return concatenate_unique(found, control_outputs.get(op) if control_outputs is not None else ())


def backward_neighbours(
    op: Operation, control_inputs: Any, stop_at: frozenset[Tensor] = frozenset()
) -> list[Operation]:
    """The operations that make what one takes, and those that it waits for."""
    found = [t.op for t in op.inputs if t not in stop_at]
    return concatenate_unique(list(dict.fromkeys(found)), op.control_inputs if control_inputs else ())


@export("contrib.graph_editor.compute_boundary_ts")
def compute_boundary_ts(ops: Any) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """(tensors that come into a set of operations, that go out of it, that stay inside).

    Source: TF 1.15 `tf.contrib.graph_editor.compute_boundary_ts`.
    """
    ops = make_list_of_op(ops)
    known, inputs, outputs = frozenset(ops), _get_input_ts(ops), _get_output_ts(ops)
    made = frozenset(outputs)
    inside = [t for t in inputs if t in made]
    hidden = {t for t in inside if known.issuperset(t.consumers())}
    return [t for t in inputs if t not in made], [t for t in outputs if t not in hidden], inside


@export("contrib.graph_editor.get_within_boundary_ops")
def get_within_boundary_ops(
    ops: Any, seed_ops: Any, boundary_ops: Any = (), inclusive: bool = True, control_inputs: bool = False,
    control_outputs: Any = None, control_ios: Any = None,
) -> list[Operation]:  # fmt: skip
    """The operations that can be reached from the seeds, whichever way, without going through the boundary.

    Raises: ValueError for a seed on the boundary. Source: TF 1.15 `tf.contrib.graph_editor.get_within_boundary_ops`.
    """
    control_inputs, control_outputs = check_cios(control_inputs, control_outputs, control_ios)
    boundary = set(make_list_of_op(boundary_ops))
    found = set(make_list_of_op(seed_ops, allow_graph=False))
    if boundary & found:
        raise ValueError("Boundary is intersecting with the seeds.")
    wave = found
    while wave:
        reached = set(get_ops_ios(list(wave), control_inputs, control_outputs)) - found
        wave = reached - boundary
        found = found | (reached if inclusive else wave)
    return [op for op in make_list_of_op(ops) if op in found]


def walk(
    seeds: list[Operation],
    neighbours: Callable[[Operation], list[Operation]],
    inclusive: bool,
    within_ops: Any,
    within_ops_fn: Any,
) -> list[Operation]:
    """The operations that are reached from the seeds, wave after wave."""
    within = frozenset(make_list_of_op(within_ops, allow_graph=False)) if within_ops else None
    if within is not None:
        seeds = [op for op in seeds if op in within]
    found = dict.fromkeys(seeds)
    waiting = list(found)
    while waiting:
        wave = []
        for op in waiting:
            for other in neighbours(op):
                allowed = (within is None or other in within) and (within_ops_fn is None or within_ops_fn(other))
                if allowed and other not in found:
                    found[other] = None
                    wave.append(other)
        waiting = wave
    return list(found) if inclusive else [op for op in found if op not in seeds]


def seeds_of(seed_ops: Any, of_tensors: Callable[[Any], list[Operation]]) -> list[Operation]:
    """Operations, or those that `of_tensors` finds for tensors, each once."""
    items = list(seed_ops) if is_iterable(seed_ops) else [seed_ops]
    if items and isinstance(items[0], Tensor):
        return list(dict.fromkeys(of_tensors(make_list_of_t(items, allow_graph=False))))
    return list(dict.fromkeys(make_list_of_op(items, allow_graph=False)))


@export("contrib.graph_editor.get_forward_walk_ops")
def get_forward_walk_ops(
    seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None, stop_at_ts: Any = (),
    control_outputs: Any = None,
) -> list[Operation]:  # fmt: skip
    """The operations that what the seeds make leads to.

    Source: TF 1.15 `tf.contrib.graph_editor.get_forward_walk_ops`.
    """
    _, control_outputs = check_cios(False, control_outputs)
    stop = frozenset(make_list_of_t(stop_at_ts))
    seeds = seeds_of(seed_ops, get_consuming_ops)
    return walk(seeds, lambda op: _next(op, control_outputs, stop), inclusive, within_ops, within_ops_fn)


@export("contrib.graph_editor.get_backward_walk_ops")
def get_backward_walk_ops(
    seed_ops: Any, inclusive: bool = True, within_ops: Any = None, within_ops_fn: Any = None, stop_at_ts: Any = (),
    control_inputs: bool = False,
) -> list[Operation]:  # fmt: skip
    """The operations that the seeds need.

    Source: TF 1.15 `tf.contrib.graph_editor.get_backward_walk_ops`.
    """
    control_inputs, _ = check_cios(control_inputs)
    stop = frozenset(make_list_of_t(stop_at_ts))
    seeds = seeds_of(seed_ops, lambda ts: [t.op for t in ts])
    return walk(seeds, lambda op: backward_neighbours(op, control_inputs, stop), inclusive, within_ops, within_ops_fn)


def _walks(
    forward_seed_ops: Any, backward_seed_ops: Any, forward_inclusive: bool, backward_inclusive: bool, within_ops: Any,
    within_ops_fn: Any, control_inputs: Any, control_outputs: Any, control_ios: Any,
) -> tuple[list[Operation], list[Operation]]:  # fmt: skip
    control_inputs, control_outputs = check_cios(control_inputs, control_outputs, control_ios)
    shared: dict[str, Any] = {"within_ops": within_ops, "within_ops_fn": within_ops_fn}
    return (
        get_forward_walk_ops(forward_seed_ops, forward_inclusive, control_outputs=control_outputs, **shared),
        get_backward_walk_ops(backward_seed_ops, backward_inclusive, control_inputs=control_inputs, **shared),
    )


@export("contrib.graph_editor.get_walks_intersection_ops")
def get_walks_intersection_ops(
    forward_seed_ops: Any, backward_seed_ops: Any, forward_inclusive: bool = True, backward_inclusive: bool = True,
    within_ops: Any = None, within_ops_fn: Any = None, control_inputs: bool = False, control_outputs: Any = None,
    control_ios: Any = None,
) -> list[Operation]:  # fmt: skip
    """The operations on the ways from some to others.

    Source: TF 1.15 `tf.contrib.graph_editor.get_walks_intersection_ops`.
    """
    forward, backward = _walks(
        forward_seed_ops, backward_seed_ops, forward_inclusive, backward_inclusive, within_ops, within_ops_fn,
        control_inputs, control_outputs, control_ios,
    )  # fmt: skip
    known = frozenset(backward)
    return [op for op in forward if op in known]


@export("contrib.graph_editor.get_walks_union_ops")
def get_walks_union_ops(
    forward_seed_ops: Any, backward_seed_ops: Any, forward_inclusive: bool = True, backward_inclusive: bool = True,
    within_ops: Any = None, within_ops_fn: Any = None, control_inputs: bool = False, control_outputs: Any = None,
    control_ios: Any = None,
) -> list[Operation]:  # fmt: skip
    """The operations that some lead to, and those that others need.

    Source: TF 1.15 `tf.contrib.graph_editor.get_walks_union_ops`.
    """
    forward, backward = _walks(
        forward_seed_ops, backward_seed_ops, forward_inclusive, backward_inclusive, within_ops, within_ops_fn,
        control_inputs, control_outputs, control_ios,
    )  # fmt: skip
    return concatenate_unique(forward, backward)


def _selected(
    args: Any, kwargs: dict[str, Any], own: str, by_regex: Callable[..., Any], as_list: Callable[..., Any]
) -> list[Any]:
    """What arguments name: `own` is the mark of the regular expressions that are meant, the other kind's are left out."""
    graph, wanted = kwargs.pop("graph", None), kwargs.pop("positive_filter", None)
    if graph is not None and not isinstance(graph, Graph):
        raise TypeError(f"Expected a tf.Graph, got: {type(graph)}")
    restricted = kwargs.pop(f"restrict_{own}_regex", False)
    other = "ts" if own == "ops" else "ops"
    kwargs.pop(f"restrict_{other}_regex", None)
    for name in kwargs:
        raise ValueError(f"Wrong keywords argument: {name}.")
    found: list[Any] = []
    for arg in args:
        if not can_be_regex(arg):
            items = as_list(arg)
        else:
            if graph is None:
                raise ValueError("Use the keyword argument 'graph' to use regex.")
            regex = make_regex(arg)
            marked = regex.pattern.startswith(f"(?#{own})")
            if regex.pattern.startswith(f"(?#{other})") or (restricted and not marked):
                continue
            items = by_regex(graph, regex)
        concatenate_unique(found, (x for x in items if wanted is None or wanted(x)))
    return found


@export("contrib.graph_editor.select_ops")
def select_ops(*args: Any, **kwargs: Any) -> list[Operation]:
    """The operations that arguments name: operations, lists of them, or regular expressions (with `graph=`).

    Source: TF 1.15 `tf.contrib.graph_editor.select_ops`.
    """
    return _selected(args, dict(kwargs), "ops", filter_ops_from_regex, lambda x: make_list_of_op(x, ignore_ts=True))


@export("contrib.graph_editor.select_ts")
def select_ts(*args: Any, **kwargs: Any) -> list[Tensor]:
    """The tensors that arguments name: tensors, lists of them, or regular expressions (with `graph=`).

    Source: TF 1.15 `tf.contrib.graph_editor.select_ts`.
    """
    return _selected(args, dict(kwargs), "ts", filter_ts_from_regex, lambda x: make_list_of_t(x, ignore_ops=True))


@export("contrib.graph_editor.select_ops_and_ts")
def select_ops_and_ts(*args: Any, **kwargs: Any) -> tuple[list[Operation], list[Tensor]]:
    """The operations and tensors that arguments name; regular expressions for tensors begin with `(?#ts)`.

    Source: TF 1.15 `tf.contrib.graph_editor.select_ops_and_ts`.
    """
    return (
        select_ops(*args, restrict_ops_regex=False, **kwargs),
        select_ts(*args, restrict_ts_regex=True, **kwargs),
    )
