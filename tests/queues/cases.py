"""Programs with queues, and what is recorded of them: written so that TF 1.15 on Python 3.7 runs them too."""

import os
import tempfile


def _ops(tf):
    return [[o.name, o.type, [str(t.shape) for t in o.outputs]] for o in tf.get_default_graph().get_operations()]


def _caught(call):
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}".split("\n")[0]


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value.decode() if isinstance(value, bytes) else value


def names_of_queues(tf):
    queue = tf.FIFOQueue(3, [tf.float32, tf.int32], shapes=[[], [2]], shared_name="kept", name="Q")
    with tf.name_scope("in"):
        other = tf.RandomShuffleQueue(9, 2, tf.string, shapes=[[]], seed=4)
        padded = tf.PaddingFIFOQueue(3, tf.int32, [[None]])
        ordered = tf.PriorityQueue(3, tf.string, shapes=[[]])
    queue.enqueue([1.0, [1, 2]])
    queue.enqueue_many([[1.0], [[1, 2]]])
    queue.dequeue()
    queue.dequeue_many(2)
    queue.dequeue_up_to(2, name="some")
    for q in (queue, other, padded, ordered):
        q.close()
        q.size()
        q.is_closed()
    padded.dequeue_many(tf.placeholder(tf.int32, []))
    ordered.dequeue()
    return _ops(tf)


def errors_of_queues(tf):
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]], name="q")
    given, count = tf.placeholder(tf.float32), tf.placeholder(tf.int32)
    put, take, many, close = queue.enqueue(given), queue.dequeue(), queue.dequeue_many(count), queue.close()
    found = [
        _caught(lambda: tf.FIFOQueue(2, [tf.float32, tf.int32], shapes=[[]])),
        _caught(lambda: tf.FIFOQueue(2, tf.float32, names=["a", "b"])),
        _caught(lambda: tf.FIFOQueue(2, tf.float32, shapes=[[None]])),
        _caught(lambda: tf.PaddingFIFOQueue(2, tf.float32, None)),
        _caught(lambda: queue.enqueue([[1.0]])),
        _caught(lambda: queue.enqueue({"a": 1.0})),
        _caught(lambda: queue.dequeue_many(-1)),
        _caught(lambda: tf.QueueBase.from_list(0, [])),
    ]
    with tf.Session() as sess:
        for op, feeds in (
            (put, {given: [1.0, 2.0]}),
            (many, {count: -1}),
            (put, {given: 1.0}),
            (close, {}),
            (close, {}),
            (put, {given: 1.0}),
            (many, {count: 2}),
            (take, {}),
            (take, {}),
        ):
            found.append(_caught(lambda op=op, feeds=feeds: _plain(sess.run(op, feeds))))
    return found


def shuffled(tf):
    queue = tf.RandomShuffleQueue(100, 0, [tf.int32], shapes=[[]], seed=11)
    fill, take, some = queue.enqueue_many([list(range(20))]), queue.dequeue(), queue.dequeue_many(7)
    with tf.Session() as sess:
        sess.run(fill)
        return [_plain(sess.run(take)), _plain(sess.run(some)), _plain(sess.run(take)), _plain(sess.run(some))]


def padded(tf):
    queue = tf.PaddingFIFOQueue(9, [tf.int32, tf.string], [[None, 2], [None]])
    ops = [queue.enqueue(([[1, 2]] * n, ["a"] * (4 - n))) for n in (1, 2, 3)]
    take = queue.dequeue_many(3)
    with tf.Session() as sess:
        for op in ops:
            sess.run(op)
        return _plain(sess.run(take))


def by_priority(tf):
    queue = tf.PriorityQueue(9, [tf.string], shapes=[[]])
    fill, take = queue.enqueue_many(([5, 1, 3, 2], ["five", "one", "three", "two"])), queue.dequeue_many(4)
    with tf.Session() as sess:
        sess.run(fill)
        return _plain(sess.run(take))


def names_of_pipelines(tf):
    image, label = tf.train.slice_input_producer([[1.0, 2.0], [3, 4]], num_epochs=1, seed=1)
    tf.train.shuffle_batch([image, label], 2, 10, 3, num_threads=2, seed=3)
    name = tf.train.string_input_producer(["a", "b"], shuffle=False).dequeue()
    tf.train.batch({"n": name}, 2, dynamic_pad=False, allow_smaller_final_batch=True)
    tf.train.batch_join([[image, label], [image, label]], 2)
    tf.train.maybe_batch([image], tf.placeholder(tf.bool, []), 2, name="sometimes")
    found = _ops(tf)
    runners = [(q.name, [o.name for o in q.enqueue_ops]) for q in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)]
    return [found, _plain(runners), [v.name for v in tf.local_variables()]]


