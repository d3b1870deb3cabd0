"""Records TF 1.15's random numbers in tests/golden/random_more.json. Runs with a Python that has TF 1.15 only.

Each record: the expression, the raw random operation in it (type, seeds, inputs, its output), the results of two runs.
"""

import json
import sys

import numpy as np
import tensorflow as tf

EXPRESSIONS = """
tf.random_uniform([5], dtype=tf.bfloat16, seed=2)
tf.random_normal([5], dtype=tf.float16, seed=2)
tf.random_normal([5], dtype=tf.bfloat16, seed=2)
tf.truncated_normal([9], dtype=tf.float16, seed=2)
tf.truncated_normal([9], dtype=tf.bfloat16, seed=2)
tf.truncated_normal([9], dtype=tf.float64, seed=2)
tf.random_uniform([6], -2**31, 2**31 - 1, tf.int32, seed=2)
tf.random_uniform([5], -2**63, 2**63 - 1, tf.int64, seed=2)
tf.random_uniform([5], -7, 11, tf.int64, seed=2)
tf.random_uniform([], seed=2)
tf.random_uniform([0, 3], seed=2)
tf.random_uniform([300000], seed=3)[::30011]
tf.random_normal([300001], seed=3)[::30011]
tf.random_normal([100003], dtype=tf.float64, seed=3)[::10007]
tf.truncated_normal([300001], seed=3)[::30011]
tf.truncated_normal([1000, 1000], seed=3)[::100, 7]
tf.random_shuffle(tf.range(50), seed=2)
tf.random_shuffle(tf.range(3000), seed=2)[::300]
tf.random_shuffle(tf.reshape(tf.range(6), [1, 6]), seed=2)
tf.multinomial([[.1, 1., 2., -3.]], 9, seed=2)
tf.multinomial(tf.constant([[.1, 1.], [3., 1.], [0., -2.]], tf.float64), 7, seed=2)
tf.multinomial(tf.constant([[.1, 1.], [3., 1.]], tf.float16), 5, seed=2, output_dtype=tf.int32)
tf.multinomial([[-np.inf, 1., np.inf, 0.]], 9, seed=2)
tf.random.categorical([[0.] * 7], 12, seed=2, dtype=tf.int32)
tf.random_gamma([4], [.1, .5, 1., 3., 30.], seed=2)
tf.random_gamma([2, 3], [[.7], [5.]], beta=2., seed=2)
tf.random_gamma([5], 1., dtype=tf.float64, seed=2)
tf.random_gamma([5], .3, dtype=tf.float64, seed=2)
tf.random_gamma([5], 2., dtype=tf.float16, seed=2)
tf.random_gamma([300], 1.1, seed=2)[::20]
tf.random_poisson([.5, 3., 9.9, 10., 50., 1e6], [4], seed=2)
tf.random_poisson(3., [2, 3], dtype=tf.int32, seed=2)
tf.random_poisson(tf.constant([[20.], [0.]], tf.float64), [3], dtype=tf.int64, seed=2)
tf.random_poisson(12., [3], dtype=tf.float64, seed=2)
tf.random_poisson(12., [300], dtype=tf.float16, seed=2)[::20]
tf.random.stateless_uniform([5], [1, 2], -1., 1.)
tf.random.stateless_uniform([5], [-1, 2**31 - 1], dtype=tf.float64)
tf.random.stateless_uniform([5], tf.constant([-5, 2**40], tf.int64), dtype=tf.float16)
tf.random.stateless_uniform([5], [1, 2], 0, 100, dtype=tf.int32)
tf.random.stateless_uniform([5], [1, 2], -2**40, 2**40, dtype=tf.int64)
tf.random.stateless_normal([5], [1, 2], 3., 2.)
tf.random.stateless_normal([5], [1, 2], dtype=tf.float64)
tf.random.stateless_truncated_normal([9], [1, 2])
tf.random.stateless_truncated_normal([5], [1, 2], dtype=tf.float64)
tf.random.stateless_categorical([[.1, 1., 2.]], 7, [1, 2])
tf.random.stateless_multinomial([[.1, 1.], [3., 1.]], 6, [1, 2], output_dtype=tf.int32)
truncated([7], seed=2)
truncated([7], 1., 2., 0., 9., seed=2)
truncated([7], 0., 1., 2., 3., seed=2)
truncated([7], 0., 1., 3., np.inf, seed=2)
truncated([7], 0., 1., -np.inf, -2.5, seed=2)
truncated([2, 3], [0., 5.], [1., 2.], [-1., 4.], [1., 5.], seed=2)
truncated([250], seed=2)[::20]
truncated([7], dtype=tf.float64, seed=2)
""".strip().splitlines()
SPECIAL = ["tf.random_uniform([3])", "tf.random_normal([3])", "tf.random_gamma([2], 2.)", "tf.random_poisson(2., [2])"]


def truncated(*args, **kwargs):
    from tensorflow.python.ops import random_ops

    return random_ops.parameterized_truncated_normal(*args, **kwargs)


def plain(value):
    value = np.asarray(value)
    return value.astype(np.float64).tolist() if value.dtype.kind not in "biu" else value.tolist()


def described(graph):
    raw = [o for o in graph.get_operations() if "Random" in o.type or "Multinomial" in o.type or "Normal" in o.type]
    (op,) = raw
    seeds = [op.get_attr(n) for n in ("seed", "seed2")] if "seed" in op.node_def.attr else None
    return op, {"op": op.type, "seeds": seeds, "input_types": [t.dtype.name for t in op.inputs]}


def record(graph_seed, expression):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        if graph_seed is not None:
            tf.set_random_seed(graph_seed)
        result = eval(expression)
        op, row = described(graph)
        row.update(graph_seed=graph_seed, expr=expression, dtype=result.dtype.name, runs=[], raw=[])
        row["inputs"] = [plain(v) for v in session.run(list(op.inputs))]
        for _ in range(2):
            value, raw = session.run([result, op.outputs[0]])
            row["runs"].append(plain(value))
            row["raw"].append(plain(raw.reshape(-1)[:64]))
        row["raw_dtype"] = op.outputs[0].dtype.name
        return row


def main():
    rows = [record(None, e) for e in EXPRESSIONS] + [record(seed, e) for seed in (0, 42) for e in SPECIAL]
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


if __name__ == "__main__":
    main()
