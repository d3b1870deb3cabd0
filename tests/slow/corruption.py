"""Changes every byte of small files to every other value: `python tests/slow/corruption.py`.

What has checksums (checkpoints of both formats, records, events) must be refused or give the same values; graphs, meta graphs
and SavedModels must be refused or read, and the file `checkpoint` must lead to the same values or to none. The exit status is 1
if anything else happens. `--values 12` takes so many values for each byte: its bits turned one by one, then others.
`--sample` takes one change of each byte, of graphs and SavedModels one of some bytes.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).resolve().parent)]

from fuzz import is_refusal  # noqa: E402

VALUES = {"a": [1.5, -2.0], "scope/b": [[1, 2], [3, 4]], "s": [b"xy", b""]}


def _arrays() -> dict[str, Any]:
    import numpy as np

    found = {"a": np.array(VALUES["a"], np.float32), "scope/b": np.array(VALUES["scope/b"], np.int64)}
    return {**found, "s": np.array(VALUES["s"], object)}


def _values(prefix: str) -> Any:
    from retrograph.checkpoint.management import NewCheckpointReader

    reader = NewCheckpointReader(prefix)
    shapes = reader.get_variable_to_shape_map()
    return {n: (reader.get_tensor(n).dtype.str, reader.get_tensor(n).tolist(), shapes[n]) for n in sorted(shapes)}


class Case:
    """Files in a directory, and how they are read."""

    def __init__(self, read: Callable[[], Any], paths: list[str], exact: bool = True, stride: int = 1):
        self.read, self.paths, self.exact, self.stride = read, paths, exact, stride


def bundle(directory: str) -> Case:
    """A checkpoint."""
    from retrograph.checkpoint.writing import write_checkpoint

    prefix = os.path.join(directory, "m")
    write_checkpoint(prefix, _arrays())
    return Case(lambda: _values(prefix), [f"{prefix}.index", f"{prefix}.data-00000-of-00001"])


def old_checkpoint(directory: str) -> Case:
    """A checkpoint in the V1 format."""
    from retrograph.checkpoint.old_format import write_slices

    path = os.path.join(directory, "old")
    write_slices(path, [(name, value, (), None) for name, value in _arrays().items()])
    return Case(lambda: _values(path), [path])


def state(directory: str) -> Case:
    """The file `checkpoint`."""
    from retrograph.checkpoint.management import latest_checkpoint, update_checkpoint_state

    bundle(directory)
    update_checkpoint_state(directory, os.path.join(directory, "m"))

    def read() -> Any:
        found = latest_checkpoint(directory)
        if found is None:
            raise ValueError("none")
        return _values(found)

    return Case(read, [os.path.join(directory, "checkpoint")])


def records(directory: str) -> Case:
    """A file of records."""
    from retrograph.io.records import TFRecordWriter, read_records

    path = os.path.join(directory, "records")
    with TFRecordWriter(path) as writer:
        for record in (b"abc", b"", b"x" * 40):
            writer.write(record)
    return Case(lambda: list(read_records(path)), [path])


def events(directory: str) -> Case:
    """An event file."""
    import retrograph as tf

    writer = tf.summary.FileWriter(os.path.join(directory, "logs"))
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.5)]), 3)
    writer.close()
    (path,) = Path(directory, "logs").iterdir()
    return Case(lambda: [str(event) for event in tf.train.summary_iterator(str(path))], [str(path)])


def _small_graph() -> Any:
    import retrograph as tf

    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", [2, 1], initializer=tf.ones_initializer())
        tf.add(tf.matmul(x, w), 0.5, name="y")
    return graph


def graph(directory: str) -> Case:
    """A GraphDef."""
    import retrograph as tf

    path = Path(directory, "g.pb")
    path.write_bytes(_small_graph().as_graph_def().SerializeToString())

    def read() -> Any:
        with tf.Graph().as_default():
            return tf.import_graph_def(tf.GraphDef.FromString(path.read_bytes()), name="")

    return Case(read, [str(path)], exact=False, stride=17)


def meta_graph(directory: str) -> Case:
    """A MetaGraphDef."""
    import retrograph as tf

    path = os.path.join(directory, "m.meta")
    with _small_graph().as_default():
        tf.train.export_meta_graph(path)

    def read() -> Any:
        with tf.Graph().as_default():
            tf.train.import_meta_graph(path)

    return Case(read, [path], exact=False, stride=101)


def _write_saved_model(path: str) -> None:
    import retrograph as tf

    with _small_graph().as_default() as made, tf.Session() as session:
        session.run(tf.global_variables_initializer())
        x, y = made.get_tensor_by_name("x:0"), made.get_tensor_by_name("y:0")
        tf.saved_model.simple_save(session, path, {"x": x}, {"y": y})


def _loaded(path: str) -> Any:
    import retrograph as tf

    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.loader.load(session, ["serve"], path)
        return [(v.name, v.shape.as_list(), session.run(v).tolist()) for v in tf.global_variables()]


def saved_model(directory: str) -> Case:
    """The graph of a SavedModel."""
    path = os.path.join(directory, "saved")
    _write_saved_model(path)
    return Case(lambda: _loaded(path), [os.path.join(path, "saved_model.pb")], exact=False, stride=307)


def saved_variables(directory: str) -> Case:
    """The variables of a SavedModel."""
    path = os.path.join(directory, "saved")
    _write_saved_model(path)
    files = sorted(str(file) for file in Path(path, "variables").iterdir())
    return Case(lambda: _loaded(path), files, stride=5)


CASES: dict[str, Callable[[str], Case]] = {
    f.__name__: f
    for f in (bundle, old_checkpoint, state, records, events, graph, meta_graph, saved_model, saved_variables)
}


def _outcome(case: Case, good: Any) -> str:
    try:
        found = case.read()
    except Exception as error:
        return "refused" if is_refusal(error) else f"{type(error).__name__}: {error}"
    return "read" if not case.exact or found == good else "OTHER VALUES"


def _others(byte: int, count: int, rng: random.Random) -> list[int]:
    """So many other values of a byte."""
    turned = [byte ^ 1 << i for i in range(8)]
    rest = [v for v in range(256) if v != byte and v not in turned]
    return [rng.choice(turned + rest)] if count == 1 else (turned + rng.sample(rest, len(rest)))[:count]


def check(case: Case, values: int, stride: int) -> tuple[Counter[str], list[str]]:
    """How often what happened, and what must not."""
    rng, counts, problems, good = random.Random(0), Counter[str](), [], case.read()
    for path in case.paths:
        data = Path(path).read_bytes()
        for place in range(0, len(data), stride):
            for value in _others(data[place], values, rng):
                Path(path).write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
                outcome = _outcome(case, good)
                counts[outcome if outcome in ("refused", "read") else "PROBLEM"] += 1
                if outcome not in ("refused", "read"):
                    problems.append(f"{os.path.basename(path)}, byte {place}: {value}: {outcome}")
        Path(path).write_bytes(data)
    return counts, problems


def main() -> int:
    """The command."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--case", choices=CASES, nargs="*", default=list(CASES))
    made.add_argument("--sample", action="store_true")
    made.add_argument("--values", type=int, default=255)
    options = made.parse_args()
    logging.disable(logging.CRITICAL)
    bad = 0
    for name in options.case:
        start = time.monotonic()
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=place) as directory:
            case = CASES[name](directory)
            counts, problems = check(case, *((1, case.stride) if options.sample else (options.values, 1)))
        for problem in problems[:20]:
            print(f"  {problem[:300]}")
        print(f"{name}: {dict(counts)}, {len(problems)} problems, {time.monotonic() - start:.0f} s", flush=True)
        bad += len(problems)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
