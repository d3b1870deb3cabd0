"""`tf.contrib.slim.tfexample_decoder`: items of a data set out of the features of serialized examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import retrograph as tf
from retrograph.framework.exports import export

_Tensors = Mapping[str, Any]


class DataDecoder:
    """What gives the items of a record. Source: TF 1.15 `slim.data_decoder.DataDecoder`."""

    def decode(self, data: Any, items: Any) -> list[Any]:
        """The items of a record."""
        raise NotImplementedError

    def list_items(self) -> list[str]:
        """The names of all items."""
        raise NotImplementedError


@export("contrib.slim.tfexample_decoder.ItemHandler")
class ItemHandler:
    """Makes an item of the tensors of the features `keys`. Source: TF 1.15 `tfexample_decoder.ItemHandler`."""

    def __init__(self, keys: Any):
        self._keys = keys if isinstance(keys, (tuple, list)) else [keys]

    @property
    def keys(self) -> Any:
        """The names of the features."""
        return self._keys

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The item."""
        raise NotImplementedError


@export("contrib.slim.tfexample_decoder.ItemHandlerCallback")
class ItemHandlerCallback(ItemHandler):
    """An item that a function makes. Source: TF 1.15 `tfexample_decoder.ItemHandlerCallback`."""

    def __init__(self, keys: Any, func: Callable[[_Tensors], Any]):
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """What the function gives."""
        return self._func(keys_to_tensors)


@export("contrib.slim.tfexample_decoder.BoundingBox")
class BoundingBox(ItemHandler):
    """Boxes out of four features: `f32[n, 4]`. Source: TF 1.15 `tfexample_decoder.BoundingBox`."""

    def __init__(self, keys: Sequence[str] | None = None, prefix: str = ""):
        if keys is None:
            keys = ["ymin", "xmin", "ymax", "xmax"]
        elif len(keys) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(keys)}")
        self._prefix = prefix
        self._full_keys = [prefix + k for k in keys]
        super().__init__(self._full_keys)

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The boxes."""
        sides = (keys_to_tensors[key] for key in self._full_keys)
        rows = [tf.expand_dims(s.values if isinstance(s, tf.SparseTensor) else s, 0) for s in sides]
        return tf.transpose(tf.concat(rows, 0))


def _dense(value: Any) -> Any:
    return tf.sparse_tensor_to_dense(value) if isinstance(value, tf.SparseTensor) else value


@export("contrib.slim.tfexample_decoder.Tensor")
class Tensor(ItemHandler):
    """A feature as a tensor, in the shape that is given or that other features hold.

    Source: TF 1.15 `tfexample_decoder.Tensor`.
    """

    def __init__(self, tensor_key: str, shape_keys: Any = None, shape: Any = None, default_value: Any = 0):
        if shape_keys and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        if shape_keys and not isinstance(shape_keys, list):
            shape_keys = [shape_keys]
        self._tensor_key, self._shape_keys, self._shape = tensor_key, shape_keys, shape
        self._default_value = default_value
        super().__init__([tensor_key, *(shape_keys or [])])

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The tensor."""
        tensor, shape = keys_to_tensors[self._tensor_key], self._shape
        if self._shape_keys:
            sizes = [_dense(keys_to_tensors[k]) for k in self._shape_keys]
            shape = tf.reshape(tf.stack(sizes), [-1])
        if isinstance(tensor, tf.SparseTensor):
            shaped = tensor if shape is None else tf.sparse_reshape(tensor, shape)
            return tf.sparse_tensor_to_dense(shaped, self._default_value)
        return tensor if shape is None else tf.reshape(tensor, shape)


@export("contrib.slim.tfexample_decoder.LookupTensor")
class LookupTensor(Tensor):
    """What a table has for the values of a feature. Source: TF 1.15 `tfexample_decoder.LookupTensor`."""

    def __init__(self, tensor_key: str, table: Any, shape_keys: Any = None, shape: Any = None, default_value: Any = ""):
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The values that were looked up."""
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


@export("contrib.slim.tfexample_decoder.BackupHandler")
class BackupHandler(ItemHandler):
    """The item of `handler`, or that of `backup` if it is empty. Source: TF 1.15 `tfexample_decoder.BackupHandler`."""

    def __init__(self, handler: ItemHandler, backup: ItemHandler):
        for kind, given in (("Primary", handler), ("Backup", backup)):
            if not isinstance(given, ItemHandler):
                raise ValueError(f"{kind} handler is of type {type(given)} instead of ItemHandler")
        self._handler, self._backup = handler, backup
        super().__init__([*handler.keys, *backup.keys])

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The item of one of both."""
        item = self._handler.tensors_to_item(keys_to_tensors)
        empty = tf.equal(tf.reduce_prod(tf.shape(item)), 0)
        return tf.cond(empty, lambda: self._backup.tensors_to_item(keys_to_tensors), lambda: item)


