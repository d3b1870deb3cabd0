"""Parsing of serialized examples into tensors: `tf.io.parse_example` and its kin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from retrograph.framework import dtypes, logger
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array, parsing_rows, strided_slice
from retrograph.ops.sparse import sparse_merge


class VarLenFeature(NamedTuple):
    """A feature of any number of values, parsed to a `SparseTensor`. Source: TF 1.15 `tf.io.VarLenFeature`."""

    dtype: Any


class SparseFeature(NamedTuple):
    """A `SparseTensor` whose indices are in the features `index_key` and whose values are in `value_key`.

    Source: TF 1.15 `tf.io.SparseFeature`.
    """

    index_key: Any
    value_key: Any
    dtype: Any
    size: Any
    already_sorted: bool = False


class FixedLenFeature(NamedTuple):
    """A feature of a known shape, parsed to a `Tensor`. Source: TF 1.15 `tf.io.FixedLenFeature`."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A list of values of a known shape, parsed to a `Tensor` padded to the longest.

    Source: TF 1.15 `tf.io.FixedLenSequenceFeature`.
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


for _feature in (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature):
    export(f"io.{_feature.__name__}", _feature.__name__)(_feature)

_LOGGED = "SparseFeature is a complicated feature config and should only be used after careful consideration of VarLenFeature."


class _Params:
    """What the features ask for, in the order of the operations' arguments."""

    def __init__(self, features: Mapping[str, Any] | None, kinds: tuple[type, ...]):
        self.kinds = kinds
        self.sparse: dict[str, Any] = {}
        self.dense: dict[str, Any] = {}
        self.shapes: list[Any] = []
        self.defaults: dict[str, Any] = {}
        for key in sorted(features or ()):
            self._add(key, (features or {})[key])

    @property
    def sparse_keys(self) -> list[str]:
        """The names of sparse features."""
        return list(self.sparse)

    @property
    def dense_keys(self) -> list[str]:
        """The names of dense features."""
        return list(self.dense)

    @property
    def plain_shapes(self) -> list[TensorShape]:
        """The shapes of dense features."""
        return [TensorShape(s) for s in self.shapes]

    def _add(self, key: str, feature: Any) -> None:
        adders: dict[type, Any] = {
            VarLenFeature: self._add_var_len,
            SparseFeature: self._add_sparse,
            FixedLenFeature: self._add_fixed,
            FixedLenSequenceFeature: self._add_list,
        }
        kind = next((k for k in adders if isinstance(feature, k)), None)
        if kind is None:
            raise ValueError(f"Invalid feature {key}:{feature}.")
        if kind not in self.kinds:
            raise ValueError(f"Unsupported {kind.__name__} {feature}.")
        adders[kind](key, feature)

    def _add_var_len(self, key: str, feature: Any) -> None:
        _check_dtype(key, feature)
        self.sparse[key] = feature.dtype

    def _add_sparse(self, key: str, feature: Any) -> None:
        for part in ("index_key", "value_key"):
            if not getattr(feature, part):
                raise ValueError(f"Missing {part} for SparseFeature {feature}.")
        _check_dtype(key, feature)
        index_keys = [feature.index_key] if isinstance(feature.index_key, str) else feature.index_key
        if len(index_keys) > 1:
            logger.get_logger().warning(_LOGGED)
        for index_key in sorted(index_keys):
            known = self.sparse.setdefault(index_key, dtypes.int64)
            if known != dtypes.int64:
                raise ValueError(f"Conflicting type {known} vs int64 for feature {index_key}.")
        known = self.sparse.setdefault(feature.value_key, feature.dtype)
        if known != feature.dtype:
            raise ValueError(f"Conflicting type {known} vs {feature.dtype} for feature {feature.value_key}.")

    def _add_fixed(self, key: str, feature: Any) -> None:
        _check_dtype(key, feature)
        _check_shape(key, feature)
        shape = TensorShape(feature.shape)
        if feature.shape and shape.ndims and shape[0].value is None:
            raise ValueError(
                f"First dimension of shape for feature {key} unknown. Consider using FixedLenSequenceFeature."
            )
        if not shape.is_fully_defined():
            raise ValueError(
                f"All dimensions of shape for feature {key} need to be known but received {feature.shape}."
            )
        self._add_dense(key, feature)

    def _add_list(self, key: str, feature: Any) -> None:
        _check_dtype(key, feature)
        _check_shape(key, feature)
        if feature.allow_missing:
            self.defaults[key] = None
        self._add_dense(key, feature)

    def _add_dense(self, key: str, feature: Any) -> None:
        self.dense[key] = feature.dtype
        self.shapes.append(feature.shape)
        if feature.default_value is not None:
            self.defaults[key] = feature.default_value

    def check(self) -> None:
        """Raises ValueError: there are no features, or one is both sparse and dense."""
        if not self.sparse and not self.dense:
            raise ValueError("Must provide at least one sparse key or dense key")
        both = set(self.dense) & set(self.sparse)
        if both:
            raise ValueError(f"Dense and sparse keys must not intersect; intersection: {both}")


