"""The weights of models in checkpoints of TensorFlow's format."""

from __future__ import annotations

import os
from typing import Any

from retrograph.framework import errors
from retrograph.keras.state import get_session

_HDF5 = (".h5", ".keras", ".hdf5")


def parts_of(model: Any) -> list[tuple[str, Any]]:
    """The parts of a model's object graph: its layers, by their places; those of a subclass also by attribute."""
    weights = [*model._trainable_weights, *model._non_trainable_weights]
    if not model._is_graph_network and type(model).__name__ != "Sequential":
        parts = _attributes(model)
        held = {id(v) for _, part in parts for v in (getattr(part, "_held_variables", None) or [part])}
        return parts + [(v.op.name.rpartition("/")[2], v) for v in weights if id(v) not in held]
    weighty = [layer for layer in model._layers if getattr(layer, "weights", None)]
    parts = [(f"layer_with_weights-{i}", layer) for i, layer in enumerate(weighty)]
    parts += [(f"layer-{i}", layer) for i, layer in enumerate(model._layers)]
    return parts + [(v.op.name.rpartition("/")[2], v) for v in weights]


def _attributes(model: Any) -> list[tuple[str, Any]]:
    """What a model of a subclass holds as attributes that a checkpoint can follow."""
    from retrograph.train.tracking import Trackable, holds_parts
    from retrograph.variables.base import Variable

    known = {name: value for name, value in vars(model).items() if name not in vars(model).get("_untracked_names", ())}
    return [
        (name, value)
        for name, value in known.items()
        if isinstance(value, (Variable, Trackable))
        or (any(value is layer for layer in model._layers) and holds_parts(value))
    ]


def _needs_hdf5(filepath: str, save_format: Any) -> bool:
    if save_format is None:
        return filepath.endswith(_HDF5)
    wanted = save_format.lower().strip()
    if wanted in ("hdf5", "h5", "keras"):
        return True
    if wanted not in ("tensorflow", "tf"):
        raise ValueError(f'Unknown format "{save_format}". Was expecting one of {{"tf", "h5"}}.')
    if filepath.endswith(_HDF5):
        raise ValueError(
            f'save_weights got save_format="tf"/"tensorflow", but the filepath ("{filepath}") looks like an HDF5 file. Omit the ".h5"/".keras" when saving in TensorFlow format.'
        )
    return False


def save_weights(model: Any, filepath: Any, overwrite: bool, save_format: Any) -> None:
    """Writes the weights; ImportError for HDF5, ValueError for an unknown format."""
    from retrograph.checkpoint.management import write_state
    from retrograph.train.checkpoint_object import TrackableSaver

    path = os.fspath(filepath)
    if _needs_hdf5(path, save_format):
        raise ImportError(
            "`save_weights` requires h5py when saving in hdf5. Retrograph writes TensorFlow's format only."
        )
    if not overwrite and os.path.isfile(path + ".index"):
        raise errors.AlreadyExistsError(None, None, f"save_weights: {path} is there already, and overwrite=False")
    TrackableSaver(model).save(path, session=get_session())
    write_state(os.path.dirname(path), path, save_relative_paths=True)


def load_weights(model: Any, filepath: Any, by_name: bool) -> Any:
    """Reads the weights. Raises ImportError: HDF5; NotImplementedError: `by_name`."""
    from retrograph.train.checkpoint_object import TrackableSaver

    path = os.fspath(filepath)
    if path.endswith(_HDF5):
        raise ImportError(
            "`load_weights` requires h5py when loading weights from HDF5. Retrograph reads TensorFlow's format only."
        )
    if by_name:
        raise NotImplementedError(
            "Weights may only be loaded based on topology into Models when loading TensorFlow-formatted weights (got by_name=True to load_weights)."
        )
    session = get_session()
    status = TrackableSaver(model).restore(path)
    status.assert_nontrivial_match()
    status.run_restore_ops(session)
    return status