def epochs(tf):
    image, label = tf.train.slice_input_producer([[10, 20, 30], [1, 2, 3]], num_epochs=2, shuffle=True, seed=5)
    batch = tf.train.batch([image, label], 4, allow_smaller_final_batch=True)
    found = []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        try:
            while not coord.should_stop():
                found.append(_plain(sess.run(batch)))
        except tf.errors.OutOfRangeError as error:
            found.append(str(error).split("\n")[0].split("'")[-1])
        coord.request_stop()
        coord.join(threads)
    return found


def readers(tf):
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "lines.txt")
    with open(path, "wb") as file:
        file.write(b"head\r\none\ntwo\n\nlast")
    found = []
    for reader in (
        tf.TextLineReader(skip_header_lines=1),
        tf.WholeFileReader(),
        tf.FixedLengthRecordReader(4, header_bytes=2, footer_bytes=1, hop_bytes=3),
        tf.IdentityReader(),
    ):
        queue = tf.FIFOQueue(9, tf.string, shapes=[[]])
        fill, close, record = queue.enqueue(path), queue.close(), reader.read(queue)
        done = reader.num_records_produced(), reader.num_work_units_completed()
        with tf.Session() as sess:
            sess.run([fill])
            sess.run(close)
            while True:
                one = _caught(lambda sess=sess, record=record: _plain(sess.run(list(record))))
                found.append([v.replace(folder, "") for v in one] if isinstance(one, list) else one.split(" '")[0])
                if not isinstance(one, list):
                    break
            found.append(_plain(sess.run(done)))
    return found


def hooks_names(tf):
    tf.train.get_or_create_global_step()
    tf.get_variable("w", [2])
    tf.train.Scaffold().finalize()
    names = [[o.name, o.type] for o in tf.get_default_graph().get_operations()]
    return [n for n in names if not n[0].startswith("save/")]


def buckets(tf):
    length = tf.train.range_input_producer(12, num_epochs=1, shuffle=False).dequeue()
    lengths, batch = tf.contrib.training.bucket_by_sequence_length(
        length, [tf.range(length)], 2, [5, 10], dynamic_pad=True, allow_smaller_final_batch=True
    )
    names, found = _ops(tf), []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        try:
            while True:
                found.append(_plain(sess.run([lengths, batch[0]])))
        except tf.errors.OutOfRangeError:
            pass
        coord.request_stop()
        coord.join(threads)
    return [names, sorted(found)]


def _barrier_class(tf):
    if tf.__name__ == "retrograph":
        from retrograph.ops.barriers import Barrier
    else:
        from tensorflow.python.ops.data_flow_ops import Barrier
    return Barrier


def barriers(tf):
    make = _barrier_class(tf)
    barrier = make((tf.string, tf.int32, tf.float32), shapes=((), (), (2,)), name="b")
    with tf.name_scope("in"):
        make(tf.float32, shapes=(2, 3), shared_name="kept").take_many(2, allow_small_batch=True)
    count = tf.placeholder(tf.int32, [])
    names, rows = tf.placeholder(tf.string, [None]), tf.placeholder(tf.float32)
    strings = barrier.insert_many(0, names, ["a", "b"])
    numbers = [barrier.insert_many(1, [key], [value]) for key, value in (("k1", 1), ("k3", 3), ("k2", 2))]
    pairs = barrier.insert_many(2, names, rows)
    taken, some = barrier.take_many(count), barrier.take_many(3, allow_small_batch=True)
    sizes = [barrier.ready_size(), barrier.incomplete_size()]
    close, cancel = barrier.close(), barrier.close(True)
    found = [_ops(tf)]
    with tf.Session() as sess:

        def run(fetches, feeds=None):
            found.append(_caught(lambda: _plain(sess.run(fetches, feeds))))

        first = {names: [b"k1", b"k2"]}
        run(strings, first)
        run(strings, first)
        run(numbers[:2])
        run(pairs, {names: [b"k1", b"k3", b"k2"], rows: [[1, 2], [3, 4], [5, 6]]})
        run(sizes)
        run(numbers[2])
        run(sizes)
        run(barrier.insert_many(0, [b"k3"], ["c"]))
        run(sizes)
        run([taken.indices, taken.keys] + taken.values, {count: 2})
        run(strings, {names: [b"k7", b"k8"]})
        run(pairs, {names: [b"k7", b"k8"], rows: [[1, 2], [3, 4]]})
        run(close)
        run(close)
        run(barrier.insert_many(0, [b"k5"], ["c"]))
        run(barrier.insert_many(1, [b"k7"], [7]))
        run([some.keys] + some.values)
        run([some.keys] + some.values)
        run(barrier.insert_many(1, [b"k8"], [8]))
        run([taken.keys] + taken.values, {count: 1})
        run([taken.keys] + taken.values, {count: 1})
        run(cancel)
        run(cancel)
        run(strings, {names: [b"k7", b"k8"]})
        run(sizes)
    found.append(_caught(lambda: make(tf.float32, shapes=((0,),)).name))
    found.append(_caught(lambda: make([tf.float32, tf.int32], shapes=((),)).name))
    found.append(_caught(lambda: barrier.insert_many(0, ["a"], ["a", "b"]).name))
    found.append(_caught(lambda: barrier.insert_many(0, "a", ["a", "b"]).name))
    return found


