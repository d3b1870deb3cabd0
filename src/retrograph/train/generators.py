"""`tf.random.experimental.Generator`: a stream of random numbers that is an object with a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.ops import array, joining, math
from retrograph.ops.stateful_random import PHILOX, STATE_SIZES
from retrograph.train.tracking import AutoTrackable
from retrograph.variables.base import Variable

_SPAN = 2**64
_MASK = _SPAN - 1


def _signed(number: Any) -> Any:
    return number - _SPAN if isinstance(number, int) and number > 2**63 - 1 else number


def _state_size(algorithm: Any) -> int:
    if algorithm not in STATE_SIZES:
        raise ValueError(f"Unsupported algorithm id: {algorithm}")
    return STATE_SIZES[algorithm]


@export("random.experimental.create_rng_state")
def create_rng_state(seed: Any, algorithm: int) -> np.ndarray:
    """The state for a seed, an integer or a vector of some: `i64[3]` for Philox (1), `i64[2]` for ThreeFry (2).

    Raises ValueError: another algorithm. Source: TF 1.15 `tf.random.experimental.create_rng_state`.

    >>> create_rng_state(2**64 + 5, 1).tolist()
    [5, 1, 0]
    """
    size = _state_size(algorithm)
    if isinstance(seed, int):
        seed = [(seed >> 64 * i) & _MASK for i in range(size)]
    numbers = np.asarray([_signed(number) for number in seed], np.int64)
    if numbers.ndim != 1:
        raise ValueError(f"seed should only have one dimension; got shape: {numbers.shape}")
    return np.pad(numbers[:size], [(max(size - len(numbers), 0), 0)])


def _state_tensor(state: Any) -> Tensor:
    if isinstance(state, list):
        state = [_signed(number) for number in state]
    return convert_to_tensor(state, dtype=dtypes.int64)


def _of_key_and_counter(key: Any, counter: Any, algorithm: int) -> Tensor:
    counter, key = _state_tensor(counter), _state_tensor(key)
    counter.shape.assert_is_compatible_with([_state_size(algorithm) - 1])
    key.shape.assert_is_compatible_with([])
    return joining.concat([counter, array.reshape(key, [1])], 0)


def _shape_tensor(shape: Any) -> Tensor:
    empty = isinstance(shape, (tuple, list)) and not shape
    return convert_to_tensor(shape, dtype=dtypes.int64 if empty else None, name="shape")


@export("random.experimental.Generator")
class Generator(AutoTrackable):
    """A stream of random numbers; its state is a variable, so sessions and checkpoints keep it.

    Made by `from_seed`, `from_state`, `from_key_counter`, `from_non_deterministic_state`, or as a copy.
    Raises AssertionError: neither a state with an algorithm nor another generator; ValueError: a state of another size.
    Source: TF 1.15 `tf.random.experimental.Generator`.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: int | None = None):
        if copy_from is not None:
            if alg is not None or state is not None:
                raise AssertionError
            self._algorithm: int = copy_from.algorithm
            state = copy_from.state
        else:
            if alg is None or state is None:
                raise AssertionError
            self._algorithm = alg
            state = _state_tensor(state)
            state.shape.assert_is_compatible_with([_state_size(alg)])
        self._state_var: Any = Variable(state, dtype=dtypes.int64, trainable=False, use_resource=True)

    @classmethod
    def from_state(cls, state: Any, alg: int) -> Generator:
        """A generator with this state."""
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(cls, seed: Any, alg: int | None = None) -> Generator:
        """A generator with the state of a seed; Philox if no algorithm is given."""
        alg = PHILOX if alg is None else alg
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: int | None = None) -> Generator:
        """A generator with a state that nobody can tell before."""
        alg = PHILOX if alg is None else alg
        numbers = apply_op("NonDeterministicInts", None, shape=[_state_size(alg)], dtype=dtypes.int64)
        return cls(state=numbers, alg=alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: int) -> Generator:
        """A generator with this key and counter."""
        return cls(state=_of_key_and_counter(key, counter, alg), alg=alg)

    def reset(self, state: Any) -> None:
        """Makes an operation that sets the state."""
        state = _state_tensor(state)
        state.shape.assert_is_compatible_with([_state_size(self.algorithm)])
        self._state_var.assign(state)

    def reset_from_seed(self, seed: Any) -> None:
        """Makes an operation that sets the state to that of a seed."""
        self._state_var.assign(create_rng_state(seed, self.algorithm))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Makes an operation that sets key and counter."""
        self._state_var.assign(_of_key_and_counter(key, counter, self.algorithm))

    @property
    def state(self) -> Any:
        """The variable that holds the state: counter, then key."""
        return self._state_var

    @property
    def algorithm(self) -> int:
        """1 for Philox, 2 for ThreeFry."""
        return self._algorithm

    @property
    def key(self) -> Tensor:
        """The key: `i64[]`."""
        _state_size(self.algorithm)
        key: Tensor = self._state_var[-1]
        return key

    def skip(self, delta: Any) -> None:
        """Makes an operation that moves the counter as if `delta` numbers were drawn."""
        apply_op("RngSkip", None, resource=self.state.handle, algorithm=self.algorithm, delta=delta)

    def _draw(self, op_type: str, shape: Any, name: str | None = None, **more: Any) -> Tensor:
        stream = {"resource": self.state.handle, "algorithm": self.algorithm}
        drawn: Tensor = apply_op(op_type, name, **stream, shape=shape, **more)
        return drawn

    def _scaled(self, op_type: str, scope: str, shape: Any, mean: Any, stddev: Any, dtype: Any, name: Any) -> Tensor:
        with name_scope(name, scope, [shape, mean, stddev]) as scope_name:
            shape = _shape_tensor(shape)
            mean = convert_to_tensor(mean, dtype=dtype, name="mean")
            stddev = convert_to_tensor(stddev, dtype=dtype, name="stddev")
            numbers: Any = self._draw(op_type, shape, dtype=dtype)
            scaled: Tensor = math.add(numbers * stddev, mean, name=scope_name)
            return scaled

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Normally distributed numbers: `dtype[shape]`."""
        return self._scaled("StatefulStandardNormalV2", "stateful_normal", shape, mean, stddev, dtype, name)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Normally distributed numbers within two deviations: `dtype[shape]`."""
        return self._scaled("StatefulTruncatedNormal", "truncated_normal", shape, mean, stddev, dtype, name)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Numbers from `minval` to below `maxval`: `dtype[shape]`.

        Raises ValueError: integers without `maxval`.
        """
        dtype = dtypes.as_dtype(dtype)
        if maxval is None:
            if dtype.is_integer:
                raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
            maxval = 1
        with name_scope(name, "stateful_uniform", [shape, minval, maxval]) as scope:
            shape = _shape_tensor(shape)
            low, high = (
                convert_to_tensor(minval, dtype=dtype, name="min"),
                convert_to_tensor(maxval, dtype=dtype, name="max"),
            )
            if dtype.is_integer:
                return self._draw("StatefulUniformInt", shape, scope, minval=low, maxval=high)
            numbers: Any = self._draw("StatefulUniform", shape, dtype=dtype)
            scaled: Tensor = math.add(numbers * (high - low), low, name=scope)
            return scaled

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Tensor:
        """Integers of the whole range of the dtype: `dtype[shape]`."""
        with name_scope(name, "stateful_uniform_full_int", [shape]) as scope:
            return self._draw("StatefulUniformFullInt", _shape_tensor(shape), scope, dtype=dtypes.as_dtype(dtype))

    def binomial(
        self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None
    ) -> Tensor:
        """How many of `counts` trials succeed that do so by `probs`: `dtype[shape]`."""
        with name_scope(name, "binomial", [shape, counts, probs]) as scope:
            counts, probs = convert_to_tensor(counts, name="counts"), convert_to_tensor(probs, name="probs")
            more = {"counts": counts, "probs": probs, "dtype": dtypes.as_dtype(dtype)}
            return self._draw("StatefulRandomBinomial", _shape_tensor(shape), scope, **more)

    def make_seeds(self, count: int = 1) -> Tensor:
        """Seeds for stateless random functions: `i64[2, count]`."""
        _state_size(self.algorithm)
        keys = self.uniform_full_int(shape=[count], dtype=dtypes.int64)
        return joining.stack([keys, array.zeros_like(keys)])

    def split(self, count: int = 1) -> Sequence[Generator]:
        """Several generators of this one's numbers; needs these now, so it does not work in graphs.

        Raises AttributeError: in graphs, as TF's.
        """
        keys: Any = self.uniform_full_int(shape=[count], dtype=dtypes.int64)
        zeros = [0] * (_state_size(self.algorithm) - 1)
        return [Generator(state=[*zeros, key], alg=self.algorithm) for key in keys.numpy()]


_global: list[Generator] = []


@export("random.experimental.get_global_generator")
def get_global_generator() -> Generator:
    """The generator of the process, made when first asked for.

    Source: TF 1.15 `tf.random.experimental.get_global_generator`.
    """
    if not _global:
        _global.append(Generator.from_non_deterministic_state())
    return _global[0]


@export("random.experimental.set_global_generator")
def set_global_generator(generator: Generator) -> None:
    """Makes this the generator of the process. Source: TF 1.15 `tf.random.experimental.set_global_generator`."""
    _global[:] = [generator]
