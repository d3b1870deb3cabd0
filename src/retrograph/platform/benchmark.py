"""`tf.test.Benchmark`: the class is there, so that files that define benchmarks beside tests can be imported."""

from __future__ import annotations

import time
from typing import Any

from retrograph.framework.exports import export


@export("test.benchmark_config")
def benchmark_config() -> Any:
    """A ConfigProto for benchmarks. Source: TF 1.15 `tf.test.benchmark_config`."""
    from retrograph._namespace import resolve

    return resolve("", "ConfigProto")()


@export("test.Benchmark")
class Benchmark:
    """Runs an operation many times and reports the wall time. Source: TF 1.15 `tf.test.Benchmark`."""

    def is_abstract(self) -> bool:
        """True for the base class."""
        return type(self).__name__ in ("Benchmark", "TensorFlowBenchmark")

    def report_benchmark(
        self,
        iters: int | None = None,
        cpu_time: float | None = None,
        wall_time: float | None = None,
        throughput: float | None = None,
        extras: dict[str, Any] | None = None,
        name: str | None = None,
        metrics: Any = None,
    ) -> None:
        """Prints one line."""
        print(f"{name or type(self).__name__}: wall_time {wall_time} iters {iters} {extras or ''}")

    def run_op_benchmark(
        self,
        sess: Any,
        op_or_tensor: Any,
        feed_dict: Any = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        store_trace: bool = False,
        store_memory_usage: bool = True,
        name: str | None = None,
        extras: dict[str, Any] | None = None,
        mbs: int = 0,
    ) -> dict[str, Any]:
        """The median wall time of `sess.run(op_or_tensor)`."""
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            times.append(time.perf_counter() - start)
        wall = sorted(times)[len(times) // 2]
        self.report_benchmark(iters=min_iters, wall_time=wall, name=name, extras=extras)
        return {"name": name, "iters": min_iters, "wall_time": wall, "extras": extras or {}}

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors in the default session."""
        from retrograph.framework.sessions import get_default_session

        return get_default_session().run(tensors)


TensorFlowBenchmark = Benchmark
TEST_REPORTER_TEST_ENV = "TEST_REPORT_FILE_PREFIX"
