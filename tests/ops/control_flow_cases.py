"""Small programs with conds, loops, checks, Python functions and texts, and the recorder of what they give.

Run by TensorFlow 1.15.5's Python it writes the golden file beside the other recorded data:
`python tests/ops/control_flow_cases.py FOLDER [MODULE]`. The test suite runs the same functions on Retrograph.
"""

import collections
import importlib
import json
import os
import re
import sys

import numpy as np


def values(tf, fetches, feeds=None):
    """What fetches give in a new session, variables initialized."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def while1(tf):
    i = tf.constant(0)
    return values(
        tf,
        tf.while_loop(
            lambda i, a: i < 5, lambda i, a: (i + 1, a + tf.cast(i, tf.float32) * tf.ones([3])), [i, tf.zeros([3])]
        ),
    )


def while_dyn(tf):
    x = tf.placeholder(tf.float32, [])
    r = tf.while_loop(lambda v, n: v > 1.0, lambda v, n: (v / 2, n + 1), [x, 0])
    return values(tf, r, {x: 100.0})


def nested(tf):

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b + j), [0, a])
        return (i + 1, b)

    return values(tf, tf.while_loop(lambda i, a: i < 6, body, [0, 0]))


def nested_dyn(tf):
    n = tf.placeholder(tf.int32, [])

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b + j), [0, a])
        return (i + 1, b)

    return values(tf, tf.while_loop(lambda i, a: i < n, body, [0, 0]), {n: 6})


def cond_in_while(tf):
    n = tf.placeholder(tf.int32, [])

    def body(i, a):
        return (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a + i, lambda: a * 2))

    return values(tf, tf.while_loop(lambda i, a: i < n, body, [0, 1]), {n: 7})


def while_in_cond(tf):
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(p, lambda: tf.while_loop(lambda v: v > 1, lambda v: v / 2, [x]), lambda: x * 3)
    return (values(tf, y, {p: True, x: 9.0}), values(tf, y, {p: False, x: 9.0}))


def ta_dyn(tf):
    x = tf.placeholder(tf.float32, [None, 2])
    n = tf.shape(x)[0]
    ta = tf.TensorArray(tf.float32, n).unstack(x)
    out = tf.TensorArray(tf.float32, n)
    _, out = tf.while_loop(lambda i, t: i < n, lambda i, t: (i + 1, t.write(i, ta.read(i) * 2)), [0, out])
    return values(tf, out.stack(), {x: np.arange(6.0).reshape(3, 2)})


def ta_dynsize(tf):
    ta = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    _, ta = tf.while_loop(lambda i, t: i < 4, lambda i, t: (i + 1, t.write(i, i * 10)), [0, ta])
    return values(tf, [ta.stack(), ta.size()])


def map_rows(tf):
    return values(tf, tf.map_fn(lambda z: z * 2.0 + 1, tf.constant([[1.0, 2], [3, 4]])))


def map_pairs(tf):
    return values(tf, tf.map_fn(lambda z: (z[0] + z[1], z[0] * z[1]), (tf.constant([1.0, 2]), tf.constant([3.0, 4]))))


def map_to_int(tf):
    return values(tf, tf.map_fn(lambda z: tf.cast(z, tf.int32), tf.constant([1.5, 2.5]), dtype=tf.int32))


def fold(tf):
    return values(
        tf,
        [
            tf.foldl(lambda a, z: a + z, tf.constant([1, 2, 3])),
            tf.foldr(lambda a, z: a - z, tf.constant([1, 2, 3])),
            tf.foldl(lambda a, z: a * z, tf.constant([1, 2, 3]), initializer=10),
        ],
    )


def scan(tf):
    return values(
        tf,
        [
            tf.scan(lambda a, z: a + z, tf.constant([1, 2, 3])),
            tf.scan(lambda a, z: a + z, tf.constant([1, 2, 3]), reverse=True),
            tf.scan(lambda a, x: a * x, tf.constant([1.0, 2, 3]), initializer=tf.constant(2.0)),
        ],
    )


def invariant(tf):
    return values(
        tf,
        tf.while_loop(
            lambda x: tf.shape(x)[0] < 5,
            lambda x: tf.concat([x, x], 0),
            [tf.ones([1])],
            shape_invariants=[tf.TensorShape([None])],
        ),
    )


def varassign(tf):
    v = tf.Variable(0.0)
    p = tf.placeholder(tf.bool, [])
    c = tf.cond(p, lambda: v.assign_add(10.0), lambda: tf.constant(-1.0))
    with tf.Session() as s:
        s.run(v.initializer)
        return [s.run(c, {p: True}), s.run(v), s.run(c, {p: False}), s.run(v)]


def varassign_res(tf):
    v = tf.Variable(0.0, use_resource=True)
    p = tf.placeholder(tf.bool, [])
    c = tf.cond(p, lambda: v.assign_add(10.0), lambda: tf.constant(-1.0))
    with tf.Session() as s:
        s.run(v.initializer)
        return [s.run(c, {p: True}), s.run(v), s.run(c, {p: False}), s.run(v)]


def var_in_loop(tf):
    v = tf.Variable(1.0)

    def body(i):
        with tf.control_dependencies([tf.assign_add(v, tf.cast(i, tf.float32))]):
            return i + 1

    r = tf.while_loop(lambda i: i < 4, body, [0])
    with tf.Session() as s:
        s.run(v.initializer)
        return [s.run(r), s.run(v)]


def case(tf):
    x = tf.placeholder(tf.int32, [])
    r = tf.case(
        [(tf.less(x, 1), lambda: tf.constant(1)), (tf.less(x, 5), lambda: tf.constant(2))],
        default=lambda: tf.constant(3),
    )
    return [values(tf, r, {x: k}) for k in (0, 3, 9)]


def case_ex(tf):
    x = tf.placeholder(tf.int32, [])
    r = tf.case(
        [(tf.less(x, 1), lambda: tf.constant(1)), (tf.less(x, 5), lambda: tf.constant(2))],
        default=lambda: tf.constant(3),
        exclusive=True,
    )
    return values(tf, r, {x: 0})


def gradcond(tf):
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [2])
    y = tf.cond(p, lambda: tf.reduce_sum(x * x), lambda: tf.reduce_sum(tf.exp(x)))
    g = tf.gradients(y, x)[0]
    return [values(tf, [y, g], {p: b, x: [1.0, 2.0]}) for b in (True, False)]


def gradcond2(tf):
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [2])
    w = tf.Variable([2.0, 3.0])
    h = tf.cond(p, lambda: tf.sigmoid(w * x), lambda: x)
    y = tf.reduce_sum(h * h)
    g = tf.gradients(y, [x, w])
    return [values(tf, [y] + g, {p: b, x: [1.0, 2.0]}) for b in (True, False)]


def gradwhile(tf):
    x = tf.constant(2.0)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), [0, tf.constant(1.0)])[1]
    return values(tf, tf.gradients(y, x))


def assert_positive(tf):
    x = tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([tf.assert_positive(x)]):
        y = x * 2
    return (values(tf, y, {x: [1.0, 2.0]}), values(tf, y, {x: [1.0, -2.0]}))


def assert_equal(tf):
    x = tf.placeholder(tf.int32, [2])
    with tf.control_dependencies([tf.assert_equal(x, [1, 2], message="boo")]):
        y = x * 2
    return (values(tf, y, {x: [1, 2]}), values(tf, y, {x: [1, -2]}))


def rand_in_cond(tf):
    p = tf.placeholder(tf.bool, [])
    tf.set_random_seed(3)
    r = tf.cond(p, lambda: tf.random_uniform([2], seed=1), lambda: tf.zeros([2]))
    with tf.Session() as s:
        return [s.run(r, {p: b}).tolist() for b in (True, False, True)]


def rand_in_while(tf):
    tf.set_random_seed(3)
    r = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.random_uniform([2], seed=1)), [0, tf.zeros([2])])
    with tf.Session() as s:
        return [s.run(r[1]).tolist() for b in range(2)]


def maxit(tf):
    return values(tf, tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=4))


def struct(tf):
    P = collections.namedtuple("P", "j,k")
    return values(
        tf,
        tf.while_loop(
            lambda i, p: i < 10,
            lambda i, p: (i + 1, P(p.j + p.k, p.j - p.k)),
            (tf.constant(0), P(tf.constant(1), tf.constant(2))),
        ),
    )


def gw_dyn(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda v, n: v < 100.0, lambda v, n: (v * v, n + 1), [x, 0])[0]
    return values(tf, [y] + tf.gradients(y, x), {x: 3.0})


def gw_bound(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda v, n: v < 100.0, lambda v, n: (v * v, n + 1), [x, 0], maximum_iterations=10)[0]
    return values(tf, [y] + tf.gradients(y, x), {x: 3.0})


def gw_ta(tf):
    x = tf.placeholder(tf.float32, [None, 2])
    w = tf.Variable([1.0, 2.0])
    n = tf.shape(x)[0]
    ta = tf.TensorArray(tf.float32, n).unstack(x)
    out = tf.TensorArray(tf.float32, n)
    _, out = tf.while_loop(
        lambda i, t: i < n, lambda i, t: (i + 1, t.write(i, ta.read(i) * w * tf.cast(i + 1, tf.float32))), [0, out]
    )
    y = tf.reduce_sum(out.stack() ** 2)
    return values(tf, [y] + tf.gradients(y, [x, w]), {x: np.arange(6.0).reshape(3, 2)})


def gw_map(tf):
    x = tf.constant([[1.0, 2], [3, 4]])
    w = tf.Variable(2.0)
    y = tf.reduce_sum(tf.map_fn(lambda z: tf.sin(z * w), x))
    return values(tf, tf.gradients(y, [x, w]))


def gw_scan(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    w = tf.Variable(0.5)
    y = tf.scan(lambda a, z: a * w + z, x)
    return values(tf, [y] + tf.gradients(y, [x, w]))


def gw_fold(tf):
    x = tf.constant([1.0, 2.0, 3.0])
    w = tf.Variable(0.5)
    y = tf.foldl(lambda a, z: a * w + z * z, x)
    return values(tf, [y] + tf.gradients(y, [x, w]))


def gw_res(tf):
    w = tf.Variable(0.5, use_resource=True)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w + 1.0), [0, 1.0])[1]
    return values(tf, [y] + tf.gradients(y, [w]))


def gw_nested(tf):
    x = tf.constant(1.1)

    def body(i, a):
        _, b = tf.while_loop(lambda j, b: j < i, lambda j, b: (j + 1, b * x + 1.0), [0, a])
        return (i + 1, b)

    y = tf.while_loop(lambda i, a: i < 4, body, [0, 1.0])[1]
    return values(tf, [y] + tf.gradients(y, x))


def gw_cond(tf):
    x = tf.constant(1.1)
    y = tf.while_loop(
        lambda i, a: i < 5,
        lambda i, a: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: tf.exp(a) * 0.1)),
        [0, 1.0],
    )[1]
    return values(tf, [y] + tf.gradients(y, x))


def gw_cond2(tf):
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(
        lambda i, a: i < 5, lambda i, a: (i + 1, tf.cond(a > 2.0, lambda: a * 0.3 * x, lambda: a * x)), [0, 1.0]
    )[1]
    return values(tf, [y] + tf.gradients(y, x), {x: 1.5})


def gw_rand(tf):
    tf.set_random_seed(1)
    w = tf.Variable(0.5)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * w + tf.random_uniform([], seed=2)), [0, 1.0])[1]
    return values(tf, [y] + tf.gradients(y, [w]))


def gw_in_cond(tf):
    p = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float32, [])
    y = tf.cond(p, lambda: tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * x), [0, 1.0])[1], lambda: x * 3)
    g = tf.gradients(y, x)
    return (values(tf, [y] + g, {p: True, x: 2.0}), values(tf, [y] + g, {p: False, x: 2.0}))


def gw_multi(tf):
    a = tf.constant(2.0)
    b = tf.constant(3.0)
    r = tf.while_loop(lambda i, x, y: i < 3, lambda i, x, y: (i + 1, x * y, y + x), [0, a, b])
    return (values(tf, tf.gradients(r[1] + r[2], [a, b])), values(tf, tf.gradients(r[2], [a, b])))


def gw_ta2(tf):
    x = tf.constant([1.0, 2.0, 3.0, 4.0])
    ta = tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x)
    y = ta.read(1) * ta.read(1) * ta.read(2) + tf.reduce_sum(ta.gather([0, 1]))
    return values(tf, tf.gradients(y, x))


def gw_stop(tf):
    x = tf.constant(2.0)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * tf.stop_gradient(a) * x), [0, x])[1]
    return values(tf, tf.gradients(y, x))


def gw_backprop_false(tf):
    x = tf.constant(2.0)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), [0, x], back_prop=False)[1]
    return tf.gradients(y, x)


def gw_embed(tf):
    e = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2))
    ids = tf.constant([1, 3, 1])
    y = tf.while_loop(
        lambda i, a: i < 3, lambda i, a: (i + 1, a + tf.reduce_sum(tf.nn.embedding_lookup(e, ids[i]) ** 2)), [0, 0.0]
    )[1]
    g = tf.gradients(y, e)[0]
    return values(tf, tf.convert_to_tensor(g))


def hash_buckets(tf):
    c = [
        b"",
        b"a",
        b"ab",
        b"hello",
        b"x" * 7,
        b"12345678",
        b"q" * 15,
        b"0123456789abcdef",
        b"z" * 17,
        b"lorem ipsum" * 3,
        b"y" * 32,
        b"w" * 33,
        b"k" * 63,
        b"k" * 64,
        b"n" * 65,
        b"abc" * 40,
        b"m" * 127,
        b"m" * 128,
        b"pq" * 100,
    ]
    return values(
        tf,
        [
            tf.string_to_hash_bucket_fast(c, 1 << 62),
            tf.string_to_hash_bucket_strong(c, 1 << 62, [3, 5]),
            tf.string_to_hash_bucket(c, 1 << 62),
        ],
    )


def as_string(tf):
    return values(
        tf,
        [
            tf.as_string([1.5, -2.25, 1 / 3.0, 1e20]),
            tf.as_string([1.5], precision=2),
            tf.as_string([15000000000.0], scientific=True),
            tf.as_string([1.5, 1e-10], shortest=True),
            tf.as_string([3, -4], width=6, fill="0"),
            tf.as_string([True, False]),
            tf.as_string(tf.constant([1.5], tf.float64), width=10),
            tf.as_string(tf.constant([7], tf.int64)),
        ],
    )


def tonum(tf):
    return values(
        tf, [tf.string_to_number(["1.5", " 2 ", "1e3", "-inf", "nan"]), tf.string_to_number(["12", "-7"], tf.int32)]
    )


def tonum_bad(tf):
    return values(tf, tf.string_to_number(["1.5x"]))


def tonum_bad2(tf):
    return values(tf, tf.string_to_number(["99999999999"], tf.int32))


def raw(tf):
    return values(
        tf,
        [
            tf.decode_raw([b"\x01\x00\x02\x00", b"\x03\x00\x04\x00"], tf.int16),
            tf.decode_raw(b"\x01\x02", tf.uint8),
            tf.decode_raw(b"\x00\x01", tf.int16, little_endian=False),
        ],
    )


def raw_bad(tf):
    return values(tf, tf.decode_raw([b"abc"], tf.int32))


def raw_bad2(tf):
    return values(tf, tf.decode_raw([b"abc", b"a"], tf.uint8))


def join(tf):
    return values(
        tf,
        [
            tf.string_join([["a", "b"], "x", ["c", "d"]], separator="-"),
            tf.reduce_join([["a", "b"], ["c", "d"]], 0),
            tf.reduce_join([["a", "b"], ["c", "d"]], [0, 1], separator="."),
            tf.reduce_join([["a", "b"], ["c", "d"]]),
            tf.reduce_join([["a", "b"], ["c", "d"]], -1, keep_dims=True),
        ],
    )


def split(tf):
    a = tf.string_split(["a b  c", "d", ""], " ")
    b = tf.string_split(["a,b;c"], ",;", skip_empty=False)
    c = tf.string_split(["abc"], "")
    d = tf.strings.split(["a b  c", " d "])
    e = tf.strings.split(["a<>b<>c"], sep="<>", maxsplit=1)
    return values(tf, [a, b, c, d, e])


def misc(tf):
    return values(
        tf,
        [
            tf.strings.length(["abc", "é".encode()]),
            tf.strings.length(["é".encode()], unit="UTF8_CHAR"),
            tf.strings.lower(["ABc"]),
            tf.strings.upper(["abC"]),
            tf.strings.strip([" a b "]),
            tf.strings.substr(["hello", "world"], 1, 3),
            tf.strings.substr(["hello", "world"], [1, -2], [2, 2]),
            tf.strings.regex_replace(["a1b22"], "[0-9]+", "<\\0>"),
            tf.strings.regex_replace(["a1b22"], "([a-z])([0-9])", "\\2\\1", replace_global=False),
            tf.strings.regex_full_match(["abc", "ab"], "a.c"),
            tf.encode_base64(["hello?>"]),
            tf.encode_base64(["a"], pad=True),
            tf.decode_base64(["aGVsbG8_Pg", "YQ=="]),
        ],
    )


def substr_bad(tf):
    return values(tf, tf.substr("abc", 5, 1))


def b64_bad(tf):
    return values(tf, tf.decode_base64("a*b"))


def format_text(tf):
    return values(
        tf,
        [
            tf.strings.format("a {} b {}", (tf.range(8), tf.constant([["x", "y"]]))),
            tf.strings.format("{}", tf.reshape(tf.range(48), [4, 3, 4]), summarize=1),
            tf.strings.format("{}", tf.reshape(tf.range(8), [2, 2, 2])),
        ],
    )


def pyfunc_bad(tf):
    return values(tf, tf.py_func(lambda a: a.astype(np.float64), [tf.constant([1.0])], tf.float32))


def pyfunc_bad2(tf):
    return values(tf, tf.py_func(lambda a: (a, a), [tf.constant([1.0])], tf.float32))


def pyfunc_raise(tf):

    def f(a):
        raise ValueError("oops")

    return values(tf, tf.py_func(f, [tf.constant([1.0])], tf.float32))


def pyfunc_raise2(tf):

    def f(a):
        raise KeyError("oops")

    return values(tf, tf.py_func(f, [tf.constant([1.0])], tf.float32))


def pyfunction(tf):
    return values(
        tf,
        tf.py_function(
            lambda a, b: tf.reduce_sum(a) * b.numpy(), [tf.constant([1.0, 2.0]), tf.constant(3.0)], tf.float32
        ),
    )


def pyfunction_type(tf):
    r = []
    values(
        tf,
        tf.py_func(
            lambda a, b: (r.append((type(a).__name__, type(b).__name__)), a)[1],
            [tf.constant(1.0), tf.constant([b"x"])],
            tf.float32,
        ),
    )
    return r


def pyf_in_while(tf):
    n = tf.placeholder(tf.int32, [])

    def body(i, a):
        return (i + 1, tf.reshape(tf.py_func(lambda a: a * np.float32(2), [a], tf.float32), []))

    return values(tf, tf.while_loop(lambda i, a: i < n, body, [0, 1.0]), {n: 5})


def numerics(tf):
    x = tf.placeholder(tf.float32, [2])
    y = tf.log(x)
    c = tf.check_numerics(y, "msg")
    return (values(tf, c, {x: [1.0, 2.0]}), values(tf, c, {x: [0.0, 2.0]}))


def verify(tf):
    return values(tf, tf.verify_tensor_all_finite(tf.constant([np.nan]), "bad"))


def addcheck(tf):
    x = tf.placeholder(tf.float32, [2])
    tf.log(x)
    c = tf.add_check_numerics_ops()
    return (c.name, values(tf, c, {x: [-1.0, 2.0]}))


def gradient_of_print(tf):
    x = tf.constant(2.0)
    return values(tf, tf.gradients(tf.Print(x * x, [x]), x))


def assertion_keeps_variables(tf):
    x, v = tf.placeholder(tf.float32, [2]), tf.Variable(1.0)
    with tf.control_dependencies([tf.assert_less(x, 5.0)]):
        update = tf.assign_add(v, tf.reduce_sum(x))
    with tf.Session() as session:
        session.run(v.initializer)
        found = [session.run(update, {x: [1, 2]})]
        try:
            session.run(update, {x: [1, 7]})
        except tf.errors.InvalidArgumentError as error:
            found.append(error.message.split("\n")[0])
        return found + [session.run(v)]


def assertion_in_loop(tf):
    x, n = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int32, [])

    def body(i, s):
        with tf.control_dependencies([tf.assert_less(s, 10.0)]):
            return i + 1, s + tf.reduce_sum(x)

    r = tf.while_loop(lambda i, s: i < n, body, [0, 0.0])
    return values(tf, r, {x: [1, 1], n: 3}), values(tf, r, {x: [1, 2], n: 8})


def long_loop(tf):
    return values(tf, tf.while_loop(lambda i, a: i < 30000, lambda i, a: (i + 1, a + 1.0), [0, 0.0]))


def read_of_a_variable_in_a_loop(tf):
    v = tf.get_variable("v", [], initializer=tf.constant_initializer(2))

    def body(i):
        changed = tf.cond(tf.constant(True), lambda: tf.assign(v, tf.square(v)), lambda: v)
        with tf.control_dependencies([changed]):
            return i + 1

    r = tf.while_loop(lambda i: i < 4, body, [tf.constant(0)])
    with tf.Session() as session:
        session.run(v.initializer)
        return [session.run(r), session.run(v)]


CASES = {name: function for name, function in list(globals().items()) if callable(function) and name not in ("values",)}


def plain(value):
    """A result as JSON can hold it."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (np.ndarray, np.generic)):
        return (
            plain(value.tolist())
            if value.dtype == object
            else [str(value.dtype), json.loads(json.dumps(value.tolist(), default=repr))]
        )
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(type(value))


def result_of(tf, name):
    """What a case gives, or its error with the first line of the text."""
    with tf.Graph().as_default():
        try:
            return plain(CASES[name](tf))
        except Exception as error:
            return {"raises": [type(error).__name__, re.sub(r"pyfunc_\d+", "pyfunc_N", str(error).split("\n")[0])]}


def main(folder, module="tensorflow"):
    """Records what a module gives."""
    tf = importlib.import_module(module)
    record = {name: result_of(tf, name) for name in sorted(CASES)}
    with open(os.path.join(folder, "control_flow.json"), "w") as file:
        json.dump(record, file, indent=0, sort_keys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
