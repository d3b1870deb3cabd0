"""`tf.keras.optimizers`: SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam, Ftrl."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export
from retrograph.keras.backend_values import variable
from retrograph.keras.optimizer_base import OptimizerV2
from retrograph.keras.state import epsilon as default_epsilon
from retrograph.keras.state import track_variable
from retrograph.variables import named


def _checked_momentum(momentum: Any) -> bool:
    """Whether there is momentum; ValueError out of [0, 1]."""
    if isinstance(momentum, (int, float)) and (momentum < 0 or momentum > 1):
        raise ValueError("`momentum` must be between [0, 1].")
    return bool(isinstance(momentum, tf.Tensor) or callable(momentum) or momentum > 0)


class _WithOldWeights(OptimizerV2):
    """An optimizer that takes weights without the number of steps, as old Keras wrote them."""

    def set_weights(self, weights: Any) -> None:
        """Sets the values of the variables."""
        if len(self.weights) == len(weights) + 1:
            weights = [np.array(0), *weights]
        super().set_weights(weights)


@export("keras.optimizers.SGD")
class SGD(OptimizerV2):
    """Gradient descent, with momentum. Source: TF 1.15 `tf.keras.optimizers.SGD`."""

    hypers = ("learning_rate", "decay", "momentum")
    plain = ("nesterov",)

    def __init__(
        self, learning_rate: Any = 0.01, momentum: Any = 0.0, nesterov: bool = False, name: str = "SGD", **kwargs: Any
    ):
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._momentum = _checked_momentum(momentum)
        self._set_hyper("momentum", momentum)
        self.nesterov = nesterov

    def _create_slots(self, params: list[Any]) -> None:
        for var in params if self._momentum else []:
            self.add_slot(var, "momentum")

    def _terms(self, dtype: Any) -> dict[str, Any]:
        return {**super()._terms(dtype), "momentum": self._hyper_tensor("momentum", dtype)}

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        if not self._momentum:
            return apply_op(
                "ResourceApplyGradientDescent", None, var=var.handle, alpha=terms["lr_t"], delta=grad, use_locking=True
            )
        return apply_op(
            "ResourceApplyKerasMomentum", None, var=var.handle, accum=self.get_slot(var, "momentum").handle, lr=terms["lr_t"], grad=grad, momentum=terms["momentum"],
            use_locking=True, use_nesterov=self.nesterov,
        )  # fmt: skip

    def _sparse(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        if self._momentum:
            return super()._sparse(grad, var, indices, terms)
        updates = -grad * terms["lr_t"]
        return apply_op("ResourceScatterAdd", None, resource=var.handle, indices=indices, updates=updates)

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        return apply_op(
            "ResourceSparseApplyKerasMomentum", None, var=var.handle, accum=self.get_slot(var, "momentum").handle, lr=terms["lr_t"], grad=grad, indices=indices,
            momentum=terms["momentum"], use_locking=True, use_nesterov=self.nesterov,
        )  # fmt: skip


@export("keras.optimizers.RMSprop")
class RMSprop(_WithOldWeights):
    """Gradients by the root of the mean of their squares. Source: TF 1.15 `tf.keras.optimizers.RMSprop`."""

    hypers = ("learning_rate", "decay", "rho", "momentum")
    plain = ("epsilon", "centered")

    def __init__(
        self, learning_rate: Any = 0.001, rho: Any = 0.9, momentum: Any = 0.0, epsilon: Any = 1e-7, centered: bool = False, name: str = "RMSprop", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("rho", rho)
        self._momentum = _checked_momentum(momentum)
        self._set_hyper("momentum", momentum)
        self.epsilon = epsilon or default_epsilon()
        self.centered = centered

    def _create_slots(self, params: list[Any]) -> None:
        for name, wanted in (("rms", True), ("momentum", self._momentum), ("mg", self.centered)):
            for var in params if wanted else []:
                self.add_slot(var, name)

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        rho = self._hyper_tensor("rho", dtype)
        return {
            **terms,
            "neg_lr_t": -terms["lr_t"],
            "epsilon": tf.convert_to_tensor(self.epsilon, dtype),
            "rho": rho,
            "momentum": self._hyper_tensor("momentum", dtype),
            "one_minus_rho": 1.0 - rho,
        }

    def _kernel(self, var: Any, grad: Any, terms: dict[str, Any], sparse: str, **more: Any) -> Any:
        """The one operation there is for RMSprop with momentum."""
        own = {"mg": self.get_slot(var, "mg").handle} if self.centered else {}
        return apply_op(
            f"Resource{sparse}Apply{'Centered' if self.centered else ''}RMSProp", None, var=var.handle, ms=self.get_slot(var, "rms").handle,
            mom=self.get_slot(var, "momentum").handle, lr=terms["lr_t"], rho=terms["rho"], momentum=terms["momentum"], epsilon=terms["epsilon"], grad=grad, use_locking=True,
            **own, **more,
        )  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        if self._momentum:
            return self._kernel(var, grad, terms, "")
        rms = self.get_slot(var, "rms")
        rms_t = terms["rho"] * rms + terms["one_minus_rho"] * tf.square(grad)
        rms_t = tf.assign(rms, rms_t)
        below = rms_t
        if self.centered:
            mg = self.get_slot(var, "mg")
            mg_t = tf.assign(mg, terms["rho"] * mg + terms["one_minus_rho"] * grad)
            below = rms_t - tf.square(mg_t)
        var_t = var - terms["lr_t"] * grad / (tf.sqrt(below) + terms["epsilon"])
        return tf.assign(var, var_t).op

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        if self._momentum:
            return self._kernel(var, grad, terms, "Sparse", indices=indices)
        rms_t, below = self._moved("rms", var, indices, (grad * grad) * terms["one_minus_rho"], terms)
        done = [rms_t]
        if self.centered:
            mg_t, rows = self._moved("mg", var, indices, grad * terms["one_minus_rho"], terms)
            below = below - tf.square(rows)
            done.append(mg_t)
        step = terms["neg_lr_t"] * grad / (tf.sqrt(below) + terms["epsilon"])
        return tf.group(self._scattered(var, indices, step), *done)

    def _moved(self, name: str, var: Any, indices: Any, values: Any, terms: dict[str, Any]) -> tuple[Any, Any]:
        slot = self.get_slot(var, name)
        with tf.control_dependencies([tf.assign(slot, slot * terms["rho"])]):
            moved = self._scattered(slot, indices, values)
            return moved, tf.gather(moved, indices)


@export("keras.optimizers.Adagrad")
class Adagrad(_WithOldWeights):
    """Gradients by the root of the sum of their squares. Source: TF 1.15 `tf.keras.optimizers.Adagrad`."""

    hypers = ("learning_rate", "decay")

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: Any = 0.1, epsilon: Any = 1e-7, name: str = "Adagrad", **kwargs: Any,
    ):  # fmt: skip
        if initial_accumulator_value < 0.0:
            raise ValueError(f"initial_accumulator_value must be non-negative: {initial_accumulator_value}")
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon or default_epsilon()

    def _create_slots(self, params: list[Any]) -> None:
        for var in params:
            first = tf.constant_initializer(self._initial_accumulator_value, dtype=var.dtype.base_dtype)
            self.add_slot(var, "accumulator", first)

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        terms["epsilon"] = tf.convert_to_tensor(self.epsilon, dtype)
        return {**terms, "neg_lr_t": -terms["lr_t"], "zero": tf.zeros((), dtype=tf.int64)}

    def _kernel(self, op: str, grad: Any, var: Any, terms: dict[str, Any], **more: Any) -> Any:
        accum = self.get_slot(var, "accumulator").handle
        return apply_op(
            op, None, var=var.handle, accum=accum, lr=terms["lr_t"], epsilon=terms["epsilon"], grad=grad, use_locking=True, **more
        )  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("ResourceApplyAdagradV2", grad, var, terms)

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("ResourceSparseApplyAdagradV2", grad, var, terms, indices=indices)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer."""
        own = {"initial_accumulator_value": self._initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


@export("keras.optimizers.Adadelta")
class Adadelta(_WithOldWeights):
    """Steps by the ratio of two running means. Source: TF 1.15 `tf.keras.optimizers.Adadelta`."""

    hypers = ("learning_rate", "decay", "rho")
    plain = ("epsilon",)

    def __init__(
        self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: Any = 1e-7, name: str = "Adadelta", **kwargs: Any
    ):
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("rho", rho)
        self.epsilon = epsilon or default_epsilon()

    def _create_slots(self, params: list[Any]) -> None:
        for name in ("accum_grad", "accum_var"):
            for var in params:
                self.add_slot(var, name)

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        terms["epsilon"] = tf.convert_to_tensor(self.epsilon, dtype)
        return {**terms, "rho": self._hyper_tensor("rho", dtype)}

    def _kernel(self, op: str, grad: Any, var: Any, terms: dict[str, Any], **more: Any) -> Any:
        return apply_op(
            op, None, var=var.handle, accum=self.get_slot(var, "accum_grad").handle, accum_update=self.get_slot(var, "accum_var").handle, lr=terms["lr_t"], rho=terms["rho"],
            epsilon=terms["epsilon"], grad=grad, use_locking=True, **more,
        )  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("ResourceApplyAdadelta", grad, var, terms)

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("ResourceSparseApplyAdadelta", grad, var, terms, indices=indices)


class _OfMoments(OptimizerV2):
    """An optimizer with running means of gradients and of their sizes."""

    hypers = ("learning_rate", "decay", "beta_1", "beta_2")
    plain: tuple[str, ...] = ("epsilon",)

    def __init__(self, learning_rate: Any, beta_1: Any, beta_2: Any, epsilon: Any, name: str, **kwargs: Any):
        super().__init__(name, **kwargs)
        self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("beta_1", beta_1)
        self._set_hyper("beta_2", beta_2)
        self.epsilon = epsilon or default_epsilon()

    def _create_slots(self, params: list[Any]) -> None:
        for name in ("m", "v"):
            for var in params:
                self.add_slot(var, name)

    def _faded(self, name: str, var: Any, indices: Any, rate: Any, values: Any) -> Any:
        """A running mean after rows were taken in."""
        slot = self.get_slot(var, name)
        with tf.control_dependencies([tf.assign(slot, slot * rate)]):
            return self._scattered(slot, indices, values)


@export("keras.optimizers.Adam")
class Adam(_OfMoments):
    """Adam. Source: TF 1.15 `tf.keras.optimizers.Adam`."""

    plain = ("epsilon", "amsgrad")

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: Any = 1e-7, amsgrad: bool = False, name: str = "Adam", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **kwargs)
        self.amsgrad = amsgrad

    def _create_slots(self, params: list[Any]) -> None:
        super()._create_slots(params)
        for var in params if self.amsgrad else []:
            self.add_slot(var, "vhat")

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = self._hyper_tensor("beta_1", dtype), self._hyper_tensor("beta_2", dtype)
        power_1, power_2 = tf.pow(beta_1, step), tf.pow(beta_2, step)
        rate = terms["lr_t"] * (tf.sqrt(1 - power_2) / (1 - power_1))
        return {
            **terms, "lr": rate, "epsilon": tf.convert_to_tensor(self.epsilon, dtype), "beta_1_t": beta_1, "beta_1_power": power_1, "one_minus_beta_1_t": 1 - beta_1,
            "beta_2_t": beta_2, "beta_2_power": power_2, "one_minus_beta_2_t": 1 - beta_2,
        }  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        own = {"vhat": self.get_slot(var, "vhat").handle} if self.amsgrad else {}
        return apply_op(
            "ResourceApplyAdamWithAmsgrad" if self.amsgrad else "ResourceApplyAdam", None, var=var.handle, m=self.get_slot(var, "m").handle, v=self.get_slot(var, "v").handle,
            beta1_power=terms["beta_1_power"], beta2_power=terms["beta_2_power"], lr=terms["lr_t"], beta1=terms["beta_1_t"], beta2=terms["beta_2_t"], epsilon=terms["epsilon"],
            grad=grad, use_locking=True, **own,
        )  # fmt: skip

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        m_t = self._faded("m", var, indices, terms["beta_1_t"], grad * terms["one_minus_beta_1_t"])
        v_t = self._faded("v", var, indices, terms["beta_2_t"], (grad * grad) * terms["one_minus_beta_2_t"])
        done, size = [m_t, v_t], v_t
        if self.amsgrad:
            vhat = self.get_slot(var, "vhat")
            size = tf.assign(vhat, tf.maximum(vhat, v_t))
            done.append(size)
        root = tf.sqrt(size)
        step = terms["lr"] * m_t / (root + terms["epsilon"])
        return tf.group(tf.assign_sub(var, step), *done)


