"""`retrograph diff`: what differs between two files of tensors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from retrograph.cli.failure import Failure
from retrograph.cli.progress import with_progress
from retrograph.cli.tensor_files import Described, TensorFile, named_apart, open_tensors, value_of
from retrograph.cli.tree import many, shown
from retrograph.scopes.select import Rename, Select

_PIECE = 1 << 20


def diff(
    first: str, second: str, rename: list[str], include: list[str], exclude: list[str], tolerance: float, as_json: bool
) -> int:
    """Prints what differs; 1 if anything does, else 0. `rename` is applied to the names of the first.

    Raises Failure: rules choose nothing of either, or two tensors get one name.
    """
    a, b = open_tensors(first), open_tensors(second)
    chosen, hidden, renamed = Select(*(include or [""])), Select(*exclude), Rename(rename)
    new_names, names = [(renamed(d.name), d) for d in a.described()], [(d.name, d) for d in b.described()]
    of_a, of_b = (named_apart((n, d) for n, d in named if chosen(n) and not hidden(n)) for named in (new_names, names))
    if (include or exclude) and not (of_a or of_b):
        raise Failure("no tensor is chosen; names are shown by `retrograph inspect`")
    found: list[dict[str, Any]] = [{"name": n, "difference": f"only in {first}"} for n in sorted(set(of_a) - set(of_b))]
    found += [{"name": n, "difference": f"only in {second}"} for n in sorted(set(of_b) - set(of_a))]
    both = sorted(set(of_a) & set(of_b))
    for name in with_progress(both, [of_a[n].bytes for n in both], "comparing"):
        text = _compared(a, of_a[name], b, of_b[name], tolerance)
        found += [{"name": name, "difference": text}] if text else []
    _show(found, len(both), as_json)
    return 1 if found else 0


def _show(found: list[dict[str, Any]], compared: int, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"compared": compared, "differences": found}, indent=1))
        return
    width = max((len(row["name"]) for row in found), default=0)
    for row in found:
        print(f"{row['name'].ljust(width)}  {row['difference']}")
    print(f"{many(compared, 'tensor')} in both, {many(len(found), 'difference')}")


def _compared(a: TensorFile, of_a: Described, b: TensorFile, of_b: Described, tolerance: float) -> str:
    if of_a.shape != of_b.shape:
        return f"shape {shown(of_a.shape)} and {shown(of_b.shape)}"
    x, y = value_of(a, of_a.name), value_of(b, of_b.name)
    note = f"{of_a.dtype} and {of_b.dtype}" if of_a.dtype != of_b.dtype else ""
    if x.dtype == object or y.dtype == object:
        return note or ("" if np.array_equal(x, y) else "strings differ")
    count, worst = _apart(x.reshape(-1), y.reshape(-1), tolerance)
    if not count:
        return note
    return f"{note + '; ' if note else ''}{count} of {x.size} values, by up to {worst:.3g}"


def _apart(x: Any, y: Any, tolerance: float) -> tuple[int, float]:
    """How many values of two vectors are further apart than `tolerance`, and by how much at most."""
    count, worst = 0, 0.0
    for start in range(0, x.size, _PIECE):
        apart = _distances(x[start : start + _PIECE], y[start : start + _PIECE])
        count += int(np.sum(~(apart <= tolerance)))
        worst = float(np.max(apart, initial=worst))
    return count, worst


def _distances(x: Any, y: Any) -> Any:
    if x.dtype == y.dtype and x.dtype.kind in "iu":
        # Large integers are not the same because the numbers of 64 bits next to them are.
        return np.where(x == y, 0.0, np.maximum(np.abs(x.astype(np.float64) - y.astype(np.float64)), 1.0))
    wide = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
    p, q = x.astype(wide), y.astype(wide)
    same = (p == q) | (np.isnan(p) & np.isnan(q))
    with np.errstate(invalid="ignore"):
        return np.where(same, 0.0, np.abs(p - q))
