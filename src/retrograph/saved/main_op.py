"""`tf.saved_model.main_op`: what a SavedModel runs when it has been loaded."""

from __future__ import annotations

from typing import Any

import retrograph as tf
from retrograph.framework.exports import export


@export("saved_model.main_op.main_op")
def main_op() -> Any:
    """An operation that initializes variables, local variables and tables.

    Source: TF 1.15 `tf.saved_model.main_op.main_op`.
    """
    return tf.group(tf.global_variables_initializer(), tf.local_variables_initializer(), tf.tables_initializer())


@export("saved_model.main_op_with_restore", "saved_model.main_op.main_op_with_restore")
def main_op_with_restore(restore_op_name: Any) -> Any:
    """An operation that initializes everything, then runs `restore_op_name`.

    Source: TF 1.15 `tf.saved_model.main_op_with_restore`.
    """
    with tf.control_dependencies([main_op()]):
        return tf.group(restore_op_name)
