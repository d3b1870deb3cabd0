"""Sessions: fetches, feeds, state, failures that change nothing."""

import os
import subprocess
import sys
import threading
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime import plan as plans


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.reset_default_graph()
    yield
    tf.reset_default_graph()


@pytest.fixture(params=["numpy", "xla"])
def engine(request, monkeypatch):
    """Runs a test with small plans on NumPy, and with everything lowered to XLA."""
    if request.param == "xla":
        monkeypatch.setattr(plans.Plan, "_on_host", lambda self, values, session: False)
    return request.param


def test_fetch_structures_are_mirrored(engine):
    x = tf.constant(2.0)
    pair = namedtuple("pair", "a b")
    fetches = {"list": [x, [x * 2.0]], "pair": pair(x, (x + 1.0,)), "op": x.op, "od": OrderedDict([("z", x), ("a", x)])}
    with tf.Session() as sess:
        got = sess.run(fetches)
    assert got == {
        "list": [2.0, [4.0]],
        "pair": pair(2.0, (3.0,)),
        "op": None,
        "od": OrderedDict([("z", 2.0), ("a", 2.0)]),
    }
    assert isinstance(got["pair"], pair) and isinstance(got["list"][0], np.float32)


def test_any_tensor_may_be_fed(engine):
    c = tf.constant(1.0, name="c")
    y = tf.square(c) + 1.0
    with tf.Session() as sess:
        assert sess.run(y, {c: 3.0}) == 10.0
        assert sess.run(y, {"c:0": 2.0}) == 5.0
        assert sess.run(y) == 2.0


def test_shapes_from_feeds_and_variables_stay_static(engine):
    n = tf.placeholder(tf.int32, [])
    x = tf.placeholder(tf.float32, [None, 3])
    v = tf.Variable([2, 2])
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(tf.range(n) * 2, {n: 3}).tolist() == [0, 2, 4]
        assert sess.run(tf.reshape(x, [tf.shape(x)[0] * 3]), {x: np.ones((2, 3))}).shape == (6,)
        assert sess.run(tf.ones(v) + tf.ones(v)).shape == (2, 2)
        assert sess.run(tf.boolean_mask(x, x[:, 0] > 1.0) * 2.0, {x: [[0, 1, 2], [3, 4, 5]]}).tolist() == [[6, 8, 10]]


def test_64_bit_types_are_real(engine):
    with tf.Session() as sess:
        assert sess.run(tf.constant(2**40) + 1) == 2**40 + 1
        assert sess.run(tf.cast(1.0, tf.float64) / 3).dtype == np.float64
    import jax.numpy as jnp

    assert jnp.arange(2).dtype == jnp.int32, "the user's JAX must stay as it was"


def test_reads_before_and_after_an_assignment(engine):
    v = tf.Variable(1.0)
    assign = v.assign(5.0)
    with tf.control_dependencies([assign]):
        after = tf.identity(v)
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(after) == 5.0


def test_uninitialized_variables_are_all_named():
    a, b = tf.get_variable("a", [2]), tf.get_variable("b", [2])
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(a + b)
    text = str(caught.value)
    assert text.startswith("Attempting to use uninitialized value a\n\t [[node a/read (defined at ")
    assert "no value in this session: a, b" in text and "tf.global_variables_initializer()" in text


