"""`Bijector`: a differentiable map with an inverse, and the log of its volume change."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.distributions.naming import bijector
from retrograph.distributions.shapes import maybe_get_static_value
from retrograph.framework.static_value import constant_value


def _snake(name: str) -> str:
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)).lower()


@dataclass
class _Known:
    """What was computed for one pair of input and output: their tensors, and the log-determinants by `event_ndims`."""

    x: Any = None
    y: Any = None
    ildj: dict[Any, Any] = field(default_factory=dict)


def _key(tensor: Any, kwargs: dict[str, Any]) -> tuple[Any, ...]:
    return (id(tensor), repr(sorted(kwargs.items())))


def _min_event_ndims(forward: Any, inverse: Any) -> tuple[int, int]:
    if forward is None and inverse is None:
        raise ValueError("Must specify at least one of `forward_min_event_ndims` and `inverse_min_event_ndims`.")
    both = (inverse if forward is None else forward, forward if inverse is None else inverse)
    for which, ndims in zip(("forward", "inverse"), both, strict=True):
        if not isinstance(ndims, int):
            raise TypeError(f"Expected {which}_min_event_ndims to be of type int, got {type(ndims).__name__}")
        if ndims < 0:
            raise ValueError(f"{which}_min_event_ndims must be a non-negative integer.")
    return both


@bijector("Bijector")
class Bijector:
    """y = forward(x); subclasses give `_forward`, `_inverse` and one of the two log-determinants.

    Args: `graph_parents`; `is_constant_jacobian`; `validate_args`; `dtype` of inputs (None: any);
    `forward_min_event_ndims` and `inverse_min_event_ndims`: how many axes one input or output has; `name`.
    TypeError or ValueError for impossible counts of axes. Source: TF 1.15 `tf.contrib.distributions.bijectors.Bijector`.
    """

    def __init__(
        self, graph_parents: Any = None, is_constant_jacobian: Any = False, validate_args: Any = False,
        dtype: Any = None, forward_min_event_ndims: Any = None, inverse_min_event_ndims: Any = None,
        name: str | None = None,
    ):  # fmt: skip
        self._graph_parents = graph_parents or []
        least = _min_event_ndims(forward_min_event_ndims, inverse_min_event_ndims)
        self._forward_min_event_ndims, self._inverse_min_event_ndims = least
        self._is_constant_jacobian = is_constant_jacobian
        self._constant_ildj_map: dict[Any, Any] = {}
        self._validate_args = validate_args
        self._dtype = dtype
        self._from_x: dict[Any, _Known] = {}
        self._from_y: dict[Any, _Known] = {}
        self._name = name or _snake(type(self).__name__.lstrip("_"))
        for i, parent in enumerate(self._graph_parents):
            if parent is None or not tf.is_tensor(parent):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")

    def _begin(self, name: str) -> None:
        """What the scope of the constructor needs before the constructor of this class runs."""
        self._graph_parents = []
        self._name = name

    @property
    def graph_parents(self) -> Any:
        """The tensors it depends on."""
        return self._graph_parents

    @property
    def forward_min_event_ndims(self) -> int:
        """How many axes an input has at least."""
        return self._forward_min_event_ndims

    @property
    def inverse_min_event_ndims(self) -> int:
        """How many axes an output has at least."""
        return self._inverse_min_event_ndims

    @property
    def is_constant_jacobian(self) -> Any:
        """Whether the log-determinant is the same everywhere."""
        return self._is_constant_jacobian

    @property
    def _is_injective(self) -> bool:
        return True

    @property
    def validate_args(self) -> Any:
        """Whether arguments are checked when the graph runs."""
        return self._validate_args

    @property
    def dtype(self) -> Any:
        """The dtype of inputs; None: any."""
        return self._dtype

    @property
    def name(self) -> str:
        """The name scope of its operations."""
        return self._name

    # Shapes of events.

    def _forward_event_shape_tensor(self, input_shape: Any) -> Any:
        return input_shape

    def _forward_event_shape(self, input_shape: Any) -> Any:
        return input_shape

    def _inverse_event_shape_tensor(self, output_shape: Any) -> Any:
        return output_shape

    def _inverse_event_shape(self, output_shape: Any) -> Any:
        return tf.TensorShape(output_shape)

    def forward_event_shape_tensor(self, input_shape: Any, name: str = "forward_event_shape_tensor") -> Any:
        """i32[?]: the shape of an output for an input of this shape."""
        with self._name_scope(name, [input_shape]):
            shape = tf.convert_to_tensor(input_shape, dtype=tf.int32, name="input_shape")
            return self._forward_event_shape_tensor(shape)

    def forward_event_shape(self, input_shape: Any) -> Any:
        """`forward_event_shape_tensor` as far as it is known while building."""
        return self._forward_event_shape(tf.TensorShape(input_shape))

    def inverse_event_shape_tensor(self, output_shape: Any, name: str = "inverse_event_shape_tensor") -> Any:
        """i32[?]: the shape of an input for an output of this shape."""
        with self._name_scope(name, [output_shape]):
            shape = tf.convert_to_tensor(output_shape, dtype=tf.int32, name="output_shape")
            return self._inverse_event_shape_tensor(shape)

    def inverse_event_shape(self, output_shape: Any) -> Any:
        """`inverse_event_shape_tensor` as far as it is known while building."""
        return self._inverse_event_shape(output_shape)

    # Both directions.

    def _forward(self, x: Any) -> Any:
        raise NotImplementedError("forward not implemented.")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError("inverse not implemented")

    def _call_forward(self, x: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, [x]):
            x = self._converted(x, "x")
            if not self._is_injective:
                return self._forward(x, **kwargs)
            known = self._lookup(kwargs, x=x)
            if known.y is None:
                known.y = self._forward(x, **kwargs)
                self._remember(known, kwargs)
            return known.y

    def forward(self, x: Any, name: str = "forward") -> Any:
        """y of x; TypeError for another dtype than `dtype`."""
        return self._call_forward(x, name)

    def _call_inverse(self, y: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, [y]):
            y = self._converted(y, "y")
            if not self._is_injective:
                return self._inverse(y, **kwargs)
            known = self._lookup(kwargs, y=y)
            if known.x is None:
                known.x = self._inverse(y, **kwargs)
                self._remember(known, kwargs)
            return known.x

    def inverse(self, y: Any, name: str = "inverse") -> Any:
        """x of y: the very tensor if y was made by `forward`; a tuple of all of them if there are several."""
        return self._call_inverse(y, name)

    # Log-determinants.

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        raise NotImplementedError("inverse_log_det_jacobian not implemented.")

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        raise NotImplementedError("forward_log_det_jacobian not implemented.")

    def _call_inverse_log_det_jacobian(self, y: Any, event_ndims: Any, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, [y]):
            if event_ndims in self._constant_ildj_map:
                return self._constant_ildj_map[event_ndims]
            y = self._converted(y, "y")
            checks = self._check_valid_event_ndims(self.inverse_min_event_ndims, event_ndims)
            with tf.control_dependencies(checks):
                if not self._is_injective:
                    return self._ildj_of_fibers(y, event_ndims, kwargs)
                known = self._lookup(kwargs, y=y)
                if event_ndims not in known.ildj:
                    self._find(known, event_ndims, kwargs, [self._ildj_by_inverse, self._ildj_by_forward])
                return known.ildj[event_ndims]

    def inverse_log_det_jacobian(self, y: Any, event_ndims: Any, name: str = "inverse_log_det_jacobian") -> Any:
        """log(abs(det(dx/dy))) at y, summed over the last `event_ndims` axes; ValueError if these are too few."""
        return self._call_inverse_log_det_jacobian(y, event_ndims, name)

    def _call_forward_log_det_jacobian(self, x: Any, event_ndims: Any, name: str, **kwargs: Any) -> Any:
        if not self._is_injective:
            raise NotImplementedError("forward_log_det_jacobian cannot be implemented for non-injective transforms.")
        with self._name_scope(name, [x]):
            checks = self._check_valid_event_ndims(self.forward_min_event_ndims, event_ndims)
            with tf.control_dependencies(checks):
                if event_ndims in self._constant_ildj_map:
                    return -1.0 * self._constant_ildj_map[event_ndims]
                x = self._converted(x, "x")
                known = self._lookup(kwargs, x=x)
                if event_ndims not in known.ildj:
                    self._find(known, event_ndims, kwargs, [self._ildj_by_forward, self._ildj_by_inverse])
                return -known.ildj[event_ndims]

    def forward_log_det_jacobian(self, x: Any, event_ndims: Any, name: str = "forward_log_det_jacobian") -> Any:
        """log(abs(det(dy/dx))) at x, summed over the last `event_ndims` axes; ValueError if these are too few."""
        return self._call_forward_log_det_jacobian(x, event_ndims, name)

    def _find(self, known: _Known, event_ndims: Any, kwargs: dict[str, Any], ways: list[Callable[..., Any]]) -> None:
        """Puts the log-determinant into `known`, by the first way that the subclass gives."""
        try:
            ildj = ways[0](known, event_ndims, kwargs)
        except NotImplementedError as missing:
            try:
                ildj = ways[1](known, event_ndims, kwargs)
            except NotImplementedError:
                raise missing from None
        known.ildj[event_ndims] = ildj
        self._remember(known, kwargs)
        if self.is_constant_jacobian:
            self._constant_ildj_map[event_ndims] = ildj

    def _ildj_by_inverse(self, known: _Known, event_ndims: Any, kwargs: dict[str, Any]) -> Any:
        y = self._forward(known.x, **kwargs) if known.y is None else known.y
        ildj = self._inverse_log_det_jacobian(y, **kwargs)
        known.y = y
        return self._reduce_jacobian_det_over_event(y, ildj, self.inverse_min_event_ndims, event_ndims)

    def _ildj_by_forward(self, known: _Known, event_ndims: Any, kwargs: dict[str, Any]) -> Any:
        x = self._inverse(known.y, **kwargs) if known.x is None else known.x
        ildj = -self._forward_log_det_jacobian(x, **kwargs)
        known.x = x
        return self._reduce_jacobian_det_over_event(x, ildj, self.forward_min_event_ndims, event_ndims)

    def _ildj_of_fibers(self, y: Any, event_ndims: Any, kwargs: dict[str, Any]) -> tuple[Any, ...]:
        reduced = self._reduce_jacobian_det_over_event
        try:
            found = self._inverse_log_det_jacobian(y, **kwargs)
            return tuple(reduced(y, ildj, self.inverse_min_event_ndims, event_ndims) for ildj in found)
        except NotImplementedError as missing:
            try:
                x = self._inverse(y, **kwargs)
                found = self._forward_log_det_jacobian(x, **kwargs)
                return tuple(reduced(x, -fldj, self.forward_min_event_ndims, event_ndims) for fldj in found)
            except NotImplementedError:
                raise missing from None

    # Helpers.

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None, values: Any = None) -> Iterator[str]:
        parents = list(values or []) + self.graph_parents
        with tf.name_scope(self.name), tf.name_scope(name, values=parents) as scope:
            yield scope

    def _converted(self, value: Any, name: str) -> Any:
        value = tf.convert_to_tensor(value, name=name)
        self._maybe_assert_dtype(value)
        return value

    def _maybe_assert_dtype(self, x: Any) -> None:
        if self.dtype is not None and self.dtype.base_dtype != x.dtype.base_dtype:
            raise TypeError(f"Input had dtype {self.dtype} but expected {x.dtype}.")

    def _lookup(self, kwargs: dict[str, Any], x: Any = None, y: Any = None) -> _Known:
        found = self._from_y.get(_key(y, kwargs)) if x is None else self._from_x.get(_key(x, kwargs))
        return found or _Known(x=x, y=y)

    def _remember(self, known: _Known, kwargs: dict[str, Any]) -> None:
        # The entries hold their tensors: an id stays that tensor's.
        if known.x is not None:
            self._from_x[_key(known.x, kwargs)] = known
        if known.y is not None:
            self._from_y[_key(known.y, kwargs)] = known

    def _reduce_jacobian_det_over_event(self, y: Any, ildj: Any, min_event_ndims: Any, event_ndims: Any) -> Any:
        rank = tf.rank(y)
        shape = tf.shape(y)[rank - event_ndims : rank - min_event_ndims]
        ones = tf.ones(shape, ildj.dtype)
        reduced = tf.reduce_sum(ones * ildj, axis=self._get_event_reduce_dims(min_event_ndims, event_ndims))
        known = self._maybe_get_static_event_ndims(event_ndims)
        if known is not None and y.shape.ndims is not None and ildj.shape.ndims is not None:
            shape = y.shape[y.shape.ndims - known : y.shape.ndims - min_event_ndims]
            shape = tf.broadcast_static_shape(ildj.shape, shape)
            reduced.set_shape(shape[: shape.ndims - (known - min_event_ndims)])
        return reduced

    def _get_event_reduce_dims(self, min_event_ndims: Any, event_ndims: Any) -> Any:
        known = self._maybe_get_static_event_ndims(event_ndims)
        if known is None:
            return tf.range(-(event_ndims - min_event_ndims), 0)
        return [-index for index in range(1, known - min_event_ndims + 1)]

    def _check_valid_event_ndims(self, min_event_ndims: Any, event_ndims: Any) -> list[Any]:
        event_ndims = tf.convert_to_tensor(event_ndims, name="event_ndims")
        known = constant_value(event_ndims)
        if not event_ndims.dtype.is_integer:
            raise ValueError(f"Expected integer dtype, got dtype {event_ndims.dtype}")
        checks = []
        if known is not None:
            if event_ndims.shape.ndims != 0:
                raise ValueError(f"Expected scalar event_ndims, got shape {event_ndims.shape}")
            if min_event_ndims > known:
                raise ValueError(f"event_ndims ({known}) must be larger than min_event_ndims ({min_event_ndims})")
        elif self.validate_args:
            checks.append(tf.assert_greater_equal(event_ndims, min_event_ndims))
        if event_ndims.shape.is_fully_defined():
            if event_ndims.shape.ndims != 0:
                raise ValueError(f"Expected scalar shape, got ndims {event_ndims.shape.ndims}")
        elif self.validate_args:
            checks.append(tf.assert_rank(event_ndims, 0, message="Expected scalar."))
        return checks

    @staticmethod
    def _maybe_get_static_event_ndims(event_ndims: Any) -> Any:
        known = maybe_get_static_value(event_ndims)
        if isinstance(known, (np.generic, np.ndarray)):
            if known.dtype not in (np.int32, np.int64):
                raise ValueError(f"Expected integer dtype, got dtype {known.dtype}")
            if known.shape:
                raise ValueError(f"Expected a scalar integer, got {known}")
            return int(known)
        return known


def scalar_zero(x: Any) -> Any:
    """A log-determinant of 0 in the dtype of `x`."""
    return tf.constant(0.0, dtype=x.dtype.base_dtype)


@bijector("Identity")
class Identity(Bijector):
    """y = x. Source: TF 1.15 `tf.contrib.distributions.bijectors.Identity`."""

    def __init__(self, validate_args: Any = False, name: str = "identity"):
        super().__init__(None, True, validate_args, forward_min_event_ndims=0, name=name)

    def _forward(self, x: Any) -> Any:
        return x

    def _inverse(self, y: Any) -> Any:
        return y

    def _inverse_log_det_jacobian(self, y: Any) -> Any:
        return tf.constant(0.0, dtype=y.dtype)

    def _forward_log_det_jacobian(self, x: Any) -> Any:
        return tf.constant(0.0, dtype=x.dtype)


@bijector("ConditionalBijector")
class ConditionalBijector(Bijector):
    """A bijector whose methods take further arguments by name.

    Source: TF 1.15 `tf.contrib.distributions.bijectors.ConditionalBijector`.
    """

    def forward(self, x: Any, name: str = "forward", **condition_kwargs: Any) -> Any:
        """y of x."""
        return self._call_forward(x, name, **condition_kwargs)

    def inverse(self, y: Any, name: str = "inverse", **condition_kwargs: Any) -> Any:
        """x of y."""
        return self._call_inverse(y, name, **condition_kwargs)

    def inverse_log_det_jacobian(
        self, y: Any, event_ndims: Any, name: str = "inverse_log_det_jacobian", **condition_kwargs: Any
    ) -> Any:
        """log(abs(det(dx/dy))) at y."""
        return self._call_inverse_log_det_jacobian(y, event_ndims, name, **condition_kwargs)

    def forward_log_det_jacobian(
        self, x: Any, event_ndims: Any, name: str = "forward_log_det_jacobian", **condition_kwargs: Any
    ) -> Any:
        """log(abs(det(dy/dx))) at x."""
        return self._call_forward_log_det_jacobian(x, event_ndims, name, **condition_kwargs)
