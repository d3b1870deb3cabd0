"""`tf.logging`: format and levels."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import retrograph as tf
tf.logging.info("hidden")
tf.logging.warn("shown %d", 1)
tf.logging.set_verbosity(tf.logging.INFO)
tf.logging.info("now")
for i in range(4):
    tf.logging.log_every_n(tf.logging.INFO, "every %d", 2, i)
    tf.logging.log_first_n(tf.logging.INFO, "first %d", 1, i)
tf.logging.fatal("goes on")
"""


def test_messages_look_as_in_tensorflow() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert done.stderr.splitlines() == [
        "WARNING:tensorflow:shown 1",
        "INFO:tensorflow:now",
        "INFO:tensorflow:every 0",
        "INFO:tensorflow:first 0",
        "INFO:tensorflow:every 2",
        "CRITICAL:tensorflow:goes on",
    ]
