"""Random tensors: uniform, normal, truncated, gamma, Poisson, categorical, shuffles, crops, and the stateless ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import control_dependencies, name_scope
from retrograph.framework.deprecation import deprecated
from retrograph.framework.exports import export
from retrograph.framework.lazy_jax import jnp, lax
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Tensor
from retrograph.framework.seeds import get_seed
from retrograph.framework.shape import Dimension, Shape
from retrograph.framework.shape_rules import (
    ShapeContext,
    ShapeError,
    broadcast_binary,
    concatenate,
    unchanged,
    with_rank,
    with_rank_at_most,
)
from retrograph.ops.rows import ints, is_static, shape_input, with_value
from retrograph.runtime import random as philox
from retrograph.variables.drawing import NORMAL, TRUNCATED, UNIFORM, Recipe, drawn

_UNIFORM_TYPES = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)
_EMPTY_RANGE = "Need minval < maxval, got {} >= {}"
_CATEGORICAL = "Use `tf.random.categorical` instead."
_STATELESS_CATEGORICAL = "Use `tf.random.stateless_categorical` instead."


# --- shape rules --------------------------------------------------------------------------------------------------


def _random_shape(c: ShapeContext) -> list[Shape]:
    return [shape_input(c, 0)]


def _random_int_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(1), 0)
    with_rank(c, c.input(2), 0)
    return _random_shape(c)


def _parameterized_shape(c: ShapeContext) -> list[Shape]:
    for i in range(1, 5):
        with_rank_at_most(c, c.input(i), 1)
    return _random_shape(c)


def _sampled_shape(c: ShapeContext) -> list[Shape]:
    return [concatenate(shape_input(c, 0), c.input(1))]


def _check_seed_shape(c: ShapeContext, index: int) -> None:
    with_value(with_rank(c, c.input(index), 1)[0], 2)


def _stateless_shape(c: ShapeContext) -> list[Shape]:
    _check_seed_shape(c, 1)
    return _random_shape(c)


def _stateless_int_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(2), 0)
    with_rank(c, c.input(3), 0)
    return _stateless_shape(c)


def _multinomial_shape(c: ShapeContext) -> list[Shape]:
    logits = with_rank(c, c.input(0), 2)
    with_rank(c, c.input(1), 0)
    count = c.constant(1)
    if count is not None and count < 0:
        raise ShapeError(f"Dimension size, given by scalar input 1, must be non-negative but is {count}")
    return [(logits[0], None if count is None else int(count))]


def _stateless_multinomial_shape(c: ShapeContext) -> list[Shape]:
    _check_seed_shape(c, 2)
    return _multinomial_shape(c)


# --- rows ---------------------------------------------------------------------------------------------------------


def _fail(op: Any, text: str) -> Any:
    raise errors.InvalidArgumentError(None, op, text)


def _sizes(op: Any, shape: Any) -> tuple[int, ...]:
    sizes = ints(shape)
    for size in sizes:
        if size < 0:
            _fail(op, f"Dimension {size} must be >= 0")
    return sizes


def _kind(op: Any) -> Any:
    return op._outputs[0]._dtype.as_numpy_dtype


def _uniform(op: Any, state: Any, sizes: tuple[int, ...]) -> Any:
    return philox.uniform(state, sizes, _kind(op))


def _normal(op: Any, state: Any, sizes: tuple[int, ...]) -> Any:
    return philox.normal(state, sizes, _kind(op))


def _truncated(op: Any, state: Any, sizes: tuple[int, ...]) -> Any:
    return philox.truncated_normal(state, sizes, _kind(op))


def _uniform_int(op: Any, state: Any, sizes: tuple[int, ...], low: Any, high: Any) -> Any:
    # Bounds that only the compiled plan knows are not checked here.
    if is_static(low) and is_static(high) and 0 not in sizes and low >= high:
        _fail(op, _EMPTY_RANGE.format(low, high))
    return philox.uniform_int(state, sizes, low, high, _kind(op))


def _filling(draw: Callable[..., Any]) -> Callable[..., Any]:
    def run(op: Any, ctx: Any, shape: Any, *bounds: Any) -> Any:
        sizes = _sizes(op, shape)
        return draw(op, ctx.random(op, math.prod(sizes) * philox.BLOCKS_PER_SAMPLE), sizes, *bounds)

    return run


_fill_ints = _filling(_uniform_int)


def _run_uniform_int(op: Any, ctx: Any, shape: Any, low: Any, high: Any) -> Any:
    if ctx is None:  # a check of a compiled plan has failed, and its error is asked for
        _fail(op, _EMPTY_RANGE.format(low, high))
    return _fill_ints(op, ctx, shape, low, high)


def _lower_uniform_int(op: Any, ctx: Any, shape: Any, low: Any, high: Any) -> Any:
    if not (is_static(low) and is_static(high)) and 0 not in ints(shape):
        ctx.checks.append((op, low < high, [shape, low, high]))
    return _fill_ints(op, ctx, shape, low, high)


def _scrambled(op: Any, seed: Any) -> Any:
    if tuple(seed.shape) != (2,):
        _fail(op, f"seed must have shape [2], not [{','.join(map(str, seed.shape))}]")
    return philox.stateless_state(seed)


def _stateless(draw: Callable[..., Any]) -> dict[str, Any]:
    def numpy(op: Any, shape: Any, seed: Any, *bounds: Any) -> Any:
        return draw(op, _scrambled(op, seed), _sizes(op, shape), *bounds)

    def lower(op: Any, shape: Any, seed: Any, *bounds: Any) -> Any:
        # A constant seed is traced too: the numbers themselves would be constants in the compiled plan.
        return numpy(op, shape, jnp.asarray(seed), *bounds)

    return {"numpy": numpy, "lower": lower}


def _register(op_type: str, shape: Any, run: Any, **row: Any) -> None:
    row = {"gradient": NO_GRADIENT, "static_inputs": (0,), **row}
    register_op(op_type, shape=shape, lower=run, numpy=run, effect=True, **row)


_register("RandomUniform", _random_shape, _filling(_uniform))
_register("RandomStandardNormal", _random_shape, _filling(_normal))
_register("TruncatedNormal", _random_shape, _filling(_truncated))
register_op(
    "RandomUniformInt",
    shape=_random_int_shape,
    lower=_lower_uniform_int,
    numpy=_run_uniform_int,
    static_inputs=(0,),
    effect=True,
    gradient=NO_GRADIENT,
)
for _type, _rule, _draw in (
    ("StatelessRandomUniform", _stateless_shape, _uniform),
    ("StatelessRandomNormal", _stateless_shape, _normal),
    ("StatelessTruncatedNormal", _stateless_shape, _truncated),
    ("StatelessRandomUniformInt", _stateless_int_shape, _uniform_int),
):
    register_op(_type, shape=_rule, static_inputs=(0,), gradient=NO_GRADIENT, **_stateless(_draw))


def _run_parameterized(op: Any, ctx: Any, shape: Any, *parameters: Any) -> Any:
    sizes = _sizes(op, shape)
    state = ctx.random(op, philox.truncated_between_blocks(sizes, *parameters))
    try:
        return philox.truncated_between(state, sizes, *parameters)
    except ValueError as error:
        return _fail(op, str(error))


register_op(
    "ParameterizedTruncatedNormal",
    shape=_parameterized_shape,
    numpy=_run_parameterized,
    host=True,
    effect=True,
    gradient=NO_GRADIENT,
)


def _run_shuffle(op: Any, ctx: Any, value: Any) -> Any:
    if not value.shape or value.shape[0] <= 1 or value.size <= 1:
        return value
    rows = value.shape[0]
    order = philox.permutation(ctx.random(op, (rows + 2) // 4), rows)
    return value[order] if isinstance(order, np.ndarray) else jnp.asarray(value)[order]


_register("RandomShuffle", unchanged, _run_shuffle, static_inputs=())


def _categorical(op: Any, make_state: Callable[[int], Any], logits: Any, num_samples: Any) -> Any:
    batch, classes = logits.shape
    count = int(num_samples)
    if count < 0:
        _fail(op, f"num_samples should be nonnegative, got {count}")
    if not classes:
        _fail(op, f"num_classes should be positive, got {classes}")
    if batch * count == 0:
        return np.zeros((batch, count), _kind(op))
    blocks = batch * -(-count // 4) * 8 * philox.BLOCKS_PER_SAMPLE
    return philox.categorical(make_state(blocks), logits, count, _kind(op))


def _run_multinomial(op: Any, ctx: Any, logits: Any, num_samples: Any) -> Any:
    return _categorical(op, lambda blocks: ctx.random(op, blocks), logits, num_samples)


def _numpy_stateless_multinomial(op: Any, logits: Any, num_samples: Any, seed: Any) -> Any:
    return _categorical(op, lambda blocks: _scrambled(op, seed), logits, num_samples)


def _lower_stateless_multinomial(op: Any, logits: Any, num_samples: Any, seed: Any) -> Any:
    return _numpy_stateless_multinomial(op, logits, num_samples, jnp.asarray(seed))


_register("Multinomial", _multinomial_shape, _run_multinomial, static_inputs=(1,))
register_op(
    "StatelessMultinomial",
    shape=_stateless_multinomial_shape,
    lower=_lower_stateless_multinomial,
    numpy=_numpy_stateless_multinomial,
    static_inputs=(1,),
    gradient=NO_GRADIENT,
)


def _sampled(op: Any, ctx: Any, shape: Any, parameter: Any) -> tuple[Any, tuple[int, ...]]:
    sizes = _sizes(op, shape)
    return ctx.random(op, math.prod(sizes) * parameter.size * philox.BLOCKS_PER_SAMPLE), sizes


def _run_gamma(op: Any, ctx: Any, shape: Any, alpha: Any) -> Any:
    state, sizes = _sampled(op, ctx, shape, alpha)
    return philox.gamma(state, sizes, alpha)


def _run_poisson(op: Any, ctx: Any, shape: Any, rate: Any) -> Any:
    state, sizes = _sampled(op, ctx, shape, rate)
    return philox.poisson(state, sizes, rate, _kind(op))


def _gamma_gradient(op: Any, grad: Any) -> Any:
    """The samples' implicit derivative by alpha, summed over the sample dimensions."""
    from retrograph.ops import array, reduction, sequence

    samples, alpha = op.outputs[0], op.inputs[1]
    with control_dependencies([grad]):
        sizes: Any = array.shape(op.inputs[0])
        count = sizes[0]
        partial = apply_op("RandomGammaGrad", None, alpha=add_leading_unit_dimensions(alpha, count), sample=samples)
        return [None, reduction.reduce_sum(grad * partial, axis=sequence.range(count))]


