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
