"""What holds for the project as a whole."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "retrograph"
FILES = sorted(SOURCE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_public_jax(path: Path) -> None:
    assert not [name for name in _imports(path) if name.startswith(("jax._", "jaxlib"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_one_logger_with_its_handler(path: Path) -> None:
    assert path.name == "logger.py" or "getLogger(" not in path.read_text()


def _run(source: str) -> str:
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_building_a_graph_imports_no_jax() -> None:
    source = (
        "import sys, retrograph as tf\n"
        "x = tf.placeholder(tf.float32, [None, 3])\n"
        "with tf.variable_scope('s'):\n    w = tf.get_variable('w', [3, 2])\n"
        "y = tf.gradients(tf.reduce_sum(tf.nn.relu(tf.matmul(x, w))), [w])\n"
        "print('jax' in sys.modules)"
    )
    assert _run(source) == "False"


@pytest.mark.parametrize("tool", ["gen_exports.py", "gen_compatibility.py"])
def test_generated_files_are_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / tool), "--check"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"run python tools/{tool}\n{done.stderr}"


def test_every_exported_name_is_there() -> None:
    source = (
        "import retrograph as tf\nfrom retrograph import _namespace\nfrom retrograph._exports import EXPORTS\n"
        "bad = []\n"
        "for name in EXPORTS:\n"
        "    try:\n        _namespace.resolve(*name.rpartition('.')[::2])\n"
        "    except Exception as error:\n        bad.append((name, repr(error)))\n"
        "print(bad)"
    )
    assert _run(source) == "[]"


def test_the_example_learns(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "retrograph", "run", str(ROOT / "examples" / "digits_shared.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("held-out accuracy: ")
    assert float(last.rsplit(" ", 1)[1]) > 0.95
