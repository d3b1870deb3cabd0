"""The place where while loops tell `tf.gradients` how they are differentiated: each as one node of the walk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class LoopRegion(Protocol):
    """A while loop as one node: all its operations, what it takes from outside and what it gives."""

    ops: Any
    exits: list[Any]
    inputs: list[Any]

    def gradient(self, exit_grads: list[Any]) -> list[Any]:
        """One gradient (or None) for each of `inputs`, given one (or None) for each of `exits`."""


LoopHook = Callable[[Any], LoopRegion]

_hook: list[LoopHook] = []


def set_loop_hook(hook: LoopHook) -> None:
    """Sets the function that makes the region of the loop which an Exit operation leaves."""
    _hook[:] = [hook]


def make_region(exit_op: Any) -> LoopRegion:
    """The region of the loop that `exit_op` leaves.

    Raises: NotImplementedError if loops cannot be differentiated.
    """
    if not _hook:
        from retrograph.autodiff import loop_gradient  # noqa: F401 - sets the hook
    if not _hook:
        raise NotImplementedError(f"Gradients through a while loop are not supported (operation '{exit_op.name}')")
    return _hook[0](exit_op)