def _sequences(tf, **options):
    """Sequences of lengths 3, 7 and 4, in pieces of 3 steps; the state counts steps."""
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    length = tf.gather([3, 7, 4], number)
    steps = tf.cast(tf.range(length), tf.float32) + tf.cast(number, tf.float32) * 100
    sequences = {"x": tf.stack([steps, -steps], 1), "words": tf.as_string(tf.range(length))}
    context = {"which": tf.stack([number, number * 2])}
    if options.pop("sparse", False):
        pairs = tf.stack([tf.range(length), tf.range(length) % 2], 1)
        shape = tf.cast(tf.stack([length, 2]), tf.int64)
        sequences["few"] = tf.SparseTensor(tf.cast(pairs, tf.int64), tf.range(length) + 10, shape)
        context["place"] = tf.SparseTensor([[1], [2]], tf.stack([number, length]), [4])
    states = {"seen": tf.constant([0, 5])}
    return tf.contrib.training.batch_sequences_with_states(
        tf.string_join(["key", tf.as_string(number)]), sequences, context, length, states, 3, num_threads=1, **options
    )


def _run_sequences(tf, batch):
    names = _ops(tf)
    save = batch.save_state("seen", batch.state("seen") + tf.expand_dims(batch.length, 1))
    wanted = {
        "key": batch.key, "next": batch.next_key, "length": batch.length, "total": batch.total_length,
        "place": batch.sequence, "count": batch.sequence_count, "size": batch.batch_size, "state": batch.state("seen"),
        "context": batch.context, "sequences": batch.sequences, "save": save,
    }  # fmt: skip
    found = []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        while sum(len(run["key"]) for run in found) < 6:
            run = sess.run(wanted)
            run.pop("save")
            for kind in ("context", "sequences"):
                run[kind] = {k: _plain(list(v) if isinstance(v, tuple) else v) for k, v in run[kind].items()}
            found.append({key: value if isinstance(value, dict) else _plain(value) for key, value in run.items()})
        coord.request_stop()
        coord.join(threads)
    return [names, sorted(found, key=lambda run: run["key"])]


def pieces_of_sequences(tf):
    return _run_sequences(tf, _sequences(tf, batch_size=1))


def pieces_with_sparse_tensors(tf):
    # TensorFlow may wait for ever when it runs these two (its threads race): their operations are compared.
    batch = _sequences(tf, batch_size=1, sparse=True, name="cut")
    return [_ops(tf), sorted(batch.context), sorted(batch.sequences)]


def pieces_in_batches(tf):
    batch = _sequences(tf, batch_size=2, make_keys_unique=True, make_keys_unique_seed=5, capacity=8)
    shapes = [str(t.shape) for t in (batch.key, batch.length, batch.state("seen"), batch.sequences["x"])]
    batch.save_state("seen", batch.state("seen"))
    return [shapes, _ops(tf)]


def pieces_and_recurrent_layers(tf):
    batch = _sequences(tf, batch_size=1)
    cell = tf.nn.rnn_cell.BasicRNNCell(2)
    inputs = tf.unstack(batch.sequences["x"], num=3, axis=1)
    saver = type("Saver", (), {})()
    saver.state = lambda name: tf.cast(batch.state("seen"), tf.float32)
    saver.save_state = lambda name, value: batch.save_state("seen", tf.cast(value, tf.int32))
    outputs, state = tf.nn.static_state_saving_rnn(cell, inputs, saver, "seen")
    return [_ops(tf), str(outputs[0].shape), str(state.shape)]


