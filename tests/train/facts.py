"""Small programs whose results TF 1.15.5 and Retrograph must agree on.

`python tests/train/facts.py tests/golden/train.json`, run with TF 1.15.5, records them anew.
"""

OPTIMIZERS = {
    "sgd": lambda tf: tf.train.GradientDescentOptimizer(0.1),
    "proximal_sgd": lambda tf: tf.train.ProximalGradientDescentOptimizer(0.1, 0.2, 0.3),
    "momentum": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda tf: tf.train.AdamOptimizer(0.1),
    "adagrad": lambda tf: tf.train.AdagradOptimizer(0.1),
    "adagrad_da": lambda tf: tf.train.AdagradDAOptimizer(
        0.1, tf.train.get_or_create_global_step(), l1_regularization_strength=0.1, l2_regularization_strength=0.2
    ),
    "proximal_adagrad": lambda tf: tf.train.ProximalAdagradOptimizer(0.1, 0.1, 0.2, 0.3),
    "adadelta": lambda tf: tf.train.AdadeltaOptimizer(0.5, epsilon=1e-4),
    "rmsprop": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "rmsprop_centered": lambda tf: tf.train.RMSPropOptimizer(0.1, momentum=0.5, epsilon=0.01, centered=True),
    "ftrl": lambda tf: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.1, l2_regularization_strength=0.2),
    "ftrl_power": lambda tf: tf.train.FtrlOptimizer(0.1, learning_rate_power=-0.3),
    "ftrl_shrinkage": lambda tf: tf.train.FtrlOptimizer(0.1, l2_shrinkage_regularization_strength=0.1),
}

SCHEDULES = {
    "exponential": lambda tf, s: tf.train.exponential_decay(0.1, s, 10, 0.5),
    "staircase": lambda tf, s: tf.train.exponential_decay(0.1, s, 10, 0.5, staircase=True),
    "natural": lambda tf, s: tf.train.natural_exp_decay(0.1, s, 10, 0.5),
    "inverse": lambda tf, s: tf.train.inverse_time_decay(0.1, s, 10, 0.5, staircase=True),
    "polynomial": lambda tf, s: tf.train.polynomial_decay(0.1, s, 10, 0.01, power=2.0),
    "cycle": lambda tf, s: tf.train.polynomial_decay(0.1, s, 10, 0.01, cycle=True),
    "piecewise": lambda tf, s: tf.train.piecewise_constant(s, [5, 10], [0.1, 0.2, 0.3]),
    "cosine": lambda tf, s: tf.train.cosine_decay(0.1, s, 10, alpha=0.1),
    "restarts": lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 4, t_mul=2.0, m_mul=0.5),
    "even_restarts": lambda tf, s: tf.train.cosine_decay_restarts(0.1, s, 4, t_mul=1.0),
    "linear_cosine": lambda tf, s: tf.train.linear_cosine_decay(0.1, s, 10, num_periods=2.0),
}


def _rounded(x):
    return [_rounded(y) for y in x] if isinstance(x, list) else float(f"{x:.6g}")


def optimizer_steps(tf, make, resource, sparse, more_rows=0):
    """Three rows of the variable after each of three steps; `sparse`: two have gradients, one of them twice.

    With `more_rows` the arrays are large enough for Retrograph to compile the step.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        start = tf.constant([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]] + [[1.0, 1.0]] * more_rows)
        v = tf.get_variable("v", initializer=start, use_resource=resource)
        rows = tf.placeholder(tf.int32, [None])
        used = tf.gather(v, rows) if sparse else v
        step = make(tf).minimize(tf.reduce_sum(used * used * 0.5 + used))
        session.run(tf.global_variables_initializer())
        values = []
        for given in ([0, 2, 0], [2, 0, 0], [0, 2, 0]):
            session.run(step, {rows: given})
            values.append(_rounded(session.run(v)[:3].tolist()))
    return values


def schedule_values(tf, make):
    """The learning rate at some steps."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int32, [])
        rate = make(tf, step)
        return [_rounded(float(session.run(rate, {step: s}))) for s in (0, 1, 5, 6, 10, 23)]


def operations(tf, build):
    """(name, type, control inputs) of the operations that `build` adds to a small model."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [4, 3], name="x")
        w = tf.get_variable("w", initializer=tf.zeros([3, 2]))
        b = tf.get_variable("b", initializer=tf.zeros([2]))
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b), name="loss")
        before = len(graph.get_operations())
        build(tf, loss, w, b)
        return [[op.name, op.type, [c.name for c in op.control_inputs]] for op in graph.get_operations()[before:]]


BUILDS = {
    "gradients": lambda tf, loss, w, b: tf.gradients(loss, [w, b]),
    "gated": lambda tf, loss, w, b: tf.gradients(loss, [w, b], gate_gradients=True),
    "minimize": lambda tf, loss, w, b: tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss),
    "global_step": lambda tf, loss, w, b: tf.train.AdamOptimizer().minimize(
        loss, tf.train.get_or_create_global_step(), gate_gradients=tf.train.Optimizer.GATE_GRAPH
    ),
    "average": lambda tf, loss, w, b: tf.train.ExponentialMovingAverage(0.9, zero_debias=True).apply([loss]),
    "cosine": lambda tf, loss, w, b: tf.train.cosine_decay_restarts(0.1, tf.train.get_or_create_global_step(), 5),
    "polynomial": lambda tf, loss, w, b: tf.train.polynomial_decay(
        0.1, tf.train.get_or_create_global_step(), 5, cycle=True
    ),
    "noisy": lambda tf, loss, w, b: tf.train.noisy_linear_cosine_decay(0.1, 3, 10),
}


def main(path):
    import json

    import tensorflow as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    steps = {
        f"{name} {'resource' if resource else 'ref'} {'sparse' if sparse else 'dense'}": optimizer_steps(
            tf, make, resource, sparse
        )
        for name, make in sorted(OPTIMIZERS.items())
        for resource in (False, True)
        for sparse in (False, True)
    }
    facts = {
        "optimizers": steps,
        "schedules": {name: schedule_values(tf, make) for name, make in sorted(SCHEDULES.items())},
        "operations": {name: operations(tf, build) for name, build in sorted(BUILDS.items())},
    }
    with open(path, "w") as file:
        json.dump(facts, file, sort_keys=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
