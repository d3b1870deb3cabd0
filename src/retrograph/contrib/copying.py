"""`tf.contrib.copy_graph`: variables and operations copied into another graph; `tf.contrib.util`'s functions of graphs."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import constants, meta_graph
from retrograph.framework.exports import export, export_value

for _home, _name in (
    (constants, "make_tensor_proto"), (constants, "make_ndarray"), (meta_graph, "ops_used_by_graph_def"),
    (meta_graph, "stripped_op_list_for_graph"),
):  # fmt: skip
    globals()[_name] = getattr(_home, _name)
    export_value(f"contrib.util.{_name}", globals()[_name], attribute=_name)


def _scoped(name: str, scope: str) -> str:
    return f"{scope}/{name}" if scope else name


def _collections_of(item: Any, scope: str, kept: tuple[str, ...] = ()) -> list[str]:
    """The collections that an item is in, by their names in the scope."""
    graph = item.graph
    held = [k for k in graph.get_all_collection_keys() if any(i is item for i in graph.get_collection(k))]
    return [key if key in kept else _scoped(key, scope) for key in held]


@export("contrib.copy_graph.copy_variable_to_graph")
def copy_variable_to_graph(org_instance: Any, to_graph: Any, scope: str = "") -> Any:
    """The variable in another graph, with the same initial value. Raises TypeError: no variable.

    Source: TF 1.15 `tf.contrib.copy_graph.copy_variable_to_graph`.
    """
    if not isinstance(org_instance, tf.Variable):
        raise TypeError(f"{org_instance} is not a Variable")
    keys = tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.TRAINABLE_VARIABLES
    trained = org_instance.graph.get_collection(keys[1])
    with org_instance.graph.as_default(), tf.Session() as session:
        value = session.run(org_instance.initialized_value())
    with to_graph.as_default():
        return tf.Variable(
            value, any(v is org_instance for v in trained), name=_scoped(org_instance.name.split(":")[0], scope),
            collections=_collections_of(org_instance, scope, keys), validate_shape=False,
        )  # fmt: skip


@export("contrib.copy_graph.copy_op_to_graph")
def copy_op_to_graph(org_instance: Any, to_graph: Any, variables: Any, scope: str = "") -> Any:
    """The tensor or operation in another graph, with all that it depends on. Raises TypeError: neither of them.

    `variables` are those copied before. Source: TF 1.15 `tf.contrib.copy_graph.copy_op_to_graph`.
    """
    name = _scoped(org_instance.name, scope)
    for variable in variables:
        if variable.name == name:
            return to_graph.get_tensor_by_name(name)
    try:
        return to_graph.as_graph_element(name, allow_tensor=True, allow_operation=True)
    except (KeyError, ValueError):
        pass
    if isinstance(org_instance, tf.Tensor):
        made = copy_op_to_graph(org_instance.op, to_graph, variables, scope).outputs[org_instance.value_index]
        for key in _collections_of(org_instance, scope):
            to_graph.add_to_collection(key, made)
        return made
    if not isinstance(org_instance, tf.Operation):
        raise TypeError(f"Could not copy instance: {org_instance}")
    controls = [copy_op_to_graph(op, to_graph, variables, scope) for op in org_instance.control_inputs]
    inputs = [copy_op_to_graph(tensor, to_graph, variables, scope) for tensor in org_instance.inputs]
    return _copied(org_instance, to_graph, name, inputs, controls)


def _copied(op: Any, graph: Any, name: str, inputs: list[Any], controls: list[Any]) -> Any:
    outputs = tuple((t.dtype, t._shape) for t in op.outputs)
    with graph.as_default():
        graph.unique_name(name)
        controls = [getattr(c, "op", c) for c in controls]
        return graph._emit(
            op.type, name, tuple(inputs), dict(op.attrs), outputs, control_inputs=tuple(controls), device=op.device
        )


@export("contrib.copy_graph.get_copied_op")
def get_copied_op(org_instance: Any, graph: Any, scope: str = "") -> Any:
    """What was copied into a graph. Raises KeyError: nothing. Source: TF 1.15 `tf.contrib.copy_graph.get_copied_op`."""
    return graph.as_graph_element(_scoped(org_instance.name, scope), allow_tensor=True, allow_operation=True)
