"""`tf.contrib.training` and `tf.contrib.framework`: hyperparameters, sampling, placing."""

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def F(tf):
    return tf.contrib.framework


@case
def zeroinit(tf):
    v = tf.get_variable("v", [3], trainable=False, initializer=tf.ones_initializer())
    w = tf.get_variable("w", [2], use_resource=True)
    F(tf).zero_initializer(v)
    F(tf).zero_initializer(w)
    return


@case
def pyf(tf):
    x = tf.constant([1.0, 2.0])
    y = tf.constant(3)
    r = F(tf).py_func(
        lambda a, k: {"s": a["x"] + 1, "t": (k, a["y"])},
        args=[{"x": x, "y": y}],
        kwargs={"k": y},
        output_types={"s": tf.float32, "t": (tf.int32, tf.int32)},
        output_shapes={"s": tf.TensorShape([2]), "t": (tf.TensorShape([]), tf.TensorShape([]))},
        name="pf",
    )
    return [r["s"], r["t"][0], r["t"][1]]


CASES["badpy2"] = lambda tf: F(tf).py_func(lambda a: a, args=[], kwargs=3)


@case
def rej(tf):
    q = tf.train.range_input_producer(10, shuffle=False).dequeue()
    return (
        None
        if tf.contrib.training.rejection_sample([q], lambda x: tf.cast(x[0] > 3, tf.float32), 3, runtime_checks=True)
        else 0
    )


@case
def rej2(tf):
    return (
        None
        if tf.contrib.training.rejection_sample([tf.constant([[1.0], [2.0]])], lambda x: 0.5, 3, enqueue_many=True)
        else 0
    )


@case
def strat(tf):
    a = tf.constant([[1.0], [2.0], [3.0]])
    l = tf.constant([0, 1, 2])
    return (
        None
        if tf.contrib.training.stratified_sample(
            [a], l, [0.2, 0.3, 0.5], 4, init_probs=[0.3, 0.3, 0.4], enqueue_many=True
        )
        else 0
    )


@case
def strat2(tf):
    return (
        None if tf.contrib.training.stratified_sample([tf.constant([1.0])], tf.constant(1), [0.2, 0.3, 0.5], 4) else 0
    )


@case
def resample(tf):
    a = tf.constant([[1.0], [2.0], [3.0]])
    return tf.contrib.training.resample_at_rate([a, a * 2], [0.0, 2.0, 3.0], seed=3)


@case
def weighted(tf):
    a = tf.constant([[1.0], [2.0], [3.0]])
    r = tf.contrib.training.weighted_resample([a], tf.constant([0.1, 0.5, 0.9]), 2.0, seed=4)
    return [r[0][0], r[1]]


def says(f):
    def g(tf):
        raise KeyError(repr(f(tf)))

    CASES["says_" + f.__name__] = g


@says
def parse(tf):
    return sorted(
        tf.contrib.training.parse_values(
            "a=1,b=[2,3],c[1]=4,c[0]=2,d=true,e=x y", {"a": int, "b": float, "c": int, "d": bool, "e": str}
        ).items()
    )


@says
def hp(tf):
    h = tf.contrib.training.HParams(a=1, b=[1.0, 2.0], c="x", d=True, n=None)
    h.parse("a=3,b=[4],c=y z,d=False")
    h.add_hparam("t", (1, 2))
    return str(h), repr(h), h.to_json(sort_keys=True), h.get("a"), h.get("zz", 3), "a" in h, h.values()["b"]


for i, t in enumerate(["a=1,a=2", "a=x", "q=1", "b=[1", "a=1.5", "b=1", "d=maybe", "a[0]=1"]):
    CASES[f"badhp{i}"] = lambda tf, t=t: tf.contrib.training.HParams(a=1, b=[1], d=True).parse(t)
CASES["badget"] = lambda tf: tf.contrib.training.HParams(a=1).get("a", "s")
CASES["badget2"] = lambda tf: tf.contrib.training.HParams(a=1).get("a", [1])
CASES["badset"] = lambda tf: tf.contrib.training.HParams(a=1).set_hparam("a", "3")
CASES["badadd"] = lambda tf: tf.contrib.training.HParams(a=1).add_hparam("a", "3")
CASES["badadd2"] = lambda tf: tf.contrib.training.HParams(a=1).add_hparam("b", [])


@says
def place(tf):
    T = tf.contrib.training
    a = tf.placeholder(tf.float32, [10, 10], name="a")
    b = tf.placeholder(tf.float64, [3], name="b")
    g = T.GreedyLoadBalancingStrategy(2, T.byte_size_load_fn)
    r = T.RandomStrategy(5, 1)
    c = tf.contrib.framework.VariableDeviceChooser(num_tasks=2, replica=1)
    d = tf.contrib.framework.VariableDeviceChooser()
    return (
        [int(g(x.op)) for x in (a, b, b, a)],
        [r(x.op) for x in (a, b)],
        [c(a.op) for _ in range(3)],
        d(a.op),
        [t.name for t in tf.contrib.framework.get_placeholders(tf.get_default_graph())],
        tf.contrib.framework.strip_name_scope("a/b", "a"),
        tf.contrib.framework.prepend_name_scope("b", "a"),
    )


@says
def fuse(tf):
    gd = tf.GraphDef()
    for n, i in (("A", ""), ("B", ""), ("C", "A"), ("D", "C"), ("E", "D"), ("F", "E")):
        x = gd.node.add()
        x.name = n
        x.op = "Op" + n
        if i:
            x.input.append(i)
    f = tf.contrib.framework.fuse_op(gd, ["C"], ["E"], [tf.float32.as_datatype_enum], True, "fused", "Fused")
    return [(n.name, n.op, list(n.input), sorted(n.attr)) for n in f.node]


@says
def newinit(tf):
    return [tf.contrib.framework.convolutional_orthogonal_2d.__name__, tf.contrib.framework.TensorSpec([1], tf.int32)]


CASES["badshape"] = lambda tf: tf.contrib.training.byte_size_load_fn(tf.placeholder(tf.float32, [None], name="a").op)
