"""Contexts of conds and loops as data: what a meta graph holds of them, and contexts made from it."""

from __future__ import annotations

from typing import Any

from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.graph import Graph
from retrograph.framework.messages import message_class
from retrograph.framework.proto_functions import prepend_name_scope, strip_name_scope
from retrograph.ops.flow_context import ControlFlowContext, is_loop_enter

_LOOP_NAMES = {"pivot_for_pred": "pivot_for_pred_name", "pivot_for_body": "pivot_for_body_name", "pivot": "pivot_name"}


def _values(context: ControlFlowContext, export_scope: str | None) -> Any:
    made = message_class("tensorflow.ValuesDef")()
    made.values.extend(strip_name_scope(v, export_scope) for v in sorted(context._values))
    for key, tensor in context._external_values.items():
        made.external_values[strip_name_scope(key, export_scope)] = strip_name_scope(tensor.name, export_scope)
    return made


def _complete(context: ControlFlowContext, made: Any, export_scope: str | None) -> Any:
    made.context_name = strip_name_scope(context.name, export_scope)
    made.values_def.MergeFrom(_values(context, export_scope))
    for nested in context._nested_contexts:
        definition = nested.to_proto(export_scope)  # type: ignore[attr-defined]
        if definition is not None:
            part = made.nested_contexts.add()
            (part.while_ctxt if nested.IsWhileContext() else part.cond_ctxt).CopyFrom(definition)
    return made


def cond_definition(context: Any, export_scope: str | None) -> Any:
    """The CondContextDef of a branch; None if it is not in `export_scope`."""
    if export_scope is not None and not context.name.startswith(export_scope):
        return None
    made = message_class("tensorflow.CondContextDef")(branch=context.branch)
    made.pred_name = strip_name_scope(context.pred.name, export_scope)
    made.pivot_name = strip_name_scope(context.pivot.name, export_scope)
    return _complete(context, made, export_scope)


def while_definition(context: Any, export_scope: str | None) -> Any:
    """The WhileContextDef of a loop; None if it is not in `export_scope`."""
    if export_scope is not None and not context.name.startswith(export_scope):
        return None
    made = message_class("tensorflow.WhileContextDef")(
        parallel_iterations=context.parallel_iterations,
        back_prop=context.back_prop,
        swap_memory=context.swap_memory,
    )
    if context.maximum_iterations is not None:
        made.maximum_iterations_name = strip_name_scope(context.maximum_iterations.name, export_scope)
    for attribute, field in _LOOP_NAMES.items():
        setattr(made, field, strip_name_scope(getattr(context, "_" + attribute).name, export_scope))
    made.loop_exit_names.extend(strip_name_scope(x.name, export_scope) for x in context.loop_exits)
    made.loop_enter_names.extend(strip_name_scope(x.name, export_scope) for x in context.loop_enters)
    return _complete(context, made, export_scope)


def _begin(context: Any, definition: Any, import_scope: str | None) -> Graph:
    ControlFlowContext.__init__(context)
    context._name = prepend_name_scope(definition.context_name, import_scope)
    return get_default_graph()


def _take_values(context: Any, definition: Any, import_scope: str | None, graph: Graph) -> None:
    """Takes known values, and makes the context that of the operations that made them."""
    values = definition.values_def
    context._values = {prepend_name_scope(v, import_scope) for v in values.values}
    context._external_values = {
        prepend_name_scope(k, import_scope): graph.as_graph_element(prepend_name_scope(v, import_scope))
        for k, v in values.external_values.items()
    }
    own = {name.partition(":")[0] for name in context._values - set(context._external_values)}
    for name in own:
        if name in graph._nodes_by_name:
            graph._nodes_by_name[name]._set_control_flow_context(context)


def _take_nested(context: Any, definition: Any, import_scope: str | None) -> None:
    context.Enter()
    try:
        for nested in definition.nested_contexts:
            from_definition(nested, import_scope)
    finally:
        context.Exit()


def restore_cond(context: Any, definition: Any, import_scope: str | None) -> Any:
    """Fills in an empty CondContext."""
    graph = _begin(context, definition, import_scope)
    context._pred = graph.as_graph_element(prepend_name_scope(definition.pred_name, import_scope))
    context._pivot = graph.as_graph_element(prepend_name_scope(definition.pivot_name, import_scope))
    context._branch = definition.branch
    _take_values(context, definition, import_scope, graph)
    _take_nested(context, definition, import_scope)
    return context


def restore_while(context: Any, definition: Any, import_scope: str | None) -> Any:
    """Fills in an empty WhileContext."""
    graph = _begin(context, definition, import_scope)

    def element(name: str) -> Any:
        return graph.as_graph_element(prepend_name_scope(name, import_scope)) if name else None

    context._graph = graph
    context._maximum_iterations = element(definition.maximum_iterations_name)
    context._parallel_iterations = definition.parallel_iterations
    context._back_prop, context._swap_memory = definition.back_prop, definition.swap_memory
    for attribute, field in _LOOP_NAMES.items():
        setattr(context, "_" + attribute, element(getattr(definition, field)))
    context._loop_exits = [element(name) for name in definition.loop_exit_names]
    context._loop_enters = [element(name) for name in definition.loop_enter_names]
    _take_values(context, definition, import_scope, graph)
    if import_scope:
        _rename_frame(context, graph)
    _take_nested(context, definition, import_scope)
    return context


def _rename_frame(context: Any, graph: Graph) -> None:
    """The Enter operations of a loop name it."""
    for name in context._values:
        op = graph._nodes_by_name.get(name.partition(":")[0])
        if op is not None and is_loop_enter(op):
            op._set_attr("frame_name", context.name.encode())


def from_definition(definition: Any, import_scope: str | None = None) -> Any:
    """The context of a ControlFlowContextDef. Raises: NotImplementedError for other kinds."""
    from retrograph.ops.cond import CondContext
    from retrograph.ops.while_loop import WhileContext

    kind = definition.WhichOneof("ctxt")
    if kind is None:
        raise NotImplementedError(f"Unknown ControlFlowContextDef field: {kind}")
    owner: Any = CondContext if kind == "cond_ctxt" else WhileContext
    return owner.from_proto(getattr(definition, kind), import_scope=import_scope)
