"""`Input`: where a functional model begins."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.keras.backend_values import placeholder
from retrograph.keras.base_layer import Layer
from retrograph.keras.nodes import KerasHistory, Node
from retrograph.keras.state import floatx, get_uid, state_of


@export("keras.layers.InputLayer")
class InputLayer(Layer):
    """A placeholder (or a tensor) that a model begins with. Source: TF 1.15 `tf.keras.layers.InputLayer`."""

    def __init__(
        self, input_shape: Any = None, batch_size: Any = None, dtype: Any = None, input_tensor: Any = None, sparse: bool = False, name: Any = None, ragged: bool = False, **kwargs: Any,
    ):  # fmt: skip
        if "batch_input_shape" in kwargs:
            given = kwargs.pop("batch_input_shape")
            if input_shape and given:
                raise ValueError(
                    "Only provide the input_shape OR batch_input_shape argument to InputLayer, not both at the same time."
                )
            batch_size, input_shape = given[0], given[1:]
        if kwargs:
            raise ValueError("Unrecognized keyword arguments:", kwargs.keys())
        if ragged:
            raise errors.UnimplementedError(None, None, "keras.layers.InputLayer: `ragged` is not implemented")
        name = name or f"input_{get_uid('input')}"
        super().__init__(dtype=self._dtype_of(dtype, input_tensor), name=name)
        self.built = True
        self.sparse, self.ragged, self.batch_size = sparse, ragged, batch_size
        self.supports_masking = True
        self.is_placeholder = input_tensor is None
        if input_tensor is None:
            if isinstance(input_shape, (int, tf.TensorShape)):
                input_shape = tuple(tf.TensorShape(input_shape).as_list())
            self._batch_input_shape = None if input_shape is None else (batch_size, *input_shape)  # type: ignore[assignment]
            input_tensor = placeholder(shape=self._batch_input_shape, dtype=self.dtype, name=self.name, sparse=sparse)
        else:
            self._batch_input_shape = tuple(input_tensor.shape.as_list())
        state_of(input_tensor.graph).has_inputs = True
        input_tensor._keras_history = KerasHistory(self, 0, 0)
        Node(self, [], [input_tensor], [input_tensor])

    @staticmethod
    def _dtype_of(dtype: Any, tensor: Any) -> Any:
        if dtype and tensor is not None and tensor.dtype != dtype:
            raise ValueError(f"`input_tensor.dtype` differs from `dtype`: {tensor.dtype} vs. {dtype}")
        return dtype or (floatx() if tensor is None else tensor.dtype.base_dtype.name)

    def get_config(self) -> dict[str, Any]:
        """What the layer was made with."""
        return {
            "batch_input_shape": self._batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
        }


@export("keras.Input", "keras.layers.Input")
def Input(
    shape: Any = None, batch_size: Any = None, name: Any = None, dtype: Any = None, sparse: bool = False, tensor: Any = None, ragged: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """A placeholder for batches of a shape, which layers are called on to make a model.

    >>> x = tf.keras.Input(shape=(4,))
    >>> model = tf.keras.Model(x, tf.keras.layers.Dense(2)(x))

    Raises ValueError: neither shape nor tensor, or unknown arguments. Source: TF 1.15 `tf.keras.Input`.
    """
    if sparse and ragged:
        raise ValueError("Cannot set both sparse and ragged to True in a Keras input.")
    options: dict[str, Any] = {"name": name, "dtype": dtype, "sparse": sparse, "ragged": ragged, "input_tensor": tensor}
    whole = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
    if shape and whole:
        raise ValueError(
            "Only provide the `shape` OR `batch_input_shape` argument to Input, not both at the same time."
        )
    if whole:
        shape = whole[1:]
        options["batch_input_shape"] = whole
    else:
        options.update(batch_size=batch_size, input_shape=shape)
    if kwargs:
        raise ValueError("Unrecognized keyword arguments:", kwargs.keys())
    if shape is None and tensor is None:
        raise ValueError(
            "Please provide to Input either a `shape` or a `tensor` argument. Note that `shape` does not include the batch dimension."
        )
    return InputLayer(**options)._inbound_nodes[0].output_tensors[0]
