"""What programs took from `distutils`, which Python 3.12 dropped: versions to compare, and handling of files."""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any


class _Version:
    """A version number that compares with others and with texts."""

    version: Any

    def __init__(self, vstring: str | None = None):
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Takes the text apart."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__} ('{self}')"

    def _other(self, other: Any) -> Any:
        return type(self)(other).version if isinstance(other, str) else getattr(other, "version", None)

    def __eq__(self, other: object) -> bool:
        return bool(self.version == self._other(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.version < self._other(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.version <= self._other(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.version > self._other(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.version >= self._other(other))

    __hash__ = None  # type: ignore[assignment]


class LooseVersion(_Version):
    """Numbers and letters in turn: `1.15.0-rc1` is [1, 15, 0, '-', 'rc', 1].

    Source: Python 3.11 `distutils.version.LooseVersion`.
    """

    _PARTS = re.compile(r"(\d+|[a-z]+|\.)")

    def parse(self, vstring: str) -> None:
        """Takes any text apart."""
        self.vstring = vstring
        parts = (part for part in self._PARTS.split(vstring) if part and part != ".")
        self.version = [int(part) if part.isdigit() else part for part in parts]

    def __str__(self) -> str:
        return self.vstring


class StrictVersion(_Version):
    """`major.minor[.patch][a|b N]`. Source: Python 3.11 `distutils.version.StrictVersion`."""

    _FORM = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", re.ASCII)

    def parse(self, vstring: str) -> None:
        """Takes a version apart. Raises ValueError: the text is none."""
        match = self._FORM.fullmatch(vstring)
        if match is None:
            raise ValueError(f"invalid version number '{vstring}'")
        major, minor, patch, kind, number = match.groups()
        self._numbers = int(major), int(minor), int(patch or 0)
        self._prerelease = (kind, int(number)) if kind else None
        # What comes before a release is less than the release.
        self.version = self._numbers, self._prerelease or ("z", 0)

    def __str__(self) -> str:
        shown = ".".join(map(str, self._numbers if self._numbers[2] else self._numbers[:2]))
        return shown + "{}{}".format(*self._prerelease) if self._prerelease else shown


def strtobool(val: str) -> int:
    """1 for yes, true, on; 0 for no, false, off. Raises ValueError: neither."""
    word = val.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"invalid truth value {word!r}")


def mkpath(name: str, mode: int = 0o777, verbose: int = 1, dry_run: int = 0) -> list[str]:
    """Makes a directory and those above it that are missing; gives the ones that it made."""
    missing: list[str] = []
    path = os.path.normpath(name)
    while path and not os.path.isdir(path):
        missing.insert(0, path)
        path = os.path.dirname(path)
    if not dry_run:
        os.makedirs(name, mode, exist_ok=True)
    return missing


def copy_tree(src: str, dst: str, *args: Any, **kwargs: Any) -> list[str]:
    """Copies a directory into another, which may be there; gives the files that it wrote."""
    shutil.copytree(src, dst, dirs_exist_ok=True)
    return list(_files(src, dst))


def _files(src: str, dst: str) -> Iterator[str]:
    for folder, _, names in os.walk(src):
        for name in names:
            yield os.path.normpath(os.path.join(dst, os.path.relpath(folder, src), name))


def remove_tree(directory: str, verbose: int = 1, dry_run: int = 0) -> None:
    """Removes a directory with all that is in it."""
    if not dry_run:
        shutil.rmtree(directory, ignore_errors=True)


def copy_file(src: str, dst: str, *args: Any, **kwargs: Any) -> tuple[str, int]:
    """Copies a file; gives where it is, and 1."""
    return str(shutil.copy2(src, dst)), 1


_NAMES: dict[str, dict[str, Any]] = {
    "distutils": {"__path__": []},
    "distutils.version": {"LooseVersion": LooseVersion, "StrictVersion": StrictVersion},
    "distutils.util": {"strtobool": strtobool},
    "distutils.dir_util": {"mkpath": mkpath, "copy_tree": copy_tree, "remove_tree": remove_tree},
    "distutils.file_util": {"copy_file": copy_file},
    "distutils.spawn": {"find_executable": shutil.which},
}


def _module(name: str) -> ModuleType:
    module = ModuleType(name, "Put back by retrograph run: Python 3.12 dropped it.")
    vars(module).update(_NAMES[name])
    return module


MODULES = {name: functools.partial(_module, name) for name in _NAMES}
