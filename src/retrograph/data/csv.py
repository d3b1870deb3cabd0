"""`tf.data.experimental`: datasets of CSV files, of examples in files, and of SQL queries."""

from __future__ import annotations

import csv
import gzip
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from retrograph.data import building, structure
from retrograph.data.dataset import DatasetV1, DatasetV1Adapter
from retrograph.data.options import Options
from retrograph.data.readers import TFRecordDatasetV1, optional_tensor, parallel_interleave_dataset
from retrograph.data.transforming import AUTOTUNE, shuffle_and_repeat
from retrograph.data.transforming import ignore_errors as without_errors
from retrograph.framework import data_nest, dtypes
from retrograph.framework.apply import apply_op
from retrograph.framework.constants import constant
from retrograph.framework.conversion import convert_to_tensor, internal_convert_n_to_tensor
from retrograph.framework.exports import export
from retrograph.framework.operation import Tensor
from retrograph.framework.static_value import constant_value
from retrograph.framework.type_spec import TensorSpec

_BUFFER_BYTES = 4 * 1024 * 1024
_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)


def _default(value: Any) -> Any:
    is_type = isinstance(value, dtypes.DType) or (isinstance(value, type) and value is not bool)
    if not isinstance(value, Tensor) and is_type and dtypes.as_dtype(value) in _TYPES:
        return constant([], dtype=value)
    return value


@export("data.experimental.CsvDataset", "contrib.data.CsvDataset")
class CsvDatasetV1(DatasetV1Adapter):
    """The rows of CSV files: one scalar for each column. Source: TF 1.15 `tf.data.experimental.CsvDataset`."""

    def __init__(
        self, filenames: Any, record_defaults: Sequence[Any], compression_type: Any = None, buffer_size: Any = None,
        header: Any = False, field_delim: Any = ",", use_quote_delim: Any = True, na_value: Any = "", select_cols: Any = None,
    ):  # fmt: skip
        arguments = {
            "filenames": convert_to_tensor(filenames, dtype=dtypes.string, name="filenames"),
            "compression_type": optional_tensor("compression_type", compression_type, "", dtypes.string),
        }
        defaults = internal_convert_n_to_tensor([_default(d) for d in record_defaults], name="record_defaults")
        arguments["buffer_size"] = optional_tensor("buffer_size", buffer_size, _BUFFER_BYTES)
        arguments["header"] = convert_to_tensor(header, dtype=dtypes.bool, name="header")
        arguments["field_delim"] = convert_to_tensor(field_delim, dtype=dtypes.string, name="field_delim")
        arguments["use_quote_delim"] = convert_to_tensor(use_quote_delim, dtype=dtypes.bool, name="use_quote_delim")
        arguments["na_value"] = convert_to_tensor(na_value, dtype=dtypes.string, name="na_value")
        arguments["select_cols"] = optional_tensor("select_cols", select_cols, [])
        spec = tuple(TensorSpec([], d.dtype) for d in defaults)
        variant = apply_op(
            "CSVDataset", None, record_defaults=defaults, output_shapes=structure.flat_shapes(spec), **arguments
        )
        super().__init__(building.made(variant, spec))


@export("data.experimental.SqlDataset", "contrib.data.SqlDataset")
class SqlDatasetV1(DatasetV1Adapter):
    """The rows of an SQL query (SQLite). Source: TF 1.15 `tf.data.experimental.SqlDataset`."""

    def __init__(self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any):
        named = {"driver_name": driver_name, "data_source_name": data_source_name, "query": query}
        arguments = {n: convert_to_tensor(v, dtype=dtypes.string, name=n) for n, v in named.items()}
        spec = data_nest.map_structure(lambda t: TensorSpec([], t), output_types)
        variant = apply_op("SqlDataset", None, **arguments, **building.flat_structure(spec))
        super().__init__(building.made(variant, spec))


# ---- what a CSV file tells of itself


