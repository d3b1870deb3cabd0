"""Bijectors that act on each element."""

from __future__ import annotations

from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.bijector import Bijector, scalar_zero
from retrograph.distributions.checks import checked_when
from retrograph.distributions.naming import bijector
from retrograph.distributions.numeric import softplus_inverse
from retrograph.framework.static_value import constant_value
from retrograph.ops.control_flow import with_dependencies


@bijector("PowerTransform")
class PowerTransform(Bijector):
    """y = (1 + x * power)^(1 / power); exp for a power of 0.

    ValueError unless the power is a constant and not negative. Source: TF 1.15
    `tf.contrib.distributions.bijectors.PowerTransform`.
    """

    def __init__(self, power: Any = 0.0, validate_args: Any = False, name: str = "power_transform"):
        self._begin(name)
        with self._name_scope("init", values=[power]):
            power = constant_value(tf.convert_to_tensor(power, name="power"))
        if power is None or power < 0:
            raise ValueError("`power` must be a non-negative TF constant.")
        self._power = power
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    @property
    def power(self) -> Any:
        """The power."""
        return self._power

    def _forward(self, x: Any) -> Any:
        x = self._valid_x(x)
        return tf.exp(x) if self.power == 0.0 else tf.exp(tf.log1p(x * self.power) / self.power)

    def _inverse(self, y: Any) -> Any:
        y = self._valid_y(y)
        return tf.log(y) if self.power == 0.0 else tf.expm1(tf.log(y) * self.power) / self.power

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return (self.power - 1.0) * tf.log(self._valid_y(y))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        x = self._valid_x(x)
        return x if self.power == 0.0 else (1.0 / self.power - 1.0) * tf.log1p(x * self.power)

    def _valid_x(self, x: Any) -> Any:
        if not self.validate_args or self.power == 0.0:
            return x
        message = f"Forward transformation input must be at least {-1.0 / self.power}."
        return with_dependencies([tf.assert_non_negative(1.0 + self.power * x, message=message)], x)

    def _valid_y(self, y: Any) -> Any:
        return checked_when(self.validate_args, y, _above_zero)


def _above_zero(y: Any) -> Any:
    return tf.assert_positive(y, message="Inverse transformation input must be greater than 0.")


@bijector("Exp")
class Exp(PowerTransform):
    """y = exp(x). Source: TF 1.15 `tf.contrib.distributions.bijectors.Exp`."""

    def __init__(self, validate_args: Any = False, name: str = "exp"):
        super().__init__(validate_args=validate_args, name=name)


