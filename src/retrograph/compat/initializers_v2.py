"""TF 2's random initializers: other defaults, and numbers that follow from the seed alone."""

from __future__ import annotations

from typing import Any

from retrograph._namespace import resolve
from retrograph.framework import dtypes
from retrograph.framework.operation import Tensor


def _drawn(kind: str, seed: int | None, shape: Any, low: Any, high: Any, dtype: Any) -> Tensor:
    # A seed of 0 is none, as it is in TF.
    if seed:
        return resolve("random", f"stateless_{kind}")(shape, [seed, 0], low, high, dtype)  # type: ignore[no-any-return]
    return resolve("random", kind)(shape, low, high, dtype)  # type: ignore[no-any-return]


class _Configured:
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The initializer that `get_config` described."""
        return cls(**config)


class RandomNormal(_Configured):
    """Normally distributed numbers. Source: TF 1.15 `tf.compat.v2.random_normal_initializer`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32) -> Tensor:
        return _drawn("normal", self.seed, shape, self.mean, self.stddev, _floating(dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(_Configured):
    """Numbers of an interval. Source: TF 1.15 `tf.compat.v2.random_uniform_initializer`."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = dtypes.float32) -> Tensor:
        kind = dtypes.as_dtype(dtype)
        if not kind.is_floating and not kind.is_integer:
            raise ValueError(f"Expected float or integer dtype, got {kind}.")
        return _drawn("uniform", self.seed, shape, self.minval, self.maxval, kind)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


def _floating(dtype: Any) -> Any:
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise ValueError(f"Expected floating point type, got {kind}.")
    return kind
