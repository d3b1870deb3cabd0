"""What TensorFlow 1.15.5 had, as recorded from it: every public symbol, and what each of its modules holds.

`tools/record_modules.py` made the two files and says how they are written.
"""

from __future__ import annotations

import functools
import gzip
import json
from importlib import resources
from typing import Any

from retrograph.compat import keras_scope

V2 = "tensorflow.compat.v2."
DOCS = "docs/compatibility.md"
MISSING: Any = object()
RAW_OPS = frozenset(("tensorflow.raw_ops", "tensorflow.compat.v1.raw_ops", "tensorflow.compat.v2.raw_ops"))
# Not in the records, since they are beside TF's own packages or among its tests; but programs and tests import them.
BESIDE = frozenset((
    "tensorflow.examples.tutorials.mnist.input_data",
    "tensorflow.python.data.kernel_tests.test_base",
    "tensorflow.python.kernel_tests.random.util",
    "tensorflow.contrib.rnn.python.kernel_tests.benchmarking",
    "tensorflow.python.framework.test_combinations",
    "tensorflow.python.framework.combinations",
    "tensorflow.python.training.saver_test_utils",
    "tensorflow.python.tools.freeze_graph",
    "tensorflow.python.tools.inspect_checkpoint",
    "tensorflow.python.tools.optimize_for_inference_lib",
    "tensorflow.python.tools.saved_model_utils",
    "tensorflow.python.tools.strip_unused_lib",
))  # fmt: skip


def read(name: str) -> str:
    """One of the recorded files, unpacked."""
    return gzip.decompress(resources.files("retrograph.compat").joinpath(name).read_bytes()).decode("utf-8")


@functools.cache
def symbols() -> dict[str, str]:
    """Public symbol without `tf.` -> kind (class, function, value, method, attr, members)."""
    return dict(line.split(" ", 1) for line in read("symbols.txt.gz").splitlines())


@functools.cache
def modules() -> dict[str, dict[str, str]]:
    """Module path -> name -> where the name leads (see `tools/record_modules.py`)."""
    rows: dict[str, dict[str, str]] = json.loads(read("modules.json.gz"))
    return rows


@functools.cache
def v2_rows() -> dict[str, str]:
    """Symbol below `tensorflow.compat.v2` -> what it is (see `tools/record_v2.py`)."""
    found: dict[str, str] = json.loads(read("v2.json.gz"))
    return found


@functools.cache
def namespaces() -> frozenset[str]:
    """Every dotted path that can be imported: recorded modules, public namespaces, and what lies above them."""
    own = {name for name, kind in symbols().items() if kind in ("class", "function", "value")}
    public = {parent for name in own for parent in parents(name) if parent not in own}
    paths = {f"tensorflow.{name}" for name in public} | {f"tensorflow.compat.v1.{name}" for name in public}
    paths |= set(modules()) | BESIDE | RAW_OPS | {"tensorflow", "tensorflow.compat", "tensorflow.compat.v1"}
    return frozenset(paths | {parent for path in paths for parent in parents(path)})


def parents(dotted: str) -> list[str]:
    """`a.b.c` -> `a`, `a.b`."""
    parts = dotted.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def public_name(path: str) -> str:
    """`tensorflow.nn.relu` and `tensorflow.compat.v1.nn.relu` as `nn.relu`."""
    return path.removeprefix("tensorflow.").removeprefix("compat.v1.")


def had(path: str) -> bool:
    """True if TF 1.15 had this dotted path (`tensorflow.nn.relu`, `tensorflow.python.ops.array_ops.concat`)."""
    module, _, name = path.rpartition(".")
    if path.startswith(V2):
        return path.removeprefix(V2) in v2_rows()
    if _is_keras(path):
        return True
    return public_name(path) in symbols() or path in namespaces() or name in modules().get(module, ())


def _is_keras(path: str) -> bool:
    return (public_name(path) + ".").startswith("keras.")


def missing(path: str) -> str:
    """The text that says that TF 1.15 had a dotted path and Retrograph has not."""
    if _is_keras(path):
        return f"{keras_scope.missing_text(public_name(path))} What is there: {DOCS}."
    shown = path if path.startswith(("tensorflow.python", "tensorflow.core")) else "tf." + public_name(path)
    return f"{shown}: TensorFlow 1.15 has it, Retrograph does not have it yet. What is there, and what is not: {DOCS}."
