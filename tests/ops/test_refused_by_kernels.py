"""What kernels refuse when they run, with the words of TensorFlow 1.15.5."""

from __future__ import annotations

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def _refused(fetch, feeds=None):
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run(fetch, feeds)
    return str(caught.value).partition("\n")[0]


def test_labels_and_logits():
    labels, logits = tf.placeholder(tf.int32), tf.placeholder(tf.float32)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits
    flat = loss(labels=labels, logits=[[7.0]])
    assert _refused(flat, {labels: 0}) == "labels must be 1-D, but got shape []"
    text = "Must have at least one class, but got logits shape [1,0]"
    assert _refused(loss(labels=labels, logits=logits), {labels: [0], logits: np.zeros((1, 0))}) == text


@pytest.mark.parametrize("code", [0x110000, -1])
def test_replacements_that_are_no_characters(code):
    text = "replacement_char out of unicode codepoint range"
    assert _refused(tf.strings.unicode_encode([72, -1], "UTF-8", replacement_char=code)) == text
    assert _refused(tf.strings.unicode_transcode("a", "UTF-8", "UTF-8", replacement_char=code)) == text


def test_replacements_that_are_halves_of_characters():
    encoded = [tf.strings.unicode_encode([72, -1], e, replacement_char=0xD800) for e in ("UTF-8", "UTF-16-BE")]
    with tf.Session() as session:
        assert session.run(encoded) == [b"H\xef\xbf\xbd", b"\x00H\xd8\x00"]
