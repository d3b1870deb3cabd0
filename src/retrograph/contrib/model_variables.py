"""`tf.contrib.framework`'s variables: model variables, finding them by scope, and assigning values to them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.framework.exports import export

T = TypeVar("T")
_GLOBAL, _MODEL, _LOCAL, _TRAINABLE = "variables", "model_variables", "local_variables", "trainable_variables"


def _both(name: str) -> Callable[[T], T]:
    return export(f"contrib.framework.{name}", f"contrib.slim.{name}")


@_both("local_variable")
def local_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: bool | None = None
) -> Any:
    """A variable in the collection of local variables. Source: TF 1.15 `tf.contrib.framework.local_variable`."""
    return tf.Variable(
        initial_value, trainable=False, collections=[_LOCAL], validate_shape=validate_shape, name=name, use_resource=use_resource
    )  # fmt: skip


@_both("global_variable")
def global_variable(
    initial_value: Any, validate_shape: bool = True, name: str | None = None, use_resource: bool | None = None
) -> Any:
    """A variable in the collection of global variables. Source: TF 1.15 `tf.contrib.framework.global_variable`."""
    return tf.Variable(
        initial_value, trainable=False, collections=[_GLOBAL], validate_shape=validate_shape, name=name, use_resource=use_resource
    )  # fmt: skip


@_both("variable")
@add_arg_scope
def variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: Any = True, collections: Any = None, caching_device: Any = None, device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, use_resource: Any = None,
    synchronization: Any = tf.VariableSynchronization.AUTO, aggregation: Any = tf.VariableAggregation.NONE,
) -> Any:  # fmt: skip
    """The variable of that name, made if need be, perhaps on a device. Source: TF 1.15 `tf.contrib.framework.variable`."""
    collections = list(dict.fromkeys([_GLOBAL] if collections is None else collections))
    getter = tf.get_variable
    if custom_getter is not None:
        getter = functools.partial(custom_getter, reuse=tf.get_variable_scope().reuse)
    with tf.device(device or ""):
        return getter(
            name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
            collections=collections, caching_device=caching_device, partitioner=partitioner, use_resource=use_resource,
            synchronization=synchronization, aggregation=aggregation,
        )  # fmt: skip


@_both("model_variable")
@add_arg_scope
def model_variable(
    name: str, shape: Any = None, dtype: Any = tf.float32, initializer: Any = None, regularizer: Any = None,
    trainable: Any = True, collections: Any = None, caching_device: Any = None, device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, use_resource: Any = None,
    synchronization: Any = tf.VariableSynchronization.AUTO, aggregation: Any = tf.VariableAggregation.NONE,
) -> Any:  # fmt: skip
    """As `variable`, in the collection of model variables too. Source: TF 1.15 `tf.contrib.framework.model_variable`."""
    return variable(
        name, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=[*(collections or ()), _GLOBAL, _MODEL], caching_device=caching_device, device=device,
        partitioner=partitioner, custom_getter=custom_getter, use_resource=use_resource,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


@_both("add_model_variable")
def add_model_variable(var: Any) -> None:
    """Adds a variable to the model variables. Source: TF 1.15 `tf.contrib.framework.add_model_variable`."""
    if not any(var is known for known in tf.get_collection(_MODEL)):
        tf.add_to_collection(_MODEL, var)


@_both("get_variables")
def get_variables(scope: Any = None, suffix: str | None = None, collection: str = _GLOBAL) -> list[Any]:
    """The variables of a collection by scope and end of name. Source: TF 1.15 `tf.contrib.framework.get_variables`."""
    if isinstance(scope, tf.VariableScope):
        scope = scope.name
    if suffix is not None:
        scope = f"{scope or ''}.*{suffix if ':' in suffix else suffix + ':'}"
    return tf.get_collection(collection, scope)  # type: ignore[no-any-return]


@_both("get_model_variables")
def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The model variables, by scope and end of name. Source: TF 1.15 `tf.contrib.framework.get_model_variables`."""
    return get_variables(scope, suffix, _MODEL)


@_both("get_local_variables")
def get_local_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The local variables, by scope and end of name. Source: TF 1.15 `tf.contrib.framework.get_local_variables`."""
    return get_variables(scope, suffix, _LOCAL)


@_both("get_trainable_variables")
def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The trainable variables, by scope and end of name. Source: TF 1.15 `tf.contrib.framework.get_trainable_variables`."""
    return get_variables(scope, suffix, _TRAINABLE)


