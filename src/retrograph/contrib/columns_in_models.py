"""Feature columns of `tf.contrib.layers` where models take those of `tf.feature_column`: linear models, input layers, estimators."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.contrib.column_parts import FeatureColumn, embeddings_of
from retrograph.feature_column.column import CategoricalColumn, DenseColumn, IdWeightPair
from retrograph.feature_column.column import FeatureColumn as ModelColumn


class _Transforming:
    """Features by name and by column, as columns here look them up; the model's builder has or makes each of them."""

    def __init__(self, inputs: Any):
        self._inputs = inputs
        self.made: dict[Any, Any] = {}

    def __contains__(self, key: Any) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return self._inputs.get(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.made[key] = value


class _InModels(FeatureColumn, ModelColumn):
    """What models ask of every column. Such columns are of the older kind, and are ordered as the tuples that they are."""

    _is_v2_column = False

    @property
    def _parse_example_spec(self) -> dict[str, Any]:
        return self.config  # type: ignore[no-any-return]

    def _transform_feature(self, inputs: Any) -> Any:
        found = _Transforming(inputs)
        self.insert_transformed_feature(found)
        return found.made[self]

    __lt__ = tuple.__lt__
    __gt__ = tuple.__gt__


class InCategoricalModels(_InModels, CategoricalColumn):
    """A column of ids, of which a linear model has a row of weights each."""

    @property
    def _num_buckets(self) -> int:
        return self.length  # type: ignore[no-any-return]

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        made: Any = inputs.get(self)
        column: Any = self
        return IdWeightPair(column.id_tensor(made), column.weight_tensor(made))


class InDenseModels(_InModels, DenseColumn):
    """A column of `dimension` numbers."""

    dimension: int

    @property
    def _variable_shape(self) -> Any:
        return tf.TensorShape([self.dimension])

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        return inputs.get(self)


class InEmbeddingModels(InDenseModels):
    """A column of embeddings, whose table is made where they are looked up."""

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        arguments = self._deep_embedding_lookup_arguments(inputs.get(self))
        return embeddings_of(self, arguments, weight_collections, trainable)
