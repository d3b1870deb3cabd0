"""`tf.random.experimental.Generator`: operations, numbers, states and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import generator_cases
import golden_facts

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "generators.json").read_text("utf-8"))
CASES = generator_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 1e-5)


def test_binomial_numbers_move_the_state() -> None:
    generator = tf.random.experimental.Generator.from_state([1, 2, 3], 1)
    drawn = generator.binomial([3], 10.0, 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(drawn)
        assert session.run(generator.state).tolist() == [1 + 256 * 5150, 2, 3]


def test_states_of_seeds() -> None:
    create = tf.random.experimental.create_rng_state
    assert create(2**70 + 5, 1).tolist() == [5, 64, 0]
    assert create(-1, 2).tolist() == [-1, -1]
    assert create([5], 2).tolist() == [0, 5]
    with pytest.raises(ValueError, match="Unsupported algorithm id: 3"):
        create(5, 3)


def test_the_global_generator_stays_the_same() -> None:
    mine = tf.random.experimental.Generator.from_seed(1)
    tf.random.experimental.set_global_generator(mine)
    assert tf.random.experimental.get_global_generator() is mine


def test_states_from_outside_differ() -> None:
    first, second = (tf.random.experimental.Generator.from_non_deterministic_state() for _ in range(2))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        states = session.run([first.state, second.state])
    assert not np.array_equal(*states)
