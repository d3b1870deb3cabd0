"""`tf.contrib.layers`: crosses of features, buckets, and embeddings scattered over a row of weights."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.apply import apply_op
from retrograph.framework.exports import export, export_value
from retrograph.ops import sparse_cross
from retrograph.ops.sparse_rows import host_row
from retrograph.variables.partition import PartitionedVariable

SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY = 0xDECAFCAFFE
for _package in ("layers", "slim"):
    export_value(
        f"contrib.{_package}.SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY", SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY,
        attribute="SPARSE_FEATURE_CROSS_DEFAULT_HASH_KEY",
    )  # fmt: skip
_SHAPES = [(None, 2), (None,), (2,)]


def _crossed_before_keys(op: Any, *inputs: Any) -> Any:
    return sparse_cross._crossed(op, *inputs, combine=sparse_cross.combined_before_keys)


host_row("SparseFeatureCrossV2", lambda c: list(_SHAPES), sparse_cross._crossed)
host_row("SparseFeatureCross", lambda c: list(_SHAPES), _crossed_before_keys)


def _taken(values: Any) -> Any:
    return values if values.dtype == tf.string else tf.cast(values, tf.int64)


@export("contrib.slim.sparse_feature_cross")
def sparse_feature_cross(
    inputs: Any, hashed_output: bool = False, num_buckets: int = 0, name: str | None = None, hash_key: Any = None
) -> Any:
    """The combinations of what columns hold in the same row, as texts or hashes.

    Raises TypeError: no list of tensors. Source: TF 1.15 `tf.contrib.slim.sparse_feature_cross`.
    """
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(i, tf.SparseTensor | tf.Tensor) for i in inputs):
        raise TypeError("All inputs must be SparseTensors")
    sparse = [i for i in inputs if isinstance(i, tf.SparseTensor)]
    values = [_taken(s.values) for s in sparse]
    dense = [_taken(i) for i in inputs if not isinstance(i, tf.SparseTensor)]
    numbers = any(t.dtype == tf.int64 for t in (*values, *dense))
    keyed = {"hash_key": hash_key} if hash_key else {}
    parts = apply_op(
        "SparseFeatureCrossV2" if hash_key else "SparseFeatureCross", name, indices=[s.indices for s in sparse],
        values=values, shapes=[s.dense_shape for s in sparse], dense=dense, hashed_output=hashed_output,
        num_buckets=num_buckets, out_type=tf.int64 if hashed_output else tf.string,
        internal_type=tf.int64 if numbers else tf.string, **keyed,
    )  # fmt: skip
    return tf.SparseTensor(*parts)


@export("contrib.slim.bucketize")
def bucketize(input_tensor: Any, boundaries: Any, name: str | None = None) -> Any:
    """i32[...]: between which boundaries each element lies. Source: TF 1.15 `tf.contrib.slim.bucketize`."""
    return apply_op("Bucketize", name, input=input_tensor, boundaries=boundaries)


def _parts(params: Any) -> list[Any]:
    return list(params) if isinstance(params, list | PartitionedVariable) else [params]


@export("contrib.slim.scattered_embedding_lookup")
def scattered_embedding_lookup(
    params: Any, values: Any, dimension: Any, name: str | None = None, hash_key: Any = None
) -> Any:
    """f32[..., dimension]: weights found by hashes of a value and a place. Raises ValueError: no or a bad dimension.

    Source: TF 1.15 `tf.contrib.slim.scattered_embedding_lookup`.
    """
    if dimension is None:
        raise ValueError("You must specify dimension.")
    return _sampled_scattered_embedding_lookup(params, values, dimension=dimension, hash_key=hash_key, name=name)


def _sampled_scattered_embedding_lookup(
    params: Any, values: Any, dimension: Any = None, sampled_candidates: Any = None, name: str | None = None,
    hash_key: Any = None,
) -> Any:  # fmt: skip
    """As `scattered_embedding_lookup`, of some places of each row only if they are given."""
    tables = _parts(params)
    with tf.name_scope(name, "scattered_embedding_lookup", [*tables, dimension, values]):
        shape = tf.shape(values)
        values = tf.reshape(values, [-1, 1])
        if sampled_candidates is None:
            if dimension is None:
                raise ValueError("You must specify either dimension or sampled_candidates.")
            if dimension <= 0:
                raise ValueError(f"Dimension must be >0. Given is {dimension}")
            places = tf.tile(tf.expand_dims(tf.range(0, dimension), 0), tf.shape(values))
        else:
            dimension, places = _checked_places(sampled_candidates, shape)
        ids = sparse_feature_cross(
            [places, values], hashed_output=True, num_buckets=_checked_size(tables), hash_key=hash_key
        )
        found = tf.nn.embedding_lookup(tables, tf.sparse_tensor_to_dense(ids), partition_strategy="div")
        return tf.reshape(found, tf.concat([shape, [dimension]], 0))


def _checked_places(candidates: Any, values_shape: Any) -> tuple[Any, Any]:
    """(how many places of each value, the places of each row), their shape checked when it is run."""
    dimension = tf.shape(candidates)[tf.subtract(tf.rank(candidates), 1)]
    shape = tf.shape(candidates)
    wanted = tf.concat([values_shape, tf.reshape(dimension, shape=[1])], 0)
    words = ["The shape of sampled_candidates: ", shape, " does not match the shape of values: ", values_shape]
    with tf.control_dependencies([tf.Assert(tf.reduce_all(tf.equal(shape, wanted)), words)]):
        return dimension, tf.reshape(candidates, [-1, dimension])


def _sampled_scattered_embedding_lookup_sparse(
    params: Any, sp_values: Any, dimension: Any = None, sampled_candidates: Any = None, hash_key: Any = None,
    with_sign_hash: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """f32[rows, dimension]: the sums of each row. Raises TypeError: no sparse values."""
    if not isinstance(sp_values, tf.SparseTensor):
        raise TypeError("sp_values must be SparseTensor")
    given = [sp_values, params, dimension, sampled_candidates]
    with tf.name_scope(name, "sampled_scattered_embedding_lookup_sparse", given) as scope:
        segments = sp_values.indices[:, 0]
        if sampled_candidates is not None:
            sampled_candidates = tf.gather(sampled_candidates, segments)

        def looked_up(table: Any, kind: str) -> Any:
            return _sampled_scattered_embedding_lookup(
                table, sp_values.values, dimension, sampled_candidates, kind, hash_key
            )

        found = looked_up(params, "values_lookup")
        if with_sign_hash:
            signs = looked_up(tf.constant([-1.0, 1.0]), "signs_lookup")
            found = tf.multiply(signs, found, name="signs_hash")
        if segments.dtype != tf.int32:
            segments = tf.cast(segments, tf.int32)
        rows = tf.shape(sp_values)[0]
        return tf.math.unsorted_segment_sum(found, segments, num_segments=rows, name=scope)


def _checked_size(tables: list[Any]) -> int:
    """How many weights there are. Raises ValueError: the parts are not of equal size."""
    sizes: list[int] = []
    for table in tables:
        shape = table.get_shape()
        shape.assert_has_rank(1)
        shape.assert_is_fully_defined()
        sizes.append(shape.as_list()[0])
    total, count = sum(sizes), len(tables)
    for place, size in enumerate(sizes):
        wanted = (total - place - 1) // count + 1
        if size != wanted:
            raise ValueError(f"Tensor {place} in params has size {size}, expected {wanted}.")
    return total


_COMBINERS = {"sum": tf.sparse_segment_sum, "mean": tf.sparse_segment_mean, "sqrtn": tf.sparse_segment_sqrt_n}


@export("contrib.slim.scattered_embedding_lookup_sparse")
def scattered_embedding_lookup_sparse(
    params: Any, sparse_values: Any, dimension: Any, combiner: str | None = None, default_value: Any = None,
    name: str | None = None, hash_key: Any = None,
) -> Any:  # fmt: skip
    """f32[rows, dimension]: the scattered embeddings of each row combined.

    Raises TypeError: no sparse values; ValueError: another combiner.
    Source: TF 1.15 `tf.contrib.slim.scattered_embedding_lookup_sparse`.
    """
    if combiner is None:
        tf.logging.warning('The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.')
        combiner = "mean"
    tables = _parts(params)
    if not isinstance(sparse_values, tf.SparseTensor):
        raise TypeError("sparse_values must be SparseTensor")
    with tf.name_scope(name, "scattered_embedding_lookup_sparse", [*tables, sparse_values]) as scope:
        if default_value is None:
            # Of an empty row: what no row is likely to hold.
            default_value = "6ZxWzWOHxZ" if sparse_values.dtype == tf.string else 1288896567
        sparse_values, _ = tf.sparse_fill_empty_rows(sparse_values, default_value)
        segments = sparse_values.indices[:, 0]
        if segments.dtype != tf.int32:
            segments = tf.cast(segments, tf.int32)
        values, index = tf.unique(sparse_values.values)
        found = scattered_embedding_lookup(tables, values, dimension, hash_key=hash_key)
        if combiner not in _COMBINERS:
            raise ValueError("Combiner must be one of 'mean', 'sqrtn' or 'sum'.")
        return _COMBINERS[combiner](found, index, segments, name=scope)