@export("keras.optimizers.Adamax")
class Adamax(_OfMoments):
    """Adam with the greatest instead of the mean of squares. Source: TF 1.15 `tf.keras.optimizers.Adamax`."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: Any = 1e-7, name: str = "Adamax", **kwargs: Any,
    ):  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **kwargs)

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        step = tf.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = self._hyper_tensor("beta_1", dtype), self._hyper_tensor("beta_2", dtype)
        power = tf.pow(beta_1, step)
        scaled = -terms["lr_t"] / (1 - power)
        return {
            **terms, "neg_scaled_lr": scaled, "epsilon": tf.convert_to_tensor(self.epsilon, dtype), "beta_1_t": beta_1, "beta_1_power": power, "one_minus_beta_1_t": 1 - beta_1,
            "beta_2_t": beta_2, "zero": tf.zeros((), dtype=tf.int64),
        }  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        return apply_op(
            "ResourceApplyAdaMax", None, var=var.handle, m=self.get_slot(var, "m").handle, v=self.get_slot(var, "v").handle, beta1_power=terms["beta_1_power"], lr=terms["lr_t"],
            beta1=terms["beta_1_t"], beta2=terms["beta_2_t"], epsilon=terms["epsilon"], grad=grad, use_locking=True,
        )  # fmt: skip

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = tf.gather(m, indices, axis=terms["zero"]) * terms["beta_1_t"] + grad * terms["one_minus_beta_1_t"]
        m_t = self._scattered(m, indices, m_rows, "ResourceScatterUpdate")
        v_rows = tf.maximum(tf.gather(v, indices, axis=terms["zero"]) * terms["beta_2_t"], tf.abs(grad))
        v_t = self._scattered(v, indices, v_rows, "ResourceScatterUpdate")
        step = terms["neg_scaled_lr"] * (m_rows / (v_rows + terms["epsilon"]))
        return tf.group(self._scattered(var, indices, step), m_t, v_t)


@export("keras.optimizers.Nadam")
class Nadam(_OfMoments):
    """Adam with Nesterov's momentum. Source: TF 1.15 `tf.keras.optimizers.Nadam`."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: Any = 1e-7, name: str = "Nadam", **kwargs: Any,
    ):  # fmt: skip
        kwargs["decay"] = kwargs.pop("schedule_decay", 0.004)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **kwargs)
        self._m_cache: Any = None

    def _create_slots(self, params: list[Any]) -> None:
        if self._m_cache is None:
            self._m_cache = self.add_weight(
                "momentum_cache", shape=[], dtype=params[0].dtype.base_dtype, initializer="ones", trainable=False
            )
            self._weights.append(self._m_cache)
        super()._create_slots(params)

    def _prepare(self, params: list[Any]) -> dict[Any, Any]:
        self._m_cache_read = tf.identity(self._m_cache)
        return super()._prepare(params)

    def _terms(self, dtype: Any) -> dict[str, Any]:
        rate, beta_1, beta_2 = (self._hyper_tensor(n, dtype) for n in ("learning_rate", "beta_1", "beta_2"))
        step, after = tf.cast(self.iterations + 1, dtype), tf.cast(self.iterations + 2, dtype)
        base = tf.cast(0.96, dtype)
        m_t = beta_1 * (1.0 - 0.5 * tf.pow(base, self._initial_decay * step))
        m_next = beta_1 * (1.0 - 0.5 * tf.pow(base, self._initial_decay * after))
        new = tf.cast(self._m_cache_read, dtype) * m_t
        if dtype == self._m_cache.dtype.base_dtype:
            new = tf.identity(tf.assign(self._m_cache, new))
        following = new * m_next
        return {
            "lr_t": rate, "neg_lr_t": -rate, "epsilon": tf.convert_to_tensor(self.epsilon, dtype), "beta_1_t": beta_1, "beta_2_t": beta_2, "m_t": m_t, "m_t_1": m_next,
            "one_minus_beta_1_t": 1 - beta_1, "one_minus_beta_2_t": 1 - beta_2, "one_minus_m_t": 1.0 - m_t, "one_minus_m_schedule_new": 1.0 - new,
            "one_minus_m_schedule_next": 1.0 - following, "v_t_prime_denominator": 1.0 - tf.pow(beta_2, step),
        }  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        now = grad / terms["one_minus_m_schedule_new"]
        m_t = tf.assign(m, terms["beta_1_t"] * m + terms["one_minus_beta_1_t"] * grad)
        then = m_t / terms["one_minus_m_schedule_next"]
        v_t = tf.assign(v, terms["beta_2_t"] * v + terms["one_minus_beta_2_t"] * tf.square(grad))
        size = v_t / terms["v_t_prime_denominator"]
        mean = terms["one_minus_m_t"] * now + terms["m_t_1"] * then
        return tf.assign(var, var - terms["lr_t"] * mean / (tf.sqrt(size) + terms["epsilon"])).op

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        now = grad / terms["one_minus_m_schedule_new"]
        m_t = self._faded("m", var, indices, terms["beta_1_t"], grad * terms["one_minus_beta_1_t"])
        then = tf.gather(m_t, indices) / terms["one_minus_m_schedule_next"]
        mean = terms["one_minus_m_t"] * now + terms["m_t_1"] * then
        v_t = self._faded("v", var, indices, terms["beta_2_t"], (grad * grad) * terms["one_minus_beta_2_t"])
        size = tf.gather(v_t, indices) / terms["v_t_prime_denominator"]
        root = tf.sqrt(size) + terms["epsilon"]
        step = terms["neg_lr_t"] * mean / root
        return tf.group(self._scattered(var, indices, step), mean, v_t)


