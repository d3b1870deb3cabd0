"""Coordinators, queue runners, monitored sessions, hooks, supervisors."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest

import retrograph as tf


def counting():
    step = tf.train.get_or_create_global_step()
    return tf.assign_add(step, 1)


def others():
    return [t for t in threading.enumerate() if t.name.startswith("QueueRunner")]


def test_the_first_error_of_a_thread_is_raised_by_join():
    coord = tf.train.Coordinator()

    def fail():
        with coord.stop_on_exception():
            raise ValueError("first")

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(ValueError, match="first"):
        coord.join([thread])
    assert coord.should_stop() and coord.joined
    coord.clear_stop()
    coord.join([])


def test_an_error_of_a_queue_runner_reaches_the_program():
    bad = tf.py_func(lambda: 1 // 0, [], tf.int64)
    bad.set_shape([])
    batch = tf.train.batch([bad], 2)
    with tf.Session() as sess:
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(batch)
        with pytest.raises(tf.errors.UnknownError, match="ZeroDivisionError"):
            coord.join(threads)
        assert not others()


def test_a_monitored_session_stops_threads_and_unfinalizes_the_graph():
    number = tf.train.range_input_producer(3, num_epochs=1, shuffle=False).dequeue()
    found = []
    with tf.train.MonitoredSession() as sess:
        assert tf.get_default_graph().finalized
        while not sess.should_stop():
            found.append(int(sess.run(number)))
    assert found == [0, 1, 2]
    assert not others()
    assert not tf.get_default_graph().finalized


def test_recovery_starts_again_from_the_checkpoint(tmp_path):
    count = counting()
    failures = [tf.errors.AbortedError(None, None, "gone"), tf.errors.UnavailableError(None, None, "away")]

    class Failing(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            if tf.train.global_step(run_context.session, tf.train.get_global_step()) == 3 and failures:
                raise failures.pop()

    seen = []
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path),
        save_checkpoint_secs=None,
        save_checkpoint_steps=2,
        hooks=[Failing(), tf.train.StopAtStepHook(last_step=5)],
    ) as sess:
        while not sess.should_stop():
            seen.append(int(sess.run(count)))
    assert seen == [1, 2, 3, 4, 5]
    assert not failures
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-5")


def test_other_errors_end_training_and_hooks_do_not_end_well():
    count, ended = counting(), []

    class Hook(tf.train.SessionRunHook):
        def end(self, session):
            ended.append(session)

    with pytest.raises(ZeroDivisionError), tf.train.MonitoredSession(hooks=[Hook()]) as sess:
        sess.run(count)
        raise ZeroDivisionError
    assert not ended
    with tf.train.MonitoredSession(hooks=[Hook()]) as sess:
        sess.run(count)
    assert len(ended) == 1
    with pytest.raises(RuntimeError, match="already closed"):
        sess.close()


def test_hooks_read_the_step_before_it_counts():
    count, seen = counting(), []

    class Hook(tf.train.SessionRunHook):
        def begin(self):
            from retrograph.train import training_util

            self.read = training_util._get_or_create_global_step_read()

        def before_run(self, run_context):
            return tf.train.SessionRunArgs(self.read)

        def after_run(self, run_context, run_values):
            seen.append(int(run_values.results))

    with tf.train.MonitoredSession(hooks=[Hook()]) as sess:
        assert [int(sess.run(count)) for _ in range(4)] == [1, 2, 3, 4]
    assert seen == [0, 1, 2, 3]


def test_training_writes_what_1_15_writes(tmp_path):
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    loss = tf.square(w - 3.0)
    tf.summary.scalar("loss", loss)
    op = tf.train.GradientDescentOptimizer(0.01).minimize(loss, tf.train.get_or_create_global_step())
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path),
        hooks=[tf.train.StopAtStepHook(last_step=12), tf.train.ProfilerHook(save_steps=6, output_dir=str(tmp_path))],
        save_checkpoint_secs=None,
        save_checkpoint_steps=7,
        save_summaries_steps=5,
        log_step_count_steps=5,
    ) as sess:
        while not sess.should_stop():
            sess.run(op)
    files = sorted(os.listdir(tmp_path))
    assert [f for f in files if f.endswith("index")] == [
        "model.ckpt-0.index",
        "model.ckpt-12.index",
        "model.ckpt-7.index",
    ]
    events = [e for f in files if "events" in f for e in tf.train.summary_iterator(str(tmp_path / f))]
    found = [(e.step, v.tag) for e in events for v in e.summary.value]
    assert found == [(1, "loss"), (6, "global_step/sec"), (6, "loss"), (11, "global_step/sec"), (11, "loss")]
    traces = [f for f in files if f.startswith("timeline")]
    assert traces
    trace = json.loads((tmp_path / traces[0]).read_text())["traceEvents"]
    assert {"ph", "name", "pid", "tid", "ts", "dur", "args"} <= set(trace[1])
    assert trace[0]["name"] == "process_name"


def test_losses_that_are_not_numbers():
    loss = tf.placeholder_with_default(np.float32("nan"), [])
    counting()
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError),
        tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(loss)]) as sess,
    ):
        sess.run(loss)
    with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(loss, fail_on_nan_loss=False)]) as sess:
        sess.run(loss)
        assert sess.should_stop()


def test_a_tensor_is_fed_once():
    given = tf.placeholder(tf.float32, [])
    twice = given * 2
    hook = tf.train.FeedFnHook(lambda: {given: 4.0})
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        assert sess.run(twice) == 8.0
        with pytest.raises(RuntimeError, match="Same tensor is fed by a SessionRunHook and user"):
            sess.run(twice, {given: 1.0})


def test_steps_of_functions():
    count = counting()

    def step(step_context):
        value = step_context.session.run(count) + step_context.run_with_hooks(count)
        if value > 4:
            step_context.request_stop()
        return value

    found = []
    with tf.train.MonitoredSession() as sess:
        while not sess.should_stop():
            found.append(int(sess.run_step_fn(step)))
    assert found == [3]
    with tf.train.MonitoredSession() as sess, pytest.raises(ValueError, match="step_context"):
        sess.run_step_fn(lambda a, b: None)


def test_a_supervisor_restores_and_saves(tmp_path):
    w = tf.get_variable("w", [], initializer=tf.ones_initializer())
    double = w.assign(w * 2)
    step = tf.train.get_or_create_global_step()
    tf.summary.scalar("w", w)
    for expected in (2.0, 4.0):
        sv = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=0, save_summaries_secs=0)
        with sv.managed_session() as sess:
            assert sess.run(double) == expected
            sv.saver.save(sess, sv.save_path, global_step=step)
        assert sv.should_stop()
        tf.get_default_graph()._unsafe_unfinalize()


def test_a_supervisor_raises_what_ends_its_block():
    counting()
    sv = tf.train.Supervisor()
    with pytest.raises(KeyError), sv.managed_session():
        raise KeyError("x")
    with sv.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "end")


def test_what_is_not_ready_says_what_is_missing():
    tf.get_variable("w", [])
    with pytest.raises(RuntimeError, match="Variables not initialized: w"):
        tf.train.SessionManager(ready_op=tf.report_uninitialized_variables()).prepare_session("", init_op=tf.no_op())
    with pytest.raises(tf.errors.DeadlineExceededError, match="Session was not ready after waiting 0 secs"):
        tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(), recovery_wait_secs=1).wait_for_session(
            "", max_wait_secs=0
        )


def test_slim_trains_from_a_queue(tmp_path):
    number = tf.cast(tf.train.range_input_producer(8, shuffle=False).dequeue(), tf.float32)
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    train_op = tf.contrib.slim.learning.create_train_op(
        tf.square(w - 2.0) + 0.0 * number, tf.train.GradientDescentOptimizer(0.3)
    )
    loss = tf.contrib.slim.learning.train(train_op, str(tmp_path), number_of_steps=20, log_every_n_steps=0)
    assert loss < 1e-3
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-20")
    assert not others()


def test_servers_of_several_tasks_are_refused():
    cluster = tf.train.ClusterSpec({"ps": ["a:1"], "worker": {0: "b:1", 2: "c:1"}})
    assert cluster.as_dict() == {"ps": ["a:1"], "worker": {0: "b:1", 2: "c:1"}}
    with pytest.raises(tf.errors.UnimplementedError, match="several tasks"):
        tf.train.Server(cluster, "worker", 0)
    with pytest.raises(ValueError, match="explicit `job_name`"):
        tf.train.Server(cluster)
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        v = tf.get_variable("v", [])
        x = tf.constant(1.0)
    assert (v.device, x.device) == ("/job:ps/task:0", "/job:worker")
