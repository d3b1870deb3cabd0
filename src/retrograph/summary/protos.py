"""The messages of event files: `tf.Summary`, `tf.Event` and their parts, in TF's wire format."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export_value
from retrograph.framework.messages import message_class

Summary: Any = export_value("Summary", "summary.Summary", message_class("tensorflow.Summary"))
SummaryMetadata: Any = export_value("SummaryMetadata", message_class("tensorflow.SummaryMetadata"))
HistogramProto: Any = export_value("HistogramProto", message_class("tensorflow.HistogramProto"))
Event: Any = export_value("Event", "summary.Event", message_class("tensorflow.Event"))
SessionLog: Any = export_value("SessionLog", "summary.SessionLog", message_class("tensorflow.SessionLog"))
LogMessage: Any = export_value("LogMessage", message_class("tensorflow.LogMessage"))
TaggedRunMetadata: Any = export_value("summary.TaggedRunMetadata", message_class("tensorflow.TaggedRunMetadata"))
SummaryDescription: Any = export_value("summary.SummaryDescription", message_class("tensorflow.SummaryDescription"))
