"""Sparse tensors, tables and accumulators in sessions: state, threads, checkpoints, compiled runs, bad input."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograph as tf

lookup = tf.contrib.lookup


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with tf.Graph().as_default():
        yield


def _compiled_sparse_to_dense() -> tuple[Any, Any, Any]:
    """A step that XLA compiles: indices that are fed, and a matrix too large for NumPy to be quick."""
    places = tf.placeholder(tf.int64, [2, 2])
    step = tf.Variable(0.0)
    large = tf.Variable(tf.ones([80, 80]))
    dense = tf.sparse_to_dense(places + 0, [2, 3], tf.constant([1.0, 2.0]))
    with tf.control_dependencies([tf.assign_add(step, tf.reduce_sum(dense) + 0 * tf.reduce_sum(large @ large))]):
        return places, tf.identity(dense), step


def test_wrong_indices_of_a_compiled_step_leave_variables_as_they_were() -> None:
    places, dense, step = _compiled_sparse_to_dense()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(dense, {places: [[0, 1], [1, 2]]}).tolist() == [[0, 1, 0], [0, 0, 2]]
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[1,3\] is out of bounds"):
            session.run(dense, {places: [[0, 1], [1, 3]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="is repeated"):
            session.run(dense, {places: [[0, 1], [0, 1]]})
        assert session.run(step) == 3.0


def test_a_sparse_feature_trains_a_linear_model() -> None:
    features = tf.sparse_placeholder(tf.float32)
    weights = tf.Variable(tf.zeros([50, 1]))
    labels = tf.placeholder(tf.float32, [None, 1])
    loss = tf.reduce_mean(tf.square(tf.sparse.matmul(features, weights) - labels))
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    random = np.random.RandomState(0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(60):
            columns = random.randint(0, 4, [8])
            indices = np.stack([np.arange(8), columns], 1)
            fed = tf.SparseTensorValue(indices, np.ones(8, np.float32), [8, 50])
            session.run(train, {features: fed, labels: columns[:, None].astype(np.float32)})
        np.testing.assert_allclose(session.run(weights)[:4, 0], [0, 1, 2, 3], atol=0.1)


def test_tables_belong_to_sessions() -> None:
    table = lookup.MutableHashTable(tf.string, tf.int64, -1)
    insert, size = table.insert(tf.constant(["a"]), tf.constant([1], tf.int64)), table.size()
    with tf.Session() as first, tf.Session() as second:
        first.run(insert)
        assert (first.run(size), second.run(size)) == (1, 0)


def test_a_failed_insert_changes_nothing() -> None:
    table = lookup.MutableDenseHashTable(tf.int64, tf.int64, -1, empty_key=0, deleted_key=-1)
    keys = tf.placeholder(tf.int64, [None])
    insert = table.insert(keys, keys)
    with tf.Session() as session:
        session.run(insert, {keys: [5, 6]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Using the empty_key as a table key is not allowed"):
            session.run(insert, {keys: [7, 0, 8]})
        assert session.run(table.size()) == 2


def test_a_table_is_filled_by_many_threads() -> None:
    table = lookup.MutableHashTable(tf.int64, tf.int64, -1)
    keys = tf.placeholder(tf.int64, [None])
    insert, size = table.insert(keys, keys * 2), table.size()
    with tf.Session() as session:
        parts = [np.arange(i * 50, i * 50 + 50) for i in range(4)]
        threads = [threading.Thread(target=session.run, args=(insert, {keys: p})) for p in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.run(size) == 200
        assert session.run(table.lookup(tf.constant([7, 199, 900], tf.int64))).tolist() == [14, 398, -1]


def _tables() -> tuple[Any, Any]:
    scalar = lookup.MutableHashTable(tf.string, tf.int64, -1, name="words")
    dense = lookup.MutableDenseHashTable(tf.int64, tf.float32, -1.0, 0, -1, name="dense", initial_num_buckets=8)
    return scalar, dense


def test_tables_are_saved_and_restored(tmp_path: Path) -> None:
    scalar, dense = _tables()
    fill = [
        scalar.insert(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)),
        dense.insert(tf.constant([5, 6], tf.int64), tf.constant([0.5, 0.25])),
    ]
    found = [scalar.lookup(tf.constant(["a", "b", "c"])), dense.lookup(tf.constant([5, 6, 7], tf.int64))]
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(fill)
        path = saver.save(session, str(tmp_path / "model"))
    names = [name for name, _ in tf.train.list_variables(path)]
    assert names == ["dense-keys", "dense-values", "words-keys", "words-values"]
    with tf.Session() as session:
        saver.restore(session, path)
        words, numbers = session.run(found)
    assert words.tolist() == [1, 2, -1] and numbers.tolist() == [0.5, 0.25, -1.0]


def test_taking_a_gradient_waits_for_it() -> None:
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[])
    value = tf.placeholder(tf.float32, [])
    apply, take = accumulator.apply_grad(value), accumulator.take_grad(2)
    taken: list[Any] = []
    with tf.Session() as session:
        session.run(apply, {value: 1.0})
        thread = threading.Thread(target=lambda: taken.append(session.run(take)))
        thread.start()
        thread.join(0.2)
        assert not taken
        session.run(apply, {value: 4.0})
        thread.join(10)
    assert taken == [2.5]


def test_closing_the_session_ends_the_wait_for_a_gradient() -> None:
    take = tf.ConditionalAccumulator(tf.float32, shape=[]).take_grad(1)
    caught: list[BaseException] = []
    session = tf.Session()

    def run() -> None:
        try:
            session.run(take)
        except tf.errors.OpError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.2)
    session.close()
    thread.join(10)
    assert [type(e).__name__ for e in caught] == ["CancelledError"]


def _example(**features: Any) -> bytes:
    kinds = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
    lists = {"bytes_list": tf.train.BytesList, "float_list": tf.train.FloatList, "int64_list": tf.train.Int64List}
    made = {}
    for name, values in features.items():
        kind = kinds[type(values[0])]
        made[name] = tf.train.Feature(**{kind: lists[kind](value=values)})
    data: bytes = tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()
    return data


def test_every_prefix_of_a_message_is_parsed_or_refused() -> None:
    whole = _example(numbers=[1, -2, 1 << 40], text=[b"abc"], reals=[0.5, 2.0])
    text = tf.placeholder(tf.string, [])
    parsed = tf.parse_single_example(
        text, {"numbers": tf.VarLenFeature(tf.int64), "reals": tf.VarLenFeature(tf.float32)}
    )
    with tf.Session() as session:
        assert session.run(parsed, {text: whole})["numbers"].values.tolist() == [1, -2, 1 << 40]
        for length in range(1, len(whole)):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"Could not parse|Can't parse"):
                session.run(parsed, {text: whole[:length]})


def test_unsupported_arguments_are_refused() -> None:
    sparse = tf.SparseTensor([[0, 0]], [1], [1, 1])
    with pytest.raises(tf.errors.UnimplementedError, match="out_type"):
        tf.serialize_sparse(sparse, out_type=tf.variant)
    with pytest.raises(tf.errors.UnimplementedError, match="newaxis"):
        tf.ragged.constant([[1], [2, 3]])[:, tf.newaxis]


def test_a_ragged_tensor_is_fed_and_fetched() -> None:
    ragged = tf.ragged.placeholder(tf.int32, 1)
    value = tf.ragged.constant_value([[1, 2], [], [3]], dtype=np.int32)
    with tf.Session() as session:
        doubled, lengths = session.run([ragged * 2, ragged.row_lengths()], {ragged: value})
    assert doubled.to_list() == [[2, 4], [], [6]] and lengths.tolist() == [2, 0, 1]


def test_a_table_in_an_object_checkpoint(tmp_path: Path) -> None:
    """The keys in the file are TF 1.15's."""
    table = lookup.MutableHashTable(tf.string, tf.int64, -1, name="t")
    checkpoint = tf.train.Checkpoint(table=table)
    filled = table.insert(["a", "b"], tf.constant([1, 2], tf.int64))
    emptied, found = table.remove(tf.constant(["a", "b"])), table.lookup(tf.constant(["b", "a", "z"]))
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), filled])
        path = checkpoint.save(str(tmp_path / "model"), session=session)
        session.run(emptied)
        status = checkpoint.restore(path)
        status.assert_consumed()
        status.initialize_or_restore(session)
        assert session.run(found).tolist() == [2, 1, -1]
    keys = [key for key, _ in tf.train.list_variables(path) if key.startswith("table")]
    assert sorted(keys) == ["table/.ATTRIBUTES/table-keys", "table/.ATTRIBUTES/table-values"]


