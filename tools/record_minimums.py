"""Adds the least values and lengths that TensorFlow 1.15.5 allows of attributes to the table of op definitions.

Runs under the Python that has TensorFlow 1.15.5: python tools/record_minimums.py src/retrograph/framework/op_defs.jsonl
"""

import json
import sys

from tensorflow.python.framework import op_def_registry


def minimums():
    ops = op_def_registry.get_registered_ops().items()
    return {name: {a.name: a.minimum for a in op.attr if a.has_minimum} for name, op in ops}


def main(path):
    known = minimums()
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        for attr in row["attr"]:
            if attr["name"] in known.get(row["op"], {}):
                attr["min"] = known[row["op"]][attr["name"]]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main(sys.argv[1])
