"""Images projected, turned, warped and resampled: operations, shapes, values and errors are TF 1.15.5's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import image_codec_cases
import image_warp_cases

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "golden" / "image_warps.json").read_text(encoding="utf-8")
)
CASES = image_warp_cases.cases(tf)
# Gradients and warps are fewer operations here than in TensorFlow.
LOOSE = ("gradient", "dense", "spline", "sparse")


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    found, wanted = image_codec_cases.facts(tf, CASES[name]), dict(GOLDEN[name])
    value, expected = found.pop("value", 0), wanted.pop("value", 0)
    if name.startswith(LOOSE):
        found.pop("operations", None), wanted.pop("operations", None)
    assert found == wanted
    if isinstance(expected, dict):
        assert value == expected
    else:
        # Splines of higher orders solve equations that are nearly singular.
        np.testing.assert_allclose(value, expected, rtol=5e-3 if "spline" in name else 2e-4, atol=2e-5)


def test_a_compiled_transform_is_that_of_the_host() -> None:
    images = np.random.RandomState(0).rand(40, 30, 31, 3).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 30, 31, 3])
    made = [tf.contrib.image.rotate(x, 0.3, "BILINEAR"), tf.contrib.image.translate(x, [1.5, 2.0])]
    with tf.Session() as session:
        for many, one in zip(session.run(made, {x: images}), session.run(made, {x: images[:1]}), strict=True):
            np.testing.assert_allclose(many[:1], one, atol=1e-5)


def test_components_are_those_that_a_walk_finds() -> None:
    image = tf.placeholder(tf.int32, [None, None])
    made = tf.contrib.image.connected_components(image)
    random = np.random.RandomState(1)
    with tf.Session() as session:
        for share in (0.4, 0.5, 0.6, 0.7):
            pixels = (random.rand(23, 26) < share).astype(np.int32)
            np.testing.assert_array_equal(session.run(made, {image: pixels}), _walked(pixels))


def _walked(pixels: Any) -> Any:
    found, count = np.zeros_like(pixels), 0
    for start in np.argwhere(pixels):
        if found[tuple(start)]:
            continue
        count, open_places = count + 1, [tuple(start)]
        while open_places:
            y, x = open_places.pop()
            inside = 0 <= y < pixels.shape[0] and 0 <= x < pixels.shape[1]
            if inside and pixels[y, x] and not found[y, x]:
                found[y, x] = count
                open_places += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return found
