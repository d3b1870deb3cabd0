"""Functions of sparse tensors that are made of other operations."""

from __future__ import annotations

from typing import Any

from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.structures import SparseTensor
from retrograph.ops import array
from retrograph.ops.gather import gather
from retrograph.ops.selecting import where_v2


@export("sparse.retain", "sparse_retain")
def sparse_retain(sp_input: Any, to_retain: Any) -> SparseTensor:
    """The elements of a sparse tensor for which `to_retain` (bool[n], one for each element) is true; the shape stays.

    Raises TypeError: `sp_input` is not sparse; ValueError: `to_retain` is no vector, or of another length.

    >>> sparse = tf.SparseTensor([[0, 1], [2, 0]], [5, 6], [3, 2])
    >>> tf.sparse.retain(sparse, [True, False]).values.eval(session=tf.Session())
    array([5], dtype=int32)

    Source: TF 1.15 `tf.sparse.retain`.
    """
    sparse: Any = SparseTensor.from_value(sp_input)
    retained: Any = convert_to_tensor(to_retain)
    retained.get_shape().assert_has_rank(1)
    if sparse.values.get_shape().dims is not None:
        sparse.values.get_shape().dims[0].merge_with(retained.get_shape().dims[0])
    places = array.reshape(where_v2(retained), [-1])
    indices, values = gather(sparse.indices, places), gather(sparse.values, places)
    return SparseTensor(indices, values, array.identity(sparse.dense_shape))
