"""Where in the user's code something was made."""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

Frame = tuple[CodeType, int]
# Code and instruction alternately, innermost first. At the end there may be one tuple more, the outer frames in the same
# form, which stacks captured one after the other share: graphs hold very many stacks.
Stack = tuple[Any, ...]

_HIDDEN = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep, "<frozen ")
_FRAMES = range(48)
_INNER = 8
_CONTEXTLIB = contextlib.__file__
_outer: list[Stack] = [()]


def capture(depth: int = 1) -> Stack:
    """The stack at the caller, innermost first; lines are worked out only when asked for."""
    frame: Any = sys._getframe(depth)
    found: list[Any] = []
    add = found.append
    for _ in _FRAMES:
        add(frame.f_code)
        add(frame.f_lasti)
        frame = frame.f_back
        if frame is None:
            break
    if len(found) > _INNER:
        outer = tuple(found[_INNER:])
        if outer == _outer[0]:
            outer = _outer[0]
        else:
            _outer[0] = outer
        found[_INNER:] = (outer,)
    return tuple(found)


def frames_of(stack: Stack) -> Iterator[Frame]:
    """The frames of a captured stack, innermost first."""
    inner = stack
    if len(stack) % 2:
        inner = stack[:-1] + stack[-1]
    return zip(inner[::2], inner[1::2], strict=True)


def line_of(frame: Frame) -> int:
    """The line of a captured frame."""
    code, lasti = frame
    for start, stop, line in code.co_lines():
        if start <= lasti < stop and line is not None:
            return line
    return code.co_firstlineno


def is_internal(frame: Frame) -> bool:
    """Whether the frame is Retrograph's own, or of what runs scripts and imports modules in Python itself."""
    return frame[0].co_filename.startswith(_HIDDEN)


def described(frame: Frame) -> tuple[str, int, str, str]:
    """(file, line, function, text) of a frame."""
    code, line = frame[0], line_of(frame)
    return code.co_filename, line, code.co_name, linecache.getline(code.co_filename, line).strip()


def traceback_of(stack: Stack) -> list[tuple[str, int, str, str]]:
    """(file, line, function, text) of all frames, outermost first."""
    return [described(f) for f in frames_of(stack)][::-1]


def user_frames(stack: Stack) -> list[tuple[str, int, str, str]]:
    """(file, line, function, text) of the user's frames, outermost first."""
    return [described(f) for f in frames_of(stack) if not is_internal(f)][::-1]


def formatted(stack: Stack, limit: int | None = None) -> str:
    """The user's frames as Python prints tracebacks, outermost first; the innermost `limit` only."""
    lines = []
    frames = user_frames(stack)
    for file, line, function, text in frames[-limit:] if limit else frames:
        lines.append(f'  File "{file}", line {line}, in {function}\n')
        if text:
            lines.append(f"    {text}\n")
    return "".join(lines)


def defined_at(stack: Stack) -> str:
    """`file:line` of the innermost user frame."""
    for frame in frames_of(stack):
        if not is_internal(frame):
            return f"{frame[0].co_filename}:{line_of(frame)}"
    return "<unknown>"


class Place:
    """Something, such as a device, and where a block that names it was opened."""

    __slots__ = ("_given", "_stack")

    def __init__(self, given: Any, stack: Stack):
        self._given, self._stack = given, stack

    @property
    def obj(self) -> Any:
        """How the block names it; a function by its name and where it stands."""
        given = self._given
        if isinstance(given, str) or given is None:
            return given
        code = getattr(given, "__code__", None)
        if code is not None:
            return f"{given.__name__}<{code.co_filename}, {code.co_firstlineno}>"
        return given.to_string() if hasattr(given, "to_string") else str(given)

    def _frame(self) -> tuple[str, int, str, str]:
        found = (f for f in frames_of(self._stack) if not is_internal(f) and f[0].co_filename != _CONTEXTLIB)
        return next(map(described, found), ("<unknown>", 0, "", ""))

    @property
    def filename(self) -> str:
        """The file of the block."""
        return self._frame()[0]

    @property
    def lineno(self) -> int:
        """The line of the block."""
        return self._frame()[1]