@export("keras.optimizers.Ftrl")
class Ftrl(OptimizerV2):
    """Follow the regularized leader. Source: TF 1.15 `tf.keras.optimizers.Ftrl`."""

    hypers = (
        "learning_rate",
        "decay",
        "learning_rate_power",
        "l1_regularization_strength",
        "l2_regularization_strength",
    )

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: Any = -0.5, initial_accumulator_value: Any = 0.1, l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0, name: str = "Ftrl", l2_shrinkage_regularization_strength: Any = 0.0, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(name, **kwargs)
        strengths = {
            "initial_accumulator_value": initial_accumulator_value, "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength, "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }  # fmt: skip
        for key, value in strengths.items():
            if value < 0.0:
                raise ValueError(f"{key} {value:f} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power:f} needs to be negative or zero")
        self._set_hyper("learning_rate", learning_rate)
        self._set_hyper("decay", self._initial_decay)
        self._set_hyper("learning_rate_power", learning_rate_power)
        self._set_hyper("l1_regularization_strength", l1_regularization_strength)
        self._set_hyper("l2_regularization_strength", l2_regularization_strength)
        self._initial_accumulator_value = initial_accumulator_value
        self._shrinkage = l2_shrinkage_regularization_strength

    def _create_slots(self, params: list[Any]) -> None:
        for var in params:
            first = tf.constant_initializer(self._initial_accumulator_value, dtype=var.dtype.base_dtype)
            self.add_slot(var, "accumulator", first)
            self.add_slot(var, "linear")

    def _terms(self, dtype: Any) -> dict[str, Any]:
        terms = super()._terms(dtype)
        names = {
            "lr_power": "learning_rate_power",
            "l1": "l1_regularization_strength",
            "l2": "l2_regularization_strength",
        }
        terms.update({short: self._hyper_tensor(name, dtype) for short, name in names.items()})
        return {**terms, "l2_shrinkage": tf.cast(self._shrinkage, dtype)}

    def _kernel(self, kind: str, grad: Any, var: Any, terms: dict[str, Any], **more: Any) -> Any:
        shrinking = self._shrinkage > 0.0
        own = {"l2_shrinkage": terms["l2_shrinkage"]} if shrinking else {}
        return apply_op(
            f"Resource{kind}Ftrl{'V2' if shrinking else ''}", None, var=var.handle, accum=self.get_slot(var, "accumulator").handle, linear=self.get_slot(var, "linear").handle, grad=grad,
            lr=terms["lr_t"], l1=terms["l1"], l2=terms["l2"], lr_power=terms["lr_power"], use_locking=True, **own, **more,
        )  # fmt: skip

    def _dense(self, grad: Any, var: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("Apply", grad, var, terms)

    def _unique(self, grad: Any, var: Any, indices: Any, terms: dict[str, Any]) -> Any:
        return self._kernel("SparseApply", grad, var, terms, indices=indices)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer."""
        own = {"initial_accumulator_value": self._initial_accumulator_value, "l2_shrinkage_regularization_strength": self._shrinkage}  # fmt: skip
        return {**super().get_config(), **own}


class TFOptimizer:
    """An optimizer of `tf.train` as one of Keras."""

    def __init__(self, optimizer: Any, iterations: Any = None):
        self.optimizer = optimizer
        self.updates: list[Any] = []
        if iterations is None:
            with tf.name_scope(type(self).__name__):
                iterations = variable(0, dtype="int64", name="iterations")
        self.iterations = iterations

    def get_updates(self, loss: Any, params: Any) -> list[Any]:
        """The operation that makes a step down the gradients of a loss."""
        if not params:
            self.updates = [tf.assign_add(self.iterations, 1)]
            return self.updates
        grads = self.optimizer.compute_gradients(loss, params)
        self.updates = [self.optimizer.apply_gradients(grads, self.iterations)]
        for made in self.optimizer.variables():
            track_variable(made)
        return self.updates

    @property
    def weights(self) -> Any:
        """Raises NotImplementedError: the weights are the wrapped optimizer's."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Raises NotImplementedError: optimizers of `tf.train` have no configuration."""
        raise NotImplementedError


_KNOWN = {c.__name__.lower(): c for c in (Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop, SGD, Ftrl)}


@export("keras.optimizers.serialize")
def serialize(optimizer: Any) -> Any:
    """The class and configuration of an optimizer. Source: TF 1.15 `tf.keras.optimizers.serialize`."""
    return named.serialize(optimizer)


@export("keras.optimizers.deserialize")
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The optimizer of a class (in any case) and configuration. Source: TF 1.15 `tf.keras.optimizers.deserialize`."""
    if config["class_name"].lower() in _KNOWN:
        config = {**config, "class_name": config["class_name"].lower()}
    return named.deserialize(config, _KNOWN, custom_objects, "optimizer")


@export("keras.optimizers.get")
def get(identifier: Any) -> Any:
    """The optimizer of a name, a dictionary, or an optimizer of Keras or `tf.train`.

    Raises ValueError: anything else. Source: TF 1.15 `tf.keras.optimizers.get`.
    """
    if isinstance(identifier, (OptimizerV2, TFOptimizer)):
        return identifier
    if isinstance(identifier, tf.train.Optimizer):
        return TFOptimizer(identifier)
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    raise ValueError("Could not interpret optimizer identifier:", identifier)