def add_leading_unit_dimensions(x: Any, num_dimensions: Any) -> Tensor:
    """`x` with that many dimensions of size 1 before its own.

    Source: TF 1.15 `tensorflow.python.ops.random_grad.add_leading_unit_dimensions`.
    """
    from retrograph.ops import array

    ones = array.ones([num_dimensions], dtype=dtypes.int32)
    sizes = apply_op("ConcatV2", "concat", values=[ones, array.shape(x)], axis=0)
    return array.reshape(x, sizes)


_register("RandomGamma", _sampled_shape, _run_gamma, gradient=_gamma_gradient)
_register("RandomPoisson", _sampled_shape, _run_poisson)
_register("RandomPoissonV2", _sampled_shape, _run_poisson)
register_op("RandomGammaGrad", shape=broadcast_binary, lower=lambda op, alpha, x: _gamma_grad(alpha, x))


def _gamma_grad(alpha: Any, sample: Any) -> Any:
    alpha, sample = jnp.broadcast_arrays(jnp.asarray(alpha), jnp.asarray(sample))
    return lax.random_gamma_grad(alpha, sample)


# --- functions ----------------------------------------------------------------------------------------------------


def _shape_tensor(shape: Any) -> Tensor:
    dtype = None
    if isinstance(shape, (list, tuple)):
        if shape:
            shape = tuple(size.value if isinstance(size, Dimension) else size for size in shape)
        else:
            dtype = dtypes.int32
    return convert_to_tensor(shape, dtype=dtype, name="shape")


