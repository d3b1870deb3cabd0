"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Failure(Exception):
    """Told to the user in one line; the command's exit status is `status`."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


def one_line(error: BaseException) -> str:
    """The first line of what an exception says, or its name."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextmanager
def reading(path: str, name: str = "") -> Iterator[None]:
    """What goes wrong in the block is about this file, or the tensor of that name in it."""
    try:
        yield
    except (Failure, OSError):
        raise
    except Exception as error:
        text = one_line(error)
        text = text if not name or name in text else f"{name}: {text}"
        raise Failure(text if path in text else f"{path}: {text}") from None
