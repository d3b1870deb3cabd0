"""String operations; all of them run on the host."""

from __future__ import annotations

import base64
import builtins
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograph.framework import dtypes, errors
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.default_graph import name_scope
from retrograph.framework.dispatch import take_ragged
from retrograph.framework.exports import export
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.operation import Operation, Tensor
from retrograph.framework.shape import Shape
from retrograph.framework.shape_rules import ShapeContext, broadcast, merge, scalar, unchanged, with_rank
from retrograph.framework.structures import SparseTensor
from retrograph.ops import re2_patterns
from retrograph.ops.array import lookup_renamed
from retrograph.ops.control_flow import is_tensor_like
from retrograph.ops.fingerprint import fingerprint64, hash64, strong_hash
from retrograph.ops.summarize import summarize_ends

_Bytes = Callable[[bytes], Any]


def _each(function: Callable[..., Any], *arrays: Any, dtype: Any = object) -> np.ndarray[Any, Any]:
    """`function` of the elements (broadcast), in an array of their shape."""
    broadcasted = np.broadcast_arrays(*(np.asarray(a) for a in arrays)) if len(arrays) > 1 else [np.asarray(arrays[0])]
    results = [function(*items) for items in zip(*(a.reshape(-1) for a in broadcasted), strict=True)]
    made = np.empty(len(results), dtype)
    made[:] = results
    return made.reshape(broadcasted[0].shape)


def _row(op_type: str, numpy: Callable[..., Any], shape: Any = unchanged) -> None:
    register_op(op_type, shape=shape, numpy=numpy, host=True, gradient=NO_GRADIENT)


def _elementwise(op_type: str, function: Callable[[Operation, bytes], Any], dtype: Any = object) -> None:
    _row(op_type, lambda op, x: _each(lambda s: function(op, s), x, dtype=dtype))


def _refuse(op: Operation, text: str) -> errors.OpError:
    return errors.InvalidArgumentError(None, op, text)  # type: ignore[no-any-return]


# ---- text of values, values of texts


def _check_format(op: Operation) -> None:
    a = op.attrs
    name = a["T"].name
    fractional = a["T"].is_floating or a["T"].is_complex
    if a["scientific"] and a["shortest"]:
        raise _refuse(op, "Cannot select both scientific and shortest notation")
    if not fractional and (a["scientific"] or a["shortest"]):
        raise _refuse(op, f"scientific and shortest format not supported for datatype {name}")
    if not fractional and a["precision"] >= 0:
        raise _refuse(op, f"precision not supported for datatype {name}")
    if len(a["fill"]) > 1:
        raise _refuse(op, "Fill string must be one or fewer characters")


def _format_of(op: Operation) -> str:
    _check_format(op)
    a = op.attrs
    dtype = a["T"]
    fill, width, precision = a["fill"].decode(), a["width"], a["precision"]
    spec = f"%{fill}{width if width > -1 else ''}"
    if not (dtype.is_floating or dtype.is_complex):
        return spec + "d"
    spec += f".{precision}" if precision > -1 else ""
    return spec + ("g" if a["shortest"] else "e" if a["scientific"] else "f")


def _as_text(op: Operation, values: Any) -> np.ndarray[Any, Any]:
    dtype = op.attrs["T"]
    if dtype.name == "bool":
        return _each(lambda x: b"true" if x else b"false", values)
    spec = _format_of(op)
    if dtype.is_complex:
        return _each(lambda x: f"({spec % x.real},{spec % x.imag})".encode(), values)
    number = float if dtype.is_floating else int
    return _each(lambda x: (spec % number(x)).encode(), values)


_row("AsString", _as_text)


