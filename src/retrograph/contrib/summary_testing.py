"""`tf.contrib.testing`: a writer of summaries that keeps them, and looks into event files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from retrograph.framework.exports import export
from retrograph.platform.test_util import assert_meta_graph_protos_equal
from retrograph.summary import writing
from retrograph.summary.events import summary_iterator
from retrograph.summary.protos import Summary


def _check_step(global_step: Any) -> None:
    if global_step is not None and global_step < 0:
        raise ValueError(f"Invalid global_step {global_step}.")


@export("contrib.testing.FakeSummaryWriter")
class FakeSummaryWriter:
    """A FileWriter that writes nothing; `install()` puts it in the place of those that FileWriterCache makes.

    Source: TF 1.15 `tf.contrib.testing.FakeSummaryWriter`.
    """

    _replaced_summary_writer: Any = None

    @classmethod
    def install(cls) -> None:
        """From now on writers are fake. Raises: ValueError if they are."""
        if cls._replaced_summary_writer:
            raise ValueError("FakeSummaryWriter already installed.")
        cls._replaced_summary_writer = writing.FileWriter
        writing.FileWriter = FakeSummaryWriter  # type: ignore[assignment, misc]

    @classmethod
    def uninstall(cls) -> None:
        """From now on writers are real. Raises: ValueError if they are."""
        if not cls._replaced_summary_writer:
            raise ValueError("FakeSummaryWriter not installed.")
        writing.FileWriter = cls._replaced_summary_writer  # type: ignore[misc]
        cls._replaced_summary_writer = None

    def __init__(self, logdir: Any, graph: Any = None):
        self._logdir, self._graph = logdir, graph
        self._summaries: dict[Any, list[Any]] = {}
        self._added_graphs: list[Any] = []
        self._added_meta_graphs: list[Any] = []
        self._added_session_logs: list[Any] = []
        self._added_run_metadata: dict[str, Any] = {}

    @property
    def summaries(self) -> dict[Any, list[Any]]:
        """Step -> the Summaries that were added."""
        return self._summaries

    def _simple_values(self, step: Any) -> dict[str, float]:
        values = (value for summary in self._summaries[step] for value in summary.value)
        # How often the rate of steps is written depends on time.
        return {value.tag: value.simple_value for value in values if value.tag != "global_step/sec"}

    def assert_summaries(
        self,
        test_case: Any,
        expected_logdir: Any = None,
        expected_graph: Any = None,
        expected_summaries: dict[Any, dict[str, float]] | None = None,
        expected_added_graphs: list[Any] | None = None,
        expected_added_meta_graphs: list[Any] | None = None,
        expected_session_logs: list[Any] | None = None,
    ) -> None:
        """Fails unless what was added is what is expected; what is None is not looked at."""
        if expected_logdir is not None:
            test_case.assertEqual(expected_logdir, self._logdir)
        if expected_graph is not None:
            test_case.assertTrue(expected_graph is self._graph)
        for step, expected in (expected_summaries or {}).items():
            test_case.assertTrue(step in self._summaries, msg=f"Missing step {step} from {self._summaries.keys()}.")
            test_case.assertEqual(expected, self._simple_values(step))
        if expected_added_graphs is not None:
            test_case.assertEqual(expected_added_graphs, self._added_graphs)
        if expected_added_meta_graphs is not None:
            test_case.assertEqual(len(expected_added_meta_graphs), len(self._added_meta_graphs))
            for wanted, actual in zip(expected_added_meta_graphs, self._added_meta_graphs, strict=True):
                assert_meta_graph_protos_equal(test_case, wanted, actual)
        if expected_session_logs is not None:
            test_case.assertEqual(expected_session_logs, self._added_session_logs)

    def add_summary(self, summ: Any, current_global_step: Any) -> None:
        """Keeps a Summary, or one of bytes."""
        summary = Summary.FromString(summ) if isinstance(summ, bytes) else summ
        self._summaries.setdefault(current_global_step, []).append(summary)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Keeps a graph."""
        _check_step(global_step)
        if graph_def is not None:
            raise ValueError(f"Unexpected graph_def {graph_def}.")
        self._added_graphs.append(graph)

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Keeps a MetaGraphDef."""
        _check_step(global_step)
        self._added_meta_graphs.append(meta_graph_def)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Keeps a SessionLog."""
        self._added_session_logs.append(session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Keeps a RunMetadata."""
        _check_step(global_step)
        self._added_run_metadata[tag] = run_metadata

    def flush(self) -> None:
        """Nothing."""

    def reopen(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@export("contrib.testing.assert_summary")
def assert_summary(expected_tags: Iterable[str], expected_simple_values: dict[str, float], summary_proto: Any) -> None:
    """Fails unless a Summary has these tags, and these numbers to two decimals.

    Raises: ValueError, AssertionError. Source: TF 1.15 tf.contrib.testing.assert_summary
    """
    actual = {value.tag: value.simple_value for value in summary_proto.value}
    for tag in actual.keys() & expected_simple_values.keys():
        np.testing.assert_almost_equal(actual[tag], expected_simple_values[tag], decimal=2, err_msg=tag)
    if set(expected_tags) != set(actual):
        raise ValueError(f"Expected tags {set(expected_tags)}, got {set(actual)}.")


@export("contrib.testing.to_summary_proto")
def to_summary_proto(summary_str: bytes) -> Any:
    """The Summary of its bytes. Source: TF 1.15 tf.contrib.testing.to_summary_proto"""
    return Summary.FromString(summary_str)


@export("contrib.testing.latest_event_file")
def latest_event_file(base_dir: str) -> str | None:
    """The last event file in a directory, None if there is none. Source: TF 1.15 tf.contrib.testing.latest_event_file"""
    return max(glob.glob(os.path.join(base_dir, "events.*")), default=None)


@export("contrib.testing.latest_events")
def latest_events(base_dir: str) -> Iterable[Any]:
    """The Events of the last file in a directory. Source: TF 1.15 tf.contrib.testing.latest_events"""
    path = latest_event_file(base_dir)
    return summary_iterator(path) if path else []


@export("contrib.testing.latest_summaries")
def latest_summaries(base_dir: str) -> list[Any]:
    """The Events with summaries of the last file in a directory. Source: TF 1.15 tf.contrib.testing.latest_summaries"""
    return [event for event in latest_events(base_dir) if event.HasField("summary")]


@export("contrib.testing.simple_values_from_events")
def simple_values_from_events(events: Iterable[Any], tags: Iterable[str]) -> dict[str, float]:
    """Tag -> the number of the highest step.

    Raises: ValueError for a summary of something else. Source: TF 1.15 tf.contrib.testing.simple_values_from_events
    """
    found: dict[str, tuple[int, float]] = {}
    wanted = list(tags)
    pairs = ((event.step, value) for event in events if event.HasField("summary") for value in event.summary.value)
    for step, value in pairs:
        if value.tag in wanted:
            if not value.HasField("simple_value"):
                raise ValueError(f"Summary for {value.tag} is not a simple_value.")
            if value.tag not in found or step > found[value.tag][0]:
                found[value.tag] = (step, value.simple_value)
    return {tag: number for tag, (_, number) in found.items()}
