"""`tf.logging`: format and levels."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


_LEVEL = """
import logging
import retrograph as tf
logging.getLogger("tensorflow").setLevel(logging.{level})
tf.logging.info("one")
tf.logging.warning("two")
tf.logging.error("three")
print(tf.logging.get_verbosity())
"""


@pytest.mark.parametrize(("level", "shown"), [("INFO", 3), ("WARNING", 2), ("ERROR", 1), ("NOTSET", 2)])
def test_the_level_that_a_program_sets_before_anything_is_logged(level: str, shown: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LEVEL.format(level=level)], capture_output=True, text=True, check=True
    )
    assert len(done.stderr.splitlines()) == shown
    assert done.stderr.endswith("ERROR:tensorflow:three\n")


def test_a_program_that_configures_the_root_logger_decides() -> None:
    program = "import logging\nlogging.basicConfig(level=logging.INFO, format='%(message)s')\n" + _LEVEL
    command = [sys.executable, "-c", program.format(level="NOTSET")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["one", "two", "three"] and done.stdout == "20\n"
