"""Records what TensorFlow 1.15 gives for the datasets of tests/data/dataset_cases.py: run with Python 3.7 and TF 1.15.5."""

import json
import os
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "data"))


def main():
    """Writes tests/golden/datasets.json."""
    import dataset_cases
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        dataset_cases.write_files(".")
        with tf.python_io.TFRecordWriter("a.rec") as writer:
            for i in range(3):
                writer.write(b"rec%d" % i)
        with open("a.rec", "rb") as file:
            records = file.read().hex()
        found = {}
        for name, make in sorted(dataset_cases.cases(tf, ".").items()):
            once, again = (dataset_cases.facts(tf, make, mode) for mode in ("one_shot", "initializable"))
            made_twice = once["operations"][:-3]
            found[name] = {
                "operations": once["operations"],
                "after": [op for op in again["operations"] if op not in made_twice],
                "dataset": once["dataset"],
                "elements": once["elements"],
            }
            if again["elements"] != once["elements"]:
                found[name]["initializable"] = again["elements"]
    path = os.path.join(ROOT, "tests", "golden", "datasets.json")
    with open(path, "w") as file:
        json.dump({"records": records, "cases": found}, file, indent=0, sort_keys=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
