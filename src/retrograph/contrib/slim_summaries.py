"""`tf.contrib.slim.summaries`: summaries named after their tensors, printed if wanted."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


def _name(tensor: Any, name: str | None, prefix: str | None, postfix: str | None = None) -> str:
    parts = prefix, name or tensor.op.name, postfix
    return "/".join(part for part in parts if part)


@export("contrib.slim.summaries.add_histogram_summary")
def add_histogram_summary(tensor: Any, name: str | None = None, prefix: str | None = None) -> Any:
    """A histogram of a tensor. Source: TF 1.15 `slim.summaries.add_histogram_summary`."""
    return tf.summary.histogram(name=_name(tensor, name, prefix), values=tensor)


@export("contrib.slim.summaries.add_image_summary")
def add_image_summary(tensor: Any, name: str | None = None, prefix: str | None = None) -> Any:
    """The images of a tensor. Source: TF 1.15 `slim.summaries.add_image_summary`."""
    return tf.summary.image(name=_name(tensor, name, prefix), tensor=tensor)


@export("contrib.slim.summaries.add_scalar_summary")
def add_scalar_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Any:
    """The value of a tensor, printed too if wanted. Source: TF 1.15 `slim.summaries.add_scalar_summary`."""
    own = _name(tensor, name, prefix)
    summary = tf.summary.scalar(name=own, tensor=tensor, collections=[] if print_summary else None)
    if print_summary:
        summary = tf.Print(summary, [tensor], own)
        tf.add_to_collection(tf.GraphKeys.SUMMARIES, summary)
    return summary


@export("contrib.slim.summaries.add_zero_fraction_summary")
def add_zero_fraction_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Any:
    """Which part of a tensor is 0. Source: TF 1.15 `slim.summaries.add_zero_fraction_summary`."""
    own = _name(tensor, name, prefix, "Fraction of Zero Values")
    return add_scalar_summary(tf.nn.zero_fraction(tensor), own, print_summary=print_summary)


@export("contrib.slim.summaries.add_histogram_summaries")
def add_histogram_summaries(tensors: Any, prefix: str | None = None) -> list[Any]:
    """A histogram of each. Source: TF 1.15 `slim.summaries.add_histogram_summaries`."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


@export("contrib.slim.summaries.add_image_summaries")
def add_image_summaries(tensors: Any, prefix: str | None = None) -> list[Any]:
    """The images of each. Source: TF 1.15 `slim.summaries.add_image_summaries`."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


@export("contrib.slim.summaries.add_scalar_summaries")
def add_scalar_summaries(tensors: Any, prefix: str | None = None, print_summary: bool = False) -> list[Any]:
    """The value of each. Source: TF 1.15 `slim.summaries.add_scalar_summaries`."""
    return [add_scalar_summary(tensor, prefix=prefix, print_summary=print_summary) for tensor in tensors]


@export("contrib.slim.summaries.add_zero_fraction_summaries")
def add_zero_fraction_summaries(tensors: Any, prefix: str | None = None) -> list[Any]:
    """Which part of each is 0. Source: TF 1.15 `slim.summaries.add_zero_fraction_summaries`."""
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]
