"""What to say when a checkpoint and a graph do not fit: near names, prefixes that differ, what is missing and unused."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

_SHOWN = 8


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _prefix_change(missing: list[str], unused: list[str]) -> tuple[str, str] | None:
    """(prefix in the graph, prefix in the checkpoint) by which most missing names become unused ones."""
    ends: dict[str, list[str]] = {}
    for name in unused:
        ends.setdefault(name.rpartition("/")[2], []).append(name)
    votes: Counter[tuple[str, str]] = Counter()
    for name in missing:
        for other in ends.get(name.rpartition("/")[2], ())[:50]:
            a, b = name.split("/"), other.split("/")
            while a and b and a[-1] == b[-1]:
                a.pop(), b.pop()
            votes["".join(p + "/" for p in a), "".join(p + "/" for p in b)] += 1
    best = votes.most_common(1)
    return best[0][0] if best and best[0][1] > max(1, len(missing) // 2) else None


def explain(wanted: Iterable[str], there: Iterable[str]) -> str:
    """Lines to put below an error of restoring: the names asked for beside the names in the checkpoint."""
    wanted, there = sorted(set(wanted)), set(there)
    missing = [name for name in wanted if name not in there]
    if not missing:
        return ""
    unused = sorted(there.difference(wanted))
    lines = [f"Not in the checkpoint ({len(missing)} of {len(wanted)}): {_listed(missing)}"]
    lines.append(
        f"In the checkpoint and not asked for ({len(unused)}): {_listed(unused)}"
        if unused
        else "All that is in the checkpoint was asked for."
    )
    change = _prefix_change(missing, unused)
    if change is not None:
        lines.append(
            f"Names differ by a prefix: {change[0]!r} in the graph, {change[1]!r} in the checkpoint. Restore with "
            f"tf.train.Saver({{v.op.name.replace({change[0]!r}, {change[1]!r}, 1): v for v in tf.global_variables()}})"
        )
    for name in missing[:_SHOWN] if change is None else ():
        near = difflib.get_close_matches(name, unused[:2000], n=2, cutoff=0.7)
        if near:
            lines.append(f"Near {name!r}: {', '.join(map(repr, near))}")
    return "\n".join(lines)