@pytest.mark.parametrize(
    ("metric", "weights", "expected"),
    [("recall_at_k", None, 0.75), ("precision_at_k", None, 0.5), ("average_precision_at_k", [1.0, 0.0, 2.0], 0.5)],
)
def test_metrics_of_sparse_labels(metric: str, weights: Any, expected: float) -> None:
    labels = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 0]], tf.constant([1, 2, 2, 0], tf.int64), [3, 2])
    predictions = tf.constant([[0.1, 0.4, 0.2, 0.3], [0.5, 0.1, 0.3, 0.1], [0.2, 0.2, 0.5, 0.1]])
    value, update = getattr(tf.metrics, metric)(labels, predictions, 2, weights=weights)
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        assert session.run(update) == expected
        assert session.run(value) == expected


def test_retain_of_unknown_rank() -> None:
    """What is known of neither rank nor size is taken as it comes."""
    wanted = tf.placeholder(tf.bool)
    kept = tf.sparse_retain(tf.sparse_placeholder(tf.float32, [2, 2]), wanted)
    sparse = tf.SparseTensor([[0, 1], [1, 0]], [5.0, 6.0], [2, 2])
    of_known_size = tf.sparse_retain(sparse, wanted)
    with tf.Session() as session:
        assert session.run(of_known_size.values, {wanted: [False, True]}).tolist() == [6.0]
    assert kept.values.shape.as_list() == [None]


@pytest.mark.parametrize(
    ("kind", "keys", "values"), [("Mutable", tf.int32, tf.int64), ("Mutable", tf.float32, tf.int64), ("Static", tf.int32, tf.int64)]
)  # fmt: skip
def test_tables_of_types_that_tensorflow_has_none_of_are_refused(kind: str, keys: tf.DType, values: tf.DType) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        if kind == "Mutable":
            asked = tf.contrib.lookup.MutableHashTable(keys, values, 0).size()
        else:
            asked = tf.contrib.lookup.HashTable(
                tf.contrib.lookup.KeyValueTensorInitializer([1], [2], keys, values), 0
            ).init
        with pytest.raises(
            tf.errors.InvalidArgumentError, match=r"No OpKernel was registered to support Op '.*HashTableV2'"
        ):
            session.run(asked)
