"""Variables that start from a checkpoint by vocabularies: rows and columns are found by the words they stand for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export


class _VocabInfo(NamedTuple):
    new_vocab: str
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: str
    old_vocab_size: int = -1
    backup_initializer: Any = None
    axis: int = 0


@export("train.VocabInfo", "estimator.VocabInfo")
class VocabInfo(_VocabInfo):
    """The words of a variable's rows (`axis` 0) or columns (1), now and in the checkpoint that it starts from.

    Raises: ValueError for another axis. Source: TF 1.15 `tf.train.VocabInfo`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> VocabInfo:
        made = super().__new__(cls, *args, **kwargs)
        if made.axis not in (0, 1):
            raise ValueError(
                f"The only supported values for the axis argument are 0 and 1.  Provided axis: {made.axis}"
            )
        return made


class _Vocabularies(NamedTuple):
    """What a matrix in a checkpoint and the one to make have in common."""

    ckpt_path: str
    old_tensor_name: str
    old_row_vocab_size: int
    old_row_vocab_file: str | None
    new_row_vocab_file: str | None
    old_col_vocab_file: str | None
    new_col_vocab_file: str | None
    max_rows_in_memory: int

    def check(self) -> None:
        """Raises ValueError unless rows or columns have both vocabularies."""
        for what in ("row", "col"):
            old, new = getattr(self, f"old_{what}_vocab_file"), getattr(self, f"new_{what}_vocab_file")
            if bool(old) != bool(new):
                raise ValueError(
                    f"old_{what}_vocab_file and new_{what}_vocab_file must both be specified or left unspecified. "
                    f"old_{what}_vocab_file='{old}', new_{what}_vocab_file='{new}'"
                )
        if not (self.new_row_vocab_file or self.new_col_vocab_file):
            raise ValueError(
                "Must provide either row or column vocab files. If no remapping is necessary, consider using "
                "`tf.contrib.framework.init_from_checkpoint` instead."
            )

    def matrix(self, offset: int, num_rows: int, num_cols: int, initializer: Any, oov_rows: int, oov_cols: int) -> Any:
        """`f32[num_rows + oov_rows, num_cols + oov_cols]`: what the checkpoint has, the rest from the initializer."""
        for name, count in (("row", oov_rows), ("col", oov_cols)):
            if count < 0:
                raise ValueError(f"num_{name}_oov_buckets must be >= 0, but received {count}")
        self.check()
        rows: Any = tf.range(offset, offset + num_rows, dtype=tf.int64)
        cols: Any = []
        rows_there: Any = num_rows
        cols_there: Any = num_cols
        if self.new_row_vocab_file:
            rows, rows_there = _remapping(
                self.new_row_vocab_file, self.old_row_vocab_file, offset, num_rows, self.old_row_vocab_size
            )
        if self.new_col_vocab_file:
            cols, cols_there = _remapping(self.new_col_vocab_file, self.old_col_vocab_file, 0, num_cols, -1)
        fill = initializer([num_rows * num_cols - rows_there * cols_there, 1])
        made = apply_op(
            "LoadAndRemapMatrix",
            None,
            ckpt_path=self.ckpt_path,
            old_tensor_name=self.old_tensor_name,
            row_remapping=rows,
            col_remapping=cols,
            initializing_values=fill,
            num_rows=num_rows,
            num_cols=num_cols,
            max_rows_in_memory=self.max_rows_in_memory,
        )
        if oov_rows > 0:
            made = tf.concat([made, tf.convert_to_tensor(initializer([oov_rows, num_cols]))], 0)
        if oov_cols > 0:
            made = tf.concat([made, tf.convert_to_tensor(initializer([num_rows + oov_rows, oov_cols]))], 1)
        return made


def _remapping(new_file: str, old_file: Any, offset: int, count: int, old_size: int) -> tuple[Any, Any]:
    made = apply_op(
        "GenerateVocabRemapping",
        None,
        new_vocab_file=new_file,
        old_vocab_file=old_file,
        new_vocab_offset=offset,
        num_new_vocab=count,
        old_vocab_size=old_size,
    )
    return made.remapping, made.num_present


def _checked(shape: Any, dtype: Any, width: int, cols: int, oov_cols: int) -> list[int]:
    sizes = [int(d) for d in shape]
    if dtype != tf.float32:
        raise TypeError(f"Currently, only float32 is supported. Received dtype: {dtype}")
    if len(sizes) != 2:
        raise ValueError(f"Expected 2-dim shape, but received: {shape}")
    if sizes[0] <= 0:
        raise ValueError(f"Expected 1st dim of shape to be > 0, but received shape: {shape}")
    if sizes[1] != width:
        raise ValueError(
            f"Expected 2nd dim of shape to be new_col_vocab_size ({cols}) + num_col_oov_buckets ({oov_cols}) = {width}, but "
            f"received shape: {shape}"
        )
    return sizes


