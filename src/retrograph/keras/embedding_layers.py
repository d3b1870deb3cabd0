"""Rows of a table by index."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export
from retrograph.keras.base_layer import Layer
from retrograph.keras.shape_helpers import on_tuples
from retrograph.keras.state import floatx


@export("keras.layers.Embedding")
class Embedding(Layer):
    """i[batch, ...] to f[batch, ..., output_dim]: rows of a table by index. Source: TF 1.15 `tf.keras.layers.Embedding`."""

    def __init__(
        self, input_dim: Any, output_dim: Any, embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None, activity_regularizer: Any = None,
        embeddings_constraint: Any = None, mask_zero: bool = False, input_length: Any = None, **kwargs: Any,
    ):  # fmt: skip
        if "input_shape" not in kwargs:
            kwargs["input_shape"] = (input_length,) if input_length else (None,)
        kwargs["autocast"] = False
        super().__init__(dtype=kwargs.pop("dtype", floatx()), **kwargs)
        self._configure(
            input_dim=input_dim, output_dim=output_dim, embeddings_initializer=embeddings_initializer, embeddings_regularizer=embeddings_regularizer,
            activity_regularizer=activity_regularizer, embeddings_constraint=embeddings_constraint, mask_zero=mask_zero, input_length=input_length,
        )  # fmt: skip
        self.supports_masking = mask_zero

    def build(self, input_shape: Any) -> None:
        """Makes `embeddings` f[input_dim, output_dim]."""
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.built = True

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the index is not 0, if `mask_zero`."""
        return tf.not_equal(inputs, 0) if self.mask_zero else None

    @on_tuples
    def compute_output_shape(self, input_shape: Any) -> Any:
        """[batch, ..., output_dim]; ValueError if `input_length` says otherwise."""
        if self.input_length is None:
            return (*input_shape, self.output_dim)
        given = self.input_length
        lengths = list(given) if isinstance(given, (list, tuple)) else [given]
        pairs = list(zip(lengths, input_shape[1:], strict=False))
        if len(lengths) != len(input_shape) - 1 or any(None not in (a, b) and a != b for a, b in pairs):
            raise ValueError(f'"input_length" is {given}, but received input has shape {input_shape}')
        return (input_shape[0], *[b if a is None else a for a, b in pairs], self.output_dim)

    def call(self, inputs: Any) -> Any:
        """The rows."""
        if inputs.dtype.base_dtype not in (tf.int32, tf.int64):
            inputs = tf.cast(inputs, "int32")
        return tf.nn.embedding_lookup(self.embeddings, inputs)
