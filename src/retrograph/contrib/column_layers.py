"""`tf.contrib.layers`: what models take from features by columns of old: input layers, weighted sums, parsing."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.column_parts import (
    FeatureColumn,
    _inner_flatten,
    embeddings_of,
    feature_config,
    restore,
    variable_list,
)
from retrograph.contrib.layer_parts import exported
from retrograph.contrib.model_variables import model_variable
from retrograph.contrib.old_columns import _EmbeddingColumn, _OneHotColumn, _WeightedSparseColumn
from retrograph.contrib.old_dense_columns import (
    _BucketizedColumn,
    _CrossedColumn,
    _RealValuedColumn,
    real_valued_column,
)
from retrograph.framework import nest
from retrograph.ops.safe_embedding import contrib_safe_embedding_lookup_sparse


@exported("check_feature_columns")
def check_feature_columns(feature_columns: Any) -> None:
    """Raises ValueError: a dict, or two columns of the same key. Source: TF 1.15 `tf.contrib.layers.check_feature_columns`."""
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    seen = set()
    for column in feature_columns:
        if column.key in seen:
            raise ValueError(
                f"Duplicate feature column key found for column: {column.name}. This usually means that the column is "
                "almost identical to another column, and one must be discarded."
            )
        seen.add(column.key)


def _ordered(feature_columns: Any) -> list[Any]:
    return sorted(set(feature_columns), key=lambda column: column.key)


def _transformed(column: Any, columns_to_tensors: Any) -> Any:
    if column not in columns_to_tensors:
        column.insert_transformed_feature(columns_to_tensors)
        if column not in columns_to_tensors:
            raise ValueError(f"Column {column.name} is not supported.")
    return columns_to_tensors[column]


def _with_globals(collections: Any) -> Any:
    return list({*collections, tf.GraphKeys.GLOBAL_VARIABLES}) if collections else collections


def _in_rank(tensor: Any, column_name: str, rank: int) -> Any:
    """A feature in the rank wanted. Raises ValueError: its rank is not known, or much too small."""
    own = tensor.get_shape().ndims
    if own is None and isinstance(tensor, tf.SparseTensor):
        own = tensor.dense_shape.get_shape().as_list()[0]
    prefix = f"Error while processing column {column_name}. Rank of input Tensor "
    if own is None:
        raise ValueError(f"{prefix}can not be None.")
    if rank > own + 1:
        raise ValueError(
            f"{prefix}({own}) should be the same as output_rank ({rank}). For example, sequence data should typically "
            "be 3 dimensional (rank 3) while non-sequence data is typically 2 dimensional (rank 2)."
        )
    if rank < own:
        return _inner_flatten(tensor, rank)
    if rank == own:
        return tensor
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse_reshape(tensor, tf.concat([tensor.dense_shape, [1]], 0))
    wide = tf.expand_dims(tensor, -1)
    if tensor.get_shape().dims is not None:
        wide.set_shape([*tensor.get_shape().as_list(), 1])
    return wide


def _input_layer(
    columns_to_tensors: Any, feature_columns: Any, weight_collections: Any, trainable: bool, scope: Any, rank: int,
    default_name: str, cols_to_outs: Any = None,
) -> Any:  # fmt: skip
    tensors = columns_to_tensors.copy()
    check_feature_columns(feature_columns)
    if cols_to_outs is not None and not isinstance(cols_to_outs, dict):
        raise ValueError("cols_to_outs must be a dict unless None")
    with tf.variable_scope(scope, default_name=default_name, values=tensors.values()):
        collections, outputs = _with_globals(weight_collections), []
        for column in _ordered(feature_columns):
            with tf.variable_scope(None, default_name=column.name, values=tensors.values()):
                tensor = _transformed(column, tensors)
                if rank == 3:
                    tensor = nest.map_structure(lambda t, name=column.name: _in_rank(t, name, rank), tensor)
                outputs.append(_of_column(column, tensor, collections, trainable, rank))
                if cols_to_outs is not None:
                    cols_to_outs[column] = outputs[-1]
        return tf.concat(outputs, rank - 1)


def _of_column(column: Any, tensor: Any, collections: Any, trainable: bool, rank: int) -> Any:
    try:
        arguments = column._deep_embedding_lookup_arguments(tensor)
    except NotImplementedError as missing:
        try:
            return column._to_dnn_input_layer(tensor, collections, trainable, output_rank=rank)
        except ValueError as error:
            raise ValueError(f"Error creating input layer for column: {column.name}.\n{error}, {missing}") from None
    return embeddings_of(column, arguments, collections, trainable, rank)


@exported("input_from_feature_columns")
def input_from_feature_columns(
    columns_to_tensors: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
    scope: Any = None, cols_to_outs: Any = None,
) -> Any:  # fmt: skip
    """f32[batch, n]: what the columns give, side by side. Raises ValueError: a column that gives nothing dense.

    Source: TF 1.15 `tf.contrib.layers.input_from_feature_columns`.
    """
    return _input_layer(
        columns_to_tensors, feature_columns, weight_collections, trainable, scope, 2, "input_from_feature_columns",
        cols_to_outs,
    )  # fmt: skip


_PARENTS: dict[Any, str] = {_WeightedSparseColumn: "sparse_id_column", _OneHotColumn: "sparse_id_column",
            _EmbeddingColumn: "sparse_id_column", _BucketizedColumn: "source_column"}  # fmt: skip


def _check_sequence_columns(feature_columns: Any) -> None:
    waiting = list(feature_columns)
    for column in waiting:
        if not isinstance(column, _OneHotColumn | _EmbeddingColumn | _RealValuedColumn):
            raise ValueError(
                f"FeatureColumn type {type(column).__name__} is not currently supported for sequence data."
            )
    while waiting:
        column = waiting.pop(0)
        if isinstance(column, _WeightedSparseColumn):
            raise ValueError(
                f"Column {column.name} is of type {type(column).__name__}, which is not currently supported for sequences."
            )
        if type(column) in _PARENTS:
            waiting.append(getattr(column, _PARENTS[type(column)]))
        waiting += column.columns if isinstance(column, _CrossedColumn) else []


@exported("sequence_input_from_feature_columns")
def sequence_input_from_feature_columns(
    columns_to_tensors: Any, feature_columns: Any, weight_collections: Any = None, trainable: bool = True,
    scope: Any = None,
) -> Any:  # fmt: skip
    """f32[batch, length, n]: what the columns give of each step. Raises ValueError: columns not for sequences.

    Source: TF 1.15 `tf.contrib.layers.sequence_input_from_feature_columns`.
    """
    _check_sequence_columns(feature_columns)
    return _input_layer(
        columns_to_tensors, feature_columns, weight_collections, trainable, scope, 3,
        "sequence_input_from_feature_columns",
    )  # fmt: skip


def _bias(num_outputs: int, trainable: bool, collections: Any) -> Any:
    return model_variable(
        "bias_weight", shape=[num_outputs], initializer=tf.zeros_initializer(), trainable=trainable,
        collections=_with_globals(collections),
    )  # fmt: skip


def _looked_up(scope: str, tensors: Any, args: Any, num_outputs: int, trainable: bool, collections: Any) -> Any:
    """(variables, what the rows give) of one column of ids."""
    with tf.variable_scope(None, default_name=scope, values=tensors.values()):
        table = model_variable(
            name="weights", shape=[args.vocab_size, num_outputs], dtype=tf.float32, initializer=args.initializer,
            trainable=trainable, collections=collections,
        )  # fmt: skip
        variables = variable_list(table)
        return variables, contrib_safe_embedding_lookup_sparse(
            variables, args.input_tensor, sparse_weights=args.weight_tensor, combiner=args.combiner,
            name=f"{scope if scope != 'linear_weights' else ''}_weights",
        )  # fmt: skip


def _multiplied(column: Any, tensor: Any, tensors: Any, num_outputs: int, trainable: bool, collections: Any) -> Any:
    """(variables, what the rows give) of a column of numbers."""
    with tf.variable_scope(None, default_name=column.name, values=tensors.values()):
        dense = _in_rank(column._to_dense_tensor(tensor), column.name, 2)
        weight = model_variable(
            name="weight", shape=[dense.get_shape()[1], num_outputs], initializer=tf.zeros_initializer(),
            trainable=trainable, collections=collections,
        )  # fmt: skip
        return [weight], tf.matmul(dense, weight, name="matmul")


@exported("weighted_sum_from_feature_columns")
def weighted_sum_from_feature_columns(
    columns_to_tensors: Any, feature_columns: Any, num_outputs: int, weight_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """(f32[batch, num_outputs] of a linear model, variables by column, bias). Raises ValueError: a column not for it.

    Source: TF 1.15 `tf.contrib.layers.weighted_sum_from_feature_columns`.
    """
    tensors = columns_to_tensors.copy()
    check_feature_columns(feature_columns)
    name = "weighted_sum_from_feature_columns"
    with tf.variable_scope(scope, default_name=name, values=tensors.values()):
        outputs, by_column = [], {}
        for column in _ordered(feature_columns):
            tensor = _transformed(column, tensors)
            options = tensors, num_outputs, trainable, weight_collections
            try:
                arguments = column._wide_embedding_lookup_arguments(tensor)
                variables, found = _looked_up(column.name, tensors, arguments, *options[1:])
            except NotImplementedError:
                variables, found = _multiplied(column, tensor, *options)
            except ValueError as error:
                raise ValueError(f"Error creating weighted sum for column: {column.name}.\n{error}") from None
            outputs.append(tf.reshape(found, shape=(-1, num_outputs)))
            by_column[column] = variables
            restore(column._checkpoint_path(), variables)
        total = tf.add_n(outputs)
        bias = _bias(num_outputs, trainable, weight_collections)
        return tf.nn.bias_add(total, bias), by_column, bias


@exported("joint_weighted_sum_from_feature_columns")
def joint_weighted_sum_from_feature_columns(
    columns_to_tensors: Any, feature_columns: Any, num_outputs: int, weight_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """As `weighted_sum_from_feature_columns` of ids, with one variable. Raises NotImplementedError: a column of numbers.

    Source: TF 1.15 `tf.contrib.layers.joint_weighted_sum_from_feature_columns`.
    """
    tensors = columns_to_tensors.copy()
    check_feature_columns(feature_columns)
    name = "joint_weighted_sum_from_feature_columns"
    with tf.variable_scope(scope, default_name=name, values=tensors.values()):
        arguments = []
        for column in _ordered(feature_columns):
            tensor = _transformed(column, tensors)
            try:
                arguments.append(column._wide_embedding_lookup_arguments(tensor))
            except NotImplementedError:
                raise NotImplementedError(
                    "Real-valued columns are not supported. Use weighted_sum_from_feature_columns instead, or "
                    "bucketize these columns."
                ) from None
        joint = _joined(arguments)
        variables, found = _looked_up("linear_weights", tensors, joint, num_outputs, trainable, weight_collections)
        bias = _bias(num_outputs, trainable, weight_collections)
        return tf.nn.bias_add(found, bias), variables, bias


def _joined(arguments: list[Any]) -> Any:
    """The ids of several columns as those of one."""
    for args in arguments:
        if args.weight_tensor is not None:
            raise AssertionError(
                "Joint sums for weighted sparse columns are not supported. Please use "
                "weighted_sum_from_feature_columns instead."
            )
        if args.combiner != "sum":
            raise AssertionError(
                "Combiners other than sum are not supported for joint sums. Please use "
                "weighted_sum_from_feature_columns instead."
            )
    if not arguments:
        raise AssertionError("At least one column must be in the model.")
    start, shifted = 0, []
    for args in arguments:
        ids = args.input_tensor
        shifted.append(tf.SparseTensor(ids.indices, ids.values + start, ids.dense_shape))
        start += args.vocab_size
    merged = tf.sparse_concat(1, shifted)
    return arguments[0]._replace(input_tensor=merged, vocab_size=start, initializer=tf.zeros_initializer())


# ---- parsing


@exported("create_feature_spec_for_parsing")
def create_feature_spec_for_parsing(feature_columns: Any) -> dict[str, Any]:
    """How the features of columns are parsed. Raises TypeError: no column. Source: TF 1.15 `tf.contrib.layers.create_feature_spec_for_parsing`."""
    columns = feature_columns.values() if isinstance(feature_columns, dict) else feature_columns
    return {key: value for column in columns for key, value in feature_config(column).items()}


@exported("make_place_holder_tensors_for_base_features")
def make_place_holder_tensors_for_base_features(feature_columns: Any) -> dict[str, Any]:
    """A placeholder for each feature. Source: TF 1.15 `tf.contrib.layers.make_place_holder_tensors_for_base_features`."""
    found = {}
    for name, kind in create_feature_spec_for_parsing(feature_columns).items():
        if isinstance(kind, tf.VarLenFeature):
            found[name] = tf.sparse_placeholder(kind.dtype, name=f"Placeholder_{name}")
        else:
            found[name] = tf.placeholder(kind.dtype, shape=(None, kind.shape[0]), name=f"Placeholder_{name}")
    return found


@exported("transform_features")
def transform_features(features: Any, feature_columns: Any) -> dict[Any, Any]:
    """What the columns make of the features, by column. Source: TF 1.15 `tf.contrib.layers.transform_features`."""
    tensors = features.copy()
    check_feature_columns(feature_columns)
    for column in _ordered(feature_columns):
        _transformed(column, tensors)
    return {key: tensor for key, tensor in tensors.items() if isinstance(key, FeatureColumn) and key in feature_columns}


@exported("parse_feature_columns_from_examples")
def parse_feature_columns_from_examples(
    serialized: Any, feature_columns: Any, name: str | None = None, example_names: Any = None
) -> dict[Any, Any]:
    """The features of examples, and what the columns make of them. Source: TF 1.15 `tf.contrib.layers.parse_feature_columns_from_examples`."""
    check_feature_columns(feature_columns)
    tensors = tf.parse_example(
        serialized=serialized, features=create_feature_spec_for_parsing(feature_columns), name=name,
        example_names=example_names,
    )  # fmt: skip
    for column in _ordered(feature_columns):
        _transformed(column, tensors)
    return tensors  # type: ignore[no-any-return]


@exported("parse_feature_columns_from_sequence_examples")
def parse_feature_columns_from_sequence_examples(
    serialized: Any, context_feature_columns: Any, sequence_feature_columns: Any, name: str | None = None,
    example_name: Any = None,
) -> Any:  # fmt: skip
    """(features of the context, of the steps) of one example. Raises ValueError: several examples.

    Source: TF 1.15 `tf.contrib.layers.parse_feature_columns_from_sequence_examples`.
    """
    try:
        serialized = tf.reshape(serialized, [])
    except ValueError as error:
        raise ValueError(
            "serialized must contain as single sequence example. Batching must be done after parsing for sequence "
            f"examples. Error: {error}"
        ) from None
    context, sequence = list(context_feature_columns or ()), list(sequence_feature_columns or ())
    check_feature_columns(context)
    check_feature_columns(sequence)
    steps = {key: _of_steps(kind) for key, kind in create_feature_spec_for_parsing(sequence).items()}
    return tf.parse_single_sequence_example(
        serialized, create_feature_spec_for_parsing(context), steps, example_name, name
    )


def _of_steps(kind: Any) -> Any:
    if isinstance(kind, tf.VarLenFeature):
        return kind
    return tf.FixedLenSequenceFeature(shape=kind.shape, dtype=kind.dtype, allow_missing=kind.default_value is not None)


@exported("infer_real_valued_columns")
def infer_real_valued_columns(features: Any) -> list[Any]:
    """A column of numbers for each dense feature. Raises ValueError: sparse, or no numbers.

    Source: TF 1.15 `tf.contrib.layers.infer_real_valued_columns`.
    """
    named = features.items() if isinstance(features, dict) else [("", features)]
    return [_inferred(name, tensor) for name, tensor in named]


def _inferred(name: str, tensor: Any) -> Any:
    words = "Please define corresponding FeatureColumn for tensor {} {}."
    if isinstance(tensor, tf.SparseTensor):
        raise ValueError(f"SparseTensor is not supported for auto detection. {words}", name, tensor)
    if not (tensor.dtype.is_integer or tensor.dtype.is_floating):
        raise ValueError(
            f"Non integer or non floating types are not supported for auto detection. {words}", name, tensor
        )
    dimension = 1
    for size in tensor.get_shape().as_list()[1:]:
        dimension *= size
    return real_valued_column(name, dimension=dimension, dtype=tensor.dtype)