def _seeds(seed: Any) -> dict[str, int]:
    seed1, seed2 = get_seed(seed)
    return {"seed": seed1 or 0, "seed2": seed2 or 0}


def _scaled_normal(recipe: Recipe, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: Any, name: Any) -> Tensor:
    if dtype.__class__ is dtypes.DType:
        made = drawn(recipe, shape, mean, stddev, dtype, seed, name)
        if made is not None:
            return made
    with name_scope(name, recipe.scope, [shape, mean, stddev]) as scope:
        sizes = _shape_tensor(shape)
        offset = convert_to_tensor(mean, dtype=dtype, name=recipe.first)
        scale = convert_to_tensor(stddev, dtype=dtype, name=recipe.second)
        numbers = apply_op(recipe.op_type, None, shape=sizes, dtype=dtype, **_seeds(seed))
        return _scaled(numbers, scale, offset, scope)


def _scaled(numbers: Tensor, scale: Any, offset: Any, scope: Any) -> Tensor:
    product = apply_op("Mul", "mul", x=numbers, y=scale)
    result: Tensor = apply_op("Add", scope, x=product, y=offset)
    return result


@export("random_normal", "random.normal")
def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None
) -> Tensor:
    """Normal numbers of `shape`: `dtype[shape]`, f16, bf16, f32 or f64.

    >>> tf.random_normal([2, 3], seed=1)
    <tf.Tensor 'random_normal:0' shape=(2, 3) dtype=float32>

    Source: TF 1.15 `tf.random_normal`.
    """
    return _scaled_normal(NORMAL, shape, mean, stddev, dtype, seed, name)


