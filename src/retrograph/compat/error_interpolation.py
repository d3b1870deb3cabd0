"""`tensorflow.python.framework.error_interpolation`: where operations that a text names were made."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from retrograph.framework.messages import message_class

_NAME = r"[A-Za-z0-9_.][A-Za-z0-9_.\-/]*?"
_TAG = re.compile(rf"^(.*?)({{{{({_NAME}) ({_NAME})}}}})", re.DOTALL)
_BAD_FILE_SUBSTRINGS = [
    os.path.join(package, folder)
    for package in ("retrograph", "tensorflow", "tensorflow_estimator")
    for folder in ("", "python", "contrib")
    if folder or package == "retrograph"
] + ["<embedded"]


class _ParseTag(NamedTuple):
    type: str
    name: str


def parse_message(message: str) -> tuple[list[str], list[_ParseTag]]:
    """(what is between the tags, the tags) of a text such as `a {{node b}} c`."""
    between, tags, place = [], [], 0
    while match := _TAG.match(message[place:]):
        between.append(match.group(1))
        tags.append(_ParseTag(match.group(3), match.group(4)))
        place += match.end()
    return [*between, message[place:]], tags


def _summary(title: str, none: str, rows: Iterable[tuple[Any, Any]], call: str, prefix: str) -> str:
    lines = [f"{prefix}  with tf.{call}({name}): <{place.filename}:{place.lineno}>" for name, place in rows]
    return "\n".join([prefix + title, *lines]) if lines else prefix + none


def _compute_device_summary_from_list(name: str, device_assignment_list: Any, prefix: str = "") -> str:
    """The device blocks that an operation was made in."""
    title = f"Device assignments active during op '{name}' creation:"
    none = f"No device assignments were active during op '{name}' creation."
    return _summary(title, none, ((one.obj, one) for one in device_assignment_list), "device", prefix)


def _compute_colocation_summary_from_dict(name: str, colocation_dict: Any, prefix: str = "") -> str:
    """The colocation blocks that an operation was made in."""
    title = f"Node-device colocations active during op '{name}' creation:"
    none = f"No node-device colocations were active during op '{name}' creation."
    return _summary(title, none, colocation_dict.items(), "colocate_with", prefix)


def _find_index_of_defining_frame_for_op(op: Any) -> int:
    files = [frame[0] for frame in op.traceback]
    for index in reversed(range(len(files))):
        if not any(bad in files[index] for bad in _BAD_FILE_SUBSTRINGS):
            return index
    return 0


def _get_defining_frame_from_op(op: Any) -> Any:
    return op.traceback[_find_index_of_defining_frame_for_op(op)]


def _compute_useful_frames(op: Any, num: int) -> list[Any]:
    frames = op.traceback
    stop = min(_find_index_of_defining_frame_for_op(op) + 3, len(frames))
    return frames[max(stop - num, 0) : stop]  # type: ignore[no-any-return]


def create_graph_debug_info_def(operations: Any) -> Any:
    """A GraphDebugInfo of the frames in which operations, given as (function, operation), were made."""
    made = message_class("tensorflow.GraphDebugInfo")()
    traces = {function + op.name: _compute_useful_frames(op, 10) for function, op in operations}
    files = {name: i for i, name in enumerate(dict.fromkeys(f[0] for frames in traces.values() for f in frames))}
    made.files.extend(files)
    for name, frames in traces.items():
        for frame in reversed(frames):
            made.traces[name].file_line_cols.add(file_index=files[frame[0]], line=frame[1])
    return made


def compute_field_dict(op: Any, strip_file_prefix: str = "") -> dict[str, Any]:
    """Where an operation was made: `file`, `line`, `defined_at`, `colocations`, `devices`, `devs_and_colocs`."""
    frame = _get_defining_frame_from_op(op)
    file = frame[0].removeprefix(strip_file_prefix)
    colocations = _compute_colocation_summary_from_dict(op.name, getattr(op, "_colocation_dict", {}))
    devices = _compute_device_summary_from_list(op.name, getattr(op, "_device_assignments", []))
    return {
        "file": file, "line": frame[1], "defined_at": f" (defined at {file}:{frame[1]})",
        "colocations": colocations, "devices": devices, "devs_and_colocs": f"{colocations}\n{devices}",
    }  # fmt: skip


def traceback_files_common_prefix(all_ops: Any) -> str:
    """The folder that all files in which operations (lists of them) were made have in common."""
    files = {frame[0] for ops in all_ops for op in ops or () for frame in op.traceback if "<embedded" not in frame[0]}
    folders = [os.path.dirname(file) for file in files if os.path.isabs(file)]
    return str(os.path.commonpath(folders)) if folders else ""


def _replacement(tag: _ParseTag, ops: Any, prefix: str, more: dict[str, list[str]]) -> str:
    if tag.type == "function_node":
        return ""
    if ops is None or tag.type not in ("node", "colocation_node"):
        return f"{{{{{tag.type} {tag.name}}}}}"
    own = compute_field_dict(ops[0], prefix)
    if tag.type == "colocation_node":
        more.setdefault("colocations", []).append(own["devs_and_colocs"])
        return f"node {ops[0].name}{own['defined_at']} placed on device {own['devices']} "
    places = {op.name: compute_field_dict(op, prefix)["defined_at"] for op in ops[1:]}
    found = {place: f" {name}{place}" for name, place in reversed(places.items()) if place != own["defined_at"]}
    if found:
        start = f"\nInput Source operations connected to node {ops[0].name}:\n"
        more.setdefault("source_nodes", []).append(start + "\t\n".join(found.values()))
    return f"node {ops[0].name}{own['defined_at']} "


def _with_sources(graph: Any, name: str) -> Any:
    try:
        op = graph.get_operation_by_name(name)
    except KeyError:
        return None
    return [op, *dict.fromkeys([t.op for t in op.inputs] + list(op.control_inputs))]


def interpolate(error_message: str, graph: Any) -> str:
    """A text whose tags `{{node name}}` are replaced by where the operation was made.

    Source: TF 1.15 `tensorflow.python.framework.error_interpolation.interpolate`.
    """
    between, tags = parse_message(error_message)
    tagged = [_with_sources(graph, tag.name) for tag in tags]
    prefix = traceback_files_common_prefix(tagged)
    more: dict[str, list[str]] = {}
    made = [_replacement(tag, ops, prefix, more) for tag, ops in zip(tags, tagged, strict=True)]
    sources = more.pop("source_nodes", None)
    if sources:
        made += ["\n\nErrors may have originated from an input operation.", "\n".join(sources)]
    for key, texts in more.items():
        made += [f"Additional information about {key}:", "\n".join(texts)]
    return "".join(chain(*zip_longest(between, made, fillvalue="")))
