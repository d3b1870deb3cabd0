"""Which checkpoint a path means, and what to say if it means none."""

from __future__ import annotations

import contextlib
import difflib
import os

from retrograph.checkpoint.management import checkpoint_exists, get_checkpoint_state
from retrograph.checkpoint.table import MAGIC
from retrograph.cli.failure import Failure

_SHOWN = 5


def in_saved_model(path: str) -> bool:
    """Whether it is the graph of a SavedModel."""
    return os.path.basename(path) in ("saved_model.pb", "saved_model.pbtxt")


def checkpoint_prefix(path: str) -> str | None:
    """The checkpoint that a prefix, one of its files, a directory of checkpoints or a SavedModel means; or None.

    Raises Failure: a directory of several checkpoints does not say which is the latest.
    """
    if in_saved_model(path):
        path = os.path.dirname(path) or "."
    if os.path.isdir(path):
        inside = os.path.join(path, "variables", "variables")
        return inside if os.path.isfile(inside + ".index") else _in_directory(path)
    for candidate in (path.removesuffix(".index"), path.partition(".data-")[0], path.removesuffix(".meta")):
        if candidate and candidate != path and os.path.isfile(candidate + ".index"):
            return candidate
    # The file in which a directory's checkpoints are listed.
    listed = os.path.basename(path) == "checkpoint" and not os.path.exists(path + ".index")
    if listed and (latest := _in_directory(os.path.dirname(path) or ".")):
        return latest
    return path if _is_checkpoint(path) else None


def _is_checkpoint(prefix: str) -> bool:
    if not prefix or not os.path.isdir(os.path.dirname(prefix) or "."):
        return False
    if os.path.isfile(prefix) and not os.path.isfile(prefix + ".index"):
        return _is_table(prefix)
    return (not os.path.exists(prefix) and checkpoint_exists(prefix)) or os.path.isfile(prefix + ".index")


def _is_table(path: str) -> bool:
    """Whether a file ends as checkpoints of the V1 format do."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 8, 0))
        return int.from_bytes(file.read(8), "little") == MAGIC


def _in_directory(directory: str) -> str | None:
    """The latest checkpoint of a directory, also of one that was moved or lost the list of its checkpoints."""
    state = get_checkpoint_state(directory)
    if state is not None:
        latest = state.model_checkpoint_path
        for prefix in (latest, os.path.join(directory, os.path.basename(latest))):
            if _is_checkpoint(prefix):
                return prefix
    there = prefixes(directory)
    if len(there) > 1:
        named = (
            state and f"its file `checkpoint` names {os.path.basename(state.model_checkpoint_path)}, which is not there"
        )
        why = named or "it has no file `checkpoint` that says which is the latest"
        raise Failure(f"{directory}: which checkpoint? There are {_listed(there)}; {why}")
    return os.path.join(directory, there[0]) if there else None


def prefixes(directory: str) -> list[str]:
    """The names of the checkpoints in a directory, the older ones first."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            # A link may lead nowhere, and a training run removes its older checkpoints meanwhile.
            with contextlib.suppress(OSError):
                if entry.name.endswith(".index"):
                    found.append((entry.stat().st_mtime, entry.name))
    return [name.removesuffix(".index") for _, name in sorted(found)]


def _listed(names: list[str]) -> str:
    left = len(names) - _SHOWN
    return ", ".join(names[-_SHOWN:]) + (f" and {left} older ones" if left > 0 else "")


def missing(path: str) -> Failure:
    """What to say of a path where nothing is: with the names that are like it."""
    directory, name = os.path.split(path.removesuffix(".index"))
    there = os.listdir(directory or ".") if os.path.isdir(directory or ".") else []
    near = [p for p in (prefixes(directory or ".") if there else []) if p.startswith(name + "-")]
    near = near or difflib.get_close_matches(name, [n for n in there if not n.startswith(".")], 3)
    hint = f"; there is {_listed(near)}" if near and name else ""
    return Failure(f"{path or repr(path)}: no such file, directory or checkpoint{hint}")
