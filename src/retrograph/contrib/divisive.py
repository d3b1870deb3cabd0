"""`tf.contrib.layers.GDN`: generalized divisive normalization."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.layer_parts import exported
from retrograph.layers.base_layer import InputSpec, Layer

_CHANNEL_AXES = {"channels_first": 1, "channels_last": -1}


def _pass_towards_bound(op: Any, grad: Any) -> list[Any]:
    inputs, bound = op.inputs
    passes = tf.logical_or(inputs >= bound, grad < 0)
    return [tf.cast(passes, grad.dtype) * grad, None]


tf.RegisterGradient("GDNLowerBound")(_pass_towards_bound)


def _lower_bound(inputs: Any, bound: Any) -> Any:
    """The inputs, at least `bound`; gradients that move inputs towards the bound pass below it too."""
    with tf.name_scope(None, "GDNLowerBound", [inputs, bound]) as scope:
        inputs = tf.convert_to_tensor(inputs, name="inputs")
        bound = tf.convert_to_tensor(bound, name="bound")
        with tf.get_default_graph().gradient_override_map({"Maximum": "GDNLowerBound"}):
            return tf.maximum(inputs, bound, name=scope)


@exported("GDN")
class GDN(Layer):
    """x / sqrt(beta + gamma * x^2) over the channels of f[batch, ..., channels].

    Source: TF 1.15 `tf.contrib.layers.GDN`.
    """

    beta: Any
    gamma: Any

    def __init__(
        self, inverse: bool = False, beta_min: float = 1e-6, gamma_init: float = 0.1, reparam_offset: float = 2**-18,
        data_format: str = "channels_last", activity_regularizer: Any = None, trainable: bool = True,
        name: str | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.inverse = inverse
        self._beta_min, self._gamma_init, self._reparam_offset = beta_min, gamma_init, reparam_offset
        self.data_format = data_format
        self._channel_axis()
        self.input_spec = InputSpec(min_ndim=3, max_ndim=5)

    def _channel_axis(self) -> int:
        if self.data_format not in _CHANNEL_AXES:
            raise ValueError(f"Unsupported `data_format` for GDN layer: {self.data_format}.")
        return _CHANNEL_AXES[self.data_format]

    def _pedestal(self) -> Any:
        return tf.constant(self._reparam_offset**2, dtype=self.dtype)

    def build(self, input_shape: Any) -> None:
        """Makes `reparam_beta` and `reparam_gamma`. Raises ValueError: channels not known."""
        axis, shape = self._channel_axis(), tf.TensorShape(input_shape)
        channels = shape.dims[axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs to `GDN` must be defined.")
        self._input_rank = shape.ndims
        self.input_spec = InputSpec(ndim=shape.ndims, axes={axis: channels})
        pedestal = self._pedestal()
        bounds = [
            tf.constant(value, dtype=self.dtype)
            for value in ((self._beta_min + self._reparam_offset**2) ** 0.5, self._reparam_offset)
        ]
        self.beta = self._parameter("reparam_beta", [channels], self._first_beta, bounds[0], pedestal)
        self.gamma = self._parameter("reparam_gamma", [channels, channels], self._first_gamma, bounds[1], pedestal)
        self.built = True

    def _parameter(self, name: str, shape: list[int], initializer: Any, bound: Any, pedestal: Any) -> Any:
        variable = self.add_variable(name, shape=shape, initializer=initializer, dtype=self.dtype, trainable=True)
        return tf.square(_lower_bound(variable, bound)) - pedestal

    def _first_beta(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        pedestal = self._pedestal()
        return tf.sqrt(tf.ones(shape, dtype=dtype) + pedestal)

    def _first_gamma(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        eye = tf.eye(shape[0], dtype=dtype)
        pedestal = self._pedestal()
        return tf.sqrt(self._gamma_init * eye + pedestal)

    def call(self, inputs: Any) -> Any:
        """The outputs, of the shape of the inputs."""
        inputs = tf.convert_to_tensor(inputs, dtype=self.dtype)
        rank = self._input_rank
        gamma = tf.reshape(self.gamma, (rank - 2) * [1] + self.gamma.get_shape().as_list())
        if self.data_format == "channels_first":
            squares = tf.nn.convolution(tf.square(inputs), gamma, "VALID", data_format="NC" + "DHW"[-(rank - 2) :])
            norm = self._biased_first(squares, rank)
        else:
            norm = tf.nn.convolution(tf.square(inputs), gamma, "VALID")
            norm = tf.nn.bias_add(norm, self.beta, data_format="NHWC")
        norm = tf.sqrt(norm)
        outputs = inputs * norm if self.inverse else inputs / norm
        outputs.set_shape(inputs.get_shape())
        return outputs

    def _biased_first(self, norm: Any, rank: int) -> Any:
        """The bias added to the axis of channels after the batch."""
        if rank == 3:
            norm = tf.nn.bias_add(tf.expand_dims(norm, 2), self.beta, data_format="NCHW")
            return tf.squeeze(norm, [2])
        if rank == 4:
            return tf.nn.bias_add(norm, self.beta, data_format="NCHW")
        shape = tf.shape(norm)
        flat = tf.reshape(norm, tf.concat([shape[:3], [-1]], 0))
        return tf.reshape(tf.nn.bias_add(flat, self.beta, data_format="NCHW"), shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs. Raises ValueError: its rank or channels do not fit."""
        shape = tf.TensorShape(input_shape)
        if not 3 <= (shape.ndims or 0) <= 5:
            raise ValueError("`input_shape` must be of rank 3 to 5, inclusive.")
        if shape.dims[self._channel_axis()].value is None:
            raise ValueError("The channel dimension of `input_shape` must be defined.")
        return shape


@exported("gdn")
def gdn(
    inputs: Any, inverse: bool = False, beta_min: float = 1e-6, gamma_init: float = 0.1,
    reparam_offset: float = 2**-18, data_format: str = "channels_last", activity_regularizer: Any = None,
    trainable: bool = True, name: str | None = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """The outputs of a `GDN` layer. Source: TF 1.15 `tf.contrib.layers.gdn`."""
    layer = GDN(
        inverse=inverse, beta_min=beta_min, gamma_init=gamma_init, reparam_offset=reparam_offset,
        data_format=data_format, activity_regularizer=activity_regularizer, trainable=trainable, name=name,
        dtype=inputs.dtype.base_dtype.name, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)
