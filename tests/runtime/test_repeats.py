"""Runs done again as an earlier one was: whatever differs from it is found out as in a first run."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.runtime import repeats

ROWS, COLUMNS = 64, 300


class _Model:
    """One variable f32[COLUMNS, 2], which `step` lowers by the mean row of `x`."""

    def __init__(self, resource: bool = False):
        self.x = tf.placeholder(tf.float32, [None, COLUMNS])
        self.rate = tf.placeholder(tf.float32, [])
        zeros = tf.zeros_initializer()
        self.w = tf.get_variable("w", [COLUMNS, 2], initializer=zeros, use_resource=resource)
        self.loss = tf.reduce_sum(tf.matmul(self.x, self.w))
        mean = tf.tile(tf.reduce_mean(self.x, 0)[:, None], [1, 2])
        self.step = self.w.assign_sub(self.rate * mean).op
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())

    def run(self, fetches: Any, x: Any, rate: Any = 1.0) -> Any:
        return self.session.run(fetches, {self.x: x, self.rate: rate})


ONES = np.ones((ROWS, COLUMNS), np.float32)


@pytest.fixture(params=[False, True], ids=["ref", "resource"])
def model(request: Any) -> Any:
    with tf.Graph().as_default():
        yield _Model(request.param)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each attempt to do a run again whether it was."""
    attempts: list[bool] = []
    run = repeats.Repeat.run

    def counting(self: Any, session: Any, given: Any) -> Any:
        done = run(self, session, given)
        attempts.append(done is not repeats.UNLIKE)
        return done

    monkeypatch.setattr(repeats.Repeat, "run", counting)
    return attempts


def _w(model: _Model) -> float:
    return float(model.session.run(model.w)[0, 0])


def test_each_run_counts_once(model: _Model, counted: list[bool]) -> None:
    for _ in range(5):
        assert model.run(model.step, ONES) is None
    assert _w(model) == -5.0
    assert counted.count(True) >= 3


def test_structures_are_kept_apart(model: _Model, counted: list[bool]) -> None:
    for _ in range(3):
        assert model.run([model.loss], ONES) == [0.0]
        assert model.run((model.loss,), ONES) == (0.0,)
        assert model.run(model.loss, ONES) == 0.0
        assert model.run({"loss": model.loss}, ONES) == {"loss": 0.0}
    assert counted == [True] * 6


def test_order_of_feeds(model: _Model) -> None:
    for feeds in ({model.x: ONES, model.rate: 0.5}, {model.rate: 0.5, model.x: ONES}) * 3:
        model.session.run(model.step, feeds)
    assert _w(model) == -3.0


def test_values_that_are_no_arrays_and_other_types(model: _Model, counted: list[bool]) -> None:
    for rate in (1, np.float64(1.0), np.int32(1), [1.0][0], np.ones((), np.int64)):
        model.run(model.step, ONES.tolist(), rate)
        model.run(model.step, ONES.astype(np.float64), rate)
    assert _w(model) == -10.0
    assert all(counted) and counted


def test_other_shapes(model: _Model) -> None:
    for rows in (ROWS, ROWS, 3, ROWS, 5, 3, ROWS):
        model.run(model.step, ONES[:rows])
    assert _w(model) == -7.0


def test_a_wrong_shape_is_refused(model: _Model) -> None:
    for _ in range(3):
        model.run(model.step, ONES)
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        model.run(model.step, ONES[:, :7])
    with pytest.raises(ValueError, match=r"setting an array element|could not convert"):
        model.run(model.step, ONES, "one")
    assert _w(model) == -3.0


def test_a_tensor_that_must_not_be_fed_any_more(model: _Model) -> None:
    for _ in range(3):
        model.run(model.step, ONES)
    tf.get_default_graph().prevent_feeding(model.x)
    with pytest.raises(ValueError, match="may not be fed"):
        model.run(model.step, ONES)


def test_an_edge_that_changes(model: _Model) -> None:
    for _ in range(3):
        assert model.run(model.loss, ONES) == 0.0
    model.loss.op._update_input(0, model.loss.op.inputs[0] + 1.0)
    assert model.run(model.loss, ONES) == ROWS * 2


def test_a_closed_session(model: _Model) -> None:
    for _ in range(3):
        model.run(model.step, ONES)
    model.session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        model.run(model.step, ONES)


def test_metadata_and_options_are_heeded(model: _Model, counted: list[bool]) -> None:
    for _ in range(3):
        model.run(model.loss, ONES)
    before = len(counted)
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    model.session.run(model.loss, {model.x: ONES}, options=options, run_metadata=metadata)
    assert len(counted) == before and metadata.step_stats.dev_stats