def errors_of_sequences(tf):
    saver = tf.contrib.training.SequenceQueueingStateSaver
    key, x, state = tf.constant("k"), tf.zeros([4, 2]), {"s": tf.zeros([3])}

    def made(length=4, key=key, sequences=None, context=None, states=None, **options):
        sequences = {"x": x} if sequences is None else sequences
        return lambda: saver(
            2, 2, length, key, sequences, context or {}, state if states is None else states, **options
        )

    calls = [
        made(capacity=1),
        made(states={}),
        made(states={"a:b": x}),
        made(states={3: x}),
        made(sequences={}),
        made(sequences={"a:b": x}),
        made(context={3: x}),
        made(length=[4]),
        made(length=4.0),
        made(key=3),
        made(states={"s": tf.placeholder(tf.float32, [None])}),
        made(sequences={"x": tf.placeholder(tf.float32, [None, None])}),
        lambda: made(capacity=3)().next_batch.save_state("t", x),
        lambda: made(capacity=3)().next_batch.save_state("s", x),
        lambda: tf.contrib.training.batch_sequences_with_states(key, {"x": x}, {}, 4, state, 2.5, 2),
        lambda: tf.contrib.training.batch_sequences_with_states(key, {3: x}, {}, 4, state, 2, 2),
    ]
    found = [_caught(lambda call=call: type(call()).__name__) for call in calls]
    fed = tf.placeholder(tf.float32, [None, 2])
    with tf.Session() as sess:
        for length, rows in ((3, 3), (5, 4)):
            prefetch = made(length=length, sequences={"x": fed}, capacity=3)().prefetch_op
            found.append(_caught(lambda: sess.run(prefetch, {fed: [[0.0, 0.0]] * rows})))  # noqa: B023
    return found


def _staging_map(tf, prefix):
    raw, types = tf.raw_ops, [tf.float32, tf.int32, tf.string]
    attrs = {"shared_name": "m", "dtypes": types}

    def op(name, **arguments):
        return getattr(raw, prefix + name)(**dict(attrs, **arguments))

    key = tf.placeholder(tf.int64, [])
    whole = op("MapStage", key=key, indices=[0, 1, 2], values=[1.5, 2, "a"])
    first = op("MapStage", key=key, indices=[0], values=[2.5])
    rest = op("MapStage", key=key, indices=[1, 2], values=[7, "b"])
    beyond = op("MapStage", key=key, indices=[7], values=[2.5])
    disorder = op("MapStage", key=key, indices=[1, 0], values=[7, 2.5])
    peek = op("MapPeek", key=key, indices=[0, 1], dtypes=types[:2])
    take_part = op("MapUnstage", key=key, indices=[0, 1], dtypes=types[:2])
    take = op("MapUnstage", key=key, indices=[0, 1, 2])
    take_any = op("MapUnstageNoKey", indices=[2], dtypes=types[2:])
    sizes = [op("MapSize"), op("MapIncompleteSize")]
    clear = op("MapClear")
    found = [_ops(tf)]
    with tf.Session() as sess:

        def run(fetches, number=1):
            found.append(_caught(lambda: _plain(sess.run(fetches, {key: number}))))

        run(whole, 3)
        run(whole, 2)
        run(first, 1)
        run(first, 1)
        run(beyond, 1)
        run(disorder, 9)
        run(sizes)
        run(rest, 1)
        run(sizes)
        run(peek, 1)
        run(take_part, 1)
        run(take_part, 1)
        run(sizes)
        run(take, 3)
        run([take_any.key] + list(take_any.values) if prefix else clear)
        run([take_any.key] + list(take_any.values) if prefix else clear)
        run(clear)
        run(sizes)
    return found


def staging_maps(tf):
    return _staging_map(tf, "")


def ordered_staging_maps(tf):
    return _staging_map(tf, "Ordered")


CASES = [
    staging_maps,
    ordered_staging_maps,
    barriers,
    pieces_of_sequences,
    pieces_with_sparse_tensors,
    pieces_in_batches,
    pieces_and_recurrent_layers,
    errors_of_sequences,
    names_of_queues,
    errors_of_queues,
    shuffled,
    padded,
    by_priority,
    names_of_pipelines,
    epochs,
    readers,
    hooks_names,
    buckets,
]
