"""A coverage-guided fuzzer of the parsers of files: `python tests/slow/fuzz.py --minutes 10 --parser graph`.

Inputs that reach new lines, by new ways, are kept and changed further. A finding is an exception that a parser must not
raise (anything but `tf.errors` and plain ValueErrors that say what is wrong), more than a second, or more than the memory
that a small file may cost. Findings are printed, and kept in `--keep DIR`. The exit status is 1 if there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).resolve().parent)]
SOURCE = str(ROOT / "src" / "retrograph")
SECONDS, MEMORY = 1.0, 256 << 20
_INTERESTING = (0, 1, 2, 7, 8, 10, 18, 26, 34, 42, 63, 64, 127, 128, 192, 254, 255)
_LONG = [
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\x07",
    b"\x80\x80\x80\x80\x10",
    b"\x80\x80\x40",
    b"\xff" * 11,
]


def mutated(data: bytes, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> bytes:
    """`data` changed in one to eight places."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4, 8))):
        _CHANGES[rng.randrange(len(_CHANGES))](out, others, words, rng)
    return bytes(out[: 1 << 16])


def _place(out: bytearray, rng: random.Random) -> int:
    return rng.randrange(len(out) + 1)


def _flip(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    if out:
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _byte(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    if out:
        out[rng.randrange(len(out))] = rng.choice((*_INTERESTING, rng.randrange(256)))


def _step(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    if out:
        place = rng.randrange(len(out))
        out[place] = (out[place] + rng.choice((-1, 1, -2, 2, 16, -16))) & 255


def _varint(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    place = _place(out, rng)
    out[place : place + rng.choice((0, 1, 1, 2))] = rng.choice(_LONG)


def _fixed(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    place, size = _place(out, rng), rng.choice((2, 4, 8))
    value = rng.choice((0, 1, len(out), 1 << 31, 1 << 62, (1 << 64) - 1)) & ((1 << 8 * size) - 1)
    out[place : place + size] = value.to_bytes(size, "little")


def _cut(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    place = _place(out, rng)
    del out[place : place + rng.choice((1, 2, 4, rng.randrange(1, 64))) if rng.random() < 0.8 else len(out)]


def _double(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    place, size = _place(out, rng), rng.choice((1, 2, 8, rng.randrange(1, 200)))
    out[place:place] = out[place : place + size] * rng.choice((1, 1, 3, 40))


def _splice(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    other = rng.choice(others)
    start, place = rng.randrange(len(other) + 1), _place(out, rng)
    piece = other[start : start + rng.choice((4, 16, 64, 1024))]
    out[place : place + rng.choice((0, len(piece)))] = piece


def _word(out: bytearray, others: list[bytes], words: tuple[bytes, ...], rng: random.Random) -> None:
    place, word = _place(out, rng), rng.choice(words or (b"\0",))
    out[place : place + rng.choice((0, 0, len(word)))] = word


_CHANGES = (_flip, _byte, _byte, _step, _varint, _fixed, _cut, _double, _splice, _word)


def is_refusal(error: BaseException) -> bool:
    """Whether an exception is one that a parser may answer a damaged file with."""
    from retrograph.framework.errors import OpError

    if isinstance(error, OpError):
        return True
    if isinstance(error, KeyError):
        # What TF raises for a collection or a signature with a name that the graph lacks.
        return str(error.args[0] if error.args else "").startswith("The name ")
    if isinstance(error, RuntimeError) and not isinstance(error, (NotImplementedError, RecursionError)):
        # What TF raises for a SavedModel whose graphs have other tags.
        return str(error).startswith("MetaGraphDef associated with tags ")
    if isinstance(error, TypeError):
        # What TF raises for a collection of variables with a tensor that is none, and for a saver's name that the graph lacks.
        return str(error).startswith(
            ("Variable to save is not a Variable: ", "Cannot interpret feed_dict key as Tensor: ")
        )
    return isinstance(error, (ValueError, NotImplementedError, OSError)) and not isinstance(error, UnicodeError)


class Coverage:
    """The ways from line to line of our own files that inputs have gone."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, int, int]] = set()
        self._ours: dict[Any, int] = {}

    def _number(self, code: Any) -> int:
        ours = code.co_filename.startswith(SOURCE)
        self._ours[code] = number = len(self._ours) + 1 if ours else 0
        return number

    def _trace(self, frame: Any, event: str, argument: Any) -> Any:
        number = self._ours.get(frame.f_code)
        if number is None:
            number = self._number(frame.f_code)
        if not number:
            return None
        add, last = self.seen.add, 0

        def line(frame: Any, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                here = frame.f_lineno
                add((number, last, here))
                last = here
            return line

        return line

    def run(self, function: Callable[[bytes], Any], data: bytes) -> BaseException | None:
        """What the call raises, or None."""
        sys.settrace(self._trace)
        try:
            function(data)
        except Exception as error:
            return error
        finally:
            sys.settrace(None)
        return None


class Fuzzer:
    """Runs a parser on inputs; `findings` are texts by kind of failure."""

    def __init__(self, parser: Any, seed: int, keep: str):
        self.parser, self.keep, self.rng = parser, keep, random.Random(seed)
        self.coverage, self.corpus = Coverage(), []  # type: ignore[var-annotated]
        self.findings: dict[str, str] = {}
        self.runs = 0
        for data in parser.seeds():
            self.run(data)
            self.corpus.append(data)
        limit = _address_space() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def run(self, data: bytes) -> bool:
        """Whether an input goes a new way."""
        self.runs += 1
        before, start = len(self.coverage.seen), time.perf_counter()
        error = self.coverage.run(self.parser.parse, data)
        if time.perf_counter() - start > SECONDS:
            error = self._timed(data) or error
        if error is not None and not is_refusal(error):
            self._found(error, data)
        return len(self.coverage.seen) > before

    def _timed(self, data: bytes) -> BaseException | None:
        """A finding if the input takes long also where nobody watches."""
        start = time.process_time()
        with contextlib.suppress(Exception):
            self.parser.parse(data)
        seconds = time.process_time() - start
        return TimeoutError(f"{seconds:.1f} s") if seconds > SECONDS else None

    def _found(self, error: BaseException, data: bytes) -> None:
        stack = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(SOURCE)]
        where = f"{stack[-1].filename}:{stack[-1].lineno}" if stack else ""
        key = f"{type(error).__name__} {where}"
        if key in self.findings:
            return
        self.findings[key] = f"{key}: {str(error)[:200]}"
        print(f"FOUND {self.parser.name}: {self.findings[key]}\n  input: {data[:300]!r}", flush=True)
        if self.keep:
            os.makedirs(self.keep, exist_ok=True)
            Path(self.keep, f"{self.parser.name}-{len(self.findings)}").write_bytes(data)

    def step(self) -> None:
        """Makes one input of one that is kept, mostly of the newer ones, and runs it."""
        count, rng = len(self.corpus), self.rng
        index = rng.randrange(count) if rng.random() < 0.5 else count - 1 - int(rng.random() ** 2 * min(count, 50))
        data = mutated(self.corpus[index], self.corpus, self.parser.words, rng)
        data = self.parser.repaired(data) if rng.random() < 0.8 else data
        if self.run(data):
            self.corpus.append(data)


def _address_space() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def fuzz(parser: Any, seconds: float, runs: int, seed: int, keep: str) -> Fuzzer:
    """Runs a parser for so long, and on so many inputs."""
    logging.disable(logging.CRITICAL)
    try:
        fuzzer = Fuzzer(parser, seed, keep)
        stop = time.monotonic() + seconds
        while fuzzer.runs < runs or time.monotonic() < stop:
            fuzzer.step()
    finally:
        logging.disable(logging.NOTSET)
    return fuzzer


def main() -> int:
    """The command."""
    from parsers import PARSERS

    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--parser", choices=[*PARSERS, "all"], default="all")
    made.add_argument("--minutes", type=float, default=10.0)
    made.add_argument(
        "--sample", action="store_true", help="so few inputs that it takes seconds, the same ones each time"
    )
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--keep", default="", help="a directory for inputs that fail")
    options = made.parse_args()
    bad = 0
    for name in PARSERS if options.parser == "all" else [options.parser]:
        parser = PARSERS[name]
        length = (0.0, parser.sample) if options.sample else (options.minutes * 60, 0)
        done = fuzz(parser, *length, options.seed, options.keep)
        print(
            f"{name}: {done.runs} inputs, {len(done.corpus)} kept, {len(done.coverage.seen)} ways, "
            f"{len(done.findings)} findings",
            flush=True,
        )
        bad += len(done.findings)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