def _check_dtype(key: str, feature: Any) -> None:
    if not feature.dtype:
        raise ValueError(f"Missing type for feature {key}.")


def _check_shape(key: str, feature: Any) -> None:
    if feature.shape is None:
        raise ValueError(f"Missing shape for feature {key}.")


def _clean(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-/]", "_", key)


def _default(key: str, value: Any, dtype: Any, shape: TensorShape) -> Any:
    """The default value of a dense feature as a tensor: without elements if the feature is required."""
    if shape.ndims and shape[0].value is None:
        if value is None:
            return convert_to_tensor("" if dtype == dtypes.string else 0, dtype=dtype)
        return array.reshape(convert_to_tensor(value, dtype=dtype, name=f"padding_{_clean(key)}"), [])
    if value is None:
        return constant([], dtype=dtype)
    if isinstance(value, Tensor):
        return value
    return array.reshape(convert_to_tensor(value, dtype=dtype, name=f"key_{_clean(key)}"), shape)


def _defaults(params: _Params) -> list[Any]:
    rows = zip(params.dense.items(), params.plain_shapes, strict=True)
    return [_default(key, params.defaults.get(key), dtype, shape) for (key, dtype), shape in rows]


def _with_batches(features: Mapping[str, Any]) -> dict[str, Any]:
    """The features, those that are lists with a first size that varies."""
    made = dict(features)
    for key, feature in features.items():
        if not isinstance(feature, FixedLenSequenceFeature):
            continue
        if not feature.allow_missing:
            raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
        made[key] = feature._replace(shape=[None, *feature.shape])
    return made


def _sparse_tensors(outputs: Any, start: int = 0) -> list[SparseTensor]:
    return [SparseTensor(*parts) for parts in zip(*outputs[start : start + 3], strict=True)]


def _by_name(params: _Params, outputs: Any, start: int = 0) -> dict[str, Any]:
    tensors = _sparse_tensors(outputs, start) + list(outputs[start + 3])
    return dict(zip(params.sparse_keys + params.dense_keys, tensors, strict=True))


