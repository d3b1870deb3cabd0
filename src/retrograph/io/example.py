"""`tf.train.Example` and its parts: what a record of training data holds, in TF's wire format."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export_value
from retrograph.framework.messages import message_class

Int64List: Any = export_value("train.Int64List", message_class("tensorflow.Int64List"))
FloatList: Any = export_value("train.FloatList", message_class("tensorflow.FloatList"))
BytesList: Any = export_value("train.BytesList", message_class("tensorflow.BytesList"))
Feature: Any = export_value("train.Feature", message_class("tensorflow.Feature"))
Features: Any = export_value("train.Features", message_class("tensorflow.Features"))
FeatureList: Any = export_value("train.FeatureList", message_class("tensorflow.FeatureList"))
FeatureLists: Any = export_value("train.FeatureLists", message_class("tensorflow.FeatureLists"))
Example: Any = export_value("train.Example", message_class("tensorflow.Example"))
SequenceExample: Any = export_value("train.SequenceExample", message_class("tensorflow.SequenceExample"))
