"""`retrograph convert`: checkpoints to and from `.npz` and `.safetensors`, renamed and chosen by scope."""

from __future__ import annotations

import os

from retrograph.cli.failure import Failure
from retrograph.cli.finding import checkpoint_prefix
from retrograph.cli.tensor_files import Named, TensorFile, check_types, named_apart, open_tensors, write_tensors
from retrograph.cli.tree import many, shown, sized
from retrograph.scopes.select import Rename, Select

_OTHER_KINDS = frozenset(
    [
        ".h5",
        ".hdf5",
        ".keras",
        ".pt",
        ".pth",
        ".pkl",
        ".pickle",
        ".npy",
        ".pb",
        ".pbtxt",
        ".meta",
        ".onnx",
        ".tflite",
        ".msgpack",
        ".zip",
        ".json",
        ".txt",
        ".csv",
    ]
)


def convert(
    source: str, target: str, rename: list[str], include: list[str], exclude: list[str], dry_run: bool, force: bool
) -> int:
    """Writes the tensors of `source` as `target`. Raises Failure: nothing is chosen, two get one name, or a type does not fit."""
    file = open_tensors(source)
    plan = _planned(file, rename, include, exclude)
    _check_target(source, target, force)
    check_types(target, plan)
    for _, old, new in plan:
        print(
            f"{old.name} -> {new}  {old.dtype}{shown(old.shape)}"
            if old.name != new
            else f"{new}  {old.dtype}{shown(old.shape)}"
        )
    total = f"{many(len(plan), 'tensor')}, {sized(sum(tensor.described.bytes for tensor in plan))}"
    if dry_run:
        print(f"{total}: would be written to {target}")
        return 0
    write_tensors(target, plan)
    print(f"{total}: written to {target}")
    return 0


def _planned(file: TensorFile, rename: list[str], include: list[str], exclude: list[str]) -> list[Named]:
    chosen, hidden, renamed = Select(*(include or [""])), Select(*exclude), Rename(rename)
    plan = named_apart((renamed(d.name), d) for d in file.described() if chosen(d.name) and not hidden(d.name))
    if not plan:
        raise Failure("no tensor is chosen; names are shown by `retrograph inspect`")
    if "" in plan:
        raise Failure(f"{plan[''].name}: the renaming leaves no name")
    return [Named(file, described, new) for new, described in sorted(plan.items())]


def _check_target(source: str, target: str, force: bool) -> None:
    ending = os.path.splitext(target)[1].lower()
    if ending in _OTHER_KINDS:
        raise Failure(f"{target}: {ending} files are not written: .npz, .safetensors, or the prefix of a checkpoint")
    if not os.path.isdir(os.path.dirname(target) or "."):
        raise Failure(f"{os.path.dirname(target)}: no such directory")
    if os.path.isdir(target):
        raise Failure(
            f"{target} is a directory; the prefix of a checkpoint in it is {os.path.join(target, 'model.ckpt')}"
        )
    there = target if os.path.isfile(target) else _checkpoint_at(target)
    if there is None:
        return
    if _same_place(source, there):
        raise Failure(f"{target} is the source itself")
    if not force:
        raise Failure(f"{target} is there already; --force writes over it")


def _checkpoint_at(target: str) -> str | None:
    return None if os.path.isdir(target) else checkpoint_prefix(target)


def _same_place(source: str, there: str) -> bool:
    own = source if os.path.isfile(source) else checkpoint_prefix(source)
    return own is not None and os.path.realpath(own) == os.path.realpath(there)
