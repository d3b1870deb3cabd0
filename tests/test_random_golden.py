"""The numbers of TF 1.15 on CPU: first the pure functions, then whole programs.

Recorded by tools/record_random.py (random_more.json) and beforehand (random.json).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import retrograph as tf
from retrograph._exports import EXPORTS
from retrograph.ops.random import parameterized_truncated_normal
from retrograph.runtime import random as philox

GOLDEN = Path(__file__).parent / "golden"
MORE = json.loads((GOLDEN / "random_more.json").read_text())
TOLERANCE = {"float16": 1e-3, "bfloat16": 1e-2, "float32": 2e-6, "float64": 1e-13}
EXACT = ("RandomUniform", "RandomUniformInt", "Multinomial", "RandomPoissonV2", "RandomShuffle")


def _shape(inputs: list[Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in inputs[0])


def _shuffled(state: Any, inputs: list[Any], dtype: Any) -> Any:
    rows = len(inputs[0])
    module = np if isinstance(state, np.ndarray) else jax.numpy
    return module.asarray(inputs[0])[philox.permutation(state, rows)]


DRAWS: dict[str, Any] = {
    "RandomUniform": lambda s, i, d: philox.uniform(s, _shape(i), d),
    "RandomStandardNormal": lambda s, i, d: philox.normal(s, _shape(i), d),
    "TruncatedNormal": lambda s, i, d: philox.truncated_normal(s, _shape(i), d),
    "RandomUniformInt": lambda s, i, d: philox.uniform_int(s, _shape(i), i[1], i[2], d),
    "RandomShuffle": _shuffled,
    "Multinomial": lambda s, i, d: philox.categorical(s, i[0], int(i[1]), d),
    "RandomGamma": lambda s, i, d: philox.gamma(s, _shape(i), i[1]),
    "RandomPoissonV2": lambda s, i, d: philox.poisson(s, _shape(i), i[1], d),
}
STATELESS = {
    "StatelessRandomUniform": ("RandomUniform", 1),
    "StatelessRandomNormal": ("RandomStandardNormal", 1),
    "StatelessTruncatedNormal": ("TruncatedNormal", 1),
    "StatelessRandomUniformInt": ("RandomUniformInt", 1),
    "StatelessMultinomial": ("Multinomial", 2),
}


def _inputs(row: dict[str, Any]) -> list[Any]:
    pairs = zip(row["inputs"], row["input_types"], strict=True)
    return [np.asarray(value, np.dtype(name)) for value, name in pairs]


def _blocks(row: dict[str, Any], inputs: list[Any]) -> int:
    if row["op"] == "RandomShuffle":
        return (len(inputs[0]) - 1 + 3) // 4
    if row["op"] == "Multinomial":
        return len(inputs[0]) * -(-int(inputs[1]) // 4) * 8 * philox.BLOCKS_PER_SAMPLE
    if row["op"] == "ParameterizedTruncatedNormal":
        return philox.truncated_between_blocks(_shape(inputs), *inputs[1:])
    each = inputs[1].size if row["op"] in ("RandomGamma", "RandomPoissonV2") else 1
    return int(np.prod(_shape(inputs))) * each * philox.BLOCKS_PER_SAMPLE


def _draw(row: dict[str, Any], module: str) -> list[Any]:
    inputs, dtype = _inputs(row), np.dtype(row["raw_dtype"])
    if row["op"] == "ParameterizedTruncatedNormal":
        state = philox.initial_state(*row["seeds"])
        states = [state, philox.skip(state, _blocks(row, inputs))]
        return [philox.truncated_between(s, _shape(inputs), *inputs[1:]) for s in states]
    op = row["op"]
    if op in STATELESS:
        op, place = STATELESS[op]
        states = [philox.stateless_state(inputs.pop(place))] * 2
    else:
        state = philox.initial_state(*row["seeds"])
        states = [state, philox.skip(state, _blocks(row, inputs))]
    if module == "jax":
        with jax.enable_x64(True):
            function = jax.jit(lambda state: DRAWS[op](state, inputs, dtype))
            return [np.asarray(function(state)) for state in states]
    return [DRAWS[op](state, inputs, dtype) for state in states]


def _check(got: Any, want: list[Any], dtype: str, exact: bool) -> None:
    got = np.asarray(got).reshape(-1)[:64].astype(np.float64 if dtype not in ("int32", "int64") else np.int64)
    if exact or "int" in dtype:
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("module", ["numpy", "jax"])
@pytest.mark.parametrize("row", MORE, ids=lambda row: row["expr"])
def test_pure_functions(row: dict[str, Any], module: str) -> None:
    if module == "jax" and row["op"] == "ParameterizedTruncatedNormal":
        pytest.skip("drawn on the host only")
    exact = row["op"].removeprefix("Stateless") in EXACT
    for got, want in zip(_draw(row, module), row["raw"], strict=True):
        _check(got, want, row["raw_dtype"], exact)


def test_state_counts_in_128_bits() -> None:
    state = philox.initial_state(5, 7)
    near = philox.skip(state, 2**64 - 2)
    assert near.tolist() == [5, 0, 2**32 - 2, 2**32 - 1, 7, 0]
    far = philox.skip(near, 3)
    assert far.tolist() == [5, 0, 1, 0, 8, 0]
    np.testing.assert_array_equal(philox.words(near, 16)[12:], philox.words(far, 4))


@pytest.mark.parametrize("count", [1, 2, 3, 17, 400])
def test_permutation_is_the_sequence_of_swaps(count: int) -> None:
    state = philox.initial_state(3, 9)
    places = list(range(count))
    for i, word in enumerate(philox.words(state, max(count - 1, 0)).tolist()):
        j = i + word % (count - i)
        places[i], places[j] = places[j], places[i]
    assert philox.permutation(state, count).tolist() == places


ROWS = [row for row in json.loads((GOLDEN / "random.json").read_text()) if "expr" in row]
# Recorded for modules that are built apart from this one.
ABSENT = [name for name in ("image.random_brightness", "distributions.Normal") if name not in EXPORTS]
PROGRAMS = [row for row in [*ROWS, *MORE] if not any(f"tf.{name}" in row["expr"] for name in ABSENT)]


@pytest.mark.parametrize("row", PROGRAMS, ids=lambda row: f"{row['graph_seed']}-{row['expr']}")
def test_programs(row: dict[str, Any]) -> None:
    names = {"tf": tf, "np": np, "truncated": parameterized_truncated_normal}
    with tf.Graph().as_default():
        if row["graph_seed"] is not None:
            tf.set_random_seed(row["graph_seed"])
        result = eval(row["expr"], names)
        assert result.dtype.name == row["dtype"]
        with tf.Session() as session:
            for want in row["runs"]:
                _check(session.run(result), np.array(want).ravel()[:64].tolist(), row["dtype"], False)


VARIABLES = [row for row in json.loads((GOLDEN / "random.json").read_text()) if "variables" in row]


@pytest.mark.parametrize("rows", VARIABLES, ids=lambda rows: str(rows["graph_seed"]))
def test_initial_values(rows: dict[str, Any]) -> None:
    with tf.Graph().as_default() as graph:
        if rows["graph_seed"] is not None:
            tf.set_random_seed(rows["graph_seed"])
        made = []
        for row in rows["variables"]:
            start = len(graph.get_operations())
            with tf.variable_scope(row["scope"]):
                made.append(tf.get_variable("w", [3, 4], initializer=eval(row["initializer"], {"tf": tf})))
            random = [op for op in graph.get_operations()[start:] if "seed" in op.attrs]
            assert [[op.type, op.attrs["seed"], op.attrs["seed2"]] for op in random] == row["seeds"]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for variable, row in zip(made, rows["variables"], strict=True):
                np.testing.assert_allclose(session.run(variable), row["value"], rtol=5e-6, atol=5e-6)


def test_streams_go_on_in_a_session_and_start_again_in_the_next() -> None:
    with tf.Graph().as_default():
        drawn = tf.random_uniform([3], seed=5)
        with tf.Session() as session:
            first, second = session.run(drawn), session.run(drawn)
        with tf.Session() as session:
            again = session.run(drawn)
    assert (first != second).all()
    np.testing.assert_array_equal(first, again)


def test_bounds_are_checked() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="Need minval < maxval, got 3 >= 2"):
            session.run(tf.random_uniform([2], 3, 2, tf.int32))
        assert session.run(tf.random_uniform([0], 3, 2, tf.int32)).shape == (0,)


def test_bounds_that_depend_on_data_are_checked() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [64, 64])
        limit = tf.cast(tf.reduce_max(tf.matmul(fed, fed)), tf.int32)
        drawn = tf.random_uniform([3], 0, limit, tf.int32)
        assert (session.run(drawn, {fed: np.ones([64, 64])}) < 64).all()
        with pytest.raises(tf.errors.InvalidArgumentError, match="Need minval < maxval, got 0 >= 0"):
            session.run(drawn, {fed: np.zeros([64, 64])})


def test_control_flow_draws_on() -> None:
    with tf.Graph().as_default():
        tf.set_random_seed(3)

        def body(i: Any, drawn: Any) -> list[Any]:
            return [i + 1, tf.concat([drawn[1:], tf.random_uniform([1], seed=1)], 0)]

        limit = tf.placeholder(tf.int32, [])
        _, drawn = tf.while_loop(lambda i, _: i < limit, body, [0, tf.zeros([4])])
        with tf.Session() as session:
            # As 1.15 draws them: each pass goes on in the stream, each run where the last one stopped.
            first, second = session.run(drawn, {limit: 4}), session.run(drawn, {limit: 2})
    np.testing.assert_allclose(first, [0.77807, 0.25705, 0.59842, 0.11122], atol=1e-5)
    np.testing.assert_allclose(second, [0, 0, 0.41678, 0.1322], atol=1e-5)
