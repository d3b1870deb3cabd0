"""`Scaffold`: the operations that a training session needs beside the model, made where a program does not give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import retrograph as tf
from retrograph.framework.collections import GraphKeys
from retrograph.framework.default_graph import add_to_collection, get_collection, get_default_graph
from retrograph.framework.exports import export
from retrograph.ops import resources
from retrograph.platform import logging

_PARTS = ("init_op", "init_feed_dict", "ready_op", "ready_for_local_init_op", "local_init_op", "summary_op", "saver")


def get_saver_or_default() -> Any:
    """The saver of the graph's collection, made if there is none. Raises: RuntimeError if there are several."""
    savers = get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError(
            f"More than one item in collection {GraphKeys.SAVERS}. Please indicate which one to use by passing it to the constructor."
        )
    if savers:
        return savers[0]
    saver = tf.train.Saver(sharded=True, allow_empty=True)
    add_to_collection(GraphKeys.SAVERS, saver)
    return saver


@export("train.Scaffold")
class Scaffold:
    """What a training session needs beside the model: init, ready, local init and summary operations, and a saver.

    What is not given is taken from the graph's collections or made by `finalize`, which also finalizes the graph.
    Source: TF 1.15 `tf.train.Scaffold`.
    """

    def __init__(
        self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Any = None, ready_op: Any = None,
        ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None, saver: Any = None,
        copy_from_scaffold: Any = None,
    ):  # fmt: skip
        given: tuple[Any, ...] = (
            init_op,
            init_feed_dict,
            ready_op,
            ready_for_local_init_op,
            local_init_op,
            summary_op,
            saver,
        )
        if copy_from_scaffold is not None:
            if not isinstance(copy_from_scaffold, Scaffold):
                raise TypeError("copy_from_scaffold is not a Scaffold instance.")
            others = [getattr(copy_from_scaffold, part) for part in _PARTS]
            given = tuple(b if a is None else a for a, b in zip(given, others, strict=True))
            init_fn = copy_from_scaffold._user_init_fn if init_fn is None else init_fn
        self._user_init_fn: Any = init_fn
        self._init_fn = (lambda sess: init_fn(self, sess)) if init_fn else None
        (
            self._init_op,
            self._init_feed_dict,
            self._ready_op,
            self._ready_for_local_init_op,
            self._local_init_op,
            self._summary_op,
            self._saver,
        ) = given

    def finalize(self) -> Scaffold:
        """Makes what is missing and finalizes the graph. Source: TF 1.15 `tf.train.Scaffold.finalize`."""
        for part, (key, make) in _DEFAULTS.items():
            if getattr(self, f"_{part}") is None:
                setattr(self, f"_{part}", Scaffold.get_or_default(part, key, make))
        if self._saver is None:
            self._saver = get_saver_or_default()
        build = getattr(self._saver, "build", None)
        if build is None:
            raise tf.errors.UnimplementedError(
                None, None, f"Scaffold(saver={type(self._saver).__name__}) is not supported; pass a tf.train.Saver"
            )
        build()
        get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @property
    def init_fn(self) -> Any:
        """The function of a session that initializes further, or None."""
        return self._init_fn

    @property
    def init_op(self) -> Any:
        """The operation that initializes variables."""
        return self._init_op

    @property
    def ready_op(self) -> Any:
        """The tensor of the names of variables without values."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """The tensor of the names of global variables without values."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """The operation that initializes what is not saved: local variables and tables."""
        return self._local_init_op

    @property
    def summary_op(self) -> Any:
        """The summaries of the graph, or None."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """The saver."""
        return self._saver

    @property
    def init_feed_dict(self) -> Any:
        """What is fed to `init_op`."""
        return self._init_feed_dict

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The item of a collection, made and added if there is none.

        Raises: RuntimeError if there are several.
        Source: TF 1.15 `tf.train.Scaffold.get_or_default`.
        """
        elements = get_collection(collection_key)
        if len(elements) > 1:
            raise RuntimeError(
                f'More than one item in the collection "{collection_key}". Please indicate which one to use by passing it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}=item to use)'
            )
        if elements:
            return elements[0]
        made = default_constructor()
        if made is not None:
            add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Initializes local variables, tables and local resources.

        Source: TF 1.15 `tf.train.Scaffold.default_local_init_op`.
        """
        return tf.group(
            tf.local_variables_initializer(),
            tf.tables_initializer(),
            resources.initialize_resources(resources.local_resources()),
        )


def _init_op() -> Any:
    shared = resources.shared_resources()
    return tf.group(tf.global_variables_initializer(), resources.initialize_resources(shared))


def _ready_op() -> Any:
    return tf.concat([tf.report_uninitialized_variables(), resources.report_uninitialized_resources()], 0)


def _ready_for_local_init_op() -> Any:
    missing = tf.report_uninitialized_variables(tf.global_variables())
    return tf.concat([missing, resources.report_uninitialized_resources(resources.shared_resources())], 0)


def _summary_op() -> Any:
    return tf.summary.merge_all()


_DEFAULTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "init_op": (GraphKeys.INIT_OP, _init_op),
    "ready_op": (GraphKeys.READY_OP, _ready_op),
    "ready_for_local_init_op": (GraphKeys.READY_FOR_LOCAL_INIT_OP, _ready_for_local_init_op),
    "local_init_op": (GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op),
    "summary_op": (GraphKeys.SUMMARY_OP, _summary_op),
}
