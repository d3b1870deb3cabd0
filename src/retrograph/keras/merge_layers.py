"""Layers of several inputs: sums, products, means, extremes, joins and dot products, and their functional forms."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.backend_math import batch_dot
from retrograph.keras.backend_math import concatenate as joined
from retrograph.keras.backend_values import ndim
from retrograph.keras.base_layer import Layer
from retrograph.keras.shape_helpers import on_tuples


def _broadcast(first: Any, second: Any) -> Any:
    """The shape of two operands of an elementwise operation."""
    if first is None or second is None:
        return None
    if len(first) < len(second):
        first, second = second, first
    if not second:
        return first
    sizes = list(first[: len(first) - len(second)])
    for i, j in zip(first[-len(second) :], second, strict=True):
        if None not in (i, j) and 1 not in (i, j) and i != j:
            raise ValueError(f"Operands could not be broadcast together with shapes {first} {second}")
        sizes.append(None if None in (i, j) else j if i == 1 else i)
    return tuple(sizes)


def _checked_masks(inputs: Any, mask: Any) -> Any:
    if mask is None:
        return None
    if not isinstance(mask, list):
        raise ValueError("`mask` should be a list.")
    if not isinstance(inputs, list):
        raise ValueError("`inputs` should be a list.")
    if len(mask) != len(inputs):
        raise ValueError("The lists `inputs` and `mask` should have the same length.")
    return None if all(m is None for m in mask) else mask


def _all_true(x: Any, axis: int) -> Any:
    return tf.reduce_all(tf.cast(x, tf.bool), axis, False)


class _Merge(Layer):
    """An elementwise operation of a list of inputs, broadcast after their first axis."""

    _reshape_required = False

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge_function(self, inputs: Any) -> Any:
        raise NotImplementedError

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Checks the shapes; ValueError if they do not fit."""
        if not isinstance(input_shape, list):
            raise ValueError("A merge layer should be called on a list of inputs.")
        if len(input_shape) < 2:
            raise ValueError(
                f"A merge layer should be called on a list of at least 2 inputs. Got {len(input_shape)} inputs."
            )
        if len({s[0] for s in input_shape if s is not None} - {None}) > 1:
            raise ValueError(
                f"Can not merge tensors with different batch sizes. Got tensors with shapes : {input_shape}"
            )
        self._row(input_shape)
        self._reshape_required = None in input_shape or len({len(s) for s in input_shape}) > 1

    @staticmethod
    def _row(shapes: Any) -> Any:
        rows = [None if s is None else s[1:] for s in shapes]
        found = rows[0]
        for row in rows[1:]:
            found = _broadcast(found, row)
        return found

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        if not isinstance(inputs, list):
            raise ValueError("A merge layer should be called on a list of inputs.")
        if not self._reshape_required:
            return self._merge_function(inputs)
        ranks = [ndim(x) for x in inputs]
        if None in ranks:
            return self._batch_last(inputs)
        return self._merge_function([self._widened(x, max(ranks)) for x in inputs])

    @staticmethod
    def _widened(x: Any, rank: int) -> Any:
        for _ in range(rank - ndim(x)):
            x = tf.expand_dims(x, axis=1)
        return x

    def _batch_last(self, inputs: Any) -> Any:
        """Inputs of unknown rank: the batch axis goes to the end, where broadcasting begins."""

        def moved(x: Any, steps: int) -> Any:
            rank = tf.rank(x)
            return tf.transpose(x, tf.mod(tf.range(rank) + steps, rank))

        return moved(self._merge_function([moved(x, 1) for x in inputs]), -1)

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """The broadcast shape."""
        batches = {s[0] for s in input_shape if s is not None} - {None}
        return (batches.pop() if len(batches) == 1 else None, *self._row(input_shape))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where all masks are true."""
        masks = _checked_masks(inputs, mask)
        if masks is None:
            return None
        return _all_true(joined([tf.expand_dims(m, axis=0) for m in masks if m is not None], axis=0), 0)


def _folded(inputs: Any, function: Any) -> Any:
    output = inputs[0]
    for one in inputs[1:]:
        output = function(output, one)
    return output


@export("keras.layers.Add")
class Add(_Merge):
    """The sum of inputs. Source: TF 1.15 `tf.keras.layers.Add`."""

    def _merge_function(self, inputs: Any) -> Any:
        return _folded(inputs, lambda a, b: a + b)


@export("keras.layers.Subtract")
class Subtract(_Merge):
    """The difference of two inputs. Source: TF 1.15 `tf.keras.layers.Subtract`."""

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Checks the shapes; ValueError if there are not two."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError("A `Subtract` layer should be called on exactly 2 inputs")

    def _merge_function(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise ValueError("A `Subtract` layer should be called on exactly 2 inputs")
        return inputs[0] - inputs[1]


@export("keras.layers.Multiply")
class Multiply(_Merge):
    """The product of inputs. Source: TF 1.15 `tf.keras.layers.Multiply`."""

    def _merge_function(self, inputs: Any) -> Any:
        return _folded(inputs, lambda a, b: a * b)


@export("keras.layers.Average")
class Average(_Merge):
    """The mean of inputs. Source: TF 1.15 `tf.keras.layers.Average`."""

    def _merge_function(self, inputs: Any) -> Any:
        return _folded(inputs, lambda a, b: a + b) / len(inputs)


@export("keras.layers.Maximum")
class Maximum(_Merge):
    """The greatest of inputs. Source: TF 1.15 `tf.keras.layers.Maximum`."""

    def _merge_function(self, inputs: Any) -> Any:
        return _folded(inputs, tf.maximum)


@export("keras.layers.Minimum")
class Minimum(_Merge):
    """The least of inputs. Source: TF 1.15 `tf.keras.layers.Minimum`."""

    def _merge_function(self, inputs: Any) -> Any:
        return _folded(inputs, tf.minimum)


@export("keras.layers.Concatenate")
class Concatenate(_Merge):
    """Inputs joined along an axis. Source: TF 1.15 `tf.keras.layers.Concatenate`."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(axis=axis)

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Checks the shapes; ValueError if they differ in another axis."""
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError("A `Concatenate` layer should be called on a list of at least 2 inputs")
        if all(shape is None for shape in input_shape):
            return
        rows = [list(shape) for shape in input_shape]
        for row in rows:
            del row[self.axis]
        if len({tuple(row) for row in rows}) > 1:
            raise ValueError(
                f"A `Concatenate` layer requires inputs with matching shapes except for the concat axis. Got inputs shapes: {input_shape}"
            )

    def _merge_function(self, inputs: Any) -> Any:
        return joined(inputs, axis=self.axis)

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the first, with the sum along the axis."""
        if not isinstance(input_shape, list):
            raise ValueError("A `Concatenate` layer should be called on a list of inputs.")
        sizes = [shape[self.axis] for shape in input_shape]
        found = list(input_shape[0])
        found[self.axis] = None if None in sizes else sum(sizes)
        return tuple(found)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the joined masks are true."""
        given = _checked_masks(inputs, mask)
        if given is None:
            return None
        masks = []
        for value, one in zip(inputs, given, strict=True):
            if one is None:
                one = tf.ones_like(value, dtype="bool")
            elif ndim(one) < ndim(value):
                one = tf.expand_dims(one, axis=-1)
            masks.append(one)
        return _all_true(joined(masks, axis=self.axis), -1)


@export("keras.layers.Dot")
class Dot(_Merge):
    """The dot product of two inputs along axes. Source: TF 1.15 `tf.keras.layers.Dot`."""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError("Invalid type for `axes` - should be a list or an int.")
            if len(axes) != 2:
                raise ValueError("Invalid format for `axes` - should contain two elements.")
            if not all(isinstance(axis, int) for axis in axes):
                raise ValueError('Invalid format for `axes` - list elements should be "int".')
        self._configure(axes=axes, normalize=normalize)

    def _axes(self, first: int, second: int) -> list[int]:
        given = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [axis % rank if axis < 0 else axis for axis, rank in zip(given, (first, second), strict=True)]

    @on_tuples
    def build(self, input_shape: Any) -> None:
        """Checks the shapes; ValueError if the sizes along the axes differ."""
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ValueError("A `Dot` layer should be called on a list of 2 inputs.")
        first, second = input_shape
        if first is None or second is None:
            return
        i, j = self._axes(len(first), len(second))
        if first[i] != second[j]:
            raise ValueError(f"Dimension incompatibility {first[i]} != {second[j]}. Layer shapes: {first}, {second}")

    def _merge_function(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise ValueError("A `Dot` layer should be called on exactly 2 inputs")
        axes = self._axes(ndim(inputs[0]), ndim(inputs[1]))
        if self.normalize:
            inputs = [tf.nn.l2_normalize(x, axis=axis) for x, axis in zip(inputs, axes, strict=True)]
        return batch_dot(inputs[0], inputs[1], axes)

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the product."""
        if not isinstance(input_shape, list) or len(input_shape) != 2:
            raise ValueError("A `Dot` layer should be called on a list of 2 inputs.")
        first, second = list(input_shape[0]), list(input_shape[1])
        i, j = self._axes(len(first), len(second))
        first.pop(i)
        second.pop(j)
        found = first + second[1:]
        return tuple(found + [1] if len(found) == 1 else found)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None."""
        return None


@export("keras.layers.add")
def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of inputs. Source: TF 1.15 `tf.keras.layers.add`."""
    return Add(**kwargs)(inputs)


@export("keras.layers.subtract")
def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The difference of two inputs. Source: TF 1.15 `tf.keras.layers.subtract`."""
    return Subtract(**kwargs)(inputs)


@export("keras.layers.multiply")
def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of inputs. Source: TF 1.15 `tf.keras.layers.multiply`."""
    return Multiply(**kwargs)(inputs)


@export("keras.layers.average")
def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of inputs. Source: TF 1.15 `tf.keras.layers.average`."""
    return Average(**kwargs)(inputs)


@export("keras.layers.maximum")
def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The greatest of inputs. Source: TF 1.15 `tf.keras.layers.maximum`."""
    return Maximum(**kwargs)(inputs)


@export("keras.layers.minimum")
def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The least of inputs. Source: TF 1.15 `tf.keras.layers.minimum`."""
    return Minimum(**kwargs)(inputs)


@export("keras.layers.concatenate")
def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Inputs joined along an axis. Source: TF 1.15 `tf.keras.layers.concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


@export("keras.layers.dot")
def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The dot product of two inputs. Source: TF 1.15 `tf.keras.layers.dot`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
