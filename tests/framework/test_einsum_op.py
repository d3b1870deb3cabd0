"""The operations Einsum and CompareAndBitpack of imported graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import retrograph as tf


def _imported(op_type: str, inputs: list[Any], **attrs: Any) -> Any:
    return tf.get_default_graph().create_op(op_type, inputs, attrs=attrs).outputs[0]


def _einsum(equation: str, *inputs: Any) -> Any:
    value = lambda **fields: tf.AttrValue(**fields)  # noqa: E731
    types = {"N": value(i=len(inputs)), "T": value(type=inputs[0].dtype.as_datatype_enum)}
    return _imported("Einsum", list(inputs), equation=value(s=equation.encode()), **types)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (7, 3, 4)]),
        ("ijj,jk...k->i...", [(3, 2, 2), (2, 4, 1, 4)]),
        ("aab->a", [(3, 3, 4)]),
        ("->", [()]),
    ],
)
def test_einsum_gives_what_numpy_gives(equation: str, shapes: list[tuple[int, ...]]) -> None:
    random = np.random.RandomState(0)
    arrays = [np.array(random.randn(*s)) for s in shapes]
    with tf.Graph().as_default(), tf.Session() as session:
        fed = [tf.placeholder(tf.float64, s) for s in shapes]
        result = _einsum(equation, *fed)
        expected = np.einsum(equation, *arrays)
        assert result.shape.as_list() == list(expected.shape)
        np.testing.assert_allclose(session.run(result, dict(zip(fed, arrays, strict=True))), expected, atol=1e-12)


def test_einsum_has_gradients() -> None:
    with tf.Graph().as_default(), tf.Session():
        a, b = tf.constant([[1.0, 2.0]], tf.float64), tf.constant([[3.0], [5.0]], tf.float64)
        product = _einsum("ij,jk->ik", a, b)
        assert [g.eval().tolist() for g in tf.gradients(product, [a, b])] == [[[3.0, 5.0]], [[1.0], [2.0]]]


@pytest.mark.parametrize(
    ("equation", "shapes", "text"),
    [
        ("ij,jk->ik", [(1, 2, 3), (3, 4)], "rank 2 but got 3"),
        ("ij,jk->ik", [(2, 3), (4, 4)], "must be equal"),
        ("...ij,...jk->ik", [(2, 2, 3), (3, 4)], "must have an ellipsis"),
        ("ij,jk", [(2, 3), (3, 4)], "exactly one '->'"),
    ],
)
def test_einsum_refuses_what_does_not_fit(equation: str, shapes: list[tuple[int, ...]], text: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        _einsum(equation, *[tf.zeros(s) for s in shapes])


def test_bits_of_what_is_larger() -> None:
    x = np.random.RandomState(0).randn(3, 16).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        kind = {"T": tf.AttrValue(type=tf.float32.as_datatype_enum)}
        fed = tf.placeholder(tf.float32, [3, 16])
        packed = _imported("CompareAndBitpack", [fed, tf.constant(0.5)], **kind)
        assert (packed.dtype, packed.shape.as_list()) == (tf.uint8, [3, 2])
        np.testing.assert_array_equal(session.run(packed, {fed: x}), np.packbits(x > 0.5, axis=-1))
        with pytest.raises(ValueError, match="should be divisible by 8"):
            _imported("CompareAndBitpack", [tf.zeros([3, 9]), tf.constant(0.5)], **kind)
