"""The operations by which graphs save and restore: `SaveV2`, `RestoreV2`, `MergeV2Checkpoints`, `ShardedFilename`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from retrograph.checkpoint.entry import Slice, parse_spec, resolve
from retrograph.checkpoint.old_format import write_slices
from retrograph.checkpoint.opening import open_checkpoint
from retrograph.checkpoint.writing import BundleWriter, merge_checkpoints, remove_emptied
from retrograph.framework import errors
from retrograph.framework.op_table import NO_GRADIENT, register_op
from retrograph.framework.shape import Shape, to_text
from retrograph.framework.shape_rules import ShapeContext, no_outputs, scalar


def _text(value: Any) -> str:
    plain = np.asarray(value).reshape(-1)[0]
    return os.fsdecode(plain) if isinstance(plain, bytes) else str(plain)


def _texts(value: Any) -> list[str]:
    return [_text(v) for v in np.asarray(value, object).reshape(-1)]


def _spec(op: Any, spec: str) -> tuple[tuple[int, ...], Slice]:
    try:
        return parse_spec(spec)
    except ValueError:
        raise errors.InvalidArgumentError(None, op, f"Could not parse shape_and_slice: {spec!r}") from None


def _save(op: Any, ctx: Any, prefix: Any, names: Any, specs: Any, *tensors: Any) -> tuple[()]:
    writer = BundleWriter(_text(prefix))
    try:
        for name, spec, tensor in zip(_texts(names), _texts(specs), tensors, strict=True):
            shape, part = _spec(op, spec) if spec else ((), None)
            writer.add(name, np.asarray(tensor), shape, part)
    except BaseException:
        writer.abandon()
        raise
    writer.finish()
    return ()


def _save_slices(op: Any, ctx: Any, filename: Any, names: Any, specs: Any, *tensors: Any) -> tuple[()]:
    rows = []
    for name, spec, tensor in zip(_texts(names), _texts(specs), tensors, strict=True):
        shape, part = _spec(op, spec) if spec else ((), None)
        rows.append((name, tensor, shape, part))
    write_slices(_text(filename), rows)
    return ()


def _save_plain(op: Any, ctx: Any, filename: Any, names: Any, *tensors: Any) -> tuple[()]:
    return _save_slices(op, ctx, filename, names, [b""] * len(tensors), *tensors)


def _restore_slice(op: Any, ctx: Any, pattern: Any, name: Any, spec: Any = b"") -> Any:
    return _restored(op, open_checkpoint(_text(pattern)), _text(name), _text(spec), op.attrs["dt"])


def _sharded_filespec(op: Any, basename: Any, num_shards: Any) -> Any:
    return np.array(os.fsencode(f"{_text(basename)}-?????-of-{int(num_shards):05d}"), object)


_CPP = {"float32": "float", "float64": "double", "float16": "half"}


def _restored(op: Any, reader: Any, name: str, spec: str, dtype: Any) -> Any:
    if name not in reader:
        raise errors.NotFoundError(None, op, f"Key {name} not found in checkpoint")
    stored = reader.dtype_of(name)
    if stored != dtype.base_dtype:
        kinds = [_CPP.get(t.name, t.name) for t in (dtype.base_dtype, stored)]
        text = f"tensor_name = {name}; expected dtype {kinds[0]} does not equal original dtype {kinds[1]}"
        raise errors.InvalidArgumentError(None, op, text)
    if not spec:
        return reader.read(name)
    shape, part = _spec(op, spec)
    if shape != reader.shape_of(name):
        text = (
            f"tensor_name = {name}; shape in shape_and_slice spec {to_text(shape)} "
            f"does not match the shape stored in checkpoint: {to_text(reader.shape_of(name))}"
        )
        raise errors.InvalidArgumentError(None, op, text)
    return reader.read(name, part)


def _restore(op: Any, ctx: Any, prefix: Any, names: Any, specs: Any) -> tuple[Any, ...]:
    reader = open_checkpoint(_text(prefix))
    wanted = zip(_texts(names), _texts(specs), op.attrs["dtypes"], strict=True)
    return tuple(_restored(op, reader, name, spec, dtype) for name, spec, dtype in wanted)


def _restore_shapes(c: ShapeContext) -> list[Shape]:
    specs = c.constant(2)
    count = len(c.attr("dtypes"))
    if specs is None:
        return [None] * count
    return [_shape_of_spec(_text(s)) for s in np.asarray(specs, object).reshape(-1)]


def _shape_of_spec(spec: str) -> Shape:
    if not spec:
        return None
    shape, part = parse_spec(spec)
    return tuple(n for _, n in resolve(part, shape))


def _merge(op: Any, ctx: Any, prefixes: Any, destination: Any) -> tuple[()]:
    sources = _texts(prefixes)
    try:
        merge_checkpoints(sources, _text(destination))
    finally:
        if op.attrs["delete_old_dirs"]:
            remove_emptied([os.path.dirname(s) for s in sources])
    return ()


def _sharded_filename(op: Any, basename: Any, shard: Any, num_shards: Any) -> Any:
    name = f"{_text(basename)}-{int(shard):05d}-of-{int(num_shards):05d}"
    return np.array(os.fsencode(name), object)


register_op("SaveV2", shape=no_outputs, numpy=_save, host=True, effect=True, gradient=NO_GRADIENT, snapshot=True)
register_op("RestoreV2", shape=_restore_shapes, numpy=_restore, host=True, effect=True, gradient=NO_GRADIENT)
register_op("MergeV2Checkpoints", shape=no_outputs, numpy=_merge, host=True, effect=True, gradient=NO_GRADIENT)
register_op("ShardedFilename", shape=scalar, numpy=_sharded_filename, host=True, gradient=NO_GRADIENT)
register_op("ShardedFilespec", shape=scalar, numpy=_sharded_filespec, host=True, gradient=NO_GRADIENT)
register_op(
    "SaveSlices", shape=no_outputs, numpy=_save_slices, host=True, effect=True, gradient=NO_GRADIENT, snapshot=True
)
register_op("Save", shape=no_outputs, numpy=_save_plain, host=True, effect=True, gradient=NO_GRADIENT, snapshot=True)
for _type in ("Restore", "RestoreSlice"):
    register_op(_type, numpy=_restore_slice, host=True, effect=True, gradient=NO_GRADIENT)
