"""`retrograph COMMAND …`: the commands and how they end.

Exit status: that of the program for `run`; 2 for a wrong command line; 1 for any other failure, told in one line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

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
        "--strict", action="store_true", help="do not put back names that newer Python and NumPy have dropped"
    )
    run.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a script")
    run.add_argument("arguments", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENT ...]")
    return parser


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
    parser.print_help()
    return 0 if not words else 2
