"""`tf.summary.scalar`, `histogram`, `image`, `audio`, `text`, `tensor_summary` and `merge`: summaries as operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import add_to_collection, get_collection, name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.platform import logging
from retrograph.platform.text import as_str_any
from retrograph.summary.protos import SummaryDescription, SummaryMetadata

_INVALID_IN_TAG = re.compile(r"[^-/\w\.]")


def collect(val: Any, collections: Sequence[Any] | None, default_collections: Sequence[Any]) -> None:
    """Adds a summary to collections, to the default ones if `collections` is None."""
    for key in default_collections if collections is None else collections:
        add_to_collection(key, val)


def clean_tag(name: Any) -> Any:
    """A tag with `_` for what no operation's name may have, and without slashes in front.

    >>> clean_tag("/a b:c/d")
    'a_b_c/d'
    """
    if name is None:
        return None
    if not isinstance(name, str):
        raise TypeError("expected string or bytes-like object")
    cleaned = _INVALID_IN_TAG.sub("_", name).lstrip("/")
    if cleaned != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextmanager
def summary_scope(
    name: Any, family: Any = None, default_name: str | None = None, values: Sequence[Any] | None = None
) -> Iterator[tuple[str, str]]:
    """Opens the name scope of a summary; gives its tag and the scope. A family stands before both."""
    name, family = clean_tag(name), clean_tag(family)
    base = name if family is None else f"{family}/{name}"
    with name_scope(base, default_name, values) as scope:
        tag = scope.rstrip("/")
        yield (tag if family is None else f"{family}/{tag}"), scope


def _summary(
    op_type: str, name: Any, tensor: Any, family: Any, collections: Any, default_name: str | None = None, **rest: Any
) -> Tensor:
    """A summary of a tensor; of `rest`, functions give inputs that are made inside the summary's scope."""
    with summary_scope(name, family, default_name, [tensor]) as (tag, scope):
        made = {key: value() if callable(value) else value for key, value in rest.items()}
        arguments = {_TAG_NAMES.get(op_type, "tag"): tag, _VALUE_NAMES.get(op_type, "tensor"): tensor, **made}
        summary: Tensor = apply_op(op_type, scope, **arguments)
        collect(summary, collections, [GraphKeys.SUMMARIES])
    return summary


_TAG_NAMES = {"ScalarSummary": "tags"}
_VALUE_NAMES = {"ScalarSummary": "values", "HistogramSummary": "values"}


@export("summary.scalar")
def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary (string []) of one real number.

    Running it raises: InvalidArgumentError if `tensor` is no scalar.
    >>> tf.summary.scalar("loss", tf.constant(3.0)).op.name
    'loss'

    Raises: TypeError for other dtypes; ValueError without a name. Source: TF 1.15 tf.summary.scalar
    """
    return _summary("ScalarSummary", name, tensor, family, collections)


@export("summary.image")
def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary (string []) of up to `max_outputs` images of [batch, height, width, 1, 3 or 4]: grey, RGB, RGBA.

    uint8 is taken as it is; numbers are scaled image by image, so that the largest is 255, or 0 is 128 if some are
    negative; what is not finite is red. The tags are NAME/image/0 and so on, for one image NAME/image.
    Raises: TypeError, ValueError. Source: TF 1.15 tf.summary.image
    """
    return _summary("ImageSummary", name, tensor, family, collections, max_images=max_outputs)


@export("summary.histogram")
def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary (string []) of how real numbers of any shape are distributed.

    Running it raises: InvalidArgumentError for values that are not finite.
    Raises: TypeError for other dtypes. Source: TF 1.15 tf.summary.histogram
    """
    return _summary("HistogramSummary", name, values, family, collections, "HistogramSummary")


@export("summary.audio")
def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Tensor:
    """A summary (string []) of up to `max_outputs` clips of f32[batch, frames] or f32[batch, frames, channels].

    Values are from -1 to 1; `sample_rate` is f32[] in hertz. The tags are NAME/audio/0 and so on, for one NAME/audio.
    Raises: TypeError, ValueError. Source: TF 1.15 tf.summary.audio
    """

    def rate() -> Tensor:
        return convert_to_tensor(sample_rate, dtype=dtypes.float32, name="sample_rate")

    return _summary("AudioSummaryV2", name, tensor, family, collections, sample_rate=rate, max_outputs=max_outputs)


@export("summary.text")
def text(name: str, tensor: Any, collections: Any = None) -> Tensor:
    """A summary (string []) of texts, which TensorBoard shows as Markdown.

    Raises: ValueError if `tensor` is not of strings. Source: TF 1.15 tf.summary.text
    """
    if tensor.dtype != dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return tensor_summary(name, tensor, summary_metadata=metadata, collections=collections)


@export("summary.tensor_summary")
def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Any = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """A summary (string []) that holds a whole tensor, with the metadata that says which plugin reads it.

    `summary_description` and `display_name` are written into `summary_metadata`. Source: TF 1.15 tf.summary.tensor_summary
    """
    metadata = SummaryMetadata() if summary_metadata is None else summary_metadata
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    data = metadata.SerializeToString()
    return _summary("TensorSummaryV2", name, tensor, family, collections, serialized_summary_metadata=data)


@export("summary.merge")
def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One summary (string []) of a list of serialized ones.

    Running it raises: InvalidArgumentError if two have the same tag.
    Raises: TypeError, ValueError. Source: TF 1.15 tf.summary.merge
    """
    name = clean_tag(name)
    with name_scope(name, "Merge", inputs):
        merged: Tensor = apply_op("MergeSummary", name, inputs=inputs)
        collect(merged, collections, [])
    return merged


@export("summary.merge_all")
def merge_all(key: Any = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary (string []) of all in a collection, of those whose names match `scope`; None if there are none.

    Source: TF 1.15 tf.summary.merge_all
    """
    found = get_collection(key, scope=scope)
    return merge(found, name=name) if found else None


@export("summary.get_summary_description")
def get_summary_description(node_def: Any) -> Any:
    """The SummaryDescription in the NodeDef of a TensorSummary operation.

    Raises: ValueError for another operation. Source: TF 1.15 tf.summary.get_summary_description
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    fields = json.loads(as_str_any(node_def.attr["description"].s))
    return SummaryDescription(type_hint=fields.get("typeHint", fields.get("type_hint", "")))
