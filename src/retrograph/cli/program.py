"""Running somebody's program as `python` would, with `tensorflow` being Retrograph."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import traceback
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any

import retrograph
from retrograph.compat import pyshims

_PACKAGE = os.path.dirname(os.path.abspath(retrograph.__file__)) + os.sep
_IMPORT_MACHINERY = ("<frozen importlib", "<frozen runpy")


def run_script(path: str, arguments: list[str], strict: bool = False) -> int:
    """Runs a script file (or a folder or zip with `__main__.py`) and gives its exit status."""
    if os.path.isdir(path):
        sys.path[0:1] = [path]
        return _run(lambda: _code_of_module("__main__", path), [path, *arguments], strict)
    set_first_path(os.path.dirname(os.path.realpath(path)))
    return _run(lambda: code_of_file(path), [path, *arguments], strict)


def run_module(name: str, arguments: list[str], strict: bool = False) -> int:
    """Runs a module as `python -m` does and gives its exit status."""
    set_first_path(os.getcwd())
    return _run(lambda: _code_of_module(name), ["-m", *arguments], strict)


class NotRunnableError(Exception):
    """The program could not be found or read: told in one line."""


def set_first_path(folder: str) -> None:
    """The entry that `python -m retrograph` or the console script put first gives way to the program's own."""
    own = {os.getcwd(), "", os.path.dirname(os.path.realpath(sys.argv[0]))}
    if sys.path and sys.path[0] in own:
        sys.path[0] = folder
    else:
        sys.path.insert(0, folder)


def code_of_file(path: str) -> tuple[CodeType, dict[str, Any]]:
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        raise NotRunnableError(f"can't open file {os.path.abspath(path)!r}: [Errno {error.errno}] {error.strerror}")
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    code = compile(source, path, "exec", dont_inherit=True)
    return code, {"__file__": path, "__loader__": loader, "__spec__": None, "__cached__": None, "__package__": None}


def _code_of_module(name: str, folder: str | None = None) -> tuple[CodeType, dict[str, Any]]:
    spec = _find_module(name, folder)
    loader: Any = spec.loader
    code = loader.get_code(spec.name)
    sys.argv[0] = spec.origin or name
    return code, {
        "__file__": spec.origin, "__loader__": loader, "__spec__": spec, "__cached__": spec.cached, "__package__": spec.parent,
    }  # fmt: skip


def _find_module(name: str, folder: str | None) -> importlib.machinery.ModuleSpec:
    if folder is not None:
        found = importlib.machinery.PathFinder.find_spec("__main__", [folder])
        if found is None:
            raise NotRunnableError(f"can't find '__main__' module in {folder!r}")
        return found
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        raise NotRunnableError(f"Error while finding module specification for {name!r} ({error})")
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(name + ".__main__")
    if spec is None or spec.loader is None:
        raise NotRunnableError(f"No module named {name}")
    return spec


def _run(load: Callable[[], tuple[CodeType, dict[str, Any]]], argv: list[str], strict: bool) -> int:
    sys.argv = argv
    retrograph.install()
    if not strict:
        pyshims.install()
    main = ModuleType("__main__")
    try:
        code, names = load()
    except NotRunnableError as error:
        print(f"retrograph run: {error}", file=sys.stderr)
        return 2
    except SyntaxError:
        traceback.print_exception(*_without_us())
        return 1
    vars(main).update(names, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    try:
        exec(code, vars(main))
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook(*_without_us())
        return 130 if sys.exc_info()[0] is KeyboardInterrupt else 1
    finally:
        _flush()
    return 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _without_us() -> tuple[Any, Any, Any]:
    """The current exception with the frames that led to the program taken off, as if python had run it."""
    kind, value, trace = sys.exc_info()
    if isinstance(value, SyntaxError):
        return kind, value, None
    trimmed = _trimmed(trace)
    # Python's own hook prints the traceback that the exception holds.
    return kind, value.with_traceback(trimmed) if value is not None else None, trimmed


def _trimmed(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((_PACKAGE, *_IMPORT_MACHINERY)):
        trace = trace.tb_next
    return trace
