"""`retrograph inspect`: what is in a checkpoint, graph, SavedModel, event files or a script, by scope."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from retrograph.cli.failure import Failure, reading
from retrograph.cli.graph_report import GraphReport, most_frequent
from retrograph.cli.tensor_files import checkpoint_prefix, in_saved_model, open_tensors
from retrograph.cli.tree import Leaf, counted, rendered, shown, sized
from retrograph.scopes.select import Select

_LONG = 20  # outputs that are listed


def inspect(path: str, arguments: list[str], include: list[str], exclude: list[str], as_json: bool) -> int:
    """Prints what is in `path`. Raises Failure: nothing that is known is there."""
    if in_saved_model(path):
        path = os.path.dirname(path) or "."
    reporter = _reporter(path)
    with reading(path):
        report = reporter(path, arguments)
    chosen = Select(*include) if include else None
    hidden = Select(*exclude)
    report["variables"] = [
        leaf for leaf in report.get("variables", []) if (not chosen or chosen(leaf.name)) and not hidden(leaf.name)
    ]
    print(json.dumps(_plain(report), indent=1) if as_json else _text(report))
    return 0


def _reporter(path: str) -> Callable[[str, list[str]], dict[str, Any]]:
    name = os.path.basename(path)
    if os.path.isdir(path) and any(os.path.exists(os.path.join(path, f"saved_model.{e}")) for e in ("pb", "pbtxt")):
        return _saved_model
    if "tfevents" in name:
        return _events
    for ending, reporter in _ENDINGS.items():
        if name.endswith(ending) and os.path.isfile(path):
            return reporter
    if checkpoint_prefix(path) is not None:
        return _tensors
    if _event_files(path):
        return _events
    if not os.path.exists(path):
        raise Failure(f"{path}: no such file, directory or checkpoint")
    raise Failure(f"{path}: no checkpoint, graph (.pb, .pbtxt, .meta), SavedModel, event files or script (.py)")


def _tensors(path: str, arguments: list[str]) -> dict[str, Any]:
    file = open_tensors(path)
    leaves = [Leaf(d.name, shown(d.shape), d.dtype, d.parameters, d.bytes) for d in file.described()]
    return {"kind": file.kind, "path": path, "variables": leaves}


def _graph(path: str, arguments: list[str]) -> dict[str, Any]:
    return {"kind": "graph", "path": path, **_of_graph(parsed("tensorflow.GraphDef", path))}


def _meta_graph(path: str, arguments: list[str]) -> dict[str, Any]:
    meta = parsed("tensorflow.MetaGraphDef", path)
    return {"kind": "meta graph", "path": path, **_of_graph(meta.graph_def), **_of_meta(meta)}


def _saved_model(path: str, arguments: list[str]) -> dict[str, Any]:
    from retrograph.saved.loader import parse_saved_model

    graphs = [
        {"tags": list(meta.meta_info_def.tags), **_of_graph(meta.graph_def), **_of_meta(meta)}
        for meta in parse_saved_model(path).meta_graphs
    ]
    first = graphs[0] if graphs else {}
    return {"kind": "SavedModel", "path": path, **first, "more graphs": [graph["tags"] for graph in graphs[1:]]}


def _events(path: str, arguments: list[str]) -> dict[str, Any]:
    from retrograph.summary.events import summary_iterator

    files = _event_files(path)
    tags: dict[str, dict[str, Any]] = {}
    count = graphs = 0
    for file in files or [path]:
        folder = os.path.relpath(os.path.dirname(file), path) if files else "."
        for event in summary_iterator(file):
            count += 1
            graphs += bool(event.graph_def)
            for value in event.summary.value:
                name = value.tag if folder == "." else f"{folder}: {value.tag}"
                _note_value(tags.setdefault(name, {"kind": value.WhichOneof("value"), "count": 0}), value, event.step)
    kind = f"{len(files)} event file{'s' * (len(files) > 1)}" if files else "event file"
    return {"kind": kind, "path": path, "events": count, "graphs": graphs, "tags": tags}


def _event_files(path: str) -> list[str]:
    """The event files of a directory and of those in it, a run after the other; none for a file."""
    return [
        os.path.join(folder, name)
        for folder, _, names in sorted(os.walk(path))
        for name in sorted(names)
        if "tfevents" in name
    ]


def _note_value(tag: dict[str, Any], value: Any, step: int) -> None:
    tag["count"] += 1
    tag["steps"] = [min(step, tag.get("steps", [step])[0]), max(step, tag.get("steps", [step, step])[1])]
    if tag["kind"] == "simple_value":
        tag["last"] = value.simple_value


def _script(path: str, arguments: list[str]) -> dict[str, Any]:
    from retrograph.cli.building import graph_built_by

    graph = graph_built_by(path, arguments)
    return {"kind": "script", "path": path, **_of_graph(graph.as_graph_def())}


_ENDINGS: dict[str, Callable[[str, list[str]], dict[str, Any]]] = {
    ".py": _script, ".meta": _meta_graph, ".pb": _graph, ".pbtxt": _graph, ".npz": _tensors, ".safetensors": _tensors,
}  # fmt: skip


def parsed(kind: str, path: str) -> Any:
    """The message of a kind in a file, binary or (`.pbtxt`) text."""
    from retrograph.framework.message_text import merge_text
    from retrograph.framework.messages import message_class

    message = message_class(kind)()
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith("txt"):
        merge_text(data, message)
    else:
        message.ParseFromString(data)
    return message


def _of_graph(graph_def: Any) -> dict[str, Any]:
    report = GraphReport(graph_def)
    return {
        "frozen": report.frozen,
        "operations": sum(report.types.values()),
        "types": dict(report.types.most_common()),
        "inputs": report.inputs(),
        "outputs": report.outputs(),
        "variables": report.leaves,
    }


def _of_meta(meta: Any) -> dict[str, Any]:
    return {
        "collections": sorted(meta.collection_def),
        "signatures": {
            key: {
                "method": signature.method_name,
                "inputs": {name: _tensor_text(info) for name, info in sorted(signature.inputs.items())},
                "outputs": {name: _tensor_text(info) for name, info in sorted(signature.outputs.items())},
            }
            for key, signature in sorted(meta.signature_def.items())
        },
    }


def _tensor_text(info: Any) -> str:
    from retrograph.framework.dtypes import as_dtype

    sizes = None if info.tensor_shape.unknown_rank else [None if d.size < 0 else d.size for d in info.tensor_shape.dim]
    return f"{info.name} {as_dtype(info.dtype).name}{shown(sizes)}"


def _plain(value: Any) -> Any:
    if isinstance(value, Leaf):
        return {key: item for key, item in value._asdict().items() if item != ""}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _text(report: dict[str, Any]) -> str:
    lines = [
        f"{report['path']}: {report['kind']}" + (f" {report['tags']}" if report.get("kind") == "SavedModel" else "")
    ]
    lines += _graph_lines(report) if "operations" in report else []
    if "events" in report:
        lines += _event_lines(report)
        return "\n".join(lines)
    leaves = report["variables"]
    what = "constants" if report.get("frozen") else "variables" if "operations" in report else "tensors"
    sums = f"{counted(sum(v.parameters for v in leaves))} parameters, {sized(sum(v.bytes for v in leaves))}"
    lines += [f"{counted(len(leaves))} {what}, {sums}", "", *rendered(leaves)]
    return "\n".join(lines).rstrip()


def _graph_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{counted(report['operations'])} operations: {most_frequent(report['types'].items())}"]
    lines += [f"input   {name}  {dtype}{shape}" for name, dtype, shape in report["inputs"]]
    outputs = report["outputs"]
    lines += [f"output  {name}" for name in outputs[:_LONG]]
    lines += [f"        … and {len(outputs) - _LONG} more"] if len(outputs) > _LONG else []
    for key, signature in report.get("signatures", {}).items():
        lines.append(f"signature {key} ({signature['method']})")
        for side in ("inputs", "outputs"):
            lines += [f"  {side[:-1]:6}  {name}: {text}" for name, text in signature[side].items()]
    return lines


def _event_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['events']} events, {report['graphs']} graphs, {len(report['tags'])} tags", ""]
    width = max((len(tag) for tag in report["tags"]), default=0)
    for tag, about in sorted(report["tags"].items()):
        last = f"  last {about['last']:g}" if "last" in about else ""
        first, final = about["steps"]
        kind = about["kind"] or "empty"
        lines.append(f"{tag.ljust(width)}  {kind}  {about['count']} values, steps {first} to {final}{last}")
    return lines
