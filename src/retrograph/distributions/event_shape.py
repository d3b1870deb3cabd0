"""Tensors of samples, batches and events as batches of matrices whose columns are samples."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import retrograph as tf
from retrograph.distributions.shapes import pick_vector, rotate_transpose
from retrograph.framework.static_value import constant_value as _constant_value
from retrograph.ops.control_flow import with_dependencies


def constant_value(tensor: Any) -> Any:
    """The value of a tensor if it is known while building."""
    return _constant_value(tensor)


def _all_known(*tensors: Any) -> bool:
    return all(constant_value(tensor) is not None for tensor in tensors)


def _zero() -> Any:
    return tf.zeros([], dtype=tf.int32, name="zero")


class _DistributionShape:
    """Tells sample, batch and event axes of a tensor apart, of which it knows how many of the latter two there are.

    TypeError unless the counts are i32, ValueError unless they are scalars and not negative. Source: TF 1.15
    `contrib/distributions/python/ops/shape.py`.
    """

    def __init__(
        self, batch_ndims: Any = None, event_ndims: Any = None, validate_args: Any = False,
        name: str = "DistributionShape",
    ):  # fmt: skip
        for which, ndims in (("batch", batch_ndims), ("event", event_ndims)):
            if ndims is None:
                raise ValueError(f"{which}_ndims cannot be None")
        self._validate_args = validate_args
        with tf.name_scope(name):
            self._name = name
            with tf.name_scope("init"):
                self._batch_ndims, self._batch_ndims_static, self._batch_ndims_is_0 = self._count(
                    batch_ndims, "batch_ndims"
                )
                self._event_ndims, self._event_ndims_static, self._event_ndims_is_0 = self._count(
                    event_ndims, "event_ndims"
                )

    def _count(self, ndims: Any, name: str) -> tuple[Any, Any, Any]:
        ndims = self._assert_non_negative_int32_scalar(tf.convert_to_tensor(ndims, name=name))
        known = constant_value(ndims)
        return ndims, known, tf.equal(ndims, 0) if known is None else known == 0

    @property
    def name(self) -> str:
        """The name scope of its operations."""
        return self._name

    @property
    def batch_ndims(self) -> Any:
        """i32[]: the number of axes of the batch."""
        return self._batch_ndims

    @property
    def event_ndims(self) -> Any:
        """i32[]: the number of axes of the event."""
        return self._event_ndims

    @property
    def validate_args(self) -> Any:
        """Whether arguments are checked when the graph runs."""
        return self._validate_args

    def get_ndims(self, x: Any, name: str = "get_ndims") -> Any:
        """i32[]: the rank of `x`."""
        with self._name_scope(name, values=[x]):
            x = tf.convert_to_tensor(x, name="x")
            ndims = x.get_shape().ndims
            if ndims is None:
                return tf.rank(x, name="ndims")
            return tf.convert_to_tensor(ndims, dtype=tf.int32, name="ndims")

    def get_sample_ndims(self, x: Any, name: str = "get_sample_ndims") -> Any:
        """i32[]: the number of axes of samples; ValueError if the rank is too small."""
        with self._name_scope(name, values=[x]):
            ndims = self.get_ndims(x, name=name)
            if _all_known(ndims, self.batch_ndims, self.event_ndims):
                known = constant_value(ndims)
                found = known - self._batch_ndims_static - self._event_ndims_static
                if found < 0:
                    raise ValueError(
                        f"expected batch_ndims({self._batch_ndims_static}) + event_ndims({self._event_ndims_static}) "
                        f"<= ndims({known})"
                    )
                return tf.convert_to_tensor(found, name="sample_ndims")
            with tf.name_scope(name="sample_ndims"):
                found = ndims - self.batch_ndims - self.event_ndims
                if self.validate_args:
                    found = with_dependencies([tf.assert_non_negative(found)], found)
            return found

    def get_dims(self, x: Any, name: str = "get_dims") -> tuple[Any, Any, Any]:
        """The indices of sample, batch and event axes."""
        with self._name_scope(name, values=[x]):

            def make(before: list[Any], size: Any, name: str) -> Any:
                before = before or [_zero()]
                if not _all_known(size, *before):
                    start = sum(before)
                    return tf.range(start, start + size)
                first: int = sum(int(constant_value(part)) for part in before)
                found = list(range(first, first + int(constant_value(size))))
                return tf.convert_to_tensor(found, dtype=tf.int32, name=name)

            samples = self.get_sample_ndims(x, name=name)
            return self._three(make, samples, "_dims")

    def get_shape(self, x: Any, name: str = "get_shape") -> tuple[Any, Any, Any]:
        """The shapes of samples, batch and event."""
        with self._name_scope(name, values=[x]):
            x = tf.convert_to_tensor(x, name="x")

            def part(before: list[Any], size: Any, name: str) -> Any:
                before = before or [_zero()]
                if x.get_shape().ndims is not None and _all_known(size, *before):
                    first: int = sum(int(constant_value(count)) for count in before)
                    known = x.get_shape()[first : first + int(constant_value(size))].as_list()
                    if None not in known:
                        return tf.convert_to_tensor(known, dtype=tf.int32, name=name)
                return tf.slice(tf.shape(x), [sum(before)], [size])

            samples = self.get_sample_ndims(x, name=name)
            return self._three(part, samples, "_shape")

    def _three(self, make: Any, samples: Any, suffix: str) -> tuple[Any, Any, Any]:
        return (
            make([], samples, f"sample{suffix}"),
            make([samples], self.batch_ndims, f"batch{suffix}"),
            make([samples, self.batch_ndims], self.event_ndims, f"event{suffix}"),
        )

    def make_batch_of_event_sample_matrices(
        self, x: Any, expand_batch_dim: Any = True, name: str = "make_batch_of_event_sample_matrices"
    ) -> tuple[Any, Any]:
        """(`x` as `batch + event + [samples]`, the shape of samples); scalar events become vectors of 1."""
        with self._name_scope(name, values=[x]):
            x = tf.convert_to_tensor(x, name="x")
            sample_shape, batch_shape, event_shape = self.get_shape(x)
            event_shape = pick_vector(self._event_ndims_is_0, [1], event_shape)
            if expand_batch_dim:
                batch_shape = pick_vector(self._batch_ndims_is_0, [1], batch_shape)
            x = tf.reshape(x, shape=tf.concat([[-1], batch_shape, event_shape], 0))
            return rotate_transpose(x, shift=-1), sample_shape

    def undo_make_batch_of_event_sample_matrices(
        self, x: Any, sample_shape: Any, expand_batch_dim: Any = True,
        name: str = "undo_make_batch_of_event_sample_matrices",
    ) -> Any:  # fmt: skip
        """The other way."""
        with self._name_scope(name, values=[x, sample_shape]):
            x = tf.convert_to_tensor(x, name="x")
            sample_shape = tf.convert_to_tensor(sample_shape, name="sample_shape")
            x = rotate_transpose(x, shift=1)
            if _all_known(self.batch_ndims, self.event_ndims):
                x = self._squeezed(x, expand_batch_dim)
                _, batch_shape, event_shape = self.get_shape(x)
            else:
                batch_shape, event_shape = self._dynamic_shapes(x, expand_batch_dim)
            return tf.reshape(x, shape=tf.concat([sample_shape, batch_shape, event_shape], 0))

    def _squeezed(self, x: Any, expand_batch_dim: Any) -> Any:
        axes = [-1] if self._event_ndims_is_0 else []
        axes += [1] if self._batch_ndims_is_0 and expand_batch_dim else []
        return tf.squeeze(x, axis=axes) if axes else x

    def _dynamic_shapes(self, x: Any, expand_batch_dim: Any) -> tuple[Any, Any]:
        whole = x.get_shape().as_list() if x.get_shape().is_fully_defined() else tf.shape(x)
        batch_shape = whole[1 : 1 + self.batch_ndims]
        expanded = tf.logical_and(expand_batch_dim, self._batch_ndims_is_0)
        start = tf.where_v2(expanded, 2, 1 + self.batch_ndims)
        return batch_shape, whole[start : start + self.event_ndims]

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None, values: Any = None) -> Iterator[str]:
        tensors = list(values or []) + [self.batch_ndims, self.event_ndims]
        with tf.name_scope(self.name), tf.name_scope(name, values=tensors) as scope:
            yield scope

    def _assert_non_negative_int32_scalar(self, x: Any) -> Any:
        x = tf.convert_to_tensor(x, name="x")
        if x.dtype.base_dtype != tf.int32:
            raise TypeError(f"{x.name}.dtype={x.dtype} is not {tf.int32}")
        known = constant_value(x)
        if x.get_shape().ndims is not None and known is not None:
            if x.get_shape().ndims != 0:
                raise ValueError(f"{x.name}.ndims={x.get_shape().ndims} is not 0 (scalar)")
            if known < 0:
                raise ValueError(f"{x.name}.value={known} cannot be negative")
            return x
        if self.validate_args:
            x = with_dependencies([tf.assert_rank(x, 0), tf.assert_non_negative(x)], x)
        return x
