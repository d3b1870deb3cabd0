"""Staging areas: what is put aside comes back in order, waits for room and elements, names, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograph as tf


@pytest.fixture
def session() -> Iterator[Any]:
    with tf.Graph().as_default(), tf.Session() as opened:
        yield opened


def test_elements_come_back_in_order_and_can_be_looked_at(session: Any) -> None:
    fed = tf.placeholder(tf.float32, [2])
    area = tf.contrib.staging.StagingArea([tf.float32, tf.int32], [[2], []])
    put, got, peeked = area.put([fed, tf.constant(7)]), area.get(), area.peek(1)
    assert (put.name, got[0].op.name, put.type, got[0].op.type) == (
        "StagingArea_put",
        "StagingArea_get",
        "Stage",
        "Unstage",
    )
    assert [t.shape.as_list() for t in got] == [[2], []]
    for value in (1, 2):
        session.run(put, {fed: [value, value]})
    assert session.run(area.size()) == 2
    assert session.run(peeked)[0].tolist() == [2, 2]
    assert [session.run(got)[0].tolist() for _ in range(2)] == [[1, 1], [2, 2]]
    session.run([put, area.put([fed, tf.constant(8)])], {fed: [3, 3]})
    session.run(area.clear())
    assert session.run(area.size()) == 0


def test_what_one_run_puts_aside_the_next_computes_with(session: Any) -> None:
    step = tf.placeholder(tf.float32, [])
    area = tf.contrib.staging.StagingArea([tf.float32])
    put = area.put([step * 10.0])
    (before,) = area.get()
    session.run(put, {step: 0})
    assert [session.run([before + 1.0, put], {step: i})[0] for i in (1, 2, 3)] == [1.0, 11.0, 21.0]


def test_names_and_areas_of_one_name(session: Any) -> None:
    area = tf.contrib.staging.StagingArea([tf.int32, tf.int32], names=["a", "b"], shared_name="one")
    again = tf.contrib.staging.StagingArea([tf.int32, tf.int32], names=["a", "b"], shared_name="one")
    session.run(area.put({"a": tf.constant(1), "b": tf.constant(2)}))
    assert session.run(again.get()) == {"a": 1, "b": 2}


@pytest.mark.parametrize("bound", [{"capacity": 1}, {"memory_limit": 8}])
def test_who_puts_in_waits_for_room(session: Any, bound: dict[str, int]) -> None:
    area = tf.contrib.staging.StagingArea([tf.float32], **bound)
    put, got = area.put([tf.constant([1.0, 2.0])]), area.get()
    session.run(put)
    second = threading.Thread(target=session.run, args=(put,), daemon=True)
    second.start()
    np.testing.assert_array_equal(session.run(got)[0], [1, 2])
    second.join(20)
    assert not second.is_alive()
    assert session.run(area.size()) == 1


def test_what_does_not_fit_is_refused(session: Any) -> None:
    staging = tf.contrib.staging.StagingArea
    with pytest.raises(ValueError, match="shapes must be the same length as dtypes"):
        staging([tf.int32], [[], []])
    with pytest.raises(ValueError, match="shared_name must be a string"):
        staging([tf.int32], shared_name=3)
    area = staging([tf.int32], [[2]])
    with pytest.raises(ValueError, match="Datatypes do not match"):
        area.put([tf.constant([1.0, 2.0])])
    with pytest.raises(ValueError, match="are incompatible"):
        area.put([tf.constant([1])])
    with pytest.raises(ValueError, match="Unexpected number of inputs '2' vs '1'"):
        area.put([tf.constant([1, 2])] * 2)
    with pytest.raises(ValueError, match="must have names to enqueue a dictionary"):
        area.put({"a": tf.constant([1, 2])})
    with pytest.raises(tf.errors.ResourceExhaustedError, match="combined size of '8' bytes into Staging Area"):
        session.run(staging([tf.int32], memory_limit=4).put([tf.constant([1, 2])]))
