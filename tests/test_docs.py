"""What the documentation shows is what happens."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
MODULES = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in sorted((SOURCE / "retrograph").rglob("*.py"))
    if path.stem not in ("__init__", "__main__") and ">>>" in path.read_text()
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class _Shown(doctest.OutputChecker):
    """An example that shows no value may have one."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return not want or super().check_output(want, got, optionflags)


def _examples(name: str) -> list[Any]:
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(module, name, globs={**vars(module), "tf": tf, "np": np})
    return [test for test in found if test.examples]


def _names_not_made(test: doctest.DocTest) -> set[str]:
    """Names that an example uses and does not make."""
    names = [
        node for node in ast.walk(ast.parse("".join(e.source for e in test.examples))) if isinstance(node, ast.Name)
    ]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {node.id for node in names} - made - set(test.globs)


def _common_names() -> dict[str, Any]:
    """What examples may use without making it."""
    v = tf.Variable([1.0, 2.0], name="v")
    loss = tf.reduce_sum(tf.square(v))
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return {"v": v, "loss": loss, "session": session, "x": tf.placeholder(tf.float32, [None, 2], name="x")}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name: str) -> None:
    failures = []
    for test in _examples(name):
        tf.reset_default_graph()
        if _names_not_made(test) & {"v", "loss", "session", "x"}:
            test.globs.update(_common_names())
        runner = doctest.DocTestRunner(_Shown(), optionflags=FLAGS)
        lines: list[str] = []
        with np.printoptions(legacy="1.25"):
            runner.run(test, out=lines.append)
        if runner.failures:
            failures.append("".join(lines))
    assert not failures, "\n".join(failures)


def test_the_program_of_the_readme(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = tmp_path / "shared.py"
    script.write_text(program)
    command = [sys.executable, "-m", "retrograph", "run", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['tower/w:0']"


def test_links_of_the_docs_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
