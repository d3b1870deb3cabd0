"""`tf.keras.optimizers.Optimizer`: numbers that may change, slots of variables, and the updates of a loss."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import nest
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.framework.logger import get_logger
from retrograph.framework.structures import IndexedSlices
from retrograph.keras.backend_values import batch_get_value, batch_set_value, get_value, set_value
from retrograph.keras.learning_rate_schedules import LearningRateSchedule
from retrograph.keras.learning_rate_schedules import deserialize as schedule_of
from retrograph.keras.learning_rate_schedules import serialize as config_of
from retrograph.keras.state import track_variable
from retrograph.keras.weights import make_variable
from retrograph.variables.initializers import get as as_initializer

_ALLOWED = ("clipnorm", "clipvalue", "lr", "decay")


def deduplicated(values: Any, indices: Any) -> tuple[Any, Any]:
    """The sums of the rows of each index, and the indices."""
    unique, positions = tf.unique(indices)
    return tf.unsorted_segment_sum(values, positions, tf.shape(unique)[0]), unique


@export("keras.optimizers.Optimizer")
class OptimizerV2:
    """What Keras' optimizers share. Numbers such as `learning_rate` become variables at the first use, and can be set.

    Raises TypeError: an unknown argument; ValueError: a negative one. Source: TF 1.15 `tf.keras.optimizers.Optimizer`.
    """

    # The hyperparameters that `get_config` tells, and plain attributes that it tells.
    hypers: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()

    def __init__(self, name: str, **kwargs: Any):
        for key, value in kwargs.items():
            if key not in _ALLOWED:
                raise TypeError(f"Unexpected keyword argument passed to optimizer: {key}")
            if value < 0:
                raise ValueError(f"Expected {key} >= 0, received: {value}")
        object.__setattr__(self, "_hyper", {})
        self._name = name
        self._slots: dict[int, dict[str, Any]] = {}
        self._slot_names: list[str] = []
        self._weights: list[Any] = []
        self._iterations: Any = None
        self._hypers_created = False
        self._initial_decay = kwargs.pop("decay", 0.0)
        for key in ("clipnorm", "clipvalue"):
            if key in kwargs:
                setattr(self, key, kwargs[key])

    # ---- hyperparameters

    def _set_hyper(self, name: str, value: Any) -> None:
        before = self._hyper.get(name)
        plain = before is None or callable(before) or isinstance(before, (tf.Tensor, int, float, LearningRateSchedule))
        if isinstance(before, tf.Variable):
            plain = isinstance(value, LearningRateSchedule)
        if plain:
            self._hyper[name] = value
        else:
            set_value(before, value)

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        if not self._hypers_created:
            self._create_hypers()
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return value
        value = value() if callable(value) and not isinstance(value, (tf.Tensor, tf.Variable)) else value
        if dtype is None or (isinstance(value, tf.Variable) and value.dtype.base_dtype == dtype):
            return value
        return tf.cast(value, dtype)

    def _create_hypers(self) -> None:
        if self._hypers_created:
            return
        for name, value in sorted(self._hyper.items()):
            if not isinstance(value, (tf.Tensor, tf.Variable)) and not callable(value):
                self._hyper[name] = self.add_weight(name, shape=[], trainable=False, initializer=value)
        self._hypers_created = True

    def __getattr__(self, name: str) -> Any:
        own = "learning_rate" if name == "lr" else name
        if own in self.__dict__.get("_hyper", ()):
            return self._get_hyper(own)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = "learning_rate" if name == "lr" else name
        if own in self.__dict__.get("_hyper", ()):
            self._set_hyper(own, value)
        else:
            object.__setattr__(self, own, value)

    def _decayed_lr(self, dtype: Any) -> Any:
        rate = self._get_hyper("learning_rate", dtype)
        if isinstance(rate, LearningRateSchedule):
            rate = tf.cast(rate(tf.cast(self.iterations, dtype)), dtype)
        if self._initial_decay > 0.0:
            step = tf.cast(self.iterations, dtype)
            rate = rate / (1.0 + self._get_hyper("decay", dtype) * step)
        return rate

    # ---- variables

    @property
    def iterations(self) -> Any:
        """The number of steps that were made."""
        if self._iterations is None:
            self._iterations = self.add_weight("iter", shape=[], dtype=tf.int64, trainable=False)
            self._weights.append(self._iterations)
        return self._iterations

    @iterations.setter
    def iterations(self, variable: Any) -> None:
        if self._iterations is not None:
            raise RuntimeError(
                "Cannot set `iterations` to a new Variable after the Optimizer weights have been created"
            )
        self._iterations = variable
        self._weights.append(variable)

    def add_weight(
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = "zeros", trainable: Any = None
    ) -> Any:
        """A variable of the optimizer."""
        if isinstance(initializer, str) or callable(initializer):
            initializer = as_initializer(initializer)
        variable = make_variable(
            name=name, shape=shape, initializer=initializer, dtype=tf.as_dtype(dtype or tf.float32), trainable=trainable
        )
        track_variable(variable)
        return variable

    def get_slot_names(self) -> list[str]:
        """The names of the slots."""
        return self._slot_names

    def add_slot(self, var: Any, slot_name: str, initializer: Any = "zeros") -> Any:
        """A variable beside another, made at the first call."""
        if slot_name not in self._slot_names:
            self._slot_names.append(slot_name)
        slots = self._slots.setdefault(id(var), {})
        if slot_name not in slots:
            make = as_initializer(initializer) if isinstance(initializer, str) or callable(initializer) else initializer
            value = (lambda: make(shape=var.shape, dtype=var.dtype.base_dtype)) if callable(make) else make
            slot = tf.Variable(
                name=f"{var.op.name}/{slot_name}", dtype=var.dtype.base_dtype, trainable=False, initial_value=value, use_resource=True
            )  # fmt: skip
            track_variable(slot)
            slots[slot_name] = slot
            self._weights.append(slot)
        return slots[slot_name]

    def get_slot(self, var: Any, slot_name: str) -> Any:
        """The slot of a variable."""
        return self._slots[id(var)][slot_name]

    def variables(self) -> list[Any]:
        """The variables: the number of steps, and the slots."""
        return self._weights

    @property
    def weights(self) -> list[Any]:
        """The variables: the number of steps, and the slots."""
        return self._weights

    def get_weights(self) -> list[Any]:
        """The values of the variables."""
        return batch_get_value(self.weights)

    def set_weights(self, weights: Any) -> None:
        """Sets the values of the variables; ValueError for another number or other shapes."""
        params = self.weights
        if len(params) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on optimizer {self._name} with a  weight list of length {len(weights)}, but the optimizer was expecting {len(params)} weights. "
                f"Provided weights: {str(weights)[:50]}..."
            )
        for variable, value in zip(params, weights, strict=True):
            if tuple(variable.shape.as_list()) != value.shape:
                raise ValueError(
                    f"Optimizer weight shape {tuple(variable.shape.as_list())} not compatible with provided weight shape {value.shape}"
                )
        batch_set_value(list(zip(params, weights, strict=True)))

    # ---- updates

    def get_gradients(self, loss: Any, params: Any) -> list[Any]:
        """The gradients, clipped; ValueError for a variable that has none."""
        params = nest.flatten(params)
        with tf.name_scope(self._name + "/gradients"):
            grads = tf.gradients(loss, params)
            for grad, param in zip(grads, params, strict=True):
                if grad is None:
                    raise ValueError(
                        f"Variable {param} has `None` for gradient. Please make sure that all of your ops have a gradient defined (i.e. are differentiable). "
                        "Common ops without gradient: K.argmax, K.round, K.eval."
                    )
            return self._clipped(grads)

    def _clipped(self, grads: list[Any]) -> list[Any]:
        if "clipnorm" in self.__dict__:
            grads = [tf.clip_by_norm(g, self.clipnorm) for g in grads]
        if "clipvalue" in self.__dict__:
            grads = [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def get_updates(self, loss: Any, params: Any) -> list[Any]:
        """The operation that makes a step down the gradients of a loss."""
        grads = self.get_gradients(loss, params)
        return [self.apply_gradients(list(zip(grads, params, strict=True)))]

    def minimize(self, loss: Any, var_list: Any, grad_loss: Any = None, name: Any = None) -> Any:
        """The operation that makes a step; `loss` and `var_list` may be functions."""
        value = loss() if callable(loss) and not isinstance(loss, tf.Tensor) else loss
        params = nest.flatten(var_list() if callable(var_list) else var_list)
        with tf.name_scope(self._name + "/gradients"):
            grads = tf.gradients(value, params, grad_loss)
            given = [g for g in grads if g is not None]
            clipped = iter(self._clipped(given))
            grads = [None if g is None else next(clipped) for g in grads]
        return self.apply_gradients(list(zip(grads, params, strict=True)), name=name)

    def apply_gradients(self, grads_and_vars: Any, name: Any = None) -> Any:
        """The operation that makes a step by gradients; ValueError if there are none."""
        pairs = self._with_gradients(list(grads_and_vars))
        params = [v for _, v in pairs]
        with tf.name_scope(self._name):
            with tf.init_scope():
                _ = self.iterations
                self._create_hypers()
                self._create_slots(params)
            state = self._prepare(params)
            return self._applied(pairs, name, state)

    @staticmethod
    def _with_gradients(pairs: list[Any]) -> list[Any]:
        found = [(g, v) for g, v in pairs if g is not None]
        if pairs and not found:
            raise ValueError(f"No gradients provided for any variable: {[v.name for _, v in pairs]}.")
        if len(found) < len(pairs):
            empty = [v.name for g, v in pairs if g is None]
            get_logger().warning("Gradients do not exist for variables %s when minimizing the loss.", empty)
        return found

    def _applied(self, pairs: list[Any], name: Any, state: dict[Any, Any]) -> Any:
        updates = []
        with tf.name_scope(name or self._name):
            for grad, var in pairs:
                with tf.name_scope("update_" + var.op.name), tf.colocate_with(var):
                    updates.append(self._update(grad, var, state[(var.device, var.dtype.base_dtype)]))
            with tf.control_dependencies(updates):
                return self.iterations.assign_add(1).op

    def _update(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        constraint = getattr(var, "constraint", None)
        if isinstance(grad, IndexedSlices):
            if constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            return self._sparse(grad.values, var, grad.indices, terms)
        update = self._dense(grad, var, terms)
        if constraint is None:
            return update
        with tf.control_dependencies([update]):
            return var.assign(constraint(var))

    def _prepare(self, params: list[Any]) -> dict[Any, Any]:
        state: dict[Any, Any] = {}
        for var in params:
            key = (var.device, var.dtype.base_dtype)
            if key not in state:
                with tf.device(var.device):
                    state[key] = self._terms(var.dtype.base_dtype)
        return state

    # ---- to be defined by optimizers

    def _create_slots(self, params: list[Any]) -> None:
        pass

    def _terms(self, dtype: Any) -> dict[str, Any]:
        """What all updates need."""
        return {"lr_t": tf.identity(self._decayed_lr(dtype))} if "learning_rate" in self._hyper else {}

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _sparse(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        summed, unique = deduplicated(grad, indices)
        return self._unique(summed, var, unique, terms)

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        raise NotImplementedError

    def _hyper_tensor(self, name: str, dtype: Any) -> Any:
        return tf.identity(self._get_hyper(name, dtype))

    @staticmethod
    def _scattered(x: Any, indices: Any, values: Any, op: str = "ResourceScatterAdd") -> Any:
        """The value of a variable after rows were added or set."""
        with tf.control_dependencies([apply_op(op, None, resource=x.handle, indices=indices, updates=values)]):
            return x.value()

    # ---- configuration

    def _serialized(self, name: str) -> Any:
        value = self._hyper[name]
        if isinstance(value, LearningRateSchedule):
            return config_of(value)
        return get_value(value) if isinstance(value, (tf.Tensor, tf.Variable)) else value

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer."""
        config = {"name": self._name}
        config.update({key: self.__dict__[key] for key in ("clipnorm", "clipvalue") if key in self.__dict__})
        config.update({name: self._serialized(name) for name in self.hypers})
        return {**config, **{name: self.__dict__[name] for name in self.plain}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The optimizer that `get_config` described."""
        config = dict(config)
        if "lr" in config:
            config["learning_rate"] = config.pop("lr")
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = schedule_of(config["learning_rate"], custom_objects=custom_objects)
        return cls(**config)
