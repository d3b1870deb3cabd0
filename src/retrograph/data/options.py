"""`tf.data.Options` and the groups of options in it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from retrograph.framework.exports import export


class OptionsBase:
    """Options by name, each of a type; setting another name raises AttributeError."""

    def __init__(self) -> None:
        self._options: dict[str, Any]
        object.__setattr__(self, "_options", {})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, self.__class__):
            return NotImplemented
        names = set(self._options) | set(other._options)
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __ne__(self, other: object) -> bool:
        return not self == other if isinstance(other, self.__class__) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self, name):
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        object.__setattr__(self, name, value)


def option(name: str, kind: Any, default: Callable[[], Any] = lambda: None, text: str = "") -> Any:
    """A property that holds an option of a type."""

    def get(self: Any) -> Any:
        return self._options.setdefault(name, default())

    def put(self: Any, value: Any) -> None:
        if not isinstance(value, kind):
            raise TypeError(f'Property "{name}" must be of type {kind}, got: {value!r} (type: {type(value)!r})')
        self._options[name] = value

    return property(get, put, None, text or name)


def merge_options(*options_list: Any) -> Any:
    """One set of options that has all that were set.

    Raises TypeError: of different types. ValueError: one option has two values.
    """
    if not options_list:
        raise ValueError("At least one options should be provided")
    kind = type(options_list[0])
    for options in options_list:
        if not isinstance(options, kind):
            raise TypeError(f"Incompatible options type: {type(options)!r} vs {kind!r}")
    if not isinstance(options_list[0], OptionsBase):
        raise TypeError("The inputs should inherit from `OptionsBase`")
    result, plain = kind(), kind()
    for options in options_list:
        for name in list(options._options):
            _merge_one(result, name, getattr(options, name), getattr(plain, name))
    return result


def _merge_one(result: Any, name: str, value: Any, default: Any) -> None:
    present = getattr(result, name)
    if value == default:
        return
    if present == default:
        setattr(result, name, value)
    elif isinstance(present, OptionsBase):
        setattr(result, name, merge_options(present, value))
    elif present != value:
        raise ValueError(f"Cannot merge incompatible values ({present!r} and {value!r}) of option: {name}")


@export("data.experimental.DistributeOptions")
class DistributeOptions(OptionsBase):
    """How a dataset is divided among replicas. Source: TF 1.15 `tf.data.experimental.DistributeOptions`."""

    auto_shard = option("auto_shard", bool, lambda: True)
    _make_stateless = option("_make_stateless", bool)
    num_devices = option("num_devices", int)


@export("data.experimental.MapVectorizationOptions")
class MapVectorizationOptions(OptionsBase):
    """Whether functions of elements become functions of batches. Source: TF 1.15 `MapVectorizationOptions`."""

    enabled = option("enabled", bool)
    use_choose_fastest = option("use_choose_fastest", bool)


_BY_DEFAULT = ("map_and_batch_fusion", "noop_elimination", "shuffle_and_repeat_fusion")
_ON_DEMAND = (
    "filter_fusion", "filter_with_random_uniform_fusion", "hoist_random_uniform", "map_and_filter_fusion", "map_fusion",
    "map_parallelization", "parallel_batch",
)  # fmt: skip


@export("data.experimental.OptimizationOptions")
class OptimizationOptions(OptionsBase):
    """Which rewrites datasets go through. Source: TF 1.15 `tf.data.experimental.OptimizationOptions`."""

    apply_default_optimizations = option("apply_default_optimizations", bool)
    autotune = option("autotune", bool)
    autotune_algorithm = option("autotune_algorithm", object)
    autotune_buffers = option("autotune_buffers", bool)
    autotune_cpu_budget = option("autotune_cpu_budget", int)
    filter_fusion = option("filter_fusion", bool)
    filter_with_random_uniform_fusion = option("filter_with_random_uniform_fusion", bool)
    hoist_random_uniform = option("hoist_random_uniform", bool)
    map_and_batch_fusion = option("map_and_batch_fusion", bool)
    map_and_filter_fusion = option("map_and_filter_fusion", bool)
    map_fusion = option("map_fusion", bool)
    map_parallelization = option("map_parallelization", bool)
    map_vectorization = option("map_vectorization", MapVectorizationOptions, MapVectorizationOptions)
    noop_elimination = option("noop_elimination", bool)
    parallel_batch = option("parallel_batch", bool)
    shuffle_and_repeat_fusion = option("shuffle_and_repeat_fusion", bool)

    def _static_optimizations(self) -> list[str]:
        found = {name for name in (*_ON_DEMAND, *_BY_DEFAULT) if getattr(self, name)}
        if self.apply_default_optimizations is not False:
            found.update(name for name in _BY_DEFAULT if getattr(self, name) is not False)
        if self.map_vectorization.enabled:
            found.add("map_vectorization")
        if self.autotune_buffers:
            found.update(("inject_prefetch",))
        return sorted(found)


@export("data.experimental.StatsOptions")
class StatsOptions(OptionsBase):
    """What is counted while a dataset is gone through. Source: TF 1.15 `tf.data.experimental.StatsOptions`."""

    aggregator = option("aggregator", object)
    prefix = option("prefix", str, lambda: "")
    counter_prefix = option("counter_prefix", str, lambda: "")
    latency_all_edges = option("latency_all_edges", bool)


@export("data.experimental.ThreadingOptions")
class ThreadingOptions(OptionsBase):
    """How many threads a dataset may use. Source: TF 1.15 `tf.data.experimental.ThreadingOptions`."""

    max_intra_op_parallelism = option("max_intra_op_parallelism", int)
    private_threadpool_size = option("private_threadpool_size", int)


class AutotuneAlgorithm(enum.Enum):
    """How numbers of threads are found. Source: TF 1.15 `dataset_ops.AutotuneAlgorithm`."""

    HILL_CLIMB = 0
    GRADIENT_DESCENT = 1


@export("data.Options")
class Options(OptionsBase):
    """What holds for a whole dataset: `dataset.with_options(options)`. Source: TF 1.15 `tf.data.Options`."""

    experimental_deterministic = option("experimental_deterministic", bool)
    experimental_distribute = option("experimental_distribute", DistributeOptions, DistributeOptions)
    experimental_optimization = option("experimental_optimization", OptimizationOptions, OptimizationOptions)
    experimental_slack = option("experimental_slack", bool)
    experimental_stats = option("experimental_stats", StatsOptions, StatsOptions)
    experimental_threading = option("experimental_threading", ThreadingOptions, ThreadingOptions)
    experimental_stateful_whitelist = option("experimental_stateful_whitelist", list)

    def _static_optimizations(self) -> list[str]:
        found = list(self.experimental_optimization._static_optimizations())
        if self.experimental_deterministic is False:
            found.append("make_sloppy")
        if self.experimental_stats and self.experimental_stats.latency_all_edges:
            found.append("latency_all_edges")
        if self.experimental_slack:
            found.append("slack")
        if self.experimental_distribute and self.experimental_distribute._make_stateless:
            found.append("make_stateless")
        return found

    def _static_optimization_configs(self) -> list[str]:
        if not self.experimental_slack:
            return []
        return [f"slack:slack_period:{self.experimental_distribute.num_devices or 1}"]

    def merge(self, options: Any) -> Any:
        """These options with those that others set. Raises ValueError: one option has two values."""
        return merge_options(self, options)
