"""Iterators: what they take from outside, what they refuse, how they go on, and threads."""

import threading

import numpy as np
import pytest

import retrograph as tf

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def _elements(session, tensor, most=20):
    found = []
    while len(found) < most:
        try:
            found.append(np.asarray(session.run(tensor)).tolist())
        except tf.errors.OutOfRangeError:
            break
    return found


def _run(iterator, *first):
    element = iterator.get_next()
    with tf.Session() as session:
        for operation in first:
            session.run(operation)
        return _elements(session, element)


@pytest.mark.parametrize("use_resource", [False, True])
def test_functions_read_variables(use_resource):
    variable = tf.get_variable("v", initializer=np.int64(5), use_resource=use_resource)
    iterator = Dataset.range(3).map(lambda x: x + variable).make_initializable_iterator()
    assert _run(iterator, tf.global_variables_initializer(), iterator.initializer) == [5, 6, 7]


def test_functions_assign_resource_variables():
    variable = tf.get_variable("v", initializer=np.int64(0), use_resource=True)
    iterator = Dataset.range(3).map(lambda x: variable.assign_add(10)).make_initializable_iterator()
    assert _run(iterator, tf.global_variables_initializer(), iterator.initializer) == [10, 20, 30]


def test_functions_with_tables_after_random_initializers():
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
    iterator = Dataset.from_tensors(["b", "a"]).map(table.lookup).make_initializable_iterator()
    tf.get_variable("v", [2, 3])
    first = (tf.global_variables_initializer(), tf.tables_initializer(), iterator.initializer)
    assert _run(iterator, *first) == [[1, 0]]


def test_functions_look_tables_up():
    table = tf.contrib.lookup.index_table_from_tensor(["a", "b", "c"])
    iterator = Dataset.from_tensor_slices(["c", "a", "z"]).map(table.lookup).make_initializable_iterator()
    assert _run(iterator, tf.tables_initializer(), iterator.initializer) == [2, 0, -1]


def test_one_shot_iterators_take_no_state():
    variable = tf.get_variable("v", initializer=np.int64(5))
    dataset = Dataset.range(3).map(lambda x: x + variable)
    with pytest.raises(ValueError, match="Failed to create a one-shot iterator for a dataset"):
        dataset.make_one_shot_iterator()
    with pytest.raises(ValueError, match="Cannot capture a placeholder"):
        Dataset.range(tf.placeholder(tf.int64, [])).make_one_shot_iterator()


def test_uninitialized_iterator():
    element = Dataset.range(3).make_initializable_iterator().get_next()
    with (
        tf.Session() as session,
        pytest.raises(tf.errors.FailedPreconditionError, match="GetNext\\(\\) failed because"),
    ):
        session.run(element)


def test_iteration_goes_on_after_an_error():
    dataset = Dataset.from_tensor_slices([1.0, 0.0, 2.0]).map(lambda x: tf.check_numerics(1 / x, "bad"))
    element = dataset.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(element) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="bad : Tensor had Inf values"):
            session.run(element)
        assert session.run(element) == 0.5
        with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
            session.run(element)


def test_from_structure_takes_any_such_dataset():
    iterator = tf.data.Iterator.from_structure(tf.int64, [])
    starts = [iterator.make_initializer(Dataset.range(*r)) for r in ((2,), (10, 12))]
    element = iterator.get_next()
    with tf.Session() as session:
        found = [session.run(start) or _elements(session, element) for start in starts]
    assert found == [[0, 1], [10, 11]]
    with pytest.raises(TypeError, match=r"Expected output types tf\.int64 but got dataset"):
        iterator.make_initializer(Dataset.from_tensors(1.0))


def test_string_handles():
    handle = tf.placeholder(tf.string, [])
    element = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    first, second = Dataset.range(3).make_one_shot_iterator(), Dataset.range(5, 8).make_initializable_iterator()
    other = Dataset.from_tensors(1.0).make_one_shot_iterator()
    with tf.Session() as session:
        session.run(second.initializer)
        handles = session.run([first.string_handle(), second.string_handle()])
        assert [session.run(element, {handle: handles[i]}) for i in (0, 1, 0, 1)] == [0, 5, 1, 6]
        with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse string_handle"):
            session.run(element, {handle: "bad"})
        with pytest.raises(tf.errors.InvalidArgumentError, match="Data type mismatch at component 0"):
            session.run(element, {handle: session.run(other.string_handle())})


