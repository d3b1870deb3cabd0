"""Records what functions of `tensorflow.compat.v2` make and give, in TF 1.15: operations and values.

    TF115/bin/python tools/record_compat_v2.py tests/golden/compat_v2.json

The expressions are those of the file, which is written anew. (Python 3.7 syntax.)
"""

import json
import sys

import numpy as np
import tensorflow as tf1
import tensorflow.compat.v2 as tf


def plain(value):
    array = np.asarray(value)
    return [str(v) for v in array.ravel()] if array.dtype == object else array.tolist()


def row(expression):
    tf1.reset_default_graph()
    result = eval(expression, {"tf": tf, "np": np})
    ops = [[o.name, o.type] for o in tf1.get_default_graph().get_operations()]
    with tf1.Session() as session:
        session.run(tf1.global_variables_initializer())
        values = session.run([r for r in tf1.contrib.framework.nest.flatten(result) if r is not None])
    return {"expr": expression, "ops": ops, "values": [plain(v) for v in values]}


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        expressions = [r["expr"] for r in json.load(file)]
    with open(sys.argv[1], "w") as file:
        json.dump([row(e) for e in expressions], file, separators=(",", ":"))
