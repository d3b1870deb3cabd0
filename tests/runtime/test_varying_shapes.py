"""Steps whose shapes are others in each run: few are compiled, and all give what a compiled one gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime.steps import Segment

SIZES = (3, 5, 4, 7, 6, 2, 9, 5, 3)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Grows by one element for each program that is compiled."""
    made: list[Any] = []
    original = Segment._compiled

    def counting(self: Segment, *args: Any) -> Any:
        made.append(self)
        return original(self, *args)

    monkeypatch.setattr(Segment, "_compiled", counting)
    return made


def _ids(x: Any) -> Any:
    """Sorted ids, two rows each."""
    return tf.range(tf.shape(x)[0]) // 2


def _labels(x: Any) -> Any:
    return tf.range(tf.shape(x)[0]) % 4


def _image(x: Any) -> Any:
    """Pictures as high as there are rows, with two channels."""
    return tf.stack([x * 2, x + 1], 2)[None]


def _filter(*shape: int) -> Any:
    return tf.constant(np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape))


def _attention(x: Any) -> Any:
    """Each row looks at those before it, one after the other."""

    def look(i: Any, state: Any, rows: Any) -> Any:
        weights = tf.nn.softmax(tf.matmul(x, state[:, None]), 0)
        new = tf.tanh(x[i] + tf.reduce_sum(weights * x, 0))
        return i + 1, new, rows.write(i, new)

    rows = tf.TensorArray(tf.float32, tf.shape(x)[0])
    return tf.while_loop(lambda i, *_: i < tf.shape(x)[0], look, [0, x[0], rows])[2].stack()


_SPARSE = (tf.sparse_segment_sum, tf.sparse_segment_mean, tf.sparse_segment_sqrt_n)
CASES: dict[str, Callable[[Any], Any]] = {
    **{f.__name__: f for f in (
        tf.nn.relu, tf.nn.relu6, tf.nn.leaky_relu, tf.nn.elu, tf.nn.selu, tf.nn.softplus, tf.nn.softsign, tf.nn.softmax,
        tf.nn.log_softmax, tf.nn.l2_loss,
    )},
    **{f.__name__: (lambda x, f=f: f(x, _ids(x))) for f in (
        tf.segment_sum, tf.segment_mean, tf.segment_max, tf.segment_min,
    )},
    **{f.__name__: (lambda x, f=f: f(x, _ids(x) - 1, tf.shape(x)[0])) for f in (
        tf.unsorted_segment_sum, tf.unsorted_segment_max, tf.unsorted_segment_min, tf.unsorted_segment_prod,
    )},
    **{f.__name__: (lambda x, f=f: f(x, _labels(x)[:2], [0, 0])) for f in _SPARSE},
    **{f.__name__ + "_of_number": (lambda x, f=f: f(x, _labels(x)[:2], [0, 2], num_segments=4)) for f in _SPARSE},
    "xent": lambda x: tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.nn.softmax(x * 2), logits=x),
    "sparse_xent": lambda x: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=_labels(x), logits=x),
    "bias_add": lambda x: tf.nn.bias_add(x, [1.0, 2.0, 3.0, 4.0]),
    "bias_nchw": lambda x: tf.nn.bias_add(x[:, :, None], tf.reduce_sum(x, 0), data_format="NCHW"),
    "top_k": lambda x: tf.nn.top_k(x, 3).values,
    "places": lambda x: tf.cast(tf.nn.top_k((tf.round(x) + 0.5), 4).indices, tf.float32) * x,
    **{f"conv_{padding}_{stride}_{dilation}": (lambda x, p=padding, s=stride, d=dilation: tf.nn.conv2d(
        _image(x), _filter(3, 2, 2, 5), [1, s, s, 1], p, dilations=[1, d, d, 1]))
        for padding, stride, dilation in (("SAME", 1, 1), ("SAME", 2, 1), ("SAME", 1, 2), ([[0, 0], [2, 1], [0, 1], [0, 0]], 1, 1))},
    "conv_valid": lambda x: tf.nn.conv2d(_image(x), _filter(2, 3, 2, 1), 2, "VALID"),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(_image(x), _filter(3, 3, 2, 2), [1, 1, 1, 1], "SAME"),
    "separable": lambda x: tf.nn.separable_conv2d(_image(x), _filter(2, 2, 2, 1), _filter(1, 1, 2, 3), [1, 2, 2, 1], "VALID"),
    "max_pool": lambda x: tf.nn.max_pool(tf.minimum(_image(x), 0.5), 2, 2, "SAME"),
    "max_pool_valid": lambda x: tf.nn.max_pool(_image(x), [1, 2, 3, 1], [1, 1, 1, 1], "VALID"),
    "avg_pool": lambda x: tf.nn.avg_pool(_image(x), 3, 2, "SAME"),
    "loop": lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * tf.nn.softmax(x)), [0, x])[1],
    "cond": lambda x: tf.cond(x[0, 0] > 0, lambda: tf.nn.softmax(x), lambda: -x),
    "rnn": lambda x: tf.nn.dynamic_rnn(tf.nn.rnn_cell.LSTMCell(3), x[None], dtype=tf.float32)[0],
    "rnn_of_lengths": lambda x: tf.nn.dynamic_rnn(
        tf.nn.rnn_cell.GRUCell(3), tf.stack([x, -x]), [2, tf.shape(x)[0]], dtype=tf.float32)[0],
    "attention": _attention,
    "drawn": lambda x: tf.nn.conv2d_transpose(_image(x * tf.random_uniform(tf.shape(x), seed=3)), _filter(1, 1, 2, 2), [1, tf.shape(x)[0], 4, 2], 1)
        + tf.truncated_normal([1, tf.shape(x)[0], 4, 2], seed=4),
    "transposed": lambda x: tf.nn.conv2d_transpose(_image(x), _filter(3, 3, 2, 2), [1, tf.shape(x)[0] * 2, 8, 2], 2),
}  # fmt: skip