@export("contrib.slim.tfexample_decoder.SparseTensor")
class SparseTensor(ItemHandler):
    """A sparse tensor out of the features of its indices and values. Source: TF 1.15 `tfexample_decoder.SparseTensor`."""

    def __init__(
        self,
        indices_key: str | None = None,
        values_key: str | None = None,
        shape_key: str | None = None,
        shape: Any = None,
        densify: bool = False,
        default_value: Any = 0,
    ):
        self._indices_key, self._values_key = indices_key or "indices", values_key or "values"
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default_value = densify, default_value
        super().__init__([self._indices_key, self._values_key, *([shape_key] if shape_key else [])])

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The sparse tensor, or the dense one of it."""
        indices, values = keys_to_tensors[self._indices_key], keys_to_tensors[self._values_key]
        shape = _dense(keys_to_tensors[self._shape_key]) if self._shape_key else self._shape or indices.dense_shape
        sizes: Any = tf.shape(indices.indices)
        ids = tf.cast(indices.values, tf.int64)
        outer = tf.slice(indices.indices, [0, 0], tf.stack([-1, sizes[1] - 1]))
        places = tf.concat([outer, tf.reshape(ids, [-1, 1])], 1)
        tensor = tf.SparseTensor(places, values.values, shape)
        return tf.sparse_tensor_to_dense(tensor, self._default_value) if self._densify else tensor


@export("contrib.slim.tfexample_decoder.Image")
class Image(ItemHandler):
    """An image out of the features of its bytes and its format. Source: TF 1.15 `tfexample_decoder.Image`."""

    def __init__(
        self,
        image_key: str | None = None,
        format_key: str | None = None,
        shape: Any = None,
        channels: int = 3,
        dtype: Any = tf.uint8,
        repeated: bool = False,
        dct_method: str = "",
    ):
        self._image_key, self._format_key = image_key or "image/encoded", format_key or "image/format"
        self._shape, self._channels, self._dtype = shape, channels, dtype
        self._repeated, self._dct_method = repeated, dct_method
        super().__init__([self._image_key, self._format_key])

    def tensors_to_item(self, keys_to_tensors: _Tensors) -> Any:
        """The image, or the images."""
        data, kind = keys_to_tensors[self._image_key], keys_to_tensors[self._format_key]
        if self._repeated:
            return tf.map_fn(lambda x: self._decode(x, kind), data, dtype=self._dtype)
        return self._decode(data, kind)

    def _decode(self, data: Any, kind: Any) -> Any:
        def decode_image() -> Any:
            return tf.cast(tf.image.decode_image(data, channels=self._channels), self._dtype)

        def decode_jpeg() -> Any:
            image = tf.image.decode_jpeg(data, channels=self._channels, dct_method=self._dct_method)
            return tf.cast(image, self._dtype)

        def check_jpeg() -> Any:
            return tf.cond(tf.image.is_jpeg(data), decode_jpeg, decode_image, name="cond_jpeg")

        def decode_raw() -> Any:
            return tf.decode_raw(data, out_type=self._dtype)

        is_raw = tf.logical_or(tf.equal(kind, "raw"), tf.equal(kind, "RAW"))
        image = tf.case([(is_raw, decode_raw)], default=check_jpeg, exclusive=True)
        image.set_shape([None, None, self._channels])
        return image if self._shape is None else tf.reshape(image, self._shape)


@export("contrib.slim.tfexample_decoder.TFExampleDecoder")
class TFExampleDecoder(DataDecoder):
    """Items of serialized examples: `keys_to_features` says what to parse, `items_to_handlers` what to make of it.

    Source: TF 1.15 `tf.contrib.slim.tfexample_decoder.TFExampleDecoder`.
    """

    def __init__(self, keys_to_features: Mapping[str, Any], items_to_handlers: Mapping[str, ItemHandler]):
        self._keys_to_features, self._items_to_handlers = keys_to_features, items_to_handlers

    def list_items(self) -> list[str]:
        """The names of all items."""
        return list(self._items_to_handlers)

    def decode(self, serialized_example: Any, items: Any = None) -> list[Any]:
        """The items (all by default) of an example."""
        example = tf.parse_single_example(serialized_example, self._keys_to_features)
        for key in sorted(self._keys_to_features):
            feature = self._keys_to_features[key]
            if isinstance(feature, tf.FixedLenFeature):
                example[key] = tf.reshape(example[key], feature.shape)
        handlers = [self._items_to_handlers[item] for item in items or self._items_to_handlers]
        return [h.tensors_to_item({key: example[key] for key in h.keys}) for h in handlers]
