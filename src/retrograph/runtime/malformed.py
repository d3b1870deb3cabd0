"""Why a tensor has no value in any run: graphs that TF refuses before they run."""

from __future__ import annotations

from retrograph.framework import errors, frames
from retrograph.framework.operation import Operation, Tensor

_BACK = ("NextIteration", "RefNextIteration")


def refusal(tensor: Tensor) -> errors.OpError | None:
    """The error for a cycle, or for inputs from different frames, among what a tensor needs; None if it has neither."""
    ordered, left = _sorted([tensor.op])
    if left:
        text = f"Graph is invalid, contains a cycle with {left} nodes"
        return errors.InvalidArgumentError(None, None, text)  # type: ignore[no-any-return]
    return _mixed_frames(ordered)


def _needs(op: Operation) -> list[Operation]:
    return [t.op for t in op.inputs if t.op.type not in _BACK] + list(op.control_inputs)


def _sorted(ends: list[Operation]) -> tuple[list[Operation], int]:
    """What `ends` need, each operation behind what it needs itself, and how many cannot be ordered so."""
    needed: dict[Operation, list[Operation]] = {}
    pending = list(ends)
    while pending:
        op = pending.pop()
        if op not in needed:
            needed[op] = _needs(op)
            pending.extend(needed[op])
    waiting = {op: len(set(sources)) for op, sources in needed.items()}
    users: dict[Operation, list[Operation]] = {}
    for op, sources in needed.items():
        for source in set(sources):
            users.setdefault(source, []).append(op)
    ready, ordered = [op for op, count in waiting.items() if not count], []
    while ready:
        op = ready.pop()
        ordered.append(op)
        for user in users.get(op, ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return ordered, len(needed) - len(ordered)


def _mixed_frames(ordered: list[Operation]) -> errors.OpError | None:
    inside: dict[Operation, tuple[str, ...]] = {}
    for op in ordered:
        found = [(t.op, _outgoing(t.op, inside)) for t in op.inputs if t.op in inside]
        # Constants of a loop's body are in its frame by what they wait for.
        first = found[0] if found else (op, next((inside[c] for c in op.control_inputs), ()))
        for source, frame in found[1:]:
            if frame != first[1] and op.type not in ("Merge", "RefMerge"):
                return _of_frames(op, first, (source, frame))
        inside[op] = first[1]
    return None


def _outgoing(op: Operation, inside: dict[Operation, tuple[str, ...]]) -> tuple[str, ...]:
    """The frames that an output of an operation is in, the innermost last."""
    if op.type in ("Enter", "RefEnter"):
        return (*inside[op], op.attrs["frame_name"].decode())
    return inside[op][:-1] if op.type in ("Exit", "RefExit") else inside[op]


def _shown(op: Operation) -> str:
    return f"node {op.name} (defined at {frames.defined_at(op._stack)})"


def _of_frames(op: Operation, *sources: tuple[Operation, tuple[str, ...]]) -> errors.OpError:
    told = " ".join(f"The input {_shown(o)} is in frame '{f[-1] if f else ''}'." for o, f in sources)
    text = f"{_shown(op)} has inputs from different frames. {told}"
    return errors.InvalidArgumentError(op.node_def, op, text)  # type: ignore[no-any-return]
