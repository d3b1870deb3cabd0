"""Records tests/golden/old_learn.json; run under Python 3.7 with TensorFlow 1.15: `python tools/record_old_learn.py`."""

import json
import pathlib
import sys

import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "estimator"))

import old_learn_cases  # noqa: E402

found = {name: old_learn_cases.recorded(tf, name) for name in old_learn_cases.CASES}
text = json.dumps(found, sort_keys=True, separators=(",", ":")).replace('},"', '},\n"')
(ROOT / "tests" / "golden" / "old_learn.json").write_text(text + "\n")
