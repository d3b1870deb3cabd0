"""`tf.keras.backend`: variables, placeholders, their values, and functions that run the session."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import retrograph as tf
from retrograph.framework import errors, nest
from retrograph.framework.exports import export
from retrograph.keras.nodes import int_shape as int_shape_of
from retrograph.keras.state import floatx, get_session, learning_phase, track_variable


@export("keras.backend.variable")
def variable(value: Any, dtype: Any = None, name: Any = None, constraint: Any = None) -> Any:
    """A resource variable of a value, which `get_session` initializes. Source: TF 1.15 `tf.keras.backend.variable`."""
    kind = tf.as_dtype(floatx() if dtype is None else dtype)
    if hasattr(value, "tocoo"):
        coo = value.tocoo()
        return tf.SparseTensor(np.stack([coo.row, coo.col], 1).astype(np.int64), coo.data, coo.shape)
    made = tf.Variable(value, dtype=kind, name=name, constraint=constraint, use_resource=True)
    track_variable(made)
    return made


@export("keras.backend.constant")
def constant(value: Any, dtype: Any = None, shape: Any = None, name: Any = None) -> Any:
    """A constant of `floatx` if no dtype is given. Source: TF 1.15 `tf.keras.backend.constant`."""
    return tf.constant(value, dtype=floatx() if dtype is None else dtype, shape=shape, name=name or "Const")


@export("keras.backend.placeholder")
def placeholder(
    shape: Any = None,
    ndim: Any = None,
    dtype: Any = None,
    sparse: bool = False,
    name: Any = None,
    ragged: bool = False,
) -> Any:
    """A placeholder of a shape, or of `ndim` unknown sizes.

    Raises ValueError: both sparse and ragged. Source: TF 1.15 `tf.keras.backend.placeholder`.
    """
    if sparse and ragged:
        raise ValueError("Cannot set both sparse and ragged to True when creating a placeholder.")
    if ragged:
        raise errors.UnimplementedError(None, None, "keras.backend.placeholder: `ragged` is not implemented")
    dtype = floatx() if dtype is None else dtype
    if not shape and ndim:
        shape = (None,) * ndim
    return (tf.sparse_placeholder if sparse else tf.placeholder)(dtype, shape=shape, name=name)


@export("keras.backend.is_keras_tensor")
def is_keras_tensor(x: Any) -> bool:
    """Whether a layer of Keras made the tensor; ValueError for what is no tensor.

    Source: TF 1.15 `tf.keras.backend.is_keras_tensor`.
    """
    if not isinstance(x, (tf.Tensor, tf.Variable, tf.SparseTensor)):
        raise ValueError(f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance.")
    return hasattr(x, "_keras_history")


def is_placeholder(x: Any) -> bool:
    """Whether a tensor is a placeholder."""
    return getattr(getattr(x, "op", None), "type", None) == "Placeholder"


@export("keras.backend.is_sparse")
def is_sparse(tensor: Any) -> bool:
    """Whether it is a SparseTensor. Source: TF 1.15 `tf.keras.backend.is_sparse`."""
    return isinstance(tensor, tf.SparseTensor)


@export("keras.backend.to_dense")
def to_dense(tensor: Any) -> Any:
    """A sparse tensor as a dense one, others as they are. Source: TF 1.15 `tf.keras.backend.to_dense`."""
    return tf.sparse_tensor_to_dense(tensor) if is_sparse(tensor) else tensor


@export("keras.backend.int_shape")
def int_shape(x: Any) -> Any:
    """The static shape as a tuple, None if the rank is not known. Source: TF 1.15 `tf.keras.backend.int_shape`."""
    return int_shape_of(x)


@export("keras.backend.ndim")
def ndim(x: Any) -> Any:
    """The rank, None if not known. Source: TF 1.15 `tf.keras.backend.ndim`."""
    return x.shape.ndims


@export("keras.backend.dtype")
def dtype(x: Any) -> str:
    """The name of the dtype. Source: TF 1.15 `tf.keras.backend.dtype`."""
    return x.dtype.base_dtype.name  # type: ignore[no-any-return]


@export("keras.backend.shape")
def shape(x: Any) -> Any:
    """The shape as a tensor. Source: TF 1.15 `tf.keras.backend.shape`."""
    return tf.shape(x)


@export("keras.backend.count_params")
def count_params(x: Any) -> Any:
    """The number of elements. Source: TF 1.15 `tf.keras.backend.count_params`."""
    return np.prod(x.shape.as_list())


@export("keras.backend.eval")
def eval(x: Any) -> Any:
    """The value of a tensor or variable. Source: TF 1.15 `tf.keras.backend.eval`."""
    return get_value(to_dense(x))


@export("keras.backend.get_value")
def get_value(x: Any) -> Any:
    """The value of a variable (or tensor); other things as they are. Source: TF 1.15 `tf.keras.backend.get_value`."""
    if not isinstance(x, (tf.Tensor, tf.Variable)):
        return x
    return x.eval(session=get_session((x,)))


@export("keras.backend.batch_get_value")
def batch_get_value(tensors: Any) -> list[Any]:
    """The values of variables. Source: TF 1.15 `tf.keras.backend.batch_get_value`."""
    return get_session(tensors).run(tensors) if tensors else []


@export("keras.backend.set_value")
def set_value(x: Any, value: Any) -> None:
    """Sets the value of a variable. Source: TF 1.15 `tf.keras.backend.set_value`."""
    batch_set_value([(x, value)])


@export("keras.backend.batch_set_value")
def batch_set_value(tuples: Any) -> None:
    """Sets the values of variables: pairs of variable and value. Source: TF 1.15 `tf.keras.backend.batch_set_value`."""
    if not tuples:
        return
    feeds = {}
    for x, given in tuples:
        value = np.asarray(given, dtype=tf.as_dtype(dtype(x)).as_numpy_dtype)
        feeds[_assigned(x, value.ndim)] = value
    get_session().run([x._assign_op for x, _ in tuples], feed_dict=feeds)


def _assigned(x: Any, rank: int) -> Any:
    """The placeholder whose value is assigned to a variable; made once, for any size."""
    if not hasattr(x, "_assign_placeholder"):
        x._assign_placeholder = tf.placeholder(x.dtype.base_dtype, shape=[None] * rank)
        x._assign_op = x.assign(x._assign_placeholder)
    return x._assign_placeholder


def _filled(op: Any, shape: Any, dtype: Any, name: Any) -> Any:
    with tf.init_scope():
        kind = tf.as_dtype(floatx() if dtype is None else dtype)
        value = op(shape=shape, dtype=kind, name=name)
        return variable(value, dtype=kind, name=name) if all(value.shape.as_list()) else value


@export("keras.backend.zeros")
def zeros(shape: Any, dtype: Any = None, name: Any = None) -> Any:
    """A variable of zeros; a tensor if a size is not known. Source: TF 1.15 `tf.keras.backend.zeros`."""
    return _filled(tf.zeros, shape, dtype, name)


@export("keras.backend.ones")
def ones(shape: Any, dtype: Any = None, name: Any = None) -> Any:
    """A variable of ones; a tensor if a size is not known. Source: TF 1.15 `tf.keras.backend.ones`."""
    return _filled(tf.ones, shape, dtype, name)


@export("keras.backend.eye")
def eye(size: Any, dtype: Any = None, name: Any = None) -> Any:
    """A variable that is the identity matrix. Source: TF 1.15 `tf.keras.backend.eye`."""
    kind = tf.as_dtype(floatx() if dtype is None else dtype)
    return variable(tf.eye(size, dtype=kind), kind, name)


def _random_variable(initializer: Any, shape: Any, first: Any, second: Any, dtype: Any, name: Any, seed: Any) -> Any:
    kind = tf.as_dtype(floatx() if dtype is None else dtype)
    seed = np.random.randint(int(10e8)) if seed is None else seed
    return variable(initializer(first, second, dtype=kind, seed=seed)(shape), dtype=kind, name=name)


@export("keras.backend.random_uniform_variable")
def random_uniform_variable(
    shape: Any, low: Any, high: Any, dtype: Any = None, name: Any = None, seed: Any = None
) -> Any:
    """A variable of uniform numbers. Source: TF 1.15 `tf.keras.backend.random_uniform_variable`."""
    return _random_variable(tf.random_uniform_initializer, shape, low, high, dtype, name, seed)


@export("keras.backend.random_normal_variable")
def random_normal_variable(
    shape: Any, mean: Any, scale: Any, dtype: Any = None, name: Any = None, seed: Any = None
) -> Any:
    """A variable of normal numbers. Source: TF 1.15 `tf.keras.backend.random_normal_variable`."""
    return _random_variable(tf.random_normal_initializer, shape, mean, scale, dtype, name, seed)


@export("keras.backend.update")
def update(x: Any, new_x: Any) -> Any:
    """Assigns. Source: TF 1.15 `tf.keras.backend.update`."""
    return tf.assign(x, new_x)


@export("keras.backend.update_add")
def update_add(x: Any, increment: Any) -> Any:
    """Adds to a variable. Source: TF 1.15 `tf.keras.backend.update_add`."""
    return tf.assign_add(x, increment)


@export("keras.backend.update_sub")
def update_sub(x: Any, decrement: Any) -> Any:
    """Subtracts from a variable. Source: TF 1.15 `tf.keras.backend.update_sub`."""
    return tf.assign_sub(x, decrement)


@export("keras.backend.moving_average_update")
def moving_average_update(x: Any, value: Any, momentum: Any) -> Any:
    """Moves a variable towards a value. Source: TF 1.15 `tf.keras.backend.moving_average_update`."""
    from retrograph.train.moving_averages import assign_moving_average

    return assign_moving_average(x, value, momentum, zero_debias=True)


@export("keras.backend.print_tensor")
def print_tensor(x: Any, message: str = "") -> Any:
    """The tensor, which is printed when it is computed. Source: TF 1.15 `tf.keras.backend.print_tensor`."""
    with tf.control_dependencies([tf.print(message, x, output_stream=sys.stdout)]):
        return tf.identity(x)


@export("keras.backend.gradients")
def gradients(loss: Any, variables: Any) -> Any:
    """The gradients of a loss. Source: TF 1.15 `tf.keras.backend.gradients`."""
    return tf.gradients(loss, variables, colocate_gradients_with_ops=True)


@export("keras.backend.stop_gradient")
def stop_gradient(variables: Any) -> Any:
    """The same values, constant for gradients. Source: TF 1.15 `tf.keras.backend.stop_gradient`."""
    if isinstance(variables, (list, tuple)):
        return map(tf.stop_gradient, variables)
    return tf.stop_gradient(variables)


class GraphExecutionFunction:
    """A function of arrays that runs tensors and updates in Keras' session."""

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, name: Any = None, **session_kwargs: Any):
        if not isinstance(updates or [], (list, tuple)):
            raise TypeError("`updates` in a Keras backend function should be a list or tuple.")
        self.inputs = nest.flatten(inputs, expand_composites=True)
        self._outputs_structure = outputs
        flat = nest.flatten(outputs, expand_composites=True)
        self.outputs = [tf.convert_to_tensor(x) if isinstance(x, tf.Variable) else x for x in flat]
        with tf.control_dependencies([self.outputs[0]]):
            self.updates_op = tf.group(*[tf.assign(*u) if isinstance(u, tuple) else u for u in updates or []])
        self.name = name
        self.feed_dict = session_kwargs.pop("feed_dict", None) or {}
        fetches = session_kwargs.pop("fetches", [])
        self.fetches = [tf.identity(x) for x in (fetches if isinstance(fetches, list) else [fetches])]
        self.fetch_callbacks: dict[Any, Any] = {}
        self._run = {k: session_kwargs.pop(k, None) for k in ("options", "run_metadata")}
        if session_kwargs:
            raise ValueError(f"Some keys in session_kwargs are not supported at this time: {session_kwargs.keys()}")

    def __call__(self, inputs: Any) -> Any:
        given = nest.flatten(inputs, expand_composites=True)
        session = get_session(given)
        feeds = {t: self._array(t, v) for t, v in zip(self.inputs, given, strict=False) if v is not None}
        made = session.run([self.outputs, self.fetches, self.updates_op], {**feeds, **self.feed_dict}, **self._run)
        for fetch, value in zip(self.fetches, made[1], strict=True):
            if fetch in self.fetch_callbacks:
                self.fetch_callbacks[fetch](value)
        return nest.pack_sequence_as(self._outputs_structure, made[0], expand_composites=True)

    @staticmethod
    def _array(tensor: Any, value: Any) -> Any:
        if isinstance(value, (tf.Tensor, tf.Variable)):
            value = get_value(value)
        return np.asarray(value, dtype=tensor.dtype.base_dtype.as_numpy_dtype)


