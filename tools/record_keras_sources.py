"""Records what TF 1.15 says of the programs in tests/keras/source_cases.py: run with its Python 3.7.

python3.7 tools/record_keras_sources.py
"""

import importlib.util
import json
import os

import tensorflow as tf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    spec = importlib.util.spec_from_file_location("source_cases", os.path.join(ROOT, "tests/keras/source_cases.py"))
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    found = {}
    for name, case in sorted(cases.all_cases().items()):
        tf.keras.backend.clear_session()
        found[name] = cases.run(tf, case)
    with open(os.path.join(ROOT, "tests/golden/keras_sources.json"), "w") as file:
        file.write(
            "{\n"
            + ",\n".join(f"{json.dumps(k)}: {json.dumps(found[k], sort_keys=True, default=int)}" for k in sorted(found))
            + "\n}\n"
        )


if __name__ == "__main__":
    main()
