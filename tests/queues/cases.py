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


CASES = [
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
