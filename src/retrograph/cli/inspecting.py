"""`retrograph inspect`: what is in a checkpoint, graph, SavedModel, event files or a script, by scope."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from retrograph.cli.event_report import EventReport, event_files, event_lines
from retrograph.cli.failure import Failure, reading
from retrograph.cli.finding import checkpoint_prefix, in_saved_model, missing, prefixes
from retrograph.cli.graph_report import Endpoint, GraphReport, most_frequent
from retrograph.cli.tensor_files import TensorFile, open_tensors
from retrograph.cli.tree import Leaf, counted, many, rendered, shown, sized
from retrograph.scopes.select import Select

_LONG = 20  # outputs that are listed
_LISTED = 5  # other checkpoints


def inspect(path: str, arguments: list[str], include: list[str], exclude: list[str], as_json: bool) -> int:
    """Prints what is in `path`. Raises Failure: nothing that is known is there."""
    if in_saved_model(path):
        path = os.path.dirname(path) or "."
    reporter = _reporter(path)
    with reading(path):
        report = reporter(path, arguments)
    chosen = Select(*include) if include else None
    hidden = Select(*exclude)
    if include or exclude:
        report["of"] = len(report.get("variables", []))
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
        if name.lower().endswith(ending) and os.path.isfile(path):
            return reporter
    if checkpoint_prefix(path) is not None:
        return _tensors
    if event_files(path):
        return _events
    if not os.path.exists(path):
        raise missing(path)
    raise Failure(f"{path}: no checkpoint, graph (.pb, .pbtxt, .meta), SavedModel, event files or script (.py)")


def _tensors(path: str, arguments: list[str]) -> dict[str, Any]:
    file = open_tensors(path)
    leaves = [Leaf(d.name, d.shape, d.dtype, d.parameters, d.bytes) for d in file.described()]
    return {"kind": file.kind, "path": path, **_which(path, file), "variables": leaves}


def _which(path: str, file: TensorFile) -> dict[str, Any]:
    """Which checkpoint of a directory was taken."""
    if not os.path.isdir(path) and os.path.basename(path) != "checkpoint":
        return {}
    own, others = os.path.basename(file.path), prefixes(os.path.dirname(file.path) or ".")
    return {"checkpoint": file.path, "others": [name for name in others if name != own]}


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
    return EventReport(path).as_dict()


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
    if path.lower().endswith("txt"):
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
                "inputs": {name: _endpoint(info) for name, info in sorted(signature.inputs.items())},
                "outputs": {name: _endpoint(info) for name, info in sorted(signature.outputs.items())},
            }
            for key, signature in sorted(meta.signature_def.items())
        },
    }


def _endpoint(info: Any) -> Endpoint:
    from retrograph.framework.dtypes import as_dtype

    sizes = None if info.tensor_shape.unknown_rank else [None if d.size < 0 else d.size for d in info.tensor_shape.dim]
    return Endpoint(info.name, as_dtype(info.dtype).name, sizes)


def _plain(value: Any) -> Any:
    if isinstance(value, (Leaf, Endpoint)):
        return {key: _plain(item) for key, item in value._asdict().items() if item != ""}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _text(report: dict[str, Any]) -> str:
    lines = [f"{report['path']}: {report['kind']}{_more(report)}"]
    lines += _graph_lines(report) if "operations" in report else []
    if "events" in report:
        lines += event_lines(report)
        return "\n".join(lines)
    leaves = report["variables"]
    what = "constant" if report.get("frozen") else "variable" if "operations" in report else "tensor"
    all_of = report.get("of")
    sums = f"{counted(sum(v.parameters for v in leaves))} parameters, {sized(sum(v.bytes for v in leaves))}"
    chosen = many(len(leaves), what) if all_of is None else f"{counted(len(leaves))} of {many(all_of, what)}"
    lines += [f"{chosen}, {sums}", "", *rendered(leaves)]
    return "\n".join(lines).rstrip()


def _more(report: dict[str, Any]) -> str:
    if "tags" in report and report["kind"] == "SavedModel":
        return f" {report['tags']}"
    if "checkpoint" not in report:
        return ""
    others = report["others"]
    also = f" (also there: {', '.join(others[-_LISTED:])}{', …' if len(others) > _LISTED else ''})" if others else ""
    return f" {report['checkpoint']}{also}"


def _graph_lines(report: dict[str, Any]) -> list[str]:
    types = most_frequent(report["types"].items())
    lines = [many(report["operations"], "operation") + (f": {types}" if types else "")]
    lines += [f"input   {name}  {dtype}{shown(shape)}" for name, dtype, shape in report["inputs"]]
    outputs = report["outputs"]
    lines += [f"output  {name}" for name in outputs[:_LONG]]
    lines += [f"        … and {len(outputs) - _LONG} more"] if len(outputs) > _LONG else []
    for key, signature in report.get("signatures", {}).items():
        lines.append(f"signature {key} ({signature['method']})")
        for side in ("inputs", "outputs"):
            lines += [
                f"  {side[:-1]:6}  {name}: {t.name} {t.dtype}{shown(t.shape)}" for name, t in signature[side].items()
            ]
    return lines
