"""Waiting for other threads: who is let go on, and what ends a wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import retrograph as tf


class Thread(threading.Thread):
    """A thread that keeps what its function gives or raises."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.value, self.error = call, None, None
        self.start()

    def run(self):
        try:
            self.value = self.call()
        except Exception as error:
            self.error = error

    def result(self):
        self.join(20)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.value


def waiting(sess, count=1):
    """Waits until so many operations of the session wait."""
    until = time.monotonic() + 20
    while len(sess._waits._current) < count:
        assert time.monotonic() < until
        time.sleep(0.002)


def test_a_dequeue_waits_for_an_element():
    queue = tf.FIFOQueue(2, tf.int32)
    with tf.Session() as sess:
        take, put = queue.dequeue(), queue.enqueue(7)
        thread = Thread(lambda: sess.run(take))
        waiting(sess)
        sess.run(put)
        assert thread.result() == 7


def test_an_enqueue_waits_for_room_and_is_served_in_order():
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    given = tf.placeholder(tf.int32)
    put, take, many = queue.enqueue(given), queue.dequeue(), queue.dequeue_many(2)
    with tf.Session() as sess:
        sess.run(put, {given: 1})
        first = Thread(lambda: sess.run(put, {given: 2}))
        waiting(sess)
        second = Thread(lambda: sess.run(put, {given: 3}))
        waiting(sess, 2)
        assert sess.run(take) == 1
        first.result()
        assert sess.run(many).tolist() == [2, 3]
        second.result()


def test_closing_the_session_cancels_who_waits():
    queue, full = tf.FIFOQueue(1, tf.int32), tf.FIFOQueue(1, tf.int32)
    take, put = queue.dequeue(), full.enqueue(1)
    sess = tf.Session()
    sess.run(put)
    threads = [Thread(lambda: sess.run(take)), Thread(lambda: sess.run(put))]
    waiting(sess, 2)
    sess.close()
    for thread, what in zip(threads, ("Dequeue", "Enqueue"), strict=True):
        with pytest.raises(tf.errors.CancelledError, match=f"{what} operation was cancelled"):
            thread.result()


def test_closing_the_queue_lets_go():
    queue = tf.FIFOQueue(1, tf.int32)
    put, take = queue.enqueue(1), queue.dequeue()
    with tf.Session() as sess:
        sess.run(put)
        thread = Thread(lambda: sess.run(put))
        waiting(sess)
        sess.run(queue.close(cancel_pending_enqueues=True))
        with pytest.raises(tf.errors.CancelledError):
            thread.result()
        assert sess.run(take) == 1
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(take)


def test_a_partly_taken_batch_goes_back():
    queue = tf.FIFOQueue(9, tf.int32, shapes=[[]])
    put, many, take = queue.enqueue_many([[1, 2, 3]]), queue.dequeue_many(5), queue.dequeue()
    with tf.Session() as sess:
        sess.run(put)
        thread = Thread(lambda: sess.run(many))
        waiting(sess)
        assert sess.run(queue.size()) == 0
        sess.run(queue.close())
        with pytest.raises(tf.errors.OutOfRangeError, match=r"requested 2, current size 0"):
            thread.result()
        assert [sess.run(take) for _ in range(3)] == [1, 2, 3]


def test_time_limits():
    queue = tf.FIFOQueue(9, tf.int32, shapes=[[]])
    put, many, size = queue.enqueue(5), queue.dequeue_many(2), queue.size()
    with tf.Session() as sess:
        sess.run(put)
        with pytest.raises(tf.errors.DeadlineExceededError):
            sess.run(many, options=tf.RunOptions(timeout_in_ms=30))
        assert sess.run(size) == 1
    with (
        tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=30)) as sess,
        pytest.raises(tf.errors.DeadlineExceededError),
    ):
        sess.run(many)


def test_one_run_may_put_in_what_it_takes_out():
    queue = tf.FIFOQueue(1, tf.int32)
    take = queue.dequeue()
    put = queue.enqueue(4)
    with tf.Session() as sess:
        assert sess.run([take, put])[0] == 4