@export("truncated_normal", "random.truncated_normal")
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None
) -> Tensor:
    """Normal numbers none of which is two deviations or more from the mean: `dtype[shape]`, f16, bf16, f32 or f64.

    Source: TF 1.15 `tf.truncated_normal`.
    """
    return _scaled_normal(TRUNCATED, shape, mean, stddev, dtype, seed, name)


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: Any = None,
    name: Any = None,
) -> Tensor:
    """Normal numbers between bounds; each parameter is a scalar or has one element for each of `shape[0]`.

    Source: TF 1.15 `tensorflow.python.ops.random_ops.parameterized_truncated_normal`.
    """
    parameters = {"means": means, "stddevs": stddevs, "minvals": minvals, "maxvals": maxvals}
    with name_scope(name, "parameterized_truncated_normal", [shape, *parameters.values()]):
        sizes = _shape_tensor(shape)
        tensors = [convert_to_tensor(value, dtype=dtype, name=key) for key, value in parameters.items()]
        inputs = dict(zip(("means", "stdevs", "minvals", "maxvals"), tensors, strict=True))
        result: Tensor = apply_op("ParameterizedTruncatedNormal", None, shape=sizes, **inputs, **_seeds(seed))
        return result


def _uniform_bounds(dtype: Any, maxval: Any) -> tuple[dtypes.DType, Any]:
    dtype = dtypes.as_dtype(dtype)
    if dtype not in _UNIFORM_TYPES:
        raise ValueError(f"Invalid dtype {dtype!r}")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    return dtype, maxval


@export("random_uniform", "random.uniform")
def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None
) -> Tensor:
    """Numbers uniform in [minval, maxval): `dtype[shape]`, f16, bf16, f32, f64, i32 or i64.

    Integers need `maxval`. Raises ValueError: another dtype, or integers without `maxval`.
    Source: TF 1.15 `tf.random_uniform`.
    """
    dtype, maxval = _uniform_bounds(dtype, maxval)
    made = drawn(UNIFORM, shape, minval, maxval, dtype, seed, name)
    if made is not None:
        return made
    with name_scope(name, UNIFORM.scope, [shape, minval, maxval]) as scope:
        sizes = _shape_tensor(shape)
        low = convert_to_tensor(minval, dtype=dtype, name="min")
        high = convert_to_tensor(maxval, dtype=dtype, name="max")
        seeds = _seeds(seed)
        if dtype.is_integer:
            result: Tensor = apply_op("RandomUniformInt", scope, shape=sizes, minval=low, maxval=high, **seeds)
            return result
        numbers = apply_op("RandomUniform", None, shape=sizes, dtype=dtype, **seeds)
        return _scaled(numbers, apply_op("Sub", "sub", x=high, y=low), low, scope)


