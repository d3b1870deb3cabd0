"""`retrograph COMMAND …`: the commands and how they end.

Exit status: that of the program for `run`; 2 for a wrong command line; 1 for any other failure, told in one line. For
`diff`, as for diff(1): 0 the same, 1 different, 2 any trouble.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

_RUN_USAGE = "retrograph run [--strict] [-m MODULE | SCRIPT] [ARGUMENT ...]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="retrograph", description="TensorFlow 1 programs on JAX and XLA.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    run = commands.add_parser(
        "run",
        usage=_RUN_USAGE,
        help="run a script that says `import tensorflow`",
        description="Runs a script or module as python does, with `tensorflow` resolving to Retrograph.",
        epilog="All that follows SCRIPT or MODULE belongs to the program.",
    )
    run.add_argument(
        "--strict",
        action="store_true",
        help="do not put back names that newer Python, NumPy, SciPy and Pillow have dropped",
    )
    run.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a script")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENT ...]")
    _add_inspect(commands)
    _add_convert(commands)
    _add_diff(commands)
    return parser


_SELECT = "a scope (encoder/layer_3), a glob (*/kernel) or a regular expression (re:.*_[0-3]); may be given again"


def _add_inspect(commands: Any) -> None:
    command = commands.add_parser(
        "inspect",
        help="show what is in a checkpoint, graph, SavedModel, event files or script",
        description="Shows variables by scope with shapes, types, parameters, bytes and who shares what.",
        epilog="A script is run up to its first session; what follows SCRIPT is given to it.",
    )
    command.add_argument(
        "path",
        metavar="PATH",
        help="checkpoint, .pb, .pbtxt, .meta, SavedModel, events file or folder of them, .npz, .safetensors, .py",
    )
    command.add_argument(
        "arguments", nargs="*", default=[], metavar="ARGUMENT", help="for a script (after --, if they are options)"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--include", action="append", default=[], metavar="SELECT", help=_SELECT)
    command.add_argument("--exclude", action="append", default=[], metavar="SELECT", help="as --include")


def _add_convert(commands: Any) -> None:
    command = commands.add_parser(
        "convert",
        help="write a checkpoint as .npz or .safetensors, or the other way round",
        description="Writes the tensors of SOURCE (a frozen graph too) as TARGET: .npz, .safetensors, or a checkpoint if it "
        "ends in neither.",
    )
    command.add_argument("source", metavar="SOURCE")
    command.add_argument("target", metavar="TARGET")
    command.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a scope's new name, or re:PATTERN=REPLACEMENT; may be given again: one after the other",
    )
    command.add_argument("--include", action="append", default=[], metavar="SELECT", help=_SELECT)
    command.add_argument("--exclude", action="append", default=[], metavar="SELECT", help="as --include")
    command.add_argument("--dry-run", action="store_true", help="only show what would be written")
    command.add_argument("--force", action="store_true", help="write over a file that is there")


def _add_diff(commands: Any) -> None:
    command = commands.add_parser(
        "diff",
        help="compare two files of tensors",
        description="Compares names, shapes, types and values. Exit status: 0 the same, 1 different, 2 trouble.",
    )
    command.add_argument("first", metavar="A")
    command.add_argument("second", metavar="B")
    command.add_argument(
        "--rename", action="append", default=[], metavar="OLD=NEW", help="as in convert, for the names of A"
    )
    command.add_argument("--include", action="append", default=[], metavar="SELECT", help=_SELECT)
    command.add_argument("--exclude", action="append", default=[], metavar="SELECT", help="as --include")
    command.add_argument("--tolerance", type=float, default=0.0, help="how far values may be apart (default: 0)")
    command.add_argument("--json", action="store_true", help="print JSON")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("retrograph")
    except PackageNotFoundError:
        return "(not installed)"


def _split_run(argv: list[str]) -> tuple[list[str], list[str]]:
    """The options of `run` itself, and the program with its arguments, which argparse must not touch."""
    for index, word in enumerate(argv):
        if word == "-m":
            return [*argv[:index]], argv[index:]
        if word.startswith("-m") and not word.startswith("--"):
            return argv[:index], ["-m", word[2:], *argv[index + 1 :]]
        if not word.startswith("-") or word == "-":
            return argv[:index], argv[index:]
    return argv, []


def _run(parser: argparse.ArgumentParser, argv: list[str]) -> int:
    own, program = _split_run(argv)
    options = parser.parse_args(["run", *own])
    if not program or program == ["-m"]:
        print(f"usage: {_RUN_USAGE}\nretrograph run: which program? Give a script or -m MODULE.", file=sys.stderr)
        return 2
    from retrograph.cli.program import run_module, run_script

    if program[0] == "-m":
        return run_module(program[1], program[2:], strict=options.strict)
    return run_script(program[0], program[1:], strict=options.strict)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    if words[:1] == ["run"]:
        return _run(parser, words[1:])
    options = parser.parse_args(words)
    if options.version:
        print(f"retrograph {_version()} (TensorFlow API 1.15.5)")
        return 0
    if options.command in _COMMANDS:
        return _told(options.command, lambda: _COMMANDS[options.command](options))
    parser.print_help()
    return 0 if not words else 2


def _inspect(options: Any) -> int:
    from retrograph.cli.inspecting import inspect

    return inspect(options.path, options.arguments, options.include, options.exclude, options.json)


def _convert(options: Any) -> int:
    from retrograph.cli.converting import convert

    return convert(
        options.source, options.target, options.rename, options.include, options.exclude, options.dry_run, options.force
    )


def _diff(options: Any) -> int:
    from retrograph.cli.differing import diff

    return diff(
        options.first, options.second, options.rename, options.include, options.exclude, options.tolerance, options.json
    )


_COMMANDS: dict[str, Callable[[Any], int]] = {"inspect": _inspect, "convert": _convert, "diff": _diff}


def _told(command: str, act: Callable[[], int]) -> int:
    """The exit status of a command; what goes wrong is told in one line."""
    from retrograph.cli.failure import Failure, one_line
    from retrograph.framework import errors

    trouble = 2 if command == "diff" else 1
    try:
        return act()
    except Failure as failure:
        text = str(failure)
    except BrokenPipeError:
        # The reader of the output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except errors.OpError as error:
        text = error.message.strip().splitlines()[0]
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else one_line(error)
    except ValueError as error:
        text = one_line(error)
    except Exception as error:
        text = f"{type(error).__name__}: {one_line(error)}"
    print(f"retrograph {command}: {text}", file=sys.stderr)
    return trouble
