"""`tf.gfile`: local files under TF's names and errors."""

from __future__ import annotations

import glob as _glob
import os
import shutil
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from retrograph.framework import errors
from retrograph.framework.exports import export
from retrograph.framework.file_errors import as_tf
from retrograph.platform.text import as_bytes, as_str_any

_MODES = ("r", "w", "a", "r+", "w+", "a+")


def _path(path: Any) -> str:
    return as_str_any(os.fspath(path))


class FileStatistics(NamedTuple):
    """What `tf.gfile.Stat` gives: `length` in bytes, `mtime_nsec`, `is_directory`."""

    length: int
    mtime_nsec: int
    is_directory: bool


class FileIO:
    """A local file, opened when it is first read or written; `mode` is one of r, w, a, r+, w+, a+, with b for bytes.

    `read(n)` counts bytes also in text mode. Raises `tf.errors`: NotFoundError, PermissionDeniedError, ...
    Source: TF 1.15 `tf.gfile.GFile`.
    """

    def __init__(self, name: Any, mode: str = "r"):
        if mode.replace("b", "") not in _MODES:
            raise errors.InvalidArgumentError(None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'")
        self._name = name
        self._mode = mode
        self._binary = "b" in mode
        self._letters = mode.replace("b", "")
        self._reader: Any = None
        self._writer: Any = None

    @property
    def name(self) -> Any:
        """The path as given."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode as given."""
        return self._mode

    def _reading(self) -> Any:
        if self._reader is None:
            if self._letters in ("w", "a"):
                raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
            with as_tf(self._name):
                self._reader = open(_path(self._name), "rb")  # noqa: SIM115
        return self._reader

    def _writing(self) -> Any:
        if self._writer is None:
            if self._letters == "r":
                raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
            with as_tf(self._name):
                self._writer = open(_path(self._name), "ab" if self._letters[0] == "a" else "wb")  # noqa: SIM115
        return self._writer

    def _text(self, data: bytes) -> Any:
        return data if self._binary else data.decode("utf-8")

    def size(self) -> int:
        """Its length in bytes."""
        return stat(self._name).length

    def write(self, file_content: Any) -> None:
        """Appends text or bytes at the place of writing."""
        writing = self._writing()
        with as_tf(self._name):
            writing.write(as_bytes(file_content))

    def read(self, n: int = -1) -> Any:
        """The next `n` bytes, or all the rest: `str`, in mode b `bytes`."""
        return self._text(self._reading().read(n))

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Moves the place of reading; `position` is the old name of `offset`."""
        target = position if offset is None else offset
        if target is None or (offset is not None and position is not None):
            raise TypeError("seek() takes one of offset and position")
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        try:
            self._reading().seek(target, whence)
        except OSError:
            raise errors.InvalidArgumentError(None, None, f"Seek to {target} is before the start of {self._name}")

    def readline(self) -> Any:
        """The next line with its end, or an empty one."""
        return self._text(self._reading().readline())

    def readlines(self) -> list[Any]:
        """The lines that are left."""
        return list(self)

    def tell(self) -> int:
        """The place of reading, in bytes."""
        if self._letters in ("w", "a"):
            return int(self._writing().tell())
        return int(self._reading().tell())

    def seekable(self) -> bool:
        """True: local files are."""
        return True

    def flush(self) -> None:
        """Hands to the system what was written."""
        if self._writer is not None:
            with as_tf(self._name):
                self._writer.flush()

    def close(self) -> None:
        """Closes it; reading again opens it anew."""
        files, self._reader, self._writer = (self._reader, self._writer), None, None
        with as_tf(self._name):
            for file in files:
                if file is not None:
                    file.close()

    def __enter__(self) -> FileIO:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> FileIO:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__


@export("gfile.GFile", "gfile.Open", "io.gfile.GFile")
class GFile(FileIO):
    """A local file (see `FileIO`). Source: TF 1.15 `tf.gfile.GFile`."""


Open = GFile


@export("gfile.FastGFile")
class FastGFile(FileIO):
    """The old name of `GFile`. Source: TF 1.15 `tf.gfile.FastGFile`."""


@export("gfile.Exists", "io.gfile.exists")
def exists(filename: Any) -> bool:
    """True if there is a file or folder. Source: TF 1.15 `tf.gfile.Exists`."""
    return os.path.exists(_path(filename))


@export("gfile.Remove", "io.gfile.remove")
def remove(filename: Any) -> None:
    """Deletes a file; NotFoundError if there is none. Source: TF 1.15 `tf.gfile.Remove`."""
    with as_tf(filename):
        os.remove(_path(filename))


def _refuse_existing(path: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(_path(path)):
        raise errors.AlreadyExistsError(None, None, "file already exists")


@export("gfile.Copy", "io.gfile.copy")
def copy(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies a file; AlreadyExistsError if `newpath` is there and may not be overwritten.

    Source: TF 1.15 `tf.gfile.Copy`.
    """
    if not os.path.exists(_path(oldpath)):
        raise errors.NotFoundError(None, None, f"{oldpath}; No such file or directory")
    _refuse_existing(newpath, overwrite)
    with as_tf(newpath):
        shutil.copyfile(_path(oldpath), _path(newpath))


@export("gfile.Rename", "io.gfile.rename")
def rename(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Renames a file; AlreadyExistsError if `newname` is there and may not be overwritten.

    Source: TF 1.15 `tf.gfile.Rename`.
    """
    _refuse_existing(newname, overwrite)
    with as_tf(oldname):
        os.replace(_path(oldname), _path(newname))


@export("gfile.Glob", "io.gfile.glob")
def glob(filename: Any) -> list[Any]:
    """The paths that match a pattern, or any of a list of patterns. Source: TF 1.15 `tf.gfile.Glob`."""
    patterns = filename if isinstance(filename, (list, tuple)) else [filename]
    return [path for pattern in patterns for path in sorted(_glob.glob(_path(pattern)))]


@export("gfile.MkDir", "io.gfile.mkdir")
def mkdir(dirname: Any) -> None:
    """Makes a folder; NotFoundError if the one above is missing. Source: TF 1.15 `tf.gfile.MkDir`."""
    with as_tf(dirname):
        os.mkdir(_path(dirname))


@export("gfile.MakeDirs", "io.gfile.makedirs")
def makedirs(dirname: Any) -> None:
    """Makes a folder and those above it. Source: TF 1.15 `tf.gfile.MakeDirs`."""
    with as_tf(dirname):
        os.makedirs(_path(dirname), exist_ok=True)


@export("gfile.DeleteRecursively", "io.gfile.rmtree")
def rmtree(dirname: Any) -> None:
    """Deletes a folder and all in it. Source: TF 1.15 `tf.gfile.DeleteRecursively`."""
    if not os.path.exists(_path(dirname)):
        raise errors.NotFoundError(None, None, f"{dirname} not found")
    with as_tf(dirname):
        shutil.rmtree(_path(dirname))


@export("gfile.IsDirectory", "io.gfile.isdir")
def isdir(dirname: Any) -> bool:
    """True for a folder. Source: TF 1.15 `tf.gfile.IsDirectory`."""
    return os.path.isdir(_path(dirname))


@export("gfile.ListDirectory", "io.gfile.listdir")
def listdir(dirname: Any) -> list[str]:
    """The names in a folder; NotFoundError if it is none. Source: TF 1.15 `tf.gfile.ListDirectory`."""
    if not isdir(dirname):
        raise errors.NotFoundError(None, None, "Could not find directory " + _path(dirname))
    return os.listdir(_path(dirname))


@export("gfile.Walk", "io.gfile.walk")
def walk(top: Any, in_order: bool = True, onerror: Any = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, its folders, its files) from `top` on, from above if `in_order`. Source: TF 1.15 `tf.gfile.Walk`."""
    return os.walk(_path(top), topdown=in_order, onerror=onerror)


@export("gfile.Stat", "io.gfile.stat")
def stat(filename: Any) -> FileStatistics:
    """Length, time and kind of a file. Source: TF 1.15 `tf.gfile.Stat`."""
    with as_tf(filename):
        found = os.stat(_path(filename))
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(_path(filename)))


def read_file_to_string(filename: Any, binary_mode: bool = False) -> Any:
    """The whole content of a file."""
    return FileIO(filename, "rb" if binary_mode else "r").read()


def write_string_to_file(filename: Any, file_content: Any) -> None:
    """Writes a file whole."""
    with FileIO(filename, "w") as file:
        file.write(file_content)


def filecmp(filename_a: Any, filename_b: Any) -> bool:
    """True if two files have the same content."""
    return bool(read_file_to_string(filename_a, True) == read_file_to_string(filename_b, True))


def file_crc32(filename: Any, block_size: int = 1 << 24) -> str:
    """The CRC-32 of a file as hexadecimal text."""
    return hex(zlib.crc32(read_file_to_string(filename, True)) & 0xFFFFFFFF)


def atomic_write_string_to_file(filename: Any, contents: Any, overwrite: bool = True) -> None:
    """Writes a file so that nobody sees it half written."""
    _refuse_existing(filename, overwrite)
    part = f"{_path(filename)}.tmp{os.getpid()}"
    write_string_to_file(part, contents)
    rename(part, filename, overwrite=True)


Exists, Remove, Copy, Rename, Glob = exists, remove, copy, rename, glob
MkDir, MakeDirs, DeleteRecursively = mkdir, makedirs, rmtree
IsDirectory, ListDirectory, Walk, Stat = isdir, listdir, walk, stat
