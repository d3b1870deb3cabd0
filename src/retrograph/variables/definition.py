"""What names a variable's operations, so that it can be found in another copy of its graph: `VariableDef`."""

from __future__ import annotations

from typing import Any

from retrograph.framework.messages import message_class

SaveSliceInfoDef: Any = message_class("tensorflow.SaveSliceInfoDef")
VariableDef: Any = message_class("tensorflow.VariableDef")


def without_scope(name: str, export_scope: str | None) -> str:
    """`name` without the scope in front of it."""
    scope = (export_scope or "").rstrip("/")
    return name[len(scope) + 1 :].lstrip("/") if scope and name.startswith(scope + "/") else name


def in_scope(name: str, import_scope: str | None) -> str:
    """`name` with a scope in front of it."""
    scope = (import_scope or "").rstrip("/")
    return f"{scope}/{name}" if scope else name


def definition_of(variable: Any, held: Any, snapshot: Any, export_scope: str | None) -> Any:
    """The definition of a variable, its names relative to `export_scope`; None if it is not in there."""
    if export_scope is not None and not held.name.startswith(export_scope):
        return None
    made = VariableDef(
        variable_name=without_scope(held.name, export_scope),
        initializer_name=without_scope(variable.initializer.name, export_scope),
        snapshot_name=without_scope(snapshot.name, export_scope),
        is_resource=held.op.type == "VarHandleOp",
        trainable=variable.trainable,
        synchronization=variable.synchronization.value,
        aggregation=variable.aggregation.value,
    )
    if variable.initial_value is not None:
        made.initial_value_name = without_scope(variable.initial_value.name, export_scope)
    info = variable._get_save_slice_info()
    if info is not None:
        made.save_slice_info_def.CopyFrom(info.to_proto(export_scope))
    return made
