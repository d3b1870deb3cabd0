"""`SessionManager`: makes sessions whose variables have values, from a checkpoint or by initializing."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from retrograph.checkpoint import management
from retrograph.framework import errors
from retrograph.framework.default_graph import get_default_graph
from retrograph.framework.exports import export
from retrograph.framework.graph import Graph
from retrograph.platform import logging
from retrograph.runtime.session import Session


@export("train.SessionManager")
class SessionManager:
    """Makes sessions that are ready: restored from a checkpoint, or initialized.

    Raises: ValueError: `ready_for_local_init_op` without `local_init_op`.
    Source: TF 1.15 `tf.train.SessionManager`.
    """

    def __init__(
        self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None,
        graph: Graph | None = None, recovery_wait_secs: float = 30, local_init_run_options: Any = None,
    ):  # fmt: skip
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                f"If you pass a ready_for_local_init_op you must also pass a local_init_op , ready_for_local_init_op [{ready_for_local_init_op}]"
            )
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = get_default_graph() if graph is None else graph
        self._recovery_wait_secs = recovery_wait_secs
        self._target: Any = None
        self._local_init_run_options = local_init_run_options

    def _restored(
        self, master: Any, saver: Any, folder: Any, path: Any, wait: bool, max_wait_secs: float, config: Any
    ) -> tuple[Any, bool]:
        """A session, and whether it was restored from a checkpoint."""
        self._target = master
        sess = Session(master, graph=self._graph, config=config)
        try:
            return sess, self._restore(sess, saver, folder, path, wait, max_wait_secs)
        except BaseException:
            sess.close()
            raise

    def _restore(self, sess: Any, saver: Any, folder: Any, path: Any, wait: bool, max_wait_secs: float) -> bool:
        if folder and path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if not saver or not (folder or path):
            return False
        if path:
            saver.restore(sess, path)
            return True
        state = self._checkpoint_state(folder, max_wait_secs if wait else 0)
        if state is None:
            return False
        saver.restore(sess, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return True

    def _checkpoint_state(self, folder: Any, max_wait_secs: float) -> Any:
        waited = 0.0
        while True:
            state = management.get_checkpoint_state(folder)
            if state and state.model_checkpoint_path:
                return state
            if waited >= max_wait_secs:
                return None
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(self._recovery_wait_secs)
            waited += self._recovery_wait_secs

    def prepare_session(
        self, master: Any, init_op: Any = None, saver: Any = None, checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
        config: Any = None, init_feed_dict: Any = None, init_fn: Any = None,
    ) -> Any:  # fmt: skip
        """A session restored from the newest checkpoint; without one, initialized by `init_op` and `init_fn`.

        Raises: RuntimeError: variables have no values even so.
        Source: TF 1.15 `tf.train.SessionManager.prepare_session`.
        """
        sess, restored = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        try:
            if not restored:
                self._initialize(sess, init_op, init_feed_dict, init_fn)
            self._check_ready(sess, init_op, init_fn)
        except BaseException:
            sess.close()
            raise
        return sess

    def _initialize(self, sess: Any, init_op: Any, feeds: Any, init_fn: Any) -> None:
        if init_op is None and not init_fn and self._local_init_op is None:
            raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
        if init_op is not None:
            sess.run(init_op, feed_dict=feeds)
        if init_fn:
            init_fn(sess)

    def _check_ready(self, sess: Any, init_op: Any, init_fn: Any) -> None:
        made, problem = self._try_run_local_init_op(sess)
        if not made:
            raise RuntimeError(
                f"Init operations did not make model ready for local_init.  Init op: {_name(init_op)}, init fn: {init_fn}, error: {problem}"
            )
        ready, problem = self._model_ready(sess)
        if not ready:
            raise RuntimeError(
                f"Init operations did not make model ready.  Init op: {_name(init_op)}, init fn: {init_fn}, local_init_op: {self._local_init_op}, error: {problem}"
            )

    def recover_session(
        self, master: Any, saver: Any = None, checkpoint_dir: Any = None, checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False, max_wait_secs: float = 7200, config: Any = None,
    ) -> tuple[Any, bool]:  # fmt: skip
        """A session, and whether it was restored from a checkpoint and is ready.

        Source: TF 1.15 `tf.train.SessionManager.recover_session`.
        """
        sess, restored = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        made, problem = self._try_run_local_init_op(sess)
        if not restored:
            return sess, False
        source = checkpoint_dir or checkpoint_filename_with_path
        if not made:
            logging.info("Restoring model from %s did not make model ready for local init: %s", source, problem)
            return sess, False
        ready, problem = self._model_ready(sess)
        if not ready:
            logging.info("Restoring model from %s did not make model ready: %s", source, problem)
            return sess, False
        logging.info("Restored model from %s", source)
        return sess, True

    def wait_for_session(self, master: Any, config: Any = None, max_wait_secs: float | None = float("inf")) -> Any:
        """A session of a model that somebody else initializes.

        Raises: DeadlineExceededError.
        Source: TF 1.15 `tf.train.SessionManager.wait_for_session`.
        """
        self._target = master
        limit = float("inf") if max_wait_secs is None else max_wait_secs
        until = time.time() + limit
        while True:
            sess = Session(master, graph=self._graph, config=config)
            made, problem = self._try_run_local_init_op(sess)
            if made:
                ready, problem = self._model_ready(sess)
                if ready:
                    return sess
            sess.close()
            if max(0, until - time.time()) < self._recovery_wait_secs:
                text = f"Session was not ready after waiting {int(limit) if limit != float('inf') else limit} secs."
                raise errors.DeadlineExceededError(None, None, text)
            logging.info("Waiting for model to be ready.  %s", problem)
            time.sleep(self._recovery_wait_secs)

    def _model_ready(self, sess: Any) -> tuple[bool, str | None]:
        return _ready(self._ready_op, sess, "Model not ready")

    def _model_ready_for_local_init(self, sess: Any) -> tuple[bool, str | None]:
        return _ready(self._ready_for_local_init_op, sess, "Model not ready for local init")

    def _try_run_local_init_op(self, sess: Any) -> tuple[bool, str | None]:
        if self._local_init_op is None:
            return True, None
        ready, problem = self._model_ready_for_local_init(sess)
        if ready:
            logging.info("Running local_init_op.")
            sess.run(self._local_init_op, options=self._local_init_run_options)
            logging.info("Done running local_init_op.")
        return ready, problem


def _name(obj: Any) -> str:
    return "None" if obj is None else getattr(obj, "name", f"<no name for {type(obj)}>")


def _ready(op: Any, sess: Any, text: str) -> tuple[bool, str | None]:
    """Whether all variables have values, as `op` tells; else which have none."""
    if op is None:
        return True, None
    try:
        found = sess.run(op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            logging.warning("%s : error [%s]", text, error)
            raise
        return False, str(error)
    if found is None or found.dtype == np.int32 or found.size == 0:
        return True, None
    return False, f"Variables not initialized: {', '.join(n.decode() for n in found)}"
