"""Sets."""

import numpy as np

from harness import case, named, tf, write

C = tf.constant


def SP():
    return tf.SparseTensor([[0, 0], [0, 1], [2, 0], [2, 1]], [1, 2, 3, 3], [3, 2])


def SS():
    return tf.SparseTensor([[0, 0], [1, 0]], ["a", "b"], [2, 2])


A = [[1, 1, 2], [3, 4, 5], [9, 9, 9]]
B = [[2, 7], [3, 9], [1, 0]]
fs = {"u": tf.sets.union, "i": tf.sets.intersection, "d": tf.sets.set_difference, "cm": tf.contrib.metrics.set_union}
for n, f in fs.items():
    for m, (a, b) in enumerate(
        [
            (lambda: A, lambda: B),
            (lambda: A, SP),
            (SP, lambda: A),
            (SP, SP),
            (lambda: [["a", "b"], ["c", "d"]], SS),
            (SS, SS),
            (lambda: [1], lambda: [2]),
            (lambda: A, lambda: [[1]]),
            (lambda: [[1.0]], lambda: [[1.0]]),
            (lambda: [[1]], lambda: [["a"]]),
            (lambda: [[[1, 2], [2, 3]]], lambda: [[[1, 5], [3, 3]]]),
            (lambda: [[1, 2]], SP),
        ]
    ):

        def g(f=f, a=a, b=b):
            return f(a(), b())

        named("%s%d" % (n, m), g)


@case
def dif():
    return tf.sets.difference(A, B, aminusb=False), tf.sets.difference(SP(), A, aminusb=False)


@case
def size():
    return tf.sets.size(SP()), tf.sets.set_size(
        tf.SparseTensor([[0, 0, 1], [1, 1, 1], [1, 1, 0]], [1, 2, 3], [2, 2, 2]), validate_indices=False
    )


@case
def size_e():
    return tf.sets.size(A)


@case
def size_v():
    return tf.sets.size(tf.SparseTensor([[1, 1], [0, 0]], [1, 2], [2, 2]))
