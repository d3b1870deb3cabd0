"""Images resized, cut, padded, turned and lit: operations, shapes, values and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import image_cases

FOLDER = Path(__file__).parent.parent / "golden"
GOLDEN: dict[str, Any] = {
    **json.loads((FOLDER / "image_frames.json").read_text(encoding="utf-8")),
    **json.loads((FOLDER / "image_light.json").read_text(encoding="utf-8")),
}
CASES = {**image_cases.cases(tf), **image_cases.light_cases(tf)}


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    found, wanted = image_cases.facts(tf, CASES[name]), GOLDEN[name]
    value, expected = found.pop("value", 0), wanted.get("value", 0)
    assert found == {key: item for key, item in wanted.items() if key != "value"}
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-5)


def test_compiled_resizing_is_that_of_the_host() -> None:
    x = tf.placeholder(tf.float32, [None, 64, 48, 3])
    images = np.random.RandomState(0).rand(4, 64, 48, 3).astype(np.float32)
    small, large = tf.image.resize_images(x, [10, 20]), tf.image.resize_bicubic(x, [100, 90])
    with tf.Session() as session:
        many = session.run([small, large], {x: np.tile(images, [8, 1, 1, 1])})
        one = session.run([small, large], {x: images[:1]})
    for a, b in zip(many, one, strict=True):
        np.testing.assert_allclose(a[:1], b, atol=1e-5)


def test_space_and_depth_in_vectors_of_four() -> None:
    """What the GPU's layout of int8 gives: four channels of one pixel together, the rest as in NCHW."""
    x = np.arange(2 * 2 * 4 * 4 * 4).reshape(2, 2, 4, 4, 4).astype(np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        deep = tf.space_to_depth(x, 2, data_format="NCHW_VECT_C")
        plain = [tf.space_to_depth(x[..., i], 2, data_format="NCHW") for i in range(4)]
        back = tf.depth_to_space(deep, 2, data_format="NCHW_VECT_C")
        assert deep.shape == (2, 8, 2, 2, 4)
        found = session.run([deep, tf.stack(plain, -1), back])
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[2], x)
        with pytest.raises(ValueError, match="Shape must be rank 5 but is rank 4"):
            tf.space_to_depth(x[0], 2, data_format="NCHW_VECT_C")


@pytest.mark.parametrize("resize", [tf.image.resize_area, tf.image.resize_bilinear, tf.image.resize_bicubic])
def test_resizing_what_holds_no_pixels(resize: Any) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, None, None])
        y = resize(x, [3, 4])
        assert session.run(y, {x: np.zeros((0, 5, 7, 3))}).shape == (0, 3, 4, 3)
        for shape, text in (((2, 5, 7, 0), "at least one channel"), ((2, 0, 7, 3), "must be of non-zero size")):
            with pytest.raises(tf.errors.InvalidArgumentError, match=text):
                session.run(y, {x: np.zeros(shape)})
