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
