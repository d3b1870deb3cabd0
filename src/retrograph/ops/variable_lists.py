"""Variables of a graph by kind, and what initializes them or asks whether they are."""

from __future__ import annotations

import os
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.default_graph import colocate_with, device, get_collection, get_default_graph, name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import operators as _operators  # noqa: F401 - variables take their operators from tensors

# --- the variables of a graph ----------------------------------------------------------------------------------------


@export("global_variables")
def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that sessions keep and savers write; `scope`: those whose names it matches at the start.

    Source: TF 1.15 `tf.global_variables`.
    """
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


@export("all_variables")
@deprecated("Please use tf.global_variables instead.", "tensorflow.python.ops.variables", "2017-03-02")
def all_variables() -> list[Any]:
    """Deprecated: `tf.global_variables`. Source: TF 1.15 `tf.all_variables`."""
    return global_variables()


@export("local_variables")
def local_variables(scope: str | None = None) -> list[Any]:
    """The variables of one process, which savers leave out. Source: TF 1.15 `tf.local_variables`."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


@export("model_variables")
def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that inference needs. Source: TF 1.15 `tf.model_variables`."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


@export("trainable_variables")
def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers change. Source: TF 1.15 `tf.trainable_variables`."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


@export("moving_average_variables")
def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables that have moving averages. Source: TF 1.15 `tf.moving_average_variables`."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


# --- initializing ----------------------------------------------------------------------------------------------------


@export("variables_initializer", "initializers.variables")
def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that gives each variable its initial value. Source: TF 1.15 `tf.variables_initializer`."""
    from retrograph.ops.control_flow import group

    if var_list:
        return group(*[v.initializer for v in var_list], name=name)
    return apply_op("NoOp", name)


@export("global_variables_initializer", "initializers.global_variables")
def global_variables_initializer() -> Any:
    """An operation that gives the global variables their initial values.

    >>> tf.global_variables_initializer().name
    'init'

    Source: TF 1.15 `tf.global_variables_initializer`.
    """
    return variables_initializer(global_variables())


@export("local_variables_initializer", "initializers.local_variables")
def local_variables_initializer() -> Any:
    """An operation that gives the local variables their initial values. Source: TF 1.15 `tf.local_variables_initializer`."""
    return variables_initializer(local_variables())


@export("initialize_variables")
@deprecated("Use `tf.variables_initializer` instead.", "tensorflow.python.ops.variables", "2017-03-02")
def initialize_variables(var_list: Any, name: str = "init") -> Any:
    """Deprecated: `tf.variables_initializer`. Source: TF 1.15 `tf.initialize_variables`."""
    return variables_initializer(var_list, name=name)


@export("initialize_all_variables")
@deprecated("Use `tf.global_variables_initializer` instead.", "tensorflow.python.ops.variables", "2017-03-02")
def initialize_all_variables() -> Any:
    """Deprecated: `tf.global_variables_initializer`. Source: TF 1.15 `tf.initialize_all_variables`."""
    return global_variables_initializer()


@export("initialize_local_variables")
@deprecated("Use `tf.local_variables_initializer` instead.", "tensorflow.python.ops.variables", "2017-03-02")
def initialize_local_variables() -> Any:
    """Deprecated: `tf.local_variables_initializer`. Source: TF 1.15 `tf.initialize_local_variables`."""
    return local_variables_initializer()


@export("is_variable_initialized")
def is_variable_initialized(variable: Any) -> Tensor:
    """`bool[]`: whether a variable has a value. Source: TF 1.15 `tf.is_variable_initialized`."""
    if variable.dtype._is_ref_dtype:
        result: Tensor = apply_op("IsVariableInitialized", None, ref=variable)
        return result
    initialized: Tensor = variable.is_initialized(name=None)
    return initialized


def _holders() -> list[Any]:
    types = ("Variable", "VariableV2", "AutoReloadVariable")
    return [op.outputs[0] for op in get_default_graph().get_operations() if op.type in types]


def _all_variables_or_holders() -> list[Any]:
    return global_variables() + local_variables() or _holders()


@export("assert_variables_initialized")
def assert_variables_initialized(var_list: Any = None) -> Any:
    """A tensor that fails to run if a variable is not initialized; None without variables.

    Source: TF 1.15 `tf.assert_variables_initialized`.
    """
    from retrograph.ops import array, joining

    variables = var_list or (_all_variables_or_holders() if var_list is None else _holders())
    if not variables:
        return None
    ranks = []
    for variable in variables:
        with colocate_with(variable.op):
            ranks.append(array.rank_internal(variable, optimize=False))
    return ranks[0] if len(ranks) == 1 else joining.stack(ranks)


@export("report_uninitialized_variables")
def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Tensor:
    """`string[n]`: the names of the variables without a value. Source: TF 1.15 `tf.report_uninitialized_variables`."""
    from retrograph.ops import joining
    from retrograph.ops.selecting import boolean_mask

    if var_list is None:
        var_list = _all_variables_or_holders()
    with name_scope(name):
        initialized = [is_variable_initialized(v) for v in var_list] if var_list else []
        with device(os.environ.get("TF_DEVICE_FOR_UNINITIALIZED_VARIABLE_REPORTING", "/cpu:0")):
            if not var_list:
                return constant([], dtype=dtypes.string)
            mask = apply_op("LogicalNot", None, x=joining.stack(initialized))
            names = constant([v.op.name for v in var_list])
            return boolean_mask(names, mask)