def test_threads_see_each_others_variables():
    """An operation that waited sees what was assigned meanwhile."""
    queue = tf.FIFOQueue(1, tf.float32)
    v = tf.Variable(1.0)
    taken = queue.dequeue()
    with tf.control_dependencies([taken]):
        after = v.read_value() * taken
    put, assign = queue.enqueue(2.0), v.assign(10.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        thread = Thread(lambda: sess.run(after))
        waiting(sess)
        sess.run(assign)
        sess.run(put)
        assert thread.result() == 20.0


def test_counting_in_threads_takes_each_number_once():
    v = tf.Variable(0)
    count = v.count_up_to(200)
    with tf.Session() as sess:
        sess.run(v.initializer)

        def numbers():
            found = []
            while True:
                try:
                    found.append(int(sess.run(count)))
                except tf.errors.OutOfRangeError:
                    return found

        threads = [Thread(numbers) for _ in range(4)]
        assert sorted(n for t in threads for n in t.result()) == list(range(200))


def test_what_is_fed_to_a_queue_is_its_own():
    queue = tf.FIFOQueue(1, tf.float32)
    given = tf.placeholder(tf.float32)
    put, take = queue.enqueue(given), queue.dequeue()
    array = np.ones(3, np.float32)
    with tf.Session() as sess:
        sess.run(put, {given: array})
        array[:] = 5
        assert sess.run(take).tolist() == [1, 1, 1]


def test_a_bad_element_changes_nothing():
    queue = tf.FIFOQueue(5, [tf.float32, tf.float32], shapes=[[2], [2]])
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    put = queue.enqueue([a, b])
    with tf.Session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"component 1. Expected \[2\], got \[3\]"):
            sess.run(put, {a: [1, 2], b: [1, 2, 3]})
        assert sess.run(queue.size()) == 0


def test_sessions_have_their_own_elements_and_servers_share_them():
    queue = tf.FIFOQueue(5, tf.int32)
    put, size = queue.enqueue(1), queue.size()
    with tf.Session() as one, tf.Session() as other:
        one.run(put)
        assert (one.run(size), other.run(size)) == (1, 0)
    server = tf.train.Server.create_local_server()
    with tf.Session(server.target) as one, tf.Session(server.target) as other:
        one.run(put)
        assert other.run(size) == 1
    with pytest.raises(tf.errors.UnavailableError):
        tf.Session("grpc://elsewhere:2222")


def test_slices_by_taken_indices_are_compiled_once(monkeypatch):
    from retrograph.runtime import plan

    compiled = []
    kept = plan.Segment._compiled
    monkeypatch.setattr(plan.Segment, "_compiled", lambda self, *args: compiled.append(1) or kept(self, *args))
    monkeypatch.setattr(plan.Plan, "_on_host", lambda self, values, session: False)
    index = tf.placeholder(tf.int32, [])
    v = tf.Variable(np.ones((3, 4), np.float32))
    data = tf.constant(np.arange(60.0, dtype=np.float32).reshape(3, 20))
    total = tf.reduce_sum(tf.matmul(data[:, index : index + 3], v))
    with tf.Session() as sess:
        sess.run(v.initializer)
        compiled.clear()
        for i in range(10):
            expected = 4 * np.arange(60.0).reshape(3, 20)[:, i : i + 3].sum()
            assert sess.run(total, {index: i}) == expected
    assert len(compiled) < 7


# Whoever starts the tests in the background has them ignore Ctrl-C, and what they start too.
_INTERRUPTED = """
import signal, threading, retrograph as tf
signal.signal(signal.SIGINT, signal.default_int_handler)
queue = tf.FIFOQueue(2, tf.int32)
take, put = queue.dequeue(), queue.enqueue(3)
sess = tf.Session()
sess.run(put)
print(sess.run(take), flush=True)
try:
    print("waiting", flush=True)
    sess.run(take)
except KeyboardInterrupt:
    sess.run(put)
    print("interrupted", sess.run(take), len(sess._waits._current), flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_ends_a_wait():
    process = subprocess.Popen([sys.executable, "-c", _INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "3\n"
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[0] == "interrupted 3 0\n"


_LEFT_RUNNING = """
import retrograph as tf
from retrograph.runtime import plan
plan.Plan._on_host = lambda self, values, session: False
batch = tf.train.shuffle_batch([tf.random_normal([6]) * 2.0], 4, 50, 8, num_threads=2)
sess = tf.Session()
tf.train.start_queue_runners(sess)
print(sess.run(batch).shape, flush=True)
"""


def test_threads_left_running_do_not_harm_the_end_of_the_process():
    done = subprocess.run([sys.executable, "-c", _LEFT_RUNNING], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "(4, 6)\n"), done.stderr
    assert "Exception" not in done.stderr
