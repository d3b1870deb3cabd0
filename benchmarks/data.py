"""Sizes and inputs of the three models: the same numbers for every engine. Runs under Python 3.7 too."""

from __future__ import annotations

import numpy as np

MLP = {"batch": 128, "sizes": (784, 512, 512, 10), "learning_rate": 1e-3}
CONVNET = {"batch": 128, "side": 24, "learning_rate": 0.1, "decay": 0.004}
TRANSFORMER = {
    "batch": 8,
    "length": 128,
    "width": 256,
    "heads": 4,
    "layers": 4,
    "vocabulary": 8000,
    "learning_rate": 1e-4,
}

BATCHES = 4
"""So many different batches are fed in turn."""


def mlp():
    """[(f32[128, 784], i32[128])]."""
    rng = np.random.RandomState(0)
    n = MLP["batch"]
    return [(rng.rand(n, 784).astype(np.float32), rng.randint(0, 10, n).astype(np.int32)) for _ in range(BATCHES)]


def convnet():
    """[(f32[128, 24, 24, 3], i32[128])]."""
    rng = np.random.RandomState(1)
    n, side = CONVNET["batch"], CONVNET["side"]
    return [
        (rng.randn(n, side, side, 3).astype(np.float32), rng.randint(0, 10, n).astype(np.int32)) for _ in range(BATCHES)
    ]


def transformer():
    """[(i32[8, 128], i32[8, 128])]: tokens, and the tokens that follow them."""
    rng = np.random.RandomState(2)
    shape = (TRANSFORMER["batch"], TRANSFORMER["length"] + 1)
    tokens = [rng.randint(0, TRANSFORMER["vocabulary"], shape).astype(np.int32) for _ in range(BATCHES)]
    return [(t[:, :-1].copy(), t[:, 1:].copy()) for t in tokens]


INPUTS = {"mlp": mlp, "convnet": convnet, "transformer": transformer}


def _products(shapes):
    """Multiply-adds, twice each, of products forward and backward; the first one's input needs no gradient."""
    forward = [2.0 * m * k * n for m, k, n in shapes]
    return 3 * sum(forward) - forward[0]


def flops(model):
    """Floating-point operations of the matrix products and convolutions of one training step."""
    if model == "mlp":
        n, s = MLP["batch"], MLP["sizes"]
        return _products([(n, a, b) for a, b in zip(s, s[1:])])
    if model == "convnet":
        n = CONVNET["batch"]
        shapes = [(n * 24 * 24, 75, 64), (n * 12 * 12, 1600, 64), (n, 2304, 384), (n, 384, 192), (n, 192, 10)]
        return _products(shapes)
    t = TRANSFORMER
    rows, d = t["batch"] * t["length"], t["width"]
    layer = [
        (rows, d, 3 * d),
        (rows, d, t["length"]),
        (rows, t["length"], d),
        (rows, d, d),
        (rows, d, 4 * d),
        (rows, 4 * d, d),
    ]
    # The embedding's gradient is a scatter: the first product's input does need a gradient.
    shapes = layer * t["layers"] + [(rows, d, t["vocabulary"])]
    return 3 * sum(2.0 * m * k * n for m, k, n in shapes)
