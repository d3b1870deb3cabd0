"""Restoring checkpoints of `tf.train.Checkpoint` by the names of variables, which they tell beside their own keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import retrograph as tf
from retrograph.checkpoint.opening import open_checkpoint
from retrograph.framework import errors
from retrograph.framework.messages import message_class
from retrograph.train.saveable import SaveableObject, all_saveables

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def object_graph_key_mapping(checkpoint_path: str) -> dict[str, str]:
    """The keys in a checkpoint of a `tf.train.Checkpoint` by the names of variables.

    Raises: NotFoundError for another checkpoint.
    Source: TF 1.15 `saver.object_graph_key_mapping`.
    """
    reader = open_checkpoint(checkpoint_path)
    if _OBJECT_GRAPH not in reader:
        raise errors.NotFoundError(None, None, f"Key {_OBJECT_GRAPH} not found in checkpoint")
    graph = message_class("tensorflow.TrackableObjectGraph").FromString(reader.read(_OBJECT_GRAPH)[()])
    return {a.full_name: a.checkpoint_key for node in graph.nodes for a in node.attributes}


def saver_from_object_based_checkpoint(
    checkpoint_path: str, var_list: Any = None, builder: Any = None, names_to_keys: Any = None, cached_saver: Any = None
) -> Any:
    """A saver that reads variables from a checkpoint of a `tf.train.Checkpoint` by their names.

    `cached_saver`, if given, is given back: only names are checked.
    Raises: ValueError for another checkpoint; NotFoundError: a variable has a name that it does not tell.
    Source: TF 1.15 `saver.saver_from_object_based_checkpoint`.
    """
    if names_to_keys is None:
        try:
            names_to_keys = object_graph_key_mapping(checkpoint_path)
        except errors.NotFoundError:
            raise ValueError(f"Checkpoint in {checkpoint_path} not an object-based checkpoint.") from None
    if var_list is None:
        from retrograph.train.saver import _all_saveable_objects

        var_list = _all_saveable_objects()
    saveables = all_saveables(var_list)
    _check_names(saveables, names_to_keys)
    for saveable in saveables:
        for spec in saveable.specs:
            spec.name = names_to_keys[spec.name]
    return tf.train.Saver(saveables) if cached_saver is None else cached_saver


def _check_names(saveables: Iterable[SaveableObject], names_to_keys: dict[str, str]) -> None:
    wanted = {spec.name for saveable in saveables for spec in saveable.specs}
    told = set(names_to_keys)
    if wanted <= told:
        return
    raise errors.NotFoundError(
        None,
        None,
        f"\n\nExisting variables not in the checkpoint: {', '.join(sorted(wanted - told))}\n\n"
        "Variables names when this checkpoint was written which don't exist now: "
        f"{', '.join(sorted(told - wanted))}\n\n"
        f"({len(told & wanted)} variable name(s) did match)\n\n"
        "Could not find some variables in the checkpoint (see names above). Saver was attempting to load an object-based "
        "checkpoint (saved using tf.train.Checkpoint or tf.keras.Model.save_weights) using variable names. If the "
        "checkpoint was written with eager execution enabled, it's possible that variable names have changed (for example "
        "missing a '_1' suffix). It's also possible that there are new variables which did not exist when the checkpoint "
        "was written. You can construct a Saver(var_list=...) with only the variables which previously existed, and if "
        "variable names have changed you may need to make this a dictionary with the old names as keys. If you're using an "
        "Estimator, you'll need to return a tf.train.Saver inside a tf.train.Scaffold from your model_fn.",
    )
