"""What a step spends its time on: recorded when a run asks for a trace, and written as a Chrome trace."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrograph.framework.lazy_jax import jax

_DEVICE = "/job:localhost/replica:0/task:0/device:{}:0"
_LABEL = re.compile(r"^(?P<name>.*?) = (?P<op>\w+)\((?P<inputs>.*)\)$", re.DOTALL)


class Tracer:
    """Records the parts of this thread's runs, if asked to."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._used = False

    @property
    def active(self) -> bool:
        """Whether this thread's run is recorded."""
        return self._used and getattr(self._local, "events", None) is not None

    @contextmanager
    def recording(self, run_metadata: Any) -> Iterator[None]:
        """Inside the block parts are recorded; then they are in `run_metadata.step_stats`."""
        events: list[Any] = []
        self._used, self._local.events = True, events
        try:
            yield
        finally:
            self._local.events = None
            run_metadata.step_stats.CopyFrom(_step_stats(events))

    def timing(self, run: Callable[[Any], None], values: dict[Any, Any]) -> Callable[[Any], None]:
        """`run` itself, or with its time recorded: from the call until all values are there."""
        events = getattr(self._local, "events", None)
        if events is None:
            return run

        def timed(step: Any) -> None:
            start = time.time_ns()
            run(step)
            for value in values.values():
                if hasattr(value, "devices") and not isinstance(value, np.ndarray):
                    jax.block_until_ready(value)
            events.append((step, start, time.time_ns()))

        return timed


def _step_stats(events: list[Any]) -> Any:
    from retrograph.runtime.config import StepStats

    stats = StepStats()
    devices: dict[str, Any] = {}
    for step, start, end in events:
        ops = [op for op in step.ops if op.type not in ("Const", "NoOp")]
        if not ops:
            continue
        name = _DEVICE.format("CPU" if not step.compiled else jax.default_backend().upper())
        if name not in devices:
            devices[name] = stats.dev_stats.add(device=name)
        _add_node(devices[name].node_stats.add(), step, ops, start, end)
    if not devices:
        # Constants alone take no time, but the run was traced.
        stats.dev_stats.add(device=_DEVICE.format("CPU"))
    return stats


def _add_node(node: Any, step: Any, ops: list[Any], start: int, end: int) -> None:
    last = ops[-1]
    kind = last.type if len(ops) == 1 else "XLA" if step.compiled else "Host"
    name = last.name if len(ops) == 1 else f"{last.name} and {len(ops) - 1} more"
    inputs = sorted({op.name for op in step.sources if op.type != "Const"} - {op.name for op in ops})
    node.node_name = name
    node.all_start_micros = start // 1000
    node.all_end_rel_micros = max(1, (end - start) // 1000)
    node.op_end_rel_micros = node.all_end_rel_micros
    node.timeline_label = f"{name} = {kind}({', '.join(inputs[:20])})"


class Timeline:
    """The Chrome trace of recorded steps, which `chrome://tracing` and Perfetto open.

    >>> metadata = tf.RunMetadata()
    >>> options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    >>> with tf.Session() as sess:
    ...     value = sess.run(tf.constant(1.0) + 1.0, options=options, run_metadata=metadata)
    >>> trace = Timeline(metadata.step_stats).generate_chrome_trace_format()

    Source: TF 1.15 `tensorflow.python.client.timeline.Timeline`.
    """

    def __init__(self, step_stats: Any, graph: Any = None):
        self._step_stats = step_stats
        self._graph = graph

    def generate_chrome_trace_format(self, show_dataflow: bool = True, show_memory: bool = False) -> str:
        """The trace as JSON; memory is not recorded, so that `show_memory` adds nothing."""
        events: list[dict[str, Any]] = []
        made: dict[str, dict[str, Any]] = {}
        for pid, device in enumerate(self._step_stats.dev_stats):
            label = {"name": f"{device.device} Compute"}
            events.append({"name": "process_name", "ph": "M", "pid": pid, "args": label})
            for node in device.node_stats:
                event = _region(node, pid)
                made[node.node_name] = event
                events.append(event)
        if show_dataflow:
            events += _flows(made)
        return json.dumps({"traceEvents": events}, indent=4, separators=(",", ": "))


def _region(node: Any, pid: int) -> dict[str, Any]:
    match = _LABEL.match(node.timeline_label)
    name, kind, inputs = match.group("name", "op", "inputs") if match else (node.node_name, node.node_name, "")
    arguments = {"name": name, "op": kind}
    arguments |= {f"input{i}": x for i, x in enumerate(x.strip() for x in inputs.split(",") if x.strip())}
    return {
        "ph": "X",
        "cat": "Op",
        "name": kind,
        "pid": pid,
        "tid": int(node.thread_id),
        "ts": int(node.all_start_micros),
        "dur": int(node.all_end_rel_micros),
        "args": arguments,
    }


def _flows(made: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    number = 0
    for event in made.values():
        for key, source in event["args"].items():
            begin = made.get(source) if key.startswith("input") else None
            if begin is None:
                continue
            ends = (("s", begin, begin["ts"] + begin["dur"]), ("t", event, event["ts"]))
            for phase, at, ts in ends:
                yield {
                    "ph": phase,
                    "cat": "DataFlow",
                    "name": source,
                    "pid": at["pid"],
                    "tid": at["tid"],
                    "ts": ts,
                    "id": number,
                }
            number += 1