def _step(case: str) -> tuple[Any, list[Any]]:
    x = tf.placeholder(tf.float32, [None, 4])
    scale = tf.get_variable("scale", initializer=np.full([80, 80], 0.9, np.float32))  # too large to be a tiny plan
    y = CASES[case](x * scale[0, :4])
    grads = tf.gradients(y, [x, *tf.trainable_variables()[1:]])
    return x, [y, *grads, tf.assign_add(scale, 1e-5 * tf.matmul(scale, scale))]


@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_compiled_steps(case: str, compiled: list[Any]) -> None:
    rows = np.random.RandomState(0).randn(max(SIZES), 4).astype(np.float32) * 2
    found: list[Any] = []
    for fresh in (False, True):
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            x, fetches = _step(case)
            session = tf.Session()
            session.run(tf.global_variables_initializer())
            values = []
            for size in SIZES:
                if fresh:  # other fetches are another plan, which compiles
                    fetches = [tf.identity(f) for f in fetches]
                values.append(session.run(fetches, {x: rows[:size]}))
            found.append(values)
        if not fresh:
            assert len(compiled) <= 2
    for ours, others in zip(*found, strict=True):
        for a, b in zip(ours, others, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_a_variable_of_another_shape_than_when_the_step_was_traced() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        table = tf.get_variable("table", initializer=np.ones([80, 80], np.float32))
        changing = tf.Variable(np.ones(2, np.float32), validate_shape=False)
        traced = tf.reduce_sum(tf.math.betainc(x * 0 + 0.5, x * 0 + 0.5, x * 0 + 0.5)) * tf.reduce_mean(table @ table)
        given = tf.placeholder(tf.float32)
        assign = tf.assign(changing, given, validate_shape=False)
        fetches = [tf.reduce_mean(changing), tf.size(changing), tf.round(x), traced]
        session.run(tf.global_variables_initializer())
        for size in (1, 2, 3, 3):
            mean, count, rounded, _ = session.run(fetches, {x: np.arange(size) + 0.5})
            assert (mean, count, rounded.tolist()) == (1, 2, [0, 2, 2][:size])
        session.run(assign, {given: [3.0, 3.0, 3.0]})
        for size in (3, 2, 4):
            assert session.run(fetches, {x: np.ones(size)})[:2] == [3, 3]


def test_shapes_that_come_again_are_compiled_for(compiled: list[Any]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, fetches = _step("softmax")
        session.run(tf.global_variables_initializer())
        for size, number in ((2, 1), (3, 2), (4, 2), (5, 2), (4, 2), (4, 3), (4, 3), (5, 3), (5, 4)):
            session.run(fetches, {x: np.ones([size, 4])})
            assert len(compiled) == number


def test_sparse_features_do_not_compile_in_each_step(compiled: list[Any]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.sparse_placeholder(tf.int64)
        table = tf.get_variable("table", initializer=np.arange(500, dtype=np.float32).reshape(100, 5) / 500)
        loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup_sparse(table, sparse, None, combiner="mean")))
        step = tf.train.AdamOptimizer(0.1).minimize(loss)
        session.run(tf.global_variables_initializer())
        rs, losses = np.random.RandomState(0), []
        for _ in range(8):
            rows = np.sort(np.r_[np.arange(4), rs.randint(0, 4, rs.randint(1, 9))])
            indices = np.stack([rows, np.arange(len(rows))], 1)
            value = tf.SparseTensorValue(indices, rs.randint(0, 100, len(rows)), [4, 30])
            losses.append(session.run([loss, step], {sparse: value})[0])
    assert len(compiled) <= 6
    np.testing.assert_allclose(losses, LOSSES, rtol=1e-4)


def _own_deduplication() -> tuple[Any, list[Any]]:
    """A program that sums the rows of equal indices itself, beside much that has nothing to do with their number."""
    ids = tf.placeholder(tf.int32, [6])
    table = tf.get_variable("table", initializer=np.arange(40, dtype=np.float32).reshape(10, 4) / 40)
    image = tf.get_variable("image", initializer=np.linspace(0, 1, 2 * 6 * 6 * 3, dtype=np.float32).reshape(2, 6, 6, 3))
    unique, places = tf.unique(ids)
    image_out = image
    for _ in range(5):
        image_out = tf.nn.lrn(tf.nn.relu(image_out * 0.9 + 0.1)) + tf.reduce_mean(table)
    loss = tf.reduce_mean(image_out)
    rows = tf.unsorted_segment_sum(tf.gather(table, ids) * loss, places, tf.shape(unique)[0])
    with tf.control_dependencies([tf.assign_add(image, tf.gradients(loss, image)[0])]):
        update = tf.scatter_sub(table, unique, tf.nn.lrn(tf.reshape(rows, [1, 1, -1, 4]))[0, 0])
    return ids, [loss, update, tf.reduce_sum(rows)]


def test_what_does_not_depend_on_changing_shapes_is_compiled_once(compiled: list[Any]) -> None:
    chosen = [[0, 0, 0, 1, 2, 3], [0, 0, 0, 0, 0, 5], [9, 8, 7, 6, 5, 5], [0, 0, 1, 1, 2, 2], [4, 4, 4, 4, 4, 4]]
    with tf.Graph().as_default(), tf.Session() as session:
        ids, fetches = _own_deduplication()
        session.run(tf.global_variables_initializer())
        got = []
        for value in chosen:
            loss, table, total = session.run(fetches, {ids: value})
            got.append([loss, table.sum(), total])
    np.testing.assert_allclose(got, DEDUPLICATED, rtol=1e-5)
    assert sum(len(segment.items) > 30 for segment in compiled) == 3, [len(segment.items) for segment in compiled]


def _much_beside(value: Any) -> Any:
    for _ in range(20):
        value = tf.nn.lrn(value * 0.9 + 0.1)
    return value


CHECKED: dict[str, Callable[[Any], Any]] = {
    "lu": lambda x: tf.linalg.lu(tf.matmul(x, x, transpose_a=True))[0],
    "random": lambda x: tf.random.uniform([2], maxval=tf.cast(tf.reduce_sum(x), tf.int32), dtype=tf.int32),
    "numerics": lambda x: tf.check_numerics(1 / tf.reduce_sum(x), "sum"),
}


@pytest.mark.parametrize("case", CHECKED)
def test_a_check_that_fails_keeps_variables_from_changing(case: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4])
        image = tf.get_variable("image", initializer=np.full([1, 40, 40, 4], 0.5, np.float32))
        count = tf.get_variable("count", initializer=0.0)
        fetches = [tf.assign_add(count, 1.0 + 0 * tf.reduce_sum(_much_beside(image))), CHECKED[case](x)]
        session.run(tf.global_variables_initializer())
        for size in (5, 6, 7, 8):
            session.run(fetches, {x: np.random.RandomState(size).rand(size, 4)})
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(fetches, {x: np.zeros([9, 4])})
        assert session.run(count) == 4