def test_a_variable_that_changes_its_shape() -> None:
    with tf.Graph().as_default():
        v = tf.Variable(np.ones((5000, 1), np.float32), validate_shape=False)
        larger = tf.assign(v, np.ones((7000, 1), np.float32), validate_shape=False)
        add, total = tf.assign_add(v, tf.ones_like(v)).op, tf.reduce_sum(v)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(add)
            assert session.run(total) == 20000
            session.run(larger.op)
            for _ in range(2):
                session.run(add)
            assert session.run(total) == 21000


def test_labels_out_of_range_change_nothing() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, COLUMNS])
        labels = tf.placeholder(tf.int64, [None])
        w = tf.get_variable("w", [COLUMNS, 10], initializer=tf.zeros_initializer())
        loss = tf.losses.sparse_softmax_cross_entropy(labels, tf.matmul(x, w))
        train = tf.train.AdamOptimizer().minimize(loss)
        right, wrong = np.zeros(ROWS, np.int64), np.full(ROWS, 10)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run([train, loss], {x: ONES, labels: right})
            before = session.run(w)
            with pytest.raises(tf.errors.InvalidArgumentError, match="outside the valid range"):
                session.run([train, loss], {x: ONES, labels: wrong})
            np.testing.assert_array_equal(session.run(w), before)
            session.run([train, loss], {x: ONES, labels: right})


def test_random_numbers_go_on() -> None:
    def drawn(plainly: bool) -> list[float]:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(1)
            x = tf.placeholder(tf.float32, [ROWS, COLUMNS])
            total = tf.reduce_sum(tf.nn.dropout(x, 0.5))
            if plainly:
                return [float(session.run(total, {x: ONES})) for _ in range(4)]
            return [float(session.run({"t": total}, {x: ONES})["t"]) for _ in range(4)]

    assert drawn(True) == drawn(False)
    assert len(set(drawn(True))) == 4


def test_two_sessions_and_threads(model: _Model) -> None:
    other = tf.Session(graph=model.session.graph)
    with pytest.raises(tf.errors.OpError, match="needs variables"):
        other.run(model.step, {model.x: ONES, model.rate: 1.0})

    def work() -> None:
        for _ in range(50):
            model.run(model.step, ONES)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _w(model) == -200.0


def test_a_shape_that_must_be_known_after_a_variable_changed_its_own() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None])
        v = tf.Variable(np.ones(5000, np.float32), validate_shape=False)
        larger = tf.assign(v, np.ones(7000, np.float32), validate_shape=False)
        size = tf.shape(v.read_value())[0]
        total = tf.reduce_sum(tf.reshape(tf.tile(x, [size // tf.size(x)]), [size])) + tf.reduce_sum(v)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                assert session.run(total, {x: np.ones(1000, np.float32)}) == 10000
            session.run(larger.op)
            for _ in range(3):
                assert session.run(total, {x: np.ones(1000, np.float32)}) == 14000


def test_results_of_another_program_after_a_variable_changed_its_shape() -> None:
    x_value = np.ones(5000, np.float32)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None])
        v = tf.Variable(np.ones((5000, 1), np.float32), validate_shape=False)
        larger = tf.assign(v, np.ones((7000, 1), np.float32), validate_shape=False)
        count = tf.Variable(0.0)
        add = tf.assign_add(count, x[0]).op
        read = v.read_value()
        shape, total = tf.shape(read), tf.reduce_sum(read * 2) + tf.reduce_sum(x)
        chosen = tf.cond(tf.size(read) > 6000, lambda: tf.constant(1.0), lambda: tf.reduce_sum(x))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run([shape, total], {x: x_value})
                session.run([chosen, total, add], {x: x_value})
            session.run(larger.op)
            found, whole = session.run([shape, total], {x: x_value})
            assert found.tolist() == [7000, 1] and whole == 19000
            assert session.run([chosen, total, add], {x: x_value})[0] == 1.0
            assert session.run(count) == 4.0


def test_a_tensor_fed_twice(model: _Model) -> None:
    for _ in range(3):
        model.session.run(model.step, {model.x.name: ONES, model.x: ONES, model.rate: 1.0})
    model.run(model.step, ONES)
    assert _w(model) == -4.0


def test_a_shape_that_is_set_later(model: _Model) -> None:
    for _ in range(3):
        model.run(model.step, ONES)
    model.x.set_shape([ROWS + 1, COLUMNS])
    with pytest.raises(ValueError, match="Cannot feed value of shape"):
        model.run(model.step, ONES)


def test_a_session_that_is_closed_meanwhile(model: _Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        model.run(model.step, ONES)
    session, check = model.session, repeats.Plan.check_fed

    def closing(self: Any, values: list[Any]) -> None:
        session.close()
        check(self, values)

    monkeypatch.setattr(repeats.Plan, "check_fed", closing)
    with pytest.raises((RuntimeError, tf.errors.OpError)):
        model.run(model.step, ONES)
