"""Initializers: callables that make the initial values of variables.

Called as `initializer(shape, dtype=None, partition_info=None)`; the operations that they make, and their order, are
TF's, since seeds without an op seed depend on them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant as make_constant
from retrograph.framework.deprecation import deprecated, deprecated_argument, warn_of_value
from retrograph.framework.dtypes import DType, as_dtype, float32
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.variables import named
from retrograph.variables.drawing import filled, repeated

_MODULE = "tensorflow.python.ops.init_ops"
_DTYPE_INSTRUCTIONS = "Call initializer instance with the dtype argument instead of passing it to the constructor"
_VERIFY_INSTRUCTIONS = "Objects must now be the required shape or no shape can be specified"
# The standard deviation of a standard normal cut at two deviations.
_TRUNCATED_DEVIATION = 0.87962566103423978

_dtype_is_deprecated = deprecated_argument("dtype", _DTYPE_INSTRUCTIONS, _MODULE)


def _random() -> Any:
    from retrograph.ops import random  # the op families know of variables, so not at import

    return random


def _linalg() -> Any:
    from retrograph.ops import linalg

    return linalg


def _array() -> Any:
    from retrograph.ops import array

    return array


def _transposing() -> Any:
    from retrograph.ops import transposing

    return transposing


def _float_dtype(dtype: Any) -> DType:
    found = as_dtype(dtype)
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found}.")
    return found


@export("keras.initializers.Initializer")
class Initializer:
    """What all initializers are: a callable with a configuration.

    Source: TF 1.15 `tf.keras.initializers.Initializer`.
    """

    dtype: DType

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initializer."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described."""
        return cls(**config)

    def _config(self, *names: str) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in names}, "dtype": self.dtype.name}


