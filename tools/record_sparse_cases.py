"""Records what TensorFlow 1.15.5 makes of the cases in `tests/golden/sparse_cases`.

Run under the Python 3.7 that has it: `python tools/record_sparse_cases.py`.
"""

import importlib
import json
import os
import sys

os.environ["CASES_MODULE"] = "tensorflow"
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
sys.path.insert(0, os.path.join(GOLDEN, "sparse_cases"))


def main():
    """Writes one file for each module of cases."""
    harness = importlib.import_module("harness")
    for name in sorted(os.listdir(os.path.join(GOLDEN, "sparse_cases"))):
        module, extension = os.path.splitext(name)
        if extension != ".py" or module == "harness":
            continue
        importlib.import_module(module)
        rows = [json.dumps(k) + ": " + json.dumps(harness.facts(f)) for k, f in harness.CASES[module].items()]
        with open(os.path.join(GOLDEN, "sparse_" + module + ".json"), "w") as file:
            file.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
