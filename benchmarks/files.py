"""Files: checkpoints listed, saved and restored, beside a plain copy with checksums. Runs under Python 3.7 too."""

from __future__ import annotations

import os
import shutil
import tempfile
import time

import numpy as np

VARIABLES, PARTS = 10000, 16
MEGABYTES = int(os.environ.get("RETROGRAPH_BENCHMARK_MEGABYTES", "1024"))


def _place():
    """A directory in memory if there is one: disks differ more than programs."""
    return tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def _timed(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def _median(seconds):
    return sorted(seconds)[len(seconds) // 2]


def _touch_memory(place):
    """Writes and deletes a file as large as those that are measured.

    Virtual machines give memory that is free back to their host; the first one who uses it again waits for it, several
    times as long as the writing takes. Once is not always enough, so that what writes is also measured several times.
    """
    path = os.path.join(place, "touched")
    block = bytes(1 << 20)
    with open(path, "wb", buffering=0) as file:
        for _ in range(MEGABYTES + MEGABYTES // 8):
            file.write(block)
    os.remove(path)


def _in_place(measure, *args):
    place = _place()
    try:
        return measure(place, *args)
    finally:
        shutil.rmtree(place)


def _saved_names(tf, place):
    with tf.Graph().as_default(), tf.Session() as session:
        for i in range(VARIABLES):
            name = "layer_%d/block_%d/kernel_%d" % (i // 100, i // 10 % 10, i)
            tf.get_variable(name, [i % 7 + 1, 2], initializer=tf.zeros_initializer())
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, os.path.join(place, "names"), write_meta_graph=False)


def list_variables(tf, count=9):
    """Seconds to list a checkpoint of 10,000 variables."""

    def measure(place):
        prefix = _saved_names(tf, place)
        tf.train.list_variables(prefix)
        return _median([_timed(tf.train.list_variables, prefix) for _ in range(count)])

    return _in_place(measure)


def _with_variables(tf, place, action):
    size = MEGABYTES * (1 << 20) // 4 // PARTS
    with tf.Graph().as_default(), tf.Session() as session:
        for i in range(PARTS):
            tf.get_variable("v_%d" % i, [size], initializer=tf.random_uniform_initializer())
        session.run(tf.global_variables_initializer())
        return action(session, tf.train.Saver(max_to_keep=1), os.path.join(place, "m"))


def save(tf, count=5):
    """Seconds to save a gigabyte of variables, beside the checkpoint before it, which is deleted then."""

    def measure(session, saver, prefix):
        def again(step):
            _touch_memory(os.path.dirname(prefix))
            return _timed(lambda: saver.save(session, prefix, step, write_meta_graph=False))

        return _median([again(step) for step in range(count + 2)][2:])

    return _in_place(lambda place: _with_variables(tf, place, measure))


def restore(tf, count=3):
    """Seconds to restore a gigabyte of variables until they can be used."""

    def measure(session, saver, prefix):
        path = saver.save(session, prefix, 0, write_meta_graph=False)
        first = [v[0] for v in tf.global_variables()]
        session.run(first)

        def again():
            saver.restore(session, path)
            session.run(first)

        return _median([_timed(again) for _ in range(count)])

    return _in_place(lambda place: _with_variables(tf, place, measure))


def copy(count=5):
    """Seconds to copy a file of a gigabyte with its CRC-32C taken, by Python and the library."""
    import google_crc32c

    def copied(source, target):
        checksum = google_crc32c.Checksum()
        with open(source, "rb", buffering=0) as file, open(target, "wb", buffering=0) as out:
            data = file.read(1 << 20)
            while data:
                checksum.update(data)
                out.write(data)
                data = file.read(1 << 20)
            os.fsync(out.fileno())

    def measure(place):
        source, target = (os.path.join(place, name) for name in ("source", "target"))
        block = np.random.RandomState(0).bytes(1 << 20)
        with open(source, "wb") as file:
            for _ in range(MEGABYTES):
                file.write(block)

        def again():
            _touch_memory(place)
            seconds = _timed(copied, source, target)
            os.remove(target)
            return seconds

        return _median([again() for _ in range(count)])

    return _in_place(measure)


FILES = {
    "list a checkpoint of 10,000 variables": list_variables,
    "save 1 GB of variables": save,
    "restore 1 GB of variables": restore,
}
COPY = "copy a file of 1 GB with CRC-32C"
