"""`tf.contrib.opt`: optimizers of workers that meet, Shampoo, GGT, stale gradients."""

CASES = {}
# What TensorFlow computes with the state of its second optimizers has other operations and names.
VALUES_ONLY = ["ggt", "ggt_short", "ggt_beyond", "ggt_resource"]


def case(f):
    CASES[f.__name__] = f
    return f


def _loss(tf, getter, reuse=None, resource=False):
    with tf.variable_scope("", custom_getter=getter, use_resource=resource):
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        w = tf.get_variable("w", initializer=3.0)
        tf.get_variable("n", initializer=1.0, trainable=False, collections=[tf.GraphKeys.GLOBAL_VARIABLES])
    return v, w, tf.reduce_sum(v * v) * w + w * w


def _met(tf, optimizer, loss, step, hook, *shown):
    """The values of some steps, after what the worker's hook does first."""
    train = optimizer.minimize(loss, step)
    hook = hook()
    hook.begin()
    init = hook._variable_init_op
    variables = list(shown) + [step] + tf.global_variables()
    return (init, train, variables, train, variables, train, train, variables)


def _step(tf):
    return tf.train.get_or_create_global_step()


@case
def agn(tf):
    getter = tf.contrib.opt.AGNCustomGetter("/device:CPU:0")
    v, w, loss = _loss(tf, getter)
    opt = tf.contrib.opt.AGNOptimizer(tf.train.GradientDescentOptimizer(0.1), 2, getter, 2)
    return _met(tf, opt, loss, _step(tf), lambda: opt.make_session_run_hook(True, 0), v, w)


@case
def agn_adam(tf):
    getter = tf.contrib.opt.AGNCustomGetter("/device:CPU:0")
    v, w, loss = _loss(tf, getter)
    opt = tf.contrib.opt.AGNOptimizer(tf.train.AdamOptimizer(0.1), 1, getter, communication_period=3, name="A")
    return _met(tf, opt, loss, _step(tf), lambda: opt.make_session_run_hook(False, 0), v, w)


@case
def elastic(tf):
    getter = tf.contrib.opt.ElasticAverageCustomGetter("/device:CPU:0")
    v, w, loss = _loss(tf, getter)
    opt = tf.contrib.opt.ElasticAverageOptimizer(tf.train.GradientDescentOptimizer(0.1), 1, getter, 2)
    return _met(tf, opt, loss, _step(tf), lambda: opt.make_session_run_hook(True, 0), v, w)


@case
def elastic_options(tf):
    getter = tf.contrib.opt.ElasticAverageCustomGetter("/device:CPU:0")
    v, w, loss = _loss(tf, getter)
    inner = tf.train.MomentumOptimizer(0.1, 0.9)
    opt = tf.contrib.opt.ElasticAverageOptimizer(inner, 1, getter, 2, moving_rate=0.3, rho=0.2, synchronous=True)
    found = _met(tf, opt, loss, _step(tf), lambda: opt.make_session_run_hook(False, 0), v, w)
    opt.swapping_saver()
    return found


@case
def averaged_models(tf):
    getter = tf.contrib.opt.ModelAverageCustomGetter("/device:CPU:0")
    v, w, loss = _loss(tf, getter)
    opt = tf.contrib.opt.ModelAverageOptimizer(tf.train.GradientDescentOptimizer(0.1), 1, True, getter, 2)
    step = _step(tf)
    train = opt.minimize(loss, step)
    hook = opt.make_session_run_hook()
    hook.begin()
    shown = [v, w, step] + tf.global_variables()
    return (hook._variable_init_op, hook._chief_init_op, train, shown, train, shown, train, train, shown)


@case
def stale(tf):
    v = tf.get_variable("v", initializer=[1.0, 2.0])
    step = _step(tf)
    opt = tf.contrib.opt.DropStaleGradientOptimizer(tf.train.MomentumOptimizer(0.1, 0.5), 1)
    train = opt.minimize(tf.reduce_sum(v * v), step)
    names = [tf.constant(opt.get_slot_names() + [opt.get_slot(v, "momentum").name])]
    return (train, [v, step], train, [v, step], names)


