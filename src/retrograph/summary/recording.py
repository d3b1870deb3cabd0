"""`tf.contrib.summary`: operations that write summaries when they run, to the default writer, if they are to be recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.collections import GraphKeys
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import (
    add_to_collection,
    control_dependencies,
    device,
    get_collection,
    get_default_graph,
    name_scope,
)
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.sessions import get_default_session
from retrograph.ops.control_flow import no_op
from retrograph.ops.identities import identity, placeholder
from retrograph.ops.math import equal, logical_and
from retrograph.ops.smart_cond import smart_cond
from retrograph.summary.creation import summary_scope as _unique_scope
from retrograph.summary.protos import SummaryMetadata
from retrograph.summary.resource_writers import STATE, summary_writer_initializer_op
from retrograph.train.training_util import get_or_create_global_step

_INVALID_IN_SCOPE = re.compile(r"[^-_/.A-Za-z0-9]")


def _recording(default: bool) -> Tensor:
    found = STATE.recording() if callable(STATE.recording) else STATE.recording
    made: Tensor = logical_and(True, default if found is None else found)
    return made


@export("contrib.summary.should_record_summaries")
def should_record_summaries() -> Tensor:
    """Whether summaries are to be recorded now (bool []). Source: TF 1.15 tf.contrib.summary.should_record_summaries"""
    return _recording(False)


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """In the block summaries are recorded if `condition` (a bool, a bool [] or a function of either) says so."""
    before, STATE.recording = STATE.recording, condition
    try:
        yield
    finally:
        STATE.recording = before


@export("contrib.summary.record_summaries_every_n_global_steps")
def record_summaries_every_n_global_steps(n: int, global_step: Any = None) -> Any:
    """A context manager in which summaries are recorded at every n-th step.

    Source: TF 1.15 tf.contrib.summary.record_summaries_every_n_global_steps
    """
    step = get_or_create_global_step() if global_step is None else global_step
    with device("cpu:0"):
        return record_if(equal(step % n, 0))


@export("contrib.summary.always_record_summaries")
def always_record_summaries() -> Any:
    """A context manager in which summaries are recorded. Source: TF 1.15 tf.contrib.summary.always_record_summaries"""
    return record_if(True)


@export("contrib.summary.never_record_summaries")
def never_record_summaries() -> Any:
    """A context manager in which no summary is recorded. Source: TF 1.15 tf.contrib.summary.never_record_summaries"""
    return record_if(False)


def get_step() -> Any:
    """The default step of the thread, or None."""
    return STATE.step


def set_step(step: Any) -> None:
    """Sets the default step of the thread."""
    STATE.step = step


@export("summary.all_v2_summary_ops", "contrib.summary.all_summary_ops")
def all_v2_summary_ops() -> list[Any]:
    """The graph's operations that write summaries. Source: TF 1.15 tf.summary.all_v2_summary_ops"""
    return get_collection(GraphKeys._SUMMARY_COLLECTION)


@export("summary.initialize", "contrib.summary.initialize")
def initialize(graph: Any = None, session: Any = None) -> None:
    """Opens all writers in a session (default: the default one), and writes `graph` to the default writer if given.

    Raises: RuntimeError without a default writer; ValueError without a session. Source: TF 1.15 tf.summary.initialize
    """
    if STATE.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    session = get_default_session() if session is None else session
    if session is None:
        raise ValueError("session must be passed if no default session exists")
    session.run(summary_writer_initializer_op())
    if graph is not None:
        given = placeholder(dtypes.string)
        session.run(_graph_op(given, 0), feed_dict={given: _serialized(graph)})


def _serialized(graph: Any) -> bytes:
    data: bytes = (graph.as_graph_def(add_shapes=True) if isinstance(graph, Graph) else graph).SerializeToString()
    return data


