"""`tf.contrib.learn.preprocessing` gives the numbers that TF 1.15 gave."""

import numpy as np
import pytest

import retrograph as tf

TEXTS = ["The cat's HTTPServer", "the dog-house camelCase 42", "the the dog"]


def _processor(*args, **kwargs):
    return tf.contrib.learn.preprocessing.VocabularyProcessor(*args, **kwargs)


def test_words_in_order_of_appearance():
    processor = _processor(5)
    rows = np.array(list(processor.fit_transform(TEXTS)))
    assert rows.dtype == np.int64
    assert rows.tolist() == [[1, 2, 3, 4, 0], [5, 6, 7, 8, 0], [5, 5, 9, 0, 0]]
    assert len(processor.vocabulary_) == 10
    assert next(iter(processor.transform(["unseen dog"]))).tolist() == [0, 9, 0, 0, 0]
    assert list(processor.reverse([[5, 9, 0]])) == ["the dog <UNK>"]


def test_trimming_puts_frequent_words_first():
    processor = _processor(4, min_frequency=1).fit(["b a b c a b", "d"])
    assert [row.tolist() for row in processor.transform(["a b c d"])] == [[2, 1, 0, 0]]


def test_saved_and_restored(tmp_path):
    processor = _processor(3).fit(TEXTS)
    processor.save(str(tmp_path / "vocab"))
    restored = tf.contrib.learn.preprocessing.VocabularyProcessor.restore(str(tmp_path / "vocab"))
    assert [r.tolist() for r in restored.transform(TEXTS)] == [r.tolist() for r in processor.transform(TEXTS)]


def test_bytes():
    processor = tf.contrib.learn.preprocessing.ByteProcessor(4)
    rows = list(processor.transform(["h\u00e9", b"abcdef"]))
    assert [r.tolist() for r in rows] == [[104, 195, 169, 0], [97, 98, 99, 100]]
    assert list(processor.reverse(rows)) == ["h\u00e9", "abcd"]


def test_without_reverse():
    vocabulary = tf.contrib.learn.preprocessing.CategoricalVocabulary(support_reverse=False)
    with pytest.raises(ValueError, match="support_reverse"):
        vocabulary.reverse(0)
