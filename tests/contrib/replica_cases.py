"""`tf.train.SyncReplicasOptimizer`: the graph that it makes."""

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def minimized(tf, replicas, total=None, rows=None, averages=False, resource=False):
    v = tf.get_variable("v", initializer=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], use_resource=resource)
    w = tf.get_variable("w", initializer=[2.0, 1.0])
    unused = tf.get_variable("unused", initializer=[2.0, 1.0])
    used = v if rows is None else tf.nn.embedding_lookup(v, rows)
    loss = tf.reduce_sum(used * used * w)
    ema = tf.train.ExponentialMovingAverage(0.9) if averages else None
    optimizer = tf.train.SyncReplicasOptimizer(
        tf.train.MomentumOptimizer(0.01, 0.9), replicas, total, ema, [w] if averages else None
    )
    pairs = optimizer.compute_gradients(loss, [v, w, unused])
    step = optimizer.apply_gradients(pairs, tf.train.get_or_create_global_step())
    return optimizer, step, (v, w)


def begun(tf, *args, **kwargs):
    """The names and slots after the hook has begun."""
    optimizer, step, (v, _) = minimized(tf, *args, **kwargs)
    optimizer.make_session_run_hook(True).begin()
    optimizer.make_session_run_hook(False).begin()
    names = [step.name, optimizer.get_slot(v, "momentum").name, optimizer.get_chief_queue_runner().name]
    return [tf.constant(names + optimizer.get_slot_names() + [v.name for v in optimizer.variables()])]


@case
def dense(tf):
    return begun(tf, 1, 1)


@case
def without_total(tf):
    return begun(tf, 2)


@case
def fewer_replicas(tf):
    return begun(tf, 3, 1, resource=True)


@case
def sparse(tf):
    return begun(tf, 1, 1, rows=[0, 2, 2])


@case
def averaged(tf):
    return begun(tf, 1, 1, averages=True)


@case
def tokens(tf):
    optimizer = minimized(tf, 3, 1)[0]
    return [tf.constant(optimizer.get_init_tokens_op(2).name)]


@case
def no_tokens(tf):
    optimizer = minimized(tf, 1, 1)[0]
    return [tf.constant(optimizer.get_init_tokens_op(0).name)]


CASES["too_few_tokens"] = lambda tf: minimized(tf, 3, 1)[0].get_init_tokens_op(1)


def _fresh(tf):
    return tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 1)


CASES["no_variables"] = lambda tf: _fresh(tf).apply_gradients([], tf.train.get_or_create_global_step())
CASES["no_step"] = lambda tf: _fresh(tf).minimize(tf.get_variable("v", []) ** 2)
CASES["runner_too_early"] = lambda tf: _fresh(tf).get_chief_queue_runner()
CASES["tokens_too_early"] = lambda tf: _fresh(tf).get_init_tokens_op()
CASES["hook_too_early"] = lambda tf: _fresh(tf).make_session_run_hook(True).begin()
