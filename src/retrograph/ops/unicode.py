"""Characters of texts: decoding, encoding and splitting in Unicode; n-grams of tokens; texts joined by segment."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, unchanged, with_rank
from retrograph.ops import array, joining
from retrograph.ops.ragged_tensor import RaggedTensor
from retrograph.ops.raw import raw
from retrograph.ops.rows import refuse
from retrograph.ops.sparse_rows import host_row

Array = Any
_OUTPUTS = {b"UTF-8": "utf-8", b"UTF-16-BE": "utf-16-be", b"UTF-32-BE": "utf-32-be"}
_LAST = 0x10FFFF

# ---- on the host


class _Reader:
    """Decodes texts of one encoding as an operation's attributes say."""

    def __init__(self, op: Any):
        self.op = op
        name: bytes = op.attrs["input_encoding"]
        try:
            self.encoding = codecs.lookup(name.decode()).name
        except LookupError:
            refuse(op, f"Could not create converter for input encoding: {name.decode()}")
        self.errors: bytes = op.attrs["errors"]
        self.replacement = _replacement(op)
        self.no_control = bool(op.attrs["replace_control_characters"])

    def characters(self, text: bytes) -> list[tuple[int, int]]:
        """(code point, where its bytes begin) of each character."""
        found: list[tuple[int, int]] = []
        place = 0
        while place < len(text):
            try:
                self._add(found, text[place:].decode(self.encoding), place)
                break
            except UnicodeDecodeError as error:
                self._add(found, text[place : place + error.start].decode(self.encoding), place)
                self._wrong(found, place + error.start)
                place += max(error.end, error.start + 1)
        return found

    def _add(self, found: list[tuple[int, int]], characters: str, place: int) -> None:
        for character in characters:
            code = ord(character)
            if self.no_control and code < 0x20:
                self._wrong(found, place)
            else:
                found.append((code, place))
            place += len(character.encode(self.encoding))

    def _wrong(self, found: list[tuple[int, int]], place: int) -> None:
        if self.errors == b"strict":
            refuse(self.op, "Invalid formatting on input string")
        if self.errors == b"replace":
            found.append((self.replacement, place))


def _replacement(op: Any) -> int:
    code = int(op.attrs["replacement_char"])
    if not 0 <= code <= _LAST:
        refuse(op, "replacement_char out of unicode codepoint range")
    return code


def _written(op: Any, codes: Sequence[int]) -> bytes:
    """The text of code points in the encoding of the output."""
    name, replacement = op.attrs["output_encoding"], _replacement(op)
    if name not in _OUTPUTS:
        refuse(op, f"Output encoding must be one of {{UTF-8, UTF-16-BE, UTF-32-BE}}, got {name.decode()}")
    errors, kept = op.attrs["errors"], []
    for code in codes:
        if 0 <= code <= _LAST:
            kept.append(0xFFFD if 0xD800 <= code <= 0xDFFF else code)
        elif errors == b"strict":
            refuse(op, "Code point value out of valid Unicode range.")
        elif errors == b"replace":
            kept.append(replacement)
    text = "".join(map(chr, kept))
    if name == b"UTF-8":  # which cannot tell halves of pairs
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()
    return text.encode(_OUTPUTS[name], "surrogatepass")


def _objects(values: Sequence[Any], shape: Any = None) -> Array:
    made = np.empty(len(values), object)
    made[:] = values
    return made if shape is None else made.reshape(shape)


def _decoded(op: Any, texts: Array) -> Any:
    reader = _Reader(op)
    rows = [reader.characters(t) for t in np.asarray(texts, object).reshape(-1).tolist()]
    splits = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(op.attrs["Tsplits"].as_numpy_dtype)
    codes = np.array([c for row in rows for c, _ in row], np.int32)
    if op.type == "UnicodeDecode":
        return splits, codes
    return splits, codes, np.array([p for row in rows for _, p in row], np.int64)


def _encoded(op: Any, codes: Array, splits: Array) -> Array:
    ends, values = splits.tolist(), codes.tolist()
    return _objects([_written(op, values[a:b]) for a, b in itertools.pairwise(ends)])


