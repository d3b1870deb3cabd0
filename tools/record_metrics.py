"""Records tests/golden/metrics.json; run under Python 3.7 with TensorFlow 1.15: `python tools/record_metrics.py`."""

import json
import pathlib
import sys

import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "metrics"))

import metric_cases  # noqa: E402

found = {case: metric_cases.run(tf, case) for case in metric_cases.CASES}
(ROOT / "tests" / "golden" / "metrics.json").write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n")
