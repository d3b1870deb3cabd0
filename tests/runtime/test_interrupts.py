"""Handlers of signals that raise: whatever they end, the process and the variables stay whole."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from retrograph.framework.interrupts import InterruptsDeferred


class _EndedError(BaseException):
    pass


def _end(number, frame):
    raise _EndedError(number)


@pytest.fixture
def handlers():
    before = {number: signal.signal(number, _end) for number in (signal.SIGALRM, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_handlers_run_after_the_block(handlers):
    done = []
    with pytest.raises(_EndedError), InterruptsDeferred():
        os.kill(os.getpid(), signal.SIGALRM)
        done.append(1)
    assert done == [1] and signal.getsignal(signal.SIGALRM) is _end


def test_all_handlers_run_though_the_first_raises(handlers):
    with pytest.raises(_EndedError) as raised, InterruptsDeferred():
        os.kill(os.getpid(), signal.SIGALRM)
        os.kill(os.getpid(), signal.SIGUSR1)
    assert {raised.value.args[0], raised.value.__context__.args[0]} == {signal.SIGALRM, signal.SIGUSR1}
    assert signal.getsignal(signal.SIGUSR1) is _end


def test_what_no_handler_in_python_takes_is_left_alone(handlers):
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    with InterruptsDeferred():
        assert signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGUSR1)


def test_other_threads_change_no_handlers(handlers):
    seen = []

    def look():
        with InterruptsDeferred():
            seen.append(signal.getsignal(signal.SIGALRM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [_end]


_MODEL = """
import os, signal, sys, threading, time
import numpy as np
import retrograph as tf
v = tf.Variable(np.zeros((64, 64), np.float32))
x = tf.placeholder(tf.float32, [None, 64])
step = tf.assign_add(v, tf.matmul(x, x, transpose_a=True))
batch = np.ones((5000, 64), np.float32)
sess = tf.Session()
sess.run(v.initializer)
"""

_WHOLE = """
got = sess.run(v)
assert np.all(got == got[0, 0]) and got[0, 0] % 5000 == 0, got
print("whole", ended > 0)
"""

# Each limit ends the first run at another place: while JAX is imported, while the program is traced or compiled, later.
_LIMITED = """
class Ended(BaseException): pass
def end(*_): raise Ended
signal.signal(signal.SIGALRM, end)
ended = 0
for limit in (0.02, 0.1, 0.1, 0.3, 0.1, 0.02, 0.01, 0.01, 0.005, 0.005):
    try:
        signal.setitimer(signal.ITIMER_REAL, limit)
        for _ in range(200):
            sess.run(step, {x: batch})
    except Ended:
        ended += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""

# Whoever starts the tests in the background has them ignore Ctrl-C, and what they start too.
_INTERRUPTED = """
signal.signal(signal.SIGINT, signal.default_int_handler)
sess.run(step, {x: batch})
ended = 0
def pester():
    for _ in range(20):
        time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=pester, daemon=True).start()
end = time.time() + 0.8
while time.time() < end:
    try:
        sess.run(step, {x: batch})
    except KeyboardInterrupt:
        ended += 1
"""


@pytest.mark.parametrize("stopping", [_LIMITED, _INTERRUPTED], ids=["time limits", "ctrl-c"])
def test_what_stops_a_run_leaves_process_and_variables_whole(stopping: str) -> None:
    program = _MODEL + stopping + _WHOLE
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert out.stdout.strip() == "whole True", out.stderr[-2000:]
