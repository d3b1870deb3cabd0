"""`tf.CriticalSection`."""

CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


@case
def basic(tf):
    v = tf.get_variable("v", initializer=0.0, use_resource=True)
    cs = tf.CriticalSection(name="cs")

    def fn(a, b):
        c = v.read_value()
        with tf.control_dependencies([c]):
            n = v.assign_add(a * b)
            with tf.control_dependencies([n]):
                return tf.identity(c)

    r = [cs.execute(lambda: fn(1.0, 2.0)) for _ in range(4)]
    return (tf.group(*r), v.read_value())


@case
def structure(tf):
    cs = tf.CriticalSection()
    return [cs.execute(lambda: (tf.constant(1), {"a": tf.constant(2)}), name="ex")]


@case
def outer(tf):
    cs = tf.CriticalSection()
    x = tf.random_uniform([], seed=1) * 0
    return [cs.execute(lambda: x + 1)]


CASES["nested"] = lambda tf: (lambda cs: cs.execute(lambda: cs.execute(lambda: tf.constant(1))))(tf.CriticalSection())


@case
def access(tf):
    v = tf.get_variable("v", initializer=0.0, use_resource=True)
    a = tf.CriticalSection(name="a")
    b = tf.CriticalSection(name="b")
    return [
        a.execute(lambda: v.read_value(), exclusive_resource_access=False),
        b.execute(lambda: v.read_value(), exclusive_resource_access=False),
    ]