@export("random_shuffle", "random.shuffle")
def random_shuffle(value: Any, seed: Any = None, name: Any = None) -> Tensor:
    """The rows of `value` (along dimension 0) in random order.

    Source: TF 1.15 `tf.random_shuffle`.
    """
    result: Tensor = apply_op("RandomShuffle", name, value=value, **_seeds(seed))
    return result


@export("random_crop", "image.random_crop")
def random_crop(value: Any, size: Any, seed: Any = None, name: Any = None) -> Tensor:
    """A piece of shape `size: i32[rank]` of `value`, from a random place.

    Source: TF 1.15 `tf.random_crop`.
    """
    from retrograph.ops import array, reduction, strided_slice
    from retrograph.ops.check import Assert
    from retrograph.ops.control_flow import with_dependencies

    with name_scope(name, "random_crop", [value, size]) as scope:
        value = convert_to_tensor(value, name="value")
        size = convert_to_tensor(size, dtype=dtypes.int32, name="size")
        sizes = array.shape(value)
        data = ["Need value.shape >= size, got ", sizes, size]
        check = Assert(reduction.reduce_all(sizes >= size), data, summarize=1000)
        sizes = with_dependencies([check], sizes)
        limit = sizes - size + 1
        largest = size.dtype.max
        offset = random_uniform(array.shape(sizes), dtype=size.dtype, maxval=largest, seed=seed) % limit
        result: Tensor = strided_slice.slice(value, offset, size, name=scope)
        return result


@export("multinomial", "random.multinomial")
@deprecated(_CATEGORICAL, "tensorflow.python.ops.random_ops")
def multinomial(logits: Any, num_samples: Any, seed: Any = None, name: Any = None, output_dtype: Any = None) -> Tensor:
    """Classes drawn by `logits: f[batch, classes]`: `i64[batch, num_samples]`.

    Source: TF 1.15 `tf.multinomial`.
    """
    with name_scope(name, "multinomial", [logits]):
        return _drawn_classes(logits, num_samples, output_dtype, seed)


@export("random.categorical")
def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: Any = None) -> Tensor:
    """Classes drawn by `logits: f[batch, classes]`: `i64[batch, num_samples]`, or i32 by `dtype`.

    Source: TF 1.15 `tf.random.categorical`.
    """
    with name_scope(name, "categorical", [logits]):
        return _drawn_classes(logits, num_samples, dtype, seed)


def _drawn_classes(logits: Any, num_samples: Any, dtype: Any, seed: Any) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    kind = dtypes.int64 if dtype is None else dtype
    result: Tensor = apply_op(
        "Multinomial", None, logits=logits, num_samples=num_samples, output_dtype=kind, **_seeds(seed)
    )
    return result


@export("random_gamma", "random.gamma")
def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None
) -> Tensor:
    """Gamma numbers: `shape` of them for each pair of `alpha` and inverse scale `beta`.

    Source: TF 1.15 `tf.random_gamma`.
    """
    from retrograph.ops.array import zeros_like

    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        sizes = convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
        alpha = convert_to_tensor(alpha, name="alpha", dtype=dtype)
        beta = convert_to_tensor(beta if beta is not None else 1, name="beta", dtype=dtype)
        alphas = apply_op("AddV2", "add", x=alpha, y=zeros_like(beta))
        seeds = _seeds(seed)
        tiny = np.finfo(alpha.dtype.as_numpy_dtype).tiny
        numbers = apply_op("RandomGamma", None, shape=sizes, alpha=alphas, **seeds)
        result: Tensor = apply_op("Maximum", None, x=tiny, y=apply_op("RealDiv", "truediv", x=numbers, y=beta))
        return result


