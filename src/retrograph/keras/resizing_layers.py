"""Padding, cropping and enlarging of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras import backend_math
from retrograph.keras.base_layer import Layer
from retrograph.keras.input_spec import InputSpec
from retrograph.keras.shape_helpers import normalized_data_format, sizes_of


class _Spatial(Layer):
    """A layer of `rank` axes of space; `_size` says what becomes of a size along one of them."""

    rank = 2

    def __init__(self, data_format: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        if self.rank == 1:
            self.data_format = "channels_last"
        else:
            self._configure(data_format=normalized_data_format(data_format))
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def _size(self, axis: int, size: int) -> int:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs."""
        sizes = tf.TensorShape(input_shape).as_list()
        for i in range(self.rank):
            at = self._first_axis + i
            sizes[at] = None if sizes[at] is None else self._size(i, sizes[at])
        return tf.TensorShape(sizes)


def _pairs(value: Any, rank: int, name: str, what: str) -> tuple[Any, ...]:
    """A number, a number for each axis, or a pair for each axis, as pairs."""
    kinds = {
        2: f"a tuple of 2 ints (symmetric_height_{what}, symmetric_width_{what}), or a tuple of 2 tuples of 2 ints "
        f"((top_{what}, bottom_{what}), (left_{what}, right_{what})).",
        3: f"a tuple of 3 ints (symmetric_dim1_{what}, symmetric_dim2_{what}, symmetric_dim3_{what}), or a tuple of 3 tuples of 2 ints "
        f"((left_dim1_{what}, right_dim1_{what}), (left_dim2_{what}, right_dim2_{what}), (left_dim3_{what}, right_dim2_{what})).",
    }  # fmt: skip
    if isinstance(value, int):
        return ((value, value),) * rank
    if not hasattr(value, "__len__"):
        raise ValueError(f"`{name}` should be either an int, {kinds[rank]} Found: {value}")
    if len(value) != rank:
        raise ValueError(f"`{name}` should have {('two', 'three')[rank - 2]} elements. Found: {value}")
    names = ("1st", "2nd", "3rd")
    return tuple(sizes_of(one, 2, f"{names[i]} entry of {name}") for i, one in enumerate(value))


class _ZeroPadding(_Spatial):
    def __init__(self, padding: Any, data_format: Any = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._configure(padding=_pairs(padding, self.rank, "padding", "pad"))

    def _size(self, axis: int, size: int) -> int:
        return int(size + sum(self.padding[axis]))

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_math._padded(inputs, self.padding, self.data_format)


@export("keras.layers.ZeroPadding1D")
class ZeroPadding1D(_Spatial):
    """Zeros before and after sequences. Source: TF 1.15 `tf.keras.layers.ZeroPadding1D`."""

    rank = 1

    def __init__(self, padding: Any = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(padding=sizes_of(padding, 2, "padding"))

    def _size(self, axis: int, size: int) -> int:
        return int(size + sum(self.padding))

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_math.temporal_padding(inputs, padding=self.padding)


@export("keras.layers.ZeroPadding2D")
class ZeroPadding2D(_ZeroPadding):
    """Zeros around images. Source: TF 1.15 `tf.keras.layers.ZeroPadding2D`."""

    def __init__(self, padding: Any = (1, 1), data_format: Any = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


@export("keras.layers.ZeroPadding3D")
class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes. Source: TF 1.15 `tf.keras.layers.ZeroPadding3D`."""

    rank = 3

    def __init__(self, padding: Any = (1, 1, 1), data_format: Any = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


def _kept(cut: tuple[int, int]) -> slice:
    return slice(cut[0], -cut[1] if cut[1] else None)


class _Cropping(_Spatial):
    def __init__(self, cropping: Any, data_format: Any = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._configure(cropping=_pairs(cropping, self.rank, "cropping", "crop"))

    def _size(self, axis: int, size: int) -> int:
        return int(size - sum(self.cropping[axis]))

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        kept = [_kept(cut) for cut in self.cropping]
        every = [slice(None)]
        return inputs[tuple(every + kept + every if self._first_axis == 1 else every + every + kept)]


@export("keras.layers.Cropping1D")
class Cropping1D(_Spatial):
    """Cuts steps off both ends of sequences. Source: TF 1.15 `tf.keras.layers.Cropping1D`."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(cropping=sizes_of(cropping, 2, "cropping"))

    def _size(self, axis: int, size: int) -> int:
        return int(size - sum(self.cropping))

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return inputs[:, _kept(self.cropping), :]


@export("keras.layers.Cropping2D")
class Cropping2D(_Cropping):
    """Cuts the borders off images. Source: TF 1.15 `tf.keras.layers.Cropping2D`."""

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: Any = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


@export("keras.layers.Cropping3D")
class Cropping3D(_Cropping):
    """Cuts the borders off volumes. Source: TF 1.15 `tf.keras.layers.Cropping3D`."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: Any = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


@export("keras.layers.UpSampling1D")
class UpSampling1D(_Spatial):
    """Each step of sequences several times. Source: TF 1.15 `tf.keras.layers.UpSampling1D`."""

    rank = 1

    def __init__(self, size: Any = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self._configure(size=int(size))

    def _size(self, axis: int, size: int) -> int:
        return int(size * self.size)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        return backend_math.repeat_elements(inputs, self.size, axis=1)


class _UpSampling(_Spatial):
    def __init__(self, size: Any, data_format: Any = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self._configure(size=sizes_of(size, self.rank, "size"))

    def _size(self, axis: int, size: int) -> int:
        return int(size * self.size[axis])


@export("keras.layers.UpSampling2D")
class UpSampling2D(_UpSampling):
    """Images made larger. Source: TF 1.15 `tf.keras.layers.UpSampling2D`."""

    def __init__(self, size: Any = (2, 2), data_format: Any = None, interpolation: str = "nearest", **kwargs: Any):
        super().__init__(size, data_format, **kwargs)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError('`interpolation` argument should be one of `"nearest"` or `"bilinear"`.')
        self._configure(interpolation=interpolation)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        height, width = self.size
        return backend_math.resize_images(inputs, height, width, self.data_format, interpolation=self.interpolation)


@export("keras.layers.UpSampling3D")
class UpSampling3D(_UpSampling):
    """Volumes made larger. Source: TF 1.15 `tf.keras.layers.UpSampling3D`."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: Any = None, **kwargs: Any):
        super().__init__(size, data_format, **kwargs)

    def call(self, inputs: Any) -> Any:
        """The outputs."""
        depth, height, width = self.size
        return backend_math.resize_volumes(inputs, depth, height, width, self.data_format)
