"""`tf.train.SaverDef`: what names a saver's operations."""

from __future__ import annotations

from typing import Any

from retrograph.framework.exports import export_value
from retrograph.framework.messages import message_class

SaverDef: Any = export_value("train.SaverDef", message_class("tensorflow.SaverDef"))
