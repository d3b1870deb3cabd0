"""Moving averages of variables and tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import retrograph as tf
from retrograph.framework.calling import plainly_refusing
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation
from retrograph.train import slot_creator


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """`variable = variable * decay + value * (1 - decay)`, as a reference or operation.

    `zero_debias`: the average starts at zero and is divided by `1 - decay^steps` (Kingma and Ba 2014).
    Source: TF 1.15 `moving_averages.assign_moving_average`.
    """
    with tf.name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        rate = tf.convert_to_tensor(1.0 - decay, name="decay")
        dtype = variable.dtype.base_dtype
        if rate.dtype != dtype:
            rate = tf.cast(rate, dtype)
        if zero_debias:
            return _zero_debias(variable, value, rate)
        return tf.assign_sub(variable, (variable - value) * rate, name=scope)


def _colocated(variable: Any) -> Any:
    return get_default_graph().colocate_with(variable.op)


def _zero_debias(unbiased_var: Any, value: Any, decay: Any) -> Any:
    """Assigns to the variable the average that starts at zero, divided by the weight that it has so far."""
    scope_name = unbiased_var.name[: -len(":0")]
    with tf.variable_scope(scope_name, values=[unbiased_var, value, decay]), _colocated(unbiased_var):
        biased = _debiasing_variable("biased", unbiased_var.get_shape(), unbiased_var.dtype)
        local_step = _debiasing_variable("local_step", [], unbiased_var.dtype)
    update_biased = tf.assign_sub(biased, (biased - value) * decay)
    update_local_step = local_step.assign_add(1)
    bias_factor = 1 - tf.pow(1.0 - decay, update_local_step)
    scope = get_default_graph().get_name_scope()
    return tf.assign(unbiased_var, update_biased / bias_factor, name=f"{scope}/")


def _debiasing_variable(name: str, shape: Any, dtype: Any) -> Any:
    return tf.get_variable(_unused(name), shape=shape, dtype=dtype, initializer=tf.zeros_initializer(), trainable=False)


def _unused(name: str) -> str:
    """The first of name, name_1, name_2, ... that no variable of the current variable scope has."""
    scope = tf.get_variable_scope()
    if scope.reuse:
        return name
    taken = {v.op.name for v in scope.global_variables()}
    candidate, index = name, 0
    while f"{scope.name}/{candidate}" in taken:
        index += 1
        candidate = f"{name}_{index}"
    return candidate


def weighted_moving_average(
    value: Any,
    decay: Any,
    weight: Any,
    truediv: bool = True,
    collections: Any = None,
    name: str | None = None,
) -> Any:
    """The moving average of `value * weight`, divided by that of `weight`; shaped like `value`.

    Source: TF 1.15 `moving_averages.weighted_moving_average`.
    """
    keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else collections
    with tf.variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
        weighted = _zeros_variable("value_x_weight", value, keys)
        weights = _zeros_variable("weight", weight, keys)
        numerator = assign_moving_average(weighted, value * weight, decay, zero_debias=False)
        denominator = assign_moving_average(weights, weight, decay, zero_debias=False)
        divide = tf.truediv if truediv else tf.div
        return divide(numerator, denominator, name=scope.name)


def _zeros_variable(name: str, like: Any, collections: Any) -> Any:
    return tf.get_variable(
        name,
        shape=like.get_shape(),
        dtype=like.dtype,
        initializer=tf.zeros_initializer(),
        trainable=False,
        collections=collections,
    )


@export("train.ExponentialMovingAverage")
@plainly_refusing
class ExponentialMovingAverage:
    """Shadow variables that follow others: `shadow = decay * shadow + (1 - decay) * variable`.

    >>> ema = tf.train.ExponentialMovingAverage(0.99)
    >>> update = ema.apply([v])          # run after each step
    >>> average = ema.average(v)

    Source: TF 1.15 `tf.train.ExponentialMovingAverage`.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ):
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """The name that shadow variables end in."""
        return self._name

    def apply(self, var_list: Any = None) -> Operation:
        """An operation that updates the averages of `var_list` (default: all trainable variables).

        A variable's shadow starts at the variable's initial value, a tensor's at zero.
        Raises: TypeError for a dtype that is not a float.
        """
        var_list = tf.trainable_variables() if var_list is None else var_list
        debiased = set()
        for var in var_list:
            if var.dtype.base_dtype not in (tf.bfloat16, tf.float16, tf.float32, tf.float64):
                raise TypeError(f"The variables must be half, float, or double: {var.name}")
            key = var.experimental_ref()
            if key not in self._averages:
                average, debias = self._make_average(var)
                self._averages[key] = average
                if debias:
                    debiased.add(average.experimental_ref())
        with tf.name_scope(self.name) as scope:
            decay = self._current_decay()
            updates = [
                assign_moving_average(average, var, decay, average.experimental_ref() in debiased)
                for var, average in ((v, self._averages[v.experimental_ref()]) for v in var_list)
            ]
            return tf.group(*updates, name=scope)  # type: ignore[no-any-return]

    def _make_average(self, var: Any) -> tuple[Any, bool]:
        with tf.init_scope():
            if isinstance(var, tf.Variable):
                average = slot_creator.create_slot(var, var.initialized_value(), self.name)
                tf.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return average, False
            colocate = var.op.type in ("Variable", "VariableV2", "VarHandleOp")
            return slot_creator.create_zeros_slot(var, self.name, colocate_with_primary=colocate), self._zero_debias

    def _current_decay(self) -> Any:
        decay = tf.convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        updates = tf.cast(self._num_updates, tf.float32, name="num_updates")
        return tf.minimum(decay, (1.0 + updates) / (10.0 + updates))

    def average(self, var: Any) -> Any:
        """The shadow variable of `var`, or None."""
        return self._averages.get(var.experimental_ref())

    def average_name(self, var: Any) -> str:
        """The name of the shadow variable of `var`, made or to be made."""
        average = self._averages.get(var.experimental_ref())
        if average is not None:
            return str(average.op.name)
        return get_default_graph().unique_name(var.op.name + "/" + self.name, mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None) -> dict[str, Any]:
        """Names in a checkpoint -> variables: averaged variables are restored from their averages.

        Source: TF 1.15 `tf.train.ExponentialMovingAverage.variables_to_restore`.
        """
        if moving_avg_variables is None:
            moving_avg_variables = tf.trainable_variables() + tf.moving_average_variables()
        averaged = list(dict.fromkeys(moving_avg_variables))
        names = {self.average_name(v): v for v in averaged}
        averaged_names = {v.name for v in averaged}
        for v in dict.fromkeys(tf.global_variables()):
            if v.name not in averaged_names and v.op.name not in names:
                names[v.op.name] = v
        return names