def _of_scopes(scopes: Any, argument: str) -> list[Any]:
    if not isinstance(scopes, list | tuple):
        raise TypeError(f"{argument} is provided but is not a list or a tuple.")
    return [v for scope in scopes for v in get_variables(scope)]


@_both("get_variables_to_restore")
def get_variables_to_restore(include: Any = None, exclude: Any = None) -> list[Any]:
    """The variables of some scopes without those of others. Source: TF 1.15 `tf.contrib.framework.get_variables_to_restore`."""
    included = get_variables() if include is None else _of_scopes(include, "include")
    excluded = set() if exclude is None else {id(v) for v in _of_scopes(exclude, "exclude")}
    return [v for v in included if id(v) not in excluded]


@_both("get_variables_by_suffix")
def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """The variables whose names end so. Source: TF 1.15 `tf.contrib.framework.get_variables_by_suffix`."""
    return get_variables(scope=scope, suffix=suffix)


@_both("get_variables_by_name")
def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """The variables of that name in any scope. Source: TF 1.15 `tf.contrib.framework.get_variables_by_name`."""
    return get_variables(scope=scope, suffix=f"/{given_name}:|^{given_name}:")


@_both("get_unique_variable")
def get_unique_variable(var_op_name: str) -> Any:
    """The one variable of that full name. Raises ValueError: none. Source: TF 1.15 `tf.contrib.framework.get_unique_variable`."""
    candidates = get_variables(scope=var_op_name)
    if not candidates:
        raise ValueError(f"Couldn't find variable {var_op_name}")
    for candidate in candidates:
        if candidate.op.name == var_op_name:
            return candidate
    raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")


@_both("get_variable_full_name")
def get_variable_full_name(var: Any) -> str:
    """The name, of a part that of the whole. Source: TF 1.15 `tf.contrib.framework.get_variable_full_name`."""
    info = var._save_slice_info
    return str(info.full_name if info else var.op.name)


def _named(name: str) -> Any:
    found = tf.get_collection(_GLOBAL, name)
    if not found:
        raise ValueError(f"Variable {name} wasn't found")
    exact = found if len(found) == 1 else [v for v in found if v.op.name == name]
    if not exact:
        raise ValueError(f"Variable {name} doesn't uniquely identify a variable")
    return exact[0]


@_both("assign_from_values")
def assign_from_values(var_names_to_values: dict[str, Any]) -> tuple[Any, dict[Any, Any]]:
    """(an operation that assigns NumPy values to named variables, its feeds). Source: TF 1.15 `tf.contrib.framework.assign_from_values`."""
    feeds, assigns = {}, []
    for name, value in var_names_to_values.items():
        var = _named(name)
        fed = tf.placeholder(dtype=var.dtype.base_dtype, shape=var.get_shape(), name=f"placeholder/{var.op.name}")
        assigns.append(var.assign(fed))
        feeds[fed] = value.reshape(var.get_shape().as_list())
    return tf.group(*assigns), feeds


@_both("assign_from_values_fn")
def assign_from_values_fn(var_names_to_values: dict[str, Any]) -> Callable[[Any], Any]:
    """A function of a session that assigns the values. Source: TF 1.15 `tf.contrib.framework.assign_from_values_fn`."""
    operation, feeds = assign_from_values(var_names_to_values)
    return lambda session: session.run(operation, feeds)


@_both("filter_variables")
def filter_variables(
    var_list: Any, include_patterns: Any = None, exclude_patterns: Any = None, reg_search: bool = True
) -> list[Any]:
    """The variables whose names fit patterns. Source: TF 1.15 `tf.contrib.framework.filter_variables`."""
    fits = re.search if reg_search else re.match

    def any_fits(var: Any, patterns: Any) -> bool:
        return any(fits(pattern, var.name) for pattern in patterns)

    included = [v for v in var_list if include_patterns is None or any_fits(v, include_patterns)]
    return [v for v in included if exclude_patterns is None or not any_fits(v, exclude_patterns)]


@_both("assert_or_get_global_step")
def assert_or_get_global_step(graph: Any = None, global_step_tensor: Any = None) -> Any:
    """The global step given, checked, or the graph's. Source: TF 1.15 `tf.contrib.framework.assert_or_get_global_step`."""
    if global_step_tensor is None:
        return tf.train.get_global_step(graph)
    tf.train.assert_global_step(global_step_tensor)
    return global_step_tensor
