"""Feature columns: what all of them have, and the builder that transforms each feature once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import retrograph as tf


class IdWeightPair(NamedTuple):
    """Sparse ids, and their weights or None."""

    id_tensor: Any
    weight_tensor: Any


class FeatureColumn:
    """Base of all columns. A subclass says how its feature is parsed and transformed."""

    _is_v2_column = True

    @property
    def name(self) -> str:
        """The name of the column, also that of its variables' scope."""
        raise NotImplementedError

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What to parse for the column, as `tf.io.parse_example` takes it."""
        raise NotImplementedError

    @property
    def _parse_example_spec(self) -> dict[str, Any]:
        return self.parse_example_spec

    @property
    def _var_scope_name(self) -> str:
        return self.name

    def _transform_feature(self, inputs: Any) -> Any:
        raise NotImplementedError

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """What the column makes of its feature."""
        return self._transform_feature(Bound(transformation_cache, state_manager))

    def create_state(self, state_manager: Any) -> None:
        """Makes the variables and resources of the column, if it has any."""

    def _get_config(self) -> dict[str, Any]:
        from retrograph.feature_column.serialization import config_of

        return config_of(self)

    @classmethod
    def _from_config(cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None) -> Any:
        from retrograph.feature_column.serialization import from_config

        return from_config(cls, config, custom_objects, columns_by_name)

    def __lt__(self, other: Any) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: Any) -> bool:
        return str(self) > str(other)


class OfOneFeature(FeatureColumn):
    """What columns share that are one feature as it is: its name is theirs. A subclass has `key`."""

    key: str

    @property
    def name(self) -> str:
        """The name of the feature."""
        return self.key

    @property
    def parents(self) -> list[Any]:
        """The feature."""
        return [self.key]


class DenseColumn(FeatureColumn):
    """A column that gives a dense tensor: `f32[batch, *variable_shape]`."""

    @property
    def variable_shape(self) -> Any:
        """The shape of the dense tensor without the batch."""
        raise NotImplementedError

    @property
    def _variable_shape(self) -> Any:
        return self.variable_shape

    def _get_dense_tensor(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
        raise NotImplementedError

    def get_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        """The dense tensor; variables are those that `create_state` made."""
        return self._get_dense_tensor(Bound(transformation_cache, state_manager))


class CategoricalColumn(FeatureColumn):
    """A column that gives sparse ids in `[0, num_buckets)`."""

    @property
    def num_buckets(self) -> int:
        """How many different ids there are."""
        raise NotImplementedError

    @property
    def _num_buckets(self) -> int:
        return self.num_buckets

    def _get_sparse_tensors(self, inputs: Any, weight_collections: Any = None, trainable: Any = None) -> IdWeightPair:
        return IdWeightPair(inputs.get(self), None)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> IdWeightPair:
        """The ids, and their weights or None."""
        return self._get_sparse_tensors(Bound(transformation_cache, state_manager))


# Where programs look for it.
CategoricalColumn.IdWeightPair = IdWeightPair  # type: ignore[attr-defined]


class _Tables:
    """The embedding tables that a state manager keeps."""

    def __init__(self, state_manager: Any):
        self._state_manager = state_manager

    def get(self, column: Any) -> Any:
        return self._state_manager.get_variable(column, name="embedding_weights")


class Bound:
    """A cache of transformed features, and the state that columns need to make more of them, as one builder."""

    def __init__(self, cache: Any, state_manager: Any):
        self.cache, self.state = cache, state_manager
        self.tables = _Tables(state_manager)

    def get(self, key: Any) -> Any:
        """A raw feature by its name, or the transformed feature of a column."""
        return self.cache.get(key, self.state)


class LazyBuilder:
    """The features and what columns made of them, each once. Source: TF 1.15 `feature_column._LazyBuilder`."""

    def __init__(self, features: Any):
        self._features = features.copy()
        self._made: dict[Any, Any] = {}
        self.tables: dict[Any, Any] = {}  # of embedding columns, where they were made before

    def get(self, key: Any) -> Any:
        """A raw feature by its name, or the transformed feature of a column.

        Raises ValueError: no such feature; TypeError: neither a name nor a column.
        """
        if key in self._made:
            return self._made[key]
        self._made[key] = self._raw(key) if key in self._features else self._transformed(key)
        return self._made[key]

    def _transformed(self, key: Any) -> Any:
        if isinstance(key, str):
            raise ValueError(f"Feature {key} is not in features dictionary.")
        if not isinstance(key, FeatureColumn):
            raise TypeError(f'"key" must be either a "str" or "_FeatureColumn". Provided: {key}')
        made = key._transform_feature(self)
        if made is None:
            raise ValueError(f"Column {key.name} is not supported.")
        return made

    def _raw(self, key: Any) -> Any:
        tensor: Any = tf.convert_to_tensor_or_sparse_tensor(self._features[key])
        rank = tensor.get_shape().ndims
        text = f"Feature (key: {key}) cannot have rank 0. Given: {tensor}"
        if rank == 0:
            raise ValueError(text)
        if rank is not None:
            return _with_column(tensor) if rank == 1 else tensor
        with tf.control_dependencies([tf.debugging.assert_positive(tf.rank(tensor), message=text)]):
            return tf.cond(tf.equal(1, tf.rank(tensor)), lambda: _with_column(tensor), lambda: tensor)


def _with_column(tensor: Any) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        sizes: Any = tf.shape(tensor)
        return tf.sparse_reshape(tensor, [sizes[0], 1])
    return tf.expand_dims(tensor, -1)


def to_sparse(tensor: Any, ignore_value: Any = None) -> Any:
    """The sparse tensor of the elements that are not `ignore_value`: '' for texts, -1 for ints, 0 for floats."""
    tensor = tf.convert_to_tensor_or_sparse_tensor(tensor)
    if isinstance(tensor, tf.SparseTensor):
        return tensor
    with tf.name_scope(None, "to_sparse_input", (tensor, ignore_value)):
        if ignore_value is None:
            ignore_value = "" if tensor.dtype == tf.string else -1 if tensor.dtype.is_integer else 0.0
        ignored = tf.cast(ignore_value, tensor.dtype, name="ignore_value")
        indices = tf.where_v2(tf.not_equal(tensor, ignored), name="indices")
        values = tf.gather_nd(tensor, indices, name="values")
        return tf.SparseTensor(indices, values, tf.shape(tensor, out_type=tf.int64, name="dense_shape"))


def normalized(feature_columns: Any, kind: str = "_FeatureColumn") -> list[Any]:
    """The columns as a list; `kind` is what errors call one of them. Raises ValueError: none, two of one name, or something else among them."""
    if isinstance(feature_columns, FeatureColumn):
        feature_columns = [feature_columns]
    if isinstance(feature_columns, Iterator):
        feature_columns = list(feature_columns)
    if isinstance(feature_columns, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"Items of feature_columns must be a {kind}. Given (type {type(column)}): {column}.")
    if not feature_columns:
        raise ValueError("feature_columns must not be empty.")
    by_name: dict[str, Any] = {}
    for column in feature_columns:
        if by_name.setdefault(column.name, column) is not column:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and {by_name[column.name]}. This usually "
                "means that these columns refer to same base feature. Either one must be discarded or a duplicated but "
                "renamed item must be inserted in features dict."
            )
    return list(feature_columns)


def dense_of(column: Any, builder: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
    """The dense tensor of a column; columns of programs define one of two methods for it."""
    if isinstance(builder, Bound):
        return column.get_dense_tensor(builder.cache, builder.state)
    return column._get_dense_tensor(builder, weight_collections=weight_collections, trainable=trainable)


def sparse_of(column: Any, builder: Any, weight_collections: Any = None, trainable: Any = None) -> Any:
    """The ids of a column, and their weights; columns of programs define one of two methods for it."""
    if isinstance(builder, Bound):
        return column.get_sparse_tensors(builder.cache, builder.state)
    return column._get_sparse_tensors(builder, weight_collections=weight_collections, trainable=trainable)


def check_key(key: Any) -> None:
    """Raises ValueError unless a key is a text."""
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


def check_string_or_int(dtype: Any, prefix: str) -> None:
    """Raises ValueError unless a dtype is string or an integer."""
    if dtype != tf.string and not dtype.is_integer:
        raise ValueError(f"{prefix} dtype must be string or integer. dtype: {dtype}.")
