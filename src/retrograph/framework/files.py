"""Files that appear whole or not at all: written under a name of their own, then put in place.

A file under such a name is locked while it is written; one that nobody locks was left by a process that was killed, and is
removed by the next writer in its directory.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from retrograph.framework.file_errors import as_tf

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing is cleared away
    fcntl = None  # type: ignore[assignment]

_MARK = ".pending-"
_OWN_NAME = re.compile(re.escape(_MARK) + "[0-9a-f]{12}$").search


def _lock(handle: int, wait: bool) -> bool:
    """Whether an open file is locked now; also where the file system knows no locks, if `wait`."""
    if fcntl is None:
        return wait
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return wait
    return True


def _is_there(path: str, handle: int) -> bool:
    """Whether an open file still has this name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(handle))
    return False


class NewFile:
    """A file on its way to `path`.

    Raises: `tf.errors` as the file system says; then, and after `abandon`, nothing of it is left.
    """

    def __init__(self, path: str):
        self.path = path
        with as_tf(path):
            self._open()

    def _open(self) -> None:
        while True:
            self.name = f"{self.path}{_MARK}{uuid.uuid4().hex[:12]}"
            self._handle = os.open(self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            _lock(self._handle, True)
            # Before it was locked, somebody may have taken it for one that was left behind.
            if _is_there(self.name, self._handle):
                return
            os.close(self._handle)

    def append(self, data: Any) -> None:
        """Appends bytes, or an array of bytes."""
        view = memoryview(data)
        with as_tf(self.path):
            while len(view):
                view = view[os.write(self._handle, view) :]

    def finish(self) -> None:
        """Makes the bytes durable."""
        with as_tf(self.path):
            os.fsync(self._handle)

    def move(self, path: str) -> None:
        """Gives the file another name, in place of what bears it."""
        with as_tf(path):
            os.replace(self.name, path)
        self.name = path

    def close(self) -> None:
        """Lets go of the file."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def abandon(self) -> None:
        """Removes the file if it has not been put in place."""
        if _OWN_NAME(self.name):
            with suppress(OSError):
                os.unlink(self.name)
        self.close()


def remove_abandoned(directory: str) -> None:
    """Removes what writers that were killed have left in a directory."""
    with suppress(OSError):
        for name in os.listdir(directory or "."):
            if _OWN_NAME(name):
                _remove_unlocked(os.path.join(directory, name))


def _remove_unlocked(path: str) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            if _lock(handle, False):
                os.unlink(path)
        finally:
            os.close(handle)


# Freeing less takes no time that anybody would notice.
_LARGE = 64 << 20
_freeing: list[threading.Thread] = []


def remove(path: str) -> None:
    """Deletes a file. What a large one took is freed by a thread: that takes a fourth of the time of writing it.

    Raises: OSError as the file system says.
    """
    handle = _opened_if_large(path)
    try:
        os.unlink(path)
    except BaseException:
        if handle >= 0:
            os.close(handle)
        raise
    if handle >= 0:
        # The name is gone; its place is freed when the last one who has the file open lets go of it.
        _freeing.append(threading.Thread(target=os.close, args=(handle,), daemon=True))
        _freeing[-1].start()


def _opened_if_large(path: str) -> int:
    with suppress(OSError):
        status = os.lstat(path)
        # Windows deletes no open files.
        if fcntl is not None and stat.S_ISREG(status.st_mode) and status.st_size >= _LARGE:
            return os.open(path, os.O_RDONLY)
    return -1


def wait_until_freed() -> None:
    """Waits until files that were removed take no place any more."""
    while _freeing:
        _freeing.pop().join()


def sync_directory(path: str) -> None:
    """Makes the names in a directory durable, where the system can."""
    with suppress(OSError):
        handle = os.open(path or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def locked_directory(path: str) -> Iterator[None]:
    """No other writer puts files in place in this directory meanwhile."""
    try:
        handle = os.open(path or ".", os.O_RDONLY)
    except OSError:  # Windows, or a directory that may not be listed
        handle = -1
    try:
        if handle >= 0:
            _lock(handle, True)
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def write_atomically(path: str, data: bytes) -> None:
    """Replaces a file by these bytes, or leaves it as it was. Raises: `tf.errors` as the file system says."""
    file = NewFile(path)
    try:
        file.append(data)
        file.finish()
        file.move(path)
    finally:
        file.abandon()
    sync_directory(os.path.dirname(path))


def as_file_name(path: Any) -> str:
    """A path as text. Raises: TypeError for what is no path, as TF words it."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"Expected binary or unicode string, got {path!r}")
    return os.fsdecode(path)