def _with_sparse_features(features: Mapping[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """The parsed tensors by the names of the features, with the sparse ones put together."""
    made = dict(tensors)
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            indices = feature.index_key
            ids = made[indices] if isinstance(indices, str) else [made[k] for k in indices]
            values = made[feature.value_key]
            made[key] = sparse_merge(ids, values, vocab_size=feature.size, already_sorted=feature.already_sorted)
    return {key: tensor for key, tensor in made.items() if key in features}


_ALL = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)


@export("io.parse_example", "parse_example")
def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> Any:
    """A dictionary of the features of `serialized: string[batch]`, messages of type `tf.train.Example`.

    `features` maps names to `FixedLenFeature`, `VarLenFeature`, ...; dense ones come as T[batch, ...], others as
    `SparseTensor`s. Raises ValueError: wrong features; when it runs InvalidArgumentError for messages that do not have
    them so. Source: TF 1.15 `tf.io.parse_example`.
    """
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    features = _with_batches(features)
    return _with_sparse_features(features, _parsed(serialized, example_names, _Params(features, _ALL), name))


def _parsed(serialized: Any, names: Any, params: _Params, name: str | None) -> dict[str, Any]:
    with name_scope(name, "ParseExample", [serialized, names]):
        params.check()
        outputs = apply_op(
            "ParseExample",
            name,
            dense_defaults=_defaults(params),
            serialized=serialized,
            names=[] if names is None else names,
            sparse_keys=params.sparse_keys,
            sparse_types=list(params.sparse.values()),
            dense_keys=params.dense_keys,
            dense_shapes=params.plain_shapes,
        )
        return _by_name(params, outputs)


@export("io.parse_single_example", "parse_single_example")
def parse_single_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> Any:
    """A dictionary of the features of one message `serialized: string[]`.

    Source: TF 1.15 `tf.io.parse_single_example`.
    """
    if not features:
        raise ValueError("Missing features.")
    features = _with_batches(features)
    params = _Params(features, _ALL)
    if example_names is not None:
        return _with_sparse_features(features, _parsed_as_batch(serialized, example_names, params, name))
    with name_scope(name, "ParseSingleExample", [serialized]):
        serialized = convert_to_tensor(serialized, name="serialized")
        params.check()
        outputs = apply_op(
            "ParseSingleExample",
            name,
            dense_defaults=_defaults(params),
            serialized=serialized,
            num_sparse=len(params.sparse),
            sparse_keys=params.sparse_keys,
            sparse_types=list(params.sparse.values()),
            dense_keys=params.dense_keys,
            dense_shapes=params.plain_shapes,
        )
        tensors = _by_name(params, outputs)
    return _with_sparse_features(features, tensors)


def _scalar(value: Any, what: str, label: str) -> Any:
    from retrograph.ops import check, control_flow, math

    tensor: Any = convert_to_tensor(value)
    if tensor.get_shape().ndims is not None:
        if tensor.get_shape().ndims:
            raise ValueError(f"Input {what} must be a scalar")
    else:
        is_scalar = check.Assert(
            math.equal(array.rank(tensor), 0), [f"Input {what} must be a scalar"], name=f"{label}IsScalar"
        )
        tensor = control_flow.with_dependencies([is_scalar], tensor, name=f"{label}Dependencies")
    return array.expand_dims(tensor, 0)


def _parsed_as_batch(serialized: Any, names: Any, params: _Params, name: str | None) -> dict[str, Any]:
    with name_scope(name, "ParseSingleExample", [serialized, names]):
        serialized, names = _scalar(serialized, "serialized", "Serialized"), _scalar(names, "names", "Names")
        found = _parsed(serialized, names, params, name)
        for key in params.dense:
            found[key] = array.squeeze(found[key], [0], name=f"Squeeze_{_clean(key)}")
        for key in params.sparse:
            sparse = found[key]
            indices = strided_slice.slice(sparse.indices, [0, 1], [-1, -1], name=f"Slice_Indices_{_clean(key)}")
            shape = strided_slice.slice(sparse.dense_shape, [1], [-1], name=f"Squeeze_Shape_{_clean(key)}")
            found[key] = SparseTensor(indices, sparse.values, shape)
        return found


# ---- sequence examples

_CONTEXT, _LISTS = (VarLenFeature, FixedLenFeature), (VarLenFeature, FixedLenSequenceFeature)


def _check_sequences(context: _Params, lists: _Params) -> None:
    if not (context.sparse or context.dense or lists.sparse or lists.dense):
        kinds = "context_sparse key, context_dense key, , feature_list_sparse key, or feature_list_dense key"
        raise ValueError(f"Must provide at least one {kinds}")
    for key, value in lists.defaults.items():
        if value is not None:
            raise ValueError(f"Value feature_list_dense_defaults[{key}] must be None")


def _context_defaults(context: _Params, reshaped: bool) -> list[Any]:
    found = []
    for (key, dtype), shape in zip(context.dense.items(), context.plain_shapes, strict=True):
        value = context.defaults.get(key)
        if value is None:
            value = constant([], dtype=dtype)
        elif not isinstance(value, Tensor):
            value = convert_to_tensor(value, dtype=dtype, name=f"key_{_clean(key)}")
            value = array.reshape(value, shape) if reshaped else value
        found.append(value)
    return found


def _sequence_arguments(context: _Params, lists: _Params) -> dict[str, Any]:
    return {
        "context_sparse_keys": context.sparse_keys,
        "context_sparse_types": list(context.sparse.values()),
        "context_dense_keys": context.dense_keys,
        "context_dense_shapes": context.plain_shapes,
        "feature_list_sparse_keys": lists.sparse_keys,
        "feature_list_sparse_types": list(lists.sparse.values()),
        "feature_list_dense_keys": lists.dense_keys,
        "feature_list_dense_types": list(lists.dense.values()),
        "feature_list_dense_shapes": lists.plain_shapes,
        "feature_list_dense_missing_assumed_empty": list(lists.defaults),
    }


def _sequence_params(context_features: Any, sequence_features: Any) -> tuple[_Params, _Params]:
    if not (context_features or sequence_features):
        raise ValueError("Missing features.")
    return _Params(context_features, _CONTEXT), _Params(sequence_features, _LISTS)


@export("io.parse_single_sequence_example", "parse_single_sequence_example")
def parse_single_sequence_example(
    serialized: Any,
    context_features: Any = None,
    sequence_features: Any = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(features of the context, features of the steps) of one message of type `tf.train.SequenceExample`.

    Source: TF 1.15 `tf.io.parse_single_sequence_example`.
    """
    context, lists = _sequence_params(context_features, sequence_features)
    with name_scope(name, "ParseSingleSequenceExample", [serialized]):
        _check_sequences(context, lists)
        outputs = apply_op(
            "ParseSingleSequenceExample",
            name,
            context_dense_defaults=_context_defaults(context, True),
            serialized=serialized,
            debug_name="" if example_name is None else example_name,
            **_sequence_arguments(context, lists),
        )
        return _by_name(context, outputs), _by_name(lists, outputs, 4)


@export("io.parse_sequence_example")
def parse_sequence_example(
    serialized: Any,
    context_features: Any = None,
    sequence_features: Any = None,
    example_names: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """(features of the contexts, of the steps, numbers of steps) of messages of type `tf.train.SequenceExample`.

    Source: TF 1.15 `tf.io.parse_sequence_example`.
    """
    context, lists = _sequence_params(context_features, sequence_features)
    with name_scope(name, "ParseSequenceExample", [serialized]):
        _check_sequences(context, lists)
        outputs = apply_op(
            "ParseSequenceExample",
            name,
            context_dense_defaults=_context_defaults(context, False),
            serialized=serialized,
            debug_name=[] if example_names is None else example_names,
            Ncontext_sparse=len(context.sparse),
            Ncontext_dense=len(context.dense),
            Nfeature_list_sparse=len(lists.sparse),
            Nfeature_list_dense=len(lists.dense),
            **_sequence_arguments(context, lists),
        )
        lengths = dict(zip(lists.dense_keys, outputs[8], strict=True))
        return _by_name(context, outputs), _by_name(lists, outputs, 4), lengths


_ROWS = (parsing_rows,)  # registers the op types