def _shampoo(tf, shape, **options):
    resource = options.pop("resource", False)
    rows = options.pop("rows", None)
    v = tf.get_variable(
        "v", initializer=tf.reshape(tf.range(1.0, 1.0 + shape[0] * shape[-1]), shape), use_resource=resource
    )
    step = _step(tf)
    used = v if rows is None else tf.nn.embedding_lookup(v, rows)
    loss = tf.reduce_sum(tf.sin(used) * used)
    opt = tf.contrib.opt.ShampooOptimizer(step, **options)
    train = opt.minimize(loss, step)
    names = [tf.constant([opt.get_slot(v, name).name for name in opt.get_slot_names()])]
    return (names, train, v, train, [v] + opt.variables())


CASES["shampoo"] = lambda tf: _shampoo(tf, [3, 2], learning_rate=0.1)
CASES["shampoo_resource"] = lambda tf: _shampoo(tf, [3, 2], learning_rate=0.1, resource=True, name="S")
CASES["shampoo_one"] = lambda tf: _shampoo(tf, [4], gbar_decay=0.9, gbar_weight=0.1)
CASES["shampoo_wide"] = lambda tf: _shampoo(tf, [3, 2], max_matrix_size=2, mat_gbar_decay=0.9, mat_gbar_weight=0.2)
CASES["shampoo_sparse"] = lambda tf: _shampoo(tf, [3, 2], max_matrix_size=1, rows=[0, 2])
CASES["shampoo_sparse_dense"] = lambda tf: _shampoo(tf, [3, 2], rows=[0, 2])
CASES["shampoo_often"] = lambda tf: _shampoo(
    tf, [3, 2], svd_interval=2, precond_update_interval=2, epsilon=0.1, learning_rate=0.1
)
CASES["shampoo_iterative"] = lambda tf: _shampoo(tf, [3, 2], use_iterative_root=True, learning_rate=lambda step: 0.1)


def _ggt(tf, resource=False, **options):
    v = tf.get_variable("v", initializer=[[1.0, 2.0], [3.0, 4.0]], use_resource=resource)
    w = tf.get_variable("a", initializer=[0.5], use_resource=resource)
    loss = tf.reduce_sum(v * v) + tf.reduce_sum(tf.exp(w) * v[0])
    train = tf.contrib.opt.GGTOptimizer(0.1, **options).minimize(loss)
    return (train, [v, w], train, [v, w], train, train, [v, w])


# What is beyond the window's gradients is a difference of nearly equal numbers, divided by a small one: noise.
CASES["ggt"] = lambda tf: _ggt(tf, svd_eps=0.5)
CASES["ggt_short"] = lambda tf: _ggt(tf, window=2, beta1=0.5, sigma_eps=0.1, eps=10.0, svd_eps=0.2)
CASES["ggt_beyond"] = lambda tf: _ggt(tf, window=2, svd_eps=0.5)
CASES["ggt_resource"] = lambda tf: _ggt(tf, resource=True, svd_eps=0.3, eps=10.0)


@case
def no_step(tf):
    getter = tf.contrib.opt.ModelAverageCustomGetter("/device:CPU:0")
    loss = _loss(tf, getter)[2]
    opt = tf.contrib.opt.ModelAverageOptimizer(tf.train.GradientDescentOptimizer(0.1), 1, True, getter, 2)
    opt.minimize(loss)


@case
def no_variables(tf):
    getter = tf.contrib.opt.AGNCustomGetter("/device:CPU:0")
    tf.contrib.opt.AGNOptimizer(tf.train.GradientDescentOptimizer(0.1), 2, getter, 2).get_init_op(0)


@case
def nothing_to_swap(tf):
    getter = tf.contrib.opt.ElasticAverageCustomGetter("/device:CPU:0")
    tf.contrib.opt.ElasticAverageOptimizer(tf.train.GradientDescentOptimizer(0.1), 1, getter).swapping_saver()