@export("contrib.framework.load_and_remap_matrix_initializer")
def load_and_remap_matrix_initializer(
    ckpt_path: str, old_tensor_name: str, new_row_vocab_size: int, new_col_vocab_size: int, old_row_vocab_size: int = -1,
    old_row_vocab_file: str | None = None, new_row_vocab_file: str | None = None, old_col_vocab_file: str | None = None,
    new_col_vocab_file: str | None = None, num_row_oov_buckets: int = 0, num_col_oov_buckets: int = 0, initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Any]:  # fmt: skip
    """An initializer: rows and columns of a checkpoint's matrix by the words that they stand for, the rest by `initializer`.

    Raises: TypeError, ValueError for what does not fit. Source: TF 1.15 `load_and_remap_matrix_initializer`.
    """
    other = tf.zeros_initializer() if initializer is None else initializer
    if not callable(other):
        raise TypeError(f"initializer must be callable, instead of being {other} of type {type(other)}.")
    words = _Vocabularies(
        ckpt_path, old_tensor_name, old_row_vocab_size, old_row_vocab_file, new_row_vocab_file, old_col_vocab_file,
        new_col_vocab_file, max_rows_in_memory,
    )  # fmt: skip
    total = new_row_vocab_size + num_row_oov_buckets

    def make(shape: Any, dtype: Any = tf.float32, partition_info: Any = None) -> Any:
        width = new_col_vocab_size + num_col_oov_buckets
        rows = _checked(shape, dtype, width, new_col_vocab_size, num_col_oov_buckets)[0]
        offset = 0 if partition_info is None else partition_info.single_offset(shape)
        if offset + rows > total:
            raise ValueError(
                f"Trying to initialize {rows} additional rows after {offset} rows have already been initialized, which would "
                f"exceed expected total row count of new_row_vocab_size ({new_row_vocab_size}) + num_row_oov_buckets "
                f"({num_row_oov_buckets}) = {total}."
            )
        unknown = min(rows, max(0, offset + rows - new_row_vocab_size))
        if offset > new_row_vocab_size:
            return other(shape)
        return words.matrix(offset, rows - unknown, new_col_vocab_size, other, unknown, num_col_oov_buckets)

    return make


@export("contrib.framework.load_embedding_initializer")
def load_embedding_initializer(
    ckpt_path: str, embedding_tensor_name: str, new_vocab_size: int, embedding_dim: int, old_vocab_file: str,
    new_vocab_file: str, old_vocab_size: int = -1, num_oov_buckets: int = 0, initializer: Any = None,
    max_rows_in_memory: int = -1,
) -> Callable[..., Any]:  # fmt: skip
    """An initializer: rows of a checkpoint's embedding by their words.

    Source: TF 1.15 `tf.contrib.framework.load_embedding_initializer`.
    """
    other = initializer or tf.truncated_normal_initializer(stddev=1.0 / math.sqrt(embedding_dim))
    return load_and_remap_matrix_initializer(
        ckpt_path, embedding_tensor_name, new_vocab_size, embedding_dim, old_vocab_size, old_vocab_file, new_vocab_file,
        num_row_oov_buckets=num_oov_buckets, initializer=other, max_rows_in_memory=max_rows_in_memory,
    )  # fmt: skip


def _load_and_remap_matrix(
    ckpt_path: str, old_tensor_name: str, new_row_vocab_offset: int, num_rows_to_load: int, new_col_vocab_size: int,
    initializer: Any, old_row_vocab_size: int = -1, old_row_vocab_file: str | None = None,
    new_row_vocab_file: str | None = None, old_col_vocab_file: str | None = None, new_col_vocab_file: str | None = None,
    num_row_oov_buckets: int = 0, num_col_oov_buckets: int = 0, max_rows_in_memory: int = -1,
) -> Any:  # fmt: skip
    words = _Vocabularies(
        ckpt_path, old_tensor_name, old_row_vocab_size, old_row_vocab_file, new_row_vocab_file, old_col_vocab_file,
        new_col_vocab_file, max_rows_in_memory,
    )  # fmt: skip
    return words.matrix(
        new_row_vocab_offset,
        num_rows_to_load,
        new_col_vocab_size,
        initializer,
        num_row_oov_buckets,
        num_col_oov_buckets,
    )


_load_and_remap_matrix_initializer = load_and_remap_matrix_initializer
_load_embedding_initializer = load_embedding_initializer
