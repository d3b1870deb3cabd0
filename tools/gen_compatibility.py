"""Writes docs/compatibility.md and the README's table: what of TensorFlow 1.15's public API and op types is there.

    python tools/gen_compatibility.py [--check]

From the recorded symbols of TF 1.15 (src/retrograph/compat/symbols.txt.gz), the exported names, the op table, and
docs/partial.tsv, which says what is missing of names that are there in part. With --check nothing is written; the exit
status says whether both are up to date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "compatibility.md"
PARTIAL = ROOT / "docs" / "partial.tsv"
ABSENT = ROOT / "docs" / "absent.tsv"
ABSENT_OPS = ROOT / "docs" / "absent_ops.tsv"
README = ROOT / "README.md"
BEGIN, END = "<!-- supported:begin (made by tools/gen_compatibility.py) -->\n", "<!-- supported:end -->"
AREAS = (
    (
        "graphs, variables, scopes, sessions, arrays",
        ("", "initializers", "dtypes", "errors", "manip", "compat", "version"),
    ),
    (
        "`tf.math`, `tf.linalg`, `tf.bitwise`, `tf.random`, `tf.signal`",
        ("math", "linalg", "bitwise", "random", "signal", "spectral"),
    ),
    ("`tf.nn`, `tf.nn.rnn_cell`", ("nn", "nn.rnn_cell")),
    ("`tf.layers`, `tf.losses`, `tf.metrics`", ("layers", "losses", "metrics")),
    ("`tf.train`", ("train", "train.experimental", "train.queue_runner")),
    (
        "`tf.summary`, `tf.saved_model`, `tf.io`, `tf.gfile`",
        ("summary", "saved_model", "io", "gfile", "io.gfile", "python_io", "graph_util"),
    ),
    ("`tf.image`, `tf.audio`", ("image", "audio")),
    (
        "`tf.sparse`, `tf.strings`, `tf.sets`, `tf.ragged`, `tf.lookup`",
        ("sparse", "strings", "sets", "ragged", "lookup"),
    ),
    ("`tf.distributions`, `tf.feature_column`", ("distributions", "feature_column")),
    ("`tf.data`", ("data", "data.experimental")),
    ("`tf.estimator`, `tf.distribute`, `tf.config`, `tf.profiler`", ("estimator", "distribute", "config", "profiler")),
)
sys.path.insert(0, str(ROOT / "src"))

HEAD = """# Compatibility with TensorFlow 1.15

Written by `tools/gen_compatibility.py` from the symbols recorded of TensorFlow 1.15.5, the names that Retrograph exports
and its op table. "There" means that the name exists and is meant to behave as in 1.15; where it does not in every detail,
[differences.md](differences.md) says so. `tf.compat.v1.X` is `tf.X`. `tf.keras` stands apart, at
the end: it is there as far as programs that build graphs need it.

