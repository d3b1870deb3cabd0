"""Kills a program that saves checkpoints, again and again: `python tests/slow/kills.py --count 200`.

A child process trains and saves with `tf.train.Saver(max_to_keep=3)` and prints each step whose save has returned; it is
killed (SIGKILL) at a random moment. Then the newest checkpoint must be found, be whole, be of one step, and not be older
than the last one that was printed. The next child goes on in the same directory. With `--same-name` all saves go to one name.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SOURCE = str(Path(__file__).resolve().parent.parent.parent / "src")
sys.path.insert(0, SOURCE)
VARIABLES, SIZE = 8, 60_000


def _graph() -> tuple[Any, Any, Any]:
    """(step, an operation that adds one to all variables, saver)."""
    import retrograph as tf

    step = tf.get_variable("step", [], tf.int64, initializer=tf.zeros_initializer())
    parts = [tf.get_variable(f"v{i}", [SIZE], initializer=tf.zeros_initializer()) for i in range(VARIABLES)]
    with tf.control_dependencies([step.assign_add(1)]):
        advance = tf.group(*(v.assign_add(tf.ones([SIZE])) for v in parts))
    return step, advance, tf.train.Saver(max_to_keep=3)


def save_for_ever(directory: str, same_name: bool) -> None:
    """What the child does."""
    import retrograph as tf

    tf.logging.set_verbosity(tf.logging.ERROR)
    step, advance, saver = _graph()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        state = tf.train.get_checkpoint_state(directory)
        if state is not None:
            saver.restore(session, tf.train.latest_checkpoint(directory))
            saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        while True:
            session.run(advance)
            now = int(session.run(step))
            saver.save(session, os.path.join(directory, "m"), global_step=None if same_name else now)
            print(now, flush=True)


def _kill_once(directory: str, same_name: bool, rng: random.Random) -> int:
    """The last step that was printed, 0 if none was."""
    command = [sys.executable, __file__, "--child", directory, *(["--same-name"] if same_name else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(rng.random() * 0.15)
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.stdout.read().splitlines()]
    whole = [int(line) for line in lines if line.strip().isdecimal()]
    return max(whole, default=0)


def _problem(directory: str, printed: int) -> str:
    """What is wrong with the newest checkpoint; empty if nothing is."""
    import retrograph as tf

    path = tf.train.latest_checkpoint(directory)
    if path is None:
        return "no checkpoint was found"
    with tf.Graph().as_default(), tf.Session() as session:
        step, _, saver = _graph()
        saver.restore(session, path)
        found = int(session.run(step))
        values = {float(x) for v in tf.global_variables()[1:] for x in (session.run(v).min(), session.run(v).max())}
    if values != {float(found)}:
        return f"step {found}, values {values}"
    if found < printed:
        return f"step {printed} was saved, {found} was found"
    return "" if len(tf.train.list_variables(path)) == VARIABLES + 1 else "variables are missing"


def run(count: int, seed: int, same_name: bool, directory: str) -> list[str]:
    """The problems after so many kills."""
    import retrograph as tf

    tf.logging.set_verbosity(tf.logging.FATAL)
    rng, problems, printed = random.Random(seed), [], 0
    for i in range(count):
        printed = max(printed, _kill_once(directory, same_name, rng))
        try:
            problem = _problem(directory, printed)
        except Exception as error:  # whatever it is, it is a finding
            problem = f"{type(error).__name__}: {error}"
        if problem:
            problems.append(f"kill {i}: {problem}")
            print(problems[-1], flush=True)
    left = sorted(os.listdir(directory))
    print(f"{count} kills, {printed} saves, {len(problems)} problems, {len(left)} files left", flush=True)
    return problems


def main() -> int:
    """The command."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--count", type=int, default=200)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--same-name", action="store_true")
    made.add_argument("--directory", help="where to save; a temporary one by default")
    made.add_argument("--child", help=argparse.SUPPRESS)
    options = made.parse_args()
    if options.child:
        save_for_ever(options.child, options.same_name)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        return 1 if run(options.count, options.seed, options.same_name, directory) else 0


if __name__ == "__main__":
    sys.exit(main())