@bijector("Sigmoid")
class Sigmoid(Bijector):
    """y = 1 / (1 + exp(-x)). Source: TF 1.15 `tf.contrib.distributions.bijectors.Sigmoid`."""

    def __init__(self, validate_args: Any = False, name: str = "sigmoid"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    def _forward(self, x: Any) -> Any:
        return tf.sigmoid(x)

    def _inverse(self, y: Any) -> Any:
        return tf.log(y) - tf.log1p(-y)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return -tf.log(y) - tf.log1p(-y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return -tf.nn.softplus(-x) - tf.nn.softplus(x)


@bijector("Softplus")
class Softplus(Bijector):
    """y = softness * log(1 + exp(x / softness)); the softness is 1 by default.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Softplus`.
    """

    def __init__(self, hinge_softness: Any = None, validate_args: Any = False, name: str = "softplus"):
        with tf.name_scope(name, values=[hinge_softness]):
            self._hinge_softness: Any = None
            if hinge_softness is not None:
                self._hinge_softness = tf.convert_to_tensor(hinge_softness, name="hinge_softness")
            if validate_args:
                zero = tf.convert_to_tensor(0, dtype=self.hinge_softness.dtype)
                message = "hinge_softness must be non-zero"
                check = tf.assert_none_equal(zero, self.hinge_softness, message=message)
                self._hinge_softness = with_dependencies([check], self.hinge_softness)
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    @property
    def hinge_softness(self) -> Any:
        """The softness; None: 1."""
        return self._hinge_softness

    def _softened(self, x: Any, function: Any) -> Any:
        if self.hinge_softness is None:
            return function(x)
        softness = tf.cast(self.hinge_softness, x.dtype)
        return softness * function(x / softness)

    def _forward(self, x: Any) -> Any:
        return self._softened(x, tf.nn.softplus)

    def _inverse(self, y: Any) -> Any:
        return self._softened(y, softplus_inverse)

    def _scaled(self, x: Any) -> Any:
        return x if self.hinge_softness is None else x / tf.cast(self.hinge_softness, x.dtype)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return -tf.log(-tf.expm1(-self._scaled(y)))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return -tf.nn.softplus(-self._scaled(x))


_LESS_THAN_ONE = "Inverse transformation input must be less than 1."


@bijector("Softsign")
class Softsign(Bijector):
    """y = x / (1 + abs(x)). Source: TF 1.15 `tf.contrib.distributions.bijectors.Softsign`."""

    def __init__(self, validate_args: Any = False, name: str = "softsign"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    def _forward(self, x: Any) -> Any:
        return x / (1.0 + tf.abs(x))

    def _inverse(self, y: Any) -> Any:
        y = self._valid_y(y)
        return y / (1.0 - tf.abs(y))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return -2.0 * tf.log1p(tf.abs(x))

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return -2.0 * tf.log1p(-tf.abs(self._valid_y(y)))

    def _valid_y(self, y: Any) -> Any:
        if not self.validate_args:
            return y
        dtype = y.dtype.base_dtype
        low, high = "Inverse transformation input must be greater than -1.", _LESS_THAN_ONE
        checks = [
            tf.assert_greater(y, tf.cast(-1.0, dtype=dtype), message=low),
            tf.assert_less(y, tf.cast(1.0, dtype=dtype), message=high),
        ]
        return with_dependencies(checks, y)


def _not_negative(x: Any) -> Any:
    return tf.assert_non_negative(x, message="All elements must be non-negative.")


@bijector("Square")
class Square(Bijector):
    """y = x^2 for x >= 0. Source: TF 1.15 `tf.contrib.distributions.bijectors.Square`."""

    def __init__(self, validate_args: Any = False, name: str = "square"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    def _forward(self, x: Any) -> Any:
        return tf.square(checked_when(self.validate_args, x, _not_negative))

    def _inverse(self, y: Any) -> Any:
        return tf.sqrt(checked_when(self.validate_args, y, _not_negative))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return np.log(2.0) + tf.log(checked_when(self.validate_args, x, _not_negative))


def _y_not_negative(y: Any) -> Any:
    return tf.assert_non_negative(y, message="Argument y was negative")


@bijector("AbsoluteValue")
class AbsoluteValue(Bijector):
    """y = abs(x): two inputs for each output. Source: TF 1.15 `tf.contrib.distributions.bijectors.AbsoluteValue`."""

    def __init__(self, validate_args: Any = False, name: str = "absolute_value"):
        self._begin(name)
        with self._name_scope("init"):
            super().__init__(None, True, validate_args, forward_min_event_ndims=0, name=name)

    def _forward(self, x: Any) -> Any:
        return tf.abs(x)

    def _inverse(self, y: Any) -> Any:
        y = checked_when(self.validate_args, y, _y_not_negative)
        return -y, y

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        zeros = tf.constant(0.0, dtype=y.dtype)
        if self.validate_args:
            zeros = with_dependencies([_y_not_negative(y)], zeros)
        return zeros, zeros

    @property
    def _is_injective(self) -> bool:
        return False


@bijector("AffineScalar")
class AffineScalar(Bijector):
    """y = scale * x + shift. Source: TF 1.15 `tf.contrib.distributions.bijectors.AffineScalar`."""

    def __init__(self, shift: Any = None, scale: Any = None, validate_args: Any = False, name: str = "affine_scalar"):
        self._begin(name)
        with self._name_scope("init", values=[scale, shift]):
            self._shift = shift if shift is None else tf.convert_to_tensor(shift, name="shift")
            self._scale: Any = scale if scale is None else tf.convert_to_tensor(scale, name="scale")
            if self._scale is not None and validate_args:
                check = tf.assert_none_equal(self._scale, tf.zeros([], dtype=self._scale.dtype))
                self._scale = with_dependencies([check], self._scale)
            super().__init__(None, True, validate_args, forward_min_event_ndims=0, name=name)

    @property
    def shift(self) -> Any:
        """What is added; None: nothing."""
        return self._shift

    @property
    def scale(self) -> Any:
        """The factor; None: 1."""
        return self._scale

    def _forward(self, x: Any) -> Any:
        y = tf.identity(x)
        y = y if self.scale is None else y * self.scale
        return y if self.shift is None else y + self.shift

    def _inverse(self, y: Any) -> Any:
        x = tf.identity(y)
        x = x if self.shift is None else x - self.shift
        return x if self.scale is None else x / self.scale

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return scalar_zero(x) if self.scale is None else tf.log(tf.abs(self.scale))


def _y_at_least_zero(y: Any) -> Any:
    return tf.assert_non_negative(y, message="Inverse transformation input must be greater than 0.")


def _y_at_most_one(y: Any) -> Any:
    message = "Inverse transformation input must be less than or equal to 1."
    return tf.assert_less_equal(y, tf.constant(1.0, y.dtype), message=message)


class _TwoParameters(Bijector):
    """A scalar bijector with two parameters of one float dtype, `names` in the order of the constructor."""

    def _take(self, name: str, validate_args: Any, positive: tuple[str, ...], **given: Any) -> list[Any]:
        self._begin(name)
        with self._name_scope("init", values=list(given.values())):
            made = {which: tf.convert_to_tensor(value, name=which) for which, value in given.items()}
            tf.debugging.assert_same_float_dtype(list(made.values()))
            for which in positive if validate_args else ():
                check = tf.assert_positive(made[which], message=f"Argument {which} was not positive")
                made[which] = with_dependencies([check], made[which])
        Bijector.__init__(self, None, False, validate_args, forward_min_event_ndims=0, name=name)
        return list(made.values())

    def _valid_y(self, y: Any) -> Any:
        return checked_when(self.validate_args, y, _y_at_least_zero, _y_at_most_one)


@bijector("Gumbel")
class Gumbel(_TwoParameters):
    """y = exp(-exp(-(x - loc) / scale)). Source: TF 1.15 `tf.contrib.distributions.bijectors.Gumbel`."""

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, validate_args: Any = False, name: str = "gumbel"):
        self._loc, self._scale = self._take(name, validate_args, ("scale",), loc=loc, scale=scale)

    @property
    def loc(self) -> Any:
        """The location."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    def _forward(self, x: Any) -> Any:
        return tf.exp(-tf.exp(-((x - self.loc) / self.scale)))

    def _inverse(self, y: Any) -> Any:
        return self.loc - self.scale * tf.log(-tf.log(self._valid_y(y)))

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        y = self._valid_y(y)
        return tf.log(self.scale / (-tf.log(y) * y))

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        z = (x - self.loc) / self.scale
        return -z - tf.exp(-z) - tf.log(self.scale)


def _x_at_least_zero(x: Any) -> Any:
    return tf.assert_non_negative(x, message="Forward transformation input must be at least 0.")


class Weibull(_TwoParameters):
    """y = 1 - exp(-(x / scale)^concentration): in TF 1.15's module, without a public name."""

    def __init__(self, scale: Any = 1.0, concentration: Any = 1.0, validate_args: Any = False, name: str = "weibull"):
        both = ("scale", "concentration")
        taken = self._take(name, validate_args, both, scale=scale, concentration=concentration)
        self._scale, self._concentration = taken

    @property
    def scale(self) -> Any:
        """The scale."""
        return self._scale

    @property
    def concentration(self) -> Any:
        """The exponent."""
        return self._concentration

    def _forward(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _x_at_least_zero)
        return -tf.expm1(-((x / self.scale) ** self.concentration))

    def _inverse(self, y: Any) -> Any:
        return self.scale * (-tf.log1p(-self._valid_y(y))) ** (1 / self.concentration)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        y = self._valid_y(y)
        inner = (1 / self.concentration - 1) * tf.log(-tf.log1p(-y))
        return -tf.log1p(-y) + inner + tf.log(self.scale / self.concentration)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _x_at_least_zero)
        k = self.concentration
        return -((x / self.scale) ** k) + (k - 1) * tf.log(x) + tf.log(k) + -k * tf.log(self.scale)


@bijector("SinhArcsinh")
class SinhArcsinh(Bijector):
    """y = sinh((arcsinh(x) + skewness) * tailweight). Source: TF 1.15 `tf.contrib.distributions.bijectors.SinhArcsinh`."""

    def __init__(
        self, skewness: Any = None, tailweight: Any = None, validate_args: Any = False, name: str = "SinhArcsinh"
    ):
        self._begin(name)
        with self._name_scope("init", values=[skewness, tailweight]):
            tailweight = 1.0 if tailweight is None else tailweight
            self._skewness = tf.convert_to_tensor(0.0 if skewness is None else skewness, name="skewness")
            dtype = self._skewness.dtype
            self._tailweight = tf.convert_to_tensor(tailweight, name="tailweight", dtype=dtype)
            tf.debugging.assert_same_float_dtype([self._skewness, self._tailweight])
            self._tailweight = checked_when(validate_args, self._tailweight, _positive_tailweight)
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    @property
    def skewness(self) -> Any:
        """The skewness; 0: symmetric."""
        return self._skewness

    @property
    def tailweight(self) -> Any:
        """The weight of the tails; 1: unchanged."""
        return self._tailweight

    def _stretched(self, x: Any) -> Any:
        return (tf.asinh(x) + self.skewness) * self.tailweight

    def _shrunk(self, y: Any) -> Any:
        return tf.asinh(y) / self.tailweight - self.skewness

    def _forward(self, x: Any) -> Any:
        return tf.sinh(self._stretched(x))

    def _inverse(self, y: Any) -> Any:
        return tf.sinh(self._shrunk(y))

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return tf.log(tf.cosh(self._shrunk(y)) / _sqrtx2p1(y)) - tf.log(self.tailweight)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return tf.log(tf.cosh(self._stretched(x)) / _sqrtx2p1(x)) + tf.log(self.tailweight)


def _positive_tailweight(x: Any) -> Any:
    return tf.assert_positive(x, message="Argument tailweight was not positive")


def _sqrtx2p1(x: Any) -> Any:
    """sqrt(x^2 + 1) without overflow."""
    small = tf.abs(x) * np.sqrt(np.finfo(x.dtype.as_numpy_dtype).eps) <= 1.0
    return tf.where_v2(small, tf.sqrt(x**2.0 + 1.0), tf.abs(x))


def _positive_concentration(x: Any) -> Any:
    return tf.assert_positive(x, message="Concentration parameter must be positive.")


@bijector("Kumaraswamy")
class Kumaraswamy(Bijector):
    """y = (1 - (1 - x)^(1 / concentration0))^(1 / concentration1), on [0, 1].

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Kumaraswamy`.
    """

    def __init__(
        self, concentration1: Any = None, concentration0: Any = None, validate_args: Any = False,
        name: str = "kumaraswamy",
    ):  # fmt: skip
        self._begin(name)
        with self._name_scope("init", values=[concentration1, concentration0]):
            a = tf.convert_to_tensor(concentration1, name="concentration1")
            self._concentration1 = checked_when(validate_args, a, _positive_concentration)
            b = tf.convert_to_tensor(concentration0, name="concentration0")
            self._concentration0 = checked_when(validate_args, b, _positive_concentration)
        super().__init__(None, False, validate_args, forward_min_event_ndims=0, name=name)

    @property
    def concentration1(self) -> Any:
        """The weight of 1."""
        return self._concentration1

    @property
    def concentration0(self) -> Any:
        """The weight of 0."""
        return self._concentration0

    def _valid(self, x: Any) -> Any:
        return checked_when(self.validate_args, x, _sample_not_negative, self._at_most_one)

    def _at_most_one(self, x: Any) -> Any:
        ones = tf.ones([], self.concentration0.dtype)
        return tf.assert_less_equal(x, ones, message="sample must be no larger than `1`.")

    def _forward(self, x: Any) -> Any:
        x = self._valid(x)
        return tf.exp(tf.log1p(-tf.exp(tf.log1p(-x) / self.concentration0)) / self.concentration1)

    def _inverse(self, y: Any) -> Any:
        y = self._valid(y)
        return tf.exp(tf.log1p(-((1 - y**self.concentration1) ** self.concentration0)))

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        y, a, b = self._valid(y), self.concentration1, self.concentration0
        return tf.log(a) + tf.log(b) + (a - 1) * tf.log(y) + (b - 1) * tf.log1p(-(y**a))


def _sample_not_negative(x: Any) -> Any:
    return tf.assert_non_negative(x, message="sample must be non-negative")
