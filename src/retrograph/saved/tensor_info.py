"""Tensors as the signatures of a SavedModel name them."""

from __future__ import annotations

from typing import Any

from retrograph.framework import dtypes, errors
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.messages import message_class
from retrograph.framework.proto_functions import prepend_name_scope
from retrograph.framework.shape import TensorShape
from retrograph.framework.structures import SparseTensor

TensorInfo: Any = message_class("tensorflow.TensorInfo")


@export("saved_model.build_tensor_info", "saved_model.utils.build_tensor_info")
def build_tensor_info(tensor: Any) -> Any:
    """The name, type and shape of a tensor (of a SparseTensor its three tensors') as a TensorInfo.

    Source: TF 1.15 `tf.saved_model.build_tensor_info`.
    """
    made = TensorInfo(dtype=dtypes.as_dtype(tensor.dtype).as_datatype_enum)
    made.tensor_shape.CopyFrom(tensor.get_shape().as_proto())
    if isinstance(tensor, SparseTensor):
        made.coo_sparse.values_tensor_name = tensor.values.name
        made.coo_sparse.indices_tensor_name = tensor.indices.name
        made.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        made.name = tensor.name
    return made


build_tensor_info_internal = build_tensor_info


def build_tensor_info_from_op(op: Any) -> Any:
    """A TensorInfo that names an operation. Source: TF 1.15 `utils_impl.build_tensor_info_from_op`."""
    return TensorInfo(name=op.name, tensor_shape=TensorShape(None).as_proto())


@export("saved_model.get_tensor_from_tensor_info", "saved_model.utils.get_tensor_from_tensor_info")
def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """The tensor or SparseTensor of a graph that a TensorInfo names.

    Raises: KeyError if it is not there; ValueError if nothing is named.
    Source: TF 1.15 `tf.saved_model.get_tensor_from_tensor_info`.
    """
    graph = graph or get_default_graph()

    def tensor(name: str) -> Any:
        return graph.get_tensor_by_name(prepend_name_scope(name, import_scope))

    encoding = tensor_info.WhichOneof("encoding")
    if encoding == "name":
        return tensor(tensor_info.name)
    if encoding == "coo_sparse":
        parts = tensor_info.coo_sparse
        names = (parts.indices_tensor_name, parts.values_tensor_name, parts.dense_shape_tensor_name)
        return SparseTensor(*map(tensor, names))
    if encoding == "composite_tensor":
        raise errors.UnimplementedError(None, None, "TensorInfo.composite_tensor")
    raise ValueError(f"Invalid TensorInfo.encoding: {encoding}")


def get_element_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """The operation or tensor of a graph that a TensorInfo names. Raises: KeyError if it is not there."""
    graph = graph or get_default_graph()
    return graph.as_graph_element(prepend_name_scope(tensor_info.name, import_scope))
