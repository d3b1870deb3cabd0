"""Files of images and sounds, and colours: operations, shapes, values and errors are TF 1.15.5's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

sys.path.insert(0, str(Path(__file__).parent))
import image_codec_cases as recorded

FOLDER = Path(__file__).parent.parent / "golden"
GOLDEN: dict[str, Any] = {
    **json.loads((FOLDER / "image_codecs.json").read_text(encoding="utf-8")),
    **json.loads((FOLDER / "image_colors.json").read_text(encoding="utf-8")),
}
CASES = {**recorded.codec_cases(tf), **recorded.color_cases(tf)}


def test_all_cases_are_recorded() -> None:
    assert set(CASES) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_case(name: str) -> None:
    found, wanted = recorded.facts(tf, CASES[name]), GOLDEN[name]
    value, expected = found.pop("value", 0), wanted.get("value", 0)
    assert found == {key: item for key, item in wanted.items() if key != "value"}
    if isinstance(expected, dict):
        assert value == expected
    else:
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-5)


def test_pillow_is_imported_by_the_first_file_only() -> None:
    code = "import sys, retrograph as tf; tf.image.decode_jpeg; tf.image.decode_png(b''); print('PIL' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True
    )
    assert done.stdout.strip() == "False"


def bombs() -> dict[str, tuple[str, bytes]]:
    jpegs = recorded.jpeg_files()
    grey = bytearray(jpegs["grey"])
    place = grey.index(b"\xff\xc0") + 5
    grey[place : place + 4] = b"\x4e\x20\x4e\x20"
    large = recorded.gif(7, 9, (0, 0, 9, 7, 0, 0))
    size = large.index(b",", 30) + 5
    return {
        "png": ("decode_png", recorded.png(20000, 20000, 8, 6, lines=b"\0" * 99)),
        "jpeg": ("decode_jpeg", bytes(grey)),
        "jpeg too large": ("decode_jpeg", bytes(grey[:place]) + b"\xff" * 4 + bytes(grey[place + 4 :])),
        "gif": ("decode_gif", large[:size] + b"\xff" * 4 + large[size + 4 :]),
        "frames": ("decode_gif", recorded.gif(30000, 1, (0, 0, 1, 30000, 0, 0), (0, 0, 30000, 1, 0, 0))),
        "bmp": ("decode_bmp", recorded.bmp(5, 4, 3)[:18] + b"\xff\xff\0\0\xff\0\0\0" + recorded.bmp(5, 4, 3)[26:]),
    }


@pytest.mark.parametrize("name", sorted(bombs()))
def test_small_files_of_large_images_are_refused_at_once(name: str) -> None:
    how, data = bombs()[name]
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        start = time.monotonic()
        try:
            session.run(getattr(tf.image, how)(data))
        finally:
            # Reading any of them would take a gigabyte and many seconds.
            assert time.monotonic() - start < 5


def test_broken_files_never_raise_anything_else() -> None:
    random = np.random.RandomState(0)
    jpegs = recorded.jpeg_files()
    files = [
        *jpegs.values(),
        *recorded.png_files().values(),
        *recorded.gif_files().values(),
        *recorded.bmp_files().values(),
    ]
    contents = tf.placeholder(tf.string, [])
    image = tf.image.decode_image(contents)
    with tf.Session() as session:
        for data in files:
            broken = bytearray(data)
            for place in random.randint(0, max(1, len(data)), 4):
                if data:
                    broken[place] = random.randint(256)
            with contextlib.suppress(tf.errors.InvalidArgumentError):
                session.run(image, {contents: bytes(broken[: random.randint(len(data) // 2, len(data) + 1)])})


def test_exact_transform_without_smoothing_is_refused_by_name() -> None:
    image = tf.image.decode_jpeg(recorded.jpeg_files()["420"], dct_method="INTEGER_ACCURATE", fancy_upscaling=False)
    with tf.Session() as session, pytest.raises(tf.errors.UnimplementedError, match="fancy_upscaling"):
        session.run(image)


def test_png_files_come_back_as_they_were() -> None:
    random = np.random.RandomState(0)
    with tf.Session() as session:
        for dtype in (np.uint8, np.uint16):
            for channels in (1, 2, 3, 4):
                image = random.randint(0, np.iinfo(dtype).max, (11, 6, channels)).astype(dtype)
                again = tf.image.decode_png(tf.image.encode_png(tf.constant(image)), dtype=dtype)
                np.testing.assert_array_equal(session.run(again), image)


def test_images_become_files_beside_a_compiled_step() -> None:
    x = tf.placeholder(tf.float32, [2, 64, 64, 3])
    kernel = tf.get_variable("kernel", [3, 3, 3, 3])
    made = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")
    step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_mean(tf.square(made - 1)))
    files = tf.map_fn(tf.image.encode_png, tf.image.convert_image_dtype(made, tf.uint8, saturate=True), dtype=tf.string)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            _, found = session.run([step, files], {x: np.zeros([2, 64, 64, 3], np.float32)})
            assert [data[:4] for data in found] == [b"\x89PNG"] * 2


def test_hue_on_the_host_is_that_of_a_compiled_plan() -> None:
    images = np.random.RandomState(0).rand(40, 30, 30, 3).astype(np.float32)
    x = tf.placeholder(tf.float32, [None, 30, 30, 3])
    made = [tf.image.adjust_hue(x, 0.3), tf.image.adjust_saturation(x, 0.5), tf.image.rgb_to_hsv(x)]
    with tf.Session() as session:
        for many, one in zip(session.run(made, {x: images}), session.run(made, {x: images[:1]}), strict=True):
            np.testing.assert_allclose(many[:1], one, atol=1e-5)
