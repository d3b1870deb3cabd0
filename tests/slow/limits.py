"""Files that claim to be huge, nested without end or in circles: `python tests/slow/limits.py [--seconds 1] [--megabytes 100]`.

Each must be refused (or read) within so much time of the processor and so much memory. The exit status is 1 if one is not.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(Path(__file__).resolve().parent)]

from fuzz import is_refusal  # noqa: E402
from parsers import PARSERS  # noqa: E402

HUGE = (1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
Case = tuple[str, Callable[[], Any]]


def _varint(value: int) -> bytes:
    from retrograph.framework.wire import varint

    return varint(value)


def _message(number: int, data: bytes) -> bytes:
    from retrograph.framework.wire import message

    return message(number, data)


def _dims(*sizes: int) -> bytes:
    return _message(2, b"".join(_message(2, b"\x08" + _varint(n)) for n in sizes))


def tables(directory: Path) -> Iterator[Case]:
    """Tables: handles, blocks, restarts and keys that lie."""
    from retrograph.checkpoint.table import read_table, write_table

    repair, good = PARSERS["table"].repaired, write_table([(b"k%03d" % i, b"v") for i in range(500)])
    for size in HUGE:
        for handles in ((0, size), (size, 1), (size, size)):
            footer = (b"\0\0" + b"".join(map(_varint, handles))).ljust(40, b"\0")[:40] + good[-8:]
            yield f"table, handle {handles}", lambda f=footer: read_table("t", good[:-48] + f)
    block = bytes([0, 1, 2]) + b"a" + bytes([0, 15]) + bytes(4) + b"\1\0\0\0"
    own = repair(block + bytes(5) + bytes([0, 0, 0, len(block)]).ljust(40, b"\0") + good[-8:])
    yield "table, an index that is its own block", lambda: read_table("t", own)
    many = [(b"x" * 3000 + b"%07d" % i, b"") for i in range(40_000)]
    keys = write_table(many)
    yield f"table, {len(keys)} bytes that share long keys", lambda: read_table("t", keys)
    packed = repair(_packed(_varint(1 << 40) + b"\x04ab" + b"\xfe\x02\x00" * 50))
    yield "table, a block that claims a terabyte", lambda: read_table("t", packed)
    bomb = repair(_packed(_varint(2 + 64 * 60_000) + b"\x04ab" + b"\xfe\x02\x00" * 60_000))
    yield f"table, a bomb of {len(bomb)} bytes", lambda: read_table("t", bomb)


def _packed(block: bytes) -> bytes:
    index = b"\0\1" + bytes([len(_varint(0) + _varint(len(block)))]) + b"a" + b"\0" + _varint(len(block))
    index += bytes(4) + b"\1\0\0\0"
    out = block + b"\1" + bytes(4) + index + bytes(5)
    handles = b"\0\0" + _varint(len(block) + 5) + _varint(len(index))
    return out + handles.ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


def bundles(directory: Path) -> Iterator[Case]:
    """Checkpoints: tensors of terabytes, slices without number."""
    from retrograph.checkpoint.entry import Entry, slice_key
    from retrograph.checkpoint.management import NewCheckpointReader
    from retrograph.checkpoint.table import write_table

    prefix = str(directory / "m")
    Path(f"{prefix}.data-00000-of-00001").write_bytes(bytes(1 << 20))
    header = (b"", b"\x08\x01")

    def reading(rows: dict[bytes, bytes]) -> Callable[[], Any]:
        index = write_table([header, *sorted(rows.items())])

        def read() -> None:
            Path(f"{prefix}.index").write_bytes(index)
            NewCheckpointReader(prefix).get_variable_to_shape_map()
            NewCheckpointReader(prefix).get_tensor("a")

        return read

    for dtype in (1, 7):
        for dims in ((1 << 40,), (1 << 31, 1 << 31), ((1 << 63) - 1,) * 3, ((1 << 64) - 1,), (1,) * 255, (0, 1 << 62)):
            for size in (4, *HUGE):
                entry = b"\x08" + _varint(dtype) + _dims(*dims) + b"\x28" + _varint(size)
                yield f"bundle, type {dtype}, {dims[:3]}, {size} bytes", reading({b"a": entry})
    whole = ((0, 1 << 18),)
    parts = [((i % 7, (1 << 18) - 7),) for i in range(5000)]
    rows = {slice_key(b"a", p): Entry(1, (p[0][1],), size=4 * p[0][1]).serialize() for p in parts}
    rows[b"a"] = Entry(1, (whole[0][1],), slices=parts).serialize()
    yield "bundle, 5,000 slices that overlap", reading(rows)
    rows = {b"a": Entry(1, (1 << 40,), slices=[((0, 1 << 40),)]).serialize()}
    yield "bundle, one slice of terabytes", reading(rows)


def graphs(directory: Path) -> Iterator[Case]:
    """Graphs: nesting, huge constants, values worked out while importing."""
    import retrograph as tf
    from retrograph.framework.message_text import merge_text

    parse = PARSERS["graph"].parse
    for depth in (50, 200, 20_000):
        data = b""
        for _ in range(depth):
            # AttrValue.func (NameAttrList).attr["f"]
            data = _message(10, _message(2, _message(1, b"f") + _message(2, data))) if len(data) < 1 << 20 else data
        node = _message(1, b"a") + _message(2, b"NoOp") + _message(5, _message(1, b"f") + _message(2, data))
        yield f"graph, attributes nested {depth} times", lambda d=_message(1, node): parse(d)
        text = (
            "node { name: 'a' op: 'NoOp' attr { key: 'f' value " + "{ func { name: 'g' attr { key: 'f' value " * depth
        )
        yield f"pbtxt, nested {depth} times", lambda t=text: merge_text(t, tf.GraphDef())
    for size in (1 << 24, 1 << 28, 1 << 31, 1 << 62, (1 << 63) - 1):
        for values in ("float_val: 1", "float_val: 1 float_val: 2", "", "tensor_content: '1234'"):
            text = _CONST % (size, values)
            yield (
                f"graph, a constant of {size}: {values}",
                lambda t=text: tf.import_graph_def(merge_text(t, tf.GraphDef())),
            )
    for name, nodes in _COMPUTED.items():
        yield f"graph, {name}", lambda n=nodes: _imported(n)


_CONST = """node { name: 'a' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } attr { key: 'value' value { tensor {
    dtype: DT_FLOAT tensor_shape { dim { size: %d } } %s } } } }"""
_INT = """node {{ name: '{0}' op: 'Const' attr {{ key: 'dtype' value {{ type: DT_INT64 }} }} attr {{ key: 'value' value {{ tensor {{
    dtype: DT_INT64 tensor_shape {{ {2} }} int64_val: {1} }} }} }} }}"""
_TAKES = """node { name: 'x' op: 'Placeholder' attr { key: 'dtype' value { type: DT_FLOAT } } }
    node { name: 'r' op: 'Reshape' input: 'x' input: 's' attr { key: 'T' value { type: DT_FLOAT } }
    attr { key: 'Tshape' value { type: DT_INT64 } } }"""
_COMPUTED = {
    "a range of terabytes as a shape": _INT.format("b", 0, "") + _INT.format("c", 1 << 40, "") + _INT.format("d", 1, "")
    + "node { name: 's' op: 'Range' input: 'b' input: 'c' input: 'd' attr { key: 'Tidx' value { type: DT_INT64 } } }" + _TAKES,
    "a fill of terabytes as a shape": _INT.format("b", 1 << 40, "dim { size: 1 }") + _INT.format("c", 1, "")
    + """node { name: 's' op: 'Fill' input: 'b' input: 'c' attr { key: 'T' value { type: DT_INT64 } }
    attr { key: 'index_type' value { type: DT_INT64 } } }""" + _TAKES,
    "a tile of terabytes as a shape": _INT.format("b", 1 << 40, "dim { size: 1 }") + _INT.format("c", 1, "dim { size: 1 }")
    + """node { name: 's' op: 'Tile' input: 'c' input: 'b' attr { key: 'T' value { type: DT_INT64 } }
    attr { key: 'Tmultiples' value { type: DT_INT64 } } }""" + _TAKES,
}  # fmt: skip


def _imported(text: str) -> None:
    import retrograph as tf
    from retrograph.framework.message_text import merge_text

    with tf.Graph().as_default():
        tf.import_graph_def(merge_text(text, tf.GraphDef()), name="")


def records(directory: Path) -> Iterator[Case]:
    """Files of records whose lengths lie."""
    for size in HUGE:
        data = size.to_bytes(8, "little") + bytes(100)
        repaired = PARSERS["records"].repaired(data)
        yield f"records, a length of {size}", lambda d=repaired: PARSERS["records"].parse(d)
        yield f"events, a length of {size}", lambda d=repaired: PARSERS["events"].parse(d)


def examples(directory: Path) -> Iterator[Case]:
    """Examples whose lengths lie."""
    for size in HUGE:
        data = b"\x0a" + _varint(size) + b"\x0a\x05\x0a\x01i\x12\x00"
        yield f"example, a length of {size}", lambda d=data: PARSERS["example"].parse(d)


def main() -> int:
    """The command."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--seconds", type=float, default=1.0)
    made.add_argument("--megabytes", type=float, default=100.0)
    options = made.parse_args()
    logging.disable(logging.CRITICAL)
    # What is imported and made once is no part of any case.
    for name in ("graph", "example", "events"):
        with contextlib.suppress(Exception):
            PARSERS[name].parse(PARSERS[name].seeds()[0])
    count, bad, slowest, largest = 0, 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as directory:
        for family in (tables, bundles, graphs, records, examples):
            for name, action in family(Path(directory)):
                problem, seconds, megabytes = _measured(action)
                if not problem and (seconds > options.seconds or megabytes > options.megabytes):
                    problem = f"{seconds:.2f} s, {megabytes:.0f} MB"
                if problem:
                    print(f"{name}: {problem}", flush=True)
                count, bad = count + 1, bad + bool(problem)
                slowest, largest = max(slowest, seconds), max(largest, megabytes)
    print(f"{count} files, {bad} problems; at most {slowest:.2f} s of the processor and {largest:.0f} MB")
    return 1 if bad else 0


def _measured(action: Callable[[], Any]) -> tuple[str, float, float]:
    tracemalloc.start()
    start, problem = time.process_time(), ""
    try:
        action()
    except BaseException as error:
        if not is_refusal(error):
            problem = f"{type(error).__name__}: {str(error)[:200]}"
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return problem, seconds, peak / 1e6


if __name__ == "__main__":
    sys.exit(main())
