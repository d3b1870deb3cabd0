"""Calls of `tf.random.experimental.Generator`. Run under TF 1.15's Python to record: python generator_cases.py OUT.json"""

import sys

import golden_facts
import numpy as np


def cases(tf):
    """Name -> a function that builds the tensors."""
    make = tf.random.experimental.Generator

    def drawn(method, *arguments, **options):
        def build():
            generator = make.from_seed(2**130 + 2**70 + 1234)
            return getattr(generator, method)(*arguments, **options)

        return build

    def state_after(method, *arguments, **options):
        def build():
            generator = make.from_key_counter(-5, [2**64 - 3, 7], 1)
            made = getattr(generator, method)(*arguments, **options)
            graph = tf.get_default_graph()
            before = [graph.get_operations()[-1]] if made is None else [made]
            with tf.control_dependencies(before):
                return generator.state.read_value()

        return build

    found = {
        "normal": drawn("normal", [3, 4]),
        "normal double": drawn("normal", [5], 2.0, 3.0, tf.float64, name="n"),
        "normal scalar": drawn("normal", []),
        "truncated": drawn("truncated_normal", [50], -1.0, 0.5),
        "truncated half": drawn("truncated_normal", [20], dtype=tf.float16),
        "uniform": drawn("uniform", [2, 5]),
        "uniform between": drawn("uniform", (7,), -2.0, 3.0, tf.float64),
        "integers": drawn("uniform", [30], -3, 9, tf.int32),
        "integers long": drawn("uniform", [30], 0, 2**40, tf.int64, name="long"),
        "full": drawn("uniform_full_int", [3], tf.int64),
        "full short": drawn("uniform_full_int", [3], tf.uint32),
        "seeds": drawn("make_seeds", 3),
        "key": lambda: make.from_key_counter(77, [1, 2], 1).key,
        "copy": lambda: make(copy_from=make.from_seed(3)).uniform([3]),
        "binomial few": drawn("binomial", [40], 10.0, 0.3),
        "binomial many": drawn("binomial", [40], 1000.0, 0.7, tf.int64),
        "binomial rows": drawn("binomial", [3, 5], [100.0, 5.0, 20.0], [0.3, 0.9, 0.5], tf.float32, name="b"),
        "binomial edges": drawn("binomial", [4], [0.0, 5.0, 5.0, -1.0], [0.3, 0.0, 1.0, 0.3]),
        "error: bounds": drawn("uniform", [30], 9, -3, tf.int32),
        "error: maximum": drawn("uniform", [30], dtype=tf.int32),
        "error: split": drawn("split", 2),
        "error: algorithm": lambda: make.from_seed(3, 3),
        "error: threefry": lambda: make.from_seed(3, 2).normal([3]),
        "error: state": lambda: make(state=[1, 2], alg=1),
        "error: nothing": lambda: make(),
        "error: counter": lambda: make.from_key_counter(1, [2], 1),
        "error: binomial shape": drawn("binomial", [3], [0.5, 2.0], 0.1),
    }
    for name, call in {
        "normal": ("normal", [3, 4]), "skip": ("skip", 5), "reset": ("reset", [5, 6, 7]),
        "reset seed": ("reset_from_seed", -3), "reset key": ("reset_from_key_counter", 4, np.array([5, 2])),
        "full": ("uniform_full_int", [200]),
    }.items():  # fmt: skip
        found["state after " + name] = state_after(*call)
    return found


if __name__ == "__main__":
    golden_facts.record(cases, sys.argv[1])
