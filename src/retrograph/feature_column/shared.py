"""Embedding columns that share a table which they make themselves (`feature_column_v2.shared_embedding_columns_v2`)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import retrograph as tf
from retrograph.feature_column.categorical import SequenceCategoricalColumn
from retrograph.feature_column.column import DenseColumn, sparse_of
from retrograph.feature_column.dense import _check_alike, _initializer_of
from retrograph.feature_column.sequences import SequenceDenseColumn, TensorSequenceLengthPair, sequence_length


class SharedEmbeddingColumnCreator:
    """Makes columns, and once in each graph their table."""

    def __init__(
        self,
        dimension: int,
        initializer: Any,
        ckpt_to_load_from: str | None,
        tensor_name_in_ckpt: str | None,
        num_buckets: int,
        trainable: bool,
        name: str = "shared_embedding_column_creator",
    ):
        self.dimension, self.name = dimension, name
        self._initializer, self._num_buckets, self._trainable = initializer, num_buckets, trainable
        self._checkpoint, self._tensor_name = ckpt_to_load_from, tensor_name_in_ckpt
        self._tables: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def __call__(self, categorical_column: Any, combiner: str, max_norm: Any) -> Any:
        """A column with this table."""
        return SharedEmbeddingColumnV2(categorical_column, self, combiner, max_norm)

    @property
    def embedding_weights(self) -> Any:
        """The table in the default graph."""
        graph = tf.get_default_graph()
        if graph not in self._tables:
            table = tf.get_variable(
                self.name, (self._num_buckets, self.dimension), tf.float32, self._initializer, trainable=self._trainable
            )
            if self._checkpoint is not None:
                parts = list(table) if hasattr(table, "_get_variable_list") else table
                tf.train.init_from_checkpoint(self._checkpoint, {self._tensor_name: parts})
            self._tables[graph] = table
        return self._tables[graph]


class SharedEmbeddingColumnV2(
    DenseColumn,
    SequenceDenseColumn,
    namedtuple(
        "SharedEmbeddingColumn", ("categorical_column", "shared_embedding_column_creator", "combiner", "max_norm")
    ),
):
    """See `shared_embedding_columns_v2`."""

    @property
    def name(self) -> str:
        """The name of the column of ids, and what is made of it."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column."""
        return self.categorical_column.parse_example_spec  # type: ignore[no-any-return]

    @property
    def parents(self) -> list[Any]:
        """The column of ids."""
        return [self.categorical_column]

    @property
    def variable_shape(self) -> Any:
        """One embedding."""
        return tf.TensorShape([self.shared_embedding_column_creator.dimension])

    def create_state(self, state_manager: Any) -> None:
        """Makes what the column of ids needs."""
        self.categorical_column.create_state(state_manager)

    def _transform_feature(self, inputs: Any) -> Any:
        return inputs.get(self.categorical_column)

    def _looked_up(self, inputs: Any) -> tuple[Any, Any]:
        with tf.name_scope(None, default_name=self.name):
            pair = sparse_of(self.categorical_column, inputs)
            dense = tf.nn.safe_embedding_lookup_sparse(
                self.shared_embedding_column_creator.embedding_weights,
                pair.id_tensor,
                pair.weight_tensor,
                combiner=self.combiner,
                name=f"{self.name}_weights",
                max_norm=self.max_norm,
            )
            return dense, pair.id_tensor

    def _check(self, wanted: bool) -> None:
        if isinstance(self.categorical_column, SequenceCategoricalColumn) == wanted:
            return
        advice = (
            "of type SequenceCategoricalColumn to use SequenceFeatures. Suggested fix: Use one of "
            "sequence_categorical_column_with_*."
            if wanted
            else "not be of type SequenceCategoricalColumn. Suggested fix A: If you wish to use DenseFeatures, use a "
            "non-sequence categorical_column_with_*. Suggested fix B: If you wish to create sequence input, use "
            "SequenceFeatures instead of DenseFeatures."
        )
        raise ValueError(
            f"In embedding_column: {self.name}. categorical_column must {'be ' if wanted else ''}{advice} "
            f"Given (type {type(self.categorical_column)}): {self.categorical_column}"
        )

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check(wanted=False)
        return self._looked_up(inputs)[0]

    def _get_sequence_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        self._check(wanted=True)
        dense, ids = self._looked_up(inputs)
        return TensorSequenceLengthPair(dense, sequence_length(ids))

    def _get_config(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def _from_config(cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None) -> Any:
        raise NotImplementedError


SharedEmbeddingColumnV2.__name__ = "SharedEmbeddingColumn"


def shared_embedding_columns_v2(
    categorical_columns: Sequence[Any],
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
) -> list[Any]:
    """Embedding columns with one table, which all layers in a graph share.

    Raises ValueError: columns that are not alike, no dimension, half of a place in a checkpoint.
    Source: TF 1.15 `feature_column_v2.shared_embedding_columns_v2`.
    """
    initializer = _initializer_of(dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, "")
    ordered = sorted(categorical_columns, key=lambda column: column.name)
    _check_alike(ordered)
    name = shared_embedding_collection_name or "_".join(c.name for c in ordered) + "_shared_embedding"
    creator = SharedEmbeddingColumnCreator(
        dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt, ordered[0].num_buckets, trainable, name
    )
    return [creator(column, combiner, max_norm) for column in categorical_columns]
