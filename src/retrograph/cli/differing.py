"""`retrograph diff`: what differs between two files of tensors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from retrograph.cli.progress import with_progress
from retrograph.cli.tensor_files import Described, TensorFile, open_tensors
from retrograph.cli.tree import shown
from retrograph.scopes.select import Rename, Select


def diff(first: str, second: str, rename: list[str], include: list[str], tolerance: float, as_json: bool) -> int:
    """Prints what differs; 1 if anything does, else 0. `rename` is applied to the names of the first."""
    a, b = open_tensors(first), open_tensors(second)
    chosen, renamed = Select(*(include or [""])), Rename(rename)
    of_a = {renamed(d.name): d for d in a.described() if chosen(renamed(d.name))}
    of_b = {d.name: d for d in b.described() if chosen(d.name)}
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
    print(f"{compared} tensors in both, {len(found)} differences")


def _compared(a: TensorFile, of_a: Described, b: TensorFile, of_b: Described, tolerance: float) -> str:
    if of_a.shape != of_b.shape:
        return f"shape {shown(of_a.shape)} and {shown(of_b.shape)}"
    x, y = np.asarray(a.read(of_a.name)), np.asarray(b.read(of_b.name))
    note = f"{of_a.dtype} and {of_b.dtype}" if of_a.dtype != of_b.dtype else ""
    if x.dtype == object or y.dtype == object:
        return note or ("" if np.array_equal(x, y) else "strings differ")
    wide = np.complex128 if "c" in (x.dtype.kind, y.dtype.kind) else np.float64
    p, q = x.astype(wide), y.astype(wide)
    same = (p == q) | (np.isnan(p) & np.isnan(q))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(p - q))
    worst = float(np.max(apart, initial=0.0))
    if np.all(apart <= tolerance):
        return note
    count = int(np.sum(~(apart <= tolerance)))
    return f"{note + '; ' if note else ''}{count} of {apart.size} values, by up to {worst:.3g}"
