"""The same mathematics in PyTorch, eager."""

from __future__ import annotations

from typing import Any

import data
import torch
from torch import nn
from torch.nn import functional


class _Convnet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 64, 5, padding=2), nn.Conv2d(64, 64, 5, padding=2)
        self.local3, self.local4, self.linear = nn.Linear(2304, 384), nn.Linear(384, 192), nn.Linear(192, 10)

    @staticmethod
    def _pool(x: Any) -> Any:
        return functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2)

    @staticmethod
    def _norm(x: Any) -> Any:
        return functional.local_response_norm(x, 9, alpha=0.001, beta=0.75, k=1.0)

    def forward(self, x: Any) -> Any:
        h = self._norm(self._pool(functional.relu(self.conv1(x.permute(0, 3, 1, 2)))))
        h = self._pool(self._norm(functional.relu(self.conv2(h))))
        h = functional.relu(self.local3(h.flatten(1)))
        return self.linear(functional.relu(self.local4(h)))

    def decay(self) -> Any:
        weights = (self.local3.weight, self.local4.weight)
        return sum(data.CONVNET["decay"] * w.square().sum() / 2 for w in weights)


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: Any) -> Any:
        batch, length, width = h.shape
        heads = data.TRANSFORMER["heads"]
        parts = self.qkv(self.norm_1(h)).chunk(3, -1)
        q, k, v = (z.view(batch, length, heads, -1).transpose(1, 2) for z in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return h + self.down(functional.gelu(self.up(self.norm_2(h)), approximate="tanh"))


class _Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        t = data.TRANSFORMER
        self.tokens = nn.Embedding(t["vocabulary"], t["width"])
        self.positions = nn.Parameter(torch.randn(t["length"], t["width"]) * 0.02)
        self.blocks = nn.Sequential(*(_Block(t["width"]) for _ in range(t["layers"])))
        self.norm, self.logits = nn.LayerNorm(t["width"]), nn.Linear(t["width"], t["vocabulary"])

    def forward(self, x: Any) -> Any:
        h = self.blocks(self.tokens(x) + self.positions)
        return self.logits(self.norm(h)).flatten(0, 1)


def _mlp() -> Any:
    a, b, c, d = data.MLP["sizes"]
    return nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d))


_MODELS = {
    "mlp": (_mlp, torch.optim.Adam, data.MLP["learning_rate"]),
    "convnet": (_Convnet, torch.optim.SGD, data.CONVNET["learning_rate"]),
    "transformer": (_Transformer, torch.optim.Adam, data.TRANSFORMER["learning_rate"]),
}


class Trainer:
    """One model; `step()` trains on the next batch and gives the loss."""

    def __init__(self, model: str):
        make, optimizer, rate = _MODELS[model]
        self.batches = data.INPUTS[model]()
        self.model: Any = make()
        self.optimizer: Any = optimizer(self.model.parameters(), lr=rate)
        self.count = 0

    def step(self) -> float:
        x, y = (torch.from_numpy(v) for v in self.batches[self.count % len(self.batches)])
        self.count += 1
        self.optimizer.zero_grad()
        loss = functional.cross_entropy(self.model(x.long() if not x.is_floating_point() else x), y.long().flatten())
        if isinstance(self.model, _Convnet):
            loss = loss + self.model.decay()
        loss.backward()
        self.optimizer.step()
        return float(loss)