def test_the_derivative_of_a_loop_is_of_the_values_that_the_loop_took() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None])
        table = tf.get_variable("table", initializer=np.ones([80, 80], np.float32))
        factor = tf.get_variable("factor", initializer=2.0, use_resource=True)
        start = tf.reduce_mean(_much_beside(table[None, :, :, None]))
        start += 1 - tf.stop_gradient(start)
        end = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * factor), [0, start])[1]
        with tf.control_dependencies([end]):
            changed = tf.assign_add(factor, 1.0)
        with tf.control_dependencies([changed]):
            grads = tf.gradients(end * tf.reduce_sum(x), start)[0]
        session.run(tf.global_variables_initializer())
        got = [session.run([end, grads], {x: np.ones(size)}) for size in (1, 2, 3, 4)]
    assert got == [[8, 8], [27, 27 * 2], [64, 64 * 3], [125, 125 * 4]]


# Recorded from TF 1.15.5.
DEDUPLICATED = [
    [0.985857, 16.595879, 3.253327], [0.902731, 16.191223, 0.687997], [0.890972, 8.604651, 12.577087],
    [0.658262, 7.626148, 1.105862], [0.625761, 5.716386, 6.570493],
]  # fmt: skip
LOSSES = [6.27146, 5.83292, 9.00012, 3.4313, 1.64694, 4.66352, 7.90963, 5.78159]


def test_small_draws_before_host_steps_are_no_programs_of_their_own(compiled: list[Any]) -> None:
    """Dropout of a sparse matrix in parts: each part draws, and what it keeps is known on the host only."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        keep, table = tf.placeholder(tf.float32, []), tf.get_variable("t", initializer=np.ones([80, 80], np.float32))
        parts = []
        for i in range(6):
            indices = np.stack([np.arange(8), (np.arange(8) * (i + 3)) % 80], 1)
            sparse = tf.SparseTensor(indices, np.full([8], 1.0, np.float32), [8, 80])
            kept = tf.sparse_retain(sparse, tf.cast(tf.floor(keep + tf.random_uniform([8])), tf.bool))
            parts.append(tf.sparse_tensor_dense_matmul(kept, table))
        session.run(table.initializer)
        rows = session.run(tf.concat(parts, 0), {keep: 0.5})
    assert len(compiled) == 1 and set(np.unique(rows)) <= {0.0, 1.0} and 8 < rows[:, 0].sum() < 40
