"""Bijectors made of others or of functions, and those that act on vectors and shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.bijector import Bijector, scalar_zero
from retrograph.distributions.checks import checked_when
from retrograph.distributions.naming import bijector
from retrograph.distributions.shapes import pad
from retrograph.framework.static_value import constant_value, constant_value_as_shape
from retrograph.ops.control_flow import with_dependencies


def _use_static_shape(x: Any, ndims: Any) -> bool:
    return x.shape.is_fully_defined() and isinstance(ndims, int)


def _compute_min_event_ndims(bijectors: Any, compute_forward: bool = True) -> int:
    """How many axes an input (or output) of the chain has at least, when some of its parts add or drop axes."""
    least = current = 0
    for part in reversed(bijectors) if compute_forward else bijectors:
        ndims = (part.forward_min_event_ndims, part.inverse_min_event_ndims)
        taken, given = ndims if compute_forward else reversed(ndims)
        least += max(taken - current, 0)
        current = max(taken, current) - (taken - given)
    return least


def _common_dtype(bijectors: Any) -> Any:
    found = list({part.dtype for part in bijectors})
    known = [dtype for dtype in found if dtype is not None]
    if len(found) > 2:
        raise ValueError(f"incompatible dtypes: {found}")
    return known[0] if known else None


@bijector("Chain")
class Chain(Bijector):
    """bijectors[0](bijectors[1](...(x))). NotImplementedError if one is not injective, ValueError for other dtypes.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Chain`.
    """

    def __init__(self, bijectors: Any = None, validate_args: Any = False, name: str | None = None):
        bijectors = () if bijectors is None else bijectors
        self._bijectors = bijectors
        for part in bijectors:
            if not part._is_injective:
                raise NotImplementedError(f"Invert is not implemented for non-injective bijector ({part.name})")
        super().__init__(
            graph_parents=list(itertools.chain.from_iterable(part.graph_parents for part in bijectors)),
            is_constant_jacobian=all(part.is_constant_jacobian for part in bijectors),
            validate_args=validate_args,
            dtype=_common_dtype(bijectors),
            forward_min_event_ndims=_compute_min_event_ndims(bijectors, compute_forward=True),
            inverse_min_event_ndims=_compute_min_event_ndims(bijectors, compute_forward=False),
            name=name or ("_of_".join(["chain", *(part.name for part in bijectors)]) if bijectors else "identity"),
        )

    @property
    def bijectors(self) -> Any:
        """The parts, the last applied first."""
        return self._bijectors

    def _through(self, method: str, shape: Any, parts: Any) -> Any:
        for part in parts:
            shape = getattr(part, method)(shape)
        return shape

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return self._through("forward_event_shape", input_shape, reversed(self.bijectors))

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return self._through("forward_event_shape_tensor", input_shape, reversed(self.bijectors))

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return self._through("inverse_event_shape", output_shape, self.bijectors)

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return self._through("inverse_event_shape_tensor", output_shape, self.bijectors)

    def _forward(self, x: Any, **kwargs: Any) -> Any:
        for part in reversed(self.bijectors):
            x = part.forward(x, **kwargs.get(part.name, {}))
        return x

    def _inverse(self, y: Any, **kwargs: Any) -> Any:
        for part in self.bijectors:
            y = part.inverse(y, **kwargs.get(part.name, {}))
        return y

    def _inverse_log_det_jacobian(self, y: Any, **kwargs: Any) -> Any:
        return self._total(y, "y", self.bijectors, "inverse", self.inverse_min_event_ndims, kwargs)

    def _forward_log_det_jacobian(self, x: Any, **kwargs: Any) -> Any:
        return self._total(x, "x", reversed(self.bijectors), "forward", self.forward_min_event_ndims, kwargs)

    def _total(self, x: Any, name: str, parts: Any, way: str, least: int, kwargs: dict[str, Any]) -> Any:
        """The sum of the parts' log-determinants, following the shape of the event through them."""
        x = tf.convert_to_tensor(x, name=name)
        total = tf.cast(0.0, dtype=x.dtype.base_dtype)
        if not self.bijectors:
            return total
        ndims = self._maybe_get_static_event_ndims(least)
        if _use_static_shape(x, ndims):
            shape = x.shape[x.shape.ndims - ndims :]
        else:
            shape = tf.shape(x)[tf.rank(x) - ndims :]
        for part in parts:
            own = kwargs.get(part.name, {})
            total += getattr(part, f"{way}_log_det_jacobian")(x, event_ndims=ndims, **own)
            if _use_static_shape(x, ndims):
                shape = getattr(part, f"{way}_event_shape")(shape)
                ndims = self._maybe_get_static_event_ndims(shape.ndims)
            else:
                shape = getattr(part, f"{way}_event_shape_tensor")(shape)
                size = tf.size(shape)
                known = self._maybe_get_static_event_ndims(size)
                ndims = size if known is None else known
            x = getattr(part, way)(x, **own)
        return total


@bijector("Invert")
class Invert(Bijector):
    """The bijector backwards; NotImplementedError if it is not injective.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Invert`.
    """

    def __init__(self, bijector: Any, validate_args: Any = False, name: str | None = None):
        if not bijector._is_injective:
            raise NotImplementedError("Invert is not implemented for non-injective bijectors.")
        self._bijector = bijector
        super().__init__(
            bijector.graph_parents, bijector.is_constant_jacobian, validate_args, bijector.dtype,
            bijector.inverse_min_event_ndims, bijector.forward_min_event_ndims,
            name or "_".join(["invert", bijector.name]),
        )  # fmt: skip

    @property
    def bijector(self) -> Any:
        """What it inverts."""
        return self._bijector

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return self.bijector._inverse_event_shape(input_shape)

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return self.bijector._inverse_event_shape_tensor(input_shape)

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return self.bijector._forward_event_shape(output_shape)

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return self.bijector._forward_event_shape_tensor(output_shape)

    def _forward(self, x: Any, **kwargs: Any) -> Any:
        return self.bijector._inverse(x, **kwargs)

    def _inverse(self, y: Any, **kwargs: Any) -> Any:
        return self.bijector._forward(y, **kwargs)

    def _inverse_log_det_jacobian(self, y: Any, **kwargs: Any) -> Any:
        return self.bijector._forward_log_det_jacobian(y, **kwargs)

    def _forward_log_det_jacobian(self, x: Any, **kwargs: Any) -> Any:
        return self.bijector._inverse_log_det_jacobian(x, **kwargs)


@bijector("Inline")
class Inline(Bijector):
    """A bijector of functions; NotImplementedError where one is needed that was not given.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Inline`.

    >>> Inline(forward_fn=tf.exp, inverse_fn=tf.log, forward_min_event_ndims=0,
    ...        inverse_log_det_jacobian_fn=lambda y: -tf.log(y))
    """

    def __init__(
        self, forward_fn: Any = None, inverse_fn: Any = None, inverse_log_det_jacobian_fn: Any = None,
        forward_log_det_jacobian_fn: Any = None, forward_event_shape_fn: Any = None,
        forward_event_shape_tensor_fn: Any = None, inverse_event_shape_fn: Any = None,
        inverse_event_shape_tensor_fn: Any = None, is_constant_jacobian: Any = False, validate_args: Any = False,
        forward_min_event_ndims: Any = None, inverse_min_event_ndims: Any = None, name: str = "inline",
    ):  # fmt: skip
        super().__init__(
            None, is_constant_jacobian, validate_args, None, forward_min_event_ndims, inverse_min_event_ndims, name
        )
        self._forward_fn = forward_fn
        self._inverse_fn = inverse_fn
        self._inverse_log_det_jacobian_fn = inverse_log_det_jacobian_fn
        self._forward_log_det_jacobian_fn = forward_log_det_jacobian_fn
        self._forward_event_shape_fn = forward_event_shape_fn
        self._forward_event_shape_tensor_fn = forward_event_shape_tensor_fn
        self._inverse_event_shape_fn = inverse_event_shape_fn
        self._inverse_event_shape_tensor_fn = inverse_event_shape_tensor_fn

    @staticmethod
    def _shaped(function: Callable[[Any], Any] | None, shape: Any) -> Any:
        return shape if function is None else function(shape)

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return self._shaped(self._forward_event_shape_fn, input_shape)

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return self._shaped(self._forward_event_shape_tensor_fn, input_shape)

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return self._shaped(self._inverse_event_shape_fn, output_shape)

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return self._shaped(self._inverse_event_shape_tensor_fn, output_shape)

    def _by(self, which: str, x: Any, kwargs: dict[str, Any]) -> Any:
        function = getattr(self, f"_{which}")
        if not callable(function):
            raise NotImplementedError(f"{which} is not a callable function.")
        return function(x, **kwargs)

    def _forward(self, x: Any, **kwargs: Any) -> Any:
        return self._by("forward_fn", x, kwargs)

    def _inverse(self, y: Any, **kwargs: Any) -> Any:
        return self._by("inverse_fn", y, kwargs)

    def _inverse_log_det_jacobian(self, y: Any, **kwargs: Any) -> Any:
        return self._by("inverse_log_det_jacobian_fn", y, kwargs)

    def _forward_log_det_jacobian(self, x: Any, **kwargs: Any) -> Any:
        return self._by("forward_log_det_jacobian_fn", x, kwargs)


_PERMUTATION = "Permutation over `d` must contain exactly one of each of `{0, 1, ..., d}`."


@bijector("Permute")
class Permute(Bijector):
    """The elements along the last axis in another order: y[i] = x[permutation[i]].

    TypeError unless integers, ValueError if it is no permutation. Source: TF 1.15
    `tf.contrib.distributions.bijectors.Permute`.
    """

    def __init__(self, permutation: Any, validate_args: Any = False, name: str | None = None):
        with tf.name_scope(name, "permute", values=[permutation]):
            permutation = tf.convert_to_tensor(permutation, name="permutation")
            if not permutation.dtype.is_integer:
                raise TypeError(f"permutation.dtype ({permutation.dtype.name}) should be `int`-like.")
            known = constant_value(permutation)
            if known is not None:
                if set(known) != set(np.arange(known.size)):
                    raise ValueError(_PERMUTATION)
            elif validate_args:
                found, _ = tf.nn.top_k(-permutation, k=tf.shape(permutation)[-1], sorted=True)
                check = tf.assert_equal(-found, tf.range(tf.size(found)), message=_PERMUTATION)
                permutation = with_dependencies([check], permutation)
            self._permutation = permutation
            super().__init__(None, True, validate_args, forward_min_event_ndims=1, name=name or "permute")

    @property
    def permutation(self) -> Any:
        """Where each element comes from."""
        return self._permutation

    def _forward(self, x: Any) -> Any:
        return tf.gather(x, self.permutation, axis=-1)

    def _inverse(self, y: Any) -> Any:
        return tf.gather(y, tf.invert_permutation(self.permutation), axis=-1)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return scalar_zero(y)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return scalar_zero(x)


def _last(shape: Any) -> Any:
    return None if shape.dims is None else shape.dims[-1].value


def _greater_one(shape: Any) -> Any:
    return tf.assert_greater(shape[-1], 1, message="Need last dimension greater than 1.")


class _OneVector(Bijector):
    """A bijector of vectors whose outputs have `_longer` elements more than its inputs."""

    _longer = 0

    def _forward_event_shape(self, input_shape: Any) -> Any:
        if input_shape.ndims is None or _last(input_shape) is None:
            return input_shape
        return tf.TensorShape([_last(input_shape) + self._longer])

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        size = input_shape[-1] + self._longer if self._longer else input_shape[-1]
        return size[..., tf.newaxis]

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        output_shape = tf.TensorShape(output_shape)
        if output_shape.ndims is None or _last(output_shape) is None:
            return output_shape
        if _last(output_shape) <= 1:
            raise ValueError(f"output_shape[-1] = {_last(output_shape)} <= 1")
        return tf.TensorShape([_last(output_shape) - self._longer])

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        output_shape = checked_when(self.validate_args, output_shape, _greater_one)
        size = output_shape[-1] - self._longer if self._longer else output_shape[-1]
        return size[..., tf.newaxis]


@bijector("Ordered")
class Ordered(_OneVector):
    """From increasing vectors to all vectors: y[0] = x[0], y[i] = log(x[i] - x[i - 1]).

    Source: TF 1.15 `tf.contrib.distributions.bijectors.Ordered`.
    """

    def __init__(self, validate_args: Any = False, name: str = "ordered"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=1, name=name)

    def _forward(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _increasing)
        first = x[..., 0, tf.newaxis]
        return tf.concat([first, tf.log(x[..., 1:] - x[..., :-1])], axis=-1)

    def _inverse(self, y: Any) -> Any:
        first = y[..., 0, tf.newaxis]
        return tf.cumsum(tf.concat([first, tf.exp(y[..., 1:])], axis=-1), axis=-1)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return tf.reduce_sum(y[..., 1:], axis=-1)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        x = checked_when(self.validate_args, x, _increasing)
        return -tf.reduce_sum(tf.log(x[..., 1:] - x[..., :-1]), axis=-1)


def _increasing(x: Any) -> Any:
    message = "Forward transformation input must be strictly increasing."
    return tf.assert_positive(x[..., 1:] - x[..., :-1], message=message)


@bijector("SoftmaxCentered")
class SoftmaxCentered(_OneVector):
    """From vectors of n to the simplex of n + 1: softmax of x and a last 0.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.SoftmaxCentered`.
    """

    _longer = 1

    def __init__(self, validate_args: Any = False, name: str = "softmax_centered"):
        super().__init__(None, False, validate_args, forward_min_event_ndims=1, name=name)

    @staticmethod
    def _shaped(result: Any, given: Any, longer: int) -> Any:
        if given.shape.ndims is not None:
            size = _last(given.shape)
            size = None if size is None else size + longer
            shape = given.shape[:-1].concatenate(tf.TensorShape([size]))
            result.shape.assert_is_compatible_with(shape)
            result.set_shape(shape)
        return result

    def _forward(self, x: Any) -> Any:
        return tf.nn.softmax(self._shaped(pad(x, axis=-1, back=True), x, 1))

    def _inverse(self, y: Any) -> Any:
        x = tf.log(y)
        norm = (-x[..., -1])[..., tf.newaxis]
        return self._shaped(x[..., :-1] + norm, y, -1)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return -tf.reduce_sum(tf.log(y), axis=-1)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        norm = tf.nn.softplus(tf.reduce_logsumexp(x, axis=-1, keepdims=True))
        return tf.squeeze(-norm + tf.reduce_sum(x - norm, axis=-1, keepdims=True), axis=-1)


@bijector("Reshape")
class Reshape(Bijector):
    """Events of `event_shape_in` as events of `event_shape_out`; one -1 in each.

    TypeError unless the shapes are integers, ValueError for impossible ones or an input of another shape. Source: TF 1.15
    `tf.contrib.distributions.bijectors.Reshape`.
    """

    def __init__(
        self, event_shape_out: Any, event_shape_in: Any = (-1,), validate_args: Any = False, name: str | None = None
    ):
        with tf.name_scope(name, "reshape", values=[event_shape_out, event_shape_in]):
            out = tf.convert_to_tensor(event_shape_out, name="event_shape_out", preferred_dtype=tf.int32)
            into = tf.convert_to_tensor(event_shape_in, name="event_shape_in", preferred_dtype=tf.int32)
            checks = [check for shape in (out, into) for check in self._shape_checks(shape, validate_args)]
            self._assertions = checks
            self._event_shape_in, self._event_shape_out = into, out
            super().__init__(None, True, validate_args, forward_min_event_ndims=0, name=name or "reshape")

    def _shape_checks(self, shape: Any, validate_args: Any) -> list[Any]:
        if not shape.dtype.is_integer:
            raise TypeError(f"{shape} dtype ({shape.dtype.name}) should be `int`-like.")
        checks = []
        ndims = tf.rank(shape)
        known = constant_value(ndims)
        if known is not None and known > 1:
            raise ValueError(f"`{shape}` rank ({known}) should be <= 1.")
        if validate_args:
            checks.append(tf.assert_less_equal(ndims, 1, message=f"`{shape}` rank should be <= 1."))
        return checks + self._size_checks(shape, validate_args)

    @staticmethod
    def _size_checks(shape: Any, validate_args: Any) -> list[Any]:
        known = constant_value_as_shape(shape)
        if known.is_fully_defined():
            sizes = np.array(known.as_list(), np.int32)
            if np.sum(sizes == -1) > 1:
                raise ValueError(f"`{shape}` must have at most one `-1` (given {sizes})")
            if np.any(sizes < -1):
                raise ValueError(f"`{shape}` elements must be either positive integers or `-1`(given {sizes}).")
            return []
        if not validate_args:
            return []
        count = tf.reduce_sum(tf.cast(tf.equal(shape, -1), tf.int32))
        text = f"`{shape}` elements must be either positive integers or `-1`."
        return [
            tf.assert_less_equal(count, 1, message=f"`{shape}` elements must have at most one `-1`."),
            tf.assert_greater_equal(shape, -1, message=text),
        ]

    def _reshape_helper(self, x: Any, into: Any, out: Any) -> Any:
        dims = into.shape.with_rank_at_least(1).dims
        known_ndims = None if dims is None else dims[0].value
        ndims = tf.shape(into)[0]
        x_known, x_ndims = x.shape.ndims, tf.rank(x)
        x = self._checked_event(x, into, known_ndims, ndims, x_known, x_ndims)
        rank = tf.rank(x) if x_known is None else x_known
        outer = tf.shape(x)[: rank - tf.abs(ndims)]
        if known_ndims is not None and known_ndims == x_known:
            return tf.reshape(x, out)
        return tf.reshape(x, tf.concat([outer, out], axis=0))

    def _checked_event(self, x: Any, into: Any, known_ndims: Any, ndims: Any, x_known: Any, x_ndims: Any) -> Any:
        """`x`, whose last axes must be `into` but for its -1."""
        message = "Input `event_shape` does not match `event_shape_in`"
        wanted, found = constant_value(into), None
        if known_ndims is not None and x_known is not None:
            shape = x.shape.with_rank_at_least(known_ndims)[x_known - known_ndims :]
            found = np.array(shape.as_list(), np.int32) if shape.is_fully_defined() else None
        if found is not None and wanted is not None:
            if not np.equal(found[wanted >= 0], wanted[wanted >= 0]).all():
                raise ValueError(f"{message} ({found} vs {wanted}).")
        elif self.validate_args:
            actual = tf.shape(x)[x_ndims - ndims :] if found is None else found
            mask = tf.reshape(into >= 0, [-1])
            both = [tf.boolean_mask(shape, mask) for shape in (actual, into)]
            return with_dependencies([tf.assert_equal(*both, message=f"{message}.")], x)
        return x

    def _forward(self, x: Any) -> Any:
        with tf.control_dependencies(self._assertions):
            return self._reshape_helper(x, self._event_shape_in, self._event_shape_out)

    def _inverse(self, y: Any) -> Any:
        with tf.control_dependencies(self._assertions):
            return self._reshape_helper(y, self._event_shape_out, self._event_shape_in)

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        with tf.control_dependencies(self._assertions):
            return tf.constant(0.0, dtype=y.dtype)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        with tf.control_dependencies(self._assertions):
            return tf.constant(0.0, dtype=x.dtype)

    def _of_zeros(self, shape: Any, way: Callable[[Any], Any]) -> Any:
        with tf.control_dependencies(self._assertions):
            return way(tf.zeros(dtype=tf.float32, shape=shape))

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return self._of_zeros(input_shape, self.forward).shape

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return self._of_zeros(output_shape, self.inverse).shape

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return tf.shape(self._of_zeros(input_shape, self.forward))

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return tf.shape(self._of_zeros(output_shape, self.inverse))
