"""Sizes and inputs of the models: the same numbers for every engine. Runs under Python 3.7 too."""

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

LSTM = {"batch": 32, "steps": 35, "units": 200, "layers": 2, "vocabulary": 5000, "learning_rate": 1e-3}
WORD2VEC = {"batch": 128, "vocabulary": 50000, "width": 128, "negatives": 64, "learning_rate": 0.2}
RESNET = {"batch": 4, "side": 224, "classes": 1000, "blocks": ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1))}
"""`blocks`: (depth, units, stride of the last unit) of a ResNet-50."""

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


def lstm():
    """[(i32[32, 35], i32[32, 35])]: words, and the words that follow them."""
    rng = np.random.RandomState(3)
    shape = (LSTM["batch"], LSTM["steps"] + 1)
    words = [rng.randint(0, LSTM["vocabulary"], shape).astype(np.int32) for _ in range(BATCHES)]
    return [(w[:, :-1].copy(), w[:, 1:].copy()) for w in words]


def word2vec():
    """[(i32[128], i64[128, 1])]: words, and words that stand near them; frequent ones have low numbers."""
    rng = np.random.RandomState(4)
    n, vocabulary = WORD2VEC["batch"], WORD2VEC["vocabulary"]
    pairs = [(rng.rand(2, n) ** 3 * vocabulary).astype(np.int64) for _ in range(BATCHES)]
    return [(x.astype(np.int32), y[:, None]) for x, y in pairs]


def resnet50():
    """[(f32[4, 224, 224, 3],)]: images."""
    rng = np.random.RandomState(5)
    shape = (RESNET["batch"], RESNET["side"], RESNET["side"], 3)
    return [(rng.randn(*shape).astype(np.float32),) for _ in range(BATCHES)]


INPUTS = {
    "mlp": mlp,
    "convnet": convnet,
    "transformer": transformer,
    "lstm": lstm,
    "word2vec": word2vec,
    "resnet50": resnet50,
}

FORWARD = ("resnet50",)
"""Models of which a step is a forward pass alone."""


def _resnet_flops():
    side = RESNET["side"] // 2
    total, side, given = side**2 * 49.0 * 3 * 64, side // 2, 64
    for depth, units, stride in RESNET["blocks"]:
        for unit in range(units):
            out = side // stride if unit == units - 1 else side
            shortcut = given * 4 * depth * side**2 if given != 4 * depth else 0
            total += side**2 * given * depth + out**2 * (9 * depth**2 + 4 * depth**2) + shortcut
            given, side = 4 * depth, out
    return 2 * RESNET["batch"] * (total + given * RESNET["classes"])


def _products(shapes):
    """Multiply-adds, twice each, of products forward and backward; the first one's input needs no gradient."""
    forward = [2.0 * m * k * n for m, k, n in shapes]
    return 3 * sum(forward) - forward[0]


def flops(model):
    """Floating-point operations of the matrix products and convolutions of one step."""
    if model == "resnet50":
        return _resnet_flops()
    if model == "mlp":
        n, s = MLP["batch"], MLP["sizes"]
        return _products([(n, a, b) for a, b in zip(s, s[1:])])
    if model == "convnet":
        n = CONVNET["batch"]
        shapes = [(n * 24 * 24, 75, 64), (n * 12 * 12, 1600, 64), (n, 2304, 384), (n, 384, 192), (n, 192, 10)]
        return _products(shapes)
    if model == "lstm":
        n, u, w = LSTM["batch"] * LSTM["steps"], LSTM["units"], LSTM["vocabulary"]
        # The embedding's gradient is a scatter: the first product's input does need a gradient.
        return 3 * 2.0 * n * (LSTM["layers"] * 2 * u * 4 * u + u * w)
    if model == "word2vec":
        return 3 * 2.0 * WORD2VEC["batch"] * WORD2VEC["width"] * (WORD2VEC["negatives"] + 1)
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
