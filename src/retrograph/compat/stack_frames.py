"""`tensorflow.python.util.tf_stack` and `framework.traceable_stack`: frames of calls, objects with where they came from."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from typing import Any

TB_FILENAME, TB_LINENO, TB_FUNCNAME, TB_CODEDICT = range(4)


class StackFrame(tuple[Any, ...]):
    """A frame: (file, line, function, globals, first line of the function)."""

    __slots__ = ()

    def __new__(
        cls, filename: str, lineno: int, name: str, globals: Any = None, func_start_lineno: int = 0
    ) -> StackFrame:
        return super().__new__(cls, (filename, lineno, name, globals, func_start_lineno))

    @property
    def filename(self) -> str:
        """The file."""
        return self[0]  # type: ignore[no-any-return]

    @property
    def lineno(self) -> int:
        """The line."""
        return self[1]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The function."""
        return self[2]  # type: ignore[no-any-return]

    @property
    def globals(self) -> Any:
        """The names of the module."""
        return self[3]

    @property
    def func_start_lineno(self) -> int:
        """The line where the function begins."""
        return self[4]  # type: ignore[no-any-return]


def extract_stack(limit: int | None = -1) -> list[StackFrame]:
    """The frames of the caller, outermost first; the innermost `limit` of them.

    Source: TF 1.15 `tensorflow.python.util.tf_stack.extract_stack`.
    """
    found: list[StackFrame] = []
    frame: Any = sys._getframe(1)
    limit = -1 if limit is None else limit
    while frame is not None and len(found) != limit:
        code = frame.f_code
        found.append(StackFrame(code.co_filename, frame.f_lineno, code.co_name, frame.f_globals, code.co_firstlineno))
        frame = frame.f_back
    return found[::-1]


def convert_stack(stack: Any, include_func_start_lineno: bool = False) -> tuple[Any, ...]:
    """(file, line, function, text) of frames, with the first line of the function if that is wanted."""
    return tuple(_with_text(frame, include_func_start_lineno) for frame in stack)


def _with_text(frame: StackFrame, with_start: bool) -> tuple[Any, ...]:
    linecache.checkcache(frame.filename)
    line = linecache.getline(frame.filename, frame.lineno, frame.globals).strip() or None
    known = (frame.filename, frame.lineno, frame.name, line)
    return (*known, frame.func_start_lineno) if with_start else known


class TraceableObject:
    """An object, and the file and line where it came from."""

    SUCCESS, HEURISTIC_USED, FAILURE = range(3)

    def __init__(self, obj: Any, filename: str | None = None, lineno: int | None = None):
        self.obj, self.filename, self.lineno = obj, filename, lineno

    def set_filename_and_line_from_caller(self, offset: int = 0) -> int:
        """Takes file and line of the caller, or of whom `offset` calls further out; gives whether there was such."""
        frames = extract_stack(limit=offset + 2)
        if not frames:
            return self.FAILURE
        known = len(frames) > offset + 1
        frame = frames[len(frames) - (offset + 2)] if known else frames[0]
        self.filename, self.lineno = frame.filename, frame.lineno
        return self.SUCCESS if known else self.HEURISTIC_USED

    def copy_metadata(self) -> TraceableObject:
        """One of the same file and line without an object."""
        return type(self)(None, filename=self.filename, lineno=self.lineno)


class TraceableStack:
    """Objects, the last one first."""

    def __init__(self, existing_stack: list[TraceableObject] | None = None):
        self._stack = list(existing_stack or ())

    def push_obj(self, obj: Any, offset: int = 0) -> int:
        """Adds an object, with where the caller is; gives whether that is known."""
        made = TraceableObject(obj)
        self._stack.append(made)
        return made.set_filename_and_line_from_caller(offset + 1)

    def pop_obj(self) -> Any:
        """Takes the last object."""
        return self._stack.pop().obj

    def peek_top_obj(self) -> Any:
        """The last object."""
        return self._stack[-1].obj

    def peek_objs(self) -> Iterator[Any]:
        """The objects, the last one first."""
        return (made.obj for made in reversed(self._stack))

    def peek_traceable_objs(self) -> Iterator[TraceableObject]:
        """The objects with where they came from, the last one first."""
        return reversed(self._stack)

    def __len__(self) -> int:
        return len(self._stack)

    def copy(self) -> TraceableStack:
        """A stack of the same objects."""
        return TraceableStack(self._stack)
