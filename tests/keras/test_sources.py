"""fit, evaluate and predict on generators and datasets, as TF 1.15 did (recorded by tools/record_keras_sources.py)."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE.parent / "golden" / "keras_sources.json").read_text())


def _cases() -> Any:
    spec = importlib.util.spec_from_file_location("source_cases", HERE / "source_cases.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = _cases()


def _near(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(_near(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(_near(f, w) for f, w in zip(found, wanted, strict=True))
    return bool(np.isclose(found, wanted, atol=5e-5)) if isinstance(wanted, float) else found == wanted


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_as_recorded(name: str) -> None:
    found = json.loads(json.dumps(CASES.run(tf, CASES.all_cases()[name]), default=int))
    assert _near(found, GOLDEN[name]), (found, GOLDEN[name])


def test_sequences_are_shuffled_by_epoch() -> None:
    seen: list[int] = []

    class Rows(tf.keras.utils.Sequence):
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int) -> Any:
            seen.append(index)
            return CASES.X, CASES.Y

    random.seed(1)
    CASES.model(tf).fit(Rows(), epochs=2, verbose=0)
    assert sorted(seen[:20]) == sorted(seen[20:]) == list(range(20))
    assert seen[:20] != list(range(20)) != seen[20:]


def test_a_generator_that_ends_ends_training() -> None:
    history = CASES.model(tf).fit_generator(iter([(CASES.X, CASES.Y)] * 3), steps_per_epoch=2, epochs=4, verbose=0)
    assert history.epoch == [0, 1]


def test_nothing_to_train_on() -> None:
    with pytest.raises(ValueError, match=r"Empty training data\."):
        CASES.model(tf).fit(CASES.dataset(tf).take(0), steps_per_epoch=1, verbose=0)


class _Pairs(tf.keras.utils.Sequence):  # type: ignore[misc]
    """Four batches; `seen` has the index of each that was taken."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        self.seen.append(index)
        return CASES.X, CASES.Y


def test_batches_of_inputs_alone_are_predicted() -> None:
    model = CASES.model(tf)
    wanted = model.predict(CASES.X)
    np.testing.assert_array_equal(model.predict(iter([(CASES.X,)]), steps=1), wanted)
    np.testing.assert_array_equal(model.predict_generator(iter([(CASES.X,)]), steps=1), wanted)
    with pytest.raises(ValueError, match=r"Output of generator should be a tuple of 1 or 2 or 3 elements: \(input,\)"):
        model.predict(iter([(CASES.X,) * 4]), steps=1)
    with pytest.raises(ValueError, match="Please provide model inputs as a list or tuple of 2 or 3 elements"):
        model.predict(tf.data.Dataset.from_tensors((CASES.X,)))


def test_validation_begins_at_the_first_batch_of_a_sequence() -> None:
    trained, validated = _Pairs(), _Pairs()
    CASES.model(tf).fit(
        trained, steps_per_epoch=3, epochs=2, shuffle=False, validation_data=validated, validation_steps=3, verbose=0
    )
    assert trained.seen == [0, 1, 2, 3, 0, 1] and validated.seen == [0, 1, 2, 0, 1, 2]


def test_the_loss_of_a_generator_that_ends_is_divided_by_the_steps_asked_for() -> None:
    def loss(steps: int) -> Any:
        return np.ravel(CASES.model(tf).evaluate_generator(iter([(CASES.X, CASES.Y)] * 2), steps=steps))[0]

    np.testing.assert_allclose(loss(4), loss(2) / 2, rtol=1e-6)


def test_no_epoch_is_an_empty_history() -> None:
    told: list[str] = []
    listener = tf.keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: told.append("begin"), on_train_end=lambda logs: told.append("end")
    )
    history = CASES.model(tf).fit_generator(_Pairs(), epochs=2, initial_epoch=2, callbacks=[listener], verbose=0)
    assert history.history == {} and told == ["begin", "end"]
