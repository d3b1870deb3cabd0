"""The same function for many numbers or rows (`for_loop`, `pfor`, `vectorized_map`), and Jacobians made of gradients.

TensorFlow's `pfor` rewrites what the function does into operations on all rows at once. Here it is a `tf.while_loop`, which
gives the same values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.framework.exports import export
from retrograph.framework.static_value import constant_value


def for_loop(
    loop_fn: Callable[[Any], Any], loop_fn_dtypes: Any, iters: Any, parallel_iterations: int | None = None
) -> Any:
    """What `loop_fn` gives for 0 ... `iters` - 1, stacked; `loop_fn_dtypes` are the dtypes of what it gives.

    Raises ValueError for another number of outputs than of dtypes.
    Source: TF 1.15 `tensorflow.python.ops.parallel_for.for_loop`.
    """
    dtypes = nest.flatten(loop_fn_dtypes)
    absent: list[bool] = []

    def body(i: Any, *arrays: Any) -> Any:
        outputs = nest.flatten(loop_fn(i))
        if len(outputs) != len(dtypes):
            raise ValueError(
                f"Number of expected outputs, {len(dtypes)}, does not match the number of actual outputs, {len(outputs)}, "
                "from loop_fn"
            )
        absent[:] = [output is None for output in outputs]
        done = [output for output in outputs if isinstance(output, tf.Operation)]
        with tf.control_dependencies(done):
            return (i + 1, *map(_written, [i] * len(outputs), outputs, arrays))

    options = {} if parallel_iterations is None else {"parallel_iterations": parallel_iterations}
    arrays = [tf.TensorArray(dtype.base_dtype, iters) for dtype in dtypes]
    made: Any = tf.while_loop(lambda i, *_: i < iters, body, [0, *arrays], **options)
    if not absent:
        return None
    found = [None if none else array.concat() for none, array in zip(absent, made[1:], strict=True)]
    return nest.pack_sequence_as(loop_fn_dtypes, found)


def _written(i: Any, output: Any, array: Any) -> Any:
    if output is None or isinstance(output, tf.Operation):
        return array
    return array.write(i, tf.expand_dims(output, 0))


class PForConfig:
    """What `pfor` gives a function that has an argument `pfor_config`. Reductions over all rounds are not supported."""

    def __init__(self, iters: Any):
        self._iters = iters

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise errors.UnimplementedError(None, None, "pfor: reductions across iterations are not supported")

    reduce = reduce_concat = reduce_mean = reduce_sum = _refuse


def _called(loop_fn: Callable[..., Any], i: Any, iters: Any) -> Any:
    names = inspect.signature(loop_fn).parameters
    return loop_fn(i, pfor_config=PForConfig(iters)) if "pfor_config" in names else loop_fn(i)


def _plain(output: Any) -> Any:
    """An output of a round as a tensor; None, operations and sparse tensors stay as they are."""
    if output is None or isinstance(output, (tf.Tensor, tf.Operation, tf.SparseTensor)):
        return output
    return tf.convert_to_tensor(output)


def pfor(loop_fn: Callable[..., Any], iters: Any, parallel_iterations: int | None = None) -> Any:
    """What `loop_fn` gives for 0 ... `iters` - 1, stacked; where it gives an operation, one that has run all of them.

    The function is called twice or more while the graph is built, the first time to know what it gives. Raises ValueError for
    `parallel_iterations` below 2. Source: TF 1.15 `tensorflow.python.ops.parallel_for.pfor`.
    """
    if parallel_iterations is not None and parallel_iterations < 1:
        raise ValueError("parallel_iterations must be None or a positive integer")
    if parallel_iterations == 1:
        raise ValueError("Found parallel_iterations == 1. Use for_loop instead.")
    graph = tf.get_default_graph()
    before = graph.version
    with tf.name_scope("loop_body"):
        first = _called(loop_fn, tf.placeholder(tf.int32, shape=[]), iters)
    told = [_plain(output) for output in nest.flatten(first)]
    rows = constant_value(tf.convert_to_tensor(iters))
    # A loop outside cannot be differentiated inside of another one, and there are no arrays of sparse tensors: then each
    # round is written down.
    extends = any(op.type == "WhileGradient" for op in graph.get_operations() if op._id > before)
    sparse = any(isinstance(output, tf.SparseTensor) for output in told)
    if sparse and rows is None:
        raise errors.UnimplementedError(None, None, "pfor: sparse tensors from an unknown number of rounds")
    compute = _stacked if rows is None or not (extends or sparse) else _unrolled
    with tf.name_scope("pfor"):
        stacked = compute(lambda i: list(map(_plain, nest.flatten(_called(loop_fn, i, iters)))), told, iters)
    return nest.pack_sequence_as(first, stacked)


def _unrolled(loop_fn: Callable[[Any], list[Any]], told: list[Any], iters: Any) -> list[Any]:
    count = int(constant_value(tf.convert_to_tensor(iters)))
    rounds = [loop_fn(tf.constant(i)) for i in range(count)]
    found: list[Any] = []
    for place, output in enumerate(told):
        values = [one[place] for one in rounds]
        if isinstance(output, tf.Operation):
            found.append(tf.group(*values))
        elif isinstance(output, tf.SparseTensor):
            found.append(tf.sparse_concat(0, [_as_row(value) for value in values], expand_nonconcat_dim=True))
        elif output is None or not rounds:
            found.append(None if output is None else tf.zeros([0, *output.shape.as_list()], output.dtype))
        else:
            found.append(tf.stack(values))
    return found


def _stacked(loop_fn: Callable[[Any], list[Any]], told: list[Any], iters: Any) -> list[Any]:
    count = tf.convert_to_tensor(iters, dtype=tf.int32)
    places = [place for place, output in enumerate(told) if isinstance(output, tf.Tensor)]

    def body(i: Any, *arrays: Any) -> Any:
        outputs = loop_fn(i)
        done = [output for output in outputs if isinstance(output, tf.Operation)]
        with tf.control_dependencies(done):
            written = [array.write(i, outputs[place]) for place, array in zip(places, arrays, strict=True)]
            return (i + 1, *written)

    arrays = [tf.TensorArray(told[place].dtype.base_dtype, count) for place in places]
    made: Any = tf.while_loop(lambda i, *_: i < count, body, [0, *arrays])
    made = made if arrays else [made]
    found: list[Any] = [None if output is None else made[0].op for output in told]
    rows = constant_value(count)
    for place, array in zip(places, made[1:], strict=True):
        found[place] = array.stack()
        found[place].set_shape(tf.TensorShape([rows]).concatenate(told[place].shape))
    return found


def _as_row(sparse: Any) -> Any:
    shape = tf.concat([tf.constant([1], tf.int64), sparse.dense_shape], axis=0)
    return tf.sparse.reshape(sparse, shape)


@export("vectorized_map")
def vectorized_map(fn: Callable[[Any], Any], elems: Any) -> Any:
    """`fn` of each row of tensors, stacked: `tf.map_fn` for functions whose outputs have other dtypes than the inputs.

    Source: TF 1.15 `tf.vectorized_map`.
    """
    tensors = nest.map_structure(tf.convert_to_tensor, elems)
    first = nest.flatten(tensors)[0]
    rows = first.shape[0].value if first.shape.ndims else None
    sizes: Any = tf.shape(first)
    return pfor(
        lambda i: fn(nest.map_structure(lambda x: tf.gather(x, i), tensors)), sizes[0] if rows is None else rows
    )


def _over(loop_fn: Callable[[Any], Any], dtypes: Any, iters: Any, use_pfor: bool, parallel: int | None) -> Any:
    if use_pfor:
        return pfor(loop_fn, iters, parallel_iterations=parallel)
    return for_loop(loop_fn, dtypes, iters, parallel_iterations=parallel)


def jacobian(output: Any, inputs: Any, use_pfor: bool = True, parallel_iterations: int | None = None) -> Any:
    """The derivatives of each element of `output` by `inputs`: for each the shapes of both, one after the other.

    Inputs on which `output` does not depend get None. Source: TF 1.15 `tensorflow.python.ops.parallel_for.jacobian`.
    """
    given = nest.flatten(inputs)
    shape, sizes = output.shape, tf.shape(output)
    flat: Any = tf.reshape(output, [-1])
    rows = flat.shape[0].value
    lengths: Any = tf.shape(flat)
    found = _over(
        lambda i: tf.gradients(tf.gather(flat, i), given),
        [output.dtype] * len(given),
        lengths[0] if rows is None else rows,
        use_pfor,
        parallel_iterations,
    )
    for place, part in enumerate(found):
        if isinstance(part, tf.Tensor):
            inner: Any = tf.shape(part)
            found[place] = tf.reshape(part, tf.concat([sizes, inner[1:]], axis=0))
            found[place].set_shape(shape.concatenate(given[place].shape))
    return nest.pack_sequence_as(inputs, found)


def batch_jacobian(output: Any, inp: Any, use_pfor: bool = True, parallel_iterations: int | None = None) -> Any:
    """The derivatives of each row of `output` by the same row of `inp`: `[batch, ..., ...]`; None if it does not depend.

    Raises ValueError for a different number of rows.
    Source: TF 1.15 `tensorflow.python.ops.parallel_for.batch_jacobian`.
    """
    if not output.shape[0].is_compatible_with(inp.shape[0]):
        raise ValueError(f"Need first dimension of output shape ({output.shape}) and inp shape ({inp.shape}) to match.")
    sizes, inner = tf.shape(output), tf.shape(inp)
    static = output.shape.is_fully_defined()
    batch = int(output.shape[0]) if static else sizes[0]
    width = output.shape.num_elements() // batch if static else tf.size(output) // batch
    with tf.control_dependencies([tf.assert_equal(batch, inner[0])]):
        flat = tf.reshape(output, [batch, width])

    def of_column(i: Any) -> Any:
        return tf.gradients(tf.gather(flat, i, axis=1), inp)[0]

    found = _over(of_column, output.dtype, width, use_pfor, parallel_iterations)
    if found is None:
        return None
    rows = tf.transpose(tf.reshape(found, [width, batch, -1]), [1, 0, 2])
    result: Any = tf.reshape(rows, tf.concat([sizes, inner[1:]], axis=0))
    result.set_shape(output.shape.concatenate(inp.shape[1:]))
    return result