@export("as_string", "strings.as_string", "dtypes.as_string")
def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers and bools as text, by C's `printf` rules.

    Source: TF 1.15 tf.as_string
    """
    attrs = {"precision": precision, "scientific": scientific, "shortest": shortest, "width": width, "fill": fill}
    return apply_op("AsString", name, input=input, **attrs)  # type: ignore[no-any-return]


def _real(text: bytes) -> float:
    return float.fromhex(text.decode()) if b"x" in text.lower() else float(text)


def _number(op: Operation, text: bytes) -> Any:
    kind = op.attrs["out_type"]
    try:
        value: Any = _real(text.strip()) if kind.is_floating else int(text)
        if b"_" in text or (not kind.is_floating and not kind.min <= value <= kind.max):
            raise ValueError
    except ValueError:
        shown = text.decode("utf-8", "replace")
        raise _refuse(op, f"StringToNumberOp could not correctly convert string: {shown}") from None
    return value


def _numbers(op: Operation, texts: Any) -> np.ndarray[Any, Any]:
    with np.errstate(over="ignore"):
        return _each(lambda s: _number(op, s), texts, dtype=op.attrs["out_type"].as_numpy_dtype)


_row("StringToNumber", _numbers)


@export("string_to_number", "strings.to_number")
def string_to_number(
    string_tensor: Any = None, out_type: Any = dtypes.float32, name: str | None = None, input: Any = None
) -> Tensor:
    """The numbers that the texts are.

    Raises: InvalidArgumentError when it runs, for a text that is no number.
    Source: TF 1.15 tf.string_to_number
    """
    texts = lookup_renamed("input", input, "string_tensor", string_tensor)
    return apply_op("StringToNumber", name, string_tensor=texts, out_type=out_type)  # type: ignore[no-any-return]


def _raw_shape(c: ShapeContext) -> list[Shape]:
    shape = c.input(0)
    return [None if shape is None else (*shape, None)]


def _decoded_raw(op: Operation, texts: Any) -> np.ndarray[Any, Any]:
    dtype = np.dtype(op.attrs["out_type"].as_numpy_dtype)
    array = np.asarray(texts)
    flat: list[bytes] = list(array.reshape(-1))
    size = len(flat[0]) if flat else 0
    for i, text in enumerate(flat):
        if len(text) != size:
            raise _refuse(
                op,
                f"DecodeRaw requires input strings to all be the same size, but element {i} has size {size} != "
                f"{len(text)}",
            )
    if size % dtype.itemsize:
        raise _refuse(
            op,
            f"Input to DecodeRaw has length {size} that is not a multiple of {dtype.itemsize}, the size of {dtype.name}",
        )
    ordered = dtype.newbyteorder("<" if op.attrs["little_endian"] else ">")
    values = np.frombuffer(b"".join(flat), ordered).astype(dtype)
    return values.reshape(*array.shape, size // dtype.itemsize)


_row("DecodeRaw", _decoded_raw, _raw_shape)


@export("decode_raw", "io.decode_raw")
def decode_raw(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Tensor:
    """The bytes of texts of one length as numbers: `out_type[..., n]`.

    Raises: InvalidArgumentError when it runs, for lengths that differ or do not fit.
    Source: TF 1.15 tf.decode_raw
    """
    texts = lookup_renamed("input_bytes", input_bytes, "bytes", bytes)
    if out_type is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'out_type'")
    return apply_op("DecodeRaw", name, bytes=texts, out_type=out_type, little_endian=little_endian)  # type: ignore[no-any-return]


# ---- joining and splitting


def _join_shape(c: ShapeContext) -> list[Shape]:
    shapes = [c.input(i) for i in range(c.num_inputs)]
    if all(s == () for s in shapes):
        return [()]
    result: Shape = None
    for shape in shapes:
        if shape:
            result = merge(c, result, shape)
    return [result]


def _joined(op: Operation, *texts: Any) -> np.ndarray[Any, Any]:
    shapes = [np.shape(t) for t in texts]
    large = [s for s in shapes if s != ()]
    if any(s != large[0] for s in large):
        other = next(s for s in large if s != large[0])
        shown = ["[" + ",".join(map(str, s)) + "]" for s in (large[0], other)]
        raise _refuse(op, f"Input shapes do not match: {shown[0]} vs. {shown[1]}")
    return _each(lambda *parts: op.attrs["separator"].join(parts), *texts)


_row("StringJoin", _joined, _join_shape)


@export("string_join", "strings.join")
def string_join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> Tensor:
    """The texts joined element by element; scalars join with every element.

    Source: TF 1.15 tf.strings.join
    """
    return apply_op("StringJoin", name, inputs=inputs, separator=separator)  # type: ignore[no-any-return]


def _reduce_join_shape(c: ShapeContext) -> list[Shape]:
    shape, axes = c.input(0), c.constant(1)
    if shape is None or axes is None:
        return [None]
    given = [int(a) for a in np.asarray(axes).reshape(-1)]
    for a in given:
        if not -len(shape) <= a < len(shape):
            c.fail(f"Invalid reduction dimension {a} for input with {len(shape)} dimensions.")
    reduced = {a % builtins.max(len(shape), 1) for a in given}
    if c.attr("keep_dims"):
        return [tuple(1 if i in reduced else d for i, d in enumerate(shape))]
    return [tuple(d for i, d in enumerate(shape) if i not in reduced)]


def _reduce_joined(op: Operation, texts: Any, axes: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(texts, object)
    given = [int(a) for a in np.asarray(axes).reshape(-1)]
    for a in given:
        if not -array.ndim <= a < array.ndim:
            raise _refuse(op, f"Invalid reduction dimension {a} for input with {array.ndim} dimension(s)")
    order = [a % array.ndim for a in given]
    if len(set(order)) != len(order):
        raise _refuse(op, f"Duplicate reduction dimension {next(a for a in order if order.count(a) > 1)}")
    kept = [i for i in range(array.ndim) if i not in order]
    # The axis named first varies fastest.
    length = int(np.prod([array.shape[i] for i in order], dtype=np.int64))
    rows = array.transpose([*kept, *reversed(order)]).reshape(*(array.shape[i] for i in kept), length)
    made = np.empty(rows.shape[:-1], object)
    for index in np.ndindex(made.shape):
        made[index] = op.attrs["separator"].join(rows[index])
    if op.attrs["keep_dims"]:
        return made.reshape([1 if i in order else d for i, d in enumerate(array.shape)])
    return made


_row("ReduceJoin", _reduce_joined, _reduce_join_shape)


@export("reduce_join", "strings.reduce_join")
def reduce_join(
    inputs: Any,
    axis: Any = None,
    keep_dims: bool | None = None,
    separator: str = "",
    name: str | None = None,
    reduction_indices: Any = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The texts joined along axes, all from the last to the first by default.

    Source: TF 1.15 tf.strings.reduce_join
    """
    keepdims = lookup_renamed("keepdims", keepdims, "keep_dims", keep_dims)
    axis = lookup_renamed("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(None, "ReduceJoin", [inputs, axis]):
        texts = convert_to_tensor(inputs)
        if axis is None:
            axis = _all_axes(texts)
        return apply_op(  # type: ignore[no-any-return]
            "ReduceJoin", name, inputs=texts, reduction_indices=axis, keep_dims=bool(keepdims), separator=separator
        )


def _all_axes(texts: Tensor) -> Any:
    ndims = texts.get_shape().ndims
    if ndims is not None:
        return constant(np.arange(ndims - 1, -1, -1), dtype=dtypes.int32)
    from retrograph.ops import array, math

    return math.range(array.rank(texts) - 1, -1, -1)


def _split_shape(c: ShapeContext) -> list[Shape]:
    with_rank(c, c.input(0), 1)
    return [(None, 2), (None,), (2,)]


def _sparse(rows: list[list[bytes]]) -> tuple[Any, Any, Any]:
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.empty(len(places), object)
    values[:] = [part for row in rows for part in row]
    widest = builtins.max((len(row) for row in rows), default=0)
    return np.array(places, np.int64).reshape(-1, 2), values, np.array([len(rows), widest], np.int64)


def _parts(text: bytes, delimiter: bytes, skip_empty: bool) -> list[bytes]:
    if not delimiter:
        parts = [text[i : i + 1] for i in range(len(text))]
    else:
        # Every byte of the delimiter divides.
        parts = re.split(b"[" + re.escape(delimiter) + b"]", text)
    return [p for p in parts if p] if skip_empty else parts


def _split(op: Operation, texts: Any, delimiter: Any) -> Any:
    mark = np.asarray(delimiter, object).item()
    return _sparse([_parts(t, mark, op.attrs["skip_empty"]) for t in np.asarray(texts).reshape(-1)])


def _split_v2(op: Operation, texts: Any, sep: Any) -> Any:
    mark = np.asarray(sep, object).item()
    most = op.attrs["maxsplit"]
    return _sparse([t.split(mark or None, most) for t in np.asarray(texts).reshape(-1)])


_row("StringSplit", _split, _split_shape)
_row("StringSplitV2", _split_v2, _split_shape)


def _as_sparse(made: Any) -> SparseTensor:
    indices, values, shape = made
    indices.set_shape([None, 2])
    values.set_shape([None])
    shape.set_shape([2])
    return SparseTensor(indices, values, shape)


def _as_result(sparse: SparseTensor, result_type: str) -> Any:
    if result_type == "SparseTensor":
        return sparse
    if result_type != "RaggedTensor":
        raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")
    return _as_ragged(sparse)


def _as_ragged(sparse: SparseTensor) -> Any:
    from retrograph.ops.ragged_tensor import RaggedTensor

    rows, count = sparse.indices[:, 0], sparse.dense_shape[0]
    return RaggedTensor.from_value_rowids(sparse.values, rows, count, validate=False)


def _split_parts(source: Any, delimiter: Any, skip_empty: bool) -> SparseTensor:
    mark = convert_to_tensor(" " if delimiter is None else delimiter, dtype=dtypes.string)
    texts = convert_to_tensor(source, dtype=dtypes.string)
    return _as_sparse(apply_op("StringSplit", None, input=texts, delimiter=mark, skip_empty=skip_empty))


@export("string_split")
def string_split(
    source: Any,
    sep: Any = None,
    skip_empty: bool = True,
    delimiter: Any = None,
    result_type: str = "SparseTensor",
    name: str | None = None,
) -> Any:
    """The parts of the texts `string[n]` between delimiters (each byte of `delimiter` is one; '' splits bytes).

    Source: TF 1.15 tf.string_split
    """
    with name_scope(name, "StringSplit", [source]):
        delimiter = lookup_renamed("sep", sep, "delimiter", delimiter)
        return _as_result(_split_parts(source, delimiter, skip_empty), result_type)


def _split_v2_parts(texts: Any, sep: Any, maxsplit: int) -> SparseTensor:
    mark = convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
    texts = convert_to_tensor(texts, dtype=dtypes.string)
    return _as_sparse(apply_op("StringSplitV2", None, input=texts, sep=mark, maxsplit=maxsplit))


def _split_ragged(texts: Any, sep: Any, maxsplit: int) -> Any:
    """The parts as a ragged tensor; those of a scalar as a vector."""
    from retrograph.ops.joining import stack
    from retrograph.ops.ragged_tensor import RaggedTensor

    with name_scope(None, "StringSplit"):
        if isinstance(texts, RaggedTensor):
            return texts.with_flat_values(_split_ragged(texts.flat_values, sep, maxsplit))
        rank = texts.get_shape().ndims
        if rank == 0:
            return _split_ragged(stack([texts]), sep, maxsplit)[0]
        if rank is None or rank == 1:
            return _as_ragged(_split_v2_parts(texts, sep, maxsplit))
        return _split_ragged(RaggedTensor.from_tensor(texts), sep, maxsplit)


@export("strings.split")
def split(
    input: Any = None,
    sep: Any = None,
    maxsplit: int = -1,
    result_type: str = "SparseTensor",
    source: Any = None,
    name: str | None = None,
) -> Any:
    """The parts of texts, by Python's `str.split` rules. Texts of any rank for `result_type="RaggedTensor"`.

    Source: TF 1.15 tf.strings.split
    """
    from retrograph.ops.ragged_tensor import RaggedTensor

    texts = lookup_renamed("input", input, "source", source)
    with name_scope(name, "StringSplit", [texts] if isinstance(texts, Tensor) else None):
        if not isinstance(texts, RaggedTensor):
            texts = convert_to_tensor(texts, dtype=dtypes.string, name="input")
        if result_type == "SparseTensor" and texts.shape.ndims == 1:
            return _split_v2_parts(texts, sep, maxsplit)
        found = _split_ragged(texts, sep, maxsplit)
        if result_type == "SparseTensor":
            return found.to_sparse()
        if result_type != "RaggedTensor":
            raise ValueError("result_type must be 'RaggedTensor' or 'SparseTensor'.")
        return found


@export("strings.bytes_split")
def string_bytes_split(input: Any, name: str | None = None) -> Any:
    """The bytes of texts, as a `RaggedTensor` (those of a scalar as a vector).

    Source: TF 1.15 tf.strings.bytes_split
    """
    from retrograph.ops.joining import stack
    from retrograph.ops.ragged_tensor import RaggedTensor

    with name_scope(name, "StringsByteSplit", [input] if isinstance(input, Tensor) else None):
        if isinstance(input, RaggedTensor):
            return input.with_flat_values(string_bytes_split(input.flat_values))
        texts = convert_to_tensor(input, dtype=dtypes.string, name="input")
        rank = texts.get_shape().ndims
        if rank is None:
            raise ValueError("input must have a statically-known rank.")
        if rank == 0:
            return string_bytes_split(stack([texts]))[0]
        if rank > 1:
            return string_bytes_split(RaggedTensor.from_tensor(texts))
        indices, values, shape = apply_op("StringSplit", None, input=texts, delimiter="", skip_empty=False)
        return RaggedTensor.from_value_rowids(values, indices[:, 0], shape[0], validate=False)


# ---- parts and forms


def _characters(op: Operation, text: bytes) -> Any:
    return text.decode("utf-8", "replace") if op.attrs["unit"] == b"UTF8_CHAR" else text


_elementwise("StringLength", lambda op, s: len(_characters(op, s)), np.int32)
_elementwise(
    "StringLower", lambda op, s: s.decode().lower().encode() if op.attrs["encoding"] == b"utf-8" else s.lower()
)
_elementwise(
    "StringUpper", lambda op, s: s.decode().upper().encode() if op.attrs["encoding"] == b"utf-8" else s.upper()
)
_elementwise("StringStrip", lambda op, s: s.strip())


@export("strings.length")
def string_length(input: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """`int32`: the lengths of the texts, in bytes or (`unit="UTF8_CHAR"`) characters.

    Source: TF 1.15 tf.strings.length
    """
    return apply_op("StringLength", name, input=input, unit=unit)  # type: ignore[no-any-return]


@export("strings.lower")
def lower(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """The texts in small letters; ASCII alone unless `encoding` is "utf-8".

    Source: TF 1.15 tf.strings.lower
    """
    return apply_op("StringLower", name, input=input, encoding=encoding)  # type: ignore[no-any-return]


@export("strings.upper")
def upper(input: Any, encoding: str = "", name: str | None = None) -> Tensor:
    """The texts in capital letters; ASCII alone unless `encoding` is "utf-8".

    >>> tf.strings.upper(["ab"])
    <tf.Tensor 'StringUpper:0' shape=(1,) dtype=string>

    Source: TF 1.15 tf.strings.upper
    """
    return apply_op("StringUpper", name, input=input, encoding=encoding)  # type: ignore[no-any-return]


@export("string_strip", "strings.strip")
def strip(input: Any, name: str | None = None) -> Tensor:
    """The texts without white space at their ends.

    Source: TF 1.15 tf.strings.strip
    """
    return apply_op("StringStrip", name, input=input)  # type: ignore[no-any-return]


def _substr_shape(c: ShapeContext) -> list[Shape]:
    pos, length = c.input(1), c.input(2)
    if pos is not None and length is not None:
        with_rank(c, pos, len(length))
    return [broadcast(c.input(0), c.input(1))]


def _piece(op: Operation, text: bytes, pos: int, length: int) -> bytes:
    whole = _characters(op, text)
    if not -len(whole) <= pos <= len(whole):
        raise _refuse(op, f"pos {pos} out of range for string b'{text.decode('utf-8', 'replace')}' at index 0")
    start = pos + len(whole) if pos < 0 else int(pos)
    piece = whole[start : start + int(length)]
    return piece.encode() if isinstance(piece, str) else piece


_row("Substr", lambda op, text, pos, n: _each(lambda s, p, k: _piece(op, s, p, k), text, pos, n), _substr_shape)


@export("substr", "strings.substr")
def substr(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """`len` bytes (or characters) of each text from `pos` on; a negative `pos` counts from the end.

    Raises: InvalidArgumentError when it runs, for a `pos` outside.
    Source: TF 1.15 tf.strings.substr
    """
    return apply_op("Substr", name, input=input, pos=pos, len=len, unit=unit)  # type: ignore[no-any-return]


def _compiled(op: Operation, pattern: bytes) -> Any:
    try:
        return re2_patterns.compiled(pattern)
    except re2_patterns.PatternError as error:
        raise _refuse(op, f"Invalid pattern: {pattern.decode('utf-8', 'replace')}, error: {error}") from None


def _replaced(op: Operation, texts: Any, pattern: bytes, rewrite: bytes) -> np.ndarray[Any, Any]:
    compiled, everywhere = _compiled(op, pattern), bool(op.attrs["replace_global"])
    return _each(lambda s: re2_patterns.replace(compiled, s, rewrite, everywhere), texts)


def _replace(op: Operation, texts: Any, pattern: Any, rewrite: Any) -> np.ndarray[Any, Any]:
    return _replaced(op, texts, np.asarray(pattern, object).item(), np.asarray(rewrite, object).item())


def _matches(op: Operation, texts: Any, pattern: bytes) -> np.ndarray[Any, Any]:
    compiled = _compiled(op, pattern)
    return _each(lambda s: re2_patterns.full_match(compiled, s), texts, dtype=np.bool_)


_row("StaticRegexReplace", lambda op, x: _replaced(op, x, op.attrs["pattern"], op.attrs["rewrite"]))
_row("RegexReplace", _replace)
_row("StaticRegexFullMatch", lambda op, x: _matches(op, x, op.attrs["pattern"]))
_row("RegexFullMatch", lambda op, x, pattern: _matches(op, x, np.asarray(pattern, object).item()))


@export("regex_replace", "strings.regex_replace")
def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""The texts with what `pattern` matches replaced; `rewrite` may name groups as `\1`.

    Source: TF 1.15 tf.strings.regex_replace. Differs: Unicode classes are categories (`\p{Lu}`), not scripts.
    """
    kwargs: dict[str, Any] = {"pattern": pattern, "rewrite": rewrite, "replace_global": replace_global}
    static = isinstance(pattern, (str, bytes)) and isinstance(rewrite, (str, bytes))
    return apply_op("StaticRegexReplace" if static else "RegexReplace", name, input=input, **kwargs)  # type: ignore[no-any-return]


@export("strings.regex_full_match")
def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """`bool`: whether `pattern` matches the whole text.

    Source: TF 1.15 tf.strings.regex_full_match
    """
    static = isinstance(pattern, (str, bytes))
    return apply_op("StaticRegexFullMatch" if static else "RegexFullMatch", name, input=input, pattern=pattern)  # type: ignore[no-any-return]


# ---- codes


def _encoded(op: Operation, text: bytes) -> bytes:
    code = base64.urlsafe_b64encode(text)
    return code if op.attrs["pad"] else code.rstrip(b"=")


def _decoded(op: Operation, text: bytes) -> bytes:
    odd = len(text) % 4 == 1
    bare = text if len(text) % 4 else text.removesuffix(b"=").removesuffix(b"=")
    if re.search(rb"[^A-Za-z0-9_-]", bare[:-1] if odd else bare):
        raise _refuse(op, "Invalid character found in base64.")
    if odd:
        raise _refuse(op, "Base64 string length cannot be 1 modulo 4.")
    return base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))


_elementwise("EncodeBase64", _encoded)
_elementwise("DecodeBase64", _decoded)


@export("encode_base64", "io.encode_base64")
def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """The texts in web-safe base64.

    Source: TF 1.15 tf.encode_base64
    """
    return apply_op("EncodeBase64", name, input=input, pad=pad)  # type: ignore[no-any-return]


@export("decode_base64", "io.decode_base64")
def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """The texts that web-safe base64 stands for.

    Raises: InvalidArgumentError when it runs, for what is none.
    Source: TF 1.15 tf.decode_base64
    """
    return apply_op("DecodeBase64", name, input=input)  # type: ignore[no-any-return]


def _bucket(op: Operation, code: int) -> int:
    return code % int(op.attrs["num_buckets"])


def _strong(op: Operation, text: bytes) -> int:
    if len(op.attrs["key"]) != 2:
        raise _refuse(op, "Key must have 2 elements")
    first, second = op.attrs["key"]
    return _bucket(op, strong_hash((first, second), text))


_elementwise("StringToHashBucketFast", lambda op, s: _bucket(op, fingerprint64(s)), np.int64)
_elementwise("StringToHashBucketStrong", _strong, np.int64)
_elementwise("StringToHashBucket", lambda op, s: _bucket(op, hash64(s)), np.int64)


@export("string_to_hash_bucket_fast", "strings.to_hash_bucket_fast")
def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """`int64`: the bucket of each text, by FarmHash's Fingerprint64.

    Source: TF 1.15 tf.strings.to_hash_bucket_fast
    """
    return apply_op("StringToHashBucketFast", name, input=input, num_buckets=num_buckets)  # type: ignore[no-any-return]


@export("string_to_hash_bucket_strong", "strings.to_hash_bucket_strong")
def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Sequence[int], name: str | None = None) -> Tensor:
    """`int64`: the bucket of each text, by SipHash under a key of two numbers.

    Source: TF 1.15 tf.strings.to_hash_bucket_strong
    """
    return apply_op("StringToHashBucketStrong", name, input=input, num_buckets=num_buckets, key=key)  # type: ignore[no-any-return]


@export("string_to_hash_bucket", "strings.to_hash_bucket")
def string_to_hash_bucket(
    string_tensor: Any = None, num_buckets: int | None = None, name: str | None = None, input: Any = None
) -> Tensor:
    """`int64`: the bucket of each text, by TF's Hash64.

    Source: TF 1.15 tf.strings.to_hash_bucket
    """
    texts = lookup_renamed("input", input, "string_tensor", string_tensor)
    return apply_op("StringToHashBucket", name, string_tensor=texts, num_buckets=num_buckets)  # type: ignore[no-any-return]


# ---- formatting


def _formatted(op: Operation, *values: Any) -> np.ndarray[Any, Any]:
    parts = op.attrs["template"].decode().split(op.attrs["placeholder"].decode())
    shown = [summarize_ends(v, op.attrs["summarize"]) for v in values]
    text = "".join(itertools.chain.from_iterable(itertools.zip_longest(parts, shown, fillvalue="")))
    return np.array(text.encode(), object)


_row("StringFormat", _formatted, scalar)


@export("strings.format")
def string_format(
    template: str, inputs: Any, placeholder: str = "{}", summarize: int = 3, name: str | None = None
) -> Tensor:
    """`string[]`: `template` with what the tensors hold in place of the placeholders.

    Raises: ValueError if there are more or fewer placeholders than tensors.
    Source: TF 1.15 tf.strings.format
    """
    if is_tensor_like(inputs):
        inputs = [inputs]
    if template.count(placeholder) != len(inputs):
        raise ValueError(
            f"{template.count(placeholder)} placeholder(s) in template does not match {len(inputs)} tensor(s) provided "
            "as input"
        )
    return apply_op(  # type: ignore[no-any-return]
        "StringFormat", name, inputs=inputs, template=template, placeholder=placeholder, summarize=summarize
    )


take_ragged(
    globals(),
    "string_to_number string_to_hash_bucket as_string decode_base64 encode_base64 regex_full_match regex_replace strip "
    "string_to_hash_bucket_fast string_to_hash_bucket_strong substr string_length string_join",
    1,
)
