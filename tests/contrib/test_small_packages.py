"""`tf.contrib.mixed_precision`, `tf.contrib.bayesflow.monte_carlo`, `tf.contrib.framework.print_op`, Adam by the global step."""

import numpy as np
import pytest

import retrograph as tf

scales = tf.contrib.mixed_precision
monte_carlo = tf.contrib.bayesflow.monte_carlo


def test_fixed_scales() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(ValueError, match="loss scale must be at least 1"):
            scales.FixedLossScaleManager(0.5)
        manager = scales.FixedLossScaleManager(8.0)
        v = tf.Variable(3.0)
        optimizer = scales.LossScaleOptimizer(tf.train.GradientDescentOptimizer(0.5), manager)
        ((grad, _),) = optimizer.compute_gradients(v * v)
        step = optimizer.minimize(v * v)
        sess.run(tf.global_variables_initializer())
        assert sess.run(grad) == 6.0
        sess.run(step)
        assert sess.run(v) == 0.0


def test_scales_that_change() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        manager = scales.ExponentialUpdateLossScaleManager(8.0, 2, decr_every_n_nan_or_inf=1, decr_ratio=0.5)
        good = tf.placeholder(tf.bool, [])
        update = manager.update_loss_scale(good)
        sess.run(tf.global_variables_initializer())
        seen = []
        for value in (True, True, False, True, False, False):
            sess.run(update, {good: value})
            seen.append(float(sess.run(manager.get_loss_scale())))
        assert seen == [8, 16, 8, 8, 4, 2]


def test_steps_without_finite_gradients_are_left_out() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        manager = scales.ExponentialUpdateLossScaleManager(8.0, 100, decr_every_n_nan_or_inf=1, decr_ratio=0.5)
        v, factor = tf.Variable(1.0), tf.placeholder(tf.float32, [])
        step = scales.LossScaleOptimizer(tf.train.GradientDescentOptimizer(1.0), manager).minimize(v * factor)
        sess.run(tf.global_variables_initializer())
        sess.run(step, {factor: np.inf})
        assert sess.run([v, manager.get_loss_scale()]) == [1.0, 4.0]
        sess.run(step, {factor: 0.25})
        assert sess.run(v) == 0.75


def test_expectations() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        p, q = tf.distributions.Normal(1.0, 1.0), tf.distributions.Normal(0.5, 2.0)
        z = q.sample(20_000, seed=1)
        mean = monte_carlo.expectation_importance_sampler(lambda x: x, p.log_prob, q, z=z)
        log = monte_carlo.expectation_importance_sampler_logspace(lambda x: 2.0 * tf.ones_like(x), p.log_prob, q, z=z)
        assert np.allclose(sess.run([mean, log]), [1.0, 2.0], atol=0.1)
        with pytest.raises(ValueError, match='exactly one of arguments "n" and "z"'):
            monte_carlo.expectation_importance_sampler(lambda x: x, p.log_prob, q)


def test_gradients_of_scores() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        loc = tf.constant(1.0)
        p = tf.distributions.Normal(loc, 1.0)
        x = tf.stop_gradient(p.sample(20_000, seed=2))
        value = monte_carlo.expectation(tf.square, x, log_prob=p.log_prob, use_reparametrization=False)
        assert np.allclose(sess.run([value, tf.gradients(value, loc)[0]]), [2.0, 2.0], atol=0.15)
        with pytest.raises(ValueError, match="`log_prob` must be a callable"):
            monte_carlo.expectation(tf.square, x, use_reparametrization=False)


def test_printing(capfd) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        shown = tf.contrib.framework.print_op(tf.constant([1, 2], name="a"), message="look: ")
        sparse = tf.contrib.framework.print_op(tf.SparseTensor([[0]], [5], [3]))
        assert sess.run([shown, sparse.values])[1].tolist() == [5]
        said = capfd.readouterr().err
        assert "look: [Name: a:0][Type: Tensor (int32)][Shape: [Dimension(2)]][Value:][1 2]" in said
        assert "[Sparse indices:]" in said
        with pytest.raises(ValueError, match="must be a Tensor, SparseTensor, TensorArray or Variable"):
            tf.contrib.framework.print_op("text")


@pytest.mark.parametrize("lazy", [False, True])
def test_adam_by_the_global_step(lazy: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        made = []
        for kind in ("LazyAdamGS", "LazyAdam") if lazy else ("AdamGS", "Adam"):
            v = tf.Variable([[1.0], [2.0]])
            step = tf.Variable(0, trainable=False, dtype=tf.int64)
            optimizer = getattr(tf.contrib.opt if lazy or "GS" in kind else tf.train, kind + "Optimizer")
            given = {"global_step": step} if "GS" in kind else {}
            loss = tf.reduce_sum(tf.square(tf.gather(v, [1])))
            made.append((v, optimizer(learning_rate=0.1, **given).minimize(loss, global_step=step)))
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run([step for _, step in made])
        assert np.allclose(*sess.run([v for v, _ in made]))
