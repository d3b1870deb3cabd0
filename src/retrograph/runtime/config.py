"""`ConfigProto`, `RunOptions` and their parts: accepted with TF's fields; docs/sessions.md says which have a meaning here."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export_value
from retrograph.framework.messages import message_class


def _of(name: str) -> Any:
    return message_class(f"tensorflow.{name}")


GPUOptions: Any = export_value("GPUOptions", _of("GPUOptions"))
OptimizerOptions: Any = export_value("OptimizerOptions", _of("OptimizerOptions"))
RewriterConfig: Any = _of("RewriterConfig")
GraphOptions: Any = export_value("GraphOptions", _of("GraphOptions"))
ThreadPoolOptions: Any = _of("ThreadPoolOptionProto")
RPCOptions: Any = _of("RPCOptions")
ClusterDef: Any = export_value("train.ClusterDef", _of("ClusterDef"))
JobDef: Any = export_value("train.JobDef", _of("JobDef"))
ServerDef: Any = export_value("train.ServerDef", _of("ServerDef"))
ConfigProto: Any = export_value("ConfigProto", _of("ConfigProto"))
RunOptions: Any = export_value("RunOptions", _of("RunOptions"))
StepStats: Any = _of("StepStats")
RunMetadata: Any = export_value("RunMetadata", _of("RunMetadata"))

# What `tf.config` was told, by the field's name: sessions without a config of their own take it.
process_settings: dict[Any, Any] = {}
_DIRECT = (
    "inter_op_parallelism_threads",
    "intra_op_parallelism_threads",
    "allow_soft_placement",
    "log_device_placement",
)
REWRITE_VALUES = ("disable_model_pruning", "disable_meta_optimizer", "min_graph_nodes")
REWRITE_TOGGLES = (
    "layout_optimizer",
    "constant_folding",
    "shape_optimization",
    "remapping",
    "arithmetic_optimization",
    "dependency_optimization",
    "loop_optimization",
    "function_optimization",
    "debug_stripper",
    "scoped_allocator_optimization",
    "pin_to_host_optimization",
    "implementation_selector",
    "auto_mixed_precision",
)


def _set_fields(message: Any, names: tuple[str, ...], value_of: Any = None) -> None:
    for name in names:
        value = process_settings.get(name)
        if value is not None:
            setattr(message, name, value_of(value) if value_of is not None else value)


def config_of_process() -> Any:
    """The ConfigProto of a session that is given none: what `tf.config` set. Raises TypeError: a value of a wrong type."""
    made = ConfigProto()
    if process_settings:
        _set_fields(made, _DIRECT)
        rewrite = made.graph_options.rewrite_options
        _set_fields(rewrite, REWRITE_VALUES)
        _set_fields(rewrite, REWRITE_TOGGLES, lambda on: RewriterConfig.ON if on else RewriterConfig.OFF)
        if process_settings.get("jit") is not None:
            level = OptimizerOptions.ON_1 if process_settings["jit"] else OptimizerOptions.OFF
            made.graph_options.optimizer_options.global_jit_level = level
    return made
