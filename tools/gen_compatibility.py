"""Writes docs/compatibility.md: what of TensorFlow 1.15's public API and op types is there.

    python tools/gen_compatibility.py [--check]

From the recorded symbols of TF 1.15 (src/retrograph/compat/symbols.txt.gz), the exported names and the op table.
With --check nothing is written; the exit status says whether the page is up to date.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "compatibility.md"
sys.path.insert(0, str(ROOT / "src"))

HEAD = """# Compatibility with TensorFlow 1.15

Written by `tools/gen_compatibility.py` from the symbols recorded of TensorFlow 1.15.5, the names that Retrograph exports
and its op table. "There" means that the name exists and is meant to behave as in 1.15; where it does not in every detail,
[differences.md](differences.md) says so. `tf.compat.v1.X` is `tf.X`. `tf.keras` is no part of Retrograph.

A name that is not there raises an `AttributeError` or `ImportError` that says so.
"""


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
        if missing and len(missing) < len(names):
            details += [f"**{_shown(namespace)}**: " + ", ".join(f"`{name}`" for name in missing), ""]
    lines.append(f"| all | {totals[0]} | {totals[1]} | {totals[0] - totals[1]} |")
    return [
        *lines,
        "",
        "## Missing names",
        "",
        "Namespaces that are missing as a whole are only in the table above.",
        "",
        *details,
    ]


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
    return [*lines, "", ", ".join(f"`{name}`" for name in sorted(runs & all_types)), ""]


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *symbols_part(), *ops_part()]).rstrip() + "\n"


def main() -> int:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    text = page()
    if parser.parse_args().check:
        return int(not TARGET.exists() or TARGET.read_text() != text)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
