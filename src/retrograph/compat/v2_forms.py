"""Functions of TF's modules in the form that TF 2 has them: other arguments, the same operations."""

from __future__ import annotations

from typing import Any

from retrograph._namespace import resolve
from retrograph.framework.graph import Tensor


def moments_v2(x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: Any = None) -> tuple[Tensor, Tensor]:
    """Mean and variance."""
    return resolve("nn", "moments")(x=x, axes=axes, shift=shift, name=name, keep_dims=keepdims)  # type: ignore[no-any-return]


def l2_normalize_v2(x: Any, axis: Any = None, epsilon: float = 1e-12, name: Any = None) -> Tensor:
    """Values over the root of the sum of their squares."""
    return resolve("nn", "l2_normalize")(x, axis, epsilon, name)  # type: ignore[no-any-return]


def softmax_v2(logits: Any, axis: Any = None, name: Any = None) -> Tensor:
    """Probabilities of logits along an axis, the last if not given."""
    return resolve("nn", "softmax")(logits, -1 if axis is None else axis, name)  # type: ignore[no-any-return]


def log_softmax_v2(logits: Any, axis: Any = None, name: Any = None) -> Tensor:
    """Logarithms of the probabilities of logits along an axis, the last if not given."""
    return resolve("nn", "log_softmax")(logits, -1 if axis is None else axis, name)  # type: ignore[no-any-return]


def conv2d_transpose_v2(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    dilations: Any = None,
    name: Any = None,
) -> Tensor:
    """A 2-D convolution turned around."""
    return resolve("nn", "conv2d_transpose")(  # type: ignore[no-any-return]
        input, filters, output_shape, strides, padding=padding, data_format=data_format, dilations=dilations, name=name
    )


def conv3d_transpose_v2(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NDHWC",
    dilations: Any = None,
    name: Any = None,
) -> Tensor:
    """A 3-D convolution turned around."""
    return resolve("nn", "conv3d_transpose")(  # type: ignore[no-any-return]
        input, filters, output_shape, strides, padding=padding, data_format=data_format, dilations=dilations, name=name
    )


def nce_loss_v2(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    name: Any = "nce_loss",
) -> Tensor:
    """The loss of noise-contrastive estimation; partitioned weights are cut into runs of rows."""
    return resolve("nn", "nce_loss")(  # type: ignore[no-any-return]
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy="div", name=name,
    )  # fmt: skip


def sampled_softmax_loss_v2(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: Any = None,
    name: Any = "sampled_softmax_loss",
) -> Tensor:
    """The loss of a softmax over sampled classes; partitioned weights are cut into runs of rows."""
    return resolve("nn", "sampled_softmax_loss")(  # type: ignore[no-any-return]
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy="div", name=name, seed=seed,
    )  # fmt: skip
