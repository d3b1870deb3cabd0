"""What can be said of the base class without recorded values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf

ds = tf.distributions


@pytest.fixture(autouse=True)
def _own_graph() -> Any:
    with tf.Graph().as_default():
        yield


def run(*fetches: Any) -> Any:
    with tf.Session() as session:
        return session.run(fetches[0] if len(fetches) == 1 else fetches)


def test_names_are_below_the_distribution() -> None:
    with tf.variable_scope("policy"):
        normal = ds.Normal(0.0, [1.0, 2.0])
    assert normal.name == "policy/Normal/"
    assert normal.sample(seed=1).op.name == "policy/Normal/sample/Reshape"
    assert normal.log_prob(0.0).op.name == "policy/Normal/log_prob/sub"
    assert ds.Normal(0.0, 1.0).name == "Normal/"
    assert ds.Normal(0.0, 1.0).name == "Normal_1/"


def test_a_subclass_needs_only_what_it_gives() -> None:
    class Coin(ds.Distribution):
        def __init__(self) -> None:
            super().__init__(tf.float32, ds.NOT_REPARAMETERIZED, False, True)

        def _prob(self, x: Any) -> Any:
            return 0.5 + 0.0 * x

        def _variance(self) -> Any:
            return tf.constant(0.25)

    coin = Coin()
    assert np.allclose(run(coin.log_prob(1.0), coin.stddev()), [np.log(0.5), 0.5])
    with pytest.raises(NotImplementedError, match="mean is not implemented: Coin"):
        coin.mean()
    with pytest.raises(NotImplementedError, match="log_cdf is not implemented: Coin"):
        coin.log_cdf(1.0)
    with pytest.raises(NotImplementedError, match="sample_n is not implemented: Coin"):
        coin.sample()


def test_copy_changes_the_given_arguments() -> None:
    normal = ds.Normal([0.0], 1.0, name="n").copy(scale=3.0)
    assert normal.parameters == {
        "loc": [0.0], "scale": 3.0, "validate_args": False, "allow_nan_stats": True, "name": "n",
    }  # fmt: skip
    assert run(normal.stddev()).tolist() == [3.0]


def test_divergences_are_found_by_the_nearest_ancestors() -> None:
    class Mine(ds.Normal):
        pass

    mine, normal = Mine(0.0, 1.0), ds.Normal(1.0, 1.0)
    assert run(ds.kl_divergence(mine, normal)) == pytest.approx(0.5)

    @ds.RegisterKL(Mine, ds.Normal)
    def _kl(a: Any, b: Any, name: str | None = None) -> Any:
        return tf.constant(7.0)

    assert run(ds.kl_divergence(mine, normal)) == 7.0
    with pytest.raises(ValueError, match=r"KL\(Mine \|\| Normal\) has already been registered to"):
        ds.RegisterKL(Mine, ds.Normal)(_kl)
    with pytest.raises(TypeError, match="kl_fn must be callable, received"):
        ds.RegisterKL(Mine, Mine)(None)  # type: ignore[type-var]
    with pytest.raises(NotImplementedError, match="No KL"):
        ds.kl_divergence(normal, ds.Gamma(1.0, 1.0))


def test_checks_fail_the_run_not_the_building() -> None:
    scale = tf.placeholder(tf.float32, [])
    normal = ds.Normal(0.0, scale, validate_args=True)
    with tf.Session() as session:
        assert session.run(normal.log_prob(0.0), {scale: 1.0}) == pytest.approx(-0.9189385)
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(normal.log_prob(0.0), {scale: -1.0})


def test_a_policy_gradient() -> None:
    logits = tf.get_variable("logits", initializer=[[0.0, 1.0, 0.0]])
    policy = ds.Categorical(logits=logits)
    loss = -tf.reduce_mean(policy.log_prob([2]) * 2.0) - 0.01 * tf.reduce_mean(policy.entropy())
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(policy.prob([2]))
        for _ in range(20):
            session.run(step)
        assert session.run(policy.prob([2]))[0] > before[0] + 0.3
