"""The graph that a script builds, without training anything."""

from __future__ import annotations

import contextlib
import os
import sys
from types import ModuleType
from typing import Any

import retrograph
from retrograph.cli.failure import Failure, one_line
from retrograph.cli.program import NotRunnableError, code_of_file, set_first_path
from retrograph.compat import pyshims


class _GraphIsBuilt(BaseException):
    """The program wants to run its session: what it has built by now is what is asked for."""

    def __init__(self, graph: Any):
        super().__init__()
        self.graph = graph


def graph_built_by(path: str, arguments: list[str]) -> Any:
    """The graph of a script when it first runs a session, or at its end.

    The script runs as under `retrograph run` up to there. Raises Failure: it cannot be read, or fails before.
    """
    from retrograph.runtime.session import BaseSession

    def stop(session: Any, *_: Any, **__: Any) -> Any:
        raise _GraphIsBuilt(session.graph)

    sessions: Any = BaseSession
    kept = sessions.run
    sessions.run = stop
    try:
        _execute(path, arguments)
    except _GraphIsBuilt as built:
        return built.graph
    finally:
        sessions.run = kept
    return retrograph.get_default_graph()


def _execute(path: str, arguments: list[str]) -> None:
    set_first_path(os.path.dirname(os.path.realpath(path)))
    sys.argv = [path, *arguments]
    retrograph.install()
    pyshims.install()
    main = ModuleType("__main__")
    try:
        code, names = code_of_file(path)
        vars(main).update(names, __builtins__=__builtins__)
        sys.modules["__main__"] = main
        with contextlib.redirect_stdout(sys.stderr):
            exec(code, vars(main))
    except SystemExit:
        pass
    except NotRunnableError as error:
        raise Failure(str(error)) from None
    except Exception as error:
        raise Failure(f"{path} failed before it ran a session: {type(error).__name__}: {one_line(error)}") from None
