"""`import tensorflow` and what lies below it, in processes of their own."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest


def run(
    source: str, tmp_path: Path, *options: str, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(source)
    command = [sys.executable, "-m", "retrograph", "run", *options, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)


def output(source: str, tmp_path: Path) -> str:
    done = run(source, tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


IMPORTS = """
import tensorflow as tf
import tensorflow.compat.v1 as tf1
import tensorflow.contrib.slim as slim
from tensorflow.python.framework import dtypes, ops, tensor_shape
from tensorflow.python.ops import array_ops, math_ops, variable_scope as vs, gen_math_ops
from tensorflow.python.ops.control_flow_ops import while_loop
from tensorflow.python.client import session
from tensorflow.python.platform import tf_logging, gfile, flags
from tensorflow.python.util import nest
"""

SAME = [
    "ops.Graph is tf.Graph",
    "dtypes.float32 is tf.float32",
    "array_ops.reshape is tf.reshape",
    "math_ops.reduce_sum is tf.reduce_sum",
    "vs.get_variable is tf.get_variable",
    "while_loop is tf.while_loop",
    "session.Session is tf.Session",
    "tf1.Session is tf.Session",
    "tf1.nn.relu is tf.nn.relu",
    "tf.compat.v1.placeholder is tf.placeholder",
    "gfile.GFile is tf.gfile.GFile",
    "nest.flatten is tf.nest.flatten",
    "tf.math.add is tf.add",
    "tf.__version__ == '1.15.5'",
    "tf.VERSION == tf.version.VERSION == '1.15.5'",
    "tf_logging.INFO == 20",
    "tensor_shape.TensorShape is tf.TensorShape",
]


def test_paths_lead_to_the_public_objects(tmp_path: Path) -> None:
    checks = "\n".join(f"assert {check}, {check!r}" for check in SAME)
    assert output(f"{IMPORTS}{checks}\nprint('ok')", tmp_path) == "ok"


def test_generated_wrappers_add_their_operation(tmp_path: Path) -> None:
    source = (
        "from tensorflow.python.ops import gen_array_ops\n"
        "t = gen_array_ops.expand_dims([1, 2], 0, name='there')\n"
        "print(t.op.type, t.op.name, t.shape)"
    )
    assert output(source, tmp_path) == "ExpandDims there (1, 2)"


@pytest.mark.parametrize(
    "statement",
    ["tf.keras.layers.ConvLSTM2D", "tf.contrib.tensorrt.create_inference_graph"],
)
def test_what_is_missing_says_so(statement: str, tmp_path: Path) -> None:
    done = run(f"import tensorflow as tf\n{statement}", tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("AttributeError: tf.")
    assert "docs/compatibility.md" in last


def test_missing_imports_name_the_symbol(tmp_path: Path) -> None:
    done = run("from tensorflow.keras.layers import ConvLSTM2D", tmp_path)
    assert "ImportError: tf.keras.layers" in done.stderr
    assert (
        run("import tensorflow.never_was", tmp_path)
        .stderr.strip()
        .endswith("ModuleNotFoundError: No module named 'tensorflow.never_was'")
    )


def test_a_program_may_replace_names_of_the_module(tmp_path: Path) -> None:
    source = (
        "import tensorflow as tf\nfrom tensorflow.python.client import session\n"
        "old = tf.Session\ntf.Session = None\n"
        "print(tf.Session, session.Session is old)"
    )
    assert output(source, tmp_path) == "None True"


def test_install_in_a_process(tmp_path: Path) -> None:
    source = "import retrograph\nretrograph.install()\nimport tensorflow as tf\nprint(tf.float32.name)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.stdout.strip() == "float32", done.stderr


def test_another_tensorflow_that_is_loaded_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    source = "import tensorflow, retrograph\nretrograph.install()"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "RuntimeError: retrograph.install() must come before the first `import tensorflow`" in done.stderr


def test_names_are_no_modules(tmp_path: Path) -> None:
    source = """
        import importlib
        import tensorflow as tf
        for path in ("python.ops.math_ops.cast", "python.ops.array_ops.concat", "nn.relu", "train.saver"):
            try:
                print(importlib.import_module("tensorflow." + path))
            except ImportError as error:
                print(path in str(error))
        print(tf.cast([1.5], tf.int32).dtype.name)
    """
    assert output(inspect.cleandoc(source), tmp_path).split() == ["True"] * 4 + ["int32"]
