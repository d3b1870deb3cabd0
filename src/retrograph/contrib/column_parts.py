"""What the feature columns of `tf.contrib.layers` share: keys, shapes, and embeddings of what was transformed."""

from __future__ import annotations

from typing import Any, NamedTuple

import retrograph as tf
from retrograph.contrib.arg_scoping import add_arg_scope
from retrograph.contrib.feature_cross import scattered_embedding_lookup_sparse
from retrograph.contrib.layer_parts import collect_named_outputs
from retrograph.contrib.model_variables import model_variable
from retrograph.ops.safe_embedding import contrib_safe_embedding_lookup_sparse
from retrograph.variables.partition import PartitionedVariable


class WideArguments(NamedTuple):
    """What a linear model looks up."""

    input_tensor: Any
    weight_tensor: Any
    vocab_size: int
    initializer: Any
    combiner: str


class DeepArguments(NamedTuple):
    """What an embedding looks up."""

    input_tensor: Any
    weight_tensor: Any
    vocab_size: int
    initializer: Any
    combiner: str
    dimension: int
    shared_embedding_name: str | None
    hash_key: Any
    max_norm: Any
    trainable: bool


class FeatureColumn:
    """What a model takes from features: subclasses are named tuples of their settings."""

    __slots__ = ()
    name: Any
    config: Any
    length: Any

    @property
    def key(self) -> str:
        """What tells it from other columns."""
        return str(self)

    def _key_without(self, left_out: list[str]) -> str:
        names: tuple[str, ...] = getattr(type(self), "_fields", ())
        fields = [f"{k}={getattr(self, k)}" for k in names if k not in left_out]
        return f"{type(self).__name__}({', '.join(fields)})"

    def insert_transformed_feature(self, columns_to_tensors: Any) -> None:
        """Adds what the model takes to the features."""
        raise NotImplementedError(f"Transform is not implemented for {self}.")

    def _to_dnn_input_layer(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("Calling an abstract method.")

    def _deep_embedding_lookup_arguments(self, input_tensor: Any) -> DeepArguments:
        raise NotImplementedError(f"No deep embedding lookup arguments for column {self}.")

    def _wide_embedding_lookup_arguments(self, input_tensor: Any) -> WideArguments:
        raise NotImplementedError(f"No wide embedding lookup arguments for column {self}.")

    def _to_dense_tensor(self, input_tensor: Any) -> Any:
        raise NotImplementedError(f"No dense tensor representation for column {self}.")

    def _checkpoint_path(self) -> Any:
        return None


def feature_config(column: Any) -> dict[str, Any]:
    """How a column's features are parsed. Raises TypeError: no such column."""
    if not isinstance(column, FeatureColumn):
        raise TypeError(f"feature_columns should only contain instances of _FeatureColumn. Given column is {column}")
    return dict(column.config)


@add_arg_scope
def _inner_flatten(inputs: Any, new_rank: Any, output_collections: Any = None, scope: Any = None) -> Any:
    """The inputs with their last axes as one. Raises ValueError: of too small a rank."""
    with tf.name_scope(scope, "InnerFlatten", [inputs, new_rank]) as sc:
        sparse = isinstance(inputs, tf.SparseTensor)
        found = (_sparse_flattened if sparse else _dense_flattened)(inputs, new_rank)
    return collect_named_outputs(output_collections, sc, found)


def _sparse_flattened(inputs: Any, rank: Any) -> Any:
    own = inputs.dense_shape.get_shape().as_list()[0]
    if own is not None and own < rank:
        raise ValueError(
            f"Inputs has rank less than new_rank. {inputs} must have rank at least {rank}. Received rank {own}, "
            f"shape {inputs.get_shape()}"
        )
    outer, inner = inputs.dense_shape[: rank - 1], inputs.dense_shape[rank - 1 :]
    return tf.sparse_reshape(inputs, tf.concat((outer, [tf.reduce_prod(inner)]), 0))


def _dense_flattened(inputs: Any, rank: Any) -> Any:
    inputs = tf.convert_to_tensor(inputs)
    check = tf.assert_rank_at_least(inputs, rank, message="inputs has rank less than new_rank")
    with tf.control_dependencies([check]):
        outer = tf.strided_slice(tf.shape(inputs), [0], [rank - 1])
        reshaped = tf.reshape(inputs, tf.concat((outer, [-1]), 0))
    shape = inputs.get_shape()
    if shape.dims is not None and isinstance(rank, int):
        sizes = shape.as_list()
        inner = None if None in sizes[rank - 1 :] else shape[rank - 1 :].num_elements()
        reshaped.set_shape([*sizes[: rank - 1], inner])
    return reshaped


def reshaped_dense(tensor: Any, rank: int, column_name: str | None = None) -> Any:
    """A dense feature in the rank wanted. Raises ValueError: of much too small a rank."""
    own = tensor.get_shape().ndims
    if own is not None:
        words = (
            f"Rank of input Tensor ({own}) should be the same as output_rank ({rank}). For example, sequence data "
            "should typically be 3 dimensional (rank 3) while non-sequence data is typically 2 dimensional (rank 2)."
        )
        if rank > own + 1:
            raise ValueError(("" if column_name is None else f"Error while processing column {column_name}.") + words)
        if rank == own + 1:
            tf.logging.warning(
                f"Rank of input Tensor ({own}) should be the same as output_rank ({rank}) for column. Will attempt to "
                "expand dims. It is highly recommended that you resize your input, as this behavior may change."
            )
            return tf.expand_dims(tensor, -1, name="expand_dims")
        if rank == own:
            return tensor
    return _inner_flatten(tensor, rank)


def variable_list(variable: Any) -> list[Any]:
    """The variable, or its parts."""
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def restore(checkpoint_path: Any, variables: list[Any]) -> None:
    """Lets variables start from a checkpoint, if one is named."""
    if checkpoint_path is not None:
        path, name = checkpoint_path
        tf.train.init_from_checkpoint(path, {name: variables[0] if len(variables) == 1 else variables})


def embeddings_of(column: Any, args: DeepArguments, weight_collections: Any, trainable: bool, rank: int = 2) -> Any:
    """f32[batch, dimension]: the embeddings of a column. Raises ValueError: a shared one of another shape."""
    ids = _inner_flatten(args.input_tensor, rank)
    weights = None if args.weight_tensor is None else _inner_flatten(args.weight_tensor, rank)
    options = {
        "dtype": tf.float32, "initializer": args.initializer, "trainable": trainable and args.trainable,
        "collections": weight_collections,
    }  # fmt: skip
    if args.hash_key:
        table = model_variable(name="weights", shape=[args.vocab_size], **options)
        return scattered_embedding_lookup_sparse(
            table, ids, args.dimension, hash_key=args.hash_key, combiner=args.combiner, name="lookup"
        )
    shape = [args.vocab_size, args.dimension]
    if args.shared_embedding_name is None:
        table = model_variable(name="weights", shape=shape, **options)
    else:
        table = _shared(args.shared_embedding_name, shape, options)
    tables = variable_list(table)
    restore(column._checkpoint_path(), tables)
    return contrib_safe_embedding_lookup_sparse(
        tables, ids, sparse_weights=weights, combiner=args.combiner, name=f"{column.name}weights",
        max_norm=args.max_norm,
    )  # fmt: skip


def _shared(name: str, shape: list[int], options: dict[str, Any]) -> Any:
    """The embedding of a name, made for the first column that asks."""
    key = f"SHARED_EMBEDDING_COLLECTION_{name.upper()}"
    graph = tf.get_default_graph()
    known = graph.get_collection_ref(key)
    if not known:
        table = model_variable(name=name, shape=shape, **options)
        graph.add_to_collection(key, table)
        return table
    if len(known) > 1:
        raise ValueError(f"Collection {key} can only contain one (partitioned) variable.")
    if known[0].get_shape() != shape:
        raise ValueError(
            f"The embedding variable with name {name} already exists, but its shape does not match required embedding "
            "shape here. Please make sure to use different shared_embedding_name for different shared embeddings."
        )
    return known[0]