def get_graph() -> Any:
    """The graph that Keras builds in: the default graph."""
    return tf.get_default_graph()


@export("keras.backend.function")
def function(inputs: Any, outputs: Any, updates: Any = None, name: Any = None, **kwargs: Any) -> Any:
    """A function of arrays that gives the values of the outputs and runs the updates.

    >>> f = tf.keras.backend.function([x], [y])  # doctest: +SKIP
    >>> f([array])  # doctest: +SKIP

    Raises ValueError: an unknown argument. Source: TF 1.15 `tf.keras.backend.function`.
    """
    for key in kwargs:
        if key not in ("fetches", "feed_dict", "options", "run_metadata"):
            raise ValueError(f'Invalid argument "{key}" passed to K.function with TensorFlow backend')
    return GraphExecutionFunction(inputs, outputs, updates=updates, **kwargs)


@export("keras.backend.switch")
def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two tensors (or results of functions): the whole by a scalar, else by element.

    Raises ValueError: a condition of higher rank. Source: TF 1.15 `tf.keras.backend.switch`.
    """
    if condition.dtype != tf.bool:
        condition = tf.cast(condition, "bool")
    if not ndim(condition):
        branches = [e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression)]
        return tf.cond(condition, *branches)
    first = then_expression() if callable(then_expression) else then_expression
    second = else_expression() if callable(else_expression) else else_expression
    return tf.where(_spread(condition, first), first, second)


def _spread(condition: Any, value: Any) -> Any:
    """The condition with the shape of the value."""
    rank, wanted = ndim(condition), ndim(value)
    if rank > wanted:
        raise ValueError(
            "Rank of `condition` should be less than or equal to rank of `then_expression` and `else_expression`. "
            f"ndim(condition)={rank}, ndim(then_expression)={wanted}"
        )
    if rank <= 1:
        return condition
    sizes = tf.concat([tf.shape(condition), [1] * (wanted - rank)], axis=0)
    target = tf.shape(value)
    repeats = tf.where(target - sizes > 0, target, tf.ones_like(target))
    return tf.tile(tf.reshape(condition, sizes), repeats)


@export("keras.backend.in_train_phase")
def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` while training, else `alt`; both may be functions. Source: TF 1.15 `tf.keras.backend.in_train_phase`."""
    training = learning_phase() if training is None else training
    if not isinstance(training, (tf.Tensor, tf.Variable)) and training in (0, 1):
        chosen = x if training else alt
        return chosen() if callable(chosen) else chosen
    return switch(training, x, alt)


@export("keras.backend.in_test_phase")
def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` while testing, else `alt`; both may be functions. Source: TF 1.15 `tf.keras.backend.in_test_phase`."""
    return in_train_phase(alt, x, training=training)