@contextmanager
def summary_scope(name: Any, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
    """Opens a name scope; gives a tag, which is not made unique and may hold any characters, and the scope."""
    name, outside = name or default_name, get_default_graph().get_name_scope()
    with name_scope(_INVALID_IN_SCOPE.sub("", name) or None, default_name, values) as scope:
        yield f"{outside}/{name}" if outside else name, scope


def _nothing() -> Tensor:
    return constant(False)


def _default_step(step: Any) -> Any:
    step = STATE.step if step is None else step
    if step is None:
        raise ValueError("No step set via 'step' argument or tf.summary.experimental.set_step()")
    return step


def _recorded(recording: Callable[[], Tensor], record: Callable[[], Tensor], name: str) -> Any:
    with device("cpu:0"):
        op = smart_cond(recording(), record, _nothing, name=name)
        add_to_collection(GraphKeys._SUMMARY_COLLECTION, op)
    return op


def _written(op_type: str, scope: Any, step: Any, tensor: Any, **inputs: Any) -> Tensor:
    with device("cpu:0"):
        operation = apply_op(
            op_type, scope, writer=STATE.writer._resource, step=step, tensor=identity(tensor), **inputs
        )
        with control_dependencies([operation]):
            return constant(True)


def write(tag: Any, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> Any:
    """Whether a summary of a tensor was written (bool []): not without a default writer.

    Raises: ValueError if there is a writer, but no step.
    """
    with name_scope(name, "write_summary") as scope:
        if STATE.writer is None:
            return constant(False)
        step = _default_step(step)
        data = metadata.SerializeToString() if hasattr(metadata, "SerializeToString") else metadata
        given = b"" if data is None else data

        def record() -> Tensor:
            return _written("WriteSummary", scope, step, tensor, tag=tag, summary_metadata=given)

        return _recorded(lambda: _recording(True), record, "summary_cond")


def write_raw_pb(tensor: Any, step: Any = None, name: str | None = None) -> Any:
    """Whether serialized Summaries (string, any shape) were written: not without a default writer.

    Raises: ValueError if there is a writer, but no step.
    """
    with name_scope(name, "write_raw_pb") as scope:
        if STATE.writer is None:
            return constant(False)
        step = _default_step(step)
        record = lambda: _written("WriteRawProtoSummary", scope, step, tensor)  # noqa: E731
        return _recorded(lambda: _recording(True), record, "summary_cond")


def summary_writer_function(name: Any, tensor: Any, function: Callable[[str, str], Any], family: Any = None) -> Any:
    """What writing a summary gives: `function(tag, scope)` makes the operation, if there is a default writer."""
    outside = get_default_graph().get_name_scope()
    outside = f"{outside}/" if outside else ""

    def record() -> Tensor:
        with (
            name_scope(outside),
            _unique_scope(name, family, values=[tensor]) as (tag, scope),
            control_dependencies([function(tag, scope)]),
        ):
            return constant(True)

    return no_op() if STATE.writer is None else _recorded(should_record_summaries, record, "")


def _step(step: Any) -> Any:
    if step is None:
        return get_or_create_global_step()
    return step if isinstance(step, Tensor) else convert_to_tensor(step, dtype=dtypes.int64)


def _summary(op_type: str, name: Any, tensor: Any, family: Any, step: Any, **inputs: Any) -> Any:
    """A summary whose operation takes the tensor by `inputs["value_name"]`; functions make inputs inside its scope."""
    value_name = inputs.pop("value_name", "tensor")

    def function(tag: str, scope: str) -> Operation:
        before = {key: value() for key, value in inputs.items() if callable(value)}
        chosen = _step(step)
        arguments = {"writer": STATE.writer._resource, "step": chosen, "tag": tag, value_name: identity(tensor)}
        operation: Operation = apply_op(op_type, scope, **arguments, **{**inputs, **before})
        return operation

    return summary_writer_function(name, tensor, function, family)


@export("contrib.summary.generic")
def generic(name: Any, tensor: Any, metadata: Any = None, family: Any = None, step: Any = None) -> Any:
    """Writes a whole tensor. Source: TF 1.15 tf.contrib.summary.generic"""

    def described() -> Any:
        if metadata is None:
            return constant("")
        return constant(metadata.SerializeToString()) if hasattr(metadata, "SerializeToString") else metadata

    return _summary("WriteSummary", name, tensor, family, step, summary_metadata=described)


@export("contrib.summary.scalar")
def scalar(name: Any, tensor: Any, family: Any = None, step: Any = None) -> Any:
    """Writes one real number. Source: TF 1.15 tf.contrib.summary.scalar"""
    return _summary("WriteScalarSummary", name, tensor, family, step, value_name="value")


@export("contrib.summary.histogram")
def histogram(name: Any, tensor: Any, family: Any = None, step: Any = None) -> Any:
    """Writes how real numbers are distributed. Source: TF 1.15 tf.contrib.summary.histogram"""
    return _summary("WriteHistogramSummary", name, tensor, family, step, value_name="values")


@export("contrib.summary.image")
def image(
    name: Any, tensor: Any, bad_color: Any = None, max_images: int = 3, family: Any = None, step: Any = None
) -> Any:
    """Writes up to `max_images` images; what is not finite in `bad_color`. Source: TF 1.15 tf.contrib.summary.image"""

    def color() -> Any:
        return constant([255, 0, 0, 255], dtype=dtypes.uint8) if bad_color is None else bad_color

    return _summary("WriteImageSummary", name, tensor, family, step, bad_color=color, max_images=max_images)


@export("contrib.summary.audio")
def audio(name: Any, tensor: Any, sample_rate: Any, max_outputs: int, family: Any = None, step: Any = None) -> Any:
    """Writes up to `max_outputs` clips. Source: TF 1.15 tf.contrib.summary.audio"""
    return _summary("WriteAudioSummary", name, tensor, family, step, sample_rate=sample_rate, max_outputs=max_outputs)


@export("contrib.summary.graph")
def graph(param: Any, step: Any = None, name: str | None = None) -> Operation:
    """Writes a serialized GraphDef (string []).

    Raises: TypeError for what is no tensor. Source: TF 1.15 tf.contrib.summary.graph
    """
    if not isinstance(param, Tensor):
        raise TypeError(f"graph() needs a tf.Tensor (e.g. tf.placeholder) in graph mode, but was: {type(param)}")
    if STATE.writer is None:
        return no_op()
    with device("cpu:0"):
        tensor = identity(param)
        inputs = {"writer": STATE.writer._resource, "step": _step(step), "tensor": tensor}
        operation: Operation = apply_op("WriteGraphSummary", name, **inputs)
    return operation


_graph_op = graph


@export("contrib.summary.import_event")
def import_event(tensor: Any, name: str | None = None) -> Operation:
    """Writes a serialized Event (string []) as it is. Source: TF 1.15 tf.contrib.summary.import_event"""
    operation: Operation = apply_op("ImportEvent", name, writer=STATE.writer._resource, event=tensor)
    return operation


@export("contrib.summary.eval_dir")
def eval_dir(model_dir: str, name: str | None = None) -> str:
    """The directory of a model's evaluation. Source: TF 1.15 tf.contrib.summary.eval_dir

    >>> eval_dir("m", "test")
    'm/eval_test'
    """
    return os.path.join(model_dir, f"eval_{name}" if name else "eval")


def _write_for_plugin(name: Any, plugin: str, default_name: str, data: bytes | str, step: Any) -> Any:
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=b"1"))
    with summary_scope(name, default_name, [data, step]) as (tag, _):
        with device("cpu:0"):
            tensor = constant(data, dtype=dtypes.string)
        return write(tag=tag, tensor=tensor, step=step, metadata=metadata)


def run_metadata(name: Any, data: Any, step: Any = None) -> Any:
    """Writes a RunMetadata."""
    serialized = data.SerializeToString()
    return _write_for_plugin(name, "graph_run_metadata", "graph_run_metadata_summary", serialized, step)


def run_metadata_graphs(name: Any, data: Any, step: Any = None) -> Any:
    """Writes the graphs of a RunMetadata."""
    kept = type(data)(function_graphs=data.function_graphs, partition_graphs=data.partition_graphs).SerializeToString()
    return _write_for_plugin(name, "graph_run_metadata_graph", "graph_run_metadata_graph_summary", kept, step)
