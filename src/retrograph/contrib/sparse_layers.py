"""Sparse tensors from dense ones, as `tf.contrib.layers` makes them, and unique embedding lookups."""

from __future__ import annotations

import numbers
from typing import Any

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.layer_parts import collect_named_outputs, exported


def _ignored(dtype: Any, ignore_value: Any) -> Any:
    if ignore_value is None:
        ignore_value = "" if dtype == tf.string else dtype.as_numpy_dtype()
    return tf.cast(ignore_value, dtype, name="ignore_value")


def dense_to_sparse_tensor(dense_tensor: Any, ignore_value: Any = None) -> Any:
    """The elements that are not `ignore_value` (0 or ''). Source: TF 1.15 `tf.contrib.layers.dense_to_sparse`."""
    with tf.name_scope("DenseToSparseTensor"):
        dense = tf.convert_to_tensor(dense_tensor)
        indices = tf.where(tf.not_equal(dense, _ignored(dense.dtype, ignore_value)), name="indices")
        values = tf.gather_nd(dense, indices, name="values")
        return tf.SparseTensor(indices, values, tf.shape(dense, out_type=tf.int64, name="dense_shape"))


def indicators_to_sparse_ids(indicators: Any, ignore_value: Any = None, dtype: Any = tf.int64) -> Any:
    """The places in each row that are not `ignore_value`, as sparse ids. Source: TF 1.15 `sparse_ops`."""
    if not dtype.is_integer:
        raise ValueError(f"Invalid dtype {dtype} not integer.")
    with tf.name_scope(None, "indicators_to_sparse_ids", (indicators, ignore_value)):
        indicators = tf.convert_to_tensor(indicators, name="indicators")
        missing = tf.equal(indicators, _ignored(indicators.dtype, ignore_value), name="missing")
        zeros = tf.zeros_like(indicators, dtype=tf.int64, name="zeros")
        ones = tf.ones_like(indicators, dtype=tf.int64, name="ones")
        binary = tf.where(missing, zeros, ones, name="binary_indicators")
        places = tf.where(missing, zeros, tf.cumsum(binary, axis=-1), "row_index_indicators")
        last = tf.reshape(tf.reduce_max(places), shape=(1,), name="result_last_dim")
        sparse = dense_to_sparse_tensor(places, ignore_value=0)
        columns = (sparse.indices[:, :-1], tf.reshape(sparse.values - 1, (-1, 1)))
        return tf.SparseTensor(
            indices=tf.concat(columns, axis=1, name="indices"),
            values=tf.cast(sparse.indices[:, -1], dtype=dtype, name="values"),
            dense_shape=tf.concat((sparse.dense_shape[0:-1], last), axis=0, name="dense_shape"),
        )


def sparse_row_envelope(sparse_input: Any, row_axis: int = 0, col_axis: int = 1, name: str | None = None) -> Any:
    """`i64[rows]`: one more than the last column of each row that has an element. Source: TF 1.15 `sparse_ops`."""
    if not (isinstance(row_axis, numbers.Integral) and isinstance(col_axis, numbers.Integral)):
        raise ValueError("`row_axis` and `col_axis` must be integers.")
    if row_axis == col_axis:
        raise ValueError("Row and column can not be the same axis.")
    with tf.name_scope(name, "sparse_row_envelope", [sparse_input]):
        indices = sparse_input.indices
        rows, columns = indices[:, row_axis], indices[:, col_axis]
        count = tf.cast(sparse_input.dense_shape[row_axis], tf.int32)
        envelope = tf.math.unsorted_segment_max(columns + 1, rows, count, name=name)
        zeros = tf.zeros_like(envelope)
        return tf.where(envelope > zeros, envelope, zeros)


@exported("embedding_lookup_unique")
def embedding_lookup_unique(params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None) -> Any:
    """As `tf.nn.embedding_lookup`, looking each different id up once.

    Source: TF 1.15 `tf.contrib.layers.embedding_lookup_unique`.
    """
    with tf.name_scope(name, "EmbeddingLookupUnique", [params, ids]):
        ids = tf.convert_to_tensor(ids)
        shape = tf.shape(ids)
        unique_ids, index = tf.unique(tf.reshape(ids, tf.reduce_prod(shape, keepdims=True)))
        rows = tf.nn.embedding_lookup(params, unique_ids, partition_strategy)
        found = tf.reshape(tf.gather(rows, index), tf.concat([shape, tf.shape(rows)[1:]], 0))
        found.set_shape(ids.get_shape().concatenate(rows.get_shape()[1:]))
        return found


@exported("dense_to_sparse")
@add_arg_scope
def dense_to_sparse(tensor: Any, eos_token: int = 0, outputs_collections: Any = None, scope: Any = None) -> Any:
    """The elements that are not `eos_token`. Source: TF 1.15 `tf.contrib.layers.dense_to_sparse`."""
    with tf.variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
        dense = tf.convert_to_tensor(tensor)
        indices = tf.where(tf.not_equal(dense, tf.constant(eos_token, dense.dtype)))
        values = tf.gather_nd(dense, indices)
        sparse = tf.SparseTensor(indices, values, tf.shape(dense, out_type=tf.int64))
        return collect_named_outputs(outputs_collections, sc.name, sparse)