def _transcoded(op: Any, texts: Array) -> Array:
    reader = _Reader(op)
    flat = np.asarray(texts, object).reshape(-1).tolist()
    return _objects([_written(op, [c for c, _ in reader.characters(t)]) for t in flat], np.shape(texts))


def _count(c: ShapeContext) -> int | None:
    shape = c.input(0)
    return None if shape is None or None in shape else int(np.prod(shape, dtype=np.int64))  # type: ignore[arg-type]


def _decoded_shape(c: ShapeContext) -> list[Shape]:
    count = _count(c)
    return [(None if count is None else count + 1,), (None,)]


def _encoded_shape(c: ShapeContext) -> list[Shape]:
    rows = with_rank(c, c.input(1), 1)[0]
    return [(None if rows is None else rows - 1,)]


host_row("UnicodeDecode", _decoded_shape, _decoded)
host_row("UnicodeDecodeWithOffsets", lambda c: [*_decoded_shape(c), (None,)], _decoded)
host_row("UnicodeEncode", _encoded_shape, _encoded)
host_row("UnicodeTranscode", unchanged, _transcoded)

# ---- characters


def _as_tensor(value: Any, name: str | None, dtype: Any = None) -> Any:
    return value if isinstance(value, RaggedTensor) else convert_to_tensor(value, dtype=dtype, name=name)


@export("strings.unicode_encode")
def unicode_encode(
    input: Any, output_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None
) -> Any:
    """The texts of code points, the last axis: `i32[..., n]` to `string[...]`.

    Source: TF 1.15 tf.strings.unicode_encode
    """
    with name_scope(name, "UnicodeEncode", [input] if isinstance(input, Tensor) else None):
        codes = _as_tensor(input, None)
        rank = codes.shape.ndims
        if rank is None:
            raise ValueError("Rank of input_tensor must be statically known.")
        if rank == 0:
            raise ValueError("input_tensor's rank must be at least 1.")
        attrs = {"output_encoding": output_encoding, "errors": errors, "replacement_char": replacement_char}
        return _encode_ragged(codes, attrs) if isinstance(codes, RaggedTensor) else _encode_dense(codes, rank, attrs)


def _encode_ragged(codes: RaggedTensor, attrs: dict[str, Any]) -> Any:
    if codes.flat_values.get_shape().ndims > 1:
        return codes.with_flat_values(unicode_encode(codes.flat_values, **attrs))
    if codes.ragged_rank > 1:
        return codes.with_values(unicode_encode(codes.values, **attrs))
    return raw("UnicodeEncode", codes.values, codes.row_splits, **attrs)


def _encode_dense(codes: Any, rank: int, attrs: dict[str, Any]) -> Any:
    if rank == 2:
        return unicode_encode(RaggedTensor.from_tensor(codes), **attrs)
    sizes: Any = array.shape(codes)
    if rank > 2:
        flat = array.reshape(codes, joining.stack([-1, sizes[-1]]))
        return array.reshape(unicode_encode(flat, **attrs), codes.get_shape()[:-1])
    splits = joining.stack([0, sizes[0]])
    return array.reshape(unicode_encode(RaggedTensor.from_row_splits(codes, splits, validate=False), **attrs), [])


def _decode(input: Any, op_type: str, attrs: dict[str, Any]) -> list[Any]:
    """What the operation gives of all texts (code points, offsets), in their shape."""
    texts = _as_tensor(input, "input")
    rank = texts.shape.ndims
    if rank is None:
        raise ValueError("Rank of `input` must be statically known.")
    if rank > 1 and not isinstance(texts, RaggedTensor):
        texts = RaggedTensor.from_tensor(texts, ragged_rank=rank - 1)
    flat = texts.flat_values if isinstance(texts, RaggedTensor) else texts
    found: list[Any] = list(raw(op_type, array.reshape(flat, [-1]), **attrs))
    splits, parts = found[0], found[1:]
    if rank == 0:
        return parts
    rows = [RaggedTensor.from_row_splits(p, splits, validate=False) for p in parts]
    return [texts.with_flat_values(r) for r in rows] if rank > 1 else rows


def _attrs(input_encoding: str, errors: str, replacement_char: int, control: bool = False) -> dict[str, Any]:
    return {
        "input_encoding": input_encoding,
        "errors": errors,
        "replacement_char": replacement_char,
        "replace_control_characters": control,
    }


