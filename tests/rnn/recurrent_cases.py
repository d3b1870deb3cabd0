"""Cases of recurrent networks and decoders that run under TF 1.15.5 (to record) and under Retrograph (to compare).

A case takes `tf` and gives fetches and feeds; `evaluate` sets all variables to fixed values. Python 3.7 reads this too.
"""

import numpy as np

CASES = {}


def case(function):
    """Adds a case."""
    CASES[function.__name__] = function
    return function


def fixed(shape, salt=0):
    """Fixed numbers between -0.5 and 0.5."""
    count = int(np.prod(shape))
    return (((np.arange(count) + salt) * 37 % 101) / 101.0 - 0.5).reshape(shape).astype(np.float32)


def _plain(value):
    value = np.asarray(value)
    if value.dtype.kind == "f":
        return np.round(value.astype(np.float64), 5).tolist()
    return value.tolist()


def evaluate(tf, name):
    """The variables and the values of a case."""
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        fetches, feeds = CASES[name](tf)
        variables = tf.global_variables()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i, v in enumerate(variables):
                if v.dtype.base_dtype.is_floating:
                    v.load(fixed(v.shape.as_list(), i), session)
            values = session.run(fetches, feeds)
    return {"variables": [[v.op.name, v.shape.as_list()] for v in variables], "values": [_plain(v) for v in values]}


# ---- conditional random fields


def _crf(tf, steps):
    x = tf.placeholder(tf.float32, [3, steps, 4])
    tags, lengths = tf.constant((np.arange(3 * steps) % 4).reshape(3, steps), tf.int32), tf.constant([steps, 2, 0])
    likelihood, transitions = tf.contrib.crf.crf_log_likelihood(x, tags, lengths)
    best, score = tf.contrib.crf.crf_decode(x, transitions, lengths)
    several = tf.contrib.crf.crf_multitag_sequence_score(
        x, tf.constant(fixed([3, steps, 4]) > -0.2), lengths, transitions
    )
    grads = [g for g in tf.gradients(likelihood, [x, transitions]) if g is not None]
    return [likelihood, best, score, several] + grads, {x: 4 * fixed([3, steps, 4])}


@case
def crf(tf):
    return _crf(tf, 5)


@case
def crf_of_one_step(tf):
    return _crf(tf, 1)
