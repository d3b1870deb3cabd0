"""Datasets of what stands in files: lines, records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.data import building, structure
from retrograph.data.dataset import DatasetV1Adapter, DatasetV2
from retrograph.data.functions import StructuredFunction
from retrograph.framework import dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor
from retrograph.framework.dtypes import int64, string
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.shape import TensorShape
from retrograph.framework.type_spec import TensorSpec

BUFFER_BYTES = 256 * 1024
_TEXT = TensorSpec([], string)


def optional_tensor(name: str, value: Any, default: Any = 0, dtype: Any = int64) -> Tensor:
    """A tensor of `value`, or of the default if it is None."""
    if value is None:
        return constant(default, dtype=dtype, name=name)
    return convert_to_tensor(value, dtype=dtype, name=name)


def _names_dataset(filenames: Any) -> Any:
    if not isinstance(filenames, DatasetV2):
        names = convert_to_tensor(filenames, dtype=string)
        return DatasetV1Adapter(building.from_tensor_slices(tf.reshape(names, [-1], name="flat_filenames")))
    if structure.legacy_types(filenames.element_spec) != string:
        raise TypeError("`filenames` must be a `tf.data.Dataset` of `tf.string` elements.")
    if not structure.legacy_shapes(filenames.element_spec).is_compatible_with(TensorShape([])):
        raise TypeError("`filenames` must be a `tf.data.Dataset` of scalar `tf.string` elements.")
    return filenames


def parallel_interleave_dataset(
    dataset: Any, func: Callable[..., Any], cycle: Any, block: Any, sloppy: Any, buffered: Any, prefetched: Any
) -> Any:
    """The elements of several datasets in turn, by the older operation."""
    function = StructuredFunction(func, "tf.data.experimental.parallel_interleave()", dataset.element_spec)
    spec = building.nested_spec(function, "`map_func` must return a `Dataset` object.")
    arguments = {
        "other_arguments": function.captured_inputs,
        "f": function.function.name,
        "cycle_length": building.as_int64(cycle, "cycle_length"),
        "block_length": building.as_int64(block, "block_length"),
        "sloppy": convert_to_tensor(sloppy, dtype=dtypes.bool, name="sloppy"),
        "buffer_output_elements": optional_tensor("buffer_output_elements", buffered, 2 * block),
        "prefetch_input_elements": optional_tensor("prefetch_input_elements", prefetched, 2 * cycle),
    }
    return building.unary("ParallelInterleaveDataset", dataset, spec, arguments, [function])


def _read_files(make: Callable[[Tensor], Any], filenames: Any, parallel: Any) -> Any:
    def read_one_file(filename: Any) -> Any:
        return make(convert_to_tensor(filename, string, name="filename"))

    if parallel is None:
        return building.flat_map(filenames, read_one_file)
    if parallel == -1:
        return building.interleave(filenames, read_one_file, -1, 1, parallel)
    return parallel_interleave_dataset(filenames, read_one_file, parallel, 1, False, None, None)


def _text(op_type: str, filenames: Tensor, compression_type: Any, buffer_size: Any) -> Any:
    arguments = {
        "compression_type": optional_tensor("compression_type", compression_type, "", string),
        "buffer_size": optional_tensor("buffer_size", buffer_size, BUFFER_BYTES),
    }
    return building.made(apply_op(op_type, None, filenames=filenames, **arguments), _TEXT)


class _FileDataset(DatasetV1Adapter):
    def __init__(self, filenames: Any, make: Callable[[Tensor], Any], num_parallel_reads: Any):
        self._filenames = _names_dataset(filenames)
        super().__init__(_read_files(make, self._filenames, num_parallel_reads))


@export("data.TextLineDataset")
class TextLineDatasetV1(_FileDataset):
    """The lines of text files. Source: TF 1.15 `tf.data.TextLineDataset`."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ):
        super().__init__(
            filenames, lambda name: _text("TextLineDataset", name, compression_type, buffer_size), num_parallel_reads
        )


@export("data.TFRecordDataset")
class TFRecordDatasetV1(_FileDataset):
    """The records of TFRecord files. Source: TF 1.15 `tf.data.TFRecordDataset`."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ):
        super().__init__(
            filenames, lambda name: _text("TFRecordDataset", name, compression_type, buffer_size), num_parallel_reads
        )


@export("data.FixedLengthRecordDataset")
class FixedLengthRecordDatasetV1(_FileDataset):
    """Records of `record_bytes` each, between a header and a footer. Source: TF 1.15 `tf.data.FixedLengthRecordDataset`."""

    def __init__(
        self, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None,
        buffer_size: Any = None, compression_type: Any = None, num_parallel_reads: Any = None,
    ):  # fmt: skip
        def make(name: Tensor) -> Any:
            arguments = {
                "record_bytes": building.as_int64(record_bytes, "record_bytes"),
                "header_bytes": optional_tensor("header_bytes", header_bytes),
                "footer_bytes": optional_tensor("footer_bytes", footer_bytes),
                "buffer_size": optional_tensor("buffer_size", buffer_size, BUFFER_BYTES),
                "compression_type": optional_tensor("compression_type", compression_type, "", string),
            }
            return building.made(apply_op("FixedLengthRecordDatasetV2", None, filenames=name, **arguments), _TEXT)

        super().__init__(filenames, make, num_parallel_reads)
