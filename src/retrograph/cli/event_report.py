"""What event files hold: tags with how many values over which steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

from retrograph.cli.failure import Failure, one_line
from retrograph.cli.progress import Progress
from retrograph.cli.tree import many

_KINDS = {"simple_value": "scalar", "histo": "histogram"}
_FRAME = 16


def event_files(path: str) -> list[str]:
    """The event files of a directory and of those in it, a run after the other; none for a file."""
    return [
        os.path.join(folder, name)
        for folder, _, names in sorted(os.walk(path))
        for name in sorted(names)
        if "tfevents" in name and os.path.isfile(os.path.join(folder, name))
    ]


class EventReport:
    """The tags of a file or of all files in a directory. What is cut off, as in a run that goes on, is told on stderr."""

    def __init__(self, path: str):
        self._path, self._inside = path, event_files(path)
        self._tags: dict[str, dict[str, Any]] = {}
        self._events = self._graphs = 0
        self._cut: list[str] = []
        files = self._inside or [path]
        with Progress(sum(map(os.path.getsize, files)), "reading") as progress:
            for file in files:
                self._take(file, progress)

    def _take(self, file: str, progress: Progress) -> None:
        folder = os.path.relpath(os.path.dirname(file), self._path) if self._inside else "."
        for event in self._read(file, progress):
            self._events += 1
            self._graphs += bool(event.graph_def)
            for value in event.summary.value:
                self._note(value.tag if folder == "." else f"{folder}: {value.tag}", value, event.step)

    def _read(self, file: str, progress: Progress) -> Iterator[Any]:
        from retrograph.framework.errors import DataLossError
        from retrograph.io.records import read_records
        from retrograph.summary.protos import Event

        count = 0
        try:
            for record in read_records(file):
                yield Event.FromString(record)
                count += 1
                progress.advance(len(record) + _FRAME)
        except DataLossError as error:
            if not count and not self._inside:
                raise Failure(f"{file}: {one_line(error)}") from None
            self._cut.append(file)
            print(f"retrograph inspect: {file}: {one_line(error)}; shown is what stands before it", file=sys.stderr)

    def _note(self, name: str, value: Any, step: int) -> None:
        tag = self._tags.setdefault(name, {"kind": _kind(value), "count": 0, "steps": [step, step]})
        tag["count"] += 1
        tag["steps"] = [min(step, tag["steps"][0]), max(step, tag["steps"][1])]
        tag["kind"] = tag["kind"] or _kind(value)
        if tag["kind"] == "scalar":
            tag["last"] = value.simple_value

    def as_dict(self) -> dict[str, Any]:
        """The report."""
        kind = many(len(self._inside), "event file") if self._inside else "event file"
        found = {"kind": kind, "path": self._path, "events": self._events, "graphs": self._graphs, "tags": self._tags}
        return {**found, "damaged": self._cut} if self._cut else found


def _kind(value: Any) -> str:
    """What a value is: `scalar`, `histogram`, `image`, `audio`, `text`, `tensor`; later values do not say it again."""
    plugin: str = value.metadata.plugin_data.plugin_name
    which = value.WhichOneof("value") or ""
    return plugin if which == "tensor" and plugin else _KINDS.get(which, which)


def event_lines(report: dict[str, Any]) -> list[str]:
    """The report as text, below its first line."""
    tags = report["tags"]
    lines = [", ".join((many(report["events"], "event"), many(report["graphs"], "graph"), many(len(tags), "tag"))), ""]
    width = max(map(len, tags), default=0)
    wide = max((len(about["kind"]) for about in tags.values()), default=0)
    for tag, about in sorted(tags.items()):
        last = f"  last {about['last']:g}" if "last" in about else ""
        first, final = about["steps"]
        steps = f"step {first}" if first == final else f"steps {first} to {final}"
        lines.append(f"{tag.ljust(width)}  {about['kind'].ljust(wide)}  {many(about['count'], 'value')}, {steps}{last}")
    return lines
