"""Writes src/retrograph/_exports.py: every public name and where it is defined.

    python tools/gen_exports.py [--check]

Imports each module of the package, so that the declarations beside the definitions are read, and writes them sorted.
With --check nothing is written; the exit status says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
TARGET = SOURCE / "retrograph" / "_exports.py"
HEAD = (
    '"""Public names and where they are defined; written by tools/gen_exports.py."""\n\nEXPORTS: dict[str, str] = {\n'
)
# Importing these runs a program, or reads the file that is to be written.
SKIPPED = ("retrograph.__main__", "retrograph.cli", "retrograph._exports")


def modules() -> list[str]:
    """Every module of the package, in order."""
    names = []
    for path in sorted((SOURCE / "retrograph").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not name.startswith(SKIPPED):
            names.append(name)
    return names


def collect() -> tuple[dict[str, str], dict[str, Exception]]:
    """The declared names, and the modules that could not be imported, whose names stay as they were."""
    from retrograph._exports import EXPORTS as before
    from retrograph.framework.exports import EXPORTS

    failed: dict[str, Exception] = {}
    for name in modules():
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = error
    kept = {name: target for name, target in before.items() if target.partition(":")[0] in failed}
    return {**kept, **EXPORTS}, failed


def formatted(text: str) -> str:
    """The text through `ruff format`, where ruff is there."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"],
            input=text, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return text
    return done.stdout


def main() -> int:
    """Writes or checks the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")
    options = parser.parse_args()
    sys.path.insert(0, str(SOURCE))
    if not TARGET.exists():
        TARGET.write_text("EXPORTS: dict[str, str] = {}\n")
    exports, failed = collect()
    for name, error in failed.items():
        print(f"not imported: {name}: {type(error).__name__}: {error}", file=sys.stderr)
    text = formatted(HEAD + "".join(f'    "{name}": "{exports[name]}",\n' for name in sorted(exports)) + "}\n")
    if options.check:
        return int(bool(failed) or TARGET.read_text() != text)
    if TARGET.read_text() != text:
        part = TARGET.with_suffix(".new")
        part.write_text(text)
        part.replace(TARGET)
    print(f"{len(exports)} names")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
