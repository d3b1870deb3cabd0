"""Runs the benchmarks and prints one table.

    python -m benchmarks                       # Retrograph and hand-written JAX
    python -m benchmarks --tf115 PYTHON        # also a TensorFlow 1.15, in the interpreter that has it
    python -m benchmarks --torch PYTHON        # also PyTorch, eager

Each engine has a process of its own; repeats go round the engines in turn, and the table shows medians. Where memory
lies makes a process up to a fifth faster or slower than the next one of the same engine: `--processes N` starts all
engines N times. Ratios are the peer's time divided by Retrograph's: above 1, Retrograph is faster. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import data  # noqa: E402
from files import COPY, FILES  # noqa: E402
from micro import MICRO  # noqa: E402

MODELS = ("mlp", "convnet", "transformer", "lstm", "word2vec", "resnet50")
PEERS = ("jax", "tf115", "tfv1", "torch")
_IMPORTS = {"retrograph": "retrograph", "tf115": "tensorflow", "tfv1": "tensorflow", "torch": "torch"}


class Worker:
    """The process of one engine."""

    def __init__(self, engine: str, python: str, environment: dict[str, str]):
        self.engine, self.python = engine, python
        self.process = subprocess.Popen(
            [python, str(HERE / "worker.py"), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        self.problem = self._answer().get("missing")

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"missing": "the process ended", "error": "the process ended"}

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to one request."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"error": "the process ended"}
        return self._answer()

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


@dataclass
class Row:
    """One line of the table: seconds by engine."""

    name: str
    flops: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, engine: str, answer: dict[str, Any]) -> None:
        if "error" in answer:
            self.errors[engine] = answer["error"]
        else:
            self.seconds.setdefault(engine, []).extend(answer["seconds"])

    def add_all(self, other: Row) -> None:
        """Adds what another round of processes measured."""
        self.errors.update(other.errors)
        for engine, seconds in other.seconds.items():
            self.seconds.setdefault(engine, []).extend(seconds)

    def median(self, engine: str) -> float | None:
        return statistics.median(self.seconds[engine]) if self.seconds.get(engine) else None


def _import_seconds(python: str, module: str) -> float:
    """Wall time of a process that imports a module, less that of one that imports nothing."""
    path = os.pathsep.join([str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def wall(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([python, "-c", code], env=environment, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    return wall(f"import {module}") - wall("pass")


def _import_answer(python: str, module: str) -> dict[str, Any]:
    try:
        return {"seconds": [_import_seconds(python, module)]}
    except subprocess.CalledProcessError:
        return {"error": f"import {module} fails"}


def _workers(options: argparse.Namespace) -> dict[str, Worker]:
    pythons = {"retrograph": sys.executable, "jax": sys.executable, "tf115": options.tf115, "tfv1": options.tfv1}
    pythons["torch"] = options.torch
    # What XLA allocates anew at each step is mapped in pages of 2 MiB, not 4 KiB; glibc 2.35 and later.
    environment = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"} if options.huge_pages else {}
    workers: dict[str, Worker] = {}
    for engine, python in pythons.items():
        if not python:
            print(f"{engine}: skipped, no interpreter given (--{engine} PYTHON)")
            continue
        worker = Worker(engine, python, environment)
        if worker.problem:
            print(f"{engine}: skipped, {worker.problem}")
        else:
            workers[engine] = worker
    return workers


def _measure_models(workers: dict[str, Worker], options: argparse.Namespace) -> list[Row]:
    rows = []
    for model in options.models:
        kind = "forward pass" if model in data.FORWARD else "training step"
        row = Row(f"{model}, one {kind}", data.flops(model))
        for _ in range(options.repeats):
            for engine, worker in workers.items():
                row.add(engine, worker.ask(do="steps", model=model, count=options.steps))
        rows.append(row)
    return rows


def _measure_micro(workers: dict[str, Worker], options: argparse.Namespace) -> list[Row]:
    rows = []
    for name in MICRO:
        row = Row(name)
        repeats = 1 if "16,000" in name else options.repeats
        for _ in range(repeats):
            for engine, worker in workers.items():
                if engine == "torch" or (engine == "jax" and "Session" not in name):
                    continue
                row.add(engine, worker.ask(do="micro", name=name))
        rows.append(row)
    return rows


def _measure_files(workers: dict[str, Worker], options: argparse.Namespace) -> list[Row]:
    rows = []
    for name in (*FILES, COPY):
        row = Row(name)
        for _ in range(options.repeats):
            for engine, worker in workers.items():
                if engine == "retrograph" or (name != COPY and engine in ("tf115", "tfv1")):
                    row.add(engine, worker.ask(do="files", name=name))
        rows.append(row)
    return rows


def _measure_imports(workers: dict[str, Worker], options: argparse.Namespace) -> list[Row]:
    row, numpy_row = Row("import"), Row("import numpy")
    for _ in range(options.repeats):
        numpy_row.add("retrograph", _import_answer(sys.executable, "numpy"))
        for engine, worker in workers.items():
            if engine in _IMPORTS:
                row.add(engine, _import_answer(worker.python, _IMPORTS[engine]))
    return [row, numpy_row]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"


def _cells(row: Row, engines: list[str], limit: float) -> list[str]:
    own = row.median("retrograph")
    cells = [row.name, _time(own) or row.errors.get("retrograph", "")[:40]]
    for engine in engines:
        peer = row.median(engine)
        ratio = f" ({peer / own:.2f}x)" if peer and own else ""
        cells.append((_time(peer) + ratio) or row.errors.get(engine, "")[:40])
    cells.append(f"{row.flops / own / 1e9 / limit:.0%}" if row.flops and own and limit else "")
    return cells


def _print_table(rows: list[Row], engines: list[str], limit: float) -> None:
    header = ["", "retrograph", *engines, f"of {limit:.0f} GFLOP/s"]
    lines = [header, *(_cells(row, engines, limit) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for peer in ("tf115", "tfv1", "torch"):
        variable = f"RETROGRAPH_{peer.upper()}"
        parser.add_argument(f"--{peer}", default=os.environ.get(variable, ""), help=f"interpreter (or ${variable})")
    parser.add_argument("--repeats", type=int, default=5, help="rounds over the engines")
    parser.add_argument("--steps", type=int, default=3, help="training steps in each round")
    parser.add_argument("--processes", type=int, default=1, help="how often every engine is started anew")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    parser.add_argument("--huge-pages", action="store_true", help="every engine allocates in huge pages")
    parser.add_argument("--no-micro", action="store_true")
    parser.add_argument("--no-files", action="store_true", help="no checkpoints of a gigabyte (in /dev/shm)")
    return parser


def _measure(workers: dict[str, Worker], options: argparse.Namespace) -> list[Row]:
    rows = _measure_models(workers, options)
    if not options.no_micro:
        rows += _measure_micro(workers, options) + _measure_imports(workers, options)
    if not options.no_files:
        rows += _measure_files(workers, options)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Runs what the command line asks for."""
    options = _parser().parse_args(arguments)
    rows: list[Row] = []
    for _ in range(options.processes):
        workers = _workers(options)
        limit = workers["jax"].ask(do="limit").get("gflops", 0.0) if "jax" in workers else 0.0
        measured = _measure(workers, options)
        for worker in workers.values():
            worker.close()
        for row, more in zip(rows, measured, strict=False):
            row.add_all(more)
        rows = rows or measured
    _print_table(rows, [p for p in PEERS if p in workers], limit)
    for row in rows:
        for engine, error in row.errors.items():
            print(f"{row.name}: {engine}: {error}")


if __name__ == "__main__":
    main()