@export("random_poisson", "random.poisson")
def random_poisson(lam: Any, shape: Any, dtype: Any = dtypes.float32, seed: Any = None, name: Any = None) -> Tensor:
    """Poisson numbers: `shape` of them for each rate in `lam`; f16, f32, f64, i32 or i64.

    Source: TF 1.15 `tf.random_poisson`.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        sizes = convert_to_tensor(shape, name="shape", dtype=dtypes.int32)
        seeds = _seeds(seed)
        result: Tensor = apply_op("RandomPoissonV2", None, shape=sizes, rate=lam, dtype=dtype, **seeds)
        return result


# --- stateless ----------------------------------------------------------------------------------------------------


@export("random.stateless_uniform", "contrib.stateless.stateless_random_uniform")
def stateless_random_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: Any = None
) -> Tensor:
    """`random_uniform` by `seed: int[2]` alone: the same numbers at every run.

    Source: TF 1.15 `tf.random.stateless_uniform`.
    """
    dtype, maxval = _uniform_bounds(dtype, maxval)
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as scope:
        sizes = _shape_tensor(shape)
        low = convert_to_tensor(minval, dtype=dtype, name="min")
        high = convert_to_tensor(maxval, dtype=dtype, name="max")
        if dtype.is_integer:
            result: Tensor = apply_op(
                "StatelessRandomUniformInt", scope, shape=sizes, seed=seed, minval=low, maxval=high
            )
            return result
        numbers = apply_op("StatelessRandomUniform", None, shape=sizes, seed=seed, dtype=dtype)
        return _scaled(numbers, apply_op("Sub", "sub", x=high, y=low), low, scope)


def _stateless_normal(
    op_type: str, scope_name: str, shape: Any, seed: Any, mean: Any, stddev: Any, dtype: Any, name: Any
) -> Tensor:
    with name_scope(name, scope_name, [shape, seed, mean, stddev]) as scope:
        sizes = _shape_tensor(shape)
        offset = convert_to_tensor(mean, dtype=dtype, name="mean")
        scale = convert_to_tensor(stddev, dtype=dtype, name="stddev")
        return _scaled(apply_op(op_type, None, shape=sizes, seed=seed, dtype=dtype), scale, offset, scope)


@export("random.stateless_normal", "contrib.stateless.stateless_random_normal")
def stateless_random_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: Any = None
) -> Tensor:
    """`random_normal` by `seed: int[2]` alone: the same numbers at every run.

    Source: TF 1.15 `tf.random.stateless_normal`.
    """
    return _stateless_normal("StatelessRandomNormal", "stateless_random_normal", shape, seed, mean, stddev, dtype, name)


@export("random.stateless_truncated_normal", "contrib.stateless.stateless_truncated_normal")
def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: Any = None
) -> Tensor:
    """`truncated_normal` by `seed: int[2]` alone: the same numbers at every run.

    Source: TF 1.15 `tf.random.stateless_truncated_normal`.
    """
    return _stateless_normal(
        "StatelessTruncatedNormal", "stateless_truncated_normal", shape, seed, mean, stddev, dtype, name
    )


@export("random.stateless_multinomial", "contrib.stateless.stateless_multinomial")
@deprecated(_STATELESS_CATEGORICAL, "tensorflow.python.ops.stateless_random_ops")
def stateless_multinomial(
    logits: Any, num_samples: Any, seed: Any, output_dtype: Any = dtypes.int64, name: Any = None
) -> Tensor:
    """`multinomial` by `seed: int[2]` alone: the same classes at every run.

    Source: TF 1.15 `tf.random.stateless_multinomial`.
    """
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        return _stateless_classes(logits, num_samples, output_dtype, seed)


@export("random.stateless_categorical")
def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: Any = None
) -> Tensor:
    """`categorical` by `seed: int[2]` alone: the same classes at every run.

    Source: TF 1.15 `tf.random.stateless_categorical`.
    """
    with name_scope(name, "stateless_categorical", [logits, seed]):
        return _stateless_classes(logits, num_samples, dtype, seed)


def _stateless_classes(logits: Any, num_samples: Any, dtype: Any, seed: Any) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    result: Tensor = apply_op(
        "StatelessMultinomial", None, logits=logits, num_samples=num_samples, seed=seed, output_dtype=dtype
    )
    return result
