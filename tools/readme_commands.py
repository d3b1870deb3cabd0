"""Prints the commands of README.md's n-th shell block, without what makes the virtual environment.

    python tools/readme_commands.py N

CI runs the README's words, so that they stay true; it has an environment of its own already.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_MAKES_VENV = re.compile(r"^python3? -m venv|^(\.|source) \S*activate")


def commands(number: int) -> str:
    """The lines of one block, joined so that the first failure stops."""
    block = _BLOCK.findall(README.read_text())[number - 1]
    parts = [part.strip() for line in block.splitlines() for part in line.split("&&")]
    return " && ".join(part for part in parts if part and not _MAKES_VENV.match(part) and not part.startswith("#"))


if __name__ == "__main__":
    print(commands(int(sys.argv[1])))