@export("zeros_initializer", "initializers.zeros", "keras.initializers.Zeros", "keras.initializers.zeros")
class Zeros(Initializer):
    """Zeros. Source: TF 1.15 `tf.zeros_initializer`."""

    @_dtype_is_deprecated
    def __init__(self, dtype: Any = float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else as_dtype(dtype)
        made = filled("zeros", 0, shape, kind)
        return _array().zeros(shape, kind) if made is None else made

    def get_config(self) -> dict[str, Any]:
        return self._config()


@export("ones_initializer", "initializers.ones", "keras.initializers.Ones", "keras.initializers.ones")
class Ones(Initializer):
    """Ones. Source: TF 1.15 `tf.ones_initializer`."""

    @_dtype_is_deprecated
    def __init__(self, dtype: Any = float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else as_dtype(dtype)
        made = filled("ones", 1, shape, kind)
        return _array().ones(shape, kind) if made is None else made

    def get_config(self) -> dict[str, Any]:
        return self._config()


@export("constant_initializer", "initializers.constant", "keras.initializers.Constant", "keras.initializers.constant")
class Constant(Initializer):
    """The given value or values; the last one fills what is missing.

    Raises TypeError: a value that is no number, list, tuple or array. Source: TF 1.15 `tf.constant_initializer`.
    """

    @_dtype_is_deprecated
    @deprecated_argument("verify_shape", _VERIFY_INSTRUCTIONS, _MODULE)
    def __init__(self, value: Any = 0, dtype: Any = float32, verify_shape: bool = False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(
                f"Invalid type for initial value: {type(value)} (expected Python scalar, list or tuple of values, or "
                "numpy.ndarray)."
            )
        self.value = value
        self.dtype = as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(
        self, shape: Any, dtype: Any = None, partition_info: Any = None, verify_shape: bool | None = None
    ) -> Tensor:
        verify = self._verify_shape if verify_shape is None else verify_shape
        kind = self.dtype if dtype is None else as_dtype(dtype)
        made = None if verify else repeated(self.value, shape, kind)
        return make_constant(self.value, kind, shape, verify_shape=verify) if made is None else made

    def get_config(self) -> dict[str, Any]:
        return self._config("value")


@export("random_uniform_initializer", "initializers.random_uniform")
class RandomUniform(Initializer):
    """Uniform numbers in [minval, maxval). Source: TF 1.15 `tf.random_uniform_initializer`."""

    @_dtype_is_deprecated
    def __init__(self, minval: Any = 0, maxval: Any = None, seed: Any = None, dtype: Any = float32):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else dtype
        made: Tensor = _random().random_uniform(shape, self.minval, self.maxval, kind, seed=self.seed)
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config("minval", "maxval", "seed")


class _Normal(Initializer):
    _draw = ""

    def _set(self, mean: Any, stddev: Any, seed: Any, dtype: Any) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = _float_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else dtype
        made: Tensor = getattr(_random(), self._draw)(shape, self.mean, self.stddev, kind, seed=self.seed)
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config("mean", "stddev", "seed")


@export("random_normal_initializer", "initializers.random_normal")
class RandomNormal(_Normal):
    """Normal numbers. Source: TF 1.15 `tf.random_normal_initializer`."""

    _draw = "random_normal"

    @_dtype_is_deprecated
    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self._set(mean, stddev, seed, dtype)


@export("truncated_normal_initializer", "initializers.truncated_normal")
class TruncatedNormal(_Normal):
    """Normal numbers within two deviations of the mean. Source: TF 1.15 `tf.truncated_normal_initializer`."""

    _draw = "truncated_normal"

    @_dtype_is_deprecated
    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self._set(mean, stddev, seed, dtype)


@export("uniform_unit_scaling_initializer", "initializers.uniform_unit_scaling")
class UniformUnitScaling(Initializer):
    """Uniform numbers that keep the scale of their inputs: within sqrt(3 / input size) times `factor`.

    Source: TF 1.15 `tf.uniform_unit_scaling_initializer`.
    """

    @_dtype_is_deprecated
    @deprecated(
        "Use tf.initializers.variance_scaling instead with distribution=uniform to get equivalent behavior.", _MODULE
    )
    def __init__(self, factor: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self.factor = factor
        self.seed = seed
        self.dtype = _float_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else dtype
        inputs = 1.0
        for size in _whole(shape, partition_info)[:-1]:
            inputs *= float(size)
        limit = math.sqrt(3 / max(inputs, 1.0)) * self.factor
        made: Tensor = _random().random_uniform(shape, -limit, limit, kind, seed=self.seed)
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config("factor", "seed")


def _whole(shape: Any, partition_info: Any) -> Any:
    """The shape of the whole variable, of which `shape` may be a part."""
    return shape if partition_info is None else partition_info.full_shape


def compute_fans(shape: Any) -> tuple[int, int]:
    """(inputs, outputs) that a weight of this shape connects; convolutions count their window.

    >>> compute_fans([3, 3, 16, 32])
    (144, 288)
    """
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    window = 1
    for size in shape[:-2]:
        window *= int(size)
    return int(shape[-2]) * window, int(shape[-1]) * window


_MODES: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda inputs, outputs: inputs,
    "fan_out": lambda inputs, outputs: outputs,
    "fan_avg": lambda inputs, outputs: (inputs + outputs) / 2.0,
}
_DISTRIBUTIONS = ("normal", "uniform", "truncated_normal", "untruncated_normal")


@export("variance_scaling_initializer", "initializers.variance_scaling", "keras.initializers.VarianceScaling")
class VarianceScaling(Initializer):
    """Numbers whose variance is `scale` over the number of inputs, of outputs, or their mean.

    Raises ValueError: scale not positive, unknown mode or distribution, a dtype that is not floating point.
    Source: TF 1.15 `tf.variance_scaling_initializer`.
    """

    @_dtype_is_deprecated
    def __init__(
        self,
        scale: Any = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        dtype: Any = float32,
    ):
        if distribution == "normal":
            text = "`normal` is a deprecated alias for `truncated_normal`"
            warn_of_value("VarianceScaling.__init__", "distribution", "normal", text, _MODULE)
        if scale <= 0.0:
            raise ValueError("`scale` must be positive float.")
        if mode not in _MODES:
            raise ValueError("Invalid `mode` argument:", mode)
        distribution = distribution.lower()
        if distribution not in _DISTRIBUTIONS:
            raise ValueError("Invalid `distribution` argument:", distribution)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = _float_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else dtype
        scale = self.scale / max(1.0, _MODES[self.mode](*compute_fans(_whole(shape, partition_info))))
        random = _random()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * scale)
            made: Tensor = random.random_uniform(shape, -limit, limit, kind, seed=self.seed)
        elif self.distribution == "untruncated_normal":
            made = random.random_normal(shape, 0.0, math.sqrt(scale), kind, seed=self.seed)
        else:
            stddev = math.sqrt(scale) / _TRUNCATED_DEVIATION
            made = random.truncated_normal(shape, 0.0, stddev, kind, seed=self.seed)
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config("scale", "mode", "distribution", "seed")


@export("glorot_uniform_initializer", "initializers.glorot_uniform", "keras.initializers.glorot_uniform")
class GlorotUniform(VarianceScaling):
    """Uniform numbers of variance 2 / (inputs + outputs). Source: TF 1.15 `tf.glorot_uniform_initializer`."""

    @_dtype_is_deprecated
    def __init__(self, seed: Any = None, dtype: Any = float32):
        # TF does not pass the dtype on either.
        super().__init__(scale=1.0, mode="fan_avg", distribution="uniform", seed=seed)

    def get_config(self) -> dict[str, Any]:
        return self._config("seed")


@export("glorot_normal_initializer", "initializers.glorot_normal", "keras.initializers.glorot_normal")
class GlorotNormal(VarianceScaling):
    """Truncated normal numbers of variance 2 / (inputs + outputs). Source: TF 1.15 `tf.glorot_normal_initializer`."""

    @_dtype_is_deprecated
    def __init__(self, seed: Any = None, dtype: Any = float32):
        super().__init__(scale=1.0, mode="fan_avg", distribution="truncated_normal", seed=seed)

    def get_config(self) -> dict[str, Any]:
        return self._config("seed")


@export("initializers.lecun_normal", "keras.initializers.lecun_normal")
def lecun_normal(seed: Any = None) -> VarianceScaling:
    """Truncated normal numbers of variance 1 / inputs. Source: TF 1.15 `tf.initializers.lecun_normal`."""
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="truncated_normal", seed=seed)


@export("initializers.lecun_uniform", "keras.initializers.lecun_uniform")
def lecun_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform numbers of variance 1 / inputs. Source: TF 1.15 `tf.initializers.lecun_uniform`."""
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform", seed=seed)


@export("initializers.he_normal", "keras.initializers.he_normal")
def he_normal(seed: Any = None) -> VarianceScaling:
    """Truncated normal numbers of variance 2 / inputs. Source: TF 1.15 `tf.initializers.he_normal`."""
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="truncated_normal", seed=seed)


@export("initializers.he_uniform", "keras.initializers.he_uniform")
def he_uniform(seed: Any = None) -> VarianceScaling:
    """Uniform numbers of variance 2 / inputs. Source: TF 1.15 `tf.initializers.he_uniform`."""
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform", seed=seed)


# --- matrices with a structure ------------------------------------------------------------------------------------


class _WithGain(Initializer):
    def _set(self, gain: Any, seed: Any, dtype: Any) -> None:
        self.gain = gain
        self.dtype = _float_dtype(dtype)
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        return self._config("gain", "seed")


def _orthonormal(shape: Any, dtype: Any, seed: Any, **attrs: Any) -> Any:
    """The orthogonal factor of a random matrix, its signs chosen so that it is uniformly distributed."""
    q, r = apply_op("Qr", None, input=_random().random_normal(shape, dtype=dtype, seed=seed), **attrs)
    return q * apply_op("Sign", None, x=apply_op("DiagPart", None, input=r))


@export("orthogonal_initializer", "initializers.orthogonal", "keras.initializers.Orthogonal")
class Orthogonal(_WithGain):
    """A matrix of orthonormal columns or rows, times `gain`; further dimensions are flattened into the first.

    Raises ValueError: fewer than two dimensions. Source: TF 1.15 `tf.orthogonal_initializer`.
    """

    @_dtype_is_deprecated
    def __init__(self, gain: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self._set(gain, seed, dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        if len(shape) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = math.prod(int(size) for size in shape[:-1]), int(shape[-1])
        flat = (max(rows, columns), min(rows, columns))
        q = _orthonormal(flat, self.dtype if dtype is None else dtype, self.seed, full_matrices=False)
        if rows < columns:
            q = _transposing().matrix_transpose(q)
        made: Tensor = self.gain * _array().reshape(q, shape)
        return made


@export("initializers.identity", "keras.initializers.Identity", "keras.initializers.identity")
class Identity(Initializer):
    """The identity matrix times `gain`.

    Raises ValueError: not two dimensions. Source: TF 1.15 `tf.initializers.identity`.
    """

    @_dtype_is_deprecated
    def __init__(self, gain: Any = 1.0, dtype: Any = float32):
        self.gain = gain
        self.dtype = _float_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        whole = _whole(shape, partition_info)
        if len(whole) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        whole = whole.as_list() if isinstance(whole, TensorShape) else whole
        matrix = _linalg().eye(*whole, dtype=self.dtype if dtype is None else dtype)
        if partition_info is not None:
            matrix = apply_op("Slice", None, input=matrix, begin=partition_info.var_offset, size=shape)
        made: Tensor = self.gain * matrix
        return made

    def get_config(self) -> dict[str, Any]:
        return self._config("gain")


class ConvolutionDeltaOrthogonal(_WithGain):
    """A convolution whose only weights are an orthogonal matrix in the middle of its window.

    Raises ValueError: not 3 to 5 dimensions, or more inputs than outputs.
    Source: TF 1.15 `tensorflow.python.ops.init_ops.ConvolutionDeltaOrthogonal`.
    """

    def __init__(self, gain: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self._set(gain, seed, dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self.dtype if dtype is None else dtype
        if len(shape) < 3 or len(shape) > 5:
            raise ValueError("The tensor to initialize must be at least three-dimensional and at most five-dimensional")
        _check_filters(shape)
        q = _orthonormal([shape[-1], shape[-1]], kind, self.seed, full_matrices=False)
        q = q[: shape[-2], :]
        q = q * _gain(self.gain, kind)
        middle = [[(size - 1) // 2 for size in shape[:-2]]]
        made: Tensor = apply_op("ScatterNd", None, indices=middle, updates=_array().expand_dims(q, 0), shape=shape)
        return made


def _product(a: Tensor, b: Tensor) -> Tensor:
    made: Tensor = apply_op("MatMul", None, a=a, b=b)
    return made


def _check_filters(shape: Any) -> None:
    if shape[-2] > shape[-1]:
        raise ValueError("In_filters cannot be greater than out_filters.")


def _gain(gain: Any, dtype: Any) -> Tensor:
    from retrograph.ops import cast

    made: Tensor = cast.cast(gain, dtype=dtype)
    return made


_NUMERALS = {1: "three", 2: "four", 3: "five"}
_Blocks = dict[tuple[int, ...], Tensor]


class _ConvolutionOrthogonal(_WithGain):
    """A convolution that keeps the norm of its input: convolutions of 2 by 2 blocks of projections."""

    _window = 0

    def __init__(self, gain: Any = 1.0, seed: Any = None, dtype: Any = float32):
        self._set(gain, seed, dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        if len(shape) != self._window + 2:
            raise ValueError(f"The tensor to initialize must be {_NUMERALS[self._window]}-dimensional")
        _check_filters(shape)
        if any(size != shape[0] for size in shape[: self._window]):
            raise ValueError("Kernel sizes must be equal.")
        kernel = self._kernel(shape[0], shape[-2], shape[-1])
        made: Tensor = kernel * _gain(self.gain, self.dtype if dtype is None else dtype)
        return made

    def _next_seed(self) -> Any:
        seed = self.seed
        if seed:
            self.seed += 1
        return seed

    def _orthogonal(self, size: int) -> Any:
        return _orthonormal([size, size], self.dtype, self._next_seed())

    def _projection(self, size: int) -> Tensor:
        from retrograph.ops import cast

        q = self._orthogonal(size)
        mask = cast.cast(_random().random_normal([size], seed=self._next_seed()) > 0, self.dtype)
        chosen = apply_op("Mul", None, x=q, y=mask)
        return _product(chosen, _transposing().matrix_transpose(chosen))

    def _blocks(self, size: int) -> _Blocks:
        """2 x ... x 2 products of each projection or its complement."""
        projections = [self._projection(size) for _ in range(self._window)]
        eye = _linalg().eye(size, dtype=self.dtype)
        found: _Blocks = {}
        for corner in itertools.product((0, 1), repeat=self._window):
            factors = [self._factor(eye, p, bit) for p, bit in zip(projections, corner, strict=True)]
            product = factors[0]
            for factor in factors[1:]:
                product = _product(product, factor)
            found[corner] = product
        return found

    def _factor(self, eye: Any, projection: Any, bit: int) -> Any:
        return eye - projection if bit else projection

    def _convolved(self, first: _Blocks, second: _Blocks, sizes: tuple[int, int], channels: int) -> _Blocks:
        found: _Blocks = {}
        for place in itertools.product(range(sum(sizes) - 1), repeat=self._window):
            total = _array().zeros([channels, channels], self.dtype)
            for a in itertools.product(*(range(min(sizes[0], i + 1)) for i in place)):
                b = tuple(i - j for i, j in zip(place, a, strict=True))
                if all(i < sizes[1] for i in b):
                    total = total + _product(first[a], second[b])
            found[place] = total
        return found

    def _kernel(self, size: int, inputs: int, outputs: int) -> Any:
        base = self._orthogonal(outputs)[0:inputs, :]
        if size == 1:
            for _ in range(self._window):
                base = _array().expand_dims(base, 0)
            return base
        blocks = self._blocks(outputs)
        for width in range(2, size):
            blocks = self._convolved(blocks, self._blocks(outputs), (width, 2), outputs)
        window = itertools.product(range(size), repeat=self._window)
        return self._stacked({place: _product(base, blocks[place]) for place in window}, size)

    def _stacked(self, blocks: _Blocks, size: int, place: tuple[int, ...] = ()) -> Tensor:
        if len(place) == self._window:
            return blocks[place]
        parts = [self._stacked(blocks, size, (*place, i)) for i in range(size)]
        made: Tensor = apply_op("Pack", "stack", values=parts)
        return made


class ConvolutionOrthogonal1D(_ConvolutionOrthogonal):
    """A 1-D orthogonal convolution. Source: TF 1.15 `tensorflow.python.ops.init_ops.ConvolutionOrthogonal1D`."""

    _window = 1


class ConvolutionOrthogonal2D(_ConvolutionOrthogonal):
    """A 2-D orthogonal convolution. Source: TF 1.15 `tensorflow.python.ops.init_ops.ConvolutionOrthogonal2D`."""

    _window = 2


class ConvolutionOrthogonal3D(_ConvolutionOrthogonal):
    """A 3-D orthogonal convolution. Source: TF 1.15 `tensorflow.python.ops.init_ops.ConvolutionOrthogonal3D`."""

    _window = 3

    def _factor(self, eye: Any, projection: Any, bit: int) -> Any:
        # TF writes both cases as one formula here; bit 0 is the complement.
        return bit * projection + (1 - bit) * (eye - projection)


# --- tf.contrib.layers --------------------------------------------------------------------------------------------

_CONTRIB_MODES = ("FAN_IN", "FAN_OUT", "FAN_AVG")
_NOT_FLOATING = "Cannot create initializer for non-floating point type."


def _contrib_fans(shape: Any) -> tuple[float, float]:
    if not shape:
        return 1.0, 1.0
    inputs = float(shape[-2]) if len(shape) > 1 else float(shape[-1])
    outputs = float(shape[-1])
    for size in shape[:-2]:
        inputs *= float(size)
        outputs *= float(size)
    return inputs, outputs


class _ContribScaling:
    """What `tf.contrib.layers.variance_scaling_initializer` gives."""

    def __init__(self, factor: Any, mode: str, uniform: bool, seed: Any, dtype: DType):
        self._factor, self._count = factor, _MODES[mode.lower()]
        self._uniform, self._seed, self._dtype = uniform, seed, dtype

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Tensor:
        kind = self._dtype if dtype is None else dtype
        if not kind.is_floating:
            raise TypeError(_NOT_FLOATING)
        n = self._count(*_contrib_fans(shape))
        if self._uniform:
            limit = math.sqrt(3.0 * self._factor / n)
            made: Tensor = _random().random_uniform(shape, -limit, limit, kind, seed=self._seed)
        else:
            # 1.3 makes up for what the truncation takes from the variance, as TF has it.
            stddev = math.sqrt(1.3 * self._factor / n)
            made = _random().truncated_normal(shape, 0.0, stddev, kind, seed=self._seed)
        return made


@export("contrib.layers.variance_scaling_initializer", "contrib.slim.variance_scaling_initializer")
def contrib_variance_scaling_initializer(
    factor: Any = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: Any = None, dtype: Any = float32
) -> Callable[..., Tensor]:
    """An initializer of numbers of variance `factor` over inputs, outputs or their mean.

    Raises TypeError: a dtype that is not floating point, an unknown mode.
    Source: TF 1.15 `tf.contrib.layers.variance_scaling_initializer`.
    """
    if not dtype.is_floating:
        raise TypeError(_NOT_FLOATING)
    if mode not in _CONTRIB_MODES:
        raise TypeError("Unknown mode %s [FAN_IN, FAN_OUT, FAN_AVG]", mode)
    return _ContribScaling(factor, mode, uniform, seed, dtype)


@export(
    "contrib.layers.xavier_initializer",
    "contrib.layers.xavier_initializer_conv2d",
    "contrib.slim.xavier_initializer",
    "contrib.slim.xavier_initializer_conv2d",
)
def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = float32) -> Callable[..., Tensor]:
    """An initializer of numbers of variance 2 / (inputs + outputs).

    Source: TF 1.15 `tf.contrib.layers.xavier_initializer`.
    """
    return contrib_variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


# --- tf.keras.initializers ----------------------------------------------------------------------------------------


@export("keras.initializers.RandomUniform", "keras.initializers.random_uniform", "keras.initializers.uniform")
class KerasRandomUniform(RandomUniform):
    """Uniform numbers, by default in [-0.05, 0.05). Source: TF 1.15 `tf.keras.initializers.RandomUniform`."""

    def __init__(self, minval: Any = -0.05, maxval: Any = 0.05, seed: Any = None, dtype: Any = float32):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)


@export("keras.initializers.RandomNormal", "keras.initializers.random_normal", "keras.initializers.normal")
class KerasRandomNormal(RandomNormal):
    """Normal numbers, by default of deviation 0.05. Source: TF 1.15 `tf.keras.initializers.RandomNormal`."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None, dtype: Any = float32):
        self._set(mean, stddev, seed, dtype)


@export("keras.initializers.TruncatedNormal", "keras.initializers.truncated_normal")
class KerasTruncatedNormal(TruncatedNormal):
    """Truncated normal numbers, by default of deviation 0.05. Source: TF 1.15 `tf.keras.initializers.TruncatedNormal`."""

    def __init__(self, mean: Any = 0.0, stddev: Any = 0.05, seed: Any = None, dtype: Any = float32):
        self._set(mean, stddev, seed, dtype)


for _class, _name in ((KerasRandomUniform, "RandomUniform"), (KerasRandomNormal, "RandomNormal")):
    _class.__name__ = _name
KerasTruncatedNormal.__name__ = "TruncatedNormal"

_BY_NAME: dict[str, Any] = {
    "zero": Zeros, "zeros": Zeros, "Zeros": Zeros, "one": Ones, "ones": Ones, "Ones": Ones,
    "constant": Constant, "Constant": Constant,
    "uniform": KerasRandomUniform, "random_uniform": KerasRandomUniform, "RandomUniform": KerasRandomUniform,
    "normal": KerasRandomNormal, "random_normal": KerasRandomNormal, "RandomNormal": KerasRandomNormal,
    "truncated_normal": KerasTruncatedNormal, "TruncatedNormal": KerasTruncatedNormal,
    "identity": Identity, "Identity": Identity, "orthogonal": Orthogonal, "Orthogonal": Orthogonal,
    "glorot_normal": GlorotNormal, "GlorotNormal": GlorotNormal,
    "glorot_uniform": GlorotUniform, "GlorotUniform": GlorotUniform, "VarianceScaling": VarianceScaling,
    "he_normal": he_normal, "he_uniform": he_uniform, "lecun_normal": lecun_normal, "lecun_uniform": lecun_uniform,
}  # fmt: skip


@export("keras.initializers.serialize")
def serialize(initializer: Any) -> Any:
    """The name and configuration of an initializer: what `deserialize` takes.

    Raises ValueError: an object that has neither. Source: TF 1.15 `tf.keras.initializers.serialize`.
    """
    return named.serialize(initializer)


@export("keras.initializers.deserialize")
def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of a name, or of a dictionary of `class_name` and `config`.

    Raises ValueError: an unknown name. Source: TF 1.15 `tf.keras.initializers.deserialize`.
    """
    return named.deserialize(config, _BY_NAME, custom_objects, "initializer")


@export("keras.initializers.get")
def get(identifier: Any) -> Any:
    """The initializer that a name, a dictionary or a callable stands for; None for None.

    Raises ValueError: anything else. Source: TF 1.15 `tf.keras.initializers.get`.
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, (str, dict))):
        return identifier
    if isinstance(identifier, (str, dict)):
        found = deserialize(identifier)
        return found if isinstance(found, Initializer) else found()
    raise ValueError(f"Could not interpret initializer identifier: {identifier}")


# The names that TF's module init_ops has beside those of its classes.
zeros_initializer = Zeros
ones_initializer = Ones
constant_initializer = Constant
random_uniform_initializer = RandomUniform
random_normal_initializer = RandomNormal
truncated_normal_initializer = TruncatedNormal
uniform_unit_scaling_initializer = UniformUnitScaling
variance_scaling_initializer = VarianceScaling
glorot_uniform_initializer = GlorotUniform
glorot_normal_initializer = GlorotNormal
orthogonal_initializer = Orthogonal
identity_initializer = Identity
convolutional_delta_orthogonal = ConvolutionDeltaOrthogonal
convolutional_orthogonal_1d = ConvolutionOrthogonal1D
convolutional_orthogonal_2d = ConvolutionOrthogonal2D
convolutional_orthogonal_3d = ConvolutionOrthogonal3D
