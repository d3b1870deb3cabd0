"""Summaries under their names before 1.0, whose tags are given as they are: `tf.contrib.deprecated`."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, get_collection, name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.summary.creation import collect, merge_all

_MODULE = "tensorflow.python.ops.logging_ops"
_NOTE = (
    "Note that tf.summary.{0} uses the node name instead of the tag. This means that TensorFlow will automatically "
    "de-duplicate summary names based on the scope they are created in."
)


def _summary(op_type: str, name: Any, collections: Any, /, **inputs: Any) -> Tensor:
    """A summary of the first two inputs; functions give others, made inside its scope."""
    with name_scope(name, op_type.removesuffix("V2"), list(inputs.values())[:2]) as scope:
        made: Tensor = apply_op(op_type, scope, **{k: v() if callable(v) else v for k, v in inputs.items()})
        collect(made, collections, [GraphKeys.SUMMARIES])
    return made


@export("contrib.deprecated.histogram_summary")
@deprecated(f"Please switch to tf.summary.histogram. {_NOTE.format('histogram')}", _MODULE, "2016-11-30")
def histogram_summary(tag: Any, values: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """A histogram of real numbers as a summary (string []). Source: TF 1.15 tf.contrib.deprecated.histogram_summary"""
    return _summary("HistogramSummary", name, collections, tag=tag, values=values)


@export("contrib.deprecated.image_summary")
@deprecated(
    f"Please switch to tf.summary.image. {_NOTE.format('image')} Also, the max_images argument was renamed to max_outputs.",
    _MODULE,
    "2016-11-30",
)
def image_summary(
    tag: Any, tensor: Any, max_images: int = 3, collections: Any = None, name: str | None = None
) -> Tensor:
    """Images as a summary (string []). Source: TF 1.15 tf.contrib.deprecated.image_summary"""
    return _summary("ImageSummary", name, collections, tag=tag, tensor=tensor, max_images=max_images)


@export("contrib.deprecated.audio_summary")
@deprecated(f"Please switch to tf.summary.audio. {_NOTE.format('audio')}", _MODULE, "2016-11-30")
def audio_summary(
    tag: Any, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, name: str | None = None
) -> Tensor:
    """Clips of audio as a summary (string []). Source: TF 1.15 tf.contrib.deprecated.audio_summary"""
    rate = lambda: convert_to_tensor(sample_rate, dtype=dtypes.float32, name="sample_rate")  # noqa: E731
    inputs = {"tag": tag, "tensor": tensor, "sample_rate": rate, "max_outputs": max_outputs}
    return _summary("AudioSummaryV2", name, collections, **inputs)


@export("contrib.deprecated.merge_summary")
@deprecated("Please switch to tf.summary.merge.", _MODULE, "2016-11-30")
def merge_summary(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One summary (string []) of several. Source: TF 1.15 tf.contrib.deprecated.merge_summary"""
    with name_scope(name, "MergeSummary", inputs):
        made: Tensor = apply_op("MergeSummary", name, inputs=inputs)
        collect(made, collections, [])
    return made


@export("contrib.deprecated.merge_all_summaries")
@deprecated("Please switch to tf.summary.merge_all.", _MODULE, "2016-11-30")
def merge_all_summaries(key: Any = GraphKeys.SUMMARIES) -> Tensor | None:
    """One summary (string []) of a collection; None if it is empty.

    Source: TF 1.15 tf.contrib.deprecated.merge_all_summaries
    """
    found = get_collection(key)
    return merge_summary(found) if found else None


def get_summary_op() -> Tensor | None:
    """The graph's summary operation: that of the collection, else all summaries merged, which it then holds."""
    found = get_collection(GraphKeys.SUMMARY_OP)
    made: Tensor | None = found[0] if found else None
    if made is None:
        made = merge_all()
        if made is not None:
            add_to_collection(GraphKeys.SUMMARY_OP, made)
    return made


@export("contrib.deprecated.scalar_summary")
@deprecated(
    f"Please switch to tf.summary.scalar. {_NOTE.format('scalar')} Also, passing a tensor or list of tags to a scalar "
    "summary op is no longer supported.",
    _MODULE,
    "2016-11-30",
)
def scalar_summary(tags: Any, values: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """Real numbers, each with its tag, as a summary (string []). Source: TF 1.15 tf.contrib.deprecated.scalar_summary"""
    return _summary("ScalarSummary", name, collections, tags=tags, values=values)