@export("strings.unicode_decode")
def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """The code points of texts: `string[...]` to `i32[..., (n)]`. Source: TF 1.15 tf.strings.unicode_decode"""
    attrs = _attrs(input_encoding, errors, replacement_char, replace_control_characters)
    with name_scope(name, "UnicodeDecode", [input] if isinstance(input, Tensor) else None):
        return _decode(input, "UnicodeDecode", attrs)[0]


@export("strings.unicode_decode_with_offsets")
def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """(code points, where the bytes of each begin). Source: TF 1.15 tf.strings.unicode_decode_with_offsets"""
    attrs = _attrs(input_encoding, errors, replacement_char, replace_control_characters)
    with name_scope(name, "UnicodeDecodeWithOffsets", [input] if isinstance(input, Tensor) else None):
        codes, offsets = _decode(input, "UnicodeDecodeWithOffsets", attrs)
        return codes, offsets


def _one_each(codes: Any) -> Any:
    """Each code point as a row of its own."""
    if isinstance(codes, RaggedTensor):
        return codes.with_values(_one_each(codes.values))
    return array.expand_dims(codes, -1)


@export("strings.unicode_split")
def unicode_split(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None
) -> Any:
    """The characters of texts, as texts. Source: TF 1.15 tf.strings.unicode_split"""
    attrs = _attrs(input_encoding, errors, replacement_char)
    with name_scope(name, "UnicodeSplit", [input] if isinstance(input, Tensor) else None):
        codes = _decode(input, "UnicodeDecode", attrs)[0]
        return unicode_encode(_one_each(codes), input_encoding, errors, replacement_char)


@export("strings.unicode_split_with_offsets")
def unicode_split_with_offsets(
    input: Any, input_encoding: str, errors: str = "replace", replacement_char: int = 65533, name: str | None = None
) -> Any:
    """(characters, where the bytes of each begin). Source: TF 1.15 tf.strings.unicode_split_with_offsets"""
    attrs = _attrs(input_encoding, errors, replacement_char)
    with name_scope(name, "UnicodeSplitWithOffsets", [input] if isinstance(input, Tensor) else None):
        codes, offsets = _decode(input, "UnicodeDecodeWithOffsets", attrs)
        return unicode_encode(_one_each(codes), input_encoding, errors, replacement_char), offsets


@export("strings.unicode_transcode")
def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Tensor:
    """The texts in another encoding. Source: TF 1.15 tf.strings.unicode_transcode"""
    attrs = _attrs(input_encoding, errors, replacement_char, replace_control_characters)
    return raw("UnicodeTranscode", input, output_encoding=output_encoding, name=name, **attrs)  # type: ignore[no-any-return]


# ---- n-grams


def _grams(tokens: list[bytes], width: int, op: Any) -> list[bytes]:
    given = int(op.attrs["pad_width"])
    pad = width - 1 if given < 0 else min(given, width - 1)
    padded = [op.attrs["left_pad"]] * pad + tokens + [op.attrs["right_pad"]] * pad
    separator: bytes = op.attrs["separator"]
    return [separator.join(padded[i : i + width]) for i in range(len(padded) - width + 1)]


def _ngrams(op: Any, data: Array, splits: Array) -> Any:
    rows: list[list[bytes]] = []
    ends, tokens = splits.tolist(), data.tolist()
    for start, end in itertools.pairwise(ends):
        row = tokens[start:end]
        grams = [g for width in op.attrs["ngram_widths"] for g in _grams(row, int(width), op)]
        if not grams and row and op.attrs["preserve_short_sequences"]:
            pad = max(int(op.attrs["pad_width"]), 0)
            padded = [op.attrs["left_pad"]] * pad + row + [op.attrs["right_pad"]] * pad
            grams = [op.attrs["separator"].join(padded)]
        rows.append(grams)
    found = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(splits.dtype)
    return _objects([g for row in rows for g in row]), found


host_row("StringNGrams", lambda c: [(None,), c.input(1)], _ngrams)


def _pads(pad_values: Any) -> tuple[Any, Any]:
    if pad_values is None:
        return "", ""
    left, right = pad_values if isinstance(pad_values, (list, tuple)) else (pad_values, pad_values)
    if not isinstance(left, (str, bytes)) or not isinstance(right, (str, bytes)):
        raise TypeError("pad_values must be a string, tuple of strings, or None.")
    return left, right


