"""`tf.contrib.learn.preprocessing`: texts as rows of word or byte numbers."""

from __future__ import annotations

import collections
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.platform import gfile

_MODULE = "tensorflow.contrib.learn.python.learn.preprocessing"
_INSTEAD = "Please use tensorflow/transform or tf.data."
_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|['\w\-]+")


@export("contrib.learn.preprocessing.tokenizer")
@deprecated(_INSTEAD, f"{_MODULE}.text")
def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """The words of each text: runs of letters, digits, `'` and `-`, cut before a capital inside a word.

    Source: TF 1.15 `tf.contrib.learn.preprocessing.tokenizer`.
    """
    return (_WORDS.findall(value) for value in iterator)


@export("contrib.learn.preprocessing.CategoricalVocabulary")
class CategoricalVocabulary:
    """Numbers for categories, in the order of their first appearance; 0 is the unknown one.

    Source: TF 1.15 `tf.contrib.learn.preprocessing.CategoricalVocabulary`.
    """

    @deprecated(_INSTEAD, f"{_MODULE}.categorical_vocabulary")
    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True):
        self._unknown_token, self._support_reverse = unknown_token, support_reverse
        self._freq: dict[Any, int] = collections.defaultdict(int)
        self._freeze = False
        self._start()

    def _start(self) -> None:
        self._mapping: dict[Any, int] = {self._unknown_token: 0}
        if self._support_reverse:
            self._reverse_mapping: list[Any] = [self._unknown_token]

    def __len__(self) -> int:
        return len(self._mapping)

    def freeze(self, freeze: bool = True) -> None:
        """From now on new categories are unknown ones; or no longer."""
        self._freeze = freeze

    def get(self, category: Any) -> int:
        """The number of a category, a new one if it is new."""
        if category not in self._mapping:
            if self._freeze:
                return 0
            self._append(category)
        return self._mapping[category]

    def _append(self, category: Any) -> None:
        self._mapping[category] = len(self._mapping)
        if self._support_reverse:
            self._reverse_mapping.append(category)

    def add(self, category: Any, count: int = 1) -> None:
        """Counts a category."""
        if self.get(category) > 0:
            self._freq[category] += count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Keeps the categories that came up more than `min_frequency` times, the most frequent ones first."""
        by_name = sorted(self._freq.items(), key=lambda item: (isinstance(item[0], str), item[0]))
        by_count = sorted(by_name, key=lambda item: item[1], reverse=True)
        self._start()
        for category, count in by_count:
            if count > min_frequency and not 0 < max_frequency <= count:
                self._append(category)
        # TF keeps as many of the most frequent, those left out at the top among them.
        self._freq = dict(by_count[: len(self._mapping) - 1])

    def reverse(self, class_id: int) -> Any:
        """The category of a number.

        Raises: ValueError if the vocabulary was made without that.
        """
        if not self._support_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._reverse_mapping[class_id]


@export("contrib.learn.preprocessing.ByteProcessor")
class ByteProcessor:
    """Texts as rows of bytes: `u8[max_document_length]`.

    Source: TF 1.15 `tf.contrib.learn.preprocessing.ByteProcessor`.
    """

    @deprecated(_INSTEAD, f"{_MODULE}.text")
    def __init__(self, max_document_length: int):
        self.max_document_length = max_document_length

    def fit(self, x: Any) -> None:
        """Nothing is learned."""

    def fit_transform(self, x: Iterable[str | bytes]) -> Iterator[Any]:
        """The rows of texts."""
        return self.transform(x)

    def transform(self, x: Iterable[str | bytes]) -> Iterator[Any]:
        """The rows of texts, cut or filled up with zeros."""
        for document in x:
            data = document.encode() if isinstance(document, str) else document
            row = np.zeros(self.max_document_length, np.uint8)
            part = np.frombuffer(data[: self.max_document_length], np.uint8)
            row[: len(part)] = part
            yield row

    def reverse(self, x: Iterable[Any]) -> Iterator[str]:
        """The texts of rows; an empty one for bytes that are no UTF-8."""
        for row in x:
            try:
                yield np.trim_zeros(row.astype(np.uint8), trim="b").tobytes().decode()
            except UnicodeDecodeError:
                yield ""


@export("contrib.learn.preprocessing.VocabularyProcessor")
class VocabularyProcessor:
    """Texts as rows of word numbers: `i64[max_document_length]`.

    >>> processor = tf.contrib.learn.preprocessing.VocabularyProcessor(4)
    >>> [row.tolist() for row in processor.fit_transform(["a cat", "a dog is a dog"])]
    [[1, 2, 0, 0], [1, 3, 4, 1]]

    Source: TF 1.15 `tf.contrib.learn.preprocessing.VocabularyProcessor`.
    """

    @deprecated(_INSTEAD, f"{_MODULE}.text")
    def __init__(
        self,
        max_document_length: int,
        min_frequency: int = 0,
        vocabulary: CategoricalVocabulary | None = None,
        tokenizer_fn: Callable[[Iterable[str]], Iterable[list[str]]] | None = None,
    ):
        self.max_document_length, self.min_frequency = max_document_length, min_frequency
        self.vocabulary_ = vocabulary or CategoricalVocabulary()
        self._tokenizer: Any = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> VocabularyProcessor:
        """Learns the words of texts."""
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self.vocabulary_.add(token)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Iterable[str], unused_y: Any = None) -> Iterator[Any]:
        """Learns the words of texts and gives their rows."""
        self.fit(raw_documents)
        return self.transform(raw_documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[Any]:
        """The rows of texts, cut or filled up with zeros."""
        for tokens in self._tokenizer(raw_documents):
            row = np.zeros(self.max_document_length, np.int64)
            for place, token in zip(range(self.max_document_length), tokens, strict=False):
                row[place] = self.vocabulary_.get(token)
            yield row

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """The words of rows, joined by blanks."""
        for row in documents:
            yield " ".join(self.vocabulary_.reverse(number) for number in row)

    def save(self, filename: str) -> None:
        """Pickles the processor."""
        with gfile.GFile(filename, "wb") as file:
            file.write(pickle.dumps(self))

    @classmethod
    def restore(cls, filename: str) -> VocabularyProcessor:
        """A processor that was pickled, by TF 1.15 too. A pickle can run any code: open your own ones only."""
        with gfile.GFile(filename, "rb") as file:
            restored: VocabularyProcessor = pickle.loads(file.read())
        return restored
