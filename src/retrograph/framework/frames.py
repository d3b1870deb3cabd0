"""Where in the user's code something was made."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType

Frame = tuple[CodeType, int]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIMIT = 48


def capture(depth: int = 1) -> tuple[Frame, ...]:
    """The stack at the caller, innermost first, as (code, instruction) pairs: lines are worked out only when asked for."""
    frame = sys._getframe(depth)
    found = []
    append = found.append
    for _ in range(_LIMIT):
        append((frame.f_code, frame.f_lasti))
        frame = frame.f_back  # type: ignore[assignment]
        if frame is None:
            break
    return tuple(found)


def line_of(frame: Frame) -> int:
    """The line of a captured frame."""
    code, lasti = frame
    for start, stop, line in code.co_lines():
        if start <= lasti < stop and line is not None:
            return line
    return code.co_firstlineno


def is_internal(frame: Frame) -> bool:
    """Whether the frame is Retrograph's own."""
    return frame[0].co_filename.startswith(_PACKAGE)


def user_frames(stack: tuple[Frame, ...]) -> list[tuple[str, int, str, str]]:
    """(file, line, function, text) of the user's frames, outermost first."""
    return [described(f) for f in reversed(stack) if not is_internal(f)]


def described(frame: Frame) -> tuple[str, int, str, str]:
    """(file, line, function, text) of a frame."""
    code, line = frame[0], line_of(frame)
    return code.co_filename, line, code.co_name, linecache.getline(code.co_filename, line).strip()


def formatted(stack: tuple[Frame, ...], limit: int | None = None) -> str:
    """The user's frames as Python prints tracebacks, outermost first; the innermost `limit` only."""
    lines = []
    frames = user_frames(stack)
    for file, line, function, text in frames[-limit:] if limit else frames:
        lines.append(f'  File "{file}", line {line}, in {function}\n')
        if text:
            lines.append(f"    {text}\n")
    return "".join(lines)


def defined_at(stack: tuple[Frame, ...]) -> str:
    """`file:line` of the innermost user frame."""
    for frame in stack:
        if not is_internal(frame):
            return f"{frame[0].co_filename}:{line_of(frame)}"
    return "<unknown>"
