"""The same mathematics written by hand in JAX: one jitted training step with donated parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import data
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Params = dict[str, Any]


def _normal(rng: np.random.RandomState, shape: tuple[int, ...], stddev: float) -> Any:
    return jnp.asarray(rng.randn(*shape).astype(np.float32) * stddev)


def _mean_xent(logits: Any, labels: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1))


def _mlp_params(rng: np.random.RandomState) -> Params:
    sizes = data.MLP["sizes"]
    pairs = list(itertools.pairwise(sizes))
    return {str(i): (_normal(rng, (a, b), math.sqrt(2 / a)), jnp.zeros(b)) for i, (a, b) in enumerate(pairs)}


def _mlp_loss(params: Params, x: Any, y: Any) -> Any:
    h = x
    for i in range(len(params)):
        w, b = params[str(i)]
        h = h @ w + b
        h = jax.nn.relu(h) if i < len(params) - 1 else h
    return _mean_xent(h, y)


def _convnet_params(rng: np.random.RandomState) -> Params:
    dense = [("local3", 2304, 384), ("local4", 384, 192), ("linear", 192, 10)]
    params: Params = {n: (_normal(rng, (a, b), math.sqrt(2 / a)), jnp.zeros(b)) for n, a, b in dense}
    params["conv1"] = (_normal(rng, (5, 5, 3, 64), 0.05), jnp.full(64, 0.1))
    params["conv2"] = (_normal(rng, (5, 5, 64, 64), 0.05), jnp.full(64, 0.1))
    return params


def _conv(x: Any, weights: tuple[Any, Any]) -> Any:
    w, b = weights
    y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(y + b)


def _pool(x: Any) -> Any:
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")


def _norm(x: Any) -> Any:
    sums = lax.reduce_window(jnp.square(x), 0.0, lax.add, (1, 1, 1, 9), (1, 1, 1, 1), "SAME")
    return x * (1.0 + 0.001 / 9.0 * sums) ** -0.75


def _convnet_loss(params: Params, x: Any, y: Any) -> Any:
    h = _norm(_pool(_conv(x, params["conv1"])))
    h = _pool(_norm(_conv(h, params["conv2"])))
    h = h.reshape(h.shape[0], -1)
    decay = 0.0
    for name in ("local3", "local4"):
        w, b = params[name]
        h = jax.nn.relu(h @ w + b)
        decay += data.CONVNET["decay"] * jnp.sum(jnp.square(w)) / 2
    w, b = params["linear"]
    return _mean_xent(h @ w + b, y) + decay


def _transformer_params(rng: np.random.RandomState) -> Params:
    t = data.TRANSFORMER
    d = t["width"]

    def dense(a: int, b: int) -> tuple[Any, Any]:
        return _normal(rng, (a, b), 0.02), jnp.zeros(b)

    def norm() -> tuple[Any, Any]:
        return jnp.ones(d), jnp.zeros(d)

    def layer() -> Params:
        projections = {"qkv": dense(d, 3 * d), "out": dense(d, d), "up": dense(d, 4 * d), "down": dense(4 * d, d)}
        return {**projections, "norm_1": norm(), "norm_2": norm()}

    return {
        "tokens": _normal(rng, (t["vocabulary"], d), 0.02),
        "positions": _normal(rng, (t["length"], d), 0.02),
        "layers": [layer() for _ in range(t["layers"])],
        "norm": norm(),
        "logits": dense(d, t["vocabulary"]),
    }


def _layer_norm(x: Any, weights: tuple[Any, Any]) -> Any:
    g, b = weights
    centered = x - jnp.mean(x, -1, keepdims=True)
    return centered * lax.rsqrt(jnp.mean(jnp.square(centered), -1, keepdims=True) + 1e-5) * g + b


def _project(x: Any, weights: tuple[Any, Any]) -> Any:
    return x @ weights[0] + weights[1]


def _attention(x: Any, layer: Params) -> Any:
    heads = data.TRANSFORMER["heads"]
    batch, length, width = x.shape
    q, k, v = (
        z.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3) for z in jnp.split(_project(x, layer["qkv"]), 3, -1)
    )
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(width // heads)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e10)
    merged = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
    return _project(merged, layer["out"])


def _transformer_loss(params: Params, x: Any, y: Any) -> Any:
    h = params["tokens"][x] + params["positions"]
    for layer in params["layers"]:
        h = h + _attention(_layer_norm(h, layer["norm_1"]), layer)
        inner = jax.nn.gelu(_project(_layer_norm(h, layer["norm_2"]), layer["up"]))
        h = h + _project(inner, layer["down"])
    return _mean_xent(_project(_layer_norm(h, params["norm"]), params["logits"]), y)


def _uniform(rng: np.random.RandomState, shape: tuple[int, ...]) -> Any:
    return jnp.asarray(rng.uniform(-0.1, 0.1, shape).astype(np.float32))


def _lstm_params(rng: np.random.RandomState) -> Params:
    t = data.LSTM
    units, words = t["units"], t["vocabulary"]
    layers = [(_uniform(rng, (2 * units, 4 * units)), jnp.zeros(4 * units)) for _ in range(t["layers"])]
    return {
        "words": _uniform(rng, (words, units)),
        "layers": layers,
        "logits": (_uniform(rng, (units, words)), jnp.zeros(words)),
    }


def _lstm_step(state: tuple[Any, Any], x: Any, weights: tuple[Any, Any]) -> tuple[Any, Any]:
    c, h = state
    i, j, f, o = jnp.split(jnp.concatenate([x, h], 1) @ weights[0] + weights[1], 4, 1)
    c = c * jax.nn.sigmoid(f + 1.0) + jax.nn.sigmoid(i) * jnp.tanh(j)
    return c, jnp.tanh(c) * jax.nn.sigmoid(o)


def _lstm_loss(params: Params, x: Any, y: Any) -> Any:
    inputs = params["words"][x].swapaxes(0, 1)
    zeros = jnp.zeros((x.shape[0], data.LSTM["units"]))

    def step(states: Any, h: Any) -> Any:
        new = []
        for state, weights in zip(states, params["layers"], strict=True):
            new.append(_lstm_step(state, h, weights))
            h = new[-1][1]
        return new, h

    _, outputs = lax.scan(step, [(zeros, zeros)] * data.LSTM["layers"], inputs)
    return _mean_xent(_project(outputs.swapaxes(0, 1), params["logits"]), y)


def _sgd(rate: float, params: Any, state: Any, grads: Any) -> Any:
    return jax.tree.map(lambda p, g: p - rate * g, params, grads), state


def _adam(rate: float, params: Any, state: Any, grads: Any) -> Any:
    step, m, v = state
    step = step + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    scaled = rate * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    params = jax.tree.map(lambda p, m, v: p - scaled * m / (jnp.sqrt(v) + 1e-8), params, m, v)
    return params, (step, m, v)


Update = Callable[[float, Any, Any, Any], Any]
_MODELS: dict[str, tuple[Callable[..., Any], Callable[..., Any], float, Update]] = {
    "mlp": (_mlp_params, _mlp_loss, data.MLP["learning_rate"], _adam),
    "convnet": (_convnet_params, _convnet_loss, data.CONVNET["learning_rate"], _sgd),
    "transformer": (_transformer_params, _transformer_loss, data.TRANSFORMER["learning_rate"], _adam),
    "lstm": (_lstm_params, _lstm_loss, data.LSTM["learning_rate"], _adam),
}


@partial(jax.jit, static_argnums=(0,), donate_argnums=(1, 2))
def _train(model: str, params: Any, state: Any, x: Any, y: Any) -> Any:
    _, loss_function, rate, update = _MODELS[model]
    loss, grads = jax.value_and_grad(loss_function)(params, x, y)
    params, state = update(rate, params, state, grads)
    return params, state, loss


Tables = tuple[tuple[Any, Any], ...]


def _nce(rows: Any, w: Any, b: Any, shift: Any) -> Any:
    """The loss of rows f[batch, n] for one word each (the first w, b) and noise that all share."""
    (true_w, noise_w), (true_b, noise_b), (true_shift, noise_shift) = w, b, shift
    true = jnp.sum(rows * true_w, 1) + true_b - true_shift
    noise = rows @ noise_w.T + noise_b - noise_shift
    return jnp.mean(jax.nn.softplus(-true) + jnp.sum(jax.nn.softplus(noise), 1))


def _adagrad_rows(table: tuple[Any, Any], ids: Any, grads: Any) -> tuple[Any, Any]:
    """Adagrad for the rows `ids` alone; rows that come several times count once, with their sum."""
    values, squares = table
    ids, places = jnp.unique(ids, return_inverse=True, size=ids.size, fill_value=values.shape[0])
    grads = jnp.zeros_like(grads).at[places.reshape(-1)].add(grads)
    squares = squares.at[ids].add(jnp.square(grads), mode="drop")
    steps = data.WORD2VEC["learning_rate"] * grads * lax.rsqrt(squares.at[ids].get(mode="fill", fill_value=1.0))
    return values.at[ids].add(-steps, mode="drop"), squares


@partial(jax.jit, donate_argnums=(0,))
def _word2vec_train(tables: Tables, x: Any, y: Any, noise: Any, shift: Any) -> Any:
    embeddings, weights, biases = tables
    rows = embeddings[0][x]
    w, b = ((t[0][y], t[0][noise]) for t in (weights, biases))
    loss, (rows, w, b) = jax.value_and_grad(_nce, (0, 1, 2))(rows, w, b, shift)
    ids = jnp.concatenate([y, noise])
    weights = _adagrad_rows(weights, ids, jnp.concatenate(w))
    return (_adagrad_rows(embeddings, x, rows), weights, _adagrad_rows(biases, ids, jnp.concatenate(b))), loss


class _Word2vec:
    """Skip-grams; the noise is drawn by NumPy: different words, frequent ones (of low number) oftener."""

    def __init__(self) -> None:
        t = data.WORD2VEC
        self.batches, self.rng, self.count = data.INPUTS["word2vec"](), np.random.RandomState(3), 0
        shape = (t["vocabulary"], t["width"])
        embeddings = jnp.asarray(self.rng.uniform(-1, 1, shape).astype(np.float32))
        tables = (embeddings, _normal(self.rng, shape, 1 / math.sqrt(t["width"])), jnp.zeros(t["vocabulary"]))
        self.tables: Tables = tuple((table, jnp.full_like(table, 0.1)) for table in tables)

    def _noise(self) -> np.ndarray[Any, Any]:
        t, found = data.WORD2VEC, np.zeros(0, np.int64)
        while len(found) < t["negatives"]:
            drawn = np.exp(self.rng.rand(2 * t["negatives"]) * math.log(t["vocabulary"] + 1)).astype(np.int64) - 1
            found = np.unique(np.concatenate([found, drawn]))
        return self.rng.permutation(found)[: t["negatives"]]

    def step(self) -> float:
        x, y = self.batches[self.count % len(self.batches)]
        self.count += 1
        noise, y = self._noise(), y[:, 0]
        share = math.log(data.WORD2VEC["vocabulary"] + 1)
        shift = tuple(np.log(data.WORD2VEC["negatives"] * np.log((i + 2) / (i + 1)) / share).astype(np.float32) for i in (y, noise))  # fmt: skip
        self.tables, loss = _word2vec_train(self.tables, x, y.astype(np.int32), noise.astype(np.int32), shift)
        return float(loss)


def _resnet_conv(x: Any, weights: Any, stride: int = 1) -> Any:
    w, scale, offset, mean, variance = weights
    size = w.shape[0]
    # A stride of 2 pads both sides alike, as the original net does and "SAME" does not.
    padding = "SAME" if stride == 1 else [((size - 1) // 2, size // 2)] * 2
    y = lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return (y - mean) * (lax.rsqrt(variance + 1e-5) * scale) + offset


def _resnet_unit(x: Any, unit: Params, stride: int) -> Any:
    shortcut = _resnet_conv(x, unit["shortcut"], stride) if "shortcut" in unit else x[:, ::stride, ::stride]
    h = jax.nn.relu(_resnet_conv(x, unit["conv1"]))
    h = jax.nn.relu(_resnet_conv(h, unit["conv2"], stride))
    return jax.nn.relu(shortcut + _resnet_conv(h, unit["conv3"]))


@jax.jit
def _resnet_logits(params: Params, x: Any) -> Any:
    h = _pool(jax.nn.relu(_resnet_conv(x, params["root"], 2)))
    for block, (_, units, stride) in zip(params["blocks"], data.RESNET["blocks"], strict=True):
        for i, unit in enumerate(block):
            h = _resnet_unit(h, unit, stride if i == units - 1 else 1)
    w, b = params["logits"]
    return jnp.mean(jnp.mean(h, (1, 2)) @ w + b)


def _resnet_weights(rng: np.random.RandomState, size: int, given: int, depth: int) -> Any:
    w = _normal(rng, (size, size, given, depth), math.sqrt(2 / (size * size * given)))
    return w, jnp.ones(depth), jnp.zeros(depth), jnp.zeros(depth), jnp.ones(depth)


def _resnet_params(rng: np.random.RandomState) -> Params:
    weights, given, blocks = partial(_resnet_weights, rng), 64, []
    for depth, units, _ in data.RESNET["blocks"]:
        block = []
        for _ in range(units):
            unit = {"conv1": weights(1, given, depth), "conv2": weights(3, depth, depth)}
            unit["conv3"] = weights(1, depth, 4 * depth)
            if given != 4 * depth:
                unit["shortcut"] = weights(1, given, 4 * depth)
            block.append(unit)
            given = 4 * depth
        blocks.append(block)
    classes = data.RESNET["classes"]
    logits = (_normal(rng, (given, classes), 1 / math.sqrt(given)), jnp.zeros(classes))
    return {"root": weights(7, 3, 64), "blocks": blocks, "logits": logits}


class _Resnet:
    """A forward pass, with the moving averages of its batch normalization."""

    def __init__(self) -> None:
        self.batches, self.count = data.INPUTS["resnet50"](), 0
        self.params = _resnet_params(np.random.RandomState(3))

    def step(self) -> float:
        (x,) = self.batches[self.count % len(self.batches)]
        self.count += 1
        return float(_resnet_logits(self.params, x))


_OTHERS = {"word2vec": _Word2vec, "resnet50": _Resnet}


def trainer(model: str) -> Any:
    """What trains a model, or computes it."""
    return _OTHERS[model]() if model in _OTHERS else Trainer(model)


class Trainer:
    """One model's parameters; `step()` trains on the next batch and gives the loss."""

    def __init__(self, model: str):
        self.model = model
        self.batches = data.INPUTS[model]()
        self.params = _MODELS[model][0](np.random.RandomState(3))
        zeros = partial(jax.tree.map, jnp.zeros_like)
        self.state = (jnp.float32(0), zeros(self.params), zeros(self.params))
        self.count = 0

    def step(self) -> float:
        x, y = self.batches[self.count % len(self.batches)]
        self.count += 1
        self.params, self.state, loss = _train(self.model, self.params, self.state, x, y)
        return float(loss)


def product_gflops(size: int = 2048, repeats: int = 5) -> float:
    """The rate of a large float32 matrix product: what no model's products can beat."""
    import time

    a = jnp.ones((size, size))
    multiply = jax.jit(lambda a: a @ a)
    multiply(a).block_until_ready()
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        multiply(a).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9