@export("strings.ngrams")
def ngrams(
    data: Any,
    ngram_width: Any,
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Tokens that follow each other, joined: of the last axis of `data`. Source: TF 1.15 tf.strings.ngrams"""
    with name_scope(name, "StringNGrams", [data] if isinstance(data, Tensor) else None):
        left, right = _pads(pad_values)
        if padding_width is not None and padding_width < 1:
            raise ValueError("padding_width must be greater than 0.")
        if padding_width is not None and pad_values is None:
            raise ValueError("pad_values must be provided if padding_width is set.")
        widths = list(ngram_width) if isinstance(ngram_width, (list, tuple)) else [ngram_width]
        if any(w < 1 for w in widths):
            raise ValueError(f"All ngram_widths must be greater than 0. Got {ngram_width}")
        attrs = {
            "separator": separator,
            "ngram_widths": widths,
            "left_pad": left,
            "right_pad": right,
            "pad_width": 0 if pad_values is None else -1 if padding_width is None else padding_width,
            "preserve_short_sequences": preserve_short_sequences,
        }
        return _ngrams_of(_as_tensor(data, "data", dtypes.string), attrs)


def _ngrams_of(data: Any, attrs: dict[str, Any]) -> Any:
    if isinstance(data, RaggedTensor):
        if data.ragged_rank > 1:
            return data.with_values(_ngrams_of(data.values, attrs))
        grams, splits = raw("StringNGrams", data.flat_values, data.row_splits, **attrs)
        return RaggedTensor.from_row_splits(grams, splits, validate=False)
    rank = data.get_shape().ndims
    if rank is None:
        raise ValueError("Rank of data must be known.")
    if rank == 0:
        raise ValueError("Data must have rank>0")
    if rank == 1:
        return _ngrams_of(RaggedTensor.from_row_starts(data, [0], validate=False), attrs)[0]
    sizes: Any = array.shape(data)
    shape = joining.concat([sizes[:-1], [-1]], axis=0)
    found = _ngrams_of(RaggedTensor.from_tensor(data, ragged_rank=rank - 1), attrs)
    return array.reshape(found.flat_values, shape)


# ---- joining by segment


def _joined(op: Any, texts: Array, segments: Array, count: Array) -> Array:
    number, ids = int(count), np.asarray(segments)
    if texts.shape[: ids.ndim] != ids.shape:
        shown = [str(list(s)).replace(" ", "") for s in (texts.shape, ids.shape)]
        refuse(op, f"Shape of segment_ids {shown[1]} is not a prefix of the shape of inputs {shown[0]}")
    flat_ids = ids.reshape(-1)
    if len(flat_ids) and (flat_ids.max() >= number or flat_ids.min() < 0):
        refuse(op, "segment_ids are not allowed to exceed num_segments or to have negative values.")
    rows = texts.reshape(len(flat_ids), -1) if ids.ndim else texts.reshape(1, -1)
    parts: list[list[list[bytes]]] = [[[] for _ in range(rows.shape[1])] for _ in range(number)]
    for segment, row in zip(flat_ids.tolist(), rows.tolist(), strict=True):
        for place, text in enumerate(row):
            parts[segment][place].append(text)
    separator: bytes = op.attrs["separator"]
    made = [separator.join(place) for segment in parts for place in segment]
    return _objects(made, (number, *texts.shape[ids.ndim :]))


def _joined_shape(c: ShapeContext) -> list[Shape]:
    texts, ids, count = c.input(0), c.input(1), c.constant(2)
    if texts is None or ids is None:
        return [None]
    return [(None if count is None else int(count), *texts[len(ids) :])]


host_row("UnsortedSegmentJoin", _joined_shape, _joined)


@export("strings.unsorted_segment_join")
def unsorted_segment_join(
    inputs: Any, segment_ids: Any, num_segments: Any, separator: str = "", name: str | None = None
) -> Tensor:
    """The texts of each segment joined. Source: TF 1.15 tf.strings.unsorted_segment_join"""
    return raw("UnsortedSegmentJoin", inputs, segment_ids, num_segments, separator=separator, name=name)  # type: ignore[no-any-return]
