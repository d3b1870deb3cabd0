"""Traced programs on NumPy arrays compute what XLA computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from retrograph.runtime.numpy_programs import NumpyProgram
from retrograph.runtime.numpy_windows import NotHereError

_RANDOM = np.random.RandomState(3)
X = _RANDOM.randn(4, 6).astype(np.float32)
Y = _RANDOM.randn(4, 6).astype(np.float32)
B = _RANDOM.randn(3, 4, 5).astype(np.float32)
C = _RANDOM.randn(3, 5, 2).astype(np.float32)
I = _RANDOM.randint(-9, 10, (4, 6)).astype(np.int32)
J = _RANDOM.randint(-4, 5, (4, 6)).astype(np.int32)
IMAGES = _RANDOM.randn(2, 9, 8, 6).astype(np.float32)
KERNEL = _RANDOM.randn(3, 2, 6, 4).astype(np.float32)
GROUPED = _RANDOM.randn(3, 3, 3, 8).astype(np.float32)
ROWS = np.array([3, 0, 7, -1, 2, 0])


def check(function, *inputs, rtol=1e-5):
    with jax.enable_x64(True):
        expected = jax.tree.leaves(jax.jit(function)(*inputs))
        program = NumpyProgram(jax.make_jaxpr(function)(*inputs))
    with np.errstate(all="ignore"):
        found = program(*map(np.asarray, jax.tree.leaves(inputs)))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.shape(one) == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-5)


_SIMPLE = [
    jnp.abs, jnp.negative, jnp.sign, jnp.floor, jnp.ceil, jnp.exp, jnp.expm1, jnp.log, jnp.log1p, jnp.sin, jnp.cos, jnp.tan,
    jnp.arcsin, jnp.arccos, jnp.arctan, jnp.sinh, jnp.cosh, jnp.tanh, jnp.arcsinh, jnp.arccosh, jnp.arctanh, jnp.sqrt,
    lax.rsqrt, jnp.cbrt, jnp.square, jax.nn.sigmoid, jnp.isfinite, lax.erf, lax.erfc, lax.erf_inv, lax.lgamma, lax.digamma,
    jnp.round, jnp.exp2, lambda x: x**3, lambda x: x**-2, jax.nn.softplus, jax.nn.gelu, lambda x: lax.round(x),
    lambda x: x.astype(np.int32), lambda x: (x * 1e12).astype(np.int8), lambda x: x > 0, lambda x: x.astype(np.float64),
    lambda x: lax.bitcast_convert_type(x, np.int32), lambda x: jnp.round(x[0] * 0 + jnp.array([0.5, 1.5, 2.5, -0.5, -1.5, 3.5])),
    # XLA of JAX 0.10 gives NaN, that of 0.12 -inf.
    lambda x: jnp.isfinite(lax.digamma(x * 0)), lambda x: lax.complex(x, 1 / (x * 0)),
    lambda x: jnp.sort(jnp.array([jnp.nan, 1, 0.5, -jnp.inf], jnp.bfloat16)).astype(np.float32),
]  # fmt: skip


@pytest.mark.parametrize("function", _SIMPLE, ids=range(len(_SIMPLE)))
def test_functions_of_elements(function):
    check(function, X)


_PAIRS = [
    jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.maximum, jnp.minimum, lax.rem, jnp.arctan2, lax.nextafter, jnp.equal,
    jnp.not_equal, jnp.less, jnp.less_equal, jnp.greater, jnp.greater_equal, lambda x, y: jnp.abs(x) ** y, lax.complex,
]  # fmt: skip


@pytest.mark.parametrize("function", _PAIRS, ids=range(len(_PAIRS)))
def test_functions_of_two(function):
    check(function, X, Y)


_WHOLE = [
    lax.div, lax.rem, jnp.bitwise_and, jnp.bitwise_or, jnp.bitwise_xor, lax.shift_left, lax.shift_right_logical,
    lax.shift_right_arithmetic, jnp.floor_divide, jnp.mod, lambda x, y: ~x, lambda x, y: x.astype(np.uint8),
    lambda x, y: x.astype(bool), lambda x, y: lax.shift_left(x.astype(np.uint32), jnp.full(x.shape, np.uint32(40))),
    lambda x, y: lax.shift_right_arithmetic(x.astype(np.uint32), jnp.full(x.shape, np.uint32(3))),
]  # fmt: skip


@pytest.mark.parametrize("function", _WHOLE, ids=range(len(_WHOLE)))
def test_functions_of_whole_numbers(function):
    check(function, I, J)


_SHAPES = [
    lambda x: jnp.broadcast_to(x[:, None], (4, 3, 6)), lambda x: x.reshape(3, 8), lambda x: x.T, lambda x: x[::-1, 1:5:2],
    lambda x: jnp.concatenate([x, x], 1), lambda x: jnp.pad(x, ((1, 2), (0, 3)), constant_values=2),
    lambda x: lax.pad(x, np.float32(1), ((-1, 2, 1), (2, -3, 2))), lambda x: jnp.split(x, [1, 4], 1), lambda x: jnp.tile(x, (2, 3)),
    lambda x: jnp.where(x > 0, x, 7), lambda x: lax.clamp(np.float32(-1), x, np.float32(1)), lambda x: lax.iota(np.int32, 5),
    lambda x: lax.dynamic_slice(x, (jnp.int32(3), jnp.int32(-2)), (2, 3)), lambda x: x.sum(), lambda x: x.max(1), lambda x: x.min(0),
    lambda x: jnp.prod(x, 1), lambda x: jnp.any(x > 1, 0), lambda x: jnp.all(x > -9, 1), lambda x: x.argmax(1), lambda x: x.argmin(0),
    lambda x: jnp.cumsum(x, 1), lambda x: jnp.cumprod(x, 0), lambda x: lax.cummax(x, 1, reverse=True), lambda x: lax.cummin(x, 0),
    lambda x: lax.cumlogsumexp(x, 1), lambda x: jnp.sort(x, 0), lambda x: jnp.argsort(x, 1), lambda x: lax.top_k(x, 3),
    lambda x: jnp.stack([x, -x], 1), lambda x: jnp.unstack(x, axis=1),
    lambda x: jnp.lexsort((x[0].round(), x[1].round())), jax.nn.softmax, lambda x: jnp.zeros_like(x).at[1:3, 2].set(x[:2, 0]),
    lambda x: jnp.expand_dims(x, (0, 2)).squeeze(), lambda x: lax.select_n(jnp.int32([[0, 1, 2, 0, 1, 2]] * 4), x, -x, 2 * x),
]  # fmt: skip


@pytest.mark.parametrize("function", _SHAPES, ids=range(len(_SHAPES)))
def test_shapes_and_reductions(function):
    check(function, X)


_AT = [
    lambda x, i: x[i], lambda x, i: x[:, i], lambda x, i: x[i, 1:3], lambda x, i: x[i, i], lambda x, i: x.at[i].get(mode="fill"),
    lambda x, i: x.at[i].get(mode="clip"), lambda x, i: x.at[i % 4].set(x[:1]), lambda x, i: x.at[i].add(2.0),
    lambda x, i: x.at[:, i % 6].add(x[:, :1]), lambda x, i: x.at[i % 4, i % 6].multiply(3.0), lambda x, i: x.at[i].max(0.5),
    lambda x, i: x.at[i].min(0.1, mode="clip"), lambda x, i: jnp.take_along_axis(x, i[None, :4].T % 6, 1),
    lambda x, i: jax.vmap(lambda row, k: row[k])(x, i[:4] % 6), lambda x, i: jax.vmap(lambda r, k: lax.dynamic_slice(r, (k,), (2,)))(x, i[:4]),
    lambda x, i: jax.ops.segment_sum(jnp.tile(x, (2, 1))[:6], i, 4), lambda x, i: jax.grad(lambda y: (y[i] ** 2).sum())(x),
    lambda x, i: jax.grad(lambda y: (jax.vmap(lambda row, k: row[k])(y, i[:4] % 6) ** 2).sum())(x), lambda x, i: x.at[i[0], 1:4].add(1.0),
    lambda x, i: lax.dynamic_update_slice(x, x[:2, :2], (i[0], i[3])), lambda x, i: x.at[()].set(2.0), lambda x, i: x.at[i[None, :] % 4, :3].set(1.5),
]  # fmt: skip


@pytest.mark.parametrize("function", _AT, ids=range(len(_AT)))
def test_rows_at_indices(function):
    check(function, X, ROWS)


_PRODUCTS = [
    lambda a, b: a @ b, lambda a, b: jnp.einsum("bij,bjk->kib", a, b), lambda a, b: jnp.einsum("bij,bjk->ik", a, b),
    lambda a, b: jnp.tensordot(a, b, ([2], [1])), lambda a, b: a[0] @ b[0, :, 0], lambda a, b: jnp.einsum("bij,bjk->", a, b),
    lambda a, b: a.astype(jnp.bfloat16) @ b.astype(jnp.bfloat16),
]  # fmt: skip


@pytest.mark.parametrize("function", _PRODUCTS, ids=range(len(_PRODUCTS)))
def test_products(function):
    check(function, B, C, rtol=1e-2 if function is _PRODUCTS[-1] else 1e-5)


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((2, 0), (1, 3))])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize(("gaps", "kernel", "groups"), [((1, 1), KERNEL, 1), ((2, 1), KERNEL, 1), ((1, 1), GROUPED, 2)])
def test_convolutions_and_their_gradients(padding, strides, gaps, kernel, groups):
    def convolved(x, k):
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, k, strides, padding, None, gaps, numbers, groups)

    check(convolved, IMAGES, kernel, rtol=1e-4)
    check(jax.grad(lambda x, k: (convolved(x, k) ** 2).sum(), 0), IMAGES, kernel, rtol=1e-3)


def test_calls_of_python_are_refused():
    def called(x):
        return jax.pure_callback(np.sin, x, x)

    with pytest.raises(NotHereError):
        NumpyProgram(jax.make_jaxpr(called)(X))


def test_sums_of_half_precision_do_not_stop_growing():
    check(lambda x: jnp.cumsum(jnp.full(4000, np.float16(0.1))), X, rtol=1e-2)


def test_what_has_no_rule_is_called_alone():
    check(lambda x: jnp.linalg.cholesky(x @ x.T + jnp.eye(4)), X, rtol=1e-3)
    check(lambda x: jnp.fft.rfft(x), X, rtol=1e-3)


@pytest.mark.parametrize(
    "how", [(lax.add, np.float32(0)), (lax.max, np.float32(-np.inf)), (lax.min, np.float32(np.inf))]
)
def test_windows(how):
    add, start = how
    check(lambda x: lax.reduce_window(x, start, add, (1, 3, 2, 1), (1, 2, 2, 1), "SAME"), IMAGES)


def recurrent(x, w):
    def step(state, row):
        state = jnp.tanh(state @ w + row)
        return state, state * 2

    return lax.scan(step, jnp.zeros(6, np.float32), x)


def buffered(x):
    """Rows written to a buffer that is carried round, and read from it."""

    def step(state, row):
        i, buffer = state
        before = lax.dynamic_index_in_dim(buffer, jnp.maximum(i - 1, 0), keepdims=False)
        return (i + 1, lax.dynamic_update_index_in_dim(buffer, row + before, i, 0)), before.sum()

    return lax.scan(step, (jnp.int32(0), x * 0), x)


_W = _RANDOM.randn(6, 6).astype(np.float32)
_CONTROL = [
    recurrent, lambda x, w: lax.scan(lambda s, r: (s + r, s), w[0], x, reverse=True), lambda x, w: buffered(x),
    lambda x, w: jax.grad(lambda v: sum(jnp.sum(o**2) for o in jax.tree.leaves(recurrent(x, v))))(w),
    lambda x, w: jax.grad(lambda v: sum(jnp.sum(o**2) for o in jax.tree.leaves(buffered(v)) if o.dtype == np.float32))(x),
    lambda x, w: lax.while_loop(lambda s: s[1].sum() < 50, lambda s: (s[0] + 1, s[1] + jnp.abs(w)), (jnp.int32(0), w)),
    lambda x, w: lax.cond(x[0, 0] > 0, lambda: x @ w, lambda: x * 2), lambda x, w: lax.switch(jnp.int32(7), [lambda: x, lambda: -x]),
    lambda x, w: jax.grad(lambda v: jax.checkpoint(lambda u: jnp.sin(u) @ w)(v).sum())(x), lambda x, w: jax.nn.relu(x) @ w,
    lambda x, w: lax.scan(lambda s, r: (s, r), w, x[:0]), lambda x, w: lax.fori_loop(0, 3, lambda i, s: s @ w, x),
]  # fmt: skip


@pytest.mark.parametrize("function", _CONTROL, ids=range(len(_CONTROL)))
def test_control_flow_and_its_gradients(function):
    check(function, X, _W, rtol=1e-4)


def test_a_program_that_would_take_longer_than_compiling_is_refused():
    def long(x):
        return lax.scan(lambda s, _: (jnp.sin(s), None), x, None, length=10_000_000)[0]

    with pytest.raises(NotHereError):
        NumpyProgram(jax.make_jaxpr(long)(X))
    endless = NumpyProgram(
        jax.make_jaxpr(lambda x: lax.while_loop(lambda s: s < 1e9, lambda s: s + 1, x))(np.float32(0))
    )
    with pytest.raises(NotHereError):
        endless(np.zeros((), np.float32))


def test_inputs_are_left_as_they_are():
    given = X.copy()
    NumpyProgram(jax.make_jaxpr(buffered)(X))(given)
    np.testing.assert_array_equal(given, X)
