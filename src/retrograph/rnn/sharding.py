"""Variables of older cells that are made in pieces."""

from __future__ import annotations

from typing import Any

import retrograph as tf


def joined_variable(name: str, shape: list[int], dtype: Any, count: int) -> Any:
    """A variable as `count` variables `name_0`, `name_1`, ... of rows, joined once a graph and scope; ValueError for more pieces than rows."""
    pieces = _pieces(name, shape, dtype, count)
    if len(pieces) == 1:
        return pieces[0]
    full = f"{tf.get_variable_scope().name}/{name}/concat:0"
    known = tf.get_collection(tf.GraphKeys.CONCATENATED_VARIABLES)
    found = next((value for value in known if value.name == full), None)
    if found is None:
        found = tf.concat(pieces, 0, name=f"{name}/concat")
        tf.add_to_collection(tf.GraphKeys.CONCATENATED_VARIABLES, found)
    return found


def _pieces(name: str, shape: list[int], dtype: Any, count: int) -> list[Any]:
    if count > shape[0]:
        raise ValueError(f"Too many shards: shape={shape}, num_shards={count}")
    size, more = divmod(shape[0], count)
    return [
        tf.get_variable(f"{name}_{i}", [size + (i < more), *shape[1:]], dtype=dtype)
        for i in range(count)
    ]  # fmt: skip
