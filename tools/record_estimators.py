"""Records what TF 1.15 says of the programs in tests/estimator/model_cases.py: run with its Python 3.7.

python3.7 tools/record_estimators.py
"""

import importlib.util
import json
import os

import tensorflow as tf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    spec = importlib.util.spec_from_file_location("model_cases", os.path.join(ROOT, "tests/estimator/model_cases.py"))
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    found = {}
    for name, case in sorted(cases.all_cases().items()):
        with tf.Graph().as_default():
            found[name] = case(tf)
    with open(os.path.join(ROOT, "tests/golden/estimators.json"), "w") as file:
        rows = (f"{json.dumps(k)}: {json.dumps(found[k], sort_keys=True)}" for k in sorted(found))
        file.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