def test_a_failed_run_changes_nothing(engine):
    v = tf.Variable(1.0)
    x = tf.placeholder(tf.float32, [])
    add = tf.assign_add(v, x)
    with tf.control_dependencies([add]):
        bad = tf.check_numerics(x / 0.0, "no")
    with tf.Session() as sess:
        sess.run(v.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run([add, bad], {x: 1.0})
        assert sess.run(v) == 1.0


def test_fetched_arrays_belong_to_the_caller(engine):
    v = tf.Variable(np.zeros(3, np.float32))
    fed = np.ones(3, np.float32)
    p = tf.placeholder(tf.float32, [3])
    assign = tf.assign(v, p)
    with tf.Session() as sess:
        sess.run(v.initializer)
        got = sess.run(assign, {p: fed})
        got[:] = 7.0
        fed[:] = 9.0
        assert sess.run(v).tolist() == [1.0, 1.0, 1.0]


def test_a_training_step_holds_one_copy_of_each_variable():
    v = tf.Variable(np.zeros((256, 256), np.float32))
    x = tf.placeholder(tf.float32, [None, 256])
    step = tf.train.AdamOptimizer().minimize(tf.reduce_sum(tf.square(tf.matmul(x, v) - 1.0)))
    batch = np.ones((64, 256), np.float32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(step, {x: batch})
        cells = [c for c in sess._cells.values() if getattr(c, "shape", None) == (256, 256)]
        before = [c.unsafe_buffer_pointer() for c in cells]
        sess.run(step, {x: batch})
        assert all(c.is_deleted() for c in cells), "written buffers are given away"
        after = [c.unsafe_buffer_pointer() for c in sess._cells.values() if getattr(c, "shape", None) == (256, 256)]
    assert sorted(before) == sorted(after), "and used again in place"


def test_threads_run_at_once():
    v = tf.Variable(0.0)
    add = tf.assign_add(v, 1.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        threads = [threading.Thread(target=lambda: [sess.run(add) for _ in range(50)]) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sess.run(v) == 400.0


def test_random_streams_go_on_within_a_session_and_restart_in_a_new_one(engine):
    tf.set_random_seed(1)
    r = tf.random_uniform([3], seed=2)
    with tf.Session() as sess:
        first, second = sess.run(r), sess.run(r)
    with tf.Session() as sess:
        again = sess.run(r)
    assert not np.array_equal(first, second) and np.array_equal(first, again)


def test_many_runs_do_not_grow_the_process():
    x = tf.placeholder(tf.float32, [])
    y = x + 1.0
    with tf.Session() as sess:
        for _ in range(2000):
            sess.run(y, {x: 1.0})
        before = _resident()
        for _ in range(20_000):
            sess.run(y, {x: 1.0})
        assert _resident() - before < 5e6


def _resident() -> float:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * float(os.sysconf("SC_PAGE_SIZE"))


def test_closed_and_empty_sessions():
    sess = tf.Session(graph=tf.Graph())
    with pytest.raises(RuntimeError, match="The Session graph is empty"):
        sess.run([])
    sess.close()
    with pytest.raises(RuntimeError, match=r"Attempted to use a closed Session\."):
        sess.run([])


def test_what_is_not_implemented_says_so():
    graph = tf.get_default_graph()
    op = graph.create_op("ShutdownDistributedTPU", [], [], name="x")
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.UnimplementedError, match="op type ShutdownDistributedTPU") as caught,
    ):
        sess.run(op)
    assert __file__ in str(caught.value)


def test_fed_indices_are_checked_before_compiled_programs_run(monkeypatch):
    monkeypatch.setattr(plans.Plan, "_on_host", lambda self, values, session: False)
    ids = tf.placeholder(tf.int32, [None])
    table = tf.get_variable("table", [4, 2], initializer=tf.ones_initializer())
    rows = tf.nn.embedding_lookup(table, ids)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run(rows, {ids: [0, 3]}).shape == (2, 2)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 4 is not in \[0, 4\)"):
            sess.run(rows, {ids: [0, 4]})


def test_a_counter_goes_on_before_others_take_it():
    step = tf.get_variable("step", [], tf.int64, initializer=tf.zeros_initializer(), trainable=False)
    rate = tf.cast(step, tf.float32) * 0.5
    count = step.assign(step + 1)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert [sess.run([count, rate])[1] for _ in range(3)] == [0.5, 1.0, 1.5]


def test_identity_shares_the_memory_of_a_reference_variable():
    v = tf.Variable(1.0)
    alias = tf.identity(tf.identity(v))
    taken = v + 10.0
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert sess.run([alias, taken, tf.assign_add(v, 1.0)]) == [2.0, 11.0, 2.0]


def test_an_uninitialized_variable_behind_identities_is_named_by_its_read():
    v = tf.Variable(1.0, name="v")
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError, match="node v/read"):
        sess.run(tf.identity(v))


def test_importing_jax_leaves_the_random_state_of_numpy():
    code = (
        "import numpy as np; np.random.seed(1); before = np.random.get_state()[2]\n"
        "import retrograph as tf\n"
        "x = tf.placeholder(tf.float32, [None, 300]); y = tf.matmul(x, tf.ones([300, 300]))\n"
        "with tf.Session() as s: s.run(y, {x: np.ones([300, 300])})\n"
        "import sys; assert 'jax' in sys.modules and np.random.get_state()[2] == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_gradient_past_a_branch_that_is_not_taken_of_images_whose_shape_is_unknown() -> None:
    """The step that pads images of odd sizes makes nothing here, and what comes from it is not taken."""
    first, second = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    scale = tf.constant(1.0)
    measure = tf.image.ssim_multiscale(first * scale, second * scale, max_val=1.0, power_factors=(0.5, 0.5))
    image = np.random.RandomState(0).rand(1, 25, 24, 1)
    with tf.Session() as session:
        slope = session.run(tf.gradients(measure, scale), {first: image, second: 0.8 * image + 0.1})
    np.testing.assert_allclose(slope, [-0.00076133], rtol=5e-3)
