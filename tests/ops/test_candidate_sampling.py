"""Candidate samplers draw what TF 1.15 draws. Recorded by tools/record_candidates.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

ROWS = json.loads((Path(__file__).parents[1] / "golden" / "candidates.json").read_text())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["expr"])
def test_draws(row: dict[str, Any]) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        outputs = eval(row["expr"], {"tf": tf})
        assert [t.name for t in outputs] == row["names"]
        assert list(outputs._fields) == row["fields"]
        assert [t.shape.as_list() for t in outputs] == row["shapes"]
        for run in row["runs"]:
            for value, want in zip(session.run(list(outputs)), run, strict=True):
                np.testing.assert_allclose(value, np.array(want).astype(value.dtype), rtol=2e-6)


def test_as_many_classes_as_there_are() -> None:
    """Every class must come up, so that a draw takes many rounds; the numbers are TF 1.15's."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        classes = tf.constant([[3], [1]], tf.int64)
        drawn = tf.nn.log_uniform_candidate_sampler(classes, 1, 64, True, 64, seed=7)
        candidates, _, expected = session.run(list(drawn))
    assert candidates[:12].tolist() == [32, 0, 30, 10, 18, 1, 3, 4, 56, 5, 14, 6]
    assert sorted(candidates.tolist()) == list(range(64))
    np.testing.assert_allclose(expected.sum(), 63.225044, rtol=1e-5)


def test_more_classes_than_there_are() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        drawn = tf.nn.log_uniform_candidate_sampler(tf.constant([[3]], tf.int64), 1, 6, True, 5)
        with pytest.raises(tf.errors.InvalidArgumentError, match="range is too small"):
            session.run(drawn.sampled_candidates)


def test_classes_to_learn_from_are_checked() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        classes = tf.placeholder(tf.int64, [1, 2])
        drawn = tf.nn.learned_unigram_candidate_sampler(classes, 2, 3, True, 5, seed=7)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"true class 5 is not in \[0, 5\)"):
            session.run(list(drawn), {classes: [[1, 5]]})


def test_each_session_learns_on_its_own() -> None:
    with tf.Graph().as_default():
        drawn = tf.nn.learned_unigram_candidate_sampler([[1]], 1, 1, True, 2, seed=7)
        for _ in range(2):
            with tf.Session() as session:
                assert [float(session.run(drawn.true_expected_count)[0, 0]) for _ in range(2)] == [
                    0.5,
                    pytest.approx(2 / 3),
                ]
