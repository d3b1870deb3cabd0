"""`retrograph run` behaves as `python` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "retrograph", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


def _script(tmp_path: Path, source: str, name: str = "script.py") -> str:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return str(path)


def test_a_script_sees_what_python_shows_it(tmp_path: Path) -> None:
    script = _script(
        tmp_path, "import sys, os, helper\nprint(__name__, sys.argv[1:], os.path.basename(__file__), helper.X)"
    )
    _script(tmp_path, "X = 5", "helper.py")
    done = run("run", script, "--strict", "-m", "x", cwd=tmp_path.parent)
    assert done.stdout.strip() == "__main__ ['--strict', '-m', 'x'] script.py 5", done.stderr


def test_a_module_is_run_by_name(tmp_path: Path) -> None:
    _script(tmp_path, "", "package/__init__.py")
    _script(tmp_path, "import sys\nprint(__name__, __package__, sys.argv[1:])", "package/tool.py")
    done = run("run", "-m", "package.tool", "a", cwd=tmp_path)
    assert done.stdout.strip() == "__main__ package ['a']", done.stderr


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", 0),
        ("import sys; sys.exit(3)", 3),
        ("raise SystemExit('words')", 1),
        ("1 / 0", 1),
        ("import tensorflow as tf\ntf.app.run(main=lambda argv: 7)", 7),
    ],
)
def test_the_exit_status_is_the_programs(tmp_path: Path, source: str, code: int) -> None:
    assert run("run", _script(tmp_path, source), cwd=tmp_path).returncode == code


def test_a_traceback_begins_in_the_program(tmp_path: Path) -> None:
    done = run("run", _script(tmp_path, "def f():\n    raise KeyError('x')\nf()\n"), cwd=tmp_path)
    frames = [line for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert len(frames) == 2
    assert all("script.py" in frame for frame in frames)
    assert done.stderr.strip().endswith("KeyError: 'x'")


def test_syntax_errors_show_only_the_place(tmp_path: Path) -> None:
    done = run("run", _script(tmp_path, "print 'two'\n"), cwd=tmp_path)
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr
    assert "retrograph" not in done.stderr


@pytest.mark.parametrize("words", [("run",), ("run", "missing.py"), ("run", "-m", "missing_module"), ("walk",)])
def test_wrong_calls_are_one_error_and_status_two(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_flags_are_parsed_and_unknown_ones_left(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\n"
        "tf.app.flags.DEFINE_integer('n', 1, 'number')\n"
        "tf.flags.DEFINE_string(flag_name='s', default_value='a', docstring='text')\n"
        "def main(argv):\n    print(tf.flags.FLAGS.n, tf.flags.FLAGS.s, argv[1:])\n"
        "if __name__ == '__main__':\n    tf.app.run()\n"
    )
    done = run("run", _script(tmp_path, source), "--n=3", "--other", "word", cwd=tmp_path)
    assert done.stdout.strip() == "3 a ['--other', 'word']", done.stderr


def test_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert done.returncode == 0
    assert "1.15.5" in done.stdout
