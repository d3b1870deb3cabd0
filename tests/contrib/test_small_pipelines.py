"""`tf.contrib.input_pipeline` and queue runners that feed."""

import pytest

import retrograph as tf
from retrograph.contrib.input_pipeline import seek_next


def test_texts_one_after_the_other() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        counter = tf.get_variable("c", initializer=tf.constant(-1, tf.int64))
        texts = tf.contrib.input_pipeline.obtain_next(tf.constant(["u", "v"]), counter)
        epochs = seek_next(["a", "b"], num_epochs=2)
        assert (texts.op.type, texts.shape, texts.dtype) == ("ObtainNext", (), tf.string)
        sess.run(tf.global_variables_initializer())
        assert [sess.run(texts) for _ in range(3)] == [b"u", b"v", b"u"]
        assert [sess.run(epochs) for _ in range(4)] == [b"a", b"b", b"a", b"b"]
        with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 4"):
            sess.run(epochs)


def test_a_runner_that_feeds() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        queue, x = tf.FIFOQueue(10, tf.int32, shapes=[[]]), tf.placeholder(tf.int32, [])
        numbers = iter(range(3))

        def feed() -> dict[tf.Tensor, int]:
            for number in numbers:
                return {x: number}
            raise tf.errors.OutOfRangeError(None, None, "no more")

        runner = tf.contrib.training.FeedingQueueRunner(queue, [queue.enqueue(x)], feed_fns=[feed])
        coord = tf.train.Coordinator()
        threads = runner.create_threads(sess, coord, start=True)
        assert [sess.run(queue.dequeue()) for _ in range(3)] == [0, 1, 2]
        coord.request_stop()
        coord.join(threads)
        with pytest.raises(ValueError, match="must have the same length as enqueue_ops"):
            tf.contrib.training.FeedingQueueRunner(queue, [queue.enqueue(x)], feed_fns=[])
