"""Small measurements: building graphs, one operation, running one. `tf` is an argument. Runs under Python 3.7 too."""

from __future__ import annotations

import time

import numpy as np


def _timed(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def _variables(tf, count):
    """Variables ten in a scope, ten scopes in one, and so on."""
    for outer in range(count // 100):
        with tf.variable_scope("outer_%d" % outer):
            for inner in range(10):
                with tf.variable_scope("inner_%d" % inner):
                    for i in range(10):
                        tf.get_variable("v_%d" % i, [2, 2])


def get_variable(tf, count):
    """Seconds for each new variable."""
    with tf.Graph().as_default():
        return _timed(_variables, tf, count) / count


def reuse(tf, count):
    """Seconds for each variable that is there already, its scope entered for it."""
    with tf.Graph().as_default():
        _variables(tf, count)

        def share():
            for i in range(count):
                with tf.variable_scope("outer_%d" % (i // 100)):
                    with tf.variable_scope("inner_%d" % (i // 10 % 10), reuse=True):
                        tf.get_variable("v_%d" % (i % 10), [2, 2])

        return _timed(share) / count


def reuse_apart(tf, count):
    """Seconds for each variable that is there already and has a scope of its own."""

    def share(reuse=None):
        for i in range(count):
            with tf.variable_scope("layer_%d" % i, reuse=reuse):
                tf.get_variable("w", [2, 2])

    with tf.Graph().as_default():
        share()
        return _timed(share, True) / count


def one_op(tf, count=2000):
    """Seconds for each `tf.add` of two tensors."""
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.float32, [2, 3])

        def build():
            for _ in range(count):
                tf.add(x, y)

        return _timed(build) / count


def gradients(tf, count=200):
    """Seconds for each variable of `tf.gradients` through so many dense layers."""
    with tf.Graph().as_default():
        h = tf.placeholder(tf.float32, [4, 8])
        variables = []
        for i in range(count):
            variables.append(tf.get_variable("w_%d" % i, [8, 8]))
            h = tf.nn.relu(tf.matmul(h, variables[-1]))
        loss = tf.reduce_mean(h)
        return _timed(tf.gradients, loss, variables) / count


def run_one(tf, count=2000):
    """Seconds for each `Session.run` of a placeholder plus one."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3])
        y = x + 1.0
        with tf.Session() as session:
            value = np.ones(3, np.float32)
            for _ in range(20):
                session.run(y, {x: value})

            def repeat():
                for _ in range(count):
                    session.run(y, {x: value})

            return _timed(repeat) / count


def initialize(tf, count=200):
    """Seconds to initialize so many variables of different shapes the first time."""
    with tf.Graph().as_default():
        for i in range(count):
            tf.get_variable("v_%d" % i, [i + 1, 7], initializer=tf.truncated_normal_initializer(stddev=0.1))
        init = tf.global_variables_initializer()
        with tf.Session() as session:
            return _timed(session.run, init)


MICRO = {
    "get_variable, 1,000 in nested scopes": lambda tf: get_variable(tf, 1000),
    "get_variable, 16,000 in nested scopes": lambda tf: get_variable(tf, 16000),
    "reuse in nested scopes, of 1,000": lambda tf: reuse(tf, 1000),
    "reuse in nested scopes, of 16,000": lambda tf: reuse(tf, 16000),
    "reuse in a scope each, of 1,000": lambda tf: reuse_apart(tf, 1000),
    "reuse in a scope each, of 16,000": lambda tf: reuse_apart(tf, 16000),
    "one op": one_op,
    "gradients, for each variable": gradients,
    "Session.run(x + 1)": run_one,
    "initialize 200 shapes": initialize,
}


def jax_run_one(count=2000):
    """Seconds for each call of a jitted `x + 1` with NumPy in and out: what `Session.run` is compared with."""
    import jax

    add = jax.jit(lambda x: x + 1.0)
    value = np.ones(3, np.float32)
    np.asarray(add(value))

    def repeat():
        for _ in range(count):
            np.asarray(add(value))

    return _timed(repeat) / count
