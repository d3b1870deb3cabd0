"""Images of `scipy.misc`; the numbers are SciPy 1.1's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrograph.compat import scipy_misc as misc

GREY = np.arange(12.0).reshape(3, 4) / 4 - 1


def test_values_are_scaled_to_bytes() -> None:
    assert misc.bytescale(GREY).tolist() == [[0, 23, 46, 70], [93, 116, 139, 162], [185, 209, 232, 255]]
    expected = [[100, 100, 100, 100], [100, 125, 150, 175], [200, 200, 200, 200]]
    assert misc.bytescale(GREY, 0, 1, 200, 100).tolist() == expected
    with pytest.raises(ValueError, match="`high` should be greater than or equal to `low`"):
        misc.bytescale(GREY, high=1, low=5)


def test_sizes_are_given_in_three_ways() -> None:
    assert misc.imresize(GREY, (2, 3)).tolist() == [[42, 70, 98], [158, 186, 213]]
    assert misc.imresize(GREY, 50, "nearest").tolist() == [[116, 162]]
    assert misc.imresize(GREY, 1.5, "bicubic").shape == (4, 6)


def test_modes_and_channels() -> None:
    assert misc.fromimage(misc.toimage(GREY, mode="F")).tolist() == GREY.tolist()
    assert misc.toimage(GREY, mode="I").mode == "I"
    assert misc.toimage(GREY, mode="P").getpalette()[:6] == [0, 0, 0, 1, 1, 1]
    channels_first = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
    assert np.array_equal(misc.fromimage(misc.toimage(channels_first)), channels_first.transpose(1, 2, 0))
    assert misc.imrotate(GREY, 90).tolist() == [[58, 104, 197, 0], [34, 81, 174, 0], [11, 58, 150, 0]]


@pytest.mark.parametrize(
    ("array", "given", "words"),
    [
        (np.zeros((2, 2, 2)), {}, "'arr' does not have a suitable array shape for any mode"),
        (GREY * 1j, {}, "Cannot convert a complex-valued array"),
        (GREY, {"mode": "RGB"}, "Mode is unknown or incompatible with input array shape"),
        (np.zeros((4, 5, 6)), {"mode": "RGB"}, "Invalid array shape for mode"),
        (np.zeros((3, 5, 6)), {"channel_axis": 2}, "Channel axis dimension is not valid"),
    ],
)
def test_arrays_that_are_no_images(array: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        misc.toimage(array, **given)


def test_files(tmp_path: Path) -> None:
    name = str(tmp_path / "x.png")
    misc.imsave(name, GREY)
    assert np.array_equal(misc.imread(name), misc.bytescale(GREY))
    assert misc.imread(name, mode="RGB").shape == (3, 4, 3)
    assert misc.imread(name, flatten=True).dtype == np.float32
    with pytest.raises(ValueError, match="Unknown filter type"):
        misc.imfilter(GREY, "none")
