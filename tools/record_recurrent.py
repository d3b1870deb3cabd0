"""Records tests/golden/recurrent.json: run under Python 3.7 with TensorFlow 1.15.5."""

import json
import pathlib
import sys

import tensorflow as tf

HOME = pathlib.Path(__file__).resolve().parent.parent / "tests"
sys.path.insert(0, str(HOME / "rnn"))

import recurrent_cases  # noqa: E402

if __name__ == "__main__":
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    found = {}
    for name in sys.argv[1:] or sorted(recurrent_cases.CASES):
        found[name] = recurrent_cases.evaluate(tf, name)
    path = HOME / "golden" / "recurrent.json"
    if sys.argv[1:]:
        found = dict(json.loads(path.read_text()), **found)
    path.write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n")