A name that is not there raises an `AttributeError` or `ImportError` that says so.
"""


def _table(path: Path) -> dict[str, str]:
    rows = (line.split("\t") for line in path.read_text().splitlines() if line)
    return dict(rows)


def _partial() -> dict[str, str]:
    """Symbol -> what is missing of it."""
    return _table(PARTIAL)


def _reasons(namespace: str, missing: list[str]) -> str:
    """Why names are absent: all of a namespace, or one by one."""
    known = _table(ABSENT)
    if namespace in known:
        return f" ({known[namespace]})"
    found = {n: known.get(f"{namespace}.{n}" if namespace else n) for n in missing}
    texts = list(dict.fromkeys(text for text in found.values() if text))
    if len(texts) == 1 and None not in found.values():
        return f" ({texts[0]})"
    said = (f"`{n}`: {text}" for n, text in found.items() if text)
    shown = "; ".join(said)
    return f" ({shown})" if shown else ""


def _count(names: list[str]) -> tuple[int, int, int]:
    """(full, partial, absent) of symbols."""
    there = [name for name in names if _is_there(name)]
    partly = sum(name in _partial() for name in there)
    return len(there) - partly, partly, len(names) - len(there)


def _symbols(namespaces: tuple[str, ...]) -> list[str]:
    rows = _public()
    return [f"{space}.{name}" if space else name for space in namespaces for name in rows.get(space, ())]


def count_part() -> list[str]:
    """The count of all public names."""
    full, partly, absent = _count(_symbols(tuple(_public())))
    return [
        f"Of {full + partly + absent} public names, {full} are there in full, {partly} in part, {absent} are absent.",
        "",
    ]


def partial_part() -> list[str]:
    """What is missing of names that are there in part."""
    lines = ["## Names that are there in part", "", "| name | missing |", "| --- | --- |"]
    return [*lines, *(f"| `tf.{symbol}` | {missing} |" for symbol, missing in sorted(_partial().items())), ""]


def readme() -> str:
    """The README with its table of what is supported."""
    lines = ["| public names of TensorFlow 1.15 | there | of |", "| --- | ---: | ---: |"]
    spaces = tuple(_public())
    contrib = tuple(space for space in spaces if space.startswith("contrib"))
    for title, namespaces in (*AREAS, ("`tf.contrib`", contrib), ("all", spaces)):
        full, partly, absent = _count(_symbols(namespaces))
        lines.append(f"| {title} | {full + partly} | {full + partly + absent} |")
    text = README.read_text()
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1]


def _public() -> dict[str, list[str]]:
    """Namespace -> names of functions, classes and values in TF 1.15."""
    from retrograph.compat import facts

    rows: dict[str, list[str]] = defaultdict(list)
    for symbol, kind in facts.symbols().items():
        if kind in ("class", "function", "value"):
            namespace, _, name = symbol.rpartition(".")
            rows[namespace].append(name)
    return rows


def _is_there(symbol: str) -> bool:
    import retrograph
    from retrograph._exports import EXPORTS

    return symbol in EXPORTS or symbol in vars(retrograph)


def _shown(namespace: str) -> str:
    return f"tf.{namespace}" if namespace else "tf"


def _order(namespace: str) -> tuple[bool, str]:
    return namespace.startswith("contrib"), namespace


def symbols_part() -> list[str]:
    """The summary of namespaces, then what is missing in each."""
    rows = _public()
    lines = ["## Public names", "", "| namespace | in TF 1.15 | there | missing |", "| --- | ---: | ---: | ---: |"]
    details = []
    totals = [0, 0]
    for namespace in sorted(rows, key=_order):
        names = sorted(rows[namespace])
        missing = [name for name in names if not _is_there(f"{namespace}.{name}" if namespace else name)]
        totals[0] += len(names)
        totals[1] += len(names) - len(missing)
        lines.append(f"| `{_shown(namespace)}` | {len(names)} | {len(names) - len(missing)} | {len(missing)} |")
        if missing:
            named = ", ".join(f"`{name}`" for name in missing)
            details += [f"**{_shown(namespace)}**: {named}{_reasons(namespace, missing)}", ""]
    lines.append(f"| all | {totals[0]} | {totals[1]} | {totals[0] - totals[1]} |")
    return [
        *lines,
        "",
        "## Missing names",
        "",
        *details,
    ]


def keras_part() -> list[str]:
    """The names of `tf.keras`, which the recording leaves out."""
    from retrograph._exports import EXPORTS

    spaces: dict[str, list[str]] = defaultdict(list)
    for symbol in EXPORTS:
        if symbol.startswith("keras."):
            namespace, _, name = symbol.rpartition(".")
            spaces[namespace].append(name)
    lines = ["## `tf.keras`", ""]
    for namespace, names in sorted(spaces.items()):
        lines += [f"**tf.{namespace}** ({len(names)}): " + ", ".join(f"`{name}`" for name in sorted(names)), ""]
    return lines


def ops_part() -> list[str]:
    """The op types that the runtime can run, and those that it cannot."""
    import importlib

    from retrograph.framework import op_table

    importlib.import_module("retrograph.ops")
    records = op_table.RECORDS
    runs = {name for name, record in records.items() if record.lower is not None or record.numpy is not None}
    all_types = set(op_table.all_op_types())
    lines = ["## Operation types", ""]
    lines.append(f"Of the {len(all_types)} op types of TF 1.15 that are recorded, {len(runs & all_types)} run.")
    return [
        *lines,
        "",
        ", ".join(f"`{name}`" for name in sorted(runs & all_types)),
        "",
        *_other_types(all_types - runs),
    ]


def _other_types(left: set[str]) -> list[str]:
    """The op types that have no row of their own, by the reason."""
    lines = ["Of the others:", ""]
    for pattern, reason in _table(ABSENT_OPS).items():
        found = {name for name in left if re.fullmatch(pattern, name)}
        left = left - found
        if found:
            lines.append(f"* {len(found)}: {reason}.")
    return [*lines, f"* {len(left)} not yet: " + ", ".join(f"`{name}`" for name in sorted(left)), ""]


def page() -> str:
    """The whole page."""
    return (
        "\n".join([HEAD, *count_part(), *symbols_part(), *partial_part(), *keras_part(), *ops_part()]).rstrip() + "\n"
    )


def main() -> int:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    made = {TARGET: page(), README: readme()}
    if parser.parse_args().check:
        return int(any(not path.exists() or path.read_text() != text for path, text in made.items()))
    for path, text in made.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
