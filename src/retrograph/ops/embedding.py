"""Embeddings: rows of one or several tables by id, also for sparse ids with weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrograph.framework import dtypes, logger
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import dimension_value
from retrograph.framework.structures import IndexedSlices, SparseTensor
from retrograph.ops import array, identities
from retrograph.ops.gather import gather
from retrograph.ops.joining import concat, stack
from retrograph.ops.partitioning import dynamic_partition, parallel_dynamic_stitch
from retrograph.ops.selecting import unique, where
from retrograph.variables.partition import PartitionedVariable
from retrograph.variables.resource import ResourceVariable

Transform = Callable[[Any], Any] | None


def _tables(params: Any) -> list[Any]:
    if params is None:
        raise ValueError("params must be specified")
    if isinstance(params, (list, tuple)) and not params:
        raise ValueError("Need at least one param")
    if isinstance(params, PartitionedVariable):
        return list(params)
    return params if isinstance(params, list) else [params]


def _converted(params: list[Any]) -> list[Any]:
    if any(isinstance(p, ResourceVariable) for p in params):
        return params
    return [
        p if isinstance(p, IndexedSlices) else convert_to_tensor(p, name=f"params_{i}") for i, p in enumerate(params)
    ]


def _rank(x: Any) -> tuple[Any, bool]:
    known = convert_to_tensor(x).get_shape().ndims
    return (known, True) if known else (array.rank(x), False)


def _clipped(rows: Any, ids: Any, max_norm: Any) -> Any:
    if max_norm is None:
        return rows
    from retrograph.ops import math
    from retrograph.ops.clip import clip_by_norm

    ids_rank, ids_static = _rank(ids)
    rows_rank, rows_static = _rank(rows)
    static = ids_static and rows_static
    axes = list(range(ids_rank, rows_rank)) if static else math.range(ids_rank, rows_rank)
    return clip_by_norm(rows, max_norm, axes=axes)


def embedding_lookup_and_transform(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    max_norm: Any = None,
    transform_fn: Transform = None,
) -> Tensor:
    """The rows of the tables `params` that `ids` name, each passed through `transform_fn` beside its table.

    Source: TF 1.15 `embedding_ops._embedding_lookup_and_transform`.
    """
    tables = _tables(params)
    with name_scope(name, "embedding_lookup", [*tables, ids]) as scope:
        tables = _converted(tables)
        ids = convert_to_tensor(ids, name="ids")
        if len(tables) == 1 and (not transform_fn or ids.get_shape().ndims == 1):
            with ids.graph.colocate_with(tables[0]):
                rows = _clipped(gather(tables[0], ids, name=scope), ids, max_norm)
                if transform_fn:
                    rows = transform_fn(rows)
            return identities.identity(rows)
        return _looked_up_in_parts(tables, ids, partition_strategy, scope, max_norm, transform_fn)


def _looked_up_in_parts(
    tables: list[Any], ids: Tensor, strategy: str, scope: str, max_norm: Any, transform_fn: Transform
) -> Tensor:
    from retrograph.ops import math

    flat = array.reshape(ids, [-1])
    positions = math.range(array.size(flat))
    owners, new_ids = _assigned(tables, flat, strategy)
    owners = math.cast(owners, dtypes.int32)
    ids_of = dynamic_partition(new_ids, owners, len(tables))
    positions_of = dynamic_partition(positions, owners, len(tables))
    if transform_fn is None:
        _pad_when_compiled(ids_of[0].op, positions_of[0].op)
    parts = []
    for table, its_ids in zip(tables, ids_of, strict=True):
        with ids.graph.colocate_with(table):
            rows = gather(table, its_ids)
            if transform_fn:
                rows = transform_fn(_clipped(rows, its_ids, max_norm))
        parts.append(rows)
    joined = parallel_dynamic_stitch(positions_of, parts, name=scope)
    if transform_fn is None:
        _pad_when_compiled(joined.op)
    return _shaped(joined, tables, ids, max_norm, transform_fn)


def _pad_when_compiled(*ops: Operation) -> None:
    # How many ids each table has differs from batch to batch: without padding each batch would be compiled anew.
    for op in ops:
        op._set_attr("_padded", True)


def _assigned(tables: list[Any], flat: Tensor, strategy: str) -> tuple[Any, Any]:
    """Which table has each id, and the row there."""
    count = len(tables)
    if strategy == "mod":
        return flat % count, flat // count
    if strategy != "div":
        raise ValueError(f"Unrecognized partition strategy: {strategy}")
    from retrograph.ops import math

    total = _total_rows(tables, flat.dtype)
    each, extras = total // count, total % count
    owners = math.maximum(flat // (each + 1), (flat - extras) // each)
    return owners, where(owners < extras, flat % (each + 1), (flat - extras) % each)


def _total_rows(tables: list[Any], dtype: Any) -> Any:
    from retrograph.ops import math

    sizes = [dimension_value(t.get_shape()[0]) for t in tables]
    if None not in sizes and sum(sizes):
        return constant(sum(sizes), dtype)
    found = []
    for table, size in zip(tables, sizes, strict=True):
        if size is not None:
            found.append(size)
        else:
            with table.graph.colocate_with(table):
                found.append(array.shape(table)[0])
    return math.reduce_sum(math.cast(stack(found), dtype))


def _shaped(joined: Tensor, tables: list[Any], ids: Tensor, max_norm: Any, transform_fn: Transform) -> Tensor:
    if transform_fn is None:
        row: Any = tables[0].get_shape()[1:]
        for table in tables[1:]:
            row = row.merge_with(table.get_shape()[1:])
    else:
        row = joined.get_shape()[1:]
    sizes = row
    if not row.is_fully_defined():
        if transform_fn is None:
            with ids.graph.colocate_with(tables[0]):
                whole = array.shape(tables[0])
            sizes = whole[1:]
        else:
            sizes = array.shape(joined)[1:]
    result = array.reshape(joined, concat([array.shape(ids), sizes], 0))
    result.set_shape(ids.get_shape().concatenate(row))
    return result if transform_fn else _clipped(result, ids, max_norm)


@export("nn.embedding_lookup")
def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:
    """The rows that `ids` name of a table, or of a list of tables: i64[...] -> T[..., n].

    `partition_strategy` says how the rows are spread over several tables: "mod" or "div".

    >>> tf.nn.embedding_lookup(tf.zeros([5, 2]), [0, 3])
    <tf.Tensor 'embedding_lookup/Identity:0' shape=(2, 2) dtype=float32>

    Source: TF 1.15 `tf.nn.embedding_lookup`.
    """
    return embedding_lookup_and_transform(params, ids, partition_strategy, name, max_norm)


def _check_weights(sp_ids: SparseTensor, sp_weights: Any) -> None:
    if not isinstance(sp_ids, SparseTensor):
        raise TypeError("sp_ids must be SparseTensor")
    if sp_weights is None:
        return
    if not isinstance(sp_weights, SparseTensor):
        raise TypeError("sp_weights must be either None or SparseTensor")
    for part in ("values", "indices", "dense_shape"):
        getattr(sp_ids, part).get_shape().assert_is_compatible_with(getattr(sp_weights, part).get_shape())


def _weighted(rows: Tensor, index: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The rows in the order of the ids, times their weights, and the weights in the rows' rank."""
    from retrograph.ops import math

    if weights.dtype != rows.dtype:
        weights = math.cast(weights, rows.dtype)
    rows = gather(rows, index)
    ones = array.fill(array.expand_dims(array.rank(rows) - 1, 0), 1)
    wide = concat([array.shape(weights), ones], 0)
    known = weights.get_shape()
    weights = array.reshape(weights, wide)
    if rows._shape is not None:
        weights.set_shape(known.concatenate([1] * (len(rows._shape) - 1)))
    return rows * weights, weights


