"""Records what TF 1.15 makes of the programs in tests/queues/cases.py; run it with TF 1.15's Python.

python tools/record_queues.py tests/golden/queues.json
"""

import json
import os
import sys

import tensorflow as tf

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "queues"))
import cases


def main():
    found = {}
    for case in cases.CASES:
        tf.reset_default_graph()
        found[case.__name__] = json.loads(json.dumps(case(tf)))
    with open(sys.argv[1], "w") as file:
        json.dump(found, file, separators=(",", ":"), sort_keys=True)
        file.write("\n")


main()
