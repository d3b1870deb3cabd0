"""`tensorflow.python.kernel_tests.random.util`: statistics of samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def test_moment_matching(samples: Any, number_moments: int, dist: Any, stride: int = 0) -> list[float]:
    """How many standard deviations each of the first moments of samples is off that of a SciPy distribution."""
    flat = np.asarray(samples).ravel()
    info = np.finfo(flat.dtype)
    scores = []
    for order in range(1, number_moments + 1):
        strided = flat[:: (order - 1) * stride + 1]
        expected = dist.moment(order)
        variance = (dist.moment(2 * order) - expected**2) / len(strided) + order * info.eps
        scores.append(abs(np.mean(strided**order) - expected) / np.sqrt(max(variance, info.tiny)))
    return scores


def chi_squared(x: Any, bins: int) -> Any:
    """Pearson's statistic of numbers in 0..1 against uniform ones."""
    flat = np.ravel(x)
    counts, _ = np.histogram(flat, bins=bins, range=(0, 1))
    expected = len(flat) / float(bins)
    return np.sum(np.square(counts - expected) / expected)


def normal_cdf(x: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    return 0.5 + 0.5 * np.vectorize(math.erf)(x / math.sqrt(2))


def anderson_darling(x: Any) -> Any:
    """The Anderson-Darling statistic of numbers against standard normal ones."""
    ordered = np.sort(np.ravel(x))
    n = len(ordered)
    rank = np.linspace(1, n, n)
    cdf = normal_cdf(ordered)
    return -n - np.sum((2 * rank - 1) * np.log(cdf) + (2 * (n - rank) + 1) * np.log(1 - cdf)) / n


def test_truncated_normal(
    assert_equal: Any,
    assert_all_close: Any,
    n: int,
    y: Any,
    mean_atol: float = 5e-4,
    median_atol: float = 8e-4,
    variance_rtol: float = 1e-3,
) -> None:
    """Asserts that samples look like a normal distribution cut at two deviations."""
    from scipy.stats import truncnorm

    values = np.asarray(y, dtype=float)
    assert_equal((values >= -2).sum(), n)
    assert_equal((values <= 2).sum(), n)
    expected = truncnorm(-2, 2)
    assert_all_close(np.mean(values), expected.mean(), atol=mean_atol)
    assert_all_close(np.median(values), expected.median(), atol=median_atol)
    assert_all_close(np.var(values), expected.var(), rtol=variance_rtol)


test_moment_matching.__dict__["__test__"] = False
test_truncated_normal.__dict__["__test__"] = False
