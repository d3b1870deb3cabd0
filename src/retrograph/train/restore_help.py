"""What to say when a checkpoint and a graph do not fit, all at once: names that are missing and unused, shapes and near names.

Where names differ by a constant prefix, suffix or scope, the line to type is said too.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

_SHOWN = 8
_COMPARED = 50
Shape = Sequence[int | None] | None
Change = tuple[str, str]


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _best(votes: Counter[Change], missing: Sequence[str]) -> Change | None:
    """The change that most of the missing names agree on."""
    ((change, count),) = votes.most_common(1) or [(("", ""), 0)]
    return change if count > max(1, len(missing) // 2) else None


def _pairs(missing: Sequence[str], unused: Sequence[str]) -> Iterator[tuple[list[str], list[str]]]:
    """(missing, unused) names with the same last part, without the end that they share."""
    ends: dict[str, list[str]] = {}
    for name in unused:
        ends.setdefault(name.rpartition("/")[2], []).append(name)
    for name in missing:
        for other in ends.get(name.rpartition("/")[2], ())[:_COMPARED]:
            a, b = name.split("/"), other.split("/")
            while a and b and a[-1] == b[-1]:
                a.pop(), b.pop()
            yield a, b


def _prefix(missing: Sequence[str], unused: Sequence[str]) -> Change | None:
    """(prefix in the graph, prefix in the checkpoint) by which most missing names become unused ones."""
    votes = Counter(("".join(p + "/" for p in a), "".join(p + "/" for p in b)) for a, b in _pairs(missing, unused))
    return _best(votes, missing)


def _scope(missing: Sequence[str], unused: Sequence[str]) -> Change | None:
    """(scope in the graph, scope in the checkpoint), somewhere inside of the names."""
    votes: Counter[Change] = Counter()
    for a, b in _pairs(missing, unused):
        while a and b and a[0] == b[0]:
            a, b = a[1:], b[1:]
        if a and b:
            votes["/".join(a), "/".join(b)] += 1
    return _best(votes, missing)


def _suffix(missing: Sequence[str], unused: Sequence[str]) -> Change | None:
    """(suffix in the graph, suffix in the checkpoint), one of them empty."""
    votes: Counter[Change] = Counter()
    for name in missing:
        votes.update(("", u[len(name) :]) for u in unused if u.startswith(name))
        votes.update((name[len(u) :], "") for u in unused if name.startswith(u))
    return _best(votes, missing)


def _saver(key: str) -> str:
    return f"tf.train.Saver({{{key}: v for v in tf.global_variables()}})"


def _prefix_help(change: Change, path: str) -> list[str]:
    here, there = change
    key = f"v.op.name.replace({here!r}, {there!r}, 1)" if here else f"{there!r} + v.op.name"
    return [
        f"Names differ by a prefix: {here!r} in the graph, {there!r} in the checkpoint. Restore with {_saver(key)}",
        f"or, before variables are initialized, tf.train.init_from_checkpoint({path!r}, {{{there or '/'!r}: {here or '/'!r}}})",
    ]


def _scope_help(change: Change, path: str) -> list[str]:
    key = "('/' + v.op.name).replace({!r}, {!r})[1:]".format(*(f"/{c}/" for c in change))
    return [
        "Names differ by a scope: {!r} in the graph, {!r} in the checkpoint. Restore with ".format(*change)
        + _saver(key)
    ]


def _suffix_help(change: Change, path: str) -> list[str]:
    here, there = change
    key = f"v.op.name + {there!r}" if there else f"v.op.name.removesuffix({here!r})"
    return [
        f"Names differ by a suffix: {here!r} in the graph, {there!r} in the checkpoint. Restore with {_saver(key)}",
    ]


_CHANGES = ((_prefix, _prefix_help), (_suffix, _suffix_help), (_scope, _scope_help))


def _renaming(missing: Sequence[str], unused: Sequence[str], path: str) -> list[str]:
    """The line to type if names differ by a constant; else near names."""
    for find, say in _CHANGES:
        change = find(missing, unused[:2000])
        if change is not None:
            return say(change, path)
    lines = []
    for name in missing[:_SHOWN]:
        near = difflib.get_close_matches(name, unused[:2000], n=2, cutoff=0.7)
        if near:
            lines.append(f"Near {name!r}: {', '.join(map(repr, near))}")
    return lines


def _shape_lines(wanted: Mapping[str, Shape], there: Mapping[str, Shape]) -> list[str]:
    differing = [
        f"{name}: {list(shape)} in the graph, {list(other)} in the checkpoint"
        for name, shape in sorted(wanted.items())
        if shape is not None and (other := there.get(name)) is not None and list(shape) != list(other)
    ]
    return [f"Other shapes ({len(differing)} of {len(wanted)}): {_listed(differing)}"] if differing else []


def explain(wanted: Mapping[str, Shape], there: Mapping[str, Shape], path: str) -> str:
    """Lines to put below an error of restoring: the names and shapes asked for beside those in the checkpoint."""
    shapes = _shape_lines(wanted, there)
    missing = sorted(name for name in wanted if name not in there)
    if not missing:
        return "\n".join(shapes)
    unused = sorted(set(there).difference(wanted))
    lines = [f"Not in the checkpoint ({len(missing)} of {len(wanted)}): {_listed(missing)}"]
    lines.append(
        f"In the checkpoint and not asked for ({len(unused)}): {_listed(unused)}"
        if unused
        else "All that is in the checkpoint was asked for."
    )
    lines += shapes + _renaming(missing, unused, path)
    if len(missing) < len(wanted):
        lines.append(
            "To restore what is there, and initialize the rest: tf.train.Saver([v for v in tf.global_variables() "
            f"if tf.train.load_checkpoint({path!r}).has_tensor(v.op.name)])"
        )
    return "\n".join(lines)
