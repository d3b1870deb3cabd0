"""`tf.contrib.framework.RecordInput`: every record once an epoch, in an order that a seed settles."""

from __future__ import annotations

from collections import Counter

import pytest

import retrograph as tf


@pytest.fixture
def files(tmp_path):
    for i in range(3):
        with tf.python_io.TFRecordWriter(str(tmp_path / f"r{i}")) as writer:
            for j in range(4):
                writer.write(f"{i}-{j}".encode())
    return str(tmp_path / "r*")


def _epochs(pattern, runs=8, **arguments):
    with tf.Graph().as_default(), tf.Session() as session:
        records = tf.contrib.framework.RecordInput(pattern, batch_size=3, buffer_size=4, **arguments).get_yield_op()
        assert (records.op.type, records.dtype, records.shape.ndims) == ("RecordInput", tf.string, None)
        return [record for _ in range(runs) for record in session.run(records)]


def test_all_records_come_again_and_again(files):
    found = _epochs(files, seed=3)
    # What is held back at the end of an epoch comes in the next one.
    assert len(set(found)) == 12
    assert max(Counter(found).values()) <= 3


def test_a_seed_settles_the_order(files):
    assert _epochs(files, seed=5) == _epochs(files, seed=5) != _epochs(files, seed=6)


def test_batches(files):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        made = tf.contrib.framework.RecordInput(files, batch_size=3, batches=2, name="in").get_yield_op()
        assert [len(batch) for batch in made] == [3, 3]
        assert made[0][1].op.name == "in_1/Reshape_2"
        assert graph.get_operation_by_name("in").get_attr("batch_size") == 6
        values = session.run(made)
    assert len({record for batch in values for record in batch}) == 6


def test_no_files_and_empty_files(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="Found no files at"):
        _epochs(str(tmp_path / "no*"))
    tf.python_io.TFRecordWriter(str(tmp_path / "empty")).close()
    with pytest.raises(tf.errors.OutOfRangeError):
        _epochs(str(tmp_path / "empty"))
    with pytest.raises(ValueError, match=r"[Nn]ot a valid compression.type"):
        _epochs(str(tmp_path / "empty"), compression_type="x")


def test_fact():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.user_ops.my_fact()) == b"0! == 1"
