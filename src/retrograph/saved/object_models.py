"""`tf.saved_model.save` and `load_v2`: models as objects, which TensorFlow 1.15 saves and loads when it runs eagerly."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from retrograph.framework import errors
from retrograph.framework.exports import export

_INSTEAD = {
    "save": "build a graph and use tf.saved_model.simple_save, tf.saved_model.Builder or tf.train.Checkpoint",
    "load_v2": "use tf.saved_model.load with a session, or tf.contrib.predictor.from_saved_model",
}


def _refuse(name: str) -> NoReturn:
    raise errors.UnimplementedError(
        None,
        None,
        f"tf.saved_model.{name} is not supported: it needs objects with functions. Instead {_INSTEAD[name]}.",
    )


@export("saved_model.save", "saved_model.experimental.save")
def save(obj: Any, export_dir: Any, signatures: Any = None) -> None:
    """Refused: 1.15 saves objects with variables when it runs eagerly only.

    Raises: UnimplementedError. Source: TF 1.15 `tf.saved_model.save`.
    """
    _refuse("save")


@export("saved_model.load_v2")
def load_v2(export_dir: Any, tags: Any = None) -> Any:
    """Refused. Raises: OSError: no SavedModel is there; UnimplementedError. Source: TF 1.15 `tf.saved_model.load_v2`."""
    folder = os.fsdecode(export_dir)
    if not any(os.path.exists(os.path.join(folder, f"saved_model.{ending}")) for ending in ("pb", "pbtxt")):
        raise OSError(f"SavedModel file does not exist at: {folder}/{{saved_model.pbtxt|saved_model.pb}}")
    _refuse("load_v2")