def test_threads_share_an_iterator():
    element = Dataset.range(200).map(lambda x: x * 2).prefetch(4).make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session:
        threads = [threading.Thread(target=lambda: found.extend(_elements(session, element, 1000))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == [2 * i for i in range(200)]


def test_prefetching_ends_with_the_session():
    element = Dataset.range(10).repeat().prefetch(2).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        session.run(element)
    workers = [t for t in threading.enumerate() if t.name == "tf_data_prefetch"]
    for worker in workers:
        worker.join(5)
    assert not any(w.is_alive() for w in workers)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Dataset.from_tensor_slices(1), ValueError, "has insufficient rank for batching"),
        (lambda: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "Dimensions 2 and 1 are not compatible"),
        (lambda: Dataset.range(3).concatenate(Dataset.from_tensors(1.0)), TypeError, "Two datasets to concatenate"),
        (lambda: Dataset.range(3).filter(lambda x: x), ValueError, "`predicate` return type must be convertible"),
        (lambda: Dataset.range(3).flat_map(lambda x: x), TypeError, "`map_func` must return a `Dataset` object"),
        (lambda: Dataset.zip([Dataset.range(2)]), TypeError, "The argument to `Dataset.zip\\(\\)` must be"),
        (lambda: Dataset.range(1, 2, 3, 4), ValueError, "Invalid arguments to RangeDataset"),
        (lambda: Dataset.range(3).map(lambda x: object()), TypeError, "Unsupported return value from function"),
        (lambda: Dataset.range(3).padded_batch(2, [3]), ValueError, "is not compatible with the corresponding"),
        (lambda: Dataset.range(3).apply(lambda d: 1), TypeError, "must return a Dataset"),
        (lambda: Dataset.from_generator(3, tf.int64), TypeError, "`generator` must be callable"),
        (lambda: iter(Dataset.range(2)), RuntimeError, "only supported inside of tf.function"),
    ],
)
def test_bad_input_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Dataset.range(4).batch(0), "Batch size must be greater than zero"),
        (lambda: Dataset.range(4).shuffle(0), "buffer_size must be greater than zero"),
        (lambda: Dataset.range(5).shard(2, 2), "Index must be between 0 and 1"),
        (lambda: Dataset.range(1, 5, 0), "step must be a non-zero integer"),
        (lambda: Dataset.range(5).prefetch(-5), "buffer_size must be >= 0"),
        (lambda: Dataset.from_generator(lambda: iter(["a"]), tf.int64), "could not be converted to the expected type"),
    ],
)
def test_bad_values_are_refused_when_it_runs(make, text):
    element = make().make_one_shot_iterator().get_next()
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=text):
        session.run(element)


def test_what_is_not_there_is_named():
    with pytest.raises(tf.errors.UnimplementedError, match="make_saveable_from_iterator"):
        tf.data.experimental.make_saveable_from_iterator(Dataset.range(2).make_one_shot_iterator())
    element = Dataset.range(2).cache("/tmp/x").make_one_shot_iterator().get_next()
    with tf.Session() as session, pytest.raises(tf.errors.UnimplementedError, match="a cache in a file"):
        session.run(element)


def test_functions_are_exported_with_the_graph(graph):
    Dataset.range(3).map(lambda x: x * 2).filter(lambda x: x > 1).make_one_shot_iterator().get_next()
    names = [f.signature.name for f in graph.as_graph_def().library.function]
    assert len(names) == 3
    assert all(n.startswith("__inference_") for n in names)


@pytest.mark.parametrize(("count", "wanted"), [(0, (0, 1.0)), (4, (6, 16.0))])
def test_a_dataset_reduced_to_the_state(count, wanted):
    """Of no elements it is the first state; the function that ends a reducer is not called, as in TF 1.15.5."""
    reducer = tf.contrib.data.Reducer(
        lambda key: (key, np.float32(1)), lambda state, value: (state[0] + value, state[1] * 2), lambda a, b: -a
    )
    total, power = tf.contrib.data.reduce_dataset(Dataset.range(count), reducer)
    assert total.name == "ReduceDataset:0"
    with tf.Session() as session:
        assert session.run((total, power)) == wanted
    with pytest.raises(TypeError, match=r"^`dataset` must be a `tf.data.Dataset` object.$"):
        tf.contrib.data.reduce_dataset(3, reducer)
