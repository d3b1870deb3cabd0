"""`tf.test.TestCase`, used as a program uses it."""

from __future__ import annotations

import unittest

import numpy as np
import pytest

import retrograph as tf


class CaseTest(tf.test.TestCase):
    def test_sessions_and_values(self) -> None:
        with self.cached_session() as sess:
            a = tf.constant([1.0, 2.0])
            self.assertIs(tf.get_default_session(), sess)
            self.assertAllEqual([2.0, 4.0], self.evaluate(a * 2))
            self.assertAllClose({"a": a}, {"a": [1.0, 2.0 + 1e-7]})
        with self.session(graph=tf.Graph()) as sess:
            self.assertIsNot(sess.graph, a.graph)

    def test_operations_go_to_the_cpu(self) -> None:
        with self.cached_session():
            self.assertDeviceEqual("/device:CPU:0", tf.constant(1).device)
        with self.cached_session(use_gpu=True):
            self.assertDeviceEqual("", tf.constant(1).device)

    def test_failures(self) -> None:
        with self.assertRaises(AssertionError):
            self.assertAllClose([1.0], [1.1])
        with self.assertRaises(AssertionError):
            self.assertAllEqual([1], [[1]])
        with self.assertRaisesRegex(ValueError, "Can't compare dict to non-dict"):
            self.assertAllClose({"a": 1}, [1])
        with self.assertRaisesRegex(AssertionError, "outside the range"):
            self.assertAllInRange([1, 5], 0, 2)

    def test_errors_of_operations(self) -> None:
        with self.cached_session() as sess, self.assertRaisesOpError("uninitialized"):
            sess.run(tf.Variable(1.0))

    def test_nan_equals_nan(self) -> None:
        self.assertAllEqual([np.nan], [np.nan])

    def test_gradients(self) -> None:
        with self.cached_session():
            x = tf.constant([1.0, 2.0])
            error = tf.test.compute_gradient_error(
                x, [2], tf.square(x), [2], x_init_value=np.array([1.0, 2.0], np.float32)
            )
            self.assertLess(error, 1e-2)


def test_local_cluster_of_one_worker() -> None:
    workers, parameters = tf.test.create_local_cluster(1, 0)
    assert len(workers) == 1 and parameters == []
    with tf.Graph().as_default(), tf.Session(workers[0].target) as session:
        assert session.run(tf.constant(3) + 4) == 7
    with pytest.raises(tf.errors.UnimplementedError, match="num_workers=2, num_ps=1"):
        tf.test.create_local_cluster(2, 1)


def test_method_named_test_session_is_skipped_before_the_rest_of_set_up() -> None:
    class Prepared(tf.test.TestCase):
        prepared: list[str] = []

        def setUp(self) -> None:
            super().setUp()
            self.prepared.append(self.id())

        def test_something(self) -> None:
            pass

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Prepared).run(result)
    assert [reason for _, reason in result.skipped] == ["Not a test."]
    assert [name.rpartition(".")[2] for name in Prepared.prepared] == ["test_something"]
    assert result.testsRun == 2 and not result.errors
