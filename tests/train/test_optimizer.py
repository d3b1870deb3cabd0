"""What optimizers offer to programs that derive from them, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.framework.apply import apply_op


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as g:
        yield g


def run_once(*ops: Any, fetch: Any) -> Any:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(ops)
        return session.run(fetch)


class Halving(tf.train.Optimizer):
    """Takes half of the gradient, and counts in a slot."""

    def __init__(self) -> None:
        super().__init__(False, "Halving")

    def _create_slots(self, var_list: Any) -> None:
        for v in var_list:
            self._zeros_slot(v, "count", self._name)

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        count = self.get_slot(var, "count").assign_add(tf.ones_like(var))
        return tf.group(var.assign_sub(grad * 0.5), count)

    _resource_apply_dense = _apply_dense

    def _apply_sparse(self, grad: Any, var: Any) -> Any:
        return tf.scatter_sub(var, grad.indices, grad.values * 0.5)


@pytest.mark.parametrize("use_resource", [False, True])
def test_derived_optimizer(use_resource: bool) -> None:
    v = tf.get_variable("v", initializer=tf.constant([2.0, 4.0]), use_resource=use_resource)
    opt = Halving()
    step = opt.minimize(tf.reduce_sum(v * v))
    value, count = run_once(step, fetch=[v, opt.get_slot(v, "count")])
    np.testing.assert_allclose(value, [0.0, 0.0])
    np.testing.assert_allclose(count, [1.0, 1.0])
    assert opt.get_slot(v, "count").name == "v/Halving:0"
    assert opt.get_slot_names() == ["count"]


def test_derived_optimizer_gets_distinct_indices() -> None:
    v = tf.get_variable("v", initializer=tf.ones([3, 2]))
    step = Halving().minimize(tf.reduce_sum(tf.gather(v, [0, 0, 2])))
    value = run_once(step, fetch=v)
    np.testing.assert_allclose(value, [[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]])


def test_constraint_after_update() -> None:
    v = tf.get_variable("v", initializer=tf.constant([1.0]), constraint=lambda x: tf.maximum(x, 0.0))
    step = tf.train.GradientDescentOptimizer(3.0).minimize(tf.reduce_sum(v))
    np.testing.assert_allclose(run_once(step, fetch=v), [0.0])


def test_clipped_gradients() -> None:
    v = tf.get_variable("v", initializer=tf.constant([3.0, 4.0]))
    opt = tf.train.GradientDescentOptimizer(1.0)
    pairs = opt.compute_gradients(tf.reduce_sum(v * v) / 2.0)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
    step = opt.apply_gradients(zip(clipped, [x for _, x in pairs], strict=True))
    np.testing.assert_allclose(run_once(step, fetch=v), [2.4, 3.2], rtol=1e-6)


def test_learning_rate_may_be_fed() -> None:
    v = tf.get_variable("v", initializer=tf.constant(1.0))
    rate = tf.placeholder(tf.float32, [])
    step = tf.train.GradientDescentOptimizer(rate).minimize(v * 2.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {rate: 0.25})
        assert session.run(v) == 0.5


def test_global_step_is_incremented_after_updates() -> None:
    v = tf.get_variable("v", initializer=tf.constant(1.0))
    count = tf.train.get_or_create_global_step()
    step = tf.train.AdamOptimizer().minimize(v * v, global_step=count)
    assert run_once(step, step, fetch=count) == 1


def test_embedding_update_leaves_other_rows_alone() -> None:
    table = tf.get_variable("table", initializer=tf.ones([50, 4]))
    ids = tf.placeholder(tf.int32, [None])
    loss = tf.reduce_sum(tf.nn.embedding_lookup(table, ids))
    step = tf.train.AdagradOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {ids: [1, 1, 7]})
        session.run(step, {ids: [2, 3, 7]})
        changed = np.flatnonzero((session.run(table) != 1.0).any(axis=1))
    assert changed.tolist() == [1, 2, 3, 7]


@pytest.mark.parametrize("count", [200, 1000], ids=["by pairs", "by sorting"])
def test_gradients_of_repeated_rows_add_up(count: int) -> None:
    rows = np.random.RandomState(0).randint(0, 3000, count)
    table = tf.get_variable("table", initializer=tf.zeros([3000, 20]))
    ids = tf.placeholder(tf.int32, [None])
    step = tf.train.AdagradOptimizer(1.0, 1e-30).minimize(tf.reduce_sum(tf.gather(table, ids)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {ids: rows})
        squares, table = session.run([tf.get_collection("variables")[1], table])
    times = np.bincount(rows, minlength=3000)[:, None] * np.ones(20)
    np.testing.assert_allclose(squares, times**2, rtol=1e-6, atol=1e-20)
    np.testing.assert_allclose(table, -np.sign(times), rtol=1e-6)


@pytest.mark.parametrize("rows", [3, 3000], ids=["small", "compiled"])
def test_raw_sparse_update_applies_repeated_indices_in_turn(rows: int) -> None:
    grads = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
    var = tf.get_variable("var", initializer=tf.ones([rows, 2]))
    accum = tf.get_variable("accum", initializer=tf.ones([rows, 2]))
    indices = tf.placeholder(tf.int32, [3])
    update = apply_op(
        "SparseApplyAdagrad", None, var=var._ref(), accum=accum._ref(), lr=0.1, grad=grads, indices=indices
    )
    expected, squares = np.ones([3, 2], np.float32), np.ones([3, 2], np.float32)
    for row, grad in zip([1, 1, 0], grads, strict=True):
        squares[row] += grad * grad
        expected[row] -= 0.1 * grad / np.sqrt(squares[row])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(update.op, {indices: [1, 1, 0]})
        np.testing.assert_allclose(session.run(var)[:3], expected, rtol=1e-5)


def test_no_indices_at_all() -> None:
    table = tf.get_variable("table", initializer=tf.ones([3000, 2]))
    ids = tf.placeholder(tf.int64, [None])
    step = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(tf.gather(table, ids)))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {ids: []})
        assert (session.run(table) == 1.0).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: tf.train.AdagradOptimizer(0.1, 0.0), "initial_accumulator_value must be positive: 0.0"),
        (lambda: tf.train.FtrlOptimizer(0.1, 0.5), "learning_rate_power 0.500000 needs to be negative or zero"),
        (lambda: tf.train.GradientDescentOptimizer(0.1, name=""), "Must specify the optimizer name"),
    ],
)
def test_refused_arguments(make: Any, text: str) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == text


def test_no_gradients() -> None:
    v = tf.get_variable("v", [2])
    opt = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="No gradients provided for any variable, check your graph"):
        opt.minimize(tf.constant(1.0))
    with pytest.raises(ValueError, match=r"No variables provided\."):
        opt.apply_gradients([])
    with pytest.raises(ValueError, match=r"No gradients provided for any variable: \["):
        opt.apply_gradients([(None, v)])


def test_optimizers_derive_from_the_base_class_itself() -> None:
    # Libraries look for it there: GPflow takes what `tf.train` has whose `__base__` is `tf.train.Optimizer`.
    names = [name for name in dir(tf.train) if name.endswith("Optimizer") and name != "Optimizer"]
    assert len(names) == 11
    for name in names:
        assert getattr(tf.train, name).__base__ is tf.train.Optimizer, name


def test_a_bare_subclass_makes_no_updates() -> None:
    class Bare(tf.train.Optimizer):
        pass

    for resource in (False, True):
        with tf.Graph().as_default():
            v = tf.get_variable("v", [3], use_resource=resource)
            for loss in (tf.reduce_sum(v), tf.reduce_sum(tf.gather(v, [1]))):
                with pytest.raises(NotImplementedError):
                    Bare(False, "Bare").minimize(loss)
