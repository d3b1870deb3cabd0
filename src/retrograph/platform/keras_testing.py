"""Data on which tests of layers train."""

from __future__ import annotations

from typing import Any

import numpy as np


def get_test_data(
    train_samples: int,
    test_samples: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    random_seed: int | None = None,
) -> Any:
    """`(x, y)` to train and `(x, y)` to test: points about one centre for each class, drawn from NumPy's generator.

    `x` is f32[samples, *input_shape], `y` i64[samples].
    """
    if random_seed is not None:
        np.random.seed(random_seed)
    count = train_samples + test_samples
    centres = 2 * num_classes * np.random.random((num_classes, *input_shape))
    y = np.random.randint(0, num_classes, size=(count,))
    x = (centres[y] + np.random.normal(size=(count, *input_shape))).astype(np.float32)
    return (x[:train_samples], y[:train_samples]), (x[train_samples:], y[train_samples:])
