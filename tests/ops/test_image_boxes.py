"""Boxes, glimpses, crops, turns and comparisons of images: operations, shapes, values and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import golden_facts
import image_box_cases

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "image_boxes.json").read_text("utf-8"))
CASES = image_box_cases.cases(tf)


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    golden_facts.compare(golden_facts.facts(tf, CASES[name], golden_facts.with_names(name)), GOLDEN[name], 2e-5)


def test_glimpses_show_noise_beside_the_image() -> None:
    images = np.random.RandomState(0).uniform(2, 3, (1, 4, 4, 2)).astype(np.float32)
    glimpse = tf.image.extract_glimpse(images, [6, 4], [[0.0, 0.0]])
    with tf.Session() as session:
        first, second = session.run(glimpse), session.run(glimpse)
    np.testing.assert_array_equal(first[:, 1:5], images)
    assert ((first >= 2) & (first <= 3)).all()
    assert (first[:, 0] != second[:, 0]).any()


def test_fed_indices_of_crops_are_checked() -> None:
    which = tf.placeholder(tf.int32, [2])
    crops = tf.image.crop_and_resize(np.ones((2, 3, 3, 1), np.float32), np.ones((2, 4), np.float32), which, [2, 2])
    with tf.Session() as session:
        assert session.run(crops, {which: [0, 1]}).shape == (2, 2, 2, 1)
        with pytest.raises(tf.errors.OutOfRangeError, match="box_index has values outside"):
            session.run(crops, {which: [0, 2]})


def test_sampled_boxes_go_on_and_begin_again_with_the_session() -> None:
    boxes = np.array([[[0.2, 0.2, 0.8, 0.8]]], np.float32)
    begin, _, _ = tf.image.sample_distorted_bounding_box([90, 80, 3], boxes, seed=7)
    runs = []
    for _ in range(2):
        with tf.Session() as session:
            runs.append([session.run(begin).tolist() for _ in range(3)])
    assert runs[0] == runs[1]
    assert len({tuple(begin) for begin in runs[0]}) > 1
