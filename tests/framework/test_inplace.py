"""`tensorflow.python.ops.inplace_ops`: rows replaced, added to, taken from; what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

import retrograph as tf
from retrograph.ops import inplace

X = [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("function", "place", "value", "expected"),
    [
        (inplace.alias_inplace_update, 1, [7, 8], [[1, 2], [7, 8], [5, 6]]),
        (inplace.inplace_add, [0, -1], [[1, 1], [2, 2]], [[2, 3], [3, 4], [7, 8]]),
        (inplace.inplace_sub, None, X, [[0, 0]] * 3),
    ],
)
@pytest.mark.parametrize("fed", [True, False])
def test_rows(function: Any, place: Any, value: Any, expected: Any, fed: bool) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.int32, [3, 2]) if fed else tf.constant(X)
        result = function(x, place, value)
        assert result.shape.as_list() == [3, 2]
        assert session.run(result, {x: X} if fed else None).tolist() == expected


def test_empty_tensors_are_zeros() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(inplace.empty([2], tf.float32)).tolist() == [0, 0]
        assert session.run(inplace.empty_like(["a", "b"])).tolist() == [b"", b""]


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        ([[0]], [[9, 9]], "must be a vector"),
        ([0], [9], "ranks differ"),
        ([0, 1], [[9, 9]], "i and x shape doesn't match"),
    ],
)
def test_what_does_not_fit_is_refused(place: Any, value: Any, text: str) -> None:
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=text):
        session.run(inplace.inplace_update(X, place, value))
