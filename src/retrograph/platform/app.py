"""`tf.app.run`: parse the flags, call `main`, exit with what it returns."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from absl import flags as _absl_flags

from retrograph.framework.exports import export


def _parse(argv: list[str]) -> list[str]:
    """What is left of the command line; unknown flags stay in it for the program to look at."""
    try:
        return list(_absl_flags.FLAGS(argv, known_only=True))
    except _absl_flags.Error as error:
        sys.stderr.write(f"FATAL Flags parsing error: {error}\n")
        sys.stderr.write("Pass --helpshort or --helpfull to see help on flags.\n")
        sys.exit(1)


@export("app.run")
def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> NoReturn:
    """Parses the flags and exits with what `main` returns (the script's own `main` if none is given).

    `main` gets the program's name and what is not a known flag. Source: TF 1.15 `tf.app.run`.
    """
    from absl import app as _absl_app  # slow, and defines flags of its own: only for programs that run

    _absl_app.define_help_flags()
    program = main or sys.modules["__main__"].main
    try:
        sys.exit(program(_parse(sys.argv if argv is None else argv)))
    except _absl_app.UsageError as error:
        _absl_app.usage(shorthelp=True, detailed_error=error, exitcode=error.exitcode)
    raise AssertionError("unreachable")
