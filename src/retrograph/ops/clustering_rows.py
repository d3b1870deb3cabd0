"""Nearest neighbours, and first centres of clusters drawn among points. On the host, as in TF."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext
from retrograph.ops.rows import refuse
from retrograph.runtime import random as philox

Array = Any
_F = np.float32
_WORDS = 256


class _Draws:
    """Numbers one after the other, as TF's simple generator gives them."""

    def __init__(self, seed: int):
        self._words = self._endless(philox.initial_state(seed, 0))

    @staticmethod
    def _endless(state: Any) -> Iterator[int]:
        while True:
            yield from philox.words(state, _WORDS).tolist()
            state = philox.skip(state, _WORDS // 4)

    def single(self) -> Any:
        """At least 0 and below 1, f32[]."""
        bits = (next(self._words) & 0x7FFFFF) | 0x3F800000
        return np.array(bits, np.uint32).view(np.float32)[()] - _F(1)

    def below(self, size: int) -> int:
        """A whole number of 64 bits below `size`."""
        accepted_from = 0 if size & (size - 1) == 0 else (2**64 - 1) % size + 1
        while True:
            low = next(self._words)
            number = low | next(self._words) << 32
            if number >= accepted_from:
                return number % size


def _check_matrix(op: Any, value: Array, name: str) -> None:
    if value.ndim != 2:
        refuse(op, f"Input {name} should be a matrix.")


def _check_scalars(op: Any, **values: Array) -> None:
    for name, value in values.items():
        if np.ndim(value):
            refuse(op, f"Input {name} should be a scalar.")


def _halved_norms(x: Array) -> Array:
    return _F(0.5) * np.square(x).sum(1, dtype=np.float32)


def _nearest(op: Any, points: Array, centers: Array, k: Array) -> tuple[Array, Array]:
    _check_matrix(op, points, "points")
    _check_matrix(op, centers, "centers")
    _check_scalars(op, k=k)
    if not len(points):
        refuse(op, "Expected points.rows() > 0.")
    if points.shape[1] != centers.shape[1]:
        text = f"Expected point_dimensions == center_dimensions: {points.shape[1]} vs {centers.shape[1]}."
        refuse(op, text)
    count = min(len(centers), int(k))
    partial = _halved_norms(centers) - points @ centers.T
    places = np.argsort(partial, axis=1, kind="stable")[:, :count]
    halved = _halved_norms(points)[:, None] + np.take_along_axis(partial, places, 1)
    return places.astype(np.int64), _F(2) * halved


def _nearest_shape(c: ShapeContext) -> list[Shape]:
    return [None, None]


class _Sampling:
    """Points drawn by how far they are from those drawn before (Arthur and Vassilvitskii 2007)."""

    def __init__(self, points: Array, seed: int):
        self._points, self._norms = points, _halved_norms(points)
        self._draws = _Draws(seed)
        self._distances = np.full(len(points), np.inf, np.float32)
        self.chosen: list[int] = []

    def _drawn(self, sums: Array) -> int:
        if not self.chosen:
            return self._draws.below(len(self._points))
        while True:
            place = int(np.searchsorted(sums, self._draws.single() * sums[-1], "right"))
            if place not in self.chosen:
                return place

    def _distances_with(self, place: int) -> Array:
        # What is drawn beyond the last point stands for that one.
        place = min(place, len(self._points) - 1)
        to_it = self._norms - self._points @ self._points[place] + self._norms[place]
        return np.minimum(self._distances, to_it)

    def draw(self, tries: int) -> None:
        """Chooses the best of some points: that which leaves the least distances."""
        sums = np.cumsum(self._distances, dtype=np.float32) if self.chosen else self._distances
        places = [self._drawn(sums) for _ in range(tries)]
        options = [self._distances_with(place) for place in places]
        potentials = [option.sum(dtype=np.float32) for option in options]
        best = potentials.index(min(potentials))
        self._distances = options[best]
        self.chosen.append(min(places[best], len(self._points) - 1))


def _plus_plus(op: Any, points: Array, count: Array, seed: Array, retries: Array) -> Array:
    _check_matrix(op, points, "points")
    _check_scalars(op, num_to_sample=count, seed=seed, num_retries_per_sample=retries)
    size, wanted = len(points), int(count)
    if not size:
        refuse(op, "Expected points.rows() > 0.")
    if wanted <= 0:
        refuse(op, "Expected num_to_sample > 0.")
    if wanted > size:
        refuse(op, f"Expected num_to_sample <= points.rows(). {wanted} vs {size}.")
    more = int(retries) if int(retries) >= 0 else 2 + int(math.log(wanted))
    sampling = _Sampling(points, int(seed))
    for _ in range(wanted):
        sampling.draw(1 + more)
    return points[sampling.chosen]


def _chain(op: Any, distances: Array, seed: Array) -> Array:
    if distances.ndim != 1:
        refuse(op, "Input distances should be a vector.")
    _check_scalars(op, seed=seed)
    if not len(distances):
        refuse(op, f"Expected distances_tensor.size() > 0, not {to_text(distances.shape)}.")
    draws, chosen = _Draws(int(seed)), 0
    for i in range(1, len(distances)):
        if distances[i] > draws.single() * distances[chosen]:
            chosen = i
    return np.int64(chosen)


_HOST: dict[str, Any] = {"host": True, "gradient": NO_GRADIENT}
register_op("NearestNeighbors", shape=_nearest_shape, numpy=_nearest, **_HOST)
register_op("KmeansPlusPlusInitialization", numpy=_plus_plus, **_HOST)
register_op("KMC2ChainInitialization", numpy=_chain, **_HOST)