def _combined(rows: Tensor, weights: Tensor, segments: Tensor, combiner: str, scope: str) -> Tensor:
    from retrograph.ops import math, segment

    if combiner == "sum":
        return segment.segment_sum(rows, segments, name=scope)
    total = segment.segment_sum(rows, segments)
    if combiner == "mean":
        return math.div(total, segment.segment_sum(weights, segments), name=scope)
    squares = segment.segment_sum(math.pow(weights, 2), segments)
    return math.div(total, math.sqrt(squares), name=scope)


@export("nn.embedding_lookup_sparse")
def embedding_lookup_sparse(
    params: Any,
    sp_ids: SparseTensor,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: Any = None,
) -> Tensor:
    """The rows that the ids of each line of `sp_ids` name, combined: "sum", "mean" or "sqrtn" of weighted rows.

    Source: TF 1.15 `tf.nn.embedding_lookup_sparse`.
    """
    from retrograph.ops import math, segment

    if combiner is None:
        logger.get_logger().warning(
            'The default value of combiner will change from "mean" to "sqrtn" after 2016/11/01.'
        )
        combiner = "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError("combiner must be one of 'mean', 'sqrtn' or 'sum'")
    tables = list(params) if isinstance(params, PartitionedVariable) else params
    tables = tables if isinstance(tables, list) else [tables]
    _check_weights(sp_ids, sp_weights)
    with name_scope(name, "embedding_lookup_sparse", [*tables, sp_ids]) as scope:
        segments = sp_ids.indices[:, 0]
        if segments.dtype != dtypes.int32:
            segments = math.cast(segments, dtypes.int32)
        ids, index = unique(sp_ids.values)
        rows = embedding_lookup(tables, ids, partition_strategy=partition_strategy, max_norm=max_norm)
        if rows.dtype in (dtypes.float16, dtypes.bfloat16):
            rows = math.cast(rows, dtypes.float32)
        if sp_weights is None:
            reduce = {"sum": "sparse_segment_sum", "mean": "sparse_segment_mean", "sqrtn": "sparse_segment_sqrt_n"}
            result: Tensor = getattr(segment, reduce[combiner])(rows, index, segments, name=scope)
            return result
        rows, weights = _weighted(rows, index, sp_weights.values)
        return _combined(rows, weights, segments, combiner, scope)
