"""Records tests/golden/contrib_*.json; run under Python 3.7 with TensorFlow 1.15: `python tools/record_contrib.py [layer ...]`."""

import importlib
import json
import pathlib
import sys

import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "contrib"))

import describing  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
for family in sys.argv[1:] or describing.FAMILIES:
    cases = importlib.import_module(family + "_cases")
    found = {name: describing.described(tf, build) for name, build in cases.CASES.items()}
    text = json.dumps(found, sort_keys=True, separators=(",", ":")).replace('"},"', '"},\n"')
    (ROOT / "tests" / "golden" / (f"contrib_{family}.json")).write_text(text + "\n")
