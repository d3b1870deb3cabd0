"""`tf.contrib.slim`'s data sets: what they are made of, readers side by side, and what gives their items."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import retrograph as tf
from retrograph.contrib.example_decoder import DataDecoder
from retrograph.framework.exports import export, export_value

export_value("contrib.slim.data_decoder.DataDecoder", DataDecoder, attribute="DataDecoder")


@export("contrib.slim.dataset.Dataset")
class Dataset:
    """The sources, reader, decoder and facts of a data set, as attributes. Source: TF 1.15 `slim.dataset.Dataset`."""

    def __init__(
        self, data_sources: Any, reader: Any, decoder: Any, num_samples: Any, items_to_descriptions: Any, **kwargs: Any
    ):
        self.__dict__.update(
            kwargs, data_sources=data_sources, reader=reader, decoder=decoder, num_samples=num_samples,
            items_to_descriptions=items_to_descriptions,
        )  # fmt: skip


@export("contrib.slim.data_provider.DataProvider")
class DataProvider:
    """Tensors by the names of items. Source: TF 1.15 `slim.data_provider.DataProvider`."""

    def __init__(self, items_to_tensors: dict[str, Any], num_samples: Any):
        self._items_to_tensors, self._num_samples = items_to_tensors, num_samples

    def get(self, items: Any) -> list[Any]:
        """The tensors of the items named. Raises ValueError: no list, or no such item."""
        if not isinstance(items, list | tuple):
            raise ValueError("items must be a list or tuple")
        for item in items:
            if item not in self._items_to_tensors:
                raise ValueError(f"Item [{item}] is invalid. Valid entries include: {self.list_items()}")
        return [self._items_to_tensors[item] for item in items]

    def list_items(self) -> Iterable[str]:
        """The names of all items."""
        return self._items_to_tensors.keys()

    def num_samples(self) -> Any:
        """How many samples there are."""
        return self._num_samples


@export("contrib.slim.dataset_data_provider.DatasetDataProvider")
class DatasetDataProvider(DataProvider):
    """The items of a data set's records, read by several readers.

    Raises ValueError: an item has the name of the records' keys. Source: TF 1.15 `slim.dataset_data_provider.DatasetDataProvider`.
    """

    def __init__(
        self, dataset: Any, num_readers: int = 1, reader_kwargs: Any = None, shuffle: bool = True,
        num_epochs: int | None = None, common_queue_capacity: int = 256, common_queue_min: int = 128,
        record_key: str = "record_key", seed: int | None = None, scope: str | None = None,
    ):  # fmt: skip
        key, data = parallel_read(
            dataset.data_sources, reader_class=dataset.reader, num_epochs=num_epochs, num_readers=num_readers,
            reader_kwargs=reader_kwargs, shuffle=shuffle, capacity=common_queue_capacity,
            min_after_dequeue=common_queue_min, seed=seed, scope=scope,
        )  # fmt: skip
        items = dataset.decoder.list_items()
        found = dict(zip(items, dataset.decoder.decode(data, items), strict=True))
        if record_key in found:
            raise ValueError(
                "The item name used for `record_key` cannot also be used for a dataset item: %s", record_key
            )
        found[record_key] = key
        super().__init__(items_to_tensors=found, num_samples=dataset.num_samples)


@export("contrib.slim.parallel_reader.ParallelReader")
class ParallelReader(tf.ReaderBase):  # type: ignore[misc]
    """Several readers that fill one queue of (key, value).

    Raises TypeError: a queue of something else. Source: TF 1.15 `slim.parallel_reader.ParallelReader`.
    """

    def __init__(
        self, reader_class: Callable[..., Any], common_queue: Any, num_readers: int = 4, reader_kwargs: Any = None
    ):
        types = common_queue.dtypes
        if len(types) != 2 or not all(t.is_compatible_with(tf.string) for t in types):
            raise TypeError("common_queue.dtypes must be [tf.string, tf.string]")
        self._readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        self._common_queue = common_queue

    @property
    def num_readers(self) -> int:
        """How many readers there are."""
        return len(self._readers)

    @property
    def common_queue(self) -> Any:
        """The queue that they fill."""
        return self._common_queue

    def read(self, queue: Any, name: str | None = None) -> Any:
        """(key, value) of the next record of any reader."""
        self._fill_from(queue)
        return self._common_queue.dequeue(name=name)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """(keys, values) of up to so many records."""
        self._fill_from(queue)
        return self._common_queue.dequeue_up_to(num_records, name)

    def _fill_from(self, queue: Any) -> None:
        filling = [self._common_queue.enqueue(reader.read(queue)) for reader in self._readers]
        tf.train.add_queue_runner(tf.train.QueueRunner(self._common_queue, filling))

    def num_records_produced(self, name: str | None = None) -> Any:
        """How many records all readers gave, i64[]."""
        return tf.add_n([reader.num_records_produced() for reader in self._readers], name=name)

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """How many files all readers finished, i64[]."""
        return tf.add_n([reader.num_work_units_completed() for reader in self._readers], name=name)


@export("contrib.slim.parallel_reader.parallel_read")
def parallel_read(
    data_sources: Any, reader_class: Any, num_epochs: int | None = None, num_readers: int = 4,
    reader_kwargs: Any = None, shuffle: bool = True, dtypes: Any = None, capacity: int = 256,
    min_after_dequeue: int = 128, seed: int | None = None, scope: str | None = None,
) -> Any:  # fmt: skip
    """(key, value), string[] each, of the records of files, read side by side. Source: TF 1.15 `slim.parallel_reader.parallel_read`."""
    files = get_data_files(data_sources)
    with tf.name_scope(scope, "parallel_read"):
        names = tf.train.string_input_producer(
            files, num_epochs=num_epochs, shuffle=shuffle, seed=seed, name="filenames"
        )
        options = {"capacity": capacity, "dtypes": dtypes or [tf.string, tf.string], "name": "common_queue"}
        if shuffle:
            queue = tf.RandomShuffleQueue(min_after_dequeue=min_after_dequeue, seed=seed, **options)
        else:
            queue = tf.FIFOQueue(**options)
        tf.summary.scalar(f"fraction_of_{capacity}_full", tf.cast(queue.size(), tf.float32) * (1.0 / capacity))
        reader = ParallelReader(reader_class, queue, num_readers=num_readers, reader_kwargs=reader_kwargs)
        return reader.read(names)


@export("contrib.slim.parallel_reader.single_pass_read")
def single_pass_read(data_sources: Any, reader_class: Any, reader_kwargs: Any = None, scope: str | None = None) -> Any:
    """(key, value) of the records of files in order, once. Source: TF 1.15 `slim.parallel_reader.single_pass_read`."""
    files = get_data_files(data_sources)
    with tf.name_scope(scope, "single_pass_read"):
        names = tf.train.string_input_producer(files, num_epochs=1, shuffle=False, capacity=1, name="filenames")
        return reader_class(**(reader_kwargs or {})).read(names)


@export("contrib.slim.parallel_reader.get_data_files")
def get_data_files(data_sources: Any) -> list[str]:
    """The files named or matched. Raises ValueError: none. Source: TF 1.15 `slim.parallel_reader.get_data_files`."""
    if isinstance(data_sources, list | tuple):
        files = [file for source in data_sources for file in get_data_files(source)]
    elif any(sign in data_sources for sign in "*?["):
        files = tf.gfile.Glob(data_sources)
    else:
        files = [data_sources]
    if not files:
        raise ValueError(f"No data files found in {data_sources}")
    return files


@export("contrib.slim.model_analyzer.analyze_ops")
def analyze_ops(graph: Any, print_info: bool = False) -> int:
    """The elements of all outputs, printed if wanted. Source: TF 1.15 `tf.contrib.slim.model_analyzer.analyze_ops`."""
    from retrograph.contrib.train_ops import tensor_description

    if print_info:
        print("---------\nOperations: name -> (type shapes) [size]\n---------")
    total = 0
    for op in graph.get_operations():
        size = sum(output.get_shape().num_elements() or 0 for output in op.outputs)
        if print_info:
            shapes = ", ".join(tensor_description(output) for output in op.outputs if output.get_shape())
            print(op.name, "\t->", shapes, f"[{size}]")
        total += size
    return total
