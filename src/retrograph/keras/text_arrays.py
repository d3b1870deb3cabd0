"""`tf.keras.preprocessing.text`: texts as sequences of numbers."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.framework.exports import export

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


@export("keras.preprocessing.text.text_to_word_sequence")
def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text. Source: TF 1.15 `tf.keras.preprocessing.text.text_to_word_sequence`."""
    text = text.lower() if lower else text
    return [word for word in text.translate({ord(c): split for c in filters}).split(split) if word]


@export("keras.preprocessing.text.hashing_trick")
def hashing_trick(
    text: str, n: int, hash_function: Any = None, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[int]:
    """Words as numbers below `n` by a hash function (Python's, or `md5`). Source: TF 1.15 `tf.keras.preprocessing.text.hashing_trick`."""
    function: Any = hash if hash_function is None else hash_function
    if function == "md5":
        function = lambda w: int(hashlib.md5(w.encode()).hexdigest(), 16)  # noqa: E731
    return [int(function(w) % (n - 1) + 1) for w in text_to_word_sequence(text, filters, lower, split)]


@export("keras.preprocessing.text.one_hot")
def one_hot(text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[int]:
    """Words as numbers below `n` by Python's hash function. Source: TF 1.15 `tf.keras.preprocessing.text.one_hot`."""
    return hashing_trick(text, n, hash, filters, lower, split)


@export("keras.preprocessing.text.Tokenizer")
class Tokenizer:
    """Numbers the words of texts by how often they come. Source: TF 1.15 `tf.keras.preprocessing.text.Tokenizer`."""

    def __init__(
        self, num_words: Any = None, filters: str = FILTERS, lower: bool = True, split: str = " ", char_level: bool = False, oov_token: Any = None, document_count: int = 0,
        **kwargs: Any,
    ):  # fmt: skip
        num_words = kwargs.pop("nb_words", num_words)
        if kwargs:
            raise TypeError("Unrecognized keyword arguments: " + str(kwargs))
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, document_count
        self.word_counts: OrderedDict[Any, int] = OrderedDict()
        self.word_docs: defaultdict[Any, int] = defaultdict(int)
        self.index_docs: defaultdict[int, int] = defaultdict(int)
        self.word_index: dict[Any, int] = {}
        self.index_word: dict[int, Any] = {}

    def _words(self, text: Any) -> Any:
        if not self.char_level and not isinstance(text, list):
            return text_to_word_sequence(text, self.filters, self.lower, self.split)
        if not self.lower:
            return text
        return [one.lower() for one in text] if isinstance(text, list) else text.lower()

    def fit_on_texts(self, texts: Any) -> None:
        """Counts the words of texts."""
        for text in texts:
            self.document_count += 1
            words = self._words(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts.items(), key=lambda item: item[1], reverse=True)
        known = ([] if self.oov_token is None else [self.oov_token]) + [word for word, _ in ranked]
        self.word_index = {word: i for i, word in enumerate(known, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Counts in how many sequences each number comes."""
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] += 1

    def _kept(self, items: Any, table: dict[Any, Any], index_of: Any, unknown: Any) -> list[Any]:
        """What a table says of items; what is beyond `num_words` or not there becomes the unknown, if there is one."""
        found = []
        for item in items:
            value = table.get(item)
            if value is not None and not (self.num_words and index_of(item, value) >= self.num_words):
                found.append(value)
            elif unknown is not None:
                found.append(unknown)
        return found

    def texts_to_sequences(self, texts: Any) -> list[list[int]]:
        """Texts as lists of numbers."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Any) -> Iterator[list[int]]:
        """Texts as lists of numbers, one after another."""
        unknown = self.word_index.get(self.oov_token)
        for text in texts:
            yield self._kept(self._words(text), self.word_index, lambda word, i: i, unknown)

    def sequences_to_texts(self, sequences: Any) -> list[str]:
        """Lists of numbers as texts."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Any) -> Iterator[str]:
        """Lists of numbers as texts, one after another."""
        index = self.word_index.get(self.oov_token)
        unknown = None if index is None else self.index_word[index]
        for sequence in sequences:
            yield " ".join(self._kept(sequence, self.index_word, lambda i, word: i, unknown))

    def texts_to_matrix(self, texts: Any, mode: str = "binary") -> np.ndarray:
        """Texts as rows with a place for each word."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode=mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """Lists of numbers as rows: `binary`, `count`, `freq` or `tfidf`. ValueError: nothing was counted, an unknown mode."""
        if not self.num_words and not self.word_index:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        width = self.num_words or len(self.word_index) + 1
        rows = np.zeros((len(sequences), width))
        for i, sequence in enumerate(sequences):
            counts: dict[int, int] = {}
            for j in sequence:
                if j < width:
                    counts[j] = counts.get(j, 0) + 1
            for j, count in counts.items():
                rows[i][j] = self._value(mode, j, count, len(sequence))
        return rows

    def _value(self, mode: str, index: int, count: int, length: int) -> Any:
        if mode == "tfidf":
            rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(index, 0)))
            return (1 + np.log(count)) * rarity
        values = {"count": count, "freq": count / length, "binary": 1}
        if mode not in values:
            raise ValueError("Unknown vectorization mode:", mode)
        return values[mode]

    def get_config(self) -> dict[str, Any]:
        """What the tokenizer was made with and has counted."""
        plain = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {**{n: getattr(self, n) for n in plain}, **{n: json.dumps(getattr(self, n)) for n in counted}}

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)
