"""Models in files, callbacks, generators, caches: what needs no recorded values."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

X, Y = np.arange(12.0).reshape(4, 3) / 12, np.ones((4, 1))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    tf.keras.backend.clear_session()
    tf.set_random_seed(1)


def small() -> Any:
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(3,))])
    model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    return model


def test_weights_come_back_from_a_checkpoint(tmp_path: Path) -> None:
    model = small()
    before = model.get_weights()
    model.save_weights(str(tmp_path / "w"))
    assert "layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE" in dict(
        tf.train.list_variables(str(tmp_path / "w"))
    )
    model.set_weights([np.zeros((3, 1)), np.ones(1)])
    model.load_weights(str(tmp_path / "w"))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ImportError, match="requires h5py"):
        model.save_weights(str(tmp_path / "w.h5"))


def test_early_stopping_and_checkpoints(tmp_path: Path) -> None:
    model = small()
    seen: list[int] = []
    callbacks = [
        tf.keras.callbacks.EarlyStopping(monitor="loss", min_delta=10.0, patience=1),
        tf.keras.callbacks.ModelCheckpoint(str(tmp_path / "w{epoch}"), monitor="loss", save_weights_only=True),
        tf.keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)),
        tf.keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
    ]
    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=callbacks)
    assert seen == history.epoch == [0, 1]
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["w1.index", "w2.index"]
    with (tmp_path / "log.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    assert np.isclose(tf.keras.backend.get_value(model.optimizer.lr), 0.05)


def test_whole_models_are_refused(tmp_path: Path) -> None:
    model = small()
    with pytest.raises(tf.errors.UnimplementedError, match="save_weights"):
        model.save(str(tmp_path / "m"))
    with pytest.raises(tf.errors.UnimplementedError, match="save_weights_only"):
        model.fit(X, Y, verbose=0, callbacks=[tf.keras.callbacks.ModelCheckpoint(str(tmp_path / "m"))])


def test_generators_train_as_arrays_do() -> None:
    first, second = small(), small()
    second.set_weights(first.get_weights())
    first.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)

    def batches() -> Any:
        while True:
            yield X, Y

    second.fit_generator(batches(), steps_per_epoch=1, epochs=2, verbose=0)
    assert np.allclose(first.predict(X), second.predict(X))
    assert np.isclose(first.evaluate(X, Y, verbose=0), second.evaluate_generator(batches(), steps=2))


def test_models_of_models_share_their_weights() -> None:
    inner = small()
    x = tf.keras.Input((3,))
    outer = tf.keras.Model(x, inner(x))
    assert outer.weights == inner.weights
    assert np.allclose(outer.predict(X), inner.predict(X))
    inner.trainable = False
    assert outer.trainable_weights == []


def test_configurations_make_equal_models() -> None:
    a = tf.keras.Input((3,), name="a")
    h = tf.keras.layers.Dense(2, activation="relu", name="h")
    model = tf.keras.Model(a, tf.keras.layers.concatenate([h(a), h(a)]))
    again = tf.keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert np.allclose(again.predict(X), model.predict(X))
    assert tf.keras.models.clone_model(model).count_params() == model.count_params()


def test_operations_between_layers_are_layers() -> None:
    x = tf.keras.Input((3,))
    model = tf.keras.Model(x, tf.square(x) + 1.0)
    assert [layer.name for layer in model.layers][1:] == ["tf_op_layer_Square", "tf_op_layer_add"]
    assert np.allclose(tf.keras.backend.get_value(model(tf.constant(X, tf.float32))), X * X + 1)


def test_stateful_layers_keep_their_states() -> None:
    model = tf.keras.Sequential([tf.keras.layers.GRU(2, stateful=True, batch_input_shape=(1, 2, 3))])
    x = np.ones((1, 2, 3))
    first, second = model.predict(x), model.predict(x)
    assert not np.allclose(first, second)
    model.reset_states()
    assert np.allclose(model.predict(x), first)


def test_files_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(tf.errors.UnimplementedError, match="no network"):
        tf.keras.datasets.mnist.load_data()
    folder = tmp_path / ".keras" / "datasets"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    assert tf.keras.utils.get_file("a.txt", "https://x/a.txt") == str(folder / "a.txt")
    with pytest.raises(ValueError, match="corrupted"):
        tf.keras.utils.get_file("a.txt", "https://x/a.txt", md5_hash="0")


@pytest.mark.parametrize("name", ["applications", "preprocessing.image", "layers.ConvLSTM2D", "models.load_model"])
def test_what_is_out_of_scope_says_so(name: str) -> None:
    with pytest.raises(AttributeError, match=f"tf.keras.{name}: .*(use|no part)"):
        value = tf.keras
        for part in name.split("."):
            value = getattr(value, part)


def test_layers_of_tf_layers_are_layers_of_keras() -> None:
    dense = tf.layers.Dense(2)
    assert isinstance(dense, tf.keras.layers.Dense)
    model = tf.keras.Sequential([tf.keras.layers.Flatten(input_shape=(3,))])
    made = dense(model(tf.ones((2, 3))))
    assert [v.name for v in dense.weights] == ["dense/kernel:0", "dense/bias:0"]
    assert made.shape.as_list() == [2, 2]


def test_names_and_weights_follow_attributes() -> None:
    class Pair(tf.keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[Any] = []
            self.parts.append(tf.keras.layers.Dense(1))
            self.extra = tf.Variable(1.0, name="extra")

        def call(self, inputs: Any) -> Any:
            return self.parts[0](inputs) * self.extra

    pair = Pair()
    pair(tf.ones((1, 2)))
    assert [v.name for v in pair.trainable_weights] == ["extra:0", "pair/dense/kernel:0", "pair/dense/bias:0"]
    del pair.extra
    assert len(pair.weights) == 2
