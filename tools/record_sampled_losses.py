"""Records what TF 1.15's sampled losses make and give, in tests/golden/sampled_losses.json (runs with TF 1.15)."""

import json
import sys

import numpy as np
import tensorflow as tf

EXPRESSIONS = """
tf.nn.nce_loss(W, b, y, x, 3, 10)
tf.nn.nce_loss(W, b, y2, x, 3, 10, num_true=2, sampled_values=s2)
tf.nn.sampled_softmax_loss(W, b, y, x, 4, 10, remove_accidental_hits=False, seed=5)
tf.nn.sampled_softmax_loss(W, b, y, x, 4, 10, seed=5)
tf.nn.sampled_softmax_loss([W, W], b2, y, x, 4, 20, seed=5, remove_accidental_hits=False, partition_strategy="div")
""".strip().splitlines()


def operands():
    numbers = np.random.RandomState(3).normal(size=100).astype(np.float32)
    y2 = tf.constant([[1, 2], [3, 4]], tf.int64)
    return {
        "tf": tf,
        "W": tf.constant(numbers[:40].reshape(10, 4)),
        "b": tf.constant(numbers[40:50]),
        "b2": tf.constant(numbers[40:60]),
        "x": tf.constant(numbers[60:68].reshape(2, 4)),
        "y": tf.constant([[1], [3]], tf.int64),
        "y2": y2,
        "s2": tf.nn.log_uniform_candidate_sampler(y2, 2, 3, True, 10, seed=4),
    }


def record(expression):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.set_random_seed(7)
        names = operands()
        start = len(graph.get_operations())
        result = eval(expression, names)
        ops = [[o.name, o.type, [t.name for t in o.inputs]] for o in graph.get_operations()[start:]]
        gradients = tf.gradients(result, names["x"])[0]
        runs = [[v.tolist() for v in session.run([result, gradients])] for _ in range(2)]
        return {"expr": expression, "result": result.name, "shape": str(result.shape), "ops": ops, "runs": runs}


def main():
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(record(e)) for e in EXPRESSIONS) + "\n]\n")


if __name__ == "__main__":
    main()
