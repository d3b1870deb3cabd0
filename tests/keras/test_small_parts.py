"""Small parts of tf.keras: values recorded from TF 1.15 by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf
from retrograph.compat import initializers_v2
from retrograph.keras.input_spec import to_tensor_shape
from retrograph.keras.symbolic import get_reachable_from_inputs


@pytest.fixture(autouse=True)
def _fresh() -> None:
    tf.keras.backend.clear_session()


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (3, [[8, 8, 8], [8, 0, 8], [8, 8, 8]]),
        (5, [[36] * 5, [36, 24, 24, 24, 36], [36, 24, 12, 24, 36], [36, 24, 24, 24, 36], [36] * 5]),
        (4, [[30] * 4, [30, 10, 10, 30], [30, 10, 10, 30], [30] * 4]),
    ],
)
def test_radial_constraint(rows: int, wanted: Any) -> None:
    weights = tf.constant(np.arange(rows * rows * 2, dtype=np.float32).reshape(rows, rows, 2, 1))
    made = tf.keras.backend.get_value(tf.keras.constraints.RadialConstraint()(weights))
    np.testing.assert_array_equal(made[..., 0, 0], wanted)
    np.testing.assert_array_equal(made[..., 1, 0], np.array(wanted) + 1)


def test_radial_constraint_wants_rank_4() -> None:
    with pytest.raises(ValueError, match=r"The weight tensor must be of rank 4, but is of shape: \(3, 3\)"):
        tf.keras.constraints.RadialConstraint()(tf.zeros([3, 3]))


@pytest.mark.parametrize("name", ["CosineDecay", "CosineDecayRestarts", "LinearCosineDecay"])
def test_cosine_decays_are_those_of_training(name: str) -> None:
    schedules = tf.keras.optimizers.schedules
    made = getattr(tf.keras.experimental, name)(0.5, 10)
    again = schedules.deserialize(schedules.serialize(made))
    old = {"CosineDecay": "cosine_decay", "CosineDecayRestarts": "cosine_decay_restarts"}.get(
        name, "linear_cosine_decay"
    )
    values = [made(tf.constant(4)), again(tf.constant(4)), getattr(tf.train, old)(0.5, tf.constant(4), 10)]
    found = tf.keras.backend.batch_get_value(values)
    assert found[0] == found[1] == found[2] != 0.5
    assert made.get_config()["initial_learning_rate"] == 0.5


def test_callbacks_of_fetches() -> None:
    x, seen = tf.keras.backend.placeholder(shape=()), []
    run = tf.keras.backend.function([x], [x + 1.0])
    run.fetches.append(x * 2.0)
    run.fetch_callbacks[run.fetches[0]] = seen.append
    assert run([3.0]) == [4.0]
    assert seen == [6.0]


def test_normalization_with_channels_first() -> None:
    x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 2, 2)
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    made = tf.keras.backend.batch_normalization(
        tf.constant(x), tf.constant(mean), tf.constant(variance), tf.ones([3]), tf.fill([3], 2.0), axis=1
    )
    assert made.op.type.startswith("FusedBatchNorm")
    wanted = (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-3) * 2 + 1
    np.testing.assert_allclose(tf.keras.backend.get_value(made), wanted, rtol=1e-4, atol=1e-5)


def test_specs_as_shapes() -> None:
    spec = tf.keras.layers.InputSpec
    assert to_tensor_shape(spec(ndim=3, axes={1: 3, -1: 2})).as_list() == [None, 3, 2]
    assert to_tensor_shape(spec(shape=[1, None])).as_list() == [1, None]
    assert to_tensor_shape(spec(max_ndim=5)).ndims is None
    with pytest.raises(ValueError, match="Axis 4 is greater than the maximum allowed value: 3"):
        spec(shape=[1, None, 2, 3], axes={4: 5})


def test_batches_of_events_are_counted_from_zero(tmp_path: Any) -> None:
    class Writer:
        steps: list[int] = []

        def add_summary(self, summary: Any, step: int) -> None:
            self.steps.append(step)

        def flush(self) -> None:
            pass

    callback = tf.keras.callbacks.TensorBoard(str(tmp_path), update_freq="batch")
    callback.writer = Writer()
    for batch in range(3):
        callback.on_batch_end(batch, {"acc": batch})
    assert Writer.steps == [0, 1, 2]


def test_initializers_from_configurations() -> None:
    made = initializers_v2.RandomNormal(1.0, 2.0, seed=3)
    assert initializers_v2.RandomNormal.from_config(made.get_config()).get_config() == made.get_config()


def test_what_is_reached_from_inputs() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    doubled = tf.multiply(x, 2.0, name="doubled")
    after = tf.add(doubled, 1.0, name="after")
    reached = get_reachable_from_inputs([x])
    assert reached == {x, doubled.op, doubled, after.op, after}
    assert after not in get_reachable_from_inputs(x, targets=[doubled])
    with pytest.raises(TypeError, match="Expected Operation, Variable, or Tensor, got 3"):
        get_reachable_from_inputs([3])


@pytest.mark.parametrize(
    ("kind", "given"), [("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity")]
)
def test_metrics_at_a_value_are_made_again_of_their_settings(kind, given):
    with tf.Graph().as_default():
        made = getattr(tf.keras.metrics, kind)(0.4, num_thresholds=100, name="at")
        config = made.get_config()
        assert config == {"dtype": "float32", "name": "at", "num_thresholds": 100, given: 0.4}
        again = type(made).from_config(config)
        assert (again.value, again.num_thresholds, len(again.thresholds)) == (0.4, 100, 100)
