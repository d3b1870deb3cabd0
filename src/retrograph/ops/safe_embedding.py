"""Embeddings of sparse ids that may be invalid or missing: `tf.nn.safe_embedding_lookup_sparse`."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes, logger
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape, dimension_value
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array, cast, joining, reduction, strided_slice
from retrograph.ops.check import assert_same_float_dtype
from retrograph.ops.embedding import embedding_lookup_sparse
from retrograph.ops.gather import gather
from retrograph.ops.raw import raw
from retrograph.ops.selecting import where
from retrograph.ops.sparse import sparse_fill_empty_rows, sparse_reshape, sparse_retain
from retrograph.variables.partition import PartitionedVariable
from retrograph.variables.resource import ResourceVariable


def _tables(weights: Any, dtype: Any) -> list[Any]:
    tables = list(weights) if isinstance(weights, PartitionedVariable) else weights
    tables = tables if isinstance(tables, list) else [tables]
    if weights is None or not tables:
        raise ValueError(f"Missing embedding_weights {weights}.")
    return [
        w if isinstance(w, ResourceVariable) and dtype in (None, w.dtype) else convert_to_tensor(w, dtype=dtype)
        for w in tables
    ]


def _kept(ids: Any, weights: Any, valid: Any) -> tuple[Any, Any]:
    return sparse_retain(ids, valid), None if weights is None else sparse_retain(weights, valid)


def _valid(ids: Any, weights: Any, combiner: str | None) -> tuple[Any, Any]:
    """The ids that are not negative and (unless weights just add up) whose weights are positive."""
    valid = raw("GreaterEqual", ids.values, 0)
    if weights is not None:
        valid = raw("LogicalAnd", valid, array.ones_like(weights.values, dtype=dtypes.bool))
    ids, weights = _kept(ids, weights, valid)
    if combiner == "sum" or weights is None:
        return ids, weights
    return _kept(ids, weights, raw("Greater", weights.values, 0))


def _as_matrix(ids: Any, rank: Any) -> Any:
    shape = ids.dense_shape
    rows = reduction.reduce_prod(strided_slice.slice(shape, [0], [rank - 1]))
    return sparse_reshape(ids, [rows, gather(shape, rank - 1)])


def _zero_rows(result: Any, empty: Any, scope: str) -> Any:
    column = array.reshape(empty, [-1, 1])
    sizes: Any = array.shape(result)
    wide = joining.tile(column, joining.stack([1, sizes[1]]))
    return where(wide, array.zeros_like(result), result, name=scope)


@export("nn.safe_embedding_lookup_sparse")
def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: Any = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
) -> Tensor:
    """As `tf.nn.embedding_lookup_sparse`, leaving out negative ids and weights that are not positive.

    Rows without ids get the embedding of `default_id`, or zeros. The ids may have any rank: the last axis is combined.
    Raises ValueError: no tables. Source: TF 1.15 `tf.nn.safe_embedding_lookup_sparse`.
    """
    tables = _tables(embedding_weights, None if sparse_weights is None else sparse_weights.dtype)
    return _looked_up(tables, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm)


def _looked_up(
    tables: list[Any], sparse_ids: Any, sparse_weights: Any, combiner: str | None, default_id: Any, name: Any, strategy: str, max_norm: Any
) -> Tensor:  # fmt: skip
    with name_scope(name, "embedding_lookup", [*tables, sparse_ids, sparse_weights]) as scope:
        shape = sparse_ids.dense_shape
        known = dimension_value(shape.get_shape()[0])
        rank = array.size(shape) if known is None else known
        ids = _as_matrix(sparse_ids, rank)
        weights = None
        if sparse_weights is not None:
            weights = SparseTensor(ids.indices, sparse_weights.values, ids.dense_shape)
        ids, weights = _valid(ids, weights, combiner)
        ids, empty = sparse_fill_empty_rows(ids, default_id or 0)
        if weights is not None:
            weights, _ = sparse_fill_empty_rows(weights, 1.0)
        result: Any = embedding_lookup_sparse(
            tables, ids, weights, combiner=combiner, partition_strategy=strategy, max_norm=max_norm,
            name=None if default_id is None else scope,
        )  # fmt: skip
        if default_id is None:
            result = _zero_rows(result, empty, scope)
        lead = strided_slice.slice(cast.cast(shape, dtypes.int32), [0], [rank - 1])
        final = array.reshape(result, joining.concat([lead, strided_slice.slice(array.shape(result), [1], [-1])], 0))
        outer = TensorShape(None) if known is None else TensorShape([None] * (known - 1))
        final.set_shape(outer.concatenate(result.get_shape()[1:]))
        return final


def safe_embedding_lookup_sparse_v2(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str = "mean",
    default_id: Any = None,
    max_norm: Any = None,
    name: str | None = None,
) -> Tensor:
    """`safe_embedding_lookup_sparse` with tables that are split by "div". Source: TF 1.15 `embedding_ops`."""
    return safe_embedding_lookup_sparse(
        embedding_weights, sparse_ids, sparse_weights, combiner, default_id, name, "div", max_norm
    )


def contrib_safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = None,
    default_id: Any = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
) -> Tensor:
    """As `tf.nn.safe_embedding_lookup_sparse`, with "mean" where no combiner is given.

    Source: TF 1.15 `tf.contrib.layers.safe_embedding_lookup_sparse`.
    """
    if combiner is None:
        logger.get_logger().warning(
            'The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.'
        )
        combiner = "mean"
    dtype = None if sparse_weights is None else sparse_weights.dtype
    tables = [convert_to_tensor(t, dtype=dtype) for t in _tables(embedding_weights, dtype)]
    assert_same_float_dtype([*tables, sparse_weights])
    return _looked_up(tables, sparse_ids, sparse_weights, combiner, default_id, name, partition_strategy, max_norm)


export("contrib.layers.safe_embedding_lookup_sparse", "contrib.slim.safe_embedding_lookup_sparse")(
    contrib_safe_embedding_lookup_sparse
)