def _is_integer(text: str, dtype: Any) -> bool:
    try:
        return bool(np.iinfo(dtype).min <= int(text) <= np.iinfo(dtype).max)
    except ValueError:
        return False


def _is_float(text: str, dtype: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(dtype(text) < np.inf)
    except ValueError:
        return False


_KINDS: list[tuple[Any, Callable[[str], bool]]] = [
    (dtypes.int32, lambda t: _is_integer(t, np.int32)),
    (dtypes.int64, lambda t: _is_integer(t, np.int64)),
    (dtypes.float32, lambda t: _is_float(t, np.float32)),
    (dtypes.float64, lambda t: _is_float(t, np.float64)),
    (dtypes.string, lambda t: True),
]


def _type_of(text: str, absent: str, before: Any) -> Any:
    """The narrowest type that holds this text and what came before."""
    if text in ("", absent):
        return before
    order = [t for t, _ in _KINDS]
    least = 0 if before is None else order.index(before)
    return next(t for i, (t, fits) in enumerate(_KINDS) if i >= least and fits(text))


class _Probe:
    """Reads the start of CSV files."""

    def __init__(self, filenames: list[str], delimiter: str, quotes: bool, compression: Any):
        self.filenames = filenames
        self.form: dict[str, Any] = {
            "delimiter": delimiter,
            "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        }
        self.open = _opener(compression)

    def names(self) -> list[str]:
        """The columns' names. Raises ValueError: the files' headers differ, or are not there."""
        found = None
        for name in self.filenames:
            with self.open(name) as file:
                header = next(csv.reader(file, **self.form), None)
            if header is None:
                raise ValueError(
                    f"Received StopIteration when reading the header line of {self.filenames[0]}.  Empty file?"
                )
            if found is not None and header != found:
                raise ValueError("Files have different column names in the header row.")
            found = header
        return found or []

    def rows(self, count: int, header: bool) -> Iterator[list[str]]:
        """All rows. Raises ValueError: one has another number of fields."""
        for name in self.filenames:
            with self.open(name) as file:
                reader = csv.reader(file, **self.form)
                if header:
                    next(reader)
                for row in reader:
                    if len(row) != count:
                        raise ValueError(
                            "Problem inferring types: CSV row has different number of fields than expected."
                        )
                    yield row

    def defaults(self, count: int, absent: str, header: bool, most: int | None, chosen: Any) -> list[Tensor]:
        """0 or '' for each column, of the type that its first values have."""
        columns = list(range(count)) if chosen is None else chosen
        types: list[Any] = [None] * len(columns)
        for i, row in enumerate(self.rows(count, header)):
            if most is not None and i >= most:
                break
            types = [_type_of(row[c], absent, t) for c, t in zip(columns, types, strict=True)]
        found = [t or dtypes.string for t in types]
        return [constant([0 if t != dtypes.string else ""], dtype=t) for t in found]


def _opener(compression: Any) -> Callable[[str], Any]:
    if compression is None:
        return lambda name: open(name, newline="")
    value = constant_value(compression) if isinstance(compression, Tensor) else compression
    if value is None:
        raise ValueError("Received unkown compression_type")
    text = value.decode() if isinstance(value, bytes) else str(value)
    if text == "GZIP":
        return lambda name: gzip.open(name, "rt")
    if text == "ZLIB":
        raise ValueError(f"compression_type ({compression}) is not supported for probing columns")
    if text:
        raise ValueError(f"compression_type ({compression}) is not supported")
    return lambda name: open(name, newline="")


def _chosen_columns(select_columns: Sequence[Any], names: Sequence[str]) -> list[int]:
    places = {n: i for i, n in enumerate(names)}
    found = []
    for column in select_columns:
        if isinstance(column, int):
            if not 0 <= column < len(names):
                raise ValueError(f"Column index {column} specified in select_columns out of valid range.")
            found.append(column)
        elif column in places:
            found.append(places[column])
        else:
            raise ValueError(f"Value '{column}' specified in select_columns not a valid column index or name.")
    if len(set(found)) != len(found):
        raise ValueError("select_columns contains duplicate columns")
    return sorted(found)


def _file_names(file_pattern: Any) -> list[str]:
    from retrograph.platform.gfile import glob

    if isinstance(file_pattern, list) and not file_pattern:
        raise ValueError("File pattern is empty.")
    patterns = file_pattern if isinstance(file_pattern, list) else [file_pattern]
    names = sorted(name for pattern in patterns for name in glob(pattern))
    if not names:
        raise ValueError(f"No files match {file_pattern}.")
    return names


def _shuffled_and_repeated(dataset: Any, epochs: Any, shuffle: bool, size: Any, seed: Any) -> Any:
    if epochs != 1 and shuffle:
        return dataset.apply(shuffle_and_repeat(size, epochs, seed))
    if shuffle:
        return dataset.shuffle(size, seed)
    return dataset.repeat(epochs) if epochs != 1 else dataset


def _interleaved(dataset: Any, func: Callable[[Any], Any], threads: Any, sloppy: bool) -> Any:
    if threads != AUTOTUNE:
        return DatasetV1Adapter(parallel_interleave_dataset(dataset, func, threads, 1, sloppy, None, None))
    options = Options()
    options.experimental_deterministic = not sloppy
    return dataset.interleave(func, num_parallel_calls=threads).with_options(options)


def _checked_names(given: Any, header: bool, probe: Any) -> Any:
    """The names of the columns: those given, or what the files say."""
    if given is None:
        if not header:
            raise ValueError("Cannot infer column names without a header line.")
        given = probe.names()
    if len(given) != len(set(given)):
        raise ValueError("Cannot have duplicate column names.")
    return given


def _read_names(column_names: Any, chosen: Any, count: int) -> list[Any]:
    """The names of the columns that are read."""
    if chosen is not None and count != len(chosen):
        raise ValueError("If specified, column_defaults and select_columns must have same length.")
    return [column_names[i] for i in chosen] if chosen is not None else list(column_names)


def _naming(names: list[Any], label_name: Any) -> Callable[..., Any]:
    """What makes a dict of columns, and a pair of it and the label if there is one."""
    if label_name is not None and label_name not in names:
        raise ValueError("`label_name` provided must be one of the columns.")

    def named(*columns: Any) -> Any:
        features = OrderedDict(zip(names, columns, strict=True))
        return features if label_name is None else (features, features.pop(label_name))

    return named


@export("data.experimental.make_csv_dataset", "contrib.data.make_csv_dataset")
def make_csv_dataset(
    file_pattern: Any, batch_size: Any, column_names: Any = None, column_defaults: Any = None, label_name: Any = None,
    select_columns: Any = None, field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "", header: bool = True,
    num_epochs: Any = None, shuffle: bool = True, shuffle_buffer_size: Any = 10000, shuffle_seed: Any = None,
    prefetch_buffer_size: Any = None, num_parallel_reads: Any = None, sloppy: bool = False, num_rows_for_inference: Any = 100,
    compression_type: Any = None, ignore_errors: bool = False,
) -> Any:  # fmt: skip
    """Batches of the rows of CSV files: a dict by column, with `label_name` a pair of it and the label.

    Raises ValueError: no files, or columns that do not fit them. Source: TF 1.15 `tf.data.experimental.make_csv_dataset`.
    """
    filenames = _file_names(file_pattern)
    dataset = DatasetV1.from_tensor_slices(filenames)
    if shuffle:
        dataset = dataset.shuffle(len(filenames), shuffle_seed)
    probe: Any = None
    if column_names is None or column_defaults is None:
        probe = _Probe(filenames, field_delim, use_quote_delim, compression_type)
    column_names = _checked_names(column_names, header, probe)
    chosen = None if select_columns is None else _chosen_columns(select_columns, column_names)
    if column_defaults is not None:
        defaults = [_default(d) for d in column_defaults]
    else:
        defaults = probe.defaults(len(column_names), na_value, header, num_rows_for_inference, chosen)
    names = _read_names(column_names, chosen, len(defaults))

    def read(filename: Any) -> Any:
        found: Any = CsvDatasetV1(
            filename, defaults, compression_type, None, header, field_delim, use_quote_delim, na_value, chosen
        )
        return found.apply(without_errors()) if ignore_errors else found

    named = _naming(names, label_name)
    dataset = _interleaved(dataset, read, 1 if num_parallel_reads is None else num_parallel_reads, sloppy)
    dataset = _shuffled_and_repeated(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    dataset = dataset.batch(batch_size=batch_size, drop_remainder=num_epochs is None)
    mapped = building.map_dataset(dataset, named, None, use_inter_op_parallelism=False)
    return DatasetV1Adapter(
        building.prefetch(mapped, AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)
    )


# ---- examples


@export("data.experimental.parse_example_dataset", "contrib.data.parse_example_dataset")
def parse_example_dataset(features: dict[str, Any], num_parallel_calls: Any = 1) -> Callable[[Any], Any]:
    """A transformation: batches of serialized `Example`s as dicts of tensors.

    Raises ValueError: no features. TypeError: not batches of strings.
    Source: TF 1.15 `tf.data.experimental.parse_example_dataset`. Differs: it is a `map` of `tf.io.parse_example`.
    """
    if features is None:
        raise ValueError(f"Missing: features was {features}.")

    def apply(dataset: Any) -> Any:
        from retrograph.ops.parsing import parse_example

        if not structure.are_compatible(dataset.element_spec, TensorSpec([None], dtypes.string)):
            raise TypeError("Input dataset should be a dataset of vectors of strings")
        return dataset.map(lambda texts: parse_example(texts, features), num_parallel_calls=num_parallel_calls)

    return apply


@export("data.experimental.make_batched_features_dataset", "contrib.data.make_batched_features_dataset")
def make_batched_features_dataset(
    file_pattern: Any, batch_size: Any, features: dict[str, Any], reader: Any = TFRecordDatasetV1, label_key: Any = None,
    reader_args: Any = None, num_epochs: Any = None, shuffle: bool = True, shuffle_buffer_size: Any = 10000,
    shuffle_seed: Any = None, prefetch_buffer_size: Any = None, reader_num_threads: Any = None, parser_num_threads: Any = None,
    sloppy_ordering: bool = False, drop_final_batch: bool = False,
) -> Any:  # fmt: skip
    """Batches of the `Example`s in files, as dicts of tensors; with `label_key` pairs of the dict and the label.

    Raises TypeError: `reader` is a reader of queues. ValueError: `label_key` is no feature.
    Source: TF 1.15 `tf.data.experimental.make_batched_features_dataset`.
    """
    from retrograph.ops.readers import ReaderBase

    dataset = DatasetV1.list_files(file_pattern, shuffle=shuffle, seed=shuffle_seed)
    if isinstance(reader, type) and issubclass(reader, ReaderBase):
        raise TypeError(
            "The `reader` argument must return a `Dataset` object. `tf.ReaderBase` subclasses are not supported. For example, "
            "pass `tf.data.TFRecordDataset` instead of `tf.TFRecordReader`."
        )
    threads = 1 if reader_num_threads is None else reader_num_threads
    dataset = _interleaved(dataset, lambda name: reader(name, *(reader_args or [])), threads, sloppy_ordering)
    if structure.legacy_types(dataset.element_spec) == (dtypes.string, dtypes.string):
        dataset = DatasetV1Adapter(building.map_dataset(dataset, lambda _, v: v, None, use_inter_op_parallelism=False))
    dataset = _shuffled_and_repeated(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    dataset = dataset.apply(parse_example_dataset(features, 2 if parser_num_threads is None else parser_num_threads))
    if label_key:
        if label_key not in features:
            raise ValueError(f"The `label_key` provided ({label_key!r}) must be one of the `features` keys.")
        dataset = dataset.map(lambda x: (x, x.pop(label_key)))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)
