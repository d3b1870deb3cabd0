"""Records tests/golden/distributions_*.json; run under Python 3.7 with TF 1.15: `python tools/record_distributions.py`."""

import json
import pathlib
import sys

import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "distributions"))

import asking  # noqa: E402
import distribution_cases as cases  # noqa: E402

tf.compat.v1.logging.set_verbosity("ERROR")
asker = asking.Asker(tf)
for table in sys.argv[1:] or cases.TABLES:
    found = json.dumps(asker.table(table), sort_keys=True, separators=(",", ":"))
    (ROOT / "tests" / "golden" / f"distributions_{table}.json").write_text(found + "\n")
