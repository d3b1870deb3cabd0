"""Names of what splits texts, and shapes of drawn boxes, as in TF 1.15.5."""

from __future__ import annotations

import retrograph as tf


def test_split_takes_one_scope() -> None:
    with tf.Graph().as_default():
        assert tf.strings.split(["a b"]).values.name == "StringSplit/StringSplitV2:1"
        texts = tf.placeholder(tf.string, [None])
        assert (
            tf.strings.split(texts, result_type="RaggedTensor").values.name
            == "StringSplit_1/StringSplit/StringSplitV2:1"
        )


def test_boxes_on_images_of_unknown_rank() -> None:
    with tf.Graph().as_default():
        drawn = tf.image.draw_bounding_boxes(tf.placeholder(tf.float32), [[[0.0, 0.0, 1.0, 1.0]]])
        assert drawn.shape.ndims is None
